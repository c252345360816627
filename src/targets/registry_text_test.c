/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/registry_text.h"

#include "base/test.h"

#define V5 "Windows Registry Editor Version 5.00\r\n"

/* "K:name=text K:name#hex ..." */
static str said(struct arena *arena, const struct registry_text *text)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < text->values.n; i++) {
        const struct registry_value *v = &text->values.items[i];
        str value;
        if (v->change == REGISTRY_ADD_KEY) continue;
        if (buf_text(&out).len) buf_char(&out, ' ');
        buf_format(&out, "%.*s:", STR_ARG(v->key));
        buf_str(&out, v->name);
        if (v->change == REGISTRY_DELETE_KEY) {
            buf_str(&out, S("!!"));
        } else if (v->change == REGISTRY_DELETE_VALUE) {
            buf_char(&out, '!');
        } else if (v->type == REGISTRY_SZ && registry_value_text(v, arena, &value)) {
            buf_char(&out, '=');
            buf_str(&out, value);
        } else {
            buf_format(&out, "#%u#", (unsigned)v->type);
            for (size_t j = 0; j < v->data.len; j++)
                buf_format(&out, "%02x", v->data.ptr[j]);
        }
    }
    for (size_t i = 0; i < text->n_problems; i++)
        buf_format(&out, " [%u %.*s]", (unsigned)text->problems[i].line,
                   STR_ARG(text->problems[i].text));
    return buf_text(&out);
}

static const struct {
    const char *name, *text, *expected;
} rows[] = {
    {"text",                      V5 "[HKLM\\K]\r\n\"a\"=\"x\"\r\n",                                  "HKEY_LOCAL_MACHINE\\K:a=x"                                   },
    {"escapes",                   V5 "[HKU\\K]\n\"a\\\\b\"=\"c:\\\\x \\\"y\\\"\"\n",
     "HKEY_USERS\\K:a\\b=c:\\x \"y\""                                                                                                                               },
    {"a backslash before others", V5 "[HKU\\K]\n\"a\"=\"c:\\x\"\n",                                   "HKEY_USERS\\K:a=c:\\x"                                       },
    {"two lines of text",         V5 "[HKU\\K]\n\"a\"=\"x\r\ny\"\n\"b\"=\"z\"\n",
     "HKEY_USERS\\K:a=x\r\ny HKEY_USERS\\K:b=z"                                                                                                                     },
    {"the default value",         V5 "[HKU\\K]\n@=\"x\"\n",                                           "HKEY_USERS\\K:=x"                                            },
    {"a number",                  V5 "[HKU\\K]\n\"a\"=dword:0000001F\n",                              "HKEY_USERS\\K:a#4#1f000000"                                  },
    {"bytes",                     V5 "[HKU\\K]\n\"a\"=hex:01,a\n",                                    "HKEY_USERS\\K:a#3#010a"                                      },
    {"no bytes",                  V5 "[HKU\\K]\n\"a\"=hex(7):\n",                                     "HKEY_USERS\\K:a#7#"                                          },
    {"bytes of several lines",    V5 "[HKU\\K]\n\"a\"=hex(b):01,02,\\\r\n  03,\\\n 04\n\"b\"=\"\"\n",
     "HKEY_USERS\\K:a#11#01020304 HKEY_USERS\\K:b="                                                                                                                 },
    {"another type",              V5 "[HKU\\K]\n\"a\"=hex(1000a):01\n",                               "HKEY_USERS\\K:a#65546#01"                                    },
    {"before Windows 2000",       "REGEDIT4\n[HKU\\K]\n\"a\"=hex(2):41,00\n\"b\"=hex:41\n",
     "HKEY_USERS\\K:a#2#41000000 HKEY_USERS\\K:b#3#41"                                                                                                              },
    {"deletions",                 V5 "[HKU\\K]\n\"a\"=-\n[-HKU\\L]\n",                                "HKEY_USERS\\K:a! HKEY_USERS\\L:!!"                           },
    {"remarks",                   V5 "\n; r\n[HKU\\K] ; r\n\"a\"=dword:1 ; r\n\"b\"=\"x\" ;r\n",
     "HKEY_USERS\\K:a#4#01000000 HKEY_USERS\\K:b=x"                                                                                                                 },
    {"a mark of UTF-8",           "\xef\xbb\xbf" V5 "[HKU\\K]\n\"\xc3\xa9\"=\"\xc3\xa9\"\n",
     "HKEY_USERS\\K:\xc3\xa9=\xc3\xa9"                                                                                                                              },
    {"another code page",         V5 "[HKU\\K]\n\"a\"=\"\xe9\"\n",                                    "HKEY_USERS\\K:a=\xef\xbf\xbd"                                },
    {"a bracket in a key",        V5 "[HKU\\K]L]\n\"a\"=\"\"\n",                                      "HKEY_USERS\\K]L:a="                                          },

    {"no end of text",            V5 "[HKU\\K]\n\"a\"=\"x\n",
     " [3 expected text, dword:, hex: or a minus sign, found \"\"a\"=\"x\"]"                                                                                        },
    {"not a number",              V5 "[HKU\\K]\n\"a\"=dword:xyz\n\"b\"=\"\"\n",
     "HKEY_USERS\\K:b= [3 expected text, dword:, hex: or a minus sign, found \"\"a\"=dword:xyz\"]"                                                                  },
    {"a number too long",         V5 "[HKU\\K]\n\"a\"=dword:123456789\n",
     " [3 expected text, dword:, hex: or a minus sign, found \"\"a\"=dword:123456789\"]"                                                                            },
    {"not bytes",                 V5 "[HKU\\K]\n\"a\"=hex:012\n",
     " [3 expected text, dword:, hex: or a minus sign, found \"\"a\"=hex:012\"]"                                                                                    },
    {"no key",                    V5 "\"a\"=\"x\"\n",                                                 " [2 expected a key before its values, found \"\"a\"=\"x\"\"]"},
    {"below a deleted key",       V5 "[-HKU\\K]\n\"a\"=\"x\"\n",
     "HKEY_USERS\\K:!! [3 expected a key before its values, found \"\"a\"=\"x\"\"]"                                                                                 },
    {"no hive",                   V5 "[SOFTWARE]\n",                                                  " [2 expected a key in brackets, found \"[SOFTWARE]\"]"       },
    {"no bracket",                V5 "[HKU\\K\n",                                                     " [2 expected a key in brackets, found \"[HKU\\K\"]"          },
    {"something else",            V5 "a=b\n",                                                         " [2 expected a key, a value or a remark, found \"a=b\"]"     },
    {"no equals sign",            V5 "[HKU\\K]\n\"a\":\"x\"\n",
     " [3 expected a value's name and an equals sign, found \"\"a\":\"x\"\"]"                                                                                       },
};

