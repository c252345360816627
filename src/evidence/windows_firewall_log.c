/* SPDX-License-Identifier: Apache-2.0 */
/* The Windows Firewall's text log, pfirewall.log. There is no specification; what is known of it:
 *
 *   - a header of "#" lines; "#Fields:" names the columns and may come again after a rotation or
 *     where files were joined, "#Time Format:" is Local
 *   - a line per packet dropped and per connection allowed: date, time, action, protocol, source
 *     and destination address, both ports, then size, TCP and ICMP columns, info, path (SEND,
 *     RECEIVE), since 2023 a process id. A field without a value is "-"
 *   - XP and Server 2003 wrote OPEN, OPEN-INBOUND and CLOSE where ALLOW stands now, with no path
 *   - the file is copied while it is written: the first and the last line may be cut, and space
 *     that was reserved but not written yet is NUL bytes
 *   - redirected by PowerShell it is UTF-16
 *
 * Logs are a few MiB each and thousands in number: one pass, nothing allocated per line, addresses
 * are read only in lines whose ports are of a service.
 */
#include "base/hash.h"
#include "evidence/reader.h"
#include "evidence/text_lines.h"

enum {
    MAX_FIELDS = 32, /* 18 columns are known; what stands further right is not looked at */
    SHAPE_FIELDS = 8,
    DATE_BYTES = 10,
    TIME_BYTES = 8,
    PATH_FIELD = 16,     /* of the columns that every version since XP writes */
    ADDRESSES_SEEN = 64, /* texts remembered; a power of two. Full: the older one is read again */
};

enum encoding { ENCODING_8BIT, ENCODING_UTF16LE, ENCODING_UTF16BE };

/* Columns we read; the first eight always, in the order of the oldest and newest logs alike. */
#define COLUMNS(X)                                                                                 \
    X(DATE, "date")                                                                                \
    X(TIME, "time")                                                                                \
    X(ACTION, "action")                                                                            \
    X(PROTOCOL, "protocol")                                                                        \
    X(SOURCE, "src-ip")                                                                            \
    X(DESTINATION, "dst-ip")                                                                       \
    X(SOURCE_PORT, "src-port")                                                                     \
    X(DESTINATION_PORT, "dst-port")                                                                \
    X(INFO, "info")                                                                                \
    X(PATH, "path")

enum column {
#define X(name, text) COLUMN_##name,
    COLUMNS(X)
#undef X
        COLUMN_COUNT
};
static const str column_names[] = {
#define X(name, text) {text, sizeof(text) - 1},
    COLUMNS(X)
#undef X
};

enum { COLUMN_ABSENT = MAX_FIELDS };

struct columns {
    uint8_t at[COLUMN_COUNT]; /* field of each column, or COLUMN_ABSENT */
    size_t n;                 /* all that the header names, or a line of this shape has */
};

static const struct columns columns_by_shape = {
    {0, 1, 2, 3, 4, 5, 6, 7, 15, PATH_FIELD},
    PATH_FIELD + 1,
};

/* Which side wrote the log, when the action tells. */
enum side { SIDE_UNKNOWN, SIDE_SOURCE, SIDE_DESTINATION };

struct action {
    str text;
    enum outcome outcome;
    bool closes, lost;
    enum side local;
};

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const struct action actions[] = {
    {T("ALLOW"),            OUTCOME_ALLOWED, false, false, SIDE_UNKNOWN    },
    {T("DROP"),             OUTCOME_BLOCKED, false, false, SIDE_UNKNOWN    },
    {T("OPEN"),             OUTCOME_ALLOWED, false, false, SIDE_SOURCE     },
    {T("OPEN-INBOUND"),     OUTCOME_ALLOWED, false, false, SIDE_DESTINATION},
    {T("CLOSE"),            OUTCOME_NONE,    true,  false, SIDE_UNKNOWN    },
    {T("INFO-EVENTS-LOST"), OUTCOME_NONE,    false, true,  SIDE_UNKNOWN    },
};

static const struct {
    str text;
    enum side local;
} paths[] = {
    {T("SEND"),    SIDE_SOURCE     },
    {T("RECEIVE"), SIDE_DESTINATION},
    {T("FORWARD"), SIDE_UNKNOWN    },
    {T("UNKNOWN"), SIDE_UNKNOWN    },
    {T("-"),       SIDE_UNKNOWN    },
};

