/* SPDX-License-Identifier: Apache-2.0 */
#include "base/instant.h"
#include "cli/command.h"
#include "cli/workspace.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* "2026-11-20 16:02": what fits a table; the zone is UTC everywhere. */
static str minute_text(struct arena *arena, int64_t at_us)
{
    char text[INSTANT_TEXT];
    str full = instant_text(text, at_us);
    return str_format(arena, "%.*s %.*s", STR_ARG(str_head(full, 10)),
                      STR_ARG(str_head(str_tail(full, 11), 5)));
}

static str instant_copy(struct arena *arena, int64_t at_us)
{
    char text[INSTANT_TEXT];
    return str_copy(arena, instant_text(text, at_us));
}

static str join_names(struct arena *arena, struct names names, str between, size_t shown)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < names.n && i < shown; i++) {
        if (i) buf_str(&out, between);
        buf_str(&out, names.items[i]);
    }
    if (names.n > shown) buf_format(&out, " +%zu", names.n - shown);
    return buf_text(&out);
}

static str encrypted_text(enum known known)
{
    return known == KNOWN_YES ? S("yes") : known == KNOWN_NO ? S("no") : (str){0};
}

/* Several hosts may stand behind one end; what one flow saw of it tells most. */
static struct names names_of(struct workspace *workspace, struct arena *arena, struct endpoint end,
                             struct names seen, int64_t at_us)
{
    if (seen.n || addr_is_none(end.addr)) return seen;
    const struct host *host = hosts_at(&workspace->hosts, end.addr, at_us);
    if (!host || !host->name.len) return seen;
    str *name = arena_new(arena, str);
    *name = host->name;
    return (struct names){name, 1};
}

/* ---- CSV ----------------------------------------------------------------------------------------
 */

static str signing_or_empty(enum signing signing)
{
    return signing == SIGNING_UNKNOWN ? (str){0} : signing_text(signing);
}

static void add_csv_row(struct table *table, const struct matrix_flow *flow,
                        const struct view_labels *labels)
{
    struct arena *arena = table->arena;
    table_add(table, view_end_text(arena, flow->client));
    table_add(table, view_end_text(arena, flow->server));
    table_add(table, service_transport_text(flow->transport));
    table_add_u64(table, flow->port);
    table_add(table, view_service_text(arena, labels, flow->transport, flow->port));
    table_add(table,
              labels->governed(labels->to, flow->transport, flow->port) ? S("true") : S("false"));
    table_add(table, labels->segment(labels->to, flow->client));
    table_add(table, labels->segment(labels->to, flow->server));
    for (int i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++)
        table_add_u64(table, flow->outcomes[i]);
    table_add_u64(table, flow->connections);
    table_add(table, flow->connections_exact ? S("true") : S("false"));
    table_add(table, instant_copy(arena, flow->first_us));
    table_add(table, instant_copy(arena, flow->last_us));
    table_add_u64(table, flow->bytes_to_server);
    table_add_u64(table, flow->bytes_to_client);
    table_add(table, view_dialects_text(arena, flow->dialects));
    table_add(table, signing_or_empty(flow->client_signing));
    table_add(table, signing_or_empty(flow->server_signing));
    table_add(table, encrypted_text(flow->encrypted));
    const struct names lists[] = {flow->users,  flow->client_names,   flow->server_names,
                                  flow->shares, flow->shares_refused, flow->pipes};
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        table_add(table, join_names(arena, lists[i], S("; "), SIZE_MAX));
}

static void print_csv(struct invocation *call, const struct matrix_view *view,
                      const struct view_labels *labels)
{
#define C(title)                                                                                   \
    {                                                                                              \
        T(title), ALIGN_LEFT, 0                                                                    \
    }
#define X(name, text) C(text),
    static const struct table_column columns[] = {
        C("client"),
        C("server"),
        C("transport"),
        C("port"),
        C("service"),
        C("governed"),
        C("client_segment"),
        C("server_segment"),
        OUTCOMES(X) C("connections"),
        C("connections_exact"),
        C("first_seen"),
        C("last_seen"),
        C("bytes_to_server"),
        C("bytes_to_client"),
        C("dialects"),
        C("client_signing"),
        C("server_signing"),
        C("encrypted"),
        C("users"),
        C("client_names"),
        C("server_names"),
        C("shares"),
        C("shares_refused"),
        C("pipes"),
    };
#undef X
#undef C
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < view->n_flows; i++)
        add_csv_row(&table, &view->flows[i], labels);
    table_print_csv(&table, call->out);
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

static enum table_tone outcome_tone(const struct matrix_flow *flow)
{
    return view_flow_worked(flow) ? TONE_PLAIN : TONE_DIM;
}

/* Shares by their last part: the server stands in the row already. */
static str shares_text(struct arena *arena, struct names shares, size_t shown)
{
    str *parts = arena_array(arena, str, shares.n ? shares.n : 1);
    size_t n = 0;
    for (size_t i = 0; i < shares.n; i++) {
        str head, part = shares.items[i];
        bool listed = false;
        while (str_contains(part, S("\\")))
            (void)str_cut(part, '\\', &head, &part);
        for (size_t j = 0; j < n; j++)
            listed = listed || str_equal_nocase(parts[j], part);
        if (!listed) parts[n++] = part;
    }
    return join_names(arena, (struct names){parts, n}, S(", "), shown);
}

static str signing_column(struct arena *arena, const struct matrix_flow *flow)
{
    str server = signing_or_empty(flow->server_signing);
    if (flow->encrypted == KNOWN_YES) return str_format(arena, "%.*s+enc", STR_ARG(server));
    return server;
}

