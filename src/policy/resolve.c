/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/resolve.h"

#include "base/instant.h"
#include "base/map.h"
#include "policy/authorised.h"
#include "policy/diagnostics.h"
#include "policy/exceptions.h"
#include "policy/places.h"

/* What the workspace knew of a host name; asked once, reported at every place that uses it. */
struct known_host {
    str name;
    const struct host_address *addresses;
    size_t n;
};

struct resolving {
    const struct policy *policy;
    const struct host_lookup *lookup;
    int64_t as_of_us;
    bool for_check;
    struct arena *arena;
    struct diagnostics *found;
    struct map host_numbers;
    struct known_host *hosts;
    size_t n_hosts, room_hosts;
    struct resolved *out;
};

/* Ranges on their way to one set. */
struct range_list {
    struct range *items;
    size_t n, room;
};

static void add_range(struct range_list *list, struct arena *arena, struct range range)
{
    arena_grow(arena, list->items, list->n, list->room);
    list->items[list->n++] = range;
}

static void add_set(struct range_list *list, struct arena *arena, struct prefix_set set)
{
    for (size_t i = 0; i < set.n; i++)
        add_range(list, arena, set.ranges[i]);
}

static struct prefix_set set_of(const struct range_list *list, struct arena *arena)
{
    return prefix_set_of(arena, list->items, list->n);
}

FORMAT_PRINTF(4, 5)
static void report(struct resolving *r, str kind, struct place place, const char *format, ...)
{
    char text[LIMIT_ERR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    diagnostics_add(r->found, r->arena, r->for_check ? SEVERITY_WARNING : SEVERITY_ERROR, kind,
                    place, str_copy(r->arena, str_of(text)));
}

/* ---- Hosts --------------------------------------------------------------------------------------
 */

static const struct known_host *find_host(struct resolving *r, str name)
{
    bool fresh = false;
    str key = str_lower(r->arena, name);
    uint64_t *number = map_put(&r->host_numbers, r->arena, key, r->n_hosts, &fresh);
    if (!fresh) return &r->hosts[*number];
    struct known_host host = {.name = name};
    if (r->lookup && r->lookup->host)
        host.addresses = r->lookup->host(r->lookup->to, name, r->as_of_us, r->arena, &host.n);
    arena_grow(r->arena, r->hosts, r->n_hosts, r->room_hosts);
    r->hosts[r->n_hosts++] = host;
    return &r->hosts[r->n_hosts - 1];
}

/* What can't be relied on at the time asked about is said; an address that another host has claimed
 * since is not this host's any more, so it is never part of the set. Returns how many are. */
static size_t add_addresses(struct resolving *r, const struct member *member,
                            const struct host_address *addresses, size_t n, struct range_list *list)
{
    int64_t oldest = r->as_of_us - (int64_t)r->policy->resolve_max_age_s * INSTANT_SECOND;
    int64_t newest = INT64_MIN;
    size_t n_added = 0;
    char text[INSTANT_TEXT], address[ADDR_TEXT];
    const char *what = member->kind == MEMBER_NAME ? "host" : "AD group";
    for (size_t i = 0; i < n; i++) {
        if (addresses[i].seen_us > newest) newest = addresses[i].seen_us;
        if (addresses[i].claimed_by_another)
            report(r, S("unresolved"), member->place,
                   "the address %.*s of %s \"%.*s\" is claimed by another host since",
                   STR_ARG(addr_text(address, addresses[i].addr)), what, STR_ARG(member->name));
        else {
            add_range(list, r->arena, (struct range){addresses[i].addr, addresses[i].addr});
            n_added++;
        }
    }
    if (!n)
        report(r, S("unresolved"), member->place,
               "the %s \"%.*s\" has no address known to the workspace", what,
               STR_ARG(member->name));
    else if (newest < oldest)
        report(r, S("unresolved"), member->place,
               "the %s \"%.*s\" was last seen at %.*s, longer ago than resolve-max-age", what,
               STR_ARG(member->name), STR_ARG(instant_text(text, newest)));
    return n_added;
}

/* Computers of a group of the directory are hosts by name: all of each machine's addresses, and
 * what can't be relied on is said of each. False when nobody knows who they are. */
static bool add_computers(struct resolving *r, const struct member *member, struct range_list *list,
                          str *missing)
{
    const str *names = NULL;
    size_t n = 0;
    if (!r->lookup->ad_computers(r->lookup->to, member->name, r->arena, &names, &n, missing))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct known_host *host = find_host(r, names[i]);
        struct member computer = *member;
        computer.kind = MEMBER_NAME;
        computer.name = names[i];
        (void)add_addresses(r, &computer, host->addresses, host->n, list);
    }
    return true;
}

