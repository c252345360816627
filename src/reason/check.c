/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check.h"

#include "policy/diagnostics.h"
#include "reason/machines.h"

/* ---- Classes ------------------------------------------------------------------------------------
 */

/* What all questions need: the decision over atoms that also know the assertions' own sets. */
struct question_base {
    const struct resolved *resolved;
    const struct decision *decision;
    const struct atoms *atoms;
    uint32_t n_classes;
    struct class_set managed, local, all;
    const struct intent_rows *intent; /* per governed service; by server */
    struct machine_index machines;
};

/* Ends of an assertion as classes. */
struct ends {
    struct class_set clients, servers; /* without what is excepted */
};

struct end_sets {
    struct prefix_set from, to, except_from, except_to;
};

static struct end_sets sets_of(const struct resolved *resolved, const struct assertion *a,
                               struct arena *arena)
{
    return (struct end_sets){
        resolve_selectors(resolved, &a->from, RESOLVE_CLIENT, arena),
        resolve_selectors(resolved, &a->to, RESOLVE_SERVER, arena),
        resolve_selectors(resolved, &a->except_from, RESOLVE_CLIENT, arena),
        resolve_selectors(resolved, &a->except_to, RESOLVE_SERVER, arena),
    };
}

static void add_set(struct prefix_set **sets, size_t *n, size_t *room, struct arena *arena,
                    struct prefix_set set)
{
    arena_grow(arena, *sets, *n, *room);
    (*sets)[(*n)++] = set;
}

static const struct intent_rows *intents_of(const struct resolved *resolved,
                                            const struct decision *decision, struct arena *arena,
                                            struct arena scratch)
{
    const struct policy *policy = resolved->policy;
    struct intent_rows *intent = arena_array(arena, struct intent_rows, policy->services.n);
    for (size_t i = 0; i < policy->services.n; i++)
        if (policy->governed[i])
            intent[i] = decision_intent_rows(decision, (int)i, DIRECTION_INBOUND, arena, scratch);
    return intent;
}

static struct question_base question_base_of(const struct resolved *resolved,
                                             const struct end_sets *more, size_t n_more,
                                             struct arena *arena, struct arena scratch)
{
    struct question_base base = {.resolved = resolved};
    struct prefix_set *sets = NULL;
    size_t n = 0, room = 0;
    decision_sets(resolved, arena, &sets, &n, &room);
    add_set(&sets, &n, &room, arena, resolved->managed);
    add_set(&sets, &n, &room, arena, resolved->places.local);
    for (size_t i = 0; i < n_more; i++) {
        add_set(&sets, &n, &room, arena, more[i].from);
        add_set(&sets, &n, &room, arena, more[i].to);
        add_set(&sets, &n, &room, arena, more[i].except_from);
        add_set(&sets, &n, &room, arena, more[i].except_to);
    }
    base.atoms = atoms_build(sets, n, arena, scratch);
    base.decision = decision_build(resolved, base.atoms, arena, scratch);
    base.n_classes = atoms_count(base.atoms);
    base.all = class_set_all(arena, base.n_classes);
    base.managed = atoms_classes(base.atoms, resolved->managed, arena);
    base.local = atoms_classes(base.atoms, resolved->places.local, arena);
    base.machines = machines_index(resolved, arena);
    base.intent = intents_of(resolved, base.decision, arena, scratch);
    return base;
}

/* Classes of a set less those of another, and never local ones: no assertion speaks of them. */
static struct class_set classes_less(const struct question_base *base, struct prefix_set in,
                                     struct prefix_set out, struct arena *arena)
{
    struct class_set classes = atoms_classes(base->atoms, in, arena);
    classes = class_set_subtract(arena, classes, atoms_classes(base->atoms, out, arena));
    return class_set_subtract(arena, classes, base->local);
}

static struct ends ends_of(const struct question_base *base, const struct assertion *a,
                           const struct end_sets *sets, struct arena *arena)
{
    struct class_set clients = classes_less(base, sets->from, sets->except_from, arena);
    struct class_set servers = classes_less(base, sets->to, sets->except_to, arena);
    if (a->kind == ASSERT_ONLY) {
        /* Every other client. */
        clients = class_set_subtract(arena, base->all, clients);
        clients = class_set_subtract(arena, clients, base->local);
    }
    return (struct ends){clients, servers};
}

