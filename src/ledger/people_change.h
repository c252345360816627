/* SPDX-License-Identifier: Apache-2.0 */
/* The data of entries about users and tokens (user-added, user-changed, token-made, token-ended,
 * logged-in). Of a change only what it changes is there:
 *
 *   {"user":"alice","token":"T-4","name":"nightly report","roles":["viewer"],
 *    "accounts":["CONTOSO\\alice"],"disabled":false,"expires":"2026-12-31T00:00:00.000000Z",
 *    "credential":"<64 hexadecimal digits>"}
 *
 * and of a login that was refused {"kind":"logged-in","why":"..."}.
 */
#pragma once

#include "ledger/actor.h"

struct people_change {
    bool has_roles, has_accounts, has_disabled;
    uint8_t roles; /* bits 1u << enum person_role */
    const str *accounts;
    size_t n_accounts;
    bool disabled;
    str credential; /* SHA-256 of what is kept of a password or a token's secret */
    str user, token, name, kind, why;
    int64_t expires_us; /* 0 = not said */
};

str people_change_json(const struct people_change *change, struct arena *arena);
/* Members it does not know are passed over.
 *
 * fails : MALFORMED, TRUNCATED, with the offset in data */
MUST_USE bool people_change_read(str data, struct arena *arena, struct people_change *out,
                                 struct err *err);
