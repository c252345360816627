/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of addresses as sorted, disjoint, non-adjacent ranges on the line of base/addr. Immutable
 * once made; every operation returns a new set in the given arena. The zero value is the empty set.
 */
#pragma once

#include "base/addr.h"

struct prefix_set {
    const struct range *ranges;
    size_t n;
};

/* A list of ranges in any order, overlapping or not; the input is left as it is. */
struct prefix_set prefix_set_of(struct arena *arena, const struct range *ranges, size_t n);
struct prefix_set prefix_set_of_prefix(struct arena *arena, struct prefix p);
struct prefix_set prefix_set_union(struct arena *arena, struct prefix_set a, struct prefix_set b);
struct prefix_set prefix_set_intersect(struct arena *arena, struct prefix_set a,
                                       struct prefix_set b);
/* What is in a but not in b. */
struct prefix_set prefix_set_subtract(struct arena *arena, struct prefix_set a,
                                      struct prefix_set b);
bool prefix_set_contains(struct prefix_set set, struct addr a); /* O(log n) */
bool prefix_set_overlaps(struct prefix_set a, struct prefix_set b);
bool prefix_set_covers(struct prefix_set outer, struct prefix_set inner);
bool prefix_set_equal(struct prefix_set a, struct prefix_set b);
bool prefix_set_is_empty(struct prefix_set set);
/* Addresses in the set; UINT64_MAX when there are that many or more. */
uint64_t prefix_set_size(struct prefix_set set);
/* The fewest prefixes that make up the set, in order. IPv4 never shares a prefix with IPv6. */
struct prefix *prefix_set_prefixes(struct arena *arena, struct prefix_set set, size_t *n);
/* The part of the set that is IPv4, or that is not. */
struct prefix_set prefix_set_v4(struct arena *arena, struct prefix_set set);
struct prefix_set prefix_set_v6(struct arena *arena, struct prefix_set set);
