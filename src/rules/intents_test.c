/* SPDX-License-Identifier: Apache-2.0 */
/* Intents of random entries against the entries one by one: small worlds where some entries are
 * pairs and others are about groups, and large ones that need every table. */
#include "rules/intents.h"

#include "base/hash.h"
#include "base/test.h"

enum { CLASSES = 70, ENTRIES = 12, ROUNDS = 600, LARGE = 20000, PROBES = 20000 };

struct world {
    struct arena arena, scratch;
    uint64_t seed;
    struct class_sets ends;
    struct spoken *entries;
    size_t n;
    uint32_t n_classes;
    const struct intents *intents;
};

static uint64_t random_of(struct world *w, uint64_t below)
{
    w->seed = hash_u64(w->seed);
    return w->seed % below;
}

/* A few runs; long ones make entries about groups. */
static uint32_t random_end(struct world *w)
{
    struct arena inner = w->scratch;
    struct class_set parts[4];
    size_t n = (size_t)random_of(w, 4);
    for (size_t i = 0; i < n; i++) {
        uint32_t first = (uint32_t)random_of(w, w->n_classes);
        uint32_t last = first + (uint32_t)random_of(w, random_of(w, 3) ? 3 : 30);
        if (last >= w->n_classes) last = w->n_classes - 1;
        struct class_run *run = arena_new(&inner, struct class_run);
        *run = (struct class_run){first, last};
        parts[i] = (struct class_set){run, 1};
    }
    return class_sets_intern(&w->ends, &w->arena, class_set_unite_all(&inner, parts, n));
}

static struct world begin(uint64_t seed, uint32_t n_classes, size_t n)
{
    struct world w = {.arena = arena_open("test", 0, NULL),
                      .scratch = arena_open("scratch", 0, NULL),
                      .seed = seed,
                      .n = n,
                      .n_classes = n_classes};
    class_sets_begin(&w.ends, &w.arena);
    w.entries = arena_array(&w.arena, struct spoken, n);
    return w;
}

static void end(struct world *w)
{
    arena_close(&w->scratch);
    arena_close(&w->arena);
}

static enum intent_level linear(const struct world *w, uint32_t client, uint32_t server)
{
    enum intent_level level = INTENTS_NONE;
    for (size_t i = 0; i < w->n; i++) {
        if (!class_set_has(class_sets_get(&w->ends, w->entries[i].clients), client)) continue;
        if (!class_set_has(class_sets_get(&w->ends, w->entries[i].servers), server)) continue;
        if (w->entries[i].plain) return INTENTS_ALLOW;
        level = INTENTS_IF_SECURE;
    }
    return level;
}

static void check_rows(struct world *w)
{
    for (int own_is_server = 0; own_is_server < 2; own_is_server++) {
        struct class_sets sets;
        class_sets_begin(&sets, &w->arena);
        uint32_t *allow = arena_array(&w->arena, uint32_t, w->n_classes);
        uint32_t *either = arena_array(&w->arena, uint32_t, w->n_classes);
        intents_rows(w->intents, own_is_server, &sets, allow, either, &w->arena, w->scratch);
        for (uint32_t own = 0; own < w->n_classes; own++)
            for (uint32_t peer = 0; peer < w->n_classes; peer++) {
                enum intent_level level =
                    own_is_server ? linear(w, peer, own) : linear(w, own, peer);
                bool in_allow = class_set_has(class_sets_get(&sets, allow[own]), peer);
                bool in_either = class_set_has(class_sets_get(&sets, either[own]), peer);
                assert_int_equal(in_allow, level == INTENTS_ALLOW);
                assert_int_equal(in_either, level != INTENTS_NONE);
            }
    }
}

static void answers_are_those_of_the_entries(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        struct world w = begin(round, 1 + (uint32_t)(round % CLASSES), round % ENTRIES);
        for (size_t i = 0; i < w.n; i++)
            w.entries[i] = (struct spoken){random_end(&w), random_end(&w), random_of(&w, 3) > 0};
        w.intents = intents_build(&w.ends, w.entries, w.n, w.n_classes, &w.arena, w.scratch);
        bool all_plain = intents_all_plain(w.intents);
        struct class_pair pairs[CLASSES];
        uint8_t levels[CLASSES];
        for (uint32_t server = 0; server < w.n_classes; server++) {
            uint32_t kind = intents_kind(w.intents, server);
            assert_true(kind < intents_kinds(w.intents));
            struct class_set allow = intents_clients(w.intents, kind, INTENTS_ALLOW, &w.arena);
            struct class_set either = intents_clients(w.intents, kind, INTENTS_IF_SECURE, &w.arena);
            bool nobody = true;
            for (uint32_t client = 0; client < w.n_classes; client++)
                pairs[client] = (struct class_pair){client, server};
            intents_ask_many(w.intents, pairs, w.n_classes, levels);
            for (uint32_t client = 0; client < w.n_classes; client++) {
                enum intent_level expected = linear(&w, client, server);
                assert_int_equal(intents_ask(w.intents, client, server), expected);
                assert_int_equal(levels[client], expected);
                assert_int_equal(class_set_has(allow, client), expected == INTENTS_ALLOW);
                assert_int_equal(class_set_has(either, client), expected != INTENTS_NONE);
                assert_true(!all_plain || expected != INTENTS_IF_SECURE);
                nobody = nobody && expected == INTENTS_NONE;
            }
            assert_true(!intents_is_nobody(w.intents, kind) || nobody);
        }
        check_rows(&w);
        end(&w);
    }
}

