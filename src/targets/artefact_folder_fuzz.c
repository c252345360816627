/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the manifest says: reading ends and tells why not, or gives parts whose files stay
 * inside. */
#include "targets/artefact_folder.h"

#include "targets/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    struct artefact_folder folder = {0};
    struct err err = {0};
    if (!artefact_folder_read(S("fuzz"), (bytes){data, size}, &arena, &folder, &err)) {
        assert(err.kind != ERR_NONE && err.text[0]);
    } else {
        for (size_t i = 0; i < folder.n_parts; i++)
            for (size_t j = 0; j < folder.parts[i].n_files; j++)
                assert(manifest_path_stays_inside(folder.parts[i].files[j]));
    }
    arena_close(&arena);
    return 0;
}
