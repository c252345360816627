/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of network sensors' logs: what a reader tells, as lines of text. */
#pragma once

#include "base/test.h"
#include "evidence/reader.h"

struct sensor_heard {
    struct arena *arena;
    struct buf text;
    uint64_t size;
    size_t records;
};

static inline void sensor_put_names(struct buf *out, const char *label, struct names names)
{
    for (size_t i = 0; i < names.n; i++)
        buf_format(out, " %s=%.*s", label, STR_ARG(names.items[i]));
}

static inline void put_ends(struct buf *out, struct endpoint client, uint16_t client_port,
                            struct endpoint server, uint16_t port)
{
    addr_print(out, client.addr);
    buf_format(out, ":%u>", client_port);
    addr_print(out, server.addr);
    buf_format(out, ":%u", port);
}

static inline void sensor_hear_observation(void *to, const struct observation *fact)
{
    struct sensor_heard *heard = to;
    struct buf *out = &heard->text;
    assert_true(fact->offset < heard->size && fact->count == 1);
    put_ends(out, fact->client, fact->client_port, fact->server, fact->port);
    buf_format(out, " %.*s %.*s", STR_ARG(service_transport_text(fact->transport)),
               STR_ARG(outcome_text(fact->outcome)));
    if (fact->within) buf_str(out, S(" within"));
    if (fact->is_smb) buf_str(out, S(" smb"));
    buf_format(out, " %" PRId64 "+%" PRId64, fact->first_us, fact->last_us - fact->first_us);
    if (fact->bytes_to_server || fact->bytes_to_client)
        buf_format(out, " %" PRIu64 "/%" PRIu64, fact->bytes_to_server, fact->bytes_to_client);
    if (fact->assumed) buf_format(out, " assumed=%u", fact->assumed);
    for (size_t i = 0; i < DIALECT_COUNT; i++)
        if (fact->smb.dialects >> i & 1)
            buf_format(out, " %.*s", STR_ARG(dialect_text((enum dialect)i)));
    for (size_t i = 0; i < AUTH_COUNT; i++)
        if (fact->smb.auths >> i & 1) buf_format(out, " %.*s", STR_ARG(auth_text((enum auth)i)));
    sensor_put_names(out, "user", fact->users);
    sensor_put_names(out, "client", fact->client_names);
    sensor_put_names(out, "server", fact->server_names);
    sensor_put_names(out, "share", fact->shares);
    sensor_put_names(out, "refused", fact->shares_refused);
    sensor_put_names(out, "pipe", fact->pipes);
    sensor_put_names(out, "interface", fact->interfaces);
    buf_char(out, '\n');
}

static inline void sensor_hear_use(void *to, const struct use *fact)
{
    struct sensor_heard *heard = to;
    buf_format(&heard->text, "use %.*s %.*s %.*s%s%s\n", STR_ARG(fact->share), STR_ARG(fact->pipe),
               STR_ARG(fact->user), fact->refused ? " refused" : "",
               fact->is_printer ? " printer" : "");
}

static inline void sensor_hear_identity(void *to, const struct identity *fact)
{
    struct sensor_heard *heard = to;
    buf_str(&heard->text, S("identity "));
    addr_print(&heard->text, fact->addr);
    buf_format(&heard->text, " %.*s %d\n", STR_ARG(fact->name), (int)fact->source);
}

static inline void sensor_hear_listening(void *to, const struct listening *fact)
{
    struct sensor_heard *heard = to;
    buf_str(&heard->text, S("listening "));
    addr_print(&heard->text, fact->server.addr);
    buf_format(&heard->text, ":%u %.*s\n", fact->port, STR_ARG(listening_text(fact->state)));
}

static inline void sensor_hear_skip(void *to, const struct skip *fact)
{
    struct sensor_heard *heard = to;
    assert_true(fact->offset + fact->length <= heard->size);
    buf_format(&heard->text, "skip %" PRIu64 "+%" PRIu64 "\n", fact->offset, fact->length);
}

static inline void sensor_hear_origin(void *to, str host)
{
    struct sensor_heard *heard = to;
    buf_format(&heard->text, "origin %.*s\n", STR_ARG(host));
}

static inline void sensor_hear_record(void *to, int64_t at_us)
{
    struct sensor_heard *heard = to;
    (void)at_us;
    heard->records++;
}

/* The facts of a log, read in windows that grow by `piece` bytes. records may be NULL. */
static inline str sensor_read(const struct reader *reader, struct arena *arena, str log,
                              size_t piece, size_t *records)
{
    struct arena own = arena_open("test", 0, NULL);
    struct sensor_heard heard = {.arena = arena, .text = buf_in(arena), .size = log.len};
    struct fact_sink sink = fact_sink_none();
    sink.to = &heard;
    sink.observation = sensor_hear_observation;
    sink.use = sensor_hear_use;
    sink.identity = sensor_hear_identity;
    sink.listening = sensor_hear_listening;
    sink.skip = sensor_hear_skip;
    sink.origin = sensor_hear_origin;
    sink.record = sensor_hear_record;
    void *state = reader->open(&own, &(struct reader_options){0}, &sink);
    bytes data = str_bytes(log);
    size_t start = 0, end = 0;
    for (bool last = false; !last;) {
        size_t consumed = 0, want = 0;
        end = data.len - end > piece ? end + piece : data.len;
        last = end == data.len;
        struct window window = {
            {data.ptr + start, end - start},
            start, last
        };
        assert_true(reader->feed(state, window, &consumed, &want));
        assert_true(consumed <= window.data.len);
        start += consumed;
    }
    assert_int_equal(start, data.len);
    reader->close(state);
    arena_close(&own);
    if (records) *records = heard.records;
    return buf_text(&heard.text);
}
