/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

struct buf buf_in(struct arena *arena)
{
    return (struct buf){.arena = arena};
}

struct buf buf_to(struct arena *arena, size_t room, bool (*sink)(void *to, bytes piece), void *to)
{
    assert(room >= 64);
    return (struct buf){
        .data = arena_array(arena, char, room), .room = room, .sink = sink, .to = to};
}

static void empty(struct buf *out)
{
    if (!out->len) return;
    bytes piece = {(const uint8_t *)out->data, out->len};
    if (!out->failed && !out->sink(out->to, piece)) out->failed = true;
    out->len = 0;
}

bool buf_flush(struct buf *out)
{
    if (out->sink) empty(out);
    return !out->failed;
}

static void make_room(struct buf *out, size_t n)
{
    if (out->room - out->len >= n) return;
    size_t room = out->room ? out->room : 256;
    while (room - out->len < n)
        room *= 2;
    char *data = arena_array(out->arena, char, room);
    if (out->len) memcpy(data, out->data, out->len);
    out->data = data;
    out->room = room;
}

void buf_bytes(struct buf *out, bytes b)
{
    if (!out->sink) {
        make_room(out, b.len);
        if (b.len) memcpy(out->data + out->len, b.ptr, b.len);
        out->len += b.len;
        return;
    }
    while (b.len) {
        size_t n = out->room - out->len < b.len ? out->room - out->len : b.len;
        memcpy(out->data + out->len, b.ptr, n);
        out->len += n;
        b = (bytes){b.ptr + n, b.len - n};
        if (out->len == out->room) empty(out);
    }
}

void buf_str(struct buf *out, str s)
{
    buf_bytes(out, str_bytes(s));
}

void buf_char(struct buf *out, char c)
{
    buf_bytes(out, (bytes){(const uint8_t *)&c, 1});
}

void buf_repeat(struct buf *out, char c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_char(out, c);
}

void buf_u64(struct buf *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_str(out, (str){digits + at, sizeof digits - at});
}

void buf_i64(struct buf *out, int64_t value)
{
    if (value < 0) buf_char(out, '-');
    buf_u64(out, value < 0 ? (uint64_t) - (value + 1) + 1 : (uint64_t)value);
}

void buf_format(struct buf *out, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len <= 0) return;
    size_t n = (size_t)len;
    if (n >= sizeof text) {
        /* Longer than the usual line (names may be): written in place, nothing is cut that fits. */
        if (out->sink)
            empty(out);
        else
            make_room(out, n + 1);
        if (out->room - out->len > n) {
            va_start(args, format);
            vsnprintf(out->data + out->len, n + 1, format, args);
            va_end(args);
            out->len += n;
            return;
        }
        n = sizeof text - 1;
    }
    buf_str(out, (str){text, n});
}

str buf_text(const struct buf *out)
{
    assert(!out->sink);
    return (str){out->data, out->len};
}
