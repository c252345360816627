/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/eras.h"

#include "base/test.h"
#include "reason/simulate.h"

#define DAY_US (INT64_C(86400) * 1000000)

static struct addr addr_of(const char *text)
{
    struct addr a = {0};
    if (!addr_parse(str_of(text), &a)) fail_msg("%s", text);
    return a;
}

/* Days count from the first of the evidence. */
static int64_t day(int64_t n)
{
    return (20000 + n) * DAY_US;
}

static const char policy_text[] = "version: 1\n"
                                  "segments:\n"
                                  "  clients: {networks: [10.10.0.0/16], trust: managed}\n"
                                  "  vpn: {networks: [10.30.0.0/16], trust: managed}\n"
                                  "  servers: {networks: [10.20.0.0/24], trust: managed}\n"
                                  "groups:\n"
                                  "  admins: {hosts: [lap.contoso.com]}\n"
                                  "  boxes: {hosts: [box.contoso.com], managed: false}\n"
                                  "allow:\n"
                                  "  - {from: admins, to: servers, service: smb}\n"
                                  "rings:\n"
                                  "  - {name: first, members: [admins]}\n"
                                  "  - {name: rest, members: all}\n";

/* lap: 10.10.0.5, then 10.30.0.5, then 10.10.0.9, which desk had before. Now it is 10.10.0.9. */
static const struct {
    const char *name, *addr;
    int64_t day;
} held[] = {
    {"lap.contoso.com",  "10.10.0.5", 1 },
    {"lap.contoso.com",  "10.30.0.5", 3 },
    {"lap.contoso.com",  "10.10.0.9", 9 },
    {"desk.contoso.com", "10.10.0.9", 1 },
    {"box.contoso.com",  "10.10.0.7", 1 },
    {"desk.contoso.com", "10.10.0.7", 9 },
    {"box.contoso.com",  "10.10.0.8", 10},
};

struct row {
    const char *name, *client, *server;
    int64_t day;
    enum simulate_verdict first, rest;
};

static const struct row rows[] = {
    {"where it is now",                     "10.10.0.9", "10.20.0.1", 9, SIMULATE_KEPT,    SIMULATE_KEPT},
    {"where it was",                        "10.10.0.5", "10.20.0.2", 1, SIMULATE_KEPT,    SIMULATE_KEPT},
    {"where it was, and may not go there",  "10.10.0.5", "10.10.0.3", 1, SIMULATE_BROKEN,
     SIMULATE_BROKEN                                                                                    },
    {"in another segment",                  "10.30.0.5", "10.20.0.3", 3, SIMULATE_KEPT,    SIMULATE_KEPT},
    {"its address while it was another's",  "10.10.0.9", "10.20.0.4", 1, SIMULATE_ESCAPED,
     SIMULATE_BROKEN                                                                                    },
    {"a box without a firewall, as it was", "10.10.0.7", "10.30.0.9", 1, SIMULATE_ESCAPED,
     SIMULATE_BROKEN                                                                                    },
    {"who has the box's address since",     "10.10.0.7", "10.30.0.9", 9, SIMULATE_ESCAPED,
     SIMULATE_BROKEN                                                                                    },
};

static const struct host_address *find_host(void *to, str name, int64_t as_of_us,
                                            struct arena *arena, size_t *n)
{
    const struct host_holding *at = hosts_holdings(to, name, as_of_us, arena, n);
    struct host_address *out = arena_array(arena, struct host_address, *n + 1);
    for (size_t i = 0; i < *n; i++)
        out[i] = (struct host_address){at[i].addr, at[i].seen_us, at[i].claimed_by_another};
    return out;
}

static struct host_list hosts_there(struct arena *arena)
{
    struct host_witness *witnesses = arena_array(arena, struct host_witness, COUNT_OF(held));
    for (size_t i = 0; i < COUNT_OF(held); i++)
        witnesses[i] = (struct host_witness){
            .addr = addr_of(held[i].addr),
            .name = str_of(held[i].name),
            .source = IDENTITY_LOG,
            .first_us = day(held[i].day),
            .last_us = day(held[i].day) + DAY_US / 2,
        };
    return hosts_of(arena, witnesses, COUNT_OF(held), NULL, 0);
}

static bool find_computers(void *to, str name, struct arena *arena, const str **names, size_t *n,
                           str *missing)
{
    static const str computers[] = {
        {"lap.contoso.com", 15}
    };
    (void)to, (void)arena, (void)missing;
    *names = computers;
    *n = COUNT_OF(computers);
    return str_equal(name, S("Admin PCs"));
}

/* Each row is a matrix of one flow, so that its verdict is its own. */
static void check_rows(const char *text, const struct host_lookup *with)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct host_list hosts = hosts_there(&arena);
    struct host_lookup lookup = *with;
    struct policy policy;
    struct resolved resolved;
    struct diagnostics found = {0};
    lookup.to = &hosts;
    assert_true(policy_parse(S("p"), str_of(text), &arena, &policy, &found));
    assert_true(resolve_policy(&policy, &lookup, day(11), true, &arena, &resolved, &found));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct matrix_flow flow = {
            .client = {.addr = addr_of(rows[i].client)},
            .server = {.addr = addr_of(rows[i].server)},
            .transport = TRANSPORT_TCP,
            .port = 445,
            .first_us = day(rows[i].day),
            .last_us = day(rows[i].day) + 5,
        };
        flow.outcomes[OUTCOME_ESTABLISHED] = 1;
        struct matrix_view matrix = {.flows = &flow, .n_flows = 1};
        struct replay replay = replay_of(&matrix, &arena, scratch);
        struct simulate_question question = {
            .resolved = &resolved,
            .decision = decision_build(&resolved, NULL, &arena, scratch),
            .replay = &replay,
            .hosts = &hosts,
            .lookup = &lookup,
        };
        struct simulation s = simulate(&question, &arena, scratch);
        assert_int_equal(s.rings[0].n_flows, 1);
        uint8_t first = s.rings[0].flows[0].verdict, rest = s.rings[1].flows[0].verdict;
        if (first != rows[i].first || rest != rows[i].rest)
            fail_msg("%s: %s, then %s", rows[i].name,
                     simulate_verdict_text((enum simulate_verdict)first).ptr,
                     simulate_verdict_text((enum simulate_verdict)rest).ptr);
    }
    arena_close(&scratch);
    arena_close(&arena);
}

