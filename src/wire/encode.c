/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/encode.h"

#include "wire/ip.h"
#include "wire/nbss.h"
#include "wire/tcp.h"

static void little(struct buf *out, uint64_t value, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        buf_char(out, (char)(value >> (8 * i) & 0xFF));
}

static void big(struct buf *out, uint64_t value, unsigned n)
{
    for (unsigned i = n; i > 0; i--)
        buf_char(out, (char)(value >> (8 * (i - 1)) & 0xFF));
}

static void zeros(struct buf *out, size_t n)
{
    buf_repeat(out, 0, n);
}

void encode_u16le(struct buf *out, uint16_t value)
{
    little(out, value, 2);
}

void encode_u32le(struct buf *out, uint32_t value)
{
    little(out, value, 4);
}

void encode_u64le(struct buf *out, uint64_t value)
{
    little(out, value, 8);
}

void encode_u16be(struct buf *out, uint16_t value)
{
    big(out, value, 2);
}

void encode_u32be(struct buf *out, uint32_t value)
{
    big(out, value, 4);
}

void encode_utf16(struct buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++)
        little(out, (unsigned char)text.ptr[i], 2);
}

bytes encode_done(const struct buf *out)
{
    return str_bytes(buf_text(out));
}

void encode_ethernet(struct buf *out, const uint16_t *vlans, size_t n_vlans, bytes packet)
{
    zeros(out, 12);
    for (size_t i = 0; i < n_vlans; i++) {
        big(out, i + 1 < n_vlans ? 0x88A8 : 0x8100, 2);
        big(out, vlans[i], 2);
    }
    big(out, packet.len && packet.ptr[0] >> 4 == 6 ? 0x86DD : 0x0800, 2);
    buf_bytes(out, packet);
}

static void encode_addr(struct buf *out, struct addr a)
{
    uint8_t octets[16];
    addr_to_bytes(a, octets);
    if (addr_is_v4(a))
        buf_bytes(out, (bytes){octets + 12, 4});
    else
        buf_bytes(out, (bytes){octets, 16});
}

static void encode_ipv4(struct buf *out, struct addr from, struct addr to, uint8_t protocol,
                        uint16_t id, uint16_t fragment, bytes payload)
{
    big(out, 0x4500, 2);
    big(out, 20 + payload.len, 2);
    big(out, id, 2);
    big(out, fragment, 2);
    big(out, 64, 1);
    big(out, protocol, 1);
    big(out, 0, 2);
    encode_addr(out, from);
    encode_addr(out, to);
    buf_bytes(out, payload);
}

static void encode_ipv6(struct buf *out, struct addr from, struct addr to, uint8_t next,
                        size_t length)
{
    big(out, 0x60000000, 4);
    big(out, length, 2);
    big(out, next, 1);
    big(out, 64, 1);
    encode_addr(out, from);
    encode_addr(out, to);
}

void encode_ip(struct buf *out, struct addr from, struct addr to, uint8_t protocol, bytes payload)
{
    if (addr_is_v4(from)) {
        encode_ipv4(out, from, to, protocol, 1, 0, payload);
        return;
    }
    encode_ipv6(out, from, to, protocol, payload.len);
    buf_bytes(out, payload);
}

void encode_ip_fragment(struct buf *out, struct addr from, struct addr to, uint8_t protocol,
                        uint16_t id, uint16_t offset, bool more, bytes piece)
{
    enum { IPV6_FRAGMENT = 44 };
    if (addr_is_v4(from)) {
        uint16_t field = (uint16_t)(offset / 8 | (more ? 0x2000 : 0));
        encode_ipv4(out, from, to, protocol, id, field, piece);
        return;
    }
    encode_ipv6(out, from, to, IPV6_FRAGMENT, 8 + piece.len);
    big(out, protocol, 1);
    big(out, 0, 1);
    big(out, (uint16_t)(offset | (more ? 1 : 0)), 2);
    big(out, id, 4);
    buf_bytes(out, piece);
}

