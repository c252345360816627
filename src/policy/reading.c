/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/reading.h"

str reading_found(struct reading *r, const struct node *node)
{
    if (node->kind == NODE_LIST) return S("a list");
    if (node->kind == NODE_MAP) return S("a mapping");
    if (!node->text.len && !node->quoted) return S("nothing");
    return diagnostics_quote(r->arena, node->text);
}

/* ---- Mappings and lists -------------------------------------------------------------------------
 */

const struct node *reading_value(const struct node *map, str name)
{
    for (size_t i = 0; i < map->n; i++)
        if (str_equal(map->items[2 * i].text, name)) return &map->items[2 * i + 1];
    return NULL;
}

static void check_known(struct reading *r, const struct node *key, const struct keys *keys)
{
    for (size_t i = 0; i < keys->n; i++)
        if (str_equal(keys->keys[i].name, key->text)) return;
    str *names = arena_array(r->arena, str, keys->n);
    for (size_t i = 0; i < keys->n; i++)
        names[i] = keys->keys[i].name;
    str hint = diagnostics_suggest(r->arena, key->text, names, keys->n);
    if (!hint.len) {
        struct buf list = buf_in(r->arena);
        for (size_t i = 0; i < keys->n; i++) {
            buf_str(&list, i ? S(", ") : S("; its keys are "));
            buf_str(&list, names[i]);
        }
        hint = buf_text(&list);
    }
    reading_error(r, "unknown-key", key->place, "%.*s has no key %.*s%.*s", STR_ARG(keys->what),
                  STR_ARG(diagnostics_quote(r->arena, key->text)), STR_ARG(hint));
}

bool reading_map(struct reading *r, const struct node *node, const struct keys *keys, void *into)
{
    if (node->kind != NODE_MAP) {
        reading_error(r, "value", node->place, "expected %.*s as a mapping, found %.*s",
                      STR_ARG(keys->what), STR_ARG(reading_found(r, node)));
        return false;
    }
    for (size_t i = 0; i < node->n; i++)
        check_known(r, &node->items[2 * i], keys);
    for (size_t i = 0; i < keys->n; i++) {
        const struct key *key = &keys->keys[i];
        const struct node *value = reading_value(node, key->name);
        if (value)
            key->read(r, value, (char *)into + key->offset, key->about);
        else if (key->compulsory)
            reading_error(r, "missing-key", node->place, "%.*s needs the key \"%.*s\"",
                          STR_ARG(keys->what), STR_ARG(key->name));
    }
    return true;
}

bool reading_list(struct reading *r, const struct node *node, const char *expected,
                  const struct node **items, size_t *n)
{
    *n = 0;
    if (node->kind == NODE_LIST) {
        *items = node->items;
        *n = node->n;
        return true;
    }
    bool nothing = node->kind == NODE_TEXT && !node->quoted && !node->text.len;
    reading_error(r, "value", node->place, "expected a list of %s, found %.*s%s", expected,
                  STR_ARG(reading_found(r, node)), nothing ? " (an empty list is [])" : "");
    return false;
}

bool reading_items(struct reading *r, const struct node *node, const char *expected,
                   bool maps_are_items, const struct node **items, size_t *n)
{
    bool nothing = node->kind == NODE_TEXT && !node->quoted && !node->text.len;
    bool one = (node->kind == NODE_TEXT && !nothing) || (node->kind == NODE_MAP && maps_are_items);
    if (!one) return reading_list(r, node, expected, items, n);
    *items = node;
    *n = 1;
    return true;
}

void reading_keys(struct reading *r, const struct node *value, void *into, const void *about)
{
    (void)reading_map(r, value, about, into);
}

/* ---- Values -------------------------------------------------------------------------------------
 */

void reading_text(struct reading *r, const struct node *value, void *into, const void *about)
{
    (void)about;
    if (value->kind != NODE_TEXT || !str_trim(value->text).len) {
        reading_error(r, "value", value->place, "expected text, found %.*s",
                      STR_ARG(reading_found(r, value)));
        return;
    }
    *(str *)into = value->text;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(str text)
{
    if (!text.len || !is_letter(text.ptr[0])) return false;
    for (size_t i = 1; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_letter(c) && !is_digit(c) && c != '_' && c != '-') return false;
    }
    return text.len <= LIMIT_NAME_BYTES;
}

bool reading_check_name(struct reading *r, const struct node *node, const char *of_what)
{
    if (node->kind == NODE_TEXT && is_name(node->text)) return true;
    reading_error(r, "value", node->place,
                  "expected the name of %s (a letter, then letters, digits, '_' and '-'), found "
                  "%.*s",
                  of_what, STR_ARG(reading_found(r, node)));
    return false;
}

