/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gathered.h"

struct gathered *gathered_new(struct arena *arena)
{
    struct gathered *g = arena_new(arena, struct gathered);
    g->arena = arena;
    arena_grow(arena, g->parts, g->n_parts, g->room);
    g->parts[g->n_parts++] = (struct gathered_part){0};
    return g;
}

static void add_skip(struct gathered *g, const struct skip *skip)
{
    if (g->n_skips == LIMIT_SKIPS_LISTED) g->first_unlisted = skip->offset;
    if (g->n_skips++ >= LIMIT_SKIPS_LISTED) return;
    g->skips[g->n_skips - 1] = *skip;
    g->skips[g->n_skips - 1].reason = str_copy(g->arena, skip->reason);
}

static void add_skips(struct gathered *g, const struct parcel *parcel)
{
    uint64_t listed = parcel->n_skips < PARCEL_SKIPS ? parcel->n_skips : PARCEL_SKIPS;
    for (size_t i = 0; i < listed; i++)
        add_skip(g, &parcel->skips[i]);
    g->n_skips += parcel->n_skips - listed;
}

/* Of further hosts than are told apart: the source's own. */
static uint32_t part_of(struct gathered *g, str origin)
{
    struct arena scratch = *g->arena;
    if (!origin.len) return 0;
    str key = str_lower(&scratch, origin);
    const uint64_t *known = map_find(&g->origins, key);
    if (known) return (uint32_t)*known;
    if (g->n_parts > LIMIT_ORIGINS) {
        g->has_homeless = true;
        return 0;
    }
    key = str_lower(g->arena, origin);
    (void)map_put(&g->origins, g->arena, key, g->n_parts, NULL);
    arena_grow(g->arena, g->parts, g->n_parts, g->room);
    g->parts[g->n_parts] = (struct gathered_part){.origin = str_copy(g->arena, origin)};
    return (uint32_t)g->n_parts++;
}

static void add_local(struct gathered *g, struct gathered_part *part, struct addr addr)
{
    for (size_t i = part->n_locals; i > 0; i--)
        if (addr_equal(part->locals[i - 1], addr)) return;
    if (part->n_locals == LIMIT_LOCAL_ADDRESSES) return;
    arena_grow(g->arena, part->locals, part->n_locals, part->locals_room);
    part->locals[part->n_locals++] = addr;
}

static void add_unplaced(struct gathered *g, struct gathered_part *part,
                         const struct gather_unplaced *more)
{
    size_t i = 0;
    while (i < part->n_unplaced && !str_equal(part->unplaced[i].what, more->what))
        i++;
    if (i == LIMIT_UNPLACED) return;
    if (i == part->n_unplaced) {
        arena_grow(g->arena, part->unplaced, part->n_unplaced, part->unplaced_room);
        part->unplaced[part->n_unplaced++] =
            (struct gather_unplaced){.what = str_copy(g->arena, more->what)};
    }
    part->unplaced[i].count += more->count;
}

static void add_part(struct gathered *g, struct gathered_part *part, const struct gather_part *more)
{
    part->records += more->records;
    part->facts += more->facts;
    if (more->has_times) {
        if (!part->has_times || more->from_us < part->from_us) part->from_us = more->from_us;
        if (!part->has_times || more->to_us > part->to_us) part->to_us = more->to_us;
        part->has_times = true;
    }
    for (size_t i = 0; i < more->n_locals; i++)
        add_local(g, part, more->locals[i]);
    for (size_t i = 0; i < more->n_unplaced; i++)
        add_unplaced(g, part, &more->unplaced[i]);
}

/* Parts of the parcel to those of the source, in all that it holds. */
static void renumber(struct batch *batch, const uint32_t *to)
{
    for (size_t i = 0; i < batch->n_facts; i++)
        batch->facts[i].part = to[batch->facts[i].part];
    for (size_t i = 0; i < batch->n_uses; i++)
        batch->uses[i].record.part = to[batch->uses[i].record.part];
    for (size_t i = 0; i < batch->n_identities; i++)
        batch->identities[i].record.part = to[batch->identities[i].record.part];
    for (size_t i = 0; i < batch->n_listenings; i++)
        batch->listenings[i].record.part = to[batch->listenings[i].record.part];
    for (size_t i = 0; i < batch->n_changes; i++)
        batch->changes[i].record.part = to[batch->changes[i].record.part];
}

void gathered_add(struct gathered *g, struct parcel *parcel)
{
    uint32_t *to = arena_array(&parcel->arena, uint32_t, parcel->n_parts);
    bool moved = false;
    for (size_t i = 0; i < parcel->n_parts; i++) {
        to[i] = i ? part_of(g, parcel->parts[i].origin) : g->part;
        add_part(g, &g->parts[to[i]], &parcel->parts[i]);
        moved = moved || to[i] != i;
    }
    if (moved) renumber(&parcel->batch, to);
    g->part = to[parcel->last_part];
    add_skips(g, parcel);
}

size_t gathered_skips(struct gathered *g)
{
    if (g->has_homeless) {
        struct skip skip = {
            .reason = str_format(g->arena,
                                 "more than %d hosts wrote the records: those of further ones "
                                 "count as the source's own",
                                 LIMIT_ORIGINS),
        };
        add_skip(g, &skip);
        g->has_homeless = false;
    }
    if (g->n_skips <= LIMIT_SKIPS_LISTED) return (size_t)g->n_skips;
    g->skips[LIMIT_SKIPS_LISTED] = (struct skip){
        .offset = g->first_unlisted,
        .reason = str_format(g->arena, "%" PRIu64 " further skips from here on are not listed",
                             g->n_skips - LIMIT_SKIPS_LISTED),
    };
    return LIMIT_SKIPS_LISTED + 1;
}

static int addr_order(const void *left, const void *right)
{
    const struct addr *a = left, *b = right;
    return addr_compare(*a, *b);
}

struct addr *gathered_locals(const struct gathered *g, size_t part, struct arena *arena)
{
    const struct gathered_part *p = &g->parts[part];
    struct addr *locals = arena_array(arena, struct addr, p->n_locals + 1);
    if (p->n_locals) memcpy(locals, p->locals, p->n_locals * sizeof *locals);
    qsort(locals, p->n_locals, sizeof *locals, addr_order);
    return locals;
}
