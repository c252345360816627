/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/first_match.h"

#include "rules/universe.h"
#include "targets/disjoint.h"

struct ruleset first_match_rules(struct ruleset rules, struct arena *arena)
{
    struct rule *kept = arena_array(arena, struct rule, rules.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < rules.n; i++) {
        struct rule *rule = &kept[n];
        if (!(rules.rules[i].profiles >> PROFILE_DOMAIN & 1u)) continue;
        *rule = rules.rules[i];
        rule->profiles = 1u << PROFILE_DOMAIN;
        /* What is no peer can't be a machine's own address either. */
        rule->remote = prefix_set_intersect(arena, rule->remote, universe_peers);
        if (!prefix_set_equal(rule->local, (struct prefix_set){&addr_all, 1}))
            rule->local = prefix_set_intersect(arena, rule->local, universe_peers);
        n++;
    }
    return disjoint_rules((struct ruleset){.rules = kept, .n = n}, arena);
}

/* ---- Stops --------------------------------------------------------------------------------------
 */

static bool same_ports(const struct rule *a, const struct rule *b)
{
    if (a->direction != b->direction || a->transport != b->transport || a->n_ports != b->n_ports)
        return false;
    for (size_t i = 0; i < a->n_ports; i++)
        if (a->ports[i].first != b->ports[i].first || a->ports[i].last != b->ports[i].last)
            return false;
    return true;
}

void first_match_add(struct first_match_stops *stops, struct arena *arena, const struct rule *rule,
                     size_t from, bool by_local)
{
    size_t at = from;
    while (at < stops->n &&
           !(same_ports(stops->items[at].rules[0], rule) &&
             (!by_local || prefix_set_equal(stops->items[at].rules[0]->local, rule->local))))
        at++;
    if (at == stops->n) {
        arena_grow(arena, stops->items, stops->n, stops->room);
        stops->items[stops->n++] = (struct first_match_stop){0};
    }
    struct first_match_stop *stop = &stops->items[at];
    arena_grow(arena, stop->rules, stop->n, stop->room);
    stop->rules[stop->n++] = rule;
}

static bool holds_everywhere(const struct first_match_stop *stop, struct arena *arena)
{
    struct range *ranges = NULL;
    size_t n = 0, room = 0;
    for (size_t i = 0; i < stop->n; i++)
        for (size_t j = 0; j < stop->rules[i]->local.n; j++) {
            arena_grow(arena, ranges, n, room);
            ranges[n++] = stop->rules[i]->local.ranges[j];
        }
    return prefix_set_covers(prefix_set_of(arena, ranges, n), universe_peers);
}

struct first_match_stops first_match_stops_of(struct ruleset rules, bool border,
                                              struct arena *arena)
{
    struct first_match_stops stops = {0}, out = {0};
    for (size_t i = 0; i < rules.n; i++)
        if (rules.rules[i].action == ACTION_BLOCK)
            first_match_add(&stops, arena, &rules.rules[i], 0, false);
    for (size_t i = 0; i < stops.n; i++) {
        struct first_match_stop *stop = &stops.items[i];
        size_t from = out.n;
        stop->everywhere = !border && holds_everywhere(stop, arena);
        if (border || stop->everywhere) {
            arena_grow(arena, out.items, out.n, out.room);
            out.items[out.n++] = *stop;
            continue;
        }
        for (size_t j = 0; j < stop->n; j++)
            first_match_add(&out, arena, stop->rules[j], from, true);
    }
    return out;
}

static struct prefix_set family_part(struct arena *arena, struct prefix_set set, bool v4)
{
    return v4 ? prefix_set_v4(arena, set) : prefix_set_v6(arena, set);
}

void first_match_ends(const struct first_match_stop *stop, bool v4, struct arena *arena,
                      struct prefix_set *out_local, struct prefix_set *out_remote)
{
    struct range *ranges[2] = {NULL, NULL};
    size_t n[2] = {0, 0}, room[2] = {0, 0};
    for (size_t i = 0; i < stop->n; i++) {
        struct prefix_set ends[] = {
            family_part(arena, stop->rules[i]->local, v4),
            family_part(arena, stop->rules[i]->remote, v4),
        };
        if (!ends[0].n || !ends[1].n) continue;
        for (size_t end = 0; end < COUNT_OF(ends); end++)
            for (size_t j = 0; j < ends[end].n; j++) {
                arena_grow(arena, ranges[end], n[end], room[end]);
                ranges[end][n[end]++] = ends[end].ranges[j];
            }
    }
    *out_local = prefix_set_of(arena, ranges[0], n[0]);
    *out_remote = prefix_set_of(arena, ranges[1], n[1]);
}

/* ---- Lines --------------------------------------------------------------------------------------
 */

static void add_line(struct first_match_lines *lines, struct arena *arena,
                     struct first_match_line line)
{
    arena_grow(arena, lines->items, lines->n, lines->room);
    lines->items[lines->n++] = line;
}

static void add_accept(struct first_match_lines *lines, const struct rule *rule,
                       struct arena *arena)
{
    bool any_local = prefix_set_equal(rule->local, (struct prefix_set){&addr_all, 1});
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct first_match_line line = {.rule = rule, .v4 = !v6, .any_local = any_local};
        line.local = family_part(arena, rule->local, !v6);
        line.remote = family_part(arena, rule->remote, !v6);
        if (line.local.n && line.remote.n) add_line(lines, arena, line);
    }
}

/* Whatever was not accepted before. That this is exactly the complement is the proof's business. A
 * border's line names both ends, since what does not cross it is not its own. */
static void add_stop(struct first_match_lines *lines, const struct first_match_stop *stop,
                     bool border, struct arena *arena)
{
    struct first_match_line line = {.rule = stop->rules[0], .any_local = stop->everywhere};
    line.any_remote = !border;
    if (stop->everywhere) {
        add_line(lines, arena, line);
        return;
    }
    for (unsigned v6 = 0; v6 < 2; v6++) {
        line.v4 = !v6;
        first_match_ends(stop, line.v4, arena, &line.local, &line.remote);
        if (line.local.n) add_line(lines, arena, line);
    }
}

struct first_match_lines first_match_lines_of(struct ruleset rules, bool border,
                                              struct arena *arena)
{
    struct first_match_lines lines = {0};
    struct first_match_stops stops = first_match_stops_of(rules, border, arena);
    for (size_t i = 0; i < rules.n; i++)
        if (rules.rules[i].action == ACTION_ALLOW) add_accept(&lines, &rules.rules[i], arena);
    for (size_t i = 0; i < stops.n; i++)
        add_stop(&lines, &stops.items[i], border, arena);
    return lines;
}
