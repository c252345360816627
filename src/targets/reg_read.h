/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what reg.c writes, and nothing else. */
#pragma once

#include "targets/target.h"

/* fails : MALFORMED, with the line or the name of the value */
MUST_USE bool reg_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                       struct err *err);
/* The script that takes back. */
MUST_USE bool reg_read_rollback(str source, bytes content, str workspace, str border_word,
                                struct arena *arena, struct err *err);
/* rollback.reg, apply.cmd, members.txt. */
MUST_USE bool reg_read_part(str source, bytes content, str workspace, struct arena *arena,
                            struct err *err);
bool reg_read_recognise(bytes head);
