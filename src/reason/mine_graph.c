/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/mine_graph.h"

#include "base/hash.h"

/* Sorts by one end, stable: two passes sort by both in time that is linear. */
static void sort_by_end(const struct mine_link *from, size_t n_links, int side, uint32_t n,
                        struct mine_link *to, struct arena scratch)
{
    uint32_t *at = arena_array(&scratch, uint32_t, (size_t)n + 1);
    for (size_t i = 0; i < n_links; i++)
        at[from[i].end[side] + 1]++;
    for (size_t x = 0; x < n; x++)
        at[x + 1] += at[x];
    for (size_t i = 0; i < n_links; i++)
        to[at[from[i].end[side]]++] = from[i];
}

static size_t unite_repeats(struct mine_link *links, size_t n_links)
{
    size_t n = 0;
    for (size_t i = 0; i < n_links; i++) {
        struct mine_link *last = n ? &links[n - 1] : NULL;
        if (!last || last->end[0] != links[i].end[0] || last->end[1] != links[i].end[1]) {
            links[n++] = links[i];
            continue;
        }
        if (links[i].need > last->need) last->need = links[i].need;
    }
    return n;
}

struct mine_graph mine_graph_build(const uint32_t n[2], struct mine_link *links, size_t n_links,
                                   struct arena *arena, struct arena scratch)
{
    assert(n_links < UINT32_MAX);
    struct mine_link *spare = arena_array(&scratch, struct mine_link, n_links);
    sort_by_end(links, n_links, 1, n[1], spare, scratch);
    sort_by_end(spare, n_links, 0, n[0], links, scratch);
    uint32_t n_edges = (uint32_t)unite_repeats(links, n_links);

    struct mine_graph graph = {
        .n = {n[0], n[1]},
          .n_edges = n_edges
    };
    for (int side = 0; side < 2; side++) {
        graph.first[side] = arena_array(arena, uint32_t, (size_t)n[side] + 1);
        graph.near[side] = arena_array(arena, uint32_t, n_edges);
        for (uint32_t e = 0; e < n_edges; e++)
            graph.first[side][links[e].end[side] + 1]++;
        for (uint32_t x = 0; x < n[side]; x++)
            graph.first[side][x + 1] += graph.first[side][x];
    }
    graph.edge = arena_array(arena, uint32_t, n_edges);
    graph.need = arena_array(arena, uint8_t, n_edges);
    uint32_t *at = arena_array(&scratch, uint32_t, n[1]);
    if (n[1]) memcpy(at, graph.first[1], n[1] * sizeof *at);
    for (uint32_t e = 0; e < n_edges; e++) {
        uint32_t place = at[links[e].end[1]]++;
        graph.near[0][e] = links[e].end[1];
        graph.need[e] = links[e].need;
        graph.near[1][place] = links[e].end[0];
        graph.edge[place] = e;
    }
    return graph;
}

uint32_t mine_graph_find(const struct mine_graph *graph, uint32_t client, uint32_t server)
{
    uint32_t low = graph->first[0][client], high = graph->first[0][client + 1], end = high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (graph->near[0][middle] < server)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && graph->near[0][low] == server ? low : UINT32_MAX;
}

/* --- twins --- */

static bool near_equal(const struct mine_graph *graph, int side, uint32_t a, uint32_t b)
{
    uint32_t degree = mine_graph_degree(graph, side, a);
    if (degree != mine_graph_degree(graph, side, b)) return false;
    const uint32_t *near = graph->near[side];
    return memcmp(near + graph->first[side][a], near + graph->first[side][b],
                  degree * sizeof *near) == 0;
}

/* Gives equal neighbourhoods one number, in order of their first vertex; isolated vertices get
 * none. The answer is how many numbers there are. */
