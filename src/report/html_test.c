/* SPDX-License-Identifier: Apache-2.0 */
#include "report/html.h"

#include "base/test.h"
#include "report/picture.h"

static const struct {
    const char *in, *out;
} texts[] = {
    {"plain",                       "plain"                                          },
    {"<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"},
    {"\" onload=\"x&y",             "&quot; onload=&quot;x&amp;y"                    },
    {"caf\xC3\xA9",                 "caf\xC3\xA9"                                    },
    {"cut \xC3",                    "cut \xEF\xBF\xBD"                               },
    {"esc \x1B[31m",                "esc \xEF\xBF\xBD[31m"                           },
};

static void text_cannot_become_markup(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct buf out = buf_in(&arena);
        html_text(&out, str_of(texts[i].in));
        if (!str_equal(buf_text(&out), str_of(texts[i].out)))
            fail_msg("row %zu: %.*s", i, STR_ARG(buf_text(&out)));
    }
    arena_close(&arena);
}

static size_t count(str text, str part)
{
    size_t n = 0;
    for (size_t i = 0; i + part.len <= text.len; i++)
        n += str_equal((str){text.ptr + i, part.len}, part);
    return n;
}

static str drawn(struct arena *arena, const struct picture *picture)
{
    struct arena scratch = arena_open("scratch", 0, NULL);
    struct buf out = buf_in(arena);
    picture_draw(&out, picture, scratch);
    arena_close(&scratch);
    return buf_text(&out);
}

/* A small picture shows every cell; a large one shows segments, the gravest verdict of each and how
 * many flows stand behind it. */
static void every_cell_is_in_the_picture(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    enum { MANY = PICTURE_MOST_ROWS + 1 };
    struct picture_axis rows[MANY], columns[] = {
                                        {S("FS01"), S("servers")}
    };
    struct picture_cell cells[MANY];
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        rows[i] = (struct picture_axis){str_format(&arena, "WS%zu", i), S("clients")};
        cells[i] = (struct picture_cell){
            .row = i, .verdict = i == 7 ? PICTURE_BROKEN : PICTURE_KEPT, .flows = 1};
    }
    struct picture small = {rows, columns, 10, 1, cells, 10};
    str text = drawn(&arena, &small);
    assert_int_equal(count(text, S("<title>")), 10);
    assert_int_equal(count(text, S("would break</title>")), 1);

    struct picture large = {rows, columns, MANY, 1, cells, MANY};
    text = drawn(&arena, &large);
    assert_int_equal(count(text, S("<title>")), 1);
    assert_int_equal(count(text, S("would break, 61 flows</title>")), 1);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(text_cannot_become_markup),
        cmocka_unit_test(every_cell_is_in_the_picture),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
