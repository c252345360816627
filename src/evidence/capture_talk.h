/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations for the tests of captures: SMB messages between two ends, cut into packets and
 * written as a capture file. Header only; included by capture_test.c and capture_fuzz's seed maker.
 */
#pragma once

#include "base/instant.h"
#include "wire/encode.h"
#include "wire/link.h"
#include "wire/nbss.h"
#include "wire/tcp.h"

/* One conversation in the making. Half 0 is the client. */
struct talk {
    struct arena *arena;
    struct buf *file;
    struct addr addr[2];
    uint16_t port[2];
    uint32_t next[2]; /* sequence numbers */
    int64_t at_us;
    size_t segment; /* payload bytes per packet; 0 = all in one */
    const uint16_t *vlans;
    size_t n_vlans;
    bool is_big, is_nano;
    uint64_t message_id;
    uint64_t session_id;
    uint32_t tree_id;
    uint32_t signed_flag;
};

static inline bytes talk_bytes(const struct buf *out)
{
    return encode_done(out);
}

/* Begins a capture file. */
static inline struct talk talk_open(struct arena *arena, struct buf *file, str client, str server,
                                    uint16_t port)
{
    struct talk t = {
        .arena = arena,
        .file = file,
        .port = {50000, port },
        .next = {1000,  70000},
        .at_us = INT64_C(1700000000000000),
        .session_id = 0x11,
        .tree_id = 5,
    };
    if (!addr_parse(client, &t.addr[0]) || !addr_parse(server, &t.addr[1])) abort();
    if (!file->len) encode_pcap_header(file, false, false, LINK_ETHERNET);
    return t;
}

static inline void talk_record(struct talk *t, bytes packet, size_t snap)
{
    struct buf frame = buf_in(t->arena);
    encode_ethernet(&frame, t->vlans, t->n_vlans, packet);
    bytes data = encode_done(&frame);
    uint32_t sent = (uint32_t)data.len;
    if (snap && data.len > snap) data.len = snap;
    encode_pcap_record(t->file, t->is_big, t->at_us, t->is_nano ? 1000 : 1, sent, data);
    t->at_us += 1000;
}

/* The IP packet of a segment at a given sequence number. */
static inline bytes talk_packet(struct talk *t, unsigned half, uint32_t sequence, uint8_t flags,
                                bytes payload)
{
    struct buf tcp = buf_in(t->arena), ip = buf_in(t->arena);
    struct encode_segment segment = {
        .from = t->addr[half],
        .to = t->addr[!half],
        .from_port = t->port[half],
        .to_port = t->port[!half],
        .sequence = sequence,
        .acknowledged = flags & TCP_ACK ? t->next[!half] : 0,
        .flags = flags,
        .payload = payload,
    };
    encode_tcp(&tcp, &segment);
    encode_ip(&ip, t->addr[half], t->addr[!half], IP_TCP, encode_done(&tcp));
    return encode_done(&ip);
}

static inline void talk_flags(struct talk *t, unsigned half, uint8_t flags)
{
    talk_record(t, talk_packet(t, half, t->next[half], flags, (bytes){0}), 0);
    if (flags & (TCP_SYN | TCP_FIN)) t->next[half]++;
}

static inline void talk_handshake(struct talk *t)
{
    talk_flags(t, 0, TCP_SYN);
    talk_flags(t, 1, TCP_SYN | TCP_ACK);
    talk_flags(t, 0, TCP_ACK);
}

/* Bytes of the stream, in packets of t->segment. */
static inline void talk_send(struct talk *t, unsigned half, bytes payload)
{
    while (payload.len) {
        size_t n = t->segment && t->segment < payload.len ? t->segment : payload.len;
        bytes piece = {payload.ptr, n};
        talk_record(t, talk_packet(t, half, t->next[half], TCP_ACK | TCP_PSH, piece), 0);
        t->next[half] = (uint32_t)((uint64_t)t->next[half] + n); /* sequence numbers wrap */
        payload = (bytes){payload.ptr + n, payload.len - n};
    }
}

/* A message with its four bytes in front. */
static inline bytes talk_framed(struct talk *t, bytes message)
{
    struct buf out = buf_in(t->arena);
    encode_nbss(&out, NBSS_MESSAGE, message);
    return encode_done(&out);
}

static inline void talk_message(struct talk *t, unsigned half, bytes message)
{
    talk_send(t, half, talk_framed(t, message));
}

