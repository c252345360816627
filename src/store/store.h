/* SPDX-License-Identifier: Apache-2.0 */
/* The workspace database. One SQLite file; facts of one source arrive in one transaction, so that a
 * crash at any instant loses no source that was committed and half-keeps none. What a stream has
 * given before is known and counts once, however often and under whatever path it is read again.
 */
#pragma once

#include "base/os.h"
#include "matrix/roles.h"
#include "matrix/sighting.h"

struct store; /* opaque; one process writes at a time */

enum store_journal { STORE_WAL, STORE_DELETE };

/* Makes the database at path; an existing one is opened and checked. */
MUST_USE bool store_create(struct os *os, str path, enum store_journal journal, struct store **out,
                           struct err *err);
/* Opens an existing one. read_only never changes a byte of the data; it works on a workspace that
 * can't be written.
 * fails : NOT_FOUND (no workspace there), UNSUPPORTED (a newer schema), REFUSED (WAL on a network
 *         file system), IO */
MUST_USE bool store_open(struct os *os, str path, enum store_journal journal, bool read_only,
                         struct store **out, struct err *err);
void store_close(struct store *store);

/* How many pairs of client and server there are, at the most: asked before what is below, which
 * grows with them. */
MUST_USE bool store_size(struct store *store, uint64_t *out, struct err *err);

/* ---- Reading -------------------------------------------------------------------------------- */

/* Everything below is loaded into the arena; the store may be closed after. */
MUST_USE bool store_load_matrix(struct store *store, struct arena *arena, struct matrix_view *out,
                                struct err *err);
MUST_USE bool store_load_hosts(struct store *store, struct arena *arena, struct host_list *out,
                               struct err *err);
/* Sorted by host, then what is told of it. */
MUST_USE bool store_load_listenings(struct store *store, struct arena *arena,
                                    struct listening_view **out, size_t *n, struct err *err);
MUST_USE bool store_load_changes(struct store *store, struct arena *arena, struct change_view **out,
                                 size_t *n, struct err *err);
MUST_USE bool store_load_uses(struct store *store, struct arena *arena, struct share_use **out,
                              size_t *n, struct err *err);
/* The flows that the sink wants, piece by piece. What has no time of this world (clocks that count
 * from a boot) is left out. Pieces of a flow add up to what the matrix counts of it, but for days
 * that were counted and let go and of which something came in later: those count as they were. */
MUST_USE bool store_load_sightings(struct store *store, const struct sighting_sink *sink,
                                   struct arena *arena, struct err *err);
