/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"
#include "cli/managing.h"
#include "ledger/credentials.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* What is wrong before anybody is asked for a password, and again when it is written. */
static bool may_add(struct invocation *call, const struct managing *m, struct people_change *change,
                    struct err *err)
{
    str name = call->arguments[0];
    const struct people *people = &m->people;
    if (!managing_is_admin(m, S("adding a user"), err)) return false;
    const struct person *other = people_of_account(people, name, call->scratch);
    if (other && actor_same_person(other->name, name))
        return err_set(err, ERR_CONFLICT, "there is a user %.*s already", STR_ARG(other->name));
    if (other)
        return err_set(err, ERR_CONFLICT, "%.*s is a system account of %.*s", STR_ARG(name),
                       STR_ARG(other->name));
    if (people->n >= LIMIT_PEOPLE)
        return err_set(err, ERR_LIMIT, "a workspace has at most %d users", LIMIT_PEOPLE);
    change->has_accounts = option_given(call, S("account"));
    /* Somebody has to manage those to come. */
    if (!people->n) change->roles |= PEOPLE_ROLE(ADMIN);
    return managing_accounts(call, people, NULL, &change->accounts, &change->n_accounts, err);
}

static int write_user(struct invocation *call, struct managing *m,
                      const struct people_change *change, str hash)
{
    struct err err = {0};
    str name = call->arguments[0];
    bool is_first = !m->people.n;
    if (!credentials_put(m->ledger, CREDENTIAL_USER, name, hash, call->scratch, &err)) {
        managing_end(m);
        return command_fail(call, &err);
    }
    str text = str_format(call->arena, "added the user %.*s (%.*s)", STR_ARG(name),
                          STR_ARG(actor_roles_text(change->roles, call->arena)));
    int status = managing_commit(call, m, LEDGER_USER_ADDED, name, change, text);
    if (status == EXIT_FINE && is_first)
        buf_format(call->talk,
                   "%.*s is the first user of this workspace, and so its admin: from now on users "
                   "are managed by an admin who is logged in\n"
                   "next: eval \"$(sallyport user login %.*s)\"\n",
                   STR_ARG(name), STR_ARG(name));
    return status;
}

static int run(struct invocation *call)
{
    struct people_change change = {.has_roles = true};
    struct managing m = {0};
    struct err err = {0};
    int status = EXIT_FAILED;
    str name = call->arguments[0], password = {0}, hash = {0};
    if (!people_name_fits(name, "the name of a user", &err) ||
        !managing_roles(call, &change.roles, &err))
        return command_fail(call, &err);
    if (!managing_begin(call, &m, &status)) return status;
    bool fine = may_add(call, &m, &change, &err);
    managing_end(&m); /* nobody waits while a password is typed */
    fine = fine && managing_password(call, name, true, &password, &err) &&
           secret_password_hash(password, SECRET_COST_INTERACTIVE, call->arena, &hash, &err);
    if (!fine) return acting_fail(call, &err);
    change.credential = credentials_mark(hash, call->arena);

    if (!managing_begin(call, &m, &status)) return status;
    if (may_add(call, &m, &change, &err)) return write_user(call, &m, &change, hash);
    managing_end(&m);
    return acting_fail(call, &err);
}

static const struct option options[] = {ROLE_ROW, ACCOUNT_ROW, PASSWORD_FILE_ROW};

static const struct example examples[] = {
    {T("sallyport user add alice --role operator"),
     T("The first user of a workspace; becomes its admin, too.")   },
    {T("sallyport user add bob --role approver --account 'CONTOSO\\bob'"),
     T("Somebody who approves, and whose system account is known.")},
    {T("sallyport user add carol --role viewer --password-file -"),
     T("The password comes from standard input, for scripts.")     },
};

const struct command user_add_command = {
    .name = T("user add"),
    .summary = T("Add a user of this workspace"),
    .arguments = T("NAME"),
    .least_arguments = 1,
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("The first user is added by whoever can write the workspace, and becomes its "
                 "admin. From then on only an admin who is logged in adds users. A password has at "
                 "least 8 characters; what is kept of it is its argon2id hash. A name says one "
                 "person up to case and whatever domain stands before or behind it: there is no "
                 "bob beside CONTOSO\\bob."),
    .run = run,
};
