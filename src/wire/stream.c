/* SPDX-License-Identifier: Apache-2.0 */
/* A segment in order goes to its framing in place. One that is not is held: copied, unless the
 * framing would only step over it (then its extent is enough). A gap is given up when the other end
 * has acknowledged what lies behind it several times (so the bytes did arrive, only not here), when
 * too much is held, or at the end.
 */
#include "wire/stream.h"

#include "base/hash.h"

enum {
    PIECES_PER_HALF = 256,
    ACKS_PAST_GAP = 4,
    WINDOW_MOST = 16 << 20, /* a jump by more is another connection or damage, no gap to wait for */
    RESUMED = 32768,        /* streams given up whose end is remembered */
    RESUMED_WAYS = 4,       /* places that one key may take, the oldest first */
    /* Ended streams that stay, for what comes late or again. */
    LINGERING = 8192,
    STRAY_US = 60000000, /* and behind them so long: packets of theirs begin nothing new */
};

struct piece {
    uint32_t sequence, length;
    uint32_t next;      /* plus one */
    struct chain bytes; /* what was captured of it; none if nobody needs it */
};

struct resumed {
    uint64_t key;
    int64_t start_us;
    int64_t ended_us;  /* it was over then; else it was evicted */
    uint64_t given_up; /* counter of those that were, to find the oldest; 0 = free */
    bool has_ended;
};

/* An ended stream, if its place was not given to another since. */
struct lingering {
    uint32_t index; /* plus one; 0 = none */
    uint64_t serial;
};

struct streams {
    struct stream_user user;
    struct stream *streams;
    uint32_t *heads; /* of the hash chains */
    size_t max, n_heads, fresh;
    uint32_t free, newest, oldest;
    uint32_t holds_newest, holds_oldest;
    uint64_t seed; /* of the table's hash */
    struct piece *pieces;
    uint32_t piece_free, piece_fresh;
    struct chunk_pool pool;
    uint8_t *scratch;
    struct resumed *resumed;
    struct lingering *lingering; /* a ring */
    size_t next_lingering;
    uint64_t started, given_up;
    struct stream_counts counts;
    /* The stream and direction whose bytes are being delivered. */
    struct stream *current;
    unsigned current_half;
};

/* Sequence numbers wrap (RFC 9293, 3.4): how far b is ahead of a. */
WRAPS static int32_t ahead(uint32_t a, uint32_t b)
{
    return (int32_t)(b - a);
}

WRAPS static uint32_t advance(uint32_t sequence, uint64_t n)
{
    return (uint32_t)(sequence + n);
}

static size_t on_item(void *to, const struct framing_item *item)
{
    struct streams *t = to;
    return t->user.item(t->user.to, t->current, t->current_half, item);
}

static struct framing_user framing_user(struct streams *t, struct stream *s, unsigned half)
{
    t->current = s;
    t->current_half = half;
    return (struct framing_user){.to = t, .pool = &t->pool, .scratch = t->scratch, .item = on_item};
}

struct streams *stream_open(struct arena *arena, size_t max_streams, struct stream_user user)
{
    struct streams *t = arena_new(arena, struct streams);
    t->user = user;
    t->max = max_streams;
    t->n_heads = 1;
    while (t->n_heads < 2 * max_streams)
        t->n_heads *= 2;
    t->streams = arena_map(t->max * sizeof *t->streams);
    t->heads = arena_map(t->n_heads * sizeof *t->heads);
    /* Where the OS put the table is not known to whoever made the capture, so nobody can choose
     * addresses that share one chain. No output depends on the order within a chain. */
    t->seed = hash_u64((uint64_t)(uintptr_t)t->heads);
    t->pieces = arena_map(LIMIT_STREAM_PIECES * sizeof *t->pieces);
    t->pool = chunk_open(LIMIT_STREAM_BUFFERS_TOTAL);
    t->resumed = arena_map(RESUMED * sizeof *t->resumed);
    t->lingering = arena_map(LINGERING * sizeof *t->lingering);
    /* The framing's, and behind it room for one held segment (a jumbo frame of segmentation offload
     * is at most as long as an IP packet). */
    t->scratch = arena_array(arena, uint8_t, (size_t)2 * FRAMING_GATHER_MOST);
    return t;
}

