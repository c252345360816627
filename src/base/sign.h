/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures: Ed25519 (RFC 8032) through libsodium; this module is the only user of its header. */
#pragma once

#include "base/str.h"

enum { SIGN_SEED_BYTES = 32, SIGN_PUBLIC_BYTES = 32, SIGN_BYTES = 64 };

struct sign_key {
    uint8_t seed[SIGN_SEED_BYTES]; /* the secret */
    uint8_t public[SIGN_PUBLIC_BYTES];
};

/* The key that a seed makes; seeds come from secret_random. */
struct sign_key sign_key_of(const uint8_t seed[SIGN_SEED_BYTES]);
void sign_make(const struct sign_key *key, bytes text, uint8_t out[SIGN_BYTES]);
/* Also refuses signatures that are not the one form of theirs (malleable ones). */
MUST_USE bool sign_fits(const uint8_t public[SIGN_PUBLIC_BYTES], bytes text,
                        const uint8_t signature[SIGN_BYTES]);
