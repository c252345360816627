/* SPDX-License-Identifier: Apache-2.0 */
/* The mixing step is the finaliser of SplitMix64 (Steele, Lea, Flood 2014); bytes are folded in
 * eight at a time. Input can choose keys, so tables that input fills are bounded in size and in
 * probe length by their owners, not by this function's secrecy.
 */
#include "base/hash.h"

WRAPS uint64_t hash_u64(uint64_t value)
{
    value += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

WRAPS uint64_t hash_join(uint64_t hash, uint64_t value)
{
    return hash_u64(hash * UINT64_C(0x9E3779B97F4A7C15) + value);
}

uint64_t hash_bytes(bytes b)
{
    uint64_t hash = hash_u64(b.len);
    size_t at = 0;
    for (; at + 8 <= b.len; at += 8) {
        uint64_t word = 0;
        for (size_t i = 0; i < 8; i++)
            word |= (uint64_t)b.ptr[at + i] << (8 * i);
        hash = hash_join(hash, word);
    }
    uint64_t word = 0;
    for (size_t i = 0; at + i < b.len; i++)
        word |= (uint64_t)b.ptr[at + i] << (8 * i);
    return hash_join(hash, word);
}
