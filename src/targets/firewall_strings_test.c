/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "targets/firewall_rule_read.h"
#include "targets/firewall_strings_read.h"
#include "targets/read_rows.h"

#define POLICY "SOFTWARE\\Policies\\Microsoft\\WindowsFirewall"
#define OWN    "SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy"
#define BASE   "v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=445|"

/* ---- One rule -----------------------------------------------------------------------------------
 */

static void put_set(struct buf *out, struct arena *arena, const char *label, struct prefix_set set)
{
    struct prefix_set all = {&addr_all, 1};
    if (prefix_set_equal(set, all)) return;
    buf_format(out, " %s", label);
    if (prefix_set_equal(set, prefix_set_v4(arena, all))) {
        buf_str(out, S(" every v4"));
        return;
    }
    for (size_t i = 0; i < set.n; i++) {
        char first[ADDR_TEXT], last[ADDR_TEXT];
        buf_format(out, " %.*s-%.*s", STR_ARG(addr_text(first, set.ranges[i].first)),
                   STR_ARG(addr_text(last, set.ranges[i].last)));
    }
}

/* All that was understood, in one line; what is usual is left out. */
static str said(struct arena *arena, const struct rule *rule)
{
    struct buf out = buf_in(arena);
    buf_format(&out, "%.*s %.*s", STR_ARG(direction_text(rule->direction)),
               STR_ARG(action_text(rule->action)));
    if (!rule->enabled) buf_str(&out, S(" off"));
    if (rule->yields) buf_str(&out, S(" yields"));
    if (rule->profiles != 7) buf_format(&out, " profiles %u", (unsigned)rule->profiles);
    buf_format(&out, " %.*s", STR_ARG(service_transport_text(rule->transport)));
    if (rule->ip_protocol) buf_format(&out, " protocol %u", (unsigned)rule->ip_protocol);
    for (size_t i = 0; i < rule->n_ports; i++)
        buf_format(&out, " %u-%u", (unsigned)rule->ports[i].first, (unsigned)rule->ports[i].last);
    put_set(&out, arena, "local", rule->local);
    put_set(&out, arena, "remote", rule->remote);
    if (rule->program.len) buf_format(&out, " program %.*s", STR_ARG(rule->program));
    if (rule->security.len) buf_format(&out, " %.*s", STR_ARG(rule->security));
    if (rule->principals.len) buf_format(&out, " by %.*s", STR_ARG(rule->principals));
    if (rule->only_if.len) buf_format(&out, " if %.*s", STR_ARG(rule->only_if));
    return buf_text(&out);
}

