/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs and checkpoints from outside: what was read is written again byte by byte (but for a proof
 * without its entry, which no "ledger prove" writes).
 */
#include "ledger/ledger_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("ledger_proof_fuzz", 512 << 20, NULL);
    struct arena scratch = arena_open("ledger_proof_fuzz", 512 << 20, NULL);
    str text = {(const char *)data, size};
    uint64_t offset = 0;
    struct err err = {0};
    struct checkpoint checkpoint = {0};
    struct ledger_proof proof = {0};
    if (checkpoint_parse(text, &arena, &checkpoint, &err)) assert(checkpoint.size <= INT64_MAX);
    while (text.len) {
        str whole = text;
        struct err why = {0};
        if (!ledger_proof_next(&text, &offset, &arena, &proof, &err)) break;
        struct buf again = buf_in(&arena);
        ledger_proof_write(&proof, &again);
        str was = str_head(whole, whole.len - text.len);
        if (proof.body.len || proof.kind == LEDGER_PROOF_GROWTH)
            assert(str_equal(buf_text(&again), was));
        assert(ledger_proof_holds(&proof, scratch, &why) == !why.text[0]);
    }
    arena_close(&scratch);
    arena_close(&arena);
    return 0;
}
