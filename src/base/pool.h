/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs on all cores, results in the order of the jobs. Workers share nothing while they run: each
 * job is one worker's, and all that it makes known are results, which the thread that owns the pool
 * takes job after job, in the order in which the jobs were added and each job gave them. So what
 * comes of it never depends on how many workers there are or which was faster.
 *
 * A large job may have parts, which any worker does: what a part gives is taken at the place where
 * the job added it, after what the job had given before and before what it gives later.
 *
 * Memory: results that wait to be taken stay below a budget. A worker that is ahead of its turn
 * waits for room; the one whose turn it is always gets on, so nobody waits for ever: parts are
 * begun in their order, and a job that waits does its own parts that nobody has begun. Of those
 * there are never many more than workers. A worker whose arena is spent ends the whole program with
 * the arena's message (base/arena).
 */
#pragma once

#include "base/base.h"

struct arena;
struct pool;      /* opaque */
struct pool_turn; /* one job on its worker */

/* The first member of what a job gives. */
struct pool_result {
    struct pool_result *next; /* the pool's */
    uint64_t bytes;           /* what it holds of the budget */
};

/* The first member of a part; zeroed when it is added. All is the pool's. */
struct pool_part {
    struct pool_part *next, *next_to_begin;
    uint64_t number;                  /* of the job */
    struct pool_result *first, *last; /* what it gave */
    struct pool_result *behind, *end; /* what the job gave after adding it */
    bool begun, ended;
};

struct pool_user {
    void *to;
    /* On a worker. */
    void (*work)(void *to, void *job, struct pool_turn *turn);
    /* On the pool's thread, in order. False: nothing more is begun, and nothing more taken. */
    bool (*take)(void *to, void *job, struct pool_result *result);
    /* Of results that are not taken any more; on the pool's thread. */
    void (*drop)(void *to, struct pool_result *result);
    /* The job and all its results are done; on the pool's thread, in order. */
    void (*done)(void *to, void *job);
    /* As work and done, of a part. Without parts both may be NULL. */
    void (*work_part)(void *to, struct pool_part *part, struct pool_turn *turn);
    void (*done_part)(void *to, struct pool_part *part);
    /* On the pool's thread, every now and then: the sum of what was noted. */
    void (*idle)(void *to, uint64_t noted);
};

/* workers : 1 = every job is done at once by the thread that adds it, without any thread
 * budget_bytes : of results that wait */
struct pool *pool_open(struct arena *arena, size_t workers, uint64_t budget_bytes,
                       struct pool_user user);
/* May wait for room among the jobs, and takes what is there to be taken meanwhile. False: a take
 * has said stop; the job is done without having been worked on. */
bool pool_add(struct pool *pool, void *job);
/* Takes all that is still to come. */
void pool_close(struct pool *pool);

/* ---- On a worker ---------------------------------------------------------------------------- */

/* False: stopped; the result was dropped and the job should end. */
MUST_USE bool pool_give(struct pool_turn *turn, struct pool_result *result);
/* Of a job, not of a part. The part stays where it is until done_part. */
void pool_add_part(struct pool_turn *turn, struct pool_part *part);
/* Counts towards what idle shows. */
void pool_note(struct pool_turn *turn, uint64_t n);
bool pool_is_stopped(const struct pool_turn *turn);
