/* SPDX-License-Identifier: Apache-2.0 */
/* An artefact, as its target's reader understood it, against the policy: for every address at the
 * machine, every peer, every port that anything speaks of, every profile claimed, secured or not,
 * the engine's verdict must be the policy's. Nothing is sampled: addresses that the same rules name
 * and that the policy asks the same of are one *piece*, and for each piece the line of peers is
 * walked from border to border of what is asked and of what is said. So a proof costs what the
 * artefact and its part of the policy are long, whatever else the policy holds. Nothing here knows
 * how rules were made (rules/bundle.c).
 */
#include "base/map.h"
#include "rules/decision.h"
#include "rules/proof_principals.h"
#include "rules/proof_security.h"
#include "rules/scopes.h"
#include "rules/verdict.h"

enum {
    FAMILIES = 2,                  /* 0: IPv6, 1: IPv4 */
    QUESTIONS = PROFILE_COUNT * 4, /* of one service: profile, secured or not, direction */
    SILENT = 0,                    /* the wanted that decides nothing */
    NO_CLASS = UINT32_MAX,
};

/* Ports that every rule and every service treat alike. */
struct ports {
    enum transport transport;
    uint16_t first, last;
    int service;       /* governed, or SERVICE_NONE */
    size_t service_at; /* its place among the governed ones */
};

struct prover {
    const struct decision *decision;
    const struct resolved *resolved;
    const struct atoms *atoms;
    struct prefix_set peers;
    int *services; /* the governed ones */
    size_t n_services;
    struct intent_rows *outbound; /* per governed service: what clients may reach */
    struct principals principals;
};

/* What the policy asks of an end: which peers pass; of the peers decided, the others are blocked.
 */
struct wanted {
    struct prefix_set decided, pass;
};

/* What rules say of peers: the first layer that has a peer decides. */
struct layer {
    bool passes;
    struct prefix_set peers;
};

struct said {
    struct layer *layers;
    size_t n;
};

/* Addresses at one end that are alike in everything asked and said. */
struct piece {
    uint32_t scope, class_id; /* class of the decision, or NO_CLASS: of no member */
    struct addr first, second;
    bool has_second, v4;
};

struct pieces {
    struct piece *items; /* in the order of their first addresses */
    size_t n, room;
    struct map known; /* scope and class to place */
};

