/* SPDX-License-Identifier: Apache-2.0 */
/* The pcapng capture format (draft-ietf-opsawg-pcapng): blocks of type, length, body and the length
 * again, multiples of 4. Sections in either byte order follow each other; each has interfaces with
 * a link type and a clock of their own. Blocks of no interest are stepped over by length, also when
 * they are longer than a window. Where a length is not true, the next block that is is looked for.
 */
#include "base/instant.h"
#include "evidence/capture.h"
#include "wire/link.h"

enum block_type {
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 2, /* obsolete */
    BLOCK_SIMPLE = 3,
    BLOCK_NAMES = 4,
    BLOCK_STATISTICS = 5,
    BLOCK_ENHANCED = 6,
    BLOCK_SECTION = 0x0A0D0D0A,
};

enum { BLOCK_OVERHEAD = 12, SECTION_LEAST = 28 };
enum { OPTION_END = 0, OPTION_RESOLUTION = 9, OPTION_OFFSET = 14 };

#define BYTE_ORDER_MAGIC UINT32_C(0x1A2B3C4D)

struct interface {
    uint16_t link_type;
    uint32_t snap;
    uint64_t per_second; /* units of the clock */
    int64_t offset_s;
    bool is_skipped; /* its link type is not read */
};

struct state {
    struct capture *capture;
    struct arena *arena;
    struct interface *interfaces;
    size_t n_interfaces, room;
    uint64_t beyond; /* interfaces that found no room */
    bool is_big, has_section, is_lost;
    uint64_t lost_at;
    uint64_t skip; /* of a block that is stepped over */
    int64_t last_us;
};

static bool is_section(bytes head)
{
    static const uint8_t type[4] = {0x0A, 0x0D, 0x0D, 0x0A};
    static const uint8_t big[4] = {0x1A, 0x2B, 0x3C, 0x4D};
    static const uint8_t little[4] = {0x4D, 0x3C, 0x2B, 0x1A};
    if (head.len < 12 || memcmp(head.ptr, type, 4) != 0) return false;
    return memcmp(head.ptr + 8, big, 4) == 0 || memcmp(head.ptr + 8, little, 4) == 0;
}

static bool recognise(bytes head)
{
    return is_section(head);
}

static void *open_state(struct arena *arena, const struct reader_options *options,
                        const struct fact_sink *sink)
{
    (void)options;
    struct state *state = arena_new(arena, struct state);
    state->arena = arena;
    state->capture = capture_open(arena, sink);
    return state;
}

static uint16_t read_u16(const struct state *state, struct cursor *c, const char *field)
{
    return state->is_big ? cursor_u16be(c, field) : cursor_u16le(c, field);
}

static uint32_t read_u32(const struct state *state, struct cursor *c, const char *field)
{
    return state->is_big ? cursor_u32be(c, field) : cursor_u32le(c, field);
}

static uint64_t read_u64(const struct state *state, struct cursor *c, const char *field)
{
    return state->is_big ? cursor_u64be(c, field) : cursor_u64le(c, field);
}

/* if_tsresol: a power of ten, or of two when the highest bit is set. Finer than 64 bits can count
 * is no clock. */
static uint64_t units_per_second(uint8_t resolution)
{
    unsigned power = resolution & 0x7F;
    if (resolution & 0x80) return power < 64 ? UINT64_C(1) << power : 0;
    uint64_t units = 1;
    if (power > 19) return 0;
    for (unsigned i = 0; i < power; i++)
        units *= 10;
    return units;
}

static void read_options(const struct state *state, struct cursor *c, struct interface *out)
{
    while (cursor_left(c) >= 4) {
        uint16_t code = read_u16(state, c, "option.code");
        uint16_t length = read_u16(state, c, "option.length");
        struct cursor value = cursor_take(c, length, "option.value");
        cursor_skip(c, (4u - length % 4u) % 4u, "option.padding");
        if (!cursor_ok(c) || code == OPTION_END) return;
        if (code == OPTION_RESOLUTION && length == 1) {
            uint64_t units = units_per_second(cursor_u8(&value, "if_tsresol"));
            if (units) out->per_second = units;
        }
        if (code == OPTION_OFFSET && length == 8)
            out->offset_s = (int64_t)read_u64(state, &value, "if_tsoffset");
    }
}

static void take_interface(struct state *state, struct cursor c, uint64_t offset)
{
    struct interface interface = {.per_second = 1000000};
    interface.link_type = read_u16(state, &c, "interface.link_type");
    cursor_skip(&c, 2, "interface.reserved");
    interface.snap = read_u32(state, &c, "interface.snap_length");
    if (!cursor_ok(&c)) {
        capture_skip(state->capture, offset, 0, "an interface block without its link type");
        interface.is_skipped = true; /* it counts: packets name interfaces by number */
    } else if (!link_is_known(interface.link_type)) {
        capture_skip_link(state->capture, offset, interface.link_type);
        interface.is_skipped = true;
    }
    read_options(state, &c, &interface);
    if (state->n_interfaces == LIMIT_INTERFACES) {
        if (!state->beyond++)
            capture_skip(state->capture, offset, 0,
                         "more than %d interfaces: packets of the others are left out",
                         LIMIT_INTERFACES);
        return;
    }
    arena_grow(state->arena, state->interfaces, state->n_interfaces, state->room);
    state->interfaces[state->n_interfaces++] = interface;
}

