/* SPDX-License-Identifier: Apache-2.0 */
/* Our line of addresses holds both families, a firewall keeps them apart: to it ::ffff:10.0.0.1 and
 * ::/0 are IPv6 and nothing of IPv4. For readers.
 */
#pragma once

#include "base/addr.h"

/* True when a firewall takes these addresses, read from that text, for the families we do. */
bool own_spelling_of(str text, struct range range);
