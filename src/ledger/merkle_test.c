/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/merkle.h"

#include "base/test.h"

enum { MOST = 600 };

/* ---- The definitions of RFC 6962, 2.1, word for word and slow ----------------------------------
 */

static struct sha256_digest slow_root(const struct sha256_digest *leaves, size_t n)
{
    size_t k = 1;
    if (!n) return sha256_of((bytes){0});
    if (n == 1) return leaves[0];
    while (2 * k < n)
        k *= 2;
    struct sha256_digest left = slow_root(leaves, k), right = slow_root(leaves + k, n - k);
    return merkle_pair(&left, &right);
}

static size_t slow_path(const struct sha256_digest *leaves, size_t m, size_t n,
                        struct sha256_digest *out)
{
    size_t k = 1, used = 0;
    if (n == 1) return 0;
    while (2 * k < n)
        k *= 2;
    if (m < k) {
        used = slow_path(leaves, m, k, out);
        out[used] = slow_root(leaves + k, n - k);
    } else {
        used = slow_path(leaves + k, m - k, n - k, out);
        out[used] = slow_root(leaves, k);
    }
    return used + 1;
}

static size_t slow_growth(const struct sha256_digest *leaves, size_t m, size_t n, bool whole,
                          struct sha256_digest *out)
{
    size_t k = 1, used = 0;
    if (m == n && whole) return 0;
    if (m == n) {
        out[0] = slow_root(leaves, n);
        return 1;
    }
    while (2 * k < n)
        k *= 2;
    if (m <= k) {
        used = slow_growth(leaves, m, k, whole, out);
        out[used] = slow_root(leaves + k, n - k);
    } else {
        used = slow_growth(leaves + k, m - k, n - k, false, out);
        out[used] = slow_root(leaves, k);
    }
    return used + 1;
}

/* ---- A reader over an array --------------------------------------------------------------------
 */

struct kept {
    struct sha256_digest leaves[MOST], nodes[MOST / MERKLE_WIDTH];
};

static bool read_kept(void *from, unsigned level, uint64_t index, size_t n,
                      struct sha256_digest *out, struct err *err)
{
    struct kept *kept = from;
    (void)err;
    assert_true(level <= 1 && n >= 1 && n <= MERKLE_WIDTH);
    assert_true(index + n <= (level ? MOST / MERKLE_WIDTH : MOST));
    memcpy(out, (level ? kept->nodes : kept->leaves) + index, n * sizeof *out);
    return true;
}

static struct kept *make(void)
{
    static struct kept kept;
    struct merkle_tree tree = {0};
    size_t n_nodes = 0;
    for (uint32_t i = 0; i < MOST; i++) {
        struct sha256_digest full[MERKLE_LEVELS];
        kept.leaves[i] = merkle_leaf((bytes){(const uint8_t *)&i, sizeof i});
        if (merkle_add(&tree, &kept.leaves[i], full)) kept.nodes[n_nodes++] = full[0];
        struct sha256_digest root = merkle_tree_root(&tree);
        struct sha256_digest slow = slow_root(kept.leaves, i + 1);
        assert_memory_equal(&root, &slow, sizeof root);
    }
    assert_int_equal(n_nodes, MOST / MERKLE_WIDTH);
    return &kept;
}

/* ---- Tests --------------------------------------------------------------------------------------
 */

static void of_hex(const char *hex, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned value = 0;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
        out[i] = (uint8_t)value;
    }
}

/* The vectors of the implementations of Certificate Transparency. */
static void test_vectors(void **state)
{
    static const char *const inputs[] = {
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    };
    static const char *const roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    struct merkle_tree tree = {0};
    (void)state;
    struct sha256_digest empty = merkle_tree_root(&tree), expected = {0};
    of_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", expected.bytes, 32);
    assert_memory_equal(&empty, &expected, sizeof empty);
    for (size_t i = 0; i < COUNT_OF(inputs); i++) {
        uint8_t input[16];
        struct sha256_digest full[MERKLE_LEVELS];
        size_t n = strlen(inputs[i]) / 2;
        of_hex(inputs[i], input, n);
        struct sha256_digest leaf = merkle_leaf((bytes){input, n});
        merkle_add(&tree, &leaf, full);
        struct sha256_digest root = merkle_tree_root(&tree);
        of_hex(roots[i], expected.bytes, 32);
        assert_memory_equal(&root, &expected, sizeof root);
    }
}