struct stream_counts stream_counts(const struct streams *t)
{
    return t->counts;
}

uint64_t stream_memory(const struct streams *t)
{
    return t->fresh * sizeof *t->streams + t->n_heads * sizeof *t->heads +
           t->piece_fresh * sizeof *t->pieces + (uint64_t)t->pool.fresh * (CHUNK_BYTES + 4) +
           RESUMED * sizeof *t->resumed + LINGERING * sizeof *t->lingering + FRAMING_GATHER_MOST;
}

/* Lists by index plus one. */

static void unlink_use(struct streams *t, struct stream *s)
{
    if (s->newer)
        t->streams[s->newer - 1].older = s->older;
    else
        t->newest = s->older;
    if (s->older)
        t->streams[s->older - 1].newer = s->newer;
    else
        t->oldest = s->newer;
}

static void link_newest(struct streams *t, struct stream *s)
{
    uint32_t index = (uint32_t)(s - t->streams) + 1;
    s->newer = 0;
    s->older = t->newest;
    if (t->newest)
        t->streams[t->newest - 1].newer = index;
    else
        t->oldest = index;
    t->newest = index;
}

static void unlink_holds(struct streams *t, struct stream *s)
{
    if (!s->holds) return;
    if (s->holds_newer)
        t->streams[s->holds_newer - 1].holds_older = s->holds_older;
    else
        t->holds_newest = s->holds_older;
    if (s->holds_older)
        t->streams[s->holds_older - 1].holds_newer = s->holds_newer;
    else
        t->holds_oldest = s->holds_newer;
    s->holds = false;
}

static void link_holds(struct streams *t, struct stream *s)
{
    if (s->holds) return;
    uint32_t index = (uint32_t)(s - t->streams) + 1;
    s->holds = true;
    s->holds_newer = 0;
    s->holds_older = t->holds_newest;
    if (t->holds_newest)
        t->streams[t->holds_newest - 1].holds_newer = index;
    else
        t->holds_oldest = index;
    t->holds_newest = index;
}

/* Whether a stream has anything in the pool decides its place in the list of holders. */
static void note_holding(struct streams *t, struct stream *s)
{
    bool holds = false;
    for (unsigned i = 0; i < 2; i++)
        holds = holds || s->half[i].held || s->half[i].framing.gathered.len;
    if (holds)
        link_holds(t, s);
    else
        unlink_holds(t, s);
}

/* Pieces out of order */

static uint32_t piece_take(struct streams *t)
{
    uint32_t taken = t->piece_free;
    if (taken) {
        t->piece_free = t->pieces[taken - 1].next;
    } else {
        if (t->piece_fresh == LIMIT_STREAM_PIECES) return 0;
        taken = ++t->piece_fresh;
    }
    t->pieces[taken - 1] = (struct piece){0};
    return taken;
}

static void piece_give(struct streams *t, uint32_t index)
{
    struct piece *p = &t->pieces[index - 1];
    chunk_free(&t->pool, &p->bytes);
    p->next = t->piece_free;
    t->piece_free = index;
}

/* Hands over the bytes that come next: `data` of `length` as sent. */
static void deliver(struct streams *t, struct stream *s, unsigned half, bytes data, uint32_t length)
{
    struct stream_half *h = &s->half[half];
    struct framing_user user = framing_user(t, s, half);
    h->bytes += length;
    h->next = advance(h->next, length);
    if (!framing_deliver(&h->framing, &user, data)) t->counts.dropped++;
    if (length > data.len) framing_gap(&h->framing, &user, length - data.len);
}

