/* SPDX-License-Identifier: Apache-2.0 */
#include "base/os_memory.h"
#include "base/test.h"
#include "evidence/events_heard.h"

extern const struct reader events_json_reader, events_xml_reader;

#define LOGGED                                                                                     \
    "\"SubjectUserSid\":\"S-1-5-21-1-2-3-1104\",\"SubjectUserName\":\"alice\","                    \
    "\"SubjectDomainName\":\"CONTOSO\",\"SubjectLogonId\":\"0x541f35\",\"ObjectType\":\"File\","   \
    "\"IpAddress\":\"10.10.4.7\",\"IpPort\":\"50123\",\"ShareName\":\"\\\\\\\\*\\\\IPC$\","        \
    "\"ShareLocalPath\":\"\",\"RelativeTargetName\":\"svcctl\",\"AccessMask\":\"0x3\""
#define POSITIONS                                                                                  \
    "\"S-1-5-21-1-2-3-1104\",\"alice\",\"CONTOSO\",\"0x541f35\",\"File\",\"10.10.4.7\",\"50123\"," \
    "\"\\\\\\\\*\\\\IPC$\",\"\",\"svcctl\",\"0x3\",\"%%4416\",\"-\""
#define PROVIDER "\"Microsoft-Windows-Security-Auditing\""
#define XML                                                                                        \
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider "      \
    "Name='Microsoft-Windows-Security-Auditing'/><EventID>5145</EventID><Keywords>"                \
    "0x8020000000000000</Keywords><TimeCreated SystemTime='2026-11-02T08:14:03.120331200Z'/>"      \
    "<EventRecordID>77</EventRecordID><Channel>Security</Channel><Computer>FS01.contoso.com"       \
    "</Computer></System>"
#define XML_DATA                                                                                   \
    "<EventData><Data Name='SubjectUserName'>alice</Data><Data Name='SubjectDomainName'>CONTOSO"   \
    "</Data><Data Name='IpAddress'>10.10.4.7</Data><Data Name='IpPort'>50123</Data><Data "         \
    "Name='ShareName'>\\\\\\\\*\\\\IPC$</Data><Data Name='RelativeTargetName'>svcctl</Data>"       \
    "</EventData>"

