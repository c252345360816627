/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/simulate.h"

#include "base/instant.h"
#include "base/map.h"
#include "cli/command.h"
#include "cli/policy_file.h"
#include "cli/workspace.h"

static str people(struct arena *arena, struct names users)
{
    enum { SHOWN = 2 };
    struct buf text = buf_in(arena);
    for (size_t i = 0; i < users.n && i < SHOWN; i++) {
        if (i) buf_str(&text, S(", "));
        buf_str(&text, users.items[i]);
    }
    if (users.n > SHOWN) buf_format(&text, " +%zu", users.n - SHOWN);
    return buf_text(&text);
}

static str day_and_minute(struct arena *arena, int64_t instant_us)
{
    char text[INSTANT_TEXT];
    str full = instant_text(text, instant_us);
    return str_format(arena, "%.*s %.*s", STR_ARG(str_head(full, 10)),
                      STR_ARG(str_head(str_tail(full, 11), 5)));
}

static void print_flow_heading(struct invocation *call, const struct simulated_ring *ring,
                               enum simulate_verdict verdict, str sentence, enum table_tone tone)
{
    buf_char(call->out, '\n');
    table_tone(call->out,
               str_format(call->arena, "%" PRIu64 " %.*s", ring->count[verdict], STR_ARG(sentence)),
               tone, call->colour);
    buf_char(call->out, '\n');
}

/* A sweep has thousands of them; --json lists all. */
enum { UNANSWERED_SHOWN = 3 };

