/* SPDX-License-Identifier: Apache-2.0 */
/* DESIGN.md 5. A class is one stance (rules/stances.h); or a machine of several, each scoped by the
 * local addresses that have it, and that of its home everywhere else; or the many stances of a
 * segment that share it, each at its own local addresses, and everywhere else what all of them are
 * approved.
 */
#include "rules/bundle.h"

#include "base/map.h"
#include "policy/authorised.h"
#include "rules/reasons.h"
#include "rules/stances.h"

enum { ALL_PROFILES = (1u << PROFILE_COUNT) - 1, DIRECTIONS = 2, TRANSPORTS = 2 };

/* Lines that approve something, for every stance: of a service and direction, in clear and not. */
struct stance_reasons {
    struct reasons plain, secure;
};

struct bundle_plan {
    const struct resolved *resolved;
    const struct decision *decision;
    const struct atoms *atoms;
    struct prefix_set everywhere;
    str name, safe_name;
    const str *service_words;          /* per service of the policy: its name in rule ids */
    struct service_port *const *ports; /* per service and transport: TCP, UDP */
    struct stances stances;
    const struct class_set *ends[DIRECTIONS]; /* rules/reasons.h */
    struct stance_reasons *reasons;           /* per governed service and direction */
    const struct draft *drafts;               /* per class */
    struct bundles bundles;
};

/* The rules of one bundle in the making. */
struct rules {
    struct rule *items;
    size_t n, room;
    struct security_rule *security;
    size_t n_security, room_security;
};

struct making {
    const struct bundle_plan *plan;
    struct prefix_set peers;
    struct rules *rules;
    struct arena *arena; /* owns what is made */
    struct arena scratch;
};

static str safe_name(struct arena *arena, str name)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '-';
        buf_char(&out, plain ? c : '-');
    }
    if (!name.len) buf_str(&out, S("workspace"));
    return buf_text(&out);
}

static bool is_taken(const str *words, size_t n, str word)
{
    for (size_t i = 0; i < n; i++)
        if (str_equal_nocase(words[i], word)) return true;
    return false;
}

/* Rules whose names differ in case only are one rule on Windows: the first of such services keeps
 * its name, the others get a number that makes no service's name of it. */
const str *bundle_service_words(const struct service_table *services, struct arena *arena)
{
    str *heads = arena_array(arena, str, services->n + 1);
    str *words = arena_array(arena, str, services->n + 1);
    for (size_t i = 0; i < services->n; i++)
        heads[i] = str_head(services->services[i].name, LIMIT_ID_NAME_BYTES);
    for (size_t i = 0; i < services->n; i++) {
        bool first = !is_taken(heads, i, heads[i]);
        words[i] = heads[i];
        for (size_t k = 2; !first; k++) {
            words[i] = str_format(arena, "%.*s-%zu", STR_ARG(heads[i]), k);
            first = !is_taken(heads, services->n, words[i]) && !is_taken(words, i, words[i]);
        }
    }
    return words;
}

/* The ports of each service, those of a transport together. */
static struct service_port *const *find_ports(const struct service_table *services,
                                              struct arena *arena)
{
    struct service_port **out =
        arena_array(arena, struct service_port *, services->n * TRANSPORTS + 1);
    for (size_t i = 0; i < services->n * TRANSPORTS; i++) {
        const struct service *service = &services->services[i / TRANSPORTS];
        enum transport transport = i % TRANSPORTS ? TRANSPORT_UDP : TRANSPORT_TCP;
        struct service_port *ports = arena_array(arena, struct service_port, service->n_ports + 1);
        size_t n = 0;
        for (size_t k = 0; k < service->n_ports; k++)
            if (service->ports[k].transport == transport) ports[n++] = service->ports[k];
        out[i] = ports;
    }
    return out;
}

/* ---- Why ----------------------------------------------------------------------------------------
 */

static str profiles_text(struct arena *arena, uint8_t profiles, char separator)
{
    struct buf out = buf_in(arena);
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        if (!(profiles >> p & 1)) continue;
        if (out.len) buf_char(&out, separator);
        buf_str(&out, profile_text((enum profile)p));
    }
    return buf_text(&out);
}

str bundle_id_text(const struct bundle_id *id, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_format(&out, "sallyport-%.*s-", STR_ARG(id->workspace));
    if (id->border.len) buf_format(&out, "border-%.*s-", STR_ARG(id->border));
    buf_format(&out, "%.*s-%.*s-%.*s-", STR_ARG(direction_text(id->direction)),
               STR_ARG(id->service), STR_ARG(service_transport_text(id->transport)));
    str profiles = id->border.len ? S("all") : profiles_text(arena, id->profiles, '-');
    buf_format(&out, "%.*s-%.*s-%zu", STR_ARG(profiles), STR_ARG(action_text(id->action)),
               id->scope);
    if (id->whom) buf_format(&out, "-p%zu", id->whom + 1);
    return buf_text(&out);
}

static str blocked_by(const struct making *m, const struct stance *stance, uint8_t profiles,
                      bool by_mode)
{
    str source = m->plan->resolved->policy->source;
    if (!by_mode)
        return str_format(m->arena, "%.*s: no entry allows these in clear", STR_ARG(source));
    struct buf out = buf_in(m->arena);
    buf_format(&out, "%.*s:", STR_ARG(source));
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        if (!(profiles >> p & 1)) continue;
        buf_format(&out, " profile %.*s is %.*s", STR_ARG(profile_text((enum profile)p)),
                   STR_ARG(profile_mode_text(stance->modes[p])));
        if (profiles >> (p + 1)) buf_char(&out, ',');
    }
    return buf_text(&out);
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

