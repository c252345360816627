/* SPDX-License-Identifier: Apache-2.0 */
/* Both axes are cut at the ends of all runs, so what lies between two cuts is alike for every box:
 * a strip of clients, a row of servers, and where they cross a block.
 *
 * First sweep, row by row: a tree over the strips counts how many boxes hold each (a box that stays
 * counts as two), and knows whether some strip is held by exactly one. That box must stay; each box
 * is found so once at most. Second sweep: the tree holds only those that must stay. Where a block
 * is held by none of them, the boxes that do hold it are a list of which one must stay. Only blocks
 * that changed since the row before are looked at. Then the boxes are asked from the last on.
 */
#include "reason/cover.h"

#include "base/hash.h"
#include "base/limits.h"

/* ---- Axes ---------------------------------------------------------------------------------------
 */

/* Where runs begin, and one past where they end: ascending, each once. */
struct axis {
    uint32_t *cuts;
    size_t n;
    uint32_t *numbers; /* number of a cut by its value; NULL = look it up */
};

/* Runs of all boxes as numbers of cuts: last is one past the end. Those of box i are
 * runs[first[i]] up to runs[first[i + 1]]. */
struct laid {
    struct class_run *runs;
    size_t *first;
};

static int number_order(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static struct class_set side_of(const struct cover_box *box, bool servers)
{
    return servers ? box->to : box->from;
}

/* Sorts by marking where the numbers are dense, as classes are; by comparing where few boxes have
 * far runs. */
static struct axis axis_of(const struct cover_box *boxes, size_t n, bool servers,
                           struct arena *scratch)
{
    size_t n_ends = 0;
    uint32_t top = 0;
    for (size_t i = 0; i < n; i++) {
        struct class_set side = side_of(&boxes[i], servers);
        n_ends += 2 * side.n;
        if (side.n && side.runs[side.n - 1].last >= top) top = side.runs[side.n - 1].last + 1;
    }
    struct axis axis = {.cuts = arena_array(scratch, uint32_t, n_ends + 1)};
    bool is_dense = top / 8 <= n_ends;
    if (is_dense) axis.numbers = arena_array(scratch, uint32_t, (size_t)top + 1);
    for (size_t i = 0; i < n; i++) {
        struct class_set side = side_of(&boxes[i], servers);
        for (size_t j = 0; j < side.n; j++) {
            uint32_t low = side.runs[j].first, high = side.runs[j].last + 1;
            if (is_dense)
                axis.numbers[low] = axis.numbers[high] = 1;
            else
                axis.cuts[axis.n++] = low, axis.cuts[axis.n++] = high;
        }
    }
    if (is_dense) {
        for (size_t i = 0; i <= top && n_ends; i++) {
            if (!axis.numbers[i]) continue;
            axis.numbers[i] = (uint32_t)axis.n;
            axis.cuts[axis.n++] = (uint32_t)i;
        }
        return axis;
    }
    qsort(axis.cuts, axis.n, sizeof *axis.cuts, number_order);
    size_t kept = 0;
    for (size_t i = 0; i < axis.n; i++)
        if (!kept || axis.cuts[i] != axis.cuts[kept - 1]) axis.cuts[kept++] = axis.cuts[i];
    axis.n = kept;
    return axis;
}

static uint32_t cut_number(const struct axis *axis, uint32_t value)
{
    size_t low = 0, high = axis->n;
    if (axis->numbers) return axis->numbers[value];
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (axis->cuts[middle] <= value)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)low;
}

static struct laid lay(const struct cover_box *boxes, size_t n, bool servers,
                       const struct axis *axis, struct arena *scratch)
{
    struct laid laid = {.first = arena_array(scratch, size_t, n + 1)};
    for (size_t i = 0; i < n; i++)
        laid.first[i + 1] = laid.first[i] + side_of(&boxes[i], servers).n;
    laid.runs = arena_array(scratch, struct class_run, laid.first[n]);
    for (size_t i = 0; i < n; i++) {
        struct class_set side = side_of(&boxes[i], servers);
        for (size_t j = 0; j < side.n; j++)
            laid.runs[laid.first[i] + j] = (struct class_run){
                cut_number(axis, side.runs[j].first),
                cut_number(axis, side.runs[j].last + 1),
            };
    }
    return laid;
}

/* ---- The tree over the strips -------------------------------------------------------------------
 * Node 1 is the root, leaves begin at `size`. A box is noted at the few nodes that make up its
 * runs; a strip is held by what is noted on its way up. Nothing is ever pushed down.
 */

enum { HAS_NONE = 1, HAS_ONE = 2 }; /* below, some strip is held by none, by exactly one */

