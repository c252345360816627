/* SPDX-License-Identifier: Apache-2.0 */
/* Differences against a linear reading of DESIGN.md 4 of both policies, over random worlds; and
 * bundles made from a policy against that policy: equal as made, different once a rule is gone. */
#include "reason/diff.h"

#include "base/test.h"
#include "rules/bundle.h"
#include "rules/random_world.h"
#include "rules/universe.h"

enum { PAIRS_OF_WORLDS = 150, QUESTIONS = 150 };

static const struct service_port asked[] = {
    {.transport = TRANSPORT_TCP, .first = 445,  .last = 445 },
    {.transport = TRANSPORT_TCP, .first = 139,  .last = 139 },
    {.transport = TRANSPORT_UDP, .first = 138,  .last = 138 },
    {.transport = TRANSPORT_TCP, .first = 2049, .last = 2049},
};

static bool has_port(const struct diff_region *r, const struct service_port *port)
{
    for (size_t i = 0; i < r->n_ports; i++)
        if (r->ports[i].transport == port->transport && r->ports[i].first <= port->first &&
            port->first <= r->ports[i].last)
            return true;
    return false;
}

static bool is_told(const struct diff *diff, enum diff_change change, enum enforcement_point point,
                    const struct flow_question *q, const struct service_port *port, bool secured)
{
    for (size_t i = 0; i < diff->n; i++) {
        const struct diff_region *r = &diff->regions[i];
        if (r->change == change && r->point == point && has_port(r, port) &&
            (r->profiles >> q->profile & 1u) &&
            (r->secured & (secured ? DIFF_SECURED : DIFF_IN_CLEAR)) &&
            prefix_set_contains(r->clients, q->client) &&
            prefix_set_contains(r->servers, q->server))
            return true;
    }
    return false;
}

struct two {
    struct random_world *worlds[2];
    struct enforcement sides[2];
    struct diff diff;
};

static struct two two_worlds(struct arena *arena, struct arena scratch, uint64_t a, uint64_t b)
{
    static const enum enforcement_point points[] = {ENFORCEMENT_PATH, ENFORCEMENT_INTENT};
    struct diff_scope scope = {
        .points = points, .n_points = COUNT_OF(points), .profiles = (1u << PROFILE_COUNT) - 1};
    struct two two = {
        {world_make(arena, a, true), world_make(arena, b, true)},
        {{0}          },
        {0              }
    };
    for (size_t i = 0; i < 2; i++)
        two.sides[i].decision = decision_build(&two.worlds[i]->resolved, NULL, arena, scratch);
    two.diff = diff_make(&two.sides[0], &two.sides[1], &scope, arena, scratch);
    return two;
}

static bool intended(enum intent intent, bool secured)
{
    return intent == INTENT_ALLOW || intent == INTENT_UNGOVERNED ||
           (secured && intent == INTENT_ALLOW_IF_SECURE);
}

static void expect(const struct two *two, const struct flow_question *q,
                   const struct service_port *port, uint64_t seed, size_t changed[2])
{
    struct flow_answer a = linear_ask(&two->worlds[0]->resolved, q);
    struct flow_answer b = linear_ask(&two->worlds[1]->resolved, q);
    if (a.intent == INTENT_LOCAL || b.intent == INTENT_LOCAL) return;
    if (addr_is_v4(q->client) != addr_is_v4(q->server)) return;
    for (unsigned k = 0; k < 4; k++) {
        bool secured = k & 1, path = k & 2;
        enum enforcement_point point = path ? ENFORCEMENT_PATH : ENFORCEMENT_INTENT;
        bool in_a = secured ? a.passes_secured : a.passes;
        bool in_b = secured ? b.passes_secured : b.passes;
        if (!path) in_a = intended(a.intent, secured);
        if (!path) in_b = intended(b.intent, secured);
        bool opened = is_told(&two->diff, DIFF_OPENED, point, q, port, secured);
        bool closed = is_told(&two->diff, DIFF_CLOSED, point, q, port, secured);
        changed[path] += in_a != in_b;
        if (opened == (!in_a && in_b) && closed == (in_a && !in_b)) continue;
        char client[ADDR_TEXT], server[ADDR_TEXT];
        fail_msg("worlds %" PRIu64 ", %.*s to %.*s port %u profile %d %s, %.*s: %d then %d, told "
                 "opened %d closed %d",
                 seed, STR_ARG(addr_text(client, q->client)), STR_ARG(addr_text(server, q->server)),
                 (unsigned)port->first, (int)q->profile, secured ? "secured" : "in clear",
                 STR_ARG(enforcement_point_text(point)), in_a, in_b, opened, closed);
    }
}

