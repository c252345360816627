/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/simulate.h"

#include "base/map.h"
#include "reason/ring_plan.h"

static const char *const verdict_texts[] = {
#define X(name, text) text,
    SIMULATE_VERDICTS(X)
#undef X
};

str simulate_verdict_text(enum simulate_verdict verdict)
{
    return str_of(verdict_texts[verdict]);
}

/* ---- Machines -----------------------------------------------------------------------------------
 */

/* A machine that the evidence or the policy names. */
struct known_machine {
    struct addr addr;      /* its first address */
    str name;              /* stable identity: name, else the address */
    bool has_own_evidence; /* its own log, or packets of it */
    bool has_own_log;
};

struct machines {
    struct known_machine *items;
    size_t n, room;
    struct map by_addr; /* address bytes → index */
    struct arena *arena;
    const struct resolved *resolved;
};

static str addr_key(uint8_t octets[16], struct addr a)
{
    addr_to_bytes(a, octets);
    return (str){(const char *)octets, 16};
}

static struct known_machine *machine_of(struct machines *all, struct addr a)
{
    uint8_t octets[16];
    bool fresh = false;
    uint64_t *index = map_put(&all->by_addr, all->arena, addr_key(octets, a), all->n, &fresh);
    if (!fresh) return &all->items[*index];

    struct known_machine machine = {
        .addr = a,
        .name = ring_plan_identity(all->resolved, a, all->arena),
    };
    const struct machine *named = NULL;
    for (size_t i = 0; i < all->resolved->n_machines && !named; i++)
        for (size_t j = 0; j < all->resolved->machines[i].n_addrs && !named; j++)
            if (addr_equal(all->resolved->machines[i].addrs[j], a))
                named = &all->resolved->machines[i];
    arena_grow(all->arena, all->items, all->n, all->room);
    size_t at = all->n++;
    all->items[at] = machine;
    /* All addresses of a named machine are the one machine. */
    for (size_t j = 0; named && j < named->n_addrs; j++)
        map_put(&all->by_addr, all->arena, addr_key(octets, named->addrs[j]), at, NULL);
    return &all->items[at];
}

static bool is_capture(str reader)
{
    return str_starts(reader, S("pcap"));
}

static bool lives_in_a_segment(const struct resolved *resolved, struct addr a)
{
    return resolve_segment(resolved, a) != SIZE_MAX;
}

bool simulate_server_answered(const struct matrix_flow *flow)
{
    return flow->outcomes[OUTCOME_ESTABLISHED] || flow->outcomes[OUTCOME_REFUSED] ||
           flow->outcomes[OUTCOME_ALLOWED] || flow->outcomes[OUTCOME_ACCESSED] ||
           flow->outcomes[OUTCOME_AUTH_FAILED];
}

static void see_end(struct machines *all, struct endpoint end, bool captured)
{
    if (addr_is_none(end.addr) || !lives_in_a_segment(all->resolved, end.addr)) return;
    struct known_machine *machine = machine_of(all, end.addr);
    if (captured) machine->has_own_evidence = true;
}

static bool is_single(struct range r)
{
    return addr_equal(r.first, r.last);
}

/* The hosts that a group names one by one: lone addresses, and whatever its host names and AD
 * groups stand for (what is left of the group without its prefixes). */
static void see_members(struct machines *all, size_t group)
{
    const struct group *g = &all->resolved->policy->groups[group];
    struct range *wide = arena_array(all->arena, struct range, g->n_hosts + 1);
    size_t n_wide = 0;
    for (size_t i = 0; i < g->n_hosts; i++) {
        struct range range = prefix_range(g->hosts[i].prefix);
        if (g->hosts[i].kind != MEMBER_PREFIX) continue;
        if (is_single(range))
            machine_of(all, range.first);
        else
            wide[n_wide++] = range;
    }
    struct prefix_set named = prefix_set_subtract(all->arena, all->resolved->groups[group],
                                                  prefix_set_of(all->arena, wide, n_wide));
    for (size_t i = 0; i < named.n; i++)
        for (struct addr a = named.ranges[i].first;; a = addr_next(a)) {
            machine_of(all, a);
            if (addr_equal(a, named.ranges[i].last)) break;
        }
}

