/* SPDX-License-Identifier: Apache-2.0 */
/* VPC flow logs and firewall rule logs of Google Cloud: LogEntry objects of Cloud Logging (VPC
 * documentation, "About VPC Flow Logs records", "Firewall Rules Logging"), an array of them as
 * `gcloud logging read --format json` prints, or one a line as sinks write them to Cloud Storage,
 * Pub/Sub and BigQuery. Numbers of 64 bits are strings in JSON.
 *
 * A flow record tells of sampled packets of one direction, seen by the machine at one end
 * (reporter), some seconds of them; it has no TCP flags and no verdict. A firewall record tells
 * what a rule decided of one connection.
 */
#include "base/hash.h"
#include "base/instant.h"
#include "evidence/cloud_flow.h"
#include "evidence/json_paths.h"
#include "evidence/json_records.h"
#include "evidence/reader.h"

/* BigQuery's tables for analytics call the payload json_payload. */
#define PATHS(X)                                                                                   \
    X(SOURCE, "connection.src_ip")                                                                 \
    X(DESTINATION, "connection.dest_ip")                                                           \
    X(SOURCE_PORT, "connection.src_port")                                                          \
    X(DESTINATION_PORT, "connection.dest_port")                                                    \
    X(PROTOCOL, "connection.protocol")                                                             \
    X(START, "start_time")                                                                         \
    X(END, "end_time")                                                                             \
    X(BYTES, "bytes_sent")                                                                         \
    X(PACKETS, "packets_sent")                                                                     \
    X(RTT, "rtt_msec")                                                                             \
    X(REPORTER, "reporter")                                                                        \
    X(SOURCE_MACHINE, "src_instance.vm_name")                                                      \
    X(DESTINATION_MACHINE, "dest_instance.vm_name")                                                \
    X(SOURCE_CLUSTER, "src_gke_details.cluster.cluster_name")                                      \
    X(DESTINATION_CLUSTER, "dest_gke_details.cluster.cluster_name")                                \
    X(DISPOSITION, "disposition")                                                                  \
    X(MACHINE, "instance.vm_name")                                                                 \
    X(REMOTE_MACHINE, "remote_instance.vm_name")                                                   \
    X(DIRECTION, "rule_details.direction")

enum path {
#define X(name, text) PATH_##name,
    PATHS(X)
#undef X
        PATH_PAYLOADS,
    /* Of the entry itself: */
    PATH_INSERT_ID = PATH_PAYLOADS,
    PATH_OTHER_INSERT_ID,
    PATH_TIMESTAMP,
    PATH_ENTRY,
    /* The payload's paths come again, in the other spelling. */
    PATH_COUNT = PATH_ENTRY + PATH_PAYLOADS,
};

static const char *const paths[] = {
#define X(name, text) "jsonPayload." text,
    PATHS(X)
#undef X
        "insertId",
    "insert_id", "timestamp",
#define X(name, text) "json_payload." text,
    PATHS(X)
#undef X
};
static_assert(COUNT_OF(paths) == PATH_COUNT, "one row per path");

struct gcp_flow {
    struct fact_sink sink;
    struct arena *arena;
    struct cloud_flows *flows;
    struct json_records *records;
    const struct json_paths *paths;
};

static const struct {
    str text;
    enum outcome outcome;
} dispositions[] = {
    {{"ALLOWED", 7}, OUTCOME_ALLOWED},
    {{"DENIED", 6},  OUTCOME_BLOCKED},
};

static bool disposition_of(str text, enum outcome *out)
{
    for (size_t i = 0; i < COUNT_OF(dispositions); i++) {
        if (!str_equal(dispositions[i].text, text)) continue;
        *out = dispositions[i].outcome;
        return true;
    }
    return false;
}

/* More than the largest TCP/IP headers of packets without payload, or a round trip that was
 * measured from data to its acknowledgement: the other side had answered. */
static bool is_established(const str values[PATH_COUNT], enum transport transport)
{
    const uint64_t bare = 80; /* IPv6 with TCP options */
    uint64_t sent = cloud_flow_count(values[PATH_BYTES]);
    uint64_t packets = cloud_flow_count(values[PATH_PACKETS]);
    if (transport != TRANSPORT_TCP) return false;
    return cloud_flow_count(values[PATH_RTT]) || (packets && sent / packets > bare);
}

