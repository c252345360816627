/* SPDX-License-Identifier: Apache-2.0 */
/* docs/evidence-flows.md has the rules of this file in words: which records are one conversation,
 * who is the server, what became of it.
 */
#include "evidence/flow_pairs.h"

#include "base/hash.h"
#include "base/instant.h"
#include "base/limits.h"
#include "base/map.h"
#include "wire/tcp.h"

enum {
    BUCKETS = LIMIT_FLOW_PAIRS, /* a power of two */
    NONE = 0,                   /* pairs are numbered from 1 */
    PORTS = 65536,
    UNKNOWN_END = 2,
    /* The largest TCP/IP headers of packets without payload: 20 bytes of IPv4 or 40 of IPv6, 20 of
     * TCP and 20 of options, which a SYN may have. */
    BARE_V4 = 60,
    BARE_V6 = 80,
};

/* Two records of one handshake begin this close: the span that joins sightings (matrix/join). */
#define HANDSHAKE_US (2 * INSTANT_SECOND)
/* The same packets seen at two interfaces of one exporter. */
#define SAME_US (INSTANT_SECOND / 10)
/* Without flags a silence this long ends a conversation. Exporters end a flow after 15 seconds to
 * some minutes of silence; cloud logs write a record at least every ten minutes. */
#define SILENCE_US (600 * INSTANT_SECOND)

/* One direction of a conversation. */
struct way {
    uint32_t vantage; /* that counted it */
    bool is_seen, flags_known;
    uint8_t flags;
    int64_t first_us, last_us;
    uint64_t bytes, packets;
    /* Of its last record: */
    int64_t piece_first_us, piece_last_us;
    uint64_t piece_bytes, piece_packets;
};

struct pair {
    struct addr addr[2];
    uint16_t port[2];
    enum transport transport;
    uint32_t vantage;
    uint8_t first_end; /* sent the packets of the first record */
    uint8_t opened_by; /* as the format says; UNKNOWN_END */
    bool has_begin;    /* begin_us is known */
    bool follows;      /* another conversation of these ends is known before it */
    bool was_allowed, was_blocked, is_sampled;
    uint8_t assumed;
    int64_t begin_us; /* of the first record that tells of the beginning: with a SYN */
    int64_t first_us, last_us;
    uint64_t offset;
    struct way way[2]; /* by sender */
};

/* What binds pairs together, apart from them: a search looks at this table, which stays in the
 * processor's cache, and at a pair only when its tag is right. */
struct node {
    uint32_t tag;          /* hash of its ends; tells its bucket */
    uint32_t next;         /* of its bucket: the conversation begun before; or the next unused */
    uint32_t older, newer; /* by use */
};

struct flow_pairs {
    struct fact_sink sink;
    struct arena *arena;
    struct pair *pairs; /* LIMIT_FLOW_PAIRS + 1 */
    struct node *nodes; /* of pairs */
    uint32_t *buckets;
    uint32_t n, oldest, newest, unused;
    uint64_t halves; /* told of for lack of room, with one direction only */
    struct map vantages;
    size_t n_vantages;
    bool joins_vantages;
    uint32_t speaking; /* the vantage that the sink was told last */
    str names[LIMIT_FLOW_VANTAGES + 1];
    uint8_t kept[2][PORTS / 8]; /* bit per port of a service: TCP, UDP */
};

struct flow_pairs *flow_pairs_open(struct arena *arena, const struct fact_sink *sink)
{
    struct flow_pairs *pairs = arena_new(arena, struct flow_pairs);
    pairs->sink = *sink;
    pairs->arena = arena;
    pairs->pairs = arena_array(arena, struct pair, LIMIT_FLOW_PAIRS + 1);
    pairs->nodes = arena_array(arena, struct node, LIMIT_FLOW_PAIRS + 1);
    pairs->buckets = arena_array(arena, uint32_t, BUCKETS);
    for (size_t i = 0; i < service_builtin.n; i++) {
        const struct service *service = &service_builtin.services[i];
        if (service->mark.len) continue;
        for (size_t j = 0; j < service->n_ports; j++)
            for (uint32_t port = service->ports[j].first; port <= service->ports[j].last; port++)
                pairs->kept[service->ports[j].transport == TRANSPORT_UDP][port / 8] |=
                    (uint8_t)(1u << (port % 8));
    }
    return pairs;
}

