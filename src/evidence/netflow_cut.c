/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/netflow_cut.h"

#include "evidence/sflow.h"

enum {
    SET_HEADER = 4,
    V9_HEADER = 20,
    IPFIX_HEADER = 16,
    SFLOW_HEADER = 28,
    FIRST_DATA_SET = 256, /* smaller ones are templates, or reserved */
    IPFIX_TEMPLATES = 2,
    IPFIX_OPTIONS = 3,
    DATAGRAM_MOST = 65535,
};

static const struct netflow_cut_form fixed_forms[] = {
    {1, 16, 52, 24, 38, 40, false},
    {5, 24, 48, 30, 38, 37, true },
    {7, 24, 52, 28, 38, 37, true },
};

static const uint16_t usual_ports[] = {2055, 2056, 4432, 4739, 6343, 9025, 9555, 9991, 9995, 9996};

static uint16_t u16_at(bytes data, size_t at)
{
    return (uint16_t)(data.ptr[at] << 8 | data.ptr[at + 1]);
}

static uint32_t u32_at(bytes data, size_t at)
{
    return (uint32_t)u16_at(data, at) << 16 | u16_at(data, at + 2);
}

static bool is_set_id(uint16_t id)
{
    return id <= 1 || id >= FIRST_DATA_SET;
}

/* A v9 datagram is as long as its sets reach. Behind the last stand zeros, or a version: that is no
 * number of a set. */
static enum netflow_cut cut_v9(bytes data, bool last, size_t *length)
{
    size_t at = V9_HEADER;
    while (at < DATAGRAM_MOST) {
        if (data.len - at < SET_HEADER && !last) return NETFLOW_CUT_MORE;
        if (data.len - at < 2) break;
        uint16_t id = u16_at(data, at);
        uint16_t size = data.len - at < SET_HEADER ? 0 : u16_at(data, at + 2);
        if (id == 0 && size == 0) { /* padding, to the end */
            while (at < DATAGRAM_MOST && data.len - at >= 2 && u16_at(data, at) == 0)
                at += 2;
            if (data.len - at < 2 && !last) return NETFLOW_CUT_MORE;
            break;
        }
        if (!is_set_id(id)) break;
        if (size < SET_HEADER && at == V9_HEADER) return NETFLOW_CUT_NONE;
        if (size < SET_HEADER) break;
        if (data.len - at < size && !last) return NETFLOW_CUT_MORE;
        at = data.len - at < size ? data.len : at + size;
    }
    *length = at;
    return NETFLOW_CUT_WHOLE;
}

static enum netflow_cut cut_sflow(bytes data, bool last, size_t *length)
{
    struct cursor c = cursor_of(data, 0);
    struct sflow_header header;
    if (u32_at(data, 0) != SFLOW_VERSION) return NETFLOW_CUT_NONE;
    bool is_header = sflow_header_read(&c, &header);
    if (!is_header) return last || cursor_ok(&c) ? NETFLOW_CUT_NONE : NETFLOW_CUT_MORE;
    for (uint32_t i = 0; i < header.n_samples; i++) {
        size_t at = data.len - cursor_left(&c);
        cursor_skip(&c, 4, "sflow.sample_format");
        uint32_t size = cursor_u32be(&c, "sflow.sample_length");
        cursor_skip(&c, size, "sflow.sample");
        if (cursor_ok(&c)) continue;
        bool is_cut = at + size < DATAGRAM_MOST;
        if (is_cut && !last) return NETFLOW_CUT_MORE;
        /* Damaged: what comes next is found from here on. */
        *length = is_cut ? data.len : at;
        return i ? NETFLOW_CUT_WHOLE : NETFLOW_CUT_NONE;
    }
    *length = data.len - cursor_left(&c);
    return NETFLOW_CUT_WHOLE;
}

const struct netflow_cut_form *netflow_cut_form(unsigned version)
{
    for (size_t i = 0; i < COUNT_OF(fixed_forms); i++)
        if (fixed_forms[i].version == version) return &fixed_forms[i];
    return NULL;
}

