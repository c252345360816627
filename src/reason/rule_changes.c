/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/rule_changes.h"

#include "base/map.h"

/* All rules of one id on one side. */
struct said {
    const struct rule *first;
    size_t n;
    bool enabled;
    struct prefix_set local, remote;
};

struct named {
    str id;
    struct said sides[2];
};

struct naming {
    struct named *items;
    size_t n, room;
    struct map known;
    struct arena *arena;
};

str rule_changes_text(enum rule_change_kind kind)
{
    static const str texts[] = {
#define X(name, text) {text, sizeof(text) - 1},
        RULE_CHANGES(X)
#undef X
    };
    assert((size_t)kind < COUNT_OF(texts));
    return texts[kind];
}

static void add(struct naming *naming, const struct rule *rule, size_t side)
{
    bool fresh = false;
    uint64_t at = *map_put(&naming->known, naming->arena, rule->id, naming->n, &fresh);
    if (fresh) {
        arena_grow(naming->arena, naming->items, naming->n, naming->room);
        naming->items[naming->n++] = (struct named){.id = rule->id};
    }
    struct said *said = &naming->items[at].sides[side];
    if (!said->first || (rule->enabled && !said->enabled)) said->first = rule;
    if (!rule->enabled) return;
    said->enabled = true;
    said->n++;
    struct prefix_set local = prefix_set_union(naming->arena, said->local, rule->local);
    struct prefix_set remote = prefix_set_union(naming->arena, said->remote, rule->remote);
    said->local = prefix_set_of(naming->arena, local.ranges, local.n);
    said->remote = prefix_set_of(naming->arena, remote.ranges, remote.n);
}

static bool same_form(const struct rule *a, const struct rule *b)
{
    bool same = a->direction == b->direction && a->action == b->action &&
                a->profiles == b->profiles && a->transport == b->transport &&
                a->n_ports == b->n_ports && str_equal(a->program, b->program) &&
                str_equal(a->principals, b->principals);
    for (size_t i = 0; same && i < a->n_ports; i++)
        same = a->ports[i].first == b->ports[i].first && a->ports[i].last == b->ports[i].last;
    return same;
}

/* False when both say the same. */
static bool find_change(const struct named *named, struct arena *arena, struct rule_change *out)
{
    const struct said *before = &named->sides[0], *after = &named->sides[1];
    if (!before->enabled && !after->enabled) return false;
    bool both = before->enabled && after->enabled;
    bool same_local = prefix_set_equal(before->local, after->local);
    bool same_remote = prefix_set_equal(before->remote, after->remote);
    if (both && same_local && same_remote && before->n == after->n &&
        same_form(before->first, after->first))
        return false;
    struct prefix_set lost = prefix_set_subtract(arena, before->remote, after->remote);
    struct prefix_set gained = prefix_set_subtract(arena, after->remote, before->remote);
    const struct rule *rule = after->enabled ? after->first : before->first;
    bool blocks = rule->action == ACTION_BLOCK;
    *out = (struct rule_change){
        .kind = both              ? RULE_CHANGE_CHANGES
                : before->enabled ? (after->first ? RULE_CHANGE_DISABLED : RULE_CHANGE_GOES)
                                  : (before->first ? RULE_CHANGE_ENABLED : RULE_CHANGE_COMES),
        .rule = rule,
        .closes = blocks ? gained : lost,
        .opens = blocks ? lost : gained,
        .local = prefix_set_union(arena, before->local, after->local),
        .remote = prefix_set_union(arena, before->remote, after->remote),
        .local_differs = both && !same_local,
    };
    return true;
}

struct rule_changes rule_changes_of(struct ruleset before, struct ruleset after,
                                    struct arena *arena)
{
    struct naming naming = {.arena = arena};
    for (size_t i = 0; i < before.n; i++)
        add(&naming, &before.rules[i], 0);
    for (size_t i = 0; i < after.n; i++)
        add(&naming, &after.rules[i], 1);
    struct rule_change *items = arena_array(arena, struct rule_change, naming.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < naming.n; i++)
        n += find_change(&naming.items[i], arena, &items[n]);
    return (struct rule_changes){items, n};
}
