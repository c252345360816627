/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in the making: bicliques of one kind, told in items. An item is a set or, past the sets,
 * a vertex: item < n_sets is set number item, else it is vertex item - n_sets.
 */
#pragma once

#include "reason/mine.h"
#include "reason/mine_graph.h"

/* A side of the input, sets turned both ways. */
struct mine_names {
    uint32_t n, n_sets;
    uint32_t *first_member, *member; /* of a set: its vertices, ascending, each once */
    uint32_t *first_set, *set;       /* of a vertex: the sets that have it, ascending */
    const uint64_t *n_unseen;        /* of a set */
    const bool *set_may;             /* it and all its members may be part of pairs never seen */
    const bool *may;                 /* of a vertex; NULL: all may */
};

struct mine_names mine_names_of(const struct mine_side *side, struct arena *arena,
                                struct arena scratch);

static inline bool mine_names_may(const struct mine_names *names, uint32_t item)
{
    if (item < names->n_sets) return names->set_may[item];
    return !names->may || names->may[item - names->n_sets];
}

/* Members of an item that are vertices: *out points at them, the answer is how many. own holds one
 * vertex and must last as long as *out. */
uint32_t mine_names_members(const struct mine_names *names, uint32_t item, uint32_t *own,
                            const uint32_t **out);
/* All members, those that are no vertex included. */
uint64_t mine_names_weight(const struct mine_names *names, uint32_t item);

struct mine_draft {
    uint32_t *item[2]; /* ascending */
    uint32_t n[2];
    size_t room[2];
};

struct mine_drafts {
    const struct mine_names *names; /* of both sides */
    const struct mine_graph *graph; /* of the kind; vertices are the input's */
    struct mine_draft *at;
    size_t n, room;
    struct arena *arena;
};

/* What numbers stay for sums that no policy reaches. */
uint64_t mine_draft_plus(uint64_t a, uint64_t b);
uint64_t mine_draft_times(uint64_t a, uint64_t b);

/* Adds a biclique; sets that lie in a side whole stand for their members. */
void mine_drafts_name(struct mine_drafts *drafts, const struct mine_block *block,
                      struct arena scratch);

/* Takes out items of which every pair seen lies in another entry too, and entries that are empty
 * then; joins entries of which one side is equal. Nothing that was not allowed is allowed then. */
void mine_drafts_tidy(struct mine_drafts *drafts, struct arena scratch);

void mine_drafts_insert(struct mine_drafts *drafts, size_t entry, int side, uint32_t item);
/* Entries with an empty side go. */
void mine_drafts_sweep(struct mine_drafts *drafts);

/* Distinct pairs that the entries allow together. */
uint64_t mine_drafts_allowed(const struct mine_drafts *drafts, struct arena scratch);
uint64_t mine_drafts_cost(const struct mine_drafts *drafts, const struct mine_options *weights,
                          struct arena scratch);

struct mine_tally {
    uint64_t seen, own, allowed; /* as in struct mine_entry */
};

/* Of each entry; out has drafts->n. False when an edge of the graph is in no entry. */
MUST_USE bool mine_drafts_tally(const struct mine_drafts *drafts, struct mine_tally *out,
                                struct arena scratch);
