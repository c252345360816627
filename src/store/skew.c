/* SPDX-License-Identifier: Apache-2.0 */
#include "store/skew.h"

#include "matrix/join.h"

/* A pair of streams, a below b, and by how much b is ahead, in bins. */
struct pair_bin {
    uint32_t a, b;
    int64_t bin;
};

void skew_add(struct skew *skew, struct skew_begin begin)
{
    if (skew->n_begins < SKEW_BEGINS) skew->begins[skew->n_begins] = begin;
    if (skew->n_begins <= SKEW_BEGINS) skew->n_begins++;
}

static int64_t apart(int64_t a, int64_t b)
{
    return a < b ? b - a : a - b;
}

/* Has the stream another begin so near that either could be meant? */
static bool is_ambiguous(const struct skew *skew, size_t at)
{
    const struct skew_begin *own = &skew->begins[at];
    for (size_t i = 0; i < skew->n_begins; i++)
        if (i != at && skew->begins[i].stream == own->stream &&
            apart(skew->begins[i].start_us, own->start_us) <= 2 * SKEW_MOST_US)
            return true;
    return false;
}

static int64_t bin_of(int64_t difference_us)
{
    int64_t half = SKEW_BIN_US / 2;
    return difference_us < 0 ? -((half - difference_us) / SKEW_BIN_US)
                             : (difference_us + half) / SKEW_BIN_US;
}

static void count_pair(struct skew *skew, const struct skew_begin *a, const struct skew_begin *b)
{
    struct pair_bin key = {a->stream, b->stream, bin_of(b->start_us - a->start_us)};
    str text = {(const char *)&key, sizeof key};
    ++*map_put(&skew->bins, skew->arena, text, 0, NULL);
}

void skew_next(struct skew *skew)
{
    bool told[SKEW_BEGINS];
    size_t n = skew->n_begins <= SKEW_BEGINS ? skew->n_begins : 0;
    for (size_t i = 0; n > 1 && i < n; i++)
        told[i] = !is_ambiguous(skew, i);
    for (size_t i = 0; n > 1 && i < n; i++)
        for (size_t j = 0; told[i] && j < n; j++) {
            const struct skew_begin *a = &skew->begins[i], *b = &skew->begins[j];
            if (told[j] && a->stream < b->stream && apart(a->start_us, b->start_us) <= SKEW_MOST_US)
                count_pair(skew, a, b);
        }
    skew->n_begins = 0;
}

/* ---- What the pairs tell ------------------------------------------------------------------------
 */

struct counted {
    struct pair_bin key;
    uint64_t count;
};

static int counted_order(const void *left, const void *right)
{
    const struct counted *a = left, *b = right;
    if (a->key.a != b->key.a) return a->key.a < b->key.a ? -1 : 1;
    if (a->key.b != b->key.b) return a->key.b < b->key.b ? -1 : 1;
    return a->key.bin < b->key.bin ? -1 : a->key.bin > b->key.bin;
}

/* By how much b is ahead of a. */
struct difference {
    uint32_t a, b;
    int64_t us;
    bool is_weak; /* of too few pairs to be measured by */
};

/* The fullest SKEW_BINS neighbours of a pair's bins, when they have nearly all. Few pairs tell only
 * of clocks so near that the join needs no measure. */
static bool agree(const struct counted *bins, size_t n, struct difference *out)
{
    uint64_t total = 0, best = 0;
    for (size_t i = 0; i < n; i++)
        total += bins[i].count;
    for (size_t i = 0; i < n; i++) {
        uint64_t sum = 0, weighed = 0;
        for (size_t j = i; j < n && bins[j].key.bin - bins[i].key.bin < SKEW_BINS; j++) {
            sum += bins[j].count;
            weighed += bins[j].count * (uint64_t)(bins[j].key.bin - bins[i].key.bin);
        }
        if (sum <= best) continue;
        best = sum;
        out->us = bins[i].key.bin * SKEW_BIN_US + (int64_t)(weighed * SKEW_BIN_US / sum);
    }
    out->is_weak = total < SKEW_LEAST;
    bool near = out->us >= -JOIN_WINDOW_US && out->us <= JOIN_WINDOW_US;
    return best * 100 >= total * SKEW_PERCENT && (near || !out->is_weak);
}

