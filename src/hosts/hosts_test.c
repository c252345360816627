/* SPDX-License-Identifier: Apache-2.0 */
#include "hosts/hosts.h"

#include "base/test.h"

static struct arena arena;

static struct addr addr(const char *text)
{
    struct addr a;
    assert_true(addr_parse(str_of(text), &a));
    return a;
}

struct seen {
    const char *addr, *name;
    enum identity_source source;
    int from, to;
};

struct row {
    const char *name;
    struct seen seen[5];
    const char *ends[2];
    /* "host[addr from-to ...] ..."; "?" = ambiguous, "-" = known by address only */
    const char *expected;
};

#define NTLM IDENTITY_NTLM
#define TREE IDENTITY_TREE_PATH
#define KRB  IDENTITY_KERBEROS
#define NBSS IDENTITY_NBSS

static const struct row rows[] = {
    {"a name and its address",                         {{"10.0.0.1", "FS01", NTLM, 1, 5}},       {0}, "FS01[10.0.0.1 1-5]" },
    {"short and full name are one host",
     {{"10.0.0.1", "FS01", NTLM, 1, 5}, {"10.0.0.1", "fs01.contoso.com", KRB, 2, 9}},
     {0},
     "fs01.contoso.com[10.0.0.1 1-5]"                                                                                      },
    {"two full names keep their short name apart",
     {{"10.0.0.1", "fs01.a.com", NTLM, 1, 2}, {"10.0.0.2", "fs01.b.com", NTLM, 1, 2}},
     {0},
     "fs01.a.com[10.0.0.1 1-2] fs01.b.com[10.0.0.2 1-2]"                                                                   },
    {"a lease that moves on",
     {{"10.0.0.1", "WS1", NTLM, 1, 2},
      {"10.0.0.1", "WS2", NTLM, 4, 5},
      {"10.0.0.1", "WS1", NTLM, 7, 8}},
     {0},
     "WS1[10.0.0.1 1-2 10.0.0.1 7-8] WS2[10.0.0.1 4-5]"                                                                    },
    {"two hosts at once are ambiguous",
     {{"10.0.0.1", "WS1", NTLM, 1, 5}, {"10.0.0.1", "WS2", NTLM, 3, 4}},
     {0},
     "?[10.0.0.1 1-5]"                                                                                                     },
    {"one host with two addresses",
     {{"10.0.0.2", "FS01", NTLM, 1, 5}, {"fd00::2", "FS01", NTLM, 1, 5}},
     {0},
     "FS01[10.0.0.2 1-5 fd00::2 1-5]"                                                                                      },
    {"what one message tells is one host's",
     {{"10.0.0.1", "VERY-LONG-NAME-", NTLM, 1, 5},
      {"10.0.0.1", "very-long-name-01.contoso.com", NTLM, 1, 5}},
     {0},
     "very-long-name-01.contoso.com[10.0.0.1 1-5]"                                                                         },
    {"a name that many have joins nobody",
     {{"10.0.0.1", "ZETA1", NTLM, 1, 5},
      {"10.0.0.1", "vm", NTLM, 1, 5},
      {"10.0.0.2", "ZETA2", NTLM, 1, 5},
      {"10.0.0.2", "vm", NTLM, 1, 5}},
     {0},
     "ZETA1[10.0.0.1 1-5] ZETA2[10.0.0.2 1-5]"                                                                             },
    {"the machine's own word beats what it is called",
     {{"10.0.0.1", "FS01", NTLM, 1, 5}, {"10.0.0.1", "files", TREE, 2, 3}},
     {0},
     "FS01[10.0.0.1 1-5]"                                                                                                  },
    {"one alias names a host",                         {{"10.0.0.1", "files", TREE, 2, 3}},      {0}, "files[10.0.0.1 2-3]"},
    {"several aliases name nobody",
     {{"10.0.0.1", "files", TREE, 2, 3}, {"10.0.0.1", "archive", TREE, 2, 3}},
     {"10.0.0.1", NULL},
     "-[10.0.0.1 0-0]"                                                                                                     },
    {"an address in a path is no name",                {{"10.0.0.1", "10.0.0.1", TREE, 2, 3}},   {0}, ""                   },
    {"nor is what NetBIOS calls the unknown",          {{"10.0.0.1", "*SMBSERVER", NBSS, 2, 3}}, {0}, ""                   },
    {"ends that nobody named are listed",
     {{"10.0.0.1", "FS01", NTLM, 1, 5}},
     {"10.0.0.1", "10.0.0.9"},
     "FS01[10.0.0.1 1-5] -[10.0.0.9 0-0]"                                                                                  },
};