struct node {
    uint32_t held;  /* how often noted here */
    uint32_t has;   /* counting what is noted here and below */
    uint64_t boxes; /* sum of the numbers of those noted here that count once */
};

struct tree {
    struct node *nodes;
    size_t size;
};

static void refresh(struct tree *tree, size_t at)
{
    struct node *node = &tree->nodes[at];
    uint32_t below =
        at >= tree->size ? HAS_NONE : tree->nodes[2 * at].has | tree->nodes[2 * at + 1].has;
    node->has = node->held == 0 ? below : node->held == 1 ? (below & HAS_NONE) * HAS_ONE : 0;
}

static struct tree tree_of(size_t n_strips, struct arena *scratch)
{
    struct tree tree = {.size = 1};
    while (tree.size < n_strips)
        tree.size *= 2;
    tree.nodes = arena_array(scratch, struct node, 2 * tree.size);
    for (size_t i = 0; i < n_strips; i++)
        tree.nodes[tree.size + i].has = HAS_NONE;
    for (size_t at = tree.size; at-- > 1;)
        tree.nodes[at].has = tree.nodes[2 * at].has | tree.nodes[2 * at + 1].has;
    return tree;
}

/* What is done to the nodes of a run. */
struct change {
    uint32_t hold, release;
    uint64_t box, unbox;
};

static void change_node(struct tree *tree, size_t at, const struct change *change)
{
    struct node *node = &tree->nodes[at];
    node->held = node->held + change->hold - change->release;
    node->boxes = node->boxes + change->box - change->unbox;
    refresh(tree, at);
}

static void tree_change(struct tree *tree, struct class_run run, const struct change *change)
{
    size_t low = tree->size + run.first, high = tree->size + run.last;
    size_t left = low, right = high - 1;
    for (; low < high; low /= 2, high /= 2) {
        if (low & 1) change_node(tree, low++, change);
        if (high & 1) change_node(tree, --high, change);
    }
    for (left /= 2, right /= 2; left; left /= 2, right /= 2) {
        refresh(tree, left);
        if (right != left) refresh(tree, right);
    }
}

/* The first strip that exactly one box holds, which counts once. */
static uint32_t tree_single(const struct tree *tree, uint64_t *box)
{
    size_t at = 1;
    uint32_t want = HAS_ONE;
    *box = 0;
    for (;; at = tree->nodes[2 * at].has & want ? 2 * at : 2 * at + 1) {
        *box += tree->nodes[at].boxes;
        if (tree->nodes[at].held) want = HAS_NONE;
        if (at >= tree->size) return (uint32_t)(at - tree->size);
    }
}

/* The first strip of a run below a node that none holds; UINT32_MAX when there is none. */
static uint32_t bare_below(const struct tree *tree, size_t at, size_t first, size_t width,
                           struct class_run run)
{
    if (!(tree->nodes[at].has & HAS_NONE) || first >= run.last || first + width <= run.first)
        return UINT32_MAX;
    if (at >= tree->size) return (uint32_t)first;
    uint32_t found = bare_below(tree, 2 * at, first, width / 2, run);
    if (found != UINT32_MAX) return found;
    return bare_below(tree, 2 * at + 1, first + width / 2, width / 2, run);
}

/* ---- The sweep ----------------------------------------------------------------------------------
 */

/* Numbers of boxes whose runs begin or end at each row: those of row r are items[first[r]] up to
 * items[first[r + 1]]. */
struct events {
    uint32_t *items;
    size_t *first;
};

/* "One of these must stay": count boxes from items[first] on. */
struct demand {
    size_t first;
    uint32_t count, staying; /* staying: not yet taken away */
    uint64_t hash;
};

struct demands {
    struct demand *list;
    size_t n, room;
    uint32_t *items;
    size_t n_items, items_room;
    uint32_t *slots; /* number plus one; open addressing */
    size_t n_slots;
};

struct sweep {
    const struct cover_box *boxes;
    size_t n;
    const struct cover_void *voids;
    struct axis strips, rows;
    struct laid from, to;
    bool *needed; /* must stay: held by the tree of the second sweep */
    /* Found to stay during the second sweep, which goes on as if they were not there. */
    bool *stuck;
    struct demands demands;
    uint64_t work;
    struct arena *lists; /* of the demands */
};

/* The boxes of a slab by their rows. */
struct slab {
    const uint32_t *members;
    size_t n;
    struct events begin, end;
};

