/* SPDX-License-Identifier: Apache-2.0 */
/* A reader turns one format's bytes into facts. It is a state machine fed with windows: it consumes
 * whole items from the front of each and is shown the rest again, with more behind it. One line in
 * readers.def and one `const struct reader x_reader` make a new one.
 */
#pragma once

#include "base/input.h"
#include "base/zone.h"
#include "evidence/observation.h"

/* How a stream remembers what it has given (DESIGN.md 2). */
enum reader_overlap {
    OVERLAP_CONTENT_HASH, /* a capture: the same bytes again are known */
    OVERLAP_LINES,        /* a text log: lines are known by their hash */
};

struct reader_options {
    const struct zone *zone; /* of local-time logs; NULL = not given: UTC, assumed */
    /* When the reading happens: the year of lines that don't say theirs is the last that does not
     * put them in the future. */
    int64_t now_us;
    str map; /* --map: "client=src_ip,server=dst_ip,..."; empty = not given */
};

/* How a large source is cut into blocks that different workers read, each with a reader of its own;
 * what they tell, one after the other, is what one reader of all of it tells. Only for formats in
 * which nothing but header lines means something for what comes later, and whose records have no
 * numbers (fact_sink.numbered). */
struct reader_splits {
    /* A source that begins so? */
    bool (*may)(bytes head);
    /* The bytes up to the end of the last whole item; 0 = none ends here. No look at what is in
     * force: what comes before `data` is whole items. */
    size_t (*cut)(bytes data);
    /* What of a block is in force behind it, into a reader that reads nothing itself: cheap. NULL:
     * nothing is. */
    void (*pass)(void *lead, bytes block);
    /* A reader just opened begins behind what `lead` has passed. */
    void (*adopt)(void *state, const void *lead);
};

struct reader {
    str name;    /* "pcap", in JSON and messages */
    str summary; /* "libpcap capture files" */
    enum reader_overlap overlap;
    /* What wrote it put packets together itself: each start is a connection of its own, as in a
     * capture. Else lines of one client port that are near are one (a SYN is repeated). */
    bool tells_connections;
    /* Says a record before the host that wrote it; other readers say the host first. */
    bool host_follows;
    const struct reader_splits *splits; /* NULL: a source is read by one worker */
    /* Readers of one family read the same records in other clothes ("events": EVTX, JSON, XML):
     * they share streams, so that a record counts once whichever way it came. Empty: the name. */
    str family;
    /* By content only; head holds up to LIMIT_RECOGNISE_BYTES from the start of the source. */
    bool (*recognise)(bytes head);
    /* State in the arena, which lives until the source is read. */
    void *(*open)(struct arena *arena, const struct reader_options *options,
                  const struct fact_sink *sink);
    /* Consumes whole items from the front of the window and returns how many bytes; fewer than all
     * only when the rest is an incomplete item and the window is not the last. *want is how many
     * bytes the next item needs (0 = just more). Damaged items are reported to the sink and stepped
     * over. False when nothing more can be read of this source (the skip was reported). */
    bool (*feed)(void *state, struct window window, size_t *consumed, size_t *want);
    /* Everything still open is reported to the sink. */
    void (*close)(void *state);
};

/* All readers, in the order in which they are asked. */
extern const struct reader *const readers[];
extern const size_t n_readers;
const struct reader *reader_recognise(bytes head); /* NULL = none does */
