/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/stances.h"

#include "base/map.h"

enum { NOWHERE = UINT32_MAX };

bool stances_by_intent(enum profile_mode mode, enum direction direction)
{
    return mode == MODE_ENFORCE || (mode == MODE_BLOCK_INBOUND && direction == DIRECTION_OUTBOUND);
}

uint32_t stances_at(const struct stances *stances, struct addr a)
{
    return stances->of[atoms_class(stances->atoms, a)];
}

/* ---- Stances ------------------------------------------------------------------------------------
 */

static bool any_by_intent(const struct stance *s, enum direction direction)
{
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        if (stances_by_intent(s->modes[p], direction)) return true;
    return false;
}

static struct stance stance_of_class(const struct stances *stances, const struct hardened *hardened,
                                     uint32_t c)
{
    const struct resolved *resolved = decision_resolved(stances->decision);
    struct stance stance = {
        .first_class = c,
        .segment = resolve_segment(resolved, atoms_witness(stances->atoms, c)),
        .cluster = decision_is_cluster(stances->decision, c),
    };
    if (hardened) stance.hardened = hardened[c];
    assert(stance.segment != SIZE_MAX && "what enforces lives in a managed segment");
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        stance.modes[p] = decision_mode(stances->decision, c, (enum profile)p);
    return stance;
}

/* Everything that rules depend on, as numbers; rows that no mode uses do not count. */
static size_t key_of(const struct stances *stances, const struct stance *stance, uint32_t *key)
{
    uint32_t c = stance->first_class;
    bool inbound = any_by_intent(stance, DIRECTION_INBOUND);
    bool outbound = any_by_intent(stance, DIRECTION_OUTBOUND);
    size_t n = 0;
    key[n++] = (uint32_t)stance->segment;
    key[n++] = stance->cluster;
    key[n++] = (uint32_t)stance->hardened.kind;
    key[n++] = (uint32_t)(stance->hardened.overrides & UINT32_MAX);
    key[n++] = (uint32_t)(stance->hardened.overrides >> 32);
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        key[n++] = (uint32_t)stance->modes[p];
    for (size_t i = 0; i < stances->n_services; i++) {
        const struct service_intent *s = &stances->services[i];
        key[n++] = inbound ? s->inbound.allow[c] : 0;
        key[n++] = inbound ? s->inbound.either[c] : 0;
        key[n++] = outbound ? s->outbound.allow[c] : 0;
        key[n++] = outbound ? s->outbound.either[c] : 0;
        for (size_t k = 0; k < stances->principals.n; k++) {
            const struct principal *principal = &stances->principals.items[k];
            key[n++] = inbound ? principals_row(principal, s->service, DIRECTION_INBOUND, c) : 0;
            key[n++] = outbound ? principals_row(principal, s->service, DIRECTION_OUTBOUND, c) : 0;
        }
    }
    return n;
}

static void find_services(struct stances *stances, struct arena *arena, struct arena scratch)
{
    const struct policy *policy = decision_resolved(stances->decision)->policy;
    stances->services = arena_array(arena, struct service_intent, policy->services.n + 1);
    for (size_t i = 0; i < policy->services.n; i++) {
        if (!policy->governed[i]) continue;
        stances->services[stances->n_services++] = (struct service_intent){
            (int)i,
            decision_intent_rows(stances->decision, (int)i, DIRECTION_INBOUND, arena, scratch),
            decision_intent_rows(stances->decision, (int)i, DIRECTION_OUTBOUND, arena, scratch),
        };
    }
}

