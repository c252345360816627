/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/proof_principals.h"

#include "base/map.h"
#include "policy/authorised.h"
#include "rules/scopes.h"

/* An inbound rule that authorises somebody. */
struct authorising {
    const struct rule *rule;
    str sids;    /* sorted */
    bool *names; /* per principal */
};

struct principals_proof {
    const struct proof_basis *basis;
    const struct principals *principals;
    const struct enforced_class *class;
    struct authorising *rules;
    size_t n_rules;
    struct scopes scopes; /* of the rules, by their local addresses */
    struct arena *arena, *work;
    struct counterexample *witness;
};

static bool differs(const struct principals_proof *p, const struct rule *rule, struct addr own,
                    struct addr peer, str expected, str found)
{
    const struct service_table services = decision_resolved(p->basis->decision)->policy->services;
    struct counterexample w = {
        .client = peer,
        .server = own,
        .transport = rule->transport,
        .port = rule->n_ports ? rule->ports[0].first : 0,
        .side = SIDE_SERVER_INBOUND,
        .secured = true,
        .expected = str_format(p->arena, "whoever passes is one of %.*s",
                               STR_ARG(expected.len ? expected : S("nobody"))),
        .found = str_format(p->arena, "rule \"%.*s\" authorises %.*s", STR_ARG(rule->id),
                            STR_ARG(found.len ? found : S("nobody"))),
    };
    w.service = service_by_port(services, w.transport, w.port);
    while (w.profile + 1 < PROFILE_COUNT &&
           !(rule->profiles & p->class->profiles & 1u << w.profile))
        w.profile++;
    *p->witness = w;
    return false;
}

static struct prefix_set of_family(struct arena *arena, struct prefix_set set, bool v4)
{
    return v4 ? prefix_set_v4(arena, set) : prefix_set_v6(arena, set);
}

/* At a member if the rule names one. */
static bool differs_at(const struct principals_proof *p, const struct rule *rule, str expected,
                       str found)
{
    struct prefix_set own = prefix_set_intersect(p->work, rule->local, p->class->members);
    if (!own.n) own = rule->local;
    for (unsigned v4 = 0; v4 < 2; v4++) {
        struct prefix_set local = of_family(p->work, own, v4);
        struct prefix_set remote = of_family(p->work, rule->remote, v4);
        if (local.n && remote.n)
            return differs(p, rule, local.ranges[0].first, remote.ranges[0].first, expected, found);
    }
    return true; /* no packet can meet it */
}

/* ---- What every rule must name ------------------------------------------------------------------
 */

static bool names_sid(str list, str sid)
{
    str word;
    while (list.len) {
        (void)str_cut(list, ' ', &word, &list);
        if (str_equal(word, sid)) return true;
    }
    return false;
}

static bool names_all(str list, str sids)
{
    str sid;
    while (sids.len) {
        (void)str_cut(sids, ' ', &sid, &sids);
        if (!names_sid(list, sid)) return false;
    }
    return true;
}

static str expected_of(const struct principals_proof *p)
{
    str all = {0};
    for (size_t i = 0; i < p->principals->n; i++)
        all = authorised_union(all, p->principals->items[i].sids, p->work);
    return all;
}

/* Whole principals, and nobody else. */
static bool check_rule(const struct principals_proof *p, const struct authorising *rule)
{
    str named = {0};
    for (size_t i = 0; i < p->principals->n; i++)
        if (rule->names[i]) named = authorised_union(named, p->principals->items[i].sids, p->work);
    bool good = str_equal(named, rule->sids);
    /* With one principal there is nobody else to name. */
    if (p->principals->n == 1) good = str_equal(p->principals->items[0].sids, rule->sids);
    return good || differs_at(p, rule->rule, expected_of(p), rule->sids);
}

