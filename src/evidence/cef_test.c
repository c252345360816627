/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "evidence/log_heard.h"

extern const struct reader cef_reader, leef_reader;

static const struct log_row cef_rows[] = {
    LOG_ROW(
        "short names, blanks and escapes in values, a device of its own", 1,
        "from gw1\n2026-11-02T08:14:03 10.10.4.7:49159 > 10.20.0.21:445 tcp blocked x3 840/1200 "
        "CONTOSO\\alice @1\n",

        "Nov  2 10:00:00 collector CEF:0|Example|Fire \\| Wall|1.0|100|flow\\\\|3|act=Drop "
        "msg=a \\= b and c=d?e=f src=10.10.4.7 spt=49159 dst=10.20.0.21 dpt=445 proto=TCP "
        "suser=CONTOSO\\\\alice rt=1793607243000 dvchost=gw1 in=840 out=1200 cnt=3 cs1Label=Rule "
        "Name cs1=No SMB\n"),
    LOG_ROW(
        "long names, start and end, names of hosts, version 6", 2,
        "2026-11-02T08:14:03+10s ws1.example.org:49159 > fs01:445 tcp allowed @1\n"
        "2026-11-02T08:14:03 2001:db8::7:1 > 2001:db8::8:139 tcp allowed timezone? @2\n",

        "CEF:0|Example|FW|1|1|n|3|deviceAction=accept sourceHostName=ws1.example.org "
        "sourcePort=49159 destinationHostName=fs01 destinationPort=microsoft-ds "
        "transportProtocol=6 startTime=Nov 02 2026 08:14:03 UTC endTime=Nov 02 2026 08:14:13 UTC\n"
        "CEF:0|Example|FW|1|1|n|3|act=Allow c6a2=2001:db8::7 c6a2Label=Source IPv6 Address "
        "c6a3=2001:db8::8 spt=1 dpt=139 proto=tcp rt=Nov 02 2026 08:14:03.123\n"),
    LOG_ROW(
        "FortiOS counts the other way round, and has words of its own", 3,
        "from fw1\n2026-11-02T08:13:56+7s 10.10.4.7:1 > 10.20.0.21:445 tcp allowed 840/1200 "
        "timezone? "
        "@1\n"
        "2026-11-02T08:14:03 10.10.4.7:2 > 10.20.0.21:445 tcp none timezone? @2\n"
        "2026-11-02T08:14:03 10.10.4.7:3 > 10.20.0.21:445 tcp blocked timezone? @3\n",

        "<134>Nov  2 08:14:03 fw1 CEF:0|Fortinet|Fortigate|v7.2.4|00013|traffic:forward close|3|"
        "src=10.10.4.7 spt=1 dst=10.20.0.21 dpt=445 proto=6 act=close in=1200 out=840 "
        "FTNTFGTduration=7\n"
        "<134>Nov  2 08:14:03 fw1 CEF:0|Example|FW|1|1|n|3|src=10.10.4.7 spt=2 dst=10.20.0.21 "
        "dpt=445 proto=6 act=close\n"
        "<134>Nov  2 08:14:03 fw1 CEF:0|Palo Alto Networks|PAN-OS|10.1|end|TRAFFIC|1|"
        "src=10.10.4.7 spt=3 dst=10.20.0.21 dpt=445 proto=tcp act=reset-both\n"),
    LOG_ROW("events without a flow, damage, cuts", 3,
            "skip @2 expected seven header fields of CEF\n"
            "skip @3 expected a source and a destination port\n"
            "skip @5 the line is cut\n",

            "CEF:0|Example|FW|1|1|n|3|src=10.10.4.7 msg=logged on\n"
            "CEF:0|Example|FW|1|1\n"
            "CEF:0|Example|FW|1|1|n|3|src=10.10.4.7 spt=70000 dst=10.20.0.21 dpt=445 proto=6\n"
            "CEF:0|Example|FW|1|1|n|3|\n"
            "CEF:0|Example|FW|1|1|n|3|act=deny src=10.10.4.7 spt=7 dst=10.20.0.21 proto=6 dpt=44"),
    LOG_ROW("a last line that ends in a word is whole", 1,
            "2026-11-02T08:14:03 10.10.4.7:7 > 10.20.0.21:445 tcp blocked @1\n",
            "CEF:0|E|F|1|1|n|3|src=10.10.4.7 spt=7 dst=10.20.0.21 dpt=445 proto=6 "
            "rt=1793607243000 act=deny"),
};

