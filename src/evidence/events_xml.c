/* SPDX-License-Identifier: Apache-2.0 */
/* Windows events as XML: `wevtutil qe /f:xml`, Get-WinEvent's ToXml, Splunk's XmlWinEventLog lines,
 * exports of the Event Viewer. The form is that of the Event schema ([MS-EVEN6] 2.2.13 has it):
 * System, then EventData or UserData, then perhaps RenderingInfo.
 *
 * Files hold them in an <Events> element, one behind the other, or one a line behind whatever a
 * forwarder put in front. So events are found by their tags and read one by one: a damaged one is
 * stepped over and the rest of the file is read. UTF-8, or UTF-16 with a byte order mark.
 *
 * Events are some KiB each, most of no use: those are known by their number and not parsed.
 */
#include "evidence/events_xml.h"

#include "base/instant.h"
#include "base/xml.h"
#include "evidence/event_order.h"
#include "evidence/reader.h"

enum place { PLACE_OUTSIDE, PLACE_SYSTEM, PLACE_DATA, PLACE_ELSEWHERE };

struct events_xml {
    struct xml *parser;
    struct arena *scratch;
    struct event *event;
    bool has_id, fill; /* fill: of what is empty, of a kind that is known */
    uint32_t id;
    str provider, record, keywords, id_text;
    unsigned depth, place_depth;
    enum place place;
    str *into; /* where the text of this element goes; NULL = nowhere */
    str unnamed[EVENT_VALUES];
    size_t n_unnamed;
};

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Element names of the schema keep their case; some exports change it. */
static bool is(str name, str expected)
{
    return name.len == expected.len && str_equal_nocase(name, expected);
}

static const struct {
    str name;
    enum place place;
} places[] = {
    {T("System"),              PLACE_SYSTEM   },
    {T("EventData"),           PLACE_DATA     },
    {T("UserData"),            PLACE_DATA     },
    {T("RenderingInfo"),       PLACE_ELSEWHERE},
    {T("DebugData"),           PLACE_ELSEWHERE},
    {T("ProcessingErrorData"), PLACE_ELSEWHERE},
};

static void enter(struct events_xml *xml, str name)
{
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        if (!is(name, places[i].name)) continue;
        xml->place = places[i].place;
        xml->place_depth = xml->depth;
    }
}

static void begin_system(struct events_xml *xml, str name, const struct xml_attribute *attributes,
                         size_t n)
{
    const struct {
        str name;
        str *into;
    } texts[] = {
        {T("EventID"),       &xml->id_text        },
        {T("EventRecordID"), &xml->record         },
        {T("Channel"),       &xml->event->channel },
        {T("Computer"),      &xml->event->computer},
        {T("Keywords"),      &xml->keywords       },
    };
    if (is(name, S("Provider"))) {
        xml->provider = str_copy(xml->scratch, xml_attribute_of(attributes, n, S("Name")));
    } else if (is(name, S("TimeCreated"))) {
        str time = xml_attribute_of(attributes, n, S("SystemTime"));
        int64_t at_us = 0;
        if (instant_parse(time, &at_us)) xml->event->at_us = at_us;
    }
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (is(name, texts[i].name)) xml->into = texts[i].into;
}

static void begin_data(struct events_xml *xml, str name, const struct xml_attribute *attributes,
                       size_t n)
{
    struct event *event = xml->event;
    if (!event->kind) return;
    str named = xml_attribute_of(attributes, n, S("Name"));
    if (is(name, S("Data")) && !named.len) {
        if (xml->n_unnamed < EVENT_VALUES) xml->into = &xml->unnamed[xml->n_unnamed];
        xml->n_unnamed++;
        return;
    }
    size_t value = event_value_of(event->kind, named.len ? named : name);
    if (value < EVENT_VALUES && !(xml->fill && event->values[value].len))
        xml->into = &event->values[value];
}

static void on_begin(void *to, str name, const struct xml_attribute *attributes, size_t n,
                     uint64_t offset)
{
    struct events_xml *xml = to;
    (void)offset;
    xml->depth++;
    xml->into = NULL;
    if (xml->place == PLACE_OUTSIDE)
        enter(xml, name);
    else if (xml->place == PLACE_SYSTEM)
        begin_system(xml, name, attributes, n);
    else if (xml->place == PLACE_DATA)
        begin_data(xml, name, attributes, n);
}

