/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/guid.h"

#include "base/buf.h"
#include "base/sha256.h"

enum { GUID_BYTES = 16, GUID_TEXT = 38 };

/* A hyphen stands before these bytes. */
static bool begins_group(size_t i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

str guid_of(struct arena *arena, str owner, str what)
{
    static const uint8_t nul = 0;
    struct sha256 hash = sha256_start();
    sha256_add(&hash, str_bytes(S("sallyport guid")));
    sha256_add(&hash, (bytes){&nul, 1});
    sha256_add(&hash, str_bytes(owner));
    sha256_add(&hash, (bytes){&nul, 1});
    sha256_add(&hash, str_bytes(what));
    struct sha256_digest digest = sha256_end(&hash);
    /* RFC 9562, 5.8: the version in the seventh byte, the variant in the ninth. */
    digest.bytes[6] = (uint8_t)(0x80 | (digest.bytes[6] & 0x0F));
    digest.bytes[8] = (uint8_t)(0x80 | (digest.bytes[8] & 0x3F));
    struct buf out = buf_in(arena);
    buf_char(&out, '{');
    for (size_t i = 0; i < GUID_BYTES; i++) {
        if (begins_group(i)) buf_char(&out, '-');
        buf_format(&out, "%02X", (unsigned)digest.bytes[i]);
    }
    buf_char(&out, '}');
    return buf_text(&out);
}

bool guid_is(str text)
{
    if (text.len != GUID_TEXT || text.ptr[0] != '{' || text.ptr[GUID_TEXT - 1] != '}') return false;
    for (size_t i = 1; i + 1 < GUID_TEXT; i++) {
        char c = text.ptr[i];
        bool hyphen = i == 9 || i == 14 || i == 19 || i == 24;
        bool digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
        if (hyphen ? c != '-' : !digit) return false;
    }
    return true;
}
