/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/exception_use.h"

#include "base/hash.h"
#include "base/instant.h"
#include "base/os_memory.h"
#include "base/test.h"

#define DAY(n) ((INT64_C(20500) + (int64_t)(n)) * INSTANT_DAY)

enum { CLIENTS = 8, SERVERS = 4, EXCEPTIONS = 7, PIECES = 400, WORLDS = 120, USERS = 3 };

static const struct {
    const char *name;
    uint16_t port;
} services[] = {
    {"smb",     445},
    {"netbios", 139},
};

/* ---- A world of bits ----------------------------------------------------------------------------
 */

/* What opens: bits of clients, servers and services. */
struct opening {
    unsigned from, to, services;
    bool secured;
    struct use_span spans[2];
    size_t n_spans;
};

struct piece {
    size_t client, server, service;
    struct sighting sighting;
};

struct world {
    struct arena arena;
    uint64_t seed;
    struct opening line, openings[EXCEPTIONS];
    struct piece pieces[PIECES];
    struct policy policy;
    struct source_text file;
    struct use_question questions[EXCEPTIONS];
    struct exception_use uses[EXCEPTIONS];
};

static uint64_t below(struct world *w, uint64_t most)
{
    w->seed = hash_u64(w->seed);
    return w->seed % most;
}

static struct addr client_addr(size_t i)
{
    return addr_v4(0x0A010001 + (uint32_t)i);
}

static struct addr server_addr(size_t i)
{
    return addr_v4(0x0A020001 + (uint32_t)i);
}

static void put_bits(struct buf *out, unsigned bits, struct addr (*addr)(size_t))
{
    char text[ADDR_TEXT];
    bool any = false;
    buf_char(out, '[');
    for (size_t i = 0; bits >> i; i++) {
        if (!(bits >> i & 1)) continue;
        buf_format(out, "%s%.*s", any ? ", " : "", STR_ARG(addr_text(text, addr(i))));
        any = true;
    }
    buf_char(out, ']');
}

static void put_opening(struct buf *out, const struct opening *o)
{
    buf_str(out, S("from: "));
    put_bits(out, o->from, client_addr);
    buf_str(out, S(", to: "));
    put_bits(out, o->to, server_addr);
    buf_format(out, ", service: [%s%s%s]%s", o->services & 1 ? services[0].name : "",
               o->services == 3 ? ", " : "", o->services & 2 ? services[1].name : "",
               o->secured ? ", secure: kerberos" : "");
}

static struct opening random_opening(struct world *w)
{
    struct opening o = {
        .from = 1 + (unsigned)below(w, 255),
        .to = 1 + (unsigned)below(w, 15),
        .services = 1 + (unsigned)below(w, 3),
        .secured = below(w, 4) == 0,
        .n_spans = 1 + below(w, 2),
    };
    int64_t at = DAY(below(w, 20)) + (int64_t)below(w, 1000000);
    for (size_t i = 0; i < o.n_spans; i++) {
        o.spans[i].from_us = at;
        o.spans[i].to_us = at += 1 + (int64_t)below(w, 40) * INSTANT_DAY / 2;
        at += (int64_t)below(w, 2) * INSTANT_DAY;
        if (i && o.spans[i].from_us == o.spans[i - 1].to_us) at++;
    }
    return o;
}

/* At, just before and just after the boundaries of some exception, or anywhere. */
static int64_t random_time(struct world *w)
{
    const struct opening *o = &w->openings[below(w, EXCEPTIONS)];
    const struct use_span *span = &o->spans[below(w, o->n_spans)];
    int64_t at = below(w, 2) ? span->from_us : span->to_us;
    if (below(w, 4) == 0) return DAY(below(w, 70));
    return at + (int64_t)below(w, 3) - 1;
}

