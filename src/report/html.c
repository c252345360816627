/* SPDX-License-Identifier: Apache-2.0 */
#include "report/html.h"

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

/* Blue and orange carry the verdicts, each with its own sign, so that nobody needs to tell colours
 * apart. Every pair of text and ground has a contrast of at least 4.5 : 1 (WCAG 2.1, 1.4.3). */
static const char styles[] =
    ":root{color-scheme:light dark;--ground:#fbfbfa;--card:#fff;--ink:#1b1f24;--soft:#57606a;"
    "--line:#d8dee4;--kept:#0b5cad;--broken:#b84300;--stopped:#57606a;--blind:#6f42c1;"
    "--band:#eef1f4}\n"
    "@media(prefers-color-scheme:dark){:root{--ground:#14171b;--card:#1c2026;--ink:#e8eaed;"
    "--soft:#a8b0ba;--line:#343b44;--kept:#6cb2ff;--broken:#ff9d5c;--stopped:#a8b0ba;"
    "--blind:#c4a1ff;--band:#242a31}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif;"
    "overflow-wrap:anywhere}\n"
    "main,header,footer{max-width:1180px;margin:0 auto;padding:0 20px}\n"
    "header{padding-top:28px}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:0 0 4px}\n"
    "h2{font-size:1.25rem;margin:36px 0 10px}\n"
    "p{margin:6px 0;max-width:75ch}\n"
    ".soft{color:var(--soft)}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;"
    "margin:18px 0;padding:0;list-style:none}\n"
    ".tiles li{background:var(--card);border:1px solid var(--line);border-radius:10px;"
    "padding:12px 14px}\n"
    ".tiles strong{display:block;font-size:1.8rem;line-height:1.1}\n"
    ".banner{background:var(--card);border:1px solid var(--line);border-left:6px solid "
    "var(--blind);border-radius:8px;padding:10px 16px;margin:16px 0}\n"
    ".banner ul{margin:6px 0;padding-left:20px}\n"
    ".kept{color:var(--kept)}.broken{color:var(--broken)}.stopped{color:var(--stopped)}"
    ".blind{color:var(--blind)}\n"
    "figure{margin:12px 0;background:var(--card);border:1px solid var(--line);border-radius:10px;"
    "padding:14px}\n"
    ".scroll{overflow-x:auto}\n"
    "figure svg{display:block;width:100%;height:auto}\n"
    "figcaption{color:var(--soft);font-size:.9rem;margin-top:8px}\n"
    "svg text{fill:var(--ink);font:12px system-ui,sans-serif}\n"
    "svg .soft{fill:var(--soft)}svg .band{fill:var(--band)}svg .grid{stroke:var(--line)}svg "
    ".edge{stroke:var(--soft);stroke-width:2}\n"
    "svg .s-kept{fill:var(--kept)}svg .s-broken{fill:var(--broken)}svg .s-stopped{fill:none;"
    "stroke:var(--stopped);stroke-width:1.5}svg .s-blind{fill:none;stroke:var(--blind);"
    "stroke-width:2}svg .on{fill:var(--card);font-weight:700}svg .off{fill:var(--stopped);"
    "font-weight:700}svg .q{fill:var(--blind);font-weight:700}\n"
    "table{overflow-wrap:break-word;border-collapse:collapse;width:100%;background:var(--card);"
    "border:1px solid "
    "var(--line);border-radius:8px;font-size:.93rem}\n"
    "caption{text-align:left;color:var(--soft);padding:4px 0;font-size:.9rem}\n"
    "th,td{padding:6px 10px;border-bottom:1px solid var(--line);text-align:left;"
    "vertical-align:top}\n"
    "th{background:var(--band);font-weight:600}\n"
    "td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}\n"
    ".short{white-space:nowrap}\n"
    "code{font:.9em ui-monospace,monospace}\n"
    "footer{color:var(--soft);font-size:.88rem;padding-top:24px;padding-bottom:40px}\n"
    "@media(max-width:1040px){thead{position:absolute;width:1px;height:1px;overflow:hidden;"
    "clip-path:inset(50%)}table,tbody,tr,td{display:block}tr{border-bottom:2px solid "
    "var(--line);padding:6px 0}caption{display:block;padding:6px 12px}td{border:0;padding:2px "
    "12px;overflow-wrap:anywhere}td.number{text-align:left}"
    "td::before{content:attr(data-label) \": \";color:var(--soft)}td:empty{display:none}"
    "main,header,footer{padding-left:14px;padding-right:14px}}\n"
    "@media print{body{background:#fff;color:#000}figure,table,.tiles li{break-inside:avoid}}\n";

void html_page_start(struct buf *out, str title)
{
    html_raw(out, S("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                    "style-src 'unsafe-inline'; img-src data:\">\n"
                    "<link rel=\"icon\" href=\"data:,\">\n<title>"));
    html_text(out, title);
    html_raw(out, S("</title>\n<style>\n"));
    html_raw(out, str_of(styles));
    html_raw(out, S("</style>\n</head>\n<body>\n"));
}

void html_page_end(struct buf *out)
{
    html_raw(out, S("</body>\n</html>\n"));
}

struct html_table html_table_start(struct buf *out, str caption, const struct html_column *columns,
                                   size_t n_columns)
{
    /* The explicit roles keep it a table for screen readers when CSS turns rows into cards. */
    html_raw(out, S("<table role=\"table\">\n<caption>"));
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

void html_table_cell(struct buf *out, struct html_table *table)
{
    const struct html_column *column = &table->columns[table->at++];
    buf_format(out, "<td role=\"cell\"%s data-label=\"",
               column->is_number ? " class=\"number\"" : "");
    html_text(out, column->title);
    html_raw(out, S("\">"));
}

void html_table_cell_end(struct buf *out)
{
    html_raw(out, S("</td>"));
}

/* Ordinary words stay whole; what is far longer may be broken anywhere, so that no name makes the
 * page wider than the screen. */
static void put_breakable(struct buf *out, str text)
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
    put_breakable(out, text);
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
