/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/nftables_read.h"

#include "targets/read_rows.h"

#define HOST   SOURCE_ROOT "/tests/corpus/nftables_read/host.nft"
#define LISTED SOURCE_ROOT "/tests/corpus/nftables_read/host-listed.nft"
#define EXPIRY SOURCE_ROOT "/tests/corpus/nftables_read/expiring.nft"
#define BORDER SOURCE_ROOT "/tests/corpus/nftables_read/border.nft"

static const struct read_row host_rows[] = {
    {"as written",                      NULL,                                                              NULL,                                           NULL,                     0,  3},
    {"on one line",                     "{\n        type ipv4_addr\n",                                     "{ type ipv4_addr ",                            NULL,                     0,  3},
    {"an empty set",                    "            10.2.0.1\n",                                          "",                                             NULL,                     0,  3},
    {"several ports",                   "tcp dport 445 counter accept",                                    "tcp dport { 1-3, 445 } counter accept",        NULL,
     0,                                                                                                                                                                                  3},

    {"a tab",                           "    set",                                                         "\tset",                                        "printable ASCII",        1,  0},
    {"another table",                   "add table inet sallyport",                                        "add table inet filter",                        "a table of ours",        11,
     0                                                                                                                                                                                    },
    {"another family",                  "add table inet",                                                  "add table ip",                                 "add table inet",         11, 0},
    {"the deletion of another table",   "delete table inet sallyport",                                     "delete table inet x",
     "the same table",                                                                                                                                                               12, 0},
    {"no deletion",                     "delete table inet sallyport\n",                                   "",                                             "delete table inet",      12, 0},
    {"an include",                      "table inet sallyport {\n",                                        "include \"/etc/x\"\ntable inet sallyport {\n",
     "table inet",                                                                                                                                                                   13, 0},
    {"a set that is no interval",       "flags interval",                                                  "flags dynamic",                                "flags interval",         16, 0},
    {"a set of another type",           "ipv4_addr",                                                       "inet_service",                                 "ipv4_addr or ipv6_addr", 15, 0},
    {"an address of the other family",  "            10.2.0.1\n",                                          "            2001:db8::1\n",
     "an address, prefix or range",                                                                                                                                                  18, 0},
    {"a mapped address",                "            10.2.0.1\n",                                          "            ::ffff:10.2.0.1/33\n",
     "an address, prefix or range",                                                                                                                                                  18, 0},
    {"a mapped address alone",          "            10.2.0.1\n",                                          "            ::ffff:10.2.0.1\n",
     "an address, prefix or range",                                                                                                                                                  18, 0},
    {"host bits",                       "            10.2.0.1\n",                                          "            10.2.0.1/24\n",
     "an address, prefix or range",                                                                                                                                                  18, 0},
    {"a range backwards",               "            10.2.0.1\n",                                          "            10.2.0.9-10.2.0.1\n",
     "an address, prefix or range",                                                                                                                                                  18, 0},
    {"a comma too many",                "            10.2.0.1\n",                                          "            10.2.0.1,\n",
     "an address, prefix or range",                                                                                                                                                  19, 0},
    {"a later priority",                "priority -10",                                                    "priority 10",                                  "priority -10",           22, 0},
    {"another policy",                  "policy accept",                                                   "policy drop",                                  "policy accept",          22, 0},
    {"all states",                      "ct direction reply",                                              "ct state established",                         "ct direction reply",     24, 0},
    {"a jump",                          "        tcp dport 445 limit",                                     "        jump x\n        tcp dport 445 limit",
     "tcp or udp",                                                                                                                                                                   26, 0},
    {"a stop that logs something else", "tcp dport 445 limit",                                             "tcp dport 444 limit",
     "the condition of the logging line",                                                                                                                                            27, 0},
    {"a stop without a log",            "tcp dport 445 limit rate 10/second log prefix \"sallyport-in \"", "",
     "counter accept",                                                                                                                                                               27, 0},
    {"a foreign log prefix",            "\"sallyport-in \"",                                               "\"x\"",                                        "a log prefix of ours",   26, 0},
    {"an unknown set",                  "@remote_1_v4",                                                    "@remote_2_v4",                                 "the name of a set",      34, 0},
    {"a set of the other family",       "ip daddr @remote_1_v4",                                           "ip6 daddr @remote_1_v4",
     "the name of a set of this family",                                                                                                                                             34, 0},
    {"a negated set",                   "ip daddr @remote_1_v4",                                           "ip daddr != @remote_1_v4",                     "the name of a set",      34,
     0                                                                                                                                                                                    },
    {"a literal address",               "ip daddr @remote_1_v4",                                           "ip daddr 10.2.0.1",                            "the name of a set",      34, 0},
    {"an end twice",                    "ip daddr @remote_1_v4",                                           "ip daddr @remote_1_v4 ip daddr @remote_1_v4",
     "each end once",                                                                                                                                                                34, 0},
    {"the local end last",              "ip daddr @remote_1_v4",                                           "ip daddr @remote_1_v4 ip saddr @remote_1_v4",
     "each end once",                                                                                                                                                                34, 0},
    {"source ports",                    "tcp dport 445 counter accept",                                    "tcp sport 445 counter accept",                 "dport",                  34,
     0                                                                                                                                                                                    },
    {"another protocol",                "tcp dport 445 counter accept",                                    "sctp dport 445 counter accept",
     "tcp or udp",                                                                                                                                                                   34, 0},
    {"port 0",                          "tcp dport 445 counter accept",                                    "tcp dport 0 counter accept",                   "a port",                 34, 0},
    {"another verdict",                 "counter accept",                                                  "counter queue",                                "counter accept",         34, 0},
    {"no comment",                      "counter accept comment",                                          "counter accept #",                             "comment",                36, 0},
    {"a comment that is not closed",    "counter drop comment \"",                                         "counter drop comment x\"",
     "id in quotes",                                                                                                                                                                 27, 0},
    {"a chain more",                    "    chain output",                                                "    chain x { }\n    chain output",            "output",                 29, 0},
    {"something after the table",       "\n    }\n}\n",                                                    "\n    }\n}\nflush ruleset\n",
     "the end of the file",                                                                                                                                                          40, 0},
};