void encode_tcp(struct buf *out, const struct encode_segment *segment)
{
    big(out, segment->from_port, 2);
    big(out, segment->to_port, 2);
    big(out, segment->sequence, 4);
    big(out, segment->acknowledged, 4);
    big(out, 0x50, 1);
    big(out, segment->flags, 1);
    big(out, 8192, 2);
    big(out, 0, 4);
    buf_bytes(out, segment->payload);
}

void encode_udp(struct buf *out, uint16_t from_port, uint16_t to_port, bytes payload)
{
    big(out, from_port, 2);
    big(out, to_port, 2);
    big(out, 8 + payload.len, 2);
    big(out, 0, 2);
    buf_bytes(out, payload);
}

void encode_unreachable(struct buf *out, struct addr from, struct addr to, uint8_t code,
                        bytes packet)
{
    bool is_v4 = addr_is_v4(from);
    size_t most = is_v4 ? 28 : 1232; /* RFC 792: the header and 8 bytes; RFC 4443: as fits */
    char message[8 + 1232] = {(char)(is_v4 ? 3 : 1), (char)code};
    size_t n = packet.len < most ? packet.len : most;
    if (n) memcpy(message + 8, packet.ptr, n);
    encode_ip(out, from, to, is_v4 ? IP_ICMP : IP_ICMPV6, str_bytes((str){message, 8 + n}));
}

void encode_nbss(struct buf *out, uint8_t type, bytes message)
{
    big(out, type, 1);
    big(out, message.len, 3);
    buf_bytes(out, message);
}

static void encode_nbss_name(struct buf *out, str name, uint8_t type)
{
    big(out, 2 * NBSS_NAME_BYTES, 1);
    for (size_t i = 0; i < NBSS_NAME_BYTES; i++) {
        unsigned c = i < name.len ? (unsigned char)name.ptr[i] : ' ';
        if (i == NBSS_NAME_BYTES - 1) c = type;
        big(out, 'A' + (c >> 4), 1);
        big(out, 'A' + (c & 15), 1);
    }
    big(out, 0, 1);
}

void encode_nbss_request(struct buf *out, str called, str calling)
{
    big(out, NBSS_REQUEST, 1);
    big(out, 2 * (2 * NBSS_NAME_BYTES + 2), 3);
    encode_nbss_name(out, called, 0x20);
    encode_nbss_name(out, calling, 0x00);
}

void encode_smb1(struct buf *out, const struct smb1_header *header, bytes words, bytes data)
{
    buf_str(out, S("\xFFSMB"));
    little(out, header->command, 1);
    little(out, header->status, 4);
    little(out, header->flags, 1);
    little(out, header->flags2, 2);
    little(out, header->request_id >> 32, 2);
    zeros(out, 8 + 2);
    little(out, header->tree_id, 2);
    little(out, header->request_id >> 16 & 0xFFFF, 2);
    little(out, header->user_id, 2);
    little(out, header->request_id & 0xFFFF, 2);
    little(out, words.len / 2, 1);
    buf_bytes(out, words);
    little(out, data.len, 2);
    buf_bytes(out, data);
}

void encode_smb1_dialects(struct buf *out, const str *dialects, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        little(out, 2, 1);
        buf_str(out, dialects[i]);
        little(out, 0, 1);
    }
}

void encode_smb2(struct buf *out, const struct smb2_header *header, bool another_follows,
                 bytes body)
{
    size_t length = SMB2_HEADER_BYTES + body.len;
    size_t padding = another_follows ? (8 - length % 8) % 8 : 0;
    buf_str(out, S("\xFESMB"));
    little(out, SMB2_HEADER_BYTES, 2);
    little(out, 1, 2);
    little(out, header->status, 4);
    little(out, header->command, 2);
    little(out, 1, 2);
    little(out, header->flags, 4);
    little(out, another_follows ? length + padding : 0, 4);
    little(out, header->message_id, 8);
    little(out, 0, 4);
    little(out, header->tree_id, 4);
    little(out, header->session_id, 8);
    zeros(out, 16);
    buf_bytes(out, body);
    zeros(out, padding);
}

void encode_smb2_negotiate(struct buf *out, uint16_t security_mode, const uint16_t *dialects,
                           size_t n)
{
    little(out, 36, 2);
    little(out, n, 2);
    little(out, security_mode, 2);
    zeros(out, 2 + 4 + 16 + 8);
    for (size_t i = 0; i < n; i++)
        little(out, dialects[i], 2);
}

