/* SPDX-License-Identifier: Apache-2.0 */
/* Owners who have left: as the directory says (`import people`, users in `import ad`), and the
 * users of this workspace.
 */
#pragma once

#include "cli/command.h"
#include "ledger/people.h"
#include "policy/people_directory.h"

/* What `import people` keeps. */
#define LEAVERS_KIND S("people")

struct leavers {
    struct people_directory directory;
    struct people people;
};

/* Loads what the workspace knows; without a database or a ledger that is nothing.
 *
 * ledger : NULL = the workspace has none
 * False: said on the talk stream */
MUST_USE bool leavers_load(struct invocation *call, struct ledger *ledger, struct leavers *out);
/* Whether the owner or deputy of something has left, as far as anybody knows, and why: "alice is
 * disabled in the directory imported 2026-11-20". A user of this workspace who is not disabled has
 * left only if the directory says disabled: some who work here are in no directory. */
bool leavers_has_left(const struct leavers *leavers, str owner, struct arena *arena, str *why);
/* Whether anything is known at all, so that nobody takes silence for an answer. */
bool leavers_known(const struct leavers *leavers);
