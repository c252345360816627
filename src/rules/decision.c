/* SPDX-License-Identifier: Apache-2.0 */
/* DESIGN.md 4 and 5. Every entry, exception and perimeter entry becomes two sets of classes (the
 * clients and the servers it speaks of, less its `except`, less the internet where the word is not
 * there); a row of intent is the union of the client sets of the entries that name its server. The
 * rows of the three sides follow from the rows of intent, the modes and the borders. Equal rows
 * have one number.
 */
#include "rules/decision.h"

#include "base/map.h"
#include "rules/universe.h"

static const struct range link_local[] = {
    {{0, UINT64_C(0x0000FFFFA9FE0000)}, {0, UINT64_C(0x0000FFFFA9FEFFFF)}         },
    {{UINT64_C(0xFE80000000000000), 0}, {UINT64_C(0xFEBFFFFFFFFFFFFF), UINT64_MAX}},
};
const struct prefix_set decision_link_local = {link_local, COUNT_OF(link_local)};

enum { ROW_NOT_MADE = UINT32_MAX - 1 };

/* One address of a machine that has several. */
struct own_address {
    struct addr addr;
    size_t machine;
};

/* What an entry says in classes. */
struct spoken {
    struct class_set clients, servers;
    const size_t *services;
    size_t n_services;
    bool plain;
};

/* Row numbers per server class. The border's are the same in every profile and secured or not. */
struct side_rows {
    uint32_t *outbound[PROFILE_COUNT][2], *inbound[PROFILE_COUNT][2], *border;
    uint32_t *path[PROFILE_COUNT][2];
};

struct service_rows {
    struct intent_rows intent; /* by server; allow and either are numbers in decision.sets */
    struct side_rows sides;
};

struct decision {
    const struct resolved *resolved;
    const struct atoms *atoms;
    uint32_t n_classes;
    struct class_sets sets;
    struct class_set local, enforcing, cluster, all;
    struct class_set modes[PROFILE_COUNT][MODE_OFF + 1];
    const struct class_set *borders; /* inside of each border */
    const struct spoken *spoken;
    size_t n_spoken;
    struct service_rows **services; /* per service; NULL = not governed */
    const struct own_address *own;  /* sorted by address, then machine */
    size_t n_own;
};

str side_text(enum side side)
{
    switch (side) {
    case SIDE_CLIENT_OUTBOUND:
        return S("client-outbound");
    case SIDE_BORDER:
        return S("perimeter");
    case SIDE_SERVER_INBOUND:
    case SIDE_COUNT:
        break;
    }
    assert(side == SIDE_SERVER_INBOUND);
    return S("server-inbound");
}

str intent_text(enum intent intent)
{
    static const str texts[] = {
#define X(name, text) {text, sizeof(text) - 1},
        INTENTS(X)
#undef X
    };
    assert((size_t)intent < COUNT_OF(texts));
    return texts[intent];
}

/* ---- The sets of a policy -----------------------------------------------------------------------
 */

void decision_sets(const struct resolved *resolved, struct arena *arena, struct prefix_set **sets,
                   size_t *n, size_t *room)
{
    const struct policy *policy = resolved->policy;
#define ADD(set)                                                                                   \
    do {                                                                                           \
        arena_grow(arena, *sets, *n, *room);                                                       \
        (*sets)[(*n)++] = (set);                                                                   \
    } while (0)
    for (size_t i = 0; i < policy->n_segments; i++)
        ADD(resolved->places.segments[i]);
    ADD(resolved->places.unknown);
    ADD(resolved->places.internet);
    ADD(resolved->places.local);
    ADD(decision_link_local);
    for (size_t i = 0; i < policy->n_groups; i++)
        ADD(resolved->groups[i]);
    ADD(resolved->managed);
    ADD(resolved->enforcing);
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        for (size_t m = MODE_ENFORCE; m <= MODE_OFF; m++)
            ADD(resolved->modes[p][m]);
    for (size_t i = 0; i < resolved->n_entries; i++) {
        ADD(resolved->entries[i].from);
        ADD(resolved->entries[i].to);
        ADD(resolved->entries[i].except_from);
        ADD(resolved->entries[i].except_to);
    }
    for (size_t i = 0; i < resolved->n_perimeter; i++) {
        ADD(resolved->perimeter[i].from);
        ADD(resolved->perimeter[i].to);
    }
    for (size_t i = 0; i < resolved->n_borders; i++)
        ADD(resolved->borders[i].inside);
#undef ADD
}

