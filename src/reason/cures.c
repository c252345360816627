/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs that need an entry are a graph of clients and servers, one per service; an entry that opens
 * nothing else is a complete part of it. Fewest such parts is NP-hard (biclique cover), so stars
 * are taken greedily, the largest first, and stars with the same leaves become one entry.
 */
#include "reason/cures.h"

#include "base/hash.h"
#include "base/map.h"

/* What one broken flow needs; several may be true. */
struct needs {
    bool hardening, deployment;
    bool perimeter; /* an entry of the edge */
    bool entry;
    bool client_mode, server_mode; /* a mode blocks, whatever the intent */
    bool outbound;                 /* perimeter: the server is at the internet */
    int service;
};

static bool mode_is(const struct resolved *resolved, struct addr a, enum profile profile,
                    enum profile_mode mode)
{
    return prefix_set_contains(resolved->modes[profile][mode], a);
}

static struct needs needs_of(const struct simulation *simulation, const struct simulated_flow *flow)
{
    const struct era *era = simulate_era(simulation, flow);
    const struct resolved *resolved = era->resolved;
    struct flow_question q = simulate_ask(simulation, flow);
    struct needs needs = {.hardening = flow->why == SIMULATE_WHY_HARDENING};
    struct flow_answer answer = decision_ask(era->decision, &q);
    needs.service = answer.service;
    if (needs.hardening) return needs;
    needs.deployment = answer.passes;
    if (needs.deployment) return needs;
    bool client_out = prefix_set_contains(resolved->places.internet, q.client);
    bool server_out = prefix_set_contains(resolved->places.internet, q.server);
    bool blocked = answer.intent == INTENT_BLOCK;
    needs.perimeter = blocked && client_out != server_out;
    needs.outbound = server_out;
    needs.entry = blocked && !needs.perimeter;
    needs.client_mode = mode_is(resolved, q.client, q.profile, MODE_BLOCK_ALL);
    needs.server_mode = mode_is(resolved, q.server, q.profile, MODE_BLOCK_ALL) ||
                        mode_is(resolved, q.server, q.profile, MODE_BLOCK_INBOUND);
    return needs;
}

/* ---- Counting what an entry opens ---------------------------------------------------------------
 */

static uint64_t add(uint64_t a, uint64_t b)
{
    return a >= CURES_MANY - (b < CURES_MANY ? b : CURES_MANY) ? CURES_MANY : a + b;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    return b && a > CURES_MANY / b ? CURES_MANY : a * b;
}

static bool speaks_of(const struct resolved_entry *entry, int service)
{
    if (entry->secure != SECURE_NONE) return false;
    for (size_t i = 0; i < entry->entry->n_services; i++)
        if (entry->entry->services[i] == (size_t)service) return true;
    return false;
}

static bool names_server(const struct resolved_entry *entry, struct addr server)
{
    return prefix_set_contains(entry->to, server) && !prefix_set_contains(entry->except_to, server);
}

/* Clients in `among` that the policy allows to reach a server (none of it at the internet). */
static struct prefix_set allowed_clients(const struct resolved *resolved, int service,
                                         struct addr server, struct prefix_set among,
                                         struct arena *arena)
{
    struct prefix_set out = {0};
    for (size_t i = 0; i < resolved->n_entries; i++) {
        const struct resolved_entry *entry = &resolved->entries[i];
        if (!speaks_of(entry, service) || !names_server(entry, server)) continue;
        if (!prefix_set_overlaps(entry->from, among)) continue;
        struct prefix_set from = prefix_set_subtract(arena, entry->from, entry->except_from);
        out = prefix_set_union(arena, out, prefix_set_intersect(arena, from, among));
    }
    return out;
}

static int addr_order(const void *left, const void *right)
{
    const struct addr *a = left, *b = right;
    return addr_compare(*a, *b);
}

/* Where what entries say of servers may change: the first address of each stretch. */
struct cuts {
    struct addr *items;
    size_t n, room;
};

static void cut_at(struct cuts *cuts, struct prefix_set set, struct arena *arena)
{
    for (size_t i = 0; i < set.n; i++) {
        arena_grow(arena, cuts->items, cuts->n, cuts->room);
        cuts->items[cuts->n++] = set.ranges[i].first;
        if (addr_equal(set.ranges[i].last, addr_all.last)) continue;
        arena_grow(arena, cuts->items, cuts->n, cuts->room);
        cuts->items[cuts->n++] = addr_next(set.ranges[i].last);
    }
}

static struct cuts cuts_of(const struct resolved *resolved, int service, struct prefix_set from,
                           struct prefix_set to, struct arena *arena)
{
    struct cuts cuts = {0};
    cut_at(&cuts, to, arena);
    for (size_t i = 0; i < resolved->n_entries; i++) {
        const struct resolved_entry *entry = &resolved->entries[i];
        if (!speaks_of(entry, service) || !prefix_set_overlaps(entry->from, from)) continue;
        if (!prefix_set_overlaps(entry->to, to)) continue;
        cut_at(&cuts, prefix_set_intersect(arena, entry->to, to), arena);
        cut_at(&cuts, prefix_set_intersect(arena, entry->except_to, to), arena);
    }
    qsort(cuts.items, cuts.n, sizeof *cuts.items, addr_order);
    return cuts;
}

