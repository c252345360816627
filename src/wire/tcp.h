/* SPDX-License-Identifier: Apache-2.0 */
/* TCP (RFC 9293) and UDP (RFC 768) headers. */
#pragma once

#include "wire/ip.h"

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

struct tcp_segment {
    uint16_t from_port, to_port;
    uint32_t sequence, acknowledged;
    uint8_t flags;
    bytes payload; /* what was captured of it */
    size_t length; /* of the payload as it was sent; never less than payload.len */
};

/* False when the capture cut the packet before its flags, or the lengths contradict each other. */
MUST_USE bool tcp_decode(const struct ip_packet *packet, struct tcp_segment *out);
/* A UDP datagram in the same shape: sequence, acknowledged and flags are 0. */
MUST_USE bool tcp_decode_udp(const struct ip_packet *packet, struct tcp_segment *out);

/* What an ICMP or ICMPv6 "destination unreachable" says about a TCP segment. */
struct tcp_unreachable {
    struct addr from, to; /* of the segment that was refused */
    uint16_t from_port, to_port;
    uint32_t sequence;
    bool has_sequence; /* old routers quote less */
};

/* False when it is no such message or quotes no TCP (RFC 792; RFC 4443, 3.1). */
MUST_USE bool tcp_decode_unreachable(const struct ip_packet *packet, struct tcp_unreachable *out);
