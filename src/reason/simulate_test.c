/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "reason/comparison.h"
#include "reason/cures.h"

static const char policy_text[] =
    "version: 1\n"
    "segments:\n"
    "  clients: {networks: [10.10.0.0/16], trust: managed}\n"
    "  servers: {networks: [10.20.0.0/24], trust: managed}\n"
    "  appliances: {networks: [10.40.0.0/24], trust: managed}\n"
    "  vpn: {networks: [10.30.0.0/24], trust: managed}\n"
    "  guests: {networks: [10.66.0.0/16], trust: untrusted}\n"
    "groups:\n"
    "  dcs: {hosts: [10.20.0.11], role: domain-controller}\n"
    "  files: {hosts: [10.20.0.21, 10.20.0.22], role: file-server}\n"
    "  boxes: {hosts: [10.40.0.0/24], managed: false}\n"
    "  admins: {hosts: [10.10.9.0/28], role: management}\n"
    "allow:\n"
    "  - {name: logon, from: managed, to: dcs, service: smb}\n"
    "  - {name: shares, from: clients, to: files, service: smb}\n"
    "  - {name: sealed, from: vpn, to: files, service: smb, secure: kerberos}\n"
    "perimeter: []\n"
    "rings:\n"
    "  - {name: it, members: [admins]}\n"
    "  - {name: broad, members: all}\n"
    "assert:\n"
    "  - {never: {from: clients, to: internet, service: smb}}\n";

struct row {
    const char *name, *client, *server;
    uint16_t port;
    enum outcome outcome;
    enum profile profile;
    enum simulate_verdict first, last; /* in ring it, in ring broad */
    enum side at;
    bool is_ungoverned;
};

static const struct row rows[] = {
    {"allowed",                              "10.10.0.5", "10.20.0.21",  445,  OUTCOME_ESTABLISHED, PROFILE_UNKNOWN, SIMULATE_KEPT,
     SIMULATE_KEPT,                                                                                                                                          SIDE_CLIENT_OUTBOUND, false},
    {"client to client, worked",             "10.10.0.5", "10.10.0.6",   445,  OUTCOME_ACCESSED,    PROFILE_UNKNOWN,
     SIMULATE_ESCAPED,                                                                                                                 SIMULATE_BROKEN,      SIDE_CLIENT_OUTBOUND, false},
    {"client to client, never worked",       "10.10.0.5", "10.10.0.7",   445,  OUTCOME_NO_ANSWER,
     PROFILE_UNKNOWN,                                                                                                SIMULATE_ESCAPED, SIMULATE_STOPPED,     SIDE_CLIENT_OUTBOUND, false},
    {"admin in the first ring",              "10.10.9.3", "10.10.0.6",   445,  OUTCOME_ESTABLISHED, PROFILE_UNKNOWN,
     SIMULATE_BROKEN,                                                                                                                  SIMULATE_BROKEN,      SIDE_CLIENT_OUTBOUND, false},
    {"unmanaged client stops at the server", "10.40.0.5", "10.10.0.6",   445,  OUTCOME_ALLOWED,
     PROFILE_UNKNOWN,                                                                                                SIMULATE_ESCAPED, SIMULATE_BROKEN,      SIDE_SERVER_INBOUND,  false},
    {"guest",                                "10.66.0.9", "10.20.0.21",  445,  OUTCOME_ESTABLISHED, PROFILE_UNKNOWN,
     SIMULATE_ESCAPED,                                                                                                                 SIMULATE_STOPPED,     SIDE_SERVER_INBOUND,  false},
    {"never asserted",                       "10.10.0.5", "203.0.113.4", 445,  OUTCOME_ESTABLISHED, PROFILE_UNKNOWN,
     SIMULATE_STOPPED,                                                                                                                 SIMULATE_STOPPED,     SIDE_CLIENT_OUTBOUND, false},
    {"nothing enforces",                     "10.40.0.5", "10.40.0.6",   445,  OUTCOME_ESTABLISHED, PROFILE_UNKNOWN,
     SIMULATE_ESCAPED,                                                                                                                 SIMULATE_ESCAPED,     SIDE_CLIENT_OUTBOUND, false},
    {"needs IPsec",                          "10.30.0.4", "10.20.0.21",  445,  OUTCOME_ESTABLISHED, PROFILE_UNKNOWN,
     SIMULATE_KEPT,                                                                                                                    SIMULATE_UNDECIDABLE, SIDE_CLIENT_OUTBOUND, false},
    {"in a hotel",                           "10.10.0.5", "10.20.0.21",  445,  OUTCOME_ESTABLISHED, PROFILE_PUBLIC,
     SIMULATE_KEPT,                                                                                                                    SIMULATE_BROKEN,      SIDE_CLIENT_OUTBOUND, false},
    {"other service",                        "10.10.0.5", "10.10.0.6",   3389, OUTCOME_ESTABLISHED, PROFILE_UNKNOWN,
     SIMULATE_KEPT,                                                                                                                    SIMULATE_KEPT,        SIDE_CLIENT_OUTBOUND, true },
};

static struct addr addr_of(const char *text)
{
    struct addr a = {0};
    if (!addr_parse(str_of(text), &a)) fail_msg("%s", text);
    return a;
}

