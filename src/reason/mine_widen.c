/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/mine_widen.h"

#include "reason/mine_cover.h"

/* What is asked about one set: an entry that has an item of it. */
struct touched {
    uint32_t entry;
    uint32_t n_inside; /* of its items on the set's side */
    bool all;          /* all of them */
    bool whole;        /* together they are the set */
    uint32_t n_hit;    /* of its other items, those in the candidate */
};

struct widening {
    struct mine_drafts *drafts;
    const struct mine_options *weights;
    struct mine_effort *effort;
    int side; /* of the set */
    uint32_t set;

    uint8_t *member; /* of vertices of the set's side */
    uint32_t *met;   /* stamp of those: held by a set of the entry at hand */
    uint32_t met_now;
    uint32_t *seen_by; /* per vertex of the other side: members it was seen with */
    uint32_t *reached; /* vertices of the other side that were */
    uint32_t n_reached;

    struct touched *touched;
    uint32_t n_touched;

    /* Per item of the other side. */
    uint64_t *unseen; /* pairs with the set that naming both would newly allow */
    uint8_t *state;   /* enum item_state */
    uint32_t *known;  /* items whose state is known, to forget it */
    uint32_t n_known;
    uint32_t *in; /* stamp: in the candidate */
    uint32_t stamp;

    uint32_t *best; /* items of the best candidate */
    uint32_t n_best;
    uint64_t best_gain;
};

enum item_state { UNASKED, GRANTED, USABLE, UNUSABLE };

static struct widening widening_begin(struct mine_drafts *drafts,
                                      const struct mine_options *weights,
                                      struct mine_effort *effort, int side, struct arena *arena)
{
    const struct mine_names *mine = &drafts->names[side], *other = &drafts->names[!side];
    size_t n_items = (size_t)other->n_sets + other->n;
    return (struct widening){
        .drafts = drafts,
        .weights = weights,
        .effort = effort,
        .side = side,
        .member = arena_array(arena, uint8_t, mine->n),
        .met = arena_array(arena, uint32_t, mine->n),
        .seen_by = arena_array(arena, uint32_t, other->n),
        .reached = arena_array(arena, uint32_t, other->n),
        .unseen = arena_array(arena, uint64_t, n_items),
        .state = arena_array(arena, uint8_t, n_items),
        .known = arena_array(arena, uint32_t, n_items),
        .in = arena_array(arena, uint32_t, n_items),
        .best = arena_array(arena, uint32_t, n_items),
    };
}

/* --- the set at hand --- */

static void set_mark(struct widening *w, uint32_t set)
{
    const struct mine_names *names = &w->drafts->names[w->side];
    const struct mine_graph *graph = w->drafts->graph;
    w->set = set;
    for (uint32_t i = names->first_member[set]; i < names->first_member[set + 1]; i++) {
        uint32_t x = names->member[i];
        w->member[x] = 1;
        for (uint32_t j = graph->first[w->side][x]; j < graph->first[w->side][x + 1]; j++) {
            uint32_t y = graph->near[w->side][j];
            if (!w->seen_by[y]++) w->reached[w->n_reached++] = y;
        }
        mine_effort_spend(w->effort, 1 + mine_graph_degree(graph, w->side, x));
    }
}

static void items_forget(struct widening *w)
{
    for (uint32_t i = 0; i < w->n_known; i++)
        w->state[w->known[i]] = UNASKED;
    w->n_known = 0;
}

static void set_unmark(struct widening *w)
{
    const struct mine_names *names = &w->drafts->names[w->side];
    for (uint32_t i = names->first_member[w->set]; i < names->first_member[w->set + 1]; i++)
        w->member[names->member[i]] = 0;
    for (uint32_t i = 0; i < w->n_reached; i++)
        w->seen_by[w->reached[i]] = 0;
    w->n_reached = 0;
    items_forget(w);
}

/* An item all of whose members are the set's. */
static bool is_inside(const struct widening *w, uint32_t item)
{
    const struct mine_names *names = &w->drafts->names[w->side];
    if (item >= names->n_sets) return w->member[item - names->n_sets];
    if (item == w->set) return true;
    if (names->n_unseen[item]) return false;
    uint32_t from = names->first_member[item], to = names->first_member[item + 1];
    for (uint32_t i = from; i < to; i++)
        if (!w->member[names->member[i]]) return false;
    return from < to;
}

