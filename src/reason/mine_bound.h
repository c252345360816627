/* SPDX-License-Identifier: Apache-2.0 */
/* Why a cover can't be smaller: edges of which no two fit in one biclique each need their own. Two
 * edges fit in one when they share an end, or when both ends of the one are near both of the other.
 */
#pragma once

#include "reason/mine_part.h"

/* Lists in out (room for the smaller side) pairwise independent edges of those given, tried in
 * their order; the answer is how many. */
uint32_t mine_bound_greedy(const struct mine_part *part, const uint32_t *order, uint32_t n_order,
                           uint32_t *out, struct mine_effort *effort, struct arena scratch);

/* The edges in the order that promises most: few neighbours at both ends. */
const uint32_t *mine_bound_order(const struct mine_part *part, struct arena *arena,
                                 struct arena scratch);

/* A large independent set of all edges, not more than `enough`: greedy from several orders, then
 * one taken out for two. */
uint32_t mine_bound_find(const struct mine_part *part, const uint32_t *order, uint32_t enough,
                         struct mine_effort *effort, struct arena scratch);
