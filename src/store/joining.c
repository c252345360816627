/* SPDX-License-Identifier: Apache-2.0 */
#include "store/joining.h"

#include "matrix/batch.h"
#include "store/skew.h"
#include "store/tables.h"

struct joining {
    struct join join;
    joining_emit *emit;
    void *to;
    int64_t edge, client_port;
    const int64_t *shifts; /* per rank of a stream, for clocks that differ; NULL = none does */
    /* Sightings with the same start, to be fed in order; with shifts all of the client port. */
    struct join_sighting *same;
    size_t n_same, room;
};

static bool room_for(struct store *store, const char *sql, size_t *out, struct err *err)
{
    struct sqlite_statement *s = sqlite_prepare(store->db, sql, err);
    bool row = false;
    if (!s || !sqlite_step(s, &row, err)) return false;
    int64_t most = sqlite_get(s, 0);
    *out = most > 0 ? (size_t)most + 1 : 1;
    sqlite_reset(s);
    return true;
}

bool joining_numbers(struct store *store, struct arena *arena, struct joining_numbers *out,
                     struct err *err)
{
    struct joining_numbers numbers = {0};
    bool row = false;
    if (!room_for(store, "SELECT max(id) FROM edge", &numbers.n_edges, err) ||
        !room_for(store, "SELECT max(id) FROM stream", &numbers.n_streams, err))
        return false;
    struct joining_stream *streams = arena_array(arena, struct joining_stream, numbers.n_streams);
    struct sqlite_statement *s =
        sqlite_prepare(store->db, "SELECT id,is_log FROM stream ORDER BY key", err);
    for (uint32_t rank = 0; s; rank++) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) break;
        streams[sqlite_get_index(s, 0, numbers.n_streams)] =
            (struct joining_stream){rank, sqlite_get(s, 1) != 0};
    }
    numbers.streams = streams;
    *out = numbers;
    return s != NULL;
}

static void emit(void *to, const struct join_connection *connection)
{
    struct joining *j = to;
    j->emit(j->to, j->edge, j->client_port, connection);
}

static int sighting_order(const void *left, const void *right)
{
    return join_compare(left, right);
}

static void feed_same(struct joining *j)
{
    if (j->n_same > 1) qsort(j->same, j->n_same, sizeof *j->same, sighting_order);
    for (size_t i = 0; i < j->n_same; i++)
        join_add(&j->join, &j->same[i]);
    j->n_same = 0;
}

static enum join_kind kind_of(int64_t flags)
{
    if (flags & BATCH_COUNTED) return JOIN_COUNTED;
    if (flags & BATCH_CLOSES) return JOIN_CLOSES;
    return flags & BATCH_WITHIN ? JOIN_WITHIN : JOIN_BEGINS;
}

static bool numbers_hold(const struct joining_numbers *numbers, const int64_t *row)
{
    return row[CONNECTION_EDGE] > 0 && (uint64_t)row[CONNECTION_EDGE] < numbers->n_edges &&
           row[CONNECTION_STREAM] >= 0 && (uint64_t)row[CONNECTION_STREAM] < numbers->n_streams;
}

/* Reads all begins once for what they tell of the clocks. */
static bool measure(struct store *store, const struct joining_numbers *numbers, struct runs_of of,
                    const struct relation_rows *more, struct arena *arena, const int64_t **shifts,
                    struct err *err)
{
    struct arena reading = arena_open("measuring clocks", 0, NULL);
    struct runs_reader *reader = NULL;
    struct skew *skew = arena_new(arena, struct skew);
    int64_t edge = -1, port = -1;
    skew->arena = arena;
    bool fine = runs_open(store, of, more, &reading, &reader, err);
    for (const int64_t *row = NULL; fine;) {
        fine = runs_next(reader, &row, err);
        if (!fine || !row) break;
        if (!numbers_hold(numbers, row)) fine = tables_damaged(err);
        if (!fine) break;
        if (row[CONNECTION_EDGE] != edge || row[CONNECTION_PORT] != port) skew_next(skew);
        edge = row[CONNECTION_EDGE];
        port = row[CONNECTION_PORT];
        uint32_t rank = numbers->streams[row[CONNECTION_STREAM]].rank;
        if (kind_of(row[CONNECTION_KIND]) == JOIN_BEGINS)
            skew_add(skew, (struct skew_begin){row[CONNECTION_START], rank});
    }
    arena_close(&reading);
    if (!fine) return false;
    skew_next(skew);
    *shifts = skew_shifts(skew, numbers->n_streams, arena);
    return true;
}

bool joining_run(struct store *store, struct joining_numbers numbers, bool is_named,
                 const struct relation_rows *more, struct arena scratch, joining_emit *emit_row,
                 void *to, struct err *err)
{
    struct runs_of of = {RELATION_OF_CONNECTION, is_named};
    struct runs_reader *reader = NULL;
    struct joining *j = arena_new(&scratch, struct joining);
    *j = (struct joining){
        .join = {.emit = emit, .to = j},
          .emit = emit_row, .to = to, .edge = -1
    };
    /* One stream has one clock. */
    bool measured =
        numbers.n_streams <= 2 || measure(store, &numbers, of, more, &scratch, &j->shifts, err);
    if (!measured || !runs_open(store, of, more, &scratch, &reader, err)) return false;
    for (const int64_t *row = NULL;;) {
        if (!runs_next(reader, &row, err)) return false;
        bool other =
            !row || row[CONNECTION_EDGE] != j->edge || row[CONNECTION_PORT] != j->client_port;
        bool later = !j->shifts && row && j->n_same && row[CONNECTION_START] != j->same[0].start_us;
        if (other || later) feed_same(j);
        if (other) join_end(&j->join);
        if (!row) return true;
        if (!numbers_hold(&numbers, row)) return tables_damaged(err);
        j->edge = row[CONNECTION_EDGE];
        j->client_port = row[CONNECTION_PORT];
        struct joining_stream stream = numbers.streams[row[CONNECTION_STREAM]];
        int64_t shift = j->shifts ? j->shifts[stream.rank] : 0;
        size_t outcome = (size_t)row[CONNECTION_KIND] & (BATCH_CLOSES - 1);
        arena_grow(&scratch, j->same, j->n_same, j->room);
        j->same[j->n_same++] = (struct join_sighting){
            .start_us = row[CONNECTION_START] + shift,
            .last_us = row[CONNECTION_LAST] + shift,
            .outcome = outcome < OUTCOME_COUNT ? (enum outcome)outcome : OUTCOME_NONE,
            .kind = kind_of(row[CONNECTION_KIND]),
            .stream = stream.rank,
            .is_log = stream.is_log,
            .counted_outcomes =
                (uint16_t)(row[CONNECTION_KIND] >> BATCH_COUNTED_SHIFT & UINT16_MAX),
            .to_server = row[CONNECTION_TO_SERVER],
            .to_client = row[CONNECTION_TO_CLIENT],
        };
    }
}
