/* SPDX-License-Identifier: Apache-2.0 */
/* Sightings of one client endpoint and port at one server endpoint, from every stream, to distinct
 * connections (DESIGN.md 3).
 *
 * - A sighting that begins a connection: two are one connection when they come from different
 *   streams and start within JOIN_WINDOW_US of its first (by clocks that store/skew has set).
 * Within a capture, or the log of what reads packets, every start is a connection of its own; lines
 * of one other log within the window are one.
 * - One that lies within a session (a share access, the second half of a rotated capture) is a part
 *   of the connection that began last before it or within the window after it (clocks differ),
 *   whoever saw that, unless that was silent for longer than JOIN_AGE_US; with none it begins one.
 *   Sightings of one stream and outcome with no gap over BATCH_WITHIN_GAP_US are a span: whatever
 *   begins in the middle of it has its outcome too. So it makes no difference whether the fold or
 *   the join puts a span together, or where evidence was cut.
 * - One that only tells of an end belongs to the connection before it, and stands alone only when
 *   nothing came before.
 */
#pragma once

#include "evidence/observation.h"

#define JOIN_WINDOW_US INT64_C(2000000)
/* A client repeats its SYN after 1 or 3 s, then after twice as long each time, and gives up within
 * a minute (RFC 6298; Windows twice, Linux six times): lines with whole seconds vary by one. */
#define JOIN_TRY_US   INT64_C(4000000)
#define JOIN_TRIES_US INT64_C(64000000)
/* A busy client's ephemeral ports come round in hours or days; no session that anybody uses is
 * silent for longer. */
#define JOIN_AGE_US INT64_C(86400000000)

enum {
    /* Connections of one client port that are kept open, streams that saw one, and spans under way:
     * past them the oldest is closed, a further stream adds its outcome only, and the oldest span
     * ends. */
    JOIN_OPEN = 48,
    JOIN_STREAMS = 32,
    JOIN_SPANS = 48,
};

enum join_kind {
    JOIN_BEGINS,
    JOIN_WITHIN,
    JOIN_CLOSES,
    JOIN_COUNTED, /* stands for a connection that was counted before */
};

struct join_sighting {
    int64_t start_us, last_us;
    enum outcome outcome;
    enum join_kind kind;
    uint32_t stream;           /* rank among the streams, by their lasting key */
    bool is_log;               /* of lines, not of connections */
    uint16_t counted_outcomes; /* of JOIN_COUNTED */
    int64_t to_server, to_client;
};

struct join_connection {
    int64_t start_us, last_us;
    uint16_t outcomes;            /* bit set of enum outcome, without NONE */
    int64_t to_server, to_client; /* the largest that one stream saw */
    bool counted;                 /* before: it is no further one, */
    uint16_t counted_outcomes;    /* but may have had further outcomes than these */
    bool closes;                  /* nothing but an end was seen */
};

/* What one stream saw of a connection. */
struct join_view {
    uint32_t stream;
    bool is_log, began; /* saw it begin, at: */
    int64_t start_us;
    int64_t to_server, to_client;
};

struct join_group {
    int64_t start_us, last_us;
    uint64_t id;
    uint16_t outcomes, counted_outcomes;
    bool closes, counted;
    struct join_view views[JOIN_STREAMS];
    size_t n_views;
};

/* Sightings within sessions that follow one another closely. */
struct join_span {
    int64_t first_us, last_us;
    uint32_t stream;
    enum outcome outcome;
    bool settled;   /* it has an owner: where it began, and its bytes go */
    uint64_t owner; /* id */
    int64_t to_server, to_client;
};

struct join {
    void (*emit)(void *to, const struct join_connection *connection);
    void *to;
    struct join_group open[JOIN_OPEN]; /* by start */
    size_t n_open;
    struct join_span spans[JOIN_SPANS]; /* by first */
    size_t n_spans;
    uint64_t n_groups;
    bool opened; /* a sighting that opens was seen */
};

/* Order in which sightings are fed: by start, then kind, outcome, stream. */
int join_compare(const struct join_sighting *a, const struct join_sighting *b);
void join_add(struct join *join, const struct join_sighting *sighting);
/* The last of these ends: emits what is open, and is ready for the next ends. */
void join_end(struct join *join);

/* Let through by one firewall and blocked by the next is no contradiction; used and yet never
 * answered is. */
bool join_is_disputed(unsigned outcomes);
