/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "evidence/log_heard.h"

extern const struct reader fortigate_reader, panos_reader;

#define FORTI   "date=2026-11-02 time=08:14:03 devname=\"fw1\" devid=\"F1\" logid=\"0000000013\" "
#define TRAFFIC FORTI "type=\"traffic\" subtype=\"forward\" srcip=10.10.4.7 "

static const struct log_row fortigate_rows[] = {
    LOG_ROW(
        "ends of sessions, whatever the end; local time, tz, eventtime in seconds and nanoseconds",
        6,
        "from fw1\n2026-11-02T08:13:51+12s 10.10.4.7:1 > 10.20.0.21:445 tcp allowed 840/1200 "
        "CONTOSO\\alice timezone? @1\n"
        "2026-11-02T07:14:03 10.10.4.7:2 > 10.20.0.21:445 tcp blocked @2\n"
        "2026-11-02T08:14:03 10.10.4.7:3 > 10.20.0.21:445 tcp allowed @3\n"
        "2026-11-02T08:14:03 10.10.4.7:4 > 10.20.0.21:445 tcp allowed @4\n"
        "2026-11-02T07:14:03 10.10.4.7:6 > 10.20.0.21:445 tcp blocked @5\n"
        "2026-11-02T08:14:03 10.10.4.7:5 > 10.20.0.21:445 tcp none @6\n",
        "<189>" TRAFFIC "srcport=1 dstip=10.20.0.21 dstport=445 proto=6 action=\"close\" "
        "duration=12 sentbyte=840 rcvdbyte=1200 user=\"CONTOSO\\\\alice\"\n"
        "<189>" TRAFFIC "tz=\"+0100\" srcport=2 dstip=10.20.0.21 dstport=445 proto=6 "
        "action=\"deny\" duration=0 sentbyte=0 rcvdbyte=0\n"
        "<189>" TRAFFIC "eventtime=1793607243 srcport=3 dstip=10.20.0.21 dstport=445 proto=6 "
        "action=\"timeout\" msg=\"a \\\"b\\\" srcport=9\"\n"
        "<189>" TRAFFIC "eventtime=1793607243123456789 tz=\"+0100\" srcport=4 dstip=10.20.0.21 "
        "dstport=445 proto=6 action=\"server-rst\" user=\"N/A\"\n"
        "<189>" TRAFFIC "tz=\"UTC+1\" srcport=6 dstip=10.20.0.21 dstport=445 proto=6 "
        "action=\"deny\"\n"
        "<189>" TRAFFIC "eventtime=1793607243 srcport=5 dstip=10.20.0.21 dstport=445 proto=6 "
        "action=\"strange\"\n"),
    LOG_ROW(
        "a session that goes on; commas; FortiOS 4; a relay's header; no devname", 3,
        "from fw1\n2026-11-02T08:12:03+120s 10.10.4.7:1 > 10.20.0.21:445 tcp allowed within @1\n"
        "from fw2\n2026-11-02T08:14:03 10.10.4.7:2 > 10.20.0.21:445 tcp blocked timezone? @2\n"
        "from gw3\n2026-11-02T08:14:03 10.10.4.7:3 > 10.20.0.21:445 tcp allowed 1/2 timezone? @3\n",
        TRAFFIC "eventtime=1793607243 srcport=1 dstip=10.20.0.21 dstport=445 proto=6 "
                "action=\"accept\" duration=120 sentbyte=9 rcvdbyte=8 sentdelta=1 rcvddelta=1\n"
                "date=2026-11-02,time=08:14:03,devname=fw2,logid=0000000013,type=traffic,"
                "srcip=10.10.4.7,srcport=2,dstip=10.20.0.21,dstport=445,proto=6,action=deny\n"
                "Nov  2 10:00:00 gw3 date=2026-11-02 time=08:14:03 device_id=F log_id=0021000002 "
                "type=traffic subtype=allowed src=10.10.4.7 dst=10.20.0.21 src_port=3 dst_port=445 "
                "proto=6 status=accept sent=1 rcvd=2\n"),
    LOG_ROW("other types and ports, damage, cuts", 5,
            "from fw1\n"
            "skip @4 expected srcip and dstip\n"
            "skip @5 expected srcport and dstport\n"
            "skip @6 the line is cut\n",
            FORTI "type=\"utm\" subtype=\"ips\" srcip=10.10.4.7 srcport=1 dstip=10.20.0.21 "
                  "dstport=445 proto=6 action=\"dropped\"\n" TRAFFIC
                  "srcport=1 dstip=10.20.0.21 dstport=443 proto=6 action=\"close\"\n" TRAFFIC
                  "dstip=10.20.0.21 proto=1 action=\"accept\" identifier=61\n" TRAFFIC
                  "srcport=1 dstip=10.20.0.210.1 dstport=445 proto=6 action=\"close\"\n" TRAFFIC
                  "srcport=x dstip=10.20.0.21 dstport=99999 proto=6 action=\"close\"\n" TRAFFIC
                  "srcport=1 dstip=10.20.0.21 proto=6 action=\"close\" dstport=44"),
};

