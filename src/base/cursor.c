/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

void cursor_refuse(struct cursor *c, uint64_t n, const char *field)
{
    if (c->failed) return;
    c->failed = field;
    c->failed_at = c->offset;
    c->failed_wanted = n;
    c->left = 0;
}

bool cursor_done(const struct cursor *c, struct err *err)
{
    if (!c->failed) return true;
    return err_at(err, ERR_TRUNCATED, c->failed_at, "%s needs %" PRIu64 " bytes, fewer are left",
                  c->failed, c->failed_wanted);
}

struct cursor cursor_take(struct cursor *c, uint64_t n, const char *field)
{
    uint64_t offset = c->offset;
    const uint8_t *p = cursor_step(c, n, field);
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
