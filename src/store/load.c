/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to the matrix as it is read. Every relation is read once, in the order of its key,
 * which begins with the edge; order among edges is made at the end, from the ends themselves, so
 * that nothing that is printed depends on the database's numbers.
 */
#include "base/hash.h"
#include "base/instant.h"
#include "matrix/batch.h"
#include "store/joining.h"
#include "store/loading.h"
#include "store/store.h"

enum { TALLY_JOINED, TALLY_PORTLESS, TALLY_PAST };

static struct sqlite_statement *query(struct store *store, const char *sql, struct err *err)
{
    return sqlite_prepare(store->db, sql, err);
}

static bool count_of(struct store *store, const char *sql, size_t *out, struct err *err)
{
    struct sqlite_statement *s = query(store, sql, err);
    bool row = false;
    if (!s || !sqlite_step(s, &row, err)) return false;
    int64_t most = row ? sqlite_get(s, 0) : 0;
    *out = most > 0 ? (size_t)most + 1 : 1;
    if (row) sqlite_reset(s);
    return true;
}

static bool open_rows(struct loading *l, enum relation_id relation, struct runs_reader **out,
                      struct err *err)
{
    struct runs_of of = {relation, false};
    return runs_open(l->store, of, &l->named[relation], l->scratch, out, err);
}

static struct addr get_addr(const struct sqlite_statement *s, int at)
{
    bytes b = sqlite_get_bytes(s, at);
    return b.len == 16 ? addr_from_bytes(b.ptr) : (struct addr){0};
}

/* ---- Interned things ----------------------------------------------------------------------------
 */

static bool load_ends(struct loading *l, struct err *err)
{
    if (!count_of(l->store, "SELECT max(id) FROM endpoint", &l->n_ends, err)) return false;
    l->ends = arena_array(l->scratch, struct endpoint, l->n_ends);
    struct sqlite_statement *s = query(l->store, "SELECT id,addr,name FROM endpoint", err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        l->ends[sqlite_get_index(s, 0, l->n_ends)] =
            (struct endpoint){get_addr(s, 1), sqlite_get_str(l->arena, s, 2)};
    }
    return false;
}

static bool load_texts(struct loading *l, struct err *err)
{
    if (!count_of(l->store, "SELECT max(id) FROM text", &l->n_texts, err)) return false;
    l->texts = arena_array(l->scratch, str, l->n_texts);
    struct sqlite_statement *s = query(l->store, "SELECT id,value FROM text", err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        l->texts[sqlite_get_index(s, 0, l->n_texts)] = sqlite_get_str(l->arena, s, 1);
    }
    return false;
}

static bool load_locals(struct loading *l, struct err *err)
{
    struct sqlite_statement *s =
        query(l->store, "SELECT stream,addr FROM local ORDER BY stream,addr", err);
    struct addr *addrs = NULL;
    size_t n = 0, room = 0;
    size_t current = 0;
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        size_t stream = sqlite_get_index(s, 0, l->n_streams);
        if (stream != current) {
            addrs = NULL;
            n = room = 0;
            current = stream;
        }
        arena_grow(l->arena, addrs, n, room);
        addrs[n++] = get_addr(s, 1);
        l->streams[current].locals = addrs;
        l->streams[current].n_locals = n;
    }
    return false;
}

/* A host whose log does not name it is called by the smallest of its addresses. */
static void name_origins(struct loading *l)
{
    char text[ADDR_TEXT];
    for (size_t i = 0; i < l->n_streams; i++) {
        struct stream_info *stream = &l->streams[i];
        if (stream->n_locals && !stream->origin.len)
            stream->origin = str_copy(l->arena, addr_text(text, stream->locals[0]));
    }
}

static bool load_streams(struct loading *l, struct err *err)
{
    if (!count_of(l->store, "SELECT max(id) FROM stream", &l->n_streams, err)) return false;
    l->streams = arena_array(l->scratch, struct stream_info, l->n_streams);
    struct sqlite_statement *s = query(l->store, "SELECT id,origin FROM stream", err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) break;
        l->streams[sqlite_get_index(s, 0, l->n_streams)].origin = sqlite_get_str(l->arena, s, 1);
    }
    if (!s || !load_locals(l, err)) return false;
    name_origins(l);
    return true;
}

static bool load_sources(struct loading *l, struct err *err)
{
    if (!count_of(l->store, "SELECT max(id) FROM source", &l->n_sources, err)) return false;
    l->sources = arena_array(l->scratch, struct source_info, l->n_sources);
    struct sqlite_statement *s = query(l->store, "SELECT id,path,reader FROM source", err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        l->sources[sqlite_get_index(s, 0, l->n_sources)] = (struct source_info){
            sqlite_get_str(l->arena, s, 1),
            sqlite_get_str(l->arena, s, 2),
        };
    }
    return false;
}

static bool load_edges(struct loading *l, struct err *err)
{
    if (!count_of(l->store, "SELECT max(id) FROM edge", &l->n_edges, err)) return false;
    l->edges = arena_array(l->scratch, struct edge, l->n_edges);
    struct sqlite_statement *s =
        query(l->store, "SELECT id,client,server,port,transport FROM edge", err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        struct edge *edge = &l->edges[sqlite_get_index(s, 0, l->n_edges)];
        edge->defined = true;
        edge->flow = (struct matrix_flow){
            .client = l->ends[sqlite_get_index(s, 1, l->n_ends)],
            .server = l->ends[sqlite_get_index(s, 2, l->n_ends)],
            .port = (uint16_t)sqlite_get(s, 3),
            .transport = (enum transport)sqlite_get(s, 4),
            .connections_exact = true,
        };
    }
    return false;
}

