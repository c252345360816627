/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include "base/instant.h"
#include "base/map.h"
#include "base/os.h"
#include "report/drawing.h"
#include "report/host_names.h"
#include "report/html.h"

/* Rows of one table of the page; past it the page says how many more there are and which command
 * lists them. A browser lays out this many rows in about a second. */
enum {
    MOST_ROWS = 2000,
    /* Of a sweep's targets that never answered, the first few stand for all. */
    UNANSWERED_SHOWN = 3,
};

static void paragraph(struct buf *out, const char *class_name, str text)
{
    buf_format(out, "<p class=\"%s\">", class_name);
    html_text(out, text);
    html_raw(out, S("</p>\n"));
}

static void heading(struct buf *out, str text)
{
    html_raw(out, S("<h2>"));
    html_text(out, text);
    html_raw(out, S("</h2>\n"));
}

static str minute(struct arena *arena, int64_t instant_us)
{
    char text[INSTANT_TEXT];
    str full = instant_text(text, instant_us);
    return str_format(arena, "%.*s %.*s", STR_ARG(str_head(full, 10)),
                      STR_ARG(str_head(str_tail(full, 11), 5)));
}

/* A date that stays whole; the time may stand below it. */
static void cell_minute(struct buf *out, struct html_table *table, struct arena *arena,
                        int64_t instant_us)
{
    str text = minute(arena, instant_us);
    html_table_cell(out, table);
    html_raw(out, S("<span class=\"short\">"));
    html_text(out, str_head(text, 10));
    html_raw(out, S("</span>"));
    html_text(out, str_tail(text, 10));
    html_table_cell_end(out);
}

/* When the flow was seen last, if anything tells. */
static void cell_seen(struct buf *out, struct html_table *table, struct arena *arena,
                      const struct matrix_flow *flow)
{
    if (flow->is_timeless)
        html_table_cell_text(out, table, S("-"));
    else
        cell_minute(out, table, arena, flow->last_us);
}

static str joined(struct arena *arena, struct names names, size_t most)
{
    struct buf text = buf_in(arena);
    for (size_t i = 0; i < names.n && i < most; i++) {
        if (i) buf_str(&text, S(", "));
        buf_str(&text, names.items[i]);
    }
    if (names.n > most) buf_format(&text, " and %zu more", names.n - most);
    return buf_text(&text);
}

static void more_rows(struct buf *out, size_t n, const char *command)
{
    if (n > MOST_ROWS)
        buf_format(out,
                   "<p class=\"soft\">%zu more rows: <code>sallyport %s</code> lists all.</p>\n",
                   n - MOST_ROWS, command);
}

static const struct simulated_ring *last_ring(const struct report *report)
{
    if (!report->simulation || !report->simulation->n_rings) return NULL;
    return &report->simulation->rings[report->simulation->n_rings - 1];
}

/* ---- Coverage -----------------------------------------------------------------------------------
 */

static void write_blind(struct buf *out, const struct report *report,
                        const struct host_names *names, struct arena *arena)
{
    enum { SHOWN = 20 };
    const struct simulation *simulation = report->simulation;
    if (!simulation) return;
    if (!simulation->n_blind) {
        html_raw(
            out,
            S("<p>Every managed host that is known shows its own side in the evidence.</p>\n"));
        return;
    }
    buf_format(
        out,
        "<p><strong class=\"blind\">%zu blind spots.</strong> Nothing below is known to be safe "
        "for them:</p>\n<ul>\n",
        simulation->n_blind);
    for (size_t i = 0; i < simulation->n_blind && i < SHOWN; i++) {
        const struct blind_spot *spot = &simulation->blind[i];
        html_raw(out, S("<li><code>"));
        html_text(out, addr_is_none(spot->addr)
                           ? spot->text
                           : host_names_long(names, arena, (struct endpoint){.addr = spot->addr}));
        html_raw(out, S("</code>"));
        if (spot->segment.len && !addr_is_none(spot->addr)) {
            html_raw(out, S(" ("));
            html_text(out, spot->segment);
            html_raw(out, S(")"));
        }
        html_raw(out, S(": "));
        html_text(out, spot->reason);
        html_raw(out, S("</li>\n"));
    }
    if (simulation->n_blind > SHOWN)
        buf_format(out, "<li>and %zu more: <code>sallyport simulate</code> lists all</li>\n",
                   simulation->n_blind - SHOWN);
    html_raw(out, S("</ul>\n"));
}

