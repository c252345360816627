/* SPDX-License-Identifier: Apache-2.0 */
/* Two decisions on the same atoms, row by row: rows are compared once per pair of numbers, servers
 * with equal differences are joined.
 */
#include "base/map.h"
#include "rules/decision.h"

/* One map of one of the two: per server class a row. */
struct side_map {
    const struct decision *decision;
    const struct difference_question *question;
    int service;
    struct intent_rows intent; /* when intents are compared */
};

static struct side_map side_map(const struct decision *d, const struct difference_question *q,
                                int service, struct arena *arena, struct arena scratch)
{
    struct side_map map = {.decision = d, .question = q, .service = service};
    if (!decision_governs(d, service)) map.service = SERVICE_NONE;
    if (q->intent && map.service != SERVICE_NONE)
        map.intent = decision_intent_rows(d, map.service, DIRECTION_INBOUND, arena, scratch);
    return map;
}

static uint32_t row_of(const struct side_map *map, uint32_t server)
{
    const struct difference_question *q = map->question;
    if (map->service == SERVICE_NONE) return 0;
    if (q->intent) return (q->secured ? map->intent.either : map->intent.allow)[server];
    return decision_row(map->decision, map->service, q->profile, q->side, q->secured, server);
}

static struct class_set row_classes(const struct side_map *map, uint32_t row, struct arena *arena)
{
    if (map->service == SERVICE_NONE)
        return class_set_all(arena, atoms_count(decision_atoms(map->decision)));
    if (map->question->intent) return class_sets_get(&map->intent.sets, row);
    return decision_row_classes(map->decision, row, arena);
}

/* Regions in the making: which servers have which set of differing clients. */
struct regions {
    struct class_sets sets;
    struct region_server {
        uint32_t clients, server; /* clients: number of a set */
        bool opens;
    } * items;
    size_t n, room;
};

static int region_order(const void *left, const void *right)
{
    const struct region_server *a = left, *b = right;
    if (a->opens != b->opens) return a->opens - b->opens;
    if (a->clients != b->clients) return a->clients < b->clients ? -1 : 1;
    return (a->server > b->server) - (a->server < b->server);
}

static int difference_order(const void *left, const void *right)
{
    const struct difference *a = left, *b = right;
    uint32_t server_a = a->servers.runs[0].first, server_b = b->servers.runs[0].first;
    if (server_a != server_b) return server_a < server_b ? -1 : 1;
    uint32_t client_a = a->clients.runs[0].first, client_b = b->clients.runs[0].first;
    return (client_a > client_b) - (client_a < client_b);
}

static void add(struct regions *regions, uint32_t clients, uint32_t server, bool opens,
                struct arena *scratch)
{
    if (!clients) return;
    arena_grow(scratch, regions->items, regions->n, regions->room);
    regions->items[regions->n++] = (struct region_server){clients, server, opens};
}

static struct differences joined(const struct regions *regions, struct arena *arena,
                                 struct arena scratch)
{
    size_t n = 0;
    struct region_server *items = regions->items;
    if (!regions->n) return (struct differences){0};
    qsort(items, regions->n, sizeof *items, region_order);
    for (size_t i = 0; i < regions->n; i++)
        n += !i || items[i].clients != items[i - 1].clients || items[i].opens != items[i - 1].opens;
    struct difference *out = arena_array(arena, struct difference, n);
    uint32_t *servers = arena_array(&scratch, uint32_t, regions->n);
    n = 0;
    for (size_t i = 0, end = 0; i < regions->n; i = end) {
        for (end = i; end < regions->n && items[end].clients == items[i].clients &&
                      items[end].opens == items[i].opens;
             end++)
            servers[end - i] = items[end].server;
        out[n++] = (struct difference){
            class_set_of(arena, servers, end - i),
            class_set_copy(arena, class_sets_get(&regions->sets, items[i].clients)),
            items[i].opens,
        };
    }
    qsort(out, n, sizeof *out, difference_order);
    return (struct differences){out, n};
}

