/* SPDX-License-Identifier: Apache-2.0 */
/* A part of the kernel that is searched on its own, as rows of bits, and a cover in the making: a
 * list of maximal bicliques (slots) and for each edge that needs one how many have it. A slot of
 * which no edge is its alone (`own` is 0) can go.
 */
#pragma once

#include "reason/mine_graph.h"

typedef uint64_t mine_word;
enum { MINE_WORD_BITS = 64 };

struct mine_slot {
    struct mine_block block;
    uint32_t room[2];
    uint32_t own;  /* edges that no other slot covers */
    uint32_t born; /* the part's round when it was added */
    bool alive;
};

struct mine_part {
    uint32_t n[2];
    const uint32_t *vertex[2]; /* of the kernel */
    size_t words[2];           /* of a row of this side: bits of the other */
    mine_word *near[2];
    uint32_t n_needed;
    uint32_t *end[2];       /* of each edge that is needed, by client, then server */
    uint32_t *first_needed; /* of a client: n[0] + 1 */

    mine_word *open[2]; /* needed and not covered yet, like near */
    uint32_t *n_open_at[2];
    uint32_t n_open;
    uint32_t *count; /* per edge: slots that cover it */
    uint32_t *mixed; /* xor of those slots: with one, its number */

    struct mine_slot *slots;
    uint32_t n_slots, n_alive, round;
    size_t slots_room;
    uint32_t *released; /* numbers to give out again, as many as slots have room */
    uint32_t n_released;
    mine_word *bits[2]; /* of n[side]: a biclique in the making */
    struct arena *arena;
    struct mine_effort *effort;
};

/* How many bits are set. */
static inline uint32_t mine_word_count(mine_word word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    word += word >> 8;
    word += word >> 16;
    word += word >> 32;
    return (uint32_t)(word & 0x7f);
}

static inline bool mine_part_near(const struct mine_part *part, uint32_t client, uint32_t server)
{
    mine_word word = part->near[0][client * part->words[0] + server / MINE_WORD_BITS];
    return word >> server % MINE_WORD_BITS & 1;
}

static inline mine_word *mine_part_row(mine_word *const rows[2], const struct mine_part *part,
                                       int side, uint32_t x)
{
    return rows[side] + x * part->words[side];
}

/* The smallest member at or after `from`, UINT32_MAX when there is none. */
uint32_t mine_part_next(const mine_word *bits, size_t n_words, uint32_t from);

/* Words of a matrix: what decides whether a part may be searched (LIMIT_MINE_KERNEL_BITS). */
uint64_t mine_part_words(const uint32_t n[2]);

/* vertex[side] lists the kernel's vertices of the part, ascending; local[side] tells a vertex its
 * place there. Nothing is covered at first. */
struct mine_part mine_part_begin(const struct mine_graph *kernel, const uint32_t *const vertex[2],
                                 const uint32_t n[2], const uint32_t *const local[2],
                                 struct mine_effort *effort, struct arena *arena);

/* Leaves in part->bits the maximal biclique of all ends of `side` that are near all of `others`
 * (bits of the other side; not empty, and all near one end of `side`). */
void mine_part_form(struct mine_part *part, int side, const mine_word *others);

/* Adds what part->bits holds; the answer is its slot. */
uint32_t mine_part_add(struct mine_part *part);
void mine_part_put(struct mine_part *part, uint32_t slot); /* one that was dropped before */
void mine_part_drop(struct mine_part *part, uint32_t slot);
/* A dropped slot's number may be given out again. */
void mine_part_release(struct mine_part *part, uint32_t slot);
/* Drops and releases: one slot, or all. */
void mine_part_remove(struct mine_part *part, uint32_t slot);
void mine_part_clear(struct mine_part *part);
