/* SPDX-License-Identifier: Apache-2.0 */
#include "store/prune.h"

#include "base/instant.h"
#include "base/map.h"
#include "store/joining.h"

struct day_count {
    uint64_t connections, outcomes[OUTCOME_COUNT], to_server, to_client;
};

struct counting {
    struct arena *arena;
    struct map keys; /* edge and day */
    struct day_count *days;
    size_t room;
};

static void count(void *to, int64_t edge, const struct join_connection *c)
{
    struct counting *counting = to;
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

static bool ask(struct store *store, const char *sql, int64_t *out, struct err *err)
{
    struct sqlite_statement *s = sqlite_prepare(store->db, sql, err);
    bool row = false;
    if (!s || !sqlite_step(s, &row, err)) return false;
    *out = sqlite_get(s, 0);
    sqlite_reset(s);
    return true;
}

static bool prune_before(struct store *store, int64_t cutoff_us, struct arena scratch,
                         struct err *err)
{
    struct joining_numbers numbers;
    struct counting counting = {.arena = &scratch};
    /* The joins need an arena that the counts don't grow in. */
    struct arena joins = arena_open("old connections", 0, NULL);
    bool fine = joining_numbers(store, &scratch, &numbers, err) &&
                joining_run(store, numbers, cutoff_us, joins, count, &counting, err) &&
                write_days(store, &counting, err);
    arena_close(&joins);
    if (!fine) return false;
    struct sqlite_statement *drop =
        sqlite_prepare(store->db, "DELETE FROM connection WHERE start_us<?", err);
    if (!drop) return false;
    sqlite_put(drop, 1, cutoff_us);
    return sqlite_do(drop, err);
}

bool prune_connections(struct store *store, unsigned keep_days, uint64_t least,
                       struct arena scratch, struct err *err)
{
    int64_t n = 0, newest_us = 0;
    if (!ask(store, "SELECT count(*) FROM connection", &n, err)) return false;
    if ((uint64_t)n <= least || !n) return true;
    if (!ask(store, "SELECT max(start_us) FROM connection", &newest_us, err)) return false;
    int64_t cutoff_us = ((int64_t)instant_day(newest_us) - (int64_t)keep_days) * INSTANT_DAY;

    if (!sqlite_run(store->db, "BEGIN IMMEDIATE", err)) return false;
    if (prune_before(store, cutoff_us, scratch, err) && sqlite_run(store->db, "COMMIT", err))
        return true;
    sqlite_rollback(store->db);
    return false;
}
