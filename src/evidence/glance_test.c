/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/glance.h"

#include "base/test.h"

static void smb_is_found(void **state)
{
    static const struct {
        const char *text;
        bool found;
    } rows[] = {
        {"smb",        true },
        {"\"smb\":",   true },
        {"mmsmb",      true },
        {"ssmb",       true },
        {"msb smp mb", false},
        {"sm",         false},
        {"",           false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (glance_mentions_smb(str_of(rows[i].text)) != rows[i].found)
            fail_msg("%s", rows[i].text);
}

static void numbers_are_found(void **state)
{
    (void)state;
    assert_true(str_equal(glance_number(S("\":445,")), S("445")));
    assert_true(str_equal(glance_number(S("\" : \"445\"")), S("445")));
    assert_int_equal(glance_number(S("\":null")).len, 0);
    assert_int_equal(glance_number(S("\":")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smb_is_found),
        cmocka_unit_test(numbers_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
