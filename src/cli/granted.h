/* SPDX-License-Identifier: Apache-2.0 */
/* The exceptions that the workspace's ledger grants, for commands that take a policy. Before any of
 * them counts, the whole ledger is verified.
 */
#pragma once

#include "cli/command.h"
#include "ledger/exception_book.h"
#include "policy/exceptions.h"

/* Whether somebody took the ledger away: its key is there, and it is not. */
bool granted_lacks_ledger(struct invocation *call);
/* Reads the book as it was at a time, in the same pass as the ledger is verified. A workspace
 * without a ledger has an empty one, and *exists says so.
 *
 * fails : REFUSED (the ledger does not verify), what ledger_open says */
MUST_USE bool granted_book(struct invocation *call, int64_t as_of_us, struct exception_book *out,
                           bool *exists, struct err *err);
/* The time until which entries are read for it. */
int64_t granted_until(const struct invocation *call, int64_t as_of_us);
/* The same of a ledger that is open, which is not verified. Of the past (as_of_us before now) what
 * was written until then counts, of now and the future everything that was written. */
MUST_USE bool granted_read(struct invocation *call, struct ledger *ledger, int64_t as_of_us,
                           struct exception_book *out, struct err *err);
/* Entries that were passed over, on the talk stream: the first few, and how many. */
void granted_say_faults(struct invocation *call, const struct exception_book *book);

/* The granted ones of a book in the policy's words. One that is dead and does not fit the policy
 * any more is left out; one that is alive and does not is an error in `found`, at "ledger:LINE".
 *
 * file : out, the records; no name = there are none. It stays where it is as long as the policy is
 *        used */
MUST_USE bool granted_parse(const struct exception_book *book, const struct zone *zone,
                            struct arena *arena, struct policy *policy, struct source_text *file,
                            struct diagnostics *found);
