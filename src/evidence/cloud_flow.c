/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/cloud_flow.h"

#include "base/instant.h"
#include "base/limits.h"

struct cloud_flows {
    struct fact_sink sink;
    bool named;
    struct service_bits services;
};

struct cloud_flows *cloud_flow_open(struct arena *arena, const struct fact_sink *sink)
{
    struct cloud_flows *flows = arena_new(arena, struct cloud_flows);
    flows->sink = *sink;
    service_bits_of(service_builtin, &flows->services);
    return flows;
}

void cloud_flow_adopt(struct cloud_flows *flows)
{
    flows->named = true; /* so that a record without a name is said to have none */
}

bool cloud_flow_keeps(const struct cloud_flows *flows, enum transport transport, uint16_t from_port,
                      uint16_t to_port)
{
    return (transport == TRANSPORT_TCP || transport == TRANSPORT_UDP) &&
           (service_bits_have(&flows->services, transport, from_port) ||
            service_bits_have(&flows->services, transport, to_port));
}

static bool is_absent(str text)
{
    return !text.len || (text.len == 1 && text.ptr[0] == '-');
}

void cloud_flow_origin(struct cloud_flows *flows, str name)
{
    if (is_absent(name)) name = (str){0};
    if (!name.len && !flows->named) return;
    flows->named = true;
    flows->sink.origin(flows->sink.to, str_head(name, LIMIT_NAME_BYTES));
}

bool cloud_flow_tell(struct cloud_flows *flows, const struct cloud_flow *flow)
{
    bool from_service = service_bits_have(&flows->services, flow->transport, flow->from_port);
    bool to_service = service_bits_have(&flows->services, flow->transport, flow->to_port);
    bool answer = from_service && !to_service;
    if (addr_is_none(flow->from) || addr_is_none(flow->to)) return false;
    if (!flow->first_us && !flow->last_us) return false;
    int64_t first = flow->first_us ? flow->first_us : flow->last_us;
    struct observation fact = {
        .client.addr = answer ? flow->to : flow->from,
        .server.addr = answer ? flow->from : flow->to,
        .transport = flow->transport,
        .client_port = answer ? flow->to_port : flow->from_port,
        .port = answer ? flow->from_port : flow->to_port,
        .first_us = first,
        .last_us = flow->last_us > first ? flow->last_us : first,
        .count = 1,
        .bytes_to_server = answer ? flow->reverse_bytes : flow->bytes,
        .bytes_to_client = answer ? flow->bytes : flow->reverse_bytes,
        .outcome = flow->outcome,
        .profile = PROFILE_UNKNOWN,
        .within = flow->within || answer,
        .offset = flow->offset,
    };
    /* Ports of services on both sides (137 to 137): only who began would tell. */
    if (from_service && to_service && !flow->from_opened)
        fact.assumed |= (uint8_t)(1u << ASSUMED_SERVER);
    flows->sink.line_hash(flows->sink.to, flow->identity);
    flows->sink.observation(flows->sink.to, &fact);
    return true;
}

enum transport cloud_flow_transport(str protocol)
{
    if (str_equal(protocol, S("6"))) return TRANSPORT_TCP;
    if (str_equal(protocol, S("17"))) return TRANSPORT_UDP;
    if (str_equal_nocase(protocol, S("TCP")) || str_equal(protocol, S("T"))) return TRANSPORT_TCP;
    if (str_equal_nocase(protocol, S("UDP")) || str_equal(protocol, S("U"))) return TRANSPORT_UDP;
    return TRANSPORT_NONE;
}

bool cloud_flow_time(str text, int64_t *out_us)
{
    const uint64_t milliseconds_from = UINT64_C(100000000000), last = UINT64_C(253402300799);
    uint64_t value;
    if (!str_u64(text, last * 1000, &value)) return false;
    *out_us = (int64_t)value * (value < milliseconds_from ? INSTANT_SECOND : INSTANT_SECOND / 1000);
    return true;
}

bool cloud_flow_addr(str text, struct addr *out)
{
    *out = (struct addr){0};
    return is_absent(text) || addr_parse(text, out);
}

bool cloud_flow_port(str text, uint16_t *out)
{
    uint64_t value = 0;
    if (!is_absent(text) && !str_u64(text, UINT16_MAX, &value)) return false;
    *out = (uint16_t)value;
    return true;
}

uint64_t cloud_flow_count(str text)
{
    uint64_t value = 0;
    return str_u64(text, INT64_MAX, &value) ? value : 0;
}
