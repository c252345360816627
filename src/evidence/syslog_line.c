/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 5424, 6: <PRI>1 TIME HOST APP PROCID MSGID SD MSG. RFC 3164, 4: <PRI>Mmm dd hh:mm:ss HOST
 * TAG: MSG, of which every part may be missing or different in practice; the forms read here were
 * observed: rsyslog's ISO times, Cisco's year behind the day and its colon behind the time or the
 * host, journalctl's short forms, dmesg's three.
 */
#include "evidence/syslog_line.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const str months[] = {T("Jan"), T("Feb"), T("Mar"), T("Apr"), T("May"), T("Jun"),
                             T("Jul"), T("Aug"), T("Sep"), T("Oct"), T("Nov"), T("Dec")};
static const str weekdays[] = {T("Mon"), T("Tue"), T("Wed"), T("Thu"),
                               T("Fri"), T("Sat"), T("Sun")};
/* Only those that mean one distance to UTC everywhere count as known; CST and IST are three zones
 * each. */
static const struct {
    str text;
    bool is_utc;
} zone_words[] = {
    {T("UTC"),  true },
    {T("GMT"),  true },
    {T("Z"),    true },
    {T("EST"),  false},
    {T("EDT"),  false},
    {T("CST"),  false},
    {T("CDT"),  false},
    {T("MST"),  false},
    {T("MDT"),  false},
    {T("PST"),  false},
    {T("PDT"),  false},
    {T("BST"),  false},
    {T("WET"),  false},
    {T("WEST"), false},
    {T("CET"),  false},
    {T("CEST"), false},
    {T("EET"),  false},
    {T("EEST"), false},
    {T("MSK"),  false},
    {T("IST"),  false},
    {T("JST"),  false},
    {T("KST"),  false},
    {T("HKT"),  false},
    {T("SGT"),  false},
    {T("AEST"), false},
    {T("AEDT"), false},
    {T("NZST"), false},
    {T("NZDT"), false},
};
/* syslog severities, as in "user.info": some devices write the facility and level as a word. */
static const str levels[] = {T("emerg"), T("alert"),  T("crit"), T("err"),  T("warning"),
                             T("warn"),  T("notice"), T("info"), T("debug")};

