/* SPDX-License-Identifier: Apache-2.0 */
/* Covers of one part: greedily, then polished, then by branch and bound. All of them leave the
 * best cover they found as the part's slots that are alive.
 */
#pragma once

#include "reason/mine_part.h"

/* Covers what is open. The vertex with the fewest open edges gets a biclique that has them all
 * (Ene et al. 2008, "lattice-free"), again and again. side: of the vertices that may be taken, 2 =
 * both. most: slots; with so many it ends, even if something is still open. shake: 0, or how many
 * open edges more a vertex may have and still be taken, by chance. */
void mine_search_greedy(struct mine_part *part, int side, uint32_t most, uint32_t shake,
                        uint64_t random, struct arena scratch);

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

/* Tries all covers that could be shorter, over the maximal bicliques of one open edge at a time.
 * True: the part's cover is a shortest one. False: the effort or the limit of children ended it.
 * order: mine_bound_order. */
MUST_USE bool mine_search_branch(struct mine_part *part, uint32_t bound, const uint32_t *order,
                                 struct arena scratch);
