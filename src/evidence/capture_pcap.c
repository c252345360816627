/* SPDX-License-Identifier: Apache-2.0 */
/* The libpcap capture format (draft-ietf-opsawg-pcap): 24 bytes of file header, then records of 16
 * bytes and the frame. Both byte orders, microseconds and nanoseconds, and Kuznetzov's records with
 * 8 bytes more. A record whose header can't be true is stepped over to the next pair that can.
 */
#include "base/instant.h"
#include "evidence/capture.h"
#include "wire/link.h"

enum {
    FILE_HEADER = 24,
    RECORD_HEADER = 16,
    FRAME_MOST = 262144, /* what libpcap itself refuses to exceed, unless the file says more */
};

struct state {
    struct capture *capture;
    struct fact_sink sink;
    bool is_big, is_nano, has_header, is_lost;
    uint32_t extra; /* bytes behind a record header */
    uint32_t link_type, frame_most;
    uint64_t lost_at;
    int64_t last_s;
};

static const struct {
    uint8_t magic[4];
    bool is_big, is_nano;
    uint32_t extra;
} magics[] = {
    {{0xD4, 0xC3, 0xB2, 0xA1}, false, false, 0},
    {{0xA1, 0xB2, 0xC3, 0xD4}, true,  false, 0},
    {{0x4D, 0x3C, 0xB2, 0xA1}, false, true,  0},
    {{0xA1, 0xB2, 0x3C, 0x4D}, true,  true,  0},
    {{0x34, 0xCD, 0xB2, 0xA1}, false, false, 8},
    {{0xA1, 0xB2, 0xCD, 0x34}, true,  false, 8},
};

static bool recognise(bytes head)
{
    if (head.len < FILE_HEADER) return false;
    for (size_t i = 0; i < COUNT_OF(magics); i++)
        if (memcmp(head.ptr, magics[i].magic, sizeof magics[i].magic) == 0) return true;
    return false;
}

static void *open_state(struct arena *arena, const struct reader_options *options,
                        const struct fact_sink *sink)
{
    (void)options;
    struct state *state = arena_new(arena, struct state);
    state->sink = *sink;
    state->capture = capture_open(arena, sink);
    return state;
}

static uint32_t read_u32(struct cursor *c, bool is_big, const char *field)
{
    return is_big ? cursor_u32be(c, field) : cursor_u32le(c, field);
}

/* False: nothing can be read of this file, and that was reported. */
static bool take_file_header(struct state *state, struct window window)
{
    struct cursor c = cursor_of(window.data, window.offset);
    bytes magic = cursor_bytes(&c, 4, "pcap.magic");
    for (size_t i = 0; magic.len && i < COUNT_OF(magics); i++) {
        if (memcmp(magic.ptr, magics[i].magic, magic.len) != 0) continue;
        state->is_big = magics[i].is_big;
        state->is_nano = magics[i].is_nano;
        state->extra = magics[i].extra;
    }
    cursor_skip(&c, 4 + 4 + 4, "pcap.version");
    uint32_t snap = read_u32(&c, state->is_big, "pcap.snap_length");
    /* The upper bits tell the length of the frame check sequence. */
    state->link_type = read_u32(&c, state->is_big, "pcap.link_type") & 0x0FFFFFFF;
    if (!cursor_ok(&c)) {
        capture_skip(state->capture, window.offset, window.data.len,
                     "the file ends inside its header");
        return false;
    }
    state->frame_most = snap > FRAME_MOST ? snap : FRAME_MOST;
    if (state->frame_most > LIMIT_RECORD_BYTES - RECORD_HEADER - 8)
        state->frame_most = LIMIT_RECORD_BYTES - RECORD_HEADER - 8;
    state->has_header = true;
    capture_content(state->capture, (bytes){window.data.ptr, FILE_HEADER});
    if (link_is_known(state->link_type)) return true;
    capture_skip_link(state->capture, window.offset + 20, state->link_type);
    return false;
}

struct record {
    uint32_t seconds, fraction, captured, sent;
};

static bool record_read(const struct state *state, struct cursor *c, struct record *out)
{
    out->seconds = read_u32(c, state->is_big, "record.seconds");
    out->fraction = read_u32(c, state->is_big, "record.fraction");
    out->captured = read_u32(c, state->is_big, "record.captured");
    out->sent = read_u32(c, state->is_big, "record.sent");
    cursor_skip(c, state->extra, "record.extra");
    return cursor_ok(c);
}

enum look { LOOK_NO, LOOK_YES, LOOK_MORE };

/* Stricter than what is read in good order: a record where one is looked for, with its successor.
 */
