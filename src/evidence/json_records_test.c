/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of text with the objects and skips that are found in it: whole, in windows of every small
 * size, and as UTF-16 of both kinds; then what no row can hold: long objects, many of them. */
#include "evidence/json_records.h"

#include "base/buf.h"
#include "base/test.h"

struct heard {
    struct buf text;
    struct arena *arena;
    uint64_t size;
    size_t unit; /* bytes of the source per character of these rows */
    size_t objects;
};

static bool take(void *to, str object, uint64_t offset, struct err *err)
{
    struct heard *heard = to;
    struct json_scan scan = json_scan_of(object, offset, heard->arena);
    struct json_scan_item item = {.kind = JSON_SCAN_NULL};
    scan.replace_invalid = true;
    while (item.kind != JSON_SCAN_END)
        if (!json_scan_next(&scan, &item, err)) return false;
    buf_format(&heard->text, "%" PRIu64 ":%.*s ", offset / heard->unit, STR_ARG(object));
    heard->objects++;
    return true;
}

static void hear_skip(void *to, const struct skip *fact)
{
    struct heard *heard = to;
    assert_true(fact->reason.len > 0 && fact->length > 0);
    assert_true(fact->offset + fact->length <= heard->size);
    buf_format(&heard->text, "!%" PRIu64 "+%" PRIu64 " ", fact->offset / heard->unit,
               fact->length / heard->unit);
}

