/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/verdict.h"

#include "rules/atoms.h"

static bool has_port(const struct rule *rule, enum transport transport, uint16_t port)
{
    if (rule->transport != TRANSPORT_NONE && rule->transport != transport) return false;
    if (!rule->n_ports) return true;
    for (size_t i = 0; i < rule->n_ports; i++)
        if (rule->ports[i].first <= port && port <= rule->ports[i].last) return true;
    return false;
}

static bool applies(const struct rule *rule, struct addr own, const struct verdict_question *q)
{
    if (!rule->enabled || rule->direction != q->direction) return false;
    if (!q->any_profile && !(rule->profiles >> q->profile & 1u)) return false;
    if (rule->program.len && !str_equal_nocase(rule->program, S("System"))) return false;
    if (rule->action == ACTION_ALLOW_IF_SECURE && !q->secured) return false;
    return has_port(rule, q->transport, q->port) && prefix_set_contains(rule->local, own);
}

/* First match: what an earlier rule decided stays decided. */
static struct verdict_sets in_order(const struct rule *const *rules, size_t n, struct arena *arena,
                                    struct arena *scratch)
{
    struct prefix_set passes = {0}, blocks = {0}, decided = {0};
    for (size_t i = 0; i < n; i++) {
        struct prefix_set fresh = prefix_set_subtract(scratch, rules[i]->remote, decided);
        if (prefix_set_is_empty(fresh)) continue;
        struct prefix_set *into = rules[i]->action == ACTION_BLOCK ? &blocks : &passes;
        *into = prefix_set_union(scratch, *into, fresh);
        decided = prefix_set_union(scratch, decided, fresh);
    }
    return (struct verdict_sets){prefix_set_of(arena, passes.ranges, passes.n),
                                 prefix_set_of(arena, blocks.ranges, blocks.n)};
}

static struct verdict_sets by_rank(const struct rule *const *rules, size_t n, struct arena *arena,
                                   struct arena *scratch)
{
    struct prefix_set named[ACTION_BLOCK + 1] = {{0}};
    for (size_t i = 0; i < n; i++) {
        struct prefix_set *of = &named[rules[i]->action];
        *of = of->n ? prefix_set_union(scratch, *of, rules[i]->remote) : rules[i]->remote;
    }
    struct prefix_set bypass = named[ACTION_ALLOW_IF_SECURE];
    struct prefix_set blocks = prefix_set_subtract(scratch, named[ACTION_BLOCK], bypass);
    struct prefix_set allow = prefix_set_subtract(scratch, named[ACTION_ALLOW], blocks);
    struct prefix_set passes = prefix_set_union(scratch, bypass, allow);
    /* A union with nothing is the other set itself, which may be the caller's or scratch. */
    return (struct verdict_sets){prefix_set_of(arena, passes.ranges, passes.n),
                                 prefix_set_of(arena, blocks.ranges, blocks.n)};
}

struct verdict_sets verdict_at(struct ruleset rules, enum engine engine, struct addr own,
                               const struct verdict_question *question, struct arena *arena,
                               struct arena scratch)
{
    const struct rule **matching = arena_array(&scratch, const struct rule *, rules.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < rules.n; i++)
        if (applies(&rules.rules[i], own, question)) matching[n++] = &rules.rules[i];
    if (engine == ENGINE_NFTABLES) return in_order(matching, n, arena, &scratch);
    return by_rank(matching, n, arena, &scratch);
}

struct prefix_set *verdict_parts(struct ruleset rules, struct prefix_set own, struct arena *arena,
                                 struct arena scratch, size_t *n)
{
    struct prefix_set *locals = arena_array(&scratch, struct prefix_set, rules.n + 2);
    size_t n_locals = 0;
    locals[n_locals++] = own;
    for (size_t i = 0; i < rules.n; i++)
        if (rules.rules[i].enabled) locals[n_locals++] = rules.rules[i].local;
    const struct atoms *atoms = atoms_build(locals, n_locals, arena, scratch);
    struct class_set classes = atoms_classes(atoms, own, arena);
    struct prefix_set *parts = arena_array(arena, struct prefix_set, class_set_size(classes) + 1);
    *n = 0;
    for (uint32_t c = class_set_next(classes, 0); c != UINT32_MAX;
         c = class_set_next(classes, c + 1)) {
        struct class_run run = {c, c};
        parts[(*n)++] = atoms_addresses(atoms, (struct class_set){&run, 1}, arena);
    }
    return parts;
}

static bool outranks(const struct rule *a, const struct rule *b)
{
    static const int rank[] = {
        [ACTION_ALLOW_IF_SECURE] = 2, [ACTION_BLOCK] = 1, [ACTION_ALLOW] = 0};
    return !b || rank[a->action] > rank[b->action];
}

const struct rule *verdict_rule(struct ruleset rules, enum engine engine, struct addr own,
                                struct addr peer, const struct verdict_question *question)
{
    const struct rule *decides = NULL;
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        if (!applies(rule, own, question) || !prefix_set_contains(rule->remote, peer)) continue;
        if (engine == ENGINE_NFTABLES) return rule;
        if (outranks(rule, decides)) decides = rule;
    }
    return decides;
}
