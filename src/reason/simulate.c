/* SPDX-License-Identifier: Apache-2.0 */
/* A flow is asked once per profile it was seen in, with the policy everywhere; what machines have
 * it in which ring is laid over the sides of that answer. So more rings cost next to nothing, and
 * the next policy costs one question per flow.
 */
#include "reason/simulate.h"

#include "base/map.h"
#include "harden/baseline.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const str verdict_texts[] = {
#define X(name, text) T(text),
    SIMULATE_VERDICTS(X)
#undef X
};

str simulate_verdict_text(enum simulate_verdict verdict)
{
    assert((size_t)verdict < COUNT_OF(verdict_texts));
    return verdict_texts[verdict];
}

str simulate_at_text(unsigned at)
{
    return at == SIMULATE_AT_HARDENING ? S("hardening") : side_text((enum side)at);
}

struct never {
    struct prefix_set from, to, except_from, except_to;
    const struct assertion *assertion;
};

/* In which ring an end has the policy. */
struct placing {
    uint16_t ring;  /* the first that has it for certain */
    uint16_t maybe; /* the first that may have it: its members are not all known */
};

/* What is looked up per era. */
struct era_tables {
    const struct placing *placings; /* per end of the replay */
    const struct never *nevers;
    size_t n_nevers;
    const struct harden_bound *const *bounds; /* per end; NULL when nothing is hardened */
};

struct simulate_world {
    const struct resolved *resolved;
    const struct replay *replay;
    const struct decision *previous;
    struct eras eras;
    struct era_tables tables[LIMIT_ERAS];
    const bool *is_broadcast; /* per end: the directed broadcast of its segment's network */
    size_t n_rings;
    enum harden_mode hardening;
    int quic, previous_quic; /* service smb-quic of either policy */
};

/* ---- Rings --------------------------------------------------------------------------------------
 */

static struct placing place_end(const struct era *era, struct addr a, str identity)
{
    const struct ring_plan *plan = &era->plan;
    if (!plan->n) return (struct placing){0, 0};
    struct placing out = {.ring = (uint16_t)ring_plan_ring(plan, a, identity)};
    out.maybe = out.ring;
    for (size_t i = 0; i < out.ring; i++)
        if (plan->unknown[i].len) {
            out.maybe = (uint16_t)i;
            break;
        }
    return out;
}

struct named_address {
    struct addr addr;
    str name;
};

static int named_order(const void *left, const void *right)
{
    const struct named_address *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    return order ? order : str_compare(a->name, b->name);
}

static struct named_address *name_addresses(const struct resolved *resolved, struct arena *arena,
                                            size_t *n)
{
    size_t count = 0;
    for (size_t i = 0; i < resolved->n_machines; i++)
        count += resolved->machines[i].n_addrs;
    struct named_address *all = arena_array(arena, struct named_address, count + 1);
    *n = 0;
    for (size_t i = 0; i < resolved->n_machines; i++)
        for (size_t j = 0; j < resolved->machines[i].n_addrs; j++)
            all[(*n)++] =
                (struct named_address){resolved->machines[i].addrs[j], resolved->machines[i].name};
    if (count) qsort(all, count, sizeof *all, named_order);
    return all;
}

/* As ring_plan_identity has it, for many addresses. */
struct identities {
    const struct resolved *resolved;
    const struct named_address *named; /* of machines that the policy names */
    size_t n;
};

static struct identities identities_of(const struct resolved *resolved, struct arena *arena)
{
    struct identities out = {.resolved = resolved};
    out.named = name_addresses(resolved, arena, &out.n);
    return out;
}

static str identity_of(const struct identities *all, struct addr a, char text[ADDR_TEXT])
{
    const struct host_lookup *lookup = all->resolved->lookup;
    size_t low = 0, high = all->n;
    str name = {0};
    if (lookup && lookup->name) name = lookup->name(lookup->to, a, all->resolved->as_of_us);
    if (name.len) return name;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(all->named[middle].addr, a) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_named = low < all->n && addr_equal(all->named[low].addr, a);
    return is_named ? all->named[low].name : addr_text(text, a);
}

