/* SPDX-License-Identifier: Apache-2.0 */
/* What commands about reviews share: which exceptions a review asks about, what the evidence says
 * of their use, whose owners have left, and the sheet that is made of a review.
 */
#pragma once

#include "cli/acting.h"
#include "cli/measured_use.h"
#include "cli/policy_file.h"
#include "ledger/exception_book.h"
#include "ledger/review_book.h"
#include "report/review_sheet.h"

/* The exceptions at one point in time, with what is known beside the ledger. All arrays are beside
 * book.items. */
struct reviewing {
    struct exception_book book;
    struct measured_use use;
    bool *is_orphaned;
    bool has_directory; /* who has left can be told at all */
    bool has_policy;
    struct policy_file *file; /* when has_policy */
    bool can_measure;         /* what is granted fits the policy */
};

/* NULL = not known. at: in book.items */
const struct exception_use *reviewing_use(const struct reviewing *about, size_t at);

/* Reads the book, the policy and the evidence. What is wrong with the policy is said on the talk
 * stream. A workspace without policy or evidence still has reviews: uses are not known then.
 *
 * call : its command has POLICY_FILE_ROW and MEMBERS_FILE_ROW
 * at_us : the book's time
 * status : what to end with when it is false; it is said already */
MUST_USE bool reviewing_load(struct invocation *call, struct ledger *ledger, int64_t at_us,
                             struct reviewing *out, int *status);

/* Whether a review that starts at the book's time asks about it: it lives, or it has ended and
 * nobody has looked at it since; of those that ended long ago the ones made with --break-glass. */
bool reviewing_asks(const struct exception_book *book, const struct book_exception *exception);
/* Expired, and nobody has looked at it since. */
bool reviewing_is_unclosed(const struct book_exception *exception);
/* The items of a new review, in the order of its sheet. */
struct review_item *reviewing_items(const struct reviewing *about, struct arena *arena, size_t *n);

/* The sheet of a review: always the same for one, whatever was decided since.
 *
 * book : at review->started_us */
struct review_sheet reviewing_sheet(const struct review *review, const struct exception_book *book,
                                    str organisation, struct arena *arena);
/* "2026-12-06" */
str reviewing_day(int64_t at_us, struct arena *arena);
