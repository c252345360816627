/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/mine.h"

#include "base/limits.h"
#include "reason/mine_cover.h"
#include "reason/mine_draft.h"
#include "reason/mine_widen.h"

/* An entry of one kind before those of several kinds are joined. */
struct mined {
    struct mine_draft draft;
    struct mine_tally tally;
    uint32_t kind;
};

struct job {
    const struct mine_input *input;
    struct mine_options options;
    struct mine_names names[2];
    struct mine_result result;
    struct mined *mined;
    size_t n_mined, room;
};

/* --- one kind --- */

static size_t kind_links(const struct mine_input *input, uint32_t kind, struct mine_link *out)
{
    size_t n = 0;
    for (size_t i = 0; i < input->n_pairs; i++) {
        const struct mine_pair *pair = &input->pairs[i];
        if (pair->kind != kind) continue;
        out[n++] = (struct mine_link){
            {pair->client, pair->server},
            MINE_NEEDED
        };
    }
    return n;
}

static void note_cover(struct mine_result *result, const struct mine_cover *cover)
{
    const struct mine_levels *levels = &cover->levels;
    /* Level 1 has the twins merged; the last is what had to be searched. */
    const struct mine_graph *classes = &levels->at[levels->n > 1 ? 1 : 0].graph;
    result->client_classes += classes->n[0];
    result->server_classes += classes->n[1];
    result->class_pairs += classes->n_edges;
    result->kernel_pairs += levels->at[levels->n - 1].graph.n_edges;
    result->components += cover->n_parts;
    result->exhausted |= cover->exhausted;
    result->overflowed |= cover->overflowed;
}

static struct mine_drafts drafts_copy(const struct mine_drafts *drafts)
{
    struct mine_drafts copy = *drafts;
    copy.room = drafts->n;
    copy.at = arena_array(drafts->arena, struct mine_draft, drafts->n);
    for (size_t i = 0; i < drafts->n; i++) {
        copy.at[i] = drafts->at[i];
        for (int side = 0; side < 2; side++) {
            uint32_t n = drafts->at[i].n[side];
            copy.at[i].item[side] = arena_array(drafts->arena, uint32_t, n);
            copy.at[i].room[side] = n;
            memcpy(copy.at[i].item[side], drafts->at[i].item[side], n * sizeof(uint32_t));
        }
    }
    return copy;
}

/* The exact cover, or what generalising makes of it where that costs less. */
static struct mine_drafts choose(struct job *job, const struct mine_drafts *exact, size_t *bound,
                                 struct arena scratch)
{
    if (!job->options.generalise) return *exact;
    struct mine_effort effort = {.limit = job->options.steps};
    struct mine_drafts wide = drafts_copy(exact);
    mine_widen(&wide, &job->options, &effort, scratch);
    job->result.steps += effort.spent;
    effort = (struct mine_effort){.limit = job->options.steps / 4};
    *bound =
        mine_widen_bound(job->names, exact->graph, &job->options, &effort, *exact->arena, scratch);
    job->result.steps += effort.spent;
    uint64_t cost = mine_drafts_cost(exact, &job->options, scratch);
    return mine_drafts_cost(&wide, &job->options, scratch) < cost ? wide : *exact;
}

static void keep(struct job *job, const struct mine_drafts *drafts, uint32_t kind,
                 struct arena *arena, struct arena scratch)
{
    struct mine_tally *tally = arena_array(&scratch, struct mine_tally, drafts->n);
    bool all = mine_drafts_tally(drafts, tally, scratch);
    assert(all && "every pair seen lies in an entry");
    for (size_t i = 0; i < drafts->n; i++) {
        struct mined mined = {.kind = kind, .tally = tally[i], .draft = drafts->at[i]};
        for (int side = 0; side < 2; side++) {
            uint32_t n = mined.draft.n[side];
            mined.draft.item[side] = arena_array(arena, uint32_t, n);
            memcpy(mined.draft.item[side], drafts->at[i].item[side], n * sizeof(uint32_t));
        }
        arena_grow(arena, job->mined, job->n_mined, job->room);
        job->mined[job->n_mined++] = mined;
    }
}

/* What is made on the way lies in `work`, which is gone at return; the arena's free end serves as
 * scratch until there is something to keep. */
