/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/what_if.h"

/* ---- Which entries matter -----------------------------------------------------------------------
 */

bool what_if_may_match(const struct resolved_entry *entry, const struct flow_question *q)
{
    bool from = entry->from_unknown.len || prefix_set_contains(entry->from, q->client);
    return from && (entry->to_unknown.len || prefix_set_contains(entry->to, q->server));
}

static bool lists_service(const struct entry *entry, int service)
{
    for (size_t i = 0; i < entry->n_services; i++)
        if (entry->services[i] == (size_t)service) return true;
    return false;
}

bool what_if_matches(const struct resolved *resolved, const struct resolved_entry *entry,
                     const struct flow_question *q, int service)
{
    struct prefix_set internet = resolved->places.internet;
    return lists_service(entry->entry, service) && prefix_set_contains(entry->from, q->client) &&
           prefix_set_contains(entry->to, q->server) &&
           !prefix_set_contains(entry->except_from, q->client) &&
           !prefix_set_contains(entry->except_to, q->server) &&
           (entry->from_internet || !prefix_set_contains(internet, q->client)) &&
           (entry->to_internet || !prefix_set_contains(internet, q->server));
}

/* ---- Copies -------------------------------------------------------------------------------------
 */

#define COPY(arena, type, items, n, room)                                                          \
    ((type *)copy_items(arena_array(arena, type, (n) + (room)), items, (n) * sizeof(type)))

static void *copy_items(void *to, const void *from, size_t size)
{
    if (size) memcpy(to, from, size);
    return to;
}

struct what_if what_if_of(const struct resolved *resolved, const struct flow_question *q,
                          struct arena *arena)
{
    const struct policy *policy = resolved->policy;
    size_t n_allow = 0, n_exceptions = 0, room_allow = 0, room_exceptions = 0;
    struct what_if out = {.policy = *policy};
    for (size_t i = 0; i < resolved->n_entries; i++) {
        const struct resolved_entry *e = &resolved->entries[i];
        if (!what_if_may_match(e, q)) continue;
        room_allow += !e->exception;
        room_exceptions += e->exception != NULL;
    }
    out.allow = arena_array(arena, struct entry, room_allow + 1);
    out.exceptions = arena_array(arena, struct exception, room_exceptions + 1);
    for (size_t i = 0; i < resolved->n_entries; i++) {
        const struct resolved_entry *e = &resolved->entries[i];
        if (!what_if_may_match(e, q)) continue;
        if (e->exception)
            out.exceptions[n_exceptions++] = *e->exception;
        else
            out.allow[n_allow++] = *e->entry;
    }
    out.policy.n_allow = n_allow;
    out.policy.n_exceptions = n_exceptions;
    out.perimeter = COPY(arena, struct perimeter_entry, policy->perimeter, policy->n_perimeter, 1);
    out.segments = COPY(arena, struct segment, policy->segments, policy->n_segments, 0);
    out.groups = COPY(arena, struct group, policy->groups, policy->n_groups, 0);
    out.governed = COPY(arena, bool, policy->governed, policy->services.n, 0);
    return out;
}

bool what_if_ask(struct what_if *changed, const struct resolved *resolved,
                 const struct flow_question *q, struct arena *arena, struct arena scratch,
                 struct flow_answer *out)
{
    struct policy *policy = &changed->policy;
    struct resolved *again = arena_new(arena, struct resolved);
    struct diagnostics found = {0};
    policy->allow = changed->allow;
    policy->exceptions = changed->exceptions;
    policy->perimeter = changed->perimeter;
    policy->segments = changed->segments;
    policy->groups = changed->groups;
    policy->governed = changed->governed;
    if (!resolve_policy(policy, resolved->lookup, resolved->as_of_us, true, arena, again, &found))
        return false;
    *out = decision_ask(decision_build(again, NULL, arena, scratch), q);
    return true;
}

static bool speaks_of(const struct resolved_entry *e, const struct addr *addrs, size_t n)
{
    if (e->from_unknown.len || e->to_unknown.len) return true;
    for (size_t i = 0; i < n; i++)
        if (prefix_set_contains(e->from, addrs[i]) || prefix_set_contains(e->to, addrs[i]))
            return true;
    return false;
}

struct policy what_if_around(const struct resolved *resolved, const struct addr *addrs, size_t n,
                             struct arena *arena)
{
    struct policy policy = *resolved->policy;
    struct entry *allow = NULL;
    struct exception *exceptions = NULL;
    size_t n_allow = 0, room_allow = 0, n_exceptions = 0, room_exceptions = 0;
    for (size_t i = 0; i < resolved->n_entries; i++) {
        const struct resolved_entry *e = &resolved->entries[i];
        if (!speaks_of(e, addrs, n)) continue;
        if (e->exception) {
            arena_grow(arena, exceptions, n_exceptions, room_exceptions);
            exceptions[n_exceptions++] = *e->exception;
        } else {
            arena_grow(arena, allow, n_allow, room_allow);
            allow[n_allow++] = *e->entry;
        }
    }
    policy.allow = allow;
    policy.n_allow = n_allow;
    policy.exceptions = exceptions;
    policy.n_exceptions = n_exceptions;
    return policy;
}

