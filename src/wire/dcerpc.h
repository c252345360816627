/* SPDX-License-Identifier: Apache-2.0 */
/* The logon inside a DCERPC bind, alter context or auth3 message over a named pipe ([MS-RPCE]
 * 2.2.2.11, C706 12.6). Nothing else of DCERPC is looked at.
 */
#pragma once

#include "base/cursor.h"

enum { DCERPC_HEADER_BYTES = 16 };

/* How many bytes of the message must be seen: all of one that carries a logon, else none. head has
 * at least DCERPC_HEADER_BYTES. */
size_t dcerpc_need(bytes head);
/* The security token of such a message. False when it is none, or was cut off. */
MUST_USE bool dcerpc_token(bytes message, bytes *out);
