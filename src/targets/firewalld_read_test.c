/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/firewalld_read.h"

#include "targets/read_rows.h"

#define HOST SOURCE_ROOT "/tests/corpus/firewalld_read/host.sh"

static const struct read_row rows[] = {
    {"as written",                           NULL,                                                            NULL,                                            NULL,                          0,   10},
    {"an empty ipset",                       "  <entry>2001:db8:2::3</entry>\n",                              "",                                              NULL,                          0,   10},
    {"a comment more",                       "set -eu\n",                                                     "# x\nset -eu\n# y\n",                           NULL,                          0,   10},
    {"a byte beyond ASCII",                  "dry run",                                                       "dr\xc3",                                        "printable ASCII",             9,   0 },
    {"another priority of a policy",         "priority=\"-30000\"",                                           "priority=\"-1\"",                               NULL,                          0,   10},
    {"another command",                      "set -eu\n",                                                     "set -eu\nreboot\n",                             "to=${1",                      12,  0 },
    {"another folder",                       "to=${1:-/etc/firewalld}",                                       "to=/",                                          "to=${1",                      12,  0 },
    {"older files stay",                     "rm -f \"$to\"/ipsets/sallyport-*.xml ",                         "rm -f ",                                        "rm -f",                       14,  0 },
    {"a document that expands",              "<<'SALLYPORT'\n",                                               "<<SALLYPORT\n",                                 "sallyport-in.xml",            15,  0 },
    {"another file",                         "$to/ipsets/sallyport-1.xml",                                    "$to/ipsets/drop.xml",                           "an ipset of ours",            15,
     0                                                                                                                                                                                               },
    {"a file above",                         "$to/ipsets/sallyport-1.xml",                                    "$to/ipsets/sallyport-/../x.xml",
     "an ipset of ours",                                                                                                                                                                      15,  0 },
    {"a long name",                          "sallyport-1.xml",                                               "sallyport-0123456789012345678901.xml",          "an ipset of ours",
     15,                                                                                                                                                                                           0 },
    {"an ipset twice",                       "$to/ipsets/sallyport-2.xml",                                    "$to/ipsets/sallyport-1.xml",
     "an ipset of another name",                                                                                                                                                              24,  0 },
    {"an ipset of pairs",                    "hash:net",                                                      "hash:net,net",                                  "hash:net",                    17,  0 },
    {"an ipset's attribute more",            "type=\"hash:net\"",                                             "type=\"hash:net\" x=\"1\"",                     "type",                        17,  0 },
    {"a timeout",                            "  <entry>10.2.0.1",
     "  <option name=\"timeout\" value=\"9\"/>\n  <entry>10.2.0.1",                                                                                            "an ipset of entries",         20,  0 },
    {"no family",                            "  <option name=\"family\" value=\"inet\"/>\n",                  "",
     "a prefix of the ipset's family",                                                                                                                                                        19,  0 },
    {"an unknown family",                    "value=\"inet\"",                                                "value=\"inet4\"",                               "inet or inet6",               19,  0 },
    {"a range",                              "10.2.0.3",                                                      "10.2.0.3-10.2.0.9",                             "an address or a prefix",      21,  0 },
    {"host bits",                            "10.2.0.3",                                                      "10.2.0.3/24",                                   "an address or a prefix",      21,  0 },
    {"a mapped entry",                       "10.2.0.3",                                                      "::ffff:10.2.0.3",                               "an address or a prefix",      21,  0 },
    {"a prefix of both families",            "2001:db8:2::3",                                                 "::/0",                                          "an address or a prefix",      29,  0 },
    {"an entry twice",                       "10.2.0.3",                                                      "10.2.0.1",                                      "behind those before it",      21,  0 },
    {"an entry in another",                  "10.2.0.1",                                                      "10.2.0.0/30",                                   "behind those before it",      21,  0 },
    {"text beside entries",                  "  <entry>10.2.0.3",                                             "x  <entry>10.2.0.3",                            "an address or a prefix",      20,
     0                                                                                                                                                                                               },
    {"a document without an end",            "</ipset>\n",                                                    "",                                              "well-formed XML",             22,  0 },
    {"a document type",                      "<ipset type",                                                   "<!DOCTYPE a [<!ENTITY b \"c\">]>\n<ipset type",
     "declarations",                                                                                                                                                                          17,  0 },
    {"another target",                       "target=\"CONTINUE\"",                                           "target=\"ACCEPT\"",                             "CONTINUE",                    34,  0 },
    {"a policy after zones",                 "priority=\"-30000\"",                                           "priority=\"100\"",                              "a priority below 0",          34,
     0                                                                                                                                                                                               },
    {"a policy without priority",            " priority=\"-30000\"",                                          "",                                              "target priority",             34,  0 },
    {"another zone",                         "<ingress-zone name=\"ANY\"/>",                                  "<ingress-zone name=\"public\"/>",               "ANY",                         36,
     0                                                                                                                                                                                               },
    {"a zone more",                          "<ingress-zone name=\"ANY\"/>",
     "<ingress-zone name=\"ANY\"/><ingress-zone name=\"ANY\"/>",                                                                                               "a policy of zones and rules", 36,
     0                                                                                                                                                                                               },
    {"no zone",                              "  <egress-zone name=\"HOST\"/>\n",                              "",                                              "an egress zone",              62,  0 },
    {"a service",                            "  <!-- why",                                                    "  <service name=\"samba\"/>\n  <!-- why",
     "a policy of zones and rules",                                                                                                                                                           38,  0 },
    {"masquerading",                         "  <!-- why",                                                    "  <masquerade/>\n  <!-- why",                   "a policy of zones and rules", 38,
     0                                                                                                                                                                                               },
    {"a rule after zones",                   "<rule priority=\"-100\">",                                      "<rule priority=\"100\">",
     "a priority below 0",                                                                                                                                                                    40,  0 },
    {"a rule without priority",              "<rule priority=\"-100\">",                                      "<rule>",                                        "priority",                    40,  0 },
    {"an attribute more",                    "<rule priority",                                                "<rule invert=\"true\" priority",                "priority",                    40,  0 },
    {"two verdicts",                         "    <drop/>\n",                                                 "    <drop/>\n    <accept/>\n",                  "one verdict",                 44,  0 },
    {"no verdict",                           "    <drop/>\n",                                                 "",                                              "a rule with a port",          42,  0 },
    {"a reject with a type",                 "<reject/>",                                                     "<reject type=\"tcp-reset\"/>",
     "one verdict without conditions",                                                                                                                                                        91,  0 },
    {"a limited accept",                     "<accept/>",                                                     "<accept><limit value=\"1/s\"/></accept>",
     "the end of an element",                                                                                                                                                                 78,  0 },
    {"another log",                          "prefix=\"sallyport-",                                           "prefix=\"x-",                                   "a log prefix of ours",        42,  0 },
    {"a stop that does not log",
     "    <log prefix=\"sallyport-workspace-inbound-smb-tcp-domain-block-1 \" "
     "level=\"info\"><limit value=\"10/s\"/></log>\n",                                                        "",                                              "a rule with a port",          42,  0 },
    {"an unlimited log",                     "10/s",                                                          "10/m",                                          "10/s",                        42,  0 },
    {"no port",                              "    <port port=\"445\" protocol=\"tcp\"/>\n",                   "",                                              "a rule with a port",          42,  0 },
    {"two ports",                            "    <port port=\"445\" protocol=\"tcp\"/>\n",
     "    <port port=\"445\" protocol=\"tcp\"/>\n    <port port=\"1\" protocol=\"tcp\"/>\n",                                                                   "one port",                    42,  0 },
    {"port 0",                               "port=\"445\"",                                                  "port=\"0\"",                                    "one port",                    41,  0 },
    {"another protocol",                     "protocol=\"tcp\"",                                              "protocol=\"sctp\"",                             "tcp or udp",                  41,  0 },
    {"an unknown ipset",                     "destination ipset=\"sallyport-1\"",                             "destination ipset=\"sallyport-3\"",
     "one ipset from above",                                                                                                                                                                  76,  0 },
    {"an ipset of the other family",         "destination ipset=\"sallyport-1\"",
     "destination ipset=\"sallyport-2\"",                                                                                                                      "of the rule's family",        76,  0 },
    {"an inverted ipset",                    "<destination ipset",                                            "<destination invert=\"True\" ipset",            "ipset",                       76,
     0                                                                                                                                                                                               },
    {"an address",                           "destination ipset=\"sallyport-1\"",                             "destination address=\"10.0.0.1\"",              "ipset",
     76,                                                                                                                                                                                           0 },
    {"no family beside an ipset",            " family=\"ipv4\"",                                              "",                                              "of the rule's family",        76,  0 },
    {"a family without an ipset",            "<rule priority",                                                "<rule family=\"ipv4\" priority",
     "a family if it has an ipset",                                                                                                                                                           43,  0 },
    {"an accept and a stop of one priority", "family=\"ipv4\" priority=\"-200\"",
     "family=\"ipv4\" priority=\"-100\"",                                                                                                                      "one verdict",                 88,  0 },
    {"no check",                             "case $said in *INVALID*) echo \"$said\" >&2; exit 1 ;; esac\n", "",                                              "INVALID",
     117,                                                                                                                                                                                          0 },
    {"no end of the last line",              "firewall-cmd --reload\n",                                       "firewall-cmd --reload",
     "the end of the line",                                                                                                                                                                   118, 0 },
    {"something after it",                   "firewall-cmd --reload\n",                                       "firewall-cmd --reload\nreboot\n",
     "the end of the file",                                                                                                                                                                   119, 0 },
};

