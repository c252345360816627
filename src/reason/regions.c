/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/regions.h"

#include "base/map.h"

/* Entries name the same sets over and over: the classes of each are looked up once. */
struct known_sets {
    struct map map; /* ranges to index */
    struct class_set *classes;
    size_t n, room;
};

static struct class_set classes_of(struct known_sets *known, const struct atoms *atoms,
                                   struct prefix_set set, struct arena *arena,
                                   struct arena *scratch)
{
    bool is_new;
    str key = {(const char *)set.ranges, set.n * sizeof *set.ranges};
    if (!set.n) return (struct class_set){0};
    size_t at = (size_t)*map_put(&known->map, scratch, key, known->n, &is_new);
    if (!is_new) return known->classes[at];
    arena_grow(scratch, known->classes, known->n, known->room);
    return known->classes[known->n++] = atoms_classes(atoms, set, arena);
}

/* A class of several addresses can be one machine's only when the policy names that machine. */
static struct region_class one_machine(const struct atoms *atoms, uint32_t class_id,
                                       const struct machine_index *machines, struct arena *arena,
                                       struct arena scratch)
{
    struct region_class out = {0};
    struct addr first = atoms_witness(atoms, class_id), other;
    size_t n = 1;
    struct prefix_set all = {0};
    if (atoms_second_witness(atoms, class_id, first, &other)) {
        if (!machines_same(machines, first, other)) return out;
        all = atoms_addresses(atoms, class_set_one(&scratch, class_id), &scratch);
        if (prefix_set_size(all) > machines->most) return out;
        n = (size_t)prefix_set_size(all);
    }
    struct addr *addrs = arena_array(arena, struct addr, n);
    addrs[out.n++] = first;
    for (size_t i = 0; i < all.n; i++)
        for (struct addr a = all.ranges[i].first;; a = addr_next(a)) {
            if (!machines_same(machines, first, a)) return (struct region_class){0};
            if (!addr_equal(a, first)) addrs[out.n++] = a;
            if (addr_equal(a, all.ranges[i].last)) break;
        }
    out.addrs = addrs;
    return out;
}

static bool classes_are_void(const struct region_boxes *laid, uint32_t from, uint32_t to)
{
    const struct region_class *clients = &laid->classes[from], *servers = &laid->classes[to];
    if (!clients->n || !servers->n) return false;
    for (size_t i = 0; i < clients->n; i++)
        for (size_t j = 0; j < servers->n; j++)
            if (!machines_same(laid->machines, clients->addrs[i], servers->addrs[j])) return false;
    return true;
}

/* Asks no further than the first pair of two machines, which is nearly always the first. */
static bool block_is_void(void *to, struct class_run from_block, struct class_run to_block)
{
    const struct region_boxes *laid = to;
    for (uint32_t f = from_block.first; f <= from_block.last; f++)
        for (uint32_t t = to_block.first; t <= to_block.last; t++)
            if (!classes_are_void(laid, f, t)) return false;
    return true;
}

void regions_lay(struct region_boxes *out, const struct region *regions, size_t n,
                 const struct machine_index *machines, struct arena *arena, struct arena scratch)
{
    struct known_sets known = {0};
    struct prefix_set *sets = arena_array(&scratch, struct prefix_set, 2 * n);
    for (size_t i = 0; i < n; i++) {
        sets[2 * i] = regions[i].from;
        sets[2 * i + 1] = regions[i].to;
    }
    *out = (struct region_boxes){
        .boxes = arena_array(arena, struct cover_box, n),
        .n = n,
        .atoms = atoms_build(sets, 2 * n, arena, scratch),
        .machines = machines,
        .voids = {out, block_is_void},
    };
    for (size_t i = 0; i < n; i++)
        out->boxes[i] = (struct cover_box){
            .from = classes_of(&known, out->atoms, regions[i].from, arena, &scratch),
            .to = classes_of(&known, out->atoms, regions[i].to, arena, &scratch),
            .slabs = regions[i].slabs,
            .is_fixed = regions[i].is_fixed,
            .is_apart = regions[i].is_apart,
        };
    if (!machines) return;
    uint32_t n_classes = atoms_count(out->atoms);
    struct region_class *classes = arena_array(arena, struct region_class, n_classes);
    for (uint32_t c = 0; c < n_classes; c++)
        classes[c] = one_machine(out->atoms, c, machines, arena, scratch);
    out->classes = classes;
}

bool regions_common(const struct machine_index *machines, const struct region *a,
                    const struct region *b, struct addr *client, struct addr *server,
                    struct arena scratch)
{
    if (!class_set_overlaps(a->slabs, b->slabs)) return false;
    struct prefix_set from = prefix_set_intersect(&scratch, a->from, b->from);
    struct prefix_set to = prefix_set_intersect(&scratch, a->to, b->to);
    return machines_pair(machines, from, to, client, server, scratch);
}
