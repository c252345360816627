/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/blind.h"

#include "base/map.h"

/* One address of a machine that has several. */
struct held_address {
    struct addr addr;
    size_t machine; /* of the policy */
};

struct gathering {
    const struct resolved *resolved;
    struct held_address *held; /* sorted by address */
    size_t n_held;
    struct known_machine *items;
    size_t n, room;
    struct map by_addr; /* address bytes → index */
    struct arena *arena, *scratch;
};

static int held_order(const void *left, const void *right)
{
    const struct held_address *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    return order ? order : (a->machine > b->machine) - (a->machine < b->machine);
}

static void index_held(struct gathering *g)
{
    const struct resolved *r = g->resolved;
    size_t n = 0;
    for (size_t i = 0; i < r->n_machines; i++)
        n += r->machines[i].n_addrs;
    g->held = arena_array(g->scratch, struct held_address, n + 1);
    for (size_t i = 0; i < r->n_machines; i++)
        for (size_t j = 0; j < r->machines[i].n_addrs; j++)
            g->held[g->n_held++] = (struct held_address){r->machines[i].addrs[j], i};
    if (n) qsort(g->held, n, sizeof *g->held, held_order);
}

/* NULL = it is a machine of its own. */
static const struct machine *named_machine(const struct gathering *g, struct addr a)
{
    size_t low = 0, high = g->n_held;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(g->held[middle].addr, a) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == g->n_held || !addr_equal(g->held[low].addr, a)) return NULL;
    return &g->resolved->machines[g->held[low].machine];
}

static str addr_key(uint8_t octets[16], struct addr a)
{
    addr_to_bytes(a, octets);
    return (str){(const char *)octets, 16};
}

static struct known_machine *machine_of(struct gathering *g, struct addr a)
{
    uint8_t octets[16];
    bool fresh = false;
    uint64_t *index = map_put(&g->by_addr, g->scratch, addr_key(octets, a), g->n, &fresh);
    if (!fresh) return &g->items[*index];

    const struct machine *named = named_machine(g, a);
    arena_grow(g->arena, g->items, g->n, g->room);
    size_t at = g->n++;
    g->items[at] = (struct known_machine){.addr = a};
    if (named) g->items[at].name = named->name;
    /* All addresses of a named machine are the one machine. */
    for (size_t j = 0; named && j < named->n_addrs; j++)
        map_put(&g->by_addr, g->scratch, addr_key(octets, named->addrs[j]), at, NULL);
    return &g->items[at];
}

static bool is_single(struct range r)
{
    return addr_equal(r.first, r.last);
}

/* The hosts that a group names one by one: lone addresses, and whatever its host names and AD
 * groups stand for (what is left of the group without its prefixes). */
static void gather_members(struct gathering *g, size_t at)
{
    const struct group *group = &g->resolved->policy->groups[at];
    struct range *wide = arena_array(g->scratch, struct range, group->n_hosts + 1);
    size_t n_wide = 0;
    for (size_t i = 0; i < group->n_hosts; i++) {
        struct range range = prefix_range(group->hosts[i].prefix);
        if (group->hosts[i].kind != MEMBER_PREFIX) continue;
        if (is_single(range))
            machine_of(g, range.first);
        else
            wide[n_wide++] = range;
    }
    struct prefix_set named = prefix_set_subtract(g->scratch, g->resolved->groups[at],
                                                  prefix_set_of(g->scratch, wide, n_wide));
    for (size_t i = 0; i < named.n; i++)
        for (struct addr a = named.ranges[i].first;; a = addr_next(a)) {
            machine_of(g, a);
            if (addr_equal(a, named.ranges[i].last)) break;
        }
}

struct known_machines blind_machines(const struct resolved *resolved, const struct replay *replay,
                                     struct arena *arena, struct arena scratch)
{
    struct gathering g = {.resolved = resolved, .arena = arena, .scratch = &scratch};
    index_held(&g);
    for (size_t i = 0; i < replay->n_ends; i++) {
        const struct replay_end *end = &replay->ends[i];
        if (!end->is_known || resolve_segment(resolved, end->addr) == SIZE_MAX) continue;
        if (blind_is_broadcast(resolved, end->addr)) continue;
        struct known_machine *machine = machine_of(&g, end->addr);
        machine->has_own_evidence |= end->captured || end->has_log;
        machine->has_own_log |= end->has_log;
    }
    for (size_t i = 0; i < resolved->policy->n_groups; i++)
        gather_members(&g, i);
    return (struct known_machines){g.items, g.n};
}

