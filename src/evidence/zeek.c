/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of Zeek (Bro): tab separated with their header lines, which may come again where files were
 * joined and name the columns in any order, or JSON with one object a row. Names of JSON keys have
 * dots or, where a store of logs forbids those, underscores; "_path" or "@stream" may name the log.
 *
 * Logs are gigabytes with a row of 100 to 500 bytes per connection, nearly all of them of no
 * interest: a row is split no further than its ports, and of JSON only the keys of the ports are
 * looked for, until one is of a service.
 */
#include "base/hash.h"
#include "base/json_scan.h"
#include "evidence/glance.h"
#include "evidence/json_records.h"
#include "evidence/reader.h"
#include "evidence/text_lines.h"
#include "evidence/zeek_row.h"

enum {
    MAX_FIELDS = 128, /* 20 to 40 columns are usual; what stands further right is not looked at */
    COLUMN_ABSENT = MAX_FIELDS,
    MAX_MARK = 16, /* of the marks for no value and an empty one: "-", "(empty)" */
};

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

struct columns {
    uint8_t at[ZEEK_FIELD_COUNT]; /* column of each field, or COLUMN_ABSENT */
    size_t n;                     /* all that the header names */
    size_t last_looked_at;        /* the rightmost of those that decide whether a row is of use */
    bool known;
};

struct mark {
    char text[MAX_MARK];
    size_t len;
};

/* Values of JSON beside the fields of rows: the same ids without dots, in the same order; the log's
 * name and the sensor's. */
static const char *const json_extras[] = {
    "id_orig_h", "id_orig_p", "id_resp_h",    "id_resp_p",
    "_path",     "@stream",   "_system_name", "@system",
};
enum {
    JSON_IDS = 4,
    JSON_PATH = JSON_IDS,
    JSON_STREAM,
    JSON_SYSTEM_NAME,
    JSON_SYSTEM,
    JSON_EXTRAS,
    JSON_VALUES = ZEEK_FIELD_COUNT + JSON_EXTRAS
};
static_assert(sizeof json_extras / sizeof json_extras[0] == JSON_EXTRAS, "names of all extras");
static_assert(ZEEK_FIELD_RESP_PORT - ZEEK_FIELD_ORIG_HOST == JSON_IDS - 1, "the ids in a row");

struct zeek {
    struct fact_sink sink;
    /* Of one row; of its own, since sinks may add to the arena that a reader is opened with. */
    struct arena scratch;
    struct port_set ports;
    const struct zone *zone;
    enum { FORM_UNKNOWN, FORM_LINES, FORM_JSON } form;
    struct text_lines *lines;
    struct json_records *records;
    struct json_paths *paths;
    bool begun; /* a row of JSON was read */
    /* Tab separated: what the header says. */
    char separator;
    struct mark unset, empty;
    enum zeek_log log;
    struct columns columns;
};

/* Tab separated */

static void skip(const struct zeek *z, const struct text_line *line, str reason)
{
    z->sink.skip(z->sink.to, &(struct skip){line->offset, line->length,
                                            line->cut ? S("the line is cut") : reason});
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \x2c for bytes that would break the line, \\ for a backslash. The text is as long at most. */
static str unescape(struct arena *scratch, str text)
{
    if (!text.len || !memchr(text.ptr, '\\', text.len)) return text;
    char *out = arena_array(scratch, char, text.len);
    size_t n = 0;
    for (size_t at = 0; at < text.len; at++) {
        str rest = str_tail(text, at);
        if (rest.len >= 4 && rest.ptr[0] == '\\' && rest.ptr[1] == 'x' &&
            hex_digit(rest.ptr[2]) >= 0 && hex_digit(rest.ptr[3]) >= 0) {
            out[n++] = (char)(hex_digit(rest.ptr[2]) * 16 + hex_digit(rest.ptr[3]));
            at += 3;
        } else {
            out[n++] = rest.ptr[0];
            at += rest.len >= 2 && rest.ptr[0] == '\\' && rest.ptr[1] == '\\';
        }
    }
    return (str){out, n};
}

static void set_mark(struct mark *mark, str text)
{
    mark->len = text.len < sizeof mark->text ? text.len : sizeof mark->text;
    if (mark->len) memcpy(mark->text, text.ptr, mark->len);
}

static bool is_mark(const struct mark *mark, str text)
{
    return text.len == mark->len && mark->len && memcmp(text.ptr, mark->text, mark->len) == 0;
}

/* "id_orig_h" is "id.orig_h" where dots were replaced. */
static bool is_name(str name, str field)
{
    if (name.len != field.len) return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] != field.ptr[i] && !(name.ptr[i] == '_' && field.ptr[i] == '.'))
            return false;
    return true;
}

