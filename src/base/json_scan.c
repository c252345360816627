/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_scan.h"

static_assert(LIMIT_NESTING <= 64, "open containers are bits of one word");

struct json_scan json_scan_of(str text, uint64_t offset, struct arena *arena)
{
    return (struct json_scan){.text = text, .offset = offset, .arena = arena};
}

FORMAT_PRINTF(5, 6)
static bool fail(struct json_scan *scan, enum err_kind kind, size_t at, struct err *err,
                 const char *format, ...)
{
    char text[LIMIT_ERR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    err_at(err, kind, scan->offset + at, "%s", text);
    scan->failure = *err;
    scan->wants = JSON_SCAN_FAILED;
    return false;
}

/* What was found where something else was expected. */
static bool fail_expected(struct json_scan *scan, struct err *err, const char *expected)
{
    if (scan->at == scan->text.len)
        return fail(scan, ERR_TRUNCATED, scan->at, err, "expected %s, found the end", expected);
    uint8_t c = (uint8_t)scan->text.ptr[scan->at];
    if (c > 0x20 && c < 0x7F)
        return fail(scan, ERR_MALFORMED, scan->at, err, "expected %s, found '%c'", expected, c);
    return fail(scan, ERR_MALFORMED, scan->at, err, "expected %s, found byte 0x%02x", expected,
                (unsigned)c);
}

/* RFC 8259, 2: ws */
static void pass_blanks(struct json_scan *scan)
{
    const char *p = scan->text.ptr;
    while (scan->at < scan->text.len && (p[scan->at] == ' ' || p[scan->at] == '\t' ||
                                         p[scan->at] == '\n' || p[scan->at] == '\r'))
        scan->at++;
}

static bool at_char(const struct json_scan *scan, char c)
{
    return scan->at < scan->text.len && scan->text.ptr[scan->at] == c;
}

static bool at_digit(const struct json_scan *scan)
{
    return scan->at < scan->text.len && scan->text.ptr[scan->at] >= '0' &&
           scan->text.ptr[scan->at] <= '9';
}

static bool pass_char(struct json_scan *scan, char c)
{
    bool here = at_char(scan, c);
    scan->at += here;
    return here;
}

static bool pass_digits(struct json_scan *scan, struct err *err)
{
    if (!at_digit(scan)) return fail_expected(scan, err, "a digit");
    while (at_digit(scan))
        scan->at++;
    return true;
}

/* RFC 8259, 6 */
static bool pass_number(struct json_scan *scan, str *out, struct err *err)
{
    size_t start = scan->at;
    pass_char(scan, '-');
    if (!pass_char(scan, '0') && !pass_digits(scan, err)) return false;
    if (pass_char(scan, '.') && !pass_digits(scan, err)) return false;
    if (pass_char(scan, 'e') || pass_char(scan, 'E')) {
        if (!pass_char(scan, '+')) pass_char(scan, '-');
        if (!pass_digits(scan, err)) return false;
    }
    *out = (str){scan->text.ptr + start, scan->at - start};
    return true;
}

/* Four hexadecimal digits. */
static bool take_hex(struct json_scan *scan, uint32_t *out, struct err *err)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++, scan->at++) {
        char c = scan->at < scan->text.len ? scan->text.ptr[scan->at] : 0;
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (uint32_t)(c - 'A') + 10;
        else
            return fail_expected(scan, err, "a hexadecimal digit");
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

static bool is_low_surrogate_next(const struct json_scan *scan)
{
    str rest = str_tail(scan->text, scan->at);
    return rest.len >= 4 && rest.ptr[0] == '\\' && rest.ptr[1] == 'u' &&
           (rest.ptr[2] == 'd' || rest.ptr[2] == 'D') &&
           ((rest.ptr[3] >= 'c' && rest.ptr[3] <= 'f') ||
            (rest.ptr[3] >= 'C' && rest.ptr[3] <= 'F'));
}

/* Behind "\u". RFC 8259, 7: characters outside the BMP are two surrogates. */
static bool take_unicode(struct json_scan *scan, uint32_t *out, struct err *err)
{
    size_t start = scan->at - 2;
    uint32_t c = 0, low = 0;
    if (!take_hex(scan, &c, err)) return false;
    if (c >= 0xD800 && c < 0xDC00 && is_low_surrogate_next(scan)) {
        scan->at += 2;
        if (!take_hex(scan, &low, err)) return false;
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    if (c >= 0xD800 && c <= 0xDFFF) {
        if (!scan->replace_invalid)
            return fail(scan, ERR_MALFORMED, start, err, "a surrogate without its other half");
        c = 0xFFFD;
    }
    *out = c;
    return true;
}

/* Behind the backslash. */
static bool take_escape(struct json_scan *scan, uint32_t *out, struct err *err)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char c = scan->at < scan->text.len ? scan->text.ptr[scan->at] : 0;
    if (c == 'u') {
        scan->at++;
        return take_unicode(scan, out, err);
    }
    const char *known = c ? strchr(from, c) : NULL;
    if (!known) return fail_expected(scan, err, "an escape: \" \\ / b f n r t u");
    scan->at++;
    *out = (uint8_t)into[known - from];
    return true;
}

/* One invalid sequence, or a character of valid UTF-8, at the scan's place. */
static bool take_utf8(struct json_scan *scan, char *into, size_t *len, struct err *err)
{
    size_t bad = 0, n = str_utf8_next(str_tail(scan->text, scan->at), &bad);
    if (!n && !scan->replace_invalid)
        return fail(scan, ERR_MALFORMED, scan->at, err, "invalid UTF-8");
    if (into && n) memcpy(into + *len, scan->text.ptr + scan->at, n);
    if (into && !n) memcpy(into + *len, "\xEF\xBF\xBD", 3);
    *len += n ? n : 3;
    scan->at += n ? n : bad;
    return true;
}

/* The rest of a string into `into` (room for three bytes per byte of text, or NULL: only checked),
 * up to its closing quote. */
static bool take_characters(struct json_scan *scan, char *into, size_t *len, struct err *err)
{
    while (!at_char(scan, '"')) {
        if (scan->at == scan->text.len) return fail_expected(scan, err, "a closing quote");
        uint8_t c = (uint8_t)scan->text.ptr[scan->at];
        if (c < 0x20) return fail_expected(scan, err, "a control character as an escape");
        if (c == '\\') {
            uint32_t character = 0;
            char piece[4];
            scan->at++;
            if (!take_escape(scan, &character, err)) return false;
            size_t n = str_utf8_put(piece, character);
            if (into) memcpy(into + *len, piece, n);
            *len += n;
        } else if (c >= 0x80) {
            if (!take_utf8(scan, into, len, err)) return false;
        } else {
            if (into) into[*len] = (char)c;
            scan->at++;
            *len += 1;
        }
    }
    return true;
}

/* The high bit of each byte of x that is zero. Bytes above a zero one may be marked too, so only
 * the lowest mark means something. */
WRAPS static inline uint64_t zero_bytes(uint64_t x)
{
    return (x - UINT64_C(0x0101010101010101)) & ~x & UINT64_C(0x8080808080808080);
}

WRAPS size_t json_scan_plain(str s, bool *ascii)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
    size_t at = 0;
    uint64_t seen = 0;
    for (; at + 8 <= s.len; at += 8) {
        uint64_t word, marks;
        memcpy(&word, s.ptr + at, sizeof word);
        marks = zero_bytes(word ^ ones * '"') | zero_bytes(word ^ ones * '\\') |
                ((word - ones * 0x20) & ~word & tops);
        if (marks) break; /* which byte it is, the loop below finds on any byte order */
        seen |= word;
    }
    for (; at < s.len; at++) {
        uint8_t c = (uint8_t)s.ptr[at];
        if (c == '"' || c == '\\' || c < 0x20) break;
        seen |= c;
    }
    if (seen & tops) *ascii = false;
    return at;
}