static const struct {
    str text;
    enum transport transport;
} protocols[] = {
    {T("TCP"), TRANSPORT_TCP},
    {T("UDP"), TRANSPORT_UDP},
    {T("6"),   TRANSPORT_TCP},
    {T("17"),  TRANSPORT_UDP},
};

struct line {
    str text;        /* decoded, trimmed */
    uint64_t offset; /* of its first byte in the source, terminator not counted in length */
    uint64_t length;
    bool cut; /* ends with the source or with unwritten space, not with a newline */
    str fields[MAX_FIELDS];
    size_t n;
};

struct firewall_log {
    struct fact_sink sink;
    const struct zone *zone;
    enum encoding encoding;
    bool begun;
    struct columns columns;
    bool usual_columns; /* columns_by_shape */
    struct service_bits services;
    bool is_utc; /* the header says so; else local time */
    /* A line over the limit, being stepped over. */
    bool in_long_line;
    uint64_t long_line_offset;
    /* The last time read, "2026-01-31 23:59:59 ": most lines share their second with the line
     * before. */
    char stamp[20];
    bool time_known;
    int64_t at_us;
    /* Addresses of the host's side that were judged before, by their text. */
    struct seen_address {
        uint8_t len;
        char text[ADDR_TEXT];
    } seen[ADDRESSES_SEEN];
    struct line line;
    char decoded[LIMIT_LOG_LINE_BYTES]; /* UTF-16 lines */
};

/* Fields lie between blanks; a table made of the log with tabs is another format. */
static size_t split(str text, str fields[MAX_FIELDS])
{
    size_t n = 0;
    if (!text.len) return 0;
    const char *p = text.ptr, *end = p + text.len;
    while (p < end && n < MAX_FIELDS) {
        const char *start = p;
        while (p < end && *p != ' ')
            p++;
        if (p > start) fields[n++] = (str){start, (size_t)(p - start)};
        while (p < end && *p == ' ')
            p++;
    }
    return n;
}

static str field(const struct line *line, const struct columns *columns, enum column column)
{
    size_t at = columns->at[column];
    return at < line->n ? line->fields[at] : (str){0};
}

static const struct action *action_of(str text)
{
    for (size_t i = 0; i < COUNT_OF(actions); i++)
        if (str_equal(actions[i].text, text)) return &actions[i];
    return NULL;
}

static bool path_of(str text, enum side *local)
{
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        if (!str_equal(paths[i].text, text)) continue;
        *local = paths[i].local;
        return true;
    }
    return false;
}

/* "-" is no port: 0. */
static bool port_of(str text, uint16_t *out)
{
    uint64_t value = 0;
    if (text.len == 1 && text.ptr[0] == '-') {
        *out = 0;
        return true;
    }
    if (!str_u64(text, UINT16_MAX, &value)) return false;
    *out = (uint16_t)value;
    return true;
}

/* "-" is no address. */
static bool address_of(str text, struct addr *out)
{
    if (text.len == 1 && text.ptr[0] == '-') {
        *out = (struct addr){0};
        return true;
    }
    return addr_parse(text, out);
}

static bool two_digits(str text, size_t at, uint8_t max, uint8_t *out)
{
    uint64_t value = 0;
    if (!str_u64(str_head(str_tail(text, at), 2), max, &value)) return false;
    *out = (uint8_t)value;
    return true;
}

static bool civil_of(str date, str time, struct civil *out)
{
    struct civil c;
    if (!instant_parse_date(date, &c)) return false;
    if (time.len != 8 || time.ptr[2] != ':' || time.ptr[5] != ':') return false;
    if (!two_digits(time, 0, 23, &c.hour) || !two_digits(time, 3, 59, &c.minute)) return false;
    if (!two_digits(time, 6, 59, &c.second)) return false;
    *out = c;
    return true;
}

static bool time_of(struct firewall_log *log, str date, str time, int64_t *out_us)
{
    struct civil local;
    if (date.len != DATE_BYTES || time.len != TIME_BYTES) return false;
    char *date_at = log->stamp, *time_at = log->stamp + DATE_BYTES + 1;
    if (log->time_known && memcmp(time.ptr, time_at, TIME_BYTES) == 0 &&
        memcmp(date.ptr, date_at, DATE_BYTES) == 0) {
        *out_us = log->at_us;
        return true;
    }
    if (!civil_of(date, time, &local)) return false;
    bool as_is = log->is_utc || !log->zone;
    *out_us = as_is ? instant_from_civil(local) : zone_to_utc(log->zone, local);
    memset(log->stamp, ' ', sizeof log->stamp);
    memcpy(date_at, date.ptr, DATE_BYTES);
    memcpy(time_at, time.ptr, TIME_BYTES);
    log->at_us = *out_us;
    log->time_known = true;
    return true;
}

