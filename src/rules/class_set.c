/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/class_set.h"

#include "base/hash.h"

/* How many runs a result has is known at its end only: it was the arena's last piece, and what it
 * did not need goes back. */
static struct class_set kept(struct arena *arena, struct class_run *runs, size_t n)
{
    arena->at = (char *)(runs + n);
    if (!n) return (struct class_set){0};
    return (struct class_set){runs, n};
}

/* Appends a run that begins at or after the last one's beginning, joining what touches. */
static void append(struct class_run *out, size_t *n, struct class_run run)
{
    struct class_run *last = *n ? &out[*n - 1] : NULL;
    if (!last || (run.first > last->last && run.first - last->last > 1))
        out[(*n)++] = run;
    else if (run.last > last->last)
        last->last = run.last;
}

/* ---- Sorting ------------------------------------------------------------------------------------
 */

enum { DIGIT_BITS = 11, DIGITS = 3, DIGIT_VALUES = 1 << DIGIT_BITS, FEW = 32 };

static void sort_few(struct class_run *runs, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct class_run run = runs[i];
        size_t at = i;
        for (; at && runs[at - 1].first > run.first; at--)
            runs[at] = runs[at - 1];
        runs[at] = run;
    }
}

/* By first class, a digit a pass: unions of 10^5 sets are made of 10^5 runs. */
static void sort_runs(struct class_run *runs, size_t n, struct arena scratch)
{
    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++)
        sorted = runs[i - 1].first <= runs[i].first;
    if (sorted) return;
    if (n <= FEW) {
        sort_few(runs, n);
        return;
    }
    struct class_run *other = arena_array(&scratch, struct class_run, n), *from = runs, *to = other;
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        uint32_t starts[DIGIT_VALUES + 1] = {0};
        unsigned shift = digit * DIGIT_BITS;
        for (size_t i = 0; i < n; i++)
            starts[(from[i].first >> shift & (DIGIT_VALUES - 1)) + 1]++;
        for (size_t i = 0; i < DIGIT_VALUES; i++)
            starts[i + 1] += starts[i];
        for (size_t i = 0; i < n; i++)
            to[starts[from[i].first >> shift & (DIGIT_VALUES - 1)]++] = from[i];
        struct class_run *swap = from;
        from = to;
        to = swap;
    }
    if (from != runs) memcpy(runs, from, n * sizeof *runs);
}

/* ---- Sets ---------------------------------------------------------------------------------------
 */

struct class_set class_set_settle(struct arena *arena, struct class_run *runs, size_t n)
{
    size_t n_out = 0;
    arena->at = (char *)(runs + n);
    sort_runs(runs, n, *arena);
    for (size_t i = 0; i < n; i++)
        append(runs, &n_out, runs[i]);
    return kept(arena, runs, n_out);
}

struct class_set class_set_of(struct arena *arena, const uint32_t *classes, size_t n)
{
    struct class_run *runs = arena_array(arena, struct class_run, n);
    size_t n_runs = 0;
    /* Classes mostly come in order, since they are numbered by address: most runs show here. */
    for (size_t i = 0; i < n; i++) {
        struct class_run *last = n_runs ? &runs[n_runs - 1] : NULL;
        if (last && last->last != UINT32_MAX && classes[i] == last->last + 1)
            last->last++;
        else if (!last || classes[i] < last->first || classes[i] > last->last)
            runs[n_runs++] = (struct class_run){classes[i], classes[i]};
    }
    return class_set_settle(arena, runs, n_runs);
}

struct class_set class_set_one(struct arena *arena, uint32_t class_id)
{
    return class_set_of(arena, &class_id, 1);
}

struct class_set class_set_all(struct arena *arena, uint32_t n_classes)
{
    if (!n_classes) return (struct class_set){0};
    struct class_run *run = arena_new(arena, struct class_run);
    *run = (struct class_run){0, n_classes - 1};
    return (struct class_set){run, 1};
}

