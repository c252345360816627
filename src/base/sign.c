/* SPDX-License-Identifier: Apache-2.0 */
/* Edge: the only user of libsodium's signatures. */
#include "base/sign.h"

#include <sodium/crypto_sign_ed25519.h>

static_assert(crypto_sign_ed25519_SEEDBYTES == SIGN_SEED_BYTES, "a seed");
static_assert(crypto_sign_ed25519_PUBLICKEYBYTES == SIGN_PUBLIC_BYTES, "a public key");
static_assert(crypto_sign_ed25519_BYTES == SIGN_BYTES, "a signature");

/* Where an empty text is, for a library that takes no NULL. */
static const uint8_t *begin_of(bytes text)
{
    return text.len ? text.ptr : (const uint8_t *)"";
}

struct sign_key sign_key_of(const uint8_t seed[SIGN_SEED_BYTES])
{
    struct sign_key key = {0};
    uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES];
    memcpy(key.seed, seed, sizeof key.seed);
    crypto_sign_ed25519_seed_keypair(key.public, secret, seed);
    return key;
}

void sign_make(const struct sign_key *key, bytes text, uint8_t out[SIGN_BYTES])
{
    /* The library's secret key is the seed with the public key behind it. */
    uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES];
    memcpy(secret, key->seed, SIGN_SEED_BYTES);
    memcpy(secret + SIGN_SEED_BYTES, key->public, SIGN_PUBLIC_BYTES);
    crypto_sign_ed25519_detached(out, NULL, begin_of(text), text.len, secret);
}

bool sign_fits(const uint8_t public[SIGN_PUBLIC_BYTES], bytes text,
               const uint8_t signature[SIGN_BYTES])
{
    return crypto_sign_ed25519_verify_detached(signature, begin_of(text), text.len, public) == 0;
}
