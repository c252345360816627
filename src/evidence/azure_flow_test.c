/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "evidence/facts_heard.h"

extern const struct reader azure_flow_reader;

#define NSG_HEAD(version, mac)                                                                     \
    "{\"time\":\"2026-11-02T08:15:00.0000000Z\",\"systemId\":\"0\",\"macAddress\":\"" mac "\","    \
    "\"category\":\"NetworkSecurityGroupFlowEvent\",\"operationName\":"                            \
    "\"NetworkSecurityGroupFlowEvents\",\"properties\":{\"Version\":" version ",\"flows\":["
#define NSG_RULE(rule, mac, tuples)                                                                \
    "{\"rule\":\"" rule "\",\"flows\":[{\"mac\":\"" mac "\",\"flowTuples\":[" tuples "]}]}"
#define NSG(version, mac, tuples) NSG_HEAD(version, mac) NSG_RULE("UserRule_smb", mac, tuples) "]}}"
#define VNET(mac, tuples)                                                                          \
    "{\"time\":\"2026-11-02T08:15:00Z\",\"flowLogVersion\":4,\"macAddress\":\"" mac "\","          \
    "\"category\":\"FlowLogFlowEvent\",\"flowRecords\":{\"flows\":[{\"aclID\":\"a\","              \
    "\"flowGroups\":[{\"rule\":\"smb\",\"flowTuples\":[" tuples "]}]}]}}"

/* clang-format off */
static const char states[] = "{\"records\":[" NSG("2", "000D3A000001",
    "\"1793693700,10.1.2.4,10.1.3.5,50030,445,T,O,A,B,,,,\","
    "\"1793693705,10.1.2.4,10.1.3.5,50030,445,T,O,A,C,10,3205,11,6104\","
    "\"1793693710,10.1.2.4,10.1.3.5,50030,445,T,O,A,E,1,66,1,77\","
    "\"1793693711,192.0.2.9,10.1.2.4,50031,445,T,I,D,B,,,,\","
    "\"1793693711,10.1.2.4,192.0.2.80,50032,443,T,O,A,B,,,,\"") "]}";
static const char version_1[] =
    NSG("1", "000D3A000001", "\"1793693700,192.0.2.9,10.1.2.4,35370,3389,T,I,D\"") "\n"
    NSG("1", "000D3A000002", "\"1793693700,10.1.2.9,10.1.2.4,138,138,U,I,A\"") "\n";
static const char reversed[] = NSG("2", "000D3A000001",
    "\"1793693700,10.1.3.5,10.1.2.4,445,50030,T,I,A,C,10,1000,11,2000\"");
static const char networks[] = VNET("6045BD000001",
    "\"1793693700827,10.1.1.70,10.1.1.4,55490,445,6,O,B,NX,0,0,0,0\","
    "\"1793693701827,10.1.1.70,10.1.1.4,55490,445,6,O,E,X,3,406,4,614\","
    "\"1793693702827,2001:db8::9,2001:db8::4,55491,445,6,I,D,NX,0,0,0,0\","
    "\"1793693703,10.1.1.70,10.1.1.4,55492,2049,17,O,C,NX,7,1158,12,8143\"");
static const char damage[] = NSG("2", "000D3A000001",
    "\"1793693700,10.1.3.5,10.1.2.4,445\","
    "\"yesterday,10.1.2.4,10.1.3.5,50030,445,T,O,A,B,,,,\","
    "\"1793693700,10.1.2.4,10.1.3.5,50030,70000,T,O,A,B,,,,\","
    "\"1793693700,10.1.2.4,10.1.3.5,50030,445,T,O,X,B,,,,\","
    "\"1793693700,10.1.2.4,10.1.3.500,50030,445,T,O,A,B,,,,\","
    "\"1793693700,10.1.2.4,10.1.3.5,50030,445,T,O,A,B,,,,\"");
