/* SPDX-License-Identifier: Apache-2.0 */
/* Sets as runs against sets as flags. */
#include "rules/class_set.h"

#include "base/hash.h"
#include "base/test.h"

enum { CLASSES = 200, ROUNDS = 2000, MANY = 100000 };

struct flags {
    bool has[CLASSES];
};

static struct class_set random_set(struct arena *arena, uint64_t *seed, struct flags *out)
{
    uint32_t classes[CLASSES];
    size_t n = 0;
    *out = (struct flags){0};
    *seed = hash_u64(*seed);
    uint64_t pieces = *seed % 40;
    for (uint64_t i = 0; i < pieces && n + 8 < CLASSES; i++) {
        *seed = hash_u64(*seed);
        uint32_t at = (uint32_t)(*seed % CLASSES), len = (uint32_t)(*seed >> 32) % 8;
        for (uint32_t c = at; c <= at + len && c < CLASSES; c++) {
            classes[n++] = c;
            out->has[c] = true;
        }
    }
    return class_set_of(arena, classes, n);
}

static void same_as_flags(struct class_set set, const struct flags *flags)
{
    uint64_t size = 0;
    for (uint32_t c = 0; c < CLASSES; c++) {
        assert_int_equal(class_set_has(set, c), flags->has[c]);
        size += flags->has[c];
        uint32_t next = c;
        while (next < CLASSES && !flags->has[next])
            next++;
        assert_int_equal(class_set_next(set, c), next == CLASSES ? UINT32_MAX : next);
    }
    assert_int_equal(class_set_size(set), size);
    assert_int_equal(class_set_is_empty(set), !size);
    for (size_t i = 0; i < set.n; i++) {
        assert_true(set.runs[i].first <= set.runs[i].last);
        assert_true(!i || set.runs[i].first > set.runs[i - 1].last + 1);
    }
}

static void operations_are_those_of_sets(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    uint64_t seed = 1;
    (void)state;
    for (size_t round = 0; round < ROUNDS; round++) {
        arena_reset(&arena);
        struct flags a, b, either, both, less, one_of;
        struct class_set x = random_set(&arena, &seed, &a), y = random_set(&arena, &seed, &b);
        bool overlap = false, cover = true, equal = true;
        for (size_t c = 0; c < CLASSES; c++) {
            either.has[c] = a.has[c] || b.has[c];
            both.has[c] = a.has[c] && b.has[c];
            less.has[c] = a.has[c] && !b.has[c];
            one_of.has[c] = a.has[c] != b.has[c];
            overlap = overlap || both.has[c];
            cover = cover && (a.has[c] || !b.has[c]);
            equal = equal && !one_of.has[c];
        }
        same_as_flags(x, &a);
        same_as_flags(class_set_unite(&arena, x, y), &either);
        same_as_flags(class_set_intersect(&arena, x, y), &both);
        same_as_flags(class_set_subtract(&arena, x, y), &less);
        same_as_flags(class_set_differ(&arena, x, y), &one_of);
        const struct class_set pair[] = {y, x};
        same_as_flags(class_set_unite_all(&arena, pair, 2), &either);
        assert_int_equal(class_set_overlaps(x, y), overlap);
        assert_int_equal(class_set_covers(x, y), cover);
        assert_int_equal(class_set_equal(x, y), equal);
        assert_true(class_set_equal(x, class_set_copy(&arena, x)));
        same_as_flags(x, &a); /* what was made since has not touched it */
        same_as_flags(y, &b);
    }
    arena_close(&arena);
}

/* As many runs as exceptions, out of order, need the sort by digits. */
static void many_runs_are_joined(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    uint32_t *classes = arena_array(&arena, uint32_t, MANY);
    (void)state;
    for (uint32_t i = 0; i < MANY; i++)
        classes[i] = (i * 7919 % MANY) * 3; /* each multiple of three once */
    struct class_set thirds = class_set_of(&arena, classes, MANY);
    assert_int_equal(thirds.n, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(thirds.runs[i].first, 3 * i);
    struct class_set *parts = arena_array(&arena, struct class_set, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        parts[i] = class_set_one(&arena, i * 7919 % MANY);
    struct class_set whole = class_set_unite_all(&arena, parts, MANY);
    assert_true(class_set_equal(whole, class_set_all(&arena, MANY)));
    arena_close(&arena);
}

static void equal_sets_have_one_number(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct class_sets sets;
    uint64_t seed = 7;
    (void)state;
    class_sets_begin(&sets, &arena);
    assert_int_equal(class_sets_intern(&sets, &arena, (struct class_set){0}), 0);
    for (size_t i = 0; i < ROUNDS; i++) {
        struct arena inner = scratch;
        struct flags flags, other_flags;
        struct class_set set = random_set(&inner, &seed, &flags);
        uint32_t number = class_sets_intern(&sets, &arena, set);
        assert_int_equal(class_sets_intern(&sets, &arena, set), number);
        same_as_flags(class_sets_get(&sets, number), &flags);
        struct class_set other = random_set(&inner, &seed, &other_flags);
        uint32_t other_number = class_sets_intern(&sets, &arena, other);
        assert_int_equal(number == other_number, class_set_equal(set, other));
    }
    assert_true(sets.n > ROUNDS);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(operations_are_those_of_sets),
        cmocka_unit_test(many_runs_are_joined),
        cmocka_unit_test(equal_sets_have_one_number),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
