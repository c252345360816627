/* SPDX-License-Identifier: Apache-2.0 */
/* Writing HTML that is safe whatever the evidence holds: every text goes through html_text. A page
 * is one file: styles inline, no script, no request; a Content-Security-Policy in the page forbids
 * both.
 */
#pragma once

#include "base/buf.h"

/* Text as element content or attribute value: & < > " ' escaped, control characters and invalid
 * UTF-8 replaced. */
void html_text(struct buf *out, str text);
/* Markup written by us; never evidence. */
void html_raw(struct buf *out, str markup);

/* Text whose ordinary words stay whole; what is far longer may be broken anywhere, so that no name
 * makes the page wider than the screen. */
void html_breakable(struct buf *out, str text);

void html_page_start(struct buf *out, str title);
/* more : styles of our own after those that all pages have; never evidence */
void html_page_start_styled(struct buf *out, str title, str more);
void html_page_end(struct buf *out);

/* A table whose rows become cards on narrow screens. */
struct html_column {
    str title;
    bool is_number;
};
struct html_table {
    const struct html_column *columns;
    size_t n_columns, at; /* next column of the current row */
};
struct html_table html_table_start(struct buf *out, str caption, const struct html_column *columns,
                                   size_t n_columns);
void html_table_row(struct buf *out, struct html_table *table);
/* Opens the next cell; the caller writes its content, then html_table_cell_end. */
void html_table_cell(struct buf *out, struct html_table *table);
/* kind : its class; empty = none */
void html_table_cell_kind(struct buf *out, struct html_table *table, str kind);
void html_table_cell_end(struct buf *out);
void html_table_cell_text(struct buf *out, struct html_table *table, str text);
void html_table_row_end(struct buf *out);
void html_table_end(struct buf *out);
