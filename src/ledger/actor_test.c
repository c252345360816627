/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/actor.h"

#include "base/test.h"

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static void one_person_has_many_names(void **state)
{
    static const struct {
        str a, b;
        bool same;
    } rows[] = {
        {ROW("alice"),                            ROW("alice"),                            true },
        {ROW("alice"),                            ROW("ALICE"),                            true },
        {ROW("CONTOSO\\alice"),                   ROW("alice"),                            true },
        {ROW("CONTOSO\\Alice"),                   ROW("alice@contoso.com"),                true },
        {ROW("contoso.com\\alice"),               ROW("FABRIKAM\\alice"),                  true },
        {ROW("alice@contoso.com"),                ROW("alice@example.org"),                true },
        {ROW(" alice "),                          ROW("alice"),                            true },
        {ROW("alice"),                            ROW("alicia"),                           false},
        {ROW("alice"),                            ROW("alic"),                             false},
        {ROW("alice"),                            ROW("bob"),                              false},
        {ROW("CONTOSO\\alice"),                   ROW("CONTOSO\\bob"),                     false},
        {ROW("alice@contoso.com"),                ROW("bob@contoso.com"),                  false},
        {ROW("contoso"),                          ROW("CONTOSO\\alice"),                   false},
        {ROW("contoso.com"),                      ROW("alice@contoso.com"),                false},
        {ROW("\xC3\x89mile"),                     ROW("\xC3\xA9mile"),                     true },
        {ROW("\xC3\x89mile"),                     ROW("emile"),                            false},
        {ROW("\xC3\x97"),                         ROW("\xC3\xB7"),                         false}, /* times, divided by */
        {ROW("\xC5\xA0\xC3\xA1rka"),              ROW("\xC5\xA1\xC3\x81RKA"),              true },
        {ROW("\xD0\x98\xD0\xB2\xD0\xB0\xD0\xBD"), ROW("\xD0\xB8\xD0\x92\xD0\x90\xD0\x9D"), true },
        {ROW("\xCE\x91\xCE\xBD"),                 ROW("\xCE\xB1\xCE\x9D"),                 true },
        {ROW("\xC5\xB8"),                         ROW("\xC3\xBF"),                         true },
        {ROW("\xFF"),                             ROW("\xC3\xBF"),                         true }, /* a byte is itself */
        {ROW("@"),                                ROW("@"),                                true },
        {ROW("@"),                                ROW("alice"),                            false},
        {ROW("CONTOSO\\"),                        ROW("contoso\\"),                        true },
        {ROW("CONTOSO\\"),                        ROW("FABRIKAM\\"),                       false},
        {ROW("@contoso.com"),                     ROW("@example.org"),                     false},
        {ROW(""),                                 ROW(""),                                 true },
        {ROW(""),                                 ROW("alice"),                            false},
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (actor_same_person(rows[i].a, rows[i].b) != rows[i].same) fail_msg("row %zu", i);
        if (actor_same_person(rows[i].b, rows[i].a) != rows[i].same) fail_msg("row %zu back", i);
        bool one_key =
            str_equal(actor_person_key(rows[i].a, &arena), actor_person_key(rows[i].b, &arena));
        if (one_key != rows[i].same) fail_msg("row %zu: keys", i);
    }
    arena_close(&arena);
}

static void two_acts_may_be_one_persons(void **state)
{
    static const struct {
        struct actor a, b;
        bool same;
    } rows[] = {
        {{.person = ROW("alice"), .account = ROW("root"), .authenticated = true},
         {.person = ROW("bob"), .account = ROW("root"), .authenticated = true},
         false},
        {{.person = ROW("alice"), .account = ROW("root"), .authenticated = true},
         {.person = ROW("bob"), .account = ROW("root")},
         true },
        {{.person = ROW("root"), .account = ROW("root")},
         {.person = ROW("bob"), .account = ROW("ROOT"), .authenticated = true},
         true },
        {{.person = ROW("alice"), .account = ROW("alice")},
         {.person = ROW("bob"), .account = ROW("bob")},
         false},
        {{.person = ROW("alice"), .account = ROW("a"), .authenticated = true},
         {.person = ROW("Alice"), .account = ROW("b"), .authenticated = true},
         true },
 /* Another machine's root may be the same person. */
        {{.person = ROW("root"), .account = ROW("root"), .machine = ROW("adm01")},
         {.person = ROW("carol"), .account = ROW("root"), .machine = ROW("adm02")},
         true },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (actor_may_be_same(&rows[i].a, &rows[i].b) != rows[i].same) fail_msg("row %zu", i);
        if (actor_may_be_same(&rows[i].b, &rows[i].a) != rows[i].same) fail_msg("row %zu back", i);
    }
}

