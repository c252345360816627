/* SPDX-License-Identifier: Apache-2.0 */
/* For tests and fuzzers: what a reader tells of a source as a whole, and what its readers of blocks
 * tell of it one after the other, must be the same (struct reader_splits).
 */
#pragma once

#include "base/hash.h"
#include "evidence/reader.h"

enum { SPLITS_MOST = 1 << 16, SPLITS_LOCALS = LIMIT_LOCAL_ADDRESSES };

struct splits_heard {
    uint64_t said[SPLITS_MOST]; /* a hash each, in order; further ones are summed in the last */
    uint64_t offsets[SPLITS_MOST];
    size_t n;
    uint64_t origin, line_hash;
    uint64_t locals[SPLITS_LOCALS];
    size_t n_locals;
    size_t blocks;
};

static inline void splits_say(struct splits_heard *heard, uint64_t what, uint64_t offset)
{
    what = hash_join(hash_join(what, heard->origin), offset);
    if (heard->n == SPLITS_MOST) {
        heard->said[SPLITS_MOST - 1] = hash_join(heard->said[SPLITS_MOST - 1], what);
        return;
    }
    heard->said[heard->n] = what;
    heard->offsets[heard->n++] = offset;
}

static inline uint64_t splits_str(uint64_t hash, str text)
{
    return hash_join(hash, hash_bytes(str_bytes(text)));
}

static inline uint64_t splits_end(uint64_t hash, const struct endpoint *end)
{
    return splits_str(hash_join(hash_join(hash, end->addr.hi), end->addr.lo), end->name);
}

static inline uint64_t splits_names(uint64_t hash, struct names names)
{
    for (size_t i = 0; i < names.n; i++)
        hash = splits_str(hash, names.items[i]);
    return hash_join(hash, names.n);
}

static inline void splits_observation(void *to, const struct observation *f)
{
    struct splits_heard *heard = to;
    const uint64_t numbers[] = {
        f->transport,
        f->client_port,
        f->port,
        f->is_smb,
        (uint64_t)f->first_us,
        (uint64_t)f->last_us,
        f->count,
        f->bytes_to_server,
        f->bytes_to_client,
        f->outcome,
        f->profile,
        f->assumed,
        f->closes,
        f->within,
        f->smb.dialects,
        f->smb.auths,
        heard->line_hash,
    };
    uint64_t hash = splits_end(splits_end(1, &f->client), &f->server);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        hash = hash_join(hash, numbers[i]);
    hash = splits_names(splits_names(hash, f->users), f->shares);
    splits_say(heard, hash, f->offset);
}

static inline void splits_use(void *to, const struct use *f)
{
    struct splits_heard *heard = to;
    uint64_t hash = splits_end(splits_end(2, &f->client), &f->server);
    hash = splits_str(splits_str(splits_str(hash, f->share), f->pipe), f->user);
    hash = hash_join(hash_join(hash, (uint64_t)f->first_us), heard->line_hash);
    splits_say(heard, hash, f->offset);
}

static inline void splits_identity(void *to, const struct identity *f)
{
    uint64_t hash = splits_str(hash_join(hash_join(3, f->addr.hi), f->addr.lo), f->name);
    splits_say(to, hash_join(hash, (uint64_t)f->seen_us), f->offset);
}

static inline void splits_listening(void *to, const struct listening *f)
{
    uint64_t hash = hash_join(splits_end(4, &f->server), f->port);
    splits_say(to, hash_join(hash, (uint64_t)f->seen_us), f->offset);
}

static inline void splits_change(void *to, const struct change *f)
{
    splits_say(to, splits_str(splits_end(5, &f->host), f->subject), f->offset);
}

static inline void splits_skip(void *to, const struct skip *f)
{
    splits_say(to, splits_str(hash_join(6, f->length), f->reason), f->offset);
}

static inline void splits_record(void *to, int64_t at_us)
{
    splits_say(to, hash_join(7, (uint64_t)at_us), 0);
}

static inline void splits_unplaced(void *to, str what, int64_t at_us)
{
    splits_say(to, splits_str(hash_join(8, (uint64_t)at_us), what), 0);
}

static inline void splits_line_hash(void *to, uint64_t hash)
{
    ((struct splits_heard *)to)->line_hash = hash;
}

/* Said again it is the same. */
static inline void splits_origin(void *to, str host)
{
    ((struct splits_heard *)to)->origin = hash_bytes(str_bytes(host));
}

static inline void splits_local(void *to, struct addr addr)
{
    struct splits_heard *heard = to;
    uint64_t hash = hash_join(hash_join(heard->origin, addr.hi), addr.lo);
    for (size_t i = 0; i < heard->n_locals; i++)
        if (heard->locals[i] == hash) return;
    if (heard->n_locals < SPLITS_LOCALS) heard->locals[heard->n_locals++] = hash;
}

static inline struct fact_sink splits_sink(struct splits_heard *heard)
{
    struct fact_sink sink = fact_sink_none();
    sink.to = heard;
    sink.observation = splits_observation;
    sink.use = splits_use;
    sink.identity = splits_identity;
    sink.listening = splits_listening;
    sink.change = splits_change;
    sink.skip = splits_skip;
    sink.record = splits_record;
    sink.unplaced = splits_unplaced;
    sink.line_hash = splits_line_hash;
    sink.origin = splits_origin;
    sink.local_address = splits_local;
    return sink;
}

static inline void splits_read(const struct reader *reader, void *state, bytes data,
                               uint64_t offset)
{
    size_t used = 0, want = 0;
    (void)reader->feed(state, (struct window){data, offset, true}, &used, &want);
    reader->close(state);
}

/* As cli/gather does; block_bytes 0 = as a whole. */
static inline void splits_hear(const struct reader *reader, const struct reader_options *options,
                               bytes data, size_t block_bytes, struct splits_heard *heard)
{
    const struct reader_splits *splits = reader->splits;
    struct fact_sink sink = splits_sink(heard), nobody = fact_sink_none();
    struct arena arena = arena_open("a source in blocks", 0, NULL);
    size_t at = 0, len = 0;
    *heard = (struct splits_heard){.origin = hash_bytes(str_bytes(S("")))};
    void *lead = reader->open(&arena, options, &nobody);
    bool splitting = block_bytes && data.len > block_bytes && splits->may(data);
    while (splitting && data.len - at > block_bytes &&
           (len = splits->cut((bytes){data.ptr + at, block_bytes}))) {
        bytes block = {data.ptr + at, len};
        void *state = reader->open(&arena, options, &sink);
        if (at) splits->adopt(state, lead);
        if (splits->pass) splits->pass(lead, block);
        splits_read(reader, state, block, at);
        heard->blocks++;
        at += len;
    }
    void *state = reader->open(&arena, options, &sink);
    if (at) splits->adopt(state, lead);
    reader->close(lead);
    splits_read(reader, state, (bytes){data.ptr + at, data.len - at}, at);
    arena_close(&arena);
}

/* The number of the first thing said otherwise; SIZE_MAX = none is. */
static inline size_t splits_differ(const struct splits_heard *a, const struct splits_heard *b)
{
    size_t n = a->n < b->n ? a->n : b->n;
    for (size_t i = 0; i < n; i++)
        if (a->said[i] != b->said[i]) return i;
    bool same = a->n == b->n && a->n_locals == b->n_locals &&
                memcmp(a->locals, b->locals, a->n_locals * sizeof *a->locals) == 0;
    return same ? SIZE_MAX : n;
}
