/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what juniper_srx.c writes, and nothing else: addresses, address sets and applications, each
 * of the next number and named by something behind it, then the policies of two zones, outbound and
 * inbound. Any other line is an error that names it.
 */
#pragma once

#include "base/err.h"
#include "rules/ruleset.h"

/* arena : owns what is read
 * out : rules in the order of their policies (ENGINE_ACL); the outbound policies go from the inside
 *       to the outside, which their names say; local is the inside. Unchanged on failure.
 * fails : MALFORMED (line, what was expected) */
MUST_USE bool juniper_srx_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                               struct err *err);
/* True when content only deletes, policies of that border and then what they name. */
MUST_USE bool juniper_srx_read_rollback(str source, bytes content, str workspace, str border_word,
                                        struct arena *arena, struct err *err);
/* True when the rollback deletes everything that the file of rules makes. */
MUST_USE bool juniper_srx_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                                      struct err *err);
bool juniper_srx_read_recognise(bytes head);
