/* SPDX-License-Identifier: Apache-2.0 */
/* Flow logs of AWS virtual private clouds (VPC User Guide, "Flow log records"). A record is a line
 * of fields; each tells what one network interface saw of one direction of one flow within one
 * aggregation interval (1 or 10 minutes).
 *
 *   - Files in S3 begin with a line that names the fields. The default format has the fields of
 *     version 2, a custom one any fields in any order. In CloudWatch Logs no line names them: then
 *     the order of the guide's table is taken, which the default format has too.
 *   - Fields lie between blanks. Copies made by other tools have tabs or commas, names with "_"
 *     for "-", or Athena's names.
 *   - Lines exported from CloudWatch Logs begin with a time stamp, also with the stream's name;
 *     its API answers JSON whose "message" is the line.
 *   - "tcp-flags" is the OR of FIN, SYN, RST, and ACK only where it came with SYN.
 *
 * Files are a few MiB, five minutes each, and thousands in number: nothing is remembered between
 * records.
 */
#include "base/hash.h"
#include "base/instant.h"
#include "base/json_scan.h"
#include "evidence/cloud_flow.h"
#include "evidence/json_records.h"
#include "evidence/reader.h"
#include "evidence/text_lines.h"

enum {
    MAX_FIELDS = 64,  /* version 10 has 42 */
    HEAD_LINES = 8,   /* looked at for a header or a record */
    HEADER_TEXT = 24, /* the first bytes of a header hold no digit, those of a record do */
    FLAG_SYN = 2,
    FLAG_ACK = 16,
};

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Fields we read, in the spelling of the guide and in that of Athena's tables, without "-" and "_",
 * and where each stands in the order of the guide. */
#define COLUMNS(X)                                                                                 \
    X(INTERFACE, "interfaceid", "tgwattachmentid", 2)                                              \
    X(SOURCE, "srcaddr", "sourceaddress", 3)                                                       \
    X(DESTINATION, "dstaddr", "destinationaddress", 4)                                             \
    X(SOURCE_PORT, "srcport", "sourceport", 5)                                                     \
    X(DESTINATION_PORT, "dstport", "destinationport", 6)                                           \
    X(PROTOCOL, "protocol", "", 7)                                                                 \
    X(BYTES, "bytes", "numbytes", 9)                                                               \
    X(START, "start", "starttime", 10)                                                             \
    X(END, "end", "endtime", 11)                                                                   \
    X(ACTION, "action", "", 12)                                                                    \
    X(STATUS, "logstatus", "", 13)                                                                 \
    X(FLAGS, "tcpflags", "", 17)                                                                   \
    X(PACKET_SOURCE, "pktsrcaddr", "", 19)                                                         \
    X(PACKET_DESTINATION, "pktdstaddr", "", 20)

enum column {
#define X(name, text, other, place) COLUMN_##name,
    COLUMNS(X)
#undef X
        COLUMN_COUNT
};

static const struct {
    str name, other;
} columns[] = {
#define X(name, text, other, place) {T(text), T(other)},
    COLUMNS(X)
#undef X
};

enum { COLUMN_ABSENT = MAX_FIELDS, DEFAULT_FIELDS = 14, GUIDE_LOOKED_AT = 21, GATEWAY_FIELDS = 32 };

struct format {
    uint8_t at[COLUMN_COUNT]; /* field of each column, or COLUMN_ABSENT */
    size_t n;                 /* fields that a whole record has at least */
    size_t looked_at;         /* fields up to the last that is read */
    char separator;
};

static const struct format format_of_guide = {
#define X(name, text, other, place) [COLUMN_##name] = place,
    {COLUMNS(X)},
#undef X
    DEFAULT_FIELDS,
    GUIDE_LOOKED_AT,
    ' ',
};

