/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/entries.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define COMPULSORY true
#define OPTIONAL   false

/* ---- Services -----------------------------------------------------------------------------------
 */

static bool find_service(struct reading *r, const struct node *item, size_t *out)
{
    struct service_table table = r->policy->services;
    int index = item->kind == NODE_TEXT ? service_by_name(table, item->text) : SERVICE_NONE;
    if (index != SERVICE_NONE) {
        *out = (size_t)index;
        return true;
    }
    str *names = arena_array(r->arena, str, table.n);
    for (size_t i = 0; i < table.n; i++)
        names[i] = table.services[i].name;
    str hint = item->kind == NODE_TEXT ? diagnostics_suggest(r->arena, item->text, names, table.n)
                                       : (str){0};
    reading_error(r, "unknown-name", item->place,
                  "expected the name of a service, found %.*s, which is not defined%.*s",
                  STR_ARG(reading_found(r, item)), STR_ARG(hint));
    return false;
}

void entries_read_services(struct reading *r, const struct node *value, bool must_be_governed,
                           const size_t **out, size_t *n_out)
{
    const struct node *items = NULL;
    size_t n = 0, kept = 0;
    if (!reading_items(r, value, "services", false, &items, &n)) return;
    size_t *services = arena_array(r->arena, size_t, n);
    bool seen[LIMIT_SERVICES] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t service = 0;
        if (!find_service(r, &items[i], &service) || seen[service]) continue;
        seen[service] = true;
        services[kept++] = service;
        if (must_be_governed && !r->governed[service])
            reading_error(r, "conflict", items[i].place,
                          "the service \"%.*s\" is not governed, so no entry can speak of it; add "
                          "it to govern",
                          STR_ARG(items[i].text));
    }
    *out = services;
    *n_out = kept;
}

/* ---- Selectors ----------------------------------------------------------------------------------
 */

static void collect_words(struct reading *r)
{
    if (r->words) return;
    r->words = arena_array(r->arena, str, BUILTIN_COUNT + r->names.n);
    for (size_t i = 0; i < BUILTIN_ALL; i++)
        r->words[r->n_words++] = builtin_text((enum builtin)i);
    for (size_t i = 0; i < r->names.n; i++)
        r->words[r->n_words++] = r->names.entries[i].key;
}

static void unknown_name(struct reading *r, const struct node *item)
{
    collect_words(r);
    str hint = diagnostics_suggest(r->arena, item->text, r->words, r->n_words);
    if (!hint.len && str_contains(item->text, S(".")))
        hint = S("; host names stand only in the hosts of a group");
    reading_error(r, "unknown-name", item->place,
                  "expected a segment, a group, a built-in set, an address or a prefix; %.*s is "
                  "not defined%.*s",
                  STR_ARG(diagnostics_quote(r->arena, item->text)), STR_ARG(hint));
}

/* The defined name of an item: segment or group. */
static bool find_named(const struct reading *r, str name, struct selector *out)
{
    const uint64_t *found = map_find(&r->names, name);
    if (!found) return false;
    const struct named *named = &r->named[*found];
    out->kind = SELECT_GROUP;
    if (named->kind == NAMED_SEGMENT) out->kind = SELECT_SEGMENT;
    out->index = named->index;
    return true;
}

static bool find_builtin(str name, struct selector *out)
{
    for (size_t i = 0; i < BUILTIN_COUNT; i++)
        if (str_equal(name, builtin_text((enum builtin)i))) {
            out->kind = SELECT_BUILTIN;
            out->index = i;
            return true;
        }
    return false;
}

