/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/events_xml.h"

#include "base/test.h"
#include "evidence/events_heard.h"

extern const struct reader events_xml_reader, events_json_reader;

#define SYSTEM(id, record)                                                                         \
    "<System><Provider Name=\"Microsoft-Windows-Security-Auditing\" Guid=\"{1}\"/><EventID>" id    \
    "</EventID><Version>1</Version><Keywords>0x8020000000000000</Keywords><TimeCreated "           \
    "SystemTime=\"2026-11-02T08:14:03.1203312Z\"/><EventRecordID>" record                          \
    "</EventRecordID><Channel>Security</Channel><Computer>FS01</Computer><Security/></System>"
#define EVENT "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\">"
#define DATA  "<Data Name=\"IpAddress\">10.10.4.7</Data><Data Name=\"IpPort\">50123</Data>"
#define SHARE "<Data Name=\"ShareName\">\\\\*\\projects</Data>"
#define USED  EVENT SYSTEM("5140", "77") "<EventData>" DATA SHARE "</EventData></Event>"
#define USELESS                                                                                    \
    EVENT SYSTEM("4688", "78") "<EventData><Data Name=\"x\">y</Data></EventData></Event>"
#define FACTS                                                                                      \
    "10.10.4.7:50123 > FS01:445 tcp accessed within port? share \\\\FS01\\projects\n"              \
    "use \\\\FS01\\projects\n"

/* clang-format off */
static const struct {
    const char *name, *text, *expected;
    size_t records;
} rows[] = {
    {"one event", USED, "from FS01\n" FACTS, 1},
    {"an export of the Event Viewer",
     "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\r\n<Events>" USED
     USELESS USED "</Events>\r\n", "from FS01\n" FACTS FACTS, 3},
    {"wevtutil: one behind the other", USED "\r\n" USELESS "\r\n" USED "\r\n",
     "from FS01\n" FACTS FACTS, 3},
    {"a line of a forwarder", "<14>Nov  2 08:14:03 FS01 evt: " USED "\n<14>Nov  2 08:14:04 x " USED,
     "from FS01\n" FACTS FACTS, 2},
    {"what was rendered says nothing",
     EVENT SYSTEM("5140", "77") "<EventData>" DATA SHARE "</EventData><RenderingInfo Culture=\"en\">"
     "<Message>a share</Message><EventData>" DATA "</EventData></RenderingInfo></Event>",
     "from FS01\n" FACTS, 1},
    {"quotes of the other kind, prefixes",
     "<e:Event xmlns:e='x'/><Event xmlns='x'>" "<System><Provider Name='Microsoft-Windows-Security-"
     "Auditing'/><EventID Qualifiers='0'>5140</EventID><Keywords>0x8020000000000000</Keywords>"
     "<TimeCreated SystemTime='2026-11-02T08:14:03Z'/><Channel>Security</Channel><Computer>FS01"
     "</Computer></System><EventData><Data Name='IpAddress'>10.10.4.7</Data><Data Name='IpPort'>"
     "50123</Data><Data Name='ShareName'>\\\\*\\projects</Data></EventData></Event>",
     "from FS01\n" FACTS, 1},
    {"user data",
     EVENT "<System><Provider Name='Microsoft-Windows-SMBServer'/><EventID>1009</EventID>"
     "<TimeCreated SystemTime='2026-11-02T08:14:03Z'/><Channel>Microsoft-Windows-SMBServer/Security"
     "</Channel><Computer>FS01</Computer></System><UserData><EventData xmlns='Smb'>"
     "<ClientAddressLength>128</ClientAddressLength><ClientAddress>0200C3010A0A0407</ClientAddress>"
     "<ClientName>\\\\10.10.4.7</ClientName></EventData></UserData></Event>",
     "from FS01\n10.10.4.7:49921 > FS01:445 tcp auth-failed within port? anonymous\n", 1},
    {"values without names",
     EVENT SYSTEM("5140", "77") "<EventData><Data>S-1-5-21-1-2-3-1104</Data><Data>alice</Data><Data>"
     "CONTOSO</Data><Data>0x1</Data><Data>File</Data><Data>10.10.4.7</Data><Data>50123</Data><Data>"
     "\\\\*\\projects</Data><Data/></EventData></Event>",
     "from FS01\n10.10.4.7:50123 > FS01:445 tcp accessed within port? user CONTOSO\\alice share "
     "\\\\FS01\\projects\nuse \\\\FS01\\projects CONTOSO\\alice\n", 1},
    {"what XML forbids",
     EVENT SYSTEM("5140", "77") "<EventData>" DATA SHARE "<Data Name=\"x\">\x01&#1;&#x1F;\xFF</Data>"
     "</EventData></Event>", "from FS01\n" FACTS, 1},
    {"an event that is cut by the next",
     "<Events>" EVENT SYSTEM("5140", "76") "<EventData><Data Name=\"IpA" USED "</Events>",
     "skip @8+411 the event ends inside\nfrom FS01\n" FACTS, 1},
    {"an event that is cut by the end", USED EVENT "<System>",
     "from FS01\n" FACTS "skip @529+77 the event ends inside\n", 1},
    {"an event that is broken",
     EVENT SYSTEM("5140", "76") "<EventData></Data></EventData></Event>" USED,
     "skip @0+423 expected well-formed XML, found: mismatched tag\nfrom FS01\n" FACTS, 1},
    {"an event that says nothing", EVENT "<System></System></Event>" USED,
     "skip @0+94 expected an event with its EventID\nfrom FS01\n" FACTS, 1},
    {"entities of its own", "<!DOCTYPE a [<!ENTITY x 'y'>]>" EVENT SYSTEM("5140", "77")
     "<EventData><Data Name=\"ShareName\">&x;</Data></EventData></Event>" USED,
     "skip @30+449 expected well-formed XML, found: undefined entity\nfrom FS01\n" FACTS, 1},
    {"no event", "<Events>\n</Events><EventData>x</EventData></Event>", "", 0},
};
/* clang-format on */

