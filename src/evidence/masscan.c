/* SPDX-License-Identifier: Apache-2.0 */
/* Results of masscan (out-json.c and out-text.c of its sources tell the formats):
 *
 *   -oJ   an array with an object a line, the commas on lines of their own; older versions leave a
 *         comma behind the last and end with {finished: 1}, which is no JSON. Ports carry a status,
 *         or the banner of a service.
 *   -oL   "open tcp 445 10.0.0.1 1595298304" between "#masscan" and "# end"; banners begin with the
 *         word banner.
 *
 * Its XML is nmap's (nmap_xml), its grepable output too (nmap_grep). Times are seconds since 1970.
 */
#include "base/instant.h"
#include "base/json_scan.h"
#include "evidence/json_records.h"
#include "evidence/port_scan.h"
#include "evidence/reader.h"
#include "evidence/text_lines.h"

enum { LIST_FIELDS = 5, PORT_DEPTH = 3 };

struct masscan {
    struct fact_sink sink;
    struct arena *arena;
    struct text_lines *lines;
    struct json_records *records;
    bool begun, is_json;
};

/* One finding. */
struct finding {
    struct addr addr;
    int64_t at_us;
    uint64_t port;
    str proto, status, service, banner;
    uint64_t offset;
};

static bool time_of(str text, int64_t *out_us)
{
    uint64_t seconds = 0;
    if (!str_u64(text, UINT64_C(253402300799), &seconds)) return false;
    *out_us = (int64_t)seconds * INSTANT_SECOND;
    return true;
}

/* The value of " key=" in a banner. */
static str banner_value(str banner, str key)
{
    str rest = banner, word;
    while (rest.len) {
        str_cut(rest, ' ', &word, &rest);
        if (str_starts(word, key)) return str_tail(word, key.len);
    }
    return (str){0};
}

/* The names in a banner, as the host calls itself. */
static void tell_names(struct masscan *scan, const struct finding *f)
{
    struct identity identity = {
        .addr = f->addr,
        .seen_us = f->at_us,
        .source = IDENTITY_NTLM,
        .offset = f->offset,
    };
    identity.name = banner_value(f->banner, S("name="));
    port_scan_tell_name(&scan->sink, &identity);
    identity.name = banner_value(f->banner, S("name-dns="));
    port_scan_tell_name(&scan->sink, &identity);
}

/* A banner came from a port that is open. "SMBv1 time=... domain=WORKGROUP name=FS01 name-dns=...":
 * which of the versions the server chose when it was asked with both; of SMB2 the banner does not
 * say which dialect. */
static void tell(struct masscan *scan, const struct finding *f)
{
    struct listening fact = {
        .server.addr = f->addr,
        .transport = port_scan_transport(f->proto),
        .port = (uint16_t)f->port,
        .state = LISTENING_OPEN,
        .seen_us = f->at_us,
        .offset = f->offset,
    };
    bool is_smb = str_equal(f->service, S("smb"));
    if (f->status.len && !port_scan_state(f->status, &fact.state)) return;
    if (is_smb && str_starts(f->banner, S("SMBv1"))) fact.dialects = 1u << DIALECT_NT_LM_012;
    if (f->status.len || f->service.len) port_scan_tell(&scan->sink, &fact);
    if (is_smb) tell_names(scan, f);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

enum key { KEY_OTHER, KEY_IP, KEY_TIME, KEY_PORT, KEY_PROTO, KEY_STATUS, KEY_NAME, KEY_BANNER };

static const struct {
    str text;
    enum key key;
    unsigned depth;
} keys[] = {
    {{"ip", 2},        KEY_IP,     1             },
    {{"timestamp", 9}, KEY_TIME,   1             },
    {{"port", 4},      KEY_PORT,   PORT_DEPTH    },
    {{"proto", 5},     KEY_PROTO,  PORT_DEPTH    },
    {{"status", 6},    KEY_STATUS, PORT_DEPTH    },
    {{"name", 4},      KEY_NAME,   PORT_DEPTH + 1},
    {{"banner", 6},    KEY_BANNER, PORT_DEPTH + 1},
};

static enum key key_of(str text, unsigned depth)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (keys[i].depth == depth && str_equal(keys[i].text, text)) return keys[i].key;
    return KEY_OTHER;
}

/* A value in its place; false when it is not what belongs there. */
static bool take_value(struct finding *f, enum key key, str text)
{
    switch (key) {
    case KEY_IP:
        return addr_parse(text, &f->addr);
    case KEY_TIME:
        return time_of(text, &f->at_us);
    case KEY_PORT:
        return str_u64(text, UINT16_MAX, &f->port);
    case KEY_PROTO:
        f->proto = text;
        break;
    case KEY_STATUS:
        f->status = text;
        break;
    case KEY_NAME:
        f->service = text;
        break;
    case KEY_BANNER:
        f->banner = text;
        break;
    case KEY_OTHER:
        break;
    }
    return true;
}

/* The first walk takes the address and the time and asks whether the object is whole, the second
 * tells of its ports: members may stand in any order. */