static size_t differences(const struct skew *skew, struct difference *out, struct arena *arena)
{
    struct counted *all = arena_array(arena, struct counted, skew->bins.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < skew->bins.n; i++) {
        memcpy(&all[i].key, skew->bins.entries[i].key.ptr, sizeof all[i].key);
        all[i].count = skew->bins.entries[i].value;
    }
    if (skew->bins.n) qsort(all, skew->bins.n, sizeof *all, counted_order);
    for (size_t i = 0, run; i < skew->bins.n; i += run) {
        struct pair_bin pair = all[i].key;
        for (run = 1; i + run < skew->bins.n && all[i + run].key.a == pair.a &&
                      all[i + run].key.b == pair.b;)
            run++;
        struct difference difference = {.a = pair.a, .b = pair.b};
        if (agree(all + i, run, &difference)) out[n++] = difference;
    }
    return n;
}

/* Streams under way to their shifts: the neighbours of each, in the order of the pairs. */
struct clocks {
    const struct difference *all;
    uint32_t *begin, *neighbour; /* per stream, into neighbour: index of a difference */
    uint32_t *queue;
    size_t n_queued;
    uint32_t *weak; /* differences met on the way that are weak */
    size_t n_weak;
    int64_t *shifts;
    bool *set;
    bool differ; /* two of those that hang together, by more than half the window */
};

static void meet(struct clocks *c, size_t n, size_t n_streams, struct arena *arena)
{
    c->begin = arena_array(arena, uint32_t, n_streams + 2);
    c->neighbour = arena_array(arena, uint32_t, 2 * n + 1);
    for (size_t i = 0; i < n; i++) {
        c->begin[c->all[i].a + 2]++;
        c->begin[c->all[i].b + 2]++;
    }
    for (size_t i = 2; i < n_streams + 2; i++)
        c->begin[i] += c->begin[i - 1];
    for (size_t i = 0; i < n; i++) {
        c->neighbour[c->begin[c->all[i].a + 1]++] = (uint32_t)i;
        c->neighbour[c->begin[c->all[i].b + 1]++] = (uint32_t)i;
    }
}

/* The other stream of a difference gets its shift, unless it has one. */
static void follow(struct clocks *c, const struct difference *d)
{
    uint32_t from = c->set[d->a] ? d->a : d->b, to = from == d->a ? d->b : d->a;
    if (c->set[to]) return;
    c->shifts[to] = c->shifts[from] + (from == d->a ? -d->us : d->us);
    c->set[to] = true;
    c->queue[c->n_queued++] = to;
}

/* All that hang together with a stream go by its clock. What hangs on few pairs comes last, and
 * moves with what it would have been joined with anyway. */
static void spread(struct clocks *c, uint32_t root)
{
    size_t at = 0, at_weak = 0;
    c->n_queued = c->n_weak = 0;
    c->differ = false;
    c->set[root] = true;
    c->queue[c->n_queued++] = root;
    while (at < c->n_queued || at_weak < c->n_weak) {
        if (at == c->n_queued) {
            follow(c, &c->all[c->weak[at_weak++]]);
            continue;
        }
        uint32_t from = c->queue[at++];
        for (uint32_t i = c->begin[from]; i < c->begin[from + 1]; i++) {
            const struct difference *d = &c->all[c->neighbour[i]];
            if (d->is_weak) {
                c->weak[c->n_weak++] = c->neighbour[i];
                continue;
            }
            c->differ = c->differ || d->us < -JOIN_WINDOW_US / 2 || d->us > JOIN_WINDOW_US / 2;
            follow(c, d);
        }
    }
    for (size_t i = 0; !c->differ && i < c->n_queued; i++)
        c->shifts[c->queue[i]] = 0;
}

/* Streams that agree on differences go by the clock of the first of them; ranks are lasting, so
 * that is always the same one. Where all are within half the window nothing is needed; where not,
 * small differences count too, since they add up from one stream to the next. */
const int64_t *skew_shifts(const struct skew *skew, size_t n_streams, struct arena *arena)
{
    struct difference *all = arena_array(arena, struct difference, skew->bins.n + 1);
    struct clocks c = {
        .all = all,
        .queue = arena_array(arena, uint32_t, n_streams + 1),
        .weak = arena_array(arena, uint32_t, 2 * (skew->bins.n + 1)),
        .shifts = arena_array(arena, int64_t, n_streams + 1),
        .set = arena_array(arena, bool, n_streams + 1),
    };
    size_t n = differences(skew, all, arena);
    bool any = false;
    meet(&c, n, n_streams, arena);
    for (uint32_t i = 0; i < n_streams; i++) {
        if (!c.set[i]) spread(&c, i);
        any = any || c.shifts[i];
    }
    return any ? c.shifts : NULL;
}
