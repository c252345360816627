/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to the matrix as it is read. Every table is read once, in the order of its key, which
 * begins with the edge; order among edges is made at the end, from the ends themselves, so that
 * nothing that is printed depends on the database's numbers.
 */
#include "base/hash.h"
#include "base/instant.h"
#include "matrix/batch.h"
#include "store/joining.h"
#include "store/store.h"
#include "store/tables.h"

/* Where a stream comes from. */
struct stream_info {
    str origin;
    const struct addr *locals;
    size_t n_locals;
};

struct source_info {
    str path, reader;
};

/* Counts of one edge and day that can't be joined with each other: the largest is taken. */
struct tally {
    uint64_t connections, outcomes[OUTCOME_COUNT], to_server, to_client;
};

struct candidate {
    struct witness witness;
    int64_t stream, outcome;
};

/* One edge under way. */
struct edge {
    struct matrix_flow flow;
    bool present;
    bool by_day; /* some of its counts can't be joined: kept per day */
    struct candidate witnesses[LIMIT_WITNESSES];
    size_t n_witnesses;
    uint8_t signings[2]; /* client, server: bit sets of enum signing */
    uint8_t encrypted;   /* bit set of enum known */
    struct names granted;
};

struct loading {
    struct store *store;
    struct arena *arena; /* results */
    struct arena *scratch;
    struct endpoint *ends;
    str *texts;
    struct stream_info *streams;
    struct source_info *sources;
    size_t n_ends, n_texts, n_streams, n_sources, n_edges;
    struct edge *edges;
    /* Per edge and day, for edges with by_day: joined, portless, let go. */
    struct map days;
    struct tally *tallies[3];
    size_t tally_room;
};

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

