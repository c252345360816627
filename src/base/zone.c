/* SPDX-License-Identifier: Apache-2.0 */
/* TZif files (RFC 8536; version 4 is that of RFC 9636) of at most a few KiB, with the POSIX TZ
 * string of their footer for the years behind the last transition (RFC 8536, 3.3.1).
 *
 * A local time is turned into an instant by asking every offset that the zone ever had whether it
 * was in force then: exact in every overlap, and the zones have at most some twenty offsets.
 */
#include "base/zone.h"

#include "base/cursor.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"

enum {
    NAME_MOST = 128,
    TYPES = 256, /* an index is one byte */
    HOUR = 3600,
    /* RFC 8536, 3.2: utoff SHOULD be more than -25 and less than 26 hours. */
    OFFSET_LEAST = -25 * HOUR + 1,
    OFFSET_MOST = 26 * HOUR - 1,
    /* No two local times of one instant, and no gap, are further apart. */
    OFFSET_SPAN = 52 * HOUR,
    DAY = 24 * HOUR,
    HEADER_BYTES = 44,
};

/* When daylight saving begins or ends, as the TZ string has it. */
struct change {
    char form;             /* 'J': 1..365 without 29 February; 'N': 0..365; 'M': month, week, day */
    int32_t a, b, c;       /* day; or month, week (5 = last), weekday (0 = Sunday) */
    int32_t second_of_day; /* local time then in force; may lie outside the day */
};

struct rule {
    bool known, has_dst;
    int32_t standard, daylight; /* seconds east */
    struct change start, end;
};

struct zone {
    size_t n; /* transitions, in order of time */
    const int64_t *at;
    const uint8_t *type;
    int32_t offsets[TYPES]; /* seconds east; before the first transition the first holds */
    size_t n_offsets;
    struct rule rule;
};

struct counts {
    uint8_t version;
    uint32_t is_ut, is_standard, leaps, times, types, chars;
};

static bool read_header(struct cursor *c, struct counts *out, struct err *err)
{
    uint64_t start = cursor_offset(c);
    struct counts counts = {0};
    uint32_t magic = cursor_u32be(c, "header.magic");
    counts.version = cursor_u8(c, "header.version");
    cursor_skip(c, 15, "header.unused");
    counts.is_ut = cursor_u32be(c, "header.isutcnt");
    counts.is_standard = cursor_u32be(c, "header.isstdcnt");
    counts.leaps = cursor_u32be(c, "header.leapcnt");
    counts.times = cursor_u32be(c, "header.timecnt");
    counts.types = cursor_u32be(c, "header.typecnt");
    counts.chars = cursor_u32be(c, "header.charcnt");
    if (!cursor_done(c, err)) return false;
    if (magic != 0x545A6966) /* "TZif" */
        return err_at(err, ERR_MALFORMED, start, "expected a TZif header");
    if (!counts.types || counts.types > TYPES)
        return err_at(err, ERR_MALFORMED, start, "header.typecnt is %" PRIu32 ", expected 1 to %d",
                      counts.types, TYPES);
    *out = counts;
    return true;
}

static uint64_t block_bytes(struct counts n, uint64_t time_bytes)
{
    return n.times * (time_bytes + 1) + n.types * UINT64_C(6) + n.chars +
           n.leaps * (time_bytes + 4) + n.is_standard + n.is_ut;
}

/* RFC 8536, 3.2. Times are 4 bytes in version 1, 8 later. */
static bool read_block(struct cursor *c, struct counts counts, unsigned time_bytes,
                       struct arena *arena, struct zone *zone, struct err *err)
{
    uint64_t start = cursor_offset(c);
    struct cursor block = cursor_take(c, block_bytes(counts, time_bytes), "data block");
    if (!cursor_done(c, err)) return false;
    if (counts.leaps)
        return err_at(err, ERR_UNSUPPORTED, start, "the zone counts leap seconds; logs do not");