/* One event in every shape: the same facts, and the same identity of the record. */
/* clang-format off */
static const struct {
    const char *name, *text;
    bool is_cut; /* its time has no fraction */
} shapes[] = {
    {"winlogbeat",
     "{\"@timestamp\":\"2026-11-02T08:14:03.120Z\",\"event\":{\"code\":\"5145\",\"outcome\":"
     "\"success\",\"provider\":" PROVIDER "},\"host\":{\"name\":\"collector\"},\"winlog\":{"
     "\"event_id\":\"5145\",\"provider_name\":" PROVIDER ",\"channel\":\"Security\",\"record_id\":"
     "77,\"computer_name\":\"FS01.contoso.com\",\"keywords\":[\"Audit Success\"],\"event_data\":{"
     LOGGED "}},\"message\":\"A network share object was checked\"}", false},
    {"winlogbeat, keywords only",
     "{\"@timestamp\":\"2026-11-02T08:14:03.120Z\",\"winlog\":{\"event_id\":5145,"
     "\"provider_name\":" PROVIDER ",\"channel\":\"Security\",\"record_id\":\"77\","
     "\"computer_name\":\"FS01.contoso.com\",\"keywords\":[\"Audit Success\"],\"event_data\":{"
     LOGGED "}}}", false},
    {"flattened",
     "{\"@timestamp\":\"2026-11-02T08:14:03.120Z\",\"event.outcome\":\"success\","
     "\"winlog.event_id\":5145,\"winlog.provider_name\":" PROVIDER ",\"winlog.channel\":"
     "\"Security\",\"winlog.record_id\":77,\"winlog.computer_name\":\"FS01.contoso.com\","
     "\"winlog.event_data.SubjectUserName\":\"alice\",\"winlog.event_data.SubjectDomainName\":"
     "\"CONTOSO\",\"winlog.event_data.IpAddress\":\"10.10.4.7\",\"winlog.event_data.IpPort\":"
     "\"50123\",\"winlog.event_data.ShareName\":\"\\\\\\\\*\\\\IPC$\","
     "\"winlog.event_data.RelativeTargetName\":\"svcctl\"}", false},
    {"winlogbeat 6",
     "{\"@timestamp\":\"2026-11-02T08:14:03.120Z\",\"event_id\":5145,\"source_name\":" PROVIDER ","
     "\"log_name\":\"Security\",\"record_number\":\"77\",\"computer_name\":\"FS01.contoso.com\","
     "\"keywords\":[\"Audit Success\"],\"event_data\":{" LOGGED "}}", false},
    {"a search's answer",
     "{\"_index\":\"winlogbeat\",\"_id\":\"x\",\"_source\":{\"@timestamp\":"
     "\"2026-11-02T08:14:03.120Z\",\"winlog\":{\"event_id\":\"5145\",\"provider_name\":" PROVIDER
     ",\"channel\":\"Security\",\"record_id\":77,\"computer_name\":\"FS01.contoso.com\","
     "\"keywords\":[\"Audit Success\"],\"event_data\":{" LOGGED "}}}}", false},
    {"NXLog",
     "{\"EventTime\":\"2026-11-02 04:14:03\",\"EventReceivedTime\":\"2026-11-02 04:14:05\","
     "\"@timestamp\":\"2026-11-02T08:14:05.201Z\",\"Hostname\":\"FS01.contoso.com\",\"Keywords\":"
     "-9214364837600034816,\"EventType\":\"AUDIT_SUCCESS\",\"EventID\":5145,\"SourceName\":"
     PROVIDER ",\"RecordNumber\":77,\"Channel\":\"security\"," LOGGED "}", true},
    {"NXLog, with its zone",
     "{\"EventTime\":\"2026-11-02T10:14:03.120331+02:00\",\"Hostname\":\"FS01.contoso.com\","
     "\"EventType\":\"AUDIT_SUCCESS\",\"EventID\":5145,\"SourceName\":" PROVIDER
     ",\"RecordNumber\":77,\"Channel\":\"Security\"," LOGGED "}", false},
    {"evtx_dump",
     "{\"Event\":{\"#attributes\":{\"xmlns\":\"x\"},\"System\":{\"Provider\":{\"#attributes\":{"
     "\"Name\":" PROVIDER "}},\"EventID\":{\"#attributes\":{\"Qualifiers\":\"\"},\"#text\":5145},"
     "\"Keywords\":\"0x8020000000000000\",\"TimeCreated\":{\"#attributes\":{\"SystemTime\":"
     "\"2026-11-02T08:14:03.120331Z\"}},\"EventRecordID\":77,\"Channel\":\"Security\","
     "\"Computer\":\"FS01.contoso.com\"},\"EventData\":{" LOGGED "}}}", false},
    {"XML turned into objects",
     "{\"Event\":{\"System\":{\"Provider\":{\"@Name\":" PROVIDER "},\"EventID\":\"5145\","
     "\"Keywords\":\"0x8020000000000000\",\"TimeCreated\":{\"@SystemTime\":"
     "\"2026-11-02T08:14:03.120331200Z\"},\"EventRecordID\":\"77\",\"Channel\":\"Security\","
     "\"Computer\":\"FS01.contoso.com\"},\"EventData\":{\"Data\":[{\"@Name\":\"SubjectUserName\","
     "\"#text\":\"alice\"},{\"@Name\":\"SubjectDomainName\",\"#text\":\"CONTOSO\"},{\"@Name\":"
     "\"IpAddress\",\"#text\":\"10.10.4.7\"},{\"@Name\":\"IpPort\",\"#text\":\"50123\"},{\"@Name\":"
     "\"ShareName\",\"#text\":\"\\\\\\\\*\\\\IPC$\"},{\"@Name\":\"RelativeTargetName\",\"#text\":"
     "\"svcctl\"}]}}}", false},
    {"Velociraptor",
     "{\"System\":{\"Provider\":{\"Name\":" PROVIDER "},\"EventID\":{\"Value\":5145},\"Keywords\":"
     "9232379236109516800,\"TimeCreated\":{\"SystemTime\":1793607243.120331},\"EventRecordID\":77,"
     "\"Channel\":\"Security\",\"Computer\":\"FS01.contoso.com\"},\"EventData\":{" LOGGED "}}",
     false},
    {"Wazuh",
     "{\"timestamp\":\"2026-11-02T09:14:05.000+0100\",\"agent\":{\"name\":\"FS01\"},\"data\":{"
     "\"win\":{\"system\":{\"providerName\":" PROVIDER ",\"eventID\":\"5145\",\"systemTime\":"
     "\"2026-11-02T08:14:03.1203312Z\",\"eventRecordID\":\"77\",\"channel\":\"Security\","
     "\"computer\":\"FS01.contoso.com\",\"severityValue\":\"AUDIT_SUCCESS\"},\"eventdata\":{"
     "\"subjectUserName\":\"alice\",\"subjectDomainName\":\"CONTOSO\",\"ipAddress\":\"10.10.4.7\","
     "\"ipPort\":\"50123\",\"shareName\":\"\\\\\\\\*\\\\IPC$\",\"relativeTargetName\":\"svcctl\""
     "}}}}", false},
    {"Get-WinEvent of PowerShell 5",
     "{\"Id\":5145,\"ProviderName\":" PROVIDER ",\"LogName\":\"Security\",\"RecordId\":77,"
     "\"MachineName\":\"FS01.contoso.com\",\"TimeCreated\":\"\\/Date(1793607243120)\\/\","
     "\"Keywords\":-9214364837600034816,\"KeywordsDisplayNames\":[\"Audit Success\"],"
     "\"Properties\":[{\"Value\":{\"BinaryLength\":28,\"AccountDomainSid\":{\"Value\":\"S-1-5\"},"
     "\"Value\":\"S-1-5-21-1-2-3-1104\"}},{\"Value\":\"alice\"},{\"Value\":\"CONTOSO\"},"
     "{\"Value\":5513013},{\"Value\":\"File\"},{\"Value\":\"10.10.4.7\"},{\"Value\":\"50123\"},"
     "{\"Value\":\"\\\\\\\\*\\\\IPC$\"},{\"Value\":\"\"},{\"Value\":\"svcctl\"},{\"Value\":3},"
     "{\"Value\":\"%%4416\"},{\"Value\":\"-\"}]}", false},
    {"Get-WinEvent of PowerShell 7",
     "[{\"Id\":5145,\"ProviderName\":" PROVIDER ",\"LogName\":\"Security\",\"RecordId\":77,"
     "\"MachineName\":\"FS01.contoso.com\",\"TimeCreated\":\"2026-11-02T09:14:03.1203312+01:00\","
     "\"KeywordsDisplayNames\":\"Audit Success\",\"Properties\":[" POSITIONS "]}]", false},
    {"Fluent Bit",
     "{\"ProviderName\":" PROVIDER ",\"EventID\":5145,\"Keywords\":\"0x8020000000000000\","
     "\"TimeCreated\":\"2026-11-02 09:14:03 +0100\",\"EventRecordID\":77,\"Channel\":\"Security\","
     "\"Computer\":\"FS01.contoso.com\",\"StringInserts\":[" POSITIONS "]}", true},
    {"Sentinel's SecurityEvent",
     "{\"TimeGenerated\":\"2026-11-02T08:14:03.1203312Z\",\"Computer\":\"FS01.contoso.com\","
     "\"EventSourceName\":" PROVIDER ",\"Channel\":\"Security\",\"EventID\":5145,"
     "\"EventRecordId\":\"77\",\"Keywords\":\"0x8020000000000000\"," LOGGED "}", false},
    {"Log Analytics' Event",
     "{\"TimeGenerated\":\"2026-11-02T08:14:03.1203312Z\",\"Computer\":\"FS01.contoso.com\","
     "\"Source\":" PROVIDER ",\"EventLog\":\"Security\",\"EventID\":5145,\"EventRecordId\":77,"
     "\"Keywords\":\"0x8020000000000000\",\"EventData\":\"<DataItem type=\\\"x\\\">" XML_DATA
     "</DataItem>\"}", false},
    {"Splunk",
     "{\"preview\":false,\"offset\":0,\"result\":{\"_raw\":\"" XML XML_DATA "</Event>\","
     "\"_time\":\"2026-11-02T08:14:03.120+00:00\"}}", false},
};
/* clang-format on */

