/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/groups.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Labels of letters, digits, '-' and '_' (Windows allows it), separated by dots. */
static bool is_host_name(str text)
{
    enum { MOST_NAME = 253, MOST_LABEL = 63 };
    if (!text.len || text.len > MOST_NAME) return false;
    for (bool more = true; more;) {
        str label;
        more = str_cut(text, '.', &label, &text);
        if (!label.len || label.len > MOST_LABEL) return false;
        if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-') return false;
        for (size_t i = 0; i < label.len; i++) {
            char c = label.ptr[i];
            bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
            if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') return false;
        }
    }
    return true;
}

static const struct key ad_group_keys[] = {
    {T("ad-group"), COMPULSORY, reading_text, offsetof(struct member, name), NULL},
};
static const struct keys ad_group_map = {T("a group's member"), ad_group_keys, 1};

static bool read_member(struct reading *r, const struct node *item, struct member *out)
{
    *out = (struct member){.place = item->place};
    if (item->kind == NODE_MAP) {
        out->kind = MEMBER_AD_GROUP;
        return reading_map(r, item, &ad_group_map, out) && out->name.len;
    }
    if (item->kind == NODE_TEXT && reading_looks_like_address(item->text)) {
        out->kind = MEMBER_PREFIX;
        return reading_prefix(r, item, &out->prefix);
    }
    if (item->kind != NODE_TEXT || !is_host_name(item->text)) {
        reading_error(r, "value", item->place,
                      "expected a host name, an address, a prefix or {ad-group: NAME}, found %.*s",
                      STR_ARG(reading_found(r, item)));
        return false;
    }
    out->kind = MEMBER_NAME;
    out->name = item->text;
    return true;
}

static void read_hosts(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct group *group = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_items(r, value, "hosts", true, &items, &n)) return;
    struct member *members = arena_array(r->arena, struct member, n);
    for (size_t i = 0; i < n; i++)
        if (read_member(r, &items[i], &members[group->n_hosts])) group->n_hosts++;
    group->hosts = members;
}

static void read_vip(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct group *group = into;
    (void)about;
    struct prefix_list list = reading_prefixes(r, value);
    group->vip = list.items;
    group->n_vip = list.n;
}

static const str roles[] = {
#define X(name, text) T(text),
    ROLES(X)
#undef X
};
static const struct choices role_choices = {roles, COUNT_OF(roles)};

static const struct key group_keys[] = {
    {T("hosts"), COMPULSORY, read_hosts,     0,                     NULL                },
    {T("role"),  OPTIONAL,   reading_choice, offsetof(struct group, role),                &role_choices},
    {T("managed"),          OPTIONAL,         reading_bool,      offsetof(struct group,       managed), NULL},
    {T("profiles"),      OPTIONAL,                reading_profiles,                  offsetof(struct group,                          profiles),               NULL},
    {T("vip"), OPTIONAL,       read_vip,                     0,          NULL       },
};
static const struct keys group_map = {T("a group"), group_keys, COUNT_OF(group_keys)};

void groups_read(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct policy *policy = into;
    (void)about;
    if (value->kind != NODE_MAP) {
        reading_error(r, "value", value->place,
                      "expected a mapping from group names to groups, found %.*s",
                      STR_ARG(reading_found(r, value)));
        return;
    }
    struct group *groups = arena_array(r->arena, struct group, value->n);
    for (size_t i = 0; i < value->n; i++) {
        const struct node *key = &value->items[2 * i];
        struct group *group = &groups[policy->n_groups];
        bool named = reading_declare(r, key, NAMED_GROUP, policy->n_groups);
        *group = (struct group){.name = key->text, .place = key->place, .managed = true};
        (void)reading_map(r, &value->items[2 * i + 1], &group_map, group);
        if (named) policy->n_groups++;
    }
    policy->groups = groups;
}

void groups_warn_of_names(struct reading *r)
{
    for (size_t i = 0; i < r->policy->n_groups; i++)
        for (size_t j = 0; j < r->policy->groups[i].n_hosts; j++) {
            const struct member *member = &r->policy->groups[i].hosts[j];
            if (member->kind != MEMBER_NAME || !map_find(&r->names, member->name)) continue;
            diagnostics_warn(r->found, r->arena, S("ambiguous"), member->place,
                             "\"%.*s\" is taken as the name of a host; the segment or group of "
                             "that name is not meant here",
                             STR_ARG(member->name));
        }
}