/* Where an item stands, or would stand, in a list that ascends. */
static uint32_t item_place(const uint32_t *items, uint32_t n, uint32_t item)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (items[middle] < item)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_item(const struct mine_draft *draft, int side, uint32_t item)
{
    uint32_t place = item_place(draft->item[side], draft->n[side], item);
    return place < draft->n[side] && draft->item[side][place] == item;
}

/* Lists may be as long as the side: those that are much longer than the set are searched. */
static uint32_t count_inside(const struct widening *w, const struct mine_draft *draft)
{
    enum { SEARCH_COST = 16 };
    const struct mine_names *names = &w->drafts->names[w->side];
    uint32_t from = names->first_member[w->set], to = names->first_member[w->set + 1];
    uint32_t n = draft->n[w->side], n_inside = 0;
    bool search = n / SEARCH_COST > to - from;
    uint32_t n_scanned = search ? item_place(draft->item[w->side], n, names->n_sets) : n;
    for (uint32_t i = 0; i < n_scanned; i++)
        n_inside += is_inside(w, draft->item[w->side][i]);
    for (uint32_t i = from; i < to && search; i++)
        n_inside += has_item(draft, w->side, names->n_sets + names->member[i]);
    mine_effort_spend(w->effort, n_scanned + (search ? SEARCH_COST * (to - from) : 0));
    return n_inside;
}

/* The entry has all that the set stands for, under its name or others. */
static bool holds_whole(struct widening *w, const struct mine_draft *draft)
{
    if (has_item(draft, w->side, w->set)) return true;
    const struct mine_names *names = &w->drafts->names[w->side];
    if (names->n_unseen[w->set]) return false;
    w->met_now++;
    for (uint32_t i = 0; i < draft->n[w->side] && draft->item[w->side][i] < names->n_sets; i++) {
        uint32_t set = draft->item[w->side][i];
        if (!is_inside(w, set)) continue;
        for (uint32_t j = names->first_member[set]; j < names->first_member[set + 1]; j++)
            w->met[names->member[j]] = w->met_now;
        mine_effort_spend(w->effort, names->first_member[set + 1] - names->first_member[set]);
    }
    uint32_t from = names->first_member[w->set], to = names->first_member[w->set + 1];
    for (uint32_t i = from; i < to; i++) {
        uint32_t x = names->member[i];
        mine_effort_spend(w->effort, 1);
        if (w->met[x] != w->met_now && !has_item(draft, w->side, names->n_sets + x)) return false;
    }
    return from < to;
}

/* No entry holds a pair of the set when the set was seen with nothing of its other side. */
static bool is_reached(const struct widening *w, const struct mine_draft *draft)
{
    if (draft->n[!w->side] > draft->n[w->side]) return true; /* asking would cost more */
    const struct mine_names *other = &w->drafts->names[!w->side];
    for (uint32_t i = 0; i < draft->n[!w->side]; i++) {
        uint32_t own = 0;
        const uint32_t *member = NULL;
        uint32_t n = mine_names_members(other, draft->item[!w->side][i], &own, &member);
        for (uint32_t j = 0; j < n; j++)
            if (w->seen_by[member[j]]) return true;
        mine_effort_spend(w->effort, n);
    }
    return false;
}

static void entries_touched(struct widening *w, struct arena *arena)
{
    w->touched = arena_array(arena, struct touched, w->drafts->n);
    w->n_touched = 0;
    for (size_t i = 0; i < w->drafts->n; i++) {
        const struct mine_draft *draft = &w->drafts->at[i];
        mine_effort_spend(w->effort, 1);
        if (!is_reached(w, draft)) continue;
        uint32_t n_inside = count_inside(w, draft);
        if (!n_inside) continue;
        w->touched[w->n_touched++] = (struct touched){
            .entry = (uint32_t)i,
            .n_inside = n_inside,
            .all = n_inside == draft->n[w->side],
            .whole = holds_whole(w, draft),
        };
    }
    /* What the set, or all of it, has already costs nothing more. */
    for (uint32_t i = 0; i < w->n_touched; i++) {
        if (!w->touched[i].whole) continue;
        const struct mine_draft *draft = &w->drafts->at[w->touched[i].entry];
        for (uint32_t j = 0; j < draft->n[!w->side]; j++) {
            uint32_t item = draft->item[!w->side][j];
            if (w->state[item] == UNASKED) w->known[w->n_known++] = item;
            w->state[item] = GRANTED;
            w->unseen[item] = 0;
        }
    }
}

/* A set may stand with an item when all of it was seen, or enough. */
static bool is_allowed(uint64_t seen, uint64_t pairs, bool may, const struct mine_options *weights)
{
    if (!seen || pairs == UINT64_MAX) return false;
    if (seen == pairs) return true;
    return may && mine_draft_times(seen, 100) / weights->min_share_percent >= pairs;
}

