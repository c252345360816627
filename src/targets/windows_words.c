/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/windows_words.h"

static bool parse_number(str text, uint16_t *out)
{
    uint64_t port = 0;
    if (!str_u64(text, UINT16_MAX, &port) || !port || text.ptr[0] == '0') return false;
    *out = (uint16_t)port;
    return true;
}

bool windows_words_port(str token, enum transport transport, struct service_port *out)
{
    str first, last;
    struct service_port port = {.transport = transport};
    bool is_range = str_cut(token, '-', &first, &last);
    if (!parse_number(first, &port.first) || !parse_number(is_range ? last : first, &port.last) ||
        port.last < port.first)
        return false;
    *out = port;
    return true;
}

bool windows_words_range(str token, struct range *out)
{
    str first, last;
    struct prefix prefix;
    if (str_cut(token, '-', &first, &last))
        return addr_parse(first, &out->first) && addr_parse(last, &out->last) &&
               addr_is_v4(out->first) == addr_is_v4(out->last) &&
               addr_compare(out->first, out->last) < 0;
    if (!prefix_parse(token, &prefix) || prefix_has_host_bits(prefix)) return false;
    *out = prefix_range(prefix);
    return true;
}

bool windows_words_ports(str list, struct rule *rule, struct arena *arena, str *wrong)
{
    for (bool more = true; more;) {
        struct service_port port;
        more = str_cut(list, ',', wrong, &list);
        if (rule->n_ports == LIMIT_SERVICE_PORTS ||
            !windows_words_port(*wrong, rule->transport, &port))
            return false;
        rule_add_port(rule, arena, port);
    }
    return true;
}

bool windows_words_ranges(str list, struct arena *arena, struct prefix_set *out, str *wrong)
{
    struct range *ranges = NULL;
    size_t n = 0, room = 0;
    for (bool more = true; more;) {
        more = str_cut(list, ',', wrong, &list);
        arena_grow(arena, ranges, n, room);
        if (!windows_words_range(*wrong, &ranges[n])) return false;
        n++;
    }
    *out = prefix_set_of(arena, ranges, n);
    return true;
}
