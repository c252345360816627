/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/siem_event.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const struct {
    str vendor;
    enum syslog_product product;
} vendors[] = {
    {T("Fortinet"),           SYSLOG_FORTINET },
    {T("Palo Alto Networks"), SYSLOG_PALO_ALTO},
};

enum syslog_product siem_event_product(str vendor)
{
    for (size_t i = 0; i < COUNT_OF(vendors); i++)
        if (str_equal_nocase(vendors[i].vendor, vendor)) return vendors[i].product;
    return SYSLOG_ANY_PRODUCT;
}

void siem_event_put(struct siem_event *event, const struct siem_name *names, size_t n, str key,
                    str value)
{
    value = str_trim(value);
    if (!value.len) return;
    for (size_t i = 0; i < n; i++) {
        if (!str_equal(names[i].text, key)) continue;
        if (!event->values[names[i].key].len) event->values[names[i].key] = value;
        return;
    }
}

static bool time_of(struct syslog *log, str text, enum syslog_time *kind, int64_t *out_us)
{
    return text.len && syslog_line_time(syslog_clock(log), text, kind, out_us);
}

static uint64_t number_of(str text)
{
    uint64_t value = 0;
    return str_u64(text, INT64_MAX / 2, &value) ? value : 0;
}

/* An address under its own key or the one for IPv6, else a name. */
static bool end_of(const struct siem_event *event, enum siem_key address, struct endpoint *out)
{
    for (enum siem_key key = address; key <= address + 2; key++)
        if (event->values[key].len && syslog_endpoint(event->values[key], out)) return true;
    return false;
}

static bool has_value(str text)
{
    return text.len && !str_equal_nocase(text, S("N/A")) && !str_equal(text, S("-"));
}

void siem_event_tell(struct syslog *log, const struct syslog_line *line, bool cut,
                     const struct siem_event *event)
{
    const str *v = event->values;
    enum syslog_time kind = line->kind, other = line->kind;
    int64_t at_us = line->at_us, end_us = 0;
    struct syslog_flow flow = {
        .transport = syslog_transport(v[SIEM_PROTOCOL]),
        .count = number_of(v[SIEM_COUNT]),
        .sent = number_of(v[SIEM_SENT]),
        .received = number_of(v[SIEM_RECEIVED]),
        .user = has_value(v[SIEM_USER]) ? v[SIEM_USER] : (str){0},
        /* They report sessions, not packets: who is called the source has opened it. */
        .opener = SYSLOG_OPENER_SOURCE,
    };
    flow.outcome = syslog_action(event->product, v[SIEM_ACTION]);
    if (flow.outcome == OUTCOME_NONE) flow.outcome = syslog_action(event->product, v[SIEM_OUTCOME]);
    bool is_flow =
        v[SIEM_SOURCE_PORT].len && v[SIEM_DESTINATION_PORT].len && flow.transport != TRANSPORT_NONE;
    if (cut && (!is_flow || flow.outcome == OUTCOME_NONE)) {
        syslog_skip(log, (str){0});
        return;
    }
    time_of(log, v[SIEM_AT], &kind, &at_us);
    flow.first_us = flow.last_us = at_us;
    uint64_t duration_s = number_of(v[SIEM_DURATION]);
    if (duration_s && duration_s < UINT32_MAX)
        flow.first_us = at_us - (int64_t)duration_s * INSTANT_SECOND;
    if (time_of(log, v[SIEM_START], &other, &at_us)) {
        kind = other;
        flow.first_us = flow.last_us = at_us;
        if (time_of(log, v[SIEM_END], &other, &end_us) && end_us > at_us) flow.last_us = end_us;
    }
    syslog_record(log, v[SIEM_DEVICE].len ? v[SIEM_DEVICE] : v[SIEM_DEVICE_ADDRESS], kind,
                  flow.last_us);
    if (!is_flow) return;
    if (!syslog_port(v[SIEM_SOURCE_PORT], &flow.source_port) ||
        !syslog_port(v[SIEM_DESTINATION_PORT], &flow.destination_port)) {
        syslog_skip(log, S("expected a source and a destination port"));
        return;
    }
    if (!end_of(event, SIEM_SOURCE, &flow.source) ||
        !end_of(event, SIEM_DESTINATION, &flow.destination))
        return; /* an event about one host */
    syslog_tell(log, &flow);
}
