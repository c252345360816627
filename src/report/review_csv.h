/* SPDX-License-Identifier: Apache-2.0 */
/* The sheet of a review as a table for spreadsheets (RFC 4180, UTF-8 behind a byte order mark, as
 * Excel wants it), and what people made of it read back: any order of columns, further columns,
 * commas, semicolons or tabs, "sep=;" before it, UTF-16, either end of lines.
 *
 * A cell that a spreadsheet would take for a formula (= + - @, tab, CR) is written behind an
 * apostrophe, and so is one that begins with an apostrophe; reading takes one away where one was
 * put.
 */
#pragma once

#include "base/err.h"
#include "report/review_sheet.h"

/* Columns in their order; those from DECISION on are filled in by people. REVIEW says of which
 * review of which ledger a row is. */
#define REVIEW_CSV_COLUMNS(X)                                                                      \
    X(ID, "id")                                                                                    \
    X(OWNER, "owner")                                                                              \
    X(SCOPE, "scope")                                                                              \
    X(REASON, "reason")                                                                            \
    X(EXPIRES, "expires")                                                                          \
    X(LAST_USE, "last_use")                                                                        \
    X(CONNECTIONS, "connections")                                                                  \
    X(PROPOSAL, "proposal")                                                                        \
    X(BECAUSE, "because")                                                                          \
    X(DECISION, "decision")                                                                        \
    X(DECIDED_BY, "decided_by")                                                                    \
    X(NEW_SCOPE, "new_scope")                                                                      \
    X(NEW_OWNER, "new_owner")                                                                      \
    X(NOTE, "note")                                                                                \
    X(REVIEW, "review")
enum review_csv_column {
#define X(name, text) REVIEW_CSV_##name,
    REVIEW_CSV_COLUMNS(X)
#undef X
        REVIEW_CSV_COLUMN_COUNT
};
str review_csv_column_text(enum review_csv_column column);

void review_csv_write(struct buf *out, const struct review_sheet *sheet, struct arena *arena);

/* What the column `review` holds: "RV-2026-11/0f3a...". */
str review_csv_mark(str id, str mark, struct arena *arena);

/* One row that came back. */
struct review_csv_row {
    str cells[REVIEW_CSV_COLUMN_COUNT]; /* without the blanks around them; not there = empty */
    struct {
        uint32_t line, column;
    } places[REVIEW_CSV_COLUMN_COUNT]; /* of a column that is not there: the row's beginning */
};

/* Reads a file whole. Rows without any cell are passed over.
 *
 * rows : in order; texts live in the arena
 * fails : MALFORMED, TRUNCATED with line and column (no CSV; no column id, decision or review; a
 *         column twice; a row with more cells than the first line has; text that is not UTF-8),
 *         LIMIT */
MUST_USE bool review_csv_read(bytes content, struct arena *arena, struct review_csv_row **rows,
                              size_t *n, struct err *err);
