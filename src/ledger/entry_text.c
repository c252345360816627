/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/entry_text.h"

#include "base/instant.h"
#include "base/json_scan.h"

enum ledger_kind entry_text_kind(str kind)
{
    for (enum ledger_kind i = 0; i < LEDGER_KIND_COUNT; i++)
        if (str_equal(ledger_kind_text(i), kind)) return i;
    return LEDGER_KIND_COUNT;
}

/* ---- Writing -------------------------------------------------------------------------------- */

static void write_head(const struct entry_text *entry, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * sizeof entry->previous.bytes];
    for (size_t i = 0; i < sizeof entry->previous.bytes; i++) {
        hex[2 * i] = digits[entry->previous.bytes[i] >> 4];
        hex[2 * i + 1] = digits[entry->previous.bytes[i] & 15];
    }
    buf_str(out, S("{\"previous\":\""));
    buf_str(out, (str){hex, sizeof hex});
    buf_str(out, S("\",\"number\":"));
    buf_u64(out, entry->number);
    buf_str(out, S(",\"time\":\""));
    instant_print(out, entry->time_us);
    buf_str(out, S("\",\"kind\":\""));
    buf_str(out, entry->kind);
    buf_str(out, S("\",\"subject\":"));
    struct json json = json_to(out);
    json_str(&json, entry->subject);
    buf_str(out, S(",\"actor\":"));
}

