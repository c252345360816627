/* SPDX-License-Identifier: Apache-2.0 */
/* Several organisations, a workspace each: every folder with a sallyport.db below one, and a table
 * with a row for each. One that can't be read is a row that says why; the others go on.
 */
#pragma once

#include "cli/command.h"

/* The workspaces at and below a folder, sorted; links are not followed. False: said on the talk
 * stream. */
MUST_USE bool report_orgs_find(struct invocation *call, str folder, const str **out, size_t *n);
/* The call of a command as if it was made in that workspace, with memory of its own for results;
 * what it would say goes to `talk`. */
struct invocation report_orgs_call(const struct invocation *call, str workspace,
                                   struct arena *arena, struct buf *talk);
/* Grade, exceptions, evidence and ledger of each. Exit status: EXIT_NO when one can't be read, its
 * ledger does not verify, or exceptions of it need somebody. */
int report_orgs(struct invocation *call, str folder);