static struct events events_of(const struct sweep *s, const uint32_t *members, size_t n, bool ends,
                               struct arena *scratch)
{
    struct events events = {.first = arena_array(scratch, size_t, s->rows.n + 2)};
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = s->to.first[members[i]]; j < s->to.first[members[i] + 1]; j++, total++)
            events.first[(ends ? s->to.runs[j].last : s->to.runs[j].first) + 2]++;
    for (size_t r = 2; r < s->rows.n + 2; r++)
        events.first[r] += events.first[r - 1];
    events.items = arena_array(scratch, uint32_t, total);
    /* Counted two places on, filled one place on: then each row begins where it should. */
    for (size_t i = 0; i < n; i++)
        for (size_t j = s->to.first[members[i]]; j < s->to.first[members[i] + 1]; j++)
            events.items[events.first[(ends ? s->to.runs[j].last : s->to.runs[j].first) + 1]++] =
                members[i];
    return events;
}

static void change_box(const struct sweep *s, struct tree *tree, uint32_t box, struct change change)
{
    for (size_t j = s->from.first[box]; j < s->from.first[box + 1]; j++)
        tree_change(tree, s->from.runs[j], &change);
}

static bool block_is_void(const struct sweep *s, uint32_t strip, size_t row)
{
    return s->voids && s->voids->is_void(
                           s->voids->to,
                           (struct class_run){s->strips.cuts[strip], s->strips.cuts[strip + 1] - 1},
                           (struct class_run){s->rows.cuts[row], s->rows.cuts[row + 1] - 1});
}

/* Strips that are void in this row only: held until it ends. */
struct masks {
    uint32_t *items;
    size_t n, room;
};

static void mask(struct tree *tree, struct masks *masks, uint32_t strip, struct arena *scratch)
{
    arena_grow(scratch, masks->items, masks->n, masks->room);
    masks->items[masks->n++] = strip;
    tree_change(tree, (struct class_run){strip, strip + 1}, &(struct change){.hold = 2});
}

static void unmask(struct tree *tree, struct masks *masks)
{
    for (size_t i = 0; i < masks->n; i++)
        tree_change(tree, (struct class_run){masks->items[i], masks->items[i] + 1},
                    &(struct change){.release = 2});
    masks->n = 0;
}

/* ---- First sweep: who alone holds something -----------------------------------------------------
 */

static void find_needed(struct sweep *s, const struct slab *slab, struct arena scratch)
{
    struct tree tree = tree_of(s->strips.n - 1, &scratch);
    struct masks masks = {0};
    for (size_t row = 0; row + 1 < s->rows.n; row++) {
        unmask(&tree, &masks);
        for (size_t i = slab->end.first[row]; i < slab->end.first[row + 1]; i++) {
            uint32_t box = slab->end.items[i];
            change_box(s, &tree, box,
                       s->needed[box] ? (struct change){.release = 2}
                                      : (struct change){.release = 1, .unbox = box});
        }
        for (size_t i = slab->begin.first[row]; i < slab->begin.first[row + 1]; i++) {
            uint32_t box = slab->begin.items[i];
            change_box(s, &tree, box,
                       s->needed[box] ? (struct change){.hold = 2}
                                      : (struct change){.hold = 1, .box = box});
        }
        while (tree.nodes[1].has & HAS_ONE) {
            uint64_t box;
            uint32_t strip = tree_single(&tree, &box);
            if (block_is_void(s, strip, row)) {
                mask(&tree, &masks, strip, &scratch);
                continue;
            }
            s->needed[box] = true;
            change_box(s, &tree, (uint32_t)box, (struct change){.hold = 1, .unbox = box});
        }
    }
}

/* ---- Second sweep: what several hold between them -----------------------------------------------
 */

/* Candidates of this row, in no order. */
struct active {
    uint32_t *items, *at; /* at: place in items, by box */
    size_t n;
};

/* Where a candidate's run begins or ends on a piece that is looked at. */
struct edge {
    uint32_t strip, box;
    bool ends;
};

struct edges {
    struct edge *items;
    size_t n, room;
};

static int run_order(const void *left, const void *right)
{
    const struct class_run *a = left, *b = right;
    return (a->first > b->first) - (a->first < b->first);
}

static int edge_order(const void *left, const void *right)
{
    const struct edge *a = left, *b = right;
    if (a->strip != b->strip) return a->strip < b->strip ? -1 : 1;
    if (a->ends != b->ends) return a->ends ? -1 : 1;
    return (a->box > b->box) - (a->box < b->box);
}

static bool same_boxes(const struct demands *d, const struct demand *demand, const uint32_t *boxes,
                       size_t n)
{
    return demand->count == n && !memcmp(d->items + demand->first, boxes, n * sizeof *boxes);
}