/* Pairs of `from` × `to` that are not allowed yet. */
static uint64_t pairs_opened(const struct resolved *resolved, int service, struct prefix_set from,
                             struct prefix_set to, struct arena scratch)
{
    struct cuts cuts = cuts_of(resolved, service, from, to, &scratch);
    uint64_t sum = 0;
    for (size_t i = 0; i < cuts.n; i++) {
        struct arena inner = scratch;
        struct addr first = cuts.items[i];
        if (i && addr_equal(first, cuts.items[i - 1])) continue;
        if (!prefix_set_contains(to, first)) continue;
        size_t next = i + 1;
        while (next < cuts.n && addr_equal(cuts.items[next], first))
            next++;
        struct range stretch = {first,
                                next < cuts.n ? addr_previous(cuts.items[next]) : addr_all.last};
        struct prefix_set servers =
            prefix_set_intersect(&inner, to, (struct prefix_set){&stretch, 1});
        struct prefix_set fresh = prefix_set_subtract(
            &inner, from, allowed_clients(resolved, service, first, from, &inner));
        uint64_t pairs = times(prefix_set_size(servers), prefix_set_size(fresh));
        uint64_t itself = prefix_set_size(prefix_set_intersect(&inner, servers, fresh));
        sum = add(sum, pairs < CURES_MANY && pairs >= itself ? pairs - itself : pairs);
    }
    return sum;
}

/* Of what is in the set, sorted addresses. */
static size_t count_in(const struct addr *sorted, size_t n, struct prefix_set set)
{
    size_t sum = 0;
    for (size_t i = 0; i < set.n; i++) {
        size_t ends[2] = {0, 0};
        for (size_t k = 0; k < 2; k++) { /* those before the range; those up to its end */
            size_t low = 0, high = n;
            while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order =
                    addr_compare(sorted[middle], k ? set.ranges[i].last : set.ranges[i].first);
                if (k ? order <= 0 : order < 0)
                    low = middle + 1;
                else
                    high = middle;
            }
            ends[k] = low;
        }
        sum += ends[1] - ends[0];
    }
    return sum;
}

/* ---- Which pairs were seen ----------------------------------------------------------------------
 */

struct seen_flow {
    uint32_t client; /* an end */
    int service;
};

/* Flows by their server. */
struct seen {
    const struct replay *replay;
    size_t *first;           /* per end, and one more */
    struct seen_flow *flows; /* in the order of the matrix, so equal clients are together */
    struct addr *known;      /* ends that exist, sorted */
    size_t n_known;
};

static struct seen seen_of(const struct replay *replay, struct service_table services,
                           struct arena *arena)
{
    struct seen seen = {
        .replay = replay,
        .first = arena_array(arena, size_t, replay->n_ends + 2),
        .flows = arena_array(arena, struct seen_flow, replay->matrix->n_flows + 1),
        .known = arena_array(arena, struct addr, replay->n_ends + 1),
    };
    for (size_t i = 0; i < replay->n_ends; i++)
        if (replay->ends[i].is_known) seen.known[seen.n_known++] = replay->ends[i].addr;
    if (seen.n_known) qsort(seen.known, seen.n_known, sizeof *seen.known, addr_order);
    size_t *at = arena_array(arena, size_t, replay->n_ends + 1);
    for (size_t i = 0; i < replay->matrix->n_flows; i++)
        if (replay->flows[i].server != REPLAY_NO_END) seen.first[replay->flows[i].server + 1]++;
    for (size_t i = 0; i < replay->n_ends; i++) {
        seen.first[i + 1] += seen.first[i];
        at[i] = seen.first[i];
    }
    for (size_t i = 0; i < replay->matrix->n_flows; i++) {
        const struct matrix_flow *flow = &replay->matrix->flows[i];
        if (replay->flows[i].server == REPLAY_NO_END) continue;
        seen.flows[at[replay->flows[i].server]++] = (struct seen_flow){
            replay->flows[i].client, service_by_port(services, flow->transport, flow->port)};
    }
    return seen;
}

/* Pairs that are not allowed yet: those that were seen with the service, and all those of machines
 * that are known. */
static struct opened pairs_seen(const struct resolved *resolved, const struct seen *seen,
                                int service, struct prefix_set from, struct prefix_set to,
                                uint64_t *known, struct arena scratch)
{
    const struct replay *replay = seen->replay;
    struct opened n = {0};
    bool *is_from = arena_array(&scratch, bool, replay->n_ends + 1);
    struct addr *there = arena_array(&scratch, struct addr, seen->n_known + 1);
    size_t n_there = 0;
    *known = 0;
    for (size_t i = 0; i < replay->n_ends; i++)
        is_from[i] = prefix_set_contains(from, replay->ends[i].addr);
    for (size_t i = 0; i < seen->n_known; i++)
        if (prefix_set_contains(from, seen->known[i])) there[n_there++] = seen->known[i];
    for (size_t end = 0; end < replay->n_ends; end++) {
        struct addr server = replay->ends[end].addr;
        if (!prefix_set_contains(to, server)) continue;
        struct arena inner = scratch;
        struct prefix_set allowed = allowed_clients(resolved, service, server, from, &inner);
        uint32_t last = REPLAY_NO_END;
        if (replay->ends[end].is_known)
            *known += n_there - count_in(there, n_there, allowed) -
                      (is_from[end] && !prefix_set_contains(allowed, server));
        for (size_t i = seen->first[end]; i < seen->first[end + 1]; i++) {
            uint32_t client = seen->flows[i].client;
            if (client == last || client == REPLAY_NO_END || client == end) continue;
            if (!is_from[client] || seen->flows[i].service != service) continue;
            if (prefix_set_contains(allowed, replay->ends[client].addr)) continue;
            last = client;
            n.pairs++;
            n.known += replay->ends[end].is_known && replay->ends[client].is_known;
        }
    }
    return n;
}

