/* SPDX-License-Identifier: Apache-2.0 */
/* The HTML report: coverage and blind spots first, then the matrix as picture and table, what would
 * break, posture, shares. One file that asks the network for nothing.
 */
#pragma once

#include "matrix/roles.h"
#include "reason/cures.h"

struct report {
    str organisation;
    int64_t as_of_us;
    const struct matrix_view *matrix;
    const struct view_labels *labels;
    const struct hosts_view *hosts;
    const struct share_view *shares;
    size_t n_shares;
    const struct policy *policy;         /* NULL: none; then there is no simulation */
    const struct simulation *simulation; /* NULL without a policy */
};

void report_write(struct buf *out, const struct report *report, struct arena scratch);