static void make_world(struct world *w, uint64_t seed)
{
    struct err err = {0};
    struct diagnostics found = {0};
    struct os os = os_memory_world(os_memory_new(&w->arena));
    const struct zone *utc = zone_find(&os, S("UTC"), &w->arena, &err);
    w->seed = hash_u64(seed);
    w->line = random_opening(w);
    struct buf text = buf_in(&w->arena), records = buf_in(&w->arena);
    buf_str(&text, S("version: 1\nsegments:\n  all-of-it: {networks: [10.0.0.0/8], trust: "
                     "managed}\nallow:\n  - {"));
    put_opening(&text, &w->line);
    buf_str(&text, S("}\n"));
    buf_str(&records, S("exceptions:\n"));
    for (size_t i = 0; i < EXCEPTIONS; i++) {
        w->openings[i] = random_opening(w);
        buf_str(&records, S("  - {"));
        put_opening(&records, &w->openings[i]);
        buf_format(&records,
                   ", id: EX-%zu, owner: a, reason: r, approver: b, expires: 2030-01-01}\n", i);
    }
    w->file = (struct source_text){S("exceptions.yaml"), buf_text(&records)};
    assert_true(policy_parse(S("policy.yaml"), buf_text(&text), &w->arena, &w->policy, &found));
    assert_true(exceptions_parse(&w->file, &w->policy, utc, &w->arena, &w->policy.exceptions,
                                 &w->policy.n_exceptions, &found));
    for (size_t i = 0; i < EXCEPTIONS; i++)
        w->questions[i] = (struct use_question){.exception = &w->policy.exceptions[i],
                                                .spans = w->openings[i].spans,
                                                .n_spans = w->openings[i].n_spans};
    for (size_t i = 0; i < PIECES; i++) {
        struct piece *p = &w->pieces[i];
        *p = (struct piece){(size_t)below(w, CLIENTS),
                            (size_t)below(w, SERVERS),
                            (size_t)below(w, COUNT_OF(services)),
                            {0}};
        p->sighting.first_us = p->sighting.last_us = random_time(w);
        p->sighting.connections = 1;
        p->sighting.outcomes[below(w, OUTCOME_COUNT)] = 1;
        p->sighting.outcomes[below(w, OUTCOME_COUNT)] = 1;
    }
}

/* ---- The oracle: every piece against every exception
 * ---------------------------------------------
 */

static bool opens(const struct opening *o, const struct piece *p)
{
    return o->from >> p->client & 1 && o->to >> p->server & 1 && o->services >> p->service & 1;
}

static bool in_force(const struct opening *o, int64_t at_us)
{
    for (size_t i = 0; i < o->n_spans; i++)
        if (at_us >= o->spans[i].from_us && at_us < o->spans[i].to_us) return true;
    return false;
}

static bool has(const struct piece *p, enum outcome outcome)
{
    return p->sighting.outcomes[outcome] != 0;
}

static bool other_opens(const struct world *w, size_t exception, const struct piece *p)
{
    bool secured = w->openings[exception].secured;
    if (opens(&w->line, p) && (secured || !w->line.secured)) return true;
    for (size_t i = 0; i < EXCEPTIONS; i++)
        if (i != exception && opens(&w->openings[i], p) && (secured || !w->openings[i].secured) &&
            in_force(&w->openings[i], p->sighting.first_us))
            return true;
    return false;
}