static struct columns columns_of(str names, char separator)
{
    struct columns columns = {.known = true};
    str name;
    memset(columns.at, COLUMN_ABSENT, sizeof columns.at);
    for (bool more = true; more && columns.n < MAX_FIELDS; columns.n++) {
        more = str_cut(names, separator, &name, &names);
        for (size_t field = 0; field < ZEEK_FIELD_COUNT; field++)
            if (columns.at[field] == COLUMN_ABSENT &&
                is_name(name, zeek_field_name((enum zeek_field)field)))
                columns.at[field] = (uint8_t)columns.n;
    }
    static const enum zeek_field looked_at[] = {ZEEK_FIELD_TS, ZEEK_FIELD_ORIG_PORT,
                                                ZEEK_FIELD_RESP_PORT, ZEEK_FIELD_SERVICE};
    for (size_t i = 0; i < COUNT_OF(looked_at); i++) {
        size_t at = columns.at[looked_at[i]];
        if (at != COLUMN_ABSENT && at > columns.last_looked_at) columns.last_looked_at = at;
    }
    return columns;
}

/* Whether the log's name is known or not, its columns tell what it is. */
static enum zeek_log log_by_columns(const struct columns *columns)
{
    struct zeek_row row = {0};
    for (size_t field = 0; field < ZEEK_FIELD_COUNT; field++)
        if (columns->at[field] != COLUMN_ABSENT) row.fields[field] = S("set");
    row.fields[ZEEK_FIELD_ACTION] = row.fields[ZEEK_FIELD_VERSION] = (str){0};
    return zeek_row_guess(&row);
}

/* The value of a header line; false when it is another one. */
static bool header_of(const struct zeek *z, str text, str name, str *value)
{
    if (!str_starts(text, name) || text.len == name.len) return false;
    char c = text.ptr[name.len];
    if (c != z->separator && c != ' ' && c != '\t') return false;
    *value = str_tail(text, name.len + 1);
    return true;
}

static void read_header(struct zeek *z, const struct text_line *line)
{
    struct arena scratch = z->scratch;
    str value;
    if (header_of(z, line->text, S("#separator"), &value)) {
        str separator = unescape(&scratch, value);
        z->columns.known = false;
        z->log = ZEEK_OTHER;
        z->separator = separator.len ? separator.ptr[0] : '\t';
        if (separator.len != 1) skip(z, line, S("expected a separator of one character"));
    } else if (header_of(z, line->text, S("#unset_field"), &value)) {
        set_mark(&z->unset, value);
    } else if (header_of(z, line->text, S("#empty_field"), &value)) {
        set_mark(&z->empty, value);
    } else if (header_of(z, line->text, S("#path"), &value)) {
        z->log = zeek_log_of(value);
    } else if (header_of(z, line->text, S("#fields"), &value)) {
        z->columns = columns_of(value, z->separator);
        if (z->log == ZEEK_OTHER) z->log = log_by_columns(&z->columns);
    }
}

/* The fields from the left, up to and with column `last`; how many there are. */
static size_t split(str text, char separator, str fields[MAX_FIELDS], size_t last)
{
    const char *p = text.ptr, *end = text.ptr + text.len;
    size_t n = 0;
    while (n <= last && n < MAX_FIELDS) {
        const char *stop = memchr(p, separator, (size_t)(end - p));
        fields[n++] = (str){p, (size_t)((stop ? stop : end) - p)};
        if (!stop) break;
        p = stop + 1;
    }
    return n;
}

static bool is_kept_port(const struct port_set *ports, str text)
{
    uint32_t port = 0;
    if (!text.len || text.len > 5) return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < '0' || c > '9') return true; /* to be looked at, and refused */
        port = port * 10 + (uint32_t)(c - '0');
    }
    return port > UINT16_MAX || port_set_has_any(ports, (uint16_t)port);
}

static str field_at(const str *fields, size_t n, const struct columns *columns,
                    enum zeek_field field)
{
    size_t at = columns->at[field];
    return at < n ? fields[at] : (str){0};
}

