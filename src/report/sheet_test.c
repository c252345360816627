/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sheet.h"

#include "base/test.h"

static const struct sheet_column columns[] = {
    {{"Who", 3},  {"who", 3},  SHEET_TEXT,    false},
    {{"Seen", 4}, {"seen", 4}, SHEET_NUMBER,  false},
    {{"Bar", 3},  {"bar", 3},  SHEET_PICTURE, false},
    {{"Why", 3},  {"why", 3},  SHEET_TEXT,    true },
};

static struct sheet *sheet_of(struct sheets *sheets, size_t n, str who)
{
    struct sheet *sheet = sheet_add(sheets, S("flows"), S("Flows"), S("sallyport matrix"), columns,
                                    COUNT_OF(columns));
    for (size_t i = 0; i < n; i++) {
        if (!sheet_row(sheets, sheet)) continue;
        sheet_cell(sheets, sheet, who);
        sheet_cell_u64(sheets, sheet, i);
        sheet_cell(sheets, sheet, S("<svg></svg>"));
        sheet_cell(sheets, sheet, (str){0});
    }
    return sheet;
}

static const struct {
    const char *in, *out;
} cells[] = {
    {"plain",      "plain"            },
    {"=1+1",       "'=1+1"            },
    {"+1",         "'+1"              },
    {"-1",         "'-1"              },
    {"@SUM(A1)",   "'@SUM(A1)"        },
    {"\tx",        "'\tx"             },
    {"\rx",        "\"'\rx\""         },
    {"a,b",        "\"a,b\""          },
    {"a\"b",       "\"a\"\"b\""       },
    {"=a,\"b\"",   "\"'=a,\"\"b\"\"\""},
    {"two\nlines", "\"two\nlines\""   },
    {"x=1",        "x=1"              },
};

static void no_cell_is_a_formula(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        struct sheets sheets = {.arena = &arena, .whole = true};
        struct buf out = buf_in(&arena);
        sheet_csv(&out, sheet_of(&sheets, 1, str_of(cells[i].in)));
        str expected = str_format(&arena, "who,seen,why\r\n%s,0,\r\n", cells[i].out);
        if (!str_equal(buf_text(&out), expected))
            fail_msg("row %zu: %.*s", i, STR_ARG(buf_text(&out)));
    }
    arena_close(&arena);
}

static size_t count(str text, str part)
{
    size_t n = 0;
    for (size_t i = 0; i + part.len <= text.len; i++)
        n += str_equal((str){text.ptr + i, part.len}, part);
    return n;
}

/* A page that does not show all says how many it leaves out and where they are; files have all. */
static void a_cut_is_said(void **state)
{
    enum { MANY = SHEET_MOST_ROWS + 5 };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (unsigned whole = 0; whole < 2; whole++) {
        struct sheets sheets = {.arena = &arena, .whole = whole};
        struct sheet *sheet = sheet_of(&sheets, MANY, S("x"));
        struct buf page = buf_in(&arena), file = buf_in(&arena);
        sheet_html(&page, sheet);
        assert_int_equal(count(buf_text(&page), S("<tr ")), SHEET_MOST_ROWS + 1);
        assert_int_equal(count(buf_text(&page), S("5 more rows are not shown here: ")), 1);
        assert_int_equal(count(buf_text(&page), S("<code>sallyport matrix</code> lists all")), 1);
        sheet_csv(&file, sheet);
        if (whole) assert_int_equal(count(buf_text(&file), S("\r\n")), MANY + 1);
    }
    struct sheets sheets = {.arena = &arena};
    struct buf page = buf_in(&arena);
    sheet_html(&page, sheet_of(&sheets, SHEET_MOST_ROWS, S("x")));
    assert_int_equal(count(buf_text(&page), S("not shown")), 0);
    arena_close(&arena);
}

static void json_has_numbers_and_nulls(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct sheets sheets = {.arena = &arena, .whole = true};
    struct buf out = buf_in(&arena);
    struct json json = json_to(&out);
    (void)state;
    sheet_of(&sheets, 1, S("=x"));
    sheet_json(&json, &sheets);
    assert_true(
        str_equal(buf_text(&out), S("{\"flows\":[{\"who\":\"=x\",\"seen\":0,\"why\":null}]}")));
    arena_close(&arena);
}

/* No head of a table above nothing. */
static void what_is_folded_is_told_without_a_table(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct sheets sheets = {.arena = &arena};
    struct buf page = buf_in(&arena);
    (void)state;
    struct sheet *sheet = sheet_of(&sheets, 0, S("x"));
    (void)sheet_row_folded(&sheets, sheet);
    sheet_html(&page, sheet);
    assert_int_equal(count(buf_text(&page), S("<table")), 0);
    assert_int_equal(count(buf_text(&page), S("1 more row is not shown here")), 1);
    arena_close(&arena);
}

/* "active" in files, "active, 3 days left" on the page. */
static void files_have_plain_values(void **state)
{
    static const struct sheet_column plain[] = {
        {{"State", 5}, {"state", 5}, SHEET_TEXT,  false},
        {{"Due", 3},   {"due", 3},   SHEET_TRUTH, true },
    };
    struct arena arena = arena_open("test", 0, NULL);
    struct sheets sheets = {.arena = &arena, .whole = true};
    struct buf out = buf_in(&arena), page = buf_in(&arena), file = buf_in(&arena);
    struct json json = json_to(&out);
    (void)state;
    struct sheet *sheet = sheet_add(&sheets, S("e"), S("E"), S(""), plain, COUNT_OF(plain));
    assert_true(sheet_row(&sheets, sheet));
    sheet_cell(&sheets, sheet, S("active"));
    sheet_cell_shown(sheet, S("active, 3 days left"));
    sheet_cell_truth(&sheets, sheet, true);
    sheet_json(&json, &sheets);
    assert_true(str_equal(buf_text(&out), S("{\"e\":[{\"state\":\"active\",\"due\":true}]}")));
    sheet_csv(&file, sheet);
    assert_true(str_equal(buf_text(&file), S("state,due\r\nactive,true\r\n")));
    sheet_html(&page, sheet);
    assert_int_equal(count(buf_text(&page), S("active, 3 days left")), 1);
    assert_int_equal(count(buf_text(&page), S("true")), 0);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(no_cell_is_a_formula),
        cmocka_unit_test(a_cut_is_said),
        cmocka_unit_test(json_has_numbers_and_nulls),
        cmocka_unit_test(what_is_folded_is_told_without_a_table),
        cmocka_unit_test(files_have_plain_values),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
