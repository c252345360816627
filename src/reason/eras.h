/* SPDX-License-Identifier: Apache-2.0 */
/* Segments by the address of then, groups by host identity (DESIGN.md 5, Simulation). A group names
 * hosts; the policy resolves a name to the addresses that the host holds now. A flow that was seen
 * while the host held another address, or while its address was another host's, is decided in an
 * era of its own: the same policy, with each name standing for what its host held then.
 */
#pragma once

#include "hosts/hosts.h"
#include "reason/replay.h"
#include "reason/ring_plan.h"
#include "rules/decision.h"

struct era {
    const struct resolved *resolved;
    const struct decision *decision;
    struct ring_plan plan;
};

enum { ERAS_TOO_MANY = 255 };

struct eras {
    const struct era *items; /* [0]: now */
    size_t n;
    const uint8_t *of_flow; /* per flow of the matrix; NULL = all are of now. ERAS_TOO_MANY: its
                             * addresses changed hands more often than is followed */
};

/* hosts, lookup: who is who; either NULL = only now is known */
struct eras eras_of(const struct resolved *resolved, const struct decision *decision,
                    const struct replay *replay, const struct host_list *hosts,
                    const struct host_lookup *lookup, struct arena *arena, struct arena scratch);
