/* SPDX-License-Identifier: Apache-2.0 */
/* For tests and fuzzers of Windows events: what a sink hears, as lines of text, with the promises
 * of every fact checked on the way.
 *
 *   from FS01.contoso.com
 *   10.10.4.7:50123 > FS01:445 tcp accessed within port? user CONTOSO\alice share \\FS01\projects
 *   use \\FS01\projects CONTOSO\alice
 */
#pragma once

#include "base/hash.h"
#include "base/instant.h"
#include "evidence/reader.h"

struct events_heard {
    struct buf text;
    bool with_times;
    uint64_t hashes; /* of all identities of records, in any order */
    size_t records, observations, uses, changes, skips;
    uint64_t size;  /* of the source; 0 = not asked */
    bool is_marked; /* a record's identity was said */
    char origin[LIMIT_NAME_BYTES];
    size_t origin_len;
};

static inline void events_promise(bool kept)
{
    if (!kept) abort();
}

static inline void events_hear_end(struct buf *out, const struct endpoint *end, uint16_t port)
{
    events_promise(addr_is_none(end->addr) != !end->name.len);
    if (end->name.len)
        buf_str(out, end->name);
    else
        addr_print(out, end->addr);
    if (port) buf_format(out, ":%u", (unsigned)port);
}

static inline void events_hear_names(struct buf *out, const char *what, struct names names)
{
    for (size_t i = 0; i < names.n; i++) {
        events_promise(names.items[i].len && names.items[i].len <= 3 * LIMIT_NAME_BYTES);
        buf_format(out, " %s %.*s", what, STR_ARG(names.items[i]));
    }
}

static inline void events_hear_observation(void *to, const struct observation *f)
{
    struct events_heard *heard = to;
    struct buf *out = &heard->text;
    events_promise(heard->is_marked && f->count == 1 && f->first_us == f->last_us && f->first_us);
    events_promise(service_by_port(service_builtin, f->transport, f->port) != SERVICE_NONE ||
                   f->is_smb);
    heard->observations++;
    if (heard->with_times) {
        instant_print(out, f->first_us);
        buf_char(out, ' ');
    }
    events_hear_end(out, &f->client, f->client_port);
    buf_str(out, S(" > "));
    events_hear_end(out, &f->server, f->port);
    str transport = service_transport_text(f->transport), outcome = outcome_text(f->outcome);
    buf_format(out, " %.*s %.*s", STR_ARG(transport), STR_ARG(outcome));
    if (f->within) buf_str(out, S(" within"));
    if (f->closes) buf_str(out, S(" closes"));
    for (unsigned a = 0; a < ASSUMED_COUNT; a++)
        if (f->assumed >> a & 1) buf_format(out, " %.*s?", STR_ARG(assumption_text(a)));
    for (unsigned a = 0; a < AUTH_COUNT; a++)
        if (f->smb.auths >> a & 1) buf_format(out, " %.*s", STR_ARG(auth_text(a)));
    for (unsigned d = 0; d < DIALECT_COUNT; d++)
        if (f->smb.dialects >> d & 1) buf_format(out, " %.*s", STR_ARG(dialect_text(d)));
    if (f->smb.encrypted == KNOWN_YES) buf_str(out, S(" encrypted"));
    if (f->smb.encrypted == KNOWN_NO) buf_str(out, S(" clear"));
    events_hear_names(out, "user", f->users);
    events_hear_names(out, "client", f->client_names);
    events_hear_names(out, "share", f->shares);
    events_hear_names(out, "refused", f->shares_refused);
    events_hear_names(out, "pipe", f->pipes);
    buf_char(out, '\n');
}

static inline void events_hear_use(void *to, const struct use *f)
{
    struct events_heard *heard = to;
    events_promise(heard->is_marked && f->count == 1 && f->share.len);
    heard->uses++;
    buf_format(&heard->text, "use %.*s", STR_ARG(f->share));
    if (f->pipe.len) buf_format(&heard->text, " pipe %.*s", STR_ARG(f->pipe));
    if (f->user.len) buf_format(&heard->text, " %.*s", STR_ARG(f->user));
    buf_format(&heard->text, "%s\n", f->refused ? " refused" : "");
}

