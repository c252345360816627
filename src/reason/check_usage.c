/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_usage.h"

#include "policy/diagnostics.h"
#include "policy/exceptions.h"
#include "reason/regions.h"

/* A pair of ends that used an entry. */
struct used_pair {
    uint32_t entry, client, server; /* ends: of replay */
};

struct usage {
    const struct check_evidence *evidence;
    const struct resolved *resolved;
    struct region_boxes laid;
    struct cover_index index;
    struct used_pair *pairs; /* by entry, then client, then server; each once */
    size_t n_pairs, room;
    bool *maybe; /* by a flow of which one end is a name without an address */
    size_t *near;
    struct arena *arena, *scratch;
    struct diagnostics *found;
};

static void lay(struct usage *u, struct arena *kept)
{
    const struct resolved *r = u->resolved;
    struct region *regions = arena_array(kept, struct region, r->n_entries);
    for (size_t i = 0; i < r->n_entries; i++) {
        const struct entry *entry = r->entries[i].entry;
        uint32_t *services = arena_array(kept, uint32_t, entry->n_services);
        for (size_t j = 0; j < entry->n_services; j++)
            services[j] = (uint32_t)entry->services[j];
        regions[i] = (struct region){u->evidence->reaches[i].from, u->evidence->reaches[i].to,
                                     class_set_of(kept, services, entry->n_services), false, false};
    }
    regions_lay(&u->laid, regions, r->n_entries, NULL, kept, *u->scratch);
    u->index = cover_index_of(u->laid.boxes, r->n_entries, kept, *u->scratch);
    u->near = arena_array(kept, size_t, r->n_entries);
    u->maybe = arena_array(kept, bool, r->n_entries);
}

/* Clients or servers that an end of a flow can be: anybody, when only a name is known. */
static struct class_run end_classes(const struct usage *u, uint32_t end)
{
    if (end == REPLAY_NO_END) return (struct class_run){0, atoms_count(u->laid.atoms) - 1};
    uint32_t class_id = atoms_class(u->laid.atoms, u->evidence->replay->ends[end].addr);
    return (struct class_run){class_id, class_id};
}

static void use_entries(struct usage *u, const struct matrix_flow *flow,
                        const struct replay_flow *ends, struct arena *kept)
{
    const struct policy *policy = u->resolved->policy;
    int service = service_by_port(policy->services, flow->transport, flow->port);
    bool nameless = ends->client == REPLAY_NO_END || ends->server == REPLAY_NO_END;
    if (!ends->worked || service == SERVICE_NONE || !policy->governed[service]) return;
    if (ends->client == REPLAY_NO_END && ends->server == REPLAY_NO_END) return;
    struct class_run from = end_classes(u, ends->client), to = end_classes(u, ends->server);
    struct class_run slab = {(uint32_t)service, (uint32_t)service};
    struct cover_box box = {
        {&from, 1},
        {&to,   1},
        {&slab, 1},
        false, false
    };
    size_t n = cover_meeting(&u->index, &box, u->near);
    for (size_t i = 0; i < n; i++) {
        if (nameless) {
            u->maybe[u->near[i]] = true;
            continue;
        }
        arena_grow(kept, u->pairs, u->n_pairs, u->room);
        u->pairs[u->n_pairs++] =
            (struct used_pair){(uint32_t)u->near[i], ends->client, ends->server};
    }
}

static int pair_order(const void *left, const void *right)
{
    const struct used_pair *a = left, *b = right;
    if (a->entry != b->entry) return a->entry < b->entry ? -1 : 1;
    if (a->client != b->client) return a->client < b->client ? -1 : 1;
    return (a->server > b->server) - (a->server < b->server);
}

