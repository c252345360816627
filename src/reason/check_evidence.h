/* SPDX-License-Identifier: Apache-2.0 */
/* What the evidence says of a policy: entries that nobody used, entries far wider than their use,
 * servers in use that would be cut off, and participants of secured entries that are not ready.
 * Where the evidence does not reach, the finding is `undecidable` and says why; silence is never
 * taken for disuse.
 */
#pragma once

#include "matrix/roles.h"
#include "reason/blind.h"
#include "reason/reach.h"
#include "rules/decision.h"

enum {
    /* An item of from or to is far wider than its use when it has at least so many known addresses
     * and fewer than one in so many used the entry. */
    CHECK_WIDE_LEAST = 8,
    CHECK_WIDE_ONE_IN = 4,
};

struct check_evidence {
    const struct resolved *resolved;
    const struct replay *replay;
    const struct host_list *hosts;
    const struct hosts_view *roles; /* with what logs tell of the hosts */
    /* Made by check_evidence_of. */
    const struct decision *decision;
    const struct reach *reaches; /* of each entry */
    const struct check_known *known;
    size_t n_known;
    const uint32_t
        *blind_before; /* how many before each of them, and before the end, show nothing */
    str span;          /* "of 2026-11-02 to 2026-11-20 (19 days)" */
};

/* An address of a machine that the evidence or the policy names; ascending. */
struct check_known {
    struct addr addr;
    bool has_own_evidence; /* its own log, or packets of it */
};

/* Fills what is made from the first four members. */
void check_evidence_of(struct check_evidence *evidence, struct arena *arena, struct arena scratch);

/* All of it, as warnings in no order. */
void check_evidence(struct check_evidence *evidence, struct arena *arena, struct arena scratch,
                    struct diagnostics *found);

/* Those in a set: how many, how many of them show nothing of their own side, and the first such. */
struct check_counted {
    size_t n, n_blind;
    struct addr first_blind;
};
struct check_counted check_evidence_count(const struct check_evidence *evidence,
                                          struct prefix_set set);
