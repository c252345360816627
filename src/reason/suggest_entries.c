/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/suggest_entries.h"

#include "base/map.h"

/* ---- What stands behind a line ------------------------------------------------------------------
 */

struct name_list {
    str *items;
    size_t n, room;
};

static void add_name(struct name_list *list, struct arena *arena, str name)
{
    if (!name.len) return;
    arena_grow(arena, list->items, list->n, list->room);
    list->items[list->n++] = name;
}

static int name_order(const void *left, const void *right)
{
    const str *a = left, *b = right;
    int folded = str_compare_nocase(*a, *b);
    return folded ? folded : str_compare(*a, *b);
}

static struct names distinct(struct name_list *list)
{
    size_t n = 0;
    if (list->n) qsort(list->items, list->n, sizeof *list->items, name_order);
    for (size_t i = 0; i < list->n; i++)
        if (!n || !str_equal_nocase(list->items[n - 1], list->items[i]))
            list->items[n++] = list->items[i];
    return (struct names){list->items, n};
}

static str last_part(str path)
{
    str head, part = path;
    while (str_contains(part, S("\\")))
        (void)str_cut(part, '\\', &head, &part);
    return part;
}

static bool is_among(struct names names, str name)
{
    for (size_t i = 0; i < names.n; i++)
        if (str_equal_nocase(names.items[i], name)) return true;
    return false;
}

static str end_label(const struct suggest_rules *rules, size_t machine, struct endpoint end,
                     struct arena *arena)
{
    enum { WIDEST = 64 };
    if (machine != SIZE_MAX) return suggest_evidence_label(&rules->machines->items[machine], arena);
    return suggest_evidence_plain(arena, view_end_text(arena, end), WIDEST);
}

struct suggest_summary suggest_entries_sum(const struct suggest_rules *rules,
                                           const struct suggest_flow *flows, const size_t *which,
                                           size_t n, struct arena *arena)
{
    struct suggest_summary sum = {0};
    struct name_list users = {0}, shares = {0}, clients = {0}, servers = {0};
    for (size_t i = 0; i < n; i++) {
        const struct suggest_flow *f = &flows[which ? which[i] : i];
        const struct matrix_flow *flow = f->flow;
        sum.flows++;
        sum.connections += flow->connections;
        for (size_t j = 0; j < flow->users.n; j++)
            add_name(&users, arena, flow->users.items[j]);
        for (size_t j = 0; j < flow->shares.n; j++) {
            str share = last_part(flow->shares.items[j]);
            if (is_among(flow->shares_refused, flow->shares.items[j])) continue;
            if (roles_share_kind(share) != SHARE_KIND_IPC) add_name(&shares, arena, share);
        }
        add_name(&clients, arena, end_label(rules, f->client, flow->client, arena));
        add_name(&servers, arena, end_label(rules, f->server, flow->server, arena));
        if (flow->is_timeless) continue;
        if (!sum.timed || flow->first_us < sum.first_us) sum.first_us = flow->first_us;
        if (!sum.timed || flow->last_us > sum.last_us) sum.last_us = flow->last_us;
        sum.timed = true;
    }
    sum.users = distinct(&users);
    sum.shares = distinct(&shares);
    sum.clients = distinct(&clients);
    sum.servers = distinct(&servers);
    sum.n_clients = sum.clients.n;
    sum.n_servers = sum.servers.n;
    return sum;
}

/* ---- Vertices -----------------------------------------------------------------------------------
 * A machine in one segment: what moves between two is two, since a name of one of them does not
 * speak for the other.
 */

struct vertex {
    uint32_t machine;
    size_t segment;
    uint32_t n_addresses;
};

struct seat {
    uint32_t vertex;
    bool as_client, as_server; /* in a kept flow */
};

struct graph {
    const struct suggest_rules *rules;
    struct vertex *vertices;
    size_t n;
    struct seat *places; /* parallel to machines->addresses */
    struct mine_pair *pairs;
    size_t *of_flow; /* per pair: the flow */
    size_t n_pairs;
    struct arena *arena;
};

/* Strengths of an entry; each may stand in entries of its own only. */
enum strength_bucket { BUCKET_NEW, BUCKET_CLEAR, BUCKET_SECURE, BUCKET_COUNT };