static const struct {
    const char *text, *expected; /* what is understood, or part of the problem */
    bool problem;
} rules[] = {
    {BASE,                                                                                  "inbound allow tcp 445-445",                                                    false},
    {"v2.10|Action=Block|Dir=Out|",                                                         "outbound block off none",                                                      false},
    {"v2.33|Action=Block|Active=TRUE|Dir=Out|Protocol=17|RPort=137|RPort2_10=138-139|Profile="
     "Public|Profile=Domain|",                                                         "outbound block profiles 5 udp 137-137 138-139",                                false},
    {"v2.0|ACTION=allow|active=true|dir=IN|protocol=6|",                                    "inbound allow tcp",                                                            false},
    {"v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=47|",                                  "inbound allow none protocol 47",                                               false},
    {"v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=0|",                                   "inbound allow none protocol 256",                                              false},
    {BASE "RA4=10.0.0.1|RA4=10.1.0.0/255.255.0.0|",
     "inbound allow tcp 445-445 remote 10.0.0.1-10.0.0.1 10.1.0.0-10.1.255.255",                                                                                            false},
    {BASE "RA4=10.0.0.0/8|RA4=10.0.0.1-10.0.0.5|RA6=2001:db8::/127|",
     "inbound allow tcp 445-445 remote 10.0.0.0-10.255.255.255 2001:db8::-2001:db8::1",                                                                                     false},
    {BASE "LA6=fe80::1|",                                                                   "inbound allow tcp 445-445 local fe80::1-fe80::1",                              false},
    {BASE "RA4=LocalSubnet|RA6=LocalSubnet|",                                               "inbound allow tcp 445-445 if remote LocalSubnet",
     false                                                                                                                                                                       },
    {BASE "RA4=LocalSubnet|",
     "inbound allow tcp 445-445 remote every v4 if IPv4 remote LocalSubnet",                                                                                                false},
    {BASE "RA4=LocalSubnet|RA4=10.0.0.1|RA42=IntrAnet|",
     "inbound allow tcp 445-445 remote every v4 if IPv4 remote LocalSubnet or Intranet or "
     "10.0.0.1/32",                                                                                                                                                         false},
    {BASE "App=System|Svc=*|IFType=Lan|IFType=RemoteAccess|Edge=TRUE|Defer=User|",
     "inbound allow tcp 445-445 program System if service *; interface type Wired or RemoteAccess; "
     "edge traversal allowed or edge traversal as the user agrees",                                                                                                         false},
    {BASE "RPort=1000|RPort2_10=2000-2001|",
     "inbound allow tcp 445-445 if remote port 1000 or 2000-2001",                                                                                                          false},
    {BASE "LPort=RPC|",                                                                     "inbound allow tcp if local port RPC or 445",                                   false},
    {BASE "Platform=2:5:1|Platform=2:6:2|Platform2=GTEQ|SkipVer=2.0|Edge=FALSE|",
     "inbound allow tcp 445-445 if platform 2:5:1 or 2:6:2 or later; not on versions up to 2.0",                                                                            false},
    {"v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=1|ICMP4=8:*|ICMP4=3:4|",
     "inbound allow none protocol 1 if ICMP type 8 or 3 code 4",                                                                                                            false},
    {BASE "Svc=a; service b|",                                                              "inbound allow tcp 445-445 if service a, service b",                            false},
    {BASE "Name=|Desc=|EmbedCtxt=|",                                                        "inbound allow tcp 445-445",                                                    false},

    {BASE "Security=Authenticate|",                                                         "inbound allow-if-secure yields tcp 445-445 if not blocked",
     false                                                                                                                                                                       },
    {BASE "Security=AuthenticateEncrypt|Security2=AnE-Nego|RMauth=D:(A;;CC;;;WD)|",
     "inbound allow-if-secure yields tcp 445-445 encryption negotiated by S-1-1-0 if not blocked",                                                                          false},
    {"v2.10|Action=ByPass|Active=TRUE|Dir=In|Protocol=6|LPort=445|RMauth=O:LSD:(A;;CC;;;S-1-5-21-1-"
     "2-3-515)(A;;CC;;;S-1-5-21-1-2-3-516)|Security=Authenticate|",                    "inbound allow-if-secure tcp 445-445 by S-1-5-21-1-2-3-515 S-1-5-21-1-2-3-516", false},
    {"v2.28|Action=ByPass|Active=TRUE|Dir=In|RMauth=O:LSD:(D;;CC;;;S-1-5-21-1)(A;;CC;;;WD)|RUAuth="
     "O:LSD:(A;;CC;;;S-1-5-21-2)|Security=Authenticate|Security2_9=An-NoEncap|",       "inbound allow-if-secure none no encapsulation if computers "
     "O:LSD:(D;;CC;;;S-1-5-21-1)(A;;CC;;;WD); users S-1-5-21-2",                       false},
    {"v2.10|Action=ByPass|Active=TRUE|Dir=In|RUAuth=D:(A;;CC;;;BA)|Security=Authenticate|",
     "inbound allow-if-secure none if users S-1-5-32-544",                                                                                                                  false},
    {"v2.10|Action=Allow|Active=TRUE|Dir=Out|Protocol=6|RPort=445|RA4=10.0.0.1|Security="
     "Authenticate|AuthByPassOut=TRUE|",                                               "outbound allow-if-secure tcp 445-445 remote 10.0.0.1-10.0.0.1",                false},
    {"v2.10|Action=Allow|Active=TRUE|Dir=Out|Security=Authenticate|AuthByPassOut=TRUE|RMauth=D:(A;;"
     "CC;;;S-1-5-21-1)|",                                                              "outbound allow-if-secure none if computers S-1-5-21-1",                        false},

    {"",                                                                                    "a version",                                                                    true },
    {"v1.0|Action=Allow|Dir=In|",                                                           "a version",                                                                    true },
    {"v2.300|Action=Allow|Dir=In|",                                                         "a version",                                                                    true },
    {"v2.10|",                                                                              "fields after the version",                                                     true },
    {"v2.10|Action=Allow|Dir=In",                                                           "a bar behind the last field",                                                  true },
    {"v2.10|Action=Allow||Dir=In|",                                                         "Token=value, found \"\"",                                                      true },
    {"v2.10|Action=Permit|Dir=In|",                                                         "found \"Permit\"",                                                             true },
    {"v2.10|Dir=In|",                                                                       "expected Action=",                                                             true },
    {"v2.10|Action=Allow|",                                                                 "expected Dir=",                                                                true },
    {BASE "Frobnicate=1|",                                                                  "a field of a firewall rule, found \"Frobnicate\"",                             true },
    {BASE "Action=Block|",                                                                  "each field once, found \"Action\"",                                            true },
    {BASE "LPort=70000|",                                                                   "a port, found \"70000\"",                                                      true },
    {BASE "LPort=1-2|",                                                                     "a port, found \"1-2\"",                                                        true },
    {BASE "LPort2_10=9-2|",                                                                 "a range of ports, found \"9-2\"",                                              true },
    {BASE "Profile=Home|",                                                                  "Domain, Private or Public",                                                    true },
    {"v2.10|Action=Allow|Dir=In|LPort=445|Protocol=6|",                                     "before ports",                                                                 true },
    {"v2.10|Action=Allow|Dir=In|Protocol=6|ICMP4=8:*|",                                     "before its types",                                                             true },
    {"v2.10|Action=Allow|Dir=In|Protocol=256|",                                             "0 to 255",                                                                     true },
    {BASE "RA4=2001:db8::1|",                                                               "an IPv4 address",                                                              true },
    {BASE "RA6=10.0.0.1|",                                                                  "an IPv6 address",                                                              true },
    {BASE "RA6=::ffff:10.0.0.1|",                                                           "an IPv6 address",                                                              true },
    {BASE "RA4=10.0.0.9-10.0.0.1|",                                                         "an IPv4 address",                                                              true },
    {BASE "RA4=0.0.0.0/0.0.0.0|",                                                           "an IPv4 address",                                                              true },
    {BASE "RA4=10.0.0.0/255.0.255.0|",                                                      "an IPv4 address",                                                              true },
    {BASE "RA4=10.0.0.0/33|",                                                               "an IPv4 address",                                                              true },
    {BASE "RA4=Nearby|",                                                                    "an IPv4 address",                                                              true },
    {BASE "LA4=LocalSubnet|",                                                               "an IPv4 address",                                                              true },
    {"v2.10|Action=Block|Dir=In|Security=Authenticate|",                                    "found a Block",                                                                true },
    {"v2.10|Action=ByPass|Dir=Out|Security=Authenticate|RMauth=D:(A;;CC;;;WD)|",            "with a ByPass",
     true                                                                                                                                                                        },
    {"v2.10|Action=ByPass|Dir=In|RMauth=D:(A;;CC;;;WD)|",                                   "with a ByPass",                                                                true },
    {"v2.10|Action=ByPass|Dir=In|Security=Authenticate|",                                   "nobody who may",                                                               true },
    {BASE "RMauth=D:(A;;CC;;;WD)|",                                                         "expected Security=",                                                           true },
    {BASE "Security=Authenticate|AuthByPassOut=TRUE|",                                      "an outbound Allow",                                                            true },
    {BASE "Security=AuthenticateEncrypt|Security2_9=An-NoEncap|",
     "Security=Authenticate with An-NoEncap",                                                                                                                               true },
    {BASE "Security=Authenticate|Security2=AnE-Nego|",                                      "AuthenticateEncrypt with AnE-Nego",                                            true },
};

