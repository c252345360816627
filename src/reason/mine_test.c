/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/mine.h"

#include "base/hash.h"
#include "base/test.h"

/* --- making inputs --- */

struct chance {
    uint64_t state;
};

static uint32_t below(struct chance *chance, uint32_t n)
{
    chance->state = hash_u64(chance->state);
    return (uint32_t)(chance->state % n);
}

struct pairs {
    struct mine_pair *at;
    size_t n, room;
};

static void put(struct pairs *pairs, struct arena *arena, uint32_t client, uint32_t server,
                uint32_t kind)
{
    arena_grow(arena, pairs->at, pairs->n, pairs->room);
    pairs->at[pairs->n++] = (struct mine_pair){client, server, kind};
}

static struct mine_input input_of(const struct pairs *pairs, uint32_t n_clients, uint32_t n_servers)
{
    return (struct mine_input){
        .pairs = pairs->at,
        .n_pairs = pairs->n,
        .n_kinds = 1,
        .clients = {.n = n_clients},
        .servers = {.n = n_servers},
    };
}

static void shuffle(struct pairs *pairs, struct chance *chance)
{
    for (size_t i = pairs->n; i > 1; i--) {
        uint32_t j = below(chance, (uint32_t)i);
        struct mine_pair swap = pairs->at[i - 1];
        pairs->at[i - 1] = pairs->at[j];
        pairs->at[j] = swap;
    }
}

/* --- checking answers, the slow and plain way --- */

static bool side_has(const struct mine_side *side, const struct mine_items *items, uint32_t x)
{
    for (size_t i = 0; i < items->n_singles; i++)
        if (items->singles[i] == x) return true;
    for (size_t i = 0; i < items->n_sets; i++)
        for (size_t j = 0; j < side->sets[items->sets[i]].n_members; j++)
            if (side->sets[items->sets[i]].members[j] == x) return true;
    return false;
}

static bool entry_has_kind(const struct mine_entry *entry, uint32_t kind)
{
    for (size_t i = 0; i < entry->n_kinds; i++)
        if (entry->kinds[i] == kind) return true;
    return false;
}

static bool names_set(const struct mine_items *items, uint32_t set)
{
    for (size_t i = 0; i < items->n_sets; i++)
        if (items->sets[i] == set) return true;
    return false;
}

/* Atoms: vertices, then the unseen members of each set as one of that weight. */
static bool atom_in(const struct mine_side *side, const struct mine_items *items, uint32_t atom)
{
    return atom < side->n ? side_has(side, items, atom) : names_set(items, atom - side->n);
}

static uint64_t atom_weight(const struct mine_side *side, uint32_t atom)
{
    return atom < side->n ? 1 : side->sets[atom - side->n].n_unseen;
}

static bool atom_may(const struct mine_side *side, uint32_t atom)
{
    if (atom >= side->n) return side->sets[atom - side->n].may_generalise;
    return !side->may_generalise || side->may_generalise[atom];
}

/* Of each entry, the atoms of both its sides. */
struct expanded {
    bool *in[2];
};

static struct expanded *expand(const struct mine_input *input, const struct mine_result *result,
                               const uint32_t n[2], struct arena *arena)
{
    struct expanded *out = arena_array(arena, struct expanded, result->n_entries);
    for (size_t i = 0; i < result->n_entries; i++) {
        const struct mine_entry *entry = &result->entries[i];
        for (int side = 0; side < 2; side++)
            out[i].in[side] = arena_array(arena, bool, n[side]);
        for (uint32_t u = 0; u < n[0]; u++)
            out[i].in[0][u] = atom_in(&input->clients, &entry->clients, u);
        for (uint32_t v = 0; v < n[1]; v++)
            out[i].in[1][v] = atom_in(&input->servers, &entry->servers, v);
    }
    return out;
}

/* Every pair seen is covered, every number is what counting says, nothing is allowed that may not
 * be. */