static size_t address_index(const struct suggest_machines *all, struct addr a, size_t machine)
{
    size_t low = 0, high = all->n_addresses;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct suggest_address *one = &all->addresses[middle];
        int order = addr_compare(one->addr, a);
        if (order < 0 || (order == 0 && one->machine < machine))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void find_vertices(struct graph *g)
{
    const struct suggest_machines *all = g->rules->machines;
    struct map keys = {0};
    g->places = arena_array(g->arena, struct seat, all->n_addresses + 1);
    g->vertices = arena_array(g->arena, struct vertex, all->n_addresses + 1);
    for (size_t i = 0; i < all->n_addresses; i++) {
        const struct suggest_address *one = &all->addresses[i];
        uint64_t key[2] = {one->machine, resolve_segment(g->rules->resolved, one->addr)};
        bool fresh = false;
        uint64_t at = *map_put(&keys, g->arena, (str){(const char *)key, sizeof key}, g->n, &fresh);
        if (fresh) g->vertices[g->n++] = (struct vertex){one->machine, (size_t)key[1], 0};
        g->vertices[at].n_addresses++;
        g->places[i].vertex = (uint32_t)at;
    }
}

static enum strength_bucket bucket_of(const struct suggest_rules *rules,
                                      const struct suggest_flow *f)
{
    if (f->was_secure) return BUCKET_SECURE;
    bool bypass = rules->resolved->policy->strategy == STRATEGY_SECURE_BYPASS;
    return f->was_allowed && bypass ? BUCKET_CLEAR : BUCKET_NEW;
}

static void find_pairs(struct graph *g, const struct suggest_flow *flows, size_t n_flows)
{
    const struct suggest_machines *all = g->rules->machines;
    g->pairs = arena_array(g->arena, struct mine_pair, n_flows + 1);
    g->of_flow = arena_array(g->arena, size_t, n_flows + 1);
    for (size_t i = 0; i < n_flows; i++) {
        const struct suggest_flow *f = &flows[i];
        if (f->fate != SUGGEST_KEPT || f->client == SIZE_MAX || f->server == SIZE_MAX) continue;
        size_t c = address_index(all, f->flow->client.addr, f->client);
        size_t s = address_index(all, f->flow->server.addr, f->server);
        g->places[c].as_client = g->places[s].as_server = true;
        g->of_flow[g->n_pairs] = i;
        g->pairs[g->n_pairs++] =
            (struct mine_pair){g->places[c].vertex, g->places[s].vertex,
                               (uint32_t)f->service * BUCKET_COUNT + bucket_of(g->rules, f)};
    }
}

/* ---- Sets ---------------------------------------------------------------------------------------
 */

struct set_list {
    struct mine_set *items;
    str *names;
    size_t n, room, names_room, n_names;
};

/* Naming a segment of which hardly anything is known would open it to whoever comes: so many
 * machines are taken to be there. */
enum { LIKELY_MACHINES = 3 };

static void add_set(struct graph *g, struct set_list *list, str name, const uint32_t *members,
                    size_t n, uint64_t n_unseen, bool may_generalise)
{
    if (!n) return;
    arena_grow(g->arena, list->items, list->n, list->room);
    arena_grow(g->arena, list->names, list->n_names, list->names_room);
    list->items[list->n++] = (struct mine_set){members, n, n_unseen, may_generalise};
    list->names[list->n_names++] = name;
}

static uint64_t likely(uint64_t known)
{
    return known < LIKELY_MACHINES ? LIKELY_MACHINES - known : 0;
}

/* Vertices by the segment they live in. */
static void add_segments(struct graph *g, struct set_list *list)
{
    const struct policy *policy = g->rules->resolved->policy;
    size_t *count = arena_array(g->arena, size_t, policy->n_segments + 1);
    uint32_t **members = arena_array(g->arena, uint32_t *, policy->n_segments + 1);
    for (size_t v = 0; v < g->n; v++)
        if (g->vertices[v].segment != SIZE_MAX) count[g->vertices[v].segment]++;
    for (size_t s = 0; s < policy->n_segments; s++) {
        members[s] = arena_array(g->arena, uint32_t, count[s] + 1);
        count[s] = 0;
    }
    for (size_t v = 0; v < g->n; v++) {
        size_t s = g->vertices[v].segment;
        if (s != SIZE_MAX) members[s][count[s]++] = (uint32_t)v;
    }
    for (size_t s = 0; s < policy->n_segments; s++)
        add_set(g, list, policy->segments[s].name, members[s], count[s], likely(count[s]),
                policy->segments[s].trust == TRUST_MANAGED);
}

/* Members of a group that the evidence never showed at work: single addresses, each one of them. */
static uint64_t unseen_members(const struct graph *g, size_t group)
{
    const struct suggest_machines *all = g->rules->machines;
    const struct group *of = &g->rules->resolved->policy->groups[group];
    uint64_t n = 0;
    for (size_t i = 0; i < of->n_hosts; i++) {
        struct range range = prefix_range(of->hosts[i].prefix);
        if (of->hosts[i].kind != MEMBER_PREFIX) continue;
        size_t at = address_index(all, range.first, 0);
        bool seen = at < all->n_addresses && addr_compare(all->addresses[at].addr, range.last) <= 0;
        n += !seen;
    }
    return n;
}

/* Clients are named by where they live and by group; servers by group, never by where they live:
 * that would open whatever else is there, or comes. */
static struct set_list sets_of(struct graph *g, bool of_clients)
{
    const struct resolved *resolved = g->rules->resolved;
    const struct policy *policy = resolved->policy;
    const struct suggest_machines *all = g->rules->machines;
    struct set_list list = {0};
    uint32_t *inside = arena_array(g->arena, uint32_t, g->n + 1);
    if (of_clients) add_segments(g, &list);
    for (size_t i = 0; i < policy->n_groups; i++) {
        uint32_t *members = arena_array(g->arena, uint32_t, g->n + 1);
        size_t n = 0;
        memset(inside, 0, g->n * sizeof *inside);
        for (size_t a = 0; a < all->n_addresses; a++)
            inside[g->places[a].vertex] +=
                prefix_set_contains(resolved->groups[i], all->addresses[a].addr);
        for (size_t v = 0; v < g->n; v++)
            if (inside[v] && inside[v] == g->vertices[v].n_addresses) members[n++] = (uint32_t)v;
        add_set(g, &list, policy->groups[i].name, members, n, unseen_members(g, i), true);
    }
    return list;
}

static bool *may_generalise(struct graph *g, bool of_clients)
{
    const struct policy *policy = g->rules->resolved->policy;
    bool *may = arena_array(g->arena, bool, g->n + 1);
    for (size_t v = 0; v < g->n; v++) {
        const struct vertex *vertex = &g->vertices[v];
        bool trusted =
            vertex->segment != SIZE_MAX && policy->segments[vertex->segment].trust == TRUST_MANAGED;
        /* What serves in an untrusted network, or on a client's machine, opens to nobody new. */
        bool is_endpoint = g->rules->machines->items[vertex->machine].is_endpoint;
        may[v] = trusted && (of_clients || !is_endpoint);
    }
    return may;
}

/* ---- Back into the words of the policy ----------------------------------------------------------
 */

struct item_list {
    struct suggest_item *items;
    size_t n, room;
};

static void add_item(struct item_list *list, struct arena *arena, struct suggest_item item)
{
    arena_grow(arena, list->items, list->n, list->room);
    list->items[list->n++] = item;
}

static bool has_vertex(const struct mine_items *items, uint32_t vertex)
{
    size_t low = 0, high = items->n_singles;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (items->singles[middle] < vertex)
            low = middle + 1;
        else
            high = middle;
    }
    return low < items->n_singles && items->singles[low] == vertex;
}

