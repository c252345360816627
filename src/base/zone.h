/* SPDX-License-Identifier: Apache-2.0 */
/* Local time: a fixed offset ("+02:00", "UTC") or an IANA zone read from the system's TZif files
 * (RFC 8536), with the rules of its footer for later years.
 */
#pragma once

#include "base/instant.h"
#include "base/os.h"

struct zone; /* immutable */

/* name: "UTC", "+hh:mm", "-hh:mm" or an IANA name (letters, digits, '_', '-', '+', '/'; never a
 * path that leaves the zone directory). NULL and err when there is no such zone. */
const struct zone *zone_find(struct os *os, str name, struct arena *arena, struct err *err);
/* The instant of a local time. In a gap (spring) the offset before it holds; in an overlap (autumn)
 * the earlier instant. */
int64_t zone_to_utc(const struct zone *zone, struct civil local);
