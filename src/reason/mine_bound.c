/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/mine_bound.h"

#include "base/hash.h"

static bool fit_together(const struct mine_part *part, uint32_t e, uint32_t f)
{
    /* An edge's own ends are near one another: this holds too when they share an end. */
    return mine_part_near(part, part->end[0][e], part->end[1][f]) &&
           mine_part_near(part, part->end[0][f], part->end[1][e]);
}

uint32_t mine_bound_greedy(const struct mine_part *part, const uint32_t *order, uint32_t n_order,
                           uint32_t *out, struct mine_effort *effort, struct arena scratch)
{
    uint32_t n = 0, most = part->n[0] < part->n[1] ? part->n[0] : part->n[1];
    bool *taken[2] = {arena_array(&scratch, bool, part->n[0]),
                      arena_array(&scratch, bool, part->n[1])};
    uint64_t steps = n_order;
    for (uint32_t i = 0; i < n_order && n < most; i++) {
        uint32_t e = order[i];
        if (taken[0][part->end[0][e]] || taken[1][part->end[1][e]]) continue;
        uint32_t j = 0;
        while (j < n && !fit_together(part, e, out[j]))
            j++;
        steps += j;
        if (j == n) {
            out[n++] = e;
            taken[0][part->end[0][e]] = taken[1][part->end[1][e]] = true;
        }
        if (effort->spent + steps >= effort->limit) break;
    }
    mine_effort_spend(effort, steps);
    return n;
}

struct ranked {
    uint64_t rank;
    uint32_t edge;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    return (x->edge > y->edge) - (x->edge < y->edge);
}

static void order_by_rank(struct ranked *ranked, uint32_t n, uint32_t *order)
{
    qsort(ranked, n, sizeof *ranked, compare_ranked);
    for (uint32_t i = 0; i < n; i++)
        order[i] = ranked[i].edge;
}

static uint32_t row_size(const struct mine_part *part, int side, uint32_t x)
{
    const mine_word *row = mine_part_row(part->near, part, side, x);
    uint32_t n = 0;
    for (size_t i = 0; i < part->words[side]; i++)
        n += mine_word_count(row[i]);
    return n;
}

const uint32_t *mine_bound_order(const struct mine_part *part, struct arena *arena,
                                 struct arena scratch)
{
    uint32_t *degree[2];
    for (int side = 0; side < 2; side++) {
        degree[side] = arena_array(&scratch, uint32_t, part->n[side]);
        for (uint32_t x = 0; x < part->n[side]; x++)
            degree[side][x] = row_size(part, side, x);
    }
    struct ranked *ranked = arena_array(&scratch, struct ranked, part->n_needed);
    for (uint32_t e = 0; e < part->n_needed; e++)
        ranked[e] =
            (struct ranked){(uint64_t)degree[0][part->end[0][e]] * degree[1][part->end[1][e]], e};
    uint32_t *order = arena_array(arena, uint32_t, part->n_needed);
    order_by_rank(ranked, part->n_needed, order);
    return order;
}

/* A set in the making. For each edge: how many of the set it fits together with (it itself, when
 * it is in the set), and which ones, mixed. */
struct independent {
    const struct mine_part *part;
    uint32_t *edges;
    uint32_t n;
    uint32_t *fits, *mixed;
};

static void set_change(struct independent *set, uint32_t e, bool in, struct mine_effort *effort)
{
    for (uint32_t f = 0; f < set->part->n_needed; f++) {
        if (!fit_together(set->part, e, f)) continue;
        if (in)
            set->fits[f]++;
        else
            set->fits[f]--;
        set->mixed[f] ^= e;
    }
    mine_effort_spend(effort, set->part->n_needed);
}