/* What all rules of one cell share. */
struct cell {
    int service;
    enum direction direction;
    uint8_t profiles;
    struct prefix_set local;
    size_t slot; /* which local scope of the bundle; 1 = home */
    str border;  /* empty = a host's */
};

/* What else rules of one action and cell say. */
struct remotes {
    struct prefix_set set;
    str why;
    /* Of allow-if-secure. */
    str principals, lack;
    size_t whom;
};

static void add_rule(const struct making *m, struct rules *rules, const struct cell *cell,
                     enum action action, enum transport transport, const struct remotes *remotes)
{
    struct arena scratch = m->scratch;
    const struct service *service = &m->plan->resolved->policy->services.services[cell->service];
    str service_name = service->name, direction = direction_text(cell->direction);
    const struct bundle_id id = {
        .workspace = m->plan->safe_name,
        .border = cell->border,
        .service = m->plan->service_words[cell->service],
        .direction = cell->direction,
        .transport = transport,
        .profiles = cell->profiles,
        .action = action,
        .scope = cell->slot,
        .whom = remotes->whom,
    };
    struct rule rule = {
        .direction = cell->direction,
        .action = action,
        .profiles = cell->profiles,
        .enabled = true,
        .transport = transport,
        .local = cell->local,
        .remote = remotes->set,
        .logs = action == ACTION_BLOCK,
        .why = remotes->why,
        .principals = remotes->principals,
        .lack = remotes->lack,
        .program = service->mark,
        .group = str_format(m->arena, "sallyport %.*s", STR_ARG(m->plan->name)),
    };
    rule.ports = m->plan->ports[(size_t)cell->service * TRANSPORTS + (transport == TRANSPORT_UDP)];
    for (size_t i = 0; i < service->n_ports; i++)
        rule.n_ports += service->ports[i].transport == transport;
    str transport_name = service_transport_text(transport);
    rule.id = bundle_id_text(&id, m->arena);
    str verb = action == ACTION_BLOCK ? S("block") : S("allow");
    str peers = cell->direction == DIRECTION_INBOUND ? S("clients") : S("servers");
    str which = action == ACTION_BLOCK   ? S("unapproved")
                : action == ACTION_ALLOW ? S("approved")
                                         : S("authenticated");
    rule.name = str_format(
        m->arena, "sallyport %.*s: %.*s %.*s, %.*s %.*s %.*s (%.*s%s%.*s)", STR_ARG(m->plan->name),
        STR_ARG(direction), STR_ARG(service_name), STR_ARG(verb), STR_ARG(which), STR_ARG(peers),
        STR_ARG(transport_name), cell->border.len ? ", border " : ", ",
        STR_ARG(cell->border.len ? cell->border : profiles_text(&scratch, cell->profiles, ' ')));
    arena_grow(m->arena, rules->items, rules->n, rules->room);
    rules->items[rules->n++] = rule;
}

/* Room for so many rules more: thousands would leave as much behind while they grow. */
static void reserve(const struct making *m, size_t more)
{
    struct rules *rules = m->rules;
    if (rules->room - rules->n >= more) return;
    struct rule *items = arena_array(m->arena, struct rule, rules->n + more);
    if (rules->n) memcpy(items, rules->items, rules->n * sizeof *items);
    rules->items = items;
    rules->room = rules->n + more;
}

/* Remotes of one action, as many rules of each transport. */
struct remote_list {
    const struct remotes *items;
    size_t n;
};

/* Allow before block: engines that stop at the first match need it, Windows does not care. */
static void add_actions(const struct making *m, struct rules *rules, const struct cell *cell,
                        const struct remote_list remotes[ACTION_BLOCK + 1])
{
    static const enum transport transports[] = {TRANSPORT_TCP, TRANSPORT_UDP};
    const struct service *service = &m->plan->resolved->policy->services.services[cell->service];
    for (size_t t = 0; t < COUNT_OF(transports); t++) {
        bool has_ports = false;
        for (size_t i = 0; i < service->n_ports; i++)
            has_ports = has_ports || service->ports[i].transport == transports[t];
        for (size_t a = ACTION_ALLOW; a <= ACTION_BLOCK && has_ports; a++)
            for (size_t i = 0; i < remotes[a].n; i++)
                if (!prefix_set_is_empty(remotes[a].items[i].set))
                    add_rule(m, rules, cell, (enum action)a, transports[t], &remotes[a].items[i]);
    }
}

/* What one profile asks of one direction: rows of intent, or the mode's block. */
struct demand {
    bool silent, by_mode;
    uint32_t allow, either;
};

static bool demand_equal(struct demand a, struct demand b)
{
    return a.silent == b.silent && a.by_mode == b.by_mode && a.allow == b.allow &&
           a.either == b.either;
}

static struct demand demand_of(const struct stance *stance, const struct service_intent *s,
                               enum direction direction, enum profile profile)
{
    enum profile_mode mode = stance->modes[profile];
    const struct intent_rows *rows = direction == DIRECTION_INBOUND ? &s->inbound : &s->outbound;
    uint32_t c = stance->first_class;
    if (mode == MODE_UNSET || mode == MODE_OFF) return (struct demand){.silent = true};
    if (!stances_by_intent(mode, direction)) return (struct demand){.by_mode = true};
    return (struct demand){.allow = rows->allow[c], .either = rows->either[c]};
}

/* Peers approved in clear, and only when authenticated; those of each principal. */
struct approved {
    struct prefix_set plain, secure;
    const struct prefix_set *by;
};

