/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/what_if.h"

#include "reason/random_policy.h"

enum { POLICIES = 60, QUESTIONS = 12 };

/* Entries that can't match have no say: the policy cut down answers as the whole does. */
static void the_cut_policy_answers_alike(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct arena work = arena_open("work", 0, NULL);
    (void)state;
    for (uint64_t seed = 1; seed <= POLICIES; seed++) {
        struct random_policy p;
        arena_reset(&arena);
        random_policy_make(&p, &arena, seed, seed % 3 == 0, scratch);
        for (int i = 0; i < QUESTIONS; i++) {
            struct flow_question q = random_question(&p);
            struct flow_answer whole = decision_ask(p.decision, &q), cut;
            struct what_if same = what_if_of(&p.resolved, &q, &arena);
            assert_true(what_if_ask(&same, &p.resolved, &q, &arena, work, &cut));
            if (whole.intent != cut.intent || whole.passes != cut.passes ||
                whole.passes_secured != cut.passes_secured || whole.n_sides != cut.n_sides)
                fail_msg("policy %" PRIu64 ", question %d:\n%.*s", seed, i, STR_ARG(p.text));
        }
    }
    arena_close(&work);
    arena_close(&scratch);
    arena_close(&arena);
}

/* Counted one by one, over whole segments. */
static void pairs_are_counted_exactly(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    uint64_t total = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= POLICIES; seed++) {
        struct random_policy p;
        arena_reset(&arena);
        random_policy_make(&p, &arena, seed, false, scratch);
        struct prefix_set from = p.resolved.places.segments[random_below(&p, 4)];
        struct prefix_set to = prefix_set_union(&arena, p.resolved.groups[random_below(&p, 4)],
                                                p.resolved.places.segments[random_below(&p, 4)]);
        int smb = service_by_name(p.policy.services, S("smb"));
        uint64_t found = what_if_pairs(&p.resolved, smb, from, to, SIZE_MAX, scratch), expected = 0;
        for (size_t i = 0; i < RANDOM_POLICY_ADDRS; i++)
            for (size_t j = 0; j < RANDOM_POLICY_ADDRS; j++) {
                struct flow_question q = {.client = random_policy_addr(i),
                                          .server = random_policy_addr(j),
                                          .service = smb};
                if (prefix_set_contains(from, q.client) && prefix_set_contains(to, q.server)) {
                    enum intent intent = decision_ask(p.decision, &q).intent;
                    expected += intent == INTENT_BLOCK || intent == INTENT_ALLOW_IF_SECURE;
                }
            }
        if (found != expected)
            fail_msg("policy %" PRIu64 ": %" PRIu64 ", not %" PRIu64 "\n%.*s", seed, found,
                     expected, STR_ARG(p.text));
        total += found;
    }
    assert_true(total > POLICIES);
    arena_close(&scratch);
    arena_close(&arena);
}

static void too_many_pairs_are_said(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct random_policy p;
    (void)state;
    random_policy_make(&p, &arena, 1, false, scratch);
    struct prefix_set all = p.resolved.builtins[BUILTIN_ALL];
    assert_true(what_if_pairs(&p.resolved, 0, all, all, SIZE_MAX, scratch) == UINT64_MAX);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cut_policy_answers_alike),
        cmocka_unit_test(pairs_are_counted_exactly),
        cmocka_unit_test(too_many_pairs_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
