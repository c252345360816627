/* SPDX-License-Identifier: Apache-2.0 */
/* Flow logs of Azure Network Watcher: of network security groups (versions 1 and 2) and of virtual
 * networks (version 4). Microsoft Learn, "Flow logging for network security groups", "Virtual
 * network flow logs": PT1H.json holds {"records":[...]}, a record per minute and network interface,
 * in which lists of rules hold lists of tuples:
 *
 *   NSG v1   1493763938,185.170.185.105,10.2.0.4,35370,23,T,I,D
 *   NSG v2   1542110379,10.0.0.4,13.67.143.118,44931,443,T,O,A,E,25,4426,10,3204
 *            (state B begin, C continuing, E end; packets and bytes each way, empty with B and D)
 *   VNet v4  1663146003599,10.0.0.6,52.239.184.180,23956,443,6,O,B,NX,0,0,0,0
 *            (milliseconds; protocol as number; state also D denied; encryption of the network)
 *
 * A record also comes alone, a line each, out of the collectors. The tuple's source began the flow,
 * whichever direction I or O says.
 */
#include "base/hash.h"
#include "base/instant.h"
#include "base/json_scan.h"
#include "evidence/cloud_flow.h"
#include "evidence/json_records.h"
#include "evidence/reader.h"

enum { TUPLE_FIELDS = 13, TUPLE_LEAST = 8, MAC_TEXT = 64 };

enum tuple_field {
    TUPLE_TIME,
    TUPLE_SOURCE,
    TUPLE_DESTINATION,
    TUPLE_SOURCE_PORT,
    TUPLE_DESTINATION_PORT,
    TUPLE_PROTOCOL,
    TUPLE_DIRECTION,
    TUPLE_VERDICT, /* NSG: A or D; VNet: the state */
    TUPLE_STATE,   /* NSG v2: the state; VNet: encryption */
    TUPLE_BYTES = 10,
    TUPLE_REVERSE_BYTES = 12,
};

struct azure_flow {
    struct fact_sink sink;
    struct arena *arena;
    struct cloud_flows *flows;
    struct json_records *records;
    str mac; /* of the interface whose tuples follow */
    uint64_t tuple_end;
};

/* What one letter says: VNet puts verdict and state into one. */
static const struct {
    char letter;
    enum outcome outcome;
    bool within;
} verdicts[] = {
    {'A', OUTCOME_ALLOWED, false},
    {'D', OUTCOME_BLOCKED, false},
    {'B', OUTCOME_ALLOWED, false},
    {'C', OUTCOME_ALLOWED, true },
    {'E', OUTCOME_ALLOWED, true },
};

static bool verdict_of(str letter, struct cloud_flow *flow)
{
    for (size_t i = 0; letter.len == 1 && i < COUNT_OF(verdicts); i++) {
        if (verdicts[i].letter != letter.ptr[0]) continue;
        flow->outcome = verdicts[i].outcome;
        flow->within = verdicts[i].within;
        return true;
    }
    return false;
}

static void skip_tuple(const struct azure_flow *log, const struct json_scan_item *item, str reason)
{
    uint64_t length = log->tuple_end - item->offset;
    log->sink.skip(log->sink.to, &(struct skip){item->offset, length, reason});
}

static size_t split(str text, str fields[TUPLE_FIELDS])
{
    size_t n = 0;
    for (bool more = true; more && n < TUPLE_FIELDS; n++)
        more = str_cut(text, ',', &fields[n], &text);
    return n;
}

