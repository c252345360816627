/* SPDX-License-Identifier: Apache-2.0 */
/* The line of addresses is cut at every boundary of every set; then each set in turn splits the
 * classes of the intervals it covers (partition refinement, Paige and Tarjan 1987). Exact: no
 * signature is hashed, so no two different memberships can ever share a class.
 */
#include "rules/atoms.h"

#include "base/hash.h"

struct atoms {
    const struct addr *starts; /* of the intervals, ascending; the first is :: */
    const uint32_t *class_of;  /* per interval; neighbours differ */
    size_t n;
    const uint32_t *first;     /* per class: its first interval */
    const uint32_t *intervals; /* how many intervals a class has */
    uint32_t n_classes;
};

static int addr_order(const void *left, const void *right)
{
    const struct addr *a = left, *b = right;
    return addr_compare(*a, *b);
}

/* Index of the interval that a lies in. */
static size_t find(const struct addr *starts, size_t n, struct addr a)
{
    size_t low = 0, high = n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(starts[middle], a) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Policies name the same set over and over (`any`, a segment): each counts once. */
static size_t distinct_sets(const struct prefix_set *sets, size_t n, struct prefix_set *out,
                            struct arena *scratch)
{
    size_t n_slots = 16, kept = 0;
    while (n_slots < 2 * n)
        n_slots *= 2;
    size_t *slots = arena_array(scratch, size_t, n_slots);
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = hash_u64(sets[i].n);
        for (size_t j = 0; j < sets[i].n; j++) {
            hash = hash_join(hash, addr_hash(sets[i].ranges[j].first));
            hash = hash_join(hash, addr_hash(sets[i].ranges[j].last));
        }
        size_t at = (size_t)hash & (n_slots - 1);
        while (slots[at] && !prefix_set_equal(out[slots[at] - 1], sets[i]))
            at = (at + 1) & (n_slots - 1);
        if (slots[at] || !sets[i].n) continue;
        out[kept++] = sets[i];
        slots[at] = kept;
    }
    return kept;
}

static size_t cut_line(const struct prefix_set *sets, size_t n_sets, struct addr **out,
                       struct arena *scratch)
{
    size_t most = 1, n = 0, kept = 1;
    for (size_t i = 0; i < n_sets; i++)
        most += 2 * sets[i].n;
    struct addr *cuts = arena_array(scratch, struct addr, most);
    cuts[n++] = addr_all.first;
    for (size_t i = 0; i < n_sets; i++)
        for (size_t j = 0; j < sets[i].n; j++) {
            struct range r = sets[i].ranges[j];
            cuts[n++] = r.first;
            if (!addr_equal(r.last, addr_all.last)) cuts[n++] = addr_next(r.last);
        }
    qsort(cuts, n, sizeof *cuts, addr_order);
    for (size_t i = 1; i < n; i++)
        if (!addr_equal(cuts[i], cuts[kept - 1])) cuts[kept++] = cuts[i];
    *out = cuts;
    return kept;
}

/* What refinement knows of a class: who moved out of it for the set at hand. */
struct splitting {
    uint32_t *class_of; /* per interval */
    uint32_t *split_by; /* set that last touched the class, plus one */
    uint32_t *moved_to; /* valid for that set */
    uint32_t n_classes;
};

static void split_by(struct splitting *s, size_t interval, uint32_t set_number)
{
    uint32_t old = s->class_of[interval];
    if (s->split_by[old] != set_number) {
        s->split_by[old] = set_number;
        s->moved_to[old] = s->n_classes++;
    }
    s->class_of[interval] = s->moved_to[old];
}

static void refine(struct splitting *s, const struct addr *starts, size_t n,
                   const struct prefix_set *sets, size_t n_sets)
{
    for (size_t i = 0; i < n_sets; i++)
        for (size_t j = 0; j < sets[i].n; j++) {
            struct range r = sets[i].ranges[j];
            for (size_t at = find(starts, n, r.first);
                 at < n && addr_compare(starts[at], r.last) <= 0; at++)
                split_by(s, at, (uint32_t)i + 1);
        }
}

/* Numbers the classes by their first interval and joins neighbours of one class. */
static void number(struct atoms *atoms, const struct addr *starts, const uint32_t *class_of,
                   size_t n, uint32_t most_classes, struct arena *arena, struct arena *scratch)
{
    uint32_t *renamed = arena_array(scratch, uint32_t, (size_t)most_classes + 1);
    struct addr *kept_starts = arena_array(arena, struct addr, n);
    uint32_t *kept_classes = arena_array(arena, uint32_t, n);
    uint32_t n_classes = 0;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t *name = &renamed[class_of[i]];
        if (!*name) *name = ++n_classes;
        if (kept && kept_classes[kept - 1] == *name - 1) continue;
        kept_starts[kept] = starts[i];
        kept_classes[kept++] = *name - 1;
    }
    uint32_t *first = arena_array(arena, uint32_t, n_classes);
    uint32_t *intervals = arena_array(arena, uint32_t, n_classes);
    for (size_t i = 0; i < kept; i++)
        if (!intervals[kept_classes[i]]++) first[kept_classes[i]] = (uint32_t)i;
    *atoms = (struct atoms){kept_starts, kept_classes, kept, first, intervals, n_classes};
}