static struct approved approved_of(const struct making *m, const struct service_intent *s,
                                   enum direction direction, const struct stance *stance,
                                   struct demand demand, struct arena *arena)
{
    const struct class_sets *sets =
        direction == DIRECTION_INBOUND ? &s->inbound.sets : &s->outbound.sets;
    struct approved out = {0};
    if (demand.by_mode) return out;
    out.plain = atoms_addresses(m->plan->atoms, class_sets_get(sets, demand.allow), arena);
    if (demand.either != demand.allow) {
        out.secure = atoms_addresses(m->plan->atoms, class_sets_get(sets, demand.either), arena);
        out.secure = prefix_set_subtract(arena, out.secure, out.plain);
        out.secure = prefix_set_intersect(arena, out.secure, m->peers);
    }
    const struct principals *principals = &m->plan->stances.principals;
    struct prefix_set *by = arena_array(arena, struct prefix_set, principals->n + 1);
    for (size_t i = 0; i < principals->n && out.secure.n; i++)
        by[i] = principals_peers(&principals->items[i], m->plan->atoms, s->service, direction,
                                 stance->first_class, out.secure, arena);
    out.by = by;
    if (stance->cluster) out.plain = prefix_set_union(arena, out.plain, decision_link_local);
    out.plain = prefix_set_intersect(arena, out.plain, m->peers);
    return out;
}

/* A principal's part in some peers: whom an inbound rule authorises, and what it lacks. Outbound a
 * server is no one's to authorise, but how it shows who it is matters all the same. */
static void add_principal(const struct making *m, const struct principal *principal,
                          enum direction direction, struct remotes *remotes)
{
    bool inbound = direction == DIRECTION_INBOUND;
    if (inbound)
        remotes->principals = authorised_union(remotes->principals, principal->sids, m->arena);
    if (!remotes->lack.len && (inbound || principal->by_certificate))
        remotes->lack = principal->lack;
}

/* Peers approved only when authenticated, cut by whom their entries authorise: never a rule for
 * all, which would be wider than any of them (DESIGN.md 5). */
static struct remote_list by_principals(const struct making *m, enum direction direction,
                                        const struct approved *approved, str why)
{
    const struct principals *principals = &m->plan->stances.principals;
    struct remotes *items = arena_new(m->arena, struct remotes);
    size_t n = 1, room = 1;
    items[0] = (struct remotes){.set = approved->secure, .why = why};
    for (size_t k = 0; k < principals->n && approved->secure.n; k++) {
        for (size_t i = 0, before = n; i < before; i++) {
            struct prefix_set of = prefix_set_intersect(m->arena, items[i].set, approved->by[k]);
            struct prefix_set rest = prefix_set_subtract(m->arena, items[i].set, of);
            if (!of.n) continue;
            if (rest.n) {
                arena_grow(m->arena, items, n, room);
                items[n] = items[i];
                items[n++].set = rest;
            }
            items[i].set = of;
            add_principal(m, &principals->items[k], direction, &items[i]);
        }
    }
    /* Outbound, all that is authenticated is alike but for what can't be written. */
    for (size_t i = 1; direction == DIRECTION_OUTBOUND && i < n; i++)
        if (items[i].lack.len) items[0].lack = items[i].lack;
    if (direction == DIRECTION_OUTBOUND) {
        items[0].set = approved->secure;
        n = 1;
    }
    for (size_t i = 0; i < n; i++)
        items[i].whom = i;
    return (struct remote_list){items, n};
}

/* The rules of a cell: the approved ones, and the block of all others. */
static void add_approved(const struct making *m, const struct cell *cell,
                         const struct approved *approved, str why_plain, str why_secure,
                         str why_blocked)
{
    const struct remotes plain = {.set = approved->plain, .why = why_plain};
    const struct remotes block = {
        .set = prefix_set_subtract(m->arena, m->peers, approved->plain),
        .why = why_blocked,
    };
    const struct remote_list remotes[] = {
        [ACTION_ALLOW] = {&plain, 1},
        [ACTION_ALLOW_IF_SECURE] = by_principals(m, cell->direction, approved, why_secure),
        [ACTION_BLOCK] = {&block, 1},
    };
    add_actions(m, m->rules, cell, remotes);
}

/* number: of the stance; service_at: of the service among the governed ones. */
static void add_cell(const struct making *m, const struct cell *cell, size_t service_at,
                     uint32_t number, struct demand demand)
{
    const struct bundle_plan *plan = m->plan;
    const struct stance *stance = &plan->stances.items[number];
    const struct stance_reasons *reasons =
        &plan->reasons[service_at * DIRECTIONS + (size_t)cell->direction];
    struct approved approved = approved_of(m, &plan->stances.services[service_at], cell->direction,
                                           stance, demand, m->arena);
    str plain = reasons_text(plan->decision, &reasons->plain, number, m->arena);
    add_approved(m, cell, &approved, plain.len ? plain : S("link-local peers of a cluster"),
                 reasons_text(plan->decision, &reasons->secure, number, m->arena),
                 blocked_by(m, stance, cell->profiles, demand.by_mode));
}

/* Profiles, from p on, that ask for the same as p. */
static uint8_t profiles_alike(const struct stance *stance, const struct service_intent *s,
                              enum direction direction, size_t p)
{
    struct demand demand = demand_of(stance, s, direction, (enum profile)p);
    uint8_t same = 0;
    for (size_t q = p; q < PROFILE_COUNT; q++)
        if (demand_equal(demand, demand_of(stance, s, direction, (enum profile)q)))
            same = (uint8_t)(same | 1u << q);
    return same;
}