/* All flows of one verdict. */
static void print_flows(struct invocation *call, const struct simulated_ring *ring,
                        enum simulate_verdict verdict, const struct view_labels *labels)
{
    static const struct table_column columns[] = {
        {{"client", 6},    ALIGN_LEFT,  34},
        {{"server", 6},    ALIGN_LEFT,  34},
        {{"service", 7},   ALIGN_LEFT,  12},
        {{"users", 5},     ALIGN_LEFT,  28},
        {{"seen", 4},      ALIGN_RIGHT, 0 },
        {{"last seen", 9}, ALIGN_LEFT,  0 },
        {{"at", 2},        ALIGN_LEFT,  0 },
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    struct map unanswered = {0};
    for (size_t i = 0; i < ring->n_flows; i++) {
        const struct simulated_flow *s = &ring->flows[i];
        const struct matrix_flow *flow = s->flow;
        bool has_side = verdict == SIMULATE_BROKEN || verdict == SIMULATE_STOPPED;
        if (s->verdict != verdict) continue;
        if (!simulate_server_answered(flow)) {
            str client = view_end_label(call->arena, flow->client, flow->client_names);
            if (++*map_put(&unanswered, call->arena, client, 0, NULL) > UNANSWERED_SHOWN) continue;
        }
        table_add(&table, view_end_label(call->arena, flow->client, flow->client_names));
        table_add(&table, view_end_label(call->arena, flow->server, flow->server_names));
        table_add(&table, view_service_text(call->arena, labels, flow->transport, flow->port));
        table_add(&table, people(call->arena, flow->users));
        table_add_u64(&table, flow->connections);
        table_add(&table, flow->is_timeless ? S("-") : day_and_minute(call->arena, flow->last_us));
        table_add(&table, has_side ? side_text(s->at) : (str){0});
    }
    table_print_text(&table, call->out, call->colour);
    for (size_t i = 0; i < unanswered.n; i++)
        if (unanswered.entries[i].value > UNANSWERED_SHOWN)
            buf_format(call->out, "%.*s: and %" PRIu64 " more servers that never answered\n",
                       STR_ARG(unanswered.entries[i].key),
                       unanswered.entries[i].value - UNANSWERED_SHOWN);
}

/* Why each broken flow would not pass, and what would keep it. */
static void print_cures(struct invocation *call, const struct simulated_ring *ring,
                        const struct view_labels *labels)
{
    for (size_t i = 0; i < ring->n_flows; i++) {
        const struct simulated_flow *s = &ring->flows[i];
        if (s->verdict != SIMULATE_BROKEN) continue;
        str client = view_end_text(call->arena, s->flow->client);
        str server = view_end_text(call->arena, s->flow->server);
        str service = view_service_text(call->arena, labels, s->flow->transport, s->flow->port);
        str flow = str_format(call->arena, "%.*s -> %.*s %.*s", STR_ARG(client), STR_ARG(server),
                              STR_ARG(service));
        buf_char(call->out, '\n');
        table_tone(call->out, flow, TONE_STRONG, call->colour);
        buf_str(call->out, S("\n  why   "));
        table_tone(call->out, s->because, TONE_PLAIN, call->colour);
        buf_str(call->out, S("\n  keep  "));
        table_tone(call->out, s->cure, TONE_PLAIN, call->colour);
    }
    buf_char(call->out, '\n');
}

/* Each reason once, with how many flows it is the reason of. */
static void print_reasons(struct invocation *call, const struct simulated_ring *ring,
                          enum simulate_verdict verdict)
{
    struct map reasons = {0};
    for (size_t i = 0; i < ring->n_flows; i++)
        if (ring->flows[i].verdict == verdict)
            ++*map_put(&reasons, call->arena, ring->flows[i].because, 0, NULL);
    for (size_t i = 0; i < reasons.n; i++) {
        buf_format(call->out, "  %" PRIu64 ": ", reasons.entries[i].value);
        table_tone(call->out, reasons.entries[i].key, TONE_PLAIN, call->colour);
        buf_char(call->out, '\n');
    }
}

static struct table rings_table(struct invocation *call, const struct simulation *simulation,
                                str only)
{
    static const struct table_column columns[] = {
        {{"ring", 4},         ALIGN_LEFT,  0},
        {{"broken", 6},       ALIGN_RIGHT, 0},
        {{"stopped", 7},      ALIGN_RIGHT, 0},
        {{"kept", 4},         ALIGN_RIGHT, 0},
        {{"escaped", 7},      ALIGN_RIGHT, 0},
        {{"undecidable", 11}, ALIGN_RIGHT, 0},
        {{"enforcing", 9},    ALIGN_RIGHT, 0},
        {{"assumed", 7},      ALIGN_RIGHT, 0},
        {{"cannot", 6},       ALIGN_RIGHT, 0},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < simulation->n_rings; i++) {
        const struct simulated_ring *ring = &simulation->rings[i];
        if (only.len && !str_equal(ring->name, only)) continue;
        table_add_toned(&table, ring->name, TONE_STRONG);
        table_add_toned(&table, str_format(call->arena, "%" PRIu64, ring->count[SIMULATE_BROKEN]),
                        ring->count[SIMULATE_BROKEN] ? TONE_BAD : TONE_PLAIN);
        table_add_u64(&table, ring->count[SIMULATE_STOPPED]);
        table_add_u64(&table, ring->count[SIMULATE_KEPT]);
        table_add_u64(&table, ring->count[SIMULATE_ESCAPED]);
        table_add_u64(&table, ring->count[SIMULATE_UNDECIDABLE]);
        table_add_u64(&table, ring->enforcing_by_evidence);
        table_add_u64(&table, ring->enforcing_assumed);
        table_add_u64(&table, ring->enforcing_cannot);
    }
    return table;
}

/* Every flow of every ring asked for, a row each, for a spreadsheet or another program. */
static void print_csv(struct invocation *call, const struct simulation *simulation,
                      const struct view_labels *labels, str only)
{
    static const struct table_column columns[] = {
        {{"ring", 4},         ALIGN_LEFT,  0},
        {{"verdict", 7},      ALIGN_LEFT,  0},
        {{"client", 6},       ALIGN_LEFT,  0},
        {{"server", 6},       ALIGN_LEFT,  0},
        {{"service", 7},      ALIGN_LEFT,  0},
        {{"profile", 7},      ALIGN_LEFT,  0},
        {{"users", 5},        ALIGN_LEFT,  0},
        {{"connections", 11}, ALIGN_RIGHT, 0},
        {{"last_seen", 9},    ALIGN_LEFT,  0},
        {{"at", 2},           ALIGN_LEFT,  0},
        {{"because", 7},      ALIGN_LEFT,  0},
        {{"cure", 4},         ALIGN_LEFT,  0},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < simulation->n_rings; i++) {
        const struct simulated_ring *ring = &simulation->rings[i];
        if (only.len && !str_equal(ring->name, only)) continue;
        for (size_t j = 0; j < ring->n_flows; j++) {
            const struct simulated_flow *s = &ring->flows[j];
            const struct matrix_flow *flow = s->flow;
            bool has_side = s->verdict == SIMULATE_BROKEN || s->verdict == SIMULATE_STOPPED;
            char last_seen[INSTANT_TEXT];
            table_add(&table, ring->name);
            table_add(&table, simulate_verdict_text(s->verdict));
            table_add(&table, view_end_text(call->arena, flow->client));
            table_add(&table, view_end_text(call->arena, flow->server));
            table_add(&table, view_service_text(call->arena, labels, flow->transport, flow->port));
            table_add(&table, profile_text(s->profile));
            table_add_u64(&table, flow->users.n);
            table_add_u64(&table, flow->connections);
            str seen = flow->is_timeless ? (str){0} : instant_text(last_seen, flow->last_us);
            table_add(&table, str_copy(call->arena, seen));
            table_add(&table, has_side ? side_text(s->at) : (str){0});
            table_add(&table, s->because);
            table_add(&table, s->cure);
        }
    }
    table_print_csv(&table, call->out);
}

static void print_blind(struct invocation *call, const struct simulation *simulation)
{
    static const struct table_column columns[] = {
        {{"blind", 5},   ALIGN_LEFT, 0},
        {{"segment", 7}, ALIGN_LEFT, 0},
        {{"why", 3},     ALIGN_LEFT, 0},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < simulation->n_blind; i++) {
        table_add(&table, simulation->blind[i].text);
        table_add(&table, simulation->blind[i].segment);
        table_add(&table, simulation->blind[i].reason);
    }
    buf_char(call->out, '\n');
    table_tone(call->out,
               str_format(call->arena, "%zu blind: nothing here is known to be safe for them",
                          simulation->n_blind),
               simulation->n_blind ? TONE_WARN : TONE_GOOD, call->colour);
    buf_char(call->out, '\n');
    if (simulation->n_blind) table_print_text(&table, call->out, call->colour);
}

/* The ring whose flows are shown: the one asked for, else the last (all machines). */
static const struct simulated_ring *shown_ring(const struct simulation *simulation, str name)
{
    const struct simulated_ring *ring = NULL;
    for (size_t i = 0; i < simulation->n_rings; i++)
        if (!name.len || str_equal(simulation->rings[i].name, name)) ring = &simulation->rings[i];
    return ring;
}

static void print_text(struct invocation *call, const struct simulation *simulation,
                       const struct simulated_ring *ring, const struct policy *policy,
                       const struct view_labels *labels, str only)
{
    struct table rings = rings_table(call, simulation, only);
    buf_format(call->out,
               "%.*s, held against what was seen; each ring with the machines of all rings "
               "before it\n\n",
               STR_ARG(policy->source));
    table_print_text(&rings, call->out, call->colour);
    if (simulation->n_ungoverned)
        buf_format(call->out,
                   "%" PRIu64 " flow%s of services that the policy leaves alone %s not counted\n",
                   simulation->n_ungoverned, simulation->n_ungoverned == 1 ? "" : "s",
                   simulation->n_ungoverned == 1 ? "is" : "are");
    if (ring->count[SIMULATE_BROKEN]) {
        print_flow_heading(call, ring, SIMULATE_BROKEN, S("would break"), TONE_BAD);
        print_flows(call, ring, SIMULATE_BROKEN, labels);
        print_cures(call, ring, labels);
    } else {
        buf_char(call->out, '\n');
        table_tone(call->out, S("nothing that was seen working would break"), TONE_GOOD,
                   call->colour);
        buf_char(call->out, '\n');
    }
    if (ring->count[SIMULATE_STOPPED]) {
        print_flow_heading(call, ring, SIMULATE_STOPPED, S("stopped as intended"), TONE_GOOD);
        print_flows(call, ring, SIMULATE_STOPPED, labels);
        print_reasons(call, ring, SIMULATE_STOPPED);
    }
    if (ring->count[SIMULATE_ESCAPED]) {
        print_flow_heading(call, ring, SIMULATE_ESCAPED,
                           S("blocked by the policy, but nothing enforces it"), TONE_WARN);
        print_flows(call, ring, SIMULATE_ESCAPED, labels);
        print_reasons(call, ring, SIMULATE_ESCAPED);
    }
    if (ring->count[SIMULATE_UNDECIDABLE]) {
        print_flow_heading(call, ring, SIMULATE_UNDECIDABLE, S("not decidable"), TONE_WARN);
        print_flows(call, ring, SIMULATE_UNDECIDABLE, labels);
        print_reasons(call, ring, SIMULATE_UNDECIDABLE);
    }
    print_blind(call, simulation);
}

static bool any_breaks(const struct simulation *simulation, str only)
{
    for (size_t i = 0; i < simulation->n_rings; i++)
        if ((!only.len || str_equal(simulation->rings[i].name, only)) &&
            simulation->rings[i].count[SIMULATE_BROKEN])
            return true;
    return false;
}

static bool no_such_ring(struct invocation *call, const struct simulation *simulation, str name,
                         struct err *err)
{
    str *names = arena_array(call->arena, str, simulation->n_rings + 1);
    for (size_t i = 0; i < simulation->n_rings; i++)
        names[i] = simulation->rings[i].name;
    str hint = command_suggest(call->arena, name, names, simulation->n_rings);
    return err_set(err, ERR_USAGE, "the policy has no ring \"%.*s\"%.*s", STR_ARG(name),
                   STR_ARG(hint));
}

static int run(struct invocation *call)
{
    struct err err = {0};
    struct workspace workspace = {0};
    struct policy_file *file = arena_new(call->arena, struct policy_file);
    struct matrix_view matrix = {0};
    int status = EXIT_FINE;

    if (!policy_file_load(call, file, &status)) return status;
    if (!workspace_open(call, &workspace, &err)) return command_fail(call, &err);
    if (!policy_file_resolve(call, file, workspace_lookup(call, &workspace), true, &status))
        return status;
    if (!store_load_matrix(workspace.store, call->arena, &matrix, &err))
        return command_fail(call, &err);
    workspace.policy = file->policy;
    workspace.resolved = file->resolved;
    workspace.has_policy = true;
    struct view_labels labels = workspace_labels(&workspace);

    const struct decision *decision =
        decision_build(&file->resolved, NULL, call->arena, call->scratch);
    struct simulation simulation =
        simulate(&file->resolved, decision, &matrix, call->arena, call->scratch);
    store_close(workspace.store);

    str only = option_text(call, S("ring"));
    const struct simulated_ring *ring = shown_ring(&simulation, only);
    if (!ring) {
        no_such_ring(call, &simulation, only, &err);
        return command_fail(call, &err);
    }
    if (call->format == FORMAT_JSON)
        simulate_print_json(&simulation, &file->policy, &labels, only, call->out);
    else if (call->format == FORMAT_CSV)
        print_csv(call, &simulation, &labels, only);
    else
        print_text(call, &simulation, ring, &file->policy, &labels, only);
    return any_breaks(&simulation, only) ? EXIT_NO : EXIT_FINE;
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
      .help = T("only this ring, with the machines of the rings before it")},
};

static const struct example examples[] = {
    {T("sallyport simulate"),                     T("What the workspace's policy would break, stop and keep")},
    {T("sallyport simulate --ring pilot --json"), T("One ring, for another program")                         },
};

const struct command simulate_command = {
    .name = T("simulate"),
    .summary = T("Say what a policy would break, before it is made"),
    .details = T(
        "Every flow that was seen is held against the policy, ring by ring. A flow that worked and "
        "would not pass is broken; one from an untrusted client, one that must never pass and one "
        "that never worked is stopped as intended. Hosts whose own side no evidence shows are "
        "listed as blind and never counted as safe. Exit status 1 when anything would break."),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .run = run,
};
