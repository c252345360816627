/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/quic.h"

#include "base/test.h"
#include "wire/quic_seal.h"

static struct quic_hello *hello_in(struct arena *arena)
{
    return arena_new(arena, struct quic_hello);
}

static void protocols_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *protocol;
        unsigned version;
        enum quic_finding found;
    } rows[] = {
        {"SMB",            "fs01.contoso.com", "smb",  1, QUIC_SMB  },
        {"SMB, version 2", "fs01.contoso.com", "smb",  2, QUIC_SMB  },
        {"SMB, no name",   "",                 "smb",  1, QUIC_SMB  },
        {"the web",        "www.contoso.com",  "h3",   1, QUIC_OTHER},
        {"almost SMB",     "fs01.contoso.com", "smb2", 1, QUIC_OTHER},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("quic test", 0, NULL);
        bytes hello = quic_seal_hello(&arena, str_of(rows[i].name), str_of(rows[i].protocol));
        struct buf frames = buf_in(&arena);
        str name;
        quic_seal_crypto(&frames, hello, 0, hello.len);
        buf_repeat(&frames, 0, 900); /* as clients pad */
        bytes packet = quic_seal_initial(&arena, rows[i].version, 0, encode_done(&frames));
        assert_true(quic_is_initial(packet));
        enum quic_finding found = quic_hello_add(hello_in(&arena), packet, &name);
        if (found != rows[i].found) fail_msg("%s: found %d", rows[i].text, found);
        assert_true(str_equal(name, str_of(rows[i].name)));
        arena_close(&arena);
    }
}

/* Pieces in any order, in one packet or in several, also repeated. */
static void a_hello_may_come_in_pieces(void **state)
{
    (void)state;
    struct arena arena = arena_open("quic test", 0, NULL);
    bytes hello = quic_seal_hello(&arena, S("fs01.contoso.com"), S("smb"));
    struct quic_hello *one = hello_in(&arena), *two = hello_in(&arena);
    struct buf frames = buf_in(&arena), first = buf_in(&arena), second = buf_in(&arena);
    str name;
    quic_seal_crypto(&frames, hello, 40, hello.len);
    buf_char(&frames, 1); /* a ping between */
    quic_seal_crypto(&frames, hello, 0, 44);
    buf_repeat(&frames, 0, 64);
    bytes packet = quic_seal_initial(&arena, 1, 0, encode_done(&frames));
    assert_int_equal(quic_hello_add(one, packet, &name), QUIC_SMB);

    quic_seal_crypto(&first, hello, 30, hello.len);
    quic_seal_crypto(&second, hello, 0, 30);
    bytes late = quic_seal_initial(&arena, 1, 1, encode_done(&first));
    bytes early = quic_seal_initial(&arena, 1, 0, encode_done(&second));
    assert_int_equal(quic_hello_add(two, late, &name), QUIC_NOTHING);
    assert_int_equal(quic_hello_add(two, late, &name), QUIC_NOTHING);
    assert_int_equal(quic_hello_add(two, early, &name), QUIC_SMB);
    assert_true(str_equal(name, S("fs01.contoso.com")));
    arena_close(&arena);
}

/* Cut anywhere, or with any byte changed, nothing is found: the seal covers all of it. */
static void damage_is_nothing(void **state)
{
    (void)state;
    struct arena arena = arena_open("quic test", 0, NULL);
    bytes hello = quic_seal_hello(&arena, S("fs01.contoso.com"), S("smb"));
    struct buf frames = buf_in(&arena);
    quic_seal_crypto(&frames, hello, 0, hello.len);
    bytes packet = quic_seal_initial(&arena, 1, 0, encode_done(&frames));
    struct quic_hello *one = hello_in(&arena);
    uint8_t *copy = arena_array(&arena, uint8_t, packet.len);
    str name;
    for (size_t cut = 0; cut < packet.len; cut++) {
        struct arena scratch = arena;
        uint8_t *exact = arena_array(&scratch, uint8_t, cut ? cut : 1);
        memcpy(exact, packet.ptr, cut);
        memset(one, 0, sizeof *one);
        assert_int_equal(quic_hello_add(one, (bytes){exact, cut}, &name), QUIC_NOTHING);
    }
    for (size_t at = 0; at < packet.len; at++) {
        memcpy(copy, packet.ptr, packet.len);
        copy[at] ^= 0x10;
        memset(one, 0, sizeof *one);
        if (quic_hello_add(one, (bytes){copy, packet.len}, &name) != QUIC_NOTHING)
            fail_msg("byte %zu changed and still found", at);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protocols_are_told_apart),
        cmocka_unit_test(a_hello_may_come_in_pieces),
        cmocka_unit_test(damage_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
