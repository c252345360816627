/* SPDX-License-Identifier: Apache-2.0 */
/* The prefixes of a service tag in a file of Azure service tags, as Microsoft publishes it each
 * week (about 4 MB, some 2,500 tags):
 *   {"values": [{"name": "Storage.WestEurope",
 *                "properties": {"addressPrefixes": ["13.69.40.0/21", "2603:1020:206::/48"]}}]}
 */
#pragma once

#include "base/err.h"
#include "base/prefix_set.h"

/* The whole file must be well-formed, also behind the tag. Names are compared without regard to
 * case; further keys are passed over.
 *
 * out : set on success
 * fails : MALFORMED, TRUNCATED (the JSON, or not of that form), NOT_FOUND (no such tag) */
MUST_USE bool service_tags_find(str file, str tag, struct arena *arena, struct prefix_set *out,
                                struct err *err);
