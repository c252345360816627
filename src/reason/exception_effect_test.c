/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/exception_effect.h"

#include "reason/exception_pairs.h"
#include "reason/random_policy.h"

enum { POLICIES = 300 };

/* ---- Pairs, one by one --------------------------------------------------------------------------
 */

/* Items whose addresses all are of the small world, so that their pairs can be counted. */
static const char *const bounded_items[] = {
    "a",        "b",        "c",           "six",        "g",
    "h",        "i",        "lost",        "10.0.0.3",   "10.0.1.0/30",
    "10.0.2.1", "10.0.2.0", "10.9.9.0/30", "8.8.8.0/30", "\"2001:db8::4/126\"",
};

static void random_list(struct random_policy *p, bool bounded, struct buf *out)
{
    if (!bounded) {
        random_items(p, out);
        return;
    }
    size_t n = 1 + (size_t)random_below(p, 3);
    buf_char(out, '[');
    for (size_t i = 0; i < n; i++)
        buf_format(out, "%s%s", i ? ", " : "",
                   bounded_items[random_below(p, COUNT_OF(bounded_items))]);
    buf_char(out, ']');
}

/* A random policy that has one exception more, the last. */
static void add_exception(struct random_policy *p, bool bounded, struct arena scratch)
{
    static const char *const services[] = {"smb", "smb", "netbios", "[smb, netbios]"};
    static const char *const secures[] = {"", "", ", secure: none", ", secure: kerberos"};
    struct buf text = buf_in(p->arena);
    buf_format(&text, "%.*s  - {id: EX-9, from: ", STR_ARG(p->exceptions));
    random_list(p, bounded, &text);
    buf_str(&text, S(", to: "));
    random_list(p, bounded, &text);
    buf_format(&text,
               ", service: %s%s, owner: carol, reason: r, approver: bob, expires: "
               "2099-01-01T00:00:00Z}\n",
               services[random_below(p, 4)], secures[random_below(p, 4)]);
    p->exceptions = buf_text(&text);
    random_build(p, scratch);
}

struct both {
    struct random_policy p; /* with it */
    struct policy without_policy;
    struct resolved without_resolved;
    const struct decision *without;
    const struct exception *exception;
    bool secured;
};

static void make_both(struct both *b, struct arena *arena, uint64_t seed, bool bounded,
                      bool unknown, struct arena scratch)
{
    struct diagnostics found = {0};
    random_policy_make(&b->p, arena, seed, unknown, scratch);
    add_exception(&b->p, bounded, scratch);
    b->without_policy = b->p.policy;
    b->without_policy.n_exceptions--;
    b->exception = &b->p.policy.exceptions[b->without_policy.n_exceptions];
    assert_true(resolve_policy(&b->without_policy, NULL, RANDOM_POLICY_NOW, true, arena,
                               &b->without_resolved, &found));
    b->without = decision_build(&b->without_resolved, NULL, arena, scratch);
    enum secure secure = b->exception->entry.secure;
    bool bypass = b->p.policy.strategy == STRATEGY_SECURE_BYPASS;
    b->secured = secure == SECURE_UNSET ? bypass : secure != SECURE_NONE;
}

/* What the two decisions say of a pair, over the exception's services. */
struct told {
    bool opened, passes, allowed, undecidable;
};

static bool is_allowed(enum intent intent, bool secured)
{
    return intent == INTENT_ALLOW || (secured && intent == INTENT_ALLOW_IF_SECURE);
}

static struct told ask(const struct both *b, struct addr client, struct addr server)
{
    struct told told = {0};
    for (size_t i = 0; i < b->exception->entry.n_services; i++) {
        struct flow_question q = {.client = client,
                                  .server = server,
                                  .service = (int)b->exception->entry.services[i],
                                  .profile = PROFILE_DOMAIN};
        struct flow_answer with = decision_ask(b->p.decision, &q);
        struct flow_answer without = decision_ask(b->without, &q);
        bool now = b->secured ? with.passes_secured : with.passes;
        bool before = b->secured ? without.passes_secured : without.passes;
        told.passes |= now;
        told.opened |= now && !before;
        told.allowed |=
            is_allowed(with.intent, b->secured) && !is_allowed(without.intent, b->secured);
        told.undecidable |=
            with.intent == INTENT_UNDECIDABLE || without.intent == INTENT_UNDECIDABLE;
    }
    return told;
}

