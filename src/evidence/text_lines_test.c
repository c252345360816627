/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/text_lines.h"

#include "base/test.h"

struct heard {
    struct buf text;
};

static void hear_line(void *to, const struct text_line *line)
{
    struct heard *heard = to;
    buf_format(&heard->text, "%" PRIu64 "+%" PRIu64 "%s ", line->offset, line->length,
               line->cut ? " cut" : "");
    buf_str(&heard->text, line->text);
    buf_char(&heard->text, '\n');
}

static void hear_skip(void *to, const struct skip *skip)
{
    struct heard *heard = to;
    buf_format(&heard->text, "skip %" PRIu64 "+%" PRIu64 " %.*s\n", skip->offset, skip->length,
               STR_ARG(skip->reason));
}

/* Reads the whole in windows of `piece` bytes more each time, each in memory of its own. */
static str read_in_pieces(struct arena *arena, bytes data, size_t piece)
{
    struct heard heard = {buf_in(arena)};
    struct fact_sink sink = fact_sink_none();
    sink.to = &heard;
    sink.skip = hear_skip;
    struct text_lines *lines = text_lines_open(arena, &sink, hear_line, &heard);
    size_t start = 0, end = 0;
    for (bool last = false; !last;) {
        end = data.len - end > piece ? end + piece : data.len;
        last = end == data.len;
        uint8_t *copy = malloc(end - start + 1);
        assert_non_null(copy);
        if (end > start) memcpy(copy, data.ptr + start, end - start);
        size_t consumed = 0, want = 0;
        struct window window = {
            {copy, end - start},
            start, last
        };
        text_lines_feed(lines, window, &consumed, &want);
        assert_true(consumed <= end - start && (!last || consumed == end - start));
        start += consumed;
        free(copy);
    }
    return buf_text(&heard.text);
}

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const struct {
    const char *name;
    str in;
    const char *expected;
} rows[] = {
    {"nothing",                       ROW(""),                       ""                        },
    {"one byte",                      ROW("x"),                      "0+1 cut x\n"             },
    {"LF and CR LF",                  ROW("ab\ncd\r\nef\n"),         "0+2 ab\n3+2 cd\n7+2 ef\n"},
    {"empty lines",                   ROW("\n\r\nab\n\n"),           "3+2 ab\n"                },
    {"a CR inside stays",             ROW("a\rb\n"),                 "0+3 a\rb\n"              },
    {"no newline at the end",         ROW("ab\ncd"),                 "0+2 ab\n3+2 cut cd\n"    },
    {"a CR at the end",               ROW("ab\r"),                   "0+2 cut ab\n"            },
    {"unwritten space",               ROW("ab\0\0\0\0cd\n\0ef\n\0"),
     "0+2 cut ab\n6+2 cd\n"
     "10+2 ef\n"                                                                               },
    {"marks where files were joined",
     ROW("\xEF\xBB\xBF\xEF\xBB\xBF"
         "a\n\xEF\xBB\xBF"
         "b\n"),
     "6+1 a\n11+1 b\n"                                                                         },
    {"a mark alone",                  ROW("\xEF\xBB\xBF\n"),         ""                        },
    {"UTF-16 little endian",
     ROW("\xFF\xFE"
         "a\0\r\0\n\0\xE4\0\n\0"),
     "2+2 a\n8+2 \xC3\xA4\n"                                                                   },
    {"UTF-16 big endian",
     ROW("\xFE\xFF"
         "\0a\0\n\0b"),
     "2+2 a\n6+2 cut b\n"                                                                      },
    {"UTF-16, LF as half of a unit",
     ROW("\xFF\xFE"
         "a\0\x0A\x01"
         "b\0\n\0"),
     "2+6 a\xC4\x8A"
     "b\n"                                                                                     },
    {"UTF-16, pairs and halves",
     ROW("\xFF\xFE\x3D\xD8\x00\xDE\n\0\x3D\xD8"
         "a\0\n\0\x00\xDE\n\0\x3D\xD8"),
     "2+4 \xF0\x9F\x98\x80\n8+4 \xEF\xBF\xBD"
     "a\n14+2 \xEF\xBF\xBD\n18+2 cut \xEF\xBF\xBD\n"                                           },
    {"UTF-16, unwritten space",
     ROW("\xFF\xFE"
         "a\0\0\0\0\0b\0\n\0"),
     "2+2 cut a\n8+2 b\n"                                                                      },
    {"UTF-16, an odd last byte",
     ROW("\xFF\xFE"
         "a\0\n\0b"),
     "2+2 a\n"                                                                                 },
};

