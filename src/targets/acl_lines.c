/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/acl_lines.h"

#include "base/instant.h"
#include "targets/disjoint.h"

enum {
    FIRST_CLIENT_PORT = 1024, /* below it, clients do not open connections from (RFC 6335, 6) */
    REMARK_BYTES = 400,
};

/* ---- Sets ---------------------------------------------------------------------------------------
 */

static unsigned families_of(struct prefix_set set, struct arena scratch)
{
    return (prefix_set_v4(&scratch, set).n ? (unsigned)ACL_LINES_V4 : 0u) |
           (prefix_set_v6(&scratch, set).n ? (unsigned)ACL_LINES_V6 : 0u);
}

static struct prefix_set in_families(struct arena *arena, struct prefix_set set, unsigned families)
{
    if (families == ACL_LINES_BOTH) return set;
    if (families == ACL_LINES_V4) return prefix_set_v4(arena, set);
    if (families == ACL_LINES_V6) return prefix_set_v6(arena, set);
    return (struct prefix_set){0};
}

struct ranges {
    struct range *items;
    size_t n, room;
};

static void add_all(struct ranges *list, struct arena *arena, struct prefix_set set)
{
    for (size_t i = 0; i < set.n; i++) {
        arena_grow(arena, list->items, list->n, list->room);
        list->items[list->n++] = set.ranges[i];
    }
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

static bool same_ports(const struct rule *a, const struct rule *b)
{
    if (a->transport != b->transport || a->n_ports != b->n_ports) return false;
    for (size_t i = 0; i < a->n_ports; i++)
        if (a->ports[i].first != b->ports[i].first || a->ports[i].last != b->ports[i].last)
            return false;
    return true;
}

static struct ruleset of_direction(struct ruleset rules, enum direction direction,
                                   struct arena *arena)
{
    struct rule *kept = arena_array(arena, struct rule, rules.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < rules.n; i++)
        if (rules.rules[i].enabled && rules.rules[i].direction == direction)
            kept[n++] = rules.rules[i];
    return (struct ruleset){.rules = kept, .n = n};
}

static struct prefix_set all_remotes(struct ruleset rules, struct arena *arena)
{
    struct ranges remotes = {0};
    for (size_t i = 0; i < rules.n; i++)
        add_all(&remotes, arena, rules.rules[i].remote);
    return prefix_set_of(arena, remotes.items, remotes.n);
}

static void add_line(struct acl_lines *lines, struct acl_line line, unsigned families,
                     struct arena *arena)
{
    families &= families_of(line.local, *arena) & families_of(line.remote, *arena);
    if (!families) return;
    line.local = in_families(arena, line.local, families);
    line.remote = in_families(arena, line.remote, families);
    line.any_remote = prefix_set_equal(line.remote, in_families(arena, lines->outside, families));
    arena_grow(arena, lines->items, lines->n, lines->room);
    lines->items[lines->n++] = line;
}

/* The deny of one list of ports. It names the whole of either side, since the permits before it
 * have taken what is approved; but only in families in which something is blocked. */
static void add_deny(struct acl_lines *lines, struct ruleset rules, const struct rule *first,
                     unsigned families, struct arena *arena)
{
    struct ranges local = {0}, remote = {0};
    unsigned blocked = 0;
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        if (!same_ports(rule, first)) continue;
        add_all(&local, arena, rule->local);
        add_all(&remote, arena, rule->remote);
        if (rule->action == ACTION_BLOCK)
            blocked |= families_of(rule->local, *arena) & families_of(rule->remote, *arena);
    }
    add_line(lines,
             (struct acl_line){
                 .rule = first,
                 .local = prefix_set_of(arena, local.items, local.n),
                 .remote = prefix_set_of(arena, remote.items, remote.n),
             },
             families & blocked, arena);
}

static bool denied_before(struct ruleset rules, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (rules.rules[i].action == ACTION_BLOCK &&
            same_ports(&rules.rules[i], &rules.rules[index]))
            return true;
    return false;
}

struct acl_lines acl_lines_of(struct ruleset rules, enum direction direction, unsigned families,
                              struct arena *arena)
{
    struct acl_lines lines = {0};
    struct ruleset own = of_direction(rules, direction, arena);
    struct ruleset disjoint = disjoint_rules(own, arena);
    lines.outside = all_remotes(own, arena);
    for (size_t i = 0; i < disjoint.n; i++) {
        const struct rule *rule = &disjoint.rules[i];
        if (rule->action != ACTION_ALLOW) continue;
        add_line(&lines, (struct acl_line){rule, rule->local, rule->remote, false}, families,
                 arena);
    }
    for (size_t i = 0; i < own.n; i++)
        if (own.rules[i].action == ACTION_BLOCK && !denied_before(own, i))
            add_deny(&lines, own, &own.rules[i], families, arena);