/* Has a row whose columns up to last_looked_at are here something to say? */
static bool is_of_use(const struct zeek *z, const str *fields, size_t n)
{
    const struct columns *columns = &z->columns;
    if (z->log != ZEEK_CONN) return z->log != ZEEK_OTHER;
    return is_kept_port(&z->ports, field_at(fields, n, columns, ZEEK_FIELD_RESP_PORT)) ||
           is_kept_port(&z->ports, field_at(fields, n, columns, ZEEK_FIELD_ORIG_PORT)) ||
           glance_mentions_smb(field_at(fields, n, columns, ZEEK_FIELD_SERVICE));
}

static bool seconds_of(str digits, int64_t *out_us)
{
    int64_t seconds = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') return false;
        seconds = seconds * 10 + (digits.ptr[i] - '0');
    }
    *out_us = seconds * INSTANT_SECOND;
    return true;
}

/* Rows of no use are only counted, with their second: digits before the point. */
static bool tell_time(const struct zeek *z, str text)
{
    int64_t at_us = 0;
    bool is_assumed = false;
    bool is_epoch = text.len > 10 && text.ptr[10] == '.' && seconds_of(str_head(text, 10), &at_us);
    if (!is_epoch && !zeek_row_time(text, z->zone, &at_us, &is_assumed)) return false;
    z->sink.record(z->sink.to, at_us);
    return true;
}

static void read_row(struct zeek *z, const struct text_line *line)
{
    struct arena scratch = z->scratch;
    str fields[MAX_FIELDS];
    const struct columns *columns = &z->columns;
    if (!columns->known) {
        skip(z, line, S("a row before the #fields line that names its columns"));
        return;
    }
    size_t n = split(line->text, z->separator, fields, columns->last_looked_at);
    if (!line->cut && n > columns->last_looked_at && !is_of_use(z, fields, n)) {
        str at = field_at(fields, n, columns, ZEEK_FIELD_TS);
        bool tells_when = at.ptr != NULL; /* loaded_scripts.log has names only */
        if (tells_when && !tell_time(z, at)) skip(z, line, S("expected a time in ts"));
        return;
    }
    n = split(line->text, z->separator, fields, MAX_FIELDS);
    if (n < columns->n) {
        skip(z, line, S("fewer fields than the #fields line names"));
        return;
    }
    struct zeek_row row = {
        .log = z->log,
        .zone = z->zone,
        .offset = line->offset,
        .hash = hash_bytes(str_bytes(line->text)),
    };
    for (size_t field = 0; field < ZEEK_FIELD_COUNT; field++) {
        str text = field_at(fields, n, columns, (enum zeek_field)field);
        if (!text.ptr || is_mark(&z->unset, text)) continue;
        row.fields[field] = is_mark(&z->empty, text) ? S("") : unescape(&scratch, text);
        if (row.fields[field].len) row.fields[field] = str_utf8(&scratch, row.fields[field]);
    }
    str why;
    if (!zeek_row_tell(&row, &z->ports, &z->sink, scratch, &why)) skip(z, line, why);
}

static void take_line(void *to, const struct text_line *line)
{
    if (line->text.ptr[0] == '#')
        read_header(to, line);
    else
        read_row(to, line);
}

/* JSON */

/* Both ports of a row, from the text of the object: the numbers behind keys that end in "orig_p"
 * and "resp_p". False when they are not found so: then the object is read. */
static bool find_ports(str object, str ports[2], size_t *behind)
{
    static const char *const ends[] = {"orig_p\"", "resp_p\""};
    const char *p = object.ptr, *end = object.ptr + object.len;
    for (size_t found = 0; found < 2;) {
        p = memchr(p, '_', (size_t)(end - p));
        if (!p) return false;
        size_t left = (size_t)(end - p), before = (size_t)(p - object.ptr);
        if (left > 3 && before >= 4 && p[1] == 'p' && memcmp(p - 4, ends[found], 7) == 0) {
            ports[found] = glance_number((str){p + 2, left - 2});
            if (!ports[found++].len) return false;
            *behind = before;
        }
        p++;
    }
    return true;
}

/* The value of "ts", which is among the first keys. */
static str find_time(str object)
{
    str head = str_head(object, 160), value = {0};
    const char *p = head.ptr, *end = head.ptr + head.len;
    while ((p = memchr(p, 't', (size_t)(end - p)))) {
        size_t left = (size_t)(end - p);
        if (left > 4 && p > head.ptr && p[-1] == '"' && memcmp(p, "ts\"", 3) == 0) {
            p += 3;
            while (p < end && (*p == ':' || *p == ' ' || *p == '"'))
                p++;
            value.ptr = p;
            while (p < end && *p != ',' && *p != '"' && *p != '}' && *p != ' ')
                p++;
            value.len = (size_t)(p - value.ptr);
            return p < end ? value : (str){0};
        }
        p++;
    }
    return value;
}