static void rows_give_their_lines(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t piece = 1; piece < 40; piece++) {
            str found = read_in_pieces(&arena, str_bytes(rows[i].in), piece);
            if (!str_equal(found, str_of(rows[i].expected)))
                fail_msg("%s, in pieces of %zu: found\n%.*s", rows[i].name, piece, STR_ARG(found));
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
}

static void long_lines_are_stepped_over(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    size_t noise = 3 * (size_t)LIMIT_LOG_LINE_BYTES, len = noise + 4;
    uint8_t *data = arena_array(&arena, uint8_t, len);
    (void)state;
    memset(data, 'x', noise);
    memcpy(data + noise, "\nab\n", 4);
    for (size_t piece = 5000; piece < 2 * len; piece *= 3) {
        str found = read_in_pieces(&arena, (bytes){data, len}, piece);
        assert_true(str_equal(found, S("skip 0+196608 the line is longer than 64 KiB\n"
                                       "196609+2 ab\n")));
        found = read_in_pieces(&arena, (bytes){data, noise}, piece);
        assert_true(str_equal(found, S("skip 0+196608 the line is longer than 64 KiB\n")));
    }
    /* The longest that is read, also in UTF-16 with three bytes of UTF-8 per unit. */
    data[LIMIT_LOG_LINE_BYTES] = '\n';
    struct heard heard = {buf_in(&arena)};
    buf_bytes(&heard.text, (bytes){data, LIMIT_LOG_LINE_BYTES});
    str line = read_in_pieces(&arena, (bytes){data, LIMIT_LOG_LINE_BYTES + 1}, 100);
    assert_true(str_equal(str_tail(line, str_of("0+65536 ").len),
                          str_format(&arena, "%.*s\n", STR_ARG(buf_text(&heard.text)))));
    data[0] = 0xFF, data[1] = 0xFE;
    for (size_t i = 0; i < LIMIT_LOG_LINE_BYTES; i += 2)
        data[2 + i] = 0xAC, data[3 + i] = 0x20;
    line = read_in_pieces(&arena, (bytes){data, LIMIT_LOG_LINE_BYTES + 2}, 100);
    assert_int_equal(line.len, str_of("2+65536 cut ").len + LIMIT_LOG_LINE_BYTES / 2 * 3 + 1);
    arena_close(&arena);
}

static void hear_number(void *to, const struct text_line *line)
{
    struct heard *heard = to;
    buf_format(&heard->text, "%" PRIu64 " ", line->number);
}

static void lines_are_numbered(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct heard heard = {buf_in(&arena)};
    struct fact_sink sink = fact_sink_none();
    struct text_lines *lines = text_lines_open(&arena, &sink, hear_number, &heard);
    bytes text = str_bytes(S("\na\n\n\r\nb\0\0c\nd"));
    size_t consumed = 0, want = 0, at = 0;
    (void)state;
    for (size_t end = 0; end <= text.len; end++) {
        struct window window = {
            {text.ptr + at, end - at},
            at, end == text.len
        };
        text_lines_feed(lines, window, &consumed, &want);
        at += consumed;
    }
    assert_true(str_equal(buf_text(&heard.text), S("2 5 5 6 ")));
    arena_close(&arena);
}

static void heads_are_walked(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    bool whole = false;
    (void)state;
    bytes head = str_bytes(S("\xEF\xBB\xBF"
                             "ab\r\n\ncd\nef"));
    assert_true(str_equal(text_lines_peek(head, 0, &arena, &whole), S("ab")) && whole);
    assert_true(str_equal(text_lines_peek(head, 1, &arena, &whole), S("cd")) && whole);
    assert_true(str_equal(text_lines_peek(head, 2, &arena, &whole), S("ef")) && !whole);
    assert_null(text_lines_peek(head, 3, &arena, &whole).ptr);
    assert_null(text_lines_peek((bytes){0}, 0, &arena, &whole).ptr);
    head = str_bytes(S("\xFF\xFE"
                       "a\0\r\0\n\0b\0"));
    assert_true(str_equal(text_lines_peek(head, 0, &arena, &whole), S("a")) && whole);
    assert_true(str_equal(text_lines_peek(head, 1, &arena, &whole), S("b")) && !whole);
    head = str_bytes(S("\0\0ab\0cd\n"));
    assert_true(str_equal(text_lines_peek(head, 0, &arena, &whole), S("ab")) && !whole);
    assert_true(str_equal(text_lines_peek(head, 1, &arena, &whole), S("cd")) && whole);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_lines),
        cmocka_unit_test(long_lines_are_stepped_over),
        cmocka_unit_test(lines_are_numbered),
        cmocka_unit_test(heads_are_walked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
