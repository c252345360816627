/* SPDX-License-Identifier: Apache-2.0 */
/* What machines and borders really have against the policy, and whether exceptions that ended are
 * gone from it: for every address, not for samples.
 */
#include "base/instant.h"
#include "base/sha256.h"
#include "cli/command.h"
#include "cli/difference.h"
#include "cli/ended.h"
#include "harden/collected.h"
#include "reason/lingering.h"
#include "rules/universe.h"
#include "targets/rule_file.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* One FILE: a folder of compile has all its classes and borders. */
struct state {
    str name, path; /* of NAME=FILE */
    struct comparing comparing;
    struct lingering *left; /* per target held: what is left of ended exceptions */
};

struct drift {
    struct invocation *call;
    struct comparing_side policy;
    struct state *states;
    size_t n_states;
    struct ended *ended;
    size_t n_ended;
    struct lingering_scope *scopes;
    bool drifts;
};

/* ---- Whose a file is ----------------------------------------------------------------------------
 */

static void add_addr(struct drift *d, struct comparing_whose *whose, struct addr a)
{
    struct range one = {a, a};
    whose->own =
        prefix_set_union(d->call->arena, whose->own, prefix_set_of(d->call->arena, &one, 1));
}

/* A machine by the name that the policy or the workspace knows. */
static void add_machine(struct drift *d, str name, struct comparing_whose *out)
{
    const struct resolved *r = &d->policy.file->resolved;
    const struct host_lookup *lookup = &d->policy.file->lookup;
    size_t n = 0;
    for (size_t i = 0; i < r->n_machines; i++)
        for (size_t k = 0; k < r->machines[i].n_addrs; k++)
            if (str_equal_nocase(r->machines[i].name, name))
                add_addr(d, out, r->machines[i].addrs[k]);
    if (out->own.n) return;
    const struct host_address *held =
        lookup->host(lookup->to, name, r->as_of_us, d->call->arena, &n);
    for (size_t i = 0; i < n; i++)
        if (!held[i].claimed_by_another) add_addr(d, out, held[i].addr);
}

static bool whose_name(struct drift *d, str name, struct comparing_whose *out, struct err *err)
{
    const struct resolved *r = &d->policy.file->resolved;
    struct prefix prefix;
    if (prefix_parse(name, &prefix)) {
        out->own = prefix_set_of_prefix(d->call->arena, prefix);
        return true;
    }
    for (size_t i = 0; i < r->n_borders; i++)
        if (str_equal(r->borders[i].name, name)) out->border = name;
    if (out->border.len) return true;
    add_machine(d, name, out);
    return out->own.n || err_set(err, ERR_NOT_FOUND,
                                 "expected an address, a prefix, an enforced border or a machine "
                                 "whose addresses are known, found \"%.*s\"",
                                 STR_ARG(name));
}

/* A file within a folder that compile wrote is of whom the manifest says. */
static bool whose_manifest(struct drift *d, str path, struct comparing_whose *out)
{
    enum { DEEPEST = 6 };
    struct invocation *call = d->call;
    str folder = os_directory(path), inner = os_base_name(path);
    for (size_t up = 0; up < DEEPEST; up++) {
        struct artefact_folder found = {0};
        struct err err = {0};
        bytes content = {0};
        str manifest = os_join(call->arena, folder, S("manifest.json"));
        if (call->os->kind(call->os->self, manifest) == OS_FILE) {
            if (!os_read_all(call->os, manifest, LIMIT_ARTEFACT_BYTES, call->arena, &content,
                             &err) ||
                !artefact_folder_read(manifest, content, call->arena, &found, &err))
                return false;
            for (size_t i = 0; i < found.n_parts; i++)
                for (size_t k = 0; k < found.parts[i].n_files; k++) {
                    if (!str_equal(found.parts[i].files[k], inner)) continue;
                    if (found.parts[i].is_border) out->border = found.parts[i].name;
                    if (!found.parts[i].is_border) out->own = found.parts[i].members;
                    return true;
                }
            return false;
        }
        inner = os_join(call->arena, os_base_name(folder), inner);
        folder = os_directory(folder);
    }
    return false;
}

