/* SPDX-License-Identifier: Apache-2.0 */
/* Whole captures made by the encoder, and what the readers say of them. One line per observation,
 * use and skip; the same whatever the size of the windows, and no truncation does harm. */
#include "evidence/capture.h"

#include "base/test.h"
#include "evidence/capture_talk.h"

struct told {
    struct arena *arena;
    struct buf text;
    bool uses, identities;
    uint64_t records;
};

static void print_names(struct buf *out, const char *label, struct names names)
{
    if (!names.n) return;
    buf_format(out, " %s=", label);
    for (size_t i = 0; i < names.n; i++) {
        if (i) buf_char(out, ',');
        buf_str(out, names.items[i]);
    }
}

static void on_observation(void *to, const struct observation *o)
{
    struct told *told = to;
    struct buf *out = &told->text;
    addr_print(out, o->client.addr);
    buf_format(out, ":%d > ", o->client_port);
    addr_print(out, o->server.addr);
    buf_format(out, ":%d %.*s", o->port, STR_ARG(outcome_text(o->outcome)));
    if (o->transport == TRANSPORT_UDP) buf_str(out, S(" udp"));
    if (o->is_smb) buf_str(out, S(" smb"));
    for (unsigned i = 0; i < DIALECT_COUNT; i++)
        if (o->smb.dialects >> i & 1) buf_format(out, " %.*s", STR_ARG(dialect_text(i)));
    if (o->smb.client_signing)
        buf_format(out, " client=%.*s", STR_ARG(signing_text(o->smb.client_signing)));
    if (o->smb.server_signing)
        buf_format(out, " server=%.*s", STR_ARG(signing_text(o->smb.server_signing)));
    if (o->smb.signed_pdus) buf_format(out, " signed=%" PRIu64, o->smb.signed_pdus);
    if (o->smb.encrypted == KNOWN_YES) buf_str(out, S(" encrypted"));
    if (o->smb.encrypted == KNOWN_NO) buf_str(out, S(" clear"));
    for (unsigned i = 0; i < AUTH_COUNT; i++)
        if (o->smb.auths >> i & 1) buf_format(out, " %.*s", STR_ARG(auth_text(i)));
    print_names(out, "users", o->users);
    print_names(out, "shares", o->shares);
    print_names(out, "refused", o->shares_refused);
    print_names(out, "pipes", o->pipes);
    print_names(out, "from", o->client_names);
    print_names(out, "to", o->server_names);
    buf_format(out, " %" PRIu64 "/%" PRIu64 "\n", o->bytes_to_server, o->bytes_to_client);
}

static void on_use(void *to, const struct use *u)
{
    struct told *told = to;
    if (!told->uses) return;
    buf_format(&told->text, "use %.*s", STR_ARG(u->share));
    if (u->pipe.len) buf_format(&told->text, " pipe %.*s", STR_ARG(u->pipe));
    if (u->user.len) buf_format(&told->text, " by %.*s", STR_ARG(u->user));
    if (u->refused) buf_str(&told->text, S(" refused"));
    buf_format(&told->text, " x%" PRIu64 "\n", u->count);
}

static void on_identity(void *to, const struct identity *identity)
{
    struct told *told = to;
    if (!told->identities) return;
    addr_print(&told->text, identity->addr);
    buf_format(&told->text, " is %.*s\n", STR_ARG(identity->name));
}

static void on_skip(void *to, const struct skip *skip)
{
    struct told *told = to;
    buf_format(&told->text, "skip %" PRIu64 "+%" PRIu64 " %.*s\n", skip->offset, skip->length,
               STR_ARG(skip->reason));
}

static void on_local_address(void *to, struct addr addr)
{
    (void)to;
    (void)addr;
}

static void on_record(void *to, int64_t at_us)
{
    struct told *told = to;
    (void)at_us;
    told->records++;
}

static void on_line_hash(void *to, uint64_t hash)
{
    (void)to;
    (void)hash;
}

extern const struct reader capture_pcap_reader, capture_pcapng_reader;

static struct fact_sink sink_of(struct told *told)
{
    struct fact_sink sink = fact_sink_none();
    sink.to = told;
    sink.observation = on_observation;
    sink.use = on_use;
    sink.identity = on_identity;
    sink.skip = on_skip;
    sink.local_address = on_local_address;
    sink.record = on_record;
    sink.line_hash = on_line_hash;
    return sink;
}

/* An observation that only counts. */
static void on_counted(void *to, const struct observation *o)
{
    struct told *told = to;
    assert_int_equal(o->outcome, OUTCOME_NO_ANSWER);
    told->records++;
}

/* Reads a capture in windows of `step` bytes more at a time. */
static void read_with(const struct reader *reader, bytes file, size_t step,
                      const struct fact_sink *sink)
{
    struct arena arena = arena_open("capture test", 0, NULL);
    void *state = reader->open(&arena, &(struct reader_options){0}, sink);
    size_t at = 0, seen = 0;
    bool more = true;
    while (more && at < file.len) {
        seen = file.len - seen < step ? file.len : seen + step;
        struct window window = {
            {file.ptr + at, seen - at},
            at, seen == file.len
        };
        size_t consumed = 0, want = 0;
        more = reader->feed(state, window, &consumed, &want);
        assert_true(consumed <= window.data.len);
        at += consumed;
        /* What is left over at the end would never be shown again. */
        if (more && window.last) assert_int_equal(at, file.len);
        if (want > seen - at) seen = want > file.len - at ? file.len : at + want;
    }
    reader->close(state);
    arena_close(&arena);
}

static void read_capture(const struct reader *reader, bytes file, size_t step, struct told *told)
{
    struct fact_sink sink = sink_of(told);
    read_with(reader, file, step, &sink);
}

static const str hello[] = {
    {"PC NETWORK PROGRAM 1.0", 22},
    {"LANMAN1.0",              9 },
    {"NT LM 0.12",             10},
    {"SMB 2.002",              9 },
    {"SMB 2.???",              9 },
};

typedef void build_talk(struct talk *t);

static void say_smb3(struct talk *t)
{
    talk_negotiate(t, 1, 3, 0x0311);
    talk_logon(t, S("CONTOSO"), S("alice"), S("WS0417"), 200, 0);
    talk_tree(t, S("\\\\FS01\\projects"), 0);
}

static void normal(struct talk *t)
{
    talk_handshake(t);
    say_smb3(t);
    talk_flags(t, 0, TCP_FIN | TCP_ACK);
    talk_flags(t, 1, TCP_FIN | TCP_ACK);
}

static void split_small(struct talk *t)
{
    t->segment = 3;
    normal(t);
}

static void midstream(struct talk *t)
{
    say_smb3(t);
}

/* The capture begins within a message; the magic is found again. */
static void midstream_within(struct talk *t)
{
    struct buf data = buf_in(t->arena);
    buf_repeat(&data, 'x', 500);
    struct buf write = buf_in(t->arena);
    encode_smb2_write(&write, encode_done(&data));
    bytes message = talk_framed(t, talk_smb2(t, 0, SMB2_WRITE, 0, encode_done(&write)));
    struct buf both = buf_in(t->arena);
    buf_bytes(&both, (bytes){message.ptr + 100, message.len - 100});
    struct buf tree = buf_in(t->arena);
    encode_smb2_tree_connect(&tree, S("\\\\FS01\\a"));
    buf_bytes(&both, talk_framed(t, talk_smb2(t, 0, SMB2_TREE_CONNECT, 0, encode_done(&tree))));
    talk_send(t, 0, encode_done(&both));
}

static void server_side_only(struct talk *t)
{
    struct buf answer = buf_in(t->arena);
    encode_smb2_negotiated(&answer, 3, 0x0210, (bytes){0});
    talk_flags(t, 1, TCP_SYN | TCP_ACK);
    talk_smb2_send(t, 1, SMB2_NEGOTIATE, 0, encode_done(&answer));
}

