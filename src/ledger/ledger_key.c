/* SPDX-License-Identifier: Apache-2.0 */
/* The file of the ledger's secret key. */
#include "base/base64.h"
#include "base/secret.h"
#include "ledger/ledger_inside.h"

#define BEGIN "PRIVATE+KEY+"

enum { TYPE_ED25519 = 1, MOST_BYTES = 4096 };

bool ledger_key_write(struct os *os, str path, str name, const struct sign_key *key,
                      struct err *err)
{
    struct arena scratch = arena_open("the ledger's key", 0, NULL);
    uint8_t typed[1 + SIGN_SEED_BYTES] = {TYPE_ED25519};
    struct checkpoint_key public = {.name = name};
    struct buf out = buf_in(&scratch);
    memcpy(public.public, key->public, sizeof public.public);
    memcpy(typed + 1, key->seed, SIGN_SEED_BYTES);
    /* The public text ends in its base64, "name+id+": what stands before it is the same in both. */
    str text = checkpoint_key_text(&public, &scratch), head = {0}, id = {0}, unused = {0};
    (void)(str_cut(text, '+', &head, &id) && str_cut(id, '+', &id, &unused));
    buf_format(&out, BEGIN "%.*s+%.*s+", STR_ARG(head), STR_ARG(id));
    base64_write(&out, (bytes){typed, sizeof typed});
    buf_char(&out, '\n');
    bool fine = os->write_private(os->self, path, str_bytes(buf_text(&out)), err);
    secret_forget(typed, sizeof typed);
    secret_forget(out.data, out.len);
    arena_close(&scratch);
    return fine ? true : err_in(err, path);
}

static bool parse(str text, struct arena *arena, str *name, struct sign_key *out, struct err *err)
{
    str line = {0}, rest = {0}, id = {0}, encoded = {0};
    bytes typed = {0};
    struct checkpoint_key public = {0};
    bool is_line = str_cut(text, '\n', &line, &rest) && !rest.len && str_starts(line, S(BEGIN));
    if (!is_line || !str_cut(str_tail(line, sizeof BEGIN - 1), '+', name, &id) ||
        !str_cut(id, '+', &id, &encoded) || !base64_read(encoded, arena, &typed) ||
        typed.len != 1 + SIGN_SEED_BYTES || typed.ptr[0] != TYPE_ED25519)
        return err_set(err, ERR_MALFORMED,
                       "this is not a ledger's secret key (one line, " BEGIN "name+id+base64)");
    struct sign_key key = sign_key_of(typed.ptr + 1);
    public.name = *name;
    memcpy(public.public, key.public, sizeof public.public);
    str expected = checkpoint_key_text(&public, arena);
    if (!str_starts(expected, str_format(arena, "%.*s+%.*s+", STR_ARG(*name), STR_ARG(id))))
        return err_set(err, ERR_MALFORMED, "the id of the ledger's secret key is not the key's");
    *out = key;
    return true;
}

str ledger_key_waiting(str path, struct arena *arena)
{
    return str_format(arena, "%.*s.new", STR_ARG(path));
}

bool ledger_key_read(struct os *os, str path, struct arena *arena, str *name, struct sign_key *out,
                     struct err *err)
{
    struct arena scratch = arena_open("the ledger's key", 0, NULL);
    bytes content = {0};
    str found = {0};
    bool fine = os_read_all(os, path, MOST_BYTES, &scratch, &content, err);
    if (!fine && err->kind == ERR_NOT_FOUND)
        err_set(err, ERR_NOT_FOUND,
                "the secret key of the ledger is not there, so nothing can be signed: put it back, "
                "name it with SALLYPORT_LEDGER_KEY, or, when it is lost for good, begin a new one "
                "with \"sallyport ledger rotate-key --lost\"");
    fine = fine && parse(str_of_bytes(content), &scratch, &found, out, err);
    if (fine) *name = str_copy(arena, found);
    arena_close(&scratch);
    return fine ? true : err_in(err, path);
}