static struct host_list list_of(const struct row *row)
{
    struct host_witness *witnesses = arena_array(&arena, struct host_witness, 5);
    struct addr *ends = arena_array(&arena, struct addr, 2);
    size_t n = 0, n_ends = 0;
    for (; n < 5 && row->seen[n].addr; n++)
        witnesses[n] =
            (struct host_witness){addr(row->seen[n].addr), str_of(row->seen[n].name),
                                  row->seen[n].source, row->seen[n].from, row->seen[n].to};
    for (; n_ends < 2 && row->ends[n_ends]; n_ends++)
        ends[n_ends] = addr(row->ends[n_ends]);
    return hosts_of(&arena, witnesses, n, ends, n_ends);
}

static void witnesses_become_hosts(void **state)
{
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct host_list list = list_of(&rows[r]);
        struct buf found = buf_in(&arena);
        for (size_t i = 0; i < list.n; i++) {
            const struct host *host = &list.hosts[i];
            str name = host->ambiguous ? S("?") : host->name.len ? host->name : S("-");
            buf_format(&found, "%s%.*s[", i ? " " : "", STR_ARG(name));
            for (size_t j = 0; j < host->n_intervals; j++) {
                if (j) buf_char(&found, ' ');
                addr_print(&found, host->intervals[j].addr);
                buf_format(&found, " %d-%d", (int)host->intervals[j].from_us,
                           (int)host->intervals[j].to_us);
            }
            buf_char(&found, ']');
        }
        if (!str_equal(buf_text(&found), str_of(rows[r].expected)))
            fail_msg("%s: expected %s, found %.*s", rows[r].name, rows[r].expected,
                     STR_ARG(buf_text(&found)));
    }
}

static void who_held_an_address_when(void **state)
{
    const struct row row = {
        .seen = {{"10.0.0.1", "WS1", NTLM, 10, 20}, {"10.0.0.1", "WS2", NTLM, 40, 50}}
    };
    struct host_list list = list_of(&row);
    (void)state;
    const struct {
        int at;
        const char *name;
    } asked[] = {
        {15, "WS1"},
        {0,  "WS1"},
        {24, "WS1"},
        {39, "WS2"},
        {45, "WS2"},
        {99, "WS2"}
    };
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        const struct host *host = hosts_at(&list, addr("10.0.0.1"), asked[i].at);
        assert_non_null(host);
        assert_true(str_equal(host->name, str_of(asked[i].name)));
    }
    assert_null(hosts_at(&list, addr("10.0.0.2"), 15));
}

struct holding_row {
    const char *name, *asked;
    int as_of;
    struct seen seen[4];
    const char *expected; /* "addr@seen!": ! = claimed by another since */
};

static const struct holding_row holding_rows[] = {
    {"by its name",                           "FS01",             99, {{"10.0.0.1", "FS01", NTLM, 1, 5}},  "10.0.0.1@5"},
    {"by its full name",                      "fs01.contoso.com", 99, {{"10.0.0.1", "FS01", NTLM, 1, 5}},  "10.0.0.1@5"},
    {"a short name for a full one",
     "fs01",                                                      99,
     {{"10.0.0.1", "fs01.contoso.com", NTLM, 1, 5}},
     "10.0.0.1@5"                                                                                                      },
    {"not another domain's",
     "fs01.other.com",                                            99,
     {{"10.0.0.1", "fs01.contoso.com", NTLM, 1, 5}},
     ""                                                                                                                },
    {"a short name of two is nobody's",
     "fs01",                                                      99,
     {{"10.0.0.1", "fs01.a.com", NTLM, 1, 5}, {"10.0.0.2", "fs01.b.com", NTLM, 1, 5}},
     ""                                                                                                                },
    {"not before it was seen",                "FS01",             0,  {{"10.0.0.1", "FS01", NTLM, 1, 5}},  ""          },
    {"seen up to the time asked for",         "FS01",             3,  {{"10.0.0.1", "FS01", NTLM, 1, 5}},  "10.0.0.1@3"},
    {"another has it since",
     "FS01",                                                      99,
     {{"10.0.0.1", "FS01", NTLM, 1, 5}, {"10.0.0.1", "WS2", NTLM, 7, 8}},
     "10.0.0.1@5!"                                                                                                     },
    {"all its addresses",
     "FS01",                                                      99,
     {{"10.0.0.1", "FS01", NTLM, 1, 5}, {"fd00::1", "FS01", NTLM, 1, 6}},
     "10.0.0.1@5 fd00::1@6"                                                                                            },
    {"by the name that NetBIOS cuts",
     "very-long-name-01.contoso.com",                             99,
     {{"10.0.0.1", "VERY-LONG-NAME-", NTLM, 1, 5},
      {"10.0.0.1", "very-long-name-01.contoso.com", NTLM, 1, 5}},
     "10.0.0.1@5"                                                                                                      },
    {"not by what a client calls it besides",
     "files",                                                     99,
     {{"10.0.0.1", "FS01", NTLM, 1, 5}, {"10.0.0.1", "files", TREE, 1, 5}},
     ""                                                                                                                },
    {"what a client calls it is not enough",  "files",            99, {{"10.0.0.1", "files", TREE, 1, 5}}, ""          },
};

