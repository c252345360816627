/* SPDX-License-Identifier: Apache-2.0 */
/* For tests and fuzzers of readers of text logs and tables: what they tell, as lines of text, with
 * all that such a fact can have; and the promises that every reader keeps, asserted on whatever is
 * heard: skips and facts lie inside the source and in order, a fact's identity was said before it.
 *
 * Places are numbers of lines.
 *
 *   from fw01
 *   2026-11-02T08:14:03+12s 10.10.4.7:49159 > fs01:445 tcp allowed x2 840/1200 within alice zone?
 * @17
 */
#pragma once

#include "base/hash.h"
#include "base/instant.h"
#include "evidence/reader.h"

struct log_heard {
    struct buf text;
    const uint8_t *data;
    uint64_t size;   /* of the source */
    uint64_t offset; /* of the last fact or skip */
    bool has_identity;
    size_t records, observations, uses, skips;
    char origin[LIMIT_NAME_BYTES];
    size_t origin_len;
};

static inline void log_promise(bool kept)
{
    if (!kept) abort();
}

/* The number of the line at that offset, which begins one. */
static inline uint64_t log_line_at(const struct log_heard *heard, uint64_t offset)
{
    uint64_t number = 1;
    log_promise(offset <= heard->size);
    for (uint64_t i = 0; i < offset; i++)
        number += heard->data[i] == '\n';
    return number;
}

static inline void log_print_end(struct buf *out, struct endpoint end)
{
    char text[ADDR_TEXT];
    log_promise(!addr_is_none(end.addr) || end.name.len);
    buf_str(out, addr_is_none(end.addr) ? end.name : addr_text(text, end.addr));
}

static inline void log_print_names(struct buf *out, struct names names)
{
    for (size_t i = 0; i < names.n; i++) {
        buf_char(out, ' ');
        buf_str(out, names.items[i]);
    }
}

static inline void log_take_observation(void *to, const struct observation *f)
{
    struct log_heard *heard = to;
    char at[INSTANT_TEXT];
    log_promise(heard->has_identity && f->count && f->first_us <= f->last_us && f->port);
    log_promise(f->offset >= heard->offset && f->offset < heard->size);
    log_promise(service_by_port(service_builtin, f->transport, f->port) != SERVICE_NONE);
    heard->has_identity = false;
    heard->offset = f->offset;
    heard->observations++;
    struct buf *out = &heard->text;
    buf_str(out, str_head(instant_text(at, f->first_us), 19));
    if (f->last_us != f->first_us)
        buf_format(out, "+%" PRId64 "s", (f->last_us - f->first_us) / INSTANT_SECOND);
    buf_char(out, ' ');
    log_print_end(out, f->client);
    buf_format(out, ":%u > ", (unsigned)f->client_port);
    log_print_end(out, f->server);
    buf_format(out, ":%u %.*s %.*s", (unsigned)f->port,
               STR_ARG(service_transport_text(f->transport)), STR_ARG(outcome_text(f->outcome)));
    if (f->count != 1) buf_format(out, " x%" PRIu64, f->count);
    if (f->bytes_to_server || f->bytes_to_client)
        buf_format(out, " %" PRIu64 "/%" PRIu64, f->bytes_to_server, f->bytes_to_client);
    if (f->within) buf_str(out, S(" within"));
    if (f->closes) buf_str(out, S(" closes"));
    log_print_names(out, f->users);
    log_print_names(out, f->shares);
    if (f->profile != PROFILE_UNKNOWN) buf_format(out, " %.*s", STR_ARG(profile_text(f->profile)));
    for (unsigned a = 0; a < ASSUMED_COUNT; a++)
        if (f->assumed >> a & 1) buf_format(out, " %.*s?", STR_ARG(assumption_text(a)));
    buf_format(out, " @%" PRIu64 "\n", log_line_at(heard, f->offset));
}

static inline void log_take_use(void *to, const struct use *f)
{
    struct log_heard *heard = to;
    log_promise(heard->has_identity && f->count && f->offset >= heard->offset);
    heard->has_identity = false;
    heard->uses++;
    buf_str(&heard->text, S("use "));
    log_print_end(&heard->text, f->client);
    buf_str(&heard->text, S(" > "));
    log_print_end(&heard->text, f->server);
    buf_format(&heard->text, " %.*s %.*s%s\n", STR_ARG(f->share), STR_ARG(f->user),
               f->refused ? " refused" : "");
}

static inline void log_take_skip(void *to, const struct skip *f)
{
    struct log_heard *heard = to;
    log_promise(f->offset >= heard->offset && f->offset <= heard->size && f->reason.len);
    log_promise(f->length && f->length <= heard->size - f->offset);
    heard->offset = f->offset;
    heard->skips++;
    buf_format(&heard->text, "skip @%" PRIu64 " ", log_line_at(heard, f->offset));
    buf_str(&heard->text, f->reason);
    buf_char(&heard->text, '\n');
}

