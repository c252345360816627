/* SPDX-License-Identifier: Apache-2.0 */
/* How an exception is used, from the matrix: last, by whom, how often; after its end, too. And what
 * that suggests: remove it, narrow it, or make it a line of the policy.
 */
#pragma once

#include "reason/exception_effect.h"

#define USE_PROPOSALS(X)                                                                           \
    X(KEEP, "keep")                                                                                \
    X(REMOVE, "remove")   /* nobody used it, though its machines show their own side */            \
    X(NARROW, "narrow")   /* part of it was used */                                                \
    X(PROMOTE, "promote") /* used all along and renewed again and again: a line of the policy */   \
    X(UNKNOWN, "unknown") /* too little evidence to say */
enum use_proposal {
#define X(name, text) USE_##name,
    USE_PROPOSALS(X)
#undef X
};

struct use_question {
    const struct resolved *resolved;   /* the policy with all exceptions */
    const struct exception *exception; /* one of them */
    int64_t granted_us;                /* use before it is none of it */
    uint64_t renewals;
    int64_t as_of_us;
    const struct matrix_view *matrix;
    const struct hosts_view *hosts;
};

struct exception_use {
    uint64_t connections;      /* while it was alive */
    uint32_t pairs;            /* of ends that used it */
    int64_t first_us, last_us; /* 0 = never */
    struct names users, clients, servers;
    uint64_t needed; /* of the connections, those that nothing else allows */
    /* After its end: what still passed, which is an alarm, and what was tried in vain. */
    uint64_t passed_after, refused_after;
    int64_t last_after_us;
    const struct effect_use *after; /* the pairs that still passed */
    size_t n_after;
    enum use_proposal proposal;
    str because; /* a sentence */
    str scope;   /* NARROW: what was used, JSON as book_request.scope */
    str line;    /* PROMOTE: the entry for policy.yaml */
};

/* Uses of all exceptions at once: one pass over the matrix.
 *
 * out : n, in the order of questions */
void exception_uses(const struct use_question *questions, size_t n, struct arena *arena,
                    struct arena scratch, struct exception_use *out);
str exception_use_proposal_text(enum use_proposal proposal);
