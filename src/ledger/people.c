/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/people.h"

#include "base/instant.h"

/* ---- Names ------------------------------------------------------------------------------------
 */

/* What would break a line or turn the direction of text: controls (C0, DEL, C1), U+200B..200F,
 * U+2028..202E, U+2060..206F. */
static bool is_control(str letter)
{
    const uint8_t *b = (const uint8_t *)letter.ptr;
    if (letter.len == 1) return b[0] < ' ' || b[0] == 0x7F;
    if (letter.len == 2) return b[0] == 0xC2 && b[1] < 0xA0;
    if (letter.len != 3 || b[0] != 0xE2) return false;
    bool general =
        b[1] == 0x80 && ((b[2] >= 0x8B && b[2] <= 0x8F) || (b[2] >= 0xA8 && b[2] <= 0xAE));
    return general || (b[1] == 0x81 && b[2] >= 0xA0 && b[2] <= 0xAF);
}

bool people_name_fits(str name, const char *what, struct err *err)
{
    size_t bad = 0;
    if (!name.len || name.len > LIMIT_PERSON_NAME)
        return err_set(err, ERR_MALFORMED, "expected %s of 1 to %d bytes, found %zu", what,
                       LIMIT_PERSON_NAME, name.len);
    if (str_trim(name).len != name.len)
        return err_set(err, ERR_MALFORMED, "expected %s without blanks around it", what);
    for (str left = name; left.len;) {
        size_t n = str_utf8_next(left, &bad);
        if (!n) return err_set(err, ERR_MALFORMED, "expected %s in UTF-8", what);
        if (is_control(str_head(left, n)))
            return err_set(err, ERR_MALFORMED,
                           "expected %s as one line of text without control characters", what);
        left = str_tail(left, n);
    }
    if (!actor_name_is_visible(name))
        return err_set(err, ERR_MALFORMED, "expected %s without characters that can't be seen",
                       what);
    return true;
}

/* ---- Looking up -------------------------------------------------------------------------------
 */

static struct person *find(const struct people *people, str name, struct arena scratch)
{
    uint64_t *at = map_find(&people->by_key, actor_person_key(name, &scratch));
    return at ? &people->persons[*at] : NULL;
}

const struct person *people_find(const struct people *people, str name, struct arena scratch)
{
    return find(people, name, scratch);
}

const struct person *people_of_account(const struct people *people, str account,
                                       struct arena scratch)
{
    str key = actor_person_key(account, &scratch);
    uint64_t *at = map_find(&people->by_key, key);
    if (!at) at = map_find(&people->by_account, key);
    /* An account that is another's by now has the user's number of then. */
    return at && *at < people->n ? &people->persons[*at] : NULL;
}

str people_name_of(const struct people *people, str text, struct arena scratch)
{
    const struct person *person = people_of_account(people, text, scratch);
    return person ? person->name : text;
}

const struct person_token *people_token(const struct people *people, str id)
{
    uint64_t *at = map_find(&people->by_token, id);
    return at ? &people->tokens[*at] : NULL;
}

size_t people_other_admins(const struct people *people, const struct person *without)
{
    size_t n = 0;
    for (size_t i = 0; i < people->n; i++) {
        const struct person *person = &people->persons[i];
        n += person != without && !person->disabled && person->roles & PEOPLE_ROLE(ADMIN);
    }
    return n;
}

uint8_t people_token_roles(const struct people *people, const struct person_token *token)
{
    if (token->is_login) return people->persons[token->user].roles;
    /* Whoever may do anything may read. */
    return token->roles & (people->persons[token->user].roles | PEOPLE_ROLE(VIEWER));
}

static str ended_text(const struct person_token *token, struct arena *arena)
{
    char at[INSTANT_TEXT];
    str when = instant_text(at, token->ended_us);
    return str_format(arena, "%.*s ended it on %.*s", STR_ARG(token->ended_by), STR_ARG(when));
}

enum people_token_state people_token_state(const struct people *people,
                                           const struct person_token *token, int64_t now_us,
                                           struct arena *arena, str *why)
{
    const struct person *user = &people->persons[token->user];
    char at[INSTANT_TEXT];
    *why = (str){0};
    if (token->ended_us) {
        *why = ended_text(token, arena);
        return PEOPLE_TOKEN_ENDED;
    }
    if (token->entry < user->tokens_from) {
        *why = user->tokens_why;
        return PEOPLE_TOKEN_ENDED;
    }
    if (now_us < token->expires_us) return PEOPLE_TOKEN_VALID;
    str when = instant_text(at, token->expires_us);
    *why = str_format(arena, "it expired on %.*s", STR_ARG(when));
    return PEOPLE_TOKEN_EXPIRED;
}

str people_token_state_text(enum people_token_state state)
{
    static const str texts[] = {
#define X(name, text) [PEOPLE_TOKEN_##name] = {text, sizeof(text) - 1},
        PEOPLE_TOKEN_STATES(X)
#undef X
    };
    return texts[state];
}

