/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as Suricata's events, read whole and in small windows: the same facts in the same
 * order, each inside the source. */
#include "base/hash.h"
#include "evidence/reader.h"

extern const struct reader suricata_eve_reader;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    size_t size;
    uint64_t digest; /* of all that was heard, in order */
};

static void hear(struct heard *heard, uint64_t offset, uint64_t value)
{
    if (offset > heard->size) abort();
    heard->digest = hash_join(hash_join(heard->digest, offset), value);
}

static uint64_t names_hash(struct names names)
{
    uint64_t hash = names.n;
    for (size_t i = 0; i < names.n; i++) {
        if (!names.items[i].len) abort();
        hash = hash_join(hash, hash_bytes(str_bytes(names.items[i])));
    }
    return hash;
}

static void hear_observation(void *to, const struct observation *fact)
{
    if (!fact->count || !fact->port || fact->outcome >= OUTCOME_COUNT) abort();
    if (addr_is_none(fact->client.addr) || addr_is_none(fact->server.addr)) abort();
    if (!fact->is_smb &&
        service_by_port(service_builtin, fact->transport, fact->port) == SERVICE_NONE)
        abort();
    uint64_t value = hash_join((uint64_t)fact->first_us, (uint64_t)fact->last_us);
    value = hash_join(value, fact->outcome);
    value = hash_join(value, names_hash(fact->users));
    value = hash_join(value, names_hash(fact->client_names));
    value = hash_join(value, names_hash(fact->server_names));
    value = hash_join(value, names_hash(fact->shares));
    value = hash_join(value, names_hash(fact->shares_refused));
    value = hash_join(value, names_hash(fact->pipes));
    value = hash_join(value, names_hash(fact->interfaces));
    hear(to, fact->offset, value);
}

static void hear_skip(void *to, const struct skip *fact)
{
    struct heard *heard = to;
    if (!fact->length || fact->offset + fact->length > heard->size || !fact->reason.len) abort();
    hear(heard, fact->offset, hash_bytes(str_bytes(fact->reason)));
}

static void hear_record(void *to, int64_t at_us)
{
    hear(to, 0, (uint64_t)at_us);
}

static void hear_hash(void *to, uint64_t hash)
{
    hear(to, 0, hash);
}

static void hear_origin(void *to, str host)
{
    hear(to, 0, hash_bytes(str_bytes(host)));
}

static void hear_use(void *to, const struct use *fact)
{
    if (!fact->share.len && !fact->pipe.len) abort();
    hear(to, fact->offset, hash_bytes(str_bytes(fact->share)));
}

static void hear_identity(void *to, const struct identity *fact)
{
    if (!fact->name.len || addr_is_none(fact->addr)) abort();
    hear(to, fact->offset, hash_bytes(str_bytes(fact->name)));
}

static void hear_listening(void *to, const struct listening *fact)
{
    if (!fact->port || addr_is_none(fact->server.addr)) abort();
    hear(to, fact->offset, fact->port);
}

static uint64_t read_log(const uint8_t *data, size_t size, size_t piece)
{
    const struct reader *reader = &suricata_eve_reader;
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    struct heard heard = {.size = size};
    struct fact_sink sink = fact_sink_none();
    sink.to = &heard;
    sink.observation = hear_observation;
    sink.use = hear_use;
    sink.identity = hear_identity;
    sink.listening = hear_listening;
    sink.skip = hear_skip;
    sink.record = hear_record;
    sink.line_hash = hear_hash;
    sink.origin = hear_origin;
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
    suricata_eve_reader.recognise((bytes){data, head});
    size_t piece = 1 + (size ? data[size - 1] % 61u : 0);
    if (read_log(data, size, size + 1) != read_log(data, size, piece)) abort();
    return 0;
}
