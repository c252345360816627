/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for each rule, and a seeded generator whose documents, sound and damaged, are judged by
 * jansson too: the verdict and every value must agree. */
#include "base/json_scan.h"

#include <jansson.h>

#include "base/test.h"

/* Tokens as text: "{k(a)s(b)}" and so on, or "!kind@offset" for a failure. */
static str tokens(struct arena *arena, struct json_scan scan)
{
    static const char *const marks[] = {"", "{", "}", "[", "]", "k", "s", "n", "t", "f", "0"};
    struct buf out = buf_in(arena);
    struct json_scan_item item = {.kind = JSON_SCAN_NULL};
    struct err err = {0};
    while (item.kind != JSON_SCAN_END) {
        if (!json_scan_next(&scan, &item, &err)) {
            static const char *const kinds[] = {[ERR_MALFORMED] = "malformed",
                                                [ERR_TRUNCATED] = "truncated",
                                                [ERR_LIMIT] = "limit"};
            struct err again = {0};
            buf_format(&out, "!%s@%" PRIu64, kinds[err.kind], err.offset);
            assert_false(json_scan_next(&scan, &item, &again));
            assert_string_equal(err.text, again.text);
            break;
        }
        buf_str(&out, str_of(marks[item.kind]));
        if (item.kind >= JSON_SCAN_KEY && item.kind <= JSON_SCAN_NUMBER)
            buf_format(&out, "(%.*s)", STR_ARG(item.text));
    }
    return buf_text(&out);
}

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const struct {
    str in;
    const char *expected, *replaced; /* replaced: with replace_invalid, when it differs */
} rows[] = {
    {ROW("{}"),                                          "{}",                                       NULL                                     },
    {ROW(" [ ] "),                                       "[]",                                       NULL                                     },
    {ROW("{\"a\":1,\"b\":[true,false,null,\"x\"]}"),     "{k(a)n(1)k(b)[tf0s(x)]}",                  NULL                                     },
    {ROW("{\"a\":{\"a\":1},\"a\":2}"),                   "{k(a){k(a)n(1)}k(a)n(2)}",                 NULL                                     },
    {ROW("\t-0.5e+10\r\n"),                              "n(-0.5e+10)",                              NULL                                     },
    {ROW("\"\\u00e9\\n\\\"\\/\\uD83D\\uDE00\xC3\xA9\""), "s(\xC3\xA9\n\"/\xF0\x9F\x98\x80\xC3\xA9)",
     NULL                                                                                                                                     },
    {ROW("123456789012345678901234567890"),              "n(123456789012345678901234567890)",        NULL                                     },
    {ROW(""),                                            "!truncated@0",                             NULL                                     },
    {ROW("  "),                                          "!truncated@2",                             NULL                                     },
    {ROW("[1,]"),                                        "[n(1)!malformed@3",                        NULL                                     },
    {ROW("[1"),                                          "[n(1)!truncated@2",                        NULL                                     },
    {ROW("[1 2]"),                                       "[n(1)!malformed@3",                        NULL                                     },
    {ROW("[}"),                                          "[!malformed@1",                            NULL                                     },
    {ROW("{]"),                                          "{!malformed@1",                            NULL                                     },
    {ROW("{\"a\"}"),                                     "{!malformed@4",                            NULL                                     },
    {ROW("{\"a\":}"),                                    "{k(a)!malformed@5",                        NULL                                     },
    {ROW("{\"a\":1,}"),                                  "{k(a)n(1)!malformed@7",                    NULL                                     },
    {ROW("{a:1}"),                                       "{!malformed@1",                            NULL                                     },
    {ROW("{1:1}"),                                       "{!malformed@1",                            NULL                                     },
    {ROW("01"),                                          "n(0)!malformed@1",                         NULL                                     },
    {ROW("+1"),                                          "!malformed@0",                             NULL                                     },
    {ROW(".5"),                                          "!malformed@0",                             NULL                                     },
    {ROW("1."),                                          "!truncated@2",                             NULL                                     },
    {ROW("1e"),                                          "!truncated@2",                             NULL                                     },
    {ROW("-"),                                           "!truncated@1",                             NULL                                     },
    {ROW("-a"),                                          "!malformed@1",                             NULL                                     },
    {ROW("NaN"),                                         "!malformed@0",                             NULL                                     },
    {ROW("nul"),                                         "!truncated@3",                             NULL                                     },
    {ROW("truefalse"),                                   "t!malformed@4",                            NULL                                     },
    {ROW("1 1"),                                         "n(1)!malformed@2",                         NULL                                     },
    {ROW("[1]]"),                                        "[n(1)]!malformed@3",                       NULL                                     },
    {ROW("\"abc"),                                       "!truncated@4",                             NULL                                     },
    {ROW("\"a\x01\""),                                   "!malformed@2",                             NULL                                     },
    {ROW("\"a\nb\""),                                    "!malformed@2",                             NULL                                     },
    {ROW("\"\\x\""),                                     "!malformed@2",                             NULL                                     },
    {ROW("\"\\u12g4\""),                                 "!malformed@5",                             NULL                                     },
    {ROW("\"\\u12"),                                     "!truncated@5",                             NULL                                     },
    {ROW("\"a\\"),                                       "!truncated@3",                             NULL                                     },
    {ROW("\"\\ud800\""),                                 "!malformed@1",                             "s(\xEF\xBF\xBD)"                        },
    {ROW("\"\\udc00x\""),                                "!malformed@1",                             "s(\xEF\xBF\xBDx)"                       },
    {ROW("\"\\ud800\\u0041\""),                          "!malformed@1",
     "s(\xEF\xBF\xBD"
     "A)"                                                                                                                                     },
    {ROW("\"x\xFFy\""),                                  "!malformed@2",                             "s(x\xEF\xBF\xBDy)"                      },
    {ROW("\"\xED\xA0\x80\""),                            "!malformed@1",                             "s(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD)"},
    {ROW("\"\xE2\x82\""),                                "!malformed@1",                             "s(\xEF\xBF\xBD)"                        },
    {ROW("\xEF\xBB\xBF{}"),                              "!malformed@0",                             NULL                                     },
    {ROW("// x\n1"),                                     "!malformed@0",                             NULL                                     },
    {ROW("1\0"),                                         "n(1)!malformed@1",                         NULL                                     },
};

