/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/windows_slots.h"

#include "base/map.h"
#include "base/test.h"
#include "policy/policy.h"

static void test_ranges_are_written_as_one_token(void **state)
{
    static const struct {
        const char *first, *last, *expected;
    } rows[] = {
        {"10.0.0.1",    "10.0.0.1",                                "10.0.0.1"                 },
        {"10.0.0.0",    "10.0.0.255",                              "10.0.0.0/24"              },
        {"10.0.0.1",    "10.0.0.2",                                "10.0.0.1-10.0.0.2"        },
        {"0.0.0.1",     "126.255.255.255",                         "0.0.0.1-126.255.255.255"  },
        {"128.0.0.0",   "223.255.255.255",                         "128.0.0.0-223.255.255.255"},
        {"2001:db8::",  "2001:db8::ffff",                          "2001:db8::/112"           },
        {"2001:db8::1", "2001:db8::3",                             "2001:db8::1-2001:db8::3"  },
        {"8000::",      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "8000::/1"                 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[WINDOWS_RANGE_TEXT];
        struct range r;
        assert_true(addr_parse(str_of(rows[i].first), &r.first));
        assert_true(addr_parse(str_of(rows[i].last), &r.last));
        str out = windows_slots_range(text, r);
        assert_true(str_equal(out, str_of(rows[i].expected)));
    }
}

/* Whatever the limit, the slots of a rule name each of its addresses once, in parts that fit. */
static void test_slots_split_and_lose_nothing(void **state)
{
    enum { N = 2501 };
    struct arena arena = arena_open("test", 0, NULL);
    struct range *ranges = arena_array(&arena, struct range, N + 3);
    (void)state;
    for (uint32_t i = 0; i < N; i++)
        ranges[i].first = ranges[i].last = addr_v4(UINT32_C(0x0A000000) + 2 * i);
    for (size_t i = 0; i < 3; i++)
        ranges[N + i].first = ranges[N + i].last =
            (struct addr){UINT64_C(0x20010DB800000000), 2 * i + 1};
    struct rule rule = {
        .id = S("sallyport-w-inbound-smb-tcp-domain-block-1"),
        .direction = DIRECTION_INBOUND,
        .action = ACTION_BLOCK,
        .profiles = 1,
        .enabled = true,
        .transport = TRANSPORT_TCP,
        .local = {&addr_all, 1},
        .remote = prefix_set_of(&arena, ranges, N + 3),
    };
    rule_add_port(&rule, &arena, (struct service_port){TRANSPORT_TCP, 445, 445});
    static const size_t limits[] = {1000, 100, 1, 5000};
    for (size_t k = 0; k < COUNT_OF(limits); k++) {
        struct ruleset rules = {.rules = &rule, .n = 1};
        struct windows_slots slots = windows_slots_of(rules, limits[k], &arena);
        struct range *all = arena_array(&arena, struct range, N + 3);
        size_t n = 0;
        struct map ids = {0};
        for (size_t i = 0; i < slots.n; i++) {
            bool fresh = false;
            (void)map_put(&ids, &arena, slots.items[i].id, i, &fresh);
            assert_true(fresh);
            assert_true(slots.items[i].n_remote && slots.items[i].n_remote <= limits[k]);
            assert_int_equal(slots.items[i].n_local, 0);
            for (size_t j = 0; j < slots.items[i].n_remote; j++) {
                assert_int_equal(addr_is_v4(slots.items[i].remote[j].first), slots.items[i].v4);
                assert_true(n < N + 3);
                all[n++] = slots.items[i].remote[j];
            }
        }
        assert_int_equal(n, N + 3);
        assert_true(prefix_set_equal(prefix_set_of(&arena, all, n), rule.remote));
    }
    arena_close(&arena);
}

/* The unused ids and the used ones together are the same set, whatever is used. */
static void test_unused_slots_fill_a_fixed_number(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct policy policy;
    struct diagnostics found = {0};
    (void)state;
    assert_true(policy_parse(S("p"), S("version: 1\nsegments: {}\ngovern: [smb, netbios]\n"),
                             &arena, &policy, &found));
    struct windows_slots none = {0};
    struct windows_slots all = windows_slots_unused(&policy, S("w"), none, &arena);
    /* 3 pairs of service and transport, 2 directions, 2 actions, 7 sets of profiles, 2 families,
     * 2 parts of each */
    assert_int_equal(all.n, 3 * 2 * 2 * 7 * 2 * 2);
    struct windows_slots some = {all.items + 5, 9};
    struct windows_slots rest = windows_slots_unused(&policy, S("w"), some, &arena);
    assert_int_equal(rest.n, all.n - some.n);
    struct map ids = {0};
    for (size_t i = 0; i < rest.n + some.n; i++) {
        bool fresh = false;
        const struct windows_slot *slot = i < rest.n ? &rest.items[i] : &some.items[i - rest.n];
        (void)map_put(&ids, &arena, slot->id, i, &fresh);
        assert_true(fresh && !slot->rule->enabled && slot->id.len < 512);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_are_written_as_one_token),
        cmocka_unit_test(test_slots_split_and_lose_nothing),
        cmocka_unit_test(test_unused_slots_fill_a_fixed_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