/* ---- Assertions ---------------------------------------------------------------------------------
 */

/* Which clients pass every side towards a server class. */
static struct class_set passing(const struct question_base *base, int service, uint32_t server,
                                bool secured, struct arena *arena)
{
    uint32_t row =
        decision_row(base->decision, service, PROFILE_DOMAIN, SIDE_COUNT, secured, server);
    return decision_row_classes(base->decision, row, arena);
}

/* Which clients break the assertion towards a server class. */
static struct class_set breaking(const struct question_base *base, const struct assertion *a,
                                 const struct ends *ends, int service, uint32_t server,
                                 struct arena *arena)
{
    bool governed = base->resolved->policy->governed[service];
    struct class_set out = ends->clients;
    if (!governed) {
        /* Ungoverned: every flow passes. */
        if (a->kind == ASSERT_ALWAYS) out = (struct class_set){0};
    } else if (a->kind != ASSERT_ALWAYS) {
        /* What passes in clear passes secured, too. */
        out = class_set_intersect(arena, out, passing(base, service, server, true, arena));
    } else {
        const struct intent_rows *intent = &base->intent[service];
        struct class_set secured = passing(base, service, server, true, arena);
        secured = class_set_intersect(arena, secured,
                                      class_sets_get(&intent->sets, intent->either[server]));
        secured = class_set_subtract(arena, secured,
                                     class_sets_get(&intent->sets, intent->allow[server]));
        out = class_set_subtract(arena, out, passing(base, service, server, false, arena));
        out = class_set_subtract(arena, out, secured);
    }
    if (!class_set_has(base->managed, server)) out = class_set_intersect(arena, out, base->managed);
    return out;
}

/* No packet has an end of each family: a pair of one family tells an admin more, so it is looked
 * for first (mixed: any pair). */
static bool find_pair(const struct question_base *base, struct class_set clients, uint32_t server,
                      bool mixed, struct addr *client, struct addr *server_addr,
                      struct arena scratch)
{
    if (class_set_is_empty(clients)) return false;
    struct class_set one = class_set_one(&scratch, server);
    struct prefix_set to = atoms_addresses(base->atoms, one, &scratch);
    struct prefix_set from = atoms_addresses(base->atoms, clients, &scratch);
    if (mixed) return machines_pair(&base->machines, from, to, client, server_addr, scratch);
    return machines_pair(&base->machines, prefix_set_v4(&scratch, from),
                         prefix_set_v4(&scratch, to), client, server_addr, scratch) ||
           machines_pair(&base->machines, prefix_set_v6(&scratch, from),
                         prefix_set_v6(&scratch, to), client, server_addr, scratch);
}

/* Fills the counterexample. */
static bool holds_for_service(const struct question_base *base, const struct ends *ends,
                              int service, bool mixed, struct check_assertion *out,
                              struct arena scratch)
{
    for (uint32_t s = class_set_next(ends->servers, 0); s != UINT32_MAX;
         s = class_set_next(ends->servers, s + 1)) {
        struct arena inner = scratch;
        struct class_set clients = breaking(base, out->assertion, ends, service, s, &inner);
        if (!find_pair(base, clients, s, mixed, &out->client, &out->server, inner)) continue;
        out->service = service;
        return false;
    }
    return true;
}

static bool holds_under(const struct question_base *base, const struct ends *ends,
                        struct check_assertion *out, struct arena scratch)
{
    const struct assertion *a = out->assertion;
    for (unsigned mixed = 0; mixed < 2; mixed++)
        for (size_t i = 0; i < a->n_services; i++)
            if (!holds_for_service(base, ends, (int)a->services[i], mixed, out, scratch))
                return false;
    return true;
}

/* The same questions where everyone who is unknown is a member of what allows. */
static struct question_base possible_base(const struct question_base *base, struct arena *arena,
                                          struct arena scratch)
{
    struct question_base possible = *base;
    possible.decision = decision_possible(base->decision);
    if (possible.decision != base->decision)
        possible.intent = intents_of(base->resolved, possible.decision, arena, scratch);
    return possible;
}

/* Whose members the answer hangs on. */
static str unknown_at(const struct question_base *base, const struct check_assertion *a,
                      struct arena *arena)
{
    struct flow_question q = {.client = a->client, .server = a->server, .service = a->service};
    struct flow_answer answer = decision_ask(base->decision, &q);
    if (answer.intent != INTENT_UNDECIDABLE) return S("members that are not known");
    return decision_why(base->decision, &q, SIDE_COUNT, arena).text;
}

