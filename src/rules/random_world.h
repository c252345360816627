/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: random resolved policies over a small world of address blocks (both families,
 * link-local, loopback, multicast, internet), and a reading of DESIGN.md 4 that evaluates one
 * question straight from them, entry by entry, without atoms or rows. */
#pragma once

#include "base/hash.h"
#include "rules/decision.h"

struct random_world {
    struct arena *arena;
    uint64_t seed;
    struct policy policy;
    struct resolved resolved;
};

enum {
    WORLD_SEGMENTS = 4,
    WORLD_GROUPS = 3,
    WORLD_ENTRIES = 5,
    WORLD_PERIMETER = 2,
    WORLD_BLOCKS = 11
};

static inline uint64_t world_random(struct random_world *w, uint64_t below)
{
    w->seed = hash_u64(w->seed);
    return w->seed % below;
}

static inline struct range world_block(struct random_world *w, size_t i)
{
    static const char *const blocks[WORLD_BLOCKS] = {
        "10.0.0.0/29",    "10.0.1.0/29",    "10.0.2.0/30", "100.64.0.0/28",
        "8.8.8.0/29",     "2001:db8::/125", "fd00::/125",  "2a00::/64",
        "169.254.0.0/16", "fe80::/10",      "224.0.0.0/4",
    };
    struct prefix p = {0};
    (void)w;
    if (!prefix_parse(str_of(blocks[i]), &p)) abort();
    return prefix_range(p);
}

/* An address of a block, near its ends, where rules meet. */
static inline struct addr world_addr(struct random_world *w)
{
    struct range block = world_block(w, world_random(w, WORLD_BLOCKS));
    struct addr a = world_random(w, 4) ? block.first : block.last;
    bool up = addr_equal(a, block.first);
    for (uint64_t steps = world_random(w, 8); steps && addr_compare(a, block.last) <= 0; steps--)
        a = up ? addr_next(a) : addr_previous(a);
    return a;
}

static inline struct prefix_set world_set(struct random_world *w, uint64_t most)
{
    struct range ranges[6];
    size_t n = (size_t)world_random(w, most + 1);
    for (size_t i = 0; i < n; i++) {
        if (world_random(w, 3) == 0) {
            ranges[i] = world_block(w, world_random(w, WORLD_BLOCKS));
            continue;
        }
        struct addr a = world_addr(w), b = world_random(w, 2) ? a : world_addr(w);
        bool ordered = addr_compare(a, b) <= 0;
        ranges[i] = ordered ? (struct range){a, b} : (struct range){b, a};
    }
    return prefix_set_of(w->arena, ranges, n);
}

static inline struct prefix_set world_prefixes(struct random_world *w, const char *const *texts,
                                               size_t n)
{
    struct range ranges[16];
    for (size_t i = 0; i < n; i++) {
        struct prefix p = {0};
        if (!prefix_parse(str_of(texts[i]), &p)) abort();
        ranges[i] = prefix_range(p);
    }
    return prefix_set_of(w->arena, ranges, n);
}

static inline int world_lived_order(const void *left, const void *right)
{
    const struct lived_range *a = left, *b = right;
    return addr_compare(a->range.first, b->range.first);
}

static inline void world_lived(struct random_world *w)
{
    struct places *p = &w->resolved.places;
    struct lived_range *lived = NULL;
    size_t n = 0, room = 0;
    for (size_t i = 0; i < w->policy.n_segments; i++)
        for (size_t j = 0; j < p->segments[i].n; j++) {
            arena_grow(w->arena, lived, n, room);
            lived[n++] = (struct lived_range){p->segments[i].ranges[j], i};
        }
    if (n) qsort(lived, n, sizeof *lived, world_lived_order);
    p->lived = lived;
    p->n_lived = n;
}