static str read_with(const struct reader_options *options, str text, size_t piece,
                     struct events_heard *heard, struct arena *arena)
{
    *heard = (struct events_heard){.text = buf_in(arena), .with_times = true};
    events_read(&events_json_reader, options, str_bytes(text), piece, heard);
    return buf_text(&heard->text);
}

static str read_plain(str text, struct events_heard *heard, struct arena *arena)
{
    return read_with(&(struct reader_options){0}, text, SIZE_MAX, heard, arena);
}

static void shapes_say_the_same(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct events_heard heard;
    uint64_t hashes = 0;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        const char *time = shapes[i].is_cut ? "03.000000Z" : "03.120";
        str got = read_plain(str_of(shapes[i].text), &heard, &arena);
        str start = str_format(&arena, "from FS01.contoso.com\n2026-11-02T08:14:%s", time);
        str rest = S(" 10.10.4.7:50123 > FS01.contoso.com:445 tcp accessed within port? user "
                     "CONTOSO\\alice share \\\\FS01.contoso.com\\IPC$ pipe svcctl\n"
                     "use \\\\FS01.contoso.com\\IPC$ pipe svcctl CONTOSO\\alice\n");
        if (!str_starts(got, start) || !str_ends(got, rest) || heard.records != 1 ||
            got.len > start.len + rest.len + sizeof "331Z")
            fail_msg("%s: %zu records\n%.*s", shapes[i].name, heard.records, STR_ARG(got));
        if (i && heard.hashes != hashes) fail_msg("%s: another record", shapes[i].name);
        hashes = heard.hashes;
        bytes head = str_bytes(str_head(str_of(shapes[i].text), LIMIT_RECOGNISE_BYTES));
        if (!events_json_reader.recognise(head)) fail_msg("%s: not recognised", shapes[i].name);
        if (events_xml_reader.recognise(head)) fail_msg("%s: taken for XML", shapes[i].name);
    }
    arena_close(&arena);
}

