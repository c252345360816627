/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include "base/test.h"

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static void random_bytes_differ(void **state)
{
    uint8_t a[32] = {0}, b[32] = {0}, none[32] = {0};
    (void)state;
    secret_random(a, sizeof a);
    secret_random(b, sizeof b);
    secret_random(none, 0);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, none, sizeof a);
    for (size_t i = 0; i < sizeof none; i++)
        assert_int_equal(none[i], 0);
}

static void equal_is_equal_length_and_bytes(void **state)
{
    static const struct {
        str a, b;
        bool equal;
    } rows[] = {
        {ROW(""),           ROW(""),           true },
        {ROW("a"),          ROW(""),           false},
        {ROW("secret"),     ROW("secret"),     true },
        {ROW("secret"),     ROW("secreT"),     false},
        {ROW("secret"),     ROW("secre"),      false},
        {ROW("Secret"),     ROW("secret"),     false},
        {ROW("a\0b"),       ROW("a\0c"),       false},
        {ROW("\xFF\0\xFF"), ROW("\xFF\0\xFF"), true },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (secret_equal(str_bytes(rows[i].a), str_bytes(rows[i].b)) != rows[i].equal)
            fail_msg("row %zu", i);
}

static void forgotten_is_zero(void **state)
{
    char text[] = "a password";
    (void)state;
    secret_forget(text, sizeof text);
    for (size_t i = 0; i < sizeof text; i++)
        assert_int_equal(text[i], 0);
    secret_forget(text, 0);
}

/* Passwords with what C strings do not hold, and an empty one. */
static void a_password_fits_its_own_hash_alone(void **state)
{
    static const str passwords[] = {
        ROW(""),  ROW("correct horse"),          ROW("correct horsE"), ROW("a\0b"), ROW("a\0c"),
        ROW("a"), ROW("p\xC3\xA4ssw\xC3\xB6rd"),
    };
    struct arena arena = arena_open("test", 0, NULL);
    struct err err = {0};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(passwords); i++) {
        str hash = {0}, again = {0};
        assert_true(secret_password_hash(passwords[i], SECRET_COST_LEAST, &arena, &hash, &err));
        assert_true(secret_password_hash(passwords[i], SECRET_COST_LEAST, &arena, &again, &err));
        assert_true(str_starts(hash, S("$argon2id$v=19$m=8,t=1,p=1$")));
        assert_false(str_equal(hash, again)); /* salted */
        for (size_t k = 0; k < COUNT_OF(passwords); k++)
            if (secret_password_fits(passwords[k], hash) != (i == k))
                fail_msg("password %zu against the hash of %zu", k, i);
    }
    arena_close(&arena);
}

/* What may stand in a database that somebody wrote into. */
static void what_is_no_hash_fits_nothing(void **state)
{
    static const str rows[] = {
        ROW(""),
        ROW("$"),
        ROW("$argon2id$"),
        ROW("$argon2id$v=19$m=8,t=1,p=1$"),
        ROW("$argon2i$v=19$m=8,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$"
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ROW("$2b$12$abcdefghijklmnopqrstuuu"),
        ROW("password"),
    };
    struct arena arena = arena_open("test", 0, NULL);
    struct err err = {0};
    str hash = {0};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (secret_password_fits(S("password"), rows[i])) fail_msg("row %zu", i);

    assert_true(secret_password_hash(S("password"), SECRET_COST_LEAST, &arena, &hash, &err));
    assert_true(secret_password_fits(S("password"), hash));
    for (size_t n = 0; n < hash.len; n++)
        if (secret_password_fits(S("password"), str_head(hash, n))) fail_msg("cut at %zu", n);
    char *longer = arena_array(&arena, char, hash.len + 1); /* a NUL behind it is another text */
    memcpy(longer, hash.ptr, hash.len);
    assert_false(secret_password_fits(S("password"), (str){longer, hash.len + 1}));
    str padded = str_format(&arena, "%.*s%0200d", STR_ARG(hash), 0);
    assert_false(secret_password_fits(S("password"), padded));
    arena_close(&arena);
}

/* What the program stores: 64 MiB, two passes. */
static void the_program_pays_the_interactive_cost(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct err err = {0};
    str hash = {0};
    (void)state;
    assert_true(secret_password_hash(S("password"), SECRET_COST_INTERACTIVE, &arena, &hash, &err));
    assert_true(str_starts(hash, S("$argon2id$v=19$m=65536,t=2,p=1$")));
    assert_true(secret_password_fits(S("password"), hash));
    assert_false(secret_password_fits(S("passwore"), hash));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(equal_is_equal_length_and_bytes),
        cmocka_unit_test(forgotten_is_zero),
        cmocka_unit_test(a_password_fits_its_own_hash_alone),
        cmocka_unit_test(what_is_no_hash_fits_nothing),
        cmocka_unit_test(the_program_pays_the_interactive_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