static void segments_of_then_and_groups_by_identity(void **state)
{
    (void)state;
    check_rows(policy_text, &(struct host_lookup){.host = find_host});
}

/* Computers of a group of the directory are followed like hosts that the policy names. */
static void computers_of_the_directory_by_identity(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    const struct host_lookup lookup = {.host = find_host, .ad_computers = find_computers};
    str before, behind = str_of(policy_text);
    size_t at = 0;
    (void)state;
    while (!str_starts(str_tail(behind, at), S("lap.contoso.com")))
        at++;
    before = str_head(behind, at);
    behind = str_tail(behind, at + strlen("lap.contoso.com"));
    str text =
        str_format(&arena, "%.*s{ad-group: Admin PCs}%.*s", STR_ARG(before), STR_ARG(behind));
    check_rows(str_c(&arena, text), &lookup);
    arena_close(&arena);
}

static void few_owners_are_followed(void **state)
{
    /* One address, and more owners than are followed, each named by the policy. */
    enum { OWNERS = LIMIT_ERAS + 3 };
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct host_witness witnesses[OWNERS];
    struct matrix_flow flows[OWNERS] = {0};
    struct buf text = buf_in(&arena);
    struct policy policy;
    struct resolved resolved;
    struct diagnostics found = {0};
    (void)state;
    buf_str(&text, S("version: 1\nsegments: {clients: {networks: [10.10.0.0/16], trust: managed}}\n"
                     "groups:\n  all-of-them: {hosts: ["));
    for (int i = 0; i < OWNERS; i++) {
        witnesses[i] = (struct host_witness){
            .addr = addr_of("10.10.0.5"),
            .name = str_format(&arena, "host%d.contoso.com", i),
            .source = IDENTITY_LOG,
            .first_us = day(i),
            .last_us = day(i) + 1,
        };
        buf_format(&text, "%shost%d.contoso.com", i ? ", " : "", i);
        flows[i] = (struct matrix_flow){
            .client = {.addr = addr_of("10.10.0.5")},
            .server = {.addr = addr_v4(0x0A0A0100u + (uint32_t)i)},
            .transport = TRANSPORT_TCP,
            .port = 445,
            .last_us = day(i),
        };
        flows[i].outcomes[OUTCOME_ESTABLISHED] = 1;
    }
    buf_str(&text, S("]}\nallow: []\n"));
    struct host_list hosts = hosts_of(&arena, witnesses, OWNERS, NULL, 0);
    struct host_lookup lookup = {.to = &hosts, .host = find_host};
    assert_true(policy_parse(S("p"), buf_text(&text), &arena, &policy, &found));
    assert_true(resolve_policy(&policy, &lookup, day(OWNERS), true, &arena, &resolved, &found));
    struct matrix_view matrix = {.flows = flows, .n_flows = OWNERS};
    struct replay replay = replay_of(&matrix, &arena, scratch);
    struct eras eras = eras_of(&resolved, decision_build(&resolved, NULL, &arena, scratch), &replay,
                               &hosts, &lookup, &arena, scratch);
    assert_int_equal(eras.n, LIMIT_ERAS);
    size_t lost = 0;
    for (size_t i = 0; i < OWNERS; i++)
        lost += eras.of_flow[i] == ERAS_TOO_MANY;
    assert_int_equal(lost, OWNERS - LIMIT_ERAS);
    arena_close(&scratch);
    arena_close(&arena);
}

static void without_names_there_is_only_now(void **state)
{
    static const char text[] = "version: 1\n"
                               "segments: {clients: {networks: [10.10.0.0/16], trust: managed}}\n"
                               "allow: []\n";
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct host_list hosts = hosts_there(&arena);
    struct host_lookup lookup = {.to = &hosts, .host = find_host};
    struct policy policy;
    struct resolved resolved;
    struct diagnostics found = {0};
    struct matrix_view matrix = {0};
    (void)state;
    assert_true(policy_parse(S("p"), str_of(text), &arena, &policy, &found));
    assert_true(resolve_policy(&policy, &lookup, day(11), true, &arena, &resolved, &found));
    struct replay replay = replay_of(&matrix, &arena, scratch);
    const struct decision *decision = decision_build(&resolved, NULL, &arena, scratch);
    struct eras eras = eras_of(&resolved, decision, &replay, &hosts, &lookup, &arena, scratch);
    assert_int_equal(eras.n, 1);
    assert_null(eras.of_flow);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(segments_of_then_and_groups_by_identity),
        cmocka_unit_test(computers_of_the_directory_by_identity),
        cmocka_unit_test(few_owners_are_followed),
        cmocka_unit_test(without_names_there_is_only_now),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
