/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what was collected of a machine: read, with every setting to be found again, or
 * refused. */
#include "harden/collected.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    struct collected out = {0};
    struct err err = {0};
    if (collected_read(S("fuzz"), (bytes){data, size}, &arena, &out, &err)) {
        if (!out.computer.len) abort();
        for (size_t i = 0; i < out.n_settings && i < 64; i++) {
            const struct collected_setting *s = &out.settings[i];
            if (s->absent && s->text.len) abort();
            if (!collected_find(&out, s->part, s->of, s->name)) abort();
        }
    } else if (!err.kind || !err.text[0]) {
        abort();
    }
    (void)collected_recognise((bytes){data, size});
    arena_close(&arena);
    return 0;
}
