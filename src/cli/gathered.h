/* SPDX-License-Identifier: Apache-2.0 */
/* What a source came to: the sum of its parcels, taken in their order. Here hosts get the numbers
 * that hold for the whole source, whichever parcel named them first.
 */
#pragma once

#include "cli/gather.h"

struct gathered_part {
    str origin; /* as the records name it; empty: [0], what no record says of itself */
    uint64_t records, facts;
    bool has_times;
    int64_t from_us, to_us;
    /* The host's own addresses, the first LIMIT_LOCAL_ADDRESSES that were met. */
    struct addr *locals;
    size_t n_locals, locals_room;
    struct gather_unplaced *unplaced;
    size_t n_unplaced, unplaced_room;
};

struct gathered {
    struct arena *arena; /* owns all of it */
    struct gathered_part *parts;
    size_t n_parts, room;
    struct map origins; /* lower case -> part */
    uint32_t part;      /* named last */
    bool has_homeless;  /* of more hosts than are told apart */
    struct skip skips[LIMIT_SKIPS_LISTED + 1];
    uint64_t n_skips, first_unlisted;
};

struct gathered *gathered_new(struct arena *arena);
/* Afterwards batch.part and the like are indices into parts. */
void gathered_add(struct gathered *gathered, struct parcel *parcel);
/* Those that are listed, and a last one that says how many are not. */
size_t gathered_skips(struct gathered *gathered);
/* Sorted, in the arena. */
struct addr *gathered_locals(const struct gathered *gathered, size_t part, struct arena *arena);
