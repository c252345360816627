/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses are one machine: no flow between them is a question (DESIGN.md 4, Self and
 * local), so no proof may take such a pair for its witness.
 */
#pragma once

#include "policy/resolve.h"

struct machine_address {
    struct addr addr;
    size_t machine;
};

/* Which addresses belong to machines that have several. */
struct machine_index {
    struct machine_address *items; /* by address */
    size_t n;
    size_t most; /* addresses that share a machine with one address, at most */
};

struct machine_index machines_index(const struct resolved *resolved, struct arena *arena);

/* The same address, or two of one machine. */
bool machines_same(const struct machine_index *index, struct addr a, struct addr b);

/* The smallest server, then the smallest client, that are not of one machine. False when there are
 * none. */
bool machines_pair(const struct machine_index *index, struct prefix_set clients,
                   struct prefix_set servers, struct addr *client, struct addr *server,
                   struct arena scratch);