static struct exception_use expected_use(const struct world *w, size_t exception)
{
    const struct opening *o = &w->openings[exception];
    struct exception_use use = {0};
    bool pairs[CLIENTS][SERVERS] = {0};
    for (size_t i = 0; i < PIECES; i++) {
        const struct piece *p = &w->pieces[i];
        int64_t at = p->sighting.first_us;
        bool worked =
            has(p, OUTCOME_ESTABLISHED) || has(p, OUTCOME_ALLOWED) || has(p, OUTCOME_ACCESSED);
        bool failed = has(p, OUTCOME_REFUSED) || has(p, OUTCOME_NO_ANSWER) ||
                      has(p, OUTCOME_PROHIBITED) || has(p, OUTCOME_BLOCKED);
        bool passed = has(p, OUTCOME_ESTABLISHED) || has(p, OUTCOME_ACCESSED) ||
                      (has(p, OUTCOME_ALLOWED) && !failed);
        if (!opens(o, p)) continue;
        if (in_force(o, at)) {
            use.refused += failed && !worked;
            if (!worked) continue;
            if (!use.connections || at < use.first_us) use.first_us = at;
            if (!use.connections || at > use.last_us) use.last_us = at;
            use.connections++;
            use.needed += !other_opens(w, exception, p);
            use.lines += opens(&w->line, p) && (o->secured || !w->line.secured);
            pairs[p->client][p->server] = true;
        } else if (at >= o->spans[o->n_spans - 1].to_us && !other_opens(w, exception, p)) {
            use.passed_after += passed;
            use.refused_after += failed && !passed;
            if (passed && at > use.last_after_us) use.last_after_us = at;
        }
    }
    for (size_t c = 0; c < CLIENTS; c++)
        for (size_t s = 0; s < SERVERS; s++)
            use.pairs += pairs[c][s];
    return use;
}

static void measure(struct world *w, const struct use_world *world)
{
    struct diagnostics found = {0};
    struct use_meter *meter =
        exception_use_meter(world, w->questions, EXCEPTIONS, &w->arena, &found);
    assert_non_null(meter);
    struct sighting_sink sink = exception_use_sink(meter);
    for (size_t c = 0; c < CLIENTS; c++)
        for (size_t s = 0; s < SERVERS; s++)
            for (size_t k = 0; k < COUNT_OF(services); k++) {
                uint32_t tag = 0;
                struct endpoint client = {.addr = client_addr(c)},
                                server = {.addr = server_addr(s)};
                if (!sink.wants(sink.to, client, server, TRANSPORT_TCP, services[k].port, &tag))
                    continue;
                for (size_t i = 0; i < PIECES; i++) {
                    const struct piece *p = &w->pieces[i];
                    if (p->client == c && p->server == s && p->service == k)
                        sink.seen(sink.to, tag, &p->sighting);
                }
            }
    exception_use_read(meter, w->uses);
}

static void uses_are_those_of_every_piece_asked(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    uint64_t used = 0, after = 0, needed = 0, refused = 0;
    (void)state;
    w->arena = arena_open("test", 0, NULL);
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&w->arena);
        make_world(w, seed);
        const struct use_world world = {.policy = &w->policy, .as_of_us = DAY(400)};
        measure(w, &world);
        for (size_t i = 0; i < EXCEPTIONS; i++) {
            struct exception_use e = expected_use(w, i), *u = &w->uses[i];
            if (u->connections != e.connections || u->pairs != e.pairs ||
                u->first_us != e.first_us || u->last_us != e.last_us || u->needed != e.needed ||
                u->lines != e.lines || u->refused != e.refused ||
                u->passed_after != e.passed_after || u->refused_after != e.refused_after ||
                u->last_after_us != e.last_after_us)
                fail_msg(
                    "world %" PRIu64 ", exception %zu: used %" PRIu64 " (%" PRIu64
                    "), needed %" PRIu64 " (%" PRIu64 "), refused %" PRIu64 " (%" PRIu64
                    "), after %" PRIu64 " (%" PRIu64 "), refused after %" PRIu64 " (%" PRIu64 ")",
                    seed, i, u->connections, e.connections, u->needed, e.needed, u->refused,
                    e.refused, u->passed_after, e.passed_after, u->refused_after, e.refused_after);
            used += u->connections;
            after += u->passed_after;
            needed += u->needed;
            refused += u->refused + u->refused_after;
        }
    }
    assert_true(used > needed && needed > WORLDS && after > WORLDS && refused > WORLDS);
    arena_close(&w->arena);
    free(w);
}

