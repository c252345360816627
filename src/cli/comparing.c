/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/comparing.h"

#include "cli/rules_print.h"
#include "rules/universe.h"

/* ---- Reading the sides --------------------------------------------------------------------------
 */

static str manifest_of(struct arena *arena, str folder)
{
    return os_join(arena, folder, S("manifest.json"));
}

static struct comparing_held *held_of(struct comparing_side *side, const struct target *target)
{
    for (size_t i = 0; i < side->n_held; i++)
        if (side->held[i].target == target) return &side->held[i];
    side->held[side->n_held].target = target;
    return &side->held[side->n_held++];
}

/* A list of a firewall that decides nothing but what it names: its last permit, if it has one, and
 * what else the firewall holds are not compared. First match then, with nothing behind it. */
static void leave_rest(const struct target *target, struct arena *arena,
                       struct enforcement_rules *rules)
{
    if (!target || target->engine != ENGINE_ACL || target->rest == REST_DENIED) return;
    struct rule *kept = arena_array(arena, struct rule, rules->rules.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < rules->rules.n; i++)
        if (target->rest == REST_UNTOUCHED || rules->rules.rules[i].transport != TRANSPORT_NONE)
            kept[n++] = rules->rules.rules[i];
    rules->rules = (struct ruleset){.rules = kept, .n = n};
    rules->engine = ENGINE_NFTABLES;
}

static void hold(struct comparing_side *side, struct arena *arena, const struct target *target,
                 struct enforcement_rules rules)
{
    struct comparing_held *held = held_of(side, target);
    leave_rest(target, arena, &rules);
    arena_grow(arena, held->rules, held->n, held->room);
    held->rules[held->n++] = rules;
}

/* The first part of a file's path names its target. */
static bool read_folder_file(struct invocation *call, struct comparing_side *side,
                             const struct artefact_part *part, str name, struct err *err)
{
    str head, rest;
    bytes content = {0};
    (void)str_cut(name, '/', &head, &rest);
    const struct target *target = target_by_name(head);
    str path = os_join(call->arena, side->path, name);
    if (!target)
        return err_set(err, ERR_UNKNOWN_FORMAT, "%.*s: no target writes such a file",
                       STR_ARG(path));
    struct enforcement_rules rules = {
        .source = path,
        .own = part->members,
        .border = part->is_border ? part->name : (str){0},
        .engine = target->engine,
    };
    if (!os_read_all(call->os, path, LIMIT_ARTEFACT_BYTES, call->arena, &content, err))
        return false;
    if (!target->read(path, content, call->arena, &rules.rules, err)) return false;
    hold(side, call->arena, target, rules);
    return true;
}

bool comparing_read_folder(struct invocation *call, struct comparing_side *side, struct err *err)
{
    bytes content = {0};
    str path = manifest_of(call->arena, side->path);
    side->kind = COMPARED_FOLDER;
    side->held = arena_array(call->arena, struct comparing_held, targets_n + 1);
    if (call->os->kind(call->os->self, path) != OS_FILE)
        return err_set(err, ERR_NOT_FOUND, "%.*s: expected a folder that compile wrote whole",
                       STR_ARG(side->path));
    if (!os_read_all(call->os, path, LIMIT_ARTEFACT_BYTES, call->arena, &content, err))
        return false;
    if (!artefact_folder_read(path, content, call->arena, &side->folder, err)) return false;
    for (size_t i = 0; i < side->folder.n_parts; i++) {
        const struct artefact_part *part = &side->folder.parts[i];
        for (size_t j = 0; j < part->n_files; j++)
            if (!read_folder_file(call, side, part, part->files[j], err)) return false;
    }
    return true;
}

bool comparing_read_policy(struct invocation *call, struct comparing_side *side, int *status)
{
    struct invocation then = *call;
    then.as_of_us = side->as_of_us;
    then.as_of_is_date = side->as_of_is_date;
    side->file = arena_new(call->arena, struct policy_file);
    bool loaded = side->path.len ? policy_file_load_from(&then, side->path, side->file, status)
                                 : policy_file_load(&then, side->file, status);
    if (!loaded || !policy_file_resolve(&then, side->file, NULL, true, status)) return false;
    side->path = side->file->source;
    side->as_of_us = then.as_of_us;
    side->decision = decision_build(&side->file->resolved, NULL, call->arena, call->scratch);
    return true;
}

