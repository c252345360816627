/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes are folded in eight at a time. Input can choose keys, so tables that input fills are
 * bounded in size and in probe length by their owners, not by this function's secrecy.
 */
#include "base/hash.h"

static uint64_t word_at(const uint8_t *p)
{
    return p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56; /* one load */
}

/* Two chains, so that a word need not wait for the one before it. */
uint64_t hash_bytes(bytes b)
{
    uint64_t hash = hash_u64(b.len), other = 0;
    size_t at = 0;
    for (; b.len - at >= 16; at += 16) {
        hash = hash_join(hash, word_at(b.ptr + at));
        other = hash_join(other, word_at(b.ptr + at + 8));
    }
    if (at) hash = hash_join(hash, other);
    if (b.len - at >= 8) {
        hash = hash_join(hash, word_at(b.ptr + at));
        at += 8;
    }
    uint64_t word = 0;
    for (size_t i = 0; at + i < b.len; i++)
        word |= (uint64_t)b.ptr[at + i] << (8 * i);
    return hash_join(hash, word);
}