static void on_text(void *to, str text, bool is_cut)
{
    struct events_xml *xml = to;
    (void)is_cut;
    if (xml->into) *xml->into = str_copy(xml->scratch, str_trim(text));
    xml->into = NULL;
}

static void end_system(struct events_xml *xml)
{
    uint64_t id = 0;
    xml->has_id = str_u64(xml->id_text, UINT32_MAX, &id);
    xml->id = (uint32_t)id;
    if (xml->has_id) xml->event->kind = event_find(xml->provider, xml->event->channel, xml->id);
}

static void on_end(void *to, str name)
{
    struct events_xml *xml = to;
    (void)name;
    xml->into = NULL;
    if (xml->place != PLACE_OUTSIDE && xml->depth == xml->place_depth) {
        if (xml->place == PLACE_SYSTEM && !xml->fill) end_system(xml);
        xml->place = PLACE_OUTSIDE;
    }
    xml->depth--;
}

struct events_xml *events_xml_open(struct arena *arena)
{
    struct events_xml *xml = arena_new(arena, struct events_xml);
    const struct xml_handler handler = {xml, on_begin, on_text, on_end};
    xml->parser = xml_open(arena, &handler, 0);
    return xml;
}

void events_xml_close(struct events_xml *xml)
{
    xml_close(xml->parser);
}

/* The same text without what XML 1.0 forbids: Windows writes control characters as they are, and
 * as references. */
static str allowed(str text, struct arena *scratch)
{
    text = str_utf8(scratch, text);
    char *copy = arena_array(scratch, char, text.len + 1);
    size_t n = 0;
    for (size_t at = 0; at < text.len; at++) {
        char c = text.ptr[at];
        if ((uint8_t)c < 0x20 && c != '\t' && c != '\n' && c != '\r') c = ' ';
        if (c == '&' && at + 1 < text.len && text.ptr[at + 1] == '#') {
            bool hex = at + 2 < text.len && (text.ptr[at + 2] | 0x20) == 'x';
            size_t digit = at + (hex ? 3 : 2), value = 0;
            for (; digit < text.len && value < 0x110000; digit++) {
                char d = text.ptr[digit];
                if (d >= '0' && d <= '9')
                    value = value * (hex ? 16 : 10) + (size_t)(d - '0');
                else if (hex && (d | 0x20) >= 'a' && (d | 0x20) <= 'f')
                    value = value * 16 + (size_t)((d | 0x20) - 'a') + 10;
                else
                    break;
            }
            bool is_control = value < 0x20 && value != '\t' && value != '\n' && value != '\r';
            bool is_none = (value >= 0xD800 && value < 0xE000) || value == 0xFFFE ||
                           value == 0xFFFF || value >= 0x110000;
            if ((is_control || is_none) && digit < text.len && text.ptr[digit] == ';') {
                c = ' ';
                at = digit;
            }
        }
        copy[n++] = c;
    }
    return (str){copy, n};
}

static bool parse(struct events_xml *xml, str text, uint64_t offset, struct arena *scratch,
                  struct event *event, bool fill, struct err *err)
{
    struct event before = *event;
    struct xml *parser = xml->parser;
    for (int attempt = 0;; attempt++) {
        *event = before;
        *xml =
            (struct events_xml){.parser = parser, .scratch = scratch, .event = event, .fill = fill};
        xml_again(parser, offset);
        if (xml_feed(parser, str_bytes(text), true, err)) break;
        if (attempt || err->kind != ERR_MALFORMED) return false;
        text = allowed(text, scratch);
    }
    size_t n = xml->n_unnamed < EVENT_VALUES ? xml->n_unnamed : EVENT_VALUES;
    for (size_t i = 0; i < n && event->kind; i++) {
        size_t value = event_order_value(event->kind, i, xml->n_unnamed);
        if (value < EVENT_VALUES && !event->values[value].len)
            event->values[value] = xml->unnamed[i];
    }
    return true;
}

