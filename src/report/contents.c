/* SPDX-License-Identifier: Apache-2.0 */
#include "report/contents.h"

#include "base/instant.h"
#include "base/map.h"
#include "report/changes.h"
#include "report/host_names.h"
#include "report/timeline.h"

/* Of a sweep's targets that never answered, the first few stand for all on the page. */
enum { UNANSWERED_SHOWN = 3 };

struct tables {
    const struct report *report;
    struct sheets *sheets;
    struct arena *arena;
    struct host_names names;
};

#define COLUMN(title, key, look)                                                                   \
    {                                                                                              \
        {title, sizeof(title) - 1}, {key, sizeof(key) - 1}, look, false                            \
    }
#define FILE_COLUMN(key, look)                                                                     \
    {                                                                                              \
        {key, sizeof(key) - 1}, {key, sizeof(key) - 1}, look, true                                 \
    }
#define ADD(t, name, caption, all, columns)                                                        \
    sheet_add((t)->sheets, S(name), S(caption), S(all), columns, COUNT_OF(columns))

static void cell(struct tables *t, struct sheet *sheet, str text)
{
    sheet_cell(t->sheets, sheet, text);
}

static str joined(struct tables *t, struct names names, size_t most)
{
    struct buf text = buf_in(t->arena);
    if (t->sheets->whole) most = names.n;
    for (size_t i = 0; i < names.n && i < most; i++) {
        if (i) buf_str(&text, S(", "));
        buf_str(&text, names.items[i]);
    }
    if (names.n > most) buf_format(&text, " and %zu more", names.n - most);
    return buf_text(&text);
}

static const struct simulated_ring *last_ring(const struct report *report)
{
    if (!report->simulation || !report->simulation->n_rings) return NULL;
    return &report->simulation->rings[report->simulation->n_rings - 1];
}

/* ---- Evidence -----------------------------------------------------------------------------------
 */

/* "FS01/pfirewall.log": every host's log has the same name, its folder tells them apart. */
static str last_two_parts(str path)
{
    size_t n = os_base_name(path).len;
    if (n == path.len) return path;
    return str_tail(path, path.len - n - os_base_name(str_head(path, path.len - n - 1)).len - 1);
}

static void add_sources(struct tables *t)
{
    static const struct sheet_column columns[] = {
        COLUMN("Source", "source", SHEET_TEXT),     COLUMN("Written by", "origin", SHEET_TEXT),
        COLUMN("From", "from", SHEET_MINUTE),       COLUMN("To", "to", SHEET_MINUTE),
        COLUMN("Records", "records", SHEET_NUMBER), COLUMN("Facts", "facts", SHEET_NUMBER),
        COLUMN("Skipped", "skipped", SHEET_NUMBER),
    };
    const struct matrix_view *matrix = t->report->matrix;
    struct map skipped = {0};
    struct sheet *sheet = ADD(t, "sources", "Evidence, and the time it covers (UTC)",
                              "sallyport matrix --json", columns);
    for (size_t i = 0; i < matrix->n_skips; i++)
        ++*map_put(&skipped, t->arena, matrix->skips[i].source, 0, NULL);
    for (size_t i = 0; i < matrix->n_coverage; i++) {
        const struct coverage *c = &matrix->coverage[i];
        const uint64_t *n = map_find(&skipped, c->source);
        if (!sheet_row(t->sheets, sheet)) continue;
        cell(t, sheet, t->sheets->whole ? c->source : last_two_parts(c->source));
        cell(t, sheet, c->origin.len ? c->origin : S("capture"));
        sheet_cell_minute(t->sheets, sheet, c->has_times ? c->from_us : 0);
        sheet_cell_minute(t->sheets, sheet, c->has_times ? c->to_us : 0);
        sheet_cell_u64(t->sheets, sheet, c->records);
        sheet_cell_u64(t->sheets, sheet, c->facts);
        sheet_cell_u64(t->sheets, sheet, n ? *n : 0);
    }
}

