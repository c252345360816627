/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/expiry.h"

#include "policy/exceptions.h"
#include "rules/scopes.h"

enum { DIRECTIONS = 2 };

/* A line of the policy or an exception, seen from the end that enforces. */
struct reason {
    struct prefix_set own, peers;
    const size_t *services;
    size_t n_services;
    int64_t until_us; /* INT64_MAX: a line of the policy */
};

struct reasons_of {
    struct reason *items;
    size_t n, room;
    struct scopes scopes; /* of the own ends */
};

struct expiry {
    const struct resolved *resolved;
    const struct prefix_set *members;
    bool expires; /* some exception matters at all */
    struct reasons_of reasons[DIRECTIONS];
};

/* ---- Who needs what -----------------------------------------------------------------------------
 */

/* Most entries name a few addresses, and a class may have thousands: looked up, not walked along.
 */
static bool touches(struct prefix_set members, struct prefix_set few)
{
    if (few.n > members.n) return prefix_set_overlaps(members, few);
    for (size_t i = 0; i < few.n; i++) {
        size_t low = 0, high = members.n;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (addr_compare(members.ranges[middle].last, few.ranges[i].first) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < members.n && addr_compare(members.ranges[low].first, few.ranges[i].last) <= 0)
            return true;
    }
    return false;
}

static void add_reason(struct reasons_of *reasons, const struct expiry *expiry,
                       struct reason reason, struct arena *arena)
{
    if (!reason.own.n || !reason.peers.n) return;
    if (expiry->members && !touches(*expiry->members, reason.own)) return;
    arena_grow(arena, reasons->items, reasons->n, reasons->room);
    reasons->items[reasons->n++] = reason;
}

/* One end of an entry, as flows may have it. */
static struct prefix_set end_of(const struct resolved *r, struct prefix_set set,
                                struct prefix_set except, bool internet, struct arena *arena)
{
    set = prefix_set_subtract(arena, set, except);
    if (!internet) set = prefix_set_subtract(arena, set, r->places.internet);
    return prefix_set_subtract(arena, set, r->places.local);
}

static void add_entry(struct expiry *expiry, const struct resolved_entry *e, struct arena *arena)
{
    const struct resolved *r = expiry->resolved;
    /* A host passes in clear only what is approved in clear; a border can't tell. */
    if (expiry->members && e->secure != SECURE_NONE) return;
    if (expiry->members && !touches(*expiry->members, e->from) && !touches(*expiry->members, e->to))
        return;
    struct prefix_set from = end_of(r, e->from, e->except_from, e->from_internet, arena);
    struct prefix_set to = end_of(r, e->to, e->except_to, e->to_internet, arena);
    struct reason reason = {
        .services = e->entry->services,
        .n_services = e->entry->n_services,
        .until_us = e->exception ? e->exception->expires_us : INT64_MAX,
    };
    for (unsigned d = 0; d < DIRECTIONS; d++) {
        bool outbound = d == DIRECTION_OUTBOUND;
        reason.own = outbound ? from : to;
        reason.peers = outbound ? to : from;
        add_reason(&expiry->reasons[d], expiry, reason, arena);
    }
}

static void add_perimeter(struct expiry *expiry, const struct resolved_perimeter *p,
                          struct arena *arena)
{
    struct reason reason = {
        .services = p->entry->services,
        .n_services = p->entry->n_services,
        .until_us = INT64_MAX,
    };
    for (unsigned d = 0; d < DIRECTIONS; d++) {
        bool outbound = d == DIRECTION_OUTBOUND;
        reason.own = outbound ? p->from : p->to;
        reason.peers = outbound ? p->to : p->from;
        add_reason(&expiry->reasons[d], expiry, reason, arena);
    }
}

const struct expiry *expiry_of(const struct resolved *resolved, const struct prefix_set *members,
                               struct arena *arena, struct arena scratch)
{
    struct expiry *expiry = arena_new(arena, struct expiry);
    *expiry = (struct expiry){.resolved = resolved, .members = members};
    for (size_t i = 0; resolved && i < resolved->n_entries; i++)
        expiry->expires = expiry->expires || resolved->entries[i].exception;
    if (!expiry->expires) return expiry;
    for (size_t i = 0; i < resolved->n_entries; i++)
        add_entry(expiry, &resolved->entries[i], arena);
    for (size_t i = 0; i < resolved->n_perimeter; i++)
        add_perimeter(expiry, &resolved->perimeter[i], arena);
    for (unsigned d = 0; d < DIRECTIONS; d++) {
        struct reasons_of *reasons = &expiry->reasons[d];
        if (!reasons->n) continue;
        struct prefix_set *owns = arena_array(arena, struct prefix_set, reasons->n + 1);
        for (size_t i = 0; i < reasons->n; i++)
            owns[i] = reasons->items[i].own;
        reasons->scopes = scopes_of(owns, reasons->n, arena, scratch);
    }
    return expiry;
}

/* ---- Parts of a rule ----------------------------------------------------------------------------
 */

static bool has_service(const struct expiry *expiry, const struct reason *reason,
                        const struct rule *rule)
{
    const struct service_table *services = &expiry->resolved->policy->services;
    for (size_t i = 0; i < reason->n_services && rule->n_ports; i++) {
        const struct service *service = &services->services[reason->services[i]];
        for (size_t k = 0; k < service->n_ports; k++)
            if (service->ports[k].transport == rule->transport &&
                service->ports[k].first <= rule->ports[0].first &&
                rule->ports[0].first <= service->ports[k].last)
                return true;
    }
    return false;
}