/* ---- Flows --------------------------------------------------------------------------------------
 */

static int witness_order(const struct witness *a, const struct witness *b)
{
    if (a->first_us != b->first_us) return a->first_us < b->first_us ? -1 : 1;
    int by_source = str_compare(a->source, b->source);
    if (by_source) return by_source;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* The earliest witness per stream and outcome; of those the first LIMIT_WITNESSES stay. */
static void add_witness(struct loading *l, struct edge *edge, struct candidate c)
{
    struct candidate *last = edge->witnesses;
    for (size_t i = 0; i < edge->n_witnesses; i++) {
        struct candidate *held = &edge->witnesses[i];
        if (held->stream == c.stream && held->outcome == c.outcome) {
            if (witness_order(&c.witness, &held->witness) < 0) held->witness = c.witness;
            return;
        }
        if (witness_order(&held->witness, &last->witness) > 0) last = held;
    }
    if (edge->n_witnesses < LIMIT_WITNESSES) {
        /* Most edges have one witness, and there are millions of edges. */
        if (!edge->witness_room) {
            edge->witnesses = arena_new(l->scratch, struct candidate);
            edge->witness_room = 1;
        }
        arena_grow(l->scratch, edge->witnesses, edge->n_witnesses, edge->witness_room);
        edge->witnesses[edge->n_witnesses++] = c;
    } else if (witness_order(&c.witness, &last->witness) < 0)
        *last = c;
}

static struct tally *tally_of(struct loading *l, int64_t edge, int64_t day, int kind)
{
    const int64_t key[2] = {edge, day};
    size_t n = l->days.n;
    str bytes_of_key = {(const char *)key, sizeof key};
    size_t at = (size_t)*map_put(&l->days, l->scratch, bytes_of_key, n, NULL);
    if (l->days.n > l->tally_room) {
        size_t grown = l->tally_room ? 2 * l->tally_room : 64;
        for (size_t i = 0; i < COUNT_OF(l->tallies); i++) {
            struct tally *fresh = arena_array(l->scratch, struct tally, grown);
            if (n) memcpy(fresh, l->tallies[i], n * sizeof *fresh);
            l->tallies[i] = fresh;
        }
        l->tally_room = grown;
    }
    return &l->tallies[kind][at];
}

static bool has_tally(const struct loading *l, int64_t edge, int64_t day)
{
    const int64_t key[2] = {edge, day};
    return map_find(&l->days, (str){(const char *)key, sizeof key}) != NULL;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void tally_raise(struct tally *into, const struct tally *from)
{
    into->connections = larger(into->connections, from->connections);
    into->to_server = larger(into->to_server, from->to_server);
    into->to_client = larger(into->to_client, from->to_client);
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        into->outcomes[i] = larger(into->outcomes[i], from->outcomes[i]);
}

static void tally_add(struct tally *into, const struct tally *from)
{
    into->connections += from->connections;
    into->to_server += from->to_server;
    into->to_client += from->to_client;
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        into->outcomes[i] += from->outcomes[i];
}

static void add_to_flow(struct matrix_flow *flow, const struct tally *tally)
{
    flow->connections += tally->connections;
    flow->bytes_to_server += tally->to_server;
    flow->bytes_to_client += tally->to_client;
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        flow->outcomes[i] += tally->outcomes[i];
}

/* Rows of an edge come by day. */
static void add_day(struct edge *edge, int64_t day)
{
    struct matrix_flow *flow = &edge->flow;
    if (flow->days && edge->last_day == day) return;
    uint32_t gap = (uint32_t)(day - edge->last_day);
    if (flow->days && (!flow->shortest_gap_days || gap < flow->shortest_gap_days))
        flow->shortest_gap_days = gap;
    flow->days++;
    edge->last_day = day;
}

static void add_times(struct edge *edge, const int64_t *row)
{
    struct matrix_flow *flow = &edge->flow;
    int64_t first = row[FLOW_FIRST], last = row[FLOW_LAST];
    if (!edge->present || first < flow->first_us) flow->first_us = first;
    if (!edge->present || last > flow->last_us) flow->last_us = last;
    edge->present = true;
    if (row[FLOW_DAY] < CLOCKLESS_DAYS) return;
    add_day(edge, row[FLOW_DAY]);
    if (!edge->has_times || first < edge->first_us) edge->first_us = first;
    if (!edge->has_times || last > edge->last_us) edge->last_us = last;
    edge->has_times = true;
}

/* What one stream saw of an edge on one day without client ports. */
struct portless {
    int64_t edge, day, stream;
    struct tally tally;
};

static void end_portless(struct loading *l, const struct portless *p)
{
    if (!p->tally.connections) return;
    tally_raise(tally_of(l, p->edge, p->day, TALLY_PORTLESS), &p->tally);
    l->edges[p->edge].by_day = true;
    l->edges[p->edge].flow.connections_exact = false;
}

static void add_portless(struct loading *l, struct portless *p, const int64_t *row, size_t at)
{
    if (p->edge != (int64_t)at || p->day != row[FLOW_DAY] || p->stream != row[FLOW_STREAM]) {
        end_portless(l, p);
        *p = (struct portless){(int64_t)at, row[FLOW_DAY], row[FLOW_STREAM], {0}};
    }
    p->tally.connections += (uint64_t)row[FLOW_COUNT];
    p->tally.outcomes[row[FLOW_OUTCOME]] += (uint64_t)row[FLOW_COUNT];
    p->tally.to_server += (uint64_t)row[FLOW_TO_SERVER];
    p->tally.to_client += (uint64_t)row[FLOW_TO_CLIENT];
}

static void add_within(struct edge *edge, const int64_t *row)
{
    edge->within |= (uint16_t)(1u << row[FLOW_OUTCOME]);
    if (edge->within_days && edge->within_day == row[FLOW_DAY]) return;
    edge->within_days++;
    edge->within_day = row[FLOW_DAY];
}

static bool is_below(int64_t value, size_t n)
{
    return value >= 0 && (uint64_t)value < n;
}

static bool load_flows(struct loading *l, struct err *err)
{
    struct runs_reader *reader = NULL;
    struct portless portless = {0};
    if (!open_rows(l, RELATION_OF_FLOW, &reader, err)) return false;
    for (const int64_t *row = NULL;;) {
        if (!runs_next(reader, &row, err)) return false;
        if (!row) break;
        if (!is_below(row[FLOW_EDGE], l->n_edges) || !is_below(row[FLOW_SOURCE], l->n_sources) ||
            !is_below(row[FLOW_STREAM], l->n_streams) ||
            !is_below(row[FLOW_OUTCOME], OUTCOME_COUNT))
            return tables_damaged(err);
        struct edge *edge = &l->edges[row[FLOW_EDGE]];
        struct matrix_flow *flow = &edge->flow;
        if (!edge->defined) return tables_damaged(err);
        int64_t profile = row[FLOW_PROFILE];
        const struct source_info *source = &l->sources[row[FLOW_SOURCE]];
        add_times(edge, row);
        edge->port_known = edge->port_known || !row[FLOW_PORT_ASSUMED];
        flow->is_smb |= row[FLOW_IS_SMB] != 0;
        flow->profiles[is_below(profile, PROFILE_COUNT) ? profile : PROFILE_UNKNOWN] +=
            (uint64_t)row[FLOW_COUNT];
        if (row[FLOW_PORTLESS] == BATCH_PORTLESS)
            add_portless(l, &portless, row, (size_t)row[FLOW_EDGE]);
        else if (row[FLOW_PORTLESS] == BATCH_PORTLESS_WITHIN)
            add_within(edge, row);
        add_witness(l, edge,
                    (struct candidate){
                        .witness = {.source = source->path,
                                    .reader = source->reader,
                                    .offset = (uint64_t)row[FLOW_OFFSET],
                                    .first_us = row[FLOW_WITNESS]},
                        .stream = row[FLOW_STREAM],
                        .outcome = row[FLOW_OUTCOME],
        });
    }
    end_portless(l, &portless);
    return true;
}

/* ---- Connections --------------------------------------------------------------------------------
 */

/* What a connection that was counted before had besides. */
static void count_further(struct matrix_flow *flow, const struct join_connection *c)
{
    for (size_t i = 1; i < OUTCOME_COUNT; i++)
        flow->outcomes[i] += (c->outcomes & ~c->counted_outcomes) >> i & 1;
}

static void count_connection(void *to, int64_t at, int64_t client_port,
                             const struct join_connection *c)
{
    struct loading *l = to;
    (void)client_port;
    struct edge *edge = &l->edges[at];
    struct matrix_flow *flow = &edge->flow;
    edge->disputed +=
        join_is_disputed(c->outcomes) && !(c->counted && join_is_disputed(c->counted_outcomes));
    if (c->counted) {
        count_further(flow, c);
        return;
    }
    struct tally one = {
        .connections = 1, .to_server = (uint64_t)c->to_server, .to_client = (uint64_t)c->to_client};
    if (!c->outcomes) one.outcomes[OUTCOME_NONE] = 1;
    for (size_t i = 1; i < OUTCOME_COUNT; i++)
        one.outcomes[i] = c->outcomes >> i & 1;
    if (edge->by_day) {
        tally_add(tally_of(l, at, instant_day(c->start_us), TALLY_JOINED), &one);
        return;
    }
    add_to_flow(flow, &one);
}

static bool load_joined(struct loading *l, struct joining_numbers numbers, struct arena joins,
                        struct err *err)
{
    numbers.n_edges = l->n_edges;
    return joining_run(l->store, numbers, false, &l->named[RELATION_OF_CONNECTION], joins,
                       count_connection, l, err);
}

static bool load_connections(struct loading *l, struct err *err)
{
    struct joining_numbers numbers;
    /* The joins need an arena that the tallies don't grow in. */
    struct arena joins = arena_open("joining connections", 0, NULL);
    bool fine =
        joining_numbers(l->store, l->scratch, &numbers, err) && load_joined(l, numbers, joins, err);
    arena_close(&joins);
    return fine;
}

/* Which edges have days whose connections were let go. */
static bool mark_past(struct loading *l, struct err *err)
{
    struct sqlite_statement *s = query(l->store, "SELECT edge,day FROM day", err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        size_t edge = sqlite_get_index(s, 0, l->n_edges);
        l->edges[named_edge(l, edge, sqlite_get(s, 1))].by_day = true;
    }
    return false;
}

static bool load_past(struct loading *l, struct err *err)
{
    struct sqlite_statement *s =
        query(l->store,
              "SELECT edge,day,exact,connections,to_server,to_client,o0,o1,o2,o3,o4,o5,o6,o7,o8,"
              "disputed FROM day ORDER BY edge,day",
              err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        int64_t day = sqlite_get(s, 1);
        int64_t edge = (int64_t)named_edge(l, sqlite_get_index(s, 0, l->n_edges), day);
        struct tally past = {
            .connections = (uint64_t)sqlite_get(s, 3),
            .to_server = (uint64_t)sqlite_get(s, 4),
            .to_client = (uint64_t)sqlite_get(s, 5),
        };
        for (int i = 0; i < OUTCOME_COUNT; i++)
            past.outcomes[i] = (uint64_t)sqlite_get(s, 6 + i);
        l->edges[edge].disputed += (uint64_t)sqlite_get(s, 15);
        bool exact = sqlite_get(s, 2) != 0;
        /* A day of which nothing else is known needs no tally: old days are many. */
        if (!l->meant.n && !has_tally(l, edge, day)) {
            add_to_flow(&l->edges[edge].flow, &past);
        } else {
            tally_raise(tally_of(l, edge, day, TALLY_PAST), &past);
            exact = exact && !tally_of(l, edge, day, TALLY_JOINED)->connections;
        }
        if (!exact) l->edges[edge].flow.connections_exact = false;
    }
    return false;
}

/* What is kept per day comes together: of counts that can't be joined, the largest. */
static void add_days(struct loading *l)
{
    for (size_t i = 0; i < l->days.n; i++) {
        int64_t key[2];
        struct tally sum = l->tallies[TALLY_JOINED][i];
        memcpy(key, l->days.entries[i].key.ptr, sizeof key);
        tally_raise(&sum, &l->tallies[TALLY_PORTLESS][i]);
        tally_raise(&sum, &l->tallies[TALLY_PAST][i]);
        add_to_flow(&l->edges[key[0]].flow, &sum);
    }
}

/* Sightings within sessions that don't say which: of those that are known, one had the outcome at
 * least; when none is, there was one on each of the days. */
static void add_portless_within(struct edge *edge)
{
    struct matrix_flow *flow = &edge->flow;
    if (!edge->within_days) return;
    uint64_t least = flow->connections ? 1 : edge->within_days;
    if (!flow->connections) {
        flow->connections = edge->within_days;
        flow->connections_exact = false;
    }
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        if (edge->within >> i & 1) flow->outcomes[i] = larger(flow->outcomes[i], least);
}

/* ---- What SMB told ------------------------------------------------------------------------------
 */

/* Once is enough. */
static void learn(enum known *known, int64_t value)
{
    if (value == KNOWN_YES) *known = KNOWN_YES;
    if (!*known) *known = KNOWN_NO;
}

static void add_trait(struct edge *edge, int64_t kind, int64_t value)
{
    struct matrix_flow *flow = &edge->flow;
    uint8_t bit = (uint8_t)(value >= 0 && value < 8 ? 1u << value : 0);
    if (kind == BATCH_DIALECT) flow->dialects |= bit;
    if (kind == BATCH_AUTH) flow->auths |= bit;
    if (kind == BATCH_ASSUMED) flow->assumed |= bit;
    if (kind == BATCH_CLIENT_SIGNING) edge->signings[0] |= bit;
    if (kind == BATCH_SERVER_SIGNING) edge->signings[1] |= bit;
    if (kind == BATCH_ENCRYPTED) edge->encrypted |= bit;
    if (kind == BATCH_CIPHER) flow->ciphers |= bit;
    if (kind == BATCH_COMPRESSED) learn(&flow->compressed, value);
    if (kind == BATCH_COMPRESSION_OFFERED) learn(&flow->compression_offered, value);
}

static bool load_traits(struct loading *l, struct err *err)
{
    struct runs_reader *reader = NULL;
    if (!open_rows(l, RELATION_OF_TRAIT, &reader, err)) return false;
    for (const int64_t *row = NULL;;) {
        if (!runs_next(reader, &row, err)) return false;
        if (!row) return true;
        if (!is_below(row[TRAIT_EDGE], l->n_edges)) return tables_damaged(err);
        add_trait(&l->edges[row[TRAIT_EDGE]], row[TRAIT_KIND], row[TRAIT_VALUE]);
    }
}

static void add_conflict(struct loading *l, struct edge *edge, str text)
{
    struct names *names = &edge->flow.conflicts;
    str *items = arena_array(l->arena, str, names->n + 1);
    if (names->n) memcpy(items, names->items, names->n * sizeof *items);
    items[names->n] = text;
    *names = (struct names){items, names->n + 1};
}

static enum signing weakest_signing(struct loading *l, struct edge *edge, uint8_t set,
                                    const char *side)
{
    enum signing weakest = SIGNING_UNKNOWN;
    for (int i = SIGNING_COUNT - 1; i > SIGNING_UNKNOWN; i--)
        if (set >> i & 1) weakest = (enum signing)i;
    if (!(set & (set - 1))) return weakest;
    struct buf all = buf_in(l->arena);
    size_t n = 0;
    buf_format(&all, "%s signing: ", side);
    for (int i = SIGNING_UNKNOWN + 1; i < SIGNING_COUNT; i++) {
        if (!(set >> i & 1)) continue;
        if (n++) buf_str(&all, S(", "));
        buf_str(&all, signing_text((enum signing)i));
    }
    add_conflict(l, edge, buf_text(&all));
    return weakest;
}

static void weigh(struct loading *l, struct edge *edge)
{
    struct matrix_flow *flow = &edge->flow;
    flow->client_signing = weakest_signing(l, edge, edge->signings[0], "client");
    flow->server_signing = weakest_signing(l, edge, edge->signings[1], "server");
    bool clear = edge->encrypted >> KNOWN_NO & 1, sealed = edge->encrypted >> KNOWN_YES & 1;
    flow->encrypted = clear ? KNOWN_NO : sealed ? KNOWN_YES : KNOWN_NOT;
    if (clear && sealed) add_conflict(l, edge, S("encrypted: false, true"));
    if (edge->disputed)
        add_conflict(l, edge,
                     str_format(l->arena,
                                "outcome: %" PRIu64 " connection%s worked by one source and failed "
                                "by another",
                                edge->disputed, edge->disputed == 1 ? "" : "s"));
}

/* ---- Names --------------------------------------------------------------------------------------
 */

static int name_order(const void *left, const void *right)
{
    const str *a = left, *b = right;
    int folded = str_compare_nocase(*a, *b);
    return folded ? folded : str_compare(*a, *b);
}

static int byte_order(const void *left, const void *right)
{
    const str *a = left, *b = right;
    return str_compare(*a, *b);
}

struct hashed_name {
    uint64_t hash;
    str name;
};

static int hash_order(const void *left, const void *right)
{
    const struct hashed_name *a = left, *b = right;
    if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
    return str_compare(a->name, b->name);
}

/* The LIMIT_NAMES smallest by hash: whatever the order of arrival, the same ones stay. */
static void cut_names(struct loading *l, struct edge *edge, str *items, size_t *n, const char *what)
{
    if (*n <= LIMIT_NAMES) return;
    struct hashed_name *all = arena_array(l->scratch, struct hashed_name, *n);
    for (size_t i = 0; i < *n; i++)
        all[i] = (struct hashed_name){hash_bytes(str_bytes(items[i])), items[i]};
    qsort(all, *n, sizeof *all, hash_order);
    add_conflict(l, edge, str_format(l->arena, "%s: %d of %zu are listed", what, LIMIT_NAMES, *n));
    for (size_t i = 0; i < LIMIT_NAMES; i++)
        items[i] = all[i].name;
    *n = LIMIT_NAMES;
}

/* Sorted, each once. Equal up to case is one, in the bytewise smallest spelling; shares stay as
 * sent. */
static struct names name_set(struct loading *l, struct edge *edge, str *items, size_t n,
                             bool fold_case, const char *what)
{
    if (fold_case) {
        size_t kept = 0;
        qsort(items, n, sizeof *items, name_order);
        for (size_t i = 0; i < n; i++)
            if (!kept || !str_equal_nocase(items[kept - 1], items[i]))
                items[kept++] = items[i];
            else if (str_compare(items[i], items[kept - 1]) < 0)
                items[kept - 1] = items[i];
        n = kept;
    }
    cut_names(l, edge, items, &n, what);
    qsort(items, n, sizeof *items, byte_order);
    str *kept = arena_array(l->arena, str, n);
    memcpy(kept, items, n * sizeof *kept);
    return (struct names){kept, n};
}

static void end_names(struct loading *l, int64_t edge_id, int64_t kind, str *items, size_t n)
{
    struct edge *edge = &l->edges[edge_id];
    struct matrix_flow *flow = &edge->flow;
    struct {
        struct names *into;
        bool fold_case;
        const char *what;
    } lists[BATCH_NAME_COUNT] = {
        [BATCH_NAME_USER] = {&flow->users,          true,  "users"         },
        [BATCH_NAME_CLIENT] = {&flow->client_names,   true,  "client_names"  },
        [BATCH_NAME_SERVER] = {&flow->server_names,   true,  "server_names"  },
        [BATCH_NAME_SHARE] = {&flow->shares,         false, "shares"        },
        [BATCH_NAME_SHARE_REFUSED] = {&flow->shares_refused, false, "shares_refused"},
        [BATCH_NAME_SHARE_GRANTED] = {&edge->granted,        false, NULL            },
        [BATCH_NAME_PIPE] = {&flow->pipes,          true,  "pipes"         },
        [BATCH_NAME_INTERFACE] = {&flow->interfaces,     true,  "interfaces"    },
    };
    if (!n || kind < 0 || kind >= BATCH_NAME_COUNT) return;
    if (kind == BATCH_NAME_SHARE_GRANTED) { /* never printed, so never cut */
        str *all = arena_array(l->scratch, str, n);
        memcpy(all, items, n * sizeof *all);
        qsort(all, n, sizeof *all, name_order);
        edge->granted = (struct names){all, n};
        return;
    }
    *lists[kind].into = name_set(l, edge, items, n, lists[kind].fold_case, lists[kind].what);
}

static bool load_names(struct loading *l, struct err *err)
{
    struct runs_reader *reader = NULL;
    str *items = NULL;
    size_t n = 0, room = 0;
    int64_t edge = 0, kind = -1;
    if (!open_rows(l, RELATION_OF_NAME, &reader, err)) return false;
    for (const int64_t *row = NULL;;) {
        if (!runs_next(reader, &row, err)) return false;
        if (!row || row[NAME_EDGE] != edge || row[NAME_KIND] != kind) {
            end_names(l, edge, kind, items, n);
            n = 0;
        }
        if (!row) return true;
        if (!is_below(row[NAME_EDGE], l->n_edges) || !is_below(row[NAME_TEXT], l->n_texts))
            return tables_damaged(err);
        edge = row[NAME_EDGE];
        kind = row[NAME_KIND];
        arena_grow(l->scratch, items, n, room);
        items[n++] = l->texts[row[NAME_TEXT]];
    }
}

/* A share that was granted even once is not refused. */
static void drop_granted(struct edge *edge, struct arena *arena)
{
    struct names refused = edge->flow.shares_refused;
    if (!refused.n) return;
    str *kept = arena_array(arena, str, refused.n ? refused.n : 1);
    size_t n = 0;
    for (size_t i = 0; i < refused.n; i++) {
        size_t low = 0, high = edge->granted.n;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (str_compare_nocase(edge->granted.items[middle], refused.items[i]) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        bool granted =
            low < edge->granted.n && str_equal_nocase(edge->granted.items[low], refused.items[i]);
        if (!granted) kept[n++] = refused.items[i];
    }
    edge->flow.shares_refused = (struct names){kept, n};
}

/* ---- The statement of what was read -------------------------------------------------------------
 */

static int coverage_order(const void *left, const void *right)
{
    const struct coverage *a = left, *b = right;
    int by_source = str_compare(a->source, b->source);
    if (by_source) return by_source;
    if (a->has_times != b->has_times) return a->has_times ? 1 : -1;
    if (a->from_us != b->from_us) return a->from_us < b->from_us ? -1 : 1;
    return str_compare(a->origin, b->origin);
}

static bool load_unplaced(struct loading *l, int64_t source, int64_t begin_us, int64_t stream,
                          struct coverage *coverage, struct err *err)
{
    struct sqlite_statement *s = tables_statement(l->store, STORE_SQL_GET_UNPLACED, err);
    struct unplaced *items = NULL;
    size_t n = 0, room = 0;
    if (!s) return false;
    sqlite_put(s, 1, source);
    sqlite_put(s, 2, begin_us);
    sqlite_put(s, 3, stream);
    for (bool row = false;;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) break;
        arena_grow(l->arena, items, n, room);
        items[n++] = (struct unplaced){sqlite_get_str(l->arena, s, 0), (uint64_t)sqlite_get(s, 1)};
    }
    coverage->unplaced = items;
    coverage->n_unplaced = n;
    return true;
}

static bool load_coverage(struct loading *l, struct matrix_view *out, struct err *err)
{
    struct sqlite_statement *s = query(
        l->store, "SELECT source,stream,from_us,to_us,records,facts,begin_us FROM coverage", err);
    struct coverage *items = NULL;
    size_t n = 0, room = 0;
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) break;
        const struct source_info *source = &l->sources[sqlite_get_index(s, 0, l->n_sources)];
        const struct stream_info *stream = &l->streams[sqlite_get_index(s, 1, l->n_streams)];
        bool has_times = sqlite_get(s, 2) != STORE_NO_TIME;
        arena_grow(l->arena, items, n, room);
        items[n++] = (struct coverage){
            .source = source->path,
            .reader = source->reader,
            .origin = stream->origin,
            .from_us = has_times ? sqlite_get(s, 2) : 0,
            .to_us = has_times ? sqlite_get(s, 3) : 0,
            .has_times = has_times,
            .records = (uint64_t)sqlite_get(s, 4),
            .facts = (uint64_t)sqlite_get(s, 5),
            .locals = stream->locals,
            .n_locals = stream->n_locals,
        };
        if (!load_unplaced(l, sqlite_get(s, 0), sqlite_get(s, 6), sqlite_get(s, 1), &items[n - 1],
                           err))
            return false;
    }
    if (!s) return false;
    if (n) qsort(items, n, sizeof *items, coverage_order);
    out->coverage = items;
    out->n_coverage = n;
    return true;
}