static str read_in(bytes data, size_t piece, struct events_heard *heard, struct arena *arena)
{
    *heard = (struct events_heard){.text = buf_in(arena)};
    events_read(&events_xml_reader, &(struct reader_options){0}, data, piece, heard);
    return buf_text(&heard->text);
}

static void rows_are_told(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct events_heard heard;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str text = str_of(rows[i].text);
        for (size_t piece = 1; piece < 4096; piece = piece * 5 + 2) {
            str got = read_in(str_bytes(text), piece, &heard, &arena);
            if (!str_equal(got, str_of(rows[i].expected)) || heard.records != rows[i].records)
                fail_msg("%s, in pieces of %zu: %zu records\n%.*s", rows[i].name, piece,
                         heard.records, STR_ARG(got));
        }
    }
    arena_close(&arena);
}

static bytes utf16_of(str text, bool big, struct arena *arena)
{
    uint8_t *out = arena_array(arena, uint8_t, 2 * text.len + 2);
    out[big ? 0 : 1] = 0xFE;
    out[big ? 1 : 0] = 0xFF;
    for (size_t i = 0; i < text.len; i++)
        out[2 * i + (big ? 3 : 2)] = (uint8_t)text.ptr[i];
    return (bytes){out, 2 * text.len + 2};
}

static void utf16_is_read(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct events_heard heard;
    (void)state;
    for (int big = 0; big < 2; big++) {
        bytes text = utf16_of(S("<Events>" USED USELESS USED EVENT), big, &arena);
        for (size_t piece = 1; piece < 4096; piece = piece * 7 + 1) {
            str got = read_in(text, piece, &heard, &arena);
            if (!str_starts(got, S("from FS01\n" FACTS FACTS "skip @")) || heard.records != 3)
                fail_msg("in pieces of %zu: %.*s", piece, STR_ARG(got));
        }
        bytes head = {text.ptr,
                      LIMIT_RECOGNISE_BYTES < text.len ? LIMIT_RECOGNISE_BYTES : text.len};
        assert_true(events_xml_reader.recognise(head));
    }
    arena_close(&arena);
}

