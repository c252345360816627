/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time: microseconds since 1970-01-01T00:00:00 UTC as int64_t (`_us`), civil dates in the
 * proleptic Gregorian calendar, RFC 3339 text. No leap seconds, no OS calls.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#define INSTANT_SECOND INT64_C(1000000)
#define INSTANT_DAY    (INT64_C(86400) * INSTANT_SECOND)

struct civil {
    int32_t year;                 /* 1..9999 */
    uint8_t month, day;           /* from 1 */
    uint8_t hour, minute, second; /* second 60 is refused by parsers */
    uint32_t microsecond;
};

int64_t instant_from_civil(struct civil c);
struct civil instant_to_civil(int64_t instant_us);
/* Days since 1970-01-01, rounded down; also before the epoch. */
int32_t instant_day(int64_t instant_us);
bool instant_civil_is_valid(struct civil c);

/* "YYYY-MM-DD"; false when it is not a date of the calendar. */
MUST_USE bool instant_parse_date(str text, struct civil *out);
/* "YYYY-MM-DDThh:mm:ss[.fraction](Z|+hh:mm|-hh:mm)"; a blank may stand for T. Digits of the
 * fraction past microseconds are cut. */
MUST_USE bool instant_parse(str text, int64_t *out_us);
/* "2026-11-02T08:14:03.120331Z", always six digits. */
enum { INSTANT_TEXT = 32 };
str instant_text(char out[INSTANT_TEXT], int64_t instant_us);
void instant_print(struct buf *out, int64_t instant_us);
