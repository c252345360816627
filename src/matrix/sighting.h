/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix by time: what a flow adds up, piece by piece, for questions of the kind "while it was
 * allowed, and after". A piece is one connection, or what is known of one UTC day whose connections
 * were let go or can't be told apart.
 */
#pragma once

#include "evidence/observation.h"

struct sighting {
    /* Of a connection: its start, twice. Of a day: the first and the last that was seen of it. */
    int64_t first_us, last_us;
    uint64_t connections;
    uint64_t outcomes[OUTCOME_COUNT]; /* connections that had it */
};

/* Who takes them: edge by edge, in no order of time. */
struct sighting_sink {
    void *to;
    /* Whether a flow is asked about: called once for each. *tag is what it is called from then on.
     */
    bool (*wants)(void *to, struct endpoint client, struct endpoint server,
                  enum transport transport, uint16_t port, uint32_t *tag);
    void (*seen)(void *to, uint32_t tag, const struct sighting *sighting);
    /* Somebody used the flow, between these times. The text lasts as long as the arena that they
     * are loaded into. */
    void (*user)(void *to, uint32_t tag, str user, int64_t first_us, int64_t last_us);
};
