/* SPDX-License-Identifier: Apache-2.0 */
#include "report/review_csv.h"

#include "base/test.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define HEAD "id,decision,decided_by,note,review\n"

/* expected: per row [id|decision|decided_by|note]line:column of the note, or line:column:words of
 * the error */
static const struct {
    str in;
    const char *expected;
} rows[] = {
    {T(HEAD "EX-1,keep,alice,,RV/1\n"),                                                            "[EX-1|keep|alice|]2:17 "         },
    {T("\xEF\xBB\xBF" HEAD "EX-1,keep,alice,n,RV/1"),                                              "[EX-1|keep|alice|n]2:17 "        },
    {T("review;note;ID;Decided_By;Decision\r\nRV/1;n,x;EX-1;al;keep\r\n"),
     "[EX-1|keep|al|n,x]2:6 "                                                                                                        },
    {T("sep=;\r\nid;decision;review;note\r\nEX-1;keep;RV/1;n\r\n"),                                "[EX-1|keep||n]3:16 "             },
    {T("id\tdecision\treview\tnote\nEX-1\tkeep\tRV/1\tn\n"),                                       "[EX-1|keep||n]2:16 "             },
 /* What a spreadsheet adds: blank rows, columns of its own, a cell over two lines. */
    {T("id,decision,review,note,\nEX-1,keep,RV/1,\"a\nb\",\n,,,,\nEX-2,,RV/1,\"x \"\"y\"\"\",\n"),
     "[EX-1|keep||a\nb]2:16 [EX-2|||x \"y\"]5:12 "                                                                                   },
    {T("\n\n" HEAD "\nEX-1 , keep ,alice, n ,RV/1\n"),                                             "[EX-1|keep|alice|n]5:20 "        },
 /* A formula is harmless on the way out and itself on the way in; an apostrophe stays one. */
    {T(HEAD "EX-1,keep,alice,'=1+1,RV/1\n"),                                                       "[EX-1|keep|alice|=1+1]2:17 "     },
    {T(HEAD "EX-1,keep,alice,''tis,RV/1\n"),                                                       "[EX-1|keep|alice|'tis]2:17 "     },
    {T(HEAD "EX-1,keep,alice,'tis,RV/1\n"),                                                        "[EX-1|keep|alice|'tis]2:17 "     },
    {T("id,decision,note\nEX-1,keep,\n"),                                                          "1:1:no column \"review\""        },
    {T("id,review,note\nEX-1,keep,\n"),                                                            "1:1:no column \"decision\""      },
    {T("EX-1,keep\n"),                                                                             "1:1:no column \"id\""            },
    {T(""),                                                                                        "1:1:found no line"               },
    {T("id,decision,review,Decision\n"),                                                           "1:20:\"decision\" is there twice"},
    {T("id,decision,review\nEX-1,keep,RV,more\n"),                                                 "2:14:more cells"                 },
    {T("id,decision,review\nEX-1,keep,RV,\n"),                                                     "[EX-1|keep||]2:1 "               },
    {T("id,decision,review,note\nEX-1,keep,RV,caf\xE9\n"),                                         "2:14:not UTF-8"                  },
    {T("id,decision,review\nEX-1,\"keep\n"),                                                       "2:6:has no end"                  },
};

static void rows_come_back(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = {0};
        struct review_csv_row *read = NULL;
        size_t n = 0;
        struct buf out = buf_in(&arena);
        bool good = review_csv_read(str_bytes(rows[i].in), &arena, &read, &n, &err);
        for (size_t k = 0; good && k < n; k++) {
            const str *c = read[k].cells;
            buf_format(&out, "[%.*s|%.*s|%.*s|%.*s]%u:%u ", STR_ARG(c[REVIEW_CSV_ID]),
                       STR_ARG(c[REVIEW_CSV_DECISION]), STR_ARG(c[REVIEW_CSV_DECIDED_BY]),
                       STR_ARG(c[REVIEW_CSV_NOTE]), read[k].places[REVIEW_CSV_NOTE].line,
                       read[k].places[REVIEW_CSV_NOTE].column);
        }
        if (good && !str_equal(buf_text(&out), str_of(rows[i].expected)))
            fail_msg("row %zu: found %.*s", i, STR_ARG(buf_text(&out)));
        if (good) continue;
        str where = str_format(&arena, "%u:%u:", err.line, err.column);
        str expected = str_of(rows[i].expected);
        if (!str_starts(expected, where) ||
            !str_contains(str_of(err.text), str_tail(expected, where.len)))
            fail_msg("row %zu: %.*s%s", i, STR_ARG(where), err.text);
    }
    arena_close(&arena);
}

