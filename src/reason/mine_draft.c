/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/mine_draft.h"

#include "base/hash.h"

uint64_t mine_draft_plus(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    return num_add(a, b, &sum) ? sum : UINT64_MAX;
}

uint64_t mine_draft_times(uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    return num_mul(a, b, &product) ? product : UINT64_MAX;
}

/* --- names --- */

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t sort_unique(uint32_t *list, uint32_t n)
{
    if (n) qsort(list, n, sizeof *list, compare_u32);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!kept || list[kept - 1] != list[i]) list[kept++] = list[i];
    return kept;
}

static void names_turn(struct mine_names *names, struct arena *arena, struct arena scratch)
{
    uint32_t n_members = names->first_member[names->n_sets];
    names->first_set = arena_array(arena, uint32_t, (size_t)names->n + 1);
    names->set = arena_array(arena, uint32_t, n_members);
    for (uint32_t i = 0; i < n_members; i++)
        names->first_set[names->member[i] + 1]++;
    for (uint32_t x = 0; x < names->n; x++)
        names->first_set[x + 1] += names->first_set[x];
    uint32_t *at = arena_array(&scratch, uint32_t, names->n);
    if (names->n) memcpy(at, names->first_set, names->n * sizeof *at);
    for (uint32_t set = 0; set < names->n_sets; set++)
        for (uint32_t i = names->first_member[set]; i < names->first_member[set + 1]; i++)
            names->set[at[names->member[i]]++] = set;
}

struct mine_names mine_names_of(const struct mine_side *side, struct arena *arena,
                                struct arena scratch)
{
    struct mine_names names = {.n = side->n, .n_sets = side->n_sets, .may = side->may_generalise};
    size_t n_members = 0;
    for (uint32_t set = 0; set < side->n_sets; set++)
        n_members += side->sets[set].n_members;
    assert(n_members < UINT32_MAX && (uint64_t)side->n + side->n_sets < UINT32_MAX);

    uint64_t *n_unseen = arena_array(arena, uint64_t, side->n_sets);
    bool *may = arena_array(arena, bool, side->n_sets);
    names.n_unseen = n_unseen;
    names.set_may = may;
    names.first_member = arena_array(arena, uint32_t, (size_t)side->n_sets + 1);
    names.member = arena_array(arena, uint32_t, n_members);
    uint32_t n = 0;
    for (uint32_t set = 0; set < side->n_sets; set++) {
        const struct mine_set *given = &side->sets[set];
        uint32_t *list = names.member + n;
        if (given->n_members) memcpy(list, given->members, given->n_members * sizeof *list);
        uint32_t n_list = sort_unique(list, (uint32_t)given->n_members);
        assert(!n_list || list[n_list - 1] < side->n);
        n_unseen[set] = given->n_unseen;
        may[set] = given->may_generalise;
        for (uint32_t i = 0; i < n_list && side->may_generalise; i++)
            may[set] &= side->may_generalise[list[i]];
        n += n_list;
        names.first_member[set + 1] = n;
    }
    names_turn(&names, arena, scratch);
    return names;
}

uint32_t mine_names_members(const struct mine_names *names, uint32_t item, uint32_t *own,
                            const uint32_t **out)
{
    if (item >= names->n_sets) {
        *own = item - names->n_sets;
        *out = own;
        return 1;
    }
    *out = names->member + names->first_member[item];
    return names->first_member[item + 1] - names->first_member[item];
}

uint64_t mine_names_weight(const struct mine_names *names, uint32_t item)
{
    if (item >= names->n_sets) return 1;
    return mine_draft_plus(names->first_member[item + 1] - names->first_member[item],
                           names->n_unseen[item]);
}

/* --- naming --- */

struct whole_set {
    uint32_t set, size;
};

static int compare_whole(const void *a, const void *b)
{
    const struct whole_set *x = a, *y = b;
    if (x->size != y->size) return x->size > y->size ? -1 : 1;
    return (x->set > y->set) - (x->set < y->set);
}

/* Items for these vertices: the largest sets first that lie in them whole and spare items. A set of
 * one is taken too: its name says more. */