static inline void world_places(struct random_world *w)
{
    static const char *const local[] = {"127.0.0.0/8",     "::1",         "169.254.0.0/16",
                                        "fe80::/10",       "224.0.0.0/4", "ff00::/8",
                                        "255.255.255.255", "0.0.0.0",     "::"};
    static const char *const private[] = {"10.0.0.0/8",    "172.16.0.0/12", "192.168.0.0/16",
                                          "100.64.0.0/10", "fc00::/7",      "64:ff9b::/96"};
    struct places *p = &w->resolved.places;
    struct prefix_set all = prefix_set_of(w->arena, &addr_all, 1);
    struct segment *segments = arena_array(w->arena, struct segment, WORLD_SEGMENTS);
    struct prefix_set *sets = arena_array(w->arena, struct prefix_set, WORLD_SEGMENTS);
    p->local = world_prefixes(w, local, COUNT_OF(local));
    struct prefix_set taken = p->local;
    w->policy.n_segments = 1 + (size_t)world_random(w, WORLD_SEGMENTS);
    for (size_t i = 0; i < w->policy.n_segments; i++) {
        sets[i] = prefix_set_subtract(w->arena, world_set(w, 4), taken);
        taken = prefix_set_union(w->arena, taken, sets[i]);
        segments[i].name = str_format(w->arena, "seg%zu", i);
        segments[i].trust = world_random(w, 4) ? TRUST_MANAGED : TRUST_UNTRUSTED;
        segments[i].border_enforced = world_random(w, 3) == 0;
        if (segments[i].trust == TRUST_MANAGED)
            w->resolved.managed = prefix_set_union(w->arena, w->resolved.managed, sets[i]);
    }
    p->unknown =
        prefix_set_subtract(w->arena, world_prefixes(w, private, COUNT_OF(private)), taken);
    taken = prefix_set_union(w->arena, taken, p->unknown);
    p->internet = prefix_set_subtract(w->arena, all, taken);
    p->segments = sets;
    w->policy.segments = segments;
    world_lived(w);
}

static inline void world_groups(struct random_world *w)
{
    static const enum role roles[] = {ROLE_NONE, ROLE_FILE_SERVER, ROLE_CLUSTER, ROLE_MANAGEMENT};
    struct group *groups = arena_array(w->arena, struct group, WORLD_GROUPS);
    struct prefix_set *sets = arena_array(w->arena, struct prefix_set, WORLD_GROUPS);
    w->policy.n_groups = (size_t)world_random(w, WORLD_GROUPS + 1);
    for (size_t i = 0; i < w->policy.n_groups; i++) {
        sets[i] = world_set(w, 2);
        groups[i].name = str_format(w->arena, "group%zu", i);
        groups[i].role = roles[world_random(w, COUNT_OF(roles))];
        groups[i].managed = world_random(w, 4) != 0;
        if (!groups[i].managed)
            w->resolved.unmanaged_members =
                prefix_set_union(w->arena, w->resolved.unmanaged_members, sets[i]);
    }
    w->policy.groups = groups;
    w->resolved.groups = sets;
    w->resolved.groups_unknown = arena_array(w->arena, str, WORLD_GROUPS); /* all are known */
    w->resolved.enforcing =
        prefix_set_subtract(w->arena, w->resolved.managed, w->resolved.unmanaged_members);
}

static inline void world_modes(struct random_world *w)
{
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct prefix_set rest = w->resolved.enforcing;
        for (size_t m = MODE_BLOCK_INBOUND; m <= MODE_OFF; m++) {
            struct prefix_set some =
                prefix_set_intersect(w->arena, world_random(w, 2) ? rest : world_set(w, 2), rest);
            if (world_random(w, 2)) continue;
            w->resolved.modes[p][m] = some;
            rest = prefix_set_subtract(w->arena, rest, some);
        }
        w->resolved.modes[p][MODE_ENFORCE] = rest;
    }
}

static inline const size_t *world_services(struct random_world *w, size_t *n)
{
    size_t *services = arena_array(w->arena, size_t, w->policy.services.n);
    *n = 0;
    for (size_t i = 0; i < w->policy.services.n; i++)
        if (w->policy.governed[i] && world_random(w, 3)) services[(*n)++] = i;
    return services;
}

static inline struct prefix_set world_end(struct random_world *w, bool *internet)
{
    struct prefix_set set = world_set(w, 4);
    *internet = world_random(w, 5) == 0;
    if (*internet) set = prefix_set_union(w->arena, set, w->resolved.places.internet);
    if (world_random(w, 4) == 0) set = prefix_set_union(w->arena, set, w->resolved.managed);
    return set;
}

