/* SPDX-License-Identifier: Apache-2.0 */
/* Differences of two policies against asking each about every pair of a class. */
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

/* What one of them says at a pair, in the words of the question. */
static bool says(const struct decision *d, const struct difference_question *q, struct addr client,
                 struct addr server)
{
    struct flow_question flow = {
        .client = client, .server = server, .service = q->service_a, .profile = q->profile};
    struct flow_answer answer = decision_ask(d, &flow);
    if (q->intent)
        return answer.intent == INTENT_ALLOW || answer.intent == INTENT_UNGOVERNED ||
               answer.intent == INTENT_LOCAL ||
               (q->secured && answer.intent == INTENT_ALLOW_IF_SECURE);
    if (q->side == SIDE_COUNT) return q->secured ? answer.passes_secured : answer.passes;
    for (size_t i = 0; i < answer.n_sides; i++)
        if (answer.sides[i].side == q->side)
            return q->secured ? answer.sides[i].passes_secured : answer.sides[i].passes;
    return true;
}

/* -1 closes, 1 opens, 0 equal. */
static int region_says(const struct differences *all, uint32_t client, uint32_t server)
{
    int found = 0;
    for (size_t i = 0; i < all->n; i++) {
        const struct difference *d = &all->items[i];
        if (!class_set_has(d->servers, server) || !class_set_has(d->clients, client)) continue;
        assert_int_equal(found, 0); /* no pair is in two regions */
        found = d->opens ? 1 : -1;
    }
    return found;
}

static void check_question(const struct pair_of_worlds *w, const struct difference_question *q,
                           struct arena *arena, struct arena scratch, size_t *n_regions)
{
    struct differences all = decision_differences(w->decision_a, w->decision_b, q, arena, scratch);
    struct addr client = {0}, server = {0}, smallest_client = {0}, smallest_server = {0};
    bool opens = false, any = false;
    *n_regions += all.n;
    for (uint32_t s = 0; s < atoms_count(w->atoms); s++)
        for (uint32_t c = 0; c < atoms_count(w->atoms); c++) {
            struct addr to = atoms_witness(w->atoms, s), from = atoms_witness(w->atoms, c);
            if (s == c && !atoms_second_witness(w->atoms, c, to, &from)) continue;
            if (decision_one_machine(w->decision_a, from, to)) continue;
            int expected = says(w->decision_b, q, from, to) - says(w->decision_a, q, from, to);
            int found = region_says(&all, c, s);
            assert_int_equal(found, expected);
            if (!expected) continue;
            if (!any || addr_compare(to, smallest_server) < 0) {
                smallest_server = to;
                smallest_client = from;
            }
            any = true;
        }
    bool differs =
        decision_differs(w->decision_a, w->decision_b, q, &client, &server, &opens, scratch);
    /* Above, a class of one machine's addresses may have been left out by its witness alone. */
    if (any) assert_true(differs);
    if (!differs) return;
    int change = says(w->decision_b, q, client, server) - says(w->decision_a, q, client, server);
    assert_int_equal(change, opens ? 1 : -1);
    assert_false(decision_one_machine(w->decision_a, client, server));
    if (!any) return;
    assert_true(addr_compare(server, smallest_server) <= 0);
    if (addr_equal(server, smallest_server))
        assert_true(addr_compare(client, smallest_client) <= 0);
}

static void differences_are_those_of_answers(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n_regions = 0, n_equal = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct pair_of_worlds w = make_pair(&arena, scratch, seed);
        for (int i = 0; i < 6; i++) {
            struct difference_question q = {
                .service_a = (int)(i & 1),
                .service_b = (int)(i & 1),
                .profile = (enum profile)world_random(w.a, PROFILE_COUNT),
                .side = i < 3 ? SIDE_COUNT : (enum side)(i - 3),
                .secured = world_random(w.a, 2),
                .intent = i == 2,
            };
            size_t before = n_regions;
            check_question(&w, &q, &arena, scratch, &n_regions);
            n_equal += n_regions == before;
        }
    }
    assert_true(n_regions > WORLDS && n_equal > WORLDS / 4);
    arena_close(&scratch);
    arena_close(&arena);
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

/* A service that only one of two policies governs: there, everything passes with the other. */
static void an_ungoverned_service_is_open(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    (void)state;
    struct pair_of_worlds w = make_pair(&arena, scratch, 3);
    struct difference_question q = {.service_a = 0, .service_b = SERVICE_NONE, .side = SIDE_COUNT};
    struct differences all = decision_differences(w.decision_a, w.decision_b, &q, &arena, scratch);
    assert_true(all.n > 0);
    for (size_t i = 0; i < all.n; i++)
        assert_true(all.items[i].opens);
    q.service_a = SERVICE_NONE;
    all = decision_differences(w.decision_a, w.decision_b, &q, &arena, scratch);
    assert_int_equal(all.n, 0);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(differences_are_those_of_answers),
        cmocka_unit_test(maps_are_canonical),
        cmocka_unit_test(an_ungoverned_service_is_open),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
