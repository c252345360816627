/* SPDX-License-Identifier: Apache-2.0 */
#include "base/instant.h"
#include "base/secret.h"
#include "cli/managing.h"
#include "ledger/credentials.h"
#include "ledger/tokens.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* The ledger with its users; a token that is set by chance has no part in a login. */
static bool open_people(struct invocation *call, struct managing *m, struct err *err)
{
    return acting_ledger(call, LEDGER_WRITE, &m->ledger, err) && ledger_begin(m->ledger, err) &&
           people_read(m->ledger, INT64_MAX, call->arena, &m->people, err) &&
           acting_now(call, m->ledger, &m->now_us, err);
}

/* Whether the password is the user's. One that is not there takes as long to refuse. */
static bool password_fits(struct invocation *call, const struct person *person, str password,
                          str hash, bool *fits, struct err *err)
{
    str none = {0};
    *fits = person && secret_password_fits(password, hash);
    return person ||
           secret_password_hash(password, SECRET_COST_INTERACTIVE, call->arena, &none, err);
}

/* Keeps that somebody tried. What was typed as a name is not kept when no user has it. */
static int refuse(struct invocation *call, struct managing *m, const struct person *person, str why,
                  str told)
{
    struct err err = {0};
    struct people_change change = {.kind = ledger_kind_text(LEDGER_LOGGED_IN), .why = why};
    m->actor = acting_account(call, &m->people);
    str subject = person ? person->name : (str){0};
    if (!managing_append(call, m, LEDGER_REFUSED, subject, &change, NULL)) return EXIT_FAILED;
    (void)err_set(&err, ERR_REFUSED, "%.*s", STR_ARG(told));
    return acting_fail(call, &err);
}

static void print_token(struct invocation *call, uint64_t number, const struct person *person,
                        const struct people_change *change, str token)
{
    if (call->format == FORMAT_JSON) {
        managing_print_json(call, number, LEDGER_LOGGED_IN, person->name, change, token);
        return;
    }
    buf_format(call->out, "export SALLYPORT_TOKEN=%.*s\n", STR_ARG(token));
    buf_format(call->talk, "%.*s is logged in (%.*s) until %.*s\n", STR_ARG(person->name),
               STR_ARG(actor_roles_text(person->roles, call->arena)),
               STR_ARG(managing_time(call->arena, change->expires_us)));
}

static int log_in(struct invocation *call, struct managing *m, const struct person *person)
{
    struct err err = {0};
    str kept = {0};
    uint64_t number = 0;
    str id = str_format(call->arena, "T-%" PRIu64, m->people.last_token + 1);
    str token = tokens_make(id, call->arena, &kept);
    struct people_change change = {
        .token = id,
        .expires_us = m->now_us + LIMIT_LOGIN_HOURS * 3600 * INSTANT_SECOND,
        .credential = credentials_mark(kept, call->arena),
    };
    m->actor = acting_account(call, &m->people);
    m->actor.person = person->name;
    m->actor.authenticated = true;
    m->actor.token = id;
    if (!credentials_put(m->ledger, CREDENTIAL_TOKEN, id, kept, call->scratch, &err)) {
        managing_end(m);
        return command_fail(call, &err);
    }
    if (!managing_append(call, m, LEDGER_LOGGED_IN, person->name, &change, &number))
        return EXIT_FAILED;
    print_token(call, number, person, &change, token);
    return EXIT_FINE;
}

/* Of a user who is there, as far as it is the one that the ledger recorded. */
static bool stored_hash(struct invocation *call, struct managing *m, const struct person *person,
                        str *out, struct err *err)
{
    return !person || credentials_get(m->ledger, CREDENTIAL_USER, person->name, person->credential,
                                      call->arena, out, err);
}

static int run(struct invocation *call)
{
    struct managing m = {0};
    struct err err = {0};
    str name = call->arguments[0], password = {0}, hash = {0};
    bool fits = false;
    bool fine = open_people(call, &m, &err);
    const struct person *person = fine ? people_find(&m.people, name, call->scratch) : NULL;
    fine = fine && stored_hash(call, &m, person, &hash, &err);
    managing_end(&m); /* nobody waits while a password is typed */
    if (!fine) return acting_fail(call, &err);
    if (!managing_password(call, name, false, &password, &err) ||
        !password_fits(call, person, password, hash, &fits, &err))
        return command_fail(call, &err);

    m = (struct managing){0};
    str was = person ? person->credential : (str){0};
    if (!open_people(call, &m, &err)) {
        managing_end(&m);
        return command_fail(call, &err);
    }
    person = people_find(&m.people, name, call->scratch);
    /* Meanwhile somebody may have changed it. */
    fits = fits && person && str_equal(person->credential, was);
    if (!fits)
        return refuse(call, &m, person, S("the name or the password does not fit"),
                      S("the name or the password does not fit"));
    if (person->disabled)
        return refuse(call, &m, person, S("the user is disabled"),
                      str_format(call->arena, "%.*s is disabled", STR_ARG(person->name)));
    return log_in(call, &m, person);
}

static const struct option options[] = {PASSWORD_FILE_ROW};

static const struct example examples[] = {
    {T("eval \"$(sallyport user login alice)\""),
     T("Asks for the password; what this shell does from then on, alice does.")},
};

const struct command user_login_command = {
    .name = T("user login"),
    .summary = T("Log in: a token for eight hours"),
    .arguments = T("NAME"),
    .least_arguments = 1,
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("Prints a line for the shell that sets SALLYPORT_TOKEN: commands that run with it "
                 "are the user's, and the ledger says so. It ends after eight hours, or with "
                 "\"token end\". The ledger keeps every login, and every password that did not "
                 "fit."),
    .run = run,
};
