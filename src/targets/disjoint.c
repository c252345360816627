/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/disjoint.h"

/* ---- Ports --------------------------------------------------------------------------------------
 */

static bool ports_meet(const struct rule *a, const struct rule *b, struct service_port *out)
{
    if (a->transport != b->transport) return false;
    for (size_t i = 0; i < a->n_ports; i++) {
        for (size_t j = 0; j < b->n_ports; j++) {
            uint16_t first =
                a->ports[i].first > b->ports[j].first ? a->ports[i].first : b->ports[j].first;
            uint16_t last =
                a->ports[i].last < b->ports[j].last ? a->ports[i].last : b->ports[j].last;
            if (first > last) continue;
            *out = (struct service_port){a->transport, first, last};
            return true;
        }
    }
    return false;
}

/* The ports of outer hold each port range of inner in one of theirs. */
static bool ports_cover(const struct rule *outer, const struct rule *inner)
{
    if (outer->transport != inner->transport) return false;
    for (size_t i = 0; i < inner->n_ports; i++) {
        bool covered = false;
        for (size_t j = 0; j < outer->n_ports && !covered; j++)
            covered = outer->ports[j].first <= inner->ports[i].first &&
                      inner->ports[i].last <= outer->ports[j].last;
        if (!covered) return false;
    }
    return true;
}

/* ---- Neighbours ---------------------------------------------------------------------------------
 * A class of many scopes has thousands of rules, each at local addresses of its own: only those
 * that share some are looked at. A sweep over the line finds them.
 */

struct pair {
    uint32_t first, second; /* numbers of rules, first < second */
};

struct pairs {
    struct pair *items; /* by second, then first; none twice */
    size_t n, room;
};

struct stretch {
    struct range range;
    uint32_t rule;
};

static int stretch_order(const void *left, const void *right)
{
    const struct stretch *a = left, *b = right;
    int order = addr_compare(a->range.first, b->range.first);
    return order ? order : (a->rule > b->rule) - (a->rule < b->rule);
}

static int pair_order(const void *left, const void *right)
{
    const struct pair *a = left, *b = right;
    if (a->second != b->second) return a->second < b->second ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

static bool may_meet(const struct rule *a, const struct rule *b)
{
    return a->direction == b->direction && a->transport == b->transport &&
           (a->profiles & b->profiles);
}

static size_t find_stretches(struct ruleset rules, unsigned actions, struct arena *arena,
                             struct stretch **out)
{
    size_t most = 0, n = 0;
    for (size_t i = 0; i < rules.n; i++)
        most += rules.rules[i].local.n;
    *out = arena_array(arena, struct stretch, most);
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        if (!rule->enabled || !(actions >> rule->action & 1u)) continue;
        for (size_t j = 0; j < rule->local.n; j++)
            (*out)[n++] = (struct stretch){rule->local.ranges[j], (uint32_t)i};
    }
    if (n) qsort(*out, n, sizeof **out, stretch_order);
    return n;
}

static struct pairs neighbours(struct ruleset rules, unsigned actions, struct arena *arena)
{
    struct pairs pairs = {0};
    struct stretch *stretches;
    size_t n = find_stretches(rules, actions, arena, &stretches), n_open = 0, kept = 0;
    struct stretch *open = arena_array(arena, struct stretch, n);
    for (size_t i = 0; i < n; i++) {
        struct stretch new = stretches[i];
        size_t still = 0;
        for (size_t k = 0; k < n_open; k++) {
            struct stretch old = open[k];
            if (addr_compare(old.range.last, new.range.first) < 0) continue;
            open[still++] = old;
            if (!may_meet(&rules.rules[old.rule], &rules.rules[new.rule])) continue;
            bool earlier = old.rule < new.rule;
            arena_grow(arena, pairs.items, pairs.n, pairs.room);
            pairs.items[pairs.n++] = (struct pair){
                earlier ? old.rule : new.rule,
                earlier ? new.rule : old.rule,
            };
        }
        open[still] = new;
        n_open = still + 1;
    }
    if (pairs.n) qsort(pairs.items, pairs.n, sizeof *pairs.items, pair_order);
    for (size_t i = 0; i < pairs.n; i++)
        if (!kept || pair_order(&pairs.items[kept - 1], &pairs.items[i]) != 0)
            pairs.items[kept++] = pairs.items[i];
    pairs.n = kept;
    return pairs;
}

/* ---- Cutting ------------------------------------------------------------------------------------
 */

struct rules_list {
    struct rule *items;
    size_t n, room;
};

static void add(struct rules_list *list, struct arena *arena, struct rule rule)
{
    if (!rule.profiles || !rule.local.n || !rule.remote.n) return;
    arena_grow(arena, list->items, list->n, list->room);
    list->items[list->n++] = rule;
}

