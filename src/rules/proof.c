/* SPDX-License-Identifier: Apache-2.0 */
/* An artefact, as its target's reader understood it, against the policy: for every class of
 * addresses at the machine, every class of peers, every port that anything speaks of, every profile
 * claimed, secured or not, the engine's verdict must be the policy's. Whole rows are compared, so
 * nothing is sampled. Nothing here knows how rules were made (rules/bundle.c).
 */
#include "base/map.h"
#include "rules/decision.h"

/* One rule over classes. */
struct compiled {
    const struct rule *rule;
    struct class_set local, remote;
};

/* Classes that the same rules name at one end get the same verdicts: their kind. */
struct kinds {
    uint32_t *of; /* per class */
    uint32_t n;
};

/* Rows of what passes and what is blocked; the rest is untouched. */
struct verdicts {
    struct class_set pass, block;
};

/* Ports that every rule and every service treat alike. */
struct ports {
    enum transport transport;
    uint16_t first, last;
    int service; /* governed, or SERVICE_NONE */
};

struct proof {
    const struct decision *decision;
    const struct resolved *resolved;
    const struct atoms *atoms;
    uint32_t n_classes;
    struct compiled *rules; /* enabled ones, in order */
    size_t n_rules;
    enum engine engine;
    struct class_set peers, local, link_local, v4, v6;
    struct ports *ports;
    size_t n_ports;
    struct arena *arena; /* owns the witness's texts */
    struct counterexample best;
    bool disagrees;
    bool elsewhere, best_elsewhere; /* now, and for the best: at an address of no member */
};

/* ---- Witnesses ----------------------------------------------------------------------------------
 */

static int witness_order(const struct counterexample *a, const struct counterexample *b)
{
    int order = addr_compare(a->client, b->client);
    if (!order) order = addr_compare(a->server, b->server);
    if (!order) order = (a->transport > b->transport) - (a->transport < b->transport);
    if (!order) order = (a->port > b->port) - (a->port < b->port);
    if (!order) order = (a->profile > b->profile) - (a->profile < b->profile);
    if (!order) order = (a->side > b->side) - (a->side < b->side);
    if (!order) order = (a->secured > b->secured) - (a->secured < b->secured);
    return order;
}

/* The smallest, at a member of the class if there is one: it tells an admin most. */
static void disagree(struct proof *p, const struct counterexample *w)
{
    bool better = !p->disagrees || (p->best_elsewhere && !p->elsewhere) ||
                  (p->best_elsewhere == p->elsewhere && witness_order(&p->best, w) > 0);
    if (!better) return;
    p->best = *w;
    p->best_elsewhere = p->elsewhere;
    p->disagrees = true;
}

/* Addresses for a pair of classes; two different ones where the class has two. */
static void set_ends(const struct proof *p, struct counterexample *w, uint32_t client,
                     uint32_t server)
{
    w->client = atoms_witness(p->atoms, client);
    w->server = atoms_witness(p->atoms, server);
    if (client == server) (void)atoms_second_witness(p->atoms, server, w->client, &w->server);
}

static str verdict_text(const struct verdicts *v, uint32_t class_id)
{
    if (class_set_has(v->pass, class_id)) return S("passes");
    if (class_set_has(v->block, class_id)) return S("blocked");
    return S("not touched by any rule");
}

/* ---- What the rules say -------------------------------------------------------------------------
 */

static bool rule_has_ports(const struct rule *rule, const struct ports *ports)
{
    if (rule->transport != TRANSPORT_NONE && rule->transport != ports->transport) return false;
    /* A foreign rule without ports is about all of them. */
    if (!rule->n_ports) return true;
    for (size_t i = 0; i < rule->n_ports; i++)
        if (rule->ports[i].first <= ports->first && ports->last <= rule->ports[i].last) return true;
    return false;
}

static bool acts(const struct rule *rule, bool secured)
{
    return rule->action != ACTION_ALLOW_IF_SECURE || secured;
}