/* One service and direction of a bundle. */
struct aspect {
    size_t service_at;
    enum direction direction;
};

static struct aspect aspect_of(size_t i)
{
    static const enum direction directions[] = {DIRECTION_INBOUND, DIRECTION_OUTBOUND};
    return (struct aspect){i / COUNT_OF(directions), directions[i % COUNT_OF(directions)]};
}

/* Profiles that ask for the same share their rules. */
static void add_stance(const struct making *m, uint32_t number, struct prefix_set local,
                       size_t slot)
{
    const struct stances *stances = &m->plan->stances;
    const struct stance *stance = &stances->items[number];
    for (size_t i = 0; i < stances->n_services * DIRECTIONS; i++) {
        struct aspect a = aspect_of(i);
        const struct service_intent *s = &stances->services[a.service_at];
        uint8_t done = 0;
        for (size_t p = 0; p < PROFILE_COUNT; p++) {
            if (done >> p & 1) continue;
            struct demand demand = demand_of(stance, s, a.direction, (enum profile)p);
            uint8_t same = profiles_alike(stance, s, a.direction, p);
            done |= same;
            if (demand.silent) continue;
            struct cell cell = {s->service, a.direction, same, local, slot, {0}};
            add_cell(m, &cell, a.service_at, number, demand);
        }
    }
}

/* ---- Connection security ------------------------------------------------------------------------
 * Who asks whom to authenticate, so that allow-if-secure can be met: participants alone, never
 * everybody, and no domain controllers, since a ticket is got there first (DESIGN.md 5).
 */

/* Whom a stance must be able to authenticate to, or who to it, and in which profiles. */
struct partners {
    struct prefix_set set;
    uint8_t profiles;
    str why;
};

static struct partners partners_of(const struct making *m, uint32_t number, struct arena *arena)
{
    const struct bundle_plan *plan = m->plan;
    const struct stance *stance = &plan->stances.items[number];
    struct partners out = {0};
    struct buf why = buf_in(arena);
    str last = {0};
    for (size_t i = 0; i < plan->stances.n_services * DIRECTIONS; i++) {
        struct aspect a = aspect_of(i);
        const struct service_intent *s = &plan->stances.services[a.service_at];
        const struct stance_reasons *reasons =
            &plan->reasons[a.service_at * DIRECTIONS + (size_t)a.direction];
        uint8_t profiles = 0;
        for (size_t p = 0; p < PROFILE_COUNT; p++) {
            struct demand demand = demand_of(stance, s, a.direction, (enum profile)p);
            if (demand.silent || demand.by_mode || demand.allow == demand.either) continue;
            struct approved approved = approved_of(m, s, a.direction, stance, demand, arena);
            struct prefix_set some =
                prefix_set_subtract(arena, approved.secure, plan->resolved->controllers);
            if (!some.n) continue;
            out.set = prefix_set_union(arena, out.set, some);
            profiles = (uint8_t)(profiles | 1u << p);
        }
        str text = reasons_text(plan->decision, &reasons->secure, number, arena);
        if (profiles && text.len && !str_equal(text, last)) {
            if (why.len) buf_str(&why, S("; "));
            buf_str(&why, text);
            last = text;
        }
        out.profiles |= profiles;
    }
    out.why = buf_text(&why);
    return out;
}

/* The ports on which they negotiate, as far as the policy leaves them alone: those that it governs
 * are open to whom it says. */
static void add_negotiation(const struct making *m, const struct partners *partners,
                            struct prefix_set local, size_t slot)
{
    static const uint16_t ports[] = {500, 4500};
    const struct policy *policy = m->plan->resolved->policy;
    bool taken = is_taken(m->plan->service_words, policy->services.n, S("ike"));
    struct arena scratch = m->scratch;
    str profiles = profiles_text(&scratch, partners->profiles, ' ');
    struct rule rule = {
        .action = ACTION_ALLOW,
        .profiles = partners->profiles,
        .enabled = true,
        .transport = TRANSPORT_UDP,
        .local = local,
        .remote = partners->set,
        .why = partners->why,
        .group = str_format(m->arena, "sallyport %.*s", STR_ARG(m->plan->name)),
    };
    for (size_t i = 0; i < COUNT_OF(ports); i++) {
        int service = service_by_port(policy->services, TRANSPORT_UDP, ports[i]);
        if (service != SERVICE_NONE && policy->governed[service]) continue;
        rule_add_port(&rule, m->arena, (struct service_port){TRANSPORT_UDP, ports[i], ports[i]});
    }
    for (size_t i = 0; i < DIRECTIONS && rule.n_ports; i++) {
        rule.direction = i ? DIRECTION_OUTBOUND : DIRECTION_INBOUND;
        str direction = direction_text(rule.direction);
        const struct bundle_id id = {
            .workspace = m->plan->safe_name,
            .service = taken ? S("500") : S("ike"), /* no service's name begins with a digit */
            .direction = rule.direction,
            .transport = TRANSPORT_UDP,
            .profiles = partners->profiles,
            .action = ACTION_ALLOW,
            .scope = slot,
        };
        rule.id = bundle_id_text(&id, m->arena);
        rule.name =
            str_format(m->arena, "sallyport %.*s: %.*s IKE, allow participants' negotiation (%.*s)",
                       STR_ARG(m->plan->name), STR_ARG(direction), STR_ARG(profiles));
        arena_grow(m->arena, m->rules->items, m->rules->n, m->rules->room);
        m->rules->items[m->rules->n++] = rule;
    }
}

