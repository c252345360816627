/* SPDX-License-Identifier: Apache-2.0 */
/* One incident seen by several witnesses: a capture, the event logs of both hosts, a firewall log.
 * Whatever the order in which they are read, it is one connection with a witness per source. */
#include "base/hash.h"
#include "base/instant.h"
#include "base/test.h"
#include "store/intake.h"
#include "store/prune.h"
#include "store/tables.h"

#define T0 (INT64_C(20000) * INSTANT_DAY + INT64_C(36000) * INSTANT_SECOND)

static struct arena arena, scratch;
static struct os os;

static bool recognises_nothing(bytes head)
{
    (void)head;
    return false;
}

static const struct reader capture_reader = {
    .name = {"capture", 7},
      .overlap = OVERLAP_CONTENT_HASH, .recognise = recognises_nothing
};
static const struct reader evtx_reader = {
    .name = {"evtx",   4},
    .family = {"events", 6},
    .overlap = OVERLAP_LINES,
    .recognise = recognises_nothing,
};
static const struct reader json_reader = {
    .name = {"events-json", 11},
    .family = {"events",      6 },
    .overlap = OVERLAP_LINES,
    .recognise = recognises_nothing,
};
static const struct reader conn_reader = {
    .name = {"conn", 4},
    .overlap = OVERLAP_LINES,
    .tells_connections = true,
    .recognise = recognises_nothing,
};

/* One fact, and the host whose record it is (NULL = a capture's). Ends are addresses or names. */
struct given {
    const char *host, *client, *server;
    uint16_t client_port;
    int64_t at_s; /* after T0 */
    enum outcome outcome;
    bool within, port_assumed, clockless;
    const char *user;
};

struct told {
    const char *addr, *name;
    enum identity_source source;
    int64_t at_s;
};

struct source {
    const char *path;
    const struct reader *reader;
    struct given facts[6];
    struct told names[4];
    uint64_t records; /* ids of its records begin here */
};

static void must(bool fine, const struct err *err)
{
    if (!fine) fail_msg("%s", err->text);
}

static struct endpoint end_of(const char *text)
{
    struct endpoint end = {0};
    if (!addr_parse(str_of(text), &end.addr)) end.name = str_of(text);
    return end;
}

static void give_fact(struct batch *batch, const struct given *g, uint64_t record)
{
    str user = str_of(g->user ? g->user : ""), computer = str_of(g->host ? g->host : "");
    struct observation o = {
        .client = end_of(g->client),
        .server = end_of(g->server),
        .transport = TRANSPORT_TCP,
        .client_port = g->client_port,
        .port = 445,
        .first_us = g->clockless ? g->at_s * INSTANT_SECOND : T0 + g->at_s * INSTANT_SECOND,
        .count = 1,
        .outcome = g->outcome,
        .profile = PROFILE_UNKNOWN,
        .within = g->within,
        .assumed = (uint8_t)((g->port_assumed ? 1u << ASSUMED_PORT : 0) |
                             (g->clockless ? 1u << ASSUMED_CLOCK : 0)),
        .users = {&user,     user.len ? 1 : 0                                            },
        .server_names = {&computer, addr_is_none(end_of(g->server).addr) && computer.len ? 1 : 0},
        .offset = record,
    };
    o.last_us = o.first_us;
    batch->line_hash = hash_u64(record);
    batch_observation(batch, &o);
    struct use use = {
        .client = o.client,
        .server = o.server,
        .transport = o.transport,
        .client_port = o.client_port,
        .port = o.port,
        .first_us = o.first_us,
        .last_us = o.last_us,
        .count = 1,
        .share = S("\\\\FS01\\projects"),
        .user = user,
    };
    if (g->outcome == OUTCOME_ACCESSED) batch_use(batch, &use);
}