static void add_blind(struct tables *t)
{
    static const struct sheet_column columns[] = {
        COLUMN("Who", "who", SHEET_CODE),
        COLUMN("Segment", "segment", SHEET_TEXT),
        COLUMN("What is not known", "reason", SHEET_TEXT),
    };
    const struct simulation *s = t->report->simulation;
    if (!s) return;
    struct sheet *sheet = ADD(t, "blind_spots", "Of these nothing is known to be safe",
                              "sallyport simulate", columns);
    for (size_t i = 0; i < s->n_blind; i++) {
        const struct blind_spot *spot = &s->blind[i];
        struct endpoint end = {.addr = spot->addr};
        if (!sheet_row(t->sheets, sheet)) continue;
        cell(t, sheet,
             addr_is_none(spot->addr) ? spot->text : host_names_long(&t->names, t->arena, end));
        cell(t, sheet, spot->segment);
        cell(t, sheet, spot->reason);
    }
}

/* ---- Flows --------------------------------------------------------------------------------------
 */

static void put_ends(struct tables *t, struct sheet *sheet, const struct matrix_flow *flow)
{
    cell(t, sheet, host_names_long(&t->names, t->arena, flow->client));
    cell(t, sheet, host_names_long(&t->names, t->arena, flow->server));
    cell(t, sheet, view_service_text(t->arena, t->report->labels, flow->transport, flow->port));
}

static void put_flow(struct tables *t, struct sheet *sheet, const struct simulated_flow *s)
{
    const struct simulation *simulation = t->report->simulation;
    const struct matrix_flow *flow = s->flow;
    bool has_side = s->verdict == SIMULATE_BROKEN || s->verdict == SIMULATE_STOPPED;
    struct opened opens;
    put_ends(t, sheet, flow);
    cell(t, sheet, joined(t, flow->users, 5));
    sheet_cell_u64(t->sheets, sheet, flow->connections);
    sheet_cell_minute(t->sheets, sheet, flow->is_timeless ? 0 : flow->last_us);
    cell(t, sheet, has_side ? simulate_at_text(s->at) : (str){0});
    cell(t, sheet, simulate_because(simulation, s, t->arena));
    if (s->verdict == SIMULATE_BROKEN)
        cell(t, sheet, cures_of_flow(simulation, s, t->arena, &opens));
}

static void add_verdict(struct tables *t, enum simulate_verdict verdict, str name, str caption)
{
    static const struct sheet_column columns[] = {
        COLUMN("Client", "client", SHEET_TEXT),
        COLUMN("Server", "server", SHEET_TEXT),
        COLUMN("Service", "service", SHEET_TEXT),
        COLUMN("Users", "users", SHEET_TEXT),
        COLUMN("Seen", "connections", SHEET_NUMBER),
        COLUMN("Last seen", "last_seen", SHEET_MINUTE),
        COLUMN("At", "at", SHEET_TEXT),
        COLUMN("Why", "why", SHEET_TEXT),
        COLUMN("What would keep it", "cure", SHEET_CODE),
    };
    const struct simulated_ring *ring = last_ring(t->report);
    struct map unanswered = {0};
    if (!ring) return;
    size_t n_columns = COUNT_OF(columns) - (verdict != SIMULATE_BROKEN);
    struct sheet *sheet =
        sheet_add(t->sheets, name, caption, S("sallyport simulate --json"), columns, n_columns);
    for (size_t i = 0; i < ring->n_flows; i++) {
        const struct simulated_flow *s = &ring->flows[i];
        if (s->verdict != verdict) continue;
        bool folds = !replay_server_answered(s->flow) &&
                     ++*map_put(&unanswered, t->arena, view_end_text(t->arena, s->flow->client), 0,
                                NULL) > UNANSWERED_SHOWN;
        bool wanted = folds ? sheet_row_folded(t->sheets, sheet) : sheet_row(t->sheets, sheet);
        if (wanted) put_flow(t, sheet, s);
    }
    struct buf note = buf_in(t->arena);
    for (size_t i = 0; i < unanswered.n; i++)
        if (unanswered.entries[i].value > UNANSWERED_SHOWN)
            buf_format(&note, "%.*s also tried %" PRIu64 " more servers that never answered. ",
                       STR_ARG(unanswered.entries[i].key),
                       unanswered.entries[i].value - UNANSWERED_SHOWN);
    sheet->note = buf_text(&note);
}