static int skip_order(const void *left, const void *right)
{
    const struct source_skip *a = left, *b = right;
    int by_source = str_compare(a->source, b->source);
    if (by_source) return by_source;
    if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
    int by_reason = str_compare(a->reason, b->reason);
    if (by_reason) return by_reason;
    return a->length < b->length ? -1 : a->length > b->length;
}

static bool load_skips(struct loading *l, struct matrix_view *out, struct err *err)
{
    struct sqlite_statement *s = query(l->store, "SELECT source,at,length,reason FROM skip", err);
    struct source_skip *items = NULL;
    size_t n = 0, room = 0, kept = 0;
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) break;
        arena_grow(l->arena, items, n, room);
        items[n++] = (struct source_skip){
            .source = l->sources[sqlite_get_index(s, 0, l->n_sources)].path,
            .offset = (uint64_t)sqlite_get(s, 1),
            .length = (uint64_t)sqlite_get(s, 2),
            .reason = sqlite_get_str(l->arena, s, 3),
        };
    }
    if (!s) return false;
    if (n) qsort(items, n, sizeof *items, skip_order);
    for (size_t i = 0; i < n; i++)
        if (!kept || skip_order(&items[kept - 1], &items[i]) != 0) items[kept++] = items[i];
    out->skips = items;
    out->n_skips = kept;
    return true;
}

