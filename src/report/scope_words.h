/* SPDX-License-Identifier: Apache-2.0 */
/* An exception's scope as people read and write it: the words of a policy on one line,
 *
 *   from: scanners, to: [10.20.0.21, FS02], service: smb
 *
 * beside the JSON object of the ledger (book_request.scope). What people write is that line, with
 * braces around it or without, or the JSON itself: all of it is YAML.
 */
#pragma once

#include "base/err.h"

/* The line; the text itself when it is no such object. */
str scope_words(str json, struct arena *arena);

/* The JSON object of a line, keys in the ledger's order, lists of texts.
 *
 * fails : MALFORMED (no mapping, a key that a scope has not, no `from`, `to` or `service`), in one
 *         sentence without a place */
MUST_USE bool scope_words_read(str line, struct arena *arena, str *out, struct err *err);
