/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_entries.h"

#include "policy/diagnostics.h"
#include "reason/check_covers.h"
#include "reason/check_dates.h"
#include "reason/check_exposure.h"
#include "rules/decision.h"

static void warn_of_internet(const struct resolved *resolved, const struct selectors *selectors,
                             struct arena *arena, struct diagnostics *found)
{
    for (size_t i = 0; i < selectors->n; i++) {
        const struct selector *s = &selectors->items[i];
        if (s->kind != SELECT_PREFIX) continue;
        struct range range = prefix_range(s->prefix);
        if (!prefix_set_covers(resolved->places.internet, (struct prefix_set){&range, 1})) continue;
        char text[PREFIX_TEXT];
        diagnostics_warn(found, arena, S("never-matches"), s->place,
                         "%.*s lives in the internet: no allow entry matches there without the "
                         "word internet, expected a perimeter entry",
                         STR_ARG(prefix_text(text, s->prefix)));
    }
}

/* Members of groups that will not authenticate by themselves or must not depend on it. */
static void warn_of_authentication(const struct resolved *resolved, const struct resolved_entry *e,
                                   const struct reach *reach, struct arena *arena,
                                   struct diagnostics *found)
{
    const struct policy *policy = resolved->policy;
    char text[ADDR_TEXT];
    if (!reach_is_secure(e)) return;
    for (size_t i = 0; i < policy->n_groups; i++) {
        const struct group *group = &policy->groups[i];
        bool depends = group->role == ROLE_DOMAIN_CONTROLLER || group->role == ROLE_CLUSTER;
        if (group->managed && !depends) continue;
        struct prefix_set at = prefix_set_intersect(arena, reach->to, resolved->groups[i]);
        if (!at.n && !group->managed)
            at = prefix_set_intersect(arena, reach->from, resolved->groups[i]);
        if (!at.n) continue;
        diagnostics_warn(found, arena, S("cannot-authenticate"), e->entry->place,
                         "%.*s needs %.*s, but %.*s of group \"%.*s\" %s; expected secure: none",
                         STR_ARG(reach_label(arena, e)), STR_ARG(secure_text(e->secure)),
                         STR_ARG(addr_text(text, at.ranges[0].first)), STR_ARG(group->name),
                         group->managed ? "must be reached before anyone can authenticate"
                                        : "enforces nothing and may not be able to");
    }
}

static void check_perimeter(const struct resolved *resolved, struct arena *arena,
                            struct diagnostics *found)
{
    for (size_t i = 0; i < resolved->n_perimeter; i++) {
        const struct resolved_perimeter *p = &resolved->perimeter[i];
        bool empty_inside = p->direction == DIRECTION_OUTBOUND ? !p->from.n : !p->to.n;
        bool empty_outside = p->direction == DIRECTION_OUTBOUND ? !p->to.n : !p->from.n;
        /* A service tag that can't be read is said already. */
        if (empty_outside && (p->entry->n_from_tags || p->entry->n_to_tags)) continue;
        if (empty_inside || empty_outside)
            diagnostics_warn(found, arena, S("never-matches"), p->entry->place,
                             "this perimeter entry never matches: its %s holds no address %s the "
                             "internet",
                             (p->direction == DIRECTION_OUTBOUND) == empty_inside ? "from" : "to",
                             empty_inside ? "outside" : "of");
    }
}

static void check_segments(const struct resolved *resolved, struct arena *arena,
                           struct diagnostics *found)
{
    for (size_t i = 0; i < resolved->policy->n_segments; i++) {
        const struct segment *segment = &resolved->policy->segments[i];
        if (!segment->n_networks || resolved->places.segments[i].n) continue;
        diagnostics_warn(found, arena, S("never-matches"), segment->place,
                         "no address lives in segment \"%.*s\": longer prefixes of other segments "
                         "hold all of its networks",
                         STR_ARG(segment->name));
    }
}

void check_entries(const struct resolved *resolved, struct arena *arena, struct arena scratch,
                   struct diagnostics *found)
{
    size_t first = found->n, n = resolved->n_entries;
    struct reach *reaches = arena_array(&scratch, struct reach, n);
    for (size_t i = 0; i < n; i++) {
        const struct resolved_entry *e = &resolved->entries[i];
        reaches[i] = reach_of_entry(resolved, e, &scratch);
        warn_of_internet(resolved, &e->entry->from, arena, found);
        warn_of_internet(resolved, &e->entry->to, arena, found);
        if (reaches[i].from.n && reaches[i].to.n && e->entry->n_services) {
            warn_of_authentication(resolved, e, &reaches[i], arena, found);
            continue;
        }
        /* Whose members are not known may match: that is said already. */
        bool unknown = (!reaches[i].from.n && decision_unknown(e->from_unknown)) ||
                       (!reaches[i].to.n && decision_unknown(e->to_unknown));
        if (unknown && e->entry->n_services) continue;
        const char *what = !e->entry->n_services ? "service names nothing"
                           : !reaches[i].from.n  ? "from holds no address"
                                                 : "to holds no address";
        diagnostics_warn(found, arena, S("never-matches"), e->entry->place,
                         "%.*s never matches: its %s", STR_ARG(reach_label(arena, e)), what);
    }
    check_covers(resolved, reaches, arena, scratch, found);
    check_exposure(resolved, reaches, arena, scratch, found);
    check_dates(resolved, arena, found);
    check_perimeter(resolved, arena, found);
    check_segments(resolved, arena, found);
    diagnostics_sort(found, first, arena);
}