/* First match: what an earlier rule decided stays decided. */
static void in_order(const struct proof *p, const uint8_t *applies, const struct class_set *peers,
                     bool secured, struct verdicts *out, struct arena *arena)
{
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct rule *rule = p->rules[i].rule;
        if (!applies[i] || !acts(rule, secured)) continue;
        struct class_set fresh = class_set_subtract(arena, peers[i], out->pass);
        fresh = class_set_subtract(arena, fresh, out->block);
        struct class_set *row = rule->action == ACTION_BLOCK ? &out->block : &out->pass;
        *row = class_set_unite(arena, *row, fresh);
    }
}

/* Authenticated bypass, then block, then allow ([MS-FASP] 2.2.34). */
static void by_rank(const struct proof *p, const uint8_t *applies, const struct class_set *peers,
                    bool secured, struct verdicts *out, struct arena *arena)
{
    struct class_set allow = {0};
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct rule *rule = p->rules[i].rule;
        if (!applies[i] || !acts(rule, secured)) continue;
        struct class_set *row = rule->action == ACTION_BLOCK   ? &out->block
                                : rule->action == ACTION_ALLOW ? &allow
                                                               : &out->pass;
        *row = class_set_unite(arena, *row, peers[i]);
    }
    out->block = class_set_subtract(arena, out->block, out->pass);
    allow = class_set_subtract(arena, allow, out->block);
    out->pass = class_set_unite(arena, out->pass, allow);
}

/* applies: per rule, whether it matches all but the peer; peers: per rule, the peers it names. */
static struct verdicts found_verdicts(const struct proof *p, const uint8_t *applies,
                                      const struct class_set *peers, bool secured,
                                      struct arena *arena)
{
    struct verdicts out = {0};
    if (p->engine == ENGINE_NFTABLES)
        in_order(p, applies, peers, secured, &out, arena);
    else
        by_rank(p, applies, peers, secured, &out, arena);
    return out;
}

/* ---- Setting up ---------------------------------------------------------------------------------
 */

static bool all_held(const struct atoms *atoms, const struct prefix_set *sets, size_t n,
                     struct arena scratch)
{
    for (size_t i = 0; i < n; i++)
        if (!atoms_hold(atoms, sets[i], scratch)) return false;
    return true;
}

/* The decision on atoms that hold the artefact's sets too. */
static const struct decision *joint(const struct decision *decision, const struct prefix_set *more,
                                    size_t n_more, struct arena *arena, struct arena scratch)
{
    if (all_held(decision_atoms(decision), more, n_more, scratch)) return decision;
    struct prefix_set *sets = NULL;
    size_t n = 0, room = 0;
    const struct resolved *resolved = decision_resolved(decision);
    decision_sets(resolved, &scratch, &sets, &n, &room);
    for (size_t i = 0; i < n_more; i++) {
        arena_grow(&scratch, sets, n, room);
        sets[n++] = more[i];
    }
    return decision_build(resolved, atoms_build(sets, n, arena, scratch), arena, scratch);
}

