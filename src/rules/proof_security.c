/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/proof_security.h"

#include "base/map.h"
#include "rules/scopes.h"
#include "rules/verdict.h"

const uint16_t proof_security_ports[SECURITY_PORTS] = {SECURITY_PORT_IKE, SECURITY_PORT_NAT};

/* What the policy asks of a member: with whom it must be able to authenticate, and when. */
struct need {
    uint8_t profiles;
    struct prefix_set partners;
};

struct security_proof {
    const struct proof_basis *basis;
    const struct decision *decision;
    const struct resolved *resolved;
    const struct enforced_class *class;
    /* Enabled rules, those of connection security first. */
    const struct security_rule **security;
    size_t n_security;
    const struct rule **ports; /* what opens ports of negotiation; then existing blocks of them */
    size_t n_ports, n_made;
    struct scopes scopes; /* by their local addresses, in that order */
    struct need *needs;
    size_t n_needs, room;
    struct map need_of; /* rows to the place of a need */
    struct arena *arena, *work;
    struct counterexample *witness;
};

static bool governs_port(const struct policy *policy, uint16_t port)
{
    int service = service_by_port(policy->services, TRANSPORT_UDP, port);
    return service != SERVICE_NONE && policy->governed[service];
}

static bool has_port(const struct rule *rule, uint16_t port)
{
    for (size_t i = 0; i < rule->n_ports; i++)
        if (rule->ports[i].first <= port && port <= rule->ports[i].last) return true;
    return false;
}

bool proof_security_opens(const struct policy *policy, const struct rule *rule,
                          enum transport transport, uint16_t port)
{
    bool known = port == SECURITY_PORT_IKE || port == SECURITY_PORT_NAT;
    if (!known || transport != TRANSPORT_UDP || governs_port(policy, port)) return false;
    if (!rule->enabled || rule->transport != transport || rule->action != ACTION_ALLOW)
        return false;
    if (rule->program.len || rule->security.len || rule->only_if.len || rule->principals.len)
        return false;
    return has_port(rule, port);
}

/* ---- What is asked ------------------------------------------------------------------------------
 */

static bool follows_intent(enum profile_mode mode, enum direction direction)
{
    return mode == MODE_ENFORCE || (mode == MODE_BLOCK_INBOUND && direction == DIRECTION_OUTBOUND);
}

/* A pair of rows whose difference is who must authenticate. */
struct row_pair {
    uint32_t inbound; /* rows of the decision; else of the clients' intents */
    uint32_t service_at, profiles, secured, clear;
};

/* The pairs of a class: few, since most services ask nobody to authenticate. */
static size_t pairs_of(const struct security_proof *p, uint32_t own, struct row_pair *out)
{
    size_t n = 0;
    for (size_t s = 0; s < p->basis->n_services; s++) {
        int service = p->basis->services[s];
        for (unsigned k = 0; k < 2 * PROFILE_COUNT; k++) {
            enum profile profile = (enum profile)(k / 2);
            enum direction direction = k % 2 ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
            if (!(p->class->profiles >> profile & 1)) continue;
            if (!follows_intent(decision_mode(p->decision, own, profile), direction)) continue;
            struct row_pair pair = {
                .inbound = k % 2,
                .service_at = (uint32_t)s,
                .profiles = 1u << profile,
                .secured = p->basis->outbound[s].either[own],
                .clear = p->basis->outbound[s].allow[own],
            };
            if (pair.inbound) {
                pair.secured =
                    decision_row(p->decision, service, profile, SIDE_SERVER_INBOUND, true, own);
                pair.clear =
                    decision_row(p->decision, service, profile, SIDE_SERVER_INBOUND, false, own);
            }
            if (pair.secured != pair.clear) out[n++] = pair;
        }
    }
    return n;
}

static struct prefix_set partners_of(const struct security_proof *p, const struct row_pair *pair)
{
    const struct class_sets *sets = &p->basis->outbound[pair->service_at].sets;
    struct class_set secured, clear;
    if (pair->inbound) {
        secured = decision_row_classes(p->decision, pair->secured, p->work);
        clear = decision_row_classes(p->decision, pair->clear, p->work);
    } else {
        secured = class_sets_get(sets, pair->secured);
        clear = class_sets_get(sets, pair->clear);
    }
    struct class_set only = class_set_subtract(p->work, secured, clear);
    struct prefix_set out = atoms_addresses(decision_atoms(p->decision), only, p->work);
    out = prefix_set_subtract(p->work, out, p->resolved->places.local);
    out = prefix_set_subtract(p->work, out, p->resolved->controllers);
    return prefix_set_intersect(p->work, out, p->basis->peers);
}

