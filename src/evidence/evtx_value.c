/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/evtx_value.h"

#include "base/instant.h"

enum {
    SMALL_TEXT = 64,             /* any number, GUID or time */
    SHORT_ROOM = 3 * SMALL_TEXT, /* of UTF-8 */
    SID_FIXED = 8,               /* revision, count, authority */
};

static uint64_t load(const uint8_t *p, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

void evtx_text_str(struct evtx_text *out, str s)
{
    if (s.len > out->room - out->len) {
        out->full = true;
        return;
    }
    if (s.len) memcpy(out->ptr + out->len, s.ptr, s.len);
    out->len += s.len;
}

void evtx_text_char(struct evtx_text *out, char c)
{
    evtx_text_str(out, (str){&c, 1});
}

/* Four units at once while they are ASCII: nearly all text of events is. Returns units read. */
static size_t take_ascii(const uint8_t *p, size_t units, char *to)
{
    size_t n = 0;
    for (; n + 4 <= units; n += 4) {
        uint64_t four;
        memcpy(&four, p + 2 * n, sizeof four);
        if (four & UINT64_C(0xFF80FF80FF80FF80)) break;
        for (size_t i = 0; i < 4; i++)
            to[n + i] = (char)p[2 * (n + i)];
    }
    for (; n < units && !p[2 * n + 1] && p[2 * n] < 0x80; n++)
        to[n] = (char)p[2 * n];
    return n;
}

void evtx_text_utf16(struct evtx_text *out, bytes units)
{
    size_t n = units.len / 2, at = 0;
    if (n > (out->room - out->len) / 3) { /* a unit is at most three bytes of UTF-8 */
        out->full = true;
        return;
    }
    while (at < n) {
        size_t ascii = take_ascii(units.ptr + 2 * at, n - at, out->ptr + out->len);
        out->len += ascii;
        at += ascii;
        if (at == n) break;
        uint32_t c = (uint32_t)load(units.ptr + 2 * at++, 2);
        if (c >= 0xD800 && c < 0xE000) {
            uint32_t low = at < n ? (uint32_t)load(units.ptr + 2 * at, 2) : 0;
            bool pair = c < 0xDC00 && low >= 0xDC00 && low < 0xE000;
            c = pair ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
            at += pair;
        }
        out->len += str_utf8_put(out->ptr + out->len, c);
    }
}

static bytes without_nul(bytes text, size_t width)
{
    while (text.len >= width && !load(text.ptr + text.len - width, width))
        text.len -= width;
    return text;
}

/* The code page is that of the machine that wrote the log, which nothing tells: bytes that are not
 * UTF-8 become U+FFFD. */
static void print_ansi(struct evtx_text *out, bytes text)
{
    str rest = str_of_bytes(without_nul(text, 1));
    while (rest.len && !out->full) {
        size_t bad = 0, good = str_utf8_next(rest, &bad);
        if (good)
            evtx_text_str(out, str_head(rest, good));
        else
            evtx_text_str(out, S("\xEF\xBF\xBD"));
        rest = str_tail(rest, good ? good : bad);
    }
}

static void print_decimal(struct evtx_text *out, uint64_t value)
{
    char digits[20];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    evtx_text_str(out, (str){digits + n, sizeof digits - n});
}

static void print_signed(struct evtx_text *out, bytes data)
{
    uint64_t value = load(data.ptr, data.len);
    uint64_t sign = UINT64_C(1) << (8 * data.len - 1);
    if (value & sign) {
        evtx_text_char(out, '-');
        value = (sign - 1) - (value & (sign - 1)) + 1;
    }
    print_decimal(out, value);
}

/* As Windows prints it: no leading zeros. */
static void print_hex(struct evtx_text *out, uint64_t value)
{
    char text[SMALL_TEXT];
    int n = snprintf(text, sizeof text, "0x%" PRIx64, value);
    evtx_text_str(out, (str){text, (size_t)n});
}

static void print_binary(struct evtx_text *out, bytes data)
{
    static const char digits[] = "0123456789ABCDEF";
    if (data.len > (out->room - out->len) / 2) {
        out->full = true;
        return;
    }
    for (size_t i = 0; i < data.len; i++) {
        out->ptr[out->len++] = digits[data.ptr[i] >> 4];
        out->ptr[out->len++] = digits[data.ptr[i] & 0xF];
    }
}

static void print_real(struct evtx_text *out, bytes data)
{
    char text[SMALL_TEXT];
    double value = 0;
    if (data.len == sizeof(float)) {
        float single;
        memcpy(&single, data.ptr, sizeof single);
        value = (double)single;
    } else {
        memcpy(&value, data.ptr, sizeof value);
    }
    int n = snprintf(text, sizeof text, "%.14g", value);
    evtx_text_str(out, (str){text, (size_t)n});
}

static void print_guid(struct evtx_text *out, bytes data)
{
    char text[SMALL_TEXT];
    const uint8_t *p = data.ptr;
    int n = snprintf(text, sizeof text, "{%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X}",
                     (unsigned)load(p, 4), (unsigned)load(p + 4, 2), (unsigned)load(p + 6, 2), p[8],
                     p[9], p[10], p[11], p[12], p[13], p[14], p[15]);
    evtx_text_str(out, (str){text, (size_t)n});
}

/* [MS-DTYP] 2.4.2.1: the authority is decimal below 2^32, else hexadecimal. */
static void print_sid(struct evtx_text *out, bytes data)
{
    uint64_t authority = 0;
    for (size_t i = 2; i < SID_FIXED; i++)
        authority = authority << 8 | data.ptr[i];
    evtx_text_str(out, S("S-"));
    print_decimal(out, data.ptr[0]);
    evtx_text_char(out, '-');
    if (authority >> 32)
        print_hex(out, authority);
    else
        print_decimal(out, authority);
    for (size_t i = 0; i < data.ptr[1]; i++) {
        evtx_text_char(out, '-');
        print_decimal(out, load(data.ptr + SID_FIXED + 4 * i, 4));
    }
}

bool evtx_value_filetime(uint64_t filetime, int64_t *out_us)
{
    const uint64_t epoch_us = UINT64_C(11644473600000000); /* 1601 to 1970 */
    const uint64_t last_us = epoch_us + UINT64_C(253402300799999999);
    uint64_t us = filetime / 10;
    if (!filetime || us > last_us) return false;
    *out_us = (int64_t)us - (int64_t)epoch_us;
    return true;
}

static bool systemtime(bytes data, int64_t *out_us)
{
    uint64_t part[8];
    for (size_t i = 0; i < 8; i++)
        part[i] = load(data.ptr + 2 * i, 2);
    if (part[1] > 12 || part[3] > 31 || part[4] > 23 || part[5] > 59 || part[6] > 59) return false;
    struct civil c = {
        .year = (int32_t)part[0],
        .month = (uint8_t)part[1],
        .day = (uint8_t)part[3],
        .hour = (uint8_t)part[4],
        .minute = (uint8_t)part[5],
        .second = (uint8_t)part[6],
        .microsecond = (uint32_t)part[7] * 1000,
    };
    if (!instant_civil_is_valid(c)) return false;
    *out_us = instant_from_civil(c);
    return true;
}

/* Text of any type as ASCII, for numbers and times written as text; too long is neither. */
static bool short_text(struct evtx_value value, char room[SHORT_ROOM], str *out)
{
    struct evtx_text text = {.ptr = room, .room = SHORT_ROOM};
    if (value.type != EVTX_STRING && value.type != EVTX_ANSI_STRING) return false;
    if (value.data.len / 2 > SMALL_TEXT) return false;
    evtx_value_print(&text, value);
    *out = str_trim((str){text.ptr, text.len});
    return !text.full && out->len;
}

bool evtx_value_time(struct evtx_value value, int64_t *out_us)
{
    char room[SHORT_ROOM];
    str text;
    if (value.type == EVTX_FILETIME && value.data.len == 8)
        return evtx_value_filetime(load(value.data.ptr, 8), out_us);
    if (value.type == EVTX_SYSTEMTIME && value.data.len == 16)
        return systemtime(value.data, out_us);
    return short_text(value, room, &text) && instant_parse(text, out_us);
}

static bool hex_u64(str text, uint64_t *out)
{
    uint64_t value = 0;
    if (!text.len || text.len > 16) return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)(text.ptr[i] | 0x20);
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'f')) return false;
        value = value << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    *out = value;
    return true;
}

