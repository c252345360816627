/* SPDX-License-Identifier: Apache-2.0 */
/* Exact sets of addresses in a policy's own words: "clients", "servers except file-servers",
 * "10.10.7.0/24". What is said is always exactly the set, never more and never less.
 */
#pragma once

#include "policy/resolve.h"

struct set_words {
    const str *items; /* their union is the set; an item may be "NAME except ITEM ITEM" */
    size_t n;
};

struct set_words set_words_of(const struct resolved *resolved, struct prefix_set set,
                              struct arena *arena, struct arena scratch);
/* "a, b, c and 17 more"; most 0 = all. */
str set_words_text(const struct set_words *words, size_t most, struct arena *arena);
/* "10.0.0.0/24", or "10.0.0.3-10.0.0.9" where a range is no prefix. */
str set_words_range(struct range range, struct arena *arena);