static struct machines known_machines(const struct resolved *resolved,
                                      const struct matrix_view *matrix, struct arena *arena)
{
    struct machines all = {.arena = arena, .resolved = resolved};
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        bool captured = false;
        for (size_t j = 0; j < flow->n_evidence; j++)
            captured |= is_capture(flow->evidence[j].reader);
        see_end(&all, flow->client, captured);
        /* What never answered may not exist: a sweep must not make machines. */
        if (simulate_server_answered(flow)) see_end(&all, flow->server, captured);
    }
    for (size_t i = 0; i < matrix->n_coverage; i++)
        for (size_t j = 0; j < matrix->coverage[i].n_locals; j++) {
            struct addr a = matrix->coverage[i].locals[j];
            if (!lives_in_a_segment(resolved, a)) continue;
            struct known_machine *machine = machine_of(&all, a);
            machine->has_own_evidence = machine->has_own_log = true;
        }
    for (size_t i = 0; i < resolved->policy->n_groups; i++)
        see_members(&all, i);
    return all;
}

/* ---- Blind spots --------------------------------------------------------------------------------
 */

struct blind_list {
    struct blind_spot *items;
    size_t n, room;
};

static void blind_add(struct blind_list *list, struct arena *arena, struct blind_spot spot)
{
    arena_grow(arena, list->items, list->n, list->room);
    list->items[list->n++] = spot;
}

static bool any_seen(const struct machines *all, struct prefix_set set)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i].has_own_evidence && prefix_set_contains(set, all->items[i].addr))
            return true;
    return false;
}

static int blind_order(const void *left, const void *right)
{
    const struct blind_spot *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    return order ? order : str_compare(a->text, b->text);
}

static struct blind_list find_blind(const struct machines *all, struct arena *arena)
{
    const struct resolved *resolved = all->resolved;
    const struct policy *policy = resolved->policy;
    struct blind_list list = {0};
    for (size_t i = 0; i < all->n; i++) {
        const struct known_machine *machine = &all->items[i];
        size_t segment = resolve_segment(resolved, machine->addr);
        if (machine->has_own_evidence) continue;
        if (segment != SIZE_MAX && policy->segments[segment].trust != TRUST_MANAGED) continue;
        blind_add(&list, arena,
                  (struct blind_spot){
                      .addr = machine->addr,
                      .text = machine->name,
                      .segment = segment == SIZE_MAX ? (str){0} : policy->segments[segment].name,
                      .reason = S(
                          "no packet or log shows its own side: who uses it, and what it uses, is "
                          "unknown"),
                  });
    }
    for (size_t i = 0; i < policy->n_segments; i++) {
        if (policy->segments[i].trust != TRUST_MANAGED) continue;
        if (any_seen(all, resolved->places.segments[i])) continue;
        str text = str_format(arena, "segment %.*s", STR_ARG(policy->segments[i].name));
        blind_add(&list, arena,
                  (struct blind_spot){
                      .text = text,
                      .segment = policy->segments[i].name,
                      .reason = S("no packet or log of any host in it"),
                  });
    }
    for (size_t i = 0; i < policy->n_groups; i++)
        for (size_t j = 0; j < policy->groups[i].n_hosts; j++) {
            const struct member *member = &policy->groups[i].hosts[j];
            struct range range = prefix_range(member->prefix);
            char text[PREFIX_TEXT];
            if (member->kind != MEMBER_PREFIX || is_single(range)) continue;
            if (any_seen(all, (struct prefix_set){&range, 1})) continue;
            str prefix = prefix_text(text, member->prefix);
            blind_add(&list, arena,
                      (struct blind_spot){
                          .text = str_format(arena, "%.*s of group %.*s", STR_ARG(prefix),
                                             STR_ARG(policy->groups[i].name)),
                          .reason = S("no packet or log of any of its addresses"),
                      });
        }
    if (list.n) qsort(list.items, list.n, sizeof *list.items, blind_order);
    return list;
}

/* ---- Rings --------------------------------------------------------------------------------------
 */

/* Every address of the machines that a ring names. A percent ring holds known machines only: no
 * other has traffic here to judge. */
static struct prefix_set ring_members(const struct machines *all, const struct ring_plan *plan,
                                      size_t ring, struct arena *arena)
{
    struct range *picked = NULL;
    size_t n = 0, room = 0;
    if (!plan->resolved->policy->rings[ring].has_percent) return plan->named[ring];
    for (size_t i = 0; i < all->by_addr.n; i++) {
        struct addr a = addr_from_bytes((const uint8_t *)all->by_addr.entries[i].key.ptr);
        const struct known_machine *machine = &all->items[all->by_addr.entries[i].value];
        if (!ring_plan_has(plan, ring, a, machine->name)) continue;
        arena_grow(arena, picked, n, room);
        picked[n++] = (struct range){a, a};
    }
    return prefix_set_of(arena, picked, n);
}

