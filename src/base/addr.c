/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"

#include "base/hash.h"

static const uint64_t V4_HIGH_HALF = UINT64_C(0x0000FFFF00000000);

const struct range addr_all = {
    .first = {0,          0         },
      .last = {UINT64_MAX, UINT64_MAX}
};
const struct range addr_all_v4 = {
    .first = {0, UINT64_C(0x0000FFFF00000000)},
    .last = {0, UINT64_C(0x0000FFFFFFFFFFFF)},
};

struct addr addr_v4(uint32_t value)
{
    return (struct addr){0, V4_HIGH_HALF | value};
}

struct addr addr_from_bytes(const uint8_t octets[16])
{
    struct addr a = {0};
    for (size_t i = 0; i < 8; i++)
        a.hi = a.hi << 8 | octets[i];
    for (size_t i = 8; i < 16; i++)
        a.lo = a.lo << 8 | octets[i];
    return a;
}

void addr_to_bytes(struct addr a, uint8_t octets[16])
{
    for (size_t i = 0; i < 8; i++)
        octets[i] = (uint8_t)(a.hi >> (56 - 8 * i));
    for (size_t i = 0; i < 8; i++)
        octets[8 + i] = (uint8_t)(a.lo >> (56 - 8 * i));
}

bool addr_is_none(struct addr a)
{
    return a.hi == 0 && a.lo == 0;
}

bool addr_is_v4(struct addr a)
{
    return a.hi == 0 && a.lo >> 32 == 0xFFFF;
}

uint32_t addr_v4_value(struct addr a)
{
    assert(addr_is_v4(a));
    return (uint32_t)(a.lo & UINT32_MAX);
}

int addr_compare(struct addr a, struct addr b)
{
    if (a.hi != b.hi) return a.hi < b.hi ? -1 : 1;
    return (a.lo > b.lo) - (a.lo < b.lo);
}

bool addr_equal(struct addr a, struct addr b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

uint64_t addr_hash(struct addr a)
{
    return hash_join(hash_u64(a.hi), a.lo);
}

struct addr addr_next(struct addr a)
{
    assert(a.lo != UINT64_MAX || a.hi != UINT64_MAX);
    if (a.lo != UINT64_MAX) return (struct addr){a.hi, a.lo + 1};
    return (struct addr){a.hi + 1, 0};
}

struct addr addr_previous(struct addr a)
{
    assert(a.lo != 0 || a.hi != 0);
    if (a.lo) return (struct addr){a.hi, a.lo - 1};
    return (struct addr){a.hi - 1, UINT64_MAX};
}

/* Four numbers of up to 255 without leading zeros. */
static bool parse_v4(str text, uint32_t *out)
{
    uint32_t value = 0, number = 0;
    unsigned digits = 0, dots = 0;
    if (text.len > sizeof "255.255.255.255" - 1) return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c >= '0' && c <= '9') {
            if (digits && !number) return false;
            number = number * 10 + (uint32_t)(c - '0');
            if (number > 255) return false;
            digits++;
        } else if (c == '.' && digits && dots < 3) {
            value = value << 8 | number;
            number = 0;
            digits = 0;
            dots++;
        } else {
            return false;
        }
    }
    if (dots != 3 || !digits) return false;
    *out = value << 8 | number;
    return true;
}

static bool parse_hextet(str text, uint16_t *out)
{
    uint32_t value = 0;
    if (!text.len || text.len > 4) return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        uint32_t digit = 0;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (uint32_t)(c - 'A') + 10;
        else
            return false;
        value = value << 4 | digit;
    }
    *out = (uint16_t)value;
    return true;
}

/* Colon-separated groups of one side of "::" into parts; false when malformed or too many. */
static bool parse_groups(str text, bool may_end_in_v4, uint16_t parts[8], size_t *n)
{
    *n = 0;
    if (!text.len) return true;
    for (bool more = true; more;) {
        str head;
        uint32_t v4 = 0;
        more = str_cut(text, ':', &head, &text);
        if (!more && may_end_in_v4 && *n <= 6 && parse_v4(head, &v4)) {
            parts[(*n)++] = (uint16_t)(v4 >> 16);
            parts[(*n)++] = (uint16_t)(v4 & 0xFFFF);
            return true;
        }
        if (*n == 8 || !parse_hextet(head, &parts[*n])) return false;
        (*n)++;
    }
    return true;
}