/* ---- One exception ------------------------------------------------------------------------------
 */

/* From 10.1.0.1 to .8 to 10.2.0.1 to .4, in force from day 10 to day `until`. */
struct one {
    struct arena arena;
    struct policy policy;
    struct source_text file;
    struct use_span span;
    struct use_question question;
    struct use_world world;
    struct matrix_view matrix;
    struct matrix_flow flows[CLIENTS * SERVERS];
    struct coverage coverage[SERVERS];
    struct addr locals[SERVERS];
};

static void open_one(struct one *o, int64_t until)
{
    struct err err = {0};
    struct diagnostics found = {0};
    *o = (struct one){.arena = arena_open("test", 0, NULL)};
    struct os os = os_memory_world(os_memory_new(&o->arena));
    const struct zone *utc = zone_find(&os, S("UTC"), &o->arena, &err);
    o->file = (struct source_text){
        S("exceptions.yaml"),
        S("exceptions: [{name: lab, from: clients, to: [10.2.0.1, 10.2.0.2, 10.2.0.3, 10.2.0.4], "
          "service: smb, id: EX-1, owner: a, reason: r, approver: b, expires: 2030-01-01}]\n")};
    assert_true(policy_parse(S("policy.yaml"),
                             S("version: 1\nsegments:\n  clients: {networks: [10.1.0.0/28], trust: "
                               "managed}\n  servers: {networks: [10.2.0.0/28], trust: managed}\n"
                               "allow: []\n"),
                             &o->arena, &o->policy, &found));
    assert_true(exceptions_parse(&o->file, &o->policy, utc, &o->arena, &o->policy.exceptions,
                                 &o->policy.n_exceptions, &found));
    o->span = (struct use_span){DAY(10), DAY(until)};
    o->question =
        (struct use_question){.exception = o->policy.exceptions, .spans = &o->span, .n_spans = 1};
    for (size_t i = 0; i < CLIENTS * SERVERS; i++) {
        struct matrix_flow *flow = &o->flows[i];
        flow->client.addr = client_addr(i / SERVERS);
        flow->server.addr = server_addr(i % SERVERS);
        flow->outcomes[OUTCOME_ESTABLISHED] = 1;
    }
    o->matrix = (struct matrix_view){.flows = o->flows, .n_flows = CLIENTS * SERVERS};
    o->world = (struct use_world){.policy = &o->policy, .as_of_us = DAY(100), .matrix = &o->matrix};
}

/* Logs of all servers, over so many days. */
static void add_logs(struct one *o, int64_t from, int64_t to)
{
    for (size_t i = 0; i < SERVERS; i++) {
        o->locals[i] = server_addr(i);
        o->coverage[i] = (struct coverage){.from_us = DAY(from),
                                           .to_us = DAY(to),
                                           .has_times = true,
                                           .locals = &o->locals[i],
                                           .n_locals = 1};
    }
    o->matrix.coverage = o->coverage;
    o->matrix.n_coverage = SERVERS;
}

struct given {
    size_t client, server;
    struct sighting sighting;
};

static struct exception_use use_of(struct one *o, const struct given *pieces, size_t n)
{
    struct diagnostics found = {0};
    struct exception_use use;
    struct use_meter *meter = exception_use_meter(&o->world, &o->question, 1, &o->arena, &found);
    assert_non_null(meter);
    struct sighting_sink sink = exception_use_sink(meter);
    for (size_t i = 0; i < n; i++) {
        uint32_t tag = 0;
        struct endpoint client = {.addr = client_addr(pieces[i].client)};
        struct endpoint server = {.addr = server_addr(pieces[i].server)};
        assert_true(sink.wants(sink.to, client, server, TRANSPORT_TCP, 445, &tag));
        sink.seen(sink.to, tag, &pieces[i].sighting);
        sink.user(sink.to, tag, S("CONTOSO\\alice"), pieces[i].sighting.first_us,
                  pieces[i].sighting.last_us);
    }
    exception_use_read(meter, &use);
    return use;
}

