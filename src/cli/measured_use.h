/* SPDX-License-Identifier: Apache-2.0 */
/* How all exceptions of a book were used, from the workspace's matrix (reason/exception_use.h): for
 * every command that shows it. One pass over the flows.
 */
#pragma once

#include "cli/policy_file.h"
#include "ledger/exception_book.h"
#include "reason/exception_use.h"
#include "store/store.h"

struct measured_use {
    const struct exception_use *items; /* beside book->items */
    bool has_evidence;                 /* something was read; else all are unknown */
};

/* book : as of the time that is asked about; what was never granted was never used
 * file : resolved, with the ledger's exceptions among those of its policy: they are found by id
 * store, matrix, hosts : of the workspace; NULL = no evidence
 * fails : the store can't be read; the policy can't be resolved with all its exceptions */
MUST_USE bool measured_use_of(struct invocation *call, const struct policy_file *file,
                              const struct exception_book *book, struct store *store,
                              const struct matrix_view *matrix, const struct host_list *hosts,
                              struct measured_use *out, struct err *err);
/* The same from the workspace's own database; without one there are no items. */
MUST_USE bool measured_use_of_workspace(struct invocation *call, const struct policy_file *file,
                                        const struct exception_book *book, struct measured_use *out,
                                        struct err *err);
