/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/syslog_line.h"

#include "base/test.h"

/* 2026-11-22T00:00:00Z */
static const int64_t now_us = INT64_C(1795305600) * INSTANT_SECOND;

static const struct {
    const char *line, *host, *message;
    enum syslog_time kind;
    const char *at; /* NULL: none */
} rows[] = {
#define LINE(text, named, said, time_kind, when)                                                   \
    {                                                                                              \
        .line = (text), .host = (named), .message = (said), .kind = (time_kind), .at = (when),     \
    }
    LINE("<34>1 2026-11-02T08:14:03.5+01:00 gw app 1 ID [a b=\"c\\\"]\"][d] \xEF\xBB\xBFhello",
         "gw", "hello", SYSLOG_INSTANT, "2026-11-02T07:14:03.500000Z"),
    LINE("<34>1 - - - - - - hello", "", "hello", SYSLOG_NO_TIME, NULL),
    LINE("<34>1 2026-11-02T08:14:03Z gw kernel - - - [1.5] hello", "gw", "hello", SYSLOG_INSTANT,
         "2026-11-02T08:14:03.000000Z"),
    LINE("<34>1 nonsense", "", "1 nonsense", SYSLOG_NO_TIME, NULL),
    LINE("<34>Nov  2 08:14:03 gw app[1]: hello", "gw", "app[1]: hello", SYSLOG_LOCAL,
         "2026-11-02T08:14:03.000000Z"),
    LINE("Nov 02 08:14:03.25 10.0.0.1 hello", "10.0.0.1", "hello", SYSLOG_LOCAL,
         "2026-11-02T08:14:03.250000Z"),
    LINE("Nov  2 2026 08:14:03 2001:db8::1 hello", "2001:db8::1", "hello", SYSLOG_LOCAL,
         "2026-11-02T08:14:03.000000Z"),
    LINE("Mon Nov  2 08:14:03 2026 gw hello", "gw", "hello", SYSLOG_LOCAL,
         "2026-11-02T08:14:03.000000Z"),
    LINE("Nov  2 08:14:03 UTC: %ASA-1-1: x", "", "%ASA-1-1: x", SYSLOG_INSTANT,
         "2026-11-02T08:14:03.000000Z"),
    LINE("*Nov  2 08:14:03.100 CEST: %SYS-5: x", "", "%SYS-5: x", SYSLOG_LOCAL,
         "2026-11-02T08:14:03.100000Z"),
    LINE("Nov  2 08:14:03 fw : %ASA-1-1: x", "fw", "%ASA-1-1: x", SYSLOG_LOCAL,
         "2026-11-02T08:14:03.000000Z"),
    LINE("Nov  2 08:14:03 fw: %ASA-1-1: x", "fw", "%ASA-1-1: x", SYSLOG_LOCAL,
         "2026-11-02T08:14:03.000000Z"),
    LINE("Nov  2 08:14:03 DENY: IN=", "", "DENY: IN=", SYSLOG_LOCAL, "2026-11-02T08:14:03.000000Z"),
    LINE("Nov  2 08:14:03 gw user.info kernel: x", "gw", "x", SYSLOG_LOCAL,
         "2026-11-02T08:14:03.000000Z"),
    LINE("Nov  2 09:00:00 relay Nov 02 2026 08:14:03: x", "relay", "x", SYSLOG_LOCAL,
         "2026-11-02T08:14:03.000000Z"),
    LINE("2026-11-02T08:14:03,668706+00:00 DROP A IN=", "", "DROP A IN=", SYSLOG_INSTANT,
         "2026-11-02T08:14:03.668706Z"),
    LINE("2026-11-02T08:14:03-0330 gw x", "gw", "x", SYSLOG_INSTANT, "2026-11-02T11:44:03.000000Z"),
    LINE("Mon 2026-11-02 08:14:03 UTC gw kernel: x", "gw", "x", SYSLOG_INSTANT,
         "2026-11-02T08:14:03.000000Z"),
    LINE("2026/11/02 08:14:03 gw x", "gw", "x", SYSLOG_LOCAL, "2026-11-02T08:14:03.000000Z"),
    LINE("[29643.000001] x", "", "x", SYSLOG_UPTIME, "1970-01-01T08:14:03.000001Z"),
    LINE("[   12.5] gw kernel: x", "gw", "x", SYSLOG_UPTIME, "1970-01-01T00:00:12.500000Z"),
    LINE("[Mon Nov  2 08:14:03 2026] x", "", "x", SYSLOG_LOCAL, "2026-11-02T08:14:03.000000Z"),
    LINE("1793607243.25 gw x", "gw", "x", SYSLOG_INSTANT, "2026-11-02T08:14:03.250000Z"),
    LINE("Nov 23 08:14:03 gw x", "gw", "x", SYSLOG_LOCAL, "2025-11-23T08:14:03.000000Z"),
    LINE("Nov 31 08:14:03 gw x", "", "Nov 31 08:14:03 gw x", SYSLOG_NO_TIME, NULL),
    LINE("2026-13-02T08:14:03Z gw x", "", "2026-13-02T08:14:03Z gw x", SYSLOG_NO_TIME, NULL),
    LINE("1793607243abc x", "", "1793607243abc x", SYSLOG_NO_TIME, NULL),
    LINE("<999999>x", "", "<999999>x", SYSLOG_NO_TIME, NULL),
    LINE("hello", "", "hello", SYSLOG_NO_TIME, NULL),
    LINE("", "", "", SYSLOG_NO_TIME, NULL),
#undef LINE
};