/* The part of the host, found or made. */
static uint32_t part_of(struct store *store, const struct source *s, struct intake_part *parts,
                        const char **hosts, size_t *n, const char *host)
{
    struct err err = {0};
    for (size_t i = 0; i < *n; i++)
        if (strcmp(hosts[i], host) == 0) return (uint32_t)i;
    hosts[*n] = host;
    parts[*n] = (struct intake_part){.lines = lines_new(&arena)};
    must(intake_host_stream(store, s->reader, str_of(host), &arena, &parts[*n].stream, &err), &err);
    return (uint32_t)(*n)++;
}

static uint64_t read_source(struct store *store, const struct source *s)
{
    struct intake_part parts[4] = {0};
    const char *hosts[4] = {0};
    struct err err = {0};
    size_t n = 0;
    uint64_t known = 0;
    bool is_capture = s->reader == &capture_reader;
    struct batch batch = batch_in(&arena);
    must(intake_begin(store, &err), &err);
    if (is_capture) {
        must(intake_capture_stream(store, s->reader, (str){0}, &parts[0].stream, &err), &err);
        n = 1;
    }
    for (size_t i = 0; i < COUNT_OF(s->facts) && s->facts[i].client; i++) {
        const struct given *g = &s->facts[i];
        batch.part = is_capture ? 0 : part_of(store, s, parts, hosts, &n, g->host);
        struct intake_part *part = &parts[batch.part];
        int64_t at_us = T0 + g->at_s * INSTANT_SECOND;
        if (!part->has_times || at_us < part->from_us) part->from_us = at_us;
        if (!part->has_times || at_us > part->to_us) part->to_us = at_us;
        part->has_times = true;
        part->records++;
        give_fact(&batch, g, s->records + i);
    }
    for (size_t i = 0; i < COUNT_OF(s->names) && s->names[i].addr; i++) {
        struct identity identity = {
            .addr = end_of(s->names[i].addr).addr,
            .name = str_of(s->names[i].name),
            .seen_us = T0 + s->names[i].at_s * INSTANT_SECOND,
            .source = s->names[i].source,
        };
        batch_identity(&batch, &identity);
    }
    must(intake_add(store, parts, n, str_of(s->path), s->reader, &batch, scratch, &err), &err);
    if (is_capture) {
        struct sha256_digest digest = sha256_of(str_bytes(str_of(s->path)));
        must(intake_name_capture(store, &parts[0].stream, &digest, &arena, &err), &err);
    }
    const struct intake_source source = {.path = str_of(s->path), .reader = s->reader};
    must(intake_commit(store, &source, parts, n, scratch, &err), &err);
    for (size_t i = 0; i < n; i++)
        known += parts[i].known;
    return known;
}

static struct store *open_store(void)
{
    struct store *store = NULL;
    struct err err = {0};
    must(store_create(&os, S(":memory:"), STORE_WAL, &store, &err), &err);
    return store;
}

static struct matrix_view load(struct store *store)
{
    struct matrix_view view = {0};
    struct err err = {0};
    must(store_load_matrix(store, &arena, &view, &err), &err);
    return view;
}

/* "10.10.4.7>10.20.0.21 1 ea users" per flow: connections, outcomes, what is assumed, witnesses. */
static str summary(const struct matrix_view *view)
{
    static const char letters[] = "?erxpabcf";
    struct buf out = buf_in(&arena);
    for (size_t i = 0; i < view->n_flows; i++) {
        const struct matrix_flow *flow = &view->flows[i];
        if (i) buf_str(&out, S("; "));
        buf_str(&out, view_end_text(&arena, flow->client));
        buf_char(&out, '>');
        buf_str(&out, view_end_text(&arena, flow->server));
        buf_format(&out, " %" PRIu64 "%s ", flow->connections, flow->connections_exact ? "" : "~");
        for (int o = 1; o < OUTCOME_COUNT; o++)
            for (uint64_t n = 0; n < flow->outcomes[o]; n++)
                buf_char(&out, letters[o]);
        if (flow->assumed >> ASSUMED_PORT & 1) buf_str(&out, S(" port?"));
        for (size_t n = 0; n < flow->server_names.n; n++)
            buf_format(&out, " %.*s", STR_ARG(flow->server_names.items[n]));
        buf_format(&out, " w%zu", flow->n_evidence);
    }
    return buf_text(&out);
}

