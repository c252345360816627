/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/entry_index.h"

#include "base/test.h"
#include "rules/random_world.h"

enum { WORLDS = 300, QUESTIONS = 60 };

/* Every entry that names the address is met once, in order; of others only those kept apart. */
static void each_entry_is_met_in_order(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, seed, true);
        const struct entry_index *index = entry_index_of(&w->resolved, &arena, scratch);
        for (int i = 0; i < QUESTIONS; i++) {
            enum resolve_end end = world_random(w, 2) ? RESOLVE_CLIENT : RESOLVE_SERVER;
            struct addr a = world_addr(w);
            struct entry_walk walk = entry_index_at(index, end, a);
            size_t next = entry_walk_next(&walk);
            for (size_t e = 0; e < w->resolved.n_entries; e++) {
                const struct resolved_entry *entry = &w->resolved.entries[e];
                bool named =
                    prefix_set_contains(end == RESOLVE_CLIENT ? entry->from : entry->to, a);
                if (named && next != e) fail_msg("world %" PRIu64 ": entry %zu", seed, e);
                if (next == e) next = entry_walk_next(&walk);
            }
            assert_true(next == SIZE_MAX);
        }
    }
    arena_close(&scratch);
    arena_close(&arena);
}

/* With the index and without, the same is said. */
static void the_same_reasons(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, seed, true);
        const struct decision *d = decision_build(&w->resolved, NULL, &arena, scratch);
        const struct entry_index *index = entry_index_of(&w->resolved, &arena, scratch);
        for (int i = 0; i < QUESTIONS; i++) {
            struct flow_question q = {
                .client = world_addr(w),
                .server = world_addr(w),
                .service = (int)world_random(w, service_builtin.n),
                .profile = (enum profile)world_random(w, PROFILE_COUNT),
            };
            for (unsigned side = 0; side <= SIDE_COUNT; side++) {
                struct flow_reason all = decision_why(d, &q, (enum side)side, &arena);
                struct flow_reason by = decision_why_by(d, index, &q, (enum side)side, &arena);
                if (all.entry != by.entry || all.perimeter != by.perimeter ||
                    !str_equal(all.text, by.text) || !str_equal(all.where, by.where))
                    fail_msg("world %" PRIu64 ": \"%.*s\", not \"%.*s\"", seed, STR_ARG(by.text),
                             STR_ARG(all.text));
            }
        }
    }
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_entry_is_met_in_order),
        cmocka_unit_test(the_same_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
