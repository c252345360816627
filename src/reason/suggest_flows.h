/* SPDX-License-Identifier: Apache-2.0 */
/* Which flows a proposal keeps, and which it asks about: one rule per row, the first that applies
 * counts. A question is never answered by the program: its flow gets no entry of its own.
 */
#pragma once

#include "reason/suggest_evidence.h"
#include "rules/decision.h"

/* Name, text in JSON, and why it is asked. */
#define SUGGEST_QUESTIONS(X)                                                                       \
    X(CONTROLLERS, "domain-controllers", "")                                                       \
    X(TRUST, "trust", "")                                                                          \
    X(MANAGEMENT, "management", "")                                                                \
    X(INTERNET, "internet", "an end is on the internet: the perimeter is never opened by itself")  \
    X(UNTRUSTED, "untrusted", "the client is in no managed network")                               \
    X(SCANNER, "scanner",                                                                          \
      "the client tried many servers, most of them in vain: a scanner, or somebody looking "       \
      "around")                                                                                    \
    X(SMB1, "smb1", "it speaks SMB 1, which is to go")                                             \
    X(GUEST, "guest", "it came as guest or anonymous: nobody is accountable for it")               \
    X(ENDPOINT, "client-serves", "a client's machine serves here: candidate to close")             \
    X(ADMIN, "admin-share", "administrative shares or services used from outside management")      \
    X(ONE_OFF, "one-off", "too little to tell a habit from a chance")                              \
    X(PROFILE, "profile", "seen in a firewall profile in which the policy blocks")                 \
    X(HARDENING, "hardening", "it lacks what the policy's hardening asks of it")                   \
    X(BROADCAST, "broadcast",                                                                      \
      "names asked of everybody by NetBIOS: no server of its own is meant")                        \
    X(NO_ADDRESS, "no-address", "no address of this name is known, so no rule can hold it")        \
    X(FAILED_LOGON, "failed-logon", "every logon failed: nobody uses it")                          \
    X(NEVER_WORKED, "never-worked", "it was tried and never worked")

enum suggest_question_kind {
#define X(name, text, why) SUGGEST_ASK_##name,
    SUGGEST_QUESTIONS(X)
#undef X
        SUGGEST_ASK_COUNT
};
str suggest_flows_kind_text(enum suggest_question_kind kind);
str suggest_flows_kind_why(enum suggest_question_kind kind);

enum suggest_fate {
    SUGGEST_PASSED_OVER, /* not governed */
    SUGGEST_LOCAL,       /* never leaves its machine or its link: nothing decides it */
    SUGGEST_LIFELINE,    /* kept by the entry for domain controllers */
    SUGGEST_DEMANDED,    /* kept by an entry that the policy's assertions ask for */
    SUGGEST_KEPT,        /* has to be in a mined entry */
    SUGGEST_AT_EDGE,     /* kept by an entry of the policy that names the internet */
    SUGGEST_EXCEPTED,    /* kept by an exception alone, as long as that lives */
    SUGGEST_ASSERTED,    /* the policy asserts that it never passes */
    SUGGEST_ASKED,
};

struct suggest_flow {
    const struct matrix_flow *flow;
    size_t client, server; /* machines; SIZE_MAX = no address */
    int service;
    enum suggest_fate fate;
    enum suggest_question_kind kind; /* SUGGEST_ASKED; of kept ones: why it would have been asked */
    bool is_noted;                   /* kept, though `kind` speaks against it */
    bool was_allowed, was_secure;    /* by the policy that was given */
    /* By the proposal, once it is made: it worked and would not pass; it passes as intended. */
    bool is_closed, is_passing;
};

struct suggest_rules {
    const struct suggest_machines *machines;
    const struct resolved *resolved; /* the policy: given, or proposed so far */
    const struct decision *decision; /* of it */
    bool has_policy;                 /* it was given: what it allows is an answer */
    bool is_managed;                 /* the word `managed` will mean its networks */
    struct prefix_set controllers;   /* members of its groups of that role */
    struct prefix_set management;
    const struct suggest_claim *claims; /* what it asserts never to pass */
    size_t n_claims;
    /* A flow is a habit with so many connections, or on so many days (from its first to its last,
     * both counted), or when another machine of its segment uses that server, too. */
    uint64_t support_connections, support_days;
};

/* One per flow of the matrix, in its order. */
struct suggest_flow *suggest_flows_classify(const struct suggest_rules *rules, struct arena *arena,
                                            struct arena scratch);
/* What a policy asserts never to pass, for the rules. */
struct suggest_claim;
const struct suggest_claim *suggest_flows_claims(const struct resolved *resolved,
                                                 struct arena *arena, size_t *n);
bool suggest_flows_is_forbidden(const struct suggest_rules *rules, const struct suggest_flow *flow);
/* Calendar days (UTC) from the first to the last, both counted; 0 = no clock. */
uint64_t suggest_flows_days(int64_t first_us, int64_t last_us);