static bool read_selector(struct reading *r, const struct node *item, struct selector *out)
{
    *out = (struct selector){.place = item->place};
    if (item->kind != NODE_TEXT) {
        reading_error(r, "value", item->place,
                      "expected a segment, a group, a built-in set, an address or a prefix, found "
                      "%.*s%s",
                      STR_ARG(reading_found(r, item)),
                      item->kind == NODE_MAP ? " ({ad-group: NAME} stands only in the hosts of a "
                                               "group, {service-tag: NAME} only at the internet "
                                               "end of a perimeter entry)"
                                             : "");
        return false;
    }
    if (find_named(r, item->text, out)) return true;
    if (find_builtin(item->text, out)) {
        if (out->index != BUILTIN_ALL) return true;
        reading_error(r, "value", item->place,
                      "\"all\" is the last ring's word; here \"any\" means every address but the "
                      "internet");
        return false;
    }
    if (reading_looks_like_address(item->text)) {
        out->kind = SELECT_PREFIX;
        return reading_prefix(r, item, &out->prefix);
    }
    unknown_name(r, item);
    return false;
}

static void read_selectors(struct reading *r, const struct node *value, void *into,
                           const void *about)
{
    struct selectors *out = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    out->given = true;
    if (!reading_items(r, value, "segments, groups or addresses", true, &items, &n)) return;
    struct selector *list = arena_array(r->arena, struct selector, n);
    for (size_t i = 0; i < n; i++)
        if (read_selector(r, &items[i], &list[out->n])) out->n++;
    out->items = list;
}

/* ---- Allow entries ------------------------------------------------------------------------------
 */

static void read_entry_services(struct reading *r, const struct node *value, void *into,
                                const void *about)
{
    struct entry *entry = into;
    (void)about;
    entries_read_services(r, value, true, &entry->services, &entry->n_services);
}

static const str secures[] = {
#define X(name, text) T(text),
    SECURES(X)
#undef X
};
static const struct choices secure_choices = {secures, COUNT_OF(secures)};

static void read_computers(struct reading *r, const struct node *value, void *into,
                           const void *about)
{
    struct entry *entry = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_items(r, value, "AD groups or SIDs", false, &items, &n)) return;
    str *computers = arena_array(r->arena, str, n);
    for (size_t i = 0; i < n; i++)
        reading_text(r, &items[i], &computers[i], NULL);
    entry->secure_computers = computers;
    entry->n_secure_computers = n;
}

static const struct key secure_keys[] = {
    {T("by"), COMPULSORY, reading_choice, offsetof(struct entry, secure), &secure_choices},
    {T("computers"),       OPTIONAL,    read_computers,    0,        NULL          },
};
static const struct keys secure_map = {T("secure"), secure_keys, COUNT_OF(secure_keys)};

static void read_secure(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct entry *entry = into;
    if (value->kind != NODE_MAP) {
        reading_choice(r, value, &entry->secure, about);
        return;
    }
    (void)reading_map(r, value, &secure_map, entry);
    if (entry->secure == SECURE_NONE && entry->n_secure_computers)
        reading_error(r, "conflict", value->place,
                      "computers are named, but nothing authenticates them: expected by: kerberos "
                      "or certificate");
}

#define AT(member) offsetof(struct entry, member)
static const struct key except_keys[] = {
    {T("from"), OPTIONAL, read_selectors, AT(except_from), NULL},
    {T("to"),   OPTIONAL, read_selectors, AT(except_to),   NULL},
};
static const struct keys except_map = {T("except"), except_keys, COUNT_OF(except_keys)};

static void read_map(struct reading *r, const struct node *value, void *into, const void *about)
{
    (void)reading_map(r, value, about, into);
}

static const struct key entry_keys[] = {
    {T("name"),    OPTIONAL,   reading_text,        AT(name), NULL           },
    {T("from"),    COMPULSORY, read_selectors,      AT(from), NULL           },
    {T("to"),      COMPULSORY, read_selectors,      AT(to),   NULL           },
    {T("service"), COMPULSORY, read_entry_services, 0,        NULL           },
    {T("secure"),  OPTIONAL,   read_secure,         0,        &secure_choices},
    {T("except"),  OPTIONAL,   read_map,            0,        &except_map    },
};
#undef AT
static const struct keys entry_map = {T("an allow entry"), entry_keys, COUNT_OF(entry_keys)};

void entries_read_allow(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct policy *policy = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_list(r, value, "allow entries", &items, &n)) return;
    struct entry *entries = arena_array(r->arena, struct entry, n);
    for (size_t i = 0; i < n; i++) {
        entries[i].place = items[i].place;
        (void)reading_map(r, &items[i], &entry_map, &entries[i]);
    }
    policy->allow = entries;
    policy->n_allow = n;
}