/* False when the member has no address: it is someone, but nobody knows who. */
static bool add_member(struct resolving *r, const struct member *member, struct range_list *list)
{
    if (member->kind == MEMBER_PREFIX) {
        add_set(list, r->arena, places_of_prefix(member->prefix, r->arena));
        return true;
    }
    if (member->kind == MEMBER_NAME) {
        const struct known_host *host = find_host(r, member->name);
        return add_addresses(r, member, host->addresses, host->n, list) > 0;
    }
    if (r->lookup && r->lookup->ad_computers) {
        str missing = {0};
        if (add_computers(r, member, list, &missing)) return true;
        if (missing.len)
            report(r, S("unresolved"), member->place,
                   "the AD group \"%.*s\" holds the group \"%.*s\", which no membership file lists",
                   STR_ARG(member->name), STR_ARG(missing));
        if (missing.len) return false;
    }
    const struct host_address *addresses = NULL;
    size_t n = 0;
    if (r->lookup && r->lookup->ad_group)
        addresses = r->lookup->ad_group(r->lookup->to, member->name, r->as_of_us, r->arena, &n);
    return add_addresses(r, member, addresses, n, list) > 0;
}

/* A group of the directory has members, only nobody can tell which: it is named before a host that
 * was never seen. */
static bool is_group_mark(str mark)
{
    return str_starts(mark, S("group "));
}

static void resolve_groups(struct resolving *r)
{
    const struct policy *policy = r->policy;
    struct prefix_set *groups = arena_array(r->arena, struct prefix_set, policy->n_groups);
    str *unknown = arena_array(r->arena, str, policy->n_groups);
    for (size_t i = 0; i < policy->n_groups; i++) {
        struct range_list list = {0};
        for (size_t j = 0; j < policy->groups[i].n_hosts; j++) {
            const struct member *member = &policy->groups[i].hosts[j];
            bool is_host = member->kind == MEMBER_NAME;
            if (add_member(r, member, &list)) continue;
            if (unknown[i].len && (is_host || is_group_mark(unknown[i]))) continue;
            unknown[i] =
                str_format(r->arena, "%s %.*s", is_host ? "host" : "group", STR_ARG(member->name));
        }
        groups[i] = set_of(&list, r->arena);
    }
    r->out->groups = groups;
    r->out->groups_unknown = unknown;
}

/* What the workspace calls the host at an address; empty = nobody named it. */
static str name_at(const struct resolving *r, struct addr a)
{
    if (!r->lookup || !r->lookup->name) return (str){0};
    return r->lookup->name(r->lookup->to, a, r->as_of_us);
}

/* A host that a group gives by one of its addresses is a machine with all of them, too. */
static void find_hosts_by_address(struct resolving *r)
{
    for (size_t i = 0; i < r->policy->n_groups; i++)
        for (size_t j = 0; j < r->policy->groups[i].n_hosts; j++) {
            const struct member *member = &r->policy->groups[i].hosts[j];
            if (member->kind != MEMBER_PREFIX) continue;
            struct range range = prefix_range(member->prefix);
            if (!addr_equal(range.first, range.last)) continue;
            str name = name_at(r, range.first);
            if (name.len) (void)find_host(r, str_copy(r->arena, name));
        }
}

/* Hosts with several addresses that are their own. One that groups call by two names, or by a name
 * and an address, is one machine. */
static void resolve_machines(struct resolving *r)
{
    find_hosts_by_address(r);
    struct machine *machines = arena_array(r->arena, struct machine, r->n_hosts);
    struct map named = {0};
    size_t n_machines = 0;
    for (size_t i = 0; i < r->n_hosts; i++) {
        const struct known_host *host = &r->hosts[i];
        struct addr *addrs = arena_array(r->arena, struct addr, host->n);
        size_t n = 0;
        for (size_t j = 0; j < host->n; j++) {
            bool known = host->addresses[j].claimed_by_another;
            for (size_t k = 0; k < n && !known; k++)
                known = addr_equal(addrs[k], host->addresses[j].addr);
            if (!known) addrs[n++] = host->addresses[j].addr;
        }
        if (n < 2) continue;
        bool fresh = true;
        str name = name_at(r, addrs[0]);
        if (name.len) map_put(&named, r->arena, str_lower(r->arena, name), i, &fresh);
        if (fresh) machines[n_machines++] = (struct machine){host->name, addrs, n};
    }
    r->out->machines = machines;
    r->out->n_machines = n_machines;
}

