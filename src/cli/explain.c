/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/explain.h"

#include "cli/command.h"
#include "cli/policy_file.h"
#include "cli/workspace.h"
#include "targets/target.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* What every question of one run shares. */
struct asking {
    struct invocation *call;
    struct explain_scene scene;
    const struct resolved *resolved;
    bool changes;  /* of every answer */
    str workspace; /* its name, in the ids of rules */
    struct arena *work;
};

static void print_error(struct asking *asking, uint64_t line, const struct err *err)
{
    struct buf *out = asking->call->out;
    str text = str_of(err->text);
    if (asking->call->format != FORMAT_JSON) {
        if (asking->call->format == FORMAT_CSV) buf_str(out, S("# "));
        buf_format(out, "line %" PRIu64 ": %.*s\n", line, STR_ARG(text));
        return;
    }
    struct json json = json_to(out);
    json_object(&json);
    json_member_str(&json, S("error"),
                    str_format(asking->call->arena, "line %" PRIu64 ": %.*s", line, STR_ARG(text)));
    json_object_end(&json);
    buf_char(out, '\n');
}

static void print_csv_heading(struct buf *out)
{
    buf_str(out, S("client,server,service,profile,intent,passes,passes_secured\n"));
}

static void print_csv(const struct explanation *e, struct buf *out)
{
    /* None of these can hold a comma or a quote: addresses, names of the policy, fixed words. */
    addr_print(out, e->question.client);
    buf_char(out, ',');
    addr_print(out, e->question.server);
    buf_format(out, ",%.*s,%.*s,%.*s,%s,%s\n", STR_ARG(e->service),
               STR_ARG(profile_text(e->question.profile)), STR_ARG(intent_text(e->answer.intent)),
               e->answer.passes ? "true" : "false", e->answer.passes_secured ? "true" : "false");
}

static void print(struct asking *asking, const struct explanation *e, struct arena *arena)
{
    struct buf *out = asking->call->out;
    struct json json = json_to(out);
    switch (asking->call->format) {
    case FORMAT_TEXT:
        explain_print_text(e, asking->resolved, out, asking->call->colour);
        return;
    case FORMAT_CSV:
        print_csv(e, out);
        return;
    case FORMAT_JSON:
        explain_print_json(e, asking->resolved, arena, &json);
        buf_char(out, '\n');
        return;
    }
}

/* One answer a line, in order; a bad line is answered too. scratch: of this line. */
static void answer_line(struct asking *asking, str line, uint64_t number, struct arena scratch)
{
    struct explain_words words = {0};
    struct explanation e;
    struct err err = {0};
    if (!explain_read_line(line, &words, &err) ||
        !explain_ask(&asking->scene, &words, &scratch, &e, &err)) {
        print_error(asking, number, &err);
        return;
    }
    if (asking->changes)
        explain_more(&asking->scene, asking->workspace, &e, &scratch, *asking->work);
    if (asking->call->format == FORMAT_TEXT && number > 1) buf_char(asking->call->out, '\n');
    print(asking, &e, &scratch);
}

static int answer_batch(struct asking *asking, str path)
{
    struct invocation *call = asking->call;
    struct err err = {0};
    bytes content = {0};
    if (!os_read_all(call->os, path, LIMIT_POLICY_BYTES, call->arena, &content, &err))
        return command_fail(call, &err);
    if (call->format == FORMAT_CSV) print_csv_heading(call->out);
    str rest = str_of_bytes(content), line;
    for (uint64_t number = 1; rest.len; number++) {
        (void)str_cut(rest, '\n', &line, &rest);
        answer_line(asking, line, number, call->scratch);
    }
    return EXIT_FINE;
}

static int answer_one(struct asking *asking)
{
    struct invocation *call = asking->call;
    struct err err = {0};
    struct explanation e;
    struct explain_words words = {
        .client = call->arguments[0],
        .server = call->arguments[1],
        .service = call->n_arguments > 2 ? call->arguments[2] : (str){0},
        .profile = option_text(call, S("profile")),
    };
    if (!explain_ask(&asking->scene, &words, call->arena, &e, &err))
        return command_fail(call, &err);
    explain_more(&asking->scene, asking->workspace, &e, call->arena, *asking->work);
    if (call->format == FORMAT_CSV) print_csv_heading(call->out);
    print(asking, &e, call->arena);
    return EXIT_FINE;
}

/* Host names need a workspace; addresses and a policy are enough for all else. */
static bool open_hosts(struct invocation *call, struct workspace *workspace, bool *opened)
{
    struct err err = {0};
    *opened = call->os->kind(call->os->self, workspace_database(call)) == OS_FILE;
    if (!*opened || workspace_open(call, workspace, &err)) return true;
    (void)command_fail(call, &err);
    return false;
}