/* ---- Words --------------------------------------------------------------------------------------
 */

static void put_addr(struct buf *out, struct addr a)
{
    char text[ADDR_TEXT];
    buf_format(out, "\"%.*s\"", STR_ARG(addr_text(text, a)));
}

/* One address stands alone, several in a list. */
static void put_addrs(struct buf *out, const struct addr *addrs, size_t n)
{
    if (n != 1) buf_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i) buf_str(out, S(", "));
        put_addr(out, addrs[i]);
    }
    if (n != 1) buf_char(out, ']');
}

/* What `secure: none` an entry must say for its flows to pass as they do today. */
static str plain_word(const struct policy *policy)
{
    return policy->strategy == STRATEGY_SECURE_BYPASS ? S(", secure: none") : S("");
}

static str mode_text(const struct resolved *resolved, struct addr a, enum profile profile,
                     struct arena *arena)
{
    const struct policy *policy = resolved->policy;
    str name = profile_text(profile);
    for (size_t i = 0; i < policy->n_groups; i++)
        if (policy->groups[i].profiles[profile] != MODE_UNSET &&
            prefix_set_contains(resolved->groups[i], a))
            return str_format(arena, "groups: %.*s: {profiles: {%.*s: enforce}}",
                              STR_ARG(policy->groups[i].name), STR_ARG(name));
    char text[ADDR_TEXT];
    return str_format(arena, "groups: keep-%.*s: {hosts: [\"%.*s\"], profiles: {%.*s: enforce}}",
                      STR_ARG(name), STR_ARG(addr_text(text, a)), STR_ARG(name));
}

/* What turning a mode to `enforce` opens for one machine: all that the policy intends for it. */
static struct opened mode_opens(const struct simulation *simulation,
                                const struct resolved *resolved, int service, struct addr a,
                                bool is_server, struct arena scratch)
{
    const struct replay *replay = simulate_replay(simulation);
    struct opened opens = {0};
    struct prefix_set out = {0};
    if (is_server)
        out = allowed_clients(resolved, service, a, resolved->builtins[BUILTIN_ANY], &scratch);
    for (size_t i = 0; i < resolved->n_entries && !is_server; i++) {
        const struct resolved_entry *entry = &resolved->entries[i];
        if (!speaks_of(entry, service) || !prefix_set_contains(entry->from, a) ||
            prefix_set_contains(entry->except_from, a))
            continue;
        out = prefix_set_union(&scratch, out,
                               prefix_set_subtract(&scratch, entry->to, entry->except_to));
    }
    uint64_t size = prefix_set_size(out);
    opens.pairs = size < CURES_MANY ? size : CURES_MANY;
    for (size_t i = 0; i < replay->n_ends; i++)
        opens.known += replay->ends[i].is_known && !addr_equal(replay->ends[i].addr, a) &&
                       prefix_set_contains(out, replay->ends[i].addr);
    return opens;
}

static void add_opened(struct opened *sum, struct opened more)
{
    sum->pairs = add(sum->pairs, more.pairs);
    sum->known += more.known;
}

static void and_then(struct buf *out, str text)
{
    if (out->len) buf_str(out, S("; and "));
    buf_str(out, text);
}

str cures_of_flow(const struct simulation *simulation, const struct simulated_flow *flow,
                  struct arena *arena, struct opened *opens)
{
    struct needs needs = needs_of(simulation, flow);
    const struct resolved *resolved = simulate_era(simulation, flow)->resolved;
    const struct policy *policy = resolved->policy;
    struct flow_question q = simulate_ask(simulation, flow);
    struct buf out = buf_in(arena);
    str service = policy->services.services[needs.service].name;
    *opens = (struct opened){0};
    if (needs.hardening)
        return str_format(arena, "hardening: {baseline: %.*s, mode: audit}",
                          STR_ARG(policy->hardening_baseline));
    if (needs.deployment) return S("none: it passes once its machines have this policy");
    if (needs.perimeter || needs.entry) {
        buf_str(&out, needs.perimeter ? S("perimeter: - {direction: ") : S("allow: - {"));
        if (needs.perimeter) buf_str(&out, needs.outbound ? S("outbound, ") : S("inbound, "));
        buf_str(&out, S("from: "));
        put_addr(&out, q.client);
        buf_str(&out, S(", to: "));
        put_addr(&out, q.server);
        buf_format(&out, ", service: %.*s%.*s}", STR_ARG(service),
                   STR_ARG(needs.perimeter ? S("") : plain_word(policy)));
    }
    if (needs.client_mode) {
        and_then(&out, mode_text(resolved, q.client, q.profile, arena));
        add_opened(opens, mode_opens(simulation, resolved, needs.service, q.client, false, *arena));
    }
    if (needs.server_mode) {
        and_then(&out, mode_text(resolved, q.server, q.profile, arena));
        add_opened(opens, mode_opens(simulation, resolved, needs.service, q.server, true, *arena));
    }
    return buf_text(&out);
}

/* ---- Fewest entries -----------------------------------------------------------------------------
 */

/* A pair that needs an entry. */
struct pair {
    uint32_t client, server; /* ends */
    int service;
    uint32_t star; /* the one that took it */
};

