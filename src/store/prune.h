/* SPDX-License-Identifier: Apache-2.0 */
/* Old connections give way to a count per day, so that a workspace grows with its flows. What
 * arrives for such a day later can't be joined any more, and the matrix says so
 * ("connections_exact": false).
 */
#pragma once

#include "store/store.h"

/* Days more than keep_days before the newest connection are counted and let go, once there are more
 * than `least` connections: a small workspace stays exact for ever. */
MUST_USE bool prune_connections(struct store *store, unsigned keep_days, uint64_t least,
                                struct arena scratch, struct err *err);
