/* SPDX-License-Identifier: Apache-2.0 */
/* Output in the making. Either it grows in an arena (buf_in), or it is a fixed buffer that empties
 * itself into a sink when full (buf_to). Writing never fails to its caller: a sink that fails is
 * remembered in `failed` and asked once, at the end.
 */
#pragma once

#include "base/str.h"

struct buf {
    char *data;
    size_t len, room;
    struct arena *arena;                 /* grows here, or */
    bool (*sink)(void *to, bytes piece); /* is emptied there; false = could not write */
    void *to;
    bool failed;
};

struct buf buf_in(struct arena *arena);
/* room bytes of buffer from arena, emptied into sink. */
struct buf buf_to(struct arena *arena, size_t room, bool (*sink)(void *to, bytes piece), void *to);
/* Empties what is left into the sink; true when everything was written. */
bool buf_flush(struct buf *out);

void buf_bytes(struct buf *out, bytes b);
void buf_str(struct buf *out, str s);
void buf_char(struct buf *out, char c);
void buf_repeat(struct buf *out, char c, size_t n);
void buf_u64(struct buf *out, uint64_t value);
void buf_i64(struct buf *out, int64_t value);
/* Whole, up to the room of a buffer with a sink; longer text goes through buf_str. */
void buf_format(struct buf *out, const char *format, ...) FORMAT_PRINTF(2, 3);
/* What was written so far; only for buf_in. */
str buf_text(const struct buf *out);
