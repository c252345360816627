/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/audit_plan.h"

#include "base/instant.h"
#include "base/test.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define START  INT64_C(1700000000000000)

static struct endpoint end_of(const char *text)
{
    struct endpoint end = {0};
    if (!addr_parse(str_of(text), &end.addr)) end.name = str_of(text);
    return end;
}

static struct matrix_flow flow_of(const char *client, const char *server, uint64_t connections)
{
    return (struct matrix_flow){
        .client = end_of(client),
        .server = end_of(server),
        .transport = TRANSPORT_TCP,
        .port = 445,
        .outcomes = {[OUTCOME_ESTABLISHED] = connections},
        .connections = connections,
        .first_us = START,
        .last_us = START + 3 * DAY_US,
    };
}

static const struct questioned *ask(struct arena *arena, const struct matrix_flow *flows, size_t n,
                                    const struct coverage *coverage, size_t n_coverage,
                                    size_t *n_servers)
{
    struct matrix_view matrix = {
        .flows = flows, .n_flows = n, .coverage = coverage, .n_coverage = n_coverage};
    static const struct host_witness witnesses[] = {
        {.name = {"fs01.contoso.com", 16}, .source = IDENTITY_LOG, .first_us = START},
    };
    struct host_witness named = witnesses[0];
    struct addr ends[2];
    assert_true(addr_parse(S("10.0.0.1"), &named.addr));
    assert_true(addr_parse(S("10.0.0.1"), &ends[0]));
    assert_true(addr_parse(S("10.0.0.2"), &ends[1]));
    named.last_us = START + 30 * DAY_US;
    struct host_list *list = arena_new(arena, struct host_list);
    *list = hosts_of(arena, &named, 1, ends, COUNT_OF(ends));
    struct hosts_view *hosts = arena_new(arena, struct hosts_view);
    *hosts = roles_of(arena, list, &matrix, NULL, 0);
    return questions_of(arena, &matrix, list, hosts, NULL, 0, n_servers);
}

static unsigned bit(enum question question)
{
    return 1u << question;
}

static void everything_is_open_until_evidence_closes_it(void **state)
{
    (void)state;
    static const str share = {"\\\\FS01\\projects", 15};
    const struct {
        const char *name;
        struct matrix_flow flow;
        bool own_log;
        unsigned open;
    } rows[] = {
        {"seen from outside", flow_of("10.1.0.1", "10.0.0.2", 3), false,
         bit(QUESTION_SHARES) | bit(QUESTION_CLIENTS) | bit(QUESTION_AUTHENTICATION) |
             bit(QUESTION_DIALECT)                                                  },
        {"its own log",       flow_of("10.1.0.1", "10.0.0.2", 3), true,
         bit(QUESTION_SHARES) | bit(QUESTION_AUTHENTICATION) | bit(QUESTION_DIALECT)},
        {"all told",          flow_of("10.1.0.1", "10.0.0.2", 3), true,  0          },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("audit plan test", 0, NULL);
        struct matrix_flow flow = rows[i].flow;
        struct coverage coverage = {
            .origin = S("10.0.0.2"), .facts = 1, .locals = &flow.server.addr, .n_locals = 1};
        size_t n = 0;
        if (!rows[i].open) {
            flow.shares = (struct names){&share, 1};
            flow.auths = 1u << AUTH_KERBEROS;
            flow.dialects = 1u << DIALECT_3_1_1;
        }
        const struct questioned *servers =
            ask(&arena, &flow, 1, &coverage, rows[i].own_log ? 1 : 0, &n);
        assert_int_equal(n, 1);
        if (servers[0].open != rows[i].open)
            fail_msg("%s: open 0x%x, expected 0x%x", rows[i].name, servers[0].open, rows[i].open);
        struct audit_plan plan = audit_plan(&arena, servers, n, (struct audit_wishes){14, 1000000});
        assert_int_equal(plan.n_hosts, rows[i].open ? 1 : 0);
        assert_int_equal(plan.n_answered, rows[i].open ? 0 : 1);
        arena_close(&arena);
    }
}

static void a_name_and_its_address_are_one_server(void **state)
{
    (void)state;
    struct arena arena = arena_open("audit plan test", 0, NULL);
    const struct matrix_flow flows[] = {
        flow_of("10.1.0.1", "10.0.0.1", 3),
        flow_of("10.1.0.2", "FS01.contoso.com", 4),
        flow_of("10.1.0.2", "FS02.contoso.com", 5),
    };
    size_t n = 0;
    const struct questioned *servers = ask(&arena, flows, COUNT_OF(flows), NULL, 0, &n);
    assert_int_equal(n, 2);
    assert_int_equal(servers[0].connections, 7);
    assert_int_equal(servers[0].n_clients, 2);
    assert_int_equal(servers[0].days, 4);
    assert_true(str_equal(servers[1].label, S("FS02.contoso.com")));
    arena_close(&arena);
}

static void what_never_answered_is_no_server(void **state)
{
    (void)state;
    struct arena arena = arena_open("audit plan test", 0, NULL);
    struct matrix_flow flow = flow_of("10.1.0.1", "10.0.0.2", 3);
    flow.outcomes[OUTCOME_ESTABLISHED] = 0;
    flow.outcomes[OUTCOME_NO_ANSWER] = 3;
    size_t n = 0;
    (void)ask(&arena, &flow, 1, NULL, 0, &n);
    assert_int_equal(n, 0);
    arena_close(&arena);
}

static const struct audit_proposal *proposal(const struct audit_host *host, enum audit audit)
{
    for (size_t i = 0; i < host->n; i++)
        if (host->proposals[i].audit == audit) return &host->proposals[i];
    return NULL;
}

static void chatty_audits_get_fewer_days(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t connections, events_max, per_day;
        uint32_t days;
    } rows[] = {
        {"quiet",                40,     1000000, 20,     14},
        {"rounded up",           41,     1000000, 22,     14},
        {"cut to what fits",     400000, 1000000, 200000, 5 },
        {"one day at the least", 400000, 1000,    200000, 1 },
        {"exactly what fits",    400000, 2800000, 200000, 14},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("audit plan test", 0, NULL);
        struct matrix_flow flow = flow_of("10.1.0.1", "10.0.0.2", rows[i].connections);
        size_t n = 0;
        const struct questioned *servers = ask(&arena, &flow, 1, NULL, 0, &n);
        struct audit_plan plan =
            audit_plan(&arena, servers, n, (struct audit_wishes){14, rows[i].events_max});
        const struct audit_proposal *share = proposal(&plan.hosts[0], AUDIT_FILE_SHARE);
        assert_non_null(share);
        if (share->events_per_day != rows[i].per_day || share->days != rows[i].days)
            fail_msg("%s: %" PRIu64 " a day for %u days", rows[i].name, share->events_per_day,
                     share->days);
        assert_false(share->at_least);
        const struct audit_proposal *connection = proposal(&plan.hosts[0], AUDIT_CONNECTION);
        assert_true(connection->at_least && connection->days <= 2);
        arena_close(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_open_until_evidence_closes_it),
        cmocka_unit_test(a_name_and_its_address_are_one_server),
        cmocka_unit_test(what_never_answered_is_no_server),
        cmocka_unit_test(chatty_audits_get_fewer_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
