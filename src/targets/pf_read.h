/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what pf.c writes, and nothing else: an anchor's tables of prefixes, and rules that all are
 * quick. Any other line is an error that names it. Comments and blank lines are free, but for the
 * one that names the anchor.
 */
#pragma once

#include "base/err.h"
#include "rules/ruleset.h"

/* arena : owns what is read
 * out : rules in their order, all of them quick (ENGINE_PF); an end that is `any` is the whole line
 *       of addresses. A border's rule has its inside where the table's name says "local".
 *       Unchanged on failure.
 * fails : MALFORMED (line, what was expected) */
MUST_USE bool pf_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                      struct err *err);
/* True when content empties exactly the anchor of hosts, or of that border. */
MUST_USE bool pf_read_rollback(str source, bytes content, str workspace, str border_word,
                               struct arena *arena, struct err *err);
bool pf_read_recognise(bytes head);
