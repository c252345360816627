/* SPDX-License-Identifier: Apache-2.0 */
/* One ruleset after the other: a firewall has few rules beside a policy, and most exceptions are of
 * other machines. What the policy answers to a question is the same for all of them and kept.
 */
#include "reason/lingering.h"

#include "base/map.h"
#include "rules/verdict.h"

struct finder {
    const struct decision *decision;
    const struct resolved *resolved;
    const struct enforcement_rules *rules;
    const struct lingering_scope *scopes;
    size_t n_scopes;
    struct prefix_set peers; /* less local ones */
    uint8_t profiles;
    size_t most; /* addresses of machines that hold several, and one */
    struct lingering_find *found;
    size_t n_found, room;
    size_t *looked;
    size_t *places;   /* per scope and kind: 1 + where in found its last one is */
    struct map known; /* what the policy answers, by question */
    struct enforcement_cells *answers;
    size_t n_answers, answers_room;
    struct arena *arena;
    struct arena *work;
};

static bool at_border(enum enforcement_point point)
{
    return point == ENFORCEMENT_BORDER_OUT || point == ENFORCEMENT_BORDER_IN;
}

static const struct enforcement_cells *
policy_answer(struct finder *f, const struct enforcement_question *q, struct arena scratch)
{
    struct buf key = buf_in(&scratch);
    const struct enforcement policy = {.decision = f->decision};
    bool fresh = false;
    buf_format(&key, "%u %u %u %u %u ", (unsigned)q->point, (unsigned)q->transport,
               (unsigned)q->port, (unsigned)q->profile, (unsigned)q->secured);
    buf_str(&key, q->border);
    uint64_t at = *map_put(&f->known, f->work, buf_text(&key), f->n_answers, &fresh);
    if (fresh) {
        arena_grow(f->work, f->answers, f->n_answers, f->answers_room);
        f->answers[f->n_answers] = enforcement_ask(&policy, q, f->work, scratch);
        f->n_answers++;
    }
    return &f->answers[at];
}

/* ---- Witnesses ----------------------------------------------------------------------------------
 */

/* The smallest pair of two machines out of sets of one family. A machine has at most `most`
 * addresses, so more pairs are never looked at in vain. */
static bool smallest_pair(const struct finder *f, struct prefix_set clients,
                          struct prefix_set servers, struct addr *client, struct addr *server)
{
    size_t tried = 0;
    for (size_t i = 0; i < servers.n; i++)
        for (struct addr s = servers.ranges[i].first; tried < f->most; s = addr_next(s)) {
            size_t at = 0;
            for (size_t j = 0; j < clients.n && at <= f->most; j++)
                for (struct addr c = clients.ranges[j].first; at <= f->most; c = addr_next(c)) {
                    at++;
                    if (!decision_one_machine(f->decision, c, s)) {
                        *client = c;
                        *server = s;
                        return true;
                    }
                    if (addr_equal(c, clients.ranges[j].last)) break;
                }
            tried++;
            if (addr_equal(s, servers.ranges[i].last)) break;
        }
    return false;
}

static bool find_pair(const struct finder *f, struct prefix_set clients, struct prefix_set servers,
                      struct lingering_find *out, struct arena scratch)
{
    return smallest_pair(f, prefix_set_v4(&scratch, clients), prefix_set_v4(&scratch, servers),
                         &out->client, &out->server) ||
           smallest_pair(f, prefix_set_v6(&scratch, clients), prefix_set_v6(&scratch, servers),
                         &out->client, &out->server);
}

static const struct rule *deciding(const struct finder *f, const struct lingering_find *find)
{
    const struct enforcement_rules *rules = &f->rules[find->rules];
    bool own_is_client = enforcement_own_is_client(find->point);
    struct verdict_question q = {
        .direction = own_is_client ? DIRECTION_OUTBOUND : DIRECTION_INBOUND,
        .transport = find->transport,
        .port = find->port,
        .profile = find->profile,
        .secured = find->secured,
        .any_profile = at_border(find->point),
    };
    return verdict_rule(rules->rules, rules->engine, own_is_client ? find->client : find->server,
                        own_is_client ? find->server : find->client, &q);
}

static bool is_smaller(const struct lingering_find *a, const struct lingering_find *b)
{
    int order = addr_compare(a->server, b->server);
    return order < 0 || (!order && addr_compare(a->client, b->client) < 0);
}

/* Keeps the smallest one of its scope, rules and kind. */
static void note(struct finder *f, const struct lingering_find *find)
{
    size_t *at = &f->places[find->scope * 2 + (find->kind == LINGERING_OPEN)];
    struct lingering_find *known = *at ? &f->found[*at - 1] : NULL;
    if (known && known->rules == find->rules) {
        if (is_smaller(find, known)) *known = *find;
        return;
    }
    arena_grow(f->arena, f->found, f->n_found, f->room);
    f->found[f->n_found++] = *find;
    *at = f->n_found;
}

