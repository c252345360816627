/* SPDX-License-Identifier: Apache-2.0 */
/* Facts into the workspace, one source at a time: begin, add (as often as needed), commit. Whatever
 * fails in between, intake_abandon leaves the database as it was before begin.
 */
#pragma once

#include "base/sha256.h"
#include "evidence/reader.h"
#include "matrix/batch.h"
#include "store/lines.h"
#include "store/store.h"

MUST_USE bool intake_begin(struct store *store, struct err *err);
void intake_abandon(struct store *store);

/* Where the facts of a source belong. */
struct intake_stream {
    int64_t id;
    str origin;      /* as shown; empty for captures */
    bool is_guess;   /* from the folder alone */
    bool is_pending; /* a capture whose content is not hashed yet */
};

/* What the source turned out to be. */
struct intake_source {
    str path;
    const struct reader *reader;
    uint64_t records, facts;
    bool has_times;
    int64_t from_us, to_us; /* of its records */
    const struct skip *skips;
    size_t n_skips;
};

/* The stream of a text log: the one of the same format that shares most local addresses; else one
 * of the given origin; else one of the folder.
 *
 * locals : the log's own addresses, sorted
 * origin : --origin; empty = not given */
MUST_USE bool intake_log_stream(struct store *store, const struct reader *reader,
                                const struct addr *locals, size_t n_locals, str origin, str folder,
                                struct arena *arena, struct intake_stream *out, struct err *err);
/* Local addresses that were met after the stream was found. */
MUST_USE bool intake_add_locals(struct store *store, const struct intake_stream *stream,
                                const struct reader *reader, const struct addr *locals,
                                size_t n_locals, struct err *err);
/* A capture's stream before its last byte is read, and its name after. */
MUST_USE bool intake_capture_stream(struct store *store, const struct reader *reader, str origin,
                                    struct intake_stream *out, struct err *err);
MUST_USE bool intake_name_capture(struct store *store, struct intake_stream *stream,
                                  const struct sha256_digest *digest, struct arena *arena,
                                  struct err *err);
/* The stream of a capture that was read before, whatever its path was then. */
MUST_USE bool intake_find_capture(struct store *store, const struct sha256_digest *digest,
                                  struct arena *arena, bool *found, struct intake_stream *out,
                                  struct err *err);

/* Facts of the batch into the stream. lines: NULL for captures; else facts whose lines the stream
 * has given before are marked known and not counted. *known is raised by their number. */
MUST_USE bool intake_add(struct store *store, const struct intake_stream *stream, str path,
                         const struct reader *reader, struct batch *batch, struct lines *lines,
                         struct arena scratch, uint64_t *known, struct err *err);
MUST_USE bool intake_commit(struct store *store, const struct intake_stream *stream,
                            const struct intake_source *source, struct lines *lines,
                            struct arena scratch, struct err *err);
