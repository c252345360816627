/* SPDX-License-Identifier: Apache-2.0 */
/* What is enforced where, as exact sets of addresses: the common form in which a policy, the folder
 * that was compiled from it and a ruleset exported from a machine can be held against each other
 * (reason/diff). For each question there is a partition of the asked ends into cells with
 * one answer each.
 */
#pragma once

#include "rules/decision.h"

#define ENFORCEMENT_POINTS(X)                                                                      \
    X(PATH, "path")     /* the whole way: own are servers, peers clients; policies only */         \
    X(INTENT, "intent") /* what the policy wants, enforced or not; policies only */                \
    X(OUTBOUND, "client-outbound")      /* own are clients, peers servers */                       \
    X(INBOUND, "server-inbound")        /* own are servers, peers clients */                       \
    X(BORDER_OUT, "perimeter-outbound") /* own are clients inside, peers servers outside */        \
    X(BORDER_IN, "perimeter-inbound")   /* own are servers inside, peers clients outside */

enum enforcement_point {
#define X(name, text) ENFORCEMENT_##name,
    ENFORCEMENT_POINTS(X)
#undef X
        ENFORCEMENT_POINT_COUNT
};

str enforcement_point_text(enum enforcement_point point);
/* True when own addresses are the clients. */
bool enforcement_own_is_client(enum enforcement_point point);

struct enforcement_question {
    enum enforcement_point point;
    str border; /* name of the border */
    enum transport transport;
    uint16_t port;
    enum profile profile; /* borders and intent know none */
    bool secured;         /* as if both ends had authenticated */
};

/* Peers in neither set are decided by nobody asked here: whatever else is there decides. At PATH
 * and INTENT every peer is in one of the two. */
struct enforcement_cell {
    struct prefix_set own, passes, blocks;
};

/* Disjoint in `own`; an address in none decides nothing. */
struct enforcement_cells {
    const struct enforcement_cell *items;
    size_t n;
};

/* One loaded ruleset: of a machine class (border is empty) or of a border. */
struct enforcement_rules {
    str source;            /* the file, for messages */
    struct prefix_set own; /* who loads it; of a border: what is inside */
    str border;
    struct ruleset rules;
    enum engine engine;
};

/* A policy (decision is set), or what artefacts hold. */
struct enforcement {
    const struct decision *decision;
    const struct enforcement_rules *rules;
    size_t n_rules;
};

/* The answers of one enforcement to one question, local addresses (DESIGN.md 4) not looked at. */
struct enforcement_cells enforcement_ask(const struct enforcement *enforcement,
                                         const struct enforcement_question *question,
                                         struct arena *arena, struct arena scratch);
/* The service that a port belongs to and that the policy governs, marked ones included;
 * SERVICE_NONE when there is none or it is left alone. */
int enforcement_service(const struct policy *policy, enum transport transport, uint16_t port);
