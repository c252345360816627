/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "evidence/facts_heard.h"

extern const struct reader gcp_flow_reader;

#define CONNECTION(from, from_port, to, to_port, protocol)                                         \
    "\"connection\":{\"src_ip\":\"" from "\",\"src_port\":" from_port ",\"dest_ip\":\"" to "\","   \
    "\"dest_port\":" to_port ",\"protocol\":" protocol "}"
#define FLOW(id, payload)                                                                          \
    "{\"insertId\":\"" id "\",\"jsonPayload\":{" payload ","                                       \
    "\"start_time\":\"2026-11-02T08:15:00.501046130Z\","                                           \
    "\"end_time\":\"2026-11-02T08:15:07.768509812Z\"},"                                            \
    "\"logName\":\"projects/p/logs/compute.googleapis.com%2Fvpc_flows\","                          \
    "\"timestamp\":\"2026-11-02T08:15:10Z\"}"
#define RULE(id, payload)                                                                          \
    "{\"insertId\":\"" id "\",\"jsonPayload\":{" payload "},"                                      \
    "\"logName\":\"projects/p/logs/compute.googleapis.com%2Ffirewall\","                           \
    "\"timestamp\":\"2026-11-02T08:15:10.5Z\"}"

/* Connections of the rows. */
#define TO_SMB     CONNECTION("10.87.0.4", "50030", "10.87.0.9", "445", "6")
#define FROM_SMB   CONNECTION("10.87.0.9", "445", "10.87.0.4", "50030", "6")
#define BARE       CONNECTION("10.87.0.5", "50031", "10.87.0.9", "445", "6")
#define WEB        CONNECTION("10.87.0.5", "50032", "192.0.2.9", "443", "6")
#define POD        CONNECTION("10.4.1.7", "50030", "10.87.0.9", "445", "6")
#define NAMES      CONNECTION("10.4.1.7", "50031", "10.87.0.9", "137", "17")
#define NAMES_TEXT CONNECTION("10.4.1.7", "50031", "10.87.0.9", "137", "\"udp\"")
#define OUT        CONNECTION("10.87.0.4", "50031", "192.0.2.9", "445", "6")
#define NO_ADDR    CONNECTION("10.87.0.400", "50030", "10.87.0.9", "445", "6")
#define NO_PORT    CONNECTION("10.87.0.4", "50030", "10.87.0.9", "70000", "6")

#define MACHINE(key, name)   ",\"" key "\":{\"vm_name\":\"" name "\"}"
#define SENT(bytes, packets) ",\"bytes_sent\":\"" bytes "\",\"packets_sent\":\"" packets "\""
#define REPORTER(text)       ",\"reporter\":\"" text "\""
#define DISPOSITION(text)    ",\"disposition\":\"" text "\""
#define DIRECTION(text)      ",\"rule_details\":{\"direction\":\"" text "\"}"
#define CLUSTER              ",\"src_gke_details\":{\"cluster\":{\"cluster_name\":\"c\"}}"

/* clang-format off */
/* An array: both directions; payload, a round trip, and neither; another port. */
static const char both_ways[] =
    "[\n"
    FLOW("a1", TO_SMB SENT("1776", "7") REPORTER("SRC") MACHINE("src_instance", "ws-1")
         MACHINE("dest_instance", "fs-1")) ",\n"
    FLOW("a2", FROM_SMB SENT("300", "5") ",\"rtt_msec\":\"3\"" REPORTER("DEST")) ",\n"
    FLOW("a3", BARE SENT("120", "2") REPORTER("SRC")) ",\n"
    FLOW("a4", WEB REPORTER("SRC")) "\n]\n";
/* A line each; the second as an analytics table spells it. */
static const char lines[] =
    FLOW("b1", POD SENT("10", "1") REPORTER("SRC") MACHINE("src_instance", "gke-1") CLUSTER) "\n"
    "{\"insert_id\":\"b2\",\"json_payload\":{" NAMES SENT("92", "1")
    ",\"start_time\":\"2026-11-02T08:15:00Z\"}}\n";
static const char rules[] =
    RULE("c1", TO_SMB DISPOSITION("ALLOWED") DIRECTION("INGRESS") MACHINE("instance", "fs-1")
         MACHINE("remote_instance", "ws-1")) "\n"
    RULE("c2", OUT DISPOSITION("DENIED") DIRECTION("EGRESS") MACHINE("instance", "ws-1")) "\n";
