/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/membership.h"

#include "base/test.h"
#include "policy/authorised.h"

#define JSON_FILE                                                                                  \
    "\xef\xbb\xbf{\"groups\": [\n"                                                                 \
    " {\"members\": [{\"name\": \"PAW01$\", \"dns\": \"paw01.contoso.com\",\n"                     \
    "   \"sid\": \"S-1-5-21-1-2-3-2001\", \"dn\": \"CN=PAW01,DC=contoso,DC=com\"},\n"              \
    "   {\"name\": \"Helpdesk\", \"sid\": \"S-1-5-21-1-2-3-1106\", \"class\": \"group\"},\n"       \
    "   {\"name\": \"alice\", \"class\": \"user\"}],\n"                                            \
    "  \"name\": \"Admin PCs\", \"sid\": \"S-1-5-21-1-2-3-1105\"},\n"                              \
    " {\"name\": \"Helpdesk\", \"sid\": \"S-1-5-21-1-2-3-1106\", \"members\":\n"                   \
    "  {\"name\": \"HD01\", \"addresses\": [\"10.10.9.2\", \"2001:db8::2\"]}},\n"                  \
    " {\"name\": \"Ring A\", \"members\": [{\"name\": \"Ring B\", \"class\": \"group\"},\n"        \
    "   {\"name\": \"A1\"}]},\n"                                                                   \
    " {\"name\": \"Ring B\", \"members\": [{\"name\": \"Ring A\", \"class\": \"group\"},\n"        \
    "   {\"name\": \"B1\"}, {\"name\": \"a1\"}]},\n"                                               \
    " {\"name\": \"Nobody\", \"members\": null},\n"                                                \
    " {\"name\": \"Partly\", \"members\": [{\"name\": \"Other\", \"class\": \"group\"}]}]}"

#define CSV_FILE                                                                                   \
    "#TYPE Selected.Microsoft.ActiveDirectory.Management.ADPrincipal\r\n"                          \
    "\"group\";\"groupsid\";\"name\";\"objectClass\";\"SID\";\"distinguishedName\";"               \
    "\"IPv4Address\"\r\n"                                                                          \
    "\"Admin PCs\";\"S-1-5-21-1-2-3-1105\";\"PAW09\";\"computer\";\"S-1-5-21-1-2-3-2009\";"        \
    "\"CN=PAW09,DC=contoso,DC=com\";\"10.10.9.9\"\r\n"                                             \
    "\"Admin PCs\";\"S-1-5-21-1-2-3-1105\";\"bob\";\"user\";\"S-1-5-21-1-2-3-3001\";\"\";\"\"\r\n"

struct fixture {
    struct arena arena;
    struct membership members;
};

static void add(struct fixture *f, const char *source, const char *text)
{
    struct err err = {0};
    if (!membership_add(&f->members, str_of(source), str_of(text), 1000, &f->arena, &err))
        fail_msg("%s: %s", source, err.text);
}

static void assert_computers(struct fixture *f, const char *group, const char *names,
                             const char *missing)
{
    size_t n = 0;
    str none = {0};
    const struct membership_group *found = membership_group(&f->members, str_of(group), f->arena);
    assert_non_null(found);
    const struct membership_member **computers =
        membership_computers(&f->members, found, &f->arena, &n, &none);
    struct buf text = buf_in(&f->arena);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_char(&text, ' ');
        buf_str(&text, computers[i]->name);
    }
    if (!str_equal(buf_text(&text), str_of(names)))
        fail_msg("%s: %.*s", group, STR_ARG(buf_text(&text)));
    assert_true(str_equal(none, str_of(missing)));
}

static void groups_are_expanded(void **state)
{
    struct fixture f = {.arena = arena_open("test", 0, NULL)};
    (void)state;
    add(&f, "groups.json", JSON_FILE);
    assert_computers(&f, "admin pcs", "PAW01 HD01", "");
    assert_computers(&f, "S-1-5-21-1-2-3-1106", "HD01", "");
    assert_computers(&f, "Ring A", "A1 B1", ""); /* they hold one another */
    assert_computers(&f, "Ring B", "B1 a1", "");
    assert_computers(&f, "Nobody", "", "");
    assert_computers(&f, "Partly", "", "Other");
    assert_null(membership_group(&f.members, S("alice"), f.arena));
    assert_int_equal(f.members.n_passed, 1);

    const struct membership_member *c = membership_computer(&f.members, S("PAW01"), f.arena);
    assert_non_null(c);
    assert_true(str_equal(c->dn, S("CN=PAW01,DC=contoso,DC=com")));
    assert_ptr_equal(membership_computer(&f.members, S("paw01.CONTOSO.com"), f.arena), c);
    assert_null(membership_computer(&f.members, S("paw01.example.org"), f.arena));
    c = membership_computer(&f.members, S("hd01.contoso.com"), f.arena);
    assert_non_null(c);
    assert_int_equal(c->n_addrs, 2);
    arena_close(&f.arena);
}

