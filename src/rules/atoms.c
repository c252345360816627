/* SPDX-License-Identifier: Apache-2.0 */
/* The line of addresses is cut at every boundary of every set; then each set in turn splits the
 * classes of the intervals it covers (partition refinement, Paige and Tarjan 1987). Exact: no
 * signature is hashed, so no two different memberships can ever share a class.
 */
#include "rules/atoms.h"

#include "base/hash.h"
#include "rules/address_table.h"

struct atoms {
    const struct addr *starts; /* of the intervals, ascending; the first is :: */
    const uint32_t *class_of;  /* per interval; neighbours differ */
    size_t n;
    /* The intervals of class c, ascending: intervals[from[c]] up to intervals[from[c + 1]]. */
    const uint32_t *from, *intervals;
    const struct address_table *table;
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
    uint32_t *from = arena_array(arena, uint32_t, (size_t)n_classes + 2);
    uint32_t *intervals = arena_array(arena, uint32_t, kept);
    /* Counted two places on, filled one place on: then each class begins where it should. */
    for (size_t i = 0; i < kept; i++)
        from[kept_classes[i] + 2]++;
    for (size_t c = 2; c <= n_classes; c++)
        from[c + 1] += from[c];
    for (size_t i = 0; i < kept; i++)
        intervals[from[kept_classes[i] + 1]++] = (uint32_t)i;
    *atoms = (struct atoms){
        .starts = kept_starts,
        .class_of = kept_classes,
        .n = kept,
        .from = from,
        .intervals = intervals,
        .table = address_table_build(kept_starts, kept_classes, kept, arena),
        .n_classes = n_classes,
    };
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
    return address_table_find(atoms->table, a);
}

void atoms_class_many(const struct atoms *atoms, const struct addr *addrs, size_t n, uint32_t *out)
{
    address_table_find_many(atoms->table, addrs, n, out);
}

uint32_t atoms_count(const struct atoms *atoms)
{
    return atoms->n_classes;
}

struct addr atoms_witness(const struct atoms *atoms, uint32_t class_id)
{
    assert(class_id < atoms->n_classes);
    return atoms->starts[atoms->intervals[atoms->from[class_id]]];
}

static struct addr interval_last(const struct atoms *atoms, size_t at)
{
    return at + 1 < atoms->n ? addr_previous(atoms->starts[at + 1]) : addr_all.last;
}