static void cuts_are_survived(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct events_heard heard;
    str text = S(USED USELESS), first = S(USED);
    (void)state;
    for (size_t cut = 0; cut <= text.len; cut++) {
        struct arena scratch = arena;
        read_in((bytes){(const uint8_t *)text.ptr, cut}, SIZE_MAX, &heard, &scratch);
        size_t whole = (size_t)(cut >= first.len) + (size_t)(cut == text.len);
        if (heard.records != whole) fail_msg("cut at %zu: %zu records", cut, heard.records);
    }
    arena_close(&arena);
}

/* An event that does not end is not waited for, and the next one is read. */
static void long_events_are_stepped_over(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct events_heard heard;
    struct buf text = buf_in(&arena);
    (void)state;
    buf_str(&text, S(EVENT));
    buf_repeat(&text, 'x', LIMIT_EVENT_BYTES + 1);
    size_t length = text.len;
    buf_str(&text, S(USED));
    str whole = read_in(str_bytes(buf_text(&text)), SIZE_MAX, &heard, &arena);
    str expected = str_format(
        &arena, "skip @0+%zu the event is longer than any event\nfrom FS01\n" FACTS, length);
    assert_true(str_equal(whole, expected));
    str pieces = read_in(str_bytes(buf_text(&text)), 100000, &heard, &arena);
    assert_true(str_equal(pieces, expected));
    text.len = length;
    pieces = read_in(str_bytes(buf_text(&text)), 100000, &heard, &arena);
    assert_true(str_equal(pieces, str_format(&arena,
                                             "skip @0+%zu the event is longer than any "
                                             "event\n",
                                             length)));
    arena_close(&arena);
}

static void keywords_are_understood(void **state)
{
    static const struct {
        const char *text;
        enum known known;
    } keywords[] = {
        {"0x8020000000000000",   KNOWN_YES},
        {"0x8010000000000000",   KNOWN_NO },
        {"0X8010000000000000",   KNOWN_NO },
        {"-9214364837600034816", KNOWN_YES},
        {"-9218868437227405312", KNOWN_NO },
        {"9232379236109516800",  KNOWN_YES},
        {"-9223372036854775808", KNOWN_NOT},
        {"0x8000000000000000",   KNOWN_NOT},
        {"0x18010000000000000",  KNOWN_NOT},
        {"Audit Failure",        KNOWN_NO },
        {"AUDIT_SUCCESS",        KNOWN_YES},
        {"success",              KNOWN_YES},
        {"INFO",                 KNOWN_NOT},
        {"-",                    KNOWN_NOT},
        {"",                     KNOWN_NOT},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(keywords); i++)
        if (events_xml_succeeded(str_of(keywords[i].text)) != keywords[i].known)
            fail_msg("%s", keywords[i].text);
}

static void other_formats_are_not_recognised(void **state)
{
    static const char *const texts[] = {
        "",
        "<",
        "<Event",
        "<Events></Events>",
        "<Event>x</Event>",
        "<?xml version='1.0'?><nmaprun><host/></nmaprun>",
        "{\"_raw\":\"<Event xmlns='x'><System><Provider Name='a'/><EventID>1</EventID>\"}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (events_xml_reader.recognise(str_bytes(str_of(texts[i])))) fail_msg("%s", texts[i]);
    assert_true(events_xml_reader.recognise(str_bytes(S(USED))));
    assert_true(events_xml_reader.recognise(str_bytes(S("<14>1 FS01 " USED))));
    assert_false(events_json_reader.recognise(str_bytes(S(USED))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_told),
        cmocka_unit_test(utf16_is_read),
        cmocka_unit_test(cuts_are_survived),
        cmocka_unit_test(long_events_are_stepped_over),
        cmocka_unit_test(keywords_are_understood),
        cmocka_unit_test(other_formats_are_not_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
