/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit_figures.h"

#include "base/instant.h"
#include "base/test.h"

static void quarters_are_the_calendars(void **state)
{
    static const struct {
        const char *at, *quarter;
    } rows[] = {
        {"2026-01-01T00:00:00Z",        "2026-Q1"},
        {"2026-03-31T23:59:59.999999Z", "2026-Q1"},
        {"2026-04-01T00:00:00Z",        "2026-Q2"},
        {"2026-11-22T12:00:00Z",        "2026-Q4"},
        {"2027-01-01T00:00:00Z",        "2027-Q1"},
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t at_us = 0;
        assert_true(instant_parse(str_of(rows[i].at), &at_us));
        assert_true(str_equal(audit_figures_quarter(at_us, &arena), str_of(rows[i].quarter)));
    }
    arena_close(&arena);
}

static struct audit_figures figures_of_autumn(void)
{
    static const str failing[] = {
        {"never internet -> any: \"smb\"", 29},
        {"x",                              1 }
    };
    struct audit_figures figures = {.quarter = S("2026-Q4"),
                                    .as_of_us = 1795000000000000,
                                    .has_rows = true,
                                    .failing = failing,
                                    .n_failing = 2};
    for (unsigned i = 0; i < AUDIT_FIGURE_COUNT; i += 2)
        audit_figures_set(&figures, (enum audit_figure)i, 100 + i);
    figures.rows[3][COMPARE_OK] = 7;
    figures.rows[3][COMPARE_UNKNOWN] = UINT32_MAX;
    figures.rows[HARDEN_ROW_COUNT - 1][COMPARE_NOT_THERE] = 1;
    return figures;
}

static void what_is_written_is_read(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct audit_figures figures = figures_of_autumn(), back = {0};
    struct err err = {0};
    (void)state;
    str data = audit_figures_data(&figures, &arena);
    assert_true(audit_figures_read(data, &arena, &back, &err));
    assert_true(str_equal(back.quarter, figures.quarter) && back.as_of_us == figures.as_of_us);
    assert_memory_equal(back.known, figures.known, sizeof back.known);
    assert_memory_equal(back.value, figures.value, sizeof back.value);
    assert_memory_equal(back.rows, figures.rows, sizeof back.rows);
    assert_true(back.has_rows && back.n_failing == 2);
    assert_true(str_equal(back.failing[0], figures.failing[0]));
    assert_true(str_equal(audit_figures_data(&back, &arena), data));
    /* Every shorter text is refused. */
    for (size_t len = 0; len < data.len; len++)
        assert_false(audit_figures_read(str_head(data, len), &arena, &back, &err));
    arena_close(&arena);
}

static void other_data_is_refused_or_passed_over(void **state)
{
    static const struct {
        const char *data;
        bool good;
    } rows[] = {
        {"{\"quarter\":\"2026-Q4\"}",                                                  true },
        {"{\"quarter\":\"2026-Q4\",\"figures\":{\"later\":{\"a\":[1]}},\"new\":null}", true },
        {"{\"quarter\":\"2026-Q4\",\"baseline\":{\"later\":[1]}}",                     true },
        {"{}",                                                                         false},
        {"[]",                                                                         false},
        {"{\"quarter\":4}",                                                            false},
        {"{\"quarter\":\"2026-Q4\",\"figures\":{\"drift\":-1}}",                       false},
        {"{\"quarter\":\"2026-Q4\",\"figures\":{\"drift\":\"1\"}}",                    false},
        {"{\"quarter\":\"2026-Q4\",\"baseline\":{\"smb1-server\":[1,2,3]}}",           false},
        {"{\"quarter\":\"2026-Q4\",\"baseline\":{\"smb1-server\":[1,2,3,4,5]}}",       false},
        {"{\"quarter\":\"2026-Q4\",\"failing\":[1]}",                                  false},
        {"{\"quarter\":\"2026-Q4\",\"as-of\":\"autumn\"}",                             false},
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct audit_figures back = {0};
        struct err err = {0};
        if (audit_figures_read(str_of(rows[i].data), &arena, &back, &err) != rows[i].good)
            fail_msg("row %zu: %s", i, err.text);
    }
    arena_close(&arena);
}

static void figures_move_for_better_or_worse(void **state)
{
    struct audit_figures before = {0}, now = {0};
    (void)state;
    audit_figures_set(&before, AUDIT_BLIND, 4);
    audit_figures_set(&now, AUDIT_BLIND, 3);
    audit_figures_set(&before, AUDIT_SETTINGS_OK, 4);
    audit_figures_set(&now, AUDIT_SETTINGS_OK, 3);
    audit_figures_set(&before, AUDIT_EXCEPTIONS, 4);
    audit_figures_set(&now, AUDIT_EXCEPTIONS, 3);
    audit_figures_set(&before, AUDIT_DRIFT, 0);
    audit_figures_set(&now, AUDIT_DRIFT, 0);
    audit_figures_set(&now, AUDIT_ORPHANED, 1);
    assert_int_equal(audit_figures_trend(&now, &before, AUDIT_BLIND), AUDIT_BETTER);
    assert_int_equal(audit_figures_trend(&now, &before, AUDIT_SETTINGS_OK), AUDIT_WORSE);
    assert_int_equal(audit_figures_trend(&now, &before, AUDIT_EXCEPTIONS), AUDIT_MOVED);
    assert_int_equal(audit_figures_trend(&now, &before, AUDIT_DRIFT), AUDIT_SAME);
    assert_int_equal(audit_figures_trend(&now, &before, AUDIT_ORPHANED), AUDIT_NO_TREND);
    assert_int_equal(audit_figures_trend(&now, NULL, AUDIT_BLIND), AUDIT_NO_TREND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quarters_are_the_calendars),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(other_data_is_refused_or_passed_over),
        cmocka_unit_test(figures_move_for_better_or_worse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