/* Time of a packet; a clock that leaves the years that RFC 3339 can write, 1 to 9999, is held at
 * their ends. */
static int64_t time_us(const struct interface *interface, uint64_t units)
{
    const int64_t least_s = INT64_C(-62135596800), most_s = INT64_C(253402300799);
    uint64_t seconds = units / interface->per_second;
    uint64_t rest = units % interface->per_second;
    int64_t whole = seconds > (uint64_t)most_s ? most_s : (int64_t)seconds;
    int64_t offset = interface->offset_s;
    if (offset > most_s) offset = most_s;
    if (offset < -2 * most_s) offset = -2 * most_s;
    /* rest * 10^6 / per_second without leaving 64 bits */
    uint64_t fraction = 0;
    if (interface->per_second <= UINT64_MAX / 1000000)
        fraction = rest * 1000000 / interface->per_second;
    else
        fraction = rest / (interface->per_second / 1000000);
    int64_t sum = whole + offset;
    if (sum > most_s) sum = most_s;
    if (sum < least_s) sum = least_s;
    return sum * INSTANT_SECOND + (int64_t)(fraction > 999999 ? 999999 : fraction);
}

static void take_frame(struct state *state, uint32_t index, bytes data, uint32_t sent,
                       int64_t at_us, uint64_t offset)
{
    struct capture_frame frame = {
        .link_type = state->interfaces[index].link_type,
        .data = data,
        .at_us = at_us,
        .offset = offset,
        .is_cut = data.len < sent,
    };
    state->last_us = at_us;
    capture_frame(state->capture, &frame);
}

/* An enhanced packet, or the obsolete kind, which has a shorter interface number and a counter. */
static void take_packet(struct state *state, struct cursor c, uint32_t type, uint64_t offset)
{
    uint32_t index = 0;
    if (type == BLOCK_ENHANCED) {
        index = read_u32(state, &c, "packet.interface");
    } else {
        index = read_u16(state, &c, "packet.interface");
        cursor_skip(&c, 2, "packet.drops");
    }
    uint64_t high = read_u32(state, &c, "packet.time_high");
    uint64_t low = read_u32(state, &c, "packet.time_low");
    uint32_t captured = read_u32(state, &c, "packet.captured");
    uint32_t sent = read_u32(state, &c, "packet.sent");
    bytes data = cursor_bytes(&c, captured, "packet.data");
    if (!cursor_ok(&c)) {
        capture_skip(state->capture, offset, 0, "a packet that does not fit its block");
        return;
    }
    if (index >= state->n_interfaces) {
        if (!state->beyond)
            capture_skip(state->capture, offset, 0,
                         "a packet of interface %" PRIu32 ", which is not described", index);
        return;
    }
    const struct interface *interface = &state->interfaces[index];
    if (interface->is_skipped) return;
    take_frame(state, index, data, sent, time_us(interface, high << 32 | low), offset);
}

/* A simple packet has no time: it is that of the packet before it. */
static void take_simple(struct state *state, struct cursor c, uint64_t offset)
{
    uint32_t sent = read_u32(state, &c, "simple.sent");
    if (!cursor_ok(&c) || state->n_interfaces == 0) {
        capture_skip(state->capture, offset, 0, "a packet of an interface that is not described");
        return;
    }
    const struct interface *interface = &state->interfaces[0];
    if (interface->is_skipped) return;
    size_t captured = sent;
    if (interface->snap && interface->snap < captured) captured = interface->snap;
    if (cursor_left(&c) < captured) captured = cursor_left(&c);
    bytes data = cursor_bytes(&c, captured, "simple.data");
    take_frame(state, 0, data, sent, state->last_us, offset);
}

static void take_body(struct state *state, uint32_t type, struct cursor body, uint64_t offset)
{
    switch (type) {
    case BLOCK_INTERFACE:
        take_interface(state, body, offset);
        return;
    case BLOCK_ENHANCED:
    case BLOCK_PACKET:
        take_packet(state, body, type, offset);
        return;
    case BLOCK_SIMPLE:
        take_simple(state, body, offset);
        return;
    default:
        return;
    }
}

static bool is_read(uint32_t type)
{
    return type == BLOCK_INTERFACE || type == BLOCK_PACKET || type == BLOCK_SIMPLE ||
           type == BLOCK_ENHANCED;
}

/* A new section: byte order and interfaces begin anew. */
static void begin_section(struct state *state, bytes head)
{
    state->is_big = head.ptr[8] == 0x1A;
    state->has_section = true;
    state->n_interfaces = 0;
}

static size_t lose(struct state *state, struct window window)
{
    state->is_lost = true;
    state->lost_at = window.offset;
    return 4 < window.data.len ? 4 : window.data.len;
}