static void add_security(const struct making *m, const struct partners *partners,
                         struct prefix_set members, size_t slot)
{
    struct rules *rules = m->rules;
    struct prefix_set local =
        prefix_set_subtract(m->arena, members, m->plan->resolved->controllers);
    if (!local.n || !partners->set.n) return;
    struct arena scratch = m->scratch;
    str profiles = profiles_text(&scratch, partners->profiles, ' ');
    arena_grow(m->arena, rules->security, rules->n_security, rules->room_security);
    rules->security[rules->n_security++] = (struct security_rule){
        .id =
            str_format(m->arena, "sallyport-%.*s-security-%zu", STR_ARG(m->plan->safe_name), slot),
        .name =
            str_format(m->arena, "sallyport %.*s: request authentication of participants (%.*s)",
                       STR_ARG(m->plan->name), STR_ARG(profiles)),
        .group = str_format(m->arena, "sallyport %.*s", STR_ARG(m->plan->name)),
        .enabled = true,
        .profiles = partners->profiles,
        .local = local,
        .remote = partners->set,
        .inbound = SECURITY_REQUEST,
        .outbound = SECURITY_REQUEST,
        .computer_kerberos = true,
        .user_kerberos = true,
        .why = partners->why,
    };
    add_negotiation(m, partners, local, slot);
}

/* ---- Classes of several stances -----------------------------------------------------------------
 */

/* Each stance scoped by its local addresses; the home's holds at all that are left. */
static void add_machine(const struct making *m, const struct draft *draft)
{
    const struct stances *stances = &m->plan->stances;
    struct prefix_set rest = prefix_set_union(m->arena, m->peers, draft->members);
    struct partners partners;
    for (size_t k = 1; k < draft->n_stances; k++) {
        struct range *ranges = NULL;
        size_t n = 0, room = 0;
        struct arena scratch = m->scratch;
        for (size_t i = 0; i < draft->machine->n_addrs; i++) {
            struct addr a = draft->machine->addrs[i];
            if (stances_at(stances, a) != draft->stances[k] ||
                !prefix_set_contains(draft->members, a))
                continue;
            arena_grow(&scratch, ranges, n, room);
            ranges[n++] = (struct range){a, a};
        }
        struct prefix_set local = prefix_set_of(m->arena, ranges, n);
        rest = prefix_set_subtract(m->arena, rest, local);
        add_stance(m, draft->stances[k], local, k + 1);
        partners = partners_of(m, draft->stances[k], m->arena);
        add_security(m, &partners, local, k + 1);
    }
    add_stance(m, draft->stances[0], rest, 1);
    /* Away from its own addresses it asks nobody: participants alone do. */
    partners = partners_of(m, draft->stances[0], m->arena);
    add_security(m, &partners, prefix_set_intersect(m->arena, rest, draft->members), 1);
}

/* Stances of a shared class that are asked the same in one aspect: they have one scope. */
struct scope {
    uint32_t number; /* the first stance of it */
    struct demand demand;
    struct range *ranges;
    size_t n, room;
};

struct scope_list {
    struct scope *items;
    size_t n, room;
};

static struct scope_list find_scopes(const struct making *m, const struct draft *draft,
                                     struct aspect a, size_t profile, struct arena *scratch)
{
    const struct stances *stances = &m->plan->stances;
    struct scope_list list = {0};
    struct map known = {0};
    for (size_t i = 0; i < draft->n_stances; i++) {
        const struct stance *stance = &stances->items[draft->stances[i]];
        struct demand demand =
            demand_of(stance, &stances->services[a.service_at], a.direction, (enum profile)profile);
        const uint32_t key[] = {demand.allow, demand.either};
        bool fresh = false;
        uint64_t *at =
            map_put(&known, scratch, (str){(const char *)key, sizeof key}, list.n, &fresh);
        if (fresh) {
            arena_grow(scratch, list.items, list.n, list.room);
            list.items[list.n++] = (struct scope){draft->stances[i], demand, NULL, 0, 0};
        }
        struct scope *scope = &list.items[*at];
        struct prefix_set own = atoms_addresses(m->plan->atoms, stance->classes, scratch);
        own = prefix_set_intersect(scratch, own, draft->members);
        for (size_t k = 0; k < own.n; k++) {
            arena_grow(scratch, scope->ranges, scope->n, scope->room);
            scope->ranges[scope->n++] = own.ranges[k];
        }
    }
    return list;
}

static struct approved approved_by_scope(const struct making *m, struct aspect a,
                                         const struct scope *scope, struct arena *arena)
{
    const struct stances *stances = &m->plan->stances;
    return approved_of(m, &stances->services[a.service_at], a.direction,
                       &stances->items[scope->number], scope->demand, arena);
}

/* What every scope approves. */
static struct approved approved_by_all(const struct making *m, struct aspect a,
                                       const struct scope_list *scopes, struct arena *scratch)
{
    struct approved all = approved_by_scope(m, a, &scopes->items[0], scratch);
    struct prefix_set either = prefix_set_union(scratch, all.plain, all.secure);
    for (size_t i = 1; i < scopes->n && either.n; i++) {
        struct approved one = approved_by_scope(m, a, &scopes->items[i], scratch);
        either =
            prefix_set_intersect(scratch, either, prefix_set_union(scratch, one.plain, one.secure));
        all.plain = prefix_set_intersect(scratch, all.plain, one.plain);
    }
    all.plain = prefix_set_intersect(m->arena, all.plain, either);
    all.secure = prefix_set_subtract(m->arena, either, all.plain);
    all.secure = prefix_set_of(m->arena, all.secure.ranges, all.secure.n); /* may be `either` */
    assert(m->plan->stances.principals.n <= 1 && "stances of several principals share no class");
    struct prefix_set *by = arena_new(m->arena, struct prefix_set);
    *by = all.secure;
    all.by = by;
    return all;
}

