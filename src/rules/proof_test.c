/* SPDX-License-Identifier: Apache-2.0 */
/* What bundles say is what the policy says; and whatever changes a bundle's meaning is found, with
 * a point at which the changed rules, read rule by rule, really differ from the policy. */
#include "base/map.h"
#include "base/test.h"
#include "policy/authorised.h"
#include "rules/bundle.h"
#include "rules/random_world.h"
#include "rules/universe.h"
#include "rules/verdict.h"

enum { WORLDS = 150, MUTANT_WORLDS = 60, SECURITY_WORLDS = 80, POINTS = 300 };

/* ---- Rules, one point at a time -----------------------------------------------------------------
 */

static bool proves_border(const struct prover *prover, const struct border *border,
                          struct ruleset rules, struct arena *arena, struct arena scratch,
                          struct counterexample *witness)
{
    struct enforced_border enforced = {border, rules, ENGINE_NFTABLES, REST_UNTOUCHED};
    return decision_proves_border(prover, &enforced, arena, scratch, witness);
}

struct rule_point {
    enum direction direction;
    struct addr local, remote;
    enum transport transport;
    uint16_t port;
    enum profile profile;
    bool secured;
};

static bool rule_matches(const struct rule *r, const struct rule_point *at)
{
    bool port = !r->n_ports;
    for (size_t i = 0; i < r->n_ports; i++)
        port = port || (r->ports[i].first <= at->port && at->port <= r->ports[i].last);
    bool transport = r->transport == TRANSPORT_NONE || r->transport == at->transport;
    return r->enabled && port && r->direction == at->direction && transport &&
           (r->profiles >> at->profile & 1) && prefix_set_contains(r->local, at->local) &&
           prefix_set_contains(r->remote, at->remote);
}

static enum rule_verdict linear_verdict(struct ruleset rules, enum engine engine,
                                        const struct rule_point *at)
{
    bool allow = false, block = false, secure = false;
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *r = &rules.rules[i];
        if (!rule_matches(r, at)) continue;
        if (r->action == ACTION_ALLOW_IF_SECURE && !at->secured) continue;
        if (engine == ENGINE_NFTABLES) return r->action == ACTION_BLOCK ? RULE_BLOCKS : RULE_PASSES;
        allow = allow || r->action == ACTION_ALLOW;
        block = block || r->action == ACTION_BLOCK;
        secure = secure || r->action == ACTION_ALLOW_IF_SECURE;
    }
    if (secure) return RULE_PASSES;
    if (block) return RULE_BLOCKS;
    return allow ? RULE_PASSES : RULE_UNTOUCHED;
}

static bool in_cluster(const struct resolved *r, struct addr a)
{
    for (size_t i = 0; i < r->policy->n_groups; i++)
        if (r->policy->groups[i].role == ROLE_CLUSTER && prefix_set_contains(r->groups[i], a))
            return true;
    return false;
}

/* What the policy asks of a host's rules: straight from DESIGN.md 4 and 5. own: whose rules. */
static enum rule_verdict policy_verdict(const struct resolved *r, const struct rule_point *at,
                                        struct addr own)
{
    bool inbound = at->direction == DIRECTION_INBOUND;
    int service = service_by_port(r->policy->services, at->transport, at->port);
    if (service == SERVICE_NONE || !r->policy->governed[service]) return RULE_UNTOUCHED;
    if (!prefix_set_contains(r->enforcing, own)) return RULE_UNTOUCHED;
    if (prefix_set_contains(r->modes[at->profile][MODE_OFF], own)) return RULE_UNTOUCHED;
    enum intent intent =
        linear_intent(r, inbound ? at->remote : own, inbound ? own : at->remote, service);
    if (prefix_set_contains(r->places.local, at->remote)) {
        bool approved = prefix_set_contains(decision_link_local, at->remote) && in_cluster(r, own);
        intent = approved ? INTENT_ALLOW : INTENT_BLOCK;
    }
    bool passes = linear_end_passes(r, own, at->profile, inbound, intent, at->secured);
    return passes ? RULE_PASSES : RULE_BLOCKS;
}

/* ---- Who authenticates, one pair at a time ------------------------------------------------------
 */

/* Whether the policy approves a flow of these two, seen from `own`, only when authenticated. */
static bool linear_secured(const struct resolved *r, struct addr own, struct addr peer,
                           enum profile profile, bool inbound)
{
    enum profile_mode mode = MODE_UNSET;
    for (enum profile_mode m = MODE_ENFORCE; m <= MODE_OFF; m++)
        if (prefix_set_contains(r->modes[profile][m], own)) mode = m;
    bool by_intent = mode == MODE_ENFORCE || (mode == MODE_BLOCK_INBOUND && !inbound);
    if (!by_intent || prefix_set_contains(r->places.local, peer)) return false;
    for (size_t s = 0; s < r->policy->services.n; s++)
        if (r->policy->governed[s] && linear_intent(r, inbound ? peer : own, inbound ? own : peer,
                                                    (int)s) == INTENT_ALLOW_IF_SECURE)
            return true;
    return false;
}

static bool linear_partners(const struct resolved *r, struct addr own, struct addr peer,
                            enum profile profile)
{
    if (!prefix_set_contains(r->enforcing, own)) return false;
    if (!prefix_set_contains(universe_peers, peer)) return false;
    if (prefix_set_contains(r->controllers, own) || prefix_set_contains(r->controllers, peer))
        return false;
    return linear_secured(r, own, peer, profile, false) ||
           linear_secured(r, own, peer, profile, true);
}

