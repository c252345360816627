/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deciding.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static int transfer(struct deciding *d)
{
    const struct book_exception *e = NULL;
    int status = EXIT_FAILED;
    if (!deciding_begin(d, &status) || !deciding_find(d, &e, &status)) return status;
    struct exception_entry entry = deciding_entry(d, LEDGER_TRANSFERRED, e->id);
    if (!deciding_text(d, S("owner"), &entry.owner, &status)) return status;
    entry.owner = deciding_person(d, entry.owner);
    entry.reason = option_text(d->call, S("reason"));
    if (option_given(d->call, S("deputy")))
        entry.deputy = deciding_person(d, option_text(d->call, S("deputy")));
    else if (!actor_same_person(e->deputy, entry.owner))
        entry.deputy = e->deputy;
    const struct deciding_right right = {
        .roles = PEOPLE_ROLE(ADMIN),
        .people = {e->owner, e->deputy},
        .what = T("transferring somebody else's exception"),
    };
    return deciding_decide(d, &right, &entry,
                           str_format(d->call->arena, "transferred to %.*s", STR_ARG(entry.owner)));
}

static int run(struct invocation *call)
{
    struct deciding *d = arena_new(call->arena, struct deciding);
    int status = EXIT_FAILED;
    if (deciding_open(call, false, d, &status)) status = transfer(d);
    deciding_end(d);
    return status;
}

static const struct option options[] = {
    {.name = T("owner"),
     .type = OPTION_TEXT,
     .value = T("PERSON"),
     .help = T("who answers for it from now on")          },
    {.name = T("deputy"),
     .type = OPTION_TEXT,
     .value = T("PERSON"),
     .help = T("who answers for it while the owner can't")},
    REASON_ROW,
};

static const struct example examples[] = {
    {T("sallyport exception transfer EX-1 --owner carol"), T("Carol answers for it from now on")},
};

const struct command exception_transfer_command = {
    .name = T("exception transfer"),
    .summary = T("Give an exception to another owner"),
    .arguments = T("ID"),
    .least_arguments = 1,
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("Its owner, their deputy and any admin may. Nobody who approved what is in force "
                 "can become its owner or deputy. Without --deputy the deputy stays."),
    .run = run,
};
