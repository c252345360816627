/* SPDX-License-Identifier: Apache-2.0 */
/* DESIGN.md 5. A *stance* is what an address must do: its segment, its modes, and its rows of
 * intent as client and as server. Addresses of one stance load one bundle; a named machine whose
 * addresses have several stances gets a bundle of its own, each stance scoped by local address, and
 * that of its smallest address (its home) everywhere else.
 */
#include "rules/bundle.h"

#include "base/map.h"
#include "policy/exceptions.h"

enum { REASONS_NAMED = 8, ALL_PROFILES = (1u << PROFILE_COUNT) - 1 };

struct service_intent {
    int service;
    struct intent_rows inbound, outbound;
};

struct stance {
    uint32_t first_class; /* any of its classes: all give the same rules */
    uint32_t *classes;    /* of the stance, ascending */
    size_t n_classes, room;
    size_t segment;
};

struct maker {
    const struct resolved *resolved;
    const struct decision *decision;
    const struct atoms *atoms;
    struct prefix_set peers, everywhere;
    str name, safe_name;
    const str *service_words; /* per service of the policy: its name in rule ids */
    struct service_intent *services;
    size_t n_services;
    struct stance *stances;
    size_t n_stances;
    uint32_t *stance_of; /* per class; UINT32_MAX = enforces nothing */
    struct arena *arena;
    struct arena *scratch;
};