/* The classes of each stance, which is known of every class by now. */
static void collect_classes(struct stances *stances, struct class_set enforcing,
                            struct arena *arena, struct arena scratch)
{
    uint32_t *start = arena_array(&scratch, uint32_t, stances->n + 2);
    uint32_t *classes = arena_array(&scratch, uint32_t, (size_t)class_set_size(enforcing) + 1);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < enforcing.n; i++)
            for (uint32_t c = enforcing.runs[i].first; c <= enforcing.runs[i].last; c++) {
                if (pass) classes[start[stances->of[c] + 1]] = c;
                start[stances->of[c] + (pass ? 1 : 2)]++;
            }
        for (size_t i = 0; !pass && i < stances->n; i++)
            start[i + 2] += start[i + 1];
    }
    for (size_t i = 0; i < stances->n; i++)
        stances->items[i].classes =
            class_set_of(arena, classes + start[i], start[i + 1] - start[i]);
}

struct stances stances_of(const struct decision *decision, struct arena *arena,
                          struct arena scratch)
{
    struct stances stances = {.decision = decision, .atoms = decision_atoms(decision)};
    struct map known = {0};
    uint32_t n_classes = atoms_count(stances.atoms);
    find_services(&stances, arena, scratch);
    struct class_set enforcing =
        atoms_classes(stances.atoms, decision_resolved(decision)->enforcing, &scratch);
    size_t room = 0;
    stances.principals = principals_of(decision, arena, scratch);
    size_t per_service = 4 + 2 * stances.principals.n;
    uint32_t *key =
        arena_array(&scratch, uint32_t, 5 + PROFILE_COUNT + per_service * stances.n_services);
    const struct hardened *hardened = NULL;
    if (hardened_is_on(decision_resolved(decision)->policy))
        hardened = hardened_classes(decision, arena, scratch);
    stances.of = arena_array(arena, uint32_t, n_classes);
    for (uint32_t c = 0; c < n_classes; c++)
        stances.of[c] = NOWHERE;
    for (size_t i = 0; i < enforcing.n; i++)
        for (uint32_t c = enforcing.runs[i].first; c <= enforcing.runs[i].last; c++) {
            struct stance stance = stance_of_class(&stances, hardened, c);
            bool fresh = false;
            str text = {(const char *)key, key_of(&stances, &stance, key) * sizeof *key};
            uint64_t *at = map_put(&known, &scratch, text, stances.n, &fresh);
            stances.of[c] = (uint32_t)*at;
            if (!fresh) continue;
            arena_grow(arena, stances.items, stances.n, room);
            stances.items[stances.n++] = stance;
        }
    collect_classes(&stances, enforcing, arena, scratch);
    return stances;
}

/* ---- Machines -----------------------------------------------------------------------------------
 */

struct drafting {
    const struct stances *stances;
    struct arena *arena, *scratch;
    struct draft *drafts;
    size_t n;
    struct map taken; /* addresses of machines of several stances */
    struct range *taken_ranges;
    size_t n_taken, taken_room;
};

/* Neighbouring addresses share a range, so a range may hold several; machines have few. */
static size_t each_address(struct prefix_set set, struct arena *arena, struct addr **out)
{
    size_t n = (size_t)prefix_set_size(set), kept = 0;
    *out = arena_array(arena, struct addr, n + 1);
    for (size_t i = 0; i < set.n; i++) {
        struct addr a = set.ranges[i].first;
        (*out)[kept++] = a;
        while (!addr_equal(a, set.ranges[i].last)) {
            a = addr_next(a);
            (*out)[kept++] = a;
        }
    }
    return kept;
}

/* The machine's enforcing addresses that no other machine has taken, in order. */
static struct prefix_set own_addresses(const struct drafting *d, const struct machine *machine)
{
    struct range *ranges = arena_array(d->scratch, struct range, machine->n_addrs + 1);
    size_t n = 0;
    for (size_t i = 0; i < machine->n_addrs; i++) {
        struct addr a = machine->addrs[i];
        if (stances_at(d->stances, a) == NOWHERE) continue;
        if (map_find(&d->taken, (str){(const char *)&a, sizeof a})) continue;
        ranges[n++] = (struct range){a, a};
    }
    return prefix_set_of(d->arena, ranges, n);
}

