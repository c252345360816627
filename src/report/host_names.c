/* SPDX-License-Identifier: Apache-2.0 */
#include "report/host_names.h"

#include "base/map.h"

/* The first label of a name in capitals, as NetBIOS names are shown; a host may be known as ws0417,
 * WS0417 and ws0417.contoso.com. */
static str first_label(struct arena *arena, str name)
{
    str head, tail;
    (void)str_cut(name, '.', &head, &tail);
    char *text = arena_array(arena, char, head.len + 1);
    for (size_t i = 0; i < head.len; i++) {
        char c = head.ptr[i];
        text[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return (str){text, head.len};
}

struct host_names host_names_of(struct arena *arena, const struct hosts_view *hosts)
{
    struct host_names names = {.by_end = arena_new(arena, struct map)};
    struct map bearers = {0}; /* how many hosts a short name would stand for */
    for (size_t i = 0; i < hosts->n; i++)
        if (hosts->hosts[i].host->name.len)
            ++*map_put(&bearers, arena, first_label(arena, hosts->hosts[i].host->name), 0, NULL);
    for (size_t i = 0; i < hosts->n; i++) {
        const struct host *host = hosts->hosts[i].host;
        if (!host->name.len) continue;
        str *name = arena_new(arena, str);
        *name = first_label(arena, host->name);
        if (*map_find(&bearers, *name) > 1) *name = host->name;
        for (size_t j = 0; j < host->n_intervals; j++) {
            struct endpoint end = {.addr = host->intervals[j].addr};
            if (host->intervals[j].ambiguous) continue;
            map_put(names.by_end, arena, view_end_text(arena, end), (uint64_t)(uintptr_t)name,
                    NULL);
        }
    }
    return names;
}

str host_names_short(const struct host_names *names, struct arena *arena, struct endpoint end)
{
    str text = view_end_text(arena, end);
    const uint64_t *known = map_find(names->by_end, text);
    if (!known) return text;
    const str *name = (const str *)(uintptr_t)*known;
    return *name;
}

str host_names_long(const struct host_names *names, struct arena *arena, struct endpoint end)
{
    str text = view_end_text(arena, end), name = host_names_short(names, arena, end);
    if (str_equal(text, name)) return text;
    return str_format(arena, "%.*s %.*s", STR_ARG(name), STR_ARG(text));
}
