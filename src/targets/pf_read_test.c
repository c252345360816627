/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/pf_read.h"

#include "targets/read_rows.h"

#define HOST   SOURCE_ROOT "/tests/corpus/pf_read/host.pf.conf"
#define BORDER SOURCE_ROOT "/tests/corpus/pf_read/border.pf.conf"

static const struct read_row host_rows[] = {
    {"as written",                        NULL,                               NULL,                             NULL,                           0,  8},
    {"an empty table",                    "    2001:db8:2::3 \\\n",           "",                               NULL,                           0,  8},
    {"on one line",                       "10.2.0.1, \\\n    10.2.0.3 \\\n",  "10.2.0.1, 10.2.0.3 ",            NULL,                           0,  8},
    {"a blank line",                      "}\ntable",                         "}\n\n\ntable",                   NULL,                           0,  8},
    {"a range of ports",                  "{ 137, 138 }",                     "{ 137:138, 4 }",                 NULL,                           0,  8},
    {"a tab",                             "    10.2.0.1",                     "\t10.2.0.1",                     "printable ASCII",              1,  0},
    {"another anchor",                    "# anchor: sallyport\n",            "# anchor: com.apple\n",          "an anchor of ours",            10,
     0                                                                                                                                               },
    {"no anchor",                         "# anchor: sallyport\n",            "",                               "an anchor of ours",            9,  0},
    {"an anchor after the rules begin",   "# anchor: sallyport\n",            "table <x> const { 10.0.0.1 }\n",
     "an anchor of ours",                                                                                                                       4,  0},
    {"a table that changes",              "<remote_1> const",                 "<remote_1> persist",             "const {",                      10, 0},
    {"a table of a file",                 "const { \\\n",                     "const file \"/etc/x\" { \\\n",   "const {",                      10, 0},
    {"a table twice",                     "<remote_2> const",                 "<remote_1> const",               "a table of another name",      14, 0},
    {"a negated address",                 "    10.2.0.3",                     "    ! 10.2.0.3",                 "an address or a prefix",       12, 0},
    {"a range of addresses",              "10.2.0.3",                         "10.2.0.3-10.2.0.9",              "an address or a prefix",       12, 0},
    {"a name",                            "10.2.0.3",                         "dc01",                           "an address or a prefix",       12, 0},
    {"host bits",                         "10.2.0.3",                         "10.2.0.3/24",                    "an address or a prefix",       12, 0},
    {"a mapped address",                  "10.2.0.3",                         "::ffff:10.2.0.3",                "an address or a prefix",       12, 0},
    {"a prefix of both families",         "2001:db8:2::3",                    "::/0",                           "an address or a prefix",       15, 0},
    {"a comment that goes on",            "allows these in clear\n",          "allows these in clear \\\n",
     "a comment with a backslash",                                                                                                              1,  0},
    {"an address twice",                  "10.2.0.3",                         "10.2.0.1",                       "behind those before it",       12, 0},
    {"an address in another",             "10.2.0.1",                         "10.2.0.0/24",                    "behind those before it",       12, 0},
    {"the other family",                  "10.2.0.3",                         "2001:db8::1",                    "a table of the rule's family", 18, 0},
    {"a list that ends in the next line", "10.2.0.3 \\\n}",                   "10.2.0.3\n}",                    "}",                            12, 0},
    {"an include",                        "pass out",                         "include \"/etc/x\"\npass out",   "pass or block",                18, 0},
    {"an anchor",                         "pass out",                         "anchor \"x\"\npass out",         "pass or block",                18, 0},
    {"a match rule",                      "pass out",                         "match out",                      "pass or block",                18, 0},
    {"a rule that is not quick",          "pass out quick",                   "pass out",                       "quick",                        18, 0},
    {"neither way",                       "pass out quick",                   "pass quick",                     "in or out",                    18, 0},
    {"another interface",                 "on ! lo0",                         "on em0",                         "on ! lo0",                     18, 0},
    {"loopback alone",                    "on ! lo0",                         "on lo0",                         "on ! lo0",                     18, 0},
    {"every interface",                   "on ! lo0 ",                        "",                               "on ! lo0",                     18, 0},
    {"another family word",               "inet proto",                       "inet4 proto",                    "proto",                        18, 0},
    {"no family beside a table",          " inet proto",                      " proto",                         "a table of the rule's family", 18, 0},
    {"a family without a table",          "drop in log quick on ! lo0 proto",
     "drop in log quick on ! lo0 inet proto",                                                                   "a rule of both families",      21, 0},
    {"another protocol",                  "proto tcp",                        "proto sctp",                     "tcp or udp",                   18, 0},
    {"an address",                        "from any",                         "from 10.0.0.1",                  "any, or a table",              18, 0},
    {"an unknown table",                  "to <remote_1>",                    "to <remote_3>",                  "any, or a table",              18, 0},
    {"a negated table",                   "to <remote_1>",                    "to ! <remote_1>",                "any, or a table",              18, 0},
    {"source ports",                      "from any to",                      "from any port 1 to",             "to",                           18, 0},
    {"port 0",                            "port 445",                         "port 0",                         "a port or a range",            18, 0},
    {"ports backwards",                   "port 445",                         "port 9:4",                       "a port or a range",            18, 0},
    {"another operator",                  "port 445",                         "port > 445",                     "a port or a range",            18, 0},
    {"a service's name",                  "port 445",                         "port microsoft-ds",              "a port or a range",            18, 0},
    {"no state",                          "keep state ",                      "",                               "keep state",                   18, 0},
    {"flags",                             "keep state ",                      "flags any keep state ",          "keep state",                   18, 0},
    {"more after the label",              "allow-1\"\n",                      "allow-1\" tag x\n",              "the end of the line",          18, 0},
    {"a quote taken into a label",        "allow-1\"\n",                      "allow-1\\\"\n",                  "id in quotes",                 18, 0},
    {"a label that is not closed",        "allow-1\"\n",                      "allow-1\n",                      "id in quotes",                 18, 0},
    {"a stop without a log",              "block drop in log",                "block drop in",                  "log",                          21, 0},
    {"a stop without its way",            "block drop",                       "block",                          "return",                       21, 0},
};

