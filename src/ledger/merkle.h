/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree of RFC 6962, 2.1 (the same in RFC 9162, 2.1): heads and proofs, made from hashes
 * that somebody else keeps, and checked without them. A tree of 2^40 leaves needs 40 hashes in a
 * proof; none here has more than 64.
 */
#pragma once

#include "base/err.h"
#include "base/sha256.h"

/* SHA-256(0x00, leaf); SHA-256(0x01, left, right). */
struct sha256_digest merkle_leaf(bytes leaf);
struct sha256_digest merkle_pair(const struct sha256_digest *left,
                                 const struct sha256_digest *right);
/* Root of n hashes, n a power of two; they are overwritten. */
struct sha256_digest merkle_fold(struct sha256_digest *hashes, size_t n);
bool merkle_equal(const struct sha256_digest *a, const struct sha256_digest *b);

enum {
    MERKLE_DEPTH = 64,
    /* Of the complete subtrees, those of 256^level leaves are kept: level 0 are the leaves. */
    MERKLE_STRIDE = 8,
    MERKLE_WIDTH = 256,
    MERKLE_LEVELS = 8,
};

/* Gives hashes of n complete subtrees of 256^level leaves, from the index-th on; n is at most
 * MERKLE_WIDTH, and all of them lie inside the tree that was asked about. */
struct merkle_reader {
    void *from;
    bool (*read)(void *from, unsigned level, uint64_t index, size_t n, struct sha256_digest *out,
                 struct err *err);
};

struct merkle_proof {
    size_t n;
    struct sha256_digest hashes[MERKLE_DEPTH];
};

/* Root of the first size leaves; of none it is the hash of nothing. Reads at most 255 hashes per
 * level. */
MUST_USE bool merkle_root(struct merkle_reader reader, uint64_t size, struct sha256_digest *out,
                          struct err *err);
/* index < size */
MUST_USE bool merkle_prove(struct merkle_reader reader, uint64_t index, uint64_t size,
                           struct merkle_proof *out, struct err *err);
/* That the tree of `size` leaves begins with that of `from`; from <= size. Empty when from is 0 or
 * size. */
MUST_USE bool merkle_prove_growth(struct merkle_reader reader, uint64_t from, uint64_t size,
                                  struct merkle_proof *out, struct err *err);

/* Whether the proof leads from the leaf to the root. */
bool merkle_proves(const struct merkle_proof *proof, const struct sha256_digest *leaf,
                   uint64_t index, uint64_t size, const struct sha256_digest *root);
/* Whether it shows that one tree begins with the other. */
bool merkle_proves_growth(const struct merkle_proof *proof, uint64_t from,
                          const struct sha256_digest *from_root, uint64_t size,
                          const struct sha256_digest *root);

/* A tree in the making, leaf by leaf: peaks[i] is the complete subtree of 2^i leaves that ends it,
 * where bit i of size is set. */
struct merkle_tree {
    uint64_t size;
    struct sha256_digest peaks[MERKLE_DEPTH];
};

/* full: gets the subtrees of 256^1, 256^2, ... leaves that end with this one; the answer is how
 * many there are. */
size_t merkle_add(struct merkle_tree *tree, const struct sha256_digest *leaf,
                  struct sha256_digest full[MERKLE_LEVELS]);
struct sha256_digest merkle_tree_root(const struct merkle_tree *tree);
