/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/windows_slots.h"

#include "base/map.h"
#include "rules/bundle.h"
#include "rules/universe.h"
#include "targets/disjoint.h"

enum {
    UNUSED_PARTS = 2, /* of each family: what fits into 2000 ranges can grow and shrink */
    PROFILE_SETS = 1u << PROFILE_COUNT,
};

/* ---- Ranges -------------------------------------------------------------------------------------
 */

/* How many ones stand at the low end, when there is no other one; else -1. */
static int low_ones(uint64_t half)
{
    int n = 0;
    for (; half & 1; half >>= 1)
        n++;
    return half ? -1 : n;
}

/* Low bits in which the ends of a range differ, when it is one prefix; -1 when it is not. */
static int prefix_low_bits(struct range r)
{
    uint64_t hi = r.first.hi ^ r.last.hi, lo = r.first.lo ^ r.last.lo;
    int n_hi = low_ones(hi), n_lo = low_ones(lo);
    if (n_hi < 0 || n_lo < 0 || (n_hi > 0 && n_lo != 64)) return -1;
    if ((r.first.hi & hi) || (r.first.lo & lo)) return -1;
    return n_hi + n_lo;
}

str windows_slots_range(char out[WINDOWS_RANGE_TEXT], struct range range)
{
    char last[ADDR_TEXT];
    int low_bits = prefix_low_bits(range);
    size_t n = addr_text(out, range.first).len;
    if (low_bits > 0)
        n += (size_t)snprintf(out + n, WINDOWS_RANGE_TEXT - n, "/%d",
                              (addr_is_v4(range.first) ? 32 : 128) - low_bits);
    else if (low_bits < 0)
        n += (size_t)snprintf(out + n, WINDOWS_RANGE_TEXT - n, "-%.*s",
                              STR_ARG(addr_text(last, range.last)));
    return (str){out, n};
}

/* ---- Slots --------------------------------------------------------------------------------------
 */

struct making {
    struct windows_slot *items;
    size_t n, room;
    size_t most; /* ranges of a rule */
    struct arena *arena;
};

