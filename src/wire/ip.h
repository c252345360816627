/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 (RFC 791) and IPv6 (RFC 8200) headers, and the reassembly of fragments. */
#pragma once

#include "base/addr.h"
#include "base/cursor.h"

enum ip_protocol {
    IP_ICMP = 1,
    IP_TCP = 6,
    IP_UDP = 17,
    IP_ICMPV6 = 58,
};

struct ip_packet {
    struct addr from, to;
    uint8_t protocol;
    bytes payload; /* what was captured of it */
    size_t length; /* of the payload as it was sent; never less than payload.len */
    /* Of a fragment: */
    bool is_fragment, more_fragments;
    uint32_t fragment_id, fragment_offset; /* in bytes */
};

/* packet begins with the IP header; padding behind the packet is cut off. A packet that was sent
 * with length 0 (segmentation left to the card) is as long as what was captured. False when it is
 * no IP packet or its headers were cut off. */
MUST_USE bool ip_decode(bytes packet, struct ip_packet *out);

/* Fragments that wait for their siblings: LIMIT_FRAGMENTS datagrams at most; then the one that was
 * begun first is dropped and counted. */
struct ip_fragments;
struct ip_fragments *ip_fragments_open(struct arena *arena);
void ip_fragments_close(struct ip_fragments *fragments);
/* True when packet became whole: it is then the datagram, its payload valid until the next call. */
MUST_USE bool ip_fragments_add(struct ip_fragments *fragments, struct ip_packet *packet);
/* Datagrams dropped, and fragments that the capture cut and that can't be used. */
uint64_t ip_fragments_lost(const struct ip_fragments *fragments);
