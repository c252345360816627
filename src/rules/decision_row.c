/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a decision, made when somebody asks. A row's number says how to make it. Numbers 0 and 1
 * are everyone and local addresses alone; the others, per service: who has an intent towards
 * servers of a kind, what clients make of that in each profile, what borders make of it, and whole
 * paths.
 */
#include "base/hash.h"
#include "rules/decision_state.h"

enum { SECURED_OR_NOT = 2, PATHS = PROFILE_COUNT * 2 };

static uint32_t numbers_of_service(const struct decision *d, const struct row_numbers *numbers)
{
    uint64_t n = (uint64_t)numbers->n_kinds * SECURED_OR_NOT * (1 + PROFILE_COUNT) +
                 (uint64_t)d->n_classes * (1 + PATHS);
    assert(n < UINT32_MAX - numbers->base && "rows outnumber their numbers");
    return (uint32_t)n;
}

/* Servers that no path tells apart: equal intents and one place. */
static const uint32_t *find_paths(const struct decision *d, const struct intents *intents,
                                  struct arena *arena, struct arena scratch)
{
    size_t n_slots = 16;
    while (n_slots < 2 * (size_t)d->n_classes)
        n_slots *= 2;
    uint32_t *slots = arena_array(&scratch, uint32_t, n_slots);
    uint32_t *path_of = arena_array(arena, uint32_t, d->n_classes);
    for (uint32_t c = 0; c < d->n_classes; c++) {
        uint64_t key = (uint64_t)intents_kind(intents, c) << 32 | d->place_of[c];
        size_t at = (size_t)hash_u64(key) & (n_slots - 1);
        for (; slots[at]; at = (at + 1) & (n_slots - 1)) {
            uint32_t other = slots[at] - 1;
            if (key == ((uint64_t)intents_kind(intents, other) << 32 | d->place_of[other])) break;
        }
        if (!slots[at]) slots[at] = c + 1;
        path_of[c] = slots[at] - 1;
    }
    return path_of;
}

void decision_row_number(struct decision *d, struct arena *arena, struct arena scratch)
{
    const struct policy *policy = d->resolved->policy;
    uint32_t next = DECISION_ROW_FIRST;
    d->numbers = arena_array(arena, struct row_numbers, policy->services.n + 1);
    for (size_t i = 0; i < policy->services.n; i++) {
        if (!d->services[i]) continue;
        struct row_numbers *numbers = &d->numbers[i];
        numbers->base = next;
        numbers->n_kinds = intents_kinds(d->services[i]);
        numbers->path_of = find_paths(d, d->services[i], arena, scratch);
        next += numbers_of_service(d, numbers);
    }
}

/* In clear and secured are one where no entry asks for security. */
static uint32_t level_number(const struct intents *intents, bool secured)
{
    return secured && !intents_all_plain(intents) ? 0 : 1;
}

static enum intent_level level_of(uint32_t number)
{
    return number ? INTENTS_ALLOW : INTENTS_IF_SECURE;
}

/* Who blocks by mode does so whoever asks: the row of intent does not matter. */
static uint32_t inbound_row(const struct decision *d, int service, enum profile profile,
                            bool secured, uint32_t server)
{
    const struct row_numbers *numbers = &d->numbers[service];
    const struct intents *intents = d->services[service];
    enum profile_mode mode = (enum profile_mode)decision_place(d, server)->modes[profile];
    if (mode == MODE_UNSET || mode == MODE_OFF) return DECISION_ROW_ALL;
    uint32_t kind = intents_kind(intents, server);
    if (mode != MODE_ENFORCE || intents_is_nobody(intents, kind)) return DECISION_ROW_LOCAL;
    return numbers->base + level_number(intents, secured) * numbers->n_kinds + kind;
}

/* Profiles in which every client's mode lets the same through are one: the first. */
static enum profile first_alike(const struct decision *d, enum profile profile)
{
    for (size_t p = 0; p < profile; p++) {
        bool alike = true;
        for (size_t m = MODE_ENFORCE; m <= MODE_OFF; m++)
            alike = alike && class_set_equal(d->modes[p][m], d->modes[profile][m]);
        if (alike) return (enum profile)p;
    }
    return profile;
}

