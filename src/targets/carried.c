/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/carried.h"

#include "policy/exceptions.h"

/* One end inside, the other not. */
static bool crosses(const struct border *border, const struct resolved_entry *entry)
{
    struct prefix_set inside = border->inside;
    return (prefix_set_overlaps(inside, entry->from) && !prefix_set_covers(inside, entry->to)) ||
           (prefix_set_overlaps(inside, entry->to) && !prefix_set_covers(inside, entry->from));
}

bool carried_entry(const struct resolved *resolved, const struct resolved_entry *entry,
                   const struct target *target)
{
    if (!entry->exception || !entry->from.n || !entry->to.n) return false;
    if (target->hosts && (prefix_set_overlaps(resolved->enforcing, entry->from) ||
                          prefix_set_overlaps(resolved->enforcing, entry->to)))
        return true;
    for (size_t i = 0; i < resolved->n_borders && target->borders; i++)
        if (crosses(&resolved->borders[i], entry)) return true;
    return false;
}

str carried_id(const struct exception *exception, struct arena *arena)
{
    if (exception->id.len) return exception->id;
    return str_format(arena, "%.*s:%" PRIu32, STR_ARG(exception->file->name),
                      exception->entry.place.line);
}
