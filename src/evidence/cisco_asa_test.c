/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "evidence/log_heard.h"

extern const struct reader cisco_asa_reader;

#define AT "Nov 02 2026 08:14:03"
#define T0 "2026-11-02T08:14:03"

static const struct log_row rows[] = {
    LOG_ROW(
        "headers: with and without host, colons where they stand, zones, FTD, a relay's header "
        "before "
        "it",
        7,
        T0 " 10.10.4.7:63016 > 10.20.0.21:445 tcp blocked timezone? @1\n" T0
           " 10.10.4.7:63016 > 10.20.0.21:445 tcp blocked @2\n" T0
           " 10.10.4.7:63016 > 10.20.0.21:445 tcp blocked timezone? @3\n"
           "from fw01\n" T0 " 10.10.4.7:63016 > 10.20.0.21:445 tcp blocked timezone? @4\n"
           "from fw02\n" T0 " 10.10.4.7:63016 > 10.20.0.21:445 tcp blocked timezone? @5\n"
           "from 10.0.0.1\n" T0 " 10.10.4.7:63016 > 10.20.0.21:445 tcp blocked timezone? @6\n"
           "from \n1970-01-01T00:00:00 10.10.4.7:63016 > 10.20.0.21:445 tcp blocked clock? @7\n",
        AT ": %ASA-4-106023: Deny tcp src dmz:10.10.4.7/63016 dst outside:10.20.0.21/445 by "
           "access-group \"acl\" [0xe3aab522, 0x0]\n" AT
           " UTC: %ASA-4-106023: Deny tcp src dmz:10.10.4.7/63016 dst outside:10.20.0.21/445 by "
           "x\n" AT " EDT: %ASA-4-106023: Deny tcp src dmz:10.10.4.7/63016 dst "
           "outside:10.20.0.21/445 by x\n" AT
           " fw01 : %ASA-4-106023: Deny tcp src dmz:10.10.4.7/63016 dst outside:10.20.0.21/445\n"
           "<164>Nov  2 08:14:03 fw02: %FTD-4-106023: Deny tcp src dmz:10.10.4.7/63016 dst "
           "outside:10.20.0.21/445\n"
           "Nov  2 10:00:00 10.0.0.1 " AT " fw03 : %ASA-4-106023: Deny tcp src dmz:10.10.4.7/63016 "
           "dst outside:10.20.0.21/445\n"
           "%ASA-4-106023: Deny tcp src dmz:10.10.4.7/63016 dst outside:10.20.0.21/445 by x\n"),
    LOG_ROW(
        "denials", 7,
        T0 " 10.10.4.7:4 > 10.20.0.21:445 tcp blocked timezone? @1\n" T0
           " 10.10.4.7:137 > 10.20.0.21:137 udp blocked timezone? @2\n" T0
           " 10.10.4.7:4 > 10.20.0.21:445 tcp blocked timezone? @3\n" T0
           " 10.10.4.7:4 > 10.20.0.21:445 tcp blocked within timezone? @4\n" T0
           " 10.10.4.7:5 > fs01:137 udp blocked timezone? @5\n" T0
           " 10.10.4.7:6 > 10.20.0.1:22 tcp blocked timezone? @6\n" T0
           " 10.10.4.7:7 > 192.0.2.3:445 tcp blocked timezone? @7\n",

        AT
        ": %ASA-2-106001: Inbound TCP connection denied from 10.10.4.7/4 to 10.20.0.21/445 "
        "flags SYN  on interface outside\n" AT
        ": %ASA-2-106006: Deny inbound UDP from 10.10.4.7/137 to 10.20.0.21/137 on interface "
        "i\n" AT
        ": %ASA-3-106010: Deny inbound tcp src o:10.10.4.7/4 dst i:10.20.0.21/microsoft-ds\n" AT
        ": %ASA-6-106015: Deny TCP (no connection) from 10.20.0.21/445 to 10.10.4.7/4 flags "
        "RST  on interface i\n" AT
        ": %ASA-4-106023: Deny udp src o:10.10.4.7/5 dst i:fs01/netbios-ns(CONTOSO\\bob) by x\n" AT
        ": %ASA-3-710003: TCP access denied by ACL from 10.10.4.7/6 to o:10.20.0.1/22\n" AT
        ": %ASA-4-338008: Dynamic Filter dropped blacklisted TCP traffic from i:10.10.4.7/7 "
        "(10.2.1.1/33340) to o:192.0.2.3/445 (192.0.2.3/445), destination x\n"),
    LOG_ROW(
        "access lists: verdict, hits, users", 3,
        T0
        " 10.10.4.7:2241 > 10.20.0.21:445 tcp allowed timezone? @1\n" T0
        " 10.10.4.7:2242 > fs01.example.org:445 tcp blocked x144 CONTOSO\\alice timezone? @2\n" T0
        " 2001:db8::7:2243 > 2001:db8::8:445 tcp allowed x2 timezone? @3\n",
        AT ": %ASA-session-5-106100: access-list acl permitted tcp inside/10.10.4.7(2241) -> "
           "outside/10.20.0.21(445) hit-cnt 1 first hit [0x71a87d94, 0x0]\n" AT
           ": %ASA-6-106100: access-list acl denied tcp in/10.10.4.7(2242)(CONTOSO\\alice) -> "
           "out/fs01.example.org(445) hit-cnt 144 300-second interval [0x0, 0x0]\n" AT
           ": %ASA-6-106100: access-list acl est-allowed tcp in/2001:db8::7(2243) -> "
           "out/2001:db8::8(445) hit-cnt 2 300-second interval\n"),
    LOG_ROW(
        "connections: who opened it, its end, its bytes", 6,
        T0 " 10.10.4.7:49926 > 10.20.0.21:445 tcp allowed alice timezone? @1\n" T0
           " 10.10.4.7:4952 > 10.20.0.21:445 tcp allowed timezone? @2\n" T0
           " 10.10.4.7:137 > 10.20.0.21:137 udp allowed timezone? @3\n"
           "2026-11-02T07:13:02+3661s 10.10.4.7:4952 > 10.20.0.21:445 tcp allowed 0/14804 closes "
           "timezone? "
           "direction? @4\n"
           "2026-11-02T08:12:01+122s 10.20.0.21:137 > 10.10.4.7:137 udp allowed 0/1416 closes "
           "timezone? "
           "server? direction? @5\n" T0
           " 2001:db8::7:62477 > 2001:db8::8:445 tcp allowed timezone? @6\n",

        AT ": %ASA-6-302013: Built inbound TCP connection 1 for outside:10.10.4.7/49926 "
           "(192.0.2.1/49926)(LOCAL\\alice) to inside:10.20.0.21/445 (192.0.2.2/445) (alice)\n" AT
           ": %ASA-6-302013: Built outbound TCP connection 2 for outside:10.20.0.21/445 "
           "(10.20.0.21/445) to inside:10.10.4.7/4952 (192.0.2.1/12834)\n" AT
           ": %ASA-6-302015: Built outbound UDP connection 3 for outside:10.20.0.21/137 "
           "(10.20.0.21/137) to inside:10.10.4.7/137 (10.10.4.7/137)\n" AT
           ": %ASA-6-302014: Teardown TCP connection 2 for outside:10.20.0.21/445 to "
           "inside:10.10.4.7/4952(CONTOSO\\alice) duration 1:01:01 bytes 14804 TCP FINs\n" AT
           ": %ASA-6-302016 Teardown UDP connection 3 for outside:10.20.0.21/137 to "
           "inside:10.10.4.7/137 duration 0:02:02 bytes 1416\n" AT
           ": %ASA-6-302013: Built inbound TCP connection 4 for o:2001:db8::7/62477 "
           "(2001:db8::7/62477) to i:2001:db8::8/445 (2001:db8::8/445)\n"),
    LOG_ROW(
        "Firepower's connection events", 3,
        "from ftd\n" T0 "+5s 10.10.4.7:49159 > 10.20.0.21:445 tcp allowed 840/1200 @1\n"
        "2026-11-02T08:20:00 10.10.4.7:49160 > 10.20.0.21:445 tcp blocked CONTOSO\\alice @2\n",

        "<113>1 2026-11-02T08:20:00Z ftd - - - - %FTD-1-430003: EventPriority: Low, DeviceUUID: "
        "0, FirstPacketSecond: 2026-11-02T08:14:03Z, ConnectionID: 1, AccessControlRuleAction: "
        "Allow, SrcIP: 10.10.4.7, DstIP: 10.20.0.21, SrcPort: 49159, DstPort: 445, Protocol: tcp, "
        "ConnectionDuration: 5, User: No Authentication Required, InitiatorBytes: 840, "
        "ResponderBytes: 1200\n"
        "<113>1 2026-11-02T08:20:00Z ftd - - - - %FTD-1-430002: AccessControlRuleAction: Block "
        "with reset, SrcIP: 10.10.4.7, DstIP: 10.20.0.21, SrcPort: 49160, DstPort: 445, Protocol: "
        "tcp, User: CONTOSO\\alice\n"
        "<113>1 2026-11-02T08:20:00Z ftd - - - - %FTD-1-430001: SrcIP: 10.10.4.7, DstPort: 445\n"),
    LOG_ROW(
        "others, protocols without ports, damage", 7,
        "skip @4 expected two ends of the form interface:address/port\n"
        "skip @5 expected two ends of the form interface:address/port\n"
        "skip @6 expected two ends of the form interface:address/port\n"
        "skip @7 expected a message number behind %ASA-\n"
        "skip @8 the line is cut\n",

        AT ": %ASA-6-305011: Built dynamic TCP translation from i:10.10.4.7/1 to o:192.0.2.1/2\n" AT
           ": %ASA-4-106023: Deny icmp src o:10.10.4.7 dst i:10.20.0.21 (type 8, code 0) by x\n" AT
           ": %ASA-4-106023: Deny protocol 47 src o:10.10.4.7 dst i:10.20.0.21 by x\n" AT
           ": %ASA-4-106023: Deny tcp src o:10.10.4.700/1 dst i:10.20.0.21/445 by x\n" AT
           ": %ASA-4-106023: Deny tcp src o:10.10.4.7/1\n" AT
           ": %ASA-4-106023: Deny tcp src o:10.10.4.7/1 dst i:10.20.0.21/123123 by x\n" AT
           ": %ASA-x: what\n" AT ": %ASA-4-106023: Deny tcp src o:10.10.4.7/1 dst i:10.20.0.21/44"),
};

static void rows_give_their_facts(void **state)
{
    (void)state;
    assert_int_equal(log_rows_failed(&cisco_asa_reader, rows, COUNT_OF(rows), (str){0}), 0);
}

static void heads_are_recognised(void **state)
{
    (void)state;
    assert_true(cisco_asa_reader.recognise(str_bytes(S(AT ": %ASA-6-305011: Built\n"))));
    assert_true(
        cisco_asa_reader.recognise(str_bytes(S("Nov  2 08:14:03 a b\n" AT ": %FTD-6-305011: x"))));
    assert_false(cisco_asa_reader.recognise(str_bytes(S("100 %\n%AS"))));
    assert_false(cisco_asa_reader.recognise(str_bytes(S("\1\2\3%ASA-6-305011: x"))));
    assert_false(cisco_asa_reader.recognise((bytes){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),
        cmocka_unit_test(heads_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