/* "FS01/pfirewall.log": every host's log has the same name, its folder tells them apart. */
static str last_two_parts(str path)
{
    size_t n = os_base_name(path).len;
    if (n == path.len) return path;
    return str_tail(path, path.len - n - os_base_name(str_head(path, path.len - n - 1)).len - 1);
}

static void write_coverage(struct buf *out, const struct report *report,
                           const struct host_names *names, struct arena *arena)
{
    static const struct html_column columns[] = {
        {{"Source", 6},      false},
        {{"Written by", 10}, false},
        {{"From", 4},        false},
        {{"To", 2},          false},
        {{"Records", 7},     true },
        {{"Facts", 5},       true },
        {{"Skipped", 7},     true },
    };
    const struct matrix_view *matrix = report->matrix;
    heading(out, S("What this is based on"));
    html_raw(out, S("<div class=\"banner\">\n"));
    write_blind(out, report, names, arena);
    html_raw(out, S("</div>\n"));
    struct html_table table = html_table_start(out, S("Evidence, and the time it covers (UTC)"),
                                               columns, COUNT_OF(columns));
    for (size_t i = 0; i < matrix->n_coverage && i < MOST_ROWS; i++) {
        const struct coverage *c = &matrix->coverage[i];
        uint64_t skipped = 0;
        for (size_t j = 0; j < matrix->n_skips; j++)
            skipped += str_equal(matrix->skips[j].source, c->source);
        html_table_row(out, &table);
        html_table_cell_text(out, &table, last_two_parts(c->source));
        html_table_cell_text(out, &table, c->origin.len ? c->origin : S("capture"));
        html_table_cell_text(out, &table, c->has_times ? minute(arena, c->from_us) : S("none"));
        html_table_cell_text(out, &table, c->has_times ? minute(arena, c->to_us) : S("none"));
        html_table_cell_text(out, &table, str_format(arena, "%" PRIu64, c->records));
        html_table_cell_text(out, &table, str_format(arena, "%" PRIu64, c->facts));
        html_table_cell_text(out, &table, str_format(arena, "%" PRIu64, skipped));
        html_table_row_end(out);
    }
    html_table_end(out);
    more_rows(out, matrix->n_coverage, "matrix --json");
}

/* ---- Figures at the top -------------------------------------------------------------------------
 */

static void tile(struct buf *out, uint64_t value, const char *class_name, str text)
{
    buf_format(out, "<li><strong class=\"%s\">%" PRIu64 "</strong>", class_name, value);
    html_text(out, text);
    html_raw(out, S("</li>\n"));
}