/* Flow logs of transit gateways have an order of their own, and no action. */
static const struct format format_of_gateways = {
    {
     [COLUMN_INTERFACE] = 4,
     [COLUMN_SOURCE] = 16,
     [COLUMN_DESTINATION] = 17,
     [COLUMN_SOURCE_PORT] = 18,
     [COLUMN_DESTINATION_PORT] = 19,
     [COLUMN_PROTOCOL] = 20,
     [COLUMN_BYTES] = 22,
     [COLUMN_START] = 23,
     [COLUMN_END] = 24,
     [COLUMN_ACTION] = COLUMN_ABSENT,
     [COLUMN_STATUS] = 25,
     [COLUMN_FLAGS] = 31,
     [COLUMN_PACKET_SOURCE] = COLUMN_ABSENT,
     [COLUMN_PACKET_DESTINATION] = COLUMN_ABSENT,
     },
    GATEWAY_FIELDS,
    GATEWAY_FIELDS,
    ' ',
};

static const struct {
    str text;
    enum outcome outcome;
} actions[] = {
    {T("ACCEPT"), OUTCOME_ALLOWED},
    {T("REJECT"), OUTCOME_BLOCKED},
    {T("-"),      OUTCOME_NONE   },
    {T(""),       OUTCOME_NONE   },
};

enum log_status { LOG_STATUS_OK, LOG_STATUS_NODATA, LOG_STATUS_SKIPDATA };

static const str log_statuses[] = {T("OK"), T("NODATA"), T("SKIPDATA")};

enum shape { SHAPE_TEXT, SHAPE_JSON, SHAPE_PARQUET };

struct line {
    str text; /* from the first field on */
    uint64_t offset, length;
    bool cut;
    int64_t stamp_us; /* of the time stamp before it; 0 = none */
    str fields[MAX_FIELDS];
    size_t n;
};

struct aws_vpc_flow {
    struct fact_sink sink;
    struct cloud_flows *flows;
    struct text_lines *lines;
    struct json_records *records;
    const struct json_paths *paths;
    struct arena *arena;
    enum shape shape;
    bool begun, refused;
    struct format format;
    bool has_header, is_shaped;
    struct line line;
};

/* ---- Fields and their names ------------------------------------------------------------------ */

static char separator_of(str text)
{
    if (text.len && memchr(text.ptr, '\t', text.len)) return '\t';
    return text.len && memchr(text.ptr, ',', text.len) ? ',' : ' ';
}

static str unquoted(str field)
{
    field = str_trim(field);
    bool quoted = field.len >= 2 && field.ptr[0] == '"' && field.ptr[field.len - 1] == '"';
    return quoted ? str_tail(str_head(field, field.len - 1), 1) : field;
}

/* Between commas or tabs a field may be empty. */
static size_t split_table(str text, char separator, str fields[MAX_FIELDS], size_t most)
{
    size_t n = 0;
    while (text.len && n < most) {
        str field;
        str_cut(text, separator, &field, &text);
        fields[n++] = unquoted(field);
    }
    return n;
}

/* Several blanks are one separator. Fields are a few bytes long: a call for each costs more than
 * looking at every byte. */
static size_t split(str text, char separator, str fields[MAX_FIELDS], size_t most)
{
    if (separator != ' ') return split_table(text, separator, fields, most);
    if (!text.len) return 0;
    size_t n = 0;
    const char *p = text.ptr, *end = p + text.len;
    while (p < end && n < most) {
        const char *start = p;
        while (p < end && *p != ' ')
            p++;
        if (p > start) fields[n++] = (str){start, (size_t)(p - start)};
        while (p < end && *p == ' ')
            p++;
    }
    return n;
}

/* "pkt-srcaddr", "pkt_srcaddr" and "pktSrcAddr" are one name. */
static bool is_name(str field, str name)
{
    size_t at = 0;
    for (size_t i = 0; i < field.len; i++) {
        char c = field.ptr[i];
        if (c == '-' || c == '_') continue;
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        if (at == name.len || name.ptr[at] != c) return false;
        at++;
    }
    return name.len && at == name.len;
}