/* A time in the making. */
struct time_text {
    struct civil civil;
    bool has_year, has_offset;
    int64_t offset_us; /* local minus UTC */
    enum syslog_time kind;
    int64_t at_us; /* of SYSLOG_UPTIME, and of numbers since 1970 */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char first(str s)
{
    if (!s.len) return 0;
    return s.ptr[0];
}

static bool take(str *s, char c)
{
    if (first(*s) != c || !s->len) return false;
    *s = str_tail(*s, 1);
    return true;
}

/* Between least and most digits, as many as there are. */
static bool take_number(str *s, size_t least, size_t most, uint64_t *out)
{
    size_t n = 0;
    uint64_t value = 0;
    for (; n < most && n < s->len && is_digit(s->ptr[n]); n++)
        value = value * 10 + (uint64_t)(s->ptr[n] - '0');
    if (n < least) return false;
    *s = str_tail(*s, n);
    *out = value;
    return true;
}

static bool take_small(str *s, size_t least, size_t most, uint64_t max, uint8_t *out)
{
    uint64_t value = 0;
    if (!take_number(s, least, most, &value) || value > max) return false;
    *out = (uint8_t)value;
    return true;
}

static bool take_word(str *s, const str *words, size_t n_words, size_t *out)
{
    for (size_t i = 0; i < n_words; i++) {
        if (!str_equal_nocase(str_head(*s, words[i].len), words[i])) continue;
        *s = str_tail(*s, words[i].len);
        *out = i;
        return true;
    }
    return false;
}

static void take_blanks(str *s)
{
    while (take(s, ' '))
        ;
}

/* Microseconds behind a point or comma; 0 and nothing taken when no digit follows. */
static uint32_t take_fraction(str *s)
{
    uint32_t us = 0, scale = 100000;
    if (s->len < 2 || !is_digit(s->ptr[1])) return 0;
    for (*s = str_tail(*s, 1); is_digit(first(*s)); *s = str_tail(*s, 1)) {
        us += (uint32_t)(first(*s) - '0') * scale;
        scale /= 10;
    }
    return us;
}

/* hh:mm:ss[.fraction] */
static bool take_clock(str *s, struct civil *c)
{
    if (!take_small(s, 1, 2, 23, &c->hour) || !take(s, ':')) return false;
    if (!take_small(s, 2, 2, 59, &c->minute) || !take(s, ':')) return false;
    if (!take_small(s, 2, 2, 59, &c->second)) return false;
    if (first(*s) == ',' || first(*s) == '.') c->microsecond = take_fraction(s);
    return true;
}

/* "Z", "+hh:mm", "+hhmm", "+hh" */
static bool take_offset(str *s, struct time_text *t)
{
    uint8_t hour = 0, minute = 0;
    if (take(s, 'Z')) {
        t->has_offset = true;
        return true;
    }
    bool west = first(*s) == '-';
    str rest = str_tail(*s, 1);
    if (!west && first(*s) != '+') return false;
    if (!take_small(&rest, 2, 2, 23, &hour)) return false;
    take(&rest, ':');
    if (is_digit(first(rest)) && !take_small(&rest, 2, 2, 59, &minute)) return false;
    t->offset_us = (hour * INT64_C(60) + minute) * 60 * INSTANT_SECOND;
    if (west) t->offset_us = -t->offset_us;
    t->has_offset = true;
    *s = rest;
    return true;
}

/* A blank and a zone's name, when that is what stands there. */
static void take_zone(str *s, struct time_text *t)
{
    str rest = *s;
    if (!take(&rest, ' ')) return;
    if (take_offset(&rest, t)) {
        *s = rest;
        return;
    }
    size_t n = 0;
    while (n < rest.len && rest.ptr[n] >= 'A' && rest.ptr[n] <= 'Z')
        n++;
    char after = first(str_tail(rest, n));
    if (after && after != ' ' && after != ':' && after != ']') return;
    for (size_t i = 0; i < COUNT_OF(zone_words); i++) {
        if (!str_equal(zone_words[i].text, str_head(rest, n))) continue;
        t->has_offset = zone_words[i].is_utc;
        *s = str_tail(rest, n);
        return;
    }
}

static bool take_year(str *s, struct time_text *t)
{
    uint64_t year = 0;
    str rest = *s;
    if (!take_number(&rest, 4, 4, &year) || year < 1970 || is_digit(first(rest))) return false;
    t->civil.year = (int32_t)year;
    t->has_year = true;
    *s = rest;
    return true;
}

/* "Nov  2 [2026] 08:14:03[.123] [2026] [zone]" */
static bool take_month_first(str *s, struct time_text *t)
{
    size_t month = 0;
    if (!take_word(s, months, COUNT_OF(months), &month) || !take(s, ' ')) return false;
    t->civil.month = (uint8_t)(month + 1);
    take_blanks(s);
    if (!take_small(s, 1, 2, 31, &t->civil.day) || !take(s, ' ')) return false;
    take_blanks(s);
    if (take_year(s, t) && !take(s, ' ')) return false;
    if (!take_clock(s, &t->civil)) return false;
    str rest = *s;
    if (!t->has_year && take(&rest, ' ') && take_year(&rest, t)) {
        char after = first(rest);
        if (!rest.len || after == ' ' || after == ':' || after == ']')
            *s = rest;
        else
            t->has_year = false;
    }
    take_zone(s, t);
    return true;
}

/* "2026-11-02T08:14:03[,123][+01:00]", "2026/11/02 08:14:03 UTC" */
static bool take_year_first(str *s, struct time_text *t)
{
    if (!take_year(s, t)) return false;
    char separator = first(*s);
    if (separator != '-' && separator != '/') return false;
    *s = str_tail(*s, 1);
    if (!take_small(s, 2, 2, 12, &t->civil.month) || !take(s, separator)) return false;
    if (!take_small(s, 2, 2, 31, &t->civil.day)) return false;
    if (!take(s, 'T') && !take(s, ' ')) return false;
    if (!take_clock(s, &t->civil)) return false;
    if (!take_offset(s, t)) take_zone(s, t);
    return true;
}

/* "[ 1879.668706]" */
static bool take_uptime(str *s, struct time_text *t)
{
    uint64_t seconds = 0, fraction = 0;
    if (!take(s, '[')) return false;
    take_blanks(s);
    if (!take_number(s, 1, 9, &seconds) || !take(s, '.')) return false;
    str before = *s;
    if (!take_number(s, 1, 6, &fraction) || !take(s, ']')) return false;
    for (size_t n = before.len - s->len - 1; n < 6; n++)
        fraction *= 10;
    t->at_us = (int64_t)(seconds * 1000000 + fraction);
    t->kind = SYSLOG_UPTIME;
    return true;
}

/* Seconds (10 digits, with a fraction or without), milli- (13), micro- (16), nanoseconds (19). */
static bool take_since_1970(str *s, struct time_text *t)
{
    size_t n = 0;
    uint64_t value = 0;
    while (n < s->len && is_digit(s->ptr[n]))
        n++;
    if (n != 10 && n != 13 && n != 16 && n != 19) return false;
    if (!str_u64(str_head(*s, n), INT64_MAX, &value)) return false;
    *s = str_tail(*s, n);
    uint64_t us = value;
    if (n == 10) us = value * 1000000;
    if (n == 13) us = value * 1000;
    if (n == 19) us = value / 1000;
    if (n == 10 && first(*s) == '.') us += take_fraction(s);
    t->at_us = (int64_t)us;
    t->kind = SYSLOG_INSTANT;
    return true;
}

int64_t syslog_line_local(const struct syslog_clock *clock, struct civil civil,
                          enum syslog_time *kind)
{
    *kind = clock->zone ? SYSLOG_INSTANT : SYSLOG_LOCAL;
    return clock->zone ? zone_to_utc(clock->zone, civil) : instant_from_civil(civil);
}

static int64_t at_of(const struct syslog_clock *clock, struct civil civil,
                     const struct time_text *t, enum syslog_time *kind)
{
    if (!t->has_offset) return syslog_line_local(clock, civil, kind);
    *kind = SYSLOG_INSTANT;
    return instant_from_civil(civil) - t->offset_us;
}

/* The last year that does not put it in the future. A day of grace: clocks differ, and local time
 * taken as UTC may be ahead of it. */
static bool resolve(const struct syslog_clock *clock, const struct time_text *t,
                    enum syslog_time *kind, int64_t *out_us)
{
    struct civil civil = t->civil;
    if (t->kind != SYSLOG_NO_TIME) {
        *kind = t->kind;
        *out_us = t->at_us;
        return true;
    }
    if (t->has_year) {
        if (!instant_civil_is_valid(civil)) return false;
        *out_us = at_of(clock, civil, t, kind);
        return true;
    }
    civil.year = instant_to_civil(clock->now_us + INSTANT_DAY).year;
    for (unsigned i = 0; i < 9; i++, civil.year--) { /* 29 February: up to eight years back */
        if (!instant_civil_is_valid(civil)) continue;
        *out_us = at_of(clock, civil, t, kind);
        if (*out_us <= clock->now_us + INSTANT_DAY || civil.year <= 1970) return true;
    }
    return false;
}

/* The time at the front of s. */
static bool take_time(str *s, struct time_text *t)
{
    str rest = *s;
    size_t day = 0;
    bool bracket = false;

    *t = (struct time_text){0};
    if (is_digit(first(rest))) {
        if (!take_year_first(&rest, t)) {
            rest = *s, *t = (struct time_text){0};
            if (!take_since_1970(&rest, t)) return false;
        }
        *s = rest;
        return true;
    }
    if (first(rest) == '[') {
        if (take_uptime(&rest, t)) {
            *s = rest;
            return true;
        }
        rest = *s, *t = (struct time_text){0};
        bracket = take(&rest, '['); /* dmesg -T: "[Sat Nov 21 21:47:21 2026]" */
    }
    if (!take(&rest, '*')) take(&rest, '.'); /* a Cisco clock that is not set, or not in sync */
    if (take_word(&rest, weekdays, COUNT_OF(weekdays), &day)) {
        take(&rest, ',');
        if (!take(&rest, ' ')) return false;
        take_blanks(&rest);
    }
    bool found = is_digit(first(rest)) ? take_year_first(&rest, t) : take_month_first(&rest, t);
    if (!found || (bracket && !take(&rest, ']'))) return false;
    *s = rest;
    return true;
}

bool syslog_line_time(struct syslog_clock *clock, str text, enum syslog_time *kind, int64_t *out_us)
{
    struct time_text t;
    str rest = str_trim(text);
    return take_time(&rest, &t) && !rest.len && resolve(clock, &t, kind, out_us);
}

/* Nothing of a time stands here: no fraction, year or zone. */
static bool time_ends(str s)
{
    struct time_text t = {0};
    str rest = s;
    if (first(s) != ' ') return false;
    take_zone(&rest, &t);
    if (rest.len != s.len) return false;
    return !(take(&rest, ' ') && take_year(&rest, &t));
}

/* The same text as on the line before is the same time. Remembered are times without a year alone:
 * they are the ones that take longest, and have no fraction. */
static bool read_time(struct syslog_clock *clock, str *s, enum syslog_time *kind, int64_t *out_us)
{
    struct time_text t;
    str rest = *s;
    if (clock->last_len && s->len > clock->last_len &&
        memcmp(s->ptr, clock->last, clock->last_len) == 0 &&
        time_ends(str_tail(*s, clock->last_len))) {
        *kind = clock->last_kind;
        *out_us = clock->last_us;
        *s = str_tail(*s, clock->last_len);
        return true;
    }
    if (!take_time(&rest, &t)) return false;
    if (rest.len && first(rest) != ' ' && first(rest) != ':') return false;
    if (!resolve(clock, &t, kind, out_us)) return false;
    size_t used = s->len - rest.len;
    if (t.kind == SYSLOG_NO_TIME && !t.has_year && !t.has_offset && used <= sizeof clock->last &&
        time_ends(rest)) {
        memcpy(clock->last, s->ptr, used);
        clock->last_len = used;
        clock->last_kind = *kind;
        clock->last_us = *out_us;
    }
    *s = rest;
    return true;
}

static bool is_host_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_' || c == ':' || (unsigned char)c >= 0x80;
}

