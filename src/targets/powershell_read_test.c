/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/powershell_read.h"

#include "targets/read_rows.h"

#define ARTEFACT SOURCE_ROOT "/tests/corpus/powershell_read/apply.ps1"

static const struct read_row rows[] = {
    {"as written",                        NULL,                                                                NULL,                                          NULL,                          0,   12},
    {"a remark more",                     "try {\n    Copy",                                                   "try {\n# remark\n\n    Copy",                 NULL,                          0,   12},
    {"line ends of Windows",              "try {\n    Copy",                                                   "try {\r\n    Copy",                           NULL,                          0,   12},
    {"an empty list",                     "        '10.2.0.1'\n",                                              "",                                            NULL,                          0,   12},
    {"a disabled rule",                   "-Enabled True -Profile 'Domain'",                                   "-Enabled False -Profile 'Domain'",            NULL,
     0,                                                                                                                                                                                           12},
    {"another log",                       "firewall.log' 16384",                                               "firewall.log' 32767",                         NULL,                          0,   12},
    {"a carriage return alone",           "# The rules below",                                                 "# The\rrules below",                          "expected",                    1,   0 },
    {"a quote beyond ASCII",              "# The rules below",                                                 "# The \xe2\x80\x98",                          "expected",                    1,   0 },
    {"no dry run",                        "SupportsShouldProcess = $true",                                     "",                                            "SupportsShouldProcess",       11,  0 },
    {"another store",                     "'PersistentStore',",                                                "'ActiveStore',",                              "PersistentStore",             14,  0 },
    {"a workspace that is a pattern",     "$workspace = 'contoso'",                                            "$workspace = '*'",                            "WORKSPACE",                   23,
     0                                                                                                                                                                                              },
    {"a workspace of nobody",             "$workspace = 'contoso'",                                            "$workspace = ''",                             "WORKSPACE",                   23,  0 },
    {"a foreign group",                   "$group = 'sallyport:'",                                             "$group = 'Core Networking'",                  "sallyport:",                  26,  0 },
    {"a bundle without a name",           "$bundle = '",                                                       "$bundle = 'x",                                "a SHA-256",                   25,  0 },
    {"a state elsewhere",                 "$env:ProgramFiles",                                                 "$env:TEMP",                                   "ProgramFiles",                37,  0 },
    {"no domain controller",              "-DomainController $DomainController ",                              "",                                            "Open-NetGPO",                 48,  0 },
    {"errors passed over",                "ErrorAction = 'Stop'; WhatIf",                                      "ErrorAction = 'Ignore'; WhatIf",
     "$to =",                                                                                                                                                                                52,  0 },
    {"a bare removal",                    "Remove-NetFirewallRule @to -Group $group",                          "Remove-NetFirewallRule @to",
     "-Group $group",                                                                                                                                                                        166, 0 },
    {"another Kerberos",                  "-User -Kerberos",                                                   "-Anonymous",                                  "-User -Kerberos",             146, 0 },
    {"rules that do not come back",       "New-NetFirewallRule @to @rule",
     "New-NetFirewallRule @at @rule",                                                                                                                         "@to @rule",                   182, 0 },
    {"profiles that are never on",        "'False') -and ($session",                                           "'True') -and ($session",
     "$known.Enabled",                                                                                                                                                                       284, 0 },
    {"a command among the rules",         "    # why: corpus.yaml:12 logon\n",                                 "Stop-Service mpssvc\n",
     "remote = @( before",                                                                                                                                                                   297, 0 },
    {"a block comment",                   "    # why: corpus.yaml:12 logon\n",                                 "<# x #>\n",                                   "remote = @( before",          297,
     0                                                                                                                                                                                              },
    {"a list twice",                      "    $remote = @(\n",                                                "    $remote = @(\n    )\n    $remote = @(\n",
     "one list of each end",                                                                                                                                                                 300, 0 },
    {"a prefix with host bits",           "'10.2.0.1'",                                                        "'10.2.0.1/24'",                               "a quoted address",            299, 0 },
    {"a prefix too long",                 "'10.2.0.1'",                                                        "'10.1.0.0/33'",                               "a quoted address",            299, 0 },
    {"a length with a zero in front",     "'10.2.0.1'",                                                        "'10.1.0.0/024'",                              "a quoted address",            299, 0 },
    {"a range of two families",           "'10.2.0.1'",                                                        "'10.1.0.0-::1:0:0:0'",                        "a quoted address",            299, 0 },
    {"a range backwards",                 "'10.2.0.1'",                                                        "'10.1.0.9-10.1.0.1'",                         "a quoted address",            299, 0 },
    {"a keyword",                         "'10.2.0.1'",                                                        "'LocalSubnet'",                               "a quoted address",            299, 0 },
    {"an address without quotes",         "'10.2.0.1'",                                                        "10.1.0.0/24",                                 "a quoted address",            299, 0 },
    {"two on a line",                     "'10.2.0.1'",                                                        "'10.1.0.0/24','10.9.0.0/24'",                 "a quoted address",            299, 0 },
    {"a variable as address",             "'10.2.0.1'",                                                        "$any",                                        "a quoted address",            299, 0 },
    {"a name that is not closed",         "Rule @to -Name 'sallyport",                                         "Rule @to -Name sallyport",
     "expected \"'\"",                                                                                                                                                                       302, 0 },
    {"a rule that replaces another",      "Remove-Old 'sallyport-contoso-outbound",
     "Remove-Old 'x-outbound",                                                                                                                                "the name above it",           302, 0 },
    {"another profile",                   "-Profile 'Domain'",                                                 "-Profile 'Any'",                              "a profile",                   302, 0 },
    {"another action",                    "-Action Allow -Protocol",                                           "-Action NotConfigured -Protocol",
     "Allow or Block",                                                                                                                                                                       302, 0 },
    {"another direction",                 "-Direction Outbound",                                               "-Direction Both",                             "a direction",                 302, 0 },
    {"another protocol",                  "-Protocol TCP",                                                     "-Protocol Any",                               "TCP or UDP",                  302, 0 },
    {"port 0",                            "'445'",                                                             "'0'",                                         "a port",                      302, 0 },
    {"port 65536",                        "'445'",                                                             "'65536'",                                     "a port",                      302, 0 },
    {"ports backwards",                   "'445'",                                                             "'445-444'",                                   "a port",                      302, 0 },
    {"the port of the other end",         "-RemotePort",                                                       "-LocalPort",                                  "-RemotePort",                 302, 0 },
    {"edge traversal",                    "-EdgeTraversalPolicy Block",                                        "-EdgeTraversalPolicy Allow",
     "-EdgeTraversalPolicy Block",                                                                                                                                                           310, 0 },
    {"an override in clear",              "-Authentication NotRequired -Encryption NotRequired",
     "-Authentication NotRequired -Encryption NotRequired -OverrideBlockRules $true",                                                                         "-RemoteAddress",              302, 0 },
    {"null encapsulation",                "-Authentication Required",                                          "-Authentication NoEncap",
     "Required or NotRequired",                                                                                                                                                              310, 0 },
    {"an inbound override for everybody", " -RemoteMachine 'O:LSD:",                                           "'O:LSD:",                                     "-RemoteMachine",
     310,                                                                                                                                                                                         0 },
    {"an override for a word",            "(A;;CC;;;S-1-5-21-1-2-3-515)",                                      "(A;;CC;;;WD)",                                "a list of SIDs",
     310,                                                                                                                                                                                         0 },
    {"an override against somebody",      "(A;;CC;;;S-1-5-21-1-2-3-515)",                                      "(D;;CC;;;S-1-5-21-1-2-3-515)",
     "a list of SIDs",                                                                                                                                                                       310, 0 },
    {"a secured rule that yields",        " -OverrideBlockRules $true",                                        "",                                            "-OverrideBlockRules",         310, 0 },
    {"a service",                         " -Authentication NotR",                                             " -Service 'x' -Authentication NotR",          "-Authentication",
     302,                                                                                                                                                                                         0 },
    {"more after a rule",                 "$remote | Out-Null\n\n",                                            "$remote | Out-Null; Restart-Computer\n\n",
     "the end of the line",                                                                                                                                                                  302, 0 },
    {"a log nowhere",                     "'%systemroot%\\system32\\LogFiles\\Firewall\\pfirewall.log' 16384",
     "'' 16384",                                                                                                                                              "the path of a log",           391, 0 },
    {"a log of no size",                  "firewall.log' 16384",                                               "firewall.log' 0",                             "1 to 32767 KB",               391, 0 },
    {"no log of a profile",               "    Set-Log 'Private'",                                             "    # Set-Log 'Private'",                     "Set-Log 'Private'",
     393,                                                                                                                                                                                         0 },
    {"rules of before that stay",         "    foreach ($rule in $now.Rules) {",
     "    foreach ($rule in @()) {",                                                                                                                          "$now.Rules",                  396, 0 },
    {"profiles that stay on",             "-DefaultInboundAction Allow -Def",
     "-DefaultInboundAction Block -Def",                                                                                                                      "-DefaultInboundAction Allow", 409, 0 },
    {"no way back",                       "    Restore-State $now\n",                                          "",                                            "Restore-State $now",          415, 0 },
    {"a session that is not saved",       "    Save-Session\n}\ncatch",                                        "}\ncatch",                                    "Save-Session",                411,
     0                                                                                                                                                                                              },
};