static void write_tiles(struct buf *out, const struct report *report)
{
    const struct simulated_ring *ring = last_ring(report);
    uint64_t servers = 0, smb1 = 0;
    for (size_t i = 0; i < report->hosts->n; i++) {
        const struct host_view *host = &report->hosts->hosts[i];
        bool serves = false, ours = !report->policy;
        for (size_t j = 0; j < host->n_roles; j++)
            serves |= host->roles[j].role == HOST_ROLE_SERVER;
        for (size_t j = 0; j < host->host->n_intervals && !ours; j++) {
            struct endpoint end = {.addr = host->host->intervals[j].addr};
            ours = report->labels->segment(report->labels->to, end).len > 0;
        }
        servers += serves && ours;
        smb1 += host->posture.smb1 && ours;
    }
    html_raw(out, S("<ul class=\"tiles\">\n"));
    if (ring) {
        tile(out, ring->count[SIMULATE_BROKEN], "broken", S("flows that work today would break"));
        uint64_t probes = 0;
        for (size_t i = 0; i < ring->n_flows; i++)
            probes += ring->flows[i].verdict == SIMULATE_STOPPED &&
                      !replay_server_answered(ring->flows[i].flow);
        tile(out, ring->count[SIMULATE_STOPPED] - probes, "stopped", S("unwanted flows stopped"));
        if (probes) tile(out, probes, "stopped", S("attempts stopped that nothing answered"));
        tile(out, ring->count[SIMULATE_KEPT], "kept", S("flows kept"));
        tile(out, report->simulation->n_blind, "blind", S("blind spots"));
    }
    tile(out, servers, "", S("hosts of ours serve SMB"));
    tile(out, smb1, "", S("of them still speak SMB 1"));
    html_raw(out, S("</ul>\n"));
}

/* ---- Flows --------------------------------------------------------------------------------------
 */

static void write_verdict(struct buf *out, const struct report *report,
                          const struct host_names *names, struct arena *arena,
                          enum simulate_verdict verdict, str caption)
{
    static const struct html_column columns[] = {
        {{"Client", 6},              false},
        {{"Server", 6},              false},
        {{"Service", 7},             false},
        {{"Users", 5},               false},
        {{"Seen", 4},                true },
        {{"Last seen", 9},           false},
        {{"At", 2},                  false},
        {{"Why", 3},                 false},
        {{"What would keep it", 18}, false},
    };
    const struct simulated_ring *ring = last_ring(report);
    size_t n_columns = verdict == SIMULATE_BROKEN ? COUNT_OF(columns) : COUNT_OF(columns) - 1,
           n = 0;
    struct map unanswered = {0};
    struct html_table table = html_table_start(out, caption, columns, n_columns);
    for (size_t i = 0; i < ring->n_flows; i++) {
        const struct simulated_flow *s = &ring->flows[i];
        const struct matrix_flow *flow = s->flow;
        bool has_side = verdict == SIMULATE_BROKEN || verdict == SIMULATE_STOPPED;
        struct opened opens;
        if (s->verdict != verdict) continue;
        if (!replay_server_answered(flow) &&
            ++*map_put(&unanswered, arena, view_end_text(arena, flow->client), 0, NULL) >
                UNANSWERED_SHOWN)
            continue;
        if (n++ >= MOST_ROWS) continue;
        html_table_row(out, &table);
        html_table_cell_text(out, &table, host_names_long(names, arena, flow->client));
        html_table_cell_text(out, &table, host_names_long(names, arena, flow->server));
        html_table_cell_text(out, &table,
                             view_service_text(arena, report->labels, flow->transport, flow->port));
        html_table_cell_text(out, &table, joined(arena, flow->users, 5));
        html_table_cell_text(out, &table, str_format(arena, "%" PRIu64, flow->connections));
        cell_seen(out, &table, arena, flow);
        html_table_cell_text(out, &table, has_side ? simulate_at_text(s->at) : (str){0});
        html_table_cell_text(out, &table, simulate_because(report->simulation, s, arena));
        if (verdict == SIMULATE_BROKEN) {
            html_table_cell(out, &table);
            html_raw(out, S("<code>"));
            html_text(out, cures_of_flow(report->simulation, s, arena, &opens));
            html_raw(out, S("</code>"));
            html_table_cell_end(out);
        }
        html_table_row_end(out);
    }
    html_table_end(out);
    for (size_t i = 0; i < unanswered.n; i++)
        if (unanswered.entries[i].value > UNANSWERED_SHOWN) {
            html_raw(out, S("<p class=\"soft\">"));
            html_text(out, unanswered.entries[i].key);
            buf_format(out, " also tried %" PRIu64 " more servers that never answered.</p>\n",
                       unanswered.entries[i].value - UNANSWERED_SHOWN);
        }
    more_rows(out, n, "simulate --json");
}

