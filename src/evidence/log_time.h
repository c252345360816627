/* SPDX-License-Identifier: Apache-2.0 */
/* Times as logs write them: RFC 3339 text, also with an offset without its colon ("+0000"), also
 * without any offset: local time then.
 */
#pragma once

#include "base/zone.h"

/* zone: of times without an offset; NULL = not given: UTC, and *is_assumed becomes true (it is not
 * touched otherwise). False when the text is no such time. */
MUST_USE bool log_time_parse(str text, const struct zone *zone, int64_t *out_us, bool *is_assumed);
