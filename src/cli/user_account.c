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
    struct buf list = buf_in(call->arena);
    change->has_accounts = true;
    if (!managing_accounts(call, &managing->people, person, &change->accounts, &change->n_accounts,
                           err))
        return false;
    for (size_t i = 0; i < change->n_accounts; i++)
        buf_format(&list, "%s%.*s", i ? ", " : "", STR_ARG(change->accounts[i]));
    *text = str_format(call->arena, "%.*s has %s%.*s", STR_ARG(person->name),
                       list.len ? "the system accounts " : "no system account but of that name",
                       STR_ARG(buf_text(&list)));
    return true;
}

static int run(struct invocation *call)
{
    static const struct managing_change change = {T("changing the accounts of a user"), make};
    return managing_change(call, &change);
}

static const struct option options[] = {ACCOUNT_ROW};

static const struct example examples[] = {
    {T("sallyport user account bob --account 'CONTOSO\\bob' --account bsmith"),
     T("Both are Bob's; what they do without a login is Bob's doing.")                                                      },
    {T("sallyport user account bob"),                                           T("None but an account that is called bob.")},
};

const struct command user_account_command = {
    .name = T("user account"),
    .summary = T("Say which system accounts are a user's"),
    .arguments = T("NAME"),
    .least_arguments = 1,
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("The accounts given take the place of those that were known. Who runs the program "
                 "with one of them and without a token acts as that user: with the user's roles, "
                 "never as admin, and recorded as not logged in. An account of the user's own name "
                 "is theirs anyway."),
    .run = run,
};
