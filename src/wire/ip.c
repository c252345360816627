/* SPDX-License-Identifier: Apache-2.0 */
/* One datagram under reassembly owns room for the largest one (64 KiB) and a bit per 8 bytes of it,
 * so any order, overlap and repetition of fragments is one rule: the first copy of a byte stays.
 */
#include "wire/ip.h"

enum {
    EXTENSION_HEADERS = 16, /* real packets have at most four */
    DATAGRAM_BYTES = 65536,
    UNITS = DATAGRAM_BYTES / 8,
};

enum ipv6_header {
    IPV6_HOP_BY_HOP = 0,
    IPV6_ROUTING = 43,
    IPV6_FRAGMENT = 44,
    IPV6_AUTHENTICATION = 51,
    IPV6_NO_NEXT = 59,
    IPV6_DESTINATION = 60,
    IPV6_MOBILITY = 135,
    IPV6_HIP = 139,
    IPV6_SHIM6 = 140,
};

struct datagram {
    struct addr from, to;
    uint32_t id;
    uint8_t protocol;
    bool used;
    uint64_t begun; /* counter of additions, to find the oldest */
    uint32_t units; /* received, of 8 bytes */
    uint32_t total; /* bytes; 0 = the last fragment was not seen */
};

struct body {
    uint64_t has[UNITS / 64];
    uint8_t data[DATAGRAM_BYTES];
};

struct ip_fragments {
    struct datagram datagrams[LIMIT_FRAGMENTS]; /* apart from the bodies: all are asked each time */
    struct body *bodies;
    uint64_t additions, lost;
};

static struct addr read_v6(struct cursor *c, const char *field)
{
    uint8_t octets[16] = {0};
    bytes b = cursor_bytes(c, sizeof octets, field);
    if (b.len) memcpy(octets, b.ptr, sizeof octets);
    return addr_from_bytes(octets);
}

/* Cuts what was captured to what was sent: `sent` bytes from the start of c on. */
static void set_payload(struct cursor *c, size_t sent, struct ip_packet *out)
{
    size_t captured = cursor_left(c) < sent ? cursor_left(c) : sent;
    out->payload = cursor_bytes(c, captured, "ip.payload");
    out->length = sent;
}

static bool decode_v4(struct cursor c, struct ip_packet *out)
{
    size_t captured = cursor_left(&c);
    size_t header = (size_t)(cursor_u8(&c, "ip.version") & 15) * 4;
    cursor_skip(&c, 1, "ip.tos");
    size_t total = cursor_u16be(&c, "ip.total_length");
    uint16_t id = cursor_u16be(&c, "ip.id");
    uint16_t fragment = cursor_u16be(&c, "ip.fragment");
    cursor_skip(&c, 1, "ip.ttl");
    out->protocol = cursor_u8(&c, "ip.protocol");
    cursor_skip(&c, 2, "ip.checksum");
    out->from = addr_v4(cursor_u32be(&c, "ip.source"));
    out->to = addr_v4(cursor_u32be(&c, "ip.destination"));
    if (total == 0) total = captured;
    if (!cursor_ok(&c) || header < 20 || total < header) return false;

    cursor_skip(&c, header - 20, "ip.options");
    if (!cursor_ok(&c)) return false;
    set_payload(&c, total - header, out);
    out->more_fragments = fragment & 0x2000;
    out->fragment_offset = (uint32_t)(fragment & 0x1FFF) * 8;
    out->fragment_id = id;
    out->is_fragment = out->more_fragments || out->fragment_offset;
    return true;
}

/* Steps over extension headers in out->payload, up to the upper layer or a fragment. */
static bool step_extensions(struct ip_packet *out)
{
    struct cursor c = cursor_of(out->payload, 0);
    size_t sent = out->length;
    for (unsigned i = 0; i < EXTENSION_HEADERS; i++) {
        size_t before = cursor_left(&c);
        uint8_t next = 0;
        uint64_t length = 0;
        switch ((enum ipv6_header)out->protocol) {
        case IPV6_HOP_BY_HOP:
        case IPV6_ROUTING:
        case IPV6_DESTINATION:
        case IPV6_MOBILITY:
        case IPV6_HIP:
        case IPV6_SHIM6:
            next = cursor_u8(&c, "ipv6.next_header");
            length = cursor_u8(&c, "ipv6.length");
            cursor_skip(&c, length * 8 + 6, "ipv6.extension");
            break;
        case IPV6_AUTHENTICATION:
            next = cursor_u8(&c, "ah.next_header");
            length = cursor_u8(&c, "ah.length");
            cursor_skip(&c, length * 4 + 6, "ah.body");
            break;
        case IPV6_FRAGMENT: {
            next = cursor_u8(&c, "fragment.next_header");
            cursor_skip(&c, 1, "fragment.reserved");
            uint16_t offset = cursor_u16be(&c, "fragment.offset");
            out->fragment_id = cursor_u32be(&c, "fragment.id");
            out->fragment_offset = offset & 0xFFF8;
            out->more_fragments = offset & 1;
            /* An atomic fragment (RFC 6946) is a whole packet. */
            out->is_fragment = out->more_fragments || out->fragment_offset;
            break;
        }
        case IPV6_NO_NEXT:
            return false;
        default:
            set_payload(&c, sent, out);
            return true;
        }
        if (!cursor_ok(&c)) return false;
        size_t stepped = before - cursor_left(&c);
        if (stepped > sent) return false;
        sent -= stepped;
        out->protocol = next;
        if (!out->is_fragment) continue;
        set_payload(&c, sent, out);
        return true;
    }
    return false;
}