static void grow_slots(struct demands *d, struct arena *scratch)
{
    d->n_slots = d->n_slots ? 2 * d->n_slots : 64;
    d->slots = arena_array(scratch, uint32_t, d->n_slots);
    for (size_t i = 0; i < d->n; i++) {
        size_t at = (size_t)d->list[i].hash & (d->n_slots - 1);
        while (d->slots[at])
            at = (at + 1) & (d->n_slots - 1);
        d->slots[at] = (uint32_t)i + 1;
    }
}

/* boxes: ascending */
static void demand_one_of(struct demands *d, const uint32_t *boxes, size_t n, struct arena *scratch)
{
    if (2 * (d->n + 1) > d->n_slots) grow_slots(d, scratch);
    uint64_t hash = hash_u64(n);
    for (size_t i = 0; i < n; i++)
        hash = hash_join(hash, boxes[i]);
    size_t at = (size_t)hash & (d->n_slots - 1);
    for (; d->slots[at]; at = (at + 1) & (d->n_slots - 1))
        if (same_boxes(d, &d->list[d->slots[at] - 1], boxes, n)) return;
    arena_grow(scratch, d->list, d->n, d->room);
    d->list[d->n] = (struct demand){d->n_items, (uint32_t)n, (uint32_t)n, hash};
    d->slots[at] = (uint32_t)++d->n;
    for (size_t i = 0; i < n; i++) {
        arena_grow(scratch, d->items, d->n_items, d->items_room);
        d->items[d->n_items++] = boxes[i];
    }
}

/* Some pair of the run in this row counts and is held by nobody who must stay. */
static bool is_bare(struct sweep *s, struct tree *tree, struct class_run run, size_t row,
                    struct masks *masks, struct arena *scratch)
{
    for (;;) {
        uint32_t strip = bare_below(tree, 1, 0, tree->size, run);
        if (strip == UINT32_MAX) return false;
        if (!block_is_void(s, strip, row)) return true;
        mask(tree, masks, strip, scratch);
    }
}

/* Joins what changed, and leaves out what those who must stay hold anyway. */
static size_t bare_pieces(struct sweep *s, struct tree *tree, struct class_run *changed, size_t n,
                          size_t row, struct masks *masks, struct arena *scratch)
{
    size_t joined = 0, kept = 0;
    qsort(changed, n, sizeof *changed, run_order);
    for (size_t i = 0; i < n; i++) {
        if (!joined || changed[i].first > changed[joined - 1].last)
            changed[joined++] = changed[i];
        else if (changed[i].last > changed[joined - 1].last)
            changed[joined - 1].last = changed[i].last;
    }
    for (size_t i = 0; i < joined; i++)
        if (is_bare(s, tree, changed[i], row, masks, scratch)) changed[kept++] = changed[i];
    return kept;
}

/* The first piece that ends behind a strip. */
static size_t piece_behind(const struct class_run *pieces, size_t n, uint32_t strip)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pieces[middle].last <= strip)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A row's second sweep. */
struct row_work {
    struct sweep *sweep;
    struct tree *tree;
    struct masks *masks;
    size_t row;
    struct arena *scratch;
};

static void active_drop(struct active *active, uint32_t box)
{
    uint32_t last = active->items[--active->n];
    active->items[active->at[box]] = last;
    active->at[last] = active->at[box];
    active->at[box] = UINT32_MAX;
}

static bool is_worn_out(const struct sweep *s)
{
    return s->work > LIMIT_COVER_WORK;
}

/* Boxes that are apart hold nothing for each other: each is asked alone. So is every box once there
 * was too much work: what is then not held by those who must stay, stays. */
static void ask_alone(struct row_work *w, struct active *active, const struct class_run *pieces,
                      size_t n)
{
    struct sweep *s = w->sweep;
    for (size_t i = active->n; i > 0; i--) {
        uint32_t box = active->items[i - 1];
        bool bare = false;
        if (!s->boxes[box].is_apart && !is_worn_out(s)) continue;
        for (size_t j = s->from.first[box]; j < s->from.first[box + 1] && !bare; j++) {
            struct class_run run = s->from.runs[j];
            for (size_t p = piece_behind(pieces, n, run.first);
                 p < n && pieces[p].first < run.last && !bare; p++)
                bare = is_bare(s, w->tree,
                               (struct class_run){
                                   run.first > pieces[p].first ? run.first : pieces[p].first,
                                   run.last < pieces[p].last ? run.last : pieces[p].last,
                               },
                               w->row, w->masks, w->scratch);
        }
        if (!bare) continue;
        s->stuck[box] = true;
        active_drop(active, box);
    }
}

