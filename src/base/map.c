/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/hash.h"

static uint64_t slot_value(size_t index, uint64_t hash)
{
    return (hash >> 32 << 32) | (uint32_t)(index + 1);
}

static struct map_entry *entry_at(const struct map *map, size_t slot)
{
    return &map->entries[(uint32_t)map->slots[slot] - 1];
}

static size_t slot_of(const struct map *map, str key, uint64_t hash)
{
    size_t at = (size_t)hash & (map->n_slots - 1);
    for (uint64_t slot; (slot = map->slots[at]); at = (at + 1) & (map->n_slots - 1))
        if (slot >> 32 == hash >> 32 && str_equal(entry_at(map, at)->key, key)) break;
    return at;
}

uint64_t *map_find(const struct map *map, str key)
{
    if (!map->n) return NULL;
    size_t at = slot_of(map, key, hash_bytes(str_bytes(key)));
    return map->slots[at] ? &entry_at(map, at)->value : NULL;
}

static void rehash(struct map *map, struct arena *arena)
{
    map->n_slots = map->n_slots ? 2 * map->n_slots : 16;
    map->slots = arena_array(arena, uint64_t, map->n_slots);
    for (size_t i = 0; i < map->n; i++) {
        /* All keys differ: none is looked at. */
        size_t at = (size_t)map->entries[i].hash & (map->n_slots - 1);
        while (map->slots[at])
            at = (at + 1) & (map->n_slots - 1);
        map->slots[at] = slot_value(i, map->entries[i].hash);
    }
}

uint64_t *map_put(struct map *map, struct arena *arena, str key, uint64_t value, bool *fresh)
{
    if (fresh) *fresh = false;
    if (map->n * 2 >= map->n_slots) rehash(map, arena);
    uint64_t hash = hash_bytes(str_bytes(key));
    size_t at = slot_of(map, key, hash);
    if (map->slots[at]) return &entry_at(map, at)->value;

    arena_grow(arena, map->entries, map->n, map->room);
    map->entries[map->n] = (struct map_entry){str_copy(arena, key), value, hash};
    map->slots[at] = slot_value(map->n++, hash);
    if (fresh) *fresh = true;
    return &map->entries[map->n - 1].value;
}
