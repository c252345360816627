/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_prover.h"

#include "ledger/ledger_inside.h"

/* The head that the proof leads to. */
static bool take_head(struct ledger *ledger, uint64_t size, struct arena *arena,
                      struct ledger_proof *out, struct err *err)
{
    struct checkpoint newest = {0};
    if (!ledger_checkpoint(ledger, arena, &out->head_text, &newest, err)) return false;
    out->head = newest;
    out->is_signed = true;
    if (!size || size == newest.size) return true;
    if (size > newest.size)
        return err_set(err, ERR_NOT_FOUND,
                       "the ledger has %" PRIu64 " entries, so no tree of %" PRIu64, newest.size,
                       size);
    out->is_signed = false;
    out->head.size = size;
    if (!merkle_root(ledger_tables_reader(ledger), size, &out->head.root, err)) return false;
    out->head_text = checkpoint_text(newest.origin, size, &out->head.root, arena);
    return true;
}

bool ledger_prover_entry(struct ledger *ledger, uint64_t number, uint64_t size, struct arena *arena,
                         struct ledger_proof *out, struct err *err)
{
    struct ledger_proof proof = {.kind = LEDGER_PROOF_ENTRY, .number = number};
    struct ledger_entry entry = {0};
    if (!take_head(ledger, size, arena, &proof, err)) return false;
    if (number >= proof.head.size)
        return err_set(err, ERR_NOT_FOUND,
                       "entry %" PRIu64 " is not among the first %" PRIu64 " entries", number,
                       proof.head.size);
    if (!ledger_get(ledger, number, arena, &entry, err) ||
        !merkle_prove(ledger_tables_reader(ledger), number, proof.head.size, &proof.proof, err))
        return false;
    proof.body = entry.body;
    *out = proof;
    return true;
}

bool ledger_prover_growth(struct ledger *ledger, uint64_t from, uint64_t size, struct arena *arena,
                          struct ledger_proof *out, struct err *err)
{
    struct ledger_proof proof = {.kind = LEDGER_PROOF_GROWTH, .from = from};
    struct merkle_reader reader = ledger_tables_reader(ledger);
    if (!take_head(ledger, size, arena, &proof, err)) return false;
    if (from > proof.head.size)
        return err_set(err, ERR_NOT_FOUND,
                       "%" PRIu64 " entries are more than the %" PRIu64 " of the tree", from,
                       proof.head.size);
    if (!merkle_root(reader, from, &proof.from_root, err) ||
        !merkle_prove_growth(reader, from, proof.head.size, &proof.proof, err))
        return false;
    *out = proof;
    return true;
}
