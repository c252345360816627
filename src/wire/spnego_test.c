/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/spnego.h"

#include "base/test.h"
#include "wire/dcerpc.h"
#include "wire/encode.h"

static bytes ntlm(struct arena *arena, size_t nt_length)
{
    struct buf out = buf_in(arena);
    encode_ntlm_authenticate(&out, S("CONTOSO"), S("alice"), S("WS1"), 24, nt_length);
    return encode_done(&out);
}

static bool is_alice(const struct spnego_token *token)
{
    return token->kind == SPNEGO_NTLM && token->ntlm.type == NTLMSSP_AUTHENTICATE &&
           token->ntlm.user.raw.len == 10 &&
           memcmp(token->ntlm.user.raw.ptr, "a\0l\0i\0c\0e", 10) == 0;
}

static void ntlm_is_found_bare_and_wrapped(void **state)
{
    (void)state;
    struct arena arena = arena_open("spnego", 0, NULL);
    bytes bare = ntlm(&arena, 200);
    struct buf first = buf_in(&arena), later = buf_in(&arena);
    encode_spnego(&arena, &first, true, bare);
    encode_spnego(&arena, &later, false, bare);
    const bytes tokens[] = {bare, encode_done(&first), encode_done(&later)};
    for (size_t i = 0; i < COUNT_OF(tokens); i++) {
        struct spnego_token token = spnego_read(tokens[i]);
        if (!is_alice(&token)) fail_msg("token %zu", i);
        assert_int_equal(token.ntlm.nt_length, 200);
        /* No shorter form is taken for the whole, and none is read past its end. */
        for (size_t n = 0; n < tokens[i].len; n++) {
            uint8_t *copy = malloc(n + 1);
            assert_non_null(copy);
            memcpy(copy, tokens[i].ptr, n);
            (void)spnego_read((bytes){copy, n});
            free(copy);
        }
    }
    arena_close(&arena);
}

static void a_ticket_names_its_service(void **state)
{
    (void)state;
    struct arena arena = arena_open("spnego", 0, NULL);
    struct buf bare = buf_in(&arena), wrapped = buf_in(&arena);
    encode_kerberos(&arena, &bare, S("CONTOSO.COM"), S("cifs"), S("fs01.contoso.com"));
    encode_spnego(&arena, &wrapped, true, encode_done(&bare));
    const bytes tokens[] = {encode_done(&bare), encode_done(&wrapped)};
    for (size_t i = 0; i < COUNT_OF(tokens); i++) {
        struct spnego_token token = spnego_read(tokens[i]);
        assert_int_equal(token.kind, SPNEGO_KERBEROS);
        assert_true(str_equal(str_of_bytes(token.realm), S("CONTOSO.COM")));
        assert_true(str_equal(str_of_bytes(token.service[0]), S("cifs")));
        assert_true(str_equal(str_of_bytes(token.service[1]), S("fs01.contoso.com")));
    }
    arena_close(&arena);
}

/* A token in a token in a token: depth is bounded, and the answer is "nothing". */
static void depth_is_bounded(void **state)
{
    (void)state;
    struct arena arena = arena_open("spnego", 0, NULL);
    bytes token = ntlm(&arena, 24);
    struct spnego_token read = {0};
    for (unsigned depth = 1; depth < 40; depth++) {
        struct buf out = buf_in(&arena);
        encode_spnego(&arena, &out, false, token);
        token = encode_done(&out);
        read = spnego_read(token);
        if (depth == 2) assert_true(is_alice(&read));
    }
    assert_int_equal(read.kind, SPNEGO_NOTHING);
    arena_close(&arena);
}

static void challenge_names_the_server(void **state)
{
    (void)state;
    struct arena arena = arena_open("spnego", 0, NULL);
    struct buf out = buf_in(&arena);
    encode_ntlm_challenge(&out, S("FS01"), S("fs01.contoso.com"));
    struct spnego_token token = spnego_read(encode_done(&out));
    assert_int_equal(token.ntlm.type, NTLMSSP_CHALLENGE);
    assert_int_equal(token.ntlm.computer.raw.len, 8);
    assert_int_equal(token.ntlm.dns_computer.raw.len, 32);
    arena_close(&arena);
}

static void binds_are_needed_whole(void **state)
{
    (void)state;
    struct arena arena = arena_open("dcerpc", 0, NULL);
    struct buf bind = buf_in(&arena), bare = buf_in(&arena);
    bytes token = ntlm(&arena, 24), out;
    encode_dcerpc_bind(&bind, 10, token);
    encode_dcerpc_bind(&bare, 10, (bytes){0});
    assert_int_equal(dcerpc_need(encode_done(&bind)), encode_done(&bind).len);
    assert_int_equal(dcerpc_need(encode_done(&bare)), encode_done(&bare).len);
    static const uint8_t request[DCERPC_HEADER_BYTES] = {5, 0, 0, 3, 0x10, 0, 0, 0, 64};
    static const uint8_t bare_auth3[DCERPC_HEADER_BYTES] = {5, 0, 16, 3, 0x10, 0, 0, 0, 16};
    assert_int_equal(dcerpc_need((bytes){request, sizeof request}), 0);
    assert_int_equal(dcerpc_need((bytes){bare_auth3, sizeof bare_auth3}), 0);
    assert_true(dcerpc_token(encode_done(&bind), &out));
    assert_int_equal(out.len, token.len);
    assert_memory_equal(out.ptr, token.ptr, token.len);
    assert_false(dcerpc_token(encode_done(&bare), &out));
    struct buf unknown = buf_in(&arena);
    encode_dcerpc_bind(&unknown, 68, token); /* Netlogon's own secure channel */
    assert_false(dcerpc_token(encode_done(&unknown), &out));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ntlm_is_found_bare_and_wrapped),
        cmocka_unit_test(a_ticket_names_its_service),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(challenge_names_the_server),
        cmocka_unit_test(binds_are_needed_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
