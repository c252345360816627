/* SPDX-License-Identifier: Apache-2.0 */
/* The line of addresses is cut at every boundary of every set; then each set in turn splits the
 * classes of the intervals it covers (rules/partition; Paige and Tarjan 1987). Exact: no signature
 * is hashed, so no two different memberships can ever share a class.
 */
#include "rules/atoms.h"

#include "base/hash.h"
#include "rules/address_table.h"
#include "rules/partition.h"

struct atoms {
    const struct addr *starts; /* of the intervals, ascending; the first is :: */
    const uint32_t *class_of;  /* per interval; neighbours differ */
    size_t n;
    /* The intervals of class c, ascending: intervals[from[c]] up to intervals[from[c + 1]]. */
    const uint32_t *from, *intervals;
    const struct address_table *table;
    uint32_t n_classes;
};

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

/* Where a range begins, or the first address after it. */
struct boundary {
    struct addr at;
    uint32_t which; /* range times two, plus one for its end */
};

static int boundary_order(const void *left, const void *right)
{
    const struct boundary *a = left, *b = right;
    return addr_compare(a->at, b->at);
}

/* By the upper halves, a digit a pass. */
static uint64_t *sort_upper(uint64_t *items, uint64_t *other, size_t n)
{
    enum { DIGIT_BITS = 11, VALUES = 1 << DIGIT_BITS, UPPER = 32, ALL = 64 };
    for (unsigned shift = UPPER; shift < ALL; shift += DIGIT_BITS) {
        size_t starts[VALUES + 1] = {0};
        for (size_t i = 0; i < n; i++)
            starts[(items[i] >> shift & (VALUES - 1)) + 1]++;
        for (size_t i = 0; i < VALUES; i++)
            starts[i + 1] += starts[i];
        for (size_t i = 0; i < n; i++)
            other[starts[items[i] >> shift & (VALUES - 1)]++] = items[i];
        uint64_t *swap = items;
        items = other;
        other = swap;
    }
    return items;
}

/* The line, cut, and which intervals each range covers: from first up to and without end. */
struct cuts {
    struct addr *starts;
    size_t n;
    uint32_t *first, *end; /* per range, those of all sets in a row */
};

static void cut_at(struct cuts *cuts, struct addr at, uint32_t which)
{
    if (!addr_equal(cuts->starts[cuts->n - 1], at)) cuts->starts[cuts->n++] = at;
    uint32_t interval = (uint32_t)(cuts->n - 1);
    if (which & 1)
        cuts->end[which / 2] = interval;
    else
        cuts->first[which / 2] = interval;
}

/* IPv4, which is nearly all in practice, is sorted as numbers. */
static struct cuts cut_line(const struct prefix_set *sets, size_t n_sets, struct arena *scratch)
{
    size_t n_ranges = 0, n_v4 = 0, n_others = 0;
    for (size_t i = 0; i < n_sets; i++)
        n_ranges += sets[i].n;
    assert(n_ranges < UINT32_MAX / 4);
    struct cuts cuts = {
        .starts = arena_array(scratch, struct addr, 2 * n_ranges + 1),
        .n = 1,
        .first = arena_array(scratch, uint32_t, n_ranges),
        .end = arena_array(scratch, uint32_t, n_ranges),
    };
    cuts.starts[0] = addr_all.first;
    uint64_t *v4 = arena_array(scratch, uint64_t, 2 * n_ranges);
    struct boundary *others = arena_array(scratch, struct boundary, 2 * n_ranges);
    uint32_t range = 0;
    for (size_t i = 0; i < n_sets; i++)
        for (size_t j = 0; j < sets[i].n; j++, range++) {
            struct range r = sets[i].ranges[j];
            bool to_the_end = addr_equal(r.last, addr_all.last);
            const struct boundary both[] = {
                {r.first,                                 2 * range    },
                {to_the_end ? r.last : addr_next(r.last), 2 * range + 1}
            };
            for (size_t k = 0; k < COUNT_OF(both) - to_the_end; k++)
                if (addr_is_v4(both[k].at))
                    v4[n_v4++] = (uint64_t)addr_v4_value(both[k].at) << 32 | both[k].which;
                else
                    others[n_others++] = both[k];
        }
    v4 = sort_upper(v4, arena_array(scratch, uint64_t, n_v4), n_v4);
    if (n_others) qsort(others, n_others, sizeof *others, boundary_order);
    size_t at = 0;
    for (; at < n_others && addr_compare(others[at].at, addr_all_v4.first) < 0; at++)
        cut_at(&cuts, others[at].at, others[at].which);
    for (size_t i = 0; i < n_v4; i++)
        cut_at(&cuts, addr_v4((uint32_t)(v4[i] >> 32)), (uint32_t)(v4[i] & UINT32_MAX));
    for (; at < n_others; at++)
        cut_at(&cuts, others[at].at, others[at].which);
    for (uint32_t i = 0; i < range; i++)
        if (!cuts.end[i]) cuts.end[i] = (uint32_t)cuts.n; /* to the end of the line */
    return cuts;
}

/* The parts of the intervals become the classes; neighbours of one class are joined. */
static void number(struct atoms *atoms, const struct addr *starts, const struct partition *parts,
                   size_t n, struct arena *arena)
{
    struct addr *kept_starts = arena_array(arena, struct addr, n);
    uint32_t *kept_classes = arena_array(arena, uint32_t, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept && kept_classes[kept - 1] == parts->of[i]) continue;
        kept_starts[kept] = starts[i];
        kept_classes[kept++] = parts->of[i];
    }
    uint32_t *from = arena_array(arena, uint32_t, (size_t)parts->n + 2);
    uint32_t *intervals = arena_array(arena, uint32_t, kept);
    /* Counted two places on, filled one place on: then each class begins where it should. */
    for (size_t i = 0; i < kept; i++)
        from[kept_classes[i] + 2]++;
    for (size_t c = 2; c <= parts->n; c++)
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
        .n_classes = parts->n,
    };
}

struct atoms *atoms_build(const struct prefix_set *sets, size_t n_sets, struct arena *arena,
                          struct arena scratch)
{
    struct atoms *atoms = arena_new(arena, struct atoms);
    struct prefix_set *distinct = arena_array(&scratch, struct prefix_set, n_sets + 1);
    size_t n_distinct = distinct_sets(sets, n_sets, distinct, &scratch);
    struct cuts cuts = cut_line(distinct, n_distinct, &scratch);

    /* Each set in intervals, and then those that no set tells apart. */
    struct class_set *covered = arena_array(&scratch, struct class_set, n_distinct);
    size_t range = 0;
    for (size_t i = 0; i < n_distinct; i++) {
        struct class_run *runs = arena_array(&scratch, struct class_run, distinct[i].n);
        covered[i] = (struct class_set){runs, distinct[i].n};
        for (size_t j = 0; j < distinct[i].n; j++, range++)
            runs[j] = (struct class_run){cuts.first[range], cuts.end[range] - 1};
    }
    struct arena work = arena_open("atoms", 0, NULL);
    struct partition parts = partition_of(covered, n_distinct, (uint32_t)cuts.n, &work, scratch);
    number(atoms, cuts.starts, &parts, cuts.n, arena);
    arena_close(&work);
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