static inline void world_entries(struct random_world *w, bool secure)
{
    struct entry *entries = arena_array(w->arena, struct entry, WORLD_ENTRIES);
    struct resolved_entry *resolved = arena_array(w->arena, struct resolved_entry, WORLD_ENTRIES);
    size_t n = (size_t)world_random(w, WORLD_ENTRIES + 1);
    for (size_t i = 0; i < n; i++) {
        struct resolved_entry *e = &resolved[i];
        entries[i].name = str_format(w->arena, "entry%zu", i);
        entries[i].place = (struct place){(uint32_t)(10 + i), 3};
        entries[i].services = world_services(w, &entries[i].n_services);
        e->entry = &entries[i];
        e->from = world_end(w, &e->from_internet);
        e->to = world_end(w, &e->to_internet);
        if (world_random(w, 3) == 0) e->except_from = world_set(w, 2);
        if (world_random(w, 3) == 0) e->except_to = world_set(w, 2);
        e->secure = secure && world_random(w, 3) == 0 ? SECURE_KERBEROS : SECURE_NONE;
    }
    w->resolved.entries = resolved;
    w->resolved.n_entries = n;
}

static inline void world_perimeter(struct random_world *w)
{
    struct perimeter_entry *entries =
        arena_array(w->arena, struct perimeter_entry, WORLD_PERIMETER);
    struct resolved_perimeter *resolved =
        arena_array(w->arena, struct resolved_perimeter, WORLD_PERIMETER);
    w->policy.has_perimeter = world_random(w, 2);
    size_t n = w->policy.has_perimeter ? (size_t)world_random(w, WORLD_PERIMETER + 1) : 0;
    for (size_t i = 0; i < n; i++) {
        struct resolved_perimeter *e = &resolved[i];
        struct prefix_set inner = world_set(w, 4);
        struct prefix_set edge = prefix_set_intersect(
            w->arena, world_random(w, 2) ? w->resolved.places.internet : world_set(w, 4),
            w->resolved.places.internet);
        entries[i].place = (struct place){(uint32_t)(30 + i), 3};
        entries[i].services = world_services(w, &entries[i].n_services);
        e->entry = &entries[i];
        e->direction = world_random(w, 2) ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
        e->from = e->direction == DIRECTION_OUTBOUND ? inner : edge;
        e->to = e->direction == DIRECTION_OUTBOUND ? edge : inner;
    }
    w->resolved.perimeter = resolved;
    w->resolved.n_perimeter = n;
}

static inline void world_borders(struct random_world *w)
{
    struct border *borders = arena_array(w->arena, struct border, WORLD_SEGMENTS + 1);
    struct prefix_set all = prefix_set_of(w->arena, &addr_all, 1);
    size_t n = 0;
    for (size_t i = 0; i < w->policy.n_segments; i++)
        if (w->policy.segments[i].border_enforced)
            borders[n++] =
                (struct border){w->policy.segments[i].name, w->resolved.places.segments[i]};
    if (w->policy.has_perimeter)
        borders[n++] = (struct border){
            S("internet"), prefix_set_subtract(w->arena, all, w->resolved.places.internet)};
    w->resolved.borders = borders;
    w->resolved.n_borders = n;
}

static inline void world_machines(struct random_world *w)
{
    struct machine *machines = arena_array(w->arena, struct machine, 2);
    size_t n = (size_t)world_random(w, 3);
    for (size_t i = 0; i < n; i++) {
        struct addr *addrs = arena_array(w->arena, struct addr, 3);
        machines[i] = (struct machine){str_format(w->arena, "HOST%zu", i), addrs, 2 + i};
        for (size_t j = 0; j < machines[i].n_addrs; j++)
            addrs[j] = world_addr(w);
    }
    w->resolved.machines = machines;
    w->resolved.n_machines = n;
}