static enum look looks_like_record(const struct state *state, bytes at, bool is_last)
{
    enum { DAY_S = 86400 };
    struct cursor c = cursor_of(at, 0);
    for (unsigned i = 0; i < 2; i++) {
        struct record r;
        if (i == 1 && cursor_left(&c) == 0) return is_last ? LOOK_YES : LOOK_MORE;
        if (!record_read(state, &c, &r)) return LOOK_MORE;
        uint32_t fractions = state->is_nano ? 1000000000 : 1000000;
        if (r.captured == 0 || r.captured > r.sent || r.captured > state->frame_most)
            return LOOK_NO;
        if (r.fraction >= fractions || r.sent > LIMIT_RECORD_BYTES) return LOOK_NO;
        if (r.seconds < state->last_s - DAY_S || r.seconds > state->last_s + DAY_S) return LOOK_NO;
        cursor_skip(&c, r.captured, "record.frame");
        if (!cursor_ok(&c)) return LOOK_MORE;
    }
    return LOOK_YES;
}

/* After a damaged record: how many bytes to step over to reach one that looks true, or may when
 * more is seen. */
static size_t find_record(struct state *state, struct window window, size_t *want)
{
    size_t header = RECORD_HEADER + state->extra;
    size_t at = 0;
    for (; window.data.len - at >= header; at++) {
        bytes rest = {window.data.ptr + at, window.data.len - at};
        enum look look = looks_like_record(state, rest, window.last);
        if (look == LOOK_MORE && !window.last && rest.len < LIMIT_RECORD_BYTES / 2) {
            *want = rest.len + LIMIT_WINDOW_BYTES;
            return at;
        }
        if (look != LOOK_YES) continue;
        capture_skip(state->capture, state->lost_at, window.offset + at - state->lost_at,
                     "a record header that cannot be true; reading goes on at the next");
        state->is_lost = false;
        return at;
    }
    if (!window.last) return at;
    capture_skip(state->capture, state->lost_at, window.offset + window.data.len - state->lost_at,
                 "a record header that cannot be true, and none behind it that can");
    state->is_lost = false;
    return window.data.len;
}

static void take_frame(struct state *state, const struct record *r, bytes frame, uint64_t offset)
{
    uint32_t to_us = state->is_nano ? 1000 : 1;
    struct capture_frame captured = {
        .link_type = state->link_type,
        .data = frame,
        .at_us = (int64_t)r->seconds * INSTANT_SECOND + r->fraction / to_us,
        .offset = offset,
        .is_cut = r->captured < r->sent,
    };
    state->last_s = r->seconds;
    capture_frame(state->capture, &captured);
}

/* One record from the front of the window: bytes used, or 0 when more are needed (*want). */
static size_t take_record(struct state *state, struct window window, size_t *want)
{
    struct cursor c = cursor_of(window.data, window.offset);
    struct record r;
    size_t header = RECORD_HEADER + state->extra;
    *want = header;
    if (!record_read(state, &c, &r)) return 0;
    if (r.captured > state->frame_most) {
        state->is_lost = true;
        state->lost_at = window.offset;
        return 1;
    }
    *want = header + r.captured;
    bytes frame = cursor_bytes(&c, r.captured, "record.frame");
    if (!cursor_ok(&c)) return 0;
    capture_content(state->capture, (bytes){window.data.ptr, *want});
    take_frame(state, &r, frame, window.offset);
    return *want;
}

static bool feed(void *self, struct window window, size_t *consumed, size_t *want)
{
    struct state *state = self;
    struct window rest = window;
    *want = 0;
    if (!state->has_header) {
        if (window.data.len < FILE_HEADER && !window.last) {
            *consumed = 0;
            *want = FILE_HEADER;
            return true;
        }
        if (!take_file_header(state, window)) {
            *consumed = window.data.len;
            return false;
        }
        rest.data.ptr += FILE_HEADER;
        rest.data.len -= FILE_HEADER;
        rest.offset += FILE_HEADER;
    }
    while (rest.data.len) {
        bool was_lost = state->is_lost;
        size_t used = was_lost ? find_record(state, rest, want) : take_record(state, rest, want);
        if (used == 0 && state->is_lost != was_lost) continue; /* found where it stands */
        if (used == 0 && rest.last) {
            capture_skip(state->capture, rest.offset, rest.data.len,
                         "the file ends inside a record");
            used = rest.data.len;
        }
        if (used == 0) break;
        rest.data.ptr += used;
        rest.data.len -= used;
        rest.offset += used;
    }
    *consumed = window.data.len - rest.data.len;
    return true;
}

static void close_state(void *self)
{
    struct state *state = self;
    capture_close(state->capture);
}

const struct reader capture_pcap_reader = {
    .name = {"pcap",                  4 },
    .summary = {"libpcap capture files", 21},
    .overlap = OVERLAP_CONTENT_HASH,
    .recognise = recognise,
    .open = open_state,
    .feed = feed,
    .close = close_state,
};
