/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/own_rules.h"

#include "reason/random_policy.h"
#include "rules/bundle.h"
#include "rules/universe.h"

enum { POLICIES = 40, QUESTIONS = 40 };

/* The rule of that id in what the whole policy has an address load. */
static const struct rule *loaded_rule(const struct bundles *bundles, struct addr own, str id)
{
    for (size_t i = 0; i < bundles->n_classes; i++) {
        const struct host_class *class = &bundles->classes[i];
        for (size_t j = 0; prefix_set_contains(class->members, own) && j < class->rules.n; j++)
            if (str_equal(class->rules.rules[j].id, id)) return &class->rules.rules[j];
    }
    return NULL;
}

static const struct rule *border_rule(const struct bundles *bundles, str id)
{
    for (size_t i = 0; i < bundles->n_borders; i++)
        for (size_t j = 0; j < bundles->borders[i].rules.n; j++)
            if (str_equal(bundles->borders[i].rules.rules[j].id, id))
                return &bundles->borders[i].rules.rules[j];
    return NULL;
}

/* Made of a part of the policy, found in the rules of the whole: the same id, and it speaks of that
 * very flow with that action. */
static void the_rule_is_one_that_is_loaded(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n_rules = 0, n_borders = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= POLICIES; seed++) {
        struct random_policy p;
        arena_reset(&arena);
        random_policy_make(&p, &arena, seed, false, scratch);
        struct bundles bundles =
            bundle_make(&p.resolved, universe_peers, S("Contoso"), &arena, scratch);
        for (int i = 0; i < QUESTIONS; i++) {
            struct flow_question q = random_question(&p);
            struct flow_answer answer = decision_ask(p.decision, &q);
            struct own_rule found[SIDE_COUNT];
            own_rules(&p.resolved, &q, &answer, S("Contoso"), &arena, scratch, found);
            for (size_t s = 0; s < answer.n_sides; s++) {
                const struct side_answer *side = &answer.sides[s];
                bool is_client = side->side == SIDE_CLIENT_OUTBOUND;
                struct addr own = is_client ? q.client : q.server;
                uint32_t class_id = atoms_class(decision_atoms(p.decision), own);
                bool border = side->side == SIDE_BORDER;
                bool expected = border || (side->enforces && decision_mode(p.decision, class_id,
                                                                           q.profile) != MODE_OFF);
                if (expected != (found[s].id.len > 0))
                    fail_msg("policy %" PRIu64 " question %d side %zu: \"%.*s\"\n%.*s", seed, i, s,
                             STR_ARG(found[s].id), STR_ARG(p.text));
                if (!expected) continue;
                const struct rule *rule = border ? border_rule(&bundles, found[s].id)
                                                 : loaded_rule(&bundles, own, found[s].id);
                if (!rule)
                    fail_msg("policy %" PRIu64 ": no rule %.*s\n%.*s", seed, STR_ARG(found[s].id),
                             STR_ARG(p.text));
                assert_true(str_equal(rule->name, found[s].name));
                assert_int_equal(rule->action, side->passes           ? ACTION_ALLOW
                                               : side->passes_secured ? ACTION_ALLOW_IF_SECURE
                                                                      : ACTION_BLOCK);
                n_rules++;
                n_borders += border;
                if (border) {
                    bool out = rule->direction == DIRECTION_OUTBOUND;
                    assert_true(prefix_set_contains(rule->local, out ? q.client : q.server));
                    assert_true(prefix_set_contains(rule->remote, out ? q.server : q.client));
                    continue;
                }
                assert_true(prefix_set_contains(rule->remote, is_client ? q.server : q.client));
                assert_true(rule->profiles >> q.profile & 1);
            }
        }
    }
    assert_true(n_rules > POLICIES * 10 && n_borders > POLICIES);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_rule_is_one_that_is_loaded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