/* ---- Pairs --------------------------------------------------------------------------------------
 */

/* Entries that allow some of it in clear, and where their say begins and ends on the servers' line.
 */
struct others {
    const struct resolved_entry **items;
    size_t n, room;
    struct addr *cuts;
    size_t n_cuts, room_cuts;
};

static void add_cuts(struct others *others, struct prefix_set set, struct arena *arena)
{
    for (size_t i = 0; i < set.n; i++) {
        arena_grow(arena, others->cuts, others->n_cuts, others->room_cuts);
        others->cuts[others->n_cuts++] = set.ranges[i].first;
        if (addr_equal(set.ranges[i].last, addr_all.last)) continue;
        arena_grow(arena, others->cuts, others->n_cuts, others->room_cuts);
        others->cuts[others->n_cuts++] = addr_next(set.ranges[i].last);
    }
}

static int addr_order(const void *left, const void *right)
{
    return addr_compare(*(const struct addr *)left, *(const struct addr *)right);
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    return num_add(a, b, &sum) ? sum : UINT64_MAX;
}

static uint64_t mul_saturated(uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    return num_mul(a, b, &product) ? product : UINT64_MAX;
}

/* Pairs of a run of servers that all entries treat alike. An address and itself are no pair. */
static uint64_t pairs_of_run(const struct resolved *resolved, const struct others *others,
                             struct prefix_set from, struct range run, struct arena scratch)
{
    struct prefix_set left = from, servers = {&run, 1};
    struct prefix_set internet = resolved->places.internet;
    for (size_t i = 0; i < others->n && left.n; i++) {
        const struct resolved_entry *e = others->items[i];
        bool is_out = prefix_set_contains(internet, run.first) && !e->to_internet;
        if (is_out || !prefix_set_contains(e->to, run.first) ||
            prefix_set_contains(e->except_to, run.first))
            continue;
        struct prefix_set clients = prefix_set_subtract(&scratch, e->from, e->except_from);
        if (!e->from_internet) clients = prefix_set_subtract(&scratch, clients, internet);
        left = prefix_set_subtract(&scratch, left, clients);
    }
    uint64_t pairs = mul_saturated(prefix_set_size(left), prefix_set_size(servers));
    uint64_t same = prefix_set_size(prefix_set_intersect(&scratch, left, servers));
    return pairs == UINT64_MAX ? pairs : pairs - same;
}

uint64_t what_if_pairs(const struct resolved *resolved, int service, struct prefix_set from,
                       struct prefix_set to, size_t without, struct arena scratch)
{
    enum { MOST_CUTS = 1 << 14 };
    struct others others = {0};
    uint64_t pairs = 0;
    from = prefix_set_subtract(&scratch, from, resolved->places.local);
    to = prefix_set_subtract(&scratch, to, resolved->places.local);
    add_cuts(&others, to, &scratch);
    add_cuts(&others, resolved->places.internet, &scratch);
    for (size_t i = 0; i < resolved->n_entries; i++) {
        const struct resolved_entry *e = &resolved->entries[i];
        bool plain = e->secure == SECURE_NONE || e->secure == SECURE_UNSET;
        if (i == without || !plain || !lists_service(e->entry, service)) continue;
        if (!prefix_set_overlaps(e->from, from) || !prefix_set_overlaps(e->to, to)) continue;
        arena_grow(&scratch, others.items, others.n, others.room);
        others.items[others.n++] = e;
        add_cuts(&others, prefix_set_intersect(&scratch, e->to, to), &scratch);
        add_cuts(&others, prefix_set_intersect(&scratch, e->except_to, to), &scratch);
        if (others.n_cuts > MOST_CUTS) return UINT64_MAX;
    }
    if (others.n_cuts) qsort(others.cuts, others.n_cuts, sizeof *others.cuts, addr_order);
    for (size_t i = 0; i < others.n_cuts && pairs != UINT64_MAX; i++) {
        if (i && addr_equal(others.cuts[i], others.cuts[i - 1])) continue;
        size_t next = i + 1;
        while (next < others.n_cuts && addr_equal(others.cuts[next], others.cuts[i]))
            next++;
        if (!prefix_set_contains(to, others.cuts[i])) continue;
        struct addr last = next < others.n_cuts ? addr_previous(others.cuts[next]) : addr_all.last;
        pairs = add_saturated(pairs, pairs_of_run(resolved, &others, from,
                                                  (struct range){others.cuts[i], last}, scratch));
    }
    return pairs;
}
