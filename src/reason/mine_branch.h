/* SPDX-License-Identifier: Apache-2.0 */
/* Branch and bound: a shortest cover of a part that is small enough to be searched to the end. */
#pragma once

#include "reason/mine_part.h"

/* Tries all covers that could be shorter than the part's slots that are alive, over the maximal
 * bicliques of one open edge at a time, and leaves the best. True: it is a shortest one. False: the
 * effort, or too many bicliques of one edge, ended it. order: mine_bound_order. */
MUST_USE bool mine_branch_find(struct mine_part *part, uint32_t bound, const uint32_t *order,
                               struct arena scratch);
