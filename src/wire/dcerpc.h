/* SPDX-License-Identifier: Apache-2.0 */
/* DCERPC bind, alter context and auth3 messages over a named pipe (C706 12.6; [MS-RPCE] 2.2.2.11):
 * the logon they carry, and the interfaces that are bound. Nothing else of DCERPC is looked at.
 */
#pragma once

#include "base/cursor.h"

enum { DCERPC_HEADER_BYTES = 16 };

/* How many bytes of the message must be seen: all of a bind or of one with a logon, else none. head
 * has at least DCERPC_HEADER_BYTES. */
size_t dcerpc_need(bytes head);
/* The security token of such a message. False when it is none, or was cut off. */
MUST_USE bool dcerpc_token(bytes message, bytes *out);

/* An interface's UUID as it is on the wire, in the byte order of the message. */
struct dcerpc_interface {
    uint8_t uuid[16]; /* in network order, as it is written down */
    uint16_t version; /* major */
};
/* The interfaces that a bind or alter context asks for, one after another: *at begins at 0. False
 * when there is no further one. */
MUST_USE bool dcerpc_next_interface(bytes message, size_t *at, struct dcerpc_interface *out);
/* "srvsvc"; empty when we know no name of it. */
str dcerpc_interface_name(const struct dcerpc_interface *interface);
enum { DCERPC_UUID_TEXT = 37 };
/* "4b324fc8-1670-01d3-1278-5a47bf6ee188" */
str dcerpc_uuid_text(char text[DCERPC_UUID_TEXT], const struct dcerpc_interface *interface);