/* The word at the front, if it may be a host's name or address: "fw01", and "fw01:" before '%'. */
static void take_host(str *s, str *host)
{
    size_t n = 0;
    while (n < s->len && is_host_char(s->ptr[n]))
        n++;
    if (!n || (n < s->len && s->ptr[n] != ' ')) return;
    str word = str_head(*s, n), rest = str_tail(*s, n);
    take_blanks(&rest);
    if (word.ptr[n - 1] == ':') {
        if (first(rest) != '%' || n == 1) return;
        word = str_head(word, n - 1);
    }
    if (!rest.len) return;
    *host = word;
    *s = rest;
}

/* "user.info" */
static void take_level(str *s)
{
    size_t n = 0, dot = 0;
    while (n < s->len &&
           ((s->ptr[n] >= 'a' && s->ptr[n] <= 'z') || is_digit(s->ptr[n]) || s->ptr[n] == '.')) {
        if (s->ptr[n] == '.') dot = n;
        n++;
    }
    if (!dot || n == s->len || s->ptr[n] != ' ') return;
    str level = str_tail(str_head(*s, n), dot + 1);
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        if (str_equal(level, levels[i])) *s = str_tail(*s, n + 1);
}

/* "kernel: [12345.6] " says nothing more once the host's own time is known. */
static void take_kernel(str *s, bool is_kernel, struct syslog_line *out)
{
    struct time_text t = {0};
    str kernel = S("kernel:");
    if (str_starts(*s, kernel))
        *s = str_tail(*s, kernel.len);
    else if (!is_kernel)
        return;
    take_blanks(s);
    str rest = *s;
    if (!take_uptime(&rest, &t)) return;
    *s = rest;
    if (out->kind == SYSLOG_NO_TIME) {
        out->kind = SYSLOG_UPTIME;
        out->at_us = t.at_us;
    }
    take_blanks(s);
}