#define FS      "FS01.contoso.com"
#define WS      "WS0417.contoso.com"
#define E       OUTCOME_ESTABLISHED
#define ALLOWED OUTCOME_ALLOWED
#define C       OUTCOME_ACCESSED
#define NTLM    IDENTITY_NTLM
#define LOG     IDENTITY_LOG
#define TREE    IDENTITY_TREE_PATH

/* What each set of sources comes to, in whatever order they are read. */
static const struct row {
    const char *name;
    struct source sources[4];
    const char *expected;
} rows[] = {
    {"a capture and both hosts' events are one connection",
     {{"a.pcap",
       &capture_reader,
       {{NULL, "10.10.4.7", "10.20.0.21", 50001, 0, E, 0, 0, 0, NULL}},
       {{"10.20.0.21", FS, NTLM, 1}},
       0},
      {"fs01.evtx",
       &evtx_reader,
       {{FS, "10.10.4.7", FS, 50001, 40, C, 1, 1, 0, "CONTOSO\\alice"},
        {FS, "10.10.4.7", "10.20.0.21", 50001, 1, ALLOWED, 0, 0, 0, NULL}},
       {{NULL, NULL, 0, 0}},
       100},
      {"ws0417.evtx",
       &evtx_reader,
       {{WS, "10.10.4.7", "10.20.0.21", 50001, -1, ALLOWED, 0, 0, 0, NULL}},
       {{NULL, NULL, 0, 0}},
       200}},
     "10.10.4.7>10.20.0.21 1 eac FS01.contoso.com w4"                            },
    {"lines that are near are one connection, told connections are not",
     {{"fs01.evtx",
       &evtx_reader,
       {{FS, "10.10.4.7", "10.20.0.21", 50001, 0, ALLOWED, 0, 0, 0, NULL},
        {FS, "10.10.4.7", "10.20.0.21", 50001, 1, ALLOWED, 0, 0, 0, NULL}},
       {{NULL, NULL, 0, 0}},
       100},
      {"conn.log",
       &conn_reader,
       {{"sensor", "10.10.4.7", "10.20.0.22", 50001, 0, E, 0, 0, 0, NULL},
        {"sensor", "10.10.4.7", "10.20.0.22", 50001, 1, E, 0, 0, 0, NULL},
        {"sensor", "10.10.4.7", "10.20.0.22", 50001, 1, E, 0, 0, 0, NULL}},
       {{NULL, NULL, 0, 0}},
       200}},
     "10.10.4.7>10.20.0.21 1 a w1; 10.10.4.7>10.20.0.22 2 ee w1"                 },
    {"events alone: the log's own word names the address, the port stays assumed",
     {{"fs01.evtx",
       &evtx_reader,
       {{FS, "10.10.4.7", FS, 50001, 40, C, 1, 1, 0, NULL},
        {FS, "10.10.4.7", FS, 50001, 9000, C, 1, 1, 0, NULL}},
       {{"10.20.0.21", FS, LOG, 4000}},
       100}},
     "10.10.4.7>10.20.0.21 1 c port? FS01.contoso.com w1"                        },
    {"nobody says which address: the name stays",
     {{"fs01.evtx",
       &evtx_reader,
       {{FS, "10.10.4.7", FS, 50001, 40, C, 1, 1, 0, NULL}},
       {{"10.20.0.22", "FS02", LOG, 0}},
       100}},
     "10.10.4.7>FS01.contoso.com 1 c port? FS01.contoso.com w1"                  },
    {"two addresses were called so by clients: the name stays",
     {{"fs01.evtx",
       &evtx_reader,
       {{FS, "10.10.4.7", FS, 50001, 40, C, 1, 1, 0, NULL}},
       {{"10.20.0.21", FS, LOG, 0}, {"10.20.0.22", FS, LOG, 0}},
       100}},
     "10.10.4.7>FS01.contoso.com 1 c port? FS01.contoso.com w1"                  },
    {"of two addresses, the one to which the client's port had a connection",
     {{"fs01.evtx",
       &evtx_reader,
       {{FS, "10.10.4.7", FS, 50001, 40, C, 1, 1, 0, NULL}},
       {{"10.20.0.21", FS, LOG, 0}, {"10.20.0.22", FS, LOG, 0}},
       100},
      {"a.pcap",
       &capture_reader,
       {{NULL, "10.10.4.7", "10.20.0.21", 50002, 0, E, 0, 0, 0, NULL},
        {NULL, "10.10.4.7", "10.20.0.22", 50001, 0, E, 0, 0, 0, NULL}},
       {{NULL, NULL, 0, 0}},
       0}},
     "10.10.4.7>10.20.0.21 1 e w1; 10.10.4.7>10.20.0.22 1 ec FS01.contoso.com w2"},
    {"of two families, the client's",
     {{"fs01.evtx",
       &evtx_reader,
       {{FS, "10.10.4.7", FS, 50001, 40, C, 1, 1, 0, NULL},
        {FS, "fd00::7", FS, 50001, 40, C, 1, 1, 0, NULL}},
       {{"10.20.0.21", FS, LOG, 0}, {"fd00::21", FS, LOG, 0}},
       100}},
     "10.10.4.7>10.20.0.21 1 c port? FS01.contoso.com w1; fd00::7>fd00::21 1 c port? "
     "FS01.contoso.com w1"                                                       },
    {"an address that changed hands: each has it in its time",
     {{"fs01.evtx",
       &evtx_reader,
       {{FS, "10.10.4.7", FS, 50001, 40, C, 1, 1, 0, NULL},
        {FS, "10.10.4.7", FS, 50001, 5 * 86400, C, 1, 1, 0, NULL}},
       {{"10.20.0.21", FS, LOG, 0},
        {"10.20.0.22", FS, LOG, 5 * 86400},
        {"10.20.0.21", "FS02", LOG, 5 * 86400}},
       100}},
     "10.10.4.7>10.20.0.21 1 c port? FS01.contoso.com w1; 10.10.4.7>10.20.0.22 1 c port? "
     "FS01.contoso.com w1"                                                       },
    {"a machine's own word counts before what others call it",
     {{"fs01.evtx",
       &evtx_reader,
       {{FS, "10.10.4.7", FS, 50001, 40, C, 1, 1, 0, NULL}},
       {{"10.20.0.21", FS, LOG, 0}, {"10.20.0.30", FS, TREE, 0}, {"10.20.0.30", "DFS01", LOG, 0}},
       100}},
     "10.10.4.7>10.20.0.21 1 c port? FS01.contoso.com w1"                        },
    {"a short name and a full one are one host",
     {{"fs01.evtx",
       &evtx_reader,
       {{FS, "10.10.4.7", FS, 50001, 40, C, 1, 1, 0, NULL}},
       {{"10.20.0.21", "fs01", NTLM, 0}},
       100}},
     "10.10.4.7>10.20.0.21 1 c port? FS01.contoso.com w1"                        },
    {"both ends by name, and no client port: a part of some session",
     {{"ws0417.evtx",
       &evtx_reader,
       {{WS, WS, FS, 0, 40, C, 1, 1, 0, NULL}},
       {{"10.20.0.21", FS, LOG, 0}, {"10.10.4.7", WS, LOG, 0}},
       100},
      {"a.pcap",
       &capture_reader,
       {{NULL, "10.10.4.7", "10.20.0.21", 50002, 0, E, 0, 0, 0, NULL}},
       {{NULL, NULL, 0, 0}},
       0}},
     "10.10.4.7>10.20.0.21 1 ec FS01.contoso.com WS0417.contoso.com w2"          },
    {"without any session, one a day",
     {{"ws0417.evtx",
       &evtx_reader,
       {{WS, "10.10.4.7", "10.20.0.21", 0, 40, C, 1, 0, 0, NULL},
        {WS, "10.10.4.7", "10.20.0.21", 0, 50, C, 1, 0, 0, NULL},
        {WS, "10.10.4.7", "10.20.0.21", 0, 86400, C, 1, 0, 0, NULL}},
       {{NULL, NULL, 0, 0}},
       100}},
     "10.10.4.7>10.20.0.21 2~ cc w1"                                             },
    {"the halves of a rotated capture",
     {{"a.pcap",
       &capture_reader,
       {{NULL, "10.10.4.7", "10.20.0.21", 50002, 0, E, 0, 0, 0, NULL}},
       {{NULL, NULL, 0, 0}},
       0},
      {"b.pcap",
       &capture_reader,
       {{NULL, "10.10.4.7", "10.20.0.21", 50002, 3000, E, 1, 0, 0, NULL}},
       {{NULL, NULL, 0, 0}},
       0}},
     "10.10.4.7>10.20.0.21 1 e w2"                                               },
};