static uint32_t one_run(struct world *w, uint32_t first, uint32_t last)
{
    struct class_run run = {first, last};
    return class_sets_intern(&w->ends, &w->arena, (struct class_set){&run, 1});
}

static void check_probes(struct world *w)
{
    for (size_t i = 0; i < PROBES / 10; i++) {
        uint32_t client = (uint32_t)random_of(w, w->n_classes);
        uint32_t server = (uint32_t)random_of(w, w->n_classes);
        assert_int_equal(intents_ask(w->intents, client, server), linear(w, client, server));
    }
}

/* One host to one host each, beside one entry that names everybody as a client. */
static void exceptions_are_pairs(void **state)
{
    struct world w = begin(1, 2 * LARGE, LARGE + 1);
    uint64_t before = 0;
    (void)state;
    for (uint32_t i = 0; i < LARGE; i++)
        w.entries[i] = (struct spoken){one_run(&w, i, i), one_run(&w, LARGE + i, LARGE + i), true};
    w.entries[LARGE] = (struct spoken){one_run(&w, 0, 2 * LARGE - 1), one_run(&w, 7, 9), true};
    before = arena_used(&w.arena);
    w.intents = intents_build(&w.ends, w.entries, w.n, w.n_classes, &w.arena, w.scratch);
    assert_true(arena_used(&w.arena) - before < 200 * (uint64_t)LARGE); /* no rows of classes */
    assert_int_equal(intents_ask(w.intents, 5, LARGE + 5), INTENTS_ALLOW);
    assert_int_equal(intents_ask(w.intents, 5, LARGE + 6), INTENTS_NONE);
    assert_int_equal(intents_ask(w.intents, 2 * LARGE - 1, 8), INTENTS_ALLOW);
    check_probes(&w);
    end(&w);
}

/* Everybody to one host each: many lines of the policy, one row. */
static void entries_with_one_end_in_common_are_one(void **state)
{
    (void)state;
    for (int by_clients = 0; by_clients < 2; by_clients++) {
        struct world w = begin(2, 2 * LARGE, LARGE);
        for (uint32_t i = 0; i < LARGE; i++) {
            uint32_t all = one_run(&w, 0, 2 * LARGE - 1), one = one_run(&w, 2 * i, 2 * i);
            w.entries[i] =
                by_clients ? (struct spoken){all, one, true} : (struct spoken){one, all, true};
        }
        w.intents = intents_build(&w.ends, w.entries, w.n, w.n_classes, &w.arena, w.scratch);
        assert_true(intents_table_bytes(w.intents) < 20 * (uint64_t)LARGE);
        check_probes(&w);
        end(&w);
    }
}

/* So many groups that there is no table of cells: rows are searched. */
static void many_groups_are_searched(void **state)
{
    enum { GROUPS = 10000, MEMBERS = 20 };
    struct world w = begin(3, GROUPS * MEMBERS, 2 * GROUPS);
    (void)state;
    for (uint32_t i = 0; i < GROUPS; i++) {
        uint32_t at = i * MEMBERS, other = (i * 7919 % GROUPS) * MEMBERS;
        uint32_t half = at + MEMBERS / 2;
        w.entries[2 * i] =
            (struct spoken){one_run(&w, at, half), one_run(&w, other, other + 5), i % 2 == 0};
        /* Larger than what may be pairs. */
        uint32_t wide = at + 200 * MEMBERS;
        if (wide >= w.n_classes) wide = w.n_classes - 1;
        w.entries[2 * i + 1] =
            (struct spoken){one_run(&w, at, wide), one_run(&w, other, other + MEMBERS - 1), true};
    }
    w.intents = intents_build(&w.ends, w.entries, w.n, w.n_classes, &w.arena, w.scratch);
    check_probes(&w);
    for (uint32_t i = 0; i < GROUPS; i += 97)
        for (uint32_t j = 0; j < MEMBERS; j++)
            assert_int_equal(
                intents_ask(w.intents, i * MEMBERS + j, (i * 7919 % GROUPS) * MEMBERS + 3),
                linear(&w, i * MEMBERS + j, (i * 7919 % GROUPS) * MEMBERS + 3));
    end(&w);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(answers_are_those_of_the_entries),
        cmocka_unit_test(exceptions_are_pairs),
        cmocka_unit_test(entries_with_one_end_in_common_are_one),
        cmocka_unit_test(many_groups_are_searched),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
