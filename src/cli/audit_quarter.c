/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit_quarter.h"

#include "base/instant.h"
#include "cli/acting.h"
#include "cli/audit_machines.h"
#include "cli/audit_states.h"
#include "cli/controllers.h"
#include "cli/leavers.h"
#include "cli/report_gather.h"
#include "cli/reviewing.h"
#include "ledger/entry_text.h"
#include "ledger/ledger_verify.h"
#include "reason/check.h"
#include "report/audit_page.h"

struct quarter {
    struct invocation *call;
    struct report_gather *all;
    struct audit_quarter page;
    struct audit_figures before;
    struct review_book reviews;
    bool knows_leavers; /* a directory was imported, or there are users */
};

static void set(struct quarter *q, enum audit_figure figure, uint64_t value)
{
    audit_figures_set(&q->page.now, figure, value);
}

/* ---- Evidence and settings ----------------------------------------------------------------------
 */

static void take_coverage(struct quarter *q)
{
    const struct figures *f = &q->all->figures;
    set(q, AUDIT_SOURCES, f->sources);
    set(q, AUDIT_MACHINES, f->machines);
    set(q, AUDIT_MACHINES_SEEN, f->machines_seen);
    if (q->all->has_policy) set(q, AUDIT_BLIND, f->blind);
}

/* Per setting; the report has counted them over all settings, and has said what there is to say. */
static bool take_settings(struct quarter *q, int *status)
{
    const struct figures_settings *s = &q->all->settings;
    struct audit_machines machines = {0};
    struct buf silence = buf_in(q->call->arena);
    struct invocation quiet = *q->call;
    quiet.talk = &silence;
    if (!audit_machines_load(&quiet, HARDEN_KIND_COUNT, &machines, status)) return false;
    q->page.now.has_rows = true;
    for (size_t i = 0; i < machines.n; i++) {
        struct arena scratch = q->call->scratch;
        size_t n = 0;
        const struct compare_row *rows =
            compare_with(&machines.policy, &machines.items[i], &scratch, &n);
        for (size_t k = 0; k < n; k++)
            q->page.now.rows[rows[k].row][rows[k].verdict]++;
    }
    set(q, AUDIT_MACHINES_COMPARED, s->machines);
    set(q, AUDIT_MACHINES_SILENT, s->silent);
    set(q, AUDIT_MACHINES_DIFFERING, s->differing);
    set(q, AUDIT_SETTINGS_OK, s->ok);
    set(q, AUDIT_SETTINGS_DIFFER, s->differs);
    set(q, AUDIT_SETTINGS_UNKNOWN, s->unknown);
    return true;
}

/* ---- What is proved -----------------------------------------------------------------------------
 */

static str why_not(const struct quarter *q, const struct check_assertion *a)
{
    struct arena *arena = q->call->arena;
    char client[ADDR_TEXT], server[ADDR_TEXT];
    bool always = a->assertion->kind == ASSERT_ALWAYS;
    if (a->service == SERVICE_NONE)
        return str_format(arena, "undecidable: %.*s", STR_ARG(a->undecidable));
    str pair = str_format(arena, "%.*s -> %.*s %.*s %s", STR_ARG(addr_text(client, a->client)),
                          STR_ARG(addr_text(server, a->server)),
                          STR_ARG(q->all->file.policy.services.services[a->service].name),
                          always ? (a->undecidable.len ? "may not pass" : "does not pass")
                                 : (a->undecidable.len ? "may pass" : "passes"));
    if (!a->undecidable.len) return pair;
    return str_format(arena, "undecidable: %.*s: %.*s", STR_ARG(pair), STR_ARG(a->undecidable));
}

static bool take_lifeline(struct quarter *q)
{
    const struct check_controller *controllers = NULL;
    struct diagnostics found = {0};
    size_t n = 0;
    struct invocation *call = q->call;
    controllers_among(call, &q->all->list, &q->all->hosts, &controllers, &n);
    bool holds =
        check_lifeline(&q->all->file.resolved, controllers, n, call->arena, call->scratch, &found);
    q->page.lifeline = holds ? (str){0} : found.n ? found.items[0].text : S("it does not hold");
    return holds;
}

