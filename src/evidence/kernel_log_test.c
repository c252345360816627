/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "evidence/log_heard.h"

extern const struct reader kernel_log_reader, syslog_reader;

#define SYN(prefix, ends)                                                                          \
    prefix "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 " ends                      \
           " LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=49159 DPT=445 WINDOW=64240 "   \
           "RES=0x00 SYN URGP=0 \n"
#define A_TO_B "SRC=10.10.4.7 DST=10.20.0.21"
#define WHEN   "2026-11-02T08:14:03 10.10.4.7:49159 > 10.20.0.21:445 tcp "

static const struct log_row rows[] = {
    LOG_ROW("verdicts by words of the prefix, whoever wrote it", 8,
            "from gw\n" WHEN "blocked timezone? @1\n" WHEN "blocked timezone? @2\n" WHEN
            "allowed timezone? @3\n" WHEN "blocked timezone? @4\n" WHEN
            "allowed timezone? @5\n" WHEN "none timezone? @6\n" WHEN "none timezone? @7\n" WHEN
            "none timezone? @8\n",
            SYN("Nov  2 08:14:03 gw kernel: SMB-DROP: ", A_TO_B)
                SYN("Nov  2 08:14:03 gw kernel: [12345.678901] [UFW BLOCK] ", A_TO_B)
                    SYN("Nov  2 08:14:03 gw kernel: [UFW ALLOW] ", A_TO_B)
                        SYN("Nov  2 08:14:03 gw kernel: FINAL_REJECT: ", A_TO_B)
                            SYN("Nov  2 08:14:03 gw kernel: accept lan in: ", A_TO_B)
                                SYN("Nov  2 08:14:03 gw kernel: [UFW AUDIT] ", A_TO_B)
                                    SYN("Nov  2 08:14:03 gw kernel: drop or accept: ", A_TO_B)
                                        SYN("Nov  2 08:14:03 gw kernel: dropbox: ", A_TO_B)),
    LOG_ROW("our own rules: they log what they stop, whatever their names", 3,
            "from gw\n" WHEN "blocked timezone? @1\n" WHEN "blocked timezone? @2\n" WHEN
            "allowed timezone? @3\n",
            SYN("Nov  2 08:14:03 gw kernel: sallyport-contoso-inbound-smb-tcp-domain-block-1 rings "
                "pilot,broad ",
                A_TO_B)
                SYN("Nov  2 08:14:03 gw kernel: [1.5] sallyport-accept-inbound-allow-tcp-domain-"
                    "block-12 rings pass ",
                    A_TO_B) SYN("Nov  2 08:14:03 gw kernel: sallyport-contoso accept ", A_TO_B)),
    LOG_ROW("Ubiquiti's letters", 4,
            "from gw\n" WHEN "blocked timezone? @1\n" WHEN "allowed timezone? @2\n" WHEN
            "blocked timezone? @3\n" WHEN "none timezone? @4\n",
            SYN("Nov  2 08:14:03 gw kernel: [WAN_LOCAL-default-D]", A_TO_B)
                SYN("Nov  2 08:14:03 gw kernel: [LAN_IN-2000-A]", A_TO_B)
                    SYN("Nov  2 08:14:03 gw kernel: [LAN_IN-R-2001]DESCR=\"allow\" ", A_TO_B)
                        SYN("Nov  2 08:14:03 gw kernel: [LAN_IN-2002-RET]", A_TO_B)),
    LOG_ROW("headers: RFC 5424, ISO, journalctl, dmesg, none", 9,
            "from gw1\n" WHEN "blocked @1\nfrom gw2\n" WHEN "blocked @2\nfrom gw3\n" WHEN
            "blocked @3\nfrom gw4\n" WHEN "blocked @4\nfrom \nown 10.20.0.21\n" WHEN
            "blocked @5\nown 10.20.0.21\n" WHEN "blocked timezone? @6\nown 10.20.0.21\n"
            "1970-01-01T08:14:03 10.10.4.7:49159 > 10.20.0.21:445 tcp blocked clock? @7\nfrom gw5\n"
            "1970-01-01T08:14:03 10.10.4.7:49159 > 10.20.0.21:445 tcp blocked clock? @8\n"
            "from \nown 10.20.0.21\n"
            "1970-01-01T00:00:00 10.10.4.7:49159 > 10.20.0.21:445 tcp blocked clock? @9\n",
            SYN("<4>1 2026-11-02T09:14:03.5+01:00 gw1 kernel - - - [12.5] DROP ",
                A_TO_B) SYN("2026-11-02T08:14:03.25Z gw2 kernel: DROP ",
                            A_TO_B) SYN("2026-11-02T09:14:03+0100 gw3 kernel: DROP ",
                                        A_TO_B) SYN("1793607243.123456 gw4 kernel: DROP ", A_TO_B)
                SYN("2026-11-02T08:14:03,668706+00:00 DROP ", A_TO_B)
                    SYN("[Mon Nov  2 08:14:03 2026] DROP ", A_TO_B) SYN("[29643.5] DROP ", A_TO_B)
                        SYN("[29643.000001] gw5 kernel: DROP ", A_TO_B) SYN("DROP ", A_TO_B)),
    LOG_ROW("headers inside headers, and one that lacks its program", 3,
            "from gw1\n" WHEN "blocked @1\nfrom gw2\n" WHEN "blocked @2\nfrom fw\n" WHEN
            "blocked @3\n",
            SYN("2026-11-02T09:14:03+01:00 <4>Nov  2 11:11:11 gw1 kernel: DROP ", A_TO_B)
                SYN("<4>Nov  2 11:11:11 relay <4>2026-11-02T08:14:03Z gw2 kernel: DROP ",
                    A_TO_B) "<4>1 2026-11-02T08:14:03Z fw %ASA-4-106023: Deny tcp src "
                            "a:10.10.4.7/49159 dst "
                            "b:10.20.0.21/445 by x\n"),
    LOG_ROW("years that are not written: the last that is not in the future; 29 February", 2,
            "from gw\n2025-12-24T08:14:03 10.10.4.7:49159 > 10.20.0.21:445 tcp none timezone? @1\n"
            "2024-02-29T08:14:03 10.10.4.7:49159 > 10.20.0.21:445 tcp none timezone? @2\n",
            SYN("Dec 24 08:14:03 gw kernel: ", A_TO_B) SYN("Feb 29 08:14:03 gw kernel: ", A_TO_B)),
    LOG_ROW(
        "answers, mid-stream, datagrams, version 6", 6,
        "from gw\n" WHEN "allowed timezone? @1\n" WHEN "blocked within timezone? @2\n"
        "2026-11-02T08:14:03 10.20.0.21:137 > 10.20.0.255:137 udp blocked timezone? server? @3\n"
        "2026-11-02T08:14:03 2001:db8::1:49160 > 2001:db8::2:139 tcp blocked timezone? @4\n"
        "2026-11-02T08:14:03 10.20.0.21:22 > 10.20.0.22:445 tcp blocked timezone? @5\n"
        "2026-11-02T08:14:03 10.20.0.21:22 > 10.20.0.22:445 tcp blocked timezone? @6\n",

        "Nov  2 08:14:03 gw kernel: ACCEPT IN=eth1 OUT=eth0 SRC=10.20.0.21 DST=10.10.4.7 LEN=60 "
        "PROTO=TCP SPT=445 DPT=49159 WINDOW=65160 RES=0x00 ACK SYN URGP=0\n"
        "Nov  2 08:14:03 gw kernel: DROP IN=eth1 OUT=eth0 SRC=10.20.0.21 DST=10.10.4.7 LEN=60 "
        "PROTO=TCP SPT=445 DPT=49159 WINDOW=0 RES=0x00 ACK RST URGP=0\n"
        "Nov  2 08:14:03 gw kernel: DROP IN=eth1 OUT= SRC=10.20.0.21 DST=10.20.0.255 LEN=78 "
        "PROTO=UDP SPT=137 DPT=137 LEN=58\n"
        "Nov  2 08:14:03 gw kernel: DROP IN=eth1 OUT= "
        "SRC=2001:0db8:0000:0000:0000:0000:0000:0001 DST=2001:db8::2 LEN=78 TC=0 HOPLIMIT=64 "
        "FLOWLBL=0 PROTO=TCP SPT=49160 DPT=139 WINDOW=1 RES=0x00 SYN URGP=0\n"
        "Nov  2 08:14:03 gw kernel: DROP IN=eth1 OUT= SRC=10.20.0.21 DST=10.20.0.22 LEN=60 "
        "PROTO=TCP SPT=22 DPT=445 WINDOW=1 RES=0x00 SYN URGP=0\n"
        "Nov  2 08:14:03 gw kernel: DROP IN=eth1 OUT= SRC=10.20.0.22 DST=10.20.0.21 LEN=60 "
        "PROTO=TCP SPT=445 DPT=22 WINDOW=1 RES=0x00 ACK SYN URGP=0\n"),
    LOG_ROW(
        "not ours: other ports, ICMP that quotes, ESP, fragments, other programs", 4, "from gw\n",

        "Nov  2 08:14:03 gw kernel: IN=eth0 OUT= SRC=10.10.4.7 DST=10.20.0.21 PROTO=TCP SPT=5 "
        "DPT=443 SYN\n"
        "Nov  2 08:14:03 gw kernel: IN=eth0 OUT= SRC=10.10.4.7 DST=10.20.0.21 PROTO=ICMP TYPE=3 "
        "CODE=3 [SRC=10.20.0.21 DST=10.10.4.7 PROTO=TCP SPT=445 DPT=6 ]\n"
        "Nov  2 08:14:03 gw kernel: IN=eth0 OUT= SRC=10.10.4.7 DST=10.20.0.21 PROTO=ESP SPI=0x1\n"
        "Nov  2 08:14:03 gw kernel: IN=eth0 OUT= SRC=10.10.4.7 DST=10.20.0.21 FRAG:185 PROTO=UDP\n"
        "Nov  2 08:14:03 gw sshd[12]: Accepted publickey for root from 10.10.4.7 port 445\n"),
    LOG_ROW(
        "what is lost and damaged is told", 0,
        "skip @1 the line lacks its beginning: expected IN=, SRC=, DST= and PROTO=\n"
        "skip @2 the log says that lines are missing here: net_ratelimit: 12 callbacks "
        "suppressed\n"
        "skip @3 the log says that lines are missing here: systemd-journald[1]: Missed 7 kernel "
        "messages\n"
        "skip @4 expected a source and a destination address\n"
        "skip @5 expected a source and a destination port\n"
        "skip @6 the line is cut\n",

        "Nov  2 08:14:03 gw kernel: TTL=64 PROTO=TCP SPT=59344 DPT=445 SYN\n"
        "Nov  2 08:14:03 gw kernel: net_ratelimit: 12 callbacks suppressed\n"
        "Nov  2 08:14:03 gw systemd-journald[1]: Missed 7 kernel messages\n"
        "Nov  2 08:14:03 gw kernel: IN=a SRC=10.10.4.7 DST=10.20.0.300 PROTO=TCP SPT=5 DPT=445\n"
        "Nov  2 08:14:03 gw kernel: IN=a SRC=10.10.4.7 DST=10.20.0.3 PROTO=TCP SPT=5 DPT=65536\n"
        "Nov  2 08:14:03 gw kernel: IN=a SRC=10.10.4.7 DST=10.20.0.3 PROTO=TCP SPT=5 DPT=44"),
    LOG_ROW("a last line that is whole but for its newline", 1,
            "from gw\n" WHEN "blocked timezone? @1\n",

            "Nov  2 08:14:03 gw kernel: DROP IN=a SRC=10.10.4.7 DST=10.20.0.21 PROTO=TCP SPT=49159 "
            "DPT=445 WINDOW=64240 RES=0x00 SYN URGP=0"),
};