static bool is_pair(struct addr a, struct addr b)
{
    return !addr_equal(a, b) && addr_is_v4(a) == addr_is_v4(b);
}

static void pairs_are_those_of_the_decision(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    uint64_t opened = 0, plain = 0, alike = 0, unenforced = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= POLICIES; seed++) {
        struct both b;
        struct diagnostics found = {0};
        struct exception_effect effect;
        uint64_t n_opened = 0, n_open = 0, n_allowed = 0;
        arena_reset(&arena);
        make_both(&b, &arena, seed, true, false, scratch);
        struct effect_question q = {
            .policy = &b.without_policy, .exception = b.exception, .as_of_us = RANDOM_POLICY_NOW};
        assert_true(exception_effect(&q, &arena, scratch, &effect, &found));
        const struct resolved_entry *e = &b.p.resolved.entries[b.p.resolved.n_entries - 1];
        for (size_t i = 0; i < RANDOM_POLICY_ADDRS; i++)
            for (size_t j = 0; j < RANDOM_POLICY_ADDRS; j++) {
                struct addr client = random_policy_addr(i), server = random_policy_addr(j);
                if (!is_pair(client, server)) continue;
                struct told told = ask(&b, client, server);
                bool spoken = prefix_set_contains(e->from, client) &&
                              prefix_set_contains(e->to, server) &&
                              !prefix_set_contains(b.p.resolved.places.internet, client) &&
                              !prefix_set_contains(b.p.resolved.places.internet, server);
                assert_true(spoken || !told.opened);
                n_opened += told.opened;
                n_open += spoken && told.passes && !told.opened;
                n_allowed += told.allowed;
            }
        if (effect.pairs != n_opened || effect.pairs_open != n_open ||
            (!b.secured && effect.pairs_allowed != n_allowed))
            fail_msg("policy %" PRIu64 ": %" PRIu64 " opened, not %" PRIu64 "; %" PRIu64
                     " open, not %" PRIu64 "; %" PRIu64 " allowed, not %" PRIu64 "\n%.*s%.*s",
                     seed, effect.pairs, n_opened, effect.pairs_open, n_open, effect.pairs_allowed,
                     n_allowed, STR_ARG(b.p.text), STR_ARG(b.p.exceptions));
        opened += n_opened;
        alike += n_open;
        plain += !b.secured && n_opened;
        unenforced += n_allowed > n_opened;
    }
    assert_true(opened > POLICIES && alike > POLICIES && plain > 20 && unenforced > 20);
    arena_close(&scratch);
    arena_close(&arena);
}

/* Also of `any`, `internet` and groups with members that nobody knows. */
static void every_pair_is_told_as_decided(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    uint64_t opened = 0, undecidable = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= POLICIES; seed++) {
        struct both b;
        struct diagnostics found = {0};
        struct exception_pairs pairs;
        arena_reset(&arena);
        make_both(&b, &arena, seed, false, seed % 3 == 0, scratch);
        assert_true(exception_pairs_of(&b.without_policy, b.exception, NULL, RANDOM_POLICY_NOW,
                                       &arena, scratch, &pairs, &found));
        undecidable += pairs.undecidable.len != 0;
        for (size_t i = 0; i < RANDOM_POLICY_ADDRS; i++)
            for (size_t j = 0; j < RANDOM_POLICY_ADDRS; j++) {
                struct addr client = random_policy_addr(i), server = random_policy_addr(j);
                if (!is_pair(client, server)) continue;
                struct told told = ask(&b, client, server);
                opened += told.opened;
                if (exception_pairs_opens(&pairs, client, server) != told.opened)
                    fail_msg("policy %" PRIu64 ", %zu to %zu: %d\n%.*s%.*s", seed, i, j,
                             told.opened, STR_ARG(b.p.text), STR_ARG(b.p.exceptions));
            }
    }
    assert_true(opened > POLICIES && undecidable > 10);
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- A world with machines ----------------------------------------------------------------------
 */

