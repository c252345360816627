/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_write.h"

#include "base/instant.h"

struct json json_to(struct buf *out)
{
    return (struct json){.out = out};
}

static void new_line(struct json *json)
{
    if (!json->pretty) return;
    buf_char(json->out, '\n');
    buf_repeat(json->out, ' ', json->depth);
}

/* What stands before a value or a key: a comma, unless it is the first or follows its key. */
static void before_item(struct json *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (!json->depth) return;
    if (json->has_items[json->depth]) buf_char(json->out, ',');
    json->has_items[json->depth] = true;
    new_line(json);
}

static void open(struct json *json, char bracket)
{
    before_item(json);
    buf_char(json->out, bracket);
    assert(json->depth + 1 < LIMIT_NESTING);
    json->has_items[++json->depth] = false;
}

static void close(struct json *json, char bracket)
{
    assert(json->depth);
    bool had_items = json->has_items[json->depth--];
    if (had_items) new_line(json);
    buf_char(json->out, bracket);
}

void json_object(struct json *json)
{
    open(json, '{');
}

void json_object_end(struct json *json)
{
    close(json, '}');
}

void json_array(struct json *json)
{
    open(json, '[');
}

void json_array_end(struct json *json)
{
    close(json, ']');
}

static void quoted(struct buf *out, str s)
{
    static const char escapes[] = "btn?fr"; /* for 8..13; 11 has none */
    size_t bad = 0;
    buf_char(out, '"');
    for (size_t at = 0, n = 1; at < s.len; at += n) {
        uint8_t c = (uint8_t)s.ptr[at];
        n = 1;
        if (c >= 0x80) {
            n = str_utf8_next(str_tail(s, at), &bad);
            buf_str(out, n ? (str){s.ptr + at, n} : S("\xEF\xBF\xBD"));
            n = n ? n : bad;
        } else if (c == '"' || c == '\\')
            buf_format(out, "\\%c", c);
        else if (c >= 8 && c <= 13 && c != 11)
            buf_format(out, "\\%c", escapes[c - 8]);
        else if (c < 0x20 || c == 0x7F)
            buf_format(out, "\\u%04x", c);
        else {
            while (at + n < s.len && s.ptr[at + n] >= 0x20 && s.ptr[at + n] != 0x7F &&
                   s.ptr[at + n] != '"' && s.ptr[at + n] != '\\')
                n++;
            buf_str(out, (str){s.ptr + at, n});
        }
    }
    buf_char(out, '"');
}

void json_str(struct json *json, str value)
{
    before_item(json);
    quoted(json->out, value);
}

void json_key(struct json *json, str key)
{
    before_item(json);
    quoted(json->out, key);
    buf_char(json->out, ':');
    json->after_key = true;
}

void json_u64(struct json *json, uint64_t value)
{
    before_item(json);
    buf_u64(json->out, value);
}

void json_i64(struct json *json, int64_t value)
{
    before_item(json);
    buf_i64(json->out, value);
}

void json_bool(struct json *json, bool value)
{
    before_item(json);
    buf_str(json->out, value ? S("true") : S("false"));
}

void json_null(struct json *json)
{
    before_item(json);
    buf_str(json->out, S("null"));
}

void json_addr(struct json *json, struct addr a)
{
    char text[ADDR_TEXT];
    json_str(json, addr_text(text, a));
}

void json_instant(struct json *json, int64_t instant_us)
{
    char text[INSTANT_TEXT];
    json_str(json, instant_text(text, instant_us));
}

void json_member_str(struct json *json, str key, str value)
{
    json_key(json, key);
    json_str(json, value);
}

void json_member_str_or_null(struct json *json, str key, str value)
{
    json_key(json, key);
    if (value.len)
        json_str(json, value);
    else
        json_null(json);
}

void json_member_u64(struct json *json, str key, uint64_t value)
{
    json_key(json, key);
    json_u64(json, value);
}

void json_member_bool(struct json *json, str key, bool value)
{
    json_key(json, key);
    json_bool(json, value);
}

void json_member_null(struct json *json, str key)
{
    json_key(json, key);
    json_null(json);
}
