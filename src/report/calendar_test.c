/* SPDX-License-Identifier: Apache-2.0 */
#include "report/calendar.h"

#include "base/instant.h"
#include "base/test.h"

static str written(struct arena *arena, const struct register_row *rows, size_t n)
{
    struct arena scratch = arena_open("scratch", 0, NULL);
    struct buf out = buf_in(arena);
    struct exception_register all = {.rows = rows, .n = n};
    struct calendar calendar = {.name = S("w"), .as_of_us = 0, .exceptions = &all};
    calendar_write(&out, &calendar, scratch);
    arena_close(&scratch);
    return buf_text(&out);
}

static struct register_row living(str reason)
{
    return (struct register_row){.id = S("EX-1"),
                                 .owner = S("alice"),
                                 .reason = reason,
                                 .state = BOOK_ACTIVE,
                                 .expires_us = 40 * INSTANT_DAY,
                                 .next_review_us = 30 * INSTANT_DAY};
}

/* Each line has at most 75 octets and is whole UTF-8, whatever the text is and wherever it is cut.
 */
static void lines_are_folded_between_characters(void **state)
{
    static const char *const pieces[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x94\x92"};
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t k = 0; k < 4 * 90; k++) {
        struct buf reason = buf_in(&arena);
        buf_repeat(&reason, 'x', k / 4);
        for (size_t i = 0; i < 60; i++)
            buf_str(&reason, str_of(pieces[k % 4]));
        struct register_row row = living(buf_text(&reason));
        str text = written(&arena, &row, 1), line;
        while (text.len) {
            assert_true(str_cut(text, '\n', &line, &text));
            assert_true(line.len >= 1 && line.ptr[line.len - 1] == '\r');
            assert_true(line.len <= 76);
            assert_int_equal(str_utf8(&arena, line).len, line.len);
        }
    }
    arena_close(&arena);
}

static void text_is_escaped(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct register_row row = living(S("a;b,c\\d\r\nEND:VEVENT\x01"));
    (void)state;
    str text = written(&arena, &row, 1);
    assert_true(str_contains(text, S("reason: a\\;b\\,c\\\\d\\nEND:VEVENT")));
    assert_false(str_contains(text, S("\r\nEND:VEVENT\x01")));
    arena_close(&arena);
}

static void only_what_can_still_open_is_listed(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct register_row rows[] = {living(S("a")), living(S("b")), living(S("c"))};
    (void)state;
    rows[1].state = BOOK_EXPIRED;
    rows[2].state = BOOK_PENDING;
    struct register_row over = living(S("d"));
    over.state = BOOK_EXPIRED;
    over.break_glass = true;
    over.expires_us = 29 * INSTANT_DAY;
    str text = written(&arena, rows, 3);
    assert_true(str_contains(text, S("reason: a")));
    assert_false(str_contains(text, S("reason: b")));
    assert_false(str_contains(text, S("reason: c")));
    assert_true(str_contains(text, S("DTSTART:19700210T000000Z")));
    assert_true(str_contains(text, S("DTSTART:19700131T000000Z")));
    /* Over, and nobody has looked at it yet. */
    text = written(&arena, &over, 1);
    assert_true(str_contains(text, S("SUMMARY:BREAK-GLASS review SMB exception EX-1")));
    over.next_review_us = 0;
    assert_false(str_contains(written(&arena, &over, 1), S("VEVENT")));
    /* A calendar without any component is none. */
    assert_true(str_contains(written(&arena, rows, 0), S("BEGIN:VTIMEZONE")));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(lines_are_folded_between_characters),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(only_what_can_still_open_is_listed),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
