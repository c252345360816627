/* SPDX-License-Identifier: Apache-2.0 */
/* CSV (RFC 4180). Reading: records of fields, quoted or not, ended by CR LF or LF. A quoted field
 * may hold separators, newlines and doubled quotes. A quote inside an unquoted field, text behind a
 * closing quote and a CR alone are errors; blank lines are passed over; a UTF-8 byte order mark at
 * the start too. Bytes of fields are given as they are.
 */
#pragma once

#include "base/err.h"

struct csv {
    str text;
    size_t at;
    char separator;
    struct arena *arena;
    uint32_t line, record_line; /* from 1: of `at`; where the last record began */
    size_t line_start;
    bool begun;
};

/* separator: ',' by the standard; ';' and tab are common too. */
struct csv csv_of(str text, char separator, struct arena *arena);
/* The next record. *found is false at the end. Fields point into the text unless they hold doubled
 * quotes; the array and those live in the arena.
 * fails: MALFORMED with line and column, TRUNCATED (a quoted field without its end), LIMIT */
MUST_USE bool csv_next(struct csv *csv, str **fields, size_t *n, bool *found, struct err *err);

/* Writes one field, quoted where it has to be. What a spreadsheet would take for a formula (= + -
 * @, tab or CR in front of more) gets an apostrophe in front: names come from evidence, and from
 * anybody.
 */
void csv_put(struct buf *out, str text);
