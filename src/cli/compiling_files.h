/* SPDX-License-Identifier: Apache-2.0 */
/* The output folder of what was made and proved. One with a manifest.json is whole; while it is
 * written it has a list of what may stand in it instead (compiling_files_incomplete), so that a run
 * after one that failed half way takes away what neither of them needs.
 */
#pragma once

#include "cli/compiling.h"

extern const str compiling_files_manifest, compiling_files_incomplete; /* names in the folder */

/* Writes files, RULES.md, probes and the manifest; the command's exit status, and what went wrong
 * is said.
 *
 * more : documents beside them
 * manifest : the text of manifest.json; unchanged on failure */
int compiling_files_write(struct compiling *c, const struct manifest_document *more, size_t n_more,
                          str *manifest);
