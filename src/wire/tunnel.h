/* SPDX-License-Identifier: Apache-2.0 */
/* Packets inside packets: GRE (RFC 2784, RFC 2890, the enhanced header of RFC 2637), IP in IP (RFC
 * 2003, RFC 2473, RFC 4213). The innermost conversation is the one that counts: a tunnel's ends are
 * routers, not clients and servers.
 */
#pragma once

#include "wire/ip.h"

enum {
    TUNNEL_IPV4 = 4,
    TUNNEL_IPV6 = 41,
    TUNNEL_GRE = 47,
    TUNNEL_DEPTH = 4, /* tunnels inside tunnels; real ones have at most two */
};

/* The IP packet that `outer` carries. False when it is no tunnel, carries something else, or was
 * cut off before. */
MUST_USE bool tunnel_decode(const struct ip_packet *outer, bytes *inner);
