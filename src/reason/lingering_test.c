/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of an exception, against single points of random worlds: a policy's own bundles with
 * rules missing, or with one that lets more pass.
 */
#include "reason/lingering.h"

#include "base/test.h"
#include "rules/bundle.h"
#include "rules/random_world.h"
#include "rules/universe.h"
#include "rules/verdict.h"

enum { WORLDS = 120, QUESTIONS = 3000, SCOPES = 3 };

struct lab {
    struct random_world *world;
    const struct decision *decision;
    struct enforcement_rules *rules;
    size_t n_rules;
    struct lingering_scope scopes[SCOPES];
    struct lingering found;
};

/* A bundle that something was done to: as made, a rule missing, or somebody's rule that allows. */
static struct ruleset spoilt(struct random_world *w, struct ruleset rules, struct arena *arena)
{
    struct rule *items = arena_array(arena, struct rule, rules.n + 1);
    size_t n = 0, missing = world_random(w, rules.n + 1);
    for (size_t i = 0; i < rules.n; i++)
        if (i != missing) items[n++] = rules.rules[i];
    if (n && world_random(w, 2)) {
        struct rule *rule = &items[world_random(w, n)];
        rule->action = ACTION_ALLOW;
        rule->remote = prefix_set_union(arena, rule->remote, world_set(w, 2));
    }
    return (struct ruleset){.rules = items, .n = n};
}

static struct lab lab_make(uint64_t seed, struct arena *arena, struct arena scratch)
{
    struct lab lab = {.world = world_make(arena, seed, true)};
    struct random_world *w = lab.world;
    lab.decision = decision_build(&w->resolved, NULL, arena, scratch);
    struct bundles bundles = bundle_make(&w->resolved, universe_windows, S("test"), arena, scratch);
    lab.rules = arena_array(arena, struct enforcement_rules, bundles.n_classes + 1);
    for (size_t i = 0; i < bundles.n_classes; i++)
        lab.rules[lab.n_rules++] = (struct enforcement_rules){
            .source = bundles.classes[i].id,
            .own = bundles.classes[i].members,
            .rules = spoilt(w, bundles.classes[i].rules, arena),
            .engine = ENGINE_WINDOWS,
        };
    for (size_t i = 0; i < SCOPES; i++) {
        lab.scopes[i].clients = world_set(w, 6);
        lab.scopes[i].servers = world_set(w, 6);
        lab.scopes[i].services = world_services(w, &lab.scopes[i].n_services);
    }
    lab.found = lingering_find(lab.decision, lab.rules, lab.n_rules, universe_windows,
                               (1u << PROFILE_COUNT) - 1, lab.scopes, SCOPES, arena, scratch);
    return lab;
}

struct point {
    struct addr client, server;
    enum enforcement_point at;
    int service;
    enum transport transport;
    uint16_t port;
    enum profile profile;
    bool secured;
};

/* Whether the policy blocks it there, and what a ruleset says: -1 nothing, 0 blocks, 1 passes. */
static bool policy_blocks(const struct lab *lab, const struct point *p)
{
    struct flow_question q = {
        .client = p->client,
        .server = p->server,
        .transport = p->transport,
        .port = p->port,
        .service = p->service,
        .profile = p->profile,
    };
    struct flow_answer answer = decision_ask(lab->decision, &q);
    enum side side = p->at == ENFORCEMENT_OUTBOUND ? SIDE_CLIENT_OUTBOUND : SIDE_SERVER_INBOUND;
    if (answer.intent == INTENT_LOCAL || answer.intent == INTENT_UNGOVERNED) return false;
    for (size_t i = 0; i < answer.n_sides; i++)
        if (answer.sides[i].side == side)
            return answer.sides[i].enforces &&
                   !(p->secured ? answer.sides[i].passes_secured : answer.sides[i].passes);
    return false;
}

static int ruleset_says(const struct enforcement_rules *rules, const struct point *p)
{
    bool outbound = p->at == ENFORCEMENT_OUTBOUND;
    struct verdict_question q = {
        .direction = outbound ? DIRECTION_OUTBOUND : DIRECTION_INBOUND,
        .transport = p->transport,
        .port = p->port,
        .profile = p->profile,
        .secured = p->secured,
    };
    const struct rule *rule =
        verdict_rule(rules->rules, rules->engine, outbound ? p->client : p->server,
                     outbound ? p->server : p->client, &q);
    return rule ? rule->action != ACTION_BLOCK : -1;
}

