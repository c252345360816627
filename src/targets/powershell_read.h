/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what powershell.c writes, and nothing else: every line is one of a fixed script or of a
 * rule, in order; any other line is an error that names it. Comments and blank lines are free.
 */
#pragma once

#include "base/err.h"
#include "rules/ruleset.h"
#include "targets/target.h"

/* An apply.ps1; a rollback.ps1 holds no rules.
 *
 * arena : owns what is read; texts point into content where they can
 * out : rules in the order of the script; unchanged on failure
 * fails : MALFORMED (line, what was expected), UNSUPPORTED (an address form of another family) */
MUST_USE bool powershell_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                              struct err *err);
/* True when content is a rollback of this workspace's group in the local store; border_word is
 * empty, since this dialect has none. */
MUST_USE bool powershell_read_rollback(str source, bytes content, str workspace, str border_word,
                                       struct arena *arena, struct err *err);
/* What a script of this workspace that can be read sets beside rules: the log of each profile, the
 * hardening. */
MUST_USE bool powershell_read_settings(str source, bytes content, str workspace,
                                       struct arena *arena, struct target_settings *out,
                                       struct err *err);
bool powershell_read_recognise(bytes head);