static void collect_edges(struct row_work *w, const struct active *active,
                          const struct class_run *pieces, size_t n, struct edges *edges)
{
    struct sweep *s = w->sweep;
    edges->n = 0;
    for (size_t i = 0; i < active->n; i++) {
        uint32_t box = active->items[i];
        if (s->boxes[box].is_apart) continue;
        for (size_t j = s->from.first[box]; j < s->from.first[box + 1]; j++, s->work++) {
            struct class_run run = s->from.runs[j];
            for (size_t p = piece_behind(pieces, n, run.first); p < n && pieces[p].first < run.last;
                 p++) {
                uint32_t first = run.first > pieces[p].first ? run.first : pieces[p].first;
                uint32_t last = run.last < pieces[p].last ? run.last : pieces[p].last;
                arena_grow(w->scratch, edges->items, edges->n, edges->room);
                edges->items[edges->n++] = (struct edge){first, box, false};
                arena_grow(w->scratch, edges->items, edges->n, edges->room);
                edges->items[edges->n++] = (struct edge){last, box, true};
            }
        }
    }
    s->work += edges->n;
    if (edges->n) qsort(edges->items, edges->n, sizeof *edges->items, edge_order);
}

/* Between two edges the same candidates hold everything. */
static void demand_along(struct row_work *w, const struct edges *edges, struct active *holding)
{
    struct sweep *s = w->sweep;
    for (size_t i = 0; i < edges->n; i++) {
        const struct edge *e = &edges->items[i];
        if (e->ends) {
            active_drop(holding, e->box);
        } else {
            holding->at[e->box] = (uint32_t)holding->n;
            holding->items[holding->n++] = e->box;
        }
        if (i + 1 == edges->n || edges->items[i + 1].strip == e->strip || !holding->n) continue;
        struct class_run run = {e->strip, edges->items[i + 1].strip};
        if (!is_bare(s, w->tree, run, w->row, w->masks, w->scratch)) continue;
        s->work += holding->n;
        qsort(holding->items, holding->n, sizeof *holding->items, number_order);
        for (size_t j = 0; j < holding->n; j++)
            holding->at[holding->items[j]] = (uint32_t)j;
        demand_one_of(&s->demands, holding->items, holding->n, s->lists);
    }
}

static struct active active_of(size_t n_boxes, size_t n, struct arena *scratch)
{
    struct active active = {.items = arena_array(scratch, uint32_t, n),
                            .at = arena_array(scratch, uint32_t, n_boxes)};
    memset(active.at, 0xff, n_boxes * sizeof *active.at);
    return active;
}

/* What begins or ends in a row; what changed by it is added to `changed`. */
static void apply_events(struct sweep *s, struct tree *tree, const struct events *events,
                         size_t row, bool ends, struct active *active, struct class_run *changed,
                         size_t *n_changed)
{
    for (size_t i = events->first[row]; i < events->first[row + 1]; i++) {
        uint32_t box = events->items[i];
        if (s->stuck[box]) continue;
        if (s->needed[box]) {
            change_box(s, tree, box,
                       ends ? (struct change){.release = 1} : (struct change){.hold = 1});
            if (!ends) continue; /* what must stay holds more than before: nothing new is bare */
        } else if (ends) {
            active_drop(active, box);
        } else {
            active->at[box] = (uint32_t)active->n;
            active->items[active->n++] = box;
        }
        for (size_t j = s->from.first[box]; j < s->from.first[box + 1]; j++)
            changed[(*n_changed)++] = s->from.runs[j];
    }
}

/* Runs that can change in one row, at most. */
static size_t most_changed(const struct sweep *s, const struct slab *slab)
{
    size_t most = 0;
    for (size_t row = 0; row + 1 < s->rows.n; row++) {
        size_t n = 0;
        for (size_t i = slab->end.first[row]; i < slab->end.first[row + 1]; i++)
            n += s->from.first[slab->end.items[i] + 1] - s->from.first[slab->end.items[i]];
        for (size_t i = slab->begin.first[row]; i < slab->begin.first[row + 1]; i++)
            n += s->from.first[slab->begin.items[i] + 1] - s->from.first[slab->begin.items[i]];
        if (n > most) most = n;
    }
    return most;
}

