/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include <sodium/crypto_hash_sha256.h>

#include "base/seal.h"

static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct sha256), "the state fits");

struct sha256 sha256_start(void)
{
    struct sha256 hash = {0};
    crypto_hash_sha256_init((crypto_hash_sha256_state *)(void *)hash.state);
    return hash;
}

void sha256_add(struct sha256 *hash, bytes b)
{
    if (b.len)
        crypto_hash_sha256_update((crypto_hash_sha256_state *)(void *)hash->state, b.ptr, b.len);
}

struct sha256_digest sha256_end(struct sha256 *hash)
{
    struct sha256_digest digest;
    crypto_hash_sha256_final((crypto_hash_sha256_state *)(void *)hash->state, digest.bytes);
    return digest;
}

struct sha256_digest sha256_of(bytes b)
{
    /* The library below is plain C; a ledger of a million entries is hashed in one piece each. */
    struct sha256_digest digest;
    if (seal_sha256(b, digest.bytes)) return digest;
    struct sha256 hash = sha256_start();
    sha256_add(&hash, b);
    return sha256_end(&hash);
}

str sha256_hex(struct arena *arena, const struct sha256_digest *digest)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_array(arena, char, 64);
    for (size_t i = 0; i < 32; i++) {
        text[2 * i] = digits[digest->bytes[i] >> 4];
        text[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    return (str){text, 64};
}
