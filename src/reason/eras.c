/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/eras.h"

#include "base/map.h"

/* A host that groups of the policy name, perhaps by several names. */
struct named_host {
    const struct host *host;
    str name; /* one of them */
};

/* Whose an address is: index of a named host, or NOBODY that the policy names. */
enum { NOBODY = UINT32_MAX };

struct claim {
    struct addr addr;
    uint32_t owner;
};

/* What differs from now in one era. */
struct layer {
    struct map owners; /* address bytes → owner */
};

struct sorting {
    const struct resolved *resolved;
    const struct replay *replay;
    const struct host_list *hosts;
    const struct host_lookup *lookup;
    struct hosts_index *index;
    struct named_host *named;
    size_t n_named;
    uint32_t *owner_of; /* per host of the list: index of the named host, or NOBODY */
    struct claim *now;  /* sorted by address; of several owners the first is kept */
    size_t n_now;
    bool *is_relevant; /* per end: some named host held it once, or does now */
    struct layer layers[LIMIT_ERAS];
    size_t n_layers; /* [0] is now and stays empty */
    struct arena *arena, *scratch;
};

static str key_of(uint8_t octets[16], struct addr a)
{
    addr_to_bytes(a, octets);
    return (str){(const char *)octets, 16};
}

/* ---- Who is named -------------------------------------------------------------------------------
 */

static uint32_t owner_of(const struct sorting *s, const struct host *host)
{
    return s->owner_of[host - s->hosts->hosts];
}

static int claim_order(const void *left, const void *right)
{
    const struct claim *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    return order ? order : (a->owner > b->owner) - (a->owner < b->owner);
}

/* Computers of a group of the directory are hosts by name, as in policy/resolve. */
static bool is_of_hosts(const struct member *member, const struct host_lookup *lookup)
{
    if (member->kind == MEMBER_AD_GROUP) return lookup->ad_computers != NULL;
    return member->kind == MEMBER_NAME;
}

static bool names_hosts(const struct policy *policy, const struct host_lookup *lookup)
{
    for (size_t i = 0; i < policy->n_groups; i++)
        for (size_t j = 0; j < policy->groups[i].n_hosts; j++)
            if (is_of_hosts(&policy->groups[i].hosts[j], lookup)) return true;
    return false;
}

/* Names that were met, and how many hosts there is room for. */
struct naming {
    struct map known;
    size_t room;
};

static void add_name(struct sorting *s, struct naming *naming, str name)
{
    bool fresh = false;
    map_put(&naming->known, s->scratch, name, 0, &fresh);
    if (!fresh) return;
    const struct host *host = hosts_named(s->index, name);
    /* Of a host that is not known, no address is. */
    if (!host || owner_of(s, host) != NOBODY) return;
    arena_grow(s->scratch, s->named, s->n_named, naming->room);
    s->owner_of[host - s->hosts->hosts] = (uint32_t)s->n_named;
    s->named[s->n_named++] = (struct named_host){host, name};
}

static void add_member(struct sorting *s, struct naming *naming, const struct member *member)
{
    const str *names = &member->name;
    size_t n = 1;
    str missing;
    if (!is_of_hosts(member, s->lookup)) return;
    if (member->kind == MEMBER_AD_GROUP &&
        !s->lookup->ad_computers(s->lookup->to, member->name, s->scratch, &names, &n, &missing))
        return;
    for (size_t i = 0; i < n; i++)
        add_name(s, naming, names[i]);
}

static void find_now(struct sorting *s)
{
    size_t room = 0;
    for (size_t i = 0; i < s->n_named; i++) {
        size_t n = 0;
        const struct host_address *held =
            s->lookup->host(s->lookup->to, s->named[i].name, s->resolved->as_of_us, s->scratch, &n);
        for (size_t j = 0; j < n; j++) {
            if (held[j].claimed_by_another) continue;
            arena_grow(s->scratch, s->now, s->n_now, room);
            s->now[s->n_now++] = (struct claim){held[j].addr, (uint32_t)i};
        }
    }
    if (s->n_now) qsort(s->now, s->n_now, sizeof *s->now, claim_order);
}

static void find_named(struct sorting *s)
{
    const struct policy *policy = s->resolved->policy;
    struct naming naming = {.room = 0};
    s->owner_of = arena_array(s->scratch, uint32_t, s->hosts->n + 1);
    for (size_t i = 0; i < s->hosts->n; i++)
        s->owner_of[i] = NOBODY;
    for (size_t i = 0; i < policy->n_groups; i++)
        for (size_t j = 0; j < policy->groups[i].n_hosts; j++)
            add_member(s, &naming, &policy->groups[i].hosts[j]);
    find_now(s);
}

static uint32_t owner_now(const struct sorting *s, struct addr a)
{
    size_t low = 0, high = s->n_now;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(s->now[middle].addr, a) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->n_now && addr_equal(s->now[low].addr, a) ? s->now[low].owner : NOBODY;
}