static void read_tuple(struct azure_flow *log, const struct json_scan_item *item)
{
    str fields[TUPLE_FIELDS] = {{0}};
    struct cloud_flow flow = {.from_opened = true, .offset = item->offset};
    size_t n = split(item->text, fields);
    if (n < TUPLE_LEAST) {
        skip_tuple(log, item, S("expected a flow tuple of at least 8 fields"));
        return;
    }
    if (!cloud_flow_time(fields[TUPLE_TIME], &flow.first_us)) {
        skip_tuple(log, item, S("expected the time of the flow tuple"));
        return;
    }
    cloud_flow_origin(log->flows, log->mac);
    log->sink.record(log->sink.to, flow.first_us);
    flow.transport = cloud_flow_transport(fields[TUPLE_PROTOCOL]);
    if (!cloud_flow_port(fields[TUPLE_SOURCE_PORT], &flow.from_port) ||
        !cloud_flow_port(fields[TUPLE_DESTINATION_PORT], &flow.to_port)) {
        skip_tuple(log, item, S("expected a source and a destination port"));
        return;
    }
    if (!cloud_flow_keeps(log->flows, flow.transport, flow.from_port, flow.to_port)) return;
    bool has_state = n > TUPLE_STATE && fields[TUPLE_VERDICT].len == 1 &&
                     fields[TUPLE_VERDICT].ptr[0] == 'A' && fields[TUPLE_STATE].len;
    if (!verdict_of(fields[TUPLE_VERDICT], &flow) ||
        (has_state && !verdict_of(fields[TUPLE_STATE], &flow))) {
        skip_tuple(log, item, S("expected A or D, and the state B, C or E"));
        return;
    }
    flow.last_us = flow.first_us;
    flow.bytes = cloud_flow_count(fields[TUPLE_BYTES]);
    flow.reverse_bytes = cloud_flow_count(fields[TUPLE_REVERSE_BYTES]);
    flow.identity = hash_join(hash_bytes(str_bytes(item->text)), hash_bytes(str_bytes(log->mac)));
    if (!cloud_flow_addr(fields[TUPLE_SOURCE], &flow.from) ||
        !cloud_flow_addr(fields[TUPLE_DESTINATION], &flow.to) ||
        !cloud_flow_tell(log->flows, &flow))
        skip_tuple(log, item, S("expected a source and a destination address"));
}

static bool is_mac_key(str key)
{
    return str_equal(key, S("mac")) || str_equal(key, S("macAddress"));
}

/* One walk over the record: tuples are strings of the lists called flowTuples, and the interface is
 * the one named last before them. Without telling: only asks whether the record is whole. */
static bool walk(struct azure_flow *log, str object, uint64_t offset, bool telling, struct err *err)
{
    struct arena scratch = *log->arena;
    struct json_scan scan = json_scan_of(object, offset, &scratch);
    struct json_scan_item item = {.kind = JSON_SCAN_NULL};
    enum { KEY_OTHER, KEY_MAC, KEY_TUPLES } key = KEY_OTHER;
    unsigned tuples_depth = 0;
    scan.replace_invalid = true;
    scan.quiet = !telling;
    log->mac = (str){0};
    while (item.kind != JSON_SCAN_END) {
        if (!json_scan_next(&scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_KEY) {
            key = KEY_OTHER;
            if (is_mac_key(item.text)) key = KEY_MAC;
            if (str_equal(item.text, S("flowTuples"))) key = KEY_TUPLES;
            continue;
        }
        if (item.kind == JSON_SCAN_ARRAY && key == KEY_TUPLES) tuples_depth = scan.depth;
        if (scan.depth < tuples_depth) tuples_depth = 0;
        if (item.kind != JSON_SCAN_STRING || !telling) continue;
        if (key == KEY_MAC) log->mac = str_head(item.text, MAC_TEXT);
        log->tuple_end = offset + scan.at;
        if (tuples_depth && scan.depth == tuples_depth) read_tuple(log, &item);
    }
    return true;
}

static bool take_record(void *to, str object, uint64_t offset, struct err *err)
{
    struct azure_flow *log = to;
    if (!walk(log, object, offset, false, err)) return false;
    return !str_contains(object, S("\"flowTuples\"")) || walk(log, object, offset, true, err);
}

static const str marks[] = {
    {"\"NetworkSecurityGroupFlowEvent\"", 31},
    {"\"FlowLogFlowEvent\"",              18},
    {"\"flowTuples\"",                    12},
};

static bool azure_flow_recognise(bytes head)
{
    str text = str_of_bytes(head);
    if (str_starts(text, S("\xEF\xBB\xBF"))) text = str_tail(text, 3);
    text = str_trim(text);
    if (!text.len || (text.ptr[0] != '{' && text.ptr[0] != '[')) return false;
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (str_contains(text, marks[i])) return true;
    return false;
}

static void *azure_flow_open(struct arena *arena, const struct reader_options *options,
                             const struct fact_sink *sink)
{
    struct azure_flow *log = arena_new(arena, struct azure_flow);
    (void)options; /* times are UTC */
    log->sink = *sink;
    log->arena = arena;
    log->flows = cloud_flow_open(arena, sink);
    log->records = json_records_open(arena, sink, take_record, log);
    return log;
}

static bool azure_flow_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct azure_flow *log = state;
    json_records_feed(log->records, window, consumed, want);
    return true;
}

static void azure_flow_close(void *state)
{
    (void)state;
}

const struct reader azure_flow_reader = {
    .name = {"azure-flow",                                                      10},
    .summary = {"flow logs of Azure network security groups and virtual networks", 63},
    .overlap = OVERLAP_LINES,
    .recognise = azure_flow_recognise,
    .open = azure_flow_open,
    .feed = azure_flow_feed,
    .close = azure_flow_close,
};
