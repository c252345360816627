/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/people.h"

#include <unistd.h>

#include "base/test.h"
#include "ledger/credentials.h"
#include "ledger/tokens.h"

#define HOUR_US    INT64_C(3600000000)
#define START_US   INT64_C(1793448000000000) /* 2026-10-31T12:00:00Z */
#define MARK       "5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592"
#define ROLES(...) (uint8_t)(__VA_ARGS__)

struct fixture {
    struct arena arena;
    struct os *os; /* the ledger keeps it */
    str folder;
    struct ledger *ledger;
    int64_t now_us;
    struct people people;
};

static void reopen(struct fixture *f, int64_t now_us)
{
    struct err err = {0};
    if (f->ledger) ledger_close(f->ledger);
    f->now_us = now_us;
    if (!ledger_open(f->os, f->folder, LEDGER_CREATE, S(""), now_us, &f->arena, &f->ledger, &err))
        fail_msg("%s", err.text);
}

static struct fixture begin(void)
{
    char name[] = "/tmp/people_test_XXXXXX";
    struct fixture f = {.arena = arena_open("test", 0, NULL)};
    f.os = arena_new(&f.arena, struct os);
    *f.os = os_posix();
    assert_non_null(mkdtemp(name));
    f.folder = str_copy(&f.arena, str_of(name));
    reopen(&f, START_US);
    return f;
}

static void end(struct fixture *f)
{
    struct err err = {0};
    str *names = NULL;
    size_t n = 0;
    ledger_close(f->ledger);
    assert_true(f->os->list(f->os->self, f->folder, &f->arena, &names, &n, &err));
    for (size_t i = 0; i < n; i++)
        assert_true(f->os->remove(f->os->self, os_join(&f->arena, f->folder, names[i]), &err));
    assert_int_equal(rmdir(str_c(&f->arena, f->folder)), 0);
    arena_close(&f->arena);
}

static void reread(struct fixture *f)
{
    struct err err = {0};
    if (!people_read(f->ledger, INT64_MAX, &f->arena, &f->people, &err)) fail_msg("%s", err.text);
}

/* An entry by somebody: token NULL = not logged in. */
static uint64_t tell(struct fixture *f, enum ledger_kind kind, const char *subject,
                     const char *person, const char *token, struct people_change change)
{
    struct err err = {0};
    uint64_t number = 0;
    struct actor actor = {
        .person = str_of(person),
        .account = S("root"),
        .machine = S("adm01"),
        .token = str_of(token),
        .authenticated = token != NULL,
    };
    struct ledger_draft draft = {
        .kind = kind,
        .subject = str_of(subject),
        .actor = actor_json(&actor, &f->arena),
        .data = people_change_json(&change, &f->arena),
    };
    if (!ledger_begin(f->ledger, &err) || !ledger_append(f->ledger, &draft, &number, &err) ||
        !ledger_commit(f->ledger, &err))
        fail_msg("%s", err.text);
    reread(f);
    return number;
}

static struct people_change user_of(uint8_t roles)
{
    return (struct people_change){.has_roles = true, .roles = roles, .credential = S(MARK)};
}

static struct people_change token_of(struct fixture *f, const char *id, const char *user,
                                     uint8_t roles, int64_t life_us)
{
    return (struct people_change){
        .token = str_of(id),
        .user = str_of(user),
        .has_roles = roles != 0,
        .roles = roles,
        .name = S("test"),
        .expires_us = f->now_us + life_us,
        .credential = S(MARK),
    };
}

static void log_in(struct fixture *f, const char *user, const char *id)
{
    struct people_change change = token_of(f, id, NULL, 0, 8 * HOUR_US);
    change.user = change.name = (str){0};
    (void)tell(f, LEDGER_LOGGED_IN, user, user, id, change);
}

/* alice is admin and operator, bob approver; both are logged in (T-1, T-2). */
static struct fixture begin_with_two(void)
{
    struct fixture f = begin();
    (void)tell(&f, LEDGER_USER_ADDED, "alice", "root", NULL,
               user_of(ROLES(PEOPLE_ROLE(ADMIN) | PEOPLE_ROLE(OPERATOR))));
    log_in(&f, "alice", "T-1");
    (void)tell(&f, LEDGER_USER_ADDED, "bob", "alice", "T-1", user_of(PEOPLE_ROLE(APPROVER)));
    log_in(&f, "bob", "T-2");
    assert_int_equal(f.people.n, 2);
    assert_int_equal(f.people.n_tokens, 2);
    assert_int_equal(f.people.n_faults, 0);
    return f;
}

