/* SPDX-License-Identifier: Apache-2.0 */
/* A file of exceptions (docs/policy.md) as requests: what somebody has kept by hand until now goes
 * into the ledger. Who approved it there counts for nothing here.
 */
#pragma once

#include "cli/deciding.h"
#include "policy/exceptions.h"

/* Reads the file in the policy's words; printed when it can't be. */
MUST_USE bool exception_items_load(struct deciding *deciding, str path,
                                   const struct exception **out, size_t *n, int *status);
/* The data of a request for one of them; review_days stay. */
MUST_USE bool exception_items_entry(struct deciding *deciding, const struct exception *exception,
                                    struct exception_entry *out, int *status);
