/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON: offsets ascend and stay inside; with and without replacement the same tokens
 * as long as both read; skipping the whole document agrees with reading it; a failure stays. */
#include "base/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool scan_all(str text, struct arena *arena, bool replace, size_t *tokens)
{
    struct json_scan scan = json_scan_of(text, 100, arena);
    struct json_scan_item item = {.kind = JSON_SCAN_NULL, .offset = 100};
    struct err err = {0}, again = {0};
    scan.replace_invalid = replace;
    *tokens = 0;
    while (item.kind != JSON_SCAN_END) {
        uint64_t before = item.offset;
        if (!json_scan_next(&scan, &item, &err)) {
            if (err.offset < before || err.offset > 100 + text.len) abort();
            if (json_scan_next(&scan, &item, &again) || again.offset != err.offset) abort();
            return false;
        }
        if (item.offset < before || item.offset > 100 + text.len) abort();
        int64_t value;
        if (item.kind == JSON_SCAN_NUMBER && json_scan_i64(item.text, &value)) {
            int64_t scaled = 0;
            if (!json_scan_scaled(item.text, 0, &scaled) || scaled != value) abort();
        }
        if (item.kind == JSON_SCAN_STRING && str_utf8(arena, item.text).ptr != item.text.ptr)
            abort();
        ++*tokens;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 16 << 20, NULL);
    str text = {(const char *)data, size};
    size_t strict = 0, replaced = 0;
    bool fine = scan_all(text, &arena, false, &strict);
    bool fine_replaced = scan_all(text, &arena, true, &replaced);
    if (fine && (!fine_replaced || strict != replaced)) abort();

    struct json_scan scan = json_scan_of(text, 0, &arena);
    struct json_scan_item item;
    struct err err = {0};
    bool skipped = json_scan_next(&scan, &item, &err) && json_scan_skip(&scan, item, &err) &&
                   json_scan_next(&scan, &item, &err) && item.kind == JSON_SCAN_END;
    if (skipped != fine) abort();
    arena_close(&arena);
    return 0;
}
