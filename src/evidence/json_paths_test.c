/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/json_paths.h"

#include "base/test.h"

static const char *const names[] = {
    "a",         "b.c",      "b.d.e",
    "id.orig_h", "Event",    "b",
    "list.1",    "list.0.x", "long_name_that_is_longer_than_sixty_four_characters_x.y_zzzzzzz",
};

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
/* "index=value" for each value found, or "!kind@offset". */
static const struct {
    str in;
    bool fold;
    const char *expected;
} rows[] = {
    {ROW("{}"),                                                                      false, ""                    },
    {ROW(" { \"a\" : 1 } "),                                                         false, "0=1 "                },
    {ROW("{\"a\":\"x\",\"b\":{\"c\":true,\"d\":{\"e\":-1.5e3}}}"),                   false, "0=x 1=true 2=-1.5e3 "},
    {ROW("{\"b.c\":\"x\",\"b.d\":{\"e\":\"y\"}}"),                                   false, "1=x 2=y "            },
    {ROW("{\"b\":{\"d.e\":\"y\"}}"),                                                 false, "2=y "                },
    {ROW("{\"id.orig_h\":\"10.1.1.1\"}"),                                            false, "3=10.1.1.1 "         },
    {ROW("{\"id\":{\"orig_h\":\"10.1.1.1\"}}"),                                      false, "3=10.1.1.1 "         },
    {ROW("{\"a\":1,\"a\":2}"),                                                       false, "0=2 "                },
    {ROW("{\"a\":1,\"a\":null}"),                                                    false, ""                    },
    {ROW("{\"a\":1,\"a\":{}}"),                                                      false, ""                    },
    {ROW("{\"b\":7}"),                                                               false, "5=7 "                },
    {ROW("{\"event\":1,\"EVENT\":2}"),                                               false, ""                    },
    {ROW("{\"event\":1,\"EVENT\":2}"),                                               true,  "4=2 "                },
    {ROW("{\"\\u0061\":\"\\u00e9\\n\"}"),                                            false, "0=\xC3\xA9\n "       },
    {ROW("{\"a\":\"x\xFFy\"}"),                                                      false, "0=x\xEF\xBF\xBDy "   },
    {ROW("{\"a\":\"\xC3\xA9\"}"),                                                    false, "0=\xC3\xA9 "         },
    {ROW("{\"x\":[{\"a\":1},\"]\",[]],\"a\":[1],\"y\":{\"a\":5}}"),                  false, ""                    },
    {ROW("{\"x\":\"a\\\\\",\"a\":3}"),                                               false, "0=3 "                },
    {ROW("{\"long_name_that_is_longer_than_sixty_four_characters_x.y_zzzzzzz\":1}"), false, "8=1 "                },
    {ROW("{\"list\":[{\"x\":1},[\"y\"],2]}"),                                        false, "7=1 "                },
    {ROW("{\"list\":[1,\"y\",[],4,5,6,7,8,9,10,11,12]}"),                            false, "6=y "                },
    {ROW("{\"list\":[],\"list.0\":{\"x\":3}}"),                                      false, "7=3 "                },
    {ROW("{\"list\":[1,]}"),                                                         false, "!malformed@11"       },
    {ROW(""),                                                                        false, "!truncated@0"        },
    {ROW("[]"),                                                                      false, "!malformed@0"        },
    {ROW("{} {}"),                                                                   false, "!malformed@3"        },
    {ROW("{\"a\":1"),                                                                false, "!truncated@6"        },
    {ROW("{\"a\":1,}"),                                                              false, "!malformed@7"        },
    {ROW("{\"a\" 1}"),                                                               false, "!malformed@5"        },
    {ROW("{a:1}"),                                                                   false, "!malformed@1"        },
    {ROW("{\"a\":01}"),                                                              false, "!malformed@6"        },
    {ROW("{\"a\":tru}"),                                                             false, "!malformed@5"        },
    {ROW("{\"a\":\"\\x\"}"),                                                         false, "!malformed@7"        },
    {ROW("{\"z\":[}}"),                                                              false, "!malformed@6"        },
    {ROW("{\"z\":[\"\n\"]}"),                                                        false, "!malformed@7"        },
    {ROW("{\"z\":\"\\"),                                                             false, "!truncated@7"        },
};

static void rows_give_their_values(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static const char *const kinds[] = {
            [ERR_MALFORMED] = "malformed", [ERR_TRUNCATED] = "truncated", [ERR_LIMIT] = "limit"};
        struct json_paths *paths = json_paths_of(&arena, names, COUNT_OF(names), rows[i].fold);
        str values[COUNT_OF(names)];
        struct err err = {0};
        struct buf found = buf_in(&arena);
        if (json_paths_read(paths, rows[i].in, 100, values, &arena, &err)) {
            for (size_t k = 0; k < COUNT_OF(names); k++)
                if (values[k].ptr) buf_format(&found, "%zu=%.*s ", k, STR_ARG(values[k]));
        } else {
            buf_format(&found, "!%s@%" PRIu64, kinds[err.kind], err.offset - 100);
        }
        if (!str_equal(buf_text(&found), str_of(rows[i].expected)))
            fail_msg("row %zu: %.*s: found %.*s", i, STR_ARG(rows[i].in),
                     STR_ARG(buf_text(&found)));
    }
    arena_close(&arena);
}

static void nesting_is_limited(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct json_paths *paths = json_paths_of(&arena, names, COUNT_OF(names), false);
    str values[COUNT_OF(names)];
    struct err err = {0};
    (void)state;
    for (size_t inner = LIMIT_NESTING - 1; inner <= LIMIT_NESTING; inner++) {
        struct buf text = buf_in(&arena);
        buf_str(&text, S("{\"x\":"));
        buf_repeat(&text, '[', inner);
        buf_repeat(&text, ']', inner);
        buf_char(&text, '}');
        bool fine = json_paths_read(paths, buf_text(&text), 0, values, &arena, &err);
        assert_int_equal(fine, inner < LIMIT_NESTING);
    }
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_values),
        cmocka_unit_test(nesting_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
