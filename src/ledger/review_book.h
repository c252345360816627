/* SPDX-License-Identifier: Apache-2.0 */
/* Reviews as the ledger tells them: which exceptions each one asks about, what was proposed when it
 * started, who has decided what since, and whether it is closed. docs/reviews.md is the manual.
 *
 * A review is one or more entries `review-started` of one subject (large ones have several parts),
 * the entries `exception-reviewed` that name it, and `review-closed`.
 */
#pragma once

#include "ledger/ledger.h"

/* What may be decided of an exception in a review; the text is that of sheets and entries. */
#define REVIEW_DECISIONS(X)                                                                        \
    X(KEEP, "keep")                                                                                \
    X(NARROW, "narrow")                                                                            \
    X(REMOVE, "remove")                                                                            \
    X(TRANSFER, "transfer")                                                                        \
    X(PROMOTE, "promote")
enum review_decision {
    REVIEW_UNDECIDED,
#define X(name, text) REVIEW_##name,
    REVIEW_DECISIONS(X)
#undef X
        REVIEW_DECISION_COUNT
};
str review_decision_text(enum review_decision decision); /* empty: undecided */
/* The decision of a word, up to case and blanks around it; false when there is no such one. Empty
 * is undecided. */
MUST_USE bool review_decision_find(str word, enum review_decision *out);

/* One exception in a review. */
struct review_item {
    str id; /* "EX-12" */
    /* As the evidence had it when the review started; that is what a sheet shows ever after. */
    str proposal, because; /* exception_use's words */
    str scope;             /* NARROW: the narrower scope, JSON; empty = none is proposed */
    str line;              /* PROMOTE: the entry for policy.yaml */
    bool has_use;          /* there was evidence to ask */
    uint64_t connections;
    int64_t last_use_us; /* 0 = never */
    bool is_orphaned;    /* the directory knows its owner no more */

    enum review_decision decision;
    str decided_by; /* who decided; of an entry of somebody else's hand, the person it names */
    str recorded_by;
    int64_t decided_us;
    uint64_t entry; /* that holds it */
    str note;
};

struct review {
    str id;                          /* "RV-2026-11", "RV-2026-11-2" */
    str month;                       /* "2026-11" */
    str mark;                        /* of its first entry's hash: no other ledger has it */
    int64_t started_us, due_us;      /* due: until then everything should be decided */
    const struct review_item *items; /* in the order of the sheet */
    size_t n, n_undecided;
    int64_t closed_us; /* 0 = it is open */
};

struct review_book {
    const struct review *items; /* in the order they were started */
    size_t n;
};

/* Reads the entries written until as_of_us.
 *
 * fails : MALFORMED (an entry of a review that is not what docs/reviews.md says), and what reading
 *         the ledger fails with */
MUST_USE bool review_book_read(struct ledger *ledger, int64_t as_of_us, struct arena *arena,
                               struct review_book *out, struct err *err);
const struct review *review_book_find(const struct review_book *book, str id);
const struct review_item *review_find(const struct review *review, str exception);
/* The open review of a month; NULL = none. */
const struct review *review_book_open(const struct review_book *book, str month);
/* The id of the next review of a month. */
str review_book_next_id(const struct review_book *book, str month, struct arena *arena);
/* Open, and its due date is over. */
bool review_is_overdue(const struct review *review, int64_t at_us);

/* Data of the entries that a review starts with: one JSON object per part of
 * REVIEW_PART_ITEMS exceptions at most, at least one. */
enum { REVIEW_PART_ITEMS = 200 };
const str *review_started_data(const struct review *review, struct arena *arena, size_t *n);

/* ---- For tests: entries one by one ---- */
struct review_reading; /* opaque */
struct review_reading *review_reading_start(struct arena *arena);
MUST_USE bool review_reading_add(struct review_reading *reading, const struct ledger_entry *entry,
                                 struct err *err);
struct review_book review_reading_end(struct review_reading *reading);