static const struct placing *place_ends(const struct era *era, const struct replay *replay,
                                        struct arena *arena, struct arena scratch)
{
    struct placing *out = arena_array(arena, struct placing, replay->n_ends + 1);
    struct identities identities = identities_of(era->resolved, &scratch);
    for (size_t i = 0; i < replay->n_ends; i++) {
        char text[ADDR_TEXT];
        struct addr a = replay->ends[i].addr;
        out[i] = place_end(era, a, identity_of(&identities, a, text));
    }
    return out;
}

/* ---- What must never pass -----------------------------------------------------------------------
 */

static void find_nevers(const struct resolved *resolved, struct era_tables *out,
                        struct arena *arena)
{
    const struct policy *policy = resolved->policy;
    struct never *nevers = arena_array(arena, struct never, policy->n_assertions + 1);
    for (size_t i = 0; i < policy->n_assertions; i++) {
        const struct assertion *a = &policy->assertions[i];
        if (a->kind == ASSERT_ALWAYS) continue;
        nevers[out->n_nevers++] = (struct never){
            resolve_selectors(resolved, &a->from, RESOLVE_CLIENT, arena),
            resolve_selectors(resolved, &a->to, RESOLVE_SERVER, arena),
            resolve_selectors(resolved, &a->except_from, RESOLVE_CLIENT, arena),
            resolve_selectors(resolved, &a->except_to, RESOLVE_SERVER, arena),
            a,
        };
    }
    out->nevers = nevers;
}

static bool never_covers(const struct never *never, struct addr client, struct addr server,
                         int service)
{
    bool listed = false;
    for (size_t j = 0; j < never->assertion->n_services; j++)
        listed |= never->assertion->services[j] == (size_t)service;
    if (!listed) return false;
    bool from = prefix_set_contains(never->from, client) &&
                !prefix_set_contains(never->except_from, client);
    bool to =
        prefix_set_contains(never->to, server) && !prefix_set_contains(never->except_to, server);
    /* `only` is `never` for every other client. */
    return to && from == (never->assertion->kind == ASSERT_NEVER);
}

/* ---- One flow -----------------------------------------------------------------------------------
 */

/* What is asked of one flow in one profile, for all rings. */
struct asked {
    const struct simulate_world *world;
    const struct era *era;
    const struct era_tables *tables;
    const struct matrix_flow *flow;
    const struct replay_flow *replayed;
    struct flow_question question;
    struct flow_answer now, held; /* of the policy, and of the one before, both everywhere */
    enum { NOT_ASKED, WANTED, UNWANTED } wanted;
};

/* What the sides say once it is known which ends have the policy. */
struct path {
    bool passes, passes_secured;
    bool held; /* a machine that still holds the previous policy enforces it */
    uint8_t at;
    bool by_previous; /* of `at` */
};

static const struct side_answer *side_of(const struct flow_answer *answer, enum side side)
{
    for (size_t i = 0; i < answer->n_sides; i++)
        if (answer->sides[i].side == side) return &answer->sides[i];
    return NULL;
}

static struct path path_of(const struct asked *asked, bool client, bool server)
{
    struct path path = {.passes = true, .passes_secured = true};
    for (unsigned i = 0; i < SIDE_COUNT; i++) {
        /* Borders hold in every ring. */
        bool previous =
            (i == SIDE_CLIENT_OUTBOUND && !client) || (i == SIDE_SERVER_INBOUND && !server);
        const struct side_answer *side =
            side_of(previous ? &asked->held : &asked->now, (enum side)i);
        if (!side) continue;
        path.held |= previous && side->enforces;
        if (!side->passes && path.passes) {
            path.at = (uint8_t)i;
            path.by_previous = previous;
        }
        path.passes = path.passes && side->passes;
        path.passes_secured = path.passes_secured && side->passes_secured;
    }
    return path;
}

