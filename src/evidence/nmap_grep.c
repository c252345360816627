/* SPDX-License-Identifier: Apache-2.0 */
/* Grepable output of nmap ("-oG", nmap's manual, "Grepable Output") and masscan: a line per host,
 * fields between tabs, ports between commas, what is known of a port between slashes.
 *
 *   # Nmap 7.93 scan initiated Sat Nov 21 21:47:47 2026 as: nmap -oG ...
 *   Host: 10.50.7.20 (fs01.contoso.com)<TAB>Ports: 445/open/tcp//microsoft-ds///,
 * 139/closed/tcp//... Timestamp: 1595298304<TAB>Host: ...      masscan, which tells the time of
 * each
 *
 * nmap tells one time, when the scan began, in the scanner's local time without a zone.
 */
#include "base/instant.h"
#include "evidence/port_scan.h"
#include "evidence/reader.h"
#include "evidence/text_lines.h"

enum { HEAD_LINES = 12 };

struct nmap_grep {
    struct fact_sink sink;
    struct text_lines *lines;
    const struct zone *zone;
    int64_t run_us; /* 0 = not said */
};

static const str months[] = {
    {"Jan", 3},
    {"Feb", 3},
    {"Mar", 3},
    {"Apr", 3},
    {"May", 3},
    {"Jun", 3},
    {"Jul", 3},
    {"Aug", 3},
    {"Sep", 3},
    {"Oct", 3},
    {"Nov", 3},
    {"Dec", 3},
};

static str next_word(str *rest)
{
    str word;
    *rest = str_trim(*rest);
    str_cut(*rest, ' ', &word, rest);
    return word;
}

/* "Sat Nov 21 21:47:47 2026", as C's asctime prints it. */
static bool civil_of(str text, struct civil *out)
{
    uint64_t day, hour, minute, second, year;
    str clock, hours, minutes, seconds;
    struct civil c = {0};
    next_word(&text);
    str month = next_word(&text);
    for (size_t i = 0; i < COUNT_OF(months); i++)
        if (str_equal(months[i], month)) c.month = (uint8_t)(i + 1);
    if (!c.month || !str_u64(next_word(&text), 31, &day)) return false;
    clock = next_word(&text);
    str_cut(clock, ':', &hours, &clock);
    str_cut(clock, ':', &minutes, &seconds);
    if (!str_u64(hours, 23, &hour) || !str_u64(minutes, 59, &minute) ||
        !str_u64(seconds, 59, &second) || !str_u64(next_word(&text), 9999, &year))
        return false;
    c.year = (int32_t)year;
    c.day = (uint8_t)day;
    c.hour = (uint8_t)hour;
    c.minute = (uint8_t)minute;
    c.second = (uint8_t)second;
    *out = c;
    return instant_civil_is_valid(c);
}

static void read_comment(struct nmap_grep *scan, str text)
{
    static const str mark = {"scan initiated ", 15};
    struct civil civil;
    while (text.len && !str_starts(text, mark))
        text = str_tail(text, 1);
    if (!text.len || !civil_of(str_tail(text, mark.len), &civil)) return;
    scan->run_us = scan->zone ? zone_to_utc(scan->zone, civil) : instant_from_civil(civil);
}

/* "445/open/tcp//microsoft-ds///" */
static void read_port(struct nmap_grep *scan, str text, struct listening fact)
{
    str number, state, protocol;
    uint64_t port = 0;
    text = str_trim(text);
    str_cut(text, '/', &number, &text);
    str_cut(text, '/', &state, &text);
    str_cut(text, '/', &protocol, &text);
    if (!str_u64(number, UINT16_MAX, &port) || !port_scan_state(state, &fact.state)) return;
    fact.port = (uint16_t)port;
    fact.transport = port_scan_transport(protocol);
    port_scan_tell(&scan->sink, &fact);
}