static const struct need *need_of(struct security_proof *p, uint32_t own)
{
    bool fresh = false;
    size_t most = 2 * PROFILE_COUNT * (p->basis->n_services + 1);
    struct row_pair *pairs = arena_array(p->work, struct row_pair, most);
    size_t n = pairs_of(p, own, pairs);
    uint64_t *at = map_put(&p->need_of, p->work, (str){(const char *)pairs, n * sizeof *pairs},
                           p->n_needs, &fresh);
    if (!fresh) return &p->needs[*at];
    struct need need = {0};
    for (size_t i = 0; i < n; i++) {
        struct prefix_set some = partners_of(p, &pairs[i]);
        if (!some.n) continue;
        need.partners = prefix_set_union(p->work, need.partners, some);
        need.profiles = (uint8_t)(need.profiles | pairs[i].profiles);
    }
    arena_grow(p->work, p->needs, p->n_needs, p->room);
    p->needs[p->n_needs++] = need;
    return &p->needs[p->n_needs - 1];
}

/* ---- Comparing ----------------------------------------------------------------------------------
 */

/* Where something was found: a connection security rule, or a port. */
struct aspect {
    enum direction direction;
    enum profile profile;
    uint16_t port; /* 0: connection security */
};

static bool differs(const struct security_proof *p, const struct aspect *aspect, struct addr own,
                    struct addr peer, str expected, str found)
{
    bool inbound = aspect->direction == DIRECTION_INBOUND;
    *p->witness = (struct counterexample){
        .client = inbound ? peer : own,
        .server = inbound ? own : peer,
        .service = SERVICE_NONE,
        .transport = aspect->port ? TRANSPORT_UDP : TRANSPORT_NONE,
        .port = aspect->port,
        .profile = aspect->profile,
        .side = inbound ? SIDE_SERVER_INBOUND : SIDE_CLIENT_OUTBOUND,
        .secured = !aspect->port,
        .expected = expected,
        .found = found,
    };
    return false;
}

static struct prefix_set family_of(const struct security_proof *p, struct prefix_set set,
                                   struct addr own)
{
    return addr_is_v4(own) ? prefix_set_v4(p->work, set) : prefix_set_v6(p->work, set);
}

static struct addr smaller_first(struct prefix_set a, struct prefix_set b)
{
    if (!a.n) return b.ranges[0].first;
    if (!b.n) return a.ranges[0].first;
    bool before = addr_compare(a.ranges[0].first, b.ranges[0].first) < 0;
    return before ? a.ranges[0].first : b.ranges[0].first;
}

/* wanted, said: peers of the member's family. */
static bool compare(const struct security_proof *p, const struct aspect *aspect, struct addr own,
                    struct prefix_set wanted, struct prefix_set said)
{
    struct prefix_set missing = prefix_set_subtract(p->work, wanted, said);
    struct prefix_set extra = prefix_set_subtract(p->work, said, wanted);
    if (!missing.n && !extra.n) return true;
    struct addr peer = smaller_first(missing, extra);
    bool is_missing = prefix_set_contains(missing, peer);
    if (aspect->port)
        return differs(p, aspect, own, peer,
                       is_missing ? S("passes, since they authenticate to each other")
                                  : S("not touched by any rule"),
                       is_missing ? S("not touched by any rule") : S("passes"));
    return differs(p, aspect, own, peer,
                   is_missing ? S("they authenticate to each other")
                              : S("nobody asks them to authenticate"),
                   is_missing ? S("no connection security rule") : S("a connection security rule"));
}

/* The peers that connection security rules of a scope name; none of them twice, since damage in one
 * of two alike could not be noticed. */
static bool check_security(const struct security_proof *p, uint32_t scope, struct addr own,
                           enum profile profile, struct prefix_set wanted)
{
    size_t n;
    const uint32_t *rules = scopes_rules(&p->scopes, scope, &n);
    struct aspect aspect = {.direction = DIRECTION_OUTBOUND, .profile = profile};
    struct prefix_set said = {0};
    for (size_t i = 0; i < n; i++) {
        if (rules[i] >= p->n_security) continue;
        const struct security_rule *rule = p->security[rules[i]];
        if (!(rule->profiles >> profile & 1)) continue;
        struct prefix_set remote = family_of(p, rule->remote, own);
        struct prefix_set twice = prefix_set_intersect(p->work, said, remote);
        if (twice.n)
            return differs(p, &aspect, own, twice.ranges[0].first,
                           S("one connection security rule of a pair"),
                           str_format(p->arena, "\"%.*s\" is another", STR_ARG(rule->id)));
        said = prefix_set_union(p->work, said, remote);
    }
    return compare(p, &aspect, own, wanted, said);
}