/* ---- Flows --------------------------------------------------------------------------------------
 */

struct never {
    struct prefix_set from, to, except_from, except_to;
    const struct assertion *assertion;
};

struct judge {
    const struct resolved *resolved;
    const struct decision *decision;
    const struct never *nevers;
    size_t n_nevers;
    const struct prefix_set *deployed;
    struct arena *arena;
};

static const struct never *find_nevers(const struct resolved *resolved, size_t *n,
                                       struct arena *arena)
{
    const struct policy *policy = resolved->policy;
    struct never *nevers = arena_array(arena, struct never, policy->n_assertions + 1);
    *n = 0;
    for (size_t i = 0; i < policy->n_assertions; i++) {
        const struct assertion *a = &policy->assertions[i];
        if (a->kind != ASSERT_NEVER) continue;
        nevers[(*n)++] = (struct never){
            resolve_selectors(resolved, &a->from, RESOLVE_CLIENT, arena),
            resolve_selectors(resolved, &a->to, RESOLVE_SERVER, arena),
            resolve_selectors(resolved, &a->except_from, RESOLVE_CLIENT, arena),
            resolve_selectors(resolved, &a->except_to, RESOLVE_SERVER, arena),
            a,
        };
    }
    return nevers;
}

static bool is_never(const struct judge *judge, const struct flow_question *q, int service)
{
    for (size_t i = 0; i < judge->n_nevers; i++) {
        const struct never *never = &judge->nevers[i];
        bool listed = false;
        for (size_t j = 0; j < never->assertion->n_services; j++)
            listed |= never->assertion->services[j] == (size_t)service;
        if (listed && prefix_set_contains(never->from, q->client) &&
            prefix_set_contains(never->to, q->server) &&
            !prefix_set_contains(never->except_from, q->client) &&
            !prefix_set_contains(never->except_to, q->server))
            return true;
    }
    return false;
}

static str cure_of(const struct judge *judge, const struct flow_question *q,
                   const struct flow_answer *answer, enum side at)
{
    const struct policy *policy = judge->resolved->policy;
    char client[ADDR_TEXT], server[ADDR_TEXT];
    str from = addr_text(client, q->client), to = addr_text(server, q->server);
    str service = policy->services.services[answer->service].name;
    bool client_out = prefix_set_contains(judge->resolved->places.internet, q->client);
    bool server_out = prefix_set_contains(judge->resolved->places.internet, q->server);
    if (client_out != server_out)
        return str_format(
            judge->arena,
            "perimeter: - {direction: %s, from: \"%.*s\", to: \"%.*s\", service: %.*s}",
            server_out ? "outbound" : "inbound", STR_ARG(from), STR_ARG(to), STR_ARG(service));
    if (answer->intent == INTENT_ALLOW || answer->intent == INTENT_ALLOW_IF_SECURE)
        return str_format(judge->arena, "profiles: {%.*s: enforce} for the segment of the %s",
                          STR_ARG(profile_text(q->profile)),
                          at == SIDE_CLIENT_OUTBOUND ? "client" : "server");
    return str_format(judge->arena, "allow: - {from: \"%.*s\", to: \"%.*s\", service: %.*s}",
                      STR_ARG(from), STR_ARG(to), STR_ARG(service));
}