    int64_t *at = arena_array(arena, int64_t, counts.times);
    uint8_t *type = arena_array(arena, uint8_t, counts.times);
    for (uint32_t i = 0; i < counts.times; i++) {
        uint64_t raw = time_bytes == 8 ? cursor_u64be(&block, "transition time")
                                       : cursor_u32be(&block, "transition time");
        at[i] = time_bytes == 8 ? (int64_t)raw : (int32_t)raw;
        if (i && at[i] <= at[i - 1])
            return err_at(err, ERR_MALFORMED, cursor_offset(&block),
                          "transition times do not ascend");
    }
    for (uint32_t i = 0; i < counts.times; i++) {
        type[i] = cursor_u8(&block, "transition type");
        if (type[i] >= counts.types)
            return err_at(err, ERR_MALFORMED, cursor_offset(&block),
                          "a transition to type %u of %" PRIu32, type[i], counts.types);
    }
    for (uint32_t i = 0; i < counts.types; i++) {
        zone->offsets[i] = (int32_t)cursor_u32be(&block, "type.utoff");
        cursor_skip(&block, 2, "type.isdst and type.desigidx");
        if (zone->offsets[i] < OFFSET_LEAST || zone->offsets[i] > OFFSET_MOST)
            return err_at(err, ERR_MALFORMED, cursor_offset(&block),
                          "type.utoff is %" PRId32 " seconds", zone->offsets[i]);
    }
    if (!cursor_done(&block, err)) return false;
    zone->n = counts.times;
    zone->at = at;
    zone->type = type;
    zone->n_offsets = counts.types;
    return true;
}

static bool take_char(str *text, char c)
{
    if (!text->len || text->ptr[0] != c) return false;
    *text = str_tail(*text, 1);
    return true;
}

