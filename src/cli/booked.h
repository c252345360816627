/* SPDX-License-Identifier: Apache-2.0 */
/* The book of exceptions for commands that only look at it: read through the ledger's index, as it
 * was at --as-of, and nothing is verified.
 */
#pragma once

#include "cli/acting.h"
#include "ledger/exception_book.h"

/* ledger : open for more questions, NULL when the workspace has none: the book is empty then
 * status : what to end with when it is false; it is said already */
MUST_USE bool booked_read(struct invocation *call, struct exception_book *out,
                          struct ledger **ledger, int *status);

/* Prints exceptions in the format asked for, those of a broken glass first, and whose owner has
 * left.
 *
 * ledger : NULL = the workspace has none
 * False: said on the talk stream */
MUST_USE bool booked_print(struct invocation *call, const struct exception_book *book,
                           struct ledger *ledger, const struct book_exception *const *list,
                           size_t n);
/* Says on the talk stream which of those that are not over have an owner who has left, and why.
 *
 * ledger : NULL = the workspace has none */
void booked_warn_orphans(struct invocation *call, struct ledger *ledger,
                         const struct book_exception *const *list, size_t n);
/* A broken glass that somebody has to look at: open, or over and not reviewed. */
bool booked_is_alarm(const struct book_exception *exception);