bool blind_is_broadcast(const struct resolved *resolved, struct addr a)
{
    enum { LEAST_HOSTS = 126 }; /* a /30 on the line of base/addr; a /31 has no broadcast */
    if (!addr_is_v4(a)) return false;
    size_t at = resolve_segment(resolved, a);
    if (at == SIZE_MAX) return false;
    const struct segment *segment = &resolved->policy->segments[at];
    for (size_t i = 0; i < segment->n_networks; i++) {
        struct prefix network = segment->networks[i].prefix;
        if (network.len <= LEAST_HOSTS && addr_equal(prefix_range(network).last, a)) return true;
    }
    return false;
}

/* ---- Blind spots --------------------------------------------------------------------------------
 */

struct finding {
    const struct resolved *resolved;
    struct addr *seen; /* machines with evidence of their own side, sorted */
    size_t n_seen;
    bool *segment_seen;
    struct blind_spot *items;
    size_t n, room;
    struct arena *arena;
};

static int addr_order(const void *left, const void *right)
{
    const struct addr *a = left, *b = right;
    return addr_compare(*a, *b);
}

static void find_seen(struct finding *f, const struct known_machines *machines,
                      struct arena *scratch)
{
    f->seen = arena_array(scratch, struct addr, machines->n + 1);
    f->segment_seen = arena_array(scratch, bool, f->resolved->policy->n_segments + 1);
    for (size_t i = 0; i < machines->n; i++) {
        const struct known_machine *machine = &machines->items[i];
        if (!machine->has_own_evidence) continue;
        size_t segment = resolve_segment(f->resolved, machine->addr);
        if (segment != SIZE_MAX) f->segment_seen[segment] = true;
        f->seen[f->n_seen++] = machine->addr;
    }
    if (f->n_seen) qsort(f->seen, f->n_seen, sizeof *f->seen, addr_order);
}

static bool any_seen(const struct finding *f, struct range range)
{
    size_t low = 0, high = f->n_seen;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(f->seen[middle], range.first) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < f->n_seen && addr_compare(f->seen[low], range.last) <= 0;
}

static void blind_add(struct finding *f, struct blind_spot spot)
{
    arena_grow(f->arena, f->items, f->n, f->room);
    f->items[f->n++] = spot;
}

static int blind_order(const void *left, const void *right)
{
    const struct blind_spot *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    return order ? order : str_compare(a->text, b->text);
}

static void find_machines(struct finding *f, const struct known_machines *machines)
{
    const struct policy *policy = f->resolved->policy;
    for (size_t i = 0; i < machines->n; i++) {
        const struct known_machine *machine = &machines->items[i];
        size_t segment = resolve_segment(f->resolved, machine->addr);
        char text[ADDR_TEXT];
        if (machine->has_own_evidence) continue;
        if (segment != SIZE_MAX && policy->segments[segment].trust != TRUST_MANAGED) continue;
        blind_add(f, (struct blind_spot){
                         .addr = machine->addr,
                         .text = machine->name.len
                                     ? machine->name
                                     : str_copy(f->arena, addr_text(text, machine->addr)),
                         .segment = segment == SIZE_MAX ? (str){0} : policy->segments[segment].name,
                         .reason = S("no packet or log shows its own side: who uses it, and what "
                                     "it uses, is unknown"),
                     });
    }
}

static void find_networks(struct finding *f)
{
    const struct policy *policy = f->resolved->policy;
    for (size_t i = 0; i < policy->n_segments; i++) {
        if (policy->segments[i].trust != TRUST_MANAGED || f->segment_seen[i]) continue;
        blind_add(
            f, (struct blind_spot){
                   .text = str_format(f->arena, "segment %.*s", STR_ARG(policy->segments[i].name)),
                   .segment = policy->segments[i].name,
                   .reason = S("no packet or log of any host in it"),
               });
    }
    for (size_t i = 0; i < policy->n_groups; i++)
        for (size_t j = 0; j < policy->groups[i].n_hosts; j++) {
            const struct member *member = &policy->groups[i].hosts[j];
            struct range range = prefix_range(member->prefix);
            char text[PREFIX_TEXT];
            if (member->kind != MEMBER_PREFIX || is_single(range) || any_seen(f, range)) continue;
            str prefix = prefix_text(text, member->prefix);
            blind_add(f, (struct blind_spot){
                             .text = str_format(f->arena, "%.*s of group %.*s", STR_ARG(prefix),
                                                STR_ARG(policy->groups[i].name)),
                             .reason = S("no packet or log of any of its addresses"),
                         });
        }
}

const struct blind_spot *blind_find(const struct resolved *resolved,
                                    const struct known_machines *machines, struct arena *arena,
                                    struct arena scratch, size_t *n)
{
    struct finding f = {.resolved = resolved, .arena = arena};
    find_seen(&f, machines, &scratch);
    find_machines(&f, machines);
    find_networks(&f);
    if (f.n) qsort(f.items, f.n, sizeof *f.items, blind_order);
    *n = f.n;
    return f.items;
}