static void add_flows(struct tables *t)
{
    add_verdict(t, SIMULATE_BROKEN, S("broken_flows"),
                S("Flows that worked and would not pass, most people first"));
    add_verdict(t, SIMULATE_UNDECIDABLE, S("undecidable_flows"),
                S("Flows the evidence cannot decide"));
    add_verdict(t, SIMULATE_ESCAPED, S("escaped_flows"),
                S("Blocked by the policy, but nothing on the path enforces it"));
    add_verdict(t, SIMULATE_STOPPED, S("stopped_flows"),
                S("Flows that never worked, come from untrusted clients, or must never pass"));
}

static void add_rings(struct tables *t)
{
    static const struct sheet_column columns[] = {
        COLUMN("Ring", "ring", SHEET_TEXT),
        COLUMN("Would break", "broken", SHEET_NUMBER),
        COLUMN("Stopped", "stopped", SHEET_NUMBER),
        COLUMN("Kept", "kept", SHEET_NUMBER),
        COLUMN("Escaped", "escaped", SHEET_NUMBER),
        COLUMN("Undecidable", "undecidable", SHEET_NUMBER),
        COLUMN("Enforcing, by own log", "enforcing", SHEET_NUMBER),
        COLUMN("Enforcing, assumed", "assumed", SHEET_NUMBER),
        COLUMN("Cannot enforce", "cannot", SHEET_NUMBER),
    };
    const struct simulation *s = t->report->simulation;
    if (!s) return;
    struct sheet *sheet = ADD(t, "rings", "Each ring with the machines of all rings before it",
                              "sallyport simulate --json", columns);
    for (size_t i = 0; i < s->n_rings; i++) {
        const struct simulated_ring *ring = &s->rings[i];
        uint64_t values[] = {
            ring->count[SIMULATE_BROKEN],      ring->count[SIMULATE_STOPPED],
            ring->count[SIMULATE_KEPT],        ring->count[SIMULATE_ESCAPED],
            ring->count[SIMULATE_UNDECIDABLE], ring->enforcing_by_evidence,
            ring->enforcing_assumed,           ring->enforcing_cannot,
        };
        if (!sheet_row(t->sheets, sheet)) continue;
        cell(t, sheet, ring->name);
        for (size_t j = 0; j < COUNT_OF(values); j++)
            sheet_cell_u64(t->sheets, sheet, values[j]);
    }
}