static size_t least_of(uint16_t version)
{
    const struct netflow_cut_form *form = netflow_cut_form(version);
    if (form) return form->header;
    if (version == NETFLOW_V9) return V9_HEADER;
    if (version == NETFLOW_IPFIX) return IPFIX_HEADER;
    return version == NETFLOW_SFLOW ? SFLOW_HEADER : 0;
}

enum netflow_cut netflow_cut(bytes data, bool last, size_t *length)
{
    if (data.len < 4) return last ? NETFLOW_CUT_NONE : NETFLOW_CUT_MORE;
    uint16_t version = u16_at(data, 0), second = u16_at(data, 2);
    size_t least = least_of(version);
    const struct netflow_cut_form *form = netflow_cut_form(version);
    if (!least) return NETFLOW_CUT_NONE;
    if (form && (second == 0 || second > form->most)) return NETFLOW_CUT_NONE;
    if (version == NETFLOW_IPFIX && second < IPFIX_HEADER) return NETFLOW_CUT_NONE;
    if (version == NETFLOW_SFLOW && second != SFLOW_VERSION) return NETFLOW_CUT_NONE;
    if (data.len < least) return last ? NETFLOW_CUT_NONE : NETFLOW_CUT_MORE;
    if (version == NETFLOW_V9) return cut_v9(data, last, length);
    if (version == NETFLOW_SFLOW) return cut_sflow(data, last, length);
    size_t whole = form ? form->header + (size_t)second * form->record : second;
    if (data.len < whole && !last) return NETFLOW_CUT_MORE;
    *length = data.len < whole ? data.len : whole;
    return NETFLOW_CUT_WHOLE;
}

/* Sets from there on, to the very end but for zeros; or, when not all is known, as far as it is. */
static bool sets_fit(bytes data, size_t at, unsigned version, bool is_whole)
{
    bool any = false;
    while (at < data.len && data.len - at >= SET_HEADER) {
        uint16_t id = u16_at(data, at), size = u16_at(data, at + 2);
        bool fits = version == NETFLOW_IPFIX
                        ? id == IPFIX_TEMPLATES || id == IPFIX_OPTIONS || id >= FIRST_DATA_SET
                        : is_set_id(id);
        if (any && id == 0 && size == 0) break;
        if (!fits || size < SET_HEADER) return false;
        if (size > data.len - at) return any && !is_whole;
        any = true;
        at += size;
    }
    for (; is_whole && at < data.len; at++)
        if (data.ptr[at]) return false;
    return any;
}

bool netflow_cut_fits(bytes payload)
{
    size_t length = 0;
    if (payload.len < IPFIX_HEADER) return false;
    if (netflow_cut(payload, true, &length) != NETFLOW_CUT_WHOLE || length != payload.len)
        return false;
    uint16_t version = u16_at(payload, 0);
    const struct netflow_cut_form *form = netflow_cut_form(version);
    if (form) return payload.len == form->header + (size_t)u16_at(payload, 2) * form->record;
    if (version == NETFLOW_V9) return sets_fit(payload, V9_HEADER, version, true);
    if (version == NETFLOW_IPFIX)
        return u16_at(payload, 2) == payload.len && sets_fit(payload, IPFIX_HEADER, version, true);
    struct cursor c = cursor_of(payload, 0);
    struct sflow_header header;
    return sflow_header_read(&c, &header) && header.n_samples > 0;
}

bool netflow_cut_begins(bytes payload)
{
    size_t length = 0;
    if (payload.len < SFLOW_HEADER) return false;
    if (netflow_cut(payload, false, &length) != NETFLOW_CUT_MORE) return false;
    uint16_t version = u16_at(payload, 0);
    if (version == NETFLOW_V9) return sets_fit(payload, V9_HEADER, version, false);
    if (version == NETFLOW_IPFIX) return sets_fit(payload, IPFIX_HEADER, version, false);
    return version == NETFLOW_SFLOW;
}

bool netflow_cut_expected(uint16_t port, bytes payload)
{
    for (size_t i = 0; i < COUNT_OF(usual_ports); i++) {
        if (usual_ports[i] != port) continue;
        if (payload.len < IPFIX_HEADER) return false;
        uint16_t version = u16_at(payload, 0);
        return least_of(version) && (version || u16_at(payload, 2) == SFLOW_VERSION);
    }
    return false;
}
