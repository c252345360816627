/* SPDX-License-Identifier: Apache-2.0 */
/* Set operations against a bitmap of a small world: the 64 addresses 10.0.0.0..63. */
#include "base/prefix_set.h"

#include "base/hash.h"
#include "base/test.h"

enum { WORLD = 64, ROUNDS = 2000 };

static struct prefix_set random_set(struct arena *arena, uint64_t *seed, uint64_t *bits)
{
    struct range ranges[6];
    size_t n = (size_t)((*seed = hash_u64(*seed)) % 6);
    *bits = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t a = (uint32_t)((*seed = hash_u64(*seed)) % WORLD);
        uint32_t b = (uint32_t)((*seed = hash_u64(*seed)) % WORLD);
        uint32_t first = a < b ? a : b, last = a < b ? b : a;
        ranges[i] = (struct range){addr_v4(0x0A000000 + first), addr_v4(0x0A000000 + last)};
        for (uint32_t at = first; at <= last; at++)
            *bits |= UINT64_C(1) << at;
    }
    return prefix_set_of(arena, ranges, n);
}

static void assert_set_is(struct prefix_set set, uint64_t bits)
{
    for (uint32_t at = 0; at < WORLD; at++) {
        bool in = prefix_set_contains(set, addr_v4(0x0A000000 + at));
        assert_int_equal(in, bits >> at & 1);
    }
    assert_int_equal(prefix_set_size(set), __builtin_popcountll(bits));
    for (size_t i = 1; i < set.n; i++)
        assert_true(addr_compare(addr_next(set.ranges[i - 1].last), set.ranges[i].first) < 0);
}

static void operations_agree_with_bitmaps(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    uint64_t seed = 1;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t x = 0, y = 0;
        arena_reset(&arena);
        struct prefix_set a = random_set(&arena, &seed, &x), b = random_set(&arena, &seed, &y);
        assert_set_is(a, x);
        assert_set_is(prefix_set_union(&arena, a, b), x | y);
        assert_set_is(prefix_set_intersect(&arena, a, b), x & y);
        assert_set_is(prefix_set_subtract(&arena, a, b), x & ~y);
        assert_int_equal(prefix_set_overlaps(a, b), (x & y) != 0);
        assert_int_equal(prefix_set_covers(a, b), (y & ~x) == 0);
        assert_int_equal(prefix_set_equal(a, b), x == y);

        size_t n = 0;
        uint64_t bits = 0;
        struct prefix *prefixes = prefix_set_prefixes(&arena, a, &n);
        for (size_t i = 0; i < n; i++)
            for (uint32_t at = 0; at < WORLD; at++)
                if (prefix_contains(prefixes[i], addr_v4(0x0A000000 + at))) {
                    assert_false(bits >> at & 1);
                    bits |= UINT64_C(1) << at;
                }
        assert_int_equal(bits, x);
    }
    arena_close(&arena);
}

static void the_ends_of_the_line_are_reached(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    struct prefix_set all = prefix_set_of(&arena, &addr_all, 1);
    struct prefix_set v4 = prefix_set_v4(&arena, all), v6 = prefix_set_v6(&arena, all);
    size_t n = 0;
    assert_int_equal(v4.n, 1);
    assert_int_equal(v6.n, 2);
    assert_int_equal(prefix_set_size(v4), UINT64_C(1) << 32);
    assert_int_equal(prefix_set_size(all), UINT64_MAX);
    assert_true(prefix_set_equal(prefix_set_union(&arena, v4, v6), all));
    assert_true(prefix_set_is_empty(prefix_set_intersect(&arena, v4, v6)));
    struct prefix *prefixes = prefix_set_prefixes(&arena, v4, &n);
    assert_int_equal(n, 1);
    char text[PREFIX_TEXT];
    assert_true(str_equal(prefix_text(text, prefixes[0]), S("0.0.0.0/0")));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(operations_agree_with_bitmaps),
        cmocka_unit_test(the_ends_of_the_line_are_reached),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