static inline void events_hear_identity(void *to, const struct identity *f)
{
    struct events_heard *heard = to;
    events_promise(!addr_is_none(f->addr) && f->name.len && f->source < IDENTITY_SOURCE_COUNT);
    buf_str(&heard->text, S("name "));
    addr_print(&heard->text, f->addr);
    buf_format(&heard->text, " %.*s %d\n", STR_ARG(f->name), (int)f->source);
}

static inline void events_hear_change(void *to, const struct change *f)
{
    struct events_heard *heard = to;
    events_promise(heard->is_marked && f->kind < CHANGE_COUNT && f->at_us);
    heard->changes++;
    buf_format(&heard->text, "%.*s %.*s", STR_ARG(change_text(f->kind)), STR_ARG(f->subject));
    if (f->detail.len) buf_format(&heard->text, " (%.*s)", STR_ARG(f->detail));
    if (f->user.len) buf_format(&heard->text, " by %.*s", STR_ARG(f->user));
    buf_char(&heard->text, '\n');
}

static inline void events_hear_skip(void *to, const struct skip *f)
{
    struct events_heard *heard = to;
    events_promise(f->reason.len > 0);
    events_promise(!heard->size ||
                   (f->offset <= heard->size && f->length <= heard->size - f->offset));
    heard->skips++;
    buf_format(&heard->text, "skip @%" PRIu64 "+%" PRIu64 " %.*s\n", f->offset, f->length,
               STR_ARG(f->reason));
}

static inline void events_hear_local(void *to, struct addr addr)
{
    struct events_heard *heard = to;
    events_promise(!addr_is_none(addr));
    buf_str(&heard->text, S("own "));
    addr_print(&heard->text, addr);
    buf_char(&heard->text, '\n');
}

static inline void events_hear_record(void *to, int64_t at_us)
{
    struct events_heard *heard = to;
    (void)at_us;
    heard->records++;
    heard->is_marked = false;
}

static inline void events_hear_hash(void *to, uint64_t hash)
{
    struct events_heard *heard = to;
    heard->is_marked = true;
    heard->hashes ^= hash_u64(hash);
}

/* Only a change is a line. */
static inline void events_hear_origin(void *to, str host)
{
    struct events_heard *heard = to;
    host = str_head(host, sizeof heard->origin);
    if (str_equal(host, (str){heard->origin, heard->origin_len})) return;
    heard->origin_len = host.len;
    if (host.len) memcpy(heard->origin, host.ptr, host.len);
    buf_format(&heard->text, "from %.*s\n", STR_ARG(host));
}

static inline void events_hear_unplaced(void *to, str what, int64_t at_us)
{
    struct events_heard *heard = to;
    (void)at_us;
    events_promise(what.len > 0);
    buf_format(&heard->text, "unplaced %.*s\n", STR_ARG(what));
}

static inline struct fact_sink events_sink(struct events_heard *heard)
{
    struct fact_sink sink = fact_sink_none();
    sink.to = heard;
    sink.observation = events_hear_observation;
    sink.use = events_hear_use;
    sink.identity = events_hear_identity;
    sink.change = events_hear_change;
    sink.skip = events_hear_skip;
    sink.local_address = events_hear_local;
    sink.record = events_hear_record;
    sink.line_hash = events_hear_hash;
    sink.origin = events_hear_origin;
    sink.unplaced = events_hear_unplaced;
    return sink;
}

/* Reads the whole in windows of `piece` bytes more each time, each in memory of its own, so that
 * reading past one is found. */
static inline void events_read(const struct reader *reader, const struct reader_options *options,
                               bytes data, size_t piece, struct events_heard *heard)
{
    struct arena own = arena_open("reader", 0, NULL);
    struct fact_sink sink = events_sink(heard);
    heard->size = data.len;
    void *state = reader->open(&own, options, &sink);
    size_t start = 0, end = 0;
    for (bool last = false, more = true; more && !last;) {
        end = data.len - end > piece ? end + piece : data.len;
        last = end == data.len;
        uint8_t *copy = malloc(end - start + 1);
        events_promise(copy != NULL);
        if (end > start) memcpy(copy, data.ptr + start, end - start);
        size_t consumed = 0, want = 0;
        struct window window = {
            {copy, end - start},
            start, last
        };
        more = reader->feed(state, window, &consumed, &want);
        events_promise(consumed <= end - start && (!last || !more || consumed == end - start));
        start += consumed;
        free(copy);
    }
    reader->close(state);
    arena_close(&own);
}