/* ---- What the entries say ---------------------------------------------------------------------
 */

struct replay {
    struct people *people;
    struct arena *arena;
};

/* One entry about people, and who wrote it. */
struct told {
    uint64_t number;
    int64_t time_us;
    str subject;
    struct actor by;
    struct people_change change;
};

/* The token that its writer had shown, if it was of use at the time. */
static const struct person_token *token_of(const struct replay *r, const struct told *told)
{
    const struct person_token *token = people_token(r->people, told->by.token);
    str why;
    if (!told->by.authenticated || !token) return NULL;
    const struct person *user = &r->people->persons[token->user];
    bool is_theirs = actor_same_person(user->name, told->by.person) && !user->disabled;
    bool valid =
        people_token_state(r->people, token, told->time_us, r->arena, &why) == PEOPLE_TOKEN_VALID;
    return is_theirs && valid ? token : NULL;
}

static bool is_by_admin(const struct replay *r, const struct told *told)
{
    const struct person_token *token = token_of(r, told);
    return token && people_token_roles(r->people, token) & PEOPLE_ROLE(ADMIN);
}

/* By the user, with a token that gives all that the user may. */
static bool is_by_login_of(const struct replay *r, const struct told *told, size_t user)
{
    const struct person_token *token = token_of(r, told);
    return token && token->is_login && token->user == user;
}

static void keep_accounts(struct replay *r, size_t user, const struct people_change *change)
{
    struct person *person = &r->people->persons[user];
    for (size_t i = 0; i < person->n_accounts; i++) {
        uint64_t *at =
            map_find(&r->people->by_account, actor_person_key(person->accounts[i], r->arena));
        if (at && *at == user) *at = UINT64_MAX; /* nobody's from now on */
    }
    person->accounts = change->accounts;
    person->n_accounts = change->n_accounts;
    for (size_t i = 0; i < change->n_accounts; i++) {
        uint64_t *at = map_put(&r->people->by_account, r->arena,
                               actor_person_key(change->accounts[i], r->arena), user, NULL);
        *at = user;
    }
}

static const char *tell_added(struct replay *r, const struct told *told)
{
    struct people *people = r->people;
    const struct people_change *change = &told->change;
    struct err err = {0};
    if (people->n && !is_by_admin(r, told)) return "a user was added by somebody who is no admin";
    if (!people_name_fits(told->subject, "the name of a user", &err) || !change->has_roles ||
        !change->roles || !change->credential.len)
        return "a user was added without name, roles or credential";
    if (!people->n && !(change->roles & PEOPLE_ROLE(ADMIN)))
        return "the first user was added without the role admin";
    if (find(people, told->subject, *r->arena)) return "a user was added that was there already";
    arena_grow(r->arena, people->persons, people->n, people->room);
    people->persons[people->n] = (struct person){
        .name = told->subject,
        .roles = change->roles,
        .credential = change->credential,
        .added_us = told->time_us,
    };
    (void)map_put(&people->by_key, r->arena, actor_person_key(told->subject, r->arena), people->n,
                  NULL);
    keep_accounts(r, people->n++, change);
    return NULL;
}

/* Tokens made until now are of no use any more. */
static void end_tokens(struct person *person, uint64_t number, str why)
{
    person->tokens_from = number;
    person->tokens_why = why;
}

static const char *tell_changed(struct replay *r, const struct told *told)
{
    const struct people_change *change = &told->change;
    struct person *person = find(r->people, told->subject, *r->arena);
    if (!person) return "a user was changed that is not there";
    size_t user = (size_t)(person - r->people->persons);
    bool only_password = !change->has_roles && !change->has_accounts && !change->has_disabled;
    if (!is_by_admin(r, told) && !(only_password && is_by_login_of(r, told, user)))
        return "a user was changed by somebody who may not";
    bool is_last = person->roles & PEOPLE_ROLE(ADMIN) && !person->disabled &&
                   !people_other_admins(r->people, person);
    bool loses = (change->has_roles && !(change->roles & PEOPLE_ROLE(ADMIN))) ||
                 (change->has_disabled && change->disabled);
    if (is_last && loses) return "the last admin was taken away";
    if (change->has_roles && !change->roles) return "a user was left without a role";
    if (change->has_roles) person->roles = change->roles;
    if (change->has_accounts) keep_accounts(r, user, change);
    if (change->credential.len) {
        person->credential = change->credential;
        end_tokens(person, told->number, S("the password was changed since"));
    }
    if (change->has_disabled) {
        person->disabled = change->disabled;
        if (change->disabled) end_tokens(person, told->number, S("its user was disabled since"));
    }
    return NULL;
}

static bool token_number(str id, uint64_t *out)
{
    return str_starts(id, S("T-")) && str_u64(str_tail(id, 2), INT64_MAX, out);
}