static void flow_of(const struct row *row, struct matrix_flow *flow, struct witness *witness)
{
    *witness = (struct witness){.source = S("a.pcap"), .reader = S("pcap")};
    *flow = (struct matrix_flow){
        .client = {.addr = addr_of(row->client)},
        .server = {.addr = addr_of(row->server)},
        .transport = TRANSPORT_TCP,
        .port = row->port,
        .connections = 1,
        .connections_exact = true,
        .evidence = witness,
        .n_evidence = 1,
    };
    flow->outcomes[row->outcome] = 1;
    flow->profiles[row->profile] = 1;
}

static void resolve(struct arena *arena, struct policy *policy, struct resolved *resolved)
{
    struct diagnostics found = {0};
    bool fine = policy_parse(S("policy.yaml"), str_of(policy_text), arena, policy, &found) &&
                resolve_policy(policy, NULL, 0, true, arena, resolved, &found);
    for (size_t i = 0; i < found.n; i++)
        print_message("%u: %.*s\n", found.items[i].place.line, STR_ARG(found.items[i].text));
    assert_true(fine);
}

static const struct simulated_flow *find(const struct simulated_ring *ring,
                                         const struct matrix_flow *flow)
{
    for (size_t i = 0; i < ring->n_flows; i++)
        if (ring->flows[i].flow == flow) return &ring->flows[i];
    return NULL;
}

static const char *verdict_of(const struct simulated_flow *flow)
{
    return simulate_verdict_text((enum simulate_verdict)flow->verdict).ptr;
}

static struct simulation run(const struct resolved *resolved, const struct decision *previous,
                             const struct replay *replay, struct arena *arena, struct arena scratch)
{
    struct simulate_question question = {
        .resolved = resolved,
        .decision = decision_build(resolved, NULL, arena, scratch),
        .replay = replay,
        .previous = previous,
    };
    return simulate(&question, arena, scratch);
}

static void verdicts_ring_by_ring(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct matrix_flow flows[COUNT_OF(rows)];
    struct witness witnesses[COUNT_OF(rows)];
    struct policy policy;
    struct resolved resolved;
    (void)state;
    resolve(&arena, &policy, &resolved);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        flow_of(&rows[i], &flows[i], &witnesses[i]);
    struct matrix_view matrix = {.flows = flows, .n_flows = COUNT_OF(rows)};
    struct replay replay = replay_of(&matrix, &arena, scratch);
    struct simulation s = run(&resolved, NULL, &replay, &arena, scratch);

    assert_int_equal(s.n_rings, 2);
    assert_int_equal(s.n_ungoverned, 1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct simulated_flow *first = find(&s.rings[0], &flows[i]);
        const struct simulated_flow *last = find(&s.rings[1], &flows[i]);
        if (rows[i].is_ungoverned) {
            assert_null(first);
            assert_null(last);
            continue;
        }
        if (first->verdict != rows[i].first || last->verdict != rows[i].last)
            fail_msg("%s: %s then %s", rows[i].name, verdict_of(first), verdict_of(last));
        bool has_side = last->verdict == SIMULATE_BROKEN || last->verdict == SIMULATE_STOPPED;
        if (has_side && last->at != rows[i].at) fail_msg("%s: at %d", rows[i].name, last->at);
        struct opened opens;
        if (last->verdict == SIMULATE_BROKEN && (!simulate_because(&s, last, &arena).len ||
                                                 !cures_of_flow(&s, last, &arena, &opens).len))
            fail_msg("%s: no reason or cure", rows[i].name);
    }
    arena_close(&scratch);
    arena_close(&arena);
}

static bool is_blind(const struct simulation *s, const char *text)
{
    for (size_t i = 0; i < s->n_blind; i++)
        if (str_equal(s->blind[i].text, str_of(text))) return true;
    return false;
}

static void hosts_without_evidence_are_blind(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct policy policy;
    struct resolved resolved;
    struct matrix_flow flows[2];
    struct witness witnesses[2];
    struct addr own = addr_of("10.10.0.5");
    (void)state;
    resolve(&arena, &policy, &resolved);
    /* A capture shows a client and fs 21; the client's own log names the domain controller. */
    flow_of(&rows[0], &flows[0], &witnesses[0]);
    static const struct row logged = {
        "",
        "10.10.0.5",
        "10.20.0.11",
        445,
        OUTCOME_ALLOWED,
        PROFILE_DOMAIN,
        SIMULATE_KEPT,
        SIMULATE_KEPT,
        SIDE_CLIENT_OUTBOUND,
        false,
    };
    flow_of(&logged, &flows[1], &witnesses[1]);
    witnesses[1].reader = S("windows-firewall-log");
    struct coverage coverage = {.locals = &own, .n_locals = 1};
    struct matrix_view matrix = {
        .flows = flows, .n_flows = 2, .coverage = &coverage, .n_coverage = 1};
    struct replay replay = replay_of(&matrix, &arena, scratch);
    struct simulation s = run(&resolved, NULL, &replay, &arena, scratch);

    assert_false(is_blind(&s, "10.10.0.5"));  /* its own log */
    assert_false(is_blind(&s, "10.20.0.21")); /* packets */
    assert_true(is_blind(&s, "10.20.0.11"));  /* only another host's word */
    assert_true(is_blind(&s, "10.20.0.22"));  /* only the policy's word */
    assert_true(is_blind(&s, "segment vpn"));
    assert_false(is_blind(&s, "segment guests")); /* untrusted: nothing is promised for it */
    assert_int_equal(s.rings[1].enforcing_by_evidence, 1);
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- A world for one question -------------------------------------------------------------------
 */

enum { MOST_FLOWS = 16 };

struct small {
    struct arena arena, scratch;
    struct policy policy, previous_policy;
    struct resolved resolved, previous;
    struct matrix_flow flows[MOST_FLOWS];
    struct witness witnesses[MOST_FLOWS];
    size_t n;
    struct coverage coverage;
    struct matrix_view matrix;
    struct replay replay;
    struct simulation simulation;
};

static void resolve_text(struct arena *arena, const char *text, struct policy *policy,
                         struct resolved *resolved)
{
    struct diagnostics found = {0};
    bool fine = policy_parse(S("policy.yaml"), str_of(text), arena, policy, &found) &&
                resolve_policy(policy, NULL, 0, true, arena, resolved, &found);
    for (size_t i = 0; i < found.n && !fine; i++)
        print_message("%u: %.*s\n", found.items[i].place.line, STR_ARG(found.items[i].text));
    assert_true(fine);
}

static struct small *small_open(const char *policy, const char *previous)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct small *w = arena_new(&arena, struct small);
    w->arena = arena;
    w->scratch = arena_open("scratch", 0, NULL);
    resolve_text(&w->arena, policy, &w->policy, &w->resolved);
    if (previous) resolve_text(&w->arena, previous, &w->previous_policy, &w->previous);
    return w;
}

