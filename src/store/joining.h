/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the table `connection` through matrix/join. */
#pragma once

#include "matrix/join.h"
#include "store/tables.h"

struct joining_stream {
    uint32_t rank; /* by lasting key: never by the order in which streams were met */
    bool is_log;
};

typedef void joining_emit(void *to, int64_t edge, const struct join_connection *connection);

/* The numbers that rows of `connection` may name. */
struct joining_numbers {
    const struct joining_stream *streams; /* per number; [0] is unused */
    size_t n_streams, n_edges;
};

MUST_USE bool joining_numbers(struct store *store, struct arena *arena, struct joining_numbers *out,
                              struct err *err);
/* Joins the rows that start before a time, edge by edge. */
MUST_USE bool joining_run(struct store *store, struct joining_numbers numbers, int64_t before_us,
                          struct arena scratch, joining_emit *emit, void *to, struct err *err);
