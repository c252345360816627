/* SPDX-License-Identifier: Apache-2.0 */
/* The relations of the matrix on disk. What a batch gives is kept as runs: rows sorted by key,
 * packed into checksummed pieces. Nothing is looked up while evidence is taken in; rows of one key
 * meet when runs are merged, on reading, or when a level of them is full and becomes one run of the
 * next level: so a row is written again once per factor RUNS_FAN of growth, and a reader merges few
 * runs. Runs of connections hold one UTC day each, so that days can be let go.
 */
#pragma once

#include "matrix/relation.h"
#include "store/store.h"

enum {
    /* Rows of one piece: what a reader holds in memory per run. */
    RUNS_PIECE_ROWS = 4096,
    /* Runs of one day and level; full: they become one of the next level. */
    RUNS_FAN = 8,
    /* Days of one batch that get runs of their own; a batch with more (clocks gone mad) has one run
     * for all of them. */
    RUNS_DAYS = 400,
};

/* Which runs: of a relation, of edges with a named end or the others. */
struct runs_of {
    enum relation_id relation;
    bool is_named;
};

/* Adds rows, sorted, each key once. */
MUST_USE bool runs_write(struct store *store, struct runs_of of, const struct relation_rows *rows,
                         struct arena scratch, struct err *err);

/* All rows in the order of their key, each key once. `more`: further rows (sorted, each key once)
 * that are merged among them; may be NULL. The reader lives in the arena. */
struct runs_reader;
MUST_USE bool runs_open(struct store *store, struct runs_of of, const struct relation_rows *more,
                        struct arena *arena, struct runs_reader **out, struct err *err);
/* *row is NULL at the end; else it lasts until the next call. */
MUST_USE bool runs_next(struct runs_reader *reader, const int64_t **row, struct err *err);

/* Lets go of rows of connections that start before a time. */
MUST_USE bool runs_drop_before(struct store *store, int64_t before_us, struct arena scratch,
                               struct err *err);