/* All pairs of one client, or of one server, for one service. */
struct star {
    uint32_t centre;
    int service;
    bool at_server; /* the centre is the server */
    size_t *pairs;  /* indices */
    size_t n, room;
    size_t live;  /* not yet taken by another */
    size_t taken; /* by this one */
};

enum { NO_STAR = UINT32_MAX };

struct graph {
    const struct replay *replay;
    struct pair *pairs;
    size_t n, room;
    struct star *stars;
    size_t n_stars, star_room;
    struct map by_pair, by_star;
    struct arena *arena;
};

static struct star *star_of(struct graph *g, uint32_t centre, int service, bool at_server)
{
    const uint32_t key[3] = {centre, (uint32_t)service, at_server};
    bool fresh = false;
    size_t at = (size_t)*map_put(&g->by_star, g->arena, (str){(const char *)key, sizeof key},
                                 g->n_stars, &fresh);
    if (fresh) {
        arena_grow(g->arena, g->stars, g->n_stars, g->star_room);
        g->stars[g->n_stars++] =
            (struct star){.centre = centre, .service = service, .at_server = at_server};
    }
    return &g->stars[at];
}

static void star_add(struct graph *g, struct star *star, size_t pair)
{
    arena_grow(g->arena, star->pairs, star->n, star->room);
    star->pairs[star->n++] = pair;
    star->live++;
}

static size_t add_pair(struct graph *g, uint32_t client, uint32_t server, int service)
{
    const uint32_t key[3] = {client, server, (uint32_t)service};
    bool fresh = false;
    size_t at =
        (size_t)*map_put(&g->by_pair, g->arena, (str){(const char *)key, sizeof key}, g->n, &fresh);
    if (!fresh) return at;
    arena_grow(g->arena, g->pairs, g->n, g->room);
    g->pairs[g->n++] = (struct pair){client, server, service, NO_STAR};
    star_add(g, star_of(g, server, service, true), at);
    star_add(g, star_of(g, client, service, false), at);
    return at;
}

/* Stars by how many pairs they still have: the largest is taken, its pairs leave the others. */
static void take_stars(struct graph *g)
{
    size_t most = 0;
    for (size_t i = 0; i < g->n_stars; i++)
        if (g->stars[i].live > most) most = g->stars[i].live;
    uint32_t *head = arena_array(g->arena, uint32_t, most + 1);
    uint32_t *next = arena_array(g->arena, uint32_t, g->n_stars + 1);
    for (size_t i = 0; i <= most; i++)
        head[i] = NO_STAR;
    for (size_t i = g->n_stars; i > 0; i--) {
        const struct star *star = &g->stars[i - 1];
        next[i - 1] = head[star->live];
        head[star->live] = (uint32_t)(i - 1);
    }
    for (size_t size = most; size > 0;) {
        uint32_t at = head[size];
        if (at == NO_STAR) {
            size--;
            continue;
        }
        struct star *star = &g->stars[at];
        head[size] = next[at];
        if (star->live < size) { /* it has shrunk since it was put here */
            next[at] = head[star->live];
            head[star->live] = at;
            continue;
        }
        for (size_t i = 0; i < star->n; i++) {
            struct pair *pair = &g->pairs[star->pairs[i]];
            if (pair->star != NO_STAR) continue;
            pair->star = at;
            star->taken++;
            star_of(g, pair->server, pair->service, true)->live--;
            star_of(g, pair->client, pair->service, false)->live--;
        }
    }
}

/* ---- Entries ------------------------------------------------------------------------------------
 */

/* An entry in the making: every client with every server, for every service. */
struct draft {
    struct addr *clients, *servers;
    size_t n_clients, n_servers;
    size_t room; /* of the centres, while it grows */
    size_t *services;
    size_t n_services;
    uint64_t keeps, people;
    struct map users;
    bool fails; /* some flow of it does not pass with it */
};

struct drafting {
    const struct simulation *simulation;
    const struct simulated_ring *ring;
    struct graph graph;
    struct draft *drafts;
    size_t n, room;
    uint32_t *draft_of; /* per star */
    struct map by_leaves;
    struct arena *arena, *scratch;
};

static uint32_t leaf_of(const struct star *star, const struct pair *pair)
{
    return star->at_server ? pair->client : pair->server;
}

static struct addr *leaves_of(struct drafting *d, const struct star *star, uint32_t at)
{
    struct addr *out = arena_array(d->scratch, struct addr, star->taken + 1);
    size_t n = 0;
    for (size_t i = 0; i < star->n; i++) {
        const struct pair *pair = &d->graph.pairs[star->pairs[i]];
        if (pair->star == at) out[n++] = d->graph.replay->ends[leaf_of(star, pair)].addr;
    }
    qsort(out, n, sizeof *out, addr_order);
    return out;
}

static bool lists(const size_t *services, size_t n, size_t service)
{
    for (size_t i = 0; i < n; i++)
        if (services[i] == service) return true;
    return false;
}

static void add_centre(struct draft *draft, struct addr centre, bool is_server, struct arena *arena)
{
    if (is_server) {
        arena_grow(arena, draft->servers, draft->n_servers, draft->room);
        draft->servers[draft->n_servers++] = centre;
    } else {
        arena_grow(arena, draft->clients, draft->n_clients, draft->room);
        draft->clients[draft->n_clients++] = centre;
    }
}

/* Stars around different centres, with the same leaves and service, are one entry; so is a star
 * that is there once more for another service. */
