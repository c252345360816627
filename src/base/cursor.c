/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

struct cursor cursor_of(bytes b, uint64_t offset)
{
    return (struct cursor){.ptr = b.ptr, .left = b.len, .offset = offset};
}

uint64_t cursor_offset(const struct cursor *c)
{
    return c->offset;
}

size_t cursor_left(const struct cursor *c)
{
    return c->left;
}

bool cursor_ok(const struct cursor *c)
{
    return !c->failed;
}

bool cursor_done(const struct cursor *c, struct err *err)
{
    if (!c->failed) return true;
    return err_at(err, ERR_TRUNCATED, c->failed_at, "%s needs %" PRIu64 " bytes, fewer are left",
                  c->failed, c->failed_wanted);
}

/* Steps over n bytes and returns where they began; NULL when they do not fit. */
static const uint8_t *advance(struct cursor *c, uint64_t n, const char *field)
{
    if (c->failed) return NULL;
    if (n > c->left) {
        c->failed = field;
        c->failed_at = c->offset;
        c->failed_wanted = n;
        c->left = 0;
        return NULL;
    }
    const uint8_t *at = c->ptr;
    if (n) c->ptr += n;
    c->left -= (size_t)n;
    c->offset += n;
    return at;
}

static uint64_t little(struct cursor *c, size_t n, const char *field)
{
    const uint8_t *p = advance(c, n, field);
    uint64_t value = 0;
    for (size_t i = 0; p && i < n; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static uint64_t big(struct cursor *c, size_t n, const char *field)
{
    const uint8_t *p = advance(c, n, field);
    uint64_t value = 0;
    for (size_t i = 0; p && i < n; i++)
        value = value << 8 | p[i];
    return value;
}

uint8_t cursor_u8(struct cursor *c, const char *field)
{
    return (uint8_t)little(c, 1, field);
}

uint16_t cursor_u16le(struct cursor *c, const char *field)
{
    return (uint16_t)little(c, 2, field);
}

uint32_t cursor_u32le(struct cursor *c, const char *field)
{
    return (uint32_t)little(c, 4, field);
}

uint64_t cursor_u64le(struct cursor *c, const char *field)
{
    return little(c, 8, field);
}

uint16_t cursor_u16be(struct cursor *c, const char *field)
{
    return (uint16_t)big(c, 2, field);
}

uint32_t cursor_u24be(struct cursor *c, const char *field)
{
    return (uint32_t)big(c, 3, field);
}

uint32_t cursor_u32be(struct cursor *c, const char *field)
{
    return (uint32_t)big(c, 4, field);
}

uint64_t cursor_u64be(struct cursor *c, const char *field)
{
    return big(c, 8, field);
}

void cursor_skip(struct cursor *c, uint64_t n, const char *field)
{
    (void)advance(c, n, field);
}

bytes cursor_bytes(struct cursor *c, uint64_t n, const char *field)
{
    const uint8_t *p = advance(c, n, field);
    if (!p) return (bytes){0};
    return (bytes){p, (size_t)n};
}

struct cursor cursor_take(struct cursor *c, uint64_t n, const char *field)
{
    uint64_t offset = c->offset;
    const uint8_t *p = advance(c, n, field);
    if (!c->failed) return (struct cursor){.ptr = p, .left = (size_t)n, .offset = offset};
    return (struct cursor){
        .offset = offset,
        .failed = c->failed,
        .failed_at = c->failed_at,
        .failed_wanted = c->failed_wanted,
    };
}

struct cursor cursor_within(const struct cursor *whole, uint64_t at, uint64_t n, const char *field)
{
    struct cursor c = *whole;
    cursor_skip(&c, at, field);
    return cursor_take(&c, n, field);
}
