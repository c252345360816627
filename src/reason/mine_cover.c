/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/mine_cover.h"

#include "base/limits.h"
#include "reason/mine_bound.h"
#include "reason/mine_branch.h"
#include "reason/mine_part.h"
#include "reason/mine_search.h"

/* --- parts --- */

/* What hangs together in the kernel. */
struct parts {
    uint32_t n;
    uint32_t *vertex[2]; /* by part, ascending in each */
    uint32_t *first[2];  /* of part: n + 1 */
    uint32_t *local[2];  /* vertex -> its place in its part */
};

enum { NO_PART = UINT32_MAX };

/* Numbers the parts by their first client. */
static uint32_t parts_mark(const struct mine_graph *kernel, uint32_t *const part[2],
                           struct arena scratch)
{
    uint32_t *waiting = arena_array(&scratch, uint32_t, (size_t)kernel->n[0] + kernel->n[1]);
    uint32_t n_parts = 0;
    for (int side = 0; side < 2; side++)
        for (uint32_t x = 0; x < kernel->n[side]; x++)
            part[side][x] = NO_PART;
    for (uint32_t start = 0; start < kernel->n[0]; start++) {
        if (part[0][start] != NO_PART) continue;
        size_t n_waiting = 0;
        waiting[n_waiting++] = start;
        part[0][start] = n_parts;
        while (n_waiting) {
            uint32_t at = waiting[--n_waiting];
            int side = at >= kernel->n[0];
            uint32_t x = side ? at - kernel->n[0] : at;
            for (uint32_t i = kernel->first[side][x]; i < kernel->first[side][x + 1]; i++) {
                uint32_t y = kernel->near[side][i];
                if (part[!side][y] != NO_PART) continue;
                part[!side][y] = n_parts;
                waiting[n_waiting++] = side ? y : kernel->n[0] + y;
            }
        }
        n_parts++;
    }
    return n_parts;
}

static struct parts parts_of(const struct mine_graph *kernel, struct arena *arena,
                             struct arena scratch)
{
    uint32_t *part[2] = {arena_array(&scratch, uint32_t, kernel->n[0]),
                         arena_array(&scratch, uint32_t, kernel->n[1])};
    struct parts parts = {.n = parts_mark(kernel, part, scratch)};
    for (int side = 0; side < 2; side++) {
        uint32_t n = kernel->n[side];
        parts.vertex[side] = arena_array(arena, uint32_t, n);
        parts.local[side] = arena_array(arena, uint32_t, n);
        uint32_t *first = parts.first[side] = arena_array(arena, uint32_t, (size_t)parts.n + 2);
        for (uint32_t x = 0; x < n; x++)
            first[part[side][x] + 2]++;
        for (uint32_t i = 0; i < parts.n; i++)
            first[i + 2] += first[i + 1];
        uint32_t *start = arena_array(&scratch, uint32_t, (size_t)parts.n + 1);
        memcpy(start, first + 1, ((size_t)parts.n + 1) * sizeof *start);
        for (uint32_t x = 0; x < n; x++) {
            uint32_t at = first[part[side][x] + 1]++;
            parts.vertex[side][at] = x;
            parts.local[side][x] = at - start[part[side][x]];
        }
    }
    return parts;
}

/* --- one part --- */

struct search {
    const struct mine_graph *kernel;
    struct mine_cover *cover;
    bool want_blocks;
    struct mine_effort *effort;
    struct arena *arena;
    size_t room;
};

static void found_block(struct search *search, struct mine_block block, struct arena scratch)
{
    struct mine_cover *cover = search->cover;
    arena_grow(search->arena, cover->blocks, cover->n_blocks, search->room);
    cover->blocks[cover->n_blocks++] =
        mine_graph_lift(&cover->levels, block, search->arena, scratch);
}

/* --- parts that are over the limit --- */

