/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix made ready to be held against policies, once for all of them: who the ends are and
 * what evidence there is of them, which flows worked, in which order people want to read them, and
 * how long a time the evidence covers.
 */
#pragma once

#include "matrix/view.h"

enum { REPLAY_NO_END = UINT32_MAX };

/* An address that is an end of some flow, or of which there is a log. */
struct replay_end {
    struct addr addr;
    bool is_known; /* a client, a server that answered, or the writer of a log */
    bool captured; /* packets of it were read */
    bool has_log;  /* a log of its own was read */
    /* From its first sighting to its last, own logs included; has_times false = nothing tells. */
    int64_t from_us, to_us;
    bool has_times;
    bool serves; /* it answered somebody */
};

struct replay_flow {
    uint32_t client, server; /* ends; REPLAY_NO_END: only a name is known */
    bool worked;
};

struct replay {
    const struct matrix_view *matrix;
    const struct replay_end *ends;
    size_t n_ends;
    const struct replay_flow *flows; /* beside matrix->flows */
    /* Indices of flows: most people first, then most shares and pipes, the last used, the most
     * connections, the most days; then the order of the matrix. */
    const uint32_t *order;
    /* All evidence; has_times false = nothing tells when. */
    int64_t from_us, to_us;
    bool has_times;
    /* Of what shows packets or flows of others: captures, sensors. */
    int64_t captures_from_us, captures_to_us;
    bool captures_have_times;
};

struct replay replay_of(const struct matrix_view *matrix, struct arena *arena,
                        struct arena scratch);
/* True when the server is known to exist by this flow: it accepted, refused or was let through to.
 */
bool replay_server_answered(const struct matrix_flow *flow);
/* The days from one instant to another, both counted. */
uint32_t replay_days(int64_t from_us, int64_t to_us);
