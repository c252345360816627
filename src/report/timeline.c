/* SPDX-License-Identifier: Apache-2.0 */
#include "report/timeline.h"

#include "base/instant.h"
#include "report/html.h"

enum { WIDTH = 266, HEIGHT = 16, PER_DAY = 2 };
static_assert(WIDTH == PER_DAY * (TIMELINE_DAYS_BEFORE + TIMELINE_DAYS_AFTER), "two units a day");

static int64_t axis_start(int64_t as_of_us)
{
    return as_of_us - TIMELINE_DAYS_BEFORE * INSTANT_DAY;
}

/* Where an instant is on the axis, cut to it. */
static size_t place(int64_t at_us, int64_t as_of_us)
{
    int64_t start = axis_start(as_of_us);
    if (at_us <= start) return 0;
    int64_t x = (at_us - start) / (INSTANT_DAY / PER_DAY);
    return x > WIDTH ? WIDTH : (size_t)x;
}

/* The first instants of the months on the axis. */
static size_t months(int64_t as_of_us, int64_t *out, size_t most)
{
    struct civil c = instant_to_civil(axis_start(as_of_us));
    int64_t end = as_of_us + TIMELINE_DAYS_AFTER * INSTANT_DAY;
    size_t n = 0;
    while (n < most) {
        c = (struct civil){.year = c.month == 12 ? c.year + 1 : c.year,
                           .month = (uint8_t)(c.month == 12 ? 1 : c.month + 1),
                           .day = 1};
        if (c.year > 9999 || instant_from_civil(c) >= end) break;
        out[n++] = instant_from_civil(c);
    }
    return n;
}

static void put_months(struct buf *out, int64_t as_of_us)
{
    int64_t at[8];
    size_t n = months(as_of_us, at, COUNT_OF(at));
    for (size_t i = 0; i < n; i++) {
        size_t x = place(at[i], as_of_us);
        buf_format(out, "<line class=\"month\" x1=\"%zu\" y1=\"0\" x2=\"%zu\" y2=\"%d\"/>", x, x,
                   HEIGHT);
    }
}

static void put_today(struct buf *out, int64_t as_of_us)
{
    size_t x = place(as_of_us, as_of_us);
    buf_format(out, "<line class=\"today\" x1=\"%zu\" y1=\"0\" x2=\"%zu\" y2=\"%d\"/>", x, x,
               HEIGHT);
}

static const char *bar_class(const struct register_row *row)
{
    if (row->carried || (row->use && row->use->passed_after)) return "bad";
    if (row->state == BOOK_PENDING || row->state == BOOK_SCHEDULED) return "asked";
    if (row->state != BOOK_ACTIVE) return "over";
    return row->break_glass || row->orphaned.len || row->overdue ? "bad" : "life";
}

str timeline_row(const struct register_row *row, int64_t as_of_us, struct arena *arena)
{
    struct buf out = buf_in(arena);
    char from[INSTANT_TEXT], to[INSTANT_TEXT];
    int64_t begins = row->starts_us > row->granted_us ? row->starts_us : row->granted_us;
    int64_t ends = row->ended_us ? row->ended_us : row->expires_us;
    if (!begins) begins = row->requested_us ? row->requested_us : ends - 90 * INSTANT_DAY;
    if (begins > ends) begins = ends;
    size_t x = place(begins, as_of_us), end = place(ends, as_of_us);
    buf_format(&out,
               "<svg class=\"span\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
               "role=\"img\" aria-label=\"from %.*s",
               WIDTH, HEIGHT, STR_ARG(str_head(instant_text(from, begins), 10)));
    buf_format(&out, " to %.*s\">", STR_ARG(str_head(instant_text(to, ends), 10)));
    put_months(&out, as_of_us);
    buf_format(&out, "<rect class=\"%s\" x=\"%zu\" y=\"4\" width=\"%zu\" height=\"8\"/>",
               bar_class(row), x, end > x + 2 ? end - x : 2);
    if (row->next_review_us && place(row->next_review_us, as_of_us) < WIDTH) {
        size_t at = place(row->next_review_us, as_of_us);
        buf_format(&out, "<rect class=\"review\" x=\"%zu\" y=\"2\" width=\"4\" height=\"12\"/>",
                   at > 2 ? at - 2 : 0);
    }
    put_today(&out, as_of_us);
    buf_str(&out, S("</svg>"));
    return buf_text(&out);
}

void timeline_key(struct buf *out, int64_t as_of_us)
{
    static const struct {
        const char *kind, *text;
    } signs[] = {
        {"life",   "in force"                                                                       },
        {"asked",  "asked for, or begins later"                                                     },
        {"bad",    "needs attention: break-glass, no owner, review overdue, ended and still carried"},
        {"over",   "ended"                                                                          },
        {"review", "review due"                                                                     },
    };
    char from[INSTANT_TEXT], to[INSTANT_TEXT];
    html_raw(out, S("<p class=\"key\">"));
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        bool narrow = i + 1 == COUNT_OF(signs);
        buf_format(out,
                   "<span><svg viewBox=\"0 0 34 14\" class=\"span\" style=\"display:inline;"
                   "min-width:0\" aria-hidden=\"true\"><rect class=\"%s\" x=\"%d\" y=\"%d\" "
                   "width=\"%d\" height=\"%d\"/></svg>%s</span>",
                   signs[i].kind, narrow ? 15 : 1, narrow ? 1 : 3, narrow ? 4 : 32, narrow ? 12 : 8,
                   signs[i].text);
    }
    buf_format(out, "<span>Each bar runs from %.*s",
               STR_ARG(str_head(instant_text(from, axis_start(as_of_us)), 10)));
    buf_format(
        out,
        " to %.*s; thin lines begin months, the strong one is the day of the report."
        "</span></p>\n",
        STR_ARG(str_head(instant_text(to, as_of_us + TIMELINE_DAYS_AFTER * INSTANT_DAY), 10)));
}