static const struct review_sheet_row written[] = {
    {.id = T("EX-1"),
     .owner = T("=cmd|'/c calc'!A1"),
     .scope = T("from: [a, b], to: FS01, service: smb"),
     .reason = T("-1 \"quoted\"\nand more"),
     .expires = T("2026-12-01"),
     .has_use = true,
     .connections = 12,
     .last_use_us = 1795000000000000,
     .proposal = T("narrow"),
     .because = T("@sum of it")},
    {.id = T("EX-2"), .owner = T("'quoted'"),                 .proposal = T("unknown")                                 },
};

static struct review_sheet sheet_written(void)
{
    return (struct review_sheet){
        .id = S("RV-2026-11"), .mark = S("0123456789abcdef"), .rows = written, .n = 2};
}

static void what_is_written_is_read(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct review_sheet sheet = sheet_written();
    struct buf out = buf_in(&arena);
    struct review_csv_row *read = NULL;
    size_t n = 0;
    struct err err = {0};
    (void)state;
    review_csv_write(&out, &sheet, &arena);
    str text = buf_text(&out);
    assert_true(str_starts(text, S("\xEF\xBB\xBFid,owner,scope,reason,expires,last_use,connections,"
                                   "proposal,because,decision,decided_by,new_scope,new_owner,note,"
                                   "review\r\n")));
    /* No cell begins as a formula does. */
    assert_true(str_contains(text, S(",'=cmd")) && str_contains(text, S("\"'-1 \"\"quoted")));
    assert_true(str_contains(text, S(",'@sum of it,")));
    assert_true(review_csv_read(str_bytes(text), &arena, &read, &n, &err));
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++) {
        const str *c = read[i].cells;
        assert_true(str_equal(c[REVIEW_CSV_ID], written[i].id));
        assert_true(str_equal(c[REVIEW_CSV_OWNER], written[i].owner));
        assert_true(str_equal(c[REVIEW_CSV_REASON], written[i].reason));
        assert_true(str_equal(c[REVIEW_CSV_BECAUSE], written[i].because));
        assert_true(str_equal(c[REVIEW_CSV_REVIEW], S("RV-2026-11/0123456789abcdef")));
        assert_int_equal(c[REVIEW_CSV_DECISION].len, 0);
    }
    assert_true(str_equal(read[0].cells[REVIEW_CSV_CONNECTIONS], S("12")));
    assert_int_equal(read[1].cells[REVIEW_CSV_CONNECTIONS].len, 0);
    arena_close(&arena);
}

/* Every shorter file is refused, or has fewer rows, or a last row cut short: never other rows. */
static void every_truncation_is_safe(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct review_sheet sheet = sheet_written();
    struct buf out = buf_in(&arena);
    (void)state;
    review_csv_write(&out, &sheet, &arena);
    for (size_t len = 0; len < out.len; len++) {
        struct review_csv_row *read = NULL;
        size_t n = 0;
        struct err err = {0};
        bytes cut = str_bytes(str_head(buf_text(&out), len));
        if (!review_csv_read(cut, &arena, &read, &n, &err)) {
            if (err.place != ERR_PLACE_LINE || !err.line || !err.column)
                fail_msg("%zu bytes: an error without a place: %s", len, err.text);
            continue;
        }
        assert_true(n <= 2);
        for (size_t i = 0; i < n; i++)
            assert_true(str_starts(written[i].id, read[i].cells[REVIEW_CSV_ID]));
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(every_truncation_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