enum known events_xml_succeeded(str keywords)
{
    const uint64_t success = UINT64_C(1) << 53, failure = UINT64_C(1) << 52;
    uint64_t bits = 0;
    int64_t number = 0;
    if (str_starts(keywords, S("0x")) || str_starts(keywords, S("0X"))) {
        for (size_t i = 2; i < keywords.len; i++) {
            char c = keywords.ptr[i], lower = (char)(c | 0x20);
            bool digit = c >= '0' && c <= '9', letter = lower >= 'a' && lower <= 'f';
            if ((!digit && !letter) || bits >> 60) return KNOWN_NOT;
            bits = bits << 4 | (uint64_t)(digit ? c - '0' : lower - 'a' + 10);
        }
    } else if (keywords.len && keywords.ptr[0] == '-') {
        uint64_t magnitude = 0;
        if (!str_u64(str_tail(keywords, 1), INT64_MAX, &magnitude) || !magnitude) return KNOWN_NOT;
        number = -(int64_t)magnitude;
        memcpy(&bits, &number, sizeof bits); /* two's complement: the same 64 bits */
    } else if (!str_u64(keywords, UINT64_MAX, &bits)) {
        static const char *const words[][2] = {
            {"audit failure", "audit success"},
            {"AUDIT_FAILURE", "AUDIT_SUCCESS"},
            {"failure",       "success"      },
            {"Failure Audit", "Success Audit"},
        };
        for (size_t i = 0; i < COUNT_OF(words); i++) {
            if (str_equal_nocase(keywords, str_of(words[i][0]))) return KNOWN_NO;
            if (str_equal_nocase(keywords, str_of(words[i][1]))) return KNOWN_YES;
        }
        return KNOWN_NOT;
    }
    if (bits & failure) return KNOWN_NO;
    return bits & success ? KNOWN_YES : KNOWN_NOT;
}

bool events_xml_event(struct events_xml *xml, str text, uint64_t offset, struct arena *scratch,
                      struct event *out, struct err *err)
{
    struct event event = {.offset = offset};
    uint64_t record = 0;
    if (!parse(xml, text, offset, scratch, &event, false, err)) return false;
    if (!xml->has_id)
        return err_at(err, ERR_MALFORMED, offset, "expected an event with its EventID");
    if (str_u64(xml->record, UINT64_MAX, &record) && record) event.record = event.offset = record;
    event.succeeded = events_xml_succeeded(xml->keywords);
    *out = event;
    return true;
}

void events_xml_values(struct events_xml *xml, str text, struct arena *scratch, struct event *out)
{
    struct event event = *out;
    struct err err = {0};
    if (parse(xml, text, 0, scratch, &event, true, &err)) *out = event;
}

/* The reader */

enum encoding { ENCODING_8BIT, ENCODING_UTF16LE, ENCODING_UTF16BE };

struct reading {
    struct fact_sink sink;
    struct event_talk *talk;
    struct events_xml *xml;
    struct arena scratch; /* of one event */
    enum encoding encoding;
    bool begun;
    bool in_long; /* stepping over an event that is too long */
    uint64_t long_offset;
};

static size_t width_of(enum encoding encoding)
{
    return encoding == ENCODING_8BIT ? 1 : 2;
}

static uint32_t char_at(enum encoding encoding, bytes data, size_t at)
{
    if (encoding == ENCODING_8BIT) return data.ptr[at];
    size_t high = encoding == ENCODING_UTF16BE ? at : at + 1, low = at + at + 1 - high;
    return (uint32_t)data.ptr[high] << 8 | data.ptr[low];
}

/* Does ASCII text stand there? *whole becomes false when the data ends before that can be told. */
static bool stands(enum encoding encoding, bytes data, size_t at, str what, bool *whole)
{
    size_t width = width_of(encoding);
    for (size_t i = 0; i < what.len; i++, at += width) {
        if (data.len - at < width) {
            *whole = false;
            return false;
        }
        if (char_at(encoding, data, at) != (uint8_t)what.ptr[i]) return false;
    }
    return true;
}

enum mark_kind { MARK_NONE, MARK_BEGIN, MARK_END, MARK_PART };

struct mark {
    enum mark_kind kind; /* PART: the data ends in what may be one */
    size_t at, behind;
};

/* The next "<Event>", or "<Event" with attributes, or "</Event>", from `at` on, in whole
 * characters. */
