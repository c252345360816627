/* SPDX-License-Identifier: Apache-2.0 */
/* A fixed pool of small pieces of memory, chained for bytes that must wait: segments out of order,
 * headers split over segments. Memory is mapped once and touched by use; giving back is exact, so
 * the pool is bounded whatever the input does.
 */
#pragma once

#include "base/str.h"

enum { CHUNK_BYTES = 508 }; /* 512 with the link to the next */

struct chunk_pool {
    struct chunk *chunks;
    uint32_t n, fresh; /* chunks in all; those from `fresh` on were never used */
    uint32_t free;     /* first of the given back, plus one */
    uint32_t in_use;
};

/* Zero is the empty chain. */
struct chain {
    uint32_t first, last; /* plus one */
    uint32_t len;
};

struct chunk_pool chunk_open(size_t total_bytes);
void chunk_close(struct chunk_pool *pool);
/* False, with nothing added, when the pool has not enough left. */
MUST_USE bool chunk_append(struct chunk_pool *pool, struct chain *chain, bytes piece);
/* All bytes of the chain into out, which has room for them. */
void chunk_copy(const struct chunk_pool *pool, const struct chain *chain, uint8_t *out);
void chunk_free(struct chunk_pool *pool, struct chain *chain);
