/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/nfcapd_unpack.h"

#include "base/unpack.h"

/* Sticky, like a cursor: a read or copy that does not fit fails, and all after it. */
struct unpacking {
    const uint8_t *in, *in_end;
    uint8_t *out, *out_start, *out_end;
    bool failed;
};

static unsigned next(struct unpacking *u)
{
    if (u->in == u->in_end) u->failed = true;
    return u->failed ? 0 : *u->in++;
}

static unsigned next_u16le(struct unpacking *u)
{
    unsigned low = next(u);
    unsigned high = next(u);
    return high << 8 | low;
}

enum { CHUNK = 16 };

/* Most pieces are short: where there is room they are copied in chunks, past their end. */
static void literals(struct unpacking *u, size_t n)
{
    size_t in_left = (size_t)(u->in_end - u->in), out_left = (size_t)(u->out_end - u->out);
    if (n <= CHUNK && in_left >= CHUNK && out_left >= CHUNK) {
        memcpy(u->out, u->in, CHUNK);
    } else {
        if (n > in_left || n > out_left) u->failed = true;
        if (u->failed) return;
        memcpy(u->out, u->in, n);
    }
    u->in += n;
    u->out += n;
}

/* What was written `distance` bytes ago, again; it may reach into itself. */
static void match(struct unpacking *u, size_t distance, size_t n)
{
    size_t out_left = (size_t)(u->out_end - u->out);
    if (distance == 0 || distance > (size_t)(u->out - u->out_start) || n > out_left)
        u->failed = true;
    if (u->failed) return;
    const uint8_t *from = u->out - distance;
    if (distance >= CHUNK && out_left - n >= CHUNK) {
        for (size_t i = 0; i < n; i += CHUNK)
            memcpy(u->out + i, from + i, CHUNK);
    } else if (distance >= n) {
        memcpy(u->out, from, n);
    } else {
        for (size_t i = 0; i < n; i++)
            u->out[i] = from[i];
    }
    u->out += n;
}

/* Each block of LZ4 ends with literals (LZ4 block format: a sequence is a token, literals, offset,
 * match; 15 in half a token means that bytes follow, up to one below 255). */
static void unpack_lz4(struct unpacking *u)
{
    while (!u->failed && u->in < u->in_end) {
        unsigned token = next(u);
        size_t n = token >> 4;
        for (unsigned more = n == 15 ? 255 : 0; more == 255 && !u->failed; n += more)
            more = next(u);
        literals(u, n);
        if (u->in == u->in_end) return;
        unsigned distance = next_u16le(u);
        n = token & 15;
        for (unsigned more = n == 15 ? 255 : 0; more == 255 && !u->failed; n += more)
            more = next(u);
        match(u, distance, n + 4);
    }
}

/* A length of LZO that did not fit in its bits: 255 for each byte of zero, then the last byte. */
static size_t lzo_length(struct unpacking *u, size_t bits, size_t base)
{
    if (bits) return bits;
    size_t n = base;
    unsigned byte = 0;
    while (!u->failed && (byte = next(u)) == 0)
        n += 255;
    return n + byte;
}

/* LZO1X (the stream format as documented with Linux, lzo.rst). `state` is how many literals came
 * with the last instruction, 4 = a run of its own: it tells what instructions below 16 mean.
 * Ends with an instruction of its own; false without it. */
static bool unpack_lzo(struct unpacking *u)
{
    enum { RUN = 4, RUN_FIRST = 17, END = 16384 };
    unsigned state = 0;
    if (u->in<u->in_end && * u->in> RUN_FIRST) {
        size_t n = next(u) - RUN_FIRST;
        literals(u, n);
        state = n < RUN ? (unsigned)n : RUN;
    }
    while (!u->failed) {
        unsigned code = next(u), low;
        size_t distance, n;
        if (code < 16 && state == 0) {
            literals(u, lzo_length(u, code, 15) + 3);
            state = RUN;
            continue;
        }
        if (code < 16) {
            distance = (next(u) << 2) + (code >> 2) + (state == RUN ? 2049 : 1);
            n = state == RUN ? 3 : 2;
            low = code;
        } else if (code < 32) {
            n = lzo_length(u, code & 7, 7) + 2;
            low = next_u16le(u);
            distance = END + ((code & 8) << 11) + (low >> 2);
            if (distance == END) return !u->failed;
        } else if (code < 64) {
            n = lzo_length(u, code & 31, 31) + 2;
            low = next_u16le(u);
            distance = (low >> 2) + 1;
        } else {
            n = code < 128 ? 3 + (code >> 5 & 1) : 5 + (code >> 5 & 3);
            distance = (next(u) << 3) + (code >> 2 & 7) + 1;
            low = code;
        }
        match(u, distance, n);
        state = low & 3;
        literals(u, state);
    }
    return false;
}

static bool read_block(void *from, uint8_t *into, size_t room, size_t *n, struct err *err)
{
    bytes *block = from;
    (void)err;
    *n = block->len < room ? block->len : room;
    if (*n) memcpy(into, block->ptr, *n);
    block->ptr += *n;
    block->len -= *n;
    return true;
}

static void close_stream(struct unpack **stream)
{
    if (*stream) unpack_close(*stream);
}

static bool unpack_stream(bytes block, uint8_t *into, size_t room, size_t *n)
{
    struct err err = {0};
    bytes left = block;
    struct unpack_source source = {.read = read_block, .from = &left};
    bytes head = {block.ptr, block.len < UNPACK_HEAD_BYTES ? block.len : UNPACK_HEAD_BYTES};
    if (unpack_kind_of(head) != UNPACK_PACKED) return false;
    AUTO_CLOSE(close_stream) struct unpack *stream = unpack_open(head, source, &err);
    struct arena names = arena_open("name of a block", 1, NULL);
    str name;
    bool found = false;
    bool opened = stream && unpack_next(stream, &names, &name, &found, &err) && found;
    arena_close(&names);
    for (size_t got = 1; opened && got && *n < room; *n += got)
        if (!unpack_read(stream, into + *n, room - *n, &got, &err)) return false;
    return opened && *n < room;
}

bool nfcapd_unpack(enum nfcapd_packing packing, bytes block, uint8_t *into, size_t room, size_t *n)
{
    struct unpacking u = {
        .in = block.ptr,
        .in_end = block.ptr + block.len,
        .out = into,
        .out_start = into,
        .out_end = into + room,
    };
    bool ended = true;
    *n = 0;
    if (packing != NFCAPD_LZO && packing != NFCAPD_LZ4) return unpack_stream(block, into, room, n);
    if (packing == NFCAPD_LZO)
        ended = unpack_lzo(&u);
    else
        unpack_lz4(&u);
    *n = (size_t)(u.out - u.out_start);
    return ended && !u.failed;
}