/* ---- Perimeter ----------------------------------------------------------------------------------
 */

static const struct key tag_keys[] = {
    {T("service-tag"), COMPULSORY, reading_text, offsetof(struct service_tag, tag),  NULL},
    {T("file"),        COMPULSORY, reading_text, offsetof(struct service_tag, file), NULL},
};
static const struct keys tag_map = {T("a service tag"), tag_keys, COUNT_OF(tag_keys)};

/* One end of a perimeter entry: selectors and service tags apart. */
static void read_edge(struct reading *r, const struct node *value, struct selectors *out,
                      const struct service_tag **tags_out, size_t *n_tags)
{
    const struct node *items = NULL;
    size_t n = 0;
    out->given = true;
    if (!reading_items(r, value, "addresses, prefixes or service tags", true, &items, &n)) return;
    struct selector *list = arena_array(r->arena, struct selector, n);
    struct service_tag *tags = arena_array(r->arena, struct service_tag, n);
    for (size_t i = 0; i < n; i++) {
        if (items[i].kind != NODE_MAP) {
            if (read_selector(r, &items[i], &list[out->n])) out->n++;
            continue;
        }
        struct service_tag *tag = &tags[*n_tags];
        *tag = (struct service_tag){.place = items[i].place};
        if (reading_map(r, &items[i], &tag_map, tag)) ++*n_tags;
    }
    out->items = list;
    *tags_out = tags;
}

static void read_edge_from(struct reading *r, const struct node *value, void *into,
                           const void *about)
{
    struct perimeter_entry *entry = into;
    (void)about;
    read_edge(r, value, &entry->from, &entry->from_tags, &entry->n_from_tags);
}

static void read_edge_to(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct perimeter_entry *entry = into;
    (void)about;
    read_edge(r, value, &entry->to, &entry->to_tags, &entry->n_to_tags);
}

static void read_edge_services(struct reading *r, const struct node *value, void *into,
                               const void *about)
{
    struct perimeter_entry *entry = into;
    (void)about;
    entries_read_services(r, value, true, &entry->services, &entry->n_services);
}

static const str direction_words[] = {T("outbound"), T("inbound")};
static const struct choices direction_choices = {direction_words, COUNT_OF(direction_words)};

static const struct key perimeter_keys[] = {
    {T("name"),          OPTIONAL, reading_text,    offsetof(struct perimeter_entry, name),                           NULL},
    {T("direction"),                  COMPULSORY,             reading_choice, offsetof(struct perimeter_entry,      direction),
     &direction_choices},
    {T("from"), COMPULSORY,         read_edge_from,                0,                                     NULL                                             },
    {T("to"),              COMPULSORY,                      read_edge_to,                               0,   NULL},
    {T("service"),              COMPULSORY,                      read_edge_services,                          0,                                NULL                                                                    },
};
static const struct keys perimeter_map = {T("a perimeter entry"), perimeter_keys,
                                          COUNT_OF(perimeter_keys)};

/* Exactly one end is the internet: the server of an outbound entry, the client of an inbound one.
 */
static void check_inner_end(struct reading *r, const struct perimeter_entry *entry)
{
    bool outbound = entry->direction == DIRECTION_OUTBOUND;
    const struct selectors *inner = outbound ? &entry->from : &entry->to;
    const struct service_tag *tags = outbound ? entry->from_tags : entry->to_tags;
    size_t n_tags = outbound ? entry->n_from_tags : entry->n_to_tags;
    const char *end = outbound ? "from of an outbound" : "to of an inbound";
    for (size_t i = 0; i < inner->n; i++)
        if (inner->items[i].kind == SELECT_BUILTIN && inner->items[i].index == BUILTIN_INTERNET)
            diagnostics_warn(r->found, r->arena, S("value"), inner->items[i].place,
                             "the %s perimeter entry is the inner end, where \"internet\" means "
                             "nothing",
                             end);
    for (size_t i = 0; i < n_tags; i++)
        reading_error(r, "value", tags[i].place,
                      "the %s perimeter entry is the inner end, expected segments, groups or "
                      "addresses inside, found a service tag",
                      end);
}