/* The next word of an RFC 5424 header; "-" is none. */
static str take_field(str *s)
{
    str word;
    str_cut(*s, ' ', &word, s);
    return str_equal(word, S("-")) ? (str){0} : word;
}

/* RFC 5424, 6.3: [id name="value" ...]..., with \" \\ \] inside values; or "-". */
static void take_structured(str *s)
{
    if (take(s, '-')) return;
    while (first(*s) == '[') {
        bool quoted = false;
        size_t i = 1;
        for (; i < s->len && (quoted || s->ptr[i] != ']'); i++) {
            if (quoted && s->ptr[i] == '\\' && i + 1 < s->len)
                i++;
            else if (s->ptr[i] == '"')
                quoted = !quoted;
        }
        if (i >= s->len) return; /* no structured data after all */
        *s = str_tail(*s, i + 1);
    }
}

/* Behind "<PRI>1 ". */
static bool read_5424(struct syslog_clock *clock, str text, struct syslog_line *out)
{
    struct syslog_line line = {0};
    str time = take_field(&text);
    if (time.len && !syslog_line_time(clock, time, &line.kind, &line.at_us)) return false;
    line.host = take_field(&text);
    bool is_kernel = false;
    /* Observed: the message where the program's name belongs. */
    if (first(text) != '%') {
        is_kernel = str_equal(take_field(&text), S("kernel"));
        take_field(&text);
        take_field(&text);
        take_structured(&text);
        take_blanks(&text);
    }
    str mark = S("\xEF\xBB\xBF");
    if (str_starts(text, mark)) text = str_tail(text, mark.len);
    take_kernel(&text, is_kernel, &line);
    line.message = text;
    *out = line;
    return true;
}