static struct suggest_items words_of(const struct graph *g, const struct set_list *sets,
                                     const struct mine_items *items, bool of_clients,
                                     struct arena *arena)
{
    const struct suggest_machines *all = g->rules->machines;
    struct item_list list = {0};
    for (size_t i = 0; i < items->n_sets && sets->names; i++)
        add_item(&list, arena,
                 (struct suggest_item){.text = sets->names[items->sets[i]], .is_name = true});
    for (size_t i = 0; i < all->n_addresses && items->n_singles; i++) {
        const struct seat *place = &g->places[i];
        char text[ADDR_TEXT];
        if (!(of_clients ? place->as_client : place->as_server)) continue;
        if (!has_vertex(items, place->vertex)) continue;
        const struct suggest_machine *machine = &all->items[all->addresses[i].machine];
        bool is_named = machine->host->name.len > 0;
        add_item(&list, arena,
                 (struct suggest_item){
                     .text = str_copy(arena, addr_text(text, all->addresses[i].addr)),
                     .label = is_named ? suggest_evidence_label(machine, arena) : (str){0},
                 });
    }
    return (struct suggest_items){list.items, list.n};
}

/* Names of hosts come from evidence: only plain ones go into the name of an entry. */
static bool is_plain_name(str s)
{
    enum { WIDEST = 40 };
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '.' || c == '_';
        if (!fine) return false;
    }
    return s.len > 0 && s.len <= WIDEST;
}

