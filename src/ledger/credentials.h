/* SPDX-License-Identifier: Apache-2.0 */
/* What people show to be who they are, kept beside the ledger's entries: of a user the argon2id
 * string of the password, of a token the SHA-256 of its secret. The entry that made one records the
 * SHA-256 of what is kept, so that one that was replaced in the database is found.
 */
#pragma once

#include "ledger/ledger.h"

enum credential_of { CREDENTIAL_USER, CREDENTIAL_TOKEN };

/* In the open transaction; takes the place of an older one. Empty value: takes it away. */
MUST_USE bool credentials_put(struct ledger *ledger, enum credential_of of, str id, str value,
                              struct arena scratch, struct err *err);
/* Only the one that was recorded.
 *
 * recorded : of its entry (credentials_mark)
 * fails : REFUSED (there is none, or another one), IO */
MUST_USE bool credentials_get(struct ledger *ledger, enum credential_of of, str id, str recorded,
                              struct arena *arena, str *out, struct err *err);
/* 64 hexadecimal digits. */
str credentials_mark(str value, struct arena *arena);
