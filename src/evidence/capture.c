/* SPDX-License-Identifier: Apache-2.0 */
/* DESIGN.md 7: who is the client, what became of a connection, which conversations are kept. */
#include "evidence/capture.h"

#include "evidence/capture_quic.h"
#include "evidence/capture_session.h"
#include "evidence/netflow.h"
#include "wire/link.h"
#include "wire/stream.h"
#include "wire/tunnel.h"

enum { PORT_NETBIOS_SESSION = 139, PORT_SMB = 445, PORTS = 65536 };

struct capture {
    struct fact_sink sink;
    struct streams *streams;
    struct capture_sessions *sessions;
    struct capture_quic *quic;
    struct ip_fragments *fragments;
    struct netflow *exports; /* of flows, when any were met */
    struct arena *arena;
    struct stream_place place; /* of the packet in hand */
    uint64_t cut_frames, first_cut;
    uint8_t kept[2][PORTS / 8]; /* bit per port of a service: TCP, UDP */
};

static bool keeps(void *to, enum transport transport, uint16_t port)
{
    const struct capture *capture = to;
    return capture->kept[transport == TRANSPORT_UDP][port / 8] >> (port % 8) & 1;
}

static bool expects_smb(void *to, uint16_t port)
{
    (void)to;
    return port == PORT_NETBIOS_SESSION || port == PORT_SMB;
}

static size_t on_item(void *to, struct stream *stream, unsigned half,
                      const struct framing_item *item)
{
    struct capture *capture = to;
    return capture_session_item(capture->sessions, stream, half, item, capture->place);
}

/* Which end opened the conversation. */
static unsigned client_of(const struct capture *capture, const struct stream *s, int by_request)
{
    for (unsigned half = 0; half < 2; half++) {
        if (s->half[half].sent_syn) return half;
        if (s->half[half].sent_syn_ack) return !half;
    }
    if (by_request >= 0) return (unsigned)by_request;
    bool smb[2], kept[2];
    for (unsigned half = 0; half < 2; half++) {
        smb[half] = s->transport == TRANSPORT_TCP && expects_smb(NULL, s->port[half]);
        kept[half] =
            capture->kept[s->transport == TRANSPORT_UDP][s->port[half] / 8] >> (s->port[half] % 8) &
            1;
    }
    if (smb[0] != smb[1]) return smb[0];
    if (kept[0] != kept[1]) return kept[0];
    return s->first_half;
}

/* On this port only conversations of SMB come as far as a stream. */
static bool is_quic(const struct stream *s, unsigned client)
{
    return s->transport == TRANSPORT_UDP && s->port[!client] == CAPTURE_QUIC_PORT;
}

static enum outcome outcome_of(const struct stream *s, unsigned client)
{
    const struct stream_half *c = &s->half[client], *v = &s->half[!client];
    if (is_quic(s, client)) return v->seen ? OUTCOME_ESTABLISHED : OUTCOME_NO_ANSWER;
    if (s->transport != TRANSPORT_TCP) return OUTCOME_NONE;
    /* Payload after the SYN means that a SYN-ACK was received, though it was not captured. */
    if (v->sent_syn_ack || v->sent_payload || c->sent_payload) return OUTCOME_ESTABLISHED;
    if (!c->sent_syn) return OUTCOME_NONE;
    if (v->sent_rst) return OUTCOME_REFUSED;
    return s->unreachable ? OUTCOME_PROHIBITED : OUTCOME_NO_ANSWER;
}

/* The capture began, or was begun anew, when the connection was under way. */
static bool begins_within(const struct stream *s, unsigned client)
{
    return s->transport == TRANSPORT_TCP && !s->half[client].sent_syn &&
           !s->half[!client].sent_syn_ack;
}

