/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) through libsodium; this module is the only user of its header. */
#pragma once

#include "base/str.h"

struct sha256 {
    _Alignas(16) uint8_t state[128]; /* libsodium's running state */
};

struct sha256_digest {
    uint8_t bytes[32];
};

struct sha256 sha256_start(void);
void sha256_add(struct sha256 *hash, bytes b);
struct sha256_digest sha256_end(struct sha256 *hash);
struct sha256_digest sha256_of(bytes b);
/* 64 lower-case hexadecimal digits. */
str sha256_hex(struct arena *arena, const struct sha256_digest *digest);
