/* SPDX-License-Identifier: Apache-2.0 */
/* sFlow version 5 (sflow.org, "sFlow Version 5", 2004): an agent sends the heads of packets that it
 * picked at random, one in so many. Counters and whatever else is in a datagram are stepped over.
 */
#pragma once

#include "base/addr.h"
#include "base/cursor.h"
#include "base/service.h"

enum { SFLOW_VERSION = 5 };

struct sflow_header {
    struct addr agent;
    uint32_t sub_agent, sequence, uptime_ms, n_samples;
};

/* One sampled packet of TCP or UDP. */
struct sflow_packet {
    struct addr from, to;
    uint16_t from_port, to_port;
    enum transport transport;
    uint8_t flags; /* of TCP */
    uint64_t bytes;
    uint32_t rate;  /* one in so many was looked at */
    bool is_denied; /* the agent discarded it since a rule says so */
};

MUST_USE bool sflow_header_read(struct cursor *c, struct sflow_header *out);
/* The next sample: its packets go to `tell`. False when it is cut or its lengths contradict each
 * other (*c has failed then). */
MUST_USE bool sflow_sample_read(struct cursor *c,
                                void (*tell)(void *to, const struct sflow_packet *packet),
                                void *to);