/* Without --ring, all are deployed. A policy without rings has one of all machines. */
static bool choose_ring(struct asking *asking, struct ring_plan *plan, struct err *err)
{
    struct invocation *call = asking->call;
    const struct policy *policy = asking->resolved->policy;
    str name = option_text(call, S("ring"));
    if (!option_given(call, S("ring"))) return true;
    *plan = ring_plan_of(asking->resolved, call->arena);
    asking->scene.plan = plan;
    str *names = arena_array(call->arena, str, plan->n + 1);
    for (size_t i = 0; i < plan->n; i++) {
        names[i] = policy->rings[i].name;
        asking->scene.ring = i;
        if (str_equal(names[i], name)) return true;
    }
    if (!plan->n && str_equal(name, S("all"))) return true;
    str hint = command_suggest(call->arena, name, names, plan->n);
    return err_set(err, ERR_USAGE, "the policy has no ring \"%.*s\"%.*s", STR_ARG(name),
                   STR_ARG(hint));
}

static int run(struct invocation *call)
{
    struct err err = {0};
    bool batch = option_given(call, S("batch"));
    if (batch == (call->n_arguments > 0) || call->n_arguments == 1) {
        (void)err_set(&err, ERR_USAGE,
                      batch ? "explain takes either --batch FILE or CLIENT and SERVER, not both"
                            : "explain needs CLIENT and SERVER, or --batch FILE");
        return command_fail(call, &err);
    }
    struct policy_file file;
    int status = EXIT_FAILED;
    struct workspace workspace = {0};
    bool opened = false;
    if (!policy_file_load(call, &file, &status)) return status;
    if (!open_hosts(call, &workspace, &opened)) return EXIT_FAILED;
    const struct host_lookup *hosts = opened ? workspace_lookup(call, &workspace) : NULL;
    if (!policy_file_resolve(call, &file, hosts, true, &status)) {
        if (opened) store_close(workspace.store);
        return status;
    }
    struct ring_plan plan;
    struct arena work = arena_open("changes", 0, NULL);
    struct asking asking = {
        .call = call,
        .scene = {.hosts = hosts},
        .resolved = &file.resolved,
        .changes = option_flag(call, S("changes")),
        .workspace = target_word(call->arena, file.policy.organisation),
        .work = &work,
    };
    if (choose_ring(&asking, &plan, &err)) {
        asking.scene.decision = decision_build(&file.resolved, NULL, call->arena, call->scratch);
        if (batch) asking.scene.index = entry_index_of(&file.resolved, call->arena, call->scratch);
        status = batch ? answer_batch(&asking, option_text(call, S("batch"))) : answer_one(&asking);
    } else {
        status = command_fail(call, &err);
    }
    arena_close(&work);
    if (opened) store_close(workspace.store);
    return status;
}

static const struct option options[] = {
    {.name = T("profile"),
     .type = OPTION_CHOICE,
     .value = T("PROFILE"),
     .fallback = T("domain"),
     .choices = T("domain|private|public"),
     .help = T("the firewall profile in force at both ends")},
    {.name = T("ring"),
     .type = OPTION_TEXT,
     .value = T("NAME"),
     .help = T("with the machines of this ring and of the rings before it, no others")    },
    {.name = T("changes"),
     .type = OPTION_FLAG,
     .help = T("with --batch: what would change each answer, too; a single one always says it")},
    {.name = T("batch"),
     .type = OPTION_TEXT,
     .value = T("FILE"),
     .help = T("answer each line \"client server [service [profile]]\" of FILE; - is stdin")    },
    POLICY_FILE_OPTION,
};

static const struct example examples[] = {
    {T("sallyport explain 10.10.4.7 10.20.0.21"),                                           T("may this client use SMB on that server?")},
    {T("sallyport explain 10.10.4.7 10.20.0.21 tcp/139 --profile public --json"),
     T("the same for a port, on a public network, as JSON")                                                                             },
    {T("sallyport explain 10.10.4.7 10.20.0.21 --ring pilot --exceptions exceptions.yaml"),
     T("while only the first rings have the policy, with the exceptions that are alive")                                                },
    {T("sallyport explain --batch questions.txt --json"),                                   T("many questions, one answer a line")      },
};

const struct command explain_command = {
    .name = T("explain"),
    .summary = T("Say whether a flow would pass, which rule decides, and where"),
    .arguments = T("[CLIENT SERVER [SERVICE]]"),
    .most_arguments = 3,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("A flow passes when every end that enforces passes it, and every enforced border "
                 "on its path. The answer names the policy's line, or the exception, for each, the "
                 "rule as it is loaded, and the smallest changes that would turn it, each tried "
                 "out. It is undecidable where it depends on members of a group whom the "
                 "workspace does not know. Answering is exit 0, also when the answer is no; "
                 "--batch answers a bad line with its error."),
    .run = run,
};