static bool has(const struct format *format, enum column column)
{
    return format->at[column] != COLUMN_ABSENT;
}

/* Whether a line names fields; the two addresses are in every useful format. */
static bool header_of(str text, struct format *out)
{
    str fields[MAX_FIELDS];
    for (size_t i = 0; i < text.len && i < HEADER_TEXT; i++)
        if (text.ptr[i] >= '0' && text.ptr[i] <= '9') return false;
    struct format format = {.separator = separator_of(text)};
    format.n = split(text, format.separator, fields, MAX_FIELDS);
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        format.at[c] = COLUMN_ABSENT;
        for (size_t i = format.n; i > 0; i--)
            if (is_name(fields[i - 1], columns[c].name) || is_name(fields[i - 1], columns[c].other))
                format.at[c] = (uint8_t)(i - 1);
        if (has(&format, (enum column)c) && format.at[c] >= format.looked_at)
            format.looked_at = format.at[c] + 1u;
    }
    *out = format;
    return (has(&format, COLUMN_SOURCE) && has(&format, COLUMN_DESTINATION)) ||
           (has(&format, COLUMN_PACKET_SOURCE) && has(&format, COLUMN_PACKET_DESTINATION));
}

static str field(const struct aws_vpc_flow *log, enum column column)
{
    size_t at = log->format.at[column];
    return at < log->line.n ? log->line.fields[at] : (str){0};
}

static bool log_status_of(str text, enum log_status *out)
{
    for (size_t i = 0; i < COUNT_OF(log_statuses); i++) {
        if (!str_equal(log_statuses[i], text)) continue;
        *out = (enum log_status)i;
        return true;
    }
    return false;
}

static bool action_of(str text, enum outcome *out)
{
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        if (!str_equal(actions[i].text, text)) continue;
        *out = actions[i].outcome;
        return true;
    }
    return false;
}

/* ---- Records --------------------------------------------------------------------------------- */

static void skip(const struct aws_vpc_flow *log, str reason)
{
    if (log->line.cut) reason = S("the line is cut");
    log->sink.skip(log->sink.to, &(struct skip){log->line.offset, log->line.length, reason});
}

/* A cut record is read when nothing of it can be missing: it ends in a word that is whole, or
 * behind all that is read. Without a header a version above 2 says that more follows. */
static bool is_complete(const struct aws_vpc_flow *log)
{
    enum log_status status;
    enum outcome outcome;
    size_t last = log->line.n - 1;
    if (log->line.n < log->format.n) return false;
    if (!log->has_header && !str_equal(log->line.fields[0], S("2")))
        return last >= log->format.looked_at;
    if (log->format.at[COLUMN_STATUS] == last)
        return log_status_of(field(log, COLUMN_STATUS), &status);
    if (log->format.at[COLUMN_ACTION] == last)
        return field(log, COLUMN_ACTION).len > 1 && action_of(field(log, COLUMN_ACTION), &outcome);
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        if (log->format.at[c] == last) return false;
    return true;
}

/* The addresses of the packets themselves, where the log tells them: behind a NAT gateway, a load
 * balancer or in a container those of the interface are not who talks to whom. */
static bool addresses_of(const struct aws_vpc_flow *log, struct cloud_flow *flow)
{
    if (!cloud_flow_addr(field(log, COLUMN_PACKET_SOURCE), &flow->from) ||
        !cloud_flow_addr(field(log, COLUMN_PACKET_DESTINATION), &flow->to))
        return false;
    if (addr_is_none(flow->from) && !cloud_flow_addr(field(log, COLUMN_SOURCE), &flow->from))
        return false;
    if (addr_is_none(flow->to) && !cloud_flow_addr(field(log, COLUMN_DESTINATION), &flow->to))
        return false;
    return !addr_is_none(flow->from) && !addr_is_none(flow->to);
}

