/* SPDX-License-Identifier: Apache-2.0 */
/* Edge: the only place that asks the OS for memory. Address space is reserved without access and
 * opened in steps, so that a large reservation costs nothing and strict overcommit settings accept
 * it.
 */
#ifdef _WIN32
#include <windows.h>
#else
#include <sys/mman.h>
#endif

#include "base/arena.h"
#include "base/limits.h"

enum { COMMIT_STEP = 1 << 20, LEAST_RESERVE = 64 << 20 };

struct arena_region {
    char *start, *committed, *end; /* start..committed may be touched; end = start + budget */
    char *fresh; /* from here on nothing was handed out: zeros, as the OS gave it */
    uint64_t reserved;
    const char *name;
    arena_spent *spent;
};

static void spent_default(const char *name, uint64_t budget_bytes)
{
    fprintf(stderr, "sallyport: the memory budget \"%s\" of %" PRIu64 " MiB is spent\n", name,
            budget_bytes >> 20);
    exit(2);
}

static void *os_reserve(size_t size)
{
#ifdef _WIN32
    return VirtualAlloc(NULL, size, MEM_RESERVE, PAGE_NOACCESS);
#else
    void *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
#endif
}

static bool os_commit(void *at, size_t size)
{
#ifdef _WIN32
    return VirtualAlloc(at, size, MEM_COMMIT, PAGE_READWRITE) != NULL;
#else
    return mprotect(at, size, PROT_READ | PROT_WRITE) == 0;
#endif
}

static void os_release(void *at, size_t size)
{
#ifdef _WIN32
    (void)size;
    VirtualFree(at, 0, MEM_RELEASE);
#else
    munmap(at, size);
#endif
}

struct arena arena_open(const char *name, uint64_t budget_bytes, arena_spent *spent)
{
    uint64_t budget = budget_bytes ? budget_bytes : LIMIT_JOB_BUDGET;
    if (budget > LIMIT_ARENA_RESERVE) budget = LIMIT_ARENA_RESERVE;
    budget = (budget + COMMIT_STEP - 1) / COMMIT_STEP * COMMIT_STEP;
    if (!spent) spent = spent_default;

    /* Under a limit on address space (ulimit -v) less is reserved: what is there may well do. */
    char *start = os_reserve(budget);
    while (!start && budget > LEAST_RESERVE) {
        budget /= 2;
        start = os_reserve(budget);
    }
    if (!start || !os_commit(start, COMMIT_STEP)) {
        spent(name, budget);
        abort();
    }
    struct arena_region *region = (struct arena_region *)(void *)start;
    *region = (struct arena_region){
        .start = start,
        .committed = start + COMMIT_STEP,
        .end = start + budget,
        .fresh = start + sizeof *region,
        .reserved = budget,
        .name = name,
        .spent = spent,
    };
    return (struct arena){.at = start + sizeof *region, .region = region};
}

void arena_close(struct arena *arena)
{
    if (!arena->region) return;
    os_release(arena->region->start, arena->region->reserved);
    *arena = (struct arena){0};
}

void arena_reset(struct arena *arena)
{
    arena->at = arena->region->start + sizeof *arena->region;
}

uint64_t arena_used(const struct arena *arena)
{
    return (uint64_t)(arena->at - arena->region->start);
}

void *arena_take(struct arena *arena, size_t size, size_t align, size_t n)
{
    struct arena_region *region = arena->region;
    assert(region && "an arena must be opened before it is used");

    uintptr_t at = (uintptr_t)arena->at;
    size_t padding = (size_t)(-(intptr_t)at & (intptr_t)(align - 1));
    size_t total = 0;
    size_t left = (size_t)(region->end - arena->at);
    if (!num_mul(size, n, &total) || padding > left || total > left - padding) {
        region->spent(region->name, region->reserved);
        abort(); /* the hook must not return */
    }
    char *piece = arena->at + padding;
    char *end = piece + total;
    if (end > region->committed) {
        size_t step = (size_t)(end - region->committed);
        step = (step + COMMIT_STEP - 1) / COMMIT_STEP * COMMIT_STEP;
        if (!os_commit(region->committed, step)) {
            region->spent(region->name, region->reserved);
            abort();
        }
        region->committed += step;
    }
    arena->at = end;
    /* A large table that is hardly used costs only the pages that are. */
    if (piece < region->fresh)
        memset(piece, 0, (size_t)((end < region->fresh ? end : region->fresh) - piece));
    if (end > region->fresh) region->fresh = end;
    return piece;
}

void *arena_map(size_t size_bytes)
{
    void *p = os_reserve(size_bytes);
    if (!p || !os_commit(p, size_bytes)) {
        spent_default("table", size_bytes);
        abort();
    }
    return p;
}

void arena_unmap(void *memory, size_t size_bytes)
{
    if (memory) os_release(memory, size_bytes);
}
