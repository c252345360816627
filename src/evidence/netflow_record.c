/* SPDX-License-Identifier: Apache-2.0 */
/* docs/evidence-flows.md: which element becomes which fact. */
#include "evidence/netflow_record.h"

#include "base/instant.h"

uint32_t netflow_record_steps(uint32_t from, uint32_t to)
{
    return (uint32_t)((uint64_t)to + (UINT64_C(1) << 32) - from);
}

int64_t netflow_record_uptime(const struct netflow_record_clock *clock, uint32_t uptime_ms)
{
    int64_t back = netflow_record_steps(uptime_ms, clock->uptime_ms);
    if (back > INT32_MAX) back -= INT64_C(1) << 32;
    return clock->exported_us - back * 1000;
}

/* Zero, and what lies past the year 9999, is no time. */
static bool in_range(uint64_t value, uint64_t units_per_second)
{
    return value > 0 && value / units_per_second < UINT64_C(253402300800);
}

/* 64 bits of NTP: seconds since 1900 and a fraction (RFC 7011, 6.1.9 and 6.1.10). */
static bool of_ntp(uint64_t value, int64_t *out)
{
    const uint64_t from_1900 = UINT64_C(2208988800);
    uint64_t seconds = value >> 32;
    if (seconds <= from_1900) return false;
    *out = (int64_t)(seconds - from_1900) * INSTANT_SECOND +
           (int64_t)(((value & UINT32_MAX) * (uint64_t)INSTANT_SECOND) >> 32);
    return true;
}

/* One end of a flow in the units that it may be told in. */
struct time_elements {
    uint8_t s, ms, us, ns, delta, uptime;
};

static bool time_of(const struct netflow_record_clock *clock, const struct netflow_values *v,
                    const struct time_elements *at, int64_t *out)
{
    uint64_t ms = netflow_template_number(v, at->ms), s = netflow_template_number(v, at->s);
    if (in_range(ms, 1000)) {
        *out = (int64_t)ms * 1000;
        return true;
    }
    if (of_ntp(netflow_template_number(v, at->us), out)) return true;
    if (of_ntp(netflow_template_number(v, at->ns), out)) return true;
    if (in_range(s, 1)) {
        *out = (int64_t)s * INSTANT_SECOND;
        return true;
    }
    if (netflow_template_has(v, at->delta)) {
        *out = clock->exported_us - (int64_t)(netflow_template_number(v, at->delta) & UINT32_MAX);
        return true;
    }
    if (!netflow_template_has(v, at->uptime)) return false;
    uint64_t uptime = netflow_template_number(v, at->uptime) & UINT32_MAX;
    uint64_t boot = netflow_template_has(v, NETFLOW_BOOT_MS)
                        ? netflow_template_number(v, NETFLOW_BOOT_MS)
                        : clock->boot_ms;
    if (clock->has_uptime) {
        *out = netflow_record_uptime(clock, (uint32_t)uptime);
    } else if (in_range(boot, 1000)) {
        *out = ((int64_t)boot + (int64_t)uptime) * 1000;
    } else {
        return false;
    }
    return true;
}

static void times_of(const struct netflow_record_clock *clock, const struct netflow_values *v,
                     struct flow_record *out)
{
    static const struct time_elements starts = {
        NETFLOW_START_S,  NETFLOW_START_MS,    NETFLOW_START_US,
        NETFLOW_START_NS, NETFLOW_START_DELTA, NETFLOW_START_UPTIME,
    };
    static const struct time_elements ends = {
        NETFLOW_END_S,  NETFLOW_END_MS,    NETFLOW_END_US,
        NETFLOW_END_NS, NETFLOW_END_DELTA, NETFLOW_END_UPTIME,
    };
    static const struct time_elements events = {
        NETFLOW_EVENT_S,  NETFLOW_EVENT_MS, NETFLOW_EVENT_US,
        NETFLOW_EVENT_NS, NETFLOW_NOTHING,  NETFLOW_NOTHING,
    };
    int64_t first = 0, last = 0, event = 0;
    bool has_first = time_of(clock, v, &starts, &first), has_last = time_of(clock, v, &ends, &last);
    int64_t lasted =
        netflow_template_has(v, NETFLOW_DURATION_MS)
            ? (int64_t)(netflow_template_number(v, NETFLOW_DURATION_MS) & UINT32_MAX) * 1000
            : (int64_t)(netflow_template_number(v, NETFLOW_DURATION_US) & UINT32_MAX);
    if (!time_of(clock, v, &events, &event)) event = clock->exported_us;
    if (!has_first && !has_last) first = last = event;
    if (has_first && !has_last) last = lasted ? first + lasted : event;
    if (!has_first && has_last) first = last - lasted;
    out->first_us = first;
    out->last_us = last < first ? first : last;
}

/* firewallEvent (IANA registry of IPFIX) and forwardingStatus (RFC 7270, 4.12). */
enum firewall_event { EVENT_CREATED = 1, EVENT_DELETED = 2, EVENT_DENIED = 3, EVENT_UPDATE = 5 };
enum forwarding { DROPPED = 128, DROPPED_ACL_DENY = 129, DROPPED_ACL_DROP = 130 };
enum { BIFLOW_INITIATOR = 1 };

