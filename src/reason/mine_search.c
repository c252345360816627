/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/mine_search.h"

#include "base/hash.h"

/* --- a queue of vertices by how many open edges they have --- */

enum { NO_NODE = UINT32_MAX };

struct queue_node {
    uint32_t vertex; /* of side 0, or n[0] + vertex of side 1 */
    uint32_t n_open; /* when it was put in; else it is stale */
    uint32_t next;
};

struct queue {
    uint32_t *head; /* per number of open edges */
    uint32_t n_heads, least;
    struct queue_node *nodes;
    uint32_t n_nodes, room;
    uint32_t shake;
    uint64_t random;
};

static uint32_t most_open(const struct mine_part *part)
{
    uint32_t most = 0;
    for (int side = 0; side < 2; side++)
        for (uint32_t x = 0; x < part->n[side]; x++)
            if (part->n_open_at[side][x] > most) most = part->n_open_at[side][x];
    return most;
}

static void queue_put(struct queue *queue, const struct mine_part *part, int side, uint32_t x)
{
    uint32_t n_open = part->n_open_at[side][x];
    if (!n_open) return;
    uint32_t place = n_open;
    if (queue->shake) {
        queue->random = hash_u64(queue->random);
        place += (uint32_t)(queue->random % (queue->shake + 1));
    }
    if (place >= queue->n_heads) place = queue->n_heads - 1;
    uint32_t vertex = side ? part->n[0] + x : x;
    queue->nodes[queue->n_nodes] = (struct queue_node){vertex, n_open, queue->head[place]};
    queue->head[place] = queue->n_nodes++;
    if (place < queue->least) queue->least = place;
}

/* Begins anew with all that is open; drops what is stale. */
static void queue_fill(struct queue *queue, const struct mine_part *part, int side)
{
    memset(queue->head, 0xff, queue->n_heads * sizeof *queue->head); /* NO_NODE */
    queue->n_nodes = 0;
    queue->least = queue->n_heads - 1;
    for (int s = 0; s < 2; s++) {
        if (side != 2 && s != side) continue;
        for (uint32_t n = part->n[s]; n > 0; n--) /* the first is on top */
            queue_put(queue, part, s, n - 1);
    }
    mine_effort_spend(part->effort, queue->n_heads + part->n[0] + part->n[1]);
}

/* The next vertex that is not stale; one exists while anything is open. */
static int queue_take(struct queue *queue, const struct mine_part *part, uint32_t *out_x)
{
    for (;;) {
        uint32_t node = queue->head[queue->least];
        if (node == NO_NODE) {
            assert(queue->least + 1 < queue->n_heads);
            queue->least++;
            continue;
        }
        queue->head[queue->least] = queue->nodes[node].next;
        uint32_t vertex = queue->nodes[node].vertex;
        int side = vertex >= part->n[0];
        uint32_t x = side ? vertex - part->n[0] : vertex;
        if (part->n_open_at[side][x] != queue->nodes[node].n_open) continue;
        *out_x = x;
        return side;
    }
}

/* Covers what is open. The vertex with the fewest open edges gets a biclique that has them all
 * (Ene et al. 2008, "lattice-free"), again and again. side: of the vertices that may be taken, 2 =
 * both. most: slots; with so many it ends, even if something is still open. shake: 0, or how many
 * open edges more a vertex may have and still be taken, by chance. */
static void cover_greedily(struct mine_part *part, int side, uint32_t most, uint32_t shake,
                           uint64_t random, struct arena scratch)
{
    struct queue queue = {.n_heads = most_open(part) + shake + 2, .shake = shake, .random = random};
    queue.head = arena_array(&scratch, uint32_t, queue.n_heads);
    queue.room = 2 * (part->n[0] + part->n[1]) + 64;
    queue.nodes = arena_array(&scratch, struct queue_node, queue.room);
    queue_fill(&queue, part, side);
    while (part->n_open && part->n_alive < most) {
        uint32_t x = 0;
        int of = queue_take(&queue, part, &x);
        mine_part_form(part, of, mine_part_row(part->open, part, of, x));
        uint32_t slot = mine_part_add(part);
        const struct mine_block *block = &part->slots[slot].block;
        if (queue.room - queue.n_nodes < block->n[0] + block->n[1]) {
            queue_fill(&queue, part, side);
            continue;
        }
        for (int s = 0; s < 2; s++)
            for (uint32_t i = 0; i < block->n[s] && (side == 2 || s == side); i++)
                queue_put(&queue, part, s, block->end[s][i]);
    }
}

