/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the bytes are: reading ends and tells why not, or gives statements in order, each with
 * its place, and no more than there are lines.
 */
#include "targets/registry_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 256 << 20, NULL);
    struct registry_text text = {0};
    struct err err = {0};
    bytes content = {data, size};
    (void)registry_text_recognise(content);
    if (registry_text_read(S("fuzz"), content, &arena, &text, &err)) {
        assert(text.values.n + text.n_problems <= size);
        for (size_t i = 0; i < text.values.n; i++) {
            const struct registry_value *v = &text.values.items[i];
            assert(v->offset < size && v->line > 1 && v->key.len);
            assert(!i || v->line > v[-1].line);
        }
        (void)registry_value_applied(text.values, &arena);
    } else {
        assert(err.kind != ERR_NONE && err.text[0]);
    }
    arena_close(&arena);
    return 0;
}