struct class_set class_set_copy(struct arena *arena, struct class_set set)
{
    if (!set.n) return (struct class_set){0};
    struct class_run *runs = arena_array(arena, struct class_run, set.n);
    memcpy(runs, set.runs, set.n * sizeof *runs);
    return (struct class_set){runs, set.n};
}

struct class_set class_set_keep(struct arena *arena, const struct arena *temporary,
                                struct class_set set)
{
    uintptr_t from = (uintptr_t)set.runs, at = (uintptr_t)arena->at;
    if (!set.n || from < at || from >= (uintptr_t)temporary->at) return set; /* an older set */
    size_t padding = (size_t)(-(intptr_t)at & (intptr_t)(_Alignof(struct class_run) - 1));
    struct class_run *runs = (struct class_run *)(void *)(arena->at + padding);
    memmove(runs, set.runs, set.n * sizeof *runs);
    return kept(arena, runs, set.n);
}

struct class_set class_set_unite(struct arena *arena, struct class_set a, struct class_set b)
{
    if (!b.n) return a;
    if (!a.n) return b;
    struct class_run *out = arena_array(arena, struct class_run, a.n + b.n);
    size_t n = 0, i = 0, j = 0;
    while (i < a.n || j < b.n) {
        bool from_a = j == b.n || (i < a.n && a.runs[i].first <= b.runs[j].first);
        append(out, &n, from_a ? a.runs[i++] : b.runs[j++]);
    }
    return kept(arena, out, n);
}

struct class_set class_set_unite_all(struct arena *arena, const struct class_set *sets, size_t n)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        total += sets[i].n;
    struct class_run *runs = arena_array(arena, struct class_run, total);
    for (size_t i = 0; i < n; i++) {
        if (sets[i].n) memcpy(runs + at, sets[i].runs, sets[i].n * sizeof *runs);
        at += sets[i].n;
    }
    return class_set_settle(arena, runs, total);
}

struct class_set class_set_intersect(struct arena *arena, struct class_set a, struct class_set b)
{
    if (!a.n || !b.n) return (struct class_set){0};
    struct class_run *out = arena_array(arena, struct class_run, a.n + b.n);
    size_t n = 0, i = 0, j = 0;
    while (i < a.n && j < b.n) {
        struct class_run x = a.runs[i], y = b.runs[j];
        uint32_t first = x.first > y.first ? x.first : y.first;
        uint32_t last = x.last < y.last ? x.last : y.last;
        if (first <= last) out[n++] = (struct class_run){first, last};
        if (x.last <= y.last)
            i++;
        else
            j++;
    }
    return kept(arena, out, n);
}

struct class_set class_set_subtract(struct arena *arena, struct class_set a, struct class_set b)
{
    if (!a.n || !b.n) return a;
    struct class_run *out = arena_array(arena, struct class_run, a.n + b.n);
    size_t n = 0, j = 0;
    for (size_t i = 0; i < a.n; i++) {
        struct class_run rest = a.runs[i];
        bool left = true;
        while (j < b.n && b.runs[j].last < rest.first)
            j++;
        for (size_t k = j; k < b.n && left && b.runs[k].first <= rest.last; k++) {
            struct class_run cut = b.runs[k];
            if (cut.first > rest.first) out[n++] = (struct class_run){rest.first, cut.first - 1};
            left = cut.last < rest.last;
            if (left) rest.first = cut.last + 1;
        }
        if (left) out[n++] = rest;
    }
    return kept(arena, out, n);
}

struct class_set class_set_differ(struct arena *arena, struct class_set a, struct class_set b)
{
    struct class_set only_a = class_set_subtract(arena, a, b);
    return class_set_unite(arena, only_a, class_set_subtract(arena, b, a));
}