static void skip(const struct firewall_log *log, uint64_t offset, uint64_t length, str reason)
{
    log->sink.skip(log->sink.to, &(struct skip){offset, length, reason});
}

static void skip_line(const struct firewall_log *log, str reason)
{
    skip(log, log->line.offset, log->line.length, log->line.cut ? S("the line is cut") : reason);
}

/* Columns from the names behind "#Fields:"; false when one that every line needs is not there. */
static bool columns_of(str names, struct columns *out)
{
    str fields[MAX_FIELDS];
    struct columns columns = {.n = split(names, fields)};
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        columns.at[c] = COLUMN_ABSENT;
        for (size_t i = columns.n; i > 0; i--)
            if (str_equal_nocase(fields[i - 1], column_names[c])) columns.at[c] = (uint8_t)(i - 1);
        if (c < SHAPE_FIELDS && columns.at[c] == COLUMN_ABSENT) return false;
    }
    *out = columns;
    return true;
}

/* The value of a header line; false when it is another line. */
static bool header_of(str text, str name, str *value)
{
    if (!str_equal_nocase(str_head(text, name.len), name)) return false;
    *value = str_trim(str_tail(text, name.len));
    return true;
}

static void read_header(struct firewall_log *log)
{
    str value;
    if (header_of(log->line.text, S("#Fields:"), &value)) {
        bool fine = columns_of(value, &log->columns);
        log->usual_columns =
            !fine || memcmp(log->columns.at, columns_by_shape.at, sizeof log->columns.at) == 0;
        if (fine) return;
        log->columns = columns_by_shape;
        skip_line(log, S("the #Fields line lacks a column that is needed; the usual order is "
                         "taken"));
    } else if (header_of(log->line.text, S("#Time Format:"), &value)) {
        log->is_utc = str_equal_nocase(value, S("UTC")) || str_equal_nocase(value, S("GMT"));
        log->time_known = false;
    }
}

/* Can this be an address of the machine that wrote the log? Not what everyone listens to. A
 * directed broadcast cannot be told without the prefix length; nearly all end in 255. */
static bool is_own(struct addr a)
{
    if (addr_is_none(a)) return false;
    if (!addr_is_v4(a)) return a.hi >> 56 != 0xFF && !(a.hi == 0 && a.lo == 1);
    uint32_t value = addr_v4_value(a);
    return value && value >> 24 != 127 && value >> 28 < 0xE && (value & 0xFF) != 0xFF;
}

static void tell_local(struct firewall_log *log, str text)
{
    struct addr addr;
    if (text.len < 2 || text.len >= ADDR_TEXT) return;
    size_t slot =
        text.len * 31 + (uint8_t)text.ptr[text.len - 1] * 7u + (uint8_t)text.ptr[text.len - 2] * 3u;
    struct seen_address *seen = &log->seen[slot & (ADDRESSES_SEEN - 1)];
    if (seen->len == text.len && memcmp(seen->text, text.ptr, text.len) == 0) return;
    if (!addr_parse(text, &addr)) return;
    seen->len = (uint8_t)text.len;
    memcpy(seen->text, text.ptr, text.len);
    if (is_own(addr)) log->sink.local_address(log->sink.to, addr);
}

static enum transport transport_of(str protocol)
{
    for (size_t i = 0; i < COUNT_OF(protocols); i++)
        if (str_equal_nocase(protocols[i].text, protocol)) return protocols[i].transport;
    return TRANSPORT_NONE;
}

/* The side on a service's port is the server, whatever the line calls source: answers are logged
 * too. On two such ports (137 to 137) who sent the packet asked. */