struct proof {
    const struct prover *prover;
    const struct rule **rules;      /* enabled ones, in order */
    struct prefix_set *own, *peers; /* per rule: the addresses it names at either end */
    size_t n_rules, n_made;         /* all; those of the artefact, which come first */
    enum engine engine;
    bool with_existing; /* only what the policy decides is asked about */
    bool at_border;
    bool denies_rest;     /* REST_DENIED */
    struct scopes scopes; /* of `own` */
    struct ports *ports;
    size_t n_ports;
    struct wanted *wanted;
    size_t n_wanted, wanted_room;
    struct map wanted_of; /* what the policy's rows are called, to a number of wanted */
    struct arena *arena;  /* owns the witness's texts */
    struct arena *work;
    struct arena scratch;
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

/* ---- Walking the line ---------------------------------------------------------------------------
 */

/* A set while the line is walked upwards. */
struct view {
    struct prefix_set set;
    size_t at;
};

/* Whether x is in the set; the answer holds up to *until, which is lowered to that. */
static bool view_has(struct view *v, struct addr x, struct addr *until)
{
    while (v->at < v->set.n && addr_compare(v->set.ranges[v->at].last, x) < 0)
        v->at++;
    if (v->at == v->set.n) return false;
    struct range r = v->set.ranges[v->at];
    bool has = addr_compare(r.first, x) <= 0;
    struct addr end = has ? r.last : addr_previous(r.first);
    if (addr_compare(end, *until) < 0) *until = end;
    return has;
}

enum { NOT_TOUCHED, PASSES, BLOCKED };

static str verdict_text(unsigned verdict)
{
    static const str texts[] = {
        {"not touched by any rule", 23},
        {"passes",                  6 },
        {"blocked",                 7 },
    };
    return texts[verdict];
}

/* What is asked and said of one peer. */
struct verdicts {
    struct addr peer;
    unsigned wanted, said;
};

/* The first peer of a stretch of the line where what is said is not what is asked. What lies
 * outside the peers is residue, but a local address that is no peer must not be passed all the
 * same. */
static bool differ_within(const struct proof *proof, struct range line, const struct wanted *wanted,
                          const struct said *said, struct view *layers, struct verdicts *out)
{
    const struct prover *p = proof->prover;
    struct view peers = {p->peers, 0}, local = {p->resolved->places.local, 0};
    struct view decided = {wanted->decided, 0}, pass = {wanted->pass, 0};
    for (size_t i = 0; i < said->n; i++)
        layers[i] = (struct view){said->layers[i].peers, 0};
    for (struct addr x = line.first;;) {
        struct addr until = line.last;
        unsigned found = NOT_TOUCHED, asked = NOT_TOUCHED;
        for (size_t i = 0; i < said->n && found == NOT_TOUCHED; i++)
            if (view_has(&layers[i], x, &until)) found = said->layers[i].passes ? PASSES : BLOCKED;
        bool is_peer = view_has(&peers, x, &until);
        if (is_peer && view_has(&decided, x, &until))
            asked = view_has(&pass, x, &until) ? PASSES : BLOCKED;
        bool stray = !is_peer && found == PASSES && view_has(&local, x, &until);
        bool differs = is_peer ? found != asked : stray;
        if (proof->with_existing) differs = asked != NOT_TOUCHED && found != asked;
        if (differs) {
            *out = (struct verdicts){x, asked, found};
            return true;
        }
        if (addr_compare(until, line.last) >= 0) return false;
        x = addr_next(until);
    }
}

/* The same over the whole line of a family, not before `from`. */
static bool first_difference(const struct proof *p, bool v4, struct addr from,
                             const struct wanted *wanted, const struct said *said,
                             struct arena scratch, struct verdicts *out)
{
    const struct range v6[] = {
        {addr_all.first,              addr_previous(addr_all_v4.first)},
        {addr_next(addr_all_v4.last), addr_all.last                   },
    };
    struct view *layers = arena_array(&scratch, struct view, said->n);
    for (size_t i = 0; i < (v4 ? 1 : COUNT_OF(v6)); i++) {
        struct range line = v4 ? addr_all_v4 : v6[i];
        if (addr_compare(line.last, from) < 0) continue;
        if (addr_compare(line.first, from) < 0) line.first = from;
        if (differ_within(p, line, wanted, said, layers, out)) return true;
    }
    return false;
}

/* ---- What the rules say -------------------------------------------------------------------------
 */

static bool rule_has_ports(const struct rule *rule, const struct ports *ports)
{
    if (rule->transport != TRANSPORT_NONE && rule->transport != ports->transport) return false;
    if (rule->transport == TRANSPORT_NONE && rule->ip_protocol) return false;
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

static struct prefix_set united(const struct prefix_set *sets, size_t n, struct arena *arena)
{
    size_t total = 0, at = 0;
    if (n == 1) return sets[0];
    for (size_t i = 0; i < n; i++)
        total += sets[i].n;
    struct range *ranges = arena_array(arena, struct range, total);
    for (size_t i = 0; i < n; at += sets[i++].n)
        if (sets[i].n) memcpy(ranges + at, sets[i].ranges, sets[i].n * sizeof *ranges);
    return prefix_set_of(arena, ranges, total);
}

/* First match: neighbours that do the same are one layer. */
static struct said in_order(const struct proof *p, const uint32_t *rules, size_t n,
                            struct arena *arena)
{
    struct prefix_set *peers = arena_array(arena, struct prefix_set, n);
    for (size_t i = 0; i < n; i++)
        peers[i] = p->peers[rules[i]];
    struct said said = {arena_array(arena, struct layer, n), 0};
    for (size_t i = 0, next = 0; i < n; i = next) {
        bool blocks = p->rules[rules[i]]->action == ACTION_BLOCK;
        while (next < n && (p->rules[rules[next]]->action == ACTION_BLOCK) == blocks)
            next++;
        said.layers[said.n++] = (struct layer){!blocks, united(peers + i, next - i, arena)};
    }
    return said;
}

/* Authenticated bypass, then block, then allow ([MS-FASP] 2.2.34). */
static struct said by_rank(const struct proof *p, const uint32_t *rules, size_t n,
                           struct arena *arena)
{
    static const enum action ranks[] = {ACTION_ALLOW_IF_SECURE, ACTION_BLOCK, ACTION_ALLOW};
    struct said said = {arena_array(arena, struct layer, COUNT_OF(ranks)), 0};
    struct prefix_set *some = arena_array(arena, struct prefix_set, n);
    for (size_t rank = 0; rank < COUNT_OF(ranks); rank++) {
        size_t n_some = 0;
        for (size_t i = 0; i < n; i++)
            if (p->rules[rules[i]]->action == ranks[rank]) some[n_some++] = p->peers[rules[i]];
        if (n_some)
            said.layers[said.n++] =
                (struct layer){ranks[rank] != ACTION_BLOCK, united(some, n_some, arena)};
    }
    return said;
}

/* The order in which rules of pf have the say: quick ones as they stand, then the others from the
 * last. */
static const uint32_t *pf_order(const struct proof *p, const uint32_t *rules, size_t n,
                                struct arena *arena)
{
    uint32_t *order = arena_array(arena, uint32_t, n + 1);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        if (p->rules[rules[i]]->quick) order[at++] = rules[i];
    for (size_t i = n; i > 0; i--)
        if (!p->rules[rules[i - 1]]->quick) order[at++] = rules[i - 1];
    return order;
}

static struct said said_by_rules(const struct proof *p, const uint32_t *rules, size_t n,
                                 struct arena *arena)
{
    if (p->engine == ENGINE_WINDOWS) return by_rank(p, rules, n, arena);
    if (p->engine == ENGINE_PF) return in_order(p, pf_order(p, rules, n, arena), n, arena);
    return in_order(p, rules, n, arena);
}

static struct said said_by(const struct proof *p, const uint32_t *rules, size_t n,
                           struct arena *arena)
{
    struct said said = said_by_rules(p, rules, n, arena);
    if (!p->denies_rest) return said;
    struct layer *layers = arena_array(arena, struct layer, said.n + 1);
    if (said.n) memcpy(layers, said.layers, said.n * sizeof *layers);
    layers[said.n++] = (struct layer){false, p->prover->peers};
    said.layers = layers;
    return said;
}

/* ---- Setting up ---------------------------------------------------------------------------------
 */

const struct prover *prover_make(const struct decision *decision, struct prefix_set peers,
                                 struct arena *arena, struct arena scratch)
{
    struct prover *p = arena_new(arena, struct prover);
    const struct resolved *resolved = decision_resolved(decision);
    const struct policy *policy = resolved->policy;
    *p = (struct prover){
        .decision = decision,
        .resolved = resolved,
        .atoms = decision_atoms(decision),
        .peers = peers,
        .services = arena_array(arena, int, policy->services.n + 1),
        .outbound = arena_array(arena, struct intent_rows, policy->services.n + 1),
    };
    for (size_t i = 0; i < policy->services.n; i++) {
        if (!policy->governed[i]) continue;
        p->outbound[p->n_services] =
            decision_intent_rows(decision, (int)i, DIRECTION_OUTBOUND, arena, scratch);
        p->services[p->n_services++] = (int)i;
    }
    p->principals = principals_of(decision, arena, scratch);
    return p;
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

static bool same_ports(const struct rule *a, const struct rule *b)
{
    if (a->n_ports != b->n_ports) return false;
    return !a->n_ports || !memcmp(a->ports, b->ports, a->n_ports * sizeof *a->ports);
}

static void cut_at(uint32_t *cuts, size_t *n, struct service_port ports)
{
    cuts[(*n)++] = ports.first;
    cuts[(*n)++] = ports.last + UINT32_C(1);
}

/* Cuts the ports of a transport wherever a rule's or a service's ports begin or end. Most rules
 * have the ports of the one before. */
static void cut_ports(struct proof *p, enum transport transport, uint32_t *cuts)
{
    const struct policy *policy = p->prover->resolved->policy;
    size_t n = 0;
    cuts[n++] = 1;
    cuts[n++] = UINT16_MAX + 1;
    for (size_t i = 0; i < p->n_rules; i++)
        for (size_t j = 0; j < p->rules[i]->n_ports; j++)
            if (!i || !same_ports(p->rules[i], p->rules[i - 1]))
                cut_at(cuts, &n, p->rules[i]->ports[j]);
    for (size_t i = 0; i < policy->services.n; i++)
        for (size_t j = 0; j < policy->services.services[i].n_ports; j++)
            cut_at(cuts, &n, policy->services.services[i].ports[j]);
    for (size_t i = 0; i < SECURITY_PORTS; i++)
        cut_at(
            cuts, &n,
            (struct service_port){TRANSPORT_UDP, proof_security_ports[i], proof_security_ports[i]});
    qsort(cuts, n, sizeof *cuts, cut_order);
    for (size_t i = 0; i + 1 < n; i++) {
        if (cuts[i] == cuts[i + 1] || !cuts[i]) continue;
        struct ports ports = {transport, (uint16_t)cuts[i], (uint16_t)(cuts[i + 1] - 1), 0, 0};
        ports.service = governed_service(policy, transport, ports.first);
        while (ports.service_at < p->prover->n_services &&
               p->prover->services[ports.service_at] != ports.service)
            ports.service_at++;
        p->ports[p->n_ports++] = ports;
    }
}

static void find_ports(struct proof *p)
{
    const struct service_table services = p->prover->resolved->policy->services;
    size_t most = 2 + 2 * SECURITY_PORTS;
    for (size_t i = 0; i < p->n_rules; i++)
        if (!i || !same_ports(p->rules[i], p->rules[i - 1])) most += 2 * p->rules[i]->n_ports;
    for (size_t i = 0; i < services.n; i++)
        most += 2 * services.services[i].n_ports;
    uint32_t *cuts = arena_array(p->work, uint32_t, most);
    p->ports = arena_array(p->work, struct ports, 2 * most);
    cut_ports(p, TRANSPORT_TCP, cuts);
    cut_ports(p, TRANSPORT_UDP, cuts);
}

/* A rule of a border looks outward or inward; either way it is about clients, whose line is cut,
 * and servers. */
static struct proof proof_begin(const struct prover *prover, struct ruleset rules,
                                enum engine engine, bool at_border, struct arena *arena,
                                struct arena *work, struct arena scratch)
{
    struct proof p = {
        .prover = prover,
        .rules = arena_array(work, const struct rule *, rules.n + 1),
        .own = arena_array(work, struct prefix_set, rules.n + 1),
        .peers = arena_array(work, struct prefix_set, rules.n + 1),
        .engine = engine,
        .at_border = at_border,
        .arena = arena,
        .work = work,
        .scratch = scratch,
    };
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        bool inward = at_border && rule->direction == DIRECTION_INBOUND;
        if (!rule->enabled) continue;
        p.own[p.n_rules] = inward ? rule->remote : rule->local;
        p.peers[p.n_rules] = inward ? rule->local : rule->remote;
        p.rules[p.n_rules++] = rule;
    }
    p.n_made = p.n_rules;
    p.scopes = scopes_of(p.own, p.n_rules, work, scratch);
    find_ports(&p);
    arena_grow(work, p.wanted, p.n_wanted, p.wanted_room);
    p.wanted[p.n_wanted++] = (struct wanted){0}; /* SILENT */
    return p;
}

/* ---- What is left over --------------------------------------------------------------------------
 */

/* 0: not a rule that permits everything; else bits: 1 IPv6, 2 IPv4. */
static unsigned permits_all_of(const struct rule *rule)
{
    const struct range v6[] = {
        {addr_all.first,              addr_previous(addr_all_v4.first)},
        {addr_next(addr_all_v4.last), addr_all.last                   },
    };
    const struct prefix_set families[] = {
        {0 },
        { v6, 2},
        { &addr_all_v4, 1},
        { &addr_all, 1}
    };
    if (rule->action != ACTION_ALLOW || rule->transport != TRANSPORT_NONE || rule->ip_protocol ||
        rule->n_ports || rule->program.len || rule->security.len || rule->only_if.len)
        return 0;
    for (unsigned bits = 1; bits < COUNT_OF(families); bits++)
        if (prefix_set_equal(rule->local, families[bits]) &&
            prefix_set_equal(rule->remote, families[bits]))
            return bits;
    return 0;
}

/* Sets the last permits of a list that stands alone aside. False when a direction or family has
 * none, or rules behind it: then the list would stop what nobody governs. */
static bool set_rest_aside(struct ruleset *rules, enum rest rest, struct arena *arena,
                           struct counterexample *witness)
{
    unsigned permitted[2] = {0, 0};
    struct rule *kept = arena_array(arena, struct rule, rules->n + 1);
    size_t n = 0;
    if (rest != REST_PERMITTED) return true;
    for (size_t i = 0; i < rules->n; i++) {
        const struct rule *rule = &rules->rules[i];
        if (!rule->enabled) continue;
        unsigned all = permits_all_of(rule), *so_far = &permitted[rule->direction];
        unsigned own = (prefix_set_v6(arena, rule->local).n ? 1u : 0) |
                       (prefix_set_v4(arena, rule->local).n ? 2u : 0);
        if (*so_far & (all ? all : own)) {
            *witness = (struct counterexample){
                .service = SERVICE_NONE,
                .expected = S("nothing behind the rule that permits what is left"),
                .found = str_format(arena, "rule \"%.*s\"", STR_ARG(rule->id)),
            };
            return false;
        }
        *so_far |= all;
        if (!all) kept[n++] = *rule;
    }
    for (size_t d = 0; d < COUNT_OF(permitted); d++) {
        if (permitted[d] == 3) continue;
        *witness = (struct counterexample){
            .service = SERVICE_NONE,
            .expected = S("a last rule that permits what is left"),
            .found =
                str_format(arena, "none %.*s for IPv%d", STR_ARG(direction_text((enum direction)d)),
                           permitted[d] & 2 ? 6 : 4),
        };
        return false;
    }
    rules->rules = kept;
    rules->n = n;
    return true;
}

/* ---- Pieces -------------------------------------------------------------------------------------
 */

static void add_piece(struct proof *p, struct pieces *pieces, uint32_t scope, uint32_t class_id,
                      struct range range)
{
    const uint32_t key[] = {scope, class_id};
    bool fresh = false, long_enough = !addr_equal(range.first, range.last);
    uint64_t *at =
        map_put(&pieces->known, p->work, (str){(const char *)key, sizeof key}, pieces->n, &fresh);
    if (fresh) {
        arena_grow(p->work, pieces->items, pieces->n, pieces->room);
        pieces->items[pieces->n++] = (struct piece){
            .scope = scope,
            .class_id = class_id,
            .first = range.first,
            .second = long_enough ? addr_next(range.first) : range.first,
            .has_second = long_enough,
            .v4 = addr_is_v4(range.first),
        };
        return;
    }
    struct piece *piece = &pieces->items[*at];
    if (!piece->has_second) piece->second = range.first;
    piece->has_second = true;
}

/* Cuts a set by scopes and, if that is asked, by classes of the decision. */
static void add_pieces(struct proof *p, struct pieces *pieces, struct prefix_set set, bool classes)
{
    for (size_t i = 0; i < set.n; i++) {
        struct range rest = set.ranges[i];
        for (bool more = true; more;) {
            struct addr last = rest.last, until = rest.last;
            uint32_t class_id = NO_CLASS;
            uint32_t scope = atoms_stretch(p->scopes.atoms, rest.first, &last);
            if (classes) class_id = atoms_stretch(p->prover->atoms, rest.first, &until);
            if (addr_compare(until, last) < 0) last = until;
            if (addr_compare(rest.last, last) < 0) last = rest.last;
            add_piece(p, pieces, scope, class_id, (struct range){rest.first, last});
            more = addr_compare(last, rest.last) < 0;
            if (more) rest.first = addr_next(last);
        }
    }
}

/* ---- What every rule must be --------------------------------------------------------------------
 */

static str foreign_part(const struct proof *p, const struct rule *rule, int service)
{
    str mark = {0};
    if (service != SERVICE_NONE)
        mark = p->prover->resolved->policy->services.services[service].mark;
    if (!str_equal(rule->program, mark) && rule->program.len) return S("a program");
    if (!str_equal(rule->program, mark)) return S("no program");
    if (rule->security.len) return S("a security condition");
    if (rule->only_if.len) return S("a condition");
    bool authorises =
        rule->action == ACTION_ALLOW_IF_SECURE && rule->direction == DIRECTION_INBOUND;
    if (rule->principals.len && !authorises) return S("principals");
    return (str){0};
}

static struct prefix_set of_family(struct arena *arena, struct prefix_set set, unsigned v4)
{
    return v4 ? prefix_set_v4(arena, set) : prefix_set_v6(arena, set);
}

/* The smallest peers of one family that the rule names at both ends; false when there are none, so
 * that no packet can meet it. */
static bool smallest_point(const struct proof *p, const struct rule *rule, struct addr *local,
                           struct addr *remote)
{
    struct arena scratch = p->scratch;
    struct prefix_set own = prefix_set_intersect(&scratch, rule->local, p->prover->peers);
    struct prefix_set peers = prefix_set_intersect(&scratch, rule->remote, p->prover->peers);
    for (unsigned v4 = 0; v4 < FAMILIES; v4++) {
        struct prefix_set a = of_family(&scratch, own, v4), b = of_family(&scratch, peers, v4);
        if (!a.n || !b.n) continue;
        *local = a.ranges[0].first;
        *remote = b.ranges[0].first;
        if (!addr_equal(*local, *remote)) return true;
        /* Two different ends, if there are two. */
        struct prefix_set one = {(struct range[]){{*local, *local}}, 1};
        struct prefix_set other = prefix_set_subtract(&scratch, b, one);
        if (other.n)
            *remote = other.ranges[0].first;
        else if ((other = prefix_set_subtract(&scratch, a, one)).n)
            *local = other.ranges[0].first;
        return true;
    }
    return false;
}

/* A rule on a port that no governed service has, or with a condition that policies never make,
 * decides what the policy does not: its smallest point is the witness. */
static void check_rule(struct proof *p, const struct rule *rule, uint8_t profiles)
{
    struct addr local, remote;
    bool outbound = rule->direction == DIRECTION_OUTBOUND, at_border = p->at_border;
    if (!at_border && !(rule->profiles & profiles)) return;
    for (size_t i = 0; i < p->n_ports; i++) {
        const struct ports *ports = &p->ports[i];
        if (!rule_has_ports(rule, ports)) continue;
        if (!at_border &&
            proof_security_opens(p->prover->resolved->policy, rule, ports->transport, ports->first))
            continue;
        str foreign = foreign_part(p, rule, ports->service);
        if (ports->service != SERVICE_NONE && !foreign.len) continue;
        if (!smallest_point(p, rule, &local, &remote)) return;
        struct counterexample w = {
            .client = outbound ? local : remote,
            .server = outbound ? remote : local,
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
        if (foreign.len) w.expected = S("a rule about addresses and ports alone");
        w.found = str_format(p->arena, "rule \"%.*s\" has %.*s", STR_ARG(rule->id),
                             STR_ARG(foreign.len ? foreign : S("this port")));
        disagree(p, &w);
    }
}

/* ---- Comparing ----------------------------------------------------------------------------------
 */

/* One port range, profile and direction, secured or not. */
struct cell {
    const struct ports *ports;
    enum profile profile;
    enum direction direction;
    bool secured;
};

/* Which of the rules that are there already is in the way. */
static void name_existing(const struct proof *p, const struct cell *cell, struct addr own,
                          const struct verdicts *v, struct counterexample *w)
{
    for (size_t i = p->n_made; i < p->n_rules; i++) {
        const struct rule *rule = p->rules[i];
        bool does_so = (rule->action == ACTION_BLOCK) == (v->said == BLOCKED);
        bool matches = rule->direction == cell->direction &&
                       (rule->profiles >> cell->profile & 1) && acts(rule, cell->secured) &&
                       rule_has_ports(rule, cell->ports) && prefix_set_contains(rule->local, own) &&
                       prefix_set_contains(rule->remote, v->peer);
        if (!does_so || !matches) continue;
        str name = rule->name.len ? rule->name : rule->id;
        w->found = str_format(p->arena, "%.*s by the existing rule \"%.*s\"",
                              STR_ARG(verdict_text(v->said)), STR_ARG(name));
        return;
    }
}

/* The smallest flow of a piece where what is said is not what is asked; two different ends where
 * there are two. */
static void compare(struct proof *p, const struct cell *cell, const struct piece *piece,
                    const struct wanted *wanted, const struct said *said, struct arena scratch)
{
    struct verdicts v, next;
    bool outbound = cell->direction == DIRECTION_OUTBOUND;
    if (!first_difference(p, piece->v4, addr_all.first, wanted, said, scratch, &v)) return;
    struct addr own = piece->first;
    if (addr_equal(v.peer, own)) {
        bool other = !addr_equal(own, addr_all.last) &&
                     first_difference(p, piece->v4, addr_next(own), wanted, said, scratch, &next);
        /* The client, which counts first, stays the smallest. */
        if (other && (outbound || !piece->has_second))
            v = next;
        else if (piece->has_second)
            own = piece->second;
    }
    struct counterexample w = {
        .client = outbound ? own : v.peer,
        .server = outbound ? v.peer : own,
        .service = cell->ports->service,
        .transport = cell->ports->transport,
        .port = cell->ports->first,
        .profile = cell->profile,
        .side = outbound ? SIDE_CLIENT_OUTBOUND : SIDE_SERVER_INBOUND,
        .secured = cell->secured,
        .expected = verdict_text(v.wanted),
        .found = verdict_text(v.said),
    };
    if (p->with_existing) name_existing(p, cell, own, &v, &w);
    disagree(p, &w);
}

/* ---- Hosts --------------------------------------------------------------------------------------
 */

static bool passes_by_intent(enum profile_mode mode, enum direction direction)
{
    return mode == MODE_ENFORCE || (mode == MODE_BLOCK_INBOUND && direction == DIRECTION_OUTBOUND);
}

/* The questions of a service, in the order of witnesses but for the direction. */
static struct cell cell_of(const struct ports *ports, unsigned question)
{
    return (struct cell){
        ports,
        (enum profile)(question / 4),
        question & 1 ? DIRECTION_INBOUND : DIRECTION_OUTBOUND,
        (question & 2) != 0,
    };
}

/* A row of the policy: of the decision, or of intent of the service's clients. */
struct row {
    uint32_t space, number; /* space: 0 = the decision's; else 1 + the service's place */
    uint32_t link_local;
};

static uint32_t add_wanted(struct proof *p, struct prefix_set pass)
{
    arena_grow(p->work, p->wanted, p->n_wanted, p->wanted_room);
    p->wanted[p->n_wanted] = (struct wanted){p->prover->peers, pass};
    return (uint32_t)p->n_wanted++;
}

static uint32_t wanted_of_row(struct proof *p, struct row row)
{
    bool fresh = false;
    uint64_t *known =
        map_put(&p->wanted_of, p->work, (str){(const char *)&row, sizeof row}, p->n_wanted, &fresh);
    if (!fresh) return (uint32_t)*known;
    struct class_set classes;
    if (row.space)
        classes = class_sets_get(&p->prover->outbound[row.space - 1].sets, row.number);
    else
        classes = decision_row_classes(p->prover->decision, row.number, p->work);
    struct prefix_set pass = atoms_addresses(p->prover->atoms, classes, p->work);
    pass = prefix_set_subtract(p->work, pass, p->prover->resolved->places.local);
    if (row.link_local) pass = prefix_set_union(p->work, pass, decision_link_local);
    return add_wanted(p, pass);
}

/* What the policy asks of an address of this class, per governed service and question. */
static uint32_t *wanted_of_class(struct proof *p, uint32_t own, uint8_t profiles,
                                 struct arena *arena)
{
    const struct prover *prover = p->prover;
    uint32_t *out = arena_array(arena, uint32_t, prover->n_services * QUESTIONS);
    bool cluster = decision_is_cluster(prover->decision, own);
    for (unsigned k = 0; k < QUESTIONS; k++) {
        struct cell cell = cell_of(NULL, k);
        if (!(profiles >> cell.profile & 1)) continue;
        enum profile_mode mode = decision_mode(prover->decision, own, cell.profile);
        if (mode == MODE_UNSET || mode == MODE_OFF) continue;
        bool by_intent = passes_by_intent(mode, cell.direction);
        for (size_t s = 0; s < prover->n_services; s++) {
            const struct intent_rows *rows = &prover->outbound[s];
            struct row row = {0, 0, cluster && by_intent};
            if (cell.direction == DIRECTION_INBOUND)
                row.number = decision_row(prover->decision, prover->services[s], cell.profile,
                                          SIDE_SERVER_INBOUND, cell.secured, own);
            else
                row = (struct row){(uint32_t)s + 1, 0, row.link_local};
            if (cell.direction == DIRECTION_OUTBOUND && by_intent)
                row.number = cell.secured ? rows->either[own] : rows->allow[own];
            out[s * QUESTIONS + k] = wanted_of_row(p, row);
        }
    }
    return out;
}

/* Rules of a scope that decide a cell. A border's rules have no profile. */
static size_t rules_of_cell(const struct proof *p, uint32_t scope, const struct cell *cell,
                            uint32_t *out)
{
    size_t n_all, n = 0;
    const uint32_t *all = scopes_rules(&p->scopes, scope, &n_all);
    for (size_t i = 0; i < n_all; i++) {
        const struct rule *rule = p->rules[all[i]];
        bool asked = p->at_border ? rule->profiles != 0
                                  : rule->direction == cell->direction &&
                                        (rule->profiles >> cell->profile & 1);
        if (asked && acts(rule, cell->secured) && rule_has_ports(rule, cell->ports))
            out[n++] = all[i];
    }
    return n;
}

/* A question that was put to a piece before, with the same rules to answer it, has the same answer:
 * and the first to be put is the first in the order of witnesses. */
struct put {
    enum direction direction;
    uint32_t wanted;
    const uint32_t *rules;
    size_t n;
    const struct put *next;
};

static bool was_put(const struct put *put, enum direction direction, uint32_t wanted,
                    const uint32_t *rules, size_t n)
{
    for (; put; put = put->next)
        if (put->direction == direction && put->wanted == wanted && put->n == n &&
            (!n || !memcmp(put->rules, rules, n * sizeof *rules)))
            return true;
    return false;
}

/* wanted: per governed service and question. */
static void check_piece(struct proof *p, const struct piece *piece, const uint32_t *wanted,
                        uint8_t profiles, struct arena work)
{
    const struct put *put = NULL;
    size_t n_rules;
    (void)scopes_rules(&p->scopes, piece->scope, &n_rules);
    for (size_t i = 0; i < p->n_ports; i++) {
        if (p->ports[i].service == SERVICE_NONE) continue;
        for (unsigned k = 0; k < QUESTIONS; k++) {
            struct cell cell = cell_of(&p->ports[i], k);
            uint32_t number = wanted[p->ports[i].service_at * QUESTIONS + k];
            struct arena mark = work;
            if (!(profiles >> cell.profile & 1)) continue;
            /* What crosses a border is asked about once, from its client. */
            if (p->at_border && cell.direction == DIRECTION_INBOUND) continue;
            uint32_t *rules = arena_array(&work, uint32_t, n_rules);
            size_t n = rules_of_cell(p, piece->scope, &cell, rules);
            if (was_put(put, cell.direction, number, rules, n)) {
                work = mark;
                continue;
            }
            struct put *now = arena_new(&work, struct put);
            *now = (struct put){cell.direction, number, rules, n, put};
            put = now;
            struct arena inner = work;
            struct said said = said_by(p, rules, n, &inner);
            compare(p, &cell, piece, &p->wanted[number], &said, inner);
        }
    }
}

/* Pieces of one scope that are asked the same are one: the first of them stands for all. */
static size_t join_pieces(struct proof *p, struct pieces *pieces, uint32_t **wanted)
{
    size_t n_wanted = p->prover->n_services * QUESTIONS, kept = 0;
    uint32_t *key = arena_array(p->work, uint32_t, n_wanted + 1);
    struct map known = {0};
    for (size_t i = 0; i < pieces->n; i++) {
        struct piece piece = pieces->items[i];
        bool fresh = false;
        key[0] = piece.scope;
        if (n_wanted) memcpy(key + 1, wanted[i], n_wanted * sizeof *key);
        str text = {(const char *)key, (n_wanted + 1) * sizeof *key};
        size_t at = (size_t)*map_put(&known, p->work, text, kept, &fresh);
        if (fresh) {
            wanted[kept] = wanted[i];
            pieces->items[kept++] = piece;
            continue;
        }
        if (!pieces->items[at].has_second) pieces->items[at].second = piece.first;
        pieces->items[at].has_second = true;
    }
    return pieces->n = kept;
}

/* What all of them pass: the number of a wanted that may be new. Whoever decides nothing has no
 * say.
 */
static uint32_t wanted_by_all(struct proof *p, const uint32_t *numbers, size_t n, struct map *known)
{
    size_t n_asked = 0;
    uint32_t *asked = arena_array(p->work, uint32_t, n);
    for (size_t i = 0; i < n; i++)
        if (numbers[i] != SILENT && (!n_asked || asked[n_asked - 1] != numbers[i]))
            asked[n_asked++] = numbers[i];
    if (!n_asked) return SILENT;
    bool fresh = false;
    str key = {(const char *)asked, n_asked * sizeof *asked};
    uint64_t *at = map_put(known, p->work, key, 0, &fresh);
    if (!fresh) return (uint32_t)*at;
    struct prefix_set pass = p->wanted[asked[0]].pass;
    for (size_t i = 1; i < n_asked && pass.n; i++)
        pass = prefix_set_intersect(p->work, pass, p->wanted[asked[i]].pass);
    *at = add_wanted(p, pass);
    return (uint32_t)*at;
}

/* What holds at an address of no member: what holds at home, which is the smallest member; in a
 * class that machines of several stances share, what holds for all of them. */
static const uint32_t *wanted_elsewhere(struct proof *p, uint32_t *const *wanted, size_t n,
                                        bool shared)
{
    size_t n_wanted = p->prover->n_services * QUESTIONS;
    struct map known = {0};
    if (!shared) return wanted[0];
    uint32_t *out = arena_array(p->work, uint32_t, n_wanted);
    uint32_t *numbers = arena_array(p->work, uint32_t, n);
    for (size_t k = 0; k < n_wanted; k++) {
        for (size_t i = 0; i < n; i++)
            numbers[i] = wanted[i][k];
        out[k] = wanted_by_all(p, numbers, n, &known);
    }
    return out;
}

/* The members, each by what the policy asks of it; then every other address that one of them may
 * hold for a while. */
static void check_host(struct proof *p, const struct enforced_class *class)
{
    struct pieces own = {0}, other = {0};
    add_pieces(p, &own, class->members, true);
    uint32_t **wanted = arena_array(p->work, uint32_t *, own.n);
    for (size_t i = 0; i < own.n; i++)
        wanted[i] = wanted_of_class(p, own.items[i].class_id, class->profiles, p->work);
    size_t n = join_pieces(p, &own, wanted);
    for (size_t i = 0; i < n; i++)
        check_piece(p, &own.items[i], wanted[i], class->profiles, p->scratch);

    const uint32_t *elsewhere = wanted_elsewhere(p, wanted, n, class->shared);
    add_pieces(p, &other, prefix_set_subtract(p->work, p->prover->peers, class->members), false);
    p->elsewhere = true;
    for (size_t i = 0; i < other.n; i++)
        check_piece(p, &other.items[i], elsewhere, class->profiles, p->scratch);
    p->elsewhere = false;
}

/* The same rules among those that the machines have already. What these say on their own, where the
 * policy decides nothing, is no difference. */
static bool proves_around(const struct prover *prover, const struct enforced_class *class,
                          struct arena *arena, struct arena scratch, struct counterexample *witness)
{
    struct arena work = arena_open("proof", 0, NULL);
    struct ruleset existing = verdict_existing(class->around, class->engine, &work);
    struct ruleset made = class->rules;
    struct counterexample none;
    (void)set_rest_aside(&made, class->rest, &work, &none); /* it was possible before */
    struct rule *all = arena_array(&work, struct rule, made.n + existing.n + 1);
    size_t n = 0, n_made;
    for (size_t i = 0; i < made.n; i++)
        if (made.rules[i].enabled) all[n++] = made.rules[i];
    n_made = n;
    if (existing.n) memcpy(all + n, existing.rules, existing.n * sizeof *all);
    struct ruleset rules = {.rules = all, .n = n + existing.n};
    struct proof p = proof_begin(prover, rules, class->engine, false, arena, &work, scratch);
    p.n_made = n_made;
    p.with_existing = true;
    p.denies_rest = class->rest == REST_DENIED;
    check_host(&p, class);
    if (p.disagrees) *witness = p.best;
    arena_close(&work);
    return !p.disagrees;
}

/* Who authenticates to whom, and whom servers authorise. */
static bool proves_authentication(const struct prover *prover, const struct enforced_class *class,
                                  struct arena *arena, struct arena scratch,
                                  struct counterexample *witness)
{
    const struct proof_basis basis = {
        .decision = prover->decision,
        .peers = prover->peers,
        .services = prover->services,
        .n_services = prover->n_services,
        .outbound = prover->outbound,
    };
    return proof_security(&basis, class, arena, scratch, witness) &&
           proof_principals(&basis, &prover->principals, class, arena, scratch, witness);
}

bool decision_proves_host(const struct prover *prover, const struct enforced_class *class,
                          struct arena *arena, struct arena scratch, struct counterexample *witness)
{
    assert(class->profiles && !prefix_set_is_empty(class->members));
    struct arena work = arena_open("proof", 0, NULL);
    struct ruleset rules = class->rules;
    if (!set_rest_aside(&rules, class->rest, arena, witness)) {
        arena_close(&work);
        return false;
    }
    struct proof p = proof_begin(prover, rules, class->engine, false, arena, &work, scratch);
    p.denies_rest = class->rest == REST_DENIED;
    for (size_t i = 0; i < p.n_rules; i++)
        check_rule(&p, p.rules[i], class->profiles);
    check_host(&p, class);
    if (p.disagrees) *witness = p.best;
    arena_close(&work);
    return !p.disagrees && proves_authentication(prover, class, arena, scratch, witness) &&
           (!class->around || proves_around(prover, class, arena, scratch, witness));
}

/* ---- Borders ------------------------------------------------------------------------------------
 */

/* Only what crosses is the border's to decide, and no router forwards a local address. */
struct crossing {
    struct prefix_set from_inside, from_outside; /* the servers of flows that cross */
    struct map known;                            /* service, row and side to a number of wanted */
};

static struct crossing crossing_of(const struct proof *p, struct prefix_set inside)
{
    const struct prover *prover = p->prover;
    struct prefix_set routed =
        prefix_set_subtract(p->work, prover->peers, prover->resolved->places.local);
    return (struct crossing){
        .from_inside = prefix_set_subtract(p->work, routed, inside),
        .from_outside = prefix_set_intersect(p->work, routed, inside),
    };
}

static uint32_t wanted_across(struct proof *p, struct crossing *crossing, size_t service,
                              uint32_t own, bool inside)
{
    const struct intent_rows *rows = &p->prover->outbound[service];
    const uint32_t key[] = {(uint32_t)service, rows->either[own], inside};
    bool fresh = false;
    uint64_t *at =
        map_put(&crossing->known, p->work, (str){(const char *)key, sizeof key}, 0, &fresh);
    if (!fresh) return (uint32_t)*at;
    struct class_set row = class_sets_get(&rows->sets, rows->either[own]);
    *at = add_wanted(p, atoms_addresses(p->prover->atoms, row, p->work));
    p->wanted[*at].decided = inside ? crossing->from_inside : crossing->from_outside;
    return (uint32_t)*at;
}

/* A border cannot see IPsec, so secured or not is one answer. */
static void check_border(struct proof *p, const struct border *border)
{
    struct pieces clients = {0};
    struct crossing crossing = crossing_of(p, border->inside);
    add_pieces(p, &clients, p->prover->peers, true);
    uint32_t **wanted = arena_array(p->work, uint32_t *, clients.n);
    for (size_t i = 0; i < clients.n; i++) {
        uint32_t own = clients.items[i].class_id;
        bool inside = prefix_set_contains(border->inside, clients.items[i].first);
        wanted[i] = arena_array(p->work, uint32_t, p->prover->n_services * QUESTIONS);
        if (decision_is_local(p->prover->decision, own)) continue;
        for (size_t s = 0; s < p->prover->n_services; s++) {
            uint32_t number = wanted_across(p, &crossing, s, own, inside);
            for (unsigned k = 0; k < QUESTIONS; k++)
                wanted[i][s * QUESTIONS + k] = number;
        }
    }
    size_t n = join_pieces(p, &clients, wanted);
    for (size_t i = 0; i < n; i++)
        check_piece(p, &clients.items[i], wanted[i], 1u << PROFILE_DOMAIN, p->scratch);
}

bool decision_proves_border(const struct prover *prover, const struct enforced_border *border,
                            struct arena *arena, struct arena scratch,
                            struct counterexample *witness)
{
    struct arena work = arena_open("proof", 0, NULL);
    struct ruleset rules = border->rules;
    if (!set_rest_aside(&rules, border->rest, arena, witness)) {
        witness->side = SIDE_BORDER;
        arena_close(&work);
        return false;
    }
    struct proof p = proof_begin(prover, rules, border->engine, true, arena, &work, scratch);
    p.denies_rest = border->rest == REST_DENIED;
    for (size_t i = 0; i < p.n_rules; i++)
        check_rule(&p, p.rules[i], 0);
    check_border(&p, border->border);
    if (p.disagrees) {
        p.best.side = SIDE_BORDER;
        *witness = p.best;
    }
    arena_close(&work);
    return !p.disagrees;
}