/* Times of NXLog, and what is made of them: the fact's time, "?" when the zone is assumed. */
/* clang-format off */
static const struct {
    const char *times, *zone, *expected;
} times[] = {
    {"\"EventTime\":\"2026-07-02 04:14:03\"", NULL, "2026-07-02T04:14:03.000000Z?"},
    {"\"EventTime\":\"2026-07-02 04:14:03\"", "+02:00", "2026-07-02T02:14:03.000000Z"},
    {"\"EventTime\":\"2026-07-02 04:14:03\",\"@timestamp\":\"2026-07-02T08:14:05.201Z\"", NULL,
     "2026-07-02T08:14:03.000000Z"},
    /* The administrator knows better. */
    {"\"EventTime\":\"2026-07-02 04:14:03\",\"@timestamp\":\"2026-07-02T08:14:05.201Z\"", "+02:00",
     "2026-07-02T02:14:03.000000Z"},
    {"\"EventTime\":\"2026-07-02 23:14:03\",\"@timestamp\":\"2026-07-02T13:29:04.201Z\"", NULL,
     "2026-07-02T13:29:03.000000Z"},
    /* Received long after, but in two times. */
    {"\"EventTime\":\"2026-07-02 04:14:03\",\"EventReceivedTime\":\"2026-07-02 09:00:00\","
     "\"@timestamp\":\"2026-07-02T13:00:00.201Z\"", NULL, "2026-07-02T08:14:03.000000Z"},
    /* Received after a time that is no zone's. */
    {"\"EventTime\":\"2026-07-02 04:14:03\",\"@timestamp\":\"2026-07-02T08:24:05.201Z\"", NULL,
     "2026-07-02T04:14:03.000000Z?"},
    {"\"EventTime\":\"2026-07-02 04:14:03\",\"@timestamp\":\"2026-07-09T08:14:05.201Z\"", NULL,
     "2026-07-02T04:14:03.000000Z?"},
    {"\"EventTime\":\"2026-07-02T04:14:03.5Z\",\"@timestamp\":\"2026-07-02T08:14:05.201Z\"",
     "+02:00", "2026-07-02T04:14:03.500000Z"},
    {"\"@timestamp\":\"2026-07-02T08:14:05.201Z\"", NULL, "2026-07-02T08:14:05.201000Z"},
    {"\"EventTime\":1782980043", NULL, "2026-07-02T08:14:03.000000Z"},
    {"\"EventTime\":\"soon\"", NULL, "skip"},
    {"\"EventTime\":\"2026-07-02 24:14:03\"", NULL, "skip"},
};
/* clang-format on */