void netflow_record_verdict(uint64_t event, uint64_t forwarding, bool has_start,
                            struct flow_record *out)
{
    if (event == EVENT_DENIED || forwarding == DROPPED || forwarding == DROPPED_ACL_DENY ||
        forwarding == DROPPED_ACL_DROP)
        out->verdict = FLOW_BLOCKED;
    else if (event == EVENT_CREATED || event == EVENT_DELETED || event == EVENT_UPDATE)
        out->verdict = FLOW_ALLOWED;
    if (out->verdict == FLOW_NO_VERDICT || !event) return;
    /* A firewall's events are about whole connections, told from the side that opened them. */
    out->from_opened = true;
    out->begins = event == EVENT_CREATED || (has_start && event != EVENT_DENIED);
    /* Later events without the start still say that they are later ones. */
    if (!out->begins && event != EVENT_DENIED) out->flags_known = true;
}

static void counts_of(const struct netflow_template *t, const struct netflow_values *v,
                      struct flow_record *out)
{
    bool has_delta =
        netflow_template_has(v, NETFLOW_OCTETS) || netflow_template_has(v, NETFLOW_PACKETS);
    bool has_total = netflow_template_has(v, NETFLOW_TOTAL_OCTETS) ||
                     netflow_template_has(v, NETFLOW_TOTAL_PACKETS);
    uint64_t out_octets = netflow_template_number(v, NETFLOW_OUT_OCTETS);
    uint64_t out_packets = netflow_template_number(v, NETFLOW_OUT_PACKETS);
    out->is_cumulative = !has_delta && has_total;
    out->bytes = netflow_template_number(v, has_delta ? NETFLOW_OCTETS : NETFLOW_TOTAL_OCTETS);
    out->packets = netflow_template_number(v, has_delta ? NETFLOW_PACKETS : NETFLOW_TOTAL_PACKETS);
    out->reverse_bytes = netflow_template_number(v, has_delta ? NETFLOW_REVERSE_OCTETS
                                                              : NETFLOW_REVERSE_TOTAL_OCTETS);
    out->reverse_packets = netflow_template_number(v, has_delta ? NETFLOW_REVERSE_PACKETS
                                                                : NETFLOW_REVERSE_TOTAL_PACKETS);
    if (t->is_nprobe && !out->reverse_bytes && !out->reverse_packets) {
        out->reverse_bytes = out_octets;
        out->reverse_packets = out_packets;
    } else if (!has_delta && !has_total) {
        out->bytes = out_octets;
        out->packets = out_packets;
    }
    out->has_reverse = out->reverse_bytes || out->reverse_packets;
}

static struct addr end_of(const struct netflow_values *v, enum netflow_element v4,
                          enum netflow_element v6)
{
    struct addr end = {0};
    if (netflow_template_has(v, v6)) end = v->addr[v6 - NETFLOW_NUMBER_COUNT];
    /* Templates for both families leave one of them zero. */
    if (!netflow_template_has(v, v4)) return end;
    struct addr other = v->addr[v4 - NETFLOW_NUMBER_COUNT];
    return addr_v4_value(other) ? other : end;
}

void netflow_record_flow(const struct netflow_template *t, const struct netflow_values *v,
                         const struct netflow_record_clock *clock, struct flow_record *out,
                         struct addr *exporter)
{
    *out = (struct flow_record){0};
    out->from = end_of(v, NETFLOW_FROM_V4, NETFLOW_FROM_V6);
    out->to = end_of(v, NETFLOW_TO_V4, NETFLOW_TO_V6);
    *exporter = end_of(v, NETFLOW_EXPORTER_V4, NETFLOW_EXPORTER_V6);
    out->from_port = (uint16_t)netflow_template_number(v, NETFLOW_FROM_PORT);
    out->to_port = (uint16_t)netflow_template_number(v, NETFLOW_TO_PORT);
    uint64_t protocol = netflow_template_number(v, NETFLOW_PROTOCOL);
    if (protocol == TRANSPORT_TCP || protocol == TRANSPORT_UDP)
        out->transport = (enum transport)protocol;
    times_of(clock, v, out);
    counts_of(t, v, out);
    out->flags = (uint8_t)(netflow_template_number(v, NETFLOW_FLAGS) |
                           netflow_template_number(v, NETFLOW_INITIAL_FLAGS));
    out->reverse_flags = (uint8_t)(netflow_template_number(v, NETFLOW_REVERSE_FLAGS) |
                                   netflow_template_number(v, NETFLOW_REVERSE_INITIAL_FLAGS));
    out->flags_known = out->flags || out->reverse_flags;
    out->is_sampled = netflow_template_number(v, NETFLOW_SAMPLING) > 1 ||
                      netflow_template_number(v, NETFLOW_SAMPLING_SPACE) > 0;
    netflow_record_verdict(netflow_template_number(v, NETFLOW_FIREWALL_EVENT),
                           netflow_template_number(v, NETFLOW_FORWARDING) & 0xFF,
                           netflow_template_has(v, NETFLOW_START_MS), out);
    if (netflow_template_number(v, NETFLOW_BIFLOW_DIRECTION) == BIFLOW_INITIATOR)
        out->from_opened = true;
}
