/* SPDX-License-Identifier: Apache-2.0 */
/* PAN-OS traffic logs as comma-separated values (PAN-OS Administrator's Guide 8.1 to 11, "Traffic
 * Log Fields"; later versions append): over syslog, and as the web interface exports them. One per
 * session, at its end, its start or its denial. Times are the firewall's local time; the high
 * resolution timestamp at the end of newer lines has the distance to UTC.
 */
#include "evidence/syslog.h"

enum {
    MAX_FIELDS = 160, /* 11.1 has 125 */
    TYPE_FIELD = 3,   /* "TRAFFIC", counted from the field that the guide calls FUTURE_USE */
};

/* Counted from TYPE_FIELD's line start. */
enum field {
    FIELD_SERIAL = 2,
    FIELD_SUBTYPE = 4,
    FIELD_GENERATED = 6,
    FIELD_SOURCE = 7,
    FIELD_DESTINATION = 8,
    FIELD_SOURCE_USER = 12,
    FIELD_SOURCE_PORT = 24,
    FIELD_DESTINATION_PORT = 25,
    FIELD_PROTOCOL = 29,
    FIELD_ACTION = 30,
    FIELD_SENT = 32,
    FIELD_RECEIVED = 33,
    FIELD_START = 35,
    FIELD_ELAPSED = 36,
    FIELD_DEVICE = 52,
    FIELD_LATER = 60, /* the high resolution timestamp is behind this one */
};

static bool panos_claims(str message)
{
    return syslog_find(message, S(",TRAFFIC,")) < message.len;
}

/* Fields may be quoted, with doubled quotes inside; those that are read have none. */
static size_t split(str text, str fields[MAX_FIELDS])
{
    size_t n = 0;
    bool more = true;
    while (more && n < MAX_FIELDS) {
        if (text.len && text.ptr[0] == '"') {
            size_t i = 1;
            while (i < text.len &&
                   (text.ptr[i] != '"' || (i + 1 < text.len && text.ptr[i + 1] == '"')))
                i += text.ptr[i] == '"' ? 2 : 1;
            fields[n++] = str_tail(str_head(text, i), 1);
            text = str_tail(text, i);
            str rest;
            more = str_cut(text, ',', &rest, &text);
            continue;
        }
        more = str_cut(text, ',', &fields[n], &text);
        n++;
    }
    return n;
}

static str field(const str *fields, size_t n, enum field at)
{
    return at < n ? fields[at] : (str){0};
}

static uint64_t number_of(str text)
{
    uint64_t value = 0;
    return str_u64(text, INT64_MAX / 2, &value) ? value : 0;
}

/* What local time must be moved by to be UTC, when the line tells: its high resolution timestamp
 * is the generated time with its zone. */
static bool shift_of(struct syslog *log, const str *fields, size_t n, int64_t generated_us,
                     int64_t *out_us)
{
    for (size_t i = FIELD_LATER; i < n; i++) {
        enum syslog_time kind = SYSLOG_NO_TIME;
        int64_t at_us = 0;
        if (fields[i].len < 25 || fields[i].ptr[10] != 'T') continue;
        if (!syslog_line_time(syslog_clock(log), fields[i], &kind, &at_us)) continue;
        /* Zones lie at whole quarters of an hour; the two were not written at one instant. */
        int64_t quarter = INT64_C(900) * INSTANT_SECOND;
        int64_t apart = at_us - generated_us;
        int64_t quarters = (apart + (apart < 0 ? -quarter / 2 : quarter / 2)) / quarter;
        if (kind != SYSLOG_INSTANT || quarters < -56 || quarters > 56) return false;
        *out_us = quarters * quarter;
        return true;
    }
    return false;
}

static void panos_read(struct syslog *log, const struct syslog_line *line, bool cut)
{
    str all[MAX_FIELDS];
    size_t n = split(line->message, all), type = 0;
    while (type < n && !str_equal(all[type], S("TRAFFIC")))
        type++;
    if (type < TYPE_FIELD || type == n) {
        if (cut) syslog_skip(log, (str){0});
        return; /* ",TRAFFIC," in somebody else's text */
    }
    const str *f = all + type - TYPE_FIELD;
    n -= type - TYPE_FIELD;
    enum syslog_time kind = line->kind;
    int64_t at_us = line->at_us, start_us = 0, shift_us = 0;
    if (n <= FIELD_ACTION + (cut ? 1u : 0u)) {
        syslog_skip(log, S("expected the fields of a PAN-OS traffic log up to the action"));
        return;
    }
    bool has_time = syslog_line_time(syslog_clock(log), f[FIELD_GENERATED], &kind, &at_us);
    if (kind == SYSLOG_LOCAL && has_time && shift_of(log, f, n, at_us, &shift_us)) {
        kind = SYSLOG_INSTANT;
        at_us += shift_us;
    }
    str device = str_trim(field(f, n, FIELD_DEVICE));
    syslog_record(log,
                  device.len       ? device
                  : line->host.len ? line->host
                                   : f[FIELD_SERIAL],
                  kind, at_us);
    enum syslog_time start_kind = kind;
    if (!syslog_line_time(syslog_clock(log), field(f, n, FIELD_START), &start_kind, &start_us))
        start_us = at_us;
    else
        start_us += shift_us;
    uint64_t elapsed_s = number_of(field(f, n, FIELD_ELAPSED));
    struct syslog_flow flow = {
        .transport = syslog_transport(f[FIELD_PROTOCOL]),
        .opener = SYSLOG_OPENER_SOURCE,
        .outcome = syslog_action(SYSLOG_PALO_ALTO, f[FIELD_ACTION]),
        .first_us = start_us,
        .last_us = start_us + (elapsed_s < UINT32_MAX ? (int64_t)elapsed_s * INSTANT_SECOND : 0),
        .sent = number_of(field(f, n, FIELD_SENT)),
        .received = number_of(field(f, n, FIELD_RECEIVED)),
        .user = f[FIELD_SOURCE_USER],
    };
    str subtype = f[FIELD_SUBTYPE];
    if (str_equal(subtype, S("drop")) || str_equal(subtype, S("deny")))
        flow.outcome = OUTCOME_BLOCKED;
    if (str_equal(subtype, S("start"))) flow.sent = flow.received = 0; /* the end has the sums */
    if (flow.transport == TRANSPORT_NONE) return;
    if (!syslog_port(f[FIELD_SOURCE_PORT], &flow.source_port) ||
        !syslog_port(f[FIELD_DESTINATION_PORT], &flow.destination_port)) {
        syslog_skip(log, S("expected a source and a destination port"));
        return;
    }
    if (!addr_parse(f[FIELD_SOURCE], &flow.source.addr) ||
        !addr_parse(f[FIELD_DESTINATION], &flow.destination.addr)) {
        syslog_skip(log, S("expected a source and a destination address"));
        return;
    }
    syslog_tell(log, &flow);
}

const struct syslog_dialect panos_dialect = {panos_claims, panos_read};

static bool panos_recognise(bytes head)
{
    return syslog_recognise(head, &panos_dialect);
}

const struct reader panos_reader = SYSLOG_READER("pan-os", "PAN-OS traffic logs", panos_recognise);
