/* SPDX-License-Identifier: Apache-2.0 */
/* A *stance* is what an address must do: its segment, its modes, and its rows of intent as client
 * and as server. Addresses of one stance can load one bundle of rules; a few stances of a segment
 * are a host class each, many share classes.
 */
#pragma once

#include "rules/hardened.h"
#include "rules/principals.h"

struct service_intent {
    int service;
    struct intent_rows inbound, outbound;
};

struct stance {
    uint32_t first_class; /* any of its classes: all give the same rules */
    size_t segment;
    enum profile_mode modes[PROFILE_COUNT];
    bool cluster;
    struct hardened hardened; /* zero when nothing is hardened */
    struct class_set classes;
};

struct stances {
    const struct decision *decision;
    const struct atoms *atoms;
    struct service_intent *services; /* the governed ones */
    size_t n_services;
    struct principals principals;
    struct stance *items; /* by first_class */
    size_t n;
    uint32_t *of; /* per class; UINT32_MAX = enforces nothing */
};

struct stances stances_of(const struct decision *decision, struct arena *arena,
                          struct arena scratch);
/* UINT32_MAX = enforces nothing */
uint32_t stances_at(const struct stances *stances, struct addr a);
/* Whether a mode leaves a direction to the intent. */
bool stances_by_intent(enum profile_mode mode, enum direction direction);

/* A host class in the making. */
struct draft {
    struct prefix_set members;
    size_t segment;
    const struct machine *machine; /* of several stances; NULL = none */
    const uint32_t *stances;       /* one; or a machine's, its home first; or those that share */
    size_t n_stances;
    str *names; /* of machines */
    size_t n_names;
    struct hardened hardened;
};

/* The enforcing addresses, each in one draft, by segment and smallest address. A segment's stances
 * of equal modes are apart when they are at most `apart`, else `together` at most share a class.
 * With several principals none share: what all of them authorise would be no set of any entry. */
struct draft *stances_drafts(const struct stances *stances, size_t apart, size_t together,
                             struct arena *arena, struct arena scratch, size_t *n);
