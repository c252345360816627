/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ended.h"

#include "reason/reach.h"
#include "targets/carried.h"

/* What some of them spoke of, by the names of a time, is added. */
static void resolve_at(const struct policy_file *file, const struct exception *living, size_t n,
                       struct ended *const *of, int64_t at_us, struct arena *arena)
{
    struct policy policy = file->policy;
    struct resolved *resolved = arena_new(arena, struct resolved);
    struct diagnostics passed_over = {0};
    policy.exceptions = living;
    policy.n_exceptions = n;
    /* What can't be resolved was said when the policy was. */
    if (!resolve_policy(&policy, &file->lookup, at_us, true, arena, resolved, &passed_over)) return;
    for (size_t i = 0; i < resolved->n_entries; i++) {
        const struct resolved_entry *entry = &resolved->entries[i];
        if (!entry->exception) continue;
        struct ended *ended = of[entry->exception - living];
        struct reach reach = reach_of_entry(resolved, entry, arena);
        reach.from = prefix_set_union(arena, ended->clients, reach.from);
        reach.to = prefix_set_union(arena, ended->servers, reach.to);
        ended->clients = prefix_set_of(arena, reach.from.ranges, reach.from.n);
        ended->servers = prefix_set_of(arena, reach.to.ranges, reach.to.n);
    }
}

static int by_end(const void *left, const void *right)
{
    const struct ended *const *a = left, *const *b = right;
    int64_t x = (*a)->exception->expires_us, y = (*b)->exception->expires_us;
    if (x != y) return x < y ? -1 : 1;
    return (*a > *b) - (*a < *b);
}

struct ended *ended_find(struct invocation *call, const struct policy_file *file, int64_t by_us,
                         size_t *n)
{
    const struct policy *policy = &file->policy;
    struct arena *arena = call->arena;
    struct ended *list = arena_array(arena, struct ended, policy->n_exceptions + 1);
    struct ended **of = arena_array(arena, struct ended *, policy->n_exceptions + 1);
    struct exception *living = arena_array(arena, struct exception, policy->n_exceptions + 1);
    *n = 0;
    for (size_t i = 0; i < policy->n_exceptions; i++) {
        const struct exception *exception = &policy->exceptions[i];
        if (exception->expires_us > by_us) continue;
        of[*n] = &list[*n];
        list[*n].exception = exception;
        list[(*n)++].id = carried_id(exception, arena);
    }
    if (!*n) return list;
    qsort(of, *n, sizeof(struct ended *), by_end);
    for (size_t i = 0; i < *n; i++) {
        living[i] = *of[i]->exception;
        living[i].starts_us = INT64_MIN;
        living[i].expires_us = INT64_MAX;
    }
    resolve_at(file, living, *n, of, call->as_of_us, arena);
    for (size_t from = 0, until = 0; from < *n && file->hosts; from = until) {
        int64_t end_us = of[from]->exception->expires_us;
        while (until < *n && of[until]->exception->expires_us == end_us)
            until++;
        resolve_at(file, living + from, until - from, of + from, end_us - 1, arena);
    }
    return list;
}

str ended_text(const struct ended *ended, struct arena *arena)
{
    return str_format(arena, "%.*s of %.*s", STR_ARG(ended->id), STR_ARG(ended->exception->owner));
}