static void rows_give_their_tokens(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct json_scan scan = json_scan_of(rows[i].in, 0, &arena);
        str found = tokens(&arena, scan);
        if (!str_equal(found, str_of(rows[i].expected)))
            fail_msg("row %zu: %.*s: found %.*s", i, STR_ARG(rows[i].in), STR_ARG(found));
        scan.replace_invalid = true;
        found = tokens(&arena, scan);
        const char *expected = rows[i].replaced ? rows[i].replaced : rows[i].expected;
        if (!str_equal(found, str_of(expected)))
            fail_msg("row %zu, replaced: %.*s: found %.*s", i, STR_ARG(rows[i].in), STR_ARG(found));
    }
    arena_close(&arena);
}

static void nesting_is_limited(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct buf deep = buf_in(&arena);
    struct json_scan_item item = {.kind = JSON_SCAN_NULL};
    struct err err = {0};
    (void)state;
    for (int i = 0; i < LIMIT_NESTING; i++)
        buf_str(&deep, i % 2 ? S("{\"a\":") : S("["));
    buf_char(&deep, '7');
    for (int i = LIMIT_NESTING; i > 0; i--)
        buf_char(&deep, i % 2 ? ']' : '}');
    struct json_scan scan = json_scan_of(buf_text(&deep), 1000, &arena);
    while (item.kind != JSON_SCAN_END)
        if (!json_scan_next(&scan, &item, &err)) fail_msg("%s", err.text);
    str deeper = str_format(&arena, "[%.*s]", STR_ARG(buf_text(&deep)));
    scan = json_scan_of(deeper, 1000, &arena);
    while (json_scan_next(&scan, &item, &err))
        assert_int_not_equal(item.kind, JSON_SCAN_END);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_true(err.offset > 1000 && err.place == ERR_PLACE_OFFSET);
    arena_close(&arena);
}

