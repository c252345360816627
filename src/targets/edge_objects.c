/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/edge_objects.h"

#include "base/sha256.h"
#include "targets/target.h"

enum { WORD_BYTES = 8, HASH_DIGITS = 6 };

/* ---- Lines --------------------------------------------------------------------------------------
 */

static void add_lines(struct edge_lines *out, const struct acl_lines *from, enum action action,
                      struct prefix_set peers, bool v4, struct arena *arena)
{
    for (size_t i = 0; i < from->n; i++) {
        struct edge_line line = {from->items[i].rule, v4, from->items[i].local,
                                 from->items[i].remote};
        line.local = prefix_set_intersect(arena, line.local, peers);
        line.remote = prefix_set_intersect(arena, line.remote, peers);
        if (line.rule->action != action || !line.local.n || !line.remote.n) continue;
        arena_grow(arena, out->items, out->n, out->room);
        out->items[out->n++] = line;
    }
}

struct edge_lines edge_objects_lines(struct ruleset rules, struct prefix_set peers,
                                     struct arena *arena)
{
    struct edge_lines lines = {0};
    struct acl_lines lists[2][2]; /* by direction and family */
    for (unsigned d = 0; d < 2; d++)
        for (unsigned v6 = 0; v6 < 2; v6++)
            lists[d][v6] =
                acl_lines_of(rules, (enum direction)d, v6 ? ACL_LINES_V6 : ACL_LINES_V4, arena);
    /* Openings before closings. */
    static const enum action order[] = {ACTION_ALLOW, ACTION_BLOCK};
    for (size_t i = 0; i < COUNT_OF(order); i++)
        for (unsigned d = 0; d < 2; d++)
            for (unsigned v6 = 0; v6 < 2; v6++)
                add_lines(&lines, &lists[d][v6], order[i], peers, !v6, arena);
    return lines;
}

/* ---- Objects ------------------------------------------------------------------------------------
 */

static size_t range_number(struct edge_objects *objects, struct range range, struct arena *arena)
{
    bool fresh = false;
    str key = {(const char *)&range, sizeof range};
    uint64_t *number = map_put(&objects->range_numbers, arena, key, objects->n_ranges + 1, &fresh);
    if (!fresh) return (size_t)*number;
    arena_grow(arena, objects->ranges, objects->n_ranges, objects->ranges_room);
    objects->ranges[objects->n_ranges++] = range;
    return objects->n_ranges;
}

static size_t add_group(struct edge_objects *objects, const size_t *members, size_t n, bool nested,
                        bool v4, struct arena *arena)
{
    arena_grow(arena, objects->groups, objects->n_groups, objects->groups_room);
    objects->groups[objects->n_groups++] = (struct edge_group){members, n, nested, v4};
    return objects->n_groups;
}

/* Groups of at most so many members, one level after the other, until one holds them all. */
static size_t grouped(struct edge_objects *objects, const size_t *members, size_t n, bool nested,
                      bool v4, struct arena *arena)
{
    if (n <= objects->most) return add_group(objects, members, n, nested, v4, arena);
    size_t n_groups = (n + objects->most - 1) / objects->most;
    size_t *groups = arena_array(arena, size_t, n_groups);
    for (size_t i = 0; i < n_groups; i++) {
        size_t from = i * objects->most, left = n - from;
        groups[i] = add_group(objects, members + from, left < objects->most ? left : objects->most,
                              nested, v4, arena);
    }
    return grouped(objects, groups, n_groups, true, v4, arena);
}

size_t edge_objects_group(struct edge_objects *objects, struct prefix_set set, struct arena *arena)
{
    str key = {(const char *)set.ranges, set.n * sizeof *set.ranges};
    const uint64_t *known = map_find(&objects->group_numbers, key);
    if (known) return (size_t)*known;
    size_t *members = arena_array(arena, size_t, set.n);
    for (size_t i = 0; i < set.n; i++)
        members[i] = range_number(objects, set.ranges[i], arena);
    size_t number = grouped(objects, members, set.n, false, addr_is_v4(set.ranges[0].first), arena);
    (void)map_put(&objects->group_numbers, arena, key, number, NULL);
    return number;
}

static bool same_service(const struct rule *a, const struct rule *b)
{
    if (a->transport != b->transport || a->n_ports != b->n_ports) return false;
    for (size_t i = 0; i < a->n_ports; i++)
        if (a->ports[i].first != b->ports[i].first || a->ports[i].last != b->ports[i].last)
            return false;
    return true;
}

size_t edge_objects_service(struct edge_objects *objects, const struct rule *rule,
                            struct arena *arena)
{
    for (size_t i = 0; i < objects->n_services; i++)
        if (same_service(objects->services[i], rule)) return i + 1;
    arena_grow(arena, objects->services, objects->n_services, objects->services_room);
    objects->services[objects->n_services++] = rule;
    return objects->n_services;
}

str edge_objects_prefix(str workspace, str border_word, struct arena *arena)
{
    struct sha256_digest digest = sha256_of(
        str_bytes(str_format(arena, "%.*s/%.*s", STR_ARG(workspace), STR_ARG(border_word))));
    str word = str_head(border_word, WORD_BYTES), hash = sha256_hex(arena, &digest);
    while (word.len && word.ptr[word.len - 1] == '-')
        word.len--;
    return str_format(arena, "sallyport-%.*s-%.*s", STR_ARG(word),
                      STR_ARG(str_head(hash, HASH_DIGITS)));
}