/* One block from the front of the window: bytes used, or 0 when more are needed (*want). */
static size_t take_block(struct state *state, struct window window, size_t *want)
{
    *want = BLOCK_OVERHEAD;
    if (window.data.len < BLOCK_OVERHEAD) return 0;
    if (is_section(window.data)) begin_section(state, window.data);
    if (!state->has_section) return lose(state, window);

    struct cursor c = cursor_of(window.data, window.offset);
    uint32_t type = read_u32(state, &c, "block.type");
    uint32_t length = read_u32(state, &c, "block.length");
    if (length < BLOCK_OVERHEAD || length % 4) return lose(state, window);
    if (type == BLOCK_SECTION && length < SECTION_LEAST) return lose(state, window);
    if (!is_read(type)) {
        state->skip = length;
        return window.data.len < length ? window.data.len : length;
    }
    if (length > LIMIT_RECORD_BYTES) return lose(state, window);
    *want = length;
    struct cursor body = cursor_take(&c, length - BLOCK_OVERHEAD, "block.body");
    uint32_t again = read_u32(state, &c, "block.length");
    if (!cursor_ok(&c)) return 0;
    if (again != length) return lose(state, window);
    capture_content(state->capture, (bytes){window.data.ptr, length});
    take_body(state, type, body, window.offset);
    return length;
}

enum look { LOOK_NO, LOOK_YES, LOOK_MORE };

/* A block where one is looked for: its length stands at both ends. */
static enum look looks_like_block(const struct state *state, bytes at)
{
    if (is_section(at)) return LOOK_YES;
    struct cursor c = cursor_of(at, 0);
    uint32_t type = read_u32(state, &c, "block.type");
    uint32_t length = read_u32(state, &c, "block.length");
    if (!cursor_ok(&c) || !state->has_section || type == 0 || type > BLOCK_ENHANCED) return LOOK_NO;
    if (length < BLOCK_OVERHEAD || length % 4 || length > LIMIT_RECORD_BYTES) return LOOK_NO;
    cursor_skip(&c, length - BLOCK_OVERHEAD, "block.body");
    uint32_t again = read_u32(state, &c, "block.length");
    if (!cursor_ok(&c)) return LOOK_MORE;
    return again == length ? LOOK_YES : LOOK_NO;
}

/* After a damaged block: how many bytes to step over to reach one that looks true, or may when more
 * is seen. */
static size_t find_block(struct state *state, struct window window, size_t *want)
{
    size_t at = 0;
    for (; window.data.len - at >= BLOCK_OVERHEAD; at++) {
        bytes rest = {window.data.ptr + at, window.data.len - at};
        enum look look = looks_like_block(state, rest);
        if (look == LOOK_MORE && !window.last) {
            *want = rest.len + LIMIT_WINDOW_BYTES;
            return at;
        }
        if (look != LOOK_YES) continue;
        capture_skip(state->capture, state->lost_at, window.offset + at - state->lost_at,
                     "a block length that cannot be true; reading goes on at the next block");
        state->is_lost = false;
        return at;
    }
    if (!window.last) return at;
    capture_skip(state->capture, state->lost_at, window.offset + window.data.len - state->lost_at,
                 "a block length that cannot be true, and no block behind it");
    state->is_lost = false;
    return window.data.len;
}

static size_t step(struct state *state, struct window window, size_t *want)
{
    if (state->skip) {
        size_t n = state->skip < window.data.len ? (size_t)state->skip : window.data.len;
        state->skip -= n;
        return n;
    }
    if (state->is_lost) return find_block(state, window, want);
    size_t used = take_block(state, window, want);
    if (state->skip) {
        state->skip -= used;
        return used;
    }
    return used;
}

static bool feed(void *self, struct window window, size_t *consumed, size_t *want)
{
    struct state *state = self;
    struct window rest = window;
    *want = 0;
    while (rest.data.len) {
        bool was_lost = state->is_lost;
        size_t used = step(state, rest, want);
        if (used == 0 && state->is_lost != was_lost) continue; /* found where it stands */
        if (used == 0 && rest.last) {
            capture_skip(state->capture, rest.offset, rest.data.len,
                         "the file ends inside a block");
            used = rest.data.len;
        }
        if (used == 0) break;
        rest.data.ptr += used;
        rest.data.len -= used;
        rest.offset += used;
    }
    if (rest.last && state->skip && !rest.data.len) {
        capture_skip(state->capture, rest.offset, 0, "the file ends inside a block");
        state->skip = 0;
    }
    *consumed = window.data.len - rest.data.len;
    return true;
}

static void close_state(void *self)
{
    struct state *state = self;
    capture_close(state->capture);
}

const struct reader capture_pcapng_reader = {
    .name = {"pcapng",               6 },
    .summary = {"pcapng capture files", 20},
    .overlap = OVERLAP_CONTENT_HASH,
    .recognise = recognise,
    .open = open_state,
    .feed = feed,
    .close = close_state,
};