static void names_stand_for_addresses(void **state)
{
    (void)state;
    for (size_t r = 0; r < 2 * COUNT_OF(holding_rows); r++) {
        const struct holding_row *row = &holding_rows[r / 2];
        struct row plain = {.name = row->name};
        memcpy(plain.seen, row->seen, sizeof row->seen);
        struct host_list list = list_of(&plain);
        if (r % 2) hosts_index_labels(&arena, &list); /* says the same */
        size_t n = 0;
        const struct host_holding *held =
            hosts_holdings(&list, str_of(row->asked), row->as_of, &arena, &n);
        struct buf found = buf_in(&arena);
        for (size_t i = 0; i < n; i++) {
            if (i) buf_char(&found, ' ');
            addr_print(&found, held[i].addr);
            buf_format(&found, "@%d%s", (int)held[i].seen_us,
                       held[i].claimed_by_another ? "!" : "");
        }
        if (!str_equal(buf_text(&found), str_of(row->expected)))
            fail_msg("%s: expected \"%s\", found \"%.*s\"", row->name, row->expected,
                     STR_ARG(buf_text(&found)));
    }
}

/* What evidence calls a host that it gives no address of: also what others call it. */
static const struct holding_row named_rows[] = {
    {"by its name in another case",       "fs01",             0, {{"10.0.0.1", "FS01", NTLM, 1, 5}},       "FS01" },
    {"by its full name",                  "FS01.contoso.com", 0, {{"10.0.0.1", "FS01", NTLM, 1, 5}},       "FS01" },
    {"a short name for the full one",
     "FS01",                                                  0,
     {{"10.0.0.1", "fs01.contoso.com", NTLM, 1, 5}},
     "fs01.contoso.com"                                                                                           },
    {"not another domain's",              "fs01.a.com",       0, {{"10.0.0.1", "fs01.b.com", NTLM, 1, 5}}, ""     },
    {"a short name of two is nobody's",
     "fs01",                                                  0,
     {{"10.0.0.1", "fs01.a.com", NTLM, 1, 5}, {"10.0.0.2", "fs01.b.com", NTLM, 1, 5}},
     ""                                                                                                           },
    {"what clients call it",              "files",            0, {{"10.0.0.1", "files", TREE, 1, 5}},      "files"},
    {"its own word counts before",
     "files",                                                 0,
     {{"10.0.0.1", "files", TREE, 1, 5},
      {"10.0.0.2", "FILES", NTLM, 1, 5},
      {"10.0.0.1", "FS01", NTLM, 1, 5}},
     "FILES"                                                                                                      },
    {"two that are called so",
     "files",                                                 0,
     {{"10.0.0.1", "files", TREE, 1, 5},
      {"10.0.0.1", "FS01", NTLM, 1, 5},
      {"10.0.0.2", "files", TREE, 1, 5},
      {"10.0.0.2", "FS02", NTLM, 1, 5}},
     ""                                                                                                           },
    {"an ambiguous address names nobody",
     "WS1",                                                   0,
     {{"10.0.0.1", "WS1", NTLM, 1, 5}, {"10.0.0.1", "WS2", NTLM, 3, 4}},
     ""                                                                                                           },
    {"an address is no name",             "10.0.0.1",         0, {{"10.0.0.1", "FS01", NTLM, 1, 5}},       ""     },
    {"nor is localhost",                  "localhost",        0, {{"10.0.0.1", "FS01", NTLM, 1, 5}},       ""     },
};

static void names_mean_hosts(void **state)
{
    (void)state;
    for (size_t r = 0; r < COUNT_OF(named_rows); r++) {
        const struct holding_row *row = &named_rows[r];
        struct row plain = {.name = row->name};
        memcpy(plain.seen, row->seen, sizeof row->seen);
        struct host_list list = list_of(&plain);
        const struct host *host = hosts_named(hosts_by_name(&arena, &list), str_of(row->asked));
        str found = host ? host->name : (str){0};
        if (!str_equal(found, str_of(row->expected)))
            fail_msg("%s: expected \"%s\", found \"%.*s\"", row->name, row->expected,
                     STR_ARG(found));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(witnesses_become_hosts),
        cmocka_unit_test(who_held_an_address_when),
        cmocka_unit_test(names_stand_for_addresses),
        cmocka_unit_test(names_mean_hosts),
    };
    arena = arena_open("test", 0, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failed;
}
