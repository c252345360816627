/* SPDX-License-Identifier: Apache-2.0 */
/* The line is cut at every boundary of the entries' sets at one end; each piece lists the entries
 * that hold it. An entry that covers many pieces is kept apart, so that lists stay short in all. */
#include "rules/entry_index.h"

#include "rules/decision.h"

enum { MOST_PIECES = 16 }; /* of one entry */

struct end_index {
    struct addr *cuts; /* ascending; piece i begins at cuts[i] */
    size_t n_cuts;
    size_t *start; /* of piece i in items: start[i]..start[i + 1] */
    uint32_t *items, *wide;
    size_t n_wide;
};

struct entry_index {
    struct end_index ends[2];
};

static int addr_order(const void *left, const void *right)
{
    return addr_compare(*(const struct addr *)left, *(const struct addr *)right);
}

static struct prefix_set set_at(const struct resolved_entry *e, enum resolve_end end)
{
    return end == RESOLVE_CLIENT ? e->from : e->to;
}

static void cut_line(struct end_index *index, const struct resolved *r, enum resolve_end end,
                     struct arena *arena)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < r->n_entries; i++)
        n += 2 * set_at(&r->entries[i], end).n;
    index->cuts = arena_array(arena, struct addr, n + 1);
    index->cuts[index->n_cuts++] = addr_all.first;
    for (size_t i = 0; i < r->n_entries; i++) {
        struct prefix_set set = set_at(&r->entries[i], end);
        for (size_t j = 0; j < set.n; j++) {
            index->cuts[index->n_cuts++] = set.ranges[j].first;
            if (!addr_equal(set.ranges[j].last, addr_all.last))
                index->cuts[index->n_cuts++] = addr_next(set.ranges[j].last);
        }
    }
    qsort(index->cuts, index->n_cuts, sizeof *index->cuts, addr_order);
    for (size_t i = 0; i < index->n_cuts; i++)
        if (!kept || !addr_equal(index->cuts[kept - 1], index->cuts[i]))
            index->cuts[kept++] = index->cuts[i];
    index->n_cuts = kept;
}

/* The piece that holds the address. */
static size_t piece_of(const struct end_index *index, struct addr a)
{
    size_t low = 0, high = index->n_cuts;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(index->cuts[middle], a) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static size_t pieces_of(const struct end_index *index, struct prefix_set set)
{
    size_t n = 0;
    for (size_t i = 0; i < set.n && n <= MOST_PIECES; i++)
        n += piece_of(index, set.ranges[i].last) - piece_of(index, set.ranges[i].first) + 1;
    return n;
}

static bool is_wide(const struct end_index *index, const struct resolved_entry *e,
                    enum resolve_end end)
{
    str mark = end == RESOLVE_CLIENT ? e->from_unknown : e->to_unknown;
    return decision_unknown(mark) || pieces_of(index, set_at(e, end)) > MOST_PIECES;
}

static void index_end(struct end_index *index, const struct resolved *r, enum resolve_end end,
                      struct arena *arena, struct arena scratch)
{
    cut_line(index, r, end, arena);
    bool *wide = arena_array(&scratch, bool, r->n_entries);
    size_t *count = arena_array(arena, size_t, index->n_cuts + 1);
    for (size_t i = 0; i < r->n_entries; i++) {
        struct prefix_set set = set_at(&r->entries[i], end);
        wide[i] = is_wide(index, &r->entries[i], end);
        index->n_wide += wide[i];
        for (size_t j = 0; j < set.n && !wide[i]; j++)
            for (size_t p = piece_of(index, set.ranges[j].first),
                        last = piece_of(index, set.ranges[j].last);
                 p <= last; p++)
                count[p + 1]++;
    }
    for (size_t p = 0; p < index->n_cuts; p++)
        count[p + 1] += count[p];
    index->start = count;
    index->items = arena_array(arena, uint32_t, count[index->n_cuts]);
    index->wide = arena_array(arena, uint32_t, index->n_wide);
    size_t *at = arena_array(&scratch, size_t, index->n_cuts), n_wide = 0;
    memcpy(at, count, index->n_cuts * sizeof *at);
    for (size_t i = 0; i < r->n_entries; i++) {
        struct prefix_set set = set_at(&r->entries[i], end);
        if (wide[i]) index->wide[n_wide++] = (uint32_t)i;
        for (size_t j = 0; j < set.n && !wide[i]; j++)
            for (size_t p = piece_of(index, set.ranges[j].first),
                        last = piece_of(index, set.ranges[j].last);
                 p <= last; p++)
                index->items[at[p]++] = (uint32_t)i;
    }
}

const struct entry_index *entry_index_of(const struct resolved *resolved, struct arena *arena,
                                         struct arena scratch)
{
    struct entry_index *index = arena_new(arena, struct entry_index);
    assert(resolved->n_entries < UINT32_MAX);
    index_end(&index->ends[RESOLVE_CLIENT], resolved, RESOLVE_CLIENT, arena, scratch);
    index_end(&index->ends[RESOLVE_SERVER], resolved, RESOLVE_SERVER, arena, scratch);
    return index;
}

struct entry_walk entry_index_at(const struct entry_index *index, enum resolve_end end,
                                 struct addr a)
{
    const struct end_index *at = &index->ends[end];
    size_t piece = piece_of(at, a);
    return (struct entry_walk){
        .narrow = at->items + at->start[piece],
        .wide = at->wide,
        .n_narrow = at->start[piece + 1] - at->start[piece],
        .n_wide = at->n_wide,
    };
}

size_t entry_walk_next(struct entry_walk *walk)
{
    if (!walk->n_narrow && !walk->n_wide) return SIZE_MAX;
    bool narrow = !walk->n_wide || (walk->n_narrow && *walk->narrow < *walk->wide);
    if (narrow) {
        walk->n_narrow--;
        return *walk->narrow++;
    }
    walk->n_wide--;
    return *walk->wide++;
}