static void roles_have_names(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (unsigned i = 0; i < PERSON_ROLE_COUNT; i++) {
        enum person_role role = PERSON_ROLE_COUNT;
        assert_true(actor_role_of(actor_role_text((enum person_role)i), &role));
        assert_int_equal(role, i);
    }
    enum person_role none;
    assert_false(actor_role_of(S("Admin"), &none));
    assert_false(actor_role_of(S(""), &none));
    assert_true(str_equal(actor_roles_text(0, &arena), S("no role")));
    assert_true(str_equal(actor_roles_text(1u << PERSON_ADMIN | 1u << PERSON_VIEWER, &arena),
                          S("viewer, admin")));
    arena_close(&arena);
}

static const struct actor written[] = {
    {.person = ROW("alice"),
     .account = ROW("root"),
     .machine = ROW("adm01"),
     .token = ROW("T-3"),
     .authenticated = true},
    {.person = ROW("CONTOSO\\b\"ob"),
     .account = ROW("CONTOSO\\bob"),
     .machine = ROW("w\xC3\xB6"),
     .clock_is_set = true},
};

static void an_actor_is_read_as_it_was_written(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    assert_true(str_equal(actor_json(&written[0], &arena),
                          S("{\"person\":\"alice\",\"account\":\"root\",\"machine\":\"adm01\","
                            "\"authenticated\":true,\"token\":\"T-3\"}")));
    for (size_t i = 0; i < COUNT_OF(written); i++) {
        struct actor read = {0};
        struct err err = {0};
        str json = actor_json(&written[i], &arena), data = {0};
        assert_true(actor_read(json, &arena, &read, &err));
        assert_true(str_equal(read.person, written[i].person));
        assert_true(str_equal(read.account, written[i].account));
        assert_true(str_equal(read.machine, written[i].machine));
        assert_true(str_equal(read.token, written[i].token));
        assert_int_equal(read.authenticated, written[i].authenticated);
        assert_int_equal(read.clock_is_set, written[i].clock_is_set);
        str body = str_format(&arena, "{\"number\":1,\"actor\":%.*s,\"data\":{\"a\":[{}]}}",
                              STR_ARG(json));
        read = (struct actor){0};
        assert_true(actor_of_entry(body, &arena, &read, &data, &err));
        assert_true(str_equal(read.person, written[i].person));
        assert_true(str_equal(data, S("{\"a\":[{}]}")));
        for (size_t n = 0; n < body.len; n++)
            if (actor_of_entry(str_head(body, n), &arena, &read, &data, &err))
                fail_msg("cut at %zu", n);
        for (size_t n = 0; n < json.len; n++)
            if (actor_read(str_head(json, n), &arena, &read, &err)) fail_msg("cut at %zu", n);
    }
    arena_close(&arena);
}

static void what_is_no_actor_is_refused(void **state)
{
    static const struct {
        str body;
        uint64_t offset;
    } rows[] = {
        {ROW("[]"),                                                                   0 },
        {ROW("{}"),                                                                   0 },
        {ROW("{\"actor\":{\"person\":\"a\"}}"),                                       0 },
        {ROW("{\"actor\":{\"person\":\"a\"},\"data\":[]}"),                           31},
        {ROW("{\"actor\":{\"person\":1},\"data\":{}}"),                               19},
        {ROW("{\"actor\":{\"person\":\"\"},\"data\":{}}"),                            9 },
        {ROW("{\"actor\":{\"account\":\"a\"},\"data\":{}}"),                          9 },
        {ROW("{\"actor\":{\"person\":\"a\",\"person\":\"b\"},\"data\":{}}"),          32},
        {ROW("{\"actor\":{\"person\":\"a\",\"authenticated\":\"yes\"},\"data\":{}}"), 39},
        {ROW("{\"actor\":{\"person\":\"a\"},\"data\":{},\"data\":{}}"),               34},
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct actor read = {0};
        struct err err = {0};
        str data = {0};
        if (actor_of_entry(rows[i].body, &arena, &read, &data, &err)) fail_msg("row %zu", i);
        assert_int_equal(err.kind, ERR_MALFORMED);
        if (err.offset != rows[i].offset) fail_msg("row %zu: offset %d", i, (int)err.offset);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_person_has_many_names),
        cmocka_unit_test(two_acts_may_be_one_persons),
        cmocka_unit_test(roles_have_names),
        cmocka_unit_test(an_actor_is_read_as_it_was_written),
        cmocka_unit_test(what_is_no_actor_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
