/* SPDX-License-Identifier: Apache-2.0 */
/* Results as text tables (aligned, coloured on a terminal), CSV (RFC 4180) or JSON rows, from one
 * set of cells. Commands build a table and print it once; colour is never the only carrier of
 * meaning.
 */
#pragma once

#include "base/buf.h"

enum table_tone { TONE_PLAIN, TONE_GOOD, TONE_BAD, TONE_WARN, TONE_DIM, TONE_STRONG };
enum table_align { ALIGN_LEFT, ALIGN_RIGHT };

struct table_column {
    str title;
    enum table_align align;
    unsigned widest; /* longer cells are cut with an ellipsis in text form; 0 = never */
};

struct table_cell {
    str text;
    enum table_tone tone;
};

struct table {
    struct arena *arena;
    const struct table_column *columns;
    size_t n_columns;
    struct table_cell *cells; /* row by row */
    size_t n_cells, room;
};

struct table table_of(struct arena *arena, const struct table_column *columns, size_t n_columns);
/* Cells left to right, row by row; text is kept, not copied. */
void table_add(struct table *table, str text);
void table_add_toned(struct table *table, str text, enum table_tone tone);
void table_add_u64(struct table *table, uint64_t value);
/* width: of the terminal; 0 = unlimited */
void table_print_text(const struct table *table, struct buf *out, bool colour);
void table_print_csv(const struct table *table, struct buf *out);
/* Text in a tone, when colour is on; each character that a terminal would obey becomes '?'. */
void table_tone(struct buf *out, str text, enum table_tone tone, bool colour);
/* Columns the text takes on a terminal: code points, wide East Asian ones count two. */
size_t table_width(str text);
