/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/exception_pairs.h"

#include "base/map.h"

/* ---- Counting -----------------------------------------------------------------------------------
 */

static uint64_t add_up(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    return num_add(a, b, &sum) ? sum : UINT64_MAX;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    return num_mul(a, b, &product) ? product : UINT64_MAX;
}

/* Two addresses of one machine. */
struct own_pair {
    struct addr client, server;
};

static int own_order(const void *left, const void *right)
{
    const struct own_pair *a = left, *b = right;
    int order = addr_compare(a->client, b->client);
    return order ? order : addr_compare(a->server, b->server);
}

/* Of different addresses of one machine, a pair for each of one family; each once, though machines
 * may share addresses. */
static uint64_t count_own(const struct resolved *resolved, struct prefix_set clients,
                          struct prefix_set servers, struct arena scratch)
{
    struct own_pair *pairs = NULL;
    size_t n = 0, room = 0, kept = 0;
    for (size_t m = 0; m < resolved->n_machines; m++) {
        const struct machine *machine = &resolved->machines[m];
        for (size_t i = 0; machine->n_addrs > 1 && i < machine->n_addrs; i++) {
            struct addr c = machine->addrs[i];
            if (!prefix_set_contains(clients, c)) continue;
            for (size_t j = 0; j < machine->n_addrs; j++) {
                struct addr s = machine->addrs[j];
                if (addr_equal(c, s) || addr_is_v4(c) != addr_is_v4(s)) continue;
                if (!prefix_set_contains(servers, s)) continue;
                arena_grow(&scratch, pairs, n, room);
                pairs[n++] = (struct own_pair){c, s};
            }
        }
    }
    if (n) qsort(pairs, n, sizeof *pairs, own_order);
    for (size_t i = 0; i < n; i++)
        if (!i || own_order(&pairs[i - 1], &pairs[i])) kept++;
    return kept;
}

static uint64_t count_family(struct prefix_set clients, struct prefix_set servers,
                             struct arena scratch)
{
    uint64_t all = multiply(prefix_set_size(clients), prefix_set_size(servers));
    if (all == UINT64_MAX) return all;
    return all - prefix_set_size(prefix_set_intersect(&scratch, clients, servers));
}

uint64_t exception_pairs_count(const struct resolved *resolved, struct prefix_set clients,
                               struct prefix_set servers, struct arena scratch)
{
    uint64_t v4 =
        count_family(prefix_set_v4(&scratch, clients), prefix_set_v4(&scratch, servers), scratch);
    uint64_t v6 =
        count_family(prefix_set_v6(&scratch, clients), prefix_set_v6(&scratch, servers), scratch);
    uint64_t all = add_up(v4, v6);
    return all == UINT64_MAX ? all : all - count_own(resolved, clients, servers, scratch);
}

static uint64_t count_blocks(const struct resolved *resolved, const struct exception_blocks *blocks,
                             struct arena scratch)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < blocks->n; i++)
        sum = add_up(sum, exception_pairs_count(resolved, blocks->items[i].clients,
                                                blocks->items[i].servers, scratch));
    return sum;
}

/* ---- The policy with it and without it ----------------------------------------------------------
 */

static bool lists(const struct entry *entry, size_t service)
{
    for (size_t i = 0; i < entry->n_services; i++)
        if (entry->services[i] == service) return true;
    return false;
}

static bool share_service(const struct entry *a, const struct entry *b)
{
    for (size_t i = 0; i < a->n_services; i++)
        if (lists(b, a->services[i])) return true;
    return false;
}

/* True when they may have a pair in common. */
static bool meets(const struct resolved_entry *e, const struct exception_pairs *p)
{
    return share_service(e->entry, p->entry->entry) &&
           (e->from_unknown.len || prefix_set_overlaps(e->from, p->reach.from)) &&
           (e->to_unknown.len || prefix_set_overlaps(e->to, p->reach.to));
}

void exception_pairs_errors(const struct diagnostics *from, struct diagnostics *to,
                            struct arena *arena)
{
    const struct source_text *file = to->file;
    for (size_t i = 0; i < from->n; i++) {
        const struct diagnostic *d = &from->items[i];
        if (d->severity != SEVERITY_ERROR) continue;
        to->file = d->file;
        diagnostics_add(to, arena, d->severity, d->kind, d->place, d->text);
    }
    to->file = file;
}

