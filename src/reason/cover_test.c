/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/cover.h"

#include "base/hash.h"
#include "base/test.h"

/* ---- Against every point of small worlds --------------------------------------------------------
 */

enum { MOST_CLASSES = 12, MOST_SLABS = 3, MOST_BOXES = 14, WORLDS = 20000 };

struct chance {
    uint64_t state;
};

WRAPS static uint64_t chance(struct chance *c, uint64_t below)
{
    c->state += UINT64_C(0x9E3779B97F4A7C15);
    return hash_u64(c->state) % below;
}

static struct class_set random_set(struct chance *c, uint32_t n_classes, struct arena *arena)
{
    uint32_t classes[2 * MOST_CLASSES];
    size_t n = 0;
    /* Mostly one run, as prefixes are; some of several; a few of none. */
    size_t n_runs = chance(c, 12) ? 1 + (chance(c, 3) == 0) : 0;
    for (size_t i = 0; i < n_runs; i++) {
        uint32_t first = (uint32_t)chance(c, n_classes);
        uint32_t last = first + (uint32_t)chance(c, n_classes - first);
        for (uint32_t k = first; k <= last && n < COUNT_OF(classes); k++)
            classes[n++] = k;
    }
    return class_set_of(arena, classes, n);
}

static bool holds(const struct cover_box *box, uint32_t from, uint32_t to, uint32_t slab)
{
    return class_set_has(box->from, from) && class_set_has(box->to, to) &&
           class_set_has(box->slabs, slab);
}

struct world {
    struct cover_box boxes[MOST_BOXES];
    size_t n;
    uint32_t n_from, n_to;
    bool has_voids;
};

/* Classes of machines: an address and itself, and two that are one machine. */
static bool same_machine(uint32_t a, uint32_t b)
{
    return a == b || (a / 2 == 2 && b / 2 == 2);
}

static bool blocks_are_void(void *to, struct class_run from_block, struct class_run to_block)
{
    (void)to;
    for (uint32_t a = from_block.first; a <= from_block.last; a++)
        for (uint32_t b = to_block.first; b <= to_block.last; b++)
            if (!same_machine(a, b)) return false;
    return true;
}

static const struct cover_void voids = {NULL, blocks_are_void};

/* Every point of the box that counts is held by one of the others that are there. */
static bool others_hold(const struct world *w, size_t box, const bool *there)
{
    for (uint32_t f = 0; f < w->n_from; f++)
        for (uint32_t t = 0; t < w->n_to; t++)
            for (uint32_t k = 0; k < MOST_SLABS; k++) {
                bool held = !holds(&w->boxes[box], f, t, k) || (w->has_voids && same_machine(f, t));
                for (size_t i = 0; i < w->n && !held; i++)
                    held = i != box && there[i] && holds(&w->boxes[i], f, t, k);
                if (!held) return false;
            }
    return true;
}

static struct world random_world(struct chance *c, struct arena *arena)
{
    struct world w = {.n = 1 + (size_t)chance(c, MOST_BOXES),
                      .n_from = 2 + (uint32_t)chance(c, MOST_CLASSES - 1),
                      .n_to = 2 + (uint32_t)chance(c, MOST_CLASSES - 1),
                      .has_voids = chance(c, 3) == 0};
    bool any_apart = chance(c, 4) == 0, any_fixed = chance(c, 3) == 0;
    for (size_t i = 0; i < w.n; i++) {
        w.boxes[i].from = random_set(c, w.n_from, arena);
        w.boxes[i].to = random_set(c, w.n_to, arena);
        uint32_t one = (uint32_t)chance(c, MOST_SLABS);
        w.boxes[i].slabs =
            chance(c, 3) ? class_set_one(arena, one) : class_set_all(arena, MOST_SLABS);
        w.boxes[i].is_apart = any_apart && chance(c, 2);
        w.boxes[i].is_fixed = any_apart ? !w.boxes[i].is_apart : any_fixed && chance(c, 3) == 0;
        /* The same again, now and then. */
        if (i && chance(c, 6) == 0) w.boxes[i] = w.boxes[chance(c, i)];
    }
    return w;
}

