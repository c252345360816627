/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/csv_map.h"

#include "base/test.h"
#include "evidence/log_heard.h"

static const str flows_map = LOG_TEXT(
    "client=src,server=dst,port=dport,client_port=sport,transport=proto,time=start,last=end,"
    "outcome=action/permit:allowed/\"no, thanks\":blocked,bytes_to_server=out,bytes_to_client=in,"
    "count=n,user=who,origin=fw,profile=zone/lan:domain");
#define HEADER "start,end,fw,src,sport,dst,dport,proto,action,out,in,n,who,zone\n"

static const struct log_row flow_rows[] = {
    LOG_ROW("all facts", 1,
            "from gw1\n2026-11-02T08:14:03+12s 10.10.4.7:49159 > 10.20.0.21:445 tcp allowed x2 "
            "840/1200 "
            "CONTOSO\\alice domain @2\n",
            HEADER "2026-11-02T08:14:03Z,2026-11-02T08:14:15Z,gw1,10.10.4.7,49159,10.20.0.21,445,"
                   "TCP,permit,840,1200,2,CONTOSO\\alice,lan\n"),
    LOG_ROW("no newline at the end, empty values, words of any product, local time", 2,
            "2026-11-02T08:14:03 ws1.example.org:0 > fs01:445 tcp blocked timezone? @2\n"
            "2026-11-02T08:14:03 ws1.example.org:0 > fs01:139 tcp blocked public timezone? @3\n",
            HEADER
            "2026-11-02 08:14:03,,,ws1.example.org,,fs01,microsoft-ds,6,Deny,,,,-,\r\n"
            "2026-11-02 08:14:03.5,,,ws1.example.org,,fs01,139,6,\"no, thanks\",,,,-,public"),
    LOG_ROW("answers are turned; other ports and protocols are records alone", 3,
            "2026-11-02T08:14:03+1s 10.10.4.7:49159 > 10.20.0.21:445 tcp allowed 7/5 @2\n",
            HEADER "1793607243,1793607244,,10.20.0.21,445,10.10.4.7,49159,6,permit,5,7,,,\n"
                   "1793607243000,,,10.20.0.21,1,10.10.4.7,443,6,permit,5,7,,,\n"
                   "1793607243000000,,,10.20.0.21,1,10.10.4.7,445,icmp,permit,5,7,,,\n"),
    LOG_ROW("newlines and quotes inside fields", 2,
            "from g\n\"w\n2026-11-02T08:14:03 10.10.4.7:1 > 10.20.0.21:445 tcp none @3\nfrom \n"
            "2026-11-02T08:14:04 10.10.4.7:1 > 10.20.0.21:445 tcp none @6\n",
            HEADER "\n2026-11-02T08:14:03Z,,\"g\n\n\"\"w\",10.10.4.7,1,10.20.0.21,445,6,,,,,,\n"
                   "2026-11-02T08:14:04Z,,,10.10.4.7,1,10.20.0.21,445,6,,,,,,\n"),
    LOG_ROW("a quote that is not closed costs its line", 1,
            "skip @2 line 2: a quoted field without its end\n"
            "2026-11-02T08:14:04 10.10.4.7:1 > 10.20.0.21:445 tcp none @3\n",
            HEADER "2026-11-02T08:14:03Z,,\"gw,10.10.4.7,1,10.20.0.21,445,6,,,,,,\n"
                   "2026-11-02T08:14:04Z,,,10.10.4.7,1,10.20.0.21,445,6,,,,,,\n"),
    LOG_ROW(
        "damage is told with line and column", 3,
        "skip @2 line 2, column 1 (start): expected a time, found \"yesterday\"\n"
        "skip @3 line 3, column 7 (dport): expected a port, found \"65536\"\n"
        "skip @4 line 4, column 4 (src): expected an address or a name, found \"10.10.4.300\"\n"
        "skip @5 line 5, column 10 (out): expected a number, found \"many\"\n"
        "skip @6 line 6: expected 14 fields as in the header row, found 5\n"
        "skip @7 line 7, column 57: expected a separator or the end of the line behind the closing "
        "quote\n"
        "skip @8 the line is cut\n",
        HEADER "yesterday,,,10.10.4.7,1,10.20.0.21,445,6,,,,,,\n"
               "2026-11-02T08:14:03Z,,,10.10.4.7,1,10.20.0.21,65536,6,,,,,,\n"
               "2026-11-02T08:14:03Z,,,10.10.4.300,1,10.20.0.21,445,6,,,,,,\n"
               "2026-11-02T08:14:03Z,,,10.10.4.7,1,10.20.0.21,445,6,,many,,,,\n"
               "2026-11-02T08:14:03Z,,,10.10.4.7,1\n"
               "2026-11-02T08:14:03Z,,,10.10.4.7,1,10.20.0.21,445,6,,\"a\"b,,,,\n"
               "2026-11-02T08:14:03Z,,,10.10.4.7,1,10.20.0.21,44"),
    LOG_ROW("Excel: another separator and its line", 1,
            "2026-11-02T08:14:03 10.10.4.7:1 > 10.20.0.21:445 tcp none @3\n",
            "sep=;\r\n\"start\";end;fw;src;sport;dst;dport;proto;action;out;in;n;who;zone\r\n"
            "2026-11-02T08:14:03Z;;;10.10.4.7;1;10.20.0.21;445;6;;;;;;\r\n"),
    LOG_ROW("another table", 0,
            "skip @1 the header row has no column \"dport\" of --map; it is: time,src,dst\n",
            "time,src,dst\n2026-11-02T08:14:03Z,10.10.4.7,10.20.0.21\n"),
    LOG_ROW("nothing", 0, "", ""),
};

