/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file: windows follow each other without a gap, each source ends, a plain file
 * comes back as it was, and nothing depends on how the bytes arrive. */
#include "base/input.h"

#include "base/hash.h"
#include "base/os_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t digest;
    size_t sources, want;
};

static bool visit(void *to, struct input *input)
{
    struct seen *seen = to;
    struct window window = {0};
    struct err err = {0};
    uint64_t total = 0;
    seen->sources++;
    seen->digest = hash_join(seen->digest, hash_bytes(str_bytes(input_source(input))));
    while (!window.last) {
        if (!input_next(input, seen->want, &window, &err)) {
            if (err.kind == ERR_NONE) abort();
            break;
        }
        if (window.offset != total) abort();
        /* Byte by byte: the digest must not know where windows end. */
        for (size_t i = 0; i < window.data.len; i++)
            seen->digest = hash_join(seen->digest, window.data.ptr[i]);
        input_take(input, window.data.len);
        total += window.data.len;
        if (total > 1 << 20) return false; /* enough for a fuzzer */
    }
    return true;
}

static void problem(void *to, str source, const struct err *err)
{
    struct seen *seen = to;
    if (err->kind == ERR_NONE || !source.len) abort();
    seen->digest = hash_join(seen->digest, err->kind);
}

static struct seen walk(bytes file, size_t read_bytes, size_t want)
{
    struct arena arena = arena_open("fuzz", 16 << 20, NULL);
    struct arena scratch = arena_open("fuzz scratch", 16 << 20, NULL);
    struct os_memory *memory = os_memory_new(&arena);
    struct os os = os_memory_world(memory);
    struct seen seen = {.want = want};
    struct err err = {0};
    os_memory_put(memory, S("f"), file);
    os_memory_set_read_bytes(memory, read_bytes);
    if (!input_walk(&os, S("f"), scratch, visit, problem, &seen, &err)) abort();
    arena_close(&scratch);
    arena_close(&arena);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = walk((bytes){data, size}, 0, 0);
    struct seen pieces = walk((bytes){data, size}, 1 + size % 13, size % 5000);
    if (whole.digest != pieces.digest || whole.sources != pieces.sources) abort();
    return 0;
}
