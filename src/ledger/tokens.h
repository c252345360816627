/* SPDX-License-Identifier: Apache-2.0 */
/* What a token looks like: "sp_" id "_" secret, the secret being 32 random bytes in base64url (RFC
 * 4648 5, without padding). What is kept is the SHA-256 of the secret's 43 characters, so that no
 * other spelling of the same bytes fits.
 */
#pragma once

#include "ledger/people.h"

/* A new one. kept : what the ledger's database keeps of it: 64 hexadecimal digits */
str tokens_make(str id, struct arena *arena, str *kept);
/* The id that a token's text names; false when it is none. */
MUST_USE bool tokens_id(str text, str *id);
/* Whether the text is the token of which `kept` was kept; takes the same time wherever it differs.
 */
MUST_USE bool tokens_fit(str text, str kept, struct arena scratch);

/* The token that a text is, when it may be used now.
 *
 * fails : REFUSED (not known; ended, expired, its user is disabled: only said to who has the
 *         secret), IO */
MUST_USE bool tokens_accept(struct ledger *ledger, const struct people *people, str text,
                            int64_t now_us, struct arena *arena, const struct person_token **out,
                            struct err *err);