static void rules_are_understood(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct rule rule = {.n_ports = 4711};
        str problem = {0}, expected = str_of(rules[i].expected);
        bool good = firewall_rule_read(str_of(rules[i].text), &arena, &rule, &problem);
        if (good == rules[i].problem)
            fail_msg("%s: %.*s", rules[i].text, STR_ARG(good ? said(&arena, &rule) : problem));
        if (!good) {
            assert_int_equal(rule.n_ports, 4711); /* unchanged */
            if (!str_contains(problem, expected))
                fail_msg("%s: %.*s, expected ...%s", rules[i].text, STR_ARG(problem),
                         rules[i].expected);
        } else if (!str_equal(said(&arena, &rule), expected)) {
            fail_msg("%s: %.*s, expected %s", rules[i].text, STR_ARG(said(&arena, &rule)),
                     rules[i].expected);
        }
    }
    arena_close(&arena);
}

/* What is cut off never leaves a rule that says something else: a bar ends each field. */
static void every_truncation_is_a_problem_or_fewer_fields(void **state)
{
    static const char text[] =
        "v2.10|Action=ByPass|Active=TRUE|Dir=In|Protocol=6|LPort=445|RMauth=D:(A;;CC;;;WD)|"
        "Security=Authenticate|Name=x|";
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t n = 0; n < sizeof text - 1; n++) {
        struct rule rule = {0};
        str problem = {0};
        if (firewall_rule_read((str){text, n}, &arena, &rule, &problem))
            assert_true(text[n - 1] == '|' && rule.action == ACTION_ALLOW_IF_SECURE);
        else
            assert_true(problem.len);
    }
    arena_close(&arena);
}

