/* SPDX-License-Identifier: Apache-2.0 */
#include "report/review_sheet.h"

#include "base/instant.h"
#include "report/html.h"

/* What the page needs beside the style of all pages. Black on white: it is for paper. */
static const char styles[] =
    "article{border:1px solid var(--line);border-radius:6px;padding:10px 14px;margin:14px 0;"
    "break-inside:avoid}\n"
    "article h3{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline;margin:0 0 6px;"
    "font-size:1.05rem}\n"
    "article h3 .days{margin-left:auto;font-weight:400;font-size:.92rem}\n"
    "dl{display:grid;grid-template-columns:8.5rem minmax(0,1fr);gap:2px 12px;margin:0}\n"
    "dt{color:var(--soft)}dd{margin:0}\n"
    ".flag{border:1px solid currentColor;border-radius:3px;padding:0 6px;font-size:.8em;"
    "font-weight:650;color:var(--broken)}\n"
    ".ticks{display:flex;flex-wrap:wrap;gap:6px 22px;list-style:none;margin:12px 0 0;padding:8px 0 "
    "0;border-top:1px solid var(--line)}\n"
    ".box{display:inline-block;width:.85em;height:.85em;border:1.5px solid currentColor;"
    "margin-right:.45em;vertical-align:-.08em}\n"
    ".signs{display:grid;grid-template-columns:2fr 2fr 1fr;gap:18px;margin-top:34px}\n"
    ".signs span{border-top:1px solid var(--ink);padding-top:2px;font-size:.8rem;"
    "color:var(--soft)}\n"
    "@media print{article{padding:6pt 9pt;margin:8pt 1px}article h3{font-size:11pt}article h3 "
    ".days{font-size:9pt}dl{grid-template-columns:72pt minmax(0,1fr);font-size:8.5pt;gap:0 "
    "8pt;line-height:1.3}.ticks{margin-top:6pt;padding-top:5pt;font-size:9pt}.signs{margin-top:"
    "20pt}.signs span{font-size:8pt}footer{font-size:8pt}}\n";

str review_sheet_minute(int64_t instant_us, struct arena *arena)
{
    char text[INSTANT_TEXT];
    str full = instant_text(text, instant_us);
    return str_format(arena, "%.*s %.*s UTC", STR_ARG(str_head(full, 10)),
                      STR_ARG(str_head(str_tail(full, 11), 5)));
}

static str day_text(int64_t instant_us, struct arena *arena)
{
    char text[INSTANT_TEXT];
    return str_copy(arena, str_head(instant_text(text, instant_us), 10));
}

static void pair(struct buf *out, const char *name, str value)
{
    if (!value.len) return;
    buf_format(out, "<dt>%s</dt><dd>", name);
    html_text(out, value);
    html_raw(out, S("</dd>\n"));
}

static void code_pair(struct buf *out, const char *name, str value)
{
    if (!value.len) return;
    buf_format(out, "<dt>%s</dt><dd><code>", name);
    html_text(out, value);
    html_raw(out, S("</code></dd>\n"));
}

/* ---- One exception ------------------------------------------------------------------------------
 */

/* Whole days that are left, rounded down: "0 days left" is today. */
static void put_days(struct buf *out, const struct review_sheet *sheet,
                     const struct review_sheet_row *row)
{
    int64_t left_us = row->expires_us - sheet->started_us;
    html_raw(out, S("<span class=\"days\">"));
    if (row->is_over) {
        int64_t days = -left_us / INSTANT_DAY;
        buf_format(out, "<span class=\"flag\">ended</span> %" PRId64 " day%s ago", days,
                   days == 1 ? "" : "s");
    } else {
        int64_t days = left_us / INSTANT_DAY;
        buf_format(out, "%" PRId64 " day%s left", days, days == 1 ? "" : "s");
    }
    html_raw(out, S("</span>"));
}

static str use_text(const struct review_sheet_row *row, struct arena *arena)
{
    if (!row->has_use) return S("not known: the workspace has no evidence");
    if (!row->last_use_us) return S("never");
    return str_format(arena, "%" PRIu64 " connection%s, the last one %.*s", row->connections,
                      row->connections == 1 ? "" : "s",
                      STR_ARG(review_sheet_minute(row->last_use_us, arena)));
}

static str owner_text(const struct review_sheet_row *row, struct arena *arena)
{
    if (!row->deputy.len) return row->owner;
    return str_format(arena, "%.*s (deputy %.*s)", STR_ARG(row->owner), STR_ARG(row->deputy));
}

static void put_owner(struct buf *out, const struct review_sheet_row *row, struct arena *arena)
{
    html_raw(out, S("<dt>owner</dt><dd>"));
    html_text(out, owner_text(row, arena));
    if (row->is_orphaned)
        html_raw(out, S(" <span class=\"flag\">orphaned</span> the directory does not have this "
                        "person any more: transfer or remove"));
    html_raw(out, S("</dd>\n"));
}

static void put_ticks(struct buf *out)
{
    static const char *const words[] = {"keep", "narrow", "remove", "transfer to ____________",
                                        "promote"};
    html_raw(out, S("<ul class=\"ticks\">\n"));
    for (size_t i = 0; i < COUNT_OF(words); i++)
        buf_format(out, "<li><span class=\"box\"></span>%s</li>\n", words[i]);
    html_raw(out, S("</ul>\n<div class=\"signs\"><span>decided by (owner or deputy)</span>"
                    "<span>signature</span><span>date</span></div>\n"));
}

