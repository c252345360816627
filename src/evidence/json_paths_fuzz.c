/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an object: what base/json_scan reads, the paths read too, and they find the scalars
 * that a plain walk with it finds. */
#include "evidence/json_paths.h"

#include "base/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"a", "b.c", "b.d", "b.d.e", "b.1", "b.0.a"};
enum { NAMES = sizeof names / sizeof names[0] };

/* above: the dotted path of what is open. */
static bool walk(struct json_scan *scan, struct arena *arena, str above, bool in_array,
                 str values[NAMES])
{
    struct json_scan_item item;
    struct err err = {0};
    for (size_t element = 0;; element++) {
        if (!json_scan_next(scan, &item, &err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END || item.kind == JSON_SCAN_ARRAY_END) return true;
        str name = in_array ? str_format(arena, "%zu", element) : item.text;
        str path = above.len ? str_format(arena, "%.*s.%.*s", STR_ARG(above), STR_ARG(name)) : name;
        if (!in_array && !json_scan_next(scan, &item, &err)) return false;
        bool is_string = item.kind == JSON_SCAN_STRING;
        str text = item.kind == JSON_SCAN_TRUE    ? S("true")
                   : item.kind == JSON_SCAN_FALSE ? S("false")
                                                  : item.text;
        for (size_t i = 0; i < NAMES; i++)
            if (str_equal(path, str_of(names[i]))) values[i] = text;
        if (is_string) continue;
        if (item.kind == JSON_SCAN_OBJECT && !walk(scan, arena, path, false, values)) return false;
        if (item.kind == JSON_SCAN_ARRAY && !walk(scan, arena, path, true, values)) return false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    str text = {(const char *)data, size}, ours[NAMES], plain[NAMES] = {{0}};
    struct json_paths *paths = json_paths_of(&arena, names, NAMES, false);
    struct err err = {0};
    if (size > 4096) return 0; /* the plain walk copies its paths */
    bool fine = json_paths_read(paths, text, 100, ours, &arena, &err);
    if (!fine && (err.offset < 100 || err.offset > 100 + size)) abort();

    struct json_scan scan = json_scan_of(text, 0, &arena);
    struct json_scan_item item = {.kind = JSON_SCAN_END};
    scan.replace_invalid = true;
    bool expected = json_scan_next(&scan, &item, &err) && item.kind == JSON_SCAN_OBJECT &&
                    walk(&scan, &arena, (str){0}, false, plain) &&
                    json_scan_next(&scan, &item, &err);
    if (expected && !fine) abort();
    for (size_t i = 0; expected && i < NAMES; i++)
        if (!str_equal(ours[i], plain[i])) abort();
    arena_close(&arena);
    return 0;
}
