/* SPDX-License-Identifier: Apache-2.0 */
/* What was compiled, as the ledger tells it: for each output folder and target the newest
 * artefacts, with the exceptions whose rules they carry. Whether somebody has loaded them the
 * ledger does not know; that nobody has loaded something newer of that folder, it does.
 */
#pragma once

#include "ledger/ledger.h"

struct compile_book_file {
    str path, sha256;
};

/* One target of one folder. */
struct compile_book_item {
    str out; /* the folder: within the workspace relative to it, else as it was given */
    str target;
    const str *exceptions; /* ids */
    size_t n_exceptions;
    int64_t compiled_us, as_of_us;
    str policy_sha256, manifest_sha256;
    /* Of the whole folder; none when they were too many to be listed: then the manifest has them.
     */
    const struct compile_book_file *files;
    size_t n_files;
    uint64_t entry; /* its number */
};

struct compile_book {
    const struct compile_book_item *items; /* in the order of the entries */
    size_t n;
    const str *ever; /* ids of exceptions that anything compiled has carried */
    size_t n_ever;
};

/* A folder and target that newer artefacts of another folder stand for. */
struct compile_book_replaced {
    str out, target;
};

/* Reads the entries written until as_of_us.
 *
 * fails : MALFORMED (an entry is not as compile writes it), what ledger_each says */
MUST_USE bool compile_book_read(struct ledger *ledger, int64_t as_of_us, struct arena *arena,
                                struct compile_book *out, struct err *err);