void entry_text_write(const struct entry_text *entry, struct buf *out)
{
    write_head(entry, out);
    buf_str(out, entry->actor);
    buf_str(out, S(",\"data\":"));
    buf_str(out, entry->data);
    buf_char(out, '}');
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* The body is read from left to right; what does not come as it has to is refused at its offset. */
struct reading {
    str body;
    size_t at;
    struct err *err;
};

static bool refuse(const struct reading *in, const char *expected)
{
    return err_at(in->err, in->at < in->body.len ? ERR_MALFORMED : ERR_TRUNCATED, in->at,
                  "expected %s", expected);
}

static bool take(struct reading *in, str text)
{
    if (!str_starts(str_tail(in->body, in->at), text))
        return err_at(in->err, in->at < in->body.len ? ERR_MALFORMED : ERR_TRUNCATED, in->at,
                      "expected %.*s", STR_ARG(text));
    in->at += text.len;
    return true;
}

/* Up to a quote, which is passed; no escapes. */
static bool take_plain(struct reading *in, const char *what, str *out)
{
    str rest = str_tail(in->body, in->at), tail = {0};
    if (!str_cut(rest, '"', out, &tail)) return refuse(in, what);
    return true;
}

static bool take_hash(struct reading *in, struct sha256_digest *out)
{
    static const char digits[] = "0123456789abcdef";
    str hex = str_head(str_tail(in->body, in->at), 2 * sizeof out->bytes);
    if (hex.len != 2 * sizeof out->bytes) return refuse(in, "64 hexadecimal digits");
    for (size_t i = 0; i < hex.len; i++) {
        const char *digit = hex.ptr[i] ? strchr(digits, hex.ptr[i]) : NULL;
        if (!digit) return refuse(in, "64 hexadecimal digits (lower case)");
        uint8_t value = (uint8_t)(digit - digits);
        if (i % 2)
            out->bytes[i / 2] = (uint8_t)(out->bytes[i / 2] | value);
        else
            out->bytes[i / 2] = (uint8_t)(value << 4);
    }
    in->at += hex.len;
    return true;
}

static bool take_number(struct reading *in, uint64_t *out)
{
    str rest = str_tail(in->body, in->at);
    size_t n = 0;
    while (n < rest.len && rest.ptr[n] >= '0' && rest.ptr[n] <= '9')
        n++;
    if (!str_u64(str_head(rest, n), INT64_MAX, out) || (n > 1 && rest.ptr[0] == '0'))
        return refuse(in, "the entry's number in decimal digits");
    in->at += n;
    return true;
}

static bool take_time(struct reading *in, int64_t *out)
{
    char again[INSTANT_TEXT];
    str text = {0};
    if (!take_plain(in, "a time", &text)) return false;
    if (!instant_parse(text, out) || !str_equal(instant_text(again, *out), text))
        return refuse(in, "a time like 2026-11-22T12:13:20.123456Z");
    in->at += text.len;
    return true;
}

static bool take_kind(struct reading *in, str *out)
{
    if (!take_plain(in, "a kind", out)) return false;
    for (size_t i = 0; i < out->len; i++) {
        char c = out->ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return refuse(in, "a kind of lower-case letters, digits and '-'");
    }
    if (!out->len) return refuse(in, "a kind");
    in->at += out->len;
    return true;
}

/* One JSON value of the wanted kind; its text. */
static bool take_value(struct reading *in, enum json_scan_kind wanted, const char *what,
                       struct arena *arena, str *decoded, str *raw)
{
    struct json_scan_item item = {0};
    str rest = str_tail(in->body, in->at);
    struct json_scan scan = json_scan_of(rest, in->at, arena);
    if (!rest.len || rest.ptr[0] != (wanted == JSON_SCAN_OBJECT ? '{' : '"'))
        return refuse(in, what);
    scan.quiet = wanted == JSON_SCAN_OBJECT;
    if (!json_scan_next(&scan, &item, in->err) || !json_scan_skip(&scan, item, in->err))
        return false;
    *decoded = item.text;
    *raw = str_head(rest, scan.at);
    in->at += scan.at;
    return true;
}

/* Escapes have one form too: what json_str makes. */
static bool take_subject(struct reading *in, struct arena *arena, str *out)
{
    str raw = {0};
    size_t begin = in->at;
    if (!take_value(in, JSON_SCAN_STRING, "a subject", arena, out, &raw)) return false;
    for (size_t i = 0; i < out->len; i++)
        if ((uint8_t)out->ptr[i] < ' ') return refuse(in, "a subject without control characters");
    struct buf again = buf_in(arena);
    struct json json = json_to(&again);
    json_str(&json, *out);
    if (str_equal(buf_text(&again), raw)) return true;
    in->at = begin;
    return refuse(in, "a subject without needless escapes");
}

/* A line is one line: a control character may stand in no part of it. */
static bool is_line(str text, struct err *err)
{
    for (size_t i = 0; i < text.len; i++)
        if ((uint8_t)text.ptr[i] < ' ')
            return err_at(err, ERR_MALFORMED, i, "an entry has no control characters");
    return true;
}

bool entry_text_parse(str body, struct arena *arena, struct entry_text *out, struct err *err)
{
    struct reading in = {.body = body, .err = err};
    struct entry_text entry = {0};
    str unused = {0};
    if (body.len > LIMIT_LEDGER_ENTRY)
        return err_set(err, ERR_LIMIT, "the entry has %zu bytes, at most %d are taken", body.len,
                       LIMIT_LEDGER_ENTRY);
    if (!is_line(body, err) || !take(&in, S("{\"previous\":\"")) ||
        !take_hash(&in, &entry.previous) || !take(&in, S("\",\"number\":")) ||
        !take_number(&in, &entry.number) || !take(&in, S(",\"time\":\"")) ||
        !take_time(&in, &entry.time_us) || !take(&in, S("\",\"kind\":\"")) ||
        !take_kind(&in, &entry.kind) || !take(&in, S("\",\"subject\":")) ||
        !take_subject(&in, arena, &entry.subject) || !take(&in, S(",\"actor\":")) ||
        !take_value(&in, JSON_SCAN_OBJECT, "an object", arena, &unused, &entry.actor) ||
        !take(&in, S(",\"data\":")) ||
        !take_value(&in, JSON_SCAN_OBJECT, "an object", arena, &unused, &entry.data) ||
        !take(&in, S("}")))
        return false;
    if (in.at != body.len) return refuse(&in, "the end of the entry");
    *out = entry;
    return true;
}

bool entry_text_is_object(str text, struct arena scratch, struct err *err)
{
    struct reading in = {.body = text, .err = err};
    str decoded = {0}, raw = {0};
    if (!is_line(text, err) ||
        !take_value(&in, JSON_SCAN_OBJECT, "an object", &scratch, &decoded, &raw))
        return false;
    return in.at == text.len ? true : refuse(&in, "nothing behind the object");
}

/* ---- Members -------------------------------------------------------------------------------- */

/* The value of a member of an object, as the scanner's next item; false when there is none. */
static bool find(struct json_scan *scan, str key, struct json_scan_item *out)
{
    struct err err = {0};
    struct json_scan_item item = {0};
    if (!json_scan_next(scan, &item, &err) || item.kind != JSON_SCAN_OBJECT) return false;
    while (json_scan_next(scan, &item, &err) && item.kind == JSON_SCAN_KEY) {
        if (str_equal(item.text, key)) return json_scan_next(scan, out, &err);
        if (!json_scan_skip(scan, item, &err)) return false;
    }
    return false;
}

str entry_text_member(str object, str key, struct arena *arena)
{
    struct json_scan scan = json_scan_of(object, 0, arena);
    struct json_scan_item item = {0};
    return find(&scan, key, &item) && item.kind == JSON_SCAN_STRING ? item.text : (str){0};
}

struct entry_actor entry_text_actor(str actor, struct arena scratch)
{
    struct entry_actor out = {0};
    struct json_scan_item item = {0};
    struct json_scan scan = json_scan_of(actor, 0, &scratch);
    out.authenticated = find(&scan, S("authenticated"), &item) && item.kind == JSON_SCAN_TRUE;
    out.clock_is_set = str_equal(entry_text_member(actor, S("clock"), &scratch), S("set"));
    return out;
}
