/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars of a JSON object by their path: "winlog.event_data.IpAddress". A key that itself holds
 * dots, as in flattened ECS or Zeek's "id.orig_h", is the same path. All paths of a reader are
 * compiled once, so that one walk over an object fills all values; members that nobody asked for
 * are stepped over by their brackets and quotes.
 *
 * What is wanted is read strictly, as base/json_scan reads it. Inside what is stepped over,
 * brackets must match and strings must end; other damage in there is not looked for.
 */
#pragma once

#include "base/err.h"

struct json_paths; /* compiled; opaque */

/* At most UINT16_MAX paths, each without empty parts. Keys compare exactly, or without case. */
struct json_paths *json_paths_of(struct arena *arena, const char *const *paths, size_t n,
                                 bool fold_case);
/* values[i] is empty when the path is absent, null or no scalar; a number as written; "true" or
 * "false"; a string decoded (into arena if it holds escapes; invalid UTF-8 becomes U+FFFD). Of
 * members with equal keys the last counts. The first ten
 * elements of an array are keys from 0 to 9: "interfaces.0.uuid".
 *
 * object : one object from its '{' to its '}', blanks around it
 * offset : of its first byte in the source, for errors
 * values : as many as there are paths; what stands in them after a failure means nothing
 * fails  : MALFORMED, TRUNCATED (the text ends inside), LIMIT (nesting) */
MUST_USE bool json_paths_read(const struct json_paths *paths, str object, uint64_t offset,
                              str *values, struct arena *arena, struct err *err);