static struct mark next_mark(enum encoding encoding, bytes data, size_t at)
{
    size_t width = width_of(encoding);
    while (at < data.len) {
        const uint8_t *found = memchr(data.ptr + at, '<', data.len - at);
        if (!found) break;
        at = (size_t)(found - data.ptr) / width * width;
        bool whole = true;
        if (stands(encoding, data, at, S("</Event>"), &whole))
            return (struct mark){MARK_END, at, at + 8 * width};
        size_t behind = at + 6 * width;
        if (stands(encoding, data, at, S("<Event"), &whole)) {
            if (data.len - behind < width) return (struct mark){MARK_PART, at, at};
            uint32_t c = char_at(encoding, data, behind);
            if (c == '>' || c == ' ' || c == '\t' || c == '\r' || c == '\n')
                return (struct mark){MARK_BEGIN, at, behind};
        }
        if (!whole) return (struct mark){MARK_PART, at, at};
        at += width;
    }
    return (struct mark){MARK_NONE, data.len / width * width, data.len};
}

static str text_of(const struct reading *r, bytes raw, struct arena *scratch)
{
    if (r->encoding == ENCODING_8BIT) return str_of_bytes(raw);
    if (r->encoding == ENCODING_UTF16LE) return str_from_utf16le(scratch, raw);
    uint8_t *turned = arena_array(scratch, uint8_t, raw.len + 1);
    for (size_t i = 0; i + 1 < raw.len; i += 2) {
        turned[i] = raw.ptr[i + 1];
        turned[i + 1] = raw.ptr[i];
    }
    return str_from_utf16le(scratch, (bytes){turned, raw.len});
}

/* text.len = nowhere */
static size_t place_of(str text, str what)
{
    for (size_t at = 0; at < text.len; at++) {
        const char *found = memchr(text.ptr + at, what.ptr[0], text.len - at);
        if (!found) break;
        at = (size_t)(found - text.ptr);
        if (str_starts(str_tail(text, at), what)) return at;
    }
    return text.len;
}

/* The text between a tag's first '>' and the next '<'; false when it is not there. */
static bool element_of(str text, str tag, str *out)
{
    str rest = str_tail(text, place_of(text, tag)), open, head, tail;
    if (!rest.len || !str_cut(rest, '>', &open, &rest)) return false;
    if (!str_cut(rest, '<', &head, &tail)) return false;
    *out = str_trim(head);
    return true;
}

/* An event of no use that says its number, time and computer where they always stand. */
static bool is_useless(struct reading *r, str text)
{
    str system = str_head(text, place_of(text, S("</System>"))), id_text, computer, rest, value;
    uint64_t id = 0;
    int64_t at_us = 0;
    if (!element_of(system, S("<EventID"), &id_text)) return false;
    if (!str_u64(id_text, UINT32_MAX, &id) || event_matters((uint32_t)id)) return false;
    rest = str_tail(system, place_of(system, S("SystemTime=")));
    if (rest.len < 13) return false;
    char quote = rest.ptr[11];
    if (!str_cut(str_tail(rest, 12), quote, &value, &rest) || !instant_parse(value, &at_us))
        return false;
    if (!element_of(system, S("<Computer"), &computer)) return false;
    r->sink.origin(r->sink.to, computer);
    r->sink.record(r->sink.to, at_us);
    return true;
}

static void skip(struct reading *r, uint64_t offset, uint64_t length, str reason)
{
    r->sink.skip(r->sink.to, &(struct skip){offset, length, reason});
}

static void take_event(struct reading *r, bytes raw, uint64_t offset)
{
    struct event event;
    struct err err = {0};
    arena_reset(&r->scratch);
    str text = text_of(r, raw, &r->scratch);
    if (is_useless(r, text)) return;
    bool ok = events_xml_event(r->xml, text, offset, &r->scratch, &event, &err);
    if (ok && !event.at_us)
        ok = err_at(&err, ERR_MALFORMED, offset, "expected an event with its time");
    if (!ok) {
        skip(r, offset, raw.len, str_of(err.text));
        return;
    }
    r->sink.origin(r->sink.to, event.computer);
    r->sink.record(r->sink.to, event.at_us);
    if (event.kind) event_tell(r->talk, &event);
}

static const str cut_reason = T("the event ends inside");
static const str long_reason = T("the event is longer than any event");

static size_t encoding_of(bytes head, enum encoding *out)
{
    *out = ENCODING_8BIT;
    if (head.len < 2) return 0;
    if (head.ptr[0] == 0xFF && head.ptr[1] == 0xFE) *out = ENCODING_UTF16LE;
    if (head.ptr[0] == 0xFE && head.ptr[1] == 0xFF) *out = ENCODING_UTF16BE;
    return *out == ENCODING_8BIT ? 0 : 2;
}