/* Whether this record's flow begins in it. Only a SYN without an ACK says so; what was rejected is
 * an attempt each time. */
static void beginning_of(const struct aws_vpc_flow *log, struct cloud_flow *flow)
{
    uint64_t flags = cloud_flow_count(field(log, COLUMN_FLAGS));
    bool syn = flow->transport == TRANSPORT_TCP && (flags & FLAG_SYN) && !(flags & FLAG_ACK);
    flow->from_opened = syn;
    flow->within = !syn && flow->outcome != OUTCOME_BLOCKED;
}

static bool times_of(const struct aws_vpc_flow *log, struct cloud_flow *flow)
{
    str start = field(log, COLUMN_START), end = field(log, COLUMN_END);
    flow->first_us = flow->last_us = log->line.stamp_us;
    if (has(&log->format, COLUMN_START) && !cloud_flow_time(start, &flow->first_us)) return false;
    if (has(&log->format, COLUMN_END) && !cloud_flow_time(end, &flow->last_us)) return false;
    if (!has(&log->format, COLUMN_START)) flow->first_us = flow->last_us;
    if (!has(&log->format, COLUMN_END)) flow->last_us = flow->first_us;
    return flow->first_us || flow->last_us;
}

static void observe(struct aws_vpc_flow *log, struct cloud_flow *flow)
{
    if (!action_of(field(log, COLUMN_ACTION), &flow->outcome)) {
        skip(log, S("expected the action ACCEPT or REJECT"));
        return;
    }
    if (!addresses_of(log, flow)) {
        skip(log, S("expected a source and a destination address"));
        return;
    }
    beginning_of(log, flow);
    flow->bytes = cloud_flow_count(field(log, COLUMN_BYTES));
    flow->identity = hash_bytes(str_bytes(log->line.text));
    flow->offset = log->line.offset;
    if (!cloud_flow_tell(log->flows, flow)) skip(log, S("expected a time"));
}

static void read_record(struct aws_vpc_flow *log)
{
    struct cloud_flow flow = {0};
    enum log_status status = LOG_STATUS_OK;
    str said = field(log, COLUMN_STATUS);
    size_t least = log->has_header ? log->format.looked_at : log->format.n;
    if (log->line.n < least || (log->line.cut && !is_complete(log))) {
        skip(log, S("the record has fewer fields than its format"));
        return;
    }
    if (said.len && !log_status_of(said, &status)) {
        skip(log, S("expected the log status OK, NODATA or SKIPDATA"));
        return;
    }
    if (!times_of(log, &flow)) {
        skip(log, S("expected the start and the end of the interval in seconds since 1970"));
        return;
    }
    cloud_flow_origin(log->flows, field(log, COLUMN_INTERFACE));
    log->sink.record(log->sink.to, flow.first_us);
    if (status == LOG_STATUS_SKIPDATA)
        skip(log, S("the flow log says that records were skipped here, for lack of capacity or "
                    "after an error"));
    if (status != LOG_STATUS_OK) return;
    if (!cloud_flow_port(field(log, COLUMN_SOURCE_PORT), &flow.from_port) ||
        !cloud_flow_port(field(log, COLUMN_DESTINATION_PORT), &flow.to_port)) {
        skip(log, S("expected a source and a destination port"));
        return;
    }
    flow.transport = cloud_flow_transport(field(log, COLUMN_PROTOCOL));
    if (cloud_flow_keeps(log->flows, flow.transport, flow.from_port, flow.to_port))
        observe(log, &flow);
}

static bool is_usable(const struct format *format)
{
    return has(format, COLUMN_SOURCE_PORT) && has(format, COLUMN_DESTINATION_PORT) &&
           has(format, COLUMN_PROTOCOL);
}

static void read_header(struct aws_vpc_flow *log, const struct format *format)
{
    log->format = *format;
    log->has_header = true;
    log->refused = !is_usable(format);
    if (log->refused)
        skip(log, S("the format of the flow log lacks ports or the protocol: nothing can be said "
                    "of its records"));
}

