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

struct ruleset disjoint_rules(struct ruleset rules, struct arena *arena)
{
    struct rules_list kept = {0};
    for (size_t i = 0; i < rules.n; i++) {
        if (!rules.rules[i].enabled) continue;
        struct rules_list pieces = {0};
        add(&pieces, arena, rules.rules[i]);
        size_t n_before = rules.rules[i].action == ACTION_BLOCK ? 0 : kept.n;
        for (size_t j = 0; j < n_before && pieces.n; j++) {
            struct rules_list rest = {0};
            if (kept.items[j].action == ACTION_BLOCK) continue;
            for (size_t k = 0; k < pieces.n; k++)
                subtract(pieces.items[k], &kept.items[j], arena, &rest);
            pieces = rest;
        }
        for (size_t k = 0; k < pieces.n; k++) {
            if (pieces.n > 1)
                pieces.items[k].id =
                    str_format(arena, "%.*s-part%zu", STR_ARG(pieces.items[k].id), k + 1);
            add(&kept, arena, pieces.items[k]);
        }
    }
    return (struct ruleset){kept.items, kept.n};
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

bool disjoint_find_overlap(struct ruleset rules, struct arena scratch, struct disjoint_overlap *out)
{
    for (size_t i = 0; i < rules.n; i++) {
        for (size_t j = i + 1; j < rules.n; j++) {
            struct arena pair = scratch;
            const struct rule *a = &rules.rules[i], *b = &rules.rules[j];
            if (a->enabled && b->enabled && meets(a, b, &pair, out)) return true;
        }
    }
    return false;
}