void reading_name(struct reading *r, const struct node *value, void *into, const void *about)
{
    if (reading_check_name(r, value, about)) *(str *)into = value->text;
}

void reading_bool(struct reading *r, const struct node *value, void *into, const void *about)
{
    (void)about;
    bool plain = value->kind == NODE_TEXT && !value->quoted;
    bool yes = plain && str_equal(value->text, S("true"));
    if (yes || (plain && str_equal(value->text, S("false"))))
        *(bool *)into = yes;
    else
        reading_error(r, "value", value->place, "expected true or false, found %.*s",
                      STR_ARG(reading_found(r, value)));
}

void reading_count(struct reading *r, const struct node *value, void *into, const void *about)
{
    const struct count_limits *limits = about;
    uint64_t count = 0;
    bool good = value->kind == NODE_TEXT && !value->quoted &&
                (value->text.len < 2 || value->text.ptr[0] != '0') &&
                str_u64(value->text, limits->high, &count) && count >= limits->low;
    if (good)
        *(uint64_t *)into = count;
    else
        reading_error(r, "value", value->place,
                      "expected a number from %" PRIu64 " to %" PRIu64 ", found %.*s", limits->low,
                      limits->high, STR_ARG(reading_found(r, value)));
}

void reading_choice(struct reading *r, const struct node *value, void *into, const void *about)
{
    const struct choices *choices = about;
    struct buf list = buf_in(r->arena);
    size_t n_words = 0;
    for (size_t i = 0; i < choices->n && value->kind == NODE_TEXT; i++) {
        if (!choices->words[i].len || !str_equal(value->text, choices->words[i])) continue;
        static_assert(sizeof(enum trust) == sizeof(unsigned), "enums are read as unsigned");
        *(unsigned *)into = (unsigned)i;
        return;
    }
    for (size_t i = 0; i < choices->n; i++) {
        str word = choices->words[i];
        if (!word.len) continue;
        buf_str(&list, n_words++ ? S(", ") : S(""));
        buf_str(&list, word);
    }
    str hint = value->kind == NODE_TEXT
                   ? diagnostics_suggest(r->arena, value->text, choices->words, choices->n)
                   : (str){0};
    reading_error(r, "value", value->place, "expected %s%.*s, found %.*s%.*s",
                  n_words > 1 ? "one of " : "", STR_ARG(buf_text(&list)),
                  STR_ARG(reading_found(r, value)), STR_ARG(hint));
}

/* "2d 12h 30m": days, hours, minutes, in this order, each at most once. */
bool reading_duration_parse(str text, uint64_t *out_s)
{
    static const struct {
        char letter;
        uint64_t seconds;
    } units[] = {
        {'d', 86400},
        {'h', 3600 },
        {'m', 60   },
    };
    enum { MOST_DIGITS = 5 }; /* 99,999 days are more than any policy lives */
    uint64_t total = 0;
    size_t unit = 0;
    text = str_trim(text);
    if (!text.len) return false;
    while (text.len) {
        size_t digits = 0;
        uint64_t number = 0;
        while (digits < text.len && is_digit(text.ptr[digits]))
            digits++;
        if (!digits || digits > MOST_DIGITS || digits == text.len) return false;
        if (!str_u64(str_head(text, digits), UINT32_MAX, &number)) return false;
        while (unit < COUNT_OF(units) && units[unit].letter != text.ptr[digits])
            unit++;
        if (unit == COUNT_OF(units)) return false;
        total += number * units[unit++].seconds;
        text = str_trim(str_tail(text, digits + 1));
    }
    *out_s = total;
    return true;
}

void reading_duration(struct reading *r, const struct node *value, void *into, const void *about)
{
    (void)about;
    if (value->kind == NODE_TEXT && reading_duration_parse(value->text, into)) return;
    reading_error(r, "value", value->place,
                  "expected a duration such as 7d, 12h, 30m or 2d 12h, found %.*s",
                  STR_ARG(reading_found(r, value)));
}

/* ---- Addresses ----------------------------------------------------------------------------------
 */

bool reading_looks_like_address(str text)
{
    bool only_digits = text.len > 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '/' || c == ':' || c == '%') return true;
        only_digits &= is_digit(c) || c == '.';
    }
    return only_digits;
}