static void find_relevant(struct sorting *s)
{
    struct map held = {0};
    uint8_t octets[16];
    for (size_t i = 0; i < s->n_named; i++)
        for (size_t j = 0; j < s->named[i].host->n_intervals; j++)
            map_put(&held, s->scratch, key_of(octets, s->named[i].host->intervals[j].addr), 0,
                    NULL);
    for (size_t i = 0; i < s->n_now; i++)
        map_put(&held, s->scratch, key_of(octets, s->now[i].addr), 0, NULL);
    s->is_relevant = arena_array(s->scratch, bool, s->replay->n_ends + 1);
    for (size_t i = 0; i < s->replay->n_ends; i++)
        s->is_relevant[i] = map_find(&held, key_of(octets, s->replay->ends[i].addr)) != NULL;
}

/* ---- Whose it was then --------------------------------------------------------------------------
 */

static uint32_t owner_then(const struct sorting *s, struct addr a, int64_t at_us)
{
    const struct host *host = hosts_at(s->hosts, a, at_us);
    /* What is not told, or told of several, stays as the policy has it. */
    if (!host || host->ambiguous || !host->name.len) return owner_now(s, a);
    return owner_of(s, host);
}

/* What the two ends of a flow need; n 0 = nothing is different from now. */
struct need {
    struct claim claims[2];
    size_t n;
    bool differs;
};

static void need_end(const struct sorting *s, uint32_t end, int64_t at_us, struct need *need)
{
    if (end == REPLAY_NO_END || !s->is_relevant[end]) return;
    struct addr a = s->replay->ends[end].addr;
    uint32_t then = owner_then(s, a, at_us);
    need->claims[need->n++] = (struct claim){a, then};
    need->differs |= then != owner_now(s, a);
}

static uint32_t owner_in(const struct layer *layer, struct addr a, uint32_t otherwise)
{
    uint8_t octets[16];
    const uint64_t *owner = map_find(&layer->owners, key_of(octets, a));
    return owner ? (uint32_t)*owner : otherwise;
}

static bool layer_fits(const struct layer *layer, const struct need *need)
{
    for (size_t i = 0; i < need->n; i++)
        if (owner_in(layer, need->claims[i].addr, need->claims[i].owner) != need->claims[i].owner)
            return false;
    return true;
}

static uint8_t place(struct sorting *s, const struct need *need)
{
    uint8_t octets[16];
    size_t at = 1;
    while (at < s->n_layers && !layer_fits(&s->layers[at], need))
        at++;
    if (at == LIMIT_ERAS) return ERAS_TOO_MANY;
    if (at == s->n_layers) s->n_layers++;
    for (size_t i = 0; i < need->n; i++)
        map_put(&s->layers[at].owners, s->scratch, key_of(octets, need->claims[i].addr),
                need->claims[i].owner, NULL);
    return (uint8_t)at;
}

/* ---- The policy of an era -----------------------------------------------------------------------
 */

struct then {
    const struct sorting *sorting;
    const struct layer *layer;
    const struct claim *claims; /* of the layer, by owner */
};

static int owner_order(const void *left, const void *right)
{
    const struct claim *a = left, *b = right;
    int order = (a->owner > b->owner) - (a->owner < b->owner);
    return order ? order : addr_compare(a->addr, b->addr);
}

static const struct claim *claims_of(const struct layer *layer, struct arena *arena)
{
    size_t n = layer->owners.n;
    struct claim *claims = arena_array(arena, struct claim, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct map_entry *entry = &layer->owners.entries[i];
        claims[i].addr = addr_from_bytes((const uint8_t *)entry->key.ptr);
        claims[i].owner = (uint32_t)entry->value;
    }
    if (n) qsort(claims, n, sizeof *claims, owner_order);
    return claims;
}

/* What the layer says that a host held. */
static const struct claim *claims_by(const struct then *then, uint32_t owner, size_t *n)
{
    size_t low = 0, high = then->layer->owners.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (then->claims[middle].owner < owner)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < then->layer->owners.n && then->claims[end].owner == owner)
        end++;
    *n = owner == NOBODY ? 0 : end - low;
    return then->claims + low;
}