static void draft_stars(struct drafting *d)
{
    struct graph *g = &d->graph;
    d->draft_of = arena_array(d->scratch, uint32_t, g->n_stars + 1);
    for (size_t i = 0; i < g->n_stars; i++) {
        struct star *star = &g->stars[i];
        if (!star->taken) continue;
        struct addr *leaves = leaves_of(d, star, (uint32_t)i);
        bool at_server = star->at_server;
        struct buf key = buf_in(d->scratch);
        buf_format(&key, "%d %d ", at_server, star->service);
        buf_str(&key, (str){(const char *)leaves, star->taken * sizeof *leaves});
        bool fresh = false;
        uint64_t *at = map_put(&d->by_leaves, d->scratch, buf_text(&key), d->n, &fresh);
        d->draft_of[i] = (uint32_t)*at;
        struct addr centre = g->replay->ends[star->centre].addr;
        if (fresh) {
            arena_grow(d->scratch, d->drafts, d->n, d->room);
            struct draft *draft = &d->drafts[d->n++];
            *draft = (struct draft){.services = arena_array(d->scratch, size_t, 1)};
            draft->services[0] = (size_t)star->service;
            draft->n_services = 1;
            *(at_server ? &draft->clients : &draft->servers) = leaves;
            *(at_server ? &draft->n_clients : &draft->n_servers) = star->taken;
        }
        add_centre(&d->drafts[d->draft_of[i]], centre, at_server, d->scratch);
    }
    for (size_t i = 0; i < d->n; i++) {
        struct draft *draft = &d->drafts[i];
        qsort(draft->clients, draft->n_clients, sizeof *draft->clients, addr_order);
        qsort(draft->servers, draft->n_servers, sizeof *draft->servers, addr_order);
    }
}

static bool same_ends(const struct draft *a, const struct draft *b)
{
    return a->n_clients == b->n_clients && a->n_servers == b->n_servers &&
           !memcmp(a->clients, b->clients, a->n_clients * sizeof *a->clients) &&
           !memcmp(a->servers, b->servers, a->n_servers * sizeof *a->servers);
}

static uint64_t ends_hash(const struct draft *draft)
{
    uint64_t clients =
        hash_bytes((bytes){(const void *)draft->clients, draft->n_clients * sizeof(struct addr)});
    return hash_join(clients, hash_bytes((bytes){(const void *)draft->servers,
                                                 draft->n_servers * sizeof(struct addr)}));
}

/* The same ends for several services: one entry. */
static void join_services(struct drafting *d)
{
    struct map by_ends = {0};
    uint32_t *moved = arena_array(d->scratch, uint32_t, d->n + 1);
    size_t kept = 0;
    for (size_t i = 0; i < d->n; i++) {
        struct draft *draft = &d->drafts[i];
        uint64_t hash = ends_hash(draft);
        bool fresh = false;
        size_t at = (size_t)*map_put(&by_ends, d->scratch, (str){(const char *)&hash, sizeof hash},
                                     kept, &fresh);
        if (!fresh && same_ends(&d->drafts[at], draft)) {
            struct draft *into = &d->drafts[at];
            size_t *services = arena_array(d->scratch, size_t, into->n_services + 1);
            memcpy(services, into->services, into->n_services * sizeof *services);
            if (!lists(services, into->n_services, draft->services[0]))
                services[into->n_services++] = draft->services[0];
            into->services = services;
            moved[i] = (uint32_t)at;
            continue;
        }
        moved[i] = (uint32_t)kept;
        d->drafts[kept++] = *draft;
    }
    d->n = kept;
    for (size_t i = 0; i < d->graph.n_stars; i++)
        if (d->graph.stars[i].taken) d->draft_of[i] = moved[d->draft_of[i]];
}

/* ---- Trying -------------------------------------------------------------------------------------
 */

static struct prefix_set set_of_addrs(const struct addr *addrs, size_t n, struct arena *arena)
{
    struct range *ranges = arena_array(arena, struct range, n + 1);
    for (size_t i = 0; i < n; i++)
        ranges[i] = (struct range){addrs[i], addrs[i]};
    return prefix_set_of(arena, ranges, n);
}

/* The cures that are no allow entries. */
struct other_cures {
    struct resolved_perimeter *perimeter;
    size_t n_perimeter, perimeter_room;
    struct range *modes[PROFILE_COUNT]; /* machines whose profile becomes `enforce` */
    size_t n_modes[PROFILE_COUNT], mode_room[PROFILE_COUNT];
};

static void add_other(struct other_cures *other, const struct flow_question *q, struct needs needs,
                      struct arena *arena)
{
    const struct addr ends[2] = {q->client, q->server};
    const bool wanted[2] = {needs.client_mode, needs.server_mode};
    for (size_t i = 0; i < 2; i++) {
        if (!wanted[i]) continue;
        size_t p = q->profile;
        arena_grow(arena, other->modes[p], other->n_modes[p], other->mode_room[p]);
        other->modes[p][other->n_modes[p]++] = (struct range){ends[i], ends[i]};
    }
    if (!needs.perimeter) return;
    struct perimeter_entry *entry = arena_new(arena, struct perimeter_entry);
    size_t *service = arena_new(arena, size_t);
    *service = (size_t)needs.service;
    *entry = (struct perimeter_entry){
        .direction = needs.outbound ? DIRECTION_OUTBOUND : DIRECTION_INBOUND,
        .services = service,
        .n_services = 1,
    };
    arena_grow(arena, other->perimeter, other->n_perimeter, other->perimeter_room);
    other->perimeter[other->n_perimeter++] = (struct resolved_perimeter){
        .entry = entry,
        .direction = entry->direction,
        .from = set_of_addrs(&q->client, 1, arena),
        .to = set_of_addrs(&q->server, 1, arena),
    };
}

