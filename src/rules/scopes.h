/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules speak of which addresses, by one end of theirs: addresses of one scope are named by
 * the same rules. A class of machines at many local addresses has thousands of rules and thousands
 * of scopes, but few rules in any of them.
 */
#pragma once

#include "rules/atoms.h"

/* The families are scopes apart: no packet has an end of each. */
struct scopes {
    const struct atoms *atoms; /* a scope is a class of these */
    const uint32_t *start, *items;
};

/* ends: per rule, the addresses it names. */
struct scopes scopes_of(const struct prefix_set *ends, size_t n, struct arena *arena,
                        struct arena scratch);
/* The numbers of the rules that name a scope, ascending. */
const uint32_t *scopes_rules(const struct scopes *scopes, uint32_t scope, size_t *n);
