/* SPDX-License-Identifier: Apache-2.0 */
/* The identity of a stream of bytes, at memory speed: XXH3-128. Not a seal: who wants two captures
 * to look alike can have that, and gains that one of his own is not read. What must not be forged
 * is hashed by base/sha256.
 */
#pragma once

#include "base/str.h"

struct fingerprint {
    _Alignas(64) uint8_t state[576]; /* the library's running state */
};

struct fingerprint_value {
    uint8_t bytes[16];
};

/* In place: the state is too large to be handed about. */
void fingerprint_start(struct fingerprint *print);
void fingerprint_add(struct fingerprint *print, bytes b);
/* The same for the same bytes, however they were cut, on every machine. */
struct fingerprint_value fingerprint_end(const struct fingerprint *print);
