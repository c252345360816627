/* SPDX-License-Identifier: Apache-2.0 */
#include "base/prefix_set.h"

static int range_order(const void *left, const void *right)
{
    const struct range *a = left, *b = right;
    int order = addr_compare(a->first, b->first);
    return order ? order : addr_compare(a->last, b->last);
}

static bool addr_is_last(struct addr a)
{
    return addr_equal(a, addr_all.last);
}

/* Appends r to sorted ranges, joining it with the last one if they touch. */
static void append(struct range *out, size_t *n, struct range r)
{
    if (*n) {
        struct range *last = &out[*n - 1];
        bool touches =
            addr_is_last(last->last) || addr_compare(r.first, addr_next(last->last)) <= 0;
        if (touches) {
            if (addr_compare(r.last, last->last) > 0) last->last = r.last;
            return;
        }
    }
    out[(*n)++] = r;
}

struct prefix_set prefix_set_of(struct arena *arena, const struct range *ranges, size_t n)
{
    if (!n) return (struct prefix_set){0};
    struct range *sorted = arena_array(arena, struct range, n);
    memcpy(sorted, ranges, n * sizeof *sorted);
    size_t in_order = 1; /* lists mostly come from sets and files that are in order already */
    while (in_order < n && range_order(&sorted[in_order - 1], &sorted[in_order]) <= 0)
        in_order++;
    if (in_order < n) qsort(sorted, n, sizeof *sorted, range_order);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        append(sorted, &kept, sorted[i]);
    return (struct prefix_set){sorted, kept};
}

struct prefix_set prefix_set_of_prefix(struct arena *arena, struct prefix p)
{
    struct range r = prefix_range(p);
    return prefix_set_of(arena, &r, 1);
}

struct prefix_set prefix_set_union(struct arena *arena, struct prefix_set a, struct prefix_set b)
{
    if (!a.n) return b;
    if (!b.n) return a;
    struct range *out = arena_array(arena, struct range, a.n + b.n);
    size_t n = 0, i = 0, j = 0;
    while (i < a.n || j < b.n) {
        bool from_a = j == b.n || (i < a.n && range_order(&a.ranges[i], &b.ranges[j]) <= 0);
        append(out, &n, from_a ? a.ranges[i++] : b.ranges[j++]);
    }
    return (struct prefix_set){out, n};
}