/* What the collector saw says which machine it saw. */
static bool whose_collected(struct drift *d, str path, bytes content, struct comparing_whose *out)
{
    struct collected collected = {0};
    struct err err = {0};
    if (!collected_recognise(content) ||
        !collected_read(path, content, d->call->arena, &collected, &err))
        return false;
    for (size_t i = 0; i < collected.n_addrs; i++)
        add_addr(d, out, collected.addrs[i]);
    if (!out->own.n) add_machine(d, collected.fqdn.len ? collected.fqdn : collected.computer, out);
    return out->own.n != 0;
}

static bool find_whose(struct drift *d, const struct state *state, bytes content,
                       struct comparing_whose *out, struct err *err)
{
    if (state->name.len) return whose_name(d, state->name, out, err);
    if (whose_collected(d, state->path, content, out) || whose_manifest(d, state->path, out))
        return true;
    return err_set(err, ERR_USAGE,
                   "%.*s does not say whose it is: expected NAME=FILE with the address or name of "
                   "its machine, or the name of a border",
                   STR_ARG(state->path));
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

static void read_name(struct drift *d, str argument, struct state *out)
{
    str name, path;
    out->path = argument;
    /* A file's own name may have the sign too. */
    if (d->call->os->kind(d->call->os->self, argument) != OS_MISSING) return;
    if (!str_cut(argument, '=', &name, &path) || !name.len) return;
    out->name = name;
    out->path = path;
}

static bool read_state(struct drift *d, struct state *state, struct err *err)
{
    struct invocation *call = d->call;
    struct comparing_side *side = &state->comparing.sides[1];
    struct comparing_whose whose = {0};
    bytes content = {0};
    state->comparing.call = call;
    state->comparing.sides[0] = d->policy;
    side->path = state->path;
    if (call->os->kind(call->os->self, state->path) == OS_DIRECTORY)
        return comparing_read_folder(call, side, err) && comparing_all(&state->comparing, err);
    return os_read_all(call->os, state->path, LIMIT_ARTEFACT_BYTES, call->arena, &content, err) &&
           find_whose(d, state, content, &whose, err) &&
           comparing_read_file(call, side, content, &whose, err) &&
           comparing_all(&state->comparing, err);
}

/* Those that --exception asks for; else all that ended. */
static bool choose_ended(struct drift *d, struct err *err)
{
    size_t n_asked = 0, n = 0;
    const struct policy *policy = &d->policy.file->policy;
    str *asked = option_texts(d->call, S("exception"), &n_asked);
    d->ended = ended_find(d->call, d->policy.file, d->policy.as_of_us, &d->n_ended);
    for (size_t i = 0; i < n_asked; i++) {
        bool ended = false, known = false;
        for (size_t k = 0; k < d->n_ended; k++)
            ended = ended || str_equal(d->ended[k].id, asked[i]);
        for (size_t k = 0; k < policy->n_exceptions; k++)
            known = known || str_equal(policy->exceptions[k].id, asked[i]);
        if (!known && !ended)
            return err_set(err, ERR_NOT_FOUND, "there is no exception \"%.*s\"", STR_ARG(asked[i]));
        if (!ended)
            return err_set(err, ERR_USAGE, "the exception %.*s has not ended: it may be open",
                           STR_ARG(asked[i]));
    }
    for (size_t i = 0; i < d->n_ended; i++) {
        bool wanted = !n_asked;
        for (size_t k = 0; k < n_asked; k++)
            wanted = wanted || str_equal(d->ended[i].id, asked[k]);
        if (wanted) d->ended[n++] = d->ended[i];
    }
    d->n_ended = n;
    return true;
}

static void find_left(struct drift *d, struct state *state)
{
    struct invocation *call = d->call;
    const struct comparing_side *side = &state->comparing.sides[1];
    state->left = arena_array(call->arena, struct lingering, side->n_held + 1);
    for (size_t i = 0; i < side->n_held; i++) {
        const struct comparing_held *held = &side->held[i];
        state->left[i] =
            lingering_find(d->policy.decision, held->rules, held->n,
                           held->target ? *held->target->peers : universe_windows,
                           held->target ? held->target->profiles : (1u << PROFILE_COUNT) - 1,
                           d->scopes, d->n_ended, call->arena, call->scratch);
        d->drifts = d->drifts || state->left[i].n;
    }
    for (size_t i = 0; i < state->comparing.n_parts; i++)
        d->drifts = d->drifts || state->comparing.parts[i].diff.n;
}

static bool read_all(struct drift *d, struct err *err)
{
    struct invocation *call = d->call;
    d->n_states = call->n_arguments;
    d->states = arena_array(call->arena, struct state, d->n_states + 1);
    d->scopes = arena_array(call->arena, struct lingering_scope, d->n_ended + 1);
    for (size_t i = 0; i < d->n_ended; i++) {
        const struct entry *entry = &d->ended[i].exception->entry;
        d->scopes[i] = (struct lingering_scope){
            .clients = d->ended[i].clients,
            .servers = d->ended[i].servers,
            .services = entry->services,
            .n_services = entry->n_services,
        };
    }
    for (size_t i = 0; i < d->n_states; i++) {
        read_name(d, call->arguments[i], &d->states[i]);
        if (!read_state(d, &d->states[i], err)) return false;
        find_left(d, &d->states[i]);
    }
    return true;
}

/* ---- What is left -------------------------------------------------------------------------------
 */

/* How one exception stands in all files. */
struct standing {
    size_t looked, n; /* rulesets at its ends; those with something left */
    enum { GONE, OPEN, UNDECIDED, NOT_COVERED } state;
};

static str standing_text(const struct standing *standing)
{
    static const str texts[] = {T("gone"), T("open"), T("undecided"), T("not-covered")};
    return texts[standing->state];
}

/* Everything that is left of one exception, in the order of the files. */
struct left_visit {
    void (*one)(struct drift *d, const struct enforcement_rules *rules,
                const struct lingering_find *find, void *to);
    void *to;
};

static struct standing each_left(struct drift *d, size_t scope, const struct left_visit *visit)
{
    struct standing standing = {0};
    bool open = false;
    for (size_t s = 0; s < d->n_states; s++) {
        const struct comparing_side *side = &d->states[s].comparing.sides[1];
        for (size_t h = 0; h < side->n_held; h++) {
            const struct lingering *left = &d->states[s].left[h];
            standing.looked += left->looked[scope];
            for (size_t i = 0; i < left->n; i++) {
                if (left->items[i].scope != scope) continue;
                standing.n++;
                open = open || left->items[i].kind == LINGERING_OPEN;
                if (visit)
                    visit->one(d, &side->held[h].rules[left->items[i].rules], &left->items[i],
                               visit->to);
            }
        }
    }
    standing.state = open ? OPEN : standing.n ? UNDECIDED : standing.looked ? GONE : NOT_COVERED;
    return standing;
}

static str port_of(struct drift *d, const struct lingering_find *find)
{
    str transport = service_transport_text(find->transport);
    return str_format(d->call->arena, "%.*s/%u", STR_ARG(transport), (unsigned)find->port);
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

static void print_state(struct drift *d, const struct state *state)
{
    struct buf *out = d->call->out;
    size_t n = 0;
    for (size_t i = 0; i < state->comparing.n_parts; i++)
        n += state->comparing.parts[i].diff.n;
    buf_str(out, state->path);
    if (state->name.len) buf_format(out, " (%.*s)", STR_ARG(state->name));
    buf_str(out, S(": "));
    if (!n) {
        table_tone(out, S("as the policy says"), TONE_GOOD, d->call->colour);
        buf_char(out, '\n');
        return;
    }
    str text = str_format(d->call->arena, "%zu difference%s", n, n == 1 ? "" : "s");
    table_tone(out, text, TONE_BAD, d->call->colour);
    buf_str(out, S(" from the policy\n\n"));
    for (size_t i = 0; i < state->comparing.n_parts; i++)
        for (unsigned p = 0; p < ENFORCEMENT_POINT_COUNT; p++)
            difference_print(d->call, &state->comparing.parts[i], (enum enforcement_point)p);
}

static void print_left(struct drift *d, const struct enforcement_rules *rules,
                       const struct lingering_find *find, void *to)
{
    const struct ended *ended = to;
    struct arena *arena = d->call->arena;
    struct buf *out = d->call->out;
    const struct service_table *services = &d->policy.file->policy.services;
    bool open = find->kind == LINGERING_OPEN;
    char client[ADDR_TEXT], server[ADDR_TEXT], instant[INSTANT_TEXT];
    str text = open ? S("is still open") : S("is not closed");
    str from = addr_text(client, find->client), till = addr_text(server, find->server);
    buf_format(out, "%.*s ended %.*s and ", STR_ARG(ended_text(ended, arena)),
               STR_ARG(ended->exception->expires));
    table_tone(out, text, TONE_BAD, d->call->colour);
    buf_format(out, " in %.*s: ", STR_ARG(rules->source));
    if (find->rule)
        buf_format(out, "rule %.*s, ", STR_ARG(find->rule->id));
    else
        buf_str(out, open ? S("no rule blocks it, ") : S("no rule there is about it, "));
    buf_format(out, "smallest pair %.*s -> %.*s (%.*s %.*s, %.*s%s)", STR_ARG(from), STR_ARG(till),
               STR_ARG(services->services[find->service].name), STR_ARG(port_of(d, find)),
               STR_ARG(enforcement_point_text(find->point)), find->secured ? ", secured" : "");
    if (find->rule && find->rule->expires_us) {
        str until = instant_text(instant, find->rule->expires_us);
        buf_format(out, "; its address times out at %.*s if loaded as compiled", STR_ARG(until));
    }
    buf_char(out, '\n');
}

static void print_ended(struct drift *d)
{
    struct invocation *call = d->call;
    struct buf *out = call->out;
    if (!d->n_ended) {
        buf_str(out, S("no exception has ended\n"));
        return;
    }
    for (size_t i = 0; i < d->n_ended; i++) {
        const struct left_visit visit = {print_left, &d->ended[i]};
        struct standing standing = each_left(d, i, &visit);
        str who = ended_text(&d->ended[i], call->arena);
        if (standing.n) continue;
        buf_format(out, "%.*s: ", STR_ARG(who));
        if (standing.state == GONE) {
            table_tone(out, S("gone"), TONE_GOOD, call->colour);
            buf_format(out, ": every pair of it is as the policy says in %zu ruleset%s\n",
                       standing.looked, standing.looked == 1 ? "" : "s");
        } else {
            table_tone(out, S("not looked at"), TONE_WARN, call->colour);
            buf_str(out, S(": none of these files is of a machine or border at its ends\n"));
        }
    }
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void print_json_left(struct drift *d, const struct enforcement_rules *rules,
                            const struct lingering_find *find, void *to)
{
    struct json *json = to;
    const struct service_table *services = &d->policy.file->policy.services;
    json_object(json);
    json_member_str(json, S("source"), rules->source);
    json_member_str_or_null(json, S("border"), rules->border);
    json_member_str(json, S("state"), find->kind == LINGERING_OPEN ? S("open") : S("undecided"));
    json_member_str(json, S("at"), enforcement_point_text(find->point));
    json_member_str_or_null(json, S("rule"), find->rule ? find->rule->id : (str){0});
    json_key(json, S("times_out"));
    if (find->rule && find->rule->expires_us)
        json_instant(json, find->rule->expires_us);
    else
        json_null(json);
    json_key(json, S("client"));
    json_addr(json, find->client);
    json_key(json, S("server"));
    json_addr(json, find->server);
    json_member_str(json, S("service"), services->services[find->service].name);
    json_member_str(json, S("port"), port_of(d, find));
    json_member_str_or_null(json, S("profile"),
                            rules->border.len ? (str){0} : profile_text(find->profile));
    json_member_bool(json, S("secured"), find->secured);
    json_object_end(json);
}

static void print_json_ended(struct drift *d, struct json *json, size_t i)
{
    const struct ended *ended = &d->ended[i];
    const struct left_visit visit = {print_json_left, json};
    json_object(json);
    json_member_str(json, S("id"), ended->id);
    json_member_str(json, S("owner"), ended->exception->owner);
    json_key(json, S("ended"));
    json_instant(json, ended->exception->expires_us);
    json_key(json, S("where"));
    json_array(json);
    struct standing standing = each_left(d, i, &visit);
    json_array_end(json);
    json_member_str(json, S("state"), standing_text(&standing));
    json_member_u64(json, S("rulesets"), standing.looked);
    json_object_end(json);
}

static void print_json_state(struct drift *d, struct json *json, const struct state *state)
{
    size_t n = 0;
    for (size_t i = 0; i < state->comparing.n_parts; i++)
        n += state->comparing.parts[i].diff.n;
    json_object(json);
    json_member_str(json, S("source"), state->path);
    json_member_str_or_null(json, S("name"), state->name);
    json_member_bool(json, S("equal"), !n);
    json_key(json, S("differences"));
    json_array(json);
    for (size_t i = 0; i < state->comparing.n_parts; i++)
        for (size_t k = 0; k < state->comparing.parts[i].diff.n; k++)
            difference_json(json, d->call, &state->comparing.parts[i],
                            &state->comparing.parts[i].diff.regions[k]);
    json_array_end(json);
    json_object_end(json);
}

static void print_json(struct drift *d)
{
    struct json json = json_to(d->call->out);
    json_object(&json);
    json_member_bool(&json, S("drift"), d->drifts);
    json_key(&json, S("as_of"));
    json_instant(&json, d->policy.as_of_us);
    json_member_str(&json, S("policy"), d->policy.file->source);
    json_member_str(&json, S("policy_sha256"),
                    sha256_hex(d->call->arena, &d->policy.file->policy.digest));
    json_key(&json, S("files"));
    json_array(&json);
    for (size_t i = 0; i < d->n_states; i++)
        print_json_state(d, &json, &d->states[i]);
    json_array_end(&json);
    json_key(&json, S("exceptions"));
    json_array(&json);
    for (size_t i = 0; i < d->n_ended; i++)
        print_json_ended(d, &json, i);
    json_array_end(&json);
    json_object_end(&json);
    buf_char(d->call->out, '\n');
}

/* Every difference; what is left of an exception is one of them. */
static void print_csv(struct drift *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n_states; i++)
        n += d->states[i].comparing.n_parts;
    struct comparing_part *parts = arena_array(d->call->arena, struct comparing_part, n + 1);
    n = 0;
    for (size_t i = 0; i < d->n_states; i++)
        for (size_t k = 0; k < d->states[i].comparing.n_parts; k++)
            parts[n++] = d->states[i].comparing.parts[k];
    difference_csv(d->call, parts, n);
}

/* ---- The command --------------------------------------------------------------------------------
 */

static int run(struct invocation *call)
{
    struct drift d = {.call = call};
    struct err err = {0};
    int status = EXIT_FAILED;
    d.policy.as_of_us = call->as_of_us;
    d.policy.as_of_is_date = call->as_of_is_date;
    if (!comparing_read_policy(call, &d.policy, &status)) return status;
    call->as_of_us = d.policy.as_of_us;
    if (!choose_ended(&d, &err) || !read_all(&d, &err)) return command_fail(call, &err);
    if (call->format == FORMAT_JSON) {
        print_json(&d);
    } else if (call->format == FORMAT_CSV) {
        print_csv(&d);
    } else {
        for (size_t i = 0; i < d.n_states; i++)
            print_state(&d, &d.states[i]);
        print_ended(&d);
    }
    return d.drifts ? EXIT_NO : EXIT_FINE;
}

static const struct option options[] = {
    POLICY_FILE_OPTION,
    {.name = T("exception"),
      .type = OPTION_TEXT,
      .many = true,
      .value = T("ID"),
      .help = T("only what is left of this exception, which has ended; may be given again")},
};

static const struct example examples[] = {
    {T("sallyport drift out"),                        T("Does what was compiled still say what the policy says today?")},
    {T("sallyport drift 10.20.0.21=live.nft"),
     T("What `nft list table` of a machine says, against the policy")                                                  },
    {T("sallyport drift FS01.json DC01.json --json"),
     T("What the collector saw on two machines, for a program that reads on")                                          },
};

const struct command drift_command = {
    .name = T("drift"),
    .summary = T("Say where machines differ from the policy, and which ended exceptions are open"),
    .arguments = T("[NAME=]FILE..."),
    .least_arguments = 1,
    .most_arguments = SIZE_MAX,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("FILE is a folder that `compile` wrote, or what a machine or border has: an artefact, "
          "`nft list table`, the\ncollector's JSON, Registry.pol, .wfw, .reg. NAME is the "
          "machine's address, prefix or name, or the border's; a file\nof the collector, or in a "
          "folder of `compile`, says it itself.\n\n"
          "First what differs from the policy at --as-of, as `diff` tells it. Then for every "
          "exception that has ended whether\nits pairs still pass where the policy blocks them, "
          "for every address, port and profile: open, not decided\nby any rule, or gone. Whether "
          "packets pass on the wire is what probe.ps1 and probe.sh of `compile` ask.\n\n"
          "Exit status: 0 as the policy says; 1 it drifts, or an exception is not gone; 2 a file "
          "can't be read."),
    .run = run,
};
