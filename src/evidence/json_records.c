/* SPDX-License-Identifier: Apache-2.0 */
/* Most logs in JSON are one object a line, so that is the quick way: a line that begins with '{',
 * ends with '}' and is followed by another that begins so is taken for an object, and only memchr
 * has looked at all of it. Everything else is framed by its brackets and quotes, checked no further
 * than damage needs: a string that a newline cuts, an object that begins where none can.
 *
 * Facts never depend on where windows end: what decides is either in the window, or more is asked
 * for, up to a number of bytes that counts from the start of the object.
 */
#include "evidence/json_records.h"

enum {
    /* An object is never waited for longer than the window can grow, less what is looked at behind
     * it. Of UTF-16 the window holds half as many characters. */
    OBJECT_BYTES = LIMIT_RECORD_BYTES - 1024,
    /* The quick way looks so far for the end of a line, and so far behind it. */
    QUICK_BYTES = LIMIT_LOG_LINE_BYTES,
    BEHIND_BYTES = 64,
    /* The first key of an object, with the blanks before it. */
    KEY_BYTES = 256,
    /* Objects around the list of records: {"hits":{"hits":[...]}} */
    WRAPPER_DEPTH = 3,
    UTF16_SPAN = 1 << 20, /* decoded at once; more only for one object that is longer */
    NO_COLUMN = INT32_MAX,
};

enum encoding { ENCODING_UTF8, ENCODING_UTF16LE, ENCODING_UTF16BE };

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
/* Names of the one list in a wrapper: Azure blobs, CloudTrail, OData and Azure REST, Cloud Logging,
 * CloudWatch, Splunk and Elasticsearch answers. Weak ones are ordinary words too: they count only
 * as an object's first member. */
static const struct {
    str name;
    bool weak;
} list_names[] = {
    {T("records"),    false},
    {T("Records"),    false},
    {T("value"),      false},
    {T("logEntries"), false},
    {T("logEvents"),  false},
    {T("entries"),    false},
    {T("events"),     false},
    {T("Events"),     false},
    {T("Event"),      false},
    {T("results"),    false},
    {T("hits"),       false},
    {T("items"),      true },
    {T("data"),       true },
    {T("rows"),       true },
};
/* Objects inside a wrapper in which the list may be. */
static const str inner_names[] = {T("hits"), T("Events"), T("result")};

/* Text to frame: the window, or a part of it decoded. */
struct piece {
    str text;
    uint64_t offset; /* in the source */
    bool last;
    enum encoding encoding;
    /* Where the last question for an offset was answered. */
    size_t known_at;
    uint64_t known_offset;
    /* The first newline at or behind the place last asked for; no line is looked through twice. */
    bool newline_known;
    size_t newline;
};

struct json_records {
    struct fact_sink sink;
    json_record_take *take;
    void *to;
    struct arena *arena;
    enum encoding encoding;
    bool begun;
    size_t object_bytes; /* longer ones are stepped over */

    size_t arrays;        /* open around the objects */
    unsigned wrapper;     /* objects open around the list; 0 = none */
    bool in_list;         /* the wrapper's list is open */
    bool expects_wrapper; /* the object before was one, or none came yet */
    bool tail_string, tail_escape;

    /* Blanks since the line began; NO_COLUMN behind anything else. */
    int32_t column;
    /* Damage is being stepped over. */
    bool stepping, blank_line;
    uint64_t step_offset;
    int32_t step_column;
    char before[2]; /* the last two characters that are not blank */
    char reason[LIMIT_ERR_TEXT];