/* ---- A registry ---------------------------------------------------------------------------------
 */

struct item {
    const char *key, *name, *text; /* digits alone are a number */
};

static void read_items(const struct item *items, size_t n, struct arena *arena,
                       struct rule_file *out)
{
    struct registry_value *values = arena_array(arena, struct registry_value, n + 1);
    for (size_t i = 0; i < n; i++) {
        uint64_t number = 0;
        str key = str_of(items[i].key), name = str_of(items[i].name);
        str text = str_of(items[i].text);
        values[i] = str_u64(text, UINT32_MAX, &number)
                        ? registry_value_of_dword(key, name, (uint32_t)number, arena)
                        : registry_value_of_text(key, name, text, arena);
        values[i].offset = 100 * i;
    }
    firewall_strings_read((struct registry_values){values, n}, arena, out);
}

static void stores_are_told_apart(void **state)
{
    static const struct item items[] = {
        {POLICY "\\FirewallRules",                                                                 "policy",     BASE                },
        {"HKEY_LOCAL_MACHINE\\" OWN "\\FirewallRules",                                             "own",        BASE                },
        {OWN "\\Mdm\\FirewallRules",                                                               "mdm",        BASE                },
        {OWN "\\RestrictedServices\\Static\\System",                                               "hard",       BASE "Svc=x|"       },
        {"SYSTEM\\ControlSet001\\Services\\SharedAccess\\Defaults\\FirewallPolicy\\FirewallRules",
         "factory",                                                                                              BASE                },
        {POLICY "\\FirewallRules",                                                                 "broken",     "v2.10|Action=Deny|"},
        {POLICY "\\FirewallRules",                                                                 "number",     "7"                 },
        {POLICY "\\MainModeRules",                                                                 "main",       BASE                },
        {"SOFTWARE\\Elsewhere\\FirewallRules",                                                     "other",      BASE                },
        {POLICY "\\FirewallRules",                                                                 "gone",       BASE                },
        {POLICY "\\FirewallRules",                                                                 "**del.gone", " "                 },
    };
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct rule_file file = {0};
    read_items(items, COUNT_OF(items), &arena, &file);
    assert_int_equal(file.rules.n, 4);
    assert_int_equal(file.rules.rules[0].store, RULE_STORE_MANAGED);
    assert_int_equal(file.rules.rules[1].store, RULE_STORE_LOCAL);
    assert_int_equal(file.rules.rules[2].store, RULE_STORE_MANAGED);
    assert_true(str_equal(file.rules.rules[3].only_if, S("service hardening; service x")));
    assert_int_equal(file.n_problems, 4);
    assert_int_equal(file.problems[0].offset, 500);
    assert_true(str_contains(file.problems[0].text, S("value broken: expected Allow")));
    assert_true(str_contains(file.problems[1].text, S("value number: expected text, found")));
    assert_true(str_contains(file.problems[2].text, S("1 values are factory defaults")));
    assert_true(str_contains(file.problems[3].text, S("1 main mode rules")));
    arena_close(&arena);
}

