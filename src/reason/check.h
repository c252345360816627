/* SPDX-License-Identifier: Apache-2.0 */
/* What is proved of a resolved policy before anything is written: its assertions, the lifeline, and
 * what an admin should know of its entries. All answers hold for every address, not only for those
 * seen: they are asked of address classes (rules/atoms), and each "no" comes with a witness.
 */
#pragma once

#include "rules/decision.h"

struct check_assertion {
    const struct assertion *assertion;
    bool holds; /* for certain */
    /* It hangs on members that nobody knows ("group SMB Admins"): with some of them it would not
     * hold. Empty = decided. */
    str undecidable;
    /* When it does not hold: the smallest server, then the smallest client, that break it, or may
     * break it. None when only the assertion's own words are not known. */
    struct addr client, server;
    int service;
};

/* One answer per assertion of the policy, in order. Ranges over all pairs of different machines
 * with at least one end in a managed segment, profile domain, all rings deployed.
 *
 * spec : DESIGN.md 4, Assertions */
const struct check_assertion *check_assertions(const struct resolved *resolved, struct arena *arena,
                                               struct arena scratch);

/* A domain controller that the workspace has seen. */
struct check_controller {
    str name; /* empty = not known */
    struct addr addr;
};

/* The path that must stay open (DESIGN.md 4, Lifeline). False when it does not: what is missing is
 * added to `found`, as errors; with `lifeline: {off: REASON}` as warnings, and then it is true.
 *
 * controllers : known domain controllers; each must be a member of a group with that role */
MUST_USE bool check_lifeline(const struct resolved *resolved,
                             const struct check_controller *controllers, size_t n_controllers,
                             struct arena *arena, struct arena scratch, struct diagnostics *found);