static uint32_t *named(const struct mine_names *names, const uint32_t *vertices, uint32_t n,
                       uint32_t *out_n, struct arena *arena, struct arena scratch)
{
    uint32_t *hits = arena_array(&scratch, uint32_t, names->n_sets);
    uint32_t *touched = arena_array(&scratch, uint32_t, names->n_sets), n_touched = 0;
    bool *bare = arena_array(&scratch, bool, names->n);
    for (uint32_t i = 0; i < n; i++) {
        bare[vertices[i]] = true;
        for (uint32_t j = names->first_set[vertices[i]]; j < names->first_set[vertices[i] + 1]; j++)
            if (!hits[names->set[j]]++) touched[n_touched++] = names->set[j];
    }
    struct whole_set *whole = arena_array(&scratch, struct whole_set, n_touched);
    uint32_t n_whole = 0;
    for (uint32_t i = 0; i < n_touched; i++) {
        uint32_t set = touched[i], size = names->first_member[set + 1] - names->first_member[set];
        if (hits[set] == size && !names->n_unseen[set])
            whole[n_whole++] = (struct whole_set){set, size};
    }
    if (n_whole) qsort(whole, n_whole, sizeof *whole, compare_whole);

    uint32_t *items = arena_array(arena, uint32_t, n), n_items = 0;
    for (uint32_t i = 0; i < n_whole; i++) {
        const uint32_t *member = names->member + names->first_member[whole[i].set];
        uint32_t fresh = 0;
        for (uint32_t j = 0; j < whole[i].size; j++)
            fresh += bare[member[j]];
        if (fresh < 2 && fresh < whole[i].size) continue;
        for (uint32_t j = 0; j < whole[i].size; j++)
            bare[member[j]] = false;
        items[n_items++] = whole[i].set;
    }
    for (uint32_t i = 0; i < n; i++)
        if (bare[vertices[i]]) items[n_items++] = names->n_sets + vertices[i];
    qsort(items, n_items, sizeof *items, compare_u32);
    *out_n = n_items;
    return items;
}

void mine_drafts_name(struct mine_drafts *drafts, const struct mine_block *block,
                      struct arena scratch)
{
    arena_grow(drafts->arena, drafts->at, drafts->n, drafts->room);
    struct mine_draft *draft = &drafts->at[drafts->n++];
    *draft = (struct mine_draft){0};
    for (int side = 0; side < 2; side++) {
        draft->item[side] = named(&drafts->names[side], block->end[side], block->n[side],
                                  &draft->n[side], drafts->arena, scratch);
        draft->room[side] = block->n[side];
    }
}

/* --- changes --- */

void mine_drafts_insert(struct mine_drafts *drafts, size_t entry, int side, uint32_t item)
{
    struct mine_draft *draft = &drafts->at[entry];
    size_t n = draft->n[side];
    arena_grow(drafts->arena, draft->item[side], n, draft->room[side]);
    size_t place = n;
    for (; place > 0 && draft->item[side][place - 1] > item; place--)
        draft->item[side][place] = draft->item[side][place - 1];
    draft->item[side][place] = item;
    draft->n[side]++;
}

void mine_drafts_sweep(struct mine_drafts *drafts)
{
    size_t kept = 0;
    for (size_t i = 0; i < drafts->n; i++)
        if (drafts->at[i].n[0] && drafts->at[i].n[1]) drafts->at[kept++] = drafts->at[i];
    drafts->n = kept;
}

/* How many of an entry's items hold each vertex of a side, and the vertices that are held. */
struct reach {
    uint32_t *times[2];
    uint32_t *list[2], n[2];
};

static struct reach reach_begin(const struct mine_drafts *drafts, struct arena *arena)
{
    struct reach reach = {0};
    for (int side = 0; side < 2; side++) {
        reach.times[side] = arena_array(arena, uint32_t, drafts->names[side].n);
        reach.list[side] = arena_array(arena, uint32_t, drafts->names[side].n);
    }
    return reach;
}

static void reach_entry(struct reach *reach, const struct mine_drafts *drafts,
                        const struct mine_draft *draft)
{
    for (int side = 0; side < 2; side++) {
        reach->n[side] = 0;
        for (uint32_t i = 0; i < draft->n[side]; i++) {
            uint32_t own = 0;
            const uint32_t *member = NULL;
            uint32_t n =
                mine_names_members(&drafts->names[side], draft->item[side][i], &own, &member);
            for (uint32_t j = 0; j < n; j++)
                if (!reach->times[side][member[j]]++)
                    reach->list[side][reach->n[side]++] = member[j];
        }
    }
}

static void reach_clear(struct reach *reach)
{
    for (int side = 0; side < 2; side++)
        for (uint32_t i = 0; i < reach->n[side]; i++)
            reach->times[side][reach->list[side][i]] = 0;
}

