/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table from bytes to a number, for interning names and finding keys. Keys are copied into
 * the arena. Iteration is by insertion order, so output never depends on the hash.
 */
#pragma once

#include "base/str.h"

struct map_entry {
    str key;
    uint64_t value;
    uint64_t hash;
};

struct map {
    struct map_entry *entries; /* in insertion order */
    size_t n, room;
    /* Index into entries plus one, and the upper half of the hash above it, so that others than the
     * one looked for are told apart without a look at them; 0 = free; open addressing. */
    uint64_t *slots;
    size_t n_slots;
};

/* The value of key, or NULL. The pointer lasts until the next map_put. */
uint64_t *map_find(const struct map *map, str key);
/* The value of key, made with `value` when it is new; *fresh (may be NULL) tells which. */
uint64_t *map_put(struct map *map, struct arena *arena, str key, uint64_t value, bool *fresh);