/* ---- One question -------------------------------------------------------------------------------
 */

static void look(struct finder *f, struct lingering_find find, struct prefix_set own,
                 struct prefix_set peers, struct arena scratch)
{
    bool own_is_client = enforcement_own_is_client(find.point);
    if (prefix_set_is_empty(own) || prefix_set_is_empty(peers)) return;
    if (find_pair(f, own_is_client ? own : peers, own_is_client ? peers : own, &find, scratch))
        note(f, &find);
}

/* What the policy blocks for these own addresses, against what the rules make of it. */
static void look_at_cells(struct finder *f, const struct lingering_find *find,
                          struct prefix_set own, struct prefix_set blocked,
                          const struct enforcement_cells *state, struct arena scratch)
{
    struct lingering_find open = *find, undecided = *find;
    struct prefix_set rest = own;
    open.kind = LINGERING_OPEN;
    undecided.kind = LINGERING_UNDECIDED;
    for (size_t i = 0; i < state->n; i++) {
        const struct enforcement_cell *cell = &state->items[i];
        struct prefix_set both = prefix_set_intersect(&scratch, own, cell->own);
        if (prefix_set_is_empty(both)) continue;
        look(f, open, both, prefix_set_intersect(&scratch, blocked, cell->passes), scratch);
        struct prefix_set left = prefix_set_subtract(&scratch, blocked, cell->passes);
        look(f, undecided, both, prefix_set_subtract(&scratch, left, cell->blocks), scratch);
        rest = prefix_set_subtract(&scratch, rest, cell->own);
    }
    look(f, undecided, rest, blocked, scratch);
}

static bool has_service(const struct lingering_scope *scope, int service)
{
    for (size_t i = 0; i < scope->n_services; i++)
        if ((int)scope->services[i] == service) return true;
    return false;
}

static void look_at_scope(struct finder *f, const struct lingering_find *find,
                          const struct enforcement_cells *policy,
                          const struct enforcement_cells *state, struct arena scratch)
{
    const struct lingering_scope *scope = &f->scopes[find->scope];
    bool own_is_client = enforcement_own_is_client(find->point);
    struct prefix_set own = prefix_set_intersect(&scratch, f->rules[find->rules].own,
                                                 own_is_client ? scope->clients : scope->servers);
    struct prefix_set peers =
        prefix_set_intersect(&scratch, f->peers, own_is_client ? scope->servers : scope->clients);
    for (size_t i = 0; i < policy->n; i++) {
        struct arena inner = scratch;
        const struct enforcement_cell *cell = &policy->items[i];
        struct prefix_set both = prefix_set_intersect(&inner, own, cell->own);
        if (prefix_set_is_empty(both)) continue;
        struct prefix_set blocked = prefix_set_intersect(&inner, peers, cell->blocks);
        if (prefix_set_is_empty(blocked)) continue;
        look_at_cells(f, find, both, blocked, state, inner);
    }
}

/* ---- One ruleset --------------------------------------------------------------------------------
 */

/* Scopes with an end at this place. */
static size_t *scopes_at(struct finder *f, size_t rules, struct arena *arena, size_t *n)
{
    struct prefix_set own = f->rules[rules].own;
    size_t *list = arena_array(arena, size_t, f->n_scopes + 1);
    *n = 0;
    for (size_t i = 0; i < f->n_scopes; i++) {
        const struct lingering_scope *scope = &f->scopes[i];
        bool client = prefix_set_overlaps(own, scope->clients);
        bool server = prefix_set_overlaps(own, scope->servers);
        bool is_at = client || server;
        /* Nothing crosses a border with both ends at one side of it. */
        if (f->rules[rules].border.len)
            is_at = (client && !prefix_set_covers(own, scope->servers)) ||
                    (server && !prefix_set_covers(own, scope->clients));
        if (!is_at) continue;
        f->looked[i]++;
        list[(*n)++] = i;
    }
    return list;
}

static void ask(struct finder *f, const struct lingering_find *find, const size_t *scopes, size_t n,
                struct arena scratch)
{
    struct arena work = arena_open("lingering", 0, NULL);
    const struct enforcement state = {.rules = &f->rules[find->rules], .n_rules = 1};
    const struct enforcement_question q = {
        .point = find->point,
        .border = f->rules[find->rules].border,
        .transport = find->transport,
        .port = find->port,
        .profile = find->profile,
        .secured = find->secured,
    };
    const struct enforcement_cells *policy = policy_answer(f, &q, scratch);
    struct enforcement_cells cells = enforcement_ask(&state, &q, &work, scratch);
    for (size_t i = 0; i < n; i++) {
        struct lingering_find of = *find;
        of.scope = scopes[i];
        if (has_service(&f->scopes[of.scope], find->service))
            look_at_scope(f, &of, policy, &cells, scratch);
    }
    arena_close(&work);
}