void encode_smb2_negotiated(struct buf *out, uint16_t security_mode, uint16_t dialect, bytes token)
{
    little(out, 65, 2);
    little(out, security_mode, 2);
    little(out, dialect, 2);
    zeros(out, 2 + 16 + 4 + 12 + 16);
    little(out, SMB2_HEADER_BYTES + 64, 2);
    little(out, token.len, 2);
    zeros(out, 4);
    buf_bytes(out, token);
}

void encode_smb2_session_setup(struct buf *out, uint8_t security_mode, bytes token)
{
    little(out, 25, 2);
    little(out, 0, 1);
    little(out, security_mode, 1);
    zeros(out, 8);
    little(out, SMB2_HEADER_BYTES + 24, 2);
    little(out, token.len, 2);
    zeros(out, 8);
    buf_bytes(out, token);
}

void encode_smb2_session_answer(struct buf *out, uint16_t flags, bytes token)
{
    little(out, 9, 2);
    little(out, flags, 2);
    little(out, SMB2_HEADER_BYTES + 8, 2);
    little(out, token.len, 2);
    buf_bytes(out, token);
}

void encode_smb2_tree_connect(struct buf *out, str path)
{
    little(out, 9, 2);
    little(out, 0, 2);
    little(out, SMB2_HEADER_BYTES + 8, 2);
    little(out, 2 * path.len, 2);
    encode_utf16(out, path);
}

void encode_smb2_tree_answer(struct buf *out, uint8_t share_type)
{
    little(out, 16, 2);
    little(out, share_type, 1);
    zeros(out, 1 + 4 + 4 + 4);
}

void encode_smb2_create(struct buf *out, str name)
{
    little(out, 57, 2);
    zeros(out, 42);
    little(out, SMB2_HEADER_BYTES + 56, 2);
    little(out, 2 * name.len, 2);
    zeros(out, 8);
    encode_utf16(out, name);
}

void encode_smb2_write(struct buf *out, bytes data)
{
    little(out, 49, 2);
    little(out, SMB2_HEADER_BYTES + 48, 2);
    little(out, data.len, 4);
    zeros(out, 8 + 16 + 4 + 4 + 4 + 4);
    buf_bytes(out, data);
}

void encode_smb2_transform(struct buf *out, uint64_t session_id, bytes sealed)
{
    buf_str(out, S("\xFDSMB"));
    zeros(out, 16 + 16);
    little(out, sealed.len, 4);
    little(out, 0, 2);
    little(out, 1, 2);
    little(out, session_id, 8);
    buf_bytes(out, sealed);
}

void encode_ntlm_challenge(struct buf *out, str computer, str dns_computer)
{
    size_t info = 4 + 2 * computer.len + 4 + 2 * dns_computer.len + 4;
    buf_bytes(out, (bytes){(const uint8_t *)"NTLMSSP", 8});
    little(out, 2, 4);
    zeros(out, 8);
    little(out, 1, 4);
    zeros(out, 8 + 8);
    little(out, info, 2);
    little(out, info, 2);
    little(out, 48, 4);
    little(out, 1, 2);
    little(out, 2 * computer.len, 2);
    encode_utf16(out, computer);
    little(out, 3, 2);
    little(out, 2 * dns_computer.len, 2);
    encode_utf16(out, dns_computer);
    zeros(out, 4);
}

static void encode_ntlm_field(struct buf *out, size_t length, size_t *offset)
{
    little(out, length, 2);
    little(out, length, 2);
    little(out, *offset, 4);
    *offset += length;
}

void encode_ntlm_authenticate(struct buf *out, str domain, str user, str workstation,
                              size_t lm_length, size_t nt_length)
{
    size_t offset = 64;
    buf_bytes(out, (bytes){(const uint8_t *)"NTLMSSP", 8});
    little(out, 3, 4);
    encode_ntlm_field(out, lm_length, &offset);
    encode_ntlm_field(out, nt_length, &offset);
    encode_ntlm_field(out, 2 * domain.len, &offset);
    encode_ntlm_field(out, 2 * user.len, &offset);
    encode_ntlm_field(out, 2 * workstation.len, &offset);
    encode_ntlm_field(out, 0, &offset);
    little(out, 1, 4);
    zeros(out, lm_length + nt_length);
    encode_utf16(out, domain);
    encode_utf16(out, user);
    encode_utf16(out, workstation);
}