struct ranked {
    uint64_t rank;
    uint32_t at;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Edges of which no two fit in one biclique, as in mine_bound.c, but found along the lists: an edge
 * fits with a chosen one when that one's server is near its client and the client near its server.
 */
static uint32_t independent_edges(const struct mine_graph *kernel, const uint32_t *clients,
                                  uint32_t n_clients, struct mine_effort *effort,
                                  struct arena scratch)
{
    uint32_t n_edges = 0, n = 0;
    for (uint32_t i = 0; i < n_clients; i++)
        n_edges += mine_graph_degree(kernel, 0, clients[i]);
    struct ranked *order = arena_array(&scratch, struct ranked, n_edges);
    uint32_t *client_of = arena_array(&scratch, uint32_t, kernel->n_edges);
    uint32_t *mate = arena_array(&scratch, uint32_t, kernel->n[1]); /* client plus one */
    bool *taken = arena_array(&scratch, bool, kernel->n[0]);
    n_edges = 0;
    for (uint32_t i = 0; i < n_clients; i++)
        for (uint32_t e = kernel->first[0][clients[i]]; e < kernel->first[0][clients[i] + 1]; e++) {
            client_of[e] = clients[i];
            if (kernel->need[e] != MINE_NEEDED) continue;
            uint64_t rank = (uint64_t)mine_graph_degree(kernel, 0, clients[i]) *
                            mine_graph_degree(kernel, 1, kernel->near[0][e]);
            order[n_edges++] = (struct ranked){rank, e};
        }
    if (n_edges) qsort(order, n_edges, sizeof *order, compare_ranked);
    for (uint32_t i = 0; i < n_edges && mine_effort_left(effort); i++) {
        uint32_t u = client_of[order[i].at], v = kernel->near[0][order[i].at];
        bool fits = taken[u] || mate[v];
        for (uint32_t j = kernel->first[0][u]; j < kernel->first[0][u + 1] && !fits; j++) {
            uint32_t other = mate[kernel->near[0][j]];
            fits = other && mine_graph_find(kernel, other - 1, v) != UINT32_MAX;
        }
        mine_effort_spend(effort, 1 + mine_graph_degree(kernel, 0, u));
        if (fits) continue;
        taken[u] = true;
        mate[v] = u + 1;
        n++;
    }
    return n;
}

/* Marks for each edge that is needed the end with more neighbours; the answer is how many ends. */
static uint32_t mark_larger_ends(const struct mine_graph *kernel, const uint32_t *clients,
                                 uint32_t n_clients, bool *const star[2])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_clients; i++)
        for (uint32_t e = kernel->first[0][clients[i]]; e < kernel->first[0][clients[i] + 1]; e++) {
            uint32_t u = clients[i], v = kernel->near[0][e];
            if (kernel->need[e] != MINE_NEEDED || star[0][u] || star[1][v]) continue;
            int side = mine_graph_degree(kernel, 1, v) >= mine_graph_degree(kernel, 0, u);
            star[side][side ? v : u] = true;
            n++;
        }
    return n;
}

/* One biclique per vertex: the vertices that have most, or all of the smaller side. */
static void cover_by_vertex(struct search *search, const uint32_t *const vertex[2],
                            const uint32_t n[2], struct arena scratch)
{
    const struct mine_graph *kernel = search->kernel;
    search->cover->overflowed = true;
    search->cover->bound +=
        independent_edges(kernel, vertex[0], n[0], search->effort, *search->arena);
    int smaller = n[1] < n[0];
    bool *star[2] = {arena_array(&scratch, bool, kernel->n[0]),
                     arena_array(&scratch, bool, kernel->n[1])};
    if (mark_larger_ends(kernel, vertex[0], n[0], star) >= n[smaller])
        for (int side = 0; side < 2; side++)
            for (uint32_t i = 0; i < n[side]; i++)
                star[side][vertex[side][i]] = side == smaller;
    for (int side = 0; side < 2 && search->want_blocks; side++)
        for (uint32_t i = 0; i < n[side]; i++) {
            uint32_t x = vertex[side][i];
            if (!star[side][x]) continue;
            struct mine_block block = {0};
            block.n[side] = 1;
            block.end[side] = &x;
            block.n[!side] = mine_graph_degree(kernel, side, x);
            block.end[!side] = kernel->near[side] + kernel->first[side][x];
            found_block(search, block, scratch);
        }
}

/* --- searching a part --- */

/* Up to here a part is searched to the end if its steps allow. */
static bool may_branch(const struct mine_part *part)
{
    return part->n[0] <= LIMIT_MINE_BRANCH_VERTICES && part->n[1] <= LIMIT_MINE_BRANCH_VERTICES;
}

/* Where a stage that may take so many steps ends; what it leaves goes to the next. */
static uint64_t stage_end(const struct mine_effort *effort, uint64_t steps, uint64_t end)
{
    return end > effort->spent && end - effort->spent > steps ? effort->spent + steps : end;
}

