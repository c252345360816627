/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tunnel.h"

#include "wire/link.h"

/* First word of a GRE header: RFC 1701, 2784, 2890; RFC 2637 4.1 for the acknowledgment. */
enum gre_flag {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACKNOWLEDGMENT = 0x0080,
    GRE_VERSION = 0x0007,
};

enum gre_protocol {
    GRE_IPV4 = 0x0800,
    GRE_IPV6 = 0x86DD,
    GRE_WCCP = 0x883E, /* IPv4; version 2 puts a header of 4 bytes before it */
    GRE_ETHERNET = 0x6558,
    GRE_ERSPAN = 0x88BE,     /* Ethernet; types I (no header) and II */
    GRE_ERSPAN_III = 0x22EB, /* Ethernet behind a header of 12 bytes, and perhaps 8 more */
};

enum { WCCP_BYTES = 4, ERSPAN_II_BYTES = 8, ERSPAN_III_BYTES = 12, ERSPAN_III_OPTION_BYTES = 8 };

/* Routing entries of RFC 1701: the last has no length. */
static bool step_routing(struct cursor *c)
{
    for (;;) {
        uint16_t family = cursor_u16be(c, "gre.routing.family");
        cursor_skip(c, 1, "gre.routing.offset");
        uint8_t length = cursor_u8(c, "gre.routing.length");
        cursor_skip(c, length, "gre.routing.entry");
        if (!cursor_ok(c)) return false;
        if (!family && !length) return true;
    }
}

static bool rest(struct cursor *c, bytes *out)
{
    if (!cursor_ok(c)) return false;
    *out = cursor_bytes(c, cursor_left(c), "gre.payload");
    return out->len > 0;
}

/* WCCP without its header begins with the version of IP. */
static bool wccp(struct cursor *c, bytes *inner)
{
    bytes payload = {0};
    if (!rest(c, &payload)) return false;
    bool has_header = payload.ptr[0] >> 4 != 4 || payload.len < WCCP_BYTES;
    if (has_header && payload.len < WCCP_BYTES) return false;
    size_t header = has_header ? WCCP_BYTES : 0;
    *inner = (bytes){payload.ptr + header, payload.len - header};
    return true;
}

static bool ethernet(struct cursor *c, bytes *inner)
{
    bytes frame = {0};
    return rest(c, &frame) && link_decode(LINK_ETHERNET, frame, inner);
}

static bool erspan_iii(struct cursor *c, bytes *inner)
{
    cursor_skip(c, ERSPAN_III_BYTES - 1, "erspan.header");
    bool has_option = cursor_u8(c, "erspan.flags") & 1;
    if (has_option) cursor_skip(c, ERSPAN_III_OPTION_BYTES, "erspan.option");
    return ethernet(c, inner);
}

static bool gre(bytes payload, bytes *inner)
{
    struct cursor c = cursor_of(payload, 0);
    uint16_t flags = cursor_u16be(&c, "gre.flags");
    uint16_t protocol = cursor_u16be(&c, "gre.protocol");
    unsigned version = flags & GRE_VERSION;
    if (!cursor_ok(&c) || version > 1) return false;
    if (flags & (GRE_CHECKSUM | GRE_ROUTING)) cursor_skip(&c, 4, "gre.checksum");
    if (flags & GRE_KEY) cursor_skip(&c, 4, "gre.key");
    if (flags & GRE_SEQUENCE) cursor_skip(&c, 4, "gre.sequence");
    if (version == 1 && flags & GRE_ACKNOWLEDGMENT) cursor_skip(&c, 4, "gre.acknowledgment");
    if (flags & GRE_ROUTING && !step_routing(&c)) return false;
    switch ((enum gre_protocol)protocol) {
    case GRE_IPV4:
    case GRE_IPV6:
        return rest(&c, inner);
    case GRE_WCCP:
        return wccp(&c, inner);
    case GRE_ETHERNET:
        return ethernet(&c, inner);
    case GRE_ERSPAN:
        /* Type I has no sequence number and no header. */
        if (flags & GRE_SEQUENCE) cursor_skip(&c, ERSPAN_II_BYTES, "erspan.header");
        return ethernet(&c, inner);
    case GRE_ERSPAN_III:
        return erspan_iii(&c, inner);
    }
    return false;
}

bool tunnel_decode(const struct ip_packet *outer, bytes *inner)
{
    switch (outer->protocol) {
    case TUNNEL_GRE:
        return gre(outer->payload, inner);
    case TUNNEL_IPV4:
    case TUNNEL_IPV6:
        *inner = outer->payload;
        return inner->len > 0;
    default:
        return false;
    }
}
