/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what cisco_asa.c writes, and nothing else: removals, object groups that are each named by
 * some entry, and two access lists whose entries each follow their `remark rule: ID`. Any other
 * line is an error that names it.
 */
#pragma once

#include "base/err.h"
#include "rules/ruleset.h"

/* arena : owns what is read
 * out : rules in the order of their lists (ENGINE_ACL); local is the inside: the source of the
 *       outbound list. An "any" is the outside, which is every address of the other end's families
 *       that the list did not let pass before its rules. The last permit of each list has
 *       TRANSPORT_NONE. Unchanged on failure.
 * fails : MALFORMED (line, what was expected) */
MUST_USE bool cisco_asa_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                             struct err *err);
/* True when content removes both lists of that border, and then groups of its. */
MUST_USE bool cisco_asa_read_rollback(str source, bytes content, str workspace, str border_word,
                                      struct arena *arena, struct err *err);
/* True when the rollback removes every list and group of the file of rules. */
MUST_USE bool cisco_asa_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                                    struct err *err);
bool cisco_asa_read_recognise(bytes head);
