/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
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

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(verdicts_ring_by_ring),
        cmocka_unit_test(hosts_without_evidence_are_blind),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
