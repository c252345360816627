/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as SARIF, the form that code hosts and editors take from checkers.
 *
 * spec : OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0 */
#pragma once

#include "base/json_write.h"
#include "policy/policy.h"

struct check_sarif_result {
    str kind; /* of check_kinds */
    enum severity severity;
    str source;         /* path of the file */
    struct place place; /* 0:0 = the file as a whole */
    str text;
};

/* version : of this program
 * is_complete : the file could be examined to its end */
void check_sarif_print(const struct check_sarif_result *results, size_t n, str version,
                       bool is_complete, struct buf *out, struct arena *arena);
