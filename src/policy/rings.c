/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/rings.h"

#include "policy/items.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

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
    if (is_text && items_find(r, item->text, out)) {
        ring->members.n++;
        return;
    }
    if (is_text && reading_looks_like_address(item->text)) {
        out->kind = SELECT_PREFIX;
        if (reading_prefix(r, item, &out->prefix)) ring->members.n++;
        return;
    }
    str hint = is_text ? items_suggest(r, item->text, false) : (str){0};
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
    if (*list && ring->members.n) memcpy(grown, *list, ring->members.n * sizeof *grown);
    *list = grown;
    for (size_t i = 0; i < n; i++) {
        struct selector *out = &grown[ring->members.n];
        bool found = items[i].kind == NODE_TEXT && items_find(r, items[i].text, out) &&
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
    {T("gate"),     OPTIONAL,               reading_keys,                   0,                           &gate_map                                                    },
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

void rings_read(struct reading *r, const struct node *value, void *into, const void *about)
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
