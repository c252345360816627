/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml.h"

#include "base/test.h"

static void on_begin(void *to, str name, const struct xml_attribute *attributes, size_t n,
                     uint64_t offset)
{
    struct buf *out = to;
    (void)offset;
    buf_format(out, "<%.*s", STR_ARG(name));
    for (size_t i = 0; i < n; i++)
        buf_format(out, " %.*s=%.*s", STR_ARG(attributes[i].name), STR_ARG(attributes[i].value));
    buf_str(out, S(">"));
}

static void on_text(void *to, str text, bool is_cut)
{
    struct buf *out = to;
    buf_str(out, text);
    if (is_cut) buf_str(out, S("[cut]"));
}

static void on_end(void *to, str name)
{
    buf_format(to, "</%.*s>", STR_ARG(name));
}

/* What is told of a document that comes in pieces of that size; a failure as kind@offset. */
static str told(str document, size_t piece, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct xml_handler handler = {&out, on_begin, on_text, on_end};
    struct xml *xml = xml_open(arena, &handler, 100);
    struct err err = {0};
    bool ok = true;
    for (size_t at = 0; ok && at < document.len; at += piece)
        ok = xml_feed(xml, str_bytes(str_head(str_tail(document, at), piece)), false, &err);
    if (ok) ok = xml_feed(xml, (bytes){0}, true, &err);
    if (!ok) {
        struct err again = {0};
        buf_format(&out, "%d@%" PRIu64, (int)err.kind, err.offset);
        assert_false(xml_feed(xml, str_bytes(S("<a/>")), false, &again));
        assert_int_equal(again.kind, err.kind);
        assert_int_equal(err.place, ERR_PLACE_OFFSET);
    }
    xml_close(xml);
    return buf_text(&out);
}

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const struct {
    str in;
    const char *expected; /* what comes before a failure, then its end */
    enum err_kind kind;
} rows[] = {
    {ROW("<a/>"),                                                             "<a></a>",                     ERR_NONE       },
    {ROW("<a b='1' x:c=\"&lt;&#65;\">t&amp;u<b>v</b> \n</a>"),                "<a b=1 c=<A>t&u<b>v</b></a>",
     ERR_NONE                                                                                                               },
    {ROW("<?xml version='1.0'?>\n<!DOCTYPE nmaprun>\n<nmaprun/>\n"),          "<nmaprun></nmaprun>",
     ERR_NONE                                                                                                               },
    {ROW("<e:Event xmlns:e='urn:e'><![CDATA[<x>]]></e:Event>"),               "<Event e=urn:e><x></Event>",
     ERR_NONE                                                                                                               },
    {ROW("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>"),           "<a>\xC3\xA9</a>",             ERR_NONE       },
    {ROW("\xFF\xFE<\0a\0/\0>\0"),                                             "<a></a>",                     ERR_NONE       },
    {ROW("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"),                         "",                            ERR_UNSUPPORTED},
    {ROW("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"), "",                            ERR_UNSUPPORTED},
    {ROW("<!DOCTYPE a SYSTEM 'http://example.org/a.dtd'><a/>"),               "<a></a>",                     ERR_NONE       },
    {ROW("<a>&x;</a>"),                                                       "<a>",                         ERR_MALFORMED  },
    {ROW("<a><b></a>"),                                                       "<a><b>",                      ERR_MALFORMED  },
    {ROW("<a>\x01</a>"),                                                      "<a>",                         ERR_MALFORMED  },
    {ROW("<a>\xFF</a>"),                                                      "<a>",                         ERR_MALFORMED  },
    {ROW("<a b='1' b='2'/>"),                                                 "",                            ERR_MALFORMED  },
    {ROW("<a/><b/>"),                                                         "<a></a>",                     ERR_MALFORMED  },
    {ROW("<a>text"),                                                          "<a>",                         ERR_TRUNCATED  },
    {ROW("<a"),                                                               "",                            ERR_TRUNCATED  },
    {ROW(""),                                                                 "",                            ERR_TRUNCATED  },
    {ROW("<?xml version='1.0' encoding='EBCDIC-XX'?><a/>"),                   "",                            ERR_UNSUPPORTED},
};