/* In which profiles an address has partners at all: among the marks, where sets of the policy
 * begin.
 */
static uint8_t linear_profiles(const struct resolved *r, struct addr own, const struct addr *marks,
                               size_t n_marks)
{
    uint8_t profiles = 0;
    for (unsigned p = 0; p < PROFILE_COUNT; p++)
        for (size_t i = 0; i < n_marks && !(profiles >> p & 1); i++)
            if (linear_partners(r, own, marks[i], (enum profile)p))
                profiles = (uint8_t)(profiles | 1u << p);
    return profiles;
}

static bool linear_partners_ever(const struct resolved *r, struct addr own, struct addr peer)
{
    bool somewhere = false;
    for (unsigned p = 0; p < PROFILE_COUNT; p++)
        somewhere = somewhere || linear_partners(r, own, peer, (enum profile)p);
    return somewhere;
}

static bool is_negotiation(const struct rule_point *at)
{
    return at->transport == TRANSPORT_UDP && (at->port == 500 || at->port == 4500);
}

static struct enforced_class class_of(const struct host_class *c, enum engine engine)
{
    return (struct enforced_class){
        .id = c->id,
        .members = c->members,
        .rules = c->rules,
        .engine = engine,
        .profiles = (1u << PROFILE_COUNT) - 1,
        .shared = c->shared,
    };
}

/* Where sets of the policy begin within the members: whatever is asked of any of them is asked of
 * one of these. */
static struct addr *set_marks(const struct random_world *w, struct prefix_set members,
                              struct arena *arena, size_t *n)
{
    struct prefix_set *sets = NULL;
    size_t n_sets = 0, room = 0, marks_room = 0;
    struct addr *marks = NULL;
    decision_sets(&w->resolved, arena, &sets, &n_sets, &room);
    arena_grow(arena, sets, n_sets, room);
    sets[n_sets++] = members;
    *n = 0;
    for (size_t i = 0; i < n_sets; i++)
        for (size_t j = 0; j < 2 * sets[i].n; j++) {
            struct range range = sets[i].ranges[j / 2];
            struct addr a = range.first;
            if (j % 2 && addr_equal(range.last, addr_all.last)) continue;
            if (j % 2) a = addr_next(range.last);
            if (!prefix_set_contains(members, a)) continue;
            arena_grow(arena, marks, *n, marks_room);
            marks[(*n)++] = a;
        }
    return marks;
}

/* Marks among a class's members, and among all peers. */
struct marks {
    const struct addr *own, *peers;
    size_t n_own, n_peers;
    /* Of the pair that was asked about last. */
    struct addr last_own, last_peer;
    bool has_own, has_peer, partners;
    uint8_t profiles;
};

/* Partners in some profile, in those in which there are any. */
static bool linear_authenticates(const struct resolved *r, struct marks *marks, struct addr own,
                                 struct addr peer, enum profile profile)
{
    if (!marks->has_own || !addr_equal(marks->last_own, own)) {
        marks->profiles = linear_profiles(r, own, marks->peers, marks->n_peers);
        marks->has_peer = false;
    }
    if (!marks->has_peer || !addr_equal(marks->last_peer, peer))
        marks->partners = marks->profiles && linear_partners_ever(r, own, peer);
    marks->last_own = own;
    marks->last_peer = peer;
    marks->has_own = marks->has_peer = true;
    return marks->partners && (marks->profiles >> profile & 1);
}

static struct marks marks_of(const struct random_world *w, struct prefix_set members,
                             struct arena *arena)
{
    struct marks marks = {.has_own = false};
    marks.own = set_marks(w, members, arena, &marks.n_own);
    marks.peers = set_marks(w, universe_peers, arena, &marks.n_peers);
    return marks;
}

/* What a class's rules must say at a point: a member's own, elsewhere what its home does, or, in a
 * shared class, what passes for all. */
static enum rule_verdict class_verdict(const struct random_world *w, const struct enforced_class *c,
                                       const struct rule_point *at, struct marks *marks)
{
    struct addr home = c->members.ranges[0].first;
    if (is_negotiation(at)) {
        bool opens = prefix_set_contains(c->members, at->local) &&
                     linear_authenticates(&w->resolved, marks, at->local, at->remote, at->profile);
        return opens ? RULE_PASSES : RULE_UNTOUCHED;
    }
    if (prefix_set_contains(c->members, at->local))
        return policy_verdict(&w->resolved, at, at->local);
    if (!c->shared) return policy_verdict(&w->resolved, at, home);
    enum rule_verdict all = RULE_UNTOUCHED;
    for (size_t i = 0; i < marks->n_own && all != RULE_BLOCKS; i++) {
        enum rule_verdict one = policy_verdict(&w->resolved, at, marks->own[i]);
        if (one != RULE_UNTOUCHED) all = one;
    }
    return all;
}

/* Every other world's classes are shared by few stances already. */
static struct bundles bundles_of(const struct decision *d, uint64_t seed, struct arena *arena,
                                 struct arena scratch)
{
    struct bundle_sizes sizes = {0};
    if (seed % 2) sizes = (struct bundle_sizes){1, 2 + (size_t)seed % 3};
    return bundle_all(bundle_plan(d, S("test"), &sizes, arena, scratch), universe_peers, arena,
                      scratch);
}