/* ---- Machines, shares, the matrix ---------------------------------------------------------------
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

static str host_line(struct arena *arena, const struct host *host)
{
    struct buf name = buf_in(arena);
    buf_str(&name, host->name);
    for (size_t j = 0; j < host->n_intervals && j < 3; j++) {
        if (name.len) buf_char(&name, ' ');
        addr_print(&name, host->intervals[j].addr);
    }
    return buf_text(&name);
}

static void add_servers(struct tables *t)
{
    static const struct sheet_column columns[] = {
        COLUMN("Host", "host", SHEET_TEXT),
        COLUMN("Roles", "roles", SHEET_TEXT),
        COLUMN("Dialects", "dialects", SHEET_TEXT),
        COLUMN("Signing", "signing", SHEET_TEXT),
        COLUMN("Encrypted", "encrypted", SHEET_TEXT),
        COLUMN("Weak points", "weak_points", SHEET_TEXT),
        COLUMN("Shares", "shares", SHEET_TEXT),
    };
    static const char *const known[] = {"", "no", "yes"};
    struct sheet *sheet =
        ADD(t, "servers", "Hosts that answered as a server; the weakest that was seen",
            "sallyport hosts", columns);
    for (size_t i = 0; i < t->report->hosts->n; i++) {
        const struct host_view *host = &t->report->hosts->hosts[i];
        if (!host->posture.dialects && host->posture.signing == SIGNING_UNKNOWN) continue;
        if (!sheet_row(t->sheets, sheet)) continue;
        cell(t, sheet, host_line(t->arena, host->host));
        cell(t, sheet, roles_line(t->arena, host));
        cell(t, sheet, view_dialects_text(t->arena, host->posture.dialects));
        cell(t, sheet, signing_text(host->posture.signing));
        cell(t, sheet, str_of(known[host->posture.encrypted]));
        sheet_cell_kind(t->sheets, sheet, weaknesses(t->arena, &host->posture),
                        host->posture.smb1 ? S("broken") : (str){0});
        cell(t, sheet, joined(t, host->shares, 8));
    }
}

static void add_shares(struct tables *t)
{
    static const struct sheet_column columns[] = {
        COLUMN("Server", "server", SHEET_TEXT),     COLUMN("Share", "share", SHEET_TEXT),
        COLUMN("Kind", "kind", SHEET_TEXT),         COLUMN("Used", "used", SHEET_NUMBER),
        COLUMN("Refused", "refused", SHEET_NUMBER), COLUMN("Users", "users", SHEET_TEXT),
        COLUMN("Clients", "clients", SHEET_TEXT),   COLUMN("Last used", "last_used", SHEET_MINUTE),
    };
    struct sheet *sheet =
        ADD(t, "shares", "Every share that was asked for", "sallyport shares", columns);
    for (size_t i = 0; i < t->report->n_shares; i++) {
        const struct share_view *share = &t->report->shares[i];
        if (!sheet_row(t->sheets, sheet)) continue;
        cell(t, sheet, host_names_long(&t->names, t->arena, share->server));
        cell(t, sheet, share->share);
        cell(t, sheet, roles_share_kind_text(share->kind));
        sheet_cell_u64(t->sheets, sheet, share->used);
        sheet_cell_u64(t->sheets, sheet, share->refused);
        cell(t, sheet, joined(t, share->users, 5));
        cell(t, sheet, joined(t, share->clients, 5));
        sheet_cell_minute(t->sheets, sheet, share->last_us);
    }
}

static void add_matrix(struct tables *t)
{
    static const struct sheet_column columns[] = {
        COLUMN("Client", "client", SHEET_TEXT),
        COLUMN("Server", "server", SHEET_TEXT),
        COLUMN("Service", "service", SHEET_TEXT),
        COLUMN("Connections", "connections", SHEET_NUMBER),
        COLUMN("Outcomes", "outcomes", SHEET_TEXT),
        COLUMN("Dialects", "dialects", SHEET_TEXT),
        COLUMN("Users", "users", SHEET_TEXT),
        COLUMN("Last seen", "last_seen", SHEET_MINUTE),
    };
    const struct matrix_view *matrix = t->report->matrix;
    struct sheet *sheet =
        ADD(t, "matrix", "The matrix, sorted by client", "sallyport matrix", columns);
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        if (!sheet_row(t->sheets, sheet)) continue;
        put_ends(t, sheet, flow);
        sheet_cell_u64(t->sheets, sheet, flow->connections);
        cell(t, sheet, view_outcomes_text(t->arena, flow));
        cell(t, sheet, view_dialects_text(t->arena, flow->dialects));
        cell(t, sheet, joined(t, flow->users, 5));
        sheet_cell_minute(t->sheets, sheet, flow->is_timeless ? 0 : flow->last_us);
    }
}

/* ---- Exceptions ---------------------------------------------------------------------------------
 */

