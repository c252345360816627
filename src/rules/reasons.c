/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/reasons.h"

#include "base/map.h"
#include "policy/exceptions.h"

/* ---- Ends ---------------------------------------------------------------------------------------
 */

/* Ends of one selector are shared by the entries that name it. */
static struct class_set end_of(const struct decision *decision, struct prefix_set in,
                               struct prefix_set except, struct map *known, struct class_set *kept,
                               size_t *n_kept, struct arena *arena, struct arena *scratch)
{
    const struct atoms *atoms = decision_atoms(decision);
    const uintptr_t key[] = {(uintptr_t)in.ranges, in.n};
    bool fresh = false;
    if (except.n) {
        struct arena inner = *scratch;
        return atoms_classes(atoms, prefix_set_subtract(&inner, in, except), arena);
    }
    uint64_t *at = map_put(known, scratch, (str){(const char *)key, sizeof key}, *n_kept, &fresh);
    if (fresh) kept[(*n_kept)++] = atoms_classes(atoms, in, arena);
    return kept[*at];
}

const struct class_set *reasons_ends(const struct decision *decision, enum direction direction,
                                     struct arena *arena, struct arena scratch)
{
    const struct resolved *r = decision_resolved(decision);
    bool inbound = direction == DIRECTION_INBOUND;
    size_t most = r->n_entries + r->n_perimeter, n_kept = 0;
    struct class_set *ends = arena_array(arena, struct class_set, most + 1);
    struct class_set *kept = arena_array(&scratch, struct class_set, most + 1);
    struct map known = {0};
    for (size_t i = 0; i < r->n_entries; i++) {
        const struct resolved_entry *e = &r->entries[i];
        ends[i] =
            end_of(decision, inbound ? e->to : e->from, inbound ? e->except_to : e->except_from,
                   &known, kept, &n_kept, arena, &scratch);
    }
    for (size_t i = 0; i < r->n_perimeter; i++) {
        const struct resolved_perimeter *e = &r->perimeter[i];
        ends[r->n_entries + i] = end_of(decision, inbound ? e->to : e->from, (struct prefix_set){0},
                                        &known, kept, &n_kept, arena, &scratch);
    }
    return ends;
}

/* ---- Lists --------------------------------------------------------------------------------------
 */

static bool lists_service(const size_t *services, size_t n, int service)
{
    for (size_t i = 0; i < n; i++)
        if (services[i] == (size_t)service) return true;
    return false;
}

/* Whether a line approves anything of this service in this direction. */
static bool speaks(const struct resolved *r, size_t line, int service, enum direction direction,
                   bool plain)
{
    if (line >= r->n_entries) {
        const struct resolved_perimeter *p = &r->perimeter[line - r->n_entries];
        return plain && p->direction == direction &&
               lists_service(p->entry->services, p->entry->n_services, service);
    }
    const struct resolved_entry *e = &r->entries[line];
    bool is_plain = e->secure == SECURE_NONE || e->secure == SECURE_UNSET;
    bool has_peers = !prefix_set_is_empty(direction == DIRECTION_INBOUND ? e->from : e->to);
    return is_plain == plain && has_peers &&
           lists_service(e->entry->services, e->entry->n_services, service);
}