bool comparing_read_file(struct invocation *call, struct comparing_side *side, bytes content,
                         const struct comparing_whose *whose, struct err *err)
{
    struct enforcement_rules rules = {
        .source = side->path, .own = whose->own, .border = whose->border};
    struct rules_source export = {.path = side->path};
    size_t n_conditional;
    side->kind = COMPARED_FILE;
    side->held = arena_array(call->arena, struct comparing_held, targets_n + 1);
    if (!rule_file_read(side->path, content, call->arena, &export.file, err)) return false;
    rules.engine = export.file.engine;
    rules.rules = rule_file_certain(&export.file, call->arena, &n_conditional);
    rules_print_problems(call, &export);
    if (n_conditional)
        buf_format(call->talk,
                   "%.*s: %zu rule%s with conditions (a service, LocalSubnet, ...) %s left "
                   "out: what they decide depends\n",
                   STR_ARG(side->path), n_conditional, n_conditional == 1 ? "" : "s",
                   n_conditional == 1 ? "is" : "are");
    hold(side, call->arena, export.file.target, rules);
    return true;
}

/* By --host or --border. */
static bool find_whose(struct invocation *call, str path, struct comparing_whose *out,
                       struct err *err)
{
    str host = option_text(call, S("host"));
    struct prefix prefix;
    out->border = option_text(call, S("border"));
    if ((host.len != 0) == (out->border.len != 0))
        return err_set(err, ERR_USAGE,
                       "%.*s is of one machine or border: expected --host ADDRESS or --border NAME",
                       STR_ARG(path));
    if (host.len && !prefix_parse(host, &prefix))
        return err_set(err, ERR_USAGE, "--host: expected an address or prefix, found \"%.*s\"",
                       STR_ARG(host));
    if (host.len) out->own = prefix_set_of_prefix(call->arena, prefix);
    return true;
}

bool comparing_read(struct invocation *call, struct comparing_side *side, int *status)
{
    struct err err = {0};
    bytes content = {0};
    struct comparing_whose whose = {0};
    *status = EXIT_FAILED;
    if (!side->path.len) return comparing_read_policy(call, side, status);
    if (call->os->kind(call->os->self, side->path) == OS_DIRECTORY) {
        if (comparing_read_folder(call, side, &err)) return true;
        (void)command_fail(call, &err);
        return false;
    }
    if (!os_read_all(call->os, side->path, LIMIT_ARTEFACT_BYTES, call->arena, &content, &err)) {
        (void)command_fail(call, &err);
        return false;
    }
    if (!rule_file_recognise(content)) return comparing_read_policy(call, side, status);
    if (find_whose(call, side->path, &whose, &err) &&
        comparing_read_file(call, side, content, &whose, &err))
        return true;
    (void)command_fail(call, &err);
    return false;
}

/* ---- Comparing ----------------------------------------------------------------------------------
 */

static const struct comparing_held *held_by(const struct comparing_side *side,
                                            const struct target *target)
{
    for (size_t i = 0; i < side->n_held; i++)
        if (side->held[i].target == target) return &side->held[i];
    return NULL;
}

/* A border's inside is known to the policy or the folder it is compared with. */
static struct prefix_set inside_of(const struct comparing_side *side, str border)
{
    if (side->decision) {
        const struct resolved *r = decision_resolved(side->decision);
        for (size_t i = 0; i < r->n_borders; i++)
            if (str_equal(r->borders[i].name, border)) return r->borders[i].inside;
    }
    for (size_t i = 0; i < side->folder.n_parts; i++)
        if (side->folder.parts[i].is_border && str_equal(side->folder.parts[i].name, border))
            return side->folder.parts[i].members;
    return (struct prefix_set){0};
}

