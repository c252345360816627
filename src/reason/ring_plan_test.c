/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/ring_plan.h"

#include "base/test.h"

static struct addr addr_of(const char *text)
{
    struct addr a = {0};
    if (!addr_parse(str_of(text), &a)) fail_msg("%s", text);
    return a;
}

static const struct host_address *host(void *to, str name, int64_t as_of_us, struct arena *arena,
                                       size_t *n)
{
    static struct host_address two[2];
    (void)to, (void)as_of_us, (void)arena;
    *n = str_equal(name, S("fs01")) ? 2 : 0;
    two[0] = (struct host_address){.addr = addr_of("10.10.0.9")};
    two[1] = (struct host_address){.addr = addr_of("2001:db8::9")};
    return two;
}

/* A host that the policy does not name is known by its name, too. */
static str name_of(void *to, struct addr a, int64_t as_of_us)
{
    (void)to, (void)as_of_us;
    return addr_equal(a, addr_of("10.10.0.7")) ? S("WS0417") : (str){0};
}

static void resolve(struct arena *arena, const char *rings, struct policy *policy,
                    struct resolved *resolved)
{
    static const struct host_lookup hosts = {.host = host, .name = name_of};
    struct diagnostics found = {0};
    str text =
        str_format(arena,
                   "version: 1\n"
                   "segments:\n"
                   "  clients: {networks: [10.10.0.0/16, \"2001:db8::/64\"], trust: managed}\n"
                   "  servers: {networks: [10.20.0.0/24], trust: managed}\n"
                   "groups:\n"
                   "  admins: {hosts: [10.10.9.0/28, fs01]}\n"
                   "  lost: {hosts: [10.20.0.7, nobody, {ad-group: IT PCs}]}\n"
                   "rings: %s\n",
                   rings);
    bool fine = policy_parse(S("p"), text, arena, policy, &found) &&
                resolve_policy(policy, &hosts, 0, true, arena, resolved, &found);
    if (!fine) fail_msg("%.*s", STR_ARG(found.items[0].text));
}

/* The values are Python's: int.from_bytes(sha256(b"pilot\0" + identity).digest()[:4], "big") % 100
 */
static void a_share_is_a_hash_of_who_it_is(void **state)
{
    static const struct {
        const char *identity;
        uint8_t value;
    } rows[] = {
        {"10.10.0.1",   91},
        {"10.10.0.2",   81},
        {"2001:db8::9", 17},
        {"fs01",        4 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ring ring = {.name = S("pilot"), .has_percent = true, .percent = rows[i].value};
        if (ring_plan_picks(&ring, str_of(rows[i].identity)))
            fail_msg("%s is in %d %%", rows[i].identity, ring.percent);
        ring.percent++;
        if (!ring_plan_picks(&ring, str_of(rows[i].identity)))
            fail_msg("%s is not in %d %%", rows[i].identity, ring.percent);
    }
    assert_true(ring_plan_picks(&(struct ring){.name = S("all")}, S("anyone")));
}

/* The first ring that names a machine has it: by any of its addresses, a share by its identity. */
static void the_first_ring_that_names_it(void **state)
{
    static const struct {
        const char *rings, *addr;
        size_t ring;
    } rows[] = {
        {"[{name: a, members: [admins]}, {name: b, members: clients}, {name: c, members: all}]",
         "10.10.9.15",                                                                                           0},
        {"[{name: a, members: [admins]}, {name: b, members: clients}, {name: c, members: all}]",
         "10.10.9.16",                                                                                           1},
        {"[{name: a, members: [admins]}, {name: b, members: clients}, {name: c, members: all}]",
         "192.0.2.1",                                                                                            2},
        {"[{name: a, members: [servers, 10.10.0.9]}]",                                            "2001:db8::9", 0},
        {"[{name: a, members: [servers, 10.10.0.9]}]",                                            "2001:db8::8", 1},
        {"[{name: a, members: {segment: clients, percent: 0}}]",                                  "10.10.0.1",   1},
        {"[{name: a, members: {segment: clients, percent: 100}}]",                                "10.10.0.1",   0},
        {"[{name: a, members: {segment: clients, percent: 100}}]",                                "10.20.0.1",   1},
        {"[{name: a, members: {percent: 0}}, {name: b, members: {segment: [clients, servers]}}]",
         "10.20.0.1",                                                                                            1},
        {"[]",                                                                                    "10.20.0.1",   0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 0, NULL);
        struct policy policy;
        struct resolved resolved;
        resolve(&arena, rows[i].rings, &policy, &resolved);
        struct ring_plan plan = ring_plan_of(&resolved, &arena);
        struct addr a = addr_of(rows[i].addr);
        size_t ring = ring_plan_ring(&plan, a, ring_plan_identity(&resolved, a, &arena));
        if (ring != rows[i].ring) fail_msg("%s %s: ring %zu", rows[i].rings, rows[i].addr, ring);
        arena_close(&arena);
    }
}

static void a_machine_is_known_by_its_name(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct policy policy;
    struct resolved resolved;
    (void)state;
    resolve(&arena, "[{name: a, members: [admins]}, {name: b, members: [admins, lost]}]", &policy,
            &resolved);
    str name = ring_plan_identity(&resolved, addr_of("2001:db8::9"), &arena);
    assert_true(str_equal(name, S("fs01")));
    str address = ring_plan_identity(&resolved, addr_of("2001:db8:0::0a"), &arena);
    assert_true(str_equal(address, S("2001:db8::a")));
    str unnamed = ring_plan_identity(&resolved, addr_of("10.10.0.7"), &arena);
    assert_true(str_equal(unnamed, S("WS0417")));
    struct ring_plan plan = ring_plan_of(&resolved, &arena);
    assert_int_equal(plan.n, 2);
    assert_int_equal(plan.unknown[0].len, 0);
    assert_true(str_equal(plan.unknown[1], S("group IT PCs")));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_is_a_hash_of_who_it_is),
        cmocka_unit_test(the_first_ring_that_names_it),
        cmocka_unit_test(a_machine_is_known_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
