/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the bytes are: reading ends and tells why not, or what was read is written again as it
 * was, and applying it keeps no more than there was.
 */
#include "targets/registry_pol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 256 << 20, NULL);
    struct registry_pol pol = {0};
    struct err err = {0};
    bytes content = {data, size};
    (void)registry_pol_recognise(content);
    if (registry_pol_read(S("fuzz"), content, &arena, &pol, &err)) {
        bytes again = registry_pol_write(pol.values, &arena);
        assert(again.len + pol.rest.len == size && memcmp(again.ptr, data, again.len) == 0);
        (void)again;
        struct registry_values applied = registry_value_applied(pol.values, &arena);
        assert(applied.n <= pol.values.n);
        for (size_t i = 0; i < applied.n; i++)
            assert(applied.items[i].change == REGISTRY_SET && applied.items[i].offset < size);
    } else {
        assert(err.kind != ERR_NONE && err.text[0]);
    }
    arena_close(&arena);
    return 0;
}
