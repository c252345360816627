/* SPDX-License-Identifier: Apache-2.0 */
/* The table against a search of the intervals: crowded, nested and scattered ones of both families.
 */
#include "rules/address_table.h"

#include "base/hash.h"
#include "base/test.h"

enum { ROUNDS = 300, MOST = 400, LARGE = 200000 };

struct world {
    struct arena arena;
    struct addr *starts;
    uint32_t *class_of;
    size_t n;
    uint64_t seed;
};

static uint64_t random_of(struct world *w, uint64_t below)
{
    w->seed = hash_u64(w->seed);
    return w->seed % below;
}

static int addr_order(const void *left, const void *right)
{
    const struct addr *a = left, *b = right;
    return addr_compare(*a, *b);
}

/* Kinds of networks: hosts in one /24, in one /64, prefixes nested in each other, anything. */
static struct addr random_addr(struct world *w)
{
    struct addr a = {0};
    switch (random_of(w, 7)) {
    case 0:
        return addr_v4(UINT32_C(0x0A010200) + (uint32_t)random_of(w, 256));
    case 1:
        return addr_v4((uint32_t)random_of(w, UINT32_MAX));
    case 2:
        return addr_v4(UINT32_C(0x0A000000) + (UINT32_C(1) << random_of(w, 24)));
    case 3:
        return (struct addr){UINT64_C(0x20010DB800100000), random_of(w, 300)};
    case 4:
        return (struct addr){UINT64_C(0x20010DB800000000) + (random_of(w, 500) << 16), 0};
    case 5:
        a.hi = UINT64_C(1) << random_of(w, 64);
        a.lo = random_of(w, 2) ? 0 : UINT64_C(1) << random_of(w, 64);
        return a;
    default:
        a.lo = UINT64_C(1) << random_of(w, 64);
        return a;
    }
}

static void make(struct world *w, size_t most)
{
    size_t n = 0;
    w->starts = arena_array(&w->arena, struct addr, most + 1);
    w->class_of = arena_array(&w->arena, uint32_t, most + 1);
    for (size_t i = 0; i < most; i++)
        w->starts[i + 1] = random_addr(w);
    w->starts[0] = addr_all.first;
    qsort(w->starts, most + 1, sizeof *w->starts, addr_order);
    for (size_t i = 0; i <= most; i++)
        if (!i || !addr_equal(w->starts[i], w->starts[n - 1])) w->starts[n++] = w->starts[i];
    for (size_t i = 0; i < n; i++)
        w->class_of[i] = (uint32_t)(i * 7);
    w->n = n;
}

static uint32_t linear(const struct world *w, struct addr a)
{
    size_t low = 0, high = w->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(w->starts[middle], a) <= 0)
            low = middle;
        else
            high = middle;
    }
    return w->class_of[low];
}

static void check(const struct world *w, const struct address_table *table, struct addr a)
{
    char text[ADDR_TEXT];
    uint32_t found = address_table_find(table, a), expected = linear(w, a);
    if (found != expected)
        fail_msg("%.*s: %u, not %u of %zu", STR_ARG(addr_text(text, a)), found, expected, w->n);
}

static void finds_what_a_search_finds(void **state)
{
    (void)state;
    struct world w = {.arena = arena_open("test", 0, NULL), .seed = 1};
    for (size_t round = 0; round < ROUNDS; round++) {
        arena_reset(&w.arena);
        make(&w, (size_t)random_of(&w, round % 10 ? MOST : 3));
        struct address_table *table = address_table_build(w.starts, w.class_of, w.n, &w.arena);
        struct addr *probes = arena_array(&w.arena, struct addr, 3 * w.n + MOST);
        uint32_t *classes = arena_array(&w.arena, uint32_t, 3 * w.n + MOST);
        size_t n = 0;
        for (size_t i = 0; i < w.n; i++) {
            probes[n++] = w.starts[i];
            if (i) probes[n++] = addr_previous(w.starts[i]);
            probes[n++] = addr_next(w.starts[i]);
        }
        probes[n++] = addr_all.last;
        probes[n++] = addr_all_v4.first;
        probes[n++] = addr_all_v4.last;
        for (size_t i = 0; i < MOST / 2; i++)
            probes[n++] = random_addr(&w);
        for (size_t i = 0; i < n; i++)
            check(&w, table, probes[i]);
        address_table_find_many(table, probes, n, classes);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(classes[i], linear(&w, probes[i]));
    }
    arena_close(&w.arena);
}

/* 10^5 prefixes are twice as many boundaries; 16 MiB is what they may take. */
static void many_prefixes_fit(void **state)
{
    (void)state;
    for (int crowded = 0; crowded < 2; crowded++) {
        struct world w = {.arena = arena_open("test", 0, NULL), .seed = 2};
        w.starts = arena_array(&w.arena, struct addr, LARGE + 1);
        w.class_of = arena_array(&w.arena, uint32_t, LARGE + 1);
        w.n = 1;
        w.starts[0] = addr_all.first;
        /* All over IPv4, or /28s of one /8 and the rest of it. */
        for (uint32_t i = 0; i < LARGE; i++) {
            uint32_t at = crowded ? UINT32_C(0x0A000000) + i * 16
                                  : i * (UINT32_MAX / LARGE) + (uint32_t)random_of(&w, 20000);
            w.class_of[w.n] = i % 30000;
            w.starts[w.n++] = addr_v4(at);
        }
        struct address_table *table = address_table_build(w.starts, w.class_of, w.n, &w.arena);
        assert_true(address_table_bytes(table) < UINT64_C(16) << 20);
        for (size_t i = 0; i < LARGE; i++)
            check(&w, table, addr_v4((uint32_t)hash_u64(i)));
        for (size_t i = 1; i < w.n; i++)
            check(&w, table, w.starts[i]);
        arena_close(&w.arena);
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(finds_what_a_search_finds),
        cmocka_unit_test(many_prefixes_fit),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