/* At the opening quote. */
static bool pass_string(struct json_scan *scan, str *out, struct err *err)
{
    const char *p = scan->text.ptr;
    size_t start = ++scan->at, len = 0;
    bool plain = true, ascii = true; /* plain: no escape, all valid: a slice of the text */
    size_t run = json_scan_plain((str){p + start, scan->text.len - start}, &ascii);
    if (ascii) scan->at += run;
    while (plain && scan->at < scan->text.len && p[scan->at] != '"') {
        uint8_t c = (uint8_t)p[scan->at];
        size_t bad = 0, n = 1;
        if (c >= 0x80) n = str_utf8_next(str_tail(scan->text, scan->at), &bad);
        plain = c >= 0x20 && c != '\\' && n;
        if (plain) scan->at += n;
    }
    *out = (str){p + start, scan->at - start};
    if (!plain || scan->at == scan->text.len) {
        /* Once more from here: first only to see that the string is sound and how long it is. */
        size_t middle = scan->at;
        if (!take_characters(scan, NULL, &len, err)) return false;
        if (!scan->quiet) {
            size_t head = middle - start;
            char *text = arena_array(scan->arena, char, head + len);
            if (head) memcpy(text, p + start, head);
            scan->at = middle;
            len = head;
            if (!take_characters(scan, text, &len, err)) return false;
            *out = (str){text, len};
        }
    }
    scan->at++; /* the closing quote */
    return true;
}

