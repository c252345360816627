/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include "cli/acting.h"
#include "cli/audit_quarter.h"
#include "cli/command.h"
#include "cli/report_gather.h"
#include "cli/report_orgs.h"
#include "cli/report_pdf.h"

static bool write_tables(struct invocation *call, const struct report *report, str folder,
                         struct err *err)
{
    if (!call->os->make_directory(call->os->self, folder, err)) return false;
    for (size_t i = 0; i < report->sheets->n; i++) {
        const struct sheet *sheet = report->sheets->items[i];
        struct buf out = buf_in(call->arena);
        str path =
            os_join(call->arena, folder, str_format(call->arena, "%.*s.csv", STR_ARG(sheet->name)));
        sheet_csv(&out, sheet);
        if (!call->os->write_file(call->os->self, path, str_bytes(buf_text(&out)), false, err)) {
            err_in(err, path);
            return false;
        }
    }
    return true;
}

static void record(struct invocation *call, const struct report *report, str page)
{
    struct sha256_digest digest = sha256_of(str_bytes(page));
    if (option_flag(call, S("no-record"))) return;
    /* Without a ledger there is nothing to record in: `init` makes one. A report of a time that is
     * over is no news either. */
    if (!ledger_exists(call->os, call->workspace, call->arena)) return;
    if (call->as_of_us != call->now_us) {
        buf_str(call->talk, S("not recorded in the ledger: --as-of asks about another time\n"));
        return;
    }
    acting_record(call, LEDGER_REPORTED, report_kind_text(report->kind),
                  past_entry(report_kind_text(report->kind), sha256_hex(call->arena, &digest),
                             report->as_of_us, report->figures, report->grade, call->arena));
}

/* What was written, on the talk stream when the results are JSON. */
static void say(struct invocation *call, const struct report *report, str path, size_t size)
{
    bool json = call->format == FORMAT_JSON;
    struct buf *out = json ? call->talk : call->out;
    buf_str(out, path);
    buf_format(out, ": %zu kB, grade %c (%u.%u of 100), open it in any browser\n",
               (size + 999) / 1000, report->grade->letter, report->grade->score / 10,
               report->grade->score % 10);
}

static bool write_all(struct invocation *call, const struct report *report, struct err *err)
{
    str path = option_text(call, S("output"));
    struct buf page = buf_in(call->arena);
    report_write(&page, report, call->scratch);
    if (!call->os->write_file(call->os->self, path, str_bytes(buf_text(&page)), false, err)) {
        err_in(err, path);
        return false;
    }
    if (option_given(call, S("csv")) &&
        !write_tables(call, report, option_text(call, S("csv")), err))
        return false;
    record(call, report, buf_text(&page));
    if (call->format == FORMAT_JSON) report_json(call->out, report, path, page.len);
    say(call, report, path, page.len);
    if (!option_given(call, S("pdf"))) return true;
    str pdf = option_text(call, S("pdf"));
    if (!report_pdf(call, path, pdf, err)) return false;
    if (call->format == FORMAT_TEXT) buf_format(call->out, "%.*s: the same as PDF\n", STR_ARG(pdf));
    return true;
}

static bool kind_asked(struct invocation *call, enum report_kind *out, struct err *err)
{
    str names[REPORT_KIND_COUNT];
    *out = REPORT_TECHNICAL;
    if (!call->n_arguments) return true;
    *out = report_kind_of(call->arguments[0]);
    if (*out != REPORT_KIND_COUNT) return true;
    for (unsigned i = 0; i < REPORT_KIND_COUNT; i++)
        names[i] = report_kind_text((enum report_kind)i);
    str hint = command_suggest(call->arena, call->arguments[0], names, REPORT_KIND_COUNT);
    return err_set(err, ERR_USAGE,
                   "a report is executive, technical, exceptions, audit or client, found "
                   "\"%.*s\"%.*s",
                   STR_ARG(call->arguments[0]), STR_ARG(hint));
}

static int run(struct invocation *call)
{
    struct err err = {0};
    int status = EXIT_FINE;
    enum report_kind kind;
    struct report_gather *g = arena_new(call->arena, struct report_gather);
    if (!kind_asked(call, &kind, &err)) return command_fail(call, &err);
    if (option_given(call, S("all-orgs")))
        return report_orgs(call, option_text(call, S("all-orgs")));
    int64_t since = option_given(call, S("since")) ? option_instant(call, S("since")) : INT64_MIN;
    if (!report_gather_all(call, kind, since, g, &status)) return status;
    if (kind == REPORT_AUDIT && !audit_quarter_page(call, g, &status)) return status;
    bool whole = option_given(call, S("csv")) || call->format == FORMAT_JSON;
    report_prepare(&g->report, whole, call->arena, call->scratch);
    if (!write_all(call, &g->report, &err)) return command_fail(call, &err);
    return EXIT_FINE;
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct option options[] = {
    {.name = T("output"),
     .letter = 'o',
     .type = OPTION_TEXT,
     .value = T("FILE"),
     .fallback = T("report.html"),
     .help = T("where the page is written")},
    {.name = T("pdf"),
     .type = OPTION_TEXT,
     .value = T("FILE"),
     .help = T("the page as PDF too, printed by an installed Chromium")                                                                                                                    },
    {.name = T("csv"),
     .type = OPTION_TEXT,
     .value = T("DIR"),
     .help = T("every table of the report as a CSV file, with all rows")                                                                                                                    },
    {.name = T("brand"),
     .type = OPTION_TEXT,
     .value = T("FILE"),
     .help = T("name, logo and colours of who sends it; default brand.yaml, when it is there")                                                                                                                    },
    {.name = T("since"),
     .type = OPTION_INSTANT,
     .value = T("TIME"),
     .help = T("tell what changed since then; default since the last report in the ledger")                                                                                                                 },
    {.name = T("no-record"),    .type = OPTION_FLAG,    .help = T("leave the report out of the ledger")},
    {.name = T("all-orgs"),
     .type = OPTION_TEXT,
     .value = T("DIR"),
     .help = T("one row for every workspace below, instead of a page")},
    REPORT_COLLECTED_ROW,
    POLICY_FILE_OPTION,
};

static const struct example examples[] = {
    {T("sallyport report -o report.html"),                          T("Everything about the workspace, to read or to send")},
    {T("sallyport report executive -o month.html --pdf month.pdf"),
     T("Two pages for who decides, also as PDF")                                                                           },
    {T("sallyport report exceptions --csv tables"),
     T("Every exception on a calendar, and as CSV for a spreadsheet")                                                      },
    {T("sallyport report client -o letter.html"),
     T("The monthly letter of a service provider, under the name in brand.yaml")                                           },
    {T("sallyport report --all-orgs .."),
     T("Grade and exceptions of every client whose workspace stands beside this one")                                      },
};

const struct command report_command = {
    .name = T("report"),
    .summary =
        T("Write one HTML page: grade, blind spots, what would break, exceptions, what to do"),
    .arguments = T("[executive|technical|exceptions|audit|client]"),
    .most_arguments = 1,
    .details = T("The page is complete in itself: no script, and no request to the network; it "
                 "prints on A4 and on Letter. Its first page has a grade with its formula, three "
                 "sentences, the trend and what to do next; what the evidence does not show comes "
                 "before any conclusion and counts against the grade. Without a word it is the "
                 "technical report. It is recorded in the ledger, so that the next one says what "
                 "changed. --json prints the same content (docs/json.md); docs/reports.md tells "
                 "the formula and what a brand may hold."),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .run = run,
};
