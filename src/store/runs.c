/* SPDX-License-Identifier: Apache-2.0 */
/* A piece is its rows' columns, one row after the other, each the zigzag varint (LEB128) of its
 * difference from what relation.h says; the first row of a piece counts from zeros. In front of it
 * stands the hash of all that follows, so that a damaged database is refused and not believed.
 * Observed on firewall logs: 9 to 12 bytes a connection.
 */
#include "store/runs.h"

#include "base/hash.h"
#include "base/instant.h"
#include "matrix/batch.h"
#include "store/tables.h"

enum {
    VARINT_BYTES = 10,
    CHECKSUM_BYTES = 8,
    /* Ids of pieces: the run's, then the place in it. */
    PIECE_BITS = 24,
};

/* ---- Packing ------------------------------------------------------------------------------------
 */

static uint8_t *put_varint(uint8_t *at, int64_t value)
{
    uint64_t left = value < 0 ? (uint64_t) - (value + 1) << 1 | 1 : (uint64_t)value << 1;
    while (left >= 0x80) {
        *at++ = (uint8_t)(left | 0x80);
        left >>= 7;
    }
    *at++ = (uint8_t)left;
    return at;
}

/* NULL when there is none. */
static const uint8_t *get_varint(const uint8_t *at, const uint8_t *end, int64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
        uint8_t octet = *at++;
        value |= (uint64_t)(octet & 0x7F) << shift;
        if (octet & 0x80) continue;
        uint64_t half = value >> 1;
        *out = value & 1 ? -(int64_t)half - 1 : (int64_t)half;
        return at;
    }
    return NULL;
}

static int64_t base_of(const struct relation_column *column, const int64_t *row,
                       const int64_t *before, size_t i)
{
    if (column->from == FROM_PREVIOUS) return before[i];
    return column->from == FROM_ZERO ? 0 : row[column->from];
}

static void put_checksum(uint8_t *at, uint64_t hash)
{
    for (size_t i = 0; i < CHECKSUM_BYTES; i++)
        at[i] = (uint8_t)(hash >> (8 * i));
}

/* room: CHECKSUM_BYTES + n rows * columns * VARINT_BYTES. Differences of times and counts fit:
 * matrix/batch keeps them away from the ends of the line. */
static bytes pack(const struct relation *relation, const int64_t *rows, size_t n, uint8_t *out)
{
    static const int64_t zeros[RELATION_MOST_COLUMNS];
    const int64_t *before = zeros;
    uint8_t *at = out + CHECKSUM_BYTES;
    for (size_t r = 0; r < n; r++) {
        const int64_t *row = &rows[r * relation->n_columns];
        for (size_t i = 0; i < relation->n_columns; i++)
            at = put_varint(at, row[i] - base_of(&relation->columns[i], row, before, i));
        before = row;
    }
    bytes body = {out + CHECKSUM_BYTES, (size_t)(at - out) - CHECKSUM_BYTES};
    put_checksum(out, hash_bytes(body));
    return (bytes){out, (size_t)(at - out)};
}

static bool checksum_holds(bytes piece)
{
    uint8_t expected[CHECKSUM_BYTES];
    if (piece.len < CHECKSUM_BYTES) return false;
    put_checksum(expected,
                 hash_bytes((bytes){piece.ptr + CHECKSUM_BYTES, piece.len - CHECKSUM_BYTES}));
    return memcmp(expected, piece.ptr, CHECKSUM_BYTES) == 0;
}

/* ---- Writing ------------------------------------------------------------------------------------
 */

/* One run under way. */
struct writer {
    struct store *store;
    const struct relation *relation;
    int64_t run;
    uint64_t n_rows, n_pieces;
    int64_t *rows; /* of the piece under way */
    size_t n;
    uint8_t *packed;
};