    char *decoded;
    size_t decoded_room;
    struct err err; /* of the reader; here since it is large */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static uint64_t source_offset(struct piece *piece, size_t at)
{
    if (piece->encoding == ENCODING_UTF8) return piece->offset + at;
    if (at < piece->known_at) {
        piece->known_at = 0;
        piece->known_offset = piece->offset;
    }
    for (; piece->known_at < at; piece->known_at++) {
        uint8_t c = (uint8_t)piece->text.ptr[piece->known_at];
        /* A character of four bytes is two units, any other one: counted at its first byte. */
        if (c < 0x80 || c >= 0xC0) piece->known_offset += c >= 0xF0 ? 4 : 2;
    }
    return piece->known_offset;
}

enum framed { FRAMED, FRAME_CUT, FRAME_BROKEN };

/* May an object or array begin here? What stands before it, blanks aside, tells. */
static bool may_open(str text, size_t at, bool in_object)
{
    while (is_blank(text.ptr[at - 1])) /* ends at the '{' of the text */
        at--;
    char c = text.ptr[at - 1];
    return c == ':' || (!in_object && (c == ',' || c == '['));
}

/* The object that begins the text: *len bytes when FRAMED; when FRAME_BROKEN, *why it is none. */
static enum framed frame(str text, size_t *len, const char **why)
{
    uint64_t objects = 1; /* one bit per open container, the innermost lowest: 1 = object */
    unsigned depth = 1;
    bool ascii;
    for (size_t at = 1; at < text.len;) {
        char c = text.ptr[at];
        if (c == '"') {
            at++;
            for (;;) {
                at += json_scan_plain(str_tail(text, at), &ascii);
                if (at >= text.len) return FRAME_CUT;
                if (text.ptr[at] != '\\') break;
                at += 2;
            }
            if (text.ptr[at] != '"') {
                *why = "a string goes on past its line";
                return FRAME_BROKEN;
            }
        } else if (c == '{' || c == '[') {
            *why = "an object or array where none can be";
            if (!may_open(text, at, objects & 1)) return FRAME_BROKEN;
            *why = "nested too deeply";
            if (depth == LIMIT_NESTING) return FRAME_BROKEN;
            objects = objects << 1 | (c == '{');
            depth++;
        } else if (c == '}' || c == ']') {
            *why = "brackets do not match";
            if ((c == '}') != (objects & 1)) return FRAME_BROKEN;
            objects >>= 1;
            if (--depth == 0) {
                *len = at + 1;
                return FRAMED;
            }
        } else if ((uint8_t)c < 0x20 && !is_blank(c)) {
            *why = "a control character";
            return FRAME_BROKEN;
        }
        at++;
    }
    return FRAME_CUT;
}

static bool is_list_name(str name, bool is_first)
{
    /* What most keys fail at. */
    if (!name.len || !memchr("rRvleEhid", name.ptr[0], 9)) return false;
    for (size_t i = 0; i < COUNT_OF(list_names); i++)
        if (str_equal(list_names[i].name, name)) return is_first || !list_names[i].weak;
    return false;
}

static bool is_inner_name(str name)
{
    for (size_t i = 0; i < COUNT_OF(inner_names); i++)
        if (str_equal(inner_names[i], name)) return true;
    return false;
}

/* The answer to a question about text of which only a part may be there. */
enum look { LOOK_NO, LOOK_YES, LOOK_MORE };

/* An object whose list of objects has one of the names: *list is where its first object begins,
 * *depth how many objects are open around it. */
static enum look look_for_list(str text, bool whole, size_t *list, unsigned *depth)
{
    struct json_scan scan = json_scan_of(text, 0, NULL);
    struct json_scan_item item = {.kind = JSON_SCAN_END};
    struct err err = {0};
    bool is_first = true, fine = true;
    unsigned open = 1;
    scan.quiet = scan.replace_invalid = true;
    fine = json_scan_next(&scan, &item, &err) && json_scan_next(&scan, &item, &err);
    while (fine && item.kind == JSON_SCAN_KEY) {
        str name = item.text;
        fine = json_scan_next(&scan, &item, &err);
        if (fine && item.kind == JSON_SCAN_OBJECT && open < WRAPPER_DEPTH && is_inner_name(name)) {
            open++;
            is_first = true;
            fine = json_scan_next(&scan, &item, &err);
            continue;
        }
        if (fine && item.kind == JSON_SCAN_ARRAY && is_list_name(name, is_first)) {
            unsigned until = scan.depth - 1;
            fine = json_scan_next(&scan, &item, &err);
            if (fine && item.kind == JSON_SCAN_OBJECT) {
                *list = (size_t)item.offset;
                *depth = open;
                return LOOK_YES;
            }
            while (fine && scan.depth > until)
                fine = json_scan_next(&scan, &item, &err);
        } else if (fine) {
            fine = json_scan_skip(&scan, item, &err);
        }
        is_first = false;
        if (fine) fine = json_scan_next(&scan, &item, &err);
    }
    return !fine && err.kind == ERR_TRUNCATED && !whole ? LOOK_MORE : LOOK_NO;
}

/* Is the first key of the object the name of a list? */
static enum look look_at_first_key(str text, bool whole)
{
    size_t at = 1;
    str head = str_head(text, KEY_BYTES);
    while (at < head.len && is_blank(head.ptr[at]))
        at++;
    str rest = str_tail(head, at + 1), name;
    if (at < head.len && head.ptr[at] != '"') return LOOK_NO;
    if (!str_cut(rest, '"', &name, &rest))
        return head.len < KEY_BYTES && !whole ? LOOK_MORE : LOOK_NO;
    return is_list_name(name, true) || is_inner_name(name) ? LOOK_YES : LOOK_NO;
}

/* text: from '{' to the end of the piece. */
static enum look look_at(const struct json_records *r, str text, bool last, size_t *list,
                         unsigned *depth)
{
    if (r->wrapper) return LOOK_NO;
    if (!r->expects_wrapper) {
        enum look by_key = look_at_first_key(text, last);
        if (by_key != LOOK_YES) return by_key;
    }
    bool whole = last || text.len >= r->object_bytes;
    return look_for_list(str_head(text, r->object_bytes), whole, list, depth);
}

static void report(struct json_records *r, uint64_t offset, uint64_t length, const char *reason)
{
    r->sink.skip(r->sink.to, &(struct skip){offset, length, str_of(reason)});
}

/* Steps over what begins at `offset`, up to the next line that begins an object. */
static void step_from(struct json_records *r, uint64_t offset, const char *reason)
{
    r->stepping = true;
    r->blank_line = false;
    r->step_offset = offset;
    r->step_column = r->column;
    r->column = NO_COLUMN;
    r->before[0] = r->before[1] = 0;
    snprintf(r->reason, sizeof r->reason, "%s", reason);
}

static void step_ends(struct json_records *r, uint64_t offset)
{
    report(r, r->step_offset, offset - r->step_offset, r->reason);
    r->stepping = false;
}

/* A line that begins an object no deeper than the damaged one stood; in an array also the next of
 * two objects on one line. */
static size_t step_over(struct json_records *r, struct piece *piece, size_t at)
{
    str text = piece->text;
    bool in_array = r->arrays || r->in_list;
    while (at < text.len) {
        char c = text.ptr[at];
        if (c == '{' && ((r->blank_line && r->column <= r->step_column) ||
                         (in_array && r->before[0] == '}' && r->before[1] == ','))) {
            step_ends(r, source_offset(piece, at));
            return at;
        }
        if (c == '\n') {
            r->blank_line = true;
            r->column = 0;
        } else if (is_blank(c)) {
            if (r->column < NO_COLUMN) r->column++;
        } else {
            r->blank_line = false;
            r->column = NO_COLUMN;
            r->before[0] = r->before[1];
            r->before[1] = c;
            if (!in_array) {
                const char *newline = memchr(text.ptr + at, '\n', text.len - at);
                at = newline ? (size_t)(newline - text.ptr) : text.len;
                continue;
            }
        }
        at++;
    }
    return at;
}

/* Behind the list of a wrapper: up to the bracket that closes its outermost object. */
static size_t pass_tail(struct json_records *r, struct piece *piece, size_t at)
{
    str text = piece->text;
    for (; at < text.len && r->wrapper; at++) {
        char c = text.ptr[at];
        if (r->tail_string) {
            if ((uint8_t)c < 0x20) {
                r->wrapper = 0;
                r->tail_string = r->tail_escape = false;
                step_from(r, source_offset(piece, at), "a string goes on past its line");
                return at;
            }
            r->tail_string = r->tail_escape || c != '"';
            r->tail_escape = !r->tail_escape && c == '\\';
        } else if (c == '"') {
            r->tail_string = true;
        } else if (c == '{' && r->wrapper < LIMIT_NESTING) {
            r->wrapper++; /* deeper ones are damage, which ends the wrapper early */
        } else if (c == '}') {
            r->wrapper--;
        }
    }
    return at;
}

/* Blanks, commas and brackets around objects; NUL is space reserved but not written, the record
 * separator that of RFC 7464. Ends at an object, at damage, or behind the piece. */
static size_t pass_between(struct json_records *r, struct piece *piece, size_t at)
{
    str text = piece->text;
    while (at < text.len) {
        char c = text.ptr[at];
        if (r->wrapper && !r->in_list) {
            at = pass_tail(r, piece, at);
            if (r->stepping) return at;
            r->column = NO_COLUMN;
            continue;
        }
        if (c == '{') return at;
        if (c == '\n') {
            r->column = 0;
        } else if (is_blank(c)) {
            if (r->column < NO_COLUMN) r->column++;
        } else if (c == '[' && !r->in_list) {
            r->arrays++;
            r->column = NO_COLUMN;
        } else if (c == ']' && (r->in_list || r->arrays)) {
            if (r->in_list)
                r->in_list = false;
            else
                r->arrays--;
            r->column = NO_COLUMN;
        } else if (c == ',' || c == 0 || c == 0x1E) {
            r->column = NO_COLUMN;
        } else if (c == '\xEF' && str_starts(S("\xEF\xBB\xBF"), str_head(str_tail(text, at), 3))) {
            /* A byte order mark, of the file or of one joined to it. */
            if (text.len - at < 3 && !piece->last) return at;
            at += text.len - at < 3 ? text.len - at : 3;
            continue;
        } else {
            return at;
        }
        at++;
    }
    return at;
}

/* The line that begins at `at`, without its newline, when it looks like one object and its
 * neighbour like the next. */
static enum look quick_line(struct piece *piece, size_t at, size_t *len)
{
    str text = str_head(str_tail(piece->text, at), QUICK_BYTES);
    bool whole = piece->last || text.len == QUICK_BYTES;
    if (!piece->newline_known || piece->newline < at) {
        const char *found = memchr(piece->text.ptr + at, '\n', piece->text.len - at);
        piece->newline = found ? (size_t)(found - piece->text.ptr) : piece->text.len;
        piece->newline_known = true;
    }
    size_t line = piece->newline - at, end = line;
    if (line >= text.len && !(piece->last && text.len < QUICK_BYTES))
        return whole ? LOOK_NO : LOOK_MORE;
    while (end && is_blank(text.ptr[end - 1]))
        end--;
    if (text.ptr[end - 1] != '}') return LOOK_NO;
    str behind = str_head(str_tail(piece->text, at + line), BEHIND_BYTES);
    size_t next = 0;
    while (next < behind.len && is_blank(behind.ptr[next]))
        next++;
    if (next == behind.len && behind.len < BEHIND_BYTES && !piece->last) return LOOK_MORE;
    if (next < behind.len && strchr(",:\"]}", behind.ptr[next]) && behind.ptr[next]) return LOOK_NO;
    *len = end;
    return LOOK_YES;
}

/* Shows the object at `at` to the reader. False: it was not one; and reported when it stands alone,
 * since then no other cut makes one of it. */
static bool show(struct json_records *r, struct piece *piece, size_t *at, size_t len, bool alone)
{
    uint64_t offset = source_offset(piece, *at);
    bool taken = r->take(r->to, str_head(str_tail(piece->text, *at), len), offset, &r->err);
    if (!taken && alone) report(r, offset, source_offset(piece, *at + len) - offset, r->err.text);
    if (!taken && !alone) return false;
    r->column = NO_COLUMN;
    *at += len;
    return true;
}

/* What became of the object at `at`: false = more must be seen first. */
static bool take_object(struct json_records *r, struct piece *piece, size_t *at)
{
    str rest = str_tail(piece->text, *at);
    size_t list = 0, len = 0;
    unsigned depth = 0;
    bool is_line = false;
    const char *why = "";

    enum look wrapped = look_at(r, rest, piece->last, &list, &depth);
    if (wrapped == LOOK_MORE) return false;
    if (!r->wrapper) r->expects_wrapper = wrapped == LOOK_YES;
    if (wrapped == LOOK_YES) {
        r->wrapper = depth;
        r->in_list = true;
        r->column = NO_COLUMN;
        *at += list;
        return true;
    }
    if (!r->arrays && !r->wrapper) {
        enum look quick = quick_line(piece, *at, &len);
        if (quick == LOOK_MORE) return false;
        is_line = quick == LOOK_YES;
        if (is_line) {
            if (show(r, piece, at, len, false)) return true;
            /* Damaged, or more than one: framed like any other, within its line. */
            rest = str_head(rest, len);
        }
    }
    str within = str_head(rest, r->object_bytes);
    enum framed framed = frame(within, &len, &why);
    if (framed == FRAMED) return show(r, piece, at, len, true);
    if (framed == FRAME_CUT && !is_line) {
        if (within.len < r->object_bytes && !piece->last) return false;
        why = within.len < r->object_bytes ? "the input ends inside an object"
                                           : "an object longer than any that is waited for";
    } else if (framed == FRAME_CUT) {
        why = "the line ends inside an object";
    }
    step_from(r, source_offset(piece, *at), why);
    *at += 1;
    return true;
}

/* Returns how much of the piece is done with. */
static size_t read_piece(struct json_records *r, struct piece *piece)
{
    size_t at = 0;
    while (at < piece->text.len) {
        if (r->stepping) {
            at = step_over(r, piece, at);
            continue;
        }
        at = pass_between(r, piece, at);
        if (at == piece->text.len || r->stepping) continue;
        if (piece->text.ptr[at] == '{') {
            if (!take_object(r, piece, &at)) break;
        } else if (piece->text.ptr[at] == '\xEF' && piece->text.len - at < 3 && !piece->last) {
            break;
        } else {
            step_from(r, source_offset(piece, at), "expected an object");
            r->step_column = NO_COLUMN;
        }
    }
    if (piece->last && r->stepping) step_ends(r, source_offset(piece, at));
    return at;
}

/* Returns the length of the byte order mark. */
static size_t encoding_of(bytes head, enum encoding *out)
{
    *out = ENCODING_UTF8;
    if (head.len < 2) return 0;
    if (head.ptr[0] == 0xFF && head.ptr[1] == 0xFE) *out = ENCODING_UTF16LE;
    if (head.ptr[0] == 0xFE && head.ptr[1] == 0xFF) *out = ENCODING_UTF16BE;
    return *out == ENCODING_UTF8 ? 0 : 2;
}

static uint32_t unit_at(enum encoding encoding, bytes data, size_t at)
{
    size_t high = encoding == ENCODING_UTF16BE ? at : at + 1, low = at + at + 1 - high;
    return (uint32_t)data.ptr[high] << 8 | data.ptr[low];
}

/* UTF-16 to UTF-8 in `into`, which has room for three bytes per two of data. Half a pair at the end
 * is left unless nothing follows. *used: bytes of data that were decoded. */
static str decode(enum encoding encoding, bytes data, bool last, char *into, size_t *used)
{
    size_t n = 0, at = 0;
    while (at + 1 < data.len) {
        uint32_t c = unit_at(encoding, data, at);
        size_t size = 2;
        if (c >= 0xD800 && c < 0xDC00 && at + 3 < data.len) {
            uint32_t low = unit_at(encoding, data, at + 2);
            if (low >= 0xDC00 && low < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                size = 4;
            }
        } else if (c >= 0xD800 && c < 0xDC00 && !last) {
            break;
        }
        if (c >= 0xD800 && c < 0xE000) c = 0xFFFD;
        n += str_utf8_put(into + n, c);
        at += size;
    }
    *used = at;
    return (str){into, n};
}

static size_t read_utf16(struct json_records *r, struct window window, size_t at)
{
    bytes data = window.data;
    size_t span = UTF16_SPAN;
    while (at < data.len) {
        bytes part = {data.ptr + at, data.len - at < span ? data.len - at : span};
        bool last = window.last && part.len == data.len - at;
        size_t used = 0, room = part.len / 2 * 3 + 4;
        if (room > r->decoded_room) {
            r->decoded = arena_array(r->arena, char, room);
            r->decoded_room = room;
        }
        struct piece piece = {
            .text = decode(r->encoding, part, last, r->decoded, &used),
            .offset = window.offset + at,
            .known_offset = window.offset + at,
            .last = last,
            .encoding = r->encoding,
        };
        size_t done = read_piece(r, &piece);
        size_t progress = (size_t)(source_offset(&piece, done) - piece.offset);
        at += progress;
        if (last) at = data.len; /* an odd byte at the end too */
        if (!progress && part.len == data.len - at) break;
        if (!progress) span *= 2;
    }
    return at;
}

void json_records_feed(struct json_records *records, struct window window, size_t *consumed,
                       size_t *want)
{
    struct json_records *r = records;
    size_t at = 0;
    *want = *consumed = 0;
    if (!r->begun) {
        if (window.data.len < 2 && !window.last) {
            *want = 2;
            return;
        }
        at = encoding_of(window.data, &r->encoding);
        r->begun = true;
        if (r->encoding != ENCODING_UTF8) r->object_bytes = OBJECT_BYTES / 2;
    }
    if (r->encoding != ENCODING_UTF8) {
        at = read_utf16(r, window, at);
    } else {
        struct piece piece = {
            .text = str_of_bytes((bytes){window.data.ptr + at, window.data.len - at}),
            .offset = window.offset + at,
            .last = window.last,
        };
        at += read_piece(r, &piece);
    }
    *consumed = at;
    /* Twice as much each time, so that a long object is not framed once per window. */
    size_t left = window.data.len - at;
    *want = 2 * left < LIMIT_RECORD_BYTES ? 2 * left : LIMIT_RECORD_BYTES;
}

struct json_records *json_records_open(struct arena *arena, const struct fact_sink *sink,
                                       json_record_take *take, void *to)
{
    struct json_records *r = arena_new(arena, struct json_records);
    r->sink = *sink;
    r->take = take;
    r->to = to;
    r->arena = arena;
    r->object_bytes = OBJECT_BYTES;
    r->expects_wrapper = true;
    return r;
}

/* Whether damage is stepped over, or how many objects are on the line: a line that begins with '{'
 * is where all of that ends. Behind a wrapper the next object may be one in another way, so no cut
 * is made there. */
static bool is_plain_line(str line)
{
    size_t list = 0;
    unsigned depth = 0;
    while (line.len && is_blank(line.ptr[line.len - 1]))
        line.len--;
    return line.len > 1 && line.ptr[0] == '{' && line.ptr[line.len - 1] == '}' &&
           look_for_list(line, true, &list, &depth) == LOOK_NO;
}

bool json_records_may_split(bytes head)
{
    enum encoding encoding;
    str text = str_of_bytes(head), line;
    if (encoding_of(head, &encoding)) return false;
    if (str_starts(text, S("\xEF\xBB\xBF"))) text = str_tail(text, 3);
    return str_cut(text, '\n', &line, &text) && is_plain_line(line);
}

size_t json_records_last(bytes data)
{
    enum { TRIES = 64 };
    str text = str_of_bytes(data);
    size_t end = text.len; /* of the lines looked at */
    for (size_t tries = 0; tries < TRIES && end; tries++) {
        size_t cut = end;
        while (cut && text.ptr[cut - 1] != '\n')
            cut--;
        if (!cut) return 0;
        size_t begin = cut - 1;
        while (begin && text.ptr[begin - 1] != '\n')
            begin--;
        if (cut < text.len && text.ptr[cut] == '{' &&
            is_plain_line(str_tail(str_head(text, cut), begin)))
            return cut;
        end = cut - 1;
    }
    return 0;
}

void json_records_adopt(struct json_records *records)
{
    records->begun = true;
    records->expects_wrapper = false;
}

/* What a look at a head is after: the first object, and whether it is all there. */
struct first {
    struct arena *arena;
    str object;
    bool found;
};

static bool take_first(void *to, str object, uint64_t offset, struct err *err)
{
    struct first *first = to;
    (void)offset, (void)err;
    if (!first->found) first->object = str_copy(first->arena, object);
    first->found = true;
    return true;
}

str json_records_peek(bytes head, struct arena *arena, bool *whole)
{
    struct first first = {.arena = arena};
    struct fact_sink nobody = fact_sink_none();
    struct json_records *r = json_records_open(arena, &nobody, take_first, &first);
    struct piece piece = {.text = str_of_bytes(head)};
    size_t used = 0, mark = encoding_of(head, &piece.encoding);
    if (piece.encoding != ENCODING_UTF8) {
        char *into = arena_array(arena, char, head.len * 2);
        bytes data = {head.ptr + mark, head.len - mark};
        piece.text = decode(piece.encoding, data, false, into, &used);
    }
    size_t done = read_piece(r, &piece);
    str rest = str_tail(piece.text, done);
    size_t len = 0;
    const char *why;
    *whole = first.found;
    if (first.found) return first.object;
    if (!rest.len || rest.ptr[0] != '{') return (str){0};
    *whole = frame(rest, &len, &why) == FRAMED;
    return *whole ? str_head(rest, len) : rest;
}
