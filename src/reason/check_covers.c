/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_covers.h"

#include "policy/diagnostics.h"
#include "policy/exceptions.h"
#include "reason/regions.h"

/* Names in a sentence; the rest are counted. */
enum { MOST_NAMED = 10 };

/* The entries, then the perimeter's, then the exceptions: in this order they are asked. Behind them
 * what entries take out of their own words. */
struct covers {
    const struct resolved *resolved;
    struct region *regions;
    size_t n_allow, n_lasting, n, n_regions; /* lasting: without the exceptions */
    struct machine_index machines;
    struct region_boxes laid;
    struct cover_index index; /* of the lasting ones */
    const bool *surplus;
    size_t *near, *holding; /* room for all */
    struct arena *arena;
    struct diagnostics *found;
};

/* What a region is made of. */
static const struct resolved_entry *entry_at(const struct covers *c, size_t i)
{
    if (i < c->n_allow) return &c->resolved->entries[i];
    if (i >= c->n_lasting) return &c->resolved->entries[c->n_allow + i - c->n_lasting];
    return NULL;
}

static const struct resolved_perimeter *perimeter_at(const struct covers *c, size_t i)
{
    return &c->resolved->perimeter[i - c->n_allow];
}

static struct place place_at(const struct covers *c, size_t i)
{
    const struct resolved_entry *e = entry_at(c, i);
    return e ? e->entry->place : perimeter_at(c, i)->entry->place;
}

static str label_at(const struct covers *c, size_t i)
{
    const struct resolved_entry *e = entry_at(c, i);
    if (e) return reach_label(c->arena, e);
    const struct perimeter_entry *p = perimeter_at(c, i)->entry;
    if (!p->name.len)
        return str_format(c->arena, "the perimeter entry of line %" PRIu32, p->place.line);
    return str_format(c->arena, "the perimeter entry %.*s",
                      STR_ARG(diagnostics_quote(c->arena, p->name)));
}

/* A finding at the entry's own place, which for an exception is another file. */
static void warn_at(const struct covers *c, size_t i, const char *kind, str text)
{
    const struct resolved_entry *e = entry_at(c, i);
    const struct source_text *file = c->found->file;
    if (e && e->exception) c->found->file = e->exception->file;
    diagnostics_add(c->found, c->arena, SEVERITY_WARNING, str_of(kind), place_at(c, i), text);
    c->found->file = file;
}

/* With the line where it stands, unless the label says it. */
static str mention_at(const struct covers *c, size_t i)
{
    const struct resolved_entry *e = entry_at(c, i);
    bool is_named = e ? e->entry->name.len > 0 : perimeter_at(c, i)->entry->name.len > 0;
    if (!is_named || (e && e->exception)) return label_at(c, i);
    return str_format(c->arena, "%.*s (line %" PRIu32 ")", STR_ARG(label_at(c, i)),
                      place_at(c, i).line);
}

/* `the entry "a" (line 3), the entry of line 7 and more`; more: for what is not named */
static str mentions(const struct covers *c, const size_t *of, size_t n, str more)
{
    struct buf out = buf_in(c->arena);
    for (size_t i = 0; i < n && i < MOST_NAMED; i++) {
        const char *before = !i ? "" : i + 1 == n ? " and " : ", ";
        buf_format(&out, "%s%.*s", before, STR_ARG(mention_at(c, of[i])));
    }
    if (n > MOST_NAMED) buf_format(&out, " and %.*s", STR_ARG(more));
    return buf_text(&out);
}

/* ---- Regions ------------------------------------------------------------------------------------
 */

/* A slab for each service and strength: what is allowed in clear is allowed secured, too. */
static struct class_set slabs_of(const size_t *services, size_t n, bool clear, bool secured,
                                 struct arena *arena)
{
    uint32_t *slabs = arena_array(arena, uint32_t, 2 * n);
    size_t n_slabs = 0;
    for (size_t i = 0; i < n; i++) {
        if (clear) slabs[n_slabs++] = 2 * (uint32_t)services[i];
        if (secured) slabs[n_slabs++] = 2 * (uint32_t)services[i] + 1;
    }
    return class_set_of(arena, slabs, n_slabs);
}

/* Somebody is a member of its ends that nobody knows: it allows more than can be compared. */
static bool is_open(const struct resolved_entry *e)
{
    return e->from_unknown.len || e->to_unknown.len;
}

/* Nobody knows all whom it leaves out: what it allows for sure is not known either. */
static bool is_vague(const struct resolved_entry *e)
{
    return e->except_from_unknown.len || e->except_to_unknown.len;
}