static void tell_machine(const struct gcp_flow *log, struct addr addr, str name, str cluster,
                         const struct cloud_flow *flow)
{
    struct identity identity = {
        .addr = addr,
        .name = name,
        .seen_us = flow->first_us,
        .source = IDENTITY_LOG,
        .offset = flow->offset,
    };
    /* A container's address is not its machine's. */
    if (name.len && !cluster.len) log->sink.identity(log->sink.to, &identity);
}

static void skip(const struct gcp_flow *log, str object, uint64_t offset, str reason)
{
    log->sink.skip(log->sink.to, &(struct skip){offset, object.len, reason});
}

static bool times_of(const str values[PATH_COUNT], struct cloud_flow *flow)
{
    str start = values[PATH_START].len ? values[PATH_START] : values[PATH_TIMESTAMP];
    if (!instant_parse(start, &flow->first_us)) return false;
    if (!instant_parse(values[PATH_END], &flow->last_us)) flow->last_us = flow->first_us;
    return true;
}

/* The same entry has the same id wherever it was sent. */
static uint64_t identity_of(const str values[PATH_COUNT], str object)
{
    str id = values[PATH_INSERT_ID].len ? values[PATH_INSERT_ID] : values[PATH_OTHER_INSERT_ID];
    if (!id.len) return hash_bytes(str_bytes(object));
    return hash_join(hash_bytes(str_bytes(id)), hash_bytes(str_bytes(values[PATH_SOURCE_PORT])));
}

/* The machine at whose interface the record was made. */
static str reporter_of(const str values[PATH_COUNT])
{
    bool of_source = str_starts(values[PATH_REPORTER], S("SRC"));
    if (values[PATH_DISPOSITION].len) return values[PATH_MACHINE];
    return of_source ? values[PATH_SOURCE_MACHINE] : values[PATH_DESTINATION_MACHINE];
}

/* A firewall record names the machine whose rule it was, and the other one, by its direction. */
static void name_ends(str values[PATH_COUNT])
{
    bool out = str_equal(values[PATH_DIRECTION], S("EGRESS"));
    if (!out && !str_equal(values[PATH_DIRECTION], S("INGRESS"))) return;
    values[PATH_SOURCE_MACHINE] = values[out ? PATH_MACHINE : PATH_REMOTE_MACHINE];
    values[PATH_DESTINATION_MACHINE] = values[out ? PATH_REMOTE_MACHINE : PATH_MACHINE];
}

static void read_entry(struct gcp_flow *log, const str values[PATH_COUNT], str object,
                       uint64_t offset)
{
    struct cloud_flow flow = {.offset = offset};
    if (!times_of(values, &flow)) {
        skip(log, object, offset, S("expected the time of the flow"));
        return;
    }
    cloud_flow_origin(log->flows, reporter_of(values));
    log->sink.record(log->sink.to, flow.first_us);
    if (!cloud_flow_port(values[PATH_SOURCE_PORT], &flow.from_port) ||
        !cloud_flow_port(values[PATH_DESTINATION_PORT], &flow.to_port)) {
        skip(log, object, offset, S("expected a source and a destination port"));
        return;
    }
    flow.transport = cloud_flow_transport(values[PATH_PROTOCOL]);
    if (!cloud_flow_keeps(log->flows, flow.transport, flow.from_port, flow.to_port)) return;
    if (values[PATH_DISPOSITION].len) {
        if (!disposition_of(values[PATH_DISPOSITION], &flow.outcome)) {
            skip(log, object, offset, S("expected the disposition ALLOWED or DENIED"));
            return;
        }
        flow.from_opened = true;
    } else {
        flow.within = true;
        if (is_established(values, flow.transport)) flow.outcome = OUTCOME_ESTABLISHED;
    }
    flow.bytes = cloud_flow_count(values[PATH_BYTES]);
    flow.identity = identity_of(values, object);
    if (!cloud_flow_addr(values[PATH_SOURCE], &flow.from) ||
        !cloud_flow_addr(values[PATH_DESTINATION], &flow.to) ||
        !cloud_flow_tell(log->flows, &flow)) {
        skip(log, object, offset, S("expected a source and a destination address"));
        return;
    }
    tell_machine(log, flow.from, values[PATH_SOURCE_MACHINE], values[PATH_SOURCE_CLUSTER], &flow);
    tell_machine(log, flow.to, values[PATH_DESTINATION_MACHINE], values[PATH_DESTINATION_CLUSTER],
                 &flow);
}

