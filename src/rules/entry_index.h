/* SPDX-License-Identifier: Apache-2.0 */
/* Which entries speak of an address at one end, without asking each: for many questions why, put to
 * a policy of many entries and exceptions.
 */
#pragma once

#include "policy/resolve.h"

struct entry_index;

/* A few bytes for every boundary of the entries' sets. */
const struct entry_index *entry_index_of(const struct resolved *resolved, struct arena *arena,
                                         struct arena scratch);

/* Entries in their order: two ascending lists that share no number. */
struct entry_walk {
    const uint32_t *narrow, *wide;
    size_t n_narrow, n_wide;
};

/* Entries that name the address at that end, and some that do not: those of many addresses apart,
 * and those with members whom nobody knows. */
struct entry_walk entry_index_at(const struct entry_index *index, enum resolve_end end,
                                 struct addr a);
/* The walk's next entry; SIZE_MAX at the end. */
size_t entry_walk_next(struct entry_walk *walk);