bool atoms_second_witness(const struct atoms *atoms, uint32_t class_id, struct addr not,
                          struct addr *out)
{
    assert(class_id < atoms->n_classes);
    for (uint32_t i = atoms->from[class_id]; i < atoms->from[class_id + 1]; i++) {
        size_t at = atoms->intervals[i];
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

uint32_t atoms_stretch(const struct atoms *atoms, struct addr a, struct addr *last)
{
    size_t at = find(atoms->starts, atoms->n, a);
    *last = interval_last(atoms, at);
    return atoms->class_of[at];
}

/* The intervals of a range: first up to and with last. */
static void intervals_of(const struct atoms *atoms, struct range r, size_t *first, size_t *last)
{
    *first = find(atoms->starts, atoms->n, r.first);
    *last = *first;
    /* Most ranges of a policy are one interval: no second search for those. */
    if (addr_compare(interval_last(atoms, *first), r.last) < 0)
        *last = find(atoms->starts, atoms->n, r.last);
}

bool atoms_hold(const struct atoms *atoms, struct prefix_set set, struct arena scratch)
{
    size_t inside = 0, met = 0, first = 0, last = 0;
    for (size_t i = 0; i < set.n; i++) {
        intervals_of(atoms, set.ranges[i], &first, &last);
        if (!addr_equal(atoms->starts[first], set.ranges[i].first)) return false;
        if (!addr_equal(interval_last(atoms, last), set.ranges[i].last)) return false;
        inside += last - first + 1;
    }
    /* The boundaries fit; now no class may be partly outside: the intervals of the classes met are
     * as many as those inside. */
    struct class_set classes = atoms_classes(atoms, set, &scratch);
    for (size_t i = 0; i < classes.n; i++)
        met += atoms->from[classes.runs[i].last + 1] - atoms->from[classes.runs[i].first];
    return met == inside;
}

struct class_set atoms_classes(const struct atoms *atoms, struct prefix_set set,
                               struct arena *arena)
{
    size_t most = 0, n = 0, first = 0, last = 0;
    for (size_t i = 0; i < set.n; i++) {
        intervals_of(atoms, set.ranges[i], &first, &last);
        most += last - first + 1;
    }
    struct class_run *runs = arena_array(arena, struct class_run, most);
    for (size_t i = 0; i < set.n; i++) {
        intervals_of(atoms, set.ranges[i], &first, &last);
        for (size_t at = first; at <= last; at++) {
            uint32_t c = atoms->class_of[at];
            /* Classes are numbered by address, so that most intervals go on with the last run. */
            if (n && c >= runs[n - 1].first && c <= runs[n - 1].last) continue;
            if (n && c == runs[n - 1].last + 1)
                runs[n - 1].last = c;
            else
                runs[n++] = (struct class_run){c, c};
        }
    }
    return class_set_settle(arena, runs, n);
}

static int index_order(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* The intervals of the classes in the order of the line. */
static const uint32_t *intervals_in_order(const struct atoms *atoms, struct class_set classes,
                                          size_t n, struct arena *scratch)
{
    enum { WORD_BITS = 64, DENSE = 16 };
    uint32_t *indices = arena_array(scratch, uint32_t, n);
    size_t n_words = atoms->n / WORD_BITS + 1, k = 0;
    bool dense = n > atoms->n / DENSE;
    uint64_t *marks = arena_array(scratch, uint64_t, dense ? n_words : 0);
    for (size_t i = 0; i < classes.n; i++)
        for (uint32_t j = atoms->from[classes.runs[i].first];
             j < atoms->from[classes.runs[i].last + 1]; j++) {
            uint32_t at = atoms->intervals[j];
            if (dense)
                marks[at / WORD_BITS] |= UINT64_C(1) << (at % WORD_BITS);
            else
                indices[k++] = at;
        }
    if (!dense) qsort(indices, n, sizeof *indices, index_order);
    for (size_t w = 0; dense && w < n_words; w++)
        for (uint32_t bit = 0; bit < WORD_BITS && marks[w] >> bit; bit++)
            if (marks[w] >> bit & 1) indices[k++] = (uint32_t)(w * WORD_BITS) + bit;
    return indices;
}

struct prefix_set atoms_addresses(const struct atoms *atoms, struct class_set classes,
                                  struct arena *arena)
{
    size_t n_intervals = 0, n = 0;
    for (size_t i = 0; i < classes.n; i++) {
        assert(classes.runs[i].last < atoms->n_classes);
        n_intervals += atoms->from[classes.runs[i].last + 1] - atoms->from[classes.runs[i].first];
    }
    if (!n_intervals) return (struct prefix_set){0};
    struct range *ranges = arena_array(arena, struct range, n_intervals);
    struct arena scratch = *arena;
    const uint32_t *in_order = intervals_in_order(atoms, classes, n_intervals, &scratch);
    for (size_t i = 0; i < n_intervals; i++) {
        size_t at = in_order[i];
        /* Neighbours of the set become one range. */
        if (n && in_order[i - 1] + 1 == at)
            ranges[n - 1].last = interval_last(atoms, at);
        else
            ranges[n++] = (struct range){atoms->starts[at], interval_last(atoms, at)};
    }
    arena->at = (char *)(ranges + n); /* it was the last piece: what it did not need goes back */
    return (struct prefix_set){ranges, n};
}

uint64_t atoms_table_bytes(const struct atoms *atoms)
{
    return address_table_bytes(atoms->table);
}