static void values_are_skipped(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    str text = S("{\"a\":[1,{\"b\":\"\\n\"},[]],\"c\":3,\"d\":{\"e\":[]},\"f\":\"\\t\"}");
    struct json_scan scan = json_scan_of(text, 0, &arena);
    struct json_scan_item item;
    struct err err = {0};
    struct buf keys = buf_in(&arena);
    (void)state;
    assert_true(json_scan_next(&scan, &item, &err) && item.kind == JSON_SCAN_OBJECT);
    while (json_scan_next(&scan, &item, &err) && item.kind == JSON_SCAN_KEY) {
        buf_str(&keys, item.text);
        assert_true(json_scan_skip(&scan, item, &err));
    }
    assert_int_equal(item.kind, JSON_SCAN_OBJECT_END);
    assert_true(json_scan_next(&scan, &item, &err) && item.kind == JSON_SCAN_END);
    assert_true(str_equal(buf_text(&keys), S("acdf")));

    scan = json_scan_of(S("[[1,2"), 0, &arena);
    assert_true(json_scan_next(&scan, &item, &err) && json_scan_next(&scan, &item, &err));
    assert_false(json_scan_skip(&scan, item, &err));
    assert_int_equal(err.kind, ERR_TRUNCATED);
    arena_close(&arena);
}

static void numbers_become_integers(void **state)
{
    static const struct {
        const char *text;
        unsigned decimals;
        bool fits;
        int64_t expected;
    } scaled[] = {
        {"1.25",                     6, true,  1250000         },
        {"1600881302.151234",        6, true,  1600881302151234},
        {"1600881302.1512349",       6, true,  1600881302151234},
        {"-1.5",                     0, true,  -1              },
        {"-0.0000001",               6, true,  0               },
        {"1e3",                      6, true,  1000000000      },
        {"1.5E-3",                   6, true,  1500            },
        {"1e-7",                     6, true,  0               },
        {"0e999999999999999999999",  6, true,  0               },
        {"1e-999999999999999999999", 6, true,  0               },
        {"1e999999999999999999999",  6, false, 0               },
        {"9223372036854775807",      0, true,  INT64_MAX       },
        {"9223372036854775808",      0, false, 0               },
        {"-9223372036854775808",     0, true,  INT64_MIN       },
        {"922337203685477580799e-2", 0, true,  INT64_MAX       },
        {"9223372036855",            6, false, 0               },
    };
    int64_t value = 0;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(scaled); i++) {
        value = 0;
        bool fits = json_scan_scaled(str_of(scaled[i].text), scaled[i].decimals, &value);
        if (fits != scaled[i].fits || value != scaled[i].expected)
            fail_msg("%s: found %" PRId64, scaled[i].text, value);
    }
    assert_true(json_scan_i64(S("-9223372036854775808"), &value) && value == INT64_MIN);
    assert_true(json_scan_i64(S("9223372036854775807"), &value) && value == INT64_MAX);
    assert_true(json_scan_i64(S("-0"), &value) && value == 0);
    assert_false(json_scan_i64(S("9223372036854775808"), &value));
    assert_false(json_scan_i64(S("1.0"), &value));
    assert_false(json_scan_i64(S("1e2"), &value));
}

/* jansson's json_object, json_array and json_null have the names of our writer's functions, so
 * values are made without them; base/json_write must not come into this program. */
static json_t *empty_container(bool is_object)
{
    return json_pack(is_object ? "{}" : "[]");
}

/* The document as jansson would have it; NULL when it is refused. */
static json_t *build_value(struct json_scan *scan, struct json_scan_item item, struct err *err);

