/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "evidence/facts_heard.h"

extern const struct reader nmap_xml_reader;

#define HEAD                                                                                       \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE nmaprun>\n"                             \
    "<nmaprun scanner=\"nmap\" args=\"nmap -p 139,445\" start=\"1793693700\" version=\"7.93\">\n"
#define FOOT                                                                                       \
    "<runstats><finished time=\"1793693760\"/><hosts up=\"1\" down=\"0\" total=\"1\"/></runstats>" \
    "\n</nmaprun>\n"
#define HOST(addr, inside)                                                                         \
    "<host starttime=\"1793693701\" endtime=\"1793693730\"><status state=\"up\" reason=\"arp\"/>"  \
    "<address addr=\"" addr "\" addrtype=\"ipv4\"/>"                                               \
    "<address addr=\"D6:D5:7E:18:F7:F9\" addrtype=\"mac\"/>" inside "</host>\n"
#define PORT(protocol, number, state, inside)                                                      \
    "<port protocol=\"" protocol "\" portid=\"" number "\"><state state=\"" state                  \
    "\" reason=\"x\"/><service name=\"y\"/>" inside "</port>"
#define SCRIPT(id, output) "<script id=\"" id "\" output=\"" output "\"/>"

/* clang-format off */
static const char lab[] = HEAD
    "<hosthint><address addr=\"10.9.9.9\" addrtype=\"ipv4\"/></hosthint>\n"
    HOST("10.20.0.21",
         "<hostnames><hostname name=\"fs01.contoso.com\" type=\"PTR\"/></hostnames><ports>"
         PORT("tcp", "139", "open", "") PORT("tcp", "445", "open", "")
         PORT("tcp", "3389", "closed", "") PORT("tcp", "8080", "open", "")
         PORT("udp", "137", "open|filtered", "") PORT("tcp", "22", "unfiltered", "")
         "</ports><hostscript>"
         SCRIPT("smb2-security-mode",
                "&#xa;  311: &#xa;    Message signing enabled but not required")
         SCRIPT("smb-protocols",
                "&#xa;  dialects: &#xa;    202&#xa;    210&#xa;    300&#xa;    302&#xa;    311")
         "</hostscript>")
    HOST("10.20.0.22", "<ports>" PORT("tcp", "445", "filtered", "") "</ports>") FOOT;

/* Older spellings, names that the host says itself, signing of SMB1, scripts of a port. */
static const char old[] = "<nmaprun start=\"1793693700\">"
    "<host><address addr=\"10.20.0.23\" addrtype=\"ipv4\"/><ports>"
    PORT("tcp", "445", "open",
         SCRIPT("smb2-capabilities",
                "&#xa;  2.02: &#xa;    Distributed File System&#xa;  2:1:0: &#xa;    Leasing"))
    "</ports><hostscript>"
    SCRIPT("smb-os-discovery",
           "&#xa;  OS: Windows&#xa;  NetBIOS computer name: FS02\\x00&#xa;"
           "  FQDN: fs02.contoso.com&#xa;")
    SCRIPT("nbstat", "NetBIOS name: FS02, NetBIOS user: &lt;unknown&gt;, NetBIOS MAC: 0")
    SCRIPT("smb-protocols",
           "&#xa;  dialects: &#xa;    NT LM 0.12 (SMBv1) [dangerous, but default]&#xa;    3.1.1")
    SCRIPT("smb-security-mode",
           "&#xa;  account_used: guest&#xa;  message_signing: disabled (dangerous, but default)")
    SCRIPT("smb2-security-mode", "&#xa;  3.1.1: &#xa;    Message signing enabled and required")
    "</hostscript></host></nmaprun>";

/* 139 alone, and scripts of a host whose ports are not listed. */
static const char others[] = HEAD
    HOST("10.20.0.25",
         "<ports>" PORT("tcp", "139", "open", "") PORT("tcp", "445", "closed", "") "</ports>"
         "<hostscript>" SCRIPT("smb-security-mode", "  message_signing: supported")
         "</hostscript>")
    HOST("10.20.0.26",
         "<hostscript>" SCRIPT("smb-security-mode", "  message_signing: required")
         "</hostscript>") FOOT;

/* Since 7.92 the ports that are not listed one by one are told by number. */
static const char extra[] = HEAD
    HOST("10.20.0.24",
         "<ports><extraports state=\"closed\" count=\"5\"><extrareasons reason=\"reset\" "
         "count=\"5\" proto=\"tcp\" ports=\"1,3-4,130-140,445\"/></extraports>"
         PORT("tcp", "22", "open", "") "</ports>") FOOT;