static void newer_files_come_first(void **state)
{
    struct fixture f = {.arena = arena_open("test", 0, NULL)};
    (void)state;
    add(&f, "of-the-week.csv", CSV_FILE);
    add(&f, "groups.json", JSON_FILE);
    assert_computers(&f, "Admin PCs", "PAW09", "");
    assert_computers(&f, "Helpdesk", "HD01", "");
    /* A file of one group, as Get-ADGroupMember gives it. */
    add(&f, "/tmp/SMB Servers.csv", "name,objectClass\nFS01,computer\nFS02$,computer\n");
    assert_computers(&f, "SMB Servers", "FS01 FS02", "");
    /* Two groups of one name in two domains: the SID tells them apart. */
    add(&f, "b.json", "{\"groups\":[{\"name\":\"Helpdesk\",\"sid\":\"S-1-5-21-7-8-9-1106\"}]}");
    assert_null(membership_group(&f.members, S("Helpdesk"), f.arena));
    assert_computers(&f, "S-1-5-21-1-2-3-1106", "HD01", "");
    arena_close(&f.arena);
}

static void what_is_no_membership_is_refused(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"{}",                                                                         "expected the key \"groups\""         },
        {"[]",                                                                         "expected {\"groups\":[...]}"         },
        {"{\"groups\": [1]}",                                                          "expected a group as an object"       },
        {"{\"groups\": [{}]}",                                                         "expected the name of a group"        },
        {"{\"groups\": [{\"name\": \"a\", \"sid\": \"S-1-x\"}]}",                      "expected the SID of a group"         },
        {"{\"groups\": [{\"name\": \"a\", \"members\": [2]}]}",                        "expected a member as an object"      },
        {"{\"groups\": [{\"name\": 7}]}",                                              "expected a text"                     },
        {"{\"groups\": [{\"name\": \"a\", \"members\": [{\"sid\": \"S\"}]}]}",
         "expected the SID of a member"                                                                                      },
        {"{\"groups\": [{\"name\": \"a\", \"members\": [{\"addresses\": [\"x\"]}]}]}",
         "expected an address"                                                                                               },
        {"user,mail\nx,y\n",                                                           "expected a column \"name\""          },
        {"group,name,sid\n,PC1,\n",                                                    "expected the name of a group"        },
        {"group,name,addresses\na,PC1,10.0.0\n",                                       "expected addresses, found \"10.0.0\""},
        {"",                                                                           "expected a column"                   },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 0, NULL);
        struct membership members = {0};
        struct err err = {0};
        if (membership_add(&members, S("x.csv"), str_of(rows[i].text), 0, &arena, &err))
            fail_msg("row %zu is read", i);
        if (!str_contains(str_of(err.text), str_of(rows[i].error)))
            fail_msg("row %zu: %s", i, err.text);
        arena_close(&arena);
    }
}

/* Offsets are of the file, its mark included. */
static void errors_are_placed(void **state)
{
    static const struct {
        const char *text;
        uint64_t offset;
    } rows[] = {
        {"{\"groups\": [1]}",             12},
        {"\xef\xbb\xbf{\"groups\": [1]}", 15},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 0, NULL);
        struct membership members = {0};
        struct err err = {0};
        assert_false(membership_add(&members, S("x"), str_of(rows[i].text), 0, &arena, &err));
        assert_int_equal(err.offset, rows[i].offset);
        arena_close(&arena);
    }
}

static void cut_files_are_refused(void **state)
{
    (void)state;
    for (size_t n = 3; n < sizeof JSON_FILE - 1; n++) {
        struct arena arena = arena_open("test", 0, NULL);
        struct membership members = {0};
        struct err err = {0};
        assert_false(membership_add(&members, S("x"), str_head(S(JSON_FILE), n), 0, &arena, &err));
        arena_close(&arena);
    }
}

static void sids_are_told(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"S-1-5-21-1-2-3-515", true },
        {"s-1-5-32-544",       true },
        {"S-1-5",              false},
        {"S-1-5-",             false},
        {"S-1-5-4294967296",   false},
        {"S-2-5-32",           false},
        {"Domain Computers",   false},
        {"S-1-5-32 ",          false},
        {"",                   false},
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(authorised_is_sid(str_of(rows[i].text)), rows[i].good);
    assert_true(str_equal(authorised_sorted(S("S-1-5-9 s-1-5-10  S-1-5-9"), &arena),
                          S("S-1-5-10 S-1-5-9")));
    assert_true(
        str_equal(authorised_union(S("S-1-5-9"), S("S-1-5-10"), &arena), S("S-1-5-10 S-1-5-9")));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_expanded),
        cmocka_unit_test(newer_files_come_first),
        cmocka_unit_test(what_is_no_membership_is_refused),
        cmocka_unit_test(errors_are_placed),
        cmocka_unit_test(cut_files_are_refused),
        cmocka_unit_test(sids_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
