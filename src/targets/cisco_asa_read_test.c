/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/cisco_asa_read.h"

#include "targets/read_rows.h"

#define BORDER   SOURCE_ROOT "/tests/corpus/cisco_asa_read/border-servers.cfg"
#define ROLLBACK SOURCE_ROOT "/tests/corpus/cisco_asa_read/border-servers-rollback.cfg"

/* clang-format off */ /* it cannot align rows of several lines */
static const struct read_row rows[] = {
    {"as written", NULL, NULL, NULL, 0, 9},
    {"another list",
     "clear configure access-list SALLYPORT-SERVERS-OUT",
     "clear configure access-list MINE",
     "SALLYPORT-, a border's name and -OUT", 10, 0},
    {"all lists",
     "clear configure access-list SALLYPORT-SERVERS-IN",
     "clear configure access-list",
     "\"SALLYPORT-SERVERS-IN\"", 11, 0},
    {"a group that stays",
     "no object-group network SALLYPORT-SERVERS-N2\n",
     "",
     "the group of the next number", 13, 0},
    {"a foreign group",
     "no object-group network SALLYPORT-SERVERS-N1",
     "no object-group network MINE",
     "a group of this file", 12, 0},
    {"a group that is not removed first",
     "no object-group service SALLYPORT-SERVERS-S1\n",
     "",
     "as many groups as are removed first", 49, 0},
    {"an indented group",
     "\nobject-group network SALLYPORT-SERVERS-N2",
     "\n object-group network SALLYPORT-SERVERS-N2",
     "network-object", 31, 0},
    {"an indented removal",
     "\nclear configure access-list SALLYPORT-SERVERS-IN",
     "\n clear configure access-list SALLYPORT-SERVERS-IN",
     "a line that is not indented", 11, 0},
    {"an empty group", " network-object host 10.2.0.1\n", "", "a member of the group", 32, 0},
    {"a member twice",
     " network-object host 10.2.0.1\n",
     " network-object host 10.2.0.1\n network-object host 10.2.0.1\n",
     "in ascending order, each once", 34, 0},
    {"a mapped host", "host 10.2.0.1\n", "host ::ffff:10.2.0.1\n", "an IPv", 32, 0},
    {"a prefix of both families", "2001:db8:2::/64", "::/0", "a prefix", 28, 0},
    {"host bits",
     " network-object 10.2.0.0 255.255.255.0",
     " network-object 10.2.0.1 255.255.255.0",
     "the mask of a network", 22, 0},
    {"a wildcard for a mask",
     " network-object 10.2.0.0 255.255.255.0",
     " network-object 10.2.0.0 0.0.0.255",
     "the mask of a network", 22, 0},
    {"a length for a mask",
     " network-object 10.2.0.0 255.255.255.0",
     " network-object 10.2.0.0/24",
     "its mask", 22, 0},
    {"a nested group",
     " network-object host 10.2.0.1",
     " group-object MINE",
     "network-object", 32, 0},
    {"a group that nobody names",
     "object-group service SALLYPORT-SERVERS-S1 tcp",
     "object-group network SALLYPORT-SERVERS-N7\n"
     " network-object host 10.9.9.9\nobject-group service SALLYPORT-SERVERS-S1 tcp",
     "the group of the next number", 47, 0},
    {"an undefined group",
     "object-group SALLYPORT-SERVERS-N2 object-group",
     "object-group SALLYPORT-SERVERS-N9 object-group",
     "a group that was defined", 54, 0},
    {"ports of another protocol",
     "deny tcp object-group SALLYPORT-SERVERS-N4 any object-group",
     "deny udp object-group SALLYPORT-SERVERS-N4 any object-group",
     "a group of ports of this protocol", 60, 0},
    {"a standard list",
     "SALLYPORT-SERVERS-OUT extended permit tcp",
     "SALLYPORT-SERVERS-OUT standard permit tcp",
     "remark", 54, 0},
    {"an entry of another list",
     "access-list SALLYPORT-SERVERS-OUT extended deny",
     "access-list SALLYPORT-SERVERS-IN extended deny",
     "\"SALLYPORT-SERVERS-OUT\"", 57, 0},
    {"an entry without its rule",
     "access-list SALLYPORT-SERVERS-OUT remark rule: "
     "sallyport-contoso-border-servers-outbound-smb-tcp-all-allow-2\n",
     "",
     "begins with rule: or note:", 52, 0},
    {"every inside address",
     "deny tcp object-group SALLYPORT-SERVERS-N4 any eq",
     "deny tcp any any eq",
     "an entry that names the inside", 57, 0},
    {"another protocol", "extended permit tcp", "extended permit sctp", "tcp or udp", 54, 0},
    {"a deny that is silent", "any eq 445 log", "any eq 445", "log", 57, 0},
    {"an inactive entry",
     "any eq 445 log",
     "any eq 445 log inactive",
     "the end of the line", 57, 0},
    {"a rule about what does not cross",
     "deny tcp object-group SALLYPORT-SERVERS-N4 any eq 445",
     "deny tcp object-group SALLYPORT-SERVERS-N4 object-group SALLYPORT-SERVERS-N1 eq 445",
     "that the list has let pass before", 62, 0},
    {"nothing behind the rules",
     "access-list SALLYPORT-SERVERS-OUT extended permit ip any any\n",
     "",
     "\"SALLYPORT-SERVERS-OUT\"", 62, 0},
};
/* clang-format on */

static void test_rows(void **state)
{
    (void)state;
    read_rows_check(BORDER, rows, COUNT_OF(rows), cisco_asa_read);
}

static void test_rollback(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct err err = {0};
    bytes back = str_bytes(read_rows_file(&arena, ROLLBACK));
    bytes rules = str_bytes(read_rows_file(&arena, BORDER));
    str mine = S("contoso"), border = S("servers");
    assert_true(cisco_asa_read_rollback(S("x"), back, mine, border, &arena, &err));
    assert_false(cisco_asa_read_rollback(S("x"), back, mine, S("clients"), &arena, &err));
    assert_non_null(strstr(err.text, "clients"));
    assert_false(cisco_asa_read_rollback(S("x"), rules, mine, border, &arena, &err));
    arena_close(&arena);
}

/* Without any one of its statements it takes back less than the file makes. */
static void test_undoes(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct err err = {0};
    str rules = read_rows_file(&arena, BORDER), whole = read_rows_file(&arena, ROLLBACK);
    assert_true(cisco_asa_read_undoes(S("x"), str_bytes(rules), str_bytes(whole), &arena, &err));
    for (size_t at = 0; at < whole.len;) {
        str line, rest;
        (void)str_cut(str_tail(whole, at), '\n', &line, &rest);
        str less = str_format(&arena, "%.*s%.*s", STR_ARG(str_head(whole, at)), STR_ARG(rest));
        bool remark = line.len && (line.ptr[0] == '!' || line.ptr[0] == '#');
        bool undoes =
            cisco_asa_read_undoes(S("x"), str_bytes(rules), str_bytes(less), &arena, &err);
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