static void times_are_understood(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct events_heard heard;
    struct os os = os_memory_world(os_memory_new(&arena));
    struct err err;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        struct reader_options options = {0};
        if (times[i].zone) options.zone = zone_find(&os, str_of(times[i].zone), &arena, &err);
        str text = str_format(&arena,
                              "{\"EventID\":5140,\"SourceName\":" PROVIDER ",\"Hostname\":\"FS01\","
                              "\"IpAddress\":\"10.10.4.7\",\"ShareName\":\"a\",%s}",
                              times[i].times);
        str got = read_with(&options, text, SIZE_MAX, &heard, &arena);
        str expected = str_of(times[i].expected);
        bool assumed = str_ends(expected, S("?"));
        if (assumed) expected.len--;
        if (!str_contains(got, expected) || str_contains(got, S("timezone?")) != assumed)
            fail_msg("row %zu: %.*s", i, STR_ARG(got));
    }
    arena_close(&arena);
}

/* clang-format off */
static const struct {
    const char *name, *text, *expected;
} odd[] = {
    {"an event of no use is a record",
     "{\"EventID\":4688,\"SourceName\":" PROVIDER ",\"Hostname\":\"FS01\",\"EventTime\":"
     "\"2026-07-02T04:14:03Z\",\"Properties\":[1,2]}",
     "from FS01\n"},
    {"a number of another provider",
     "{\"EventID\":3,\"SourceName\":\"Something\",\"Hostname\":\"FS01\",\"EventTime\":"
     "\"2026-07-02T04:14:03Z\"}",
     "from FS01\n"},
    {"a refused share, in words",
     "{\"EventID\":5140,\"Channel\":\"Security\",\"Hostname\":\"FS01\",\"EventTime\":"
     "\"2026-07-02T04:14:03Z\",\"EventType\":\"AUDIT_FAILURE\",\"IpAddress\":\"10.1.1.1\","
     "\"ShareName\":\"\\\\\\\\*\\\\a\"}",
     "from FS01\n2026-07-02T04:14:03.000000Z 10.1.1.1 > FS01:445 tcp auth-failed within port? share "
     "\\\\FS01\\a refused \\\\FS01\\a\nuse \\\\FS01\\a refused\n"},
    {"bytes as numbers",
     "{\"Id\":551,\"ProviderName\":\"Microsoft-Windows-SMBServer\",\"MachineName\":\"FS01\","
     "\"TimeCreated\":\"2026-07-02T04:14:03Z\",\"Properties\":[{\"Value\":\"g\"},{\"Value\":\"g\"},"
     "{\"Value\":1},{\"Value\":1},{\"Value\":128},{\"Value\":[2,0,195,1,10,10,4,7]},{\"Value\":1},"
     "{\"Value\":1},{\"Value\":\"eve\"},{\"Value\":1},{\"Value\":\"x\"}]}",
     "from FS01\n2026-07-02T04:14:03.000000Z 10.10.4.7:49921 > FS01:445 tcp auth-failed within "
     "port? user eve client x\n"},
    {"objects cut to their names",
     "{\"Id\":5140,\"ProviderName\":" PROVIDER ",\"MachineName\":\"FS01\",\"TimeCreated\":"
     "\"2026-07-02T04:14:03Z\",\"Properties\":[\"System.Diagnostics.Eventing.Reader.EventProperty\"]"
     "}",
     "from FS01\nunplaced share accesses without a client address\n"},
    {"another record of the file",
     "{\"message\":\"started\",\"level\":\"info\"}",
     "skip @0+36 expected a Windows event with its number\n"},
    {"Splunk's own fields",
     "{\"preview\":false,\"result\":{\"_time\":\"2026-07-02T04:14:03.000+0200\",\"EventCode\":"
     "\"5145\",\"SourceName\":\"Microsoft Windows security auditing.\",\"LogName\":\"Security\","
     "\"ComputerName\":\"FS01\",\"RecordNumber\":\"7\",\"Keywords\":\"Audit Success\","
     "\"Account_Name\":\"alice\",\"Account_Domain\":\"CONTOSO\",\"Source_Address\":\"10.10.4.7\","
     "\"Source_Port\":\"50123\",\"Share_Name\":\"\\\\\\\\*\\\\IPC$\",\"Relative_Target_Name\":"
     "\"srvsvc\"}}",
     "from FS01\n2026-07-02T02:14:03.000000Z 10.10.4.7:50123 > FS01:445 tcp accessed within port? "
     "user CONTOSO\\alice share \\\\FS01\\IPC$ pipe srvsvc\n"
     "use \\\\FS01\\IPC$ pipe srvsvc CONTOSO\\alice\n"},
    {"damage, and what follows it",
     "{\"EventID\":5140,\"Channel\n{\"EventID\":4688,\"Hostname\":\"FS01\",\"EventTime\":"
     "\"2026-07-02T04:14:03Z\"}\n",
     "from FS01\n"},
};
/* clang-format on */

