/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/machines.h"

static int machine_address_order(const void *left, const void *right)
{
    const struct machine_address *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    return order ? order : (a->machine > b->machine) - (a->machine < b->machine);
}

struct machine_index machines_index(const struct resolved *resolved, struct arena *arena)
{
    struct machine_index index = {.most = 1};
    for (size_t i = 0; i < resolved->n_machines; i++) {
        index.n += resolved->machines[i].n_addrs;
        /* An address may be in several machines: sum what each may hold against it. */
        index.most += resolved->machines[i].n_addrs;
    }
    index.items = arena_array(arena, struct machine_address, index.n);
    index.n = 0;
    for (size_t i = 0; i < resolved->n_machines; i++)
        for (size_t j = 0; j < resolved->machines[i].n_addrs; j++)
            index.items[index.n++] = (struct machine_address){resolved->machines[i].addrs[j], i};
    qsort(index.items, index.n, sizeof *index.items, machine_address_order);
    return index;
}

static size_t first_at(const struct machine_index *index, struct addr a)
{
    size_t low = 0, high = index->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(index->items[middle].addr, a) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool machines_same(const struct machine_index *index, struct addr a, struct addr b)
{
    if (addr_equal(a, b)) return true;
    size_t start = first_at(index, b);
    for (size_t i = first_at(index, a); i < index->n && addr_equal(index->items[i].addr, a); i++)
        for (size_t j = start; j < index->n && addr_equal(index->items[j].addr, b); j++)
            if (index->items[i].machine == index->items[j].machine) return true;
    return false;
}

/* The smallest addresses of a set, at most `most`. */
static size_t first_addresses(struct prefix_set set, size_t most, struct addr *out)
{
    size_t n = 0;
    for (size_t i = 0; i < set.n; i++)
        for (struct addr a = set.ranges[i].first; n < most; a = addr_next(a)) {
            out[n++] = a;
            if (addr_equal(a, set.ranges[i].last)) break;
        }
    return n;
}

/* An address shares its machine with fewer than `most` others, so if the first of a set are not
 * enough, nothing is: the work is bounded by the policy, not by the sets. */
bool machines_pair(const struct machine_index *index, struct prefix_set clients,
                   struct prefix_set servers, struct addr *client, struct addr *server,
                   struct arena scratch)
{
    struct addr *from = arena_array(&scratch, struct addr, index->most + 1);
    struct addr *to = arena_array(&scratch, struct addr, index->most + 1);
    size_t n_from = first_addresses(clients, index->most + 1, from);
    size_t n_to = first_addresses(servers, index->most + 1, to);
    for (size_t i = 0; i < n_to; i++)
        for (size_t j = 0; j < n_from; j++) {
            if (machines_same(index, from[j], to[i])) continue;
            *client = from[j];
            *server = to[i];
            return true;
        }
    return false;
}