static str state_line(const struct register_row *row, int64_t as_of_us, struct arena *arena)
{
    int64_t days = register_days_left(row, as_of_us);
    bool opens = row->state == BOOK_ACTIVE || row->state == BOOK_SCHEDULED;
    if (opens && row->break_glass)
        return str_format(arena, "BREAK-GLASS, %" PRId64 " h left",
                          (row->expires_us - as_of_us + INT64_C(3600) * INSTANT_SECOND - 1) /
                              (INT64_C(3600) * INSTANT_SECOND));
    if (opens)
        return str_format(arena, "%.*s, %" PRId64 " day%s left",
                          STR_ARG(register_state_text(row->state)), days, days == 1 ? "" : "s");
    if (row->state == BOOK_EXPIRED || row->state == BOOK_REVOKED) {
        int64_t ago = (as_of_us - row->ended_us) / INSTANT_DAY;
        return str_format(arena, "%.*s %" PRId64 " day%s ago%s",
                          STR_ARG(register_state_text(row->state)), ago, ago == 1 ? "" : "s",
                          row->carried ? ", still carried" : "");
    }
    if (row->state == BOOK_PENDING && row->needed)
        return str_format(arena, "pending, %" PRIu64 " of %" PRIu64 " approvals", row->approved,
                          row->needed);
    return register_state_text(row->state);
}

static str owner_note(const struct register_row *row, struct arena *arena)
{
    if (row->orphaned.len) return str_format(arena, "has left: %.*s", STR_ARG(row->orphaned));
    return row->deputy.len ? str_format(arena, "deputy %.*s", STR_ARG(row->deputy)) : (str){0};
}

static str use_line(const struct register_row *row, struct arena *arena)
{
    char text[INSTANT_TEXT];
    const struct exception_use *use = row->use;
    if (!use) return S("not known");
    struct buf out = buf_in(arena);
    if (use->connections)
        buf_format(&out, "%" PRIu64 " time%s, last %.*s", use->connections,
                   use->connections == 1 ? "" : "s",
                   STR_ARG(str_head(instant_text(text, use->last_us), 10)));
    else
        buf_str(&out, use->proposal == USE_UNKNOWN ? S("not known") : S("never"));
    if (use->passed_after)
        buf_format(&out, "; STILL PASSES after its end, %" PRIu64 " time%s", use->passed_after,
                   use->passed_after == 1 ? "" : "s");
    if (use->proposal != USE_KEEP && use->proposal != USE_UNKNOWN && register_is_living(row))
        buf_format(&out, "; proposed: %.*s", STR_ARG(register_proposal_text(use->proposal)));
    return buf_text(&out);
}

/* Empty where nobody knows. */
static void put_number(struct tables *t, struct sheet *sheet, bool known, uint64_t value)
{
    if (known)
        sheet_cell_u64(t->sheets, sheet, value);
    else
        cell(t, sheet, (str){0});
}

static void put_dates(struct tables *t, struct sheet *sheet, const struct register_row *row)
{
    char text[INSTANT_TEXT];
    str due = {0};
    if (row->next_review_us)
        due = str_copy(t->arena, str_head(instant_text(text, row->next_review_us), 10));
    sheet_cell_kind(t->sheets, sheet, due, row->overdue ? S("broken strong") : (str){0});
    if (row->overdue) sheet_cell_below(sheet, S("overdue"));
    cell(t, sheet, row->reason);
    cell(t, sheet, row->deputy);
    sheet_cell_date(t->sheets, sheet, row->starts_us ? row->starts_us : row->granted_us);
    /* An end that is a day is its last moment: the instant is of the next one. */
    if (row->expires.len == S("2026-11-30").len)
        cell(t, sheet, row->expires);
    else
        sheet_cell_date(t->sheets, sheet, row->expires_us);
    cell(t, sheet, joined(t, row->approvers, 4));
    cell(t, sheet, row->ticket);
    cell(t, sheet, row->orphaned);
}