/* The first range that does not end before an address. */
static size_t first_up_to(struct prefix_set set, struct addr a)
{
    size_t low = 0, high = set.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(set.ranges[middle].last, a) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The ranges of a set that meet the stretch from the first to the last address of another: a small
 * set is worked with a large one at the cost of the small one. */
static struct prefix_set around(struct prefix_set set, struct prefix_set other)
{
    size_t from = first_up_to(set, other.ranges[0].first);
    size_t to = first_up_to(set, other.ranges[other.n - 1].last);
    if (to < set.n) to++;
    return (struct prefix_set){set.ranges + from, to - from};
}

struct prefix_set prefix_set_intersect(struct arena *arena, struct prefix_set a,
                                       struct prefix_set b)
{
    if (!a.n || !b.n) return (struct prefix_set){0};
    a = around(a, b);
    if (!a.n) return a;
    b = around(b, a);
    if (!b.n) return b;
    struct range *out = arena_array(arena, struct range, a.n + b.n);
    size_t n = 0, i = 0, j = 0;
    while (i < a.n && j < b.n) {
        struct range x = a.ranges[i], y = b.ranges[j];
        struct addr first = addr_compare(x.first, y.first) > 0 ? x.first : y.first;
        bool a_ends = addr_compare(x.last, y.last) <= 0;
        struct addr last = a_ends ? x.last : y.last;
        if (addr_compare(first, last) <= 0) out[n++] = (struct range){first, last};
        if (a_ends)
            i++;
        else
            j++;
    }
    return (struct prefix_set){out, n};
}

struct prefix_set prefix_set_subtract(struct arena *arena, struct prefix_set a, struct prefix_set b)
{
    if (!a.n || !b.n) return a;
    b = around(b, a);
    if (!b.n) return a;
    struct range *out = arena_array(arena, struct range, a.n + b.n);
    size_t n = 0, j = 0;
    for (size_t i = 0; i < a.n; i++) {
        struct range rest = a.ranges[i];
        bool left = true;
        while (j < b.n && addr_compare(b.ranges[j].last, rest.first) < 0)
            j++;
        for (size_t k = j; k < b.n && left; k++) {
            struct range cut = b.ranges[k];
            if (addr_compare(cut.first, rest.last) > 0) break;
            if (addr_compare(cut.first, rest.first) > 0)
                out[n++] = (struct range){rest.first, addr_previous(cut.first)};
            left = addr_compare(cut.last, rest.last) < 0;
            if (left) rest.first = addr_next(cut.last);
        }
        if (left) out[n++] = rest;
    }
    return (struct prefix_set){out, n};
}

bool prefix_set_contains(struct prefix_set set, struct addr a)
{
    size_t at = first_up_to(set, a);
    return at < set.n && addr_compare(set.ranges[at].first, a) <= 0;
}

bool prefix_set_overlaps(struct prefix_set a, struct prefix_set b)
{
    size_t i = 0, j = 0;
    while (i < a.n && j < b.n) {
        if (addr_compare(a.ranges[i].last, b.ranges[j].first) < 0)
            i++;
        else if (addr_compare(b.ranges[j].last, a.ranges[i].first) < 0)
            j++;
        else
            return true;
    }
    return false;
}

bool prefix_set_covers(struct prefix_set outer, struct prefix_set inner)
{
    size_t i = 0;
    for (size_t j = 0; j < inner.n; j++) {
        while (i < outer.n && addr_compare(outer.ranges[i].last, inner.ranges[j].first) < 0)
            i++;
        if (i == outer.n || addr_compare(outer.ranges[i].first, inner.ranges[j].first) > 0 ||
            addr_compare(outer.ranges[i].last, inner.ranges[j].last) < 0)
            return false;
    }
    return true;
}

bool prefix_set_equal(struct prefix_set a, struct prefix_set b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (range_order(&a.ranges[i], &b.ranges[i]) != 0) return false;
    return true;
}

bool prefix_set_is_empty(struct prefix_set set)
{
    return set.n == 0;
}

uint64_t prefix_set_size(struct prefix_set set)
{
    uint64_t size = 0;
    for (size_t i = 0; i < set.n; i++) {
        struct range r = set.ranges[i];
        uint64_t borrow = r.last.lo < r.first.lo;
        if (r.last.hi - r.first.hi - borrow != 0) return UINT64_MAX;
        uint64_t span = borrow ? UINT64_MAX - r.first.lo + r.last.lo + 1 : r.last.lo - r.first.lo;
        if (!num_add(span, UINT64_C(1), &span) || !num_add(size, span, &size)) return UINT64_MAX;
    }
    return size;
}

/* The largest prefix that begins at r.first and ends within r. */
static struct prefix largest_prefix(struct range r)
{
    uint8_t len = 128;
    while (len > 0) {
        struct prefix wider = {r.first, (uint8_t)(len - 1)};
        if (prefix_has_host_bits(wider)) break;
        if (addr_compare(prefix_range(wider).last, r.last) > 0) break;
        len--;
    }
    return (struct prefix){r.first, len};
}

struct prefix *prefix_set_prefixes(struct arena *arena, struct prefix_set set, size_t *n)
{
    struct prefix *out = NULL;
    size_t room = 0;
    *n = 0;
    struct range v4_edges[] = {addr_all_v4};
    struct prefix_set v4 = {v4_edges, 1};
    struct prefix_set parts[] = {
        prefix_set_intersect(arena, set, v4),
        prefix_set_subtract(arena, set, v4),
    };
    for (size_t part = 0; part < COUNT_OF(parts); part++) {
        for (size_t i = 0; i < parts[part].n; i++) {
            struct range rest = parts[part].ranges[i];
            for (bool more = true; more;) {
                struct prefix p = largest_prefix(rest);
                struct addr last = prefix_range(p).last;
                arena_grow(arena, out, *n, room);
                out[(*n)++] = p;
                more = addr_compare(last, rest.last) < 0;
                if (more) rest.first = addr_next(last);
            }
        }
    }
    return out;
}

struct prefix_set prefix_set_v4(struct arena *arena, struct prefix_set set)
{
    return prefix_set_intersect(arena, set, (struct prefix_set){&addr_all_v4, 1});
}

struct prefix_set prefix_set_v6(struct arena *arena, struct prefix_set set)
{
    return prefix_set_subtract(arena, set, (struct prefix_set){&addr_all_v4, 1});
}