static const char office[] =
    "version: 1\n"
    "govern: [smb, netbios, rdp]\n"
    "segments:\n"
    "  clients: {networks: [10.1.0.0/24, \"2001:db8:1::/64\"], trust: managed}\n"
    "  servers: {networks: [10.2.0.0/24, \"2001:db8:2::/64\"], trust: managed}\n"
    "  guests: {networks: [10.66.0.0/24], trust: untrusted, nat: [203.0.113.9]}\n"
    "groups:\n"
    "  files: {hosts: [fs01, fs02]}\n"
    "  dual: {hosts: [ws01, fs01]}\n"
    "  lost: {hosts: [10.1.0.77, {ad-group: SMB Admins}]}\n"
    "allow:\n"
    "  - {name: known, from: 10.1.0.1, to: 10.2.0.1, service: smb}\n"
    "  - {name: safe, from: clients, to: 10.2.0.2, service: smb, secure: kerberos}\n";

static const struct {
    const char *name, *addr;
} machines[] = {
    {"ws01", "10.1.0.1"     },
    {"ws01", "2001:db8:1::1"},
    {"fs01", "10.2.0.1"     },
    {"fs01", "10.2.0.11"    },
    {"fs01", "2001:db8:2::1"},
    {"fs02", "10.2.0.2"     },
};

static struct addr address(const char *text)
{
    struct addr a = {0};
    if (!addr_parse(str_of(text), &a)) abort();
    return a;
}

static const struct host_address *look_up(void *to, str name, int64_t as_of_us, struct arena *arena,
                                          size_t *n)
{
    struct host_address *out = arena_array(arena, struct host_address, COUNT_OF(machines));
    (void)to;
    *n = 0;
    for (size_t i = 0; i < COUNT_OF(machines); i++)
        if (str_equal(str_of(machines[i].name), name))
            out[(*n)++] = (struct host_address){address(machines[i].addr), as_of_us, false};
    return out;
}

static const struct host_address *no_group(void *to, str name, int64_t as_of_us,
                                           struct arena *arena, size_t *n)
{
    (void)to, (void)name, (void)as_of_us, (void)arena;
    *n = 0;
    return NULL;
}

struct office {
    struct arena arena, scratch;
    struct host_lookup lookup;
    struct policy policy;
    struct source_text file;
    const struct exception *exceptions;
    size_t n;
    struct effect_question question;
};

static void open_office(struct office *o)
{
    struct diagnostics found = {0};
    *o = (struct office){
        .arena = arena_open("test", 0, NULL),
        .scratch = arena_open("scratch", 0, NULL),
        .lookup = {.host = look_up, .ad_group = no_group}
    };
    if (!policy_parse(S("policy.yaml"), str_of(office), &o->arena, &o->policy, &found))
        fail_msg("%.*s", STR_ARG(found.items[0].text));
    o->question = (struct effect_question){
        .policy = &o->policy, .lookup = &o->lookup, .as_of_us = RANDOM_POLICY_NOW};
}

static void close_office(struct office *o)
{
    arena_close(&o->scratch);
    arena_close(&o->arena);
}

/* scope: from, to, service, secure as in a policy */
static struct exception_effect effect_of(struct office *o, const char *scope)
{
    struct err err = {0};
    struct os os = os_memory_world(os_memory_new(&o->arena));
    const struct zone *utc = zone_find(&os, S("UTC"), &o->arena, &err);
    struct diagnostics found = {0};
    struct exception_effect effect = {0};
    o->file = (struct source_text){
        S("exceptions.yaml"),
        str_format(&o->arena,
                   "exceptions:\n  - {%s, id: EX-1, owner: carol, reason: r, approver: bob, "
                   "expires: 2030-01-01}\n",
                   scope)};
    if (!exceptions_parse(&o->file, &o->policy, utc, &o->arena, &o->exceptions, &o->n, &found))
        fail_msg("%.*s", STR_ARG(found.items[0].text));
    o->question.exception = o->exceptions;
    assert_true(exception_effect(&o->question, &o->arena, o->scratch, &effect, &found));
    return effect;
}