/* Every profile, in clear and secured; a border knows neither. */
static void ask_port(struct finder *f, struct lingering_find find, const size_t *scopes, size_t n,
                     struct arena scratch)
{
    static const enum enforcement_point points[2][2] = {
        {ENFORCEMENT_OUTBOUND,   ENFORCEMENT_INBOUND  },
        {ENFORCEMENT_BORDER_OUT, ENFORCEMENT_BORDER_IN},
    };
    bool border = f->rules[find.rules].border.len != 0;
    for (size_t k = 0; k < 2; k++) {
        find.point = points[border][k];
        for (unsigned p = 0; p < PROFILE_COUNT; p++) {
            if (border ? p != PROFILE_DOMAIN : !(f->profiles >> p & 1u)) continue;
            find.profile = (enum profile)p;
            for (unsigned secured = 0; secured < (border ? 1u : 2u); secured++) {
                find.secured = secured != 0;
                ask(f, &find, scopes, n, scratch);
            }
        }
    }
}

/* Where within a range of ports some rule begins or ends: between two of these all are alike. */
static bool is_cut(const struct ruleset *rules, enum transport transport, uint32_t port)
{
    for (size_t i = 0; i < rules->n; i++) {
        const struct rule *rule = &rules->rules[i];
        for (size_t k = 0; k < rule->n_ports && rule->transport == transport; k++)
            if (rule->ports[k].first == port || rule->ports[k].last + 1u == port) return true;
    }
    return false;
}

static void ask_range(struct finder *f, size_t rules, int service, const struct service_port *range,
                      const size_t *scopes, size_t n, struct arena scratch)
{
    for (uint32_t port = range->first; port <= range->last; port++) {
        if (port != range->first && !is_cut(&f->rules[rules].rules, range->transport, port))
            continue;
        struct lingering_find find = {
            .rules = rules,
            .service = service,
            .transport = range->transport,
            .port = (uint16_t)port,
        };
        ask_port(f, find, scopes, n, scratch);
    }
}

static void ask_rules(struct finder *f, size_t rules, struct arena scratch)
{
    const struct policy *policy = f->resolved->policy;
    size_t n;
    size_t *scopes = scopes_at(f, rules, &scratch, &n);
    for (size_t s = 0; s < policy->services.n && n; s++) {
        const struct service *service = &policy->services.services[s];
        bool asked = false;
        for (size_t i = 0; i < n && !asked; i++)
            asked = has_service(&f->scopes[scopes[i]], (int)s);
        for (size_t k = 0; k < service->n_ports && asked && policy->governed[s]; k++)
            ask_range(f, rules, (int)s, &service->ports[k], scopes, n, scratch);
    }
}

static int find_order(const void *left, const void *right)
{
    const struct lingering_find *a = left, *b = right;
    int order = (a->scope > b->scope) - (a->scope < b->scope);
    if (!order) order = (a->rules > b->rules) - (a->rules < b->rules);
    if (!order) order = (a->kind > b->kind) - (a->kind < b->kind);
    return order;
}

struct lingering lingering_find(const struct decision *decision,
                                const struct enforcement_rules *rules, size_t n_rules,
                                struct prefix_set peers, uint8_t profiles,
                                const struct lingering_scope *scopes, size_t n_scopes,
                                struct arena *arena, struct arena scratch)
{
    struct arena work = arena_open("lingering answers", 0, NULL);
    struct finder f = {
        .decision = decision,
        .resolved = decision_resolved(decision),
        .rules = rules,
        .scopes = scopes,
        .n_scopes = n_scopes,
        .profiles = profiles,
        .most = 1,
        .looked = arena_array(arena, size_t, n_scopes + 1),
        .places = arena_array(arena, size_t, 2 * n_scopes + 1),
        .arena = arena,
        .work = &work,
    };
    f.peers = prefix_set_subtract(&work, peers, f.resolved->places.local);
    for (size_t i = 0; i < f.resolved->n_machines; i++)
        f.most += f.resolved->machines[i].n_addrs;
    for (size_t i = 0; i < n_rules; i++)
        ask_rules(&f, i, scratch);
    for (size_t i = 0; i < f.n_found; i++)
        if (f.found[i].kind == LINGERING_OPEN) f.found[i].rule = deciding(&f, &f.found[i]);
    if (f.n_found) qsort(f.found, f.n_found, sizeof *f.found, find_order);
    arena_close(&work);
    return (struct lingering){f.found, f.n_found, f.looked};
}