static void differences_of_policies_agree_with_the_linear_reading(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t changed[2] = {0};
    (void)state;
    for (uint64_t seed = 1; seed <= PAIRS_OF_WORLDS; seed++) {
        arena_reset(&arena);
        struct two two = two_worlds(&arena, scratch, seed, seed + 7777);
        struct random_world *w = two.worlds[0];
        for (int i = 0; i < QUESTIONS; i++) {
            const struct service_port *port = &asked[world_random(w, COUNT_OF(asked))];
            struct flow_question q = {
                .client = world_addr(w),
                .server = world_addr(w),
                .transport = port->transport,
                .port = port->first,
                .service = SERVICE_NONE,
                .profile = (enum profile)world_random(w, PROFILE_COUNT),
            };
            expect(&two, &q, port, seed, changed);
        }
    }
    assert_true(changed[0] > PAIRS_OF_WORLDS && changed[1] > PAIRS_OF_WORLDS);
    print_message("%zu of the answers asked change on the way, %zu in intent\n", changed[1],
                  changed[0]);
    arena_close(&scratch);
    arena_close(&arena);
}

/* Every witness is a pair of different machines at which the change is real. */
static void witnesses_are_real(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= PAIRS_OF_WORLDS; seed++) {
        arena_reset(&arena);
        struct two two = two_worlds(&arena, scratch, seed, seed + 999);
        for (size_t i = 0; i < two.diff.n; i++) {
            const struct diff_region *r = &two.diff.regions[i];
            if (r->point != ENFORCEMENT_PATH) continue;
            struct flow_question q = {
                .client = r->client,
                .server = r->server,
                .transport = r->ports[0].transport,
                .port = r->ports[0].first,
                .service = SERVICE_NONE,
            };
            while (!(r->profiles >> q.profile & 1u))
                q.profile++;
            struct flow_answer a = linear_ask(&two.worlds[0]->resolved, &q);
            struct flow_answer b = linear_ask(&two.worlds[1]->resolved, &q);
            bool secured = r->secured == DIFF_SECURED;
            assert_int_not_equal(a.intent, INTENT_LOCAL);
            assert_int_not_equal(b.intent, INTENT_LOCAL);
            assert_int_equal(secured ? a.passes_secured : a.passes, r->change == DIFF_CLOSED);
            assert_int_equal(secured ? b.passes_secured : b.passes, r->change == DIFF_OPENED);
            assert_true(r->pairs_v4 > 0 || r->pairs_v6 > 0);
            n++;
        }
    }
    assert_true(n > PAIRS_OF_WORLDS);
    arena_close(&scratch);
    arena_close(&arena);
}