bool reading_prefix(struct reading *r, const struct node *node, struct prefix *out)
{
    struct prefix p;
    char right[PREFIX_TEXT];
    if (node->kind != NODE_TEXT || !prefix_parse(node->text, &p)) {
        reading_error(r, "value", node->place,
                      "expected an address or a prefix such as 10.0.0.0/8, found %.*s",
                      STR_ARG(reading_found(r, node)));
        return false;
    }
    if (prefix_has_host_bits(p)) {
        str text = prefix_text(right, prefix_of(p.addr, p.len));
        reading_error(r, "value", node->place, "%.*s has host bits set, the network is %.*s",
                      STR_ARG(diagnostics_quote(r->arena, node->text)), STR_ARG(text));
        return false;
    }
    *out = p;
    return true;
}

struct prefix_list reading_prefixes(struct reading *r, const struct node *value)
{
    const struct node *items = NULL;
    size_t n = 0, kept = 0;
    if (!reading_items(r, value, "prefixes", false, &items, &n)) return (struct prefix_list){0};
    struct placed_prefix *list = arena_array(r->arena, struct placed_prefix, n);
    for (size_t i = 0; i < n; i++)
        if (reading_prefix(r, &items[i], &list[kept].prefix)) list[kept++].place = items[i].place;
    return (struct prefix_list){list, kept};
}

/* ---- Names and profiles -------------------------------------------------------------------------
 */

bool reading_declare(struct reading *r, const struct node *key, enum named_kind kind, size_t index)
{
    bool is_segment = kind == NAMED_SEGMENT;
    if (!reading_check_name(r, key, is_segment ? "a segment" : "a group")) return false;
    for (size_t i = 0; i < BUILTIN_COUNT; i++)
        if (str_equal(key->text, builtin_text((enum builtin)i))) {
            reading_error(r, "conflict", key->place,
                          "\"%.*s\" is a reserved word; a %s needs another name",
                          STR_ARG(key->text), is_segment ? "segment" : "group");
            return false;
        }
    bool fresh = false;
    uint64_t *found = map_put(&r->names, r->arena, key->text, r->n_named, &fresh);
    if (!fresh) {
        const struct named *first = &r->named[*found];
        if (first->kind != kind)
            reading_error(r, "conflict", key->place,
                          "\"%.*s\" is already the segment of line %" PRIu32
                          "; segments and groups share their names",
                          STR_ARG(key->text), first->place.line);
        return false;
    }
    arena_grow(r->arena, r->named, r->n_named, r->room_named);
    r->named[r->n_named++] = (struct named){kind, index, key->place};
    return true;
}

struct reading reading_of_policy(const struct policy *policy, struct arena *arena,
                                 struct diagnostics *found)
{
    struct policy *same = arena_new(arena, struct policy);
    bool *governed = arena_array(arena, bool, LIMIT_SERVICES);
    *same = *policy;
    memcpy(governed, policy->governed, policy->services.n * sizeof *governed);
    struct reading r = {.arena = arena, .found = found, .policy = same, .governed = governed};
    r.named = arena_array(arena, struct named, policy->n_segments + policy->n_groups);
    for (size_t i = 0; i < policy->n_segments; i++) {
        map_put(&r.names, arena, policy->segments[i].name, r.n_named, NULL);
        r.named[r.n_named++] = (struct named){NAMED_SEGMENT, i, policy->segments[i].place};
    }
    for (size_t i = 0; i < policy->n_groups; i++) {
        map_put(&r.names, arena, policy->groups[i].name, r.n_named, NULL);
        r.named[r.n_named++] = (struct named){NAMED_GROUP, i, policy->groups[i].place};
    }
    return r;
}

static const str modes[] = {
#define X(name, text) {text, sizeof(text) - 1},
    MODES(X)
#undef X
};
static const struct choices mode_choices = {modes, COUNT_OF(modes)};

void reading_profiles(struct reading *r, const struct node *value, void *into, const void *about)
{
    static const struct key keys[] = {
        {{"domain", 6},
         false, reading_choice,
         PROFILE_DOMAIN * sizeof(enum profile_mode),
         &mode_choices},
        {{"private", 7},
         false, reading_choice,
         PROFILE_PRIVATE * sizeof(enum profile_mode),
         &mode_choices},
        {{"public", 6},
         false, reading_choice,
         PROFILE_PUBLIC * sizeof(enum profile_mode),
         &mode_choices},
    };
    static const struct keys map = {
        {"profiles", 8},
        keys, COUNT_OF(keys)
    };
    (void)about;
    (void)reading_map(r, value, &map, into);
}
