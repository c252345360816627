/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in the making: the same messages that the rest of wire/ reads, written. Tests and fuzz
 * seeds are made of these. Everything is appended to a buf; inner parts are made first and handed
 * in as bytes.
 */
#pragma once

#include "base/addr.h"
#include "wire/smb1.h"
#include "wire/smb2.h"

struct encode_segment {
    struct addr from, to;
    uint16_t from_port, to_port;
    uint32_t sequence, acknowledged;
    uint8_t flags;
    bytes payload;
};

void encode_u16le(struct buf *out, uint16_t value);
void encode_u32le(struct buf *out, uint32_t value);
void encode_u64le(struct buf *out, uint64_t value);
void encode_u16be(struct buf *out, uint16_t value);
void encode_u32be(struct buf *out, uint32_t value);
void encode_utf16(struct buf *out, str text); /* of ASCII text */
bytes encode_done(const struct buf *out);

/* Link and network */
void encode_ethernet(struct buf *out, const uint16_t *vlans, size_t n_vlans, bytes packet);
void encode_ip(struct buf *out, struct addr from, struct addr to, uint8_t protocol, bytes payload);
/* One fragment of an IP payload; offset in bytes, a multiple of 8. */
void encode_ip_fragment(struct buf *out, struct addr from, struct addr to, uint8_t protocol,
                        uint16_t id, uint16_t offset, bool more, bytes piece);
void encode_tcp(struct buf *out, const struct encode_segment *segment); /* header and payload */
void encode_udp(struct buf *out, uint16_t from_port, uint16_t to_port, bytes payload);
/* ICMP (or ICMPv6) unreachable of that code, quoting the beginning of packet. */
void encode_unreachable(struct buf *out, struct addr from, struct addr to, uint8_t code,
                        bytes packet);

/* Messages */
void encode_nbss(struct buf *out, uint8_t type, bytes message);
void encode_nbss_request(struct buf *out, str called, str calling);
/* A whole SMB 1 message: header, words, bytes. */
void encode_smb1(struct buf *out, const struct smb1_header *header, bytes words, bytes data);
void encode_smb1_dialects(struct buf *out, const str *dialects, size_t n);
/* A whole SMB 2 command: header and body, padded to 8 bytes when another follows. */
void encode_smb2(struct buf *out, const struct smb2_header *header, bool another_follows,
                 bytes body);
void encode_smb2_negotiate(struct buf *out, uint16_t security_mode, const uint16_t *dialects,
                           size_t n);
void encode_smb2_negotiated(struct buf *out, uint16_t security_mode, uint16_t dialect, bytes token);
void encode_smb2_session_setup(struct buf *out, uint8_t security_mode, bytes token);
void encode_smb2_session_answer(struct buf *out, uint16_t flags, bytes token);
void encode_smb2_tree_connect(struct buf *out, str path);
void encode_smb2_tree_answer(struct buf *out, uint8_t share_type);
void encode_smb2_create(struct buf *out, str name);
void encode_smb2_write(struct buf *out, bytes data);
void encode_smb2_transform(struct buf *out, uint64_t session_id, bytes sealed);

/* Security tokens */
void encode_ntlm_challenge(struct buf *out, str computer, str dns_computer);
void encode_ntlm_authenticate(struct buf *out, str domain, str user, str workstation,
                              size_t lm_length, size_t nt_length);
void encode_der(struct buf *out, uint8_t tag, bytes content);
/* SPNEGO around a token: the client's first, or any later one. */
void encode_spnego(struct arena *arena, struct buf *out, bool is_first, bytes token);
/* GSS-API around an AP-REQ with a ticket for service/host@realm. */
void encode_kerberos(struct arena *arena, struct buf *out, str realm, str service, str host);
/* A DCERPC bind with an NTLM or SPNEGO token in its trailer. */
void encode_dcerpc_bind(struct buf *out, uint8_t auth_type, bytes token);

/* Capture files */
void encode_pcap_header(struct buf *out, bool is_big, bool is_nano, uint32_t link_type);
void encode_pcap_record(struct buf *out, bool is_big, int64_t at_us, uint32_t per_us, uint32_t sent,
                        bytes frame);
