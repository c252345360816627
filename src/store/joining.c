/* SPDX-License-Identifier: Apache-2.0 */
#include "store/joining.h"

#include "matrix/batch.h"

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
    j->emit(j->to, j->edge, connection);
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

bool joining_run(struct store *store, struct joining_numbers numbers, int64_t before_us,
                 struct arena scratch, joining_emit *emit_row, void *to, struct err *err)
{
    struct sqlite_statement *s =
        sqlite_prepare(store->db,
                       "SELECT edge,client_port,start_us,stream,outcome,to_server,to_client "
                       "FROM connection WHERE start_us<? ORDER BY edge,client_port,start_us",
                       err);
    struct joining *j = arena_new(&scratch, struct joining);
    *j = (struct joining){
        .join = {.emit = emit, .to = j},
          .emit = emit_row, .to = to, .edge = -1
    };
    if (!s) return false;
    sqlite_put(s, 1, before_us);
    for (bool row = false;;) {
        if (!sqlite_step(s, &row, err)) return false;
        bool other = !row || sqlite_get(s, 0) != j->edge || sqlite_get(s, 1) != j->client_port;
        if (j->n_same && (other || sqlite_get(s, 2) != j->same[0].start_us)) feed_same(j);
        if (other) join_end(&j->join);
        if (!row) return true;
        j->edge = (int64_t)sqlite_get_index(s, 0, numbers.n_edges);
        j->client_port = sqlite_get(s, 1);
        int64_t outcome = sqlite_get(s, 4);
        struct joining_stream stream = numbers.streams[sqlite_get_index(s, 3, numbers.n_streams)];
        arena_grow(&scratch, j->same, j->n_same, j->room);
        j->same[j->n_same++] = (struct join_sighting){
            .start_us = sqlite_get(s, 2),
            .outcome = (enum outcome)(outcome & (BATCH_CLOSES - 1)),
            .closes = (outcome & BATCH_CLOSES) != 0,
            .stream = stream.rank,
            .is_log = stream.is_log,
            .to_server = sqlite_get(s, 5),
            .to_client = sqlite_get(s, 6),
        };
    }
}
