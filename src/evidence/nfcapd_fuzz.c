/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a flow file, read whole and in small windows: the same facts at the same
 * offsets, each inside the source (flow_heard.h asserts it). */
#include "evidence/flow_heard.h"

extern const struct reader nfcapd_reader;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct reader *reader = &nfcapd_reader;
    struct flow_heard whole = {0}, pieces = {0};
    bytes input = {data, size};
    reader->recognise((bytes){data, size < LIMIT_RECOGNISE_BYTES ? size : LIMIT_RECOGNISE_BYTES});
    flow_heard_read(reader, input, SIZE_MAX / 2, 64 << 20, &whole);
    flow_heard_read(reader, input, 1 + (size ? data[size - 1] % 61u : 0), 64 << 20, &pieces);
    if (whole.digest != pieces.digest) abort();
    return 0;
}
