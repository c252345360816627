/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <sodium/core.h>
#include <sodium/crypto_pwhash.h>
#include <sodium/randombytes.h>
#include <sodium/utils.h>

/* Chooses the generator and the fast code once; asked before every use, since nobody else does. */
static void ready(void)
{
    int begun = sodium_init();
    assert(begun >= 0 && "the system has a generator of random numbers");
    (void)begun;
}

void secret_random(uint8_t *out, size_t n)
{
    ready();
    if (n) randombytes_buf(out, n);
}

bool secret_equal(bytes a, bytes b)
{
    if (a.len != b.len) return false;
    return !a.len || sodium_memcmp(a.ptr, b.ptr, a.len) == 0;
}

void secret_forget(void *memory, size_t n)
{
    if (n) sodium_memzero(memory, n);
}

static const struct {
    unsigned long long passes;
    size_t memory_bytes;
} costs[] = {
    [SECRET_COST_INTERACTIVE] = {crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
                                 crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE},
    [SECRET_COST_LEAST] = {crypto_pwhash_argon2id_OPSLIMIT_MIN,
                                 crypto_pwhash_argon2id_MEMLIMIT_MIN        },
};

bool secret_password_hash(str password, enum secret_cost cost, struct arena *arena, str *out,
                          struct err *err)
{
    char text[crypto_pwhash_argon2id_STRBYTES] = {0};
    ready();
    if (crypto_pwhash_argon2id_str(text, password.len ? password.ptr : "", password.len,
                                   costs[cost].passes, costs[cost].memory_bytes) != 0)
        return err_set(err, ERR_LIMIT, "no %zu MiB of memory for the hash of a password",
                       costs[cost].memory_bytes >> 20);
    *out = str_copy(arena, str_of(text));
    return true;
}

bool secret_password_fits(str password, str hash)
{
    /* The library wants its whole array, ended by zeros. */
    char text[crypto_pwhash_argon2id_STRBYTES] = {0};
    if (hash.len >= sizeof text || !hash.len || memchr(hash.ptr, 0, hash.len)) return false;
    memcpy(text, hash.ptr, hash.len);
    ready();
    return crypto_pwhash_argon2id_str_verify(text, password.len ? password.ptr : "",
                                             password.len) == 0;
}