static void rows_are_told(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t piece = 1; piece <= 64; piece = piece * 2 + 1) {
            str got = told(rows[i].in, piece, &arena), expected = str_of(rows[i].expected);
            if (!str_starts(got, expected))
                fail_msg("row %zu in pieces of %zu: %.*s", i, piece, STR_ARG(got));
            str rest = str_tail(got, expected.len);
            str kind = str_format(&arena, "%d@1", (int)rows[i].kind);
            if (rows[i].kind == ERR_NONE ? rest.len > 0 : !str_contains(rest, kind))
                fail_msg("row %zu in pieces of %zu ends with %.*s", i, piece, STR_ARG(rest));
        }
    }
    arena_close(&arena);
}

static str repeated(struct arena *arena, str head, str piece, size_t n, str tail)
{
    struct buf out = buf_in(arena);
    buf_str(&out, head);
    for (size_t i = 0; i < n; i++)
        buf_str(&out, piece);
    buf_str(&out, tail);
    return buf_text(&out);
}

static enum err_kind kind_of(str document)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct buf out = buf_in(&arena);
    struct xml_handler handler = {&out, on_begin, on_text, on_end};
    struct xml *xml = xml_open(&arena, &handler, 0);
    struct err err = {0};
    enum err_kind kind = xml_feed(xml, str_bytes(document), true, &err) ? ERR_NONE : err.kind;
    xml_close(xml);
    arena_close(&arena);
    return kind;
}

static void limits_hold(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    assert_int_equal(kind_of(repeated(&arena, S(""), S("<a>"), LIMIT_NESTING + 1, S(""))),
                     ERR_LIMIT);
    struct buf many = buf_in(&arena);
    buf_str(&many, S("<a"));
    for (size_t i = 0; i <= LIMIT_XML_ATTRIBUTES; i++)
        buf_format(&many, " b%zu=''", i);
    buf_str(&many, S("/>"));
    assert_int_equal(kind_of(buf_text(&many)), ERR_LIMIT);
    /* A tag that never ends is not waited for, and long text is no tag. */
    assert_int_equal(kind_of(repeated(&arena, S("<a b='"), S("0123456789abcdef"), 1 << 17, S(""))),
                     ERR_LIMIT);
    str text = repeated(&arena, S("<a>"), S("0123456789abcd\xC3\xA9"), 1 << 17, S("</a>"));
    assert_int_equal(kind_of(text), ERR_NONE);
    assert_int_equal(kind_of(repeated(&arena, S("<a>"), S("<b c='d'>e</b>\n"), 1 << 17, S("</a>"))),
                     ERR_NONE);
    str got = told(text, 1000, &arena);
    assert_true(str_ends(got, S("[cut]</a>")));
    assert_true(got.len <= LIMIT_XML_TEXT + sizeof "<a>[cut]</a>");
    assert_ptr_equal(str_utf8(&arena, got).ptr, got.ptr);
    arena_close(&arena);
}

static void a_parser_reads_another_document(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    struct buf out = buf_in(&arena);
    struct xml_handler handler = {&out, on_begin, on_text, on_end};
    struct xml *xml = xml_open(&arena, &handler, 0);
    struct err err = {0};
    assert_false(xml_feed(xml, str_bytes(S("<a>left<b")), true, &err));
    xml_again(xml, 50);
    assert_true(xml_feed(xml, str_bytes(S("<c>d</c>")), true, &err));
    xml_again(xml, 90);
    assert_false(xml_feed(xml, str_bytes(S("<c></d>")), true, &err));
    assert_true(err.offset >= 90 && err.offset <= 97);
    assert_true(str_contains(buf_text(&out), S("<c>d</c>")));
    xml_close(xml);
    arena_close(&arena);
}

static void attributes_are_found(void **state)
{
    const struct xml_attribute attributes[] = {
        {ROW("Name"), ROW("IpAddress")}
    };
    (void)state;
    assert_true(str_equal(xml_attribute_of(attributes, 1, S("Name")), S("IpAddress")));
    assert_int_equal(xml_attribute_of(attributes, 1, S("name")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_told),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(a_parser_reads_another_document),
        cmocka_unit_test(attributes_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