static void expect_text(struct office *o, const struct exception_effect *e, const char *expected)
{
    str text = exception_effect_text(e, &o->arena);
    if (!str_equal(text, str_of(expected)))
        fail_msg("\"%.*s\", not \"%s\"", STR_ARG(text), expected);
}

/* ---- Rows ---------------------------------------------------------------------------------------
 */

static const struct {
    const char *name, *scope;
    uint64_t pairs, open, clients, servers;
    const char *risks, *superfluous, *undecidable;
} rows[] = {
    {
     .name = "one pair",
     .scope = "from: 10.1.0.9, to: 10.2.0.9, service: smb",
     .pairs = 1,
     .clients = 1,
     .servers = 1,
     },
    {
     .name = "one that passes already",
     .scope = "from: [10.1.0.1, 10.1.0.9], to: 10.2.0.1, service: smb",
     .pairs = 1,
     .open = 1,
     .clients = 2,
     .servers = 1,
     },
    {
     .name = "all of it passes",
     .scope = "from: 10.1.0.1, to: 10.2.0.1, service: smb",
     .open = 1,
     .clients = 1,
     .servers = 1,
     .superfluous = "policy.yaml:12",
     },
    {
     .name = "secured, where secured passes",
     .scope = "from: clients, to: 10.2.0.2, service: smb, secure: kerberos",
     .open = 256,
     .clients = 256,
     .servers = 1,
     .superfluous = "policy.yaml:13",
     },
    {
     .name = "in clear, where only secured passes",
     .scope = "from: 10.1.0.0/30, to: 10.2.0.2, service: smb",
     .pairs = 4,
     .clients = 4,
     .servers = 1,
     },
    {
     /* fs01 has 10.2.0.1, 10.2.0.11 and an IPv6 address, fs02 has 10.2.0.2. */
        .name = "a machine and itself",
     .scope = "from: files, to: files, service: smb",
     .pairs = 4,
     .clients = 4,
     .servers = 4,
     },
    {
     .name = "two families",
     .scope = "from: dual, to: files, service: smb",
     .pairs = 5,
     .open = 1,
     .clients = 5,
     .servers = 4,
     },
    {
     .name = "many",
     .scope = "from: 10.1.0.0/28, to: [10.2.0.8, 10.2.0.9], service: smb",
     .pairs = 32,
     .clients = 16,
     .servers = 2,
     .risks = "32 pairs of addresses, more than 16",
     },
    {
     .name = "as many as are no risk",
     .scope = "from: 10.1.0.16/28, to: 10.2.0.9, service: smb",
     .pairs = 16,
     .clients = 16,
     .servers = 1,
     },
    {
     .name = "guests",
     .scope = "from: 10.66.0.1, to: 10.2.0.9, service: smb",
     .pairs = 1,
     .clients = 1,
     .servers = 1,
     .risks = "untrusted segment guests (clients)",
     },
    {
     .name = "in no segment",
     .scope = "from: 10.99.0.1, to: 10.2.0.9, service: smb",
     .pairs = 1,
     .clients = 1,
     .servers = 1,
     .risks = "unknown: addresses that are in no segment (clients)",
     },
    {
     .name = "at the internet",
     .scope = "from: 10.1.0.9, to: internet, service: smb",
     .pairs = 3987603454,
     .clients = 1,
     .servers = 3987603454,
     .risks = "3987603454 pairs of addresses, more than 16|internet (servers)",
     },
    {
     .name = "of both families at the internet",
     .scope = "from: clients, to: internet, service: smb",
     .pairs = UINT64_MAX,
     .clients = UINT64_MAX,
     .servers = UINT64_MAX,
     .risks = "countless pairs of addresses, more than 16|internet (servers)",
     },
    {
     .name = "an address of the internet needs the word",
     .scope = "from: 10.1.0.9, to: 8.8.8.8, service: smb",
     },
    {
     .name = "between machines that enforce nothing",
     .scope = "from: 10.99.0.1, to: 10.99.0.2, service: smb",
     .open = 1,
     .clients = 1,
     .servers = 1,
     .risks = "unknown: addresses that are in no segment (clients and servers)",
     },
    {
     .name = "members whom nobody knows",
     .scope = "from: lost, to: 10.2.0.9, service: smb",
     .pairs = 1,
     .clients = 1,
     .servers = 1,
     .undecidable = "group SMB Admins",
     },
    {
     .name = "two services, one pair",
     .scope = "from: 10.1.0.9, to: 10.2.0.9, service: [smb, netbios]",
     .pairs = 1,
     .clients = 1,
     .servers = 1,
     },
};