/* What the page says in words, each by itself: for whoever counts or sorts. */
static void put_plain(struct tables *t, struct sheet *sheet, const struct register_row *row)
{
    char text[INSTANT_TEXT];
    const struct exception_use *use = row->use;
    bool opens = row->state == BOOK_ACTIVE || row->state == BOOK_SCHEDULED;
    bool has_use = use && (use->connections || use->proposal != USE_UNKNOWN);
    bool waits = row->state == BOOK_PENDING && row->needed;
    sheet_cell_truth(t->sheets, sheet, row->break_glass);
    put_number(t, sheet, opens, (uint64_t)register_days_left(row, t->report->as_of_us));
    cell(t, sheet, str_copy(t->arena, instant_text(text, row->expires_us)));
    sheet_cell_truth(t->sheets, sheet, row->carried);
    sheet_cell_truth(t->sheets, sheet, row->overdue);
    put_number(t, sheet, waits, row->approved);
    put_number(t, sheet, waits, row->needed);
    put_number(t, sheet, has_use, has_use ? use->connections : 0);
    sheet_cell_date(t->sheets, sheet, use ? use->last_us : 0);
    put_number(t, sheet, has_use || (use && use->passed_after), use ? use->passed_after : 0);
    cell(t, sheet, use ? register_proposal_text(use->proposal) : (str){0});
}

static void put_exception(struct tables *t, struct sheet *sheet, const struct register_row *row)
{
    char text[INSTANT_TEXT];
    int64_t as_of = t->report->as_of_us;
    bool loud = (row->break_glass && register_is_living(row)) || row->carried ||
                (row->use && row->use->passed_after);
    str until = row->expires.len ? row->expires : str_head(instant_text(text, row->expires_us), 10);
    sheet_cell_kind(t->sheets, sheet, row->id, S("strong short"));
    sheet_cell_kind(t->sheets, sheet, register_state_text(row->state),
                    loud ? S("broken strong") : (str){0});
    sheet_cell_shown(sheet, state_line(row, as_of, t->arena));
    bool opens = row->state == BOOK_ACTIVE || row->state == BOOK_SCHEDULED;
    sheet_cell_below(sheet,
                     str_format(t->arena, "%s %.*s", opens ? "until" : "end", STR_ARG(until)));
    sheet_cell_kind(t->sheets, sheet, row->owner,
                    row->orphaned.len ? S("broken strong") : (str){0});
    if (!row->owner.len) sheet_cell_shown(sheet, S("nobody"));
    sheet_cell_below(sheet, owner_note(row, t->arena));
    cell(t, sheet, register_scope(row, t->arena));
    sheet_cell_below(sheet, row->reason);
    cell(t, sheet, timeline_row(row, as_of, t->arena));
    cell(t, sheet, use_line(row, t->arena));
    put_dates(t, sheet, row);
    put_plain(t, sheet, row);
}

static void add_exceptions(struct tables *t)
{
    static const struct sheet_column columns[] = {
        COLUMN("Id", "id", SHEET_TEXT),
        COLUMN("State", "state", SHEET_TEXT),
        COLUMN("Owner", "owner", SHEET_TEXT),
        COLUMN("What it opens, and why", "scope", SHEET_TEXT),
        COLUMN("Calendar", "calendar", SHEET_PICTURE),
        COLUMN("Use", "use", SHEET_TEXT),
        COLUMN("Review due", "review_due", SHEET_MINUTE),
        FILE_COLUMN("reason", SHEET_TEXT),
        FILE_COLUMN("deputy", SHEET_TEXT),
        FILE_COLUMN("starts", SHEET_MINUTE),
        FILE_COLUMN("ends", SHEET_MINUTE),
        FILE_COLUMN("approved_by", SHEET_TEXT),
        FILE_COLUMN("ticket", SHEET_TEXT),
        FILE_COLUMN("orphaned", SHEET_TEXT),
        FILE_COLUMN("break_glass", SHEET_TRUTH),
        FILE_COLUMN("days_left", SHEET_NUMBER),
        FILE_COLUMN("expires_at", SHEET_TEXT),
        FILE_COLUMN("carried", SHEET_TRUTH),
        FILE_COLUMN("overdue", SHEET_TRUTH),
        FILE_COLUMN("approvals", SHEET_NUMBER),
        FILE_COLUMN("approvals_needed", SHEET_NUMBER),
        FILE_COLUMN("connections", SHEET_NUMBER),
        FILE_COLUMN("last_use", SHEET_MINUTE),
        FILE_COLUMN("passed_after", SHEET_NUMBER),
        FILE_COLUMN("proposal", SHEET_TEXT),
    };
    const struct exception_register *all = t->report->exceptions;
    struct sheet *sheet =
        ADD(t, "exceptions", "Every exception, break-glass first, then by its end",
            "sallyport exception list", columns);
    for (size_t i = 0; i < all->n; i++)
        if (sheet_row(t->sheets, sheet)) put_exception(t, sheet, &all->rows[i]);
}