static void count_edges(const struct mine_graph *graph, const struct reach *reach, uint32_t entry,
                        uint32_t *count, uint32_t *mixed)
{
    for (uint32_t i = 0; i < reach->n[0]; i++) {
        uint32_t u = reach->list[0][i];
        for (uint32_t e = graph->first[0][u]; e < graph->first[0][u + 1]; e++) {
            if (!reach->times[1][graph->near[0][e]]) continue;
            count[e]++;
            if (mixed) mixed[e] ^= entry;
        }
    }
}

/* A vertex may leave an entry when its edges there lie in other entries too. */
static bool may_leave(const struct mine_graph *graph, const struct reach *reach, int side,
                      uint32_t x, const uint32_t *count)
{
    for (uint32_t i = graph->first[side][x]; i < graph->first[side][x + 1]; i++)
        if (reach->times[!side][graph->near[side][i]] && count[side ? graph->edge[i] : i] < 2)
            return false;
    return true;
}

static void leave(const struct mine_graph *graph, const struct reach *reach, int side, uint32_t x,
                  uint32_t *count)
{
    for (uint32_t i = graph->first[side][x]; i < graph->first[side][x + 1]; i++)
        if (reach->times[!side][graph->near[side][i]]) count[side ? graph->edge[i] : i]--;
}

/* Single vertices go before sets: they come last in the list, and so are asked first. */
static void drop_items(const struct mine_drafts *drafts, struct mine_draft *draft, int side,
                       struct reach *reach, uint32_t *count)
{
    const struct mine_names *names = &drafts->names[side];
    uint32_t first_kept = draft->n[side];
    for (uint32_t left = draft->n[side]; left > 0; left--) {
        uint32_t item = draft->item[side][left - 1], own = 0;
        const uint32_t *member = NULL;
        uint32_t n = mine_names_members(names, item, &own, &member);
        bool goes = true;
        for (uint32_t j = 0; j < n && goes; j++)
            goes = reach->times[side][member[j]] > 1 ||
                   may_leave(drafts->graph, reach, side, member[j], count);
        if (!goes) {
            draft->item[side][--first_kept] = item;
            continue;
        }
        for (uint32_t j = 0; j < n; j++) {
            if (reach->times[side][member[j]] == 1)
                leave(drafts->graph, reach, side, member[j], count);
            reach->times[side][member[j]]--;
        }
    }
    draft->n[side] -= first_kept;
    memmove(draft->item[side], draft->item[side] + first_kept,
            draft->n[side] * sizeof *draft->item[side]);
}

static void drop_redundant(struct mine_drafts *drafts, struct arena scratch)
{
    struct reach reach = reach_begin(drafts, &scratch);
    uint32_t *count = arena_array(&scratch, uint32_t, drafts->graph->n_edges);
    for (size_t i = 0; i < drafts->n; i++) {
        reach_entry(&reach, drafts, &drafts->at[i]);
        count_edges(drafts->graph, &reach, 0, count, NULL);
        reach_clear(&reach);
    }
    for (size_t i = 0; i < drafts->n; i++) {
        reach_entry(&reach, drafts, &drafts->at[i]);
        for (int side = 0; side < 2; side++)
            drop_items(drafts, &drafts->at[i], side, &reach, count);
        reach_clear(&reach);
    }
    mine_drafts_sweep(drafts);
}

/* --- joining --- */