/* Takes one edge out for two others, when there are such. */
static bool set_improve(struct independent *set, struct mine_effort *effort, struct arena scratch)
{
    const struct mine_part *part = set->part;
    uint32_t *loose = arena_array(&scratch, uint32_t, part->n_needed);
    for (uint32_t i = 0; i < set->n && mine_effort_left(effort); i++) {
        uint32_t out = set->edges[i], n_loose = 0;
        for (uint32_t f = 0; f < part->n_needed; f++)
            if (set->fits[f] == 1 && set->mixed[f] == out && f != out) loose[n_loose++] = f;
        mine_effort_spend(effort, part->n_needed);
        for (uint32_t a = 0; a < n_loose && mine_effort_left(effort); a++) {
            mine_effort_spend(effort, n_loose - a);
            for (uint32_t b = a + 1; b < n_loose; b++) {
                if (fit_together(part, loose[a], loose[b])) continue;
                set_change(set, out, false, effort);
                set_change(set, loose[a], true, effort);
                set_change(set, loose[b], true, effort);
                set->edges[i] = loose[a];
                set->edges[set->n++] = loose[b];
                return true;
            }
        }
    }
    return false;
}

/* Whatever fits with none of the set joins it. */
static void set_fill(struct independent *set, uint32_t most, struct mine_effort *effort)
{
    for (uint32_t f = 0; f < set->part->n_needed && set->n < most; f++) {
        if (set->fits[f]) continue;
        set->edges[set->n++] = f;
        set_change(set, f, true, effort);
    }
}

static uint32_t improved(const struct mine_part *part, const uint32_t *edges, uint32_t n,
                         uint32_t enough, struct mine_effort *effort, struct arena scratch)
{
    uint32_t most = part->n[0] < part->n[1] ? part->n[0] : part->n[1];
    struct independent set = {
        .part = part,
        .edges = arena_array(&scratch, uint32_t, (size_t)most + 1),
        .fits = arena_array(&scratch, uint32_t, part->n_needed),
        .mixed = arena_array(&scratch, uint32_t, part->n_needed),
    };
    for (uint32_t i = 0; i < n; i++) {
        set.edges[set.n++] = edges[i];
        set_change(&set, edges[i], true, effort);
    }
    while (set.n < enough && mine_effort_left(effort) && set_improve(&set, effort, scratch))
        set_fill(&set, most, effort);
    return set.n;
}

uint32_t mine_bound_find(const struct mine_part *part, const uint32_t *order, uint32_t enough,
                         struct mine_effort *effort, struct arena scratch)
{
    enum { TRIES = 12 };
    uint32_t most = part->n[0] < part->n[1] ? part->n[0] : part->n[1], best = 0;
    uint32_t *edges = arena_array(&scratch, uint32_t, (size_t)most + 1);
    uint32_t *mixed = arena_array(&scratch, uint32_t, part->n_needed);
    struct ranked *ranked = arena_array(&scratch, struct ranked, part->n_needed);
    uint64_t random = part->n_needed;
    for (int try = 0; try < TRIES && best < enough && (!try || mine_effort_left(effort)); try++) {
        const uint32_t *tried = order;
        if (try) {
            /* The promising order, shaken: more with each try. */
            for (uint32_t i = 0; i < part->n_needed; i++) {
                random = hash_u64(random);
                uint64_t reach = 1 + (uint64_t)part->n_needed * (uint64_t)try / TRIES / 2;
                ranked[i] = (struct ranked){i + random % reach, order[i]};
            }
            order_by_rank(ranked, part->n_needed, mixed);
            mine_effort_spend(effort, 16 * (uint64_t)part->n_needed);
            tried = mixed;
        }
        uint32_t n = mine_bound_greedy(part, tried, part->n_needed, edges, effort, scratch);
        /* What the first independent edge costs to place, all of them cost as much. */
        if (n < enough && effort->spent < effort->limit &&
            (uint64_t)n * part->n_needed < (effort->limit - effort->spent) / 4)
            n = improved(part, edges, n, enough, effort, scratch);
        if (n > best) best = n;
    }
    return best;
}
