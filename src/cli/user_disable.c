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
    if (person->disabled)
        return err_set(err, ERR_CONFLICT, "%.*s is disabled already", STR_ARG(person->name));
    if (!managing_keeps_admin(managing, person, err)) return false;
    change->has_disabled = change->disabled = true;
    *text = str_format(call->arena, "%.*s is disabled; their tokens are of no use any more",
                       STR_ARG(person->name));
    return true;
}

static int run(struct invocation *call)
{
    static const struct managing_change change = {T("disabling a user"), make};
    return managing_change(call, &change);
}

static const struct example examples[] = {
    {T("sallyport user disable bob"), T("Bob can no longer log in, and his tokens end.")},
};

const struct command user_disable_command = {
    .name = T("user disable"),
    .summary = T("Keep a user from logging in"),
    .arguments = T("NAME"),
    .least_arguments = 1,
    .most_arguments = 1,
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("A disabled user can't log in, every token of theirs is refused, and what their system "
          "accounts do without a login is refused, too. What they decided stays. Exceptions "
          "they own stay as they are until somebody takes them over: \"exception "
          "transfer\". The last admin can't be disabled."),
    .run = run,
};
