/* SPDX-License-Identifier: Apache-2.0 */
/* What entries and rules speak of, laid out for reason/cover: sets of addresses become classes of
 * rules/atoms, and pairs of one machine do not count.
 */
#pragma once

#include "reason/cover.h"
#include "reason/machines.h"
#include "rules/atoms.h"

struct region {
    struct prefix_set from, to;
    struct class_set slabs;  /* of what kind: numbers that the caller chose */
    bool is_fixed, is_apart; /* see cover_box */
};

/* The addresses of a class when all are of one machine; none for other classes. */
struct region_class {
    const struct addr *addrs;
    size_t n;
};

/* The boxes of regions, in their order. Stays where it is while `voids` is used. */
struct region_boxes {
    struct cover_box *boxes;
    size_t n;
    const struct atoms *atoms;
    const struct machine_index *machines;
    const struct region_class *classes;
    struct cover_void voids;
};

/* machines : NULL = pairs of one machine count, too */
void regions_lay(struct region_boxes *out, const struct region *regions, size_t n,
                 const struct machine_index *machines, struct arena *arena, struct arena scratch);

/* A pair of two machines that both speak of: the smallest server, then the smallest client. False
 * when there is none. */
bool regions_common(const struct machine_index *machines, const struct region *a,
                    const struct region *b, struct addr *client, struct addr *server,
                    struct arena scratch);
