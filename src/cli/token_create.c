/* SPDX-License-Identifier: Apache-2.0 */
#include "base/instant.h"
#include "cli/managing.h"
#include "ledger/credentials.h"
#include "ledger/tokens.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Whose token it is to be, and that whoever asks may make it. */
static bool may_make(struct invocation *call, const struct managing *m, uint8_t roles,
                     const struct person **out, struct err *err)
{
    bool named = option_given(call, S("user"));
    str name = named ? option_text(call, S("user")) : m->actor.person;
    if (!m->people.n)
        return err_set(err, ERR_REFUSED,
                       "a token is a user's, and this workspace has no users: \"sallyport user add "
                       "NAME --role ROLE\" adds one");
    if (!m->actor.authenticated)
        return err_set(
            err, ERR_REFUSED,
            "a token is made by a user who is logged in (\"sallyport user login NAME\")");
    if (!managing_user(call, m, name, out, err)) return false;
    const struct person *user = *out;
    bool own = actor_same_person(m->actor.person, user->name);
    if (!own && !managing_is_admin(m, S("making a token of somebody else"), err)) return false;
    /* Else an admin would approve in the name of others. */
    if (!own && roles & PEOPLE_ROLE(APPROVER))
        return err_set(err, ERR_REFUSED,
                       "a token with the role approver is made by its user alone, logged in: "
                       "nobody approves in the name of %.*s",
                       STR_ARG(user->name));
    if (user->disabled) return err_set(err, ERR_REFUSED, "%.*s is disabled", STR_ARG(user->name));
    unsigned has = own ? m->actor.roles & user->roles : user->roles;
    uint8_t missing = (uint8_t)(roles & ~(has | PEOPLE_ROLE(VIEWER)));
    if (!missing) return true;
    return err_set(err, ERR_REFUSED, "a token has no more roles than %s; %.*s has not %.*s",
                   own ? "the one it is made with" : "its user", STR_ARG(user->name),
                   STR_ARG(actor_roles_text(missing, call->arena)));
}

static bool check_options(struct invocation *call, struct people_change *change, struct err *err)
{
    if (!managing_roles(call, &change->roles, err)) return false;
    if (!option_given(call, S("expires")))
        return err_set(err, ERR_USAGE, "token create needs --expires, at most %d days from now",
                       LIMIT_TOKEN_DAYS);
    if (!option_given(call, S("name")))
        return err_set(err, ERR_USAGE, "token create needs --name: what the token is for");
    change->name = option_text(call, S("name"));
    change->expires_us = option_instant(call, S("expires"));
    return people_name_fits(change->name, "the name of a token", err);
}

static bool check_end(int64_t now_us, int64_t expires_us, struct err *err)
{
    char at[INSTANT_TEXT];
    str when = instant_text(at, expires_us);
    if (expires_us <= now_us)
        return err_set(err, ERR_REFUSED, "--expires is over already (%.*s)", STR_ARG(when));
    if (expires_us - now_us <= LIMIT_TOKEN_DAYS * INSTANT_DAY) return true;
    return err_set(err, ERR_REFUSED, "a token lives at most %d days; --expires is later (%.*s)",
                   LIMIT_TOKEN_DAYS, STR_ARG(when));
}

static int print(struct invocation *call, uint64_t number, const struct people_change *change,
                 str id, str token)
{
    if (call->format == FORMAT_JSON) {
        struct people_change shown = *change;
        shown.token = id;
        managing_print_json(call, number, LEDGER_TOKEN_MADE, id, &shown, token);
        return EXIT_FINE;
    }
    buf_format(call->out, "%.*s\n", STR_ARG(token));
    buf_format(call->talk,
               "%.*s of %.*s (%.*s), valid until %.*s\nit is shown this once: set it as "
               "SALLYPORT_TOKEN, or keep it in a file that SALLYPORT_TOKEN_FILE names\n",
               STR_ARG(id), STR_ARG(change->user),
               STR_ARG(actor_roles_text(change->roles, call->arena)),
               STR_ARG(managing_time(call->arena, change->expires_us)));
    return EXIT_FINE;
}

static int run(struct invocation *call)
{
    struct people_change change = {.has_roles = true};
    struct managing m = {0};
    const struct person *user = NULL;
    struct err err = {0};
    uint64_t number = 0;
    int status = EXIT_FAILED;
    str kept = {0};
    if (!check_options(call, &change, &err)) return command_fail(call, &err);
    if (!managing_begin(call, &m, &status)) return status;
    str id = str_format(call->arena, "T-%" PRIu64, m.people.last_token + 1);
    bool fine = may_make(call, &m, change.roles, &user, &err) &&
                check_end(m.now_us, change.expires_us, &err);
    str token = tokens_make(id, call->arena, &kept);
    if (!fine || !credentials_put(m.ledger, CREDENTIAL_TOKEN, id, kept, call->scratch, &err)) {
        managing_end(&m);
        return acting_fail(call, &err);
    }
    struct actor actor = m.actor;
    change.user = user->name;
    change.credential = credentials_mark(kept, call->arena);
    if (!managing_append(call, &m, LEDGER_TOKEN_MADE, id, &change, &number)) return EXIT_FAILED;
    acting_say(call, &actor);
    return print(call, number, &change, id, token);
}

static const struct option options[] = {
    {.name = T("user"),
     .type = OPTION_TEXT,
     .value = T("NAME"),
     .help = T("whose token it is; default who is logged in")           },
    ROLE_ROW,
    {.name = T("expires"),
     .type = OPTION_INSTANT,
     .value = T("TIME"),
     .help = T("when it ends (RFC 3339; a date is its midnight in UTC)")},
    {.name = T("name"),
     .type = OPTION_TEXT,
     .value = T("TEXT"),
     .help = T("what it is for; shown in lists")                        },
};

static const struct example examples[] = {
    {T("sallyport token create --role viewer --expires 2026-12-31 --name \"nightly report\""),
     T("A token that reads and no more.")                                      },
    {T("sallyport token create --user bot --role operator --expires 2026-12-31 --name ci "
       ">ci.token"),
     T("An admin makes one for another user; it can't have the role approver.")},
};

const struct command token_create_command = {
    .name = T("token create"),
    .summary = T("Make a token with some of a user's roles"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("Who is logged in makes tokens of their own, with no more roles than the token "
                 "they use; an admin also makes those of others, but none that approves. A token "
                 "is printed once and kept nowhere: the ledger's database has its SHA-256. It "
                 "loses what its user loses, and ends when the password changes or the user is "
                 "disabled."),
    .run = run,
};
