/* SPDX-License-Identifier: Apache-2.0 */
/* The exceptions as a report lists them, whether they come from the ledger or from a file that
 * --exceptions names: break-glass first, then what is in force by its end, then the rest.
 */
#pragma once

#include "ledger/compile_book.h"
#include "ledger/exception_book.h"
#include "policy/exceptions.h"
#include "reason/exception_use.h"

struct register_row {
    str id, owner, deputy, reason, ticket, risk, control, requester;
    struct names approvers;
    uint64_t approved, needed; /* of the request that waits; needed 0 = none does */
    str from, to, service;     /* the scope in a policy's words */
    str expires;               /* as given: "2026-11-30" */
    enum book_state state;
    bool break_glass;
    str orphaned;  /* why its owner counts as gone; empty = not known to be */
    bool carried;  /* it is dead, and the newest artefacts of some target have it */
    bool overdue;  /* its review */
    bool in_order; /* in force, with nothing of the above */
    int64_t requested_us, granted_us; /* 0 = not known */
    int64_t starts_us, expires_us;    /* starts: 0 = at once */
    int64_t ended_us;                 /* revoked or expired; 0 = not */
    int64_t last_review_us, next_review_us;
    uint64_t renewals;
    const struct book_exception *in_book; /* NULL: of a file */
    const struct exception_use *use;      /* NULL = not known */
};

struct exception_register {
    bool has_ledger;
    const struct register_row *rows;
    size_t n;
    const struct book_fault *faults; /* entries that claim more than they may */
    size_t n_faults;
};

/* What is known beside the book. */
struct register_question {
    int64_t as_of_us;
    const struct exception_book *book; /* NULL: of the policy's file alone */
    const struct policy *policy;       /* its exceptions, when there is no book; may be NULL */
    /* Beside the book's items, or the policy's exceptions; NULL = not known. */
    const struct exception_use *const *uses;
    const str *orphaned;
    /* What the artefacts that count carry. */
    const struct compile_book *compiled;
};

struct exception_register register_of(const struct register_question *question,
                                      struct arena *arena);
/* Whether the row opens something at the report's time. */
bool register_is_living(const struct register_row *row);
/* Whole days from as_of to its end, as `exception list` counts them; 0 when it has ended. */
int64_t register_days_left(const struct register_row *row, int64_t as_of_us);
str register_state_text(enum book_state state);
str register_proposal_text(enum use_proposal proposal);
/* "scanners → 10.10.4.17: smb" */
str register_scope(const struct register_row *row, struct arena *arena);