/* ---- The whole ----------------------------------------------------------------------------------
 */

static int candidate_order(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    return witness_order(&a->witness, &b->witness);
}

static void finish_witnesses(struct edge *edge, struct arena *arena)
{
    struct witness *kept = arena_array(arena, struct witness, edge->n_witnesses);
    qsort(edge->witnesses, edge->n_witnesses, sizeof edge->witnesses[0], candidate_order);
    for (size_t i = 0; i < edge->n_witnesses; i++)
        kept[i] = edge->witnesses[i].witness;
    edge->flow.evidence = kept;
    edge->flow.n_evidence = edge->n_witnesses;
}

/* A time that counts from a boot does not make a flow older than it is. */
static void finish_times(struct edge *edge)
{
    struct matrix_flow *flow = &edge->flow;
    add_portless_within(edge);
    if (edge->port_known) flow->assumed &= (uint8_t) ~(1u << ASSUMED_PORT);
    if (!(flow->assumed >> ASSUMED_CLOCK & 1)) return;
    flow->is_timeless = !edge->has_times;
    flow->first_us = edge->has_times ? edge->first_us : 0;
    flow->last_us = edge->has_times ? edge->last_us : 0;
}

static int flow_order(const void *left, const void *right)
{
    return view_compare_flows(left, right);
}