static void one_connection_whatever_the_order(void **state)
{
    static const size_t orders[][4] = {
        {0, 1, 2, 3},
        {3, 2, 1, 0},
        {1, 3, 0, 2},
        {2, 0, 3, 1}
    };
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        str expected = str_of(rows[r].expected), first = {0};
        for (size_t o = 0; o < COUNT_OF(orders); o++) {
            struct store *store = open_store();
            for (size_t i = 0; i < 4; i++)
                if (rows[r].sources[orders[o][i]].path)
                    (void)read_source(store, &rows[r].sources[orders[o][i]]);
            struct matrix_view view = load(store);
            str found = summary(&view);
            struct buf json = buf_in(&arena);
            view_print_json(&view, &view_labels_default, &json);
            if (!o) first = buf_text(&json);
            if (!str_equal(expected, found))
                fail_msg("%s (order %zu): found %.*s", rows[r].name, o, STR_ARG(found));
            if (!str_equal(first, buf_text(&json)))
                fail_msg("%s: order %zu gives other bytes", rows[r].name, o);
            store_close(store);
        }
    }
}

/* A host whose clock is 90 s ahead: three connections tell, and then all join. Two would not. */
static void clocks_that_differ_are_measured(void **state)
{
    static const struct {
        size_t pairs;
        int64_t ahead_s;
        const char *expected;
    } worlds[] = {
        {3, 90,  "10.10.4.7>10.20.0.21 4 eeeeaaaa w2"},
        {2, 90,  "10.10.4.7>10.20.0.21 6 eeeaaa w2"  },
        {3, -90, "10.10.4.7>10.20.0.21 4 eeeeaaaa w2"},
        {3, 400, "10.10.4.7>10.20.0.21 8 eeeeaaaa w2"},
        {3, 1,   "10.10.4.7>10.20.0.21 4 eeeeaaaa w2"},
    };
    (void)state;
    for (size_t w = 0; w < COUNT_OF(worlds); w++)
        for (int turn = 0; turn < 2; turn++) {
            struct source sources[2] = {
                {.path = "a.pcap",      .reader = &capture_reader},
                {.path = "ws0417.evtx", .reader = &evtx_reader   },
            };
            for (size_t i = 0; i <= worlds[w].pairs; i++) {
                struct given fact = {.client = "10.10.4.7",
                                     .server = "10.20.0.21",
                                     .client_port = (uint16_t)(50000 + i),
                                     .at_s = (int64_t)i * 1000,
                                     .outcome = E};
                sources[0].facts[i] = fact;
                fact.host = WS;
                fact.at_s += worlds[w].ahead_s;
                /* The last differs by a second: it joins only when the clocks are known. */
                if (i == worlds[w].pairs) fact.at_s++;
                fact.outcome = ALLOWED;
                sources[1].facts[i] = fact;
            }
            if (worlds[w].pairs == 2) { /* and nothing more to measure by */
                sources[0].facts[2].client_port = 50009;
            }
            struct store *store = open_store();
            (void)read_source(store, &sources[turn]);
            (void)read_source(store, &sources[!turn]);
            struct matrix_view view = load(store);
            str found = summary(&view);
            if (!str_equal(found, str_of(worlds[w].expected)))
                fail_msg("world %zu: found %.*s", w, STR_ARG(found));
            store_close(store);
        }
}