static struct rule_point point_of(const struct counterexample *w)
{
    bool inbound = w->side == SIDE_SERVER_INBOUND;
    return (struct rule_point){
        inbound ? DIRECTION_INBOUND : DIRECTION_OUTBOUND,
        inbound ? w->server : w->client,
        inbound ? w->client : w->server,
        w->transport,
        w->port,
        w->profile,
        w->secured,
    };
}

/* ---- Bundles ------------------------------------------------------------------------------------
 */

static void fail_at(uint64_t seed, str id, const struct counterexample *w)
{
    char client[ADDR_TEXT], server[ADDR_TEXT];
    fail_msg("world %" PRIu64 ", %.*s: %.*s to %.*s port %d profile %d %.*s secured %d: "
             "expected %.*s, found %.*s",
             seed, STR_ARG(id), STR_ARG(addr_text(client, w->client)),
             STR_ARG(addr_text(server, w->server)), w->port, (int)w->profile,
             STR_ARG(side_text(w->side)), w->secured, STR_ARG(w->expected), STR_ARG(w->found));
}

static void assert_partition(const struct bundles *b, struct arena *arena)
{
    struct prefix_set all = {0};
    for (size_t i = 0; i < b->n_classes; i++) {
        assert_false(prefix_set_is_empty(b->classes[i].members));
        assert_false(prefix_set_overlaps(all, b->classes[i].members));
        all = prefix_set_union(arena, all, b->classes[i].members);
        for (size_t j = 0; j < i; j++)
            assert_false(str_equal_nocase(b->classes[i].id, b->classes[j].id));
        for (size_t j = 0; j < b->classes[i].rules.n; j++)
            for (size_t k = 0; k < j; k++)
                assert_false(
                    str_equal(b->classes[i].rules.rules[j].id, b->classes[i].rules.rules[k].id));
    }
    assert_true(prefix_set_equal(all, b->resolved->enforcing));
}

/* The bundle's rules at random points, one by one, without the proof's machinery. */
static void assert_points(struct random_world *w, const struct bundles *b, struct arena arena)
{
    static const uint16_t ports[] = {445, 139, 2049, 22, 500, 4500};
    for (int i = 0; i < POINTS; i++) {
        struct rule_point at = {
            .direction = world_random(w, 2) ? DIRECTION_INBOUND : DIRECTION_OUTBOUND,
            .local = world_addr(w),
            .remote = world_addr(w),
            .transport = world_random(w, 3) ? TRANSPORT_TCP : TRANSPORT_UDP,
            .port = ports[world_random(w, COUNT_OF(ports))],
            .profile = (enum profile)world_random(w, PROFILE_COUNT),
            .secured = world_random(w, 2),
        };
        if (!prefix_set_contains(universe_peers, at.remote)) continue;
        if (!prefix_set_contains(universe_peers, at.local)) continue;
        if (addr_is_v4(at.local) != addr_is_v4(at.remote)) continue;
        for (size_t c = 0; c < b->n_classes; c++) {
            struct arena scratch = arena;
            struct enforced_class class = class_of(&b->classes[c], ENGINE_WINDOWS);
            struct marks marks = marks_of(w, class.members, &scratch);
            enum rule_verdict found = linear_verdict(class.rules, ENGINE_WINDOWS, &at);
            assert_int_equal(found, class_verdict(w, &class, &at, &marks));
        }
    }
}

static void bundles_are_proved(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t classes = 0, borders = 0, rules = 0, machines = 0, shared = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, seed, true);
        const struct decision *d = decision_build(&w->resolved, NULL, &arena, scratch);
        const struct prover *prover = prover_make(d, universe_peers, &arena, scratch);
        struct bundles b = bundles_of(d, seed, &arena, scratch);
        struct counterexample witness = {0};
        assert_partition(&b, &arena);
        assert_points(w, &b, arena);
        for (size_t i = 0; i < b.n_classes; i++)
            for (enum engine e = ENGINE_WINDOWS; e <= ENGINE_NFTABLES; e++) {
                struct enforced_class c = class_of(&b.classes[i], e);
                if (!decision_proves_host(prover, &c, &arena, scratch, &witness))
                    fail_at(seed, c.id, &witness);
                rules += c.rules.n;
                shared += c.shared;
                machines +=
                    b.classes[i].rules.n && b.classes[i].rules.rules[0].local.ranges[0].first.lo;
                classes++;
            }
        assert_int_equal(b.n_borders, w->resolved.n_borders);
        for (size_t i = 0; i < b.n_borders; i++, borders++)
            if (!proves_border(prover, b.borders[i].border, b.borders[i].rules, &arena, scratch,
                               &witness))
                fail_at(seed, b.borders[i].border->name, &witness);
    }
    print_message("%zu proofs of classes (%zu rules), %zu of borders, %zu scoped by local address, "
                  "%zu shared\n",
                  classes, rules, borders, machines, shared);
    assert_true(classes > WORLDS && borders > WORLDS / 2 && machines > 0 && shared > 0);
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- Mutants ------------------------------------------------------------------------------------
 */

enum mutation {
    DROP_RULE,
    WIDEN_REMOTE,
    NARROW_REMOTE,
    DROP_RANGE,
    NARROW_LOCAL,
    SWAP_DIRECTION,
    CHANGE_PORT,
    WIDEN_PORT,
    CHANGE_TRANSPORT,
    DROP_PROFILE,
    DISABLE,
    CHANGE_ACTION,
    ADD_PROGRAM,
    MUTATIONS
};

