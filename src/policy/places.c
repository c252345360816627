/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/places.h"

/* One range of IPv4 addresses; of IPv6 addresses, by the upper halves of its ends. */
#define V4(first, last)                                                                            \
    {                                                                                              \
        {0, UINT64_C(0xFFFF) << 32 | (first)},                                                     \
        {                                                                                          \
            0, UINT64_C(0xFFFF) << 32 | (last)                                                     \
        }                                                                                          \
    }
#define V6(first, last)                                                                            \
    {                                                                                              \
        {first, 0},                                                                                \
        {                                                                                          \
            last, UINT64_MAX                                                                       \
        }                                                                                          \
    }

/* In the order of the line: unspecified and loopback, 0.0.0.0, 127/8, 169.254/16, multicast,
 * broadcast, fe80::/10, ff00::/8. */
static const struct range local_ranges[] = {
    {{0, 0}, {0, 1}},
    V4(0x00000000, 0x00000000),
    V4(0x7F000000, 0x7FFFFFFF),
    V4(0xA9FE0000, 0xA9FEFFFF),
    V4(0xE0000000, 0xEFFFFFFF),
    V4(0xFFFFFFFF, 0xFFFFFFFF),
    V6(0xFE80000000000000, 0xFEBFFFFFFFFFFFFF),
    V6(0xFF00000000000000, 0xFFFFFFFFFFFFFFFF),
};
const struct prefix_set places_local = {local_ranges, COUNT_OF(local_ranges)};

/* 10/8, 100.64/10 (shared), 172.16/12, 192.168/16, 64:ff9b::/96 (translated), fc00::/7. */
static const struct range private_ranges[] = {
    V4(0x0A000000, 0x0AFFFFFF),
    V4(0x64400000, 0x647FFFFF),
    V4(0xAC100000, 0xAC1FFFFF),
    V4(0xC0A80000, 0xC0A8FFFF),
    {{0x0064FF9B00000000, 0}, {0x0064FF9B00000000, 0xFFFFFFFF}},
    V6(0xFC00000000000000, 0xFDFFFFFFFFFFFFFF),
};
const struct prefix_set places_private = {private_ranges, COUNT_OF(private_ranges)};

static bool is_v6_around_v4(struct prefix p)
{
    return p.len < 96 && prefix_contains(p, addr_all_v4.first);
}

struct prefix_set places_of_prefix(struct prefix p, struct arena *arena)
{
    struct prefix_set set = prefix_set_of_prefix(arena, p);
    return is_v6_around_v4(p) ? prefix_set_v6(arena, set) : set;
}

bool places_prefix_has(struct prefix p, struct addr a)
{
    return prefix_contains(p, a) && !(is_v6_around_v4(p) && addr_is_v4(a));
}

/* ---- Longest prefix -----------------------------------------------------------------------------
 */

struct network {
    struct range range;
    uint8_t len;
    size_t segment;
};

/* By place on the line, the outer one first. */
static int nesting_order(const void *left, const void *right)
{
    const struct network *a = left, *b = right;
    int order = addr_compare(a->range.first, b->range.first);
    return order ? order : (int)a->len - (int)b->len;
}

static struct network *networks_of(const struct policy *policy, struct arena *arena, size_t *n)
{
    size_t total = 0;
    for (size_t i = 0; i < policy->n_segments; i++)
        total += policy->segments[i].n_networks;
    struct network *networks = arena_array(arena, struct network, total);
    *n = 0;
    for (size_t i = 0; i < policy->n_segments; i++)
        for (size_t j = 0; j < policy->segments[i].n_networks; j++) {
            struct prefix p = policy->segments[i].networks[j].prefix;
            networks[(*n)++] = (struct network){prefix_range(p), p.len, i};
        }
    qsort(networks, *n, sizeof *networks, nesting_order);
    return networks;
}

/* The line cut at every border of a network, each piece with the innermost network's segment. */
struct sweep {
    struct lived_range *pieces;
    size_t n;
    struct network stack[129]; /* nested prefixes have different lengths, 0..128 */
    size_t depth;
    struct addr at; /* nothing before it is left to give */
};

static void give(struct sweep *s, struct addr first, struct addr last, size_t segment)
{
    if (addr_compare(first, last) > 0) return;
    s->pieces[s->n++] = (struct lived_range){
        {first, last},
        segment
    };
}

static void close_before(struct sweep *s, const struct network *next)
{
    while (s->depth) {
        struct network top = s->stack[s->depth - 1];
        if (next && addr_compare(top.range.last, next->range.first) >= 0) return;
        give(s, s->at, top.range.last, top.segment);
        /* A network never ends the line: its last addresses are multicast, so local. */
        s->at = addr_next(top.range.last);
        s->depth--;
    }
}

static struct sweep sweep_networks(const struct network *networks, size_t n, struct arena *arena)
{
    struct sweep s = {.pieces = arena_array(arena, struct lived_range, 2 * n + 1)};
    for (size_t i = 0; i < n; i++) {
        const struct network *next = &networks[i];
        close_before(&s, next);
        bool inside = s.depth > 0;
        bool gap = inside && addr_compare(s.at, next->range.first) < 0;
        if (gap) give(&s, s.at, addr_previous(next->range.first), s.stack[s.depth - 1].segment);
        s.at = next->range.first;
        s.stack[s.depth++] = *next;
    }
    close_before(&s, NULL);
    return s;
}

struct places places_of_policy(const struct policy *policy, struct arena *arena)
{
    size_t n = 0;
    const struct network *networks = networks_of(policy, arena, &n);
    struct sweep sweep = sweep_networks(networks, n, arena);
    struct prefix_set *segments = arena_array(arena, struct prefix_set, policy->n_segments);
    size_t *counts = arena_array(arena, size_t, policy->n_segments);
    struct range **ranges = arena_array(arena, struct range *, policy->n_segments);
    struct range *all = arena_array(arena, struct range, sweep.n);

    for (size_t i = 0; i < sweep.n; i++)
        counts[sweep.pieces[i].segment]++;
    for (size_t i = 0; i < policy->n_segments; i++) {
        ranges[i] = arena_array(arena, struct range, counts[i]);
        counts[i] = 0;
    }
    for (size_t i = 0; i < sweep.n; i++) {
        size_t segment = sweep.pieces[i].segment;
        ranges[segment][counts[segment]++] = sweep.pieces[i].range;
        all[i] = sweep.pieces[i].range;
    }
    for (size_t i = 0; i < policy->n_segments; i++)
        segments[i] = prefix_set_of(arena, ranges[i], counts[i]);

    struct prefix_set lived = prefix_set_of(arena, all, sweep.n);
    struct prefix_set line = prefix_set_of(arena, &addr_all, 1);
    struct prefix_set rest = prefix_set_subtract(arena, line, lived);
    rest = prefix_set_subtract(arena, rest, places_local);
    return (struct places){
        .segments = segments,
        .lived = sweep.pieces,
        .n_lived = sweep.n,
        .unknown = prefix_set_intersect(arena, rest, places_private),
        .internet = prefix_set_subtract(arena, rest, places_private),
        .local = places_local,
    };
}
