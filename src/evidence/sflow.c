/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/sflow.h"

#include "wire/link.h"
#include "wire/tcp.h"

/* Formats of enterprise 0; the enterprise is in the upper 20 bits. */
enum sample_format { SAMPLE_FLOW = 1, SAMPLE_FLOW_EXPANDED = 3 };
enum record_format { RECORD_RAW_HEADER = 1, RECORD_IPV4 = 3, RECORD_IPV6 = 4 };
enum header_protocol { HEADER_ETHERNET = 1, HEADER_IPV4 = 11, HEADER_IPV6 = 12 };
enum { ADDRESS_V4 = 1, ADDRESS_V6 = 2 };

/* An output of this format tells why a packet was discarded (5.3, "interface"). */
enum { FORMAT_DISCARDED = 1 };
static const uint32_t denials[] = {
    9,   /* as in ICMP: communication with the network is administratively prohibited */
    10,  /* with the host */
    13,  /* at all */
    258, /* access list */
};

struct sample {
    uint32_t rate;
    bool is_denied;
    void (*tell)(void *to, const struct sflow_packet *packet);
    void *to;
};

static struct addr read_v6(struct cursor *c)
{
    bytes octets = cursor_bytes(c, 16, "sflow.address");
    return octets.len == 16 ? addr_from_bytes(octets.ptr) : (struct addr){0};
}

bool sflow_header_read(struct cursor *c, struct sflow_header *out)
{
    uint32_t version = cursor_u32be(c, "sflow.version");
    uint32_t type = cursor_u32be(c, "sflow.agent_type");
    out->agent = type == ADDRESS_V6 ? read_v6(c) : addr_v4(cursor_u32be(c, "sflow.agent_address"));
    out->sub_agent = cursor_u32be(c, "sflow.sub_agent");
    out->sequence = cursor_u32be(c, "sflow.sequence");
    out->uptime_ms = cursor_u32be(c, "sflow.uptime");
    out->n_samples = cursor_u32be(c, "sflow.samples");
    return cursor_ok(c) && version == SFLOW_VERSION && (type == ADDRESS_V4 || type == ADDRESS_V6);
}

static void tell(const struct sample *sample, struct sflow_packet *packet)
{
    packet->rate = sample->rate;
    packet->is_denied = sample->is_denied;
    sample->tell(sample->to, packet);
}

/* The head of a packet, cut after so many bytes. */
static void read_raw_header(const struct sample *sample, struct cursor *c)
{
    uint32_t protocol = cursor_u32be(c, "sflow.header_protocol");
    cursor_skip(c, 4 + 4, "sflow.frame_length");
    uint32_t length = cursor_u32be(c, "sflow.header_length");
    bytes packet = cursor_bytes(c, length, "sflow.header");
    struct ip_packet ip;
    struct tcp_segment segment;
    if (!cursor_ok(c)) return;
    if (protocol == HEADER_ETHERNET) {
        if (!link_decode(LINK_ETHERNET, packet, &packet)) return;
    } else if (protocol != HEADER_IPV4 && protocol != HEADER_IPV6) {
        return;
    }
    /* Ports are in the first fragment. */
    if (!ip_decode(packet, &ip) || (ip.is_fragment && ip.fragment_offset)) return;
    bool is_tcp = ip.protocol == IP_TCP;
    if (!is_tcp && ip.protocol != IP_UDP) return;
    if (!(is_tcp ? tcp_decode(&ip, &segment) : tcp_decode_udp(&ip, &segment))) return;
    struct sflow_packet out = {
        .from = ip.from,
        .to = ip.to,
        .from_port = segment.from_port,
        .to_port = segment.to_port,
        .transport = is_tcp ? TRANSPORT_TCP : TRANSPORT_UDP,
        .flags = segment.flags,
        .bytes = (uint64_t)(ip.payload.ptr - packet.ptr) + ip.length,
    };
    tell(sample, &out);
}

static void read_ip(const struct sample *sample, struct cursor *c, bool is_v6)
{
    struct sflow_packet out = {0};
    out.bytes = cursor_u32be(c, "sflow.length");
    uint32_t protocol = cursor_u32be(c, "sflow.protocol");
    out.from = is_v6 ? read_v6(c) : addr_v4(cursor_u32be(c, "sflow.source"));
    out.to = is_v6 ? read_v6(c) : addr_v4(cursor_u32be(c, "sflow.destination"));
    uint32_t from_port = cursor_u32be(c, "sflow.source_port");
    uint32_t to_port = cursor_u32be(c, "sflow.destination_port");
    uint32_t flags = cursor_u32be(c, "sflow.tcp_flags");
    if (!cursor_ok(c) || from_port > UINT16_MAX || to_port > UINT16_MAX) return;
    if (protocol != IP_TCP && protocol != IP_UDP) return;
    out.transport = protocol == IP_TCP ? TRANSPORT_TCP : TRANSPORT_UDP;
    out.from_port = (uint16_t)from_port;
    out.to_port = (uint16_t)to_port;
    out.flags = (uint8_t)flags;
    tell(sample, &out);
}

static bool is_denial(uint32_t format, uint32_t value)
{
    if (format != FORMAT_DISCARDED) return false;
    for (size_t i = 0; i < COUNT_OF(denials); i++)
        if (denials[i] == value) return true;
    return false;
}

static void read_flow_sample(struct sample *sample, struct cursor *c, bool is_expanded)
{
    uint32_t format, value;
    cursor_skip(c, is_expanded ? 4 + 8 : 4 + 4, "sflow.source_id");
    sample->rate = cursor_u32be(c, "sflow.sampling_rate");
    cursor_skip(c, 4 + 4, "sflow.sample_pool");
    cursor_skip(c, is_expanded ? 8 : 4, "sflow.input");
    if (is_expanded) {
        format = cursor_u32be(c, "sflow.output_format");
        value = cursor_u32be(c, "sflow.output_value");
    } else {
        uint32_t output = cursor_u32be(c, "sflow.output");
        format = output >> 30;
        value = output & 0x3FFFFFFF;
    }
    sample->is_denied = is_denial(format, value);
    uint32_t n = cursor_u32be(c, "sflow.records");
    /* Sampled headers and sampled IP tell of the same packet: the first of them is it. */
    bool told = false;
    for (uint32_t i = 0; i < n && cursor_ok(c) && cursor_left(c); i++) {
        uint32_t record = cursor_u32be(c, "sflow.record_format");
        uint32_t length = cursor_u32be(c, "sflow.record_length");
        struct cursor body = cursor_take(c, length, "sflow.record");
        if (!cursor_ok(c)) return;
        if (told) continue;
        told = record == RECORD_RAW_HEADER || record == RECORD_IPV4 || record == RECORD_IPV6;
        if (record == RECORD_RAW_HEADER) read_raw_header(sample, &body);
        if (record == RECORD_IPV4 || record == RECORD_IPV6)
            read_ip(sample, &body, record == RECORD_IPV6);
    }
}

bool sflow_sample_read(struct cursor *c,
                       void (*to_tell)(void *to, const struct sflow_packet *packet), void *to)
{
    struct sample sample = {.tell = to_tell, .to = to};
    uint32_t format = cursor_u32be(c, "sflow.sample_format");
    uint32_t length = cursor_u32be(c, "sflow.sample_length");
    struct cursor body = cursor_take(c, length, "sflow.sample");
    if (!cursor_ok(c)) return false;
    if (format == SAMPLE_FLOW || format == SAMPLE_FLOW_EXPANDED)
        read_flow_sample(&sample, &body, format == SAMPLE_FLOW_EXPANDED);
    return true;
}
