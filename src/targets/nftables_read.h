/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what nftables.c writes, and nothing else: one table that replaces itself, sets of
 * intervals, chains of accepts and stops. Any other line is an error that names it. Comments and
 * blank lines are free.
 */
#pragma once

#include "base/err.h"
#include "rules/ruleset.h"

/* A host or border file; a rollback holds no rules.
 *
 * arena : owns what is read
 * out : rules in the order of their chain, to be judged first match first (ENGINE_NFTABLES); a line
 *       without a condition on an end has the whole line of addresses there. Unchanged on failure.
 *       In a forward chain local is the inside: the end that a line names first.
 * fails : MALFORMED (line, what was expected) */
MUST_USE bool nftables_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                            struct err *err);
/* True when content deletes exactly the table of hosts, or of that border. */
MUST_USE bool nftables_read_rollback(str source, bytes content, str workspace, str border_word,
                                     struct arena *arena, struct err *err);
bool nftables_read_recognise(bytes head);
