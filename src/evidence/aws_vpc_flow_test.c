/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "evidence/facts_heard.h"

extern const struct reader aws_vpc_flow_reader;

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define V2                                                                                         \
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "      \
    "start "                                                                                       \
    "end action log-status"
#define V5                                                                                         \
    V2 " vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id "        \
       "sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction "   \
       "traffic-path"
#define ENI "eni-0a1b2c3d4e5f60001"
#define TAIL5(flags, from, to, way)                                                                \
    " vpc-1 subnet-1 i-1 " flags " IPv4 " from " " to " eu-west-1 euw1-az1 - - - - " way " 1\n"

/* clang-format off */
#define AT_20 "1718108000 1718108060 ACCEPT OK"
#define AT_21 "1718108060 1718108120 ACCEPT OK"
#define FLAGS V5 "\n"                                                                              \
    "5 111122223333 " ENI " 10.0.2.4 10.0.3.52 49802 445 6 9 900 " AT_20                           \
    TAIL5("2", "10.0.2.4", "10.0.3.52", "egress")                                                  \
    "5 111122223333 " ENI " 10.0.3.52 10.0.2.4 445 49802 6 9 800 " AT_20                           \
    TAIL5("18", "10.0.3.52", "10.0.2.4", "ingress")                                                \
    "5 111122223333 " ENI " 10.0.2.4 10.0.3.52 49802 445 6 9 700 " AT_21                           \
    TAIL5("0", "10.0.2.4", "10.0.3.52", "egress")                                                  \
    "5 111122223333 " ENI " 10.0.2.4 10.0.3.52 49803 445 6 9 600 " AT_21                           \
    TAIL5("3", "10.0.2.4", "10.0.3.52", "egress")
#define NAT V5 "\n"                                                                                \
    "5 111122223333 " ENI " 10.0.2.4 10.0.0.220 49802 445 6 9 900 " AT_20                          \
    TAIL5("2", "10.0.2.4", "203.0.113.5", "ingress")                                               \
    "5 111122223333 " ENI " 10.0.0.220 10.0.2.4 445 49802 6 9 900 " AT_20                          \
    TAIL5("18", "203.0.113.5", "-", "egress")
#define HEADLESS                                                                                   \
    "5 111122223333 " ENI " 10.0.2.4 10.0.3.52 49802 445 6 9 900 " AT_20                           \
    TAIL5("2", "10.0.2.4", "10.0.3.52", "egress")
#define GATEWAY                                                                                    \
    "6 TransitGateway 111122223333 tgw-1 tgw-attach-1 111122223333 111122223333 vpc-1 vpc-2 "      \
    "subnet-1 subnet-2 eni-1 eni-2 az-1 az-2 tgw-attach-2 10.0.2.4 10.1.3.52 49802 445 6 9 900 "   \
    "1718108000 1718108060 OK IPv4 0 0 0 0 3 eu-west-1 egress - -\n"                               \
    "6 TransitGateway 111122223333 tgw-1 tgw-attach-2 111122223333 111122223333 vpc-2 vpc-1 "      \
    "subnet-2 subnet-1 eni-2 eni-1 az-2 az-1 tgw-attach-1 10.1.3.52 10.0.2.4 445 49802 6 9 800 "   \
    "1718108000 1718108060 OK IPv4 0 0 0 0 19 eu-west-1 egress - -\n"
/* clang-format on */

