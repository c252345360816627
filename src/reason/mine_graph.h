/* SPDX-License-Identifier: Apache-2.0 */
/* The bipartite graph that mining works on, and the reductions that keep the number of bicliques in
 * a smallest cover (Ene, Horne, Milosavljevic, Rao, Schreiber, Tarjan: Fast exact and heuristic
 * methods for role minimization problems, 2008):
 *   twins       vertices with equal neighbours become one;
 *   dominance   with N(u) within N(w), every maximal biclique that has the edge u-v also has w-v,
 *               so w-v needs no care of its own; the same with sides swapped;
 *   left over   a vertex of which no edge needs care is taken out.
 * They are repeated until nothing changes. On the way back each biclique is made maximal in the
 * graph of each level, and so covers what was left out there.
 */
#pragma once

#include "base/arena.h"
#include "base/base.h"

/* How much was spent of what may be: one step is about one word or one neighbour looked at. */
struct mine_effort {
    uint64_t spent, limit;
};

static inline void mine_effort_spend(struct mine_effort *effort, uint64_t steps)
{
    effort->spent += steps;
}

static inline bool mine_effort_left(const struct mine_effort *effort)
{
    return effort->spent < effort->limit;
}

enum mine_need {
    MINE_FREE,    /* a biclique may use the edge, none has to */
    MINE_IMPLIED, /* lies in every maximal biclique that holds some other edge that is needed */
    MINE_NEEDED,
};

/* Side 0 are the clients, 1 the servers. The neighbours of x on its side lie at
 * near[side][first[side][x]] up to first[side][x + 1], ascending. Edges are numbered as the clients
 * list them; edge[] gives the number for the servers' lists. */
struct mine_graph {
    uint32_t n[2];
    uint32_t n_edges;
    uint32_t *first[2], *near[2];
    uint32_t *edge;
    uint8_t *need; /* enum mine_need */
};

struct mine_link {
    uint32_t end[2];
    uint8_t need;
};

/* Repeated links become one edge with the greatest need. The order of links[] is changed. */
struct mine_graph mine_graph_build(const uint32_t n[2], struct mine_link *links, size_t n_links,
                                   struct arena *arena, struct arena scratch);

static inline uint32_t mine_graph_degree(const struct mine_graph *graph, int side, uint32_t x)
{
    return graph->first[side][x + 1] - graph->first[side][x];
}

/* The number of the edge, UINT32_MAX when there is none. */
uint32_t mine_graph_find(const struct mine_graph *graph, uint32_t client, uint32_t server);

/* A biclique: every end of one side is adjacent to every end of the other. Ends ascend. */
struct mine_block {
    uint32_t *end[2];
    uint32_t n[2];
};

enum { MINE_GONE = UINT32_MAX };

/* One graph and where its vertices went in the next. The last level has neither. */
struct mine_level {
    struct mine_graph graph;
    uint32_t *label[2]; /* vertex -> vertex of the next level, MINE_GONE: taken out */
    /* vertex of the next level -> its vertices here */
    uint32_t *first_member[2], *member[2];
};

enum { MINE_LEVELS = 24 };

struct mine_levels {
    struct mine_level at[MINE_LEVELS];
    size_t n;
};

/* Level 0 is the graph itself, level 1 its twins merged, and so on; the last is the kernel. All
 * stay in the arena, which must be another than scratch's. When the effort ends, what is found so
 * far holds. */
void mine_graph_reduce(const struct mine_graph *graph, struct mine_levels *out,
                       struct mine_effort *effort, struct arena *arena, struct arena scratch);

/* Turns a biclique of the kernel into a maximal one of level 0. */
struct mine_block mine_graph_lift(const struct mine_levels *levels, struct mine_block block,
                                  struct arena *arena, struct arena scratch);