static enum people_token_state state_of(struct fixture *f, const char *id, int64_t now_us, str *why)
{
    const struct person_token *token = people_token(&f->people, str_of(id));
    assert_non_null(token);
    return people_token_state(&f->people, token, now_us, &f->arena, why);
}

static void users_are_as_the_ledger_tells(void **state)
{
    struct fixture f = begin_with_two();
    const str accounts[] = {S("CONTOSO\\bsmith"), S("svc")};
    (void)state;
    (void)tell(&f, LEDGER_USER_CHANGED, "bob", "alice", "T-1",
               (struct people_change){.has_accounts = true, .accounts = accounts, .n_accounts = 2});
    const struct person *bob = people_find(&f.people, S("CONTOSO\\BOB"), f.arena);
    assert_non_null(bob);
    assert_true(str_equal(bob->name, S("bob")));
    assert_int_equal(bob->roles, PEOPLE_ROLE(APPROVER));
    assert_ptr_equal(people_of_account(&f.people, S("bsmith@contoso.com"), f.arena), bob);
    assert_ptr_equal(people_of_account(&f.people, S("svc"), f.arena), bob);
    assert_ptr_equal(people_of_account(&f.people, S("bob"), f.arena), bob);
    assert_null(people_of_account(&f.people, S("carol"), f.arena));
    assert_true(str_equal(people_name_of(&f.people, S("SVC"), f.arena), S("bob")));
    assert_true(str_equal(people_name_of(&f.people, S("carol"), f.arena), S("carol")));
    (void)tell(&f, LEDGER_USER_CHANGED, "bob", "alice", "T-1",
               (struct people_change){.has_accounts = true, .accounts = accounts, .n_accounts = 1});
    assert_null(people_of_account(&f.people, S("svc"), f.arena));
    assert_non_null(people_of_account(&f.people, S("bsmith"), f.arena));
    assert_int_equal(people_other_admins(&f.people, NULL), 1);
    assert_int_equal(people_other_admins(&f.people, people_find(&f.people, S("alice"), f.arena)),
                     0);
    assert_int_equal(f.people.n_faults, 0);
    /* As it was before. */
    struct people before = {0};
    struct err err = {0};
    assert_true(people_read(f.ledger, START_US - 1, &f.arena, &before, &err));
    assert_int_equal(before.n, 0);
    end(&f);
}

static void tokens_end(void **state)
{
    struct fixture f = begin_with_two();
    str why;
    (void)state;
    assert_int_equal(state_of(&f, "T-1", f.now_us, &why), PEOPLE_TOKEN_VALID);
    assert_int_equal(state_of(&f, "T-1", f.now_us + 8 * HOUR_US - 1, &why), PEOPLE_TOKEN_VALID);
    assert_int_equal(state_of(&f, "T-1", f.now_us + 8 * HOUR_US, &why), PEOPLE_TOKEN_EXPIRED);
    assert_true(str_equal(why, S("it expired on 2026-10-31T20:00:00.000000Z")));

    (void)tell(&f, LEDGER_TOKEN_MADE, "T-3", "alice", "T-1",
               token_of(&f, NULL, "alice", PEOPLE_ROLE(OPERATOR), HOUR_US));
    assert_int_equal(people_token_roles(&f.people, people_token(&f.people, S("T-3"))),
                     PEOPLE_ROLE(OPERATOR));
    (void)tell(&f, LEDGER_USER_CHANGED, "alice", "alice", "T-1",
               (struct people_change){.has_roles = true, .roles = PEOPLE_ROLE(ADMIN)});
    assert_int_equal(people_token_roles(&f.people, people_token(&f.people, S("T-3"))), 0);
    (void)tell(&f, LEDGER_TOKEN_ENDED, "T-3", "alice", "T-1", (struct people_change){0});
    assert_int_equal(state_of(&f, "T-3", f.now_us, &why), PEOPLE_TOKEN_ENDED);
    assert_true(str_starts(why, S("alice ended it on 2026-10-31T")));

    (void)tell(&f, LEDGER_USER_CHANGED, "bob", "alice", "T-1",
               (struct people_change){.has_disabled = true, .disabled = true});
    assert_int_equal(state_of(&f, "T-2", f.now_us, &why), PEOPLE_TOKEN_ENDED);
    (void)tell(&f, LEDGER_USER_CHANGED, "bob", "alice", "T-1",
               (struct people_change){.has_disabled = true});
    assert_int_equal(state_of(&f, "T-2", f.now_us, &why), PEOPLE_TOKEN_ENDED);
    assert_true(str_equal(why, S("its user was disabled since")));
    (void)tell(&f, LEDGER_USER_CHANGED, "alice", "alice", "T-1",
               (struct people_change){.credential = S(MARK)});
    assert_int_equal(state_of(&f, "T-1", f.now_us, &why), PEOPLE_TOKEN_ENDED);
    assert_true(str_equal(why, S("the password was changed since")));
    assert_int_equal(f.people.n_faults, 0);
    end(&f);
}

