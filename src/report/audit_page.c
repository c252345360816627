/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit_page.h"

#include "base/instant.h"
#include "report/front.h"
#include "report/review_sheet.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const str no_cis = T("Items of the CIS Benchmarks are not given: no source of this "
                            "program's table states their numbers.");

str audit_page_trend_text(enum audit_trend trend)
{
    static const str texts[] = {
        [AUDIT_SAME] = T("same"),   [AUDIT_BETTER] = T("better"), [AUDIT_WORSE] = T("worse"),
        [AUDIT_MOVED] = T("moved"), [AUDIT_NO_TREND] = {0},
    };
    return texts[trend];
}

/* ---- Published baselines ------------------------------------------------------------------------
 */

/* Where part begins in s; s.len when it is not there. */
static size_t find(str s, str part)
{
    size_t at = 0;
    while (at < s.len && !str_starts(str_tail(s, at), part))
        at++;
    return at;
}

str audit_page_benchmark(const struct harden_entry *row, struct arena *arena)
{
    static const str name = T("Microsoft security baseline, ");
    str source = row->change.source, head, tail;
    str item = str_tail(str_tail(source, find(source, name)), name.len);
    if (!item.len) return item;
    (void)str_cut(item, ';', &head, &tail);
    if (str_contains(head, S("UNCERTAIN")) || !str_contains(source, S("UNCERTAIN"))) return head;
    return str_format(arena, "%.*s (the source leaves more UNCERTAIN)", STR_ARG(head));
}

/* ---- Tables -------------------------------------------------------------------------------------
 */

static const struct sheet_column figure_columns[] = {
    {T("What"),   T("text"),   SHEET_TEXT,   false},
    {T("Now"),    T("now"),    SHEET_NUMBER, false},
    {T("Before"), T("before"), SHEET_NUMBER, false},
    {T("Trend"),  T("trend"),  SHEET_TEXT,   false},
    {T("Figure"), T("figure"), SHEET_TEXT,   true },
};

static str count_text(struct arena *arena, bool known, uint64_t value)
{
    return known ? str_format(arena, "%" PRIu64, value) : (str){0};
}

static str trend_kind(enum audit_trend trend)
{
    if (trend == AUDIT_BETTER) return S("kept");
    return trend == AUDIT_WORSE ? S("broken") : S("soft");
}

static void add_figures(struct sheets *sheets, const struct audit_quarter *q)
{
    str caption = q->before
                      ? str_format(sheets->arena, "%.*s against %.*s, of %.*s",
                                   STR_ARG(q->now.quarter), STR_ARG(q->before->quarter),
                                   STR_ARG(review_sheet_minute(q->before->as_of_us, sheets->arena)))
                      : str_format(sheets->arena, "%.*s, the first audit that the ledger has",
                                   STR_ARG(q->now.quarter));
    struct sheet *sheet =
        sheet_add(sheets, S("audit_figures"), caption, S("sallyport audit --quarterly"),
                  figure_columns, COUNT_OF(figure_columns));
    sheet->note = S("A figure without a number was not known: no policy, no ledger, or no state "
                    "was given.");
    for (unsigned i = 0; i < AUDIT_FIGURE_COUNT; i++) {
        enum audit_figure figure = (enum audit_figure)i;
        enum audit_trend trend = audit_figures_trend(&q->now, q->before, figure);
        bool was = q->before && q->before->known[i];
        if (!sheet_row(sheets, sheet)) continue;
        sheet_cell(sheets, sheet, audit_figures_table[i].text);
        sheet_cell(sheets, sheet, count_text(sheets->arena, q->now.known[i], q->now.value[i]));
        sheet_cell(sheets, sheet, count_text(sheets->arena, was, was ? q->before->value[i] : 0));
        sheet_cell_kind(sheets, sheet, audit_page_trend_text(trend), trend_kind(trend));
        sheet_cell(sheets, sheet, audit_figures_table[i].name);
    }
}

static const struct sheet_column baseline_columns[] = {
    {T("Setting"),            T("setting"),            SHEET_CODE,   false},
    {T("Asks"),               T("asks"),               SHEET_TEXT,   false},
    {T("Ok"),                 T("ok"),                 SHEET_NUMBER, false},
    {T("Differs"),            T("differs"),            SHEET_NUMBER, false},
    {T("Unknown"),            T("unknown"),            SHEET_NUMBER, false},
    {T("Not there"),          T("not_there"),          SHEET_NUMBER, false},
    {T("Differed before"),    T("differed_before"),    SHEET_NUMBER, false},
    {T("Microsoft baseline"), T("microsoft_baseline"), SHEET_TEXT,   false},
    {T("Source"),             T("source"),             SHEET_TEXT,   true },
};