static void find_demands(struct sweep *s, const struct slab *slab, struct arena scratch)
{
    struct tree tree = tree_of(s->strips.n - 1, &scratch);
    struct masks masks = {0};
    struct edges edges = {0};
    struct active active = active_of(s->n, slab->n, &scratch);
    struct active holding = active_of(s->n, slab->n, &scratch);
    struct class_run *changed = arena_array(&scratch, struct class_run, most_changed(s, slab));
    for (size_t row = 0; row + 1 < s->rows.n; row++) {
        struct row_work work = {s, &tree, &masks, row, &scratch};
        size_t n_changed = 0;
        bool was_masked = masks.n > 0;
        unmask(&tree, &masks);
        apply_events(s, &tree, &slab->end, row, true, &active, changed, &n_changed);
        apply_events(s, &tree, &slab->begin, row, false, &active, changed, &n_changed);
        if (!active.n) continue;
        /* What was void in the row before may not be in this one. */
        struct class_run whole = {0, (uint32_t)(s->strips.n - 1)};
        struct class_run *pieces = was_masked ? &whole : changed;
        size_t n = bare_pieces(s, &tree, pieces, was_masked ? 1 : n_changed, row, &masks, &scratch);
        if (!n) continue;
        if (!is_worn_out(s)) {
            collect_edges(&work, &active, pieces, n, &edges);
            demand_along(&work, &edges, &holding);
        }
        ask_alone(&work, &active, pieces, n);
    }
}

/* ---- All slabs ----------------------------------------------------------------------------------
 */

/* The boxes of each slab: those of slab k are items[first[k]] up to items[first[k + 1]]. */
struct slabs {
    uint32_t *items;
    size_t *first;
    size_t n;
};

static struct slabs slabs_of(const struct cover_box *boxes, size_t n, struct arena *scratch)
{
    struct slabs slabs = {0};
    for (size_t i = 0; i < n; i++)
        if (boxes[i].slabs.n && boxes[i].slabs.runs[boxes[i].slabs.n - 1].last >= slabs.n)
            slabs.n = (size_t)boxes[i].slabs.runs[boxes[i].slabs.n - 1].last + 1;
    slabs.first = arena_array(scratch, size_t, slabs.n + 2);
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < boxes[i].slabs.n; j++)
            for (uint32_t k = boxes[i].slabs.runs[j].first; k <= boxes[i].slabs.runs[j].last; k++)
                slabs.first[k + 2]++, total++;
    for (size_t k = 2; k < slabs.n + 2; k++)
        slabs.first[k] += slabs.first[k - 1];
    slabs.items = arena_array(scratch, uint32_t, total);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < boxes[i].slabs.n; j++)
            for (uint32_t k = boxes[i].slabs.runs[j].first; k <= boxes[i].slabs.runs[j].last; k++)
                slabs.items[slabs.first[k + 1]++] = (uint32_t)i;
    return slabs;
}

/* Services that the same entries name need one look: most policies speak of smb and netbios
 * together. True when an earlier slab has the same boxes. */
static bool slab_is_known(const struct slabs *slabs, const uint64_t *hashes, size_t k)
{
    size_t n = slabs->first[k + 1] - slabs->first[k];
    for (size_t i = 0; i < k; i++)
        if (hashes[i] == hashes[k] && slabs->first[i + 1] - slabs->first[i] == n &&
            !memcmp(slabs->items + slabs->first[i], slabs->items + slabs->first[k],
                    n * sizeof *slabs->items))
            return true;
    return false;
}

static uint64_t *slab_hashes(const struct slabs *slabs, struct arena *scratch)
{
    uint64_t *hashes = arena_array(scratch, uint64_t, slabs->n + 1);
    for (size_t k = 0; k < slabs->n; k++)
        for (size_t i = slabs->first[k]; i < slabs->first[k + 1]; i++)
            hashes[k] = hash_join(hashes[k], slabs->items[i]);
    return hashes;
}

static void sweep_slabs(struct sweep *s, const struct slabs *slabs, const uint64_t *hashes,
                        void (*look)(struct sweep *, const struct slab *, struct arena),
                        struct arena scratch)
{
    for (size_t k = 0; k < slabs->n; k++) {
        struct arena room = scratch;
        struct slab slab = {.members = slabs->items + slabs->first[k],
                            .n = slabs->first[k + 1] - slabs->first[k]};
        if (!slab.n || slab_is_known(slabs, hashes, k)) continue;
        slab.begin = events_of(s, slab.members, slab.n, false, &room);
        slab.end = events_of(s, slab.members, slab.n, true, &room);
        look(s, &slab, room);
    }
}

