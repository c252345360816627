/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of one source on their way into the matrix. Readers fill it through a fact_sink; when the
 * store has said which lines were known before (batch_fact.known) and what it calls ends, texts and
 * edges, it is folded into the rows of matrix/relation.h, one per key. Ends, texts and edges are
 * interned: facts hold indices.
 */
#pragma once

#include "base/map.h"
#include "evidence/observation.h"
#include "matrix/relation.h"

struct batch_edge {
    uint32_t client, server; /* ends */
    uint16_t port;
    uint8_t transport;
};

/* Its key where both ends are addresses. */
struct batch_pair {
    struct addr client, server;
    uint64_t port; /* port << 8 | transport */
};

/* What SMB itself told of one session: rare beside the number of sessions, so kept apart. */
struct batch_detail {
    struct smb_facts smb;
    const uint32_t *names[8]; /* texts, per enum batch_name */
    size_t n_names[8];
};

#define BATCH_NAMES(X)                                                                             \
    X(USER) X(CLIENT) X(SERVER) X(SHARE) X(SHARE_REFUSED) X(SHARE_GRANTED) X(PIPE) X(INTERFACE)
enum batch_name {
#define X(name) BATCH_NAME_##name,
    BATCH_NAMES(X)
#undef X
        BATCH_NAME_COUNT
};
static_assert(BATCH_NAME_COUNT == 8, "struct batch_detail has a list per name");

enum batch_trait {
    BATCH_DIALECT,
    BATCH_CLIENT_SIGNING,
    BATCH_SERVER_SIGNING,
    BATCH_ENCRYPTED,  /* enum known */
    BATCH_COMPRESSED, /* enum known */
    BATCH_AUTH,
    BATCH_ASSUMED,
    BATCH_CIPHER,
    BATCH_COMPRESSION_OFFERED, /* enum known */
};

/* How facts without a client port count: as sessions of their own, or as parts of some session. */
enum batch_portless { BATCH_PORTED, BATCH_PORTLESS, BATCH_PORTLESS_WITHIN };

/* Flags beside the outcome in CONNECTION_KIND. */
enum {
    BATCH_CLOSES = 16,  /* only tells of an end */
    BATCH_WITHIN = 32,  /* tells of a session under way, from start to last */
    BATCH_COUNTED = 64, /* stands for a connection that was counted and let go (store/prune), */
    /* with the outcomes that were counted of it, a bit each, from here up */
    BATCH_COUNTED_SHIFT = 8,
};

/* Sightings within sessions of one client port, stream and outcome are one row when no gap between
 * them is longer: a server logs every file that is opened. */
#define BATCH_WITHIN_GAP_US INT64_C(60000000)

struct batch_fact {
    int64_t first_us, last_us;
    uint64_t count, to_server, to_client;
    uint64_t offset, line_hash;
    const struct batch_detail *detail; /* NULL = none */
    uint32_t edge;
    uint16_t client_port;
    uint8_t outcome, profile, assumed;
    bool closes, within, is_smb;
    bool known;    /* counted before: by this source, or said by the store; left out of the fold */
    uint32_t part; /* of the source: which stream it belongs to */
};

/* Which record said something beside a fact. */
struct batch_record {
    uint64_t line_hash;
    uint32_t part;
    /* 1 + the fact of the same record, whose lot it shares; 0 = none: it has a lot of its own. */
    uint32_t fact;
    bool known; /* without a fact: by this source, or said by the store */
};

struct batch_use {
    int64_t first_us, last_us;
    uint64_t count;
    uint32_t edge, share, pipe, user;
    struct batch_record record;
    bool refused, is_printer;
};

struct batch_identity {
    struct addr addr;
    uint32_t name;
    int64_t seen_us;
    uint8_t source;
    struct batch_record record;
};

/* What a scan says of a port, and who changed a host. Seen again they are the same; whether they
 * were known is only told. */
struct batch_listening {
    uint32_t server; /* end */
    uint16_t port;
    uint8_t transport, state, dialects, signing;
    int64_t seen_us; /* 0 = not said */
    struct batch_record record;
};

struct batch_change {
    uint32_t host; /* end */
    uint32_t subject, detail, user;
    uint8_t kind;
    int64_t at_us;
    struct batch_record record;
};

struct batch {
    struct arena *arena;
    struct map ends;  /* 16 bytes of address, then the name */
    struct map texts; /* [0] is the empty text */
    struct map pairs; /* edges of two addresses, by struct batch_pair */
    struct map edges; /* those with a named end */
    struct batch_edge *edge_items;
    size_t n_edges, edge_room;
    struct batch_fact *facts;
    size_t n_facts, fact_room;
    struct batch_use *uses;
    size_t n_uses, use_room;
    struct batch_identity *identities;
    size_t n_identities, identity_room;
    struct batch_listening *listenings;
    size_t n_listenings, listening_room;
    struct batch_change *changes;
    size_t n_changes, change_room;
    uint64_t line_hash; /* of the line that the next fact comes from */
    bool is_repeated;   /* that line was told before, by the same source */
    uint32_t part;      /* and its stream: index into the parts that intake_add is given */
};

/* ---- Rows ---------------------------------------------------------------------------------------
 */

/* What the store calls things: numbers above 0, per index of the batch. */
struct batch_numbers {
    const int64_t *edges, *texts;
    const int64_t *streams; /* per part */
    int64_t source;
};

struct batch_identity_row {
    struct addr addr;
    uint32_t name;
    int32_t day;
    uint8_t source;
    int64_t first_us, last_us;
};

/* Every key once, in its order. Rows of edges with a named end stand apart: who reads the matrix
 * asks which address the name had. */
struct batch_rows {
    struct relation_rows of[2][RELATION_COUNT]; /* [1]: of edges with a named end */
    struct batch_identity_row *identities;
    size_t n_identities;
};

struct batch batch_in(struct arena *arena);
void batch_observation(struct batch *batch, const struct observation *fact);
void batch_use(struct batch *batch, const struct use *fact);
void batch_identity(struct batch *batch, const struct identity *fact);
void batch_listening(struct batch *batch, const struct listening *fact);
void batch_change(struct batch *batch, const struct change *fact);
bool batch_is_empty(const struct batch *batch);

struct endpoint batch_end(const struct batch *batch, uint32_t index);
str batch_text(const struct batch *batch, uint32_t index);
bool batch_edge_is_named(const struct batch *batch, uint32_t index);

/* Was the record, or the fact that it shares its lot with, known before? */
bool batch_is_known(const struct batch *batch, const struct batch_record *record);

/* Rows of the facts that are not known; their edges and texts have numbers. */
struct batch_rows batch_fold(const struct batch *batch, const struct batch_numbers *numbers,
                             struct arena *arena);
