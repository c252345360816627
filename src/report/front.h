/* SPDX-License-Identifier: Apache-2.0 */
/* The first page of every report and the parts that several have: what it is based on before any
 * conclusion, the grade with its formula, three sentences, the trend, what to do next, what
 * changed.
 */
#pragma once

#include "report/report.h"

void front_heading(struct buf *out, str text);
void front_paragraph(struct buf *out, const char *kind, str text);
/* Name, logo, date, title. */
void front_head(struct buf *out, const struct report *report, struct arena scratch);
/* What the evidence covers, and how much of the network shows nothing. */
void front_coverage(struct buf *out, const struct report *report, struct arena scratch);
void front_grade(struct buf *out, const struct report *report, struct arena scratch);
/* The score over time, when there is a report before. */
void front_trend(struct buf *out, const struct report *report, struct arena scratch);
/* Three, with the trend beside them. */
void front_sentences(struct buf *out, const struct report *report, struct arena scratch);
/* most : how many; the rest are counted and pointed to */
void front_actions(struct buf *out, const struct report *report, size_t most);
void front_changes(struct buf *out, const struct report *report, struct arena scratch);
/* Loud, and only when break-glass is in force or an ended exception still passes. */
void front_alarms(struct buf *out, const struct report *report, struct arena scratch);
/* One of the report's tables with a heading; nothing when it has none of that name, or no rows. */
void front_table(struct buf *out, const struct report *report, str heading, str name);
/* Tables of exceptions, with the key of their calendar. */
void front_exceptions(struct buf *out, const struct report *report, str heading);
void front_tiles(struct buf *out, const struct report *report);
void front_foot(struct buf *out, const struct report *report);