/* Some ends of entries name a group whose members nobody knows. */
static inline void world_unknown(struct random_world *w)
{
    struct resolved_entry *entries =
        arena_array(w->arena, struct resolved_entry, w->resolved.n_entries);
    for (size_t i = 0; i < w->resolved.n_entries; i++) {
        entries[i] = w->resolved.entries[i];
        str *marks[] = {&entries[i].from_unknown, &entries[i].to_unknown,
                        &entries[i].except_from_unknown, &entries[i].except_to_unknown};
        for (size_t j = 0; j < COUNT_OF(marks); j++)
            if (world_random(w, 4) == 0) *marks[j] = S("group SMB Admins");
    }
    w->resolved.entries = entries;
}

/* The same where they are members of all that allows and of no `except`; or the other way round. */
static inline struct resolved world_reading(struct random_world *w, bool most)
{
    struct resolved r = w->resolved;
    struct prefix_set anyone = prefix_set_of(w->arena, &addr_all, 1), none = {0};
    struct resolved_entry *entries = arena_array(w->arena, struct resolved_entry, r.n_entries);
    anyone = prefix_set_subtract(w->arena, anyone, r.places.local);
    anyone = prefix_set_subtract(w->arena, anyone, r.places.internet);
    for (size_t i = 0; i < r.n_entries; i++) {
        struct resolved_entry *e = &entries[i];
        *e = r.entries[i];
        bool from = e->from_unknown.len, to = e->to_unknown.len;
        bool except_from = e->except_from_unknown.len, except_to = e->except_to_unknown.len;
        e->from = prefix_set_union(w->arena, e->from, from && most ? anyone : none);
        e->to = prefix_set_union(w->arena, e->to, to && most ? anyone : none);
        e->except_from =
            prefix_set_union(w->arena, e->except_from, except_from && !most ? anyone : none);
        e->except_to = prefix_set_union(w->arena, e->except_to, except_to && !most ? anyone : none);
    }
    r.entries = entries;
    return r;
}

/* Whom secured entries authorise, and who is a domain controller. Every third world has one set of
 * computers, as most policies do. */
static inline void world_security(struct random_world *w)
{
    static const char *const sets[] = {
        "S-1-5-21-1-2-3-515 S-1-5-21-1-2-3-516 S-1-5-21-1-2-3-521",
        "S-1-5-21-1-2-3-1101",
        "S-1-5-21-1-2-3-1101 S-1-5-21-1-2-3-515",
    };
    struct resolved_entry *entries =
        arena_array(w->arena, struct resolved_entry, w->resolved.n_entries + 1);
    uint64_t most = world_random(w, COUNT_OF(sets)) ? COUNT_OF(sets) : 1;
    for (size_t i = 0; i < w->resolved.n_entries; i++) {
        entries[i] = w->resolved.entries[i];
        if (entries[i].secure == SECURE_NONE) continue;
        entries[i].principals = str_of(sets[world_random(w, most)]);
    }
    w->resolved.entries = entries;
    if (world_random(w, 2)) w->resolved.controllers = world_set(w, 1);
}

/* secure: with allow-if-secure entries. The seed decides everything else. */
static inline struct random_world *world_make(struct arena *arena, uint64_t seed, bool secure)
{
    struct random_world *w = arena_new(arena, struct random_world);
    w->arena = arena;
    w->seed = hash_u64(seed);
    w->policy.source = S("policy.yaml");
    w->policy.services = service_builtin;
    bool *governed = arena_array(arena, bool, service_builtin.n);
    governed[0] = true;
    governed[1] = world_random(w, 2);
    governed[6] = world_random(w, 3) == 0;
    w->policy.governed = governed;
    w->resolved.policy = &w->policy;
    world_places(w);
    world_groups(w);
    world_modes(w);
    world_entries(w, secure);
    world_perimeter(w);
    world_borders(w);
    world_machines(w);
    world_security(w);
    return w;
}

/* ---- One question, from the text of DESIGN.md 4 -------------------------------------------------
 */

static inline bool linear_same_machine(const struct resolved *r, struct addr a, struct addr b)
{
    if (addr_equal(a, b)) return true;
    for (size_t i = 0; i < r->n_machines; i++) {
        bool has_a = false, has_b = false;
        for (size_t j = 0; j < r->machines[i].n_addrs; j++) {
            has_a = has_a || addr_equal(r->machines[i].addrs[j], a);
            has_b = has_b || addr_equal(r->machines[i].addrs[j], b);
        }
        if (has_a && has_b) return true;
    }
    return false;
}

