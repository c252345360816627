/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what aws_nacl.c writes, and nothing else: keys in their order, entries by number.
 */
#pragma once

#include "base/err.h"
#include "rules/ruleset.h"

/* A border's template.
 *
 * arena : owns what is read
 * out : rules in the order of the entries (ENGINE_ACL), each of one family; local is the inside as
 *       the template names it. What crosses is what its entries are about: those that let the
 *       inside pass to itself are checked and left out. Unchanged on failure.
 * fails : MALFORMED (line, what was expected) */
MUST_USE bool aws_nacl_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                            struct err *err);
/* True when content deletes the stack of that border. */
MUST_USE bool aws_nacl_read_rollback(str source, bytes content, str workspace, str border_word,
                                     struct arena *arena, struct err *err);
bool aws_nacl_read_recognise(bytes head);
