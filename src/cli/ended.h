/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions that have ended, or will have by a time, and what they spoke of: a dead exception is
 * in no resolved policy, so it is resolved here as if it lived.
 */
#pragma once

#include "cli/policy_file.h"
#include "policy/exceptions.h"

struct ended {
    const struct exception *exception;
    str id; /* targets/carried.h */
    /* Both as names are now and as they were when it ended: rules were written with the latter. */
    struct prefix_set clients, servers;
};

/* Those that end at by_us or before, in the order of their records.
 *
 * file : resolved */
struct ended *ended_find(struct invocation *call, const struct policy_file *file, int64_t by_us,
                         size_t *n);
/* "EX-7 of alice@contoso.com" */
str ended_text(const struct ended *ended, struct arena *arena);