/* The first of the classes given that is not before this one. */
static size_t first_from(const uint32_t *classes, size_t n, uint32_t class_id)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (classes[middle] < class_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct named {
    uint32_t line, next; /* of the same class, plus one */
};

/* Lists that fill up. A class whose list is full is stepped over (its `skip` leads on), so that
 * lines that speak of everybody cost no more than the lists are long. */
struct filling {
    struct named *named;
    size_t n_named, room;
    uint32_t *first, *last, *count, *skip;
};

static uint32_t next_open(uint32_t *skip, uint32_t at)
{
    uint32_t end = at;
    while (skip[end] != end)
        end = skip[end];
    while (skip[at] != end) {
        uint32_t next = skip[at];
        skip[at] = end;
        at = next;
    }
    return end;
}

static void name_line(struct filling *f, uint32_t at, uint32_t line, struct arena *arena)
{
    arena_grow(arena, f->named, f->n_named, f->room);
    f->named[f->n_named++] = (struct named){line, 0};
    if (f->count[at])
        f->named[f->last[at] - 1].next = (uint32_t)f->n_named;
    else
        f->first[at] = (uint32_t)f->n_named;
    f->last[at] = (uint32_t)f->n_named;
    if (++f->count[at] == REASONS_NAMED) f->skip[at] = at + 1;
}

struct reasons reasons_of(const struct decision *decision, const struct class_set *ends,
                          const uint32_t *classes, size_t n, int service, enum direction direction,
                          bool plain, struct arena *arena, struct arena scratch)
{
    const struct resolved *r = decision_resolved(decision);
    struct filling f = {
        .first = arena_array(&scratch, uint32_t, n + 1),
        .last = arena_array(&scratch, uint32_t, n + 1),
        .count = arena_array(&scratch, uint32_t, n + 1),
        .skip = arena_array(&scratch, uint32_t, n + 1),
    };
    uint32_t *total = arena_array(arena, uint32_t, n + 1);
    int32_t *more = arena_array(&scratch, int32_t, n + 1); /* than at the class before */
    uint32_t *start = arena_array(arena, uint32_t, n + 1);
    for (size_t i = 0; i <= n; i++)
        f.skip[i] = (uint32_t)i;
    for (size_t line = 0; line < r->n_entries + r->n_perimeter; line++) {
        if (!speaks(r, line, service, direction, plain)) continue;
        for (size_t j = 0; j < ends[line].n; j++) {
            size_t from = first_from(classes, n, ends[line].runs[j].first);
            size_t to = first_from(classes, n, ends[line].runs[j].last + 1);
            if (from == to) continue;
            for (uint32_t at = next_open(f.skip, (uint32_t)from); at < to;
                 at = next_open(f.skip, at + 1))
                name_line(&f, at, (uint32_t)line, &scratch);
            more[from]++;
            more[to]--;
        }
    }
    uint32_t *items = arena_array(arena, uint32_t, f.n_named + 1);
    int32_t now = 0;
    for (size_t i = 0, at = 0; i < n; i++) {
        now += more[i];
        total[i] = (uint32_t)now;
        for (uint32_t k = f.first[i]; k; k = f.named[k - 1].next)
            items[at++] = f.named[k - 1].line;
        start[i + 1] = (uint32_t)at;
    }
    return (struct reasons){start, items, total};
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

static void put_line(struct buf *out, str source, struct place place, str name)
{
    buf_format(out, "%.*s:%" PRIu32, STR_ARG(source), place.line);
    if (name.len) buf_format(out, " %.*s", STR_ARG(name));
}

str reasons_text(const struct decision *decision, const struct reasons *reasons, size_t index,
                 struct arena *arena)
{
    const struct resolved *r = decision_resolved(decision);
    uint32_t n = reasons->start[index + 1] - reasons->start[index];
    struct buf out = buf_in(arena);
    for (uint32_t i = 0; i < n; i++) {
        size_t line = reasons->items[reasons->start[index] + i];
        if (i) buf_str(&out, S("; "));
        if (line < r->n_entries) {
            const struct resolved_entry *e = &r->entries[line];
            str source = e->exception ? e->exception->file->name : r->policy->source;
            put_line(&out, source, e->entry->place, e->entry->name);
            if (e->exception)
                buf_format(&out, " (%.*s)", STR_ARG(exception_text(e->exception, arena)));
        } else {
            const struct perimeter_entry *entry = r->perimeter[line - r->n_entries].entry;
            put_line(&out, r->policy->source, entry->place, entry->name);
        }
    }
    if (reasons->total[index] > n)
        buf_format(&out, "; and %" PRIu32 " more", reasons->total[index] - n);
    return buf_text(&out);
}
