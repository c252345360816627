/* SPDX-License-Identifier: Apache-2.0 */
/* How exceptions are used, from the matrix: last, by whom, how often; after their end, too. And
 * what that suggests: remove one, narrow it, or make it a line of the policy
 * (docs/exception-use.md).
 *
 * The matrix adds up over all time, an exception lives for a while: so a meter takes the flows
 * piece by piece (matrix/sighting.h), one pass for all exceptions:
 *
 *     struct use_meter *meter = exception_use_meter(&world, questions, n, arena, &found);
 *     struct sighting_sink sink = exception_use_sink(meter);
 *     if (!store_load_sightings(store, &sink, arena, err)) ...
 *     exception_use_read(meter, out);
 *
 * Commands call cli/measured_use.h, which does that for all exceptions of a book.
 */
#pragma once

#include "matrix/sighting.h"
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

/* From when to when it opened something: from_us <= t < to_us. */
struct use_span {
    int64_t from_us, to_us;
};

struct use_question {
    const struct exception *exception; /* one of the policy's */
    /* When it was in force, ascending and apart: from its grant or start to its end, its
     * revocation, or the grant of what replaced it. */
    const struct use_span *spans;
    size_t n_spans;
    uint64_t renewals;
    uint64_t review_s; /* between two looks at it; 0 = as governance says */
};

struct use_world {
    const struct policy *policy; /* with all exceptions, dead ones too */
    const struct host_lookup *lookup;
    int64_t as_of_us;
    const struct matrix_view *matrix; /* NULL = no evidence */
    const struct host_list *hosts;    /* who held an address when; NULL = only now is known */
    const struct governance *governance;
};

struct exception_use {
    /* While it was in force. A connection counts when it began; of a day whose connections are not
     * kept, and in which it ended, one is taken to have been after when the last was. */
    uint64_t connections;
    uint64_t pairs;            /* of addresses that used it */
    int64_t first_us, last_us; /* 0 = never */
    struct names users, clients, servers;
    uint64_t needed;  /* of the connections, those that nothing else allows */
    uint64_t lines;   /* of them, those that lines of the policy allow, too */
    uint64_t refused; /* tried in vain while it was in force */
    /* After its last end, where nothing else allows it: what still passed, which is an alarm, and
     * what was tried in vain. */
    uint64_t passed_after, refused_after;
    int64_t last_after_us;          /* of what passed; 0 = nothing */
    const struct effect_use *after; /* the pairs that still passed; the most recent first */
    size_t n_after;
    /* What the proposal stands on. */
    uint64_t alive_days;               /* whole days in force until now */
    uint64_t known_pairs, shown_pairs; /* of known machines; that one end at least shows for a
                                          review interval */
    enum use_proposal proposal;
    str because; /* a sentence */
    str scope;   /* NARROW: what was used, JSON as book_request.scope */
    str line;    /* PROMOTE: the entry for policy.yaml */
};

struct use_meter; /* of the arena */

/* NULL: the policy can't be resolved with all its exceptions; said in found. */
struct use_meter *exception_use_meter(const struct use_world *world,
                                      const struct use_question *questions, size_t n,
                                      struct arena *arena, struct diagnostics *found);
struct sighting_sink exception_use_sink(struct use_meter *meter);
/* When all was seen. out : n, in the order of questions */
void exception_use_read(struct use_meter *meter, struct exception_use *out);

str exception_use_proposal_text(enum use_proposal proposal);
/* "used 124 times between 3 pairs, last 2026-11-20 by CONTOSO\alice" */
str exception_use_text(const struct exception_use *use, struct arena *arena);
/* For --json: an object. */
str exception_use_json(const struct exception_use *use, struct arena *arena);