static bool is_number(uint8_t type)
{
    return (type >= EVTX_INT8 && type <= EVTX_UINT64) || type == EVTX_BOOL || type == EVTX_SIZE_T ||
           type == EVTX_HEX_INT32 || type == EVTX_HEX_INT64 || type == EVTX_FILETIME ||
           type == EVTX_HANDLE;
}

bool evtx_value_u64(struct evtx_value value, uint64_t *out)
{
    char room[SHORT_ROOM];
    str text;
    if (is_number(value.type)) {
        if (!value.data.len || value.data.len > 8) return false;
        *out = load(value.data.ptr, value.data.len);
        return true;
    }
    if (!short_text(value, room, &text)) return false;
    if (str_starts(text, S("0x")) || str_starts(text, S("0X")))
        return hex_u64(str_tail(text, 2), out);
    return str_u64(text, UINT64_MAX, out);
}

static void print_time(struct evtx_text *out, struct evtx_value value)
{
    char text[INSTANT_TEXT];
    int64_t at_us = 0;
    if (evtx_value_time(value, &at_us)) evtx_text_str(out, instant_text(text, at_us));
}

/* Integers whose size is not their type's are taken by the bytes there are. */
static void print_one(struct evtx_text *out, struct evtx_value value)
{
    bytes data = value.data;
    bool word = data.len > 0 && data.len <= 8;
    if (!data.len) return;
    if (value.type == EVTX_STRING || value.type == EVTX_XML) {
        evtx_text_utf16(out, without_nul(data, 2));
    } else if (value.type == EVTX_ANSI_STRING) {
        print_ansi(out, data);
    } else if (value.type >= EVTX_INT8 && value.type <= EVTX_UINT64 && word) {
        if (value.type % 2) /* the odd ones are signed */
            print_signed(out, data);
        else
            print_decimal(out, load(data.ptr, data.len));
    } else if ((value.type == EVTX_HEX_INT32 || value.type == EVTX_HEX_INT64 ||
                value.type == EVTX_SIZE_T || value.type == EVTX_HANDLE) &&
               word) {
        print_hex(out, load(data.ptr, data.len));
    } else if (value.type == EVTX_BOOL && word) {
        evtx_text_str(out, load(data.ptr, data.len) ? S("true") : S("false"));
    } else if (value.type == EVTX_GUID && data.len == 16) {
        print_guid(out, data);
    } else if ((value.type == EVTX_FILETIME && data.len == 8) ||
               (value.type == EVTX_SYSTEMTIME && data.len == 16)) {
        print_time(out, value);
    } else if (value.type == EVTX_SID && data.len >= SID_FIXED &&
               data.len >= SID_FIXED + 4 * (size_t)data.ptr[1]) {
        print_sid(out, data);
    } else if ((value.type == EVTX_REAL32 && data.len == 4) ||
               (value.type == EVTX_REAL64 && data.len == 8)) {
        print_real(out, data);
    } else if (value.type != EVTX_NULL && value.type != EVTX_BINXML) {
        print_binary(out, data);
    }
}

