/* SPDX-License-Identifier: Apache-2.0 */
/* The files of nfdump's collectors (nfcapd, sfcapd, nfpcapd), of layout 1 (nfdump 1.6) and layout 2
 * (1.7): a header, then blocks of at most some MiB, packed or not, of records. Files of one
 * machine: numbers are in its byte order, which is little-endian wherever nfdump is met today;
 * files of the other order have another magic number and are not recognised.
 *
 * Files span five minutes, of kilobytes in an office and gigabytes at a carrier. So a record whose
 * ports nobody asks for costs a look at three numbers.
 */
#include "base/limits.h"
#include "evidence/netflow_record.h"
#include "evidence/nfcapd_unpack.h"
#include "evidence/reader.h"

enum {
    MAGIC = 0xA50C,
    LAYOUT_1 = 1,
    LAYOUT_2 = 2,
    HEADER_1 = 140 + 136, /* with the statistics behind it */
    HEADER_2 = 40,
    BLOCK_HEADER = 12,
    RECORD_HEADER = 4,
    BLOCK_1 = 2, /* of layout 1 */
    BLOCK_2 = 3, /* of layout 2 */
    BLOCK_IS_PLAIN = 1,
    SYSIDS = 65536, /* exporters are numbered with 16 bits */
    MAPS = 65536,   /* and so are extension maps */
};

/* Kinds of records. */
enum kind {
    KIND_COMMON_OLD = 1, /* layout 1 */
    KIND_MAP = 2,
    KIND_EXPORTER = 7,
    KIND_EXPORTER_STATISTICS = 8,
    KIND_COMMON = 10,
    KIND_FLOW = 11, /* layout 2 */
};
/* Statistics, samplers, names: known, and nothing is made of them. */
static const uint16_t known_kinds[] = {3, 4, 9, 12, 13, 14, 15, 0x8001, 0x8002};

/* Elements of a flow in layout 2 that are read; others are stepped over. */
enum element {
    ELEMENT_GENERIC = 1,
    ELEMENT_V4 = 2,
    ELEMENT_V6 = 3,
    ELEMENT_MISC = 4,
    ELEMENT_COUNTS = 5,
    ELEMENT_RECEIVED_V4 = 12,
    ELEMENT_RECEIVED_V6 = 13,
    ELEMENT_EVENT = 19,
};
enum { FLOW_HEADER = 12, GENERIC_BYTES = 48, FLAG_SAMPLED = 2, BIFLOW_INITIATOR = 1 };

/* Sizes of the extensions of layout 1, by number; 0 = not known, and nothing behind it is read. */
static const uint8_t extension_bytes[] = {
    [4] = 4,   [5] = 8,   [6] = 4,   [7] = 8,   [8] = 4,   [9] = 4,  [10] = 16,
    [11] = 4,  [12] = 16, [13] = 4,  [14] = 4,  [15] = 8,  [16] = 4, [17] = 8,
    [18] = 4,  [19] = 8,  [20] = 16, [21] = 16, [22] = 40, [23] = 4, [24] = 16,
    [25] = 4,  [26] = 8,  [27] = 8,  [37] = 20, [38] = 4,  [39] = 8, [40] = 32,
    [41] = 24, [42] = 24, [43] = 72, [45] = 24, [46] = 12, [48] = 8,
};
enum extension {
    EXTENSION_OUT_PACKETS_4 = 14,
    EXTENSION_OUT_PACKETS_8 = 15,
    EXTENSION_OUT_BYTES_4 = 16,
    EXTENSION_OUT_BYTES_8 = 17,
    EXTENSION_ROUTER_V4 = 23,
    EXTENSION_ROUTER_V6 = 24,
    EXTENSION_EVENT = 37,
};
enum { OLD_V6 = 1, OLD_PACKETS_8 = 2, OLD_BYTES_8 = 4, OLD_SAMPLED = 128 };

/* An extension map: where the extensions that are read stand behind a record's own fields; 0 = not
 * there, else one more than that. */
