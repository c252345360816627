/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "targets/rule_file.h"

#define HEAD "{\"sallyport\": \"collected\", \"version\": 1, \"computer\": \"FS01\","

static struct rule_file read_ok(const char *text, struct arena *arena)
{
    struct rule_file file = {0};
    struct err err = {0};
    if (!rule_file_read(S("x.json"), str_bytes(str_of(text)), arena, &file, &err))
        fail_msg("%s", err.text);
    assert_true(str_equal(file.format, S("collected")));
    return file;
}

static str set_text(struct prefix_set set, struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < set.n; i++) {
        char first[ADDR_TEXT], last[ADDR_TEXT];
        buf_format(&out, "%s%.*s-%.*s", i ? " " : "",
                   STR_ARG(addr_text(first, set.ranges[i].first)),
                   STR_ARG(addr_text(last, set.ranges[i].last)));
    }
    return buf_text(&out);
}

/* A rule with some members, and what it comes to. */
static void test_rules(void **state)
{
#define IN "\"name\": \"a\", \"enabled\": \"True\", \"direction\": \"Inbound\","
    static const struct {
        const char *members;
        enum action action;
        unsigned profiles, transport, ip_protocol;
        const char *ports, *remote, *only_if, *principals;
    } rows[] = {
        {IN "\"action\": \"Allow\", \"profile\": \"Any\", \"protocol\": \"TCP\", \"local_port\": "
            "[\"445\"], "
            "\"remote_address\": [\"Any\"]",                                         ACTION_ALLOW,           7, 6, 0, "445-445",           "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "",            ""                  },
        {IN "\"action\": \"Block\", \"profile\": \"Domain, Private\", \"protocol\": \"TCP\", "
            "\"local_port\": "
            "[\"445\", \"5000-5010\"], \"remote_address\": [\"10.0.0.0/255.0.0.0\", "
            "\"10.1.0.1-10.1.0.9\", "
            "\"192.168.1.7\"]",                                                      ACTION_BLOCK,           3, 6, 0, "445-445 5000-5010",
         "10.0.0.0-10.255.255.255 192.168.1.7-192.168.1.7",                                                                                                                                       "",            ""                  },
        {IN "\"action\": \"Allow\", \"profile\": \"Public\", \"protocol\": \"TCP\", "
            "\"local_port\": [\"RPC\"], "
            "\"remote_address\": [\"LocalSubnet\"]",                                 ACTION_ALLOW,           4, 6, 0, "",                  "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "local port RPC; remote LocalSubnet",                                                                                                                                                                   ""                  },
        {IN "\"action\": \"Allow\", \"profile\": \"Any\", \"protocol\": \"ICMPv4\", \"icmp_type\": "
            "[\"8\"]",                                                               ACTION_ALLOW,           7, 0, 1, "",                  "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ICMP type 8",
         ""                                                                                                                                                                                                                          },
        {IN "\"action\": \"Allow\", \"profile\": \"Domain\", \"protocol\": \"TCP\", "
            "\"local_port\": [\"445\"], "
            "\"authentication\": \"Required\", \"encryption\": \"NotRequired\", "
            "\"override_block_rules\": "
            "\"True\", \"remote_machine\": \"O:LSD:(A;;CC;;;S-1-5-21-1-2-3-515)\"",  ACTION_ALLOW_IF_SECURE, 1, 6, 0, "445-445",           "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "",                                                                                                                                                                                                     "S-1-5-21-1-2-3-515"},
        {IN "\"action\": \"Allow\", \"profile\": \"Domain\", \"protocol\": \"TCP\", "
            "\"local_port\": [\"445\"], "
            "\"authentication\": \"Required\", \"override_block_rules\": \"False\"", ACTION_ALLOW_IF_SECURE, 1, 6, 0, "445-445",           "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "not blocked",                                                                                                                                                                                          ""                  },
        {IN "\"action\": \"Allow\", \"profile\": \"Any\", \"protocol\": \"Any\", \"service\": "
            "\"Spooler\", "
            "\"interface_type\": \"Wireless\"",                                      ACTION_ALLOW,           7, 0, 0, "",                  "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "service Spooler; interface type Wireless",                                                                                                                                                             ""                  },
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str text = str_format(&arena, HEAD "\"firewall_rules\": [{%s}]}%c", rows[i].members, 0);
        struct rule_file file = read_ok(text.ptr, &arena);
        assert_int_equal(file.n_problems, 0);
        assert_int_equal(file.rules.n, 1);
        const struct rule *rule = &file.rules.rules[0];
        struct buf ports = buf_in(&arena);
        for (size_t k = 0; k < rule->n_ports; k++)
            buf_format(&ports, "%s%u-%u", k ? " " : "", (unsigned)rule->ports[k].first,
                       (unsigned)rule->ports[k].last);
        assert_true(rule->enabled && rule->direction == DIRECTION_INBOUND);
        assert_int_equal(rule->action, rows[i].action);
        assert_int_equal(rule->profiles, rows[i].profiles);
        assert_int_equal(rule->transport, rows[i].transport);
        assert_int_equal(rule->ip_protocol, rows[i].ip_protocol);
        assert_true(str_equal(buf_text(&ports), str_of(rows[i].ports)));
        assert_true(str_equal(set_text(rule->remote, &arena), str_of(rows[i].remote)));
        assert_true(str_equal(rule->only_if, str_of(rows[i].only_if)));
        assert_true(str_equal(rule->principals, str_of(rows[i].principals)));
    }
    arena_close(&arena);
}

/* What can't be understood is a problem with its place, and the others are read. */
static void test_problems(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct rule_file file =
        read_ok(HEAD "\"firewall_rules\": [{" IN "\"action\": \"Bypass\"}, {" IN
                     "\"action\": \"Allow\", \"protocol\": \"carp\"}, {\"name\": "
                     "\"x\"}, {" IN "\"action\": \"Block\"}]}",
                &arena);
    (void)state;
    assert_int_equal(file.rules.n, 1);
    assert_int_equal(file.n_problems, 3);
    assert_true(str_contains(file.problems[0].text, S("action Allow or Block, found \"Bypass\"")));
    assert_true(str_contains(file.problems[1].text, S("a protocol, found \"carp\"")));
    assert_true(file.problems[1].offset > file.problems[0].offset);
    struct rule_file marked = read_ok(
        "\xef\xbb\xbf" HEAD "\"firewall_rules\": [{" IN "\"action\": \"Bypass\"}]}", &arena);
    assert_int_equal(marked.n_problems, 1);
    assert_int_equal(marked.problems[0].offset, file.problems[0].offset + 3);
    arena_close(&arena);
}

static void test_profiles_and_security(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct rule_file file = read_ok(
        HEAD
        "\"firewall_profiles\": {\"Domain\": {\"Enabled\": \"True\", \"DefaultInboundAction\": "
        "\"Block\", \"DefaultOutboundAction\": \"Allow\", \"AllowInboundRules\": \"False\", "
        "\"AllowLocalFirewallRules\": false, \"LogMaxSizeKilobytes\": 16384}, \"Public\": "
        "{\"Enabled\": \"False\"}}, \"firewall_rules\": null, \"ipsec_rules\": [{\"name\": \"i\", "
        "\"enabled\": \"True\", \"profile\": \"Any\", \"inbound_security\": \"Request\", "
        "\"outbound_security\": \"Require\", \"local_address\": [\"10.0.0.0/8\"], "
        "\"remote_address\": [\"10.20.0.21\"]}]}",
        &arena);
    (void)state;
    const struct profile_state *domain = &file.profiles[PROFILE_DOMAIN];
    assert_int_equal(domain->firewall_on, SAID_YES);
    assert_int_equal(domain->inbound, RULE_BLOCKS);
    assert_int_equal(domain->outbound, RULE_PASSES);
    assert_int_equal(domain->shields_up, SAID_YES);
    assert_int_equal(domain->local_rules, SAID_NO);
    assert_int_equal(domain->log_kib, 16384);
    assert_int_equal(file.profiles[PROFILE_PUBLIC].firewall_on, SAID_NO);
    assert_int_equal(file.profiles[PROFILE_PRIVATE].firewall_on, SAID_NOTHING);
    assert_int_equal(file.rules.n, 0);
    assert_int_equal(file.rules.n_security, 1);
    assert_int_equal(file.rules.security[0].inbound, SECURITY_REQUEST);
    assert_int_equal(file.rules.security[0].outbound, SECURITY_REQUIRE);
    assert_true(
        str_equal(set_text(file.rules.security[0].local, &arena), S("10.0.0.0-10.255.255.255")));
    arena_close(&arena);
}

/* Cut anywhere it is refused, and never read as less than it was. */
static void test_truncations(void **state)
{
    static const char whole[] = HEAD
        "\"firewall_rules\": [{" IN "\"action\": \"Allow\", \"protocol\": \"TCP\", \"local_port\": "
        "[\"445\"]}]}";
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t n = 0; n + 1 < sizeof whole; n++) {
        struct rule_file file = {0};
        struct err err = {0};
        assert_false(
            rule_file_read(S("x"), (bytes){(const uint8_t *)whole, n}, &arena, &file, &err));
        assert_true(err.text[0]);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_profiles_and_security),
        cmocka_unit_test(test_truncations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
