/* SPDX-License-Identifier: Apache-2.0 */
#include "base/instant.h"

#include "base/test.h"

static const struct {
    const char *in, *out; /* out NULL: refused */
} instants[] = {
    {"2026-11-02T08:14:03.120331Z",  "2026-11-02T08:14:03.120331Z"},
    {"2026-11-02T08:14:03Z",         "2026-11-02T08:14:03.000000Z"},
    {"2026-11-02 08:14:03+02:00",    "2026-11-02T06:14:03.000000Z"},
    {"2026-01-01T00:30:00+01:00",    "2025-12-31T23:30:00.000000Z"},
    {"2024-02-29T00:00:00Z",         "2024-02-29T00:00:00.000000Z"},
    {"1969-12-31T23:59:59.999999Z",  "1969-12-31T23:59:59.999999Z"},
    {"2026-11-02T08:14:03.1203319Z", "2026-11-02T08:14:03.120331Z"},
    {"2023-02-29T00:00:00Z",         NULL                         },
    {"2026-13-01T00:00:00Z",         NULL                         },
    {"2026-11-02T24:00:00Z",         NULL                         },
    {"2026-11-02T08:14:60Z",         NULL                         },
    {"2026-11-02T08:14:03",          NULL                         },
    {"2026-11-02T08:14:03.Z",        NULL                         },
    {"2026-11-02T08:14:03Z ",        NULL                         },
    {"",                             NULL                         },
};

static void instants_parse_and_print(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(instants); i++) {
        int64_t at = 0;
        char text[INSTANT_TEXT];
        bool parsed = instant_parse(str_of(instants[i].in), &at);
        if (parsed != (instants[i].out != NULL)) fail_msg("\"%s\"", instants[i].in);
        if (parsed && !str_equal(instant_text(text, at), str_of(instants[i].out)))
            fail_msg("\"%s\" printed as \"%s\"", instants[i].in, text);
    }
}

static void every_day_of_four_centuries_returns(void **state)
{
    (void)state;
    for (int64_t day = -200000; day < 200000; day++) {
        struct civil c = instant_to_civil(day * INSTANT_DAY);
        assert_true(instant_civil_is_valid(c));
        assert_int_equal(instant_from_civil(c), day * INSTANT_DAY);
        assert_int_equal(instant_day(day * INSTANT_DAY - 1), day - 1);
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(instants_parse_and_print),
        cmocka_unit_test(every_day_of_four_centuries_returns),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
