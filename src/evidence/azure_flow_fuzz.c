/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a flow log of Azure, read whole and in small windows: the same facts and skips, all
 * inside the source (facts_heard.h has the promises). */
#include "evidence/facts_heard.h"

extern const struct reader azure_flow_reader;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 0, NULL);
    struct reader_options options = {0};
    bytes whole = {data, size};
    size_t head = size < LIMIT_RECOGNISE_BYTES ? size : LIMIT_RECOGNISE_BYTES;
    azure_flow_reader.recognise((bytes){data, head});
    size_t piece = 1 + (size ? data[size - 1] % 61u : 0);
    struct facts_heard once = facts_heard_of(&azure_flow_reader, &options, whole, size + 1, &arena);
    struct facts_heard again = facts_heard_of(&azure_flow_reader, &options, whole, piece, &arena);
    facts_promise(str_equal(buf_text(&once.text), buf_text(&again.text)));
    facts_promise(once.records == again.records && once.hashes == again.hashes);
    arena_close(&arena);
    return 0;
}
