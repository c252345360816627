/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an event log, read whole and in small windows: the same records, facts and skips,
 * each skip inside the source and none before the one before it, and no more records than fit. */
#include "base/hash.h"
#include "evidence/reader.h"

extern const struct reader evtx_reader;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORD_LEAST = 28 };

struct heard {
    size_t size, records;
    uint64_t skipped; /* offset of the last skip */
    uint64_t digest;  /* of all that was heard, in order */
};

static void hear(void *to, uint64_t value)
{
    struct heard *heard = to;
    heard->digest = hash_join(heard->digest, value);
}

static void hear_observation(void *to, const struct observation *fact)
{
    if (fact->first_us > fact->last_us || !fact->count) abort();
    hear(to, (uint64_t)fact->first_us);
    hear(to, hash_bytes(str_bytes(fact->client.name)) + fact->port);
}

static void hear_use(void *to, const struct use *fact)
{
    hear(to, hash_bytes(str_bytes(fact->share)));
    hear(to, hash_bytes(str_bytes(fact->user)));
}

static void hear_identity(void *to, const struct identity *fact)
{
    hear(to, hash_bytes(str_bytes(fact->name)));
}

static void hear_change(void *to, const struct change *fact)
{
    hear(to, hash_bytes(str_bytes(fact->subject)));
    hear(to, hash_bytes(str_bytes(fact->detail)));
}

static void hear_skip(void *to, const struct skip *fact)
{
    struct heard *heard = to;
    if (fact->offset > heard->size || fact->length > heard->size - fact->offset) abort();
    if (fact->offset < heard->skipped || !fact->reason.len) abort();
    heard->skipped = fact->offset;
    hear(to, fact->offset);
    hear(to, hash_bytes(str_bytes(fact->reason)));
}

static void hear_record(void *to, int64_t at_us)
{
    struct heard *heard = to;
    if (++heard->records > heard->size / RECORD_LEAST) abort();
    hear(to, (uint64_t)at_us);
}

static void hear_text(void *to, str text)
{
    size_t bad;
    hear(to, hash_bytes(str_bytes(text)));
    for (size_t n = 0; text.len; text = str_tail(text, n))
        if (!(n = str_utf8_next(text, &bad))) abort();
}

static uint64_t read_log(const uint8_t *data, size_t size, size_t piece)
{
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    struct heard heard = {.size = size};
    struct fact_sink sink = fact_sink_none();
    sink.to = &heard;
    sink.observation = hear_observation;
    sink.use = hear_use;
    sink.identity = hear_identity;
    sink.change = hear_change;
    sink.skip = hear_skip;
    sink.record = hear_record;
    sink.line_hash = hear;
    sink.origin = hear_text;
    void *state = evtx_reader.open(&arena, &(struct reader_options){0}, &sink);
    size_t start = 0, end = 0;
    for (bool last = false; !last;) {
        end = size - end > piece ? end + piece : size;
        last = end == size;
        size_t consumed = 0, want = 0;
        struct window window = {
            {data + start, end - start},
            start, last
        };
        if (!evtx_reader.feed(state, window, &consumed, &want) || consumed > end - start) abort();
        start += consumed;
    }
    if (start != size) abort();
    evtx_reader.close(state);
    arena_close(&arena);
    return heard.digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t head = size < LIMIT_RECOGNISE_BYTES ? size : LIMIT_RECOGNISE_BYTES;
    evtx_reader.recognise((bytes){data, head});
    size_t piece = 1 + (size ? data[size - 1] * 37u : 0);
    if (read_log(data, size, size + 1) != read_log(data, size, piece)) abort();
    return 0;
}