/* Ids are made of such characters alone (rules/bundle); a reader of names need not trust that. */
static str plain_id(str id, struct arena *arena)
{
    enum { MOST = 480 }; /* with the part below 511, [MS-FASP] 2.2.37 */
    char *plain = arena_array(arena, char, id.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < id.len && n < MOST; i++) {
        char c = id.ptr[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_';
        plain[n++] = good ? c : '_';
    }
    return (str){plain, n};
}

static void add(struct making *m, const struct rule *rule, bool v4, size_t number,
                struct windows_slot slot)
{
    slot.rule = rule;
    slot.v4 = v4;
    slot.part = str_format(m->arena, "%s-%zu", v4 ? "v4" : "v6", number);
    slot.id = str_format(m->arena, "%.*s-%.*s", STR_ARG(plain_id(rule->id, m->arena)),
                         STR_ARG(slot.part));
    arena_grow(m->arena, m->items, m->n, m->room);
    m->items[m->n++] = slot;
}

static size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

/* One family of one rule, over as many rules as the limit makes of it. */
static void add_family(struct making *m, const struct rule *rule, bool v4, bool every_local)
{
    struct prefix_set (*family)(struct arena *, struct prefix_set) =
        v4 ? prefix_set_v4 : prefix_set_v6;
    /* What Windows refuses as an end point is residue (RULES.md lists it). */
    struct prefix_set remote = prefix_set_intersect(m->arena, rule->remote, universe_windows);
    struct prefix_set local = prefix_set_intersect(m->arena, rule->local, universe_windows);
    remote = family(m->arena, remote);
    local = family(m->arena, local);
    size_t number = 0, n_local = every_local ? 1 : local.n;
    for (size_t l = 0; l < n_local; l += m->most) {
        for (size_t r = 0; r < remote.n; r += m->most) {
            struct windows_slot slot = {.remote = remote.ranges + r,
                                        .n_remote = at_most(remote.n - r, m->most)};
            if (!every_local) {
                slot.local = local.ranges + l;
                slot.n_local = at_most(local.n - l, m->most);
            }
            add(m, rule, v4, ++number, slot);
        }
    }
}

struct windows_slots windows_slots_of(struct ruleset rules, size_t ranges_per_rule,
                                      struct arena *arena)
{
    const struct prefix_set all = {&addr_all, 1};
    struct making m = {.most = ranges_per_rule, .arena = arena};
    struct ruleset once = disjoint_rules(rules, arena);
    for (unsigned action = ACTION_ALLOW; action <= ACTION_BLOCK; action++)
        for (size_t i = 0; i < once.n; i++) {
            const struct rule *rule = &once.rules[i];
            if (rule->action != (enum action)action) continue;
            bool every_local = prefix_set_equal(rule->local, all);
            add_family(&m, rule, true, every_local);
            add_family(&m, rule, false, every_local);
        }
    return (struct windows_slots){m.items, m.n};
}

/* ---- Slots that are not used --------------------------------------------------------------------
 */

static void add_unused(struct making *m, const struct map *used, const struct rule *like)
{
    struct rule *rule = NULL;
    for (unsigned v4 = 0; v4 < 2; v4++)
        for (size_t part = 1; part <= UNUSED_PARTS; part++) {
            struct arena scratch = *m->arena;
            str id = str_format(&scratch, "%.*s-%s-%zu", STR_ARG(like->id), v4 ? "v4" : "v6", part);
            if (map_find(used, str_lower(&scratch, id))) continue;
            if (!rule) rule = arena_new(m->arena, struct rule);
            *rule = *like;
            add(m, rule, v4, part, (struct windows_slot){0});
        }
}

static void add_service(struct making *m, const struct map *used, const struct service *service,
                        struct bundle_id id, str group)
{
    static const enum transport transports[] = {TRANSPORT_TCP, TRANSPORT_UDP};
    static const enum action actions[] = {ACTION_ALLOW_IF_SECURE, ACTION_BLOCK};
    for (size_t t = 0; t < COUNT_OF(transports); t++) {
        struct rule rule = {.transport = transports[t], .group = group, .program = service->mark};
        for (size_t i = 0; i < service->n_ports; i++)
            if (service->ports[i].transport == rule.transport)
                rule_add_port(&rule, m->arena, service->ports[i]);
        if (!rule.n_ports) continue;
        id.transport = rule.transport;
        for (unsigned k = 0; k < 2 * COUNT_OF(actions); k++) {
            id.direction = rule.direction = k & 1 ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
            id.action = rule.action = actions[k / 2];
            for (unsigned profiles = 1; profiles < PROFILE_SETS; profiles++) {
                id.profiles = rule.profiles = (uint8_t)profiles;
                rule.id = bundle_id_text(&id, m->arena);
                rule.name = rule.id;
                rule.why = S("not used; it takes the place of an older artefact's rule");
                add_unused(m, used, &rule);
            }
        }
    }
}

struct windows_slots windows_slots_unused(const struct policy *policy, str workspace,
                                          struct windows_slots used, struct arena *arena)
{
    struct making m = {.arena = arena};
    struct map known = {0};
    const str *words = bundle_service_words(&policy->services, arena);
    str group = str_format(arena, "sallyport %.*s", STR_ARG(workspace));
    for (size_t i = 0; i < used.n; i++)
        (void)map_put(&known, arena, str_lower(arena, used.items[i].id), 1, NULL);
    for (size_t i = 0; i < policy->services.n; i++) {
        struct bundle_id id = {.workspace = workspace, .service = words[i], .scope = 1};
        if (policy->governed[i]) add_service(&m, &known, &policy->services.services[i], id, group);
    }
    return (struct windows_slots){m.items, m.n};
}