static void write_rings(struct buf *out, const struct report *report, struct arena *arena)
{
    static const struct html_column columns[] = {
        {{"Ring", 4},                   false},
        {{"Would break", 11},           true },
        {{"Stopped", 7},                true },
        {{"Kept", 4},                   true },
        {{"Escaped", 7},                true },
        {{"Undecidable", 11},           true },
        {{"Enforcing, by own log", 21}, true },
        {{"Enforcing, assumed", 18},    true },
        {{"Cannot enforce", 14},        true },
    };
    struct html_table table = html_table_start(
        out, S("Each ring with the machines of all rings before it"), columns, COUNT_OF(columns));
    for (size_t i = 0; i < report->simulation->n_rings; i++) {
        const struct simulated_ring *ring = &report->simulation->rings[i];
        uint64_t values[] = {
            ring->count[SIMULATE_BROKEN],      ring->count[SIMULATE_STOPPED],
            ring->count[SIMULATE_KEPT],        ring->count[SIMULATE_ESCAPED],
            ring->count[SIMULATE_UNDECIDABLE], ring->enforcing_by_evidence,
            ring->enforcing_assumed,           ring->enforcing_cannot,
        };
        html_table_row(out, &table);
        html_table_cell_text(out, &table, ring->name);
        for (size_t j = 0; j < COUNT_OF(values); j++)
            html_table_cell_text(out, &table, str_format(arena, "%" PRIu64, values[j]));
        html_table_row_end(out);
    }
    html_table_end(out);
}

static void write_breaks(struct buf *out, const struct report *report,
                         const struct host_names *names, struct arena *arena)
{
    const struct simulated_ring *ring = last_ring(report);
    if (!ring) return;
    heading(out, S("What would break"));
    if (ring->count[SIMULATE_BROKEN])
        write_verdict(out, report, names, arena, SIMULATE_BROKEN,
                      S("Flows that worked and would not pass, most people first"));
    else
        paragraph(out, "soft",
                  S("No flow that worked would break, as far as the evidence reaches."));
    heading(out, S("Ring by ring"));
    write_rings(out, report, arena);
    if (ring->count[SIMULATE_UNDECIDABLE]) {
        heading(out, S("Not decidable"));
        write_verdict(out, report, names, arena, SIMULATE_UNDECIDABLE,
                      S("Flows the evidence cannot decide"));
    }
    if (ring->count[SIMULATE_ESCAPED]) {
        heading(out, S("Escapes the policy"));
        write_verdict(out, report, names, arena, SIMULATE_ESCAPED,
                      S("Blocked by the policy, but nothing on the path enforces it"));
    }
    if (ring->count[SIMULATE_STOPPED]) {
        heading(out, S("Stopped as intended"));
        write_verdict(
            out, report, names, arena, SIMULATE_STOPPED,
            S("Flows that never worked, come from untrusted clients, or must never pass"));
    }
}

/* ---- Posture, shares, matrix --------------------------------------------------------------------
 */

static str roles_line(struct arena *arena, const struct host_view *host)
{
    struct buf text = buf_in(arena);
    for (size_t i = 0; i < host->n_roles; i++) {
        if (i) buf_str(&text, S(", "));
        buf_str(&text, roles_text(host->roles[i].role));
    }
    return buf_text(&text);
}

static str weaknesses(struct arena *arena, const struct posture *p)
{
    struct buf text = buf_in(arena);
    if (p->smb1) buf_str(&text, S("SMB 1, "));
    if (p->signing == SIGNING_DISABLED || p->signing == SIGNING_ENABLED)
        buf_str(&text, S("signing not required, "));
    if (p->guest) buf_str(&text, S("guest logon, "));
    if (p->anonymous) buf_str(&text, S("anonymous logon, "));
    if (p->ntlmv1) buf_str(&text, S("NTLMv1, "));
    str all = buf_text(&text);
    return all.len ? str_head(all, all.len - 2) : S("none seen");
}

