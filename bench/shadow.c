/* SPDX-License-Identifier: Apache-2.0 */
/* Which allow entries add nothing to the union of the others: ours beside binary decision diagrams
 * (BuDDy), on the same entries from a seeded generator.
 *
 * usage: shadow ours|buddy pairs|groups|nested ENTRIES
 *   pairs   one /28 of clients to one server each, a twentieth of them inside of another one
 *   groups  300 groups of eight /24, 300 of eight servers, an entry for some of each
 *   nested  prefixes of any length at both ends: everything overlaps
 *
 * BuDDy is asked less: whether an entry is inside of the union of those before it. Ours says which
 * may all be deleted at once, and by whom each is covered (of the first thousand).
 */
#include <bdd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "reason/regions.h"

enum { GROUPS = 300, MEMBERS = 8, ADDRESS_BITS = 32, LISTED = 1000 };

/* An entry by the sets that it names. */
struct named {
    size_t from, to;
};

struct world {
    struct prefix_set *sets;
    size_t n_sets;
    struct named *entries;
    size_t n;
};

static uint32_t next(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*state >> 33) % below);
}

static struct range block(uint32_t first, uint32_t bits)
{
    uint32_t size = (uint32_t)(UINT64_C(1) << bits) - 1;
    return (struct range){addr_v4(first & ~size), addr_v4(first | size)};
}

static size_t add_set(struct world *w, struct arena *arena, const struct range *ranges, size_t n)
{
    w->sets[w->n_sets] = prefix_set_of(arena, ranges, n);
    return w->n_sets++;
}

static void add_pairs(struct world *w, struct arena *arena, uint64_t *seed)
{
    for (size_t i = 0; i < w->n; i++) {
        uint32_t client = (10u << 24) + next(seed, 1 << 19) * 16;
        uint32_t server = (10u << 24) + (1 << 23) + next(seed, 1 << 23);
        struct range from = block(client, 4), to = block(server, 0);
        if (i % 20 == 19) {
            struct named inside = w->entries[next(seed, (uint32_t)i)];
            from = block(addr_v4_value(w->sets[inside.from].ranges[0].first) + next(seed, 4), 0);
            to = w->sets[inside.to].ranges[0];
        }
        w->entries[i].from = add_set(w, arena, &from, 1);
        w->entries[i].to = add_set(w, arena, &to, 1);
    }
}

static void add_groups(struct world *w, struct arena *arena, uint64_t *seed)
{
    for (size_t g = 0; g < 2 * GROUPS; g++) {
        struct range members[MEMBERS];
        for (size_t i = 0; i < MEMBERS; i++)
            members[i] = g < GROUPS ? block((10u << 24) + next(seed, 1 << 15) * 256, 8)
                                    : block((10u << 24) + (1 << 23) + next(seed, 1 << 23), 0);
        (void)add_set(w, arena, members, MEMBERS);
    }
    for (size_t i = 0; i < w->n; i++)
        w->entries[i] = (struct named){next(seed, GROUPS), GROUPS + next(seed, GROUPS)};
}

