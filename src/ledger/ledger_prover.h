/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the proofs of ledger_proof.h from an open ledger: some hundred hashes are read for one. */
#pragma once

#include "ledger/ledger.h"
#include "ledger/ledger_proof.h"

/* size : of the tree; 0 = the newest, whose head is signed
 * fails : NOT_FOUND (there is no such entry, or no such size yet), IO */
MUST_USE bool ledger_prover_entry(struct ledger *ledger, uint64_t number, uint64_t size,
                                  struct arena *arena, struct ledger_proof *out, struct err *err);
MUST_USE bool ledger_prover_growth(struct ledger *ledger, uint64_t from, uint64_t size,
                                   struct arena *arena, struct ledger_proof *out, struct err *err);