void entries_read_perimeter(struct reading *r, const struct node *value, void *into,
                            const void *about)
{
    struct policy *policy = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    policy->has_perimeter = true;
    if (!reading_list(r, value, "perimeter entries", &items, &n)) return;
    struct perimeter_entry *entries = arena_array(r->arena, struct perimeter_entry, n);
    for (size_t i = 0; i < n; i++) {
        size_t errors = r->found->n_errors;
        entries[i].place = items[i].place;
        (void)reading_map(r, &items[i], &perimeter_map, &entries[i]);
        if (r->found->n_errors == errors) check_inner_end(r, &entries[i]);
    }
    policy->perimeter = entries;
    policy->n_perimeter = n;
}

/* ---- Rings --------------------------------------------------------------------------------------
 */

/* A segment or group (kind given by `about`, or either), added to the ring's members. */
static void add_member(struct reading *r, const struct node *item, struct ring *ring,
                       struct selector *list)
{
    struct selector *out = &list[ring->members.n];
    bool is_text = item->kind == NODE_TEXT;
    *out = (struct selector){.place = item->place};
    if (is_text && str_equal(item->text, builtin_text(BUILTIN_ALL))) {
        ring->is_rest = true;
        return;
    }
    if (is_text && find_named(r, item->text, out)) {
        ring->members.n++;
        return;
    }
    if (is_text && reading_looks_like_address(item->text)) {
        out->kind = SELECT_PREFIX;
        if (reading_prefix(r, item, &out->prefix)) ring->members.n++;
        return;
    }
    collect_words(r);
    str hint = is_text ? diagnostics_suggest(r->arena, item->text, r->words + BUILTIN_ALL,
                                             r->n_words - BUILTIN_ALL)
                       : (str){0};
    reading_error(r, "unknown-name", item->place,
                  "expected a segment, a group, an address, a prefix or all as members of a ring, "
                  "found %.*s%.*s",
                  STR_ARG(reading_found(r, item)), STR_ARG(hint));
}

/* The values of {segment: ..., group: ..., percent: P}, before the names are looked up. */
struct percent_members {
    const struct node *segments, *groups;
    uint64_t percent;
};

static void keep_node(struct reading *r, const struct node *value, void *into, const void *about)
{
    (void)r;
    (void)about;
    *(const struct node **)into = value;
}

static const struct count_limits percent_limits = {0, 100};

static const struct key percent_keys[] = {
    {T("segment"), OPTIONAL, keep_node,     offsetof(struct percent_members, segments), NULL},
    {T("group"),   OPTIONAL, keep_node,     offsetof(struct percent_members, groups),   NULL},
    {T("percent"), OPTIONAL, reading_count, offsetof(struct percent_members, percent),
     &percent_limits                                                                        },
};
static const struct keys percent_map = {T("members"), percent_keys, COUNT_OF(percent_keys)};

static void add_named_members(struct reading *r, const struct node *value, struct ring *ring,
                              bool segments, struct selector **list)
{
    const struct node *items = NULL;
    size_t n = 0;
    if (!value) return;
    if (!reading_items(r, value, segments ? "segments" : "groups", false, &items, &n)) return;
    struct selector *grown = arena_array(r->arena, struct selector, ring->members.n + n);
    if (ring->members.n) memcpy(grown, *list, ring->members.n * sizeof *grown);
    *list = grown;
    for (size_t i = 0; i < n; i++) {
        struct selector *out = &grown[ring->members.n];
        bool found = items[i].kind == NODE_TEXT && find_named(r, items[i].text, out) &&
                     (out->kind == SELECT_SEGMENT) == segments;
        if (!found) {
            reading_error(r, "unknown-name", items[i].place,
                          "expected the name of a %s, found %.*s", segments ? "segment" : "group",
                          STR_ARG(reading_found(r, &items[i])));
            continue;
        }
        out->place = items[i].place;
        ring->members.n++;
    }
}

