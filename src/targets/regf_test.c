/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/regf.h"

#include "base/test.h"
#include "targets/read_rows.h"

#define SMALL SOURCE_ROOT "/tests/corpus/regf/small.hive"
#define LISTS SOURCE_ROOT "/tests/corpus/regf/lists_and_segments.hive"

enum { FIRST_CELL = 4096 + 32 };

static bytes sample(struct arena *arena, const char *path)
{
    str text = read_rows_file(arena, path);
    uint8_t *copy = arena_array(arena, uint8_t, text.len);
    memcpy(copy, text.ptr, text.len);
    return (bytes){copy, text.len};
}

static void values_are_read(void **state)
{
    static const char *const expected[] = {
        "|PolicyVersion|4|4",
        "FirewallRules|a|1|134",
        "FirewallRules|big|3|20480",
        "PublicProf\xc3\xad"
        "le|EnableFirewall|4|4",
        "PublicProf\xc3\xad"
        "le||1|0",
    };
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct regf regf = {0};
    struct err err = {0};
    if (!regf_read(S("f"), sample(&arena, LISTS), &arena, &regf, &err)) fail_msg("%s", err.text);
    assert_false(regf.is_dirty);
    assert_int_equal(regf.values.n, COUNT_OF(expected));
    for (size_t i = 0; i < regf.values.n; i++) {
        const struct registry_value *v = &regf.values.items[i];
        str found = str_format(&arena, "%.*s|%.*s|%u|%zu", STR_ARG(v->key), STR_ARG(v->name),
                               (unsigned)v->type, v->data.len);
        if (!str_equal(found, str_of(expected[i])))
            fail_msg("%.*s, expected %s", STR_ARG(found), expected[i]);
    }
    /* Put together from two cells. */
    const struct registry_value *big = &regf.values.items[2];
    for (size_t i = 0; i < big->data.len; i++)
        assert_int_equal(big->data.ptr[i], i % 256);
    arena_close(&arena);
}

static void every_truncation_is_told(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    bytes whole = sample(&arena, SMALL);
    for (size_t n = 0; n < whole.len; n++) {
        struct regf regf = {.is_dirty = true};
        struct err err = {0};
        assert_false(regf_read(S("f"), (bytes){whole.ptr, n}, &arena, &regf, &err));
        assert_true(regf.is_dirty && err.kind == ERR_TRUNCATED && err.offset <= n);
    }
    arena_close(&arena);
}

/* Place of the first such bytes in the bins. */
static size_t place_of(bytes hive, const char *signature)
{
    for (size_t i = FIRST_CELL; i + 2 <= hive.len; i++)
        if (memcmp(hive.ptr + i, signature, 2) == 0) return i;
    fail_msg("no %s", signature);
    return 0;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i & 0xff);
}

/* A field of the first cell of a kind is changed; what is said. */
static void damage_is_told(void **state)
{
    static const struct {
        const char *name, *file, *cell;
        size_t field; /* behind the signature's begin */
        uint32_t value;
        const char *error;
    } rows[] = {
        {"not a hive",             SMALL, NULL, 0,  0x66676573, "expected \"regf\""       },
        {"another version",        SMALL, NULL, 20, 2,          "header.major: expected 1"},
        {"bins beyond the file",   SMALL, NULL, 40, 0x10000,    "header.size"             },
        {"a root beyond the bins", SMALL, NULL, 36, 0x100000,   "nk"                      },
        {"a root between cells",   SMALL, NULL, 36, 36,         "expected a cell in use"  },
        {"a root that is a value", SMALL, NULL, 36, 0x98 + 32,  "expected a cell"         },
        {"a value list outside",   SMALL, "nk", 40, 0xfffffff0, "nk.values"               },
        {"values without end",     SMALL, "nk", 36, 0x7fffffff, "nk.values"               },
        {"a name without end",     SMALL, "nk", 72, 0xffff,     "nk.name"                 },
        {"a backslash in a key",   SMALL, "nk", 76, 0x5c5c5c5c, "a backslash"             },
        {"data outside",           SMALL, "vk", 8,  0x100000,   "vk.data"                 },
        {"data without end",       SMALL, "vk", 4,  0x7fffffff, "expected a cell \"db\""  },
        {"data of eight inside",   SMALL, "vk", 4,  0x80000008, "at most 4 bytes inside"  },
        {"keys without end",       SMALL, "lf", 2,  0xffffffff, ""                        },
        {"a list of another kind", SMALL, "lf", 0,  0x0002786c, "expected a cell \"lf"    },
        {"segments without end",   LISTS, "db", 2,  0,          "db"                      },
    };
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct regf regf = {0};
        struct err err = {0};
        bytes hive = sample(&arena, rows[i].file);
        size_t at = rows[i].cell ? place_of(hive, rows[i].cell) : 0;
        uint8_t *damaged = arena_array(&arena, uint8_t, hive.len);
        memcpy(damaged, hive.ptr, hive.len);
        put_u32(damaged + at + rows[i].field, rows[i].value);
        if (regf_read(S("f"), (bytes){damaged, hive.len}, &arena, &regf, &err))
            fail_msg("%s: it reads", rows[i].name);
        if (!strstr(err.text, rows[i].error) || err.place != ERR_PLACE_OFFSET)
            fail_msg("%s: offset %" PRIu64 ": %s", rows[i].name, err.offset, err.text);
    }
    arena_close(&arena);
}

