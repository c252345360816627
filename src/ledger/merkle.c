/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/merkle.h"

struct sha256_digest merkle_leaf(bytes leaf)
{
    enum { SHORT = 4096 };
    static const uint8_t prefix = 0;
    uint8_t text[1 + SHORT];
    text[0] = prefix;
    /* In one piece it is hashed faster; nearly all entries are short. */
    if (leaf.len <= SHORT) {
        if (leaf.len) memcpy(text + 1, leaf.ptr, leaf.len);
        return sha256_of((bytes){text, 1 + leaf.len});
    }
    struct sha256 hash = sha256_start();
    sha256_add(&hash, (bytes){&prefix, 1});
    sha256_add(&hash, leaf);
    return sha256_end(&hash);
}

struct sha256_digest merkle_pair(const struct sha256_digest *left,
                                 const struct sha256_digest *right)
{
    uint8_t text[1 + 2 * sizeof left->bytes] = {1};
    memcpy(text + 1, left->bytes, sizeof left->bytes);
    memcpy(text + 1 + sizeof left->bytes, right->bytes, sizeof right->bytes);
    return sha256_of((bytes){text, sizeof text});
}

struct sha256_digest merkle_fold(struct sha256_digest *hashes, size_t n)
{
    for (; n > 1; n /= 2)
        for (size_t i = 0; i < n / 2; i++)
            hashes[i] = merkle_pair(&hashes[2 * i], &hashes[2 * i + 1]);
    return hashes[0];
}

