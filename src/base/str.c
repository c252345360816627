/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

str str_of(const char *c_string)
{
    if (!c_string) return (str){0};
    return (str){c_string, strlen(c_string)};
}

str str_of_bytes(bytes b)
{
    return (str){(const char *)b.ptr, b.len};
}

bytes str_bytes(str s)
{
    return (bytes){(const uint8_t *)s.ptr, s.len};
}

static int byte_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

bool str_equal(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_equal_nocase(str a, str b)
{
    return a.len == b.len && str_compare_nocase(a, b) == 0;
}

int str_compare(str a, str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (order) return order;
    return (a.len > b.len) - (a.len < b.len);
}

int str_compare_nocase(str a, str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < n; i++) {
        int order = byte_lower(a.ptr[i]) - byte_lower(b.ptr[i]);
        if (order) return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(str s, str prefix)
{
    return s.len >= prefix.len && str_equal(str_head(s, prefix.len), prefix);
}

bool str_ends(str s, str suffix)
{
    return s.len >= suffix.len && str_equal(str_tail(s, s.len - suffix.len), suffix);
}

bool str_contains(str s, str part)
{
    for (size_t i = 0; i + part.len <= s.len; i++)
        if (str_equal((str){s.ptr + i, part.len}, part)) return true;
    return part.len == 0;
}

str str_head(str s, size_t n)
{
    return (str){s.ptr, n < s.len ? n : s.len};
}

str str_tail(str s, size_t n)
{
    if (n >= s.len) return (str){0};
    return (str){s.ptr + n, s.len - n};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

str str_trim(str s)
{
    while (s.len && is_blank(s.ptr[0]))
        s = str_tail(s, 1);
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool str_cut(str s, char separator, str *head, str *tail)
{
    const char *at = s.len ? memchr(s.ptr, separator, s.len) : NULL;
    if (!at) {
        *head = s;
        *tail = (str){0};
        return false;
    }
    size_t n = (size_t)(at - s.ptr);
    *head = str_head(s, n);
    *tail = str_tail(s, n + 1);
    return true;
}

str str_copy(struct arena *arena, str s)
{
    if (!s.len) return (str){0};
    char *copy = arena_array(arena, char, s.len);
    memcpy(copy, s.ptr, s.len);
    return (str){copy, s.len};
}

str str_lower(struct arena *arena, str s)
{
    if (!s.len) return (str){0};
    char *copy = arena_array(arena, char, s.len);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = (char)byte_lower(s.ptr[i]);
    return (str){copy, s.len};
}

const char *str_c(struct arena *arena, str s)
{
    char *copy = arena_array(arena, char, s.len + 1);
    if (s.len) memcpy(copy, s.ptr, s.len);
    return copy;
}

str str_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len <= 0) return (str){0};
    char *text = arena_array(arena, char, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return (str){text, (size_t)len};
}

bool str_u64(str s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (!s.len) return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
        if (!num_mul(value, UINT64_C(10), &value)) return false;
        if (!num_add(value, (uint64_t)(s.ptr[i] - '0'), &value)) return false;
        if (value > max) return false;
    }
    *out = value;
    return true;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

unsigned str_distance(str a, str b)
{
    enum { MAX = 64 };
    unsigned rows[3][MAX + 1];
    if (a.len > MAX || b.len > MAX) return 99;
    unsigned *two_back = rows[0], *back = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        two_back[j] = 0, back[j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned swap = a.ptr[i - 1] != b.ptr[j - 1];
            row[j] = min3(back[j] + 1, row[j - 1] + 1, back[j - 1] + swap);
            bool turned =
                i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1];
            if (turned && two_back[j - 2] + 1 < row[j]) row[j] = two_back[j - 2] + 1;
        }
        unsigned *spare = two_back;
        two_back = back;
        back = row;
        row = spare;
    }
    return back[b.len];
}

size_t str_utf8_next(str s, size_t *bad)
{
    static const struct {
        uint8_t first, last, low, high;
        uint8_t more;
    } leads[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 1},
        {0xE0, 0xE0, 0xA0, 0xBF, 2},
        {0xE1, 0xEC, 0x80, 0xBF, 2},
        {0xED, 0xED, 0x80, 0x9F, 2},
        {0xEE, 0xEF, 0x80, 0xBF, 2},
        {0xF0, 0xF0, 0x90, 0xBF, 3},
        {0xF1, 0xF3, 0x80, 0xBF, 3},
        {0xF4, 0xF4, 0x80, 0x8F, 3},
    };
    const uint8_t *p = (const uint8_t *)s.ptr;
    *bad = 1;
    if (p[0] < 0x80) return 1;
    for (size_t i = 0; i < COUNT_OF(leads); i++) {
        if (p[0] < leads[i].first || p[0] > leads[i].last) continue;
        size_t n = 1;
        for (; n <= leads[i].more && n < s.len; n++) {
            uint8_t low = n == 1 ? leads[i].low : 0x80, high = n == 1 ? leads[i].high : 0xBF;
            if (p[n] < low || p[n] > high) break;
        }
        *bad = n;
        return n == (size_t)leads[i].more + 1 ? n : 0;
    }
    return 0;
}

