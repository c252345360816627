/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "evidence/facts_heard.h"

extern const struct reader nmap_grep_reader;

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define HEAD "# Nmap 7.93 scan initiated Tue Nov  3 08:15:00 2026 as: nmap -oG - 10.20.0.21-22\n"

static const struct {
    const char *name;
    str in;
    size_t records;
    const char *expected;
} rows[] = {
    {"states, names, other ports",
     ROW(HEAD "Host: 10.20.0.21 (fs01.contoso.com)\tStatus: Up\n"
              "Host: 10.20.0.21 (fs01.contoso.com)\tPorts: 139/open/tcp//netbios-ssn///, "
              "445/open/tcp//microsoft-ds//Samba smbd (a, b)/, 8080/open/tcp//http///, "
              "137/open|filtered/udp//netbios-ns///, 22/unfiltered/tcp//ssh///\tIgnored State: "
              "closed (997)\n"
              "Host: 10.20.0.22 ()\tPorts: 445/filtered/tcp//microsoft-ds///\n"
              "# Nmap done at Tue Nov  3 08:15:03 2026 -- 2 IP addresses (2 hosts up)\n"),
     3, "name 10.20.0.21 fs01.contoso.com dns\n"
     "listen 10.20.0.21 tcp/139 open 2026-11-03T08:15:00 @128\n"
     "listen 10.20.0.21 tcp/445 open 2026-11-03T08:15:00 @128\n"
     "listen 10.20.0.21 udp/137 filtered 2026-11-03T08:15:00 @128\n"
     "listen 10.20.0.22 tcp/445 filtered 2026-11-03T08:15:00 @365\n"},
    {"masscan says the time of each",
     ROW("# Masscan 1.3.2 scan initiated Tue Nov  3 08:15:00 2026\n"
         "# Ports scanned: TCP(1;445-445) UDP(0;) SCTP(0;) PROTOCOLS(0;)\n"
         "Timestamp: 1793693733\tHost: 10.20.0.21 ()\tPorts: 445/open/tcp//microsoft-ds//\n"),
     1, "listen 10.20.0.21 tcp/445 open 2026-11-03T08:15:33 @119\n"        },
    {"no head: no time; damage; a cut line",
     ROW("Host: 10.20.0.21 ()\tPorts: 445/open/tcp//microsoft-ds///\n"
         "Host: 10.20.0.x ()\tPorts: 445/open/tcp//microsoft-ds///\n"
         "Host: 10.20.0.22 ()\tPorts: 139/open/tcp//netbios-ssn///, 445/op"),
     1, "listen 10.20.0.21 tcp/445 open @0\n"
     "skip @57+55 expected the address of a host\n"
     "skip @113+63 the line is cut\n"                               },
};

static struct facts_heard read_in(str data, size_t piece, struct arena *arena)
{
    return facts_heard_of(&nmap_grep_reader, &(struct reader_options){0}, str_bytes(data), piece,
                          arena);
}

static void rows_give_their_facts(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(nmap_grep_reader.recognise(str_bytes(rows[i].in)));
        for (size_t piece = 1; piece < 4000; piece = piece * 3 + 1) {
            struct facts_heard heard = read_in(rows[i].in, piece, &arena);
            if (!str_equal(buf_text(&heard.text), str_of(rows[i].expected)))
                fail_msg("%s, in pieces of %zu: found\n%.*s", rows[i].name, piece,
                         STR_ARG(buf_text(&heard.text)));
            if (heard.records != rows[i].records)
                fail_msg("%s: %zu records", rows[i].name, heard.records);
        }
        for (size_t len = 0; len < rows[i].in.len; len++) {
            struct facts_heard cut = read_in(str_head(rows[i].in, len), 4096, &arena);
            str rest = buf_text(&cut.text), line;
            while (rest.len) {
                str_cut(rest, '\n', &line, &rest);
                if (str_starts(line, S("listen")) && !str_contains(str_of(rows[i].expected), line))
                    fail_msg("%s cut to %zu: %.*s", rows[i].name, len, STR_ARG(line));
            }
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
}

/* The head's time is the scanner's local time. */
static void zone_applies_to_local_time(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct os os = os_posix();
    struct err err = {0};
    struct reader_options options = {.zone = zone_find(&os, S("+02:00"), &arena, &err)};
    (void)state;
    struct facts_heard heard =
        facts_heard_of(&nmap_grep_reader, &options, str_bytes(rows[0].in), 4096, &arena);
    assert_true(str_contains(buf_text(&heard.text),
                             S("listen 10.20.0.21 tcp/445 open 2026-11-03T06:15:00 ")));
    arena_close(&arena);
}

/* Normal output begins alike. */
static void heads_are_recognised(void **state)
{
    (void)state;
    assert_false(nmap_grep_reader.recognise(
        str_bytes(S(HEAD "Nmap scan report for 10.20.0.21\nHost is up.\n"))));
    assert_false(nmap_grep_reader.recognise(str_bytes(S("Host: example.org\r\nAccept: *\r\n"))));
    assert_false(nmap_grep_reader.recognise((bytes){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),
        cmocka_unit_test(zone_applies_to_local_time),
        cmocka_unit_test(heads_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
