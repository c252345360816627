/* SPDX-License-Identifier: Apache-2.0 */
/* The review of a month: its sheet as a page to print and as a table for spreadsheets. While it is
 * open, starting it again writes the same files again. */
#include "base/instant.h"
#include "cli/reviewing.h"
#include "report/review_csv.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Days for deciding, unless --due says when. */
enum { DAYS_TO_DECIDE = 14 };

#define MAY_START (PEOPLE_ROLE(OPERATOR) | PEOPLE_ROLE(APPROVER) | PEOPLE_ROLE(ADMIN))

static str month_of(int64_t at_us, struct arena *arena)
{
    return str_head(reviewing_day(at_us, arena), 7);
}

/* A date is its whole day. */
static bool due_of(struct invocation *call, int64_t now_us, int64_t *out_us, struct err *err)
{
    struct civil date;
    *out_us = now_us + DAYS_TO_DECIDE * INSTANT_DAY;
    if (!option_given(call, S("due"))) return true;
    *out_us = option_instant(call, S("due"));
    if (instant_parse_date(option_text(call, S("due")), &date)) *out_us += INSTANT_DAY;
    if (*out_us > now_us) return true;
    return err_set(err, ERR_USAGE, "--due %.*s is past", STR_ARG(option_text(call, S("due"))));
}

/* ---- The ledger ---------------------------------------------------------------------------------
 */

/* Where nothing is to be decided it is closed as well. */
static bool append_parts(struct invocation *call, struct ledger *ledger, const struct actor *actor,
                         const struct review *review, struct err *err)
{
    size_t n = 0;
    struct ledger_draft closed = {
        .kind = LEDGER_REVIEW_CLOSED,
        .subject = review->id,
        .actor = actor_json(actor, call->arena),
        .data = S("{}"),
    };
    const str *parts = review_started_data(review, call->arena, &n);
    for (size_t i = 0; i < n; i++) {
        struct ledger_draft draft = {
            .kind = LEDGER_REVIEW_STARTED,
            .subject = review->id,
            .actor = actor_json(actor, call->arena),
            .data = parts[i],
        };
        if (!ledger_append(ledger, &draft, NULL, err)) return false;
    }
    return review->n || ledger_append(ledger, &closed, NULL, err);
}

/* Within a transaction: the month's open review, or a new one. *again tells which. */
static bool start(struct invocation *call, struct ledger *ledger, const struct reviewing *about,
                  str *id, bool *again, struct err *err)
{
    struct actor actor = {0};
    struct review_book reviews = {0};
    struct review review = {.month = month_of(about->book.as_of_us, call->arena)};
    if (!acting_find(call, ledger, &actor, err) ||
        !acting_may(&actor, MAY_START, S("starting a review"), err) ||
        !review_book_read(ledger, INT64_MAX, call->arena, &reviews, err))
        return false;
    acting_say(call, &actor);
    const struct review *open = review_book_open(&reviews, review.month);
    *again = open != NULL;
    *id = open ? open->id : review_book_next_id(&reviews, review.month, call->arena);
    if (open) return true;
    review.id = *id;
    review.items = reviewing_items(about, call->arena, &review.n);
    return due_of(call, about->book.as_of_us, &review.due_us, err) &&
           append_parts(call, ledger, &actor, &review, err);
}

/* ---- The files ----------------------------------------------------------------------------------
 */

struct files {
    str html, csv;
};

static bool write_files(struct invocation *call, const struct review_sheet *sheet,
                        struct files *out, struct err *err)
{
    str folder = option_text(call, S("output"));
    str stem =
        os_join(call->arena, folder, str_format(call->arena, "review-%.*s", STR_ARG(sheet->id)));
    struct buf page = buf_in(call->arena), table = buf_in(call->arena);
    struct os *os = call->os;
    *out = (struct files){str_format(call->arena, "%.*s.html", STR_ARG(stem)),
                          str_format(call->arena, "%.*s.csv", STR_ARG(stem))};
    review_sheet_write(&page, sheet, call->arena);
    review_csv_write(&table, sheet, call->arena);
    if (!os->make_directory(os->self, folder, err)) return err_in(err, folder);
    if (!os->write_file(os->self, out->html, str_bytes(buf_text(&page)), false, err))
        return err_in(err, out->html);
    if (!os->write_file(os->self, out->csv, str_bytes(buf_text(&table)), false, err))
        return err_in(err, out->csv);
    return true;
}

static void print_json(struct invocation *call, const struct review_sheet *sheet,
                       const struct files *files, bool again)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_member_str(&json, S("review"), sheet->id);
    json_member_bool(&json, S("again"), again);
    json_key(&json, S("started"));
    json_instant(&json, sheet->started_us);
    json_key(&json, S("due"));
    json_instant(&json, sheet->due_us);
    json_member_u64(&json, S("exceptions"), sheet->n);
    json_member_u64(&json, S("pending"), sheet->n_pending);
    json_member_str(&json, S("html"), files->html);
    json_member_str(&json, S("csv"), files->csv);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

