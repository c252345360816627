/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a few hundred bytes, gigabytes of them: newlines are found with memchr, and the next NUL
 * byte is looked for once per window, not once per line. UTF-16 is the rare case (PowerShell's
 * redirection): unit by unit, into a buffer made once.
 */
#include "evidence/text_lines.h"

enum text_encoding { TEXT_8BIT, TEXT_UTF16LE, TEXT_UTF16BE };

/* UTF-8 bytes of a line of UTF-16: three per unit at most. */
enum { DECODED_ROOM = LIMIT_LOG_LINE_BYTES / 2 * 3 + 4 };

struct text_lines {
    struct fact_sink sink;
    text_line_take *take;
    void *to;
    enum text_encoding encoding;
    bool begun;
    uint64_t newlines; /* met so far */
    /* A line over the limit, being stepped over. */
    bool in_long_line;
    uint64_t long_line_offset;
    char *decoded; /* DECODED_ROOM bytes */
};

static const str byte_order_mark = {"\xEF\xBB\xBF", 3};

/* UTF-16 only with its byte order mark. Returns the length of the mark. */
static size_t encoding_of(bytes head, enum text_encoding *out)
{
    *out = TEXT_8BIT;
    if (head.len < 2) return 0;
    if (head.ptr[0] == 0xFF && head.ptr[1] == 0xFE) *out = TEXT_UTF16LE;
    if (head.ptr[0] == 0xFE && head.ptr[1] == 0xFF) *out = TEXT_UTF16BE;
    return *out == TEXT_8BIT ? 0 : 2;
}

static uint32_t unit_at(enum text_encoding encoding, bytes data, size_t at)
{
    unsigned first = data.ptr[at], second = data.ptr[at + 1];
    return encoding == TEXT_UTF16BE ? first << 8 | second : second << 8 | first;
}

