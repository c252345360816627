/* SPDX-License-Identifier: Apache-2.0 */
#include "report/pages.h"

#include "base/instant.h"
#include "report/drawing.h"
#include "report/front.h"
#include "report/html.h"

/* Of the first page; the rest is in the technical report. */
enum { ACTIONS_SHOWN = 5, EVERY_ACTION = 1000 };

static void put_front(struct buf *out, const struct report *report, size_t actions,
                      struct arena scratch)
{
    front_coverage(out, report, scratch);
    front_alarms(out, report, scratch);
    front_grade(out, report, scratch);
    front_sentences(out, report, scratch);
    front_actions(out, report, actions);
}

void pages_executive(struct buf *out, const struct report *report, struct arena scratch)
{
    put_front(out, report, ACTIONS_SHOWN, scratch);
    front_tiles(out, report);
    front_changes(out, report, scratch);
}

/* ---- Technical ----------------------------------------------------------------------------------
 */

static void put_picture(struct buf *out, const struct report *report, struct arena *arena)
{
    struct host_names names = host_names_of(arena, report->hosts);
    struct arena picture_scratch = arena_open("report", 0, NULL);
    front_heading(out, S("Who uses whom"));
    drawing_write(out, report, &names, arena, picture_scratch);
    arena_close(&picture_scratch);
}

static void put_breaks(struct buf *out, const struct report *report)
{
    const struct figures *f = report->figures;
    if (!f->has_policy) return;
    front_heading(out, S("What would break"));
    if (f->broken)
        front_table(out, report, (str){0}, S("broken_flows"));
    else
        front_paragraph(out, "soft",
                        S("No flow that worked would break, as far as the evidence reaches."));
    front_table(out, report, S("Ring by ring"), S("rings"));
    front_table(out, report, S("Not decidable"), S("undecidable_flows"));
    front_table(out, report, S("Escapes the policy"), S("escaped_flows"));
    front_table(out, report, S("Stopped as intended"), S("stopped_flows"));
}

void pages_technical(struct buf *out, const struct report *report, struct arena scratch)
{
    put_front(out, report, EVERY_ACTION, scratch);
    front_tiles(out, report);
    front_table(out, report, S("Blind spots"), S("blind_spots"));
    if (report->figures->has_policy && !report->figures->blind)
        front_paragraph(out, "",
                        S("Every managed host that is known shows its own side in the evidence."));
    front_table(out, report, S("Evidence"), S("sources"));
    put_picture(out, report, &scratch);
    put_breaks(out, report);
    front_exceptions(out, report, S("Exceptions"));
    front_table(out, report, S("What the ledger holds and does not count"), S("faults"));
    front_changes(out, report, scratch);
    front_table(out, report, S("How servers speak SMB"), S("servers"));
    front_table(out, report, S("Shares, and who uses them"), S("shares"));
    front_table(out, report, S("Every conversation"), S("matrix"));
    front_table(out, report, S("Every figure"), S("figures"));
}

/* ---- Exceptions ---------------------------------------------------------------------------------
 */

static void put_register_tiles(struct buf *out, const struct figures *f)
{
    const struct {
        uint64_t n;
        const char *kind, *text;
    } tiles[] = {
        {f->exceptions,           "",       "in force"                       },
        {f->exceptions_ending,    "",       "end within 14 days"             },
        {f->exceptions_pending,   "",       "wait for approval"              },
        {f->exceptions_scheduled, "",       "begin later"                    },
        {f->exceptions_overdue,   "broken", "overdue for review"             },
        {f->exceptions_orphaned,  "broken", "without an owner"               },
        {f->exceptions_unused,    "",       "used by nobody"                 },
        {f->exceptions_carried,   "broken", "ended, still in a firewall file"},
    };
    html_raw(out, S("<ul class=\"tiles\">\n"));
    for (size_t i = 0; i < COUNT_OF(tiles); i++)
        buf_format(out, "<li><strong class=\"%s\">%" PRIu64 "</strong>%s</li>\n",
                   tiles[i].n ? tiles[i].kind : "", tiles[i].n, tiles[i].text);
    html_raw(out, S("</ul>\n"));
}

void pages_exceptions(struct buf *out, const struct report *report, struct arena scratch)
{
    put_front(out, report, ACTIONS_SHOWN, scratch);
    put_register_tiles(out, report->figures);
    front_exceptions(out, report, S("Every exception"));
    front_table(out, report, S("What the ledger holds and does not count"), S("faults"));
    front_changes(out, report, scratch);
}

void pages_audit(struct buf *out, const struct report *report, struct arena scratch)
{
    put_front(out, report, ACTIONS_SHOWN, scratch);
    if (report->audit) report->audit(report->audit_to, out, scratch);
    front_exceptions(out, report, S("Exceptions"));
    front_table(out, report, S("What the ledger holds and does not count"), S("faults"));
    front_changes(out, report, scratch);
    front_table(out, report, S("Blind spots"), S("blind_spots"));
    front_table(out, report, S("Evidence"), S("sources"));
    front_table(out, report, S("Every figure"), S("figures"));
}

/* ---- The monthly letter -------------------------------------------------------------------------
 */

static void put_letter(struct buf *out, const struct report *report, struct arena *arena)
{
    const struct figures *f = report->figures;
    front_paragraph(
        out, "lede",
        str_format(arena,
                   "SMB is how Windows computers share files and printers, and how most "
                   "ransomware spreads. We keep it closed but for what %.*s needs.",
                   STR_ARG(report->organisation.len ? report->organisation : S("your network"))));
    if (f->has_policy && f->pairs)
        front_paragraph(
            out, "lede",
            str_format(arena,
                       "Of %" PRIu64
                       " ways from one computer to another that shares something, %" PRIu64
                       " are shut and %" PRIu64 " are open; %" PRIu64 " of the open ones "
                       "were used.",
                       f->pairs, f->pairs - f->pairs_open, f->pairs_open, f->pairs_used));
    if (f->blind)
        front_paragraph(out, "lede",
                        str_format(arena,
                                   "What we don't see: %" PRIu64 " of the %" PRIu64
                                   " computers we know of tell us nothing about themselves. We "
                                   "don't count them as safe.",
                                   f->machines - f->machines_seen, f->machines));
}

void pages_client(struct buf *out, const struct report *report, struct arena scratch)
{
    front_coverage(out, report, scratch);
    front_alarms(out, report, scratch);
    put_letter(out, report, &scratch);
    front_grade(out, report, scratch);
    front_trend(out, report, scratch);
    front_changes(out, report, scratch);
    front_exceptions(out, report, S("Your exceptions this month"));
    front_paragraph(out, "soft",
                    S("An exception is a way that stays open beyond the rules, because somebody "
                      "needs it for a time. Each has an owner and an end; each was approved by "
                      "somebody other than who asked for it."));
    front_actions(out, report, ACTIONS_SHOWN);
}