/* Delivers what is held and has become next. */
static void drain(struct streams *t, struct stream *s, unsigned half)
{
    struct stream_half *h = &s->half[half];
    while (h->held) {
        uint32_t index = h->held;
        struct piece *p = &t->pieces[index - 1];
        int32_t before = ahead(p->sequence, h->next); /* bytes of it that are known already */
        if (before < 0) return;
        h->held = p->next;
        h->held_pieces--;
        h->held_bytes -= p->bytes.len;
        h->past_gap = 0;
        if ((uint32_t)before < p->length) {
            /* Not the scratch of the framing, which may gather into its own meanwhile. */
            uint8_t *copy = t->scratch + FRAMING_GATHER_MOST;
            size_t captured = p->bytes.len;
            chunk_copy(&t->pool, &p->bytes, copy);
            bytes data = {copy, captured};
            size_t known = (size_t)before < captured ? (size_t)before : captured;
            data = (bytes){data.ptr + known, data.len - known};
            deliver(t, s, half, data, p->length - (uint32_t)before);
        }
        piece_give(t, index);
    }
}

/* Gives up waiting for the bytes before the first held piece. */
static void give_up_gap(struct streams *t, struct stream *s, unsigned half)
{
    struct stream_half *h = &s->half[half];
    if (!h->held) return;
    uint32_t missing = (uint32_t)ahead(h->next, t->pieces[h->held - 1].sequence);
    struct framing_user user = framing_user(t, s, half);
    if (!framing_ignores(&h->framing, missing)) t->counts.gaps++;
    framing_gap(&h->framing, &user, missing);
    h->next = advance(h->next, missing);
    drain(t, s, half);
}

static void drain_all(struct streams *t, struct stream *s, unsigned half)
{
    while (s->half[half].held)
        give_up_gap(t, s, half);
}

/* The stream that holds something for longest gives it up. */
static void drop_oldest_holder(struct streams *t)
{
    assert(t->holds_oldest && "the pool is only short when some stream holds of it");
    struct stream *s = &t->streams[t->holds_oldest - 1];
    for (unsigned half = 0; half < 2; half++) {
        struct stream_half *h = &s->half[half];
        if (!h->held && !h->framing.gathered.len) continue;
        t->counts.dropped++;
        framing_drop(&h->framing, &t->pool);
        while (h->held) {
            uint32_t index = h->held;
            struct piece *p = &t->pieces[index - 1];
            h->next = advance(p->sequence, p->length);
            h->held = p->next;
            piece_give(t, index);
        }
        h->held_pieces = 0;
        h->held_bytes = 0;
    }
    unlink_holds(t, s);
}

/* Holds a segment that is not next. False when there is no room for it. */
static bool hold(struct streams *t, struct stream *s, unsigned half,
                 const struct tcp_segment *segment)
{
    struct stream_half *h = &s->half[half];
    uint32_t *link = &h->held;
    uint32_t length = (uint32_t)segment->length;
    while (*link && ahead(t->pieces[*link - 1].sequence, segment->sequence) >= 0) {
        const struct piece *p = &t->pieces[*link - 1];
        /* All of it is held already. */
        if (ahead(segment->sequence, p->sequence) == 0 && p->length >= length) return true;
        link = &t->pieces[*link - 1].next;
    }
    uint32_t index = piece_take(t);
    if (!index) return false;
    struct piece *p = &t->pieces[index - 1];
    uint64_t end = (uint64_t)ahead(h->next, segment->sequence) + length;
    bytes payload = segment->payload;
    if (payload.len > FRAMING_GATHER_MOST) payload.len = FRAMING_GATHER_MOST;
    if (!framing_ignores(&h->framing, end) && !chunk_append(&t->pool, &p->bytes, payload)) {
        piece_give(t, index);
        return false;
    }
    p->sequence = segment->sequence;
    p->length = length;
    p->next = *link;
    *link = index;
    h->held_pieces++;
    h->held_bytes += p->bytes.len;
    return true;
}

