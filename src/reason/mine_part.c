/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/mine_part.h"

uint32_t mine_part_next(const mine_word *bits, size_t n_words, uint32_t from)
{
    size_t i = from / MINE_WORD_BITS;
    if (i >= n_words) return UINT32_MAX;
    mine_word word = bits[i] & ~(mine_word)0 << from % MINE_WORD_BITS;
    while (!word) {
        if (++i == n_words) return UINT32_MAX;
        word = bits[i];
    }
    return (uint32_t)(i * MINE_WORD_BITS) + num_low_bit(word);
}

static size_t words_for(uint32_t n)
{
    return ((size_t)n + MINE_WORD_BITS - 1) / MINE_WORD_BITS;
}

uint64_t mine_part_words(const uint32_t n[2])
{
    uint64_t a = (uint64_t)n[0] * words_for(n[1]), b = (uint64_t)n[1] * words_for(n[0]);
    return a > b ? a : b;
}

static void bit_set(mine_word *bits, uint32_t at)
{
    bits[at / MINE_WORD_BITS] |= (mine_word)1 << at % MINE_WORD_BITS;
}

static void bit_clear(mine_word *bits, uint32_t at)
{
    bits[at / MINE_WORD_BITS] &= ~((mine_word)1 << at % MINE_WORD_BITS);
}

static bool bit_has(const mine_word *bits, uint32_t at)
{
    return bits[at / MINE_WORD_BITS] >> at % MINE_WORD_BITS & 1;
}

/* An edge gets or loses its last cover. */
static void edge_open(struct mine_part *part, uint32_t e)
{
    for (int side = 0; side < 2; side++) {
        uint32_t x = part->end[side][e];
        bit_set(mine_part_row(part->open, part, side, x), part->end[!side][e]);
        part->n_open_at[side][x]++;
    }
    part->n_open++;
}

static void edge_close(struct mine_part *part, uint32_t e)
{
    for (int side = 0; side < 2; side++) {
        uint32_t x = part->end[side][e];
        bit_clear(mine_part_row(part->open, part, side, x), part->end[!side][e]);
        part->n_open_at[side][x]--;
    }
    part->n_open--;
}

struct mine_part mine_part_begin(const struct mine_graph *kernel, const uint32_t *const vertex[2],
                                 const uint32_t n[2], const uint32_t *const local[2],
                                 struct mine_effort *effort, struct arena *arena)
{
    struct mine_part part = {.arena = arena, .effort = effort};
    for (int side = 0; side < 2; side++) {
        part.n[side] = n[side];
        part.vertex[side] = vertex[side];
        part.words[side] = words_for(n[!side]);
        part.near[side] = arena_array(arena, mine_word, n[side] * part.words[side]);
        part.open[side] = arena_array(arena, mine_word, n[side] * part.words[side]);
        part.n_open_at[side] = arena_array(arena, uint32_t, n[side]);
        part.bits[side] = arena_array(arena, mine_word, words_for(n[side]));
    }
    part.first_needed = arena_array(arena, uint32_t, (size_t)n[0] + 1);
    for (uint32_t u = 0; u < n[0]; u++) {
        uint32_t from = kernel->first[0][vertex[0][u]], to = kernel->first[0][vertex[0][u] + 1];
        for (uint32_t e = from; e < to; e++) {
            uint32_t v = local[1][kernel->near[0][e]];
            bit_set(mine_part_row(part.near, &part, 0, u), v);
            bit_set(mine_part_row(part.near, &part, 1, v), u);
            part.n_needed += kernel->need[e] == MINE_NEEDED;
        }
        part.first_needed[u + 1] = part.n_needed;
    }
    part.end[0] = arena_array(arena, uint32_t, part.n_needed);
    part.end[1] = arena_array(arena, uint32_t, part.n_needed);
    part.count = arena_array(arena, uint32_t, part.n_needed);
    part.mixed = arena_array(arena, uint32_t, part.n_needed);
    uint32_t n_needed = 0;
    for (uint32_t u = 0; u < n[0]; u++) {
        uint32_t from = kernel->first[0][vertex[0][u]], to = kernel->first[0][vertex[0][u] + 1];
        for (uint32_t e = from; e < to; e++) {
            if (kernel->need[e] != MINE_NEEDED) continue;
            part.end[0][n_needed] = u;
            part.end[1][n_needed] = local[1][kernel->near[0][e]];
            edge_open(&part, n_needed++);
        }
    }
    return part;
}

/* out = the common neighbours of all members of `of`, which are ends of `side`. */
static void common_near(struct mine_part *part, int side, const mine_word *of, mine_word *out)
{
    size_t n_words = part->words[side];
    bool first = true;
    uint64_t steps = part->words[!side];
    for (uint32_t x = mine_part_next(of, part->words[!side], 0); x != UINT32_MAX;
         x = mine_part_next(of, part->words[!side], x + 1)) {
        const mine_word *row = mine_part_row(part->near, part, side, x);
        if (first)
            memcpy(out, row, n_words * sizeof *out);
        else
            for (size_t i = 0; i < n_words; i++)
                out[i] &= row[i];
        first = false;
        steps += n_words;
    }
    mine_effort_spend(part->effort, steps);
}

