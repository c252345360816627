/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of FortiGate, PAN-OS, Azure and AWS: artefacts that read, changed in one place, and
 * what must be said of them; every truncation; rollbacks that take back less than was made.
 */
#include "targets/read_rows.h"
#include "targets/target.h"

#define SEEDS SOURCE_ROOT "/tests/corpus/edge_read/"

static const char *const seeds[][3] = {
    {"pan-os",             SEEDS "pan-os.set",              SEEDS "pan-os-rollback.set"    },
    {"fortigate",          SEEDS "fortigate.conf",          SEEDS "fortigate-rollback.conf"},
    {"azure-nsg",          SEEDS "azure-nsg.json",          SEEDS "azure-nsg-rollback.json"},
    {"aws-nacl",           SEEDS "aws-nacl.json",           SEEDS "aws-nacl-rollback.json" },
    {"aws-security-group", SEEDS "aws-security-group.json",
     SEEDS "aws-security-group-rollback.json"                                              },
};

struct row {
    const char *target, *name, *old_text, *new_text;
    const char *error; /* part of the message; NULL: it reads */
};

static const struct row rows[] = {
    {"pan-os",             "as written",                     NULL,                                                     NULL,                                              NULL                           },
    {"pan-os",             "an object twice",                "-a2 ip",                                                 "-a1 ip",                                          "-a2"                          },
    {"pan-os",             "host bits",                      "10.10.0.0/24",                                           "10.10.0.1/24",                                    "a prefix"                     },
    {"pan-os",             "a mapped prefix",                "10.10.0.0/24",                                           "::ffff:10.10.0.0/120",                            "IPv4 as such"                 },
    {"pan-os",             "a range backwards",              "0.0.0.1-10",                                             "11.0.0.1-10",                                     "a range of addresses"         },
    {"pan-os",             "another name",                   "set address sallyport-cloud-474010-a3",                  "set address x",                                   "-a3"                          },
    {"pan-os",             "another kind of object",         "ip-netmask",                                             "fqdn",                                            "ip-range"                     },
    {"pan-os",             "a member that is not there",     "-a8 ]",                                                  "-a9 ]",                                           "an object that was set before"},
    {"pan-os",             "a member twice",                 "-a8 ]",                                                  "-a7 ]",                                           "share no address"             },
    {"pan-os",             "an object that nothing uses",    " sallyport-cloud-474010-a8 ]",                           " ]",                                              "no object"                    },
    {"pan-os",             "ports from 0",                   "port 445",                                               "port 0",                                          "ports"                        },
    {"pan-os",             "another protocol",               "protocol tcp",                                           "protocol sctp",                                   "tcp or udp"                   },
    {"pan-os",             "an application",                 "application any",                                        "application ssl",                                 "application any"              },
    {"pan-os",             "a zone",                         "from any",                                               "from trust",                                      "from any"                     },
    {"pan-os",             "a negated end",                  "to any source",                                          "to any negate-source yes source",                 "source"                       },
    {"pan-os",             "another action",                 "action drop",                                            "action deny",                                     "allow or drop"                },
    {"pan-os",             "no log",                         "log-end yes",                                            "log-end no",                                      "log-end yes"                  },
    {"pan-os",             "disabled",                       "log-end yes",                                            "log-end yes disabled yes",                        "the end of the line"          },
    {"pan-os",             "a quote in a text",              "policy.yaml:11 dc",                                      "a\" disabled yes \"",
     "the end of the line"                                                                                                                                                                               },
    {"pan-os",             "a quote taken into a text",      "policy.yaml:11 dc",                                      "policy.yaml:11 dc\\",
     "a text in quotes"                                                                                                                                                                                  },
    {"pan-os",             "a foreign rule",                 "move rulebase",                                          "set rulebase security rules x disabled no\nmove",
     "the name of the next rule"                                                                                                                                                                         },
    {"pan-os",             "moved to the bottom",            "-i4 top",                                                "-i4 bottom",                                      "top"                          },
    {"pan-os",             "in another order",               "-o3 top",                                                "-o1 top",                                         "the name of the next rule"    },
    {"pan-os",             "something behind",               "-o1 top\n",                                              "-o1 top\ndelete rulebase\n",
     "the end of the file"                                                                                                                                                                               },
    {"pan-os",             "a byte that is not ASCII",       "# border",                                               "# b\xc3\xb6rder",                                 "not printable ASCII"          },

    {"fortigate",          "as written",                     NULL,                                                     NULL,                                              NULL                           },
    {"fortigate",          "the first policy named",         "before FIRST",                                           "before 7",                                        NULL                           },
    {"fortigate",          "before one of ours",             "before FIRST",                                           "before 2425456003",                               "in their order"               },
    {"fortigate",          "an object twice",                "edit \"sallyport-cloud-474010-a2\"",
     "edit \"sallyport-cloud-474010-a1\"",                                                                                                                                "another name"                 },
    {"fortigate",          "a mask with holes",              "10.20.0.0 255.255.255.0",                                "10.20.0.0 255.0.255.0",
     "the mask of a network"                                                                                                                                                                             },
    {"fortigate",          "host bits",                      "10.20.0.0 255.255.255.0",                                "10.20.0.1 255.255.255.0",
     "the mask of a network"                                                                                                                                                                             },
    {"fortigate",          "a mapped network",               "10.20.0.0 255.255.255.0",                                "::ffff:10.20.0.0 255.255.255.0",
     "an IPv4 address"                                                                                                                                                                                   },
    {"fortigate",          "another type",                   "type iprange",                                           "type fqdn",                                       "type iprange"                 },
    {"fortigate",          "a range backwards",              "start-ip 0.0.0.1",                                       "start-ip 11.0.0.1",                               "not before"                   },
    {"fortigate",          "an address of the other family", "start-ip 0.0.0.1",
     "start-ip 2001:db8::",                                                                                                                                               "this family"                  },
    {"fortigate",          "a foreign object",               "\"sallyport-cloud-474010-a1\"\n    next",
     "\"all\"\n    next",                                                                                                                                                 "an object of ours"            },
    {"fortigate",          "a member twice",                 "-a8\"\n    next\nend\nconfig firewall addrgrp6",
     "-a7\"\n    next\nend\nconfig firewall addrgrp6",                                                                                                                    "share no address"             },
    {"fortigate",          "ports of the source",            "tcp-portrange 445",                                      "tcp-portrange 445:1-9",                           "a port"                       },
    {"fortigate",          "ids apart",                      "edit 2425456001",                                        "edit 2425456009",                                 "ids in a row"                 },
    {"fortigate",          "an interface",                   "set srcintf \"any\"",                                    "set srcintf \"wan1\"",                            "set srcintf"                  },
    {"fortigate",          "a negated end",                  "set action accept",
     "set srcaddr-negate enable\nset action accept",                                                                                                                      "set action"                   },
    {"fortigate",          "ends of two families",           "set dstaddr ",                                           "set dstaddr6 ",                                   "dstaddr"                      },
    {"fortigate",          "another action",                 "action accept",                                          "action ipsec",                                    "accept or deny"               },
    {"fortigate",          "translated addresses spared",    "match-vip enable",                                       "match-vip disable",
     "match-vip"                                                                                                                                                                                         },
    {"fortigate",          "a schedule",                     "\"always\"",                                             "\"none\"",                                        "always"                       },
    {"fortigate",          "no log",                         "logtraffic all",                                         "logtraffic disable",                              "logtraffic all"               },
    {"fortigate",          "disabled",                       "logtraffic all",                                         "logtraffic all\nset status disable",
     "set comments"                                                                                                                                                                                      },
    {"fortigate",          "nat",                            "logtraffic all",                                         "logtraffic all\nset nat enable",                  "set comments"                 },
    {"fortigate",          "a quote taken into a comment",   "policy.yaml:11 dc",                                      "policy.yaml:11 dc\\",
     "in quotes"                                                                                                                                                                                         },
    {"fortigate",          "a line in a comment",            "policy.yaml:11 dc",                                      "x\nset status disable",                           "in quotes"                    },
    {"fortigate",          "something behind",               "2425456002\nend\n",                                      "2425456002\nend\nexecute reboot\n",
     "the end of the file"                                                                                                                                                                               },

    {"azure-nsg",          "as written",                     NULL,                                                     NULL,                                              NULL                           },
    {"azure-nsg",          "a tag",                          "\"10.10.0.0/24\"",                                       "\"VirtualNetwork\"",                              "an IPv4 prefix"               },
    {"azure-nsg",          "host bits",                      "\"10.10.0.0/24\"",                                       "\"10.10.0.1/24\"",                                "an IPv4 prefix"               },
    {"azure-nsg",          "both families",                  "\"10.10.0.0/24\"",                                       "\"10.10.0.0/24\",\"2001:db8::/32\"",
     "an IPv4 prefix"                                                                                                                                                                                    },
    {"azure-nsg",          "a prefix twice",                 "\"10.10.0.0/24\"",                                       "\"10.10.0.0/24\",\"10.10.0.9/32\"",
     "share no address"                                                                                                                                                                                  },
    {"azure-nsg",          "no prefix",                      "\"10.10.0.0/24\"",                                       "",                                                "an IPv4 prefix"               },
    {"azure-nsg",          "a priority twice",               "\"priority\":101",                                       "\"priority\":100",                                "the next priority"            },
    {"azure-nsg",          "another access",                 "\"Deny\"",                                               "\"Audit\"",                                       "\"Allow\" or \"Deny\""        },
    {"azure-nsg",          "any protocol",                   "\"Tcp\"",                                                "\"*\"",                                           "\"Tcp\" or \"Udp\""           },
    {"azure-nsg",          "ports of the source",            "\"sourcePortRange\":\"*\"",                              "\"sourcePortRange\":\"445\"",
     "\"*\""                                                                                                                                                                                             },
    {"azure-nsg",          "every port",                     "\"445\"",                                                "\"*\"",                                           "a port"                       },
    {"azure-nsg",          "another list",                   "[concat(variables('rules'), parameters('otherRules'))]",
     "[parameters('otherRules')]",                                                                                                                                        "concat"                       },
    {"azure-nsg",          "rules of another group",         "\"name\":\"sallyport-cloud-474010\"",
     "\"name\":\"sallyport-other-474010\"",                                                                                                                               "named after their group"      },
    {"azure-nsg",          "a key more",                     "\"sourcePortRange\"",                                    "\"x\":1,\"sourcePortRange\"",                     "the key"                      },
    {"azure-nsg",          "another resource",               "\"properties\":{\n    \"securityRules\"",
     "\"x\":1,\"properties\":{\n    \"securityRules\"",                                                                                                                   "the key"                      },

    {"aws-nacl",           "as written",                     NULL,                                                     NULL,                                              NULL                           },
    {"aws-nacl",           "another inside",                 "\"inside\":[\n   \"10.20.0.0/24\"",
     "\"inside\":[\n   \"10.20.0.0/25\"",                                                                                                                                 "a prefix of the inside"       },
    {"aws-nacl",           "more inside",                    "\"inside\":[\n   \"10.20.0.0/24\"",
     "\"inside\":[\n   \"10.20.0.0/23\"",                                                                                                                                 "all of the inside"            },
    {"aws-nacl",           "the inside not passed",          "\"Protocol\":-1",                                        "\"Protocol\":1",                                  "6, 17 or -1"                  },
    {"aws-nacl",           "a number out of order",          "\"RuleNumber\":110",                                     "\"RuleNumber\":90",
     "the number of the entry"                                                                                                                                                                           },
    {"aws-nacl",           "a number twice",                 "\"Inbound110\"",                                         "\"Inbound100\"",                                  "Inbound110"                   },
    {"aws-nacl",           "the other direction",            "\"Egress\":false",                                       "\"Egress\":true",                                 "false"                        },
    {"aws-nacl",           "another action",                 "\"deny\"",                                               "\"drop\"",                                        "\"allow\" or \"deny\""        },
    {"aws-nacl",           "everything denied",              "\"RuleAction\":\"allow\",\n    \"Protocol\":-1",
     "\"RuleAction\":\"deny\",\n    \"Protocol\":-1",                                                                                                                     "an entry with ports"          },
    {"aws-nacl",           "ports from 0",                   "\"From\":445",                                           "\"From\":0",                                      "a range of ports"             },
    {"aws-nacl",           "host bits",                      "\"CidrBlock\":\"10.10.0.0/24\"",                         "\"CidrBlock\":\"10.10.0.1/24\"",
     "an IPv4 prefix"                                                                                                                                                                                    },
    {"aws-nacl",           "another list",                   "\"Ref\":\"List\"",                                       "\"Ref\":\"Other\"",                               "List"                         },
    {"aws-nacl",           "another resource",               "\"Resources\":{",                                        "\"Resources\":{\"X\":{},",                        "List"                         },

    {"aws-security-group", "as written",                     NULL,                                                     NULL,                                              NULL                           },
    {"aws-security-group", "a group at the far end",         "\"CidrIp\":\"10.10.0.0/24\"",
     "\"SourceSecurityGroupId\":\"sg-1\"",                                                                                                                                "CidrIp"                       },
    {"aws-security-group", "every protocol",                 "\"tcp\"",                                                "\"-1\"",                                          "\"tcp\" or \"udp\""           },
    {"aws-security-group", "host bits",                      "10.10.0.0/24",                                           "10.10.0.1/24",                                    "an IPv4 prefix"               },
    {"aws-security-group", "AWS's own rule",                 "127.0.0.1/32",                                           "0.0.0.0/0",                                       "127.0.0.1/32"                 },
    {"aws-security-group", "ports backwards",                "\"ToPort\":445",                                         "\"ToPort\":444",
     "a range of ports"                                                                                                                                                                                  },
    {"aws-security-group", "a second resource",              "\"Resources\":{",                                        "\"Resources\":{\"X\":{},",
     "Group"                                                                                                                                                                                             },
};