static uint32_t twins_label(const struct mine_graph *graph, int side, uint32_t *label,
                            struct arena scratch)
{
    size_t n_slots = 16;
    while (n_slots < 2 * (size_t)graph->n[side])
        n_slots *= 2;
    uint32_t *slots = arena_array(&scratch, uint32_t, n_slots); /* vertex plus one */
    uint32_t n_labels = 0;
    for (uint32_t x = 0; x < graph->n[side]; x++) {
        uint32_t degree = mine_graph_degree(graph, side, x);
        if (!degree) {
            label[x] = MINE_GONE;
            continue;
        }
        const uint32_t *near = graph->near[side] + graph->first[side][x];
        size_t slot = hash_bytes((bytes){(const uint8_t *)near, degree * sizeof *near});
        for (;; slot++) {
            slot &= n_slots - 1;
            if (!slots[slot]) {
                slots[slot] = x + 1;
                label[x] = n_labels++;
                break;
            }
            if (near_equal(graph, side, slots[slot] - 1, x)) {
                label[x] = label[slots[slot] - 1];
                break;
            }
        }
    }
    return n_labels;
}

/* The graph whose vertices are the labels; edges of a vertex without one are left out. */
static struct mine_graph relabelled(const struct mine_graph *graph, uint32_t *const label[2],
                                    const uint32_t n[2], struct arena *arena, struct arena scratch)
{
    struct mine_link *links = arena_array(&scratch, struct mine_link, graph->n_edges);
    size_t n_links = 0;
    for (uint32_t u = 0; u < graph->n[0]; u++) {
        if (label[0][u] == MINE_GONE) continue;
        for (uint32_t e = graph->first[0][u]; e < graph->first[0][u + 1]; e++) {
            uint32_t to = label[1][graph->near[0][e]];
            if (to == MINE_GONE) continue;
            links[n_links++] = (struct mine_link){
                {label[0][u], to},
                graph->need[e]
            };
        }
    }
    return mine_graph_build(n, links, n_links, arena, scratch);
}

/* --- dominance --- */

/* A set of neighbours in one word: what is not within it is not within the set. */
static uint64_t *signatures(const struct mine_graph *graph, int side, struct arena *arena)
{
    uint64_t *out = arena_array(arena, uint64_t, graph->n[side]);
    for (uint32_t x = 0; x < graph->n[side]; x++)
        for (uint32_t i = graph->first[side][x]; i < graph->first[side][x + 1]; i++)
            out[x] |= UINT64_C(1) << (hash_u64(graph->near[side][i]) & 63);
    return out;
}

static bool near_within(const struct mine_graph *graph, int side, uint32_t small, uint32_t large,
                        struct mine_effort *effort)
{
    const uint32_t *near = graph->near[side];
    const uint32_t *a = near + graph->first[side][small],
                   *a_end = near + graph->first[side][small + 1];
    const uint32_t *b = near + graph->first[side][large],
                   *b_end = near + graph->first[side][large + 1];
    const uint32_t *b_start = b;
    for (; a < a_end; a++, b++) {
        while (b < b_end && *b < *a)
            b++;
        if (b == b_end || *b != *a || a_end - a > b_end - b) {
            mine_effort_spend(effort, (uint64_t)(b - b_start) + 1);
            return false;
        }
    }
    mine_effort_spend(effort, (uint64_t)(b - b_start) + 1);
    return true;
}

static uint8_t *need_at(const struct mine_graph *graph, int side, uint32_t place)
{
    return &graph->need[side ? graph->edge[place] : place];
}

/* The edges of `large` to what `small` reaches by an edge that is taken care of. */
static void imply_shared(const struct mine_graph *graph, int side, uint32_t small, uint32_t large)
{
    const uint32_t *near = graph->near[side];
    uint32_t j = graph->first[side][large];
    for (uint32_t i = graph->first[side][small]; i < graph->first[side][small + 1]; i++, j++) {
        while (near[j] != near[i])
            j++;
        if (*need_at(graph, side, i) == MINE_FREE) continue;
        uint8_t *need = need_at(graph, side, j);
        if (*need == MINE_NEEDED) *need = MINE_IMPLIED;
    }
}

