/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a log in JSON, read whole and in small windows: the same objects and skips at the
 * same offsets, in order, inside the source. */
#include "evidence/json_records.h"

#include "base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    struct arena arena;
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

static bool take(void *to, str object, uint64_t offset, struct err *err)
{
    struct heard *heard = to;
    struct json_scan scan = json_scan_of(object, offset, &heard->arena);
    struct json_scan_item item = {.kind = JSON_SCAN_NULL};
    if (!object.len || object.ptr[0] != '{' || object.ptr[object.len - 1] != '}') abort();
    scan.replace_invalid = scan.quiet = true;
    while (item.kind != JSON_SCAN_END)
        if (!json_scan_next(&scan, &item, err)) return false;
    hear(heard, offset, hash_bytes(str_bytes(object)));
    return true;
}

static void hear_skip(void *to, const struct skip *fact)
{
    struct heard *heard = to;
    if (!fact->length || fact->offset + fact->length > heard->size || !fact->reason.len) abort();
    hear(heard, fact->offset, fact->length);
}

static uint64_t read_log(const uint8_t *data, size_t size, size_t piece)
{
    struct heard heard = {.arena = arena_open("fuzz", 1 << 20, NULL), .size = size};
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    struct fact_sink sink = fact_sink_none();
    sink.to = &heard;
    sink.skip = hear_skip;
    struct json_records *records = json_records_open(&arena, &sink, take, &heard);
    size_t start = 0, end = 0;
    for (bool last = false; !last;) {
        end = size - end > piece ? end + piece : size;
        last = end == size;
        size_t consumed = 0, want = 0;
        struct window window = {
            {data + start, end - start},
            start, last
        };
        json_records_feed(records, window, &consumed, &want);
        if (consumed > end - start) abort();
        start += consumed;
    }
    if (start != size) abort();
    arena_close(&arena);
    arena_close(&heard.arena);
    return heard.digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 1 << 20, NULL);
    size_t head = size < LIMIT_RECOGNISE_BYTES ? size : LIMIT_RECOGNISE_BYTES;
    bool whole;
    str first = json_records_peek((bytes){data, head}, &arena, &whole);
    if (first.len && first.ptr[0] != '{') abort();
    arena_close(&arena);
    size_t piece = 1 + (size ? data[size - 1] % 61u : 0);
    if (read_log(data, size, size + 1) != read_log(data, size, piece)) abort();
    return 0;
}
