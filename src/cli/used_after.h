/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions of the ledger that were used after their end: whatever the artefacts say, something
 * still lets it pass. An alarm of `exception due`.
 */
#pragma once

#include "cli/policy_file.h"
#include "reason/exception_use.h"

struct used_after {
    const struct book_exception *exception;
    const struct exception_use *use;
};

/* Those of file->book that something passed by after their end, as the workspace's evidence tells;
 * none when there is no evidence.
 *
 * file : resolved
 * fails : the workspace can't be read */
MUST_USE bool used_after_find(struct invocation *call, struct policy_file *file,
                              const struct used_after **out, size_t *n, struct err *err);
void used_after_print(struct invocation *call, const struct used_after *used, size_t n);
/* A list of objects. */
void used_after_json(struct json *json, const struct used_after *used, size_t n);
