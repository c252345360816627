/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as lines, read whole and in small windows: the same lines at the same offsets, each
 * inside the source, none before the end of the one before it. */
#include "evidence/text_lines.h"

#include "base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    uint64_t size, end; /* of the source; of the last line */
    uint64_t digest;
};

static void hear(struct heard *heard, uint64_t offset, uint64_t length, uint64_t value)
{
    if (!length || offset < heard->end || length > heard->size - offset) abort();
    heard->end = offset + length;
    heard->digest = hash_join(hash_join(hash_join(heard->digest, offset), length), value);
}

static void hear_line(void *to, const struct text_line *line)
{
    if (!line->text.len || memchr(line->text.ptr, '\n', line->text.len)) abort();
    hear(to, line->offset, line->length, hash_bytes(str_bytes(line->text)) + line->cut);
}

static void hear_skip(void *to, const struct skip *skip)
{
    if (skip->length <= LIMIT_LOG_LINE_BYTES) abort();
    hear(to, skip->offset, skip->length, 1);
}

static uint64_t read_lines(const uint8_t *data, size_t size, size_t piece)
{
    struct arena arena = arena_open("fuzz", 1 << 20, NULL);
    struct heard heard = {.size = size};
    struct fact_sink sink = fact_sink_none();
    sink.to = &heard;
    sink.skip = hear_skip;
    struct text_lines *lines = text_lines_open(&arena, &sink, hear_line, &heard);
    size_t start = 0, end = 0;
    for (bool last = false; !last;) {
        end = size - end > piece ? end + piece : size;
        last = end == size;
        size_t consumed = 0, want = 0;
        struct window window = {
            {data + start, end - start},
            start, last
        };
        text_lines_feed(lines, window, &consumed, &want);
        if (consumed > end - start) abort();
        start += consumed;
    }
    if (start != size) abort();
    arena_close(&arena);
    return heard.digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char into[TEXT_LINES_HEAD_ROOM];
    bool whole = false;
    str line, head = text_lines_head((bytes){data, size}, into);
    while (text_lines_cut(&head, &line, &whole))
        if (!line.len) abort();
    size_t piece = 1 + (size ? data[size - 1] % 61u : 0);
    if (read_lines(data, size, size + 1) != read_lines(data, size, piece)) abort();
    return 0;
}