static void collect(struct loading *l, struct matrix_view *out)
{
    struct matrix_flow *flows = arena_array(l->arena, struct matrix_flow, l->n_edges);
    size_t n = 0;
    for (size_t i = 0; i < l->n_edges; i++) {
        struct edge *edge = &l->edges[i];
        if (!edge->present) continue;
        weigh(l, edge);
        finish_times(edge);
        drop_granted(edge, l->arena);
        finish_witnesses(edge, l->arena);
        flows[n++] = edge->flow;
    }
    if (n) qsort(flows, n, sizeof *flows, flow_order);
    out->flows = flows;
    out->n_flows = n;
}

static bool load_all(struct loading *l, struct matrix_view *out, struct err *err)
{
    struct matrix_view view = {0};
    bool fine = load_ends(l, err) && load_texts(l, err) && load_streams(l, err) &&
                load_sources(l, err) && load_edges(l, err) && named_resolve(l, err) &&
                load_flows(l, err) && mark_past(l, err) && load_connections(l, err) &&
                load_past(l, err) && load_traits(l, err) && load_names(l, err) &&
                load_coverage(l, &view, err) && load_skips(l, &view, err);
    if (!fine) return false;
    add_days(l);
    collect(l, &view);
    *out = view;
    return true;
}

/* One transaction, so that all tables are read as of one commit. */
static bool in_one_view(struct store *store, struct err *err)
{
    return sqlite_run(store->db, "BEGIN", err);
}