/* A flow that worked, from a client that may, and that no assertion forbids. */
static bool is_wanted(struct asked *asked)
{
    const struct resolved *resolved = asked->era->resolved;
    struct addr client = asked->question.client, server = asked->question.server;
    if (asked->wanted != NOT_ASKED) return asked->wanted == WANTED;
    bool unwanted = !asked->replayed->worked ||
                    prefix_set_contains(resolved->builtins[BUILTIN_UNTRUSTED], client);
    bool managed = prefix_set_contains(resolved->managed, client) ||
                   prefix_set_contains(resolved->managed, server);
    for (size_t i = 0; i < asked->tables->n_nevers && !unwanted && managed; i++)
        unwanted = never_covers(&asked->tables->nevers[i], client, server, asked->now.service);
    asked->wanted = unwanted ? UNWANTED : WANTED;
    return !unwanted;
}

static bool gets_baseline(const struct asked *asked, enum side side, bool deployed)
{
    const struct side_answer *answer = side_of(&asked->now, side);
    return deployed && answer && answer->enforces;
}

static void judge_hardening(struct asked *asked, bool client, bool server,
                            struct simulated_flow *out)
{
    const struct simulate_world *world = asked->world;
    if (world->hardening == HARDEN_OFF || !asked->replayed->worked) return;
    const struct harden_bound *const *bounds = asked->tables->bounds;
    bool at_client = gets_baseline(asked, SIDE_CLIENT_OUTBOUND, client);
    bool at_server = gets_baseline(asked, SIDE_SERVER_INBOUND, server);
    struct harden_verdict v =
        harden_judge(asked->flow, at_client ? bounds[asked->replayed->client] : NULL,
                     at_server ? bounds[asked->replayed->server] : NULL);
    out->lacks = v.lacks;
    out->advice = v.advice;
    out->unknown = v.unknown && !v.lacks;
    if (!v.lacks || world->hardening != HARDEN_ENFORCE) return;
    out->verdict = is_wanted(asked) ? SIMULATE_BROKEN : SIMULATE_STOPPED;
    out->at = SIMULATE_AT_HARDENING;
    out->why = SIMULATE_WHY_HARDENING;
}

static struct simulated_flow judge_path(struct asked *asked, bool client, bool server)
{
    struct simulated_flow out = {.flow = asked->flow, .profile = (uint8_t)asked->question.profile};
    enum intent intent = asked->now.intent;
    if (intent == INTENT_LOCAL) return out;
    if (intent == INTENT_UNDECIDABLE) {
        out.verdict = SIMULATE_UNDECIDABLE;
        out.why = SIMULATE_WHY_INTENT;
        return out;
    }
    struct path path = path_of(asked, client, server);
    if (path.passes && intent == INTENT_BLOCK) {
        out.verdict = SIMULATE_ESCAPED;
        out.why = path.held ? SIMULATE_WHY_STILL_HELD : SIMULATE_WHY_NOT_YET;
        return out;
    }
    if (path.passes) {
        judge_hardening(asked, client, server, &out);
        return out;
    }
    if (path.passes_secured) {
        out.verdict = SIMULATE_UNDECIDABLE;
        out.why = SIMULATE_WHY_IPSEC;
        return out;
    }
    out.verdict = is_wanted(asked) ? SIMULATE_BROKEN : SIMULATE_STOPPED;
    out.at = path.at;
    out.why = path.by_previous ? SIMULATE_WHY_PREVIOUS : SIMULATE_WHY_POLICY;
    return out;
}

static struct placing placing_of(const struct asked *asked, uint32_t end)
{
    return asked->tables->placings[end];
}

/* Where a ring's members are not all known, an end may have the policy or not: if that makes a
 * difference, nobody can tell. */