static void take_assertions(struct quarter *q)
{
    struct arena *arena = q->call->arena;
    if (!q->all->has_policy) return;
    size_t n = q->all->file.policy.n_assertions, n_failing = 0;
    const struct check_assertion *found =
        check_assertions(&q->all->file.resolved, arena, q->call->scratch);
    struct audit_assertion *items = arena_array(arena, struct audit_assertion, n + 1);
    str *failing = arena_array(arena, str, n + 1);
    for (size_t i = 0; i < n; i++) {
        items[i] =
            (struct audit_assertion){.text = found[i].assertion->text, .holds = found[i].holds};
        if (found[i].holds) continue;
        items[i].why = why_not(q, &found[i]);
        failing[n_failing++] = items[i].text;
    }
    q->page.has_policy = true;
    q->page.assertions = items;
    q->page.n_assertions = n;
    q->page.now.failing = failing;
    q->page.now.n_failing = n_failing;
    set(q, AUDIT_ASSERTIONS, n);
    set(q, AUDIT_ASSERTIONS_HOLD, n - n_failing);
    set(q, AUDIT_LIFELINE, take_lifeline(q));
}

/* ---- Exceptions ---------------------------------------------------------------------------------
 */

static void take_exceptions(struct quarter *q)
{
    const struct figures *f = &q->all->figures;
    const struct exception_book *book = &q->all->book;
    size_t n_unclosed = 0, n_glass = 0, n_used = 0;
    int64_t since_us = q->page.before ? q->page.before->as_of_us : INT64_MIN;
    if (!q->all->has_book) return;
    for (size_t i = 0; i < book->n; i++) {
        n_unclosed += reviewing_is_unclosed(&book->items[i]);
        n_glass += book->items[i].break_glass && book->items[i].requested.at_us > since_us;
    }
    for (size_t i = 0; i < q->all->exceptions.n; i++)
        n_used += q->all->exceptions.rows[i].use != NULL;
    set(q, AUDIT_EXCEPTIONS, f->exceptions);
    set(q, AUDIT_PENDING, f->exceptions_pending);
    set(q, AUDIT_ENDED, f->exceptions_expired);
    set(q, AUDIT_UNCLOSED, n_unclosed);
    if (q->knows_leavers) set(q, AUDIT_ORPHANED, f->exceptions_orphaned);
    set(q, AUDIT_OVERDUE, f->exceptions_overdue);
    set(q, AUDIT_BREAK_GLASS, n_glass);
    set(q, AUDIT_BOOK_FAULTS, book->n_faults_all);
    /* Without evidence nobody knows whether something was used. */
    if (!n_used && q->all->exceptions.n) return;
    set(q, AUDIT_UNUSED, f->exceptions_unused);
    set(q, AUDIT_PASSED_AFTER, f->exceptions_leaking);
}

static void take_reviews(struct quarter *q)
{
    size_t n_open = 0, n_overdue = 0;
    for (size_t i = 0; i < q->reviews.n; i++) {
        n_open += !q->reviews.items[i].closed_us;
        n_overdue += review_is_overdue(&q->reviews.items[i], q->page.now.as_of_us);
    }
    q->page.reviews = &q->reviews;
    set(q, AUDIT_REVIEWS_OPEN, n_open);
    set(q, AUDIT_REVIEWS_OVERDUE, n_overdue);
}

/* ---- The ledger ---------------------------------------------------------------------------------
 */

static void say_verdict(struct quarter *q, const struct ledger_verdict *verdict)
{
    struct arena *arena = q->call->arena;
    bool good = verdict->fault == LEDGER_FAULT_NONE;
    q->page.has_ledger = true;
    q->page.ledger_is_good = good;
    q->page.ledger =
        good ? str_format(arena,
                          "Verified: %" PRIu64
                          " entries fit each other and the signed head; %" PRIu64
                          " written by accounts that had not logged in, %" PRIu64
                          " under a clock that was set. Without a checkpoint exported earlier, a "
                          "ledger that was cut short or replaced as a whole can't be told.",
                          verdict->entries, verdict->unauthenticated, verdict->set_clock)
             : str_format(arena, "It does not verify: %.*s", STR_ARG(verdict->text));
    set(q, AUDIT_LEDGER_ENTRIES, verdict->entries);
    set(q, AUDIT_LEDGER_FAULTS, !good);
}

/* The last audit of an earlier quarter. */
struct earlier {
    struct quarter *quarter;
    bool found;
};

static bool take_audited(void *to, const struct ledger_entry *entry)
{
    struct earlier *e = to;
    struct entry_text text = {0};
    struct audit_figures figures = {0};
    struct err err = {0};
    struct quarter *q = e->quarter;
    /* An entry that does not read as one says nothing of figures. */
    if (!entry_text_parse(entry->body, q->call->arena, &text, &err) ||
        !audit_figures_read(str_copy(q->call->arena, text.data), q->call->arena, &figures, &err))
        return true;
    if (str_compare(figures.quarter, q->page.now.quarter) >= 0) return true;
    q->before = figures;
    e->found = true;
    return true;
}