static struct sighting seen_at(int64_t first_us, int64_t last_us, uint64_t n)
{
    struct sighting s = {.first_us = first_us, .last_us = last_us, .connections = n};
    s.outcomes[OUTCOME_ESTABLISHED] = n;
    return s;
}

static void boundaries_are_exact(void **state)
{
    const struct {
        int64_t first, last;
        uint64_t n, used, after;
    } rows[] = {
        {DAY(10) - 1,  DAY(10) - 1,  1, 0, 0}, /* the last microsecond before it */
        {DAY(10),      DAY(10),      1, 1, 0},
        {DAY(20) - 1,  DAY(20) - 1,  1, 1, 0},
        {DAY(20),      DAY(20),      1, 0, 1}, /* t < expires */
        {DAY(100),     DAY(100),     1, 0, 1},
        {DAY(100) + 1, DAY(100) + 1, 1, 0, 0}, /* has not happened yet */
  /* Days of which only the first and the last time is known. */
        {DAY(19),      DAY(20) - 1,  5, 5, 0},
        {DAY(20) - 9,  DAY(20) + 9,  5, 4, 1},
        {DAY(20),      DAY(21) - 1,  5, 0, 5},
        {DAY(10) - 9,  DAY(10) + 9,  5, 1, 0},
        {DAY(10) - 9,  DAY(20) + 9,  5, 0, 1},
    };
    struct one o;
    (void)state;
    open_one(&o, 20);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct given piece = {1, 1, seen_at(rows[i].first, rows[i].last, rows[i].n)};
        struct exception_use use = use_of(&o, &piece, 1);
        if (use.connections != rows[i].used || use.passed_after != rows[i].after)
            fail_msg("row %zu: %" PRIu64 " used, %" PRIu64 " after", i, use.connections,
                     use.passed_after);
        assert_int_equal(use.users.n, rows[i].used != 0);
        assert_int_equal(use.n_after, rows[i].after != 0);
        if (use.n_after) assert_int_equal(use.after[0].users.n, 1);
    }
    arena_close(&o.arena);
}

static void expect(const struct exception_use *use, enum use_proposal proposal, const char *because)
{
    if (use->proposal != proposal || !str_equal(use->because, str_of(because)))
        fail_msg("%.*s: %.*s", STR_ARG(exception_use_proposal_text(use->proposal)),
                 STR_ARG(use->because));
}

