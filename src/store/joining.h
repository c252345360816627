/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the relation `connection` through matrix/join. */
#pragma once

#include "matrix/join.h"
#include "store/runs.h"

struct joining_stream {
    uint32_t rank; /* by lasting key: never by the order in which streams were met */
    bool is_log;
};

typedef void joining_emit(void *to, int64_t edge, int64_t client_port,
                          const struct join_connection *connection);

/* The numbers that rows of `connection` may name. */
struct joining_numbers {
    const struct joining_stream *streams; /* per number; [0] is unused */
    size_t n_streams, n_edges;
};

MUST_USE bool joining_numbers(struct store *store, struct arena *arena, struct joining_numbers *out,
                              struct err *err);
/* Joins all rows of edges without a named end (or of those with one), edge by edge.
 *
 * more : further rows, sorted, that are joined with them; may be NULL */
MUST_USE bool joining_run(struct store *store, struct joining_numbers numbers, bool is_named,
                          const struct relation_rows *more, struct arena scratch,
                          joining_emit *emit, void *to, struct err *err);
