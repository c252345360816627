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
    (void)managing;
    if (!person->disabled)
        return err_set(err, ERR_CONFLICT, "%.*s is not disabled", STR_ARG(person->name));
    change->has_disabled = true;
    *text = str_format(call->arena, "%.*s is enabled (%.*s)", STR_ARG(person->name),
                       STR_ARG(actor_roles_text(person->roles, call->arena)));
    return true;
}

static int run(struct invocation *call)
{
    static const struct managing_change change = {T("enabling a user"), make};
    return managing_change(call, &change);
}

static const struct example examples[] = {
    {T("sallyport user enable bob"), T("Bob can log in again, with the password he had.")},
};

const struct command user_enable_command = {
    .name = T("user enable"),
    .summary = T("Let a disabled user log in again"),
    .arguments = T("NAME"),
    .least_arguments = 1,
    .most_arguments = 1,
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("The user has the roles and the password from before. Tokens from before stay of no "
          "use."),
    .run = run,
};
