/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a policy as a tree: the strict part of YAML 1.1/1.2 (and so JSON) that policies are
 * written in. Scalars stay text as they are spelled (`on`, `off`, `no` are words, never booleans);
 * what they mean is decided by the key they stand at. Anchors, aliases, tags, directives, further
 * documents, keys that are not text and duplicate keys are errors.
 *
 * The parser is libyaml; no other file sees it.
 */
#pragma once

#include "policy/policy.h"

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    struct place place;
    /* NODE_TEXT: quoted, or a block scalar; then it is text even when it looks like a number. */
    bool quoted;
    str text;
    /* NODE_LIST: the items. NODE_MAP: key 0, value 0, key 1, value 1, ... */
    const struct node *items;
    size_t n; /* items of a list, pairs of a map */
};

/* Reads one document. Errors are added to `found`; false when there is no tree. Duplicate keys are
 * reported and leave the tree usable (the first one counts), so that all errors of meaning can
 * follow.
 *
 * text : kept; UTF-8, at most LIMIT_POLICY_BYTES
 * arena : owns texts that do not stand in `text` as they are, and messages
 * tree : owns the nodes, ten for an entry; they can go when the policy is read
 * spec : YAML 1.1 (libyaml); nesting at most LIMIT_NESTING */
MUST_USE bool document_parse(str text, struct arena *arena, struct arena *tree, struct node *out,
                             struct diagnostics *found);

/* The lines of the text without their ends, as places count them, for showing under a message. */
const str *document_lines(str text, struct arena *arena, size_t *n);