static void odd_records_are_told(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct events_heard heard;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        str got = read_plain(str_of(odd[i].text), &heard, &arena);
        if (str_starts(got, S("skip")) && odd[i].expected[0] != 's') {
            str skip;
            (void)str_cut(got, '\n', &skip, &got);
        }
        if (!str_equal(got, str_of(odd[i].expected)))
            fail_msg("%s:\n%.*s", odd[i].name, STR_ARG(got));
    }
    arena_close(&arena);
}

static str all_shapes(struct arena *arena)
{
    struct buf all = buf_in(arena);
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        if (shapes[i].text[0] != '{') continue;
        buf_str(&all, str_of(shapes[i].text));
        buf_char(&all, '\n');
    }
    return buf_text(&all);
}

/* Every cut is survived, and what is whole before it is read. */
static void cuts_are_survived(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct events_heard heard;
    (void)state;
    str all = all_shapes(&arena);
    for (size_t cut = 0; cut <= all.len; cut += cut < 900 ? 1 : 61) {
        struct arena scratch = arena;
        str text = str_head(all, cut), rest = text, line;
        size_t whole = 0;
        while (str_cut(rest, '\n', &line, &rest))
            whole++;
        read_plain(text, &heard, &scratch);
        if (heard.records < whole || heard.records > whole + 1)
            fail_msg("cut at %zu: %zu records of %zu", cut, heard.records, whole);
    }
    arena_close(&arena);
}

static void windows_make_no_difference(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct events_heard heard;
    (void)state;
    str all = all_shapes(&arena);
    str whole = read_plain(all, &heard, &arena);
    uint64_t hashes = heard.hashes;
    for (size_t piece = 1; piece < 2000; piece = piece * 3 + 1) {
        str got = read_with(&(struct reader_options){0}, all, piece, &heard, &arena);
        assert_true(str_equal(got, whole));
        assert_int_equal(heard.hashes, hashes);
    }
    arena_close(&arena);
}

static void other_formats_are_not_recognised(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "{\"timestamp\":\"2026-07-02T04:14:03Z\",\"event_type\":\"smb\",\"src_ip\":\"10.1.1.1\"}",
        "{\"ts\":1.5,\"uid\":\"C1\",\"id.orig_h\":\"10.1.1.1\",\"id.resp_p\":445}",
        "{\"Records\":[{\"eventID\":\"1\",\"eventName\":\"RunInstances\",\"eventSource\":\"ec2\"}]"
        "}",
        "EventID 5140 of channel Security",
        XML,
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (events_json_reader.recognise(str_bytes(str_of(texts[i])))) fail_msg("%s", texts[i]);
}

