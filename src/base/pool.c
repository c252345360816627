/* SPDX-License-Identifier: Apache-2.0 */
/* Edge: the only place with threads. One lock guards everything of the pool; it is held for a few
 * assignments, and results are large, so nobody meets anybody often.
 */
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/arena.h"
#include "base/limits.h"

enum { IDLE_MS = 100, NANOSECONDS = 1000000000, MILLISECOND = 1000000 };

struct slot {
    void *job;
    struct pool_result *first, *last;
    bool ended; /* nothing more comes of it */
};

struct pool_turn {
    struct pool *pool;
    uint64_t number; /* of the job, from 0 in the order of adding */
};

struct pool {
    struct pool_user user;
    size_t n_workers;
    uint64_t budget;
    _Atomic uint64_t noted;
    _Atomic bool stopped;

    pthread_mutex_t lock;
    pthread_cond_t for_workers;         /* a job was added, room was made, or the pool stops */
    pthread_cond_t for_owner;           /* a result was given, or a job ended */
    struct slot slots[LIMIT_POOL_JOBS]; /* job i is in slot i modulo their number */
    uint64_t added, begun, taken;       /* jobs; taken <= begun <= added */
    uint64_t held;                      /* bytes of results that wait */
    bool closing;
    pthread_t threads[LIMIT_WORKERS];
};

static struct slot *slot_of(struct pool *pool, uint64_t number)
{
    return &pool->slots[number % LIMIT_POOL_JOBS];
}

static void *worker(void *self)
{
    struct pool *pool = self;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->begun == pool->added && !pool->closing)
            pthread_cond_wait(&pool->for_workers, &pool->lock);
        if (pool->begun == pool->added) break;
        struct pool_turn turn = {pool, pool->begun++};
        void *job = slot_of(pool, turn.number)->job;
        pthread_mutex_unlock(&pool->lock);

        if (!pool_is_stopped(&turn)) pool->user.work(pool->user.to, job, &turn);

        pthread_mutex_lock(&pool->lock);
        slot_of(pool, turn.number)->ended = true;
        pthread_cond_signal(&pool->for_owner);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct pool *pool_open(struct arena *arena, size_t workers, uint64_t budget_bytes,
                       struct pool_user user)
{
    assert(workers >= 1 && workers <= LIMIT_WORKERS);
    struct pool *pool = arena_new(arena, struct pool);
    pool->user = user;
    pool->budget = budget_bytes;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->for_workers, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->for_owner, &attributes);
    pthread_condattr_destroy(&attributes);
    /* Where no more threads are to be had, fewer do it; without any, the owner. */
    while (workers > 1 && pool->n_workers < workers &&
           pthread_create(&pool->threads[pool->n_workers], NULL, worker, pool) == 0)
        pool->n_workers++;
    return pool;
}

/* Waits until something may have come, but not for long. */
static void wait_a_little(struct pool *pool)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)IDLE_MS * MILLISECOND;
    until.tv_sec += until.tv_nsec / NANOSECONDS;
    until.tv_nsec %= NANOSECONDS;
    if (pthread_cond_timedwait(&pool->for_owner, &pool->lock, &until) != ETIMEDOUT) return;
    pthread_mutex_unlock(&pool->lock);
    pool->user.idle(pool->user.to, atomic_load(&pool->noted));
    pthread_mutex_lock(&pool->lock);
}

static void hand_over(struct pool *pool, void *job, struct pool_result *result)
{
    if (atomic_load(&pool->stopped))
        pool->user.drop(pool->user.to, result);
    else if (!pool->user.take(pool->user.to, job, result))
        atomic_store(&pool->stopped, true);
}

/* Takes what is there of the job whose turn it is; the lock is held. False: nothing was there. */
static bool take_one(struct pool *pool)
{
    struct slot *slot = slot_of(pool, pool->taken);
    struct pool_result *result = slot->first;
    if (!result && !slot->ended) return false;
    void *job = slot->job;
    if (!result) {
        *slot = (struct slot){0};
        pool->taken++;
        /* The next job's worker may have waited for its turn. */
        pthread_cond_broadcast(&pool->for_workers);
        pthread_mutex_unlock(&pool->lock);
        pool->user.done(pool->user.to, job);
        pthread_mutex_lock(&pool->lock);
        return true;
    }
    slot->first = result->next;
    if (!slot->first) slot->last = NULL;
    uint64_t bytes = result->bytes;
    pthread_mutex_unlock(&pool->lock);
    hand_over(pool, job, result);
    pool->user.idle(pool->user.to, atomic_load(&pool->noted));
    pthread_mutex_lock(&pool->lock);
    /* It counts until it is written: its memory is in use so long. */
    pool->held -= bytes;
    pthread_cond_broadcast(&pool->for_workers);
    return true;
}

/* Without workers: by the thread that asks. */
static bool do_at_once(struct pool *pool, void *job)
{
    struct pool_turn turn = {pool, 0};
    pool->slots[0].job = job;
    if (!pool_is_stopped(&turn)) pool->user.work(pool->user.to, job, &turn);
    pool->user.done(pool->user.to, job);
    return !pool_is_stopped(&turn);
}

bool pool_add(struct pool *pool, void *job)
{
    if (!pool->n_workers) return do_at_once(pool, job);
    pthread_mutex_lock(&pool->lock);
    while (pool->added - pool->taken == LIMIT_POOL_JOBS)
        if (!take_one(pool)) wait_a_little(pool);
    slot_of(pool, pool->added)->job = job;
    pool->added++;
    pthread_cond_broadcast(&pool->for_workers);
    while (take_one(pool))
        continue;
    pthread_mutex_unlock(&pool->lock);
    return !atomic_load(&pool->stopped);
}

void pool_close(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->taken < pool->added)
        if (!take_one(pool)) wait_a_little(pool);
    pool->closing = true;
    pthread_cond_broadcast(&pool->for_workers);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->n_workers; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->for_owner);
    pthread_cond_destroy(&pool->for_workers);
    pthread_mutex_destroy(&pool->lock);
}

bool pool_give(struct pool_turn *turn, struct pool_result *result)
{
    struct pool *pool = turn->pool;
    result->next = NULL;
    if (!pool->n_workers) {
        hand_over(pool, pool->slots[0].job, result);
        return !pool_is_stopped(turn);
    }
    pthread_mutex_lock(&pool->lock);
    struct slot *slot = slot_of(pool, turn->number);
    /* Whose turn it is may always have one waiting. */
    while (!atomic_load(&pool->stopped) && pool->held &&
           pool->held + result->bytes > pool->budget &&
           !(turn->number == pool->taken && !slot->first))
        pthread_cond_wait(&pool->for_workers, &pool->lock);
    if (slot->last)
        slot->last->next = result;
    else
        slot->first = result;
    slot->last = result;
    pool->held += result->bytes;
    pthread_cond_signal(&pool->for_owner);
    pthread_mutex_unlock(&pool->lock);
    return !pool_is_stopped(turn);
}

void pool_note(struct pool_turn *turn, uint64_t n)
{
    struct pool *pool = turn->pool;
    uint64_t noted = atomic_fetch_add(&pool->noted, n) + n;
    if (!pool->n_workers) pool->user.idle(pool->user.to, noted);
}

bool pool_is_stopped(const struct pool_turn *turn)
{
    return atomic_load(&turn->pool->stopped);
}
