/* SPDX-License-Identifier: Apache-2.0 */
/* Text as {pointer, length}, passed by value, never assumed to end in NUL. Parsing text is
 * cutting a str into head and tail. Nothing here allocates but str_copy and str_format.
 */
#pragma once

#include "base/arena.h"
#include "base/base.h"

typedef struct str {
    const char *ptr;
    size_t len;
} str;

/* Raw bytes, the same shape; kept apart from text so that neither is taken for the other. */
typedef struct bytes {
    const uint8_t *ptr;
    size_t len;
} bytes;

#define S(literal) ((str){"" literal "", sizeof(literal) - 1})
/* For printf formats: printf("%.*s", STR_ARG(s)). Lengths over INT_MAX are cut. */
#define STR_ARG(s) ((s).len > INT32_MAX ? INT32_MAX : (int)(s).len), ((s).len ? (s).ptr : "")

str str_of(const char *c_string); /* c_string may be NULL: empty */
str str_of_bytes(bytes b);
bytes str_bytes(str s);
bool str_equal(str a, str b);
bool str_equal_nocase(str a, str b);  /* ASCII case only */
int str_compare(str a, str b);        /* bytewise; a prefix sorts first */
int str_compare_nocase(str a, str b); /* ASCII case folded, bytewise after that */
bool str_starts(str s, str prefix);
bool str_ends(str s, str suffix);
bool str_contains(str s, str part);
str str_head(str s, size_t n); /* the first n bytes, or all */
str str_tail(str s, size_t n); /* without the first n bytes, or empty */
str str_trim(str s);           /* without blanks, tabs, CR, LF at both ends */
/* Cuts s at the first separator: *head before it, *tail after it. Without one: head is all of s,
 * tail empty, and the answer is false. */
bool str_cut(str s, char separator, str *head, str *tail);
str str_copy(struct arena *arena, str s);
str str_lower(struct arena *arena, str s); /* ASCII only */
/* A C string for the libc edge; s must not hold NUL bytes (they would cut it). */
const char *str_c(struct arena *arena, str s);
str str_format(struct arena *arena, const char *format, ...) FORMAT_PRINTF(2, 3);
/* Decimal digits only, no sign, no blanks, not empty; false when it is not that or exceeds max. */
MUST_USE bool str_u64(str s, uint64_t max, uint64_t *out);
/* Damerau-Levenshtein distance over bytes for "did you mean"; lengths over 64 give 99. */
unsigned str_distance(str a, str b);
/* Length of the valid UTF-8 sequence that begins s (1..4; s is not empty); 0 when it is not valid,
 * and then *bad is how many bytes one replacement character stands for (Unicode 15, 3.9). */
size_t str_utf8_next(str s, size_t *bad);
/* Replaces every invalid UTF-8 sequence by U+FFFD (Unicode 15, 3.9: maximal subparts). Returns s
 * itself when it is valid. */
str str_utf8(struct arena *arena, str s);
/* Writes the UTF-8 of a scalar value (no surrogate, at most 0x10FFFF); the answer is its length. */
size_t str_utf8_put(char out[4], uint32_t c);
/* UTF-16 little endian to UTF-8; unpaired surrogates become U+FFFD; an odd last byte is dropped. */
str str_from_utf16le(struct arena *arena, bytes b);
/* The text of a file as programs of Windows write one: UTF-16LE behind its byte order mark, or
 * UTF-8 with a mark or without. *mark is where the text begins in b, for offsets; 0 when it was
 * decoded: offsets are of the UTF-8 then. */
str str_from_file(struct arena *arena, bytes b, uint64_t *mark);
