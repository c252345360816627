/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what firewalld.c writes, and nothing else: a script of fixed lines around XML documents,
 * which are ipsets of prefixes and two policies of rich rules. Whatever else stands in either is an
 * error with its line. Comments are free.
 */
#pragma once

#include "base/err.h"
#include "rules/ruleset.h"

/* arena : owns what is read
 * out : rules in the order that firewalld asks them in, to be judged first match first
 *       (ENGINE_NFTABLES); an end that a rule does not name is the whole line of addresses.
 *       Unchanged on failure.
 * fails : MALFORMED (line, what was expected) */
MUST_USE bool firewalld_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                             struct err *err);
/* True when content removes every policy and ipset of ours, and makes firewalld know it. */
MUST_USE bool firewalld_read_rollback(str source, bytes content, str workspace, str border_word,
                                      struct arena *arena, struct err *err);
bool firewalld_read_recognise(bytes head);
