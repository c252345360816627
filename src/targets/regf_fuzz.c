/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the bytes are: reading ends and tells why not, or gives values that lie in them. */
#include "targets/regf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 256 << 20, NULL);
    struct regf regf = {0};
    struct err err = {0};
    bytes content = {data, size};
    (void)regf_recognise(content);
    if (regf_read(S("fuzz"), content, &arena, &regf, &err)) {
        for (size_t i = 0; i < regf.values.n; i++)
            assert(regf.values.items[i].offset < size && regf.values.items[i].data.len <= size);
    } else {
        assert(err.kind != ERR_NONE && err.text[0]);
    }
    arena_close(&arena);
    return 0;
}