/* As `nft list table inet sallyport` prints host.nft once it is loaded (nft 1.0.6). */
static const struct read_row listed_rows[] = {
    {"as printed",        NULL,                            NULL,                        NULL,                  0,  3},
    {"an older nft",      "priority filter - 10",          "priority -10",              NULL,                  0,  3},
    {"an older reject",   "icmpx admin",                   "icmpx type admin",          NULL,                  0,  3},
    {"an empty set",      "\t\telements = { 10.2.0.1 }\n", "",                          NULL,                  0,  3},
    {"with handles",      "policy accept;",                "policy accept; # handle 7", NULL,                  0,  3},
    {"a counted packet",  "packets 0 bytes 0 drop",        "packets 3 bytes 180 drop",  NULL,                  0,  3},
    {"another table",     "table inet sallyport {",        "table inet sallyportx {",   "a table of ours",     1,  0},
    {"a later priority",  "filter - 10",                   "filter + 10",               "filter - 10",         9,  0},
    {"counts of nothing", "packets 0 bytes 0 accept",      "accept",                    "packets",             20, 0},
    {"another state",     "ct direction reply",            "ct state established",      "ct direction reply",  11, 0},
    {"a timeout",         "flags interval",                "flags interval,timeout",    NULL,                  0,  3},
    {"a second table",    "\t}\n}\n",                      "\t}\n}\ntable ip x {\n}\n", "the end of the file", 25, 0},
};

static const struct read_row border_rows[] = {
    {"as written",               NULL,                            NULL,            NULL,        0,  5},
    {"a range of both families", "::2-::fffe:ffff:ffff",          "::2-::1:0:0:0",
     "an address, prefix or range",                                                             54, 0},
    {"a host's chain",           "chain forward",                 "chain input",   "forward",   95, 0},
    {"only one end",             "ip daddr @local_1_v4 ip saddr", "ip saddr",      "both ends", 99, 0},
};