static bool read_ledger(struct quarter *q, struct ledger *ledger, struct err *err)
{
    const struct ledger_question question = {0};
    struct ledger_verdict verdict = {0};
    struct invocation *call = q->call;
    struct earlier earlier = {.quarter = q};
    struct leavers leavers;
    struct ledger_visit visit = {&earlier, take_audited};
    if (!ledger_verify_open(ledger, &question, call->arena, &verdict, err)) return false;
    say_verdict(q, &verdict);
    if (verdict.fault != LEDGER_FAULT_NONE) return true;
    if (!ledger_each(ledger, 1u << LEDGER_AUDITED, 0, call->as_of_us, visit, err) ||
        !review_book_read(ledger, call->as_of_us, call->arena, &q->reviews, err))
        return false;
    if (earlier.found) q->page.before = &q->before;
    take_reviews(q);
    q->knows_leavers = leavers_load(call, ledger, &leavers) && leavers_known(&leavers);
    return true;
}

static bool take_ledger(struct quarter *q, struct err *err)
{
    struct invocation *call = q->call;
    struct ledger *ledger = NULL;
    q->page.ledger = S("There is none: \"sallyport init\" makes one.");
    if (!ledger_exists(call->os, call->workspace, call->arena)) return true;
    if (!acting_ledger(call, LEDGER_READ, &ledger, err)) return false;
    bool good = read_ledger(q, ledger, err);
    ledger_close(ledger);
    return good;
}

/* ---- Drift --------------------------------------------------------------------------------------
 */

