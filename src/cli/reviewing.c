/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reviewing.h"

#include "base/instant.h"
#include "base/zone.h"
#include "cli/granted.h"
#include "cli/leavers.h"
#include "cli/workspace.h"
#include "report/scope_words.h"

/* Exceptions that ended longer ago than a quarter are history, unless they were break-glass. */
enum { RECENT_DAYS = 92 };

str reviewing_day(int64_t at_us, struct arena *arena)
{
    char text[INSTANT_TEXT];
    return str_copy(arena, str_head(instant_text(text, at_us), 10));
}

/* ---- What is known ------------------------------------------------------------------------------
 */

/* With a policy to ask by. */
static bool measure(struct invocation *call, struct reviewing *about)
{
    struct err err = {0};
    if (!about->can_measure) return true;
    size_t first = about->file->found.n;
    bool good = measured_use_of_workspace(call, about->file, &about->book, &about->use, &err);
    policy_file_print(call->talk, call->arena, call->talk_colour, about->file->source,
                      about->file->policy.text, &about->file->found, first);
    if (!good) (void)command_fail(call, &err);
    return good;
}

static bool find_leavers(struct invocation *call, struct ledger *ledger, struct reviewing *about)
{
    struct leavers leavers;
    str why;
    if (!leavers_load(call, ledger, &leavers)) return false;
    about->has_directory = leavers_known(&leavers);
    for (size_t i = 0; i < about->book.n; i++)
        about->is_orphaned[i] =
            leavers_has_left(&leavers, about->book.items[i].owner, call->arena, &why);
    return true;
}

/* Those of the ledger, in the policy's words. One that lives and does not fit them any more is
 * said; the review goes on, and how exceptions were used is not known then. */
static bool parse_granted(struct invocation *call, struct reviewing *about)
{
    struct policy_file *file = about->file;
    struct err err = {0};
    const struct zone *zone = zone_find(call->os, file->policy.timezone, call->arena, &err);
    size_t first = file->found.n;
    if (!zone) {
        (void)command_fail(call, &err);
        return false;
    }
    about->can_measure = granted_parse(&about->book, zone, call->arena, &file->policy,
                                       &file->exceptions, &file->found);
    policy_file_print(call->talk, call->arena, call->talk_colour, file->source, file->policy.text,
                      &file->found, first);
    return true;
}

static bool load_policy(struct invocation *call, struct reviewing *about, int *status)
{
    str path = command_path(call, S("policy.yaml"));
    bool given = option_given(call, S("policy"));
    about->has_policy = given || call->os->kind(call->os->self, path) != OS_MISSING;
    if (!about->has_policy) return true;
    about->file = arena_new(call->arena, struct policy_file);
    if (!policy_file_load(call, about->file, status)) return false;
    *status = EXIT_FAILED;
    return parse_granted(call, about) && policy_file_resolve(call, about->file, NULL, true, status);
}

bool reviewing_load(struct invocation *call, struct ledger *ledger, int64_t at_us,
                    struct reviewing *out, int *status)
{
    struct reviewing about = {0};
    struct err err = {0};
    *status = EXIT_FAILED;
    if (!granted_read(call, ledger, at_us, &about.book, &err)) {
        (void)command_fail(call, &err);
        return false;
    }
    about.is_orphaned = arena_array(call->arena, bool, about.book.n + 1);
    if (!find_leavers(call, ledger, &about) || !load_policy(call, &about, status)) return false;
    *status = EXIT_FAILED;
    if (!measure(call, &about)) return false;
    *out = about;
    return true;
}

/* ---- What a review asks about -------------------------------------------------------------------
 */

bool reviewing_is_unclosed(const struct book_exception *e)
{
    return e->state == BOOK_EXPIRED && e->last_review_us < e->expires_us;
}

bool reviewing_asks(const struct exception_book *book, const struct book_exception *e)
{
    if (e->state == BOOK_ACTIVE || e->state == BOOK_SCHEDULED) return true;
    if (!reviewing_is_unclosed(e)) return false;
    return e->break_glass || e->expires_us >= book->as_of_us - RECENT_DAYS * INSTANT_DAY;
}

const struct exception_use *reviewing_use(const struct reviewing *about, size_t at)
{
    bool is_known = about->use.has_evidence && about->book.items[at].in_force;
    return is_known ? &about->use.items[at] : NULL;
}

