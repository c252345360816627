/* SPDX-License-Identifier: Apache-2.0 */
/* QUIC Initial packets of a client, for tests: the reverse of wire/quic.c. Header only. */
#pragma once

#include "base/seal.h"
#include "wire/encode.h"

static inline void quic_seal_label(const uint8_t *secret, const char *label, uint8_t *out, size_t n)
{
    uint8_t info[64] = {(uint8_t)(n >> 8), (uint8_t)n, (uint8_t)(6 + strlen(label))};
    memcpy(info + 3, "tls13 ", 6);
    memcpy(info + 9, label, strlen(label));
    if (!seal_expand(secret, (bytes){info, 10 + strlen(label)}, out, n)) abort();
}

static inline void quic_seal_varint(struct buf *out, uint64_t value)
{
    encode_u16be(out, (uint16_t)(0x4000 | value)); /* below 16384: two bytes always do */
}

/* A client hello with a server name (may be empty) and one protocol. */
static inline bytes quic_seal_hello(struct arena *arena, str name, str protocol)
{
    struct buf extensions = buf_in(arena), hello = buf_in(arena), whole = buf_in(arena);
    if (name.len) {
        encode_u16be(&extensions, 0);
        encode_u16be(&extensions, (uint16_t)(name.len + 5));
        encode_u16be(&extensions, (uint16_t)(name.len + 3));
        buf_char(&extensions, 0);
        encode_u16be(&extensions, (uint16_t)name.len);
        buf_str(&extensions, name);
    }
    encode_u16be(&extensions, 16);
    encode_u16be(&extensions, (uint16_t)(protocol.len + 3));
    encode_u16be(&extensions, (uint16_t)(protocol.len + 1));
    buf_char(&extensions, (char)protocol.len);
    buf_str(&extensions, protocol);
    encode_u16be(&hello, 0x0303);
    buf_repeat(&hello, 'r', 32);
    buf_char(&hello, 0);
    encode_u16be(&hello, 2);
    encode_u16be(&hello, 0x1301);
    buf_char(&hello, 1);
    buf_char(&hello, 0);
    encode_u16be(&hello, (uint16_t)extensions.len);
    buf_bytes(&hello, encode_done(&extensions));
    buf_char(&whole, 1);
    buf_char(&whole, 0);
    encode_u16be(&whole, (uint16_t)hello.len);
    buf_bytes(&whole, encode_done(&hello));
    return encode_done(&whole);
}

/* The bytes [from, to) of a hello as a CRYPTO frame. */
static inline void quic_seal_crypto(struct buf *out, bytes hello, size_t from, size_t to)
{
    buf_char(out, 6);
    quic_seal_varint(out, from);
    quic_seal_varint(out, to - from);
    buf_bytes(out, (bytes){hello.ptr + from, to - from});
}

/* An Initial of version 1 or 2 that holds these frames. */
static inline bytes quic_seal_initial(struct arena *arena, unsigned version, uint8_t number,
                                      bytes frames)
{
    static const uint8_t salts[2][20] = {
        {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
         0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
        {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
         0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
    };
    static const uint8_t destination[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    bool two = version == 2;
    uint8_t secret[32], client[32], key[16], nonce[12], hp[16], mask[16], sealed[4096];
    size_t n = sizeof sealed;
    struct buf header = buf_in(arena), packet = buf_in(arena);
    if (!seal_extract((bytes){salts[two], 20}, (bytes){destination, 8}, secret)) abort();
    quic_seal_label(secret, "client in", client, 32);
    quic_seal_label(client, two ? "quicv2 key" : "quic key", key, 16);
    quic_seal_label(client, two ? "quicv2 iv" : "quic iv", nonce, 12);
    quic_seal_label(client, two ? "quicv2 hp" : "quic hp", hp, 16);
    buf_char(&header, (char)(two ? 0xD0 : 0xC0));
    encode_u32be(&header, two ? 0x6B3343CF : 1);
    buf_char(&header, 8);
    buf_bytes(&header, (bytes){destination, 8});
    buf_char(&header, 0); /* source */
    buf_char(&header, 0); /* token */
    quic_seal_varint(&header, 1 + frames.len + 16);
    buf_char(&header, (char)number);
    bytes head = encode_done(&header);
    nonce[11] ^= number;
    if (frames.len + SEAL_TAG_BYTES > n || !seal_shut(key, nonce, head, frames, sealed)) abort();
    n = frames.len + SEAL_TAG_BYTES;
    if (!seal_block(hp, sealed + 3, mask)) abort();
    buf_char(&packet, (char)(head.ptr[0] ^ (mask[0] & 0x0F)));
    buf_bytes(&packet, (bytes){head.ptr + 1, head.len - 2});
    buf_char(&packet, (char)(number ^ mask[1]));
    buf_bytes(&packet, (bytes){sealed, n});
    return encode_done(&packet);
}