static const char damage[] =
    RULE("d1", NO_ADDR DISPOSITION("ALLOWED")) "\n"
    RULE("d2", TO_SMB DISPOSITION("MAYBE")) "\n"
    "{\"jsonPayload\":{" TO_SMB "}}\n"
    RULE("d3", NO_PORT DISPOSITION("ALLOWED")) "\n"
    "{\"insertId\":\"d4\",\"textPayload\":\"hello\",\"timestamp\":\"2026-11-02T08:15:10Z\"}\n";
static const char wrapped[] =
    "{\"events\":[{\"json\":" RULE("c1", NAMES_TEXT DISPOSITION("DENIED")) "}]}";
/* clang-format on */

static const struct {
    const char *name;
    str in;
    size_t records;
    const char *expected;
} rows[] = {
    {"an array, both directions",
     {both_ways, sizeof both_ways - 1},
     4, "from ws-1\n"
     "2026-11-02T08:15:00+7s 10.87.0.4:50030 > 10.87.0.9:445 tcp established 1776/0 within @2\n"
     "name 10.87.0.4 ws-1 log\n"
     "name 10.87.0.9 fs-1 log\n"
     "from \n"
     "2026-11-02T08:15:00+7s 10.87.0.4:50030 > 10.87.0.9:445 tcp established 0/300 within @454\n"
     "2026-11-02T08:15:00+7s 10.87.0.5:50031 > 10.87.0.9:445 tcp none 120/0 within @852\n"},
    {"a container's address is not its machine's",
     {lines, sizeof lines - 1},
     2, "from gke-1\n"
     "2026-11-02T08:15:00+7s 10.4.1.7:50030 > 10.87.0.9:445 tcp none 10/0 within @0\n"
     "from \n"
     "2026-11-02T08:15:00+0s 10.4.1.7:50031 > 10.87.0.9:137 udp none 92/0 within @465\n"  },
    {"firewall rules",
     {rules, sizeof rules - 1},
     2, "from fs-1\n"
     "2026-11-02T08:15:10+0s 10.87.0.4:50030 > 10.87.0.9:445 tcp allowed 0/0 @0\n"
     "name 10.87.0.4 ws-1 log\n"
     "name 10.87.0.9 fs-1 log\n"
     "from ws-1\n"
     "2026-11-02T08:15:10+0s 10.87.0.4:50031 > 192.0.2.9:445 tcp blocked 0/0 @367\n"
     "name 10.87.0.4 ws-1 log\n"                                                          },
    {"wrapped by an agent",
     {wrapped, sizeof wrapped - 1},
     1, "2026-11-02T08:15:10+0s 10.4.1.7:50031 > 10.87.0.9:137 udp blocked 0/0 @19\n"            },
    {"damage",
     {damage, sizeof damage - 1},
     3, "skip @0+262 expected a source and a destination address\n"
     "skip @263+258 expected the disposition ALLOWED or DENIED\n"
     "skip @522+121 expected the time of the flow\n"
     "skip @644+262 expected a source and a destination port\n"                           },
};

static struct facts_heard read_in(str data, size_t piece, struct arena *arena)
{
    return facts_heard_of(&gcp_flow_reader, &(struct reader_options){0}, str_bytes(data), piece,
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

/* An entry is itself in an array and on a line of its own, printed over many lines or on one. */
static void identity_is_the_entrys(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
#define ENTRY FLOW("a1", TO_SMB)
    uint64_t hash = read_in(S(ENTRY "\n"), 4096, &arena).hashes;
    assert_true(hash);
    assert_int_equal(read_in(S("[\n" ENTRY "\n]\n"), 4096, &arena).hashes, hash);
    assert_int_not_equal(read_in(S(FLOW("a2", TO_SMB)), 4096, &arena).hashes, hash);
    arena_close(&arena);
}

static void heads_are_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(gcp_flow_reader.recognise(str_bytes(rows[i].in)));
    assert_false(gcp_flow_reader.recognise(
        str_bytes(S("{\"jsonPayload\":{\"message\":\"x\"},\"logName\":\"projects/p/logs/x\"}"))));
    assert_false(gcp_flow_reader.recognise(str_bytes(S("compute.googleapis.com%2Fvpc_flows"))));
    assert_false(gcp_flow_reader.recognise((bytes){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),
        cmocka_unit_test(truncations_invent_nothing),
        cmocka_unit_test(identity_is_the_entrys),
        cmocka_unit_test(heads_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