static void observe(struct firewall_log *log, const struct action *action, enum transport transport,
                    str source_text, str destination_text, uint16_t source_port,
                    uint16_t destination_port)
{
    struct addr source, destination;
    if (!address_of(source_text, &source) || !address_of(destination_text, &destination) ||
        addr_is_none(source) || addr_is_none(destination)) {
        skip_line(log, S("expected a source and a destination address"));
        return;
    }
    bool answer = !service_bits_have(&log->services, transport, destination_port);
    struct observation fact = {
        .client.addr = answer ? destination : source,
        .server.addr = answer ? source : destination,
        .transport = transport,
        .client_port = answer ? destination_port : source_port,
        .port = answer ? source_port : destination_port,
        .first_us = log->at_us,
        .last_us = log->at_us,
        .count = 1,
        .outcome = action->outcome,
        .closes = action->closes,
        .profile = PROFILE_UNKNOWN,
        .assumed = (uint8_t)(log->is_utc || log->zone ? 0 : 1u << ASSUMED_TIMEZONE),
        .offset = log->line.offset,
    };
    log->sink.line_hash(log->sink.to, hash_bytes(str_bytes(log->line.text)));
    log->sink.observation(log->sink.to, &fact);
}

static void tell_lost(struct firewall_log *log)
{
    char reason[80];
    uint64_t lost = 0;
    bool counted = str_u64(field(&log->line, &log->columns, COLUMN_INFO), UINT64_MAX, &lost);
    int len = counted ? snprintf(reason, sizeof reason,
                                 "the log says that %" PRIu64 " events were lost here", lost)
                      : snprintf(reason, sizeof reason, "the log says that events were lost here");
    skip(log, log->line.offset, log->line.length, (str){reason, (size_t)len});
}

/* A cut line is good when nothing that is read can lie in the missing part: the field furthest
 * right is a whole path, or another field follows it. */
static bool is_complete(const struct line *line, const struct columns *columns)
{
    enum side local;
    size_t last = 0;
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        if (columns->at[c] != COLUMN_ABSENT && columns->at[c] > last) last = columns->at[c];
    size_t path = columns->at[COLUMN_PATH];
    if (path != COLUMN_ABSENT && !path_of(field(line, columns, COLUMN_PATH), &local)) return false;
    return line->n > last + (path == last ? 0 : 1);
}

static void read_data(struct firewall_log *log)
{
    struct line *line = &log->line;
    const struct columns *columns = &log->columns;
    int64_t at_us = 0;
    uint16_t source_port = 0, destination_port = 0;

    line->n = split(line->text, line->fields);
    for (size_t c = 0; c < SHAPE_FIELDS; c++) {
        if (columns->at[c] < line->n) continue;
        skip_line(log, S("expected at least date, time, action, protocol, addresses and ports"));
        return;
    }
    if (line->cut && !is_complete(line, columns)) {
        skip_line(log, (str){0});
        return;
    }
    if (!time_of(log, field(line, columns, COLUMN_DATE), field(line, columns, COLUMN_TIME),
                 &at_us)) {
        skip_line(log, S("expected a date and a time"));
        return;
    }
    const struct action *action = action_of(field(line, columns, COLUMN_ACTION));
    if (!action) {
        skip_line(log, S("expected the action ALLOW, DROP, OPEN, OPEN-INBOUND, CLOSE or "
                         "INFO-EVENTS-LOST"));
        return;
    }
    if (!port_of(field(line, columns, COLUMN_SOURCE_PORT), &source_port) ||
        !port_of(field(line, columns, COLUMN_DESTINATION_PORT), &destination_port)) {
        skip_line(log, S("expected a source and a destination port"));
        return;
    }
    log->sink.record(log->sink.to, at_us);
    if (action->lost) {
        tell_lost(log);
        return;
    }
    enum side local = SIDE_UNKNOWN;
    path_of(field(line, columns, COLUMN_PATH), &local);
    if (local == SIDE_UNKNOWN) local = action->local;
    if (local == SIDE_SOURCE) tell_local(log, field(line, columns, COLUMN_SOURCE));
    if (local == SIDE_DESTINATION) tell_local(log, field(line, columns, COLUMN_DESTINATION));

    enum transport transport = transport_of(field(line, columns, COLUMN_PROTOCOL));
    if (service_bits_have(&log->services, transport, destination_port) ||
        service_bits_have(&log->services, transport, source_port))
        observe(log, action, transport, field(line, columns, COLUMN_SOURCE),
                field(line, columns, COLUMN_DESTINATION), source_port, destination_port);
}

