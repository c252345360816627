/* SPDX-License-Identifier: Apache-2.0 */
/* A file of export datagrams one behind the other, with nothing between them: what a UDP collector
 * wrote down, a stream of IPFIX messages as TCP and SCTP carry it, and the IPFIX file format (RFC
 * 5655), which is such a stream. Some kilobytes to gigabytes.
 */
#include "base/limits.h"
#include "evidence/netflow.h"
#include "evidence/reader.h"

struct datagrams {
    struct fact_sink sink;
    struct netflow *netflow;
    bool is_lost; /* in bytes that are no datagram */
    uint64_t lost_at;
};

/* One whole datagram, with a further one behind it or nothing. */
static bool recognise(bytes head)
{
    size_t length = 0;
    bool last = head.len < LIMIT_RECOGNISE_BYTES;
    enum netflow_cut cut = netflow_cut(head, last, &length);
    if (cut == NETFLOW_CUT_MORE) return netflow_cut_begins(head);
    if (cut != NETFLOW_CUT_WHOLE || !netflow_cut_fits((bytes){head.ptr, length})) return false;
    bytes rest = {head.ptr + length, head.len - length};
    return !rest.len || netflow_cut(rest, false, &length) != NETFLOW_CUT_NONE;
}

static void *open_state(struct arena *arena, const struct reader_options *options,
                        const struct fact_sink *sink)
{
    (void)options;
    struct datagrams *state = arena_new(arena, struct datagrams);
    state->sink = *sink;
    state->netflow = netflow_open(arena, sink);
    return state;
}

static void end_lost(struct datagrams *state, uint64_t offset)
{
    struct skip skip = {
        .offset = state->lost_at,
        .length = offset - state->lost_at,
        .reason = S("bytes that are no export datagram"),
    };
    if (state->is_lost) state->sink.skip(state->sink.to, &skip);
    state->is_lost = false;
}

static bool feed(void *self, struct window window, size_t *consumed, size_t *want)
{
    struct datagrams *state = self;
    size_t at = 0;
    *want = 0;
    while (at < window.data.len) {
        bytes rest = {window.data.ptr + at, window.data.len - at};
        size_t length = 0;
        enum netflow_cut cut = netflow_cut(rest, window.last, &length);
        if (cut == NETFLOW_CUT_MORE) {
            *want = rest.len + LIMIT_WINDOW_BYTES;
            break;
        }
        if (cut == NETFLOW_CUT_NONE) {
            if (!state->is_lost) state->lost_at = window.offset + at;
            state->is_lost = true;
            at++;
            continue;
        }
        end_lost(state, window.offset + at);
        struct netflow_datagram datagram = {
            .data = {rest.ptr, length},
            .offset = window.offset + at,
        };
        state->sink.content(state->sink.to, datagram.data);
        netflow_datagram(state->netflow, &datagram);
        at += length;
    }
    if (window.last) end_lost(state, window.offset + at);
    *consumed = at;
    return true;
}

static void close_state(void *self)
{
    struct datagrams *state = self;
    netflow_close(state->netflow);
}

const struct reader netflow_datagrams_reader = {
    .name = {"netflow",                                                   7 },
    .summary = {"NetFlow, IPFIX and sFlow datagrams as exporters send them", 57},
    .overlap = OVERLAP_CONTENT_HASH,
    .host_follows = true,
    .recognise = recognise,
    .open = open_state,
    .feed = feed,
    .close = close_state,
};