/* The host that wrote a log is called by the smallest of its addresses. */
static void name_origins(struct loading *l)
{
    char text[ADDR_TEXT];
    for (size_t i = 0; i < l->n_streams; i++) {
        struct stream_info *stream = &l->streams[i];
        if (stream->n_locals)
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
        l->edges[sqlite_get_index(s, 0, l->n_edges)].flow = (struct matrix_flow){
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
static void add_witness(struct edge *edge, struct candidate c)
{
    struct candidate *last = &edge->witnesses[0];
    for (size_t i = 0; i < edge->n_witnesses; i++) {
        struct candidate *held = &edge->witnesses[i];
        if (held->stream == c.stream && held->outcome == c.outcome) {
            if (witness_order(&c.witness, &held->witness) < 0) held->witness = c.witness;
            return;
        }
        if (witness_order(&held->witness, &last->witness) > 0) last = held;
    }
    if (edge->n_witnesses < LIMIT_WITNESSES)
        edge->witnesses[edge->n_witnesses++] = c;
    else if (witness_order(&c.witness, &last->witness) < 0)
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

static bool load_flows(struct loading *l, struct err *err)
{
    struct sqlite_statement *s =
        query(l->store,
              "SELECT edge,day,outcome,profile,portless,stream,first_us,last_us,count,is_smb,"
              "witness_us,witness_offset,witness_source FROM flow ORDER BY edge",
              err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        struct edge *edge = &l->edges[sqlite_get_index(s, 0, l->n_edges)];
        struct matrix_flow *flow = &edge->flow;
        int64_t profile = sqlite_get(s, 3), first = sqlite_get(s, 6), last = sqlite_get(s, 7);
        const struct source_info *source = &l->sources[sqlite_get_index(s, 12, l->n_sources)];
        if (!edge->present || first < flow->first_us) flow->first_us = first;
        if (!edge->present || last > flow->last_us) flow->last_us = last;
        edge->present = true;
        flow->is_smb |= sqlite_get(s, 9) != 0;
        flow->profiles[profile >= 0 && profile <= PROFILE_COUNT ? profile : PROFILE_UNKNOWN] +=
            (uint64_t)sqlite_get(s, 8);
        if (sqlite_get(s, 4)) edge->by_day = true;
        add_witness(edge, (struct candidate){
                              .witness = {.source = source->path,
                                          .reader = source->reader,
                                          .offset = (uint64_t)sqlite_get(s, 11),
                                          .first_us = sqlite_get(s, 10)},
                              .stream = sqlite_get(s, 5),
                              .outcome = sqlite_get(s, 2),
        });
    }
    return false;
}

/* ---- Connections --------------------------------------------------------------------------------
 */

static void count_connection(void *to, int64_t at, const struct join_connection *c)
{
    struct loading *l = to;
    struct edge *edge = &l->edges[at];
    struct matrix_flow *flow = &edge->flow;
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

static bool load_connections(struct loading *l, struct err *err)
{
    struct joining_numbers numbers;
    /* The joins need an arena that the tallies don't grow in. */
    struct arena joins = arena_open("joining connections", 0, NULL);
    bool fine = joining_numbers(l->store, l->scratch, &numbers, err) &&
                joining_run(l->store, numbers, INT64_MAX, joins, count_connection, l, err);
    arena_close(&joins);
    return fine;
}

/* What has no client ports: per stream, of which the largest is taken. */
static bool load_portless(struct loading *l, struct err *err)
{
    struct sqlite_statement *s =
        query(l->store,
              "SELECT edge,day,stream,outcome,sum(count),sum(to_server),sum(to_client) FROM flow "
              "WHERE portless GROUP BY edge,day,stream,outcome ORDER BY edge,day,stream",
              err);
    struct tally of_stream = {0};
    int64_t key[3] = {-1, 0, 0};
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        bool same = row && sqlite_get(s, 0) == key[0] && sqlite_get(s, 1) == key[1] &&
                    sqlite_get(s, 2) == key[2];
        if (!same && key[0] >= 0)
            tally_raise(tally_of(l, key[0], key[1], TALLY_PORTLESS), &of_stream);
        if (!row) return true;
        if (!same) of_stream = (struct tally){0};
        key[0] = (int64_t)sqlite_get_index(s, 0, l->n_edges);
        key[1] = sqlite_get(s, 1);
        key[2] = sqlite_get(s, 2);
        int64_t outcome = sqlite_get(s, 3);
        uint64_t count = (uint64_t)sqlite_get(s, 4);
        of_stream.connections += count;
        if (outcome >= 0 && outcome < OUTCOME_COUNT) of_stream.outcomes[outcome] += count;
        of_stream.to_server += (uint64_t)sqlite_get(s, 5);
        of_stream.to_client += (uint64_t)sqlite_get(s, 6);
        l->edges[key[0]].flow.connections_exact = false;
    }
    return false;
}

/* Which edges have days whose connections were let go. */
static bool mark_past(struct loading *l, struct err *err)
{
    struct sqlite_statement *s = query(l->store, "SELECT DISTINCT edge FROM day", err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        l->edges[sqlite_get_index(s, 0, l->n_edges)].by_day = true;
    }
    return false;
}

static bool load_past(struct loading *l, struct err *err)
{
    struct sqlite_statement *s =
        query(l->store,
              "SELECT edge,day,exact,connections,to_server,to_client,o0,o1,o2,o3,o4,o5,o6,o7,o8 "
              "FROM day ORDER BY edge,day",
              err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        int64_t edge = (int64_t)sqlite_get_index(s, 0, l->n_edges), day = sqlite_get(s, 1);
        struct tally *past = tally_of(l, edge, day, TALLY_PAST);
        *past = (struct tally){
            .connections = (uint64_t)sqlite_get(s, 3),
            .to_server = (uint64_t)sqlite_get(s, 4),
            .to_client = (uint64_t)sqlite_get(s, 5),
        };
        for (int i = 0; i < OUTCOME_COUNT; i++)
            past->outcomes[i] = (uint64_t)sqlite_get(s, 6 + i);
        bool exact = sqlite_get(s, 2) && !tally_of(l, edge, day, TALLY_JOINED)->connections;
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

/* ---- What SMB told ------------------------------------------------------------------------------
 */

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
    if (kind == BATCH_COMPRESSED && value == KNOWN_YES) flow->compressed = KNOWN_YES;
    if (kind == BATCH_COMPRESSED && !flow->compressed) flow->compressed = KNOWN_NO;
}

static bool load_traits(struct loading *l, struct err *err)
{
    struct sqlite_statement *s = query(l->store, "SELECT edge,kind,value FROM trait", err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        add_trait(&l->edges[sqlite_get_index(s, 0, l->n_edges)], sqlite_get(s, 1),
                  sqlite_get(s, 2));
    }
    return false;
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
    struct buf all = buf_in(l->arena);
    size_t n = 0;
    buf_format(&all, "%s signing: ", side);
    for (int i = SIGNING_UNKNOWN + 1; i < SIGNING_COUNT; i++) {
        if (!(set >> i & 1)) continue;
        if (!weakest) weakest = (enum signing)i;
        if (n++) buf_str(&all, S(", "));
        buf_str(&all, signing_text((enum signing)i));
    }
    if (n > 1) add_conflict(l, edge, buf_text(&all));
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
    struct sqlite_statement *s =
        query(l->store, "SELECT edge,kind,text FROM name ORDER BY edge,kind", err);
    str *items = NULL;
    size_t n = 0, room = 0;
    int64_t edge = 0, kind = -1;
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row || sqlite_get(s, 0) != edge || sqlite_get(s, 1) != kind) {
            end_names(l, edge, kind, items, n);
            n = 0;
        }
        if (!row) return true;
        edge = (int64_t)sqlite_get_index(s, 0, l->n_edges);
        kind = sqlite_get(s, 1);
        arena_grow(l->scratch, items, n, room);
        items[n++] = l->texts[sqlite_get_index(s, 2, l->n_texts)];
    }
    return false;
}

/* A share that was granted even once is not refused. */
static void drop_granted(struct edge *edge, struct arena *arena)
{
    struct names refused = edge->flow.shares_refused;
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

static bool load_coverage(struct loading *l, struct matrix_view *out, struct err *err)
{
    struct sqlite_statement *s =
        query(l->store, "SELECT source,stream,from_us,to_us,records,facts FROM coverage", err);
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
                load_sources(l, err) && load_edges(l, err) && load_flows(l, err) &&
                mark_past(l, err) && load_connections(l, err) && load_portless(l, err) &&
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

bool store_load_matrix(struct store *store, struct arena *arena, struct matrix_view *out,
                       struct err *err)
{
    struct arena scratch = arena_open("loading the matrix", 0, NULL);
    struct loading l = {.store = store, .arena = arena, .scratch = &scratch};
    struct host_list hosts = {0};
    struct matrix_view view = {0};
    bool fine = in_one_view(store, err) && load_all(&l, &view, err);
    sqlite_rollback(store->db);
    fine = fine && store_load_hosts(store, arena, &hosts, err);
    arena_close(&scratch);
    if (!fine) return false;
    view.n_hosts = hosts.n;
    *out = view;
    return true;
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
                                       "(SELECT client FROM edge UNION SELECT server FROM edge)",
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

bool store_load_hosts(struct store *store, struct arena *arena, struct host_list *out,
                      struct err *err)
{
    struct host_witness *witnesses = NULL;
    struct addr *ends = NULL;
    size_t n = 0, n_ends = 0;
    bool fine = in_one_view(store, err) && load_witnesses(store, arena, &witnesses, &n, err) &&
                load_end_addrs(store, arena, &ends, &n_ends, err);
    sqlite_rollback(store->db);
    if (!fine) return false;
    *out = hosts_of(arena, witnesses, n, ends, n_ends);
    return true;
}

/* A day's use as one stream counted it; of several streams that saw the same, the largest. */
static const char uses_sql[] =
    "SELECT c.addr,c.name,v.addr,v.name,e.transport,e.port,s.value,p.value,u.value,refused,"
    "sum(count),min(first_us),max(last_us),max(is_printer) FROM (SELECT edge,share,pipe,user,"
    "refused,day,max(count) AS count,max(is_printer) AS is_printer,min(first_us) AS "
    "first_us,max(last_us) AS last_us FROM use "
    "GROUP BY edge,share,pipe,user,refused,day) x JOIN edge e ON e.id=x.edge "
    "JOIN endpoint c ON c.id=e.client JOIN endpoint v ON v.id=e.server "
    "JOIN text s ON s.id=x.share JOIN text p ON p.id=x.pipe JOIN text u ON u.id=x.user "
    "GROUP BY x.edge,x.share,x.pipe,x.user,x.refused";

bool store_load_uses(struct store *store, struct arena *arena, struct share_use **out, size_t *n,
                     struct err *err)
{
    struct sqlite_statement *s = query(store, uses_sql, err);
    struct share_use *items = NULL;
    size_t count = 0, room = 0;
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) break;
        arena_grow(arena, items, count, room);
        items[count++] = (struct share_use){
            .client = {get_addr(s, 0), sqlite_get_str(arena, s, 1)},
            .server = {get_addr(s, 2), sqlite_get_str(arena, s, 3)},
            .transport = (enum transport)sqlite_get(s, 4),
            .port = (uint16_t)sqlite_get(s, 5),
            .share = sqlite_get_str(arena, s, 6),
            .pipe = sqlite_get_str(arena, s, 7),
            .user = sqlite_get_str(arena, s, 8),
            .refused = sqlite_get(s, 9) != 0,
            .count = (uint64_t)sqlite_get(s, 10),
            .first_us = sqlite_get(s, 11),
            .last_us = sqlite_get(s, 12),
            .is_printer = sqlite_get(s, 13) != 0,
        };
    }
    if (!s) return false;
    *out = items;
    *n = count;
    return true;
}
