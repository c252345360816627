/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of a byte stream, cut into SMB messages. Only the head of each message that its
 * reader asks for is ever gathered; the rest is stepped over by length, so bulk payload is neither
 * copied nor held. After a loss whose extent is known, framing goes on if the length of the message
 * is known; else it looks for the next message by magic, with the framing around it checked.
 */
#pragma once

#include "wire/chunk.h"

enum framing_state {
    FRAMING_LOST,  /* looking for a message (so begins a capture in mid-stream) */
    FRAMING_HEAD,  /* at the four bytes in front of a message */
    FRAMING_ITEM,  /* within a message, at a protocol header */
    FRAMING_OTHER, /* this is not SMB */
};

enum framing_kind {
    FRAMING_SMB1,
    FRAMING_SMB2,
    FRAMING_ENCRYPTED,
    FRAMING_COMPRESSED,
    FRAMING_NBSS
};

struct framing {
    uint8_t state; /* enum framing_state */
    uint8_t type;  /* of the message: enum nbss_type */
    /* The stream is SMB by port or by what it carried: a message may be looked for anywhere in the
     * bytes, and bytes that are none do not end the search. */
    bool trusted;
    uint32_t skip;         /* bytes to step over first */
    uint32_t message_left; /* of the message, from the current item on */
    uint32_t need;         /* bytes of the current item to gather */
    struct chain gathered;
};

/* One protocol header with what follows it: a whole SMB1 message or one command of an SMB2
 * compound. */
struct framing_item {
    enum framing_kind kind;
    uint8_t nbss_type; /* FRAMING_NBSS */
    bytes head;        /* what was gathered */
    size_t length;     /* of the item as it was sent */
    bool final;        /* no more of it can be had */
};

struct framing_user {
    void *to;
    struct chunk_pool *pool;
    uint8_t *scratch; /* FRAMING_GATHER_MOST bytes */
    /* Returns how many bytes of the item it must see in all; 0 when it is done with it. */
    size_t (*item)(void *to, const struct framing_item *item);
};

enum { FRAMING_GATHER_MOST = 65536 };

/* A stream seen from its first byte. */
struct framing framing_from_start(bool trusted);
/* The next bytes. False when the pool was full: this direction is lost until its next message. */
bool framing_deliver(struct framing *framing, const struct framing_user *user, bytes data);
/* The next n bytes were not captured. */
void framing_gap(struct framing *framing, const struct framing_user *user, uint64_t n);
/* True when the next n bytes would only be stepped over: nobody needs their content. */
bool framing_ignores(const struct framing *framing, uint64_t n);
/* Gives back what is gathered; the direction is lost until its next message. */
void framing_drop(struct framing *framing, struct chunk_pool *pool);
/* Whether an SMB message begins at data: four bytes of framing, magic, and a header that agrees
 * with the length. */
bool framing_is_message(bytes data);
