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

struct cursor cursor_of(bytes b, uint64_t offset);
uint64_t cursor_offset(const struct cursor *c);
size_t cursor_left(const struct cursor *c);
bool cursor_ok(const struct cursor *c);
/* True when every read so far fitted; else raises TRUNCATED naming the field. */
MUST_USE bool cursor_done(const struct cursor *c, struct err *err);

uint8_t cursor_u8(struct cursor *c, const char *field);
uint16_t cursor_u16le(struct cursor *c, const char *field);
uint32_t cursor_u32le(struct cursor *c, const char *field);
uint64_t cursor_u64le(struct cursor *c, const char *field);
uint16_t cursor_u16be(struct cursor *c, const char *field);
uint32_t cursor_u24be(struct cursor *c, const char *field);
uint32_t cursor_u32be(struct cursor *c, const char *field);
uint64_t cursor_u64be(struct cursor *c, const char *field);
void cursor_skip(struct cursor *c, uint64_t n, const char *field);
/* The next n bytes; empty when they do not fit. */
bytes cursor_bytes(struct cursor *c, uint64_t n, const char *field);
/* A cursor of its own over the next n bytes, which knows its absolute offset. */
struct cursor cursor_take(struct cursor *c, uint64_t n, const char *field);
/* n bytes from `at` bytes after the start of `whole` (a pointer found in input); a failed cursor
 * when they are not inside. */
struct cursor cursor_within(const struct cursor *whole, uint64_t at, uint64_t n, const char *field);