static bool take_priority(str *s)
{
    uint64_t priority = 0;
    str rest = *s;
    if (!take(&rest, '<') || !take_number(&rest, 1, 3, &priority) || !take(&rest, '>'))
        return false;
    *s = rest;
    return true;
}

/* A relay put its own header before the device's, which has a year: the device's time. */
static void take_inner_time(struct syslog_clock *clock, str *s, struct syslog_line *line)
{
    struct time_text inner;
    str rest = *s;
    if (line->kind == SYSLOG_UPTIME || !take_time(&rest, &inner) || !inner.has_year) return;
    if (!resolve(clock, &inner, &line->kind, &line->at_us)) return;
    if (take(&rest, ':')) take_blanks(&rest);
    take_blanks(&rest);
    *s = rest;
}

/* Behind the time. */
static void read_host(str *rest, bool is_dmesg, struct syslog_line *line)
{
    take_blanks(rest);
    if (take(rest, ':')) take_blanks(rest);
    if (is_dmesg) {
        /* journalctl -o short-monotonic has a host, dmesg has none. */
        str word, behind;
        str_cut(*rest, ' ', &word, &behind);
        if (str_starts(behind, S("kernel:"))) take_host(rest, &line->host);
    } else {
        take_host(rest, &line->host);
    }
    if (first(*rest) == ':' && rest->len > 1 && rest->ptr[1] == ' ') *rest = str_tail(*rest, 2);
    take_level(rest);
}

static bool read_header(struct syslog_clock *clock, str *rest, struct syslog_line *line)
{
    take_blanks(rest);
    str before = *rest;
    if (!read_time(clock, rest, &line->kind, &line->at_us)) return false;
    /* dmesg --time-format iso has a comma before its microseconds. */
    str time = str_head(before, before.len - rest->len);
    read_host(rest, first(before) == '[' || memchr(time.ptr, ',', time.len), line);
    return true;
}

void syslog_line_read(struct syslog_clock *clock, str text, struct syslog_line *out)
{
    struct syslog_line line = {0}, inner = {0};
    str rest = text;

    take_blanks(&rest);
    if (take_priority(&rest) && str_starts(rest, S("1 ")) &&
        read_5424(clock, str_tail(rest, 2), out))
        return;
    if (read_header(clock, &rest, &line)) {
        /* A whole header inside: its host; its time only when the outer one is less sure. */
        str behind = rest;
        if (take_priority(&behind) && read_header(clock, &behind, &inner)) {
            rest = behind;
            if (inner.host.len) line.host = inner.host;
            if (line.kind != SYSLOG_INSTANT) line.kind = inner.kind, line.at_us = inner.at_us;
        }
        take_inner_time(clock, &rest, &line);
    }
    take_kernel(&rest, false, &line);
    line.message = rest;
    *out = line;
}
