/* SPDX-License-Identifier: Apache-2.0 */
/* For the fuzz targets of network sensors' logs: the facts of any bytes are the same in the same
 * order whatever the windows, and each lies inside the source. */
#pragma once

#include "base/hash.h"
#include "evidence/reader.h"

struct sensor_digest {
    size_t size;
    uint64_t digest; /* of all that was heard, in order */
};

static inline void sensor_hear(struct sensor_digest *heard, uint64_t offset, uint64_t value)
{
    if (offset > heard->size) abort();
    heard->digest = hash_join(hash_join(heard->digest, offset), value);
}

static inline uint64_t sensor_names_hash(struct names names)
{
    uint64_t hash = names.n;
    for (size_t i = 0; i < names.n; i++) {
        if (!names.items[i].len) abort();
        hash = hash_join(hash, hash_bytes(str_bytes(names.items[i])));
    }
    return hash;
}

static inline void sensor_hear_observation(void *to, const struct observation *fact)
{
    if (!fact->count || !fact->port || fact->outcome >= OUTCOME_COUNT) abort();
    if (addr_is_none(fact->client.addr) || addr_is_none(fact->server.addr)) abort();
    if (!fact->is_smb &&
        service_by_port(service_builtin, fact->transport, fact->port) == SERVICE_NONE)
        abort();
    uint64_t value = hash_join((uint64_t)fact->first_us, (uint64_t)fact->last_us);
    value = hash_join(value, fact->outcome);
    value = hash_join(value, sensor_names_hash(fact->users));
    value = hash_join(value, sensor_names_hash(fact->client_names));
    value = hash_join(value, sensor_names_hash(fact->server_names));
    value = hash_join(value, sensor_names_hash(fact->shares));
    value = hash_join(value, sensor_names_hash(fact->shares_refused));
    value = hash_join(value, sensor_names_hash(fact->pipes));
    value = hash_join(value, sensor_names_hash(fact->interfaces));
    sensor_hear(to, fact->offset, value);
}

static inline void sensor_hear_skip(void *to, const struct skip *fact)
{
    struct sensor_digest *heard = to;
    if (!fact->length || fact->offset + fact->length > heard->size || !fact->reason.len) abort();
    sensor_hear(heard, fact->offset, hash_bytes(str_bytes(fact->reason)));
}

static inline void sensor_hear_record(void *to, int64_t at_us)
{
    sensor_hear(to, 0, (uint64_t)at_us);
}

static inline void sensor_hear_hash(void *to, uint64_t hash)
{
    sensor_hear(to, 0, hash);
}

static inline void sensor_hear_origin(void *to, str host)
{
    sensor_hear(to, 0, hash_bytes(str_bytes(host)));
}

static inline void sensor_hear_use(void *to, const struct use *fact)
{
    if (!fact->share.len && !fact->pipe.len) abort();
    sensor_hear(to, fact->offset, hash_bytes(str_bytes(fact->share)));
}

static inline void sensor_hear_identity(void *to, const struct identity *fact)
{
    if (!fact->name.len || addr_is_none(fact->addr)) abort();
    sensor_hear(to, fact->offset, hash_bytes(str_bytes(fact->name)));
}

static inline void sensor_hear_listening(void *to, const struct listening *fact)
{
    if (!fact->port || addr_is_none(fact->server.addr)) abort();
    sensor_hear(to, fact->offset, fact->port);
}

static inline uint64_t sensor_digest_of(const struct reader *reader, const uint8_t *data,
                                        size_t size, size_t piece)
{
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    struct sensor_digest heard = {.size = size};
    struct fact_sink sink = fact_sink_none();
    sink.to = &heard;
    sink.observation = sensor_hear_observation;
    sink.use = sensor_hear_use;
    sink.identity = sensor_hear_identity;
    sink.listening = sensor_hear_listening;
    sink.skip = sensor_hear_skip;
    sink.record = sensor_hear_record;
    sink.line_hash = sensor_hear_hash;
    sink.origin = sensor_hear_origin;
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

/* What a fuzz target of such a reader does with its input. */
static inline int sensor_digest_check(const struct reader *reader, const uint8_t *data, size_t size)
{
    size_t head = size < LIMIT_RECOGNISE_BYTES ? size : LIMIT_RECOGNISE_BYTES;
    reader->recognise((bytes){data, head});
    size_t piece = 1 + (size ? data[size - 1] % 61u : 0);
    if (sensor_digest_of(reader, data, size, size + 1) !=
        sensor_digest_of(reader, data, size, piece))
        abort();
    return 0;
}
