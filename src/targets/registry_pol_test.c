/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/registry_pol.h"

#include "base/test.h"
#include "targets/read_rows.h"

#define KEY "Software\\Policies\\Microsoft\\WindowsFirewall\\PublicProfile"

static bytes sample(struct arena *arena)
{
    struct registry_value values[] = {
        registry_value_of_dword(S(KEY), S("EnableFirewall"), 1, arena),
        registry_value_of_text(S("A"), S("caf\xc3\xa9 \xf0\x9f\x94\x92"), S("x;y]z"), arena),
        {.key = S("Only\\Made")},
    };
    return registry_pol_write((struct registry_values){values, COUNT_OF(values)}, arena);
}

static void what_is_written_reads(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct registry_pol pol = {0};
    struct err err = {0};
    uint32_t number = 0;
    str text;
    bytes content = sample(&arena);
    /* The worked example of the reference: one number of a key of 57 characters. */
    assert_int_equal(content.ptr[8], '[');
    assert_true(registry_pol_read(S("f"), content, &arena, &pol, &err));
    assert_int_equal(pol.values.n, 3);
    assert_int_equal(pol.rest.len, 0);
    const struct registry_value *v = pol.values.items;
    assert_true(str_equal(v[0].key, S(KEY)) && str_equal(v[0].name, S("EnableFirewall")));
    assert_int_equal(v[0].offset, 8);
    assert_true(registry_value_dword(&v[0], &number) && number == 1);
    assert_false(registry_value_text(&v[0], &arena, &text));
    assert_true(str_equal(v[1].name, S("caf\xc3\xa9 \xf0\x9f\x94\x92")));
    assert_true(registry_value_text(&v[1], &arena, &text) && str_equal(text, S("x;y]z")));
    assert_int_equal(v[1].data.len, 12);
    assert_int_equal(v[2].type, REGISTRY_NONE);
    arena_close(&arena);
}

static void every_truncation_is_told(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    bytes content = sample(&arena);
    for (size_t n = 0; n < content.len; n++) {
        struct registry_pol pol = {
            .rest = {content.ptr, 4711}
        };
        struct err err = {0};
        if (registry_pol_read(S("f"), (bytes){content.ptr, n}, &arena, &pol, &err)) {
            bytes again = registry_pol_write(pol.values, &arena);
            assert_true(again.len + pol.rest.len == n && pol.rest.len < 12);
            continue;
        }
        assert_int_equal(pol.rest.len, 4711); /* unchanged */
        assert_string_equal(err.source, "f");
        assert_true(err.offset <= n);
    }
    arena_close(&arena);
}

/* One byte of the sample changed: what is said, and where. */
static void damage_is_told(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        uint8_t byte;
        const char *error;
        uint64_t offset;
    } rows[] = {
        {"another signature",  0,   'p',  "expected \"PReg\"",               0  },
        {"another version",    4,   2,    "expected \"PReg\" and version 1", 0  },
        {"no bracket",         8,   '(',  "expected '['",                    8  },
        {"no semicolon",       126, ':',  "expected ';'",                    126},
        {"half of a pair",     11,  0xd8, "half of a pair",                  10 },
        {"a size beyond",      166, 0xff, "setting.data",                    172},
        {"a size that splits", 166, 0x02, "expected ']'",                    174},
        {"no closing bracket", 176, '[',  "expected ']'",                    176},
    };
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct registry_pol pol = {0};
        struct err err = {0};
        str copy = str_copy(&arena, str_of_bytes(sample(&arena)));
        uint8_t *bytes_of = arena_array(&arena, uint8_t, copy.len);
        memcpy(bytes_of, copy.ptr, copy.len);
        bytes_of[rows[i].at] = rows[i].byte;
        if (registry_pol_read(S("f"), (bytes){bytes_of, copy.len}, &arena, &pol, &err))
            fail_msg("%s: it reads", rows[i].name);
        if (!strstr(err.text, rows[i].error) || err.offset != rows[i].offset)
            fail_msg("%s: offset %" PRIu64 ": %s", rows[i].name, err.offset, err.text);
    }
    arena_close(&arena);
}

