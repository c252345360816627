/* SPDX-License-Identifier: Apache-2.0 */
/* Who acts in a command, and the ledger of its workspace: what commands that decide something need.
 */
#pragma once

#include "cli/command.h"
#include "ledger/people.h"

/* Who runs the command: SALLYPORT_TOKEN, else the token in the file that SALLYPORT_TOKEN_FILE
 * names, else the account of the system. A token that does not fit is refused, never passed over.
 *
 * An account that is a user's (by its name or --account) acts as that user without having logged
 * in: `person` is the user's name, the roles are the user's but never admin. Where the policy says
 * `governance: {require-login: true}` an account may only read, and nobody decides anything with a
 * clock that was set.
 *
 * ledger : open; NULL = the workspace has none, so there are no users. Inside ledger_begin the
 *          answer holds until the commit
 * fails : REFUSED (a token that is not known, ended or expired; its user is disabled) */
MUST_USE bool acting_find(struct invocation *call, struct ledger *ledger, struct actor *out,
                          struct err *err);
/* The account of the system that runs the program, whatever token is shown. */
struct actor acting_account(struct invocation *call, const struct people *people);
/* The same as acting_find, with the users that were read for it. */
MUST_USE bool acting_among(struct invocation *call, struct ledger *ledger, struct people *people,
                           struct actor *out, struct err *err);
/* Whether the actor has one of the roles (bits 1u << enum person_role); else REFUSED, with what is
 * missing and why. While a workspace has no users, an account of the system has every role but that
 * of nobody else: it can't approve what it requested itself.
 *
 * what : for the sentence: "approving an exception" */
MUST_USE bool acting_may(const struct actor *actor, uint8_t roles, str what, struct err *err);
/* Prints an error that acting_find, acting_may or a rule of decision gave. The exit status: EXIT_NO
 * for what is refused, else EXIT_FAILED. */
int acting_fail(struct invocation *call, const struct err *err);
/* Now, as entries will tell it: never before the last one. */
MUST_USE bool acting_now(const struct invocation *call, struct ledger *ledger, int64_t *out_us,
                         struct err *err);
/* One line on the talk stream, once per command: "acting as alice (system account, not logged in)".
 */
void acting_say(struct invocation *call, const struct actor *actor);

/* Whether -C DIR is a workspace, with a ledger or without. */
bool acting_is_workspace(struct invocation *call);
/* Opens the workspace's ledger; LEDGER_CREATE makes one in a folder that is a workspace. To write,
 * it refuses --as-of: what is written, is written now.
 *
 * fails : NOT_FOUND (no workspace, no ledger), USAGE (--as-of), what ledger_open says */
MUST_USE bool acting_ledger(struct invocation *call, enum ledger_access access, struct ledger **out,
                            struct err *err);
/* Appends one entry by the actor in a transaction of its own. For what is recorded beside the work
 * (compiled, reported): a ledger that is not there or can't be written is said on the talk stream,
 * and the command goes on. */
void acting_record(struct invocation *call, enum ledger_kind kind, str subject, str data);
