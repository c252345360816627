/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the number of workers and whoever is delayed: the same results in the same order, memory
 * within the budget, nothing lost, nothing twice. */
#include "base/pool.h"

#include <stdatomic.h>
#include <time.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/test.h"

enum { JOBS = 400, RESULT_BYTES = 100 };

struct given {
    struct pool_result link;
    struct arena arena;
    size_t job, index;
};

/* Each third job has some. */
struct part {
    struct pool_part link;
    struct arena arena;
    size_t job, number;
    unsigned begun;
};

struct world {
    uint64_t seed;  /* of the delays; 0 = none */
    size_t stop_at; /* take says no at the so many-th; 0 = never */
    uint64_t order; /* hash of what was taken, in order */
    size_t taken, dropped, done, worked, parts_done, parts_worked;
    /* Given and not yet let go; below 0 for a moment when letting go is faster than the counting.
     */
    _Atomic int64_t held, most_held;
    _Atomic uint64_t noted_by_jobs;
    uint64_t noted;
    bool out_of_order;
};

struct job {
    size_t number;
    _Atomic unsigned begun;
};

static void delay(uint64_t seed, uint64_t what)
{
    uint64_t roll = hash_join(seed, what);
    if (!seed || roll % 7) return;
    struct timespec nap = {0, (long)(roll / 7 % 200000)};
    nanosleep(&nap, NULL);
}

static size_t results_of(size_t job)
{
    return hash_u64(job) % 5;
}

static void raise_most(struct world *w, int64_t held)
{
    int64_t most = atomic_load(&w->most_held);
    while (held > most && !atomic_compare_exchange_weak(&w->most_held, &most, held))
        continue;
}

static bool give(struct world *w, struct pool_turn *turn, size_t job, size_t index)
{
    struct arena arena = arena_open("result", 1 << 20, NULL);
    struct given *given = arena_new(&arena, struct given);
    *given =
        (struct given){.link = {.bytes = RESULT_BYTES}, .arena = arena, .job = job, .index = index};
    delay(w->seed, hash_join(job, index));
    pool_note(turn, 1);
    if (!pool_give(turn, &given->link)) return false;
    raise_most(w, atomic_fetch_add(&w->held, RESULT_BYTES) + RESULT_BYTES);
    return true;
}

static size_t parts_of(size_t job)
{
    return job % 3 ? 0 : 3 + hash_u64(job) % 11;
}

static void add_part(struct pool_turn *turn, size_t job, size_t number)
{
    struct arena arena = arena_open("part", 1 << 20, NULL);
    struct part *part = arena_new(&arena, struct part);
    *part = (struct part){.arena = arena, .job = job, .number = number};
    pool_add_part(turn, &part->link);
}

/* Results and parts by turns. */
static void work(void *to, void *self, struct pool_turn *turn)
{
    struct world *w = to;
    struct job *job = self;
    assert_int_equal(atomic_fetch_add(&job->begun, 1), 0);
    for (size_t i = 0, part = 0; i < results_of(job->number) || part < parts_of(job->number); i++) {
        for (size_t n = i % 3; n > 0 && part < parts_of(job->number); n--)
            add_part(turn, job->number, part++);
        if (i < results_of(job->number) && !give(w, turn, job->number, i)) return;
    }
}

static size_t results_of_part(size_t job, size_t part)
{
    return hash_join(job, part) % 4;
}

static void work_part(void *to, struct pool_part *self, struct pool_turn *turn)
{
    struct world *w = to;
    struct part *part = (struct part *)(void *)self;
    part->begun++;
    for (size_t i = 0; i < results_of_part(part->job, part->number); i++)
        if (!give(w, turn, part->job, 1000 * (part->number + 1) + i)) return;
}

static void done_part(void *to, struct pool_part *self)
{
    struct world *w = to;
    struct part *part = (struct part *)(void *)self;
    struct arena arena = part->arena;
    w->parts_done++;
    w->parts_worked += part->begun;
    arena_close(&arena);
}

static void release(struct world *w, struct pool_result *result)
{
    struct arena arena = ((struct given *)result)->arena;
    (void)w;
    arena_close(&arena);
}

