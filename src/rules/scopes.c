/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/scopes.h"

/* Two passes over the classes that each rule names: count, then fill; start is shifted by one in
 * between. */
static void name_scopes(struct scopes *scopes, const struct class_set *named, size_t n,
                        struct arena *arena)
{
    uint32_t n_scopes = atoms_count(scopes->atoms);
    uint32_t *start = arena_array(arena, uint32_t, (size_t)n_scopes + 2), *items = NULL;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < named[i].n; j++)
                for (uint32_t c = named[i].runs[j].first; c <= named[i].runs[j].last; c++) {
                    if (pass) items[start[c + 1]] = (uint32_t)i;
                    start[c + (pass ? 1 : 2)]++;
                }
        if (pass) break;
        for (uint32_t c = 0; c < n_scopes; c++)
            start[c + 2] += start[c + 1];
        items = arena_array(arena, uint32_t, (size_t)start[n_scopes + 1] + 1);
    }
    scopes->start = start;
    scopes->items = items;
}

struct scopes scopes_of(const struct prefix_set *ends, size_t n, struct arena *arena,
                        struct arena scratch)
{
    struct scopes scopes = {0};
    struct prefix_set *sets = arena_array(&scratch, struct prefix_set, n + 1);
    struct class_set *named = arena_array(&scratch, struct class_set, n);
    if (n) memcpy(sets, ends, n * sizeof *sets);
    sets[n] = (struct prefix_set){&addr_all_v4, 1};
    scopes.atoms = atoms_build(sets, n + 1, arena, scratch);
    for (size_t i = 0; i < n; i++)
        named[i] = atoms_classes(scopes.atoms, ends[i], &scratch);
    name_scopes(&scopes, named, n, arena);
    return scopes;
}

const uint32_t *scopes_rules(const struct scopes *scopes, uint32_t scope, size_t *n)
{
    *n = scopes->start[scope + 1] - scopes->start[scope];
    return scopes->items + scopes->start[scope];
}
