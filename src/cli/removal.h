/* SPDX-License-Identifier: Apache-2.0 */
/* What a bundle that closes ended exceptions changes on machines that hold an older one: per
 * exception and class, which rules go and which change, by the ids that the firewall knows them by.
 * REMOVED.md and removed.json of `exception due -o`.
 */
#pragma once

#include "cli/compiling.h"
#include "cli/ended.h"
#include "ledger/compile_book.h"

struct removal_exception {
    str id, owner, expires;    /* owner and expires are empty when no record tells */
    int64_t expires_us;        /* INT64_MIN likewise */
    const struct ended *ended; /* what it spoke of; NULL = it does not fit the policy any more */
};

struct removal_question {
    const struct removal_exception *exceptions;
    size_t n_exceptions;
    const struct compile_book_item *const *items; /* that carry some of them */
    size_t n_items;
};

/* c : planned and proved, not yet written: the folder may be an old one's
 * out : REMOVED.md, removed.json
 * fails : what an artefact's reader says of it */
MUST_USE bool removal_documents(struct compiling *c, const struct removal_question *question,
                                struct manifest_document out[2], struct err *err);
