/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger as one text file, to be taken away and verified anywhere:
 *
 *     sallyport ledger 1
 *     <64 hex digits: hash of entry 0> <body of entry 0>
 *     ...
 *     <an empty line>
 *     <the signed checkpoint of all these entries>
 *
 * Every byte of it is determined: each is part of an entry, of its hash, or of what is signed, or
 * can be nothing else. So whatever is changed in it is found.
 */
#pragma once

#include "ledger/ledger_verify.h"

/* The first size entries and their signed checkpoint, a piece at a time; in one transaction.
 *
 * fails : IO, also when the sink does not take a piece */
MUST_USE bool ledger_file_write(struct ledger *ledger, bool (*sink)(void *to, bytes piece),
                                void *to, const struct ledger_question *progress, struct err *err);
/* The signed checkpoint of what there is now. */
MUST_USE bool ledger_file_checkpoint(struct ledger *ledger, struct arena *arena, str *out,
                                     struct err *err);

/* Where the bytes of a file come from: *n is 0 only at the end. */
struct ledger_file_source {
    void *from;
    bool (*read)(void *from, uint8_t *into, size_t room, size_t *n, struct err *err);
};
/* As ledger_verify_open; what is wrong with the file is the verdict.
 *
 * fails : IO */
MUST_USE bool ledger_file_verify(struct ledger_file_source source,
                                 const struct ledger_question *question, struct arena *arena,
                                 struct ledger_verdict *out, struct err *err);