static const char masscan[] = "<?xml version=\"1.0\"?>\n<!-- masscan v1.0 scan -->\n"
    "<nmaprun scanner=\"masscan\" start=\"1793693700\" version=\"1.0-BETA\">\n"
    "<host endtime=\"1793693733\"><address addr=\"2001:db8::21\" addrtype=\"ipv6\"/><ports>"
    "<port protocol=\"tcp\" portid=\"445\"><state state=\"open\" reason=\"syn-ack\"/></port>"
    "</ports></host>\n</nmaprun>\n";

static const char stopped[] = HEAD
    HOST("10.20.0.21", "<ports>" PORT("tcp", "445", "open", "") "</ports>")
    "<host><address addr=\"10.20.0.22\" addrtype=\"ipv4\"/><ports>"
    PORT("tcp", "139", "closed", "") "<port protocol=\"tcp\" portid=\"445\"><state sta";

static const char broken[] = HEAD
    HOST("10.20.0.21", "<ports>" PORT("tcp", "445", "open", "") "</ports>") "<host></ports>" FOOT;
/* clang-format on */

#define TEXT(name)                                                                                 \
    {                                                                                              \
        name, sizeof name - 1                                                                      \
    }

static const struct {
    const char *name;
    str in;
    size_t records;
    const char *expected;
} rows[] = {
    {"ports, states and scripts",            TEXT(lab),     2,
     "name 10.20.0.21 fs01.contoso.com dns\n"
     "listen 10.20.0.21 tcp/139 open 2026-11-03T08:15:30 @457\n"
     "listen 10.20.0.21 tcp/3389 closed 2026-11-03T08:15:30 @641\n"
     "listen 10.20.0.21 udp/137 filtered 2026-11-03T08:15:30 @829\n"
     "listen 10.20.0.21 tcp/445 open 2.0.2,2.1,3.0,3.0.2,3.1.1 enabled 2026-11-03T08:15:30 @549\n"
     "listen 10.20.0.22 tcp/445 filtered 2026-11-03T08:15:30 @1471\n"    },
    {"older spellings, the weakest signing", TEXT(old),     1,
     "name 10.20.0.23 FS02 ntlm\n"
     "name 10.20.0.23 fs02.contoso.com ntlm\n"
     "name 10.20.0.23 FS02 nbss\n"
     "listen 10.20.0.23 tcp/445 open nt-lm-0.12,2.0.2,2.1,3.1.1 disabled 2026-11-03T08:15:00 "
     "@85\n"                                                             },
    {"139 alone; no port listed",            TEXT(others),  2,
     "listen 10.20.0.25 tcp/445 closed 2026-11-03T08:15:30 @416\n"
     "listen 10.20.0.25 tcp/139 open enabled 2026-11-03T08:15:30 @324\n"
     "listen 10.20.0.26 tcp/0 open required 2026-11-03T08:15:30 @810\n"  },
    {"ports told together",                  TEXT(extra),   1,
     "listen 10.20.0.24 tcp/139 closed 2026-11-03T08:15:30 @361\n"
     "listen 10.20.0.24 tcp/135 closed 2026-11-03T08:15:30 @361\n"
     "listen 10.20.0.24 tcp/445 closed 2026-11-03T08:15:30 @361\n"
     "listen 10.20.0.24 tcp/22 open 2026-11-03T08:15:30 @452\n"          },
    {"masscan's XML, IPv6",                  TEXT(masscan), 1,
     "listen 2001:db8::21 tcp/445 open 2026-11-03T08:15:33 @195\n"       },
    {"a scan that was stopped",              TEXT(stopped), 2,
     "listen 10.20.0.21 tcp/445 open 2026-11-03T08:15:30 @324\n"
     "listen 10.20.0.22 tcp/139 closed 2026-11-03T08:15:00 @489\n"
     "skip @617+0 the scan is cut: it was stopped, or is still running\n"},
    {"damage",                               TEXT(broken),  2,
     "listen 10.20.0.21 tcp/445 open 2026-11-03T08:15:30 @324\n"
     "skip @440+0 expected well-formed XML, found: mismatched tag\n"     },
};

static struct facts_heard read_in(str data, size_t piece, struct arena *arena)
{
    return facts_heard_of(&nmap_xml_reader, &(struct reader_options){0}, str_bytes(data), piece,
                          arena);
}

