/* SPDX-License-Identifier: Apache-2.0 */
/* A capture of any bytes: facts obey their limits, and do not depend on the size of the windows. */
#include "base/hash.h"
#include "evidence/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct reader capture_pcap_reader, capture_pcapng_reader;

struct told {
    uint64_t hash, facts;
};

static void tell_u64(struct told *told, uint64_t value)
{
    told->hash = hash_join(told->hash, value);
}

static void tell(struct told *told, str text)
{
    size_t bad;
    assert(text.len <= LIMIT_ERR_TEXT + 2 * LIMIT_NAME_BYTES);
    tell_u64(told, hash_bytes(str_bytes(text)));
    for (size_t at = 0; at < text.len;) {
        size_t n = str_utf8_next(str_tail(text, at), &bad);
        assert(n > 0 && "names are valid UTF-8");
        at += n;
    }
}

static void tell_names(struct told *told, struct names names)
{
    assert(names.n <= LIMIT_NAMES);
    for (size_t i = 0; i < names.n; i++) {
        assert(names.items[i].len > 0);
        tell(told, names.items[i]);
    }
}

static void on_observation(void *to, const struct observation *o)
{
    struct told *told = to;
    assert(o->count == 1 && o->last_us >= o->first_us);
    assert(o->outcome < OUTCOME_COUNT && o->smb.dialects < 1u << DIALECT_COUNT);
    assert(o->smb.signed_pdus <= o->smb.pdus && o->smb.encrypted_pdus <= o->smb.pdus);
    told->facts++;
    tell_u64(told, addr_hash(o->client.addr));
    tell_u64(told, addr_hash(o->server.addr));
    tell_u64(told, (uint64_t)o->client_port << 16 | o->port);
    tell_u64(told, (uint64_t)o->first_us);
    tell_u64(told, (uint64_t)o->last_us);
    tell_u64(told, o->bytes_to_server);
    tell_u64(told, o->bytes_to_client);
    tell_u64(told, (uint64_t)o->outcome << 32 | o->smb.dialects);
    tell_u64(told, (uint64_t)o->smb.client_signing << 32 | o->smb.server_signing);
    tell_u64(told, o->smb.pdus);
    tell_names(told, o->users);
    tell_names(told, o->client_names);
    tell_names(told, o->server_names);
    tell_names(told, o->shares);
    tell_names(told, o->shares_refused);
    tell_names(told, o->pipes);
}

static void on_use(void *to, const struct use *u)
{
    assert(u->count > 0);
    tell(to, u->share);
    tell(to, u->pipe);
    tell(to, u->user);
    tell_u64(to, u->count << 1 | u->refused);
}

static void on_identity(void *to, const struct identity *identity)
{
    assert(identity->name.len > 0);
    tell(to, identity->name);
    tell_u64(to, addr_hash(identity->addr));
}

static void on_skip(void *to, const struct skip *skip)
{
    tell(to, skip->reason);
    tell_u64(to, skip->offset);
    tell_u64(to, skip->length);
}

static void on_local_address(void *to, struct addr addr)
{
    tell_u64(to, addr_hash(addr));
}

static void on_record(void *to, int64_t at_us)
{
    tell_u64(to, (uint64_t)at_us);
}

static void on_line_hash(void *to, uint64_t hash)
{
    tell_u64(to, hash);
}

static struct told read_all(const struct reader *reader, const uint8_t *data, size_t size,
                            size_t step)
{
    struct told told = {0};
    struct arena arena = arena_open("capture fuzz", UINT64_C(64) << 20, NULL);
    struct fact_sink sink = fact_sink_none();
    sink.to = &told;
    sink.observation = on_observation;
    sink.use = on_use;
    sink.identity = on_identity;
    sink.skip = on_skip;
    sink.local_address = on_local_address;
    sink.record = on_record;
    sink.line_hash = on_line_hash;
    void *state = reader->open(&arena, &(struct reader_options){0}, &sink);
    size_t at = 0, seen = 0;
    bool more = true;
    while (more && at < size) {
        seen = size - seen < step ? size : seen + step;
        struct window window = {
            {data + at, seen - at},
            at, seen == size
        };
        size_t consumed = 0, want = 0;
        more = reader->feed(state, window, &consumed, &want);
        assert(consumed <= window.data.len);
        at += consumed;
        assert(!more || !window.last || at == size);
        if (want > seen - at) seen = want > size - at ? size : at + want;
    }
    reader->close(state);
    arena_close(&arena);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes head = {data, size < LIMIT_RECOGNISE_BYTES ? size : LIMIT_RECOGNISE_BYTES};
    const struct reader *reader = capture_pcap_reader.recognise(head)     ? &capture_pcap_reader
                                  : capture_pcapng_reader.recognise(head) ? &capture_pcapng_reader
                                                                          : NULL;
    if (!reader) return 0;
    struct told whole = read_all(reader, data, size, size);
    struct told pieces = read_all(reader, data, size, 97);
    assert(whole.hash == pieces.hash && whole.facts == pieces.facts);
    return 0;
}