uint32_t flow_pairs_vantage(struct flow_pairs *pairs, str name)
{
    if (!name.len) return 0;
    const uint64_t *known = map_find(&pairs->vantages, name);
    if (known) return (uint32_t)*known;
    if (pairs->n_vantages == LIMIT_FLOW_VANTAGES) return 0;
    uint32_t number = (uint32_t)++pairs->n_vantages;
    map_put(&pairs->vantages, pairs->arena, name, number, NULL);
    pairs->names[number] = str_copy(pairs->arena, name);
    return number;
}

void flow_pairs_join_vantages(struct flow_pairs *pairs)
{
    pairs->joins_vantages = true;
}

void flow_pairs_speak(struct flow_pairs *pairs, uint32_t vantage)
{
    if (pairs->speaking == vantage || pairs->joins_vantages) return;
    pairs->speaking = vantage;
    pairs->sink.origin(pairs->sink.to, vantage ? pairs->names[vantage] : (str){0});
}

static bool is_service(const struct flow_pairs *pairs, enum transport transport, uint16_t port)
{
    return pairs->kept[transport == TRANSPORT_UDP][port / 8] >> (port % 8) & 1;
}

bool flow_pairs_keeps(const struct flow_pairs *pairs, enum transport transport, uint16_t from_port,
                      uint16_t to_port)
{
    return (transport == TRANSPORT_TCP || transport == TRANSPORT_UDP) &&
           (is_service(pairs, transport, from_port) || is_service(pairs, transport, to_port));
}

/* ---- What is known of a conversation, as an observation ---------------------------------------
 */

static bool has_flag(const struct way *way, uint8_t flag)
{
    return way->flags_known && (way->flags & flag);
}

/* More bytes than packets without payload could have. */
static bool has_payload(const struct pair *pair, const struct way *way)
{
    uint64_t bare = 0;
    if (has_flag(way, TCP_PSH)) return true;
    if (!way->packets) return false;
    if (!num_mul(way->packets, addr_is_v4(pair->addr[0]) ? BARE_V4 : BARE_V6, &bare)) return false;
    return way->bytes > bare;
}

/* A SYN and never an ACK: nothing but a client sends that. Where acknowledgements are not told, the
 * server's SYN-ACK still has its ACK. */
static bool only_syn(const struct way *way)
{
    return has_flag(way, TCP_SYN) && !has_flag(way, TCP_ACK);
}

/* The end that opened the conversation; *guessed when nothing but the order of records says so. */
static unsigned client_of(const struct flow_pairs *pairs, const struct pair *pair, bool *guessed)
{
    const struct way *way = pair->way;
    bool kept[2];
    *guessed = false;
    if (pair->transport == TRANSPORT_TCP && only_syn(&way[0]) != only_syn(&way[1]))
        return only_syn(&way[0]) ? 0 : 1;
    for (unsigned end = 0; end < 2; end++)
        kept[end] = is_service(pairs, pair->transport, pair->port[end]);
    if (kept[0] != kept[1]) return kept[0] ? 1 : 0;
    if (pair->opened_by != UNKNOWN_END) return pair->opened_by;
    *guessed = true;
    if (way[0].is_seen && way[1].is_seen && way[0].first_us != way[1].first_us)
        return way[0].first_us < way[1].first_us ? 0 : 1;
    return pair->first_end;
}

static enum outcome verdict_of(const struct pair *pair)
{
    if (pair->was_blocked) return OUTCOME_BLOCKED;
    return pair->was_allowed ? OUTCOME_ALLOWED : OUTCOME_NONE;
}

static enum outcome outcome_of(const struct pair *pair, unsigned client)
{
    const struct way *c = &pair->way[client], *s = &pair->way[!client];
    if (pair->transport != TRANSPORT_TCP) return verdict_of(pair);
    bool client_sent = has_payload(pair, c), server_sent = has_payload(pair, s);
    /* What a firewall dropped may carry payload in one direction: not what it says of the flow. */
    if (pair->was_blocked && !(client_sent && server_sent)) return OUTCOME_BLOCKED;
    if (client_sent || server_sent || has_flag(s, TCP_SYN)) return OUTCOME_ESTABLISHED;
    /* The client's ACK of the handshake: it had an answer that was no reset. */
    if (has_flag(c, TCP_SYN) && has_flag(c, TCP_ACK)) return OUTCOME_ESTABLISHED;
    /* From here on the absence of something is the evidence. */
    if (pair->is_sampled || !only_syn(c)) return verdict_of(pair);
    if (has_flag(s, TCP_RST)) return OUTCOME_REFUSED;
    if (s->is_seen || pair->was_allowed) return verdict_of(pair);
    return OUTCOME_NO_ANSWER;
}

