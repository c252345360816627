/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/reach.h"

#include "policy/diagnostics.h"
#include "policy/exceptions.h"

/* Most entries have no end at the internet, and none is local. */
static struct prefix_set without(struct arena *arena, struct prefix_set set, struct prefix_set out)
{
    return prefix_set_overlaps(set, out) ? prefix_set_subtract(arena, set, out) : set;
}

struct reach reach_within(const struct resolved *resolved, const struct resolved_entry *e,
                          struct prefix_set from, struct prefix_set to, struct arena *arena)
{
    const struct places *places = &resolved->places;
    struct reach reach = {without(arena, from, places->local), without(arena, to, places->local)};
    if (!e->from_internet) reach.from = without(arena, reach.from, places->internet);
    if (!e->to_internet) reach.to = without(arena, reach.to, places->internet);
    return reach;
}

struct reach reach_of_entry(const struct resolved *resolved, const struct resolved_entry *e,
                            struct arena *arena)
{
    return reach_within(resolved, e, without(arena, e->from, e->except_from),
                        without(arena, e->to, e->except_to), arena);
}

bool reach_is_secure(const struct resolved_entry *e)
{
    return e->secure == SECURE_KERBEROS || e->secure == SECURE_CERTIFICATE;
}

str reach_label(struct arena *arena, const struct resolved_entry *e)
{
    const struct entry *entry = e->entry;
    if (e->exception)
        return str_format(arena, "the %.*s", STR_ARG(exception_text(e->exception, arena)));
    if (!entry->name.len) return str_format(arena, "the entry of line %" PRIu32, entry->place.line);
    return str_format(arena, "the entry %.*s", STR_ARG(diagnostics_quote(arena, entry->name)));
}