/* The verdict on a flow in one profile. */
static struct simulated_flow judge_in(const struct judge *judge, const struct matrix_flow *flow,
                                      enum profile profile, bool *governed)
{
    struct simulated_flow out = {.flow = flow, .profile = profile};
    struct flow_question q = {
        .client = flow->client.addr,
        .server = flow->server.addr,
        .transport = flow->transport,
        .port = flow->port,
        .service = SERVICE_NONE,
        .profile = profile,
        .deployed = judge->deployed,
    };
    *governed = true;
    if (addr_is_none(q.client) || addr_is_none(q.server)) {
        int service =
            service_by_port(judge->resolved->policy->services, flow->transport, flow->port);
        *governed = service != SERVICE_NONE && judge->resolved->policy->governed[service];
        struct endpoint unknown = addr_is_none(q.client) ? flow->client : flow->server;
        out.verdict = SIMULATE_UNDECIDABLE;
        out.because =
            str_format(judge->arena, "no address of \"%.*s\" is known", STR_ARG(unknown.name));
        return out;
    }
    struct flow_answer answer = decision_ask(judge->decision, &q);
    if (answer.intent == INTENT_UNGOVERNED) *governed = false;
    if (answer.intent == INTENT_UNDECIDABLE) {
        out.verdict = SIMULATE_UNDECIDABLE;
        out.because = decision_why(judge->decision, &q, SIDE_CLIENT_OUTBOUND, judge->arena).text;
        return out;
    }
    if (answer.passes) {
        bool escaped = answer.intent == INTENT_BLOCK;
        out.verdict = escaped ? SIMULATE_ESCAPED : SIMULATE_KEPT;
        if (escaped)
            out.because = S("the policy blocks it, but no end and no border enforces that yet");
        return out;
    }
    if (answer.passes_secured) {
        out.verdict = SIMULATE_UNDECIDABLE;
        out.because =
            S("passes only with IPsec, and whether both ends can authenticate is not known");
        return out;
    }
    for (size_t i = 0; i < answer.n_sides; i++)
        if (!answer.sides[i].passes) {
            out.at = answer.sides[i].side;
            break;
        }
    out.because = decision_why(judge->decision, &q, out.at, judge->arena).text;
    bool untrusted = prefix_set_contains(judge->resolved->builtins[BUILTIN_UNTRUSTED], q.client);
    bool wanted = view_flow_worked(flow) && !untrusted && !is_never(judge, &q, answer.service);
    out.verdict = wanted ? SIMULATE_BROKEN : SIMULATE_STOPPED;
    if (wanted) out.cure = cure_of(judge, &q, &answer, out.at);
    return out;
}

static unsigned gravity(enum simulate_verdict verdict)
{
    static const unsigned order[SIMULATE_VERDICT_COUNT] = {
        [SIMULATE_KEPT] = 0,    [SIMULATE_STOPPED] = 1, [SIMULATE_UNDECIDABLE] = 2,
        [SIMULATE_ESCAPED] = 3, [SIMULATE_BROKEN] = 4,
    };
    return order[verdict];
}

/* The gravest verdict over the profiles the flow was seen in; not said = domain (DESIGN.md 5). */
static struct simulated_flow judge_flow(const struct judge *judge, const struct matrix_flow *flow,
                                        bool *governed)
{
    struct simulated_flow worst = {0};
    bool has_any = false;
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        bool seen =
            flow->profiles[p] > 0 || (p == PROFILE_DOMAIN && flow->profiles[PROFILE_UNKNOWN] > 0);
        if (!seen) continue;
        struct simulated_flow one = judge_in(judge, flow, (enum profile)p, governed);
        if (!has_any || gravity(one.verdict) > gravity(worst.verdict)) worst = one;
        has_any = true;
    }
    if (has_any) return worst;
    return judge_in(judge, flow, PROFILE_DOMAIN, governed);
}

static int flow_order(const void *left, const void *right)
{
    const struct simulated_flow *a = left, *b = right;
    unsigned x = gravity(a->verdict), y = gravity(b->verdict);
    if (x != y) return x > y ? -1 : 1;
    if (a->flow->users.n != b->flow->users.n) return a->flow->users.n > b->flow->users.n ? -1 : 1;
    if (a->flow->last_us != b->flow->last_us) return a->flow->last_us > b->flow->last_us ? -1 : 1;
    return view_compare_flows(a->flow, b->flow);
}

static void count_enforcing(struct simulated_ring *ring, const struct machines *all,
                            const struct prefix_set *deployed)
{
    const struct resolved *resolved = all->resolved;
    for (size_t i = 0; i < all->n; i++) {
        const struct known_machine *machine = &all->items[i];
        if (!prefix_set_contains(*deployed, machine->addr)) continue;
        if (!prefix_set_contains(resolved->enforcing, machine->addr))
            ring->enforcing_cannot++;
        else if (machine->has_own_log)
            ring->enforcing_by_evidence++;
        else
            ring->enforcing_assumed++;
    }
}

static struct simulated_ring simulate_ring(const struct judge *judge, str name,
                                           const struct matrix_view *matrix, uint64_t *n_ungoverned)
{
    struct simulated_flow *flows =
        arena_array(judge->arena, struct simulated_flow, matrix->n_flows + 1);
    struct simulated_ring ring = {.name = name, .flows = flows};
    *n_ungoverned = 0;
    for (size_t i = 0; i < matrix->n_flows; i++) {
        bool governed = false;
        struct simulated_flow one = judge_flow(judge, &matrix->flows[i], &governed);
        if (!governed) {
            (*n_ungoverned)++;
            continue;
        }
        flows[ring.n_flows++] = one;
        ring.count[one.verdict]++;
    }
    if (ring.n_flows) qsort(flows, ring.n_flows, sizeof *flows, flow_order);
    return ring;
}

