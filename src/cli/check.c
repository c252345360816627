/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is wrong with a policy, all at once, then what is proved of it. The findings are
 * this command's results, so they go to standard output. */
#include "reason/check.h"

#include "base/zone.h"
#include "cli/controllers.h"
#include "cli/policy_file.h"
#include "policy/diagnostics.h"
#include "reason/check_entries.h"
#include "reason/check_evidence.h"
#include "reason/check_sarif.h"

struct report {
    struct policy_file file;
    str text;
    bool parsed, resolved;
    const struct host_lookup *hosts;
    const struct check_controller *controllers;
    size_t n_controllers;
    /* What was seen; no flows = there is nothing to ask. */
    const struct host_list *host_list;
    struct matrix_view matrix;
    struct hosts_view roles;
    const struct check_assertion *assertions;
    size_t n_broken;
    bool ok;
};

/* Flows, and what they and the logs tell of the hosts. */
static bool load_evidence(struct invocation *call, struct workspace *workspace,
                          struct report *report, struct err *err)
{
    struct arena *arena = call->arena;
    struct store *store = workspace->store;
    struct share_use *uses = NULL;
    struct listening_view *listenings = NULL;
    struct change_view *changes = NULL;
    size_t n_uses, n_shares, n_listenings, n_changes;
    const struct host_list *hosts = report->host_list = &workspace->hosts;
    if (!store_load_matrix(store, arena, &report->matrix, err) ||
        !store_load_uses(store, arena, &uses, &n_uses, err) ||
        !store_load_listenings(store, arena, &listenings, &n_listenings, err) ||
        !store_load_changes(store, arena, &changes, &n_changes, err))
        return false;
    const struct share_view *shares = roles_shares(arena, uses, n_uses, hosts, &n_shares);
    struct hosts_view view = roles_of(arena, hosts, &report->matrix, shares, n_shares);
    controllers_among(call, hosts, &view, &report->controllers, &report->n_controllers);
    report->roles =
        roles_add_told(arena, view, hosts, listenings, n_listenings, changes, n_changes);
    return true;
}

/* What the workspace knows of names and of traffic, when it has a database. */
static bool load_workspace(struct invocation *call, struct report *report)
{
    struct err err = {0};
    struct workspace *workspace = arena_new(call->arena, struct workspace);
    if (call->os->kind(call->os->self, workspace_database(call)) != OS_FILE) return true;
    bool good = workspace_open(call, workspace, &err);
    if (good) report->hosts = workspace_lookup(call, workspace);
    good = good && load_evidence(call, workspace, report, &err);
    if (!good) (void)command_fail(call, &err);
    if (workspace->store) store_close(workspace->store);
    return good;
}

/* The system's zones are known here, not to the parser. */
static void check_timezone(struct invocation *call, struct report *report)
{
    const struct policy *policy = &report->file.policy;
    struct err err = {0};
    if (zone_find(call->os, policy->timezone, call->arena, &err)) return;
    diagnostics_add(&report->file.found, call->arena, SEVERITY_ERROR, S("value"),
                    policy->timezone_place, str_copy(call->arena, str_of(err.text)));
}

static void examine(struct invocation *call, struct report *report)
{
    struct policy_file *file = &report->file;
    struct diagnostics *found = &file->found;
    report->parsed = policy_file_parse(call, file, report->text);
    if (!report->parsed) return;
    check_timezone(call, report);
    policy_file_set_lookup(file, call, report->hosts);
    report->resolved = resolve_policy(&file->policy, &file->lookup, call->as_of_us, true,
                                      call->arena, &file->resolved, found);
    if (!report->resolved) return;
    size_t first = found->n;
    check_entries(&file->resolved, call->arena, call->scratch, found);
    if (report->matrix.n_flows) {
        struct replay replay = replay_of(&report->matrix, call->arena, call->scratch);
        struct check_evidence evidence = {
            .resolved = &file->resolved,
            .replay = &replay,
            .hosts = report->host_list,
            .roles = &report->roles,
        };
        check_evidence(&evidence, call->arena, call->scratch, found);
        diagnostics_sort(found, first, call->arena);
    }
    bool lifeline = check_lifeline(&file->resolved, report->controllers, report->n_controllers,
                                   call->arena, call->scratch, found);
    report->assertions = check_assertions(&file->resolved, call->arena, call->scratch);
    for (size_t i = 0; i < file->policy.n_assertions; i++)
        report->n_broken += !report->assertions[i].holds;
    report->ok = lifeline && !found->n_errors && !report->n_broken;
}

/* ---- Printing -----------------------------------------------------------------------------------
 */

static str where(struct arena *arena, str source, struct place place)
{
    return str_format(arena, "%.*s:%" PRIu32 ":%" PRIu32, STR_ARG(source), place.line,
                      place.column);
}