static void test_rows(void **state)
{
    (void)state;
    read_rows_check(HOST, rows, COUNT_OF(rows), firewalld_read);
}

/* Rules are read in the order of their priorities, whatever the order in the file. */
static void test_order(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct ruleset rules = {0};
    struct err err = {0};
    const struct read_row row = {.name = "the first stop of all",
                                 .old_text = "outbound-netbios-udp-domain-private-block-1 -->\n  "
                                             "<rule priority=\"-100\">",
                                 .new_text = "x -->\n  <rule priority=\"-300\">"};
    str text = read_rows_change(&arena, read_rows_file(&arena, HOST), &row);
    assert_true(firewalld_read(S("x"), str_bytes(text), &arena, &rules, &err));
    size_t outbound = 0;
    while (rules.rules[outbound].direction == DIRECTION_INBOUND)
        outbound++;
    assert_int_equal(outbound, 4);
    const struct rule *first = &rules.rules[outbound];
    assert_int_equal(first->action, ACTION_BLOCK);
    assert_int_equal(first->transport, TRANSPORT_UDP);
    assert_int_equal(first[1].action, ACTION_ALLOW);
    assert_int_equal(first[1].local.n, 1);
    assert_true(addr_equal(first[1].remote.ranges[0].first, addr_v4(UINT32_C(0x0A020001))));
    assert_true(str_equal(first[1].id, S("sallyport-workspace-outbound-smb-tcp-domain-private-"
                                         "allow-1")));
    assert_true(first->logs && !first[1].logs);
    arena_close(&arena);
}

static void test_truncations(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL), turn = arena_open("turn", 0, NULL);
    str text = read_rows_file(&arena, HOST);
    for (size_t n = 0; n < text.len; n++) {
        struct ruleset rules = {0};
        struct err err = {0};
        arena_reset(&turn);
        assert_false(
            firewalld_read(S("x"), (bytes){(const uint8_t *)text.ptr, n}, &turn, &rules, &err));
        assert_true(err.text[0] != '\0');
    }
    arena_close(&turn);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_truncations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