/* The whole policy, with the exception as its last entry. */
static struct resolved *resolve_with(const struct policy *policy, const struct exception *exception,
                                     const struct host_lookup *lookup, int64_t as_of_us,
                                     struct arena *arena, struct diagnostics *found)
{
    struct policy *with = arena_new(arena, struct policy);
    struct exception *all = arena_array(arena, struct exception, policy->n_exceptions + 1);
    struct resolved *resolved = arena_new(arena, struct resolved);
    struct diagnostics told = {0};
    if (policy->n_exceptions) memcpy(all, policy->exceptions, policy->n_exceptions * sizeof *all);
    all[policy->n_exceptions] = *exception;
    all[policy->n_exceptions].starts_us = INT64_MIN;
    all[policy->n_exceptions].expires_us = INT64_MAX;
    *with = *policy;
    with->exceptions = all;
    with->n_exceptions = policy->n_exceptions + 1;
    if (resolve_policy(with, lookup, as_of_us, true, arena, resolved, &told)) return resolved;
    exception_pairs_errors(&told, found, arena);
    return NULL;
}

/* Entries that can't meet the exception have no say in its pairs. */
static struct resolved *cut(const struct resolved *whole, struct exception_pairs *p,
                            struct arena *arena)
{
    struct resolved *out = arena_new(arena, struct resolved);
    struct resolved_entry *entries = arena_array(arena, struct resolved_entry, whole->n_entries);
    size_t n = 0;
    for (size_t i = 0; i + 1 < whole->n_entries; i++)
        if (meets(&whole->entries[i], p)) entries[n++] = whole->entries[i];
    entries[n] = *p->entry;
    p->entry = &entries[n];
    *out = *whole;
    out->entries = entries;
    out->n_entries = n + 1;
    return out;
}

static void decide(struct exception_pairs *p, struct arena *arena, struct arena scratch)
{
    struct resolved *without = arena_new(arena, struct resolved);
    struct prefix_set *sets = NULL;
    size_t n = 0, room = 0;
    decision_sets(p->resolved, &scratch, &sets, &n, &room);
    const struct prefix_set more[] = {
        p->reach.from, p->reach.to, {&addr_all_v4, 1}
    };
    for (size_t i = 0; i < COUNT_OF(more); i++) {
        arena_grow(&scratch, sets, n, room);
        sets[n++] = more[i];
    }
    const struct atoms *atoms = atoms_build(sets, n, arena, scratch);
    *without = *p->resolved;
    without->n_entries--;
    p->with = decision_build(p->resolved, atoms, arena, scratch);
    p->without = decision_build(without, atoms, arena, scratch);
}

/* ---- Rows ---------------------------------------------------------------------------------------
 */

enum { ROW_WITH, ROW_WITHOUT, ROW_INTENT_WITH, ROW_INTENT_WITHOUT, ROW_KINDS };

/* Server classes of which all rows are alike. */
struct alike {
    uint32_t *classes;
    size_t n, room;
};

struct rows {
    struct exception_pairs *pairs;
    const size_t *services; /* those that are governed */
    size_t n_services;
    struct intent_rows *intents[2]; /* with, without; per service */
    struct class_set clients;
    struct map known; /* row numbers → alike */
    struct alike *alikes;
    size_t n, room;
    struct arena *arena, *scratch;
};

static const uint32_t *intent_of(const struct rows *r, size_t service, bool without)
{
    const struct intent_rows *rows = &r->intents[without][service];
    return r->pairs->secured ? rows->either : rows->allow;
}

/* The numbers of the rows of one server class, four per service. */
static void numbers_of(const struct rows *r, uint32_t server, uint32_t *out)
{
    const struct exception_pairs *p = r->pairs;
    for (size_t i = 0; i < r->n_services; i++) {
        uint32_t *row = &out[i * ROW_KINDS];
        int service = (int)r->services[i];
        row[ROW_WITH] =
            decision_row(p->with, service, PROFILE_DOMAIN, SIDE_COUNT, p->secured, server);
        row[ROW_WITHOUT] =
            decision_row(p->without, service, PROFILE_DOMAIN, SIDE_COUNT, p->secured, server);
        row[ROW_INTENT_WITH] = intent_of(r, i, false)[server];
        row[ROW_INTENT_WITHOUT] = intent_of(r, i, true)[server];
    }
}

