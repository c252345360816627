/* SPDX-License-Identifier: Apache-2.0 */
/* A brand's file, and a logo: what is taken stays small, has its colours readable and names nothing
 * outside. The first byte tells which of the two it is. */
#include "report/brand.h"

#include "report/style.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    struct brand brand = {0};
    struct diagnostics found = {0};
    struct err err = {0};
    if (size && data[0] == 'B') {
        if (brand_parse((str){(const char *)data + 1, size - 1}, &arena, &brand, &found))
            assert(!brand.has_accent ||
                   style_contrast(brand.accent, STYLE_GROUND_LIGHT) >= STYLE_LEAST_CONTRAST);
        else
            assert(found.n_errors);
    } else if (size && brand_logo(&brand, (bytes){data + 1, size - 1}, &arena, &err))
        assert(brand.logo_type.len && size - 1 <= BRAND_LOGO_BYTES);
    arena_close(&arena);
    return 0;
}