/* Whether it may be the rest of a connection that was told of before: it began without its SYN, or
 * nothing tells and it is the first of its ends here. */
static bool is_within(const struct pair *pair, enum outcome outcome)
{
    if (pair->transport != TRANSPORT_TCP || pair->has_begin || outcome == OUTCOME_BLOCKED)
        return false;
    bool known = (pair->way[0].flags_known || !pair->way[0].is_seen) &&
                 (pair->way[1].flags_known || !pair->way[1].is_seen);
    return known || !pair->follows;
}

static void tell(struct flow_pairs *pairs, const struct pair *pair)
{
    bool guessed;
    unsigned client = client_of(pairs, pair, &guessed), server = !client;
    if (!is_service(pairs, pair->transport, pair->port[server])) return;
    enum outcome outcome = outcome_of(pair, client);
    struct observation fact = {
        .client = {.addr = pair->addr[client]},
        .server = {.addr = pair->addr[server]},
        .transport = pair->transport,
        .client_port = pair->port[client],
        .port = pair->port[server],
        .first_us =
            pair->has_begin && pair->begin_us < pair->last_us ? pair->begin_us : pair->first_us,
        .last_us = pair->last_us,
        .count = 1,
        .bytes_to_server = pair->way[client].bytes,
        .bytes_to_client = pair->way[server].bytes,
        .outcome = outcome,
        .profile = PROFILE_UNKNOWN,
        .assumed = (uint8_t)(pair->assumed | (guessed ? 1u << ASSUMED_SERVER : 0)),
        .within = is_within(pair, outcome),
        .offset = pair->offset,
    };
    flow_pairs_speak(pairs, pair->vantage);
    pairs->sink.observation(pairs->sink.to, &fact);
}

/* ---- The table ---------------------------------------------------------------------------------
 */

static void unlink_use(struct flow_pairs *pairs, uint32_t number)
{
    struct node *node = &pairs->nodes[number];
    if (node->older)
        pairs->nodes[node->older].newer = node->newer;
    else
        pairs->oldest = node->newer;
    if (node->newer)
        pairs->nodes[node->newer].older = node->older;
    else
        pairs->newest = node->older;
}

static void link_use(struct flow_pairs *pairs, uint32_t number)
{
    struct node *node = &pairs->nodes[number];
    node->older = pairs->newest;
    node->newer = NONE;
    if (pairs->newest)
        pairs->nodes[pairs->newest].newer = number;
    else
        pairs->oldest = number;
    pairs->newest = number;
}

/* Tells of a conversation and forgets it. */
static void evict(struct flow_pairs *pairs, uint32_t number)
{
    const struct pair *pair = &pairs->pairs[number];
    struct node *node = &pairs->nodes[number];
    uint32_t *link = &pairs->buckets[node->tag % BUCKETS];
    while (*link != number)
        link = &pairs->nodes[*link].next;
    *link = node->next;
    unlink_use(pairs, number);
    if (!pair->way[0].is_seen || !pair->way[1].is_seen) pairs->halves++;
    tell(pairs, pair);
    node->next = pairs->unused;
    pairs->unused = number;
}

static uint32_t take_number(struct flow_pairs *pairs)
{
    if (!pairs->unused && pairs->n == LIMIT_FLOW_PAIRS) evict(pairs, pairs->oldest);
    uint32_t number = pairs->unused;
    if (!number) return ++pairs->n;
    pairs->unused = pairs->nodes[number].next;
    return number;
}

/* ---- Records to conversations -------------------------------------------------------------------
 */

/* A record seen from its conversation: ends in a fixed order, so both directions have one key. */
struct seen {
    const struct flow_record *record;
    struct addr addr[2];
    uint16_t port[2];
    uint32_t vantage;
    uint8_t from; /* which end sent */
    bool has_begin;
    uint32_t tag;
};