static bool pass_literal(struct json_scan *scan, struct err *err, enum json_scan_kind *kind)
{
    static const struct {
        str text;
        enum json_scan_kind kind;
    } literals[] = {
        {{"true", 4},  JSON_SCAN_TRUE },
        {{"false", 5}, JSON_SCAN_FALSE},
        {{"null", 4},  JSON_SCAN_NULL },
    };
    for (size_t i = 0; i < COUNT_OF(literals); i++) {
        if (!str_starts(str_tail(scan->text, scan->at), literals[i].text)) continue;
        scan->at += literals[i].text.len;
        *kind = literals[i].kind;
        return true;
    }
    str rest = str_tail(scan->text, scan->at);
    for (size_t i = 0; i < COUNT_OF(literals) && rest.len; i++)
        if (str_starts(literals[i].text, rest)) scan->at = scan->text.len; /* cut */
    return fail_expected(scan, err, "a value");
}

/* A value is complete: what may follow it here. */
static void value_ends(struct json_scan *scan)
{
    scan->wants = scan->depth ? JSON_SCAN_WANTS_COMMA_OR_END : JSON_SCAN_WANTS_NOTHING;
}

static bool open_container(struct json_scan *scan, bool is_object, struct err *err)
{
    if (scan->depth == LIMIT_NESTING)
        return fail(scan, ERR_LIMIT, scan->at, err, "nested deeper than %d", LIMIT_NESTING);
    scan->depth++;
    scan->objects = (scan->depth > 1 ? scan->objects << 1 : 0) | is_object;
    scan->wants = is_object ? JSON_SCAN_WANTS_KEY_OR_END : JSON_SCAN_WANTS_VALUE_OR_END;
    scan->at++;
    return true;
}

static void close_container(struct json_scan *scan, struct json_scan_item *item)
{
    item->kind = scan->objects & 1 ? JSON_SCAN_OBJECT_END : JSON_SCAN_ARRAY_END;
    scan->objects >>= 1;
    scan->depth--;
    scan->at++;
    value_ends(scan);
}

static bool take_value(struct json_scan *scan, struct json_scan_item *item, struct err *err)
{
    if (at_char(scan, '{') || at_char(scan, '[')) {
        bool is_object = at_char(scan, '{');
        item->kind = is_object ? JSON_SCAN_OBJECT : JSON_SCAN_ARRAY;
        return open_container(scan, is_object, err);
    }
    if (at_char(scan, '"')) {
        item->kind = JSON_SCAN_STRING;
        if (!pass_string(scan, &item->text, err)) return false;
    } else if (at_char(scan, '-') || at_digit(scan)) {
        item->kind = JSON_SCAN_NUMBER;
        if (!pass_number(scan, &item->text, err)) return false;
    } else if (!pass_literal(scan, err, &item->kind)) {
        return false;
    }
    value_ends(scan);
    return true;
}

static bool take_key(struct json_scan *scan, struct json_scan_item *item, struct err *err)
{
    item->kind = JSON_SCAN_KEY;
    if (!at_char(scan, '"')) return fail_expected(scan, err, "a key in quotes");
    if (!pass_string(scan, &item->text, err)) return false;
    pass_blanks(scan);
    if (!pass_char(scan, ':')) return fail_expected(scan, err, "a colon");
    scan->wants = JSON_SCAN_WANTS_VALUE;
    return true;
}

