/* SPDX-License-Identifier: Apache-2.0 */
/* TCP conversations of a capture, put together again in bounded memory: out of order, repeated,
 * overlapping and missing segments, one-sided and mid-stream captures, reuse of ports. UDP
 * conversations are kept in the same table, without content.
 *
 * Memory: LIMIT_STREAMS records, LIMIT_STREAM_BUFFERS_TOTAL of bytes that wait, LIMIT_STREAM_PIECES
 * descriptions of them; all mapped once and touched by use. When the table is full the stream that
 * was quiet for longest is ended; when the buffers are full the stream that holds some for longest
 * gives them up. Both are counted.
 */
#pragma once

#include "base/service.h"
#include "wire/framing.h"
#include "wire/tcp.h"

/* What came from one end. */
struct stream_half {
    uint32_t next;       /* sequence number expected, once `started` */
    uint32_t first_ack;  /* first sequence number that it acknowledged, once `has_ack` */
    uint32_t syn;        /* sequence number of its SYN, or that before the first one seen */
    uint32_t held;       /* first piece that is out of order, plus one */
    uint32_t held_bytes; /* copied of them */
    uint16_t held_pieces;
    uint8_t past_gap; /* acknowledgments that the other end sent for bytes beyond a gap */
    bool seen : 1, started : 1, sent_syn : 1, sent_syn_ack : 1, sent_rst : 1, sent_fin : 1;
    bool has_ack : 1;
    bool sent_payload : 1; /* in another segment than its SYN */
    bool sent_ack : 1;     /* something that is neither SYN nor RST */
    uint64_t bytes;        /* payload, counted once */
    struct framing framing;
};

struct stream {
    struct addr addr[2];
    uint16_t port[2];
    uint8_t transport;  /* enum transport */
    uint8_t first_half; /* which end was seen first */
    bool unreachable;   /* an ICMP message refused its SYN */
    bool is_kept;       /* a service's port: reported whatever it carries */
    uint32_t session;   /* the user's; 0 = none */
    int64_t first_us, last_us;
    int64_t start_us; /* first_us, of the piece before if this one resumes an evicted one */
    uint64_t offset;  /* of the first packet in the source */
    uint64_t serial;  /* no other stream of the table has had it */
    struct stream_half half[2];
    uint32_t chained, newer, older; /* in the hash and by use; indices plus one */
    uint32_t holds_newer, holds_older;
    bool holds;
    bool lingers; /* it is over, and stays for a while */
};

struct stream_user {
    void *to;
    /* An item of SMB that half `half` sent; see framing_user. */
    size_t (*item)(void *to, struct stream *stream, unsigned half, const struct framing_item *item);
    /* The stream is over (or evicted): the last that is heard of it. */
    void (*end)(void *to, struct stream *stream);
    /* Ports whose conversations are kept, and on which SMB is expected. */
    bool (*keeps)(void *to, enum transport transport, uint16_t port);
    bool (*expects_smb)(void *to, uint16_t port);
};

struct stream_counts {
    uint64_t evicted; /* conversations that are kept and had not ended */
    uint64_t dropped; /* times that a direction gave up what it held */
    uint64_t gaps;    /* places where bytes are missing that were needed */
};

/* When and where a packet was captured. */
struct stream_place {
    int64_t at_us;
    uint64_t offset;
};

struct streams;
/* max_streams: LIMIT_STREAMS; tests use fewer. */
struct streams *stream_open(struct arena *arena, size_t max_streams, struct stream_user user);
void stream_segment(struct streams *streams, const struct ip_packet *packet,
                    const struct tcp_segment *segment, struct stream_place place);
void stream_datagram(struct streams *streams, const struct ip_packet *packet,
                     const struct tcp_segment *datagram, struct stream_place place);
void stream_unreachable(struct streams *streams, const struct tcp_unreachable *message);
/* Ends all streams, in the order in which they were last used, and gives back the memory. */
void stream_close(struct streams *streams);
struct stream_counts stream_counts(const struct streams *streams);
/* Bytes of memory that streams and their buffers have touched. */
uint64_t stream_memory(const struct streams *streams);