/* The profiles of one demand, in one aspect. Scopes that approve just what all do need no rules of
 * their own. */
static void add_scopes(const struct making *m, const struct draft *draft, struct aspect a,
                       struct cell cell, size_t profile)
{
    struct arena scratch = m->scratch;
    struct making inner = *m;
    struct scope_list scopes = find_scopes(m, draft, a, profile, &scratch);
    struct approved all = approved_by_all(m, a, &scopes, &scratch);
    struct range *taken = NULL;
    size_t n_taken = 0, room = 0;
    cell.slot = 2;
    reserve(m, 2 * scopes.n + 2);
    for (size_t i = 0; i < scopes.n; i++) {
        const struct scope *scope = &scopes.items[i];
        struct arena here = scratch;
        struct approved one = approved_by_scope(m, a, scope, &here);
        if (prefix_set_equal(one.plain, all.plain) && prefix_set_equal(one.secure, all.secure))
            continue;
        for (size_t k = 0; k < scope->n; k++) {
            arena_grow(&scratch, taken, n_taken, room);
            taken[n_taken++] = scope->ranges[k];
        }
        cell.local = prefix_set_of(m->arena, scope->ranges, scope->n);
        inner.scratch = scratch;
        add_cell(&inner, &cell, a.service_at, scope->number, scope->demand);
        cell.slot++;
    }
    cell.slot = 1;
    cell.local = m->plan->everywhere;
    inner.scratch = scratch;
    if (n_taken) {
        struct prefix_set own = prefix_set_of(&inner.scratch, taken, n_taken);
        struct prefix_set line = prefix_set_union(&inner.scratch, m->peers, draft->members);
        cell.local = prefix_set_subtract(m->arena, line, own);
    }
    str source = m->plan->resolved->policy->source;
    str why =
        str_format(m->arena, "%.*s: approved for every machine of this class", STR_ARG(source));
    add_approved(&inner, &cell, &all, why, why,
                 blocked_by(m, &m->plan->stances.items[draft->stances[0]], cell.profiles, false));
}

/* Stances with the same partners are one scope; at other addresses than theirs nobody is asked. */
static void add_shared_security(const struct making *m, const struct draft *draft)
{
    const struct stances *stances = &m->plan->stances;
    struct arena scratch = m->scratch;
    struct partners *partners = arena_array(&scratch, struct partners, draft->n_stances);
    struct prefix_set *own = arena_array(&scratch, struct prefix_set, draft->n_stances);
    size_t n = 0;
    for (size_t i = 0; i < draft->n_stances; i++) {
        size_t at = 0;
        struct partners one = partners_of(m, draft->stances[i], m->arena);
        struct prefix_set members =
            atoms_addresses(m->plan->atoms, stances->items[draft->stances[i]].classes, m->arena);
        members = prefix_set_intersect(m->arena, members, draft->members);
        if (!one.set.n) continue;
        while (at < n && !(partners[at].profiles == one.profiles &&
                           prefix_set_equal(partners[at].set, one.set)))
            at++;
        if (at == n) partners[n++] = one;
        own[at] = prefix_set_union(m->arena, own[at], members);
    }
    struct making inner = *m;
    inner.scratch = scratch;
    for (size_t i = 0; i < n; i++)
        add_security(&inner, &partners[i], own[i], i + 1);
}

/* All have the same modes, so that profiles fall together alike in all of them. */
static void add_shared(const struct making *m, const struct draft *draft)
{
    const struct stances *stances = &m->plan->stances;
    const struct stance *first = &stances->items[draft->stances[0]];
    for (size_t i = 0; i < stances->n_services * DIRECTIONS; i++) {
        struct aspect a = aspect_of(i);
        const struct service_intent *s = &stances->services[a.service_at];
        uint8_t done = 0;
        for (size_t p = 0; p < PROFILE_COUNT; p++) {
            if (done >> p & 1) continue;
            struct demand demand = demand_of(first, s, a.direction, (enum profile)p);
            uint8_t same = profiles_alike(first, s, a.direction, p);
            struct cell cell = {s->service, a.direction, same, m->plan->everywhere, 1, {0}};
            done |= same;
            if (demand.silent) continue;
            if (demand.by_mode)
                add_cell(m, &cell, a.service_at, draft->stances[0], demand);
            else
                add_scopes(m, draft, a, cell, p);
        }
    }
}

struct ruleset bundle_class_rules(const struct bundle_plan *plan, struct prefix_set peers,
                                  size_t index, struct arena *arena, struct arena scratch)
{
    struct rules rules = {0};
    struct making m = {plan, peers, &rules, arena, scratch};
    const struct draft *draft = &plan->drafts[index];
    if (draft->machine) {
        add_machine(&m, draft);
    } else if (draft->n_stances > 1) {
        add_shared(&m, draft);
        add_shared_security(&m, draft);
    } else {
        struct partners partners = partners_of(&m, draft->stances[0], arena);
        add_stance(&m, draft->stances[0], plan->everywhere, 1);
        add_security(&m, &partners, draft->members, 1);
    }
    return (struct ruleset){
        .rules = rules.items,
        .n = rules.n,
        .security = rules.security,
        .n_security = rules.n_security,
    };
}

/* ---- Borders ------------------------------------------------------------------------------------
 */

struct crossing {
    struct class_set inside, outside;
    struct prefix_set outside_addresses;
    str name;
};