#define SECURE "v2.10|Action=Boundary|Active=TRUE|EP1_4=10.0.0.0/8|EP2_4=10.0.0.0/8|"
#define QUICK  "Crypto2Set={E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE2}|"

static void connection_security_is_understood(void **state)
{
    static const struct item sets[] = {
        {POLICY "\\Phase1AuthenticationSets\\{A}\\0000", "Method",      "MachineKerb"  },
        {POLICY "\\Phase1AuthenticationSets\\{B}\\0001", "Method",      "MachineKerb"  },
        {POLICY "\\Phase1AuthenticationSets\\{B}\\0000", "Method",      "MachineCert"  },
        {POLICY "\\Phase1AuthenticationSets\\{B}\\0000", "CAName",      "O=Example"    },
        {POLICY "\\Phase2AuthenticationSet\\{A}\\0000",  "Method",      "UserKerb"     },
        {POLICY "\\Phase2AuthenticationSets\\{B}\\0000", "Method",      "userkerb"     },
        {POLICY "\\Phase2AuthenticationSets\\{B}\\0001", "Method",      "Anonymous"    },
        {POLICY "\\Phase2CryptoSets\\{Q}\\0000",         "2_9Protocol", "AUTH_NO_ENCAP"},
        {POLICY "\\Phase2CryptoSets\\{Q}\\0000",         "SkipVersion", "2.9"          },
    };
    static const struct {
        const char *text, *only_if;
        bool computer, user;
        const char *problem;
    } rows[] = {
        {SECURE "Auth1Set={a}|Auth2Set={A}|" QUICK,                     "",                                                                              true,  true,  NULL                  },
        {SECURE "Auth1Set={E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}|Auth2Set={E5A5D32A-4BCE-4e4d-B07F-"
                "4AB1BA7E5FE4}|" QUICK,
         "",                                                                                                                                             true,  false, NULL                  },
        {SECURE "Auth1Set={A}|" QUICK,                                  "",                                                                              true,  false, NULL                  },
        {SECURE "Auth1Set={A}|Auth2Set={B}|" QUICK,                     "second authentication, else by Anonymous",
         true,                                                                                                                                                  true,  NULL                  },
        {SECURE "Auth1Set={B}|Auth2Set={A}|" QUICK,
         "first authentication by MachineCert CAName=O=Example or MachineKerb",                                                                          false, true,  NULL                  },
        {SECURE "Auth1Set=ComputerKerberos|" QUICK,
         "first authentication by set ComputerKerberos, which is elsewhere",                                                                             false, false, NULL                  },
        {SECURE "Auth1Set={A}|Auth2Set={A}|Crypto2Set={Q}|",            "quick mode no encapsulation",                                                   true,
         true,                                                                                                                                                         NULL                  },
        {SECURE "Auth1Set={A}|Crypto2Set={X}|",                         "quick mode by set {X}, which is elsewhere",                                     true,
         false,                                                                                                                                                        NULL                  },
        {SECURE "Protocol=6|EP2Port=445|Auth1Set={A}|" QUICK
                "KeyMod=AuthIP|IFType=Lan|EP2_6=LocalSubnet|", "protocol 6; peer port 445; IPv6 remote LocalSubnet; KeyMod=AuthIP; IFType=Lan", true,
         false,                                                                                                                                                        NULL                  },
        {"v2.10|Action=DoNotSecure|Active=TRUE|EP2_4=10.0.0.1|",        "",                                                                              false, false, NULL                  },
        {SECURE QUICK,                                                  NULL,                                                                            false, false, "expected Auth1Set="  },
        {SECURE "Auth1Set={A}|",                                        NULL,                                                                            false, false, "expected Crypto2Set="},
        {SECURE "LPort=445|",                                           NULL,                                                                            false, false,
         "a field of a connection security rule, found \"LPort\""                                                                                                                            },
    };
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct item items[COUNT_OF(sets) + 1];
        struct rule_file file = {0};
        items[0] = (struct item){POLICY "\\ConSecRules", "rule", rows[i].text};
        memcpy(items + 1, sets, sizeof sets);
        read_items(items, COUNT_OF(items), &arena, &file);
        if (rows[i].problem) {
            assert_int_equal(file.n_problems, 1);
            if (!str_contains(file.problems[0].text, str_of(rows[i].problem)))
                fail_msg("%s: %.*s", rows[i].text, STR_ARG(file.problems[0].text));
            continue;
        }
        if (file.rules.n_security != 1)
            fail_msg("%s: %.*s", rows[i].text, STR_ARG(file.problems[0].text));
        const struct security_rule *rule = &file.rules.security[0];
        if (!str_equal(rule->only_if, str_of(rows[i].only_if)) ||
            rule->computer_kerberos != rows[i].computer || rule->user_kerberos != rows[i].user)
            fail_msg("%s: %.*s %d %d", rows[i].text, STR_ARG(rule->only_if),
                     rule->computer_kerberos, rule->user_kerberos);
    }
    arena_close(&arena);
}

