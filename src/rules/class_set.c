/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/class_set.h"

#include "base/hash.h"

size_t class_set_words(uint32_t n_classes)
{
    return ((size_t)n_classes + CLASS_WORD_BITS - 1) / CLASS_WORD_BITS;
}

class_word *class_set_new(struct arena *arena, uint32_t n_classes)
{
    /* At least one word, so that no set is a null pointer. */
    return arena_array(arena, class_word, class_set_words(n_classes) + 1);
}

bool class_set_has(const class_word *set, uint32_t class_id)
{
    return set[class_id / CLASS_WORD_BITS] >> (class_id % CLASS_WORD_BITS) & 1;
}

void class_set_add(class_word *set, uint32_t class_id)
{
    set[class_id / CLASS_WORD_BITS] |= (class_word)1 << (class_id % CLASS_WORD_BITS);
}

void class_set_fill(class_word *set, uint32_t n_classes)
{
    uint32_t whole = n_classes / CLASS_WORD_BITS, rest = n_classes % CLASS_WORD_BITS;
    for (uint32_t i = 0; i < whole; i++)
        set[i] = ~(class_word)0;
    if (rest) set[whole] = ((class_word)1 << rest) - 1;
}

bool class_set_is_empty(const class_word *set, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++)
        if (set[i]) return false;
    return true;
}

bool class_set_overlaps(const class_word *a, const class_word *b, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++)
        if (a[i] & b[i]) return true;
    return false;
}

void class_set_unite(class_word *into, const class_word *with, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++)
        into[i] |= with[i];
}

void class_set_keep(class_word *into, const class_word *only, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++)
        into[i] &= only[i];
}

void class_set_drop(class_word *from, const class_word *what, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++)
        from[i] &= ~what[i];
}

uint32_t class_set_next(const class_word *set, size_t n_words, uint32_t from)
{
    size_t at = from / CLASS_WORD_BITS;
    if (at >= n_words) return UINT32_MAX;
    uint32_t skipped = from % CLASS_WORD_BITS;
    class_word word = set[at] >> skipped;
    if (word) {
        while (!(word & 1)) {
            word >>= 1;
            from++;
        }
        return from;
    }
    while (!word) {
        if (++at == n_words) return UINT32_MAX;
        word = set[at];
    }
    uint32_t bit = 0;
    while (!(word >> bit & 1))
        bit++;
    return (uint32_t)at * CLASS_WORD_BITS + bit;
}

/* ---- Interning ----------------------------------------------------------------------------------
 */

static uint64_t hash_of(const struct class_sets *sets, const class_word *set)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < sets->n_words; i++)
        hash = hash_join(hash, set[i]);
    return hash;
}

static size_t slot_of(const struct class_sets *sets, const class_word *set, uint64_t hash)
{
    size_t at = (size_t)hash & (sets->n_slots - 1);
    for (; sets->slots[at]; at = (at + 1) & (sets->n_slots - 1)) {
        uint32_t number = sets->slots[at] - 1;
        if (sets->hashes[number] == hash &&
            !memcmp(sets->sets[number], set, sets->n_words * sizeof *set))
            break;
    }
    return at;
}

static void rehash(struct class_sets *sets, struct arena *arena)
{
    sets->n_slots = sets->n_slots ? 2 * sets->n_slots : 16;
    sets->slots = arena_array(arena, uint32_t, sets->n_slots);
    for (uint32_t i = 0; i < sets->n; i++)
        sets->slots[slot_of(sets, sets->sets[i], sets->hashes[i])] = i + 1;
}

uint32_t class_sets_intern(struct class_sets *sets, struct arena *arena, const class_word *set)
{
    if ((size_t)sets->n * 2 >= sets->n_slots) rehash(sets, arena);
    uint64_t hash = hash_of(sets, set);
    size_t slot = slot_of(sets, set, hash);
    if (sets->slots[slot]) return sets->slots[slot] - 1;

    if (sets->n == sets->room) {
        uint32_t room = sets->room ? 2 * sets->room : 16;
        const class_word **grown = arena_array(arena, const class_word *, room);
        uint64_t *hashes = arena_array(arena, uint64_t, room);
        for (uint32_t i = 0; i < sets->n; i++) {
            grown[i] = sets->sets[i];
            hashes[i] = sets->hashes[i];
        }
        sets->sets = grown;
        sets->hashes = hashes;
        sets->room = room;
    }
    class_word *own = class_set_new(arena, sets->n_classes);
    memcpy(own, set, sets->n_words * sizeof *own);
    sets->sets[sets->n] = own;
    sets->hashes[sets->n] = hash;
    sets->slots[slot] = ++sets->n;
    return sets->n - 1;
}

void class_sets_begin(struct class_sets *sets, uint32_t n_classes, struct arena *arena)
{
    *sets = (struct class_sets){.n_classes = n_classes, .n_words = class_set_words(n_classes)};
    (void)class_sets_intern(sets, arena, class_set_new(arena, n_classes));
}