/* What somebody who can write entries claims beyond what they may: each is a fault, and changes
 * nothing. */
static void claims_beyond_a_role_do_not_count(void **state)
{
    static const struct {
        enum ledger_kind kind;
        const char *subject, *person, *token;
        const char *user;
        unsigned roles;
        bool disables, password;
        int hours;
    } rows[] = {
#define CLAIM(k, s, p, t, ...)                                                                     \
    {.kind = LEDGER_##k, .subject = s, .person = p, .token = t, __VA_ARGS__}
        CLAIM(USER_ADDED, "mallory", "root", NULL, .roles = PEOPLE_ALL_ROLES),
        CLAIM(USER_ADDED, "mallory", "bob", "T-2", .roles = PEOPLE_ROLE(VIEWER)),
        CLAIM(USER_ADDED, "mallory", "alice", "T-2", .roles = PEOPLE_ROLE(VIEWER)),
        CLAIM(USER_ADDED, "mallory", "alice", "T-9", .roles = PEOPLE_ROLE(VIEWER)),
        CLAIM(USER_ADDED, "mallory", "alice", NULL, .roles = PEOPLE_ROLE(VIEWER)),
        CLAIM(USER_ADDED, "mallory", "alice", "T-1", .roles = 0),
        CLAIM(USER_ADDED, "mal\xE2\x80\xAElory", "alice", "T-1", .roles = 1),
        CLAIM(USER_ADDED, "CONTOSO\\Bob", "alice", "T-1", .roles = 1),
        CLAIM(USER_CHANGED, "mallory", "alice", "T-1", .roles = 1),
        CLAIM(USER_CHANGED, "bob", "bob", "T-2", .roles = PEOPLE_ALL_ROLES),
        CLAIM(USER_CHANGED, "alice", "alice", "T-1", .roles = PEOPLE_ROLE(OPERATOR)),
        CLAIM(USER_CHANGED, "alice", "alice", "T-1", .disables = true),
        CLAIM(USER_CHANGED, "alice", "bob", "T-2", .password = true),
        CLAIM(USER_CHANGED, "bob", "root", NULL, .password = true),
        CLAIM(TOKEN_MADE, "T-3", "bob", "T-2", .user = "alice", .roles = PEOPLE_ROLE(OPERATOR),
              .hours = 1),
        CLAIM(TOKEN_MADE, "T-3", "alice", "T-1", .user = "bob", .roles = PEOPLE_ROLE(APPROVER),
              .hours = 1),
        CLAIM(TOKEN_MADE, "T-3", "alice", "T-1", .user = "alice", .roles = PEOPLE_ROLE(APPROVER),
              .hours = 1),
        CLAIM(TOKEN_MADE, "T-3", "alice", "T-1", .user = "alice", .roles = PEOPLE_ROLE(ADMIN)),
        CLAIM(TOKEN_MADE, "T-3", "alice", "T-1", .user = "mallory", .roles = 1, .hours = 1),
        CLAIM(TOKEN_MADE, "T-2", "alice", "T-1", .user = "alice", .roles = PEOPLE_ROLE(ADMIN),
              .hours = 1),
        CLAIM(TOKEN_MADE, "X-3", "alice", "T-1", .user = "alice", .roles = PEOPLE_ROLE(ADMIN),
              .hours = 1),
        CLAIM(TOKEN_ENDED, "T-1", "bob", "T-2", .roles = 0),
        CLAIM(TOKEN_ENDED, "T-9", "alice", "T-1", .roles = 0),
        CLAIM(LOGGED_IN, "alice", "bob", "T-3", .hours = 1),
        CLAIM(LOGGED_IN, "mallory", "mallory", "T-3", .hours = 1),
#undef CLAIM
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f = begin_with_two();
        struct people_change change = {
            .user = str_of(rows[i].user),
            .token = rows[i].kind == LEDGER_LOGGED_IN ? str_of(rows[i].token) : (str){0},
            .has_roles = rows[i].roles != 0,
            .roles = (uint8_t)rows[i].roles,
            .has_disabled = rows[i].disables,
            .disabled = rows[i].disables,
            .expires_us = rows[i].hours ? f.now_us + rows[i].hours * HOUR_US : 0,
        };
        if (rows[i].password || rows[i].kind == LEDGER_USER_ADDED || rows[i].hours)
            change.credential = S(MARK);
        uint64_t number =
            tell(&f, rows[i].kind, rows[i].subject, rows[i].person, rows[i].token, change);
        if (f.people.n_faults != 1) fail_msg("row %zu counts", i);
        assert_int_equal(f.people.faults[0].entry, number);
        assert_true(f.people.faults[0].text.len > 0);
        assert_int_equal(f.people.n, 2);
        assert_int_equal(f.people.n_tokens, 2);
        assert_int_equal(f.people.persons[1].roles, PEOPLE_ROLE(APPROVER));
        assert_int_equal(people_other_admins(&f.people, NULL), 1);
        str why;
        assert_int_equal(state_of(&f, "T-1", f.now_us, &why), PEOPLE_TOKEN_VALID);
        end(&f);
    }
}

static void an_expired_token_decides_nothing(void **state)
{
    struct fixture f = begin_with_two();
    (void)state;
    reopen(&f, START_US + 9 * HOUR_US);
    (void)tell(&f, LEDGER_USER_ADDED, "carol", "alice", "T-1", user_of(PEOPLE_ROLE(VIEWER)));
    assert_int_equal(f.people.n, 2);
    assert_int_equal(f.people.n_faults, 1);
    end(&f);
}

static void damaged_entries_are_faults(void **state)
{
    static const char *const rows[] = {
        "{\"roles\":[\"king\"],\"credential\":\"x\"}",
        "{\"roles\":\"admin\",\"credential\":\"x\"}",
        "{\"roles\":[\"admin\"],\"credential\":7}",
        "{\"disabled\":\"yes\"}",
        "{\"expires\":\"tomorrow\"}",
        "{\"accounts\":[{}]}",
    };
    struct fixture f = begin();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = {0};
        struct ledger_draft draft = {
            .kind = LEDGER_USER_ADDED,
            .subject = S("mallory"),
            .actor = S("{\"person\":\"root\",\"account\":\"root\"}"),
            .data = str_of(rows[i]),
        };
        assert_true(ledger_begin(f.ledger, &err) && ledger_append(f.ledger, &draft, NULL, &err) &&
                    ledger_commit(f.ledger, &err));
        reread(&f);
        assert_int_equal(f.people.n, 0);
        if (f.people.n_faults != i + 1) fail_msg("row %zu counts", i);
    }
    end(&f);
}