/* --- the start --- */

/* Open edges that a biclique would cover: of these ends of `side`, with these others. */
static uint64_t open_between(const struct mine_part *part, int side, const mine_word *ends,
                             const uint32_t *others, uint32_t n_others)
{
    uint64_t n = 0;
    size_t n_words = part->words[!side];
    for (uint32_t i = 0; i < n_others; i++) {
        const mine_word *open = mine_part_row(part->open, part, !side, others[i]);
        for (size_t j = 0; j < n_words; j++)
            n += mine_word_count(ends[j] & open[j]);
    }
    mine_effort_spend(part->effort, n_others * n_words);
    return n;
}

/* The biclique of x of `side` and y of the other with the most open edges, as far as going for the
 * neighbour that keeps most ends finds it: left in part->bits. A step may lose before the next ones
 * gain, as when a server of many roles is narrowed to one role. width: by how much more edges of
 * several others count than those of y alone, which make a star. */
static void form_grown(struct mine_part *part, int side, uint32_t x, uint32_t y, uint32_t width,
                       struct arena scratch)
{
    enum { LOSSES = 6 };
    size_t n_words = part->words[side], n_other = part->words[!side];
    mine_word *others = arena_array(&scratch, mine_word, n_words);
    mine_word *ends = arena_array(&scratch, mine_word, n_other);
    uint32_t *list = arena_array(&scratch, uint32_t, part->n[!side]), n_list = 0, n_best = 0;
    const mine_word *near = mine_part_row(part->near, part, side, x);
    memcpy(ends, mine_part_row(part->near, part, !side, y), n_other * sizeof *ends);
    uint64_t most = 0;
    for (uint32_t chosen = y, losses = 0; chosen != UINT32_MAX && losses < LOSSES;) {
        others[chosen / MINE_WORD_BITS] |= (mine_word)1 << chosen % MINE_WORD_BITS;
        list[n_list++] = chosen;
        const mine_word *row = mine_part_row(part->near, part, !side, chosen);
        for (size_t i = 0; i < n_other; i++)
            ends[i] &= row[i];
        uint64_t gain = open_between(part, side, ends, list, n_list) * (n_list > 1 ? width : 1);
        if (gain > most) {
            most = gain;
            n_best = n_list;
            losses = 0;
        } else {
            losses++;
        }
        chosen = UINT32_MAX;
        uint32_t best_score = 0;
        for (uint32_t z = mine_part_next(near, n_words, 0); z != UINT32_MAX;
             z = mine_part_next(near, n_words, z + 1)) {
            if (others[z / MINE_WORD_BITS] >> z % MINE_WORD_BITS & 1) continue;
            const mine_word *to = mine_part_row(part->near, part, !side, z);
            const mine_word *open = mine_part_row(part->open, part, !side, z);
            uint32_t score = 0;
            for (size_t i = 0; i < n_other; i++)
                if (ends[i] & to[i])
                    score += mine_word_count(ends[i] & to[i]) + mine_word_count(ends[i] & open[i]);
            mine_effort_spend(part->effort, n_other);
            if (score <= best_score) continue;
            best_score = score;
            chosen = z;
        }
    }
    memset(others, 0, n_words * sizeof *others);
    for (uint32_t i = 0; i < n_best; i++)
        others[list[i] / MINE_WORD_BITS] |= (mine_word)1 << list[i] % MINE_WORD_BITS;
    mine_part_form(part, side, others);
}

