/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/amending.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct deciding_right right = {
    .roles = PEOPLE_ROLE(OPERATOR),
    .what = T("asking for a narrowing"),
};

/* What is not said stays as it is. */
static bool read_words(struct deciding *d, const struct book_exception *e, struct amending *out,
                       int *status)
{
    struct exception_entry *entry = &out->entry;
    struct invocation *call = d->call;
    struct scope_words words = {0};
    struct err err = {0};
    if (!deciding_text(d, S("reason"), &entry->reason, status)) return false;
    if (!exception_entry_scope_read(e->scope, call->arena, &words, &err)) {
        *status = command_fail(call, &err);
        return false;
    }
    if (option_given(call, S("from"))) words.from = option_texts(call, S("from"), &words.n_from);
    if (option_given(call, S("to"))) words.to = option_texts(call, S("to"), &words.n_to);
    if (option_given(call, S("service")))
        words.service = option_texts(call, S("service"), &words.n_service);
    if (option_given(call, S("secure"))) words.secure = option_text(call, S("secure"));
    if (option_given(call, S("name"))) words.name = option_text(call, S("name"));
    entry->scope = exception_entry_scope_json(&words, call->arena);
    entry->expires = e->expires;
    entry->expires_us = e->expires_us;
    entry->has_expires_at = true;
    return true;
}

static int run(struct invocation *call)
{
    struct deciding *d = arena_new(call->arena, struct deciding);
    struct amending amending = {.ask = BOOK_NARROWING, .right = &right};
    const struct book_exception *e = NULL;
    int status = EXIT_FAILED;
    if (deciding_open(call, true, d, &status) && deciding_find(d, &e, &status) &&
        read_words(d, e, &amending, &status))
        status = amending_save(d, e, &amending);
    deciding_end(d);
    return status;
}

static const struct option options[] = {
    FROM_ROW,
    TO_ROW,
    SERVICE_ROW,
    SECURE_ROW,
    {.name = T("name"),
      .type = OPTION_TEXT,
      .value = T("TEXT"),
      .help = T("what it is called in rules")},
    REASON_ROW,
    DRY_RUN_ROW,
};

static const struct example examples[] = {
    {T("sallyport exception narrow EX-1 --from 10.10.4.7 --to 10.20.0.21 --service smb --reason "
       "\"the only client that used it\""),
     T("Ask for one client instead of a segment")},
};

const struct command exception_narrow_command = {
    .name = T("exception narrow"),
    .summary = T("Ask for less than what is open"),
    .arguments = T("ID"),
    .least_arguments = 1,
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("The new scope must open nothing that the old one does not: the engine decides "
                 "that, for every address. It goes through approval; until then what was in force "
                 "stays. \"exception show\" tells the narrowest form that the evidence supports."),
    .run = run,
};
