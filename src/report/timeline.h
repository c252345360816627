/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an exception as a bar on a calendar of months, small enough for a cell of a table;
 * all bars of a report have one scale: from five weeks before its time to fourteen weeks after.
 */
#pragma once

#include "base/buf.h"
#include "report/register.h"

enum { TIMELINE_DAYS_BEFORE = 35, TIMELINE_DAYS_AFTER = 98 };

/* Markup: an SVG that fills its cell. Its words say the same for who can't see it. */
str timeline_row(const struct register_row *row, int64_t as_of_us, struct arena *arena);
/* The scale with the names of its months, and what the signs mean. */
void timeline_key(struct buf *out, int64_t as_of_us);