/* Index of the first run that ends at or after the class. */
static size_t run_at(struct class_set set, uint32_t class_id)
{
    size_t low = 0, high = set.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set.runs[middle].last < class_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool class_set_has(struct class_set set, uint32_t class_id)
{
    size_t at = run_at(set, class_id);
    return at < set.n && set.runs[at].first <= class_id;
}

uint32_t class_set_next(struct class_set set, uint32_t from)
{
    size_t at = run_at(set, from);
    if (at == set.n) return UINT32_MAX;
    return set.runs[at].first > from ? set.runs[at].first : from;
}

bool class_set_equal(struct class_set a, struct class_set b)
{
    return a.n == b.n &&
           (!a.n || a.runs == b.runs || !memcmp(a.runs, b.runs, a.n * sizeof *a.runs));
}

bool class_set_overlaps(struct class_set a, struct class_set b)
{
    size_t i = 0, j = 0;
    while (i < a.n && j < b.n) {
        if (a.runs[i].last < b.runs[j].first)
            i++;
        else if (b.runs[j].last < a.runs[i].first)
            j++;
        else
            return true;
    }
    return false;
}

bool class_set_covers(struct class_set outer, struct class_set inner)
{
    size_t i = 0;
    for (size_t j = 0; j < inner.n; j++) {
        while (i < outer.n && outer.runs[i].last < inner.runs[j].first)
            i++;
        if (i == outer.n || outer.runs[i].first > inner.runs[j].first ||
            outer.runs[i].last < inner.runs[j].last)
            return false;
    }
    return true;
}

bool class_set_is_empty(struct class_set set)
{
    return !set.n;
}

uint64_t class_set_size(struct class_set set)
{
    uint64_t size = 0;
    for (size_t i = 0; i < set.n; i++)
        size += (uint64_t)set.runs[i].last - set.runs[i].first + 1;
    return size;
}

/* ---- Interning ----------------------------------------------------------------------------------
 */

static uint64_t hash_of(struct class_set set)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < set.n; i++)
        hash = hash_join(hash, (uint64_t)set.runs[i].first << 32 | set.runs[i].last);
    return hash;
}

static size_t slot_of(const struct class_sets *sets, struct class_set set, uint64_t hash)
{
    size_t at = (size_t)hash & (sets->n_slots - 1);
    for (; sets->slots[at]; at = (at + 1) & (sets->n_slots - 1)) {
        uint32_t number = sets->slots[at] - 1;
        if (sets->hashes[number] == hash && class_set_equal(sets->sets[number], set)) break;
    }
    return at;
}

static void rehash(struct class_sets *sets, struct arena *arena)
{
    sets->n_slots = sets->n_slots ? 2 * sets->n_slots : 16;
    sets->slots = arena_array(arena, uint32_t, sets->n_slots);
    for (uint32_t i = 0; i < sets->n; i++)
        sets->slots[slot_of(sets, sets->sets[i], sets->hashes[i])] = i + 1;
}

uint32_t class_sets_intern(struct class_sets *sets, struct arena *arena, struct class_set set)
{
    if ((size_t)sets->n * 2 >= sets->n_slots) rehash(sets, arena);
    uint64_t hash = hash_of(set);
    size_t slot = slot_of(sets, set, hash);
    if (sets->slots[slot]) return sets->slots[slot] - 1;

    if (sets->n == sets->room) {
        uint32_t room = sets->room ? 2 * sets->room : 16;
        struct class_set *grown = arena_array(arena, struct class_set, room);
        uint64_t *hashes = arena_array(arena, uint64_t, room);
        if (sets->n) {
            memcpy(grown, sets->sets, sets->n * sizeof *grown);
            memcpy(hashes, sets->hashes, sets->n * sizeof *hashes);
        }
        sets->sets = grown;
        sets->hashes = hashes;
        sets->room = room;
    }
    sets->sets[sets->n] = class_set_copy(arena, set);
    sets->hashes[sets->n] = hash;
    sets->slots[slot] = ++sets->n;
    return sets->n - 1;
}

struct class_set class_sets_get(const struct class_sets *sets, uint32_t number)
{
    assert(number < sets->n);
    return sets->sets[number];
}

void class_sets_begin(struct class_sets *sets, struct arena *arena)
{
    *sets = (struct class_sets){0};
    (void)class_sets_intern(sets, arena, (struct class_set){0});
}