bool json_scan_next(struct json_scan *scan, struct json_scan_item *out, struct err *err)
{
    bool in_object = scan->depth && (scan->objects & 1);
    if (scan->wants == JSON_SCAN_FAILED) {
        *err = scan->failure;
        return false;
    }
    pass_blanks(scan);
    if (scan->wants == JSON_SCAN_WANTS_COMMA_OR_END && pass_char(scan, ',')) {
        scan->wants = in_object ? JSON_SCAN_WANTS_KEY : JSON_SCAN_WANTS_VALUE;
        pass_blanks(scan);
    }
    struct json_scan_item item = {.offset = scan->offset + scan->at};
    bool fine = true;
    switch (scan->wants) {
    case JSON_SCAN_WANTS_NOTHING:
        item.kind = JSON_SCAN_END;
        if (scan->at < scan->text.len) fine = fail_expected(scan, err, "the end");
        break;
    case JSON_SCAN_WANTS_COMMA_OR_END:
    case JSON_SCAN_WANTS_KEY_OR_END:
    case JSON_SCAN_WANTS_VALUE_OR_END:
        if (at_char(scan, in_object ? '}' : ']')) {
            close_container(scan, &item);
            break;
        }
        if (scan->wants == JSON_SCAN_WANTS_COMMA_OR_END)
            fine = fail_expected(scan, err, in_object ? "',' or '}'" : "',' or ']'");
        else
            fine = in_object ? take_key(scan, &item, err) : take_value(scan, &item, err);
        break;
    case JSON_SCAN_WANTS_KEY:
        fine = take_key(scan, &item, err);
        break;
    case JSON_SCAN_WANTS_VALUE:
    case JSON_SCAN_FAILED:
        fine = take_value(scan, &item, err);
        break;
    }
    if (fine) *out = item;
    return fine;
}

bool json_scan_skip(struct json_scan *scan, struct json_scan_item item, struct err *err)
{
    unsigned until = scan->depth;
    bool was_quiet = scan->quiet, fine = true;
    scan->quiet = true;
    if (item.kind == JSON_SCAN_KEY) fine = json_scan_next(scan, &item, err);
    if (fine && (item.kind == JSON_SCAN_OBJECT || item.kind == JSON_SCAN_ARRAY)) {
        until = scan->depth - 1;
        while (fine && scan->depth > until)
            fine = json_scan_next(scan, &item, err);
    }
    scan->quiet = was_quiet;
    return fine;
}

bool json_scan_i64(str number, int64_t *out)
{
    uint64_t value = 0;
    bool minus = str_starts(number, S("-"));
    uint64_t most = (uint64_t)INT64_MAX + minus;
    if (!str_u64(str_tail(number, minus), most, &value)) return false;
    *out = minus && value ? -(int64_t)(value - 1) - 1 : (int64_t)value;
    return true;
}

bool json_scan_scaled(str number, unsigned decimals, int64_t *out)
{
    enum { EXPONENT_MOST = 1 << 30 };
    bool minus = str_starts(number, S("-"));
    uint64_t value = 0, most = (uint64_t)INT64_MAX + minus, power = 0;
    int64_t exponent = decimals;
    str mantissa = str_tail(number, minus), exponent_text = {0};
    if (!str_cut(mantissa, 'e', &mantissa, &exponent_text))
        str_cut(mantissa, 'E', &mantissa, &exponent_text);
    if (exponent_text.len) {
        bool down = exponent_text.ptr[0] == '-';
        bool sign = down || exponent_text.ptr[0] == '+';
        if (!str_u64(str_tail(exponent_text, sign), UINT64_MAX, &power) || power > EXPONENT_MOST)
            power = EXPONENT_MOST; /* beyond every number that fits, or less than the last digit */
        exponent += down ? -(int64_t)power : (int64_t)power;
    }
    str whole, fraction;
    str_cut(mantissa, '.', &whole, &fraction);
    exponent -= (int64_t)fraction.len;
    /* Digits that are cut are not multiplied in first, so that only the result must fit. */
    size_t digits = whole.len + fraction.len;
    for (size_t i = 0; i < digits && (int64_t)(digits - i) + exponent > 0; i++) {
        char c = i < whole.len ? whole.ptr[i] : fraction.ptr[i - whole.len];
        if (!num_mul(value, UINT64_C(10), &value) || !num_add(value, (uint64_t)(c - '0'), &value) ||
            value > most)
            return false;
    }
    for (; value && exponent > 0; exponent--)
        if (!num_mul(value, UINT64_C(10), &value) || value > most) return false;
    *out = minus && value ? -(int64_t)(value - 1) - 1 : (int64_t)value;
    return true;
}