static void test_rows(void **state)
{
    (void)state;
    read_rows_check(ARTEFACT, rows, COUNT_OF(rows), powershell_read);
}

/* What the fields of one rule become. */
static void test_fields(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct ruleset rules = {0};
    struct err err = {0};
    str script = read_rows_file(&arena, ARTEFACT);
    assert_true(powershell_read(S("x"), str_bytes(script), &arena, &rules, &err));
    const struct rule *rule = &rules.rules[1];
    assert_true(
        str_equal(rule->id, S("sallyport-contoso-inbound-smb-tcp-domain-allow-if-secure-1-v4-1")));
    assert_true(str_equal(rule->group, S("sallyport:contoso")));
    assert_true(str_equal(rule->why, S("corpus.yaml:13 admin shares")));
    assert_int_equal(rule->direction, DIRECTION_INBOUND);
    assert_int_equal(rule->action, ACTION_ALLOW_IF_SECURE);
    assert_true(
        str_equal(rule->principals, S("S-1-5-21-1-2-3-515 S-1-5-21-1-2-3-516 S-1-5-21-1-2-3-521")));
    assert_int_equal(rule->profiles, 1u << PROFILE_DOMAIN);
    assert_true(rule->enabled);
    assert_int_equal(rule->transport, TRANSPORT_TCP);
    assert_int_equal(rule->n_ports, 1);
    assert_int_equal(rule->ports[0].first, 445);
    assert_int_equal(rule->remote.n, 2);
    assert_true(addr_equal(rule->remote.ranges[1].last, addr_v4(UINT32_C(0x0A0200FF))));
    assert_true(str_starts(str_tail(script, (size_t)rule->offset), S("New-NetFirewallRule")));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_fields)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