static void add_nested(struct world *w, struct arena *arena, uint64_t *seed)
{
    for (size_t i = 0; i < w->n; i++) {
        struct range from = block((10u << 24) + next(seed, 1 << 23), 4 + next(seed, 17));
        struct range to = block((11u << 24) + next(seed, 1 << 23), next(seed, 17));
        w->entries[i].from = add_set(w, arena, &from, 1);
        w->entries[i].to = add_set(w, arena, &to, 1);
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t ours(const struct world *w, struct arena *arena, struct arena scratch)
{
    struct region_boxes laid;
    struct region *regions = arena_array(arena, struct region, w->n);
    size_t *near = arena_array(arena, size_t, w->n), *holding = arena_array(arena, size_t, w->n);
    size_t n_surplus = 0;
    for (size_t i = 0; i < w->n; i++)
        regions[i] = (struct region){.from = w->sets[w->entries[i].from],
                                     .to = w->sets[w->entries[i].to],
                                     .slabs = class_set_one(arena, 0)};
    regions_lay(&laid, regions, w->n, NULL, arena, scratch);
    struct cover_result result = cover_reduce(laid.boxes, w->n, NULL, arena, scratch);
    struct cover_index index = cover_index_of(laid.boxes, w->n, arena, scratch);
    for (size_t i = 0; i < w->n; i++) {
        if (!result.surplus[i] || n_surplus++ >= LISTED) continue;
        size_t n = cover_meeting(&index, &laid.boxes[i], near), staying = 0;
        for (size_t j = 0; j < n; j++)
            if (!result.surplus[near[j]]) near[staying++] = near[j];
        if (!cover_of(laid.boxes, i, near, staying, NULL, holding, *arena, scratch)) abort();
    }
    if (result.n_undecided) printf("%zu undecided\n", result.n_undecided);
    return n_surplus;
}

/* The addresses from first to last, whose bits begin at a variable. */
static bdd range_bdd(uint32_t first, uint32_t last, int variable)
{
    /* A block: the bits above those that differ. */
    bdd all = bddtrue;
    bdd_addref(all);
    for (int bit = 0; bit < ADDRESS_BITS; bit++) {
        uint32_t mask = UINT32_C(1) << bit;
        if ((first ^ last) & mask) continue;
        int at = variable + ADDRESS_BITS - 1 - bit;
        bdd more = bdd_addref(bdd_and(all, first & mask ? bdd_ithvar(at) : bdd_nithvar(at)));
        bdd_delref(all);
        all = more;
    }
    return all;
}

static bdd set_bdd(struct prefix_set set, int variable)
{
    bdd all = bdd_addref(bddfalse);
    for (size_t i = 0; i < set.n; i++) {
        size_t n;
        struct arena arena = arena_open("set", 0, NULL);
        struct prefix *prefixes =
            prefix_set_prefixes(&arena, (struct prefix_set){&set.ranges[i], 1}, &n);
        for (size_t j = 0; j < n; j++) {
            struct range r = prefix_range(prefixes[j]);
            bdd one = range_bdd(addr_v4_value(r.first), addr_v4_value(r.last), variable);
            bdd more = bdd_addref(bdd_or(all, one));
            bdd_delref(all);
            bdd_delref(one);
            all = more;
        }
        arena_close(&arena);
    }
    return all;
}

static size_t buddy(const struct world *w, struct arena *arena)
{
    size_t n_inside = 0;
    bdd *sets[] = {arena_array(arena, bdd, w->n_sets), arena_array(arena, bdd, w->n_sets)};
    bdd before = bdd_addref(bddfalse);
    for (size_t i = 0; i < w->n; i++) {
        size_t ends[] = {w->entries[i].from, w->entries[i].to};
        for (int side = 0; side < 2; side++)
            if (!sets[side][ends[side]])
                sets[side][ends[side]] = set_bdd(w->sets[ends[side]], side * ADDRESS_BITS);
        bdd rule = bdd_addref(bdd_and(sets[0][ends[0]], sets[1][ends[1]]));
        n_inside += bdd_imp(rule, before) == bddtrue;
        bdd all = bdd_addref(bdd_or(before, rule));
        bdd_delref(before);
        bdd_delref(rule);
        before = all;
    }
    return n_inside;
}

int main(int argc, char **argv)
{
    struct arena arena = arena_open("world", UINT64_C(4) << 30, NULL);
    struct arena scratch = arena_open("scratch", UINT64_C(4) << 30, NULL);
    struct arena room = arena_open("room", UINT64_C(4) << 30, NULL);
    uint64_t seed = 20261122;
    long n = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    if (n <= 0) {
        fprintf(stderr, "usage: shadow ours|buddy pairs|groups|nested ENTRIES\n");
        return 2;
    }
    struct world w = {.n = (size_t)n};
    w.sets = arena_array(&arena, struct prefix_set, 2 * w.n + 2 * GROUPS);
    w.entries = arena_array(&arena, struct named, w.n);
    if (argv[2][0] == 'p') add_pairs(&w, &arena, &seed);
    if (argv[2][0] == 'g') add_groups(&w, &arena, &seed);
    if (argv[2][0] == 'n') add_nested(&w, &arena, &seed);
    double begin = seconds();
    size_t found;
    if (argv[1][0] == 'o') {
        found = ours(&w, &room, scratch);
    } else {
        bdd_init(2000000, 200000);
        bdd_setvarnum(2 * ADDRESS_BITS);
        bdd_gbc_hook(NULL);
        bdd_setcacheratio(10);
        bdd_setmaxincrease(1000000);
        begin = seconds();
        found = buddy(&w, &room);
    }
    printf("%s %s %ld: %.3f s CPU, %zu of them superfluous\n", argv[1], argv[2], n,
           seconds() - begin, found);
    return 0;
}
