/* SPDX-License-Identifier: Apache-2.0 */
#include "store/imports.h"

#include "base/test.h"

static void put(struct store *store, const char *source, const char *content, int64_t at_us)
{
    const struct imports_file file = {S("ad"), str_of(source), S("00"), str_of(content), at_us};
    struct err err = {0};
    if (!imports_put(store, &file, &err)) fail_msg("%s", err.text);
}

static void the_newest_come_first(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct os os = os_posix();
    struct store *store = NULL;
    struct imports_file *files = NULL;
    struct err err = {0};
    size_t n = 1;
    (void)state;
    if (!store_create(&os, S(":memory:"), STORE_WAL, &store, &err)) fail_msg("%s", err.text);
    /* Before anything was imported there is no table. */
    assert_true(imports_load(store, S("ad"), &arena, &files, &n, &err));
    assert_int_equal(n, 0);
    put(store, "b.csv", "first", 10);
    put(store, "a.csv", "second", 20);
    put(store, "c.csv", "third", 20);
    assert_true(imports_load(store, S("ad"), &arena, &files, &n, &err));
    assert_int_equal(n, 3);
    assert_true(str_equal(files[0].source, S("a.csv")) && str_equal(files[2].source, S("b.csv")));
    put(store, "b.csv", "again", 30);
    assert_true(imports_load(store, S("ad"), &arena, &files, &n, &err));
    assert_int_equal(n, 3);
    assert_true(str_equal(files[0].content, S("again")) && files[0].imported_us == 30);
    assert_true(imports_load(store, S("dhcp"), &arena, &files, &n, &err));
    assert_int_equal(n, 0);
    store_close(store);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