static struct region region_of_entry(const struct resolved_entry *e, const struct reach *reach,
                                     bool any_secure, struct arena *arena)
{
    bool is_secure = reach_is_secure(e);
    if (is_vague(e) || (is_open(e) && e->exception)) return (struct region){0};
    return (struct region){
        .from = reach->from,
        .to = reach->to,
        .is_fixed = is_open(e),
        /* Without a secure entry all are alike once secured: half the work. */
        .slabs = slabs_of(e->entry->services, e->entry->n_services, !is_secure, any_secure, arena),
    };
}

static void lay_regions(struct covers *c, const struct reach *reaches, struct arena *scratch)
{
    const struct resolved *r = c->resolved;
    bool any_secure = false;
    while (c->n_allow < r->n_entries && !r->entries[c->n_allow].exception)
        c->n_allow++;
    c->n_lasting = c->n_allow + r->n_perimeter;
    c->n = r->n_entries + r->n_perimeter;
    for (size_t i = 0; i < r->n_entries; i++)
        any_secure = any_secure || reach_is_secure(&r->entries[i]);
    c->regions = arena_array(scratch, struct region, c->n + 2 * c->n_allow);
    for (size_t i = 0; i < r->n_entries; i++)
        c->regions[i < c->n_allow ? i : i + r->n_perimeter] =
            region_of_entry(&r->entries[i], &reaches[i], any_secure, scratch);
    for (size_t i = 0; i < r->n_perimeter; i++) {
        const struct resolved_perimeter *p = &r->perimeter[i];
        bool is_outbound = p->direction == DIRECTION_OUTBOUND;
        struct prefix_set inner = is_outbound ? p->from : p->to;
        inner = prefix_set_subtract(scratch, inner, r->places.internet);
        inner = prefix_set_subtract(scratch, inner, r->places.local);
        c->regions[c->n_allow + i] = (struct region){
            .from = is_outbound ? inner : p->from,
            .to = is_outbound ? p->to : inner,
            .is_fixed = p->from_unknown.len || p->to_unknown.len,
            .slabs = slabs_of(p->entry->services, p->entry->n_services, true, any_secure, scratch),
        };
    }
}

/* ---- Superfluous entries ------------------------------------------------------------------------
 */

static void warn_of_cover(struct covers *c, size_t i, struct arena scratch)
{
    /* What is not listed any more is only counted: who covers it need not be found. */
    if (c->found->n >= LIMIT_DIAGNOSTICS) {
        warn_at(c, i, "shadowed", S(""));
        return;
    }
    size_t n = cover_meeting(&c->index, &c->laid.boxes[i], c->near), n_staying = 0;
    for (size_t j = 0; j < n; j++)
        if (!c->surplus[c->near[j]]) c->near[n_staying++] = c->near[j];
    n = cover_of(c->laid.boxes, i, c->near, n_staying, &c->laid.voids, c->holding, *c->arena,
                 scratch);
    str label = label_at(c, i);
    if (!n) {
        warn_at(c, i, "never-matches",
                str_format(c->arena,
                           "%.*s never matches: all its pairs are of one machine and itself",
                           STR_ARG(label)));
        return;
    }
    str more = n > MOST_NAMED ? str_format(c->arena, "%zu more", n - MOST_NAMED) : S("");
    str others = mentions(c, c->holding, n, more);
    str text = n == 1 ? str_format(c->arena, "%.*s allows nothing that %.*s does not allow",
                                   STR_ARG(label), STR_ARG(others))
                      : str_format(c->arena,
                                   "%.*s allows nothing that these %zu together do not allow: %.*s",
                                   STR_ARG(label), n, STR_ARG(others));
    warn_at(c, i, "shadowed", text);
}

static void find_covers(struct covers *c, struct arena scratch)
{
    struct cover_box *boxes = c->laid.boxes;
    struct cover_result lasting =
        cover_reduce(boxes, c->n_lasting, &c->laid.voids, c->arena, scratch);
    bool *surplus = arena_array(c->arena, bool, c->n);
    memcpy(surplus, lasting.surplus, c->n_lasting * sizeof *surplus);
    if (c->n > c->n_lasting) {
        for (size_t i = 0; i < c->n; i++) {
            boxes[i].is_fixed = i < c->n_lasting;
            boxes[i].is_apart = i >= c->n_lasting;
        }
        const bool *idle = cover_reduce(boxes, c->n, &c->laid.voids, c->arena, scratch).surplus;
        memcpy(surplus + c->n_lasting, idle + c->n_lasting,
               (c->n - c->n_lasting) * sizeof *surplus);
    }
    c->surplus = surplus;
    /* Before the others, which may be more than are listed. */
    if (lasting.n_undecided)
        diagnostics_warn(c->found, c->arena, S("shadowed"), (struct place){1, 1},
                         "%zu more entries may be shadowed, but overlap so many others that it was "
                         "not decided",
                         lasting.n_undecided);
    for (size_t i = 0; i < c->n; i++)
        if (surplus[i]) warn_of_cover(c, i, scratch);
}

