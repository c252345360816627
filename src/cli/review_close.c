/* SPDX-License-Identifier: Apache-2.0 */
/* A review's sheet that was filled in: its decisions become entries of the ledger. */
#include "cli/closing.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- Telling ------------------------------------------------------------------------------------
 */

static size_t count_wrong(const struct closing *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        n += c->rows[i].state == CLOSING_WRONG;
    return n;
}

static void print_wrong(struct invocation *call, const struct closing *c)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct closing_row *row = &c->rows[i];
        if (row->state != CLOSING_WRONG) continue;
        struct err err = {0};
        err_line(&err, ERR_REFUSED, row->cells->places[row->column].line,
                 row->cells->places[row->column].column, "%.*s: %.*s",
                 STR_ARG(review_csv_column_text(row->column)), STR_ARG(row->says));
        err_in(&err, c->source);
        (void)command_fail(call, &err);
    }
}

static const struct table_column columns[] = {
    {T("exception"), ALIGN_LEFT, 0},
    {T("decision"),  ALIGN_LEFT, 0},
    {T("by"),        ALIGN_LEFT, 0},
    {T("result"),    ALIGN_LEFT, 0},
};

static const enum table_tone tones[] = {
    [CLOSING_UNDECIDED] = TONE_WARN, [CLOSING_WRONG] = TONE_BAD, [CLOSING_BEFORE] = TONE_DIM,
    [CLOSING_READY] = TONE_PLAIN,    [CLOSING_DONE] = TONE_GOOD,
};

static str result_text(const struct closing_row *row)
{
    if (row->state == CLOSING_UNDECIDED)
        return row->item && row->item->decision ? S("decided before") : S("undecided");
    if (row->state == CLOSING_READY) return S("the review is closed");
    return row->state == CLOSING_WRONG ? S("not applied") : row->says;
}

static struct table table_made(struct invocation *call, const struct closing *c)
{
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < c->n; i++) {
        const struct closing_row *row = &c->rows[i];
        table_add_toned(&table, row->cells->cells[REVIEW_CSV_ID], TONE_STRONG);
        table_add(&table, row->cells->cells[REVIEW_CSV_DECISION]);
        table_add(&table, row->cells->cells[REVIEW_CSV_DECIDED_BY]);
        table_add_toned(&table, result_text(row), tones[row->state]);
    }
    return table;
}

static void print_text(struct invocation *call, const struct closing *c)
{
    struct buf *out = call->out;
    struct table table = table_made(call, c);
    table_print_text(&table, out, call->colour);
    for (size_t i = 0; i < c->n; i++)
        if (c->rows[i].line.len)
            buf_format(out, "\n%.*s is promoted: put this under allow: in policy.yaml\n  %.*s\n",
                       STR_ARG(c->rows[i].item->id), STR_ARG(c->rows[i].line));
    buf_char(out, '\n');
    table_tone(out, c->review->id, TONE_STRONG, call->colour);
    if (c->is_closed && !c->n_done && c->review->closed_us)
        buf_format(out, " is closed since %.*s: nothing was changed\n",
                   STR_ARG(reviewing_day(c->review->closed_us, call->arena)));
    else if (c->is_closed)
        buf_str(out, S(": all is decided, it is closed\n"));
    else
        buf_format(out, " stays open: %zu of %zu undecided\n", c->n_undecided, c->review->n);
}

static void print_row(struct json *json, const struct closing_row *row)
{
    static const str words[] = {
        [CLOSING_UNDECIDED] = T("undecided"), [CLOSING_WRONG] = T("wrong"),
        [CLOSING_BEFORE] = T("before"),       [CLOSING_READY] = T("unchanged"),
        [CLOSING_DONE] = T("done"),
    };
    enum review_csv_column column = row->state == CLOSING_WRONG ? row->column : REVIEW_CSV_ID;
    json_object(json);
    json_member_str(json, S("exception"), row->cells->cells[REVIEW_CSV_ID]);
    json_member_str_or_null(json, S("decision"), row->cells->cells[REVIEW_CSV_DECISION]);
    json_member_str_or_null(json, S("decided_by"), row->cells->cells[REVIEW_CSV_DECIDED_BY]);
    json_member_str(json, S("state"), words[row->state]);
    json_member_str_or_null(json, S("text"), row->says);
    json_member_str_or_null(json, S("policy_line"), row->line);
    json_member_u64(json, S("line"), row->cells->places[column].line);
    json_member_u64(json, S("column"), row->cells->places[column].column);
    json_object_end(json);
}