/* The corpus: as many events of each kind as its truth counts, and each client of a share. */

static str slurp(const char *corpus, const char *name, struct arena *arena)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/winlog/%s", corpus, name);
    FILE *file = fopen(path, "rb");
    struct buf out = buf_in(arena);
    char piece[4096];
    if (!file) return (str){0};
    for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0;)
        buf_bytes(&out, (bytes){(const uint8_t *)piece, n});
    fclose(file);
    return buf_text(&out);
}

struct tally {
    size_t records, accesses, connections, unplaced;
};

static void tally_record(void *to, int64_t at_us)
{
    struct tally *tally = to;
    (void)at_us;
    tally->records++;
}

static void tally_observation(void *to, const struct observation *fact)
{
    struct tally *tally = to;
    if (fact->port != 445 && fact->port != 139) return;
    if (fact->outcome == OUTCOME_ACCESSED || fact->outcome == OUTCOME_AUTH_FAILED)
        tally->accesses++;
    else
        tally->connections++;
}

static void corpus_agrees(void **state)
{
    static const char *const names[] = {
        "covenant_copy_smb_CreateRequest_2020-09-22145302.json",
        "covenant_sc_query_dcerpc_smb_svcctl_2020-08-05034820.json",
        "empire_find_localadmin_smb_svcctl_OpenSCManager_2020-09-22021559.json",
        "empire_shell_dcerpc_smb_service_dll_hijack_2020-09-21232839.json",
    };
    const char *corpus = test_corpus();
    (void)state;
    if (!corpus) skip();
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct arena arena = arena_open("test", 0, NULL), own = arena_open("reader", 0, NULL);
        char truth_name[256];
        snprintf(truth_name, sizeof truth_name, "%s.expected.tsv", names[i]);
        str log = slurp(corpus, names[i], &arena), truth = slurp(corpus, truth_name, &arena), line;
        struct tally got = {0}, expected = {0};
        assert_true(log.len && truth.len);
        assert_true(events_json_reader.recognise(str_bytes(str_head(log, LIMIT_RECOGNISE_BYTES))));
        while (str_cut(truth, '\n', &line, &truth)) {
            str fields[8] = {0}, rest = line;
            for (size_t f = 0; f < COUNT_OF(fields) && rest.len; f++)
                (void)str_cut(rest, '\t', &fields[f], &rest);
            uint64_t n = 0;
            if (str_equal(fields[0], S("count")) && str_u64(fields[3], 1000000, &n))
                expected.records += n;
            if (!str_equal(fields[0], S("event"))) continue;
            if (str_equal(fields[1], S("5140")) || str_equal(fields[1], S("5145")))
                expected.accesses++;
            else if (!str_equal(fields[1], S("4624")) && !str_equal(fields[1], S("4625")))
                expected.connections++;
        }
        struct fact_sink sink = fact_sink_none();
        sink.to = &got;
        sink.record = tally_record;
        sink.observation = tally_observation;
        void *reader = events_json_reader.open(&own, &(struct reader_options){0}, &sink);
        size_t consumed = 0, want = 0;
        struct window window = {str_bytes(log), 0, true};
        assert_true(events_json_reader.feed(reader, window, &consumed, &want));
        assert_int_equal(consumed, log.len);
        events_json_reader.close(reader);
        if (got.records != expected.records || got.accesses != expected.accesses ||
            got.connections != expected.connections)
            fail_msg("%s: %zu records, %zu accesses, %zu connections; expected %zu, %zu, %zu",
                     names[i], got.records, got.accesses, got.connections, expected.records,
                     expected.accesses, expected.connections);
        arena_close(&own);
        arena_close(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_say_the_same),
        cmocka_unit_test(times_are_understood),
        cmocka_unit_test(odd_records_are_told),
        cmocka_unit_test(cuts_are_survived),
        cmocka_unit_test(windows_make_no_difference),
        cmocka_unit_test(other_formats_are_not_recognised),
        cmocka_unit_test(corpus_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
