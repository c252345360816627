/* SPDX-License-Identifier: Apache-2.0 */
/* What would keep the flows that a policy breaks: per flow the smallest change of the policy file,
 * and for all of them together the fewest entries, each with what else it would open. Every one is
 * tried: the policy with it is decided anew.
 */
#pragma once

#include "reason/simulate.h"

/* Pairs of addresses that may reach each other and were never seen to; as many or more. */
#define CURES_MANY UINT64_C(9007199254740991) /* the largest that JSON readers keep */

/* A wider entry that keeps the same flows. */
struct cure_option {
    str entry;
    uint64_t opens;
};

struct cure {
    str entry;        /* a line of the policy file: allow: - {from: ..., to: ..., service: smb} */
    uint64_t opens;   /* pairs of addresses never seen that it lets pass besides */
    uint64_t keeps;   /* broken flows */
    uint64_t people;  /* distinct users of them */
    bool is_verified; /* with all cures in the policy, each of its flows passes */
    const struct cure_option *wider; /* fewest opened first */
    size_t n_wider;
};

struct cures {
    const struct cure *items; /* those of most people first */
    size_t n;
};

/* The smallest change that keeps a broken flow; *opens as in struct cure. */
str cures_of_flow(const struct simulation *simulation, const struct simulated_flow *flow,
                  struct arena *arena, uint64_t *opens);
/* For all broken flows of a ring. */
struct cures cures_of_ring(const struct simulation *simulation, const struct simulated_ring *ring,
                           struct arena *arena, struct arena scratch);
