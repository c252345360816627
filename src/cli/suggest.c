/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/suggest.h"

#include "cli/controllers.h"
#include "cli/policy_file.h"
#include "cli/workspace.h"
#include "reason/suggest_denials.h"
#include "reason/suggest_print.h"

/* A shell that writes the answer to policy.yaml has made an empty one before this program starts.
 */
static bool is_there(struct invocation *call, str path)
{
    struct err err = {0};
    bytes content = {0};
    if (call->os->kind(call->os->self, path) == OS_MISSING) return false;
    /* One that can't be read is for the reader of policies to complain about. */
    if (!os_read_all(call->os, path, LIMIT_POLICY_BYTES, call->arena, &content, &err)) return true;
    return str_trim(str_of_bytes(content)).len > 0;
}

/* The policy to keep: the one named, else the workspace's, unless --fresh. */
static bool load_policy(struct invocation *call, struct workspace *workspace,
                        struct policy_file *file, bool *has_policy, int *status)
{
    bool named = option_given(call, S("policy")), fresh = option_flag(call, S("fresh"));
    *has_policy = named || (!fresh && is_there(call, command_path(call, S("policy.yaml"))));
    if (!*has_policy) return true;
    return policy_file_load(call, file, status) &&
           policy_file_resolve(call, file, workspace_lookup(call, workspace), true, status);
}

static bool load_evidence(struct invocation *call, struct workspace *workspace,
                          struct suggest_sources *out, struct err *err)
{
    struct matrix_view *matrix = arena_new(call->arena, struct matrix_view);
    struct hosts_view *views = arena_new(call->arena, struct hosts_view);
    struct share_use *uses = NULL;
    struct listening_view *listenings = NULL;
    struct change_view *changes = NULL;
    size_t n_uses = 0, n_listenings = 0, n_changes = 0;
    struct store *store = workspace->store;
    (void)workspace_lookup(call, workspace); /* loads the hosts */
    const struct host_list *list = &workspace->hosts;
    if (!store_load_matrix(store, call->arena, matrix, err)) return false;
    if (!store_load_uses(store, call->arena, &uses, &n_uses, err)) return false;
    if (!store_load_listenings(store, call->arena, &listenings, &n_listenings, err)) return false;
    if (!store_load_changes(store, call->arena, &changes, &n_changes, err)) return false;
    out->shares = roles_shares(call->arena, uses, n_uses, list, &out->n_shares);
    *views = roles_of(call->arena, list, matrix, out->shares, out->n_shares);
    controllers_among(call, list, views, &out->controllers, &out->n_controllers);
    *views =
        roles_add_told(call->arena, *views, list, listenings, n_listenings, changes, n_changes);
    out->matrix = matrix;
    out->hosts = list;
    out->views = views;
    return true;
}

struct addr_list {
    struct addr *items;
    size_t n, room;
};

static void add_addr(struct invocation *call, struct addr_list *list, struct addr addr)
{
    arena_grow(call->arena, list->items, list->n, list->room);
    list->items[list->n++] = addr;
}

/* An address, or the name of a host that the workspace knows: all its addresses. */
static bool add_controller(struct invocation *call, struct workspace *workspace, str word,
                           struct addr_list *list, struct err *err)
{
    struct addr addr;
    size_t n_held = 0;
    if (addr_parse(word, &addr)) {
        add_addr(call, list, addr);
        return true;
    }
    const struct host_lookup *lookup = workspace_lookup(call, workspace);
    const struct host_address *held =
        lookup->host(lookup->to, word, call->as_of_us, call->arena, &n_held);
    for (size_t i = 0; i < n_held; i++)
        if (!held[i].claimed_by_another) add_addr(call, list, held[i].addr);
    if (n_held) return true;
    return err_set(err, ERR_NOT_FOUND,
                   "--controller: expected an address or a host of the workspace, found \"%.*s\"",
                   STR_ARG(word));
}

