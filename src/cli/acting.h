/* SPDX-License-Identifier: Apache-2.0 */
/* Who acts in a command, and the ledger of its workspace: what commands that decide something need.
 */
#pragma once

#include "cli/command.h"
#include "ledger/actor.h"

/* Who runs the command: SALLYPORT_TOKEN, else the file that --token-file names, else the account of
 * the system. A token that does not fit is refused, never passed over.
 *
 * ledger : open; NULL = the workspace has none, so there are no users
 * fails : REFUSED (a token that is not known, ended or expired; its user is disabled) */
MUST_USE bool acting_find(struct invocation *call, struct ledger *ledger, struct actor *out,
                          struct err *err);
/* Whether the actor has one of the roles (bits 1u << enum person_role); else refused, with what is
 * missing and who could. While a workspace has no users, an account of the system has every role
 * but that of nobody else: it can't approve what it requested itself. */
MUST_USE bool acting_may(const struct actor *actor, uint8_t roles, str what, struct err *err);
/* One line on the talk stream, once per command: "acting as alice (system account, not logged in)".
 */
void acting_say(struct invocation *call, const struct actor *actor);

/* Opens the workspace's ledger; LEDGER_CREATE makes one in a folder that is a workspace. */
MUST_USE bool acting_ledger(struct invocation *call, enum ledger_access access, struct ledger **out,
                            struct err *err);
/* Appends one entry by the actor in a transaction of its own. For what is recorded beside the work
 * (compiled, reported): a ledger that is not there or can't be written is said on the talk stream,
 * and the command goes on. */
void acting_record(struct invocation *call, enum ledger_kind kind, str subject, str data);