    unsigned any = 0;
    for (size_t i = 0; i < lines.n; i++)
        if (lines.items[i].any_remote) any |= families_of(lines.items[i].local, *arena);
    struct prefix_set everything = in_families(arena, (struct prefix_set){&addr_all, 1}, any);
    lines.outside = in_families(arena, lines.outside, any);
    lines.not_outside = prefix_set_subtract(arena, everything, lines.outside);
    return lines;
}

bool acl_lines_meet_replies(const struct acl_lines *lines)
{
    for (size_t i = 0; i < lines->n; i++) {
        const struct rule *rule = lines->items[i].rule;
        for (size_t k = 0; k < rule->n_ports; k++)
            if (rule->action == ACTION_BLOCK && rule->transport == TRANSPORT_TCP &&
                rule->ports[k].last >= FIRST_CLIENT_PORT)
                return true;
    }
    return false;
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

str acl_lines_plain(struct arena *arena, str text, size_t most)
{
    str plain = target_plain(arena, text, most);
    char *out = arena_array(arena, char, plain.len + 1);
    for (size_t i = 0; i < plain.len; i++)
        out[i] = plain.ptr[i] == '?' ? '.' : plain.ptr[i];
    return (str){out, plain.len};
}

str acl_lines_cut(str text, size_t most, str *tail)
{
    size_t at = most;
    if (text.len <= most) {
        *tail = (str){0};
        return text;
    }
    while (at > most / 2 && text.ptr[at] != ' ')
        at--;
    if (text.ptr[at] != ' ') at = most;
    *tail = str_trim(str_tail(text, at));
    return str_trim(str_head(text, at));
}

static void put_remark(struct buf *out, const char *mark, const char *label, str text,
                       struct arena *arena)
{
    if (!text.len) return;
    buf_format(out, "%s %s: %.*s\n", mark, label,
               STR_ARG(acl_lines_plain(arena, text, REMARK_BYTES)));
}

/* Where prefixes that the policy only names came from. */
static void put_tags(struct buf *out, const char *mark, const struct service_tag *tags, size_t n,
                     struct arena *arena)
{
    for (size_t i = 0; i < n; i++)
        put_remark(out, mark, "service tag",
                   str_format(arena, "%.*s of %.*s", STR_ARG(tags[i].tag), STR_ARG(tags[i].file)),
                   arena);
}

void acl_lines_header(struct buf *out, const char *mark, str dialect, str what,
                      const struct bundles *bundles, const struct target_header *header,
                      struct arena *arena)
{
    char as_of[INSTANT_TEXT];
    const struct policy *policy = bundles->resolved ? bundles->resolved->policy : NULL;
    buf_format(out, "%s sallyport: %.*s, %.*s\n", mark, STR_ARG(dialect),
               STR_ARG(acl_lines_plain(arena, what, REMARK_BYTES)));
    put_remark(out, mark, "organisation", header->organisation, arena);
    put_remark(out, mark, "policy",
               str_format(arena, "%.*s, SHA-256 %.*s", STR_ARG(header->policy_source),
                          STR_ARG(header->policy_sha256)),
               arena);
    if (header->exceptions_sha256.len)
        put_remark(out, mark, "exceptions",
                   str_format(arena, "SHA-256 %.*s", STR_ARG(header->exceptions_sha256)), arena);
    put_remark(out, mark, "as of", instant_text(as_of, header->as_of_us), arena);
    for (size_t i = 0; policy && i < policy->n_perimeter; i++) {
        const struct perimeter_entry *entry = &policy->perimeter[i];
        put_tags(out, mark, entry->from_tags, entry->n_from_tags, arena);
        put_tags(out, mark, entry->to_tags, entry->n_to_tags, arena);
    }
}

bool acl_lines_expressible(const struct target *target, const struct bundles *bundles,
                           struct err *err)
{
    for (size_t i = 0; i < bundles->n_borders; i++)
        for (size_t j = 0; j < bundles->borders[i].rules.n; j++)
            if (!target_expresses(target, &bundles->borders[i].rules.rules[j], err)) return false;
    return true;
}