/* A group's members with all addresses of each machine that is a member by any of them. */
static struct prefix_set whole_machines(const struct resolving *r, size_t group)
{
    struct prefix_set members = r->out->groups[group];
    struct range_list list = {0};
    for (size_t i = 0; i < r->out->n_machines; i++) {
        const struct machine *machine = &r->out->machines[i];
        bool is_member = false;
        for (size_t j = 0; j < machine->n_addrs && !is_member; j++)
            is_member = prefix_set_contains(members, machine->addrs[j]);
        for (size_t j = 0; j < machine->n_addrs && is_member; j++)
            add_range(&list, r->arena, (struct range){machine->addrs[j], machine->addrs[j]});
    }
    if (!list.n) return members;
    return prefix_set_union(r->arena, members, set_of(&list, r->arena));
}

/* ---- Built-in sets, who enforces ----------------------------------------------------------------
 */

static struct prefix_set segments_of_trust(const struct resolving *r, enum trust trust)
{
    struct range_list list = {0};
    for (size_t i = 0; i < r->policy->n_segments; i++)
        if (r->policy->segments[i].trust == trust)
            add_set(&list, r->arena, r->out->places.segments[i]);
    return set_of(&list, r->arena);
}

static void resolve_builtins(struct resolving *r)
{
    struct resolved *out = r->out;
    struct prefix_set line = prefix_set_of(r->arena, &addr_all, 1);
    struct prefix_set away = prefix_set_union(r->arena, out->places.internet, out->places.local);
    struct prefix_set outside =
        prefix_set_union(r->arena, out->places.internet, out->places.unknown);
    struct prefix_set distrusted = segments_of_trust(r, TRUST_UNTRUSTED);

    out->managed = segments_of_trust(r, TRUST_MANAGED);
    out->builtins[BUILTIN_ANY] = prefix_set_subtract(r->arena, line, away);
    out->builtins[BUILTIN_INTERNET] = out->places.internet;
    out->builtins[BUILTIN_UNKNOWN] = out->places.unknown;
    out->builtins[BUILTIN_MANAGED] = out->managed;
    out->builtins[BUILTIN_UNTRUSTED] = prefix_set_union(r->arena, distrusted, outside);
    out->builtins[BUILTIN_ALL] = line;
}

static void resolve_enforcing(struct resolving *r)
{
    struct range_list list = {0};
    for (size_t i = 0; i < r->policy->n_groups; i++)
        if (!r->policy->groups[i].managed) add_set(&list, r->arena, whole_machines(r, i));
    r->out->unmanaged_members = set_of(&list, r->arena);
    r->out->enforcing = prefix_set_subtract(r->arena, r->out->managed, r->out->unmanaged_members);
}

static void resolve_controllers(struct resolving *r)
{
    struct range_list list = {0};
    for (size_t i = 0; i < r->policy->n_groups; i++) {
        const struct group *group = &r->policy->groups[i];
        if (group->role != ROLE_DOMAIN_CONTROLLER) continue;
        add_set(&list, r->arena, whole_machines(r, i));
        for (size_t k = 0; k < group->n_vip; k++)
            add_set(&list, r->arena, places_of_prefix(group->vip[k].prefix, r->arena));
    }
    r->out->controllers = set_of(&list, r->arena);
}

/* ---- Profile modes ------------------------------------------------------------------------------
 */

/* The first group with this mode that has the address (as a whole machine). */
static const struct group *group_of(const struct resolving *r, struct addr a, enum profile profile,
                                    enum profile_mode mode)
{
    for (size_t i = 0; i < r->policy->n_groups; i++)
        if (r->policy->groups[i].profiles[profile] == mode &&
            prefix_set_contains(whole_machines(r, i), a))
            return &r->policy->groups[i];
    return NULL;
}

