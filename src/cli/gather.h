/* SPDX-License-Identifier: Apache-2.0 */
/* One file, read on a worker of the pool: it is opened up, each source in it is recognised and read
 * to its end, and what it says is given in parcels. Where a parcel ends depends on the source
 * alone, so the same parcels come whatever the number of workers. This side knows neither the
 * workspace nor the terminal.
 */
#pragma once

#include "base/fingerprint.h"
#include "base/pool.h"
#include "evidence/csv_map.h"
#include "matrix/batch.h"

/* What all files share and none changes. */
struct gather {
    struct os *os;
    struct reader_options options;
    const struct csv_map *map; /* --map; NULL = not given */
};

/* Records of use that can't be tied to a flow. */
struct gather_unplaced {
    str what;
    uint64_t count;
};

/* Facts of a source by the host that wrote them; [0] is what no record says of itself. */
struct gather_part {
    str origin;              /* as the records name it; empty: [0] */
    uint64_t records, facts; /* of the source, up to this parcel's end */
    bool has_times;
    int64_t from_us, to_us;
    const struct addr *locals; /* the host's own addresses, sorted */
    size_t n_locals;
    const struct gather_unplaced *unplaced;
    size_t n_unplaced;
};

enum parcel_kind {
    PARCEL_SOURCE,  /* a piece of a source */
    PARCEL_UNKNOWN, /* no reader takes it: err says why */
    PARCEL_PROBLEM, /* it could not be opened or read: err */
};

struct parcel {
    struct pool_result link;
    struct arena arena; /* owns all of it */
    enum parcel_kind kind;
    str source;
    struct err err;

    const struct reader *reader;
    bool is_last; /* of the source */
    struct batch batch;
    struct gather_part *parts; /* batch.part is an index */
    size_t n_parts;
    /* The last parcel's. */
    struct skip *skips; /* those that are listed */
    size_t n_skips;
    uint64_t skipped;                 /* all of them */
    struct fingerprint_value content; /* of a capture */
};

/* Gives the parcels of everything in the file to the turn. */
void gather_file(const struct gather *gather, str path, struct pool_turn *turn);
/* One PARCEL_PROBLEM. */
void gather_problem(str source, const struct err *err, struct pool_turn *turn);
void parcel_close(struct parcel *parcel);