/* Cuts what CloudWatch Logs put before the record: a time, and the name of the log stream. */
static str without_stamp(str text, int64_t *stamp_us)
{
    str head, rest;
    *stamp_us = 0;
    if (text.len < 20 || text.ptr[10] != 'T') return text;
    if (!str_cut(text, ' ', &head, &rest) || head.len < 19 || head.ptr[10] != 'T') return text;
    if (!instant_parse(head, stamp_us)) *stamp_us = 0;
    rest = str_trim(rest);
    if (str_starts(rest, S("eni-")) && str_cut(rest, ' ', &head, &rest)) rest = str_trim(rest);
    return rest;
}

/* What a record without a header is, by its words. */
static const struct format *format_by_shape(str text)
{
    str fields[MAX_FIELDS];
    uint64_t version = 0;
    enum log_status status;
    struct addr addr;
    size_t n = split(text, ' ', fields, MAX_FIELDS);
    if (n < DEFAULT_FIELDS || !str_u64(fields[0], 99, &version) || version < 2) return NULL;
    const struct format *format = &format_of_guide;
    if (n >= GATEWAY_FIELDS && str_starts(fields[3], S("tgw-"))) format = &format_of_gateways;
    str interface = fields[format->at[COLUMN_INTERFACE]];
    bool named = str_starts(interface, S("eni-")) || str_starts(interface, S("tgw-attach-")) ||
                 str_equal(interface, S("-"));
    return named && cloud_flow_addr(fields[format->at[COLUMN_SOURCE]], &addr) &&
                   cloud_flow_addr(fields[format->at[COLUMN_DESTINATION]], &addr) &&
                   log_status_of(fields[format->at[COLUMN_STATUS]], &status)
               ? format
               : NULL;
}

static void read_text(struct aws_vpc_flow *log, str text)
{
    struct format format;
    str trimmed = str_trim(text);
    log->line.text = without_stamp(trimmed, &log->line.stamp_us);
    if (!log->line.text.len) return;
    if (header_of(log->line.text, &format)) {
        read_header(log, &format);
        return;
    }
    if (log->refused) return;
    if (!log->has_header && !log->is_shaped) {
        const struct format *shaped = format_by_shape(log->line.text);
        if (shaped) log->format = *shaped;
        log->is_shaped = shaped;
    }
    log->line.n = split(log->line.text, log->format.separator, log->line.fields,
                        log->line.cut ? MAX_FIELDS : log->format.looked_at);
    read_record(log);
}

static void take_line(void *to, const struct text_line *line)
{
    struct aws_vpc_flow *log = to;
    log->line.offset = line->offset;
    log->line.length = line->length;
    log->line.cut = line->cut;
    read_text(log, line->text);
}

/* ---- JSON of CloudWatch Logs ----------------------------------------------------------------- */

enum { PATH_MESSAGE, PATH_INSIGHTS_MESSAGE, PATH_COUNT };
static const char *const paths[] = {"message", "@message"};
static_assert(COUNT_OF(paths) == PATH_COUNT, "one row per path");

static bool take_event(struct aws_vpc_flow *log, str object, uint64_t offset, struct err *err)
{
    struct arena scratch = *log->arena;
    str values[PATH_COUNT];
    if (!json_paths_read(log->paths, object, offset, values, &scratch, err)) return false;
    str message = values[PATH_MESSAGE].len ? values[PATH_MESSAGE] : values[PATH_INSIGHTS_MESSAGE];
    if (message.len) read_text(log, message);
    return true;
}

static bool is_valid(const struct aws_vpc_flow *log, str object, uint64_t offset, struct err *err)
{
    struct arena scratch = *log->arena;
    struct json_scan scan = json_scan_of(object, offset, &scratch);
    struct json_scan_item item = {.kind = JSON_SCAN_NULL};
    scan.replace_invalid = scan.quiet = true;
    while (item.kind != JSON_SCAN_END)
        if (!json_scan_next(&scan, &item, err)) return false;
    return true;
}