void encode_der(struct buf *out, uint8_t tag, bytes content)
{
    big(out, tag, 1);
    if (content.len < 0x80) {
        big(out, content.len, 1);
    } else {
        big(out, 0x82, 1);
        big(out, content.len, 2);
    }
    buf_bytes(out, content);
}

/* content inside tag, in a buffer of its own */
static bytes inside(struct arena *arena, uint8_t tag, bytes content)
{
    struct buf out = buf_in(arena);
    encode_der(&out, tag, content);
    return encode_done(&out);
}

static bytes joined(struct arena *arena, bytes a, bytes b)
{
    struct buf out = buf_in(arena);
    buf_bytes(&out, a);
    buf_bytes(&out, b);
    return encode_done(&out);
}

void encode_spnego(struct arena *arena, struct buf *out, bool is_first, bytes token)
{
    static const uint8_t oid[] = {0x06, 0x06, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x02};
    bytes body = inside(arena, 0x30, inside(arena, 0xA2, inside(arena, 0x04, token)));
    if (!is_first) {
        encode_der(out, 0xA1, body);
        return;
    }
    bytes content = joined(arena, (bytes){oid, sizeof oid}, inside(arena, 0xA0, body));
    encode_der(out, 0x60, content);
}

void encode_kerberos(struct arena *arena, struct buf *out, str realm, str service, str host)
{
    static const uint8_t oid[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                  0x12, 0x01, 0x02, 0x02, 0x01, 0x00};
    bytes names = joined(arena, inside(arena, 0x1B, str_bytes(service)),
                         inside(arena, 0x1B, str_bytes(host)));
    bytes principal = inside(arena, 0x30, inside(arena, 0xA1, inside(arena, 0x30, names)));
    bytes ticket = joined(arena, inside(arena, 0xA1, inside(arena, 0x1B, str_bytes(realm))),
                          inside(arena, 0xA2, principal));
    bytes request =
        inside(arena, 0x30, inside(arena, 0xA3, inside(arena, 0x61, inside(arena, 0x30, ticket))));
    bytes content = joined(arena, (bytes){oid, sizeof oid}, inside(arena, 0x6E, request));
    encode_der(out, 0x60, content);
}

void encode_dcerpc_bind(struct buf *out, uint8_t auth_type, bytes token)
{
    enum { HEADER = 16, BODY = 56, TRAILER = 8 };
    big(out, 0x05000B03, 4);
    big(out, 0x10000000, 4);
    little(out, HEADER + BODY + TRAILER + token.len, 2);
    little(out, token.len, 2);
    little(out, 1, 4);
    zeros(out, BODY);
    little(out, auth_type, 1);
    little(out, 5, 1);
    zeros(out, 6);
    buf_bytes(out, token);
}

static void either(struct buf *out, bool is_big, uint64_t value, unsigned n)
{
    if (is_big)
        big(out, value, n);
    else
        little(out, value, n);
}

void encode_pcap_header(struct buf *out, bool is_big, bool is_nano, uint32_t link_type)
{
    either(out, is_big, is_nano ? 0xA1B23C4D : 0xA1B2C3D4, 4);
    either(out, is_big, 2, 2);
    either(out, is_big, 4, 2);
    zeros(out, 8);
    either(out, is_big, 262144, 4);
    either(out, is_big, link_type, 4);
}

void encode_pcap_record(struct buf *out, bool is_big, int64_t at_us, uint32_t per_us, uint32_t sent,
                        bytes frame)
{
    either(out, is_big, (uint64_t)(at_us / 1000000), 4);
    either(out, is_big, (uint64_t)(at_us % 1000000) * per_us, 4);
    either(out, is_big, frame.len, 4);
    either(out, is_big, sent, 4);
    buf_bytes(out, frame);
}
