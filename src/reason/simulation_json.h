/* SPDX-License-Identifier: Apache-2.0 */
/* What `simulate --json` prints (DESIGN.md 7; docs/json.md). */
#pragma once

#include "reason/comparison.h"
#include "reason/cures.h"

struct simulation_json {
    const struct simulation *simulation;
    str policy;                          /* where it was read */
    str previous;                        /* empty = none */
    str ring;                            /* only this one; empty = all */
    const struct comparison *comparison; /* NULL = nothing to compare with */
    const struct view_labels *labels;
};

void simulation_json_print(const struct simulation_json *what, struct arena *arena,
                           struct arena scratch, struct buf *out);
/* "monthly", "quarterly": the days on which a flow was seen lie so far apart; else empty. */
str simulation_json_rhythm(const struct matrix_flow *flow);