static int compare_lists(const uint32_t *a, uint32_t n_a, const uint32_t *b, uint32_t n_b)
{
    uint32_t n = n_a < n_b ? n_a : n_b;
    for (uint32_t i = 0; i < n; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return (n_a > n_b) - (n_a < n_b);
}

static int compare_by_clients(const void *a, const void *b)
{
    const struct mine_draft *x = a, *y = b;
    int order = compare_lists(x->item[0], x->n[0], y->item[0], y->n[0]);
    return order ? order : compare_lists(x->item[1], x->n[1], y->item[1], y->n[1]);
}

static int compare_by_servers(const void *a, const void *b)
{
    const struct mine_draft *x = a, *y = b;
    int order = compare_lists(x->item[1], x->n[1], y->item[1], y->n[1]);
    return order ? order : compare_lists(x->item[0], x->n[0], y->item[0], y->n[0]);
}

/* The union of two lists, in the first. */
static void unite_items(struct mine_drafts *drafts, struct mine_draft *into,
                        const struct mine_draft *from, int side)
{
    uint32_t n = into->n[side] + from->n[side];
    uint32_t *list = arena_array(drafts->arena, uint32_t, n);
    if (into->n[side]) memcpy(list, into->item[side], into->n[side] * sizeof *list);
    if (from->n[side]) memcpy(list + into->n[side], from->item[side], from->n[side] * sizeof *list);
    into->item[side] = list;
    into->n[side] = sort_unique(list, n);
    into->room[side] = n;
}

/* True when some were joined. */
static bool join_equal(struct mine_drafts *drafts, int side)
{
    if (drafts->n < 2) return false;
    qsort(drafts->at, drafts->n, sizeof *drafts->at,
          side ? compare_by_servers : compare_by_clients);
    size_t n = 1;
    for (size_t i = 1; i < drafts->n; i++) {
        struct mine_draft *last = &drafts->at[n - 1], *here = &drafts->at[i];
        if (compare_lists(last->item[side], last->n[side], here->item[side], here->n[side]) == 0)
            unite_items(drafts, last, here, !side);
        else
            drafts->at[n++] = *here;
    }
    bool joined = n < drafts->n;
    drafts->n = n;
    return joined;
}

void mine_drafts_tidy(struct mine_drafts *drafts, struct arena scratch)
{
    drop_redundant(drafts, scratch);
    /* The order of the entries is by clients in the end. */
    do
        join_equal(drafts, 1);
    while (join_equal(drafts, 0));
}

/* --- sums --- */

/* Atoms of a side are its vertices and, past them, the unseen members of each set as one. */
struct atoms {
    size_t n;
    uint32_t *first, *entry; /* of an atom: the entries whose clients hold it, ascending */
};

static void note_entry(struct atoms *atoms, bool fill, size_t atom, size_t entry)
{
    if (fill)
        atoms->entry[atoms->first[atom + 1]++] = (uint32_t)entry;
    else
        atoms->first[atom + 2]++;
}

static struct atoms client_atoms(const struct mine_drafts *drafts, struct arena *arena)
{
    const struct mine_names *clients = &drafts->names[0];
    struct atoms atoms = {.n = (size_t)clients->n + clients->n_sets};
    atoms.first = arena_array(arena, uint32_t, atoms.n + 2);
    struct reach reach = reach_begin(drafts, arena);
    for (int fill = 0; fill < 2; fill++) {
        for (size_t i = 0; i < drafts->n; i++) {
            const struct mine_draft *draft = &drafts->at[i];
            reach_entry(&reach, drafts, draft);
            for (uint32_t j = 0; j < reach.n[0]; j++)
                note_entry(&atoms, fill, reach.list[0][j], i);
            for (uint32_t j = 0; j < draft->n[0] && draft->item[0][j] < clients->n_sets; j++)
                note_entry(&atoms, fill, (size_t)clients->n + draft->item[0][j], i);
            reach_clear(&reach);
        }
        if (fill) break;
        for (size_t x = 0; x < atoms.n; x++)
            atoms.first[x + 2] += atoms.first[x + 1];
        atoms.entry = arena_array(arena, uint32_t, atoms.first[atoms.n + 1]);
    }
    return atoms;
}

/* Servers that these entries hold together. stamp is of the servers' atoms; now is new to it. */
static uint64_t servers_of(const struct mine_drafts *drafts, const uint32_t *entries, uint32_t n,
                           uint32_t *stamp, uint32_t now)
{
    const struct mine_names *servers = &drafts->names[1];
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct mine_draft *draft = &drafts->at[entries[i]];
        for (uint32_t j = 0; j < draft->n[1]; j++) {
            uint32_t item = draft->item[1][j], own = 0;
            const uint32_t *member = NULL;
            uint32_t n_members = mine_names_members(servers, item, &own, &member);
            for (uint32_t k = 0; k < n_members; k++) {
                sum = mine_draft_plus(sum, stamp[member[k]] != now);
                stamp[member[k]] = now;
            }
            if (item >= servers->n_sets || stamp[servers->n + item] == now) continue;
            stamp[servers->n + item] = now;
            sum = mine_draft_plus(sum, servers->n_unseen[item]);
        }
    }
    return sum;
}

