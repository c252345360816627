/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of segments, groups, built-in sets and prefixes as sets of addresses. Entries, assertions
 * and rings all mean them alike.
 */
#pragma once

#include "policy/resolve.h"

/* The addresses that are named, no more. */
struct prefix_set selectors_set(const struct resolved *resolved, struct selectors selectors,
                                struct arena *arena);
/* As clients of a flow: a segment is also its nat addresses, as servers see it. */
struct prefix_set selectors_clients(const struct resolved *resolved, struct selectors selectors,
                                    struct arena *arena);
/* As servers of a flow: a group is also its vip addresses, as clients see it. */
struct prefix_set selectors_servers(const struct resolved *resolved, struct selectors selectors,
                                    struct arena *arena);
/* True when the word `internet` is in the list. */
bool selectors_say_internet(struct selectors selectors);