static void hello_then_smb2(struct talk *t)
{
    struct buf answer = buf_in(t->arena);
    encode_smb2_negotiated(&answer, 1, SMB2_DIALECT_WILDCARD, (bytes){0});
    talk_handshake(t);
    talk_hello(t, 0, hello, COUNT_OF(hello));
    talk_smb2_send(t, 1, SMB2_NEGOTIATE, 0, encode_done(&answer));
    talk_negotiate(t, 1, 1, 0x0302);
}

static void hello_wildcard_only(struct talk *t)
{
    struct buf answer = buf_in(t->arena);
    encode_smb2_negotiated(&answer, 1, SMB2_DIALECT_WILDCARD, (bytes){0});
    talk_handshake(t);
    talk_hello(t, SMB1_FLAGS2_SIGNATURE, hello, COUNT_OF(hello));
    talk_smb2_send(t, 1, SMB2_NEGOTIATE, 0, encode_done(&answer));
}

static void hello_unanswered(struct talk *t)
{
    talk_handshake(t);
    talk_hello(t, 0, hello, COUNT_OF(hello));
}

static void hello_refused(struct talk *t)
{
    talk_handshake(t);
    talk_hello(t, 0, hello, COUNT_OF(hello));
    talk_hello_answer(t, SMB1_INDEX_NONE, 0);
}

static void smb1(struct talk *t)
{
    talk_handshake(t);
    talk_hello(t, SMB1_FLAGS2_SIGNATURE, hello, COUNT_OF(hello));
    talk_hello_answer(t, 2, 0x0F);
    talk_smb1_logon(t, S("CONTOSO"), S("bob"), 24, (str){0});
    talk_smb1(t, 1, SMB1_SESSION_SETUP_ANDX, 0, 0, (bytes){(const uint8_t *)"\xFF\0\0\0\0", 6},
              (bytes){0});
    talk_smb1_tree(t, S("\\\\NAS\\SCANS"), 0);
    talk_smb1_tree(t, S("\\\\NAS\\ADMIN$"), 0xC0000022);
}

static void smb1_chained(struct talk *t)
{
    talk_handshake(t);
    talk_smb1_logon(t, S(""), S("carol"), 60, S("\\\\NAS\\SCANS"));
}

/* An AndX chain that points at itself ends. */
static void smb1_chain_turns_back(struct talk *t)
{
    struct buf words = buf_in(t->arena);
    buf_char(&words, (char)SMB1_LOGOFF_ANDX);
    buf_char(&words, 0);
    encode_u16le(&words, SMB1_HEADER_BYTES);
    talk_handshake(t);
    talk_smb1(t, 0, SMB1_LOGOFF_ANDX, 0, 0, encode_done(&words), (bytes){0});
}

static void anonymous(struct talk *t)
{
    talk_handshake(t);
    talk_negotiate(t, 1, 1, 0x0300);
    talk_logon(t, S(""), S(""), S(""), 0, 0);
    talk_tree(t, S("\\\\10.20.0.21\\IPC$"), 0);
    talk_create(t, S("srvsvc"), 0);
    talk_create(t, S("\\spoolss"), 0xC0000022);
}

static void guest(struct talk *t)
{
    talk_handshake(t);
    talk_session(t, talk_ntlm(t, S(""), S("visitor"), S("TV"), 24), (bytes){0}, 0,
                 SMB2_SESSION_GUEST);
}

static void refused_logon_and_share(struct talk *t)
{
    talk_handshake(t);
    talk_logon(t, S("CONTOSO"), S("mallory"), S("X"), 200, 0xC000006D);
    talk_tree(t, S("\\\\FS01\\a"), 0xC00000CC);
    talk_tree(t, S("\\\\FS01\\b"), 0xC0000022);
    talk_tree(t, S("\\\\FS01\\b"), 0);
}

static void kerberos(struct talk *t)
{
    struct buf token = buf_in(t->arena);
    encode_kerberos(t->arena, &token, S("CONTOSO.COM"), S("cifs"), S("fs01.contoso.com"));
    talk_handshake(t);
    t->signed_flag = SMB2_SIGNED;
    talk_session(t, talk_spnego(t, encode_done(&token)), (bytes){0}, 0, 0);
}

static void dcerpc_logon(struct talk *t)
{
    struct buf bind = buf_in(t->arena);
    encode_dcerpc_bind(&bind, 10, talk_ntlm(t, S("CONTOSO"), S("svc"), S("WS1"), 100));
    talk_handshake(t);
    talk_tree(t, S("\\\\FS01\\IPC$"), 0);
    talk_write(t, encode_done(&bind));
}

static void encrypted(struct talk *t)
{
    struct buf sealed = buf_in(t->arena), out = buf_in(t->arena);
    buf_repeat(&sealed, 'z', 300);
    encode_smb2_transform(&out, 0x11, encode_done(&sealed));
    talk_handshake(t);
    talk_negotiate(t, 1, 1, 0x0311);
    talk_message(t, 0, encode_done(&out));
    talk_message(t, 1, encode_done(&out));
}

static void compound(struct talk *t)
{
    struct buf tree = buf_in(t->arena), create = buf_in(t->arena), out = buf_in(t->arena);
    encode_smb2_tree_connect(&tree, S("\\\\FS01\\one"));
    struct smb2_header header = {.command = SMB2_CREATE, .message_id = 1};
    encode_smb2_create(&create, S("file"));
    encode_smb2(&out, &header, true, encode_done(&create));
    header = (struct smb2_header){.command = SMB2_TREE_CONNECT, .message_id = 2};
    encode_smb2(&out, &header, false, encode_done(&tree));
    talk_handshake(t);
    talk_message(t, 0, encode_done(&out));
}

/* A next command beyond the message, or that does not go forward, ends the compound. */
static void compound_lies(struct talk *t)
{
    talk_handshake(t);
    for (uint32_t next = 8; next < 100000; next *= 8) {
        struct buf out = buf_in(t->arena);
        struct smb2_header header = {.command = SMB2_LOGOFF};
        encode_smb2(&out, &header, false, (bytes){(const uint8_t *)"\4\0\0\0", 4});
        bytes message = encode_done(&out);
        uint8_t *copy = arena_array(t->arena, uint8_t, message.len);
        memcpy(copy, message.ptr, message.len);
        for (unsigned i = 0; i < 4; i++)
            copy[20 + i] = (uint8_t)(next >> (8 * i));
        talk_message(t, 0, (bytes){copy, message.len});
    }
}

/* Packets of one message swapped, one doubled, one overlapping the next. */
static void disorder(struct talk *t)
{
    struct buf tree = buf_in(t->arena);
    encode_smb2_tree_connect(&tree, S("\\\\FS01\\disorder"));
    bytes m = talk_framed(t, talk_smb2(t, 0, SMB2_TREE_CONNECT, 0, encode_done(&tree)));
    talk_handshake(t);
    uint32_t base = t->next[0];
    static const struct {
        uint32_t from, to;
    } order[] = {
        {40, 60},
        {0,  10},
        {0,  10},
        {5,  40},
        {30, 60},
        {60, 90},
    };
    for (size_t i = 0; i < COUNT_OF(order); i++)
        talk_record(t,
                    talk_packet(t, 0, base + order[i].from, TCP_ACK,
                                (bytes){m.ptr + order[i].from, order[i].to - order[i].from}),
                    0);
    talk_record(t, talk_packet(t, 0, base + 90, TCP_ACK, (bytes){m.ptr + 90, m.len - 90}), 0);
    t->next[0] += (uint32_t)m.len;
    talk_smb2_send(t, 1, SMB2_TREE_CONNECT, 0, (bytes){0});
}