static void assert_sound(const struct mine_input *input, const struct mine_options *options,
                         const struct mine_result *result, const struct arena *arena,
                         struct arena scratch)
{
    uint32_t n[2] = {input->clients.n + input->clients.n_sets,
                     input->servers.n + input->servers.n_sets};
    uint8_t *seen = arena_array(&scratch, uint8_t, (size_t)n[0] * n[1]);
    const struct expanded *atoms = expand(input, result, n, &scratch);
    uint64_t *entry_seen = arena_array(&scratch, uint64_t, result->n_entries);
    uint64_t *entry_own = arena_array(&scratch, uint64_t, result->n_entries);
    uint64_t allowed = 0, all_seen = 0, items = 0;
    for (uint32_t kind = 0; kind < input->n_kinds; kind++) {
        memset(seen, 0, (size_t)n[0] * n[1]);
        for (size_t i = 0; i < input->n_pairs; i++)
            if (input->pairs[i].kind == kind)
                seen[(size_t)input->pairs[i].client * n[1] + input->pairs[i].server] = 1;
        for (uint32_t u = 0; u < n[0]; u++)
            for (uint32_t v = 0; v < n[1]; v++) {
                uint64_t weight = atom_weight(&input->clients, u) * atom_weight(&input->servers, v);
                size_t times = 0, last = 0;
                for (size_t i = 0; i < result->n_entries; i++) {
                    const struct mine_entry *entry = &result->entries[i];
                    if (!atoms[i].in[0][u] || !atoms[i].in[1][v] || !entry_has_kind(entry, kind))
                        continue;
                    times++;
                    last = i;
                    entry_seen[i] += seen[(size_t)u * n[1] + v];
                }
                if (seen[(size_t)u * n[1] + v]) {
                    assert_true(times > 0);
                    all_seen++;
                    if (times == 1) entry_own[last]++;
                } else if (times && weight) {
                    assert_true(options->generalise);
                    assert_true(atom_may(&input->clients, u) && atom_may(&input->servers, v));
                }
                if (times) allowed += weight;
            }
    }
    for (size_t i = 0; i < result->n_entries; i++) {
        const struct mine_entry *entry = &result->entries[i];
        assert_int_equal(entry->seen, entry_seen[i]);
        assert_int_equal(entry->own, entry_own[i]);
        assert_true(entry->allowed >= entry->seen);
        items += entry->clients.n_sets + entry->clients.n_singles + entry->servers.n_sets +
                 entry->servers.n_singles;
        size_t n_justify = 0;
        struct arena passing = *arena;
        const uint32_t *justify = mine_justification(input, entry, &passing, scratch, &n_justify);
        assert_true(n_justify >= entry->seen);
        for (size_t j = 0; j < n_justify; j++)
            assert_true(atoms[i].in[0][input->pairs[justify[j]].client] &&
                        atoms[i].in[1][input->pairs[justify[j]].server]);
    }
    assert_int_equal(result->seen, all_seen);
    assert_int_equal(result->allowed, allowed);
    assert_int_equal(result->cost, 100 * result->n_entries + 10 * items + allowed - all_seen);
    assert_true(result->bound <= result->n_alone);
    assert_true(result->exact_bound <= result->n_exact);
    if (!options->generalise) {
        assert_int_equal(allowed, all_seen);
        assert_int_equal(result->n_alone, result->n_exact);
    }
}

static bool items_equal(const struct mine_items *a, const struct mine_items *b)
{
    return a->n_sets == b->n_sets && a->n_singles == b->n_singles &&
           (!a->n_sets || memcmp(a->sets, b->sets, a->n_sets * sizeof *a->sets) == 0) &&
           (!a->n_singles ||
            memcmp(a->singles, b->singles, a->n_singles * sizeof *a->singles) == 0);
}

static void assert_same(const struct mine_result *a, const struct mine_result *b)
{
    assert_int_equal(a->n_entries, b->n_entries);
    assert_int_equal(a->bound, b->bound);
    assert_int_equal(a->cost, b->cost);
    assert_int_equal(a->steps, b->steps);
    for (size_t i = 0; i < a->n_entries; i++) {
        assert_true(items_equal(&a->entries[i].clients, &b->entries[i].clients));
        assert_true(items_equal(&a->entries[i].servers, &b->entries[i].servers));
        assert_int_equal(a->entries[i].seen, b->entries[i].seen);
    }
}

/* --- small worlds --- */

/* Fewest bicliques by trying all: a graph of nc x ns as a mask. */
static uint32_t maximal_masks(uint32_t graph, uint32_t nc, uint32_t ns, uint32_t *out)
{
    uint32_t n = 0;
    for (uint32_t clients = 1; clients < 1U << nc; clients++) {
        uint32_t common = (1U << ns) - 1;
        for (uint32_t u = 0; u < nc; u++)
            if (clients >> u & 1) common &= graph >> u * ns;
        if (!common) continue;
        uint32_t mask = 0;
        for (uint32_t u = 0; u < nc; u++)
            if (clients >> u & 1) mask |= common << u * ns;
        out[n++] = mask;
    }
    return n;
}