static struct matrix_flow *small_add(struct small *w, const char *client, const char *server,
                                     uint16_t port)
{
    struct row row = {.client = client,
                      .server = server,
                      .port = port,
                      .outcome = OUTCOME_ESTABLISHED,
                      .profile = PROFILE_UNKNOWN};
    assert_true(w->n < MOST_FLOWS);
    flow_of(&row, &w->flows[w->n], &w->witnesses[w->n]);
    return &w->flows[w->n++];
}

static int by_ends(const void *a, const void *b)
{
    return view_compare_flows(a, b);
}

static const struct simulation *small_run(struct small *w)
{
    qsort(w->flows, w->n, sizeof w->flows[0], by_ends);
    w->matrix.flows = w->flows;
    w->matrix.n_flows = w->n;
    w->replay = replay_of(&w->matrix, &w->arena, w->scratch);
    const struct decision *previous =
        w->previous.policy ? decision_build(&w->previous, NULL, &w->arena, w->scratch) : NULL;
    w->simulation = run(&w->resolved, previous, &w->replay, &w->arena, w->scratch);
    return &w->simulation;
}

static void small_close(struct small *w)
{
    struct arena arena = w->arena;
    arena_close(&w->scratch);
    arena_close(&arena);
}

static const struct simulated_flow *small_find(struct small *w, size_t ring, const char *client,
                                               const char *server)
{
    const struct simulated_ring *r = &w->simulation.rings[ring];
    for (size_t i = 0; i < r->n_flows; i++)
        if (addr_equal(r->flows[i].flow->client.addr, addr_of(client)) &&
            addr_equal(r->flows[i].flow->server.addr, addr_of(server)))
            return &r->flows[i];
    fail_msg("%s -> %s is not there", client, server);
    return NULL;
}

static void expect(struct small *w, size_t ring, const char *client, const char *server,
                   enum simulate_verdict verdict, unsigned at)
{
    const struct simulated_flow *flow = small_find(w, ring, client, server);
    if (flow->verdict != verdict)
        fail_msg("%s -> %s in ring %zu: %s, not %s", client, server, ring, verdict_of(flow),
                 simulate_verdict_text(verdict).ptr);
    bool has_side = verdict == SIMULATE_BROKEN || verdict == SIMULATE_STOPPED;
    if (has_side && flow->at != at)
        fail_msg("%s -> %s in ring %zu: at %s", client, server, ring,
                 simulate_at_text(flow->at).ptr);
}

#define SEGMENTS                                                                                   \
    "version: 1\n"                                                                                 \
    "segments:\n"                                                                                  \
    "  clients: {networks: [10.10.0.0/16], trust: managed}\n"                                      \
    "  servers: {networks: [10.20.0.0/24], trust: managed}\n"                                      \
    "  guests: {networks: [10.66.0.0/16], trust: untrusted}\n"
#define GROUPS                                                                                     \
    "groups:\n"                                                                                    \
    "  files: {hosts: [10.20.0.21, 10.20.0.22], role: file-server}\n"                              \
    "  nas: {hosts: [10.20.0.40], managed: false}\n"                                               \
    "  pilots: {hosts: [10.10.9.0/28]}\n"

/* ---- Hardening ----------------------------------------------------------------------------------
 */

#define HARDENED(mode)                                                                             \
    SEGMENTS GROUPS "allow:\n"                                                                     \
                    "  - {from: [clients, guests], to: [files, nas], service: smb}\n"              \
                    "rings:\n"                                                                     \
                    "  - {name: pilot, members: [pilots]}\n"                                       \
                    "  - {name: broad, members: all}\n"                                            \
                    "assert:\n"                                                                    \
                    "  - {never: {from: 10.10.7.0/24, to: 10.20.0.22, service: smb}}\n"            \
                    "hardening: {baseline: smb-2026, mode: " mode "}\n"