static void find_rules(struct principals_proof *p)
{
    struct ruleset rules = p->class->rules;
    p->rules = arena_array(p->work, struct authorising, rules.n + 1);
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        bool authorises =
            rule->action == ACTION_ALLOW_IF_SECURE && rule->direction == DIRECTION_INBOUND;
        if (!rule->enabled || !authorises || !(rule->profiles & p->class->profiles)) continue;
        if (!rule->local.n || !rule->remote.n) continue;
        struct authorising *out = &p->rules[p->n_rules++];
        *out = (struct authorising){
            .rule = rule,
            .sids = authorised_sorted(rule->principals, p->work),
            .names = arena_array(p->work, bool, p->principals->n + 1),
        };
        for (size_t k = 0; k < p->principals->n; k++) {
            str sids = p->principals->items[k].sids;
            out->names[k] = sids.len && names_all(out->sids, sids);
        }
    }
}

/* ---- Pairs --------------------------------------------------------------------------------------
 */

static bool has_port(const struct rule *rule, enum transport transport, uint32_t port)
{
    if (rule->transport != TRANSPORT_NONE && rule->transport != transport) return false;
    if (!rule->n_ports) return true;
    for (size_t i = 0; i < rule->n_ports; i++)
        if (rule->ports[i].first <= port && port <= rule->ports[i].last) return true;
    return false;
}

/* One question: a class at a scope, a service, a profile. */
struct point {
    uint32_t scope, own_class;
    struct addr own;
    int service;
    enum profile profile;
    struct prefix_set secure; /* peers approved only when authenticated */
};

/* Each principal, at one port. */
static bool check_port(const struct principals_proof *p, const struct point *at,
                       enum transport transport, uint32_t port)
{
    const struct atoms *atoms = decision_atoms(p->basis->decision);
    bool v4 = addr_is_v4(at->own);
    size_t n;
    const uint32_t *rules = scopes_rules(&p->scopes, at->scope, &n);
    for (size_t k = 0; k < p->principals->n; k++) {
        const struct principal *principal = &p->principals->items[k];
        const struct rule *any = NULL;
        struct prefix_set said = {0};
        if (!principal->sids.len) continue;
        for (size_t i = 0; i < n; i++) {
            const struct authorising *rule = &p->rules[rules[i]];
            if (!has_port(rule->rule, transport, port)) continue;
            if (!(rule->rule->profiles >> at->profile & 1)) continue;
            any = rule->rule;
            if (rule->names[k]) said = prefix_set_union(p->work, said, rule->rule->remote);
        }
        struct prefix_set wanted = principals_peers(
            principal, atoms, at->service, DIRECTION_INBOUND, at->own_class, at->secure, p->work);
        said = of_family(p->work, prefix_set_intersect(p->work, said, at->secure), v4);
        wanted = of_family(p->work, wanted, v4);
        struct prefix_set missing = prefix_set_subtract(p->work, wanted, said);
        struct prefix_set extra = prefix_set_subtract(p->work, said, wanted);
        if (!missing.n && !extra.n) continue;
        /* Peers that no rule passes are the other proof's to find. */
        assert(any);
        struct addr peer = missing.n ? missing.ranges[0].first : extra.ranges[0].first;
        return differs(p, any, at->own, peer, missing.n ? principal->sids : S("others"),
                       missing.n ? S("others") : principal->sids);
    }
    return true;
}

/* Wherever ports of the service begin, and where those of a rule do among them. */
static bool check_service(const struct principals_proof *p, const struct point *at)
{
    const struct policy *policy = decision_resolved(p->basis->decision)->policy;
    const struct service *service = &policy->services.services[at->service];
    size_t n;
    const uint32_t *rules = scopes_rules(&p->scopes, at->scope, &n);
    for (size_t i = 0; i < service->n_ports; i++) {
        struct service_port of = service->ports[i];
        if (!check_port(p, at, of.transport, of.first)) return false;
        for (size_t k = 0; k < n; k++) {
            const struct rule *rule = p->rules[rules[k]].rule;
            for (size_t j = 0; j < 2 * rule->n_ports; j++) {
                struct service_port cut = rule->ports[j / 2];
                uint32_t port = j % 2 ? cut.last + UINT32_C(1) : cut.first;
                if (port <= of.first || port > of.last) continue;
                if (!check_port(p, at, of.transport, port)) return false;
            }
        }
    }
    return true;
}

