/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is the text of --map, what follows the table; whatever map is good is read with.
 */
#include "evidence/csv_map.h"

#include "evidence/log_heard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t len = end ? (size_t)(end - data) : size, rest = end ? size - len - 1 : 0;
    if (len > 400) return 0;
    struct arena arena = arena_open("fuzz", 16 << 20, NULL);
    struct csv_map map;
    struct err err = {0};
    str text = str_of_bytes((bytes){data, len});
    bytes table = {data + size - rest, rest};
    bool good = csv_map_parse(text, &arena, &map, &err);
    if (!good && err.kind != ERR_USAGE) abort();
    if (good && !csv_map_fits(&map, table, &err) && err.kind == ERR_NONE) abort();
    arena_close(&arena);
    return good ? log_fuzz(&csv_map_reader, text, table.ptr, table.len) : 0;
}
