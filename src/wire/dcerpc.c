/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/dcerpc.h"

enum { BIND = 11, ALTER = 14, AUTH3 = 16 };
enum { TRAILER_BYTES = 8, AUTH_SPNEGO = 9, AUTH_NTLMSSP = 10, AUTH_KERBEROS = 16 };

struct header {
    uint16_t fragment_length, auth_length;
};

static bool header_read(struct cursor *c, struct header *out)
{
    uint8_t version = cursor_u8(c, "dcerpc.version");
    cursor_skip(c, 1, "dcerpc.minor");
    uint8_t type = cursor_u8(c, "dcerpc.type");
    cursor_skip(c, 1, "dcerpc.flags");
    bool is_little = cursor_u8(c, "dcerpc.representation") & 0x10;
    cursor_skip(c, 3, "dcerpc.representation");
    if (is_little) {
        out->fragment_length = cursor_u16le(c, "dcerpc.fragment_length");
        out->auth_length = cursor_u16le(c, "dcerpc.auth_length");
    } else {
        out->fragment_length = cursor_u16be(c, "dcerpc.fragment_length");
        out->auth_length = cursor_u16be(c, "dcerpc.auth_length");
    }
    cursor_skip(c, 4, "dcerpc.call_id");
    if (!cursor_ok(c) || version != 5) return false;
    if (type != BIND && type != ALTER && type != AUTH3) return false;
    return out->auth_length > 0 &&
           out->fragment_length >= DCERPC_HEADER_BYTES + TRAILER_BYTES + out->auth_length;
}

size_t dcerpc_need(bytes head)
{
    struct cursor c = cursor_of(head, 0);
    struct header header = {0};
    return header_read(&c, &header) ? header.fragment_length : 0;
}

bool dcerpc_token(bytes message, bytes *out)
{
    struct cursor whole = cursor_of(message, 0);
    struct cursor c = whole;
    struct header header = {0};
    if (!header_read(&c, &header)) return false;
    uint64_t at = (uint64_t)header.fragment_length - header.auth_length - TRAILER_BYTES;
    struct cursor trailer =
        cursor_within(&whole, at, (uint64_t)TRAILER_BYTES + header.auth_length, "dcerpc.auth");
    uint8_t type = cursor_u8(&trailer, "auth.type");
    cursor_skip(&trailer, TRAILER_BYTES - 1, "auth.trailer");
    if (!cursor_ok(&trailer)) return false;
    if (type != AUTH_SPNEGO && type != AUTH_NTLMSSP && type != AUTH_KERBEROS) return false;
    *out = cursor_bytes(&trailer, header.auth_length, "auth.token");
    return true;
}