struct simulation simulate(const struct resolved *resolved, const struct decision *decision,
                           const struct matrix_view *matrix, struct arena *arena,
                           struct arena scratch)
{
    const struct policy *policy = resolved->policy;
    struct machines all = known_machines(resolved, matrix, arena);
    struct blind_list blind = find_blind(&all, arena);
    size_t n_rings = policy->n_rings ? policy->n_rings : 1;
    struct simulated_ring *rings = arena_array(arena, struct simulated_ring, n_rings);
    struct simulation out = {
        .rings = rings, .n_rings = n_rings, .blind = blind.items, .n_blind = blind.n};
    struct judge judge = {.resolved = resolved, .decision = decision, .arena = arena};
    judge.nevers = find_nevers(resolved, &judge.n_nevers, &scratch);
    struct ring_plan plan = ring_plan_of(resolved, arena);

    struct prefix_set deployed = {0};
    for (size_t i = 0; i < n_rings; i++) {
        struct prefix_set members = policy->n_rings ? ring_members(&all, &plan, i, arena)
                                                    : prefix_set_of(arena, &addr_all, 1);
        deployed = prefix_set_union(arena, deployed, members);
        judge.deployed = &deployed;
        rings[i] = simulate_ring(&judge, policy->n_rings ? policy->rings[i].name : S("all"), matrix,
                                 &out.n_ungoverned);
        count_enforcing(&rings[i], &all, &deployed);
    }
    return out;
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void print_flows(const struct simulated_ring *ring, enum simulate_verdict verdict,
                        const struct view_labels *labels, struct json *json)
{
    json_array(json);
    for (size_t i = 0; i < ring->n_flows; i++) {
        const struct simulated_flow *flow = &ring->flows[i];
        if (flow->verdict != verdict) continue;
        json_object(json);
        view_flow_members(json, flow->flow, labels);
        json_member_str(json, S("profile"), profile_text(flow->profile));
        if (verdict == SIMULATE_BROKEN) json_member_str(json, S("at"), side_text(flow->at));
        json_member_str(json, S("because"), flow->because);
        if (verdict == SIMULATE_BROKEN) json_member_str(json, S("cure"), flow->cure);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_blind(const struct simulation *simulation, struct json *json)
{
    json_array(json);
    for (size_t i = 0; i < simulation->n_blind; i++) {
        const struct blind_spot *spot = &simulation->blind[i];
        json_object(json);
        json_member_str(json, S("host"), spot->text);
        json_member_str_or_null(json, S("segment"), spot->segment);
        json_member_str(json, S("reason"), spot->reason);
        json_object_end(json);
    }
    json_array_end(json);
}

void simulate_print_json(const struct simulation *simulation, const struct policy *policy,
                         const struct view_labels *labels, str ring, struct buf *out)
{
    struct json json = json_to(out);
    json_object(&json);
    json_member_str(&json, S("policy"), policy->source);
    json_key(&json, S("rings"));
    json_array(&json);
    for (size_t i = 0; i < simulation->n_rings; i++) {
        const struct simulated_ring *r = &simulation->rings[i];
        if (ring.len && !str_equal(r->name, ring)) continue;
        json_object(&json);
        json_member_str(&json, S("ring"), r->name);
        json_key(&json, S("broken"));
        print_flows(r, SIMULATE_BROKEN, labels, &json);
        json_member_u64(&json, S("kept"), r->count[SIMULATE_KEPT]);
        json_member_u64(&json, S("stopped"), r->count[SIMULATE_STOPPED]);
        json_member_u64(&json, S("escaped"), r->count[SIMULATE_ESCAPED]);
        json_key(&json, S("blind"));
        print_blind(simulation, &json);
        json_key(&json, S("undecidable"));
        print_flows(r, SIMULATE_UNDECIDABLE, labels, &json);
        json_key(&json, S("enforcing"));
        json_object(&json);
        json_member_u64(&json, S("by_evidence"), r->enforcing_by_evidence);
        json_member_u64(&json, S("assumed"), r->enforcing_assumed);
        json_member_u64(&json, S("cannot"), r->enforcing_cannot);
        json_object_end(&json);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(out, '\n');
}
