/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/chunk.h"

struct chunk {
    uint32_t next; /* plus one */
    uint8_t data[CHUNK_BYTES];
};

struct chunk_pool chunk_open(size_t total_bytes)
{
    uint32_t n = (uint32_t)(total_bytes / sizeof(struct chunk));
    return (struct chunk_pool){.chunks = arena_map(n * sizeof(struct chunk)), .n = n};
}

void chunk_close(struct chunk_pool *pool)
{
    arena_unmap(pool->chunks, pool->n * sizeof(struct chunk));
    *pool = (struct chunk_pool){0};
}

static uint32_t take(struct chunk_pool *pool)
{
    uint32_t taken = pool->free;
    if (taken)
        pool->free = pool->chunks[taken - 1].next;
    else
        taken = ++pool->fresh;
    pool->chunks[taken - 1].next = 0;
    pool->in_use++;
    return taken;
}

bool chunk_append(struct chunk_pool *pool, struct chain *chain, bytes piece)
{
    size_t used = chain->len % CHUNK_BYTES;
    size_t room = chain->len == 0 || used == 0 ? 0 : CHUNK_BYTES - used;
    size_t beyond = piece.len > room ? piece.len - room : 0;
    if ((beyond + CHUNK_BYTES - 1) / CHUNK_BYTES > pool->n - pool->in_use) return false;

    for (size_t at = 0; at < piece.len;) {
        if (room == 0) {
            uint32_t taken = take(pool);
            if (chain->first)
                pool->chunks[chain->last - 1].next = taken;
            else
                chain->first = taken;
            chain->last = taken;
            room = CHUNK_BYTES;
        }
        size_t n = piece.len - at < room ? piece.len - at : room;
        memcpy(pool->chunks[chain->last - 1].data + (CHUNK_BYTES - room), piece.ptr + at, n);
        at += n;
        room -= n;
        chain->len += (uint32_t)n;
    }
    return true;
}

void chunk_copy(const struct chunk_pool *pool, const struct chain *chain, uint8_t *out)
{
    size_t at = 0;
    for (uint32_t i = chain->first; at < chain->len; i = pool->chunks[i - 1].next) {
        size_t n = chain->len - at < CHUNK_BYTES ? chain->len - at : CHUNK_BYTES;
        memcpy(out + at, pool->chunks[i - 1].data, n);
        at += n;
    }
}

void chunk_free(struct chunk_pool *pool, struct chain *chain)
{
    for (uint32_t i = chain->first; i;) {
        uint32_t next = pool->chunks[i - 1].next;
        pool->chunks[i - 1].next = pool->free;
        pool->free = i;
        pool->in_use--;
        i = next;
    }
    *chain = (struct chain){0};
}