struct map_1 {
    bool is_known;
    uint16_t out_packets, out_bytes, router, event;
    bool out_packets_8, out_bytes_8, router_v6;
};

struct nfcapd {
    struct fact_sink sink;
    struct arena *arena;
    struct flow_pairs *pairs;
    unsigned layout; /* 0 = the header was not read */
    enum nfcapd_packing packing;
    struct map_1 **maps;
    size_t n_maps;
    uint32_t *vantages; /* by exporter's number */
    uint8_t *unpacked;  /* LIMIT_NFCAPD_BLOCK_BYTES */
    uint64_t strange, strange_at;
    uint16_t strange_kind;
    uint64_t gaps; /* in exporters' sequence numbers */
    uint64_t no_maps;
    uint32_t lost_size; /* of the block behind which nothing can be found; 0 = none */
    uint64_t lost_at;
};

/* A block's records, and where they are told to be: packed ones stand nowhere but in their block.
 */
struct records {
    struct nfcapd *state;
    bytes data;
    uint64_t offset, length;
    bool is_unpacked;
};

static uint16_t u16_at(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t u32_at(const uint8_t *at)
{
    return (uint32_t)u16_at(at) | (uint32_t)u16_at(at + 2) << 16;
}

static uint64_t u64_at(const uint8_t *at)
{
    return (uint64_t)u32_at(at) | (uint64_t)u32_at(at + 4) << 32;
}

/* Two numbers of 64 bits, the upper half first. */
static struct addr v6_at(const uint8_t *at)
{
    return (struct addr){.hi = u64_at(at), .lo = u64_at(at + 8)};
}

static void skip(struct nfcapd *state, uint64_t offset, uint64_t length, const char *format, ...)
    FORMAT_PRINTF(4, 5);
static void skip(struct nfcapd *state, uint64_t offset, uint64_t length, const char *format, ...)
{
    char text[LIMIT_ERR_TEXT];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (n < 0) return;
    struct skip fact = {
        .offset = offset,
        .length = length,
        .reason = {text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1},
    };
    state->sink.skip(state->sink.to, &fact);
}

static uint32_t vantage_of(struct nfcapd *state, struct addr exporter)
{
    char text[ADDR_TEXT];
    if (addr_is_none(exporter)) return 0;
    return flow_pairs_vantage(state->pairs, addr_text(text, exporter));
}

static bool is_kept(const struct nfcapd *state, uint8_t protocol, uint16_t from, uint16_t to)
{
    return (protocol == TRANSPORT_TCP || protocol == TRANSPORT_UDP) &&
           flow_pairs_keeps(state->pairs, (enum transport)protocol, from, to);
}

/* Milliseconds past the year 9999 are no time. */
static int64_t time_of(uint64_t ms)
{
    return ms < UINT64_C(253402300800000) ? (int64_t)ms * 1000 : 0;
}

static void tell(struct nfcapd *state, struct flow_record *record)
{
    record->flags_known = record->flags_known || record->flags != 0;
    if (record->last_us < record->first_us) {
        /* nfdump 1.7.1 writes both the wrong way round for some exporters of IPFIX. */
        int64_t first = record->last_us ? record->last_us : record->first_us;
        record->last_us = record->first_us;
        record->first_us = first;
    }
    /* Counters behind the exporter are those of the same packets, not of the other direction. */
    record->has_reverse =
        (record->reverse_packets || record->reverse_bytes) &&
        (record->reverse_packets != record->packets || record->reverse_bytes != record->bytes);
    state->sink.record(state->sink.to, record->last_us);
    if (!addr_is_none(record->from) && !addr_is_none(record->to))
        flow_pairs_add(state->pairs, record);
}

/* ---- Layout 2 ----------------------------------------------------------------------------------
 */

struct flow_2 {
    struct flow_record record;
    uint64_t forwarding, event;
    int64_t event_us, received_us;
};

static void read_generic(const uint8_t *at, struct flow_2 *flow)
{
    struct flow_record *out = &flow->record;
    out->first_us = time_of(u64_at(at));
    out->last_us = time_of(u64_at(at + 8));
    flow->received_us = time_of(u64_at(at + 16));
    out->packets = u64_at(at + 24);
    out->bytes = u64_at(at + 32);
    out->from_port = u16_at(at + 40);
    out->to_port = u16_at(at + 42);
    if (at[44] == TRANSPORT_TCP || at[44] == TRANSPORT_UDP) out->transport = (enum transport)at[44];
    out->flags = at[45];
    flow->forwarding = at[46];
}

static void read_element(struct nfcapd *state, unsigned type, bytes body, struct flow_2 *flow)
{
    struct flow_record *r = &flow->record;
    const uint8_t *at = body.ptr;
    if (type == ELEMENT_GENERIC && body.len >= GENERIC_BYTES) {
        read_generic(at, flow);
    } else if (type == ELEMENT_V4 && body.len >= 8) {
        r->from = addr_v4(u32_at(at));
        r->to = addr_v4(u32_at(at + 4));
    } else if (type == ELEMENT_V6 && body.len >= 32) {
        r->from = v6_at(at);
        r->to = v6_at(at + 16);
    } else if (type == ELEMENT_MISC && body.len >= 13) {
        if (at[12] == BIFLOW_INITIATOR) r->from_opened = true;
    } else if (type == ELEMENT_COUNTS && body.len >= 24) {
        r->reverse_packets = u64_at(at + 8);
        r->reverse_bytes = u64_at(at + 16);
    } else if (type == ELEMENT_RECEIVED_V4 && body.len >= 4) {
        r->vantage = vantage_of(state, addr_v4(u32_at(at)));
    } else if (type == ELEMENT_RECEIVED_V6 && body.len >= 16) {
        r->vantage = vantage_of(state, v6_at(at));
    } else if (type == ELEMENT_EVENT && body.len >= 15) {
        flow->event_us = time_of(u64_at(at));
        flow->event = at[14];
    }
}

static bool read_flow(const struct records *block, bytes record, uint64_t offset)
{
    struct nfcapd *state = block->state;
    bytes rest = {record.ptr + FLOW_HEADER, record.len - FLOW_HEADER};
    struct flow_2 flow = {.record = {.offset = offset}};
    /* The generic element stands first. */
    if (rest.len >= RECORD_HEADER + GENERIC_BYTES && u16_at(rest.ptr) == ELEMENT_GENERIC) {
        const uint8_t *at = rest.ptr + RECORD_HEADER;
        if (!is_kept(state, at[44], u16_at(at + 40), u16_at(at + 42))) {
            state->sink.record(state->sink.to, time_of(u64_at(at + 8)));
            return true;
        }
    }
    unsigned n = u16_at(record.ptr + 4);
    flow.record.vantage = state->vantages[u16_at(record.ptr + 8)];
    flow.record.is_sampled = record.ptr[10] & FLAG_SAMPLED;
    for (; n && rest.len >= RECORD_HEADER; n--) {
        unsigned type = u16_at(rest.ptr);
        size_t length = u16_at(rest.ptr + 2);
        if (length < RECORD_HEADER || length > rest.len) return false;
        bytes body = {rest.ptr + RECORD_HEADER, length - RECORD_HEADER};
        read_element(state, type, body, &flow);
        rest.ptr += length;
        rest.len -= length;
    }
    bool has_start = flow.record.first_us != 0;
    if (!flow.event_us) flow.event_us = flow.received_us;
    if (!flow.record.last_us) flow.record.last_us = flow.event_us;
    if (!has_start) flow.record.first_us = flow.record.last_us;
    netflow_record_verdict(flow.event, flow.forwarding, has_start, &flow.record);
    tell(state, &flow.record);
    return n == 0;
}

/* ---- Layout 1 ----------------------------------------------------------------------------------
 */

static void read_map(struct nfcapd *state, bytes record)
{
    if (record.len < 8) return;
    uint16_t id = u16_at(record.ptr + 4);
    struct map_1 *map = state->maps[id];
    if (!map) {
        if (state->n_maps == LIMIT_NFCAPD_MAPS) {
            state->no_maps++;
            return;
        }
        state->n_maps++;
        map = state->maps[id] = arena_new(state->arena, struct map_1);
    }
    *map = (struct map_1){.is_known = true};
    uint16_t at = 1;
    for (size_t i = 8; i + 2 <= record.len; i += 2) {
        unsigned extension = u16_at(record.ptr + i);
        if (!extension || extension >= COUNT_OF(extension_bytes)) return;
        if (extension <= 3) continue; /* what every record has */
        if (!extension_bytes[extension]) return;
        if (extension == EXTENSION_OUT_PACKETS_4 || extension == EXTENSION_OUT_PACKETS_8) {
            map->out_packets = at;
            map->out_packets_8 = extension == EXTENSION_OUT_PACKETS_8;
        } else if (extension == EXTENSION_OUT_BYTES_4 || extension == EXTENSION_OUT_BYTES_8) {
            map->out_bytes = at;
            map->out_bytes_8 = extension == EXTENSION_OUT_BYTES_8;
        } else if (extension == EXTENSION_ROUTER_V4 || extension == EXTENSION_ROUTER_V6) {
            map->router = at;
            map->router_v6 = extension == EXTENSION_ROUTER_V6;
        } else if (extension == EXTENSION_EVENT) {
            map->event = at;
        }
        if (at > UINT16_MAX - extension_bytes[extension]) return;
        at = (uint16_t)(at + extension_bytes[extension]);
    }
}

/* The bytes of an extension, or NULL. */
static const uint8_t *extension_at(bytes extensions, uint16_t at, size_t size)
{
    if (!at || extensions.len < at - 1u + size) return NULL;
    return extensions.ptr + at - 1;
}

static uint64_t count_at(struct cursor *c, bool is_8, const char *field)
{
    return is_8 ? cursor_u64le(c, field) : cursor_u32le(c, field);
}

static void read_extensions(struct nfcapd *state, const struct map_1 *map, bytes extensions,
                            struct flow_record *r, uint64_t *event, int64_t *event_us)
{
    const uint8_t *at;
    if ((at = extension_at(extensions, map->out_packets, map->out_packets_8 ? 8 : 4)))
        r->reverse_packets = map->out_packets_8 ? u64_at(at) : u32_at(at);
    if ((at = extension_at(extensions, map->out_bytes, map->out_bytes_8 ? 8 : 4)))
        r->reverse_bytes = map->out_bytes_8 ? u64_at(at) : u32_at(at);
    if ((at = extension_at(extensions, map->router, map->router_v6 ? 16 : 4)))
        r->vantage = vantage_of(state, map->router_v6 ? v6_at(at) : addr_v4(u32_at(at)));
    if ((at = extension_at(extensions, map->event, 16))) {
        *event_us = time_of(u64_at(at));
        *event = at[14];
    }
}

static bool read_common(const struct records *block, bytes record, bool is_old, uint64_t offset)
{
    struct nfcapd *state = block->state;
    struct cursor c = cursor_of(record, offset);
    struct flow_record r = {.offset = offset};
    uint64_t event = 0;
    int64_t event_us = 0;
    cursor_skip(&c, RECORD_HEADER, "record.header");
    uint8_t flags = cursor_u8(&c, "record.flags");
    cursor_skip(&c, 1, "record.tag");
    uint16_t map_id = cursor_u16le(&c, "record.map");
    uint16_t first_ms = cursor_u16le(&c, "record.first_ms");
    uint16_t last_ms = cursor_u16le(&c, "record.last_ms");
    uint32_t first = cursor_u32le(&c, "record.first");
    uint32_t last = cursor_u32le(&c, "record.last");
    uint8_t forwarding = cursor_u8(&c, "record.forwarding");
    r.flags = cursor_u8(&c, "record.tcp_flags");
    uint8_t protocol = cursor_u8(&c, "record.protocol");
    cursor_skip(&c, 1, "record.tos");
    r.from_port = cursor_u16le(&c, "record.from_port");
    r.to_port = cursor_u16le(&c, "record.to_port");
    uint16_t sysid = is_old ? 0 : cursor_u16le(&c, "record.exporter");
    uint8_t direction = is_old ? 0 : cursor_u8(&c, "record.biflow_direction");
    if (!is_old) cursor_skip(&c, 1, "record.end_reason");
    r.first_us = time_of((uint64_t)first * 1000 + first_ms);
    r.last_us = time_of((uint64_t)last * 1000 + last_ms);
    if (!cursor_ok(&c)) return false;
    if (!is_kept(state, protocol, r.from_port, r.to_port)) {
        state->sink.record(state->sink.to, r.last_us);
        return true;
    }
    r.transport = (enum transport)protocol;
    bool is_v6 = flags & OLD_V6;
    bytes ends = cursor_bytes(&c, is_v6 ? 32 : 8, "record.addresses");
    r.packets = count_at(&c, flags & OLD_PACKETS_8, "record.packets");
    r.bytes = count_at(&c, flags & OLD_BYTES_8, "record.bytes");
    if (!cursor_ok(&c) || !ends.len) return false;
    r.from = is_v6 ? v6_at(ends.ptr) : addr_v4(u32_at(ends.ptr));
    r.to = is_v6 ? v6_at(ends.ptr + 16) : addr_v4(u32_at(ends.ptr + 4));
    r.vantage = state->vantages[sysid];
    r.is_sampled = flags & OLD_SAMPLED;
    r.from_opened = direction == BIFLOW_INITIATOR;
    const struct map_1 *map = state->maps[map_id];
    bytes extensions = cursor_bytes(&c, cursor_left(&c), "record.extensions");
    if (map && map->is_known) read_extensions(state, map, extensions, &r, &event, &event_us);
    bool has_start = r.first_us != 0;
    if (!has_start) r.first_us = r.last_us = event_us;
    netflow_record_verdict(event, forwarding, has_start, &r);
    tell(state, &r);
    return true;
}

/* ---- Blocks ------------------------------------------------------------------------------------
 */

/* Its number, and its address: in nfdump's own form, whose family tells which half counts; since
 * 1.7.5 as 16 bytes like any other. */
static void read_exporter(struct nfcapd *state, bytes record)
{
    enum { BYTES = 32, FAMILY_V4 = 2, FAMILY_V6 = 10 };
    if (record.len < BYTES) return;
    const uint8_t *ip = record.ptr + 8;
    uint16_t family = u16_at(record.ptr + 24), sysid = u16_at(record.ptr + 26);
    struct addr exporter = addr_from_bytes(ip);
    if (family == FAMILY_V4) exporter = addr_v4(u32_at(ip + 8));
    if (family == FAMILY_V6) exporter = v6_at(ip);
    state->vantages[sysid] = vantage_of(state, exporter);
}

static void read_statistics(struct nfcapd *state, bytes record)
{
    enum { HEADER = 8, ENTRY = 24 };
    for (size_t at = HEADER; at + ENTRY <= record.len; at += ENTRY)
        state->gaps += u32_at(record.ptr + at + 4);
}

static bool is_known_kind(uint16_t kind)
{
    for (size_t i = 0; i < COUNT_OF(known_kinds); i++)
        if (known_kinds[i] == kind) return true;
    return false;
}

static bool read_record(const struct records *block, uint16_t kind, bytes record, uint64_t offset)
{
    struct nfcapd *state = block->state;
    switch (kind) {
    case KIND_FLOW:
        return record.len >= FLOW_HEADER && read_flow(block, record, offset);
    case KIND_COMMON:
    case KIND_COMMON_OLD:
        return read_common(block, record, kind == KIND_COMMON_OLD, offset);
    case KIND_MAP:
        read_map(state, record);
        return true;
    case KIND_EXPORTER:
        read_exporter(state, record);
        return true;
    case KIND_EXPORTER_STATISTICS:
        read_statistics(state, record);
        return true;
    default:
        if (is_known_kind(kind)) return true;
        if (!state->strange++) {
            state->strange_at = offset;
            state->strange_kind = kind;
        }
        return true;
    }
}

static void read_records(const struct records *block)
{
    struct nfcapd *state = block->state;
    size_t at = 0;
    while (block->data.len - at >= RECORD_HEADER) {
        bytes rest = {block->data.ptr + at, block->data.len - at};
        uint16_t kind = u16_at(rest.ptr);
        size_t size = u16_at(rest.ptr + 2);
        uint64_t offset = block->offset + (block->is_unpacked ? 0 : at);
        if (size < RECORD_HEADER || size > rest.len) {
            skip(state, offset, block->is_unpacked ? block->length : rest.len,
                 "a record of %zu bytes where %zu are left: the rest of the block is not read",
                 size, rest.len);
            return;
        }
        if (!read_record(block, kind, (bytes){rest.ptr, size}, offset))
            skip(state, offset, block->is_unpacked ? 0 : size, "a damaged record of kind %u", kind);
        at += size;
    }
}

static void read_block(struct nfcapd *state, bytes body, uint16_t flags, uint64_t offset)
{
    struct records block = {
        .state = state,
        .data = body,
        .offset = offset,
        .length = body.len,
    };
    if (state->packing != NFCAPD_PLAIN && !(flags & BLOCK_IS_PLAIN)) {
        size_t n = 0;
        if (!state->unpacked)
            state->unpacked = arena_array(state->arena, uint8_t, LIMIT_NFCAPD_BLOCK_BYTES);
        if (!nfcapd_unpack(state->packing, body, state->unpacked, LIMIT_NFCAPD_BLOCK_BYTES, &n))
            skip(state, offset, body.len, "a packed block is damaged after %zu unpacked bytes", n);
        block.data = (bytes){state->unpacked, n};
        block.is_unpacked = true;
    }
    read_records(&block);
}

/* ---- The file ----------------------------------------------------------------------------------
 */

static size_t header_bytes(uint16_t layout)
{
    return layout == LAYOUT_1 ? HEADER_1 : layout == LAYOUT_2 ? HEADER_2 : 0;
}

/* Layout 1 has a bit for each way of packing. */
static bool packing_of(uint16_t layout, const uint8_t *header, enum nfcapd_packing *out)
{
    enum { LZO = 1, BZIP2 = 8, LZ4 = 16, AT_1 = 4, AT_2 = 16 };
    if (layout == LAYOUT_2) {
        if (header[AT_2] >= NFCAPD_PACKINGS) return false;
        *out = (enum nfcapd_packing)header[AT_2];
        return true;
    }
    uint32_t bits = u32_at(header + AT_1);
    *out = bits & LZO     ? NFCAPD_LZO
           : bits & BZIP2 ? NFCAPD_BZIP2
           : bits & LZ4   ? NFCAPD_LZ4
                          : NFCAPD_PLAIN;
    return true;
}

static bool recognise(bytes head)
{
    enum nfcapd_packing packing;
    if (head.len < HEADER_2 || u16_at(head.ptr) != MAGIC) return false;
    uint16_t layout = u16_at(head.ptr + 2);
    return header_bytes(layout) && packing_of(layout, head.ptr, &packing);
}

static void *open_state(struct arena *arena, const struct reader_options *options,
                        const struct fact_sink *sink)
{
    (void)options;
    struct nfcapd *state = arena_new(arena, struct nfcapd);
    state->sink = *sink;
    state->arena = arena;
    state->pairs = flow_pairs_open(arena, sink);
    flow_pairs_join_vantages(state->pairs);
    state->maps = arena_array(arena, struct map_1 *, MAPS);
    state->vantages = arena_array(arena, uint32_t, SYSIDS);
    return state;
}

/* False: nothing can be read of this file, and that was reported. */
static bool take_header(struct nfcapd *state, struct window window)
{
    enum { ENCRYPTION = 17 };
    const uint8_t *header = window.data.ptr;
    uint16_t layout = window.data.len >= HEADER_2 ? u16_at(header + 2) : 0;
    if (!layout || window.data.len < header_bytes(layout)) {
        skip(state, window.offset, window.data.len, "the file ends inside its header");
        return false;
    }
    if (!packing_of(layout, header, &state->packing)) {
        skip(state, window.offset, window.data.len, "packed in a way (%u) that is not known",
             header[16]);
        return false;
    }
    if (layout == LAYOUT_2 && header[ENCRYPTION]) {
        skip(state, window.offset, window.data.len, "the file is encrypted");
        return false;
    }
    state->layout = layout;
    return true;
}

/* One block from the front of the window: bytes used, or 0 when more are needed (*want). */
static size_t take_block(struct nfcapd *state, struct window window, size_t *want)
{
    struct cursor c = cursor_of(window.data, window.offset);
    cursor_skip(&c, 4, "block.records");
    uint32_t size = cursor_u32le(&c, "block.size");
    uint16_t type = cursor_u16le(&c, "block.type");
    uint16_t flags = cursor_u16le(&c, "block.flags");
    *want = BLOCK_HEADER;
    if (!cursor_ok(&c) && !window.last) return 0;
    bool is_cut = !cursor_ok(&c);
    if (!is_cut && size > LIMIT_NFCAPD_BLOCK_BYTES) {
        state->lost_size = size;
        state->lost_at = window.offset;
        return window.data.len;
    }
    *want = BLOCK_HEADER + (size_t)size;
    if (!is_cut && size > cursor_left(&c)) {
        if (!window.last) return 0;
        is_cut = true;
    }
    size_t used = is_cut ? window.data.len : *want;
    if (is_cut) skip(state, window.offset, window.data.len, "the file ends inside a block");
    if (!cursor_ok(&c)) return used;
    state->sink.content(state->sink.to, (bytes){window.data.ptr, used});
    bytes body = cursor_bytes(&c, is_cut ? cursor_left(&c) : size, "block.body");
    if (type == (state->layout == LAYOUT_1 ? BLOCK_1 : BLOCK_2))
        read_block(state, body, flags, window.offset + BLOCK_HEADER);
    else
        skip(state, window.offset, used, "a block of kind %u is not read", type);
    return used;
}

static bool feed(void *self, struct window window, size_t *consumed, size_t *want)
{
    struct nfcapd *state = self;
    struct window rest = window;
    *want = *consumed = 0;
    if (!state->layout) {
        if (window.data.len < HEADER_1 && !window.last) {
            *want = HEADER_1;
            return true;
        }
        if (!take_header(state, window)) {
            *consumed = window.data.len;
            return false;
        }
        size_t header = header_bytes((uint16_t)state->layout);
        rest.data.ptr += header;
        rest.data.len -= header;
        rest.offset += header;
    }
    while (rest.data.len) {
        size_t used = state->lost_size ? rest.data.len : take_block(state, rest, want);
        if (!used) break;
        rest.data.ptr += used;
        rest.data.len -= used;
        rest.offset += used;
    }
    *consumed = window.data.len - rest.data.len;
    if (state->lost_size && window.last)
        skip(state, state->lost_at, rest.offset - state->lost_at,
             "a block of %" PRIu32 " bytes: what comes next can't be found", state->lost_size);
    return true;
}

static void close_state(void *self)
{
    struct nfcapd *state = self;
    flow_pairs_close(state->pairs);
    if (state->strange)
        skip(state, state->strange_at, 0,
             "%" PRIu64 " records of kinds that are not read, first %u", state->strange,
             state->strange_kind);
    if (state->gaps)
        skip(state, 0, 0, "the collector counted %" PRIu64 " gaps in exporters' numbers",
             state->gaps);
    if (state->no_maps)
        skip(state, 0, 0, "%" PRIu64 " extension maps past %d: their extensions are not read",
             state->no_maps, LIMIT_NFCAPD_MAPS);
}

const struct reader nfcapd_reader = {
    .name = {"nfcapd",                                     6 },
    .summary = {"flow files of nfdump's collectors (nfcapd)", 42},
    .overlap = OVERLAP_CONTENT_HASH,
    .host_follows = true,
    .recognise = recognise,
    .open = open_state,
    .feed = feed,
    .close = close_state,
};
