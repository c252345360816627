/* SPDX-License-Identifier: Apache-2.0 */
/* What time does to a policy: exceptions that ended or soon will, and address ranges of others that
 * nobody has fetched anew. From the policy and --as-of alone.
 */
#pragma once

#include "policy/resolve.h"

enum {
    CHECK_ENDS_WITHIN_DAYS = 14,
    /* Microsoft publishes its service tags every week. */
    CHECK_RANGES_DAYS = 30,
};

/* Warnings, in no order. A file of service tags is as old as the date in its name, as it is
 * published: ServiceTags_Public_20261102.json. */
void check_dates(const struct resolved *resolved, struct arena *arena, struct diagnostics *found);
