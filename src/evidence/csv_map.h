/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of flows from anywhere: CSV with a header row, and `--map` to say which column is what
 * (docs/evidence-csv.md has the grammar).
 *
 *   client=src_ip,server=dst_ip,port=dport,transport:tcp,time=ts,outcome=action/permit:allowed
 *
 * No table is recognised by itself: the header's words mean what the admin says they mean. So
 * csv_map_reader.recognise always says no, and the caller asks csv_map_fits when --map is given.
 */
#pragma once

#include "base/err.h"
#include "evidence/reader.h"

#define CSV_FACTS(X)                                                                               \
    X(CLIENT, "client")                                                                            \
    X(SERVER, "server")                                                                            \
    X(PORT, "port")                                                                                \
    X(CLIENT_PORT, "client_port")                                                                  \
    X(TRANSPORT, "transport")                                                                      \
    X(TIME, "time")                                                                                \
    X(LAST, "last")                                                                                \
    X(OUTCOME, "outcome")                                                                          \
    X(BYTES_TO_SERVER, "bytes_to_server")                                                          \
    X(BYTES_TO_CLIENT, "bytes_to_client")                                                          \
    X(COUNT, "count")                                                                              \
    X(USER, "user")                                                                                \
    X(SHARE, "share")                                                                              \
    X(ORIGIN, "origin")                                                                            \
    X(PROFILE, "profile")

enum csv_fact {
#define X(name, text) CSV_##name,
    CSV_FACTS(X)
#undef X
        CSV_FACT_COUNT
};

/* "permit:allowed": the table's word, ours. */
struct csv_word {
    str from, to;
};

/* Where one fact comes from. Neither column nor constant: not given. */
struct csv_place {
    str column, constant;
    const struct csv_word *words;
    size_t n_words;
    str otherwise; /* what any other word means; empty = our table of words */
};

struct csv_map {
    struct csv_place at[CSV_FACT_COUNT];
};

/* Reads the text of --map.
 * fails: USAGE, with the place in the text as column: unknown facts, a fact twice, words that mean
 *        nothing, no client, server, time, or neither port nor share */
MUST_USE bool csv_map_parse(str map, struct arena *arena, struct csv_map *out, struct err *err);
/* Is this the head of a table whose header row has all columns of the map?
 * fails: MALFORMED (the head is no table), NOT_FOUND (names the column that is missing) */
MUST_USE bool csv_map_fits(const struct csv_map *map, bytes head, struct err *err);

/* To be opened with options->map that csv_map_parse took, on a source that fits. */
extern const struct reader csv_map_reader;
