/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/share_path.h"

#include "base/test.h"

static void paths_are_cut(void **state)
{
    static const struct {
        const char *path, *host;
        bool is_ipc;
    } rows[] = {
        {"\\\\FS01\\projects", "FS01",     false},
        {"\\\\10.1.2.8\\ipc$", "10.1.2.8", true },
        {"\\\\FS01",           "",         false},
        {"\\FS01\\projects",   "",         false},
        {"IPC$",               "",         false},
        {"",                   "",         false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str path = str_of(rows[i].path);
        if (!str_equal(share_path_host(path), str_of(rows[i].host)) ||
            share_path_is_ipc(path) != rows[i].is_ipc)
            fail_msg("%s", rows[i].path);
    }
}

static void pipes_have_one_name(void **state)
{
    static const char *const spellings[] = {"svcctl", "\\svcctl", "\\pipe\\svcctl",
                                            "\\PIPE\\\\svcctl"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(spellings); i++)
        if (!str_equal(share_path_pipe(str_of(spellings[i])), S("svcctl")))
            fail_msg("%s", spellings[i]);
    assert_true(str_equal(share_path_pipe(S("pipes")), S("pipes")));
    assert_int_equal(share_path_pipe(S("\\pipe\\")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_cut),
        cmocka_unit_test(pipes_have_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
