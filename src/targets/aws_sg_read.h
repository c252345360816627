/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what aws_sg.c writes, and nothing else: keys in their order, a group of allows.
 */
#pragma once

#include "base/err.h"
#include "rules/ruleset.h"

/* A class's template.
 *
 * arena : owns what is read
 * out : allows in the order of the template, each of one family; a group knows no local addresses,
 *       so local is every address of that family that can be a peer. Unchanged on failure.
 * fails : MALFORMED (line, what was expected) */
MUST_USE bool aws_sg_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                          struct err *err);
/* The list of a class's members: remarks alone. */
MUST_USE bool aws_sg_read_part(str source, bytes content, str workspace, struct arena *arena,
                               struct err *err);
/* True when content deletes the stack of a class of this workspace. */
MUST_USE bool aws_sg_read_rollback(str source, bytes content, str workspace, str border_word,
                                   struct arena *arena, struct err *err);
/* True when the stack that goes is that of the group. */
MUST_USE bool aws_sg_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                                 struct err *err);
bool aws_sg_read_recognise(bytes head);