static void check_groups_agree(struct resolving *r, enum profile profile,
                               const struct prefix_set by_mode[MODE_OFF + 1])
{
    for (unsigned a = MODE_ENFORCE; a <= MODE_OFF; a++)
        for (unsigned b = a + 1; b <= MODE_OFF; b++) {
            struct prefix_set both = prefix_set_intersect(r->arena, by_mode[a], by_mode[b]);
            if (!both.n) continue;
            struct addr who = both.ranges[0].first;
            const struct group *first = group_of(r, who, profile, a);
            const struct group *second = group_of(r, who, profile, b);
            assert(first && second);
            if (second < first) {
                const struct group *swap = first;
                first = second;
                second = swap;
            }
            char text[ADDR_TEXT];
            diagnostics_error(
                r->found, r->arena, S("conflict"), second->place,
                "the groups \"%.*s\" and \"%.*s\" disagree on the %.*s profile of %.*s: %.*s and "
                "%.*s",
                STR_ARG(first->name), STR_ARG(second->name), STR_ARG(profile_text(profile)),
                STR_ARG(addr_text(text, who)), STR_ARG(profile_mode_text(first->profiles[profile])),
                STR_ARG(profile_mode_text(second->profiles[profile])));
        }
}

/* Gives a mode to those of `who` that have none yet. */
static void settle(struct resolving *r, enum profile profile, enum profile_mode mode,
                   struct prefix_set who, struct prefix_set *rest)
{
    struct prefix_set settled = prefix_set_intersect(r->arena, who, *rest);
    struct prefix_set *set = &r->out->modes[profile][mode];
    *set = prefix_set_union(r->arena, *set, settled);
    *rest = prefix_set_subtract(r->arena, *rest, settled);
}

static bool role_enforces(enum role role)
{
    return role == ROLE_DOMAIN_CONTROLLER || role == ROLE_FILE_SERVER ||
           role == ROLE_PRINT_SERVER || role == ROLE_CLUSTER;
}

/* DESIGN.md 4, Profile modes: the first level that names the profile decides. */
static void resolve_profile(struct resolving *r, enum profile profile)
{
    static const enum profile_mode defaults[] = {
        [PROFILE_DOMAIN] = MODE_ENFORCE,
        [PROFILE_PRIVATE] = MODE_BLOCK_INBOUND,
        [PROFILE_PUBLIC] = MODE_BLOCK_ALL,
    };
    const struct policy *policy = r->policy;
    struct prefix_set rest = r->out->enforcing;
    struct range_list lists[MODE_OFF + 1] = {0}, by_segment[MODE_OFF + 1] = {0}, by_role = {0};
    struct prefix_set by_mode[MODE_OFF + 1] = {0};

    for (size_t i = 0; i < policy->n_groups; i++) {
        const struct group *group = &policy->groups[i];
        if (group->profiles[profile] != MODE_UNSET)
            add_set(&lists[group->profiles[profile]], r->arena, whole_machines(r, i));
        if (role_enforces(group->role)) add_set(&by_role, r->arena, whole_machines(r, i));
    }
    for (size_t i = 0; i < policy->n_segments; i++)
        add_set(&by_segment[policy->segments[i].profiles[profile]], r->arena,
                r->out->places.segments[i]);

    for (unsigned m = MODE_ENFORCE; m <= MODE_OFF; m++)
        by_mode[m] = set_of(&lists[m], r->arena);
    check_groups_agree(r, profile, by_mode);
    for (unsigned m = MODE_ENFORCE; m <= MODE_OFF; m++)
        settle(r, profile, m, by_mode[m], &rest);
    settle(r, profile, MODE_ENFORCE, set_of(&by_role, r->arena), &rest);
    for (unsigned m = MODE_ENFORCE; m <= MODE_OFF; m++)
        settle(r, profile, m, set_of(&by_segment[m], r->arena), &rest);
    enum profile_mode top = policy->profiles[profile];
    settle(r, profile, top != MODE_UNSET ? top : defaults[profile], rest, &rest);
}

/* ---- Entries ------------------------------------------------------------------------------------
 */

/* Addresses under which the other side sees a segment's or a group's machines (DESIGN.md 4, NAT):
 * of `managed` and `untrusted`, those of all their segments. */
struct seen_as {
    const struct placed_prefix *items;
    size_t n;
};

static struct seen_as seen_as_group(const struct policy *policy, const struct selector *selector)
{
    if (selector->kind != SELECT_GROUP) return (struct seen_as){NULL, 0};
    const struct group *group = &policy->groups[selector->index];
    return (struct seen_as){group->vip, group->n_vip};
}