static void take(struct drafting *d, struct addr a)
{
    (void)map_put(&d->taken, d->scratch, (str){(const char *)&a, sizeof a}, 0, NULL);
    arena_grow(d->scratch, d->taken_ranges, d->n_taken, d->taken_room);
    d->taken_ranges[d->n_taken++] = (struct range){a, a};
}

/* A class of its own for a machine whose addresses have several stances; the first, its home, is
 * that of its smallest address. */
static void draft_machine(struct drafting *d, const struct machine *machine)
{
    struct prefix_set own = own_addresses(d, machine);
    struct addr *addrs;
    size_t n_addrs = each_address(own, d->scratch, &addrs), n = 0;
    uint32_t *stances = arena_array(d->arena, uint32_t, n_addrs);
    for (size_t i = 0; i < n_addrs; i++) {
        uint32_t stance = stances_at(d->stances, addrs[i]);
        bool known = false;
        for (size_t j = 0; j < n && !known; j++)
            known = stances[j] == stance;
        if (!known) stances[n++] = stance;
    }
    if (n < 2) return;
    for (size_t i = 0; i < n_addrs; i++)
        take(d, addrs[i]);
    str *name = arena_new(d->arena, str);
    *name = machine->name;
    struct hardened hardened = d->stances->items[stances[0]].hardened;
    for (size_t i = 1; i < n; i++)
        hardened = hardened_both(hardened, d->stances->items[stances[i]].hardened);
    d->drafts[d->n++] = (struct draft){
        .members = own,
        .segment = d->stances->items[stances[0]].segment,
        .machine = machine,
        .stances = stances,
        .n_stances = n,
        .names = name,
        .n_names = 1,
        .hardened = hardened,
    };
}

/* ---- Classes ------------------------------------------------------------------------------------
 */

static int draft_order(const void *left, const void *right)
{
    const struct draft *a = left, *b = right;
    if (a->segment != b->segment) return a->segment < b->segment ? -1 : 1;
    return addr_compare(a->members.ranges[0].first, b->members.ranges[0].first);
}

/* What stances that share a class have in common. */
static int kinship(const struct stances *stances, const struct draft *a, const struct draft *b)
{
    const struct stance *x = &stances->items[a->stances[0]], *y = &stances->items[b->stances[0]];
    if (a->segment != b->segment) return a->segment < b->segment ? -1 : 1;
    if (!a->machine != !b->machine) return a->machine ? 1 : -1;
    if (x->cluster != y->cluster) return x->cluster ? 1 : -1;
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        if (x->modes[p] != y->modes[p]) return x->modes[p] < y->modes[p] ? -1 : 1;
    if (x->hardened.kind != y->hardened.kind) return x->hardened.kind < y->hardened.kind ? -1 : 1;
    if (x->hardened.overrides != y->hardened.overrides)
        return x->hardened.overrides < y->hardened.overrides ? -1 : 1;
    return 0;
}

/* One class of these drafts of one stance each, by address. */
static struct draft share(const struct draft *drafts, size_t n, struct arena *arena,
                          struct arena scratch)
{
    struct draft out = drafts[0];
    size_t n_ranges = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        n_ranges += drafts[i].members.n;
    uint32_t *stances = arena_array(arena, uint32_t, n);
    struct range *ranges = arena_array(&scratch, struct range, n_ranges);
    for (size_t i = 0; i < n; at += drafts[i++].members.n) {
        stances[i] = drafts[i].stances[0];
        memcpy(ranges + at, drafts[i].members.ranges, drafts[i].members.n * sizeof *ranges);
    }
    out.members = prefix_set_of(arena, ranges, n_ranges);
    out.stances = stances;
    out.n_stances = n;
    return out;
}

struct place_of_draft {
    const struct stances *stances;
    const struct draft *draft;
};

static int kin_order(const void *left, const void *right)
{
    const struct place_of_draft *a = left, *b = right;
    int order = kinship(a->stances, a->draft, b->draft);
    return order ? order : draft_order(a->draft, b->draft);
}

