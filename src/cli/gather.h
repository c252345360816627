/* SPDX-License-Identifier: Apache-2.0 */
/* One file, read on workers of the pool: it is opened up, each source in it is recognised and read
 * to its end, and what it says is given in parcels. A large source whose format allows it is cut
 * into blocks that several workers read (struct reader_splits). Where a block and a parcel end
 * depends on the source alone, so the same parcels come whatever the number of workers. This side
 * knows neither the workspace nor the terminal.
 *
 * A parcel tells what it adds to those before it, and nothing of what they hold: cli/gathered sums
 * up.
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
    size_t block_bytes;        /* LIMIT_BLOCK_BYTES; less in tests */
};

/* Records of use that can't be tied to a flow. */
struct gather_unplaced {
    str what;
    uint64_t count;
};

/* What a parcel has of one host. [0] is the host that was named last before the parcel begins: none
 * when no record named one. */
struct gather_part {
    str origin; /* as the records name it; empty: they name none */
    uint64_t records, facts;
    bool has_times;
    int64_t from_us, to_us;
    struct addr *locals; /* the host's own addresses, in the order in which they were met */
    size_t n_locals, locals_room;
    struct gather_unplaced *unplaced;
    size_t n_unplaced, unplaced_room;
};

enum parcel_kind {
    PARCEL_SOURCE,  /* a piece of a source */
    PARCEL_UNKNOWN, /* no reader takes it: err says why */
    PARCEL_PROBLEM, /* it could not be opened or read: err */
};

/* Of the skips a parcel lists so many that the sum of all knows where those begin that it doesn't
 * list. */
enum { PARCEL_SKIPS = LIMIT_SKIPS_LISTED + 1 };

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
    size_t n_parts, parts_room;
    uint32_t last_part;               /* the host that was named last */
    struct skip *skips;               /* the first of them, at most PARCEL_SKIPS */
    uint64_t n_skips;                 /* all of them */
    struct fingerprint_value content; /* of a capture, in its last parcel */
};

/* Gives the parcels of everything in the file to the turn. */
void gather_file(const struct gather *gather, str path, struct pool_turn *turn);
/* pool_user.work_part and done_part: a block of a file. */
void gather_block(struct pool_part *part, struct pool_turn *turn);
void gather_block_done(struct pool_part *part);
/* One PARCEL_PROBLEM. */
void gather_problem(str source, const struct err *err, struct pool_turn *turn);
void parcel_close(struct parcel *parcel);