static void print_text(struct invocation *call, const struct review_sheet *sheet,
                       const struct files *files, bool again)
{
    struct buf *out = call->out;
    size_t n_glass = 0, n_orphaned = 0, n_over = 0;
    for (size_t i = 0; i < sheet->n; i++) {
        n_glass += sheet->rows[i].is_break_glass;
        n_orphaned += sheet->rows[i].is_orphaned;
        n_over += sheet->rows[i].is_over;
    }
    table_tone(out, sheet->id, TONE_STRONG, call->colour);
    buf_format(out, "%s: %zu exception%s to decide until %.*s", again ? " is open" : "", sheet->n,
               sheet->n == 1 ? "" : "s", STR_ARG(reviewing_day(sheet->due_us, call->arena)));
    buf_format(out, "; %zu wait%s for approval\n", sheet->n_pending,
               sheet->n_pending == 1 ? "s" : "");
    if (n_glass) {
        str line = str_format(call->arena, "%zu made with --break-glass", n_glass);
        buf_str(out, S("  "));
        table_tone(out, line, TONE_BAD, call->colour);
        buf_char(out, '\n');
    }
    if (n_orphaned) buf_format(out, "  %zu with an owner who has left\n", n_orphaned);
    if (n_over) buf_format(out, "  %zu ended, and nobody has looked at them since\n", n_over);
    buf_format(out, "  %.*s\n  %.*s\n", STR_ARG(files->html), STR_ARG(files->csv));
    if (!sheet->n) {
        buf_str(call->talk, S("there is nothing to decide: it is closed\n"));
        return;
    }
    buf_format(call->talk,
               "fill in decision (keep, narrow, remove, transfer, promote) and decided_by, then: "
               "sallyport review close %.*s\n",
               STR_ARG(files->csv));
}

/* ---- The command --------------------------------------------------------------------------------
 */

/* From the ledger, whether it was just begun or is open since: the same sheet either way. */
static bool tell(struct invocation *call, struct ledger *ledger, const struct reviewing *about,
                 str id, bool again, struct err *err)
{
    struct review_book reviews;
    struct exception_book then;
    struct files files;
    if (!review_book_read(ledger, INT64_MAX, call->arena, &reviews, err)) return false;
    const struct review *review = review_book_find(&reviews, id);
    assert(review && "it was found or written just now");
    if (!exception_book_read(ledger, review->started_us, call->arena, &then, err)) return false;
    str organisation = about->has_policy ? about->file->policy.organisation : (str){0};
    struct review_sheet sheet = reviewing_sheet(review, &then, organisation, call->arena);
    if (!write_files(call, &sheet, &files, err)) return false;
    if (call->format == FORMAT_JSON)
        print_json(call, &sheet, &files, again);
    else
        print_text(call, &sheet, &files, again);
    return true;
}

static int run(struct invocation *call)
{
    struct ledger *ledger = NULL;
    struct reviewing about;
    struct err err = {0};
    str id = {0};
    int64_t now_us = 0;
    int status = EXIT_FAILED;
    bool again = false;
    if (!acting_ledger(call, LEDGER_WRITE, &ledger, &err)) return acting_fail(call, &err);
    bool good = acting_now(call, ledger, &now_us, &err);
    if (good && !reviewing_load(call, ledger, now_us, &about, &status)) {
        ledger_close(ledger);
        return status;
    }
    good = good && ledger_begin(ledger, &err);
    if (good && !start(call, ledger, &about, &id, &again, &err)) {
        ledger_abandon(ledger);
        good = false;
    }
    if (good && again) ledger_abandon(ledger);
    good = good && (again || ledger_commit(ledger, &err)) &&
           tell(call, ledger, &about, id, again, &err);
    ledger_close(ledger);
    return good ? EXIT_FINE : acting_fail(call, &err);
}

static const struct option options[] = {
    {.name = T("monthly"),
     .type = OPTION_FLAG,
     .help = T("the review of this month, the only kind there is")},
    { .name = T("output"),
     .letter = 'o',
     .type = OPTION_TEXT,
     .value = T("DIR"),
     .fallback = T("."),
     .help = T("where the sheet is written")},
    {                                              .name = T("due"),
     .type = OPTION_INSTANT,
     .value = T("DATE"),
     .help = T("until when all should be decided, instead of in 14 days")},
    POLICY_FILE_ROW,
    MEMBERS_FILE_ROW,
};

static const struct example examples[] = {
    {T("sallyport review start --monthly -o reviews"),
     T("The month's sheet, to print and to fill in.")},
};

const struct command review_start_command = {
    .name = T("review start"),
    .summary = T("Start the month's review of exceptions: a sheet to print and to fill in"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("Asks about every exception that lives, and about those that ended and nobody has looked "
          "at "
          "since: those made with --break-glass first. Of each: who owns it, what it opens, why, "
          "how "
          "it was used, and what the evidence proposes. Writes review-ID.html, to print, and "
          "review-ID.csv, which \"sallyport review close\" reads when it is filled in. While a "
          "month's review is open, starting it again writes the same sheet."),
    .run = run,
};