static int addr_order(const void *left, const void *right)
{
    const struct addr *a = left, *b = right;
    return addr_compare(*a, *b);
}

/* Every address that is an end of some edge, sorted. */
static bool load_end_addrs(struct store *store, struct arena *arena, struct addr **out, size_t *n,
                           struct err *err)
{
    struct sqlite_statement *s = query(store,
                                       "SELECT DISTINCT addr FROM endpoint WHERE id IN "
                                       "(SELECT client FROM edge UNION SELECT server FROM edge "
                                       "UNION SELECT server FROM listening)",
                                       err);
    struct addr *addrs = NULL;
    size_t room = 0;
    *n = 0;
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) break;
        struct addr a = get_addr(s, 0);
        if (addr_is_none(a)) continue;
        arena_grow(arena, addrs, *n, room);
        addrs[(*n)++] = a;
    }
    if (*n) qsort(addrs, *n, sizeof *addrs, addr_order);
    *out = addrs;
    return s != NULL;
}

static bool load_witnesses(struct store *store, struct arena *arena,
                           struct host_witness **witnesses, size_t *n, struct err *err)
{
    struct sqlite_statement *s =
        query(store,
              "SELECT i.addr,t.value,i.source,i.first_us,i.last_us FROM identity i "
              "JOIN text t ON t.id=i.name",
              err);
    struct host_witness *items = NULL;
    size_t room = 0;
    *n = 0;
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) break;
        arena_grow(arena, items, *n, room);
        items[(*n)++] = (struct host_witness){
            .addr = get_addr(s, 0),
            .name = sqlite_get_str(arena, s, 1),
            .source = (enum identity_source)sqlite_get_index(s, 2, IDENTITY_SOURCE_COUNT),
            .first_us = sqlite_get(s, 3),
            .last_us = sqlite_get(s, 4),
        };
    }
    *witnesses = items;
    return s != NULL;
}

