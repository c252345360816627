/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/address_table.h"

enum {
    FEW = 4,         /* boundaries that are looked through one by one */
    KIND_SHIFT = 30, /* of a cell: what it is, then which */
    BLOCK = 64,
    HALF_BITS = 64,
};
/* A class; the interval or step before the cell's first boundary; a node. */
enum cell_kind { CELL_CLASS, CELL_INTERVAL, CELL_STEP, CELL_NODE };
#define CELL_VALUE ((UINT32_C(1) << KIND_SHIFT) - 1)

/* Cuts by the high halves of addresses, or by the low ones where all boundaries share the high
 * half.
 */
struct node {
    uint64_t base, high;
    uint32_t first_cell, n_cells;
    uint32_t before, after; /* classes of addresses below and above all of its boundaries */
    uint8_t shift;
    bool by_low;
};

/* The line has three pieces, since IPv4 lies in the midst of IPv6. */
enum piece { PIECE_BELOW, PIECE_V4, PIECE_ABOVE, PIECES };

/* An interval of IPv4, so small that a cell's few and their classes share a line of the cache. */
struct step {
    uint32_t start, class_id;
};

struct address_table {
    const struct addr *starts;
    const uint32_t *class_of;
    size_t n;
    /* The first begins before IPv4 does, or with it; after the last there are FEW that are its
     * like.
     */
    struct step *steps;
    size_t first_step, n_steps; /* first_step: its interval */
    uint32_t roots[PIECES];     /* cells */
    struct node *nodes;
    size_t n_nodes, nodes_room;
    uint32_t *cells;
    size_t n_cells, cells_room;
};

static uint32_t cell_of(enum cell_kind kind, size_t value)
{
    assert(value <= CELL_VALUE);
    return (uint32_t)kind << KIND_SHIFT | (uint32_t)value;
}

static unsigned bits_of(uint64_t value)
{
    unsigned bits = 0;
    while (bits < HALF_BITS && value >> bits)
        bits++;
    return bits;
}

static uint64_t key_of(const struct address_table *t, size_t interval, bool by_low)
{
    return by_low ? t->starts[interval].lo : t->starts[interval].hi;
}

/* ---- Building -----------------------------------------------------------------------------------
 */

static uint32_t take_cells(struct address_table *t, size_t n, struct arena *arena)
{
    size_t first = t->n_cells;
    assert(n <= CELL_VALUE && first + n <= CELL_VALUE);
    if (first + n > t->cells_room) {
        size_t room = 2 * (first + n);
        uint32_t *cells = arena_array(arena, uint32_t, room);
        if (first) memcpy(cells, t->cells, first * sizeof *cells);
        t->cells = cells;
        t->cells_room = room;
    }
    t->n_cells += n;
    return (uint32_t)first;
}

/* Boundaries that a node has to cut: intervals first up to end. */
struct stretch {
    size_t first, end;
};

/* A node over boundaries; first is not 0. Its cells that need nodes of their own are left to the
 * caller, as their boundaries in `left`. */
static uint32_t add_node(struct address_table *t, struct stretch s, struct arena *arena)
{
    bool by_low = t->starts[s.first].hi == t->starts[s.end - 1].hi;
    uint64_t base = key_of(t, s.first, by_low), span = key_of(t, s.end - 1, by_low) - base;
    unsigned wanted = bits_of(s.end - s.first) - 1, bits = bits_of(span);
    struct node node = {
        .base = base,
        .high = t->starts[s.first].hi,
        .before = t->class_of[s.first - 1],
        .after = t->class_of[s.end - 1],
        .shift = (uint8_t)(bits > wanted ? bits - wanted : 0),
        .by_low = by_low,
    };
    node.n_cells = (uint32_t)(span >> node.shift) + 1;
    node.first_cell = take_cells(t, node.n_cells, arena);
    arena_grow(arena, t->nodes, t->n_nodes, t->nodes_room);
    t->nodes[t->n_nodes] = node;
    return (uint32_t)t->n_nodes++;
}

/* The boundaries in a cell, from the first that is not before it. */
static size_t cell_end(const struct address_table *t, const struct node *node, size_t at,
                       size_t end, uint32_t cell)
{
    while (at < end && (key_of(t, at, node->by_low) - node->base) >> node->shift == cell)
        at++;
    return at;
}

/* One boundary at the very beginning of the cell: all of the cell is its interval. */
static bool begins_cell(const struct address_table *t, const struct node *node, size_t at,
                        uint32_t cell)
{
    uint64_t first = node->base + ((uint64_t)cell << node->shift);
    return key_of(t, at, node->by_low) == first && (node->by_low || !t->starts[at].lo);
}