static uint64_t next(uint64_t *seed, uint64_t below)
{
    *seed = hash_u64(*seed);
    return *seed % below;
}

/* A source made of a seed: few hosts, ports and times, so that everything meets. */
static struct source random_source(uint64_t seed)
{
    static const char *const servers[] = {"10.20.0.21", "10.20.0.22", FS,
                                          "FS02",       "fs01",       "10.20.0.23"};
    static const char *const names[] = {FS, "FS02", "fs01", "FS02.contoso.com"};
    static const char *const clients[] = {"10.10.4.7", WS, "10.10.4.8"};
    uint64_t s = seed;
    bool is_capture = next(&s, 3) == 0;
    struct source source = {
        .path = str_c(&arena, str_format(&arena, "source-%" PRIu64, seed)),
        .reader = is_capture ? &capture_reader : &evtx_reader,
        .records = seed * 100,
    };
    for (size_t i = 0; i < COUNT_OF(source.facts); i++)
        source.facts[i] = (struct given){
            .host = is_capture    ? NULL
                    : next(&s, 2) ? FS
                                  : WS,
            .client = clients[next(&s, COUNT_OF(clients))],
            .server = servers[next(&s, COUNT_OF(servers))],
            .client_port = (uint16_t)(next(&s, 5) ? 50000 + next(&s, 2) : 0),
            .at_s = (int64_t)(next(&s, 3) * 70 + next(&s, 4) + next(&s, 3) * 86400),
            .outcome = (enum outcome)next(&s, OUTCOME_COUNT),
            .within = next(&s, 2),
            .port_assumed = next(&s, 2),
            .user = next(&s, 2) ? "CONTOSO\\alice" : NULL,
        };
    for (size_t i = 0; i < 2; i++)
        source.names[i] = (struct told){
            .addr = servers[next(&s, 2)],
            .name = names[next(&s, COUNT_OF(names))],
            .source = next(&s, 3) ? IDENTITY_LOG : IDENTITY_TREE_PATH,
            .at_s = (int64_t)next(&s, 3) * 86400,
        };
    source.names[2] = (struct told){"10.10.4.7", WS, IDENTITY_LOG, 0};
    return source;
}

