/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a job. An arena reserves address space once and hands out pieces of it in order; it is
 * freed whole. Passing `struct arena scratch` by value gives scratch memory that is gone at return:
 * the callee moves its own copy of the mark. Keep results and scratch in two arenas.
 *
 * arena_new(arena, type) and arena_array(arena, type, n) are zeroed and never fail to their caller:
 * when the job's budget is spent, the arena's hook ends the job (edge file: it maps memory from the
 * OS).
 */
#pragma once

#include "base/base.h"

struct arena_region; /* what is reserved, what is committed, the budget */

struct arena {
    char *at;                    /* next free byte */
    struct arena_region *region; /* shared by all copies of this arena */
};

/* Ends the job: says which budget is spent and which option raises it. Must not return. */
typedef void arena_spent(const char *name, uint64_t budget_bytes);

/* name : of the budget, for the message; static storage
 * budget_bytes : ceiling of what may be committed; 0 = LIMIT_JOB_BUDGET
 * spent : called when it is reached; NULL = print to stderr and exit 2 */
struct arena arena_open(const char *name, uint64_t budget_bytes, arena_spent *spent);
void arena_close(struct arena *arena);
/* Forgets everything allocated, keeps the memory for the next round. */
void arena_reset(struct arena *arena);
uint64_t arena_used(const struct arena *arena);

/* n items of size bytes each, aligned to align (a power of two), zeroed. */
void *arena_take(struct arena *arena, size_t size, size_t align, size_t n);

#define arena_new(arena, type)      ((type *)arena_take((arena), sizeof(type), _Alignof(type), 1))
#define arena_array(arena, type, n) ((type *)arena_take((arena), sizeof(type), _Alignof(type), (n)))

/* Memory of a table that grows on its own, outside any arena, zeroed, page aligned. arena_map ends
 * the program when the OS has none left; arena_unmap takes NULL. */
void *arena_map(size_t size_bytes);
void arena_unmap(void *memory, size_t size_bytes);

/* Grows an array in an arena by doubling: for `T *items; size_t n, room;`. The old copy is left
 * behind, so at most twice the final size is used. */
#define arena_grow(arena, items, n, room)                                                          \
    do {                                                                                           \
        if ((n) == (room)) {                                                                       \
            size_t arena_grown = (room) ? 2 * (room) : 8;                                          \
            void *arena_fresh =                                                                    \
                arena_take((arena), sizeof *(items), _Alignof(max_align_t), arena_grown);          \
            if (n) memcpy(arena_fresh, (items), (n) * sizeof *(items));                            \
            (items) = arena_fresh;                                                                 \
            (room) = arena_grown;                                                                  \
        }                                                                                          \
    } while (0)