static const char *add_token(struct replay *r, const struct told *told, str id, size_t user,
                             bool is_login)
{
    struct people *people = r->people;
    const struct people_change *change = &told->change;
    uint64_t number = 0;
    bool fresh = false;
    if (!token_number(id, &number) || number <= people->last_token)
        return "a token was made with a number that is not the next";
    if (!change->credential.len || !change->expires_us)
        return "a token was made without credential or end";
    arena_grow(r->arena, people->tokens, people->n_tokens, people->tokens_room);
    people->tokens[people->n_tokens] = (struct person_token){
        .id = id,
        .user = user,
        .roles = is_login ? PEOPLE_ALL_ROLES : change->roles,
        .name = change->name,
        .credential = change->credential,
        .made_by = told->by.person,
        .made_us = told->time_us,
        .expires_us = change->expires_us,
        .entry = told->number,
        .is_login = is_login,
    };
    (void)map_put(&people->by_token, r->arena, id, people->n_tokens++, &fresh);
    people->last_token = number;
    return fresh ? NULL : "a token was made twice";
}

static const char *tell_token_made(struct replay *r, const struct told *told)
{
    const struct people_change *change = &told->change;
    const struct person *person = find(r->people, change->user, *r->arena);
    const struct person_token *by = token_of(r, told);
    if (!person) return "a token was made for a user that is not there";
    size_t user = (size_t)(person - r->people->persons);
    if (!by || (by->user != user && !is_by_admin(r, told)))
        return "a token was made by somebody who may not";
    if (by->user == user &&
        change->roles & ~(people_token_roles(r->people, by) | PEOPLE_ROLE(VIEWER)))
        return "a token was made with more roles than the one it was made with";
    if (!change->roles || change->roles & ~(person->roles | PEOPLE_ROLE(VIEWER)))
        return "a token was made with roles that its user has not";
    if (by->user != user && change->roles & PEOPLE_ROLE(APPROVER))
        return "a token that approves was made by somebody else than its user";
    return add_token(r, told, told->subject, user, false);
}

static const char *tell_token_ended(struct replay *r, const struct told *told)
{
    uint64_t *at = map_find(&r->people->by_token, told->subject);
    if (!at) return "a token was ended that is not there";
    struct person_token *token = &r->people->tokens[*at];
    const struct person_token *by = token_of(r, told);
    if (!by || (by->user != token->user && !is_by_admin(r, told)))
        return "a token was ended by somebody who may not";
    if (token->ended_us) return "a token was ended twice";
    token->ended_us = told->time_us;
    token->ended_by = told->by.person;
    return NULL;
}

static const char *tell_logged_in(struct replay *r, const struct told *told)
{
    struct person *person = find(r->people, told->subject, *r->arena);
    if (!person || person->disabled) return "somebody logged in who is no user, or disabled";
    if (!actor_same_person(person->name, told->by.person))
        return "somebody logged in as somebody else";
    const char *fault =
        add_token(r, told, told->change.token, (size_t)(person - r->people->persons), true);
    if (!fault) person->logged_in_us = told->time_us;
    return fault;
}

static const struct {
    enum ledger_kind kind;
    const char *(*tell)(struct replay *r, const struct told *told);
} kinds[] = {
    {LEDGER_USER_ADDED,   tell_added      },
    {LEDGER_USER_CHANGED, tell_changed    },
    {LEDGER_TOKEN_MADE,   tell_token_made },
    {LEDGER_TOKEN_ENDED,  tell_token_ended},
    {LEDGER_LOGGED_IN,    tell_logged_in  },
};

static void add_fault(struct replay *r, uint64_t number, str text)
{
    struct people *people = r->people;
    arena_grow(r->arena, people->faults, people->n_faults, people->faults_room);
    people->faults[people->n_faults++] = (struct people_fault){number, text};
}

static bool visit(void *to, const struct ledger_entry *entry)
{
    struct replay *r = to;
    struct told told = {
        .number = entry->number,
        .time_us = entry->time_us,
        .subject = str_copy(r->arena, entry->subject),
    };
    struct err err = {0};
    str data = {0};
    str body = str_copy(r->arena, entry->body);
    if (!actor_of_entry(body, r->arena, &told.by, &data, &err) ||
        !people_change_read(data, r->arena, &told.change, &err)) {
        add_fault(r, entry->number, str_copy(r->arena, str_of(err.text)));
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (kinds[i].kind != entry->kind) continue;
        const char *fault = kinds[i].tell(r, &told);
        if (fault) add_fault(r, entry->number, str_of(fault));
    }
    return true;
}

bool people_read(struct ledger *ledger, int64_t until_us, struct arena *arena, struct people *out,
                 struct err *err)
{
    struct people people = {0};
    struct replay r = {.people = &people, .arena = arena};
    uint32_t wanted = 0;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        wanted |= UINT32_C(1) << kinds[i].kind;
    if (!ledger_each(ledger, wanted, 0, until_us, (struct ledger_visit){&r, visit}, err))
        return false;
    *out = people;
    return true;
}
