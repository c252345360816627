/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing for tables (fast, wraps on purpose, never stored where it must last) and SHA-256 for
 * identity (captures, policies, artefacts, percent rings).
 */
#pragma once

#include "base/str.h"

/* 64 well-mixed bits of b; equal bytes give equal hashes on every platform. */
uint64_t hash_bytes(bytes b);

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
WRAPS static inline uint64_t hash_u64(uint64_t value)
{
    value += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

/* Joins a further value to a hash; the order of joining matters. */
WRAPS static inline uint64_t hash_join(uint64_t hash, uint64_t value)
{
    return hash_u64(hash * UINT64_C(0x9E3779B97F4A7C15) + value);
}
