/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include "base/test.h"

/* RFC 4648, 10. */
static void test_vectors(void **state)
{
    static const struct {
        const char *plain, *text;
    } rows[] = {
        {"",       ""        },
        {"f",      "Zg=="    },
        {"fo",     "Zm8="    },
        {"foo",    "Zm9v"    },
        {"foob",   "Zm9vYg=="},
        {"fooba",  "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out = buf_in(&arena);
        bytes back = {0};
        base64_write(&out, str_bytes(str_of(rows[i].plain)));
        assert_true(str_equal(buf_text(&out), str_of(rows[i].text)));
        assert_true(base64_read(str_of(rows[i].text), &arena, &back));
        assert_true(str_equal(str_of_bytes(back), str_of(rows[i].plain)));
    }
    arena_close(&arena);
}

static void test_refused(void **state)
{
    static const char *const rows[] = {
        "Z",    "Zg",       "Zg=",   "Zg===", "Zh==", "Zm9=",   "Zm8",  "=",
        "====", "Zg==Zg==", "Zm 9v", "Zm9-",  "Zm9_", "Zm9v\n", "Z===",
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bytes out = {0};
        if (base64_read(str_of(rows[i]), &arena, &out)) fail_msg("%s was read", rows[i]);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
