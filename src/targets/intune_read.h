/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what intune.c writes, and nothing else: every object has the members that Graph asks for,
 * in one order, but blanks between tokens do not matter. */
#pragma once

#include "targets/target.h"

/* fails : MALFORMED, with the offset, what was expected and what was found */
MUST_USE bool intune_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                          struct err *err);
/* True when it is the script that deletes the policies of this workspace. */
MUST_USE bool intune_read_rollback(str source, bytes content, str workspace, str border_word,
                                   struct arena *arena, struct err *err);
/* True for a list of members, and for the script that imports. */
MUST_USE bool intune_read_part(str source, bytes content, str workspace, struct arena *arena,
                               struct err *err);
bool intune_read_recognise(bytes head);