static str joined(const str *items, size_t n, struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < n; i++)
        buf_format(&out, "%s%.*s", i ? "|" : "", STR_ARG(items[i]));
    return buf_text(&out);
}

static void effects_are_exact(void **state)
{
    struct office o;
    (void)state;
    open_office(&o);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct exception_effect e = effect_of(&o, rows[i].scope);
        str risks = joined(e.risks, e.n_risks, &o.arena);
        if (e.pairs != rows[i].pairs || e.pairs_open != rows[i].open ||
            e.clients != rows[i].clients || e.servers != rows[i].servers ||
            !str_equal(risks, str_of(rows[i].risks)) ||
            !str_equal(e.superfluous, str_of(rows[i].superfluous)) ||
            !str_equal(e.undecidable, str_of(rows[i].undecidable)))
            fail_msg("%s: %" PRIu64 " pairs, %" PRIu64 " open, %" PRIu64 " × %" PRIu64
                     ", \"%.*s\", \"%.*s\", \"%.*s\"",
                     rows[i].name, e.pairs, e.pairs_open, e.clients, e.servers, STR_ARG(risks),
                     STR_ARG(e.superfluous), STR_ARG(e.undecidable));
    }
    close_office(&o);
}

/* ---- With evidence ------------------------------------------------------------------------------
 */

struct evidence {
    struct matrix_flow flows[4];
    struct host_interval intervals[16];
    struct host hosts[16];
    struct host_view views[16];
    struct hosts_view view;
    struct matrix_view matrix;
    struct share_view shares[6];
};

static const str alice = {"CONTOSO\\alice", 13}, ws3 = {"10.1.0.3", 8}, ws2 = {"10.1.0.2", 8};

/* ws01 to ws12 hold 10.1.0.1 to 10.1.0.12; FS02 10.2.0.2. 10.1.0.3 uses it; .4 tried in vain. */
static void add_evidence(struct office *o, struct evidence *e)
{
    static const char names[] = "WS01\0WS02\0WS03\0WS04\0WS05\0WS06\0WS07\0WS08\0WS09\0WS10\0"
                                "WS11\0WS12\0FS02";
    *e = (struct evidence){
        .view = {e->views, 13}
    };
    for (size_t i = 0; i < 13; i++) {
        struct addr a = i < 12 ? addr_v4(0x0a010001 + (uint32_t)i) : address("10.2.0.2");
        str name = str_of(names + 5 * i);
        e->intervals[i] = (struct host_interval){.addr = a, .host = name, .to_us = 9};
        e->hosts[i] = (struct host){.name = name, .intervals = &e->intervals[i], .n_intervals = 1};
        e->views[i].host = &e->hosts[i];
    }
    struct matrix_flow *flow = &e->flows[0];
    flow->client.addr = address("10.1.0.3");
    flow->server.addr = address("10.2.0.2");
    flow->transport = TRANSPORT_TCP;
    flow->port = 445;
    flow->connections = flow->outcomes[OUTCOME_ESTABLISHED] = 7;
    flow->last_us = 5000000;
    flow->users = (struct names){&alice, 1};
    e->flows[1] = e->flows[0];
    e->flows[1].client.addr = address("10.1.0.4");
    memset(e->flows[1].outcomes, 0, sizeof e->flows[1].outcomes);
    e->flows[1].outcomes[OUTCOME_BLOCKED] = 7;
    e->matrix = (struct matrix_view){.flows = e->flows, .n_flows = 2};
    e->shares[0] = (struct share_view){
        .server = {.addr = address("10.2.0.2")},
        .server_name = S("FS02"),
        .share = S("projects"),
        .clients = { &ws3,                          1}
    };
    e->shares[1] = e->shares[0];
    e->shares[1].share = S("ADMIN$");
    e->shares[1].kind = SHARE_KIND_ADMINISTRATIVE;
    e->shares[1].clients = (struct names){0};
    e->shares[2] = e->shares[1];
    e->shares[2].server.addr = address("10.2.0.3");
    o->question.matrix = &e->matrix;
    o->question.hosts = &e->view;
    o->question.shares = e->shares;
    o->question.n_shares = 3;
}