static int cut_order(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Marked services are found by name only; here their ports count as theirs, and the rule's program
 * must be the mark. */
static int governed_service(const struct policy *policy, enum transport transport, uint16_t port)
{
    int plain = service_by_port(policy->services, transport, port);
    if (plain != SERVICE_NONE && policy->governed[plain]) return plain;
    for (size_t i = 0; i < policy->services.n; i++) {
        const struct service *s = &policy->services.services[i];
        if (!s->mark.len || !policy->governed[i]) continue;
        for (size_t j = 0; j < s->n_ports; j++)
            if (s->ports[j].transport == transport && s->ports[j].first <= port &&
                port <= s->ports[j].last)
                return (int)i;
    }
    return SERVICE_NONE;
}

/* Cuts the ports of a transport wherever a rule's or a service's ports begin or end. */
static void cut_ports(struct proof *p, enum transport transport, struct arena *arena)
{
    const struct policy *policy = p->resolved->policy;
    size_t most = 2;
    for (size_t i = 0; i < p->n_rules; i++)
        most += 2 * p->rules[i].rule->n_ports;
    for (size_t i = 0; i < policy->services.n; i++)
        most += 2 * policy->services.services[i].n_ports;
    uint32_t *cuts = arena_array(arena, uint32_t, most);
    size_t n = 0;
    cuts[n++] = 1;
    cuts[n++] = UINT16_MAX + 1;
    for (size_t i = 0; i < p->n_rules; i++)
        for (size_t j = 0; j < p->rules[i].rule->n_ports; j++) {
            cuts[n++] = p->rules[i].rule->ports[j].first;
            cuts[n++] = p->rules[i].rule->ports[j].last + UINT32_C(1);
        }
    for (size_t i = 0; i < policy->services.n; i++)
        for (size_t j = 0; j < policy->services.services[i].n_ports; j++) {
            cuts[n++] = policy->services.services[i].ports[j].first;
            cuts[n++] = policy->services.services[i].ports[j].last + UINT32_C(1);
        }
    qsort(cuts, n, sizeof *cuts, cut_order);
    for (size_t i = 0; i + 1 < n; i++) {
        if (cuts[i] == cuts[i + 1] || !cuts[i]) continue;
        uint16_t first = (uint16_t)cuts[i], last = (uint16_t)(cuts[i + 1] - 1);
        p->ports[p->n_ports++] =
            (struct ports){transport, first, last, governed_service(policy, transport, first)};
    }
}

static struct proof proof_begin(const struct decision *decision, struct ruleset rules,
                                enum engine engine, struct prefix_set peers,
                                const struct prefix_set *members, struct arena *arena,
                                struct arena *work, struct arena scratch)
{
    struct prefix_set *sets = NULL;
    size_t n = 0, room = 0, n_ports = 0;
    struct prefix_set v4 = {&addr_all_v4, 1};
    struct proof p = {.engine = engine, .arena = arena};
    arena_grow(work, sets, n, room);
    sets[n++] = peers;
    arena_grow(work, sets, n, room);
    sets[n++] = v4;
    if (members) {
        arena_grow(work, sets, n, room);
        sets[n++] = *members;
    }
    for (size_t i = 0; i < rules.n; i++) {
        if (!rules.rules[i].enabled) continue;
        arena_grow(work, sets, n, room);
        sets[n++] = rules.rules[i].local;
        arena_grow(work, sets, n, room);
        sets[n++] = rules.rules[i].remote;
        n_ports += 2 * rules.rules[i].n_ports;
        p.n_rules++;
    }
    p.decision = joint(decision, sets, n, work, scratch);
    p.resolved = decision_resolved(p.decision);
    p.atoms = decision_atoms(p.decision);
    p.n_classes = atoms_count(p.atoms);
    p.peers = atoms_classes(p.atoms, peers, work);
    p.v4 = atoms_classes(p.atoms, v4, work);
    p.v6 = class_set_subtract(work, class_set_all(work, p.n_classes), p.v4);
    p.local = atoms_classes(p.atoms, p.resolved->places.local, work);
    p.link_local = atoms_classes(p.atoms, decision_link_local, work);
    p.rules = arena_array(work, struct compiled, p.n_rules + 1);
    size_t at = 0;
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        if (!rule->enabled) continue;
        p.rules[at++] = (struct compiled){
            rule,
            atoms_classes(p.atoms, rule->local, work),
            atoms_classes(p.atoms, rule->remote, work),
        };
    }
    const struct service_table services = p.resolved->policy->services;
    for (size_t i = 0; i < services.n; i++)
        n_ports += 2 * services.services[i].n_ports;
    p.ports = arena_array(work, struct ports, 2 * (n_ports + 2));
    cut_ports(&p, TRANSPORT_TCP, work);
    cut_ports(&p, TRANSPORT_UDP, work);
    return p;
}

/* ---- What every rule must be --------------------------------------------------------------------
 */

static str foreign_part(const struct proof *p, const struct rule *rule, int service)
{
    str mark = {0};
    if (service != SERVICE_NONE) mark = p->resolved->policy->services.services[service].mark;
    if (!str_equal(rule->program, mark) && rule->program.len) return S("a program");
    if (!str_equal(rule->program, mark)) return S("no program");
    if (rule->security.len) return S("a security condition");
    if (rule->principals.len) return S("principals");
    return (str){0};
}

/* The smallest peers of one family that the rule names at both ends; false when there are none, so
 * that no packet can meet it. */
