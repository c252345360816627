/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_evidence.h"

#include "base/instant.h"
#include "reason/check_roles.h"
#include "reason/check_usage.h"

static int known_order(const void *left, const void *right)
{
    const struct check_known *a = left, *b = right;
    return addr_compare(a->addr, b->addr);
}

/* The addresses of the matrix that are somebody's, and the hosts that groups name. All addresses of
 * a named machine show what one of them shows. */
static void gather_known(struct check_evidence *e, struct arena *arena, struct arena scratch)
{
    const struct replay *replay = e->replay;
    struct known_machines machines = blind_machines(e->resolved, replay, &scratch, *arena);
    size_t n = 0, kept = 0, most = replay->n_ends + machines.n;
    for (size_t i = 0; i < e->resolved->n_machines; i++)
        most += e->resolved->machines[i].n_addrs;
    struct check_known *known = arena_array(arena, struct check_known, most);
    for (size_t i = 0; i < replay->n_ends; i++)
        if (replay->ends[i].is_known)
            known[n++] = (struct check_known){replay->ends[i].addr,
                                              replay->ends[i].captured || replay->ends[i].has_log};
    for (size_t i = 0; i < machines.n; i++)
        known[n++] =
            (struct check_known){machines.items[i].addr, machines.items[i].has_own_evidence};
    if (n) qsort(known, n, sizeof *known, known_order);
    for (size_t i = 0; i < n; i++) {
        if (!kept || !addr_equal(known[kept - 1].addr, known[i].addr))
            known[kept++] = known[i];
        else if (known[i].has_own_evidence)
            known[kept - 1].has_own_evidence = true;
    }
    e->known = known;
    e->n_known = kept;
    for (size_t i = 0; i < e->resolved->n_machines; i++) {
        const struct machine *m = &e->resolved->machines[i];
        bool any = false;
        for (size_t pass = 0; pass < 2; pass++)
            for (size_t j = 0; j < m->n_addrs; j++) {
                struct check_known key = {m->addrs[j], false};
                struct check_known *at = bsearch(&key, known, kept, sizeof *known, known_order);
                if (!at) continue;
                any = any || at->has_own_evidence;
                if (pass) at->has_own_evidence = any;
            }
    }
}

static void count_blind(struct check_evidence *e, struct arena *arena)
{
    uint32_t *before = arena_array(arena, uint32_t, e->n_known + 1);
    for (size_t i = 0; i < e->n_known; i++)
        before[i + 1] = before[i] + !e->known[i].has_own_evidence;
    e->blind_before = before;
}

static str span_of(const struct replay *replay, struct arena *arena)
{
    if (!replay->has_times) return S("of the evidence, which has no times,");
    struct civil from = instant_to_civil(replay->from_us), to = instant_to_civil(replay->to_us);
    uint32_t days = replay_days(replay->from_us, replay->to_us);
    if (days <= 1) return str_format(arena, "of %04d-%02u-%02u", from.year, from.month, from.day);
    return str_format(arena, "of %04d-%02u-%02u to %04d-%02u-%02u (%u days)", from.year, from.month,
                      from.day, to.year, to.month, to.day, days);
}

void check_evidence_of(struct check_evidence *e, struct arena *arena, struct arena scratch)
{
    struct reach *reaches = arena_array(arena, struct reach, e->resolved->n_entries);
    for (size_t i = 0; i < e->resolved->n_entries; i++)
        reaches[i] = reach_of_entry(e->resolved, &e->resolved->entries[i], arena);
    e->reaches = reaches;
    e->decision = decision_build(e->resolved, NULL, arena, scratch);
    e->span = span_of(e->replay, arena);
    gather_known(e, arena, scratch);
    count_blind(e, arena);
}

/* The first known address that is not below `a`, or behind it. */
static size_t first_known(const struct check_evidence *e, struct addr a, bool behind)
{
    size_t low = 0, high = e->n_known;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(e->known[middle].addr, a) < (behind ? 1 : 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first from `at` on that shows nothing; there is one. */
static struct addr next_blind(const struct check_evidence *e, size_t at)
{
    size_t low = at, high = e->n_known;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (e->blind_before[middle] > e->blind_before[at])
            high = middle;
        else
            low = middle;
    }
    return e->known[low].addr;
}

struct check_counted check_evidence_count(const struct check_evidence *e, struct prefix_set set)
{
    struct check_counted counted = {0};
    for (size_t i = 0; i < set.n; i++) {
        size_t from = first_known(e, set.ranges[i].first, false);
        size_t to = first_known(e, set.ranges[i].last, true);
        size_t n_blind = e->blind_before[to] - e->blind_before[from];
        if (n_blind && !counted.n_blind) counted.first_blind = next_blind(e, from);
        counted.n += to - from;
        counted.n_blind += n_blind;
    }
    return counted;
}

void check_evidence(struct check_evidence *evidence, struct arena *arena, struct arena scratch,
                    struct diagnostics *found)
{
    check_evidence_of(evidence, arena, scratch);
    check_usage(evidence, arena, scratch, found);
    check_roles(evidence, arena, scratch, found);
    check_roles_secured(evidence, arena, scratch, found);
}