struct differences decision_differences(const struct decision *a, const struct decision *b,
                                        const struct difference_question *q, struct arena *arena,
                                        struct arena scratch)
{
    const struct atoms *atoms = decision_atoms(a);
    assert(atoms == decision_atoms(b) && "compared decisions share their atoms");
    struct arena work = arena_open("differences", 0, NULL);
    struct side_map of_a = side_map(a, q, q->service_a, &work, scratch);
    struct side_map of_b = side_map(b, q, q->service_b, &work, scratch);
    struct map known = {0}; /* pair of rows → sets closed and opened */
    struct regions regions = {0};
    class_sets_begin(&regions.sets, &work);
    for (uint32_t server = 0; server < atoms_count(atoms); server++) {
        uint32_t rows[] = {row_of(&of_a, server), row_of(&of_b, server)};
        bool fresh = false;
        str key = {(const char *)rows, sizeof rows};
        uint64_t *both = map_put(&known, &work, key, 0, &fresh);
        if (fresh) {
            struct arena inner = scratch;
            struct class_set in_a = row_classes(&of_a, rows[0], &inner);
            struct class_set in_b = row_classes(&of_b, rows[1], &inner);
            struct class_set closed = class_set_subtract(&inner, in_a, in_b);
            struct class_set opened = class_set_subtract(&inner, in_b, in_a);
            *both = (uint64_t)class_sets_intern(&regions.sets, &work, closed) << 32;
            *both |= class_sets_intern(&regions.sets, &work, opened);
        }
        add(&regions, (uint32_t)(*both >> 32), server, false, &work);
        add(&regions, (uint32_t)(*both & UINT32_MAX), server, true, &work);
    }
    struct differences out = joined(&regions, arena, scratch);
    arena_close(&work);
    return out;
}

/* ---- Witnesses ----------------------------------------------------------------------------------
 */

/* The smallest client that is not the server's own machine. An address shares its machine with few
 * others, so that few are looked at. */
static bool smallest_client(const struct decision *a, const struct decision *b,
                            struct prefix_set clients, struct addr server, struct addr *out)
{
    for (size_t i = 0; i < clients.n; i++)
        for (struct addr at = clients.ranges[i].first;; at = addr_next(at)) {
            if (!decision_one_machine(a, at, server) && !decision_one_machine(b, at, server)) {
                *out = at;
                return true;
            }
            if (addr_equal(at, clients.ranges[i].last)) break;
        }
    return false;
}

bool decision_difference_witness(const struct decision *a, const struct decision *b,
                                 const struct difference *difference, struct addr *client,
                                 struct addr *server, struct arena scratch)
{
    const struct atoms *atoms = decision_atoms(a);
    struct prefix_set clients = atoms_addresses(atoms, difference->clients, &scratch);
    struct prefix_set servers = atoms_addresses(atoms, difference->servers, &scratch);
    for (size_t i = 0; i < servers.n; i++)
        for (struct addr at = servers.ranges[i].first;; at = addr_next(at)) {
            /* Only one machine's addresses can be both all clients and the servers tried in vain:
             * this ends after as many as a machine has. */
            if (smallest_client(a, b, clients, at, client)) {
                *server = at;
                return true;
            }
            if (addr_equal(at, servers.ranges[i].last)) break;
        }
    return false;
}

bool decision_differs(const struct decision *a, const struct decision *b,
                      const struct difference_question *q, struct addr *client, struct addr *server,
                      bool *opens, struct arena scratch)
{
    struct arena work = arena_open("difference", 0, NULL);
    struct differences all = decision_differences(a, b, q, &work, scratch);
    bool found = false;
    for (size_t i = 0; i < all.n; i++) {
        struct addr from, to;
        if (!decision_difference_witness(a, b, &all.items[i], &from, &to, scratch)) continue;
        int order = found ? addr_compare(to, *server) : -1;
        if (!order) order = addr_compare(from, *client);
        if (order >= 0) continue;
        *client = from;
        *server = to;
        *opens = all.items[i].opens;
        found = true;
    }
    arena_close(&work);
    return found;
}