static void rows_give_their_facts(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(nmap_xml_reader.recognise(str_bytes(rows[i].in)));
        for (size_t piece = 1; piece < 4000; piece = piece * 3 + 1) {
            struct facts_heard heard = read_in(rows[i].in, piece, &arena);
            if (!str_equal(buf_text(&heard.text), str_of(rows[i].expected)))
                fail_msg("%s, in pieces of %zu: found\n%.*s", rows[i].name, piece,
                         STR_ARG(buf_text(&heard.text)));
            if (heard.records != rows[i].records)
                fail_msg("%s: %zu records", rows[i].name, heard.records);
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
}

static void truncations_invent_nothing(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct facts_heard whole = read_in(rows[i].in, 4096, &arena);
        for (size_t len = 0; len < rows[i].in.len; len++) {
            struct facts_heard cut = read_in(str_head(rows[i].in, len), 4096, &arena);
            str rest = buf_text(&cut.text), line;
            while (rest.len) {
                str_cut(rest, '\n', &line, &rest);
                /* Scripts may be cut off: address, port and state are what they were. */
                size_t len_of_state = 0;
                for (unsigned words = 0; len_of_state < line.len && words < 4; len_of_state++)
                    words += line.ptr[len_of_state] == ' ';
                if (str_starts(line, S("listen")) &&
                    !str_contains(buf_text(&whole.text), str_head(line, len_of_state)))
                    fail_msg("%s cut to %zu: %.*s", rows[i].name, len, STR_ARG(line));
            }
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
}

static void heads_are_recognised(void **state)
{
    (void)state;
    assert_false(nmap_xml_reader.recognise(str_bytes(S("<?xml version=\"1.0\"?><Events/>"))));
    assert_false(nmap_xml_reader.recognise(str_bytes(S("see <nmaprun"))));
    assert_false(nmap_xml_reader.recognise((bytes){0}));
}

/* The corpus: every row of a truth is heard, and nothing else of 139 and 445. */
static const char *const corpus_files[] = {
    "2_hosts_version.xml", "dionaea_scan.xml",       "full_sudo5.xml",          "nmap-lab.xml",
    "nmap-lab-ipv6.xml",   "nmap_multiple_port.xml", "nmap_script_vulners.xml",
};

static str file_text(struct arena *arena, const char *folder, const char *name, const char *more)
{
    str path = str_format(arena, "%s/nmap/%s%s", folder, name, more);
    FILE *file = fopen(str_c(arena, path), "rb");
    struct buf text = buf_in(arena);
    char piece[4096];
    assert_non_null(file);
    for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0;)
        buf_str(&text, (str){piece, n});
    fclose(file);
    return buf_text(&text);
}

static void corpus_agrees(void **state)
{
    const char *folder = test_corpus();
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    if (!folder) skip();
    for (size_t i = 0; i < COUNT_OF(corpus_files); i++) {
        str data = file_text(&arena, folder, corpus_files[i], "");
        str truth = file_text(&arena, folder, corpus_files[i], ".expected.tsv");
        struct facts_heard heard = read_in(data, 5000, &arena);
        str rest = buf_text(&heard.text), line;
        size_t expected = 0, found = 0;
        while (truth.len) {
            str addr, port, listening_on;
            str_cut(truth, '\n', &line, &truth);
            if (!line.len || line.ptr[0] == '#' || str_starts(line, S("addr"))) continue;
            str_cut(line, '\t', &addr, &line);
            str_cut(line, '\t', &port, &line);
            str_cut(line, '\t', &listening_on, &line);
            str wanted = str_format(&arena, "listen %.*s tcp/%.*s %.*s ", STR_ARG(addr),
                                    STR_ARG(port), STR_ARG(listening_on));
            if (!str_contains(rest, wanted))
                fail_msg("%s: not heard: %.*s", corpus_files[i], STR_ARG(wanted));
            expected++;
        }
        while (rest.len) {
            str_cut(rest, '\n', &line, &rest);
            found += str_contains(line, S(" tcp/139 ")) || str_contains(line, S(" tcp/445 "));
        }
        assert_int_equal(found, expected);
        assert_int_equal(heard.skips, 0);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),
        cmocka_unit_test(truncations_invent_nothing),
        cmocka_unit_test(heads_are_recognised),
        cmocka_unit_test(corpus_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
