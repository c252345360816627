/* SPDX-License-Identifier: Apache-2.0 */
/* A Windows registry hive on disk: what `netsh advfirewall export` writes (.wfw), and the files of
 * a machine's own registry. The format has no public specification of Microsoft's; this follows
 * what is known of it (version 1.3 to 1.6): a header of 4096 bytes, then bins of cells that name
 * one another by offset. Exports have some hundred values, a machine's hive some hundred thousand.
 */
#pragma once

#include "base/err.h"
#include "targets/registry_value.h"

struct regf {
    struct registry_values values; /* of all keys; keys begin below the root */
    /* Its writer had not finished (the header's two counts or its checksum disagree): what stood in
     * the logs beside it is missing. */
    bool is_dirty;
};

/* Keys in the order of the file, a key's values before its subkeys. The offset of a value is that
 * of its cell.
 *
 * fails : TRUNCATED, MALFORMED (header, a cell outside the file or of another kind than expected, a
 *         cell that is named twice, a name with a backslash), LIMIT (depth) */
MUST_USE bool regf_read(str source, bytes content, struct arena *arena, struct regf *out,
                        struct err *err);
/* True when the bytes begin like one. */
bool regf_recognise(bytes head);