/* Settings one behind another, and which are left. */
static void settings_are_applied_in_order(void **state)
{
    static const struct {
        const char *name;
        struct {
            const char *key, *name, *data;
            enum registry_change change;
        } items[4];
        const char *left; /* "key:name=data ..." */
    } rows[] = {
        {"the last wins",           {{"K", "a", "1", 0}, {"k", "A", "2", 0}},                    "k:A=2 "},
        {"one is deleted",
         {{"K", "a", "1", 0}, {"K", "b", "2", 0}, {"K", "**Del.A", " ", 0}},
         "K:b=2 "                                                                                        },
        {"and set again",
         {{"K", "a", "1", 0}, {"K", "**del.a", " ", 0}, {"K", "a", "3", 0}},
         "K:a=3 "                                                                                        },
        {"all of a key",
         {{"K", "a", "1", 0}, {"K\\L", "b", "2", 0}, {"K", "**delvals.", " ", 0}},
         "K\\L:b=2 "                                                                                     },
        {"a list of values",
         {{"K", "a", "1", 0}, {"K", "b", "2", 0}, {"K", "**DeleteValues", "a; B", 0}},
         ""                                                                                              },
        {"a list of keys",
         {{"K\\L\\M", "a", "1", 0}, {"K\\N", "b", "2", 0}, {"K", "**DeleteKeys", "l", 0}},
         "K\\N:b=2 "                                                                                     },
        {"only if there is none",
         {{"K", "a", "1", 0}, {"K", "**soft.a", "2", 0}, {"K", "**soft.b", "3", 0}},
         "K:a=1 K:b=3 "                                                                                  },
        {"not so after a deletion",
         {{"K", "a", "1", 0}, {"K", "**del.a", " ", 0}, {"K", "**soft.a", "2", 0}},
         "K:a=2 "                                                                                        },
        {"secured",                 {{"K", "**SecureKey", "1", 0}},                              ""      },
        {"a key with all below",
         {{"K\\L", "a", "1", 0}, {"KL", "a", "2", 0}, {"k", "", "", REGISTRY_DELETE_KEY}},
         "KL:a=2 "                                                                                       },
        {"a value",                 {{"K", "a", "1", 0}, {"K", "A", "", REGISTRY_DELETE_VALUE}}, ""      },
        {"a key is made",           {{"K", "", "", REGISTRY_ADD_KEY}, {"K", "a", "1", 0}},       "K:a=1 "},
    };
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct registry_value values[4];
        size_t n = 0;
        for (size_t j = 0; j < COUNT_OF(rows[i].items) && rows[i].items[j].key; j++) {
            values[n] =
                registry_value_of_text(str_of(rows[i].items[j].key), str_of(rows[i].items[j].name),
                                       str_of(rows[i].items[j].data), &arena);
            values[n++].change = rows[i].items[j].change;
        }
        struct registry_values left =
            registry_value_applied((struct registry_values){values, n}, &arena);
        struct buf said = buf_in(&arena);
        for (size_t j = 0; j < left.n; j++) {
            str text = {0};
            assert_true(registry_value_text(&left.items[j], &arena, &text));
            buf_format(&said, "%.*s:%.*s=%.*s ", STR_ARG(left.items[j].key),
                       STR_ARG(left.items[j].name), STR_ARG(text));
        }
        if (!str_equal(buf_text(&said), str_of(rows[i].left)))
            fail_msg("%s: %.*s, expected %s", rows[i].name, STR_ARG(buf_text(&said)), rows[i].left);
    }
    arena_close(&arena);
}

static void files_of_others_are_written_again_as_they_are(void **state)
{
    static const struct {
        const char *path;
        size_t n;
    } files[] = {
        {"gpo/nsacyber-Windows-Firewall/DomainSysvol/GPO/Machine/registry.pol",                     24},
        {"gpo/nsacyber-Windows-Computer/DomainSysvol/GPO/Machine/registry.pol",                     87},
        {"gpo/SN-GPO/{C69D83C5-1636-4AD7-B632-1F9B6963054E}/DomainSysvol/GPO/Machine/registry.pol",
         55                                                                                           },
        {"gpo/SN-GPO/{EB8AA8AC-840C-4E15-9EA4-DAB25D6CB3A5}/DomainSysvol/GPO/Machine/registry.pol",
         94                                                                                           },
    };
    (void)state;
    const char *corpus = test_corpus();
    if (!corpus) skip();
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct registry_pol pol = {0};
        struct err err = {0};
        const char *path = str_c(&arena, str_format(&arena, "%s/%s", corpus, files[i].path));
        bytes content = str_bytes(read_rows_file(&arena, path));
        if (!registry_pol_read(S("f"), content, &arena, &pol, &err))
            fail_msg("%s: %s", path, err.text);
        bytes again = registry_pol_write(pol.values, &arena);
        assert_int_equal(pol.values.n, files[i].n);
        assert_int_equal(pol.rest.len, 0);
        assert_int_equal(again.len, content.len);
        assert_memory_equal(again.ptr, content.ptr, content.len);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads),
        cmocka_unit_test(every_truncation_is_told),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(settings_are_applied_in_order),
        cmocka_unit_test(files_of_others_are_written_again_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