/* ---- The short way: whole lines of the usual shape, nearly all there are ------------------------
 *
 * read_usual does in one pass over a line what read_line does, eight bytes at a time, or it does
 * nothing at all: then the line goes the long way. It may look at FAR bytes behind the line's end.
 */

enum { WORD = 8, FAR = 16 };

static inline uint64_t word_at(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    return p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56; /* one load */
}

/* The highest bit of each byte that is a blank. */
static inline uint64_t blanks_in(uint64_t word)
{
    const uint64_t low = UINT64_C(0x7F7F7F7F7F7F7F7F);
    uint64_t other = word ^ UINT64_C(0x2020202020202020); /* 0 where a blank is */
    return ~(((other & low) + low) | other | low);
}

/* How many bytes are before the first blank, of 16 looked at; 16 = none is. */
static inline size_t to_blank(const char *text)
{
    uint64_t blanks = blanks_in(word_at(text));
    if (blanks) return num_low_bit(blanks) / 8;
    blanks = blanks_in(word_at(text + WORD));
    return blanks ? WORD + num_low_bit(blanks) / 8 : FAR;
}

/* The field that begins at *at, and the place behind its one blank. False when it is none, long, or
 * the line's last. */
static inline bool take_usual(const char **at, const char *end, str *out)
{
    size_t n = to_blank(*at);
    if (n == 0 || n == FAR || (size_t)(end - *at) <= n) return false;
    *out = (str){*at, n};
    *at += n + 1;
    return true;
}

/* A field of one to five digits, without a branch on how many. */
static inline bool take_port(const char **at, const char *end, uint16_t *out)
{
    const uint64_t zeros = UINT64_C(0x3030303030303030), tens = UINT64_C(0x0606060606060606),
                   high = UINT64_C(0xF0F0F0F0F0F0F0F0);
    uint64_t word = word_at(*at), blanks = blanks_in(word);
    size_t n = blanks ? num_low_bit(blanks) / 8 : WORD;
    if (n == 0 || n > 5 || (size_t)(end - *at) <= n) return false;
    /* The digits to the word's upper end, zeros before them. */
    size_t shift = 8 * (WORD - n);
    uint64_t digits = (word << shift | (zeros >> 8 * n)) ^ zeros;
    if (digits & high || (digits + tens) & high) return false; /* 10 and above reach the 16s */
    uint64_t value = (digits >> 24 & 0xFF) * 10000 + (digits >> 32 & 0xFF) * 1000 +
                     (digits >> 40 & 0xFF) * 100 + (digits >> 48 & 0xFF) * 10 + (digits >> 56);
    *out = (uint16_t)value;
    *at += n + 1;
    return value <= UINT16_MAX;
}

/* Of the columns behind the ports only the path is read: nearly always those before it are these.
 */
static inline bool take_path(const char *at, const char *end, str *out)
{
    static const char allowed[] = "0 - 0 0 0 - - - ";
    enum { LEN = sizeof allowed - 1, BETWEEN = PATH_FIELD - SHAPE_FIELDS };
    static_assert(sizeof allowed - 1 == 2 * sizeof(uint64_t), "it is two words");
    str between;
    if (end - at > LEN && word_at(at) == word_at(allowed) &&
        word_at(at + WORD) == word_at(allowed + WORD)) {
        at += LEN;
    } else {
        for (size_t i = 0; i < BETWEEN; i++)
            if (!take_usual(&at, end, &between)) return false;
    }
    if (take_usual(&at, end, out)) return true;
    *out = (str){at, (size_t)(end - at)}; /* the last field, in older logs */
    return out->len && out->len < FAR && to_blank(at) >= out->len;
}

/* The address of the host's own side, if the path tells which it is. */
static inline str local_usual(str path, str source, str destination)
{
    bool send =
        path.len == 4 && (word_at(path.ptr) & UINT32_MAX) == (word_at("SEND    ") & UINT32_MAX);
    bool receive = path.len == 7 && word_at(path.ptr) << 8 == word_at("RECEIVE ") << 8;
    return send ? source : receive ? destination : (str){0};
}

/* NULL: not one of the two of today's logs. */
static inline const struct action *take_action(const char **at)
{
    const uint64_t five = UINT64_C(0xFFFFFFFFFF), six = UINT64_C(0xFFFFFFFFFFFF);
    uint64_t word = word_at(*at);
    bool allow = (word & six) == (word_at("ALLOW \0") & six);
    bool drop = (word & five) == (word_at("DROP \0\0") & five);
    if (!allow && !drop) return NULL;
    *at += allow ? 6 : 5;
    return &actions[allow ? 0 : 1];
}