static struct simulated_flow judge_in_ring(struct asked *asked, size_t ring)
{
    struct placing client = placing_of(asked, asked->replayed->client);
    struct placing server = placing_of(asked, asked->replayed->server);
    bool client_sure = client.ring <= ring || client.maybe > ring;
    bool server_sure = server.ring <= ring || server.maybe > ring;
    struct simulated_flow first = judge_path(asked, client.ring <= ring, server.ring <= ring);
    for (unsigned other = 1; other < 4; other++) {
        bool flip_client = other & 1, flip_server = other >> 1 & 1;
        if ((flip_client && client_sure) || (flip_server && server_sure)) continue;
        struct simulated_flow second = judge_path(asked, (client.ring <= ring) != flip_client,
                                                  (server.ring <= ring) != flip_server);
        if (second.verdict == first.verdict) continue;
        return (struct simulated_flow){
            .flow = first.flow,
            .verdict = SIMULATE_UNDECIDABLE,
            .profile = first.profile,
            .why = SIMULATE_WHY_RING,
        };
    }
    return first;
}

/* No service has udp/443 by its port alone; what the matrix keeps of it is SMB by its content. */
static int service_asked(const struct matrix_flow *flow, int quic)
{
    enum { PORT_QUIC = 443 };
    return flow->transport == TRANSPORT_UDP && flow->port == PORT_QUIC ? quic : SERVICE_NONE;
}

static struct flow_question question_of(const struct simulate_world *world,
                                        const struct matrix_flow *flow, enum profile profile)
{
    return (struct flow_question){
        .client = flow->client.addr,
        .server = flow->server.addr,
        .transport = flow->transport,
        .port = flow->port,
        .service = service_asked(flow, world->quic),
        .profile = profile,
    };
}

static struct asked ask(const struct simulate_world *world, size_t at, enum profile profile)
{
    const struct matrix_flow *flow = &world->replay->matrix->flows[at];
    const struct replay_flow *replayed = &world->replay->flows[at];
    uint8_t era = world->eras.of_flow ? world->eras.of_flow[at] : 0;
    struct asked out = {
        .world = world,
        .era = &world->eras.items[era],
        .tables = &world->tables[era],
        .flow = flow,
        .replayed = replayed,
        .question = question_of(world, flow, profile),
    };
    if (world->is_broadcast[replayed->client] || world->is_broadcast[replayed->server]) {
        out.now.intent = INTENT_LOCAL;
        return out;
    }
    out.now = decision_ask(out.era->decision, &out.question);
    if (!world->previous) return out;
    struct flow_question before = out.question;
    before.service = service_asked(flow, world->previous_quic);
    out.held = decision_ask(world->previous, &before);
    return out;
}

/* A flow that can't be asked; false when its service is not governed. */
static bool judge_unasked(const struct simulate_world *world, const struct matrix_flow *flow,
                          enum simulate_why why, struct simulated_flow *out)
{
    const struct policy *policy = world->resolved->policy;
    int quic = service_asked(flow, world->quic);
    int service = quic != SERVICE_NONE
                      ? quic
                      : service_by_port(policy->services, flow->transport, flow->port);
    if (service == SERVICE_NONE || !policy->governed[service]) return false;
    for (size_t i = 0; i < world->n_rings; i++)
        out[i] = (struct simulated_flow){
            .flow = flow,
            .verdict = SIMULATE_UNDECIDABLE,
            .profile = PROFILE_DOMAIN,
            .why = (uint8_t)why,
        };
    return true;
}

/* The verdict on a flow in each ring: the gravest over the profiles it was seen in; not said =
 * domain (DESIGN.md 5). False when the policy leaves it alone. */
