/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/amending.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct deciding_right right = {
    .roles = PEOPLE_ROLE(OPERATOR),
    .what = T("asking for a renewal"),
};

static bool read_words(struct deciding *d, const struct book_exception *e, struct amending *out,
                       int *status)
{
    struct exception_entry *entry = &out->entry;
    struct err err = {0};
    str expires = {0};
    int64_t from_us = e->starts_us > d->call->now_us ? e->starts_us : d->call->now_us;
    if (!deciding_text(d, S("expires"), &expires, status) ||
        !deciding_text(d, S("reason"), &entry->reason, status))
        return false;
    entry->has_expires_at = true;
    if (deciding_time(d, expires, true, from_us, &entry->expires, &entry->expires_us, &err))
        return true;
    *status = command_fail(d->call, &err);
    return false;
}

static int run(struct invocation *call)
{
    struct deciding *d = arena_new(call->arena, struct deciding);
    struct amending amending = {.ask = BOOK_RENEWAL, .right = &right};
    const struct book_exception *e = NULL;
    int status = EXIT_FAILED;
    if (deciding_open(call, true, d, &status) && deciding_find(d, &e, &status) &&
        read_words(d, e, &amending, &status))
        status = amending_save(d, e, &amending);
    deciding_end(d);
    return status;
}

static const struct option options[] = {
    EXPIRES_ROW,
    REASON_ROW,
    DRY_RUN_ROW,
};

static const struct example examples[] = {
    {T("sallyport exception renew EX-1 --expires 30d --reason \"the firmware is late\""),
     T("Ask for thirty more days from now on")},
};

const struct command exception_renew_command = {
    .name = T("exception renew"),
    .summary = T("Ask for a later end"),
    .arguments = T("ID"),
    .least_arguments = 1,
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("It goes through approval again, whether it has expired or not, and by people who "
                 "neither asked for the renewal nor own it. Until then what was in force stays, "
                 "and its end stays. One that had expired is open again from its approval on. One "
                 "made with --break-glass can not be renewed."),
    .run = run,
};
