/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reviewing.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct table_column columns[] = {
    {T("review"),     ALIGN_LEFT,  0},
    {T("started"),    ALIGN_LEFT,  0},
    {T("due"),        ALIGN_LEFT,  0},
    {T("exceptions"), ALIGN_RIGHT, 0},
    {T("undecided"),  ALIGN_RIGHT, 0},
    {T("state"),      ALIGN_LEFT,  0},
};

static str state_text(const struct review *review, int64_t at_us)
{
    if (review->closed_us) return S("closed");
    return review_is_overdue(review, at_us) ? S("overdue") : S("open");
}

static enum table_tone state_tone(const struct review *review, int64_t at_us)
{
    if (review->closed_us) return TONE_DIM;
    return review_is_overdue(review, at_us) ? TONE_BAD : TONE_PLAIN;
}

static void print_table(struct invocation *call, const struct review_book *book)
{
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < book->n; i++) {
        const struct review *review = &book->items[i];
        enum table_tone tone = state_tone(review, call->as_of_us);
        table_add_toned(&table, review->id, tone == TONE_BAD ? TONE_BAD : TONE_STRONG);
        table_add(&table, reviewing_day(review->started_us, call->arena));
        table_add_toned(&table, reviewing_day(review->due_us, call->arena), tone);
        table_add_u64(&table, review->n);
        table_add_u64(&table, review->n_undecided);
        table_add_toned(&table, state_text(review, call->as_of_us), tone);
    }
    if (call->format == FORMAT_CSV)
        table_print_csv(&table, call->out);
    else if (book->n)
        table_print_text(&table, call->out, call->colour);
    else
        buf_str(call->out, S("no review was started yet: \"sallyport review start --monthly\"\n"));
}

static void print_json(struct invocation *call, const struct review_book *book)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_key(&json, S("reviews"));
    json_array(&json);
    for (size_t i = 0; i < book->n; i++) {
        const struct review *review = &book->items[i];
        json_object(&json);
        json_member_str(&json, S("review"), review->id);
        json_member_str(&json, S("month"), review->month);
        json_member_str(&json, S("state"), state_text(review, call->as_of_us));
        json_key(&json, S("started"));
        json_instant(&json, review->started_us);
        json_key(&json, S("due"));
        json_instant(&json, review->due_us);
        json_key(&json, S("closed"));
        if (review->closed_us)
            json_instant(&json, review->closed_us);
        else
            json_null(&json);
        json_member_u64(&json, S("exceptions"), review->n);
        json_member_u64(&json, S("undecided"), review->n_undecided);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

static int run(struct invocation *call)
{
    struct ledger *ledger = NULL;
    struct review_book book;
    struct err err = {0};
    size_t n_overdue = 0;
    if (!acting_ledger(call, LEDGER_READ, &ledger, &err)) return command_fail(call, &err);
    bool good = review_book_read(ledger, call->as_of_us, call->arena, &book, &err);
    ledger_close(ledger);
    if (!good) return command_fail(call, &err);
    for (size_t i = 0; i < book.n; i++)
        n_overdue += review_is_overdue(&book.items[i], call->as_of_us);
    if (call->format == FORMAT_JSON)
        print_json(call, &book);
    else
        print_table(call, &book);
    return n_overdue ? EXIT_NO : EXIT_FINE;
}

static const struct example examples[] = {
    {T("sallyport review list"), T("All reviews; those past their due date are overdue.")},
};

const struct command review_list_command = {
    .name = T("review list"),
    .summary = T("List the reviews of exceptions, and which are overdue"),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("Says nothing of whether the ledger verifies: \"sallyport ledger verify\" does. "
                 "The exit status is 1 when a review is overdue."),
    .run = run,
};