static void print_flows(struct invocation *call, struct workspace *workspace,
                        const struct matrix_view *view, const struct view_labels *labels)
{
    static const struct table_column columns[] = {
        {T("client"),    ALIGN_LEFT,  30},
        {T("server"),    ALIGN_LEFT,  30},
        {T("service"),   ALIGN_LEFT,  12},
        {T("conns"),     ALIGN_RIGHT, 0 },
        {T("outcome"),   ALIGN_LEFT,  28},
        {T("dialects"),  ALIGN_LEFT,  14},
        {T("signing"),   ALIGN_LEFT,  12},
        {T("users"),     ALIGN_LEFT,  22},
        {T("shares"),    ALIGN_LEFT,  26},
        {T("last seen"), ALIGN_LEFT,  0 },
    };
    enum { SHOWN = 2 };
    struct arena *arena = call->arena;
    struct table table = table_of(arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < view->n_flows; i++) {
        const struct matrix_flow *flow = &view->flows[i];
        struct names client =
            names_of(workspace, arena, flow->client, flow->client_names, flow->last_us);
        struct names server =
            names_of(workspace, arena, flow->server, flow->server_names, flow->last_us);
        enum table_tone tone = outcome_tone(flow);
        bool smb1 = flow->dialects & 1u << DIALECT_NT_LM_012;
        table_add_toned(&table, view_end_label(arena, flow->client, client), tone);
        table_add_toned(&table, view_end_label(arena, flow->server, server), tone);
        table_add(&table, view_service_text(arena, labels, flow->transport, flow->port));
        table_add(&table, str_format(arena, "%" PRIu64 "%s", flow->connections,
                                     flow->connections_exact ? "" : "~"));
        table_add_toned(&table, view_outcomes_text(arena, flow), tone);
        table_add_toned(&table, view_dialects_text(arena, flow->dialects),
                        smb1 ? TONE_BAD : TONE_PLAIN);
        table_add(&table, signing_column(arena, flow));
        table_add(&table, join_names(arena, flow->users, S(", "), SHOWN));
        table_add(&table, shares_text(arena, flow->shares, SHOWN));
        table_add(&table, minute_text(arena, flow->last_us));
    }
    table_print_text(&table, call->out, call->colour);
}

static void print_coverage(struct invocation *call, const struct matrix_view *view)
{
    static const struct table_column columns[] = {
        {T("source"),  ALIGN_LEFT,  48},
        {T("origin"),  ALIGN_LEFT,  30},
        {T("from"),    ALIGN_LEFT,  0 },
        {T("to"),      ALIGN_LEFT,  0 },
        {T("records"), ALIGN_RIGHT, 0 },
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < view->n_coverage; i++) {
        const struct coverage *c = &view->coverage[i];
        str none = S("-");
        table_add(&table, c->source);
        table_add(&table, c->origin.len ? c->origin : none);
        table_add(&table, c->has_times ? minute_text(call->arena, c->from_us) : none);
        table_add(&table, c->has_times ? minute_text(call->arena, c->to_us) : none);
        table_add_u64(&table, c->records);
    }
    buf_str(call->out, S("\nread (times are UTC; hosts without evidence of their own are blind "
                         "spots)\n"));
    table_print_text(&table, call->out, call->colour);
}

static void print_skips(struct invocation *call, const struct matrix_view *view)
{
    if (!view->n_skips) return;
    buf_str(call->out, S("\nnot readable\n"));
    for (size_t i = 0; i < view->n_skips; i++) {
        const struct source_skip *skip = &view->skips[i];
        struct buf line = buf_in(call->arena);
        buf_format(&line, "  %.*s: offset %" PRIu64 ": ", STR_ARG(skip->source), skip->offset);
        buf_str(&line, skip->reason);
        if (skip->length) buf_format(&line, " (%" PRIu64 " bytes)", skip->length);
        table_tone(call->out, buf_text(&line), TONE_WARN, call->colour);
        buf_char(call->out, '\n');
    }
}

static void print_text(struct invocation *call, struct workspace *workspace,
                       const struct matrix_view *view, const struct view_labels *labels)
{
    if (!view->n_coverage) {
        buf_str(call->out, S("nothing was read yet: sallyport ingest FILE...\n"));
        return;
    }
    (void)workspace_lookup(call, workspace); /* loads the hosts, for their names */
    buf_format(call->out, "%zu flows between %" PRIu64 " hosts\n", view->n_flows, view->n_hosts);
    if (view->n_flows) print_flows(call, workspace, view, labels);
    print_coverage(call, view);
    print_skips(call, view);
}

static int run(struct invocation *call)
{
    struct workspace workspace;
    struct matrix_view view = {0};
    struct err err = {0};
    if (!workspace_open(call, &workspace, &err)) return command_fail(call, &err);
    if (!store_load_matrix(workspace.store, call->arena, &view, &err)) {
        store_close(workspace.store);
        return command_fail(call, &err);
    }
    workspace_load_policy(call, &workspace);
    struct view_labels labels = workspace_labels(&workspace);
    if (call->format == FORMAT_JSON)
        view_print_json(&view, &labels, call->out);
    else if (call->format == FORMAT_CSV)
        print_csv(call, &view, &labels);
    else
        print_text(call, &workspace, &view, &labels);
    store_close(workspace.store);
    return EXIT_FINE;
}

static const struct example examples[] = {
    {T("sallyport matrix"),        T("Who uses whom, as a table.")              },
    {T("sallyport matrix --json"), T("The same with everything known, as JSON.")},
};

const struct command matrix_command = {
    .name = T("matrix"),
    .summary = T("Show who uses whom, how, and how it went"),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("One row per client, server and port, over everything that was read. Below it "
                 "stands what was read, from when to when, and what could not be."),
    .run = run,
};
