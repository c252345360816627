/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/mine_branch.h"

#include "reason/mine_bound.h"

enum {
    BRANCH_CHILDREN = 512, /* maximal bicliques of one edge; with more there are too many to try */
};

/* The maximal bicliques of an edge, within the vertices that can matter. Attributes are the
 * smaller side; each closed set of them is found once, when no smaller attribute joined it. */
struct family {
    struct mine_part *part;
    int side;                  /* of the attributes */
    const mine_word *within;   /* attributes that may be used */
    size_t n_words, n_objects; /* words of a set of attributes, of objects */
    mine_word *sets;           /* BRANCH_CHILDREN sets of attributes */
    uint32_t n_sets;
    bool full;
};

/* Attributes (within) that all objects have; objects are not empty. */
static void family_close(struct family *family, const mine_word *objects, mine_word *out)
{
    struct mine_part *part = family->part;
    memcpy(out, family->within, family->n_words * sizeof *out);
    for (uint32_t u = mine_part_next(objects, family->n_objects, 0); u != UINT32_MAX;
         u = mine_part_next(objects, family->n_objects, u + 1)) {
        const mine_word *row = mine_part_row(part->near, part, !family->side, u);
        for (size_t i = 0; i < family->n_words; i++)
            out[i] &= row[i];
        mine_effort_spend(part->effort, family->n_words);
    }
}

static bool same_below(const mine_word *a, const mine_word *b, uint32_t limit)
{
    size_t whole = limit / MINE_WORD_BITS;
    if (memcmp(a, b, whole * sizeof *a) != 0) return false;
    mine_word mask = ((mine_word)1 << limit % MINE_WORD_BITS) - 1;
    return !mask || ((a[whole] ^ b[whole]) & mask) == 0;
}

/* Close-by-One (Kuznetsov 1993). Depth is bounded by the attributes (LIMIT_MINE_BRANCH_VERTICES).
 */
static void family_list(struct family *family, const mine_word *objects, const mine_word *set,
                        uint32_t from, struct arena scratch)
{
    struct mine_part *part = family->part;
    if (family->n_sets == BRANCH_CHILDREN || !mine_effort_left(part->effort)) {
        family->full = true;
        return;
    }
    memcpy(family->sets + family->n_sets++ * family->n_words, set, family->n_words * sizeof *set);
    mine_word *fewer = arena_array(&scratch, mine_word, family->n_objects);
    mine_word *more = arena_array(&scratch, mine_word, family->n_words);
    for (uint32_t y = mine_part_next(family->within, family->n_words, from);
         y != UINT32_MAX && !family->full;
         y = mine_part_next(family->within, family->n_words, y + 1)) {
        if (set[y / MINE_WORD_BITS] >> y % MINE_WORD_BITS & 1) continue;
        const mine_word *row = mine_part_row(part->near, part, family->side, y);
        for (size_t i = 0; i < family->n_objects; i++)
            fewer[i] = objects[i] & row[i];
        family_close(family, fewer, more);
        if (same_below(more, set, y)) family_list(family, fewer, more, y + 1, scratch);
    }
}

struct branch {
    struct mine_part *part;
    const uint32_t *order;
    uint32_t bound, best;
    struct mine_block *found; /* best of them */
    struct arena *arena;
    bool gave_up;
};

/* Keeps the part's slots as the best cover so far. */
static void branch_record(struct branch *branch)
{
    const struct mine_part *part = branch->part;
    branch->best = part->n_alive;
    branch->found = arena_array(branch->arena, struct mine_block, part->n_alive);
    uint32_t n = 0;
    for (uint32_t slot = 0; slot < part->n_slots; slot++) {
        if (!part->slots[slot].alive) continue;
        const struct mine_block *block = &part->slots[slot].block;
        struct mine_block *copy = &branch->found[n++];
        for (int side = 0; side < 2; side++) {
            copy->n[side] = block->n[side];
            copy->end[side] = arena_array(branch->arena, uint32_t, block->n[side]);
            memcpy(copy->end[side], block->end[side], block->n[side] * sizeof *block->end[side]);
        }
    }
}

/* The ends of `side` near v of the other side that have an open edge among `others`. */
static uint32_t useful_ends(const struct mine_part *part, int side, uint32_t v,
                            const mine_word *others, mine_word *out)
{
    const mine_word *near = mine_part_row(part->near, part, !side, v);
    size_t n_words = part->words[!side];
    uint32_t n = 0;
    memset(out, 0, n_words * sizeof *out);
    for (uint32_t u = mine_part_next(near, n_words, 0); u != UINT32_MAX;
         u = mine_part_next(near, n_words, u + 1)) {
        const mine_word *open = mine_part_row(part->open, part, side, u);
        bool useful = false;
        for (size_t i = 0; i < part->words[side] && !useful; i++)
            useful = (open[i] & others[i]) != 0;
        mine_effort_spend(part->effort, part->words[side]);
        if (!useful) continue;
        out[u / MINE_WORD_BITS] |= (mine_word)1 << u % MINE_WORD_BITS;
        n++;
    }
    return n;
}