static bool decode_v6(struct cursor c, struct ip_packet *out)
{
    cursor_skip(&c, 4, "ipv6.version");
    size_t sent = cursor_u16be(&c, "ipv6.payload_length");
    out->protocol = cursor_u8(&c, "ipv6.next_header");
    cursor_skip(&c, 1, "ipv6.hop_limit");
    out->from = read_v6(&c, "ipv6.source");
    out->to = read_v6(&c, "ipv6.destination");
    if (!cursor_ok(&c)) return false;

    if (sent == 0) sent = cursor_left(&c);
    set_payload(&c, sent, out);
    return step_extensions(out);
}

bool ip_decode(bytes packet, struct ip_packet *out)
{
    if (packet.len == 0) return false;
    struct cursor c = cursor_of(packet, 0);
    struct ip_packet read = {0};
    unsigned version = packet.ptr[0] >> 4;
    if (version != 4 && version != 6) return false;
    if (!(version == 4 ? decode_v4(c, &read) : decode_v6(c, &read))) return false;
    *out = read;
    return true;
}

struct ip_fragments *ip_fragments_open(struct arena *arena)
{
    struct ip_fragments *fragments = arena_new(arena, struct ip_fragments);
    fragments->bodies = arena_map(LIMIT_FRAGMENTS * sizeof(struct body));
    return fragments;
}

void ip_fragments_close(struct ip_fragments *fragments)
{
    arena_unmap(fragments->bodies, LIMIT_FRAGMENTS * sizeof(struct body));
    fragments->bodies = NULL;
}

uint64_t ip_fragments_lost(const struct ip_fragments *fragments)
{
    return fragments->lost;
}

/* The datagram that packet is a part of; a new one takes a free place or that of the oldest. */
static size_t find_datagram(struct ip_fragments *fragments, const struct ip_packet *packet)
{
    size_t place = 0;
    for (size_t i = 0; i < LIMIT_FRAGMENTS; i++) {
        const struct datagram *d = &fragments->datagrams[i];
        if (d->used && d->id == packet->fragment_id && d->protocol == packet->protocol &&
            addr_equal(d->from, packet->from) && addr_equal(d->to, packet->to))
            return i;
        const struct datagram *best = &fragments->datagrams[place];
        if (best->used && (!d->used || d->begun < best->begun)) place = i;
    }
    if (fragments->datagrams[place].used) fragments->lost++;
    fragments->datagrams[place] = (struct datagram){
        .from = packet->from,
        .to = packet->to,
        .id = packet->fragment_id,
        .protocol = packet->protocol,
        .used = true,
        .begun = fragments->additions,
    };
    memset(fragments->bodies[place].has, 0, sizeof fragments->bodies[place].has);
    return place;
}

static void add_units(struct datagram *d, struct body *body, uint32_t at, bytes payload)
{
    for (size_t i = 0; i < payload.len; i += 8) {
        size_t unit = (at + i) / 8;
        uint64_t bit = UINT64_C(1) << (unit % 64);
        if (body->has[unit / 64] & bit) continue;
        body->has[unit / 64] |= bit;
        d->units++;
        size_t n = payload.len - i < 8 ? payload.len - i : 8;
        memcpy(body->data + at + i, payload.ptr + i, n);
    }
}

bool ip_fragments_add(struct ip_fragments *fragments, struct ip_packet *packet)
{
    uint64_t end = (uint64_t)packet->fragment_offset + packet->length;
    bool usable = packet->payload.len == packet->length && packet->length > 0 &&
                  end <= DATAGRAM_BYTES && (!packet->more_fragments || packet->length % 8 == 0);
    if (!usable) {
        fragments->lost++;
        return false;
    }
    fragments->additions++;
    size_t place = find_datagram(fragments, packet);
    struct datagram *d = &fragments->datagrams[place];
    struct body *body = &fragments->bodies[place];
    add_units(d, body, packet->fragment_offset, packet->payload);
    if (!packet->more_fragments) d->total = (uint32_t)end;
    if (d->total == 0 || d->units < (d->total + 7) / 8) return false;

    packet->payload = (bytes){body->data, d->total};
    packet->length = d->total;
    packet->is_fragment = false;
    packet->more_fragments = false;
    packet->fragment_offset = 0;
    /* The place is free again; its bytes stay until another datagram needs them. */
    d->used = false;
    if (addr_is_v4(packet->from)) return true;
    return step_extensions(packet) && !packet->is_fragment;
}