static struct enforcement enforcement_of(const struct comparing_side *side,
                                         const struct target *target)
{
    const struct comparing_held *held = held_by(side, target);
    if (!held) return (struct enforcement){.decision = side->decision};
    return (struct enforcement){.rules = held->rules, .n_rules = held->n};
}

bool comparing_of_policies(const struct comparing_part *part)
{
    return part->before.decision && part->after.decision;
}

static void compare(struct comparing *c, const struct target *target,
                    const enum enforcement_point *points, size_t n_points,
                    const struct prefix_set *own, str border)
{
    struct invocation *call = c->call;
    struct comparing_part *part = &c->parts[c->n_parts++];
    part->target = target;
    part->before = enforcement_of(&c->sides[0], target);
    part->after = enforcement_of(&c->sides[1], target);
    struct diff_scope scope = {
        .own = own,
        .peers = target                        ? target->peers
                 : comparing_of_policies(part) ? NULL
                                               : &universe_windows,
        .points = points,
        .n_points = n_points,
        .profiles = target ? target->profiles : (1u << PROFILE_COUNT) - 1,
        .border = border,
    };
    part->diff = diff_make(&part->before, &part->after, &scope, call->arena, call->scratch);
}

static bool compare_file(struct comparing *c, struct comparing_side *file,
                         const struct comparing_side *other, struct err *err)
{
    static const enum enforcement_point hosts[] = {ENFORCEMENT_OUTBOUND, ENFORCEMENT_INBOUND};
    static const enum enforcement_point borders[] = {ENFORCEMENT_BORDER_OUT, ENFORCEMENT_BORDER_IN};
    struct enforcement_rules *rules = &file->held[0].rules[0];
    bool at_border = rules->border.len != 0;
    if (at_border) {
        rules->own = inside_of(other, rules->border);
        if (!rules->own.n)
            return err_set(err, ERR_USAGE, "%.*s has no enforced border \"%.*s\"",
                           STR_ARG(other->path), STR_ARG(rules->border));
    }
    /* A format that is only read is of Windows: any target of it says what was compiled. */
    for (size_t i = 0; i < other->n_held && !file->held[0].target; i++)
        if (other->held[i].target->engine == ENGINE_WINDOWS)
            file->held[0].target = other->held[i].target;
    const struct target *target = file->held[0].target;
    if (!other->decision && !held_by(other, target))
        return err_set(err, ERR_USAGE, "%.*s holds nothing of %s%.*s", STR_ARG(other->path),
                       target ? "target " : "Windows", STR_ARG(target ? target->name : (str){0}));
    compare(c, file->held[0].target, at_border ? borders : hosts, 2, &rules->own, rules->border);
    return true;
}

bool comparing_all(struct comparing *c, struct err *err)
{
    static const enum enforcement_point policies[] = {
        ENFORCEMENT_PATH,    ENFORCEMENT_INTENT,     ENFORCEMENT_OUTBOUND,
        ENFORCEMENT_INBOUND, ENFORCEMENT_BORDER_OUT, ENFORCEMENT_BORDER_IN,
    };
    struct comparing_side *a = &c->sides[0], *b = &c->sides[1];
    c->parts = arena_array(c->call->arena, struct comparing_part, targets_n + 1);
    if (a->kind == COMPARED_FILE) return compare_file(c, a, b, err);
    if (b->kind == COMPARED_FILE) return compare_file(c, b, a, err);
    if (a->kind == COMPARED_POLICY && b->kind == COMPARED_POLICY) {
        compare(c, NULL, policies, COUNT_OF(policies), NULL, (str){0});
        return true;
    }
    for (size_t i = 0; i < targets_n; i++) {
        bool in_a = a->decision || held_by(a, targets[i]);
        bool in_b = b->decision || held_by(b, targets[i]);
        /* Hosts' two points, then borders' two. */
        size_t first = targets[i]->hosts ? 2 : 4, last = targets[i]->borders ? 6 : 4;
        if (in_a && in_b) compare(c, targets[i], policies + first, last - first, NULL, (str){0});
    }
    if (c->n_parts) return true;
    return err_set(err, ERR_USAGE, "%.*s and %.*s have no target in common", STR_ARG(a->path),
                   STR_ARG(b->path));
}