static inline void log_take_local(void *to, struct addr addr)
{
    struct log_heard *heard = to;
    buf_str(&heard->text, S("own "));
    addr_print(&heard->text, addr);
    buf_char(&heard->text, '\n');
}

static inline void log_take_record(void *to, int64_t at_us)
{
    struct log_heard *heard = to;
    (void)at_us;
    heard->records++;
}

static inline void log_take_hash(void *to, uint64_t hash)
{
    struct log_heard *heard = to;
    (void)hash;
    heard->has_identity = true;
}

/* Only a change is a line. */
static inline void log_take_origin(void *to, str host)
{
    struct log_heard *heard = to;
    if (host.len > sizeof heard->origin) host.len = sizeof heard->origin;
    if (str_equal(host, (str){heard->origin, heard->origin_len})) return;
    heard->origin_len = host.len;
    if (host.len) memcpy(heard->origin, host.ptr, host.len);
    buf_str(&heard->text, S("from "));
    buf_str(&heard->text, host);
    buf_char(&heard->text, '\n');
}

/* Reads the whole in windows of `piece` bytes more each time, each in memory of its own, so that
 * reading past one is found. */
static inline struct log_heard log_heard_of(const struct reader *reader,
                                            const struct reader_options *options, bytes data,
                                            size_t piece, struct arena *arena)
{
    struct log_heard *heard = arena_new(arena, struct log_heard);
    struct arena own = arena_open("reader", 0, NULL);
    struct fact_sink sink = fact_sink_none();
    heard->text = buf_in(arena);
    heard->data = data.ptr;
    heard->size = data.len;
    sink.to = heard;
    sink.observation = log_take_observation;
    sink.use = log_take_use;
    sink.skip = log_take_skip;
    sink.local_address = log_take_local;
    sink.record = log_take_record;
    sink.line_hash = log_take_hash;
    sink.origin = log_take_origin;
    void *state = reader->open(&own, options, &sink);
    size_t start = 0, end = 0;
    for (bool last = false, more = true; more && !last;) {
        end = data.len - end > piece ? end + piece : data.len;
        last = end == data.len;
        uint8_t *copy = malloc(end - start + 1);
        log_promise(copy);
        if (end > start) memcpy(copy, data.ptr + start, end - start);
        size_t consumed = 0, want = 0;
        struct window window = {
            {copy, end - start},
            start, last
        };
        more = reader->feed(state, window, &consumed, &want);
        log_promise(consumed <= end - start && (!last || !more || consumed == end - start));
        start += consumed;
        free(copy);
    }
    reader->close(state);
    arena_close(&own);
    return *heard;
}

/* 2026-11-22T00:00:00Z: the clock of tests. */
static const int64_t log_now_us = INT64_C(1795305600) * INSTANT_SECOND;

/* A fuzz target's one input: read whole and in small pieces, the same is heard. */
static inline int log_fuzz(const struct reader *reader, str map, const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    struct reader_options options = {.now_us = log_now_us, .map = map};
    size_t head = size < LIMIT_RECOGNISE_BYTES ? size : LIMIT_RECOGNISE_BYTES;
    reader->recognise((bytes){data, head});
    size_t piece = 1 + (size ? data[size - 1] % 61u : 0);
    struct log_heard whole = log_heard_of(reader, &options, (bytes){data, size}, size + 1, &arena);
    struct log_heard pieces = log_heard_of(reader, &options, (bytes){data, size}, piece, &arena);
    log_promise(str_equal(buf_text(&whole.text), buf_text(&pieces.text)));
    log_promise(whole.records == pieces.records);
    arena_close(&arena);
    return 0;
}

/* Rows of a test. */
struct log_row {
    const char *name;
    str in;
    const char *expected;
    size_t records;
};
#define LOG_ROW(what, n_records, facts, text)                                                      \
    {                                                                                              \
        .name = (what), .records = (n_records), .expected = (facts),                               \
        .in = {text, sizeof(text) - 1},                                                            \
    }
#define LOG_TEXT(text)                                                                             \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Prints the rows that differ; how many. Every row is read in pieces of several sizes, and every
 * cut of it must be read without harm. */
static inline size_t log_rows_failed(const struct reader *reader, const struct log_row *rows,
                                     size_t n, str map)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct reader_options options = {.now_us = log_now_us, .map = map};
    size_t failed = 0;
    for (size_t i = 0; i < n; i++) {
        bytes in = str_bytes(rows[i].in);
        for (size_t piece = 1; piece < 4000; piece = piece * 5 + 2) {
            struct log_heard heard = log_heard_of(reader, &options, in, piece, &arena);
            str found = buf_text(&heard.text);
            if (str_equal(found, str_of(rows[i].expected)) && heard.records == rows[i].records)
                continue;
            fprintf(stderr, "%s, in pieces of %zu: %zu records, found\n%.*s", rows[i].name, piece,
                    heard.records, STR_ARG(found));
            failed++;
            break;
        }
        for (size_t len = 0; len < in.len; len++) {
            arena_reset(&arena);
            log_heard_of(reader, &options, (bytes){in.ptr, len}, len + 1, &arena);
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
    return failed;
}