static void what_was_used_is_said(void **state)
{
    struct office o;
    struct evidence e;
    (void)state;
    open_office(&o);
    add_evidence(&o, &e);
    struct exception_effect effect = effect_of(
        &o, "from: [10.1.0.1, 10.1.0.2/31, 10.1.0.4/30, 10.1.0.8/30, 10.1.0.12], to: 10.2.0.2, "
            "service: smb");
    e.matrix.n_flows = 1;
    effect = effect_of(
        &o, "from: [10.1.0.1, 10.1.0.2/31, 10.1.0.4/30, 10.1.0.8/30, 10.1.0.12], to: 10.2.0.2, "
            "service: smb");
    expect_text(&o, &effect,
                "opens 12 × 1 host pairs, of which 1 was ever used; also reaches ADMIN$ on FS02");
    assert_int_equal(effect.known_pairs, 12);
    assert_int_equal(effect.uses[0].connections, 7);
    str narrowest = S("{\"from\":[\"10.1.0.3\"],\"to\":[\"10.2.0.2\"],\"service\":[\"smb\"]}");
    assert_true(str_equal(effect.narrowest, narrowest));
    assert_int_equal(effect.narrowest_unused, 0);
    e.matrix.n_flows = 2;
    effect = effect_of(&o, "from: 10.1.0.0/24, to: 10.2.0.2, service: smb");
    expect_text(&o, &effect,
                "opens 256 × 1 address pairs (12 known machines), of which 1 was ever used and 1 "
                "was tried in vain; also reaches ADMIN$ on FS02");
    /* IPv6 addresses are no clients of an IPv4 server. */
    effect = effect_of(&o, "from: clients, to: 10.2.0.9, service: smb");
    expect_text(&o, &effect,
                "opens 256 × 1 address pairs (12 × 0 known machines), of which none was ever used");
    effect = effect_of(&o, "from: 198.51.100.7, to: 10.2.0.9, service: smb");
    expect_text(&o, &effect,
                "opens nothing: no two addresses of its ends could meet (what is in no segment "
                "takes the word internet)");
    effect = effect_of(&o, "from: clients, to: servers, service: smb");
    assert_true(str_contains(exception_effect_text(&effect, &o.arena),
                             S("opens countless address pairs (12 × 1 known machines), of")));
    /* Two that used what the other did not: the smallest rectangle opens two pairs more. */
    e.flows[1].outcomes[OUTCOME_ESTABLISHED] = 1;
    e.flows[1].server.addr = address("10.2.0.5");
    effect = effect_of(&o, "from: 10.1.0.0/24, to: 10.2.0.0/24, service: smb");
    assert_int_equal(effect.n_uses, 2);
    assert_int_equal(effect.narrowest_unused, 2);
    assert_true(str_contains(effect.narrowest, S("[\"10.1.0.3\",\"10.1.0.4\"]")));
    /* What everybody used is said by its name. */
    e.flows[1].client.addr = address("10.1.0.3");
    effect = effect_of(&o, "from: 10.1.0.3, to: 10.2.0.0/24, service: smb");
    assert_int_equal(effect.narrowest_unused, 0);
    o.question.matrix = NULL;
    o.question.hosts = NULL;
    o.question.n_shares = 0;
    effect = effect_of(&o, "from: 10.1.0.3, to: 10.2.0.0/24, service: smb");
    expect_text(&o, &effect,
                "opens 1 × 256 address pairs; nothing was read that could show its use");
    close_office(&o);
}