static bool walk(struct masscan *scan, str object, struct finding *f, uint64_t offset, bool telling,
                 struct err *err)
{
    struct arena scratch = *scan->arena;
    struct json_scan json = json_scan_of(object, offset, &scratch);
    struct json_scan_item item = {.kind = JSON_SCAN_NULL};
    enum key key = KEY_OTHER;
    json.replace_invalid = true;
    while (item.kind != JSON_SCAN_END) {
        if (!json_scan_next(&json, &item, err)) return false;
        if (item.kind == JSON_SCAN_KEY) {
            key = key_of(item.text, json.depth);
            continue;
        }
        if (item.kind == JSON_SCAN_OBJECT && json.depth == PORT_DEPTH) {
            f->port = 0;
            f->proto = f->status = f->service = f->banner = (str){0};
            f->offset = item.offset;
        }
        if (item.kind == JSON_SCAN_OBJECT_END && json.depth == PORT_DEPTH - 1 && telling)
            tell(scan, f);
        bool scalar = item.kind == JSON_SCAN_STRING || item.kind == JSON_SCAN_NUMBER;
        if (scalar && !take_value(f, key, item.text))
            return err_at(err, ERR_MALFORMED, item.offset, "expected an address, a time or a port");
        key = KEY_OTHER;
    }
    return true;
}

static bool take_object(void *to, str object, uint64_t offset, struct err *err)
{
    struct masscan *scan = to;
    struct finding f = {0};
    str inside = str_trim(str_tail(object, 1));
    if (str_starts(inside, S("finished")) || str_starts(inside, S("\"finished\""))) return true;
    if (!walk(scan, object, &f, offset, false, err)) return false;
    if (addr_is_none(f.addr)) return err_at(err, ERR_MALFORMED, offset, "expected an \"ip\"");
    scan->sink.record(scan->sink.to, f.at_us);
    return walk(scan, object, &f, offset, true, err);
}

/* ---- Lists ----------------------------------------------------------------------------------- */

static void take_line(void *to, const struct text_line *line)
{
    struct masscan *scan = to;
    struct finding f = {.offset = line->offset};
    str rest = str_trim(line->text), fields[LIST_FIELDS], service = {0};
    size_t n = 0;
    if (!rest.len || rest.ptr[0] == '#') return;
    while (n < LIST_FIELDS && rest.len)
        str_cut(rest, ' ', &fields[n++], &rest);
    bool good = n == LIST_FIELDS && str_u64(fields[2], UINT16_MAX, &f.port) &&
                addr_parse(fields[3], &f.addr) && time_of(fields[4], &f.at_us);
    if (!good || (line->cut && !rest.len)) {
        str reason = S("expected state, protocol, port, address and time");
        if (line->cut) reason = S("the line is cut");
        scan->sink.skip(scan->sink.to, &(struct skip){line->offset, line->length, reason});
        return;
    }
    f.proto = fields[1];
    if (str_equal(fields[0], S("banner"))) {
        str_cut(rest, ' ', &service, &f.banner);
        f.service = service;
    } else {
        f.status = fields[0];
    }
    scan->sink.record(scan->sink.to, f.at_us);
    tell(scan, &f);
}

/* ---- The reader ------------------------------------------------------------------------------ */

static bool is_json(str text)
{
    return str_starts(text, S("[")) || str_starts(text, S("{"));
}

static bool masscan_recognise(bytes head)
{
    char decoded[TEXT_LINES_HEAD_ROOM];
    str text = str_trim(text_lines_head(head, decoded));
    if (str_starts(text, S("#masscan"))) return true;
    return is_json(text) && str_contains(text, S("\"ip\"")) && str_contains(text, S("\"ports\"")) &&
           str_contains(text, S("\"proto\"")) &&
           (str_contains(text, S("\"status\"")) || str_contains(text, S("\"service\"")));
}

static void *masscan_open(struct arena *arena, const struct reader_options *options,
                          const struct fact_sink *sink)
{
    struct masscan *scan = arena_new(arena, struct masscan);
    (void)options; /* times are seconds since 1970 */
    scan->sink = *sink;
    scan->arena = arena;
    scan->lines = text_lines_open(arena, sink, take_line, scan);
    scan->records = json_records_open(arena, sink, take_object, scan);
    return scan;
}

static bool masscan_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct masscan *scan = state;
    *want = *consumed = 0;
    if (!scan->begun) {
        if (!window.last && window.data.len < LIMIT_RECOGNISE_BYTES) {
            *want = LIMIT_RECOGNISE_BYTES;
            return true;
        }
        char decoded[TEXT_LINES_HEAD_ROOM];
        bytes head = window.data;
        if (head.len > LIMIT_RECOGNISE_BYTES) head.len = LIMIT_RECOGNISE_BYTES;
        scan->is_json = is_json(str_trim(text_lines_head(head, decoded)));
        scan->begun = true;
    }
    if (scan->is_json)
        json_records_feed(scan->records, window, consumed, want);
    else
        text_lines_feed(scan->lines, window, consumed, want);
    return true;
}

static void masscan_close(void *state)
{
    (void)state;
}

const struct reader masscan_reader = {
    .name = {"masscan",                               7 },
    .summary = {"port scans: JSON and lists of masscan", 37},
    .overlap = OVERLAP_LINES,
    .family = {"port-scan",                             9 },
    .recognise = masscan_recognise,
    .open = masscan_open,
    .feed = masscan_feed,
    .close = masscan_close,
};
