/* SPDX-License-Identifier: Apache-2.0 */
/* Sightings of one client endpoint and port at one server endpoint, from every stream, to distinct
 * connections (DESIGN.md 3): two sightings are one connection when they come from different streams
 * and start within JOIN_WINDOW_US of its first. Within a capture every start is a connection of its
 * own; lines of one text log within the window are one. A line that only tells of an end belongs to
 * the connection before it, and stands alone only when nothing came before.
 */
#pragma once

#include "evidence/observation.h"

#define JOIN_WINDOW_US INT64_C(2000000)

enum {
    /* Connections of one client port that may begin within the window, and streams that saw one:
     * past them the oldest is closed, and a further stream adds its outcome only. */
    JOIN_OPEN = 32,
    JOIN_STREAMS = 32,
};

struct join_sighting {
    int64_t start_us;
    enum outcome outcome;
    bool closes;
    uint32_t stream; /* rank among the streams, by their lasting key */
    bool is_log;     /* a text log, not a capture */
    int64_t to_server, to_client;
};

struct join_connection {
    int64_t start_us;
    uint16_t outcomes;            /* bit set of enum outcome, without NONE */
    int64_t to_server, to_client; /* the largest that one stream saw */
};

struct join_group {
    int64_t start_us;
    uint16_t outcomes;
    bool closes;
    struct join_sighting streams[JOIN_STREAMS];
    size_t n_streams;
};

struct join {
    void (*emit)(void *to, const struct join_connection *connection);
    void *to;
    struct join_group open[JOIN_OPEN]; /* by start */
    size_t n_open;
    bool opened; /* a sighting that opens was seen */
};

/* Order in which sightings are fed: by start, then outcome, then stream. */
int join_compare(const struct join_sighting *a, const struct join_sighting *b);
void join_add(struct join *join, const struct join_sighting *sighting);
/* The last of these ends: emits what is open, and is ready for the next ends. */
void join_end(struct join *join);
