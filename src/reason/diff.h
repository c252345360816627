/* SPDX-License-Identifier: Apache-2.0 */
/* What one enforcement allows that another does not, exactly and for every address: two policies, a
 * policy and the artefacts made from it, two dates. Differences are rectangles of addresses
 * (every client of one set to every server of another, of one family), each with its smallest pair
 * as witness.
 */
#pragma once

#include "reason/enforcement.h"

#define DIFF_CHANGES(X)                                                                            \
    X(OPENED, "opened")       /* passes in the second only */                                      \
    X(CLOSED, "closed")       /* blocked in the second only */                                     \
    X(UNDECIDED, "undecided") /* decided by the first; the second leaves it to what else is there  \
                               */

enum diff_change {
#define X(name, text) DIFF_##name,
    DIFF_CHANGES(X)
#undef X
        DIFF_CHANGE_COUNT
};

str diff_change_text(enum diff_change change);

enum { DIFF_IN_CLEAR = 1, DIFF_SECURED = 2 };

/* One difference: every pair of different machines of one family, out of clients and servers. */
struct diff_region {
    enum diff_change change;
    enum enforcement_point point;
    str border;
    struct prefix_set clients, servers;
    const struct service_port *ports;
    size_t n_ports;
    uint8_t profiles;            /* bits 1u << enum profile; all at borders and for intent */
    uint8_t secured;             /* DIFF_IN_CLEAR, DIFF_SECURED or both */
    uint64_t pairs_v4, pairs_v6; /* of different addresses; UINT64_MAX = that many or more */
    struct addr client, server;  /* the smallest pair: by server, then client */
};

struct diff_scope {
    /* Which ends are compared, and which of their peers; NULL = all but local addresses. */
    const struct prefix_set *own, *peers;
    const enum enforcement_point *points;
    size_t n_points;
    uint8_t profiles; /* bits */
    str border;       /* only this one of either side; empty = all */
};

struct diff {
    const struct diff_region *regions; /* opened first; by point, then by smallest server, client */
    size_t n;
};

/* Compares at the points asked. Ports are those of either side's governed services and rules. */
struct diff diff_make(const struct enforcement *before, const struct enforcement *after,
                      const struct diff_scope *scope, struct arena *arena, struct arena scratch);
