/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy would do to the traffic that was seen, ring by ring (DESIGN.md 5, Simulation).
 * Flows are decided by rules/decision and harden; this module holds the answers against what
 * worked, and says where there is no evidence to answer from. What each flow would need is in
 * reason/cures.
 */
#pragma once

#include "harden/harden.h"
#include "reason/blind.h"
#include "reason/eras.h"

#define SIMULATE_VERDICTS(X)                                                                       \
    X(KEPT, "kept")                                                                                \
    X(STOPPED, "stopped")                                                                          \
    X(UNDECIDABLE, "undecidable")                                                                  \
    X(ESCAPED, "escaped")                                                                          \
    X(BROKEN, "broken")

/* From the mildest to the gravest: of a flow seen in several profiles the gravest counts. */
enum simulate_verdict {
#define X(name, text) SIMULATE_##name,
    SIMULATE_VERDICTS(X)
#undef X
        SIMULATE_VERDICT_COUNT
};

str simulate_verdict_text(enum simulate_verdict verdict);

/* Where a flow ends, beside enum side. */
enum { SIMULATE_AT_HARDENING = SIDE_COUNT };
str simulate_at_text(unsigned at); /* "client-outbound", ..., "hardening" */

/* What made the verdict. */
enum simulate_why {
    SIMULATE_WHY_PASSES,     /* kept */
    SIMULATE_WHY_POLICY,     /* a side of the policy */
    SIMULATE_WHY_PREVIOUS,   /* a machine that still holds the previous policy */
    SIMULATE_WHY_HARDENING,  /* passes, and lacks what the baseline asks */
    SIMULATE_WHY_IPSEC,      /* passes only once both ends have authenticated */
    SIMULATE_WHY_INTENT,     /* the intent is undecidable */
    SIMULATE_WHY_RING,       /* whether a machine is in the ring is not known */
    SIMULATE_WHY_NAME,       /* an end has no address */
    SIMULATE_WHY_ERA,        /* its addresses changed hands too often */
    SIMULATE_WHY_NOT_YET,    /* escaped: nothing enforces */
    SIMULATE_WHY_STILL_HELD, /* escaped: the previous policy lets it pass */
};

struct simulated_flow {
    const struct matrix_flow *flow;
    uint8_t verdict; /* enum simulate_verdict */
    uint8_t profile; /* enum profile: the one whose answer is the gravest */
    uint8_t at;      /* BROKEN, STOPPED: the first side that does not pass it, or hardening */
    uint8_t why;     /* see simulate_because */
    uint16_t lacks;  /* what of the baseline its machines would get it could not live with (bits) */
    uint16_t advice; /* the same for what is advice */
    bool unknown;    /* nothing tells whether it can live with the baseline */
};

/* How far the evidence reaches for one ring, or for one server (addr). */
struct simulate_warning {
    struct addr server; /* none: the whole ring */
    uint32_t days;
    str kind, text;
};

struct simulated_ring {
    str name;
    const struct simulated_flow *flows; /* governed ones, gravest first, then as replay orders */
    size_t n_flows;
    uint64_t count[SIMULATE_VERDICT_COUNT];
    uint64_t enforcing_by_evidence, enforcing_assumed, enforcing_cannot;
    /* Of flows that worked and pass: per setting of the baseline, those that could not live with
     * it; those that lack one at least; those of which nothing tells. */
    uint64_t lacking[HARDEN_COUNT], lacking_any, hardening_unknown;
    const struct simulate_warning *warnings;
    size_t n_warnings;
};

struct simulate_world; /* what the questions about single flows need */

struct simulation {
    const struct simulated_ring *rings;
    size_t n_rings;
    const struct blind_spot *blind;
    size_t n_blind;
    uint64_t n_ungoverned; /* flows that the policy leaves alone: in no ring's count */
    enum harden_mode hardening;
    const struct simulate_world *world;
};

struct simulate_question {
    const struct resolved *resolved;
    const struct decision *decision;
    const struct replay *replay;
    /* What machines outside the deployed rings still hold; NULL = nothing. */
    const struct decision *previous;
    /* Who was who; NULL = only now is known. */
    const struct host_list *hosts;
    const struct host_lookup *lookup;
};

/* One ring per ring of the policy (each with the machines of all rings before it); one ring "all"
 * when the policy has none. */
struct simulation simulate(const struct simulate_question *question, struct arena *arena,
                           struct arena scratch);
/* Why a flow has its verdict; empty for one that is kept. */
str simulate_because(const struct simulation *simulation, const struct simulated_flow *flow,
                     struct arena *arena);

/* ---- For reason/cures ---------------------------------------------------------------------------
 */

/* The question a flow asks, in its profile. */
struct flow_question simulate_ask(const struct simulation *simulation,
                                  const struct simulated_flow *flow);
const struct era *simulate_era(const struct simulation *simulation,
                               const struct simulated_flow *flow);
const struct eras *simulate_eras(const struct simulation *simulation);
const struct replay *simulate_replay(const struct simulation *simulation);