static bool take_states(struct quarter *q, int *status)
{
    size_t n_drifted = 0;
    struct audit_states states = {0};
    if (!option_exists(q->call, S("state")) || !option_given(q->call, S("state"))) return true;
    if (!audit_states_read(q->call, &states, status)) return false;
    for (size_t i = 0; i < states.n; i++)
        n_drifted += !states.items[i].is_equal;
    q->page.has_state = true;
    q->page.states = states.items;
    q->page.n_states = states.n;
    q->page.lingering = states.lingering;
    q->page.n_lingering = states.n_lingering;
    set(q, AUDIT_DRIFT_CHECKED, states.n);
    set(q, AUDIT_DRIFT, n_drifted);
    set(q, AUDIT_LINGERING, states.n_lingering);
    return true;
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

static enum table_tone tone_of(str kind)
{
    if (str_equal(kind, S("broken"))) return TONE_BAD;
    if (str_equal(kind, S("kept"))) return TONE_GOOD;
    return str_equal(kind, S("soft")) ? TONE_DIM : TONE_PLAIN;
}

/* Of most settings nothing is known: those are counted. */
static bool is_shown(const struct quarter *q, const struct sheet *sheet, size_t row)
{
    const struct sheet_cell *cells = &sheet->cells[row * sheet->n_columns];
    if (!str_equal(sheet->name, S("audit_baseline")) || option_flag(q->call, S("all"))) return true;
    return !str_equal(cells[AUDIT_PAGE_OK].text, S("0")) ||
           !str_equal(cells[AUDIT_PAGE_DIFFERS].text, S("0"));
}

static void print_sheet(const struct quarter *q, const struct sheet *sheet)
{
    struct invocation *call = q->call;
    size_t n_hidden = 0;
    struct table_column *columns = arena_array(call->arena, struct table_column, sheet->n_columns);
    size_t n_columns = 0;
    for (size_t i = 0; i < sheet->n_columns; i++)
        if (!sheet->columns[i].file_only)
            columns[n_columns++] = (struct table_column){
                .title = str_lower(call->arena, sheet->columns[i].title),
                .align = sheet->columns[i].look == SHEET_NUMBER ? ALIGN_RIGHT : ALIGN_LEFT,
                .widest = 60,
            };
    struct table table = table_of(call->arena, columns, n_columns);
    for (size_t i = 0; i < sheet->n_cells; i++) {
        bool shown = is_shown(q, sheet, i / sheet->n_columns);
        n_hidden += !shown && i % sheet->n_columns == 0;
        if (shown && !sheet->columns[i % sheet->n_columns].file_only)
            table_add_toned(&table, sheet->cells[i].text, tone_of(sheet->cells[i].kind));
    }
    buf_char(call->out, '\n');
    table_tone(call->out, sheet->caption, TONE_STRONG, call->colour);
    buf_char(call->out, '\n');
    table_print_text(&table, call->out, call->colour);
    if (n_hidden)
        buf_format(call->out, "%zu more settings of which nothing is known (--all)\n", n_hidden);
    if (!sheet->note.len) return;
    table_tone(call->out, sheet->note, TONE_DIM, call->colour);
    buf_char(call->out, '\n');
}

/* Before any figure: of what nothing is known. */
static void print_uncovered(const struct quarter *q)
{
    enum { SHOWN = 10 };
    struct buf *out = q->call->out;
    const struct simulation *simulation = q->all->report.simulation;
    const struct figures *f = &q->all->figures;
    buf_str(out, S("Not covered: "));
    if (!simulation) {
        buf_str(out, S("without a policy nobody can tell\n"));
        return;
    }
    str line = str_format(
        q->call->arena,
        "%zu blind spot%s; %" PRIu64 " of %" PRIu64 " machines show their own side%s",
        simulation->n_blind, simulation->n_blind == 1 ? "" : "s", f->machines_seen, f->machines,
        q->page.has_state ? "" : "; no state was given to hold against the policy");
    table_tone(out, line, simulation->n_blind ? TONE_WARN : TONE_GOOD, q->call->colour);
    buf_char(out, '\n');
    for (size_t i = 0; i < simulation->n_blind && i < SHOWN; i++) {
        const struct blind_spot *spot = &simulation->blind[i];
        char text[ADDR_TEXT];
        str name = addr_is_none(spot->addr) ? spot->text : addr_text(text, spot->addr);
        buf_format(out, "  %.*s: %.*s\n", STR_ARG(name), STR_ARG(spot->reason));
    }
    if (simulation->n_blind > SHOWN)
        buf_format(out, "  and %zu more: \"sallyport simulate\" lists all\n",
                   simulation->n_blind - SHOWN);
}

static void print_text(const struct quarter *q)
{
    struct invocation *call = q->call;
    struct buf *out = call->out;
    str organisation = q->all->report.organisation;
    str title =
        str_format(call->arena, "Audit of %.*s%s%.*s, as of %.*s", STR_ARG(q->page.now.quarter),
                   organisation.len ? " of " : "", STR_ARG(organisation),
                   STR_ARG(review_sheet_minute(q->page.now.as_of_us, call->arena)));
    table_tone(out, title, TONE_STRONG, call->colour);
    buf_char(out, '\n');
    print_uncovered(q);
    for (size_t i = 0; i < q->page.sheets->n; i++)
        if (q->page.sheets->items[i]->n_rows) print_sheet(q, q->page.sheets->items[i]);
    for (size_t i = 0; i < q->page.n_lingering; i++) {
        table_tone(out, q->page.lingering[i], TONE_BAD, call->colour);
        buf_char(out, '\n');
    }
    buf_str(out, S("\nLedger: "));
    table_tone(out, q->page.ledger,
               q->page.has_ledger && !q->page.ledger_is_good ? TONE_BAD : TONE_PLAIN, call->colour);
    buf_char(out, '\n');
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void json_figures(struct json *json, str key, const struct audit_figures *figures)
{
    json_key(json, key);
    if (!figures) {
        json_null(json);
        return;
    }
    json_object(json);
    json_member_str(json, S("quarter"), figures->quarter);
    json_key(json, S("as_of"));
    json_instant(json, figures->as_of_us);
    for (size_t i = 0; i < AUDIT_FIGURE_COUNT; i++) {
        json_key(json, audit_figures_table[i].name);
        if (figures->known[i])
            json_u64(json, figures->value[i]);
        else
            json_null(json);
    }
    json_object_end(json);
}

static void print_json(const struct quarter *q, bool good)
{
    struct json json = json_to(q->call->out);
    const struct simulation *simulation = q->all->report.simulation;
    json_object(&json);
    json_member_bool(&json, S("ok"), good);
    json_key(&json, S("not_covered"));
    json_array(&json);
    for (size_t i = 0; simulation && i < simulation->n_blind; i++) {
        const struct blind_spot *spot = &simulation->blind[i];
        char text[ADDR_TEXT];
        json_object(&json);
        json_member_str(&json, S("what"),
                        addr_is_none(spot->addr) ? spot->text : addr_text(text, spot->addr));
        json_member_str(&json, S("reason"), spot->reason);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_figures(&json, S("now"), &q->page.now);
    json_figures(&json, S("before"), q->page.before);
    json_key(&json, S("tables"));
    sheet_json(&json, q->page.sheets);
    json_key(&json, S("lingering"));
    json_array(&json);
    for (size_t i = 0; i < q->page.n_lingering; i++)
        json_str(&json, q->page.lingering[i]);
    json_array_end(&json);
    json_member_str(&json, S("ledger"), q->page.ledger);
    json_object_end(&json);
    buf_char(q->call->out, '\n');
}

/* ---- All of it ----------------------------------------------------------------------------------
 */

/* What has to be zero in a quarter that is in order. */
static bool in_order(const struct quarter *q)
{
    static const enum audit_figure zeros[] = {
        AUDIT_SETTINGS_DIFFER, AUDIT_ORPHANED, AUDIT_OVERDUE,       AUDIT_REVIEWS_OVERDUE,
        AUDIT_PASSED_AFTER,    AUDIT_DRIFT,    AUDIT_LEDGER_FAULTS, AUDIT_LINGERING,
    };
    const struct audit_figures *now = &q->page.now;
    for (size_t i = 0; i < COUNT_OF(zeros); i++)
        if (now->known[zeros[i]] && now->value[zeros[i]]) return false;
    return !now->n_failing && !q->page.lifeline.len;
}

static bool write_page(struct quarter *q, struct err *err)
{
    struct invocation *call = q->call;
    struct report *report = &q->all->report;
    struct buf page = buf_in(call->arena);
    str path = option_text(call, S("output"));
    if (!option_given(call, S("output"))) return true;
    report_prepare(report, false, call->arena, call->scratch);
    report_write(&page, report, call->scratch);
    if (!call->os->write_file(call->os->self, path, str_bytes(buf_text(&page)), false, err))
        return err_in(err, path);
    buf_format(call->talk, "%.*s: %zu kB, open it in any browser\n", STR_ARG(path),
               (page.len + 999) / 1000);
    return true;
}

/* The figures that the next quarter is compared with. */
static void record(struct quarter *q)
{
    struct invocation *call = q->call;
    if (!q->page.has_ledger || !q->page.ledger_is_good) return;
    if (call->as_of_us != call->now_us) {
        buf_str(call->talk, S("not recorded in the ledger: --as-of asks about another time\n"));
        return;
    }
    acting_record(call, LEDGER_AUDITED, q->page.now.quarter,
                  audit_figures_data(&q->page.now, call->arena));
}

static bool take_all(struct quarter *q, int *status)
{
    struct err err = {0};
    struct invocation *call = q->call;
    q->page.now.as_of_us = call->as_of_us;
    q->page.now.quarter = audit_figures_quarter(call->as_of_us, call->arena);
    q->page.book = &q->all->book;
    take_coverage(q);
    if (!take_settings(q, status)) return false;
    take_assertions(q);
    *status = EXIT_FAILED;
    if (!take_ledger(q, &err)) {
        (void)command_fail(call, &err);
        return false;
    }
    take_exceptions(q);
    return take_states(q, status);
}

static struct quarter *quarter_of(struct invocation *call, struct report_gather *all, int *status)
{
    struct quarter *q = arena_new(call->arena, struct quarter);
    q->call = call;
    q->all = all;
    if (!take_all(q, status)) return NULL;
    audit_page_prepare(&q->page, call->arena);
    all->report.audit = audit_page_write;
    all->report.audit_to = &q->page;
    return q;
}

bool audit_quarter_page(struct invocation *call, struct report_gather *all, int *status)
{
    return quarter_of(call, all, status) != NULL;
}

int audit_quarter_run(struct invocation *call)
{
    struct err err = {0};
    int status = EXIT_FAILED;
    struct report_gather *all = arena_new(call->arena, struct report_gather);
    if (!report_gather_all(call, REPORT_AUDIT, INT64_MIN, all, &status)) return status;
    struct quarter *q = quarter_of(call, all, &status);
    if (!q) return status;
    if (!write_page(q, &err)) return command_fail(call, &err);
    bool good = in_order(q);
    if (call->format == FORMAT_JSON)
        print_json(q, good);
    else if (call->format == FORMAT_CSV)
        sheet_csv(call->out, sheet_find(q->page.sheets, S("audit_figures")));
    else
        print_text(q);
    record(q);
    return good ? EXIT_FINE : EXIT_NO;
}