static bool smallest_point(const struct proof *p, const struct compiled *c, uint32_t *local,
                           uint32_t *remote, struct arena scratch)
{
    for (unsigned v4 = 0; v4 < 2; v4++) {
        struct class_set family = class_set_intersect(&scratch, p->peers, v4 ? p->v4 : p->v6);
        *local = class_set_next(class_set_intersect(&scratch, c->local, family), 0);
        *remote = class_set_next(class_set_intersect(&scratch, c->remote, family), 0);
        if (*local != UINT32_MAX && *remote != UINT32_MAX) return true;
    }
    return false;
}

/* A rule on a port that no governed service has, or with a condition that policies never make,
 * decides what the policy does not: its smallest point is the witness. */
static void check_rule(struct proof *p, const struct compiled *c, uint8_t profiles, bool at_border,
                       struct arena scratch)
{
    const struct rule *rule = c->rule;
    uint32_t local = 0, remote = 0;
    if (!smallest_point(p, c, &local, &remote, scratch)) return;
    if (!at_border && !(rule->profiles & profiles)) return;
    bool outbound = rule->direction == DIRECTION_OUTBOUND;
    for (size_t i = 0; i < p->n_ports; i++) {
        const struct ports *ports = &p->ports[i];
        if (!rule_has_ports(rule, ports)) continue;
        str foreign = foreign_part(p, rule, ports->service);
        if (ports->service != SERVICE_NONE && !foreign.len) continue;
        struct counterexample w = {
            .service = ports->service,
            .transport = ports->transport,
            .port = ports->first,
            .side = at_border  ? SIDE_BORDER
                    : outbound ? SIDE_CLIENT_OUTBOUND
                               : SIDE_SERVER_INBOUND,
            .secured = rule->action == ACTION_ALLOW_IF_SECURE,
            .expected = S("no rule for a service that is not governed"),
        };
        while (!at_border && !(rule->profiles & profiles & 1u << w.profile))
            w.profile++;
        set_ends(p, &w, outbound ? local : remote, outbound ? remote : local);
        if (foreign.len) w.expected = S("a rule about addresses and ports alone");
        w.found = str_format(p->arena, "rule \"%.*s\" has %.*s", STR_ARG(rule->id),
                             STR_ARG(foreign.len ? foreign : S("this port")));
        disagree(p, &w);
    }
}

/* ---- Hosts --------------------------------------------------------------------------------------
 */

/* One port range, profile and direction of a host, secured or not. */
struct cell {
    const struct ports *ports;
    enum profile profile;
    enum direction direction;
    bool secured;
    const struct intent_rows *inbound, *outbound; /* of the ports' service */
};

static bool passes_by_intent(enum profile_mode mode, enum direction direction)
{
    return mode == MODE_ENFORCE || (mode == MODE_BLOCK_INBOUND && direction == DIRECTION_OUTBOUND);
}

/* What the policy asks of an address of this class. */
static struct verdicts expected_verdicts(const struct proof *p, const struct cell *cell,
                                         uint32_t own, struct arena *arena)
{
    struct verdicts out = {0};
    enum profile_mode mode = decision_mode(p->decision, own, cell->profile);
    if (mode == MODE_UNSET || mode == MODE_OFF) return out;
    if (passes_by_intent(mode, cell->direction)) {
        const struct intent_rows *rows =
            cell->direction == DIRECTION_INBOUND ? cell->inbound : cell->outbound;
        uint32_t row = cell->secured ? rows->either[own] : rows->allow[own];
        out.pass = class_sets_get(&rows->sets, row);
        if (decision_is_cluster(p->decision, own))
            out.pass = class_set_unite(arena, out.pass, p->link_local);
    }
    out.pass = class_set_intersect(arena, out.pass, p->peers);
    out.block = class_set_subtract(arena, p->peers, out.pass);
    return out;
}