static bool rule_speaks(const struct rule *rule, const struct aspect *aspect)
{
    return rule->direction == aspect->direction && (rule->profiles >> aspect->profile & 1) &&
           (!rule->n_ports || has_port(rule, aspect->port));
}

static bool check_port(const struct security_proof *p, uint32_t scope, struct addr own,
                       const struct aspect *aspect, struct prefix_set wanted)
{
    size_t n;
    const uint32_t *rules = scopes_rules(&p->scopes, scope, &n);
    struct prefix_set said = {0};
    for (size_t i = 0; i < n; i++) {
        if (rules[i] < p->n_security) continue;
        const struct rule *rule = p->ports[rules[i] - p->n_security];
        if (!rule_speaks(rule, aspect)) continue;
        struct prefix_set remote = family_of(p, rule->remote, own);
        if (rules[i] - p->n_security < p->n_made) {
            said = prefix_set_union(p->work, said, remote);
            continue;
        }
        struct prefix_set stopped = prefix_set_intersect(p->work, wanted, remote);
        if (stopped.n)
            return differs(p, aspect, own, stopped.ranges[0].first,
                           S("passes, since they authenticate to each other"),
                           str_format(p->arena, "blocked by the existing rule \"%.*s\"",
                                      STR_ARG(rule->name.len ? rule->name : rule->id)));
    }
    return compare(p, aspect, own, wanted, said);
}

/* Addresses of one class that the same rules name: `own` is the first of them. */
static bool check_piece(struct security_proof *p, uint32_t scope, struct addr own,
                        const struct need *need)
{
    for (unsigned k = 0; k < PROFILE_COUNT; k++) {
        struct prefix_set wanted = {0};
        if (!(p->class->profiles >> k & 1)) continue;
        if (need->profiles >> k & 1) wanted = family_of(p, need->partners, own);
        if (!check_security(p, scope, own, (enum profile)k, wanted)) return false;
        for (unsigned i = 0; i < 2 * SECURITY_PORTS; i++) {
            struct aspect aspect = {
                i % 2 ? DIRECTION_INBOUND : DIRECTION_OUTBOUND,
                (enum profile)k,
                proof_security_ports[i / 2],
            };
            if (governs_port(p->resolved->policy, aspect.port)) continue;
            if (!check_port(p, scope, own, &aspect, wanted)) return false;
        }
    }
    return true;
}

/* Whoever may authenticate: members, but no domain controllers. */
static bool check_members(struct security_proof *p, struct prefix_set own)
{
    const struct atoms *atoms = decision_atoms(p->decision);
    struct map done = {0};
    for (size_t i = 0; i < own.n; i++) {
        struct range rest = own.ranges[i];
        for (bool more = true; more;) {
            struct addr last = rest.last, until = rest.last;
            const uint32_t key[] = {atoms_stretch(p->scopes.atoms, rest.first, &last),
                                    atoms_stretch(atoms, rest.first, &until)};
            bool fresh = false;
            (void)map_put(&done, p->work, (str){(const char *)key, sizeof key}, 0, &fresh);
            if (fresh && !check_piece(p, key[0], rest.first, need_of(p, key[1]))) return false;
            if (addr_compare(until, last) < 0) last = until;
            more = addr_compare(last, rest.last) < 0;
            if (more) rest.first = addr_next(last);
        }
    }
    return true;
}

/* ---- What every rule must be --------------------------------------------------------------------
 */

static str foreign_form(const struct security_rule *rule, struct arena *arena)
{
    const char *what = NULL;
    if (rule->inbound != SECURITY_REQUEST || rule->outbound != SECURITY_REQUEST)
        what = "does not just request authentication both ways";
    else if (!rule->computer_kerberos || !rule->user_kerberos)
        what = "does not ask for Kerberos of computer and user";
    if (what) return str_format(arena, "rule \"%.*s\" %s", STR_ARG(rule->id), what);
    if (rule->only_if.len)
        return str_format(arena, "rule \"%.*s\" has a condition: %.*s", STR_ARG(rule->id),
                          STR_ARG(rule->only_if));
    return (str){0};
}