static bool parse_v6(str text, struct addr *out)
{
    uint16_t left[8] = {0}, right[8] = {0};
    size_t n_left = 0, n_right = 0, gap = 0;
    bool has_gap = false;
    for (gap = 0; gap + 1 < text.len && !has_gap; gap++)
        has_gap = text.ptr[gap] == ':' && text.ptr[gap + 1] == ':';
    if (has_gap) gap--;

    str before = has_gap ? str_head(text, gap) : text;
    str after = has_gap ? str_tail(text, gap + 2) : (str){0};
    if (!parse_groups(before, !has_gap, left, &n_left)) return false;
    if (!parse_groups(after, true, right, &n_right)) return false;
    if (has_gap ? n_left + n_right > 7 : n_left != 8) return false;

    uint8_t octets[16] = {0};
    for (size_t i = 0; i < n_left; i++) {
        octets[2 * i] = (uint8_t)(left[i] >> 8);
        octets[2 * i + 1] = (uint8_t)(left[i] & 0xFF);
    }
    for (size_t i = 0; i < n_right; i++) {
        size_t at = 2 * (8 - n_right + i);
        octets[at] = (uint8_t)(right[i] >> 8);
        octets[at + 1] = (uint8_t)(right[i] & 0xFF);
    }
    *out = addr_from_bytes(octets);
    return true;
}

bool addr_parse(str text, struct addr *out)
{
    uint32_t v4 = 0;
    if (parse_v4(text, &v4)) {
        *out = addr_v4(v4);
        return true;
    }
    return text.len && memchr(text.ptr, ':', text.len) && parse_v6(text, out);
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952, 4.2). */
static void longest_zeros(const uint16_t parts[8], size_t *start, size_t *len)
{
    *start = 8, *len = 1;
    for (size_t i = 0; i < 8;) {
        size_t n = 0;
        while (i + n < 8 && parts[i + n] == 0)
            n++;
        if (n > *len) *start = i, *len = n;
        i += n ? n : 1;
    }
}

str addr_text(char out[ADDR_TEXT], struct addr a)
{
    if (addr_is_v4(a)) {
        uint32_t v = addr_v4_value(a);
        int n =
            snprintf(out, ADDR_TEXT, "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
        return (str){out, (size_t)n};
    }
    uint8_t octets[16];
    uint16_t parts[8];
    size_t zeros = 0, n_zeros = 0, len = 0;
    addr_to_bytes(a, octets);
    for (size_t i = 0; i < 8; i++)
        parts[i] = (uint16_t)((unsigned)octets[2 * i] << 8 | octets[2 * i + 1]);
    longest_zeros(parts, &zeros, &n_zeros);
    for (size_t i = 0; i < 8; i++) {
        if (i == zeros) {
            len += (size_t)snprintf(out + len, ADDR_TEXT - len, i ? ":" : "::");
            i += n_zeros - 1;
            continue;
        }
        len += (size_t)snprintf(out + len, ADDR_TEXT - len, "%x%s", (unsigned)parts[i],
                                i < 7 ? ":" : "");
    }
    return (str){out, len};
}

void addr_print(struct buf *out, struct addr a)
{
    char text[ADDR_TEXT];
    buf_str(out, addr_text(text, a));
}

/* The bits of half a line that a prefix of len bits (within that half) keeps. */
static uint64_t half_mask(unsigned len)
{
    if (len == 0) return 0;
    if (len >= 64) return UINT64_MAX;
    return UINT64_MAX << (64 - len);
}

static struct addr mask(uint8_t len)
{
    return (struct addr){half_mask(len), len > 64 ? half_mask(len - 64u) : 0};
}

struct prefix prefix_of(struct addr a, uint8_t len)
{
    struct addr m = mask(len);
    return (struct prefix){
        {a.hi & m.hi, a.lo & m.lo},
        len
    };
}

bool prefix_parse(str text, struct prefix *out)
{
    str address, length;
    bool has_length = str_cut(text, '/', &address, &length);
    struct addr a;
    if (!addr_parse(address, &a)) return false;

    bool v4 = !memchr(address.ptr, ':', address.len);
    uint64_t len = v4 ? 32 : 128;
    if (has_length) {
        if (length.len > 1 && length.ptr[0] == '0') return false;
        if (!str_u64(length, len, &len)) return false;
    }
    *out = (struct prefix){a, (uint8_t)(v4 ? len + 96 : len)};
    return true;
}

bool prefix_has_host_bits(struct prefix p)
{
    struct addr m = mask(p.len);
    return (p.addr.hi & ~m.hi) != 0 || (p.addr.lo & ~m.lo) != 0;
}

struct range prefix_range(struct prefix p)
{
    struct addr m = mask(p.len);
    struct prefix first = prefix_of(p.addr, p.len);
    return (struct range){
        first.addr, {first.addr.hi | ~m.hi, first.addr.lo | ~m.lo}
    };
}

bool prefix_contains(struct prefix p, struct addr a)
{
    struct addr m = mask(p.len);
    return ((p.addr.hi ^ a.hi) & m.hi) == 0 && ((p.addr.lo ^ a.lo) & m.lo) == 0;
}

uint8_t prefix_text_length(struct prefix p)
{
    return (uint8_t)(addr_is_v4(p.addr) && p.len >= 96 ? p.len - 96 : p.len);
}

str prefix_text(char out[PREFIX_TEXT], struct prefix p)
{
    char address[ADDR_TEXT];
    str a = addr_text(address, p.addr);
    int n = snprintf(out, PREFIX_TEXT, "%.*s/%u", STR_ARG(a), (unsigned)prefix_text_length(p));
    return (str){out, (size_t)n};
}