static void mine_kind(struct job *job, uint32_t kind, struct arena *arena, struct arena work)
{
    const uint32_t n[2] = {job->names[0].n, job->names[1].n};
    struct arena passing = *arena;
    struct mine_link *links = arena_array(&passing, struct mine_link, job->input->n_pairs);
    size_t n_links = kind_links(job->input, kind, links);
    if (!n_links) return;
    struct mine_graph graph = mine_graph_build(n, links, n_links, &work, passing);

    struct mine_effort effort = {.limit = job->options.steps};
    struct mine_cover cover = mine_cover_find(&graph, true, &effort, &work, *arena);
    struct mine_drafts exact = {.names = job->names, .graph = &graph, .arena = &work};
    for (size_t i = 0; i < cover.n_blocks; i++)
        mine_drafts_name(&exact, &cover.blocks[i], *arena);
    mine_drafts_tidy(&exact, *arena);
    note_cover(&job->result, &cover);

    struct mine_result *result = &job->result;
    size_t bound = cover.bound;
    struct mine_drafts chosen = choose(job, &exact, &bound, *arena);
    result->steps += effort.spent;
    result->n_exact += exact.n;
    result->exact_bound += cover.bound;
    result->n_alone += chosen.n;
    result->bound += bound;
    result->seen += graph.n_edges;
    result->allowed = mine_draft_plus(result->allowed, mine_drafts_allowed(&chosen, *arena));
    keep(job, &chosen, kind, arena, work);
}

/* --- entries --- */

static int compare_items(const struct mine_draft *a, const struct mine_draft *b)
{
    for (int side = 0; side < 2; side++) {
        uint32_t n = a->n[side] < b->n[side] ? a->n[side] : b->n[side];
        for (uint32_t i = 0; i < n; i++)
            if (a->item[side][i] != b->item[side][i])
                return a->item[side][i] < b->item[side][i] ? -1 : 1;
        if (a->n[side] != b->n[side]) return a->n[side] < b->n[side] ? -1 : 1;
    }
    return 0;
}

static int compare_mined(const void *a, const void *b)
{
    const struct mined *x = a, *y = b;
    int order = compare_items(&x->draft, &y->draft);
    return order ? order : (x->kind > y->kind) - (x->kind < y->kind);
}

static int compare_kinds(const struct mine_entry *a, const struct mine_entry *b)
{
    size_t n = a->n_kinds < b->n_kinds ? a->n_kinds : b->n_kinds;
    for (size_t i = 0; i < n; i++)
        if (a->kinds[i] != b->kinds[i]) return a->kinds[i] < b->kinds[i] ? -1 : 1;
    return (a->n_kinds > b->n_kinds) - (a->n_kinds < b->n_kinds);
}

static int compare_side(const struct mine_items *a, const struct mine_items *b)
{
    size_t n_a = a->n_sets + a->n_singles, n_b = b->n_sets + b->n_singles;
    for (size_t i = 0; i < n_a && i < n_b; i++) {
        bool set_a = i < a->n_sets, set_b = i < b->n_sets;
        if (set_a != set_b) return set_a ? -1 : 1;
        uint32_t x = set_a ? a->sets[i] : a->singles[i - a->n_sets];
        uint32_t y = set_b ? b->sets[i] : b->singles[i - b->n_sets];
        if (x != y) return x < y ? -1 : 1;
    }
    return (n_a > n_b) - (n_a < n_b);
}

static int compare_entries(const void *a, const void *b)
{
    const struct mine_entry *x = a, *y = b;
    int order = compare_kinds(x, y);
    if (!order) order = compare_side(&x->clients, &y->clients);
    return order ? order : compare_side(&x->servers, &y->servers);
}

static struct mine_items items_of(const struct mine_names *names, const struct mine_draft *draft,
                                  int side)
{
    uint32_t n_sets = 0;
    while (n_sets < draft->n[side] && draft->item[side][n_sets] < names->n_sets)
        n_sets++;
    uint32_t *singles = draft->item[side] + n_sets;
    for (uint32_t i = 0; i < draft->n[side] - n_sets; i++)
        singles[i] -= names->n_sets;
    return (struct mine_items){draft->item[side], n_sets, singles, draft->n[side] - n_sets};
}

static bool same_family(const struct mine_input *input, uint32_t a, uint32_t b)
{
    return input->family && input->family[a] == input->family[b];
}