/* The segments that a selector may mean: the first, and behind the last. */
static size_t first_segment(const struct selector *selector)
{
    return selector->kind == SELECT_SEGMENT ? selector->index : 0;
}

static size_t last_segment(const struct policy *policy, const struct selector *selector)
{
    bool of_trust = selector->kind == SELECT_BUILTIN &&
                    (selector->index == BUILTIN_MANAGED || selector->index == BUILTIN_UNTRUSTED);
    if (selector->kind == SELECT_SEGMENT) return selector->index + 1;
    return of_trust ? policy->n_segments : 0;
}

/* The segment's, when the selector means it. */
static struct seen_as seen_as_segment(const struct policy *policy, const struct selector *selector,
                                      size_t number)
{
    const struct segment *segment = &policy->segments[number];
    enum trust trust = selector->index == BUILTIN_MANAGED ? TRUST_MANAGED : TRUST_UNTRUSTED;
    if (selector->kind == SELECT_BUILTIN && segment->trust != trust)
        return (struct seen_as){NULL, 0};
    return (struct seen_as){segment->nat, segment->n_nat};
}

static bool is_seen_otherwise(const struct policy *policy, const struct selector *selector)
{
    if (seen_as_group(policy, selector).n) return true;
    for (size_t i = first_segment(selector); i < last_segment(policy, selector); i++)
        if (seen_as_segment(policy, selector, i).n) return true;
    return false;
}

static void add_seen(struct seen_as seen, struct arena *arena, struct range_list *list)
{
    for (size_t i = 0; i < seen.n; i++)
        add_set(list, arena, places_of_prefix(seen.items[i].prefix, arena));
}

/* What a selector means of the machines' own addresses. */
static struct prefix_set own_addresses(const struct resolved *resolved,
                                       const struct selector *selector, struct arena *arena)
{
    switch (selector->kind) {
    case SELECT_SEGMENT:
        return resolved->places.segments[selector->index];
    case SELECT_GROUP:
        return resolved->groups[selector->index];
    case SELECT_BUILTIN:
        return resolved->builtins[selector->index];
    case SELECT_PREFIX:
        break;
    }
    return places_of_prefix(selector->prefix, arena);
}

static void add_selector(const struct resolved *resolved, const struct selector *selector,
                         enum resolve_end end, struct arena *arena, struct range_list *list)
{
    const struct policy *policy = resolved->policy;
    add_set(list, arena, own_addresses(resolved, selector, arena));
    if (end == RESOLVE_OWN) return;
    add_seen(seen_as_group(policy, selector), arena, list);
    for (size_t i = first_segment(selector); i < last_segment(policy, selector); i++)
        add_seen(seen_as_segment(policy, selector, i), arena, list);
}

struct prefix_set resolve_selectors(const struct resolved *resolved,
                                    const struct selectors *selectors, enum resolve_end end,
                                    struct arena *arena)
{
    struct range_list list = {0};
    /* Most ends have just one set, as it is. */
    if (selectors->n == 1 &&
        (end == RESOLVE_OWN || !is_seen_otherwise(resolved->policy, &selectors->items[0])))
        return own_addresses(resolved, &selectors->items[0], arena);
    for (size_t i = 0; i < selectors->n; i++)
        add_selector(resolved, &selectors->items[i], end, arena, &list);
    return set_of(&list, arena);
}

static struct prefix_set clients_of(const struct resolving *r, const struct selectors *selectors)
{
    return resolve_selectors(r->out, selectors, RESOLVE_CLIENT, r->arena);
}

static struct prefix_set servers_of(const struct resolving *r, const struct selectors *selectors)
{
    return resolve_selectors(r->out, selectors, RESOLVE_SERVER, r->arena);
}

static bool has_word_internet(const struct selectors *selectors)
{
    for (size_t i = 0; i < selectors->n; i++)
        if (selectors->items[i].kind == SELECT_BUILTIN &&
            selectors->items[i].index == BUILTIN_INTERNET)
            return true;
    return false;
}

static str unknown_of(const struct resolving *r, const struct selectors *selectors)
{
    return resolve_unknown(r->out, selectors);
}

/* Whom a secured entry authorises. */
static void authorise(const struct resolving *r, struct resolved_entry *entry)
{
    if (entry->secure == SECURE_NONE) return;
    struct authorised by = authorised_by(r->policy, entry->entry, r->lookup, r->arena);
    entry->principals = by.sids;
    if (by.lack.len)
        entry->principals_lack =
            str_format(r->arena, "%.*s: %.*s",
                       STR_ARG(resolve_entry_where(r->out, entry, r->arena)), STR_ARG(by.lack));
}

