/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix as a picture (SVG): one row per client, one column per server, both in bands by
 * segment; a cell tells the verdict by colour and by sign. Past a readable size, rows and columns
 * are whole segments and cells carry counts: everything is in the picture at every size.
 */
#pragma once

#include "base/buf.h"

#define PICTURE_VERDICTS(X)                                                                        \
    X(NONE, "never seen", "")                                                                      \
    X(SEEN, "seen", "\xE2\x97\x8F")                                                                \
    X(KEPT, "kept", "\xE2\x9C\x93")                                                                \
    X(STOPPED, "stopped as intended", "\xE2\x80\x93")                                              \
    X(UNDECIDED, "not decidable, or escapes", "?")                                                 \
    X(BROKEN, "would break", "\xC3\x97")

/* In order of gravity: a cell that stands for several flows shows the gravest. */
enum picture_verdict {
#define X(name, text, sign) PICTURE_##name,
    PICTURE_VERDICTS(X)
#undef X
        PICTURE_COUNT
};

struct picture_axis {
    str label; /* host name or address */
    str group; /* segment; equal neighbours form a band */
};

struct picture_cell {
    size_t row, column;
    enum picture_verdict verdict;
    uint64_t flows;
    str title; /* shown on hover */
};

struct picture {
    const struct picture_axis *rows, *columns; /* sorted by group */
    size_t n_rows, n_columns;
    const struct picture_cell *cells;
    size_t n_cells;
};

/* Rows and columns past which segments are drawn instead of hosts. */
enum { PICTURE_MOST_ROWS = 60, PICTURE_MOST_COLUMNS = 40 };

void picture_draw(struct buf *out, const struct picture *picture, struct arena scratch);
