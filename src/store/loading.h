/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix while it is loaded: shared by load.c, named.c and sightings.c alone. */
#pragma once

#include "base/map.h"
#include "hosts/hosts.h"
#include "matrix/view.h"
#include "store/runs.h"
#include "store/tables.h"

/* Where a stream comes from. */
struct stream_info {
    str origin;
    const struct addr *locals;
    size_t n_locals;
};

struct source_info {
    str path, reader;
};

/* Counts of one edge and day that can't be joined with each other: the largest is taken. */
struct tally {
    uint64_t connections, outcomes[OUTCOME_COUNT], to_server, to_client;
};

struct candidate {
    struct witness witness;
    int64_t stream, outcome;
};

/* One edge under way. */
struct edge {
    struct matrix_flow flow;
    bool defined; /* the table of edges has it */
    bool present;
    uint64_t disputed; /* connections that one source saw work and another fail */
    bool by_day;       /* some of its counts can't be joined: kept per day */
    struct candidate *witnesses;
    size_t n_witnesses, witness_room;
    uint8_t signings[2]; /* client, server: bit sets of enum signing */
    uint8_t encrypted;   /* bit set of enum known */
    struct names granted;
    bool port_known; /* some witness said it */
    /* Of rows whose times are of this world: see CLOCKLESS_DAYS. */
    bool has_times;
    int64_t first_us, last_us;
    int64_t last_day; /* on which it was seen; while flow.days */
    /* Portless sightings within sessions: their outcomes, and on how many days there were some. */
    uint16_t within;
    uint64_t within_days;
    int64_t within_day;
};

/* Hosts that count from their boot write dates of 1970; nothing else here is older than 1971. */
enum { CLOCKLESS_DAYS = 365 };

struct loading {
    struct store *store;
    struct arena *arena; /* results */
    struct arena *scratch;
    struct endpoint *ends;
    str *texts;
    struct stream_info *streams;
    struct source_info *sources;
    size_t n_ends, n_texts, n_streams, n_sources, n_edges;
    struct edge *edges;
    /* Per edge and day, for edges with by_day: joined, portless, let go. */
    struct map days;
    struct tally *tallies[3];
    size_t tally_room;
    /* Rows of edges with a named end, as rows of the edges that are meant (sorted). */
    struct relation_rows named[RELATION_COUNT];
    struct map meant; /* edge and day → index of the edge that is meant */
    /* Who is who; asked for when an edge has a named end. */
    const struct host_list *hosts;
    bool (*load_hosts)(struct loading *l, struct err *err);
};

/* Begins to read as of one commit: ends, texts, streams and edges, with the edges that are meant by
 * names. The caller ends it with sqlite_rollback. */
MUST_USE bool loading_begin(struct loading *l, struct err *err);

/* Rows of edges that name an end become rows of the edges that are meant (l->named); edges and
 * texts that only they have are added. What an event calls "FS01.contoso.com" is the address that
 * this host had on that day, of the family of the other end; of several the one to which the same
 * client port had a connection. Else the end keeps its name: a join links a name to an address when
 * evidence says so, and never guesses. */
MUST_USE bool named_resolve(struct loading *l, struct err *err);
/* The edge that is meant by one with a named end, on a day; others are meant themselves. */
size_t named_edge(const struct loading *l, size_t edge, int64_t day);
