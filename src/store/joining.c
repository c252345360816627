/* SPDX-License-Identifier: Apache-2.0 */
#include "store/joining.h"

#include "matrix/batch.h"
#include "store/tables.h"

struct joining {
    struct join join;
    joining_emit *emit;
    void *to;
    int64_t edge, client_port;
    /* Sightings with the same start, to be fed in order. */
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
    if (!runs_open(store, of, more, &scratch, &reader, err)) return false;
    for (const int64_t *row = NULL;;) {
        if (!runs_next(reader, &row, err)) return false;
        bool other =
            !row || row[CONNECTION_EDGE] != j->edge || row[CONNECTION_PORT] != j->client_port;
        if (j->n_same && (other || row[CONNECTION_START] != j->same[0].start_us)) feed_same(j);
        if (other) join_end(&j->join);
        if (!row) return true;
        if (!numbers_hold(&numbers, row)) return tables_damaged(err);
        j->edge = row[CONNECTION_EDGE];
        j->client_port = row[CONNECTION_PORT];
        struct joining_stream stream = numbers.streams[row[CONNECTION_STREAM]];
        size_t outcome = (size_t)row[CONNECTION_KIND] & (BATCH_CLOSES - 1);
        arena_grow(&scratch, j->same, j->n_same, j->room);
        j->same[j->n_same++] = (struct join_sighting){
            .start_us = row[CONNECTION_START],
            .last_us = row[CONNECTION_LAST],
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
