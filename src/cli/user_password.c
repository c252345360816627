/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"
#include "cli/managing.h"
#include "ledger/credentials.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* An admin, or the user with a token that is a login's: one that was made for less must not become
 * all that its user is. */
static bool may_change(struct invocation *call, const struct managing *m,
                       const struct person **person, struct err *err)
{
    const struct person_token *token = people_token(&m->people, m->actor.token);
    if (!managing_user(call, m, call->arguments[0], person, err)) return false;
    bool own = token && token->is_login && &m->people.persons[token->user] == *person;
    return own || managing_is_admin(m, S("changing the password of somebody else"), err);
}

static int run(struct invocation *call)
{
    struct people_change change = {0};
    struct managing m = {0};
    const struct person *person = NULL;
    struct err err = {0};
    int status = EXIT_FAILED;
    str password = {0}, hash = {0};
    if (!managing_begin(call, &m, &status)) return status;
    bool fine = may_change(call, &m, &person, &err);
    managing_end(&m); /* nobody waits while a password is typed */
    fine = fine && managing_password(call, person->name, true, &password, &err) &&
           secret_password_hash(password, SECRET_COST_INTERACTIVE, call->arena, &hash, &err);
    if (!fine) return acting_fail(call, &err);
    change.credential = credentials_mark(hash, call->arena);

    if (!managing_begin(call, &m, &status)) return status;
    if (!may_change(call, &m, &person, &err) ||
        !credentials_put(m.ledger, CREDENTIAL_USER, person->name, hash, call->scratch, &err)) {
        managing_end(&m);
        return acting_fail(call, &err);
    }
    str text = str_format(call->arena,
                          "%.*s has a new password; tokens from before are of no use any more",
                          STR_ARG(person->name));
    return managing_commit(call, &m, LEDGER_USER_CHANGED, person->name, &change, text);
}

static const struct option options[] = {PASSWORD_FILE_ROW};

static const struct example examples[] = {
    {T("sallyport user password alice"), T("Asks for the new one twice.")},
};

const struct command user_password_command = {
    .name = T("user password"),
    .summary = T("Give a user a new password"),
    .arguments = T("NAME"),
    .least_arguments = 1,
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("By the user, logged in (a token that was made with \"token create\" is not "
                 "enough), or by an admin. All tokens of the user end, logins too. The ledger "
                 "keeps who changed it: a password that somebody else has set is known to two."),
    .run = run,
};
