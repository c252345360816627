/* SPDX-License-Identifier: Apache-2.0 */
/* The decision against a linear reading of DESIGN.md 4, over random resolved policies. */
#include "rules/decision.h"

#include "base/test.h"
#include "rules/random_world.h"

enum { WORLDS = 400, QUESTIONS = 300 };

static struct flow_question random_question(struct random_world *w)
{
    static const uint16_t ports[] = {445, 445, 445, 445, 139, 137, 2049, 4455};
    struct flow_question q = {.client = world_addr(w), .server = world_addr(w)};
    bool by_port = world_random(w, 3);
    q.transport = world_random(w, 8) ? TRANSPORT_TCP : TRANSPORT_UDP;
    q.port = ports[world_random(w, COUNT_OF(ports))];
    q.service = by_port ? SERVICE_NONE : (int)world_random(w, service_builtin.n);
    q.profile = (enum profile)world_random(w, PROFILE_COUNT + 1);
    if (w->resolved.n_machines && world_random(w, 8) == 0) {
        const struct machine *m = &w->resolved.machines[0];
        q.client = m->addrs[0];
        q.server = m->addrs[world_random(w, m->n_addrs)];
    }
    return q;
}

static void decisions_agree_with_the_linear_reading(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t by_intent[INTENT_UNDECIDABLE + 1] = {0}, passing = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, seed, true);
        const struct decision *d = decision_build(&w->resolved, NULL, &arena, scratch);
        struct prefix_set deployed = world_set(w, 5);
        for (int i = 0; i < QUESTIONS; i++) {
            struct flow_question q = random_question(w);
            if (world_random(w, 4) == 0) q.deployed = &deployed;
            struct flow_answer found = decision_ask(d, &q), expected = linear_ask(&w->resolved, &q);
            if (found.intent != expected.intent || found.passes != expected.passes ||
                found.passes_secured != expected.passes_secured ||
                found.service != expected.service) {
                char client[ADDR_TEXT], server[ADDR_TEXT];
                fail_msg("world %" PRIu64 ", %.*s to %.*s, profile %d: %.*s %d %d, not %.*s %d %d",
                         seed, STR_ARG(addr_text(client, q.client)),
                         STR_ARG(addr_text(server, q.server)), (int)q.profile,
                         STR_ARG(intent_text(found.intent)), found.passes, found.passes_secured,
                         STR_ARG(intent_text(expected.intent)), expected.passes,
                         expected.passes_secured);
            }
            by_intent[found.intent]++;
            passing += found.passes;
        }
    }
    for (size_t i = INTENT_ALLOW; i <= INTENT_LOCAL; i++)
        assert_true(by_intent[i] > WORLDS);
    print_message("%d questions: %zu allow, %zu if secure, %zu block, %zu pass\n",
                  WORLDS * QUESTIONS, by_intent[INTENT_ALLOW], by_intent[INTENT_ALLOW_IF_SECURE],
                  by_intent[INTENT_BLOCK], passing);
    arena_close(&scratch);
    arena_close(&arena);
}

/* The same questions in bulk: ends become classes first, then all are answered at once. */
static void answers_in_bulk_are_the_same(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n_passing = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct flow_question questions[QUESTIONS];
        struct flow_record records[QUESTIONS];
        uint8_t verdicts[QUESTIONS];
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, seed, true);
        if (seed % 3 == 0) world_unknown(w);
        const struct decision *d = decision_build(&w->resolved, NULL, &arena, scratch);
        size_t n = QUESTIONS - seed % 70;
        for (size_t i = 0; i < n; i++)
            questions[i] = random_question(w);
        decision_records(d, questions, n, records);
        decision_ask_records(d, records, n, verdicts);
        for (size_t i = 0; i < n; i++) {
            struct flow_answer answer = decision_ask(d, &questions[i]);
            assert_int_equal(verdicts[i] & FLOW_INTENT, answer.intent);
            assert_int_equal((verdicts[i] & FLOW_PASSES) != 0, answer.passes);
            assert_int_equal((verdicts[i] & FLOW_PASSES_SECURED) != 0, answer.passes_secured);
            n_passing += answer.passes;
        }
    }
    assert_true(n_passing > WORLDS);
    arena_close(&scratch);
    arena_close(&arena);
}

/* Whoever is unknown may be anybody: an answer is certain exactly when every reading agrees, with
 * each mark's members nobody or everybody. */
static void unknown_members_are_never_nobody(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n_undecidable = 0, n_certain = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, seed, true);
        world_unknown(w);
        const struct decision *d = decision_build(&w->resolved, NULL, &arena, scratch);
        struct resolved least = world_reading(w, false), most = world_reading(w, true);
        for (int i = 0; i < QUESTIONS; i++) {
            struct flow_question q = random_question(w);
            struct flow_answer a = linear_ask(&least, &q), b = linear_ask(&most, &q);
            struct flow_answer found = decision_ask(d, &q);
            assert_int_equal(found.intent, a.intent == b.intent ? a.intent : INTENT_UNDECIDABLE);
            assert_int_equal(found.passes, a.passes);
            assert_int_equal(found.passes_secured, a.passes_secured);
            struct flow_answer possible = decision_ask(decision_possible(d), &q);
            assert_int_equal(possible.intent, b.intent);
            assert_int_equal(possible.passes, b.passes);
            n_undecidable += found.intent == INTENT_UNDECIDABLE;
            n_certain += found.intent != INTENT_UNDECIDABLE && found.n_sides > 0;
            if (found.intent != INTENT_UNDECIDABLE) continue;
            struct flow_reason why = decision_why(d, &q, SIDE_COUNT, &arena);
            assert_true(str_contains(why.text, S("group SMB Admins")));
        }
    }
    assert_true(n_undecidable > WORLDS && n_certain > WORLDS);
    arena_close(&scratch);
    arena_close(&arena);
}