static struct resolved_entry resolve_entry(const struct resolving *r, const struct entry *entry,
                                           const struct exception *exception)
{
    enum secure by_default =
        r->policy->strategy == STRATEGY_SECURE_BYPASS ? SECURE_KERBEROS : SECURE_NONE;
    struct resolved_entry out = {
        .entry = entry,
        .from = clients_of(r, &entry->from),
        .to = servers_of(r, &entry->to),
        .except_from = clients_of(r, &entry->except_from),
        .except_to = servers_of(r, &entry->except_to),
        .from_internet = has_word_internet(&entry->from),
        .to_internet = has_word_internet(&entry->to),
        .from_unknown = unknown_of(r, &entry->from),
        .to_unknown = unknown_of(r, &entry->to),
        .except_from_unknown = unknown_of(r, &entry->except_from),
        .except_to_unknown = unknown_of(r, &entry->except_to),
        .secure = entry->secure == SECURE_UNSET ? by_default : entry->secure,
        .is_exception = exception != NULL,
        .exception = exception,
    };
    authorise(r, &out);
    return out;
}

static bool is_alive(const struct resolving *r, size_t exception)
{
    return exception_life(&r->policy->exceptions[exception], r->as_of_us) == EXCEPTION_ALIVE;
}

static void resolve_entries(struct resolving *r)
{
    const struct policy *policy = r->policy;
    size_t n = 0, n_living = 0;
    for (size_t i = 0; i < policy->n_exceptions; i++)
        n_living += is_alive(r, i);
    struct resolved_entry *entries =
        arena_array(r->arena, struct resolved_entry, policy->n_allow + n_living);
    for (size_t i = 0; i < policy->n_allow; i++)
        entries[n++] = resolve_entry(r, &policy->allow[i], NULL);
    for (size_t i = 0; i < policy->n_exceptions; i++)
        if (is_alive(r, i))
            entries[n++] = resolve_entry(r, &policy->exceptions[i].entry, &policy->exceptions[i]);
    r->out->entries = entries;
    r->out->n_entries = n;
}

static void add_tags(struct resolving *r, const struct service_tag *tags, size_t n,
                     struct prefix_set *set)
{
    for (size_t i = 0; i < n; i++) {
        struct prefix_set prefixes = {0};
        bool read =
            r->lookup && r->lookup->service_tag &&
            r->lookup->service_tag(r->lookup->to, tags[i].tag, tags[i].file, r->arena, &prefixes);
        if (!read)
            report(r, S("unresolved"), tags[i].place,
                   "the service tag \"%.*s\" can't be read from \"%.*s\"", STR_ARG(tags[i].tag),
                   STR_ARG(tags[i].file));
        *set = prefix_set_union(r->arena, *set, prefixes);
    }
}

static void resolve_perimeter(struct resolving *r)
{
    const struct policy *policy = r->policy;
    struct prefix_set internet = r->out->places.internet;
    struct resolved_perimeter *entries =
        arena_array(r->arena, struct resolved_perimeter, policy->n_perimeter);
    for (size_t i = 0; i < policy->n_perimeter; i++) {
        const struct perimeter_entry *entry = &policy->perimeter[i];
        struct prefix_set from = clients_of(r, &entry->from);
        struct prefix_set to = servers_of(r, &entry->to);
        add_tags(r, entry->from_tags, entry->n_from_tags, &from);
        add_tags(r, entry->to_tags, entry->n_to_tags, &to);
        bool outbound = entry->direction == DIRECTION_OUTBOUND;
        entries[i] = (struct resolved_perimeter){
            .entry = entry,
            .direction = entry->direction,
            .from = outbound ? prefix_set_subtract(r->arena, from, internet)
                             : prefix_set_intersect(r->arena, from, internet),
            .to = outbound ? prefix_set_intersect(r->arena, to, internet)
                           : prefix_set_subtract(r->arena, to, internet),
            .from_unknown = outbound ? unknown_of(r, &entry->from) : (str){0},
            .to_unknown = outbound ? (str){0} : unknown_of(r, &entry->to),
        };
    }
    r->out->perimeter = entries;
    r->out->n_perimeter = policy->n_perimeter;
}