static str read_all(struct arena *arena, bytes data, size_t unit, size_t piece, size_t *objects)
{
    struct heard heard = {buf_in(arena), arena, data.len, unit, 0};
    struct fact_sink sink = fact_sink_none();
    sink.to = &heard;
    sink.skip = hear_skip;
    struct json_records *records = json_records_open(arena, &sink, take, &heard);
    size_t start = 0, end = 0;
    for (bool last = false; !last;) {
        size_t consumed = 0, want = 0;
        /* The last window shows nothing new, as that of a pipe does. */
        last = end == data.len;
        end = data.len - end > piece ? end + piece : data.len;
        struct window window = {
            {data.ptr + start, end - start},
            start, last
        };
        json_records_feed(records, window, &consumed, &want);
        assert_true(consumed <= window.data.len);
        start += consumed;
    }
    assert_int_equal(start, data.len);
    if (objects) *objects = heard.objects;
    return buf_text(&heard.text);
}

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
/* "offset:object" for each object, "!offset+length" for each skip. */
static const struct {
    const char *name;
    str in;
    const char *expected;
} rows[] = {
    {"nothing",                      ROW(""),                                                           ""                              },
    {"blanks",                       ROW(" \r\n\n"),                                                    ""                              },
    {"one",                          ROW("{}"),                                                         "0:{} "                         },
    {"a line each",                  ROW("{\"a\":1}\n{\"b\":2}\r\n{\"c\":3}\n"),
     "0:{\"a\":1} 8:{\"b\":2} 17:{\"c\":3} "                                                                                            },
    {"no last newline",              ROW("{\"a\":1}\n{\"b\":2}"),                                       "0:{\"a\":1} 8:{\"b\":2} "      },
    {"one after another",            ROW("{\"a\":1}{\"b\":2} {\"c\":3}\n"),
     "0:{\"a\":1} 7:{\"b\":2} 15:{\"c\":3} "                                                                                            },
    {"over lines",                   ROW("{\n \"a\": {\n  \"b\": 1\n }\n}\n{\n \"c\": 2 }\n"),
     "0:{\n \"a\": {\n  \"b\": 1\n }\n} 24:{\n \"c\": 2 } "                                                                             },
    {"a line that ends in an inner", ROW("{\"a\":{\"b\":1}\n,\"c\":2}\n{\"d\":3}\n"),
     "0:{\"a\":{\"b\":1}\n,\"c\":2} 21:{\"d\":3} "                                                                                      },
    {"array",                        ROW("[{\"a\":1},{\"b\":2}]"),                                      "1:{\"a\":1} 9:{\"b\":2} "      },
    {"array, a line each",           ROW("[\n{\"a\":1},\n{\"b\":[{\"x\":1},\n{\"x\":2}]}\n]\n"),
     "2:{\"a\":1} 11:{\"b\":[{\"x\":1},\n{\"x\":2}]} "                                                                                  },
    {"array not closed",             ROW("[\n{\"a\":1},\n"),                                            "2:{\"a\":1} "                  },
    {"empty array",                  ROW("[]"),                                                         ""                              },
    {"wrapper",                      ROW("{\"records\":[{\"a\":1},{\"b\":2}]}"),                        "12:{\"a\":1} 20:{\"b\":2} "    },
    {"wrapper with more",
     ROW("{\"x\": {\"y\":[1]}, \"Records\" : [ {\"a\":1} ],\"z\":{\"}\":\"]}\\\"\"}} {\"b\":1}"),
     "31:{\"a\":1} 59:{\"b\":1} "                                                                                                       },
    {"wrappers, a line each",
     ROW("{\"n\":1,\"results\":[{\"a\":1}]}\n{\"n\":2,\"results\":[{\"a\":2}]}"),
     "18:{\"a\":1} 46:{\"a\":2} "                                                                                                       },
    {"inner wrapper",                ROW("{\"took\":1,\"hits\":{\"total\":1,\"hits\":[{\"_id\":1}]}}"),
     "36:{\"_id\":1} "                                                                                                                  },
    {"array of wrappers",            ROW("[{\"records\":[{\"a\":1}]},\n{\"records\":[{\"a\":2}]}]"),
     "13:{\"a\":1} 36:{\"a\":2} "                                                                                                       },
    {"a list of numbers is a value", ROW("{\"value\":[1,2]}"),                                          "0:{\"value\":[1,2]} "          },
    {"a weak name further on",       ROW("{\"a\":1,\"data\":[{\"b\":1}]}"),
     "0:{\"a\":1,\"data\":[{\"b\":1}]} "                                                                                                },
    {"mark",                         ROW("\xEF\xBB\xBF{\"a\":1}\n\xEF\xBB\xBF{\"b\":1}"),               "3:{\"a\":1} 14:{\"b\":1} "     },
    {"unwritten space",              ROW("{\"a\":1}\n\0\0\0\n{\"b\":1}"),                               "0:{\"a\":1} 12:{\"b\":1} "     },
    {"record separators",            ROW("\x1E{\"a\":1}\n\x1E{\"b\":1}\n"),                             "1:{\"a\":1} 10:{\"b\":1} "     },
    {"cut first line",               ROW("st\":1}\n{\"a\":1}\n"),                                       "!0+7 7:{\"a\":1} "             },
    {"cut last line",                ROW("{\"a\":1}\n{\"b\":"),                                         "0:{\"a\":1} !8+5 "             },
    {"cut string",                   ROW("{\"a\":\"x\n{\"b\":1}\n"),                                    "!0+8 8:{\"b\":1} "             },
    {"cut between members",          ROW("{\"a\":1,\n{\"b\":1}\n"),                                     "!0+8 8:{\"b\":1} "             },
    {"cut behind a colon",           ROW("{\"a\":\n{\"b\":1}\n{\"c\":1}\n"),
     "!0+6 6:{\"b\":1} 14:{\"c\":1} "                                                                                                   },
    {"cut behind an inner object",   ROW("{\"a\":{\"b\":1}\n{\"c\":1}\n"),                              "!0+13 13:{\"c\":1} "           },
    {"garbage between",              ROW("{\"a\":1}\nNov 12 host: x\n{\"b\":1}\n"),
     "0:{\"a\":1} !8+15 23:{\"b\":1} "                                                                                                  },
    {"what the reader refuses",      ROW("{\"a\":1}\n{\"b\":NaN}\n{\"c\":1}\n"),
     "0:{\"a\":1} !8+9 18:{\"c\":1} "                                                                                                   },
    {"not an object",                ROW("[1,\n{\"a\":1}]\n"),                                          "!1+3 4:{\"a\":1} "             },
    {"damage in an array",           ROW("[{\"a\":1},{\"b\"{}},{\"c\":1}]"),
     "1:{\"a\":1} !9+8 17:{\"c\":1} "                                                                                                   },
    {"damage printed over lines",
     ROW("[\n  {\n    \"a\" {\n    }\n  },\n  {\n    \"b\": {\n      \"c\": 1 }\n  }\n]"),
     "!4+25 29:{\n    \"b\": {\n      \"c\": 1 }\n  } "                                                                                 },
    {"stray bracket",                ROW("{\"a\":1}\n]\n{\"b\":1}\n"),                                  "0:{\"a\":1} !8+2 10:{\"b\":1} "},
    {"a string cut behind a list",   ROW("{\"records\":[{\"a\":1}],\"b\":\"\n{\"c\":1}"),
     "12:{\"a\":1} !26+1 27:{\"c\":1} "                                                                                                 },
    {"control character",            ROW("{\"a\"\x01:1}\n{\"b\":1}\n"),                                 "!0+9 9:{\"b\":1} "             },
};

/* Rows are of ASCII but for their byte order marks, which UTF-16 has only at its start. */
static bytes utf16(struct arena *arena, str text, bool big)
{
    uint8_t *out = arena_array(arena, uint8_t, 2 * text.len + 2);
    out[big ? 0 : 1] = 0xFE;
    out[big ? 1 : 0] = 0xFF;
    for (size_t i = 0; i < text.len; i++)
        out[2 + 2 * i + (big ? 1 : 0)] = (uint8_t)text.ptr[i];
    return (bytes){out, 2 * text.len + 2};
}

/* The expected text with all offsets one further, for the byte order mark. */
static str shifted(struct arena *arena, bytes data, size_t unit)
{
    return read_all(arena, data, unit, data.len, NULL);
}

