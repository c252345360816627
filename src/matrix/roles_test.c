/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/roles.h"

#include "base/test.h"

static struct arena arena;

static struct endpoint end(unsigned last)
{
    return (struct endpoint){.addr = addr_v4(0x0A000000u + last)};
}

static void shares_have_kinds(void **state)
{
    static const struct {
        str share;
        enum share_kind kind;
    } rows[] = {
        {{"C$", 2},       SHARE_KIND_ADMINISTRATIVE},
        {{"d$", 2},       SHARE_KIND_ADMINISTRATIVE},
        {{"ADMIN$", 6},   SHARE_KIND_ADMINISTRATIVE},
        {{"Ipc$", 4},     SHARE_KIND_IPC           },
        {{"SYSVOL", 6},   SHARE_KIND_SYSVOL        },
        {{"NetLogon", 8}, SHARE_KIND_SYSVOL        },
        {{"print$", 6},   SHARE_KIND_PRINT         },
        {{"projects", 8}, SHARE_KIND_USER          },
        {{"hidden$", 7},  SHARE_KIND_USER          },
        {{"1$", 2},       SHARE_KIND_USER          },
        {{"$", 1},        SHARE_KIND_USER          },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (roles_share_kind(rows[i].share) != rows[i].kind)
            fail_msg("%.*s is %.*s", STR_ARG(rows[i].share),
                     STR_ARG(roles_share_kind_text(roles_share_kind(rows[i].share))));
}

static struct share_use use_of(unsigned client, const char *share, const char *pipe,
                               const char *user, bool refused, uint64_t count)
{
    return (struct share_use){
        .client = end(client),
        .server = end(1),
        .share = str_of(share),
        .pipe = str_of(pipe),
        .user = str_of(user),
        .refused = refused,
        .count = count,
        .first_us = client,
        .last_us = client * 10,
    };
}

static void uses_become_shares(void **state)
{
    struct share_use uses[] = {
        use_of(2, "\\\\FS01\\projects", "", "CONTOSO\\alice", false, 3),
        use_of(3, "\\\\fs01.contoso.com\\PROJECTS", "", "contoso\\ALICE", false, 2),
        use_of(3, "\\\\FS01\\projects", "", "CONTOSO\\bob", true, 1),
        use_of(2, "\\\\FS01\\IPC$", "", "", false, 4),
        use_of(2, "\\\\FS01\\IPC$", "srvsvc", "", false, 7),
        use_of(2, "", "", "", false, 9),
        use_of(2, "\\\\FS01\\queue", "", "", false, 1),
    };
    uses[COUNT_OF(uses) - 1].is_printer = true;
    const struct host_list none = {0};
    size_t n = 0;
    (void)state;
    const struct share_view *shares = roles_shares(&arena, uses, COUNT_OF(uses), &none, &n);
    assert_int_equal(n, 3);
    assert_int_equal(shares[1].kind, SHARE_KIND_USER);
    assert_int_equal(shares[2].kind, SHARE_KIND_PRINT); /* the server said so */
    assert_true(str_equal(shares[0].share, S("IPC$")));
    assert_int_equal(shares[0].used, 4); /* the pipe lies in it: not counted besides */
    assert_int_equal(shares[0].users.n, 0);
    assert_true(str_equal(shares[1].share, S("PROJECTS"))); /* the bytewise smallest spelling */
    assert_int_equal(shares[1].used, 5);
    assert_int_equal(shares[1].refused, 1);
    assert_int_equal(shares[1].users.n, 2);
    assert_true(str_equal(shares[1].users.items[0], S("CONTOSO\\alice")));
    assert_int_equal(shares[1].clients.n, 2);
    assert_int_equal(shares[1].paths.n, 2);
    assert_int_equal(shares[1].first_us, 2);
    assert_int_equal(shares[1].last_us, 30);
}

enum { MOST_FLOWS = 16 };

struct flow {
    unsigned client, server;
    enum outcome outcome;
    uint16_t port;
    unsigned dialects;
};

struct row {
    const char *name;
    struct flow flows[MOST_FLOWS];
    const char *share; /* used on host 1; NULL = none */
    unsigned host;
    const char *expected; /* roles, in order */
};

#define E    OUTCOME_ESTABLISHED
#define N    OUTCOME_NO_ANSWER
#define A    OUTCOME_ALLOWED
#define SMB1 (1u << DIALECT_NT_LM_012)
#define SMB3 (1u << DIALECT_3_1_1)

static const struct row rows[] = {
    {"a client",                            {{2, 1, E, 445, SMB3}}, NULL,       2, "client"                      },
    {"a server",                            {{2, 1, E, 445, SMB3}}, NULL,       1, "smb-server"                  },
    {"a file server",                       {{2, 1, E, 445, SMB3}}, "projects", 1, "smb-server file-server"      },
    {"a domain controller",                 {{2, 1, E, 445, SMB3}}, "sysvol",   1, "smb-server domain-controller"},
    {"a print server",                      {{2, 1, E, 445, SMB3}}, "print$",   1, "smb-server print-server"     },
    {"administration makes no file server", {{2, 1, E, 445, SMB3}}, "C$",       1, "smb-server"                  },
    {"an old appliance",                    {{2, 1, E, 445, SMB1}}, "backup",   1, "smb-server file-server nas"  },
    {"not when it speaks SMB3 too",
     {{2, 1, E, 445, SMB1 | SMB3}},
     "backup",                                                                  1,
     "smb-server file-server"                                                                                    },
    {"both",
     {{1, 3, E, 445, SMB3}, {2, 1, E, 445, SMB3}},
     NULL,                                                                      1,
     "smb-server client client-and-server"                                                                       },
    {"no answer is no server",              {{2, 1, N, 445, 0}},    NULL,       1, ""                            },
    {"let out by a client's firewall",      {{2, 1, A, 445, 0}},    NULL,       1, ""                            },
    {"another service is neither",          {{2, 1, E, 3389, 0}},   NULL,       1, ""                            },
    {"a scanner",
     {{2, 10, N, 445, 0},
      {2, 11, N, 445, 0},
      {2, 12, N, 445, 0},
      {2, 13, N, 445, 0},
      {2, 14, N, 445, 0},
      {2, 15, N, 445, 0},
      {2, 16, E, 139, 0},
      {2, 16, E, 445, SMB3},
      {2, 17, E, 445, SMB3},
      {2, 18, N, 445, 0},
      {2, 19, N, 445, 0}},
     NULL,                                                                      2,
     "client scanner"                                                                                            },
    {"a busy client is none",
     {{2, 10, E, 445, 0},
      {2, 11, E, 445, 0},
      {2, 12, E, 445, 0},
      {2, 13, E, 445, 0},
      {2, 14, E, 445, 0},
      {2, 15, E, 445, 0},
      {2, 16, E, 445, 0},
      {2, 17, E, 445, 0},
      {2, 18, N, 445, 0},
      {2, 19, N, 445, 0}},
     NULL,                                                                      2,
     "client"                                                                                                    },
};

static void hosts_have_roles(void **state)
{
    struct addr ends[32];
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ends); i++)
        ends[i] = end(i + 1).addr;
    struct host_list hosts = hosts_of(&arena, NULL, 0, ends, COUNT_OF(ends));
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        const struct row *row = &rows[r];
        struct matrix_flow flows[MOST_FLOWS];
        struct share_use use = {0};
        size_t n = 0, n_shares = 0;
        for (; n < MOST_FLOWS && row->flows[n].client; n++) {
            const struct flow *f = &row->flows[n];
            flows[n] = (struct matrix_flow){.client = end(f->client),
                                            .server = end(f->server),
                                            .transport = TRANSPORT_TCP,
                                            .port = f->port,
                                            .dialects = (uint8_t)f->dialects,
                                            .connections = 1};
            flows[n].outcomes[f->outcome] = 1;
        }
        const struct matrix_view matrix = {.flows = flows, .n_flows = n};
        if (row->share)
            use =
                use_of(2, (const char *)str_c(&arena, str_format(&arena, "\\\\x\\%s", row->share)),
                       "", "", false, 1);
        const struct share_view *shares =
            roles_shares(&arena, &use, row->share ? 1 : 0, &hosts, &n_shares);
        struct hosts_view view = roles_of(&arena, &hosts, &matrix, shares, n_shares);
        struct buf found = buf_in(&arena);
        const struct host_view *host = &view.hosts[row->host - 1];
        for (size_t i = 0; i < host->n_roles; i++) {
            if (i) buf_char(&found, ' ');
            buf_str(&found, roles_text(host->roles[i].role));
            assert_true(host->roles[i].reason.len > 0);
        }
        if (!str_equal(buf_text(&found), str_of(row->expected)))
            fail_msg("%s: expected \"%s\", found \"%.*s\"", row->name, row->expected,
                     STR_ARG(buf_text(&found)));
    }
}