static bool judge_flow(const struct simulate_world *world, size_t at, struct simulated_flow *out)
{
    const struct matrix_flow *flow = &world->replay->matrix->flows[at];
    if (addr_is_none(flow->client.addr) || addr_is_none(flow->server.addr))
        return judge_unasked(world, flow, SIMULATE_WHY_NAME, out);
    if (world->eras.of_flow && world->eras.of_flow[at] == ERAS_TOO_MANY)
        return judge_unasked(world, flow, SIMULATE_WHY_ERA, out);
    bool named[PROFILE_COUNT] = {0}, any = false;
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        any |= named[p] = flow->profiles[p] > 0;
    named[PROFILE_DOMAIN] |= flow->profiles[PROFILE_UNKNOWN] > 0 || !any;
    bool first = true;
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        if (!named[p]) continue;
        struct asked asked = ask(world, at, (enum profile)p);
        if (asked.now.intent == INTENT_UNGOVERNED) return false;
        for (size_t i = 0; i < world->n_rings; i++) {
            struct simulated_flow one = judge_in_ring(&asked, i);
            if (first || one.verdict > out[i].verdict) out[i] = one;
        }
        first = false;
    }
    return true;
}

/* ---- A ring -------------------------------------------------------------------------------------
 */

static void count_flow(struct simulated_ring *ring, const struct simulated_flow *flow)
{
    ring->count[flow->verdict]++;
    ring->lacking_any += flow->lacks != 0;
    ring->hardening_unknown += flow->unknown;
    for (size_t i = 0; i < HARDEN_COUNT; i++)
        ring->lacking[i] += (flow->lacks | flow->advice) >> i & 1;
}

/* judged: ring by ring for each flow, in the order of the matrix; without a flow: not governed. */
static void sort_ring(const struct simulate_world *world, struct simulated_ring *ring, size_t at,
                      const struct simulated_flow *judged, struct arena *arena)
{
    const struct replay *replay = world->replay;
    size_t start[SIMULATE_VERDICT_COUNT] = {0};
    for (size_t i = 0; i < replay->matrix->n_flows; i++) {
        const struct simulated_flow *flow = &judged[i * world->n_rings + at];
        if (!flow->flow) continue;
        count_flow(ring, flow);
        ring->n_flows++;
    }
    struct simulated_flow *flows = arena_array(arena, struct simulated_flow, ring->n_flows + 1);
    for (size_t v = SIMULATE_VERDICT_COUNT - 1; v > 0; v--)
        start[v - 1] = start[v] + (size_t)ring->count[v];
    for (size_t i = 0; i < replay->matrix->n_flows; i++) {
        const struct simulated_flow *flow = &judged[replay->order[i] * world->n_rings + at];
        if (flow->flow) flows[start[flow->verdict]++] = *flow;
    }
    ring->flows = flows;
}

static void count_enforcing(const struct simulate_world *world, struct simulated_ring *rings,
                            const struct known_machines *machines, struct arena scratch)
{
    const struct resolved *resolved = world->resolved;
    struct identities identities = identities_of(resolved, &scratch);
    for (size_t i = 0; i < machines->n; i++) {
        const struct known_machine *machine = &machines->items[i];
        char text[ADDR_TEXT];
        str identity = identity_of(&identities, machine->addr, text);
        struct placing placing = place_end(&world->eras.items[0], machine->addr, identity);
        bool enforces = prefix_set_contains(resolved->enforcing, machine->addr);
        for (size_t k = placing.ring; k < world->n_rings; k++) {
            rings[k].enforcing_cannot += !enforces;
            rings[k].enforcing_by_evidence += enforces && machine->has_own_log;
            rings[k].enforcing_assumed += enforces && !machine->has_own_log;
        }
    }
}

/* ---- How far the evidence reaches ---------------------------------------------------------------
 */

struct window {
    bool has_times;
    int64_t from_us, to_us;
};

static void widen(struct window *window, const struct window *more)
{
    if (!more->has_times) return;
    if (!window->has_times || more->from_us < window->from_us) window->from_us = more->from_us;
    if (!window->has_times || more->to_us > window->to_us) window->to_us = more->to_us;
    window->has_times = true;
}

static uint32_t days_of(const struct window *window)
{
    return window->has_times ? replay_days(window->from_us, window->to_us) : 0;
}

enum { DAYS_MONTHLY = 35, DAYS_QUARTERLY = 100 };

