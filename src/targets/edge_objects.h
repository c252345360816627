/* SPDX-License-Identifier: Apache-2.0 */
/* Firewalls that stand between networks name addresses and ports before a rule can use them. Which
 * objects a list of rules needs, each once, and what they are called. For those that write such
 * dialects; readers share the beginning of names alone.
 */
#pragma once

#include "base/map.h"
#include "targets/acl_lines.h"

/* The permits of a border, then its denies (targets/acl_lines.h), both directions, each line of one
 * family and of addresses that can be peers in the dialect. */
struct edge_line {
    const struct rule *rule;
    bool v4;
    struct prefix_set local, remote;
};
struct edge_lines {
    struct edge_line *items;
    size_t n, room;
};
struct edge_lines edge_objects_lines(struct ruleset rules, struct prefix_set peers,
                                     struct arena *arena);

/* Objects are known by their number, from 1, in the order in which they were first asked for. */
struct edge_objects {
    struct range *ranges; /* of one family each; number 1 first */
    size_t n_ranges, ranges_room;
    struct edge_group {
        const size_t *members; /* numbers of ranges, or of groups */
        size_t n;
        bool nested; /* its members are groups, which stand before it */
        bool v4;
    } * groups;
    size_t n_groups, groups_room;
    const struct rule **services; /* with these ports and this transport */
    size_t n_services, services_room;
    struct map range_numbers, group_numbers;
    size_t most; /* members of one group; larger sets become groups of groups */
};

/* The group that is exactly this set, which is of one family and not empty. */
size_t edge_objects_group(struct edge_objects *objects, struct prefix_set set, struct arena *arena);
size_t edge_objects_service(struct edge_objects *objects, const struct rule *rule,
                            struct arena *arena);

/* What all names of one border's objects begin with: "sallyport-servers-3fa2c1", at most 25 bytes
 * of [a-z0-9-]. Two borders, or two workspaces, on one firewall don't share it. */
str edge_objects_prefix(str workspace, str border_word, struct arena *arena);