static const struct host_address *host_then(void *to, str name, int64_t as_of_us,
                                            struct arena *arena, size_t *n)
{
    const struct then *then = to;
    const struct sorting *s = then->sorting;
    size_t n_now = 0, n_then = 0, kept = 0;
    const struct host *host = hosts_named(s->index, name);
    uint32_t me = host ? owner_of(s, host) : NOBODY;
    const struct host_address *now = s->lookup->host(s->lookup->to, name, as_of_us, arena, &n_now);
    const struct claim *claims = claims_by(then, me, &n_then);
    struct host_address *out = arena_array(arena, struct host_address, n_now + n_then + 1);
    for (size_t i = 0; i < n_now; i++)
        if (owner_in(then->layer, now[i].addr, me) == me) out[kept++] = now[i];
    for (size_t i = 0; i < n_then; i++) {
        bool is_listed = false;
        for (size_t j = 0; j < kept && !is_listed; j++)
            is_listed = addr_equal(out[j].addr, claims[i].addr);
        if (!is_listed)
            out[kept++] = (struct host_address){.addr = claims[i].addr, .seen_us = as_of_us};
    }
    *n = kept;
    return out;
}

static const struct host_address *ad_group_then(void *to, str name, int64_t as_of_us,
                                                struct arena *arena, size_t *n)
{
    const struct then *then = to;
    const struct host_lookup *lookup = then->sorting->lookup;
    return lookup->ad_group(lookup->to, name, as_of_us, arena, n);
}

static bool ad_computers_then(void *to, str name, struct arena *arena, const str **names, size_t *n,
                              str *missing)
{
    const struct then *then = to;
    const struct host_lookup *lookup = then->sorting->lookup;
    return lookup->ad_computers(lookup->to, name, arena, names, n, missing);
}

static str ad_sid_then(void *to, str name, struct arena *arena)
{
    const struct then *then = to;
    const struct host_lookup *lookup = then->sorting->lookup;
    return lookup->ad_sid(lookup->to, name, arena);
}

static bool service_tag_then(void *to, str tag, str file, struct arena *arena,
                             struct prefix_set *out)
{
    const struct then *then = to;
    const struct host_lookup *lookup = then->sorting->lookup;
    return lookup->service_tag(lookup->to, tag, file, arena, out);
}

static str name_then(void *to, struct addr a, int64_t as_of_us)
{
    const struct then *then = to;
    const struct host_lookup *lookup = then->sorting->lookup;
    return lookup->name ? lookup->name(lookup->to, a, as_of_us) : (str){0};
}

/* False when the groups contradict each other with the addresses of then. */
static bool resolve_era(const struct sorting *s, size_t at, struct era *out, struct arena scratch)
{
    struct resolved *resolved = arena_new(s->arena, struct resolved);
    struct diagnostics found = {0};
    struct then then = {s, &s->layers[at], claims_of(&s->layers[at], &scratch)};
    const struct host_lookup lookup = {
        .to = &then,
        .host = host_then,
        .ad_group = ad_group_then,
        .service_tag = service_tag_then,
        .name = name_then,
        .ad_sid = s->lookup->ad_sid ? ad_sid_then : NULL,
        .ad_computers = s->lookup->ad_computers ? ad_computers_then : NULL,
    };
    if (!resolve_policy(s->resolved->policy, &lookup, s->resolved->as_of_us, true, s->arena,
                        resolved, &found))
        return false;
    resolved->lookup = s->lookup; /* the one used here ends here */
    out->resolved = resolved;
    out->decision = decision_build(resolved, NULL, s->arena, scratch);
    out->plan = ring_plan_of(resolved, s->arena);
    return true;
}

static const uint8_t *sort_flows(struct sorting *s)
{
    const struct matrix_view *matrix = s->replay->matrix;
    uint8_t *of_flow = arena_array(s->arena, uint8_t, matrix->n_flows + 1);
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        struct need need = {0};
        if (flow->is_timeless) continue;
        need_end(s, s->replay->flows[i].client, flow->last_us, &need);
        need_end(s, s->replay->flows[i].server, flow->last_us, &need);
        if (need.differs) of_flow[i] = place(s, &need);
    }
    return of_flow;
}

struct eras eras_of(const struct resolved *resolved, const struct decision *decision,
                    const struct replay *replay, const struct host_list *hosts,
                    const struct host_lookup *lookup, struct arena *arena, struct arena scratch)
{
    struct era *items = arena_array(arena, struct era, LIMIT_ERAS);
    struct sorting s = {
        .resolved = resolved,
        .replay = replay,
        .hosts = hosts,
        .lookup = lookup,
        .n_layers = 1,
        .arena = arena,
        .scratch = &scratch,
    };
    items[0] = (struct era){resolved, decision, ring_plan_of(resolved, arena)};
    bool known = hosts && lookup && lookup->host;
    if (!known || !names_hosts(resolved->policy, lookup)) return (struct eras){items, 1, NULL};
    s.index = hosts_by_name(&scratch, hosts);
    find_named(&s);
    if (!s.n_named) return (struct eras){items, 1, NULL};
    find_relevant(&s);
    const uint8_t *of_flow = sort_flows(&s);
    for (size_t i = 1; i < s.n_layers; i++)
        if (!resolve_era(&s, i, &items[i], scratch)) items[i] = items[0];
    return (struct eras){items, s.n_layers, of_flow};
}