/* Payload of one direction, wherever it lies. */
static void take_payload(struct streams *t, struct stream *s, unsigned half,
                         struct tcp_segment segment)
{
    struct stream_half *h = &s->half[half];
    int32_t distance = ahead(h->next, segment.sequence);
    if (distance > WINDOW_MOST || distance < -WINDOW_MOST) {
        /* No window is that large: the ports are used again and the capture missed the SYN. */
        drain_all(t, s, half);
        struct framing_user user = framing_user(t, s, half);
        framing_gap(&h->framing, &user, WINDOW_MOST);
        h->next = segment.sequence;
        distance = 0;
    }
    if (distance > 0) {
        if (!hold(t, s, half, &segment)) {
            drop_oldest_holder(t);
            if (!hold(t, s, half, &segment)) return;
        }
        if (h->held_bytes > LIMIT_STREAM_BUFFER || h->held_pieces > PIECES_PER_HALF)
            give_up_gap(t, s, half);
        return;
    }
    uint32_t known = (uint32_t)-distance;
    if (known >= segment.length) return; /* sent again */
    size_t cut = known < segment.payload.len ? known : segment.payload.len;
    bytes data = {segment.payload.ptr, segment.payload.len - cut};
    if (data.len) data.ptr += cut;
    deliver(t, s, half, data, (uint32_t)segment.length - known);
    if (h->held) drain(t, s, half);
}

/* The table */

static uint64_t key_hash(const struct streams *t, const struct addr addr[2], const uint16_t port[2],
                         uint8_t transport)
{
    uint64_t hash = hash_join(hash_join(t->seed, addr[0].hi), addr[0].lo);
    hash = hash_join(hash_join(hash, addr[1].hi), addr[1].lo);
    return hash_join(hash, (uint64_t)transport << 32 | (uint64_t)port[0] << 16 | port[1]);
}

struct key {
    struct addr addr[2];
    uint16_t port[2];
    uint8_t transport;
    unsigned half; /* which end the packet came from */
    uint64_t hash;
};

/* Both directions have one key: the smaller end first. */
static struct key key_of(const struct streams *t, struct addr from, struct addr to,
                         uint16_t from_port, uint16_t to_port, enum transport transport)
{
    int order = addr_compare(from, to);
    unsigned half = order > 0 || (order == 0 && from_port > to_port);
    struct key key = {.transport = (uint8_t)transport, .half = half};
    key.addr[half] = from;
    key.addr[!half] = to;
    key.port[half] = from_port;
    key.port[!half] = to_port;
    key.hash = key_hash(t, key.addr, key.port, key.transport);
    return key;
}

static struct stream *find(struct streams *t, const struct key *key)
{
    uint32_t index = t->heads[key->hash & (t->n_heads - 1)];
    while (index) {
        struct stream *s = &t->streams[index - 1];
        if (s->port[0] == key->port[0] && s->port[1] == key->port[1] &&
            s->transport == key->transport && addr_equal(s->addr[0], key->addr[0]) &&
            addr_equal(s->addr[1], key->addr[1]))
            return s;
        index = s->chained;
    }
    return NULL;
}

static void end(struct streams *t, struct stream *s)
{
    uint32_t index = (uint32_t)(s - t->streams) + 1;
    for (unsigned half = 0; half < 2; half++) {
        drain_all(t, s, half);
        struct framing_user user = framing_user(t, s, half);
        /* What waits for more of its message is read as it is. */
        if (s->half[half].framing.gathered.len)
            framing_gap(&s->half[half].framing, &user, FRAMING_GATHER_MOST);
        chunk_free(&t->pool, &s->half[half].framing.gathered);
    }
    unlink_holds(t, s);
    s->lingers = false;
    t->user.end(t->user.to, s);

    uint64_t hash = key_hash(t, s->addr, s->port, s->transport);
    uint32_t *link = &t->heads[hash & (t->n_heads - 1)];
    while (*link != index)
        link = &t->streams[*link - 1].chained;
    *link = s->chained;
    unlink_use(t, s);
    s->chained = t->free;
    t->free = index;
}

/* What is known of a stream that was given up; NULL = nothing. */
static const struct resumed *resumed_find(const struct streams *t, uint64_t key)
{
    const struct resumed *set = &t->resumed[key % (RESUMED / RESUMED_WAYS) * RESUMED_WAYS];
    for (size_t i = 0; i < RESUMED_WAYS; i++)
        if (set[i].given_up && set[i].key == key) return &set[i];
    return NULL;
}

