/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/managing.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static bool may_end(struct invocation *call, const struct managing *m,
                    const struct person_token **out, struct err *err)
{
    str id = call->arguments[0], why = {0};
    const struct person_token *token = people_token(&m->people, id);
    if (!token) return err_set(err, ERR_NOT_FOUND, "there is no token \"%.*s\"", STR_ARG(id));
    const struct person *user = &m->people.persons[token->user];
    bool own = m->actor.authenticated && actor_same_person(m->actor.person, user->name);
    if (!own && !managing_is_admin(m, S("ending a token of somebody else"), err)) return false;
    if (people_token_state(&m->people, token, m->now_us, call->arena, &why) == PEOPLE_TOKEN_ENDED)
        return err_set(err, ERR_CONFLICT, "%.*s is of no use already: %.*s", STR_ARG(id),
                       STR_ARG(why));
    *out = token;
    return true;
}

static int run(struct invocation *call)
{
    struct people_change change = {0};
    struct managing m = {0};
    const struct person_token *token = NULL;
    struct err err = {0};
    int status = EXIT_FAILED;
    if (!managing_begin(call, &m, &status)) return status;
    if (!may_end(call, &m, &token, &err)) {
        managing_end(&m);
        return acting_fail(call, &err);
    }
    /* What is kept of its secret stays: who still shows it is told why it is refused. */
    change.user = m.people.persons[token->user].name;
    str text = str_format(call->arena, "%.*s of %.*s is of no use any more", STR_ARG(token->id),
                          STR_ARG(change.user));
    return managing_commit(call, &m, LEDGER_TOKEN_ENDED, token->id, &change, text);
}

static const struct example examples[] = {
    {T("sallyport token end T-1"), T("From now on it is refused. A login's too: that logs out.")},
};

const struct command token_end_command = {
    .name = T("token end"),
    .summary = T("End a token before its time"),
    .arguments = T("ID"),
    .least_arguments = 1,
    .most_arguments = 1,
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("By its user, logged in, or by an admin. The token that is in use may be ended, "
                 "too."),
    .run = run,
};