static void add_baseline(struct sheets *sheets, const struct audit_quarter *q)
{
    struct sheet *sheet =
        sheet_add(sheets, S("audit_baseline"), S("Machines per setting of the baseline smb-2026"),
                  S("sallyport audit --all"), baseline_columns, COUNT_OF(baseline_columns));
    sheet->note = no_cis;
    for (unsigned i = 0; i < HARDEN_ROW_COUNT; i++) {
        const uint64_t *n = q->now.rows[i];
        bool had = q->before && q->before->has_rows;
        bool told =
            n[COMPARE_OK] || n[COMPARE_DIFFERS] || n[COMPARE_UNKNOWN] || n[COMPARE_NOT_THERE];
        if (!told || !sheet_row(sheets, sheet)) continue;
        sheet_cell(sheets, sheet, harden_row_text((enum harden_row)i));
        sheet_cell(sheets, sheet, baseline_rows[i].change.asks);
        sheet_cell_u64(sheets, sheet, n[COMPARE_OK]);
        sheet_cell_kind(sheets, sheet, count_text(sheets->arena, true, n[COMPARE_DIFFERS]),
                        n[COMPARE_DIFFERS] ? S("broken") : (str){0});
        sheet_cell_u64(sheets, sheet, n[COMPARE_UNKNOWN]);
        sheet_cell_u64(sheets, sheet, n[COMPARE_NOT_THERE]);
        sheet_cell(sheets, sheet,
                   count_text(sheets->arena, had, had ? q->before->rows[i][COMPARE_DIFFERS] : 0));
        str item = audit_page_benchmark(&baseline_rows[i], sheets->arena);
        sheet_cell_kind(sheets, sheet, item.len ? item : S("none stated"),
                        item.len ? (str){0} : S("soft"));
        sheet_cell(sheets, sheet, baseline_rows[i].change.source);
    }
}

static const struct sheet_column assertion_columns[] = {
    {T("Assertion"), T("assertion"), SHEET_CODE, false},
    {T("Proved"),    T("proved"),    SHEET_TEXT, false},
    {T("Before"),    T("before"),    SHEET_TEXT, false},
    {T("Why not"),   T("why"),       SHEET_TEXT, false},
};

static bool failed_before(const struct audit_quarter *q, str text)
{
    for (size_t i = 0; i < q->before->n_failing; i++)
        if (str_equal(q->before->failing[i], text)) return true;
    return false;
}

static void add_assertion(struct sheets *sheets, struct sheet *sheet, const struct audit_quarter *q,
                          const struct audit_assertion *a)
{
    if (!sheet_row(sheets, sheet)) return;
    sheet_cell(sheets, sheet, a->text);
    sheet_cell_kind(sheets, sheet, a->holds ? S("holds") : S("does not hold"),
                    a->holds ? S("kept") : S("broken"));
    /* One that was not there before held as little as it failed. */
    sheet_cell_kind(sheets, sheet,
                    q->before && failed_before(q, a->text) ? S("did not hold") : (str){0},
                    S("soft"));
    sheet_cell(sheets, sheet, a->why);
}

static void add_assertions(struct sheets *sheets, const struct audit_quarter *q)
{
    struct sheet *sheet = sheet_add(
        sheets, S("audit_assertions"), S("What is proved of the policy, for every address"),
        S("sallyport check"), assertion_columns, COUNT_OF(assertion_columns));
    const struct audit_assertion lifeline = {
        S("lifeline: the way to the domain controllers stays open"), !q->lifeline.len, q->lifeline};
    for (size_t i = 0; i < q->n_assertions; i++)
        add_assertion(sheets, sheet, q, &q->assertions[i]);
    if (q->has_policy) add_assertion(sheets, sheet, q, &lifeline);
}

static const struct sheet_column review_columns[] = {
    {T("Review"),     T("review"),     SHEET_TEXT,   false},
    {T("Started"),    T("started"),    SHEET_TEXT,   false},
    {T("Due"),        T("due"),        SHEET_TEXT,   false},
    {T("Exceptions"), T("exceptions"), SHEET_NUMBER, false},
    {T("Undecided"),  T("undecided"),  SHEET_NUMBER, false},
    {T("State"),      T("state"),      SHEET_TEXT,   false},
};

