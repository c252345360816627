/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/use_hosts.h"

/* A host that a group names. */
struct naming {
    uint32_t group, host;
};

struct use_hosts {
    const struct host_list *list;
    struct naming *items; /* by group, then host */
    size_t n, room;
};

static int naming_order(const void *left, const void *right)
{
    const struct naming *a = left, *b = right;
    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    return (a->host > b->host) - (a->host < b->host);
}

static void add_member(struct use_hosts *h, const struct hosts_index *index, uint32_t group,
                       const struct member *member, const struct host_lookup *lookup,
                       struct arena *arena)
{
    const str *names = &member->name;
    size_t n = member->kind == MEMBER_NAME;
    str missing = {0};
    if (member->kind == MEMBER_AD_GROUP && lookup && lookup->ad_computers &&
        !lookup->ad_computers(lookup->to, member->name, arena, &names, &n, &missing))
        n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct host *host = hosts_named(index, names[i]);
        if (!host) continue;
        arena_grow(arena, h->items, h->n, h->room);
        h->items[h->n++] = (struct naming){group, (uint32_t)(host - h->list->hosts)};
    }
}

const struct use_hosts *use_hosts_of(const struct policy *policy, const struct host_list *hosts,
                                     const struct host_lookup *lookup, struct arena *arena)
{
    struct use_hosts *h = arena_new(arena, struct use_hosts);
    h->list = hosts;
    if (!hosts) return NULL;
    const struct hosts_index *index = hosts_by_name(arena, hosts);
    for (size_t i = 0; i < policy->n_groups; i++)
        for (size_t j = 0; j < policy->groups[i].n_hosts; j++)
            add_member(h, index, (uint32_t)i, &policy->groups[i].hosts[j], lookup, arena);
    if (!h->n) return NULL;
    qsort(h->items, h->n, sizeof *h->items, naming_order);
    return h;
}

/* Where the hosts of a group stand. */
static size_t first_of(const struct use_hosts *h, size_t group)
{
    size_t low = 0, high = h->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->items[middle].group < group)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct use_end use_hosts_end(const struct use_hosts *h, const struct selectors *selectors,
                             struct prefix_set plain, struct prefix_set now, struct arena *arena)
{
    struct use_end end = {now, plain, now, selectors};
    struct range *held = NULL;
    size_t n = 0, room = 0;
    if (!h) {
        end.plain = now;
        return end;
    }
    for (size_t i = 0; i < selectors->n; i++) {
        if (selectors->items[i].kind != SELECT_GROUP) continue;
        size_t group = selectors->items[i].index;
        for (size_t k = first_of(h, group); k < h->n && h->items[k].group == group; k++) {
            const struct host *host = &h->list->hosts[h->items[k].host];
            for (size_t j = 0; j < host->n_intervals; j++) {
                struct addr a = host->intervals[j].addr;
                arena_grow(arena, held, n, room);
                held[n++] = (struct range){a, a};
            }
        }
    }
    if (!n) {
        end.plain = now;
        return end;
    }
    struct prefix_set all = prefix_set_union(arena, now, prefix_set_of(arena, held, n));
    end.ever = prefix_set_of(arena, all.ranges, all.n);
    return end;
}

bool use_hosts_at(const struct use_hosts *h, const struct use_end *end, struct addr a,
                  int64_t at_us)
{
    if (prefix_set_contains(end->plain, a)) return true;
    const struct host *host = h ? hosts_at(h->list, a, at_us) : NULL;
    /* What is not told, or told of several, stays as the policy has it. */
    if (!host || host->ambiguous || !host->name.len) return prefix_set_contains(end->now, a);
    for (size_t i = 0; i < end->selectors->n; i++) {
        if (end->selectors->items[i].kind != SELECT_GROUP) continue;
        struct naming key = {(uint32_t)end->selectors->items[i].index,
                             (uint32_t)(host - h->list->hosts)};
        if (bsearch(&key, h->items, h->n, sizeof *h->items, naming_order)) return true;
    }
    return false;
}
