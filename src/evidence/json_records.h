/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of bytes to JSON objects, for readers of logs in JSON, whatever stands around them: one
 * object a line, objects one after another (also printed over many lines), an array of objects, an
 * object with one array of them ({"records":[...]}, {"Records":[...]}). UTF-16 with a byte order
 * mark is decoded. Damage is reported to the sink and reading goes on at the next line that begins
 * an object. An object over LIMIT_RECORD_BYTES is stepped over and reported.
 */
#pragma once

#include "base/input.h"
#include "base/json_scan.h"
#include "evidence/json_paths.h"
#include "evidence/observation.h"

/* object: from its '{' to its '}', not validated yet; valid until the callback returns. False: it
 * was not what it seemed: reported to the sink as a skip with err's text. It may then be shown
 * again in other pieces (two objects on one line), so whoever says false has told nothing yet. */
typedef bool json_record_take(void *to, str object, uint64_t offset, struct err *err);

struct json_records; /* opaque */
struct json_records *json_records_open(struct arena *arena, const struct fact_sink *sink,
                                       json_record_take *take, void *to);
void json_records_feed(struct json_records *records, struct window window, size_t *consumed,
                       size_t *want);
/* The first object of a head shown to recognise(), or the part of it that is there (*whole false);
 * empty = the head is no such JSON. */
str json_records_peek(bytes head, struct arena *arena, bool *whole);

/* ---- For struct reader_splits: one object a line. */

/* Begins with a line that is one object and no wrapper, and not in UTF-16. */
bool json_records_may_split(bytes head);
/* Behind the last line that is one object and no wrapper, and before one that begins so; 0 = there
 * is none. */
size_t json_records_last(bytes data);
/* Begins behind such a line. */
void json_records_adopt(struct json_records *records);