void mine_part_form(struct mine_part *part, int side, const mine_word *others)
{
    common_near(part, !side, others, part->bits[side]);
    common_near(part, side, part->bits[side], part->bits[!side]);
}

/* --- slots --- */

/* Marks the servers of a slot in part->bits[1]; the same marks are taken back by clearing. */
static void mark_servers(struct mine_part *part, const struct mine_block *block, bool on)
{
    for (uint32_t i = 0; i < block->n[1]; i++)
        (on ? bit_set : bit_clear)(part->bits[1], block->end[1][i]);
}

static void cover_edge(struct mine_part *part, uint32_t e, uint32_t slot)
{
    if (part->count[e] == 0) {
        edge_close(part, e);
        part->slots[slot].own++;
    } else if (part->count[e] == 1) {
        part->slots[part->mixed[e]].own--;
    }
    part->count[e]++;
    part->mixed[e] ^= slot;
}

static void uncover_edge(struct mine_part *part, uint32_t e, uint32_t slot)
{
    part->count[e]--;
    part->mixed[e] ^= slot;
    if (part->count[e] == 0)
        edge_open(part, e);
    else if (part->count[e] == 1)
        part->slots[part->mixed[e]].own++;
}

static void each_edge(struct mine_part *part, uint32_t slot,
                      void (*visit)(struct mine_part *, uint32_t, uint32_t))
{
    const struct mine_block *block = &part->slots[slot].block;
    memset(part->bits[1], 0, part->words[0] * sizeof *part->bits[1]);
    mark_servers(part, block, true);
    uint64_t steps = part->words[0];
    for (uint32_t i = 0; i < block->n[0]; i++) {
        uint32_t u = block->end[0][i];
        for (uint32_t e = part->first_needed[u]; e < part->first_needed[u + 1]; e++)
            if (bit_has(part->bits[1], part->end[1][e])) visit(part, e, slot);
        steps += 1 + part->first_needed[u + 1] - part->first_needed[u];
    }
    mine_effort_spend(part->effort, steps);
}

void mine_part_put(struct mine_part *part, uint32_t slot)
{
    part->slots[slot].alive = true;
    part->slots[slot].own = 0;
    part->n_alive++;
    each_edge(part, slot, cover_edge);
}

void mine_part_drop(struct mine_part *part, uint32_t slot)
{
    each_edge(part, slot, uncover_edge);
    part->slots[slot].alive = false;
    part->n_alive--;
}

static uint32_t count_bits(const mine_word *bits, size_t n_words)
{
    uint32_t n = 0;
    for (size_t i = 0; i < n_words; i++)
        n += mine_word_count(bits[i]);
    return n;
}

static uint32_t fresh_slot(struct mine_part *part)
{
    if (part->n_released) return part->released[--part->n_released];
    if (part->n_slots == part->slots_room) {
        arena_grow(part->arena, part->slots, part->n_slots, part->slots_room);
        part->released = arena_array(part->arena, uint32_t, part->slots_room);
    }
    return part->n_slots++;
}

uint32_t mine_part_add(struct mine_part *part)
{
    uint32_t slot = fresh_slot(part);
    struct mine_slot *fresh = &part->slots[slot];
    for (int side = 0; side < 2; side++) {
        const mine_word *bits = part->bits[side];
        size_t n_words = part->words[!side];
        uint32_t n = count_bits(bits, n_words);
        if (n > fresh->room[side]) {
            fresh->room[side] = n > 2 * fresh->room[side] ? n : 2 * fresh->room[side];
            fresh->block.end[side] = arena_array(part->arena, uint32_t, fresh->room[side]);
        }
        fresh->block.n[side] = 0;
        for (uint32_t x = mine_part_next(bits, n_words, 0); x != UINT32_MAX;
             x = mine_part_next(bits, n_words, x + 1))
            fresh->block.end[side][fresh->block.n[side]++] = x;
    }
    fresh->born = part->round;
    mine_part_put(part, slot);
    return slot;
}

void mine_part_release(struct mine_part *part, uint32_t slot)
{
    assert(!part->slots[slot].alive && part->n_released < part->n_slots);
    part->released[part->n_released++] = slot;
}

void mine_part_remove(struct mine_part *part, uint32_t slot)
{
    mine_part_drop(part, slot);
    mine_part_release(part, slot);
}

void mine_part_clear(struct mine_part *part)
{
    for (uint32_t slot = 0; slot < part->n_slots; slot++)
        if (part->slots[slot].alive) mine_part_remove(part, slot);
}
