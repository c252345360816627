/* SPDX-License-Identifier: Apache-2.0 */
/* The four bytes in front of every SMB message: NetBIOS session service (RFC 1002, 4.3) on port
 * 139, direct TCP ([MS-SMB2] 2.1) elsewhere, and NetBIOS names (RFC 1001, 14.1).
 */
#pragma once

#include "base/cursor.h"

enum nbss_type {
    NBSS_MESSAGE = 0x00,
    NBSS_REQUEST = 0x81,
    NBSS_POSITIVE = 0x82,
    NBSS_NEGATIVE = 0x83,
    NBSS_RETARGET = 0x84,
    NBSS_KEEPALIVE = 0x85,
};

enum {
    NBSS_HEADER_BYTES = 4,
    NBSS_NAME_BYTES = 16,
    /* A session request carries two encoded names of 34 bytes; with scopes up to twice 255. */
    NBSS_REQUEST_BYTES_MOST = 512,
};

struct nbss_name {
    char text[NBSS_NAME_BYTES]; /* without the padding and the type byte */
    size_t len;
    uint8_t type;
};

struct nbss_request {
    struct nbss_name called, calling;
};

/* Whether a message of this type and length may begin here at all. */
bool nbss_is_plausible(uint8_t type, uint32_t length);
/* The body of a session request. */
MUST_USE bool nbss_request_read(bytes body, struct nbss_request *out);