uint32_t decision_row(const struct decision *decision, int service, enum profile profile,
                      enum side side, bool secured, uint32_t server_class)
{
    const struct decision *d = decision;
    assert(decision_governs(d, service) && "only governed services have rows");
    const struct row_numbers *numbers = &d->numbers[service];
    const struct intents *intents = d->services[service];
    if (decision_place(d, server_class)->local) return DECISION_ROW_ALL;
    if (side == SIDE_BORDER && !d->resolved->n_borders) return DECISION_ROW_ALL;
    if (side == SIDE_SERVER_INBOUND) return inbound_row(d, service, profile, secured, server_class);
    uint32_t row = numbers->base, level = level_number(intents, secured);
    if (side == SIDE_CLIENT_OUTBOUND) {
        row += (1 + (uint32_t)first_alike(d, profile)) * SECURED_OR_NOT * numbers->n_kinds;
        return row + level * numbers->n_kinds + intents_kind(intents, server_class);
    }
    row += (1 + PROFILE_COUNT) * SECURED_OR_NOT * numbers->n_kinds;
    if (side == SIDE_COUNT) row += (1 + 2 * (uint32_t)profile + level) * d->n_classes;
    return row + numbers->path_of[server_class];
}

/* Outbound, what the clients' own modes make of an intent. */
static struct class_set outbound_classes(const struct decision *d, size_t profile,
                                         struct class_set intended, struct arena *arena)
{
    const struct class_set *modes = d->modes[profile];
    struct class_set by_intent =
        class_set_unite(arena, modes[MODE_ENFORCE], modes[MODE_BLOCK_INBOUND]);
    const struct class_set parts[] = {
        class_set_intersect(arena, by_intent, intended),
        class_set_subtract(arena, d->all, d->enforcing),
        modes[MODE_OFF],
        d->local,
    };
    return class_set_unite_all(arena, parts, COUNT_OF(parts));
}

/* All but those across a border that nobody means to let through. */
static struct class_set border_classes(const struct decision *d, uint32_t server,
                                       struct class_set intended, struct arena *arena)
{
    size_t n = d->resolved->n_borders;
    struct class_set *parts = arena_array(arena, struct class_set, n);
    for (size_t i = 0; i < n; i++)
        parts[i] = class_set_has(d->borders[i], server)
                       ? class_set_subtract(arena, d->all, d->borders[i])
                       : d->borders[i];
    struct class_set cut = class_set_unite_all(arena, parts, n);
    cut = class_set_subtract(arena, cut, intended);
    cut = class_set_subtract(arena, cut, d->local);
    return class_set_subtract(arena, d->all, cut);
}

static struct class_set path_classes(const struct decision *d, int service, enum profile profile,
                                     bool secured, uint32_t server, struct arena *arena)
{
    struct class_set passing = d->all;
    for (unsigned side = 0; side < SIDE_COUNT; side++) {
        uint32_t row = decision_row(d, service, profile, (enum side)side, secured, server);
        passing = class_set_intersect(arena, passing, decision_row_classes(d, row, arena));
    }
    return passing;
}

/* The set of a row of this service; row counts from the service's first. */
static struct class_set make_row(const struct decision *d, int service, uint32_t row,
                                 struct arena *arena)
{
    const struct row_numbers *numbers = &d->numbers[service];
    const struct intents *intents = d->services[service];
    uint32_t of_intents = SECURED_OR_NOT * numbers->n_kinds;
    if (row < of_intents * (1 + PROFILE_COUNT)) {
        uint32_t place_in = row % of_intents;
        struct class_set intended = intents_clients(intents, place_in % numbers->n_kinds,
                                                    level_of(place_in / numbers->n_kinds), arena);
        if (row < of_intents) return class_set_unite(arena, d->local, intended);
        return outbound_classes(d, row / of_intents - 1, intended, arena);
    }
    row -= of_intents * (1 + PROFILE_COUNT);
    uint32_t server = row % d->n_classes, what = row / d->n_classes;
    if (what)
        return path_classes(d, service, (enum profile)((what - 1) / 2), !((what - 1) % 2), server,
                            arena);
    struct class_set intended =
        intents_clients(intents, intents_kind(intents, server), INTENTS_IF_SECURE, arena);
    return border_classes(d, server, intended, arena);
}

struct class_set decision_row_classes(const struct decision *decision, uint32_t row,
                                      struct arena *arena)
{
    const struct decision *d = decision;
    if (row == DECISION_ROW_ALL) return d->all;
    if (row == DECISION_ROW_LOCAL) return d->local;
    size_t service = d->resolved->policy->services.n;
    while (service && (!d->services[service - 1] || d->numbers[service - 1].base > row))
        service--;
    assert(service && "a row of this decision");
    service--;
    struct arena temporary = *arena;
    struct class_set classes =
        make_row(d, (int)service, row - d->numbers[service].base, &temporary);
    return class_set_keep(arena, &temporary, classes);
}