static str source_of(const struct report *report, const struct diagnostic *d)
{
    return d->file ? d->file->name : report->file.source;
}

static str service_name(const struct report *report, const struct check_assertion *a)
{
    return report->file.policy.services.services[a->service].name;
}

static size_t n_assertions(const struct report *report)
{
    return report->resolved ? report->file.policy.n_assertions : 0;
}

static void print_json(struct invocation *call, const struct report *report)
{
    struct json json = json_to(call->out);
    const struct diagnostics *found = &report->file.found;
    json_object(&json);
    json_member_bool(&json, S("ok"), report->ok);
    json_key(&json, S("assertions"));
    json_array(&json);
    for (size_t i = 0; i < n_assertions(report); i++) {
        const struct check_assertion *a = &report->assertions[i];
        json_object(&json);
        json_member_str(&json, S("text"), a->assertion->text);
        json_member_bool(&json, S("holds"), a->holds);
        json_member_str_or_null(&json, S("undecidable"), a->undecidable);
        json_key(&json, S("counterexample"));
        if (a->holds || a->service == SERVICE_NONE) {
            json_null(&json);
        } else {
            json_object(&json);
            json_key(&json, S("client"));
            json_addr(&json, a->client);
            json_key(&json, S("server"));
            json_addr(&json, a->server);
            json_member_str(&json, S("service"), service_name(report, a));
            json_object_end(&json);
        }
        json_object_end(&json);
    }
    json_array_end(&json);
    json_key(&json, S("findings"));
    json_array(&json);
    for (size_t i = 0; i < found->n; i++) {
        const struct diagnostic *d = &found->items[i];
        json_object(&json);
        json_member_str(&json, S("severity"),
                        d->severity == SEVERITY_ERROR ? S("error") : S("warning"));
        json_member_str(&json, S("kind"), d->kind);
        json_member_str(&json, S("where"), where(call->arena, source_of(report, d), d->place));
        json_member_str(&json, S("text"), d->text);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

static str broken_text(struct arena *arena, const struct report *report,
                       const struct check_assertion *a)
{
    char client[ADDR_TEXT], server[ADDR_TEXT];
    bool always = a->assertion->kind == ASSERT_ALWAYS;
    const char *what = always ? "does not pass" : "passes";
    if (a->undecidable.len && a->service == SERVICE_NONE)
        return str_format(arena, "%.*s: undecidable: %.*s", STR_ARG(a->assertion->text),
                          STR_ARG(a->undecidable));
    if (a->undecidable.len)
        return str_format(arena, "%.*s: undecidable: %.*s -> %.*s %.*s %s: %.*s",
                          STR_ARG(a->assertion->text), STR_ARG(addr_text(client, a->client)),
                          STR_ARG(addr_text(server, a->server)), STR_ARG(service_name(report, a)),
                          always ? "may not pass" : "may pass", STR_ARG(a->undecidable));
    return str_format(arena, "%.*s: %.*s -> %.*s %.*s %s", STR_ARG(a->assertion->text),
                      STR_ARG(addr_text(client, a->client)), STR_ARG(addr_text(server, a->server)),
                      STR_ARG(service_name(report, a)), what);
}

static void print_sarif(struct invocation *call, const struct report *report)
{
    const struct diagnostics *found = &report->file.found;
    struct check_sarif_result *results =
        arena_array(call->arena, struct check_sarif_result, found->n + n_assertions(report));
    size_t n = 0;
    for (size_t i = 0; i < found->n; i++) {
        const struct diagnostic *d = &found->items[i];
        results[n++] = (struct check_sarif_result){d->kind, d->severity, source_of(report, d),
                                                   d->place, d->text};
    }
    for (size_t i = 0; i < n_assertions(report); i++) {
        const struct check_assertion *a = &report->assertions[i];
        if (a->holds) continue;
        results[n++] =
            (struct check_sarif_result){S("assertion"), SEVERITY_ERROR, report->file.source,
                                        a->assertion->place, broken_text(call->arena, report, a)};
    }
    check_sarif_print(results, n, str_of(SALLYPORT_VERSION), report->resolved, call->out,
                      call->arena);
}

static void print_csv(struct invocation *call, const struct report *report)
{
    static const struct table_column columns[] = {
        {{"severity", 8}, ALIGN_LEFT, 0},
        {{"kind", 4},     ALIGN_LEFT, 0},
        {{"where", 5},    ALIGN_LEFT, 0},
        {{"text", 4},     ALIGN_LEFT, 0},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    const struct diagnostics *found = &report->file.found;
    for (size_t i = 0; i < found->n; i++) {
        const struct diagnostic *d = &found->items[i];
        table_add(&table, d->severity == SEVERITY_ERROR ? S("error") : S("warning"));
        table_add(&table, d->kind);
        table_add(&table, where(call->arena, source_of(report, d), d->place));
        table_add(&table, d->text);
    }
    for (size_t i = 0; i < n_assertions(report); i++) {
        const struct check_assertion *a = &report->assertions[i];
        table_add(&table, a->holds ? S("holds") : S("error"));
        table_add(&table, S("assertion"));
        table_add(&table, where(call->arena, report->file.source, a->assertion->place));
        table_add(&table, a->holds ? a->assertion->text : broken_text(call->arena, report, a));
    }
    table_print_csv(&table, call->out);
}

static void print_assertions(struct invocation *call, const struct report *report)
{
    for (size_t i = 0; i < n_assertions(report); i++) {
        const struct check_assertion *a = &report->assertions[i];
        buf_str(call->out, where(call->arena, report->file.source, a->assertion->place));
        buf_str(call->out, S(": "));
        table_tone(call->out,
                   a->holds             ? S("holds: ")
                   : a->undecidable.len ? S("not proved: ")
                                        : S("does not hold: "),
                   a->holds ? TONE_GOOD : TONE_BAD, call->colour);
        buf_str(call->out, a->holds ? a->assertion->text : broken_text(call->arena, report, a));
        buf_char(call->out, '\n');
    }
}

static void print_count(struct buf *out, size_t n, const char *one)
{
    buf_format(out, "%zu %s%s", n, one, n == 1 ? "" : "s");
}

static void print_text(struct invocation *call, const struct report *report)
{
    const struct diagnostics *found = &report->file.found;
    policy_file_print(call->out, call->arena, call->colour, report->file.source, report->text,
                      found, 0);
    print_assertions(call, report);
    table_tone(call->out, report->file.source, TONE_PLAIN, call->colour);
    buf_str(call->out, S(": "));
    table_tone(call->out, report->ok ? S("ok") : S("not ok"), report->ok ? TONE_GOOD : TONE_BAD,
               call->colour);
    buf_str(call->out, S(": "));
    print_count(call->out, found->n_errors, "error");
    buf_str(call->out, S(", "));
    print_count(call->out, found->n_warnings, "warning");
    if (report->resolved) {
        size_t n = n_assertions(report);
        buf_format(call->out, "; assertions: %zu of %zu hold", n - report->n_broken, n);
    }
    buf_char(call->out, '\n');
    if (!report->resolved || report->matrix.n_flows) return;
    table_tone(call->talk, S("no evidence is in the workspace, so nothing was asked about use"),
               TONE_DIM, call->talk_colour);
    buf_char(call->talk, '\n');
}

static int run(struct invocation *call)
{
    struct report report = {0};
    if (!policy_file_open(call, &report.file, &report.text)) return EXIT_FAILED;
    if (!load_workspace(call, &report)) return EXIT_FAILED;
    examine(call, &report);
    if (str_equal(option_text(call, S("format")), S("sarif")) && !option_flag(call, S("json")))
        print_sarif(call, &report);
    else if (call->format == FORMAT_JSON)
        print_json(call, &report);
    else if (call->format == FORMAT_CSV)
        print_csv(call, &report);
    else
        print_text(call, &report);
    return report.ok ? EXIT_FINE : EXIT_NO;
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct option options[] = {
    POLICY_FILE_OPTION,
    {.name = T("format"),
      .type = OPTION_CHOICE,
      .value = T("FORMAT"),
      .fallback = T("text"),
      .choices = T("text|json|csv|sarif"),
      .help = T("how results are printed; sarif: SARIF 2.1.0, for code hosts and editors")},
};

static const struct example examples[] = {
    {T("sallyport check"),                             T("Check the workspace's policy")         },
    {T("sallyport check --json"),                      T("The same, for a program that reads on")},
    {T("sallyport check --format sarif >check.sarif"),
     T("The same, for a code host's annotations")                                                },
};

const struct command check_command = {
    .name = T("check"),
    .summary = T("Prove a policy, and list everything that is wrong with it"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T(
        "Prints every error of the file with its line and column, what was expected and what was "
        "found. Then proves\nits assertions for every address, seen or not, each failure with the "
        "smallest pair that breaks it; that the\nlifeline holds; and warns of entries that never "
        "match or that the others together cover, of excepts that\nothers undo, of untrusted "
        "clients "
        "that get in, of names no address is known for, of exceptions that end, of\nranges that "
        "are "
        "old, and of machines that can't authenticate.\n\n"
        "With evidence in the workspace it also says which entries nobody used, which are far "
        "wider "
        "than their use, and\nwhich servers would lose clients; where the evidence does not reach, "
        "that is undecidable.\n\n"
        "Exit status: 0 all holds; 1 the policy has errors, an assertion does not hold or the "
        "lifeline is missing;\n2 the file can't be read."),
    .run = run,
};