static bool writer_open(struct writer *w, struct store *store, struct runs_of of, int64_t day,
                        int64_t level, struct arena *arena, struct err *err)
{
    const struct relation *relation = &relations[of.relation];
    struct sqlite_statement *add = tables_statement(store, STORE_SQL_ADD_RUN, err);
    if (!add) return false;
    sqlite_put(add, 1, of.relation);
    sqlite_put(add, 2, of.is_named);
    sqlite_put(add, 3, day);
    sqlite_put(add, 4, level);
    if (!sqlite_do(add, err)) return false;
    *w = (struct writer){
        .store = store,
        .relation = relation,
        .run = sqlite_last_id(store->db),
        .packed = arena_array(
            arena, uint8_t, CHECKSUM_BYTES + RUNS_PIECE_ROWS * relation->n_columns * VARINT_BYTES),
    };
    return true;
}

static bool write_piece(struct writer *w, const int64_t *rows, size_t n, struct err *err)
{
    struct sqlite_statement *add = tables_statement(w->store, STORE_SQL_ADD_PIECE, err);
    if (!add) return false;
    sqlite_put(add, 1, (int64_t)((uint64_t)w->run << PIECE_BITS | w->n_pieces));
    sqlite_put_bytes(add, 2, pack(w->relation, rows, n, w->packed));
    w->n_pieces++;
    w->n_rows += n;
    return sqlite_do(add, err);
}

static bool writer_close(struct writer *w, struct err *err)
{
    struct sqlite_statement *set = tables_statement(w->store, STORE_SQL_SET_RUN, err);
    if (w->n && !write_piece(w, w->rows, w->n, err)) return false;
    if (!set) return false;
    sqlite_put(set, 1, (int64_t)w->n_rows);
    sqlite_put(set, 2, (int64_t)w->n_pieces);
    sqlite_put(set, 3, w->run);
    return sqlite_do(set, err);
}

static bool writer_add(struct writer *w, const int64_t *row, struct err *err)
{
    size_t n = w->relation->n_columns;
    memcpy(&w->rows[w->n++ * n], row, n * sizeof *row);
    if (w->n < RUNS_PIECE_ROWS) return true;
    w->n = 0;
    return write_piece(w, w->rows, RUNS_PIECE_ROWS, err);
}

static bool write_run(struct store *store, struct runs_of of, int64_t day,
                      const struct relation_rows *rows, struct arena scratch, struct err *err)
{
    struct writer w;
    if (!writer_open(&w, store, of, day, 0, &scratch, err)) return false;
    for (size_t i = 0; i < rows->n; i += RUNS_PIECE_ROWS) {
        size_t n = rows->n - i < RUNS_PIECE_ROWS ? rows->n - i : RUNS_PIECE_ROWS;
        if (!write_piece(&w, &rows->at[i * w.relation->n_columns], n, err)) return false;
    }
    return writer_close(&w, err);
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

/* One run being read, or rows in memory: then run is 0. */
struct cursor_of_run {
    int64_t run;
    uint64_t n_pieces, at_piece;
    uint8_t *piece; /* a copy of the piece under way */
    size_t room;
    const uint8_t *at, *end;
    const struct relation_rows *memory;
    size_t at_row;
    int64_t row[RELATION_MOST_COLUMNS];
};

struct runs_reader {
    struct store *store;
    struct arena *arena;
    const struct relation *relation;
    struct cursor_of_run *cursors;
    uint32_t *heap; /* of cursors that have a row, the smallest first */
    size_t n_cursors, room, n_heap;
    int64_t row[RELATION_MOST_COLUMNS];
};

static bool next_piece(struct runs_reader *reader, struct cursor_of_run *cursor, struct err *err)
{
    struct sqlite_statement *get = tables_statement(reader->store, STORE_SQL_GET_PIECE, err);
    bool row = false;
    if (!get) return false;
    sqlite_put(get, 1, (int64_t)((uint64_t)cursor->run << PIECE_BITS | cursor->at_piece++));
    if (!sqlite_step(get, &row, err)) return false;
    if (!row) return tables_damaged(err);
    bytes data = sqlite_get_bytes(get, 0);
    if (!checksum_holds(data)) {
        sqlite_reset(get);
        return tables_damaged(err);
    }
    if (data.len > cursor->room) {
        cursor->room = data.len + data.len / 4;
        cursor->piece = arena_array(reader->arena, uint8_t, cursor->room);
    }
    memcpy(cursor->piece, data.ptr, data.len);
    cursor->at = cursor->piece + CHECKSUM_BYTES;
    cursor->end = cursor->piece + data.len;
    memset(cursor->row, 0, sizeof cursor->row);
    sqlite_reset(get);
    return true;
}

/* The cursor's next row; *more is false at its end. */
static bool step(struct runs_reader *reader, struct cursor_of_run *cursor, bool *more,
                 struct err *err)
{
    const struct relation *relation = reader->relation;
    size_t n = relation->n_columns;
    if (!cursor->run) {
        *more = cursor->at_row < cursor->memory->n;
        if (*more)
            memcpy(cursor->row, &cursor->memory->at[cursor->at_row++ * n], n * sizeof *cursor->row);
        return true;
    }
    while (cursor->at == cursor->end) {
        *more = cursor->at_piece < cursor->n_pieces;
        if (!*more) return true;
        if (!next_piece(reader, cursor, err)) return false;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t difference = 0;
        cursor->at = get_varint(cursor->at, cursor->end, &difference);
        /* row[i] is still the row before's. */
        int64_t base = base_of(&relation->columns[i], cursor->row, cursor->row, i);
        if (!cursor->at || !num_add(base, difference, &cursor->row[i])) return tables_damaged(err);
    }
    *more = true;
    return true;
}

static bool precedes(const struct runs_reader *reader, uint32_t a, uint32_t b)
{
    return relation_compare(reader->relation, reader->cursors[a].row, reader->cursors[b].row) < 0;
}

static void sift_down(struct runs_reader *reader, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < reader->n_heap; at = child) {
        uint32_t *heap = reader->heap;
        if (child + 1 < reader->n_heap && precedes(reader, heap[child + 1], heap[child])) child++;
        if (!precedes(reader, heap[child], heap[at])) return;
        uint32_t held = heap[at];
        heap[at] = heap[child];
        heap[child] = held;
    }
}

