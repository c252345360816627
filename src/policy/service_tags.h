/* SPDX-License-Identifier: Apache-2.0 */
/* The ranges of a cloud's services, from the files that clouds publish:
 *
 * Azure service tags, each week (about 4 MB, some 2,500 tags):
 *   {"values": [{"name": "Storage.WestEurope",
 *                "properties": {"addressPrefixes": ["13.69.40.0/21", "2603:1020:206::/48"]}}]}
 * AWS ip-ranges.json, several times a week (about 2 MB, some 10,000 prefixes); a tag is a service,
 * or a service in a region: "S3", "S3.eu-west-1":
 *   {"createDate": "2026-11-02-08-14-03", "prefixes": [{"ip_prefix": "3.5.140.0/22",
 *    "region": "eu-west-1", "service": "S3"}], "ipv6_prefixes": [{"ipv6_prefix": ...}]}
 */
#pragma once

#include "base/err.h"
#include "base/prefix_set.h"

#define SERVICE_TAGS_NO_DATE INT64_MIN

/* The whole file must be well-formed, also behind the tag. Names are compared without regard to
 * case; further keys are passed over.
 *
 * out : set on success
 * published_us : midnight of the day the file names as its own, or SERVICE_TAGS_NO_DATE; set on
 *                success, and when there is no such tag
 * fails : MALFORMED, TRUNCATED (the JSON, or of neither form), NOT_FOUND (no such tag) */
MUST_USE bool service_tags_find(str file, str tag, struct arena *arena, struct prefix_set *out,
                                int64_t *published_us, struct err *err);