static struct simulate_warning warning_of(uint32_t days, struct addr server, struct arena *arena)
{
    str text =
        !days ? S("nothing tells when the evidence is from: whether monthly and quarterly jobs are "
                  "in it is not known")
              : str_format(arena, "evidence covers %u day%s: %s jobs outside it are not seen", days,
                           days == 1 ? "" : "s",
                           days < DAYS_MONTHLY ? "monthly and quarterly" : "quarterly");
    return (struct simulate_warning){
        .server = server, .days = days, .kind = S("short-evidence"), .text = text};
}

static int warning_order(const void *left, const void *right)
{
    const struct simulate_warning *a = left, *b = right;
    bool a_ring = addr_is_none(a->server), b_ring = addr_is_none(b->server);
    if (a_ring != b_ring) return a_ring ? -1 : 1;
    if (a->days != b->days) return a->days < b->days ? -1 : 1;
    return addr_compare(a->server, b->server);
}

/* Evidence of an end: its flows and logs, and the time in which packets of it would have been
 * seen. */
static struct window window_of(const struct replay *replay, const struct replay_end *end)
{
    struct window window = {end->has_times, end->from_us, end->to_us};
    struct window captures = {replay->captures_have_times, replay->captures_from_us,
                              replay->captures_to_us};
    if (end->captured) widen(&window, &captures);
    return window;
}

static void warn(const struct simulate_world *world, struct simulated_ring *ring, size_t at,
                 struct arena *arena)
{
    const struct replay *replay = world->replay;
    struct simulate_warning *items = NULL;
    struct window whole = {0};
    size_t n = 0, room = 0;
    if (!replay->matrix->n_flows) return;
    for (size_t i = 0; i < replay->n_ends; i++) {
        if (world->tables[0].placings[i].ring > at) continue;
        struct window window = window_of(replay, &replay->ends[i]);
        widen(&whole, &window);
    }
    uint32_t days = days_of(&whole);
    if (days < DAYS_QUARTERLY) {
        arena_grow(arena, items, n, room);
        items[n++] = warning_of(days, (struct addr){0}, arena);
    }
    /* Servers of which less is known than of the ring as a whole. */
    for (size_t i = 0; i < replay->n_ends; i++) {
        const struct replay_end *end = &replay->ends[i];
        if (!end->serves || world->tables[0].placings[i].ring > at) continue;
        if (!prefix_set_contains(world->resolved->managed, end->addr)) continue;
        struct window window = window_of(replay, end);
        uint32_t own = days_of(&window);
        if (own >= days || own >= DAYS_QUARTERLY) continue;
        arena_grow(arena, items, n, room);
        items[n++] = warning_of(own, end->addr, arena);
    }
    if (n) qsort(items, n, sizeof *items, warning_order);
    ring->warnings = items;
    ring->n_warnings = n;
}

/* ---- The whole ----------------------------------------------------------------------------------
 */

static const bool *find_broadcasts(const struct resolved *resolved, const struct replay *replay,
                                   struct arena *arena)
{
    bool *out = arena_array(arena, bool, replay->n_ends + 1);
    for (size_t i = 0; i < replay->n_ends; i++)
        out[i] = blind_is_broadcast(resolved, replay->ends[i].addr);
    return out;
}

/* What flows of each end are judged by: the few kinds of machines share it. */
static const struct harden_bound *const *find_bounds(const struct era *era,
                                                     const struct replay *replay,
                                                     struct arena *arena, struct arena scratch)
{
    const struct policy *policy = era->resolved->policy;
    const struct harden_bound **out =
        arena_array(arena, const struct harden_bound *, replay->n_ends + 1);
    struct arena work = arena_open("hardening of ends", 0, NULL);
    const struct hardened_ends *ends = hardened_ends_of(era->decision, &work, scratch);
    struct map known = {0};
    struct harden_bound **bounds = NULL;
    size_t n = 0, room = 0;
    for (size_t i = 0; i < replay->n_ends; i++) {
        bool fresh = false;
        struct hardened machine = hardened_at(ends, replay->ends[i].addr);
        const uint64_t key[] = {(uint64_t)machine.kind, machine.overrides};
        uint64_t at = *map_put(&known, &work, (str){(const char *)key, sizeof key}, n, &fresh);
        if (fresh) {
            arena_grow(&work, bounds, n, room);
            bounds[n] = arena_new(arena, struct harden_bound);
            *bounds[n++] = harden_bound_of(policy, &machine);
        }
        out[i] = bounds[at];
    }
    arena_close(&work);
    return out;
}

