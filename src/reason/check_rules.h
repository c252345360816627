/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a set of rules by itself, under the order in which its engine decides: rules
 * that never decide anything, and rules that contradict each other. Exact for all addresses, and of
 * unions. This is how a first-match list that was turned into Windows rules shows: there the block
 * at its end beats every allow before it.
 */
#pragma once

#include "rules/ruleset.h"

/* blocks-everything : every allow rule of a direction and port is shadowed by blocks (error)
 * shadowed : other rules, which decide otherwise, decide all that the rule speaks of (error)
 * redundant : other rules of the same verdict do (warning)
 * conflict : Windows; a block decides part of what an allow rule speaks of (warning) */
struct check_rules_finding {
    enum severity severity;
    str kind;
    size_t rule;          /* index; of blocks-everything the first allow rule */
    const size_t *others; /* who decides instead, as few as do */
    size_t n_others;
    /* The smallest flow that shows it: its remote end, and a local one of the same family. */
    struct addr local, remote;
    enum transport transport; /* NONE = any protocol without ports */
    uint16_t port;
    enum profile profile;
    str text;
};

/* blocks-everything first, then in the order of the rules. Disabled rules say nothing; a rule with
 * conditions (principals, only_if) decides nothing for sure, so it hides no other. */
const struct check_rules_finding *check_rules(struct ruleset rules, enum engine engine,
                                              struct arena *arena, struct arena scratch, size_t *n);