static struct prefix_set without_range(struct arena *arena, struct prefix_set set, size_t at)
{
    struct range *ranges = arena_array(arena, struct range, set.n);
    size_t n = 0;
    for (size_t i = 0; i < set.n; i++)
        if (i != at) ranges[n++] = set.ranges[i];
    return (struct prefix_set){ranges, n};
}

/* One address more, or less, at an end of a range. False when there is none. */
static bool move_end(struct arena *arena, struct prefix_set set, size_t at, bool widen,
                     struct prefix_set *out)
{
    struct range edge = {set.ranges[at].last, set.ranges[at].last};
    if (widen && addr_equal(edge.last, addr_all.last)) return false;
    if (widen) edge.first = edge.last = addr_next(edge.last);
    struct prefix_set one = prefix_set_of(arena, &edge, 1);
    *out = widen ? prefix_set_union(arena, set, one) : prefix_set_subtract(arena, set, one);
    return true;
}

static void set_ports(struct arena *arena, struct rule *rule, uint16_t first, uint16_t last)
{
    struct service_port port = rule->ports[0];
    port.first = first;
    port.last = last;
    rule->n_ports = 0;
    rule_add_port(rule, arena, port);
}

/* False when this mutation does nothing to this rule. */
static bool mutate(struct random_world *w, enum mutation mutation, struct rule *rule)
{
    struct arena *arena = w->arena;
    size_t at = rule->remote.n ? (size_t)world_random(w, rule->remote.n) : 0;
    size_t local = rule->local.n ? (size_t)world_random(w, rule->local.n) : 0;
    switch ((int)mutation) {
    case DROP_RULE:
        rule->local = (struct prefix_set){0};
        return true;
    case WIDEN_REMOTE:
        return move_end(arena, rule->remote, at, true, &rule->remote);
    case NARROW_REMOTE:
        return move_end(arena, rule->remote, at, false, &rule->remote);
    case DROP_RANGE:
        rule->remote = without_range(arena, rule->remote, at);
        return true;
    case NARROW_LOCAL:
        return move_end(arena, rule->local, local, false, &rule->local);
    case SWAP_DIRECTION:
        rule->direction =
            rule->direction == DIRECTION_INBOUND ? DIRECTION_OUTBOUND : DIRECTION_INBOUND;
        rule->principals = (str){0};
        return true;
    case CHANGE_PORT:
        set_ports(arena, rule, 446, 446);
        return true;
    case WIDEN_PORT:
        set_ports(arena, rule, rule->ports[0].first, (uint16_t)(rule->ports[0].last + 1));
        return true;
    case CHANGE_TRANSPORT:
        rule->transport = rule->transport == TRANSPORT_TCP ? TRANSPORT_UDP : TRANSPORT_TCP;
        return true;
    case DROP_PROFILE:
        rule->profiles = (uint8_t)(rule->profiles & (rule->profiles - 1));
        return true;
    case DISABLE:
        rule->enabled = false;
        return true;
    case CHANGE_ACTION:
        rule->action = rule->action == ACTION_BLOCK ? ACTION_ALLOW : ACTION_BLOCK;
        rule->principals = (str){0};
        return true;
    case ADD_PROGRAM:
        rule->program = S("System");
        return true;
    }
    return false;
}

/* Does the changed class still say what the policy says, wherever sets begin and end? Peers that
 * nothing sees are left out, as in the proof.
 *
 * decided : nothing is asked where the policy decides nothing */
static bool linear_equal(const struct random_world *w, const struct enforced_class *c, bool decided,
                         struct arena *arena)
{
    static const uint16_t ports[] = {137, 138, 139, 140, 111, 112, 445, 446, 500, 2049, 2050, 4500};
    struct prefix_set *sets = NULL;
    size_t n = 0, room = 0;
    decision_sets(&w->resolved, arena, &sets, &n, &room);
    for (size_t i = 0; i < c->rules.n; i++)
        for (int end = 0; end < 2; end++) {
            arena_grow(arena, sets, n, room);
            sets[n++] = end ? c->rules.rules[i].local : c->rules.rules[i].remote;
        }
    struct addr *marks = NULL;
    size_t n_marks = 0, marks_room = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < sets[i].n; j++) {
            arena_grow(arena, marks, n_marks, marks_room);
            marks[n_marks++] = sets[i].ranges[j].first;
            if (addr_equal(sets[i].ranges[j].last, addr_all.last)) continue;
            arena_grow(arena, marks, n_marks, marks_room);
            marks[n_marks++] = addr_next(sets[i].ranges[j].last);
        }
    struct map seen = {0};
    size_t kept = 0;
    for (size_t i = 0; i < n_marks; i++) {
        bool fresh = false;
        (void)map_put(&seen, arena, (str){(const char *)&marks[i], sizeof marks[i]}, 0, &fresh);
        if (fresh && prefix_set_contains(universe_peers, marks[i])) marks[kept++] = marks[i];
    }
    struct marks of_class = marks_of(w, c->members, arena);
    for (size_t l = 0; l < kept; l++)
        for (size_t r = 0; r < kept; r++)
            for (size_t k = 0; k < COUNT_OF(ports) * 2 * 2 * 2 * PROFILE_COUNT; k++) {
                size_t rest = k / COUNT_OF(ports);
                if (addr_is_v4(marks[l]) != addr_is_v4(marks[r])) break; /* no such packet */
                struct rule_point at = {
                    rest & 1 ? DIRECTION_INBOUND : DIRECTION_OUTBOUND,
                    marks[l],
                    marks[r],
                    rest & 2 ? TRANSPORT_TCP : TRANSPORT_UDP,
                    ports[k % COUNT_OF(ports)],
                    (enum profile)(rest / 8),
                    (rest & 4) != 0,
                };
                enum rule_verdict found = linear_verdict(c->rules, c->engine, &at);
                enum rule_verdict expected = class_verdict(w, c, &at, &of_class);
                if (found == expected || (decided && expected == RULE_UNTOUCHED)) continue;
                if (decided) return false;
                char local[ADDR_TEXT], remote[ADDR_TEXT];
                print_message(
                    "local %.*s, remote %.*s, %.*s, port %d, profile %d: rules %d, policy %d\n",
                    STR_ARG(addr_text(local, at.local)), STR_ARG(addr_text(remote, at.remote)),
                    STR_ARG(direction_text(at.direction)), at.port, (int)at.profile, (int)found,
                    (int)expected);
                return false;
            }
    return true;
}