static struct seen seen_of(const struct flow_pairs *pairs, const struct flow_record *record)
{
    int order = addr_compare(record->from, record->to);
    uint8_t from = order ? order > 0 : record->from_port > record->to_port;
    struct seen seen = {.record = record, .from = from};
    seen.addr[from] = record->from;
    seen.addr[!from] = record->to;
    seen.port[from] = record->from_port;
    seen.port[!from] = record->to_port;
    seen.has_begin = record->begins || (record->transport == TRANSPORT_TCP && record->flags_known &&
                                        ((record->flags | record->reverse_flags) & TCP_SYN));
    uint64_t hash = hash_join(addr_hash(seen.addr[0]), addr_hash(seen.addr[1]));
    hash = hash_join(hash, (uint64_t)seen.port[0] << 32 | (uint64_t)seen.port[1] << 16 |
                               (uint64_t)record->transport);
    seen.vantage = pairs->joins_vantages ? 0 : record->vantage;
    hash = hash_join(hash, seen.vantage);
    seen.tag = (uint32_t)hash;
    return seen;
}

static bool same_ends(const struct pair *pair, const struct seen *seen)
{
    return pair->port[0] == seen->port[0] && pair->port[1] == seen->port[1] &&
           pair->vantage == seen->vantage && pair->transport == seen->record->transport &&
           addr_equal(pair->addr[0], seen->addr[0]) && addr_equal(pair->addr[1], seen->addr[1]);
}

/* Times come from input: their differences saturate. */
static int64_t after(int64_t time, int64_t other)
{
    int64_t gap;
    if (num_sub(time, other, &gap)) return gap;
    return time < other ? INT64_MIN : INT64_MAX;
}

static bool is_near(const struct pair *pair, const struct flow_record *r)
{
    return after(r->first_us, pair->last_us) <= SILENCE_US &&
           after(pair->first_us, r->last_us) <= SILENCE_US;
}

/* Whether a record of the same ends tells of this conversation. */
static bool belongs(const struct pair *pair, const struct seen *seen)
{
    const struct flow_record *r = seen->record;
    const struct way *back = &pair->way[!seen->from];
    int64_t begin = pair->has_begin ? pair->begin_us : pair->first_us;
    int64_t since = after(r->first_us, begin);
    if (!seen->has_begin) {
        if (since < -HANDSHAKE_US) return !pair->has_begin && is_near(pair, r);
        return (r->transport == TRANSPORT_TCP && r->flags_known) || is_near(pair, r);
    }
    if (since >= -HANDSHAKE_US && since <= HANDSHAKE_US) return true;
    /* Records come in any order: what follows the beginning was met before it. */
    if (!pair->has_begin) return since < 0 && is_near(pair, r);
    /* A SYN that was repeated is answered late, and an answer is told of before its question. */
    return !pair->way[seen->from].is_seen && back->is_seen && since > 0 &&
           after(r->first_us, back->last_us) <= HANDSHAKE_US;
}

/* NONE when no conversation fits. *follows: there was one of the same ends. */
static uint32_t find(struct flow_pairs *pairs, const struct seen *seen, bool *follows)
{
    size_t looked = 0;
    *follows = false;
    for (uint32_t at = pairs->buckets[seen->tag % BUCKETS], next; at; at = next) {
        const struct pair *pair = &pairs->pairs[at];
        next = pairs->nodes[at].next;
        if (pairs->nodes[at].tag == seen->tag && same_ends(pair, seen)) {
            if (belongs(pair, seen)) return at;
            *follows = true;
        }
        /* A bucket that somebody filled on purpose, or one port that is used again and again. */
        if (++looked == LIMIT_FLOW_PROBES) evict(pairs, at);
    }
    return NONE;
}

static uint32_t begin(struct flow_pairs *pairs, const struct seen *seen, bool follows)
{
    const struct flow_record *r = seen->record;
    uint32_t number = take_number(pairs);
    pairs->pairs[number] = (struct pair){
        .addr = {seen->addr[0], seen->addr[1]},
        .port = {seen->port[0], seen->port[1]},
        .transport = r->transport,
        .vantage = seen->vantage,
        .first_end = seen->from,
        .opened_by = UNKNOWN_END,
        .follows = follows,
        .first_us = r->first_us,
        .last_us = r->last_us,
        .offset = r->offset,
    };
    uint32_t *bucket = &pairs->buckets[seen->tag % BUCKETS];
    pairs->nodes[number] = (struct node){.tag = seen->tag, .next = *bucket};
    *bucket = number;
    link_use(pairs, number);
    return number;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    uint64_t total = 0;
    return num_add(a, b, &total) ? total : UINT64_MAX;
}

static bool is_close(int64_t a, int64_t b)
{
    int64_t gap = after(a, b);
    return gap >= -SAME_US && gap <= SAME_US;
}

