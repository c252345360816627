/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deciding.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static int revoke(struct deciding *d)
{
    const struct book_exception *e = NULL;
    int status = EXIT_FAILED;
    if (!deciding_begin(d, &status) || !deciding_find(d, &e, &status)) return status;
    struct exception_entry entry = deciding_entry(d, LEDGER_REVOKED, e->id);
    if (!deciding_text(d, S("reason"), &entry.reason, &status)) return status;
    const struct deciding_right right = {
        .roles = PEOPLE_ROLE(APPROVER) | PEOPLE_ROLE(ADMIN),
        .people = {e->owner, e->deputy, e->in_force ? (str){0} : e->requested.by.person},
        .what = T("revoking somebody else's exception"),
    };
    return deciding_decide(d, &right, &entry, S("revoked"));
}

static int run(struct invocation *call)
{
    struct deciding *d = arena_new(call->arena, struct deciding);
    int status = EXIT_FAILED;
    if (deciding_open(call, false, d, &status)) status = revoke(d);
    deciding_end(d);
    return status;
}

static const struct option options[] = {
    REASON_ROW,
};

static const struct example examples[] = {
    {T("sallyport exception revoke EX-1 --reason \"the scanner was replaced\""), T("End it")},
};

const struct command exception_revoke_command = {
    .name = T("exception revoke"),
    .summary = T("End an exception now, or withdraw a request"),
    .arguments = T("ID"),
    .least_arguments = 1,
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("From now on it opens nothing; \"exception due\" compiles what takes it out of "
                 "firewalls. Its owner, their deputy, whoever requested it (while it waits for "
                 "approval), any approver and any admin may. A revoked one can not be renewed."),
    .run = run,
};