static void cure_modes(struct resolved *cured, const struct other_cures *other, struct arena *arena)
{
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        if (!other->n_modes[p]) continue;
        struct prefix_set moved = prefix_set_intersect(
            arena, cured->enforcing, prefix_set_of(arena, other->modes[p], other->n_modes[p]));
        for (size_t m = 0; m <= MODE_OFF; m++)
            cured->modes[p][m] = prefix_set_subtract(arena, cured->modes[p][m], moved);
        cured->modes[p][MODE_ENFORCE] =
            prefix_set_union(arena, cured->modes[p][MODE_ENFORCE], moved);
    }
}

static const struct resolved_entry *cured_entries(const struct drafting *d,
                                                  const struct resolved *resolved, size_t *n,
                                                  struct arena *arena)
{
    struct resolved_entry *entries =
        arena_array(arena, struct resolved_entry, resolved->n_entries + d->n + 1);
    struct entry *written = arena_array(arena, struct entry, d->n + 1);
    if (resolved->n_entries)
        memcpy(entries, resolved->entries, resolved->n_entries * sizeof *entries);
    *n = resolved->n_entries;
    for (size_t i = 0; i < d->n; i++) {
        const struct draft *draft = &d->drafts[i];
        written[i] = (struct entry){.services = draft->services, .n_services = draft->n_services};
        entries[(*n)++] = (struct resolved_entry){
            .entry = &written[i],
            .from = set_of_addrs(draft->clients, draft->n_clients, arena),
            .to = set_of_addrs(draft->servers, draft->n_servers, arena),
            .secure = SECURE_NONE,
        };
    }
    return entries;
}

/* The policy of an era with all cures. */
static const struct decision *cured_decision(const struct drafting *d, const struct era *era,
                                             const struct other_cures *other, struct arena *arena,
                                             struct arena scratch)
{
    struct resolved *cured = arena_new(arena, struct resolved);
    *cured = *era->resolved;
    cured->entries = cured_entries(d, era->resolved, &cured->n_entries, arena);
    cure_modes(cured, other, arena);
    struct resolved_perimeter *edge =
        arena_array(arena, struct resolved_perimeter, cured->n_perimeter + other->n_perimeter + 1);
    if (cured->n_perimeter) memcpy(edge, cured->perimeter, cured->n_perimeter * sizeof *edge);
    for (size_t i = 0; i < other->n_perimeter; i++)
        edge[cured->n_perimeter++] = other->perimeter[i];
    cured->perimeter = edge;
    return decision_build(cured, NULL, arena, scratch);
}

/* ---- The whole ----------------------------------------------------------------------------------
 */

enum { LISTED = 8 };         /* addresses that a wider entry may list at one end */
enum { WIDER_COUNTED = 20 }; /* entries whose wider forms are counted: those of most people */

/* What wider entries stand for. */
struct widening {
    str from_text, to_text;
    struct prefix_set from, to;
};

/* A `never` assertion of one of the services would be touched. */
static bool is_forbidden(const struct resolved *resolved, const struct draft *draft,
                         struct prefix_set from, struct prefix_set to, struct arena scratch)
{
    const struct policy *policy = resolved->policy;
    for (size_t i = 0; i < policy->n_assertions; i++) {
        const struct assertion *a = &policy->assertions[i];
        bool listed = false;
        for (size_t j = 0; j < a->n_services; j++)
            listed |= lists(draft->services, draft->n_services, a->services[j]);
        if (a->kind != ASSERT_NEVER || !listed) continue;
        struct prefix_set never_from = prefix_set_subtract(
            &scratch, resolve_selectors(resolved, &a->from, RESOLVE_CLIENT, &scratch),
            resolve_selectors(resolved, &a->except_from, RESOLVE_CLIENT, &scratch));
        struct prefix_set never_to = prefix_set_subtract(
            &scratch, resolve_selectors(resolved, &a->to, RESOLVE_SERVER, &scratch),
            resolve_selectors(resolved, &a->except_to, RESOLVE_SERVER, &scratch));
        if (prefix_set_overlaps(never_from, from) && prefix_set_overlaps(never_to, to)) return true;
    }
    return false;
}

/* The segment in which all of them live; SIZE_MAX = not one. */
static size_t common_segment(const struct resolved *resolved, const struct addr *addrs, size_t n)
{
    size_t segment = n ? resolve_segment(resolved, addrs[0]) : SIZE_MAX;
    for (size_t i = 1; i < n && segment != SIZE_MAX; i++)
        if (resolve_segment(resolved, addrs[i]) != segment) segment = SIZE_MAX;
    return segment;
}

/* The smallest group that has all of them; SIZE_MAX = none. */
static size_t common_group(const struct resolved *resolved, const struct addr *addrs, size_t n)
{
    size_t best = SIZE_MAX;
    uint64_t best_size = 0;
    for (size_t i = 0; i < resolved->policy->n_groups; i++) {
        bool all = n > 0;
        for (size_t j = 0; j < n && all; j++)
            all = prefix_set_contains(resolved->groups[i], addrs[j]);
        uint64_t size = prefix_set_size(resolved->groups[i]);
        if (!all || (best != SIZE_MAX && size >= best_size)) continue;
        best = i;
        best_size = size;
    }
    return best;
}

struct named_end {
    str text;
    struct prefix_set set;
};