/* Fills the cells of a node; those with many boundaries become nodes, to be filled in turn. */
static void fill(struct address_table *t, uint32_t number, struct stretch s,
                 struct stretch **waiting, size_t *n, size_t *room, struct arena *arena,
                 struct arena *scratch)
{
    struct node node = t->nodes[number];
    size_t at = s.first;
    for (uint32_t i = 0; i < node.n_cells; i++) {
        size_t end = cell_end(t, &node, at, s.end, i);
        bool is_v4 = at - 1 >= t->first_step && end <= t->first_step + t->n_steps;
        uint32_t cell =
            is_v4 ? cell_of(CELL_STEP, at - 1 - t->first_step) : cell_of(CELL_INTERVAL, at - 1);
        if (end == at)
            cell = cell_of(CELL_CLASS, t->class_of[at - 1]);
        else if (end == at + 1 && begins_cell(t, &node, at, i))
            cell = cell_of(CELL_CLASS, t->class_of[at]);
        else if (end - at > FEW) {
            struct stretch part = {at, end};
            cell = cell_of(CELL_NODE, add_node(t, part, arena));
            arena_grow(scratch, *waiting, *n, *room);
            (*waiting)[(*n)++] = part;
        }
        t->cells[node.first_cell + i] = cell;
        at = end;
    }
}

static uint32_t add_piece(struct address_table *t, struct stretch s, struct arena *arena,
                          struct arena scratch)
{
    if (s.first == s.end) return cell_of(CELL_CLASS, t->class_of[s.first - 1]);
    struct stretch *waiting = NULL;
    size_t n = 0, room = 0;
    uint32_t root = add_node(t, s, arena), next = root;
    arena_grow(&scratch, waiting, n, room);
    waiting[n++] = s;
    /* Nodes are added in the order in which they wait. */
    for (size_t i = 0; i < n; i++)
        fill(t, next++, waiting[i], &waiting, &n, &room, arena, &scratch);
    return cell_of(CELL_NODE, root);
}

/* The first interval that begins after an address. */
static size_t first_after(const struct addr *starts, size_t n, struct addr a)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(starts[middle], a) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct address_table *address_table_build(const struct addr *starts, const uint32_t *class_of,
                                          size_t n, struct arena *arena)
{
    assert(n && n <= CELL_VALUE && addr_equal(starts[0], addr_all.first));
    struct address_table *t = arena_new(arena, struct address_table);
    struct arena scratch = arena_open("table", 0, NULL);
    *t = (struct address_table){.starts = starts, .class_of = class_of, .n = n};
    struct stretch pieces[PIECES] = {
        [PIECE_BELOW] = {1,                  first_after(starts, n,                  addr_previous(addr_all_v4.first))},
        [PIECE_V4] = {first_after(starts, n,                  addr_all_v4.first),
                         first_after(starts,                                                                            n, addr_all_v4.last)},
        [PIECE_ABOVE] = {first_after(starts, n,                   addr_all_v4.last),                    n                                                   },
    };
    struct stretch v4 = pieces[PIECE_V4];
    t->first_step = v4.first - 1;
    t->n_steps = v4.end - t->first_step;
    t->steps = arena_array(arena, struct step, t->n_steps + FEW);
    for (size_t i = 0; i < t->n_steps; i++)
        t->steps[i] = (struct step){i ? addr_v4_value(starts[t->first_step + i]) : 0,
                                    class_of[t->first_step + i]};
    for (size_t i = t->n_steps; i < t->n_steps + FEW; i++)
        t->steps[i] = (struct step){UINT32_MAX, t->steps[t->n_steps - 1].class_id};
    for (size_t i = 0; i < PIECES; i++)
        t->roots[i] = add_piece(t, pieces[i], arena, scratch);
    arena_close(&scratch);
    return t;
}

/* ---- Finding ------------------------------------------------------------------------------------
 */

static uint32_t root_of(const struct address_table *t, struct addr a)
{
    if (!a.hi && a.lo >> 32 == UINT16_MAX) return t->roots[PIECE_V4];
    return t->roots[!a.hi && a.lo >> 32 < UINT16_MAX ? PIECE_BELOW : PIECE_ABOVE];
}

/* Where the cell of a node that an address is in stands; false when it is outside of them all, and
 * *out is its class. */
