/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/credentials.h"

static str name_of(enum credential_of of, str id, struct arena *arena)
{
    return str_format(arena, "%s %.*s", of == CREDENTIAL_USER ? "user" : "token", STR_ARG(id));
}

str credentials_mark(str value, struct arena *arena)
{
    struct sha256_digest digest = sha256_of(str_bytes(value));
    return sha256_hex(arena, &digest);
}

bool credentials_put(struct ledger *ledger, enum credential_of of, str id, str value,
                     struct arena scratch, struct err *err)
{
    return ledger_put_credential(ledger, name_of(of, id, &scratch), value, err);
}

bool credentials_get(struct ledger *ledger, enum credential_of of, str id, str recorded,
                     struct arena *arena, str *out, struct err *err)
{
    str name = name_of(of, id, arena), value = {0};
    if (!ledger_get_credential(ledger, name, arena, &value, err)) return false;
    if (!value.len)
        return err_set(err, ERR_REFUSED,
                       "the credential of %.*s is not in ledger.db: somebody has taken it out",
                       STR_ARG(name));
    if (!str_equal(credentials_mark(value, arena), recorded))
        return err_set(err, ERR_REFUSED,
                       "the credential of %.*s is not the one that the ledger recorded: somebody "
                       "has replaced it",
                       STR_ARG(name));
    *out = value;
    return true;
}
