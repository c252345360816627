/* SPDX-License-Identifier: Apache-2.0 */
/* The cryptography of packets whose keys are no secret: what QUIC derives from the packet itself
 * (RFC 9001 5.2). HKDF (RFC 5869) with SHA-256 and AES-128, through GnuTLS; this module is the only
 * user of its header, so SHA-256 at the processor's speed stands here too.
 */
#pragma once

#include "base/str.h"

enum { SEAL_SECRET_BYTES = 32, SEAL_KEY_BYTES = 16, SEAL_NONCE_BYTES = 12, SEAL_TAG_BYTES = 16 };

/* HKDF-Extract. False only when the library refuses (FIPS mode). */
MUST_USE bool seal_extract(bytes salt, bytes secret, uint8_t out[SEAL_SECRET_BYTES]);
/* HKDF-Expand to n bytes. */
MUST_USE bool seal_expand(const uint8_t secret[SEAL_SECRET_BYTES], bytes info, uint8_t *out,
                          size_t n);
/* SHA-256 of bytes that lie in one piece, several times as fast as base/sha256 where the processor
 * has instructions for it. False only when the library refuses. */
MUST_USE bool seal_sha256(bytes text, uint8_t out[32]);
/* One block of AES-128. */
MUST_USE bool seal_block(const uint8_t key[SEAL_KEY_BYTES], const uint8_t in[16], uint8_t out[16]);
/* Opens AES-128-GCM: sealed ends in its tag; out has room for sealed.len - SEAL_TAG_BYTES. False
 * when the tag does not fit. */
MUST_USE bool seal_open(const uint8_t key[SEAL_KEY_BYTES], const uint8_t nonce[SEAL_NONCE_BYTES],
                        bytes header, bytes sealed, uint8_t *out);
/* The reverse: out has room for plain.len + SEAL_TAG_BYTES. For tests, which make what we open. */
MUST_USE bool seal_shut(const uint8_t key[SEAL_KEY_BYTES], const uint8_t nonce[SEAL_NONCE_BYTES],
                        bytes header, bytes plain, uint8_t *out);