static void demands_and_ends(void **state)
{
    static const struct item items[] = {
        {POLICY "\\ConSecRules", "a",
         SECURE "Auth1Set={E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}|" QUICK                   },
        {POLICY "\\ConSecRules", "b",
         "v2.10|Action=SecureServer|Auth1Set={E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}|" QUICK},
        {POLICY "\\ConSecRules", "c",
         "v2.10|Action=Secure|Auth1Set={E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE3}|" QUICK      },
    };
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct rule_file file = {0};
    read_items(items, COUNT_OF(items), &arena, &file);
    const struct security_rule *s = file.rules.security;
    assert_int_equal(file.rules.n_security, 3);
    assert_true(s[0].inbound == SECURITY_REQUEST && s[0].outbound == SECURITY_REQUEST);
    assert_true(s[1].inbound == SECURITY_REQUIRE && s[1].outbound == SECURITY_REQUEST);
    assert_true(s[2].inbound == SECURITY_REQUIRE && s[2].outbound == SECURITY_REQUIRE);
    assert_true(s[0].enabled && !s[1].enabled && s[0].profiles == 7);
    assert_true(s[0].local.n == 1 && prefix_set_equal(s[0].local, s[0].remote));
    assert_true(prefix_set_equal(s[1].remote, (struct prefix_set){&addr_all, 1}));
    arena_close(&arena);
}

