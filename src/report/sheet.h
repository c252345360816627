/* SPDX-License-Identifier: Apache-2.0 */
/* A table of a report, made once: what stands on the page, in its CSV file and in its JSON are the
 * same cells. The page shows the first SHEET_MOST_ROWS and says how many more there are and where;
 * the files have them all.
 */
#pragma once

#include "base/json_write.h"

/* Rows of one table of a page: a browser lays out this many in about a second. */
enum { SHEET_MOST_ROWS = 2000 };

enum sheet_look {
    SHEET_TEXT,
    SHEET_NUMBER,  /* right-aligned; a number in JSON */
    SHEET_CODE,    /* what is typed, or a line of a file */
    SHEET_MINUTE,  /* "2026-11-02 08:14": the date stays whole */
    SHEET_TRUTH,   /* "true" or "false", as JSON has them */
    SHEET_PICTURE, /* markup of our own: on the page alone */
};

struct sheet_column {
    str title; /* "Last seen": on the page */
    str key;   /* "last_seen": in files */
    enum sheet_look look;
    bool file_only; /* not on the page */
};

struct sheet_cell {
    str text;
    str shown; /* on the page in its place: words for what files have as a plain value */
    str below; /* smaller, on the page alone */
    str kind;  /* class of the cell on the page: "broken", "soft"; empty = plain */
};

struct sheet {
    str name;    /* "broken_flows": of the file and in JSON */
    str caption; /* what it shows, in a sentence */
    str all;     /* the command that lists all of it; empty = --csv alone */
    const struct sheet_column *columns;
    size_t n_columns;
    struct sheet_cell *cells; /* row by row */
    size_t n_cells, room;
    size_t n_rows; /* all of them; kept are n_cells / n_columns */
    bool *folded;  /* per kept row: not on the page */
    size_t n_folded, folded_room;
    str note; /* below the table, on the page */
};

/* The tables of one report, in the order in which they were made. */
struct sheets {
    struct arena *arena;
    bool whole; /* keep rows that no page shows, for files */
    struct sheet **items;
    size_t n, room;
};

struct sheet *sheet_add(struct sheets *sheets, str name, str caption, str all,
                        const struct sheet_column *columns, size_t n_columns);
/* Counts a row. True: its cells are wanted, so n_columns calls of sheet_cell follow. */
bool sheet_row(struct sheets *sheets, struct sheet *sheet);
/* The same for a row that stands in files alone. */
bool sheet_row_folded(struct sheets *sheets, struct sheet *sheet);
void sheet_cell(struct sheets *sheets, struct sheet *sheet, str text);
void sheet_cell_kind(struct sheets *sheets, struct sheet *sheet, str text, str kind);
/* What stands below the text of the cell that was added last, on the page. */
void sheet_cell_below(struct sheet *sheet, str text);
/* What the page says instead of the text of the cell that was added last. */
void sheet_cell_shown(struct sheet *sheet, str text);
void sheet_cell_truth(struct sheets *sheets, struct sheet *sheet, bool value);
void sheet_cell_u64(struct sheets *sheets, struct sheet *sheet, uint64_t value);
/* "2026-11-02 08:14"; 0 = empty */
void sheet_cell_minute(struct sheets *sheets, struct sheet *sheet, int64_t instant_us);
/* "2026-11-02"; 0 = empty */
void sheet_cell_date(struct sheets *sheets, struct sheet *sheet, int64_t instant_us);
/* NULL = there is none of that name. */
const struct sheet *sheet_find(const struct sheets *sheets, str name);

void sheet_html(struct buf *out, const struct sheet *sheet);
/* RFC 4180. A cell that a spreadsheet would take for a formula (= + - @, tab or CR in front) gets
 * an apostrophe before it. */
void sheet_csv(struct buf *out, const struct sheet *sheet);
/* {"name":[{key: value}, ...], ...}; what is empty is null. */
void sheet_json(struct json *json, const struct sheets *sheets);