static void add_old_flows(struct small *w)
{
    small_add(w, "10.10.0.5", "10.20.0.40", 445)->dialects = 1u << DIALECT_NT_LM_012;
    small_add(w, "10.10.9.3", "10.20.0.40", 445)->dialects = 1u << DIALECT_NT_LM_012;
    small_add(w, "10.10.0.5", "10.20.0.21", 445)->dialects = 1u << DIALECT_3_1_1;
    small_add(w, "10.66.0.5", "10.20.0.21", 445)->dialects = 1u << DIALECT_2_1;
    small_add(w, "10.10.7.1", "10.20.0.22", 445)->dialects = 1u << DIALECT_2_1;
    struct matrix_flow *tried = small_add(w, "10.10.0.6", "10.20.0.40", 445);
    tried->dialects = 1u << DIALECT_NT_LM_012;
    tried->outcomes[OUTCOME_ESTABLISHED] = 0;
    tried->outcomes[OUTCOME_REFUSED] = 1;
}

static void enforced_hardening_breaks_what_lacks_it(void **state)
{
    struct small *w = small_open(HARDENED("enforce"), NULL);
    (void)state;
    add_old_flows(w);
    const struct simulation *s = small_run(w);
    /* The NAS enforces nothing: what counts is whether the client has the baseline. */
    expect(w, 0, "10.10.0.5", "10.20.0.40", SIMULATE_KEPT, 0);
    expect(w, 0, "10.10.9.3", "10.20.0.40", SIMULATE_BROKEN, SIMULATE_AT_HARDENING);
    expect(w, 1, "10.10.0.5", "10.20.0.40", SIMULATE_BROKEN, SIMULATE_AT_HARDENING);
    expect(w, 1, "10.10.0.5", "10.20.0.21", SIMULATE_KEPT, 0);
    expect(w, 1, "10.66.0.5", "10.20.0.21", SIMULATE_STOPPED, SIMULATE_AT_HARDENING);
    expect(w, 1, "10.10.7.1", "10.20.0.22", SIMULATE_STOPPED, SIMULATE_AT_HARDENING);
    expect(w, 1, "10.10.0.6", "10.20.0.40", SIMULATE_KEPT, 0); /* nothing that worked is lost */
    assert_int_equal(s->hardening, HARDEN_ENFORCE);
    assert_int_equal(s->rings[1].lacking[HARDEN_SMB1], 2);
    assert_int_equal(s->rings[1].lacking[HARDEN_DIALECT], 2);
    assert_int_equal(s->rings[1].lacking_any, 4);
    assert_int_equal(s->rings[1].hardening_unknown, 1); /* 3.1.1, but signing is not known */
    struct opened opens;
    const struct simulated_flow *nas = small_find(w, 1, "10.10.0.5", "10.20.0.40");
    assert_true(str_equal(cures_of_flow(s, nas, &w->arena, &opens),
                          S("hardening: {baseline: smb-2026, mode: audit}")));
    assert_true(
        str_equal(simulate_because(s, nas, &w->arena), S("smb1-off: the server chose nt-lm-0.12")));
    small_close(w);
}

static void audited_hardening_breaks_nothing(void **state)
{
    static const struct {
        const char *policy;
        uint64_t lacking;
    } of[] = {
        {HARDENED("audit"),                                                                           4},
        {HARDENED("off"),                                                                             0},
        {SEGMENTS GROUPS "allow: [{from: [clients, guests], to: [files, nas], service: smb}]\n"
                         "rings: [{name: a, members: [pilots]}, {name: b, members: all}]\n", 0}
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        struct small *w = small_open(of[i].policy, NULL);
        add_old_flows(w);
        const struct simulation *s = small_run(w);
        assert_int_equal(s->rings[1].count[SIMULATE_BROKEN], 0);
        assert_int_equal(s->rings[1].count[SIMULATE_KEPT], 6);
        assert_int_equal(s->rings[1].lacking_any, of[i].lacking);
        small_close(w);
    }
}

/* ---- The previous bundle ------------------------------------------------------------------------
 */

#define RINGS                                                                                      \
    "rings:\n"                                                                                     \
    "  - {name: pilot, members: [pilots]}\n"                                                       \
    "  - {name: broad, members: all}\n"

static void machines_outside_the_rings_hold_the_previous_policy(void **state)
{
    /* Before: nobody but 10.10.9.0/28 may reach the files. Now: everybody may, but no client
     * another client. */
    struct small *w = small_open(
        SEGMENTS GROUPS "allow: [{from: clients, to: files, service: smb}]\n" RINGS,
        SEGMENTS GROUPS "allow: [{from: [pilots], to: [files, clients], service: smb}]\n");
    (void)state;
    small_add(w, "10.10.0.5", "10.20.0.21", 445); /* client and server still hold the old one */
    small_add(w, "10.10.9.3", "10.20.0.21", 445);
    small_add(w, "10.10.9.3", "10.10.0.5", 445);
    small_add(w, "10.66.0.9", "10.20.0.40", 445); /* nobody enforces */
    const struct simulation *s = small_run(w);
    expect(w, 0, "10.10.0.5", "10.20.0.21", SIMULATE_BROKEN, SIDE_CLIENT_OUTBOUND);
    expect(w, 1, "10.10.0.5", "10.20.0.21", SIMULATE_KEPT, 0);
    expect(w, 0, "10.10.9.3", "10.20.0.21", SIMULATE_KEPT, 0);
    expect(w, 0, "10.10.9.3", "10.10.0.5", SIMULATE_BROKEN, SIDE_CLIENT_OUTBOUND);
    expect(w, 0, "10.66.0.9", "10.20.0.40", SIMULATE_ESCAPED, 0);
    const struct simulated_flow *early = small_find(w, 0, "10.10.0.5", "10.20.0.21");
    struct opened opens;
    assert_true(str_starts(simulate_because(s, early, &w->arena),
                           S("the client still holds the previous policy: ")));
    assert_true(str_equal(cures_of_flow(s, early, &w->arena, &opens),
                          S("none: it passes once its machines have this policy")));
    small_close(w);
}

