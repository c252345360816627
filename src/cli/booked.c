/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/booked.h"

#include "base/instant.h"
#include "cli/deciding_print.h"
#include "cli/granted.h"
#include "cli/leavers.h"
#include "cli/policy_file.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- Reading ------------------------------------------------------------------------------------
 */

/* A date of --as-of is in the policy's zone; the policy is asked for nothing else here. */
static void settle_date(struct invocation *call)
{
    struct policy_file *file = arena_new(call->arena, struct policy_file);
    int status = EXIT_FINE;
    if (!call->as_of_is_date || policy_file_load(call, file, &status)) return;
    buf_str(call->talk, S("without a policy, the date is its midnight in UTC\n"));
}

bool booked_read(struct invocation *call, struct exception_book *out, struct ledger **ledger,
                 int *status)
{
    struct err err = {0};
    settle_date(call);
    *out = (struct exception_book){.as_of_us = call->as_of_us, .governance = governance_default()};
    *ledger = NULL;
    *status = EXIT_FAILED;
    if (!ledger_exists(call->os, call->workspace, call->arena)) return true;
    bool good = acting_ledger(call, LEDGER_READ, ledger, &err) &&
                granted_read(call, *ledger, call->as_of_us, out, &err);
    if (good)
        granted_say_faults(call, out);
    else {
        (void)command_fail(call, &err);
        if (*ledger) ledger_close(*ledger);
        *ledger = NULL;
    }
    return good;
}

/* ---- Lists --------------------------------------------------------------------------------------
 */

bool booked_is_alarm(const struct book_exception *e)
{
    bool open = e->state == BOOK_PENDING || e->state == BOOK_SCHEDULED || e->state == BOOK_ACTIVE;
    return e->break_glass && (open || e->next_review_us);
}

static bool has_end_ahead(const struct book_exception *e)
{
    return e->state == BOOK_PENDING || e->state == BOOK_SCHEDULED || e->state == BOOK_ACTIVE;
}

/* Why nobody answers for it any more: its owner has left, as far as anybody knows. Nobody needs to
 * answer for what is over and can't come back. */
static str orphaned(const struct leavers *leavers, const struct book_exception *e,
                    struct arena *arena)
{
    bool is_over = e->state == BOOK_REJECTED || e->state == BOOK_REVOKED ||
                   e->state == BOOK_LAPSED || e->state == BOOK_EXPIRED;
    str why = {0};
    if (is_over || !leavers_known(leavers)) return why;
    return leavers_has_left(leavers, e->owner, arena, &why) ? why : (str){0};
}

/* Whole days; on the last one, 0. */
static str days_left(const struct book_exception *e, int64_t now_us, struct arena *arena)
{
    if (!has_end_ahead(e)) return (str){0};
    return str_format(arena, "%" PRId64, (e->expires_us - now_us) / INSTANT_DAY);
}

static enum table_tone days_tone(const struct book_exception *e, int64_t now_us)
{
    enum { SOON_DAYS = 7 };
    int64_t left_us = e->expires_us - now_us;
    if (!has_end_ahead(e)) return TONE_DIM;
    return left_us < SOON_DAYS * INSTANT_DAY ? TONE_WARN : TONE_PLAIN;
}

static str day_of(int64_t us, struct arena *arena)
{
    char text[INSTANT_TEXT];
    return us ? str_copy(arena, str_head(instant_text(text, us), 10)) : (str){0};
}

static str state_text(const struct book_exception *e, struct arena *arena)
{
    str state = exception_book_state_text(e->state);
    if (e->open && e->open->ask != BOOK_FIRST)
        return str_format(arena, "%.*s, %.*s asked", STR_ARG(state),
                          STR_ARG(exception_book_ask_text(e->open->ask)));
    return state;
}

static void add_row(struct table *table, const struct book_exception *e, int64_t now_us,
                    bool is_orphan)
{
    struct arena *arena = table->arena;
    bool alarm = booked_is_alarm(e);
    enum table_tone tone = deciding_print_state_tone(e->state);
    str id = alarm ? str_format(arena, "%.*s BREAK GLASS", STR_ARG(e->id)) : e->id;
    bool review_is_late = e->next_review_us && e->next_review_us <= now_us;
    table_add_toned(table, id, alarm ? TONE_BAD : TONE_STRONG);
    table_add_toned(table, state_text(e, arena), alarm ? TONE_BAD : tone);
    table_add_toned(table,
                    is_orphan ? str_format(arena, "%.*s (has left)", STR_ARG(e->owner)) : e->owner,
                    is_orphan ? TONE_BAD : TONE_PLAIN);
    table_add_toned(table, deciding_print_scope_text(e->scope, arena),
                    tone == TONE_DIM ? TONE_DIM : TONE_PLAIN);
    table_add_toned(table, days_left(e, now_us, arena), days_tone(e, now_us));
    table_add(table, e->expires);
    table_add_toned(table, day_of(e->next_review_us, arena),
                    review_is_late ? TONE_BAD : TONE_PLAIN);
}