/* Elastic's agent wraps entries: {"json":{...}}. */
static bool unwrap(const struct gcp_flow *log, str *object, uint64_t *offset, struct err *err)
{
    struct arena scratch = *log->arena;
    struct json_scan scan = json_scan_of(*object, *offset, &scratch);
    struct json_scan_item item;
    scan.replace_invalid = true;
    if (!json_scan_next(&scan, &item, err) || !json_scan_next(&scan, &item, err)) return false;
    if (item.kind != JSON_SCAN_KEY || !str_equal(item.text, S("json"))) return true;
    if (!json_scan_next(&scan, &item, err)) return false;
    if (item.kind != JSON_SCAN_OBJECT) return true;
    size_t start = scan.at - 1;
    if (!json_scan_skip(&scan, item, err)) return false;
    *object = str_head(str_tail(*object, start), scan.at - start);
    *offset += start;
    return true;
}

static bool take_entry(void *to, str object, uint64_t offset, struct err *err)
{
    struct gcp_flow *log = to;
    struct arena scratch = *log->arena;
    str values[PATH_COUNT];
    if (!unwrap(log, &object, &offset, err)) return false;
    if (!json_paths_read(log->paths, object, offset, values, &scratch, err)) return false;
    for (size_t i = 0; i < PATH_PAYLOADS; i++)
        if (!values[i].len) values[i] = values[PATH_ENTRY + i];
    if (values[PATH_DISPOSITION].len) name_ends(values);
    /* Logs of other kinds share the sinks. */
    if (values[PATH_SOURCE].len || values[PATH_DESTINATION].len)
        read_entry(log, values, object, offset);
    return true;
}

static bool gcp_flow_recognise(bytes head)
{
    str text = str_of_bytes(head);
    if (str_starts(text, S("\xEF\xBB\xBF"))) text = str_tail(text, 3);
    text = str_trim(text);
    if (!text.len || (text.ptr[0] != '{' && text.ptr[0] != '[')) return false;
    bool entry =
        str_contains(text, S("\"jsonPayload\"")) || str_contains(text, S("\"json_payload\""));
    return str_contains(text, S("compute.googleapis.com%2Fvpc_flows")) ||
           str_contains(text, S("compute.googleapis.com%2Ffirewall")) ||
           str_contains(text, S("networkmanagement.googleapis.com%2Fvpc_flows")) ||
           (entry && str_contains(text, S("\"connection\"")) &&
            str_contains(text, S("\"src_ip\"")));
}

static void *gcp_flow_open(struct arena *arena, const struct reader_options *options,
                           const struct fact_sink *sink)
{
    struct gcp_flow *log = arena_new(arena, struct gcp_flow);
    (void)options; /* times say their zone */
    log->sink = *sink;
    log->arena = arena;
    log->flows = cloud_flow_open(arena, sink);
    log->paths = json_paths_of(arena, paths, PATH_COUNT, false);
    log->records = json_records_open(arena, sink, take_entry, log);
    return log;
}

static bool gcp_flow_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct gcp_flow *log = state;
    json_records_feed(log->records, window, consumed, want);
    return true;
}

static void gcp_flow_close(void *state)
{
    (void)state;
}

static void gcp_flow_adopt(void *state, const void *lead)
{
    struct gcp_flow *log = state;
    (void)lead;
    cloud_flow_adopt(log->flows);
    json_records_adopt(log->records);
}

static const struct reader_splits gcp_flow_splits = {
    .may = json_records_may_split,
    .cut = json_records_last,
    .adopt = gcp_flow_adopt,
};

const struct reader gcp_flow_reader = {
    .name = {"gcp-flow",                                        8 },
    .summary = {"VPC flow and firewall rule logs of Google Cloud", 47},
    .overlap = OVERLAP_LINES,
    .splits = &gcp_flow_splits,
    .recognise = gcp_flow_recognise,
    .open = gcp_flow_open,
    .feed = gcp_flow_feed,
    .close = gcp_flow_close,
};
