/* SPDX-License-Identifier: Apache-2.0 */
#include "store/prune.h"

#include "base/instant.h"
#include "matrix/batch.h"
#include "store/joining.h"
#include "store/tables.h"

struct day_count {
    int32_t day;
    uint64_t connections, outcomes[OUTCOME_COUNT], to_server, to_client, disputed;
};

struct counting {
    struct sqlite_statement *add; /* a row of `day` */
    struct arena *arena;
    /* Days of the edge under way: connections come edge by edge. */
    int64_t edge;
    struct day_count *days;
    size_t n_days, room;
    struct err *err;
    bool failed;
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

/* A day that was let go before and got further connections since: the larger count stays. */
static const char add_sql[] =
    "INSERT INTO day(edge,day,exact,connections,to_server,to_client,o0,o1,o2,o3,o4,o5,o6,o7,o8,"
    "disputed) VALUES(?,?,1,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(edge,day) DO UPDATE SET exact=0,"
    "connections=max(connections,excluded.connections),"
    "to_server=max(to_server,excluded.to_server),to_client=max(to_client,excluded.to_client),"
    "o0=max(o0,excluded.o0),o1=max(o1,excluded.o1),o2=max(o2,excluded.o2),"
    "o3=max(o3,excluded.o3),o4=max(o4,excluded.o4),o5=max(o5,excluded.o5),"
    "o6=max(o6,excluded.o6),o7=max(o7,excluded.o7),o8=max(o8,excluded.o8),"
    "disputed=max(disputed,excluded.disputed)";

static bool write_days(struct counting *counting, struct sqlite_statement *add)
{
    for (size_t i = 0; i < counting->n_days; i++) {
        const struct day_count *day = &counting->days[i];
        sqlite_put(add, 1, counting->edge);
        sqlite_put(add, 2, day->day);
        sqlite_put(add, 3, (int64_t)day->connections);
        sqlite_put(add, 4, (int64_t)(day->to_server & INT64_MAX));
        sqlite_put(add, 5, (int64_t)(day->to_client & INT64_MAX));
        for (int o = 0; o < OUTCOME_COUNT; o++)
            sqlite_put(add, 6 + o, (int64_t)day->outcomes[o]);
        sqlite_put(add, 6 + OUTCOME_COUNT, (int64_t)day->disputed);
        if (!sqlite_do(add, counting->err)) return false;
    }
    counting->n_days = 0;
    return true;
}

/* The days of one edge, by day: a few dozen, met mostly in order. */
static struct day_count *day_of(struct counting *counting, int32_t day)
{
    size_t low = 0, high = counting->n_days;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (counting->days[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < counting->n_days && counting->days[low].day == day) return &counting->days[low];
    arena_grow(counting->arena, counting->days, counting->n_days, counting->room);
    memmove(&counting->days[low + 1], &counting->days[low],
            (counting->n_days++ - low) * sizeof *counting->days);
    counting->days[low] = (struct day_count){.day = day};
    return &counting->days[low];
}

static void count(void *to, int64_t edge, int64_t client_port, const struct join_connection *c)
{
    struct counting *counting = to;
    if (counting->failed || c->start_us >= counting->cutoff_us) return;
    bool may_go_on = !c->closes && c->last_us >= counting->cutoff_us - JOIN_AGE_US;
    if (may_go_on) mark(counting, edge, client_port, c);
    if (c->counted) return;
    if (edge != counting->edge) {
        counting->failed = !write_days(counting, counting->add);
        counting->edge = edge;
    }
    struct day_count *day = day_of(counting, instant_day(c->start_us));
    day->connections++;
    day->to_server += (uint64_t)c->to_server;
    day->to_client += (uint64_t)c->to_client;
    day->disputed += join_is_disputed(c->outcomes);
    if (!c->outcomes) day->outcomes[OUTCOME_NONE]++;
    for (size_t i = 1; i < OUTCOME_COUNT; i++)
        day->outcomes[i] += c->outcomes >> i & 1;
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

/* Connections of edges with a named end, or of the others. */
static bool prune_some(struct store *store, struct joining_numbers numbers, bool is_named,
                       struct counting *counting, struct err *err)
{
    /* The joins need an arena that the counts don't grow in. */
    struct arena joins = arena_open("old connections", 0, NULL);
    bool fine = joining_run(store, numbers, is_named, NULL, joins, count, counting, err);
    arena_close(&joins);
    return fine && !counting->failed && write_days(counting, counting->add);
}

static bool prune_before(struct store *store, int64_t cutoff_us, struct arena scratch,
                         struct err *err)
{
    struct joining_numbers numbers;
    struct relation_rows markers[2];
    if (!joining_numbers(store, &scratch, &numbers, err)) return false;
    for (int named = 0; named < 2; named++) {
        struct counting counting = {.arena = &scratch,
                                    .cutoff_us = cutoff_us,
                                    .err = err,
                                    .add = sqlite_prepare(store->db, add_sql, err)};
        if (!counting.add || !prune_some(store, numbers, named, &counting, err)) return false;
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

/* RELATION_OF_CONNECTION, as text of a query. */
#define CONNECTIONS "1"
static_assert(RELATION_OF_CONNECTION == 1, "as CONNECTIONS says");

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