static void surplus_is_what_every_point_says(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n_surplus = 0, n_by_union = 0, n_staying = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct chance c = {seed};
        arena_reset(&arena);
        struct world w = random_world(&c, &arena);
        const struct cover_void *v = w.has_voids ? &voids : NULL;
        struct cover_result found = cover_reduce(w.boxes, w.n, v, &arena, scratch);
        bool there[MOST_BOXES];
        for (size_t i = 0; i < w.n; i++)
            there[i] = !w.boxes[i].is_apart;
        for (size_t left = w.n; left > 0; left--) {
            size_t i = left - 1;
            const struct cover_box *box = &w.boxes[i];
            bool is_empty = !box->from.n || !box->to.n || !box->slabs.n;
            bool expected = !box->is_fixed && !is_empty && others_hold(&w, i, there);
            if (expected) there[i] = false;
            if (expected != found.surplus[i])
                fail_msg("world %" PRIu64 ", box %zu: surplus %d, expected %d", seed, i,
                         found.surplus[i], expected);
            n_staying += !expected;
        }
        assert_int_equal(found.n_undecided, 0);
        size_t among[MOST_BOXES], out[MOST_BOXES], n_among = 0;
        for (size_t i = 0; i < w.n; i++)
            if (there[i]) among[n_among++] = i;
        for (size_t i = 0; i < w.n; i++) {
            if (!found.surplus[i]) continue;
            struct arena room = arena;
            size_t n = cover_of(w.boxes, i, among, n_among, v, out, room, scratch);
            bool holding[MOST_BOXES] = {0};
            for (size_t j = 0; j < n; j++)
                holding[out[j]] = true;
            if (!others_hold(&w, i, holding))
                fail_msg("world %" PRIu64 ", box %zu: %zu boxes don't hold it", seed, i, n);
            for (size_t j = 0; j < n; j++) {
                holding[out[j]] = false;
                if (others_hold(&w, i, holding))
                    fail_msg("world %" PRIu64 ", box %zu: box %zu is idle", seed, i, out[j]);
                holding[out[j]] = true;
            }
            n_surplus++;
            n_by_union += n > 1;
        }
        struct cover_index index = cover_index_of(w.boxes, w.n, &arena, scratch);
        for (size_t i = 0; i < w.n; i++) {
            size_t n = cover_meeting(&index, &w.boxes[i], out), at = 0;
            for (size_t j = 0; j < w.n; j++)
                if (cover_meets(&w.boxes[i], &w.boxes[j]) && (at >= n || out[at++] != j))
                    fail_msg("world %" PRIu64 ", boxes %zu and %zu", seed, i, j);
            assert_int_equal(at, n);
        }
    }
    print_message("%zu surplus, %zu of them by several, %zu stay\n", n_surplus, n_by_union,
                  n_staying);
    assert_true(n_by_union > WORLDS / 20 && n_surplus > n_by_union && n_staying > WORLDS);
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- Known answers ------------------------------------------------------------------------------
 */

struct known_box {
    struct class_run from, to;
    uint32_t first_slab, last_slab;
};

struct known_row {
    const char *name;
    struct known_box boxes[5];
    size_t n;
    const char *surplus; /* one letter a box: x goes, . stays */
};

