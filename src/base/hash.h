/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing for tables (fast, wraps on purpose, never stored where it must last) and SHA-256 for
 * identity (captures, policies, artefacts, percent rings).
 */
#pragma once

#include "base/str.h"

/* 64 well-mixed bits of b; equal bytes give equal hashes on every platform. */
uint64_t hash_bytes(bytes b);
uint64_t hash_u64(uint64_t value);
/* Joins a further value to a hash; the order of joining matters. */
uint64_t hash_join(uint64_t hash, uint64_t value);
