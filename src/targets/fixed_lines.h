/* SPDX-License-Identifier: Apache-2.0 */
/* Files of which every line is known to the reader: scripts that are the same in each artefact but
 * for a word, and lists of remarks. */
#pragma once

#include "base/err.h"

/* Exactly these lines, each with this end ("\n" or "\r\n"), and nothing behind them.
 *
 * fails : MALFORMED, with the first line that is another, what was expected and what was found */
MUST_USE bool fixed_lines_are(str source, str content, str end, const str *lines, size_t n,
                              struct err *err);
/* Every line is a remark, "# …".
 *
 * fails : MALFORMED, with the first line that is none */
MUST_USE bool fixed_lines_remarks(str source, str content, struct err *err);