static void resumed_put(struct streams *t, const struct stream *s, bool has_ended)
{
    uint64_t key = key_hash(t, s->addr, s->port, s->transport);
    struct resumed *set = &t->resumed[key % (RESUMED / RESUMED_WAYS) * RESUMED_WAYS], *oldest = set;
    for (size_t i = 0; i < RESUMED_WAYS; i++) {
        if (set[i].key == key) set[i].given_up = 0;
        if (set[i].given_up < oldest->given_up) oldest = &set[i];
    }
    *oldest = (struct resumed){
        .key = key,
        .start_us = s->start_us,
        .ended_us = s->last_us,
        .given_up = ++t->given_up,
        .has_ended = has_ended,
    };
}

static bool has_ended(const struct stream *s)
{
    return s->half[0].sent_rst || s->half[1].sent_rst ||
           (s->half[0].sent_fin && s->half[1].sent_fin);
}

static void evict(struct streams *t)
{
    struct stream *s = &t->streams[t->oldest - 1];
    if (!has_ended(s)) {
        if (s->is_kept || s->session) t->counts.evicted++;
        resumed_put(t, s, false);
    }
    end(t, s);
}

/* Of the streams that have ended the last ones stay; so what is held grows with the conversations
 * that are open, not with those of the whole capture. */
static void linger(struct streams *t, struct stream *s)
{
    if (s->lingers || !has_ended(s)) return;
    s->lingers = true;
    struct lingering *place = &t->lingering[t->next_lingering++ % LINGERING], old = *place;
    *place = (struct lingering){(uint32_t)(s - t->streams) + 1, s->serial};
    if (!old.index) return;
    struct stream *gone = &t->streams[old.index - 1];
    if (!gone->lingers || gone->serial != old.serial) return;
    resumed_put(t, gone, true);
    end(t, gone);
}

static struct stream *start(struct streams *t, const struct key *key, struct stream_place place)
{
    if (!t->free && t->fresh == t->max) evict(t);
    uint32_t index = t->free;
    if (index)
        t->free = t->streams[index - 1].chained;
    else
        index = (uint32_t)++t->fresh;
    struct stream *s = &t->streams[index - 1];
    *s = (struct stream){
        .addr = {key->addr[0], key->addr[1]},
        .port = {key->port[0], key->port[1]},
        .transport = key->transport,
        .first_half = (uint8_t)key->half,
        .first_us = place.at_us,
        .last_us = place.at_us,
        .start_us = place.at_us,
        .offset = place.offset,
        .serial = t->started++,
    };
    bool is_tcp = key->transport == TRANSPORT_TCP;
    for (unsigned i = 0; i < 2; i++) {
        if (t->user.keeps(t->user.to, (enum transport)key->transport, key->port[i]))
            s->is_kept = true;
        if (is_tcp && t->user.expects_smb(t->user.to, key->port[i]))
            s->half[0].framing.trusted = s->half[1].framing.trusted = true;
    }
    uint32_t *head = &t->heads[key->hash & (t->n_heads - 1)];
    s->chained = *head;
    *head = index;
    link_newest(t, s);
    return s;
}

static void touch(struct streams *t, struct stream *s, struct stream_place place)
{
    if (place.at_us < s->first_us) {
        if (s->start_us == s->first_us) s->start_us = place.at_us;
        s->first_us = place.at_us;
    }
    if (place.at_us > s->last_us) s->last_us = place.at_us;
    if (t->newest == (uint32_t)(s - t->streams) + 1) return;
    unlink_use(t, s);
    link_newest(t, s);
}

/* A SYN that is not the one that began this stream begins another one on the same ports. Of a SYN
 * that was not captured, the answer tells the number. */