static void on_end(void *to, struct stream *s)
{
    struct capture *capture = to;
    struct capture_summary facts;
    if (!s->is_kept && !s->session) return;
    capture_session_summary(capture->sessions, s, &facts);
    unsigned client = client_of(capture, s, facts.client_half);
    bool is_kept = keeps(capture, (enum transport)s->transport, s->port[!client]);
    if (is_kept || facts.is_smb) {
        struct observation fact = {
            .client = {.addr = s->addr[client]},
            .server = {.addr = s->addr[!client]},
            .transport = (enum transport)s->transport,
            .client_port = s->port[client],
            .port = s->port[!client],
            .is_smb = facts.is_smb || is_quic(s, client),
            .first_us = s->start_us,
            .last_us = s->last_us,
            .count = 1,
            .bytes_to_server = s->half[client].bytes,
            .bytes_to_client = s->half[!client].bytes,
            .outcome = outcome_of(s, client),
            .profile = PROFILE_UNKNOWN,
            .within = begins_within(s, client),
            .smb = facts.smb,
            .users = facts.names[NAME_USER],
            .client_names = facts.names[NAME_CLIENT],
            .server_names = facts.names[NAME_SERVER],
            .shares = facts.names[NAME_SHARE],
            .shares_refused = facts.shares_refused,
            .pipes = facts.names[NAME_PIPE],
            .interfaces = facts.names[NAME_INTERFACE],
            .offset = s->offset,
        };
        capture->sink.observation(capture->sink.to, &fact);
        struct use key = {
            .client = fact.client,
            .server = fact.server,
            .transport = fact.transport,
            .client_port = fact.client_port,
            .port = fact.port,
            .start_us = fact.first_us,
        };
        capture_session_uses(capture->sessions, s, &key);
    }
    capture_session_end(capture->sessions, s);
}

struct capture *capture_open(struct arena *arena, const struct fact_sink *sink)
{
    struct capture *capture = arena_new(arena, struct capture);
    capture->sink = *sink;
    capture->arena = arena;
    for (size_t i = 0; i < service_builtin.n; i++) {
        const struct service *service = &service_builtin.services[i];
        if (service->mark.len) continue;
        for (size_t j = 0; j < service->n_ports; j++)
            for (uint32_t port = service->ports[j].first; port <= service->ports[j].last; port++)
                capture->kept[service->ports[j].transport == TRANSPORT_UDP][port / 8] |=
                    (uint8_t)(1u << (port % 8));
    }
    capture->kept[1][CAPTURE_QUIC_PORT / 8] |= 1u << (CAPTURE_QUIC_PORT % 8);
    struct stream_user user = {
        .to = capture,
        .item = on_item,
        .end = on_end,
        .keeps = keeps,
        .expects_smb = expects_smb,
    };
    capture->streams = stream_open(arena, LIMIT_STREAMS, user);
    capture->sessions = capture_session_open(arena, LIMIT_STREAMS, &capture->sink);
    capture->fragments = ip_fragments_open(arena);
    capture->quic = capture_quic_open(arena);
    return capture;
}

/* The packet that is no tunnel's. False when it is none, or waits for further fragments. */
static bool innermost(struct capture *capture, bytes packet, struct ip_packet *out)
{
    struct ip_packet ip;
    for (unsigned depth = 0; depth <= TUNNEL_DEPTH; depth++) {
        if (!ip_decode(packet, &ip)) return false;
        if (ip.is_fragment && !ip_fragments_add(capture->fragments, &ip)) return false;
        if (!tunnel_decode(&ip, &packet)) {
            *out = ip;
            return true;
        }
    }
    return false;
}

static bool keeps_datagram(struct capture *capture, const struct ip_packet *ip,
                           const struct tcp_segment *datagram)
{
    uint16_t from = datagram->from_port, to = datagram->to_port;
    if (from != CAPTURE_QUIC_PORT && keeps(capture, TRANSPORT_UDP, from)) return true;
    if (to != CAPTURE_QUIC_PORT && keeps(capture, TRANSPORT_UDP, to)) return true;
    if (from != CAPTURE_QUIC_PORT && to != CAPTURE_QUIC_PORT) return false;
    str name;
    if (!capture_quic_is_smb(capture->quic, ip, datagram, &name)) return false;
    if (name.len) {
        struct identity identity = {
            .addr = ip->to,
            .name = name,
            .seen_us = capture->place.at_us,
            .source = IDENTITY_TREE_PATH,
            .offset = capture->place.offset,
        };
        capture->sink.identity(capture->sink.to, &identity);
    }
    return true;
}

/* What an exporter sends to a collector tells of conversations elsewhere. */
static bool is_export(struct capture *capture, const struct ip_packet *ip,
                      const struct tcp_segment *datagram)
{
    bytes payload = datagram->payload;
    if (!netflow_cut_expected(datagram->to_port, payload) && !netflow_cut_fits(payload))
        return false;
    if (!capture->exports) capture->exports = netflow_open(capture->arena, &capture->sink);
    struct netflow_datagram export = {
        .data = payload,
        .offset = capture->place.offset,
        .in_capture = true,
        .received_us = capture->place.at_us,
        .exporter = ip->from,
    };
    netflow_datagram(capture->exports, &export);
    return true;
}