static str side_name(struct suggest_items items, const char *what, struct arena *arena)
{
    enum { NAMED = 3 };
    struct buf out = buf_in(arena);
    size_t addresses = 0, labels = 0;
    str label = {0};
    for (size_t i = 0; i < items.n; i++) {
        if (items.items[i].is_name && i < NAMED)
            buf_format(&out, "%s%.*s", out.len ? ", " : "", STR_ARG(items.items[i].text));
        if (items.items[i].is_name) continue;
        str next = items.items[i].label.len ? items.items[i].label : items.items[i].text;
        labels += !str_equal(next, label);
        label = next;
        addresses++;
    }
    if (!addresses) return buf_text(&out);
    if (labels == 1 && is_plain_name(label))
        buf_format(&out, "%s%.*s", out.len ? " and " : "", STR_ARG(label));
    else
        buf_format(&out, "%s%zu %s%s", out.len ? " and " : "", labels, what,
                   labels == 1 ? "" : "s");
    return buf_text(&out);
}

static struct suggest_entry entry_of(const struct graph *g, const struct suggest_flow *flows,
                                     const struct mine_input *input, const struct set_list sets[2],
                                     const struct mine_entry *mined, struct arena *arena,
                                     struct arena scratch)
{
    const struct policy *policy = g->rules->resolved->policy;
    struct suggest_entry entry = {.is_mined = true, .seen = mined->seen, .allowed = mined->allowed};
    size_t *services = arena_array(arena, size_t, mined->n_kinds + 1);
    for (size_t i = 0; i < mined->n_kinds; i++)
        services[i] = mined->kinds[i] / BUCKET_COUNT;
    enum strength_bucket bucket = mined->kinds[0] % BUCKET_COUNT;
    bool bypass = policy->strategy == STRATEGY_SECURE_BYPASS;
    if (bucket == BUCKET_CLEAR && bypass) entry.secure = S("none");
    if (bucket == BUCKET_SECURE && !bypass) entry.secure = S("kerberos");
    entry.services = services;
    entry.n_services = mined->n_kinds;
    entry.from = words_of(g, &sets[0], &mined->clients, true, arena);
    entry.to = words_of(g, &sets[1], &mined->servers, false, arena);
    entry.name = str_format(arena, "%.*s to %.*s", STR_ARG(side_name(entry.from, "client", arena)),
                            STR_ARG(side_name(entry.to, "server", arena)));
    size_t n = 0;
    const uint32_t *pairs = mine_justification(input, mined, &scratch, *arena, &n);
    size_t *which = arena_array(&scratch, size_t, n + 1);
    for (size_t i = 0; i < n; i++)
        which[i] = g->of_flow[pairs[i]];
    entry.summary = suggest_entries_sum(g->rules, flows, which, n, arena);
    return entry;
}

struct suggest_mining suggest_entries_mine(const struct suggest_rules *rules,
                                           const struct suggest_flow *flows, size_t n_flows,
                                           enum suggest_width width, uint64_t weight,
                                           struct arena *arena, struct arena scratch)
{
    struct graph g = {.rules = rules, .arena = &scratch};
    struct set_list sets[2] = {0};
    size_t n_kinds = rules->resolved->policy->services.n * BUCKET_COUNT;
    uint32_t *family = arena_array(&scratch, uint32_t, n_kinds + 1);
    find_vertices(&g);
    find_pairs(&g, flows, n_flows);
    if (width != SUGGEST_WIDTH_ADDRESSES) {
        sets[0] = sets_of(&g, true);
        sets[1] = sets_of(&g, false);
    }
    for (size_t i = 0; i < n_kinds; i++)
        family[i] = (uint32_t)(i % BUCKET_COUNT);
    struct mine_input input = {
        .pairs = g.pairs,
        .n_pairs = g.n_pairs,
        .n_kinds = (uint32_t)n_kinds,
        .family = family,
        .clients = {(uint32_t)g.n, sets[0].items, (uint32_t)sets[0].n, may_generalise(&g, true) },
        .servers = {(uint32_t)g.n, sets[1].items, (uint32_t)sets[1].n, may_generalise(&g, false)},
    };
    struct mine_options options = {
        .generalise = width == SUGGEST_WIDTH_GENERAL,
        .entry_cost = SUGGEST_ENTRY_COST,
        .item_cost = SUGGEST_ITEM_COST,
        .pair_cost = weight,
    };
    struct suggest_mining out = {.result = mine(&input, &options, arena, scratch)};
    struct suggest_entry *entries =
        arena_array(arena, struct suggest_entry, out.result.n_entries + 1);
    for (size_t i = 0; i < out.result.n_entries; i++)
        entries[i] = entry_of(&g, flows, &input, sets, &out.result.entries[i], arena, scratch);
    out.entries = entries;
    out.n = out.result.n_entries;
    return out;
}
