/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/booked.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static bool is_wanted(struct invocation *call, const struct book_exception *e)
{
    size_t n = 0;
    const str *states = option_texts(call, S("state"), &n);
    str owner = option_text(call, S("owner"));
    bool fits = n == 0;
    for (size_t i = 0; i < n; i++)
        fits |= str_equal(states[i], exception_book_state_text(e->state));
    return fits && (!owner.len || actor_same_person(owner, e->owner));
}

static int run(struct invocation *call)
{
    struct exception_book book;
    struct ledger *ledger = NULL;
    int status = EXIT_FAILED;
    size_t n = 0;
    if (!booked_read(call, &book, &ledger, &status)) return status;
    const struct book_exception **list =
        arena_array(call->arena, const struct book_exception *, book.n + 1);
    for (size_t i = 0; i < book.n; i++)
        if (is_wanted(call, &book.items[i])) list[n++] = &book.items[i];
    booked_print(call, &book, list, n);
    booked_warn_orphans(call, ledger, list, n);
    if (ledger) ledger_close(ledger);
    return EXIT_FINE;
}

static const struct option options[] = {
    {.name = T("state"),
     .type = OPTION_CHOICE,
     .many = true,
     .value = T("STATE"),
     .choices = T("pending|lapsed|rejected|scheduled|active|expired|revoked"),
     .help = T("those alone; may be given more than once")},
    {.name = T("owner"),
     .type = OPTION_TEXT,
     .value = T("PERSON"),
     .help = T("those that this person answers for")},
};

static const struct example examples[] = {
    {T("sallyport exception list --state active"),     T("What is open now, and until when")},
    {T("sallyport exception list --as-of 2026-10-01"), T("What was open then")              },
};

const struct command exception_list_command = {
    .name = T("exception list"),
    .summary = T("List exceptions, with their end and next review"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("All of them, those made with --break-glass first while they are open or nobody "
                 "has looked at them. Days left are whole days until the end. The list is read "
                 "through the ledger's index and nothing is verified for it: \"ledger verify\" "
                 "does that, and every command that lets an exception through."),
    .run = run,
};