static void add_faults(struct tables *t)
{
    static const struct sheet_column columns[] = {
        COLUMN("Entry", "entry", SHEET_NUMBER),
        COLUMN("What is wrong", "fault", SHEET_TEXT),
    };
    const struct exception_register *all = t->report->exceptions;
    if (!all->n_faults) return;
    struct sheet *sheet = ADD(t, "faults", "Entries of the ledger that count for nothing",
                              "sallyport ledger show", columns);
    for (size_t i = 0; i < all->n_faults; i++) {
        if (!sheet_row(t->sheets, sheet)) continue;
        sheet_cell_u64(t->sheets, sheet, all->faults[i].entry);
        cell(t, sheet, all->faults[i].text);
    }
}

/* ---- Figures ------------------------------------------------------------------------------------
 */

static void add_grade(struct tables *t)
{
    static const struct sheet_column columns[] = {
        COLUMN("Part", "part", SHEET_TEXT),
        COLUMN("Weight", "weight", SHEET_NUMBER),
        COLUMN("Have", "have", SHEET_NUMBER),
        COLUMN("Of", "all", SHEET_NUMBER),
        COLUMN("Tenths", "tenths", SHEET_NUMBER),
        COLUMN("Share of", "text", SHEET_TEXT),
        COLUMN("Not more because", "says", SHEET_TEXT),
    };
    struct sheet *sheet = ADD(t, "grade", "The grade's parts", "", columns);
    for (unsigned i = 0; i < GRADE_PART_COUNT; i++) {
        const struct grade_part *part = &t->report->grade->parts[i];
        if (!sheet_row(t->sheets, sheet)) continue;
        cell(t, sheet, grade_part_name((enum grade_part_id)i));
        sheet_cell_u64(t->sheets, sheet, grade_part_weight((enum grade_part_id)i));
        sheet_cell_u64(t->sheets, sheet, part->have);
        sheet_cell_u64(t->sheets, sheet, part->all);
        sheet_cell_u64(t->sheets, sheet, part->points);
        cell(t, sheet, grade_part_text((enum grade_part_id)i));
        cell(t, sheet, part->says);
    }
}

static void add_figures(struct tables *t)
{
    static const struct sheet_column columns[] = {
        COLUMN("Figure", "figure", SHEET_TEXT),
        COLUMN("Now", "now", SHEET_NUMBER),
        COLUMN("Last report", "before", SHEET_NUMBER),
        COLUMN("What it counts", "text", SHEET_TEXT),
    };
    struct sheet *sheet = ADD(t, "figures", "Every figure of the report", "", columns);
    const struct past_report *previous = t->report->previous;
    for (size_t i = 0; i < figures_n_rows; i++) {
        if (!sheet_row(t->sheets, sheet)) continue;
        cell(t, sheet, figures_rows[i].name);
        sheet_cell_u64(t->sheets, sheet, figures_value(t->report->figures, i));
        if (previous && previous->figures[i] != UINT64_MAX)
            sheet_cell_u64(t->sheets, sheet, previous->figures[i]);
        else
            cell(t, sheet, (str){0});
        cell(t, sheet, figures_rows[i].text);
    }
}