static void statements_are_read(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct registry_text text = {0};
        struct err err = {0};
        bytes content = str_bytes(str_of(rows[i].text));
        assert_true(registry_text_recognise(content));
        if (!registry_text_read(S("f"), content, &arena, &text, &err))
            fail_msg("%s: %s", rows[i].name, err.text);
        if (!str_equal(said(&arena, &text), str_of(rows[i].expected)))
            fail_msg("%s: %.*s, expected %s", rows[i].name, STR_ARG(said(&arena, &text)),
                     rows[i].expected);
    }
    arena_close(&arena);
}

/* The same in UTF-16, with the places of its statements in the file. */
static void wide_files_are_read(void **state)
{
    static const char narrow[] = V5 "\r\n[HKU\\K]\r\n\"a\"=\"x\"\r\n";
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    uint8_t wide[2 * sizeof narrow] = {0xff, 0xfe};
    struct registry_text text = {0};
    struct err err = {0};
    for (size_t i = 0; i < sizeof narrow - 1; i++)
        wide[2 + 2 * i] = (uint8_t)narrow[i];
    bytes content = {wide, 2 * sizeof narrow};
    assert_true(registry_text_recognise(content));
    assert_true(registry_text_read(S("f"), content, &arena, &text, &err));
    assert_true(str_equal(said(&arena, &text), S("HKEY_USERS\\K:a=x")));
    assert_int_equal(text.values.items[1].line, 4);
    assert_int_equal(text.values.items[1].offset, 2 + 2 * (sizeof V5 - 1 + 2 + 9));
    for (size_t n = 0; n < content.len; n++) {
        struct registry_text cut = {.n_problems = 4711};
        if (!registry_text_read(S("f"), (bytes){wide, n}, &arena, &cut, &err))
            assert_true(cut.n_problems == 4711 && err.line == 1 && err.kind == ERR_MALFORMED);
        else
            assert_true(cut.values.n <= 2);
    }
    arena_close(&arena);
}

static void what_is_no_such_file_is_refused(void **state)
{
    static const char *const texts[] = {"",           "\n\n",
                                        "REGEDIT",    "REGEDIT5\n",
                                        "[HKU\\K]\n", "Windows Registry Editor Version 6.00\n"};
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct registry_text text = {0};
        struct err err = {0};
        assert_false(registry_text_read(S("f"), str_bytes(str_of(texts[i])), &arena, &text, &err));
        assert_true(err.line >= 1 && strstr(err.text, "in the first line"));
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_read),
        cmocka_unit_test(wide_files_are_read),
        cmocka_unit_test(what_is_no_such_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
