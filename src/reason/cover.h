/* SPDX-License-Identifier: Apache-2.0 */
/* Which of many boxes add nothing to the others: an allow entry is a box of clients, servers and
 * what it speaks of, and it is surplus when the *union* of the others holds all of it. Exact, and
 * never by comparing pairs: a line sweeps over the servers while a tree over the clients knows
 * which of them exactly one box holds (after Bentley's union of rectangles, 1977). What several
 * boxes hold between them becomes a list "one of these must stay". In practice 10^5 boxes of one or
 * two runs each: some tenths of a second.
 */
#pragma once

#include "rules/class_set.h"

/* from x to x slabs. A slab is whatever else must agree (a service, a strength, a profile): boxes
 * of different slabs never meet. A box with an empty side is empty and never surplus. */
struct cover_box {
    struct class_set from, to, slabs;
    /* Stays, whatever else is said of it. */
    bool is_fixed;
    /* Holds nothing for others, like an exception that will end. Every other box is then fixed. */
    bool is_apart;
};

/* Pairs that don't count, asked of whole blocks: true when no pair of from x to does. An address
 * never opens a session over the network with itself. */
struct cover_void {
    void *to;
    bool (*is_void)(void *to, struct class_run from_block, struct class_run to_block);
};

struct cover_result {
    bool *surplus; /* per box: all of them may go at once, and then no further one */
    /* Boxes that might be surplus, but hang together with more than LIMIT_COVER_WORK others: they
     * stay. */
    size_t n_undecided;
};

/* Asked from the last box to the first: so of two that hold the same the later one is surplus.
 *
 * voids : NULL = every pair counts */
struct cover_result cover_reduce(const struct cover_box *boxes, size_t n,
                                 const struct cover_void *voids, struct arena *arena,
                                 struct arena scratch);

/* Which boxes of `among` (indices, ascending) hold all of a box together, none of them idle: one
 * alone if there is one, the first of them. Written to `out` (room for all of them); returns how
 * many, 0 when they do not hold all of it or no pair of it counts.
 *
 * room, scratch : two arenas for the work */
size_t cover_of(const struct cover_box *boxes, size_t box, const size_t *among, size_t n_among,
                const struct cover_void *voids, size_t *out, struct arena room,
                struct arena scratch);

/* True when they have a pair in common. */
bool cover_meets(const struct cover_box *a, const struct cover_box *b);

/* Finds the boxes that may meet another one without asking them all: by where their clients, or
 * their servers, begin and end, whichever tells them better apart. */
struct cover_index {
    const struct cover_box *boxes;
    bool servers;
    /* Boxes by the first class of that side, and over them a tree of the greatest last class. */
    const size_t *order;
    const uint32_t *greatest;
    size_t n, size;
};

struct cover_index cover_index_of(const struct cover_box *boxes, size_t n, struct arena *arena,
                                  struct arena scratch);
/* Indices of all boxes that meet this one, ascending; `out` has room for all there are. */
size_t cover_meeting(const struct cover_index *index, const struct cover_box *box, size_t *out);