static const struct log_row leef_rows[] = {
    LOG_ROW(
        "1.0 with tabs, with #011, with bars", 3,
        "from gw\n2026-11-02T08:14:03 10.10.4.7:1 > 10.20.0.21:445 tcp blocked 8/9 CONTOSO\\alice "
        "timezone? @1\n"
        "2026-11-02T08:14:03 10.10.4.7:2 > 10.20.0.21:445 tcp allowed timezone? @2\n"
        "from pa1\n2026-11-02T08:14:03+10s 10.10.4.7:3 > 10.20.0.21:445 tcp allowed @3\n",

        "<13>Nov  2 08:14:03 gw LEEF:1.0|Example|FW|1|deny|src=10.10.4.7\tdst=10.20.0.21\t"
        "srcPort=1\tdstPort=445\tproto=TCP\taction=Deny\tusrName=CONTOSO\\alice\tsrcBytes=8\t"
        "dstBytes=9\n"
        "<13>Nov  2 08:14:03 gw LEEF:1.0|Example|FW|1|deny|src=10.10.4.7#011dst=10.20.0.21#011"
        "srcPort=2#011dstPort=445#011proto=6#011action=Accept\n"
        "<14>Nov  2 10:14:03 gw LEEF:1.0|Palo Alto Networks|PAN-OS Syslog Integration|10.1.5|"
        "allow|cat=TRAFFIC|devTime=Nov 02 2026 08:14:13 GMT|src=10.10.4.7|dst=10.20.0.21|usrName=|"
        "srcPort=3|dstPort=445|proto=tcp|action=allow|ElapsedTime=10|DeviceName=pa1\n"),
    LOG_ROW(
        "2.0 with a delimiter as a character, as a number, left out", 4,
        "2026-11-02T08:14:03 10.10.4.7:1 > 10.20.0.21:445 tcp blocked @1\n"
        "2026-11-02T08:14:03 10.10.4.7:2 > 10.20.0.21:445 tcp blocked @2\n"
        "2026-11-02T08:14:03 10.10.4.7:3 > 10.20.0.21:445 tcp blocked @3\n"
        "2026-11-02T08:14:03 10.10.4.7:4 > 10.20.0.21:445 tcp blocked @4\n"
        "skip @5 expected five header fields of LEEF\n",

        "LEEF:2.0|E|F|1|x|^|devTime=1793607243000^src=10.10.4.7^dst=10.20.0.21^srcPort=1^"
        "dstPort=445^proto=TCP^action=drop\n"
        "LEEF:2.0|E|F|1|x|0x5E|devTime=1793607243000^src=10.10.4.7^dst=10.20.0.21^srcPort=2^"
        "dstPort=445^proto=TCP^action=drop\n"
        "LEEF:2.0|E|F|1|x|devTime=2026-11-02T08:14:03Z\tsrc=10.10.4.7\tdst=10.20.0.21\tsrcPort=3\t"
        "dstPort=445\tproto=TCP\taction=drop\n"
        "LEEF:2.0|E|F|1|x||devTime=2026-11-02T08:14:03Z\tsrc=10.10.4.7\tdst=10.20.0.21\tsrcPort="
        "4\t"
        "dstPort=445\tproto=TCP\taction=drop\n"
        "LEEF:1.0|E|F\n"),
};

static void rows_give_their_facts(void **state)
{
    (void)state;
    assert_int_equal(log_rows_failed(&cef_reader, cef_rows, COUNT_OF(cef_rows), (str){0}), 0);
    assert_int_equal(log_rows_failed(&leef_reader, leef_rows, COUNT_OF(leef_rows), (str){0}), 0);
}

static void heads_are_recognised(void **state)
{
    (void)state;
    assert_true(cef_reader.recognise(str_bytes(S("<1>Nov  2 08:14:03 a CEF:0|b|c|d|e|f|g|\n"))));
    assert_false(cef_reader.recognise(str_bytes(S("LEEF:1.0|b|c|d|e|\n"))));
    assert_true(leef_reader.recognise(str_bytes(S("LEEF:1.0|b|c|d|e|\n"))));
    assert_false(leef_reader.recognise(str_bytes(S("CEF:0|b|c|d|e|f|g|\n"))));
    assert_false(cef_reader.recognise(str_bytes(S("the CEF: a format|table\n"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),
        cmocka_unit_test(heads_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
