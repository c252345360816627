/* SPDX-License-Identifier: Apache-2.0 */
/* Every address that can be a peer: one constant for rules and proof (DESIGN.md 5). The whole line
 * without the unspecified addresses, loopback, multicast and broadcast, which never open or accept
 * an SMB session over a network. */
#pragma once

#include "base/prefix_set.h"

extern const struct prefix_set universe_peers;
/* What Windows accepts as end points of a remote address range ([MS-FASP] 2.2.22;
 * windows-formats.md 1.8): the same without 240.0.0.0/4, which the documentation neither allows nor
 * forbids. */
extern const struct prefix_set universe_windows;
