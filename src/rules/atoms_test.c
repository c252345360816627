/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/atoms.h"

#include "base/hash.h"
#include "base/os.h"
#include "base/test.h"
#include "rules/random_world.h"

enum { ROUNDS = 300, SETS = 12, PROBES = 60 };

/* Two addresses share a class exactly when every set has both or neither. */
static void classes_are_memberships(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        arena_reset(&arena);
        struct random_world w = {.arena = &arena, .seed = hash_u64(round)};
        struct prefix_set sets[SETS];
        struct addr probes[PROBES];
        uint64_t member[PROBES] = {0};
        size_t n = (size_t)world_random(&w, SETS) + 1;
        for (size_t i = 0; i < n; i++)
            sets[i] = world_set(&w, 4);
        struct atoms *atoms = atoms_build(sets, n, &arena, scratch);
        for (size_t k = 0; k < PROBES; k++) {
            probes[k] = world_addr(&w);
            for (size_t i = 0; i < n; i++)
                member[k] |= (uint64_t)prefix_set_contains(sets[i], probes[k]) << i;
        }
        for (size_t k = 0; k < PROBES; k++)
            for (size_t l = 0; l < k; l++) {
                bool same = atoms_class(atoms, probes[k]) == atoms_class(atoms, probes[l]);
                assert_int_equal(same, member[k] == member[l]);
            }
        struct addr before = {0};
        for (uint32_t c = 0; c < atoms_count(atoms); c++) {
            struct addr witness = atoms_witness(atoms, c), second;
            assert_int_equal(atoms_class(atoms, witness), c);
            assert_true(!c || addr_compare(before, witness) < 0);
            before = witness;
            if (!atoms_second_witness(atoms, c, witness, &second)) continue;
            assert_int_equal(atoms_class(atoms, second), c);
            assert_true(addr_compare(witness, second) < 0);
        }
        for (size_t i = 0; i < n; i++) {
            assert_true(atoms_hold(atoms, sets[i], scratch));
            struct class_set classes = atoms_classes(atoms, sets[i], &arena);
            assert_true(prefix_set_equal(atoms_addresses(atoms, classes, &arena), sets[i]));
        }
        /* A set that cuts a class in two is not held. */
        struct prefix_set other = world_set(&w, 3);
        bool cuts = false;
        for (uint32_t c = 0; c < atoms_count(atoms); c++) {
            struct class_set one = class_set_one(&arena, c);
            struct prefix_set addresses = atoms_addresses(atoms, one, &arena);
            cuts = cuts ||
                   (prefix_set_overlaps(other, addresses) && !prefix_set_covers(other, addresses));
        }
        assert_int_equal(atoms_hold(atoms, other, scratch), !cuts);
    }
    arena_close(&scratch);
    arena_close(&arena);
}

static void a_hundred_thousand_prefixes_build_at_once(void **state)
{
    enum { PREFIXES = 100000, GROUPS = 50 };
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct os os = os_posix();
    struct prefix_set sets[GROUPS];
    (void)state;
    for (size_t g = 0; g < GROUPS; g++) {
        struct range *ranges = arena_array(&arena, struct range, PREFIXES / GROUPS);
        for (size_t i = 0; i < PREFIXES / GROUPS; i++) {
            uint32_t at = (uint32_t)hash_u64(g * PREFIXES + i) & 0xFFFFFF00;
            ranges[i] = (struct range){addr_v4(at), addr_v4(at + 255)};
        }
        sets[g] = prefix_set_of(&arena, ranges, PREFIXES / GROUPS);
    }
    uint64_t start = os.monotonic_us(os.self);
    struct atoms *atoms = atoms_build(sets, GROUPS, &arena, scratch);
    uint64_t took = os.monotonic_us(os.self) - start;
    print_message("atoms of %d prefixes: %u classes in %" PRIu64 " us\n", PREFIXES,
                  atoms_count(atoms), took);
    assert_true(atoms_count(atoms) > GROUPS);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(classes_are_memberships),
        cmocka_unit_test(a_hundred_thousand_prefixes_build_at_once),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