static void what_the_previous_policy_lets_pass_escapes(void **state)
{
    struct small *w = small_open(SEGMENTS GROUPS "allow: []\n" RINGS, SEGMENTS GROUPS
                                 "allow: [{from: clients, to: clients, service: smb}]\n");
    (void)state;
    small_add(w, "10.10.0.5", "10.10.0.6", 445);
    const struct simulation *s = small_run(w);
    expect(w, 0, "10.10.0.5", "10.10.0.6", SIMULATE_ESCAPED, 0);
    expect(w, 1, "10.10.0.5", "10.10.0.6", SIMULATE_BROKEN, SIDE_CLIENT_OUTBOUND);
    str why = simulate_because(s, small_find(w, 0, "10.10.0.5", "10.10.0.6"), &w->arena);
    assert_true(str_contains(why, S("still hold the previous one")));
    small_close(w);
}

/* ---- What is stopped and not decided ------------------------------------------------------------
 */

static void assertions_stop(void **state)
{
    struct small *w = small_open(
        SEGMENTS GROUPS "allow: []\n"
                        "assert:\n"
                        "  - {never: {from: clients, to: clients, service: smb, except: {from: "
                        "10.10.0.7}}}\n"
                        "  - {only: {from: 10.10.0.8, to: files, service: smb}}\n"
                        "  - {never: {from: any, to: 10.30.0.0/24, service: smb}}\n",
        NULL);
    (void)state;
    small_add(w, "10.10.0.5", "10.10.0.6", 445);
    small_add(w, "10.10.0.7", "10.10.0.6", 445);  /* excepted */
    small_add(w, "10.10.0.5", "10.10.0.6", 139);  /* another service */
    small_add(w, "10.10.0.9", "10.20.0.21", 445); /* `only` forbids all others */
    small_add(w, "10.10.0.8", "10.20.0.21", 445);
    small_run(w);
    expect(w, 0, "10.10.0.7", "10.10.0.6", SIMULATE_BROKEN, SIDE_CLIENT_OUTBOUND);
    expect(w, 0, "10.10.0.9", "10.20.0.21", SIMULATE_STOPPED, SIDE_CLIENT_OUTBOUND);
    expect(w, 0, "10.10.0.8", "10.20.0.21", SIMULATE_BROKEN, SIDE_CLIENT_OUTBOUND);
    const struct simulated_ring *ring = &w->simulation.rings[0];
    for (size_t i = 0; i < ring->n_flows; i++)
        if (addr_equal(ring->flows[i].flow->client.addr, addr_of("10.10.0.5")))
            assert_int_equal(ring->flows[i].verdict,
                             ring->flows[i].flow->port == 445 ? SIMULATE_STOPPED : SIMULATE_BROKEN);
    small_close(w);
}

static void unknown_members_are_undecidable(void **state)
{
    struct small *w = small_open(SEGMENTS "groups:\n"
                                          "  files: {hosts: [10.20.0.21], role: file-server}\n"
                                          "  theirs: {hosts: [{ad-group: Wanderers}]}\n"
                                          "allow:\n"
                                          "  - {from: theirs, to: files, service: smb}\n"
                                          "  - {from: 10.10.0.6, to: files, service: smb}\n"
                                          "rings:\n"
                                          "  - {name: first, members: [theirs]}\n"
                                          "  - {name: rest, members: all}\n",
                                 NULL);
    (void)state;
    small_add(w, "10.10.0.5", "10.20.0.21", 445); /* may be one of them */
    small_add(w, "10.10.0.6", "10.20.0.21", 445); /* allowed whoever it is */
    small_add(w, "10.10.0.6", "10.10.0.5", 445);  /* not intended; but which ring has them? */
    const struct simulation *s = small_run(w);
    expect(w, 1, "10.10.0.5", "10.20.0.21", SIMULATE_UNDECIDABLE, 0);
    expect(w, 0, "10.10.0.6", "10.20.0.21", SIMULATE_KEPT, 0);
    expect(w, 1, "10.10.0.6", "10.20.0.21", SIMULATE_KEPT, 0);
    expect(w, 0, "10.10.0.6", "10.10.0.5", SIMULATE_UNDECIDABLE, 0);
    expect(w, 1, "10.10.0.6", "10.10.0.5", SIMULATE_BROKEN, SIDE_CLIENT_OUTBOUND);
    for (size_t k = 0; k < s->n_rings; k++)
        for (size_t i = 0; i < s->rings[k].n_flows; i++)
            if (s->rings[k].flows[i].verdict == SIMULATE_UNDECIDABLE)
                assert_true(str_contains(simulate_because(s, &s->rings[k].flows[i], &w->arena),
                                         S("Wanderers")));
    small_close(w);
}