static void resolve_borders(struct resolving *r)
{
    const struct policy *policy = r->policy;
    struct border *borders = arena_array(r->arena, struct border, policy->n_segments + 1);
    size_t n = 0;
    for (size_t i = 0; i < policy->n_segments; i++)
        if (policy->segments[i].border_enforced)
            borders[n++] = (struct border){policy->segments[i].name, r->out->places.segments[i]};
    if (policy->has_perimeter)
        borders[n++] = (struct border){S("internet"), r->out->builtins[BUILTIN_ANY]};
    r->out->borders = borders;
    r->out->n_borders = n;
}

bool resolve_policy(const struct policy *policy, const struct host_lookup *lookup, int64_t as_of_us,
                    bool for_check, struct arena *arena, struct resolved *out,
                    struct diagnostics *found)
{
    size_t first = found->n, errors_before = found->n_errors;
    struct resolved resolved = {
        .policy = policy,
        .lookup = lookup,
        .as_of_us = as_of_us,
        .places = places_of_policy(policy, arena),
    };
    struct resolving r = {
        .policy = policy,
        .lookup = lookup,
        .as_of_us = as_of_us,
        .for_check = for_check,
        .arena = arena,
        .found = found,
        .out = &resolved,
    };
    resolve_groups(&r);
    resolve_machines(&r);
    resolve_builtins(&r);
    resolve_enforcing(&r);
    resolve_controllers(&r);
    for (unsigned p = 0; p < PROFILE_COUNT; p++)
        resolve_profile(&r, p);
    resolve_entries(&r);
    resolve_perimeter(&r);
    resolve_borders(&r);
    diagnostics_sort(found, first, arena);
    if (found->n_errors > errors_before) return false;
    *out = resolved;
    return true;
}

/* ---- Look-ups -----------------------------------------------------------------------------------
 */

static bool seen_has(struct seen_as seen, struct addr a)
{
    for (size_t i = 0; i < seen.n; i++)
        if (places_prefix_has(seen.items[i].prefix, a)) return true;
    return false;
}

static bool selector_has(const struct resolved *resolved, const struct selector *selector,
                         enum resolve_end end, struct addr a)
{
    const struct policy *policy = resolved->policy;
    if (selector->kind == SELECT_PREFIX) return places_prefix_has(selector->prefix, a);
    if (prefix_set_contains(own_addresses(resolved, selector, NULL), a)) return true;
    if (end == RESOLVE_OWN) return false;
    if (seen_has(seen_as_group(policy, selector), a)) return true;
    for (size_t i = first_segment(selector); i < last_segment(policy, selector); i++)
        if (seen_has(seen_as_segment(policy, selector, i), a)) return true;
    return false;
}

bool resolve_selectors_have(const struct resolved *resolved, const struct selectors *selectors,
                            enum resolve_end end, struct addr a)
{
    for (size_t i = 0; i < selectors->n; i++)
        if (selector_has(resolved, &selectors->items[i], end, a)) return true;
    return false;
}

str resolve_unknown(const struct resolved *resolved, const struct selectors *selectors)
{
    str mark = {0};
    for (size_t i = 0; i < selectors->n; i++) {
        const struct selector *item = &selectors->items[i];
        if (item->kind != SELECT_GROUP) continue;
        str other = resolved->groups_unknown[item->index];
        if (is_group_mark(other)) return other;
        if (!mark.len) mark = other;
    }
    return mark;
}

str resolve_entry_where(const struct resolved *resolved, const struct resolved_entry *entry,
                        struct arena *arena)
{
    str source = entry->exception ? entry->exception->file->name : resolved->policy->source;
    return str_format(arena, "%.*s:%" PRIu32, STR_ARG(source), entry->entry->place.line);
}

size_t resolve_segment(const struct resolved *resolved, struct addr a)
{
    const struct places *places = &resolved->places;
    size_t low = 0, high = places->n_lived;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(places->lived[middle].range.last, a) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool inside = low < places->n_lived && addr_compare(places->lived[low].range.first, a) <= 0;
    return inside ? places->lived[low].segment : SIZE_MAX;
}

str resolve_place(const struct resolved *resolved, struct addr a)
{
    size_t segment = resolve_segment(resolved, a);
    if (segment != SIZE_MAX) return resolved->policy->segments[segment].name;
    if (prefix_set_contains(resolved->places.local, a)) return S("local");
    if (prefix_set_contains(resolved->places.unknown, a)) return S("unknown");
    return S("internet");
}