static bool begins_another(const struct stream *s, unsigned half, const struct tcp_segment *segment)
{
    const struct stream_half *h = &s->half[half], *other = &s->half[!half];
    if ((segment->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN) return false;
    if (h->seen) return h->syn != segment->sequence;
    return other->has_ack && other->first_ack != advance(segment->sequence, 1);
}

static void note_flags(struct stream_half *h, const struct tcp_segment *segment)
{
    bool is_syn = segment->flags & TCP_SYN;
    bool is_ack = segment->flags & TCP_ACK;
    /* Packets change places on their way: the SYN before this one may come yet. */
    if (!h->seen) h->syn = advance(segment->sequence, UINT32_MAX);
    h->seen = true;
    if (is_ack && !h->has_ack) {
        h->has_ack = true;
        h->first_ack = segment->acknowledged;
    }
    if (is_syn && !is_ack) h->sent_syn = true;
    if (is_syn && is_ack) h->sent_syn_ack = true;
    if (is_syn) h->syn = segment->sequence;
    if (segment->flags & TCP_RST) h->sent_rst = true;
    if (segment->flags & TCP_FIN) h->sent_fin = true;
    if (is_ack && !is_syn && !(segment->flags & TCP_RST)) h->sent_ack = true;
}

/* The other end has received what lies behind a gap: it won't be sent again. */
static void take_acknowledgment(struct streams *t, struct stream *s, unsigned half,
                                const struct tcp_segment *segment)
{
    struct stream_half *other = &s->half[!half];
    if (!other->held || !(segment->flags & TCP_ACK)) return;
    if (ahead(t->pieces[other->held - 1].sequence, segment->acknowledged) <= 0) return;
    if (++other->past_gap >= ACKS_PAST_GAP) give_up_gap(t, s, !half);
}

void stream_segment(struct streams *t, const struct ip_packet *packet,
                    const struct tcp_segment *segment, struct stream_place place)
{
    struct key key =
        key_of(t, packet->from, packet->to, segment->from_port, segment->to_port, TRANSPORT_TCP);
    unsigned half = key.half;
    struct stream *s = find(t, &key);
    if (s && begins_another(s, half, segment)) {
        end(t, s);
        s = NULL;
    }
    if (!s) {
        bool is_syn = segment->flags & TCP_SYN;
        const struct resumed *before = is_syn ? NULL : resumed_find(t, key.hash);
        if (before && before->has_ended && place.at_us - before->ended_us < STRAY_US) return;
        s = start(t, &key, place);
        if (before && !before->has_ended && before->start_us <= place.at_us)
            s->start_us = before->start_us;
    } else {
        touch(t, s, place);
    }

    struct stream_half *h = &s->half[half];
    note_flags(h, segment);
    struct tcp_segment payload = *segment;
    if (segment->flags & TCP_SYN) {
        payload.sequence = advance(segment->sequence, 1);
        if (!h->started) {
            h->started = true;
            h->next = payload.sequence;
            h->framing = framing_from_start(h->framing.trusted);
        }
    }
    take_acknowledgment(t, s, half, segment);
    if (payload.length && !(segment->flags & TCP_RST)) {
        if (!(segment->flags & TCP_SYN)) h->sent_payload = true;
        if (!h->started) {
            h->started = true;
            h->next = payload.sequence;
        }
        take_payload(t, s, half, payload);
    }
    note_holding(t, s);
    linger(t, s);
}

void stream_datagram(struct streams *t, const struct ip_packet *packet,
                     const struct tcp_segment *datagram, struct stream_place place)
{
    struct key key =
        key_of(t, packet->from, packet->to, datagram->from_port, datagram->to_port, TRANSPORT_UDP);
    struct stream *s = find(t, &key);
    if (s)
        touch(t, s, place);
    else
        s = start(t, &key, place);
    s->half[key.half].seen = true;
    s->half[key.half].bytes += datagram->length;
}

void stream_unreachable(struct streams *t, const struct tcp_unreachable *message)
{
    struct key key =
        key_of(t, message->from, message->to, message->from_port, message->to_port, TRANSPORT_TCP);
    struct stream *s = find(t, &key);
    if (!s) return;
    const struct stream_half *h = &s->half[key.half];
    if (!h->sent_syn || (message->has_sequence && message->sequence != h->syn)) return;
    s->unreachable = true;
}

void stream_close(struct streams *t)
{
    while (t->oldest)
        end(t, &t->streams[t->oldest - 1]);
    arena_unmap(t->streams, t->max * sizeof *t->streams);
    arena_unmap(t->heads, t->n_heads * sizeof *t->heads);
    arena_unmap(t->pieces, LIMIT_STREAM_PIECES * sizeof *t->pieces);
    arena_unmap(t->resumed, RESUMED * sizeof *t->resumed);
    arena_unmap(t->lingering, LINGERING * sizeof *t->lingering);
    chunk_close(&t->pool);
}