/* May the set stand with this item, and what would that allow? */
static bool is_usable(struct widening *w, uint32_t item)
{
    if (w->state[item] != UNASKED) return w->state[item] != UNUSABLE;
    const struct mine_names *mine = &w->drafts->names[w->side];
    const struct mine_names *other = &w->drafts->names[!w->side];
    uint32_t own = 0;
    const uint32_t *member = NULL;
    uint32_t n = mine_names_members(other, item, &own, &member);
    uint64_t seen = 0;
    for (uint32_t i = 0; i < n; i++)
        seen += w->seen_by[member[i]];
    mine_effort_spend(w->effort, n);
    uint64_t pairs =
        mine_draft_times(mine_names_weight(mine, w->set), mine_names_weight(other, item));
    bool may = mine_names_may(mine, w->set) && mine_names_may(other, item);
    bool usable = is_allowed(seen, pairs, may, w->weights);
    w->unseen[item] = pairs - seen;
    w->state[item] = usable ? USABLE : UNUSABLE;
    w->known[w->n_known++] = item;
    return usable;
}

/* --- candidates --- */

/* What is spared, in cost, when the set stands with the n items that are stamped. */
static uint64_t spared_by(const struct widening *w)
{
    uint64_t entry_cost = w->weights->entry_cost, items = 0, entries = 0;
    for (uint32_t i = 0; i < w->n_touched; i++) {
        const struct touched *touched = &w->touched[i];
        uint32_t n_other = w->drafts->at[touched->entry].n[!w->side];
        if (touched->n_hit == n_other) {
            items += touched->n_inside + (touched->all ? n_other : 0);
            entries += touched->all;
        } else if (touched->all) {
            items += touched->n_hit;
        }
    }
    return mine_draft_plus(mine_draft_times(entries, entry_cost),
                           mine_draft_times(items, w->weights->item_cost));
}

static void consider(struct widening *w, const uint32_t *items, uint32_t n, uint64_t unseen,
                     bool joins)
{
    /* An entry with the very same other side takes the set in as one item more. */
    uint64_t cost = joins ? w->weights->item_cost
                          : mine_draft_plus(w->weights->entry_cost,
                                            mine_draft_times(n + 1, w->weights->item_cost));
    cost = mine_draft_plus(cost, mine_draft_times(unseen, w->weights->pair_cost));
    uint64_t spared = spared_by(w);
    if (cost >= spared || spared - cost <= w->best_gain) return;
    w->best_gain = spared - cost;
    w->n_best = n;
    if (n) memcpy(w->best, items, n * sizeof *items);
}

/* The other side of an entry that exists. */
static void consider_entry(struct widening *w, size_t entry)
{
    const struct mine_draft *draft = &w->drafts->at[entry];
    uint64_t unseen = 0;
    w->stamp++;
    for (uint32_t i = 0; i < draft->n[!w->side]; i++) {
        uint32_t item = draft->item[!w->side][i];
        mine_effort_spend(w->effort, 1);
        if (!is_usable(w, item)) return;
        w->in[item] = w->stamp;
        unseen = mine_draft_plus(unseen, w->unseen[item]);
    }
    bool stays = true; /* and so can take the set in */
    for (uint32_t i = 0; i < w->n_touched; i++) {
        struct touched *touched = &w->touched[i];
        const struct mine_draft *other = &w->drafts->at[touched->entry];
        touched->n_hit = 0;
        for (uint32_t j = 0; j < other->n[!w->side]; j++)
            touched->n_hit += w->in[other->item[!w->side][j]] == w->stamp;
        mine_effort_spend(w->effort, other->n[!w->side]);
        if (touched->entry == entry && touched->all) stays = false;
    }
    consider(w, draft->item[!w->side], draft->n[!w->side], unseen, stays);
}

struct offer {
    uint64_t unseen;
    uint32_t item;
};

