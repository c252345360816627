/* SPDX-License-Identifier: Apache-2.0 */
/* What a quarterly audit says beside the report it is part of: its figures against those of the
 * quarter before, the hardening baseline row by row with the published item each rests on, what is
 * proved, reviews, drift, the ledger. Made once as tables, for the page, for text and for JSON.
 */
#pragma once

#include "ledger/review_book.h"
#include "report/audit_figures.h"
#include "report/report.h"

struct audit_assertion {
    str text;
    bool holds;
    str why; /* it does not: the smallest pair that breaks it, or what is not known */
};

/* One state that was held against the policy (`drift`). */
struct audit_state {
    str source, name;
    bool is_equal;
    uint64_t differences;
};

struct audit_quarter {
    struct audit_figures now;
    const struct audit_figures *before; /* NULL = this is the first audit */
    const struct audit_assertion *assertions;
    size_t n_assertions;
    str lifeline; /* why it does not hold; empty = it does */
    bool has_policy;
    const struct review_book *reviews;
    const struct exception_book *book;
    bool has_state; /* something was given to hold against the policy */
    const struct audit_state *states;
    size_t n_states;
    const str *lingering; /* ended exceptions that are open somewhere still, each a sentence */
    size_t n_lingering;
    bool has_ledger, ledger_is_good;
    str ledger; /* what its verification says: a sentence */
    const struct sheets *sheets;
};

/* Cells of the table of settings. */
enum { AUDIT_PAGE_OK = 2, AUDIT_PAGE_DIFFERS = 3 };

/* Makes quarter->sheets. */
void audit_page_prepare(struct audit_quarter *quarter, struct arena *arena);
/* For report.audit; to : a struct audit_quarter */
void audit_page_write(void *to, struct buf *out, struct arena scratch);
/* The item of Microsoft's security baseline that a row's source states; empty = it states none.
 * What is UNCERTAIN there says so. */
str audit_page_benchmark(const struct harden_entry *row, struct arena *arena);
/* "better"; empty = there is no trend. */
str audit_page_trend_text(enum audit_trend trend);
