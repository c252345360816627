/* SPDX-License-Identifier: Apache-2.0 */
/* What would change an answer: the smallest changes of the policy that open a flow that does not
 * pass, close one that does, or make somebody hold what the policy blocks. Each was asked again
 * under the changed policy (reason/what_if) before it is given; what does not work is not proposed.
 */
#pragma once

#include "reason/ring_plan.h"
#include "reason/what_if.h"

#define REMEDIES(X)                                                                                \
    X(ALLOW_ENTRY, "allow-entry")         /* a line to add, as narrow as can be */                 \
    X(NAMED_ENTRY, "named-entry")         /* the same for the groups or segments of both ends */   \
    X(PERIMETER_ENTRY, "perimeter-entry") /* a line at the network's edge to add */                \
    X(EXCEPTION, "exception")             /* a record to ask for */                                \
    X(RENEW, "renew-exception")           /* one that expired, or has not started */               \
    X(EDIT_ENTRY, "edit-entry")           /* another client, server or security of a line */       \
    X(PROFILE, "profile")                 /* a mode in the profile asked about */                  \
    X(REMOVE_ENTRY, "remove-entry")       /* the line, or lines, that allow it */                  \
    X(EXCEPT, "except")                   /* this end is not meant any more */                     \
    X(RING, "ring")                       /* a later ring, whose machines enforce */               \
    X(BORDER, "border")                   /* a firewall in between */                              \
    X(MANAGED, "managed")                 /* machines that could enforce, but do not */            \
    X(GOVERN, "govern")                   /* a service that the policy leaves alone */             \
    X(MEMBER, "member")                   /* who is a member of a group that is not known */
enum remedy_kind {
#define X(name, text) REMEDY_##name,
    REMEDIES(X)
#undef X
};
str remedy_kind_text(enum remedy_kind kind);

struct remedy {
    enum remedy_kind kind;
    str text;  /* what to do, a sentence */
    str yaml;  /* what to write; may have several lines; empty = nothing */
    str where; /* the line of the policy that it changes; empty = none */
    /* Pairs of addresses, but the one asked about, whose intent it changes as well (in clear, for
     * this service); UINT64_MAX = too many to count. */
    bool counts;
    uint64_t also;
    struct flow_answer after; /* the answer under the changed policy */
};

struct remedies {
    const struct remedy *items;
    size_t n;
    /* Exceptions that would match if they were alive. */
    const struct exception **dead;
    size_t n_dead;
};

/* plan, ring: which rings are deployed, SIZE_MAX = all; q->deployed says who of the two ends has
 * the policy then. */
struct remedies remedies_of(const struct decision *decision, const struct flow_question *q,
                            const struct flow_answer *answer, const struct ring_plan *plan,
                            size_t ring, struct arena *arena, struct arena scratch);
