/* SPDX-License-Identifier: Apache-2.0 */
/* Which machines have the policy when the first k rings are deployed (DESIGN.md 4, Rings): a
 * machine belongs to the first ring that names it, by any of its addresses.
 */
#pragma once

#include "policy/resolve.h"

struct ring_plan {
    const struct resolved *resolved;
    size_t n; /* rings of the policy; 0 = it has none, all machines are one ring */
    /* Per ring, what it names, with all addresses of each machine; a percentage is a share of it.
     */
    const struct prefix_set *named;
    /* Per ring: a group of the directory whose members nobody knows ("group IT PCs"). */
    const str *unknown;
};

struct ring_plan ring_plan_of(const struct resolved *resolved, struct arena *arena);

/* What a machine is known by over the years: its name, else its address. */
str ring_plan_identity(const struct resolved *resolved, struct addr a, struct arena *arena);
/* True when the ring's share has the machine of that identity; without a percentage, always.
 *
 * spec : DESIGN.md 4: the first 4 bytes, big-endian, of SHA-256(ring name, NUL, identity) mod 100
 */
bool ring_plan_picks(const struct ring *ring, str identity);
/* True when the ring names the machine of that address and identity; a ring before it may, too. */
bool ring_plan_has(const struct ring_plan *plan, size_t ring, struct addr a, str identity);
/* The ring that the machine belongs to: the first that names it; plan->n = none. */
size_t ring_plan_ring(const struct ring_plan *plan, struct addr a, str identity);
