/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/enforcement.h"

#include "base/map.h"
#include "rules/verdict.h"

static const struct prefix_set everyone = {&addr_all, 1};

str enforcement_point_text(enum enforcement_point point)
{
    static const str texts[] = {
#define X(name, text) {text, sizeof(text) - 1},
        ENFORCEMENT_POINTS(X)
#undef X
    };
    assert((size_t)point < COUNT_OF(texts));
    return texts[point];
}

bool enforcement_own_is_client(enum enforcement_point point)
{
    return point == ENFORCEMENT_OUTBOUND || point == ENFORCEMENT_BORDER_OUT;
}

int enforcement_service(const struct policy *policy, enum transport transport, uint16_t port)
{
    int plain = service_by_port(policy->services, transport, port);
    if (plain != SERVICE_NONE) return policy->governed[plain] ? plain : SERVICE_NONE;
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

/* ---- Cells in the making ------------------------------------------------------------------------
 */

/* Classes of equal answers, joined before they become addresses. */
struct gathering {
    struct gathered {
        uint32_t *classes;
        size_t n, room;
        uint64_t answer[3]; /* what the answer is made of; its meaning is the gatherer's */
    } * items;
    size_t n, room;
    struct map known; /* answer → item */
    struct arena *arena;
};

static void gather(struct gathering *g, uint32_t class_id, const uint64_t answer[3])
{
    str key = {(const char *)answer, 3 * sizeof *answer};
    bool fresh = false;
    uint64_t at = *map_put(&g->known, g->arena, key, g->n, &fresh);
    if (fresh) {
        arena_grow(g->arena, g->items, g->n, g->room);
        g->items[g->n++] = (struct gathered){
            .answer = {answer[0], answer[1], answer[2]}
        };
    }
    struct gathered *item = &g->items[at];
    arena_grow(g->arena, item->classes, item->n, item->room);
    item->classes[item->n++] = class_id;
}

static struct prefix_set gathered_addresses(const struct decision *d, const struct gathered *item,
                                            struct arena *arena, struct arena scratch)
{
    struct class_set classes = class_set_of(&scratch, item->classes, item->n);
    return atoms_addresses(decision_atoms(d), classes, arena);
}

struct cells_making {
    struct enforcement_cell *items;
    size_t n, room;
    struct arena *arena;
};

static void add_cell(struct cells_making *cells, struct enforcement_cell cell)
{
    arena_grow(cells->arena, cells->items, cells->n, cells->room);
    cells->items[cells->n++] = cell;
}

static struct enforcement_cells cells_of(const struct cells_making *cells)
{
    return (struct enforcement_cells){cells->items, cells->n};
}

/* ---- Policies -----------------------------------------------------------------------------------
 */

/* What the sets of a gathered answer are in addresses: many cells share their peers. */
struct peers_cache {
    const struct decision *decision;
    struct map known;
    struct prefix_set *sets;
    size_t n, room;
    struct arena *arena;
};

static struct prefix_set peers_of(struct peers_cache *cache, uint64_t kind, uint64_t number,
                                  struct class_set classes)
{
    uint64_t key[2] = {kind, number};
    bool fresh = false;
    uint64_t at = *map_put(&cache->known, cache->arena, (str){(const char *)key, sizeof key},
                           cache->n, &fresh);
    if (fresh) {
        arena_grow(cache->arena, cache->sets, cache->n, cache->room);
        cache->sets[cache->n++] =
            atoms_addresses(decision_atoms(cache->decision), classes, cache->arena);
    }
    return cache->sets[at];
}

/* Every client passes: an ungoverned service. */
static struct enforcement_cells all_pass(struct arena *arena)
{
    struct cells_making cells = {.arena = arena};
    add_cell(&cells, (struct enforcement_cell){everyone, everyone, {0}});
    return cells_of(&cells);
}

static struct enforcement_cells path_cells(const struct decision *d,
                                           const struct enforcement_question *q, int service,
                                           struct arena *arena, struct arena scratch)
{
    struct cells_making cells = {.arena = arena};
    struct gathering g = {.arena = &scratch};
    uint32_t n = atoms_count(decision_atoms(d));
    for (uint32_t server = 0; server < n; server++) {
        uint64_t answer[3] = {decision_row(d, service, q->profile, SIDE_COUNT, q->secured, server),
                              0, 0};
        gather(&g, server, answer);
    }
    for (size_t i = 0; i < g.n; i++) {
        struct arena inner = scratch;
        struct class_set passing = decision_row_classes(d, (uint32_t)g.items[i].answer[0], &inner);
        struct prefix_set passes = atoms_addresses(decision_atoms(d), passing, arena);
        add_cell(&cells,
                 (struct enforcement_cell){gathered_addresses(d, &g.items[i], arena, inner), passes,
                                           prefix_set_subtract(arena, everyone, passes)});
    }
    return cells_of(&cells);
}

/* Rows of intent, by own class: who is approved, out of `within`. */
static struct enforcement_cells intent_cells(const struct decision *d, int service,
                                             enum direction direction, bool secured,
                                             const struct border *border, struct arena *arena,
                                             struct arena scratch)
{
    struct cells_making cells = {.arena = arena};
    struct prefix_set peers = everyone, own = everyone;
    if (border) {
        own = border->inside;
        peers = prefix_set_subtract(arena, everyone, border->inside);
    }
    struct intent_rows rows = decision_intent_rows(d, service, direction, arena, scratch);
    struct class_set inside = atoms_classes(decision_atoms(d), own, arena);
    struct peers_cache cache = {.decision = d, .arena = arena};
    struct gathering g = {.arena = &scratch};
    for (uint32_t c = class_set_next(inside, 0); c != UINT32_MAX;
         c = class_set_next(inside, c + 1)) {
        uint64_t answer[3] = {secured ? rows.either[c] : rows.allow[c], 0, 0};
        gather(&g, c, answer);
    }
    for (size_t i = 0; i < g.n; i++) {
        struct class_set row = class_sets_get(&rows.sets, (uint32_t)g.items[i].answer[0]);
        struct prefix_set passes = peers_of(&cache, 0, g.items[i].answer[0], row);
        if (border) passes = prefix_set_intersect(arena, passes, peers);
        struct arena inner = scratch;
        add_cell(&cells,
                 (struct enforcement_cell){gathered_addresses(d, &g.items[i], arena, inner), passes,
                                           prefix_set_subtract(arena, peers, passes)});
    }
    return cells_of(&cells);
}

/* What a machine's own mode makes of its row of intent. Where the mode is off, or nothing enforces,
 * there is no cell. */
static struct enforcement_cells host_cells(const struct decision *d,
                                           const struct enforcement_question *q, int service,
                                           struct arena *arena, struct arena scratch)
{
    enum direction direction =
        q->point == ENFORCEMENT_OUTBOUND ? DIRECTION_OUTBOUND : DIRECTION_INBOUND;
    struct cells_making cells = {.arena = arena};
    struct intent_rows rows = decision_intent_rows(d, service, direction, arena, scratch);
    struct peers_cache cache = {.decision = d, .arena = arena};
    struct gathering g = {.arena = &scratch};
    uint32_t n = atoms_count(decision_atoms(d));
    for (uint32_t c = 0; c < n; c++) {
        enum profile_mode mode = decision_mode(d, c, q->profile);
        if (mode == MODE_UNSET || mode == MODE_OFF || decision_is_local(d, c)) continue;
        bool by_intent =
            mode == MODE_ENFORCE || (mode == MODE_BLOCK_INBOUND && direction == DIRECTION_OUTBOUND);
        uint64_t row = q->secured ? rows.either[c] : rows.allow[c];
        uint64_t answer[3] = {by_intent ? row : UINT32_MAX, 0, 0};
        gather(&g, c, answer);
    }
    for (size_t i = 0; i < g.n; i++) {
        uint64_t number = g.items[i].answer[0];
        struct prefix_set passes = {0};
        if (number != UINT32_MAX)
            passes = peers_of(&cache, 0, number, class_sets_get(&rows.sets, (uint32_t)number));
        struct arena inner = scratch;
        add_cell(&cells,
                 (struct enforcement_cell){gathered_addresses(d, &g.items[i], arena, inner), passes,
                                           prefix_set_subtract(arena, everyone, passes)});
    }
    return cells_of(&cells);
}

static const struct border *border_by_name(const struct resolved *resolved, str name)
{
    for (size_t i = 0; i < resolved->n_borders; i++)
        if (str_equal(resolved->borders[i].name, name)) return &resolved->borders[i];
    return NULL;
}

static struct enforcement_cells ask_policy(const struct decision *d,
                                           const struct enforcement_question *q,
                                           struct arena *arena, struct arena scratch)
{
    const struct resolved *resolved = decision_resolved(d);
    int service = enforcement_service(resolved->policy, q->transport, q->port);
    bool ungoverned = service == SERVICE_NONE;
    const struct border *border = NULL;
    switch (q->point) {
    case ENFORCEMENT_PATH:
        return ungoverned ? all_pass(arena) : path_cells(d, q, service, arena, scratch);
    case ENFORCEMENT_INTENT:
        if (ungoverned) return all_pass(arena);
        return intent_cells(d, service, DIRECTION_INBOUND, q->secured, NULL, arena, scratch);
    case ENFORCEMENT_OUTBOUND:
    case ENFORCEMENT_INBOUND:
        if (ungoverned) break;
        return host_cells(d, q, service, arena, scratch);
    case ENFORCEMENT_BORDER_OUT:
    case ENFORCEMENT_BORDER_IN:
        border = border_by_name(resolved, q->border);
        if (ungoverned || !border) break;
        /* A border cannot see IPsec: allow-if-secure passes it. */
        return intent_cells(
            d, service, q->point == ENFORCEMENT_BORDER_OUT ? DIRECTION_OUTBOUND : DIRECTION_INBOUND,
            true, border, arena, scratch);
    case ENFORCEMENT_POINT_COUNT:
        break;
    }
    return (struct enforcement_cells){0};
}

/* ---- Artefacts ----------------------------------------------------------------------------------
 */

static void ask_rules(const struct enforcement_rules *e, const struct enforcement_question *q,
                      struct cells_making *cells, struct arena scratch)
{
    bool at_border = q->point == ENFORCEMENT_BORDER_OUT || q->point == ENFORCEMENT_BORDER_IN;
    if (at_border != (e->border.len != 0) || !str_equal(e->border, q->border)) return;
    struct verdict_question vq = {
        .direction = enforcement_own_is_client(q->point) ? DIRECTION_OUTBOUND : DIRECTION_INBOUND,
        .transport = q->transport,
        .port = q->port,
        .profile = q->profile,
        .secured = q->secured,
        .any_profile = at_border,
    };
    size_t n;
    struct prefix_set *parts = verdict_parts(e->rules, e->own, cells->arena, scratch, &n);
    for (size_t i = 0; i < n; i++) {
        struct verdict_sets v = verdict_at(e->rules, e->engine, parts[i].ranges[0].first, &vq, NULL,
                                           cells->arena, scratch);
        add_cell(cells, (struct enforcement_cell){parts[i], v.passes, v.blocks});
    }
}

struct enforcement_cells enforcement_ask(const struct enforcement *enforcement,
                                         const struct enforcement_question *question,
                                         struct arena *arena, struct arena scratch)
{
    if (enforcement->decision) return ask_policy(enforcement->decision, question, arena, scratch);
    assert(question->point != ENFORCEMENT_PATH && question->point != ENFORCEMENT_INTENT &&
           "artefacts are asked side by side");
    struct cells_making cells = {.arena = arena};
    for (size_t i = 0; i < enforcement->n_rules; i++)
        ask_rules(&enforcement->rules[i], question, &cells, scratch);
    return cells_of(&cells);
}
