/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy would do to the traffic that was seen, ring by ring (DESIGN.md 5, Simulation).
 * Flows are decided by rules/decision; this module only holds the answer against what worked and
 * says where there is no evidence to answer from. The hardening verdict is not part of it yet.
 */
#pragma once

#include "base/json_write.h"
#include "matrix/view.h"
#include "rules/decision.h"

#define SIMULATE_VERDICTS(X)                                                                       \
    X(KEPT, "kept")                                                                                \
    X(BROKEN, "broken")                                                                            \
    X(STOPPED, "stopped")                                                                          \
    X(ESCAPED, "escaped")                                                                          \
    X(UNDECIDABLE, "undecidable")

enum simulate_verdict {
#define X(name, text) SIMULATE_##name,
    SIMULATE_VERDICTS(X)
#undef X
        SIMULATE_VERDICT_COUNT
};

str simulate_verdict_text(enum simulate_verdict verdict);

struct simulated_flow {
    const struct matrix_flow *flow;
    enum simulate_verdict verdict;
    enum profile profile; /* the one whose answer is the gravest */
    enum side at;         /* BROKEN, STOPPED: the first side that does not pass it */
    str because;          /* the rule or the lack of one */
    str cure;             /* BROKEN: the smallest entry that would keep it */
};

/* A host or segment of which the evidence does not show its own side: never counted as safe. */
struct blind_spot {
    struct addr addr; /* none: a whole segment or prefix, named by text */
    str text;         /* "10.20.0.22", "10.10.9.0/28", "segment vpn" */
    str segment;      /* empty = in none */
    str reason;
};

struct simulated_ring {
    str name;
    const struct simulated_flow
        *flows; /* governed flows, gravest first, then people, then last use */
    size_t n_flows;
    uint64_t count[SIMULATE_VERDICT_COUNT];
    uint64_t enforcing_by_evidence, enforcing_assumed, enforcing_cannot;
};

struct simulation {
    const struct simulated_ring *rings;
    size_t n_rings;
    const struct blind_spot *blind;
    size_t n_blind;
    uint64_t n_ungoverned; /* flows that the policy leaves alone */
};

/* One entry per ring of the policy (each with the machines of all rings before it); one ring "all"
 * when the policy has none. */
struct simulation simulate(const struct resolved *resolved, const struct decision *decision,
                           const struct matrix_view *matrix, struct arena *arena,
                           struct arena scratch);

/* True when the server is known to exist by this flow: it accepted, refused or was let through to.
 */
bool simulate_server_answered(const struct matrix_flow *flow);

/* What `simulate --json` prints; only the ring of that name unless it is empty. */
void simulate_print_json(const struct simulation *simulation, const struct policy *policy,
                         const struct view_labels *labels, str ring, struct buf *out);