static void broadcasts_and_names(void **state)
{
    struct small *w =
        small_open(SEGMENTS GROUPS "allow: []\ngovern: [smb, netbios, smb-quic]\n", NULL);
    (void)state;
    small_add(w, "10.10.0.5", "10.20.0.255", 137)->transport = TRANSPORT_UDP;
    small_add(w, "10.10.0.5", "10.20.0.254", 137)->transport = TRANSPORT_UDP;
    small_add(w, "10.10.0.5", "10.20.0.30", 443)->transport = TRANSPORT_UDP;
    struct matrix_flow *named = small_add(w, "10.10.0.5", "10.20.0.31", 445);
    named->server = (struct endpoint){.name = S("FS09")};
    const struct simulation *s = small_run(w);
    expect(w, 0, "10.10.0.5", "10.20.0.255", SIMULATE_KEPT, 0);
    expect(w, 0, "10.10.0.5", "10.20.0.254", SIMULATE_BROKEN, SIDE_CLIENT_OUTBOUND);
    expect(w, 0, "10.10.0.5", "10.20.0.30", SIMULATE_BROKEN, SIDE_CLIENT_OUTBOUND);
    assert_int_equal(s->rings[0].count[SIMULATE_UNDECIDABLE], 1);
    const struct simulated_flow *unknown = &s->rings[0].flows[2]; /* behind the two broken ones */
    assert_true(
        str_equal(simulate_because(s, unknown, &w->arena), S("no address of \"FS09\" is known")));
    small_close(w);
}

static void most_people_come_first(void **state)
{
    static const str users[] = {
        {"a", 1},
        {"b", 1}
    };
    static const str shares[] = {
        {"\\\\x\\s", 5}
    };
    struct small *w = small_open(SEGMENTS GROUPS "allow: []\n", NULL);
    (void)state;
    small_add(w, "10.10.0.1", "10.10.0.9", 445)->connections = 9;
    small_add(w, "10.10.0.2", "10.10.0.9", 445)->users = (struct names){users, 1};
    small_add(w, "10.10.0.3", "10.10.0.9", 445)->users = (struct names){users, 2};
    small_add(w, "10.10.0.4", "10.10.0.9", 445)->last_us = 5;
    small_add(w, "10.10.0.5", "10.10.0.9", 445)->connections = 3;
    small_add(w, "10.10.0.6", "10.10.0.9", 445)->shares = (struct names){shares, 1};
    const struct simulation *s = small_run(w);
    static const char *const order[] = {"10.10.0.3", "10.10.0.2", "10.10.0.6",
                                        "10.10.0.4", "10.10.0.1", "10.10.0.5"};
    for (size_t i = 0; i < COUNT_OF(order); i++)
        assert_true(addr_equal(s->rings[0].flows[i].flow->client.addr, addr_of(order[i])));
    small_close(w);
}

static void machines_that_enforce_are_counted(void **state)
{
    struct small *w = small_open(SEGMENTS GROUPS "allow: []\n" RINGS, NULL);
    struct addr own[] = {addr_of("10.10.0.5"), addr_of("10.10.9.3")};
    (void)state;
    /* Named by the policy: 10.20.0.21, .22 and .40, which can't. Seen: two clients with a log, one
     * without, a guest, and a server that never answered. */
    small_add(w, "10.10.0.5", "10.20.0.21", 445);
    small_add(w, "10.10.9.3", "10.20.0.21", 445);
    small_add(w, "10.10.0.7", "10.20.0.21", 445);
    small_add(w, "10.66.0.9", "10.20.0.21", 445);
    struct matrix_flow *silent = small_add(w, "10.10.0.7", "10.20.0.99", 445);
    silent->outcomes[OUTCOME_ESTABLISHED] = 0;
    silent->outcomes[OUTCOME_NO_ANSWER] = 1;
    w->coverage = (struct coverage){.locals = own, .n_locals = COUNT_OF(own)};
    w->matrix.coverage = &w->coverage;
    w->matrix.n_coverage = 1;
    const struct simulation *s = small_run(w);
    static const uint64_t expected[2][3] = {
        {1, 0, 0},
        {2, 3, 2}
    };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(s->rings[i].enforcing_by_evidence, expected[i][0]);
        assert_int_equal(s->rings[i].enforcing_assumed, expected[i][1]);
        assert_int_equal(s->rings[i].enforcing_cannot, expected[i][2]);
    }
    small_close(w);
}

/* ---- Cures --------------------------------------------------------------------------------------
 */

static const struct cure *find_cure(struct cures cures, const char *entry)
{
    for (size_t i = 0; i < cures.n; i++)
        if (str_equal(cures.items[i].entry, str_of(entry))) return &cures.items[i];
    for (size_t i = 0; i < cures.n; i++)
        print_message("%.*s\n", STR_ARG(cures.items[i].entry));
    fail_msg("no cure %s", entry);
    return NULL;
}

static const struct cure_option *find_option(const struct cure *cure, const char *entry)
{
    for (size_t i = 0; i < cure->n_wider; i++)
        if (str_equal(cure->wider[i].entry, str_of(entry))) return &cure->wider[i];
    for (size_t i = 0; i < cure->n_wider; i++)
        print_message("%.*s\n", STR_ARG(cure->wider[i].entry));
    fail_msg("no option %s", entry);
    return NULL;
}

static struct cures small_cures(struct small *w, size_t ring)
{
    struct cures cures =
        cures_of_ring(&w->simulation, &w->simulation.rings[ring], &w->arena, w->scratch);
    uint64_t keeps = 0;
    for (size_t i = 0; i < cures.n; i++) {
        assert_true(cures.items[i].is_verified);
        keeps += cures.items[i].keeps;
    }
    assert_int_equal(keeps, w->simulation.rings[ring].count[SIMULATE_BROKEN]);
    return cures;
}

