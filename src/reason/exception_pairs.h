/* SPDX-License-Identifier: Apache-2.0 */
/* The pairs of addresses that an exception makes pass, exactly: the policy is decided with it and
 * without it on the same atoms, and the rows of the two decisions are held against each other.
 */
#pragma once

#include "policy/exceptions.h"
#include "reason/reach.h"
#include "rules/decision.h"

/* Every client of one set to every server of the other, of the same family and not of one machine.
 * Blocks of one list have no server in common. */
struct exception_block {
    struct prefix_set clients, servers;
};

struct exception_blocks {
    struct exception_block *items;
    size_t n, room;
};

struct exception_pairs {
    const struct resolved *resolved; /* with it; only entries that can meet it */
    const struct resolved_entry *entry;
    const struct decision *with, *without;
    struct reach reach; /* who can be at its ends */
    bool secured;       /* what passes secured is asked */
    struct exception_blocks opened;
    struct exception_blocks open;                /* that pass with it and without it alike */
    struct exception_blocks allowed;             /* whose intent it changes */
    uint64_t n_opened, n_open, n_allowed, n_all; /* UINT64_MAX = that many or more */
    str undecidable; /* whose members would have to be known; empty = it is exact */
};

/* exception : taken to be alive, whatever its dates; not among the policy's
 * fails : the policy with it can't be resolved; said in found */
MUST_USE bool exception_pairs_of(const struct policy *policy, const struct exception *exception,
                                 const struct host_lookup *lookup, int64_t as_of_us,
                                 struct arena *arena, struct arena scratch,
                                 struct exception_pairs *out, struct diagnostics *found);
/* True when the exception makes this pair pass, which did not pass before. */
bool exception_pairs_opens(const struct exception_pairs *pairs, struct addr client,
                           struct addr server);
/* Pairs of one family that are not of one machine; UINT64_MAX = that many or more. */
uint64_t exception_pairs_count(const struct resolved *resolved, struct prefix_set clients,
                               struct prefix_set servers, struct arena scratch);
/* Adds the errors of one list to another, without its warnings. */
void exception_pairs_errors(const struct diagnostics *from, struct diagnostics *to,
                            struct arena *arena);
