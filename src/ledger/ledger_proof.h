/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs as text, to be checked without the ledger: that an entry is in the tree of a checkpoint,
 * and that the tree of one size begins with the tree of a smaller one. A file may hold several, one
 * behind the other.
 *
 * spec : C2SP tlog-proof for the first form; its "extra" is the entry's body. The second is ours:
 *
 *     sallyport ledger growth 1
 *     from <size> <base64 of that tree's root>
 *     <base64 of a hash>...
 *     <an empty line>
 *     <the head: a signed checkpoint, or its text alone>
 *
 * The head of a tree that is not the newest has no signature any more: then its three lines stand
 * there, and only a checkpoint that was kept can confirm them.
 */
#pragma once

#include "ledger/checkpoint.h"
#include "ledger/merkle.h"

#define LEDGER_PROOF_KINDS(X) X(ENTRY, "entry") X(GROWTH, "growth")
enum ledger_proof_kind {
#define X(name, text) LEDGER_PROOF_##name,
    LEDGER_PROOF_KINDS(X)
#undef X
};

struct ledger_proof {
    enum ledger_proof_kind kind;
    uint64_t number; /* the entry's */
    str body;        /* its text; empty = not there */
    uint64_t from;   /* growth: the smaller size and its root */
    struct sha256_digest from_root;
    struct merkle_proof proof;
    str head_text; /* what stands there */
    bool is_signed;
    struct checkpoint head;
};

/* head_text ends the proof as it is. */
void ledger_proof_write(const struct ledger_proof *proof, struct buf *out);
/* Cuts the next proof off the text. offset: of the text in its file, for errors.
 *
 * fails : MALFORMED, TRUNCATED, LIMIT, with the offset */
MUST_USE bool ledger_proof_next(str *text, uint64_t *offset, struct arena *arena,
                                struct ledger_proof *out, struct err *err);
/* Whether the hashes lead to the head's root. Says nothing of the head.
 *
 * fails : REFUSED (they do not), MALFORMED (the body is none of an entry, or of another) */
MUST_USE bool ledger_proof_holds(const struct ledger_proof *proof, struct arena scratch,
                                 struct err *err);