str str_utf8(struct arena *arena, str s)
{
    size_t at = 0, bad = 0, replaced = 0;
    while (at < s.len) {
        size_t n = str_utf8_next(str_tail(s, at), &bad);
        replaced += n == 0;
        at += n ? n : bad;
    }
    if (!replaced) return s;

    char *text = arena_array(arena, char, s.len + 3 * replaced);
    size_t len = 0;
    for (at = 0; at < s.len;) {
        size_t n = str_utf8_next(str_tail(s, at), &bad);
        if (n)
            memcpy(text + len, s.ptr + at, n);
        else
            memcpy(text + len, "\xEF\xBF\xBD", 3);
        len += n ? n : 3;
        at += n ? n : bad;
    }
    return (str){text, len};
}

size_t str_utf8_put(char out[4], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(lead[more] | (c >> (6 * more)));
    for (size_t i = 1; i <= more; i++)
        out[i] = (char)(0x80 | ((c >> (6 * (more - i))) & 0x3F));
    return more + 1;
}

str str_from_utf16le(struct arena *arena, bytes b)
{
    if (b.len < 2) return (str){0};
    char *text = arena_array(arena, char, b.len / 2 * 3);
    size_t len = 0;
    for (size_t i = 0; i + 1 < b.len; i += 2) {
        uint32_t c = (uint32_t)b.ptr[i] | (uint32_t)b.ptr[i + 1] << 8;
        if (c >= 0xD800 && c <= 0xDFFF) {
            uint32_t low = 0;
            if (c < 0xDC00 && i + 3 < b.len)
                low = (uint32_t)b.ptr[i + 2] | (uint32_t)b.ptr[i + 3] << 8;
            bool pair = low >= 0xDC00 && low <= 0xDFFF;
            c = pair ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
            i += pair ? 2 : 0;
        }
        len += str_utf8_put(text + len, c);
    }
    return (str){text, len};
}

str str_from_file(struct arena *arena, bytes b, uint64_t *mark)
{
    static const uint8_t utf8[] = {0xef, 0xbb, 0xbf}, utf16[] = {0xff, 0xfe};
    *mark = 0;
    if (b.len >= sizeof utf16 && !memcmp(b.ptr, utf16, sizeof utf16))
        return str_from_utf16le(arena, (bytes){b.ptr + sizeof utf16, b.len - sizeof utf16});
    if (b.len >= sizeof utf8 && !memcmp(b.ptr, utf8, sizeof utf8)) *mark = sizeof utf8;
    return str_tail(str_of_bytes(b), (size_t)*mark);
}