/* From the last box to the first: it goes unless it is the last one of a demand. */
static void take_away(struct sweep *s, bool *surplus, struct arena scratch)
{
    struct demands *d = &s->demands;
    size_t *first = arena_array(&scratch, size_t, s->n + 2);
    uint32_t *of = arena_array(&scratch, uint32_t, d->n_items);
    for (size_t i = 0; i < d->n_items; i++)
        first[d->items[i] + 2]++;
    for (size_t b = 2; b < s->n + 2; b++)
        first[b] += first[b - 1];
    for (size_t i = 0; i < d->n; i++)
        for (size_t j = 0; j < d->list[i].count; j++)
            of[first[d->items[d->list[i].first + j] + 1]++] = (uint32_t)i;
    for (size_t left = s->n; left > 0; left--) {
        size_t b = left - 1;
        bool may_go = !s->needed[b] && !s->stuck[b];
        for (size_t i = first[b]; i < first[b + 1] && may_go; i++)
            may_go = d->list[of[i]].staying > 1;
        for (size_t i = first[b]; i < first[b + 1] && may_go; i++)
            d->list[of[i]].staying--;
        surplus[b] = may_go;
    }
}

static bool is_empty(const struct cover_box *box)
{
    return !box->from.n || !box->to.n || !box->slabs.n;
}

struct cover_result cover_reduce(const struct cover_box *boxes, size_t n,
                                 const struct cover_void *voids, struct arena *arena,
                                 struct arena scratch)
{
    struct cover_result result = {.surplus = arena_array(arena, bool, n)};
    struct arena kept = scratch;
    struct sweep s = {.boxes = boxes, .n = n, .voids = voids};
    s.needed = arena_array(&kept, bool, n);
    s.stuck = arena_array(&kept, bool, n);
    s.lists = arena;
    for (size_t i = 0; i < n; i++)
        s.needed[i] = boxes[i].is_fixed || is_empty(&boxes[i]);
    s.strips = axis_of(boxes, n, false, &kept);
    s.rows = axis_of(boxes, n, true, &kept);
    if (!s.strips.n || !s.rows.n) return result;
    s.from = lay(boxes, n, false, &s.strips, &kept);
    s.to = lay(boxes, n, true, &s.rows, &kept);
    struct slabs slabs = slabs_of(boxes, n, &kept);
    const uint64_t *hashes = slab_hashes(&slabs, &kept);
    bool any_apart = false;
    for (size_t i = 0; i < n; i++)
        any_apart = any_apart || boxes[i].is_apart;
    if (!any_apart) sweep_slabs(&s, &slabs, hashes, find_needed, kept);
    sweep_slabs(&s, &slabs, hashes, find_demands, kept);
    for (size_t i = 0; i < n; i++)
        result.n_undecided += s.stuck[i] && !boxes[i].is_apart;
    take_away(&s, result.surplus, kept);
    return result;
}

/* ---- Who holds one box --------------------------------------------------------------------------
 */

bool cover_meets(const struct cover_box *a, const struct cover_box *b)
{
    if (is_empty(a) || is_empty(b)) return false;
    /* Most pairs are apart at a glance. */
    if (a->to.runs[0].first > b->to.runs[b->to.n - 1].last ||
        b->to.runs[0].first > a->to.runs[a->to.n - 1].last ||
        a->from.runs[0].first > b->from.runs[b->from.n - 1].last ||
        b->from.runs[0].first > a->from.runs[a->from.n - 1].last)
        return false;
    return class_set_overlaps(a->slabs, b->slabs) && class_set_overlaps(a->to, b->to) &&
           class_set_overlaps(a->from, b->from);
}

/* From the first class of a side to its last. */
static struct class_run hull(const struct cover_box *box, bool servers)
{
    struct class_set side = side_of(box, servers);
    return (struct class_run){side.runs[0].first, side.runs[side.n - 1].last};
}

/* How many of n ascending numbers are below a number. */
static size_t n_below(const uint32_t *numbers, size_t n, uint64_t limit)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (numbers[middle] < limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How many pairs of boxes a side can't tell apart. */
static uint64_t n_near(const struct cover_box *boxes, const size_t *order, size_t n, bool servers,
                       struct arena scratch)
{
    uint32_t *firsts = arena_array(&scratch, uint32_t, n);
    uint32_t *lasts = arena_array(&scratch, uint32_t, n);
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        firsts[i] = hull(&boxes[order[i]], servers).first;
        lasts[i] = hull(&boxes[order[i]], servers).last;
    }
    qsort(firsts, n, sizeof *firsts, number_order);
    qsort(lasts, n, sizeof *lasts, number_order);
    for (size_t i = 0; i < n; i++) {
        struct class_run run = hull(&boxes[order[i]], servers);
        total += n_below(firsts, n, (uint64_t)run.last + 1) - n_below(lasts, n, run.first);
    }
    return total;
}

struct placed_box {
    uint32_t first;
    size_t box;
};

static int placed_order(const void *left, const void *right)
{
    const struct placed_box *a = left, *b = right;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    return (a->box > b->box) - (a->box < b->box);
}