static struct review_item item_of(const struct reviewing *about, size_t at, struct arena *arena)
{
    const struct exception_use *use = reviewing_use(about, at);
    const struct book_exception *e = &about->book.items[at];
    struct review_item item = {
        .id = e->id,
        .is_orphaned = about->is_orphaned[at],
        .proposal = exception_use_proposal_text(USE_UNKNOWN),
        .because = S("no evidence tells of its use"),
    };
    if (e->state == BOOK_EXPIRED) {
        item.proposal = exception_use_proposal_text(USE_REMOVE);
        item.because = S("it has ended, and nobody has closed it");
    }
    if (!use) return item;
    item.has_use = true;
    item.connections = use->connections;
    item.last_use_us = use->last_us;
    if (e->state == BOOK_EXPIRED) {
        if (use->passed_after)
            item.because = str_format(arena,
                                      "it has ended, and its flows passed since, "
                                      "%" PRIu64 " times: %.*s",
                                      use->passed_after, STR_ARG(use->because));
        return item;
    }
    item.proposal = exception_use_proposal_text(use->proposal);
    item.because = use->because;
    item.scope = use->proposal == USE_NARROW ? use->scope : (str){0};
    item.line = use->proposal == USE_PROMOTE ? use->line : (str){0};
    return item;
}

/* Break-glass first, then by their ends. */
struct turn {
    bool is_ordinary;
    int64_t expires_us;
    size_t at;
};

static int compare_turns(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->is_ordinary != y->is_ordinary) return x->is_ordinary ? 1 : -1;
    if (x->expires_us != y->expires_us) return x->expires_us < y->expires_us ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

struct review_item *reviewing_items(const struct reviewing *about, struct arena *arena, size_t *n)
{
    const struct exception_book *book = &about->book;
    struct turn *turns = arena_array(arena, struct turn, book->n + 1);
    struct review_item *items = arena_array(arena, struct review_item, book->n + 1);
    size_t count = 0;
    for (size_t i = 0; i < book->n; i++) {
        const struct book_exception *e = &book->items[i];
        if (reviewing_asks(book, e))
            turns[count++] = (struct turn){!e->break_glass, e->expires_us, i};
    }
    if (count) qsort(turns, count, sizeof *turns, compare_turns);
    for (size_t i = 0; i < count; i++)
        items[i] = item_of(about, turns[i].at, arena);
    *n = count;
    return items;
}

/* ---- The sheet ----------------------------------------------------------------------------------
 */

static struct review_sheet_row row_of(const struct review_item *item,
                                      const struct book_exception *e, struct arena *arena)
{
    struct review_sheet_row row = {
        .id = item->id,
        .is_orphaned = item->is_orphaned,
        .has_use = item->has_use,
        .connections = item->connections,
        .last_use_us = item->last_use_us,
        .proposal = item->proposal,
        .because = item->because,
        .narrower = item->scope.len ? scope_words(item->scope, arena) : (str){0},
        .line = item->line,
    };
    if (!e) return row;
    row.owner = e->owner;
    row.deputy = e->deputy;
    row.requester = e->requested.by.person;
    row.scope = scope_words(e->scope, arena);
    row.reason = e->reason;
    row.ticket = e->ticket;
    row.control = e->control;
    row.risk = e->risk;
    row.expires = e->expires;
    row.expires_us = e->expires_us;
    row.is_break_glass = e->break_glass;
    row.is_over = e->state == BOOK_EXPIRED;
    return row;
}

static const struct review_sheet_pending *pending_of(const struct exception_book *book,
                                                     struct arena *arena, size_t *n)
{
    struct review_sheet_pending *out = arena_array(arena, struct review_sheet_pending, book->n + 1);
    *n = 0;
    for (size_t i = 0; i < book->n; i++) {
        const struct book_exception *e = &book->items[i];
        if (!e->open) continue;
        out[(*n)++] = (struct review_sheet_pending){
            .id = e->id,
            .owner = e->owner,
            .what = exception_book_ask_text(e->open->ask),
            .expires = e->open->expires,
            .since_us = e->open->act.at_us,
            .given = e->open->n_approvals,
            .needed = e->open->needed,
        };
    }
    return out;
}

struct review_sheet reviewing_sheet(const struct review *review, const struct exception_book *book,
                                    str organisation, struct arena *arena)
{
    struct review_sheet_row *rows = arena_array(arena, struct review_sheet_row, review->n + 1);
    struct review_sheet sheet = {
        .organisation = organisation,
        .id = review->id,
        .mark = review->mark,
        .started_us = review->started_us,
        .due_us = review->due_us,
        .rows = rows,
        .n = review->n,
    };
    for (size_t i = 0; i < review->n; i++)
        rows[i] = row_of(&review->items[i], exception_book_find(book, review->items[i].id), arena);
    sheet.pending = pending_of(book, arena, &sheet.n_pending);
    return sheet;
}