static void put_row(struct buf *out, const struct review_sheet *sheet,
                    const struct review_sheet_row *row, struct arena *arena)
{
    html_raw(out, S("<article>\n<h3>"));
    html_text(out, row->id);
    if (row->is_break_glass) html_raw(out, S(" <span class=\"flag\">break-glass</span>"));
    put_days(out, sheet, row);
    html_raw(out, S("</h3>\n<dl>\n"));
    put_owner(out, row, arena);
    pair(out, "requested by", row->requester);
    code_pair(out, "scope", row->scope);
    pair(out, "reason", row->reason);
    pair(out, "ticket", row->ticket);
    pair(out, "risk", row->risk);
    pair(out, "control", row->control);
    pair(out, "expires", row->expires);
    pair(out, "use", use_text(row, arena));
    html_raw(out, S("<dt>proposal</dt><dd><strong>"));
    html_text(out, row->proposal);
    html_raw(out, S("</strong>: "));
    html_text(out, row->because);
    html_raw(out, S("</dd>\n"));
    code_pair(out, "narrower", row->narrower);
    code_pair(out, "policy line", row->line);
    html_raw(out, S("</dl>\n"));
    put_ticks(out);
    html_raw(out, S("</article>\n"));
}

/* ---- The page -----------------------------------------------------------------------------------
 */

static void put_pending(struct buf *out, const struct review_sheet *sheet, struct arena *arena)
{
    static const struct html_column columns[] = {
        {{"Exception", 9}, false},
        {{"Waits for", 9}, false},
        {{"Owner", 5},     false},
        {{"Asked", 5},     false},
        {{"Expires", 7},   false},
        {{"Approvals", 9}, true },
    };
    if (!sheet->n_pending) return;
    html_raw(out, S("<h2>Waiting for approval</h2>\n<p class=\"soft\">These open nothing more than "
                    "before until enough people approve them; they are not decided here.</p>\n"));
    struct html_table table =
        html_table_start(out, S("Requests, renewals and narrowings"), columns, COUNT_OF(columns));
    for (size_t i = 0; i < sheet->n_pending; i++) {
        const struct review_sheet_pending *p = &sheet->pending[i];
        html_table_row(out, &table);
        html_table_cell_text(out, &table, p->id);
        html_table_cell_text(out, &table, p->what);
        html_table_cell_text(out, &table, p->owner);
        html_table_cell_text(out, &table, day_text(p->since_us, arena));
        html_table_cell_text(out, &table, p->expires);
        html_table_cell_text(out, &table,
                             str_format(arena, "%" PRIu64 " of %" PRIu64, p->given, p->needed));
        html_table_row_end(out);
    }
    html_table_end(out);
}

static void put_head(struct buf *out, const struct review_sheet *sheet, struct arena *arena)
{
    html_raw(out, S("<header>\n<h1>Review of exceptions "));
    html_text(out, sheet->id);
    html_raw(out, S("</h1>\n<p class=\"soft\">"));
    if (sheet->organisation.len) {
        html_text(out, sheet->organisation);
        html_raw(out, S(" \xC2\xB7 "));
    }
    html_raw(out, S("as of "));
    html_text(out, review_sheet_minute(sheet->started_us, arena));
    html_raw(out, S(" \xC2\xB7 to be decided until <strong>"));
    html_text(out, day_text(sheet->due_us, arena));
    html_raw(out, S("</strong></p>\n"));
}

static void put_summary(struct buf *out, const struct review_sheet *sheet)
{
    size_t n_glass = 0, n_orphaned = 0, n_over = 0;
    for (size_t i = 0; i < sheet->n; i++) {
        n_glass += sheet->rows[i].is_break_glass;
        n_orphaned += sheet->rows[i].is_orphaned;
        n_over += sheet->rows[i].is_over;
    }
    buf_format(out,
               "<p>%zu exception%s: %zu break-glass, %zu with an owner who has left, %zu that "
               "ended and nobody has closed. %zu wait%s for approval.</p>\n",
               sheet->n, sheet->n == 1 ? "" : "s", n_glass, n_orphaned, n_over, sheet->n_pending,
               sheet->n_pending == 1 ? "s" : "");
    html_raw(
        out,
        S("<p>Each is decided by its owner or deputy: <strong>keep</strong> it until its end, "
          "<strong>narrow</strong> it to what is used (goes through approval), "
          "<strong>remove</strong> it, <strong>transfer</strong> it to another owner, or "
          "<strong>promote</strong> it to a line of the policy. Decisions go into the .csv beside "
          "this sheet, which <code>sallyport review close</code> reads.</p>\n</header>\n"));
}

void review_sheet_write(struct buf *out, const struct review_sheet *sheet, struct arena *arena)
{
    html_page_start_styled(out, str_format(arena, "Review %.*s", STR_ARG(sheet->id)),
                           str_of(styles));
    put_head(out, sheet, arena);
    put_summary(out, sheet);
    html_raw(out, S("<main>\n"));
    for (size_t i = 0; i < sheet->n; i++)
        put_row(out, sheet, &sheet->rows[i], arena);
    if (!sheet->n) html_raw(out, S("<p>There is nothing to decide.</p>\n"));
    put_pending(out, sheet, arena);
    html_raw(out, S("</main>\n<footer>"));
    html_text(out, sheet->id);
    html_raw(out, S(" \xC2\xB7 mark "));
    html_text(out, sheet->mark);
    html_raw(out, S(" (of the ledger's entry that started this review)</footer>\n"));
    html_page_end(out);
}