static void proposals_have_reasons(void **state)
{
    struct one o;
    struct given pieces[12];
    (void)state;
    open_one(&o, 200);
    struct exception_use use = use_of(&o, NULL, 0);
    expect(&use, USE_UNKNOWN,
           "no use was seen, but 4 of its 4 known servers and 8 of its 8 known clients show their "
           "own side for less than 30 days");
    add_logs(&o, 0, 39); /* 29 days of its life */
    use = use_of(&o, NULL, 0);
    assert_int_equal(use.proposal, USE_UNKNOWN);
    add_logs(&o, 0, 40);
    use = use_of(&o, NULL, 0);
    expect(&use, USE_REMOVE,
           "nobody used it in 90 days, though its servers show their own side for 30 days of them "
           "or more");
    struct given tried = {0, 0, seen_at(DAY(50), DAY(50), 1)};
    /* A line that allows what it was used for makes it superfluous. */
    struct policy without = o.policy;
    o.policy.allow = &o.policy.exceptions->entry;
    o.policy.n_allow = 1;
    use = use_of(&o, &tried, 1);
    expect(&use, USE_REMOVE, "lines of the policy allow everything that it was used for");
    o.policy = without;
    /* 15 of 32 pairs are less than half, 16 are not. */
    struct given many[16];
    for (size_t i = 0; i < 16; i++)
        many[i] = (struct given){i / 2, i % 2, seen_at(DAY(50), DAY(50), 1)};
    use = use_of(&o, many, 15);
    expect(&use, USE_NARROW, "15 of the 32 pairs whose machines show their own side used it");
    str scope = S("{\"from\":[\"10.1.0.1\",\"10.1.0.2/31\",\"10.1.0.4/30\",\"10.1.0.8\"],"
                  "\"to\":[\"10.2.0.1\",\"10.2.0.2\"],\"service\":[\"smb\"],\"name\":\"lab\"}");
    if (!str_equal(use.scope, scope)) fail_msg("%.*s", STR_ARG(use.scope));
    use = use_of(&o, many, 16);
    expect(&use, USE_KEEP, "used 16 times between 16 pairs, last 2026-04-07 by CONTOSO\\alice");
    /* Where nobody listened, silence is no reason to narrow. */
    o.matrix.n_coverage = 0;
    use = use_of(&o, many, 1);
    assert_int_equal(use.proposal, USE_KEEP);
    /* Renewed three times, and used in each month from March to May; of February it has three
     * days. */
    o.question.renewals = 3;
    for (size_t i = 0; i < 4; i++)
        pieces[i] =
            (struct given){1, 1, seen_at(DAY(12 + 25 * (int64_t)i), DAY(12 + 25 * (int64_t)i), 1)};
    use = use_of(&o, pieces, 4);
    expect(&use, USE_PROMOTE,
           "used in each of its 3 months, in force for 90 days, renewed 3 times: it is a rule by "
           "now");
    str line = S("- {name: \"lab\", from: [clients], to: [\"10.2.0.1\", \"10.2.0.2\", "
                 "\"10.2.0.3\", \"10.2.0.4\"], service: [smb]}");
    if (!str_equal(use.line, line)) fail_msg("%.*s", STR_ARG(use.line));
    o.question.renewals = 2;
    use = use_of(&o, pieces, 4);
    assert_int_equal(use.proposal, USE_KEEP);
    o.question.renewals = 3;
    use = use_of(&o, pieces, 2);
    assert_int_equal(use.proposal, USE_KEEP);
    /* 180 days in force. */
    o.question.renewals = 0;
    for (size_t i = 0; i < 12; i++)
        pieces[i] =
            (struct given){1, 1, seen_at(DAY(12 + 20 * (int64_t)i), DAY(12 + 20 * (int64_t)i), 1)};
    o.world.as_of_us = DAY(189);
    use = use_of(&o, pieces, 12);
    assert_int_equal(use.proposal, USE_KEEP);
    o.world.as_of_us = DAY(190);
    use = use_of(&o, pieces, 12);
    assert_int_equal(use.proposal, USE_PROMOTE);
    o.world.as_of_us = DAY(5);
    use = use_of(&o, NULL, 0);
    expect(&use, USE_UNKNOWN, "it is in force from 2026-02-26 on");
    arena_close(&o.arena);
}

static void what_passes_after_the_end_is_an_alarm(void **state)
{
    struct one o;
    (void)state;
    open_one(&o, 20);
    struct given piece = {1, 1, seen_at(DAY(30), DAY(30), 1)};
    struct exception_use use = use_of(&o, &piece, 1);
    expect(&use, USE_REMOVE,
           "it ended on 2026-03-08, and 1 connection still passed since: something still lets it "
           "through");
    /* Its own firewall let it out, the server's did not let it in. */
    memset(piece.sighting.outcomes, 0, sizeof piece.sighting.outcomes);
    piece.sighting.outcomes[OUTCOME_ALLOWED] = piece.sighting.outcomes[OUTCOME_BLOCKED] = 1;
    use = use_of(&o, &piece, 1);
    assert_int_equal(use.passed_after, 0);
    assert_int_equal(use.refused_after, 1);
    expect(&use, USE_KEEP, "it ended on 2026-03-08");
    str json = exception_use_json(&use, &o.arena);
    str expected =
        S("{\"text\":\"never used; 1 refused after its end\",\"connections\":0,\"pairs\":0,"
          "\"first_used\":null,\"last_used\":null,\"users\":[],\"clients\":[],\"servers\":[],"
          "\"needed\":0,\"allowed_by_policy\":0,\"refused\":0,\"passed_after\":0,\"refused_after\":"
          "1,\"last_after\":null,"
          "\"after\":[],\"alive_days\":10,\"known_pairs\":32,\"shown_pairs\":0,\"proposal\":"
          "\"keep\",\"because\":\"it ended on 2026-03-08\",\"scope\":null,\"line\":null}");
    if (!str_equal(json, expected)) fail_msg("%.*s", STR_ARG(json));
    arena_close(&o.arena);
}

