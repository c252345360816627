/* SPDX-License-Identifier: Apache-2.0 */
/* Which QUIC conversations of a capture are SMB's: found by their client hello, remembered by their
 * ends. Hellos that come in pieces wait in a small table: the one begun first gives way. Nothing is
 * allocated for a capture without QUIC on port 443.
 */
#pragma once

#include "wire/tcp.h"

enum { CAPTURE_QUIC_PORT = 443 };

struct capture_quic; /* opaque */
struct capture_quic *capture_quic_open(struct arena *arena);
void capture_quic_close(struct capture_quic *quic);
/* Whether the datagram, one of whose ports is CAPTURE_QUIC_PORT, belongs to SMB over QUIC. When it
 * is the one that tells so, *name is the server's as the client called it. */
bool capture_quic_is_smb(struct capture_quic *quic, const struct ip_packet *packet,
                         const struct tcp_segment *datagram, str *name);