static void offer(struct proof *p, const struct cell *cell, uint32_t own, uint32_t peer,
                  const struct verdicts *expected, const struct verdicts *found)
{
    bool outbound = cell->direction == DIRECTION_OUTBOUND;
    struct counterexample w = {
        .service = cell->ports->service,
        .transport = cell->ports->transport,
        .port = cell->ports->first,
        .profile = cell->profile,
        .side = outbound ? SIDE_CLIENT_OUTBOUND : SIDE_SERVER_INBOUND,
        .secured = cell->secured,
        .expected = verdict_text(expected, peer),
        .found = verdict_text(found, peer),
    };
    set_ends(p, &w, outbound ? own : peer, outbound ? peer : own);
    disagree(p, &w);
}

/* Where expected and found differ for one of the peers; what lies outside them is residue, but a
 * local address that is no peer must not be passed all the same. No packet has an end of each
 * family. */
static void compare(struct proof *p, const struct cell *cell, uint32_t own,
                    const struct verdicts *expected, const struct verdicts *found,
                    struct arena scratch)
{
    struct class_set passed = class_set_differ(&scratch, expected->pass, found->pass);
    struct class_set blocked = class_set_differ(&scratch, expected->block, found->block);
    struct class_set difference = class_set_unite(&scratch, passed, blocked);
    difference = class_set_intersect(&scratch, difference, p->peers);
    struct class_set local = class_set_intersect(&scratch, found->pass, p->local);
    local = class_set_subtract(&scratch, local, p->peers);
    difference = class_set_unite(&scratch, difference, local);
    bool own_v4 = class_set_has(p->v4, own);
    difference = class_set_intersect(&scratch, difference, own_v4 ? p->v4 : p->v6);
    uint32_t peer = class_set_next(difference, 0);
    if (peer != UINT32_MAX) offer(p, cell, own, peer, expected, found);
}

/* ends: per rule, the classes it names at that end. */
static struct kinds kinds_of(const struct proof *p, const struct class_set *ends,
                             struct arena *arena, struct arena scratch)
{
    struct kinds kinds = {arena_array(arena, uint32_t, p->n_classes), 0};
    struct map known = {0};
    char *key = arena_array(&scratch, char, p->n_rules + 1);
    for (uint32_t c = 0; c < p->n_classes; c++) {
        bool fresh = false;
        for (size_t i = 0; i < p->n_rules; i++)
            key[i] = class_set_has(ends[i], c) ? '1' : '0';
        /* The families are checked apart: each has peers that the other never meets. */
        key[p->n_rules] = class_set_has(p->v4, c) ? '4' : '6';
        str all = {key, p->n_rules + 1};
        kinds.of[c] = (uint32_t)*map_put(&known, &scratch, all, kinds.n, &fresh);
        kinds.n += fresh;
    }
    return kinds;
}

/* A class of addresses at the machine and what is known of it. */
struct host {
    struct class_set members;
    uint32_t home; /* the smallest member */
    struct kinds kinds;
    uint32_t *stranger; /* per kind: the smallest peer class that is no member, or UINT32_MAX */
};

static struct host host_of(const struct proof *p, struct prefix_set members, struct arena *work,
                           struct arena scratch)
{
    struct host host = {.members = atoms_classes(p->atoms, members, work)};
    struct class_set *locals = arena_array(&scratch, struct class_set, p->n_rules + 1);
    for (size_t i = 0; i < p->n_rules; i++)
        locals[i] = p->rules[i].local;
    host.home = class_set_next(host.members, 0);
    host.kinds = kinds_of(p, locals, work, scratch);
    host.stranger = arena_array(work, uint32_t, (size_t)host.kinds.n + 1);
    for (uint32_t k = 0; k < host.kinds.n; k++)
        host.stranger[k] = UINT32_MAX;
    for (uint32_t c = 0; c < p->n_classes; c++) {
        bool stranger = class_set_has(p->peers, c) && !class_set_has(host.members, c);
        uint32_t *smallest = &host.stranger[host.kinds.of[c]];
        if (stranger && *smallest == UINT32_MAX) *smallest = c;
    }
    return host;
}

