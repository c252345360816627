/* SPDX-License-Identifier: Apache-2.0 */
/* Differences (reason/diff) for people and programs: in the words of a policy, with the line or
 * rule of either side that decides. */
#pragma once

#include "cli/comparing.h"

/* "policy.yaml:13 shares", "live.nft blocks it, rule ...": what decides a region's smallest pair.
 */
str difference_why(const struct enforcement *e, const struct diff_region *r, struct arena *arena);
bool difference_any_at(const struct diff *diff, enum enforcement_point point);
/* A heading and the regions at that point, the first of them; nothing when there is none. */
void difference_print(struct invocation *call, const struct comparing_part *part,
                      enum enforcement_point point);
/* One region, an object. */
void difference_json(struct json *json, struct invocation *call, const struct comparing_part *part,
                     const struct diff_region *r);
/* A row per region of all parts. */
void difference_csv(struct invocation *call, const struct comparing_part *parts, size_t n);