static void shares_are_told_administrative_ones_first(void **state)
{
    static const char *const names[] = {"apps", "IPC$", "C$", "ADMIN$", "D$", "data"};
    static const enum share_kind kinds[] = {SHARE_KIND_USER,           SHARE_KIND_IPC,
                                            SHARE_KIND_ADMINISTRATIVE, SHARE_KIND_ADMINISTRATIVE,
                                            SHARE_KIND_ADMINISTRATIVE, SHARE_KIND_USER};
    struct office o;
    struct evidence e;
    (void)state;
    open_office(&o);
    add_evidence(&o, &e);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        e.shares[i] = e.shares[1];
        e.shares[i].share = str_of(names[i]);
        e.shares[i].kind = kinds[i];
    }
    e.shares[5].clients = (struct names){&ws2, 1};
    o.question.n_shares = 6;
    struct exception_effect effect = effect_of(&o, "from: 10.1.0.3, to: 10.2.0.2, service: smb");
    assert_int_equal(effect.n_reaches, 6);
    expect_text(&o, &effect,
                "opens 1 × 1 host pair, of which 1 was ever used; also reaches ADMIN$ on FS02, C$ "
                "on FS02, D$ on FS02 and 3 more");
    /* One of its own clients used it. */
    effect = effect_of(&o, "from: 10.1.0.2/31, to: 10.2.0.2, service: smb");
    assert_int_equal(effect.n_reaches, 5);
    effect = effect_of(&o, "from: 10.1.0.3, to: 10.2.0.2, service: rdp");
    assert_int_equal(effect.n_reaches, 0);
    close_office(&o);
}

static void smb1_is_a_risk(void **state)
{
    struct office o;
    struct evidence e;
    (void)state;
    open_office(&o);
    add_evidence(&o, &e);
    e.views[12].posture.smb1 = true;
    e.flows[0].dialects = 1u << DIALECT_NT_LM_012;
    struct exception_effect effect = effect_of(&o, "from: 10.1.0.3, to: 10.2.0.2, service: smb");
    str risks = joined(effect.risks, effect.n_risks, &o.arena);
    assert_true(str_equal(risks, S("server FS02 speaks SMB 1|client 10.1.0.3 speaks SMB 1 only")));
    e.flows[0].dialects |= 1u << DIALECT_3_1_1;
    effect = effect_of(&o, "from: 10.1.0.3, to: 10.2.0.9, service: smb");
    assert_int_equal(effect.n_risks, 0);
    close_office(&o);
}

static void json_is_one_line_with_every_member(void **state)
{
    struct office o;
    struct evidence e;
    (void)state;
    open_office(&o);
    add_evidence(&o, &e);
    struct exception_effect effect = effect_of(&o, "from: 10.1.0.3, to: 10.2.0.2, service: smb");
    str json = exception_effect_json(&effect, &o.arena);
    str expected =
        S("{\"text\":\"opens 1 × 1 host pair, of which 1 was ever used; also reaches ADMIN$ on "
          "FS02\",\"clients\":1,\"servers\":1,\"pairs\":1,\"pairs_open\":0,\"pairs_allowed\":1,"
          "\"has_evidence\":true,\"known_clients\":1,\"known_servers\":1,\"known_pairs\":1,"
          "\"pairs_used\":1,\"pairs_tried\":0,\"uses\":[{\"client\":\"10.1.0.3\",\"server\":"
          "\"10.2.0.2\",\"connections\":7,\"last_seen\":\"1970-01-01T00:00:05.000000Z\","
          "\"users\":[\"CONTOSO\\\\alice\"]}],\"reaches\":[\"ADMIN$ on FS02\"],"
          "\"reaches_total\":1,\"risks\":[],\"narrowest\":{\"from\":[\"10.1.0.3\"],\"to\":"
          "[\"10.2.0.2\"],\"service\":[\"smb\"]},\"narrowest_unused\":0,\"superfluous\":null,"
          "\"undecidable\":null}");
    if (!str_equal(json, expected)) fail_msg("%.*s", STR_ARG(json));
    close_office(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_those_of_the_decision),
        cmocka_unit_test(every_pair_is_told_as_decided),
        cmocka_unit_test(effects_are_exact),
        cmocka_unit_test(what_was_used_is_said),
        cmocka_unit_test(shares_are_told_administrative_ones_first),
        cmocka_unit_test(smb1_is_a_risk),
        cmocka_unit_test(json_is_one_line_with_every_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
