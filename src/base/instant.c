/* SPDX-License-Identifier: Apache-2.0 */
/* Civil days by the era method of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
#include "base/instant.h"

static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + day_of_era - 719468;
}

int64_t instant_from_civil(struct civil c)
{
    int64_t days = days_from_civil(c.year, c.month, c.day);
    int64_t seconds = days * 86400 + c.hour * 3600 + c.minute * 60 + c.second;
    return seconds * INSTANT_SECOND + c.microsecond;
}

int32_t instant_day(int64_t instant_us)
{
    int64_t day = instant_us / INSTANT_DAY;
    return (int32_t)(instant_us % INSTANT_DAY < 0 ? day - 1 : day);
}

struct civil instant_to_civil(int64_t instant_us)
{
    int64_t days = instant_day(instant_us);
    int64_t rest = instant_us - days * INSTANT_DAY;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * of_year + 2) / 153;
    int64_t month = m < 10 ? m + 3 : m - 9;
    int64_t seconds = rest / INSTANT_SECOND;
    return (struct civil){
        .year = (int32_t)(year_of_era + era * 400 + (month <= 2)),
        .month = (uint8_t)month,
        .day = (uint8_t)(of_year - (153 * m + 2) / 5 + 1),
        .hour = (uint8_t)(seconds / 3600),
        .minute = (uint8_t)(seconds / 60 % 60),
        .second = (uint8_t)(seconds % 60),
        .microsecond = (uint32_t)(rest % INSTANT_SECOND),
    };
}

bool instant_civil_is_valid(struct civil c)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (c.year < 1 || c.year > 9999 || c.month < 1 || c.month > 12) return false;
    bool leap = (c.year % 4 == 0 && c.year % 100 != 0) || c.year % 400 == 0;
    unsigned last = days[c.month - 1] + (c.month == 2 && leap ? 1u : 0u);
    if (c.day < 1 || c.day > last) return false;
    return c.hour < 24 && c.minute < 60 && c.second < 60 && c.microsecond < 1000000;
}

/* Cuts n digits off the front of *text. */
static bool take_digits(str *text, size_t n, uint32_t *out)
{
    uint64_t value = 0;
    if (text->len < n || !str_u64(str_head(*text, n), UINT32_MAX, &value)) return false;
    *out = (uint32_t)value;
    *text = str_tail(*text, n);
    return true;
}

static bool take_char(str *text, char a, char b)
{
    if (!text->len || (text->ptr[0] != a && text->ptr[0] != b)) return false;
    *text = str_tail(*text, 1);
    return true;
}

static bool take_date(str *text, struct civil *out)
{
    uint32_t year = 0, month = 0, day = 0;
    if (!take_digits(text, 4, &year) || !take_char(text, '-', '-')) return false;
    if (!take_digits(text, 2, &month) || !take_char(text, '-', '-')) return false;
    if (!take_digits(text, 2, &day)) return false;
    *out = (struct civil){.year = (int32_t)year, .month = (uint8_t)month, .day = (uint8_t)day};
    return month < 13 && day < 32;
}

bool instant_parse_date(str text, struct civil *out)
{
    struct civil c;
    if (!take_date(&text, &c) || text.len || !instant_civil_is_valid(c)) return false;
    *out = c;
    return true;
}

bool instant_parse(str text, int64_t *out_us)
{
    struct civil c;
    uint32_t hour = 0, minute = 0, second = 0, zone_hour = 0, zone_minute = 0;
    if (!take_date(&text, &c)) return false;
    if (!take_char(&text, 'T', 't') && !take_char(&text, ' ', ' ')) return false;
    if (!take_digits(&text, 2, &hour) || !take_char(&text, ':', ':')) return false;
    if (!take_digits(&text, 2, &minute) || !take_char(&text, ':', ':')) return false;
    if (!take_digits(&text, 2, &second) || hour > 23 || minute > 59 || second > 59) return false;
    c.hour = (uint8_t)hour, c.minute = (uint8_t)minute, c.second = (uint8_t)second;
    if (take_char(&text, '.', '.')) {
        uint32_t digit = 0, scale = 100000, n = 0;
        for (; take_digits(&text, 1, &digit); n++, scale /= 10)
            c.microsecond += digit * scale;
        if (!n) return false;
    }
    if (!instant_civil_is_valid(c)) return false;

    int64_t offset = 0;
    if (!take_char(&text, 'Z', 'z')) {
        bool west = text.len && text.ptr[0] == '-';
        if (!take_char(&text, '+', '-')) return false;
        if (!take_digits(&text, 2, &zone_hour) || !take_char(&text, ':', ':')) return false;
        if (!take_digits(&text, 2, &zone_minute) || zone_hour > 23 || zone_minute > 59)
            return false;
        offset = (int64_t)(zone_hour * 60 + zone_minute) * 60 * INSTANT_SECOND;
        if (west) offset = -offset;
    }
    if (text.len) return false;
    *out_us = instant_from_civil(c) - offset;
    return true;
}

str instant_text(char out[INSTANT_TEXT], int64_t instant_us)
{
    struct civil c = instant_to_civil(instant_us);
    int n = snprintf(out, INSTANT_TEXT, "%04d-%02u-%02uT%02u:%02u:%02u.%06uZ", (int)c.year,
                     (unsigned)c.month, (unsigned)c.day, (unsigned)c.hour, (unsigned)c.minute,
                     (unsigned)c.second, (unsigned)c.microsecond);
    return (str){out, n < INSTANT_TEXT ? (size_t)n : INSTANT_TEXT - 1};
}

void instant_print(struct buf *out, int64_t instant_us)
{
    char text[INSTANT_TEXT];
    buf_str(out, instant_text(text, instant_us));
}