struct cover_index cover_index_of(const struct cover_box *boxes, size_t n, struct arena *arena,
                                  struct arena scratch)
{
    struct cover_index index = {.boxes = boxes, .size = 1};
    size_t *order = arena_array(arena, size_t, n);
    for (size_t i = 0; i < n; i++)
        if (!is_empty(&boxes[i])) order[index.n++] = i;
    index.servers = n_near(boxes, order, index.n, true, scratch) <=
                    n_near(boxes, order, index.n, false, scratch);
    struct placed_box *placed = arena_array(&scratch, struct placed_box, index.n);
    for (size_t i = 0; i < index.n; i++)
        placed[i] = (struct placed_box){hull(&boxes[order[i]], index.servers).first, order[i]};
    qsort(placed, index.n, sizeof *placed, placed_order);
    while (index.size < index.n)
        index.size *= 2;
    uint32_t *greatest = arena_array(arena, uint32_t, 2 * index.size);
    for (size_t i = 0; i < index.n; i++) {
        order[i] = placed[i].box;
        greatest[index.size + i] = hull(&boxes[order[i]], index.servers).last;
    }
    for (size_t at = index.size; at-- > 1;)
        greatest[at] =
            greatest[2 * at] > greatest[2 * at + 1] ? greatest[2 * at] : greatest[2 * at + 1];
    index.order = order;
    index.greatest = greatest;
    return index;
}

/* Those among the first `n` of the order, below a node, that do not end before `from`. */
static size_t near_below(const struct cover_index *index, const struct cover_box *box, size_t at,
                         size_t first, size_t width, size_t n, uint32_t from, size_t *out)
{
    if (first >= n || index->greatest[at] < from) return 0;
    if (at >= index->size) {
        out[0] = index->order[first];
        return cover_meets(&index->boxes[out[0]], box);
    }
    size_t found = near_below(index, box, 2 * at, first, width / 2, n, from, out);
    return found +
           near_below(index, box, 2 * at + 1, first + width / 2, width / 2, n, from, out + found);
}

static int index_order(const void *left, const void *right)
{
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    return (a > b) - (a < b);
}

size_t cover_meeting(const struct cover_index *index, const struct cover_box *box, size_t *out)
{
    if (is_empty(box)) return 0;
    struct class_run run = hull(box, index->servers);
    size_t low = 0, high = index->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (hull(&index->boxes[index->order[middle]], index->servers).first <= run.last)
            low = middle + 1;
        else
            high = middle;
    }
    size_t n = near_below(index, box, 1, 0, index->size, low, run.first, out);
    if (n) qsort(out, n, sizeof *out, index_order);
    return n;
}

static bool holds_alone(const struct cover_box *outer, const struct cover_box *inner)
{
    return class_set_covers(outer->slabs, inner->slabs) && class_set_covers(outer->to, inner->to) &&
           class_set_covers(outer->from, inner->from);
}

size_t cover_of(const struct cover_box *boxes, size_t box, const size_t *among, size_t n_among,
                const struct cover_void *voids, size_t *out, struct arena room,
                struct arena scratch)
{
    const struct cover_box *inner = &boxes[box];
    struct cover_box *parts = arena_array(&room, struct cover_box, n_among + 1);
    size_t n = 0, n_left = 0;
    if (is_empty(inner)) return 0;
    struct cover_box alone = *inner;
    alone.is_fixed = false;
    alone.is_apart = true;
    if (voids && cover_reduce(&alone, 1, voids, &room, scratch).surplus[0]) return 0;
    for (size_t i = 0; i < n_among; i++) {
        const struct cover_box *outer = &boxes[among[i]];
        if (among[i] == box || !cover_meets(outer, inner)) continue;
        if (holds_alone(outer, inner)) {
            out[0] = among[i];
            return 1;
        }
        out[n] = among[i];
        parts[n++] = (struct cover_box){
            .from = class_set_intersect(&room, outer->from, inner->from),
            .to = class_set_intersect(&room, outer->to, inner->to),
            .slabs = class_set_intersect(&room, outer->slabs, inner->slabs),
            .is_fixed = true,
        };
    }
    parts[n] = alone;
    if (!cover_reduce(parts, n + 1, voids, &room, scratch).surplus[n]) return 0;
    for (size_t i = 0; i < n; i++)
        parts[i].is_fixed = false;
    const bool *idle = cover_reduce(parts, n, voids, &room, scratch).surplus;
    for (size_t i = 0; i < n; i++)
        if (!idle[i]) out[n_left++] = out[i];
    return n_left;
}