static void fewest_entries_that_open_nothing(void **state)
{
    struct small *w = small_open(
        SEGMENTS GROUPS "allow: [{from: 10.10.0.0/17, to: 10.20.0.22, service: smb}]\n"
                        "assert: [{never: {from: guests, to: servers, service: smb}},\n"
                        "         {never: {from: 10.10.8.0/24, to: 10.20.0.40, service: smb}}]\n",
        NULL);
    (void)state;
    /* Two servers with the same three clients are one entry; smb and netbios of a pair, too. */
    small_add(w, "10.10.0.1", "10.20.0.21", 445);
    small_add(w, "10.10.0.2", "10.20.0.21", 445);
    small_add(w, "10.10.0.3", "10.20.0.21", 445);
    small_add(w, "10.10.0.1", "10.20.0.23", 445);
    small_add(w, "10.10.0.2", "10.20.0.23", 445);
    small_add(w, "10.10.0.3", "10.20.0.23", 445);
    small_add(w, "10.10.9.1", "10.20.0.40", 445);
    small_add(w, "10.10.9.1", "10.20.0.40", 139);
    small_run(w);
    struct cures cures = small_cures(w, 0);
    assert_int_equal(cures.n, 2);
    const struct cure *three =
        find_cure(cures, "allow: - {from: [\"10.10.0.1\", \"10.10.0.2\", \"10.10.0.3\"], to: "
                         "[\"10.20.0.21\", \"10.20.0.23\"], service: smb}");
    assert_int_equal(three->keeps, 6);
    assert_int_equal(three->opens.pairs, 0);
    /* All clients to both: 2 * 65,536 less the six seen. */
    const struct cure_option *wide = find_option(
        three, "allow: - {from: clients, to: [\"10.20.0.21\", \"10.20.0.23\"], service: smb}");
    assert_int_equal(wide->opens.pairs, 2 * 65536 - 6);
    assert_int_equal(wide->opens.known, 2); /* 10.10.9.1 to either */
    /* To all servers: half of the clients reach 10.20.0.22 already, and 10.20.0.40 is forbidden to
     * some, so the widest is not offered. */
    const struct cure *both = find_cure(
        cures, "allow: - {from: \"10.10.9.1\", to: \"10.20.0.40\", service: [netbios, smb]}");
    assert_int_equal(both->keeps, 2);
    const struct cure_option *group =
        find_option(both, "allow: - {from: pilots, to: nas, service: [netbios, smb]}");
    assert_int_equal(group->opens.pairs, 2 * 15);
    for (size_t i = 0; i < both->n_wider; i++)
        assert_false(str_contains(both->wider[i].entry, S("from: clients")));
    small_close(w);
}

static void what_is_allowed_already_is_not_opened(void **state)
{
    struct small *w = small_open(
        SEGMENTS GROUPS "allow:\n"
                        "  - {from: 10.10.0.0/17, to: servers, service: smb, except: {from: "
                        "10.10.0.0/24, to: 10.20.0.40}}\n",
        NULL);
    (void)state;
    small_add(w, "10.10.200.1", "10.20.0.21", 445);
    small_run(w);
    struct cures cures = small_cures(w, 0);
    const struct cure *one =
        find_cure(cures, "allow: - {from: \"10.10.200.1\", to: \"10.20.0.21\", service: smb}");
    /* 65,536 clients, 32,768 - 256 of them allowed, one seen. */
    const struct cure_option *all =
        find_option(one, "allow: - {from: clients, to: \"10.20.0.21\", service: smb}");
    assert_int_equal(all->opens.pairs, 65536 - (32768 - 256) - 1);
    /* The same for 255 servers; to 10.20.0.40 nobody is allowed. */
    const struct cure_option *everywhere =
        find_option(one, "allow: - {from: clients, to: servers, service: smb}");
    assert_int_equal(everywhere->opens.pairs, 255 * (65536 - (32768 - 256)) + 65536 - 1);
    small_close(w);
}

static void modes_and_edges_have_cures_of_their_own(void **state)
{
    struct small *w = small_open(
        SEGMENTS GROUPS "  travellers: {hosts: [10.10.5.5], profiles: {public: block-inbound}}\n"
                        "allow: [{from: clients, to: [files, clients], service: smb}]\n"
                        "perimeter: []\n"
                        "windows: {strategy: scoped-block}\n",
        NULL);
    (void)state;
    small_add(w, "10.10.0.5", "10.20.0.21", 445)->profiles[PROFILE_PUBLIC] = 1;
    small_add(w, "10.10.0.5", "10.10.5.5", 445)->profiles[PROFILE_PRIVATE] = 1;
    small_add(w, "10.10.0.5", "203.0.113.7", 445);
    small_add(w, "203.0.113.8", "10.20.0.21", 445); /* from the internet: stopped */
    for (size_t i = 0; i < 2; i++)
        w->flows[i].profiles[PROFILE_UNKNOWN] = 0;
    small_run(w);
    assert_int_equal(w->simulation.rings[0].count[SIMULATE_BROKEN], 3);
    struct cures cures = small_cures(w, 0);
    const struct cure *public = find_cure(
        cures, "groups: keep-public: {hosts: [\"10.10.0.5\"], profiles: {public: enforce}}");
    /* Two file servers and all clients. */
    assert_int_equal(public->opens.pairs, 65538);
    find_cure(cures,
              "groups: keep-private: {hosts: [\"10.10.5.5\"], profiles: {private: enforce}}");
    find_cure(cures, "perimeter: - {direction: outbound, from: \"10.10.0.5\", to: \"203.0.113.7\", "
                     "service: smb}");
    small_close(w);
}