static str unknown_words(const struct resolved *resolved, const struct assertion *a)
{
    const struct selectors *ends[] = {&a->from, &a->to, &a->except_from, &a->except_to};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        str unknown = resolve_unknown(resolved, ends[i]);
        if (decision_unknown(unknown)) return unknown;
    }
    return (str){0};
}

/* Neither reading of what is unknown may break it. What fails in the one that is kindest to it,
 * fails for certain: fewest flows for `never` and `only`, most for `always`. */
static struct check_assertion judge(const struct question_base *certain,
                                    const struct question_base *possible, const struct ends *ends,
                                    const struct assertion *a, struct arena *arena,
                                    struct arena scratch)
{
    struct check_assertion out = {.assertion = a, .service = SERVICE_NONE};
    bool always = a->kind == ASSERT_ALWAYS;
    if (!holds_under(always ? possible : certain, ends, &out, scratch)) return out;
    if (certain->decision != possible->decision &&
        !holds_under(always ? certain : possible, ends, &out, scratch)) {
        out.undecidable = unknown_at(certain, &out, arena);
        return out;
    }
    out.undecidable = unknown_words(certain->resolved, a);
    out.holds = !out.undecidable.len;
    return out;
}

const struct check_assertion *check_assertions(const struct resolved *resolved, struct arena *arena,
                                               struct arena scratch)
{
    const struct policy *policy = resolved->policy;
    size_t n = policy->n_assertions;
    struct check_assertion *out = arena_array(arena, struct check_assertion, n);
    if (!n) return out;
    struct end_sets *sets = arena_array(arena, struct end_sets, n);
    for (size_t i = 0; i < n; i++)
        sets[i] = sets_of(resolved, &policy->assertions[i], arena);
    struct question_base base = question_base_of(resolved, sets, n, arena, scratch);
    struct question_base possible = possible_base(&base, arena, scratch);
    for (size_t i = 0; i < n; i++) {
        struct ends ends = ends_of(&base, &policy->assertions[i], &sets[i], arena);
        out[i] = judge(&base, &possible, &ends, &policy->assertions[i], arena, scratch);
    }
    return out;
}

/* ---- Lifeline -----------------------------------------------------------------------------------
 */

struct lifeline {
    const struct question_base *base;
    struct arena *arena;
    struct diagnostics *found;
    enum severity severity;
    bool holds;
};