/* Newest first: the first ones cover what is hardest to cover. */
static void drop_redundant(struct mine_part *part)
{
    for (uint32_t n = part->n_slots; n > 0; n--)
        if (part->slots[n - 1].alive && !part->slots[n - 1].own) mine_part_remove(part, n - 1);
}

void mine_search_start(struct mine_part *part, uint32_t bound, struct arena scratch)
{
    /* Vertices of the smaller side alone cannot take more than there are of them. */
    int smaller = part->n[1] <= part->n[0];
    const int sides[] = {smaller, 2, !smaller};
    uint32_t best = UINT32_MAX;
    size_t best_try = 0;
    for (size_t i = 0; i < COUNT_OF(sides) && best > bound; i++) {
        if (i && !mine_effort_left(part->effort)) break;
        mine_part_clear(part);
        cover_greedily(part, sides[i], best, 0, 0, scratch);
        drop_redundant(part);
        if (part->n_open || part->n_alive >= best) continue;
        best = part->n_alive;
        best_try = i;
    }
    if (!part->n_open && part->n_alive == best) return;
    mine_part_clear(part);
    cover_greedily(part, sides[best_try], UINT32_MAX, 0, 0, scratch);
    drop_redundant(part);
}

/* Takes the cover down and builds one of large bicliques, around the edges that have the fewest to
 * choose from. False: the effort ended, or it had as many as `most`. */
static bool cover_grown(struct mine_part *part, const uint32_t *order, uint32_t width,
                        uint32_t most, struct arena scratch)
{
    for (uint32_t i = 0; i < part->n_needed; i++) {
        uint32_t e = order[i];
        if (part->count[e]) continue;
        if (part->n_alive >= most || !mine_effort_left(part->effort)) return false;
        /* Neighbours of the end that has fewer are tried. */
        int side = part->n_open_at[1][part->end[1][e]] < part->n_open_at[0][part->end[0][e]];
        form_grown(part, side, part->end[side][e], part->end[!side][e], width, scratch);
        mine_part_add(part);
    }
    drop_redundant(part);
    return part->n_alive < most;
}

void mine_search_grow(struct mine_part *part, const uint32_t *order, uint32_t width,
                      struct arena scratch)
{
    uint32_t before = part->n_alive, n = 0;
    uint32_t *old = arena_array(&scratch, uint32_t, before);
    for (uint32_t slot = 0; slot < part->n_slots; slot++)
        if (part->slots[slot].alive) old[n++] = slot;
    for (uint32_t i = 0; i < n; i++)
        mine_part_drop(part, old[i]);
    bool better = cover_grown(part, order, width, before, scratch);
    if (!better) mine_part_clear(part);
    for (uint32_t i = 0; i < n; i++)
        if (better)
            mine_part_release(part, old[i]);
        else
            mine_part_put(part, old[i]);
}

/* --- polishing --- */