static int compare_offer(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    if (x->unseen != y->unseen) return x->unseen < y->unseen ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* The other items of the entries touched, the cheapest first: each head of that list. */
static void consider_heads(struct widening *w, struct arena scratch)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->n_touched; i++)
        n += w->drafts->at[w->touched[i].entry].n[!w->side];
    struct offer *offers = arena_array(&scratch, struct offer, n);
    uint32_t *items = arena_array(&scratch, uint32_t, n);
    n = 0;
    w->stamp++;
    for (uint32_t i = 0; i < w->n_touched; i++) {
        const struct mine_draft *draft = &w->drafts->at[w->touched[i].entry];
        w->touched[i].n_hit = 0;
        for (uint32_t j = 0; j < draft->n[!w->side]; j++) {
            uint32_t item = draft->item[!w->side][j];
            if (w->in[item] == w->stamp || !is_usable(w, item)) continue;
            w->in[item] = w->stamp;
            offers[n++] = (struct offer){w->unseen[item], item};
        }
    }
    if (!n) return;
    qsort(offers, n, sizeof *offers, compare_offer);
    uint64_t unseen = 0;
    w->stamp++;
    for (uint32_t i = 0; i < n && mine_effort_left(w->effort); i++) {
        items[i] = offers[i].item;
        w->in[items[i]] = w->stamp;
        unseen = mine_draft_plus(unseen, offers[i].unseen);
        for (uint32_t j = 0; j < w->n_touched; j++) {
            const struct mine_draft *draft = &w->drafts->at[w->touched[j].entry];
            w->touched[j].n_hit += has_item(draft, !w->side, items[i]);
        }
        mine_effort_spend(w->effort, 4 * (uint64_t)w->n_touched);
        consider(w, items, i + 1, unseen, false);
    }
}

/* --- a step --- */

static void drop_inside(const struct widening *w, struct mine_draft *draft)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < draft->n[w->side]; i++)
        if (!is_inside(w, draft->item[w->side][i]))
            draft->item[w->side][kept++] = draft->item[w->side][i];
    draft->n[w->side] = kept;
}

static void drop_stamped(const struct widening *w, struct mine_draft *draft)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < draft->n[!w->side]; i++)
        if (w->in[draft->item[!w->side][i]] != w->stamp)
            draft->item[!w->side][kept++] = draft->item[!w->side][i];
    draft->n[!w->side] = kept;
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void step(struct widening *w)
{
    struct mine_drafts *drafts = w->drafts;
    w->stamp++;
    for (uint32_t i = 0; i < w->n_best; i++)
        w->in[w->best[i]] = w->stamp;
    for (uint32_t i = 0; i < w->n_touched; i++) {
        struct mine_draft *draft = &drafts->at[w->touched[i].entry];
        uint32_t n_hit = 0;
        for (uint32_t j = 0; j < draft->n[!w->side]; j++)
            n_hit += w->in[draft->item[!w->side][j]] == w->stamp;
        if (n_hit == draft->n[!w->side])
            drop_inside(w, draft);
        else if (w->touched[i].all)
            drop_stamped(w, draft);
    }
    mine_drafts_sweep(drafts);

    qsort(w->best, w->n_best, sizeof *w->best, compare_u32);
    for (size_t i = 0; i < drafts->n; i++) {
        const struct mine_draft *draft = &drafts->at[i];
        if (draft->n[!w->side] != w->n_best ||
            memcmp(draft->item[!w->side], w->best, w->n_best * sizeof *w->best) != 0)
            continue;
        mine_drafts_insert(drafts, i, w->side, w->set);
        return;
    }
    arena_grow(drafts->arena, drafts->at, drafts->n, drafts->room);
    drafts->at[drafts->n++] = (struct mine_draft){0};
    mine_drafts_insert(drafts, drafts->n - 1, w->side, w->set);
    for (uint32_t i = 0; i < w->n_best; i++)
        mine_drafts_insert(drafts, drafts->n - 1, !w->side, w->best[i]);
}

/* True when a step was made. */
static bool improve_by(struct widening *w, struct arena scratch)
{
    entries_touched(w, &scratch);
    w->best_gain = 0;
    consider_heads(w, scratch);
    for (size_t i = 0; i < w->drafts->n && mine_effort_left(w->effort); i++)
        consider_entry(w, i);
    items_forget(w);
    if (!w->best_gain) return false;
    step(w);
    return true;
}

static bool widen_side(struct mine_drafts *drafts, const struct mine_options *weights,
                       struct mine_effort *effort, int side, struct arena scratch)
{
    struct widening w = widening_begin(drafts, weights, effort, side, &scratch);
    bool changed = false;
    for (uint32_t set = 0; set < drafts->names[side].n_sets && mine_effort_left(effort); set++) {
        set_mark(&w, set);
        while (mine_effort_left(effort) && improve_by(&w, scratch))
            changed = true;
        set_unmark(&w);
    }
    return changed;
}