/* Inside classes with equal rows towards the outside. */
struct sharing {
    uint32_t row; /* in `kept` */
    uint32_t first;
    uint32_t *classes;
    size_t n, room;
};

struct sharings {
    struct class_sets kept;
    struct sharing *items; /* by their first classes */
    size_t n, room;
};

/* How the inside classes fall together, by what passes between each of them and the outside. */
static struct sharings find_sharings(const struct crossing *x, const struct intent_rows *rows,
                                     struct arena *scratch)
{
    struct sharings out = {0};
    struct map of_row = {0}; /* a row of intent, to the one of it outside */
    uint32_t *of_kept = NULL;
    size_t n_of = 0, room_of = 0;
    class_sets_begin(&out.kept, scratch);
    for (size_t i = 0; i < x->inside.n; i++)
        for (uint32_t c = x->inside.runs[i].first; c <= x->inside.runs[i].last; c++) {
            bool fresh = false;
            uint32_t either = rows->either[c];
            uint64_t *kept =
                map_put(&of_row, scratch, (str){(const char *)&either, sizeof either}, 0, &fresh);
            if (fresh) {
                struct class_set row =
                    class_set_intersect(scratch, class_sets_get(&rows->sets, either), x->outside);
                *kept = class_sets_intern(&out.kept, scratch, row);
            }
            while (n_of <= *kept) {
                arena_grow(scratch, of_kept, n_of, room_of);
                of_kept[n_of++] = UINT32_MAX;
            }
            if (of_kept[*kept] == UINT32_MAX) {
                of_kept[*kept] = (uint32_t)out.n;
                arena_grow(scratch, out.items, out.n, out.room);
                out.items[out.n++] = (struct sharing){(uint32_t)*kept, c, NULL, 0, 0};
            }
            struct sharing *sharing = &out.items[of_kept[*kept]];
            arena_grow(scratch, sharing->classes, sharing->n, sharing->room);
            sharing->classes[sharing->n++] = c;
        }
    return out;
}

/* Inside classes with equal rows towards the outside share a pair of rules. */
static void add_crossing(const struct making *m, const struct crossing *x, struct aspect a)
{
    const struct bundle_plan *plan = m->plan;
    const struct service_intent *s = &plan->stances.services[a.service_at];
    const struct intent_rows *rows = a.direction == DIRECTION_INBOUND ? &s->inbound : &s->outbound;
    struct arena scratch = m->scratch;
    struct sharings sharings = find_sharings(x, rows, &scratch);
    uint32_t *firsts = arena_array(&scratch, uint32_t, sharings.n + 1);
    for (size_t i = 0; i < sharings.n; i++)
        firsts[i] = sharings.items[i].first;
    struct stance_reasons reasons;
    struct arena other = arena_open("bundle", 0, NULL);
    for (unsigned secure = 0; secure < 2; secure++)
        *(secure ? &reasons.secure : &reasons.plain) =
            reasons_of(plan->decision, plan->ends[a.direction], firsts, sharings.n, s->service,
                       a.direction, !secure, &scratch, other);
    arena_close(&other);
    struct cell cell = {s->service, a.direction, ALL_PROFILES, {0}, 0, x->name};
    struct making inner = *m;
    inner.scratch = scratch;
    str blocked = str_format(m->arena, "%.*s: no entry allows these across the border",
                             STR_ARG(plan->resolved->policy->source));
    reserve(m, 2 * sharings.n);
    for (size_t i = 0; i < sharings.n; i++) {
        struct sharing *sharing = &sharings.items[i];
        struct arena here = scratch;
        cell.local = atoms_addresses(plan->atoms, class_set_of(&here, sharing->classes, sharing->n),
                                     m->arena);
        cell.slot++;
        struct prefix_set passing =
            atoms_addresses(plan->atoms, class_sets_get(&sharings.kept, sharing->row), m->arena);
        str plain = reasons_text(plan->decision, &reasons.plain, i, m->arena);
        str secure = reasons_text(plan->decision, &reasons.secure, i, m->arena);
        const struct remotes allow = {
            .set = passing,
            .why = str_format(m->arena, "%.*s%s%.*s", STR_ARG(plain),
                              plain.len && secure.len ? "; " : "", STR_ARG(secure)),
        };
        const struct remotes block = {
            .set = prefix_set_subtract(m->arena, x->outside_addresses, passing),
            .why = blocked,
        };
        const struct remote_list remotes[] = {
            [ACTION_ALLOW] = {&allow, 1},
            [ACTION_ALLOW_IF_SECURE] = {NULL,   0},
            [ACTION_BLOCK] = {&block, 1},
        };
        add_actions(&inner, m->rules, &cell, remotes);
    }
}

struct ruleset bundle_border_rules(const struct bundle_plan *plan, struct prefix_set peers,
                                   size_t index, struct arena *arena, struct arena scratch)
{
    const struct resolved *r = plan->resolved;
    struct rules rules = {0};
    /* A router never forwards a local address, so a border says nothing of them. */
    struct prefix_set routed = prefix_set_subtract(arena, peers, r->places.local);
    struct prefix_set inside = prefix_set_intersect(&scratch, r->borders[index].inside, routed);
    struct prefix_set outside = prefix_set_subtract(arena, routed, r->borders[index].inside);
    struct crossing x = {
        atoms_classes(plan->atoms, inside, &scratch),
        atoms_classes(plan->atoms, outside, &scratch),
        outside,
        r->borders[index].name,
    };
    struct making m = {plan, peers, &rules, arena, scratch};
    for (size_t s = 0; s < plan->stances.n_services; s++) {
        add_crossing(&m, &x, (struct aspect){s, DIRECTION_OUTBOUND});
        add_crossing(&m, &x, (struct aspect){s, DIRECTION_INBOUND});
    }
    return (struct ruleset){.rules = rules.items, .n = rules.n};
}