/* One SMB2 command in a message of its own; the answer has the number of the request. */
static inline bytes talk_smb2(struct talk *t, unsigned half, uint16_t command, uint32_t status,
                              bytes body)
{
    struct buf out = buf_in(t->arena);
    if (half == 0) t->message_id++;
    struct smb2_header header = {
        .status = status,
        .command = command,
        .flags = (half ? SMB2_RESPONSE : 0u) | t->signed_flag,
        .message_id = t->message_id,
        .tree_id = command == SMB2_TREE_CONNECT && half == 0 ? 0 : t->tree_id,
        .session_id = t->session_id,
    };
    encode_smb2(&out, &header, false, body);
    return encode_done(&out);
}

static inline void talk_smb2_send(struct talk *t, unsigned half, uint16_t command, uint32_t status,
                                  bytes body)
{
    talk_message(t, half, talk_smb2(t, half, command, status, body));
}

static inline void talk_negotiate(struct talk *t, uint16_t client_mode, uint16_t server_mode,
                                  uint16_t dialect)
{
    static const uint16_t offered[] = {0x0202, 0x0210, 0x0300, 0x0302, 0x0311};
    struct buf request = buf_in(t->arena), answer = buf_in(t->arena);
    encode_smb2_negotiate(&request, client_mode, offered, COUNT_OF(offered));
    encode_smb2_negotiated(&answer, server_mode, dialect, (bytes){0});
    talk_smb2_send(t, 0, SMB2_NEGOTIATE, 0, encode_done(&request));
    talk_smb2_send(t, 1, SMB2_NEGOTIATE, 0, encode_done(&answer));
}

/* A logon with any two tokens; status is the server's last word. */
static inline void talk_session(struct talk *t, bytes token, bytes challenge, uint32_t status,
                                uint16_t session_flags)
{
    struct buf request = buf_in(t->arena), answer = buf_in(t->arena);
    encode_smb2_session_setup(&request, 1, token);
    encode_smb2_session_answer(&answer, session_flags, challenge);
    talk_smb2_send(t, 0, SMB2_SESSION_SETUP, 0, encode_done(&request));
    talk_smb2_send(t, 1, SMB2_SESSION_SETUP, status, encode_done(&answer));
}

static inline bytes talk_challenge(struct talk *t, str computer, str dns_computer)
{
    struct buf ntlm = buf_in(t->arena), out = buf_in(t->arena);
    encode_ntlm_challenge(&ntlm, computer, dns_computer);
    encode_spnego(t->arena, &out, false, encode_done(&ntlm));
    return encode_done(&out);
}

static inline bytes talk_ntlm(struct talk *t, str domain, str user, str workstation,
                              size_t nt_length)
{
    struct buf ntlm = buf_in(t->arena);
    encode_ntlm_authenticate(&ntlm, domain, user, workstation, nt_length ? 24 : 0, nt_length);
    return encode_done(&ntlm);
}

static inline bytes talk_spnego(struct talk *t, bytes token)
{
    struct buf out = buf_in(t->arena);
    encode_spnego(t->arena, &out, true, token);
    return encode_done(&out);
}

static inline void talk_logon(struct talk *t, str domain, str user, str workstation,
                              size_t nt_length, uint32_t status)
{
    talk_session(t, (bytes){0}, talk_challenge(t, S("FS01"), S("fs01.contoso.com")),
                 SMB2_STATUS_MORE_PROCESSING, 0);
    talk_session(t, talk_spnego(t, talk_ntlm(t, domain, user, workstation, nt_length)), (bytes){0},
                 status, 0);
}

static inline void talk_tree(struct talk *t, str path, uint32_t status)
{
    struct buf request = buf_in(t->arena), answer = buf_in(t->arena);
    encode_smb2_tree_connect(&request, path);
    encode_smb2_tree_answer(&answer, str_ends(path, S("IPC$")) ? SMB2_SHARE_PIPE : 1);
    talk_smb2_send(t, 0, SMB2_TREE_CONNECT, 0, encode_done(&request));
    talk_smb2_send(t, 1, SMB2_TREE_CONNECT, status, encode_done(&answer));
}

static inline void talk_create(struct talk *t, str name, uint32_t status)
{
    struct buf request = buf_in(t->arena);
    encode_smb2_create(&request, name);
    talk_smb2_send(t, 0, SMB2_CREATE, 0, encode_done(&request));
    talk_smb2_send(t, 1, SMB2_CREATE, status, (bytes){0});
}

static inline void talk_write(struct talk *t, bytes data)
{
    struct buf request = buf_in(t->arena);
    encode_smb2_write(&request, data);
    talk_smb2_send(t, 0, SMB2_WRITE, 0, encode_done(&request));
}

/* SMB 1 */