static void sort_servers(struct rows *r)
{
    const struct exception_pairs *p = r->pairs;
    struct class_set servers = atoms_classes(decision_atoms(p->with), p->reach.to, r->scratch);
    size_t n = r->n_services * ROW_KINDS;
    uint32_t *numbers = arena_array(r->scratch, uint32_t, n + 1);
    for (uint32_t s = class_set_next(servers, 0); s != UINT32_MAX;
         s = class_set_next(servers, s + 1)) {
        bool fresh = false;
        numbers_of(r, s, numbers);
        str key = {(const char *)numbers, n * sizeof *numbers};
        uint64_t at = *map_put(&r->known, r->scratch, key, r->n, &fresh);
        if (fresh) {
            arena_grow(r->scratch, r->alikes, r->n, r->room);
            r->alikes[r->n++] = (struct alike){0};
        }
        struct alike *alike = &r->alikes[at];
        arena_grow(r->scratch, alike->classes, alike->n, alike->room);
        alike->classes[alike->n++] = s;
    }
}

static struct class_set row_of(const struct rows *r, size_t service, int kind, uint32_t number)
{
    const struct exception_pairs *p = r->pairs;
    struct class_set row = {0};
    if (kind == ROW_WITH) row = decision_row_classes(p->with, number, r->scratch);
    if (kind == ROW_WITHOUT) row = decision_row_classes(p->without, number, r->scratch);
    if (kind == ROW_INTENT_WITH) row = class_sets_get(&r->intents[0][service].sets, number);
    if (kind == ROW_INTENT_WITHOUT) row = class_sets_get(&r->intents[1][service].sets, number);
    return class_set_intersect(r->scratch, row, r->clients);
}

static void add_block(const struct rows *r, struct exception_blocks *blocks,
                      struct class_set clients, struct prefix_set servers)
{
    if (class_set_is_empty(clients)) return;
    arena_grow(r->arena, blocks->items, blocks->n, blocks->room);
    blocks->items[blocks->n++] = (struct exception_block){
        atoms_addresses(decision_atoms(r->pairs->with), clients, r->arena), servers};
}

static void add_blocks(const struct rows *r, const struct alike *alike)
{
    struct exception_pairs *p = r->pairs;
    struct class_set passing = {0}, opened = {0}, allowed = {0};
    struct arena *work = r->scratch;
    uint32_t *numbers = arena_array(work, uint32_t, r->n_services * ROW_KINDS + 1);
    numbers_of(r, alike->classes[0], numbers);
    for (size_t i = 0; i < r->n_services; i++) {
        struct class_set rows[ROW_KINDS];
        for (int k = 0; k < ROW_KINDS; k++)
            rows[k] = row_of(r, i, k, numbers[i * ROW_KINDS + (size_t)k]);
        struct class_set more = class_set_subtract(work, rows[ROW_WITH], rows[ROW_WITHOUT]);
        struct class_set meant =
            class_set_subtract(work, rows[ROW_INTENT_WITH], rows[ROW_INTENT_WITHOUT]);
        passing = class_set_unite(work, passing, rows[ROW_WITH]);
        opened = class_set_unite(work, opened, more);
        allowed = class_set_unite(work, allowed, meant);
    }
    struct prefix_set servers = atoms_addresses(
        decision_atoms(p->with), class_set_of(work, alike->classes, alike->n), r->arena);
    add_block(r, &p->open, class_set_subtract(work, passing, opened), servers);
    add_block(r, &p->opened, opened, servers);
    add_block(r, &p->allowed, allowed, servers);
}

/* Whether the unknown members of other entries would change what passes to a server without it. */
static bool server_hangs(const struct rows *r, uint32_t server)
{
    const struct exception_pairs *p = r->pairs;
    for (size_t j = 0; j < r->n_services; j++) {
        struct class_set rows[2];
        struct arena work = *r->scratch;
        for (int k = 0; k < 2; k++) {
            const struct decision *of = k ? decision_possible(p->without) : p->without;
            uint32_t row = decision_row(of, (int)r->services[j], PROFILE_DOMAIN, SIDE_COUNT,
                                        p->secured, server);
            rows[k] = class_set_intersect(&work, decision_row_classes(of, row, &work), r->clients);
        }
        if (!class_set_equal(rows[0], rows[1])) return true;
    }
    return false;
}