static void every_change_of_meaning_is_caught(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t caught[MUTATIONS] = {0}, harmless = 0, tried = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= MUTANT_WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, 1000 + seed, seed % 2);
        const struct decision *d = decision_build(&w->resolved, NULL, &arena, scratch);
        const struct prover *prover = prover_make(d, universe_peers, &arena, scratch);
        struct bundles b = bundles_of(d, seed, &arena, scratch);
        for (size_t i = 0; i < b.n_classes * MUTATIONS; i++) {
            const struct host_class *host = &b.classes[i / MUTATIONS];
            enum mutation mutation = (enum mutation)(i % MUTATIONS);
            if (!host->rules.n) continue;
            struct rule *rules = arena_array(&arena, struct rule, host->rules.n);
            memcpy(rules, host->rules.rules, host->rules.n * sizeof *rules);
            if (!mutate(w, mutation, &rules[world_random(w, host->rules.n)])) continue;
            struct enforced_class c = class_of(host, i % 2 ? ENGINE_WINDOWS : ENGINE_NFTABLES);
            c.rules.rules = rules;
            struct counterexample witness = {0};
            bool proved = decision_proves_host(prover, &c, &arena, scratch, &witness);
            tried++;
            if (proved) {
                /* Only what changes nothing may pass. */
                assert_true(linear_equal(w, &c, false, &arena));
                harmless++;
                continue;
            }
            caught[mutation]++;
            if (mutation == ADD_PROGRAM) continue;
            struct rule_point at = point_of(&witness);
            struct marks marks = marks_of(w, c.members, &arena);
            bool differs =
                linear_verdict(c.rules, c.engine, &at) != class_verdict(w, &c, &at, &marks);
            if (!differs) fail_at(seed, host->id, &witness);
        }
    }
    print_message("%zu mutants, %zu harmless\n", tried, harmless);
    for (size_t i = 0; i < MUTATIONS; i++) {
        print_message("mutation %zu: %zu caught\n", i, caught[i]);
        assert_true(caught[i] > 0);
    }
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- Rules that are there already ---------------------------------------------------------------
 */

static struct rule existing_rule(struct random_world *w, size_t number)
{
    static const uint16_t ports[] = {445, 139, 500, 8080};
    struct rule rule = {
        .name = str_format(w->arena, "existing %zu", number),
        .direction = world_random(w, 2) ? DIRECTION_INBOUND : DIRECTION_OUTBOUND,
        .action = world_random(w, 3) ? ACTION_BLOCK : (enum action)world_random(w, 3),
        .profiles = (uint8_t)(1 + world_random(w, 7)),
        .enabled = world_random(w, 8) != 0,
        .transport = world_random(w, 3) ? TRANSPORT_TCP : TRANSPORT_UDP,
        .local = world_random(w, 2) ? (struct prefix_set){&addr_all, 1}
              : world_set(w, 2),
        .remote = world_random(w, 2) ? (struct prefix_set){&addr_all, 1}
              : world_set(w, 2),
        .store = world_random(w, 2) ? RULE_STORE_LOCAL : RULE_STORE_MANAGED,
    };
    if (world_random(w, 4) == 0) rule.transport = TRANSPORT_NONE;
    if (rule.transport != TRANSPORT_NONE && world_random(w, 3)) {
        uint16_t port = ports[world_random(w, COUNT_OF(ports))];
        rule_add_port(&rule, w->arena, (struct service_port){rule.transport, port, port});
    }
    if (world_random(w, 5) == 0) rule.program = S("C:\\tool.exe");
    if (world_random(w, 5) == 0) rule.only_if = S("service Spooler");
    if (world_random(w, 5) == 0) rule.only_if = S("LocalSubnet");
    return rule;
}

/* Straight from the text: what counts of them, as one list with the artefact's. */
static struct ruleset joined(const struct verdict_around *around, struct ruleset made,
                             struct arena *arena)
{
    struct rule *all = arena_array(arena, struct rule, made.n + around->existing.n);
    size_t n = 0;
    for (size_t i = 0; i < made.n; i++)
        all[n++] = made.rules[i];
    for (size_t i = 0; i < around->existing.n; i++) {
        struct rule rule = around->existing.rules[i];
        if (rule.program.len || str_equal(rule.only_if, S("service Spooler"))) continue;
        if (rule.store == RULE_STORE_LOCAL)
            rule.profiles = (uint8_t)(rule.profiles & ~around->no_local_merge);
        all[n++] = rule;
    }
    return (struct ruleset){.rules = all, .n = n};
}