static struct simulate_world *world_of(const struct simulate_question *q, struct arena *arena,
                                       struct arena scratch)
{
    struct simulate_world *world = arena_new(arena, struct simulate_world);
    const struct policy *policy = q->resolved->policy;
    world->resolved = q->resolved;
    world->replay = q->replay;
    world->previous = q->previous;
    world->eras = eras_of(q->resolved, q->decision, q->replay, q->hosts, q->lookup, arena, scratch);
    world->n_rings = policy->n_rings ? policy->n_rings : 1;
    world->hardening = harden_mode_of(policy);
    world->is_broadcast = find_broadcasts(q->resolved, q->replay, arena);
    world->quic = service_by_name(policy->services, S("smb-quic"));
    if (q->previous)
        world->previous_quic =
            service_by_name(decision_resolved(q->previous)->policy->services, S("smb-quic"));
    for (size_t i = 0; i < world->eras.n; i++) {
        const struct era *era = &world->eras.items[i];
        world->tables[i].placings = place_ends(era, q->replay, arena, scratch);
        find_nevers(era->resolved, &world->tables[i], arena);
        if (world->hardening != HARDEN_OFF)
            world->tables[i].bounds = find_bounds(era, q->replay, arena, scratch);
    }
    return world;
}

struct simulation simulate(const struct simulate_question *question, struct arena *arena,
                           struct arena scratch)
{
    const struct policy *policy = question->resolved->policy;
    const struct replay *replay = question->replay;
    struct simulate_world *world = world_of(question, arena, scratch);
    size_t n_flows = replay->matrix->n_flows;
    struct simulated_ring *rings = arena_array(arena, struct simulated_ring, world->n_rings);
    struct simulation out = {
        .rings = rings,
        .n_rings = world->n_rings,
        .hardening = world->hardening,
        .world = world,
    };
    struct simulated_flow *judged =
        arena_array(&scratch, struct simulated_flow, n_flows * world->n_rings + 1);
    for (size_t i = 0; i < n_flows; i++)
        out.n_ungoverned += !judge_flow(world, i, &judged[i * world->n_rings]);
    struct known_machines machines = blind_machines(question->resolved, replay, arena, scratch);
    for (size_t i = 0; i < world->n_rings; i++) {
        rings[i].name = policy->n_rings ? policy->rings[i].name : S("all");
        sort_ring(world, &rings[i], i, judged, arena);
        warn(world, &rings[i], i, arena);
    }
    count_enforcing(world, rings, &machines, scratch);
    out.blind = blind_find(question->resolved, &machines, arena, scratch, &out.n_blind);
    return out;
}

/* ---- Why ----------------------------------------------------------------------------------------
 */

const struct replay *simulate_replay(const struct simulation *simulation)
{
    return simulation->world->replay;
}

const struct eras *simulate_eras(const struct simulation *simulation)
{
    return &simulation->world->eras;
}

static size_t index_of(const struct simulation *simulation, const struct simulated_flow *flow)
{
    return (size_t)(flow->flow - simulation->world->replay->matrix->flows);
}

const struct era *simulate_era(const struct simulation *simulation,
                               const struct simulated_flow *flow)
{
    const struct eras *eras = &simulation->world->eras;
    uint8_t era = eras->of_flow ? eras->of_flow[index_of(simulation, flow)] : 0;
    return era == ERAS_TOO_MANY ? &eras->items[0] : &eras->items[era];
}