static inline enum transport transport_usual(str protocol)
{
    const uint64_t four = UINT64_C(0xFFFFFFFF);
    uint64_t word = word_at(protocol.ptr) & four;
    if (word == (word_at("TCP \0\0\0") & four)) return TRANSPORT_TCP;
    if (word == (word_at("UDP \0\0\0") & four)) return TRANSPORT_UDP;
    return transport_of(protocol);
}

static inline bool same_time(const struct firewall_log *log, const char *start)
{
    enum { LAST = sizeof log->stamp - WORD }; /* two of its bytes are looked at twice */
    return word_at(start) == word_at(log->stamp) &&
           word_at(start + WORD) == word_at(log->stamp + WORD) &&
           word_at(start + LAST) == word_at(log->stamp + LAST);
}

static bool read_usual(struct firewall_log *log, const char *start, const char *end,
                       uint64_t offset)
{
    enum { TIME = DATE_BYTES + 1, ACTION = TIME + TIME_BYTES + 1 };
    uint64_t length = (uint64_t)(end - start);
    int64_t at_us = log->at_us;
    uint16_t source_port = 0, destination_port = 0;
    str protocol, source, destination, path;
    while (end > start && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (end - start < ACTION) return false;

    const char *at = start + ACTION;
    const struct action *action = take_action(&at);
    if (!action || !take_usual(&at, end, &protocol)) return false;
    if (!take_usual(&at, end, &source) || !take_usual(&at, end, &destination)) return false;
    if (!take_port(&at, end, &source_port) || !take_port(&at, end, &destination_port)) return false;
    if (!take_path(at, end, &path)) return false;
    if (!log->time_known || !same_time(log, start)) {
        if (start[0] < '0' || start[0] > '9' || start[DATE_BYTES] != ' ' ||
            start[ACTION - 1] != ' ')
            return false;
        str date = {start, DATE_BYTES}, time = {start + TIME, TIME_BYTES};
        if (!time_of(log, date, time, &at_us)) return false;
    }
    log->sink.record(log->sink.to, at_us);
    tell_local(log, local_usual(path, source, destination));
    enum transport transport = transport_usual(protocol);
    if (!service_bits_have(&log->services, transport, destination_port) &&
        !service_bits_have(&log->services, transport, source_port))
        return true;
    log->line.text = (str){start, (size_t)(end - start)};
    log->line.offset = offset;
    log->line.length = length;
    log->line.cut = false;
    observe(log, action, transport, source, destination, source_port, destination_port);
    return true;
}

static str without_bom(str text)
{
    str bom = S("\xEF\xBB\xBF");
    return str_starts(text, bom) ? str_tail(text, bom.len) : text;
}

static void read_line(struct firewall_log *log, str text, uint64_t offset, uint64_t length,
                      bool cut)
{
    text = str_trim(without_bom(text)); /* files with a mark may have been joined */
    if (!text.len) return;
    log->line.text = text;
    log->line.offset = offset;
    log->line.length = length;
    log->line.cut = cut;
    if (text.ptr[0] == '#')
        read_header(log);
    else
        read_data(log);
}

static uint16_t unit_at(enum encoding encoding, bytes data, size_t at)
{
    size_t high = encoding == ENCODING_UTF16BE ? at : at + 1, low = at + at + 1 - high;
    return (uint16_t)(data.ptr[high] << 8 | data.ptr[low]);
}

/* Everything that means something in this log is ASCII: any other character becomes a byte that no
 * field accepts. */
static str decode(enum encoding encoding, bytes data, char *into, size_t room)
{
    size_t n = 0;
    for (size_t at = 0; at + 1 < data.len && n < room; at += 2) {
        uint16_t unit = unit_at(encoding, data, at);
        if (unit == 0xFEFF) continue;
        into[n++] = (char)(unit < 0x80 ? unit : 0xFF);
    }
    return (str){into, n};
}

/* UTF-16 only with its byte order mark. Returns the length of the mark. */
static size_t encoding_of(bytes head, enum encoding *out)
{
    *out = ENCODING_8BIT;
    if (head.len < 2) return 0;
    if (head.ptr[0] == 0xFF && head.ptr[1] == 0xFE) *out = ENCODING_UTF16LE;
    if (head.ptr[0] == 0xFE && head.ptr[1] == 0xFF) *out = ENCODING_UTF16BE;
    return *out == ENCODING_8BIT ? 0 : 2;
}

/* Where lines end: at newlines, and where unwritten space (NUL) begins. */
struct ends {
    enum encoding encoding;
    bytes data;
    bool known;
    size_t newline; /* the first at or after the place last asked for, when known */
    bool nul_known;
    size_t nul; /* likewise the first NUL */
};

/* The end of the line that starts at `at`, or data.len; *terminator is the byte found there. */
static size_t line_end(struct ends *ends, size_t at, char *terminator)
{
    bytes data = ends->data;
    *terminator = '\n';
    if (ends->encoding != ENCODING_8BIT) {
        for (; at + 1 < data.len; at += 2) {
            uint16_t unit = unit_at(ends->encoding, data, at);
            if (unit != '\n' && unit != 0) continue;
            *terminator = (char)unit;
            return at;
        }
        return data.len;
    }
    if (!ends->known || ends->newline < at) {
        const uint8_t *found = memchr(data.ptr + at, '\n', data.len - at);
        ends->newline = found ? (size_t)(found - data.ptr) : data.len;
        ends->known = true;
    }
    const uint8_t *nul = memchr(data.ptr + at, 0, ends->newline - at);
    if (!nul) return ends->newline;
    *terminator = 0;
    return (size_t)(nul - data.ptr);
}

static const str long_line = T("the line is longer than any line of this format");

static void *firewall_log_open(struct arena *arena, const struct reader_options *options,
                               const struct fact_sink *sink)
{
    struct firewall_log *log = arena_new(arena, struct firewall_log);
    log->sink = *sink;
    log->zone = options->zone;
    log->columns = columns_by_shape;
    log->usual_columns = true;
    service_bits_of(service_builtin, &log->services);
    return log;
}

static void read_found(struct firewall_log *log, struct window window, size_t at, size_t end,
                       bool cut)
{
    uint64_t start = log->in_long_line ? log->long_line_offset : window.offset + at;
    uint64_t length = window.offset + end - start;
    bytes raw = {window.data.ptr + at, end - at};
    log->in_long_line = false;
    if (length > LIMIT_LOG_LINE_BYTES) {
        skip(log, start, length, long_line);
        return;
    }
    str text = str_of_bytes(raw);
    if (log->encoding != ENCODING_8BIT)
        text = decode(log->encoding, raw, log->decoded, sizeof log->decoded);
    read_line(log, text, start, length, cut);
}

/* Whole lines from `at` on, as long as they are usual ones; returns where it stopped. */
static size_t read_usual_lines(struct firewall_log *log, struct window window, struct ends *ends,
                               size_t at)
{
    const char *data = (const char *)window.data.ptr, *line = data + at;
    if (log->encoding != ENCODING_8BIT || !log->usual_columns || log->in_long_line) return at;
    if (window.data.len - at < FAR) return at;
    if (!ends->nul_known || ends->nul < at) {
        const uint8_t *nul = memchr(window.data.ptr + at, 0, window.data.len - at);
        ends->nul = nul ? (size_t)(nul - window.data.ptr) : window.data.len;
        ends->nul_known = true;
    }
    const char *end = data + ends->nul, *far = data + window.data.len - FAR;
    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline || newline > far) break;
        if (!read_usual(log, line, newline, window.offset + (uint64_t)(line - data))) break;
        line = newline + 1;
    }
    return (size_t)(line - data);
}