static str list_text(const struct addr *addrs, size_t n, struct arena *arena)
{
    struct buf out = buf_in(arena);
    put_addrs(&out, addrs, n);
    return buf_text(&out);
}

/* The ways to say one end: the addresses themselves, the group and the segment that hold them. */
static size_t name_end(const struct resolved *resolved, const struct addr *addrs, size_t n,
                       struct named_end out[3], struct arena *arena)
{
    size_t count = 0, group = common_group(resolved, addrs, n);
    size_t segment = common_segment(resolved, addrs, n);
    out[count++] = (struct named_end){list_text(addrs, n, arena), set_of_addrs(addrs, n, arena)};
    if (group != SIZE_MAX)
        out[count++] =
            (struct named_end){resolved->policy->groups[group].name, resolved->groups[group]};
    if (segment != SIZE_MAX)
        out[count++] = (struct named_end){resolved->policy->segments[segment].name,
                                          resolved->places.segments[segment]};
    return count;
}

static str entry_text(const struct policy *policy, const struct draft *draft, str from, str to,
                      struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_format(&out, "allow: - {from: %.*s, to: %.*s, service: ", STR_ARG(from), STR_ARG(to));
    if (draft->n_services != 1) buf_char(&out, '[');
    for (size_t i = 0; i < draft->n_services; i++) {
        if (i) buf_str(&out, S(", "));
        buf_str(&out, policy->services.services[draft->services[i]].name);
    }
    if (draft->n_services != 1) buf_char(&out, ']');
    buf_format(&out, "%.*s}", STR_ARG(plain_word(policy)));
    return buf_text(&out);
}

static struct opened draft_opens(const struct resolved *resolved, const struct seen *seen,
                                 const struct draft *draft, struct prefix_set from,
                                 struct prefix_set to, struct arena scratch)
{
    struct opened sum = {0};
    for (size_t i = 0; i < draft->n_services; i++) {
        int service = (int)draft->services[i];
        uint64_t known = 0;
        uint64_t fresh = pairs_opened(resolved, service, from, to, scratch);
        struct opened before = pairs_seen(resolved, seen, service, from, to, &known, scratch);
        sum.pairs = add(sum.pairs, fresh >= CURES_MANY ? fresh : fresh - before.pairs);
        sum.known += known - before.known;
    }
    return sum;
}

static int option_order(const void *left, const void *right)
{
    const struct cure_option *a = left, *b = right;
    if (a->opens.pairs != b->opens.pairs) return a->opens.pairs < b->opens.pairs ? -1 : 1;
    if (a->opens.known != b->opens.known) return a->opens.known < b->opens.known ? -1 : 1;
    return str_compare(a->entry, b->entry);
}

static void widen(const struct resolved *resolved, const struct seen *seen,
                  const struct draft *draft, struct cure *out, struct arena *arena,
                  struct arena scratch)
{
    struct named_end from[3], to[3];
    size_t n_from = name_end(resolved, draft->clients, draft->n_clients, from, &scratch);
    size_t n_to = name_end(resolved, draft->servers, draft->n_servers, to, &scratch);
    struct cure_option *options = arena_array(arena, struct cure_option, 9);
    size_t n = 0;
    for (size_t i = 0; i < n_from; i++)
        for (size_t j = 0; j < n_to; j++) {
            if (!i && !j) continue;
            /* Half a wide entry with a long list in it is of no use. */
            if ((!i && draft->n_clients > LISTED) || (!j && draft->n_servers > LISTED)) continue;
            if (is_forbidden(resolved, draft, from[i].set, to[j].set, scratch)) continue;
            options[n++] = (struct cure_option){
                entry_text(resolved->policy, draft, from[i].text, to[j].text, arena),
                draft_opens(resolved, seen, draft, from[i].set, to[j].set, scratch),
            };
        }
    if (n) qsort(options, n, sizeof *options, option_order);
    out->wider = options;
    out->n_wider = n;
}

static void add_people(struct draft *draft, const struct matrix_flow *flow, struct arena *arena)
{
    draft->keeps++;
    for (size_t i = 0; i < flow->users.n; i++) {
        bool fresh = false;
        map_put(&draft->users, arena, flow->users.items[i], 0, &fresh);
        draft->people += fresh;
    }
}

/* Cures other than allow entries, each text once. */
struct others {
    struct draft *items;
    str *texts;
    struct opened *opens;
    size_t n, room, text_room, opens_room;
    struct map by_text;
};

static struct draft *other_of(struct others *others, str text, struct opened opens,
                              struct arena *arena)
{
    bool fresh = false;
    size_t at = (size_t)*map_put(&others->by_text, arena, text, others->n, &fresh);
    if (!fresh) return &others->items[at];
    size_t n = others->n;
    arena_grow(arena, others->texts, n, others->text_room);
    arena_grow(arena, others->opens, n, others->opens_room);
    arena_grow(arena, others->items, n, others->room);
    others->texts[n] = text;
    others->opens[n] = opens;
    others->items[n] = (struct draft){0};
    others->n++;
    return &others->items[n];
}

/* One broken flow with what it needs. */
struct patient {
    const struct simulated_flow *flow;
    struct needs needs;
    size_t pair; /* needs.entry */
    str text;
    struct opened opens;
};

static bool needs_more(struct needs needs)
{
    return needs.hardening || needs.deployment || needs.perimeter || needs.client_mode ||
           needs.server_mode;
}

