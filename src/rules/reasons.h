/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines of the policy approve some peer of an address: the *why* of a rule. */
#pragma once

#include "rules/decision.h"

enum { REASONS_NAMED = 8 };

/* For some classes of addresses, the first lines that approve something of each. */
struct reasons {
    const uint32_t *start, *items; /* entries, then perimeter entries */
    const uint32_t *total;         /* also those that are not named */
};

/* The classes that each entry, then each perimeter entry, speaks of at the end of the host that
 * enforces. */
const struct class_set *reasons_ends(const struct decision *decision, enum direction direction,
                                     struct arena *arena, struct arena scratch);

/* classes : ascending
 * ends : of the same direction
 * plain : entries that approve in clear; else those that want authentication */
struct reasons reasons_of(const struct decision *decision, const struct class_set *ends,
                          const uint32_t *classes, size_t n, int service, enum direction direction,
                          bool plain, struct arena *arena, struct arena scratch);

/* "policy.yaml:14 departmental shares; policy.yaml:20; and 3 more"; empty = none.
 * index : of the class among those given */
str reasons_text(const struct decision *decision, const struct reasons *reasons, size_t index,
                 struct arena *arena);
