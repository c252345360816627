/* SPDX-License-Identifier: Apache-2.0 */
#include "base/instant.h"
#include "base/map.h"
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

/* The host's name without its domain, in the spelling it uses itself; empty = not known. */
static str short_name(const struct host *host)
{
    str label = {0}, rest;
    if (!host) return label;
    (void)str_cut(host->name, '.', &label, &rest);
    for (size_t i = 0; i < host->names.n; i++)
        if (str_equal_nocase(host->names.items[i], label)) return host->names.items[i];
    return label;
}

/* "10.10.4.7 (WS0417)" */
static str end_text(struct workspace *workspace, struct arena *arena, struct endpoint end,
                    int64_t at_us)
{
    bool named = addr_is_none(end.addr);
    str name = named ? (str){0} : short_name(hosts_at(&workspace->hosts, end.addr, at_us));
    return view_end_label(arena, end, (struct names){&name, name.len ? 1 : 0});
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
    table_add(table, flow->is_timeless ? (str){0} : instant_copy(arena, flow->first_us));
    table_add(table, flow->is_timeless ? (str){0} : instant_copy(arena, flow->last_us));
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

/* An outcome of every connection stands without its number: that is in the column beside. */
static str outcomes_text(struct arena *arena, const struct matrix_flow *flow)
{
    struct buf out = buf_in(arena);
    for (int i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++) {
        if (!flow->outcomes[i]) continue;
        if (out.len) buf_str(&out, S(", "));
        buf_str(&out, outcome_text((enum outcome)i));
        if (flow->outcomes[i] != flow->connections)
            buf_format(&out, " %" PRIu64, flow->outcomes[i]);
    }
    return buf_text(&out);
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

enum column {
    COLUMN_CLIENT,
    COLUMN_SERVER,
    COLUMN_SERVICE,
    COLUMN_CONNECTIONS,
    COLUMN_OUTCOME,
    COLUMN_DIALECTS,
    COLUMN_USERS,
    COLUMN_SHARES,
    COLUMN_SIGNING,
    COLUMN_LAST,
    COLUMN_COUNT
};

/* A column stands in tables of at least so many columns of text; those of clients and servers share
 * what the others leave. Without a terminal the table is PLAIN_WIDTH wide. */
static const struct {
    struct table_column column;
    unsigned least;
} layout[COLUMN_COUNT] = {
    [COLUMN_CLIENT] = {{T("client"), ALIGN_LEFT, 20},    0  },
    [COLUMN_SERVER] = {{T("server"), ALIGN_LEFT, 20},    0  },
    [COLUMN_SERVICE] = {{T("service"), ALIGN_LEFT, 8},    0  },
    [COLUMN_CONNECTIONS] = {{T("conns"), ALIGN_RIGHT, 5},     0  },
    [COLUMN_OUTCOME] = {{T("outcome"), ALIGN_LEFT, 20},   0  },
    [COLUMN_DIALECTS] = {{T("dialects"), ALIGN_LEFT, 10},  100},
    [COLUMN_USERS] = {{T("users"), ALIGN_LEFT, 16},     120},
    [COLUMN_SHARES] = {{T("shares"), ALIGN_LEFT, 20},    150},
    [COLUMN_SIGNING] = {{T("signing"), ALIGN_LEFT, 12},   165},
    [COLUMN_LAST] = {{T("last seen"), ALIGN_LEFT, 16}, 185},
};

enum { PLAIN_WIDTH = 120, LEAST_END = 18 };

/* The columns that fit; with --wide all of them, uncut. Returns how many. */
static size_t choose_columns(struct invocation *call, struct table_column *columns,
                             enum column *which)
{
    struct os *os = call->os;
    bool wide = option_flag(call, S("wide"));
    unsigned width = os->is_terminal(os->self, OS_OUT) ? os->columns(os->self) : PLAIN_WIDTH;
    unsigned fixed = 0;
    size_t n = 0;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        if (!wide && layout[i].least > width) continue;
        columns[n] = layout[i].column;
        which[n++] = (enum column)i;
        if (i > COLUMN_SERVER) fixed += layout[i].column.widest + 2;
    }
    unsigned end = width > fixed + 2 * (LEAST_END + 2) ? (width - fixed) / 2 - 2 : LEAST_END;
    columns[COLUMN_CLIENT].widest = columns[COLUMN_SERVER].widest = end;
    for (size_t i = 0; wide && i < n; i++)
        columns[i].widest = 0;
    return n;
}

static void add_cell(struct table *table, struct workspace *workspace,
                     const struct matrix_flow *flow, const struct view_labels *labels,
                     enum column column, size_t shown)
{
    struct arena *arena = table->arena;
    enum table_tone tone = outcome_tone(flow);
    bool smb1 = flow->dialects & 1u << DIALECT_NT_LM_012;
    switch (column) {
    case COLUMN_CLIENT:
        table_add_toned(table, end_text(workspace, arena, flow->client, flow->last_us), tone);
        return;
    case COLUMN_SERVER:
        table_add_toned(table, end_text(workspace, arena, flow->server, flow->last_us), tone);
        return;
    case COLUMN_SERVICE:
        table_add(table, view_service_text(arena, labels, flow->transport, flow->port));
        return;
    case COLUMN_CONNECTIONS:
        table_add(table, str_format(arena, "%" PRIu64 "%s", flow->connections,
                                    flow->connections_exact ? "" : "~"));
        return;
    case COLUMN_OUTCOME:
        table_add_toned(table, outcomes_text(arena, flow), tone);
        return;
    case COLUMN_DIALECTS:
        table_add_toned(table, view_dialects_text(arena, flow->dialects),
                        smb1 ? TONE_BAD : TONE_PLAIN);
        return;
    case COLUMN_USERS:
        table_add(table, join_names(arena, flow->users, S(", "), shown));
        return;
    case COLUMN_SHARES:
        table_add(table, shares_text(arena, flow->shares, shown));
        return;
    case COLUMN_SIGNING:
        table_add(table, signing_column(arena, flow));
        return;
    case COLUMN_LAST:
        table_add(table, flow->is_timeless ? S("-") : minute_text(arena, flow->last_us));
        return;
    case COLUMN_COUNT:
        return;
    }
}

/* What a scan leaves: attempts of one kind at many servers, none of which ever worked. */
enum { SCAN_FLOWS = 8 };

static unsigned outcome_set(const struct matrix_flow *flow)
{
    unsigned set = 0;
    for (unsigned i = 1; i < OUTCOME_COUNT; i++)
        if (flow->outcomes[i]) set |= 1u << i;
    return set;
}

/* Attempts of one client at one port that went one way have one key. */
struct scan_key {
    struct addr client;
    uint32_t port, outcomes;
};

struct scan {
    struct matrix_flow sum;
    uint64_t servers;
    bool shown;
};

struct scans {
    struct map keys; /* to the index of the scan */
    struct scan *items;
};

static bool scan_key_of(const struct matrix_flow *flow, struct scan_key *key)
{
    if (view_flow_worked(flow) || addr_is_none(flow->client.addr)) return false;
    *key =
        (struct scan_key){flow->client.addr, (uint32_t)flow->port << 8 | (uint32_t)flow->transport,
                          outcome_set(flow)};
    return true;
}

static void scan_add(struct scan *scan, const struct matrix_flow *flow)
{
    struct matrix_flow *sum = &scan->sum;
    if (!scan->servers++) {
        *sum = *flow;
        return;
    }
    sum->connections += flow->connections;
    sum->connections_exact = sum->connections_exact && flow->connections_exact;
    for (size_t o = 0; o < OUTCOME_COUNT; o++)
        sum->outcomes[o] += flow->outcomes[o];
    if (flow->last_us > sum->last_us) sum->last_us = flow->last_us;
}

static struct scan *scan_of(const struct scans *scans, const struct matrix_flow *flow)
{
    struct scan_key key;
    if (!scan_key_of(flow, &key)) return NULL;
    return &scans->items[*map_find(&scans->keys, (str){(const char *)&key, sizeof key})];
}

static struct scans scans_of(struct arena *arena, const struct matrix_view *view)
{
    struct scans scans = {0};
    struct scan_key key;
    str text = {(const char *)&key, sizeof key};
    for (size_t i = 0; i < view->n_flows; i++)
        if (scan_key_of(&view->flows[i], &key))
            (void)map_put(&scans.keys, arena, text, scans.keys.n, NULL);
    scans.items = arena_array(arena, struct scan, scans.keys.n + 1);
    for (size_t i = 0; i < view->n_flows; i++) {
        struct scan *scan = scan_of(&scans, &view->flows[i]);
        if (scan) scan_add(scan, &view->flows[i]);
    }
    return scans;
}

static void print_flows(struct invocation *call, struct workspace *workspace,
                        const struct matrix_view *view, const struct view_labels *labels)
{
    enum { SHOWN = 2 };
    struct table_column columns[COLUMN_COUNT];
    enum column which[COLUMN_COUNT];
    size_t n = choose_columns(call, columns, which);
    bool wide = option_flag(call, S("wide"));
    struct scans scans = scans_of(call->arena, view);
    struct table table = table_of(call->arena, columns, n);
    for (size_t i = 0; i < view->n_flows; i++) {
        const struct matrix_flow *flow = &view->flows[i];
        struct scan *scan = wide ? NULL : scan_of(&scans, flow);
        if (scan && scan->servers < SCAN_FLOWS) scan = NULL;
        if (scan && scan->shown) continue;
        if (scan) {
            scan->shown = true;
            flow = &scan->sum;
        }
        for (size_t c = 0; c < n; c++)
            if (scan && which[c] == COLUMN_SERVER)
                table_add(&table,
                          str_format(call->arena, "%" PRIu64 " servers in vain", scan->servers));
            else
                add_cell(&table, workspace, flow, labels, which[c], wide ? SIZE_MAX : SHOWN);
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

static const struct option options[] = {
    {.name = T("wide"),
     .type = OPTION_FLAG,
     .help = T("every column of the text table, uncut; else what fits the terminal")},
};

static const struct example examples[] = {
    {T("sallyport matrix"),        T("Who uses whom, as a table.")              },
    {T("sallyport matrix --json"), T("The same with everything known, as JSON.")},
};

const struct command matrix_command = {
    .name = T("matrix"),
    .summary = T("Show who uses whom, how, and how it went"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("One row per client, server and port, over everything that was read. Below it "
                 "stands what was read, from when to when, and what could not be."),
    .run = run,
};