static void read_members(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct ring *ring = into;
    const struct node *items = NULL;
    struct selector *list = NULL;
    size_t n = 0;
    (void)about;
    ring->members.given = true;
    if (value->kind == NODE_MAP) {
        struct percent_members members = {.percent = UINT64_MAX};
        (void)reading_map(r, value, &percent_map, &members);
        ring->has_percent = members.percent != UINT64_MAX;
        ring->percent = (uint8_t)(ring->has_percent ? members.percent : 0);
        add_named_members(r, members.segments, ring, true, &list);
        add_named_members(r, members.groups, ring, false, &list);
        ring->members.items = list;
        return;
    }
    if (!reading_items(r, value, "segments, groups or addresses", false, &items, &n)) return;
    list = arena_array(r->arena, struct selector, n);
    for (size_t i = 0; i < n; i++)
        add_member(r, &items[i], ring, list);
    ring->members.items = list;
}

static const struct count_limits gate_limits = {0, UINT32_MAX};

static const struct key gate_keys[] = {
    {T("broken-flows"), OPTIONAL, reading_count, offsetof(struct ring, gate_broken_flows),
     &gate_limits},
    {T("denied-users"), OPTIONAL, reading_count, offsetof(struct ring, gate_denied_users),
     &gate_limits},
};
static const struct keys gate_map = {T("a gate"), gate_keys, COUNT_OF(gate_keys)};

static const struct key ring_keys[] = {
    {T("name"), COMPULSORY, reading_name, offsetof(struct ring, name),                      "a ring"},
    {T("members"),         COMPULSORY,        read_members,  0,   NULL                          },
    {T("soak"),         OPTIONAL,           reading_duration,       offsetof(struct ring, soak_s),NULL},
    {T("gate"),     OPTIONAL,               read_map,                   0,                           &gate_map                                                        },
};
static const struct keys ring_map = {T("a ring"), ring_keys, COUNT_OF(ring_keys)};

static void check_rings(struct reading *r, const struct ring *rings, size_t n)
{
    struct map seen = {0};
    size_t rest = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        bool fresh = true;
        uint64_t *first = NULL;
        if (rings[i].name.len) first = map_put(&seen, r->arena, rings[i].name, i, &fresh);
        if (!fresh)
            reading_error(r, "conflict", rings[i].place,
                          "the ring \"%.*s\" is given twice, first in line %" PRIu32,
                          STR_ARG(rings[i].name), rings[*first].place.line);
        if (rest != SIZE_MAX)
            diagnostics_warn(r->found, r->arena, S("ring"), rings[i].place,
                             "no machine is left for this ring: that of line %" PRIu32
                             " takes all the rest",
                             rings[rest].place.line);
        if (rings[i].is_rest && rest == SIZE_MAX) rest = i;
    }
}

void entries_read_rings(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct policy *policy = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_list(r, value, "rings", &items, &n)) return;
    struct ring *rings = arena_array(r->arena, struct ring, n);
    for (size_t i = 0; i < n; i++) {
        rings[i] = (struct ring){
            .place = items[i].place,
            .gate_broken_flows = UINT64_MAX,
            .gate_denied_users = UINT64_MAX,
        };
        (void)reading_map(r, &items[i], &ring_map, &rings[i]);
    }
    check_rings(r, rings, n);
    policy->rings = rings;
    policy->n_rings = n;
}

/* ---- Assertions ---------------------------------------------------------------------------------
 */

static void read_assertion_services(struct reading *r, const struct node *value, void *into,
                                    const void *about)
{
    struct assertion *assertion = into;
    (void)about;
    entries_read_services(r, value, false, &assertion->services, &assertion->n_services);
}

#define AT(member) offsetof(struct assertion, member)
static const struct key assertion_except_keys[] = {
    {T("from"), OPTIONAL, read_selectors, AT(except_from), NULL},
    {T("to"),   OPTIONAL, read_selectors, AT(except_to),   NULL},
};
static const struct keys assertion_except_map = {T("except"), assertion_except_keys,
                                                 COUNT_OF(assertion_except_keys)};

