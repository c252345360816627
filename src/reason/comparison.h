/* SPDX-License-Identifier: Apache-2.0 */
/* Several policies on the same evidence: what each would do, and the flows on which they differ. */
#pragma once

#include "reason/simulate.h"

struct compared {
    str source; /* of the policy: "policy.yaml" */
    const struct simulation *simulation;
    const struct simulated_ring *ring; /* the one that is compared */
};

enum { COMPARISON_UNGOVERNED = SIMULATE_VERDICT_COUNT };

struct differing_flow {
    const struct matrix_flow *flow;
    const uint8_t *verdicts; /* per policy: enum simulate_verdict, or COMPARISON_UNGOVERNED */
};

struct comparison {
    const struct compared *policies;
    size_t n_policies;
    const struct differing_flow *flows; /* in the order of replay */
    size_t n_flows;
};

/* policies: all simulated on one replay */
struct comparison comparison_of(const struct compared *policies, size_t n, struct arena *arena,
                                struct arena scratch);
str comparison_verdict_text(uint8_t verdict); /* also "ungoverned" */
/* The ring of that name; without a name the last. NULL: there is none of that name. */
const struct simulated_ring *comparison_ring(const struct simulation *simulation, str name);