static void lines_are_cut(void **state)
{
    struct syslog_clock clock = {.now_us = now_us};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct syslog_line line;
        char at[INSTANT_TEXT];
        str text = str_of(rows[i].line);
        syslog_line_read(&clock, text, &line);
        str when = line.kind == SYSLOG_NO_TIME ? (str){0} : instant_text(at, line.at_us);
        if (line.kind != rows[i].kind || !str_equal(when, str_of(rows[i].at)) ||
            !str_equal(line.host, str_of(rows[i].host)) ||
            !str_equal(line.message, str_of(rows[i].message)))
            fail_msg("%s: %d \"%.*s\" \"%.*s\" \"%.*s\"", rows[i].line, (int)line.kind,
                     STR_ARG(when), STR_ARG(line.host), STR_ARG(line.message));
        for (size_t n = 0; n < text.len; n++)
            syslog_line_read(&clock, str_head(text, n), &line);
    }
}

static const struct {
    const char *text, *at; /* NULL: it is no time */
} times[] = {
    {"1793607243",                   "2026-11-02T08:14:03.000000Z"},
    {"1793607243.5",                 "2026-11-02T08:14:03.500000Z"},
    {"1793607243123",                "2026-11-02T08:14:03.123000Z"},
    {"1793607243123456",             "2026-11-02T08:14:03.123456Z"},
    {"1793607243123456789",          "2026-11-02T08:14:03.123456Z"},
    {" 2026-11-02 08:14:03 ",        "2026-11-02T08:14:03.000000Z"},
    {"2026-11-02 09:14:03+01:00",    "2026-11-02T08:14:03.000000Z"},
    {"Nov 02 2026 08:14:03.123 GMT", "2026-11-02T08:14:03.123000Z"},
    {"2026-11-02",                   NULL                         },
    {"02/11/2026 08:14:03",          NULL                         },
    {"2026-11-02 08:14:60",          NULL                         },
    {"2026-11-02 08:14:03 x",        NULL                         },
    {"99999999999999999999",         NULL                         },
    {"9999999999999999999",          NULL                         },
    {"",                             NULL                         },
};

static void times_are_read(void **state)
{
    struct syslog_clock clock = {.now_us = now_us};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        enum syslog_time kind;
        int64_t at_us = 0;
        char at[INSTANT_TEXT];
        bool good = syslog_line_time(&clock, str_of(times[i].text), &kind, &at_us);
        if (good != !!times[i].at) fail_msg("%s", times[i].text);
        if (good && !str_equal(instant_text(at, at_us), str_of(times[i].at)))
            fail_msg("%s: %s", times[i].text, at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_cut),
        cmocka_unit_test(times_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