static bool read_words(struct invocation *call, struct workspace *workspace,
                       struct suggest_sources *out, struct err *err)
{
    size_t n_controllers = 0, n_networks = 0;
    str *controllers = option_texts(call, S("controller"), &n_controllers);
    str *networks = option_texts(call, S("managed"), &n_networks);
    struct addr_list list = {0};
    struct prefix *prefixes = arena_array(call->arena, struct prefix, n_networks + 1);
    for (size_t i = 0; i < n_controllers; i++)
        if (!add_controller(call, workspace, controllers[i], &list, err)) return false;
    for (size_t i = 0; i < n_networks; i++) {
        if (!prefix_parse(networks[i], &prefixes[i]))
            return err_set(err, ERR_USAGE,
                           "--managed: expected a network such as 10.10.0.0/16, found \"%.*s\"",
                           STR_ARG(networks[i]));
        if (prefix_has_host_bits(prefixes[i])) {
            char text[PREFIX_TEXT];
            struct prefix right = prefix_of(prefixes[i].addr, prefixes[i].len);
            return err_set(err, ERR_USAGE,
                           "--managed: \"%.*s\" has host bits set, did you mean %.*s?",
                           STR_ARG(networks[i]), STR_ARG(prefix_text(text, right)));
        }
    }
    out->named_controllers = list.items;
    out->n_named_controllers = list.n;
    out->named_networks = prefixes;
    out->n_named_networks = n_networks;
    return true;
}

/* Members of the policy's own groups are controllers, whatever they were seen to serve. */
static void add_members(struct invocation *call, const struct resolved *resolved,
                        struct suggest_sources *out)
{
    struct addr_list list = {0};
    for (size_t i = 0; i < out->hosts->n_intervals; i++) {
        struct addr addr = out->hosts->intervals[i].addr;
        bool is_member = false;
        for (size_t g = 0; g < resolved->policy->n_groups; g++)
            is_member |= resolved->policy->groups[g].role == ROLE_DOMAIN_CONTROLLER &&
                         prefix_set_contains(resolved->groups[g], addr);
        if (is_member) add_addr(call, &list, addr);
    }
    out->named_controllers = list.items;
    out->n_named_controllers = list.n;
}

static bool write_text(struct invocation *call, str path, str text, struct err *err)
{
    if (call->os->write_file(call->os->self, path, str_bytes(text), false, err)) return true;
    return err_in(err, path);
}

static int print(struct invocation *call, const struct suggestion *suggestion)
{
    struct err err = {0};
    str path = option_text(call, S("output"));
    bool to_file = option_given(call, S("output"));
    if (to_file && !write_text(call, path, suggestion->text, &err)) return command_fail(call, &err);
    if (call->format == FORMAT_JSON)
        suggest_print_json(suggestion, call->arena, call->out);
    else if (call->format == FORMAT_CSV)
        suggest_print_csv(suggestion, call->arena, call->out);
    else {
        if (!to_file) buf_str(call->out, suggestion->text);
        suggest_print_summary(suggestion, call->arena, call->talk, call->talk_colour);
        if (to_file) buf_format(call->talk, "%.*s is written\n", STR_ARG(path));
    }
    return EXIT_FINE;
}

static int print_denials(struct invocation *call, const struct suggest_sources *sources,
                         const struct resolved *resolved, const struct suggest_options *options)
{
    struct suggest_machines machines = suggest_evidence_machines(sources, call->arena);
    const struct decision *decision = decision_build(resolved, NULL, call->arena, call->scratch);
    struct suggest_rules rules =
        suggest_rules_of(&machines, resolved, decision, options, call->arena);
    struct suggest_denials denials = suggest_denials(&rules, call->arena, call->scratch);
    if (call->format == FORMAT_JSON)
        suggest_denials_json(&denials, resolved->policy, call->out);
    else
        suggest_denials_text(&denials, resolved->policy, call->arena, call->out, call->colour);
    return EXIT_FINE;
}

/* All that the workspace and the command line give; on failure either err or *status says why. */
static bool read_all(struct invocation *call, struct workspace *workspace, struct policy_file *file,
                     struct suggest_sources *sources, bool *has_policy, int *status,
                     struct err *err)
{
    if (!load_policy(call, workspace, file, has_policy, status)) return false;
    if (!load_evidence(call, workspace, sources, err)) return false;
    if (!read_words(call, workspace, sources, err)) return false;
    if (*has_policy && (sources->n_named_controllers || sources->n_named_networks))
        return err_set(
            err, ERR_USAGE,
            "--controller and --managed are for a network without a policy; write them into "
            "the policy's groups and segments, or add --fresh");
    return true;
}