struct flow_question simulate_ask(const struct simulation *simulation,
                                  const struct simulated_flow *flow)
{
    return question_of(simulation->world, flow->flow, (enum profile)flow->profile);
}

static str why_previous(const struct simulation *simulation, const struct simulated_flow *flow,
                        struct arena *arena)
{
    const struct simulate_world *world = simulation->world;
    struct flow_question q = simulate_ask(simulation, flow);
    q.service = service_asked(flow->flow, world->previous_quic);
    str rule = decision_why(world->previous, &q, (enum side)flow->at, arena).text;
    return str_format(arena, "the %s still holds the previous policy: %.*s",
                      flow->at == SIDE_CLIENT_OUTBOUND ? "client" : "server", STR_ARG(rule));
}

static str why_hardening(const struct simulated_flow *flow, struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (unsigned i = 0; i < HARDEN_COUNT; i++) {
        if (!(flow->lacks >> i & 1)) continue;
        if (out.len) buf_str(&out, S("; "));
        buf_str(&out, harden_why(arena, flow->flow, (enum harden_id)i));
    }
    return buf_text(&out);
}

static str why_intent(const struct simulation *simulation, const struct simulated_flow *flow,
                      struct arena *arena)
{
    const struct era *era = simulate_era(simulation, flow);
    struct flow_question q = simulate_ask(simulation, flow);
    str who = decision_why(era->decision, &q, SIDE_COUNT, arena).undecidable;
    return str_format(arena, "who is in %.*s is not known", STR_ARG(who));
}

static str why_ring(const struct simulation *simulation, const struct simulated_flow *flow,
                    struct arena *arena)
{
    const struct ring_plan *plan = &simulate_era(simulation, flow)->plan;
    for (size_t i = 0; i < plan->n; i++)
        if (plan->unknown[i].len)
            return str_format(arena,
                              "whether its machines are in ring %.*s is not known: no address of "
                              "%.*s is",
                              STR_ARG(plan->resolved->policy->rings[i].name),
                              STR_ARG(plan->unknown[i]));
    return (str){0};
}

/* Reasons that are the same for every flow. */
static const str whys[] = {
    [SIMULATE_WHY_IPSEC] =
        T("passes only with IPsec, and whether both ends can authenticate is not known"),
    [SIMULATE_WHY_ERA] = T("its addresses were those of too many hosts to follow"),
    [SIMULATE_WHY_NOT_YET] = T("the policy blocks it, but no end and no border enforces that yet"),
    [SIMULATE_WHY_STILL_HELD] =
        T("the policy blocks it, but its machines still hold the previous one, which does not"),
};

static str why_name(const struct matrix_flow *flow, struct arena *arena)
{
    bool client = addr_is_none(flow->client.addr);
    return str_format(arena, "no address of \"%.*s\" is known",
                      STR_ARG(client ? flow->client.name : flow->server.name));
}

static str why_policy(const struct simulation *simulation, const struct simulated_flow *flow,
                      struct arena *arena)
{
    struct flow_question q = simulate_ask(simulation, flow);
    return decision_why(simulate_era(simulation, flow)->decision, &q, (enum side)flow->at, arena)
        .text;
}

str simulate_because(const struct simulation *simulation, const struct simulated_flow *flow,
                     struct arena *arena)
{
    if (flow->why == SIMULATE_WHY_POLICY) return why_policy(simulation, flow, arena);
    if (flow->why == SIMULATE_WHY_PREVIOUS) return why_previous(simulation, flow, arena);
    if (flow->why == SIMULATE_WHY_HARDENING) return why_hardening(flow, arena);
    if (flow->why == SIMULATE_WHY_INTENT) return why_intent(simulation, flow, arena);
    if (flow->why == SIMULATE_WHY_RING) return why_ring(simulation, flow, arena);
    if (flow->why == SIMULATE_WHY_NAME) return why_name(flow->flow, arena);
    return flow->why < COUNT_OF(whys) ? whys[flow->why] : (str){0};
}