static struct prefix_set of_family(struct arena *arena, struct prefix_set set, bool v4)
{
    return v4 ? prefix_set_v4(arena, set) : prefix_set_v6(arena, set);
}

/* The own addresses that a rule is about, of one family since no packet has an end of each. One for
 * "all others" is about those of the class that have no rule of their own; one for addresses that
 * nobody has now, about all of them. */
static struct prefix_set own_of(const struct expiry *expiry, const struct rule *rule, bool v4,
                                struct arena *arena)
{
    struct prefix_set own = of_family(arena, rule->local, v4);
    if (!expiry->members) return own;
    struct prefix_set members = of_family(arena, *expiry->members, v4);
    own = prefix_set_intersect(arena, own, members);
    if (own.n) return own;
    return members.n ? members : *expiry->members;
}

static int later_first(const void *left, const void *right)
{
    const struct reason *const *a = left, *const *b = right;
    if ((*a)->until_us != (*b)->until_us) return (*a)->until_us > (*b)->until_us ? -1 : 1;
    return (*a > *b) - (*a < *b);
}

/* The reasons that speak of some of these own addresses and of the rule's service. */
static const struct reason **reasons_at(const struct expiry *expiry, const struct rule *rule,
                                        bool v4, struct arena *arena, size_t *out_n)
{
    const struct reasons_of *reasons = &expiry->reasons[rule->direction];
    struct prefix_set own = own_of(expiry, rule, v4, arena);
    const struct reason **found = arena_array(arena, const struct reason *, reasons->n + 1);
    bool *known = arena_array(arena, bool, reasons->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < own.n; i++) {
        struct range rest = own.ranges[i];
        for (bool more = true; more;) {
            struct addr last = rest.last;
            size_t n_named;
            uint32_t scope = atoms_stretch(reasons->scopes.atoms, rest.first, &last);
            const uint32_t *named = scopes_rules(&reasons->scopes, scope, &n_named);
            for (size_t k = 0; k < n_named; k++) {
                if (known[named[k]]) continue;
                known[named[k]] = true;
                if (has_service(expiry, &reasons->items[named[k]], rule))
                    found[n++] = &reasons->items[named[k]];
            }
            more = addr_compare(last, rest.last) < 0;
            if (more) rest.first = addr_next(last);
        }
    }
    if (n) qsort(found, n, sizeof *found, later_first);
    *out_n = n;
    return found;
}

/* The peers of all reasons of one time: those from `from` on. */
static struct prefix_set peers_of(const struct reason *const *reasons, size_t n, size_t *from,
                                  struct arena *arena)
{
    int64_t until_us = reasons[*from]->until_us;
    struct range *ranges = NULL;
    size_t n_ranges = 0, room = 0;
    for (; *from < n && reasons[*from]->until_us == until_us; (*from)++)
        for (size_t k = 0; k < reasons[*from]->peers.n; k++) {
            arena_grow(arena, ranges, n_ranges, room);
            ranges[n_ranges++] = reasons[*from]->peers.ranges[k];
        }
    return prefix_set_of(arena, ranges, n_ranges);
}

struct parts {
    struct expiry_part *items;
    size_t n, room;
};

static void add_part(struct parts *parts, struct arena *arena, struct prefix_set remote,
                     int64_t until_us)
{
    if (!remote.n) return;
    arena_grow(arena, parts->items, parts->n, parts->room);
    parts->items[parts->n++] = (struct expiry_part){remote, until_us};
}

static void add_family(struct parts *parts, const struct expiry *expiry, const struct rule *rule,
                       bool v4, struct arena *arena)
{
    struct prefix_set remote = of_family(arena, rule->remote, v4);
    size_t n = 0, at = 0;
    const struct reason **reasons = NULL;
    if (!remote.n) return;
    if (expiry->reasons[rule->direction].n) reasons = reasons_at(expiry, rule, v4, arena, &n);
    struct prefix_set left = remote, timed = {0};
    if (n && reasons[0]->until_us == INT64_MAX)
        left = prefix_set_subtract(arena, left, peers_of(reasons, n, &at, arena));
    size_t from = at;
    struct prefix_set after = left;
    while (at < n && after.n)
        after = prefix_set_subtract(arena, after, peers_of(reasons, n, &at, arena));
    timed = prefix_set_subtract(arena, left, after);
    /* Whatever no exception asks for lasts: lines of the policy, link-local peers of a cluster. */
    add_part(parts, arena, prefix_set_subtract(arena, remote, timed), 0);
    for (at = from; at < n && timed.n;) {
        int64_t until_us = reasons[at]->until_us;
        struct prefix_set peers = peers_of(reasons, n, &at, arena);
        add_part(parts, arena, prefix_set_intersect(arena, timed, peers), until_us);
        timed = prefix_set_subtract(arena, timed, peers);
    }
}

struct expiry_part *expiry_parts(const struct expiry *expiry, const struct rule *rule,
                                 struct arena *arena, size_t *n)
{
    struct parts parts = {0};
    if (expiry->expires) {
        add_family(&parts, expiry, rule, true, arena);
        add_family(&parts, expiry, rule, false, arena);
    } else {
        add_part(&parts, arena, rule->remote, 0);
    }
    *n = parts.n;
    return parts.items;
}
