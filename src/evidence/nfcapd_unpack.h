/* SPDX-License-Identifier: Apache-2.0 */
/* The compressed blocks of nfcapd files. LZO and LZ4 blocks are bare, without the frames that tools
 * put around them, and are unpacked here; bzip2 and zstd ones are whole streams.
 */
#pragma once

#include "base/str.h"

enum nfcapd_packing {
    NFCAPD_PLAIN,
    NFCAPD_LZO,
    NFCAPD_BZIP2,
    NFCAPD_LZ4,
    NFCAPD_ZSTD,
    NFCAPD_PACKINGS,
};

/* Unpacks one block into `into`. False when it is damaged or does not fit: what was unpacked before
 * is there then, *n bytes of it. */
MUST_USE bool nfcapd_unpack(enum nfcapd_packing packing, bytes block, uint8_t *into, size_t room,
                            size_t *n);
