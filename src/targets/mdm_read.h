/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what mdm.c writes, and nothing else: every line is one command of one form. */
#pragma once

#include "targets/target.h"

/* fails : MALFORMED, with line, what was expected and what was found */
MUST_USE bool mdm_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                       struct err *err);
/* True when it deletes rules of this workspace, and the log settings, and nothing else. */
MUST_USE bool mdm_read_rollback(str source, bytes content, str workspace, str border_word,
                                struct arena *arena, struct err *err);
/* True when it sets or deletes log settings or settings of the Policy CSP, and nothing else. */
MUST_USE bool mdm_read_part(str source, bytes content, str workspace, struct arena *arena,
                            struct err *err);
/* True when the rollback deletes every rule that the other file makes. */
MUST_USE bool mdm_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                              struct err *err);
/* What a message sets beside rules: by URI, the format, the data and the Atomic; or "deleted". */
MUST_USE bool mdm_read_settings(str source, bytes content, str workspace, struct arena *arena,
                                struct target_settings *out, struct err *err);
bool mdm_read_recognise(bytes head);
