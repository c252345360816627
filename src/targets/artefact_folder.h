/* SPDX-License-Identifier: Apache-2.0 */
/* What a folder that `compile` wrote claims of itself: which addresses load which files (DESIGN.md
 * 7, manifest.json). Only the manifest is read here; the files are read by their targets.
 */
#pragma once

#include "base/err.h"
#include "base/prefix_set.h"

/* A host class, or a border (is_border: members are what is inside). */
struct artefact_part {
    str name;
    bool is_border;
    struct prefix_set members;
    const str *files; /* that hold rules, relative to the folder: of all targets */
    size_t n_files;
};

struct artefact_folder {
    str policy_sha256;
    str as_of;
    const struct artefact_part *parts;
    size_t n_parts;
};

/* Paths that leave the folder are refused.
 *
 * fails : MALFORMED (with the offset), LIMIT */
MUST_USE bool artefact_folder_read(str source, bytes manifest, struct arena *arena,
                                   struct artefact_folder *out, struct err *err);