static bool firewall_log_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct firewall_log *log = state;
    bytes data = window.data;
    size_t at = 0;

    *want = *consumed = 0;
    if (!log->begun) {
        if (data.len < 2 && !window.last) {
            *want = 2;
            return true;
        }
        at = encoding_of(data, &log->encoding);
        log->begun = true;
    }
    size_t width = log->encoding == ENCODING_8BIT ? 1 : 2;
    struct ends ends = {.encoding = log->encoding, .data = data};
    while (at < data.len) {
        char terminator = 0;
        at = read_usual_lines(log, window, &ends, at);
        if (at == data.len) break;
        size_t end = line_end(&ends, at, &terminator);
        if (end == data.len && !window.last) break;
        read_found(log, window, at, end, end == data.len || terminator == 0);
        at = end == data.len ? end : end + width;
    }
    /* A line longer than the limit is not waited for. */
    if (data.len - at > LIMIT_LOG_LINE_BYTES) {
        if (!log->in_long_line) log->long_line_offset = window.offset + at;
        log->in_long_line = true;
        at += (data.len - at) / width * width;
    }
    if (window.last && log->in_long_line) {
        uint64_t start = log->long_line_offset;
        skip(log, start, window.offset + at - start, long_line);
        log->in_long_line = false;
    }
    *consumed = at;
    return true;
}

