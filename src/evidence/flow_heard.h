/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader of flows tells of some bytes, as text and as a digest: for its tests and fuzz
 * targets. Header only.
 */
#pragma once

#include "base/hash.h"
#include "base/limits.h"
#include "evidence/reader.h"

struct flow_heard {
    struct buf lines; /* one per observation; skips when wanted */
    bool wants_skips;
    uint64_t size;   /* of the source */
    uint64_t digest; /* of all that was heard, in order */
    size_t records, observations, skips;
};

static inline void flow_heard_mix(struct flow_heard *heard, uint64_t value)
{
    heard->digest = hash_join(heard->digest, value);
}

static inline void flow_heard_observation(void *to, const struct observation *fact)
{
    struct flow_heard *heard = to;
    char client[ADDR_TEXT], server[ADDR_TEXT];
    if (fact->offset >= heard->size || fact->count != 1 || !fact->port) abort();
    if (fact->last_us < fact->first_us) abort();
    if (addr_is_none(fact->client.addr) || addr_is_none(fact->server.addr)) abort();
    if (service_by_port(service_builtin, fact->transport, fact->port) == SERVICE_NONE) abort();
    heard->observations++;
    flow_heard_mix(heard, fact->offset);
    flow_heard_mix(heard, (uint64_t)fact->first_us ^ (uint64_t)fact->last_us);
    flow_heard_mix(heard, fact->bytes_to_server ^ fact->bytes_to_client);
    flow_heard_mix(heard, (uint64_t)fact->outcome << 8 | fact->assumed);
    if (!heard->lines.arena) return;
    str outcome = fact->outcome == OUTCOME_NONE ? S("-") : outcome_text(fact->outcome);
    buf_format(&heard->lines,
               "%.*s:%u>%.*s:%u %" PRId64 "-%" PRId64 " %" PRIu64 "/%" PRIu64 " %.*s%s%s%s\n",
               STR_ARG(addr_text(client, fact->client.addr)), fact->client_port,
               STR_ARG(addr_text(server, fact->server.addr)), fact->port, fact->first_us / 1000,
               fact->last_us / 1000, fact->bytes_to_server, fact->bytes_to_client, STR_ARG(outcome),
               fact->within ? " within" : "", fact->assumed & 1u << ASSUMED_SERVER ? " server" : "",
               fact->assumed & 1u << ASSUMED_CLOCK ? " clock" : "");
}

static inline void flow_heard_skip(void *to, const struct skip *fact)
{
    struct flow_heard *heard = to;
    if (!fact->reason.len || fact->offset > heard->size) abort();
    if (fact->length > heard->size - fact->offset) abort();
    heard->skips++;
    flow_heard_mix(heard, fact->offset);
    flow_heard_mix(heard, hash_bytes(str_bytes(fact->reason)));
    if (heard->wants_skips)
        buf_format(&heard->lines, "skip %" PRIu64 "+%" PRIu64 " %.*s\n", fact->offset, fact->length,
                   STR_ARG(fact->reason));
}

static inline void flow_heard_record(void *to, int64_t at_us)
{
    struct flow_heard *heard = to;
    heard->records++;
    flow_heard_mix(heard, (uint64_t)at_us);
}

/* Reads data in windows that grow by `piece` bytes. */
static inline void flow_heard_read(const struct reader *reader, bytes data, size_t piece,
                                   uint64_t budget_bytes, struct flow_heard *heard)
{
    struct arena arena = arena_open("flows", budget_bytes, NULL);
    struct fact_sink sink = fact_sink_none();
    sink.to = heard;
    sink.observation = flow_heard_observation;
    sink.skip = flow_heard_skip;
    sink.record = flow_heard_record;
    heard->size = data.len;
    void *state = reader->open(&arena, &(struct reader_options){0}, &sink);
    size_t start = 0, end = 0;
    for (bool last = false, reading = true; !last && reading;) {
        end = data.len - end > piece ? end + piece : data.len;
        last = end == data.len;
        size_t consumed = 0, want = 0;
        struct window window = {
            {data.ptr + start, end - start},
            start, last
        };
        reading = reader->feed(state, window, &consumed, &want);
        if (consumed > end - start) abort();
        if (last && reading && consumed != end - start) abort();
        start += consumed;
    }
    reader->close(state);
    arena_close(&arena);
}
