/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/selectors.h"

#include "policy/places.h"

enum end { END_ANY, END_CLIENT, END_SERVER };

/* Ranges on their way to one set. */
struct range_list {
    struct range *items;
    size_t n, room;
};

static void add_set(struct range_list *list, struct arena *arena, struct prefix_set set)
{
    for (size_t i = 0; i < set.n; i++) {
        arena_grow(arena, list->items, list->n, list->room);
        list->items[list->n++] = set.ranges[i];
    }
}

static void add_prefixes(struct range_list *list, struct arena *arena,
                         const struct placed_prefix *prefixes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_set(list, arena, places_of_prefix(prefixes[i].prefix, arena));
}

static void add_selector(const struct resolved *resolved, const struct selector *selector,
                         enum end end, struct range_list *list, struct arena *arena)
{
    const struct policy *policy = resolved->policy;
    size_t i = selector->index;
    switch (selector->kind) {
    case SELECT_SEGMENT:
        add_set(list, arena, resolved->places.segments[i]);
        if (end == END_CLIENT)
            add_prefixes(list, arena, policy->segments[i].nat, policy->segments[i].n_nat);
        return;
    case SELECT_GROUP:
        add_set(list, arena, resolved->groups[i]);
        if (end == END_SERVER)
            add_prefixes(list, arena, policy->groups[i].vip, policy->groups[i].n_vip);
        return;
    case SELECT_BUILTIN:
        add_set(list, arena, resolved->builtins[i]);
        return;
    case SELECT_PREFIX:
        add_set(list, arena, places_of_prefix(selector->prefix, arena));
        return;
    }
}

static struct prefix_set set_of(const struct resolved *resolved, struct selectors selectors,
                                enum end end, struct arena *arena)
{
    struct range_list list = {0};
    for (size_t i = 0; i < selectors.n; i++)
        add_selector(resolved, &selectors.items[i], end, &list, arena);
    return prefix_set_of(arena, list.items, list.n);
}

struct prefix_set selectors_set(const struct resolved *resolved, struct selectors selectors,
                                struct arena *arena)
{
    return set_of(resolved, selectors, END_ANY, arena);
}

struct prefix_set selectors_clients(const struct resolved *resolved, struct selectors selectors,
                                    struct arena *arena)
{
    return set_of(resolved, selectors, END_CLIENT, arena);
}

struct prefix_set selectors_servers(const struct resolved *resolved, struct selectors selectors,
                                    struct arena *arena)
{
    return set_of(resolved, selectors, END_SERVER, arena);
}

bool selectors_say_internet(struct selectors selectors)
{
    for (size_t i = 0; i < selectors.n; i++)
        if (selectors.items[i].kind == SELECT_BUILTIN &&
            selectors.items[i].index == BUILTIN_INTERNET)
            return true;
    return false;
}
