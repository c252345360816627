/* SPDX-License-Identifier: Apache-2.0 */
#include "report/past.h"

#include "base/instant.h"
#include "base/json_scan.h"
#include "report/html.h"

/* ---- Reading ------------------------------------------------------------------------------------
 */

/* A member of an object that is a number; UINT64_MAX = there is none. */
static uint64_t number_member(str object, str within, str key, struct arena scratch)
{
    struct json_scan scan = json_scan_of(object, 0, &scratch);
    struct json_scan_item item = {0};
    struct err err = {0};
    unsigned depth = within.len ? 2 : 1;
    bool inside = !within.len, is_here = false;
    int64_t value = 0;
    while (json_scan_next(&scan, &item, &err) && item.kind != JSON_SCAN_END) {
        if (item.kind == JSON_SCAN_KEY && scan.depth == 1 && within.len)
            inside = str_equal(item.text, within);
        if (item.kind == JSON_SCAN_KEY && scan.depth == depth)
            is_here = inside && str_equal(item.text, key);
        else if (is_here && item.kind == JSON_SCAN_NUMBER)
            return json_scan_i64(item.text, &value) && value >= 0 ? (uint64_t)value : UINT64_MAX;
    }
    return UINT64_MAX;
}

/* All figures in one pass over the object. */
static void read_figures(str data, uint64_t *figures, struct arena scratch)
{
    struct json_scan scan = json_scan_of(data, 0, &scratch);
    struct json_scan_item item = {0};
    struct err err = {0};
    bool inside = false;
    size_t at = SIZE_MAX;
    int64_t value = 0;
    for (size_t i = 0; i < figures_n_rows; i++)
        figures[i] = UINT64_MAX;
    while (json_scan_next(&scan, &item, &err) && item.kind != JSON_SCAN_END) {
        if (item.kind == JSON_SCAN_KEY && scan.depth == 1)
            inside = str_equal(item.text, S("figures"));
        if (item.kind == JSON_SCAN_KEY && scan.depth == 2 && inside)
            for (at = 0; at < figures_n_rows && !str_equal(figures_rows[at].name, item.text);)
                at++;
        if (item.kind == JSON_SCAN_NUMBER && inside && at < figures_n_rows &&
            json_scan_i64(item.text, &value) && value >= 0)
            figures[at] = (uint64_t)value;
    }
}

static void add_report(struct past *past, const struct ledger_entry *entry, str data,
                       struct arena *arena)
{
    struct past_report report = {.at_us = entry->time_us, .entry = entry->number};
    report.kind = str_copy(arena, entry_text_member(data, S("report"), arena));
    uint64_t score = number_member(data, (str){0}, S("score"), *arena);
    if (score > 1000) return;
    if (!instant_parse(entry_text_member(data, S("as-of"), arena), &report.as_of_us))
        report.as_of_us = entry->time_us;
    report.score = (uint32_t)score;
    report.figures = arena_array(arena, uint64_t, figures_n_rows);
    struct arena scratch = arena_open("figures", 1 << 22, NULL);
    read_figures(data, report.figures, scratch);
    arena_close(&scratch);
    arena_grow(arena, past->reports, past->n, past->room);
    past->reports[past->n++] = report;
}

static void add_policy(struct past *past, const struct ledger_entry *entry, str data,
                       struct arena *arena)
{
    struct past_policy policy = {
        .at_us = entry->time_us,
        .entry = entry->number,
        .digest = str_copy(arena, entry_text_member(data, S("sha256"), arena)),
        .source = str_copy(arena, entry_text_member(data, S("source"), arena)),
    };
    arena_grow(arena, past->policies, past->n_policies, past->policies_room);
    past->policies[past->n_policies++] = policy;
}

void past_add(struct past *past, const struct ledger_entry *entry, struct arena *arena)
{
    struct entry_text parts = {0};
    struct err err = {0};
    if (entry->kind != LEDGER_REPORTED && entry->kind != LEDGER_POLICY) return;
    if (!entry_text_parse(str_copy(arena, entry->body), arena, &parts, &err)) return;
    if (entry->kind == LEDGER_REPORTED) add_report(past, entry, parts.data, arena);
    if (entry->kind == LEDGER_POLICY) add_policy(past, entry, parts.data, arena);
}

const struct past_report *past_at(const struct past *past, int64_t as_of_us)
{
    for (size_t i = past->n; i > 0; i--)
        if (past->reports[i - 1].as_of_us <= as_of_us) return &past->reports[i - 1];
    return NULL;
}

/* ---- Writing ------------------------------------------------------------------------------------
 */

