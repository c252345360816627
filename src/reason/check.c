/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check.h"

#include "policy/diagnostics.h"

/* ---- Pairs of different machines ----------------------------------------------------------------
 */

struct machine_address {
    struct addr addr;
    size_t machine;
};

/* Which addresses belong to machines that have several. */
struct machine_index {
    struct machine_address *items; /* by address */
    size_t n;
    size_t most; /* addresses that share a machine with one address, at most */
};

static int machine_address_order(const void *left, const void *right)
{
    const struct machine_address *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    return order ? order : (a->machine > b->machine) - (a->machine < b->machine);
}

static struct machine_index index_machines(const struct resolved *resolved, struct arena *arena)
{
    struct machine_index index = {.most = 1};
    for (size_t i = 0; i < resolved->n_machines; i++) {
        index.n += resolved->machines[i].n_addrs;
        /* An address may be in several machines: sum what each may hold against it. */
        index.most += resolved->machines[i].n_addrs;
    }
    index.items = arena_array(arena, struct machine_address, index.n);
    index.n = 0;
    for (size_t i = 0; i < resolved->n_machines; i++)
        for (size_t j = 0; j < resolved->machines[i].n_addrs; j++)
            index.items[index.n++] = (struct machine_address){resolved->machines[i].addrs[j], i};
    qsort(index.items, index.n, sizeof *index.items, machine_address_order);
    return index;
}

