/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/tokens.h"

#include "base/secret.h"
#include "ledger/credentials.h"

enum { SECRET_BYTES = 32, SECRET_CHARS = 43 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* RFC 4648 5, without padding. */
static void write_base64url(const uint8_t in[SECRET_BYTES], char out[SECRET_CHARS])
{
    unsigned bits = 0, n_bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        bits = (bits & 0x3Fu) << 8 | in[i];
        for (n_bits += 8; n_bits >= 6; n_bits -= 6)
            out[n++] = alphabet[bits >> (n_bits - 6) & 0x3Fu];
    }
    out[n++] = alphabet[bits << (6 - n_bits) & 0x3Fu];
    assert(n == SECRET_CHARS);
}

static str kept_of(str secret, struct arena *arena)
{
    struct sha256_digest digest = sha256_of(str_bytes(secret));
    return sha256_hex(arena, &digest);
}

str tokens_make(str id, struct arena *arena, str *kept)
{
    uint8_t random[SECRET_BYTES];
    char secret[SECRET_CHARS];
    secret_random(random, sizeof random);
    write_base64url(random, secret);
    secret_forget(random, sizeof random);
    *kept = kept_of((str){secret, sizeof secret}, arena);
    str text = str_format(arena, "sp_%.*s_%.*s", STR_ARG(id), SECRET_CHARS, secret);
    secret_forget(secret, sizeof secret);
    return text;
}

static bool cut(str text, str *id, str *secret)
{
    if (!str_starts(text, S("sp_")) || !str_cut(str_tail(text, 3), '_', id, secret)) return false;
    if (!id->len || secret->len != SECRET_CHARS) return false;
    for (size_t i = 0; i < secret->len; i++)
        if (!memchr(alphabet, secret->ptr[i], sizeof alphabet - 1)) return false;
    return true;
}

bool tokens_id(str text, str *id)
{
    str secret;
    return cut(text, id, &secret);
}

bool tokens_fit(str text, str kept, struct arena scratch)
{
    str id, secret;
    if (!cut(text, &id, &secret)) return false;
    return secret_equal(str_bytes(kept_of(secret, &scratch)), str_bytes(kept));
}

bool tokens_accept(struct ledger *ledger, const struct people *people, str text, int64_t now_us,
                   struct arena *arena, const struct person_token **out, struct err *err)
{
    str id, kept = {0}, why = {0};
    const struct person_token *token = tokens_id(text, &id) ? people_token(people, id) : NULL;
    if (token &&
        !credentials_get(ledger, CREDENTIAL_TOKEN, id, token->credential, arena, &kept, err))
        return false;
    if (!token || !tokens_fit(text, kept, *arena))
        return err_set(err, ERR_REFUSED, "the token is not one of this workspace");
    const struct person *user = &people->persons[token->user];
    if (user->disabled)
        return err_set(err, ERR_REFUSED, "the token %.*s is of %.*s, who is disabled", STR_ARG(id),
                       STR_ARG(user->name));
    if (people_token_state(people, token, now_us, arena, &why) != PEOPLE_TOKEN_VALID)
        return err_set(err, ERR_REFUSED, "the token %.*s of %.*s is of no use any more: %.*s",
                       STR_ARG(id), STR_ARG(user->name), STR_ARG(why));
    *out = token;
    return true;
}
