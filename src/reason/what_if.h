/* SPDX-License-Identifier: Apache-2.0 */
/* The same question under a changed policy, so that what is proposed is known to work: the policy
 * as written is copied, cut down to the entries that can have a say at the point asked about,
 * changed, resolved and decided anew.
 */
#pragma once

#include "policy/exceptions.h"
#include "rules/decision.h"

/* True when the entry may match: both ends are named, or may be members that nobody knows. */
bool what_if_may_match(const struct resolved_entry *entry, const struct flow_question *q);
/* True when it matches for certain, but for members that nobody knows. */
bool what_if_matches(const struct resolved *resolved, const struct resolved_entry *entry,
                     const struct flow_question *q, int service);

/* The policy with those allow entries and living exceptions only that may match, in their order;
 * its segments and groups can be written to. Everything else is shared with the first. */
struct what_if {
    struct policy policy;
    struct entry *allow; /* with room for one more, as the next two have */
    struct exception *exceptions;
    struct perimeter_entry *perimeter;
    struct segment *segments;
    struct group *groups;
    bool *governed;
};
struct what_if what_if_of(const struct resolved *resolved, const struct flow_question *q,
                          struct arena *arena);
/* Decides the question under it, at the same time and with the same names. False when the changed
 * policy contradicts itself. */
MUST_USE bool what_if_ask(struct what_if *changed, const struct resolved *resolved,
                          const struct flow_question *q, struct arena *arena, struct arena scratch,
                          struct flow_answer *out);

/* The policy with every entry that speaks of one of these addresses at either end: the rules of
 * their machines are the same as under the whole. */
struct policy what_if_around(const struct resolved *resolved, const struct addr *addrs, size_t n,
                             struct arena *arena);

/* How many pairs of addresses from x to are allowed in clear by none of the entries, leaving out
 * entry `without` (SIZE_MAX = none). UINT64_MAX when there are that many or more, or when too many
 * entries overlap to count. */
uint64_t what_if_pairs(const struct resolved *resolved, int service, struct prefix_set from,
                       struct prefix_set to, size_t without, struct arena scratch);