static const struct {
    const char *name;
    str in;
    const char *expected;
    size_t records;
} rows[] = {
    {"default format without a header: both directions, a rejected one, another port",
     ROW("2 111122223333 " ENI " 10.0.2.4 10.0.3.52 49802 445 6 85 125000 1718108000 1718108060 "
         "ACCEPT OK\n"
         "2 111122223333 " ENI " 10.0.3.52 10.0.2.4 445 49802 6 70 9000 1718108000 1718108060 "
         "ACCEPT OK\n"
         "2 111122223333 " ENI " 192.0.2.9 10.0.2.4 44102 445 6 1 40 1718107992 1718107993 REJECT "
         "OK\n"
         "2 111122223333 " ENI " 10.0.2.4 203.0.113.5 50000 443 6 1 40 1718107992 1718107993 "
         "ACCEPT OK\n"),
     "from " ENI "\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 10.0.3.52:445 tcp allowed 125000/0 within @0\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 10.0.3.52:445 tcp allowed 0/9000 within @110\n"
     "2024-06-11T12:13:12+1s 192.0.2.9:44102 > 10.0.2.4:445 tcp blocked 40/0 @218\n",                                                4},
    {"no data, skipped data, other protocols, IPv6",
     ROW("2 111122223333 " ENI " - - - - - - - 1431280876 1431280934 - NODATA\n"
         "2 111122223333 " ENI " - - - - - - - 1431280876 1431280934 - SKIPDATA\n"
         "2 111122223333 " ENI " 10.0.2.4 10.0.3.52 0 0 1 4 336 1432917027 1432917142 ACCEPT OK\n"
         "2 unknown " ENI " 2001:db8::1 2001:db8::2 34892 22 6 54 8855 1477913708 1477913820 "
         "ACCEPT OK"),
     "from " ENI "\n"
     "skip @82+83 the flow log says that records were skipped here, for lack of capacity or after "
     "an error\n"
     "2016-10-31T11:35:08+112s 2001:db8::1:34892 > 2001:db8::2:22 tcp allowed 8855/0 within @266\n",                                 4},
    {"flags: a SYN begins, its answer and what follows do not",                        ROW(FLAGS),
     "from " ENI "\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 10.0.3.52:445 tcp allowed 900/0 @296\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 10.0.3.52:445 tcp allowed 0/800 within @483\n"
     "2024-06-11T12:14:20+60s 10.0.2.4:49802 > 10.0.3.52:445 tcp allowed 700/0 within @672\n"
     "2024-06-11T12:14:20+60s 10.0.2.4:49803 > 10.0.3.52:445 tcp allowed 600/0 @859\n",                                              4},
    {"behind a NAT gateway: the packets' own addresses",                               ROW(NAT),
     "from " ENI "\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 203.0.113.5:445 tcp allowed 900/0 @296\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 203.0.113.5:445 tcp allowed 0/900 within @487\n",                                     2},
    {"the guide's order without a header, more fields than are known",                 ROW(HEADLESS),
     "from " ENI "\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 10.0.3.52:445 tcp allowed 900/0 @0\n",                                                1},
    {"a transit gateway has an order of its own, and no verdict",                      ROW(GATEWAY),
     "from tgw-attach-1\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 10.1.3.52:445 tcp none 900/0 @0\n"
     "from tgw-attach-2\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 10.1.3.52:445 tcp none 0/800 within @238\n",                                          2},
    {"no interface named",
     ROW("3 111122223333 - 10.0.2.4 10.0.3.52 49802 445 6 9 900 1718108000 1718108060 ACCEPT OK - "
         "- "
         "- - - - - - - - - - - ingress -\n"),
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 10.0.3.52:445 tcp allowed 900/0 within @0\n",                                         1},
    {"a custom order, commas, underscores; then Athena's names in quotes; then tabs",
     ROW("action,dstaddr,dstport,end,interface_id,log_status,protocol,srcaddr,srcport,start,"
         "tcp_flags,version\n"
         "REJECT,172.31.2.52,445,1649721788,eni-1,OK,6,192.0.2.3,56858,1649721732,2,5\n"
         "\"interfaceid\",\"sourceaddress\",\"destinationaddress\",\"sourceport\","
         "\"destinationport\",\"protocol\",\"numbytes\",\"starttime\",\"action\"\n"
         "\"eni-2\",\"10.0.0.1\",\"10.0.0.2\",\"5000\",\"445\",\"6\",\"77\",\"1649721732\","
         "\"ACCEPT\"\n"
         "srcAddr\tdstAddr\tsrcPort\tdstPort\tprotocol\tend\taction\n"
         "10.0.0.1\t10.0.0.2\t137\t137\t17\t1649721732\tACCEPT\n"),
     "from eni-1\n"
     "2022-04-12T00:02:12+56s 192.0.2.3:56858 > 172.31.2.52:445 tcp blocked 0/0 @100\n"
     "from eni-2\n"
     "2022-04-12T00:02:12+0s 10.0.0.1:5000 > 10.0.0.2:445 tcp allowed 77/0 within @301\n"
     "from \n"
     "2022-04-12T00:02:12+0s 10.0.0.1:137 > 10.0.0.2:137 udp allowed 0/0 within server? @427\n",                                     3},
    {"exported from CloudWatch Logs: a time before each line, and the stream",
     ROW("2024-06-11T12:14:30.000Z 2 111122223333 " ENI " 10.0.2.4 10.0.3.52 49802 445 6 85 125000 "
         "1718108000 1718108060 ACCEPT OK\n"
         "2024-06-11T12:14:30.123000+00:00 " ENI "-all 2 111122223333 " ENI " 10.0.2.4 10.0.3.52 "
         "49802 445 6 85 125000 1718108000 1718108060 ACCEPT OK\n"),
     "from " ENI "\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 10.0.3.52:445 tcp allowed 125000/0 within @0\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 10.0.3.52:445 tcp allowed 125000/0 within @135\n",                                    2},
    {"JSON of CloudWatch Logs",
     ROW("{\"events\": [{\"timestamp\": 1718108000000, \"message\": \"2 111122223333 " ENI
         " 10.0.2.4 10.0.3.52 49802 445 6 85 125000 1718108000 1718108060 ACCEPT OK\", "
         "\"ingestionTime\": 1718108070000}, {\"message\": \"2 111122223333 " ENI
         " 10.0.2.5 10.0.3.52 49802 445 6 85 125000 1718108000 1718108060 REJECT OK\"}]}"),
     "from " ENI "\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 10.0.3.52:445 tcp allowed 125000/0 within @12\n"
     "2024-06-11T12:13:20+60s 10.0.2.5:49802 > 10.0.3.52:445 tcp blocked 125000/0 @198\n",                                           2},
    {"a subscription's message, as it stands and one a line",
     ROW("{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"111122223333\",\"subscriptionFilters\":"
         "[\"all\"],\"logEvents\":[{\"id\":\"1\",\"timestamp\":1718108000000,\"message\":\"2 "
         "111122223333 " ENI " 10.0.2.4 10.0.3.52 49802 445 6 85 125000 1718108000 1718108060 "
         "ACCEPT OK\",\"extractedFields\":{\"start\":\"1718108000\"}}]}\n"
         "{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{\"message\":\"2 111122223333 " ENI
         " 10.0.2.6 10.0.3.52 49802 445 6 85 125000 1718108000 1718108060 ACCEPT OK\"}]}\n"),
     "from " ENI "\n"
     "2024-06-11T12:13:20+60s 10.0.2.4:49802 > 10.0.3.52:445 tcp allowed 125000/0 within @96\n"
     "2024-06-11T12:13:20+60s 10.0.2.6:49802 > 10.0.3.52:445 tcp allowed 125000/0 within @341\n",                                    2},
    {"damaged lines are stepped over one by one",
     ROW("2 111122223333 " ENI
         " 10.0.2.4 10.0.3.52 49802 445 6 85 9 1718108000 1718108060 DENY OK\n"
         "2 111122223333 " ENI " 10.0.2.4 10.0.3.52 70000 445 6 85 9 1718108000 1718108060 ACCEPT "
         "OK\n"
         "2 111122223333 " ENI " 10.0.2.4 10.0.3.520 4980 445 6 85 9 1718108000 1718108060 ACCEPT "
         "OK\n"
         "2 111122223333 " ENI " 10.0.2.4 10.0.3.52 4980 445 6 85 9 17181x8000 1718108060 ACCEPT "
         "OK\n"
         "2 111122223333 " ENI " 10.0.2.4 10.0.3.52 4980 445\n"
         "2 111122223333 " ENI " 10.0.2.4 10.0.3.52 4980 445 6 85 9 1718108000 1718108060 ACCEPT "
         "O\n"
         "2 111122223333 " ENI " 10.0.2.4 10.0.3.52 4980 445 6 85 9 1718108000 1718108060 ACCEPT "
         "SKIP"),
     "from " ENI "\n"
     "skip @0+102 expected the action ACCEPT or REJECT\n"
     "skip @103+104 expected a source and a destination port\n"
     "skip @208+104 expected a source and a destination address\n"
     "skip @313+103 expected the start and the end of the interval in seconds since 1970\n"
     "skip @417+64 the record has fewer fields than its format\n"
     "skip @482+102 expected the log status OK, NODATA or SKIPDATA\n"
     "skip @585+105 the line is cut\n",                                                                                              3},
    {"a format without ports says nothing",
     ROW("srcaddr dstaddr action\n10.0.0.1 10.0.0.2 ACCEPT\n"),
     "skip @0+22 the format of the flow log lacks ports or the protocol: nothing can be said of "
     "its "
     "records\n",                                                                                                                    0},
    {"Parquet is named",                                                               ROW("PAR1\x15\x04\x15\x10\x15\x14L\x15"),
     "skip @0+0 Parquet is recognised but not read: export the flow log as text, or query it with "
     "Athena and save the answer as CSV\n",                                                                                          0},
    {"nothing",                                                                        ROW(""),                                  "", 0},
};

static struct facts_heard read_in(bytes data, size_t piece, struct arena *arena)
{
    return facts_heard_of(&aws_vpc_flow_reader, &(struct reader_options){0}, data, piece, arena);
}

static void rows_give_their_facts(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t piece = 1; piece < 4000; piece = piece * 3 + 1) {
            struct facts_heard heard = read_in(str_bytes(rows[i].in), piece, &arena);
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

/* Cut anywhere: what is whole is read as before, and nothing is made up. */
static void truncations_invent_nothing(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct facts_heard whole = read_in(str_bytes(rows[i].in), 4096, &arena);
        for (size_t len = 0; len < rows[i].in.len; len++) {
            struct facts_heard cut = read_in(str_bytes(str_head(rows[i].in, len)), 4096, &arena);
            assert_true(cut.observations <= whole.observations);
            str rest = buf_text(&cut.text), line;
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

/* A record is itself whichever way it came. */
static void identity_is_the_records(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    static const char line[] =
        "2 111122223333 " ENI " 10.0.2.4 10.0.3.52 49802 445 6 85 125000 1718108000 1718108060 "
        "ACCEPT OK";
    (void)state;
    str plain = str_format(&arena, "%s\r\n", line);
    str stamped = str_format(&arena, "2024-06-11T12:14:30.000Z %s\n", line);
    str json = str_format(&arena, "{\"events\":[{\"message\":\"%s\"}]}", line);
    str headed = str_format(&arena, V2 "\n%s\n", line);
    uint64_t hash = read_in(str_bytes(plain), 4096, &arena).hashes;
    assert_true(hash);
    assert_int_equal(read_in(str_bytes(stamped), 4096, &arena).hashes, hash);
    assert_int_equal(read_in(str_bytes(json), 4096, &arena).hashes, hash);
    assert_int_equal(read_in(str_bytes(headed), 4096, &arena).hashes, hash);
    arena_close(&arena);
}

static const struct {
    const char *name;
    str head;
    bool expected;
} heads[] = {
    {"header",                     ROW(V2 "\n"),                                                                 true },
    {"default format",             ROW("2 111122223333 " ENI " - - - - - - - 1431280876 1431280934 - NODATA\n"),
     true                                                                                                             },
    {"JSON",
     ROW("{\"events\":[{\"message\":\"2 111122223333 " ENI
         " - - - - - - - 1431280876 1431280934 - NODATA\"}]}"),
     true                                                                                                             },
    {"JSON of another log",        ROW("{\"events\":[{\"message\":\"GET / 200\",\"srcaddr\":1}]}"),              false},
    {"another table of addresses", ROW("srcaddr,dstaddr,name\n10.0.0.1,10.0.0.2,x\n"),                           false},
    {"syslog",                     ROW("Nov  2 08:14:03 fw kernel: SRC=10.0.0.1 DST=10.0.0.2\n"),                false},
    {"Parquet",                    ROW("PAR1\x15\x04"),                                                          true },
    {"nothing",                    ROW(""),                                                                      false},
};

static void heads_are_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        if (aws_vpc_flow_reader.recognise(str_bytes(heads[i].head)) != heads[i].expected)
            fail_msg("%s", heads[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),
        cmocka_unit_test(truncations_invent_nothing),
        cmocka_unit_test(identity_is_the_records),
        cmocka_unit_test(heads_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