static uint32_t fewest(uint32_t left, const uint32_t *masks, uint32_t n_masks, uint32_t limit)
{
    if (!left) return 0;
    if (!limit) return 1; /* more than there may be */
    uint32_t lowest = left & (~left + 1), best = limit + 1;
    for (uint32_t i = 0; i < n_masks; i++) {
        if (!(masks[i] & lowest)) continue;
        uint32_t with = 1 + fewest(left & ~masks[i], masks, n_masks, best - 2);
        if (with < best) best = with;
        if (best == 1) break;
    }
    return best;
}

static void check_graph(uint32_t graph, uint32_t nc, uint32_t ns, struct arena arena,
                        struct arena scratch)
{
    struct pairs pairs = {0};
    for (uint32_t i = 0; i < nc * ns; i++)
        if (graph >> i & 1) put(&pairs, &arena, i / ns, i % ns, 0);
    struct mine_input input = input_of(&pairs, nc, ns);
    struct mine_options options = {0};
    struct mine_result result = mine(&input, &options, &arena, scratch);
    uint32_t masks[64], n_masks = maximal_masks(graph, nc, ns, masks);
    uint32_t optimum = fewest(graph, masks, n_masks, nc < ns ? nc : ns);
    if (result.n_entries != optimum || result.bound != optimum)
        fail_msg("graph %x of %u x %u: %zu entries, bound %zu, optimum %u", graph, nc, ns,
                 result.n_entries, result.bound, optimum);
    assert_int_equal(result.n_alone, optimum);
    uint32_t covered = 0;
    for (size_t i = 0; i < result.n_entries; i++) {
        const struct mine_entry *entry = &result.entries[i];
        for (size_t a = 0; a < entry->clients.n_singles; a++)
            for (size_t b = 0; b < entry->servers.n_singles; b++)
                covered |= 1U << (entry->clients.singles[a] * ns + entry->servers.singles[b]);
    }
    assert_int_equal(covered, graph);
}

static void test_small_worlds(void **state)
{
    (void)state;
    struct arena arena = arena_open("mine_test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    for (uint32_t graph = 0; graph < 1U << 16; graph++)
        check_graph(graph, 4, 4, arena, scratch);
    /* 5 x 4: each thirty-first, which meets every number of edges. */
    for (uint32_t graph = 0; graph < 1U << 20; graph += 31)
        check_graph(graph, 5, 4, arena, scratch);
    arena_close(&scratch);
    arena_close(&arena);
}

/* --- known optima --- */

/* Blocks drawn by chance, and single pairs as noise. The optimum is known when each block and each
 * single pair has an edge such that no two of these edges fit in one biclique: then fewer entries
 * can't do, and as many do. */
struct plant {
    uint32_t n_clients, n_servers, n_blocks, n_noise;
    uint32_t block_clients, block_servers; /* the most of one block */
    bool private_ends;                     /* each block has a client and a server of its own */
};

struct planted {
    uint8_t *edge;        /* n_clients x n_servers: how many blocks cover it */
    uint32_t (*proof)[2]; /* the edges that prove the optimum */
    uint32_t n_proof;
};

static uint8_t *edge_at(const struct planted *planted, const struct plant *plant, uint32_t u,
                        uint32_t v)
{
    return &planted->edge[(size_t)u * plant->n_servers + v];
}

static bool fit_together(const struct planted *planted, const struct plant *plant,
                         const uint32_t a[2], const uint32_t b[2])
{
    return *edge_at(planted, plant, a[0], b[1]) && *edge_at(planted, plant, b[0], a[1]);
}

/* The edge is independent of all that prove the optimum so far. */
static bool stands_apart(const struct planted *planted, const struct plant *plant,
                         const uint32_t edge[2])
{
    for (uint32_t i = 0; i < planted->n_proof; i++)
        if (fit_together(planted, plant, edge, planted->proof[i])) return false;
    return true;
}

static uint32_t draw_distinct(struct chance *chance, uint32_t of, uint32_t n, uint32_t *out)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t x = below(chance, of);
        bool again = false;
        for (uint32_t k = 0; k < kept; k++)
            again |= out[k] == x;
        if (!again) out[kept++] = x;
    }
    return kept;
}