static void names_are_one_line(void **state)
{
    static const struct {
        const char *name;
        bool fits;
    } rows[] = {
        {"alice",                                                             true },
        {"CONTOSO\\alice",                                                    true },
        {"\xC3\x84nne M\xC3\xBCller",                                         true },
        {"\xE5\xBC\xA0\xE4\xBC\x9F",                                          true },
        {"a\xE2\x80\x93z",                                                    true }, /* a dash */
        {"",                                                                  false},
        {" alice",                                                            false},
        {"alice\t",                                                           false},
        {"al\nice",                                                           false},
        {"al\x7Fice",                                                         false},
        {"al\xC2\x85ice",                                                     false},
        {"al\xE2\x80\x8Bice",                                                 false},
        {"al\xE2\x80\xAEice",                                                 false},
        {"al\xE2\x81\xA6ice",                                                 false},
        {"al\xFFice",                                                         false},
        {"0123456789012345678901234567890123456789012345678901234567890123",  true },
        {"01234567890123456789012345678901234567890123456789012345678901234", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = {0};
        if (people_name_fits(str_of(rows[i].name), "the name of a user", &err) != rows[i].fits)
            fail_msg("row %zu", i);
        assert_int_equal(err.kind, rows[i].fits ? ERR_NONE : ERR_MALFORMED);
    }
}

/* ---- Tokens -------------------------------------------------------------------------------------
 */

static bool accept(struct fixture *f, str text, int64_t now_us, struct err *err)
{
    const struct person_token *token = NULL;
    *err = (struct err){0};
    bool fine = tokens_accept(f->ledger, &f->people, text, now_us, &f->arena, &token, err);
    assert_true(fine == (token != NULL));
    return fine;
}

/* A token of alice's that is in the ledger, T-3. */
static str make_token(struct fixture *f)
{
    struct err err = {0};
    str kept = {0};
    str text = tokens_make(S("T-3"), &f->arena, &kept);
    struct people_change change = token_of(f, NULL, "alice", PEOPLE_ROLE(OPERATOR), HOUR_US);
    change.credential = credentials_mark(kept, &f->arena);
    assert_true(ledger_begin(f->ledger, &err) &&
                credentials_put(f->ledger, CREDENTIAL_TOKEN, S("T-3"), kept, f->arena, &err) &&
                ledger_commit(f->ledger, &err));
    (void)tell(f, LEDGER_TOKEN_MADE, "T-3", "alice", "T-1", change);
    return text;
}

static void a_token_fits_in_one_spelling_alone(void **state)
{
    struct fixture f = begin_with_two();
    struct err err = {0};
    str token = make_token(&f);
    (void)state;
    assert_int_equal(token.len, 3 + 3 + 1 + 43);
    assert_true(accept(&f, token, f.now_us, &err));
    for (size_t n = 0; n < token.len; n++)
        if (accept(&f, str_head(token, n), f.now_us, &err)) fail_msg("cut at %zu", n);
    assert_false(accept(&f, str_format(&f.arena, "%.*sA", STR_ARG(token)), f.now_us, &err));
    assert_false(accept(&f, str_format(&f.arena, "%.*s=", STR_ARG(token)), f.now_us, &err));
    assert_false(accept(&f, str_format(&f.arena, " %.*s", STR_ARG(token)), f.now_us, &err));
    for (size_t i = 0; i < token.len * 8; i++) {
        char *text = arena_array(&f.arena, char, token.len);
        memcpy(text, token.ptr, token.len);
        text[i / 8] = (char)((unsigned char)text[i / 8] ^ (1u << i % 8));
        if (accept(&f, (str){text, token.len}, f.now_us, &err)) fail_msg("bit %zu", i);
        assert_int_equal(err.kind, ERR_REFUSED);
    }
    end(&f);
}

static void a_token_is_refused_with_the_reason(void **state)
{
    struct fixture f = begin_with_two();
    struct err err = {0};
    str token = make_token(&f);
    (void)state;
    assert_false(accept(&f, token, f.now_us + HOUR_US, &err));
    assert_non_null(strstr(err.text, "it expired on 2026-10-31T13:00:00"));
    /* Somebody who has not the secret is told nothing of it. */
    str other = {0}, none = {0};
    other = tokens_make(S("T-3"), &f.arena, &none);
    assert_false(accept(&f, other, f.now_us + HOUR_US, &err));
    assert_string_equal(err.text, "the token is not one of this workspace");
    (void)tell(&f, LEDGER_TOKEN_ENDED, "T-3", "alice", "T-1", (struct people_change){0});
    assert_false(accept(&f, token, f.now_us, &err));
    assert_non_null(strstr(err.text, "alice ended it"));
    end(&f);
}

static void a_replaced_credential_is_found(void **state)
{
    struct fixture f = begin_with_two();
    struct err err = {0};
    str token = make_token(&f), kept = {0}, found = {0};
    (void)state;
    str other = tokens_make(S("T-3"), &f.arena, &kept);
    assert_true(ledger_begin(f.ledger, &err) &&
                credentials_put(f.ledger, CREDENTIAL_TOKEN, S("T-3"), kept, f.arena, &err) &&
                ledger_commit(f.ledger, &err));
    assert_false(accept(&f, other, f.now_us, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_non_null(strstr(err.text, "somebody has replaced it"));
    assert_false(accept(&f, token, f.now_us, &err));
    assert_true(ledger_begin(f.ledger, &err) &&
                credentials_put(f.ledger, CREDENTIAL_TOKEN, S("T-3"), S(""), f.arena, &err) &&
                ledger_commit(f.ledger, &err));
    assert_false(accept(&f, token, f.now_us, &err));
    assert_non_null(strstr(err.text, "somebody has taken it out"));
    assert_false(
        credentials_get(f.ledger, CREDENTIAL_USER, S("alice"), S(MARK), &f.arena, &found, &err));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_as_the_ledger_tells),
        cmocka_unit_test(tokens_end),
        cmocka_unit_test(claims_beyond_a_role_do_not_count),
        cmocka_unit_test(an_expired_token_decides_nothing),
        cmocka_unit_test(damaged_entries_are_faults),
        cmocka_unit_test(names_are_one_line),
        cmocka_unit_test(a_token_fits_in_one_spelling_alone),
        cmocka_unit_test(a_token_is_refused_with_the_reason),
        cmocka_unit_test(a_replaced_credential_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
