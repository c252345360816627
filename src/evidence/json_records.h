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
#include "evidence/observation.h"

/* object: from its '{' to its '}', not validated yet; valid until the callback returns. False: it
 * was not what it seemed: reported to the sink as a skip with err's text. */
typedef bool json_record_take(void *to, str object, uint64_t offset, struct err *err);

struct json_records; /* opaque */
struct json_records *json_records_open(struct arena *arena, const struct fact_sink *sink,
                                       json_record_take *take, void *to);
void json_records_feed(struct json_records *records, struct window window, size_t *consumed,
                       size_t *want);
/* The first object of a head shown to recognise(), or the part of it that is there (*whole false);
 * empty = the head is no such JSON. */
str json_records_peek(bytes head, struct arena *arena, bool *whole);

/* Scalars of an object by their path ("winlog.event_data.IpAddress"; a key that itself holds dots,
 * as in flattened ECS or Zeek's "id.orig_h", is the same path). values[i] is empty when the path is
 * absent or null; numbers as written, "true"/"false"; strings decoded (into arena if they hold
 * escapes). Of members with equal keys the last counts. Keys compare exactly, or without case.
 * fails: as json_scan_next */
struct json_paths; /* compiled once per reader; opaque */
struct json_paths *json_paths_of(struct arena *arena, const char *const *paths, size_t n,
                                 bool fold_case);
MUST_USE bool json_paths_read(const struct json_paths *paths, str object, uint64_t offset,
                              str *values, struct arena *arena, struct err *err);
