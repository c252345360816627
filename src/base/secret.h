/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: random bytes, password hashes (argon2id, RFC 9106), comparing and forgetting; through
 * libsodium. */
#pragma once

#include "base/err.h"

/* From the system's generator; never fails. */
void secret_random(uint8_t *out, size_t n);
/* Whether two are equal, in a time that does not depend on where they differ. */
MUST_USE bool secret_equal(bytes a, bytes b);
/* Overwrites, also where the compiler thinks that nobody looks. */
void secret_forget(void *memory, size_t n);

enum secret_cost {
    SECRET_COST_INTERACTIVE, /* 64 MiB, a fraction of a second */
    SECRET_COST_LEAST,       /* the least the library allows: for tests */
};
/* "$argon2id$v=19$...": what is stored of a password.
 *
 * fails : LIMIT (no memory for it) */
MUST_USE bool secret_password_hash(str password, enum secret_cost cost, struct arena *arena,
                                   str *out, struct err *err);
MUST_USE bool secret_password_fits(str password, str hash);