static bool take(void *to, void *self, struct pool_result *result)
{
    struct world *w = to;
    const struct job *job = self;
    const struct given *given = (const struct given *)result;
    w->out_of_order = w->out_of_order || given->job != job->number;
    w->order = hash_join(hash_join(w->order, given->job), given->index);
    delay(w->seed, hash_join(given->job, 99));
    atomic_fetch_sub(&w->held, RESULT_BYTES);
    release(w, result);
    return ++w->taken != w->stop_at;
}

static void drop(void *to, struct pool_result *result)
{
    struct world *w = to;
    w->dropped++;
    release(w, result);
}

static void done(void *to, void *self)
{
    struct world *w = to;
    const struct job *job = self;
    w->out_of_order = w->out_of_order || job->number != w->done;
    w->done++;
    w->worked += atomic_load(&job->begun);
}

static void idle(void *to, uint64_t noted)
{
    struct world *w = to;
    assert_true(noted >= w->noted);
    w->noted = noted;
}

static struct world run(size_t workers, uint64_t budget, uint64_t seed, size_t stop_at)
{
    struct world w = {.seed = seed, .stop_at = stop_at};
    struct arena arena = arena_open("pool test", 0, NULL);
    struct job *jobs = arena_array(&arena, struct job, JOBS);
    struct pool_user user = {
        .to = &w,
        .work = work,
        .take = take,
        .drop = drop,
        .done = done,
        .work_part = work_part,
        .done_part = done_part,
        .idle = idle,
    };
    struct pool *pool = pool_open(&arena, workers, budget, user);
    bool goes_on = true;
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i].number = i;
        bool answer = pool_add(pool, &jobs[i]);
        assert_true(goes_on || !answer); /* never taken back */
        goes_on = answer;
    }
    pool_close(pool);
    arena_close(&arena);
    return w;
}

static size_t all_results(void)
{
    size_t n = 0;
    for (size_t i = 0; i < JOBS; i++) {
        n += results_of(i);
        for (size_t part = 0; part < parts_of(i); part++)
            n += results_of_part(i, part);
    }
    return n;
}

static size_t all_parts(void)
{
    size_t n = 0;
    for (size_t i = 0; i < JOBS; i++)
        n += parts_of(i);
    return n;
}

static void test_order(void **state)
{
    static const size_t workers[] = {1, 2, 3, 8};
    static const uint64_t budgets[] = {1, 5 * RESULT_BYTES, UINT64_MAX / 2};
    struct world first = run(1, 1, 0, 0);
    (void)state;
    assert_int_equal(first.taken, all_results());
    for (size_t i = 0; i < COUNT_OF(workers); i++)
        for (size_t j = 0; j < COUNT_OF(budgets); j++)
            for (uint64_t seed = 0; seed < 3; seed++) {
                struct world w = run(workers[i], budgets[j], seed, 0);
                assert_false(w.out_of_order);
                assert_int_equal(w.taken, first.taken);
                assert_true(w.order == first.order);
                assert_int_equal(w.done, JOBS);
                assert_int_equal(w.worked, JOBS);
                assert_int_equal(w.parts_done, all_parts());
                assert_int_equal(w.parts_worked, all_parts());
                assert_int_equal(w.dropped, 0);
            }
}

/* Beside the budget: one result that the worker in turn may always have waiting, and one that each
 * other worker counts after the pool has it. */
static void test_budget(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 4; seed++) {
        struct world w = run(4, 5 * RESULT_BYTES, seed, 0);
        assert_true(atomic_load(&w.most_held) <= (5 + 1 + 4) * RESULT_BYTES);
    }
}

static void test_stop(void **state)
{
    static const size_t workers[] = {1, 2, 8};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(workers); i++)
        for (size_t stop = 1; stop < 700; stop = stop * 3 + 1) {
            struct world w = run(workers[i], 3 * RESULT_BYTES, stop, stop);
            assert_false(w.out_of_order);
            assert_int_equal(w.taken, stop);
            assert_int_equal(w.done, JOBS);
            /* Few had begun beyond it. */
            assert_true(w.worked <= JOBS);
            assert_true(w.dropped <= all_results() - stop);
            assert_true(w.parts_worked <= w.parts_done);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
