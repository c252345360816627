/* SPDX-License-Identifier: Apache-2.0 */
/* What was compiled goes into the workspace's ledger: where, of which policy and exceptions, and
 * the hash of every file. Read again by ledger/compile_book.h.
 */
#pragma once

#include "cli/compiling.h"
#include "ledger/compile_book.h"

/* After a successful write. A ledger that can't be written is said, and the compile counts.
 *
 * manifest : the text of manifest.json
 * replaced : folders and targets that these artefacts take the place of, beside their own */
void compile_record(struct compiling *c, str manifest, const struct compile_book_replaced *replaced,
                    size_t n_replaced);
/* The folder as the ledger has it: relative to the workspace where it lies in it. */
str compile_record_folder(struct invocation *call, str folder);
