/* SPDX-License-Identifier: Apache-2.0 */
#include "report/picture.h"

#include "report/html.h"

static const char *const texts[] = {
#define X(name, text, sign) text,
    PICTURE_VERDICTS(X)
#undef X
};

static const char *const signs[] = {
#define X(name, text, sign) sign,
    PICTURE_VERDICTS(X)
#undef X
};

/* How a cell of each verdict is drawn: class of the square, class of its sign. */
static const struct {
    const char *square, *sign;
} looks[PICTURE_COUNT] = {
    [PICTURE_NONE] = {"",          ""   },
    [PICTURE_SEEN] = {"s-kept",    "on" },
    [PICTURE_KEPT] = {"s-kept",    "on" },
    [PICTURE_STOPPED] = {"s-stopped", "off"},
    [PICTURE_UNDECIDED] = {"s-blind",   "q"  },
    [PICTURE_BROKEN] = {"s-broken",  "on" },
};

enum { CELL = 24, GAP = 8, LETTER = 7, LEGEND = 34 };

/* Rows or columns folded into their groups. */
static struct picture_axis *fold(const struct picture_axis *axis, size_t n, size_t *index,
                                 size_t *n_groups, struct arena *arena)
{
    struct picture_axis *groups = arena_array(arena, struct picture_axis, n + 1);
    *n_groups = 0;
    for (size_t i = 0; i < n; i++) {
        bool same = *n_groups && str_equal(groups[*n_groups - 1].group, axis[i].group);
        if (!same) groups[(*n_groups)++] = (struct picture_axis){axis[i].group, axis[i].group};
        index[i] = *n_groups - 1;
    }
    return groups;
}

/* The same picture with segments in place of hosts. */
static struct picture folded(const struct picture *p, struct arena *arena)
{
    size_t *rows = arena_array(arena, size_t, p->n_rows + 1);
    size_t *columns = arena_array(arena, size_t, p->n_columns + 1);
    struct picture out = {0};
    out.rows = fold(p->rows, p->n_rows, rows, &out.n_rows, arena);
    out.columns = fold(p->columns, p->n_columns, columns, &out.n_columns, arena);
    struct picture_cell *cells =
        arena_array(arena, struct picture_cell, out.n_rows * out.n_columns + 1);
    for (size_t i = 0; i < p->n_cells; i++) {
        size_t row = rows[p->cells[i].row], column = columns[p->cells[i].column];
        struct picture_cell *cell = &cells[row * out.n_columns + column];
        cell->row = row;
        cell->column = column;
        cell->flows += p->cells[i].flows;
        if (p->cells[i].verdict > cell->verdict) cell->verdict = p->cells[i].verdict;
    }
    for (size_t i = 0; i < out.n_rows * out.n_columns; i++)
        if (cells[i].flows) {
            cells[i].title = str_format(arena, "%" PRIu64 " flows", cells[i].flows);
            cells[out.n_cells++] = cells[i];
        }
    out.cells = cells;
    return out;
}

/* Places of rows or columns: CELL apart, with a gap between groups. Returns where the last one
 * ends. */
static size_t place(const struct picture_axis *axis, size_t n, size_t start, size_t *at)
{
    for (size_t i = 0; i < n; i++) {
        if (i && !str_equal(axis[i].group, axis[i - 1].group)) start += GAP;
        at[i] = start;
        start += CELL;
    }
    return start;
}

static size_t longest(const struct picture_axis *axis, size_t n, bool groups)
{
    size_t most = 8;
    for (size_t i = 0; i < n; i++) {
        size_t len = groups ? axis[i].group.len : axis[i].label.len;
        if (len > most) most = len;
    }
    return most < 30 ? most : 30;
}

static void label(struct buf *out, str text)
{
    html_text(out, str_head(text, 30));
}

/* Bands behind the rows and columns of one segment, with the segment's name. */
static void draw_row_bands(struct buf *out, const struct picture *p, const size_t *ys, size_t right)
{
    for (size_t i = 0; i < p->n_rows;) {
        size_t n = 1;
        while (i + n < p->n_rows && str_equal(p->rows[i + n].group, p->rows[i].group))
            n++;
        buf_format(out,
                   "<rect class=\"band\" x=\"0\" y=\"%zu\" width=\"%zu\" height=\"%zu\" "
                   "rx=\"4\"/><text class=\"soft\" x=\"6\" y=\"%zu\">",
                   ys[i], right, n * CELL, ys[i] + 16);
        label(out, p->rows[i].group);
        html_raw(out, S("</text>\n"));
        i += n;
    }
}

/* Below the columns: what segment they are of. */
static void draw_column_bands(struct buf *out, const struct picture *p, const size_t *xs,
                              size_t bottom)
{
    for (size_t i = 0; i < p->n_columns;) {
        size_t n = 1;
        while (i + n < p->n_columns && str_equal(p->columns[i + n].group, p->columns[i].group))
            n++;
        buf_format(out,
                   "<line class=\"edge\" x1=\"%zu\" y1=\"%zu\" x2=\"%zu\" y2=\"%zu\"/>"
                   "<text class=\"soft\" transform=\"translate(%zu %zu) rotate(48)\">",
                   xs[i] + 2, bottom + 5, xs[i + n - 1] + CELL - 2, bottom + 5, xs[i] + 6,
                   bottom + 18);
        label(out, p->columns[i].group);
        html_raw(out, S("</text>\n"));
        i += n;
    }
}