/* ---- What entries say -------------------------------------------------------------------------
 */

/* Who one end of an entry speaks of: local addresses never, internet ones only by that word. */
static struct class_set end_classes(const struct decision *d, struct class_set internet,
                                    struct prefix_set in, struct prefix_set except,
                                    bool with_internet, struct arena *arena, struct arena scratch)
{
    struct class_set named = atoms_classes(d->atoms, in, &scratch);
    struct class_set excepted = atoms_classes(d->atoms, except, &scratch);
    named = class_set_subtract(&scratch, named, excepted);
    named = class_set_subtract(&scratch, named, d->local);
    if (!with_internet) named = class_set_subtract(&scratch, named, internet);
    return class_set_copy(arena, named);
}

static struct spoken spoken_entry(const struct decision *d, struct class_set internet,
                                  const struct resolved_entry *e, struct arena *arena,
                                  struct arena scratch)
{
    return (struct spoken){
        .clients =
            end_classes(d, internet, e->from, e->except_from, e->from_internet, arena, scratch),
        .servers = end_classes(d, internet, e->to, e->except_to, e->to_internet, arena, scratch),
        .services = e->entry->services,
        .n_services = e->entry->n_services,
        .plain = e->secure == SECURE_NONE || e->secure == SECURE_UNSET,
    };
}

/* Exactly one end of a perimeter entry is at the internet: the server of an outbound one. */
static struct spoken spoken_perimeter(const struct decision *d, struct class_set internet,
                                      const struct resolved_perimeter *p, struct arena *arena,
                                      struct arena scratch)
{
    bool outbound = p->direction == DIRECTION_OUTBOUND;
    struct prefix_set none = {0};
    struct class_set clients = end_classes(d, internet, p->from, none, !outbound, arena, scratch);
    struct class_set servers = end_classes(d, internet, p->to, none, outbound, arena, scratch);
    if (outbound)
        servers = class_set_intersect(arena, servers, internet);
    else
        clients = class_set_intersect(arena, clients, internet);
    return (struct spoken){clients, servers, p->entry->services, p->entry->n_services, true};
}

static bool speaks_of(const struct spoken *s, int service)
{
    for (size_t i = 0; i < s->n_services; i++)
        if (s->services[i] == (size_t)service) return true;
    return false;
}

static void speak(struct decision *d, struct arena *arena, struct arena scratch)
{
    const struct resolved *r = d->resolved;
    struct spoken *spoken = arena_array(arena, struct spoken, r->n_entries + r->n_perimeter + 1);
    struct class_set internet = atoms_classes(d->atoms, r->places.internet, &scratch);
    size_t n = 0;
    for (size_t i = 0; i < r->n_entries; i++)
        spoken[n++] = spoken_entry(d, internet, &r->entries[i], arena, scratch);
    for (size_t i = 0; i < r->n_perimeter; i++)
        spoken[n++] = spoken_perimeter(d, internet, &r->perimeter[i], arena, scratch);
    d->spoken = spoken;
    d->n_spoken = n;
}

/* ---- Rows of intent -----------------------------------------------------------------------------
 */

/* Which entries name each class at one end: those of class c are items[start[c]..start[c + 1]]. */
struct naming {
    uint32_t *start, *items;
};

static struct naming name_classes(const struct decision *d, int service, bool own_is_server,
                                  struct arena *arena)
{
    struct naming naming = {.start = arena_array(arena, uint32_t, (size_t)d->n_classes + 2)};
    /* Two passes: count, then fill; start is shifted by one in between. */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < d->n_spoken; i++) {
            const struct spoken *s = &d->spoken[i];
            if (!speaks_of(s, service)) continue;
            struct class_set own = own_is_server ? s->servers : s->clients;
            for (uint32_t c = class_set_next(own, 0); c != UINT32_MAX;
                 c = class_set_next(own, c + 1)) {
                if (pass) naming.items[naming.start[c + 1]] = (uint32_t)i;
                naming.start[c + (pass ? 1 : 2)]++;
            }
        }
        if (pass) break;
        for (uint32_t c = 0; c < d->n_classes; c++)
            naming.start[c + 2] += naming.start[c + 1];
        naming.items = arena_array(arena, uint32_t, (size_t)naming.start[d->n_classes + 1] + 1);
    }
    return naming;
}