static void rows_give_their_facts(void **state)
{
    (void)state;
    assert_int_equal(log_rows_failed(&kernel_log_reader, rows, COUNT_OF(rows), (str){0}), 0);
}

static void zone_applies_to_local_time(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct os os = os_posix();
    struct err err = {0};
    struct reader_options options = {.now_us = log_now_us,
                                     .zone = zone_find(&os, S("+02:00"), &arena, &err)};
    (void)state;
    bytes in = str_bytes(S(SYN("Nov  2 01:14:03 gw kernel: ", A_TO_B)
                               SYN("2026-11-02T08:14:03Z gw kernel: ", A_TO_B)));
    struct log_heard heard = log_heard_of(&kernel_log_reader, &options, in, 1000, &arena);
    str expected =
        S("from gw\n2026-11-01T23:14:03 10.10.4.7:49159 > 10.20.0.21:445 tcp none @1\n" WHEN
          "none @2\n");
    if (!str_equal(buf_text(&heard.text), expected))
        fail_msg("found %.*s", STR_ARG(buf_text(&heard.text)));
    arena_close(&arena);
}

static const struct {
    const char *name;
    str head;
    bool kernel, syslog;
} heads[] = {
#define HEAD(what, is_kernel, is_syslog, text)                                                     \
    {                                                                                              \
        .name = (what), .kernel = (is_kernel), .syslog = (is_syslog),                              \
        .head = {text, sizeof(text) - 1},                                                          \
    }
    HEAD("a packet", true, false, SYN("Nov  2 08:14:03 gw kernel: ", A_TO_B)),
    HEAD("without a header", true, false, SYN("", A_TO_B)),
    HEAD("among others", true, true,
         "Nov  2 08:14:03 gw cron[1]: x\n" SYN("Nov  2 08:14:03 gw kernel: ", A_TO_B)),
    HEAD("no packet yet", false, true,
         "Nov  2 08:14:03 gw cron[1]: x\nNov  2 08:14:03 gw cron[1]: y\n"),
    HEAD("dmesg", false, true, "[    0.000000] Linux\n[    0.000001] Command line: x\n"),
    HEAD("nothing", false, false, ""),
    HEAD("prose", false, false, "PROTO is a word\nand SRC too\n"),
    HEAD("a Microsoft log", false, false,
         "#Fields: date time s-ip\n2026-11-02 08:14:03 10.0.0.1 GET\n2026-11-02 08:14:04 10.0.0.1 "
         "GET\n"),
    HEAD("a table", false, false, "time,a\n2026-11-02T08:14:03Z,b\n2026-11-02T08:14:03Z,c\n"),
    HEAD("Zeek", false, false, "1793607243.1\tC1\t10.0.0.1\n1793607243.1\tC1\t10.0.0.1\n"),
    HEAD("a package manager's log", false, false,
         "2026-11-02 08:14:03 status installed a:amd64 1\n2026-11-02 08:14:03 status installed b "
         "2\n"),
#undef HEAD
};