/* Bytes of one element of an array; 0 = it has no fixed size. */
static size_t size_of(uint8_t type)
{
    static const uint8_t sizes[] = {
        [EVTX_INT8] = 1,     [EVTX_UINT8] = 1,       [EVTX_INT16] = 2,     [EVTX_UINT16] = 2,
        [EVTX_INT32] = 4,    [EVTX_UINT32] = 4,      [EVTX_INT64] = 8,     [EVTX_UINT64] = 8,
        [EVTX_REAL32] = 4,   [EVTX_REAL64] = 8,      [EVTX_BOOL] = 4,      [EVTX_GUID] = 16,
        [EVTX_FILETIME] = 8, [EVTX_SYSTEMTIME] = 16, [EVTX_HEX_INT32] = 4, [EVTX_HEX_INT64] = 8,
    };
    return type < COUNT_OF(sizes) ? sizes[type] : 0;
}

/* Cuts the first element off *rest. */
static struct evtx_value take_item(uint8_t type, bytes *rest)
{
    size_t n = size_of(type), gap = 0;
    if (type == EVTX_STRING || type == EVTX_ANSI_STRING) {
        size_t width = type == EVTX_STRING ? 2 : 1;
        while (n + width <= rest->len && load(rest->ptr + n, width))
            n += width;
        gap = width;
    } else if (type == EVTX_SID && rest->len >= SID_FIXED) {
        n = SID_FIXED + 4 * (size_t)rest->ptr[1];
    }
    if (!n && !gap) n = rest->len;
    if (n > rest->len) n = rest->len;
    struct evtx_value item = {
        type, {rest->ptr, n}
    };
    n = rest->len - n > gap ? n + gap : rest->len;
    *rest = (bytes){rest->ptr + n, rest->len - n};
    return item;
}

void evtx_value_print(struct evtx_text *out, struct evtx_value value)
{
    bytes rest = value.data;
    if (!(value.type & EVTX_ARRAY)) {
        print_one(out, value);
        return;
    }
    uint8_t type = value.type & (EVTX_ARRAY - 1);
    for (bool first = true; rest.len && !out->full; first = false) {
        if (!first) evtx_text_char(out, ',');
        print_one(out, take_item(type, &rest));
    }
}