void capture_frame(struct capture *capture, const struct capture_frame *frame)
{
    bytes packet;
    struct ip_packet ip;
    struct tcp_segment segment;
    struct tcp_unreachable unreachable;

    capture->sink.record(capture->sink.to, frame->at_us);
    capture->place = (struct stream_place){.at_us = frame->at_us, .offset = frame->offset};
    if (!link_decode(frame->link_type, frame->data, &packet)) return;
    if (!innermost(capture, packet, &ip)) return;
    switch (ip.protocol) {
    case IP_TCP:
        if (!tcp_decode(&ip, &segment)) return;
        if (segment.payload.len < segment.length && frame->is_cut &&
            (expects_smb(NULL, segment.from_port) || expects_smb(NULL, segment.to_port))) {
            if (!capture->cut_frames) capture->first_cut = frame->offset;
            capture->cut_frames++;
        }
        stream_segment(capture->streams, &ip, &segment, capture->place);
        return;
    case IP_UDP:
        if (!tcp_decode_udp(&ip, &segment)) return;
        if (is_export(capture, &ip, &segment)) return;
        if (!keeps_datagram(capture, &ip, &segment)) return;
        stream_datagram(capture->streams, &ip, &segment, capture->place);
        return;
    case IP_ICMP:
    case IP_ICMPV6:
        if (tcp_decode_unreachable(&ip, &unreachable))
            stream_unreachable(capture->streams, &unreachable);
        return;
    default:
        return;
    }
}

void capture_content(struct capture *capture, bytes record)
{
    /* The record's own header, times and lengths in it, and the packet's up to TCP: two captures
     * that agree in all of these, packet after packet, agree in what they carried. */
    enum { IDENTIFYING = 28 + 96 };
    if (record.len > IDENTIFYING) record.len = IDENTIFYING;
    capture->sink.content(capture->sink.to, record);
}

void capture_skip(struct capture *capture, uint64_t offset, uint64_t length, const char *format,
                  ...)
{
    char text[LIMIT_ERR_TEXT];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (n < 0) return;
    size_t len = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    struct skip skip = {
        .offset = offset, .length = length, .reason = {text, len}
    };
    capture->sink.skip(capture->sink.to, &skip);
}

void capture_skip_link(struct capture *capture, uint64_t offset, uint32_t link_type)
{
    str name = link_name(link_type);
    if (name.len)
        capture_skip(capture, offset, 0, "link type %" PRIu32 " (%.*s) is not read", link_type,
                     STR_ARG(name));
    else
        capture_skip(capture, offset, 0, "link type %" PRIu32 " is not read", link_type);
}

uint64_t capture_memory(const struct capture *capture)
{
    return stream_memory(capture->streams) + capture_session_memory(capture->sessions) +
           (capture->exports ? netflow_memory(capture->exports) : 0);
}

void capture_close(struct capture *capture)
{
    stream_close(capture->streams);
    if (capture->exports) netflow_close(capture->exports);
    struct stream_counts counts = stream_counts(capture->streams);
    uint64_t fragments = ip_fragments_lost(capture->fragments);
    uint64_t dropped = capture_session_dropped(capture->sessions);
    if (counts.evicted)
        capture_skip(capture, 0, 0,
                     "%" PRIu64 " streams evicted: more than %d conversations were open at once",
                     counts.evicted, LIMIT_STREAMS);
    if (counts.dropped)
        capture_skip(capture, 0, 0,
                     "%" PRIu64 " times segments that waited for others were dropped: %d MiB were "
                     "full",
                     counts.dropped, LIMIT_STREAM_BUFFERS_TOTAL >> 20);
    if (fragments)
        capture_skip(capture, 0, 0, "%" PRIu64 " IP fragments could not be put together",
                     fragments);
    if (dropped) capture_skip(capture, 0, 0, "%" PRIu64 " names and uses found no room", dropped);
    if (capture->cut_frames)
        capture_skip(capture, capture->first_cut, 0,
                     "%" PRIu64 " SMB packets were captured only in part", capture->cut_frames);
    capture_session_close(capture->sessions);
    ip_fragments_close(capture->fragments);
    capture_quic_close(capture->quic);
}
