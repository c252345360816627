/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include "report/actions.h"
#include "report/contents.h"
#include "report/front.h"
#include "report/html.h"
#include "report/pages.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* clang-format off */
static const struct {
    str text, title;
    pages_body *write;
} kinds[REPORT_KIND_COUNT] = {
#define X(name, text, title, page) [REPORT_##name] = {T(text), T(title), page},
    REPORT_KINDS(X)
#undef X
};
/* clang-format on */

str report_kind_text(enum report_kind kind)
{
    return kinds[kind].text;
}

enum report_kind report_kind_of(str text)
{
    unsigned kind = 0;
    while (kind < REPORT_KIND_COUNT && !str_equal(kinds[kind].text, text))
        kind++;
    return (enum report_kind)kind;
}

str report_effort_text(enum report_effort effort)
{
    static const str texts[] = {
        {"small",  5},
        {"medium", 6},
        {"large",  5}
    };
    return texts[effort];
}

str report_title(const struct report *report, struct arena *arena)
{
    str organisation = report->organisation.len ? report->organisation : S("this network");
    return str_format(arena, "%.*s %.*s", STR_ARG(kinds[report->kind].title),
                      STR_ARG(organisation));
}

void report_prepare(struct report *report, bool whole, struct arena *arena, struct arena scratch)
{
    (void)scratch;
    report->actions = actions_of(report, arena, &report->n_actions);
    report->sheets = contents_of(report, whole, arena);
}

void report_write(struct buf *out, const struct report *report, struct arena scratch)
{
    struct arena *arena = &scratch;
    html_page_start_styled(out, report_title(report, arena), brand_style(report->brand, arena));
    front_head(out, report, scratch);
    html_raw(out, S("<main>\n"));
    kinds[report->kind].write(out, report, scratch);
    html_raw(out, S("</main>\n"));
    front_foot(out, report);
    html_page_end(out);
}

void report_json(struct buf *out, const struct report *report, str path, uint64_t page_bytes)
{
    struct json json = json_to(out);
    char letter[2] = {report->grade->letter, 0};
    json_object(&json);
    json_member_str(&json, S("path"), path);
    json_member_u64(&json, S("bytes"), page_bytes);
    json_member_str(&json, S("report"), report_kind_text(report->kind));
    json_member_str_or_null(&json, S("organisation"), report->organisation);
    json_key(&json, S("as_of"));
    json_instant(&json, report->as_of_us);
    json_member_str(&json, S("grade"), str_of(letter));
    json_member_u64(&json, S("score"), report->grade->score);
    json_key(&json, S("since"));
    if (report->since_us == INT64_MIN)
        json_null(&json);
    else
        json_instant(&json, report->since_us);
    json_key(&json, S("tables"));
    sheet_json(&json, report->sheets);
    json_object_end(&json);
    buf_char(out, '\n');
}