static const struct key assertion_keys[] = {
    {T("from"),    COMPULSORY, read_selectors,          AT(from), NULL                 },
    {T("to"),      COMPULSORY, read_selectors,          AT(to),   NULL                 },
    {T("service"), COMPULSORY, read_assertion_services, 0,        NULL                 },
    {T("except"),  OPTIONAL,   read_map,                0,        &assertion_except_map},
};
#undef AT
static const struct keys assertion_map = {T("an assertion"), assertion_keys,
                                          COUNT_OF(assertion_keys)};

/* A key's value as it reads in one line: a word, or "[a, b]". */
static void print_value(struct buf *out, const struct node *map, str name)
{
    for (size_t i = 0; i < map->n; i++) {
        const struct node *value = &map->items[2 * i + 1];
        if (!str_equal(map->items[2 * i].text, name)) continue;
        if (value->kind == NODE_TEXT) buf_str(out, value->text);
        if (value->kind != NODE_LIST) return;
        for (size_t j = 0; j < value->n; j++) {
            buf_str(out, j ? S(", ") : S("["));
            buf_str(out, value->items[j].text);
        }
        buf_str(out, value->n ? S("]") : S("[]"));
        return;
    }
}

static const struct node *find_map(const struct node *map, str name)
{
    for (size_t i = 0; i < map->n; i++)
        if (str_equal(map->items[2 * i].text, name)) return &map->items[2 * i + 1];
    return NULL;
}

/* "never clients -> servers smb except from [10.0.0.1]" */
static str assertion_text(struct reading *r, str kind, const struct node *body,
                          const struct assertion *assertion)
{
    struct buf out = buf_in(r->arena);
    buf_str(&out, kind);
    buf_char(&out, ' ');
    print_value(&out, body, S("from"));
    buf_str(&out, S(" -> "));
    print_value(&out, body, S("to"));
    buf_char(&out, ' ');
    print_value(&out, body, S("service"));
    const struct node *except = find_map(body, S("except"));
    if (!except || except->kind != NODE_MAP) return buf_text(&out);
    buf_str(&out, S(" except"));
    if (assertion->except_from.given) {
        buf_str(&out, S(" from "));
        print_value(&out, except, S("from"));
    }
    if (assertion->except_to.given) {
        buf_str(&out, S(" to "));
        print_value(&out, except, S("to"));
    }
    return buf_text(&out);
}

static void read_assertion(struct reading *r, const struct node *item, struct assertion *out)
{
    static const str kinds[] = {T("never"), T("always"), T("only")};
    out->place = item->place;
    if (item->kind != NODE_MAP || item->n != 1) {
        reading_error(r, "value", item->place,
                      "expected one of never, always, only with its from, to and service, found "
                      "%.*s%s",
                      STR_ARG(reading_found(r, item)),
                      item->kind == NODE_MAP ? " of another size than one" : "");
        return;
    }
    const struct node *key = &item->items[0], *body = &item->items[1];
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (!str_equal(key->text, kinds[i])) continue;
        out->kind = ASSERT_NEVER;
        if (i == 1) out->kind = ASSERT_ALWAYS;
        if (i == 2) out->kind = ASSERT_ONLY;
        if (reading_map(r, body, &assertion_map, out))
            out->text = assertion_text(r, kinds[i], body, out);
        return;
    }
    str hint = diagnostics_suggest(r->arena, key->text, kinds, COUNT_OF(kinds));
    reading_error(r, "unknown-key", key->place,
                  "expected one of never, always, only, found %.*s%.*s",
                  STR_ARG(diagnostics_quote(r->arena, key->text)), STR_ARG(hint));
}

void entries_read_assert(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct policy *policy = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_list(r, value, "assertions", &items, &n)) return;
    struct assertion *assertions = arena_array(r->arena, struct assertion, n);
    for (size_t i = 0; i < n; i++)
        read_assertion(r, &items[i], &assertions[i]);
    policy->assertions = assertions;
    policy->n_assertions = n;
}
