/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/ring_plan.h"

#include "rules/decision.h"

/* A machine that is named by one address is named with all of them. */
static struct prefix_set whole_machines(const struct resolved *resolved, struct prefix_set named,
                                        struct arena *arena)
{
    struct range *more = NULL;
    size_t n = 0, room = 0;
    for (size_t i = 0; i < resolved->n_machines; i++) {
        const struct machine *machine = &resolved->machines[i];
        bool is_named = false;
        for (size_t j = 0; j < machine->n_addrs && !is_named; j++)
            is_named = prefix_set_contains(named, machine->addrs[j]);
        for (size_t j = 0; j < machine->n_addrs && is_named; j++) {
            arena_grow(arena, more, n, room);
            more[n++] = (struct range){machine->addrs[j], machine->addrs[j]};
        }
    }
    return n ? prefix_set_union(arena, named, prefix_set_of(arena, more, n)) : named;
}

/* A host that was never seen has no address; a group of the directory has members, whoever they
 * are.
 */
static str unknown_member(const struct resolved *resolved, const struct selectors *members)
{
    str mark = resolve_unknown(resolved, members);
    return decision_unknown(mark) ? mark : (str){0};
}

struct ring_plan ring_plan_of(const struct resolved *resolved, struct arena *arena)
{
    const struct policy *policy = resolved->policy;
    struct prefix_set *named = arena_array(arena, struct prefix_set, policy->n_rings);
    str *unknown = arena_array(arena, str, policy->n_rings);
    for (size_t i = 0; i < policy->n_rings; i++) {
        const struct ring *ring = &policy->rings[i];
        unknown[i] = unknown_member(resolved, &ring->members);
        named[i] =
            ring->is_rest
                ? prefix_set_of(arena, &addr_all, 1)
                : whole_machines(resolved,
                                 resolve_selectors(resolved, &ring->members, RESOLVE_OWN, arena),
                                 arena);
    }
    return (struct ring_plan){resolved, policy->n_rings, named, unknown};
}

str ring_plan_identity(const struct resolved *resolved, struct addr a, struct arena *arena)
{
    const struct host_lookup *lookup = resolved->lookup;
    char text[ADDR_TEXT];
    str name = {0};
    if (lookup && lookup->name) name = lookup->name(lookup->to, a, resolved->as_of_us);
    if (name.len) return name;
    for (size_t i = 0; i < resolved->n_machines; i++)
        for (size_t j = 0; j < resolved->machines[i].n_addrs; j++)
            if (addr_equal(resolved->machines[i].addrs[j], a)) return resolved->machines[i].name;
    return str_copy(arena, addr_text(text, a));
}

bool ring_plan_picks(const struct ring *ring, str identity)
{
    static const uint8_t nul = 0;
    if (!ring->has_percent) return true;
    struct sha256 hash = sha256_start();
    sha256_add(&hash, str_bytes(ring->name));
    sha256_add(&hash, (bytes){&nul, 1});
    sha256_add(&hash, str_bytes(identity));
    struct sha256_digest digest = sha256_end(&hash);
    uint32_t value = (uint32_t)digest.bytes[0] << 24 | (uint32_t)digest.bytes[1] << 16 |
                     (uint32_t)digest.bytes[2] << 8 | (uint32_t)digest.bytes[3];
    return value % 100 < ring->percent;
}

bool ring_plan_has(const struct ring_plan *plan, size_t ring, struct addr a, str identity)
{
    return prefix_set_contains(plan->named[ring], a) &&
           ring_plan_picks(&plan->resolved->policy->rings[ring], identity);
}

size_t ring_plan_ring(const struct ring_plan *plan, struct addr a, str identity)
{
    for (size_t i = 0; i < plan->n; i++)
        if (ring_plan_has(plan, i, a, identity)) return i;
    return plan->n;
}
