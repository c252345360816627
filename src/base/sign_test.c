/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sign.h"

#include "base/test.h"

static size_t of_hex(const char *hex, uint8_t *out)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned value = 0;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
        out[i] = (uint8_t)value;
    }
    return n;
}

/* RFC 8032, 7.1: TEST 1 to TEST 3. */
static void test_vectors(void **state)
{
    static const struct {
        const char *seed, *public, *text, *signature;
    } rows[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701"
         "c"
         "f9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d"
         "0"
         "f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7609"
         "8"
         "4dc6594a7c15e9716ed28dc027beceea1ec40a"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t seed[SIGN_SEED_BYTES], public[SIGN_PUBLIC_BYTES], expected[SIGN_BYTES];
        uint8_t signature[SIGN_BYTES], text[8];
        of_hex(rows[i].seed, seed);
        of_hex(rows[i].public, public);
        of_hex(rows[i].signature, expected);
        bytes message = {text, of_hex(rows[i].text, text)};
        struct sign_key key = sign_key_of(seed);
        assert_memory_equal(key.public, public, sizeof public);
        sign_make(&key, message, signature);
        assert_memory_equal(signature, expected, sizeof expected);
        assert_true(sign_fits(public, message, signature));
        for (size_t bit = 0; bit < 8 * sizeof signature; bit++) {
            signature[bit / 8] = (uint8_t)(signature[bit / 8] ^ 1u << bit % 8);
            assert_false(sign_fits(public, message, signature));
            signature[bit / 8] = (uint8_t)(signature[bit / 8] ^ 1u << bit % 8);
        }
    }
}

/* s + the order of the group signs the same by the equation, and is refused. */
static void test_one_form(void **state)
{
    static const uint8_t order[32] = {
        0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58,        0xD6,
        0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14, [31] = 0x10,
    };
    uint8_t seed[SIGN_SEED_BYTES] = {7}, signature[SIGN_BYTES];
    unsigned carry = 0;
    (void)state;
    struct sign_key key = sign_key_of(seed);
    bytes text = {(const uint8_t *)"text", 4};
    sign_make(&key, text, signature);
    assert_true(sign_fits(key.public, text, signature));
    for (size_t i = 0; i < 32; i++) {
        carry += signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)(carry & 0xFF);
        carry >>= 8;
    }
    assert_false(sign_fits(key.public, text, signature));
    /* A key of small order would take any text. */
    uint8_t none[SIGN_PUBLIC_BYTES] = {1}, zero[SIGN_BYTES] = {1};
    assert_false(sign_fits(none, text, zero));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