static void existing_rules_in_the_way_are_named(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n_fine = 0, n_found = 0, n_named = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= MUTANT_WORLDS / 2; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, 4000 + seed, seed % 2);
        const struct decision *d = decision_build(&w->resolved, NULL, &arena, scratch);
        const struct prover *prover = prover_make(d, universe_peers, &arena, scratch);
        struct bundles b = bundles_of(d, seed, &arena, scratch);
        for (size_t i = 0; i < b.n_classes; i++) {
            struct enforced_class c = class_of(&b.classes[i], ENGINE_WINDOWS);
            size_t n = 1 + (size_t)world_random(w, 3);
            struct rule *existing = arena_array(&arena, struct rule, n);
            for (size_t k = 0; k < n; k++)
                existing[k] = existing_rule(w, k);
            const struct verdict_around around = {
                .existing = {.rules = existing, .n = n},
                .no_local_merge = (uint8_t)world_random(w, 8),
            };
            struct counterexample witness = {0};
            c.around = &around;
            bool proved = decision_proves_host(prover, &c, &arena, scratch, &witness);
            struct enforced_class both = c;
            both.rules = joined(&around, c.rules, &arena);
            bool expected = linear_equal(w, &both, true, &arena);
            if (proved != expected) fail_at(seed, c.id, &witness);
            n_fine += proved;
            n_found += !proved;
            n_named += !proved && str_contains(witness.found, S("existing rule \"existing "));
        }
    }
    print_message("%zu fine, %zu in the way, %zu named\n", n_fine, n_found, n_named);
    assert_true(n_fine > 10 && n_found > 4 && n_named == n_found);
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- Who authenticates to whom ------------------------------------------------------------------
 */

/* Whom a server authorises towards a client, entry by entry; empty when nobody has to show. */
static str linear_principals(const struct resolved *r, struct addr client, struct addr server,
                             int service, struct arena *arena)
{
    str all = {0};
    if (linear_intent(r, client, server, service) != INTENT_ALLOW_IF_SECURE) return all;
    for (size_t i = 0; i < r->n_entries; i++) {
        const struct resolved_entry *e = &r->entries[i];
        struct resolved one = *r;
        one.entries = e;
        one.n_entries = 1;
        one.n_perimeter = 0;
        if (linear_intent(&one, client, server, service) == INTENT_ALLOW_IF_SECURE)
            all = authorised_union(all, e->principals, arena);
    }
    return all;
}

static bool names_equal(str a, str b, struct arena *arena)
{
    return str_equal(authorised_sorted(a, arena), authorised_sorted(b, arena));
}

/* Inbound rules authorise, for each pair, just those; connection security rules name each pair of
 * participants, in the right profiles. */
static void assert_authentication(const struct random_world *w, const struct host_class *c,
                                  struct arena arena)
{
    struct marks marks = marks_of(w, c->members, &arena);
    for (size_t i = 0; i < marks.n_own * marks.n_peers * PROFILE_COUNT; i++) {
        struct arena scratch = arena;
        struct addr own = marks.own[i / PROFILE_COUNT / marks.n_peers];
        struct addr peer = marks.peers[i / PROFILE_COUNT % marks.n_peers];
        enum profile profile = (enum profile)(i % PROFILE_COUNT);
        bool asks = false;
        if (addr_is_v4(own) != addr_is_v4(peer)) continue;
        for (size_t k = 0; k < c->rules.n_security; k++) {
            const struct security_rule *rule = &c->rules.security[k];
            asks =
                asks || ((rule->profiles >> profile & 1) && prefix_set_contains(rule->local, own) &&
                         prefix_set_contains(rule->remote, peer));
        }
        assert_int_equal(asks, linear_authenticates(&w->resolved, &marks, own, peer, profile));
        for (size_t k = 0; k < c->rules.n; k++) {
            const struct rule *rule = &c->rules.rules[k];
            if (rule->action != ACTION_ALLOW_IF_SECURE || rule->direction != DIRECTION_INBOUND)
                continue;
            if (!prefix_set_contains(rule->local, own) || !prefix_set_contains(rule->remote, peer))
                continue;
            int service = service_by_port(service_builtin, rule->transport, rule->ports[0].first);
            str expected = linear_principals(&w->resolved, peer, own, service, &scratch);
            assert_true(str_equal(rule->principals, expected));
        }
    }
}

/* Rules of connection security, one at a time. */
enum security_mutation {
    SECURITY_DROP,
    SECURITY_WIDEN,
    SECURITY_NARROW,
    SECURITY_WIDEN_LOCAL,
    SECURITY_NARROW_LOCAL,
    SECURITY_ANY,
    SECURITY_REQUIRES,
    SECURITY_ASKS_NOBODY,
    SECURITY_OTHER_FIRST,
    SECURITY_OTHER_SECOND,
    SECURITY_CONDITION,
    SECURITY_LESS_PROFILES,
    SECURITY_MORE_PROFILES,
    SECURITY_DISABLED,
    SECURITY_MUTATIONS
};

