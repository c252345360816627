/* SPDX-License-Identifier: Apache-2.0 */
/* The relations that make the matrix, as columns of integers. A row's first columns are its key;
 * the others are fields, each with the merge of rows that have one key: all commutative and
 * associative, so the matrix does not depend on the order or the cut in which evidence arrives. The
 * fold in memory, the runs of the workspace and the reading of it all go by these lines.
 *
 * Of each column: name, merge, and what its packed value counts from (the row before, zero, or a
 * column before it in the same row).
 *   KEY  a part of the key      ADD MIN MAX  as they say
 *   WITNESS  the smallest stays, and the column after it (WITH) goes with it, the smaller of equals
 */
#pragma once

#include "base/arena.h"

/* stream: a capture, or all logs of one host. portless: enum batch_portless. */
#define RELATION_FLOW(X)                                                                           \
    X(FLOW_EDGE, KEY, FROM_PREVIOUS)                                                               \
    X(FLOW_DAY, KEY, FROM_PREVIOUS)                                                                \
    X(FLOW_STREAM, KEY, FROM_PREVIOUS)                                                             \
    X(FLOW_OUTCOME, KEY, FROM_ZERO)                                                                \
    X(FLOW_PROFILE, KEY, FROM_ZERO)                                                                \
    X(FLOW_PORTLESS, KEY, FROM_ZERO)                                                               \
    X(FLOW_SOURCE, KEY, FROM_PREVIOUS)                                                             \
    X(FLOW_FIRST, MIN, FROM_PREVIOUS)                                                              \
    X(FLOW_LAST, MAX, FLOW_FIRST)                                                                  \
    X(FLOW_COUNT, ADD, FROM_ZERO)                                                                  \
    X(FLOW_TO_SERVER, ADD, FROM_ZERO)                                                              \
    X(FLOW_TO_CLIENT, ADD, FROM_ZERO)                                                              \
    X(FLOW_IS_SMB, MAX, FROM_ZERO)                                                                 \
    X(FLOW_PORT_ASSUMED, MIN, FROM_ZERO)                                                           \
    X(FLOW_WITNESS, WITNESS, FLOW_FIRST)                                                           \
    X(FLOW_OFFSET, WITH, FROM_PREVIOUS)

/* kind: outcome and flags (batch.h). A sighting that lies within a session covers start to last. */
#define RELATION_CONNECTION(X)                                                                     \
    X(CONNECTION_EDGE, KEY, FROM_PREVIOUS)                                                         \
    X(CONNECTION_PORT, KEY, FROM_PREVIOUS)                                                         \
    X(CONNECTION_START, KEY, FROM_PREVIOUS)                                                        \
    X(CONNECTION_STREAM, KEY, FROM_PREVIOUS)                                                       \
    X(CONNECTION_KIND, KEY, FROM_ZERO)                                                             \
    X(CONNECTION_LAST, MAX, CONNECTION_START)                                                      \
    X(CONNECTION_TO_SERVER, ADD, FROM_ZERO)                                                        \
    X(CONNECTION_TO_CLIENT, ADD, FROM_ZERO)

/* day: of edges with a named end, whose name is asked per day; else 0. */
#define RELATION_TRAIT(X)                                                                          \
    X(TRAIT_EDGE, KEY, FROM_PREVIOUS)                                                              \
    X(TRAIT_KIND, KEY, FROM_ZERO)                                                                  \
    X(TRAIT_VALUE, KEY, FROM_ZERO)                                                                 \
    X(TRAIT_DAY, KEY, FROM_PREVIOUS)                                                               \
    X(TRAIT_COUNT, ADD, FROM_ZERO)                                                                 \
    X(TRAIT_FIRST, MIN, FROM_PREVIOUS)                                                             \
    X(TRAIT_LAST, MAX, TRAIT_FIRST)

#define RELATION_NAME(X)                                                                           \
    X(NAME_EDGE, KEY, FROM_PREVIOUS)                                                               \
    X(NAME_KIND, KEY, FROM_ZERO)                                                                   \
    X(NAME_TEXT, KEY, FROM_PREVIOUS)                                                               \
    X(NAME_DAY, KEY, FROM_PREVIOUS)                                                                \
    X(NAME_FIRST, MIN, FROM_PREVIOUS)                                                              \
    X(NAME_LAST, MAX, NAME_FIRST)

#define RELATION_USE(X)                                                                            \
    X(USE_EDGE, KEY, FROM_PREVIOUS)                                                                \
    X(USE_SHARE, KEY, FROM_PREVIOUS)                                                               \
    X(USE_PIPE, KEY, FROM_PREVIOUS)                                                                \
    X(USE_USER, KEY, FROM_PREVIOUS)                                                                \
    X(USE_REFUSED, KEY, FROM_ZERO)                                                                 \
    X(USE_DAY, KEY, FROM_PREVIOUS)                                                                 \
    X(USE_STREAM, KEY, FROM_PREVIOUS)                                                              \
    X(USE_COUNT, ADD, FROM_ZERO)                                                                   \
    X(USE_IS_PRINTER, MAX, FROM_ZERO)                                                              \
    X(USE_FIRST, MIN, FROM_PREVIOUS)                                                               \
    X(USE_LAST, MAX, USE_FIRST)

#define RELATIONS(X) X(FLOW) X(CONNECTION) X(TRAIT) X(NAME) X(USE)

#define X(name, merge, from) name,
enum relation_flow { RELATION_FLOW(X) FLOW_COLUMNS };
enum relation_connection { RELATION_CONNECTION(X) CONNECTION_COLUMNS };
enum relation_trait { RELATION_TRAIT(X) TRAIT_COLUMNS };
enum relation_name { RELATION_NAME(X) NAME_COLUMNS };
enum relation_use { RELATION_USE(X) USE_COLUMNS };
#undef X

enum relation_id {
#define X(name) RELATION_OF_##name,
    RELATIONS(X)
#undef X
        RELATION_COUNT
};

enum { RELATION_MOST_COLUMNS = FLOW_COLUMNS, FROM_PREVIOUS = -1, FROM_ZERO = -2 };

enum relation_merge {
    RELATION_KEY,
    RELATION_ADD,
    RELATION_MIN,
    RELATION_MAX,
    RELATION_WITNESS,
    RELATION_WITH,
};

struct relation_column {
    enum relation_merge merge;
    int from; /* FROM_PREVIOUS, FROM_ZERO or a column before it */
};

struct relation {
    size_t n_keys, n_columns;
    const struct relation_column *columns;
};

extern const struct relation relations[RELATION_COUNT];

/* Rows side by side, n_columns integers each. */
struct relation_rows {
    int64_t *at;
    size_t n, room;
};

int relation_compare(const struct relation *relation, const int64_t *a, const int64_t *b);
/* Both have one key. */
void relation_merge(const struct relation *relation, int64_t *into, const int64_t *from);
/* Room for one more row, zeroed. */
int64_t *relation_push(const struct relation *relation, struct arena *arena,
                       struct relation_rows *rows);
/* Sorts the rows from `first` on by key, and merges those that have one. */
void relation_settle(const struct relation *relation, struct arena scratch,
                     struct relation_rows *rows, size_t first);
