/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of address classes (rules/atoms) as sorted runs, immutable like base/prefix_set: a set costs
 * what its boundaries cost, so that 10^5 exceptions of one host each are 10^5 short sets and not as
 * many rows of bits. A table gives equal sets one number: two maps of a decision are equal when
 * their numbers are.
 */
#pragma once

#include "base/arena.h"

/* Both ends are in it. */
struct class_run {
    uint32_t first, last;
};

/* Ascending, disjoint, not touching: equal sets have equal runs. The zero value is the empty set.
 */
struct class_set {
    const struct class_run *runs;
    size_t n;
};

/* In any order, the same class more than once or not. */
struct class_set class_set_of(struct arena *arena, const uint32_t *classes, size_t n);
/* Runs in any order, overlapping or not, become a set in place. They were the arena's last piece:
 * what is not needed goes back to it. */
struct class_set class_set_settle(struct arena *arena, struct class_run *runs, size_t n);
struct class_set class_set_one(struct arena *arena, uint32_t class_id);
struct class_set class_set_all(struct arena *arena, uint32_t n_classes);
/* A result may be one of the operands: sets never change. */
struct class_set class_set_unite(struct arena *arena, struct class_set a, struct class_set b);
struct class_set class_set_intersect(struct arena *arena, struct class_set a, struct class_set b);
/* What is in a but not in b. */
struct class_set class_set_subtract(struct arena *arena, struct class_set a, struct class_set b);
/* What is in one of them. */
struct class_set class_set_differ(struct arena *arena, struct class_set a, struct class_set b);
/* Of many at once, in O(runs log runs). */
struct class_set class_set_unite_all(struct arena *arena, const struct class_set *sets, size_t n);
struct class_set class_set_copy(struct arena *arena, struct class_set set);
/* A set that was made in `temporary`, a copy of the arena with more taken from it: it is moved down
 * to where the arena is, and nothing else of that memory is kept. */
struct class_set class_set_keep(struct arena *arena, const struct arena *temporary,
                                struct class_set set);
bool class_set_has(struct class_set set, uint32_t class_id); /* O(log n) */
bool class_set_equal(struct class_set a, struct class_set b);
bool class_set_overlaps(struct class_set a, struct class_set b);
bool class_set_covers(struct class_set outer, struct class_set inner);
bool class_set_is_empty(struct class_set set);
uint64_t class_set_size(struct class_set set);
/* The smallest class at or after `from`; UINT32_MAX when there is none. O(log n). To visit all,
 * loop over the runs. */
uint32_t class_set_next(struct class_set set, uint32_t from);

/* Interned sets. Number 0 is the empty set. */
struct class_sets {
    struct class_set *sets;
    uint64_t *hashes;
    uint32_t n, room;
    uint32_t *slots; /* number plus one; open addressing */
    size_t n_slots;
};

void class_sets_begin(struct class_sets *sets, struct arena *arena);
/* The number of this set; its runs are copied when it is new. */
uint32_t class_sets_intern(struct class_sets *sets, struct arena *arena, struct class_set set);
struct class_set class_sets_get(const struct class_sets *sets, uint32_t number);