static void make_intent_rows(const struct decision *d, int service, enum direction direction,
                             struct class_sets *sets, struct intent_rows *out, struct arena *arena,
                             struct arena scratch)
{
    bool own_is_server = direction == DIRECTION_INBOUND;
    struct naming naming = name_classes(d, service, own_is_server, &scratch);
    uint32_t *allow = arena_array(arena, uint32_t, d->n_classes);
    uint32_t *either = arena_array(arena, uint32_t, d->n_classes);
    struct map known = {0}; /* list of entries → allow row and either row */
    for (uint32_t c = 0; c < d->n_classes; c++) {
        const uint32_t *items = naming.items + naming.start[c];
        size_t n = naming.start[c + 1] - naming.start[c];
        str key = {(const char *)items, n * sizeof *items};
        bool fresh = false;
        uint64_t *rows = map_put(&known, &scratch, key, 0, &fresh);
        if (fresh) {
            struct arena inner = scratch;
            struct class_set *peers = arena_array(&inner, struct class_set, n);
            size_t n_plain = 0, at = 0;
            for (size_t i = 0; i < n; i++)
                n_plain += d->spoken[items[i]].plain;
            /* Those in clear first. */
            for (size_t i = 0, secure = n_plain; i < n; i++) {
                const struct spoken *s = &d->spoken[items[i]];
                peers[s->plain ? at++ : secure++] = own_is_server ? s->clients : s->servers;
            }
            struct class_set both = class_set_unite_all(&inner, peers, n);
            struct class_set plain = class_set_unite_all(&inner, peers, n_plain);
            *rows = (uint64_t)class_sets_intern(sets, arena, both) << 32;
            *rows |= class_sets_intern(sets, arena, plain);
        }
        allow[c] = (uint32_t)(*rows & UINT32_MAX);
        either[c] = (uint32_t)(*rows >> 32);
    }
    out->allow = allow;
    out->either = either;
}

struct intent_rows decision_intent_rows(const struct decision *decision, int service,
                                        enum direction direction, struct arena *arena,
                                        struct arena scratch)
{
    struct intent_rows rows = {0};
    class_sets_begin(&rows.sets, arena);
    make_intent_rows(decision, service, direction, &rows.sets, &rows, arena, scratch);
    return rows;
}

/* ---- Rows of sides ------------------------------------------------------------------------------
 */

/* Outbound, what a client's own mode makes of a row of intent. `made` remembers the answer. */
static uint32_t outbound_row(struct decision *d, enum profile p, uint32_t intent, uint32_t *made,
                             struct arena *arena, struct arena scratch)
{
    if (made[intent] != ROW_NOT_MADE) return made[intent];
    struct class_set by_intent =
        class_set_unite(&scratch, d->modes[p][MODE_ENFORCE], d->modes[p][MODE_BLOCK_INBOUND]);
    const struct class_set parts[] = {
        class_set_intersect(&scratch, by_intent, class_sets_get(&d->sets, intent)),
        class_set_subtract(&scratch, d->all, d->enforcing),
        d->modes[p][MODE_OFF],
        d->local,
    };
    struct class_set row = class_set_unite_all(&scratch, parts, COUNT_OF(parts));
    return made[intent] = class_sets_intern(&d->sets, arena, row);
}

static uint32_t inbound_row(struct decision *d, enum profile p, uint32_t server, uint32_t intent,
                            uint32_t *made, struct arena *arena, struct arena scratch)
{
    enum profile_mode mode = decision_mode(d, server, p);
    bool free = mode == MODE_UNSET || mode == MODE_OFF || class_set_has(d->local, server);
    if (free) return class_sets_intern(&d->sets, arena, d->all);
    /* Under a mode that blocks, no row of intent matters: the empty one stands for all. */
    if (mode != MODE_ENFORCE) intent = 0;
    if (made[intent] != ROW_NOT_MADE) return made[intent];
    struct class_set row = class_set_unite(&scratch, d->local, class_sets_get(&d->sets, intent));
    return made[intent] = class_sets_intern(&d->sets, arena, row);
}

/* Client classes on the other side of some enforced border. */
static struct class_set crossing(const struct decision *d, uint32_t server, struct arena *arena)
{
    size_t n = d->resolved->n_borders;
    struct class_set *parts = arena_array(arena, struct class_set, n);
    for (size_t i = 0; i < n; i++)
        parts[i] = class_set_has(d->borders[i], server)
                       ? class_set_subtract(arena, d->all, d->borders[i])
                       : d->borders[i];
    return class_set_unite_all(arena, parts, n);
}

