/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/managing.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static bool make(struct invocation *call, const struct managing *managing,
                 const struct person *person, struct people_change *change, str *text,
                 struct err *err)
{
    change->has_roles = true;
    if (!managing_roles(call, &change->roles, err)) return false;
    bool stays = change->roles & PEOPLE_ROLE(ADMIN);
    if (!stays && !managing_keeps_admin(managing, person, err)) return false;
    *text = str_format(call->arena, "%.*s is now %.*s (was %.*s)", STR_ARG(person->name),
                       STR_ARG(actor_roles_text(change->roles, call->arena)),
                       STR_ARG(actor_roles_text(person->roles, call->arena)));
    return true;
}

static int run(struct invocation *call)
{
    static const struct managing_change change = {T("changing the roles of a user"), make};
    return managing_change(call, &change);
}

static const struct option options[] = {ROLE_ROW};

static const struct example examples[] = {
    {T("sallyport user role bob --role approver --role operator"),
     T("Bob has these two roles from now on, and no other.")},
};

const struct command user_role_command = {
    .name = T("user role"),
    .summary = T("Say which roles a user has"),
    .arguments = T("NAME"),
    .least_arguments = 1,
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("The roles given take the place of those the user had; tokens lose at once what "
                 "their user loses. Only an admin who is logged in changes roles, and the last "
                 "admin keeps theirs. What each role may do: docs/people.md."),
    .run = run,
};