/* An accept is as many rules as its elements have ends. */
static const struct read_row expiring_rows[] = {
    {"as written",              NULL,               NULL,                           NULL,             0,  6},
    {"the same end",            "500ms",            "777600s",                      NULL,             0,  5},
    {"in days",                 "777600s",          "9d",                           NULL,             0,  6},
    {"no moment to count from", "# as of: ",        "# as if: ",                    "a comment",      14, 0},
    {"a moment that is none",   "# as of: 2026",    "# as of: 26",                  "a comment",      14, 0},
    {"a set without the flag",  "interval,timeout", "interval",                     "}",              14, 0},
    {"another flag",            "interval,timeout", "interval,dynamic",             "timeout",        11, 0},
    {"a time without a unit",   "777600s",          "777600",                       "a time such as", 14, 0},
    {"a time of another unit",  "777600s",          "777600w",                      "a time such as", 14, 0},
    {"no time",                 "timeout 777600s",  "timeout",                      "a time such as", 14, 0},
    {"a time of 0",             "777600s",          "0s",                           "a time such as", 14, 0},
    {"a negative time",         "777600s",          "-1s",                          "a time such as", 14, 0},
    {"more than 292,000 years", "777600s",          "9999999999999s",               "a time such as", 14, 0},
    {"a sum of as much",        "777600s",          "2300000000000s2300000000000s", "a time such as", 14, 0},
    {"an end beside a time",    "777600s",          "777600s expires 3s",           "}",              14, 0},
    {"a pair's time",           "60s",              "60",                           "a time such as", 22, 0},
};

static void test_expiring_rows(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct ruleset rules = {0};
    struct err err = {0};
    const int64_t as_of_us = INT64_C(1795305600) * 1000000; /* 2026-11-22 */
    read_rows_check(EXPIRY, expiring_rows, COUNT_OF(expiring_rows), nftables_read);
    str text = read_rows_file(&arena, EXPIRY);
    assert_true(nftables_read(S("x"), str_bytes(text), &arena, &rules, &err));
    assert_int_equal(rules.rules[0].expires_us, 0);
    assert_int_equal(rules.rules[1].expires_us, as_of_us + INT64_C(777600) * 1000000);
    assert_int_equal(rules.rules[2].expires_us, as_of_us + 500000);
    assert_int_equal(rules.rules[3].action, ACTION_BLOCK);
    assert_int_equal(rules.rules[4].expires_us, as_of_us + 60 * 1000000);
    assert_int_equal(rules.rules[4].remote.ranges[0].last.lo & 0xFF, 2);
    assert_int_equal(rules.rules[5].expires_us, 0);
    arena_close(&arena);
}

static void test_host_rows(void **state)
{
    (void)state;
    read_rows_check(HOST, host_rows, COUNT_OF(host_rows), nftables_read);
}

static void test_listed_rows(void **state)
{
    (void)state;
    read_rows_check(LISTED, listed_rows, COUNT_OF(listed_rows), nftables_read);
}

static void test_border_rows(void **state)
{
    (void)state;
    read_rows_check(BORDER, border_rows, COUNT_OF(border_rows), nftables_read);
}

/* In a forward chain the inside is named first: from it the direction follows. */
static void test_border_direction(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct ruleset rules = {0};
    struct err err = {0};
    str text = read_rows_file(&arena, BORDER);
    assert_true(nftables_read(S("x"), str_bytes(text), &arena, &rules, &err));
    const struct rule *accept = &rules.rules[0];
    assert_int_equal(accept->action, ACTION_ALLOW);
    assert_int_equal(accept->direction, DIRECTION_INBOUND);
    assert_true(addr_equal(accept->local.ranges[0].first, addr_v4(UINT32_C(0x0A020001))));
    assert_true(addr_equal(accept->remote.ranges[0].first, addr_v4(UINT32_C(0x0A010000))));
    assert_true(str_equal(accept->group, S("inet sallyport-border-servers")));
    assert_int_equal(accept->profiles, 1u << PROFILE_DOMAIN);
    assert_false(accept->logs);
    size_t n_outbound = 0;
    for (size_t i = 0; i < rules.n; i++)
        n_outbound += rules.rules[i].direction == DIRECTION_OUTBOUND;
    assert_true(n_outbound > 0 && n_outbound < rules.n);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_rows),        cmocka_unit_test(test_listed_rows),
        cmocka_unit_test(test_expiring_rows),    cmocka_unit_test(test_border_rows),
        cmocka_unit_test(test_border_direction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