/* ---- What one entry excepts and another allows --------------------------------------------------
 */

/* What an entry takes out of its own words: some clients everywhere, and some servers for the other
 * clients. Returns how many of the two there are. */
static size_t taken_out(const struct resolved *resolved, const struct resolved_entry *e,
                        struct region out[2], struct arena *arena)
{
    bool is_secure = reach_is_secure(e);
    size_t n = 0;
    if (!e->except_from.n && !e->except_to.n) return 0;
    struct prefix_set clients = prefix_set_intersect(arena, e->from, e->except_from);
    struct prefix_set servers = prefix_set_intersect(arena, e->to, e->except_to);
    struct reach parts[] = {
        reach_within(resolved, e, clients, e->to, arena),
        reach_within(resolved, e, prefix_set_subtract(arena, e->from, clients), servers, arena),
    };
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (!parts[i].from.n || !parts[i].to.n) continue;
        out[n++] = (struct region){
            .from = parts[i].from,
            .to = parts[i].to,
            /* Asking for more than the entry did is no way around its except. */
            .slabs =
                slabs_of(e->entry->services, e->entry->n_services, !is_secure, is_secure, arena),
        };
    }
    return n;
}

/* Says of one entry who undoes its except, with the smallest pair.
 *
 * first, last : its parts among the regions */
static void warn_of_undoing(struct covers *c, size_t entry, size_t first, size_t last,
                            struct arena scratch)
{
    struct addr client = {0}, server = {0};
    char from[ADDR_TEXT], to[ADDR_TEXT];
    size_t n = 0;
    for (size_t p = first; p < last; p++) {
        size_t n_near = cover_meeting(&c->index, &c->laid.boxes[p], c->near), n_before = n;
        for (size_t i = 0; i < n_near && n <= MOST_NAMED; i++) {
            struct addr some_client, some_server;
            size_t other = c->near[i];
            bool is_named = other == entry;
            for (size_t j = 0; j < n_before && !is_named; j++)
                is_named = c->holding[j] == other;
            if (is_named || !regions_common(&c->machines, &c->regions[p], &c->regions[other],
                                            &some_client, &some_server, scratch))
                continue;
            if (!n) client = some_client, server = some_server;
            c->holding[n++] = other;
        }
    }
    if (!n) return;
    const struct resolved_entry *e = entry_at(c, entry);
    str text = str_format(c->arena,
                          "what %.*s takes out by its except is allowed by %.*s all the same: "
                          "%.*s -> %.*s",
                          STR_ARG(reach_label(c->arena, e)),
                          STR_ARG(mentions(c, c->holding, n, S("others"))),
                          STR_ARG(addr_text(from, client)), STR_ARG(addr_text(to, server)));
    warn_at(c, entry, "except-undone", text);
}

void check_covers(const struct resolved *resolved, const struct reach *reaches, struct arena *arena,
                  struct arena scratch, struct diagnostics *found)
{
    struct covers c = {.resolved = resolved, .arena = arena, .found = found};
    if (!resolved->n_entries && !resolved->n_perimeter) return;
    lay_regions(&c, reaches, &scratch);
    /* Parts of entry i are regions[first_part[i]] up to regions[first_part[i + 1]]. */
    size_t *first_part = arena_array(&scratch, size_t, c.n_allow + 1);
    c.n_regions = first_part[0] = c.n;
    for (size_t i = 0; i < c.n_allow; i++) {
        c.n_regions +=
            taken_out(resolved, &resolved->entries[i], &c.regions[c.n_regions], &scratch);
        first_part[i + 1] = c.n_regions;
    }
    c.machines = machines_index(resolved, &scratch);
    regions_lay(&c.laid, c.regions, c.n_regions, &c.machines, arena, scratch);
    c.index = cover_index_of(c.laid.boxes, c.n_lasting, arena, scratch);
    c.near = arena_array(&scratch, size_t, c.n);
    c.holding = arena_array(&scratch, size_t, c.n);
    find_covers(&c, scratch);
    for (size_t i = 0; i < c.n_allow; i++)
        if (first_part[i + 1] > first_part[i] && found->n < LIMIT_DIAGNOSTICS)
            warn_of_undoing(&c, i, first_part[i], first_part[i + 1], scratch);
}