/* A field's value when the line has it. */
static bool field_of(str line, str key, str *value)
{
    while (line.len) {
        str field;
        str_cut(line, '\t', &field, &line);
        field = str_trim(field);
        if (!str_starts(field, key)) continue;
        *value = str_trim(str_tail(field, key.len));
        return true;
    }
    return false;
}

static bool host_of(str line, struct addr *addr, str *name)
{
    str value, rest;
    if (!field_of(line, S("Host:"), &value)) return false;
    str_cut(value, ' ', &value, &rest);
    rest = str_trim(rest);
    *name = str_starts(rest, S("(")) && str_ends(rest, S(")"))
                ? str_head(str_tail(rest, 1), rest.len - 2)
                : (str){0};
    return addr_parse(value, addr);
}

/* The last port of a cut line may be another one. */
static void read_host(struct nmap_grep *scan, const struct text_line *line)
{
    struct listening fact = {.seen_us = scan->run_us, .offset = line->offset};
    struct identity identity = {.source = IDENTITY_DNS, .offset = line->offset};
    uint64_t seconds = 0;
    str ports, value;
    if (!host_of(line->text, &fact.server.addr, &identity.name) || line->cut) {
        str reason = line->cut ? S("the line is cut") : S("expected the address of a host");
        scan->sink.skip(scan->sink.to, &(struct skip){line->offset, line->length, reason});
        return;
    }
    if (field_of(line->text, S("Timestamp:"), &value) &&
        str_u64(value, UINT64_C(253402300799), &seconds))
        fact.seen_us = (int64_t)seconds * INSTANT_SECOND;
    scan->sink.record(scan->sink.to, fact.seen_us);
    identity.addr = fact.server.addr;
    identity.seen_us = fact.seen_us;
    if (!field_of(line->text, S("Ports:"), &ports)) return;
    port_scan_tell_name(&scan->sink, &identity);
    while (ports.len) {
        str port;
        str_cut(ports, ',', &port, &ports);
        read_port(scan, port, fact);
    }
}

static void take_line(void *to, const struct text_line *line)
{
    struct nmap_grep *scan = to;
    if (line->text.ptr[0] == '#')
        read_comment(scan, line->text);
    else if (str_starts(line->text, S("Host:")) || str_starts(line->text, S("Timestamp:")))
        read_host(scan, line);
}

static bool nmap_grep_recognise(bytes head)
{
    char decoded[TEXT_LINES_HEAD_ROOM];
    str rest = text_lines_head(head, decoded), line, value;
    bool whole;
    for (size_t i = 0; i < HEAD_LINES && text_lines_cut(&rest, &line, &whole); i++) {
        bool host = str_starts(line, S("Host: ")) || str_starts(line, S("Timestamp: "));
        if (host && field_of(line, S("Host:"), &value) &&
            (field_of(line, S("Status:"), &value) || field_of(line, S("Ports:"), &value)))
            return true;
    }
    return false;
}

static void *nmap_grep_open(struct arena *arena, const struct reader_options *options,
                            const struct fact_sink *sink)
{
    struct nmap_grep *scan = arena_new(arena, struct nmap_grep);
    scan->sink = *sink;
    scan->zone = options->zone;
    scan->lines = text_lines_open(arena, sink, take_line, scan);
    return scan;
}

static bool nmap_grep_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct nmap_grep *scan = state;
    text_lines_feed(scan->lines, window, consumed, want);
    return true;
}

static void nmap_grep_close(void *state)
{
    (void)state;
}

const struct reader nmap_grep_reader = {
    .name = {"nmap-grep",                                       9 },
    .summary = {"port scans: grepable output of nmap and masscan", 47},
    .overlap = OVERLAP_LINES,
    .family = {"port-scan",                                       9 },
    .recognise = nmap_grep_recognise,
    .open = nmap_grep_open,
    .feed = nmap_grep_feed,
    .close = nmap_grep_close,
};