static const str shares_map = LOG_TEXT("client=Computer,user=User,share=Share,time=When,"
                                       "outcome=Result/ok:accessed/else:auth-failed,transport:tcp");
static const struct log_row share_rows[] = {
    LOG_ROW(
        "share accesses: the server is in the share's path", 3,
        "2026-11-02T08:14:03 ws1:0 > FS01:445 tcp accessed CONTOSO\\alice \\\\FS01\\projects port? "
        "@2\n"
        "use ws1 > FS01 \\\\FS01\\projects CONTOSO\\alice\n"
        "2026-11-02T08:14:04 ws1:0 > FS01:445 tcp auth-failed CONTOSO\\bob \\\\FS01\\projects "
        "port? "
        "@3\n"
        "use ws1 > FS01 \\\\FS01\\projects CONTOSO\\bob refused\n"
        "skip @4 line 4, column 4 (Share): expected an address or a name, found \"\"\n",
        "When\tComputer\tUser\tShare\tResult\n"
        "2026-11-02T08:14:03Z\tws1\tCONTOSO\\alice\t\\\\FS01\\projects\tok\n"
        "2026-11-02T08:14:04Z\tws1\tCONTOSO\\bob\t\\\\FS01\\projects\tno\n"
        "2026-11-02T08:14:04Z\tws1\tCONTOSO\\bob\tprojects\tno\n"),
};

static void rows_give_their_facts(void **state)
{
    (void)state;
    assert_int_equal(log_rows_failed(&csv_map_reader, flow_rows, COUNT_OF(flow_rows), flows_map),
                     0);
    assert_int_equal(log_rows_failed(&csv_map_reader, share_rows, COUNT_OF(share_rows), shares_map),
                     0);
}