/* False when this mutation does nothing to this rule. */
static bool mutate_security(struct arena *arena, enum security_mutation mutation,
                            struct security_rule *rule)
{
    uint8_t all = (1u << PROFILE_COUNT) - 1;
    switch ((int)mutation) {
    case SECURITY_DROP:
        rule->remote = (struct prefix_set){0};
        return true;
    case SECURITY_WIDEN:
        return move_end(arena, rule->remote, 0, true, &rule->remote);
    case SECURITY_NARROW:
        return move_end(arena, rule->remote, rule->remote.n - 1, false, &rule->remote);
    case SECURITY_WIDEN_LOCAL:
        return move_end(arena, rule->local, 0, true, &rule->local);
    case SECURITY_NARROW_LOCAL:
        return move_end(arena, rule->local, 0, false, &rule->local);
    case SECURITY_ANY:
        rule->local = rule->remote = (struct prefix_set){&addr_all, 1};
        return true;
    case SECURITY_REQUIRES:
        rule->inbound = SECURITY_REQUIRE;
        return true;
    case SECURITY_ASKS_NOBODY:
        rule->outbound = SECURITY_NONE;
        return true;
    case SECURITY_OTHER_FIRST:
        rule->computer_kerberos = false;
        return true;
    case SECURITY_OTHER_SECOND:
        rule->user_kerberos = false;
        return true;
    case SECURITY_CONDITION:
        rule->only_if = S("tunnel to 10.0.0.1");
        return true;
    case SECURITY_LESS_PROFILES:
        rule->profiles = (uint8_t)(rule->profiles & (rule->profiles - 1));
        return true;
    case SECURITY_MORE_PROFILES:
        if (rule->profiles == all) return false;
        rule->profiles = all;
        return true;
    case SECURITY_DISABLED:
        rule->enabled = false;
        return true;
    }
    return false;
}

/* A set whose last range was made larger may say what another rule says too: found as one of two.
 */
static bool proves_changed(const struct prover *prover, const struct host_class *host,
                           struct ruleset rules, struct arena *arena, struct arena scratch,
                           struct counterexample *witness)
{
    struct enforced_class c = class_of(host, ENGINE_WINDOWS);
    c.rules = rules;
    return decision_proves_host(prover, &c, arena, scratch, witness);
}

/* Every rule's set of families at both ends. */
static bool meets(const struct security_rule *rule, struct arena *arena)
{
    return (prefix_set_v4(arena, rule->local).n && prefix_set_v4(arena, rule->remote).n) ||
           (prefix_set_v6(arena, rule->local).n && prefix_set_v6(arena, rule->remote).n);
}

static void changed_security_is_caught(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t caught[SECURITY_MUTATIONS] = {0}, harmless = 0, whom = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SECURITY_WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, 3000 + seed, true);
        const struct decision *d = decision_build(&w->resolved, NULL, &arena, scratch);
        const struct prover *prover = prover_make(d, universe_peers, &arena, scratch);
        struct bundles b = bundles_of(d, seed, &arena, scratch);
        struct counterexample witness = {0};
        for (size_t i = 0; i < b.n_classes; i++) {
            const struct host_class *host = &b.classes[i];
            assert_authentication(w, host, arena);
            for (size_t k = 0; k < host->rules.n_security * SECURITY_MUTATIONS; k++) {
                enum security_mutation mutation = (enum security_mutation)(k % SECURITY_MUTATIONS);
                struct security_rule *rules =
                    arena_array(&arena, struct security_rule, host->rules.n_security);
                memcpy(rules, host->rules.security, host->rules.n_security * sizeof *rules);
                struct security_rule *rule = &rules[k / SECURITY_MUTATIONS];
                if (!meets(rule, &arena) || !mutate_security(&arena, mutation, rule)) continue;
                struct ruleset changed = host->rules;
                changed.security = rules;
                if (!proves_changed(prover, host, changed, &arena, scratch, &witness)) {
                    caught[mutation]++;
                    continue;
                }
                /* Only an address that meets none of its family at the other end. */
                const struct security_rule *was = &host->rules.security[k / SECURITY_MUTATIONS];
                bool at_local = mutation == SECURITY_NARROW_LOCAL;
                assert_true(at_local || mutation == SECURITY_WIDEN || mutation == SECURITY_NARROW);
                struct prefix_set old = at_local ? was->local : was->remote;
                struct prefix_set new = at_local ? rule->local : rule->remote;
                struct prefix_set other = at_local ? was->remote : was->local;
                struct prefix_set gone = prefix_set_subtract(&arena, old, new);
                if (!gone.n) gone = prefix_set_subtract(&arena, new, old);
                bool v4 = addr_is_v4(gone.ranges[0].first);
                other = v4 ? prefix_set_v4(&arena, other) : prefix_set_v6(&arena, other);
                assert_int_equal(other.n, 0);
                harmless++;
            }
            /* Whom servers authorise. */
            for (size_t k = 0; k < 3 * host->rules.n; k++) {
                struct rule *rules = arena_array(&arena, struct rule, host->rules.n);
                memcpy(rules, host->rules.rules, host->rules.n * sizeof *rules);
                struct rule *rule = &rules[k / 3];
                static const char *const others[] = {"", "S-1-5-21-1-2-3-1101",
                                                     "S-1-5-21-1-2-3-515 S-1-1-0"};
                str other = str_of(others[k % 3]);
                if (!rule->principals.len || names_equal(rule->principals, other, &arena)) continue;
                rule->principals = other;
                struct ruleset changed = host->rules;
                changed.rules = rules;
                struct prefix_set own = prefix_set_intersect(&arena, rule->local, host->members);
                if (!(prefix_set_v4(&arena, own).n && prefix_set_v4(&arena, rule->remote).n) &&
                    !(prefix_set_v6(&arena, own).n && prefix_set_v6(&arena, rule->remote).n))
                    continue;
                assert_false(proves_changed(prover, host, changed, &arena, scratch, &witness));
                whom++;
            }
        }
    }
    print_message("%zu harmless, %zu of principals caught\n", harmless, whom);
    assert_true(whom > 100);
    for (size_t i = 0; i < SECURITY_MUTATIONS; i++) {
        print_message("security mutation %zu: %zu caught\n", i, caught[i]);
        assert_true(caught[i] > 0);
    }
    arena_close(&scratch);
    arena_close(&arena);
}

