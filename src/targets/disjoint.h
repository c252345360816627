/* SPDX-License-Identifier: Apache-2.0 */
/* Rules without repetition. An allow that repeats what an earlier one says, or what a block hides,
 * could be changed in an artefact without a change of meaning; then nobody could tell a damaged
 * artefact from a whole one. So targets write each point once, and a proof refuses overlaps.
 */
#pragma once

#include "rules/ruleset.h"

/* The enabled rules, where every allow is cut to what no allow before it covers; one that is
 * covered whole is left out, one that is covered in part may become several (ids get a suffix). */
struct ruleset disjoint_rules(struct ruleset rules, struct arena *arena);

/* A point that two rules decide. */
struct disjoint_overlap {
    const struct rule *first, *second;
    enum profile profile;
    struct service_port port;
    struct addr local, remote;
};

enum {
    DISJOINT_ALLOWS = 1u << ACTION_ALLOW,
    DISJOINT_SECURE = 1u << ACTION_ALLOW_IF_SECURE,
    DISJOINT_BLOCKS = 1u << ACTION_BLOCK,
};

/* True when two enabled rules of one direction share a point; out: the first such pair.
 * actions : bits 1u << enum action; other rules are passed over */
bool disjoint_find_overlap(struct ruleset rules, unsigned actions, struct arena scratch,
                           struct disjoint_overlap *out);
