/* SPDX-License-Identifier: Apache-2.0 */
/* Strings against those of the specification's form, written out; what does not fit is split or
 * refused. That they mean what they should: the proof, and tests/samba_ad.
 */
#include "targets/firewall_strings_write.h"

#include "base/test.h"
#include "rules/universe.h"
#include "targets/guid.h"

static struct service_port smb[] = {
    {TRANSPORT_TCP, 445, 445}
};
static struct service_port some[] = {
    {TRANSPORT_UDP, 5000, 5010},
    {TRANSPORT_UDP, 137,  137 },
};
static const struct range net[] = {
    {{0, UINT64_C(0xFFFF0A000000)}, {0, UINT64_C(0xFFFF0A0000FF)}},
    {{0, UINT64_C(0xFFFF0A000201)}, {0, UINT64_C(0xFFFF0A000203)}},
    {{0, UINT64_C(0xFFFF0A000901)}, {0, UINT64_C(0xFFFF0A000901)}},
};

static struct rule rule_of(enum direction direction, enum action action)
{
    return (struct rule){
        .id = S("id"),
        .name = S("shares | \"x\""),
        .why = S("policy.yaml:1 a=b|c"),
        .direction = direction,
        .action = action,
        .profiles = 1u << PROFILE_DOMAIN | 1u << PROFILE_PUBLIC,
        .enabled = true,
        .transport = TRANSPORT_TCP,
        .ports = smb,
        .n_ports = COUNT_OF(smb),
        .local = {&addr_all, 1            },
        .remote = {net,       COUNT_OF(net)},
    };
}

static void strings_are_those_of_the_specification(void **state)
{
    static const struct {
        enum direction direction;
        enum action action;
        bool active;
        const char *expected;
    } rows[] = {
        {DIRECTION_INBOUND,  ACTION_ALLOW,           true,
         "v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|Profile=Public|LPort=445|"
         "RA4=10.0.0.0/24|RA4=10.0.2.1-10.0.2.3|RA4=10.0.9.1|Name=shares ? ?x?, v4-1|"
         "Desc=policy.yaml:1 a=b?c|EmbedCtxt=sallyport:w|"                       },
        {DIRECTION_OUTBOUND, ACTION_BLOCK,           true,
         "v2.10|Action=Block|Active=TRUE|Dir=Out|Protocol=6|Profile=Domain|Profile=Public|RPort="
         "445|"
         "RA4=10.0.0.0/24|RA4=10.0.2.1-10.0.2.3|RA4=10.0.9.1|Name=shares ? ?x?, v4-1|"
         "Desc=policy.yaml:1 a=b?c|EmbedCtxt=sallyport:w|"                       },
        {DIRECTION_INBOUND,  ACTION_ALLOW_IF_SECURE, true,
         "v2.10|Action=ByPass|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|Profile=Public|LPort="
         "445|"
         "RA4=10.0.0.0/24|RA4=10.0.2.1-10.0.2.3|RA4=10.0.9.1|Name=shares ? ?x?, v4-1|"
         "Desc=policy.yaml:1 a=b?c|EmbedCtxt=sallyport:w|RMauth=O:LSD:(A;;CC;;;S-1-5-21-1-2-3-515)"
         "(A;;CC;;;S-1-5-21-1-2-3-516)|Security=Authenticate|"                   },
        {DIRECTION_OUTBOUND, ACTION_ALLOW_IF_SECURE, true,
         "v2.10|Action=Allow|Active=TRUE|Dir=Out|Protocol=6|Profile=Domain|Profile=Public|RPort="
         "445|"
         "RA4=10.0.0.0/24|RA4=10.0.2.1-10.0.2.3|RA4=10.0.9.1|Name=shares ? ?x?, v4-1|"
         "Desc=policy.yaml:1 "
         "a=b?c|EmbedCtxt=sallyport:w|Security=Authenticate|AuthByPassOut=TRUE|" },
        {DIRECTION_INBOUND,  ACTION_ALLOW_IF_SECURE, false,
         "v2.10|Action=Block|Active=FALSE|Dir=In|Protocol=6|Profile=Domain|Profile=Public|LPort="
         "445|"
         "Name=not used, takes the place of an older rule|EmbedCtxt=sallyport:w|"},
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rule rule = rule_of(rows[i].direction, rows[i].action);
        if (rows[i].action == ACTION_ALLOW_IF_SECURE && rows[i].direction == DIRECTION_INBOUND)
            rule.principals = S("S-1-5-21-1-2-3-515 S-1-5-21-1-2-3-516");
        struct windows_slot slot = {
            .rule = &rule, .part = S("v4-1"), .v4 = true, .remote = net, .n_remote = COUNT_OF(net)};
        str text = firewall_strings_write_rule(&slot, S("sallyport:w"), rows[i].active, &arena);
        assert_string_equal(str_c(&arena, text), rows[i].expected);
    }
    struct rule udp = rule_of(DIRECTION_OUTBOUND, ACTION_BLOCK);
    udp.transport = TRANSPORT_UDP;
    udp.ports = some;
    udp.n_ports = COUNT_OF(some);
    udp.program = S("System");
    struct windows_slot slot = {.rule = &udp,
                                .part = S("v4-1"),
                                .v4 = true,
                                .local = net,
                                .n_local = 1,
                                .remote = net,
                                .n_remote = 1};
    str text = firewall_strings_write_rule(&slot, S("g"), true, &arena);
    assert_true(str_contains(text, S("|Protocol=17|Profile=Domain|Profile=Public|RPort=137|"
                                     "RPort2_10=5000-5010|LA4=10.0.0.0/24|RA4=10.0.0.0/24|"
                                     "App=System|")));
    arena_close(&arena);
}