static void find_pairs(struct usage *u, struct arena *kept)
{
    const struct replay *replay = u->evidence->replay;
    size_t n = 0;
    for (size_t i = 0; i < replay->matrix->n_flows; i++)
        use_entries(u, &replay->matrix->flows[i], &replay->flows[i], kept);
    if (u->n_pairs) qsort(u->pairs, u->n_pairs, sizeof *u->pairs, pair_order);
    for (size_t i = 0; i < u->n_pairs; i++)
        if (!n || pair_order(&u->pairs[n - 1], &u->pairs[i])) u->pairs[n++] = u->pairs[i];
    u->n_pairs = n;
}

static void warn(struct usage *u, size_t entry, str kind, str text)
{
    const struct resolved_entry *e = &u->resolved->entries[entry];
    const struct source_text *file = u->found->file;
    if (e->exception) u->found->file = e->exception->file;
    diagnostics_add(u->found, u->arena, SEVERITY_WARNING, kind, e->entry->place, text);
    u->found->file = file;
}

/* ---- Entries that nobody used -------------------------------------------------------------------
 */

/* Who of its ends nobody knows; empty = all are known. */
static str unknown_of(const struct resolved_entry *e)
{
    if (e->from_unknown.len) return e->from_unknown;
    if (e->to_unknown.len) return e->to_unknown;
    return e->except_from_unknown.len ? e->except_from_unknown : e->except_to_unknown;
}

static void check_unused(struct usage *u, size_t entry)
{
    const struct check_evidence *e = u->evidence;
    char text[ADDR_TEXT];
    struct check_counted clients = check_evidence_count(e, e->reaches[entry].from);
    struct check_counted servers = check_evidence_count(e, e->reaches[entry].to);
    str label = reach_label(u->arena, &u->resolved->entries[entry]);
    /* A flow shows at either end: one end that is seen throughout is enough. */
    bool is_seen = (servers.n && !servers.n_blind) || (clients.n && !clients.n_blind);
    str unknown = unknown_of(&u->resolved->entries[entry]);
    if (is_seen && !u->maybe[entry] && !unknown.len) {
        warn(u, entry, S("unused"),
             str_format(u->arena, "no flow %.*s used %.*s", STR_ARG(e->span), STR_ARG(label)));
        return;
    }
    str why = S("no machine of either end is known");
    if (unknown.len)
        why = str_format(u->arena, "nobody knows the addresses of %.*s", STR_ARG(unknown));
    else if (u->maybe[entry])
        why = S("a flow that may have names an end whose address is not known");
    else if (servers.n_blind || clients.n_blind)
        why = str_format(
            u->arena, "nothing shows the own side of %.*s and %zu more of its known addresses",
            STR_ARG(addr_text(text, servers.n_blind ? servers.first_blind : clients.first_blind)),
            servers.n_blind + clients.n_blind - 1);
    warn(u, entry, S("undecidable"),
         str_format(u->arena,
                    "whether anybody uses %.*s is undecidable: no flow %.*s did, but %.*s",
                    STR_ARG(label), STR_ARG(e->span), STR_ARG(why)));
}

/* ---- Entries far wider than their use -----------------------------------------------------------
 */

static str item_text(const struct usage *u, const struct selector *s)
{
    const struct policy *policy = u->resolved->policy;
    char text[PREFIX_TEXT];
    if (s->kind == SELECT_SEGMENT)
        return str_format(u->arena, "segment \"%.*s\"", STR_ARG(policy->segments[s->index].name));
    if (s->kind == SELECT_GROUP)
        return str_format(u->arena, "group \"%.*s\"", STR_ARG(policy->groups[s->index].name));
    if (s->kind == SELECT_BUILTIN) return builtin_text((enum builtin)s->index);
    return str_copy(u->arena, prefix_text(text, s->prefix));
}