static void check_entry(struct merkle_reader reader, const struct kept *kept, uint64_t index,
                        uint64_t size, const struct sha256_digest *root)
{
    struct err err = {0};
    struct merkle_proof proof = {0};
    struct sha256_digest slow[MERKLE_DEPTH];
    assert_true(merkle_prove(reader, index, size, &proof, &err));
    assert_int_equal(proof.n, slow_path(kept->leaves, index, size, slow));
    assert_memory_equal(proof.hashes, slow, proof.n * sizeof *slow);
    assert_true(merkle_proves(&proof, &kept->leaves[index], index, size, root));
    /* It proves nothing else. */
    assert_false(merkle_proves(&proof, &kept->leaves[(index + 1) % MOST], index, size, root));
    assert_false(merkle_proves(&proof, &kept->leaves[index], size, size, root));
    if (size > 1) {
        uint64_t other = index ? index - 1 : index + 1;
        assert_false(merkle_proves(&proof, &kept->leaves[index], other, size, root));
        proof.hashes[proof.n / 2].bytes[31] ^= 1;
        assert_false(merkle_proves(&proof, &kept->leaves[index], index, size, root));
        proof.hashes[proof.n / 2].bytes[31] ^= 1;
        proof.n--;
        assert_false(merkle_proves(&proof, &kept->leaves[index], index, size, root));
        proof.n++;
    }
    proof.hashes[proof.n++] = *root;
    assert_false(merkle_proves(&proof, &kept->leaves[index], index, size, root));
}

static void check_growth(struct merkle_reader reader, const struct kept *kept, uint64_t from,
                         const struct sha256_digest *from_root, uint64_t size,
                         const struct sha256_digest *root)
{
    struct err err = {0};
    struct merkle_proof proof = {0};
    struct sha256_digest slow[MERKLE_DEPTH];
    assert_true(merkle_prove_growth(reader, from, size, &proof, &err));
    size_t n = from ? slow_growth(kept->leaves, from, size, true, slow) : 0;
    assert_int_equal(proof.n, n);
    if (n) assert_memory_equal(proof.hashes, slow, n * sizeof *slow);
    assert_true(merkle_proves_growth(&proof, from, from_root, size, root));
    if (!from || from == size) return;
    assert_false(merkle_proves_growth(&proof, from, root, size, root));
    assert_false(merkle_proves_growth(&proof, from, from_root, size, from_root));
    for (size_t i = 0; i < proof.n; i++) {
        proof.hashes[i].bytes[7] ^= 4;
        assert_false(merkle_proves_growth(&proof, from, from_root, size, root));
        proof.hashes[i].bytes[7] ^= 4;
    }
    proof.n--;
    assert_false(merkle_proves_growth(&proof, from, from_root, size, root));
    proof.n++;
    proof.hashes[proof.n++] = *root;
    assert_false(merkle_proves_growth(&proof, from, from_root, size, root));
}

/* All entries of all sizes to 70, and of some larger ones; all sizes to 300 from some and to some.
 */
static void test_proofs(void **state)
{
    struct kept *kept = make();
    struct merkle_reader reader = {kept, read_kept};
    struct sha256_digest roots[MOST + 1];
    struct err err = {0};
    (void)state;
    for (size_t size = 0; size <= MOST; size++) {
        assert_true(merkle_root(reader, size, &roots[size], &err));
        struct sha256_digest slow = slow_root(kept->leaves, size);
        assert_memory_equal(&roots[size], &slow, sizeof slow);
    }
    for (size_t size = 1; size <= MOST; size++) {
        if (size > 70 && size < 250 && size % 16) continue;
        if (size > 300 && size % 50 && size != 511 && size != 512 && size != 513) continue;
        for (size_t i = 0; i<size; i += size> 300 ? 7 : 1)
            check_entry(reader, kept, i, size, &roots[size]);
    }
    for (size_t size = 0; size <= 300; size++)
        for (size_t from = 0; from <= size; from += size > 70 && size % 8 ? 5 : 1)
            check_growth(reader, kept, from, &roots[from], size, &roots[size]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_proofs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
