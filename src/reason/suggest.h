/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest policy that keeps what is used (DESIGN.md 6, `suggest`): segments and groups where
 * there is no policy yet, allow entries, what is asked instead of being allowed, and what might be
 * switched off. The text is a policy file; it is parsed, resolved and held against the evidence
 * before it is given out: nothing that is kept breaks, or there is no text.
 *
 * A flow that worked and is not allowed is a question. Until it is answered the text asserts that
 * it never passes, so that nobody opens it by accident and `simulate` counts it as stopped.
 */
#pragma once

#include "base/err.h"
#include "reason/suggest_entries.h"
#include "reason/suggest_places.h"
#include "reason/suggest_surplus.h"

enum { SUGGEST_SUPPORT_CONNECTIONS = 2, SUGGEST_SUPPORT_DAYS = 2, SUGGEST_WEIGHT = 1 };

struct suggest_options {
    uint64_t support_connections, support_days;
    uint64_t weight;  /* of a pair that was never seen */
    bool exact;       /* allow no pair that was not seen */
    bool leave_open;  /* do not assert that open questions stay closed */
    int64_t as_of_us; /* for names in the policy that was given */
    const struct host_lookup *lookup;
};

struct suggest_question {
    enum suggest_question_kind kind;
    str about;           /* "WS0402", "10.66.0.0/24": who or what it is about */
    str text;            /* the question, one line */
    str answer;          /* what to add when the answer is yes; may be empty */
    const size_t *flows; /* indices into suggestion.flows */
    size_t n_flows;
    struct suggest_items from, to;
    int service;      /* SERVICE_NONE: not about a flow */
    bool is_closed;   /* it worked, and this policy stops it */
    bool is_allowed;  /* it passes by another entry: only to be known */
    bool is_asserted; /* the text asserts that it never passes */
};

/* An allow entry of the policy that was given, and what becomes of it. */
struct suggest_change {
    const struct entry *entry;
    uint64_t flows; /* kept ones that it allows */
};

struct suggestion {
    const struct policy *given; /* NULL = none */
    struct suggest_places places;
    const struct suggest_machines *machines;
    const struct suggest_flow *flows;
    size_t n_flows;
    const struct suggest_entry *entries; /* lifeline first, mined ones last */
    size_t n_entries;
    struct suggest_question *questions;
    size_t n_questions;
    const struct suggest_surplus *surpluses;
    size_t n_surpluses;
    const struct suggest_change *changes;
    size_t n_changes;
    struct mine_result mined;
    struct suggest_summary evidence; /* of all governed flows */
    const struct policy *policy;     /* what the text says */
    str text;
    /* Flows as `simulate` counts them with every ring deployed. */
    uint64_t kept, stopped, escaped, undecidable, broken;
    uint64_t in_profile[PROFILE_COUNT]; /* kept flows that were seen in it, by the log's word */
    bool has_lifeline; /* false: no domain controller is known, so nothing is managed yet */
};

/* resolved: the policy that was given, at options->as_of_us; NULL = none
 * fails : MALFORMED (the text does not hold what it promises: a defect; says which line) */
MUST_USE bool suggest(const struct suggest_sources *sources, const struct resolved *resolved,
                      const struct suggest_options *options, struct arena *arena,
                      struct arena scratch, struct suggestion *out, struct err *err);
/* The rules by which flows are judged under a policy that was given. */
struct suggest_rules suggest_rules_of(const struct suggest_machines *machines,
                                      const struct resolved *resolved,
                                      const struct decision *decision,
                                      const struct suggest_options *options, struct arena *arena);
