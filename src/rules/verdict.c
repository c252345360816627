/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/verdict.h"

#include "rules/atoms.h"

static bool has_port(const struct rule *rule, enum transport transport, uint16_t port)
{
    if (rule->transport != TRANSPORT_NONE && rule->transport != transport) return false;
    if (rule->ip_protocol) return false; /* of neither TCP nor UDP */
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

/* Rules that match but for the peer, in order. */
struct matching {
    const struct rule **rules;
    size_t n;
};

static void match(struct matching *m, struct ruleset rules, struct addr own,
                  const struct verdict_question *q, const struct verdict_around *around)
{
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        bool ignored = around && rule->store == RULE_STORE_LOCAL &&
                       (around->no_local_merge >> q->profile & 1u);
        if (!ignored && applies(rule, own, q)) m->rules[m->n++] = rule;
    }
}

static void decide(struct verdict_sets *sets, const struct rule *rule, struct prefix_set peers,
                   struct arena *arena)
{
    struct prefix_set *into = rule->action == ACTION_BLOCK ? &sets->blocks : &sets->passes;
    if (!prefix_set_is_empty(peers)) *into = prefix_set_union(arena, *into, peers);
}

/* First match: what an earlier rule decided stays decided. */
static struct verdict_sets first_match(const struct rule *const *rules, size_t n,
                                       struct arena *arena)
{
    struct verdict_sets sets = {0};
    for (size_t i = 0; i < n; i++) {
        struct prefix_set decided = prefix_set_union(arena, sets.passes, sets.blocks);
        decide(&sets, rules[i], prefix_set_subtract(arena, rules[i]->remote, decided), arena);
    }
    return sets;
}

/* Each base chain has its say; one that drops is enough. */
static struct verdict_sets by_chain(const struct matching *m, struct arena *arena)
{
    struct verdict_sets all = {0};
    for (size_t first = 0, n; first < m->n; first += n) {
        for (n = 1; first + n < m->n && m->rules[first + n]->chain == m->rules[first]->chain;)
            n++;
        struct verdict_sets one = first_match(m->rules + first, n, arena);
        all.passes = prefix_set_union(arena, all.passes, one.passes);
        all.blocks = prefix_set_union(arena, all.blocks, one.blocks);
    }
    all.passes = prefix_set_subtract(arena, all.passes, all.blocks);
    return all;
}

