/* SPDX-License-Identifier: Apache-2.0 */
#include "base/seal.h"

#include <gnutls/crypto.h>

static gnutls_datum_t datum(bytes b)
{
    /* The library takes what it only reads without const. */
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)b.ptr, (unsigned)b.len};
}

bool seal_extract(bytes salt, bytes secret, uint8_t out[SEAL_SECRET_BYTES])
{
    gnutls_datum_t key = datum(secret), with = datum(salt);
    return gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &key, &with, out) == 0;
}

bool seal_sha256(bytes text, uint8_t out[32])
{
    return gnutls_hash_fast(GNUTLS_DIG_SHA256, text.len ? (const void *)text.ptr : "", text.len,
                            out) == 0;
}

bool seal_expand(const uint8_t secret[SEAL_SECRET_BYTES], bytes info, uint8_t *out, size_t n)
{
    gnutls_datum_t key = datum((bytes){secret, SEAL_SECRET_BYTES}), with = datum(info);
    return gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &key, &with, out, n) == 0;
}

/* The library has no single block: the first of a chain that begins with zeros is one. */
bool seal_block(const uint8_t key[SEAL_KEY_BYTES], const uint8_t in[16], uint8_t out[16])
{
    uint8_t zeros[16] = {0};
    gnutls_datum_t k = datum((bytes){key, SEAL_KEY_BYTES});
    gnutls_datum_t start = datum((bytes){zeros, sizeof zeros});
    gnutls_cipher_hd_t handle;
    if (gnutls_cipher_init(&handle, GNUTLS_CIPHER_AES_128_CBC, &k, &start)) return false;
    bool fine = gnutls_cipher_encrypt2(handle, in, 16, out, 16) == 0;
    gnutls_cipher_deinit(handle);
    return fine;
}

bool seal_open(const uint8_t key[SEAL_KEY_BYTES], const uint8_t nonce[SEAL_NONCE_BYTES],
               bytes header, bytes sealed, uint8_t *out)
{
    gnutls_datum_t k = datum((bytes){key, SEAL_KEY_BYTES});
    gnutls_aead_cipher_hd_t handle;
    if (sealed.len < SEAL_TAG_BYTES) return false;
    size_t room = sealed.len - SEAL_TAG_BYTES;
    if (gnutls_aead_cipher_init(&handle, GNUTLS_CIPHER_AES_128_GCM, &k)) return false;
    bool fine = gnutls_aead_cipher_decrypt(handle, nonce, SEAL_NONCE_BYTES, header.ptr, header.len,
                                           SEAL_TAG_BYTES, sealed.ptr, sealed.len, out, &room) == 0;
    gnutls_aead_cipher_deinit(handle);
    return fine;
}

bool seal_shut(const uint8_t key[SEAL_KEY_BYTES], const uint8_t nonce[SEAL_NONCE_BYTES],
               bytes header, bytes plain, uint8_t *out)
{
    gnutls_datum_t k = datum((bytes){key, SEAL_KEY_BYTES});
    gnutls_aead_cipher_hd_t handle;
    size_t room = plain.len + SEAL_TAG_BYTES;
    if (gnutls_aead_cipher_init(&handle, GNUTLS_CIPHER_AES_128_GCM, &k)) return false;
    bool fine = gnutls_aead_cipher_encrypt(handle, nonce, SEAL_NONCE_BYTES, header.ptr, header.len,
                                           SEAL_TAG_BYTES, plain.ptr, plain.len, out, &room) == 0;
    gnutls_aead_cipher_deinit(handle);
    return fine;
}