static void rows_give_their_objects(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bytes data = str_bytes(rows[i].in);
        for (size_t piece = data.len + 1; piece > 0; piece--) {
            str found = read_all(&arena, data, 1, piece, NULL);
            if (!str_equal(found, str_of(rows[i].expected)))
                fail_msg("%s in windows of %zu: found %.*s", rows[i].name, piece, STR_ARG(found));
        }
        /* The same bytes as UTF-16: the same but for the offsets, which count the mark. */
        str marked = str_format(&arena, " %.*s", STR_ARG(rows[i].in));
        if (memchr(data.ptr ? data.ptr : (const uint8_t *)"", 0, data.len) ||
            memchr(data.ptr ? data.ptr : (const uint8_t *)"", 0xEF, data.len))
            continue;
        str expected = shifted(&arena, str_bytes(marked), 1);
        for (int big = 0; big < 2; big++) {
            bytes wide = utf16(&arena, rows[i].in, big);
            for (size_t piece = wide.len + 1; piece > 0; piece--) {
                str found = read_all(&arena, wide, 2, piece, NULL);
                if (!str_equal(found, expected))
                    fail_msg("%s as UTF-16 in windows of %zu: found %.*s, not %.*s", rows[i].name,
                             piece, STR_ARG(found), STR_ARG(expected));
            }
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
}

static void characters_beyond_ascii_are_decoded(void **state)
{
    static const uint8_t wide[] = {0xFF, 0xFE, '{', 0, '"', 0, 0xE9, 0, 0x3D, 0xD8,
                                   0x00, 0xDE, '"', 0, ':', 0, '"',  0, 0,    0xD8,
                                   '"',  0,    '}', 0, 10,  0, '{',  0, '}',  0};
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t piece = 1; piece <= sizeof wide; piece++) {
        str found = read_all(&arena, (bytes){wide, sizeof wide}, 1, piece, NULL);
        str expected = S("2:{\"\xC3\xA9\xF0\x9F\x98\x80\":\"\xEF\xBF\xBD\"} 26:{} ");
        if (!str_equal(found, expected)) fail_msg("%zu: found %.*s", piece, STR_ARG(found));
    }
    arena_close(&arena);
}

/* A number of objects around one that is too long for any window. */
static void long_objects_are_stepped_over(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct buf text = buf_in(&arena);
    size_t objects = 0;
    (void)state;
    buf_str(&text, S("{\"a\":1}\n{\"long\":\""));
    buf_repeat(&text, 'x', LIMIT_RECORD_BYTES);
    buf_str(&text, S("\"}\n{\"b\":1}\n{\"fits\":\""));
    buf_repeat(&text, 'x', LIMIT_RECORD_BYTES / 2);
    buf_str(&text, S("\"}\n"));
    bytes data = str_bytes(buf_text(&text));
    str found = read_all(&arena, data, 1, LIMIT_WINDOW_BYTES, &objects);
    assert_int_equal(objects, 3);
    assert_true(str_starts(found, S("0:{\"a\":1} !8+16777228 16777236:{\"b\":1} ")));
    assert_true(str_equal(found, read_all(&arena, data, 1, data.len, NULL)));
    arena_close(&arena);
}

static void heads_show_their_first_object(void **state)
{
    static const struct {
        str in, expected;
        bool whole;
    } heads[] = {
        {ROW(""),                                 ROW(""),                  false},
        {ROW("date time action"),                 ROW(""),                  false},
        {ROW("{\"a\":1}\n{\"b\":1}\n"),           ROW("{\"a\":1}"),         true },
        {ROW("{\"a\":1}"),                        ROW("{\"a\":1}"),         true },
        {ROW("\xEF\xBB\xBF[\n{\"a\":1}, {\"b\""), ROW("{\"a\":1}"),         true },
        {ROW("{\"records\": [ {\"a\":1},"),       ROW("{\"a\":1}"),         true },
        {ROW("{\"records\": [ {\"a\":1,\"b"),     ROW("{\"a\":1,\"b"),      false},
        {ROW("{\"a\":{\n\"b\":1"),                ROW("{\"a\":{\n\"b\":1"), false},
        {ROW("t\":1}\n{\"a\":1}\n"),              ROW("{\"a\":1}"),         true },
        {ROW("\xFF\xFE[\0{\0}\0,\0"),             ROW("{}"),                true },
        {ROW("\xFE\xFF\0{\0\""),                  ROW("{\""),               false},
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        bool whole = true;
        str found = json_records_peek(str_bytes(heads[i].in), &arena, &whole);
        if (!str_equal(found, heads[i].expected) || whole != heads[i].whole)
            fail_msg("head %zu: found %.*s", i, STR_ARG(found));
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_objects),
        cmocka_unit_test(characters_beyond_ascii_are_decoded),
        cmocka_unit_test(long_objects_are_stepped_over),
        cmocka_unit_test(heads_show_their_first_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