static void cures_say_in_clear_where_ipsec_is_the_rule(void **state)
{
    struct small *w =
        small_open(SEGMENTS GROUPS "allow: []\nwindows: {strategy: secure-bypass}\n", NULL);
    (void)state;
    small_add(w, "10.10.0.5", "10.20.0.21", 445);
    small_run(w);
    find_cure(small_cures(w, 0), "allow: - {from: \"10.10.0.5\", to: \"10.20.0.21\", service: smb, "
                                 "secure: none}");
    small_close(w);
}

/* ---- How far the evidence reaches ---------------------------------------------------------------
 */

#define DAY_US (INT64_C(86400) * 1000000)

static void short_evidence_is_said(void **state)
{
    static const struct {
        int64_t days;
        bool ring_warned;
        const char *text;
    } of[] = {
        {9,   true,  "evidence covers 9 days: monthly and quarterly jobs outside it are not seen" },
        {34,  true,  "evidence covers 34 days: monthly and quarterly jobs outside it are not seen"},
        {35,  true,  "evidence covers 35 days: quarterly jobs outside it are not seen"            },
        {99,  true,  "evidence covers 99 days: quarterly jobs outside it are not seen"            },
        {100, false, NULL                                                                         },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        struct small *w = small_open(SEGMENTS GROUPS "allow: []\n", NULL);
        int64_t start = 20000 * DAY_US;
        struct matrix_flow *flow = small_add(w, "10.10.0.5", "10.20.0.21", 445);
        flow->first_us = start;
        flow->last_us = start + (of[i].days - 1) * DAY_US;
        flow = small_add(w, "10.10.0.5", "10.20.0.22", 445);
        flow->first_us = flow->last_us = start;
        const struct simulation *s = small_run(w);
        const struct simulated_ring *ring = &s->rings[0];
        /* The ring, unless it is long enough; and the server that was seen for a day. */
        assert_int_equal(ring->n_warnings, of[i].ring_warned ? 2 : 1);
        if (of[i].ring_warned) {
            assert_true(addr_is_none(ring->warnings[0].server));
            assert_true(str_equal(ring->warnings[0].text, str_of(of[i].text)));
        }
        const struct simulate_warning *last = &ring->warnings[ring->n_warnings - 1];
        assert_true(addr_equal(last->server, addr_of("10.20.0.22")));
        assert_int_equal(last->days, 1);
        small_close(w);
    }
}

/* ---- Several policies ---------------------------------------------------------------------------
 */

static void policies_differ_where_their_verdicts_do(void **state)
{
    struct small *w =
        small_open(SEGMENTS GROUPS "allow: [{from: clients, to: files, service: smb}]\n",
                   SEGMENTS GROUPS "allow: []\ngovern: [smb]\n");
    (void)state;
    small_add(w, "10.10.0.5", "10.20.0.21", 445);
    small_add(w, "10.10.0.5", "10.20.0.40", 445);
    small_add(w, "10.10.0.5", "10.20.0.21", 139);
    small_run(w);
    struct simulation other = run(&w->previous, NULL, &w->replay, &w->arena, w->scratch);
    /* small_run took the second policy for the previous one; here it is one of two. */
    struct simulation first = run(&w->resolved, NULL, &w->replay, &w->arena, w->scratch);
    const struct compared policies[] = {
        {S("a"), &first, comparison_ring(&first, S(""))   },
        {S("b"), &other, comparison_ring(&other, S("all"))}
    };
    struct comparison c = comparison_of(policies, 2, &w->arena, w->scratch);
    assert_int_equal(c.n_flows, 2);
    for (size_t i = 0; i < c.n_flows; i++) {
        bool netbios = c.flows[i].flow->port == 139;
        assert_int_equal(c.flows[i].verdicts[0], netbios ? SIMULATE_BROKEN : SIMULATE_KEPT);
        assert_int_equal(c.flows[i].verdicts[1],
                         netbios ? (int)COMPARISON_UNGOVERNED : SIMULATE_BROKEN);
    }
    assert_null(comparison_ring(&first, S("none")));
    small_close(w);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(verdicts_ring_by_ring),
        cmocka_unit_test(hosts_without_evidence_are_blind),
        cmocka_unit_test(enforced_hardening_breaks_what_lacks_it),
        cmocka_unit_test(audited_hardening_breaks_nothing),
        cmocka_unit_test(machines_outside_the_rings_hold_the_previous_policy),
        cmocka_unit_test(what_the_previous_policy_lets_pass_escapes),
        cmocka_unit_test(assertions_stop),
        cmocka_unit_test(unknown_members_are_undecidable),
        cmocka_unit_test(broadcasts_and_names),
        cmocka_unit_test(most_people_come_first),
        cmocka_unit_test(machines_that_enforce_are_counted),
        cmocka_unit_test(fewest_entries_that_open_nothing),
        cmocka_unit_test(what_is_allowed_already_is_not_opened),
        cmocka_unit_test(modes_and_edges_have_cures_of_their_own),
        cmocka_unit_test(cures_say_in_clear_where_ipsec_is_the_rule),
        cmocka_unit_test(short_evidence_is_said),
        cmocka_unit_test(policies_differ_where_their_verdicts_do),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
