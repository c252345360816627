/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of one source on their way into the matrix. Readers fill it through a fact_sink; when the
 * store has said which lines were known before (batch_fact.known), it is folded into rows, one per
 * key, by the merges of matrix/fields.def. Ends, texts and edges are interned: rows hold indices.
 */
#pragma once

#include "base/map.h"
#include "evidence/observation.h"

struct batch_edge {
    uint32_t client, server; /* ends */
    uint16_t port;
    uint8_t transport;
};

/* What SMB itself told of one session: rare beside the number of sessions, so kept apart. */
struct batch_detail {
    struct smb_facts smb;
    const uint32_t *names[7]; /* texts, per enum batch_name */
    size_t n_names[7];
};

#define BATCH_NAMES(X)                                                                             \
    X(USER) X(CLIENT) X(SERVER) X(SHARE) X(SHARE_REFUSED) X(SHARE_GRANTED) X(PIPE)
enum batch_name {
#define X(name) BATCH_NAME_##name,
    BATCH_NAMES(X)
#undef X
        BATCH_NAME_COUNT
};

enum batch_trait {
    BATCH_DIALECT,
    BATCH_CLIENT_SIGNING,
    BATCH_SERVER_SIGNING,
    BATCH_ENCRYPTED,  /* enum known */
    BATCH_COMPRESSED, /* enum known */
    BATCH_AUTH,
    BATCH_ASSUMED,
};

struct batch_fact {
    int64_t first_us, last_us;
    uint64_t count, to_server, to_client;
    uint64_t offset, line_hash;
    const struct batch_detail *detail; /* NULL = none */
    uint32_t edge;
    uint16_t client_port;
    uint8_t outcome, profile, assumed;
    bool closes, is_smb;
    bool known;    /* counted before: set by the store, left out of the fold */
    uint32_t part; /* of the source: which stream it belongs to */
};

struct batch_use {
    int64_t first_us, last_us;
    uint64_t count;
    uint32_t edge, share, pipe, user;
    uint64_t line_hash;
    uint32_t part;
    /* 1 + the fact of the same record, whose lot it shares; 0 = none: it has a lot of its own. */
    uint32_t fact;
    bool refused, is_printer, known;
};

struct batch_identity {
    struct addr addr;
    uint32_t name;
    int64_t seen_us;
    uint8_t source;
};

/* What a scan says of a port, and who changed a host. Seen again they are the same, so their lines
 * are not asked for. */
struct batch_listening {
    uint32_t server; /* end */
    uint16_t port;
    uint8_t transport, state, dialects, signing;
    int64_t seen_us; /* 0 = not said */
};

struct batch_change {
    uint32_t host; /* end */
    uint32_t subject, detail, user;
    uint8_t kind;
    int64_t at_us;
};

struct batch {
    struct arena *arena;
    struct map ends;  /* 16 bytes of address, then the name */
    struct map texts; /* [0] is the empty text */
    struct map edges;
    struct batch_edge *edge_items;
    size_t edge_room;
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
    uint32_t part;      /* and its stream: index into the parts that intake_add is given */
};

/* ---- Rows: the key is what stands before the fields ---------------------------------------------
 */

#define MEMBER(name, merge) int64_t name;

/* portless: nothing joins it to other vantage points. */
struct flow_row {
    uint32_t edge, part;
    int32_t day;
    uint8_t outcome, profile, portless;
#define FLOW_FIELD MEMBER
#include "matrix/fields.def"
    int64_t witness_us;
    int64_t witness_offset;
};

struct trait_row {
    uint32_t edge;
    uint8_t kind, value;
#define TRAIT_FIELD MEMBER
#include "matrix/fields.def"
};

struct name_row {
    uint32_t edge, text;
    uint8_t kind;
#define NAME_FIELD MEMBER
#include "matrix/fields.def"
};

struct use_row {
    uint32_t edge, part, share, pipe, user;
    int32_t day;
    uint8_t refused;
#define USE_FIELD MEMBER
#include "matrix/fields.def"
};

struct identity_row {
    struct addr addr;
    uint32_t name;
    int32_t day;
    uint8_t source;
#define IDENTITY_FIELD MEMBER
#include "matrix/fields.def"
};

/* outcome: with BATCH_CLOSES when the observation only tells of an end. */
enum { BATCH_CLOSES = 16 };

struct connection_row {
    uint32_t edge, part;
    uint16_t client_port;
    int64_t start_us;
    uint8_t outcome;
#define CONNECTION_FIELD MEMBER
#include "matrix/fields.def"
};

#undef MEMBER

/* Every key once; connections sorted by key. */
struct batch_rows {
    struct flow_row *flows;
    size_t n_flows;
    struct trait_row *traits;
    size_t n_traits;
    struct name_row *names;
    size_t n_names;
    struct use_row *uses;
    size_t n_uses;
    struct identity_row *identities;
    size_t n_identities;
    struct connection_row *connections;
    size_t n_connections;
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

/* Rows of the facts that are not known. */
struct batch_rows batch_fold(const struct batch *batch, struct arena *arena);
