/* SPDX-License-Identifier: Apache-2.0 */
#include "store/prune.h"

#include "base/instant.h"
#include "base/map.h"
#include "matrix/batch.h"
#include "store/joining.h"
#include "store/tables.h"

struct day_count {
    uint64_t connections, outcomes[OUTCOME_COUNT], to_server, to_client;
};

struct counting {
    struct arena *arena;
    struct map keys; /* edge and day */
    struct day_count *days;
    size_t room;
    int64_t cutoff_us;
    /* What stays of connections that may still go on. */
    struct relation_rows markers;
};

/* Later evidence of a session that was counted must not count it again. */
static void mark(struct counting *counting, int64_t edge, int64_t client_port,
                 const struct join_connection *c)
{
    int64_t *row =
        relation_push(&relations[RELATION_OF_CONNECTION], counting->arena, &counting->markers);
    row[CONNECTION_EDGE] = edge;
    row[CONNECTION_PORT] = client_port;
    row[CONNECTION_START] = c->start_us;
    uint16_t outcomes = c->counted ? c->counted_outcomes : c->outcomes;
    row[CONNECTION_KIND] = BATCH_COUNTED | (int64_t)outcomes << BATCH_COUNTED_SHIFT;
    row[CONNECTION_LAST] = c->last_us;
}

static void count(void *to, int64_t edge, int64_t client_port, const struct join_connection *c)
{
    struct counting *counting = to;
    if (c->start_us >= counting->cutoff_us) return;
    bool may_go_on = !c->closes && c->last_us >= counting->cutoff_us - JOIN_AGE_US;
    if (may_go_on) mark(counting, edge, client_port, c);
    if (c->counted) return;
    const int64_t key[2] = {edge, instant_day(c->start_us)};
    size_t n = counting->keys.n;
    bool fresh = false;
    str text = {(const char *)key, sizeof key};
    size_t at = (size_t)*map_put(&counting->keys, counting->arena, text, n, &fresh);
    if (fresh) {
        arena_grow(counting->arena, counting->days, n, counting->room);
        counting->days[n] = (struct day_count){0};
    }
    struct day_count *day = &counting->days[at];
    day->connections++;
    day->to_server += (uint64_t)c->to_server;
    day->to_client += (uint64_t)c->to_client;
    if (!c->outcomes) day->outcomes[OUTCOME_NONE]++;
    for (size_t i = 1; i < OUTCOME_COUNT; i++)
        day->outcomes[i] += c->outcomes >> i & 1;
}

/* A day that was let go before and got further connections since: the larger count stays. */
static const char add_sql[] =
    "INSERT INTO day(edge,day,exact,connections,to_server,to_client,o0,o1,o2,o3,o4,o5,o6,o7,o8) "
    "VALUES(?,?,1,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(edge,day) DO UPDATE SET exact=0,"
    "connections=max(connections,excluded.connections),"
    "to_server=max(to_server,excluded.to_server),to_client=max(to_client,excluded.to_client),"
    "o0=max(o0,excluded.o0),o1=max(o1,excluded.o1),o2=max(o2,excluded.o2),"
    "o3=max(o3,excluded.o3),o4=max(o4,excluded.o4),o5=max(o5,excluded.o5),"
    "o6=max(o6,excluded.o6),o7=max(o7,excluded.o7),o8=max(o8,excluded.o8)";

static bool write_days(struct store *store, const struct counting *counting, struct err *err)
{
    struct sqlite_statement *add = sqlite_prepare(store->db, add_sql, err);
    for (size_t i = 0; add && i < counting->keys.n; i++) {
        const struct day_count *day = &counting->days[i];
        int64_t key[2];
        memcpy(key, counting->keys.entries[i].key.ptr, sizeof key);
        sqlite_put(add, 1, key[0]);
        sqlite_put(add, 2, key[1]);
        sqlite_put(add, 3, (int64_t)day->connections);
        sqlite_put(add, 4, (int64_t)(day->to_server & INT64_MAX));
        sqlite_put(add, 5, (int64_t)(day->to_client & INT64_MAX));
        for (int o = 0; o < OUTCOME_COUNT; o++)
            sqlite_put(add, 6 + o, (int64_t)day->outcomes[o]);
        if (!sqlite_do(add, err)) return false;
    }
    return add != NULL;
}

/* RELATION_OF_CONNECTION, as text of a query. */
#define CONNECTIONS "1"
static_assert(RELATION_OF_CONNECTION == 1, "as CONNECTIONS says");

static bool ask(struct store *store, const char *sql, int64_t *out, struct err *err)
{
    struct sqlite_statement *s = sqlite_prepare(store->db, sql, err);
    bool row = false;
    if (!s || !sqlite_step(s, &row, err)) return false;
    *out = sqlite_get(s, 0);
    sqlite_reset(s);
    return true;
}

/* Connections of edges with a named end, or of the others. */
static bool prune_some(struct store *store, struct joining_numbers numbers, bool is_named,
                       struct counting *counting, struct err *err)
{
    /* The joins need an arena that the counts don't grow in. */
    struct arena joins = arena_open("old connections", 0, NULL);
    bool fine = joining_run(store, numbers, is_named, NULL, joins, count, counting, err);
    arena_close(&joins);
    return fine && write_days(store, counting, err);
}

static bool prune_before(struct store *store, int64_t cutoff_us, struct arena scratch,
                         struct err *err)
{
    struct joining_numbers numbers;
    struct relation_rows markers[2];
    if (!joining_numbers(store, &scratch, &numbers, err)) return false;
    for (int named = 0; named < 2; named++) {
        struct counting counting = {.arena = &scratch, .cutoff_us = cutoff_us};
        if (!prune_some(store, numbers, named, &counting, err)) return false;
        relation_settle(&relations[RELATION_OF_CONNECTION], scratch, &counting.markers, 0);
        markers[named] = counting.markers;
    }
    if (!runs_drop_before(store, cutoff_us, scratch, err)) return false;
    for (int named = 0; named < 2; named++) {
        struct runs_of of = {RELATION_OF_CONNECTION, named};
        if (!runs_write(store, of, &markers[named], scratch, err)) return false;
    }
    return true;
}

bool prune_connections(struct store *store, unsigned keep_days, uint64_t least,
                       struct arena scratch, struct err *err)
{
    int64_t n = 0, newest = 0;
    if (!ask(store, "SELECT sum(n_rows) FROM run WHERE relation=" CONNECTIONS, &n, err))
        return false;
    if ((uint64_t)n <= least || !n) return true;
    if (!ask(store, "SELECT max(day) FROM run WHERE relation=" CONNECTIONS, &newest, err))
        return false;
    int64_t cutoff_us = (newest - (int64_t)keep_days) * INSTANT_DAY;

    if (!sqlite_run(store->db, "BEGIN IMMEDIATE", err)) return false;
    if (prune_before(store, cutoff_us, scratch, err) && sqlite_run(store->db, "COMMIT", err))
        return true;
    sqlite_rollback(store->db);
    return false;
}