static bool load_hosts(struct store *store, struct arena *arena, struct host_list *out,
                       struct err *err)
{
    struct host_witness *witnesses = NULL;
    struct addr *ends = NULL;
    size_t n = 0, n_ends = 0;
    if (!load_witnesses(store, arena, &witnesses, &n, err) ||
        !load_end_addrs(store, arena, &ends, &n_ends, err))
        return false;
    *out = hosts_of(arena, witnesses, n, ends, n_ends);
    return true;
}

bool store_load_hosts(struct store *store, struct arena *arena, struct host_list *out,
                      struct err *err)
{
    bool fine = in_one_view(store, err) && load_hosts(store, arena, out, err);
    sqlite_rollback(store->db);
    return fine;
}

bool store_load_matrix(struct store *store, struct arena *arena, struct matrix_view *out,
                       struct err *err)
{
    struct arena scratch = arena_open("loading the matrix", 0, NULL);
    struct host_list hosts = {0};
    struct loading l = {.store = store, .arena = arena, .scratch = &scratch, .hosts = &hosts};
    struct matrix_view view = {0};
    bool fine = in_one_view(store, err) && load_hosts(store, arena, &hosts, err) &&
                load_all(&l, &view, err);
    sqlite_rollback(store->db);
    arena_close(&scratch);
    if (!fine) return false;
    view.n_hosts = hosts.n;
    *out = view;
    return true;
}

/* ---- What scans and logs say of hosts -----------------------------------------------------------
 */

bool store_load_listenings(struct store *store, struct arena *arena, struct listening_view **out,
                           size_t *n, struct err *err)
{
    struct sqlite_statement *s = query(
        store,
        "SELECT e.addr,e.name,transport,port,state,dialects,signing,min(first_us),max(last_us) "
        "FROM listening JOIN endpoint e ON e.id=server "
        "GROUP BY e.addr,e.name,transport,port,state,dialects,signing",
        err);
    struct listening_view *items = NULL;
    size_t count = 0, room = 0;
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) break;
        arena_grow(arena, items, count, room);
        items[count++] = (struct listening_view){
            .server = {get_addr(s, 0), sqlite_get_str(arena, s, 1)},
            .transport = (enum transport)sqlite_get(s, 2),
            .port = (uint16_t)sqlite_get(s, 3),
            .state = (enum listening_state)sqlite_get_index(s, 4, LISTENING_COUNT),
            .dialects = (uint8_t)sqlite_get(s, 5),
            .signing = (enum signing)sqlite_get_index(s, 6, SIGNING_COUNT),
            .first_us = sqlite_get(s, 7),
            .last_us = sqlite_get(s, 8),
        };
    }
    *out = items;
    *n = count;
    return s != NULL;
}