static void profiles_are_read(void **state)
{
    static const struct item items[] = {
        {POLICY "\\DomainProfile",          "EnableFirewall",             "1"                                                    },
        {POLICY "\\DomainProfile",          "DefaultInboundAction",       "1"                                                    },
        {POLICY "\\DomainProfile",          "DefaultOutboundAction",      "0"                                                    },
        {POLICY "\\DomainProfile",          "AllowLocalPolicyMerge",      "0"                                                    },
        {POLICY "\\DomainProfile\\Logging", "LogDroppedPackets",          "1"                                                    },
        {POLICY "\\DomainProfile\\Logging", "LogFileSize",                "16384"                                                },
        {POLICY "\\DomainProfile\\Logging", "LogFilePath",                "%x%\\l"                                               },
        {POLICY "\\StandardProfile",        "EnableFirewall",             "0"                                                    },
        {POLICY "\\StandardProfile",        "DefaultInboundAction",       "0"                                                    },
        {OWN "\\DomainProfile",             "EnableFirewall",             "0"                                                    },
        {OWN "\\DomainProfile",             "DoNotAllowExceptions",       "1"                                                    },
        {OWN "\\StandardProfile",           "DoNotAllowExceptions",       "1"                                                    },
        {POLICY "\\DomainProfile",          "DisableNotifications",       "7"                                                    },
        {POLICY "\\DomainProfile",          "AllowLocalIPsecPolicyMerge", "x"                                                    },
        {POLICY "\\FirewallRules",          "a",                          "v2.10|Action=Block|Active=TRUE|Dir=In|Profile=Domain|"},
        {POLICY "\\FirewallRules",          "b",                          "v2.10|Action=Block|Active=TRUE|Dir=In|"               },
    };
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct rule_file file = {0};
    read_items(items, COUNT_OF(items), &arena, &file);
    const struct profile_state *p = file.profiles;
    assert_int_equal(p[PROFILE_DOMAIN].firewall_on, SAID_YES); /* policy before the machine's own */
    assert_int_equal(p[PROFILE_DOMAIN].shields_up, SAID_YES);
    assert_int_equal(p[PROFILE_DOMAIN].inbound, RULE_BLOCKS);
    assert_int_equal(p[PROFILE_DOMAIN].outbound, RULE_PASSES);
    assert_int_equal(p[PROFILE_DOMAIN].local_rules, SAID_NO);
    assert_int_equal(p[PROFILE_DOMAIN].logs_dropped, SAID_YES);
    assert_int_equal(p[PROFILE_DOMAIN].log_kib, 16384);
    assert_true(str_equal(p[PROFILE_DOMAIN].log_path, S("%x%\\l")));
    assert_int_equal(p[PROFILE_PRIVATE].firewall_on, SAID_NO);
    assert_int_equal(p[PROFILE_PRIVATE].shields_up, SAID_YES);
    assert_int_equal(p[PROFILE_PRIVATE].inbound, RULE_UNTOUCHED);
    assert_int_equal(p[PROFILE_PUBLIC].firewall_on, SAID_NO);
    assert_int_equal(p[PROFILE_PUBLIC].shields_up, SAID_NOTHING);
    assert_int_equal(file.n_problems, 1);
    assert_true(str_contains(file.problems[0].text, S("expected a REG_DWORD, found REG_SZ")));
    assert_true(file.rules.rules[0].logs && !file.rules.rules[1].logs);
    arena_close(&arena);
}

/* ---- Real files ---------------------------------------------------------------------------------
 */

/* Every line of the truth that holds a rule, in order: id and text. */
static size_t check_truth(const char *path, const struct rule_file *file, struct arena *arena)
{
    str text = read_rows_file(arena, path), line;
    size_t n = 0;
    while (text.len) {
        (void)str_cut(text, '\n', &line, &text);
        str left = line, field, rule_text = {0};
        while (left.len) {
            (void)str_cut(left, '\t', &field, &left);
            if (str_starts(field, S("v2.")) && str_contains(field, S("|Dir="))) rule_text = field;
        }
        if (!rule_text.len || str_starts(line, S("#"))) continue;
        assert_true(n < file->rules.n);
        const struct rule *rule = &file->rules.rules[n++];
        if (!str_contains(line, rule->id)) fail_msg("rule %zu is %.*s", n, STR_ARG(rule->id));
        bool in = str_contains(rule_text, S("|Dir=In|"));
        bool block = str_contains(rule_text, S("|Action=Block|"));
        bool on = str_contains(rule_text, S("|Active=TRUE|"));
        if (in != (rule->direction == DIRECTION_INBOUND) ||
            block != (rule->action == ACTION_BLOCK) || on != rule->enabled)
            fail_msg("rule %.*s is not as in %.*s", STR_ARG(rule->id), STR_ARG(line));
        str name = str_format(arena, "|Name=%.*s|", STR_ARG(rule->name));
        if (rule->name.len && !str_contains(rule_text, name))
            fail_msg("rule %.*s is named %.*s", STR_ARG(rule->id), STR_ARG(rule->name));
    }
    return n;
}