/* The row depends only on which borders the server is inside of, and on its row of intent. */
static uint32_t border_row(struct decision *d, uint32_t server, uint32_t either, struct map *known,
                           struct arena *arena, struct arena *scratch)
{
    struct buf key = buf_in(scratch);
    bool local = class_set_has(d->local, server);
    for (size_t i = 0; i < d->resolved->n_borders && !local; i++)
        buf_char(&key, class_set_has(d->borders[i], server) ? '1' : '0');
    buf_u64(&key, either);
    buf_char(&key, local ? 'l' : ' ');
    bool fresh = false;
    uint64_t *row = map_put(known, scratch, buf_text(&key), 0, &fresh);
    if (!fresh) return (uint32_t)*row;

    struct arena inner = *scratch;
    struct class_set cut = local ? (struct class_set){0} : crossing(d, server, &inner);
    cut = class_set_subtract(&inner, cut, class_sets_get(&d->sets, either));
    cut = class_set_subtract(&inner, cut, d->local);
    *row = class_sets_intern(&d->sets, arena, class_set_subtract(&inner, d->all, cut));
    return (uint32_t)*row;
}

/* Who passes all three sides. */
static uint32_t path_row(struct decision *d, const struct side_rows *sides, size_t p, int secured,
                         uint32_t server, struct map *known, struct arena *arena,
                         struct arena *scratch)
{
    uint32_t rows[] = {sides->outbound[p][secured][server], sides->border[server],
                       sides->inbound[p][secured][server]};
    bool fresh = false;
    str key = {(const char *)rows, sizeof rows};
    uint64_t *row = map_put(known, scratch, key, 0, &fresh);
    if (!fresh) return (uint32_t)*row;
    struct arena inner = *scratch;
    struct class_set passing = d->all;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        passing = class_set_intersect(&inner, passing, class_sets_get(&d->sets, rows[i]));
    *row = class_sets_intern(&d->sets, arena, passing);
    return (uint32_t)*row;
}

static void make_side_rows(struct decision *d, struct service_rows *s, struct arena *arena,
                           struct arena scratch)
{
    uint32_t n_intents = d->sets.n;
    uint32_t *made = arena_array(&scratch, uint32_t, (size_t)n_intents + 1);
    uint32_t *made_inbound = arena_array(&scratch, uint32_t, (size_t)n_intents + 1);
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        for (uint32_t i = 0; i < n_intents; i++)
            made[i] = made_inbound[i] = ROW_NOT_MADE;
        for (int secured = 0; secured < 2; secured++) {
            const uint32_t *intent = secured ? s->intent.either : s->intent.allow;
            uint32_t *outbound = arena_array(arena, uint32_t, d->n_classes);
            uint32_t *inbound = arena_array(arena, uint32_t, d->n_classes);
            for (uint32_t c = 0; c < d->n_classes; c++) {
                bool local = class_set_has(d->local, c);
                outbound[c] =
                    local ? class_sets_intern(&d->sets, arena, d->all)
                          : outbound_row(d, (enum profile)p, intent[c], made, arena, scratch);
                inbound[c] =
                    inbound_row(d, (enum profile)p, c, intent[c], made_inbound, arena, scratch);
            }
            s->sides.outbound[p][secured] = outbound;
            s->sides.inbound[p][secured] = inbound;
        }
    }
    s->sides.border = arena_array(arena, uint32_t, d->n_classes);
    struct map known = {0};
    for (uint32_t c = 0; c < d->n_classes; c++)
        s->sides.border[c] = border_row(d, c, s->intent.either[c], &known, arena, &scratch);
    struct map paths = {0};
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        for (int secured = 0; secured < 2; secured++) {
            uint32_t *path = arena_array(arena, uint32_t, d->n_classes);
            for (uint32_t c = 0; c < d->n_classes; c++)
                path[c] = path_row(d, &s->sides, p, secured, c, &paths, arena, &scratch);
            s->sides.path[p][secured] = path;
        }
}

/* ---- Building -----------------------------------------------------------------------------------
 */