FORMAT_PRINTF(3, 4)
static void missing(struct lifeline *l, struct place place, const char *format, ...)
{
    char text[LIMIT_ERR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    l->holds = false;
    str reason = l->base->resolved->policy->lifeline_off;
    str sentence = reason.len ? str_format(l->arena, "%s (overridden: %.*s)", text, STR_ARG(reason))
                              : str_copy(l->arena, str_of(text));
    diagnostics_add(l->found, l->arena, l->severity, S("lifeline"), place, sentence);
}

static bool is_governed(const struct policy *policy, str name, int *service)
{
    *service = service_by_name(policy->services, name);
    return *service != SERVICE_NONE && policy->governed[*service];
}

/* The first group of a role; NULL = none. */
static const struct group *group_of_role(const struct policy *policy, enum role role)
{
    for (size_t i = 0; i < policy->n_groups; i++)
        if (policy->groups[i].role == role) return &policy->groups[i];
    return NULL;
}

static struct prefix_set members_of_role(const struct resolved *resolved, enum role role,
                                         struct arena *arena)
{
    struct prefix_set all = {0};
    for (size_t i = 0; i < resolved->policy->n_groups; i++)
        if (resolved->policy->groups[i].role == role)
            all = prefix_set_union(arena, all, resolved->groups[i]);
    return all;
}

/* Some client of the set that lacks the intent towards some server of the set.
 *
 * secured_will_do : allow-if-secure is enough */
static bool lacks_intent(const struct question_base *base, int service, struct prefix_set from,
                         struct prefix_set to, bool secured_will_do, struct addr *client,
                         struct addr *server, struct arena scratch)
{
    struct prefix_set none = {0};
    const struct intent_rows *intent = &base->intent[service];
    struct class_set clients = classes_less(base, from, none, &scratch);
    struct class_set servers = classes_less(base, to, none, &scratch);
    for (uint32_t s = class_set_next(servers, 0); s != UINT32_MAX;
         s = class_set_next(servers, s + 1)) {
        struct arena inner = scratch;
        uint32_t row = secured_will_do ? intent->either[s] : intent->allow[s];
        struct class_set left =
            class_set_subtract(&inner, clients, class_sets_get(&intent->sets, row));
        if (find_pair(base, left, s, true, client, server, inner)) return true;
    }
    return false;
}

static void check_domain_controllers(struct lifeline *l, const struct check_controller *controllers,
                                     size_t n, struct arena scratch)
{
    const struct resolved *resolved = l->base->resolved;
    const struct policy *policy = resolved->policy;
    const struct group *group = group_of_role(policy, ROLE_DOMAIN_CONTROLLER);
    struct prefix_set members = members_of_role(resolved, ROLE_DOMAIN_CONTROLLER, l->arena);
    struct place place = group ? group->place : (struct place){1, 1};
    char from[ADDR_TEXT], to[ADDR_TEXT];
    struct addr client, server;
    int smb = SERVICE_NONE;
    if (!is_governed(policy, S("smb"), &smb)) return;
    if (!members.n) {
        missing(l, place, "smb is governed, but no group with role domain-controller has %s",
                group ? "a member with a known address" : "members");
        return;
    }
    if (lacks_intent(l->base, smb, resolved->managed, members, false, &client, &server, scratch))
        missing(l, place,
                "every managed address must reach every domain controller by smb in clear, but "
                "%.*s -> %.*s is not allowed",
                STR_ARG(addr_text(from, client)), STR_ARG(addr_text(to, server)));
    for (size_t i = 0; i < n; i++)
        if (!prefix_set_contains(members, controllers[i].addr))
            missing(l, place,
                    "%.*s%s%.*s%s was seen as a domain controller, but is in no group with role "
                    "domain-controller",
                    STR_ARG(addr_text(from, controllers[i].addr)),
                    controllers[i].name.len ? " (" : "", STR_ARG(controllers[i].name),
                    controllers[i].name.len ? ")" : "");
}

/* Some one group must keep the service: two halves would leave an admin of either half outside. */
static void check_management(struct lifeline *l, str name, struct arena scratch)
{
    const struct resolved *resolved = l->base->resolved;
    const struct policy *policy = resolved->policy;
    char from[ADDR_TEXT], to[ADDR_TEXT];
    struct addr client = {0}, server = {0};
    const struct group *group = NULL;
    int service = SERVICE_NONE;
    if (!is_governed(policy, name, &service)) return;
    for (size_t i = 0; i < policy->n_groups; i++) {
        if (policy->groups[i].role != ROLE_MANAGEMENT || !resolved->groups[i].n) continue;
        if (!group) group = &policy->groups[i];
        struct addr c, s;
        if (!lacks_intent(l->base, service, resolved->groups[i], resolved->enforcing, true, &c, &s,
                          scratch))
            return;
        if (group == &policy->groups[i]) client = c, server = s;
    }
    if (!group)
        missing(l, (struct place){1, 1},
                "%.*s is governed, but no group with role management has members that keep it",
                STR_ARG(name));
    else
        missing(l, group->place,
                "%.*s is governed, but no group with role management keeps it to every enforcing "
                "machine: %.*s -> %.*s is not allowed",
                STR_ARG(name), STR_ARG(addr_text(from, client)), STR_ARG(addr_text(to, server)));
}

bool check_lifeline(const struct resolved *resolved, const struct check_controller *controllers,
                    size_t n_controllers, struct arena *arena, struct arena scratch,
                    struct diagnostics *found)
{
    bool off = resolved->policy->lifeline_off.len > 0;
    struct question_base base = question_base_of(resolved, NULL, 0, arena, scratch);
    struct lifeline l = {
        .base = &base,
        .arena = arena,
        .found = found,
        .severity = off ? SEVERITY_WARNING : SEVERITY_ERROR,
        .holds = true,
    };
    check_domain_controllers(&l, controllers, n_controllers, scratch);
    check_management(&l, S("rdp"), scratch);
    check_management(&l, S("winrm"), scratch);
    check_management(&l, S("ssh"), scratch);
    return l.holds || off;
}