struct child {
    uint32_t gain, place;
};

static int compare_child(const void *a, const void *b)
{
    const struct child *x = a, *y = b;
    if (x->gain != y->gain) return x->gain > y->gain ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static void branch_on(struct branch *branch, struct arena scratch);

/* Tries every set of the family as the next biclique, those that cover most first. */
static void branch_children(struct branch *branch, const struct family *family,
                            struct arena scratch)
{
    struct mine_part *part = branch->part;
    struct child *children = arena_array(&scratch, struct child, family->n_sets);
    for (uint32_t i = 0; i < family->n_sets; i++) {
        uint32_t open = part->n_open;
        mine_part_form(part, !family->side, family->sets + i * family->n_words);
        uint32_t slot = mine_part_add(part);
        children[i] = (struct child){open - part->n_open, i};
        mine_part_drop(part, slot);
        mine_part_release(part, slot);
    }
    qsort(children, family->n_sets, sizeof *children, compare_child);
    for (uint32_t i = 0; i < family->n_sets && branch->best > branch->bound; i++) {
        mine_part_form(part, !family->side, family->sets + children[i].place * family->n_words);
        uint32_t slot = mine_part_add(part);
        branch_on(branch, scratch);
        mine_part_drop(part, slot);
        mine_part_release(part, slot);
        if (branch->gave_up) return;
    }
}

static void branch_edge(struct branch *branch, uint32_t e, struct arena scratch)
{
    struct mine_part *part = branch->part;
    uint32_t u = part->end[0][e], v = part->end[1][e];
    mine_word *ends[2] = {arena_array(&scratch, mine_word, part->words[1]),
                          arena_array(&scratch, mine_word, part->words[0])};
    uint32_t n[2];
    n[0] = useful_ends(part, 0, v, mine_part_row(part->near, part, 0, u), ends[0]);
    n[1] = useful_ends(part, 1, u, mine_part_row(part->near, part, 1, v), ends[1]);
    int side = n[1] <= n[0];
    struct family family = {
        .part = part,
        .side = side,
        .within = ends[side],
        .n_words = part->words[!side],
        .n_objects = part->words[side],
    };
    family.sets = arena_array(&scratch, mine_word, BRANCH_CHILDREN * family.n_words);
    mine_word *all = arena_array(&scratch, mine_word, family.n_words);
    family_close(&family, ends[!side], all);
    family_list(&family, ends[!side], all, 0, scratch);
    if (family.full) {
        branch->gave_up = true;
        return;
    }
    branch_children(branch, &family, scratch);
}

/* At most as deep as the best cover is long. */
static void branch_on(struct branch *branch, struct arena scratch)
{
    struct mine_part *part = branch->part;
    if (!part->n_open) {
        if (part->n_alive < branch->best) branch_record(branch);
        return;
    }
    if (!mine_effort_left(part->effort)) {
        branch->gave_up = true;
        return;
    }
    uint32_t *open = arena_array(&scratch, uint32_t, part->n_open), n_open = 0;
    for (uint32_t i = 0; i < part->n_needed; i++)
        if (!part->count[branch->order[i]]) open[n_open++] = branch->order[i];
    uint32_t *apart = arena_array(&scratch, uint32_t, part->n[0]);
    uint32_t n_apart = mine_bound_greedy(part, open, n_open, apart, part->effort, scratch);
    mine_effort_spend(part->effort, part->n_needed);
    if (part->n_alive + n_apart >= branch->best) return;
    branch_edge(branch, open[0], scratch);
}

bool mine_branch_find(struct mine_part *part, uint32_t bound, const uint32_t *order,
                      struct arena scratch)
{
    if (part->n_alive <= bound) return true;
    struct branch branch = {.part = part, .order = order, .bound = bound, .arena = part->arena};
    branch_record(&branch);
    mine_part_clear(part);
    branch_on(&branch, scratch);
    for (uint32_t i = 0; i < branch.best; i++) {
        for (int side = 0; side < 2; side++) {
            memset(part->bits[side], 0, part->words[!side] * sizeof *part->bits[side]);
            for (uint32_t j = 0; j < branch.found[i].n[side]; j++) {
                uint32_t x = branch.found[i].end[side][j];
                part->bits[side][x / MINE_WORD_BITS] |= (mine_word)1 << x % MINE_WORD_BITS;
            }
        }
        mine_part_add(part);
    }
    return !branch.gave_up;
}
