/* SPDX-License-Identifier: Apache-2.0 */
/* Groups by host identity (DESIGN.md 5, Simulation), for exceptions: one that names hosts speaks of
 * the addresses that they held when a flow was seen, and of nobody else who holds one of them now.
 */
#pragma once

#include "hosts/hosts.h"
#include "reason/reach.h"

struct use_hosts; /* of the arena */

/* policy : with all exceptions alive; its groups are asked
 * NULL : no group names hosts, or nothing tells who held an address when */
const struct use_hosts *use_hosts_of(const struct policy *policy, const struct host_list *hosts,
                                     const struct host_lookup *lookup, struct arena *arena);

/* One end of an exception. */
struct use_end {
    struct prefix_set ever;  /* who can be there at some time */
    struct prefix_set plain; /* of them, those that are not there by a host's name */
    struct prefix_set now;
    const struct selectors *selectors;
};

/* plain, now : what the end means without any host's address, and with those of now */
struct use_end use_hosts_end(const struct use_hosts *hosts, const struct selectors *selectors,
                             struct prefix_set plain, struct prefix_set now, struct arena *arena);
/* Whether an address that is there at some time is there at this one. */
bool use_hosts_at(const struct use_hosts *hosts, const struct use_end *end, struct addr a,
                  int64_t at_us);