static void print_text(struct invocation *call, const struct exception_book *book,
                       const struct leavers *leavers, const struct book_exception *const *list,
                       size_t n)
{
    static const struct table_column columns[] = {
        {T("id"),          ALIGN_LEFT,  0 },
        {T("state"),       ALIGN_LEFT,  0 },
        {T("owner"),       ALIGN_LEFT,  24},
        {T("opens"),       ALIGN_LEFT,  48},
        {T("days left"),   ALIGN_RIGHT, 0 },
        {T("ends"),        ALIGN_LEFT,  20},
        {T("next review"), ALIGN_LEFT,  0 },
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < n; i++)
        add_row(&table, list[i], book->as_of_us, orphaned(leavers, list[i], call->arena).len > 0);
    if (n)
        table_print_text(&table, call->out, call->colour);
    else
        buf_str(call->out, S("no exceptions\n"));
}

static void print_csv(struct invocation *call, const struct exception_book *book,
                      const struct leavers *leavers, const struct book_exception *const *list,
                      size_t n)
{
    static const struct table_column columns[] = {
        {T("id"),          ALIGN_LEFT, 0},
        {T("state"),       ALIGN_LEFT, 0},
        {T("break_glass"), ALIGN_LEFT, 0},
        {T("owner"),       ALIGN_LEFT, 0},
        {T("deputy"),      ALIGN_LEFT, 0},
        {T("opens"),       ALIGN_LEFT, 0},
        {T("reason"),      ALIGN_LEFT, 0},
        {T("ticket"),      ALIGN_LEFT, 0},
        {T("days_left"),   ALIGN_LEFT, 0},
        {T("expires"),     ALIGN_LEFT, 0},
        {T("next_review"), ALIGN_LEFT, 0},
        {T("orphaned"),    ALIGN_LEFT, 0},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < n; i++) {
        const struct book_exception *e = list[i];
        const str cells[] = {
            e->id,
            exception_book_state_text(e->state),
            e->break_glass ? S("true") : S("false"),
            e->owner,
            e->deputy,
            deciding_print_scope_text(e->scope, call->arena),
            e->reason,
            e->ticket,
            days_left(e, book->as_of_us, call->arena),
            e->expires,
            day_of(e->next_review_us, call->arena),
            orphaned(leavers, e, call->arena),
        };
        for (size_t j = 0; j < COUNT_OF(cells); j++)
            table_add(&table, cells[j]);
    }
    table_print_csv(&table, call->out);
}

static void print_json(struct invocation *call, const struct exception_book *book,
                       const struct leavers *leavers, const struct book_exception *const *list,
                       size_t n)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_key(&json, S("as_of"));
    json_instant(&json, book->as_of_us);
    json_member_u64(&json, S("passed_over"), book->n_faults_all);
    json_key(&json, S("exceptions"));
    json_array(&json);
    for (size_t i = 0; i < n; i++) {
        json_object(&json);
        deciding_print_json_exception(&json, list[i]);
        json_member_str_or_null(&json, S("orphaned"), orphaned(leavers, list[i], call->arena));
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

void booked_warn_orphans(struct invocation *call, struct ledger *ledger,
                         const struct book_exception *const *list, size_t n)
{
    struct leavers leavers;
    if (!leavers_load(call, ledger, &leavers)) return;
    for (size_t i = 0; i < n; i++) {
        str why = orphaned(&leavers, list[i], call->arena);
        if (!why.len) continue;
        table_tone(call->talk, S("orphaned: "), TONE_WARN, call->talk_colour);
        struct buf text = buf_in(call->arena);
        buf_format(&text, "%.*s: its owner %.*s (sallyport exception transfer %.*s)",
                   STR_ARG(list[i]->id), STR_ARG(why), STR_ARG(list[i]->id));
        table_tone(call->talk, buf_text(&text), TONE_PLAIN, call->talk_colour);
        buf_char(call->talk, '\n');
    }
}

bool booked_print(struct invocation *call, const struct exception_book *book, struct ledger *ledger,
                  const struct book_exception *const *list, size_t n)
{
    struct leavers leavers;
    if (!leavers_load(call, ledger, &leavers)) return false;
    const struct book_exception **sorted =
        arena_array(call->arena, const struct book_exception *, n + 1);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        if (booked_is_alarm(list[i])) sorted[at++] = list[i];
    for (size_t i = 0; i < n; i++)
        if (!booked_is_alarm(list[i])) sorted[at++] = list[i];
    switch (call->format) {
    case FORMAT_TEXT:
        print_text(call, book, &leavers, sorted, n);
        break;
    case FORMAT_CSV:
        print_csv(call, book, &leavers, sorted, n);
        break;
    case FORMAT_JSON:
        print_json(call, book, &leavers, sorted, n);
        break;
    }
    return true;
}