/* One scalar value; an unpaired surrogate is U+FFFD. */
static uint32_t scalar_at(enum text_encoding encoding, bytes data, size_t *at)
{
    uint32_t unit = unit_at(encoding, data, *at);
    *at += 2;
    if (unit < 0xD800 || unit > 0xDFFF) return unit;
    if (unit > 0xDBFF || *at + 1 >= data.len) return 0xFFFD;
    uint32_t low = unit_at(encoding, data, *at);
    if (low < 0xDC00 || low > 0xDFFF) return 0xFFFD;
    *at += 2;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

/* An odd last byte is dropped. */
static str decode(enum text_encoding encoding, bytes data, char *into, size_t room)
{
    size_t n = 0;
    for (size_t at = 0; at + 1 < data.len && room - n >= 4;) {
        char text[4];
        size_t len = str_utf8_put(text, scalar_at(encoding, data, &at));
        memcpy(into + n, text, len);
        n += len;
    }
    return (str){into, n};
}

static str without_mark(str text)
{
    while (str_starts(text, byte_order_mark))
        text = str_tail(text, byte_order_mark.len);
    return text;
}

static str without_return(str text)
{
    return text.len && text.ptr[text.len - 1] == '\r' ? str_head(text, text.len - 1) : text;
}

/* What is known of the window's terminators. */
struct ends {
    enum text_encoding encoding;
    bytes data;
    size_t nul; /* the first NUL at or after the last place asked for */
    bool nul_known;
};

static size_t find(bytes data, size_t at, int c)
{
    const uint8_t *found = at < data.len ? memchr(data.ptr + at, c, data.len - at) : NULL;
    return found ? (size_t)(found - data.ptr) : data.len;
}

/* The end of the line that starts at `at`, or data.len; *terminator is the character there. */
static size_t line_end(struct ends *ends, size_t at, char *terminator)
{
    bytes data = ends->data;
    *terminator = '\n';
    if (ends->encoding != TEXT_8BIT) {
        for (; at + 1 < data.len; at += 2) {
            uint32_t unit = unit_at(ends->encoding, data, at);
            if (unit != '\n' && unit != 0) continue;
            *terminator = (char)unit;
            return at;
        }
        return data.len;
    }
    if (!ends->nul_known || ends->nul < at) {
        ends->nul = find(data, at, 0);
        ends->nul_known = true;
    }
    size_t newline = find((bytes){data.ptr, ends->nul}, at, '\n');
    if (newline < ends->nul) return newline;
    *terminator = 0;
    return ends->nul;
}

struct text_lines *text_lines_open(struct arena *arena, const struct fact_sink *sink,
                                   text_line_take *take, void *to)
{
    struct text_lines *lines = arena_new(arena, struct text_lines);
    lines->sink = *sink;
    lines->take = take;
    lines->to = to;
    lines->decoded = arena_array(arena, char, DECODED_ROOM);
    return lines;
}

static void skip_long(const struct text_lines *lines, uint64_t start, uint64_t length)
{
    lines->sink.skip(lines->sink.to,
                     &(struct skip){start, length, S("the line is longer than 64 KiB")});
}

static void give(struct text_lines *lines, bytes raw, uint64_t offset, bool cut)
{
    str text = str_of_bytes(raw);
    if (lines->encoding != TEXT_8BIT)
        text = decode(lines->encoding, raw, lines->decoded, DECODED_ROOM);
    text = without_return(text);
    if (text.len && text.ptr[0] == byte_order_mark.ptr[0]) text = without_mark(text);
    if (!text.len) return;

    struct text_line line = {
        .text = text,
        .offset = offset,
        .length = raw.len,
        .number = lines->newlines + 1,
        .cut = cut,
    };
    if (lines->encoding == TEXT_8BIT) {
        line.offset += (uint64_t)(text.ptr - (const char *)raw.ptr);
        line.length = text.len;
    } else if (raw.len >= 2 && unit_at(lines->encoding, raw, raw.len / 2 * 2 - 2) == '\r') {
        line.length = raw.len / 2 * 2 - 2;
    }
    lines->take(lines->to, &line);
}

static void found(struct text_lines *lines, struct window window, size_t at, size_t end, bool cut)
{
    uint64_t start = lines->in_long_line ? lines->long_line_offset : window.offset + at;
    uint64_t length = window.offset + end - start;
    lines->in_long_line = false;
    if (length > LIMIT_LOG_LINE_BYTES) {
        skip_long(lines, start, length);
        return;
    }
    if (length) give(lines, (bytes){window.data.ptr + at, end - at}, start, cut);
}

void text_lines_feed(struct text_lines *lines, struct window window, size_t *consumed, size_t *want)
{
    bytes data = window.data;
    size_t at = 0;

    *want = *consumed = 0;
    if (!lines->begun) {
        if (data.len < 2 && !window.last) {
            *want = 2;
            return;
        }
        at = encoding_of(data, &lines->encoding);
        lines->begun = true;
    }
    size_t width = lines->encoding == TEXT_8BIT ? 1 : 2;
    struct ends ends = {.encoding = lines->encoding, .data = data};
    while (at < data.len) {
        char terminator = 0;
        if (width == 1 && !data.ptr[at] && !lines->in_long_line) {
            at++; /* runs of unwritten space */
            continue;
        }
        size_t end = line_end(&ends, at, &terminator);
        if (end == data.len && !window.last) break;
        found(lines, window, at, end, end == data.len || terminator == 0);
        lines->newlines += end < data.len && terminator == '\n';
        at = end == data.len ? end : end + width;
    }
    /* A line longer than the limit is not waited for. */
    if (data.len - at > LIMIT_LOG_LINE_BYTES) {
        if (!lines->in_long_line) lines->long_line_offset = window.offset + at;
        lines->in_long_line = true;
        at += (data.len - at) / width * width;
    }
    if (window.last && lines->in_long_line) {
        uint64_t start = lines->long_line_offset;
        skip_long(lines, start, window.offset + at - start);
        lines->in_long_line = false;
    }
    *consumed = at;
}

bool text_lines_may_split(bytes head)
{
    enum text_encoding encoding;
    (void)encoding_of(head, &encoding);
    return encoding == TEXT_8BIT;
}

size_t text_lines_last(bytes data)
{
    size_t n = data.len;
    while (n && data.ptr[n - 1] != '\n')
        n--;
    return n;
}

void text_lines_adopt(struct text_lines *lines)
{
    lines->begun = true;
}

/* Where the line begins that has nothing but blanks and byte order marks before `at`, or `at`
 * itself when something else is there. */
static size_t begin_of(bytes data, size_t at)
{
    for (size_t i = at; i > 0; i--) {
        uint8_t c = data.ptr[i - 1];
        if (c == '\n' || !c) return i;
        if (!memchr(" \t\r\xEF\xBB\xBF", c, 6)) return at;
    }
    return 0;
}

void text_lines_find(bytes block, char mark, text_line_found *take, void *to)
{
    struct ends ends = {.encoding = TEXT_8BIT, .data = block};
    for (size_t at = 0; at < block.len;) {
        char terminator = 0;
        size_t marked = mark ? find(block, at, mark) : at;
        if (marked == block.len) return;
        size_t begin = mark ? begin_of(block, marked) : at;
        bool is_within = begin && block.ptr[begin - 1] != '\n' && block.ptr[begin - 1];
        at = marked + 1;
        if (is_within) continue; /* something stands before the mark */
        size_t end = line_end(&ends, marked, &terminator);
        if (end > begin) take(to, begin, end, end == block.len || terminator == 0);
        at = end + 1;
    }
}

struct passing {
    struct text_lines *lead;
    text_line_matters *matters;
    bytes block;
};

static void pass_line(void *to, size_t begin, size_t end, bool cut)
{
    const struct passing *passing = to;
    str raw = str_of_bytes((bytes){passing->block.ptr + begin, end - begin});
    if (passing->matters && !passing->matters(passing->lead->to, raw)) return;
    found(passing->lead, (struct window){passing->block, 0, true}, begin, end, cut);
}

void text_lines_pass(struct text_lines *lead, bytes block, char mark, text_line_matters *matters)
{
    struct passing passing = {lead, matters, block};
    text_lines_find(block, mark, pass_line, &passing);
}

str text_lines_head(bytes head, char into[TEXT_LINES_HEAD_ROOM])
{
    enum text_encoding encoding;
    size_t mark = encoding_of(head, &encoding);
    if (encoding == TEXT_8BIT) return without_mark(str_of_bytes(head));
    if (head.len > LIMIT_RECOGNISE_BYTES) head.len = LIMIT_RECOGNISE_BYTES;
    bytes text = {head.ptr + mark, head.len - mark};
    return without_mark(decode(encoding, text, into, TEXT_LINES_HEAD_ROOM));
}

bool text_lines_cut(str *rest, str *line, bool *whole)
{
    while (rest->len) {
        const char *nul = memchr(rest->ptr, 0, rest->len);
        str here = nul ? str_head(*rest, (size_t)(nul - rest->ptr)) : *rest;
        str text, tail;
        *whole = str_cut(here, '\n', &text, &tail);
        *rest = str_tail(*rest, text.len + (*whole || nul ? 1 : 0));
        text = without_mark(without_return(text));
        if (!text.len) continue;
        *line = text;
        return true;
    }
    return false;
}

str text_lines_peek(bytes head, size_t n, struct arena *arena, bool *whole)
{
    char *into = arena_array(arena, char, TEXT_LINES_HEAD_ROOM);
    str rest = text_lines_head(head, into), line = {0};
    for (size_t i = 0; text_lines_cut(&rest, &line, whole); i++)
        if (i == n) return line;
    *whole = false;
    return (str){0};
}