static bool check_forms(struct security_proof *p, struct prefix_set own)
{
    struct aspect aspect = {.direction = DIRECTION_OUTBOUND};
    for (size_t i = 0; i < p->n_security; i++) {
        const struct security_rule *rule = p->security[i];
        str foreign = foreign_form(rule, p->arena);
        struct prefix_set strays = prefix_set_subtract(p->work, rule->local, own);
        aspect.profile = 0;
        while (aspect.profile + 1 < PROFILE_COUNT && !(rule->profiles >> aspect.profile & 1))
            aspect.profile++;
        if (foreign.len)
            return differs(
                p, &aspect, rule->local.ranges[0].first, rule->remote.ranges[0].first,
                S("authentication requested both ways, by Kerberos of computer and user"), foreign);
        if (strays.n)
            return differs(p, &aspect, strays.ranges[0].first, rule->remote.ranges[0].first,
                           S("connection security for participants alone"),
                           str_format(p->arena, "rule \"%.*s\" names another local address",
                                      STR_ARG(rule->id)));
    }
    for (size_t i = 0; i < p->n_made; i++) {
        const struct rule *rule = p->ports[i];
        struct prefix_set strays = prefix_set_subtract(p->work, rule->local, own);
        if (!strays.n) continue;
        bool ike =
            proof_security_opens(p->resolved->policy, rule, TRANSPORT_UDP, SECURITY_PORT_IKE);
        aspect = (struct aspect){rule->direction, 0, ike ? SECURITY_PORT_IKE : SECURITY_PORT_NAT};
        while (aspect.profile + 1 < PROFILE_COUNT && !(rule->profiles >> aspect.profile & 1))
            aspect.profile++;
        return differs(p, &aspect, strays.ranges[0].first, rule->remote.ranges[0].first,
                       S("not touched by any rule"), S("passes"));
    }
    return true;
}

/* ---- The proof ----------------------------------------------------------------------------------
 */

static bool any_secured(const struct resolved *r)
{
    for (size_t i = 0; i < r->n_entries; i++)
        if (r->entries[i].secure != SECURE_NONE && r->entries[i].secure != SECURE_UNSET)
            return true;
    return false;
}

/* Rules of the profiles claimed, that match something. */
static void find_rules(struct security_proof *p, struct ruleset rules, struct arena scratch)
{
    struct ruleset existing = {0};
    if (p->class->around) existing = verdict_existing(p->class->around, p->class->engine, p->work);
    struct prefix_set *ends =
        arena_array(p->work, struct prefix_set, rules.n + rules.n_security + existing.n + 1);
    p->security = arena_array(p->work, const struct security_rule *, rules.n_security + 1);
    p->ports = arena_array(p->work, const struct rule *, rules.n + existing.n + 1);
    for (size_t i = 0; i < rules.n_security; i++) {
        const struct security_rule *rule = &rules.security[i];
        if (!rule->enabled || !(rule->profiles & p->class->profiles)) continue;
        if (!rule->local.n || !rule->remote.n) continue;
        ends[p->n_security] = rule->local;
        p->security[p->n_security++] = rule;
    }
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        bool opens = false;
        for (size_t k = 0; k < SECURITY_PORTS; k++)
            opens = opens || proof_security_opens(p->resolved->policy, rule, TRANSPORT_UDP,
                                                  proof_security_ports[k]);
        if (!opens) continue;
        if (!(rule->profiles & p->class->profiles) || !rule->local.n || !rule->remote.n) continue;
        ends[p->n_security + p->n_ports] = rule->local;
        p->ports[p->n_ports++] = rule;
    }
    p->n_made = p->n_ports;
    for (size_t i = 0; i < existing.n; i++) {
        const struct rule *rule = &existing.rules[i];
        bool udp = rule->transport == TRANSPORT_UDP ||
                   (rule->transport == TRANSPORT_NONE && !rule->ip_protocol);
        if (rule->action != ACTION_BLOCK || !udp || !rule->local.n || !rule->remote.n) continue;
        ends[p->n_security + p->n_ports] = rule->local;
        p->ports[p->n_ports++] = rule;
    }
    p->scopes = scopes_of(ends, p->n_security + p->n_ports, p->work, scratch);
}

bool proof_security(const struct proof_basis *basis, const struct enforced_class *class,
                    struct arena *arena, struct arena scratch, struct counterexample *witness)
{
    struct arena work = arena_open("security", 0, NULL);
    struct security_proof p = {
        .basis = basis,
        .decision = basis->decision,
        .resolved = decision_resolved(basis->decision),
        .class = class,
        .arena = arena,
        .work = &work,
        .witness = witness,
    };
    bool good = true;
    find_rules(&p, class->rules, scratch);
    if (any_secured(p.resolved) || p.n_security || p.n_ports) {
        struct prefix_set own = prefix_set_subtract(&work, class->members, p.resolved->controllers);
        good = check_forms(&p, own) && check_members(&p, own);
    }
    arena_close(&work);
    return good;
}
