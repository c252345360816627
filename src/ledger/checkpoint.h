/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: the signed head of a ledger's tree, as text that fits into a mail.
 *
 *     sallyport-ledger/5d41c2a7e9b03f18
 *     1042
 *     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
 *
 *     — sallyport-ledger/5d41c2a7e9b03f18 Az3grl...
 *
 * spec : C2SP signed-note (the text, its signatures, keys and their ids) and C2SP tlog-checkpoint
 * (what stands in the text). The origin is the name of the key. Other signatures (of witnesses) may
 * stand beside the ledger's; they are counted and not looked at.
 */
#pragma once

#include "base/err.h"
#include "base/sha256.h"
#include "base/sign.h"

/* A key with its name, as signed-note has it. */
struct checkpoint_key {
    str name;
    uint8_t public[SIGN_PUBLIC_BYTES];
};

/* "name+1a2b3c4d+AQ...": name, key id, base64 of 0x01 and the public key. */
str checkpoint_key_text(const struct checkpoint_key *key, struct arena *arena);
/* fails : MALFORMED (also a key id that is not the key's) */
MUST_USE bool checkpoint_key_parse(str text, struct arena *arena, struct checkpoint_key *out,
                                   struct err *err);
bool checkpoint_key_equal(const struct checkpoint_key *a, const struct checkpoint_key *b);

struct checkpoint {
    str origin;
    uint64_t size;
    struct sha256_digest root;
    str extension; /* one line between root and signatures; empty = none */
    str signed_text;
    uint8_t key_id[4]; /* of the ledger's signature */
    uint8_t signature[SIGN_BYTES];
    size_t n_others; /* signatures of others */
};

/* The whole text, signed. extension: one line, empty for none. */
str checkpoint_sign(const struct sign_key *key, str origin, uint64_t size,
                    const struct sha256_digest *root, str extension, struct arena *arena);
/* The three lines that are signed. */
str checkpoint_text(str origin, uint64_t size, const struct sha256_digest *root,
                    struct arena *arena);
/* What is parsed points into the text, decoded parts into the arena. Nothing is said of the
 * signature yet.
 *
 * fails : MALFORMED, TRUNCATED, LIMIT, with line and column */
MUST_USE bool checkpoint_parse(str text, struct arena *arena, struct checkpoint *out,
                               struct err *err);
/* The same of a text that nobody has signed: its three lines alone. */
MUST_USE bool checkpoint_parse_text(str text, struct arena *arena, struct checkpoint *out,
                                    struct err *err);
/* Whether the key of that name has signed it. */
bool checkpoint_fits(const struct checkpoint *checkpoint, const struct checkpoint_key *key);