static json_t *build_container(struct json_scan *scan, bool is_object, struct err *err)
{
    json_t *container = empty_container(is_object);
    struct json_scan_item item;
    str key = {0};
    for (;;) {
        if (!json_scan_next(scan, &item, err)) break;
        if (item.kind == JSON_SCAN_OBJECT_END || item.kind == JSON_SCAN_ARRAY_END) return container;
        if (is_object) {
            assert_int_equal(item.kind, JSON_SCAN_KEY);
            key = item.text;
            if (!json_scan_next(scan, &item, err)) break;
        }
        json_t *value = build_value(scan, item, err);
        if (!value) break;
        char name[256];
        snprintf(name, sizeof name, "%.*s", STR_ARG(key));
        assert_int_equal(is_object ? json_object_set_new(container, name, value)
                                   : json_array_append_new(container, value),
                         0);
    }
    json_decref(container);
    return NULL;
}

static json_t *build_value(struct json_scan *scan, struct json_scan_item item, struct err *err)
{
    int64_t integer = 0;
    char number[512];
    switch (item.kind) {
    case JSON_SCAN_OBJECT:
        return build_container(scan, true, err);
    case JSON_SCAN_ARRAY:
        return build_container(scan, false, err);
    case JSON_SCAN_STRING:
        return json_stringn(item.text.ptr ? item.text.ptr : "", item.text.len);
    case JSON_SCAN_TRUE:
        return json_true();
    case JSON_SCAN_FALSE:
        return json_false();
    case JSON_SCAN_NULL:
        return json_pack("n");
    case JSON_SCAN_NUMBER:
        if (json_scan_i64(item.text, &integer)) return json_integer(integer);
        snprintf(number, sizeof number, "%.*s", STR_ARG(item.text));
        return json_real(strtod(number, NULL));
    case JSON_SCAN_END:
    case JSON_SCAN_OBJECT_END:
    case JSON_SCAN_ARRAY_END:
    case JSON_SCAN_KEY:
        break;
    }
    fail_msg("a token that begins no value");
    return NULL;
}

static json_t *build_document(struct arena *arena, str text, struct err *err)
{
    struct json_scan scan = json_scan_of(text, 0, arena);
    struct json_scan_item item;
    if (!json_scan_next(&scan, &item, err)) return NULL;
    json_t *value = build_value(&scan, item, err);
    if (value && json_scan_next(&scan, &item, err)) return value;
    json_decref(value);
    return NULL;
}

struct generator {
    uint64_t state;
    struct buf out;
};

WRAPS static uint32_t pick(struct generator *g, uint32_t n)
{
    g->state = g->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(g->state >> 33) % n;
}

static void blanks(struct generator *g)
{
    while (pick(g, 4) == 0)
        buf_char(&g->out, " \t\r\n"[pick(g, 4)]);
}

static void generate_string(struct generator *g, bool is_key)
{
    static const char *const pieces[] = {
        "a",
        "key",
        "\\n",
        "\\\"",
        "\\\\",
        "\\/",
        "\\u00e9",
        "\\uD83D\\uDE00",
        "\xC3\xA9",
        "\xE2\x82\xAC",
        "\xF0\x9F\x98\x80",
        "0123456789",
        "\\b\\f\\r\\t",
        "\\u0000",
        "\\ud800",
        "\xFF",
        "\xC0\x80",
        "\x7F",
    };
    buf_char(&g->out, '"');
    for (uint32_t n = pick(g, 5); n; n--) {
        /* The last four are rare, and jansson knows no NUL in keys. */
        uint32_t which = pick(g, 40) ? pick(g, 13) : 13 + pick(g, COUNT_OF(pieces) - 13);
        if (is_key && which == 13) which = 0;
        buf_str(&g->out, str_of(pieces[which]));
    }
    buf_char(&g->out, '"');
}

