/* SPDX-License-Identifier: Apache-2.0 */
/* What a decision is made of: for decision.c and decision_row.c alone. */
#pragma once

#include "rules/decision.h"
#include "rules/intents.h"

/* One address of a machine that has several. */
struct own_address {
    struct addr addr;
    size_t machine;
};

/* What classes of one place have in common. */
struct place_kind {
    bool local, enforcing, cluster;
    uint8_t modes[PROFILE_COUNT]; /* enum profile_mode; MODE_UNSET where nothing is enforced */
    uint32_t border;              /* classes with equal numbers are inside the same borders */
    /* What its modes let through, per profile: a bit per level of intent and secured or not. */
    uint8_t outbound[PROFILE_COUNT], inbound[PROFILE_COUNT];
};

/* Rows of a service, numbered: see decision_row. */
struct row_numbers {
    uint32_t base;           /* the first number of this service */
    uint32_t n_kinds;        /* of intents_kind: below this */
    const uint32_t *path_of; /* per server class: the first one that no path tells from it */
};

struct decision {
    const struct resolved *resolved;
    const struct atoms *atoms;
    uint32_t n_classes;
    struct class_set all, local, enforcing;
    struct class_set modes[PROFILE_COUNT][MODE_OFF + 1];
    const struct class_set *borders; /* inside of each border */
    const struct place_kind *places;
    const uint32_t *place_of;      /* per class */
    struct class_sets ends;        /* of entries */
    struct intents **services;     /* per service; NULL = not governed */
    struct row_numbers *numbers;   /* per service */
    const struct own_address *own; /* sorted by address, then machine */
    size_t n_own;
    /* The same where whoever is unknown is a member of everything that allows and of no except;
     * here they are nobody. The decision itself when all are known. */
    const struct decision *possible;
};

static inline const struct place_kind *decision_place(const struct decision *d, uint32_t class_id)
{
    return &d->places[d->place_of[class_id]];
}

/* Numbers of rows: everyone, local addresses alone, then those of the services. */
enum { DECISION_ROW_ALL, DECISION_ROW_LOCAL, DECISION_ROW_FIRST };

/* Gives the rows of all services their numbers. */
void decision_row_number(struct decision *d, struct arena *arena, struct arena scratch);
