/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.json of an output folder (DESIGN.md 7): what was proved, every file with its hash, which
 * machines load which files.
 */
#pragma once

#include "base/json_write.h"
#include "targets/prove.h"

/* One target's part of an output folder. */
struct manifest_part {
    const struct target *target;
    struct target_files files; /* with their hashes, without content: by class, then the others */
    struct prove_report report;
    unsigned doubts; /* DOUBT_..., of all its rules */
};

/* What stands beside the targets' folders: RULES.md, probes. */
struct manifest_document {
    str path, content, kind; /* kind: "document" or "probes" */
    bool executable;
};

struct manifest {
    const struct target_header *header;
    const struct resolved *resolved;
    struct bundles bundles; /* whose files these are; their rules may be empty */
    const struct manifest_part *parts;
    size_t n_parts;
    const struct manifest_document *documents;
    size_t n_documents;
};

/* "powershell/clients-1/apply.ps1" */
str manifest_path(struct arena *arena, const struct manifest_part *part,
                  const struct target_file *file);
void manifest_print(const struct manifest *manifest, struct arena *arena, struct buf *out);

/* One file that a manifest lists. */
struct manifest_file {
    str path, sha256; /* sha256 is empty in the manifest of an incomplete folder */
};

/* The manifest of a folder that is being written: every file that may stand in it until it is
 * whole, old ones and new ones. It claims nothing of their content. */
void manifest_print_incomplete(const struct manifest_file *files, size_t n, struct buf *out);

/* Relative, without a step up: nothing outside the folder is ever read or removed for a manifest.
 */
bool manifest_path_stays_inside(str path);

/* Reads the list of files of either manifest that an earlier run wrote. Paths that leave the folder
 * are refused.
 *
 * fails : MALFORMED */
MUST_USE bool manifest_read(str source, bytes content, struct arena *arena,
                            struct manifest_file **out, size_t *n, struct err *err);
