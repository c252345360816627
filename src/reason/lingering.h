/* SPDX-License-Identifier: Apache-2.0 */
/* Whether exceptions that have ended are closed in the rules that a machine or border really has:
 * for each pair of addresses, port, profile, in clear and as if both ends had authenticated, what
 * the exception spoke of, the policy blocks at that place, and the rules do not.
 */
#pragma once

#include "reason/enforcement.h"

/* What an exception spoke of: in every state of names in which it may have been written down. */
struct lingering_scope {
    struct prefix_set clients, servers;
    const size_t *services; /* of the policy */
    size_t n_services;
};

/* How one exception stands in one ruleset; the smallest pair, by server, then client. */
struct lingering_find {
    size_t scope, rules; /* indices */
    /* OPEN: they pass it. UNDECIDED: no rule of them is about it, so whatever else the machine has
     * decides. */
    enum { LINGERING_OPEN, LINGERING_UNDECIDED } kind;
    enum enforcement_point point;
    struct addr client, server;
    int service; /* of the policy */
    enum transport transport;
    uint16_t port;
    enum profile profile; /* means nothing at a border */
    bool secured;
    const struct rule *rule; /* that lets it pass; NULL = none does */
};

struct lingering {
    const struct lingering_find *items; /* by scope, rules, kind */
    size_t n;
    const size_t *looked; /* per scope: how many rulesets stand at one of its ends */
};

/* decision : of the policy in which the exceptions have ended
 * peers : every address that can be a peer in the rules' dialect
 * profiles : that the rules can hold (bits) */
struct lingering lingering_find(const struct decision *decision,
                                const struct enforcement_rules *rules, size_t n_rules,
                                struct prefix_set peers, uint8_t profiles,
                                const struct lingering_scope *scopes, size_t n_scopes,
                                struct arena *arena, struct arena scratch);
