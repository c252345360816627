/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/booked.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static int run(struct invocation *call)
{
    const int64_t day_us = INT64_C(86400000000);
    struct exception_book book;
    struct ledger *ledger = NULL;
    int status = EXIT_FAILED;
    size_t n = 0;
    if (!booked_read(call, &book, &ledger, &status)) return status;
    int64_t until_us = call->as_of_us + (int64_t)option_count(call, S("days")) * day_us;
    const struct book_exception **list =
        arena_array(call->arena, const struct book_exception *, book.n + 1);
    for (size_t i = 0; i < book.n; i++)
        if (book.items[i].next_review_us && book.items[i].next_review_us <= until_us)
            list[n++] = &book.items[i];
    bool good = booked_print(call, &book, ledger, list, n);
    if (ledger) ledger_close(ledger);
    if (!good) return EXIT_FAILED;
    if (n && call->format == FORMAT_TEXT)
        buf_str(call->out, S("next: sallyport review start --monthly\n"));
    return n ? EXIT_NO : EXIT_FINE;
}

static const struct option options[] = {
    {.name = T("days"),
     .type = OPTION_COUNT,
     .value = T("N"),
     .fallback = T("0"),
     .high = 3660,
     .help = T("also those that will be due within so many days")},
};

static const struct example examples[] = {
    {T("sallyport exception review"),          T("Whose review is due, or overdue")},
    {T("sallyport exception review --days 7"), T("Those of the next week, too")    },
};

const struct command exception_review_command = {
    .name = T("exception review"),
    .summary = T("List exceptions whose review is due"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("An exception is looked at in the interval that it was requested with, and at "
                 "least as often as the policy's governance says; one made with --break-glass the "
                 "day after it was granted, even when it is over. \"review start\" makes the sheet "
                 "on which owners decide.\n\nExit status 1: some are due."),
    .run = run,
};
