/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules of one machine or border say at one of its addresses, as sets of peers: exact for
 * every address, under the order in which that engine decides. Nothing here knows a policy.
 */
#pragma once

#include "base/prefix_set.h"
#include "rules/ruleset.h"

/* One question to a set of rules. */
struct verdict_question {
    enum direction direction;
    enum transport transport;
    uint16_t port;
    enum profile profile;
    bool secured;     /* both ends have authenticated */
    bool any_profile; /* borders know no profiles */
};

/* Peers in neither are not touched: whatever else the host has decides. */
struct verdict_sets {
    struct prefix_set passes, blocks;
};

/* What decides beside the rules themselves; all zero = nothing else is known. */
struct verdict_around {
    struct ruleset existing; /* other rules that the machine is known to have */
    /* Windows, per profile and enum direction: what happens to what no rule decides. */
    enum rule_verdict otherwise[PROFILE_COUNT][2];
    uint8_t
        no_local_merge; /* Windows: profiles (bits) in which the machine's own rules don't count */
};

/* Disabled rules say nothing. A rule without ports is about all of them. A rule of a program other
 * than the system's own says nothing of SMB, which the system itself serves. Existing rules are
 * asked as if they stood in one list behind these, which only matters to engines with an order.
 *
 * around : NULL = nothing else is known */
struct verdict_sets verdict_at(struct ruleset rules, enum engine engine, struct addr own,
                               const struct verdict_question *question,
                               const struct verdict_around *around, struct arena *arena,
                               struct arena scratch);

/* Of the rules that a machine has already, those that may decide something of a service: enabled,
 * in force where the machine's own rules count, of no other program than the system's, of no
 * service and no package. A rule with another condition is taken to hold: it may be in the way. */
struct ruleset verdict_existing(const struct verdict_around *around, enum engine engine,
                                struct arena *arena);

/* Addresses of `own` that the same rules name as local: all of a part get the same answers. */
struct prefix_set *verdict_parts(struct ruleset rules, struct prefix_set own, struct arena *arena,
                                 struct arena scratch, size_t *n);

/* The rule that decides for one peer; NULL = none touches it. */
const struct rule *verdict_rule(struct ruleset rules, enum engine engine, struct addr own,
                                struct addr peer, const struct verdict_question *question);