static struct runs_reader *new_reader(struct store *store, enum relation_id relation,
                                      struct arena *arena)
{
    struct runs_reader *reader = arena_new(arena, struct runs_reader);
    *reader =
        (struct runs_reader){.store = store, .arena = arena, .relation = &relations[relation]};
    return reader;
}

static void add_run(struct runs_reader *reader, int64_t run, int64_t n_pieces)
{
    arena_grow(reader->arena, reader->cursors, reader->n_cursors, reader->room);
    reader->cursors[reader->n_cursors++] =
        (struct cursor_of_run){.run = run, .n_pieces = n_pieces > 0 ? (uint64_t)n_pieces : 0};
}

/* The first row of every cursor. */
static bool start(struct runs_reader *reader, struct err *err)
{
    reader->heap = arena_array(reader->arena, uint32_t, reader->n_cursors + 1);
    for (size_t i = 0; i < reader->n_cursors; i++) {
        bool more = false;
        if (!step(reader, &reader->cursors[i], &more, err)) return false;
        if (more) reader->heap[reader->n_heap++] = (uint32_t)i;
    }
    for (size_t i = reader->n_heap / 2; i > 0; i--)
        sift_down(reader, i - 1);
    return true;
}

/* The smallest row, out of its cursor. */
static bool take(struct runs_reader *reader, int64_t *row, struct err *err)
{
    struct cursor_of_run *cursor = &reader->cursors[reader->heap[0]];
    bool more = false;
    memcpy(row, cursor->row, reader->relation->n_columns * sizeof *row);
    if (!step(reader, cursor, &more, err)) return false;
    if (more && relation_compare(reader->relation, row, cursor->row) >= 0)
        return tables_damaged(err);
    if (!more) reader->heap[0] = reader->heap[--reader->n_heap];
    sift_down(reader, 0);
    return true;
}

bool runs_next(struct runs_reader *reader, const int64_t **row, struct err *err)
{
    const struct relation *relation = reader->relation;
    *row = NULL;
    if (!reader->n_heap) return true;
    if (!take(reader, reader->row, err)) return false;
    while (reader->n_heap) {
        const int64_t *top = reader->cursors[reader->heap[0]].row;
        int64_t same[RELATION_MOST_COLUMNS];
        if (relation_compare(relation, reader->row, top) != 0) break;
        if (!take(reader, same, err)) return false;
        relation_merge(relation, reader->row, same);
    }
    *row = reader->row;
    return true;
}