static bool read_seed(const struct target *target, str content, struct arena *arena,
                      struct ruleset *out, struct err *err)
{
    return target->read(S("artefact"), str_bytes(content), arena, out, err);
}

static void test_rows(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        const struct read_row change = {row->name, row->old_text, row->new_text, NULL, 0, 0};
        const struct target *target = target_by_name(str_of(row->target));
        size_t seed = 0;
        while (strcmp(seeds[seed][0], row->target) != 0)
            seed++;
        str text = read_rows_change(&arena, read_rows_file(&arena, seeds[seed][1]), &change);
        struct ruleset rules = {.n = 4711};
        struct err err = {0};
        bool good = read_seed(target, text, &arena, &rules, &err);
        if (good != !row->error)
            fail_msg("%s, %s: read %d: %s", row->target, row->name, good, err.text);
        if (good) continue;
        assert_int_equal(rules.n, 4711); /* unchanged on failure */
        assert_int_equal(err.kind, ERR_MALFORMED);
        assert_string_equal(err.source, "artefact");
        if (!strstr(err.text, row->error) || !err.line)
            fail_msg("%s, %s: line %u: %s, expected ...%s", row->target, row->name, err.line,
                     err.text, row->error);
    }
    arena_close(&arena);
}

/* What is cut off anywhere is no artefact, and no rollback either. */
static void test_truncations(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(seeds); i++) {
        const struct target *target = target_by_name(str_of(seeds[i][0]));
        str border = str_starts(target->name, S("aws-s")) ? (str){0} : S("cloud");
        for (size_t file = 1; file <= 2; file++) {
            struct arena outer = arena;
            str text = read_rows_file(&outer, seeds[i][file]);
            for (size_t n = 0; n + 1 < text.len; n++) {
                struct arena turn = outer;
                struct ruleset rules = {0};
                struct err err = {0};
                bytes head = str_bytes(str_head(text, n));
                /* Remarks alone are an empty list of commands, which says nothing. */
                bool read = target->read(S("x"), head, &turn, &rules, &err);
                if (read && rules.n) fail_msg("%s reads when cut at %zu", seeds[i][file], n);
                bool whole = n && text.ptr[n - 1] == '\n';
                if (file == 2 && !whole &&
                    target->read_rollback(S("x"), head, S("contoso"), border, &turn, &err) &&
                    str_contains(str_head(text, n), S("\ndelete ")))
                    fail_msg("%s reads as a rollback when cut at %zu", seeds[i][file], n);
            }
        }
    }
    arena_close(&arena);
}

/* A rollback without one of its lines leaves something behind. */
static void test_undoing(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    size_t n_cut = 0;
    for (size_t i = 0; i < COUNT_OF(seeds); i++) {
        const struct target *target = target_by_name(str_of(seeds[i][0]));
        struct err err = {0};
        str rules = read_rows_file(&arena, seeds[i][1]), back = read_rows_file(&arena, seeds[i][2]);
        if (!target->undoes) continue;
        if (!target->undoes(S("x"), str_bytes(rules), str_bytes(back), &arena, &err))
            fail_msg("%s: %s", seeds[i][0], err.text);
        for (size_t at = 0; at < back.len; at++) {
            str rest = str_tail(back, at), line, tail;
            if (at && back.ptr[at - 1] != '\n') continue;
            (void)str_cut(rest, '\n', &line, &tail);
            if (!str_contains(line, S("delete "))) continue;
            str cut = str_format(&arena, "%.*s%.*s", STR_ARG(str_head(back, at)), STR_ARG(tail));
            assert_false(target->undoes(S("x"), str_bytes(rules), str_bytes(cut), &arena, &err));
            n_cut++;
        }
    }
    assert_true(n_cut > 20);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_undoing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
