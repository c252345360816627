/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/powershell_read.h"

#include "targets/read_rows.h"

#define ARTEFACT SOURCE_ROOT "/tests/corpus/powershell_read/apply.ps1"

static const struct read_row rows[] = {
    {"as written",                    NULL,                                                       NULL,                               NULL,                    0,  7},
    {"a remark more",                 "try {\n",                                                  "try {\n# remark\n\n",              NULL,                    0,  7},
    {"line ends of Windows",          "param()\n",                                                "param()\r\n",                      NULL,                    0,  7},
    {"an empty list",                 "        '10.2.0.1'\n",                                     "",                                 NULL,                    0,  7},
    {"a disabled rule",               "-Enabled True",                                            "-Enabled False",                   NULL,                    0,  7},

    {"a carriage return alone",       "# The local",                                              "# The\rlocal",                     "expected",              1,  0},
    {"a quote beyond ASCII",          "# The local",                                              "# The \xe2\x80\x98",               "expected",              1,  0},
    {"no dry run",                    "SupportsShouldProcess = $true",                            "",                                 "SupportsShouldProcess", 11, 0},
    {"another store",                 "'PersistentStore'",                                        "'ActiveStore'",                    "PersistentStore",       16, 0},
    {"a group that is a pattern",     "'sallyport:workspace'",                                    "'sallyport:*'",                    "WORKSPACE",             17, 0},
    {"a group of nobody",             "'sallyport:workspace'",                                    "'sallyport:'",                     "WORKSPACE",             17, 0},
    {"a foreign group",               "'sallyport:workspace'",                                    "'Core Networking'",                "WORKSPACE",             17, 0},
    {"a state file elsewhere",        "profiles-workspace",                                       "../x",                             "profiles-workspace",    19, 0},
    {"a bare removal",                "Remove-NetFirewallRule -PolicyStore $store -Group $group",
     "Remove-NetFirewallRule -PolicyStore $store",                                                                                    "-Group $group",         29, 0},
    {"a command among the rules",     "try {\n",                                                  "try {\nStop-Service mpssvc\n",     "New-NetFirewallRule",
     32,                                                                                                                                                           0},
    {"a block comment",               "try {\n",                                                  "try {\n<# x #>\n",                 "New-NetFirewallRule",   32, 0},
    {"a list twice",                  "try {\n",                                                  "try {\n$remote = @(\n)\n",         "New-NetFirewallRule",   36, 0},
    {"a prefix with host bits",       "'10.1.0.0/24'",                                            "'10.1.0.1/24'",                    "a quoted address",      35, 0},
    {"a prefix too long",             "'10.1.0.0/24'",                                            "'10.1.0.0/33'",                    "a quoted address",      35, 0},
    {"a length with a zero in front", "'10.1.0.0/24'",                                            "'10.1.0.0/024'",                   "a quoted address",      35, 0},
    {"a range of two families",       "'10.1.0.0/24'",                                            "'10.1.0.0-::1:0:0:0'",             "a quoted address",      35, 0},
    {"a range backwards",             "'10.1.0.0/24'",                                            "'10.1.0.9-10.1.0.1'",              "a quoted address",      35, 0},
    {"a keyword",                     "'10.1.0.0/24'",                                            "'LocalSubnet'",                    "a quoted address",      35, 0},
    {"an address without quotes",     "'10.1.0.0/24'",                                            "10.1.0.0/24",                      "a quoted address",      35, 0},
    {"two on a line",                 "'10.1.0.0/24'",                                            "'10.1.0.0/24','10.9.0.0/24'",      "a quoted address",      35, 0},
    {"a variable as address",         "'10.1.0.0/24'",                                            "$any",                             "a quoted address",      35, 0},
    {"a name that is not closed",     "-Name 'sallyport",                                         "-Name sallyport",                  "expected \"'\"",        38, 0},
    {"another profile",               "-Profile 'Domain'",                                        "-Profile 'Any'",                   "a profile",             38, 0},
    {"another action",                "-Action Allow",                                            "-Action NotConfigured",            "Allow or Block",        38, 0},
    {"another direction",             "-Direction Inbound",                                       "-Direction Both",                  "a direction",           38, 0},
    {"another protocol",              "-Protocol TCP",                                            "-Protocol Any",                    "TCP or UDP",            38, 0},
    {"port 0",                        "'445'",                                                    "'0'",                              "a port",                38, 0},
    {"port 65536",                    "'445'",                                                    "'65536'",                          "a port",                38, 0},
    {"ports backwards",               "'445'",                                                    "'445-444'",                        "a port",                38, 0},
    {"the port of the other end",     "-LocalPort",                                               "-RemotePort",                      "-LocalPort",            38, 0},
    {"edge traversal",                "-EdgeTraversalPolicy Block",                               "-EdgeTraversalPolicy Allow",
     "-EdgeTraversalPolicy Block",                                                                                                                             38, 0},
    {"a program",                     " -Protocol TCP",                                           " -Program 'x' -Protocol TCP",      "-Protocol",             38, 0},
    {"a dry run that is none",        "-WhatIf:$WhatIfPreference | Out-Null\n\n",
     "-WhatIf:$false | Out-Null\n\n",                                                                                                 "-WhatIf",               38, 0},
    {"more after a rule",             "| Out-Null\n\n",                                           "| Out-Null; Restart-Computer\n\n",
     "the end of the line",                                                                                                                                    38, 0},
    {"no logging",                    "Set-NetFirewallProfile",                                   "# Set-NetFirewallProfile",         "LogBlocked True",       92, 0},
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
    const struct rule *rule = &rules.rules[0];
    assert_true(str_equal(rule->id, S("sallyport-workspace-inbound-smb-tcp-domain-private-public-"
                                      "allow-1-v4-1")));
    assert_true(str_equal(rule->group, S("sallyport:workspace")));
    assert_true(str_equal(rule->why, S("policy.yaml:10 logon")));
    assert_int_equal(rule->direction, DIRECTION_INBOUND);
    assert_int_equal(rule->action, ACTION_ALLOW);
    assert_int_equal(rule->profiles, 7);
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
