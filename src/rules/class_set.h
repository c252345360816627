/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of address classes as bits, and a table that gives equal sets one number: two maps of a
 * decision are equal when their numbers are.
 */
#pragma once

#include "base/arena.h"

typedef uint64_t class_word;
enum { CLASS_WORD_BITS = 64 };

size_t class_set_words(uint32_t n_classes);
class_word *class_set_new(struct arena *arena, uint32_t n_classes);
bool class_set_has(const class_word *set, uint32_t class_id);
void class_set_add(class_word *set, uint32_t class_id);
void class_set_fill(class_word *set, uint32_t n_classes); /* every class */
bool class_set_is_empty(const class_word *set, size_t n_words);
bool class_set_overlaps(const class_word *a, const class_word *b, size_t n_words);
void class_set_unite(class_word *into, const class_word *with, size_t n_words);
void class_set_keep(class_word *into, const class_word *only, size_t n_words);
void class_set_drop(class_word *from, const class_word *what, size_t n_words);
/* The smallest class at or after `from`; UINT32_MAX when there is none. */
uint32_t class_set_next(const class_word *set, size_t n_words, uint32_t from);

/* Interned sets. Number 0 is the empty set. */
struct class_sets {
    uint32_t n_classes;
    size_t n_words;
    const class_word **sets;
    uint64_t *hashes;
    uint32_t n, room;
    uint32_t *slots; /* number plus one; open addressing */
    size_t n_slots;
};

void class_sets_begin(struct class_sets *sets, uint32_t n_classes, struct arena *arena);
/* The number of this set; its bits are copied when it is new. */
uint32_t class_sets_intern(struct class_sets *sets, struct arena *arena, const class_word *set);
