/* SPDX-License-Identifier: Apache-2.0 */
/* The exceptions as the ledger tells them, at one point in time: each from its request to its end.
 * Here is what makes an exception open something (exception_book_opens), and nowhere else: entries
 * that claim more than they may (an approver who is the requester, an approval of nothing) are
 * passed over and listed as faults, whoever wrote them.
 */
#pragma once

#include "ledger/actor.h"
#include "policy/governance.h"

/* Who acted in an entry, and when. */
struct book_act {
    struct actor by;
    int64_t at_us;
    uint64_t entry; /* its number */
    str note;       /* why; empty = not said */
};

#define BOOK_ASKS(X) X(FIRST, "request") X(RENEWAL, "renewal") X(NARROWING, "narrowing")
enum book_ask {
#define X(name, text) BOOK_##name,
    BOOK_ASKS(X)
#undef X
};

/* Something that was asked for and needs approval: the exception itself, a later end, less. */
struct book_request {
    enum book_ask ask;
    struct book_act act;
    str scope; /* JSON object in a policy's words: {"from":[...],"to":[...],"service":[...],
                  "secure":...,"name":...} */
    str starts, expires; /* as given; starts empty = when approved */
    /* Of an amendment what is in force, where it does not ask for something else. Without a start
     * that was given: when it was asked for. */
    int64_t starts_us, expires_us;
    uint64_t needed;  /* approvals */
    const str *risks; /* why more than usual: "untrusted segment guest-wifi" */
    size_t n_risks;
    str effect; /* JSON object, what was shown before it was saved; empty = none */
    const struct book_act *approvals; /* those that count: other people, in time */
    size_t n_approvals;
    struct book_act rejection; /* at_us 0 = not rejected */
    bool is_granted;
    int64_t granted_us;
};

#define BOOK_STATES(X)                                                                             \
    X(PENDING, "pending") /* asked for, not approved by enough */                                  \
    X(LAPSED, "lapsed")   /* its end came before enough had approved */                            \
    X(REJECTED, "rejected")                                                                        \
    X(SCHEDULED, "scheduled") /* approved, begins later */                                         \
    X(ACTIVE, "active")                                                                            \
    X(EXPIRED, "expired")                                                                          \
    X(REVOKED, "revoked")
enum book_state {
#define X(name, text) BOOK_##name,
    BOOK_STATES(X)
#undef X
        BOOK_STATE_COUNT
};

struct book_exception {
    str id;                                           /* "EX-12" */
    enum book_state state;                            /* at the book's time */
    str owner, deputy, reason, ticket, risk, control; /* control: what compensates for it */
    struct book_act requested;
    bool break_glass;
    uint64_t review_s; /* between two looks at it */
    /* From its grant on; 0 = not granted. The next one: 0 = it is over, too, unless it was made
     * with break_glass and nobody has looked at it yet. */
    int64_t last_review_us, next_review_us;
    /* What is in force: of the last request that was granted; while none is, of the first. */
    str scope;
    str starts, expires;
    int64_t starts_us, expires_us;
    const struct book_request *requests; /* the first, then amendments, in order */
    size_t n_requests;
    const struct book_request *open;     /* the one that waits for approvals; NULL = none */
    const struct book_request *in_force; /* the last that was granted; NULL = none */
    struct book_act revocation;          /* at_us 0 = not revoked */
    uint64_t renewals;                   /* granted ones */
};

struct book_fault {
    uint64_t entry;
    str text;
};

struct exception_book {
    int64_t as_of_us;
    const struct book_exception *items; /* by number of their id */
    size_t n;
    const struct book_fault *faults; /* the first LIMIT_BOOK_FAULTS */
    size_t n_faults;
    uint64_t n_faults_all;
    uint64_t last_id;             /* the largest number of an id; 0 = none */
    int64_t last_us;              /* when the last of its entries was written; 0 = there is none */
    struct governance governance; /* of the last policy that was seen */
    str policy_sha256;            /* of that policy; empty = none was seen */
};

/* Reads the entries written until as_of_us; later ones have not happened. An instant after the last
 * entry tells what will be if nobody does anything more. */
MUST_USE bool exception_book_read(struct ledger *ledger, int64_t as_of_us, struct arena *arena,
                                  struct exception_book *out, struct err *err);

/* The same in steps, for a scan that reads the ledger anyway (its verification). Entries of other
 * kinds, and those after until_us, are passed over.
 *
 * out : lasts until the reader is given another. Where as_of_us is before entries that were read,
 *       what they took away is gone at as_of_us, and what they granted begins at their time */
struct exception_reader; /* opaque, of the arena */
struct exception_reader *exception_book_start(int64_t until_us, struct arena *arena);
struct ledger_visit exception_book_visit(struct exception_reader *reader);
void exception_book_end(struct exception_reader *reader, int64_t as_of_us,
                        struct exception_book *out);

const struct book_exception *exception_book_find(const struct exception_book *book, str id);
/* Whether it opens anything at the book's time: ACTIVE, with an owner, enough approvers who are
 * neither requester nor owner, and an end. */
bool exception_book_opens(const struct book_exception *exception);
str exception_book_state_text(enum book_state state);
str exception_book_ask_text(enum book_ask ask);

/* The exceptions that were ever granted, as a file of exceptions (policy/exceptions.h) in JSON, one
 * a line, line 1 + the index among them; dead ones too. Times are instants, so that no time zone
 * matters any more: it begins when it was granted, where no later start was given. A revoked one
 * expires when it was revoked; one that was revoked before it began is not there.
 * What exceptions_parse refuses of a policy's words is told there with "ledger:LINE". */
str exception_book_file(const struct exception_book *book, struct arena *arena);
/* Whether it has a line there. */
bool exception_book_is_in_file(const struct book_exception *exception);
/* The same without some.
 *
 * left_out : per line of the whole file, from 0; NULL = none */
str exception_book_file_without(const struct exception_book *book, const bool *left_out,
                                struct arena *arena);
