/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what panos_rules.c writes, and nothing else: objects in the order of their numbers, rules,
 * their order. Remarks and blank lines are free.
 */
#pragma once

#include "base/err.h"
#include "rules/ruleset.h"

/* A border's file.
 *
 * arena : owns what is read
 * out : rules in the order of the rulebase (ENGINE_ACL), each of one family. Unchanged on failure.
 * fails : MALFORMED (line, what was expected) */
MUST_USE bool panos_rules_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                               struct err *err);
/* True when content deletes rules and objects of that border, and nothing else. */
MUST_USE bool panos_rules_read_rollback(str source, bytes content, str workspace, str border_word,
                                        struct arena *arena, struct err *err);
/* True when the rollback deletes everything that the rules make. */
MUST_USE bool panos_rules_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                                      struct err *err);
bool panos_rules_read_recognise(bytes head);
