/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what reg.c writes, and nothing else. */
#pragma once

#include "targets/target.h"

/* fails : MALFORMED, with the line or the name of the value */
MUST_USE bool reg_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                       struct err *err);
/* What a rules.reg that can be read sets beside rules, as a GPO does; other files set nothing. */
MUST_USE bool reg_read_settings(str source, bytes content, str workspace, struct arena *arena,
                                struct target_settings *out, struct err *err);
/* rollback.reg */
MUST_USE bool reg_read_rollback(str source, bytes content, str workspace, str border_word,
                                struct arena *arena, struct err *err);
/* apply.cmd, rollback.cmd, members.txt. */
MUST_USE bool reg_read_part(str source, bytes content, str workspace, struct arena *arena,
                            struct err *err);
/* True when the rollback deletes every rule that the other file makes. */
MUST_USE bool reg_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                              struct err *err);
bool reg_read_recognise(bytes head);
