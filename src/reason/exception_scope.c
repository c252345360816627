/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/exception_scope.h"

static bool is_meant(const struct resolved *resolved, struct selector selector,
                     enum resolve_end end, struct prefix_set set, struct arena scratch)
{
    struct selectors one = {&selector, 1, true};
    return prefix_set_equal(set, resolve_selectors(resolved, &one, end, &scratch));
}

/* A segment, or else a group, that is exactly the set; empty = none is. */
static str name_of(const struct resolved *resolved, struct prefix_set set, enum resolve_end end,
                   struct arena scratch)
{
    const struct policy *policy = resolved->policy;
    if (prefix_set_is_empty(set)) return (str){0};
    for (size_t i = 0; i < policy->n_segments; i++) {
        struct selector segment = {.kind = SELECT_SEGMENT, .index = i};
        if (is_meant(resolved, segment, end, set, scratch)) return policy->segments[i].name;
    }
    for (size_t i = 0; i < policy->n_groups; i++) {
        struct selector group = {.kind = SELECT_GROUP, .index = i};
        /* What it means may grow once its members are known. */
        if (resolved->groups_unknown[i].len) continue;
        if (is_meant(resolved, group, end, set, scratch)) return policy->groups[i].name;
    }
    return (str){0};
}

static str prefix_word(char out[PREFIX_TEXT], struct prefix p)
{
    struct range range = prefix_range(p);
    if (addr_equal(range.first, range.last)) return addr_text(out, p.addr);
    return prefix_text(out, p);
}

void exception_scope_end(struct json *json, const struct resolved *resolved, struct prefix_set set,
                         enum resolve_end end, struct arena scratch)
{
    str name = name_of(resolved, set, end, scratch);
    char text[PREFIX_TEXT];
    size_t n = 0;
    json_array(json);
    if (name.len) {
        json_str(json, name);
    } else {
        struct prefix *prefixes = prefix_set_prefixes(&scratch, set, &n);
        for (size_t i = 0; i < n; i++)
            json_str(json, prefix_word(text, prefixes[i]));
    }
    json_array_end(json);
}

str exception_scope_json(const struct exception_scope *scope, const struct resolved *resolved,
                         struct arena *arena, struct arena scratch)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    json_object(&json);
    json_key(&json, S("from"));
    exception_scope_end(&json, resolved, scope->from, RESOLVE_CLIENT, scratch);
    json_key(&json, S("to"));
    exception_scope_end(&json, resolved, scope->to, RESOLVE_SERVER, scratch);
    json_key(&json, S("service"));
    json_array(&json);
    for (size_t i = 0; i < scope->n_services; i++)
        json_str(&json, resolved->policy->services.services[scope->services[i]].name);
    json_array_end(&json);
    if (scope->secure != SECURE_UNSET)
        json_member_str(&json, S("secure"), secure_text(scope->secure));
    if (scope->name.len) json_member_str(&json, S("name"), scope->name);
    json_object_end(&json);
    return buf_text(&out);
}

static void put_selectors(struct buf *out, const struct selectors *selectors,
                          const struct policy *policy)
{
    char text[PREFIX_TEXT];
    buf_char(out, '[');
    for (size_t i = 0; i < selectors->n; i++) {
        const struct selector *s = &selectors->items[i];
        if (i) buf_str(out, S(", "));
        switch (s->kind) {
        case SELECT_SEGMENT:
            buf_str(out, policy->segments[s->index].name);
            break;
        case SELECT_GROUP:
            buf_str(out, policy->groups[s->index].name);
            break;
        case SELECT_BUILTIN:
            buf_str(out, builtin_text((enum builtin)s->index));
            break;
        case SELECT_PREFIX:
            /* In quotes: the colons of IPv6 are YAML's, too. */
            buf_format(out, "\"%.*s\"", STR_ARG(prefix_word(text, s->prefix)));
            break;
        }
    }
    buf_char(out, ']');
}

str exception_scope_entry(const struct entry *entry, const struct policy *policy,
                          struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("- {"));
    if (entry->name.len) {
        /* A string of JSON is one of YAML (DESIGN.md 4). */
        struct json json = json_to(&out);
        buf_str(&out, S("name: "));
        json_str(&json, entry->name);
        buf_str(&out, S(", "));
    }
    buf_str(&out, S("from: "));
    put_selectors(&out, &entry->from, policy);
    buf_str(&out, S(", to: "));
    put_selectors(&out, &entry->to, policy);
    buf_str(&out, S(", service: ["));
    for (size_t i = 0; i < entry->n_services; i++)
        buf_format(&out, "%s%.*s", i ? ", " : "",
                   STR_ARG(policy->services.services[entry->services[i]].name));
    buf_char(&out, ']');
    if (entry->secure != SECURE_UNSET)
        buf_format(&out, ", secure: %.*s", STR_ARG(secure_text(entry->secure)));
    buf_char(&out, '}');
    return buf_text(&out);
}