/* Stances of equal modes in one segment, when they are too many to have a class each. */
static size_t share_classes(const struct stances *stances, struct draft *drafts, size_t n,
                            size_t apart, size_t together, struct arena *arena,
                            struct arena scratch)
{
    struct place_of_draft *order = arena_array(&scratch, struct place_of_draft, n);
    struct draft *sorted = arena_array(&scratch, struct draft, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        order[i] = (struct place_of_draft){stances, &drafts[i]};
    if (n) qsort(order, n, sizeof *order, kin_order);
    for (size_t i = 0; i < n; i++)
        sorted[i] = *order[i].draft;
    for (size_t i = 0, next = 0; i < n; i = next) {
        while (next < n && !kinship(stances, &sorted[i], &sorted[next]))
            next++;
        bool alone = sorted[i].machine || next - i <= apart;
        for (size_t k = i; k < next; k += alone ? 1 : together) {
            size_t some = next - k < together ? next - k : together;
            drafts[kept++] = alone ? sorted[k] : share(sorted + k, some, arena, scratch);
        }
    }
    return kept;
}

struct named_member {
    struct addr addr;
    str name;
};

/* The names of machines whose addresses all have one stance: they stand with the class they are in.
 */
static void name_members(const struct stances *stances, const struct map *taken,
                         struct draft *drafts, size_t n, struct arena *arena, struct arena scratch)
{
    const struct resolved *r = decision_resolved(stances->decision);
    uint32_t *draft_of = arena_array(&scratch, uint32_t, stances->n);
    size_t *rooms = arena_array(&scratch, size_t, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < drafts[i].n_stances && !drafts[i].machine; j++)
            draft_of[drafts[i].stances[j]] = (uint32_t)i;
    for (size_t i = 0; i < r->n_machines; i++) {
        uint32_t stance = NOWHERE;
        const struct addr *addrs = r->machines[i].addrs;
        for (size_t j = 0; j < r->machines[i].n_addrs && stance == NOWHERE; j++)
            if (!map_find(taken, (str){(const char *)&addrs[j], sizeof addrs[j]}))
                stance = stances_at(stances, addrs[j]);
        if (stance == NOWHERE) continue;
        struct draft *draft = &drafts[draft_of[stance]];
        arena_grow(arena, draft->names, draft->n_names, rooms[draft - drafts]);
        draft->names[draft->n_names++] = r->machines[i].name;
    }
}

struct draft *stances_drafts(const struct stances *stances, size_t apart, size_t together,
                             struct arena *arena, struct arena scratch, size_t *n)
{
    const struct resolved *r = decision_resolved(stances->decision);
    struct drafting d = {.stances = stances, .arena = arena, .scratch = &scratch};
    if (stances->principals.n > 1) apart = SIZE_MAX;
    d.drafts = arena_array(arena, struct draft, stances->n + r->n_machines + 1);
    for (size_t i = 0; i < r->n_machines; i++)
        draft_machine(&d, &r->machines[i]);
    struct prefix_set taken = prefix_set_of(&scratch, d.taken_ranges, d.n_taken);
    uint32_t *numbers = arena_array(arena, uint32_t, stances->n);
    for (size_t i = 0; i < stances->n; i++) {
        struct prefix_set members =
            atoms_addresses(stances->atoms, stances->items[i].classes, arena);
        members = prefix_set_subtract(arena, members, taken);
        numbers[i] = (uint32_t)i;
        if (!members.n) continue;
        d.drafts[d.n++] = (struct draft){
            .members = members,
            .segment = stances->items[i].segment,
            .stances = &numbers[i],
            .n_stances = 1,
            .hardened = stances->items[i].hardened,
        };
    }
    d.n = share_classes(stances, d.drafts, d.n, apart, together, arena, scratch);
    if (d.n) qsort(d.drafts, d.n, sizeof *d.drafts, draft_order);
    name_members(stances, &d.taken, d.drafts, d.n, arena, scratch);
    *n = d.n;
    return d.drafts;
}