/* Finer atoms (the joint ones of a comparison) change no answer. */
static void joint_atoms_change_no_answer(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS / 4; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, seed, true);
        struct prefix_set *sets = NULL;
        size_t n = 0, room = 0;
        decision_sets(&w->resolved, &arena, &sets, &n, &room);
        for (int i = 0; i < 5; i++) {
            arena_grow(&arena, sets, n, room);
            sets[n++] = world_set(w, 4);
        }
        const struct atoms *joint = atoms_build(sets, n, &arena, scratch);
        const struct decision *coarse = decision_build(&w->resolved, NULL, &arena, scratch);
        const struct decision *fine = decision_build(&w->resolved, joint, &arena, scratch);
        for (int i = 0; i < QUESTIONS; i++) {
            struct flow_question q = random_question(w);
            struct flow_answer a = decision_ask(coarse, &q), b = decision_ask(fine, &q);
            assert_int_equal(a.intent, b.intent);
            assert_int_equal(a.passes, b.passes);
            assert_int_equal(a.passes_secured, b.passes_secured);
            assert_int_equal(a.n_sides, b.n_sides);
        }
    }
    arena_close(&scratch);
    arena_close(&arena);
}

/* A policy of many exceptions costs what its lines cost: not classes times rows. */
static void many_exceptions_stay_small(void **state)
{
    enum { EXCEPTIONS = 20000, STEP = 997 };
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    (void)state;
    struct random_world *w = world_make(&arena, 1, false);
    static const size_t smb[] = {0};
    static const struct entry entry = {.services = smb, .n_services = 1};
    struct resolved_entry *entries = arena_array(&arena, struct resolved_entry, EXCEPTIONS + 1);
    for (uint32_t i = 0; i < EXCEPTIONS; i++) {
        struct range *ends = arena_array(&arena, struct range, 2);
        ends[0] = (struct range){addr_v4((UINT32_C(10) << 24) + 16 * i),
                                 addr_v4((UINT32_C(10) << 24) + 16 * i + 15)};
        ends[1].first = ends[1].last = addr_v4(UINT32_C(0xAC100000) + 3 * i);
        entries[i] = (struct resolved_entry){
            .entry = &entry, .from = {&ends[0], 1},
                 .to = {&ends[1], 1},
                 .secure = SECURE_NONE
        };
    }
    /* Everybody to one of the servers. */
    entries[EXCEPTIONS] = entries[0];
    entries[EXCEPTIONS].from = w->resolved.managed =
        prefix_set_of_prefix(&arena, (struct prefix){addr_v4(UINT32_C(10) << 24), 104});
    w->resolved.entries = entries;
    w->resolved.n_entries = EXCEPTIONS + 1;
    w->resolved.n_machines = 0;
    uint64_t before = arena_used(&arena);
    const struct decision *d = decision_build(&w->resolved, NULL, &arena, scratch);
    assert_true(atoms_count(decision_atoms(d)) > 2 * EXCEPTIONS);
    assert_true(arena_used(&arena) - before < (uint64_t)16 << 20);
    for (uint32_t i = 0; i < EXCEPTIONS; i += STEP)
        for (uint32_t j = 0; j < EXCEPTIONS; j += STEP) {
            struct flow_question q = {.client = addr_v4((UINT32_C(10) << 24) + 16 * i + i % 16),
                                      .server = addr_v4(UINT32_C(0xAC100000) + 3 * j)};
            bool allowed = i == j || j == 0;
            assert_int_equal(decision_ask(d, &q).intent, allowed ? INTENT_ALLOW : INTENT_BLOCK);
        }
    struct intent_rows rows = decision_intent_rows(d, 0, DIRECTION_OUTBOUND, &arena, scratch);
    assert_true(rows.sets.n > EXCEPTIONS / 2 && rows.sets.n <= EXCEPTIONS + 3);
    arena_close(&scratch);
    arena_close(&arena);
}

/* The entry that is named as the reason is one that really says so. */
static void reasons_agree_with_answers(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, seed, true);
        const struct decision *d = decision_build(&w->resolved, NULL, &arena, scratch);
        for (int i = 0; i < 50; i++) {
            struct flow_question q = random_question(w);
            struct flow_answer answer = decision_ask(d, &q);
            for (size_t s = 0; s < answer.n_sides; s++) {
                struct flow_reason why = decision_why(d, &q, answer.sides[s].side, &arena);
                assert_true(why.text.len > 0);
                if (why.entry) {
                    assert_true(answer.intent != INTENT_BLOCK);
                    assert_int_equal(why.entry->secure == SECURE_NONE,
                                     answer.intent == INTENT_ALLOW);
                    assert_true(answer.sides[s].passes_secured);
                }
                if (why.perimeter) assert_int_equal(answer.intent, INTENT_ALLOW);
                if (answer.sides[s].side == SIDE_BORDER)
                    assert_int_equal(answer.sides[s].passes, answer.intent != INTENT_BLOCK);
            }
        }
    }
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(decisions_agree_with_the_linear_reading),
        cmocka_unit_test(answers_in_bulk_are_the_same),
        cmocka_unit_test(unknown_members_are_never_nobody),
        cmocka_unit_test(many_exceptions_stay_small),
        cmocka_unit_test(joint_atoms_change_no_answer),
        cmocka_unit_test(reasons_agree_with_answers),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
