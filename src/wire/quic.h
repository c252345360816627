/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning of a QUIC connection (RFC 9000, RFC 9001, version 2: RFC 9369): its Initial
 * packets, whose keys anyone can derive, hold the TLS client hello (RFC 8446 4.1.2), and that says
 * which protocol is spoken (ALPN, RFC 7301). SMB over QUIC says "smb" ([MS-SMB2] 2.1). A hello may
 * come in pieces, in several packets.
 */
#pragma once

#include "base/cursor.h"

enum {
    QUIC_HELLO_BYTES = 16384, /* of one hello; post-quantum ones have about 2000 */
    QUIC_PACKET_BYTES = 2048, /* of an Initial; datagrams are smaller */
    QUIC_NAME_BYTES = 256,
};

/* A client hello while it is put together. Begins as zero. */
struct quic_hello {
    uint8_t data[QUIC_HELLO_BYTES];
    uint8_t has[QUIC_HELLO_BYTES / 8]; /* bit per byte */
    size_t n;                          /* bytes received */
};

enum quic_finding {
    QUIC_NOTHING, /* no Initial of a client, or not the whole hello yet */
    QUIC_OTHER,   /* another protocol */
    QUIC_SMB,
};

/* Whether a datagram begins with a long header whose packet may be an Initial: cheap. */
bool quic_is_initial(bytes datagram);
/* Adds what the Initial packets of a datagram hold. The name is the server's as the client called
 * it (SNI), in hello->data; empty when it was not said. */
enum quic_finding quic_hello_add(struct quic_hello *hello, bytes datagram, str *name);
