/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON (RFC 8259), strictly, one token at a time: a whole document, or one line of
 * newline-delimited JSON. Nothing beyond the standard is accepted (no comments, no trailing commas,
 * no NaN, no byte order mark); nesting ends at LIMIT_NESTING.
 *
 *   - Strings point into the text unless they hold escapes; those are decoded into the arena. A
 *     decoded string may hold NUL ("\u0000").
 *   - Invalid UTF-8 and unpaired surrogates are refused, or become U+FFFD with replace_invalid:
 *     evidence is read so, what people write is not.
 *   - Numbers stay as written: see json_scan_i64 and json_scan_scaled. They have no limit here.
 *   - Duplicate keys are the caller's business.
 *
 * After a failure every further call fails alike.
 */
#pragma once

#include "base/err.h"

enum json_scan_kind {
    JSON_SCAN_END, /* the document is complete */
    JSON_SCAN_OBJECT,
    JSON_SCAN_OBJECT_END,
    JSON_SCAN_ARRAY,
    JSON_SCAN_ARRAY_END,
    JSON_SCAN_KEY,
    JSON_SCAN_STRING,
    JSON_SCAN_NUMBER,
    JSON_SCAN_TRUE,
    JSON_SCAN_FALSE,
    JSON_SCAN_NULL,
};

struct json_scan_item {
    enum json_scan_kind kind;
    str text;        /* a key or string, decoded; a number as written; else empty */
    uint64_t offset; /* of its first byte in the source */
};

struct json_scan {
    str text;
    size_t at;
    uint64_t offset; /* of the text's first byte in the source */
    struct arena *arena;
    bool replace_invalid;
    bool quiet; /* strings are checked, not decoded */
    unsigned depth;
    uint64_t objects; /* one bit per open container, the innermost lowest: 1 = object */
    enum {
        JSON_SCAN_WANTS_VALUE,
        JSON_SCAN_WANTS_VALUE_OR_END,
        JSON_SCAN_WANTS_KEY,
        JSON_SCAN_WANTS_KEY_OR_END,
        JSON_SCAN_WANTS_COMMA_OR_END,
        JSON_SCAN_WANTS_NOTHING,
        JSON_SCAN_FAILED,
    } wants;
    struct err failure;
};

/* offset: of text in its source, for errors. */
struct json_scan json_scan_of(str text, uint64_t offset, struct arena *arena);
/* fails: MALFORMED, TRUNCATED (the text ends inside), LIMIT (nesting); with the absolute offset */
MUST_USE bool json_scan_next(struct json_scan *scan, struct json_scan_item *out, struct err *err);
/* Goes behind the value that `item`, the last one read, begins: an object or array to its end, a
 * key to the end of its value. Anything else is passed already. */
MUST_USE bool json_scan_skip(struct json_scan *scan, struct json_scan_item item, struct err *err);

/* How many bytes from s.ptr on stand for themselves inside a string: up to a quote, a backslash or
 * a control character. *ascii becomes false when one of them is 0x80 or above. */
size_t json_scan_plain(str s, bool *ascii);

/* A number's text as an integer; false when it has a fraction or exponent or does not fit. */
MUST_USE bool json_scan_i64(str number, int64_t *out);
/* A number's text times 10^decimals, cut towards zero: "1.25" with 6 decimals is 1250000. False
 * when it does not fit. */
MUST_USE bool json_scan_scaled(str number, unsigned decimals, int64_t *out);
