/* SPDX-License-Identifier: Apache-2.0 */
/* What would keep the flows that a policy breaks: per flow the smallest change of the policy file,
 * and for all of them together the fewest entries, each with what else it would open. Every one is
 * tried: the policy with it is decided anew.
 */
#pragma once

#include "reason/simulate.h"

/* As many pairs or more: the largest number that all readers of JSON keep. */
#define CURES_MANY UINT64_C(9007199254740991)

/* What a change lets pass that was never seen to. */
struct opened {
    uint64_t pairs; /* of addresses */
    uint64_t known; /* of them, those between machines that are known */
};

/* A wider entry that keeps the same flows. */
struct cure_option {
    str entry;
    struct opened opens;
};

struct cure {
    str entry; /* a line of the policy file: allow: - {from: ..., to: ..., service: smb} */
    struct opened opens;
    uint64_t keeps;                  /* broken flows */
    uint64_t people;                 /* distinct users of them */
    bool is_verified;                /* with all cures in the policy, each of its flows passes */
    const struct cure_option *wider; /* fewest opened first */
    size_t n_wider;
};

struct cures {
    const struct cure *items; /* those of most people first */
    size_t n;
};

/* The smallest change that keeps a broken flow. */
str cures_of_flow(const struct simulation *simulation, const struct simulated_flow *flow,
                  struct arena *arena, struct opened *opens);
/* For all broken flows of a ring. */
struct cures cures_of_ring(const struct simulation *simulation, const struct simulated_ring *ring,
                           struct arena *arena, struct arena scratch);