static int run(struct invocation *call)
{
    struct err err = {0};
    struct workspace workspace = {0};
    struct policy_file *file = arena_new(call->arena, struct policy_file);
    struct suggest_sources sources = {0};
    struct suggestion suggestion = {0};
    bool has_policy = false;
    int status = EXIT_FINE;

    if (!workspace_open(call, &workspace, &err)) return command_fail(call, &err);
    bool good = read_all(call, &workspace, file, &sources, &has_policy, &status, &err);
    store_close(workspace.store);
    if (!good) return err.kind == ERR_NONE ? status : command_fail(call, &err);
    if (has_policy) add_members(call, &file->resolved, &sources);

    struct suggest_options options = {
        .support_connections = option_count(call, S("support")),
        .support_days = option_count(call, S("support-days")),
        .weight = option_count(call, S("weight")),
        .exact = option_flag(call, S("exact")),
        .leave_open = option_flag(call, S("leave-open")),
        .as_of_us = call->as_of_us,
        .lookup = has_policy ? &file->lookup : workspace_lookup(call, &workspace),
    };
    if (str_equal(option_text(call, S("from")), S("denials"))) {
        if (has_policy) return print_denials(call, &sources, &file->resolved, &options);
        err_set(&err, ERR_USAGE,
                "--from denials: expected a policy that is in force, found none; give one with "
                "--policy");
        return command_fail(call, &err);
    }
    if (!suggest(&sources, has_policy ? &file->resolved : NULL, &options, call->arena,
                 call->scratch, &suggestion, &err))
        return command_fail(call, &err);
    return print(call, &suggestion);
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
     .help = T("write the policy there instead of to standard output")},
    POLICY_FILE_OPTION,
    {.name = T("from"),
     .type = OPTION_CHOICE,
     .value = T("WHAT"),
     .fallback = T("matrix"),
     .choices = T("matrix|denials"),
     .help = T("matrix: all that was seen; denials: what the policy in force was seen to deny")},
    {.name = T("fresh"),                                                .type = OPTION_FLAG,                                                        .help = T("as if the workspace had no policy")                                                          },
    {.name = T("controller"),
     .type = OPTION_TEXT,
     .many = true,
     .value = T("HOST"),
     .help = T("an address or host that is a domain controller, beside those seen")},
    {.name = T("managed"),
     .type = OPTION_TEXT,
     .many = true,
     .value = T("NETWORK"),
     .help =
         T("a network of yours whose machines are in the domain, whether or not they showed it")},
    {.name = T("support"),
     .type = OPTION_COUNT,
     .value = T("N"),
     .fallback = T("2"),
     .low = 1,
     .high = 1000000,
     .help = T("connections that make a habit")},
    {.name = T("support-days"),
     .type = OPTION_COUNT,
     .value = T("N"),
     .fallback = T("2"),
     .low = 1,
     .high = 10000,
     .help = T("days from first to last that make a habit")},
    {.name = T("weight"),
     .type = OPTION_COUNT,
     .value = T("W"),
     .fallback = T("1"),
     .low = 1,
     .high = 1000000,
     .help = T("cost of a pair that was never seen; an entry costs 20, a word in it 3")},
    {.name = T("exact"),                                                .type = OPTION_FLAG,                                                                       .help = T("allow no pair that was not seen")                                                                         },
    {.name = T("leave-open"),
     .type = OPTION_FLAG,
     .help = T("do not assert that what is asked about stays closed: simulate then breaks it")                                                                    },
};

static const struct example examples[] = {
    {T("sallyport suggest --fresh"),                               T("Propose a whole policy from the evidence")},
    {T("sallyport suggest -o proposed.yaml"),
     T("Propose the allow entries of the workspace's policy anew")                                              },
    {T("sallyport suggest --fresh --managed 10.40.0.0/24 --json"),
     T("The same for a program, with a network that is known to be managed")                                    },
    {T("sallyport suggest --from denials"),
     T("Entries and exceptions to review, for what the policy in force denies")                                 },
};

const struct command suggest_command = {
    .name = T("suggest"),
    .summary = T("Propose the smallest policy that keeps what is used"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T(
        "Prints a policy file. With a policy, its segments, groups and all else are kept and the "
        "allow entries are\nproposed anew; without one segments and groups are proposed, too. "
        "Above each line stands the evidence for\nit. What is no habit, never worked, comes from "
        "untrusted or unknown networks, is a scan, SMB 1, a guest or\nan administrative share used "
        "from outside management gets no entry: it is asked about at the end of the\nfile, with "
        "the line to add when the answer is yes. Of those that worked, the file asserts that they "
        "stay\nclosed until then.\n\n"
        "The file is parsed and held against the evidence before it is printed; \"check\" passes "
        "it, \"simulate\" breaks\nnothing that it keeps. When no domain controller is known, "
        "nothing is managed: name one with --controller."),
    .run = run,
};