static bool hangs_on_unknown(const struct rows *r)
{
    if (decision_possible(r->pairs->without) == r->pairs->without) return false;
    for (size_t i = 0; i < r->n; i++)
        for (size_t j = 0; j < r->alikes[i].n; j++)
            if (server_hangs(r, r->alikes[i].classes[j])) return true;
    return false;
}

static str unknown_of(const struct resolved_entry *e)
{
    if (e->from_unknown.len) return e->from_unknown;
    if (e->to_unknown.len) return e->to_unknown;
    return e->except_from_unknown.len ? e->except_from_unknown : e->except_to_unknown;
}

static str undecidable_of(const struct rows *r)
{
    const struct exception_pairs *p = r->pairs;
    str own = unknown_of(p->entry);
    if (own.len || !hangs_on_unknown(r)) return own;
    for (size_t i = 0; i + 1 < p->resolved->n_entries; i++) {
        str mark = unknown_of(&p->resolved->entries[i]);
        if (decision_unknown(mark)) return mark;
    }
    return S("a group of the perimeter");
}

static void compare(struct exception_pairs *p, struct arena *arena, struct arena scratch)
{
    struct arena work = arena_open("the pairs of an exception", 0, NULL);
    const struct entry *entry = p->entry->entry;
    size_t *services = arena_array(&work, size_t, entry->n_services + 1);
    struct rows r = {.pairs = p, .services = services, .arena = arena, .scratch = &work};
    for (size_t i = 0; i < entry->n_services; i++)
        if (decision_governs(p->with, (int)entry->services[i]))
            services[r.n_services++] = entry->services[i];
    for (size_t k = 0; k < 2; k++) {
        r.intents[k] = arena_array(&work, struct intent_rows, r.n_services + 1);
        for (size_t i = 0; i < r.n_services; i++)
            r.intents[k][i] = decision_intent_rows(k ? p->without : p->with, (int)services[i],
                                                   DIRECTION_INBOUND, &work, scratch);
    }
    r.clients = atoms_classes(decision_atoms(p->with), p->reach.from, &work);
    sort_servers(&r);
    for (size_t i = 0; i < r.n; i++)
        add_blocks(&r, &r.alikes[i]);
    p->undecidable = undecidable_of(&r);
    arena_close(&work);
}

bool exception_pairs_of(const struct policy *policy, const struct exception *exception,
                        const struct host_lookup *lookup, int64_t as_of_us, struct arena *arena,
                        struct arena scratch, struct exception_pairs *out,
                        struct diagnostics *found)
{
    struct resolved *whole = resolve_with(policy, exception, lookup, as_of_us, arena, found);
    if (!whole) return false;
    /* Living exceptions are the last entries, in their order. */
    struct exception_pairs p = {.entry = &whole->entries[whole->n_entries - 1]};
    p.reach = reach_of_entry(whole, p.entry, arena);
    p.secured = reach_is_secure(p.entry);
    p.resolved = cut(whole, &p, arena);
    decide(&p, arena, scratch);
    compare(&p, arena, scratch);
    p.n_opened = count_blocks(p.resolved, &p.opened, scratch);
    p.n_open = count_blocks(p.resolved, &p.open, scratch);
    p.n_allowed = count_blocks(p.resolved, &p.allowed, scratch);
    p.n_all = exception_pairs_count(p.resolved, p.reach.from, p.reach.to, scratch);
    *out = p;
    return true;
}

bool exception_pairs_opens(const struct exception_pairs *pairs, struct addr client,
                           struct addr server)
{
    for (size_t i = 0; i < pairs->opened.n; i++) {
        const struct exception_block *block = &pairs->opened.items[i];
        if (!prefix_set_contains(block->servers, server)) continue;
        return prefix_set_contains(block->clients, client) &&
               addr_is_v4(client) == addr_is_v4(server) &&
               !decision_one_machine(pairs->with, client, server);
    }
    return false;
}