bool runs_open(struct store *store, struct runs_of of, const struct relation_rows *more,
               struct arena *arena, struct runs_reader **out, struct err *err)
{
    struct runs_reader *reader = new_reader(store, of.relation, arena);
    struct sqlite_statement *s = tables_statement(store, STORE_SQL_LIST_RUNS, err);
    if (!s) return false;
    sqlite_put(s, 1, of.relation);
    sqlite_put(s, 2, of.is_named);
    for (bool row = false;;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) break;
        add_run(reader, sqlite_get(s, 0), sqlite_get(s, 1));
    }
    if (more && more->n) {
        arena_grow(arena, reader->cursors, reader->n_cursors, reader->room);
        reader->cursors[reader->n_cursors++] = (struct cursor_of_run){.memory = more};
    }
    *out = reader;
    return start(reader, err);
}

/* ---- Levels -------------------------------------------------------------------------------------
 */

static bool drop_run(struct store *store, int64_t run, struct err *err)
{
    struct sqlite_statement *pieces = tables_statement(store, STORE_SQL_DROP_PIECES, err);
    struct sqlite_statement *drop =
        pieces ? tables_statement(store, STORE_SQL_DROP_RUN, err) : NULL;
    if (!drop) return false;
    sqlite_put(pieces, 1, (int64_t)((uint64_t)run << PIECE_BITS));
    sqlite_put(pieces, 2, (int64_t)((uint64_t)run << PIECE_BITS | ((1u << PIECE_BITS) - 1)));
    sqlite_put(drop, 1, run);
    return sqlite_do(pieces, err) && sqlite_do(drop, err);
}

/* The runs of a level become one of the next. */
static bool merge_level(struct store *store, struct runs_of of, int64_t day, int64_t level,
                        struct runs_reader *reader, struct arena *arena, struct err *err)
{
    struct writer w;
    if (!start(reader, err) || !writer_open(&w, store, of, day, level + 1, arena, err))
        return false;
    w.rows = arena_array(arena, int64_t, RUNS_PIECE_ROWS * w.relation->n_columns);
    for (const int64_t *row = NULL;;) {
        if (!runs_next(reader, &row, err)) return false;
        if (!row) break;
        if (!writer_add(&w, row, err)) return false;
    }
    for (size_t i = 0; i < reader->n_cursors; i++)
        if (!drop_run(store, reader->cursors[i].run, err)) return false;
    return writer_close(&w, err);
}

static bool keep_levels(struct store *store, struct runs_of of, int64_t day, struct arena scratch,
                        struct err *err)
{
    for (int64_t level = 0;; level++) {
        struct arena arena = scratch;
        struct runs_reader *reader = new_reader(store, of.relation, &arena);
        struct sqlite_statement *s = tables_statement(store, STORE_SQL_LIST_LEVEL, err);
        if (!s) return false;
        sqlite_put(s, 1, of.relation);
        sqlite_put(s, 2, of.is_named);
        sqlite_put(s, 3, day);
        sqlite_put(s, 4, level);
        for (bool row = false;;) {
            if (!sqlite_step(s, &row, err)) return false;
            if (!row) break;
            add_run(reader, sqlite_get(s, 0), sqlite_get(s, 1));
        }
        if (reader->n_cursors < RUNS_FAN) return true;
        if (!merge_level(store, of, day, level, reader, &arena, err)) return false;
    }
}

/* ---- Days ---------------------------------------------------------------------------------------
 */

struct dated {
    int32_t day;
    uint32_t row;
};