static void mark_classes(struct decision *d, struct arena *arena)
{
    const struct resolved *r = d->resolved;
    d->local = atoms_classes(d->atoms, r->places.local, arena);
    d->enforcing = atoms_classes(d->atoms, r->enforcing, arena);
    d->all = class_set_all(arena, d->n_classes);
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        for (size_t m = 0; m <= MODE_OFF; m++)
            d->modes[p][m] = atoms_classes(d->atoms, r->modes[p][m], arena);
    for (size_t i = 0; i < r->policy->n_groups; i++)
        if (r->policy->groups[i].role == ROLE_CLUSTER)
            d->cluster =
                class_set_unite(arena, d->cluster, atoms_classes(d->atoms, r->groups[i], arena));
    struct class_set *borders = arena_array(arena, struct class_set, r->n_borders + 1);
    for (size_t i = 0; i < r->n_borders; i++)
        borders[i] = atoms_classes(d->atoms, r->borders[i].inside, arena);
    d->borders = borders;
}

static int own_order(const void *left, const void *right)
{
    const struct own_address *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    return order ? order : (a->machine > b->machine) - (a->machine < b->machine);
}

static void index_machines(struct decision *d, struct arena *arena)
{
    const struct resolved *r = d->resolved;
    size_t n = 0;
    for (size_t i = 0; i < r->n_machines; i++)
        n += r->machines[i].n_addrs;
    struct own_address *own = arena_array(arena, struct own_address, n + 1);
    n = 0;
    for (size_t i = 0; i < r->n_machines; i++)
        for (size_t j = 0; j < r->machines[i].n_addrs; j++)
            own[n++] = (struct own_address){r->machines[i].addrs[j], i};
    qsort(own, n, sizeof *own, own_order);
    d->own = own;
    d->n_own = n;
}

const struct decision *decision_build(const struct resolved *resolved, const struct atoms *atoms,
                                      struct arena *arena, struct arena scratch)
{
    struct decision *d = arena_new(arena, struct decision);
    d->resolved = resolved;
    d->atoms = atoms;
    if (!atoms) {
        struct prefix_set *sets = NULL;
        size_t n = 0, room = 0;
        struct arena inner = scratch;
        decision_sets(resolved, &inner, &sets, &n, &room);
        /* Artefacts are made of the policy's sets within a universe, a family at a time: with
         * these, a right one is proved on the same atoms. */
        arena_grow(&inner, sets, n, room);
        sets[n++] = universe_peers;
        arena_grow(&inner, sets, n, room);
        sets[n++] = universe_windows;
        arena_grow(&inner, sets, n, room);
        sets[n++] = (struct prefix_set){&addr_all_v4, 1};
        d->atoms = atoms_build(sets, n, arena, inner);
    }
    d->n_classes = atoms_count(d->atoms);
    class_sets_begin(&d->sets, arena);
    mark_classes(d, arena);
    index_machines(d, arena);
    speak(d, arena, scratch);

    const struct policy *policy = resolved->policy;
    d->services = arena_array(arena, struct service_rows *, policy->services.n + 1);
    for (size_t i = 0; i < policy->services.n; i++) {
        if (!policy->governed[i]) continue;
        d->services[i] = arena_new(arena, struct service_rows);
        make_intent_rows(d, (int)i, DIRECTION_INBOUND, &d->sets, &d->services[i]->intent, arena,
                         scratch);
        make_side_rows(d, d->services[i], arena, scratch);
    }
    return d;
}

/* ---- Rows, for others ---------------------------------------------------------------------------
 */

bool decision_governs(const struct decision *decision, int service)
{
    return service != SERVICE_NONE && decision->services[service];
}

const struct atoms *decision_atoms(const struct decision *decision)
{
    return decision->atoms;
}

const struct resolved *decision_resolved(const struct decision *decision)
{
    return decision->resolved;
}

uint32_t decision_row(const struct decision *decision, int service, enum profile profile,
                      enum side side, bool secured, uint32_t server_class)
{
    assert(service >= 0 && decision->services[service] && "only governed services have rows");
    const struct side_rows *sides = &decision->services[service]->sides;
    if (side == SIDE_BORDER) return sides->border[server_class];
    if (side == SIDE_CLIENT_OUTBOUND) return sides->outbound[profile][secured][server_class];
    if (side == SIDE_COUNT) return sides->path[profile][secured][server_class];
    return sides->inbound[profile][secured][server_class];
}

struct class_set decision_row_classes(const struct decision *decision, uint32_t row,
                                      struct arena *arena)
{
    (void)arena;
    return class_sets_get(&decision->sets, row);
}

