/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/cisco_ios_read.h"

#include "targets/read_rows.h"

#define BORDER   SOURCE_ROOT "/tests/corpus/cisco_ios_read/border-servers.cfg"
#define ROLLBACK SOURCE_ROOT "/tests/corpus/cisco_ios_read/border-servers-rollback.cfg"

/* clang-format off */ /* it cannot align rows of several lines */
static const struct read_row rows[] = {
    {"as written", NULL, NULL, NULL, 0, 15},
    {"other remarks of its own",
     "remark note: replies of sessions that were let through",
     "remark note: x",
     NULL, 0, 15},
    {"a tab", " remark rule", "\tremark rule", "printable ASCII", 26, 0},
    {"another list",
     "extended SALLYPORT-SERVERS-OUT\nip",
     "extended MINE\nip",
     "SALLYPORT-, a border's name and -OUT", 15, 0},
    {"no removal first",
     "no ip access-list extended SALLYPORT-SERVERS-OUT\n",
     "",
     "no ip access-list extended", 15, 0},
    {"a removal of another list",
     "no ipv6 access-list SALLYPORT-SERVERS-OUT6",
     "no ipv6 access-list SALLYPORT-SERVERS-OUT",
     "SALLYPORT-SERVERS-OUT6", 41, 0},
    {"an entry outside",
     "\n permit ip any any\n!\nno ipv6",
     "\npermit ip any any\n!\nno ipv6",
     "an entry of the list", 39, 0},
    {"an entry without its rule",
     " remark rule: sallyport-contoso-border-servers-outbound-smb-tcp-all-allow-2\n",
     "",
     "begins with rule:, note: or +", 26, 0},
    {"a free remark",
     "remark note: what does not leave",
     "remark what does not leave",
     "begins with rule:, note: or +", 19, 0},
    {"a rule without entries",
     " permit tcp host 10.2.0.1 20.38.108.0 0.0.1.255 eq 445\n"
     " permit tcp host 10.2.0.1 20.60.26.0 0.0.1.255 eq 445\n"
     " permit tcp host 10.2.0.1 52.239.140.0 0.0.3.255 eq 445\n",
     "",
     "an entry of the rule", 28, 0},
    {"host bits",
     "20.38.108.0 0.0.1.255",
     "20.38.109.0 0.0.1.255",
     "the wildcard mask of a network", 28, 0},
    {"a mask for a wildcard",
     "20.38.108.0 0.0.1.255",
     "20.38.108.0 255.255.254.0",
     "the wildcard mask of a network", 28, 0},
    {"a wildcard with a hole",
     "20.38.108.0 0.0.1.255",
     "20.38.108.0 0.0.1.253",
     "the wildcard mask of a network", 28, 0},
    {"an address of the other family",
     "host 10.2.0.1",
     "host 2001:db8::1",
     "an IPv4 address", 28, 0},
    {"a mapped address",
     "2001:db8:2::/64 any eq 445",
     "::ffff:10.2.0.0/120 any eq 445",
     "addresses of the list's family", 52, 0},
    {"a mapped host", "host 10.2.0.1", "host ::ffff:10.2.0.1", "an IPv4 address", 28, 0},
    {"a prefix of both families", "2001:db8:2::/64 any eq 445", "::/0 any eq 445", "a prefix", 52, 0},
    {"prefixes twice",
     "20.60.26.0 0.0.1.255",
     "20.38.108.0 0.0.1.255",
     "in ascending order, each once", 29, 0},
    {"prefixes out of order",
     "20.60.26.0 0.0.1.255",
     "20.20.26.0 0.0.1.255",
     "in ascending order, each once", 29, 0},
    {"a combination that is missing",
     " permit tcp 10.1.0.0 0.0.0.255 host 10.2.0.2 eq 445\n",
     " permit tcp 10.1.0.0 0.0.0.255 host 10.2.0.2 eq 445\n"
     " permit tcp 10.3.0.0 0.0.0.255 host 10.2.0.2 eq 445\n",
     "combination of the rule's ports and prefixes", 75, 0},
    {"a deny among permits",
     "permit tcp host 10.2.0.1 20.60.26.0 0.0.1.255 eq 445",
     "deny tcp host 10.2.0.1 20.60.26.0 0.0.1.255 eq 445 log",
     "the next combination", 29, 0},
    {"every inside address",
     "deny tcp 10.2.0.0 0.0.0.255 any",
     "deny tcp any any",
     "an inside prefix", 33, 0},
    {"source ports",
     "permit tcp host 10.2.0.1 20.38",
     "permit tcp host 10.2.0.1 eq 445 20.38",
     "an IPv4 address", 28, 0},
    {"another protocol", "permit tcp host", "permit sctp host", "tcp or udp", 28, 0},
    {"another operator", "eq 445", "gt 445", "eq or range", 28, 0},
    {"a port with a zero", "eq 445", "eq 0445", "a port", 28, 0},
    {"port 0", "eq 445", "eq 0", "a port", 28, 0},
    {"a range that falls",
     "range 8000 8010",
     "range 8010 8000",
     "a range of ports that rises", 36, 0},
    {"a deny that is silent", "any eq 445 log", "any eq 445", "log", 33, 0},
    {"a permit that logs",
     "20.38.108.0 0.0.1.255 eq 445",
     "20.38.108.0 0.0.1.255 eq 445 log",
     "the end of the line", 28, 0},
    {"no permit for what is left", " permit ip any any\n", "", "an entry of the list", 40, 0},
    {"something behind the last permit",
     " permit ip any any\n",
     " permit ip any any\n permit ip any any\n",
     "a line that is not part of a list", 40, 0},
    {"replies that are not let through",
     " permit tcp any any established\n",
     "",
     "established", 38, 0},
    {"a rule about what does not cross",
     "20.38.108.0 0.0.1.255",
     "10.2.0.0 0.0.0.255",
     "that the list has let pass before", 39, 0},
    {"nothing that passes before \"any\"",
     " permit ipv6 any ::/127\n"
     " permit ipv6 any 2001:db8:2::/64\n"
     " permit ipv6 any fe80::/10\n permit ipv6 any ff00::/8\n",
     "",
     "what does not cross", 54, 0},
    {"something after the lists",
     "eq 9000 log\n"
     " remark note: all that is left is decided elsewhere\n"
     " permit ipv6 any any\n!\nno ip access-list extended SALLYPORT-SERVERS-IN",
     "eq 9000 log\n"
     " remark note: all that is left is decided elsewhere\n"
     " permit ipv6 any any\nhostname x\nno ip access-list extended SALLYPORT-SERVERS-IN",
     "no", 59, 0},
};
/* clang-format on */

static void test_rows(void **state)
{
    (void)state;
    read_rows_check(BORDER, rows, COUNT_OF(rows), cisco_ios_read);
}

static void test_rollback(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct err err = {0};
    bytes back = str_bytes(read_rows_file(&arena, ROLLBACK));
    bytes rules = str_bytes(read_rows_file(&arena, BORDER));
    str mine = S("contoso"), border = S("servers");
    assert_true(cisco_ios_read_rollback(S("x"), back, mine, border, &arena, &err));
    assert_false(cisco_ios_read_rollback(S("x"), back, mine, S("clients"), &arena, &err));
    assert_non_null(strstr(err.text, "clients"));
    assert_false(cisco_ios_read_rollback(S("x"), rules, mine, border, &arena, &err));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rollback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