/* A client's word that it let a connection out proves no server; the server's own log does. */
static void its_own_firewall_tells_of_a_server(void **state)
{
    struct addr ends[] = {end(1).addr, end(2).addr};
    struct host_list hosts = hosts_of(&arena, NULL, 0, ends, COUNT_OF(ends));
    struct matrix_flow flow = {.client = end(2),
                               .server = end(1),
                               .transport = TRANSPORT_TCP,
                               .port = 445,
                               .connections = 3};
    struct coverage log = {.locals = &ends[0], .n_locals = 1};
    (void)state;
    flow.outcomes[OUTCOME_ALLOWED] = 3;
    for (size_t with_log = 0; with_log < 2; with_log++) {
        struct matrix_view matrix = {
            .flows = &flow, .n_flows = 1, .coverage = &log, .n_coverage = with_log};
        struct hosts_view view = roles_of(&arena, &hosts, &matrix, NULL, 0);
        assert_int_equal(view.hosts[0].n_roles, with_log);
    }
}

/* What was offered stays apart from what was negotiated; a host without an address is listed. */
static void scans_and_logs_tell_of_hosts(void **state)
{
    struct addr ends[] = {end(1).addr, end(2).addr};
    struct host_list hosts = hosts_of(&arena, NULL, 0, ends, COUNT_OF(ends));
    struct matrix_flow flow = {.client = end(2),
                               .server = end(1),
                               .transport = TRANSPORT_TCP,
                               .port = 445,
                               .connections = 1,
                               .dialects = 1u << DIALECT_NT_LM_012,
                               .server_signing = SIGNING_ENABLED};
    struct matrix_view matrix = {.flows = &flow, .n_flows = 1};
    const struct listening_view listenings[] = {
        {.server = end(1),        .port = 445, .state = LISTENING_OPEN},
        { .server = end(1),
         .state = LISTENING_OPEN,
         .dialects = 1u << DIALECT_3_1_1,
         .signing = SIGNING_REQUIRED},
    };
    const struct change_view changes[] = {
        {.host = {.name = S("FS09")}, .kind = CHANGE_RULE_ADDED,    .at_us = 5},
        {.host = {.name = S("fs09")}, .kind = CHANGE_SHARE_DELETED, .at_us = 3},
    };
    (void)state;
    flow.outcomes[OUTCOME_ESTABLISHED] = 1;
    struct hosts_view view = roles_of(&arena, &hosts, &matrix, NULL, 0);
    view = roles_add_told(&arena, view, &hosts, listenings, COUNT_OF(listenings), changes,
                          COUNT_OF(changes));
    assert_int_equal(view.n, 3);
    const struct posture *posture = &view.hosts[0].posture;
    assert_int_equal(view.hosts[0].n_listenings, 2);
    assert_int_equal(posture->signing, SIGNING_ENABLED);
    assert_int_equal(posture->offered_signing, SIGNING_REQUIRED);
    assert_int_equal(posture->offered_dialects, 1u << DIALECT_3_1_1);
    assert_int_equal(posture->conflicts.n, 2);
    assert_true(
        str_equal(posture->conflicts.items[0], S("dialects: nt-lm-0.12 negotiated, not offered")));
    assert_true(
        str_equal(posture->conflicts.items[1], S("signing: negotiated enabled, offered required")));
    assert_int_equal(view.hosts[1].n_listenings, 0);
    assert_true(str_equal(view.hosts[2].host->name, S("FS09")));
    assert_int_equal(view.hosts[2].n_changes, 2);
    assert_int_equal(view.hosts[2].changes[0].kind, CHANGE_SHARE_DELETED); /* by time */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_have_kinds),
        cmocka_unit_test(uses_become_shares),
        cmocka_unit_test(hosts_have_roles),
        cmocka_unit_test(its_own_firewall_tells_of_a_server),
        cmocka_unit_test(scans_and_logs_tell_of_hosts),
    };
    arena = arena_open("test", 0, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failed;
}
