/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: hand-made and random bundles, without a policy behind them, and what rules say of one
 * point, by a plain walk over them.
 */
#pragma once

#include "base/hash.h"
#include "rules/universe.h"
#include "targets/target.h"

static inline uint64_t bundles_random(uint64_t *seed, uint64_t below)
{
    *seed = hash_u64(*seed + 1);
    return *seed % below;
}

/* A few ranges of both families, often of lengths that are no prefix, some at the edges of what is
 * a peer. */
static inline struct prefix_set bundles_set(uint64_t *seed, struct prefix_set within,
                                            struct arena *arena)
{
    static const char *const blocks[] = {
        "10.0.0.0/28",        "10.0.1.0/28",    "192.168.0.0/24", "0.0.0.0/8",   "223.255.255.0/24",
        "126.255.255.240/28", "2001:db8::/124", "fd00::/120",     "::/120",      "fe80::/124",
        "128.0.0.0/29",       "10.128.0.0/9",   "2001:db8::/32",  "255.0.0.0/8",
    };
    struct range ranges[8];
    size_t n = (size_t)bundles_random(seed, COUNT_OF(ranges));
    for (size_t i = 0; i < n; i++) {
        struct prefix p = {0};
        if (!prefix_parse(str_of(blocks[bundles_random(seed, COUNT_OF(blocks))]), &p)) abort();
        struct range r = prefix_range(p);
        uint64_t cut = bundles_random(seed, 4);
        for (uint64_t k = bundles_random(seed, 7); k && cut & 1; k--)
            r.first = addr_next(r.first);
        for (uint64_t k = bundles_random(seed, 7); k && cut & 2; k--)
            if (addr_compare(r.first, r.last) < 0) r.last = addr_previous(r.last);
        ranges[i] = r;
    }
    return prefix_set_intersect(arena, prefix_set_of(arena, ranges, n), within);
}

struct rules_made {
    struct rule *items;
    size_t n, room;
};

static inline void bundles_add(struct rules_made *list, struct arena *arena, struct rule rule)
{
    if (!rule.local.n || !rule.remote.n) return;
    rule.id = str_format(arena, "sallyport-contoso-%zu", list->n);
    rule.name = S("it's \"quoted\" | `$x` \xe2\x80\x99 \n# and a line");
    rule.why = S("policy.yaml:14 caf\xc3\xa9's \\\nRemove-NetFirewallRule\r\nx");
    rule.enabled = true;
    arena_grow(arena, list->items, list->n, list->room);
    list->items[list->n++] = rule;
}

/* The allow rules and the block of one service in one direction at these local addresses. */
static inline void bundles_service(struct rules_made *list, uint64_t *seed, struct rule rule,
                                   struct prefix_set peers, struct arena *arena)
{
    struct prefix_set approved = {0};
    for (uint64_t k = bundles_random(seed, 3); k; k--) {
        rule.action = ACTION_ALLOW;
        rule.remote = bundles_set(seed, peers, arena);
        approved = prefix_set_union(arena, approved, rule.remote);
        bundles_add(list, arena, rule);
    }
    rule.action = ACTION_BLOCK;
    rule.logs = true;
    rule.remote = prefix_set_subtract(arena, peers, approved);
    bundles_add(list, arena, rule);
}

