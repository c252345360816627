/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include "base/csv.h"

struct table table_of(struct arena *arena, const struct table_column *columns, size_t n_columns)
{
    return (struct table){.arena = arena, .columns = columns, .n_columns = n_columns};
}

void table_add_toned(struct table *table, str text, enum table_tone tone)
{
    arena_grow(table->arena, table->cells, table->n_cells, table->room);
    table->cells[table->n_cells++] = (struct table_cell){text, tone};
}

void table_add(struct table *table, str text)
{
    table_add_toned(table, text, TONE_PLAIN);
}

void table_add_u64(struct table *table, uint64_t value)
{
    table_add(table, str_format(table->arena, "%" PRIu64, value));
}

static uint32_t code_point(str sequence)
{
    const uint8_t *p = (const uint8_t *)sequence.ptr;
    static const uint8_t lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t c = p[0] & lead_bits[sequence.len];
    for (size_t i = 1; i < sequence.len; i++)
        c = c << 6 | (p[i] & 0x3Fu);
    return c;
}

/* Blocks that terminals draw two columns wide (Unicode 15, EastAsianWidth W and F, the large
 * blocks). */
static bool is_wide(uint32_t c)
{
    static const uint32_t blocks[][2] = {
        {0x1100,  0x115F },
        {0x2E80,  0xA4CF },
        {0xAC00,  0xD7A3 },
        {0xF900,  0xFAFF },
        {0xFE30,  0xFE6F },
        {0xFF00,  0xFF60 },
        {0xFFE0,  0xFFE6 },
        {0x1F300, 0x1FAFF},
        {0x20000, 0x3FFFD},
    };
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        if (c >= blocks[i][0] && c <= blocks[i][1]) return true;
    return false;
}

/* Control characters, C1 among them (U+009B begins a sequence as ESC [ does), line and paragraph
 * separators, and what turns the direction of the text around it. */
static bool is_obeyed(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200E && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

/* Bytes of s that fit into `room` columns; *columns gets what they take. */
/* Most text is: one column each, and nothing that a terminal would obey. */
static bool is_plain(char c)
{
    return c >= ' ' && c <= '~';
}

static size_t fit(str s, size_t room, size_t *columns)
{
    size_t at = 0, bad = 0;
    *columns = 0;
    while (at < s.len) {
        if (is_plain(s.ptr[at])) {
            if (*columns == room) break;
            ++*columns;
            at++;
            continue;
        }
        size_t n = str_utf8_next(str_tail(s, at), &bad);
        size_t wide = n && is_wide(code_point((str){s.ptr + at, n})) ? 2 : 1;
        if (*columns + wide > room) break;
        *columns += wide;
        at += n ? n : bad;
    }
    return at;
}

size_t table_width(str text)
{
    size_t columns = 0;
    (void)fit(text, SIZE_MAX / 2, &columns);
    return columns;
}

void table_tone(struct buf *out, str text, enum table_tone tone, bool colour)
{
    /* Blue and orange rather than green and red: told apart by everyone. */
    static const char *const codes[] = {"",         "\033[34m", "\033[38;5;208m",
                                        "\033[33m", "\033[2m",  "\033[1m"};
    bool toned = colour && tone != TONE_PLAIN;
    if (toned) buf_str(out, str_of(codes[tone]));
    /* Evidence and policies may hold such characters; a terminal must not obey them. */
    size_t bad = 1;
    for (size_t n; text.len; text = str_tail(text, n ? n : bad)) {
        for (n = 0; n < text.len && is_plain(text.ptr[n]); n++)
            ;
        if (n) {
            buf_str(out, str_head(text, n));
            continue;
        }
        n = str_utf8_next(text, &bad);
        str one = str_head(text, n);
        buf_str(out, n && !is_obeyed(code_point(one)) ? one : S("?"));
    }
    if (toned) buf_str(out, S("\033[0m"));
}

static void print_cell(struct buf *out, const struct table_column *column, struct table_cell cell,
                       size_t width, bool last, bool colour)
{
    size_t columns = 0;
    bool cut = false;
    size_t n = fit(cell.text, width, &columns);
    if (n < cell.text.len) {
        cut = true;
        n = fit(cell.text, width ? width - 1 : 0, &columns);
        columns++;
    }
    size_t padding = width > columns ? width - columns : 0;
    if (column->align == ALIGN_RIGHT) buf_repeat(out, ' ', padding);
    table_tone(out, str_head(cell.text, n), cell.tone, colour);
    if (cut) buf_str(out, S("\xE2\x80\xA6"));
    if (column->align == ALIGN_LEFT && !last) buf_repeat(out, ' ', padding);
}

void table_print_text(const struct table *table, struct buf *out, bool colour)
{
    size_t n = table->n_columns;
    size_t *widths = arena_array(table->arena, size_t, n ? n : 1);
    for (size_t i = 0; i < n; i++)
        widths[i] = table_width(table->columns[i].title);
    for (size_t i = 0; i < table->n_cells; i++) {
        size_t width = table_width(table->cells[i].text);
        if (width > widths[i % n]) widths[i % n] = width;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned widest = table->columns[i].widest;
        if (widest && widths[i] > widest) widths[i] = widest;
    }
    for (size_t i = 0; i < n; i++) {
        struct table_cell title = {table->columns[i].title, TONE_STRONG};
        print_cell(out, &table->columns[i], title, widths[i], i + 1 == n, colour);
        buf_str(out, i + 1 == n ? S("\n") : S("  "));
    }
    for (size_t i = 0; i < table->n_cells; i++) {
        size_t column = i % n;
        print_cell(out, &table->columns[column], table->cells[i], widths[column], column + 1 == n,
                   colour);
        buf_str(out, column + 1 == n ? S("\n") : S("  "));
    }
}

void table_print_csv(const struct table *table, struct buf *out)
{
    size_t n = table->n_columns;
    for (size_t i = 0; i < n; i++) {
        csv_put(out, table->columns[i].title);
        buf_str(out, i + 1 == n ? S("\r\n") : S(","));
    }
    for (size_t i = 0; i < table->n_cells; i++) {
        csv_put(out, table->cells[i].text);
        buf_str(out, i % n + 1 == n ? S("\r\n") : S(","));
    }
}
