/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of binary XML, compiled: of every element that is of use, where its text stands. A text
 * is a run of pieces: literals, which stay where they are in the chunk, and "value 7". A shape
 * holds the runs of <System>, and a leaf per value of <EventData> or <UserData>.
 *
 * The tables hold every template that a chunk can hold when templates do not overlap. When damage
 * or malice fills them, is_full is set and their owner empties them.
 *
 * spec: [MS-EVEN6] 2.2.12 BinXml; "Windows XML Event Log (EVTX) format" (libyal), Binary XML
 */
#pragma once

#include "base/cursor.h"
#include "evidence/event.h"
#include "evidence/evtx_value.h"

enum evtx_token {
    EVTX_TOKEN_EOF = 0x00,
    EVTX_TOKEN_OPEN = 0x01,
    EVTX_TOKEN_CLOSE_START = 0x02,
    EVTX_TOKEN_CLOSE_EMPTY = 0x03,
    EVTX_TOKEN_END = 0x04,
    EVTX_TOKEN_TEXT = 0x05,
    EVTX_TOKEN_ATTRIBUTE = 0x06,
    EVTX_TOKEN_CDATA = 0x07,
    EVTX_TOKEN_CHARACTER = 0x08,
    EVTX_TOKEN_ENTITY = 0x09,
    EVTX_TOKEN_PI_TARGET = 0x0A,
    EVTX_TOKEN_PI_DATA = 0x0B,
    EVTX_TOKEN_TEMPLATE = 0x0C,
    EVTX_TOKEN_SUBSTITUTION = 0x0D,
    EVTX_TOKEN_OPTIONAL = 0x0E,
    EVTX_TOKEN_FRAGMENT = 0x0F,
    EVTX_TOKEN_MORE =
        0x40, /* flag: of an element, that it has attributes; else that more follows */
};

/* What <System> says. */
enum evtx_field {
    EVTX_FIELD_PROVIDER,
    EVTX_FIELD_EVENT_ID,
    EVTX_FIELD_TIME,
    EVTX_FIELD_RECORD,
    EVTX_FIELD_CHANNEL,
    EVTX_FIELD_COMPUTER,
    EVTX_FIELD_KEYWORDS,
    EVTX_FIELDS
};

/* What the children of an element are. */
enum evtx_place {
    EVTX_PLACE_TOP, /* of a fragment, and in <Event> */
    EVTX_PLACE_SYSTEM,
    EVTX_PLACE_DATA,
    EVTX_PLACE_USER,
    EVTX_PLACE_NONE, /* nothing of use below */
};

enum evtx_piece_kind { EVTX_PIECE_TEXT, EVTX_PIECE_VALUE, EVTX_PIECE_CHARACTER };

struct evtx_piece {
    uint8_t kind;
    uint8_t type;      /* that the template says of a value */
    uint16_t value;    /* its index; or the character */
    uint32_t len;      /* bytes of text */
    const uint8_t *at; /* UTF-16 in the chunk */
};

struct evtx_run {
    uint32_t first, n; /* pieces */
};

/* A hole is where a value may bring a fragment. */
enum evtx_leaf_kind { EVTX_LEAF_NAMED, EVTX_LEAF_UNNAMED, EVTX_LEAF_HOLE };

struct evtx_leaf {
    struct evtx_run name, text;
    uint32_t position; /* of an unnamed one among its siblings */
    uint8_t kind;
    uint8_t place; /* of a hole: what a fragment in it is part of */
};

struct evtx_shape {
    uint32_t offset, id; /* of the template */
    uint16_t next;       /* for its owner's table */
    uint8_t place;
    bool is_dynamic; /* a name comes from a value */
    bool has_holes;
    struct evtx_run system[EVTX_FIELDS];
    uint32_t first_leaf, n_leaves;
    uint64_t provider; /* hash of its text; 0 = not in the template */
    /* For records: leaf_of[i], from first_leaf, has value i of the kind bound. */
    const struct event_kind *bound;
    uint16_t leaf_of[EVENT_VALUES];
};

struct evtx_shapes {
    struct evtx_shape shapes[LIMIT_EVTX_TEMPLATES];
    struct evtx_leaf leaves[LIMIT_EVTX_LEAVES];
    struct evtx_piece pieces[LIMIT_EVTX_PIECES];
    size_t n_shapes, n_leaves, n_pieces;
    uint64_t work; /* bytes compiled, and what else its owner adds; begins again with each chunk */
    bool is_full;
};

void evtx_shapes_empty(struct evtx_shapes *shapes);
/* Compiles the elements at *c, up to their end or its own. Positions in them count from `whole`.
 * has_dependency: elements carry dependency identifiers, if they do not tell themselves.
 * NULL, and nothing is left in the tables, when it fails: TRUNCATED, MALFORMED, LIMIT. */
struct evtx_shape *evtx_shape_compile(struct evtx_shapes *shapes, const struct cursor *whole,
                                      struct cursor *c, enum evtx_place place, bool has_dependency,
                                      struct err *err);
/* Raises LIMIT when more has been done for the chunk than an honest one takes. */
MUST_USE bool evtx_shapes_may_go_on(const struct evtx_shapes *shapes, uint64_t offset,
                                    struct err *err);
uint64_t evtx_shape_text_hash(bytes units); /* never 0 */