static bool write_one(struct rule rule, const struct security_rule *security, struct arena *arena,
                      struct firewall_values *out, struct err *err)
{
    struct host_class class = {
        .id = S("c-1"),
        .rules = {.rules = &rule, .n = 1, .security = security, .n_security = security ? 1 : 0}
    };
    struct firewall_strings_of of = {.workspace = S("w"), .group = S("sallyport:w")};
    return firewall_strings_write(&class, &of, arena, out, err);
}

static void what_does_not_fit_is_split(void **state)
{
    enum { RANGES = 3000 };
    struct arena arena = arena_open("test", 0, NULL);
    struct range *ranges = arena_array(&arena, struct range, RANGES);
    struct firewall_values values = {0};
    struct err err = {0};
    struct rule rule = rule_of(DIRECTION_OUTBOUND, ACTION_BLOCK);
    size_t n_rules = 0, n_addresses = 0;
    (void)state;
    /* Long ones: 2001:db8:ffff:ffff:ffff:…-… */
    for (size_t i = 0; i < RANGES; i++) {
        uint64_t low = UINT64_C(0xF0F1F2F300000001) + 0x100000 * i;
        ranges[i] = (struct range){
            {UINT64_C(0x20010DB8FFFFFFFF), low          },
            {UINT64_C(0x20010DB8FFFFFFFF), low + 0x55555}
        };
    }
    rule.remote = (struct prefix_set){ranges, RANGES};
    assert_true(write_one(rule, NULL, &arena, &values, &err));
    for (size_t i = 0; i < values.n; i++) {
        if (!str_equal(values.items[i].key, S("FirewallRules"))) continue;
        str text = values.items[i].text;
        assert_true(2 * (text.len + 1) <= FIREWALL_STRINGS_DATA);
        n_rules++;
        for (size_t k = 0; k + 5 < text.len; k++)
            n_addresses += str_starts(str_tail(text, k), S("|RA6="));
    }
    assert_int_equal(n_addresses, RANGES);
    assert_true(n_rules > 3 && n_rules < 30);
    arena_close(&arena);
}

static void what_cannot_be_said_is_refused(void **state)
{
    static const struct range clients[] = {
        {{0, UINT64_C(0xFFFF0A010000)}, {0, UINT64_C(0xFFFF0A01FFFF)}}
    };
    struct arena arena = arena_open("test", 0, NULL);
    struct firewall_values values = {0};
    struct err err = {0};
    struct rule bypass = rule_of(DIRECTION_INBOUND, ACTION_ALLOW_IF_SECURE);
    struct rule block = rule_of(DIRECTION_INBOUND, ACTION_BLOCK);
    struct buf many = buf_in(&arena);
    (void)state;
    assert_false(write_one(bypass, NULL, &arena, &values, &err));
    assert_non_null(strstr(err.text, "principals"));
    bypass.principals = S("S-1-5-21-1-2-3-515 CONTOSO\\\\Computers");
    assert_false(write_one(bypass, NULL, &arena, &values, &err));
    bypass.principals = S("S-1-5-21-1--3");
    assert_false(write_one(bypass, NULL, &arena, &values, &err));
    for (size_t i = 0; i < 400; i++)
        buf_format(&many, "S-1-5-21-1111111111-2222222222-3333333333-%zu ", 1000 + i);
    bypass.principals = buf_text(&many);
    assert_false(write_one(bypass, NULL, &arena, &values, &err));
    assert_non_null(strstr(err.text, "10,000"));
    block.principals = S("S-1-5-21-1-2-3-515");
    assert_false(write_one(block, NULL, &arena, &values, &err));
    block.principals = (str){0};
    block.transport = TRANSPORT_NONE;
    assert_false(write_one(block, NULL, &arena, &values, &err));
    block.transport = TRANSPORT_TCP;
    assert_true(write_one(block, NULL, &arena, &values, &err));

    struct security_rule security = {
        .id = S("s"),
        .name = S("n"),
        .enabled = true,
        .profiles = 1,
        .local = {net,     1},
        .remote = {clients, 1},
        .inbound = SECURITY_REQUEST,
        .outbound = SECURITY_REQUEST,
        .computer_kerberos = true,
        .user_kerberos = true
    };
    assert_true(write_one(block, &security, &arena, &values, &err));
    struct security_rule demands = security, any = security, unsaid = security;
    demands.inbound = SECURITY_REQUIRE;
    any.local = any.remote = (struct prefix_set){&addr_all, 1};
    unsaid.only_if = S("tunnel");
    assert_false(write_one(block, &demands, &arena, &values, &err));
    assert_false(write_one(block, &any, &arena, &values, &err));
    assert_false(write_one(block, &unsaid, &arena, &values, &err));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    arena_close(&arena);
}

static void guids_are_the_same_in_every_run(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    str guid = guid_of(&arena, S("contoso"), S("backup clients-1"));
    assert_string_equal(str_c(&arena, guid), "{7AC8C7FC-91BD-8A98-86EA-9D42D5C4F4DB}");
    assert_true(guid_is(guid));
    assert_false(str_equal(guid, guid_of(&arena, S("contoso"), S("backup clients-2"))));
    assert_false(str_equal(guid, guid_of(&arena, S("contosobackup"), S(" clients-1"))));
    assert_false(guid_is(str_lower(&arena, guid)));
    assert_false(guid_is(str_head(guid, 37)));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(strings_are_those_of_the_specification),
        cmocka_unit_test(what_does_not_fit_is_split),
        cmocka_unit_test(what_cannot_be_said_is_refused),
        cmocka_unit_test(guids_are_the_same_in_every_run),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
