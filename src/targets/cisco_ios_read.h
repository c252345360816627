/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what cisco_ios.c writes, and nothing else: four access lists that replace themselves. A
 * rule begins with `remark rule: ID`; its entries must be every combination of its ports, inside
 * and outside prefixes, in that order. Any other line is an error that names it.
 */
#pragma once

#include "base/err.h"
#include "rules/ruleset.h"

/* arena : owns what is read
 * out : rules in the order of their lists (ENGINE_ACL); local is the inside: the source of the
 *       outbound lists. An "any" is the outside, which is every address that the list did not let
 *       pass before its rules. The last permit of each list has TRANSPORT_NONE. Unchanged on
 *       failure.
 * fails : MALFORMED (line, what was expected) */
MUST_USE bool cisco_ios_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                             struct err *err);
/* True when content removes exactly the four lists of that border. */
MUST_USE bool cisco_ios_read_rollback(str source, bytes content, str workspace, str border_word,
                                      struct arena *arena, struct err *err);
bool cisco_ios_read_recognise(bytes head);
