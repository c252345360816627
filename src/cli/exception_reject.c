/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deciding.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static int reject(struct deciding *d)
{
    const struct book_exception *e = NULL;
    const struct deciding_right right = {
        .roles = PEOPLE_ROLE(APPROVER),
        .what = T("rejecting an exception"),
    };
    int status = EXIT_FAILED;
    if (!deciding_begin(d, &status) || !deciding_find(d, &e, &status)) return status;
    struct exception_entry entry = deciding_entry(d, LEDGER_REJECTED, e->id);
    if (!deciding_text(d, S("reason"), &entry.reason, &status)) return status;
    entry.request = e->open ? e->open->act.entry : 0;
    return deciding_decide(d, &right, &entry, S("rejected"));
}

static int run(struct invocation *call)
{
    struct deciding *d = arena_new(call->arena, struct deciding);
    int status = EXIT_FAILED;
    if (deciding_open(call, false, d, &status)) status = reject(d);
    deciding_end(d);
    return status;
}

static const struct option options[] = {
    REASON_ROW,
};

static const struct example examples[] = {
    {T("sallyport exception reject EX-1 --reason \"the vendor has a newer firmware\""),
     T("Say no")},
};

const struct command exception_reject_command = {
    .name = T("exception reject"),
    .summary = T("Refuse a request, and say why"),
    .arguments = T("ID"),
    .least_arguments = 1,
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("What was asked for is not granted. Of a first request that is its end; of a "
                 "renewal or a narrowing, what was in force before stays. Who requested it "
                 "withdraws it by \"exception revoke\"."),
    .run = run,
};
