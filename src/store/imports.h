/* SPDX-License-Identifier: Apache-2.0 */
/* Files that were imported whole (membership of groups in the directory): kept as they are, with
 * where they came from, their hash and when, so that every command reads what was checked then. The
 * table is made by the first import: a workspace without it has none.
 */
#pragma once

#include "store/store.h"

struct imports_file {
    str kind, source, sha256, content;
    int64_t imported_us;
};

/* Keeps a file; one of the same kind and source takes the place of the older one. */
MUST_USE bool imports_put(struct store *store, const struct imports_file *file, struct err *err);
/* Those of a kind, the newest first, then by source. */
MUST_USE bool imports_load(struct store *store, str kind, struct arena *arena,
                           struct imports_file **out, size_t *n, struct err *err);