bool merkle_equal(const struct sha256_digest *a, const struct sha256_digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* ---- Making --------------------------------------------------------------------------------- */

/* Where a range of n > 1 leaves parts: the largest power of two below n. */
static uint64_t part_of(uint64_t n)
{
    uint64_t half = 1;
    while (half < n - half)
        half *= 2;
    return half;
}

static bool is_power(uint64_t n)
{
    return n && !(n & (n - 1));
}

/* A complete subtree, from the largest that are kept inside it. */
static bool complete(struct merkle_reader reader, uint64_t begin, uint64_t n,
                     struct sha256_digest *out, struct err *err)
{
    struct sha256_digest hashes[MERKLE_WIDTH];
    unsigned level = 0;
    while (n >= MERKLE_WIDTH) {
        level++;
        n >>= MERKLE_STRIDE;
        begin >>= MERKLE_STRIDE;
    }
    if (!reader.read(reader.from, level, begin, (size_t)n, hashes, err)) return false;
    *out = merkle_fold(hashes, (size_t)n);
    return true;
}

/* MTH(D[begin:begin + n]) of a range that is a subtree. Its complete parts lie from left to right,
 * each smaller than the one before. */
static bool subtree(struct merkle_reader reader, uint64_t begin, uint64_t n,
                    struct sha256_digest *out, struct err *err)
{
    struct sha256_digest parts[MERKLE_DEPTH];
    size_t n_parts = 0;
    while (n) {
        uint64_t size = is_power(n) ? n : part_of(n);
        if (!complete(reader, begin, size, &parts[n_parts++], err)) return false;
        begin += size;
        n -= size;
    }
    struct sha256_digest hash = parts[n_parts - 1];
    for (size_t i = n_parts - 1; i > 0; i--)
        hash = merkle_pair(&parts[i - 1], &hash);
    *out = hash;
    return true;
}

bool merkle_root(struct merkle_reader reader, uint64_t size, struct sha256_digest *out,
                 struct err *err)
{
    if (size) return subtree(reader, 0, size, out, err);
    *out = sha256_of((bytes){0});
    return true;
}

/* The proofs go down from the root, but list the hashes from the leaf upwards. */
static void turn(struct merkle_proof *proof)
{
    for (size_t i = 0; i < proof->n / 2; i++) {
        struct sha256_digest hash = proof->hashes[i];
        proof->hashes[i] = proof->hashes[proof->n - 1 - i];
        proof->hashes[proof->n - 1 - i] = hash;
    }
}

bool merkle_prove(struct merkle_reader reader, uint64_t index, uint64_t size,
                  struct merkle_proof *out, struct err *err)
{
    uint64_t begin = 0;
    struct merkle_proof proof = {0};
    assert(index < size);
    while (size > 1) {
        uint64_t half = part_of(size);
        bool is_left = index < half;
        struct sha256_digest *sibling = &proof.hashes[proof.n++];
        if (!subtree(reader, is_left ? begin + half : begin, is_left ? size - half : half, sibling,
                     err))
            return false;
        if (!is_left) {
            begin += half;
            index -= half;
        }
        size = is_left ? half : size - half;
    }
    turn(&proof);
    *out = proof;
    return true;
}

bool merkle_prove_growth(struct merkle_reader reader, uint64_t from, uint64_t size,
                         struct merkle_proof *out, struct err *err)
{
    uint64_t begin = 0;
    bool is_known = true; /* what is left of the old tree is all of it: its root is known */
    struct merkle_proof proof = {0};
    assert(from <= size);
    *out = proof;
    if (!from || from == size) return true;
    while (from != size) {
        uint64_t half = part_of(size);
        bool is_left = from <= half;
        struct sha256_digest *sibling = &proof.hashes[proof.n++];
        if (!subtree(reader, is_left ? begin + half : begin, is_left ? size - half : half, sibling,
                     err))
            return false;
        if (!is_left) {
            begin += half;
            from -= half;
            is_known = false;
        }
        size = is_left ? half : size - half;
    }
    if (!is_known && !subtree(reader, begin, size, &proof.hashes[proof.n++], err)) return false;
    turn(&proof);
    *out = proof;
    return true;
}

/* ---- Checking (RFC 9162, 2.1.3.2 and 2.1.4.2) ----------------------------------------------- */

bool merkle_proves(const struct merkle_proof *proof, const struct sha256_digest *leaf,
                   uint64_t index, uint64_t size, const struct sha256_digest *root)
{
    if (index >= size) return false;
    uint64_t at = index, last = size - 1;
    struct sha256_digest hash = *leaf;
    for (size_t i = 0; i < proof->n; i++) {
        if (!last) return false;
        if (at & 1 || at == last) {
            hash = merkle_pair(&proof->hashes[i], &hash);
            while (!(at & 1) && at) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = merkle_pair(&hash, &proof->hashes[i]);
        }
        at >>= 1;
        last >>= 1;
    }
    return !last && merkle_equal(&hash, root);
}

bool merkle_proves_growth(const struct merkle_proof *proof, uint64_t from,
                          const struct sha256_digest *from_root, uint64_t size,
                          const struct sha256_digest *root)
{
    const struct sha256_digest none = sha256_of((bytes){0});
    if (from > size) return false;
    if (!from) return !proof->n && merkle_equal(from_root, &none);
    if (from == size) return !proof->n && merkle_equal(from_root, root);
    uint64_t at = from - 1, last = size - 1;
    size_t i = 0;
    while (at & 1) {
        at >>= 1;
        last >>= 1;
    }
    /* An old tree that is one complete subtree is not in the proof: its root is known. */
    if (at && !proof->n) return false;
    struct sha256_digest was = at ? proof->hashes[i++] : *from_root, is = was;
    for (; i < proof->n; i++) {
        if (!last) return false;
        if (at & 1 || at == last) {
            was = merkle_pair(&proof->hashes[i], &was);
            is = merkle_pair(&proof->hashes[i], &is);
            while (!(at & 1) && at) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            is = merkle_pair(&is, &proof->hashes[i]);
        }
        at >>= 1;
        last >>= 1;
    }
    return !last && merkle_equal(&was, from_root) && merkle_equal(&is, root);
}

/* ---- Leaf by leaf --------------------------------------------------------------------------- */

size_t merkle_add(struct merkle_tree *tree, const struct sha256_digest *leaf,
                  struct sha256_digest full[MERKLE_LEVELS])
{
    struct sha256_digest hash = *leaf;
    size_t n = 0;
    unsigned level = 0;
    for (; tree->size >> level & 1; level++) {
        hash = merkle_pair(&tree->peaks[level], &hash);
        if ((level + 1) % MERKLE_STRIDE == 0) full[n++] = hash;
    }
    tree->peaks[level] = hash;
    tree->size++;
    return n;
}

struct sha256_digest merkle_tree_root(const struct merkle_tree *tree)
{
    struct sha256_digest hash = sha256_of((bytes){0});
    bool is_first = true;
    for (unsigned level = 0; level < MERKLE_DEPTH; level++) {
        if (!(tree->size >> level & 1)) continue;
        hash = is_first ? tree->peaks[level] : merkle_pair(&tree->peaks[level], &hash);
        is_first = false;
    }
    return hash;
}