static bool block_has(const struct mine_block *block, int side, uint32_t x)
{
    uint32_t low = 0, high = block->n[side];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (block->end[side][middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low < block->n[side] && block->end[side][low] == x;
}

/* The first slot that is alive at or after `from`, in a circle. */
static uint32_t alive_from(const struct mine_part *part, uint32_t from)
{
    uint32_t slot = from % part->n_slots;
    while (!part->slots[slot].alive)
        slot = slot + 1 == part->n_slots ? 0 : slot + 1;
    return slot;
}

/* A slot that shares this end with others, else any. */
static uint32_t alive_near(const struct mine_part *part, uint32_t from, int side, uint32_t x)
{
    uint32_t slot = from % part->n_slots;
    for (uint32_t i = 0; i < part->n_slots; i++) {
        if (part->slots[slot].alive && block_has(&part->slots[slot].block, side, x)) return slot;
        slot = slot + 1 == part->n_slots ? 0 : slot + 1;
    }
    return alive_from(part, from);
}

static uint32_t random_below(uint64_t *random, uint32_t n)
{
    *random = hash_u64(*random);
    return (uint32_t)(*random % n);
}

/* The answer is how many were dropped. */
static uint32_t take_some_out(struct mine_part *part, uint32_t n, uint64_t *random,
                              uint32_t *dropped)
{
    uint32_t slot = alive_from(part, random_below(random, part->n_slots));
    const struct mine_block *first = &part->slots[slot].block;
    for (uint32_t i = 0;; i++) {
        mine_part_drop(part, slot);
        dropped[i] = slot;
        if (i + 1 >= n || !part->n_alive) return i + 1;
        int side = (int)random_below(random, 2);
        uint32_t x = first->end[side][random_below(random, first->n[side])];
        uint32_t from = random_below(random, part->n_slots);
        slot = random_below(random, 3) ? alive_near(part, from, side, x) : alive_from(part, from);
    }
}

/* The open neighbour of x after so many others. */
static uint32_t open_neighbour(const struct mine_part *part, int side, uint32_t x, uint32_t skip)
{
    const mine_word *open = mine_part_row(part->open, part, side, x);
    uint32_t y = mine_part_next(open, part->words[side], 0);
    for (; skip > 0; skip--)
        y = mine_part_next(open, part->words[side], y + 1);
    return y;
}

/* Small parts are worth a look at every neighbour. */
enum { GROWN_LIMIT = 1024 };

static void cover_again(struct mine_part *part, uint64_t *random, struct arena scratch)
{
    bool small = part->n[0] + part->n[1] <= GROWN_LIMIT;
    if (!small || random_below(random, 2)) {
        uint32_t shake = random_below(random, 4);
        cover_greedily(part, 2, UINT32_MAX, shake, *random, scratch);
        return;
    }
    while (part->n_open) {
        int side = (int)random_below(random, 2);
        uint32_t x = random_below(random, part->n[side]);
        while (!part->n_open_at[side][x])
            x = x + 1 == part->n[side] ? 0 : x + 1;
        uint32_t skip = random_below(random, part->n_open_at[side][x]);
        form_grown(part, side, x, open_neighbour(part, side, x, skip), 1, scratch);
        mine_part_add(part);
    }
}

/* Of the round: what it added goes, what it dropped comes back; or what it dropped is forgotten. */
static void end_round(struct mine_part *part, bool keep, const uint32_t *dropped,
                      uint32_t n_dropped)
{
    for (uint32_t slot = 0; slot < part->n_slots && !keep; slot++)
        if (part->slots[slot].alive && part->slots[slot].born == part->round)
            mine_part_remove(part, slot);
    for (uint32_t i = 0; i < n_dropped; i++)
        if (keep || part->slots[dropped[i]].born == part->round)
            mine_part_release(part, dropped[i]);
        else
            mine_part_put(part, dropped[i]);
}

void mine_search_polish(struct mine_part *part, uint32_t bound, uint32_t patience,
                        struct arena scratch)
{
    enum { MOST_OUT = 6 };
    uint64_t random = part->n_needed;
    /* Whatever was added covered an edge that was open: no more can go than edges, twice. */
    uint32_t *dropped = arena_array(&scratch, uint32_t, 2 * (size_t)part->n_needed + MOST_OUT);
    for (uint32_t vain = 0; vain < patience && part->n_alive > bound; vain++) {
        if (!mine_effort_left(part->effort)) return;
        uint32_t before = part->n_alive;
        part->round++;
        uint32_t n = take_some_out(part, 2 + random_below(&random, MOST_OUT - 1), &random, dropped);
        cover_again(part, &random, scratch);
        for (uint32_t slot = 0; slot < part->n_slots; slot++) {
            if (!part->slots[slot].alive || part->slots[slot].own) continue;
            mine_part_drop(part, slot);
            dropped[n++] = slot;
        }
        mine_effort_spend(part->effort, part->n_slots);
        if (part->n_alive < before) vain = 0;
        end_round(part, part->n_alive <= before, dropped, n);
    }
}
