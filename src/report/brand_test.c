/* SPDX-License-Identifier: Apache-2.0 */
#include "report/brand.h"

#include "base/test.h"
#include "report/style.h"

static const struct {
    const char *text, *error; /* NULL = it is fine */
} files[] = {
    {"name: Example\naccent: \"#7a1f5c\"\nink: \"#000000\"\nfooter: x\n", NULL                        },
    {"accent: \"#777777\"\n",                                             "can't be read on white"    },
    {"accent: red\n",                                                     "is a colour as \"#rrggbb\""},
    {"accent: \"#12345\"\n",                                              "is a colour as \"#rrggbb\""},
    {"accent: [a]\n",                                                     "accent is a text"          },
    {"acent: \"#000000\"\n",                                              "did you mean \"accent\"?"  },
    {"- name\n",                                                          "a brand is a mapping"      },
    {"name: \"\"\n",                                                      "a text of 1 to 400 bytes"  },
    {"name: a\nname: b\n",                                                "name"                      },
    {"name: [\n",                                                         "expected"                  },
};

static void a_file_is_read_or_refused(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct brand brand = {0};
        struct diagnostics found = {0};
        bool good = brand_parse(str_of(files[i].text), &arena, &brand, &found);
        if (good != !files[i].error) fail_msg("row %zu", i);
        if (good) continue;
        assert_true(found.n_errors > 0);
        if (i + 1 < COUNT_OF(files) && !str_contains(found.items[0].text, str_of(files[i].error)))
            fail_msg("row %zu: %.*s", i, STR_ARG(found.items[0].text));
    }
    arena_close(&arena);
}

#define SVG(body) "<svg xmlns=\"http://www.w3.org/2000/svg\">" body "</svg>"

static const struct {
    const char *content;
    enum err_kind kind; /* ERR_NONE = it is fine */
} logos[] = {
    {"\x89PNG\r\n\x1A\n....",                                                   ERR_NONE       },
    {"\xFF\xD8\xFF\xE0",                                                        ERR_NONE       },
    {SVG("<rect width='9' height='9' fill='url(#a)'/>"),                        ERR_NONE       },
    {SVG("<use href='#a'/>"),                                                   ERR_NONE       },
    {SVG("<image href='data:image/png;base64,AAAA'/>"),                         ERR_NONE       },
    {"GIF89a",                                                                  ERR_UNSUPPORTED},
    {"",                                                                        ERR_UNSUPPORTED},
    {"<?xml version='1.0'?><html/>",                                            ERR_UNSUPPORTED},
    {SVG("<script/>"),                                                          ERR_REFUSED    },
    {SVG("<SCRIPT/>"),                                                          ERR_REFUSED    },
    {SVG("<g onload='x()'/>"),                                                  ERR_REFUSED    },
    {SVG("<foreignObject/>"),                                                   ERR_REFUSED    },
    {SVG("<animateTransform/>"),                                                ERR_REFUSED    },
    {SVG("<set attributeName='href' to='x'/>"),                                 ERR_REFUSED    },
    {SVG("<a href='https://example.org'/>"),                                    ERR_REFUSED    },
    {SVG("<a xmlns:x='http://www.w3.org/1999/xlink' x:href='//example.org'/>"), ERR_REFUSED    },
    {SVG("<image href='data:image/svg+xml;base64,AAAA'/>"),                     ERR_REFUSED    },
    {SVG("<g style='fill:url(https://example.org/a)'/>"),                       ERR_REFUSED    },
    {SVG("<g fill='URL( \"https://example.org/a\")'/>"),                        ERR_REFUSED    },
    {SVG("<g style='fill:\\75 rl(x)'/>"),                                       ERR_REFUSED    },
    {SVG("<style>@import 'x'</style>"),                                         ERR_REFUSED    },
    {"<?xml-stylesheet href='x'?>",                                             ERR_UNSUPPORTED},
    {"<?xml version='1.0'?><?xml-stylesheet href='x'?>" SVG(""),                ERR_REFUSED    },
    {"<svg><g>",                                                                ERR_TRUNCATED  },
};

static void a_logo_acts_on_nothing(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(logos); i++) {
        struct brand brand = {0};
        struct err err = {0};
        bool good = brand_logo(&brand, str_bytes(str_of(logos[i].content)), &arena, &err);
        if (good != (logos[i].kind == ERR_NONE)) fail_msg("row %zu: %s", i, err.text);
        if (!good && logos[i].kind != ERR_UNSUPPORTED && err.kind != logos[i].kind)
            fail_msg("row %zu: %s", i, err.text);
    }
    arena_close(&arena);
}

static void a_large_logo_is_refused(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct brand brand = {0};
    struct err err = {0};
    uint8_t *content = arena_array(&arena, uint8_t, BRAND_LOGO_BYTES + 1);
    (void)state;
    memcpy(content, "\x89PNG\r\n\x1A\n", 8);
    assert_true(brand_logo(&brand, (bytes){content, BRAND_LOGO_BYTES}, &arena, &err));
    assert_false(brand_logo(&brand, (bytes){content, BRAND_LOGO_BYTES + 1}, &arena, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_close(&arena);
}

/* The values of WCAG 2.1 for pairs that everybody knows; every colour can be made readable. */
static void contrast_is_that_of_wcag(void **state)
{
    (void)state;
    assert_int_equal(style_contrast(0x000000, 0xffffff) / 10, 209); /* 21 : 1, rounded down */
    assert_int_equal(style_contrast(0xffffff, 0xffffff), 100);
    assert_int_equal(style_contrast(0x767676, 0xffffff) / 10, 45);
    assert_true(style_contrast(0x777777, 0xffffff) < 450);
    for (uint32_t c = 0; c <= 0xffffff; c += 0x010307)
        assert_true(style_contrast(style_for_dark(c), STYLE_GROUND_DARK) >= STYLE_LEAST_CONTRAST);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_file_is_read_or_refused),
        cmocka_unit_test(a_logo_acts_on_nothing),
        cmocka_unit_test(a_large_logo_is_refused),
        cmocka_unit_test(contrast_is_that_of_wcag),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