/* The first atom with the same entries, itself when there was none before. */
static uint32_t first_alike(const struct atoms *atoms, uint32_t x, uint32_t *slots, size_t n_slots)
{
    const uint32_t *list = atoms->entry + atoms->first[x];
    uint32_t n = atoms->first[x + 1] - atoms->first[x];
    size_t slot = hash_bytes((bytes){(const uint8_t *)list, n * sizeof *list}) & (n_slots - 1);
    for (; slots[slot]; slot = (slot + 1) & (n_slots - 1)) {
        uint32_t other = slots[slot] - 1, from = atoms->first[other];
        if (compare_lists(atoms->entry + from, atoms->first[other + 1] - from, list, n) == 0)
            return other;
    }
    slots[slot] = x + 1;
    return x;
}

uint64_t mine_drafts_allowed(const struct mine_drafts *drafts, struct arena scratch)
{
    const struct mine_names *clients = &drafts->names[0], *servers = &drafts->names[1];
    struct atoms atoms = client_atoms(drafts, &scratch);
    size_t n_slots = 16;
    while (n_slots < 2 * atoms.n)
        n_slots *= 2;
    /* Atoms in the same entries reach the same servers, which are summed up once. */
    uint32_t *slots = arena_array(&scratch, uint32_t, n_slots);
    uint64_t *reached = arena_array(&scratch, uint64_t, atoms.n);
    uint32_t *stamp = arena_array(&scratch, uint32_t, (size_t)servers->n + servers->n_sets);
    uint64_t total = 0;
    for (uint32_t x = 0; x < atoms.n; x++) {
        uint32_t n = atoms.first[x + 1] - atoms.first[x];
        uint64_t weight = x < clients->n ? 1 : clients->n_unseen[x - clients->n];
        if (!n || !weight) continue;
        uint32_t alike = first_alike(&atoms, x, slots, n_slots);
        if (alike == x)
            reached[x] = servers_of(drafts, atoms.entry + atoms.first[x], n, stamp, x + 1);
        total = mine_draft_plus(total, mine_draft_times(weight, reached[alike]));
    }
    return total;
}

uint64_t mine_drafts_cost(const struct mine_drafts *drafts, const struct mine_options *weights,
                          struct arena scratch)
{
    uint64_t items = 0, unseen = mine_drafts_allowed(drafts, scratch);
    if (unseen != UINT64_MAX) unseen -= drafts->graph->n_edges;
    for (size_t i = 0; i < drafts->n; i++)
        items += drafts->at[i].n[0] + drafts->at[i].n[1];
    uint64_t cost = mine_draft_times(drafts->n, weights->entry_cost);
    cost = mine_draft_plus(cost, mine_draft_times(items, weights->item_cost));
    return mine_draft_plus(cost, mine_draft_times(unseen, weights->pair_cost));
}

/* Members of a side of an entry, each once, as far as sets don't share unseen ones. */
static uint64_t side_weight(const struct mine_names *names, const struct mine_draft *draft,
                            int side, const struct reach *reach)
{
    uint64_t sum = reach->n[side];
    for (uint32_t i = 0; i < draft->n[side] && draft->item[side][i] < names->n_sets; i++)
        sum = mine_draft_plus(sum, names->n_unseen[draft->item[side][i]]);
    return sum;
}

bool mine_drafts_tally(const struct mine_drafts *drafts, struct mine_tally *out,
                       struct arena scratch)
{
    const struct mine_graph *graph = drafts->graph;
    struct reach reach = reach_begin(drafts, &scratch);
    uint32_t *count = arena_array(&scratch, uint32_t, graph->n_edges);
    uint32_t *mixed = arena_array(&scratch, uint32_t, graph->n_edges);
    for (size_t i = 0; i < drafts->n; i++) {
        const struct mine_draft *draft = &drafts->at[i];
        reach_entry(&reach, drafts, draft);
        count_edges(graph, &reach, (uint32_t)i, count, mixed);
        uint64_t seen = 0;
        for (uint32_t j = 0; j < reach.n[0]; j++)
            for (uint32_t e = graph->first[0][reach.list[0][j]];
                 e < graph->first[0][reach.list[0][j] + 1]; e++)
                seen += reach.times[1][graph->near[0][e]] > 0;
        out[i] = (struct mine_tally){
            .seen = seen,
            .allowed = mine_draft_times(side_weight(&drafts->names[0], draft, 0, &reach),
                                        side_weight(&drafts->names[1], draft, 1, &reach)),
        };
        reach_clear(&reach);
    }
    bool all = true;
    for (uint32_t e = 0; e < graph->n_edges; e++) {
        all &= count[e] > 0;
        if (count[e] == 1) out[mixed[e]].own++;
    }
    return all;
}
