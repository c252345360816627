/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/nbss.h"

bool nbss_is_plausible(uint8_t type, uint32_t length)
{
    switch ((enum nbss_type)type) {
    case NBSS_MESSAGE:
        return true;
    case NBSS_REQUEST:
        return length >= 2 && length <= NBSS_REQUEST_BYTES_MOST;
    case NBSS_POSITIVE:
    case NBSS_KEEPALIVE:
        return length == 0;
    case NBSS_NEGATIVE:
        return length == 1;
    case NBSS_RETARGET:
        return length == 6;
    }
    return false;
}

/* First-level encoding: each half byte is a letter from A to P. The scope behind it is not a part
 * of the machine's name. */
static bool read_name(struct cursor *c, struct nbss_name *out)
{
    uint8_t raw[NBSS_NAME_BYTES] = {0};
    uint8_t label = cursor_u8(c, "nbss.name.length");
    if (!cursor_ok(c) || label != 2 * NBSS_NAME_BYTES) return false;
    for (size_t i = 0; i < NBSS_NAME_BYTES; i++) {
        uint8_t high = cursor_u8(c, "nbss.name");
        uint8_t low = cursor_u8(c, "nbss.name");
        if (high < 'A' || high > 'P' || low < 'A' || low > 'P') return false;
        raw[i] = (uint8_t)((high - 'A') << 4 | (low - 'A'));
    }
    for (;;) {
        uint8_t scope = cursor_u8(c, "nbss.scope.length");
        if (!cursor_ok(c)) return false;
        if (scope == 0) break;
        cursor_skip(c, scope, "nbss.scope");
    }
    *out = (struct nbss_name){.type = raw[NBSS_NAME_BYTES - 1], .len = NBSS_NAME_BYTES - 1};
    memcpy(out->text, raw, NBSS_NAME_BYTES - 1);
    while (out->len && (out->text[out->len - 1] == ' ' || out->text[out->len - 1] == 0))
        out->len--;
    return true;
}

bool nbss_request_read(bytes body, struct nbss_request *out)
{
    struct cursor c = cursor_of(body, 0);
    struct nbss_request request = {0};
    if (!read_name(&c, &request.called)) return false;
    if (!read_name(&c, &request.calling)) return false;
    *out = request;
    return true;
}