/* A message of a subscription holds its events itself. */
static bool take_events(struct aws_vpc_flow *log, str object, uint64_t offset, struct err *err)
{
    struct arena scratch = *log->arena;
    struct json_scan scan = json_scan_of(object, offset, &scratch);
    struct json_scan_item item;
    if (!is_valid(log, object, offset, err)) return false;
    scan.replace_invalid = true;
    for (bool in_events = false, done = false; !done;) {
        if (!json_scan_next(&scan, &item, err)) return false;
        done = item.kind == JSON_SCAN_END;
        if (item.kind == JSON_SCAN_KEY) {
            in_events = str_equal(item.text, S("logEvents")) || str_equal(item.text, S("events"));
            if (!in_events && !json_scan_skip(&scan, item, err)) return false;
        } else if (item.kind == JSON_SCAN_OBJECT && scan.depth > 1) {
            size_t start = (size_t)(item.offset - offset);
            if (!json_scan_skip(&scan, item, err)) return false;
            str event = str_head(str_tail(object, start), scan.at - start);
            if (!take_event(log, event, item.offset, err)) return false;
        }
    }
    return true;
}

static bool take_object(void *to, str object, uint64_t offset, struct err *err)
{
    struct aws_vpc_flow *log = to;
    log->line.offset = offset;
    log->line.length = object.len;
    log->line.cut = false;
    if (str_contains(object, S("\"logEvents\"")) || str_contains(object, S("\"events\"")))
        return take_events(log, object, offset, err);
    return take_event(log, object, offset, err);
}

/* ---- The reader ------------------------------------------------------------------------------ */

static bool has_shape(str text)
{
    int64_t stamp_us;
    return format_by_shape(without_stamp(str_trim(text), &stamp_us));
}

/* A table with two addresses is many a thing; a flow log says more. */
static bool is_header(str text)
{
    struct format format;
    int64_t stamp_us;
    return header_of(without_stamp(str_trim(text), &stamp_us), &format) && is_usable(&format) &&
           (has(&format, COLUMN_INTERFACE) || has(&format, COLUMN_ACTION) ||
            has(&format, COLUMN_STATUS));
}

/* CloudWatch Logs in JSON: the text of a "message", from its quote on, is a record. */
static bool is_json(str head)
{
    str rest = str_trim(head), before;
    if (!rest.len || (rest.ptr[0] != '{' && rest.ptr[0] != '[')) return false;
    for (size_t i = 0; i < HEAD_LINES && str_contains(rest, S("essage\"")); i++) {
        str value;
        while (!str_starts(rest, S("essage\"")))
            rest = str_tail(rest, 1);
        rest = str_trim(str_tail(rest, S("essage\"").len));
        if (!rest.len || rest.ptr[0] != ':') continue;
        rest = str_trim(str_tail(rest, 1));
        if (!rest.len || rest.ptr[0] != '"') continue;
        if (str_cut(str_tail(rest, 1), '"', &value, &before) &&
            (has_shape(value) || is_header(value)))
            return true;
    }
    return false;
}

static enum shape shape_of(bytes head)
{
    if (str_starts(str_of_bytes(head), S("PAR1"))) return SHAPE_PARQUET;
    return is_json(str_of_bytes(head)) ? SHAPE_JSON : SHAPE_TEXT;
}

static bool aws_vpc_flow_recognise(bytes head)
{
    char decoded[TEXT_LINES_HEAD_ROOM];
    bool whole;
    if (shape_of(head) != SHAPE_TEXT) return true;
    str rest = text_lines_head(head, decoded), line;
    for (size_t i = 0; i < HEAD_LINES && text_lines_cut(&rest, &line, &whole); i++)
        if (has_shape(line) || is_header(line)) return true;
    return false;
}