static void add_actions(struct tables *t)
{
    static const struct sheet_column columns[] = {
        COLUMN("What", "what", SHEET_TEXT),     COLUMN("Why", "why", SHEET_TEXT),
        COLUMN("Effort", "effort", SHEET_TEXT), COLUMN("Because", "effort_reason", SHEET_TEXT),
        COLUMN("With", "command", SHEET_CODE),
    };
    struct sheet *sheet = ADD(t, "actions", "Everything there is to do", "", columns);
    for (size_t i = 0; i < t->report->n_actions; i++) {
        const struct report_action *a = &t->report->actions[i];
        if (!sheet_row(t->sheets, sheet)) continue;
        cell(t, sheet, a->what);
        cell(t, sheet, a->why);
        cell(t, sheet, report_effort_text(a->effort));
        cell(t, sheet, a->effort_why);
        cell(t, sheet, a->command);
    }
}

static void add_changes(struct tables *t)
{
    static const struct sheet_column columns[] = {
        COLUMN("When", "at", SHEET_MINUTE),
        COLUMN("What", "what", SHEET_TEXT),
        COLUMN("Of", "of", SHEET_TEXT),
        COLUMN("More", "more", SHEET_TEXT),
    };
    size_t n = 0;
    if (t->report->since_us == INT64_MIN) return;
    struct sheet *sheet = ADD(t, "changes", "What changed, oldest first", "", columns);
    const struct report_change *changes = changes_of(t->report, &t->names, t->arena, &n);
    bool folds = t->report->kind != REPORT_TECHNICAL;
    uint64_t n_flows = 0;
    for (size_t i = 0; i < n; i++) {
        n_flows += changes[i].is_flow;
        bool wanted = folds && changes[i].is_flow ? sheet_row_folded(t->sheets, sheet)
                                                  : sheet_row(t->sheets, sheet);
        if (!wanted) continue;
        sheet_cell_minute(t->sheets, sheet, changes[i].at_us);
        cell(t, sheet, changes[i].what);
        cell(t, sheet, changes[i].of);
        cell(t, sheet, changes[i].more);
    }
    if (folds && n_flows)
        sheet->note = str_format(t->arena,
                                 "%" PRIu64 " flow%s that came or went: the technical report "
                                 "lists them.",
                                 n_flows, n_flows == 1 ? "" : "s");
}

enum {
    IN_TECHNICAL = 1u << REPORT_TECHNICAL,
    IN_EXECUTIVE = 1u << REPORT_EXECUTIVE,
    IN_EXCEPTIONS = 1u << REPORT_EXCEPTIONS,
    IN_AUDIT = 1u << REPORT_AUDIT,
    IN_CLIENT = 1u << REPORT_CLIENT,
    IN_ALL = (1u << REPORT_KIND_COUNT) - 1,
};

struct sheets *contents_of(const struct report *report, bool whole, struct arena *arena)
{
    static const struct {
        void (*add)(struct tables *t);
        unsigned in;
    } rows[] = {
        {add_grade,      IN_ALL                                             },
        {add_figures,    IN_ALL                                             },
        {add_actions,    IN_ALL                                             },
        {add_changes,    IN_ALL                                             },
        {add_sources,    IN_TECHNICAL | IN_AUDIT                            },
        {add_blind,      IN_TECHNICAL | IN_AUDIT                            },
        {add_exceptions, IN_TECHNICAL | IN_EXCEPTIONS | IN_AUDIT | IN_CLIENT},
        {add_faults,     IN_TECHNICAL | IN_EXCEPTIONS | IN_AUDIT            },
        {add_flows,      IN_TECHNICAL                                       },
        {add_rings,      IN_TECHNICAL                                       },
        {add_servers,    IN_TECHNICAL                                       },
        {add_shares,     IN_TECHNICAL                                       },
        {add_matrix,     IN_TECHNICAL                                       },
    };
    struct sheets *sheets = arena_new(arena, struct sheets);
    *sheets = (struct sheets){.arena = arena, .whole = whole};
    struct tables tables = {report, sheets, arena, host_names_of(arena, report->hosts)};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].in >> report->kind & 1) rows[i].add(&tables);
    return sheets;
}
