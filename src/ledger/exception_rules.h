/* SPDX-License-Identifier: Apache-2.0 */
/* The rules by which exceptions are decided, each once: the book asks them of every entry that it
 * reads, a command asks them of the entry that it is about to write. So nobody's entry, however it
 * got into the ledger, does more than a command would have let it.
 *
 * Who has which role, and what the engine finds of a scope, no entry can prove: those are asked by
 * commands alone.
 */
#pragma once

#include "ledger/exception_entry.h"

/* Why the entry may not follow: a sentence for the person who tried; empty = it may.
 *
 * exception : that it speaks of, as it stood before; NULL = there is none
 * last_id : the largest number of an id until then
 * governance : of the policy that was seen last */
str exception_rules_refuse(const struct book_exception *exception,
                           const struct exception_entry *entry, uint64_t last_id,
                           const struct governance *governance, struct arena *arena);

/* How many approvals: by the risks, and one for break-glass. */
uint64_t exception_rules_needed(const struct governance *governance, size_t n_risks,
                                bool break_glass);
/* "EX-12": its number; 0 = that is no id. */
uint64_t exception_rules_number(str id);
str exception_rules_id(uint64_t number, struct arena *arena);

/* What it is at a time when all its entries have been written. */
enum book_state exception_rules_state(const struct book_exception *exception, int64_t at_us);
/* The request that waits for approvals then; NULL = none. */
const struct book_request *exception_rules_open(const struct book_exception *exception,
                                                int64_t at_us);
/* The latest end that a request for this exception may have: from its start, or from when it is
 * asked for.
 *
 * starts_us : 0 = at once */
int64_t exception_rules_latest_end(const struct governance *governance, bool break_glass,
                                   int64_t starts_us, int64_t at_us);