/* A segment with two messages is missing; the next message is found by its magic. */
static void gap(struct talk *t)
{
    talk_handshake(t);
    talk_negotiate(t, 1, 1, 0x0311);
    t->next[0] += 777;
    talk_tree(t, S("\\\\FS01\\after"), 0);
}

/* Bytes are missing inside a write: its length leads over the gap. */
static void gap_in_payload(struct talk *t)
{
    struct buf data = buf_in(t->arena), write = buf_in(t->arena);
    buf_repeat(&data, 'x', 5000);
    encode_smb2_write(&write, encode_done(&data));
    bytes m = talk_framed(t, talk_smb2(t, 0, SMB2_WRITE, 0, encode_done(&write)));
    talk_handshake(t);
    talk_send(t, 0, (bytes){m.ptr, 1000});
    t->next[0] += 3000;
    talk_send(t, 0, (bytes){m.ptr + 4000, m.len - 4000});
    talk_tree(t, S("\\\\FS01\\after"), 0);
}

/* The capture kept 96 bytes of each packet: payload is stepped over, and what is cut is not known.
 */
static void snapped(struct talk *t)
{
    talk_handshake(t);
    struct buf create = buf_in(t->arena), data = buf_in(t->arena), write = buf_in(t->arena);
    buf_repeat(&data, 'x', 900);
    encode_smb2_write(&write, encode_done(&data));
    encode_smb2_create(&create, S("file"));
    bytes m[] = {
        talk_framed(t, talk_smb2(t, 0, SMB2_WRITE, 0, encode_done(&write))),
        talk_framed(t, talk_smb2(t, 0, SMB2_CREATE, 0, encode_done(&create))),
    };
    for (size_t i = 0; i < COUNT_OF(m); i++) {
        talk_record(t, talk_packet(t, 0, t->next[0], TCP_ACK, m[i]), 14 + 40 + 80);
        t->next[0] += (uint32_t)m[i].len;
    }
}

static void syn_only(struct talk *t)
{
    uint32_t first = t->next[0];
    for (int i = 0; i < 3; i++) {
        t->next[0] = first;
        talk_flags(t, 0, TCP_SYN);
    }
}

static void syn_refused(struct talk *t)
{
    talk_flags(t, 0, TCP_SYN);
    talk_flags(t, 1, TCP_RST | TCP_ACK);
}

static void syn_ack_only(struct talk *t)
{
    talk_flags(t, 1, TCP_SYN | TCP_ACK);
}

static void half_open(struct talk *t)
{
    talk_flags(t, 0, TCP_SYN);
    talk_flags(t, 1, TCP_SYN | TCP_ACK);
    talk_flags(t, 0, TCP_RST);
}

/* One message of which the capture kept the first bytes. */
static void talk_cut(struct talk *t, unsigned half, bytes message, size_t kept)
{
    bytes framed = talk_framed(t, message);
    talk_record(t, talk_packet(t, half, t->next[half], TCP_ACK, framed),
                14 + 40 + NBSS_HEADER_BYTES + kept);
    t->next[half] += (uint32_t)framed.len;
}

static bytes smb1_message(struct talk *t, const struct smb1_header *header, bytes words, bytes data)
{
    struct buf out = buf_in(t->arena);
    encode_smb1(&out, header, words, data);
    return encode_done(&out);
}

static bytes smb1_hello_message(struct talk *t)
{
    struct smb1_header header = {.command = SMB1_NEGOTIATE};
    static const str dialects[] = {
        {"LANMAN1.0",  9 },
        {"NT LM 0.12", 10}
    };
    struct buf data = buf_in(t->arena);
    encode_smb1_dialects(&data, dialects, COUNT_OF(dialects));
    return smb1_message(t, &header, (bytes){0}, encode_done(&data));
}

/* Index and SecurityMode are the first words of the answer: the others may be cut off. */
static void snapped_smb1_answer(struct talk *t)
{
    struct smb1_header header = {.command = SMB1_NEGOTIATE, .flags = SMB1_FLAGS_RESPONSE};
    struct buf words = buf_in(t->arena);
    encode_u16le(&words, 1);
    buf_char(&words, 8 | 4);
    buf_repeat(&words, 0, 34 - 3);
    talk_handshake(t);
    talk_message(t, 0, smb1_hello_message(t));
    talk_cut(t, 1, smb1_message(t, &header, encode_done(&words), (bytes){0}),
             SMB1_HEADER_BYTES + 1 + 3);
}

/* A hello is no use of SMB1, though the capture cut off what it offers. */
static void snapped_smb1_hello(struct talk *t)
{
    talk_handshake(t);
    talk_cut(t, 0, smb1_hello_message(t), SMB1_HEADER_BYTES + 1);
}

/* Without its command nobody knows whether it is a hello. */
static void snapped_smb1_header(struct talk *t)
{
    talk_handshake(t);
    talk_cut(t, 0, smb1_hello_message(t), 20);
}

static void snapped_session_setup(struct talk *t)
{
    struct buf setup = buf_in(t->arena);
    encode_smb2_session_setup(&setup, 2, talk_spnego(t, talk_ntlm(t, S("D"), S("u"), S("W"), 100)));
    talk_handshake(t);
    talk_cut(t, 0, talk_smb2(t, 0, SMB2_SESSION_SETUP, 0, encode_done(&setup)),
             SMB2_HEADER_BYTES + 4);
}

/* The network delivered, or the capture wrote, the SYN behind the packet after it. */
static void late_syn(struct talk *t)
{
    uint32_t first = t->next[0];
    t->next[0]++;
    talk_flags(t, 1, TCP_SYN | TCP_ACK);
    talk_flags(t, 0, TCP_ACK);
    talk_record(t, talk_packet(t, 0, first, TCP_SYN, (bytes){0}), 0);
    talk_send(t, 0, (bytes){(const uint8_t *)"\0\0\0\0", 4});
}

static void acknowledgments_only(struct talk *t)
{
    talk_flags(t, 1, TCP_ACK);
    talk_flags(t, 0, TCP_ACK);
}

static void prohibited(struct talk *t)
{
    bytes syn = talk_packet(t, 0, t->next[0], TCP_SYN, (bytes){0});
    struct addr router;
    struct buf icmp = buf_in(t->arena);
    talk_flags(t, 0, TCP_SYN);
    if (!addr_parse(addr_is_v4(t->addr[0]) ? S("10.9.9.9") : S("2001:db8:9::9"), &router)) abort();
    encode_unreachable(&icmp, router, t->addr[0], addr_is_v4(t->addr[0]) ? 13 : 1, syn);
    talk_record(t, encode_done(&icmp), 0);
}

static void prohibited_elsewhere(struct talk *t)
{
    bytes other = talk_packet(t, 0, t->next[0] + 5, TCP_SYN, (bytes){0});
    struct buf icmp = buf_in(t->arena);
    talk_flags(t, 0, TCP_SYN);
    encode_unreachable(&icmp, t->addr[1], t->addr[0], 13, other);
    talk_record(t, encode_done(&icmp), 0);
}

static void answered_though_unreachable(struct talk *t)
{
    prohibited(t);
    t->next[0] = 1001;
    talk_flags(t, 1, TCP_SYN | TCP_ACK);
}

static void ports_used_again(struct talk *t)
{
    normal(t);
    t->next[0] += 100000;
    talk_handshake(t);
}

static void one_sided(struct talk *t)
{
    talk_flags(t, 0, TCP_SYN);
    talk_flags(t, 0, TCP_ACK);
    talk_send(t, 0, (bytes){(const uint8_t *)"\0\0\0\0", 4});
}

static void sequence_wraps(struct talk *t)
{
    t->next[0] = 0xFFFFFFF0;
    t->next[1] = 0xFFFFFFFE;
    normal(t);
}