static void known_worlds(void **state)
{
    static const struct known_row rows[] = {
        {"two halves make a whole",
         {{{0, 4}, {0, 9}, 0, 0}, {{5, 9}, {0, 9}, 0, 0}, {{2, 7}, {3, 3}, 0, 0}},
         3,                                                                                          "..x"  },
        {"four quarters, and the middle",
         {{{0, 4}, {0, 4}, 0, 0},
          {{5, 9}, {0, 4}, 0, 0},
          {{0, 4}, {5, 9}, 0, 0},
          {{5, 9}, {5, 9}, 0, 0},
          {{1, 8}, {1, 8}, 0, 0}},
         5,                                                                                          "....x"},
        {"a hole in the middle keeps it",
         {{{0, 9}, {0, 3}, 0, 0},
          {{0, 9}, {5, 9}, 0, 0},
          {{0, 4}, {4, 4}, 0, 0},
          {{0, 9}, {0, 9}, 0, 0}},
         4,                                                                                          "xxx." },
        {"the later of two equal ones",         {{{1, 2}, {3, 4}, 0, 0}, {{1, 2}, {3, 4}, 0, 0}}, 2, ".x"   },
        {"each of three is held by the others",
         {{{0, 5}, {0, 0}, 0, 0},
          {{3, 9}, {0, 0}, 0, 0},
          {{0, 2}, {0, 0}, 0, 0},
          {{6, 9}, {0, 0}, 0, 0}},
         4,                                                                                          "..xx" },
        {"held in one slab only",               {{{0, 9}, {0, 9}, 0, 0}, {{0, 9}, {0, 9}, 0, 1}}, 2, "x."   },
        {"held slab by slab",
         {{{0, 9}, {0, 9}, 0, 0}, {{0, 9}, {0, 9}, 1, 1}, {{0, 9}, {0, 9}, 0, 1}},
         3,                                                                                          "..x"  },
        {"side by side",                        {{{0, 4}, {0, 9}, 0, 0}, {{5, 9}, {0, 9}, 0, 0}}, 2, ".."   },
        {"far apart classes",
         {{{7, 4000000000}, {9, 9}, 0, 0}, {{4000000000, 4000000000}, {9, 9}, 0, 0}},
         2,                                                                                          ".x"   },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
        struct cover_box boxes[5] = {0};
        struct class_run slabs[5];
        for (size_t j = 0; j < rows[i].n; j++) {
            const struct known_box *b = &rows[i].boxes[j];
            slabs[j] = (struct class_run){b->first_slab, b->last_slab};
            boxes[j] = (struct cover_box){
                {&b->from,  1},
                {&b->to,    1},
                {&slabs[j], 1},
                false, false
            };
        }
        struct cover_result found = cover_reduce(boxes, rows[i].n, NULL, &arena, scratch);
        for (size_t j = 0; j < rows[i].n; j++)
            if (found.surplus[j] != (rows[i].surplus[j] == 'x'))
                fail_msg("%s: box %zu: surplus %d", rows[i].name, j, found.surplus[j]);
        arena_close(&scratch);
        arena_close(&arena);
    }
}

/* A chain in which each link is held by its neighbours, long enough that pairs would be noticed:
 * every second one goes. */
static void a_long_chain(void **state)
{
    enum { LINKS = 100000 };
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct cover_box *boxes = arena_array(&arena, struct cover_box, LINKS);
    (void)state;
    for (uint32_t i = 0; i < LINKS; i++) {
        const uint32_t from[] = {i, i + 1};
        boxes[i].from = class_set_of(&arena, from, 2);
        boxes[i].to = boxes[i].slabs = class_set_one(&arena, 0);
    }
    const bool *surplus = cover_reduce(boxes, LINKS, NULL, &arena, scratch).surplus;
    for (size_t i = 0; i < LINKS; i++)
        if (surplus[i] != (i % 2 == 0 && i != 0 && i + 1 != LINKS))
            fail_msg("link %zu: surplus %d", i, surplus[i]);
    arena_close(&scratch);
    arena_close(&arena);
}

/* Past the limit nothing is taken away that another would have to make up for. */
static void too_entangled_is_safe(void **state)
{
    enum { N = 3000, WIDE = 1000 };
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct cover_box *boxes = arena_array(&arena, struct cover_box, 2 * N + 1);
    (void)state;
    /* Staircases: every box overlaps a thousand others, and each is there twice. */
    for (uint32_t i = 0; i < N; i++) {
        struct class_run *run = arena_array(&arena, struct class_run, 2);
        run[0] = (struct class_run){i, i + WIDE};
        run[1] = (struct class_run){N - i, N - i + WIDE};
        boxes[i] = (struct cover_box){
            {&run[0], 1},
            {&run[1], 1},
            class_set_one(&arena, 0), false, false
        };
        boxes[N + i] = boxes[i];
    }
    /* Within this one, however, all is clear. */
    static const struct class_run far[] = {
        {9000, 9001}
    };
    boxes[2 * N] = (struct cover_box){
        {far, 1},
        {far, 1},
        class_set_one(&arena, 0), false, false
    };
    struct cover_result found = cover_reduce(boxes, 2 * N + 1, NULL, &arena, scratch);
    assert_true(found.n_undecided > 0);
    assert_false(found.surplus[2 * N]);
    bool *there = arena_array(&arena, bool, 2 * N + 1);
    for (size_t i = 0; i < 2 * N; i++)
        there[i] = !found.surplus[i];
    for (size_t i = 0; i < N; i++)
        if (!there[i] && !there[N + i]) {
            /* Both copies gone: the corners of the staircase are nobody else's. */
            fail_msg("box %zu and its copy", i);
        }
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(surplus_is_what_every_point_says),
        cmocka_unit_test(known_worlds),
        cmocka_unit_test(a_long_chain),
        cmocka_unit_test(too_entangled_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
