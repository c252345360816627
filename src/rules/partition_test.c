/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/partition.h"

#include "base/hash.h"
#include "base/test.h"

enum { CLASSES = 120, SETS = 9, ROUNDS = 500, MANY_SETS = 3000 };

static struct class_set random_set(struct arena *arena, uint64_t *seed, uint32_t below)
{
    uint32_t classes[CLASSES];
    size_t n = 0;
    *seed = hash_u64(*seed);
    uint64_t pieces = *seed % 5;
    for (uint64_t i = 0; i < pieces; i++) {
        *seed = hash_u64(*seed);
        uint32_t at = (uint32_t)(*seed % below), len = (uint32_t)(*seed >> 32) % 12;
        for (uint32_t c = at; c <= at + len && c < below; c++)
            classes[n++] = c;
    }
    return class_set_of(arena, classes, n);
}

static void parts_are_memberships(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    uint64_t seed = 3;
    (void)state;
    for (size_t round = 0; round < ROUNDS; round++) {
        arena_reset(&arena);
        struct class_set sets[SETS];
        uint32_t n_classes = 1 + (uint32_t)(round % CLASSES);
        size_t n = round % SETS;
        for (size_t i = 0; i < n; i++)
            sets[i] = random_set(&arena, &seed, n_classes);
        struct partition p = partition_of(sets, n, n_classes, &arena, scratch);
        for (uint32_t a = 0; a < n_classes; a++)
            for (uint32_t b = 0; b < a; b++) {
                bool same = true;
                for (size_t i = 0; i < n; i++)
                    same = same && class_set_has(sets[i], a) == class_set_has(sets[i], b);
                assert_int_equal(p.of[a] == p.of[b], same);
            }
        uint32_t next = 0;
        for (uint32_t c = 0; c < n_classes; c++) {
            assert_true(p.of[c] <= next); /* numbered by their smallest class */
            next += p.of[c] == next;
        }
        assert_int_equal(p.n, next);
        for (size_t i = 0; i < n; i++) {
            struct class_set parts = partition_parts(&p, sets[i], &arena);
            for (uint32_t c = 0; c < n_classes; c++)
                assert_int_equal(class_set_has(parts, p.of[c]), class_set_has(sets[i], c));
            assert_true(class_set_equal(partition_classes(&p, parts, &arena), sets[i]));
        }
    }
    arena_close(&scratch);
    arena_close(&arena);
}

/* Sets that each touch everything again and again: numbers of parts that are no more are reused. */
static void many_sets_need_no_more_room(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct class_set *sets = arena_array(&arena, struct class_set, MANY_SETS);
    uint64_t seed = 5;
    (void)state;
    for (size_t i = 0; i < MANY_SETS; i++)
        sets[i] = i % 2 ? class_set_all(&arena, CLASSES) : random_set(&arena, &seed, CLASSES);
    struct partition p = partition_of(sets, MANY_SETS, CLASSES, &arena, scratch);
    for (uint32_t c = 1; c < CLASSES; c++)
        for (size_t i = 0; i < MANY_SETS; i++)
            if (class_set_has(sets[i], c) != class_set_has(sets[i], c - 1)) {
                assert_true(p.of[c] != p.of[c - 1]);
                break;
            }
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(parts_are_memberships),
        cmocka_unit_test(many_sets_need_no_more_room),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