static void generate_value(struct generator *g, unsigned depth)
{
    static const char *const scalars[] = {
        "true",
        "false",
        "null",
        "0",
        "-0",
        "-1",
        "12345",
        "1.5",
        "-2.25e10",
        "1E-5",
        "0.1",
        "1e0",
        "9e1",
        "-0.0",
        "100",
        "9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
    };
    blanks(g);
    uint32_t form = depth ? pick(g, 4) : 2 + pick(g, 2);
    if (form == 2) {
        generate_string(g, false);
    } else if (form == 3) {
        buf_str(&g->out, str_of(scalars[pick(g, COUNT_OF(scalars))]));
    } else {
        buf_char(&g->out, form ? '{' : '[');
        for (uint32_t i = 0, n = pick(g, 5); i < n; i++) {
            if (i) buf_char(&g->out, ',');
            blanks(g);
            if (form) {
                generate_string(g, true);
                blanks(g);
                buf_char(&g->out, ':');
            }
            generate_value(g, depth - 1);
        }
        blanks(g);
        buf_char(&g->out, form ? '}' : ']');
    }
    blanks(g);
}

/* One byte changed, removed, added, or the end cut off. */
static str damage(struct generator *g, struct arena *arena, str text)
{
    static const char bytes_of_json[] = "{}[],:\"\\0123456789eE+-.utfn \n\x01\xFF";
    if (!text.len) return text;
    uint32_t at = pick(g, (uint32_t)text.len);
    char c = bytes_of_json[pick(g, sizeof bytes_of_json - 1)];
    str head = str_head(text, at), tail = str_tail(text, at + 1);
    switch (pick(g, 4)) {
    case 0:
        return head;
    case 1:
        return str_format(arena, "%.*s%.*s", STR_ARG(head), STR_ARG(tail));
    case 2:
        return str_format(arena, "%.*s%c%.*s", STR_ARG(head), c, STR_ARG(tail));
    default:
        return str_format(arena, "%.*s%c%c%.*s", STR_ARG(head), c, text.ptr[at], STR_ARG(tail));
    }
}

/* What jansson refuses though RFC 8259 allows it, since it makes C numbers and C strings of it. */
static bool beyond_jansson(const char *text)
{
    return strstr(text, "too big") || strstr(text, "overflow") || strstr(text, "NUL byte");
}

static void jansson_agrees(void **state)
{
    enum { DOCUMENTS = 60000 };
    struct arena arena = arena_open("test", 0, NULL);
    size_t sound = 0, refused = 0, beyond = 0;
    struct generator g = {.state = 20261102};
    (void)state;
    for (int i = 0; i < DOCUMENTS; i++) {
        g.out = buf_in(&arena);
        generate_value(&g, pick(&g, 6));
        str text = buf_text(&g.out);
        for (uint32_t n = pick(&g, 3); n; n--)
            text = damage(&g, &arena, text);
        json_error_t why = {0};
        struct err err = {0};
        json_t *theirs =
            json_loadb(text.ptr ? text.ptr : "", text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
        json_t *ours = build_document(&arena, text, &err);
        if (!theirs && beyond_jansson(why.text)) {
            beyond++;
        } else {
            if (!theirs != !ours)
                fail_msg("%.*s\njansson: %s, ours: %s", STR_ARG(text), theirs ? "fine" : why.text,
                         ours ? "fine" : err.text);
            if (ours && !json_equal(ours, theirs)) fail_msg("values differ: %.*s", STR_ARG(text));
            sound += ours != NULL;
            refused += ours == NULL;
        }
        json_decref(theirs);
        json_decref(ours);
        arena_reset(&arena);
    }
    print_message("%zu sound, %zu refused, %zu beyond jansson\n", sound, refused, beyond);
    assert_true(sound > DOCUMENTS / 3 && refused > DOCUMENTS / 5 && beyond < DOCUMENTS / 50);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_tokens), cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(values_are_skipped),     cmocka_unit_test(numbers_become_integers),
        cmocka_unit_test(jansson_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