static void any_order_of_sources_gives_the_same_bytes(void **state)
{
    enum { WORLDS = 40, ORDERS = 6, SOURCES = 7 };
    (void)state;
    for (uint64_t world = 0; world < WORLDS; world++) {
        struct arena before = arena;
        struct source sources[SOURCES];
        size_t order[SOURCES];
        uint64_t random = world + 1;
        str first = {0};
        for (size_t i = 0; i < SOURCES; i++) {
            sources[i] = random_source(world * SOURCES + i);
            order[i] = i;
        }
        for (int turn = 0; turn < ORDERS; turn++) {
            struct store *store = open_store();
            struct share_use *uses = NULL;
            struct err err = {0};
            size_t n = 0;
            for (size_t i = 0; i < SOURCES; i++)
                (void)read_source(store, &sources[order[i]]);
            struct matrix_view view = load(store);
            struct buf json = buf_in(&arena);
            view_print_json(&view, &view_labels_default, &json);
            must(store_load_uses(store, &arena, &uses, &n, &err), &err);
            uint64_t used = 0;
            for (size_t i = 0; i < n; i++)
                used += uses[i].count;
            buf_format(&json, "%zu uses, %" PRIu64 " times", n, used);
            if (!turn) first = buf_text(&json);
            if (!str_equal(first, buf_text(&json)))
                fail_msg("world %" PRIu64 ", turn %d: other bytes", world, turn);
            store_close(store);
            for (size_t i = SOURCES; i > 1; i--) {
                size_t j = (size_t)next(&random, i), held = order[i - 1];
                order[i - 1] = order[j];
                order[j] = held;
            }
        }
        arena = before;
    }
}

