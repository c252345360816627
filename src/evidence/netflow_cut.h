/* SPDX-License-Identifier: Apache-2.0 */
/* Where one export datagram ends, and whether bytes are one: by their form alone. */
#pragma once

#include "base/cursor.h"

/* The first word: 1, 5, 7 (Cisco's fixed records), 9, 10 (IPFIX); sFlow begins with 0, 5. */
enum { NETFLOW_V9 = 9, NETFLOW_IPFIX = 10, NETFLOW_SFLOW = 0 };

/* The versions whose records have a fixed form (Cisco, "NetFlow Export Datagram Format"). */
struct netflow_cut_form {
    uint16_t version;
    uint8_t header, record, most;  /* bytes, bytes, records in a datagram */
    uint8_t protocol_at, flags_at; /* in a record; all else stands at the same place */
    bool has_sequence;
};
const struct netflow_cut_form *netflow_cut_form(unsigned version); /* NULL = none of them */

enum netflow_cut {
    NETFLOW_CUT_NONE,  /* no datagram begins here */
    NETFLOW_CUT_MORE,  /* data is too short to tell */
    NETFLOW_CUT_WHOLE, /* *length bytes; data is the last and ends inside it: all of data */
};
/* NetFlow 9 and sFlow do not say how long they are: their parts tell. */
enum netflow_cut netflow_cut(bytes data, bool last, size_t *length);
/* Whether the payload is one whole datagram, to the byte: unmistakable on any port. */
bool netflow_cut_fits(bytes payload);
/* Whether the payload, of which only the beginning is known, may be one that is longer. */
bool netflow_cut_begins(bytes payload);
/* Whether exporters usually send to that port, and the payload begins as a datagram does. */
bool netflow_cut_expected(uint16_t port, bytes payload);
