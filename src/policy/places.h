/* SPDX-License-Identifier: Apache-2.0 */
/* Where addresses live (DESIGN.md 4): the segment with the longest matching prefix, else unknown,
 * local or internet. Every address is in exactly one place.
 */
#pragma once

#include "policy/resolve.h"

/* Loopback, link-local, multicast, broadcast and unspecified addresses: never in a segment. */
extern const struct prefix_set places_local;
/* Private and shared addresses: unknown when no segment holds them. */
extern const struct prefix_set places_private;

/* spec : longest prefix wins; O(n log n) in the networks of all segments */
struct places places_of_policy(const struct policy *policy, struct arena *arena);

/* What a prefix in a policy stands for: an IPv6 prefix never means IPv4 addresses, also where
 * ::ffff:0:0/96 lies inside it (so `::/0` is every IPv6 address). */
struct prefix_set places_of_prefix(struct prefix p, struct arena *arena);
/* True when it stands for this address, too. */
bool places_prefix_has(struct prefix p, struct addr a);
