/* SPDX-License-Identifier: Apache-2.0 */
/* For tests and fuzzers of readers: facts as lines of text, so that a row can say what it expects,
 * and the promises that every reader keeps, asserted on whatever is heard: skips and facts lie
 * inside the source, a fact's identity was said before it, times are in order.
 *
 *   2024-06-11T12:13:12+1s 10.0.2.4:49802 > 10.0.3.52:445 tcp allowed 40/0 within @784
 *   listen 10.50.7.20 tcp/445 open 2.0.2,3.1.1 enabled 2026-11-21T21:47:50 @1200
 */
#pragma once

#include "base/hash.h"
#include "base/instant.h"
#include "evidence/reader.h"

struct facts_heard {
    struct buf text;
    uint64_t size;   /* of the source */
    uint64_t hashes; /* of all identities, in any order */
    bool has_identity;
    size_t records, observations, listenings, skips;
    size_t origin_len;
    char origin[LIMIT_NAME_BYTES];
};

static inline void facts_promise(bool kept)
{
    if (!kept) abort();
}

static inline void facts_take_observation(void *to, const struct observation *f)
{
    struct facts_heard *heard = to;
    char client[ADDR_TEXT], server[ADDR_TEXT], at[INSTANT_TEXT];
    facts_promise(heard->has_identity && f->count && f->offset <= heard->size);
    facts_promise(f->first_us <= f->last_us && f->port);
    facts_promise(!addr_is_none(f->client.addr) && !addr_is_none(f->server.addr));
    facts_promise(service_by_port(service_builtin, f->transport, f->port) != SERVICE_NONE);
    heard->has_identity = false;
    heard->observations++;
    str when = str_head(instant_text(at, f->first_us), 19);
    str c = addr_text(client, f->client.addr), s = addr_text(server, f->server.addr);
    buf_format(&heard->text, "%.*s+%" PRId64 "s %.*s:%u > %.*s:%u %.*s %.*s", STR_ARG(when),
               (f->last_us - f->first_us) / INSTANT_SECOND, STR_ARG(c), (unsigned)f->client_port,
               STR_ARG(s), (unsigned)f->port, STR_ARG(service_transport_text(f->transport)),
               STR_ARG(outcome_text(f->outcome)));
    buf_format(&heard->text, " %" PRIu64 "/%" PRIu64 "%s%s%s @%" PRIu64 "\n", f->bytes_to_server,
               f->bytes_to_client, f->within ? " within" : "", f->closes ? " closes" : "",
               f->assumed & 1u << ASSUMED_SERVER ? " server?" : "", f->offset);
}

static inline void facts_take_listening(void *to, const struct listening *f)
{
    struct facts_heard *heard = to;
    char server[ADDR_TEXT], at[INSTANT_TEXT];
    str s = addr_text(server, f->server.addr), transport = service_transport_text(f->transport);
    facts_promise(heard->has_identity && f->offset <= heard->size);
    facts_promise(!addr_is_none(f->server.addr) && f->state < LISTENING_COUNT);
    heard->has_identity = false;
    heard->listenings++;
    buf_format(&heard->text, "listen %.*s %.*s/%u %.*s", STR_ARG(s), STR_ARG(transport),
               (unsigned)f->port, STR_ARG(listening_text(f->state)));
    for (unsigned d = 0, n = 0; d < DIALECT_COUNT; d++)
        if (f->dialects >> d & 1)
            buf_format(&heard->text, "%c%.*s", n++ ? ',' : ' ', STR_ARG(dialect_text(d)));
    if (f->signing != SIGNING_UNKNOWN)
        buf_format(&heard->text, " %.*s", STR_ARG(signing_text(f->signing)));
    if (f->seen_us)
        buf_format(&heard->text, " %.*s", STR_ARG(str_head(instant_text(at, f->seen_us), 19)));
    buf_format(&heard->text, " @%" PRIu64 "\n", f->offset);
}

static inline void facts_take_identity(void *to, const struct identity *f)
{
    static const char *const sources[IDENTITY_SOURCE_COUNT] = {
        "ntlm", "nbss", "tree-path", "kerberos", "log", "user", "dns",
    };
    struct facts_heard *heard = to;
    char addr[ADDR_TEXT];
    facts_promise(f->name.len && f->source < IDENTITY_SOURCE_COUNT && f->offset <= heard->size);
    buf_format(&heard->text, "name %.*s %.*s %s\n", STR_ARG(addr_text(addr, f->addr)),
               STR_ARG(f->name), sources[f->source]);
}

static inline void facts_take_skip(void *to, const struct skip *f)
{
    struct facts_heard *heard = to;
    facts_promise(f->offset <= heard->size && f->length <= heard->size - f->offset &&
                  f->reason.len);
    heard->skips++;
    buf_format(&heard->text, "skip @%" PRIu64 "+%" PRIu64 " %.*s\n", f->offset, f->length,
               STR_ARG(f->reason));
}

static inline void facts_take_record(void *to, int64_t at_us)
{
    struct facts_heard *heard = to;
    (void)at_us;
    heard->records++;
}

static inline void facts_take_hash(void *to, uint64_t hash)
{
    struct facts_heard *heard = to;
    heard->has_identity = true;
    heard->hashes ^= hash_u64(hash);
}

/* Only a change is a line. */
static inline void facts_take_origin(void *to, str host)
{
    struct facts_heard *heard = to;
    facts_promise(host.len <= sizeof heard->origin);
    if (str_equal(host, (str){heard->origin, heard->origin_len})) return;
    heard->origin_len = host.len;
    if (host.len) memcpy(heard->origin, host.ptr, host.len);
    buf_format(&heard->text, "from %.*s\n", STR_ARG(host));
}

/* Reads the whole in windows of `piece` bytes more each time, each in memory of its own, so that
 * reading past one is found. */
static inline struct facts_heard facts_heard_of(const struct reader *reader,
                                                const struct reader_options *options, bytes data,
                                                size_t piece, struct arena *arena)
{
    struct facts_heard *heard = arena_new(arena, struct facts_heard);
    struct arena own = arena_open("reader", 0, NULL);
    struct fact_sink sink = fact_sink_none();
    heard->text = buf_in(arena);
    heard->size = data.len;
    sink.to = heard;
    sink.observation = facts_take_observation;
    sink.listening = facts_take_listening;
    sink.identity = facts_take_identity;
    sink.skip = facts_take_skip;
    sink.record = facts_take_record;
    sink.line_hash = facts_take_hash;
    sink.origin = facts_take_origin;
    void *state = reader->open(&own, options, &sink);
    size_t start = 0, end = 0;
    for (bool last = false, more = true; more && !last;) {
        end = data.len - end > piece ? end + piece : data.len;
        last = end == data.len;
        uint8_t *copy = malloc(end - start + 1);
        facts_promise(copy);
        if (end > start) memcpy(copy, data.ptr + start, end - start);
        size_t consumed = 0, want = 0;
        struct window window = {
            {copy, end - start},
            start, last
        };
        more = reader->feed(state, window, &consumed, &want);
        facts_promise(consumed <= end - start && (!last || !more || consumed == end - start));
        start += consumed;
        free(copy);
    }
    reader->close(state);
    arena_close(&own);
    return *heard;
}