/* There are no twins any more: what holds as many neighbours and more has a greater degree. */
static void imply_dominated(const struct mine_graph *graph, int side, struct mine_effort *effort,
                            struct arena scratch)
{
    const uint64_t *signature = signatures(graph, side, &scratch);
    for (uint32_t x = 0; x < graph->n[side] && mine_effort_left(effort); x++) {
        uint32_t degree = mine_graph_degree(graph, side, x);
        if (!degree) continue;
        /* Whoever holds all neighbours of x is near the one with the fewest neighbours. */
        const uint32_t *near = graph->near[side] + graph->first[side][x];
        uint32_t rare = near[0];
        for (uint32_t i = 1; i < degree; i++)
            if (mine_graph_degree(graph, !side, near[i]) < mine_graph_degree(graph, !side, rare))
                rare = near[i];
        uint32_t end = graph->first[!side][rare + 1];
        mine_effort_spend(effort, degree + end - graph->first[!side][rare]);
        for (uint32_t i = graph->first[!side][rare]; i < end; i++) {
            uint32_t other = graph->near[!side][i];
            if ((signature[x] & ~signature[other]) ||
                mine_graph_degree(graph, side, other) <= degree)
                continue;
            if (near_within(graph, side, x, other, effort)) imply_shared(graph, side, x, other);
        }
    }
}

/* --- levels --- */

/* Who became what, the other way round. */
static void list_members(struct mine_level *level, const uint32_t n[2], struct arena *arena)
{
    for (int side = 0; side < 2; side++) {
        const uint32_t *label = level->label[side];
        uint32_t *first = arena_array(arena, uint32_t, (size_t)n[side] + 2);
        uint32_t *member = arena_array(arena, uint32_t, level->graph.n[side]);
        for (uint32_t x = 0; x < level->graph.n[side]; x++)
            if (label[x] != MINE_GONE) first[label[x] + 2]++;
        for (uint32_t x = 0; x < n[side]; x++)
            first[x + 2] += first[x + 1];
        for (uint32_t x = 0; x < level->graph.n[side]; x++)
            if (label[x] != MINE_GONE) member[first[label[x] + 1]++] = x;
        level->first_member[side] = first;
        level->member[side] = member;
    }
}

/* Labels of the vertices that have an edge that is needed, in order. */
static void needed_label(const struct mine_graph *graph, uint32_t *const label[2], uint32_t n[2])
{
    for (int side = 0; side < 2; side++) {
        n[side] = 0;
        for (uint32_t x = 0; x < graph->n[side]; x++) {
            bool needed = false;
            for (uint32_t i = graph->first[side][x]; i < graph->first[side][x + 1] && !needed; i++)
                needed = *need_at(graph, side, i) == MINE_NEEDED;
            label[side][x] = needed ? n[side]++ : MINE_GONE;
        }
    }
}

/* Adds the level that the labels of the last one make. */
static void next_level(struct mine_levels *levels, uint32_t *const label[2], const uint32_t n[2],
                       struct arena *arena, struct arena scratch)
{
    struct mine_level *here = &levels->at[levels->n - 1];
    for (int side = 0; side < 2; side++)
        here->label[side] = label[side];
    list_members(here, n, arena);
    levels->at[levels->n++].graph = relabelled(&here->graph, label, n, arena, scratch);
}

static bool same_size(const struct mine_graph *graph, const uint32_t n[2])
{
    return graph->n[0] == n[0] && graph->n[1] == n[1];
}

