/* SPDX-License-Identifier: Apache-2.0 */
/* The fewest entries that cover what was seen: role mining over the pairs client -> server. Pure:
 * it knows numbers, no policy, no addresses and no clock; the same input in any order gives the
 * same answer, since effort is counted in steps and never in seconds.
 *
 * An entry is (client items) x (server items) for one or more kinds; an item is a known set (a
 * segment, group, role, subnet) or one vertex. Every pair seen lies in an entry of its kind. Two
 * regimes:
 *   exact        nothing is allowed that was not seen. The fewest entries are a minimum biclique
 *                cover; `bound` is proved, so the gap is known even where the optimum is not. Known
 *                sets only give names to what is complete.
 *   generalising an entry may name known sets and so allow pairs never seen: a set x an item only
 *                where at least min_share of those pairs was seen (half of them by default). The
 * sum entries x entry_cost + items x item_cost + never-seen pairs x pair_cost is made small, and is
 * never above that of the exact cover. By default 100, 10, 1: a set of which most was seen stands
 * for its members unless naming one item less would allow more than 10 new pairs; one entry less is
 * worth 100 of them. What is exact stays exact where it is as short.
 *
 * Expected: up to 10^6 pairs in a second or two, some 50 bytes each. Method, proofs of the
 * reductions and figures: docs/reasoning.md.
 */
#pragma once

#include "base/arena.h"
#include "base/base.h"

enum { MINE_ENTRY_COST = 100, MINE_ITEM_COST = 10, MINE_PAIR_COST = 1, MINE_SHARE_PERCENT = 50 };

struct mine_pair {
    uint32_t client, server; /* below n of its side */
    uint32_t kind;           /* service x strength, whatever the caller numbers; below n_kinds */
};

/* What the policy has a name for, or could give one to. Sets may overlap. */
struct mine_set {
    const uint32_t *members; /* vertices of this side, any order; may be ones without a pair */
    size_t n_members;
    /* Members that are no vertex: naming the set would allow them too. Those of two sets are
     * taken for different ones; make machines that several sets share vertices without pairs.
     * Counting every free address of a prefix keeps it from ever being named: count machines that
     * are known or likely. */
    uint64_t n_unseen;
    bool may_generalise; /* false (untrusted): named only where that allows nothing new */
};

struct mine_side {
    uint32_t n; /* vertices: 0 .. n - 1 */
    const struct mine_set *sets;
    uint32_t n_sets;
    const bool *may_generalise; /* n; a pair never seen has no vertex of `false`. NULL: all may */
};

struct mine_input {
    const struct mine_pair *pairs; /* any order, repeats are fine */
    size_t n_pairs;
    uint32_t n_kinds;
    /* n_kinds: kinds of equal family may stand in one entry (services of equal strength). Each kind
     * is mined alone, then entries with equal sides are joined. NULL: none are joined. */
    const uint32_t *family;
    struct mine_side clients, servers;
};

struct mine_options {
    bool generalise;
    uint64_t entry_cost, item_cost, pair_cost; /* all 0: the defaults above */
    unsigned min_share_percent;                /* 1 .. 100; 0: the default above */
    uint64_t steps; /* effort for the search of each kind; 0: LIMIT_MINE_STEPS */
};

struct mine_items {
    const uint32_t *sets; /* ascending; index into the side's sets */
    size_t n_sets;
    const uint32_t *singles; /* ascending; vertices that are in none of these sets */
    size_t n_singles;
};

struct mine_entry {
    const uint32_t *kinds; /* ascending, at least one */
    size_t n_kinds;
    struct mine_items clients, servers;
    uint64_t seen;    /* pairs seen that it covers, over its kinds: what justifies it */
    uint64_t own;     /* those that no other entry covers */
    uint64_t allowed; /* pairs that it allows, members without a vertex included */
};

struct mine_result {
    /* By kinds, then client items, then server items. */
    const struct mine_entry *entries;
    size_t n_entries;
    uint64_t cost;    /* of the entries, by the formula above */
    uint64_t seen;    /* distinct pairs */
    uint64_t allowed; /* distinct pairs that some entry allows; seen <= allowed */

    /* Counted kind by kind, before entries of several kinds were joined. The answer has n_alone
     * entries, no cover of its regime has fewer than `bound`. The exact cover that was found first
     * has n_exact; the exact regime has n_alone == n_exact and bound == exact_bound. */
    size_t n_alone, bound;
    size_t n_exact, exact_bound;

    /* How far the reductions alone came (exact cover, all kinds): rows of twins told apart, pairs
     * between those, pairs that still had to be searched, independent parts of these. */
    size_t client_classes, server_classes, class_pairs, kernel_pairs, components;
    uint64_t steps;  /* spent */
    bool exhausted;  /* a search ended before the optimum was proved */
    bool overflowed; /* some kind was over a limit: one entry per server (or client) there */
};

/* The answer lasts as long as the arena; scratch is gone at return. Memory grows with pairs, sets'
 * members and LIMIT_MINE_KERNEL_BITS, never with the search. */
struct mine_result mine(const struct mine_input *input, const struct mine_options *options,
                        struct arena *arena, struct arena scratch);

/* Nothing smaller exists in its regime. */
bool mine_is_optimal(const struct mine_result *result);
/* How many per cent the answer may be above the optimum, at most; 0 when it is optimal. */
double mine_gap_percent(const struct mine_result *result);
/* Pairs allowed per pair seen; 1 = nothing but what was seen. 1 too when nothing was seen. */
double mine_over_grant(const struct mine_result *result);

/* The pairs that justify an entry: their indices in input->pairs, ascending, repeats included. */
const uint32_t *mine_justification(const struct mine_input *input, const struct mine_entry *entry,
                                   struct arena *arena, struct arena scratch, size_t *out_n);
