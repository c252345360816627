/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a host class or border as firewalls have them that stop at the first match: what is
 * approved is accepted, the rest of a governed port is stopped, everything else is not ours. For
 * those that write such dialects; readers share nothing with it.
 */
#pragma once

#include "rules/ruleset.h"

/* What is asked under profile domain, of ends that can be peers, without repetition
 * (targets/disjoint.h). */
struct ruleset first_match_rules(struct ruleset rules, struct arena *arena);

/* Rules of one direction and one list of ports. */
struct first_match_stop {
    const struct rule **rules;
    size_t n, room;
    bool everywhere; /* together they hold at every own address: the line needs none */
};

struct first_match_stops {
    struct first_match_stop *items;
    size_t n, room;
};

/* Adds a rule to the one of those from `from` on that has its ports (by_local: and its own
 * addresses), or to a new one. */
void first_match_add(struct first_match_stops *stops, struct arena *arena, const struct rule *rule,
                     size_t from, bool by_local);

/* Blocks are one stop when they have the same scope: all of a border; or every address of a host
 * together, since the accepts before them tell its addresses apart; or else the same own addresses.
 */
struct first_match_stops first_match_stops_of(struct ruleset rules, bool border,
                                              struct arena *arena);

/* The ends of one family that the blocks of one stop name; only what some block of that family
 * stops, since no packet has an end of each. */
void first_match_ends(const struct first_match_stop *stop, bool v4, struct arena *arena,
                      struct prefix_set *out_local, struct prefix_set *out_remote);

/* One line of such a list. */
struct first_match_line {
    const struct rule *rule; /* direction, transport, ports, id, why; of a stop the first of its */
    bool v4;
    /* The line is about every address at that end; then also of the other family, if it is both. */
    bool any_local, any_remote;
    struct prefix_set local, remote;
};

struct first_match_lines {
    struct first_match_line *items;
    size_t n, room;
};

/* Accepts, then stops; lines with addresses are of one family. */
struct first_match_lines first_match_lines_of(struct ruleset rules, bool border,
                                              struct arena *arena);
