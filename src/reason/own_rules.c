/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/own_rules.h"

#include "reason/what_if.h"
#include "rules/bundle.h"
#include "rules/universe.h"

/* All addresses of the machine that has this one. */
static size_t machine_addrs(const struct resolved *resolved, const struct addr *a,
                            const struct addr **out)
{
    for (size_t i = 0; i < resolved->n_machines; i++)
        for (size_t j = 0; j < resolved->machines[i].n_addrs; j++)
            if (addr_equal(resolved->machines[i].addrs[j], *a)) {
                *out = resolved->machines[i].addrs;
                return resolved->machines[i].n_addrs;
            }
    *out = a;
    return 1;
}

/* The transport and port asked about, or the service's first. */
static struct service_port port_of(const struct policy *policy, const struct flow_question *q,
                                   int service)
{
    if (q->service == SERVICE_NONE) return (struct service_port){q->transport, q->port, q->port};
    return policy->services.services[service].ports[0];
}

static bool has_port(const struct rule *rule, struct service_port port)
{
    for (size_t i = 0; i < rule->n_ports; i++)
        if (rule->ports[i].transport == port.transport && rule->ports[i].first <= port.first &&
            port.first <= rule->ports[i].last)
            return true;
    return false;
}

static enum action action_of(const struct side_answer *side)
{
    if (side->passes) return ACTION_ALLOW;
    return side->passes_secured ? ACTION_ALLOW_IF_SECURE : ACTION_BLOCK;
}

/* What one end enforces: which way, where it stands, who is on the other side. */
struct own_end {
    enum direction direction;
    struct addr local, remote;
};

static struct own_rule find_rule(struct ruleset rules, const struct side_answer *side,
                                 const struct own_end *end, enum profile profile,
                                 struct service_port port)
{
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        if (rule->enabled && rule->direction == end->direction && rule->action == action_of(side) &&
            (rule->profiles >> profile & 1) && has_port(rule, port) &&
            prefix_set_contains(rule->local, end->local) &&
            prefix_set_contains(rule->remote, end->remote))
            return (struct own_rule){rule->id, rule->name};
    }
    return (struct own_rule){0};
}

static struct own_rule host_rule(const struct bundles *bundles, const struct side_answer *side,
                                 const struct own_end *end, enum profile profile,
                                 struct service_port port)
{
    for (size_t i = 0; i < bundles->n_classes; i++)
        if (prefix_set_contains(bundles->classes[i].members, end->local))
            return find_rule(bundles->classes[i].rules, side, end, profile, port);
    return (struct own_rule){0};
}

/* Several borders may lie between; the first that has a rule is named. */
static struct own_rule border_rule(const struct bundles *bundles, const struct side_answer *side,
                                   const struct flow_question *q, enum profile profile,
                                   struct service_port port)
{
    for (size_t i = 0; i < bundles->n_borders; i++) {
        const struct border_rules *border = &bundles->borders[i];
        bool client = prefix_set_contains(border->border->inside, q->client);
        if (client == prefix_set_contains(border->border->inside, q->server)) continue;
        struct own_end end = {
            .direction = client ? DIRECTION_OUTBOUND : DIRECTION_INBOUND,
            .local = client ? q->client : q->server,
            .remote = client ? q->server : q->client,
        };
        struct own_rule rule = find_rule(border->rules, side, &end, profile, port);
        if (rule.id.len) return rule;
    }
    return (struct own_rule){0};
}

void own_rules(const struct resolved *resolved, const struct flow_question *q,
               const struct flow_answer *answer, str workspace, struct arena *arena,
               struct arena scratch, struct own_rule out[SIDE_COUNT])
{
    const struct addr *clients = NULL, *servers = NULL;
    struct diagnostics found = {0};
    struct policy policy;
    struct resolved around;
    size_t n_clients = machine_addrs(resolved, &q->client, &clients);
    size_t n_servers = machine_addrs(resolved, &q->server, &servers);
    struct addr *ends = arena_array(arena, struct addr, n_clients + n_servers);
    enum profile profile = q->profile < PROFILE_COUNT ? q->profile : PROFILE_DOMAIN;
    memset(out, 0, SIDE_COUNT * sizeof *out);
    if (!answer->n_sides) return;
    memcpy(ends, clients, n_clients * sizeof *ends);
    memcpy(ends + n_clients, servers, n_servers * sizeof *ends);
    policy = what_if_around(resolved, ends, n_clients + n_servers, arena);
    if (!resolve_policy(&policy, resolved->lookup, resolved->as_of_us, true, arena, &around,
                        &found))
        return;
    struct bundles bundles = bundle_make(&around, universe_peers, workspace, arena, scratch);
    struct bundles whole = {0};
    /* A border's slots count all groups of inside addresses, so that every entry has a say. */
    if (answer->n_sides == SIDE_COUNT)
        whole = bundle_make(resolved, universe_peers, workspace, arena, scratch);
    struct service_port port = port_of(resolved->policy, q, answer->service);
    const struct own_end client = {DIRECTION_OUTBOUND, q->client, q->server};
    const struct own_end server = {DIRECTION_INBOUND, q->server, q->client};
    for (size_t i = 0; i < answer->n_sides; i++) {
        const struct side_answer *side = &answer->sides[i];
        if (!side->enforces) continue;
        if (side->side == SIDE_BORDER)
            out[i] = border_rule(&whole, side, q, profile, port);
        else
            out[i] =
                host_rule(&bundles, side, side->side == SIDE_CLIENT_OUTBOUND ? &client : &server,
                          profile, port);
    }
}
