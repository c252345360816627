/* SPDX-License-Identifier: Apache-2.0 */
#include "report/front.h"

#include "base/instant.h"
#include "report/html.h"
#include "report/timeline.h"

void front_heading(struct buf *out, str text)
{
    html_raw(out, S("<h2>"));
    html_text(out, text);
    html_raw(out, S("</h2>\n"));
}

void front_paragraph(struct buf *out, const char *kind, str text)
{
    buf_format(out, "<p class=\"%s\">", kind);
    html_breakable(out, text);
    html_raw(out, S("</p>\n"));
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static str minute(struct arena *arena, int64_t instant_us)
{
    char text[INSTANT_TEXT];
    str full = instant_text(text, instant_us);
    return str_format(arena, "%.*s %.*s", STR_ARG(str_head(full, 10)),
                      STR_ARG(str_head(str_tail(full, 11), 5)));
}

static str day(struct arena *arena, int64_t instant_us)
{
    return str_head(minute(arena, instant_us), 10);
}

/* ---- Head and foot ------------------------------------------------------------------------------
 */

void front_head(struct buf *out, const struct report *report, struct arena scratch)
{
    const struct brand *brand = report->brand;
    html_raw(out, S("<header>\n<div class=\"mast\"><span>"));
    if (brand && brand->logo_content.len) {
        html_raw(out, S("<img src=\""));
        brand_logo_write(out, brand);
        html_raw(out, S("\" alt=\""));
        html_text(out, brand->name.len ? brand->name : S("logo"));
        html_raw(out, S("\">"));
    }
    if (brand && brand->name.len) {
        html_raw(out, S("<b>"));
        html_breakable(out, brand->name);
        html_raw(out, S("</b>"));
    } else
        html_raw(out, S("<b>sallyport</b>"));
    html_raw(out, S("</span><span>"));
    html_text(out,
              str_format(&scratch, "As of %.*s UTC", STR_ARG(minute(&scratch, report->as_of_us))));
    html_raw(out, S("</span></div>\n<h1>"));
    html_breakable(out, report_title(report, &scratch));
    html_raw(out, S("</h1>\n"));
    front_paragraph(out, "soft",
                    str_format(&scratch, "Policy: %.*s. %s",
                               STR_ARG(report->policy ? report->policy->source : S("none")),
                               report->exceptions->has_ledger ? "Exceptions: from the ledger."
                               : report->exceptions->n
                                   ? "Exceptions: from a file, without a ledger."
                                   : "No ledger of exceptions."));
    html_raw(out, S("</header>\n"));
}

void front_foot(struct buf *out, const struct report *report)
{
    html_raw(out, S("<footer>\n"));
    if (report->brand && report->brand->footer.len) front_paragraph(out, "", report->brand->footer);
    front_paragraph(out, "",
                    S("Made by sallyport. This page is complete in itself and asks the network for "
                      "nothing. A host without evidence is never counted as safe."));
    html_raw(out, S("</footer>\n"));
}

/* ---- Coverage -----------------------------------------------------------------------------------
 */

static void put_span(struct buf *out, const struct figures *f, struct arena *arena)
{
    buf_format(out, "<p>%" PRIu64 " record%s of %" PRIu64 " source%s", f->records,
               plural(f->records), f->sources, plural(f->sources));
    if (f->has_times)
        buf_format(out,
                   ", from <span class=\"short\">%.*s</span> to <span "
                   "class=\"short\">%.*s</span>",
                   STR_ARG(day(arena, f->from_us)), STR_ARG(day(arena, f->to_us)));
    if (f->skipped)
        buf_format(out, "; %" PRIu64 " part%s could not be read", f->skipped, plural(f->skipped));
    html_raw(out, S(".</p>\n"));
}

void front_coverage(struct buf *out, const struct report *report, struct arena scratch)
{
    const struct figures *f = report->figures;
    struct arena *arena = &scratch;
    html_raw(out, S("<div class=\"banner\">\n<p><strong>What this is based on.</strong> "));
    buf_format(out,
               "Of %" PRIu64 " machine%s that are known, %" PRIu64 " show%s their own side in the "
               "evidence.",
               f->machines, plural(f->machines), f->machines_seen,
               f->machines_seen == 1 ? "s" : "");
    if (f->blind)
        buf_format(out,
                   " <strong class=\"blind\">%" PRIu64 " blind spot%s</strong>: nothing below is "
                   "known to be safe for %s.",
                   f->blind, plural(f->blind), f->blind == 1 ? "it" : "them");
    html_raw(out, S("</p>\n"));
    put_span(out, f, arena);
    if (!f->has_settings)
        front_paragraph(out, "", S("Nothing was compared with the hardening baseline."));
    html_raw(out, S("</div>\n"));
}

/* ---- The grade ----------------------------------------------------------------------------------
 */

static void put_part(struct buf *out, const struct report *report, unsigned i)
{
    const struct grade_part *part = &report->grade->parts[i];
    unsigned weight = grade_part_weight((enum grade_part_id)i);
    unsigned percent = part->all ? (unsigned)(100 * part->have / part->all) : 0;
    html_raw(out, S("<tr><th scope=\"row\" class=\"part\">"));
    html_text(out, grade_part_title((enum grade_part_id)i));
    html_raw(out, S("<small>"));
    html_text(out, grade_part_text((enum grade_part_id)i));
    if (part->says.len) {
        html_raw(out, S(": "));
        html_text(out, part->says);
    }
    html_raw(out, S("</small></th>"));
    buf_format(out, "<td class=\"number short\">%" PRIu64 " / %" PRIu64 "</td>", part->have,
               part->all);
    buf_format(out,
               "<td class=\"bar\"><span class=\"meter\"><i style=\"width:%u%%\"></i></span></td>",
               percent > 100 ? 100 : percent);
    buf_format(out, "<td class=\"number\">%u</td><td class=\"number\">%u.%u</td></tr>\n", weight,
               part->points / 10, part->points % 10);
}

void front_grade(struct buf *out, const struct report *report, struct arena scratch)
{
    const struct grade *grade = report->grade;
    buf_format(out,
               "<section class=\"front\">\n<div class=\"grade\"><b>%c</b><span>%u.%u of 100"
               "</span>",
               grade->letter, grade->score / 10, grade->score % 10);
    if (report->previous) {
        int32_t step = (int32_t)grade->score - (int32_t)report->previous->score;
        uint32_t size = (uint32_t)(step < 0 ? -step : step);
        if (step)
            buf_format(out, "<span class=\"soft\">%u.%u %s than on %.*s</span>", size / 10,
                       size % 10, step < 0 ? "less" : "more",
                       STR_ARG(day(&scratch, report->previous->as_of_us)));
        else
            buf_format(out, "<span class=\"soft\">as on %.*s</span>",
                       STR_ARG(day(&scratch, report->previous->as_of_us)));
    }
    html_raw(out, S("</div>\n<table class=\"parts\"><thead><tr><th scope=\"col\">Part of the "
                    "grade</th><th scope=\"col\" class=\"number\">Share</th><th scope=\"col\" "
                    "class=\"bar\"><span class=\"soft\"></span>Filled</th><th scope=\"col\" "
                    "class=\"number\">Weight</th><th scope=\"col\" class=\"number\">Points</th>"
                    "</tr></thead>\n<tbody>\n"));
    for (unsigned i = 0; i < GRADE_PART_COUNT; i++)
        put_part(out, report, i);
    html_raw(out, S("</tbody></table>\n</section>\n"));
    front_paragraph(out, "soft formula",
                    S("Points = weight \xC3\x97 share. From 90 on an A, 75 a B, 60 a C, 45 a D, 30 "
                      "an E, else an "
                      "F. What is not known counts against."));
}

void front_trend(struct buf *out, const struct report *report, struct arena scratch)
{
    past_draw(out, report->past, report->as_of_us, report->grade->score, scratch);
}

/* ---- Three sentences ----------------------------------------------------------------------------
 */

static str flows_sentence(const struct report *report, struct arena *arena)
{
    const struct figures *f = report->figures;
    if (!f->has_policy)
        return S("There is no policy yet: this is what was seen. With a policy.yaml in the "
                 "workspace the report also says what it would break.");
    if (!f->broken)
        return S("With this policy on all machines, nothing that was seen working would break.");
    return str_format(arena,
                      "With this policy on all machines, %" PRIu64
                      " flow%s that work%s today would break.",
                      f->broken, plural(f->broken), f->broken == 1 ? "s" : "");
}

static str reach_sentence(const struct report *report, struct arena *arena)
{
    const struct figures *f = report->figures;
    if (!f->pairs) return S("No machine was seen to serve SMB to another one.");
    return str_format(arena,
                      "Of %" PRIu64 " pairs of a machine and a server, %" PRIu64
                      " %s open and %" PRIu64 " of these were used; %" PRIu64
                      " server%s still speak%s SMB 1.",
                      f->pairs, f->pairs_open, f->pairs_open == 1 ? "is" : "are", f->pairs_used,
                      f->smb1, plural(f->smb1), f->smb1 == 1 ? "s" : "");
}

static str exceptions_sentence(const struct report *report, struct arena *arena)
{
    const struct figures *f = report->figures;
    struct buf out = buf_in(arena);
    if (!f->exceptions && !f->exceptions_expired && !f->exceptions_pending)
        return f->has_ledger ? S("No exception is in force.")
                             : S("No exception is known, and there is no ledger of them.");
    buf_format(&out, "%" PRIu64 " exception%s %s in force", f->exceptions, plural(f->exceptions),
               f->exceptions == 1 ? "is" : "are");
    const struct {
        uint64_t n;
        const char *text;
    } more[] = {
        {f->exceptions_ending,  "ending within 14 days"  },
        {f->living_overdue,     "overdue for review"     },
        {f->living_orphaned,    "without an owner"       },
        {f->exceptions_unused,  "unused"                 },
        {f->exceptions_carried, "ended but still carried"},
    };
    for (size_t i = 0; i < COUNT_OF(more); i++)
        if (more[i].n) buf_format(&out, ", %" PRIu64 " %s", more[i].n, more[i].text);
    buf_str(&out, S("."));
    return buf_text(&out);
}

void front_sentences(struct buf *out, const struct report *report, struct arena scratch)
{
    html_raw(out, S("<section class=\"say\">\n<div>\n"));
    front_paragraph(out, "lede", flows_sentence(report, &scratch));
    front_paragraph(out, "lede", reach_sentence(report, &scratch));
    front_paragraph(out, "lede", exceptions_sentence(report, &scratch));
    html_raw(out, S("</div>\n"));
    front_trend(out, report, scratch);
    html_raw(out, S("</section>\n"));
}

/* ---- Alarms -------------------------------------------------------------------------------------
 */

void front_alarms(struct buf *out, const struct report *report, struct arena scratch)
{
    const struct figures *f = report->figures;
    if (!f->break_glass && !f->exceptions_leaking) return;
    html_raw(out, S("<div class=\"loud\" role=\"note\">\n"));
    for (size_t i = 0; i < report->exceptions->n; i++) {
        const struct register_row *row = &report->exceptions->rows[i];
        struct arena inner = scratch;
        str scope = register_scope(row, &inner);
        if (row->break_glass && register_is_living(row))
            front_paragraph(out, "",
                            str_format(&inner,
                                       "BREAK-GLASS %.*s is in force until %.*s UTC: %.*s (%.*s)",
                                       STR_ARG(row->id), STR_ARG(minute(&inner, row->expires_us)),
                                       STR_ARG(scope), STR_ARG(row->reason)));
        if (!register_is_living(row) && row->use && row->use->passed_after)
            front_paragraph(out, "",
                            str_format(&inner,
                                       "%.*s has ended and its flows still pass, %" PRIu64
                                       " times: %.*s",
                                       STR_ARG(row->id), row->use->passed_after, STR_ARG(scope)));
    }
    html_raw(out, S("</div>\n"));
}

/* ---- Actions ------------------------------------------------------------------------------------
 */

void front_actions(struct buf *out, const struct report *report, size_t most)
{
    front_heading(out, S("What to do next"));
    if (!report->n_actions) {
        front_paragraph(out, "", S("Nothing is open, as far as the evidence reaches."));
        return;
    }
    html_raw(out, S("<ol class=\"actions\">\n"));
    for (size_t i = 0; i < report->n_actions && i < most; i++) {
        const struct report_action *a = &report->actions[i];
        html_raw(out, S("<li><b>"));
        html_breakable(out, a->what);
        html_raw(out, S("</b><span class=\"why\">"));
        html_breakable(out, a->why);
        html_raw(out, S("."));
        if (a->command.len && report->kind != REPORT_CLIENT) {
            html_raw(out, S(" <code class=\"short\">"));
            html_text(out, a->command);
            html_raw(out, S("</code>"));
        }
        html_raw(out, S("</span><span class=\"effort\"><b>"));
        html_text(out, report_effort_text(a->effort));
        html_raw(out, S("</b>"));
        html_text(out, a->effort_why);
        html_raw(out, S("</span></li>\n"));
    }
    html_raw(out, S("</ol>\n"));
    if (report->n_actions > most)
        buf_format(out,
                   "<p class=\"soft more\">%zu more: the technical report and "
                   "<code>--csv DIR</code> have all.</p>\n",
                   report->n_actions - most);
}

/* ---- Tables -------------------------------------------------------------------------------------
 */

void front_table(struct buf *out, const struct report *report, str heading, str name)
{
    const struct sheet *sheet = sheet_find(report->sheets, name);
    if (!sheet || !sheet->n_rows) return;
    if (heading.len) front_heading(out, heading);
    sheet_html(out, sheet);
}

void front_exceptions(struct buf *out, const struct report *report, str heading)
{
    const struct sheet *sheet = sheet_find(report->sheets, S("exceptions"));
    front_heading(out, heading);
    if (!sheet || !sheet->n_rows) {
        front_paragraph(out, "",
                        report->exceptions->has_ledger
                            ? S("The ledger knows of none.")
                            : S("There is no ledger, and no file of exceptions was named."));
        return;
    }
    timeline_key(out, report->as_of_us);
    sheet_html(out, sheet);
}

void front_changes(struct buf *out, const struct report *report, struct arena scratch)
{
    const struct sheet *sheet = sheet_find(report->sheets, S("changes"));
    if (report->since_us == INT64_MIN) {
        front_heading(out, S("What changed"));
        front_paragraph(out, "soft",
                        report->exceptions->has_ledger
                            ? S("This is the first report that the ledger knows of; the next one "
                                "says what changed since.")
                            : S("Without a ledger no report knows what the one before it said."));
        return;
    }
    front_heading(out, str_format(&scratch, "What changed since %.*s",
                                  STR_ARG(day(&scratch, report->since_us))));
    if (!sheet || !sheet->n_rows)
        front_paragraph(out, "", S("Nothing that the ledger or the evidence knows of."));
    else
        sheet_html(out, sheet);
}

/* ---- Tiles --------------------------------------------------------------------------------------
 */

static void tile(struct buf *out, uint64_t value, const char *kind, const char *text)
{
    buf_format(out, "<li><strong class=\"%s\">%" PRIu64 "</strong>%s</li>\n", kind, value, text);
}

void front_tiles(struct buf *out, const struct report *report)
{
    const struct figures *f = report->figures;
    html_raw(out, S("<ul class=\"tiles\">\n"));
    if (f->has_policy) {
        tile(out, f->broken, f->broken ? "broken" : "", "flows that work today would break");
        tile(out, f->stopped, "", "unwanted flows stopped");
        if (f->attempts) tile(out, f->attempts, "", "attempts stopped that nothing answered");
        tile(out, f->kept, "", "flows kept");
    }
    tile(out, f->blind, f->blind ? "blind" : "", "blind spots");
    tile(out, f->servers, "", "machines of ours serve SMB");
    tile(out, f->smb1, f->smb1 ? "broken" : "", "of them still speak SMB 1");
    tile(out, f->exceptions, "", "exceptions in force");
    html_raw(out, S("</ul>\n"));
}