/* What one record says of one direction. */
struct piece {
    uint32_t vantage;
    int64_t first_us, last_us;
    uint64_t bytes, packets;
    uint8_t flags;
    bool flags_known, is_cumulative;
};

/* The same packets told again, by another point or from another interface of one. */
static bool is_told(const struct way *way, const struct piece *piece)
{
    if (!way->is_seen) return false;
    if (piece->vantage != way->vantage) return true;
    return is_close(piece->first_us, way->piece_first_us) &&
           is_close(piece->last_us, way->piece_last_us) && piece->bytes == way->piece_bytes &&
           piece->packets == way->piece_packets;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void count_piece(struct way *way, const struct piece *piece)
{
    if (piece->is_cumulative) {
        way->bytes = larger(way->bytes, piece->bytes);
        way->packets = larger(way->packets, piece->packets);
    } else {
        way->bytes = sum(way->bytes, piece->bytes);
        way->packets = sum(way->packets, piece->packets);
    }
    way->piece_first_us = piece->first_us;
    way->piece_last_us = piece->last_us;
    way->piece_bytes = piece->bytes;
    way->piece_packets = piece->packets;
}

static void add_piece(struct way *way, const struct piece *piece)
{
    if (!is_told(way, piece)) count_piece(way, piece);
    if (!way->is_seen) {
        way->vantage = piece->vantage;
        way->first_us = piece->first_us;
        way->last_us = piece->last_us;
    }
    if (piece->first_us < way->first_us) way->first_us = piece->first_us;
    if (piece->last_us > way->last_us) way->last_us = piece->last_us;
    way->is_seen = true;
    way->flags |= piece->flags;
    if (piece->flags_known) way->flags_known = true;
}

static void add_to(struct pair *pair, const struct seen *seen)
{
    const struct flow_record *r = seen->record;
    struct piece piece = {
        .vantage = r->vantage,
        .first_us = r->first_us,
        .last_us = r->last_us,
        .bytes = r->bytes,
        .packets = r->packets,
        .flags = r->flags,
        .flags_known = r->flags_known,
        .is_cumulative = r->is_cumulative,
    };
    add_piece(&pair->way[seen->from], &piece);
    if (r->has_reverse && (r->reverse_packets || r->reverse_bytes || r->reverse_flags)) {
        piece.bytes = r->reverse_bytes;
        piece.packets = r->reverse_packets;
        piece.flags = r->reverse_flags;
        add_piece(&pair->way[!seen->from], &piece);
    }
    if (seen->has_begin && (!pair->has_begin || r->first_us < pair->begin_us)) {
        pair->has_begin = true;
        pair->begin_us = r->first_us;
    }
    if (r->first_us < pair->first_us) pair->first_us = r->first_us;
    if (r->last_us > pair->last_us) pair->last_us = r->last_us;
    if (r->from_opened && pair->opened_by == UNKNOWN_END) pair->opened_by = seen->from;
    if (r->verdict == FLOW_ALLOWED) pair->was_allowed = true;
    if (r->verdict == FLOW_BLOCKED) pair->was_blocked = true;
    if (r->is_sampled) pair->is_sampled = true;
    pair->assumed |= r->assumed;
}

void flow_pairs_add(struct flow_pairs *pairs, const struct flow_record *record)
{
    bool follows;
    if (!flow_pairs_keeps(pairs, record->transport, record->from_port, record->to_port)) return;
    assert(record->first_us <= record->last_us);
    struct seen seen = seen_of(pairs, record);
    uint32_t number = find(pairs, &seen, &follows);
    if (number) {
        unlink_use(pairs, number);
        link_use(pairs, number);
    } else {
        number = begin(pairs, &seen, follows);
    }
    add_to(&pairs->pairs[number], &seen);
}

void flow_pairs_close(struct flow_pairs *pairs)
{
    uint64_t halves = pairs->halves;
    while (pairs->oldest)
        evict(pairs, pairs->oldest);
    if (!halves) return;
    struct arena scratch = *pairs->arena;
    struct skip skip = {
        .reason = str_format(&scratch,
                             "%" PRIu64 " conversations of which one direction was seen made room "
                             "for others: more than %d were open at once",
                             halves, LIMIT_FLOW_PAIRS),
    };
    pairs->sink.skip(pairs->sink.to, &skip);
}

uint64_t flow_pairs_memory(const struct flow_pairs *pairs)
{
    return pairs->n * (sizeof *pairs->pairs + sizeof *pairs->nodes) +
           BUCKETS * sizeof *pairs->buckets;
}
