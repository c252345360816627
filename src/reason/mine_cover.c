/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/mine_cover.h"

#include "base/limits.h"
#include "reason/mine_bound.h"
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

/* Over the limit: one biclique per vertex of the side that has fewer. Two edges are independent if
 * neither end of one is near the other's: looking for such would need what there is no room for. */
static void cover_by_vertex(struct search *search, const uint32_t *const vertex[2],
                            const uint32_t n[2], struct arena scratch)
{
    int side = n[1] < n[0];
    search->cover->overflowed = true;
    search->cover->bound += 1;
    for (uint32_t i = 0; i < n[side] && search->want_blocks; i++) {
        uint32_t x = vertex[side][i];
        struct mine_block star = {0};
        star.n[side] = 1;
        star.end[side] = &x;
        star.n[!side] = mine_graph_degree(search->kernel, side, x);
        star.end[!side] = search->kernel->near[side] + search->kernel->first[side][x];
        found_block(search, star, scratch);
    }
}

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
    if (part->n_alive > bound && may_branch(part) &&
        mine_search_branch(part, bound, order, scratch))
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