static void fragments(struct talk *t)
{
    talk_handshake(t);
    struct buf tree = buf_in(t->arena), tcp = buf_in(t->arena);
    encode_smb2_tree_connect(&tree, S("\\\\FS01\\fragments"));
    bytes m = talk_framed(t, talk_smb2(t, 0, SMB2_TREE_CONNECT, 0, encode_done(&tree)));
    struct encode_segment segment = {
        .from_port = t->port[0],
        .to_port = t->port[1],
        .sequence = t->next[0],
        .acknowledged = t->next[1],
        .flags = TCP_ACK,
        .payload = m,
    };
    encode_tcp(&tcp, &segment);
    bytes whole = encode_done(&tcp);
    /* The last first, the first twice. */
    static const uint16_t places[] = {64, 0, 0, 32};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct buf ip = buf_in(t->arena);
        size_t n = places[i] == 64 ? whole.len - 64 : 32;
        encode_ip_fragment(&ip, t->addr[0], t->addr[1], IP_TCP, 77, places[i], places[i] != 64,
                           (bytes){whole.ptr + places[i], n});
        talk_record(t, encode_done(&ip), 0);
    }
}

static void in_vlans(struct talk *t)
{
    static const uint16_t tags[] = {300, 45};
    t->vlans = tags;
    t->n_vlans = COUNT_OF(tags);
    normal(t);
}

static void web_page(struct talk *t)
{
    struct buf body = buf_in(t->arena), tree = buf_in(t->arena);
    talk_handshake(t);
    talk_send(t, 0, str_bytes(S("GET /smb.bin HTTP/1.1\r\n\r\n")));
    buf_str(&body, S("HTTP/1.1 200 OK\r\n\r\n"));
    encode_smb2_tree_connect(&tree, S("\\\\FS01\\web"));
    buf_bytes(&body, talk_framed(t, talk_smb2(t, 0, SMB2_TREE_CONNECT, 0, encode_done(&tree))));
    buf_str(&body, S("\xFFSMB and \xFESMB"));
    talk_send(t, 1, encode_done(&body));
    /* Even at the beginning of a segment. */
    talk_send(t, 1, talk_framed(t, talk_smb2(t, 0, SMB2_TREE_CONNECT, 0, encode_done(&tree))));
}