static bool check_piece(const struct principals_proof *p, uint32_t scope, uint32_t own_class,
                        struct addr own)
{
    const struct decision *d = p->basis->decision;
    for (unsigned k = 0; k < PROFILE_COUNT; k++) {
        enum profile profile = (enum profile)k;
        if (!(p->class->profiles >> k & 1)) continue;
        if (decision_mode(d, own_class, profile) != MODE_ENFORCE) continue;
        for (size_t s = 0; s < p->basis->n_services; s++) {
            struct point at = {scope, own_class, own, p->basis->services[s], profile, {0}};
            uint32_t secured =
                decision_row(d, at.service, profile, SIDE_SERVER_INBOUND, true, own_class);
            uint32_t clear =
                decision_row(d, at.service, profile, SIDE_SERVER_INBOUND, false, own_class);
            if (secured == clear) continue;
            struct class_set only =
                class_set_subtract(p->work, decision_row_classes(d, secured, p->work),
                                   decision_row_classes(d, clear, p->work));
            at.secure = prefix_set_intersect(
                p->work, atoms_addresses(decision_atoms(d), only, p->work), p->basis->peers);
            at.secure = prefix_set_subtract(p->work, at.secure, decision_resolved(d)->places.local);
            if (!check_service(p, &at)) return false;
        }
    }
    return true;
}

/* home : the class whose rules hold at every address; NO_CLASS = each address's own */
static bool check_addresses(struct principals_proof *p, struct prefix_set own, const uint32_t *home)
{
    const struct atoms *atoms = decision_atoms(p->basis->decision);
    struct map done = {0};
    for (size_t i = 0; i < own.n; i++) {
        struct range rest = own.ranges[i];
        for (bool more = true; more;) {
            struct addr last = rest.last, until = rest.last;
            uint32_t key[] = {atoms_stretch(p->scopes.atoms, rest.first, &last), 0};
            key[1] = home ? *home : atoms_stretch(atoms, rest.first, &until);
            bool fresh = false;
            (void)map_put(&done, p->work, (str){(const char *)key, sizeof key}, 0, &fresh);
            if (fresh && !check_piece(p, key[0], key[1], rest.first)) return false;
            if (addr_compare(until, last) < 0) last = until;
            more = addr_compare(last, rest.last) < 0;
            if (more) rest.first = addr_next(last);
        }
    }
    return true;
}

/* Members by what is asked of each; elsewhere the home's rules hold. */
static bool check_pairs(struct principals_proof *p, struct arena scratch)
{
    struct prefix_set members = p->class->members;
    struct prefix_set *ends = arena_array(p->work, struct prefix_set, p->n_rules + 1);
    for (size_t i = 0; i < p->n_rules; i++)
        ends[i] = p->rules[i].rule->local;
    p->scopes = scopes_of(ends, p->n_rules, p->work, scratch);
    uint32_t home = atoms_class(decision_atoms(p->basis->decision), members.ranges[0].first);
    struct prefix_set elsewhere = prefix_set_subtract(p->work, p->basis->peers, members);
    return check_addresses(p, members, NULL) && check_addresses(p, elsewhere, &home);
}

bool proof_principals(const struct proof_basis *basis, const struct principals *principals,
                      const struct enforced_class *class, struct arena *arena, struct arena scratch,
                      struct counterexample *witness)
{
    struct arena work = arena_open("principals", 0, NULL);
    struct principals_proof p = {
        .basis = basis,
        .principals = principals,
        .class = class,
        .arena = arena,
        .work = &work,
        .witness = witness,
    };
    bool good = true;
    find_rules(&p);
    for (size_t i = 0; i < p.n_rules && good; i++)
        good = check_rule(&p, &p.rules[i]);
    if (good && principals->n > 1) good = check_pairs(&p, scratch);
    arena_close(&work);
    return good;
}