struct block {
    uint32_t member[2][128], n[2];
};

static struct block draw_block(const struct plant *plant, uint32_t number, struct chance *chance)
{
    struct block block = {0};
    uint32_t spare = plant->private_ends ? plant->n_blocks : 0;
    block.n[0] = draw_distinct(chance, plant->n_clients - spare,
                               2 + below(chance, plant->block_clients - 1), block.member[0]);
    block.n[1] = draw_distinct(chance, plant->n_servers - spare,
                               2 + below(chance, plant->block_servers - 1), block.member[1]);
    /* Ends that are a block's own are the last ones; the others are drawn from the rest. */
    if (spare) {
        block.member[0][block.n[0]++] = plant->n_clients - 1 - number;
        block.member[1][block.n[1]++] = plant->n_servers - 1 - number;
    }
    return block;
}

/* An edge that only this block has, independent of those of the blocks before it. */
static bool prove_block(struct planted *planted, const struct plant *plant,
                        const struct block *block)
{
    for (uint32_t i = 0; i < block->n[0]; i++)
        for (uint32_t j = 0; j < block->n[1]; j++) {
            const uint32_t edge[2] = {block->member[0][i], block->member[1][j]};
            if (*edge_at(planted, plant, edge[0], edge[1]) != 1) continue;
            if (!stands_apart(planted, plant, edge)) continue;
            memcpy(planted->proof[planted->n_proof++], edge, sizeof edge);
            return true;
        }
    return false;
}

/* A single pair that is no edge yet, and leaves all that prove the optimum independent. */
static bool add_noise(struct planted *planted, const struct plant *plant, struct chance *chance)
{
    for (int tries = 0; tries < 1000; tries++) {
        const uint32_t edge[2] = {below(chance, plant->n_clients), below(chance, plant->n_servers)};
        uint8_t *at = edge_at(planted, plant, edge[0], edge[1]);
        if (*at) continue;
        *at = 1;
        bool good = stands_apart(planted, plant, edge);
        for (uint32_t i = 0; i < planted->n_proof && good; i++)
            for (uint32_t j = 0; j < i && good; j++)
                good = !fit_together(planted, plant, planted->proof[i], planted->proof[j]);
        if (good) {
            memcpy(planted->proof[planted->n_proof++], edge, sizeof edge);
            return true;
        }
        *at = 0;
    }
    return false;
}

static bool sow(struct planted *planted, const struct plant *plant, struct chance *chance,
                struct arena scratch)
{
    memset(planted->edge, 0, (size_t)plant->n_clients * plant->n_servers);
    planted->n_proof = 0;
    struct block *blocks = arena_array(&scratch, struct block, plant->n_blocks);
    for (uint32_t number = 0; number < plant->n_blocks; number++) {
        struct block *block = &blocks[number];
        *block = draw_block(plant, number, chance);
        for (uint32_t i = 0; i < block->n[0]; i++)
            for (uint32_t j = 0; j < block->n[1]; j++)
                ++*edge_at(planted, plant, block->member[0][i], block->member[1][j]);
    }
    for (uint32_t number = 0; number < plant->n_blocks; number++)
        if (!prove_block(planted, plant, &blocks[number])) return false;
    for (uint32_t i = 0; i < plant->n_noise; i++)
        if (!add_noise(planted, plant, chance)) return false;
    return true;
}

static void check_planted(uint32_t number, const struct plant *plant, struct arena arena,
                          struct arena scratch)
{
    struct chance chance = {number};
    uint32_t optimum = plant->n_blocks + plant->n_noise, tries = 1;
    struct planted planted = {
        .edge = arena_array(&arena, uint8_t, (size_t)plant->n_clients * plant->n_servers),
        .proof = arena_take(&arena, sizeof *planted.proof, _Alignof(uint32_t), optimum),
    };
    while (!sow(&planted, plant, &chance, scratch))
        assert_true(++tries < 1000);

