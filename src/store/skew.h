/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that differ. Two streams that saw the same connections of the same client ports tell by
 * how much their clocks do: when nearly all of at least SKEW_LEAST such pairs lie the same time
 * apart, that is the skew, and the join goes by times less it.
 */
#pragma once

#include "base/base.h"
#include "base/map.h"

#define SKEW_MOST_US INT64_C(300000000) /* clocks further apart are not guessed at */

enum {
    SKEW_LEAST = 3,
    SKEW_PERCENT = 80, /* of the pairs lie within SKEW_BINS of one another */
    SKEW_BINS =
        6, /* of SKEW_BIN_US: logs in whole seconds vary by one, packets under way by less */
    SKEW_BIN_US = 250000,
    /* Begins of one client port that are looked at; more of them are a flood and tell nothing. */
    SKEW_BEGINS = 16,
};

struct skew_begin {
    int64_t start_us;
    uint32_t stream; /* rank */
};

struct skew {
    struct arena *arena;
    struct map bins; /* pair of streams and bin → count */
    struct skew_begin begins[SKEW_BEGINS];
    size_t n_begins;
};

/* A begin of the client port under way, in any order; skew_next ends the port. */
void skew_add(struct skew *skew, struct skew_begin begin);
void skew_next(struct skew *skew);
/* What is to be added to each stream's times, per rank; NULL = nothing to any. */
const int64_t *skew_shifts(const struct skew *skew, size_t n_streams, struct arena *arena);