/* Most rows are of connections on other ports; those have nothing more to say. What is not certain
 * is read whole. A row on such a port may still matter as SMB by content, and as a ticket of a
 * machine account. */
static bool pass_by(const struct zeek *z, str object)
{
    str ports[2] = {{0}}, time;
    size_t behind = 0;
    if (!find_ports(object, ports, &behind)) return false;
    if (is_kept_port(&z->ports, ports[0]) || is_kept_port(&z->ports, ports[1])) return false;
    if (ports[1].len == 2 && memcmp(ports[1].ptr, "88", 2) == 0) return false;
    if (glance_mentions_smb(object)) return false;
    time = find_time(object);
    return time.len && tell_time(z, time);
}

static bool take_object(void *to, str object, uint64_t offset, struct err *err)
{
    struct zeek *z = to;
    struct arena scratch = z->scratch;
    str values[JSON_VALUES], *extras = values + ZEEK_FIELD_COUNT, why;
    if (z->begun && pass_by(z, object)) return true;
    z->begun = true; /* the first row is read whole: it names the sensor, if any does */
    if (!json_paths_read(z->paths, object, offset, values, &scratch, err)) return false;
    struct zeek_row row = {
        .offset = offset, .hash = hash_bytes(str_bytes(object)), .zone = z->zone};
    memcpy(row.fields, values, sizeof row.fields);
    for (size_t i = 0; i < JSON_IDS; i++)
        if (!row.fields[ZEEK_FIELD_ORIG_HOST + i].ptr)
            row.fields[ZEEK_FIELD_ORIG_HOST + i] = extras[i];
    str name = extras[JSON_PATH].len ? extras[JSON_PATH] : extras[JSON_STREAM];
    str system = extras[JSON_SYSTEM_NAME].len ? extras[JSON_SYSTEM_NAME] : extras[JSON_SYSTEM];
    row.log = zeek_log_of(name);
    if (!name.len) row.log = zeek_row_guess(&row);
    if (system.len) z->sink.origin(z->sink.to, system);
    if (zeek_row_tell(&row, &z->ports, &z->sink, scratch, &why)) return true;
    return err_at(err, ERR_MALFORMED, offset, "%.*s", STR_ARG(why));
}

static struct json_paths *paths_of(struct arena *arena)
{
    const char *names[JSON_VALUES];
    for (size_t field = 0; field < ZEEK_FIELD_COUNT; field++)
        names[field] = str_c(arena, zeek_field_name((enum zeek_field)field));
    memcpy(names + ZEEK_FIELD_COUNT, json_extras, sizeof json_extras);
    return json_paths_of(arena, names, JSON_VALUES, false);
}

static void *zeek_open(struct arena *arena, const struct reader_options *options,
                       const struct fact_sink *sink)
{
    struct zeek *z = arena_new(arena, struct zeek);
    z->sink = *sink;
    z->zone = options->zone;
    z->scratch = arena_open("a row of a Zeek log", 0, NULL);
    z->separator = '\t';
    set_mark(&z->unset, S("-"));
    set_mark(&z->empty, S("(empty)"));
    port_set_of_services(&z->ports);
    z->lines = text_lines_open(arena, &z->sink, take_line, z);
    z->records = json_records_open(arena, &z->sink, take_object, z);
    z->paths = paths_of(arena);
    return z;
}

/* JSON begins with a bracket, behind a byte order mark and blanks; lines with a '#'. Of half a
 * character nothing can be said: false. */
static bool form_of(bytes head, bool last, bool *is_json)
{
    for (size_t i = 0; i < head.len; i++) {
        uint8_t c = head.ptr[i];
        if (c == '{' || c == '[') *is_json = true;
        if (c == '{' || c == '[' || c == '#' || (c > 0x20 && c < 0x7F)) return true;
    }
    return last || head.len >= LIMIT_RECOGNISE_BYTES;
}

static bool zeek_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct zeek *z = state;
    bool is_json = false;
    if (z->form == FORM_UNKNOWN) {
        *consumed = *want = 0;
        if (!form_of(window.data, window.last, &is_json)) return true;
        z->form = is_json ? FORM_JSON : FORM_LINES;
    }
    if (z->form == FORM_JSON)
        json_records_feed(z->records, window, consumed, want);
    else
        text_lines_feed(z->lines, window, consumed, want);
    return true;
}