static bool is_told(const struct lab *lab, size_t scope, size_t rules, int says)
{
    for (size_t i = 0; i < lab->found.n; i++) {
        const struct lingering_find *f = &lab->found.items[i];
        if (f->scope == scope && f->rules == rules && (f->kind == LINGERING_OPEN) == (says == 1))
            return true;
    }
    return false;
}

static bool speaks_of(const struct lingering_scope *scope, const struct point *p)
{
    bool has = false;
    for (size_t i = 0; i < scope->n_services; i++)
        has = has || (int)scope->services[i] == p->service;
    return has && prefix_set_contains(scope->clients, p->client) &&
           prefix_set_contains(scope->servers, p->server);
}

/* An end of some range of the set, or any address at all. */
static struct addr address_of(struct random_world *w, struct prefix_set set)
{
    if (!set.n || !world_random(w, 4)) return world_addr(w);
    struct range range = set.ranges[world_random(w, set.n)];
    return world_random(w, 2) ? range.first : range.last;
}

/* Every pair that is open, or that nothing decides, is told of. */
static size_t ask_points(const struct lab *lab)
{
    struct random_world *w = lab->world;
    const struct service_table *services = &w->resolved.policy->services;
    size_t n = 0;
    for (int i = 0; i < QUESTIONS; i++) {
        const struct lingering_scope *scope = &lab->scopes[world_random(w, SCOPES)];
        struct point p = {
            .client = address_of(w, scope->clients),
            .server = address_of(w, scope->servers),
            .at = world_random(w, 2) ? ENFORCEMENT_OUTBOUND : ENFORCEMENT_INBOUND,
            .service = (int)world_random(w, services->n),
            .profile = (enum profile)world_random(w, PROFILE_COUNT),
            .secured = world_random(w, 2),
        };
        const struct service *service = &services->services[p.service];
        const struct service_port *port = &service->ports[world_random(w, service->n_ports)];
        p.transport = port->transport;
        p.port = (uint16_t)(port->first + world_random(w, port->last - port->first + 1u));
        struct addr own = p.at == ENFORCEMENT_OUTBOUND ? p.client : p.server;
        struct addr peer = p.at == ENFORCEMENT_OUTBOUND ? p.server : p.client;
        if (addr_is_v4(own) != addr_is_v4(peer) || !policy_blocks(lab, &p)) continue;
        if (!prefix_set_contains(universe_windows, peer)) continue;
        for (size_t r = 0; r < lab->n_rules; r++) {
            if (!prefix_set_contains(lab->rules[r].own, own)) continue;
            int says = ruleset_says(&lab->rules[r], &p);
            for (size_t s = 0; s < SCOPES; s++) {
                if (!speaks_of(&lab->scopes[s], &p)) continue;
                assert_true(lab->found.looked[s] > 0);
                if (says == 0) continue;
                assert_true(is_told(lab, s, r, says));
                n++;
            }
        }
    }
    return n;
}

static void what_is_left_is_what_points_say(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t points = 0, finds = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct lab lab = lab_make(seed, &arena, scratch);
        points += ask_points(&lab);
        for (size_t i = 0; i < lab.found.n; i++) {
            const struct lingering_find *f = &lab.found.items[i];
            struct point p = {f->client,    f->server, f->point,   f->service,
                              f->transport, f->port,   f->profile, f->secured};
            assert_true(speaks_of(&lab.scopes[f->scope], &p));
            assert_true(policy_blocks(&lab, &p));
            assert_int_equal(ruleset_says(&lab.rules[f->rules], &p),
                             f->kind == LINGERING_OPEN ? 1 : -1);
            finds++;
        }
    }
    print_message("%zu points, %zu finds\n", points, finds);
    assert_true(points > WORLDS && finds > WORLDS);
    arena_close(&scratch);
    arena_close(&arena);
}

/* As made, nothing is left of anything. */
static void bundles_as_made_leave_nothing(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, seed, true);
        const struct decision *d = decision_build(&w->resolved, NULL, &arena, scratch);
        struct bundles b = bundle_make(&w->resolved, universe_windows, S("test"), &arena, scratch);
        struct lingering_scope scope = {.clients = world_set(w, 3), .servers = world_set(w, 3)};
        scope.services = world_services(w, &scope.n_services);
        for (size_t i = 0; i < b.n_classes; i++) {
            struct enforcement_rules rules = {
                .own = b.classes[i].members, .rules = b.classes[i].rules, .engine = ENGINE_WINDOWS};
            struct lingering left =
                lingering_find(d, &rules, 1, universe_windows, (1u << PROFILE_COUNT) - 1, &scope, 1,
                               &arena, scratch);
            assert_int_equal(left.n, 0);
        }
    }
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_what_points_say),
        cmocka_unit_test(bundles_as_made_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