str past_entry(str kind, str page_sha256, int64_t as_of_us, const struct figures *figures,
               const struct grade *grade, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    char letter[2] = {grade->letter, 0};
    json_object(&json);
    json_member_str(&json, S("report"), kind);
    json_member_str(&json, S("page"), page_sha256);
    json_key(&json, S("as-of"));
    json_instant(&json, as_of_us);
    json_member_str(&json, S("grade"), str_of(letter));
    json_member_u64(&json, S("score"), grade->score);
    json_key(&json, S("figures"));
    json_object(&json);
    for (size_t i = 0; i < figures_n_rows; i++)
        json_member_u64(&json, figures_rows[i].name, figures_value(figures, i));
    json_object_end(&json);
    json_object_end(&json);
    return buf_text(&out);
}

/* ---- The trend ----------------------------------------------------------------------------------
 */

struct trend_point {
    int64_t at_us;
    uint32_t score;
};

/* The last report of each day, the newest TREND_MOST of them, then the present one. */
static size_t trend_points(const struct past *past, int64_t as_of_us, uint32_t score,
                           struct trend_point *out, size_t most)
{
    size_t n = 0, first = past->n;
    int32_t day = instant_day(as_of_us);
    for (size_t i = past->n; i > 0 && n + 1 < most; i--) {
        int32_t at = instant_day(past->reports[i - 1].as_of_us);
        if (at >= day) continue;
        day = at;
        first = i - 1;
        n++;
    }
    size_t kept = 0;
    for (size_t i = first; i < past->n && kept < n; i++) {
        const struct past_report *r = &past->reports[i];
        if (instant_day(r->as_of_us) >= instant_day(as_of_us)) continue;
        bool same = kept && instant_day(out[kept - 1].at_us) == instant_day(r->as_of_us);
        if (!same && kept && r->as_of_us < out[kept - 1].at_us) continue;
        out[same ? kept - 1 : kept] = (struct trend_point){r->as_of_us, r->score};
        kept += !same;
    }
    out[kept++] = (struct trend_point){as_of_us, score};
    return kept;
}

enum { TREND_MOST = 24, TREND_WIDTH = 320, TREND_TOP = 22, TREND_HEIGHT = 64, TREND_LEFT = 8 };

static size_t point_x(const struct trend_point *points, size_t n, size_t at)
{
    int64_t span = points[n - 1].at_us - points[0].at_us;
    enum { ROOM = TREND_WIDTH - 2 * TREND_LEFT - 60 };
    if (span <= 0) return TREND_LEFT;
    return TREND_LEFT +
           (size_t)((points[at].at_us - points[0].at_us) / 1000 * ROOM / (span / 1000 + 1));
}

static size_t point_y(uint32_t score)
{
    return TREND_TOP + TREND_HEIGHT - (size_t)score * TREND_HEIGHT / 1000;
}

static void put_label(struct buf *out, size_t x, const struct trend_point *point, bool is_last)
{
    char text[INSTANT_TEXT];
    buf_format(out, "<text x=\"%zu\" y=\"%zu\"%s>%u</text>", is_last ? x + 10 : x,
               is_last ? point_y(point->score) + 4 : point_y(point->score) - 9,
               is_last ? " style=\"font-weight:650\"" : "", point->score / 10);
    buf_format(out, "<text class=\"soft\" x=\"%zu\" y=\"%d\"%s>", x, TREND_TOP + TREND_HEIGHT + 18,
               is_last ? " text-anchor=\"end\"" : "");
    html_text(out, str_head(instant_text(text, point->at_us), 10));
    html_raw(out, S("</text>"));
}

void past_draw(struct buf *out, const struct past *past, int64_t as_of_us, uint32_t score,
               struct arena scratch)
{
    struct trend_point *points = arena_array(&scratch, struct trend_point, TREND_MOST + 1);
    size_t n = trend_points(past, as_of_us, score, points, TREND_MOST);
    if (n < 2) return;
    buf_format(out,
               "<div class=\"trend\"><svg class=\"trendline\" viewBox=\"0 0 %d %d\" role=\"img\" "
               "aria-label=\"Grade over time: from %u to %u of 100\">",
               TREND_WIDTH, TREND_TOP + TREND_HEIGHT + 24, points[0].score / 10, score / 10);
    buf_format(out, "<line class=\"grid\" x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>",
               TREND_TOP + TREND_HEIGHT, TREND_WIDTH, TREND_TOP + TREND_HEIGHT);
    html_raw(out, S("<polyline class=\"line\" points=\""));
    for (size_t i = 0; i < n; i++)
        buf_format(out, "%s%zu,%zu", i ? " " : "", point_x(points, n, i), point_y(points[i].score));
    html_raw(out, S("\"/>"));
    for (size_t i = 0; i < n; i++)
        buf_format(out, "<circle class=\"%s\" cx=\"%zu\" cy=\"%zu\" r=\"%d\"/>",
                   i + 1 == n ? "now" : "dot", point_x(points, n, i), point_y(points[i].score),
                   i + 1 == n ? 6 : 3);
    put_label(out, point_x(points, n, 0), &points[0], false);
    put_label(out, point_x(points, n, n - 1), &points[n - 1], true);
    html_raw(out, S("</svg></div>\n"));
}