/* ---- In blocks */

static bool zeek_may_split(bytes head)
{
    bool is_json = false;
    (void)form_of(head, true, &is_json);
    return is_json ? json_records_may_split(head) : text_lines_may_split(head);
}

static size_t zeek_cut(bytes data)
{
    bool is_json = false;
    (void)form_of(data, true, &is_json);
    return is_json ? json_records_last(data) : text_lines_last(data);
}

static void zeek_pass(void *lead, bytes block)
{
    struct zeek *z = lead;
    bool is_json = false;
    if (z->form == FORM_UNKNOWN) {
        (void)form_of(block, true, &is_json);
        z->form = is_json ? FORM_JSON : FORM_LINES;
    }
    if (z->form == FORM_LINES) text_lines_pass(z->lines, block, '#', NULL);
}

static void zeek_adopt(void *state, const void *lead)
{
    struct zeek *z = state;
    const struct zeek *from = lead;
    z->form = from->form;
    z->begun = true;
    z->separator = from->separator;
    z->unset = from->unset;
    z->empty = from->empty;
    z->log = from->log;
    z->columns = from->columns;
    text_lines_adopt(z->lines);
    json_records_adopt(z->records);
}

static const struct reader_splits zeek_splits = {
    .may = zeek_may_split,
    .cut = zeek_cut,
    .pass = zeek_pass,
    .adopt = zeek_adopt,
};

static void zeek_close(void *state)
{
    struct zeek *z = state;
    arena_close(&z->scratch);
}

/* "#separator \x09" is how Zeek's own logs begin; "#fields" with its names is enough. */
static bool recognise_lines(bytes head)
{
    char into[TEXT_LINES_HEAD_ROOM];
    str rest = text_lines_head(head, into), line;
    bool whole;
    while (text_lines_cut(&rest, &line, &whole)) {
        if (line.ptr[0] != '#') return false;
        if (str_starts(line, S("#separator \\x"))) return true;
        if (str_starts(line, S("#fields\tts\tuid\tid"))) return true;
    }
    return false;
}

/* Every row of Zeek has a time; nearly all have a uid and the four ids. Of an object that goes on
 * past the head only the keys that are there can be asked for. */
static bool recognise_object(bytes head)
{
    static const char *const ids[] = {"\"id.orig_h\"", "\"id_orig_h\"", "\"orig_h\""};
    /* Logs without them, which lie in the same folder: nearly all are of no use, but not unknown.
     */
    static const char *const pairs[][2] = {
        {"\"port_num\"",      "\"port_proto\""    }, /* known_services */
        {"\"notice\"",        "\"peer\""          }, /* weird */
        {"\"uids\"",          "\"uids\""          }, /* dhcp */
        {"\"fuid\"",          "\"source\""        }, /* files */
        {"\"certificate",     "\"fingerprint\""   }, /* x509 */
        {"\"hashAlgorithm\"", "\"issuerNameHash\""}, /* ocsp */
        {"\"is_64bit\"",      "\"uses_aslr\""     }, /* pe */
        {"\"node\"",          "\"filter\""        }, /* packet_filter */
        {"\"peer\"",          "\"pkts_proc\""     }, /* stats */
        {"\"ts_delta\"",      "\"percent_lost\""  }, /* capture_loss */
    };
    struct arena arena = arena_open("a head", 1 << 20, NULL);
    bool whole, ours = false;
    str object = json_records_peek(head, &arena, &whole);
    for (size_t i = 0; i < COUNT_OF(ids) && !ours; i++)
        ours = str_contains(object, str_of(ids[i])) && str_contains(object, S("\"uid\""));
    for (size_t i = 0; i < COUNT_OF(pairs) && !ours; i++)
        ours =
            str_contains(object, str_of(pairs[i][0])) && str_contains(object, str_of(pairs[i][1]));
    ours = ours && str_contains(object, S("\"ts\""));
    arena_close(&arena);
    return ours;
}

static bool zeek_recognise(bytes head)
{
    bool is_json = false;
    (void)form_of(head, true, &is_json);
    return is_json ? recognise_object(head) : recognise_lines(head);
}

const struct reader zeek_reader = {
    .name = T("zeek"),
    .summary = T("Zeek log (TSV or JSON)"),
    .overlap = OVERLAP_LINES,
    .tells_connections = true,
    .splits = &zeek_splits,
    .recognise = zeek_recognise,
    .open = zeek_open,
    .feed = zeek_feed,
    .close = zeek_close,
};