static inline void talk_smb1(struct talk *t, unsigned half, uint8_t command, uint32_t status,
                             uint16_t flags2, bytes words, bytes data)
{
    struct buf out = buf_in(t->arena);
    if (half == 0) t->message_id++;
    struct smb1_header header = {
        .command = command,
        .status = status,
        .flags = half ? SMB1_FLAGS_RESPONSE : 0,
        .flags2 = flags2,
        .tree_id = (uint16_t)t->tree_id,
        .user_id = half || command != SMB1_SESSION_SETUP_ANDX ? 7 : 0,
        .request_id = t->message_id,
    };
    encode_smb1(&out, &header, words, data);
    talk_message(t, half, encode_done(&out));
}

static inline void talk_hello(struct talk *t, uint16_t flags2, const str *dialects, size_t n)
{
    struct buf data = buf_in(t->arena);
    encode_smb1_dialects(&data, dialects, n);
    talk_smb1(t, 0, SMB1_NEGOTIATE, 0, flags2, (bytes){0}, encode_done(&data));
}

static inline void talk_hello_answer(struct talk *t, uint16_t index, uint8_t security_mode)
{
    struct buf words = buf_in(t->arena);
    encode_u16le(&words, index);
    buf_char(&words, (char)security_mode);
    buf_repeat(&words, 0, 34 - 3);
    talk_smb1(t, 1, SMB1_NEGOTIATE, 0, 0, encode_done(&words), (bytes){0});
}

/* A session setup of NT LM 0.12 without extended security; a tree connect chained to it when share
 * is given. */
static inline void talk_smb1_logon(struct talk *t, str domain, str user, size_t nt_length,
                                   str share)
{
    struct buf words = buf_in(t->arena), data = buf_in(t->arena);
    size_t data_length = 24 + nt_length + user.len + 1 + domain.len + 1;
    size_t chained_at = SMB1_HEADER_BYTES + 1 + 26 + 2 + data_length;
    buf_char(&words, (char)(share.len ? SMB1_TREE_CONNECT_ANDX : SMB1_NO_ANDX));
    buf_char(&words, 0);
    encode_u16le(&words, (uint16_t)(share.len ? chained_at : 0));
    buf_repeat(&words, 0, 2 + 2 + 2 + 4);
    encode_u16le(&words, 24);
    encode_u16le(&words, (uint16_t)nt_length);
    buf_repeat(&words, 0, 8);
    buf_repeat(&data, 0, 24 + nt_length);
    buf_str(&data, user);
    buf_char(&data, 0);
    buf_str(&data, domain);
    buf_char(&data, 0);
    if (share.len) {
        buf_char(&data, 4);
        buf_char(&data, (char)SMB1_NO_ANDX);
        buf_repeat(&data, 0, 5);
        encode_u16le(&data, 1);
        encode_u16le(&data, (uint16_t)(1 + share.len + 1 + 6));
        buf_char(&data, 0);
        buf_str(&data, share);
        buf_char(&data, 0);
        buf_bytes(&data, (bytes){(const uint8_t *)"?????", 6});
    }
    /* The byte count must cover the first command's bytes only. */
    struct buf out = buf_in(t->arena);
    t->message_id++;
    struct smb1_header header = {
        .command = SMB1_SESSION_SETUP_ANDX, .user_id = 0, .request_id = t->message_id};
    bytes all = encode_done(&data);
    encode_smb1(&out, &header, encode_done(&words), (bytes){all.ptr, data_length});
    buf_bytes(&out, (bytes){all.ptr + data_length, all.len - data_length});
    talk_message(t, 0, encode_done(&out));
}

static inline void talk_smb1_tree(struct talk *t, str path, uint32_t status)
{
    struct buf words = buf_in(t->arena), data = buf_in(t->arena);
    buf_char(&words, (char)SMB1_NO_ANDX);
    buf_repeat(&words, 0, 5);
    encode_u16le(&words, 1);
    buf_char(&data, 0);
    buf_str(&data, path);
    buf_char(&data, 0);
    buf_bytes(&data, (bytes){(const uint8_t *)"?????", 6});
    talk_smb1(t, 0, SMB1_TREE_CONNECT_ANDX, 0, 0, encode_done(&words), encode_done(&data));
    struct buf answer = buf_in(t->arena);
    buf_char(&answer, (char)SMB1_NO_ANDX);
    buf_repeat(&answer, 0, 5);
    bytes answer_words = encode_done(&answer);
    if (status) answer_words.len = 0;
    talk_smb1(t, 1, SMB1_TREE_CONNECT_ANDX, status, 0, answer_words, (bytes){0});
}