static int dated_order(const void *left, const void *right)
{
    const struct dated *a = left, *b = right;
    if (a->day != b->day) return a->day < b->day ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static bool write_day(struct store *store, struct runs_of of, int64_t day,
                      const struct relation_rows *rows, struct arena scratch, struct err *err)
{
    return write_run(store, of, day, rows, scratch, err) &&
           keep_levels(store, of, day, scratch, err);
}

/* Connections, a run per day. */
static bool write_days(struct store *store, struct runs_of of, const struct relation_rows *rows,
                       struct arena scratch, struct err *err)
{
    struct dated *dated = arena_array(&scratch, struct dated, rows->n);
    size_t n_days = 1;
    bool sorted = true;
    for (size_t i = 0; i < rows->n; i++) {
        int64_t start_us = rows->at[i * CONNECTION_COLUMNS + CONNECTION_START];
        dated[i] = (struct dated){instant_day(start_us), (uint32_t)i};
        sorted = sorted && dated[i].day == dated[0].day;
    }
    if (sorted) return write_day(store, of, dated[0].day, rows, scratch, err);
    qsort(dated, rows->n, sizeof *dated, dated_order);
    for (size_t i = 1; i < rows->n; i++)
        n_days += dated[i].day != dated[i - 1].day;
    if (n_days > RUNS_DAYS) return write_day(store, of, dated[0].day, rows, scratch, err);
    struct relation_rows part = {.at =
                                     arena_array(&scratch, int64_t, rows->n * CONNECTION_COLUMNS)};
    for (size_t i = 0; i < rows->n; i++) {
        memcpy(&part.at[part.n++ * CONNECTION_COLUMNS],
               &rows->at[dated[i].row * CONNECTION_COLUMNS], CONNECTION_COLUMNS * sizeof *part.at);
        if (i + 1 < rows->n && dated[i + 1].day == dated[i].day) continue;
        if (!write_day(store, of, dated[i].day, &part, scratch, err)) return false;
        part.n = 0;
    }
    return true;
}

bool runs_write(struct store *store, struct runs_of of, const struct relation_rows *rows,
                struct arena scratch, struct err *err)
{
    if (!rows->n) return true;
    if (of.relation == RELATION_OF_CONNECTION) return write_days(store, of, rows, scratch, err);
    return write_day(store, of, 0, rows, scratch, err);
}

/* A run that may hold later rows too is written again without the earlier ones. */
static bool drop_of_run(struct store *store, struct runs_of of, int64_t day, int64_t run,
                        int64_t n_pieces, int64_t before_us, struct arena scratch, struct err *err)
{
    struct runs_reader *reader = new_reader(store, of.relation, &scratch);
    struct writer w;
    add_run(reader, run, n_pieces);
    if (!start(reader, err) || !writer_open(&w, store, of, day, 0, &scratch, err)) return false;
    w.rows = arena_array(&scratch, int64_t, RUNS_PIECE_ROWS * w.relation->n_columns);
    for (const int64_t *row = NULL;;) {
        if (!runs_next(reader, &row, err)) return false;
        if (!row) break;
        bool stays = row[CONNECTION_START] >= before_us;
        if (stays && !writer_add(&w, row, err)) return false;
    }
    if (!writer_close(&w, err) || !drop_run(store, run, err)) return false;
    return w.n_rows ? true : drop_run(store, w.run, err);
}

struct old_run {
    int64_t run, n_pieces, day;
    bool is_named;
};

bool runs_drop_before(struct store *store, int64_t before_us, struct arena scratch, struct err *err)
{
    struct sqlite_statement *s = sqlite_prepare(
        store->db, "SELECT id,n_pieces,day,is_named FROM run WHERE relation=? AND day<=?", err);
    struct old_run *old = NULL;
    size_t n = 0, room = 0;
    if (!s) return false;
    sqlite_put(s, 1, RELATION_OF_CONNECTION);
    sqlite_put(s, 2, instant_day(before_us));
    for (bool row = false;;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) break;
        arena_grow(&scratch, old, n, room);
        old[n++] = (struct old_run){sqlite_get(s, 0), sqlite_get(s, 1), sqlite_get(s, 2),
                                    sqlite_get(s, 3) != 0};
    }
    for (size_t i = 0; i < n; i++) {
        struct runs_of of = {RELATION_OF_CONNECTION, old[i].is_named};
        if (!drop_of_run(store, of, old[i].day, old[i].run, old[i].n_pieces, before_us, scratch,
                         err))
            return false;
    }
    return true;
}
