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
/* What is remembered of the numbers of rows; nothing but time is lost. */
void intake_forget(struct store *store);

/* Where the facts of a source belong. */
struct intake_stream {
    int64_t id;
    str origin;      /* as shown; empty for captures */
    bool is_guess;   /* from the folder alone */
    bool is_pending; /* a capture whose content is not hashed yet */
};

/* Records that tell of use which can't be tied to a flow. */
struct intake_unplaced {
    str what;
    uint64_t count;
};

/* What one stream gave of a source. Most sources have one part; a collector's export has one per
 * host whose records it holds. batch.part is the index of the part that a fact belongs to. */
struct intake_part {
    struct intake_stream stream;
    struct lines *lines; /* NULL: a capture; else of this part alone, made by lines_new */
    uint64_t known;      /* facts that were given before: raised by intake_add */
    uint64_t records, facts;
    bool has_times;
    int64_t from_us, to_us; /* of its records */
    const struct intake_unplaced *unplaced;
    size_t n_unplaced;
};

/* What the source turned out to be. */
struct intake_source {
    str path;
    const struct reader *reader;
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
/* The stream of a host that the records themselves name, among those of the reader's family: EVTX,
 * JSON and XML of one host share it, and the lines it has given. */
MUST_USE bool intake_host_stream(struct store *store, const struct reader *reader, str host,
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

/* Facts of the batch into the streams of their parts. Facts whose lines the stream has given before
 * are not counted. May be called as often as needed; where the batches are cut changes nothing, if
 * no cut falls between an observation and what follows it in the same record. */
MUST_USE bool intake_add(struct store *store, struct intake_part *parts, size_t n_parts, str path,
                         const struct reader *reader, struct batch *batch, struct arena scratch,
                         struct err *err);
/* The source's coverage (a row per part), its skips and its lines, and the end of the transaction.
 */
MUST_USE bool intake_commit(struct store *store, const struct intake_source *source,
                            const struct intake_part *parts, size_t n_parts, struct arena scratch,
                            struct err *err);
