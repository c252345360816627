/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/log_prefix.h"

enum { PREFIX_BYTES = 127, ID_BYTES = 80 };

str log_prefix_rings(const struct resolved *resolved, struct prefix_set members,
                     struct arena *arena)
{
    struct buf out = buf_in(arena);
    if (!resolved) return (str){0};
    const struct policy *policy = resolved->policy;
    for (size_t i = 0; i < policy->n_rings && members.n; i++) {
        const struct ring *ring = &policy->rings[i];
        struct prefix_set named = {&addr_all, 1};
        if (!ring->is_rest) named = resolve_selectors(resolved, &ring->members, RESOLVE_OWN, arena);
        if (!prefix_set_overlaps(members, named)) continue;
        buf_format(&out, "%s%.*s", out.len ? "," : "", STR_ARG(ring->name));
        if (!ring->has_percent) members = prefix_set_subtract(arena, members, named);
    }
    return buf_text(&out);
}

str log_prefix_of(const struct rule *rule, str rings, struct arena *arena)
{
    /* The end of a long id tells rules apart, its beginning whose they are. */
    str id = target_plain(arena, rule->id, rule->id.len), ours = S("sallyport-");
    if (str_starts(id, ours)) id = str_tail(id, ours.len);
    if (id.len > ID_BYTES) id = str_tail(id, id.len - ID_BYTES);
    id = str_format(arena, "%.*s%.*s", STR_ARG(ours), STR_ARG(id));
    if (!rings.len) return str_format(arena, "%.*s ", STR_ARG(id));
    rings = str_head(rings, PREFIX_BYTES - id.len - sizeof " rings ");
    return str_format(arena, "%.*s rings %.*s ", STR_ARG(id), STR_ARG(rings));
}