/* ---- The plan -----------------------------------------------------------------------------------
 */

static str class_id(str segment, struct map *counts, struct arena *arena, struct arena *scratch)
{
    /* Names that differ in case only would be one file on Windows; long ones that begin alike are
     * one when they are cut. Either way they share the count. */
    str head = str_head(segment, LIMIT_ID_NAME_BYTES);
    uint64_t *count = map_put(counts, scratch, str_lower(scratch, head), 0, NULL);
    return str_format(arena, "%.*s-%" PRIu64, STR_ARG(head), ++*count);
}

static void plan_classes(struct bundle_plan *plan, const struct bundle_sizes *sizes,
                         struct arena *arena, struct arena scratch)
{
    size_t n = 0;
    const struct bundle_sizes sure = {
        sizes->apart ? sizes->apart : LIMIT_STANCES_APART,
        sizes->together ? sizes->together : LIMIT_STANCES_TOGETHER,
    };
    plan->drafts = stances_drafts(&plan->stances, sure.apart, sure.together, arena, scratch, &n);
    struct host_class *classes = arena_array(arena, struct host_class, n + 1);
    struct map counts = {0};
    for (size_t i = 0; i < n; i++) {
        const struct draft *draft = &plan->drafts[i];
        str segment = plan->resolved->policy->segments[draft->segment].name;
        classes[i] = (struct host_class){
            .id = class_id(segment, &counts, arena, &scratch),
            .members = draft->members,
            .machine_names = draft->names,
            .n_machine_names = draft->n_names,
            .machines = draft->hardened,
            .shared = !draft->machine && draft->n_stances > 1,
        };
    }
    plan->bundles.classes = classes;
    plan->bundles.n_classes = n;
}

static void plan_reasons(struct bundle_plan *plan, struct arena *arena, struct arena scratch)
{
    const struct stances *stances = &plan->stances;
    uint32_t *firsts = arena_array(&scratch, uint32_t, stances->n + 1);
    for (size_t i = 0; i < stances->n; i++)
        firsts[i] = stances->items[i].first_class;
    for (size_t d = 0; d < DIRECTIONS; d++)
        plan->ends[d] = reasons_ends(plan->decision, (enum direction)d, arena, scratch);
    plan->reasons = arena_array(arena, struct stance_reasons, stances->n_services * DIRECTIONS + 1);
    for (size_t i = 0; i < stances->n_services * DIRECTIONS; i++) {
        enum direction d = (enum direction)(i % DIRECTIONS);
        int service = stances->services[i / DIRECTIONS].service;
        plan->reasons[i] = (struct stance_reasons){
            reasons_of(plan->decision, plan->ends[d], firsts, stances->n, service, d, true, arena,
                       scratch),
            reasons_of(plan->decision, plan->ends[d], firsts, stances->n, service, d, false, arena,
                       scratch),
        };
    }
}

const struct bundle_plan *bundle_plan(const struct decision *decision, str name,
                                      const struct bundle_sizes *sizes, struct arena *arena,
                                      struct arena scratch)
{
    const struct resolved *resolved = decision_resolved(decision);
    struct bundle_plan *plan = arena_new(arena, struct bundle_plan);
    *plan = (struct bundle_plan){
        .resolved = resolved,
        .decision = decision,
        .atoms = decision_atoms(decision),
        .everywhere = prefix_set_of(arena, &addr_all, 1),
        .name = name,
        .safe_name = safe_name(arena, name),
        .service_words = bundle_service_words(&resolved->policy->services, arena),
        .ports = find_ports(&resolved->policy->services, arena),
        .stances = stances_of(decision, arena, scratch),
        .bundles = {.resolved = resolved, .n_borders = resolved->n_borders},
    };
    plan_classes(plan, sizes, arena, scratch);
    plan_reasons(plan, arena, scratch);
    struct border_rules *borders = arena_array(arena, struct border_rules, resolved->n_borders + 1);
    for (size_t i = 0; i < resolved->n_borders; i++)
        borders[i].border = &resolved->borders[i];
    plan->bundles.borders = borders;
    return plan;
}

struct bundles bundle_planned(const struct bundle_plan *plan)
{
    return plan->bundles;
}

struct bundles bundle_all(const struct bundle_plan *plan, struct prefix_set peers,
                          struct arena *arena, struct arena scratch)
{
    struct bundles out = plan->bundles;
    struct host_class *classes = arena_array(arena, struct host_class, out.n_classes + 1);
    struct border_rules *borders = arena_array(arena, struct border_rules, out.n_borders + 1);
    for (size_t i = 0; i < out.n_classes; i++) {
        classes[i] = out.classes[i];
        classes[i].rules = bundle_class_rules(plan, peers, i, arena, scratch);
    }
    for (size_t i = 0; i < out.n_borders; i++) {
        borders[i] = out.borders[i];
        borders[i].rules = bundle_border_rules(plan, peers, i, arena, scratch);
    }
    out.classes = classes;
    out.borders = borders;
    return out;
}

struct bundles bundle_make(const struct resolved *resolved, struct prefix_set peers, str name,
                           struct arena *arena, struct arena scratch)
{
    const struct bundle_sizes sizes = {0};
    const struct decision *decision = decision_build(resolved, NULL, arena, scratch);
    return bundle_all(bundle_plan(decision, name, &sizes, arena, scratch), peers, arena, scratch);
}
