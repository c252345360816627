/* SPDX-License-Identifier: Apache-2.0 */
/* Written as ranges on the 128-bit line of base/addr, where a.b.c.d is ::ffff:a.b.c.d. The holes:
 * `::` and `::1`; 0.0.0.0; 127.0.0.0/8; 224.0.0.0/4 (and for Windows 240.0.0.0/4 with it);
 * 255.255.255.255; ff00::/8.
 */
#include "rules/universe.h"

#define V4(a, b, c, d)                                                                             \
    {                                                                                              \
        0, UINT64_C(0x0000FFFF00000000) | (UINT64_C(a) << 24 | (b) << 16 | (c) << 8 | (d))         \
    }

static const struct range peers[] = {
    {{0, 2}, {0, UINT64_C(0x0000FFFEFFFFFFFF)}},
    {V4(0,   0,                                 0, 1), V4(126, 255, 255, 255)},
    {V4(128,    0,                               0, 0), V4(223, 255, 255, 255)},
    {V4(240,   0,                                0, 0), V4(255, 255, 255, 254)},
    {{0, UINT64_C(0x0001000000000000)}, {UINT64_C(0xFEFFFFFFFFFFFFFF), UINT64_MAX}                             },
};

static const struct range windows[] = {
    {{0, 2}, {0, UINT64_C(0x0000FFFEFFFFFFFF)}},
    {V4(0,   0,                                 0, 1), V4(126, 255, 255, 255)},
    {V4(128,    0,                               0, 0), V4(223, 255, 255, 255)},
    {{0, UINT64_C(0x0001000000000000)},   {UINT64_C(0xFEFFFFFFFFFFFFFF), UINT64_MAX}                               },
};

const struct prefix_set universe_peers = {peers, COUNT_OF(peers)};
const struct prefix_set universe_windows = {windows, COUNT_OF(windows)};
