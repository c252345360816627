/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/granted.h"
#include "cli/reviewing.h"
#include "report/scope_words.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct table_column columns[] = {
    {T("exception"), ALIGN_LEFT, 0 },
    {T("owner"),     ALIGN_LEFT, 30},
    {T("proposal"),  ALIGN_LEFT, 0 },
    {T("because"),   ALIGN_LEFT, 60},
    {T("decision"),  ALIGN_LEFT, 0 },
    {T("by"),        ALIGN_LEFT, 30},
    {T("note"),      ALIGN_LEFT, 40},
};

struct showing {
    struct invocation *call;
    const struct review *review;
    const struct exception_book *book; /* now: who owns it */
};

static str owner_of(const struct showing *s, const struct review_item *item)
{
    const struct book_exception *e = exception_book_find(s->book, item->id);
    return e ? e->owner : (str){0};
}

static str by_text(const struct showing *s, const struct review_item *item)
{
    if (!item->decision || str_equal(item->decided_by, item->recorded_by)) return item->decided_by;
    return str_format(s->call->arena, "%.*s, recorded by %.*s", STR_ARG(item->decided_by),
                      STR_ARG(item->recorded_by));
}

static struct table table_made(const struct showing *s)
{
    struct table table = table_of(s->call->arena, columns, COUNT_OF(columns));
    bool late = review_is_overdue(s->review, s->call->as_of_us);
    for (size_t i = 0; i < s->review->n; i++) {
        const struct review_item *item = &s->review->items[i];
        str owner = owner_of(s, item);
        if (item->is_orphaned)
            owner = str_format(s->call->arena, "%.*s (has left)", STR_ARG(owner));
        table_add_toned(&table, item->id, TONE_STRONG);
        table_add_toned(&table, owner, item->is_orphaned ? TONE_BAD : TONE_PLAIN);
        table_add(&table, item->proposal);
        table_add(&table, item->because);
        if (item->decision)
            table_add_toned(&table, review_decision_text(item->decision), TONE_GOOD);
        else
            table_add_toned(&table, S("undecided"), late ? TONE_BAD : TONE_WARN);
        table_add(&table, by_text(s, item));
        table_add(&table, item->note);
    }
    return table;
}

static void print_head(const struct showing *s)
{
    const struct review *review = s->review;
    struct invocation *call = s->call;
    struct buf *out = call->out;
    table_tone(out, review->id, TONE_STRONG, call->colour);
    buf_format(out, ": started %.*s, ", STR_ARG(reviewing_day(review->started_us, call->arena)));
    str due = reviewing_day(review->due_us, call->arena);
    if (review->closed_us) {
        buf_format(out, "closed %.*s\n", STR_ARG(reviewing_day(review->closed_us, call->arena)));
    } else if (review_is_overdue(review, call->as_of_us)) {
        table_tone(out, str_format(call->arena, "overdue since %.*s", STR_ARG(due)), TONE_BAD,
                   call->colour);
        buf_char(out, '\n');
    } else
        buf_format(out, "to be decided until %.*s\n", STR_ARG(due));
    buf_format(out, "%zu of %zu exceptions decided\n\n", review->n - review->n_undecided,
               review->n);
}

static void print_scopes(const struct showing *s)
{
    struct buf *out = s->call->out;
    for (size_t i = 0; i < s->review->n; i++) {
        const struct review_item *item = &s->review->items[i];
        if (item->decision) continue;
        if (item->scope.len)
            buf_format(out, "%.*s narrower: %.*s\n", STR_ARG(item->id),
                       STR_ARG(scope_words(item->scope, s->call->arena)));
        if (item->line.len)
            buf_format(out, "%.*s as a line of the policy: %.*s\n", STR_ARG(item->id),
                       STR_ARG(item->line));
    }
}

