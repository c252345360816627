/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/log_time.h"

#include "base/test.h"

static void texts_become_times(void **state)
{
    static const struct {
        const char *text;
        int64_t expected; /* -1 = no time */
        bool is_assumed;
    } rows[] = {
        {"2020-09-13T12:26:40.250000Z",                  1600000000250000, false},
        {"2020-09-13T14:26:40.250000+0200",              1600000000250000, false},
        {"2020-09-13T14:26:40.250000+02:00",             1600000000250000, false},
        {"2020-09-13T06:26:40-0600",                     1600000000000000, false},
        {"2020-09-13 12:26:40.25",                       1600000000250000, true },
        {"2020-09-13T12:26:40",                          1600000000000000, true },
        {"2020-09-13",                                   -1,               false},
        {"2020-09-13T12:26:40+02",                       -1,               false},
        {"2020-09-13T25:26:40+0200",                     -1,               false},
        {"2020-09-13T12:26:40.250000000000000000000000", -1,               false},
        {"",                                             -1,               false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t found = -1;
        bool is_assumed = false;
        if (!log_time_parse(str_of(rows[i].text), NULL, &found, &is_assumed)) found = -1;
        if (found != rows[i].expected || is_assumed != rows[i].is_assumed)
            fail_msg("%s: found %" PRId64, rows[i].text, found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
