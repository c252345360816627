/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what netsh.c writes, and nothing else. */
#pragma once

#include "targets/target.h"

/* fails : MALFORMED, with line and column, what was expected and what was found */
MUST_USE bool netsh_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                         struct err *err);
/* True when it deletes rules of this workspace by their names, and nothing else. */
MUST_USE bool netsh_read_rollback(str source, bytes content, str workspace, str border_word,
                                  struct arena *arena, struct err *err);
/* members.txt */
MUST_USE bool netsh_read_part(str source, bytes content, str workspace, struct arena *arena,
                              struct err *err);
/* True when the rollback deletes every rule that the other file makes. */
MUST_USE bool netsh_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                                struct err *err);
bool netsh_read_recognise(bytes head);