static void files_of_others_are_understood_whole(void **state)
{
    static const struct {
        const char *path, *truth;
        size_t n_rules, n_security;
        bool on[PROFILE_COUNT];
    } files[] = {
        {"gpo/SN-GPO/{C69D83C5-1636-4AD7-B632-1F9B6963054E}/DomainSysvol/GPO/Machine/registry.pol",
         ".expected.tsv",                                                                                            54,
         0,                                                                                                                  {0}               },
        {"gpo/SN-GPO/{EB8AA8AC-840C-4E15-9EA4-DAB25D6CB3A5}/DomainSysvol/GPO/Machine/registry.pol",
         ".expected.tsv",                                                                                            93,
         0,                                                                                                                  {0}               },
        {"gpo/nsacyber-Windows-Firewall/DomainSysvol/GPO/Machine/registry.pol",
         ".expected.tsv",                                                                                            0,
         0,                                                                                                                  {true, true, true}},
        {"gpo/nsacyber-Windows-Computer/DomainSysvol/GPO/Machine/registry.pol",
         ".expected.tsv",                                                                                            0,
         0,                                                                                                                  {0}               },
        {"wfw/luthfina16-firewall.wfw",                                                             ".expected.tsv", 412, 1, {true, true, true}},
        {"reg/firewallrules-v2.33-excerpt.reg",                                                     NULL,            6,   0, {0}               },
        {"reg/scorchefix-firewall.reg",                                                             NULL,            0,   0, {true}            },
    };
    (void)state;
    const char *corpus = test_corpus();
    if (!corpus) skip();
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct rule_file file = {0};
        struct err err = {0};
        const char *path = str_c(&arena, str_format(&arena, "%s/%s", corpus, files[i].path));
        bytes content = str_bytes(read_rows_file(&arena, path));
        if (!rule_file_read(str_of(path), content, &arena, &file, &err))
            fail_msg("%s: %s", path, err.text);
        if (file.n_problems) fail_msg("%s: %.*s", path, STR_ARG(file.problems[0].text));
        assert_int_equal(file.rules.n, files[i].n_rules);
        assert_int_equal(file.rules.n_security, files[i].n_security);
        for (unsigned p = 0; p < PROFILE_COUNT; p++)
            assert_int_equal(file.profiles[p].firewall_on == SAID_YES, files[i].on[p]);
        for (size_t j = 0; j < file.rules.n; j++)
            assert_true(file.rules.rules[j].offset < content.len);
        if (!files[i].truth) continue;
        path = str_c(&arena, str_format(&arena, "%s%s", path, files[i].truth));
        assert_int_equal(check_truth(path, &file, &arena), files[i].n_rules);
    }
    arena_close(&arena);
}

static size_t count(str text, str part)
{
    size_t n = 0;
    for (size_t i = 0; i + part.len <= text.len; i++)
        n += memcmp(text.ptr + i, part.ptr, part.len) == 0;
    return n;
}

/* Microsoft's own rendering of the same group policy objects has as many of each direction. */
static void reports_have_the_same_rules(void **state)
{
    static const char *const folders[] = {"gpo/SN-GPO/{C69D83C5-1636-4AD7-B632-1F9B6963054E}",
                                          "gpo/SN-GPO/{EB8AA8AC-840C-4E15-9EA4-DAB25D6CB3A5}"};
    (void)state;
    const char *corpus = test_corpus();
    if (!corpus) skip();
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        struct rule_file file = {0};
        struct err err = {0};
        str folder = str_format(&arena, "%s/%s", corpus, folders[i]);
        str pol = str_format(&arena, "%.*s/DomainSysvol/GPO/Machine/registry.pol", STR_ARG(folder));
        str report = str_format(&arena, "%.*s/gpreport.xml", STR_ARG(folder));
        str text =
            str_from_utf16le(&arena, str_bytes(read_rows_file(&arena, str_c(&arena, report))));
        bytes content = str_bytes(read_rows_file(&arena, str_c(&arena, pol)));
        assert_true(rule_file_read(pol, content, &arena, &file, &err));
        size_t inbound = 0;
        for (size_t j = 0; j < file.rules.n; j++)
            inbound += file.rules.rules[j].direction == DIRECTION_INBOUND;
        assert_int_equal(inbound, count(text, S(":InboundFirewallRules>")) / 2);
        assert_int_equal(file.rules.n - inbound, count(text, S(":OutboundFirewallRules>")) / 2);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_understood),
        cmocka_unit_test(every_truncation_is_a_problem_or_fewer_fields),
        cmocka_unit_test(stores_are_told_apart),
        cmocka_unit_test(connection_security_is_understood),
        cmocka_unit_test(demands_and_ends),
        cmocka_unit_test(profiles_are_read),
        cmocka_unit_test(files_of_others_are_understood_whole),
        cmocka_unit_test(reports_have_the_same_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