    struct pairs pairs = {0};
    for (uint32_t u = 0; u < plant->n_clients; u++)
        for (uint32_t v = 0; v < plant->n_servers; v++)
            if (*edge_at(&planted, plant, u, v)) put(&pairs, &arena, u, v, 0);
    shuffle(&pairs, &chance);
    struct mine_input input = input_of(&pairs, plant->n_clients, plant->n_servers);
    struct mine_options options = {0};
    struct mine_result result = mine(&input, &options, &arena, scratch);
    double gap = 100.0 * ((double)result.n_entries - optimum) / optimum;
    print_message("  planted %2u: %4u x %3u, %5zu pairs, kernel %4zu: optimum %3u, entries %3zu, "
                  "bound %3zu, gap %.1f %%, %" PRIu64 " steps, draw %u\n",
                  number, plant->n_clients, plant->n_servers, pairs.n, result.kernel_pairs, optimum,
                  result.n_entries, result.bound, gap, result.steps, tries);
    assert_true(result.bound <= optimum);
    assert_true(result.n_entries >= optimum);
    assert_true(gap <= 5.0);
    assert_sound(&input, &options, &result, &arena, scratch);
}

static void test_planted(void **state)
{
    (void)state;
    static const struct plant plants[] = {
        {60,   30,  10,  0,  12, 6,  true },
        {200,  60,  25,  0,  30, 10, true },
        {400,  80,  40,  0,  40, 12, true },
        {100,  40,  12,  10, 20, 8,  true },
        {300,  90,  40,  20, 30, 8,  true },
        {60,   30,  10,  0,  12, 6,  false},
        {120,  50,  14,  0,  20, 8,  false},
        {200,  60,  18,  0,  30, 8,  false},
        {300,  80,  25,  0,  40, 8,  false},
        {400,  100, 30,  0,  40, 10, false},
        {60,   40,  8,   8,  12, 6,  false},
        {120,  60,  12,  12, 20, 8,  false},
        {200,  80,  16,  16, 30, 8,  false},
        {300,  100, 20,  20, 30, 10, false},
        {400,  120, 25,  25, 40, 10, false},
        {800,  150, 50,  0,  60, 10, false},
        {800,  150, 40,  20, 60, 10, false},
        {1200, 200, 60,  10, 60, 12, false},
        {1500, 250, 80,  20, 60, 12, false},
        {2000, 300, 100, 40, 80, 12, false},
    };
    struct arena arena = arena_open("mine_test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    for (uint32_t i = 0; i < COUNT_OF(plants); i++)
        check_planted(i, &plants[i], arena, scratch);
    arena_close(&scratch);
    arena_close(&arena);
}

/* --- random inputs, with sets --- */

static struct mine_side draw_side(uint32_t n, uint32_t n_sets, struct chance *chance,
                                  struct arena *arena)
{
    struct mine_set *sets = arena_array(arena, struct mine_set, n_sets);
    bool *may = arena_array(arena, bool, n);
    for (uint32_t x = 0; x < n; x++)
        may[x] = below(chance, 8) > 0;
    for (uint32_t set = 0; set < n_sets; set++) {
        size_t n_members = below(chance, n + 1);
        uint32_t *members = arena_array(arena, uint32_t, n_members);
        uint32_t from = below(chance, n);
        for (size_t i = 0; i < n_members; i++) /* runs and scatterings, some members twice */
            members[i] = set % 2 ? below(chance, n) : (from + (uint32_t)i) % n;
        sets[set] = (struct mine_set){
            .members = members,
            .n_members = n_members,
            .n_unseen = below(chance, 2) ? below(chance, 4) : 0,
            .may_generalise = below(chance, 4) > 0,
        };
    }
    return (struct mine_side){
        .n = n, .sets = sets, .n_sets = n_sets, .may_generalise = below(chance, 3) ? may : NULL};
}

static struct mine_input draw_input(struct chance *chance, struct pairs *pairs, struct arena *arena)
{
    uint32_t n_clients = 1 + below(chance, 24), n_servers = 1 + below(chance, 12);
    uint32_t n_kinds = 1 + below(chance, 3), density = 1 + below(chance, 10);
    uint32_t *family = arena_array(arena, uint32_t, n_kinds);
    for (uint32_t kind = 0; kind < n_kinds; kind++)
        family[kind] = below(chance, 2);
    for (uint32_t kind = 0; kind < n_kinds; kind++)
        for (uint32_t u = 0; u < n_clients; u++)
            for (uint32_t v = 0; v < n_servers; v++)
                /* Blocks with holes, so that sets have something to stand for. */
                if ((u / 4 + v / 3) % 3 ? below(chance, 11) < density : !below(chance, 9))
                    for (uint32_t again = 1 + !below(chance, 6); again > 0; again--)
                        put(pairs, arena, u, v, kind);
    struct mine_input input = input_of(pairs, n_clients, n_servers);
    input.n_kinds = n_kinds;
    input.family = below(chance, 2) ? family : NULL;
    input.clients = draw_side(n_clients, below(chance, 6), chance, arena);
    input.servers = draw_side(n_servers, below(chance, 4), chance, arena);
    return input;
}

static void test_random(void **state)
{
    (void)state;
    struct arena arena = arena_open("mine_test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    uint64_t n_wider = 0, n_fewer = 0;
    for (uint32_t round = 0; round < 400; round++) {
        arena_reset(&arena);
        struct chance chance = {round};
        struct pairs pairs = {0};
        struct mine_input input = draw_input(&chance, &pairs, &arena);
        uint64_t exact_cost = 0;
        for (int generalise = 0; generalise < 2; generalise++) {
            struct mine_options options = {.generalise = generalise, .steps = 1000000};
            struct mine_result result = mine(&input, &options, &arena, scratch);
            assert_sound(&input, &options, &result, &arena, scratch);
            shuffle(&pairs, &chance);
            struct mine_result again = mine(&input, &options, &arena, scratch);
            assert_same(&result, &again);
            if (!generalise) {
                exact_cost = result.cost;
                continue;
            }
            /* Entries of several kinds are joined afterwards, which no step foresees. */
            if (input.n_kinds == 1) assert_true(result.cost <= exact_cost);
            n_wider += result.allowed > result.seen;
            n_fewer += result.n_alone < result.n_exact;
        }
    }
    print_message("  %" PRIu64 " answers allow more than was seen, %" PRIu64
                  " have fewer entries\n",
                  n_wider, n_fewer);
    assert_true(n_wider > 50 && n_fewer > 50);
    arena_close(&scratch);
    arena_close(&arena);
}

/* --- cases, each told in a line --- */

/* Clients 0..9, servers 0..5; sets a..c of clients, x of servers. A pair list names kind, clients,
 * servers: "0:0-4>0,2". Expected: entries in the same words, with the sets named. */
struct set_row {
    const char *members;
    uint64_t n_unseen;
    bool may;
};

struct mine_case {
    const char *name;
    const char *pairs;
    struct set_row clients[3], servers[1];
    uint32_t untrusted; /* bits of clients that may not generalise */
    bool generalise;
    const char *expected;
    uint64_t allowed;
};

/* clang-format off */ /* it would align rows of different length */
static const struct mine_case cases[] = {
    {.name = "nothing seen, nothing allowed", .pairs = "", .expected = ""},
    {.name = "a biclique is one entry",
     .pairs = "0:0-4>0-2",
     .expected = "0:0-4>0-2 ",
     .allowed = 15},
    {.name = "twice the same pair is one",
     .pairs = "0:1>1 0:1>1",
     .expected = "0:1>1 ",
     .allowed = 1},
    {.name = "two roles that overlap",
     .pairs = "0:0-4>0-2 0:3-9>2-5",
     .expected = "0:0-4>0-2 0:3-9>2-5 ",
     .allowed = 41},
    {.name = "a set that lies in a side whole names it, also in the exact regime",
     .pairs = "0:0-5>0",
     .clients = {{"0-4", 0, true}},
     .expected = "0:a,5>0 ",
     .allowed = 6},
    {.name = "also one that may not generalise: nothing new is allowed",
     .pairs = "0:0-4>0",
     .clients = {{"0-4", 0, false}},
     .generalise = true,
     .expected = "0:a>0 ",
     .allowed = 5},
    {.name = "exact: a set with unseen members is not named",
     .pairs = "0:0-4>0",
     .clients = {{"0-4", 1, true}},
     .expected = "0:0-4>0 ",
     .allowed = 5},
    {.name = "generalising: it is, and its unseen members count",
     .pairs = "0:0-4>0",
     .clients = {{"0-4", 1, true}},
     .generalise = true,
     .expected = "0:a>0 ",
     .allowed = 6},
    {.name = "untrusted never generalises",
     .pairs = "0:0-4>0",
     .clients = {{"0-4", 1, false}},
     .generalise = true,
     .expected = "0:0-4>0 ",
     .allowed = 5},
    {.name = "a set with an untrusted member neither",
     .pairs = "0:0-3>0",
     .clients = {{"0-4", 0, true}},
     .untrusted = 1 << 4,
     .generalise = true,
     .expected = "0:0-3>0 ",
     .allowed = 4},
    {.name = "half of a set was seen: it is named",
     .pairs = "0:0-4>0",
     .clients = {{"0-9", 0, true}},
     .generalise = true,
     .expected = "0:a>0 ",
     .allowed = 10},
    {.name = "less than half: it is not",
     .pairs = "0:0-3>0",
     .clients = {{"0-8", 0, true}},
     .generalise = true,
     .expected = "0:0-3>0 ",
     .allowed = 4},
    {.name = "half of it, but the addresses of a whole network besides",
     .pairs = "0:0-4>0",
     .clients = {{"0-4", 65531, true}},
     .generalise = true,
     .expected = "0:0-4>0 ",
     .allowed = 5},
    {.name = "holes are filled when that saves entries",
     .pairs = "0:0,1,2>0 0:1,2,3>1 0:0,2,3>2 0:0,1,3>3",
     .clients = {{"0-3", 0, true}},
     .generalise = true,
     .expected = "0:a>0-3 ",
     .allowed = 16},
    {.name = "sets on both sides",
     .pairs = "0:0-4>0-2",
     .clients = {{"0-4", 0, true}},
     .servers = {{"0-2", 0, true}},
     .generalise = true,
     .expected = "0:a>x ",
     .allowed = 15},
    {.name = "what is granted already is named without a charge",
     .pairs = "0:0-4>0 0:0-3>1",
     .clients = {{"0-4", 0, true}},
     .servers = {{"0-1", 0, true}},
     .generalise = true,
     .expected = "0:a>x ",
     .allowed = 10},
    {.name = "several sets share an entry",
     .pairs = "0:0-5>0,1",
     .clients = {{"0-2", 0, true}, {"3-5", 1, true}, {"8-9", 0, true}},
     .generalise = true,
     .expected = "0:a,b>0-1 ",
     .allowed = 14},
    {.name = "kinds of one family with equal sides are one entry",
     .pairs = "0:0-1>0 2:0-1>0",
     .expected = "0,2:0-1>0 ",
     .allowed = 4},
    {.name = "of different families they are not",
     .pairs = "0:0-1>0 1:0-1>0",
     .expected = "0:0-1>0 1:0-1>0 ",
     .allowed = 4},
};
/* clang-format on */

/* Reads "0-4,7" into a list; the answer is where it ends. */
static const char *read_list(const char *text, uint32_t *out, size_t *out_n)
{
    *out_n = 0;
    for (;; text++) {
        uint32_t from = (uint32_t)(*text++ - '0'), to = from;
        if (*text == '-') {
            to = (uint32_t)(text[1] - '0');
            text += 2;
        }
        for (uint32_t x = from; x <= to; x++)
            out[(*out_n)++] = x;
        if (*text != ',') return text;
    }
}

static struct pairs read_pairs(const char *text, struct arena *arena)
{
    struct pairs pairs = {0};
    while (*text) {
        uint32_t list[3][16];
        size_t n[3];
        for (int i = 0; i < 3; i++) {
            text = read_list(text, list[i], &n[i]);
            if (*text) text++;
        }
        for (size_t u = 0; u < n[1]; u++)
            for (size_t v = 0; v < n[2]; v++)
                put(&pairs, arena, list[1][u], list[2][v], list[0][0]);
    }
    return pairs;
}

static struct mine_side read_side(uint32_t n, const struct set_row *rows, size_t n_rows,
                                  struct arena *arena)
{
    struct mine_side side = {.n = n};
    struct mine_set *sets = arena_array(arena, struct mine_set, n_rows);
    for (size_t i = 0; i < n_rows && rows[i].members; i++) {
        uint32_t *members = arena_array(arena, uint32_t, 16);
        size_t n_members = 0;
        read_list(rows[i].members, members, &n_members);
        sets[side.n_sets++] = (struct mine_set){members, n_members, rows[i].n_unseen, rows[i].may};
    }
    side.sets = sets;
    return side;
}

static void write_numbers(const uint32_t *list, size_t n, char *out, size_t *len)
{
    for (size_t i = 0; i < n; i++) {
        size_t last = i;
        while (last + 1 < n && list[last + 1] == list[last] + 1)
            last++;
        if (i) out[(*len)++] = ',';
        out[(*len)++] = (char)('0' + list[i]);
        if (last > i) {
            out[(*len)++] = '-';
            out[(*len)++] = (char)('0' + list[last]);
        }
        i = last;
    }
}

static void write_items(const struct mine_items *items, char first, char *out, size_t *len)
{
    for (size_t i = 0; i < items->n_sets; i++) {
        if (i) out[(*len)++] = ',';
        out[(*len)++] = (char)(first + (char)items->sets[i]);
    }
    if (items->n_sets && items->n_singles) out[(*len)++] = ',';
    write_numbers(items->singles, items->n_singles, out, len);
}

static void check_case(const struct mine_case *row, struct arena arena, struct arena scratch)
{
    static const uint32_t family[] = {0, 1, 0};
    struct pairs pairs = read_pairs(row->pairs, &arena);
    bool *may = arena_array(&arena, bool, 10);
    for (uint32_t u = 0; u < 10; u++)
        may[u] = !(row->untrusted >> u & 1);
    struct mine_input input = input_of(&pairs, 10, 6);
    input.n_kinds = COUNT_OF(family);
    input.family = family;
    input.clients = read_side(10, row->clients, COUNT_OF(row->clients), &arena);
    input.servers = read_side(6, row->servers, COUNT_OF(row->servers), &arena);
    input.clients.may_generalise = may;
    struct mine_options options = {.generalise = row->generalise};
    struct mine_result result = mine(&input, &options, &arena, scratch);
    char text[512] = {0};
    size_t len = 0;
    for (size_t i = 0; i < result.n_entries; i++) {
        write_numbers(result.entries[i].kinds, result.entries[i].n_kinds, text, &len);
        text[len++] = ':';
        write_items(&result.entries[i].clients, 'a', text, &len);
        text[len++] = '>';
        write_items(&result.entries[i].servers, 'x', text, &len);
        text[len++] = ' ';
    }
    if (strcmp(text, row->expected) != 0 || result.allowed != row->allowed)
        fail_msg("%s: \"%s\" allows %" PRIu64 ", expected \"%s\" allows %" PRIu64, row->name, text,
                 result.allowed, row->expected, row->allowed);
}

static void test_cases(void **state)
{
    (void)state;
    struct arena arena = arena_open("mine_test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_case(&cases[i], arena, scratch);
    arena_close(&scratch);
    arena_close(&arena);
}

/* With next to no steps the answer is longer, and as sound. */
static void test_without_steps(void **state)
{
    (void)state;
    struct arena arena = arena_open("mine_test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct chance chance = {7};
    struct pairs pairs = {0};
    for (uint32_t i = 0; i < 4000; i++)
        put(&pairs, &arena, below(&chance, 120), below(&chance, 70), 0);
    struct mine_input input = input_of(&pairs, 120, 70);
    for (uint64_t steps = 1; steps <= 10000000; steps *= 10) {
        struct mine_options options = {.steps = steps, .generalise = steps % 3 == 1};
        struct mine_result result = mine(&input, &options, &arena, scratch);
        assert_sound(&input, &options, &result, &arena, scratch);
        assert_true(result.n_alone <= 70);
        assert_true(mine_is_optimal(&result) || result.exhausted);
        assert_true(mine_is_optimal(&result) == (mine_gap_percent(&result) == 0.0));
    }
    arena_close(&scratch);
    arena_close(&arena);
}

/* Over the limit of what may be searched: the answer is told per vertex and says so. */
static void test_over_limit(void **state)
{
    (void)state;
    enum { N = 40000 };
    struct arena arena = arena_open("mine_test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct chance chance = {11};
    struct pairs pairs = {0};
    for (uint32_t i = 0; i < 4 * N; i++)
        put(&pairs, &arena, below(&chance, N), below(&chance, N), 0);
    struct mine_input input = input_of(&pairs, N, N);
    struct mine_options options = {0};
    struct mine_result result = mine(&input, &options, &arena, scratch);
    print_message("  %" PRIu64 " pairs, kernel %zu: entries %zu, bound %zu, gap %.1f %%\n",
                  result.seen, result.kernel_pairs, result.n_entries, result.bound,
                  mine_gap_percent(&result));
    assert_true(result.overflowed);
    assert_int_equal(result.allowed, result.seen);
    assert_true(result.bound <= result.n_entries && result.n_entries <= N);
    assert_true(mine_gap_percent(&result) <= 10.0);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_worlds),  cmocka_unit_test(test_cases),
        cmocka_unit_test(test_without_steps), cmocka_unit_test(test_planted),
        cmocka_unit_test(test_over_limit),    cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