static void heads_are_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        if (kernel_log_reader.recognise(str_bytes(heads[i].head)) != heads[i].kernel)
            fail_msg("kernel log: %s", heads[i].name);
        if (syslog_reader.recognise(str_bytes(heads[i].head)) != heads[i].syslog)
            fail_msg("syslog: %s", heads[i].name);
    }
}

/* Lines of the corpus against the truth: line, prefix, source, destination, ports, flags. */
static void read_truth(struct arena *arena, const char *path)
{
    struct os os = os_posix();
    struct err err = {0};
    bytes log = {0}, truth = {0};
    str name = str_of(path), expected = str_format(arena, "%s.expected.tsv", path);
    if (!os_read_all(&os, name, LIMIT_RECORD_BYTES, arena, &log, &err) ||
        !os_read_all(&os, expected, LIMIT_RECORD_BYTES, arena, &truth, &err))
        fail_msg("%s: %s", err.source, err.text);
    assert_true(kernel_log_reader.recognise((bytes){log.ptr, log.len < 4096 ? log.len : 4096}));
    struct reader_options options = {.now_us = log_now_us};
    struct log_heard heard = log_heard_of(&kernel_log_reader, &options, log, 5000, arena);
    str facts = buf_text(&heard.text), rest = str_of_bytes(truth), line;
    size_t n = 0;
    while (rest.len) {
        str c[7];
        str_cut(rest, '\n', &line, &rest);
        if (!line.len || line.ptr[0] == '#' || str_starts(line, S("line\t"))) continue;
        for (size_t i = 0; i < COUNT_OF(c); i++)
            str_cut(line, '\t', &c[i], &line);
        str fact = {0};
        while (facts.len && !str_contains(fact, S(" tcp ")))
            str_cut(facts, '\n', &fact, &facts);
        str ends = str_format(arena, " %.*s:%.*s > %.*s:%.*s tcp ", STR_ARG(c[2]), STR_ARG(c[4]),
                              STR_ARG(c[3]), STR_ARG(c[5]));
        if (!str_contains(fact, ends)) fail_msg("line %.*s: %.*s", STR_ARG(c[0]), STR_ARG(fact));
        if (str_contains(c[1], S("DROP")) || str_contains(c[1], S("REJECT")))
            assert_true(str_contains(fact, S(" blocked")));
        if (str_contains(c[1], S("ALLOW"))) assert_true(str_contains(fact, S(" allowed")));
        n++;
    }
    assert_int_equal(n, heard.observations);
}

static void corpus_lines_are_found(void **state)
{
    static const char *const files[] = {"nft-kern.dmesg.log", "nft-kern.dmesg-iso.log",
                                        "test-ubiquiti.log"};
    const char *corpus = test_corpus();
    (void)state;
    if (!corpus) skip();
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/syslog/%s", corpus, files[i]);
        read_truth(&arena, path);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),
        cmocka_unit_test(zone_applies_to_local_time),
        cmocka_unit_test(heads_are_recognised),
        cmocka_unit_test(corpus_lines_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