/* Distinct clients or servers of an entry's pairs that an item means. */
static size_t n_used(const struct usage *u, size_t first, size_t last, bool servers,
                     struct prefix_set item, bool *is_counted)
{
    const struct replay_end *ends = u->evidence->replay->ends;
    size_t n = 0;
    for (size_t i = first; i < last; i++) {
        uint32_t end = servers ? u->pairs[i].server : u->pairs[i].client;
        if (is_counted[end] || !prefix_set_contains(item, ends[end].addr)) continue;
        is_counted[end] = true;
        n++;
    }
    for (size_t i = first; i < last; i++)
        is_counted[servers ? u->pairs[i].server : u->pairs[i].client] = false;
    return n;
}

/* Adds `2 of the 40 known addresses of segment "branch"` for each item that few used. */
static void list_wide(const struct usage *u, size_t entry, size_t first, size_t last, bool servers,
                      bool other_is_seen, bool *is_counted, struct buf *out)
{
    const struct check_evidence *e = u->evidence;
    const struct entry *written = u->resolved->entries[entry].entry;
    const struct selectors *items = servers ? &written->to : &written->from;
    struct prefix_set meant = servers ? e->reaches[entry].to : e->reaches[entry].from;
    for (size_t i = 0; i < items->n; i++) {
        struct arena scratch = *u->scratch;
        struct selectors one = {&items->items[i], 1, true};
        struct prefix_set set = resolve_selectors(
            u->resolved, &one, servers ? RESOLVE_SERVER : RESOLVE_CLIENT, &scratch);
        set = prefix_set_intersect(&scratch, set, meant);
        struct check_counted known = check_evidence_count(e, set);
        size_t n = other_is_seen ? known.n : known.n - known.n_blind;
        size_t used = n_used(u, first, last, servers, set, is_counted);
        if (n < CHECK_WIDE_LEAST || used * CHECK_WIDE_ONE_IN >= n) continue;
        buf_format(out, "%s%zu of the %zu known %s of %.*s", out->len ? ", " : "", used, n,
                   servers ? "servers" : "clients", STR_ARG(item_text(u, &items->items[i])));
    }
}

static void check_wide(struct usage *u, size_t entry, size_t first, size_t last, bool *is_counted)
{
    const struct check_evidence *e = u->evidence;
    struct check_counted clients = check_evidence_count(e, e->reaches[entry].from);
    struct check_counted servers = check_evidence_count(e, e->reaches[entry].to);
    struct buf wide = buf_in(u->arena);
    list_wide(u, entry, first, last, false, servers.n && !servers.n_blind, is_counted, &wide);
    list_wide(u, entry, first, last, true, clients.n && !clients.n_blind, is_counted, &wide);
    if (!wide.len) return;
    warn(u, entry, S("wider-than-observed"),
         str_format(u->arena,
                    "%.*s is wider than its use: flows %.*s used it between %zu of its %" PRIu64
                    " known pairs; %.*s (fewer than one in %d)",
                    STR_ARG(reach_label(u->arena, &u->resolved->entries[entry])), STR_ARG(e->span),
                    last - first, (uint64_t)clients.n * servers.n, STR_ARG(buf_text(&wide)),
                    CHECK_WIDE_ONE_IN));
}

void check_usage(const struct check_evidence *evidence, struct arena *arena, struct arena scratch,
                 struct diagnostics *found)
{
    struct usage u = {.evidence = evidence,
                      .resolved = evidence->resolved,
                      .arena = arena,
                      .scratch = &scratch,
                      .found = found};
    size_t n = u.resolved->n_entries;
    if (!n) return;
    lay(&u, arena);
    find_pairs(&u, arena);
    bool *is_counted = arena_array(arena, bool, evidence->replay->n_ends);
    for (size_t i = 0, first = 0, last; i < n; i++, first = last) {
        for (last = first; last < u.n_pairs && u.pairs[last].entry == i;)
            last++;
        /* What can't match at all is said already. */
        if (!evidence->reaches[i].from.n || !evidence->reaches[i].to.n ||
            !u.resolved->entries[i].entry->n_services)
            continue;
        if (first == last)
            check_unused(&u, i);
        else
            check_wide(&u, i, first, last, is_counted);
    }
}
