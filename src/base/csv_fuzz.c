/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as CSV: every record consumes some, fields are never longer than what was consumed, and
 * an error names a place. */
#include "base/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    struct csv csv = csv_of((str){(const char *)data, size}, size % 2 ? ',' : ';', &arena);
    for (bool found = true; found;) {
        struct err err = {0};
        str *fields = NULL;
        size_t n = 0, before = csv.at, length = 0;
        if (!csv_next(&csv, &fields, &n, &found, &err)) {
            if (err.place != ERR_PLACE_LINE || !err.line || !err.column) abort();
            break;
        }
        if (!found && csv.at != size) abort();
        if (!found) break;
        for (size_t i = 0; i < n; i++)
            length += fields[i].len;
        if (!n || csv.at <= before || length > csv.at - before) abort();
    }
    arena_close(&arena);
    return 0;
}