/* A key below itself, and one value named by two keys. */
static void cells_are_named_once(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    bytes hive = sample(&arena, SMALL);
    uint8_t *damaged = arena_array(&arena, uint8_t, hive.len);
    memcpy(damaged, hive.ptr, hive.len);
    struct regf regf = {0};
    struct err err = {0};
    memcpy(damaged + place_of(hive, "lf") + 4, hive.ptr + 36, 4); /* the root */
    assert_false(regf_read(S("f"), (bytes){damaged, hive.len}, &arena, &regf, &err));
    assert_non_null(strstr(err.text, "named a second time"));
    arena_close(&arena);
}

static void a_hive_in_use_is_dirty(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    bytes hive = sample(&arena, SMALL);
    uint8_t *changed = arena_array(&arena, uint8_t, hive.len);
    memcpy(changed, hive.ptr, hive.len);
    struct regf regf = {0};
    struct err err = {0};
    changed[4]++;
    assert_true(regf_read(S("f"), (bytes){changed, hive.len}, &arena, &regf, &err));
    assert_true(regf.is_dirty);
    arena_close(&arena);
}

/* As reglookup reads the same file: paths, types and, of what the truth holds, how many. */
static void real_hives_are_read(void **state)
{
    (void)state;
    const char *corpus = test_corpus();
    if (!corpus) skip();
    struct arena arena = arena_open("test", 0, NULL);
    struct regf regf = {0};
    struct err err = {0};
    const char *path = str_c(&arena, str_format(&arena, "%s/wfw/luthfina16-firewall.wfw", corpus));
    assert_true(regf_read(S("f"), sample(&arena, path), &arena, &regf, &err));
    str truth = read_rows_file(&arena, str_c(&arena, str_format(&arena, "%s.expected.tsv", path)));
    str line, where, type;
    size_t n = 0;
    while (truth.len) {
        (void)str_cut(truth, '\n', &line, &truth);
        if (!str_starts(line, S("/"))) continue;
        (void)str_cut(line, '\t', &where, &type);
        (void)str_cut(type, '\t', &type, &line);
        const struct registry_value *v = &regf.values.items[n++];
        struct buf found = buf_in(&arena);
        buf_format(&found, "/%.*s/%.*s", STR_ARG(v->key), STR_ARG(v->name));
        for (size_t i = 1; i <= v->key.len; i++)
            if (found.data[i] == '\\') found.data[i] = '/';
        if (!str_equal(buf_text(&found), where))
            fail_msg("value %zu: %.*s, expected %.*s", n, STR_ARG(buf_text(&found)),
                     STR_ARG(where));
        assert_true(str_equal(type, v->type == REGISTRY_DWORD ? S("DWORD") : S("SZ")));
        assert_true(n < regf.values.n || n == regf.values.n);
    }
    assert_int_equal(n, regf.values.n);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),        cmocka_unit_test(every_truncation_is_told),
        cmocka_unit_test(damage_is_told),         cmocka_unit_test(cells_are_named_once),
        cmocka_unit_test(a_hive_in_use_is_dirty), cmocka_unit_test(real_hives_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
