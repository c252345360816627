/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/log_time.h"

enum { SECONDS = 19 /* "2020-09-13T12:26:40" */, LONGEST = 40 };

bool log_time_parse(str text, const struct zone *zone, int64_t *out_us, bool *is_assumed)
{
    char whole[LONGEST];
    size_t n = text.len;
    if (instant_parse(text, out_us)) return true;
    if (n < SECONDS || n > LONGEST - 2) return false;
    memcpy(whole, text.ptr, n);
    if (n > SECONDS + 4 && (whole[n - 5] == '+' || whole[n - 5] == '-')) {
        memcpy(whole + n - 2, ":", 1);
        memcpy(whole + n - 1, text.ptr + n - 2, 2);
        return instant_parse((str){whole, n + 1}, out_us);
    }
    whole[n] = 'Z';
    if (!instant_parse((str){whole, n + 1}, out_us)) return false;
    if (zone)
        *out_us = zone_to_utc(zone, instant_to_civil(*out_us));
    else
        *is_assumed = true;
    return true;
}