static size_t first_at(const struct machine_index *index, struct addr a)
{
    size_t low = 0, high = index->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(index->items[middle].addr, a) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool same_machine(const struct machine_index *index, struct addr a, struct addr b)
{
    if (addr_equal(a, b)) return true;
    size_t start = first_at(index, b);
    for (size_t i = first_at(index, a); i < index->n && addr_equal(index->items[i].addr, a); i++)
        for (size_t j = start; j < index->n && addr_equal(index->items[j].addr, b); j++)
            if (index->items[i].machine == index->items[j].machine) return true;
    return false;
}

/* The smallest addresses of a set, at most `most`. */
static size_t first_addresses(struct prefix_set set, size_t most, struct addr *out)
{
    size_t n = 0;
    for (size_t i = 0; i < set.n; i++)
        for (struct addr a = set.ranges[i].first; n < most; a = addr_next(a)) {
            out[n++] = a;
            if (addr_equal(a, set.ranges[i].last)) break;
        }
    return n;
}

/* The smallest server, then the smallest client, that are not of one machine. False when there are
 * none. An address shares its machine with fewer than `most` others, so if the first of a set are
 * not enough, nothing is: the work is bounded by the policy, not by the sets. */
static bool pair_of_machines(const struct machine_index *index, struct prefix_set clients,
                             struct prefix_set servers, struct addr *client, struct addr *server,
                             struct arena scratch)
{
    struct addr *from = arena_array(&scratch, struct addr, index->most + 1);
    struct addr *to = arena_array(&scratch, struct addr, index->most + 1);
    size_t n_from = first_addresses(clients, index->most + 1, from);
    size_t n_to = first_addresses(servers, index->most + 1, to);
    for (size_t i = 0; i < n_to; i++)
        for (size_t j = 0; j < n_from; j++) {
            if (same_machine(index, from[j], to[i])) continue;
            *client = from[j];
            *server = to[i];
            return true;
        }
    return false;
}

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
    base.machines = index_machines(resolved, arena);
    const struct policy *policy = resolved->policy;
    struct intent_rows *intent = arena_array(arena, struct intent_rows, policy->services.n);
    for (size_t i = 0; i < policy->services.n; i++)
        if (policy->governed[i])
            intent[i] =
                decision_intent_rows(base.decision, (int)i, DIRECTION_INBOUND, arena, scratch);
    base.intent = intent;
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

static bool find_pair(const struct question_base *base, struct class_set clients, uint32_t server,
                      struct addr *client, struct addr *server_addr, struct arena scratch)
{
    if (class_set_is_empty(clients)) return false;
    struct class_set one = class_set_one(&scratch, server);
    struct prefix_set servers = atoms_addresses(base->atoms, one, &scratch);
    struct prefix_set all = atoms_addresses(base->atoms, clients, &scratch);
    return pair_of_machines(&base->machines, all, servers, client, server_addr, scratch);
}

static bool holds_for_service(const struct question_base *base, const struct ends *ends,
                              int service, struct check_assertion *out, struct arena scratch)
{
    for (uint32_t s = class_set_next(ends->servers, 0); s != UINT32_MAX;
         s = class_set_next(ends->servers, s + 1)) {
        struct arena inner = scratch;
        struct class_set clients = breaking(base, out->assertion, ends, service, s, &inner);
        if (!find_pair(base, clients, s, &out->client, &out->server, inner)) continue;
        out->service = service;
        return false;
    }
    return true;
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
    for (size_t i = 0; i < n; i++) {
        const struct assertion *a = &policy->assertions[i];
        struct ends ends = ends_of(&base, a, &sets[i], arena);
        out[i] = (struct check_assertion){.assertion = a, .holds = true, .service = SERVICE_NONE};
        for (size_t j = 0; j < a->n_services && out[i].holds; j++)
            out[i].holds = holds_for_service(&base, &ends, (int)a->services[j], &out[i], scratch);
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
        if (find_pair(base, left, s, client, server, inner)) return true;
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

/* ---- Entries ------------------------------------------------------------------------------------
 */

struct reach {
    struct prefix_set from, to;
};

/* Which flows an allow entry can match: an end at the internet only by that word, a local end
 * never.
 */
static struct reach reach_of(const struct resolved *resolved, const struct resolved_entry *e,
                             struct arena *arena)
{
    const struct places *places = &resolved->places;
    struct reach reach = {
        prefix_set_subtract(arena, e->from, e->except_from),
        prefix_set_subtract(arena, e->to, e->except_to),
    };
    reach.from = prefix_set_subtract(arena, reach.from, places->local);
    reach.to = prefix_set_subtract(arena, reach.to, places->local);
    if (!e->from_internet) reach.from = prefix_set_subtract(arena, reach.from, places->internet);
    if (!e->to_internet) reach.to = prefix_set_subtract(arena, reach.to, places->internet);
    return reach;
}

static str entry_label(struct arena *arena, const struct entry *entry)
{
    if (!entry->name.len) return str_format(arena, "the entry of line %" PRIu32, entry->place.line);
    return str_format(arena, "the entry %.*s", STR_ARG(diagnostics_quote(arena, entry->name)));
}

static bool lists_service(const struct entry *entry, size_t service)
{
    for (size_t i = 0; i < entry->n_services; i++)
        if (entry->services[i] == service) return true;
    return false;
}

static bool is_secure(enum secure secure)
{
    return secure == SECURE_KERBEROS || secure == SECURE_CERTIFICATE;
}

/* Everything the inner entry allows is allowed by the outer one, at least as freely. */
static bool covers(const struct resolved_entry *outer, const struct reach *outer_reach,
                   const struct resolved_entry *inner, const struct reach *inner_reach)
{
    if (is_secure(outer->secure) && !is_secure(inner->secure)) return false;
    for (size_t i = 0; i < inner->entry->n_services; i++)
        if (!lists_service(outer->entry, inner->entry->services[i])) return false;
    return prefix_set_covers(outer_reach->from, inner_reach->from) &&
           prefix_set_covers(outer_reach->to, inner_reach->to);
}

static void warn_of_cover(const struct resolved *resolved, const struct reach *reaches,
                          const bool *matches, size_t i, struct arena *arena,
                          struct diagnostics *found)
{
    const struct resolved_entry *entries = resolved->entries;
    for (size_t j = 0; j < resolved->n_entries; j++) {
        if (j == i || !matches[j] || entries[j].is_exception) continue;
        if (!covers(&entries[j], &reaches[j], &entries[i], &reaches[i])) continue;
        /* Of two that cover each other, the later one is the surplus. */
        if (j > i && covers(&entries[i], &reaches[i], &entries[j], &reaches[j])) continue;
        diagnostics_warn(found, arena, S("shadowed"), entries[i].entry->place,
                         "%.*s allows nothing that %.*s (line %" PRIu32 ") does not allow",
                         STR_ARG(entry_label(arena, entries[i].entry)),
                         STR_ARG(entry_label(arena, entries[j].entry)),
                         entries[j].entry->place.line);
        return;
    }
}

static void warn_of_internet(const struct resolved *resolved, const struct selectors *selectors,
                             struct arena *arena, struct diagnostics *found)
{
    for (size_t i = 0; i < selectors->n; i++) {
        const struct selector *s = &selectors->items[i];
        if (s->kind != SELECT_PREFIX) continue;
        struct range range = prefix_range(s->prefix);
        if (!prefix_set_covers(resolved->places.internet, (struct prefix_set){&range, 1})) continue;
        char text[PREFIX_TEXT];
        diagnostics_warn(found, arena, S("never-matches"), s->place,
                         "%.*s lives in the internet: no allow entry matches there without the "
                         "word internet, expected a perimeter entry",
                         STR_ARG(prefix_text(text, s->prefix)));
    }
}

/* Members of groups that will not authenticate by themselves or must not depend on it. */
static void warn_of_authentication(const struct resolved *resolved, const struct resolved_entry *e,
                                   const struct reach *reach, struct arena *arena,
                                   struct diagnostics *found)
{
    const struct policy *policy = resolved->policy;
    char text[ADDR_TEXT];
    if (!is_secure(e->secure)) return;
    for (size_t i = 0; i < policy->n_groups; i++) {
        const struct group *group = &policy->groups[i];
        bool depends = group->role == ROLE_DOMAIN_CONTROLLER || group->role == ROLE_CLUSTER;
        if (group->managed && !depends) continue;
        struct prefix_set at = prefix_set_intersect(arena, reach->to, resolved->groups[i]);
        if (!at.n && !group->managed)
            at = prefix_set_intersect(arena, reach->from, resolved->groups[i]);
        if (!at.n) continue;
        diagnostics_warn(found, arena, S("cannot-authenticate"), e->entry->place,
                         "%.*s needs %.*s, but %.*s of group \"%.*s\" %s; expected secure: none",
                         STR_ARG(entry_label(arena, e->entry)), STR_ARG(secure_text(e->secure)),
                         STR_ARG(addr_text(text, at.ranges[0].first)), STR_ARG(group->name),
                         group->managed ? "must be reached before anyone can authenticate"
                                        : "enforces nothing and may not be able to");
    }
}

static void check_perimeter(const struct resolved *resolved, struct arena *arena,
                            struct diagnostics *found)
{
    for (size_t i = 0; i < resolved->n_perimeter; i++) {
        const struct resolved_perimeter *p = &resolved->perimeter[i];
        bool empty_inside = p->direction == DIRECTION_OUTBOUND ? !p->from.n : !p->to.n;
        bool empty_outside = p->direction == DIRECTION_OUTBOUND ? !p->to.n : !p->from.n;
        /* A service tag that can't be read is said already. */
        if (empty_outside && (p->entry->n_from_tags || p->entry->n_to_tags)) continue;
        if (empty_inside || empty_outside)
            diagnostics_warn(found, arena, S("never-matches"), p->entry->place,
                             "this perimeter entry never matches: its %s holds no address %s the "
                             "internet",
                             (p->direction == DIRECTION_OUTBOUND) == empty_inside ? "from" : "to",
                             empty_inside ? "outside" : "of");
    }
}

static void check_segments(const struct resolved *resolved, struct arena *arena,
                           struct diagnostics *found)
{
    for (size_t i = 0; i < resolved->policy->n_segments; i++) {
        const struct segment *segment = &resolved->policy->segments[i];
        if (!segment->n_networks || resolved->places.segments[i].n) continue;
        diagnostics_warn(found, arena, S("never-matches"), segment->place,
                         "no address lives in segment \"%.*s\": longer prefixes of other segments "
                         "hold all of its networks",
                         STR_ARG(segment->name));
    }
}

void check_entries(const struct resolved *resolved, struct arena *arena, struct arena scratch,
                   struct diagnostics *found)
{
    enum {
        MOST_COMPARED = 2000
    }; /* pairs grow with the square; past it covers are not looked for */
    size_t first = found->n, n = resolved->n_entries;
    struct reach *reaches = arena_array(&scratch, struct reach, n);
    bool *matches = arena_array(&scratch, bool, n);
    for (size_t i = 0; i < n; i++) {
        const struct resolved_entry *e = &resolved->entries[i];
        reaches[i] = reach_of(resolved, e, &scratch);
        matches[i] = reaches[i].from.n && reaches[i].to.n && e->entry->n_services;
        warn_of_internet(resolved, &e->entry->from, arena, found);
        warn_of_internet(resolved, &e->entry->to, arena, found);
        if (matches[i]) {
            warn_of_authentication(resolved, e, &reaches[i], arena, found);
            continue;
        }
        const char *what = !e->entry->n_services ? "service names nothing"
                           : !reaches[i].from.n  ? "from holds no address"
                                                 : "to holds no address";
        diagnostics_warn(found, arena, S("never-matches"), e->entry->place,
                         "%.*s never matches: its %s", STR_ARG(entry_label(arena, e->entry)), what);
    }
    for (size_t i = 0; i < n && n <= MOST_COMPARED; i++)
        if (matches[i]) warn_of_cover(resolved, reaches, matches, i, arena, found);
    check_perimeter(resolved, arena, found);
    check_segments(resolved, arena, found);
    diagnostics_sort(found, first, arena);
}