static void print_json(struct invocation *call, const struct closing *c)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_member_str(&json, S("review"), c->review->id);
    json_member_bool(&json, S("closed"), c->is_closed);
    json_member_u64(&json, S("applied"), c->n_done);
    json_member_u64(&json, S("undecided"), c->n_undecided);
    json_member_u64(&json, S("wrong"), count_wrong(c));
    json_key(&json, S("rows"));
    json_array(&json);
    for (size_t i = 0; i < c->n; i++)
        print_row(&json, &c->rows[i]);
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

/* ---- The command --------------------------------------------------------------------------------
 */

static bool read_rows(struct invocation *call, struct closing *out, struct err *err)
{
    struct review_csv_row *rows = NULL;
    bytes content = {0};
    out->source = call->arguments[0];
    if (!os_read_all(call->os, out->source, LIMIT_REVIEW_BYTES, call->arena, &content, err))
        return false;
    if (!review_csv_read(content, call->arena, &rows, &out->n, err))
        return err_in(err, out->source);
    out->rows = arena_array(call->arena, struct closing_row, out->n + 1);
    for (size_t i = 0; i < out->n; i++)
        out->rows[i].cells = &rows[i];
    return true;
}

/* Which review, before the transaction: narrowings are computed meanwhile. */
static bool match(struct invocation *call, struct closing *c, struct err *err)
{
    struct ledger *ledger = NULL;
    struct review_book reviews;
    if (!acting_ledger(call, LEDGER_READ, &ledger, err)) return false;
    bool good = review_book_read(ledger, INT64_MAX, call->arena, &reviews, err);
    ledger_close(ledger);
    return good && closing_match(c, &reviews, err);
}

static bool apply(struct closing *c, int *status)
{
    struct err err = {0};
    bool wrote = false;
    if (!deciding_begin(c->deciding, status)) return false;
    if (closing_apply(c, &wrote, &err)) return !wrote || deciding_commit(c->deciding, status);
    *status = command_fail(c->deciding->call, &err);
    return false;
}

static int tell(struct invocation *call, const struct closing *c)
{
    bool was_closed = c->review->closed_us != 0;
    if (!was_closed) print_wrong(call, c);
    struct table table = table_made(call, c);
    if (call->format == FORMAT_JSON)
        print_json(call, c);
    else if (call->format == FORMAT_CSV)
        table_print_csv(&table, call->out);
    else
        print_text(call, c);
    if (was_closed) return EXIT_FINE;
    return c->n_undecided || count_wrong(c) ? EXIT_NO : EXIT_FINE;
}

static int run(struct invocation *call)
{
    struct deciding deciding = {.call = call};
    struct closing c = {.deciding = &deciding};
    struct err err = {0};
    int status = EXIT_FAILED;
    if (!read_rows(call, &c, &err)) return command_fail(call, &err);
    if (!c.n) {
        buf_format(call->talk, "%.*s has no rows: nothing is decided there\n", STR_ARG(c.source));
        return EXIT_NO;
    }
    if (!match(call, &c, &err)) return command_fail(call, &err);
    bool good = deciding_open(call, false, &deciding, &status) &&
                (c.review->closed_us || closing_ask(&c, &status)) && apply(&c, &status);
    deciding_end(&deciding);
    return good ? tell(call, &c) : status;
}

static const struct option options[] = {
    POLICY_FILE_ROW,
    MEMBERS_FILE_ROW,
};

static const struct example examples[] = {
    {T("sallyport review close review-RV-2026-11.csv"), T("What the owners decided.")},
};

const struct command review_close_command = {
    .name = T("review close"),
    .summary = T("Apply the decisions of a review's sheet"),
    .arguments = T("FILE.csv"),
    .least_arguments = 1,
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T(
        "Columns that are read: id, review, decision (keep, narrow, remove, transfer, promote), "
        "decided_by, new_scope (empty = the proposed one), new_owner, note; in any order, with "
        "commas, semicolons or tabs. decided_by is the exception's owner or deputy; where the "
        "policy "
        "has require-login, that person has to be logged in. Each decision goes the way that "
        "\"sallyport exception\" goes, by the same rules: a narrowing waits for approval, a "
        "promotion prints the line for policy.yaml, which nobody but you writes. A row that is "
        "wrong "
        "is told with line and column and not applied; the others are. The review stays open, and "
        "the exit status is 1, until every exception is decided."),
    .run = run,
};