static void print_item(struct json *json, const struct showing *s, const struct review_item *item)
{
    json_object(json);
    json_member_str(json, S("exception"), item->id);
    json_member_str_or_null(json, S("owner"), owner_of(s, item));
    json_member_bool(json, S("orphaned"), item->is_orphaned);
    json_member_str(json, S("proposal"), item->proposal);
    json_member_str_or_null(json, S("because"), item->because);
    json_member_str_or_null(json, S("new_scope"),
                            item->scope.len ? scope_words(item->scope, s->call->arena) : (str){0});
    json_member_str_or_null(json, S("policy_line"), item->line);
    json_key(json, S("connections"));
    if (item->has_use)
        json_u64(json, item->connections);
    else
        json_null(json);
    json_key(json, S("last_use"));
    if (item->last_use_us)
        json_instant(json, item->last_use_us);
    else
        json_null(json);
    json_member_str_or_null(json, S("decision"), review_decision_text(item->decision));
    json_member_str_or_null(json, S("decided_by"), item->decided_by);
    json_member_str_or_null(json, S("recorded_by"), item->recorded_by);
    json_key(json, S("decided"));
    if (item->decision)
        json_instant(json, item->decided_us);
    else
        json_null(json);
    json_member_str_or_null(json, S("note"), item->note);
    json_object_end(json);
}

static void print_json(const struct showing *s)
{
    const struct review *review = s->review;
    struct json json = json_to(s->call->out);
    json_object(&json);
    json_member_str(&json, S("review"), review->id);
    json_member_str(&json, S("month"), review->month);
    json_key(&json, S("started"));
    json_instant(&json, review->started_us);
    json_key(&json, S("due"));
    json_instant(&json, review->due_us);
    json_member_bool(&json, S("overdue"), review_is_overdue(review, s->call->as_of_us));
    json_key(&json, S("closed"));
    if (review->closed_us)
        json_instant(&json, review->closed_us);
    else
        json_null(&json);
    json_member_u64(&json, S("undecided"), review->n_undecided);
    json_key(&json, S("exceptions"));
    json_array(&json);
    for (size_t i = 0; i < review->n; i++)
        print_item(&json, s, &review->items[i]);
    json_array_end(&json);
    json_object_end(&json);
    buf_char(s->call->out, '\n');
}

static bool no_such_review(struct invocation *call, const struct review_book *book, str id,
                           struct err *err)
{
    str *ids = arena_array(call->arena, str, book->n + 1);
    for (size_t i = 0; i < book->n; i++)
        ids[i] = book->items[i].id;
    return err_set(err, ERR_NOT_FOUND, "there is no review \"%.*s\"%.*s", STR_ARG(id),
                   STR_ARG(command_suggest(call->arena, id, ids, book->n)));
}

static int run(struct invocation *call)
{
    struct ledger *ledger = NULL;
    struct review_book reviews;
    struct exception_book book;
    struct err err = {0};
    if (!acting_ledger(call, LEDGER_READ, &ledger, &err)) return command_fail(call, &err);
    bool good = review_book_read(ledger, call->as_of_us, call->arena, &reviews, &err) &&
                granted_read(call, ledger, call->as_of_us, &book, &err);
    ledger_close(ledger);
    if (!good) return command_fail(call, &err);
    str id = call->arguments[0];
    struct showing s = {call, review_book_find(&reviews, id), &book};
    if (!s.review) {
        no_such_review(call, &reviews, id, &err);
        return command_fail(call, &err);
    }
    struct table table = table_made(&s);
    if (call->format == FORMAT_JSON)
        print_json(&s);
    else if (call->format == FORMAT_CSV)
        table_print_csv(&table, call->out);
    else {
        print_head(&s);
        if (s.review->n) table_print_text(&table, call->out, call->colour);
        print_scopes(&s);
    }
    return review_is_overdue(s.review, call->as_of_us) ? EXIT_NO : EXIT_FINE;
}

static const struct example examples[] = {
    {T("sallyport review show RV-2026-11"), T("What is decided of a review's exceptions.")},
};

const struct command review_show_command = {
    .name = T("review show"),
    .summary = T("Show a review: each exception, what was proposed, who decided what"),
    .arguments = T("ID"),
    .least_arguments = 1,
    .most_arguments = 1,
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("The exit status is 1 when the review is overdue."),
    .run = run,
};
