/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of exceptions and their reviews as an iCalendar file (RFC 5545): what a calendar program
 * subscribes to, so that nobody learns of an end by what stops working.
 */
#pragma once

#include "report/register.h"

struct calendar {
    str organisation; /* empty = not said */
    str name;         /* of the calendar: unlike those of other workspaces */
    int64_t as_of_us; /* DTSTAMP */
    const struct exception_register *exceptions;
};

/* An event at the end and one at the next review of every exception that is in force or begins
 * later, each with alarms 7 days and 1 day before. The same exception keeps its UIDs for ever.
 * Lines end in CRLF and are folded at 75 octets, never inside a character.
 *
 * spec : RFC 5545 3.1 (folding), 3.3.11 (escapes), 3.6.1, 3.6.6, 3.8.4.7 */
void calendar_write(struct buf *out, const struct calendar *calendar, struct arena scratch);