static void four_bytes(struct talk *t)
{
    talk_send(t, 0, (bytes){(const uint8_t *)"\0\0\0\x40\xFESMB\1\2\3\4\5\6\7\10\11\12\13\14", 20});
    talk_send(t, 1, (bytes){(const uint8_t *)"\xFFSMBxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 38});
}

static void netbios(struct talk *t)
{
    struct buf request = buf_in(t->arena);
    talk_handshake(t);
    encode_nbss_request(&request, S("FS01"), S("WS0417"));
    talk_send(t, 0, encode_done(&request));
    struct buf answer = buf_in(t->arena);
    encode_nbss(&answer, NBSS_POSITIVE, (bytes){0});
    talk_send(t, 1, encode_done(&answer));
    struct buf keepalive = buf_in(t->arena);
    encode_nbss(&keepalive, NBSS_KEEPALIVE, (bytes){0});
    talk_send(t, 0, encode_done(&keepalive));
    talk_negotiate(t, 1, 1, 0x0202);
}

static void datagrams(struct talk *t)
{
    struct buf udp = buf_in(t->arena), ip = buf_in(t->arena), other = buf_in(t->arena);
    encode_udp(&udp, 137, 137, str_bytes(S("who?")));
    encode_ip(&ip, t->addr[0], t->addr[1], IP_UDP, encode_done(&udp));
    talk_record(t, encode_done(&ip), 0);
    struct buf dns = buf_in(t->arena);
    encode_udp(&dns, 4000, 53, str_bytes(S("who?")));
    encode_ip(&other, t->addr[0], t->addr[1], IP_UDP, encode_done(&dns));
    talk_record(t, encode_done(&other), 0);
}

#define LOGON_ALICE                                                                                \
    " 3.1.1 client=enabled server=required clear ntlmv2 users=CONTOSO\\alice "                     \
    "shares=\\\\FS01\\projects from=WS0417 to=FS01,fs01.contoso.com"
#define ALICE "10.0.0.1:50000 > 10.0.0.2:445 established smb" LOGON_ALICE

static const struct {
    const char *name;
    build_talk *build;
    uint16_t port;
    const char *client, *server; /* NULL: 10.0.0.1, 10.0.0.2 */
    const char *expected;
    const char *uses; /* NULL: not compared */
} rows[] = {
    {"normal",                            normal,                      445,  NULL,          NULL,          ALICE " 756/476\n",
     "use \\\\FS01\\projects by CONTOSO\\alice x1\n"                                                                                                                                                                                                    },
    {"segments of three bytes",           split_small,                 445,  NULL,          NULL,          ALICE " 756/476\n",                                NULL                                                                                      },
    {"mid-stream",                        midstream,                   445,  NULL,          NULL,          ALICE " 756/476\n",                                NULL                                                                                      },
    {"sequence numbers wrap",             sequence_wraps,              445,  NULL,          NULL,          ALICE " 756/476\n",                                NULL                                                                                      },
    {"QinQ",                              in_vlans,                    445,  NULL,          NULL,          ALICE " 756/476\n",                                NULL                                                                                      },
    {"another port",                      normal,                      4455, NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:4455 established smb" LOGON_ALICE " 756/476\n",                                                                               NULL                                                                                      },
    {"another port, mid-stream",          midstream,                   4455, NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:4455 established smb" LOGON_ALICE " 756/476\n",                                                                               NULL                                                                                      },
    {"IPv6",                              normal,                      445,  "2001:db8::1", "2001:db8::2",
     "2001:db8::1:50000 > 2001:db8::2:445 established smb" LOGON_ALICE " 756/476\n",                                                                          NULL                                                                                      },
    {"mid-stream, within a message",      midstream_within,            445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb clear shares=\\\\FS01\\a to=FS01 608/0\n",                                                                NULL                                                                                      },
    {"server side only",                  server_side_only,            445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb 2.1 server=required 0/132\n",                                                                             NULL                                                                                      },
    {"SMB1 hello, SMB2 chosen",           hello_then_smb2,             445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb 3.0.2 client=enabled server=enabled 222/264\n",                                                           NULL                                                                                      },
    {"wildcard is no dialect",            hello_wildcard_only,         445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb client=enabled server=enabled 108/132\n",                                                                 NULL                                                                                      },
    {"SMB1 hello unanswered",             hello_unanswered,            445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb client=disabled 108/0\n",                                                                                 NULL                                                                                      },
    {"SMB1 hello refused",                hello_refused,               445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb client=disabled server=disabled 108/73\n",                                                                NULL                                                                                      },
    {"SMB1",                              smb1,                        445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb nt-lm-0.12 client=enabled server=required "
     "clear ntlmv1 users=CONTOSO\\bob shares=\\\\NAS\\SCANS,\\\\NAS\\ADMIN$ "
     "refused=\\\\NAS\\ADMIN$ to=NAS 366/202\n",                                                                                                              "use \\\\NAS\\SCANS by CONTOSO\\bob x1\nuse \\\\NAS\\ADMIN$ by CONTOSO\\bob refused x1\n" },
    {"SMB1, AndX chain, no negotiate",    smb1_chained,                445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb nt-lm-0.12 clear ntlmv2 users=carol "
     "shares=\\\\NAS\\SCANS to=NAS 186/0\n",                                                                                                                  NULL                                                                                      },
    {"SMB1, AndX chain turns back",       smb1_chain_turns_back,       445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb nt-lm-0.12 43/0\n",                                                                                       NULL                                                                                      },
    {"anonymous, pipes",                  anonymous,                   445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb 3.0 client=enabled server=enabled clear "
     "anonymous shares=\\\\10.20.0.21\\IPC$ pipes=srvsvc,spoolss to=FS01,fs01.contoso.com "
     "766/612\n",                                                                                                                                             "use \\\\10.20.0.21\\IPC$ x1\nuse \\\\10.20.0.21\\IPC$ pipe srvsvc x1\n"
     "use \\\\10.20.0.21\\IPC$ pipe spoolss refused x1\n"                                                                                                                                                                              },
    {"guest, bare NTLM",                  guest,                       445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb client=enabled ntlmv1 guest users=visitor "
     "from=TV 222/76\n",                                                                                                                                      NULL                                                                                      },
    {"refused logon and share",           refused_logon_and_share,     445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb client=enabled clear ntlmv2 "
     "users=CONTOSO\\mallory shares=\\\\FS01\\a,\\\\FS01\\b refused=\\\\FS01\\a from=X "
     "to=FS01,fs01.contoso.com 806/512\n",                                                                                                                    "use \\\\FS01\\a by CONTOSO\\mallory refused x1\nuse \\\\FS01\\b by CONTOSO\\mallory x2\n"},
    {"Kerberos, signed",                  kerberos,                    445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb client=enabled signed=2 kerberos "
     "to=fs01.contoso.com 182/76\n",                                                                                                                          NULL                                                                                      },
    {"logon inside DCERPC",               dcerpc_logon,                445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb clear ntlmv2 users=CONTOSO\\svc "
     "shares=\\\\FS01\\IPC$ from=WS1 to=FS01 508/84\n",                                                                                                       NULL                                                                                      },
    {"encrypted",                         encrypted,                   445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb 3.1.1 client=enabled server=enabled encrypted "
     "470/488\n",                                                                                                                                             NULL                                                                                      },
    {"compound",                          compound,                    445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb clear shares=\\\\FS01\\one to=FS01 224/0\n",                                                              NULL                                                                                      },
    {"compound that lies",                compound_lies,               445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb 360/0\n",                                                                                                 NULL                                                                                      },
    {"disorder",                          disorder,                    445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb clear shares=\\\\FS01\\disorder to=FS01 "
     "106/68\n",                                                                                                                                              "use \\\\FS01\\disorder x1\n"                                                             },
    {"gap",                               gap,                         445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb 3.1.1 client=enabled server=enabled clear "
     "shares=\\\\FS01\\after to=FS01 214/216\n",                                                                                                              NULL                                                                                      },
    {"gap in payload",                    gap_in_payload,              445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb clear shares=\\\\FS01\\after to=FS01 2216/84\n",                                                          NULL                                                                                      },
    {"snap length",                       snapped,                     445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb 1148/0\n"
     "skip 234+0 2 SMB packets were captured only in part\n",                                                                                                 NULL                                                                                      },
    {"SMB1 answer, words cut",            snapped_smb1_answer,         445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb nt-lm-0.12 client=disabled server=required "
     "62/73\n"
     "skip 366+0 1 SMB packets were captured only in part\n",                                                                                                 NULL                                                                                      },
    {"SMB1 hello, offers cut",            snapped_smb1_hello,          445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb 62/0\n"
     "skip 234+0 1 SMB packets were captured only in part\n",                                                                                                 NULL                                                                                      },
    {"SMB1 header cut",                   snapped_smb1_header,         445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb 62/0\n"
     "skip 234+0 1 SMB packets were captured only in part\n",                                                                                                 NULL                                                                                      },
    {"session setup, token cut",          snapped_session_setup,       445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb client=required 314/0\n"
     "skip 234+0 1 SMB packets were captured only in part\n",                                                                                                 NULL                                                                                      },
    {"SYN behind what follows it",        late_syn,                    445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established 4/0\n",                                                                                                       NULL                                                                                      },
    {"SYN only",                          syn_only,                    445,  NULL,          NULL,          "10.0.0.1:50000 > 10.0.0.2:445 no-answer 0/0\n",   NULL                                                                                      },
    {"refused",                           syn_refused,                 445,  NULL,          NULL,          "10.0.0.1:50000 > 10.0.0.2:445 refused 0/0\n",     NULL                                                                                      },
    {"SYN-ACK only",                      syn_ack_only,                445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established 0/0\n",                                                                                                       NULL                                                                                      },
    {"half open",                         half_open,                   445,  NULL,          NULL,          "10.0.0.1:50000 > 10.0.0.2:445 established 0/0\n",
     NULL                                                                                                                                                                                                                                               },
    {"acknowledgments only",              acknowledgments_only,        445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 none 0/0\n",                                                                                                              NULL                                                                                      },
    {"another service's acknowledgments", acknowledgments_only,        3389, NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:3389 none 0/0\n",                                                                                                             NULL                                                                                      },
    {"no service's port",                 syn_only,                    8080, NULL,          NULL,          "",                                                NULL                                                                                      },
    {"ICMP prohibited",                   prohibited,                  445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 prohibited 0/0\n",                                                                                                        NULL                                                                                      },
    {"ICMPv6 prohibited",                 prohibited,                  445,  "2001:db8::1", "2001:db8::2",
     "2001:db8::1:50000 > 2001:db8::2:445 prohibited 0/0\n",                                                                                                  NULL                                                                                      },
    {"ICMP about another SYN",            prohibited_elsewhere,        445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 no-answer 0/0\n",                                                                                                         NULL                                                                                      },
    {"ICMP, yet answered",                answered_though_unreachable, 445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established 0/0\n",                                                                                                       NULL                                                                                      },
    {"ports used again",                  ports_used_again,            445,  NULL,          NULL,
     ALICE " 756/476\n10.0.0.1:50000 > 10.0.0.2:445 established 0/0\n",                                                                                       NULL                                                                                      },
    {"client side only",                  one_sided,                   445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established 4/0\n",                                                                                                       NULL                                                                                      },
    {"IPv4 fragments",                    fragments,                   445,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:445 established smb clear shares=\\\\FS01\\fragments to=FS01 "
     "108/0\n",                                                                                                                                               NULL                                                                                      },
    {"IPv6 fragments",                    fragments,                   445,  "2001:db8::1", "2001:db8::2",
     "2001:db8::1:50000 > 2001:db8::2:445 established smb clear shares=\\\\FS01\\fragments "
     "to=FS01 108/0\n",                                                                                                                                       NULL                                                                                      },
    {"a web page about SMB",              web_page,                    80,   NULL,          NULL,          "",                                                NULL                                                                                      },
    {"four bytes are not enough",         four_bytes,                  81,   NULL,          NULL,          "",                                                NULL                                                                                      },
    {"NetBIOS session",                   netbios,                     139,  NULL,          NULL,
     "10.0.0.1:50000 > 10.0.0.2:139 established smb 2.0.2 client=enabled server=enabled "
     "from=WS0417 to=FS01 190/136\n",                                                                                                                         NULL                                                                                      },
    {"UDP of a service",                  datagrams,                   0,    NULL,          NULL,          "10.0.0.1:137 > 10.0.0.2:137 none udp 4/0\n",
     NULL                                                                                                                                                                                                                                               },
};

static void build_row(size_t i, struct arena *arena, struct buf *file)
{
    struct talk t =
        talk_open(arena, file, rows[i].client ? str_of(rows[i].client) : S("10.0.0.1"),
                  rows[i].server ? str_of(rows[i].server) : S("10.0.0.2"), rows[i].port);
    rows[i].build(&t);
}

static str told_of(struct arena *arena, bytes file, size_t step, bool uses)
{
    struct told told = {.arena = arena, .text = buf_in(arena), .uses = uses};
    read_capture(&capture_pcap_reader, file, step, &told);
    return buf_text(&told.text);
}

static void says_what_was_said(void **state)
{
    (void)state;
    size_t failures = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("rows", 0, NULL);
        struct buf file = buf_in(&arena);
        build_row(i, &arena, &file);
        bytes whole = encode_done(&file);
        str got = told_of(&arena, whole, whole.len, false);
        str by_byte = told_of(&arena, whole, 1, false);
        str uses = told_of(&arena, whole, whole.len, true);
        str expected_uses = str_of(rows[i].uses);
        if (!str_equal(got, str_of(rows[i].expected))) {
            print_error("%s:\n got  %.*s want %s", rows[i].name, STR_ARG(got), rows[i].expected);
            failures++;
        }
        if (!str_equal(by_byte, got)) {
            print_error("%s: byte by byte:\n%.*s", rows[i].name, STR_ARG(by_byte));
            failures++;
        }
        if (rows[i].uses && !str_equal(str_tail(uses, got.len), expected_uses)) {
            print_error("%s: uses:\n%.*s", rows[i].name, STR_ARG(uses));
            failures++;
        }
        arena_close(&arena);
    }
    assert_int_equal(failures, 0);
}

/* Every truncation is read without harm, and says no more than that the file ends early. */
static void no_truncation_harms(void **state)
{
    (void)state;
    /* The other rows are seeds of the fuzz target, whose replay cuts them everywhere. */
    static const size_t cut[] = {0, 14};
    for (size_t i = 0; i < COUNT_OF(cut); i++) {
        struct arena arena = arena_open("rows", 0, NULL);
        struct buf file = buf_in(&arena);
        build_row(cut[i], &arena, &file);
        bytes whole = encode_done(&file);
        for (size_t length = 0; length < whole.len; length++) {
            /* A copy of its own, so that a sanitizer sees a read one byte too far. */
            uint8_t *copy = malloc(length + 1);
            assert_non_null(copy);
            memcpy(copy, whole.ptr, length);
            (void)told_of(&arena, (bytes){copy, length}, length + 1, true);
            free(copy);
        }
        arena_close(&arena);
    }
}

/* The same conversation in every form of the file. */
static void every_form_is_one(void **state)
{
    (void)state;
    for (unsigned form = 0; form < 4; form++) {
        struct arena arena = arena_open("forms", 0, NULL);
        struct buf file = buf_in(&arena);
        bool is_big = form & 1, is_nano = form & 2;
        encode_pcap_header(&file, is_big, is_nano, LINK_ETHERNET);
        struct talk t = talk_open(&arena, &file, S("10.0.0.1"), S("10.0.0.2"), 445);
        t.is_big = is_big;
        t.is_nano = is_nano;
        normal(&t);
        str got = told_of(&arena, encode_done(&file), 64, false);
        assert_true(str_equal(got, str_of(rows[0].expected)));
        arena_close(&arena);
    }
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* A record that claims more than a record can have: reading goes on behind it. */
static void damage_is_stepped_over(void **state)
{
    (void)state;
    struct arena arena = arena_open("damage", 0, NULL);
    struct buf file = buf_in(&arena);
    struct talk t = talk_open(&arena, &file, S("10.0.0.1"), S("10.0.0.2"), 445);
    syn_only(&t);
    size_t damaged = file.len;
    t.port[0]++;
    talk_flags(&t, 0, TCP_SYN);
    size_t behind = file.len;
    t.port[0]++;
    talk_flags(&t, 0, TCP_SYN);
    talk_flags(&t, 0, TCP_ACK);
    put_u32((uint8_t *)file.data + damaged + 8, 0x7FFFFFFF);
    char expected[512];
    snprintf(expected, sizeof expected,
             "skip %zu+%zu a record header that cannot be true; reading goes on at the next\n"
             "10.0.0.1:50000 > 10.0.0.2:445 no-answer 0/0\n"
             "10.0.0.1:50002 > 10.0.0.2:445 no-answer 0/0\n",
             damaged, behind - damaged);
    for (size_t step = 1; step < 4096; step *= 5) {
        str got = told_of(&arena, encode_done(&file), step, false);
        if (!str_equal(got, str_of(expected))) fail_msg("step %zu: %.*s", step, STR_ARG(got));
    }
    arena_close(&arena);
}

static void a_link_type_is_named_once(void **state)
{
    (void)state;
    struct arena arena = arena_open("link", 0, NULL);
    struct buf file = buf_in(&arena);
    encode_pcap_header(&file, false, false, 105);
    struct talk t = talk_open(&arena, &file, S("10.0.0.1"), S("10.0.0.2"), 445);
    normal(&t);
    str got = told_of(&arena, encode_done(&file), 1 << 20, false);
    assert_true(str_equal(got, S("skip 20+0 link type 105 (IEEE 802.11) is not read\n")));
    arena_close(&arena);
}

/* pcapng */

static void put(struct buf *out, bool is_big, uint64_t value, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        buf_char(out, (char)(value >> (8 * (is_big ? n - 1 - i : i)) & 0xFF));
}

static void block(struct buf *out, bool is_big, uint32_t type, bytes body)
{
    size_t padding = (4 - body.len % 4) % 4;
    put(out, is_big, type, 4);
    put(out, is_big, 12 + body.len + padding, 4);
    buf_bytes(out, body);
    buf_repeat(out, 0, padding);
    put(out, is_big, 12 + body.len + padding, 4);
}

static void section(struct arena *arena, struct buf *out, bool is_big)
{
    struct buf body = buf_in(arena);
    put(&body, is_big, 0x1A2B3C4D, 4);
    put(&body, is_big, 1, 2);
    put(&body, is_big, 0, 2);
    put(&body, is_big, UINT64_MAX, 8);
    block(out, is_big, 0x0A0D0D0A, encode_done(&body));
}

static void interface(struct arena *arena, struct buf *out, bool is_big, uint16_t link,
                      int resolution, int64_t offset_s)
{
    struct buf body = buf_in(arena);
    put(&body, is_big, link, 2);
    put(&body, is_big, 0, 2);
    put(&body, is_big, 65535, 4);
    if (resolution) {
        put(&body, is_big, 9, 2);
        put(&body, is_big, 1, 2);
        put(&body, is_big, (uint8_t)resolution, 1);
        buf_repeat(&body, 0, 3);
    }
    if (offset_s) {
        put(&body, is_big, 14, 2);
        put(&body, is_big, 8, 2);
        put(&body, is_big, (uint64_t)offset_s, 8);
    }
    put(&body, is_big, 0, 4);
    block(out, is_big, 1, encode_done(&body));
}

/* The frame of a SYN from client port `port`. */
static bytes syn_frame(struct arena *arena, uint16_t port)
{
    struct buf file = buf_in(arena);
    struct talk t = talk_open(arena, &file, S("10.0.0.1"), S("10.0.0.2"), 445);
    t.port[0] = port;
    talk_flags(&t, 0, TCP_SYN);
    bytes all = encode_done(&file);
    return (bytes){all.ptr + 40, all.len - 40};
}

static void packet(struct arena *arena, struct buf *out, bool is_big, uint32_t on, uint64_t time,
                   bytes frame)
{
    struct buf body = buf_in(arena);
    put(&body, is_big, on, 4);
    put(&body, is_big, time >> 32, 4);
    put(&body, is_big, time & 0xFFFFFFFF, 4);
    put(&body, is_big, frame.len, 4);
    put(&body, is_big, frame.len, 4);
    buf_bytes(&body, frame);
    block(out, is_big, 6, encode_done(&body));
}

struct times {
    int64_t first_us[16];
    size_t n;
    struct told told;
};

static void on_time(void *to, const struct observation *o)
{
    struct times *times = to;
    if (times->n < COUNT_OF(times->first_us)) times->first_us[times->n++] = o->first_us;
}

static void on_time_skip(void *to, const struct skip *skip)
{
    struct times *times = to;
    on_skip(&times->told, skip);
}

static void on_time_record(void *to, int64_t at_us)
{
    (void)to;
    (void)at_us;
}

enum { CLOCK_S = 1700000000 };

/* Two sections of either byte order, with interfaces, clocks and blocks of every kind. */
static bytes build_pcapng(struct arena *arena)
{
    struct buf f = buf_in(arena);
    uint64_t second = CLOCK_S;
    section(arena, &f, false);
    block(&f, false, 4, str_bytes(S("names of hosts")));
    interface(arena, &f, false, LINK_ETHERNET, 0, 0);
    interface(arena, &f, false, LINK_ETHERNET, 9, 0);
    interface(arena, &f, false, 105, 0, 0);
    packet(arena, &f, false, 0, second * 1000000 + 1, syn_frame(arena, 1001));
    packet(arena, &f, false, 1, second * 1000000000 + 2000, syn_frame(arena, 1002));
    packet(arena, &f, false, 2, 0, syn_frame(arena, 1003)); /* not read */
    packet(arena, &f, false, 3, 0, syn_frame(arena, 1003)); /* not described */
    block(&f, false, 0x00000BAD, (bytes){NULL, 0});
    struct buf simple = buf_in(arena);
    bytes frame = syn_frame(arena, 1004);
    put(&simple, false, frame.len, 4);
    buf_bytes(&simple, frame);
    block(&f, false, 3, encode_done(&simple));
    section(arena, &f, true);
    interface(arena, &f, true, LINK_ETHERNET, 0x80 | 10, 3600);
    packet(arena, &f, true, 0, second * 1024 + 512, syn_frame(arena, 1005));
    struct buf old = buf_in(arena);
    put(&old, true, 0, 2);
    put(&old, true, 7, 2);
    put(&old, true, second * 1024 >> 32, 4);
    put(&old, true, second * 1024 & 0xFFFFFFFF, 4);
    frame = syn_frame(arena, 1006);
    put(&old, true, frame.len, 4);
    put(&old, true, frame.len, 4);
    buf_bytes(&old, frame);
    block(&f, true, 2, encode_done(&old));
    return encode_done(&f);
}

static void sections_interfaces_and_clocks(void **state)
{
    (void)state;
    struct arena arena = arena_open("pcapng", 0, NULL);
    bytes file = build_pcapng(&arena);
    const int64_t second = CLOCK_S;
    const int64_t expected[] = {
        second * 1000000 + 1,
        second * 1000000 + 2,
        second * 1000000 + 2, /* a simple packet has the time of the one before */
        (second + 3600) * 1000000 + 500000,
        (second + 3600) * 1000000,
    };
    for (size_t step = 1; step < 4096; step *= 7) {
        struct times times = {
            .told = {.arena = &arena, .text = buf_in(&arena)}
        };
        struct fact_sink sink = fact_sink_none();
        sink.to = &times;
        sink.observation = on_time;
        sink.use = on_use;
        sink.identity = on_identity;
        sink.skip = on_time_skip;
        sink.local_address = on_local_address;
        sink.record = on_time_record;
        sink.line_hash = on_line_hash;
        read_with(&capture_pcapng_reader, file, step, &sink);
        assert_int_equal(times.n, COUNT_OF(expected));
        for (size_t i = 0; i < COUNT_OF(expected); i++)
            if (times.first_us[i] != expected[i])
                fail_msg("packet %zu: %" PRId64 ", expected %" PRId64, i, times.first_us[i],
                         expected[i]);
        str skips = buf_text(&times.told.text);
        assert_true(str_contains(skips, S("link type 105 (IEEE 802.11) is not read")));
        assert_true(str_contains(skips, S("interface 3, which is not described")));
    }
    arena_close(&arena);
}

/* A block length that lies: the next block is found, and the part between is told. */
static void a_lying_block_is_stepped_over(void **state)
{
    (void)state;
    struct arena arena = arena_open("pcapng", 0, NULL);
    struct buf f = buf_in(&arena);
    section(&arena, &f, false);
    interface(&arena, &f, false, LINK_ETHERNET, 0, 0);
    size_t damaged = f.len;
    packet(&arena, &f, false, 0, 1, syn_frame(&arena, 1001));
    size_t behind = f.len;
    packet(&arena, &f, false, 0, 2, syn_frame(&arena, 1002));
    put_u32((uint8_t *)f.data + damaged + 4, 0x7FFFFFFD);
    char expected[512];
    snprintf(expected, sizeof expected,
             "skip %zu+%zu a block length that cannot be true; reading goes on at the next block\n"
             "10.0.0.1:1002 > 10.0.0.2:445 no-answer 0/0\n",
             damaged, behind - damaged);
    for (size_t step = 1; step < 4096; step *= 5) {
        struct told told = {.arena = &arena, .text = buf_in(&arena)};
        read_capture(&capture_pcapng_reader, encode_done(&f), step, &told);
        str got = buf_text(&told.text);
        if (!str_equal(got, str_of(expected))) fail_msg("step %zu: %.*s", step, STR_ARG(got));
    }
    arena_close(&arena);
}

/* A million SYNs that nobody answers: streams give way, are counted, and memory stays as stated in
 * docs/evidence-capture.md. */
static void half_open_streams_stay_bounded(void **state)
{
    (void)state;
    enum { STREAMS = 1000000, STATED_BYTES = 128 << 20 };
    struct arena arena = arena_open("half open", 0, NULL);
    struct told told = {.arena = &arena, .text = buf_in(&arena)};
    struct fact_sink sink = sink_of(&told);
    sink.observation = on_counted;
    struct capture *capture = capture_open(&arena, &sink);
    struct buf file = buf_in(&arena);
    struct talk t = talk_open(&arena, &file, S("10.0.0.1"), S("10.0.0.2"), 445);
    talk_flags(&t, 0, TCP_SYN);
    uint8_t frame[54];
    memcpy(frame, (const uint8_t *)file.data + 40, sizeof frame);
    for (uint32_t i = 0; i < STREAMS; i++) {
        /* Source address and port from the counter. */
        frame[26] = 10;
        frame[27] = (uint8_t)(i >> 16);
        frame[28] = (uint8_t)(i >> 8);
        frame[29] = (uint8_t)i;
        struct capture_frame captured = {
            .link_type = LINK_ETHERNET, .data = {frame, sizeof frame},
                 .at_us = i, .offset = i
        };
        capture_frame(capture, &captured);
    }
    uint64_t memory = capture_memory(capture);
    capture_close(capture);
    assert_int_equal(told.records, 2 * STREAMS); /* a packet and an observation each */
    char expected[128];
    snprintf(expected, sizeof expected, "skip 0+0 %d streams evicted", STREAMS - LIMIT_STREAMS);
    if (!str_starts(buf_text(&told.text), str_of(expected)))
        fail_msg("%.*s", STR_ARG(buf_text(&told.text)));
    if (memory > STATED_BYTES) fail_msg("%" PRIu64 " bytes", memory);
    print_message("%d half-open streams: %" PRIu64 " KiB\n", STREAMS, memory >> 10);
    arena_close(&arena);
}

struct firsts {
    uint64_t found;
    int64_t first_us[2];
    struct told told;
};

static void on_first(void *to, const struct observation *o)
{
    struct firsts *firsts = to;
    if (o->client_port != 50000 || addr_v4_value(o->client.addr) != 0x0A000001) return;
    if (firsts->found < COUNT_OF(firsts->first_us)) firsts->first_us[firsts->found] = o->first_us;
    firsts->found++;
}

static void on_first_record(void *to, int64_t at_us)
{
    (void)to;
    (void)at_us;
}

static void on_first_skip(void *to, const struct skip *skip)
{
    (void)to;
    (void)skip;
}

/* Every record of a little-endian capture in microseconds. */
static void feed_records(struct capture *capture, bytes file)
{
    struct cursor c = cursor_of(file, 0);
    cursor_skip(&c, 24, "file header");
    while (cursor_left(&c)) {
        int64_t seconds = cursor_u32le(&c, "seconds");
        int64_t micros = cursor_u32le(&c, "micros");
        uint32_t captured = cursor_u32le(&c, "captured");
        cursor_skip(&c, 4, "sent");
        struct capture_frame frame = {.link_type = LINK_ETHERNET,
                                      .at_us = seconds * INSTANT_SECOND + micros};
        frame.data = cursor_bytes(&c, captured, "frame");
        assert_true(cursor_ok(&c));
        capture_frame(capture, &frame);
    }
}

/* A conversation that gave way and goes on is told in two pieces with one start. */
static void a_resumed_piece_keeps_its_start(void **state)
{
    (void)state;
    struct arena arena = arena_open("resumed", 0, NULL);
    struct firsts firsts = {0};
    struct fact_sink sink = sink_of(&firsts.told);
    sink.to = &firsts;
    sink.observation = on_first;
    sink.record = on_first_record;
    sink.skip = on_first_skip;
    struct capture *capture = capture_open(&arena, &sink);
    struct buf one = buf_in(&arena), others = buf_in(&arena), rest = buf_in(&arena);
    struct talk t = talk_open(&arena, &one, S("10.0.0.1"), S("10.0.0.2"), 445);
    int64_t start_us = t.at_us;
    talk_handshake(&t);
    feed_records(capture, encode_done(&one));
    struct talk o = talk_open(&arena, &others, S("10.7.0.0"), S("10.0.0.2"), 445);
    for (uint32_t i = 0; i < LIMIT_STREAMS; i++) {
        o.addr[0] = addr_v4(0x0A070000 + i);
        o.next[0] = 1;
        talk_flags(&o, 0, TCP_SYN);
    }
    feed_records(capture, encode_done(&others));
    assert_int_equal(firsts.found, 1);
    encode_pcap_header(&rest, false, false, LINK_ETHERNET);
    t.file = &rest;
    t.at_us = o.at_us;
    say_smb3(&t);
    feed_records(capture, encode_done(&rest));
    capture_close(capture);
    assert_int_equal(firsts.found, 2);
    assert_int_equal(firsts.first_us[0], start_us);
    assert_int_equal(firsts.first_us[1], start_us);
    arena_close(&arena);
}

static void on_any(void *to, const struct observation *o)
{
    struct firsts *firsts = to;
    (void)o;
    firsts->found++;
}

/* However many conversations a capture has, memory is that of those that are open and some that
 * have ended; what comes late of an ended one is no conversation of its own. */
static void ended_conversations_are_let_go(void **state)
{
    (void)state;
    enum { CONVERSATIONS = 40000, BYTES = 40 << 20 };
    struct arena arena = arena_open("ended", 0, NULL);
    struct firsts firsts = {0};
    struct fact_sink sink = sink_of(&firsts.told);
    sink.to = &firsts;
    sink.observation = on_any;
    sink.record = on_first_record;
    sink.skip = on_first_skip;
    sink.identity = fact_sink_none().identity;
    sink.use = fact_sink_none().use;
    struct capture *capture = capture_open(&arena, &sink);
    int64_t at_us = 0;
    for (uint32_t i = 0; i < CONVERSATIONS; i++) {
        struct arena scratch = arena;
        struct buf file = buf_in(&scratch);
        struct talk t = talk_open(&scratch, &file, S("10.0.0.1"), S("10.0.0.2"), 445);
        t.addr[0] = addr_v4(0x0A080000 + i);
        t.at_us += i * INT64_C(100);
        normal(&t);
        /* The last acknowledgment of one that was let go already. */
        if (i > CONVERSATIONS / 2) {
            t.addr[0] = addr_v4(0x0A080000 + i - 8200);
            talk_flags(&t, 0, TCP_ACK);
        }
        at_us = t.at_us;
        feed_records(capture, encode_done(&file));
    }
    uint64_t memory = capture_memory(capture);
    assert_true(firsts.found > CONVERSATIONS / 2); /* told while the capture goes on */
    assert_true(firsts.found < CONVERSATIONS);
    /* After long, a packet on those ports is another conversation. */
    struct buf late = buf_in(&arena);
    struct talk t = talk_open(&arena, &late, S("10.8.0.0"), S("10.0.0.2"), 445);
    t.at_us = at_us + 3600 * INSTANT_SECOND;
    talk_flags(&t, 0, TCP_ACK);
    feed_records(capture, encode_done(&late));
    capture_close(capture);
    assert_int_equal(firsts.found, CONVERSATIONS + 1);
    if (memory > BYTES) fail_msg("%" PRIu64 " bytes", memory);
    arena_close(&arena);
}

/* Bytes that wait for a segment that never comes, in many conversations: the oldest give way. */
static void waiting_bytes_stay_bounded(void **state)
{
    (void)state;
    enum { CONVERSATIONS = 3000, SEGMENTS = 20, BYTES = 1000 };
    struct arena arena = arena_open("waiting", 0, NULL);
    struct told told = {.arena = &arena, .text = buf_in(&arena)};
    struct fact_sink sink = sink_of(&told);
    struct capture *capture = capture_open(&arena, &sink);
    struct buf junk = buf_in(&arena);
    buf_repeat(&junk, 'x', BYTES);
    for (uint32_t i = 0; i < CONVERSATIONS; i++) {
        struct arena scratch = arena; /* each conversation is made, fed and forgotten */
        struct buf file = buf_in(&scratch);
        struct talk t = talk_open(&scratch, &file, S("10.0.0.1"), S("10.0.0.2"), 445);
        t.addr[0] = addr_v4(0x0A080000 + i);
        talk_flags(&t, 0, TCP_SYN);
        t.next[0] += 10;
        for (unsigned j = 0; j < SEGMENTS; j++)
            talk_send(&t, 0, encode_done(&junk));
        feed_records(capture, encode_done(&file));
    }
    uint64_t memory = capture_memory(capture);
    capture_close(capture);
    assert_true(str_contains(buf_text(&told.text), S("times segments that waited for others")));
    if (memory > (uint64_t)LIMIT_STREAM_BUFFERS_TOTAL + (16 << 20))
        fail_msg("%" PRIu64 " bytes", memory);
    arena_close(&arena);
}

static bool write_seed(const char *folder, const char *name, bytes content)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file) return false;
    bool written = fwrite(content.ptr, 1, content.len, file) == content.len;
    return fclose(file) == 0 && written;
}

/* Writes each row, and a pcapng, as a seed for the fuzz target. */
static int write_seeds(const char *folder)
{
    bool written = true;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("seeds", 0, NULL);
        struct buf out = buf_in(&arena);
        build_row(i, &arena, &out);
        char name[32];
        snprintf(name, sizeof name, "%02zu.pcap", i);
        written = written && write_seed(folder, name, encode_done(&out));
        arena_close(&arena);
    }
    struct arena arena = arena_open("seeds", 0, NULL);
    written = written && write_seed(folder, "sections.pcapng", build_pcapng(&arena));
    arena_close(&arena);
    return written ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "seeds") == 0) return write_seeds(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_was_said),
        cmocka_unit_test(no_truncation_harms),
        cmocka_unit_test(every_form_is_one),
        cmocka_unit_test(damage_is_stepped_over),
        cmocka_unit_test(a_link_type_is_named_once),
        cmocka_unit_test(sections_interfaces_and_clocks),
        cmocka_unit_test(a_lying_block_is_stepped_over),
        cmocka_unit_test(half_open_streams_stay_bounded),
        cmocka_unit_test(a_resumed_piece_keeps_its_start),
        cmocka_unit_test(ended_conversations_are_let_go),
        cmocka_unit_test(waiting_bytes_stay_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
