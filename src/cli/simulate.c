/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/policy_file.h"
#include "cli/simulation_text.h"
#include "cli/workspace.h"

static bool any_breaks(const struct simulation *simulation, str only)
{
    for (size_t i = 0; i < simulation->n_rings; i++)
        if ((!only.len || str_equal(simulation->rings[i].name, only)) &&
            simulation->rings[i].count[SIMULATE_BROKEN])
            return true;
    return false;
}

static bool no_such_ring(struct invocation *call, const struct simulation *simulation, str source,
                         str name, struct err *err)
{
    str *names = arena_array(call->arena, str, simulation->n_rings + 1);
    for (size_t i = 0; i < simulation->n_rings; i++)
        names[i] = simulation->rings[i].name;
    str hint = command_suggest(call->arena, name, names, simulation->n_rings);
    return err_set(err, ERR_USAGE, "%.*s has no ring \"%.*s\"%.*s", STR_ARG(source), STR_ARG(name),
                   STR_ARG(hint));
}

/* Reads and resolves a policy beside the command's own. */
static struct policy_file *load_beside(struct invocation *call, str path,
                                       const struct host_lookup *hosts, int *status)
{
    struct policy_file *file = arena_new(call->arena, struct policy_file);
    if (!policy_file_load_from(call, path, file, status)) return NULL;
    return policy_file_resolve(call, file, hosts, true, status) ? file : NULL;
}

/* What all policies of one run are held against. */
struct held {
    struct invocation *call;
    const struct replay *replay;
    const struct host_list *hosts;
    const struct decision *previous;
};

static const struct simulation *simulate_file(const struct held *held,
                                              const struct policy_file *file)
{
    struct arena *arena = held->call->arena;
    struct simulation *out = arena_new(arena, struct simulation);
    struct simulate_question question = {
        .resolved = &file->resolved,
        .decision = decision_build(&file->resolved, NULL, arena, held->call->scratch),
        .replay = held->replay,
        .previous = held->previous,
        .hosts = held->hosts,
        .lookup = &file->lookup,
    };
    *out = simulate(&question, arena, held->call->scratch);
    return out;
}

/* The other policies of --against; false with *status when one can't be used. */
static bool compare(const struct held *held, const struct simulation_text *shown,
                    struct policy_file **files, size_t n, struct comparison *out, struct err *err)
{
    struct arena *arena = held->call->arena;
    struct compared *policies = arena_array(arena, struct compared, n + 1);
    policies[0] = (struct compared){shown->policy, shown->simulation, shown->ring};
    for (size_t i = 0; i < n; i++) {
        const struct simulation *simulation = simulate_file(held, files[i]);
        const struct simulated_ring *ring = comparison_ring(simulation, shown->only);
        if (!ring) return no_such_ring(held->call, simulation, files[i]->source, shown->only, err);
        policies[i + 1] = (struct compared){files[i]->source, simulation, ring};
    }
    *out = comparison_of(policies, n + 1, arena, held->call->scratch);
    return true;
}

static void print(const struct simulation_text *shown)
{
    struct invocation *call = shown->call;
    struct simulation_json json = {
        .simulation = shown->simulation,
        .policy = shown->policy,
        .previous = shown->previous,
        .ring = shown->only,
        .comparison = shown->comparison,
        .labels = shown->labels,
    };
    if (call->format == FORMAT_JSON)
        simulation_json_print(&json, call->arena, call->scratch, call->out);
    else if (call->format == FORMAT_CSV)
        simulation_text_csv(shown);
    else
        simulation_text_print(shown);
}

static int run(struct invocation *call)
{
    struct err err = {0};
    struct workspace workspace = {0};
    struct policy_file *file = arena_new(call->arena, struct policy_file);
    struct policy_file *previous = NULL;
    struct matrix_view matrix = {0};
    int status = EXIT_FINE;
    size_t n_against = 0;
    str *against = option_texts(call, S("against"), &n_against);
    struct policy_file **others = arena_array(call->arena, struct policy_file *, n_against + 1);

    if (!policy_file_load(call, file, &status)) return status;
    if (!workspace_open(call, &workspace, &err)) return command_fail(call, &err);
    const struct host_lookup *names = workspace_lookup(call, &workspace);
    if (!policy_file_resolve(call, file, names, true, &status)) return status;
    if (option_given(call, S("previous"))) {
        previous = load_beside(call, option_text(call, S("previous")), names, &status);
        if (!previous) return status;
    }
    for (size_t i = 0; i < n_against; i++) {
        others[i] = load_beside(call, against[i], names, &status);
        if (!others[i]) return status;
    }
    if (!store_load_matrix(workspace.store, call->arena, &matrix, &err))
        return command_fail(call, &err);
    store_close(workspace.store);
    workspace.policy = file->policy;
    workspace.resolved = file->resolved;
    workspace.has_policy = true;
    struct view_labels labels = workspace_labels(&workspace);
    struct replay replay = replay_of(&matrix, call->arena, call->scratch);
    struct held held = {.call = call, .replay = &replay, .hosts = &workspace.hosts};
    if (previous)
        held.previous = decision_build(&previous->resolved, NULL, call->arena, call->scratch);

    struct simulation_text shown = {
        .call = call,
        .simulation = simulate_file(&held, file),
        .labels = &labels,
        .policy = file->policy.source,
        .previous = previous ? previous->source : (str){0},
        .only = option_text(call, S("ring")),
    };
    struct comparison comparison = {0};
    shown.ring = comparison_ring(shown.simulation, shown.only);
    if (!shown.ring) {
        no_such_ring(call, shown.simulation, S("the policy"), shown.only, &err);
        return command_fail(call, &err);
    }
    if (n_against) {
        if (!compare(&held, &shown, others, n_against, &comparison, &err))
            return command_fail(call, &err);
        shown.comparison = &comparison;
    }
    print(&shown);
    return any_breaks(shown.simulation, shown.only) ? EXIT_NO : EXIT_FINE;
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct option options[] = {
    POLICY_FILE_OPTION,
    {.name = T("ring"),
      .type = OPTION_TEXT,
      .value = T("NAME"),
      .help = T("only this ring, with the machines of the rings before it")                 },
    {                    .name = T("previous"),
      .type = OPTION_TEXT,
      .value = T("FILE"),
      .help = T("the policy that machines hold until their ring's turn; without it, none")},
    { .name = T("against"),
      .type = OPTION_TEXT,
      .many = true,
      .value = T("FILE"),
      .help = T("another policy to hold against the same evidence, beside the first")},
};

static const struct example examples[] = {
    {T("sallyport simulate"),                                               T("What the workspace's policy would break, stop and keep")},
    {T("sallyport simulate --ring pilot --json"),                           T("One ring, for another program")                         },
    {T("sallyport simulate --against stricter.yaml --against looser.yaml"),
     T("Three policies on the same evidence, and the flows on which they differ")                                                      },
    {T("sallyport simulate --previous deployed.yaml"),
     T("While the rings that have not had their turn still hold an older policy")                                                      },
};

const struct command simulate_command = {
    .name = T("simulate"),
    .summary = T("Say what a policy would break, before it is made"),
    .details = T(
        "Every flow that was seen is held against the policy, ring by ring. A flow that worked and "
        "would not pass is broken; one from an untrusted client, one that must never pass and one "
        "that never worked is stopped as intended. What the policy would keep is held against the "
        "hardening baseline, too. For the broken ones the fewest changes of the policy are shown "
        "that keep them, with what else each would open. Hosts whose own side no evidence shows "
        "are listed as blind and never counted as safe. Exit status 1 when anything would break."),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .run = run,
};