/* ---- Hosts that move ----------------------------------------------------------------------------
 */

static const struct host_address *look_up(void *to, str name, int64_t as_of_us, struct arena *arena,
                                          size_t *n)
{
    struct host_address *out = arena_new(arena, struct host_address);
    (void)to;
    *out = (struct host_address){client_addr(1), as_of_us, false};
    *n = str_equal(name, S("ws01"));
    return out;
}

/* ws01 had 10.1.0.1 until day 20, and has had 10.1.0.2 since day 25; 10.1.0.1 is ws02's since. */
static void an_exception_follows_its_hosts(void **state)
{
    const struct host_witness witnesses[] = {
        {client_addr(0), S("ws01"), IDENTITY_LOG, DAY(0),  DAY(20)},
        {client_addr(1), S("ws01"), IDENTITY_LOG, DAY(25), DAY(99)},
        {client_addr(0), S("ws02"), IDENTITY_LOG, DAY(25), DAY(99)},
    };
    const struct {
        size_t client;
        int64_t day;
        uint64_t used;
    } rows[] = {
        {0, 15, 1},
        {0, 40, 0},
        {1, 40, 1},
    };
    const struct host_lookup lookup = {.host = look_up};
    struct one o;
    struct err err = {0};
    struct diagnostics found = {0};
    (void)state;
    open_one(&o, 90);
    struct os os = os_memory_world(os_memory_new(&o.arena));
    const struct zone *utc = zone_find(&os, S("UTC"), &o.arena, &err);
    struct addr ends[] = {client_addr(0), client_addr(1)};
    struct host_list hosts = hosts_of(&o.arena, witnesses, COUNT_OF(witnesses), ends, 2);
    o.file.text = S("exceptions: [{from: lab, to: 10.2.0.1, service: smb, id: EX-1, owner: a, "
                    "reason: r, approver: b, expires: 2030-01-01}]\n");
    assert_true(policy_parse(S("policy.yaml"),
                             S("version: 1\nsegments:\n  all-of-it: {networks: [10.0.0.0/8], "
                               "trust: managed}\ngroups:\n  lab: {hosts: [ws01]}\nallow: []\n"),
                             &o.arena, &o.policy, &found));
    assert_true(exceptions_parse(&o.file, &o.policy, utc, &o.arena, &o.policy.exceptions,
                                 &o.policy.n_exceptions, &found));
    o.question.exception = o.policy.exceptions;
    o.world.hosts = &hosts;
    o.world.lookup = &lookup;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct given piece = {rows[i].client, 0,
                                    seen_at(DAY(rows[i].day), DAY(rows[i].day), 1)};
        assert_int_equal(use_of(&o, &piece, 1).connections, rows[i].used);
    }
    arena_close(&o.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_are_those_of_every_piece_asked),
        cmocka_unit_test(boundaries_are_exact),
        cmocka_unit_test(proposals_have_reasons),
        cmocka_unit_test(what_passes_after_the_end_is_an_alarm),
        cmocka_unit_test(an_exception_follows_its_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