static struct verdicts host_verdicts(const struct proof *p, const struct cell *cell, uint32_t own,
                                     struct arena *arena, struct arena scratch)
{
    uint8_t *applies = arena_array(&scratch, uint8_t, p->n_rules + 1);
    struct class_set *peers = arena_array(&scratch, struct class_set, p->n_rules + 1);
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct rule *rule = p->rules[i].rule;
        applies[i] = rule->direction == cell->direction && (rule->profiles >> cell->profile & 1) &&
                     rule_has_ports(rule, cell->ports) && class_set_has(p->rules[i].local, own);
        peers[i] = p->rules[i].remote;
    }
    return found_verdicts(p, applies, peers, cell->secured, arena);
}

/* The members, each by what the policy asks of it; then every other address that one of them may
 * hold for a while, which must do as the home does. */
static void check_cell(struct proof *p, const struct cell *cell, const struct host *host,
                       struct arena work, struct arena scratch)
{
    struct verdicts *found = arena_array(&work, struct verdicts, (size_t)host->kinds.n + 1);
    bool *known = arena_array(&work, bool, (size_t)host->kinds.n + 1);
    for (uint32_t own = host->home; own != UINT32_MAX;
         own = class_set_next(host->members, own + 1)) {
        uint32_t kind = host->kinds.of[own];
        struct verdicts *here = &found[kind];
        if (!known[kind]) *here = host_verdicts(p, cell, own, &work, scratch);
        known[kind] = true;
        struct arena inner = work;
        struct verdicts expected = expected_verdicts(p, cell, own, &inner);
        compare(p, cell, own, &expected, here, scratch);
    }
    struct verdicts at_home = expected_verdicts(p, cell, host->home, &work);
    p->elsewhere = true;
    for (uint32_t k = 0; k < host->kinds.n; k++) {
        uint32_t own = host->stranger[k];
        if (own == UINT32_MAX) continue;
        if (!known[k]) found[k] = host_verdicts(p, cell, own, &work, scratch);
        compare(p, cell, own, &at_home, &found[k], scratch);
    }
    p->elsewhere = false;
}

bool decision_proves_host(const struct decision *decision, const struct enforced_class *class,
                          struct prefix_set peers, struct arena *arena, struct arena scratch,
                          struct counterexample *witness)
{
    assert(class->profiles && !prefix_set_is_empty(class->members));
    struct arena work = arena_open("proof", 0, NULL);
    struct proof p = proof_begin(decision, class->rules, class->engine, peers, &class->members,
                                 arena, &work, scratch);
    struct host host = host_of(&p, class->members, &work, scratch);
    for (size_t i = 0; i < p.n_rules; i++)
        check_rule(&p, &p.rules[i], class->profiles, false, scratch);
    struct intent_rows inbound = {0}, outbound = {0};
    for (size_t i = 0, service = SIZE_MAX; i < p.n_ports; i++) {
        if (p.ports[i].service == SERVICE_NONE) continue;
        if (service != (size_t)p.ports[i].service) {
            service = (size_t)p.ports[i].service;
            inbound =
                decision_intent_rows(p.decision, (int)service, DIRECTION_INBOUND, &work, scratch);
            outbound =
                decision_intent_rows(p.decision, (int)service, DIRECTION_OUTBOUND, &work, scratch);
        }
        for (unsigned k = 0; k < PROFILE_COUNT * 4; k++) {
            enum direction direction = k & 1 ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
            struct cell cell = {
                &p.ports[i], (enum profile)(k / 4), direction, (k & 2) != 0, &inbound, &outbound};
            if (class->profiles >> cell.profile & 1) check_cell(&p, &cell, &host, work, scratch);
        }
    }
    if (p.disagrees) *witness = p.best;
    arena_close(&work);
    return !p.disagrees;
}

/* ---- Borders ------------------------------------------------------------------------------------
 */

/* A rule of a border looks outward or inward; either way it is about clients and servers. */
struct border_ends {
    struct class_set *clients, *servers; /* per rule */
    struct kinds kinds;                  /* of clients */
    struct class_set inside;
};

static struct border_ends border_ends(const struct proof *p, struct prefix_set inside,
                                      struct arena *work, struct arena scratch)
{
    struct border_ends ends = {
        .clients = arena_array(work, struct class_set, p->n_rules + 1),
        .servers = arena_array(work, struct class_set, p->n_rules + 1),
        .inside = atoms_classes(p->atoms, inside, work),
    };
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct compiled *c = &p->rules[i];
        bool outbound = c->rule->direction == DIRECTION_OUTBOUND;
        ends.clients[i] = outbound ? c->local : c->remote;
        ends.servers[i] = outbound ? c->remote : c->local;
    }
    ends.kinds = kinds_of(p, ends.clients, work, scratch);
    return ends;
}

