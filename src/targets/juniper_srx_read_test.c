/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/juniper_srx_read.h"

#include "targets/read_rows.h"

#define BORDER   SOURCE_ROOT "/tests/corpus/juniper_srx_read/border-servers.set"
#define ROLLBACK SOURCE_ROOT "/tests/corpus/juniper_srx_read/border-servers-rollback.set"

/* clang-format off */ /* it cannot align rows of several lines */
static const struct read_row rows[] = {
    {"as written", NULL, NULL, NULL, 0, 7},
    {"other zones",
     "from-zone servers-inside to-zone servers-outside policy sallyport-servers-out-1 "
     "description",
     "from-zone trust to-zone untrust policy sallyport-servers-out-1 description",
     "\"trust\"", 467, 0},
    {"a deletion",
     "set security address-book global address sallyport-servers-a1 ",
     "delete security address-book global address sallyport-servers-a1 ",
     "a policy, or the end of the file", 17, 0},
    {"an indented line",
     "\nset applications application sallyport-servers-p1 protocol",
     "\n set applications application sallyport-servers-p1 protocol",
     "a policy, or the end of the file", 460, 0},
    {"a foreign name",
     "address sallyport-servers-a1 ",
     "address mine-a1 ",
     "an address of this file", 17, 0},
    {"a name of another border",
     "address sallyport-servers-a2 ",
     "address sallyport-clients-a2 ",
     "an address of this file", 18, 0},
    {"a number that is not the next",
     "address sallyport-servers-a2 ",
     "address sallyport-servers-a3 ",
     "the next number", 18, 0},
    {"host bits",
     "sallyport-servers-a1 10.2.0.1/32",
     "sallyport-servers-a1 10.2.0.1/24",
     "a prefix without host bits", 17, 0},
    {"a name to be looked up",
     "sallyport-servers-a1 10.2.0.1/32",
     "sallyport-servers-a1 dns-name x.example.org",
     "a prefix without host bits", 17, 0},
    {"a mapped address", "sallyport-servers-a1 10.2.0.1/32", "sallyport-servers-a1 ::ffff:10.2.0.1/128", "IPv4 as such", 17, 0},
    {"a prefix of both families", "sallyport-servers-a6 2001:db8:2::/64", "sallyport-servers-a6 ::/0", "a prefix", 22, 0},
    {"a member twice",
     "set security address-book global address-set sallyport-servers-s2 address "
     "sallyport-servers-a2\n",
     "set security address-book global address-set sallyport-servers-s2 address "
     "sallyport-servers-a2\n"
     "set security address-book global address-set sallyport-servers-s2 address "
     "sallyport-servers-a2\n",
     "in ascending order, each once", 240, 0},
    {"an undefined member",
     "address-set sallyport-servers-s1 address sallyport-servers-a1\n",
     "address-set sallyport-servers-s1 address sallyport-servers-a9999\n",
     "an address of this file", 238, 0},
    {"another protocol", "p1 protocol tcp", "p1 protocol sctp", "tcp or udp", 460, 0},
    {"a port that is no number",
     "p1 destination-port 445",
     "p1 destination-port smb",
     "a port or a range of ports", 461, 0},
    {"source ports", "p1 destination-port 445", "p1 source-port 445", "destination-port", 461, 0},
    {"one zone",
     "from-zone servers-inside to-zone servers-outside policy sallyport-servers-out-1 "
     "description",
     "from-zone servers-inside to-zone servers-inside policy sallyport-servers-out-1 description",
     "two zones", 466, 0},
    {"a quote taken into a description",
     "policy.yaml:13 cloud copies\"\n",
     "policy.yaml:13 cloud copies\\\"\n",
     "a description in quotes", 466, 0},
    {"no description",
     "policy sallyport-servers-out-1 description",
     "policy sallyport-servers-out-1 remark",
     "description", 466, 0},
    {"any address",
     "match source-address sallyport-servers-s1\n",
     "match source-address any\n",
     "an address set of this file", 467, 0},
    {"any application",
     "match application sallyport-servers-p1\n",
     "match application any\n",
     "an application of this file", 469, 0},
    {"another verdict", "then permit\n", "then reject\n", "permit or deny", 470, 0},
    {"a tunnel",
     "then permit\n",
     "then permit tunnel ipsec-vpn x\n",
     "the end of the line", 470, 0},
    {"a deny that is silent",
     "set security policies from-zone servers-inside to-zone servers-outside policy "
     "sallyport-servers-out-2 then log session-init\n",
     "",
     "policy of the next number", 476, 0},
    {"policies out of order",
     "policy sallyport-servers-out-2 description",
     "policy sallyport-servers-out-3 description",
     "the policy of the next number", 471, 0},
    {"a policy between other zones",
     "set security policies from-zone servers-outside to-zone servers-inside policy "
     "sallyport-servers-in-1 match source-address",
     "set security policies from-zone servers-outside to-zone dmz policy "
     "sallyport-servers-in-1 match source-address",
     "\"servers-inside\"", 485, 0},
    {"something else",
     "set applications application sallyport-servers-p1 protocol",
     "set system host-name x\nset applications application sallyport-servers-p1 protocol",
     "a policy, or the end of the file", 460, 0},
};
/* clang-format on */

static void test_rows(void **state)
{
    (void)state;
    read_rows_check(BORDER, rows, COUNT_OF(rows), juniper_srx_read);
}

static void test_rollback(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct err err = {0};
    bytes back = str_bytes(read_rows_file(&arena, ROLLBACK));
    bytes rules = str_bytes(read_rows_file(&arena, BORDER));
    str mine = S("contoso"), border = S("servers");
    assert_true(juniper_srx_read_rollback(S("x"), back, mine, border, &arena, &err));
    assert_false(juniper_srx_read_rollback(S("x"), back, mine, S("clients"), &arena, &err));
    assert_non_null(strstr(err.text, "clients"));
    assert_false(juniper_srx_read_rollback(S("x"), rules, mine, border, &arena, &err));
    arena_close(&arena);
}

/* Without any one of its statements it takes back less than the file makes. */
static void test_undoes(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct err err = {0};
    str rules = read_rows_file(&arena, BORDER), whole = read_rows_file(&arena, ROLLBACK);
    assert_true(juniper_srx_read_undoes(S("x"), str_bytes(rules), str_bytes(whole), &arena, &err));
    for (size_t at = 0; at < whole.len;) {
        str line, rest;
        (void)str_cut(str_tail(whole, at), '\n', &line, &rest);
        str less = str_format(&arena, "%.*s%.*s", STR_ARG(str_head(whole, at)), STR_ARG(rest));
        bool remark = line.len && (line.ptr[0] == '!' || line.ptr[0] == '#');
        bool undoes =
            juniper_srx_read_undoes(S("x"), str_bytes(rules), str_bytes(less), &arena, &err);
        assert_int_equal(undoes, remark);
        at += line.len + 1;
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rollback),
        cmocka_unit_test(test_undoes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
