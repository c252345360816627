/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/registry_value.h"

#include "base/buf.h"
#include "base/map.h"

bool registry_value_text(const struct registry_value *value, struct arena *arena, str *out)
{
    bytes data = value->data;
    if (value->type != REGISTRY_SZ && value->type != REGISTRY_EXPAND_SZ) return false;
    if (data.len % 2) return false;
    if (data.len && !data.ptr[data.len - 2] && !data.ptr[data.len - 1]) data.len -= 2;
    for (size_t i = 0; i < data.len; i += 2)
        if (!data.ptr[i] && !data.ptr[i + 1]) return false;
    *out = str_from_utf16le(arena, data);
    return true;
}

bool registry_value_dword(const struct registry_value *value, uint32_t *out)
{
    if (value->type != REGISTRY_DWORD || value->data.len != 4) return false;
    const uint8_t *p = value->data.ptr;
    *out = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return true;
}

str registry_value_type_text(uint32_t type, struct arena *arena)
{
    static const struct {
        uint32_t type;
        const char *text;
    } names[] = {
        {REGISTRY_NONE,             "REG_NONE"            },
        {REGISTRY_SZ,               "REG_SZ"              },
        {REGISTRY_EXPAND_SZ,        "REG_EXPAND_SZ"       },
        {REGISTRY_BINARY,           "REG_BINARY"          },
        {REGISTRY_DWORD,            "REG_DWORD"           },
        {REGISTRY_DWORD_BIG_ENDIAN, "REG_DWORD_BIG_ENDIAN"},
        {REGISTRY_MULTI_SZ,         "REG_MULTI_SZ"        },
        {REGISTRY_QWORD,            "REG_QWORD"           },
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (names[i].type == type) return str_of(names[i].text);
    return str_format(arena, "type %" PRIu32, type);
}

/* ---- Writing ------------------------------------------------------------------------------------
 */

/* The scalar value of a valid sequence of that length. */
static uint32_t scalar_of(const char *sequence, size_t length)
{
    static const uint8_t lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (uint8_t)sequence[0] & lead[length];
    for (size_t i = 1; i < length; i++)
        c = c << 6 | ((uint8_t)sequence[i] & 0x3f);
    return c;
}

static void put_unit(uint8_t *out, size_t *n, uint32_t unit)
{
    out[(*n)++] = (uint8_t)(unit & 0xff);
    out[(*n)++] = (uint8_t)(unit >> 8);
}

bytes registry_value_utf16(str text, struct arena *arena)
{
    uint8_t *out = arena_array(arena, uint8_t, 2 * text.len + 2);
    size_t n = 0, bad;
    while (text.len) {
        size_t length = str_utf8_next(text, &bad);
        assert(length); /* what is written was read or checked */
        uint32_t c = scalar_of(text.ptr, length);
        if (c >= 0x10000) {
            put_unit(out, &n, 0xd800 + ((c - 0x10000) >> 10));
            put_unit(out, &n, 0xdc00 + ((c - 0x10000) & 0x3ff));
        } else {
            put_unit(out, &n, c);
        }
        text = str_tail(text, length);
    }
    put_unit(out, &n, 0);
    return (bytes){out, n};
}

struct registry_value registry_value_of_text(str key, str name, str text, struct arena *arena)
{
    return (struct registry_value){
        .key = key,
        .name = name,
        .type = REGISTRY_SZ,
        .data = registry_value_utf16(text, arena),
    };
}

struct registry_value registry_value_of_dword(str key, str name, uint32_t number,
                                              struct arena *arena)
{
    uint8_t *data = arena_array(arena, uint8_t, 4);
    for (unsigned i = 0; i < 4; i++)
        data[i] = (uint8_t)(number >> 8 * i & 0xff);
    return (struct registry_value){
        .key = key,
        .name = name,
        .type = REGISTRY_DWORD,
        .data = {data, 4},
    };
}

/* ---- Applying -----------------------------------------------------------------------------------
 */

/* When things were last done is told in places of the list, plus one; 0 = never. */
struct key {
    size_t parent; /* itself for the one above all */
    size_t deleted, emptied;
};

struct applied {
    struct map numbers; /* parent's number and name → key's number */
    struct key *keys;
    size_t n_keys, room;
    struct map set, deleted; /* a value → when */
    struct arena *arena;
};

/* Part of a key, or a value of it: which one, without case. */
static str word_of(struct applied *a, size_t key, str name)
{
    char *word = arena_array(a->arena, char, sizeof key + name.len);
    str lower = str_lower(a->arena, name);
    memcpy(word, &key, sizeof key);
    if (lower.len) memcpy(word + sizeof key, lower.ptr, lower.len);
    return (str){word, sizeof key + lower.len};
}

static size_t add_key(struct applied *a, size_t parent)
{
    arena_grow(a->arena, a->keys, a->n_keys, a->room);
    a->keys[a->n_keys] = (struct key){.parent = parent};
    return a->n_keys++;
}

static size_t key_below(struct applied *a, size_t parent, str name)
{
    bool fresh;
    uint64_t *number = map_put(&a->numbers, a->arena, word_of(a, parent, name), a->n_keys, &fresh);
    return fresh ? add_key(a, parent) : (size_t)*number;
}

static size_t key_of(struct applied *a, str path)
{
    size_t key = 0;
    while (path.len) {
        str name;
        (void)str_cut(path, '\\', &name, &path);
        key = key_below(a, key, name);
    }
    return key;
}

static void note(struct applied *a, struct map *map, size_t key, str name, size_t time)
{
    *map_put(map, a->arena, word_of(a, key, name), time, NULL) = time;
}

static size_t noted(struct applied *a, const struct map *map, size_t key, str name)
{
    const uint64_t *time = map_find(map, word_of(a, key, name));
    return time ? (size_t)*time : 0;
}

/* When that value was deleted last: with its key or one above it, with all others, or alone. */
static size_t deleted_at(struct applied *a, size_t key, str name)
{
    size_t last = noted(a, &a->deleted, key, name);
    if (a->keys[key].emptied > last) last = a->keys[key].emptied;
    for (size_t at = key;; at = a->keys[at].parent) {
        if (a->keys[at].deleted > last) last = a->keys[at].deleted;
        if (a->keys[at].parent == at) return last;
    }
}

static bool starts_nocase(str text, str head)
{
    return text.len >= head.len && str_equal_nocase(str_head(text, head.len), head);
}

/* The data of **DeleteValues and **DeleteKeys: names parted by semicolons. */
static void note_list(struct applied *a, const struct registry_value *v, size_t key, bool of_keys,
                      size_t time)
{
    str left, name;
    if (!registry_value_text(v, a->arena, &left)) return;
    while (left.len) {
        (void)str_cut(left, ';', &name, &left);
        name = str_trim(name);
        if (of_keys)
            a->keys[key_below(a, key, name)].deleted = time;
        else
            note(a, &a->deleted, key, name, time);
    }
}

/* True when the item sets nothing itself. */
static bool note_special(struct applied *a, const struct registry_value *v, size_t key, size_t time)
{
    str name = v->name;
    if (v->change == REGISTRY_ADD_KEY) return true;
    if (v->change == REGISTRY_DELETE_KEY) {
        a->keys[key].deleted = time;
        return true;
    }
    if (v->change == REGISTRY_DELETE_VALUE) {
        note(a, &a->deleted, key, name, time);
        return true;
    }
    if (!str_starts(name, S("**"))) return false;
    if (starts_nocase(name, S("**delvals"))) {
        a->keys[key].emptied = time;
        return true;
    }
    if (starts_nocase(name, S("**deletevalues")) || starts_nocase(name, S("**deletekeys"))) {
        note_list(a, v, key, starts_nocase(name, S("**deletekeys")), time);
        return true;
    }
    if (starts_nocase(name, S("**del."))) {
        note(a, &a->deleted, key, str_tail(name, 6), time);
        return true;
    }
    return starts_nocase(name, S("**securekey"));
}

struct registry_values registry_value_applied(struct registry_values values, struct arena *arena)
{
    struct applied a = {.arena = arena};
    struct registry_value *kept = arena_array(arena, struct registry_value, values.n + 1);
    size_t *keys = arena_array(arena, size_t, values.n + 1), n = 0;
    (void)add_key(&a, 0);
    for (size_t i = 0; i < values.n; i++) {
        struct registry_value v = values.items[i];
        size_t key = key_of(&a, v.key);
        if (note_special(&a, &v, key, i + 1)) continue;
        bool soft = starts_nocase(v.name, S("**soft."));
        if (soft) v.name = str_tail(v.name, 7);
        size_t before = noted(&a, &a.set, key, v.name);
        if (soft && before > deleted_at(&a, key, v.name)) continue;
        note(&a, &a.set, key, v.name, i + 1);
        kept[i] = v;
        keys[i] = key + 1;
    }
    for (size_t i = 0; i < values.n; i++) {
        if (!keys[i]) continue;
        struct registry_value v = kept[i];
        size_t key = keys[i] - 1;
        if (noted(&a, &a.set, key, v.name) != i + 1 || deleted_at(&a, key, v.name) > i) continue;
        kept[n++] = v;
    }
    return (struct registry_values){kept, n};
}
