/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include "base/test.h"

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static void nothing_is_printed_that_a_terminal_obeys(void **state)
{
    static const struct {
        str in, expected;
    } rows[] = {
        {ROW("plain \xC3\xA4 \xE2\x80\xA6"),   ROW("plain \xC3\xA4 \xE2\x80\xA6")},
        {ROW(""),                              ROW("")                           },
        {ROW("\033[2Jx\a\x7F\r\n\t."),         ROW("?[2Jx?????.")                },
        {ROW("\xC2\x9B[2J \xC2\xA0"),          ROW("?[2J \xC2\xA0")              },
        {ROW("\x9B[2J"),                       ROW("?[2J")                       },
        {ROW("a\xE2\x80\xAE\x62\xE2\x80\xA8"), ROW("a?b?")                       },
        {ROW("\xE2\x81\xA6x\xE2\x80\x8F"),     ROW("?x?")                        },
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = buf_in(&arena);
        table_tone(&out, rows[i].in, TONE_BAD, false);
        if (!str_equal(buf_text(&out), rows[i].expected))
            fail_msg("row %zu: \"%.*s\"", i, STR_ARG(buf_text(&out)));
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_printed_that_a_terminal_obeys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
