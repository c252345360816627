/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tcp.h"

enum { ICMP_UNREACHABLE = 3, ICMPV6_UNREACHABLE = 1 };

bool tcp_decode(const struct ip_packet *packet, struct tcp_segment *out)
{
    struct cursor c = cursor_of(packet->payload, 0);
    struct tcp_segment s = {0};
    s.from_port = cursor_u16be(&c, "tcp.source_port");
    s.to_port = cursor_u16be(&c, "tcp.destination_port");
    s.sequence = cursor_u32be(&c, "tcp.sequence");
    s.acknowledged = cursor_u32be(&c, "tcp.acknowledgment");
    size_t header = (size_t)(cursor_u8(&c, "tcp.data_offset") >> 4) * 4;
    s.flags = cursor_u8(&c, "tcp.flags");
    if (!cursor_ok(&c) || header < 20 || header > packet->length) return false;

    s.length = packet->length - header;
    if (packet->payload.len > header)
        s.payload = (bytes){packet->payload.ptr + header, packet->payload.len - header};
    *out = s;
    return true;
}

bool tcp_decode_udp(const struct ip_packet *packet, struct tcp_segment *out)
{
    struct cursor c = cursor_of(packet->payload, 0);
    struct tcp_segment s = {0};
    s.from_port = cursor_u16be(&c, "udp.source_port");
    s.to_port = cursor_u16be(&c, "udp.destination_port");
    size_t length = cursor_u16be(&c, "udp.length");
    if (!cursor_ok(&c) || length < 8 || length > packet->length) return false;
    s.length = length - 8;
    cursor_skip(&c, 2, "udp.checksum");
    size_t captured = cursor_left(&c) < s.length ? cursor_left(&c) : s.length;
    s.payload = cursor_bytes(&c, captured, "udp.payload");
    *out = s;
    return true;
}

bool tcp_decode_unreachable(const struct ip_packet *packet, struct tcp_unreachable *out)
{
    struct cursor c = cursor_of(packet->payload, 0);
    bool is_v4 = packet->protocol == IP_ICMP;
    if (!is_v4 && packet->protocol != IP_ICMPV6) return false;
    uint8_t type = cursor_u8(&c, "icmp.type");
    cursor_skip(&c, 7, "icmp.header");
    if (!cursor_ok(&c) || type != (is_v4 ? ICMP_UNREACHABLE : ICMPV6_UNREACHABLE)) return false;

    struct ip_packet quoted = {0};
    if (!ip_decode(cursor_bytes(&c, cursor_left(&c), "icmp.quote"), &quoted)) return false;
    if (quoted.protocol != IP_TCP || quoted.fragment_offset) return false;
    struct cursor q = cursor_of(quoted.payload, 0);
    struct tcp_unreachable u = {.from = quoted.from, .to = quoted.to};
    u.from_port = cursor_u16be(&q, "quote.source_port");
    u.to_port = cursor_u16be(&q, "quote.destination_port");
    if (!cursor_ok(&q)) return false;
    u.sequence = cursor_u32be(&q, "quote.sequence");
    u.has_sequence = cursor_ok(&q);
    *out = u;
    return true;
}
