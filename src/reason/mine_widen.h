/* SPDX-License-Identifier: Apache-2.0 */
/* The generalising regime: a cover that is exact is made shorter by naming known sets. Each step
 * adds one set x (items of the other side, each seen with the set) and takes out what lies in it;
 * steps that lower the cost are made until none is left.
 */
#pragma once

#include "reason/mine_draft.h"

void mine_widen(struct mine_drafts *drafts, const struct mine_options *weights,
                struct mine_effort *effort, struct arena scratch);

/* No cover of the generalising regime has fewer entries. Each is a biclique of the pairs that were
 * seen and those that sets may add; pairs seen of which no two fit in one such need an entry each.
 */
size_t mine_widen_bound(const struct mine_names names[2], const struct mine_graph *graph,
                        const struct mine_options *weights, struct mine_effort *effort,
                        struct arena work, struct arena scratch);