void mine_graph_reduce(const struct mine_graph *graph, struct mine_levels *out,
                       struct mine_effort *effort, struct arena *arena, struct arena scratch)
{
    *out = (struct mine_levels){.n = 1, .at[0].graph = *graph};
    uint32_t n[2];
    /* A round is two levels: twins, then what is left over. */
    while (out->n + 2 <= MINE_LEVELS) {
        const struct mine_graph *here = &out->at[out->n - 1].graph;
        uint32_t *label[2] = {arena_array(arena, uint32_t, here->n[0]),
                              arena_array(arena, uint32_t, here->n[1])};
        for (int side = 0; side < 2; side++)
            n[side] = twins_label(here, side, label[side], scratch);
        /* Level 1 is always the twins of level 0, so that callers may count them. */
        bool merged = !same_size(here, n);
        if (merged || out->n == 1) next_level(out, label, n, arena, scratch);
        if (!merged && out->n > 2 && !mine_effort_left(effort)) return;

        here = &out->at[out->n - 1].graph;
        imply_dominated(here, 0, effort, scratch);
        imply_dominated(here, 1, effort, scratch);
        for (int side = 0; side < 2; side++)
            label[side] = arena_array(arena, uint32_t, here->n[side]);
        needed_label(here, label, n);
        if (same_size(here, n)) return;
        next_level(out, label, n, arena, scratch);
    }
}

/* --- the way back --- */

/* Keeps of list[0..n) what is in near[0..n_near), both ascending; the answer is how many. */
static uint32_t keep_common(uint32_t *list, uint32_t n, const uint32_t *near, uint32_t n_near)
{
    uint32_t kept = 0;
    for (uint32_t i = 0, j = 0; i < n; i++) {
        while (j < n_near && near[j] < list[i])
            j++;
        if (j < n_near && near[j] == list[i]) list[kept++] = list[i];
    }
    return kept;
}

/* All of `side` that is near every end of the other side, of which there is at least one. */
static void block_widen(const struct mine_graph *graph, struct mine_block *block, int side,
                        struct arena *arena)
{
    const uint32_t *ends = block->end[!side], *first = graph->first[!side];
    uint32_t rare = ends[0];
    for (uint32_t i = 1; i < block->n[!side]; i++)
        if (mine_graph_degree(graph, !side, ends[i]) < mine_graph_degree(graph, !side, rare))
            rare = ends[i];
    uint32_t n = mine_graph_degree(graph, !side, rare);
    uint32_t *list = arena_array(arena, uint32_t, n);
    memcpy(list, graph->near[!side] + first[rare], n * sizeof *list);
    for (uint32_t i = 0; i < block->n[!side] && n > block->n[side]; i++)
        n = keep_common(list, n, graph->near[!side] + first[ends[i]],
                        mine_graph_degree(graph, !side, ends[i]));
    /* It only grows: with no more than there was, it is what there was. */
    block->end[side] = list;
    block->n[side] = n;
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The members of the ends one level up. */
static void block_unfold(const struct mine_level *level, struct mine_block *block,
                         struct arena *arena)
{
    for (int side = 0; side < 2; side++) {
        const uint32_t *first = level->first_member[side];
        uint32_t n = 0;
        for (uint32_t i = 0; i < block->n[side]; i++)
            n += first[block->end[side][i] + 1] - first[block->end[side][i]];
        uint32_t *list = arena_array(arena, uint32_t, n);
        n = 0;
        for (uint32_t i = 0; i < block->n[side]; i++)
            for (uint32_t j = first[block->end[side][i]]; j < first[block->end[side][i] + 1]; j++)
                list[n++] = level->member[side][j];
        qsort(list, n, sizeof *list, compare_u32);
        block->end[side] = list;
        block->n[side] = n;
    }
}

struct mine_block mine_graph_lift(const struct mine_levels *levels, struct mine_block block,
                                  struct arena *arena, struct arena scratch)
{
    for (size_t n_left = levels->n; n_left > 0; n_left--) {
        const struct mine_level *level = &levels->at[n_left - 1];
        if (n_left < levels->n) block_unfold(level, &block, &scratch);
        block_widen(&level->graph, &block, 0, &scratch);
        block_widen(&level->graph, &block, 1, &scratch);
    }
    struct mine_block out = {
        .n = {block.n[0], block.n[1]}
    };
    for (int side = 0; side < 2; side++) {
        out.end[side] = arena_array(arena, uint32_t, block.n[side]);
        memcpy(out.end[side], block.end[side], block.n[side] * sizeof *block.end[side]);
    }
    return out;
}
