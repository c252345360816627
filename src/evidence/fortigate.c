/* SPDX-License-Identifier: Apache-2.0 */
/* FortiGate traffic logs (FortiOS Log Reference, Traffic; FortiOS 4 to 7):
 *
 *   date=2026-11-02 time=08:14:03 devname="fw" logid="0000000013" type="traffic" subtype="forward"
 *   eventtime=1793607243000000000 tz="+0100" srcip=10.10.4.7 srcport=49159 dstip=10.20.0.21
 *   dstport=445 proto=6 action="close" duration=12 sentbyte=840 rcvdbyte=1200 ...
 *
 * one per session, at its end; "accept" with sentdelta= is a report of one that goes on. Other
 * types (utm, event) are records without facts: what they tell of a session its traffic log does
 * too. "set csv enable" puts commas for the blanks.
 */
#include "evidence/syslog.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
/* Names of FortiOS 5 and later, then 4. */
#define KEYS(X)                                                                                    \
    X(DATE, "date", "")                                                                            \
    X(TIME, "time", "")                                                                            \
    X(ZONE, "tz", "")                                                                              \
    X(EVENT_TIME, "eventtime", "")                                                                 \
    X(DEVICE, "devname", "")                                                                       \
    X(TYPE, "type", "")                                                                            \
    X(SOURCE, "srcip", "src")                                                                      \
    X(SOURCE_PORT, "srcport", "src_port")                                                          \
    X(DESTINATION, "dstip", "dst")                                                                 \
    X(DESTINATION_PORT, "dstport", "dst_port")                                                     \
    X(PROTOCOL, "proto", "")                                                                       \
    X(ACTION, "action", "status")                                                                  \
    X(DURATION, "duration", "")                                                                    \
    X(SENT, "sentbyte", "sent")                                                                    \
    X(RECEIVED, "rcvdbyte", "rcvd")                                                                \
    X(DELTA, "sentdelta", "")                                                                      \
    X(USER, "user", "")

enum key {
#define X(name, text, old) KEY_##name,
    KEYS(X)
#undef X
        KEY_COUNT
};
static const struct {
    str text, old;
} keys[] = {
#define X(name, text, old) {T(text), T(old)},
    KEYS(X)
#undef X
};

static bool fortigate_claims(str message)
{
    if (syslog_find(message, S("logid=")) == message.len &&
        syslog_find(message, S("log_id=")) == message.len)
        return false;
    return syslog_find(message, S("type=")) < message.len &&
           syslog_find(message, S("date=")) < message.len;
}

static void read_pairs(str message, str values[KEY_COUNT])
{
    size_t date = syslog_find(message, S("date=")) + 5;
    bool commas = date + 10 < message.len && message.ptr[date + 10] == ',';
    str key, value;
    for (str rest = message; syslog_pair(&rest, commas ? ',' : ' ', &key, &value);)
        for (size_t i = 0; i < KEY_COUNT; i++) {
            if (!str_equal(key, keys[i].text) && !(keys[i].old.len && str_equal(key, keys[i].old)))
                continue;
            if (!values[i].len) values[i] = value;
            break;
        }
}

/* eventtime counts from 1970; older versions have local time, newer ones say how far from UTC. */
static void time_of(struct syslog *log, const str values[KEY_COUNT], enum syslog_time *kind,
                    int64_t *at_us)
{
    char text[64];
    struct syslog_clock *clock = syslog_clock(log);
    if (values[KEY_EVENT_TIME].len && syslog_line_time(clock, values[KEY_EVENT_TIME], kind, at_us))
        return;
    if (values[KEY_DATE].len != 10 || values[KEY_TIME].len > 15) return;
    /* "-0500", "+1:00", "UTC+2" */
    str zone = values[KEY_ZONE];
    if (str_starts(zone, S("UTC")) || str_starts(zone, S("GMT"))) zone = str_tail(zone, 3);
    if (zone.len > 6) return;
    str hours = str_tail(zone, 1);
    bool one_digit = hours.len == 1 || (hours.len > 1 && hours.ptr[1] == ':');
    int n = snprintf(text, sizeof text, "%.*s %.*s%.*s%s%.*s", STR_ARG(values[KEY_DATE]),
                     STR_ARG(values[KEY_TIME]), STR_ARG(str_head(zone, 1)), one_digit ? "0" : "",
                     STR_ARG(hours));
    if (n > 0 && !syslog_line_time(clock, (str){text, (size_t)n}, kind, at_us)) return;
}

static uint64_t number_of(str text)
{
    uint64_t value = 0;
    return str_u64(text, INT64_MAX / 2, &value) ? value : 0;
}

/* A backslash in quotes is doubled by some versions. */
static str unescape(struct arena *arena, str text)
{
    size_t n = 0;
    if (syslog_find(text, S("\\\\")) == text.len) return text;
    char *out = arena_array(arena, char, text.len);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 1 < text.len && text.ptr[i + 1] == '\\') i++;
        out[n++] = text.ptr[i];
    }
    return (str){out, n};
}

static void fortigate_read(struct syslog *log, const struct syslog_line *line, bool cut)
{
    str v[KEY_COUNT] = {0};
    read_pairs(line->message, v);
    enum syslog_time kind = line->kind;
    struct syslog_flow flow = {
        .first_us = line->at_us,
        .transport = syslog_transport(v[KEY_PROTOCOL]),
        .opener = SYSLOG_OPENER_SOURCE,
        .outcome = syslog_action(SYSLOG_FORTINET, v[KEY_ACTION]),
        .sent = number_of(v[KEY_SENT]),
        .received = number_of(v[KEY_RECEIVED]),
    };
    bool is_flow = str_equal(v[KEY_TYPE], S("traffic")) && v[KEY_SOURCE_PORT].len &&
                   v[KEY_DESTINATION_PORT].len && flow.transport != TRANSPORT_NONE;
    if (cut && (!is_flow || flow.outcome == OUTCOME_NONE)) {
        syslog_skip(log, (str){0});
        return;
    }
    time_of(log, v, &kind, &flow.first_us);
    syslog_record(log, v[KEY_DEVICE], kind, flow.first_us);
    if (!is_flow) return;
    if (!syslog_port(v[KEY_SOURCE_PORT], &flow.source_port) ||
        !syslog_port(v[KEY_DESTINATION_PORT], &flow.destination_port)) {
        syslog_skip(log, S("expected srcport and dstport"));
        return;
    }
    if (!addr_parse(v[KEY_SOURCE], &flow.source.addr) ||
        !addr_parse(v[KEY_DESTINATION], &flow.destination.addr)) {
        syslog_skip(log, S("expected srcip and dstip"));
        return;
    }
    flow.last_us = flow.first_us;
    uint64_t duration_s = number_of(v[KEY_DURATION]);
    if (duration_s < UINT32_MAX) flow.first_us -= (int64_t)duration_s * INSTANT_SECOND;
    if (v[KEY_DELTA].len && str_equal(v[KEY_ACTION], S("accept"))) {
        /* The last report of the session has the sums. */
        flow.within = true;
        flow.sent = flow.received = 0;
    }
    if (!str_equal(v[KEY_USER], S("N/A"))) flow.user = unescape(syslog_scratch(log), v[KEY_USER]);
    syslog_tell(log, &flow);
}

const struct syslog_dialect fortigate_dialect = {fortigate_claims, fortigate_read};

static bool fortigate_recognise(bytes head)
{
    return syslog_recognise(head, &fortigate_dialect);
}

const struct reader fortigate_reader =
    SYSLOG_READER("fortigate", "FortiGate traffic logs", fortigate_recognise);