static enum rule_verdict border_verdict(struct ruleset rules, struct addr client,
                                        struct addr server, enum transport transport, uint16_t port)
{
    for (size_t i = 0; i < rules.n; i++) {
        struct rule_point out = {DIRECTION_OUTBOUND, client, server, transport, port, 0, false};
        struct rule_point in = {DIRECTION_INBOUND, server, client, transport, port, 0, false};
        if (rule_matches(&rules.rules[i], &out) || rule_matches(&rules.rules[i], &in))
            return rules.rules[i].action == ACTION_BLOCK ? RULE_BLOCKS : RULE_PASSES;
    }
    return RULE_UNTOUCHED;
}

/* What a border's rules must say of a flow: straight from DESIGN.md 4. */
static enum rule_verdict border_policy(const struct resolved *r, const struct border *border,
                                       struct addr client, struct addr server, int service)
{
    bool in = prefix_set_contains(border->inside, client);
    if (in == prefix_set_contains(border->inside, server)) return RULE_UNTOUCHED;
    if (prefix_set_contains(r->places.local, client)) return RULE_UNTOUCHED;
    if (prefix_set_contains(r->places.local, server)) return RULE_UNTOUCHED;
    if (service == SERVICE_NONE || !r->policy->governed[service]) return RULE_UNTOUCHED;
    return linear_intent(r, client, server, service) == INTENT_BLOCK ? RULE_BLOCKS : RULE_PASSES;
}

/* A change that was not caught must change nothing: tried at random points. */
static void assert_border_unchanged(struct random_world *w, const struct border *border,
                                    struct ruleset rules)
{
    static const uint16_t ports[] = {137, 139, 140, 445, 446, 2049};
    for (int i = 0; i < POINTS; i++) {
        struct addr client = world_addr(w), server = world_addr(w);
        enum transport transport = world_random(w, 2) ? TRANSPORT_TCP : TRANSPORT_UDP;
        uint16_t port = ports[world_random(w, COUNT_OF(ports))];
        int service = service_by_port(service_builtin, transport, port);
        if (!prefix_set_contains(universe_peers, client)) continue;
        if (!prefix_set_contains(universe_peers, server)) continue;
        if (addr_is_v4(client) != addr_is_v4(server)) continue; /* no such packet */
        assert_int_equal(border_verdict(rules, client, server, transport, port),
                         border_policy(&w->resolved, border, client, server, service));
    }
}

static void changed_borders_are_caught(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t caught[MUTATIONS] = {0};
    (void)state;
    for (uint64_t seed = 1; seed <= MUTANT_WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, 2000 + seed, true);
        const struct resolved *r = &w->resolved;
        const struct decision *d = decision_build(r, NULL, &arena, scratch);
        const struct prover *prover = prover_make(d, universe_peers, &arena, scratch);
        struct bundles b = bundles_of(d, seed, &arena, scratch);
        for (size_t i = 0; i < b.n_borders * MUTATIONS; i++) {
            const struct border_rules *border = &b.borders[i / MUTATIONS];
            enum mutation mutation = (enum mutation)(i % MUTATIONS);
            if (!border->rules.n || mutation == DROP_PROFILE) continue;
            struct rule *rules = arena_array(&arena, struct rule, border->rules.n);
            memcpy(rules, border->rules.rules, border->rules.n * sizeof *rules);
            if (!mutate(w, mutation, &rules[world_random(w, border->rules.n)])) continue;
            struct ruleset changed = {.rules = rules, .n = border->rules.n};
            struct counterexample witness = {0};
            if (proves_border(prover, border->border, changed, &arena, scratch, &witness)) {
                assert_border_unchanged(w, border->border, changed);
                continue;
            }
            caught[mutation]++;
            if (mutation == ADD_PROGRAM) continue;
            enum rule_verdict expected =
                border_policy(r, border->border, witness.client, witness.server, witness.service);
            if (border_verdict(changed, witness.client, witness.server, witness.transport,
                               witness.port) == expected)
                fail_at(seed, border->border->name, &witness);
        }
    }
    for (size_t i = 0; i < MUTATIONS; i++) {
        print_message("border mutation %zu: %zu caught\n", i, caught[i]);
        if (i != DROP_PROFILE) assert_true(caught[i] > 0);
    }
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(bundles_are_proved),
        cmocka_unit_test(every_change_of_meaning_is_caught),
        cmocka_unit_test(existing_rules_in_the_way_are_named),
        cmocka_unit_test(changed_security_is_caught),
        cmocka_unit_test(changed_borders_are_caught),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
