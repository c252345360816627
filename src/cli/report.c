/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include "cli/command.h"
#include "cli/policy_file.h"
#include "cli/workspace.h"

/* Reads the policy when there is one; a workspace without a policy still has a report. */
static bool load_policy(struct invocation *call, struct workspace *workspace,
                        struct policy_file *file, bool *has_policy, int *status)
{
    str path = os_join(call->arena, call->workspace, S("policy.yaml"));
    bool asked = option_given(call, S("policy"));
    *has_policy = asked || call->os->kind(call->os->self, path) != OS_MISSING;
    if (!*has_policy) return true;
    if (!policy_file_load(call, file, status)) return false;
    if (!policy_file_resolve(call, file, workspace_lookup(call, workspace), true, status))
        return false;
    workspace->policy = file->policy;
    workspace->resolved = file->resolved;
    workspace->has_policy = true;
    return true;
}

static bool load_evidence(struct invocation *call, struct store *store, struct matrix_view *matrix,
                          struct report *report, struct hosts_view *hosts, struct err *err)
{
    struct host_list list = {0};
    struct share_use *uses = NULL;
    size_t n_uses = 0;
    if (!store_load_matrix(store, call->arena, matrix, err)) return false;
    if (!store_load_hosts(store, call->arena, &list, err)) return false;
    if (!store_load_uses(store, call->arena, &uses, &n_uses, err)) return false;
    struct host_list *kept = arena_new(call->arena, struct host_list);
    *kept = list;
    report->matrix = matrix;
    report->shares = roles_shares(call->arena, uses, n_uses, kept, &report->n_shares);
    *hosts = roles_of(call->arena, kept, matrix, report->shares, report->n_shares);
    report->hosts = hosts;
    return true;
}

static int run(struct invocation *call)
{
    struct err err = {0};
    struct workspace workspace = {0};
    struct policy_file *file = arena_new(call->arena, struct policy_file);
    struct matrix_view matrix = {0};
    struct hosts_view hosts = {0};
    struct report report = {.as_of_us = call->as_of_us};
    struct simulation simulation = {0};
    struct replay replay;
    bool has_policy = false;
    int status = EXIT_FINE;

    if (!workspace_open(call, &workspace, &err)) return command_fail(call, &err);
    if (!load_policy(call, &workspace, file, &has_policy, &status)) return status;
    if (!load_evidence(call, workspace.store, &matrix, &report, &hosts, &err))
        return command_fail(call, &err);
    store_close(workspace.store);
    struct view_labels labels = workspace_labels(&workspace);
    report.labels = &labels;
    if (has_policy) {
        const struct decision *decision =
            decision_build(&file->resolved, NULL, call->arena, call->scratch);
        struct simulate_question question = {
            .resolved = &file->resolved,
            .decision = decision,
            .replay = &replay,
            .hosts = &workspace.hosts,
            .lookup = &file->lookup,
        };
        replay = replay_of(&matrix, call->arena, call->scratch);
        simulation = simulate(&question, call->arena, call->scratch);
        report.policy = &file->policy;
        report.organisation = file->policy.organisation;
        report.simulation = &simulation;
    }

    str path = option_text(call, S("output"));
    struct buf page = buf_in(call->arena);
    report_write(&page, &report, call->scratch);
    if (!call->os->write_file(call->os->self, path, str_bytes(buf_text(&page)), false, &err)) {
        err_in(&err, path);
        return command_fail(call, &err);
    }
    if (call->format == FORMAT_JSON) {
        struct json json = json_to(call->out);
        json_object(&json);
        json_member_str(&json, S("path"), path);
        json_member_u64(&json, S("bytes"), page.len);
        json_object_end(&json);
        buf_char(call->out, '\n');
        return EXIT_FINE;
    }
    buf_str(call->out, path);
    buf_format(call->out, ": %zu kB, open it in any browser\n", (page.len + 999) / 1000);
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
    POLICY_FILE_OPTION,
};

static const struct example examples[] = {
    {T("sallyport report -o report.html"), T("One page about the workspace, to read or to send")},
};

const struct command report_command = {
    .name = T("report"),
    .summary = T("Write one HTML page: coverage, matrix, what would break, posture, shares"),
    .details = T("The page is complete in itself: no script, and no request to the network. With a "
                 "policy in "
                 "the workspace it says what the policy would break."),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .run = run,
};