static const struct read_row border_rows[] = {
    {"as written",       NULL,                       NULL,                   NULL,                   0,  2},
    {"a way",            "pass quick",               "pass in quick",        "quick",                19, 0},
    {"both inside",      "from <remote_1>",          "from <local_1>",       "from local to remote", 19, 0},
    {"an open end",      "to <local_1>",             "to any",               "from local to remote", 19, 0},
    {"a hosts' anchor",  "sallyport-border-servers", "sallyport",            "in or out",            19, 0},
    {"an anchor inside", "sallyport-border-servers", "sallyport-border-a/b", "an anchor of ours",    4,
     0                                                                                                    },
};

static void test_host_rows(void **state)
{
    (void)state;
    read_rows_check(HOST, host_rows, COUNT_OF(host_rows), pf_read);
}

static void test_border_rows(void **state)
{
    (void)state;
    read_rows_check(BORDER, border_rows, COUNT_OF(border_rows), pf_read);
}

static void test_meaning(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct ruleset rules = {0};
    struct err err = {0};
    str text = read_rows_file(&arena, BORDER);
    assert_true(pf_read(S("x"), str_bytes(text), &arena, &rules, &err));
    const struct rule *pass = &rules.rules[0], *stop = &rules.rules[1];
    assert_int_equal(pass->action, ACTION_ALLOW);
    assert_int_equal(pass->direction, DIRECTION_INBOUND);
    assert_true(addr_equal(pass->local.ranges[0].first, addr_v4(UINT32_C(0x0A020001))));
    assert_true(addr_equal(pass->remote.ranges[0].first, addr_v4(UINT32_C(0x0A010000))));
    assert_true(pass->quick && !pass->logs);
    assert_true(str_equal(pass->group, S("anchor sallyport-border-servers")));
    assert_int_equal(stop->action, ACTION_BLOCK);
    assert_int_equal(stop->direction, DIRECTION_OUTBOUND);
    assert_int_equal(stop->transport, TRANSPORT_UDP);
    assert_int_equal(stop->n_ports, 2);
    assert_int_equal(stop->ports[0].last, 138);
    assert_int_equal(stop->remote.n, 2);
    assert_true(stop->logs);
    arena_close(&arena);
}

/* Cut anywhere, a file is refused, or is one that ends between two rules. */
static void test_truncations(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL), turn = arena_open("turn", 0, NULL);
    str text = read_rows_file(&arena, HOST);
    for (size_t n = 0; n < text.len; n++) {
        struct ruleset rules = {0};
        struct err err = {0};
        arena_reset(&turn);
        bool good = pf_read(S("x"), (bytes){(const uint8_t *)text.ptr, n}, &turn, &rules, &err);
        if (good && n)
            assert_true(text.ptr[n - 1] == '\n' || text.ptr[n] == '\n' || !rules.n ||
                        str_contains(str_tail(str_head(text, n), n > 200 ? n - 200 : 0), S("\n#")));
        if (!good) assert_true(err.text[0] != '\0');
    }
    arena_close(&turn);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_rows),
        cmocka_unit_test(test_border_rows),
        cmocka_unit_test(test_meaning),
        cmocka_unit_test(test_truncations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