void mine_widen(struct mine_drafts *drafts, const struct mine_options *weights,
                struct mine_effort *effort, struct arena scratch)
{
    enum { ROUNDS = 16 };
    for (int round = 0; round < ROUNDS; round++) {
        bool changed = widen_side(drafts, weights, effort, 0, scratch);
        changed |= widen_side(drafts, weights, effort, 1, scratch);
        mine_drafts_tidy(drafts, scratch);
        if (!changed || !mine_effort_left(effort)) return;
    }
}

/* --- the bound --- */

/* The pairs that some entry could hold: those seen, and those of every set with every item that it
 * may stand with. Whatever the entries are, each is a biclique of these. */
struct reachable {
    const struct mine_names *names;
    const struct mine_graph *graph;
    const struct mine_options *weights;
    struct mine_link *links;
    size_t n, room;
};

/* All members of one with all of the other; false when there is no room. */
static bool reach_product(struct reachable *reachable, int side, uint32_t set, uint32_t item)
{
    const uint32_t *member[2] = {NULL, NULL};
    uint32_t own[2] = {0, 0}, n[2];
    n[side] = mine_names_members(&reachable->names[side], set, &own[side], &member[side]);
    n[!side] = mine_names_members(&reachable->names[!side], item, &own[!side], &member[!side]);
    if (reachable->room - reachable->n < (uint64_t)n[0] * n[1]) return false;
    for (uint32_t i = 0; i < n[0]; i++)
        for (uint32_t j = 0; j < n[1]; j++)
            reachable->links[reachable->n++] = (struct mine_link){
                {member[0][i], member[1][j]},
                MINE_FREE
            };
    return true;
}

/* A set with all items of the other side; sets x sets are asked from the clients' side only. */
static bool reach_set(struct reachable *reachable, int side, uint32_t set, uint64_t *seen_by,
                      uint32_t *touched)
{
    const struct mine_names *mine = &reachable->names[side], *other = &reachable->names[!side];
    const struct mine_graph *graph = reachable->graph;
    uint32_t n_touched = 0;
    for (uint32_t i = mine->first_member[set]; i < mine->first_member[set + 1]; i++)
        for (uint32_t j = graph->first[side][mine->member[i]];
             j < graph->first[side][mine->member[i] + 1]; j++) {
            uint32_t y = graph->near[side][j];
            if (!seen_by[other->n_sets + y]++) touched[n_touched++] = other->n_sets + y;
            for (uint32_t k = other->first_set[y]; k < other->first_set[y + 1] && side == 0; k++)
                if (!seen_by[other->set[k]]++) touched[n_touched++] = other->set[k];
        }
    bool fits = true;
    for (uint32_t i = 0; i < n_touched; i++) {
        uint32_t item = touched[i];
        uint64_t pairs =
            mine_draft_times(mine_names_weight(mine, set), mine_names_weight(other, item));
        bool may = mine_names_may(mine, set) && mine_names_may(other, item);
        /* What was seen whole adds nothing that is not there. */
        if (fits && pairs != seen_by[item] &&
            is_allowed(seen_by[item], pairs, may, reachable->weights))
            fits = reach_product(reachable, side, set, item);
        seen_by[item] = 0;
    }
    return fits;
}

size_t mine_widen_bound(const struct mine_names names[2], const struct mine_graph *graph,
                        const struct mine_options *weights, struct mine_effort *effort,
                        struct arena work, struct arena scratch)
{
    /* Sets within sets repeat pairs; past this much nothing better than 1 is proved. */
    enum { REPEATS = 8 };
    struct reachable reachable = {.names = names, .graph = graph, .weights = weights};
    reachable.room = REPEATS * (size_t)graph->n_edges;
    reachable.links = arena_array(&work, struct mine_link, reachable.room);
    for (uint32_t u = 0; u < graph->n[0]; u++)
        for (uint32_t e = graph->first[0][u]; e < graph->first[0][u + 1]; e++)
            reachable.links[reachable.n++] = (struct mine_link){
                {u, graph->near[0][e]},
                MINE_NEEDED
            };
    for (int side = 0; side < 2; side++) {
        size_t n_items = (size_t)names[!side].n_sets + names[!side].n;
        struct arena passing = scratch;
        uint64_t *seen_by = arena_array(&passing, uint64_t, n_items);
        uint32_t *touched = arena_array(&passing, uint32_t, n_items);
        for (uint32_t set = 0; set < names[side].n_sets; set++)
            if (!reach_set(&reachable, side, set, seen_by, touched)) return 1;
    }
    struct mine_graph wide =
        mine_graph_build(graph->n, reachable.links, reachable.n, &work, scratch);
    return mine_cover_find(&wide, false, effort, &work, scratch).bound;
}