/* The parts of a rule that the cover leaves over, added to rest. Ports are those of services, which
 * never overlap in part. */
static void subtract(struct rule rule, const struct rule *cover, struct arena *arena,
                     struct rules_list *rest)
{
    uint8_t shared = rule.profiles & cover->profiles;
    struct prefix_set local = prefix_set_intersect(arena, rule.local, cover->local);
    if (rule.direction != cover->direction || !shared || !local.n || !ports_cover(cover, &rule) ||
        !prefix_set_overlaps(rule.remote, cover->remote)) {
        add(rest, arena, rule);
        return;
    }
    struct rule other_profiles = rule, other_local = rule, other_remote = rule;
    other_profiles.profiles = rule.profiles & (uint8_t)~shared;
    add(rest, arena, other_profiles);
    other_local.profiles = shared;
    other_local.local = prefix_set_subtract(arena, rule.local, local);
    add(rest, arena, other_local);
    other_remote.profiles = shared;
    other_remote.local = local;
    other_remote.remote = prefix_set_subtract(arena, rule.remote, cover->remote);
    add(rest, arena, other_remote);
}

/* What is left of an allow after the pieces that were kept of the allows before it. */
static struct rules_list cut(const struct rule *rule, const struct pair *before, size_t n_before,
                             const struct rules_list *kept, const size_t *pieces_of,
                             struct arena *arena)
{
    struct rules_list pieces = {0};
    add(&pieces, arena, *rule);
    for (size_t i = 0; i < n_before; i++) {
        for (size_t j = pieces_of[before[i].first]; j < pieces_of[before[i].first + 1]; j++) {
            struct rules_list rest = {0};
            for (size_t k = 0; k < pieces.n; k++)
                subtract(pieces.items[k], &kept->items[j], arena, &rest);
            pieces = rest;
        }
    }
    return pieces;
}

struct ruleset disjoint_rules(struct ruleset rules, struct arena *arena)
{
    struct rules_list kept = {arena_array(arena, struct rule, rules.n), 0, rules.n};
    struct pairs pairs = neighbours(rules, DISJOINT_ALLOWS | 1u << ACTION_ALLOW_IF_SECURE, arena);
    /* Of rule i: kept.items[pieces_of[i]] up to pieces_of[i + 1]. */
    size_t *pieces_of = arena_array(arena, size_t, rules.n + 1);
    for (size_t i = 0, at = 0; i < rules.n; i++) {
        size_t first = at;
        while (at < pairs.n && pairs.items[at].second == i)
            at++;
        pieces_of[i] = kept.n;
        if (rules.rules[i].enabled && at == first) {
            add(&kept, arena, rules.rules[i]);
        } else if (rules.rules[i].enabled) {
            struct rules_list pieces =
                cut(&rules.rules[i], pairs.items + first, at - first, &kept, pieces_of, arena);
            for (size_t k = 0; k < pieces.n; k++) {
                if (pieces.n > 1)
                    pieces.items[k].id =
                        str_format(arena, "%.*s-part%zu", STR_ARG(pieces.items[k].id), k + 1);
                add(&kept, arena, pieces.items[k]);
            }
        }
        pieces_of[i + 1] = kept.n;
    }
    rules.rules = kept.items;
    rules.n = kept.n;
    return rules;
}

/* ---- Overlaps -----------------------------------------------------------------------------------
 */

static bool meets(const struct rule *a, const struct rule *b, struct arena *arena,
                  struct disjoint_overlap *out)
{
    uint8_t shared = a->profiles & b->profiles;
    if (a->direction != b->direction || !shared || !ports_meet(a, b, &out->port)) return false;
    struct prefix_set remote = prefix_set_intersect(arena, a->remote, b->remote);
    if (!remote.n) return false;
    struct prefix_set local = prefix_set_intersect(arena, a->local, b->local);
    if (!local.n) return false;
    unsigned profile = 0;
    while (!(shared >> profile & 1u))
        profile++;
    out->profile = (enum profile)profile;
    out->first = a;
    out->second = b;
    out->local = local.ranges[0].first;
    out->remote = remote.ranges[0].first;
    return true;
}

bool disjoint_find_overlap(struct ruleset rules, unsigned actions, struct arena scratch,
                           struct disjoint_overlap *out)
{
    struct pairs pairs = neighbours(rules, actions, &scratch);
    struct pair best = {0};
    bool found = false;
    for (size_t i = 0; i < pairs.n; i++) {
        struct arena pair = scratch;
        struct pair p = pairs.items[i];
        if (found && (p.first > best.first || (p.first == best.first && p.second > best.second)))
            continue;
        struct disjoint_overlap overlap;
        if (!meets(&rules.rules[p.first], &rules.rules[p.second], &pair, &overlap)) continue;
        found = true;
        best = p;
        *out = overlap;
    }
    return found;
}
