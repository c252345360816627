/* SPDX-License-Identifier: Apache-2.0 */
/* The fewest bicliques that cover a graph, exactly: reduce, split into parts, search each, lift. */
#pragma once

#include "reason/mine_graph.h"

struct mine_cover {
    struct mine_block *blocks; /* of the graph given; maximal; each has an edge of its own */
    size_t n_blocks;
    size_t bound; /* no cover has fewer */
    struct mine_levels levels;
    uint32_t n_parts;
    bool exhausted;  /* the search of a part ended before the optimum was proved */
    bool overflowed; /* a part was over LIMIT_MINE_KERNEL_WORDS: one biclique per vertex there */
};

/* want_blocks: false when only the bound is of interest. arena and scratch must be two arenas. */
struct mine_cover mine_cover_find(const struct mine_graph *graph, bool want_blocks,
                                  struct mine_effort *effort, struct arena *arena,
                                  struct arena scratch);
