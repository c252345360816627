/* SPDX-License-Identifier: Apache-2.0 */
/* Whole maps of two policies on the same classes: equal numbers are equal meaning. */
#include "base/test.h"
#include "rules/decision.h"
#include "rules/random_world.h"

enum { WORLDS = 150 };

/* Two policies of one world, the second with other entries. */
struct pair_of_worlds {
    struct random_world *a, *b;
    const struct atoms *atoms;
    const struct decision *decision_a, *decision_b;
};

static struct pair_of_worlds make_pair(struct arena *arena, struct arena scratch, uint64_t seed)
{
    struct pair_of_worlds w = {.a = world_make(arena, seed, true)};
    w.b = arena_new(arena, struct random_world);
    *w.b = *w.a;
    w.b->resolved.policy = &w.b->policy;
    w.b->seed = hash_u64(seed + 1);
    if (seed % 3) world_entries(w.b, true);
    if (seed % 5 == 0) world_borders(w.b);
    if (seed % 7 == 0) {
        memset(w.b->resolved.modes, 0, sizeof w.b->resolved.modes);
        world_modes(w.b);
    }
    struct prefix_set *sets = NULL;
    size_t n = 0, room = 0;
    decision_sets(&w.a->resolved, arena, &sets, &n, &room);
    decision_sets(&w.b->resolved, arena, &sets, &n, &room);
    w.atoms = atoms_build(sets, n, arena, scratch);
    w.decision_a = decision_build(&w.a->resolved, w.atoms, arena, scratch);
    w.decision_b = decision_build(&w.b->resolved, w.atoms, arena, scratch);
    return w;
}

/* Maps that share their sets are equal exactly where rows hold the same classes. */
static void maps_are_canonical(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n_equal = 0, n_differ = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct pair_of_worlds w = make_pair(&arena, scratch, seed);
        struct class_sets sets;
        class_sets_begin(&sets, &arena);
        enum profile profile = (enum profile)(seed % PROFILE_COUNT);
        enum side side = (enum side)(seed / 3 % (SIDE_COUNT + 1));
        bool secured = seed % 2;
        const uint32_t *a =
            decision_map(w.decision_a, 0, profile, side, secured, &sets, &arena, scratch);
        const uint32_t *b =
            decision_map(w.decision_b, 0, profile, side, secured, &sets, &arena, scratch);
        for (uint32_t c = 0; c < atoms_count(w.atoms); c++) {
            uint32_t row_a = decision_row(w.decision_a, 0, profile, side, secured, c);
            uint32_t row_b = decision_row(w.decision_b, 0, profile, side, secured, c);
            struct class_set in_a = decision_row_classes(w.decision_a, row_a, &arena);
            struct class_set in_b = decision_row_classes(w.decision_b, row_b, &arena);
            assert_true(class_set_equal(class_sets_get(&sets, a[c]), in_a));
            assert_int_equal(a[c] == b[c], class_set_equal(in_a, in_b));
            n_equal += a[c] == b[c];
            n_differ += a[c] != b[c];
        }
    }
    assert_true(n_equal > WORLDS && n_differ > WORLDS);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(maps_are_canonical)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
