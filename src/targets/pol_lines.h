/* SPDX-License-Identifier: Apache-2.0 */
/* For tests that damage a Registry.pol: the container stays whole, so that what it holds is judged.
 * Settings become lines of text and back. [MS-GPREG] 2.2.1, by a reader and a writer of these
 * tests' own.
 */
#pragma once

#include "base/buf.h"
#include "base/test.h"

enum { POL_LINES_HEADER = 8 };

static inline bool pol_lines_is(str content)
{
    return content.len >= POL_LINES_HEADER && str_starts(content, S("PReg"));
}

static inline char pol_lines_low_byte(str content, size_t at)
{
    assert_true(at + 1 < content.len && content.ptr[at + 1] == 0);
    return content.ptr[at];
}

static inline uint32_t pol_lines_u32_of(str content, size_t at)
{
    uint32_t value = 0;
    assert_true(at + 4 <= content.len);
    for (size_t i = 4; i > 0; i--)
        value = value << 8 | (uint8_t)content.ptr[at + i - 1];
    return value;
}

/* Key, name, type and data, parted by tabs; texts as they are, other data in hexadecimal. */
static inline str pol_lines_of(struct arena *arena, str content)
{
    struct buf out = buf_in(arena);
    for (size_t at = POL_LINES_HEADER; at < content.len;) {
        assert_int_equal(pol_lines_low_byte(content, at), '[');
        at += 2;
        for (unsigned field = 0; field < 2; field++, at += 4) {
            for (; pol_lines_low_byte(content, at); at += 2)
                buf_char(&out, content.ptr[at]);
            buf_char(&out, '\t');
        }
        uint32_t type = pol_lines_u32_of(content, at), size = pol_lines_u32_of(content, at + 6);
        buf_format(&out, "%" PRIu32 "\t", type);
        at += 12;
        for (size_t i = 0; i < size && type != 1; i++)
            buf_format(&out, "%02x", (unsigned)(uint8_t)content.ptr[at + i]);
        for (size_t i = 0; i + 2 < size && type == 1; i += 2)
            buf_char(&out, pol_lines_low_byte(content, at + i));
        at += size + 2;
        buf_char(&out, '\n');
    }
    return buf_text(&out);
}

static inline void pol_lines_put_wide(struct buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        buf_char(out, text.ptr[i]);
        buf_char(out, 0);
    }
}

static inline void pol_lines_put_u32(struct buf *out, size_t value)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        buf_char(out, (char)(value >> shift & 0xFF));
}

static inline void pol_lines_put_setting(struct buf *out, const str field[4], struct arena *arena)
{
    struct buf data = buf_in(arena);
    uint64_t type = 0;
    assert_true(str_u64(field[2], 11, &type));
    for (size_t i = 0; i + 1 < field[3].len && type != 1; i += 2) {
        char pair[3] = {field[3].ptr[i], field[3].ptr[i + 1], 0};
        buf_char(&data, (char)strtoul(pair, NULL, 16));
    }
    if (type == 1) {
        pol_lines_put_wide(&data, field[3]);
        buf_repeat(&data, 0, 2);
    }
    pol_lines_put_wide(out, S("["));
    pol_lines_put_wide(out, field[0]);
    buf_repeat(out, 0, 2);
    pol_lines_put_wide(out, S(";"));
    pol_lines_put_wide(out, field[1]);
    buf_repeat(out, 0, 2);
    pol_lines_put_wide(out, S(";"));
    pol_lines_put_u32(out, (size_t)type);
    pol_lines_put_wide(out, S(";"));
    pol_lines_put_u32(out, buf_text(&data).len);
    pol_lines_put_wide(out, S(";"));
    buf_str(out, buf_text(&data));
    pol_lines_put_wide(out, S("]"));
}

static inline str pol_lines_pol(struct arena *arena, str lines)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("PReg\1\0\0\0"));
    while (lines.len) {
        str line, rest, field[4];
        (void)str_cut(lines, '\n', &line, &rest);
        lines = rest;
        for (size_t i = 0; i < COUNT_OF(field); i++) {
            (void)str_cut(line, '\t', &field[i], &rest);
            line = rest;
        }
        pol_lines_put_setting(&out, field, arena);
    }
    return buf_text(&out);
}