/* More lines behind an open quote than a record may have: only the one with the quote is lost. */
static void open_quotes_are_bounded(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct buf text = buf_in(&arena);
    struct reader_options options = {.map = flows_map};
    size_t rows = 3 * (size_t)LIMIT_CSV_RECORD_LINES;
    (void)state;
    buf_str(&text, S(HEADER "2026-11-02T08:14:03Z,,\"gw,10.10.4.7,1,10.20.0.21,445,6,,,,,,\n"));
    for (size_t i = 0; i < rows; i++)
        buf_str(&text, S("2026-11-02T08:14:04Z,,,10.10.4.7,1,10.20.0.21,445,6,,,,,,\n"));
    for (size_t piece = 100; piece < 100000; piece *= 9) {
        struct log_heard heard =
            log_heard_of(&csv_map_reader, &options, str_bytes(buf_text(&text)), piece, &arena);
        assert_int_equal(heard.observations, rows);
        assert_int_equal(heard.skips, 1);
    }
    arena_close(&arena);
}

static const struct {
    const char *map, *error; /* NULL: it is good */
} maps[] = {
    {"client=a,server=b,port=c,time=d",                                                    NULL                                                 },
    {"client=a,server=b,port:445,time=d",                                                  NULL                                                 },
    {"client=a,share=b,time=d",                                                            NULL                                                 },
    {" client = a , server = \"b,\"\"c\" , port:445 , time=d ",                            NULL                                                 },
    {"client=a,server=b,port:445,time=d,outcome=e/ok:allowed/else:none,transport=p/x:udp", NULL                                                 },
    {"",                                                                                   "client=COLUMN is needed"                            },
    {"client=a,port:445,time=d",                                                           "server=COLUMN is needed (or share=COLUMN)"          },
    {"client=a,server=b,time=d",                                                           "port=COLUMN or port:NUMBER is needed"               },
    {"client=a,server=b,port:445",                                                         "time=COLUMN is needed"                              },
    {"klient=a",                                                                           "\"klient\" is not a fact; the nearest is \"client\""},
    {"client=a,client=b",                                                                  "client is given twice"                              },
    {"client",                                                                             "expected client=COLUMN or client:VALUE"             },
    {"client=",                                                                            "client= lacks its column"                           },
    {"port:0",                                                                             "\"0\" is not a value of port"                       },
    {"transport:icmp",                                                                     "\"icmp\" is not a value of transport"               },
    {"outcome=a/ok:good",                                                                  "\"good\" is not a meaning of outcome"               },
    {"outcome=a/ok",                                                                       "outcome: expected /word:meaning"                    },
    {"client=\"a",                                                                         "the quote before a is not closed"                   },
    {"client=\"a\"b",                                                                      "expected a comma before \"b\""                      },
};

static void maps_are_read(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(maps); i++) {
        struct csv_map map;
        struct err err = {0};
        bool good = csv_map_parse(str_of(maps[i].map), &arena, &map, &err);
        if (good != !maps[i].error) fail_msg("%s: %s", maps[i].map, err.text);
        if (!good && strcmp(err.text, maps[i].error) != 0)
            fail_msg("%s: found %s", maps[i].map, err.text);
    }
    arena_close(&arena);
}

static void heads_fit_or_say_why(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct csv_map map;
    struct err err = {0};
    (void)state;
    assert_true(csv_map_parse(S("client=a,server=b c,port=\"d;\",time=e"), &arena, &map, &err));
    assert_true(csv_map_fits(&map, str_bytes(S("A,B C,d;,e,f\r\n1,2")), &err));
    assert_true(csv_map_fits(&map,
                             str_bytes(S("\xEF\xBB\xBF"
                                         "a|b c|d;|e")),
                             &err));
    assert_true(csv_map_fits(&map, str_bytes(S("a;b c;\"d;\";e\n")), &err));
    assert_false(csv_map_fits(&map, str_bytes(S("a,b c,d,e\n")), &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_string_equal(err.text, "the header row has no column \"d;\" of --map; it is: a,b c,d,e");
    assert_false(csv_map_fits(&map, (bytes){0}, &err));
    assert_int_equal(err.kind, ERR_MALFORMED);
    assert_false(csv_map_reader.recognise(str_bytes(S("a,b c,d,e\n"))));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),
        cmocka_unit_test(open_quotes_are_bounded),
        cmocka_unit_test(maps_are_read),
        cmocka_unit_test(heads_fit_or_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