static const char other_log[] =
    "{\"records\":[{\"category\":\"NetworkSecurityGroupEvent\",\"properties\":{\"x\":[1]}}]}";
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
    {"NSG version 2: begin, continuing, end, denied, another port",             TEXT(states),    5,
     "from 000D3A000001\n"
     "2026-11-03T08:15:00+0s 10.1.2.4:50030 > 10.1.3.5:445 tcp allowed 0/0 @289\n"
     "2026-11-03T08:15:05+0s 10.1.2.4:50030 > 10.1.3.5:445 tcp allowed 3205/6104 within @342\n"
     "2026-11-03T08:15:10+0s 10.1.2.4:50030 > 10.1.3.5:445 tcp allowed 66/77 within @407\n"
     "2026-11-03T08:15:11+0s 192.0.2.9:50031 > 10.1.2.4:445 tcp blocked 0/0 @466\n"                   },
    {"NSG version 1: no state; two records, two interfaces, a line each",       TEXT(version_1), 2,
     "from 000D3A000001\n"
     "2026-11-03T08:15:00+0s 192.0.2.9:35370 > 10.1.2.4:3389 tcp blocked 0/0 @277\n"
     "from 000D3A000002\n"
     "2026-11-03T08:15:00+0s 10.1.2.9:138 > 10.1.2.4:138 udp allowed 0/0 @610\n"                      },
    {"the server is on the service's port, whichever side begins the tuple",    TEXT(reversed),  1,
     "from 000D3A000001\n"
     "2026-11-03T08:15:00+0s 10.1.2.4:50030 > 10.1.3.5:445 tcp allowed 2000/1000 within @277\n"       },
    {"virtual network: milliseconds, numbers, D is a state; IPv6; seconds too", TEXT(networks),  4,
     "from 6045BD000001\n"
     "2026-11-03T08:15:00+0s 10.1.1.70:55490 > 10.1.1.4:445 tcp allowed 0/0 @187\n"
     "2026-11-03T08:15:01+0s 10.1.1.70:55490 > 10.1.1.4:445 tcp allowed 406/614 within @249\n"
     "2026-11-03T08:15:02+0s 2001:db8::9:55491 > 2001:db8::4:445 tcp blocked 0/0 @314\n"
     "2026-11-03T08:15:03+0s 10.1.1.70:55492 > 10.1.1.4:2049 udp allowed 1158/8143 within @381\n"     },
    {"damaged tuples are stepped over one by one",                              TEXT(damage),    4,
     "skip @277+34 expected a flow tuple of at least 8 fields\n"
     "skip @312+51 expected the time of the flow tuple\n"
     "from 000D3A000001\n"
     "skip @364+54 expected a source and a destination port\n"
     "skip @419+52 expected A or D, and the state B, C or E\n"
     "skip @472+54 expected a source and a destination address\n"
     "2026-11-03T08:15:00+0s 10.1.2.4:50030 > 10.1.3.5:445 tcp allowed 0/0 @527\n"                    },
    {"records of other logs say nothing",                                       TEXT(other_log), 0, ""},
};

static struct facts_heard read_in(str data, size_t piece, struct arena *arena)
{
    return facts_heard_of(&azure_flow_reader, &(struct reader_options){0}, str_bytes(data), piece,
                          arena);
}

static void rows_give_their_facts(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
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

/* PT1H.json that was fetched while it was written: whole records count, a cut one is a skip. */
static void truncations_invent_nothing(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct facts_heard whole = read_in(rows[i].in, 4096, &arena);
        for (size_t len = 0; len < rows[i].in.len; len++) {
            struct facts_heard cut = read_in(str_head(rows[i].in, len), 4096, &arena);
            str rest = buf_text(&cut.text), line;
            assert_true(cut.observations <= whole.observations);
            while (rest.len) {
                str_cut(rest, '\n', &line, &rest);
                if (str_starts(line, S("20")) && !str_contains(buf_text(&whole.text), line))
                    fail_msg("%s cut to %zu: %.*s", rows[i].name, len, STR_ARG(line));
            }
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
}

/* The same tuple at two interfaces is two records; wrapped or alone it is one. */
static void identity_is_tuple_and_interface(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
#define TUPLE "\"1793693700,10.1.2.4,10.1.3.5,50030,445,T,O,A,B,,,,\""
    str alone = S(NSG("2", "000D3A000001", TUPLE));
    str wrapped = S("{\"records\":[" NSG("2", "000D3A000001", TUPLE) "]}");
    str other = S(NSG("2", "000D3A000002", TUPLE));
    uint64_t hash = read_in(alone, 4096, &arena).hashes;
    assert_true(hash);
    assert_int_equal(read_in(wrapped, 4096, &arena).hashes, hash);
    assert_int_not_equal(read_in(other, 4096, &arena).hashes, hash);
    arena_close(&arena);
}

static void heads_are_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < COUNT_OF(rows); i++)
        assert_true(azure_flow_reader.recognise(str_bytes(rows[i].in)));
    assert_false(azure_flow_reader.recognise(str_bytes(rows[COUNT_OF(rows) - 1].in)));
    assert_false(azure_flow_reader.recognise(str_bytes(S("<x>\"flowTuples\"</x>"))));
    assert_false(azure_flow_reader.recognise((bytes){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),
        cmocka_unit_test(truncations_invent_nothing),
        cmocka_unit_test(identity_is_tuple_and_interface),
        cmocka_unit_test(heads_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
