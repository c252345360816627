/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/evtx_crc.h"

void evtx_crc_init(struct evtx_crc *crc)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = byte;
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? UINT32_C(0xEDB88320) : 0);
        crc->table[0][byte] = sum;
    }
    /* Row k: the sum of a byte with k zero bytes behind it. */
    for (size_t k = 1; k < EVTX_CRC_STEP; k++)
        for (size_t byte = 0; byte < 256; byte++) {
            uint32_t before = crc->table[k - 1][byte];
            crc->table[k][byte] = before >> 8 ^ crc->table[0][before & 0xFF];
        }
}

static uint32_t load(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t four(const uint32_t (*rows)[256], uint32_t word)
{
    return rows[3][word & 0xFF] ^ rows[2][word >> 8 & 0xFF] ^ rows[1][word >> 16 & 0xFF] ^
           rows[0][word >> 24];
}

uint32_t evtx_crc_add(const struct evtx_crc *crc, uint32_t sum, bytes piece)
{
    const uint8_t *p = piece.ptr;
    size_t left = piece.len;
    sum = ~sum;
    for (; left >= EVTX_CRC_STEP; left -= EVTX_CRC_STEP, p += EVTX_CRC_STEP)
        sum = four(&crc->table[12], sum ^ load(p)) ^ four(&crc->table[8], load(p + 4)) ^
              four(&crc->table[4], load(p + 8)) ^ four(&crc->table[0], load(p + 12));
    for (; left; left--, p++)
        sum = sum >> 8 ^ crc->table[0][(sum ^ *p) & 0xFF];
    return ~sum;
}