static bool cell_at(const struct node *node, struct addr a, uint32_t *out)
{
    uint64_t key = node->by_low ? a.lo : a.hi;
    bool below = key < node->base;
    if (node->by_low && a.hi != node->high) {
        *out = a.hi < node->high ? node->before : node->after;
        return false;
    }
    if (below) {
        *out = node->before;
        return false;
    }
    uint64_t at = (key - node->base) >> node->shift;
    *out = node->first_cell + (at < node->n_cells ? (uint32_t)at : node->n_cells - 1);
    return true;
}

static bool begins_by(struct addr start, struct addr a)
{
    return start.hi < a.hi || (start.hi == a.hi && start.lo <= a.lo);
}

static uint32_t class_of_cell(const struct address_table *t, uint32_t cell, struct addr a)
{
    size_t at = cell & CELL_VALUE;
    if (cell >> KIND_SHIFT == CELL_CLASS) return (uint32_t)at;
    if (cell >> KIND_SHIFT == CELL_STEP) {
        /* All of the cell's are compared: no jump that random addresses would take at random. */
        const struct step *steps = t->steps + at;
        uint32_t value = (uint32_t)(a.lo & UINT32_MAX);
        size_t on = 0;
        for (size_t i = 1; i <= FEW; i++)
            on += steps[i].start <= value;
        return steps[on].class_id;
    }
    while (at + 1 < t->n && begins_by(t->starts[at + 1], a))
        at++;
    return t->class_of[at];
}

uint32_t address_table_find(const struct address_table *table, struct addr a)
{
    uint32_t cell = root_of(table, a);
    while (cell >> KIND_SHIFT == CELL_NODE) {
        uint32_t at = 0;
        if (!cell_at(&table->nodes[cell & CELL_VALUE], a, &at)) return at;
        cell = table->cells[at];
    }
    return class_of_cell(table, cell, a);
}

static void prefetch_cell(const struct address_table *t, uint32_t cell)
{
    uint32_t value = cell & CELL_VALUE;
    if (cell >> KIND_SHIFT == CELL_NODE) prefetch(&t->nodes[value]);
    if (cell >> KIND_SHIFT == CELL_STEP) {
        prefetch(&t->steps[value]);
        prefetch(&t->steps[value + FEW]);
    }
    if (cell >> KIND_SHIFT == CELL_INTERVAL) {
        prefetch(&t->starts[value + 1]);
        prefetch(&t->class_of[value]);
    }
}

/* cells: of each address, from its root to its last. */
static void descend(const struct address_table *t, const struct addr *addrs, size_t n,
                    uint32_t *cells)
{
    uint32_t at[BLOCK];
    uint8_t waiting[BLOCK];
    size_t n_waiting = 0;
    for (size_t i = 0; i < n; i++) {
        cells[i] = root_of(t, addrs[i]);
        if (cells[i] >> KIND_SHIFT == CELL_NODE) waiting[n_waiting++] = (uint8_t)i;
    }
    /* A level of nodes a turn, for all that have one: where their cells are, then what is there. */
    while (n_waiting) {
        size_t kept = 0;
        for (size_t k = 0; k < n_waiting; k++) {
            size_t i = waiting[k];
            if (!cell_at(&t->nodes[cells[i] & CELL_VALUE], addrs[i], &at[i])) {
                cells[i] = at[i];
                continue;
            }
            prefetch(&t->cells[at[i]]);
            waiting[kept++] = (uint8_t)i;
        }
        n_waiting = 0;
        for (size_t k = 0; k < kept; k++) {
            size_t i = waiting[k];
            cells[i] = t->cells[at[i]];
            prefetch_cell(t, cells[i]);
            if (cells[i] >> KIND_SHIFT == CELL_NODE) waiting[n_waiting++] = (uint8_t)i;
        }
    }
}

void address_table_find_many(const struct address_table *table, const struct addr *addrs, size_t n,
                             uint32_t *out)
{
    for (size_t start = 0; start < n; start += BLOCK) {
        size_t len = n - start < BLOCK ? n - start : BLOCK;
        descend(table, addrs + start, len, out + start);
        for (size_t i = start; i < start + len; i++)
            out[i] = class_of_cell(table, out[i], addrs[i]);
    }
}

uint64_t address_table_bytes(const struct address_table *table)
{
    return table->n * (sizeof *table->starts + sizeof *table->class_of) +
           table->n_steps * sizeof *table->steps + table->n_cells * sizeof *table->cells +
           table->n_nodes * sizeof *table->nodes;
}
