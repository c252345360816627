/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32 (RFC 1952, section 8; reflected 0xEDB88320) at memory speed: every byte of an event log
 * passes through it, so it looks up sixteen bytes a step.
 */
#pragma once

#include "base/str.h"

enum { EVTX_CRC_STEP = 16 };

/* 16 KiB, made once per source. */
struct evtx_crc {
    uint32_t table[EVTX_CRC_STEP][256];
};

void evtx_crc_init(struct evtx_crc *crc);
/* crc is 0 for the first piece, else the sum so far. */
uint32_t evtx_crc_add(const struct evtx_crc *crc, uint32_t sum, bytes piece);
