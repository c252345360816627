/* SPDX-License-Identifier: Apache-2.0 */
/* A new key for the ledger. The old one signs the tree as it stands with the new public key beside
 * it, which becomes an entry; from that entry on the new one signs. An old key that is lost can't
 * do that: the entry says so for ever, since whoever has the database could have written it.
 */
#pragma once

#include "ledger/ledger.h"

/* The ledger is verified whole first. The new key takes the old one's file; a process that dies
 * between is made good by the next one that writes.
 *
 * actor : as in a draft
 * is_lost : without the old key
 * key : the new public key, as text
 * fails : REFUSED (the ledger does not verify; the old key is there after all), what ledger_begin
 *         says */
MUST_USE bool ledger_rotate(struct ledger *ledger, str actor, bool is_lost, struct arena *arena,
                            str *key, struct err *err);
