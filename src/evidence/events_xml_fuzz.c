/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as Windows events: skips lie inside the input, facts are such as events give, and are
 * the same whatever the sizes of the windows. */
#include "evidence/events_heard.h"

extern const struct reader events_xml_reader;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 256 << 20, NULL);
    struct events_heard whole = {.text = buf_in(&arena), .with_times = true}, pieces = whole;
    pieces.text = buf_in(&arena);
    const struct reader_options options = {0};
    size_t head = size < LIMIT_RECOGNISE_BYTES ? size : LIMIT_RECOGNISE_BYTES;
    events_xml_reader.recognise((bytes){data, head});
    events_read(&events_xml_reader, &options, (bytes){data, size}, size + 1, &whole);
    size_t piece = 1 + (size ? data[size - 1] % 61u : 0);
    events_read(&events_xml_reader, &options, (bytes){data, size}, piece, &pieces);
    if (!str_equal(buf_text(&whole.text), buf_text(&pieces.text))) abort();
    if (whole.hashes != pieces.hashes || whole.records != pieces.records) abort();
    arena_close(&arena);
    return 0;
}
