/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/json_write.h"
#include "base/map.h"
#include "base/sha256.h"
#include "base/test.h"

static const struct {
    str in, out;
} texts[] = {
    {{"plain", 5},            {"plain", 5}                                            },
    {{"\xC3\xA9", 2},         {"\xC3\xA9", 2}                                         },
    {{"a\xFFz", 3},           {"a\xEF\xBF\xBDz", 5}                                   },
    {{"\xE2\x82", 2},         {"\xEF\xBF\xBD", 3}                                     }, /* cut sequence: one replacement */
    {{"\xED\xA0\x80", 3},     {"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 9}             }, /* surrogate */
    {{"\xC0\xAF", 2},         {"\xEF\xBF\xBD\xEF\xBF\xBD", 6}                         }, /* overlong */
    {{"\xF4\x90\x80\x80", 4}, {"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 12}},
};

static void invalid_utf8_is_replaced(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (!str_equal(str_utf8(&arena, texts[i].in), texts[i].out)) fail_msg("row %zu", i);
    arena_close(&arena);
}

static void utf16_becomes_utf8(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    static const uint8_t pair[] = {'A', 0, 0x3D, 0xD8, 0x00, 0xDE, 0x00, 0xDC, 'z', 0, 9};
    (void)state;
    str out = str_from_utf16le(&arena, (bytes){pair, sizeof pair});
    assert_true(str_equal(out, S("A\xF0\x9F\x98\x80\xEF\xBF\xBDz")));
    arena_close(&arena);
}

static void marks_of_files_are_passed_over(void **state)
{
    static const struct {
        bytes in;
        uint64_t mark;
        str out;
    } rows[] = {
        {{(const uint8_t *)"ab", 2},                   0, {"ab", 2}       },
        {{(const uint8_t *)"\xEF\xBB\xBF\xC3\xA9", 5}, 3, {"\xC3\xA9", 2} },
        {{(const uint8_t *)"\xEF\xBB", 2},             0, {"\xEF\xBB", 2} },
        {{(const uint8_t *)"\xFF\xFE\xE9\0z\0", 6},    0, {"\xC3\xA9z", 3}},
        {{(const uint8_t *)"\xFF\xFE", 2},             0, {"", 0}         },
        {{NULL, 0},                                    0, {NULL, 0}       },
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t mark = 9;
        str out = str_from_file(&arena, rows[i].in, &mark);
        if (mark != rows[i].mark || !str_equal(out, rows[i].out)) fail_msg("row %zu", i);
    }
    arena_close(&arena);
}

static void numbers_and_distances(void **state)
{
    uint64_t value = 7;
    (void)state;
    assert_true(str_u64(S("18446744073709551615"), UINT64_MAX, &value) && value == UINT64_MAX);
    assert_false(str_u64(S("18446744073709551616"), UINT64_MAX, &value));
    assert_false(str_u64(S(""), 9, &value));
    assert_false(str_u64(S("+1"), 9, &value));
    assert_false(str_u64(S("10"), 9, &value));
    assert_int_equal(str_distance(S("servers"), S("sevrers")), 1);
    assert_int_equal(str_distance(S("kitten"), S("sitting")), 3);
}

static void json_escapes(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct buf out = buf_in(&arena);
    struct json json = json_to(&out);
    (void)state;
    json_object(&json);
    json_member_str(&json, S("a\"\\"), S("\x01\n\tz\xFF"));
    json_key(&json, S("list"));
    json_array(&json);
    json_u64(&json, 1);
    json_null(&json);
    json_array_end(&json);
    json_object_end(&json);
    assert_true(str_equal(buf_text(&out),
                          S("{\"a\\\"\\\\\":\"\\u0001\\n\\tz\xEF\xBF\xBD\",\"list\":[1,null]}")));
    arena_close(&arena);
}

static bool keep(void *to, bytes piece)
{
    buf_bytes(to, piece);
    return true;
}

static void long_text_is_not_cut(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct buf grows = buf_in(&arena), seen = buf_in(&arena);
    struct buf emptied = buf_to(&arena, 4096, keep, &seen);
    (void)state;
    for (int width = 1000; width < 3000; width += 7) {
        buf_format(&grows, "<%*d>", width, width);
        buf_format(&emptied, "<%*d>", width, width);
    }
    assert_true(buf_flush(&emptied));
    assert_true(str_equal(buf_text(&grows), buf_text(&seen)));
    size_t expected = 0;
    for (size_t width = 1000; width < 3000; width += 7)
        expected += width + 2;
    assert_int_equal(buf_text(&grows).len, expected);
    arena_close(&arena);
}

static void maps_find_what_was_put(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct map map = {0};
    bool fresh = false;
    (void)state;
    assert_null(map_find(&map, S("x")));
    for (uint64_t i = 0; i < 5000; i++)
        *map_put(&map, &arena, str_format(&arena, "key %" PRIu64, i), 0, &fresh) = i;
    for (uint64_t i = 0; i < 5000; i++)
        assert_int_equal(*map_find(&map, str_format(&arena, "key %" PRIu64, i)), i);
    map_put(&map, &arena, S("key 7"), 0, &fresh);
    assert_false(fresh);
    assert_int_equal(map.n, 5000);
    arena_close(&arena);
}

static void sha256_matches_its_standard(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    /* FIPS 180-4 example: "abc" */
    struct sha256_digest digest = sha256_of(str_bytes(S("abc")));
    assert_true(str_equal(sha256_hex(&arena, &digest),
                          S("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(invalid_utf8_is_replaced),
        cmocka_unit_test(utf16_becomes_utf8),
        cmocka_unit_test(marks_of_files_are_passed_over),
        cmocka_unit_test(numbers_and_distances),
        cmocka_unit_test(json_escapes),
        cmocka_unit_test(long_text_is_not_cut),
        cmocka_unit_test(maps_find_what_was_put),
        cmocka_unit_test(sha256_matches_its_standard),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