/* Up to three digits. */
static bool take_number(str *text, int32_t least, int32_t most, int32_t *out)
{
    int32_t value = 0;
    size_t n = 0;
    while (n < 3 && n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9')
        value = value * 10 + (text->ptr[n++] - '0');
    *text = str_tail(*text, n);
    *out = value;
    return n && value >= least && value <= most;
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool take_time(str *text, int32_t most_hours, int32_t *out)
{
    int32_t hours = 0, minutes = 0, seconds = 0;
    bool minus = take_char(text, '-');
    if (!minus) take_char(text, '+');
    if (!take_number(text, 0, most_hours, &hours)) return false;
    if (take_char(text, ':')) {
        if (!take_number(text, 0, 59, &minutes)) return false;
        if (take_char(text, ':') && !take_number(text, 0, 59, &seconds)) return false;
    }
    int32_t value = hours * HOUR + minutes * 60 + seconds;
    *out = minus ? -value : value;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A name's text does not matter here, only where it ends. */
static bool take_name(str *text)
{
    size_t n = 0;
    if (take_char(text, '<')) {
        while (n < text->len && text->ptr[n] != '>')
            n++;
        *text = str_tail(*text, n);
        return n >= 3 && take_char(text, '>');
    }
    while (n < text->len && is_letter(text->ptr[n]))
        n++;
    *text = str_tail(*text, n);
    return n >= 3;
}

static bool take_change(str *text, struct change *out)
{
    struct change change = {.form = 'N', .second_of_day = 2 * HOUR};
    bool fine = false;
    if (take_char(text, 'J')) {
        change.form = 'J';
        fine = take_number(text, 1, 365, &change.a);
    } else if (take_char(text, 'M')) {
        change.form = 'M';
        fine = take_number(text, 1, 12, &change.a) && take_char(text, '.') &&
               take_number(text, 1, 5, &change.b) && take_char(text, '.') &&
               take_number(text, 0, 6, &change.c);
    } else {
        fine = take_number(text, 0, 365, &change.a);
    }
    /* Version 3 and later: up to a week before and behind (RFC 8536, 3.3.1). */
    if (fine && take_char(text, '/')) fine = take_time(text, 167, &change.second_of_day);
    *out = change;
    return fine;
}

/* POSIX.1-2017, Base Definitions 8.3, TZ; its offsets count westwards. */
static bool read_rule(str text, struct rule *out)
{
    struct rule rule = {.known = true};
    int32_t west = 0;
    if (!take_name(&text) || !take_time(&text, 24, &west)) return false;
    rule.standard = -west;
    rule.has_dst = text.len != 0;
    if (rule.has_dst) {
        if (!take_name(&text)) return false;
        west = -rule.standard - HOUR;
        if (text.len && text.ptr[0] != ',' && !take_time(&text, 24, &west)) return false;
        rule.daylight = -west;
        if (!take_char(&text, ',') || !take_change(&text, &rule.start)) return false;
        if (!take_char(&text, ',') || !take_change(&text, &rule.end)) return false;
    }
    if (text.len) return false;
    *out = rule;
    return true;
}

static bool read_footer(struct cursor *c, struct zone *zone, struct err *err)
{
    uint64_t start = cursor_offset(c);
    str rest = str_of_bytes(cursor_bytes(c, cursor_left(c), "footer")), rule, after;
    if (!take_char(&rest, '\n') || !str_cut(rest, '\n', &rule, &after))
        return err_at(err, ERR_MALFORMED, start, "expected a footer between two newlines");
    if (rule.len && !read_rule(rule, &zone->rule))
        return err_at(err, ERR_MALFORMED, start, "the footer is no TZ string with a rule");
    return true;
}

static bool read_tzif(bytes file, struct arena *arena, struct zone *zone, struct err *err)
{
    struct cursor c = cursor_of(file, 0);
    struct counts counts;
    if (!read_header(&c, &counts, err)) return false;
    if (counts.version < '2') return read_block(&c, counts, 4, arena, zone, err);
    cursor_skip(&c, block_bytes(counts, 4), "version 1 data block");
    if (!read_header(&c, &counts, err)) return false;
    return read_block(&c, counts, 8, arena, zone, err) && read_footer(&c, zone, err);
}

/* Letters, digits, '_', '-', '+' in parts between single slashes: no dot, so no way out. */
static bool name_is_safe(str name)
{
    bool part = false;
    if (name.len > NAME_MOST) return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c == '/' && !part) return false;
        part = c != '/';
        if (part && !is_letter(c) && !is_digit(c) && c != '_' && c != '-' && c != '+') return false;
    }
    return part;
}

/* "+hh:mm", "-hh:mm" */
static bool fixed_offset(str name, int32_t *out)
{
    uint64_t hours = 0, minutes = 0;
    if (name.len != 6 || name.ptr[3] != ':') return false;
    if (name.ptr[0] != '+' && name.ptr[0] != '-') return false;
    if (!str_u64((str){name.ptr + 1, 2}, 23, &hours)) return false;
    if (!str_u64((str){name.ptr + 4, 2}, 59, &minutes)) return false;
    int32_t east = (int32_t)(hours * HOUR + minutes * 60);
    *out = name.ptr[0] == '-' ? -east : east;
    return true;
}

const struct zone *zone_find(struct os *os, str name, struct arena *arena, struct err *err)
{
    struct zone *zone = arena_new(arena, struct zone);
    bytes file;
    zone->n_offsets = 1;
    if (str_equal(name, S("UTC")) || fixed_offset(name, &zone->offsets[0])) return zone;
    if (!name_is_safe(name)) {
        err_set(err, ERR_USAGE,
                "expected UTC, an offset like +02:00 or a zone like Europe/Berlin, found \"%.*s\"",
                STR_ARG(name));
        return NULL;
    }
    str path = os_join(arena, S(ZONE_FOLDER), name);
    if (os->kind(os->self, path) != OS_FILE) {
        err_set(err, ERR_NOT_FOUND, "there is no time zone \"%.*s\" in %s", STR_ARG(name),
                ZONE_FOLDER);
        return NULL;
    }
    bool fine = os_read_all(os, path, LIMIT_ZONE_BYTES, arena, &file, err);
    if (!fine || !read_tzif(file, arena, zone, err)) {
        err_in(err, path);
        return NULL;
    }
    return zone;
}

static int64_t day_of(int32_t year, int32_t month, int32_t day)
{
    struct civil c = {.year = year, .month = (uint8_t)month, .day = (uint8_t)day};
    return instant_from_civil(c) / INSTANT_DAY; /* midnight: exact before the epoch too */
}

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Local seconds since the epoch at which a change happens in a year. */
static int64_t change_local(struct change change, int32_t year)
{
    int64_t day = day_of(year, 1, 1);
    if (change.form == 'N') day += change.a;
    if (change.form == 'J') day += change.a - 1 + (is_leap(year) && change.a > 59);
    if (change.form == 'M') {
        int32_t next_year = change.a == 12 ? year + 1 : year;
        int64_t first = day_of(year, change.a, 1);
        int64_t next = day_of(next_year, change.a == 12 ? 1 : change.a + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        day = first + (change.c - weekday + 7) % 7 + (int64_t)(change.b - 1) * 7;
        if (day >= next) day -= 7;
    }
    return day * DAY + change.second_of_day;
}

static int64_t floor_seconds(int64_t instant_us)
{
    return instant_us / INSTANT_SECOND - (instant_us % INSTANT_SECOND < 0);
}

/* The latest change at or before the instant tells; the year before and behind are looked at since
 * changes may lie some days outside their year. */
static int32_t rule_offset(const struct rule *rule, int64_t at_s)
{
    if (!rule->has_dst) return rule->standard;
    int32_t year = instant_to_civil(at_s * INSTANT_SECOND).year;
    int64_t latest = INT64_MIN;
    int32_t offset = rule->standard;
    for (int32_t y = year - 1; y <= year + 1; y++) {
        int64_t changes[] = {
            change_local(rule->start, y) - rule->standard,
            change_local(rule->end, y) - rule->daylight,
        };
        int32_t offsets[] = {rule->daylight, rule->standard};
        bool swapped = changes[1] < changes[0];
        for (size_t i = 0; i < 2; i++) {
            size_t which = swapped ? 1 - i : i;
            if (changes[which] > at_s || changes[which] < latest) continue;
            latest = changes[which];
            offset = offsets[which];
        }
    }
    return offset;
}

static int32_t offset_at(const struct zone *zone, int64_t at_s)
{
    size_t low = 0, high = zone->n; /* the first transition after at_s */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->n && zone->rule.known) return rule_offset(&zone->rule, at_s);
    return low ? zone->offsets[zone->type[low - 1]] : zone->offsets[0];
}

static void try_offset(const struct zone *zone, int64_t local_s, int32_t offset, int64_t *earliest)
{
    int64_t at_s = local_s - offset;
    if (at_s < *earliest && offset_at(zone, at_s) == offset) *earliest = at_s;
}

/* A local time that no clock showed: the offset before the gap. Clocks show less than local_s
 * before the gap and more behind it, so halving finds where they jump. */
static int64_t before_gap(const struct zone *zone, int64_t local_s)
{
    int64_t low = local_s - OFFSET_SPAN, high = local_s + OFFSET_SPAN;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (middle + offset_at(zone, middle) < local_s)
            low = middle;
        else
            high = middle;
    }
    return local_s - offset_at(zone, low);
}

int64_t zone_to_utc(const struct zone *zone, struct civil local)
{
    int64_t local_us = instant_from_civil(local);
    int64_t local_s = floor_seconds(local_us), earliest = INT64_MAX;
    for (size_t i = 0; i < zone->n_offsets; i++)
        try_offset(zone, local_s, zone->offsets[i], &earliest);
    if (zone->rule.known) {
        try_offset(zone, local_s, zone->rule.standard, &earliest);
        if (zone->rule.has_dst) try_offset(zone, local_s, zone->rule.daylight, &earliest);
    }
    if (earliest == INT64_MAX) earliest = before_gap(zone, local_s);
    return earliest * INSTANT_SECOND + (local_us - local_s * INSTANT_SECOND);
}
