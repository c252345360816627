/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_rotate.h"

#include "base/secret.h"
#include "ledger/ledger_inside.h"
#include "ledger/ledger_verify.h"

static bool verify_first(struct ledger *ledger, struct arena *arena, struct err *err)
{
    struct ledger_question question = {0};
    struct ledger_verdict verdict = {0};
    if (!ledger_verify_open(ledger, &question, arena, &verdict, err)) return false;
    if (verdict.fault == LEDGER_FAULT_NONE) return true;
    return err_set(err, ERR_REFUSED, "the ledger does not verify, so no new key signs it: %.*s",
                   STR_ARG(verdict.text));
}

/* {"public-key":...,"checkpoint":...}; without the old key {"public-key":...,"old-key":"lost"}. */
static str data_of(struct ledger *ledger, str public, bool is_lost, struct arena *arena,
                   const struct sha256_digest *root)
{
    str signed_text = {0};
    if (!is_lost) {
        str extension = str_format(arena, "key %.*s", STR_ARG(public));
        signed_text =
            checkpoint_sign(&ledger->key, ledger->name, ledger->size, root, extension, arena);
    }
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    json_object(&json);
    json_member_str(&json, S("public-key"), public);
    if (is_lost)
        json_member_str(&json, S("old-key"), S("lost"));
    else
        json_member_str(&json, S("checkpoint"), signed_text);
    json_object_end(&json);
    return buf_text(&out);
}

static bool append_change(struct ledger *ledger, str actor, str public, bool is_lost,
                          struct arena *arena, struct err *err)
{
    struct sha256_digest root = {0};
    if (!merkle_root(ledger_tables_reader(ledger), ledger->size, &root, err)) return false;
    struct ledger_draft draft = {
        .kind = LEDGER_KEY_CHANGED,
        .actor = actor,
        .data = data_of(ledger, public, is_lost, arena, &root),
    };
    return ledger_append(ledger, &draft, NULL, err);
}

/* The new key waits beside the old one until the entry is committed, then takes its place. */
static bool change(struct ledger *ledger, str actor, bool is_lost, struct arena *arena, str *key,
                   struct err *err)
{
    uint8_t seed[SIGN_SEED_BYTES];
    struct os *os = ledger->os;
    str waiting = ledger_key_waiting(ledger->key_path, arena);
    secret_random(seed, sizeof seed);
    struct sign_key next = sign_key_of(seed);
    secret_forget(seed, sizeof seed);
    struct checkpoint_key public = {.name = ledger->name};
    memcpy(public.public, next.public, sizeof public.public);
    *key = checkpoint_key_text(&public, arena);
    if (!ledger_key_write(os, waiting, ledger->name, &next, err) ||
        !append_change(ledger, actor, *key, is_lost, arena, err))
        return false;
    ledger->key = next;
    ledger->has_key = true;
    return ledger_commit(ledger, err) &&
           ledger_key_write(os, ledger->key_path, ledger->name, &next, err) &&
           os->remove(os->self, waiting, err);
}

bool ledger_rotate(struct ledger *ledger, str actor, bool is_lost, struct arena *arena, str *key,
                   struct err *err)
{
    struct os *os = ledger->os;
    if (is_lost && os->kind(os->self, ledger->key_path) != OS_MISSING) {
        err_set(err, ERR_REFUSED,
                "the key is there, so it is not lost: without --lost it signs the new one");
        return err_in(err, ledger->key_path);
    }
    if (!(is_lost ? ledger_begin_without_key(ledger, err) : ledger_begin(ledger, err)))
        return false;
    if (verify_first(ledger, arena, err) && change(ledger, actor, is_lost, arena, key, err))
        return true;
    ledger_abandon(ledger);
    return false;
}
