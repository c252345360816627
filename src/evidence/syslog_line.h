/* SPDX-License-Identifier: Apache-2.0 */
/* The front of a line of a text log, whoever wrote it: RFC 5424, RFC 3164 and what is sent in its
 * name (years, zones, ISO times, no host, a colon where none belongs), dmesg, journalctl, or no
 * header at all. What stands behind it is the message.
 */
#pragma once

#include "base/zone.h"

/* How far a time can be believed. */
enum syslog_time {
    SYSLOG_NO_TIME, /* the line has none */
    SYSLOG_INSTANT, /* its distance to UTC is known */
    SYSLOG_LOCAL,   /* local time without a zone, taken as UTC */
    SYSLOG_UPTIME,  /* since the boot of the host, from 1970 */
};

/* What one source's times are read with, and the last one read: many lines share their second. */
struct syslog_clock {
    const struct zone *zone; /* NULL = not given */
    int64_t now_us;          /* for years that are not written */
    char last[40];
    size_t last_len; /* 0 = none */
    enum syslog_time last_kind;
    int64_t last_us;
};

struct syslog_line {
    enum syslog_time kind;
    int64_t at_us; /* 0 without a time */
    str host;      /* empty = not said */
    str message;   /* behind the header; of the kernel: behind "kernel: [12345.6]" */
};

void syslog_line_read(struct syslog_clock *clock, str text, struct syslog_line *out);

/* One time as text, in any of the forms that headers and fields of such logs have: "Nov  2
 * 08:14:03", "Nov 02 2026 08:14:03.123 UTC", "2026-11-02T08:14:03,123+01:00", "2026/11/02
 * 08:14:03", seconds, milli-, micro- or nanoseconds since 1970. False: it is none of these. */
MUST_USE bool syslog_line_time(struct syslog_clock *clock, str text, enum syslog_time *kind,
                               int64_t *out_us);
/* A local time of that clock's zone. */
int64_t syslog_line_local(const struct syslog_clock *clock, struct civil civil,
                          enum syslog_time *kind);
