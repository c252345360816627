/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit_figures.h"

#include "base/instant.h"
#include "base/json_scan.h"
#include "base/json_write.h"

/* clang-format off */
const struct audit_figure_entry audit_figures_table[AUDIT_FIGURE_COUNT] = {
#define X(id, name, better, text)                                                                  \
    [AUDIT_##id] = {{name, sizeof(name) - 1}, {text, sizeof(text) - 1}, AUDIT_##better},
    AUDIT_FIGURES(X)
#undef X
};
/* clang-format on */

str audit_figures_quarter(int64_t at_us, struct arena *arena)
{
    struct civil day = instant_to_civil(at_us);
    return str_format(arena, "%04" PRId32 "-Q%d", day.year, (day.month - 1) / 3 + 1);
}

void audit_figures_set(struct audit_figures *figures, enum audit_figure figure, uint64_t value)
{
    figures->known[figure] = true;
    figures->value[figure] = value;
}

/* ---- Writing ------------------------------------------------------------------------------------
 */

static bool has_row(const struct audit_figures *figures, size_t row)
{
    uint64_t all = 0;
    for (size_t v = 0; v < COMPARE_COUNT; v++)
        all += figures->rows[row][v];
    return all > 0;
}

static void write_rows(struct json *json, const struct audit_figures *figures)
{
    json_key(json, S("baseline"));
    json_object(json);
    for (size_t i = 0; i < HARDEN_ROW_COUNT; i++) {
        if (!has_row(figures, i)) continue;
        json_key(json, harden_row_text((enum harden_row)i));
        json_array(json);
        for (size_t v = 0; v < COMPARE_COUNT; v++)
            json_u64(json, figures->rows[i][v]);
        json_array_end(json);
    }
    json_object_end(json);
}

str audit_figures_data(const struct audit_figures *figures, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    json_object(&json);
    json_member_str(&json, S("quarter"), figures->quarter);
    json_key(&json, S("as-of"));
    json_instant(&json, figures->as_of_us);
    json_key(&json, S("figures"));
    json_object(&json);
    for (size_t i = 0; i < AUDIT_FIGURE_COUNT; i++)
        if (figures->known[i])
            json_member_u64(&json, audit_figures_table[i].name, figures->value[i]);
    json_object_end(&json);
    if (figures->has_rows) write_rows(&json, figures);
    json_key(&json, S("failing"));
    json_array(&json);
    for (size_t i = 0; i < figures->n_failing; i++)
        json_str(&json, figures->failing[i]);
    json_array_end(&json);
    json_object_end(&json);
    return buf_text(&out);
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

struct reading_figures {
    struct json_scan scan;
    struct arena *arena;
    struct audit_figures *out;
    struct err err; /* of the scan */
};

static bool next(struct reading_figures *r, struct json_scan_item *item)
{
    return json_scan_next(&r->scan, item, &r->err);
}

static bool next_count(struct reading_figures *r, uint64_t *out)
{
    struct json_scan_item item;
    int64_t value = 0;
    if (!next(r, &item) || item.kind != JSON_SCAN_NUMBER || !json_scan_i64(item.text, &value) ||
        value < 0)
        return false;
    *out = (uint64_t)value;
    return true;
}

static bool skip_value(struct reading_figures *r)
{
    struct json_scan_item item;
    return next(r, &item) && json_scan_skip(&r->scan, item, &r->err);
}

static bool take_figure(struct reading_figures *r, str name)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < AUDIT_FIGURE_COUNT; i++) {
        if (!str_equal(name, audit_figures_table[i].name)) continue;
        if (!next_count(r, &value)) return false;
        audit_figures_set(r->out, (enum audit_figure)i, value);
        return true;
    }
    return skip_value(r);
}

static bool take_row(struct reading_figures *r, str name)
{
    struct json_scan_item item;
    for (unsigned i = 0; i < HARDEN_ROW_COUNT; i++) {
        if (!str_equal(name, harden_row_text((enum harden_row)i))) continue;
        if (!next(r, &item) || item.kind != JSON_SCAN_ARRAY) return false;
        for (size_t v = 0; v < COMPARE_COUNT; v++)
            if (!next_count(r, &r->out->rows[i][v])) return false;
        return next(r, &item) && item.kind == JSON_SCAN_ARRAY_END;
    }
    return skip_value(r);
}

/* The members of an object, each given to take with its key. */
static bool each_member(struct reading_figures *r, bool (*take)(struct reading_figures *r, str key))
{
    struct json_scan_item item;
    if (!next(r, &item) || item.kind != JSON_SCAN_OBJECT) return false;
    for (;;) {
        if (!next(r, &item)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) return true;
        if (!take(r, item.text)) return false;
    }
}

static bool take_failing(struct reading_figures *r)
{
    struct json_scan_item item;
    str *items = NULL;
    size_t n = 0, room = 0;
    if (!next(r, &item) || item.kind != JSON_SCAN_ARRAY) return false;
    for (;;) {
        if (!next(r, &item)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) break;
        if (item.kind != JSON_SCAN_STRING) return false;
        arena_grow(r->arena, items, n, room);
        items[n++] = str_copy(r->arena, item.text);
    }
    r->out->failing = items;
    r->out->n_failing = n;
    return true;
}

static bool take_top(struct reading_figures *r, str key)
{
    struct json_scan_item item;
    if (str_equal(key, S("figures"))) return each_member(r, take_figure);
    if (str_equal(key, S("failing"))) return take_failing(r);
    if (str_equal(key, S("baseline"))) {
        r->out->has_rows = true;
        return each_member(r, take_row);
    }
    bool is_quarter = str_equal(key, S("quarter")), is_as_of = str_equal(key, S("as-of"));
    if (!is_quarter && !is_as_of) return skip_value(r);
    if (!next(r, &item) || item.kind != JSON_SCAN_STRING) return false;
    if (is_as_of) return instant_parse(item.text, &r->out->as_of_us);
    r->out->quarter = str_copy(r->arena, item.text);
    return true;
}

bool audit_figures_read(str data, struct arena *arena, struct audit_figures *out, struct err *err)
{
    struct audit_figures figures = {0};
    struct reading_figures r = {
        .scan = json_scan_of(data, 0, arena), .arena = arena, .out = &figures};
    if (!each_member(&r, take_top) || !figures.quarter.len)
        return err_set(err, ERR_MALFORMED, "the figures are not what docs/reviews.md says");
    *out = figures;
    return true;
}

/* ---- Comparing ----------------------------------------------------------------------------------
 */

enum audit_trend audit_figures_trend(const struct audit_figures *now,
                                     const struct audit_figures *before, enum audit_figure figure)
{
    enum audit_better better = audit_figures_table[figure].better;
    if (!before || !now->known[figure] || !before->known[figure]) return AUDIT_NO_TREND;
    uint64_t a = before->value[figure], b = now->value[figure];
    if (a == b) return AUDIT_SAME;
    if (better == AUDIT_NEITHER) return AUDIT_MOVED;
    return (b > a) == (better == AUDIT_MORE) ? AUDIT_BETTER : AUDIT_WORSE;
}