static void *aws_vpc_flow_open(struct arena *arena, const struct reader_options *options,
                               const struct fact_sink *sink)
{
    struct aws_vpc_flow *log = arena_new(arena, struct aws_vpc_flow);
    (void)options; /* times are UTC */
    log->sink = *sink;
    log->flows = cloud_flow_open(arena, sink);
    log->format = format_of_guide;
    log->lines = text_lines_open(arena, sink, take_line, log);
    log->records = json_records_open(arena, sink, take_object, log);
    log->paths = json_paths_of(arena, paths, PATH_COUNT, false);
    log->arena = arena;
    return log;
}

static bool refuse_parquet(struct aws_vpc_flow *log, struct window window, size_t *consumed)
{
    log->sink.skip(log->sink.to,
                   &(struct skip){window.offset, 0,
                                  S("Parquet is recognised but not read: export the flow log as "
                                    "text, or query it with Athena and save the answer as CSV")});
    *consumed = window.data.len;
    return false;
}

static bool aws_vpc_flow_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct aws_vpc_flow *log = state;
    *want = *consumed = 0;
    if (!log->begun) {
        if (!window.last && window.data.len < LIMIT_RECOGNISE_BYTES) {
            *want = LIMIT_RECOGNISE_BYTES;
            return true;
        }
        bytes head = window.data;
        if (head.len > LIMIT_RECOGNISE_BYTES) head.len = LIMIT_RECOGNISE_BYTES;
        log->shape = shape_of(head);
        log->begun = true;
    }
    if (log->shape == SHAPE_PARQUET) return refuse_parquet(log, window, consumed);
    if (log->shape == SHAPE_JSON)
        json_records_feed(log->records, window, consumed, want);
    else
        text_lines_feed(log->lines, window, consumed, want);
    return true;
}

static void aws_vpc_flow_close(void *state)
{
    (void)state;
}

/* ---- In blocks ------------------------------------------------------------------------------- */

static bool aws_vpc_flow_may_split(bytes head)
{
    if (head.len > LIMIT_RECOGNISE_BYTES) head.len = LIMIT_RECOGNISE_BYTES;
    return shape_of(head) == SHAPE_TEXT && text_lines_may_split(head);
}

/* A header, or what may be the first record whose words tell the format. */
static bool matters(void *to, str raw)
{
    const struct aws_vpc_flow *log = to;
    if (!log->has_header && !log->is_shaped) return true;
    return raw.ptr[0] < '0' || raw.ptr[0] > '9' || (raw.len > 10 && raw.ptr[10] == 'T');
}

static void aws_vpc_flow_pass(void *lead, bytes block)
{
    struct aws_vpc_flow *log = lead;
    text_lines_pass(log->lines, block, 0, matters);
}

static void aws_vpc_flow_adopt(void *state, const void *lead)
{
    struct aws_vpc_flow *log = state;
    const struct aws_vpc_flow *from = lead;
    log->begun = true;
    log->shape = SHAPE_TEXT;
    log->refused = from->refused;
    log->format = from->format;
    log->has_header = from->has_header;
    log->is_shaped = from->is_shaped;
    cloud_flow_adopt(log->flows);
    text_lines_adopt(log->lines);
}

static const struct reader_splits aws_vpc_flow_splits = {
    .may = aws_vpc_flow_may_split,
    .cut = text_lines_last,
    .pass = aws_vpc_flow_pass,
    .adopt = aws_vpc_flow_adopt,
};

const struct reader aws_vpc_flow_reader = {
    .name = {"aws-vpc-flow",                                                  12},
    .summary = {"flow logs of AWS virtual private clouds (S3, CloudWatch Logs)", 61},
    .overlap = OVERLAP_LINES,
    .splits = &aws_vpc_flow_splits,
    .recognise = aws_vpc_flow_recognise,
    .open = aws_vpc_flow_open,
    .feed = aws_vpc_flow_feed,
    .close = aws_vpc_flow_close,
};
