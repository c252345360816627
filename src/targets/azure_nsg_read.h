/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what azure_nsg.c writes, and nothing else: keys in their order, rules by priority.
 */
#pragma once

#include "base/err.h"
#include "rules/ruleset.h"

/* A border's template.
 *
 * arena : owns what is read
 * out : rules in the order of their priorities (ENGINE_ACL), each of one family. Unchanged on
 *       failure.
 * fails : MALFORMED (line, what was expected) */
MUST_USE bool azure_nsg_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                             struct err *err);
/* True when content is a template that leaves that border's group without rules of ours. */
MUST_USE bool azure_nsg_read_rollback(str source, bytes content, str workspace, str border_word,
                                      struct arena *arena, struct err *err);
bool azure_nsg_read_recognise(bytes head);