static void write_posture(struct buf *out, const struct report *report, struct arena *arena)
{
    static const struct html_column columns[] = {
        {{"Host", 4},         false},
        {{"Roles", 5},        false},
        {{"Dialects", 8},     false},
        {{"Signing", 7},      false},
        {{"Encrypted", 9},    false},
        {{"Weak points", 11}, false},
        {{"Shares", 6},       false},
    };
    static const char *const known[] = {"", "no", "yes"};
    size_t n = 0;
    heading(out, S("How servers speak SMB"));
    struct html_table table =
        html_table_start(out, S("Hosts that answered as a server; the weakest that was seen"),
                         columns, COUNT_OF(columns));
    for (size_t i = 0; i < report->hosts->n; i++) {
        const struct host_view *host = &report->hosts->hosts[i];
        if (!host->posture.dialects && host->posture.signing == SIGNING_UNKNOWN) continue;
        if (n++ >= MOST_ROWS) continue;
        struct buf name = buf_in(arena);
        buf_str(&name, host->host->name);
        for (size_t j = 0; j < host->host->n_intervals && j < 3; j++) {
            if (name.len) buf_char(&name, ' ');
            addr_print(&name, host->host->intervals[j].addr);
        }
        html_table_row(out, &table);
        html_table_cell_text(out, &table, buf_text(&name));
        html_table_cell_text(out, &table, roles_line(arena, host));
        html_table_cell_text(out, &table, view_dialects_text(arena, host->posture.dialects));
        html_table_cell_text(out, &table, signing_text(host->posture.signing));
        html_table_cell_text(out, &table, str_of(known[host->posture.encrypted]));
        html_table_cell_text(out, &table, weaknesses(arena, &host->posture));
        html_table_cell_text(out, &table, joined(arena, host->shares, 8));
        html_table_row_end(out);
    }
    html_table_end(out);
    more_rows(out, n, "hosts");
}

static void write_shares(struct buf *out, const struct report *report,
                         const struct host_names *names, struct arena *arena)
{
    static const struct html_column columns[] = {
        {{"Server", 6},    false},
        {{"Share", 5},     false},
        {{"Kind", 4},      false},
        {{"Used", 4},      true },
        {{"Refused", 7},   true },
        {{"Users", 5},     false},
        {{"Clients", 7},   false},
        {{"Last used", 9}, false},
    };
    heading(out, S("Shares, and who uses them"));
    struct html_table table =
        html_table_start(out, S("Every share that was asked for"), columns, COUNT_OF(columns));
    for (size_t i = 0; i < report->n_shares && i < MOST_ROWS; i++) {
        const struct share_view *share = &report->shares[i];
        html_table_row(out, &table);
        html_table_cell_text(out, &table, host_names_long(names, arena, share->server));
        html_table_cell_text(out, &table, share->share);
        html_table_cell_text(out, &table, roles_share_kind_text(share->kind));
        html_table_cell_text(out, &table, str_format(arena, "%" PRIu64, share->used));
        html_table_cell_text(out, &table, str_format(arena, "%" PRIu64, share->refused));
        html_table_cell_text(out, &table, joined(arena, share->users, 5));
        html_table_cell_text(out, &table, joined(arena, share->clients, 5));
        cell_minute(out, &table, arena, share->last_us);
        html_table_row_end(out);
    }
    html_table_end(out);
    more_rows(out, report->n_shares, "shares");
}