static void firewall_log_close(void *state)
{
    (void)state;
}

static bool has_shape(str text, bool *full)
{
    struct line line = {.text = text};
    struct civil time;
    struct addr source, destination;
    uint16_t source_port, destination_port;
    enum side local;
    const struct columns *columns = &columns_by_shape;
    line.n = split(text, line.fields);
    if (line.n < SHAPE_FIELDS) return false;
    *full = line.n >= columns->n && path_of(field(&line, columns, COLUMN_PATH), &local);
    return civil_of(line.fields[COLUMN_DATE], line.fields[COLUMN_TIME], &time) &&
           action_of(line.fields[COLUMN_ACTION]) &&
           address_of(line.fields[COLUMN_SOURCE], &source) &&
           address_of(line.fields[COLUMN_DESTINATION], &destination) &&
           port_of(line.fields[COLUMN_SOURCE_PORT], &source_port) &&
           port_of(line.fields[COLUMN_DESTINATION_PORT], &destination_port);
}

static bool is_header(str text)
{
    struct columns columns;
    str value;
    return header_of(text, S("#Software: Microsoft Windows Firewall"), &value) ||
           (header_of(text, S("#Fields:"), &value) && columns_of(value, &columns));
}

/* By its header, or by lines of its shape: each that is whole, but for a few damaged ones. */
static bool firewall_log_recognise(bytes head)
{
    enum encoding encoding;
    char decoded[LIMIT_RECOGNISE_BYTES];
    str rest = str_of_bytes(head), text;
    size_t mark = encoding_of(head, &encoding), good = 0, complete = 0, bad = 0;
    if (encoding != ENCODING_8BIT)
        rest = decode(encoding, (bytes){head.ptr + mark, head.len - mark}, decoded, sizeof decoded);

    bool whole = true;
    for (bool first = true; rest.len; first = false) {
        bool full = false;
        whole = str_cut(rest, '\n', &text, &rest);
        text = str_trim(without_bom(text));
        while (text.len && text.ptr[text.len - 1] == 0) /* unwritten space */
            text.len--;
        if (is_header(text) && !bad) return true; /* not one quoted in another text */
        if (!text.len || text.ptr[0] == '#') continue;
        if (has_shape(text, &full)) {
            good++;
            complete += full;
        } else if (!first && whole) {
            bad++;
        }
    }
    return good > 4 * bad && (good > 1 || complete);
}

/* ---- In blocks ----------------------------------------------------------------------------------
 */

struct passing {
    struct firewall_log *lead;
    bytes block;
};

static void pass_line(void *to, size_t begin, size_t end, bool cut)
{
    const struct passing *passing = to;
    read_found(passing->lead, (struct window){passing->block, 0, true}, begin, end, cut);
}

static void firewall_log_pass(void *lead, bytes block)
{
    struct passing passing = {lead, block};
    text_lines_find(block, '#', pass_line, &passing);
}

static void firewall_log_adopt(void *state, const void *lead)
{
    struct firewall_log *log = state;
    const struct firewall_log *from = lead;
    log->begun = true;
    log->columns = from->columns;
    log->usual_columns = from->usual_columns;
    log->is_utc = from->is_utc;
}

static const struct reader_splits firewall_log_splits = {
    .may = text_lines_may_split,
    .cut = text_lines_last,
    .pass = firewall_log_pass,
    .adopt = firewall_log_adopt,
};

const struct reader windows_firewall_log_reader = {
    .name = {"windows-firewall-log", 20},
    .summary = T("Windows Firewall log (pfirewall.log)"),
    .overlap = OVERLAP_LINES,
    .splits = &firewall_log_splits,
    .recognise = firewall_log_recognise,
    .open = firewall_log_open,
    .feed = firewall_log_feed,
    .close = firewall_log_close,
};
