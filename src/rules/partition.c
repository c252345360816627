/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of the classes are cut where a run begins or ends; each set then splits the parts of
 * the stretches it covers, as atoms_build does with addresses. What a set costs is its stretches,
 * and those are few where sets are few, however many classes there are.
 */
#include "rules/partition.h"

struct splitting {
    uint32_t *part_of;  /* per stretch */
    uint32_t *split_by; /* per part: the set that last touched it, plus one */
    uint32_t *moved_to; /* per part: who left it for that set */
    uint32_t n;
};

/* Gives each stretch a number; returns how many. stretch_of: per class. */
static uint32_t cut_stretches(const struct class_set *sets, size_t n_sets, uint32_t n_classes,
                              uint32_t *stretch_of)
{
    for (size_t i = 0; i < n_sets; i++)
        for (size_t j = 0; j < sets[i].n; j++) {
            struct class_run run = sets[i].runs[j];
            stretch_of[run.first] = 1;
            if (run.last + 1 < n_classes) stretch_of[run.last + 1] = 1;
        }
    uint32_t n = 0;
    for (uint32_t c = 0; c < n_classes; c++) {
        if (c && stretch_of[c]) n++;
        stretch_of[c] = n;
    }
    return n_classes ? n + 1 : 0;
}

static void split(struct splitting *s, uint32_t stretch, uint32_t set_number)
{
    uint32_t old = s->part_of[stretch];
    if (s->split_by[old] != set_number) {
        s->split_by[old] = set_number;
        s->moved_to[old] = s->n++;
    }
    s->part_of[stretch] = s->moved_to[old];
}

/* Parts that everybody left keep their number, so numbers may outgrow the stretches: once in a
 * while they are given anew. */
static void renumber(struct splitting *s, uint32_t n_stretches, uint32_t *names)
{
    memset(names, 0, s->n * sizeof *names);
    memset(s->split_by, 0, s->n * sizeof *s->split_by);
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_stretches; i++) {
        uint32_t *name = &names[s->part_of[i]];
        if (!*name) *name = ++n;
        s->part_of[i] = *name - 1;
    }
    s->n = n;
}

/* The runs of each part, in order. */
static void list_runs(struct partition *p, uint32_t n_classes, uint32_t n_stretches,
                      struct arena *arena)
{
    const uint32_t *of = p->of;
    uint32_t *last = arena_array(arena, uint32_t, n_classes);
    uint32_t *from = arena_array(arena, uint32_t, (size_t)p->n + 2);
    struct class_run *runs = arena_array(arena, struct class_run, n_stretches);
    /* Counted two places on, filled one place on: then each part begins where it should. */
    for (uint32_t c = 0; c < n_classes; c++)
        if (!c || of[c] != of[c - 1]) from[of[c] + 2]++;
    for (size_t i = 2; i <= p->n; i++)
        from[i + 1] += from[i];
    for (uint32_t c = 0, end = 0; c < n_classes; c = end) {
        for (end = c; end < n_classes && of[end] == of[c]; end++)
            continue;
        runs[from[of[c] + 1]++] = (struct class_run){c, end - 1};
        for (uint32_t i = c; i < end; i++)
            last[i] = end - 1;
    }
    p->run_last = last;
    p->from = from;
    p->runs = runs;
}

struct partition partition_of(const struct class_set *sets, size_t n_sets, uint32_t n_classes,
                              struct arena *arena, struct arena scratch)
{
    uint32_t *of = arena_array(arena, uint32_t, n_classes);
    uint32_t *stretch_of = arena_array(&scratch, uint32_t, n_classes);
    uint32_t n_stretches = cut_stretches(sets, n_sets, n_classes, stretch_of);
    size_t room = 2 * (size_t)n_stretches + 1;
    struct splitting s = {
        .part_of = arena_array(&scratch, uint32_t, n_stretches),
        .split_by = arena_array(&scratch, uint32_t, room),
        .moved_to = arena_array(&scratch, uint32_t, room),
        .n = 1,
    };
    uint32_t *names = arena_array(&scratch, uint32_t, room);
    for (size_t i = 0; i < n_sets; i++) {
        uint32_t covered = 0;
        for (size_t j = 0; j < sets[i].n; j++)
            covered += stretch_of[sets[i].runs[j].last] - stretch_of[sets[i].runs[j].first] + 1;
        if (covered > room - s.n) renumber(&s, n_stretches, names);
        for (size_t j = 0; j < sets[i].n; j++)
            for (uint32_t at = stretch_of[sets[i].runs[j].first];
                 at <= stretch_of[sets[i].runs[j].last]; at++)
                split(&s, at, (uint32_t)i + 1);
    }
    renumber(&s, n_stretches, names);
    for (uint32_t c = 0; c < n_classes; c++)
        of[c] = s.part_of[stretch_of[c]];
    struct partition p = {.of = of, .n = n_classes ? s.n : 0};
    list_runs(&p, n_classes, n_stretches, arena);
    return p;
}

struct class_set partition_parts(const struct partition *partition, struct class_set set,
                                 struct arena *arena)
{
    size_t n = 0, most = 0;
    for (size_t i = 0; i < set.n; i++)
        for (uint64_t c = set.runs[i].first; c <= set.runs[i].last;
             c = (uint64_t)partition->run_last[c] + 1)
            most++;
    struct class_run *runs = arena_array(arena, struct class_run, most);
    for (size_t i = 0; i < set.n; i++)
        for (uint64_t c = set.runs[i].first; c <= set.runs[i].last;
             c = (uint64_t)partition->run_last[c] + 1) {
            uint32_t part = partition->of[c];
            struct class_run *last = n ? &runs[n - 1] : NULL;
            /* Parts are numbered by class, so that most go on with the last run. */
            if (last && last->last + 1 == part)
                last->last = part;
            else if (!last || part < last->first || part > last->last)
                runs[n++] = (struct class_run){part, part};
        }
    return class_set_settle(arena, runs, n);
}

struct class_set partition_classes(const struct partition *partition, struct class_set parts,
                                   struct arena *arena)
{
    size_t n = 0;
    for (size_t i = 0; i < parts.n; i++)
        n += partition->from[parts.runs[i].last + 1] - partition->from[parts.runs[i].first];
    struct class_run *runs = arena_array(arena, struct class_run, n);
    n = 0;
    for (size_t i = 0; i < parts.n; i++) {
        size_t first = partition->from[parts.runs[i].first];
        size_t more = partition->from[parts.runs[i].last + 1] - first;
        if (more) memcpy(runs + n, partition->runs + first, more * sizeof *runs);
        n += more;
    }
    return class_set_settle(arena, runs, n);
}