bool store_load_changes(struct store *store, struct arena *arena, struct change_view **out,
                        size_t *n, struct err *err)
{
    struct sqlite_statement *s =
        query(store,
              "SELECT e.addr,e.name,at_us,kind,s.value,d.value,u.value FROM change "
              "JOIN endpoint e ON e.id=host JOIN text s ON s.id=subject "
              "JOIN text d ON d.id=detail JOIN text u ON u.id=user "
              "ORDER BY e.addr,e.name,at_us,kind,s.value,d.value,u.value",
              err);
    struct change_view *items = NULL;
    size_t count = 0, room = 0;
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) break;
        arena_grow(arena, items, count, room);
        items[count++] = (struct change_view){
            .host = {get_addr(s, 0), sqlite_get_str(arena, s, 1)},
            .at_us = sqlite_get(s, 2),
            .kind = (enum change_kind)sqlite_get_index(s, 3, CHANGE_COUNT),
            .subject = sqlite_get_str(arena, s, 4),
            .detail = sqlite_get_str(arena, s, 5),
            .user = sqlite_get_str(arena, s, 6),
        };
    }
    *out = items;
    *n = count;
    return s != NULL;
}

/* ---- Use ----------------------------------------------------------------------------------------
 */

/* One use under way: what several streams saw of a day counts once, as the largest; days add up. */
struct use_sum {
    int64_t key[USE_DAY]; /* edge, share, pipe, user, refused */
    int64_t day;
    uint64_t count, of_day;
    int64_t first_us, last_us;
    bool is_printer, has_times, open;
};

struct uses {
    struct share_use *items;
    size_t n, room;
};

static void end_use(struct loading *l, struct uses *uses, const struct use_sum *sum)
{
    if (!sum->open) return;
    const struct matrix_flow *flow = &l->edges[sum->key[USE_EDGE]].flow;
    arena_grow(l->arena, uses->items, uses->n, uses->room);
    uses->items[uses->n++] = (struct share_use){
        .client = flow->client,
        .server = flow->server,
        .transport = flow->transport,
        .port = flow->port,
        .share = l->texts[sum->key[USE_SHARE]],
        .pipe = l->texts[sum->key[USE_PIPE]],
        .user = l->texts[sum->key[USE_USER]],
        .refused = sum->key[USE_REFUSED] != 0,
        .count = sum->count + sum->of_day,
        .first_us = sum->first_us,
        .last_us = sum->last_us,
        .is_printer = sum->is_printer,
    };
}

static void add_use(struct loading *l, struct uses *uses, struct use_sum *sum, const int64_t *row)
{
    if (!sum->open || memcmp(sum->key, row, sizeof sum->key) != 0) {
        end_use(l, uses, sum);
        *sum = (struct use_sum){.open = true,
                                .day = row[USE_DAY],
                                .first_us = row[USE_FIRST],
                                .last_us = row[USE_LAST]};
        memcpy(sum->key, row, sizeof sum->key);
    }
    if (row[USE_DAY] != sum->day) {
        sum->count += sum->of_day;
        sum->of_day = 0;
        sum->day = row[USE_DAY];
    }
    sum->of_day = larger(sum->of_day, (uint64_t)row[USE_COUNT]);
    sum->is_printer = sum->is_printer || row[USE_IS_PRINTER];
    /* Days come in order: a time that counts from a boot gives way to the first real one. */
    bool real = row[USE_DAY] >= CLOCKLESS_DAYS;
    if (real && !sum->has_times) sum->first_us = row[USE_FIRST];
    sum->has_times = sum->has_times || real;
    if (row[USE_FIRST] < sum->first_us) sum->first_us = row[USE_FIRST];
    if (row[USE_LAST] > sum->last_us) sum->last_us = row[USE_LAST];
}

static bool load_use_rows(struct loading *l, struct uses *uses, struct err *err)
{
    struct runs_reader *reader = NULL;
    struct use_sum sum = {0};
    if (!open_rows(l, RELATION_OF_USE, &reader, err)) return false;
    for (const int64_t *row = NULL;;) {
        if (!runs_next(reader, &row, err)) return false;
        if (!row) break;
        if (!is_below(row[USE_EDGE], l->n_edges) || !is_below(row[USE_SHARE], l->n_texts) ||
            !is_below(row[USE_PIPE], l->n_texts) || !is_below(row[USE_USER], l->n_texts))
            return tables_damaged(err);
        add_use(l, uses, &sum, row);
    }
    end_use(l, uses, &sum);
    return true;
}

static bool hosts_for_names(struct loading *l, struct err *err)
{
    struct host_list *hosts = arena_new(l->scratch, struct host_list);
    l->hosts = hosts;
    return load_hosts(l->store, l->scratch, hosts, err);
}

bool loading_begin(struct loading *l, struct err *err)
{
    l->load_hosts = hosts_for_names;
    return in_one_view(l->store, err) && load_ends(l, err) && load_texts(l, err) &&
           load_streams(l, err) && load_edges(l, err) && named_resolve(l, err);
}

bool store_load_uses(struct store *store, struct arena *arena, struct share_use **out, size_t *n,
                     struct err *err)
{
    struct arena scratch = arena_open("loading uses", 0, NULL);
    struct loading l = {
        .store = store, .arena = arena, .scratch = &scratch, .load_hosts = hosts_for_names};
    struct uses uses = {0};
    bool fine = in_one_view(store, err) && load_ends(&l, err) && load_texts(&l, err) &&
                load_edges(&l, err) && named_resolve(&l, err) && load_use_rows(&l, &uses, err);
    sqlite_rollback(store->db);
    arena_close(&scratch);
    if (!fine) return false;
    *out = uses.items;
    *n = uses.n;
    return true;
}
