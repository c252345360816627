/* SPDX-License-Identifier: Apache-2.0 */
/* Covers of one part: greedily, then polished. All leave the best cover that they found as the
 * part's slots that are alive.
 */
#pragma once

#include "reason/mine_part.h"

/* The shortest of some greedy covers, each without what is redundant. */
void mine_search_start(struct mine_part *part, uint32_t bound, struct arena scratch);

/* Tries a cover of bicliques that are as large as can be, which finds roles that many vertices
 * share where the start finds what sets single ones apart; kept when it is shorter. width: how much
 * more than a vertex with all its neighbours anything wider counts, at the same size. order:
 * mine_bound_order. */
void mine_search_grow(struct mine_part *part, const uint32_t *order, uint32_t width,
                      struct arena scratch);

/* Takes a few slots out and covers what opens anew; keeps what is not longer. Ends at `bound`
 * slots, after `patience` rounds in vain, or with the effort. */
void mine_search_polish(struct mine_part *part, uint32_t bound, uint32_t patience,
                        struct arena scratch);
