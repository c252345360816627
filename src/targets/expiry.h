/* SPDX-License-Identifier: Apache-2.0 */
/* Until when what an accept opens is needed: exceptions end, lines of the policy do not. A dialect
 * whose addresses may time out (TARGET_EXPIRES) lets go of what only exceptions need when the last
 * of them ends, even if nobody compiles and loads again: a second belt. Never earlier than the
 * policy: a peer that some own address of the rule needs longer stays longer.
 */
#pragma once

#include "targets/target.h"

struct expiry; /* opaque */

/* Of the rules of one class or one border.
 *
 * resolved : NULL = nothing expires
 * members : of the class; NULL = of a border, which passes what is approved if secure, too */
const struct expiry *expiry_of(const struct resolved *resolved, const struct prefix_set *members,
                               struct arena *arena, struct arena scratch);

/* Peers of a rule that are needed until the same time. */
struct expiry_part {
    struct prefix_set remote;
    int64_t until_us; /* 0 = as long as the policy is this one */
};

/* The peers of an accept, of each family first those that a line of the policy allows, if any, then
 * those of exceptions, the latest end first. */
struct expiry_part *expiry_parts(const struct expiry *expiry, const struct rule *rule,
                                 struct arena *arena, size_t *n);