/* The rules of one bundle in the making. */
struct rules {
    struct rule *items;
    size_t n, room;
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
static const str *find_service_words(const struct service_table *services, struct arena *arena)
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

/* ---- Stances ------------------------------------------------------------------------------------
 */

static bool passes_by_intent(enum profile_mode mode, enum direction direction)
{
    return mode == MODE_ENFORCE || (mode == MODE_BLOCK_INBOUND && direction == DIRECTION_OUTBOUND);
}

static bool any_by_intent(const struct maker *m, uint32_t class_id, enum direction direction)
{
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        if (passes_by_intent(decision_mode(m->decision, class_id, (enum profile)p), direction))
            return true;
    return false;
}

static str stance_key(const struct maker *m, uint32_t c, size_t segment, struct arena *arena)
{
    struct buf key = buf_in(arena);
    bool inbound = any_by_intent(m, c, DIRECTION_INBOUND);
    bool outbound = any_by_intent(m, c, DIRECTION_OUTBOUND);
    buf_format(&key, "%zu %d", segment, decision_is_cluster(m->decision, c));
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        buf_format(&key, " %d", (int)decision_mode(m->decision, c, (enum profile)p));
    for (size_t i = 0; i < m->n_services; i++) {
        const struct service_intent *s = &m->services[i];
        if (inbound)
            buf_format(&key, " i%" PRIu32 ",%" PRIu32, s->inbound.allow[c], s->inbound.either[c]);
        if (outbound)
            buf_format(&key, " o%" PRIu32 ",%" PRIu32, s->outbound.allow[c], s->outbound.either[c]);
    }
    return buf_text(&key);
}

static void find_stances(struct maker *m)
{
    struct map known = {0};
    uint32_t n = atoms_count(m->atoms);
    struct class_set enforcing = atoms_classes(m->atoms, m->resolved->enforcing, m->scratch);
    m->stance_of = arena_array(m->scratch, uint32_t, n);
    m->stances = arena_array(m->scratch, struct stance, n);
    for (uint32_t c = 0; c < n; c++) {
        m->stance_of[c] = UINT32_MAX;
        if (!class_set_has(enforcing, c)) continue;
        size_t segment = resolve_segment(m->resolved, atoms_witness(m->atoms, c));
        assert(segment != SIZE_MAX && "what enforces lives in a managed segment");
        str key = stance_key(m, c, segment, m->scratch);
        bool fresh = false;
        uint32_t at = (uint32_t)*map_put(&known, m->scratch, key, m->n_stances, &fresh);
        if (fresh)
            m->stances[m->n_stances++] = (struct stance){.first_class = c, .segment = segment};
        struct stance *stance = &m->stances[at];
        arena_grow(m->scratch, stance->classes, stance->n_classes, stance->room);
        stance->classes[stance->n_classes++] = c;
        m->stance_of[c] = at;
    }
}

/* ---- Why ----------------------------------------------------------------------------------------
 */

static bool lists_service(const size_t *services, size_t n, int service)
{
    for (size_t i = 0; i < n; i++)
        if (services[i] == (size_t)service) return true;
    return false;
}

static void name_reason(const struct maker *m, struct buf *out, struct place place, str name,
                        const struct exception *exception, size_t *n)
{
    str source = exception ? exception->file->name : m->resolved->policy->source;
    if ((*n)++ >= REASONS_NAMED) return;
    if (out->len) buf_str(out, S("; "));
    buf_format(out, "%.*s:%" PRIu32, STR_ARG(source), place.line);
    if (name.len) buf_format(out, " %.*s", STR_ARG(name));
    if (exception) buf_format(out, " (%.*s)", STR_ARG(exception_text(exception, m->arena)));
}

/* The entries that approve some peer of this address, in the order of the file. */
static str approved_by(const struct maker *m, struct addr own, int service,
                       enum direction direction, bool plain)
{
    const struct resolved *r = m->resolved;
    struct buf out = buf_in(m->arena);
    bool inbound = direction == DIRECTION_INBOUND;
    size_t n = 0;
    for (size_t i = 0; i < r->n_entries; i++) {
        const struct resolved_entry *e = &r->entries[i];
        bool is_plain = e->secure == SECURE_NONE || e->secure == SECURE_UNSET;
        if (is_plain != plain) continue;
        if (!lists_service(e->entry->services, e->entry->n_services, service)) continue;
        if (!prefix_set_contains(inbound ? e->to : e->from, own)) continue;
        if (prefix_set_contains(inbound ? e->except_to : e->except_from, own)) continue;
        if (prefix_set_is_empty(inbound ? e->from : e->to)) continue;
        name_reason(m, &out, e->entry->place, e->entry->name, e->exception, &n);
    }
    for (size_t i = 0; i < r->n_perimeter && plain; i++) {
        const struct resolved_perimeter *e = &r->perimeter[i];
        if (e->direction != direction) continue;
        if (!lists_service(e->entry->services, e->entry->n_services, service)) continue;
        if (!prefix_set_contains(inbound ? e->to : e->from, own)) continue;
        name_reason(m, &out, e->entry->place, e->entry->name, NULL, &n);
    }
    if (n > REASONS_NAMED) buf_format(&out, "; and %zu more", n - REASONS_NAMED);
    return buf_text(&out);
}

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

static str blocked_by(const struct maker *m, uint32_t class_id, uint8_t profiles, bool by_mode)
{
    str source = m->resolved->policy->source;
    if (!by_mode)
        return str_format(m->arena, "%.*s: no entry allows these in clear", STR_ARG(source));
    struct buf out = buf_in(m->arena);
    buf_format(&out, "%.*s:", STR_ARG(source));
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        if (!(profiles >> p & 1)) continue;
        enum profile_mode mode = decision_mode(m->decision, class_id, (enum profile)p);
        buf_format(&out, " profile %.*s is %.*s", STR_ARG(profile_text((enum profile)p)),
                   STR_ARG(profile_mode_text(mode)));
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

static void add_rule(const struct maker *m, struct rules *rules, const struct cell *cell,
                     enum action action, enum transport transport, struct prefix_set remote,
                     str why)
{
    const struct service *service = &m->resolved->policy->services.services[cell->service];
    str service_name = service->name, direction = direction_text(cell->direction);
    str word = m->service_words[cell->service];
    str where =
        cell->border.len ? str_format(m->scratch, "border-%.*s-", STR_ARG(cell->border)) : S("");
    struct rule rule = {
        .direction = cell->direction,
        .action = action,
        .profiles = cell->profiles,
        .enabled = true,
        .transport = transport,
        .local = cell->local,
        .remote = remote,
        .logs = action == ACTION_BLOCK,
        .why = why,
        .program = service->mark,
        .group = str_format(m->arena, "sallyport %.*s", STR_ARG(m->name)),
    };
    for (size_t i = 0; i < service->n_ports; i++)
        if (service->ports[i].transport == transport)
            rule.ports[rule.n_ports++] = service->ports[i];
    str profiles = cell->border.len ? S("all") : profiles_text(m->scratch, cell->profiles, '-');
    str transport_name = service_transport_text(transport);
    rule.id = str_format(m->arena, "sallyport-%.*s-%.*s%.*s-%.*s-%.*s-%.*s-%.*s-%zu",
                         STR_ARG(m->safe_name), STR_ARG(where), STR_ARG(direction), STR_ARG(word),
                         STR_ARG(transport_name), STR_ARG(profiles), STR_ARG(action_text(action)),
                         cell->slot);
    str verb = action == ACTION_BLOCK ? S("block") : S("allow");
    str peers = cell->direction == DIRECTION_INBOUND ? S("clients") : S("servers");
    str which = action == ACTION_BLOCK   ? S("unapproved")
                : action == ACTION_ALLOW ? S("approved")
                                         : S("authenticated");
    rule.name = str_format(
        m->arena, "sallyport %.*s: %.*s %.*s, %.*s %.*s %.*s (%.*s%s%.*s)", STR_ARG(m->name),
        STR_ARG(direction), STR_ARG(service_name), STR_ARG(verb), STR_ARG(which), STR_ARG(peers),
        STR_ARG(transport_name), cell->border.len ? ", border " : ", ",
        STR_ARG(cell->border.len ? cell->border : profiles_text(m->scratch, cell->profiles, ' ')));
    arena_grow(m->arena, rules->items, rules->n, rules->room);
    rules->items[rules->n++] = rule;
}

/* Allow before block: engines that stop at the first match need it, Windows does not care. */
static void add_actions(const struct maker *m, struct rules *rules, const struct cell *cell,
                        const struct prefix_set remotes[3], const str why[3])
{
    static const enum transport transports[] = {TRANSPORT_TCP, TRANSPORT_UDP};
    const struct service *service = &m->resolved->policy->services.services[cell->service];
    for (size_t t = 0; t < COUNT_OF(transports); t++) {
        bool has_ports = false;
        for (size_t i = 0; i < service->n_ports; i++)
            has_ports = has_ports || service->ports[i].transport == transports[t];
        for (size_t a = ACTION_ALLOW; a <= ACTION_BLOCK && has_ports; a++)
            if (!prefix_set_is_empty(remotes[a]))
                add_rule(m, rules, cell, (enum action)a, transports[t], remotes[a], why[a]);
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

static struct demand demand_of(const struct maker *m, const struct service_intent *s, uint32_t c,
                               enum direction direction, enum profile profile)
{
    enum profile_mode mode = decision_mode(m->decision, c, profile);
    const struct intent_rows *rows = direction == DIRECTION_INBOUND ? &s->inbound : &s->outbound;
    if (mode == MODE_UNSET || mode == MODE_OFF) return (struct demand){.silent = true};
    if (!passes_by_intent(mode, direction)) return (struct demand){.by_mode = true};
    return (struct demand){.allow = rows->allow[c], .either = rows->either[c]};
}

static void add_cell(const struct maker *m, struct rules *rules, const struct service_intent *s,
                     uint32_t c, const struct cell *cell, struct demand demand)
{
    const struct class_sets *sets =
        cell->direction == DIRECTION_INBOUND ? &s->inbound.sets : &s->outbound.sets;
    struct arena *arena = m->arena;
    struct prefix_set approved = {0}, secure = {0};
    if (!demand.by_mode) {
        approved = atoms_addresses(m->atoms, class_sets_get(sets, demand.allow), arena);
        secure = atoms_addresses(m->atoms, class_sets_get(sets, demand.either), arena);
        secure = prefix_set_subtract(arena, secure, approved);
        if (decision_is_cluster(m->decision, c))
            approved = prefix_set_union(arena, approved, decision_link_local);
    }
    approved = prefix_set_intersect(arena, approved, m->peers);
    secure = prefix_set_intersect(arena, secure, m->peers);
    struct addr own = atoms_witness(m->atoms, c);
    const struct prefix_set remotes[] = {
        [ACTION_ALLOW] = approved,
        [ACTION_ALLOW_IF_SECURE] = secure,
        [ACTION_BLOCK] = prefix_set_subtract(arena, m->peers, approved),
    };
    str plain = approved_by(m, own, s->service, cell->direction, true);
    const str why[] = {
        [ACTION_ALLOW] = plain.len ? plain : S("link-local peers of a cluster"),
        [ACTION_ALLOW_IF_SECURE] = approved_by(m, own, s->service, cell->direction, false),
        [ACTION_BLOCK] = blocked_by(m, c, cell->profiles, demand.by_mode),
    };
    add_actions(m, rules, cell, remotes, why);
}

/* Profiles that ask for the same share their rules. */
static void add_stance(const struct maker *m, struct rules *rules, uint32_t c,
                       struct prefix_set local, size_t slot)
{
    static const enum direction directions[] = {DIRECTION_INBOUND, DIRECTION_OUTBOUND};
    for (size_t i = 0; i < m->n_services * COUNT_OF(directions); i++) {
        const struct service_intent *s = &m->services[i / COUNT_OF(directions)];
        enum direction direction = directions[i % COUNT_OF(directions)];
        uint8_t done = 0;
        for (size_t p = 0; p < PROFILE_COUNT; p++) {
            if (done >> p & 1) continue;
            struct demand demand = demand_of(m, s, c, direction, (enum profile)p);
            uint8_t same = 0;
            for (size_t q = p; q < PROFILE_COUNT; q++)
                if (demand_equal(demand, demand_of(m, s, c, direction, (enum profile)q)))
                    same = (uint8_t)(same | 1u << q);
            done |= same;
            if (demand.silent) continue;
            struct cell cell = {s->service, direction, same, local, slot, {0}};
            add_cell(m, rules, s, c, &cell, demand);
        }
    }
}

/* ---- Host classes -------------------------------------------------------------------------------
 */

/* A host class in the making: one stance, or a machine of several. */
struct draft {
    struct prefix_set members;
    size_t segment;
    const struct machine *machine; /* of several stances; NULL = one stance */
    uint32_t stance;
    str *names;
    size_t n_names, room;
};

static uint32_t stance_at(const struct maker *m, struct addr a)
{
    return m->stance_of[atoms_class(m->atoms, a)];
}

/* The machine's enforcing addresses that no other machine has taken, in order. */
static struct prefix_set enforcing_addresses(const struct maker *m, const struct machine *machine,
                                             struct prefix_set taken)
{
    struct range *ranges = arena_array(m->scratch, struct range, machine->n_addrs + 1);
    size_t n = 0;
    for (size_t i = 0; i < machine->n_addrs; i++) {
        struct addr a = machine->addrs[i];
        if (stance_at(m, a) == UINT32_MAX || prefix_set_contains(taken, a)) continue;
        ranges[n++] = (struct range){a, a};
    }
    return prefix_set_of(m->arena, ranges, n);
}

/* Neighbouring addresses share a range, so a range may hold several; machines have few. */
static size_t each_address(struct prefix_set set, struct arena *arena, struct addr **out)
{
    size_t n = (size_t)prefix_set_size(set), kept = 0;
    *out = arena_array(arena, struct addr, n + 1);
    for (size_t i = 0; i < set.n; i++) {
        struct addr a = set.ranges[i].first;
        (*out)[kept++] = a;
        while (!addr_equal(a, set.ranges[i].last)) {
            a = addr_next(a);
            (*out)[kept++] = a;
        }
    }
    return kept;
}

static int draft_order(const void *left, const void *right)
{
    const struct draft *a = left, *b = right;
    if (a->segment != b->segment) return a->segment < b->segment ? -1 : 1;
    return addr_compare(a->members.ranges[0].first, b->members.ranges[0].first);
}

static void add_name(const struct maker *m, struct draft *draft, str name)
{
    arena_grow(m->arena, draft->names, draft->n_names, draft->room);
    draft->names[draft->n_names++] = name;
}

static struct draft *find_drafts(const struct maker *m, size_t *n)
{
    const struct resolved *r = m->resolved;
    struct draft *drafts = arena_array(m->scratch, struct draft, m->n_stances + r->n_machines + 1);
    struct prefix_set taken = {0};
    for (size_t i = 0; i < m->n_stances; i++)
        drafts[i] = (struct draft){.segment = m->stances[i].segment, .stance = (uint32_t)i};
    size_t most = m->n_stances;
    for (size_t i = 0; i < r->n_machines; i++) {
        struct prefix_set own = enforcing_addresses(m, &r->machines[i], taken);
        struct addr *addrs;
        size_t n_addrs = each_address(own, m->scratch, &addrs);
        bool one = true;
        for (size_t j = 1; j < n_addrs; j++)
            one = one && stance_at(m, addrs[j]) == stance_at(m, addrs[0]);
        if (!n_addrs) continue;
        uint32_t home = stance_at(m, addrs[0]);
        if (one) {
            add_name(m, &drafts[home], r->machines[i].name);
            continue;
        }
        drafts[most] =
            (struct draft){own, m->stances[home].segment, &r->machines[i], home, NULL, 0, 0};
        add_name(m, &drafts[most++], r->machines[i].name);
        taken = prefix_set_union(m->arena, taken, own);
    }
    *n = 0;
    for (size_t i = 0; i < most; i++) {
        struct draft draft = drafts[i];
        if (!draft.machine) {
            const struct stance *stance = &m->stances[i];
            struct class_set classes = class_set_of(m->scratch, stance->classes, stance->n_classes);
            draft.members = atoms_addresses(m->atoms, classes, m->arena);
            draft.members = prefix_set_subtract(m->arena, draft.members, taken);
        }
        if (!prefix_set_is_empty(draft.members)) drafts[(*n)++] = draft;
    }
    qsort(drafts, *n, sizeof *drafts, draft_order);
    return drafts;
}

/* Each stance scoped by its local addresses; the home's holds at all that are left. */
static void add_machine(const struct maker *m, struct rules *rules, const struct draft *draft)
{
    struct addr *addrs;
    size_t n = each_address(draft->members, m->scratch, &addrs), slot = 2;
    struct prefix_set rest = prefix_set_union(m->arena, m->peers, draft->members);
    bool *done = arena_array(m->scratch, bool, m->n_stances);
    done[draft->stance] = true;
    for (size_t i = 0; i < n; i++) {
        uint32_t stance = stance_at(m, addrs[i]);
        if (done[stance]) continue;
        done[stance] = true;
        struct range *ranges = arena_array(m->scratch, struct range, n);
        size_t n_ranges = 0;
        for (size_t j = i; j < n; j++)
            if (stance_at(m, addrs[j]) == stance)
                ranges[n_ranges++] = (struct range){addrs[j], addrs[j]};
        struct prefix_set local = prefix_set_of(m->arena, ranges, n_ranges);
        rest = prefix_set_subtract(m->arena, rest, local);
        add_stance(m, rules, m->stances[stance].first_class, local, slot++);
    }
    add_stance(m, rules, m->stances[draft->stance].first_class, rest, 1);
}

static str class_id(const struct maker *m, str segment, struct map *counts)
{
    /* Names that differ in case only would be one file on Windows; long ones that begin alike are
     * one when they are cut. Either way they share the count. */
    str head = str_head(segment, LIMIT_ID_NAME_BYTES);
    uint64_t *count = map_put(counts, m->scratch, str_lower(m->scratch, head), 0, NULL);
    return str_format(m->arena, "%.*s-%" PRIu64, STR_ARG(head), ++*count);
}

static struct host_class *make_classes(const struct maker *m, size_t *n)
{
    struct draft *drafts = find_drafts(m, n);
    struct host_class *classes = arena_array(m->arena, struct host_class, *n + 1);
    struct map counts = {0};
    for (size_t i = 0; i < *n; i++) {
        struct rules rules = {0};
        if (drafts[i].machine)
            add_machine(m, &rules, &drafts[i]);
        else
            add_stance(m, &rules, m->stances[drafts[i].stance].first_class, m->everywhere, 1);
        str segment = m->resolved->policy->segments[drafts[i].segment].name;
        classes[i] = (struct host_class){
            .id = class_id(m, segment, &counts),
            .members = drafts[i].members,
            .machine_names = drafts[i].names,
            .n_machine_names = drafts[i].n_names,
            .rules = {rules.items, rules.n},
        };
    }
    return classes;
}

/* ---- Borders ------------------------------------------------------------------------------------
 */

struct crossing {
    struct class_set inside, outside;
    struct prefix_set outside_addresses;
    str name;
};

/* Inside classes with equal rows towards the outside share a pair of rules. */
static void add_crossing(const struct maker *m, struct rules *rules, const struct crossing *x,
                         const struct service_intent *s, enum direction direction)
{
    const struct intent_rows *rows = direction == DIRECTION_INBOUND ? &s->inbound : &s->outbound;
    uint32_t n = atoms_count(m->atoms);
    struct class_sets kept;
    class_sets_begin(&kept, m->scratch);
    uint32_t *row_of = arena_array(m->scratch, uint32_t, n);
    uint32_t *group = arena_array(m->scratch, uint32_t, n);
    for (uint32_t c = class_set_next(x->inside, 0); c != UINT32_MAX;
         c = class_set_next(x->inside, c + 1)) {
        struct class_set row = class_set_intersect(
            m->scratch, class_sets_get(&rows->sets, rows->either[c]), x->outside);
        row_of[c] = class_sets_intern(&kept, m->scratch, row);
    }
    struct cell cell = {s->service, direction, ALL_PROFILES, {0}, 0, x->name};
    for (uint32_t k = 0; k < kept.n; k++) {
        size_t n_group = 0;
        for (uint32_t c = class_set_next(x->inside, 0); c != UINT32_MAX;
             c = class_set_next(x->inside, c + 1))
            if (row_of[c] == k) group[n_group++] = c;
        if (!n_group) continue;
        struct addr own = atoms_witness(m->atoms, group[0]);
        cell.local = atoms_addresses(m->atoms, class_set_of(m->scratch, group, n_group), m->arena);
        cell.slot++;
        struct prefix_set passing = atoms_addresses(m->atoms, class_sets_get(&kept, k), m->arena);
        const struct prefix_set remotes[] = {
            [ACTION_ALLOW] = passing,
            [ACTION_ALLOW_IF_SECURE] = {0},
            [ACTION_BLOCK] = prefix_set_subtract(m->arena, x->outside_addresses, passing),
        };
        str plain = approved_by(m, own, s->service, direction, true);
        str secure = approved_by(m, own, s->service, direction, false);
        const str why[] = {
            [ACTION_ALLOW] = str_format(m->arena, "%.*s%s%.*s", STR_ARG(plain),
                                        plain.len && secure.len ? "; " : "", STR_ARG(secure)),
            [ACTION_ALLOW_IF_SECURE] = {0},
            [ACTION_BLOCK] = str_format(m->arena, "%.*s: no entry allows these across the border",
                                        STR_ARG(m->resolved->policy->source)),
        };
        add_actions(m, rules, &cell, remotes, why);
    }
}

static struct border_rules *make_borders(const struct maker *m)
{
    const struct resolved *r = m->resolved;
    struct border_rules *borders = arena_array(m->arena, struct border_rules, r->n_borders + 1);
    /* A router never forwards a local address, so a border says nothing of them. */
    struct prefix_set routed = prefix_set_subtract(m->arena, m->peers, r->places.local);
    for (size_t i = 0; i < r->n_borders; i++) {
        struct rules rules = {0};
        struct prefix_set inside = prefix_set_intersect(m->arena, r->borders[i].inside, routed);
        struct prefix_set outside = prefix_set_subtract(m->arena, routed, r->borders[i].inside);
        struct crossing x = {
            atoms_classes(m->atoms, inside, m->scratch),
            atoms_classes(m->atoms, outside, m->scratch),
            outside,
            r->borders[i].name,
        };
        for (size_t s = 0; s < m->n_services; s++) {
            add_crossing(m, &rules, &x, &m->services[s], DIRECTION_OUTBOUND);
            add_crossing(m, &rules, &x, &m->services[s], DIRECTION_INBOUND);
        }
        borders[i] = (struct border_rules){
            &r->borders[i], {rules.items, rules.n}
        };
    }
    return borders;
}

struct bundles bundle_make(const struct resolved *resolved, struct prefix_set peers, str name,
                           struct arena *arena, struct arena scratch)
{
    struct prefix_set *sets = NULL;
    size_t n = 0, room = 0;
    decision_sets(resolved, &scratch, &sets, &n, &room);
    arena_grow(&scratch, sets, n, room);
    sets[n++] = peers;
    /* The decision lives in scratch: it gets its own piece, so that it can hand out memory too. */
    struct arena inner = arena_open("bundle", 0, NULL);
    const struct atoms *atoms = atoms_build(sets, n, &inner, scratch);
    const struct decision *decision = decision_build(resolved, atoms, &inner, scratch);
    const struct policy *policy = resolved->policy;
    struct maker m = {
        .resolved = resolved,
        .decision = decision,
        .atoms = atoms,
        .peers = peers,
        .everywhere = prefix_set_of(arena, &addr_all, 1),
        .name = name,
        .safe_name = safe_name(arena, name),
        .service_words = find_service_words(&policy->services, &inner),
        .services = arena_array(&inner, struct service_intent, policy->services.n + 1),
        .arena = arena,
        .scratch = &inner,
    };
    for (size_t i = 0; i < policy->services.n; i++) {
        if (!policy->governed[i]) continue;
        m.services[m.n_services++] = (struct service_intent){
            (int)i,
            decision_intent_rows(decision, (int)i, DIRECTION_INBOUND, &inner, scratch),
            decision_intent_rows(decision, (int)i, DIRECTION_OUTBOUND, &inner, scratch),
        };
    }
    find_stances(&m);
    struct bundles out = {.resolved = resolved, .n_borders = resolved->n_borders};
    out.classes = make_classes(&m, &out.n_classes);
    out.borders = make_borders(&m);
    arena_close(&inner);
    return out;
}
