/* SPDX-License-Identifier: Apache-2.0 */
/* From the tree of a policy file to values: each mapping of the language is a table of keys, each
 * key names the function that reads its value and where the value goes. Whatever does not fit is
 * added to the diagnostics, and reading goes on, so that all errors of a file are found at once.
 */
#pragma once

#include "base/map.h"
#include "policy/diagnostics.h"
#include "policy/document.h"

enum named_kind { NAMED_SEGMENT, NAMED_GROUP };

/* A name that selectors may use. */
struct named {
    enum named_kind kind;
    size_t index;
    struct place place;
};

struct reading {
    struct arena *arena;
    struct diagnostics *found;
    struct policy *policy; /* in the making */
    bool *governed;        /* per service of the policy */
    struct map names;      /* segments and groups: to an index into named */
    struct named *named;
    size_t n_named, room_named;
    str *words; /* every name a selector may hold, for suggestions */
    size_t n_words;
};

/* For what is read beside the policy file and speaks of the same names. */
struct reading reading_of_policy(const struct policy *policy, struct arena *arena,
                                 struct diagnostics *found);

enum { OPTIONAL = false, COMPULSORY = true };

/* One key of a mapping. `into` of its reader is `offset` bytes into the struct being filled. */
struct key {
    str name;
    bool compulsory;
    void (*read)(struct reading *r, const struct node *value, void *into, const void *about);
    size_t offset;
    const void *about; /* what the reader needs to know: choices, limits */
};

struct keys {
    str what; /* "an allow entry", for sentences */
    const struct key *keys;
    size_t n;
};

/* Words to choose from; the value is the position. Empty words can't be chosen. */
struct choices {
    const str *words;
    size_t n;
};

struct count_limits {
    uint64_t low, high;
};

/* Adds an error at a place of the file. */
#define reading_error(r, kind, place, ...)                                                         \
    diagnostics_error((r)->found, (r)->arena, S(kind), place, __VA_ARGS__)

/* "the list", "\"word\"", "nothing": what was found, for sentences. */
str reading_found(struct reading *r, const struct node *node);

/* Reads every key of the table, in the table's order. False when it is no mapping. */
bool reading_map(struct reading *r, const struct node *node, const struct keys *keys, void *into);

/* One item or a list of them: both give n items. False (and an error) for a mapping unless
 * maps_are_items; *n is 0 then. */
bool reading_items(struct reading *r, const struct node *node, const char *expected,
                   bool maps_are_items, const struct node **items, size_t *n);
/* A list, nothing else. */
bool reading_list(struct reading *r, const struct node *node, const char *expected,
                  const struct node **items, size_t *n);

/* The value of a key; NULL when the mapping has none of that name. */
const struct node *reading_value(const struct node *map, str name);

/* "7d", "2d 12h"; false when it is no duration. */
MUST_USE bool reading_duration_parse(str text, uint64_t *out_s);

/* Readers for keys. `into`: str, bool, uint64_t seconds, uint64_t, enum. */
void reading_text(struct reading *r, const struct node *value, void *into, const void *about);
void reading_bool(struct reading *r, const struct node *value, void *into, const void *about);
void reading_duration(struct reading *r, const struct node *value, void *into, const void *about);
void reading_count(struct reading *r, const struct node *value, void *into, const void *about);
void reading_choice(struct reading *r, const struct node *value, void *into, const void *about);
/* enum profile_mode [PROFILE_COUNT] */
void reading_profiles(struct reading *r, const struct node *value, void *into, const void *about);
/* A mapping of its own: about is its struct keys. */
void reading_keys(struct reading *r, const struct node *value, void *into, const void *about);
/* A word of [A-Za-z][A-Za-z0-9_-]*. */
void reading_name(struct reading *r, const struct node *value, void *into, const void *about);

/* True for a name of that form; else adds an error that says what a name is. */
bool reading_check_name(struct reading *r, const struct node *node, const char *of_what);
/* A prefix or a lone address without host bits; an error otherwise, naming the right prefix. */
bool reading_prefix(struct reading *r, const struct node *node, struct prefix *out);
/* True when the text has the form of an address or prefix, right or wrong: digits and dots, a colon
 * or a slash. */
bool reading_looks_like_address(str text);

struct prefix_list {
    const struct placed_prefix *items;
    size_t n;
};
/* One prefix or a list; those that are none are reported and left out. */
struct prefix_list reading_prefixes(struct reading *r, const struct node *value);

/* Makes the name of a segment or group known. False when it is taken or no name; a second one of
 * the same kind is a duplicate key, which is reported already. */
bool reading_declare(struct reading *r, const struct node *key, enum named_kind kind, size_t index);