static struct verdicts border_verdicts(const struct proof *p, const struct border_ends *ends,
                                       const struct ports *ports, uint32_t client, bool secured,
                                       struct arena *arena, struct arena scratch)
{
    uint8_t *applies = arena_array(&scratch, uint8_t, p->n_rules + 1);
    for (size_t i = 0; i < p->n_rules; i++)
        applies[i] = p->rules[i].rule->profiles && rule_has_ports(p->rules[i].rule, ports) &&
                     class_set_has(ends->clients[i], client);
    return found_verdicts(p, applies, ends->servers, secured, arena);
}

/* Only what crosses is the border's to decide, and no router forwards a local address. */
static struct verdicts border_expected(const struct proof *p, struct class_set inside,
                                       struct class_set intended, uint32_t client,
                                       struct arena *arena)
{
    struct verdicts out = {0};
    if (class_set_has(p->local, client)) return out;
    struct class_set across = class_set_has(inside, client)
                                  ? class_set_subtract(arena, p->peers, inside)
                                  : class_set_intersect(arena, p->peers, inside);
    across = class_set_subtract(arena, across, p->local);
    out.pass = class_set_intersect(arena, across, intended);
    out.block = class_set_subtract(arena, across, out.pass);
    return out;
}

/* A border cannot see IPsec, so secured or not is one answer. */
static void check_border(struct proof *p, const struct border_ends *ends, const struct ports *ports,
                         const struct intent_rows *rows, bool secured, struct arena work,
                         struct arena scratch)
{
    struct verdicts *found = arena_array(&work, struct verdicts, (size_t)ends->kinds.n + 1);
    bool *known = arena_array(&work, bool, (size_t)ends->kinds.n + 1);
    struct cell cell = {ports, PROFILE_DOMAIN, DIRECTION_OUTBOUND, secured, NULL, rows};
    for (uint32_t client = class_set_next(p->peers, 0); client != UINT32_MAX;
         client = class_set_next(p->peers, client + 1)) {
        uint32_t kind = ends->kinds.of[client];
        struct verdicts *here = &found[kind];
        if (!known[kind]) *here = border_verdicts(p, ends, ports, client, secured, &work, scratch);
        known[kind] = true;
        struct arena inner = work;
        struct verdicts expected = border_expected(
            p, ends->inside, class_sets_get(&rows->sets, rows->either[client]), client, &inner);
        compare(p, &cell, client, &expected, here, scratch);
    }
}

bool decision_proves_border(const struct decision *decision, const struct border *border,
                            struct ruleset rules, struct prefix_set peers, struct arena *arena,
                            struct arena scratch, struct counterexample *witness)
{
    struct arena work = arena_open("proof", 0, NULL);
    struct proof p = proof_begin(decision, rules, ENGINE_NFTABLES, peers, &border->inside, arena,
                                 &work, scratch);
    struct border_ends ends = border_ends(&p, border->inside, &work, scratch);
    for (size_t i = 0; i < p.n_rules; i++)
        check_rule(&p, &p.rules[i], 0, true, scratch);
    struct intent_rows rows = {0};
    for (size_t i = 0, service = SIZE_MAX; i < p.n_ports; i++) {
        if (p.ports[i].service == SERVICE_NONE) continue;
        if (service != (size_t)p.ports[i].service)
            rows = decision_intent_rows(p.decision, p.ports[i].service, DIRECTION_OUTBOUND, &work,
                                        scratch);
        service = (size_t)p.ports[i].service;
        check_border(&p, &ends, &p.ports[i], &rows, false, work, scratch);
        check_border(&p, &ends, &p.ports[i], &rows, true, work, scratch);
    }
    if (p.disagrees) {
        p.best.side = SIDE_BORDER;
        *witness = p.best;
    }
    arena_close(&work);
    return !p.disagrees;
}