enum profile_mode decision_mode(const struct decision *decision, uint32_t class_id,
                                enum profile profile)
{
    if (!class_set_has(decision->enforcing, class_id)) return MODE_UNSET;
    for (size_t m = MODE_ENFORCE; m <= MODE_OFF; m++)
        if (class_set_has(decision->modes[profile][m], class_id)) return (enum profile_mode)m;
    return MODE_UNSET;
}

bool decision_is_local(const struct decision *decision, uint32_t class_id)
{
    return class_set_has(decision->local, class_id);
}

bool decision_is_cluster(const struct decision *decision, uint32_t class_id)
{
    return class_set_has(decision->cluster, class_id);
}

/* ---- Asking -------------------------------------------------------------------------------------
 */

static size_t first_own(const struct decision *d, struct addr a)
{
    size_t low = 0, high = d->n_own;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(d->own[middle].addr, a) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool decision_one_machine(const struct decision *d, struct addr a, struct addr b)
{
    if (addr_equal(a, b)) return true;
    size_t start = first_own(d, b);
    for (size_t i = first_own(d, a); i < d->n_own && addr_equal(d->own[i].addr, a); i++)
        for (size_t j = start; j < d->n_own && addr_equal(d->own[j].addr, b); j++)
            if (d->own[i].machine == d->own[j].machine) return true;
    return false;
}

static int question_service(const struct decision *d, const struct flow_question *q)
{
    if (q->service != SERVICE_NONE) return q->service;
    return service_by_port(d->resolved->policy->services, q->transport, q->port);
}

static enum intent intent_of(const struct service_rows *s, const struct decision *d,
                             uint32_t client, uint32_t server)
{
    if (class_set_has(class_sets_get(&d->sets, s->intent.allow[server]), client))
        return INTENT_ALLOW;
    if (class_set_has(class_sets_get(&d->sets, s->intent.either[server]), client))
        return INTENT_ALLOW_IF_SECURE;
    return INTENT_BLOCK;
}

static bool crosses_border(const struct decision *d, uint32_t client, uint32_t server)
{
    for (size_t i = 0; i < d->resolved->n_borders; i++)
        if (class_set_has(d->borders[i], client) != class_set_has(d->borders[i], server))
            return true;
    return false;
}

static struct side_answer ask_side(const struct decision *d, const struct flow_question *q,
                                   int service, enum profile profile, enum side side,
                                   uint32_t client, uint32_t server)
{
    struct side_answer answer = {side, true, true, true};
    if (side != SIDE_BORDER) {
        bool at_client = side == SIDE_CLIENT_OUTBOUND;
        answer.enforces = class_set_has(d->enforcing, at_client ? client : server);
        /* Borders hold in every ring; machines that have not got the policy yet do nothing. */
        if (q->deployed && !prefix_set_contains(*q->deployed, at_client ? q->client : q->server))
            answer.enforces = false;
        if (!answer.enforces) return answer;
    }
    uint32_t clear = decision_row(d, service, profile, side, false, server);
    uint32_t secured = decision_row(d, service, profile, side, true, server);
    answer.passes = class_set_has(class_sets_get(&d->sets, clear), client);
    answer.passes_secured = class_set_has(class_sets_get(&d->sets, secured), client);
    return answer;
}

struct flow_answer decision_ask(const struct decision *decision, const struct flow_question *q)
{
    const struct decision *d = decision;
    uint32_t client = atoms_class(d->atoms, q->client), server = atoms_class(d->atoms, q->server);
    int service = question_service(d, q);
    enum profile profile = q->profile < PROFILE_COUNT ? q->profile : PROFILE_DOMAIN;
    struct flow_answer answer = {.service = service, .passes = true, .passes_secured = true};
    bool local = class_set_has(d->local, client) || class_set_has(d->local, server);
    if (local || decision_one_machine(d, q->client, q->server)) {
        answer.intent = INTENT_LOCAL;
        return answer;
    }
    if (service == SERVICE_NONE || !d->services[service]) {
        answer.intent = INTENT_UNGOVERNED;
        return answer;
    }
    answer.intent = intent_of(d->services[service], d, client, server);
    for (size_t side = 0; side < SIDE_COUNT; side++) {
        if (side == SIDE_BORDER && !crosses_border(d, client, server)) continue;
        struct side_answer s = ask_side(d, q, service, profile, (enum side)side, client, server);
        answer.sides[answer.n_sides++] = s;
        answer.passes = answer.passes && s.passes;
        answer.passes_secured = answer.passes_secured && s.passes_secured;
    }
    return answer;
}
