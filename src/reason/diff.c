/* SPDX-License-Identifier: Apache-2.0 */
/* For each question (point, port, profile, secured or not) both sides give cells; one sweep over
 * the line finds which cells meet, and sets of peers are subtracted once per pair of cells that do.
 * Equal rectangles of several questions are then one difference.
 */
#include "reason/diff.h"

#include "base/map.h"
#include "rules/proof_security.h"

enum { MASK_BITS = PROFILE_COUNT * 2 }; /* a bit per profile and secured or not */

str diff_change_text(enum diff_change change)
{
    static const str texts[] = {
#define X(name, text) {text, sizeof(text) - 1},
        DIFF_CHANGES(X)
#undef X
    };
    assert((size_t)change < COUNT_OF(texts));
    return texts[change];
}

/* A rectangle found by some questions. */
struct found {
    enum diff_change change;
    enum enforcement_point point;
    size_t border; /* index into names */
    struct prefix_set own, peers;
    uint8_t *masks; /* per port: which profiles, secured or not */
};

/* One border under the names that the two sides have for it; empty = that side has none. Both
 * empty: every point that is no border. */
struct border_pair {
    str before, after;
};

struct differ {
    const struct enforcement *before, *after;
    const struct diff_scope *scope;
    struct service_port *ports;
    size_t n_ports;
    struct border_pair *borders;
    size_t n_borders;
    struct prefix_set own, peers;
    struct found *found;
    size_t n_found, room;
    struct map known; /* rectangle → index into found */
    struct arena *arena;
};

/* ---- Ports and borders --------------------------------------------------------------------------
 */