/* From the last rule to the first, but a quick one that comes earlier has spoken before. */
static struct verdict_sets last_match(const struct matching *m, struct arena *arena)
{
    struct verdict_sets sets = {0};
    const struct rule **order = arena_array(arena, const struct rule *, m->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        if (m->rules[i]->quick) order[n++] = m->rules[i];
    for (size_t i = m->n; i > 0; i--)
        if (!m->rules[i - 1]->quick) order[n++] = m->rules[i - 1];
    sets = first_match(order, n, arena);
    return sets;
}

/* What does not override blocks is worth no more than an allow. */
static enum action rank_of(const struct rule *rule)
{
    return rule->yields ? ACTION_ALLOW : rule->action;
}

static struct verdict_sets by_rank(const struct matching *m, struct arena *arena)
{
    struct prefix_set named[ACTION_BLOCK + 1] = {{0}};
    for (size_t i = 0; i < m->n; i++) {
        struct prefix_set *of = &named[rank_of(m->rules[i])];
        *of = of->n ? prefix_set_union(arena, *of, m->rules[i]->remote) : m->rules[i]->remote;
    }
    struct prefix_set bypass = named[ACTION_ALLOW_IF_SECURE];
    struct prefix_set blocks = prefix_set_subtract(arena, named[ACTION_BLOCK], bypass);
    struct prefix_set allow = prefix_set_subtract(arena, named[ACTION_ALLOW], blocks);
    return (struct verdict_sets){prefix_set_union(arena, bypass, allow), blocks};
}

/* What is left over goes where the engine, or the profile, sends it. */
static void decide_rest(struct verdict_sets *sets, enum rule_verdict otherwise, struct arena *arena)
{
    struct prefix_set everyone = {&addr_all, 1};
    struct prefix_set decided = prefix_set_union(arena, sets->passes, sets->blocks);
    struct prefix_set rest = prefix_set_subtract(arena, everyone, decided);
    if (otherwise == RULE_PASSES) sets->passes = prefix_set_union(arena, sets->passes, rest);
    if (otherwise == RULE_BLOCKS) sets->blocks = prefix_set_union(arena, sets->blocks, rest);
}

struct verdict_sets verdict_at(struct ruleset rules, enum engine engine, struct addr own,
                               const struct verdict_question *question,
                               const struct verdict_around *around, struct arena *arena,
                               struct arena scratch)
{
    struct verdict_sets sets = {0};
    size_t n_existing = around ? around->existing.n : 0;
    struct matching m = {arena_array(&scratch, const struct rule *, rules.n + n_existing + 1), 0};
    match(&m, rules, own, question, around);
    if (around) match(&m, around->existing, own, question, around);
    switch (engine) {
    case ENGINE_WINDOWS:
        sets = by_rank(&m, &scratch);
        if (around)
            decide_rest(&sets, around->otherwise[question->profile][question->direction], &scratch);
        break;
    case ENGINE_NFTABLES:
        sets = by_chain(&m, &scratch);
        break;
    case ENGINE_ACL:
        sets = first_match(m.rules, m.n, &scratch);
        decide_rest(&sets, RULE_BLOCKS, &scratch);
        break;
    case ENGINE_PF:
        sets = last_match(&m, &scratch);
        decide_rest(&sets, RULE_PASSES, &scratch);
        break;
    }
    /* Sets of scratch, or of the rules, become the caller's. */
    return (struct verdict_sets){prefix_set_of(arena, sets.passes.ranges, sets.passes.n),
                                 prefix_set_of(arena, sets.blocks.ranges, sets.blocks.n)};
}

/* Conditions that no traffic of the system itself meets. */
static bool of_others(str only_if)
{
    static const str words[] = {
        {"service", 7},
        {"package", 7},
        {"owner",   5}
    };
    str part;
    while (only_if.len) {
        (void)str_cut(only_if, ';', &part, &only_if);
        for (size_t i = 0; i < COUNT_OF(words); i++)
            if (str_starts(str_trim(part), words[i])) return true;
    }
    return false;
}

struct ruleset verdict_existing(const struct verdict_around *around, enum engine engine,
                                struct arena *arena)
{
    struct rule *kept = arena_array(arena, struct rule, around->existing.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < around->existing.n; i++) {
        struct rule rule = around->existing.rules[i];
        bool of_system = !rule.program.len || str_equal_nocase(rule.program, S("System"));
        /* A block beats it, and what is left over is not asked about. */
        if (rule.yields) rule.action = ACTION_ALLOW;
        if (engine == ENGINE_WINDOWS && rule.store == RULE_STORE_LOCAL)
            rule.profiles = (uint8_t)(rule.profiles & ~around->no_local_merge);
        if (rule.enabled && rule.profiles && of_system && !of_others(rule.only_if))
            kept[n++] = rule;
    }
    return (struct ruleset){.rules = kept, .n = n};
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
    return !b || rank[rank_of(a)] > rank[rank_of(b)];
}

/* Whether this match takes the place of the one found so far. */
static bool takes_over(enum engine engine, const struct rule *rule, const struct rule *found)
{
    switch (engine) {
    case ENGINE_WINDOWS:
        return outranks(rule, found);
    case ENGINE_NFTABLES:
        /* A later chain may still drop what this one accepted. */
        return !found || (found->action != ACTION_BLOCK && found->chain != rule->chain &&
                          rule->action == ACTION_BLOCK);
    case ENGINE_PF:
        return !found || !found->quick;
    case ENGINE_ACL:
        break;
    }
    return !found;
}

const struct rule *verdict_rule(struct ruleset rules, enum engine engine, struct addr own,
                                struct addr peer, const struct verdict_question *question)
{
    const struct rule *found = NULL, *last = NULL;
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        if (!applies(rule, own, question) || !prefix_set_contains(rule->remote, peer)) continue;
        /* The first match of a chain hides the rest of it. */
        bool hidden = engine == ENGINE_NFTABLES && last && last->chain == rule->chain;
        if (!hidden && takes_over(engine, rule, found)) found = rule;
        if (!hidden) last = rule;
    }
    return found;
}