/* Uses go where their flows go. */
static void uses_follow_the_name(void **state)
{
    struct share_use *uses = NULL;
    struct err err = {0};
    size_t n = 0;
    (void)state;
    struct store *store = open_store();
    (void)read_source(store, &rows[0].sources[0]);
    (void)read_source(store, &rows[0].sources[1]);
    must(store_load_uses(store, &arena, &uses, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_true(str_equal(view_end_text(&arena, uses[0].server), S("10.20.0.21")));
    assert_int_equal(uses[0].count, 1);
    store_close(store);
}

/* A host's stream is shared by all readers of the family; each host has its row of the coverage. */
static void a_record_in_two_formats_counts_once(void **state)
{
    struct source both = {
        "forwarded.json",
        &json_reader,
        {{FS, "10.10.4.7", FS, 50001, 40, C, 1, 1, 0, NULL},
                     {"ws0417.contoso.com", "10.10.4.7", "10.20.0.21", 50001, -1, ALLOWED, 0, 0, 0, NULL}},
        {{NULL, NULL, 0, 0}                                                 },
        100
    };
    struct source one = both;
    (void)state;
    one.path = "ws0417.evtx";
    one.reader = &evtx_reader;
    one.facts[0] = both.facts[1];
    one.facts[0].host = WS;
    one.facts[1] = (struct given){0};
    one.records = 101;
    struct store *store = open_store();
    assert_int_equal(read_source(store, &one), 0);
    assert_int_equal(read_source(store, &both), 1);
    struct matrix_view view = load(store);
    assert_int_equal(view.n_coverage, 3);
    assert_true(str_equal(view.coverage[1].origin, S(FS)));
    assert_true(str_equal(view.coverage[0].origin, S(WS))); /* the bytewise smallest spelling */
    assert_int_equal(view.coverage[0].from_us, T0 - INSTANT_SECOND);
    assert_true(str_equal(view.coverage[2].source, S("ws0417.evtx")));
    assert_int_equal(read_source(store, &both), 3);
    assert_int_equal(load(store).n_coverage, 3);
    store_close(store);
}

static void sources_that_disagree_are_a_conflict(void **state)
{
    static const struct {
        enum outcome other;
        size_t n;
    } outcomes[] = {
        {OUTCOME_BLOCKED,     1},
        {OUTCOME_NO_ANSWER,   1},
        {OUTCOME_ALLOWED,     0},
        {OUTCOME_AUTH_FAILED, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
        const struct source one = {
            "a.log",
            &evtx_reader,
            {{"sw1", "10.10.4.7", "10.20.0.21", 50001, 40, OUTCOME_ESTABLISHED, 0, 0, 0, NULL}},
            {{NULL, NULL, 0, 0}},
            100};
        struct source two = one;
        two.path = "b.log";
        two.facts[0].host = "sw2";
        two.facts[0].outcome = outcomes[i].other;
        struct store *store = open_store();
        (void)read_source(store, &one);
        (void)read_source(store, &two);
        struct matrix_view view = load(store);
        assert_int_equal(view.n_flows, 1);
        assert_int_equal(view.flows[0].connections, 1);
        if (view.flows[0].conflicts.n != outcomes[i].n)
            fail_msg("row %zu: %zu conflicts", i, view.flows[0].conflicts.n);
        store_close(store);
    }
}

static void a_clock_of_1970_makes_nothing_older(void **state)
{
    const struct source clockless = {
        "switch.log",
        &evtx_reader,
        {{"sw1", "10.10.4.7", "10.20.0.21", 50001, 40, ALLOWED, 0, 0, 1, NULL}},
        {{NULL, NULL, 0, 0}},
        100};
    (void)state;
    struct store *store = open_store();
    (void)read_source(store, &clockless);
    struct matrix_view view = load(store);
    assert_true(view.flows[0].is_timeless);
    (void)read_source(store, &rows[0].sources[0]);
    view = load(store);
    assert_int_equal(view.n_flows, 1);
    assert_false(view.flows[0].is_timeless);
    assert_int_equal(view.flows[0].first_us, T0);
    store_close(store);
}

/* A session that outlives the day it began on counts once, also when that day was let go. */
static void a_session_over_a_pruned_day_counts_once(void **state)
{
    struct source events = rows[0].sources[1];
    struct err err = {0};
    (void)state;
    events.facts[0].at_s = 20 * 3600;
    struct store *store = open_store();
    (void)read_source(store, &rows[0].sources[0]);
    (void)read_source(store, &events);
    str before = {0};
    for (int turn = 0; turn < 3; turn++) {
        struct matrix_view view = load(store);
        struct buf json = buf_in(&arena);
        view_print_json(&view, &view_labels_default, &json);
        if (!turn) before = buf_text(&json);
        assert_true(str_equal(before, buf_text(&json)));
        assert_int_equal(view.flows[0].connections, 1);
        must(prune_connections(store, 0, 0, scratch, &err), &err);
    }
    events.path = "later.evtx";
    events.facts[0].at_s = 21 * 3600;
    events.records = 900;
    (void)read_source(store, &events);
    assert_int_equal(load(store).flows[0].connections, 1);
    store_close(store);
}

static void what_is_told_of_hosts(void **state)
{
    struct err err = {0};
    struct intake_part part = {0};
    const struct intake_unplaced unplaced[] = {
        {S("failed logons of nobody knows what"), 7}
    };
    struct listening_view *listenings = NULL;
    struct change_view *changes = NULL;
    size_t n_listenings = 0, n_changes = 0;
    (void)state;
    struct store *store = open_store();
    for (int turn = 0; turn < 2; turn++) {
        struct batch batch = batch_in(&arena);
        must(intake_begin(store, &err), &err);
        must(intake_host_stream(store, &evtx_reader, S(FS), &arena, &part.stream, &err), &err);
        const struct listening open = {
            .server = end_of("10.20.0.21"),
            .port = 445,
            .state = LISTENING_OPEN,
            .dialects = 1u << DIALECT_3_1_1,
            .signing = SIGNING_REQUIRED,
            .seen_us = T0 + turn,
        };
        const struct change added = {
            .host = end_of(FS),
            .kind = CHANGE_SHARE_ADDED,
            .subject = S("\\\\FS01\\new"),
            .user = S("CONTOSO\\bob"),
            .at_us = T0,
        };
        batch_listening(&batch, &open);
        batch_change(&batch, &added);
        part.unplaced = unplaced;
        part.n_unplaced = COUNT_OF(unplaced);
        must(intake_add(store, &part, 1, S("x"), &evtx_reader, &batch, scratch, &err), &err);
        const struct intake_source source = {.path = S("x"), .reader = &evtx_reader};
        must(intake_commit(store, &source, &part, 1, scratch, &err), &err);
    }
    must(store_load_listenings(store, &arena, &listenings, &n_listenings, &err), &err);
    must(store_load_changes(store, &arena, &changes, &n_changes, &err), &err);
    assert_int_equal(n_listenings, 1);
    assert_int_equal(listenings[0].first_us, T0);
    assert_int_equal(listenings[0].last_us, T0 + 1);
    assert_int_equal(n_changes, 1);
    assert_int_equal(changes[0].kind, CHANGE_SHARE_ADDED);
    struct matrix_view view = load(store);
    assert_int_equal(view.n_coverage, 1);
    assert_int_equal(view.coverage[0].n_unplaced, 1);
    assert_int_equal(view.coverage[0].unplaced[0].count, 7);
    assert_int_equal(view.n_hosts, 1); /* that only a scan knows */
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_whatever_the_order),
        cmocka_unit_test(clocks_that_differ_are_measured),
        cmocka_unit_test(any_order_of_sources_gives_the_same_bytes),
        cmocka_unit_test(uses_follow_the_name),
        cmocka_unit_test(a_record_in_two_formats_counts_once),
        cmocka_unit_test(sources_that_disagree_are_a_conflict),
        cmocka_unit_test(a_clock_of_1970_makes_nothing_older),
        cmocka_unit_test(a_session_over_a_pruned_day_counts_once),
        cmocka_unit_test(what_is_told_of_hosts),
    };
    os = os_posix();
    arena = arena_open("test", 0, NULL);
    scratch = arena_open("scratch", 0, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    arena_close(&scratch);
    return failed;
}
