/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { NO_DIGIT = 64 };

void base64_write(struct buf *out, bytes b)
{
    for (size_t i = 0; i < b.len; i += 3) {
        size_t n = b.len - i < 3 ? b.len - i : 3;
        uint32_t three = (uint32_t)b.ptr[i] << 16;
        if (n > 1) three |= (uint32_t)b.ptr[i + 1] << 8;
        if (n > 2) three |= b.ptr[i + 2];
        buf_char(out, digits[three >> 18]);
        buf_char(out, digits[three >> 12 & 63]);
        buf_char(out, n > 1 ? digits[three >> 6 & 63] : '=');
        buf_char(out, n > 2 ? digits[three & 63] : '=');
    }
}

static uint32_t digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z') return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9') return (uint32_t)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : NO_DIGIT;
}

bool base64_read(str text, struct arena *arena, bytes *out)
{
    size_t pads = str_ends(text, S("==")) ? 2 : str_ends(text, S("=")) ? 1 : 0;
    if (text.len % 4) return false;
    uint8_t *bytes_out = arena_array(arena, uint8_t, text.len / 4 * 3 + 1);
    for (size_t i = 0; i < text.len; i += 4) {
        uint32_t four = 0;
        size_t digits_here = i + 4 == text.len ? 4 - pads : 4;
        for (size_t k = 0; k < 4; k++) {
            uint32_t digit = k < digits_here ? digit_of(text.ptr[i + k]) : 0;
            if (digit == NO_DIGIT) return false;
            four = four << 6 | digit;
        }
        if (digits_here == 2 && (four & 0xFFFF)) return false;
        if (digits_here == 3 && (four & 0xFF)) return false;
        bytes_out[i / 4 * 3] = (uint8_t)(four >> 16);
        bytes_out[i / 4 * 3 + 1] = (uint8_t)(four >> 8);
        bytes_out[i / 4 * 3 + 2] = (uint8_t)four;
    }
    *out = (bytes){bytes_out, text.len / 4 * 3 - pads};
    return true;
}