static inline bool linear_lists(const size_t *services, size_t n, int service)
{
    for (size_t i = 0; i < n; i++)
        if ((int)services[i] == service) return true;
    return false;
}

static inline enum intent linear_intent(const struct resolved *r, struct addr client,
                                        struct addr server, int service)
{
    bool client_out = prefix_set_contains(r->places.internet, client);
    bool server_out = prefix_set_contains(r->places.internet, server);
    enum intent intent = INTENT_BLOCK;
    for (size_t i = 0; i < r->n_perimeter; i++) {
        const struct resolved_perimeter *e = &r->perimeter[i];
        bool outbound = e->direction == DIRECTION_OUTBOUND;
        if (outbound ? (client_out || !server_out) : (!client_out || server_out)) continue;
        if (linear_lists(e->entry->services, e->entry->n_services, service) &&
            prefix_set_contains(e->from, client) && prefix_set_contains(e->to, server))
            return INTENT_ALLOW;
    }
    for (size_t i = 0; i < r->n_entries; i++) {
        const struct resolved_entry *e = &r->entries[i];
        if (!linear_lists(e->entry->services, e->entry->n_services, service)) continue;
        if (!prefix_set_contains(e->from, client) || !prefix_set_contains(e->to, server)) continue;
        if (prefix_set_contains(e->except_from, client)) continue;
        if (prefix_set_contains(e->except_to, server)) continue;
        if ((client_out && !e->from_internet) || (server_out && !e->to_internet)) continue;
        if (e->secure == SECURE_NONE) return INTENT_ALLOW;
        intent = INTENT_ALLOW_IF_SECURE;
    }
    return intent;
}

static inline bool linear_end_passes(const struct resolved *r, struct addr a, enum profile profile,
                                     bool inbound, enum intent intent, bool secured)
{
    if (!prefix_set_contains(r->enforcing, a)) return true;
    if (prefix_set_contains(r->modes[profile][MODE_OFF], a)) return true;
    if (prefix_set_contains(r->modes[profile][MODE_BLOCK_ALL], a)) return false;
    if (inbound && prefix_set_contains(r->modes[profile][MODE_BLOCK_INBOUND], a)) return false;
    return intent == INTENT_ALLOW || (secured && intent == INTENT_ALLOW_IF_SECURE);
}

/* Fills intent, passes and passes_secured. */
static inline struct flow_answer linear_ask(const struct resolved *r, const struct flow_question *q)
{
    struct flow_answer answer = {.passes = true, .passes_secured = true};
    int service = q->service != SERVICE_NONE
                      ? q->service
                      : service_by_port(r->policy->services, q->transport, q->port);
    enum profile profile = q->profile == PROFILE_UNKNOWN ? PROFILE_DOMAIN : q->profile;
    answer.service = service;
    answer.intent = INTENT_LOCAL;
    if (prefix_set_contains(r->places.local, q->client)) return answer;
    if (prefix_set_contains(r->places.local, q->server)) return answer;
    if (linear_same_machine(r, q->client, q->server)) return answer;
    answer.intent = INTENT_UNGOVERNED;
    if (service == SERVICE_NONE || !r->policy->governed[service]) return answer;
    answer.intent = linear_intent(r, q->client, q->server, service);
    bool crosses = false;
    for (size_t i = 0; i < r->n_borders; i++)
        crosses = crosses || prefix_set_contains(r->borders[i].inside, q->client) !=
                                 prefix_set_contains(r->borders[i].inside, q->server);
    for (int secured = 0; secured < 2; secured++) {
        bool client_deployed = !q->deployed || prefix_set_contains(*q->deployed, q->client);
        bool server_deployed = !q->deployed || prefix_set_contains(*q->deployed, q->server);
        bool passes = (!client_deployed ||
                       linear_end_passes(r, q->client, profile, false, answer.intent, secured)) &&
                      (!server_deployed ||
                       linear_end_passes(r, q->server, profile, true, answer.intent, secured)) &&
                      !(crosses && answer.intent == INTENT_BLOCK);
        if (secured)
            answer.passes_secured = passes;
        else
            answer.passes = passes;
    }
    return answer;
}