static void write_matrix(struct buf *out, const struct report *report,
                         const struct host_names *names, struct arena *arena)
{
    static const struct html_column columns[] = {
        {{"Client", 6},       false},
        {{"Server", 6},       false},
        {{"Service", 7},      false},
        {{"Connections", 11}, true },
        {{"Outcomes", 8},     false},
        {{"Dialects", 8},     false},
        {{"Users", 5},        false},
        {{"Last seen", 9},    false},
    };
    const struct matrix_view *matrix = report->matrix;
    heading(out, S("Every conversation"));
    struct html_table table =
        html_table_start(out, S("The matrix, sorted by client"), columns, COUNT_OF(columns));
    for (size_t i = 0; i < matrix->n_flows && i < MOST_ROWS; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        html_table_row(out, &table);
        html_table_cell_text(out, &table, host_names_long(names, arena, flow->client));
        html_table_cell_text(out, &table, host_names_long(names, arena, flow->server));
        html_table_cell_text(out, &table,
                             view_service_text(arena, report->labels, flow->transport, flow->port));
        html_table_cell_text(out, &table, str_format(arena, "%" PRIu64, flow->connections));
        html_table_cell_text(out, &table, view_outcomes_text(arena, flow));
        html_table_cell_text(out, &table, view_dialects_text(arena, flow->dialects));
        html_table_cell_text(out, &table, joined(arena, flow->users, 5));
        cell_seen(out, &table, arena, flow);
        html_table_row_end(out);
    }
    html_table_end(out);
    more_rows(out, matrix->n_flows, "matrix");
}

static str verdict_sentence(const struct report *report, struct arena *arena)
{
    const struct simulated_ring *ring = last_ring(report);
    if (!ring)
        return S("There is no policy yet: this is what was seen. With a policy.yaml in the "
                 "workspace the "
                 "report also says what it would break.");
    uint64_t broken = ring->count[SIMULATE_BROKEN];
    size_t blind = report->simulation->n_blind;
    str blindness = S("");
    if (blind)
        blindness = str_format(arena, " For %zu blind spot%s nothing is known.", blind,
                               blind == 1 ? "" : "s");
    if (!broken)
        return str_format(arena,
                          "With this policy on all machines, nothing that was seen working would "
                          "break.%.*s",
                          STR_ARG(blindness));
    return str_format(arena,
                      "With this policy on all machines, %" PRIu64
                      " flow%s that work%s today would "
                      "break.%.*s",
                      broken, broken == 1 ? "" : "s", broken == 1 ? "s" : "", STR_ARG(blindness));
}

void report_write(struct buf *out, const struct report *report, struct arena scratch)
{
    struct arena *arena = &scratch;
    struct host_names names = host_names_of(arena, report->hosts);
    str organisation = report->organisation.len ? report->organisation : S("this network");
    str title = str_format(arena, "SMB in %.*s", STR_ARG(organisation));
    html_page_start(out, title);
    html_raw(out, S("<header>\n<h1>"));
    html_text(out, title);
    html_raw(out, S("</h1>\n"));
    paragraph(out, "", verdict_sentence(report, arena));
    paragraph(out, "soft",
              str_format(arena, "As of %.*s UTC. Policy: %.*s",
                         STR_ARG(minute(arena, report->as_of_us)),
                         STR_ARG(report->policy ? report->policy->source : S("none"))));
    html_raw(out, S("</header>\n<main>\n"));
    write_tiles(out, report);
    write_coverage(out, report, &names, arena);
    struct arena picture_scratch = arena_open("report", 0, NULL);
    heading(out, S("Who uses whom"));
    drawing_write(out, report, &names, arena, picture_scratch);
    arena_close(&picture_scratch);
    write_breaks(out, report, &names, arena);
    write_posture(out, report, arena);
    write_shares(out, report, &names, arena);
    write_matrix(out, report, &names, arena);
    html_raw(out, S("</main>\n<footer>\n"));
    paragraph(out, "",
              S("Made by sallyport. This page is complete in itself and asks the network for "
                "nothing. A host without evidence is never counted as safe."));
    html_raw(out, S("</footer>\n"));
    html_page_end(out);
}
