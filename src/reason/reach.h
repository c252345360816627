/* SPDX-License-Identifier: Apache-2.0 */
/* Which flows an allow entry can match at all, and what it is called in a sentence. */
#pragma once

#include "policy/resolve.h"

struct reach {
    struct prefix_set from, to;
};

/* Without what is excepted; an end at the internet only by that word, a local end never. */
struct reach reach_of_entry(const struct resolved *resolved, const struct resolved_entry *e,
                            struct arena *arena);
/* What of some clients and servers an entry's words can speak of: the same two limits. */
struct reach reach_within(const struct resolved *resolved, const struct resolved_entry *e,
                          struct prefix_set from, struct prefix_set to, struct arena *arena);

/* Passes only once both ends have authenticated. */
bool reach_is_secure(const struct resolved_entry *e);

/* `the entry "departmental shares"`, `the entry of line 26`, `the exception EX-7 of alice until
 * 2026-10-01` */
str reach_label(struct arena *arena, const struct resolved_entry *e);
