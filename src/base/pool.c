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
    struct pool_result *first, *last; /* before the parts */
    struct pool_part *parts, *last_part;
    bool ended; /* nothing more comes of it but what its parts give */
};

struct pool_turn {
    struct pool *pool;
    uint64_t number;        /* of the job, from 0 in the order of adding */
    struct pool_part *part; /* NULL: the job itself */
};

struct pool {
    struct pool_user user;
    size_t n_workers;
    uint64_t budget;
    _Atomic uint64_t noted;
    _Atomic bool stopped;

    pthread_mutex_t lock;
    pthread_cond_t for_workers; /* a job or part was added, room was made, or the pool stops */
    pthread_cond_t for_owner;   /* a result was given, or a job or part ended */
    struct slot slots[LIMIT_POOL_JOBS]; /* job i is in slot i modulo their number */
    uint64_t added, begun, taken;       /* jobs; taken <= begun <= added */
    struct pool_part *to_begin;         /* parts nobody has begun, in their order */
    size_t n_to_begin;
    uint64_t held; /* bytes of results that wait */
    bool closing;
    pthread_t threads[LIMIT_WORKERS];
};

static struct slot *slot_of(struct pool *pool, uint64_t number)
{
    return &pool->slots[number % LIMIT_POOL_JOBS];
}

/* ---- Parts --------------------------------------------------------------------------------------
 */

/* The first part that nobody has begun, of that job alone or of any (UINT64_MAX). */
static struct pool_part *part_to_begin(const struct pool *pool, uint64_t of)
{
    struct pool_part *part = pool->to_begin;
    while (part && of != UINT64_MAX && part->number != of)
        part = part->next_to_begin;
    return part;
}

/* The lock is held, but not while the work is done. */
static void do_part(struct pool *pool, struct pool_part *part)
{
    struct pool_turn turn = {pool, part->number, part};
    struct pool_part **at = &pool->to_begin;
    while (*at != part)
        at = &(*at)->next_to_begin;
    *at = part->next_to_begin;
    pool->n_to_begin--;
    part->begun = true;
    pthread_mutex_unlock(&pool->lock);

    if (!pool_is_stopped(&turn)) pool->user.work_part(pool->user.to, part, &turn);

    pthread_mutex_lock(&pool->lock);
    part->ended = true;
    pthread_cond_signal(&pool->for_owner);
}

static void list_part(struct pool *pool, struct pool_part *part)
{
    struct slot *slot = slot_of(pool, part->number);
    struct pool_part **at = &pool->to_begin;
    if (slot->last_part)
        slot->last_part->next = part;
    else
        slot->parts = part;
    slot->last_part = part;
    while (*at && (*at)->number <= part->number)
        at = &(*at)->next_to_begin;
    part->next_to_begin = *at;
    *at = part;
    pool->n_to_begin++;
}

void pool_add_part(struct pool_turn *turn, struct pool_part *part)
{
    struct pool *pool = turn->pool;
    assert(!turn->part && "parts have no parts");
    *part = (struct pool_part){.number = turn->number};
    if (!pool->n_workers) {
        struct pool_turn own = {pool, turn->number, part};
        if (!pool_is_stopped(turn)) pool->user.work_part(pool->user.to, part, &own);
        pool->user.done_part(pool->user.to, part);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    list_part(pool, part);
    pthread_cond_broadcast(&pool->for_workers);
    /* Rather than that many of them wait: a hand more. */
    while (pool->n_to_begin > pool->n_workers && (part = part_to_begin(pool, turn->number)))
        do_part(pool, part);
    pthread_mutex_unlock(&pool->lock);
}

/* ---- Workers ------------------------------------------------------------------------------------
 */

static void *worker(void *self)
{
    struct pool *pool = self;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct pool_part *part = part_to_begin(pool, UINT64_MAX);
        if (part) {
            do_part(pool, part);
            continue;
        }
        if (pool->begun == pool->added) {
            if (pool->closing) break;
            pthread_cond_wait(&pool->for_workers, &pool->lock);
            continue;
        }
        struct pool_turn turn = {pool, pool->begun++, NULL};
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

/* What the first part gave is all taken: what the job gave behind it comes next. */
static void end_part(struct pool *pool, struct slot *slot)
{
    struct pool_part *part = slot->parts;
    slot->parts = part->next;
    if (!slot->parts) slot->last_part = NULL;
    slot->first = part->behind;
    slot->last = part->end;
    /* The next part's worker may have waited for its turn. */
    pthread_cond_broadcast(&pool->for_workers);
    pthread_mutex_unlock(&pool->lock);
    pool->user.done_part(pool->user.to, part);
    pthread_mutex_lock(&pool->lock);
}

static void end_job(struct pool *pool, struct slot *slot)
{
    void *job = slot->job;
    *slot = (struct slot){0};
    pool->taken++;
    /* The next job's worker may have waited for its turn. */
    pthread_cond_broadcast(&pool->for_workers);
    pthread_mutex_unlock(&pool->lock);
    pool->user.done(pool->user.to, job);
    pthread_mutex_lock(&pool->lock);
}

/* Takes what is there of the job whose turn it is; the lock is held. False: nothing was there. */
static bool take_one(struct pool *pool)
{
    struct slot *slot = slot_of(pool, pool->taken);
    struct pool_part *part = slot->first ? NULL : slot->parts;
    struct pool_result **first = part ? &part->first : &slot->first;
    struct pool_result *result = *first;
    void *job = slot->job;
    if (!result && !(part ? part->ended : slot->ended)) return false;
    if (!result && part) {
        end_part(pool, slot);
        return true;
    }
    if (!result) {
        end_job(pool, slot);
        return true;
    }
    *first = result->next;
    if (!*first) *(part ? &part->last : &slot->last) = NULL;
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
    struct pool_turn turn = {pool, 0, NULL};
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

/* Is the next result to be taken this turn's, and none of its waits? */
static bool is_next(const struct pool_turn *turn, const struct slot *slot)
{
    if (turn->number != turn->pool->taken || slot->first) return false;
    return slot->parts == turn->part && (!turn->part || !turn->part->first);
}

static void wait_for_room(struct pool_turn *turn, struct slot *slot, uint64_t bytes)
{
    struct pool *pool = turn->pool;
    /* Whose turn it is may always have one waiting. */
    while (!atomic_load(&pool->stopped) && pool->held && pool->held + bytes > pool->budget &&
           !is_next(turn, slot)) {
        struct pool_part *own = turn->part ? NULL : part_to_begin(pool, turn->number);
        if (own)
            do_part(pool, own);
        else
            pthread_cond_wait(&pool->for_workers, &pool->lock);
    }
}

static void append(struct pool_result **first, struct pool_result **last,
                   struct pool_result *result)
{
    if (*last)
        (*last)->next = result;
    else
        *first = result;
    *last = result;
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
    wait_for_room(turn, slot, result->bytes);
    if (turn->part)
        append(&turn->part->first, &turn->part->last, result);
    else if (slot->last_part)
        append(&slot->last_part->behind, &slot->last_part->end, result);
    else
        append(&slot->first, &slot->last, result);
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
