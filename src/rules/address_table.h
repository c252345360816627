/* SPDX-License-Identifier: Apache-2.0 */
/* Address → class in a few loads. The line of addresses is cut into intervals; a node cuts the
 * stretch between its first and its last boundary into cells of equal width, about as many as it
 * has boundaries. A cell says the class at once, or where its few boundaries are, or names the node
 * that cuts it further. Prefixes crowd where the network is: there one node more is met, and gaps
 * cost nothing in either family. For 10^5 prefixes: two nodes deep, about 6 MiB.
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"

struct address_table;

/* starts: of the intervals, ascending, the first is ::; class_of: per interval, below 2^30. Both
 * are kept, not copied. */
struct address_table *address_table_build(const struct addr *starts, const uint32_t *class_of,
                                          size_t n, struct arena *arena);
uint32_t address_table_find(const struct address_table *table, struct addr a);
/* Many at once: while the memory of one is on its way, the others go on. */
void address_table_find_many(const struct address_table *table, const struct addr *addrs, size_t n,
                             uint32_t *out);
/* With the intervals. */
uint64_t address_table_bytes(const struct address_table *table);
