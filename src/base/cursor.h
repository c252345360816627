/* SPDX-License-Identifier: Apache-2.0 */
/* Reading untrusted bytes. A cursor is sticky: the first read that does not fit is remembered
 * (field, absolute offset, bytes wanted) and later reads return zero. So a reader is a
 * transcription of its specification, one field per line, then one question (cursor_done or
 * cursor_ok), then the meaning. One read per statement: order inside an initialiser or an argument
 * list is not defined in C.
 */
#pragma once

#include "base/err.h"

struct cursor {
    const uint8_t *ptr;
    size_t left;
    uint64_t offset;    /* absolute offset of ptr in the source */
    const char *failed; /* field of the first read that did not fit; NULL = none */
    uint64_t failed_at, failed_wanted;
};

static inline struct cursor cursor_of(bytes b, uint64_t offset);
static inline uint64_t cursor_offset(const struct cursor *c);
static inline size_t cursor_left(const struct cursor *c);
static inline bool cursor_ok(const struct cursor *c);
/* True when every read so far fitted; else raises TRUNCATED naming the field. */
MUST_USE bool cursor_done(const struct cursor *c, struct err *err);

static inline uint8_t cursor_u8(struct cursor *c, const char *field);
static inline uint16_t cursor_u16le(struct cursor *c, const char *field);
static inline uint32_t cursor_u32le(struct cursor *c, const char *field);
static inline uint64_t cursor_u64le(struct cursor *c, const char *field);
static inline uint16_t cursor_u16be(struct cursor *c, const char *field);
static inline uint32_t cursor_u24be(struct cursor *c, const char *field);
static inline uint32_t cursor_u32be(struct cursor *c, const char *field);
static inline uint64_t cursor_u64be(struct cursor *c, const char *field);
static inline void cursor_skip(struct cursor *c, uint64_t n, const char *field);
/* The next n bytes; empty when they do not fit. */
static inline bytes cursor_bytes(struct cursor *c, uint64_t n, const char *field);
/* A cursor of its own over the next n bytes, which knows its absolute offset. */
struct cursor cursor_take(struct cursor *c, uint64_t n, const char *field);
/* n bytes from `at` bytes after the start of `whole` (a pointer found in input); a failed cursor
 * when they are not inside. */
struct cursor cursor_within(const struct cursor *whole, uint64_t at, uint64_t n, const char *field);

/* ---- Inside: what every packet goes through a hundred times, where the compiler can see it. ---
 */

/* Remembers the first read that does not fit. */
void cursor_refuse(struct cursor *c, uint64_t n, const char *field);

/* Steps over n bytes and returns where they began; NULL when they do not fit. After a failure
 * nothing is left, so that this one comparison is enough. */
static inline const uint8_t *cursor_step(struct cursor *c, uint64_t n, const char *field)
{
    if (n > c->left) {
        cursor_refuse(c, n, field);
        return NULL;
    }
    const uint8_t *at = c->ptr;
    if (n) c->ptr += n;
    c->left -= (size_t)n;
    c->offset += n;
    return at;
}

static inline uint32_t cursor_load_u32le(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint32_t cursor_load_u32be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline struct cursor cursor_of(bytes b, uint64_t offset)
{
    return (struct cursor){.ptr = b.ptr, .left = b.len, .offset = offset};
}

static inline uint64_t cursor_offset(const struct cursor *c)
{
    return c->offset;
}

static inline size_t cursor_left(const struct cursor *c)
{
    return c->left;
}

static inline bool cursor_ok(const struct cursor *c)
{
    return !c->failed;
}

static inline uint8_t cursor_u8(struct cursor *c, const char *field)
{
    const uint8_t *p = cursor_step(c, 1, field);
    return p ? p[0] : 0;
}

static inline uint16_t cursor_u16le(struct cursor *c, const char *field)
{
    const uint8_t *p = cursor_step(c, 2, field);
    return p ? (uint16_t)(p[0] | p[1] << 8) : 0;
}

static inline uint32_t cursor_u32le(struct cursor *c, const char *field)
{
    const uint8_t *p = cursor_step(c, 4, field);
    return p ? cursor_load_u32le(p) : 0;
}

static inline uint64_t cursor_u64le(struct cursor *c, const char *field)
{
    const uint8_t *p = cursor_step(c, 8, field);
    return p ? cursor_load_u32le(p) | (uint64_t)cursor_load_u32le(p + 4) << 32 : 0;
}

static inline uint16_t cursor_u16be(struct cursor *c, const char *field)
{
    const uint8_t *p = cursor_step(c, 2, field);
    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t cursor_u24be(struct cursor *c, const char *field)
{
    const uint8_t *p = cursor_step(c, 3, field);
    return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t cursor_u32be(struct cursor *c, const char *field)
{
    const uint8_t *p = cursor_step(c, 4, field);
    return p ? cursor_load_u32be(p) : 0;
}

static inline uint64_t cursor_u64be(struct cursor *c, const char *field)
{
    const uint8_t *p = cursor_step(c, 8, field);
    return p ? (uint64_t)cursor_load_u32be(p) << 32 | cursor_load_u32be(p + 4) : 0;
}

static inline void cursor_skip(struct cursor *c, uint64_t n, const char *field)
{
    (void)cursor_step(c, n, field);
}

static inline bytes cursor_bytes(struct cursor *c, uint64_t n, const char *field)
{
    const uint8_t *p = cursor_step(c, n, field);
    return p ? (bytes){p, (size_t)n} : (bytes){0};
}