/* inside: of a border; empty for a host. */
static inline struct ruleset bundles_rules(uint64_t *seed, struct prefix_set peers,
                                           struct prefix_set inside, uint8_t profiles,
                                           struct arena *arena)
{
    static struct service_port smb[] = {
        {TRANSPORT_TCP, 445, 445}
    };
    static struct service_port names[] = {
        {TRANSPORT_UDP, 137,  137 },
        {TRANSPORT_UDP, 5000, 5010}
    };
    static const struct rule services[] = {
        {.transport = TRANSPORT_TCP, .ports = smb,   .n_ports = COUNT_OF(smb)  },
        {.transport = TRANSPORT_UDP, .ports = names, .n_ports = COUNT_OF(names)},
    };
    struct rules_made list = {0};
    struct prefix_set all = {&addr_all, 1};
    for (size_t s = 0; s < COUNT_OF(services); s++) {
        for (unsigned d = 0; d < 2; d++) {
            struct rule rule = services[s];
            struct prefix_set whole = inside.n ? inside : all;
            struct prefix_set some = bundles_set(seed, whole, arena);
            struct prefix_set remote = peers;
            if (inside.n) {
                /* No router forwards link-local addresses. */
                remote = prefix_set_subtract(arena, remote, inside);
                remote = prefix_set_subtract(arena, remote, decision_link_local);
            }
            rule.direction = d ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
            rule.profiles = profiles;
            bool split = some.n && bundles_random(seed, 3) == 0;
            if (split) {
                rule.local = some;
                bundles_service(&list, seed, rule, remote, arena);
            }
            rule.local = split ? prefix_set_subtract(arena, whole, some) : whole;
            bundles_service(&list, seed, rule, remote, arena);
        }
    }
    return (struct ruleset){.rules = list.items, .n = list.n};
}

enum bundles_verdict { BUNDLES_UNTOUCHED, BUNDLES_ALLOWED, BUNDLES_BLOCKED };

struct bundles_point {
    enum direction direction;
    enum profile profile;
    enum transport transport;
    uint16_t port;
    struct addr local, remote;
    bool secured; /* both ends have authenticated */
};

static inline bool bundles_matches(const struct rule *rule, const struct bundles_point *point)
{
    bool port = false;
    for (size_t i = 0; i < rule->n_ports; i++)
        port |= rule->ports[i].first <= point->port && point->port <= rule->ports[i].last;
    return rule->enabled && port && rule->direction == point->direction &&
           rule->transport == point->transport && (rule->profiles >> point->profile & 1u) &&
           prefix_set_contains(rule->local, point->local) &&
           prefix_set_contains(rule->remote, point->remote);
}

static inline enum bundles_verdict bundles_ask(struct ruleset rules, enum engine engine,
                                               const struct bundles_point *point)
{
    bool allowed = false, blocked = false;
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        if (!bundles_matches(rule, point)) continue;
        /* An override: it beats every block, and is nothing for whoever did not authenticate. */
        if (rule->action == ACTION_ALLOW_IF_SECURE && point->secured) return BUNDLES_ALLOWED;
        if (rule->action == ACTION_ALLOW_IF_SECURE) continue;
        bool blocks = rule->action == ACTION_BLOCK;
        if (engine != ENGINE_WINDOWS) /* of pf: all of ours are quick */
            return blocks ? BUNDLES_BLOCKED : BUNDLES_ALLOWED;
        blocked |= blocks;
        allowed |= !blocks;
    }
    if (blocked) return BUNDLES_BLOCKED;
    return allowed ? BUNDLES_ALLOWED : BUNDLES_UNTOUCHED;
}

/* Every end of a range of either ruleset, and its neighbours. */
static inline struct addr *bundles_edges(struct ruleset rules, bool local, struct arena *arena,
                                         size_t *n)
{
    struct addr *edges = NULL;
    size_t room = 0;
    *n = 0;
    for (size_t i = 0; i < rules.n; i++) {
        struct prefix_set set = local ? rules.rules[i].local : rules.rules[i].remote;
        for (size_t j = 0; j < set.n; j++) {
            struct range r = set.ranges[j];
            struct addr around[4] = {r.first, r.last, r.first, r.last};
            if (addr_compare(r.first, addr_all.first) > 0) around[2] = addr_previous(r.first);
            if (addr_compare(r.last, addr_all.last) < 0) around[3] = addr_next(r.last);
            for (size_t k = 0; k < COUNT_OF(around); k++) {
                arena_grow(arena, edges, *n, room);
                edges[(*n)++] = around[k];
            }
        }
    }
    return edges;
}
