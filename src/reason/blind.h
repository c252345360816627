/* SPDX-License-Identifier: Apache-2.0 */
/* The machines that the evidence or the policy names, and of which of them no evidence shows their
 * own side: what they use, and who uses them, is then unknown, and they are never counted as safe.
 */
#pragma once

#include "policy/resolve.h"
#include "reason/replay.h"

struct known_machine {
    struct addr addr;      /* its first address */
    str name;              /* empty: known by its address */
    bool has_own_evidence; /* its own log, or packets of it */
    bool has_own_log;
};

struct known_machines {
    const struct known_machine *items;
    size_t n;
};

/* A host, prefix or segment of which the evidence does not show its own side. */
struct blind_spot {
    struct addr addr; /* none: a whole segment or prefix, named by text */
    str text;         /* "10.20.0.22", "10.10.9.0/28", "segment vpn" */
    str segment;      /* empty = in none */
    str reason;
};

/* Those that live in a segment, and the hosts that groups name one by one. */
struct known_machines blind_machines(const struct resolved *resolved, const struct replay *replay,
                                     struct arena *arena, struct arena scratch);
/* Managed ones only. By address, then those named by text. */
const struct blind_spot *blind_find(const struct resolved *resolved,
                                    const struct known_machines *machines, struct arena *arena,
                                    struct arena scratch, size_t *n);
/* True for the directed broadcast of a segment's network: local in evidence (DESIGN.md 4). */
bool blind_is_broadcast(const struct resolved *resolved, struct addr a);