static int cut_order(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

struct cuts {
    uint32_t *items;
    size_t n, room;
    struct arena *arena;
};

static void add_cuts(struct cuts *cuts, uint32_t first, uint32_t last)
{
    arena_grow(cuts->arena, cuts->items, cuts->n, cuts->room);
    cuts->items[cuts->n++] = first;
    arena_grow(cuts->arena, cuts->items, cuts->n, cuts->room);
    cuts->items[cuts->n++] = last + 1;
}

static void cut_enforcement(struct cuts *cuts, const struct enforcement *e,
                            enum transport transport)
{
    for (size_t i = 0; i < e->n_rules; i++)
        for (size_t j = 0; j < e->rules[i].rules.n; j++) {
            const struct rule *rule = &e->rules[i].rules.rules[j];
            if (rule->transport != TRANSPORT_NONE && rule->transport != transport) continue;
            if (!rule->n_ports) add_cuts(cuts, 1, UINT16_MAX);
            for (size_t k = 0; k < rule->n_ports; k++)
                add_cuts(cuts, rule->ports[k].first, rule->ports[k].last);
        }
    if (!e->decision) return;
    const struct policy *policy = decision_resolved(e->decision)->policy;
    for (size_t i = 0; i < policy->services.n; i++) {
        const struct service *s = &policy->services.services[i];
        for (size_t j = 0; j < s->n_ports && policy->governed[i]; j++)
            if (s->ports[j].transport == transport)
                add_cuts(cuts, s->ports[j].first, s->ports[j].last);
    }
}

static bool rules_speak_of(const struct enforcement *e, enum transport transport, uint16_t port)
{
    for (size_t i = 0; i < e->n_rules; i++)
        for (size_t j = 0; j < e->rules[i].rules.n; j++) {
            const struct rule *rule = &e->rules[i].rules.rules[j];
            if (rule->transport != TRANSPORT_NONE && rule->transport != transport) continue;
            if (!rule->n_ports) return true;
            for (size_t k = 0; k < rule->n_ports; k++)
                if (rule->ports[k].first <= port && port <= rule->ports[k].last) return true;
        }
    return false;
}

static bool speaks_of(const struct enforcement *e, enum transport transport, uint16_t port)
{
    if (rules_speak_of(e, transport, port)) return true;
    return e->decision && enforcement_service(decision_resolved(e->decision)->policy, transport,
                                              port) != SERVICE_NONE;
}

/* Ports on which participants negotiate, held against a policy that leaves them alone: who may is
 * asked by the proof, with the rest of connection security (rules/proof_security.h). */
static bool is_negotiation(const struct differ *d, enum transport transport, uint16_t port)
{
    const struct decision *policy = d->before->decision ? d->before->decision : d->after->decision;
    bool known = false;
    if (transport != TRANSPORT_UDP || !d->before->decision == !d->after->decision) return false;
    for (size_t i = 0; i < SECURITY_PORTS; i++)
        known = known || proof_security_ports[i] == port;
    return known &&
           enforcement_service(decision_resolved(policy)->policy, transport, port) == SERVICE_NONE;
}

/* The ports that either side decides, cut where anything changes. */
static void find_ports(struct differ *d)
{
    static const enum transport transports[] = {TRANSPORT_TCP, TRANSPORT_UDP};
    size_t room = 0;
    for (size_t t = 0; t < COUNT_OF(transports); t++) {
        struct cuts cuts = {.arena = d->arena};
        cut_enforcement(&cuts, d->before, transports[t]);
        cut_enforcement(&cuts, d->after, transports[t]);
        if (!cuts.n) continue;
        for (size_t i = 0; i < SECURITY_PORTS && transports[t] == TRANSPORT_UDP; i++)
            add_cuts(&cuts, proof_security_ports[i], proof_security_ports[i]);
        qsort(cuts.items, cuts.n, sizeof *cuts.items, cut_order);
        for (size_t i = 0; i + 1 < cuts.n; i++) {
            if (cuts.items[i] == cuts.items[i + 1]) continue;
            uint16_t first = (uint16_t)cuts.items[i];
            if (!speaks_of(d->before, transports[t], first) &&
                !speaks_of(d->after, transports[t], first))
                continue;
            if (is_negotiation(d, transports[t], first)) continue;
            arena_grow(d->arena, d->ports, d->n_ports, room);
            d->ports[d->n_ports++] = (struct service_port){
                .transport = transports[t],
                .first = first,
                .last = (uint16_t)(cuts.items[i + 1] - 1),
            };
        }
    }
}

struct inside {
    str name;
    struct prefix_set set;
    bool paired;
};

static struct inside *insides_of(const struct enforcement *e, struct arena *arena, size_t *n)
{
    const struct resolved *resolved = e->decision ? decision_resolved(e->decision) : NULL;
    size_t most = (resolved ? resolved->n_borders : 0) + e->n_rules;
    struct inside *list = arena_array(arena, struct inside, most + 1);
    *n = 0;
    for (size_t i = 0; resolved && i < resolved->n_borders; i++)
        list[(*n)++] =
            (struct inside){resolved->borders[i].name, resolved->borders[i].inside, false};
    for (size_t i = 0; i < e->n_rules; i++)
        if (e->rules[i].border.len)
            list[(*n)++] = (struct inside){e->rules[i].border, e->rules[i].own, false};
    return list;
}

/* Borders of one name are one; then those around the same addresses, whatever they are called. */
static struct inside *partner(struct inside *list, size_t n, const struct inside *of, bool by_name)
{
    for (size_t i = 0; i < n; i++) {
        bool same =
            by_name ? str_equal(list[i].name, of->name) : prefix_set_equal(list[i].set, of->set);
        if (!list[i].paired && same) return &list[i];
    }
    return NULL;
}

static void add_pair(struct differ *d, struct inside *before, struct inside *after)
{
    if (before) before->paired = true;
    if (after) after->paired = true;
    d->borders[d->n_borders++] =
        (struct border_pair){before ? before->name : (str){0}, after ? after->name : (str){0}};
}

static void find_borders(struct differ *d)
{
    size_t n_before, n_after;
    struct inside *before = insides_of(d->before, d->arena, &n_before);
    struct inside *after = insides_of(d->after, d->arena, &n_after);
    d->borders = arena_array(d->arena, struct border_pair, n_before + n_after + 1);
    d->borders[d->n_borders++] = (struct border_pair){{0}, {0}};
    for (unsigned pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < n_before; i++) {
            struct inside *other =
                before[i].paired ? NULL : partner(after, n_after, &before[i], pass == 0);
            if (other) add_pair(d, &before[i], other);
        }
    for (size_t i = 0; i < n_before; i++)
        if (!before[i].paired) add_pair(d, &before[i], NULL);
    for (size_t i = 0; i < n_after; i++)
        if (!after[i].paired) add_pair(d, NULL, &after[i]);
}

static str border_name(const struct border_pair *border)
{
    return border->before.len ? border->before : border->after;
}

/* A border that this side does not have decides nothing there. */
static struct enforcement_cells ask_side(const struct enforcement *e, str border, bool at_border,
                                         struct enforcement_question q, struct arena *work,
                                         struct arena scratch)
{
    if (at_border && !border.len) return (struct enforcement_cells){0};
    q.border = border;
    return enforcement_ask(e, &q, work, scratch);
}

/* ---- Which cells meet ---------------------------------------------------------------------------
 */

static const size_t no_cell = SIZE_MAX;

struct owned {
    struct range range;
    size_t cell;
};

struct owned_list {
    struct owned *items;
    size_t n;
};

static int owned_order(const void *left, const void *right)
{
    const struct owned *a = left, *b = right;
    return addr_compare(a->range.first, b->range.first);
}

static struct owned_list owned_of(struct enforcement_cells cells, struct arena *arena)
{
    struct owned_list list = {0};
    for (size_t i = 0; i < cells.n; i++)
        list.n += cells.items[i].own.n;
    list.items = arena_array(arena, struct owned, list.n + 1);
    list.n = 0;
    for (size_t i = 0; i < cells.n; i++)
        for (size_t j = 0; j < cells.items[i].own.n; j++)
            list.items[list.n++] = (struct owned){cells.items[i].own.ranges[j], i};
    qsort(list.items, list.n, sizeof *list.items, owned_order);
    return list;
}

/* Two cells that share own addresses; either may be no cell. */
struct meeting {
    size_t before, after;
    struct range *own;
    size_t n, room;
};

struct meetings {
    struct meeting *items;
    size_t n, room;
    struct map known;
    struct arena *arena;
};

static void meet(struct meetings *m, size_t before, size_t after, struct range own)
{
    if (before == no_cell && after == no_cell) return;
    size_t key[2] = {before, after};
    bool fresh = false;
    uint64_t at = *map_put(&m->known, m->arena, (str){(const char *)key, sizeof key}, m->n, &fresh);
    if (fresh) {
        arena_grow(m->arena, m->items, m->n, m->room);
        m->items[m->n++] = (struct meeting){.before = before, .after = after};
    }
    struct meeting *meeting = &m->items[at];
    arena_grow(m->arena, meeting->own, meeting->n, meeting->room);
    meeting->own[meeting->n++] = own;
}

/* The cell of a list at an address, and where that answer ends. *at only moves forward. */
static size_t cell_at(const struct owned_list *list, size_t *at, struct addr a, struct addr *until)
{
    while (*at < list->n && addr_compare(list->items[*at].range.last, a) < 0)
        (*at)++;
    if (*at == list->n) return no_cell;
    const struct owned *owned = &list->items[*at];
    if (addr_compare(owned->range.first, a) <= 0) {
        if (addr_compare(owned->range.last, *until) < 0) *until = owned->range.last;
        return owned->cell;
    }
    struct addr before = addr_previous(owned->range.first);
    if (addr_compare(before, *until) < 0) *until = before;
    return no_cell;
}

static struct meetings find_meetings(struct enforcement_cells before,
                                     struct enforcement_cells after, struct arena *arena)
{
    struct meetings m = {.arena = arena};
    struct owned_list a = owned_of(before, arena), b = owned_of(after, arena);
    size_t at_a = 0, at_b = 0;
    for (struct addr from = addr_all.first;;) {
        struct addr until = addr_all.last;
        size_t in_a = cell_at(&a, &at_a, from, &until);
        size_t in_b = cell_at(&b, &at_b, from, &until);
        meet(&m, in_a, in_b, (struct range){from, until});
        if (addr_equal(until, addr_all.last)) return m;
        from = addr_next(until);
    }
}

/* ---- One question -------------------------------------------------------------------------------
 */

/* Adds a rectangle to what is found, for this port and profile. */
static void note(struct differ *d, const struct enforcement_question *q, size_t border, size_t port,
                 enum diff_change change, struct prefix_set own, struct prefix_set peers,
                 struct arena scratch)
{
    struct buf key = buf_in(&scratch);
    uint64_t head[4] = {(uint64_t)change, (uint64_t)q->point, border, own.n};
    buf_str(&key, (str){(const char *)head, sizeof head});
    buf_str(&key, (str){(const char *)own.ranges, own.n * sizeof *own.ranges});
    buf_str(&key, (str){(const char *)peers.ranges, peers.n * sizeof *peers.ranges});
    bool fresh = false;
    uint64_t at = *map_put(&d->known, d->arena, buf_text(&key), d->n_found, &fresh);
    if (fresh) {
        arena_grow(d->arena, d->found, d->n_found, d->room);
        d->found[d->n_found++] = (struct found){
            .change = change,
            .point = q->point,
            .border = border,
            .own = prefix_set_of(d->arena, own.ranges, own.n),
            .peers = prefix_set_of(d->arena, peers.ranges, peers.n),
            .masks = arena_array(d->arena, uint8_t, d->n_ports + 1),
        };
    }
    d->found[at].masks[port] |= (uint8_t)(1u << ((unsigned)q->profile * 2 + q->secured));
}

/* What changed for the same peers: their own addresses come together. */
struct changed {
    enum diff_change change;
    struct prefix_set own, peers;
};

struct changed_list {
    struct changed *items;
    size_t n, room;
    struct map known;
    struct arena *arena;
};

static void change(struct changed_list *list, enum diff_change kind, struct prefix_set own,
                   struct prefix_set peers, struct arena scratch)
{
    if (prefix_set_is_empty(own) || prefix_set_is_empty(peers)) return;
    struct buf key = buf_in(&scratch);
    buf_u64(&key, (uint64_t)kind);
    buf_str(&key, (str){(const char *)peers.ranges, peers.n * sizeof *peers.ranges});
    bool fresh = false;
    uint64_t at = *map_put(&list->known, list->arena, buf_text(&key), list->n, &fresh);
    if (fresh) {
        arena_grow(list->arena, list->items, list->n, list->room);
        list->items[list->n++] = (struct changed){kind, own, peers};
        return;
    }
    list->items[at].own = prefix_set_union(list->arena, list->items[at].own, own);
}

static const struct enforcement_cell *cell_or_none(struct enforcement_cells cells, size_t at)
{
    static const struct enforcement_cell none = {0};
    return at == no_cell ? &none : &cells.items[at];
}

static void compare(struct differ *d, const struct enforcement_cell *a,
                    const struct enforcement_cell *b, struct prefix_set own,
                    struct changed_list *list, struct arena scratch)
{
    if (prefix_set_equal(a->passes, b->passes) && prefix_set_equal(a->blocks, b->blocks)) return;
    struct arena *keep = list->arena;
    struct prefix_set opened = prefix_set_subtract(keep, b->passes, a->passes);
    struct prefix_set closed = prefix_set_subtract(keep, b->blocks, a->blocks);
    struct prefix_set decided = prefix_set_union(keep, a->passes, a->blocks);
    struct prefix_set left =
        prefix_set_subtract(keep, prefix_set_subtract(keep, decided, b->passes), b->blocks);
    change(list, DIFF_OPENED, own, prefix_set_intersect(keep, opened, d->peers), scratch);
    change(list, DIFF_CLOSED, own, prefix_set_intersect(keep, closed, d->peers), scratch);
    change(list, DIFF_UNDECIDED, own, prefix_set_intersect(keep, left, d->peers), scratch);
}

static void ask(struct differ *d, struct enforcement_question q, size_t border, size_t port,
                struct arena scratch)
{
    struct arena work = arena_open("difference", 0, NULL);
    const struct border_pair *pair = &d->borders[border];
    bool at_border = border_name(pair).len != 0;
    struct enforcement_cells before =
        ask_side(d->before, pair->before, at_border, q, &work, scratch);
    struct enforcement_cells after = ask_side(d->after, pair->after, at_border, q, &work, scratch);
    struct meetings meetings = find_meetings(before, after, &work);
    struct changed_list list = {.arena = &work};
    for (size_t i = 0; i < meetings.n; i++) {
        const struct meeting *m = &meetings.items[i];
        struct prefix_set own =
            prefix_set_intersect(&work, prefix_set_of(&work, m->own, m->n), d->own);
        compare(d, cell_or_none(before, m->before), cell_or_none(after, m->after), own, &list,
                scratch);
    }
    for (size_t i = 0; i < list.n; i++)
        note(d, &q, border, port, list.items[i].change, list.items[i].own, list.items[i].peers,
             scratch);
    arena_close(&work);
}

static void ask_point(struct differ *d, enum enforcement_point point, struct arena scratch)
{
    bool at_border = point == ENFORCEMENT_BORDER_OUT || point == ENFORCEMENT_BORDER_IN;
    /* These know no profile, and a border no IPsec: asked once. */
    bool once = at_border || point == ENFORCEMENT_INTENT;
    for (size_t b = 0; b < d->n_borders; b++) {
        if (at_border != (border_name(&d->borders[b]).len != 0)) continue;
        str only = d->scope->border;
        bool is_it = str_equal(d->borders[b].before, only) || str_equal(d->borders[b].after, only);
        if (at_border && only.len && !is_it) continue;
        for (size_t port = 0; port < d->n_ports; port++)
            for (unsigned k = 0; k < MASK_BITS; k++) {
                struct enforcement_question q = {
                    .point = point,
                    .transport = d->ports[port].transport,
                    .port = d->ports[port].first,
                    .profile = (enum profile)(k / 2),
                    .secured = k % 2,
                };
                if (!once && !(d->scope->profiles >> q.profile & 1u)) continue;
                if (once && q.profile != PROFILE_DOMAIN) continue;
                if (at_border && q.secured) continue;
                ask(d, q, b, port, scratch);
            }
    }
}

/* ---- Regions ------------------------------------------------------------------------------------
 */

static uint64_t multiply_capped(uint64_t a, uint64_t b)
{
    return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

/* Pairs of different addresses; both sets are of one family. */
static uint64_t count_pairs(struct prefix_set clients, struct prefix_set servers,
                            struct arena scratch)
{
    uint64_t all = multiply_capped(prefix_set_size(clients), prefix_set_size(servers));
    if (all == UINT64_MAX) return all;
    return all - prefix_set_size(prefix_set_intersect(&scratch, clients, servers));
}

static void count_families(struct diff_region *r, struct arena scratch)
{
    r->pairs_v4 = count_pairs(prefix_set_v4(&scratch, r->clients),
                              prefix_set_v4(&scratch, r->servers), scratch);
    r->pairs_v6 = count_pairs(prefix_set_v6(&scratch, r->clients),
                              prefix_set_v6(&scratch, r->servers), scratch);
}

static bool is_one_machine(const struct enforcement *e, struct addr client, struct addr server)
{
    if (!e->decision) return addr_equal(client, server);
    return decision_one_machine(e->decision, client, server);
}

/* Addresses of one machine are not told apart; no machine of a policy has more. */
static size_t most_of_one_machine(const struct enforcement *e)
{
    size_t most = 1;
    const struct resolved *resolved = e->decision ? decision_resolved(e->decision) : NULL;
    for (size_t i = 0; resolved && i < resolved->n_machines; i++)
        most += resolved->machines[i].n_addrs;
    return most;
}

static bool find_witness_of_family(const struct differ *d, struct prefix_set clients,
                                   struct prefix_set servers, size_t most, struct diff_region *out)
{
    size_t tried = 0;
    for (size_t i = 0; i < servers.n; i++)
        for (struct addr s = servers.ranges[i].first; tried < most; s = addr_next(s)) {
            size_t at = 0;
            for (size_t j = 0; j < clients.n && at <= most; j++)
                for (struct addr c = clients.ranges[j].first; at <= most; c = addr_next(c)) {
                    at++;
                    if (!is_one_machine(d->before, c, s) && !is_one_machine(d->after, c, s)) {
                        out->client = c;
                        out->server = s;
                        return true;
                    }
                    if (addr_equal(c, clients.ranges[j].last)) break;
                }
            tried++;
            if (addr_equal(s, servers.ranges[i].last)) break;
        }
    return false;
}

/* The smallest pair that can be a flow. False when every pair is one machine with itself or has an
 * end of each family. */
static bool find_witness(const struct differ *d, struct diff_region *out, struct arena scratch)
{
    size_t most = most_of_one_machine(d->before) + most_of_one_machine(d->after);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct prefix_set c =
            v6 ? prefix_set_v6(&scratch, out->clients) : prefix_set_v4(&scratch, out->clients);
        struct prefix_set s =
            v6 ? prefix_set_v6(&scratch, out->servers) : prefix_set_v4(&scratch, out->servers);
        if (find_witness_of_family(d, c, s, most, out)) return true;
    }
    return false;
}

struct regions {
    struct diff_region *items;
    size_t n, room;
};

/* Every profile that has the same answers is told in one region. */
static void add_regions(struct differ *d, const struct found *f, uint8_t mask,
                        const struct service_port *ports, size_t n_ports, struct regions *out,
                        struct arena scratch)
{
    bool own_is_client = enforcement_own_is_client(f->point);
    bool at_border = f->point == ENFORCEMENT_BORDER_OUT || f->point == ENFORCEMENT_BORDER_IN;
    for (uint8_t secured = 1; secured <= 3; secured++) {
        struct diff_region r = {
            .change = f->change,
            .point = f->point,
            .border = border_name(&d->borders[f->border]),
            .clients = own_is_client ? f->own : f->peers,
            .servers = own_is_client ? f->peers : f->own,
            .ports = ports,
            .n_ports = n_ports,
            .secured = secured,
        };
        for (unsigned p = 0; p < PROFILE_COUNT; p++)
            if ((mask >> (p * 2) & 3u) == secured) r.profiles |= (uint8_t)(1u << p);
        if (!r.profiles) continue;
        if (at_border || f->point == ENFORCEMENT_INTENT) r.profiles = (1u << PROFILE_COUNT) - 1;
        if (at_border) r.secured = DIFF_IN_CLEAR | DIFF_SECURED;
        if (!find_witness(d, &r, scratch)) continue;
        count_families(&r, scratch);
        arena_grow(d->arena, out->items, out->n, out->room);
        out->items[out->n++] = r;
    }
}

static void spread(struct differ *d, const struct found *f, struct regions *out,
                   struct arena scratch)
{
    for (size_t i = 0; i < d->n_ports; i++) {
        bool first = f->masks[i] != 0;
        for (size_t j = 0; j < i && first; j++)
            first = f->masks[j] != f->masks[i];
        if (!first) continue;
        struct service_port *ports = arena_array(d->arena, struct service_port, d->n_ports);
        size_t n = 0;
        for (size_t j = i; j < d->n_ports; j++) {
            if (f->masks[j] != f->masks[i]) continue;
            struct service_port *last = n ? &ports[n - 1] : NULL;
            /* Cuts that changed nothing here close again. */
            if (last && last->transport == d->ports[j].transport &&
                last->last + 1 == d->ports[j].first)
                last->last = d->ports[j].last;
            else
                ports[n++] = d->ports[j];
        }
        add_regions(d, f, f->masks[i], ports, n, out, scratch);
    }
}

static int region_order(const void *left, const void *right)
{
    const struct diff_region *a = left, *b = right;
    int order = (a->change > b->change) - (a->change < b->change);
    if (!order) order = (a->point > b->point) - (a->point < b->point);
    if (!order) order = str_compare(a->border, b->border);
    if (!order) order = addr_compare(a->server, b->server);
    if (!order) order = addr_compare(a->client, b->client);
    if (!order)
        order = (a->ports[0].transport > b->ports[0].transport) -
                (a->ports[0].transport < b->ports[0].transport);
    if (!order)
        order = (a->ports[0].first > b->ports[0].first) - (a->ports[0].first < b->ports[0].first);
    if (!order) order = (b->profiles > a->profiles) - (b->profiles < a->profiles);
    if (!order) order = (b->secured > a->secured) - (b->secured < a->secured);
    return order;
}

struct diff diff_make(const struct enforcement *before, const struct enforcement *after,
                      const struct diff_scope *scope, struct arena *arena, struct arena scratch)
{
    struct differ d = {.before = before, .after = after, .scope = scope, .arena = arena};
    struct prefix_set everyone = {&addr_all, 1}, local = {0};
    const struct enforcement *sides[] = {before, after};
    for (size_t i = 0; i < COUNT_OF(sides); i++)
        if (sides[i]->decision)
            local =
                prefix_set_union(arena, local, decision_resolved(sides[i]->decision)->places.local);
    d.own = prefix_set_subtract(arena, scope->own ? *scope->own : everyone, local);
    d.peers = prefix_set_subtract(arena, scope->peers ? *scope->peers : everyone, local);
    find_ports(&d);
    find_borders(&d);
    for (size_t i = 0; i < scope->n_points; i++)
        ask_point(&d, scope->points[i], scratch);
    struct regions regions = {0};
    for (size_t i = 0; i < d.n_found; i++)
        spread(&d, &d.found[i], &regions, scratch);
    if (regions.n) qsort(regions.items, regions.n, sizeof *regions.items, region_order);
    return (struct diff){regions.items, regions.n};
}