struct atoms *atoms_build(const struct prefix_set *sets, size_t n_sets, struct arena *arena,
                          struct arena scratch)
{
    struct atoms *atoms = arena_new(arena, struct atoms);
    struct prefix_set *distinct = arena_array(&scratch, struct prefix_set, n_sets + 1);
    size_t n_distinct = distinct_sets(sets, n_sets, distinct, &scratch);
    struct addr *starts;
    size_t n = cut_line(distinct, n_distinct, &starts, &scratch);

    /* A set makes at most one class per class it meets and per interval it covers. */
    uint64_t most = 1;
    for (size_t i = 0; i < n_distinct; i++)
        for (size_t j = 0; j < distinct[i].n; j++) {
            struct range r = distinct[i].ranges[j];
            most += find(starts, n, r.last) - find(starts, n, r.first) + 1;
        }
    assert(n < UINT32_MAX && most < UINT32_MAX);
    struct splitting s = {
        .class_of = arena_array(&scratch, uint32_t, n),
        .split_by = arena_array(&scratch, uint32_t, (size_t)most),
        .moved_to = arena_array(&scratch, uint32_t, (size_t)most),
        .n_classes = 1,
    };
    refine(&s, starts, n, distinct, n_distinct);
    number(atoms, starts, s.class_of, n, s.n_classes, arena, &scratch);
    return atoms;
}

uint32_t atoms_class(const struct atoms *atoms, struct addr a)
{
    return atoms->class_of[find(atoms->starts, atoms->n, a)];
}

uint32_t atoms_count(const struct atoms *atoms)
{
    return atoms->n_classes;
}

struct addr atoms_witness(const struct atoms *atoms, uint32_t class_id)
{
    assert(class_id < atoms->n_classes);
    return atoms->starts[atoms->first[class_id]];
}

static struct addr interval_last(const struct atoms *atoms, size_t at)
{
    return at + 1 < atoms->n ? addr_previous(atoms->starts[at + 1]) : addr_all.last;
}

bool atoms_second_witness(const struct atoms *atoms, uint32_t class_id, struct addr not,
                          struct addr *out)
{
    assert(class_id < atoms->n_classes);
    for (size_t at = atoms->first[class_id]; at < atoms->n; at++) {
        if (atoms->class_of[at] != class_id) continue;
        struct addr a = atoms->starts[at];
        if (addr_equal(a, not )) {
            if (addr_equal(a, interval_last(atoms, at))) continue;
            a = addr_next(a);
        }
        *out = a;
        return true;
    }
    return false;
}

bool atoms_hold(const struct atoms *atoms, struct prefix_set set, struct arena scratch)
{
    uint32_t *inside = arena_array(&scratch, uint32_t, atoms->n_classes);
    for (size_t i = 0; i < set.n; i++) {
        size_t first = find(atoms->starts, atoms->n, set.ranges[i].first);
        size_t last = find(atoms->starts, atoms->n, set.ranges[i].last);
        if (!addr_equal(atoms->starts[first], set.ranges[i].first)) return false;
        if (!addr_equal(interval_last(atoms, last), set.ranges[i].last)) return false;
        for (size_t at = first; at <= last; at++)
            inside[atoms->class_of[at]]++;
    }
    /* The boundaries fit; now no class may be partly outside. */
    for (uint32_t i = 0; i < atoms->n_classes; i++)
        if (inside[i] && inside[i] != atoms->intervals[i]) return false;
    return true;
}

class_word *atoms_classes(const struct atoms *atoms, struct prefix_set set, struct arena *arena)
{
    class_word *classes = class_set_new(arena, atoms->n_classes);
    for (size_t i = 0; i < set.n; i++)
        for (size_t at = find(atoms->starts, atoms->n, set.ranges[i].first);
             at < atoms->n && addr_compare(atoms->starts[at], set.ranges[i].last) <= 0; at++)
            class_set_add(classes, atoms->class_of[at]);
    return classes;
}

struct prefix_set atoms_addresses(const struct atoms *atoms, const class_word *classes,
                                  struct arena *arena)
{
    struct range *ranges = NULL;
    size_t n = 0, room = 0;
    for (size_t at = 0; at < atoms->n; at++) {
        if (!class_set_has(classes, atoms->class_of[at])) continue;
        struct addr last = interval_last(atoms, at);
        /* Intervals are in order; neighbours of the set become one range. */
        if (n && at && class_set_has(classes, atoms->class_of[at - 1])) {
            ranges[n - 1].last = last;
            continue;
        }
        arena_grow(arena, ranges, n, room);
        ranges[n++] = (struct range){atoms->starts[at], last};
    }
    return (struct prefix_set){ranges, n};
}