/* Entries of one family with equal sides become one. */
static void join_kinds(struct job *job, struct arena *arena, struct arena scratch)
{
    struct mine_result *result = &job->result;
    if (job->n_mined) qsort(job->mined, job->n_mined, sizeof *job->mined, compare_mined);
    struct mine_entry *entries = arena_array(arena, struct mine_entry, job->n_mined);
    bool *taken = arena_array(&scratch, bool, job->n_mined);
    for (size_t i = 0; i < job->n_mined; i++) {
        if (taken[i]) continue;
        struct mined *first = &job->mined[i];
        uint32_t *kinds = arena_array(arena, uint32_t, 1);
        size_t n_kinds = 0, room = 1;
        struct mine_entry entry = {0};
        /* Equal sides are neighbours; families may alternate among them. */
        for (size_t j = i; j < job->n_mined; j++) {
            struct mined *other = &job->mined[j];
            if (j > i && compare_items(&first->draft, &other->draft) != 0) break;
            if (j > i && (taken[j] || !same_family(job->input, first->kind, other->kind))) continue;
            taken[j] = true;
            arena_grow(arena, kinds, n_kinds, room);
            kinds[n_kinds++] = other->kind;
            entry.seen += other->tally.seen;
            entry.own += other->tally.own;
            entry.allowed = mine_draft_plus(entry.allowed, other->tally.allowed);
        }
        entry.kinds = kinds;
        entry.n_kinds = n_kinds;
        result->cost = mine_draft_plus(
            result->cost, mine_draft_plus(job->options.entry_cost,
                                          mine_draft_times(first->draft.n[0] + first->draft.n[1],
                                                           job->options.item_cost)));
        entry.clients.n_sets = i; /* where its sides are, until all are compared */
        entries[result->n_entries++] = entry;
    }
    for (size_t i = 0; i < result->n_entries; i++) {
        const struct mine_draft *draft = &job->mined[entries[i].clients.n_sets].draft;
        entries[i].clients = items_of(&job->names[0], draft, 0);
        entries[i].servers = items_of(&job->names[1], draft, 1);
    }
    if (result->n_entries) qsort(entries, result->n_entries, sizeof *entries, compare_entries);
    result->entries = entries;
}

struct mine_result mine(const struct mine_input *input, const struct mine_options *options,
                        struct arena *arena, struct arena scratch)
{
    struct job job = {.input = input, .options = *options};
    if (!options->entry_cost && !options->item_cost && !options->pair_cost) {
        job.options.entry_cost = MINE_ENTRY_COST;
        job.options.item_cost = MINE_ITEM_COST;
        job.options.pair_cost = MINE_PAIR_COST;
    }
    if (!options->min_share_percent) job.options.min_share_percent = MINE_SHARE_PERCENT;
    if (!options->steps) job.options.steps = LIMIT_MINE_STEPS;
    job.names[0] = mine_names_of(&input->clients, &scratch, *arena);
    job.names[1] = mine_names_of(&input->servers, &scratch, *arena);
    for (uint32_t kind = 0; kind < input->n_kinds; kind++)
        mine_kind(&job, kind, arena, scratch);
    join_kinds(&job, arena, scratch);
    struct mine_result *result = &job.result;
    uint64_t unseen = result->allowed == UINT64_MAX ? UINT64_MAX : result->allowed - result->seen;
    result->cost = mine_draft_plus(result->cost, mine_draft_times(unseen, job.options.pair_cost));
    return *result;
}

/* --- reading the answer --- */

bool mine_is_optimal(const struct mine_result *result)
{
    return result->n_alone <= result->bound;
}

double mine_gap_percent(const struct mine_result *result)
{
    if (mine_is_optimal(result) || !result->bound) return 0;
    return 100.0 * (double)(result->n_alone - result->bound) / (double)result->bound;
}

double mine_over_grant(const struct mine_result *result)
{
    return result->seen ? (double)result->allowed / (double)result->seen : 1;
}

static bool *side_mark(const struct mine_side *side, const struct mine_items *items,
                       struct arena *arena)
{
    bool *in = arena_array(arena, bool, side->n);
    for (size_t i = 0; i < items->n_singles; i++)
        in[items->singles[i]] = true;
    for (size_t i = 0; i < items->n_sets; i++) {
        const struct mine_set *set = &side->sets[items->sets[i]];
        for (size_t j = 0; j < set->n_members; j++)
            in[set->members[j]] = true;
    }
    return in;
}

const uint32_t *mine_justification(const struct mine_input *input, const struct mine_entry *entry,
                                   struct arena *arena, struct arena scratch, size_t *out_n)
{
    const bool *client = side_mark(&input->clients, &entry->clients, &scratch);
    const bool *server = side_mark(&input->servers, &entry->servers, &scratch);
    bool *kind = arena_array(&scratch, bool, input->n_kinds);
    for (size_t i = 0; i < entry->n_kinds; i++)
        kind[entry->kinds[i]] = true;
    uint32_t *out = NULL;
    size_t n = 0, room = 0;
    assert(input->n_pairs <= UINT32_MAX);
    for (size_t i = 0; i < input->n_pairs; i++) {
        const struct mine_pair *pair = &input->pairs[i];
        if (!kind[pair->kind] || !client[pair->client] || !server[pair->server]) continue;
        arena_grow(arena, out, n, room);
        out[n++] = (uint32_t)i;
    }
    *out_n = n;
    return out;
}