static struct patient *examine(struct drafting *d, struct other_cures *other)
{
    const struct simulation *simulation = d->simulation;
    const struct replay *replay = simulate_replay(simulation);
    size_t n = (size_t)d->ring->count[SIMULATE_BROKEN];
    struct patient *patients = arena_array(d->scratch, struct patient, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct patient *p = &patients[i];
        p->flow = &d->ring->flows[i]; /* the gravest come first */
        p->needs = needs_of(simulation, p->flow);
        struct flow_question q = simulate_ask(simulation, p->flow);
        const struct replay_flow *ends = &replay->flows[p->flow->flow - replay->matrix->flows];
        if (p->needs.entry)
            p->pair = add_pair(&d->graph, ends->client, ends->server, p->needs.service);
        add_other(other, &q, p->needs, d->scratch);
        if (needs_more(p->needs)) p->text = cures_of_flow(simulation, p->flow, d->arena, &p->opens);
    }
    return patients;
}

/* With everything in, each flow must pass: secured at the least, if that is its intent. */
static bool is_cured(const struct drafting *d, const struct patient *p,
                     const struct decision *const *cured)
{
    if (p->needs.hardening || p->needs.deployment) return true;
    const struct era *era = simulate_era(d->simulation, p->flow);
    struct flow_question q = simulate_ask(d->simulation, p->flow);
    q.service = p->needs.service;
    struct flow_answer answer = decision_ask(cured[era - simulate_eras(d->simulation)->items], &q);
    return answer.intent == INTENT_ALLOW_IF_SECURE ? answer.passes_secured : answer.passes;
}

struct ranked {
    struct cure cure;
    const struct draft *draft; /* NULL: no allow entry */
};

static struct ranked rank_draft(const struct drafting *d, const struct draft *draft,
                                const struct resolved *resolved)
{
    str from = list_text(draft->clients, draft->n_clients, d->scratch);
    str to = list_text(draft->servers, draft->n_servers, d->scratch);
    struct cure cure = {
        .entry = entry_text(resolved->policy, draft, from, to, d->arena),
        .keeps = draft->keeps,
        .people = draft->people,
        .is_verified = !draft->fails,
    };
    return (struct ranked){cure, draft};
}

static int ranked_order(const void *left, const void *right)
{
    const struct cure *a = &((const struct ranked *)left)->cure;
    const struct cure *b = &((const struct ranked *)right)->cure;
    if (a->people != b->people) return a->people > b->people ? -1 : 1;
    if (a->keeps != b->keeps) return a->keeps > b->keeps ? -1 : 1;
    return str_compare(a->entry, b->entry);
}

static void try_all(struct drafting *d, const struct patient *patients, struct others *others,
                    const struct other_cures *other)
{
    const struct eras *eras = simulate_eras(d->simulation);
    const struct decision **cured = arena_array(d->scratch, const struct decision *, eras->n);
    struct arena inner = arena_open("trying cures", 0, NULL);
    struct arena build = arena_open("trying cures", 0, NULL);
    for (size_t i = 0; i < eras->n; i++)
        cured[i] = cured_decision(d, &eras->items[i], other, &inner, build);
    for (size_t i = 0; i < d->ring->count[SIMULATE_BROKEN]; i++) {
        const struct patient *p = &patients[i];
        bool fine = is_cured(d, p, cured);
        struct draft *draft = needs_more(p->needs)
                                  ? other_of(others, p->text, p->opens, d->scratch)
                                  : &d->drafts[d->draft_of[d->graph.pairs[p->pair].star]];
        add_people(draft, p->flow->flow, d->scratch);
        draft->fails |= !fine;
    }
    arena_close(&build);
    arena_close(&inner);
}

struct cures cures_of_ring(const struct simulation *simulation, const struct simulated_ring *ring,
                           struct arena *arena, struct arena scratch)
{
    const struct replay *replay = simulate_replay(simulation);
    const struct resolved *resolved = simulate_eras(simulation)->items[0].resolved;
    struct drafting d = {
        .simulation = simulation, .ring = ring, .arena = arena, .scratch = &scratch};
    struct other_cures other = {0};
    struct others others = {0};
    if (!ring->count[SIMULATE_BROKEN]) return (struct cures){0};
    d.graph = (struct graph){.replay = replay, .arena = &scratch};
    struct patient *patients = examine(&d, &other);
    take_stars(&d.graph);
    draft_stars(&d);
    join_services(&d);
    try_all(&d, patients, &others, &other);

    struct ranked *ranked = arena_array(&scratch, struct ranked, d.n + others.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < d.n; i++)
        if (d.drafts[i].keeps) /* else its flows need more than an entry, and say so */
            ranked[n++] = rank_draft(&d, &d.drafts[i], resolved);
    for (size_t i = 0; i < others.n; i++)
        ranked[n++] = (struct ranked){
            .cure = {.entry = str_copy(arena, others.texts[i]),
                     .opens = others.opens[i],
                     .keeps = others.items[i].keeps,
                     .people = others.items[i].people,
                     .is_verified = !others.items[i].fails},
        };
    qsort(ranked, n, sizeof *ranked, ranked_order);

    struct cure *items = arena_array(arena, struct cure, n + 1);
    struct seen seen = seen_of(replay, resolved->policy->services, &scratch);
    for (size_t i = 0; i < n; i++) {
        items[i] = ranked[i].cure;
        if (i < WIDER_COUNTED && ranked[i].draft)
            widen(resolved, &seen, ranked[i].draft, &items[i], arena, scratch);
    }
    return (struct cures){items, n};
}