static void *events_xml_reader_open(struct arena *arena, const struct reader_options *options,
                                    const struct fact_sink *sink)
{
    struct reading *r = arena_new(arena, struct reading);
    (void)options; /* these events say UTC */
    r->sink = *sink;
    r->talk = event_open(arena, sink);
    r->xml = events_xml_open(arena);
    r->scratch = arena_open("one event", LIMIT_EVENT_SCRATCH, NULL);
    return r;
}

/* What begins at `begin` and goes on until a mark, or until the data's end. Returns where to go on;
 * false when more of it must be seen first. */
static bool take_from(struct reading *r, struct window window, size_t begin, size_t *at)
{
    bytes data = window.data;
    size_t width = width_of(r->encoding);
    uint64_t start = r->in_long ? r->long_offset : window.offset + begin;
    struct mark mark = next_mark(r->encoding, data, r->in_long ? begin : begin + width);
    bool ends = mark.kind == MARK_BEGIN || mark.kind == MARK_END || window.last;
    size_t end = mark.kind == MARK_END ? mark.behind : mark.kind == MARK_BEGIN ? mark.at : data.len;
    uint64_t length = window.offset + end - start;
    if (!ends) {
        /* An event that is too long is not waited for. */
        if (window.offset + mark.at - start <= LIMIT_EVENT_BYTES) return false;
        r->in_long = true;
        r->long_offset = start;
        *at = mark.at;
        return true;
    }
    r->in_long = false;
    *at = end;
    if (length > LIMIT_EVENT_BYTES)
        skip(r, start, length, long_reason);
    else if (mark.kind == MARK_END)
        take_event(r, (bytes){data.ptr + begin, end - begin}, start);
    else
        skip(r, start, length, cut_reason);
    return true;
}

static bool events_xml_reader_feed(void *state, struct window window, size_t *consumed,
                                   size_t *want)
{
    struct reading *r = state;
    bytes data = window.data;
    size_t at = 0;

    *want = *consumed = 0;
    if (!r->begun) {
        if (data.len < 2 && !window.last) {
            *want = 2;
            return true;
        }
        at = encoding_of(data, &r->encoding);
        r->begun = true;
    }
    while (at < data.len) {
        if (!r->in_long) {
            struct mark mark = next_mark(r->encoding, data, at);
            at = mark.kind == MARK_END ? mark.behind : mark.at;
            if (mark.kind == MARK_END) continue;
            if (mark.kind != MARK_BEGIN) break;
        }
        size_t before = at;
        if (!take_from(r, window, at, &at) || at == before) break;
    }
    if (window.last && r->in_long) {
        skip(r, r->long_offset, window.offset + data.len - r->long_offset, long_reason);
        r->in_long = false;
    }
    *consumed = window.last ? data.len : at;
    return true;
}

static void events_xml_reader_close(void *state)
{
    struct reading *r = state;
    events_xml_close(r->xml);
    arena_close(&r->scratch);
}

static bool events_xml_reader_recognise(bytes head)
{
    enum encoding encoding;
    size_t at = encoding_of(head, &encoding);
    str text = str_trim(str_of_bytes(head));
    if (text.len && (text.ptr[0] == '{' || text.ptr[0] == '[')) return false; /* quoted in JSON */
    struct mark mark = next_mark(encoding, head, at);
    if (mark.kind != MARK_BEGIN) return false;
    static const str next[] = {T("System>"), T("Provider "), T("EventID")};
    size_t found = 0, width = width_of(encoding);
    for (at = mark.behind; head.len - at >= width && found < COUNT_OF(next); at += width) {
        bool whole = true;
        if (char_at(encoding, head, at) != '<') continue;
        if (stands(encoding, head, at + width, next[found], &whole)) found++;
    }
    return found == COUNT_OF(next);
}

const struct reader events_xml_reader = {
    .name = T("events-xml"),
    .summary = T("Windows events as XML (wevtutil, Get-WinEvent, Splunk)"),
    .overlap = OVERLAP_LINES,
    .family = T("events"),
    .recognise = events_xml_reader_recognise,
    .open = events_xml_reader_open,
    .feed = events_xml_reader_feed,
    .close = events_xml_reader_close,
};
