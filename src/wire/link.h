/* SPDX-License-Identifier: Apache-2.0 */
/* Link layers: from a captured frame to the IP packet in it. Link types are those of the registry
 * of capture formats (draft-ietf-opsawg-pcaplinktype).
 */
#pragma once

#include "base/cursor.h"

enum link_type {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW_BSD = 12,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_LINUX_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_LINUX_SLL2 = 276,
};

bool link_is_known(uint32_t type);
/* The name of a link type that is often met but not read; empty when we know none. */
str link_name(uint32_t type);
/* The IP packet (IPv4 or IPv6, from its first byte on) inside a frame. False when it carries none,
 * or when the capture cut it off before. VLAN tags (802.1Q, 802.1ad, 0x9100) are stepped over. */
MUST_USE bool link_decode(uint32_t type, bytes frame, bytes *out);
