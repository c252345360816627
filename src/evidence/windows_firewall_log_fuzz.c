/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a firewall log, read whole and in small windows: the same facts at the same offsets,
 * each inside the source, none before the one before it. */
#include "base/hash.h"
#include "evidence/reader.h"

extern const struct reader windows_firewall_log_reader;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    size_t size;
    uint64_t offset; /* of the last fact */
    uint64_t digest; /* of all that was heard, in order */
};

static void hear(struct heard *heard, uint64_t offset, uint64_t value)
{
    if (offset < heard->offset || offset > heard->size) abort();
    heard->offset = offset;
    heard->digest = hash_join(hash_join(heard->digest, offset), value);
}

static void hear_observation(void *to, const struct observation *fact)
{
    if (fact->count != 1 || !fact->port || fact->first_us != fact->last_us) abort();
    if (addr_is_none(fact->client.addr) || addr_is_none(fact->server.addr)) abort();
    if (service_by_port(service_builtin, fact->transport, fact->port) == SERVICE_NONE) abort();
    hear(to, fact->offset, (uint64_t)fact->first_us + fact->outcome);
}

static void hear_skip(void *to, const struct skip *fact)
{
    struct heard *heard = to;
    if (!fact->length || fact->offset + fact->length > heard->size) abort();
    hear(heard, fact->offset, hash_bytes(str_bytes(fact->reason)));
}

static void hear_address(void *to, struct addr addr)
{
    struct heard *heard = to;
    hear(heard, heard->offset, addr_hash(addr));
}

static void hear_record(void *to, int64_t at_us)
{
    struct heard *heard = to;
    hear(heard, heard->offset, (uint64_t)at_us);
}

static void hear_hash(void *to, uint64_t hash)
{
    struct heard *heard = to;
    hear(heard, heard->offset, hash);
}

static void hear_use(void *to, const struct use *fact)
{
    (void)to;
    (void)fact;
    abort();
}

static void hear_identity(void *to, const struct identity *fact)
{
    (void)to;
    (void)fact;
    abort();
}

static uint64_t read_log(const uint8_t *data, size_t size, size_t piece)
{
    const struct reader *reader = &windows_firewall_log_reader;
    struct arena arena = arena_open("fuzz", 1 << 20, NULL);
    struct heard heard = {.size = size};
    struct fact_sink sink = fact_sink_none();
    sink.to = &heard;
    sink.observation = hear_observation;
    sink.use = hear_use;
    sink.identity = hear_identity;
    sink.skip = hear_skip;
    sink.local_address = hear_address;
    sink.record = hear_record;
    sink.line_hash = hear_hash;
    void *state = reader->open(&arena, &(struct reader_options){0}, &sink);
    size_t start = 0, end = 0;
    for (bool last = false; !last;) {
        end = size - end > piece ? end + piece : size;
        last = end == size;
        size_t consumed = 0, want = 0;
        struct window window = {
            {data + start, end - start},
            start, last
        };
        if (!reader->feed(state, window, &consumed, &want) || consumed > end - start) abort();
        start += consumed;
    }
    if (start != size) abort();
    reader->close(state);
    arena_close(&arena);
    return heard.digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t head = size < LIMIT_RECOGNISE_BYTES ? size : LIMIT_RECOGNISE_BYTES;
    windows_firewall_log_reader.recognise((bytes){data, head});
    size_t piece = 1 + (size ? data[size - 1] % 61u : 0);
    if (read_log(data, size, size + 1) != read_log(data, size, piece)) abort();
    return 0;
}