#define PAN(subtype, action, ports, start, elapsed, more)                                          \
    "1,2026/11/02 08:14:20,001122334455,TRAFFIC," subtype ",2049,2026/11/02 "                      \
    "08:14:20,10.10.4.7,10.20.0.21,0.0.0.0,0.0.0.0,rule,contoso\\alice,,ms-ds-smb,"                \
    "vsys1,a,b,e1,e2,fwd,2026/11/02 08:14:20,22751,1," ports ",0,0,0x19,tcp," action               \
    ",2040,840,1200,36," start "," elapsed ",any,0,1,0x0,10.0.0.0-10.255.255.255,"                 \
    "10.0.0.0-10.255.255.255,0,16,20,tcp-fin" more "\n"
#define DEVICE ",0,0,0,0,,pa1,from-policy,,,0,,0,,N/A"

static const struct log_row panos_rows[] = {
    LOG_ROW(
        "sessions: ends, denials, with and without a device name", 5,
        "from pa1\n2026-11-02T08:14:03+10s 10.10.4.7:49159 > 10.20.0.21:445 tcp allowed 840/1200 "
        "contoso\\alice timezone? @1\n"
        "from gw\n2026-11-02T08:14:03 10.10.4.7:49160 > 10.20.0.21:445 tcp allowed "
        "contoso\\alice timezone? @2\n"
        "from 001122334455\n2026-11-02T08:14:03 10.10.4.7:49161 > 10.20.0.21:445 tcp blocked "
        "840/1200 "
        "contoso\\alice timezone? @3\n"
        "2026-11-02T08:14:03 10.10.4.7:49162 > 10.20.0.21:445 tcp blocked 840/1200 contoso\\alice "
        "timezone? @4\n"
        "2026-11-02T08:14:20 10.10.4.7:49163 > 10.20.0.21:445 tcp blocked 840/1200 contoso\\alice "
        "timezone? @5\n",
        "<14>Nov  2 08:14:20 gw " PAN(
            "end", "allow", "49159,445", "2026/11/02 08:14:03", "10",
            DEVICE) "<14>Nov  2 08:14:20 gw " PAN("start", "allow", "49160,445",
                                                  "2026/11/02 08:14:03", "0", "")
            PAN("drop", "deny", "49161,445", "2026/11/02 08:14:03", "0", "")
                PAN("end", "reset-both", "49162,445", "2026/11/02 08:14:03", "0", "")
                    PAN("deny", "unheard-of", "49163,445", "", "0", "")),
    LOG_ROW("the high resolution timestamp tells the zone", 1,
            "from pa1\n2026-11-02T13:14:03 10.10.4.7:1 > 10.20.0.21:445 tcp allowed 840/1200 "
            "contoso\\alice @1\n",
            PAN("end", "allow", "1,445", "2026/11/02 08:14:03", "0",
                DEVICE ",0,0,0,0,,,\"a, \"\"b\"\"\",,,,,,,,,2026-11-02T08:14:20.123-05:00,,")),
    LOG_ROW(
        "an export's header, other logs, other ports, damage, cuts", 3,
        "from 001122334455\n"
        "skip @4 expected the fields of a PAN-OS traffic log up to the action\n"
        "skip @6 expected a source and a destination port\n"
        "skip @7 the line is cut\n",

        "Domain,Receive Time,Serial #,Type,Threat/Content Type\n"
        "1,2026/11/02 08:14:20,001122334455,THREAT,url,2049\n" PAN(
            "end", "allow", "49159,443", "2026/11/02 08:14:03", "0",
            "") "1,2026/11/02 08:14:20,001122334455,TRAFFIC,end,2049\n" PAN("end", "allow",
                                                                            "49159,x445",
                                                                            "2026/11/02 08:14:03",
                                                                            "0", "")
            PAN("end", "allow", "49159,445000", "2026/11/02 08:14:03", "0",
                "") "1,2026/11/02 08:14:20,001122334455,TRAFFIC,end,2049,2026/11/02 "
                    "08:14:20,10.10.4.7"),
};

static void rows_give_their_facts(void **state)
{
    (void)state;
    assert_int_equal(
        log_rows_failed(&fortigate_reader, fortigate_rows, COUNT_OF(fortigate_rows), (str){0}), 0);
    assert_int_equal(log_rows_failed(&panos_reader, panos_rows, COUNT_OF(panos_rows), (str){0}), 0);
}

static void heads_are_recognised(void **state)
{
    (void)state;
    assert_true(fortigate_reader.recognise(str_bytes(S(TRAFFIC "\n"))));
    assert_false(fortigate_reader.recognise(str_bytes(S("date=2026-11-02 type=x\n"))));
    assert_true(panos_reader.recognise(str_bytes(S("1,2,3,TRAFFIC,end,"))));
    assert_false(panos_reader.recognise(str_bytes(S("1,2,3,THREAT,end,"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),
        cmocka_unit_test(heads_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
