/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes are folded in eight at a time. Input can choose keys, so tables that input fills are
 * bounded in size and in probe length by their owners, not by this function's secrecy.
 */
#include "base/hash.h"

uint64_t hash_bytes(bytes b)
{
    uint64_t hash = hash_u64(b.len);
    size_t at = 0;
    for (; at + 8 <= b.len; at += 8) {
        const uint8_t *p = b.ptr + at;
        uint64_t word = p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
                        (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
                        (uint64_t)p[7] << 56; /* one load */
        hash = hash_join(hash, word);
    }
    uint64_t word = 0;
    for (size_t i = 0; at + i < b.len; i++)
        word |= (uint64_t)b.ptr[at + i] << (8 * i);
    return hash_join(hash, word);
}
