/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a review's sheet that came back: each is matched with its exception, held against who
 * may decide it, and applied as the commands about exceptions would: by the same rules, into the
 * same entries.
 */
#pragma once

#include "cli/deciding.h"
#include "cli/reviewing.h"
#include "report/review_csv.h"

enum closing_state {
    CLOSING_UNDECIDED, /* nothing is filled in */
    CLOSING_WRONG,     /* it can't be applied; why is in `says` */
    CLOSING_BEFORE,    /* the same was decided before */
    CLOSING_READY,
    CLOSING_DONE,
};

/* A narrowing is asked for with what it would open, as any other request. */
struct closing_narrowing {
    str scope, effect;
    const str *risks;
    size_t n_risks;
};

struct closing_row {
    const struct review_csv_row *cells;
    const struct review_item *item; /* NULL while it is of no exception in the review */
    enum review_decision decision;
    enum closing_state state;
    enum review_csv_column column; /* WRONG: the cell that it is about */
    bool is_refused;               /* WRONG: by a rule, not by its spelling */
    const struct closing_narrowing *narrowing;
    str says; /* what was done, or what is wrong */
    str line; /* promoted: for policy.yaml */
};

struct closing {
    struct deciding *deciding;
    str source; /* the file */
    struct closing_row *rows;
    size_t n;
    const struct review *review;
    size_t n_done, n_undecided; /* of the review's exceptions, after this */
    bool is_closed;             /* by this, or before */
};

/* Finds the review that the rows are of, and which of its exceptions each is about.
 *
 * fails : REFUSED (no row is of a review of this ledger) */
MUST_USE bool closing_match(struct closing *closing, const struct review_book *reviews,
                            struct err *err);
/* What the rows that narrow would open. Before the transaction: it takes its time.
 *
 * False: nothing can be asked at all, which is said, with *status. */
MUST_USE bool closing_ask(struct closing *closing, int *status);
/* Within the transaction: applies every row that may be, and closes the review when all of its
 * exceptions are decided. The review is looked up anew. *wrote: something has to be committed.
 *
 * fails : what the ledger fails with; nothing may be committed then */
MUST_USE bool closing_apply(struct closing *closing, bool *wrote, struct err *err);
