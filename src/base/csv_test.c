/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include "base/test.h"

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
/* expected: fields in [], records ended by /, an error as line:column:kind */
static const struct {
    str in;
    char separator;
    const char *expected;
} rows[] = {
    {ROW("a,b\r\nc,d\r\n"),                    ',', "[a][b]/[c][d]/"      },
    {ROW("a,b\nc,d"),                          ',', "[a][b]/[c][d]/"      },
    {ROW(""),                                  ',', ""                    },
    {ROW("\r\n\n"),                            ',', ""                    },
    {ROW("a\n\n\r\nb\n"),                      ',', "[a]/[b]/"            },
    {ROW(","),                                 ',', "[][]/"               },
    {ROW(",,\n"),                              ',', "[][][]/"             },
    {ROW("\"\"\n"),                            ',', "[]/"                 },
    {ROW("\"a,b\",\"c\"\"d\",\"e\r\nf\"\r\n"), ',', "[a,b][c\"d][e\r\nf]/"},
    {ROW("\"\"\"\""),                          ',', "[\"]/"               },
    {ROW("a;b,c\n"),                           ';', "[a][b,c]/"           },
    {ROW("\xEF\xBB\xBF"
         "a,b\n"),
     ',',                                           "[a][b]/"             },
    {ROW(" a , b \n"),                         ',', "[ a ][ b ]/"         },
    {ROW("a,b\nc,\"d"),                        ',', "[a][b]/2:3:truncated"},
    {ROW("\"a\nb\",\xC3\xA9,x\"y\n"),          ',', "2:7:malformed"       },
    {ROW("\"a\"b\n"),                          ',', "1:4:malformed"       },
    {ROW("\"a\" ,b\n"),                        ',', "1:4:malformed"       },
    {ROW("a\rb\n"),                            ',', "1:2:malformed"       },
    {ROW("a\r"),                               ',', "1:2:malformed"       },
    {ROW("\ra\n"),                             ',', "1:1:malformed"       },
};

static void rows_give_their_fields(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct csv csv = csv_of(rows[i].in, rows[i].separator, &arena);
        struct buf out = buf_in(&arena);
        for (bool found = true; found;) {
            struct err err = {0};
            str *fields = NULL;
            size_t n = 0;
            if (!csv_next(&csv, &fields, &n, &found, &err)) {
                buf_format(&out, "%u:%u:%s", (unsigned)err.line, (unsigned)err.column,
                           err.kind == ERR_TRUNCATED ? "truncated" : "malformed");
                break;
            }
            for (size_t f = 0; found && f < n; f++)
                buf_format(&out, "[%.*s]", STR_ARG(fields[f]));
            if (found) buf_char(&out, '/');
        }
        if (!str_equal(buf_text(&out), str_of(rows[i].expected)))
            fail_msg("row %zu: found %.*s", i, STR_ARG(buf_text(&out)));
    }
    arena_close(&arena);
}

static void records_know_their_line(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct csv csv = csv_of(S("\"a\nb\"\n\nc\nd\n"), ',', &arena);
    static const uint32_t lines[] = {1, 4, 5};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct err err = {0};
        str *fields = NULL;
        size_t n = 0;
        bool found = false;
        assert_true(csv_next(&csv, &fields, &n, &found, &err) && found);
        assert_int_equal(csv.record_line, lines[i]);
    }
    arena_close(&arena);
}

static void fields_are_limited(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct buf text = buf_in(&arena);
    struct err err = {0};
    str *fields = NULL;
    size_t n = 0;
    bool found = false;
    (void)state;
    buf_repeat(&text, ',', LIMIT_CSV_FIELDS - 1);
    struct csv csv = csv_of(buf_text(&text), ',', &arena);
    assert_true(csv_next(&csv, &fields, &n, &found, &err) && n == LIMIT_CSV_FIELDS);
    buf_char(&text, ',');
    csv = csv_of(buf_text(&text), ',', &arena);
    assert_false(csv_next(&csv, &fields, &n, &found, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_fields),
        cmocka_unit_test(records_know_their_line),
        cmocka_unit_test(fields_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
