/* SPDX-License-Identifier: Apache-2.0 */
#include "report/html.h"

#include "report/style.h"

void html_raw(struct buf *out, str markup)
{
    buf_str(out, markup);
}

void html_text(struct buf *out, str text)
{
    size_t bad = 0;
    for (size_t at = 0, n = 1; at < text.len; at += n) {
        char c = text.ptr[at];
        n = 1;
        if ((uint8_t)c >= 0x80) {
            n = str_utf8_next(str_tail(text, at), &bad);
            buf_str(out, n ? (str){text.ptr + at, n} : S("\xEF\xBF\xBD"));
            n = n ? n : bad;
        } else if (c == '&')
            buf_str(out, S("&amp;"));
        else if (c == '<')
            buf_str(out, S("&lt;"));
        else if (c == '>')
            buf_str(out, S("&gt;"));
        else if (c == '"')
            buf_str(out, S("&quot;"));
        else if (c == '\'')
            buf_str(out, S("&#39;"));
        else if ((uint8_t)c < 0x20 && c != '\n' && c != '\t')
            buf_str(out, S("\xEF\xBF\xBD"));
        else
            buf_char(out, c);
    }
}

void html_page_start_styled(struct buf *out, str title, str more)
{
    html_raw(out, S("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                    "style-src 'unsafe-inline'; img-src data:\">\n"
                    "<link rel=\"icon\" href=\"data:,\">\n<title>"));
    html_text(out, title);
    html_raw(out, S("</title>\n<style>\n"));
    html_raw(out, str_of(style_text));
    html_raw(out, more);
    html_raw(out, S("</style>\n</head>\n<body>\n"));
}

void html_page_start(struct buf *out, str title)
{
    html_page_start_styled(out, title, (str){0});
}

void html_page_end(struct buf *out)
{
    html_raw(out, S("</body>\n</html>\n"));
}

struct html_table html_table_start(struct buf *out, str caption, const struct html_column *columns,
                                   size_t n_columns)
{
    /* The explicit roles keep it a table for screen readers when CSS turns rows into cards. */
    html_raw(out, S("<table role=\"table\" class=\"cards\">\n<caption>"));
    html_text(out, caption);
    html_raw(out, S("</caption>\n<thead role=\"rowgroup\">\n<tr role=\"row\">"));
    for (size_t i = 0; i < n_columns; i++) {
        buf_format(out, "<th role=\"columnheader\" scope=\"col\"%s>",
                   columns[i].is_number ? " class=\"number\"" : "");
        html_text(out, columns[i].title);
        html_raw(out, S("</th>"));
    }
    html_raw(out, S("</tr>\n</thead>\n<tbody role=\"rowgroup\">\n"));
    return (struct html_table){.columns = columns, .n_columns = n_columns};
}

void html_table_row(struct buf *out, struct html_table *table)
{
    table->at = 0;
    html_raw(out, S("<tr role=\"row\">"));
}

void html_table_cell_kind(struct buf *out, struct html_table *table, str kind)
{
    const struct html_column *column = &table->columns[table->at++];
    html_raw(out, S("<td role=\"cell\""));
    if (column->is_number || kind.len) {
        html_raw(out, S(" class=\""));
        html_raw(out, column->is_number ? S("number ") : S(""));
        html_text(out, kind);
        html_raw(out, S("\""));
    }
    html_raw(out, S(" data-label=\""));
    html_text(out, column->title);
    html_raw(out, S("\">"));
}

void html_table_cell(struct buf *out, struct html_table *table)
{
    html_table_cell_kind(out, table, (str){0});
}

void html_table_cell_end(struct buf *out)
{
    html_raw(out, S("</td>"));
}

void html_breakable(struct buf *out, str text)
{
    enum { LONG_WORD = 24, PIECE = 12 };
    while (text.len) {
        size_t word = 0;
        while (word < text.len && text.ptr[word] != ' ')
            word++;
        size_t end = word < text.len ? word + 1 : word;
        for (size_t at = 0, n; at < end; at += n) {
            n = word > LONG_WORD && end - at > PIECE ? PIECE : end - at;
            while (at + n < end && ((uint8_t)text.ptr[at + n] & 0xC0) == 0x80)
                n++;
            if (at) html_raw(out, S("<wbr>"));
            html_text(out, (str){text.ptr + at, n});
        }
        text = str_tail(text, end);
    }
}

void html_table_cell_text(struct buf *out, struct html_table *table, str text)
{
    html_table_cell(out, table);
    html_breakable(out, text);
    html_table_cell_end(out);
}

void html_table_row_end(struct buf *out)
{
    html_raw(out, S("</tr>\n"));
}

void html_table_end(struct buf *out)
{
    html_raw(out, S("</tbody>\n</table>\n"));
}