/* Gives each stage in turn its share; the answer is the bound. */
static uint32_t part_search(struct mine_part *part, uint64_t steps, bool *exhausted,
                            struct arena scratch)
{
    enum { IMPATIENT = 64, PATIENT = 4096 };
    static const uint32_t widths[] = {8, 1};
    struct mine_effort *effort = part->effort;
    uint64_t whole = effort->limit, end = stage_end(effort, steps, whole);
    const uint32_t *order = mine_bound_order(part, part->arena, scratch);
    effort->limit = stage_end(effort, steps / 4, end);
    mine_search_start(part, 1, scratch);

    effort->limit = stage_end(effort, steps / 4, end);
    uint32_t bound = mine_bound_find(part, order, part->n_alive, effort, scratch);
    effort->limit = stage_end(effort, steps / 2, end);
    for (size_t i = 0; i < COUNT_OF(widths) && part->n_alive > bound; i++)
        mine_search_grow(part, order, widths[i], scratch);
    effort->limit = stage_end(effort, steps / 8, end);
    mine_search_polish(part, bound, IMPATIENT, scratch);
    effort->limit = stage_end(effort, steps / 3, end);
    if (part->n_alive > bound && may_branch(part) && mine_branch_find(part, bound, order, scratch))
        bound = part->n_alive;
    effort->limit = end;
    mine_search_polish(part, bound, PATIENT, scratch);
    *exhausted = part->n_alive > bound;
    effort->limit = whole;
    return bound;
}

/* The part lies in scratch; its own scratch is where blocks go afterwards. */
static void part_find(struct search *search, const struct parts *parts, uint32_t number,
                      uint64_t steps, struct arena scratch)
{
    const uint32_t *vertex[2], *local[2] = {parts->local[0], parts->local[1]};
    uint32_t n[2];
    for (int side = 0; side < 2; side++) {
        vertex[side] = parts->vertex[side] + parts->first[side][number];
        n[side] = parts->first[side][number + 1] - parts->first[side][number];
    }
    if (mine_part_words(n) > LIMIT_MINE_KERNEL_WORDS) {
        cover_by_vertex(search, vertex, n, scratch);
        return;
    }
    struct mine_part part =
        mine_part_begin(search->kernel, vertex, n, local, search->effort, &scratch);
    bool exhausted = false;
    search->cover->bound += part_search(&part, steps, &exhausted, *search->arena);
    search->cover->exhausted |= exhausted;
    for (uint32_t slot = 0; slot < part.n_slots && search->want_blocks; slot++) {
        if (!part.slots[slot].alive) continue;
        struct mine_block block = part.slots[slot].block;
        for (int side = 0; side < 2; side++)
            for (uint32_t i = 0; i < block.n[side]; i++)
                block.end[side][i] = vertex[side][block.end[side][i]];
        found_block(search, block, scratch);
    }
}

struct mine_cover mine_cover_find(const struct mine_graph *graph, bool want_blocks,
                                  struct mine_effort *effort, struct arena *arena,
                                  struct arena scratch)
{
    struct mine_cover cover = {0};
    uint64_t whole = effort->limit;
    effort->limit = stage_end(effort, whole / 2, whole);
    mine_graph_reduce(graph, &cover.levels, effort, arena, scratch);
    effort->limit = whole;

    const struct mine_graph *kernel = &cover.levels.at[cover.levels.n - 1].graph;
    struct parts parts = parts_of(kernel, &scratch, *arena);
    cover.n_parts = parts.n;
    struct search search = {
        .kernel = kernel,
        .cover = &cover,
        .want_blocks = want_blocks,
        .effort = effort,
        .arena = arena,
    };
    uint64_t edges_left = kernel->n_edges;
    for (uint32_t i = 0; i < parts.n; i++) {
        /* Steps go by the edges of a part; what a part leaves is there for the next. */
        uint64_t edges = 0, left = whole > effort->spent ? whole - effort->spent : 0;
        for (uint32_t j = parts.first[0][i]; j < parts.first[0][i + 1]; j++)
            edges += mine_graph_degree(kernel, 0, parts.vertex[0][j]);
        uint64_t steps = left / edges_left * edges;
        edges_left -= edges;
        part_find(&search, &parts, i, steps, scratch);
    }
    return cover;
}