static void a_policy_does_not_differ_from_itself(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    (void)state;
    for (uint64_t seed = 1; seed <= PAIRS_OF_WORLDS; seed++) {
        arena_reset(&arena);
        assert_int_equal(two_worlds(&arena, scratch, seed, seed).diff.n, 0);
    }
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- Artefacts ----------------------------------------------------------------------------------
 */

static struct enforcement_rules *rules_of(const struct bundles *b, struct arena *arena, size_t *out)
{
    struct enforcement_rules *rules =
        arena_array(arena, struct enforcement_rules, b->n_classes + b->n_borders + 1);
    size_t n = 0;
    for (size_t i = 0; i < b->n_classes; i++)
        rules[n++] = (struct enforcement_rules){.source = b->classes[i].id,
                                                .own = b->classes[i].members,
                                                .rules = b->classes[i].rules,
                                                .engine = ENGINE_WINDOWS};
    for (size_t i = 0; i < b->n_borders; i++)
        rules[n++] = (struct enforcement_rules){.source = b->borders[i].border->name,
                                                .own = b->borders[i].border->inside,
                                                .border = b->borders[i].border->name,
                                                .rules = b->borders[i].rules,
                                                .engine = ENGINE_NFTABLES};
    *out = n;
    return rules;
}

static struct diff diff_artefacts(const struct enforcement *policy,
                                  const struct enforcement_rules *rules, size_t n_rules,
                                  struct arena *arena, struct arena scratch)
{
    static const enum enforcement_point points[] = {ENFORCEMENT_OUTBOUND, ENFORCEMENT_INBOUND,
                                                    ENFORCEMENT_BORDER_OUT, ENFORCEMENT_BORDER_IN};
    struct diff_scope scope = {.peers = &universe_peers,
                               .points = points,
                               .n_points = COUNT_OF(points),
                               .profiles = (1u << PROFILE_COUNT) - 1};
    struct enforcement held = {.rules = rules, .n_rules = n_rules};
    return diff_make(policy, &held, &scope, arena, scratch);
}

/* Takes one rule of a bundle away; the differences must name it as what the proof would find. */
static void drop_one(struct random_world *w, const struct bundles *b,
                     struct enforcement_rules *rules, size_t n_rules,
                     const struct enforcement *policy, struct arena *arena, struct arena scratch,
                     size_t *caught, size_t *silent)
{
    size_t class = (size_t)world_random(w, b->n_classes);
    struct enforcement_rules *of = &rules[class];
    if (!of->rules.n) return;
    size_t gone = (size_t)world_random(w, of->rules.n), n = 0;
    struct rule *left = arena_array(arena, struct rule, of->rules.n);
    for (size_t i = 0; i < of->rules.n; i++)
        if (i != gone) left[n++] = of->rules.rules[i];
    struct enforced_class enforced = {
        .id = b->classes[class].id,
        .members = of->own,
        .rules = {.rules = left, .n = n},
        .engine = ENGINE_WINDOWS,
        .profiles = (1u << PROFILE_COUNT) - 1,
    };
    struct counterexample witness;
    const struct prover *prover = prover_make(policy->decision, universe_peers, arena, scratch);
    bool proved = decision_proves_host(prover, &enforced, arena, scratch, &witness);
    of->rules = (struct ruleset){.rules = left, .n = n};
    size_t found = diff_artefacts(policy, rules, n_rules, arena, scratch).n;
    /* The proof also looks at addresses outside the class and at local peers. */
    if (proved) assert_int_equal(found, 0);
    *caught += found > 0;
    *silent += !proved && !found;
}

static void bundles_are_equal_to_their_policy_until_damaged(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n = 0, caught = 0, silent = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= PAIRS_OF_WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, seed, true);
        struct enforcement policy = {.decision =
                                         decision_build(&w->resolved, NULL, &arena, scratch)};
        struct bundles b = bundle_make(&w->resolved, universe_peers, S("test"), &arena, scratch);
        size_t n_rules;
        struct enforcement_rules *rules = rules_of(&b, &arena, &n_rules);
        struct diff diff = diff_artefacts(&policy, rules, n_rules, &arena, scratch);
        if (diff.n) {
            const struct diff_region *r = &diff.regions[0];
            char client[ADDR_TEXT], server[ADDR_TEXT];
            fail_msg("world %" PRIu64 ": %.*s at %.*s, %.*s to %.*s", seed,
                     STR_ARG(diff_change_text(r->change)),
                     STR_ARG(enforcement_point_text(r->point)),
                     STR_ARG(addr_text(client, r->client)), STR_ARG(addr_text(server, r->server)));
        }
        n += b.n_classes > 0;
        if (b.n_classes)
            drop_one(w, &b, rules, n_rules, &policy, &arena, scratch, &caught, &silent);
    }
    assert_true(n > PAIRS_OF_WORLDS / 2 && caught > PAIRS_OF_WORLDS / 4);
    print_message("%zu dropped rules are differences; %zu only the proof finds, elsewhere\n",
                  caught, silent);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(differences_of_policies_agree_with_the_linear_reading),
        cmocka_unit_test(witnesses_are_real),
        cmocka_unit_test(a_policy_does_not_differ_from_itself),
        cmocka_unit_test(bundles_are_equal_to_their_policy_until_damaged),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