static void draw_cells(struct buf *out, const struct picture *p, const size_t *xs, const size_t *ys,
                       bool counts)
{
    for (size_t i = 0; i < p->n_cells; i++) {
        const struct picture_cell *cell = &p->cells[i];
        size_t x = xs[cell->column] + 2, y = ys[cell->row] + 2;
        html_raw(out, S("<g><title>"));
        label(out, p->rows[cell->row].label);
        html_raw(out, S(" \xE2\x86\x92 "));
        label(out, p->columns[cell->column].label);
        html_raw(out, S(": "));
        html_text(out, str_of(texts[cell->verdict]));
        if (cell->title.len) html_raw(out, S(", "));
        html_text(out, cell->title);
        buf_format(out,
                   "</title><rect class=\"%s\" x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\" "
                   "rx=\"4\"/><text class=\"%s\" x=\"%zu\" y=\"%zu\" text-anchor=\"middle\">",
                   looks[cell->verdict].square, x, y, CELL - 4, CELL - 4, looks[cell->verdict].sign,
                   x + CELL / 2 - 2, y + 15);
        if (counts && cell->flows < 1000)
            buf_u64(out, cell->flows);
        else
            html_raw(out, str_of(signs[cell->verdict]));
        html_raw(out, S("</text></g>\n"));
    }
}

/* Only the verdicts that occur. */
static void draw_legend(struct buf *out, const struct picture *p, size_t y)
{
    size_t x = 6;
    for (size_t i = PICTURE_COUNT; i-- > PICTURE_SEEN;) {
        bool occurs = false;
        for (size_t j = 0; j < p->n_cells; j++)
            occurs |= p->cells[j].verdict == i;
        if (!occurs) continue;
        buf_format(out,
                   "<rect class=\"%s\" x=\"%zu\" y=\"%zu\" width=\"18\" height=\"18\" rx=\"4\"/>"
                   "<text class=\"%s\" x=\"%zu\" y=\"%zu\" text-anchor=\"middle\">",
                   looks[i].square, x, y, looks[i].sign, x + 9, y + 14);
        html_raw(out, str_of(signs[i]));
        buf_format(out, "</text><text x=\"%zu\" y=\"%zu\">", x + 24, y + 14);
        html_raw(out, str_of(texts[i]));
        html_raw(out, S("</text>\n"));
        x += 40 + strlen(texts[i]) * LETTER;
    }
}

void picture_draw(struct buf *out, const struct picture *whole, struct arena scratch)
{
    bool fold_it = whole->n_rows > PICTURE_MOST_ROWS || whole->n_columns > PICTURE_MOST_COLUMNS;
    struct picture p = fold_it ? folded(whole, &scratch) : *whole;
    size_t *xs = arena_array(&scratch, size_t, p.n_columns + 1);
    size_t *ys = arena_array(&scratch, size_t, p.n_rows + 1);

    size_t group_width = fold_it ? 0 : longest(p.rows, p.n_rows, true) * LETTER + 14;
    size_t left = group_width + longest(p.rows, p.n_rows, false) * LETTER + 12;
    size_t top = longest(p.columns, p.n_columns, false) * LETTER * 3 / 4 + 34;
    size_t right = place(p.columns, p.n_columns, left, xs);
    size_t bottom = place(p.rows, p.n_rows, top, ys);
    /* Slanted labels lean over the right edge; the legend wants its own width. */
    size_t width = right + top > 560 ? right + top : 560;
    size_t foot = fold_it ? 0 : longest(p.columns, p.n_columns, true) * LETTER * 3 / 4 + 22;
    size_t height = bottom + foot + LEGEND;

    /* On a narrow screen the picture scrolls in its own frame: smaller, nobody could read it. */
    html_raw(out, S("<div class=\"scroll\" role=\"region\" aria-label=\"Picture of who uses whom\" "
                    "tabindex=\"0\">\n"));
    buf_format(
        out,
        "<svg viewBox=\"0 0 %zu %zu\" style=\"min-width:%zupx;max-width:%zupx\" role=\"img\" "
        "aria-label=\"Who uses whose SMB service: ",
        width, height, width * 4 / 5, width * 3 / 2);
    buf_format(out, "%zu clients in rows, %zu servers in columns\">\n", whole->n_rows,
               whole->n_columns);
    if (!fold_it) draw_row_bands(out, &p, ys, right);
    for (size_t i = 0; i < p.n_rows; i++) {
        buf_format(out, "<text x=\"%zu\" y=\"%zu\">", group_width + 2, ys[i] + 16);
        label(out, p.rows[i].label);
        html_raw(out, S("</text>\n"));
    }
    for (size_t i = 0; i < p.n_columns; i++) {
        buf_format(out,
                   "<line class=\"grid\" x1=\"%zu\" y1=\"%zu\" x2=\"%zu\" y2=\"%zu\"/>"
                   "<text transform=\"translate(%zu %zu) rotate(-48)\">",
                   xs[i] + CELL / 2, top, xs[i] + CELL / 2, bottom, xs[i] + CELL / 2 + 2, top - 6);
        label(out, p.columns[i].label);
        html_raw(out, S("</text>\n"));
    }
    if (!fold_it) draw_column_bands(out, &p, xs, bottom);
    draw_cells(out, &p, xs, ys, fold_it);
    draw_legend(out, &p, bottom + foot + 12);
    html_raw(out, S("</svg>\n</div>\n"));
}