/* Those that are open, and those that were since the audit before. */
static void add_reviews(struct sheets *sheets, const struct audit_quarter *q)
{
    struct sheet *sheet =
        sheet_add(sheets, S("audit_reviews"), S("Reviews of exceptions since the last audit"),
                  S("sallyport review list"), review_columns, COUNT_OF(review_columns));
    for (size_t i = 0; q->reviews && i < q->reviews->n; i++) {
        const struct review *review = &q->reviews->items[i];
        bool late = review_is_overdue(review, q->now.as_of_us);
        bool old = review->closed_us && q->before && review->closed_us < q->before->as_of_us;
        if (old || !sheet_row(sheets, sheet)) continue;
        sheet_cell(sheets, sheet, review->id);
        sheet_cell_date(sheets, sheet, review->started_us);
        sheet_cell_date(sheets, sheet, review->due_us);
        sheet_cell_u64(sheets, sheet, review->n);
        sheet_cell_u64(sheets, sheet, review->n_undecided);
        sheet_cell_kind(sheets, sheet,
                        review->closed_us ? S("closed")
                        : late            ? S("overdue")
                                          : S("open"),
                        late ? S("broken") : (str){0});
    }
}

static const struct sheet_column state_columns[] = {
    {T("State of"),           T("source"),      SHEET_CODE,   false},
    {T("Whose"),              T("name"),        SHEET_TEXT,   false},
    {T("Against the policy"), T("verdict"),     SHEET_TEXT,   false},
    {T("Differences"),        T("differences"), SHEET_NUMBER, false},
};

static void add_states(struct sheets *sheets, const struct audit_quarter *q)
{
    struct sheet *sheet =
        sheet_add(sheets, S("audit_drift"), S("What machines and borders have, against the policy"),
                  S("sallyport drift"), state_columns, COUNT_OF(state_columns));
    for (size_t i = 0; i < q->n_states; i++) {
        const struct audit_state *state = &q->states[i];
        if (!sheet_row(sheets, sheet)) continue;
        sheet_cell(sheets, sheet, state->source);
        sheet_cell(sheets, sheet, state->name);
        sheet_cell_kind(sheets, sheet, state->is_equal ? S("the same") : S("drifted"),
                        state->is_equal ? S("kept") : S("broken"));
        sheet_cell_u64(sheets, sheet, state->differences);
    }
}

void audit_page_prepare(struct audit_quarter *q, struct arena *arena)
{
    struct sheets *sheets = arena_new(arena, struct sheets);
    *sheets = (struct sheets){.arena = arena, .whole = true};
    add_figures(sheets, q);
    add_baseline(sheets, q);
    add_assertions(sheets, q);
    add_reviews(sheets, q);
    add_states(sheets, q);
    q->sheets = sheets;
}

/* ---- The page -----------------------------------------------------------------------------------
 */

static void put_table(struct buf *out, const struct audit_quarter *q, str heading, str name,
                      str nothing)
{
    const struct sheet *sheet = sheet_find(q->sheets, name);
    front_heading(out, heading);
    if (sheet && sheet->n_rows)
        sheet_html(out, sheet);
    else
        front_paragraph(out, "soft", nothing);
}

void audit_page_write(void *to, struct buf *out, struct arena scratch)
{
    const struct audit_quarter *q = to;
    struct arena *arena = &scratch;
    put_table(out, q, str_format(arena, "Quarter %.*s", STR_ARG(q->now.quarter)),
              S("audit_figures"), (str){0});
    put_table(out, q, S("Hardening baseline"), S("audit_baseline"),
              S("Of no machine anything is known to compare."));
    put_table(out, q, S("Assertions"), S("audit_assertions"), S("There is no policy."));
    put_table(out, q, S("Reviews"), S("audit_reviews"), S("No review was started."));
    put_table(out, q, S("Drift"), S("audit_drift"),
              S("Not covered: no state of a machine or border was given (--state)."));
    for (size_t i = 0; i < q->n_lingering; i++)
        front_paragraph(out, "broken", q->lingering[i]);
    front_heading(out, S("Ledger"));
    front_paragraph(out, q->has_ledger && !q->ledger_is_good ? "broken" : "", q->ledger);
}
